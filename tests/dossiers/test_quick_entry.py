"""Quick entry: a person, a procedure, two numbers, and the result in their hands."""

from __future__ import annotations

import pytest

from dossiers import tasks, workflow
from dossiers.counter import quick
from dossiers.models import Dossier, Paper, RegisterEntry
from dossiers.models.keys import new_key
from procedures.models import Agency, Posting
from tests import factories

pytestmark = pytest.mark.django_db
CARD = "045190001234"
PERSON = {"full_name": "Trần Thị Bình", "citizen_number": CARD, "phone": ""}
TWO_COPIES = {"giay_to": {"so_trang": 3, "so_ban": 2}}


def fresh(dossier: Dossier) -> Dossier:
    return Dossier.objects.get(pk=dossier.pk)


def recorded(by=None, *, code: str = factories.CERTIFIED_COPY, **details) -> Dossier:
    procedure = factories.procedure(code)
    by = by or factories.official(Posting.Role.RECEPTION)
    details = {"person": PERSON, "answers": TWO_COPIES, "form_key": new_key()} | details
    office = Agency.objects.get(code=factories.COMMUNE)
    return quick.record(procedure.current, office=office, by=by, **details)


def test_a_quick_entry_goes_to_the_approver_in_one_move():
    dossier = recorded()

    assert dossier.state == Dossier.State.AWAITING_APPROVAL
    assert dossier.is_at_once and dossier.code
    assert dossier.owner.citizen_number == CARD
    assert not dossier.owner.has_usable_password()
    assert dossier.answers["nguoi_yeu_cau"]["ho_ten"] == "Trần Thị Bình"
    assert [payment.amount for payment in dossier.payments.all()] == [10_000]
    assert [event.name for event in dossier.events.all()] == ["record_at_once"]
    assert RegisterEntry.objects.get().dossier_id == dossier.pk
    assert dossier.search_terms.filter(value="binh thi tran").exists()
    assert not Paper.objects.exists()
    assert not dossier.notices.exists()


def test_the_day_s_signature_completes_and_returns_it_as_of_the_entry():
    cashier = factories.official(Posting.Role.RECEPTION)
    desk = Agency.objects.get(code=factories.DESK)
    Posting.objects.create(user=cashier, agency=desk, role=Posting.Role.CASHIER)
    dossier = recorded(cashier, cash_taken=True, wants_receipt=True)

    with pytest.raises(workflow.NotAllowed):
        workflow.perform(dossier, "approve", by=cashier)
    approver = factories.official(Posting.Role.APPROVER)
    workflow.perform(dossier, "approve", by=approver)
    # Only these two of the tasks: printing papers costs seconds.
    tasks.finish_result.call(dossier.results.get().pk)
    tasks.give_online.call(dossier.pk)

    done = fresh(dossier)
    assert done.state == Dossier.State.RETURNED
    assert done.returned_at == done.ended_at == done.submitted_at
    assert done.timing != Dossier.Timing.LATE
    assert done.approved_by == approver
    assert done.results.get().facts == {"given": "Giao bản giấy tại quầy"}
    assert not done.results.get().file
    assert {paper.kind for paper in done.papers.all()} == {"receipt", "payment"}
    assert done.payments.get().method == "cash"
    assert not done.notices.exists()
