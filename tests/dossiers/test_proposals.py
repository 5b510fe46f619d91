"""The one-stop desk alone speaks to the citizen: what officers propose, leaders allow, it sends."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from dossiers import proposals, workflow
from dossiers.models import Dossier, Paper, Proposal
from procedures.worktime import VIETNAM
from tests import factories
from tests.dossiers.refusals import refused, unchanged

State = Dossier.State
FAULT = {"items": "Ảnh rõ hơn", "documents": ["giay_chung_tu"], "reason": "Ảnh mờ"}

pytestmark = pytest.mark.django_db


def at(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime.datetime:
    return datetime.datetime(2026, month, day, hour, minute, tzinfo=VIETNAM)


@pytest.fixture(autouse=True)
def clock():
    """Wednesday 25/11/2026, 09:00, until a test moves it."""
    with time_machine.travel(at(25, 9), tick=False) as traveller:
        yield traveller


@pytest.fixture
def office():
    return factories.Office()


def propose(dossier, office, **details) -> Dossier:
    return workflow.perform(
        dossier, "propose_supplement", by=office.officer, **{**FAULT, **details}
    )


def send(dossier, office) -> Dossier:
    return workflow.perform(dossier, "request_supplement", by=office.reception)


def answered(dossier: Dossier) -> Dossier:
    return workflow.perform(dossier, "answer_supplement", by=dossier.owner, answer="Đã gửi lại")


# --- A supplement after acceptance ---------------------------------------------------------


def test_after_acceptance_the_desk_sends_only_what_the_officer_proposed(office):
    dossier = office.processing(factories.filed())
    with refused(workflow.Refused, "công chức thụ lý đề xuất"):
        workflow.perform(dossier, "request_supplement", by=office.reception, **FAULT)

    waiting = propose(dossier, office)
    told_of_proposal = waiting.notices.count()
    sent = workflow.perform(
        waiting, "request_supplement", by=office.reception, items="Thêm giấy khác", reason="Khác"
    )

    request = sent.supplement_requests.get()
    facts = sent.papers.get(kind=Paper.Kind.SUPPLEMENT).facts
    assert told_of_proposal == dossier.notices.count() - 1
    assert (request.items, request.documents) == (["Ảnh rõ hơn"], ["giay_chung_tu"])
    assert (request.stage, request.is_further, request.is_late) == ("handling", False, False)
    assert (request.asked_by, facts["reason"]) == (office.reception, "Ảnh mờ")
    assert sent.proposals.get().decision == Proposal.Decision.SENT
    assert sent.events.last().data["proposal"] == sent.proposals.get().pk
    assert not sent.breaches.exists()


def test_the_desk_returns_a_proposal_with_a_comment_and_the_officer_is_told(office):
    dossier = propose(office.processing(factories.filed()), office)

    back = workflow.perform(
        dossier, "return_proposal", by=office.reception, reason="Ghi rõ trang nào"
    )

    assert back.state == State.PROCESSING
    assert back.proposals.get().comment == "Ghi rõ trang nào"
    assert "Ghi rõ trang nào" in back.notices.get(recipient=office.officer).body
    with refused(workflow.Refused, "chưa có đề xuất"):
        send(back, office)


def test_the_words_of_a_proposal_are_no_part_of_the_ledger(office):
    dossier = propose(office.processing(factories.filed()), office, items="canary-7", reason="kín")

    said = str(list(dossier.events.values_list("data", flat=True)))
    assert "canary-7" not in said
    assert "kín" not in said
    assert dossier.events.last().note.is_public is False


@pytest.mark.parametrize("details", [{"reason": ""}, {"items": "", "documents": []},
                                     {"documents": ["khong-co"]}])  # fmt: skip
def test_a_proposal_that_could_not_be_sent_is_not_taken(details, office):
    dossier = office.processing(factories.filed())

    with refused(workflow.Refused):
        propose(dossier, office, **details)


# --- Once, in full, and in time -----------------------------------------------------------


def test_a_further_supplement_at_the_same_stage_needs_the_leader_and_shows(office):
    dossier = office.processing(factories.filed())
    first = send(propose(dossier, office, documents=[]), office)
    again = propose(answered(first), office)
    with refused(workflow.Refused, "cần lãnh đạo cho phép"):
        send(again, office)
    with refused(workflow.Refused, "vì sao cho phép"):
        workflow.perform(again, "consent", by=office.leader, reason=" ")

    allowed = workflow.perform(again, "consent", by=office.leader, reason="Giấy mới lộ ra sai")
    sent = send(allowed, office)

    request = sent.supplement_requests.get(answered_at=None)
    breach = sent.breaches.get()
    assert (request.is_further, request.is_late) == (True, False)
    assert (request.allowed_by, request.allowed_reason) == (office.leader, "Giấy mới lộ ra sai")
    assert (breach.kind, breach.officer) == ("supplement_again", office.officer)


def test_each_stage_has_a_supplement_of_its_own(office):
    at_desk = answered(office.supplement(factories.filed()))

    sent = send(propose(office.processing(at_desk), office), office)

    stages = sent.supplement_requests.values_list("stage", "is_further")
    assert sorted(stages) == [("handling", False), ("reception", False)]


def test_after_three_working_days_a_supplement_needs_the_leader_and_shows(clock, office):
    dossier = office.processing(factories.filed())
    clock.move_to(at(30, 9))
    in_time = propose(dossier, office)
    clock.move_to(at(30, 9, 1))  # it lay at the desk until it was late
    with refused(workflow.Refused, "quá thời gian"):
        send(in_time, office)

    assert proposals.mark_late() == 1
    assert proposals.mark_late() == 0
    allowed = workflow.perform(in_time, "consent", by=office.leader, reason="Phải xác minh")
    sent = send(allowed, office)

    late = sent.breaches.get(kind="supplement_late")
    assert sent.supplement_requests.get().is_late
    assert late.at == at(30, 9)
    assert late.agency == sent.handling_agency


def test_online_the_desk_has_eight_working_hours_and_at_the_counter_three_days(clock, office):
    online, by_hand = factories.filed(), factories.filed()
    Dossier.objects.filter(pk=by_hand.pk).update(channel="direct")
    by_hand.refresh_from_db(fields=["channel"])
    clock.move_to(at(26, 9, 1))

    assert proposals.circumstances(online).is_late
    assert not proposals.circumstances(by_hand).is_late
    with refused(workflow.Refused, "cần lãnh đạo cho phép"):
        workflow.perform(online, "request_supplement", by=office.reception, **FAULT)
    assert office.supplement(online).supplement_requests.get().allowed_by == office.leader
    clock.move_to(at(30, 9, 1))
    assert proposals.circumstances(by_hand).is_late


# --- What no longer fits ------------------------------------------------------------------


def test_a_dossier_that_moves_on_drops_what_was_proposed(office):
    sent_on = propose(office.processing(factories.filed()), office)
    taken_over = propose(office.processing(factories.filed()), office)

    on = workflow.perform(sent_on, "propose", by=office.officer)
    over = workflow.perform(
        taken_over, "transfer", by=office.leader, agency=factories.OTHER_COMMUNE, reason="Nơi ở"
    )

    for dossier in (on, over):
        assert dossier.proposals.get().decision == Proposal.Decision.DROPPED


# --- A new date ---------------------------------------------------------------------------


def test_the_head_signs_the_apology_that_the_officer_proposed(office):
    dossier = workflow.perform(
        office.processing(factories.filed()), "propose_extension", by=office.officer,
        new_date=datetime.date(2026, 12, 2), reason="Chờ xác minh",
    )  # fmt: skip

    assert dossier.promised_at == at(30, 9)
    signed = workflow.perform(dossier, "extend", by=office.leader)

    assert signed.promised_at == at(2, 9, month=12)
    assert signed.papers.get(kind=Paper.Kind.APOLOGY).facts["reason"] == "Chờ xác minh"
    assert signed.proposals.get().decision == Proposal.Decision.SENT
    assert not signed.breaches.exists()
    with refused(workflow.Refused, "lần thứ hai"):
        workflow.perform(
            signed, "propose_extension", by=office.officer,
            new_date=datetime.date(2026, 12, 4), reason="Vẫn chờ",
        )  # fmt: skip


@pytest.mark.parametrize(("now", "late"), [(at(27, 17), 0), (at(27, 17, 1), 1), (at(30, 8), 1)])
def test_an_apology_on_the_last_day_is_late_and_shows(now, late, clock, office):
    dossier = office.processing(factories.filed())
    clock.move_to(now)

    signed = workflow.perform(
        dossier, "extend", by=office.leader, new_date=datetime.date(2026, 12, 2), reason="Chờ"
    )

    assert signed.breaches.filter(kind="apology_late").count() == late


# --- The pages ----------------------------------------------------------------------------


def moved(person, dossier: Dossier, name: str, typed: dict | None = None):
    client = Client()
    client.force_login(person)
    url = reverse("admin:dossiers_dossier_move", args=[dossier.pk, name])
    if typed is None:
        return client.get(url)
    return client.post(url, {"version": dossier.version, **typed}, follow=True)


def test_a_supplement_goes_from_desk_to_desk_by_forms(office):
    dossier = office.processing(factories.filed())
    typed = {"fault:giay_chung_tu": "on", "note:giay_chung_tu": "Mất góc", "reason": "Ảnh mờ"}

    moved(office.officer, dossier, "propose_supplement", typed)
    dossier.refresh_from_db(fields=["version"])
    shown = moved(office.reception, dossier, "request_supplement").content.decode()
    sent = moved(office.reception, dossier, "request_supplement", {})

    assert "Mất góc" in shown
    assert office.officer.full_name in shown
    assert 'name="reason"' not in shown
    assert "Đã thực hiện: Yêu cầu bổ sung." in sent.content.decode()
    assert Dossier.objects.get(pk=dossier.pk).state == State.SUPPLEMENT_REQUIRED


def test_the_leader_finds_the_buttons_and_the_drafted_words(office):
    dossier = workflow.perform(
        office.processing(factories.filed()), "propose_extension", by=office.officer,
        new_date=datetime.date(2026, 12, 2), reason="Chờ xác minh",
    )  # fmt: skip
    names = {action.name for action in workflow.open_to(dossier, office.leader)}

    page = moved(office.leader, dossier, "extend").content.decode()

    assert {"extend", "decline"} <= names
    assert "consent" not in names
    assert 'value="02/12/2026"' in page
    assert "Chờ xác minh" in page


def test_words_typed_for_a_form_that_has_changed_are_shown_again(office):
    dossier = factories.filed()
    stale = dossier.version
    propose(office.processing(dossier), office)
    with unchanged():
        page = moved(
            office.reception, dossier, "request_supplement",
            {"version": stale, "reason": "Thiếu trang hai", "items": "Trang hai"},
        )  # fmt: skip

    text = page.content.decode()
    assert page.status_code == 409
    assert "Thiếu trang hai" in text
    assert "đã thực hiện “Đề xuất yêu cầu bổ sung”" in text


def test_the_desk_finds_what_it_has_to_send(office):
    ready = propose(office.processing(factories.filed()), office)
    waits = workflow.perform(
        factories.filed(), "propose_refusal", by=office.reception, reason="x",
        ground=factories.ground(),
    )  # fmt: skip

    assert {row["dossier"] for row in proposals.to_send()} == {ready.pk}
    workflow.perform(waits, "consent", by=office.leader)
    send(ready, office)

    assert {row["dossier"] for row in proposals.to_send()} == {waits.pk}
