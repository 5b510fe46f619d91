"""Two officials, or two `run_due`, at the same proposal at once; each with its control."""

from __future__ import annotations

import datetime
import time
from functools import partial

import pytest
from django.db import IntegrityError
from django.db.models import QuerySet

from dossiers import alerts, breaches, proposals, workflow
from dossiers.models import Breach, Dossier, Notice, Proposal
from procedures.worktime import VIETNAM
from tests import factories
from tests.dossiers.test_races import (
    GAP,
    clock,
    raised,
    slow,
    succeeded,
    together,
    without_the_lock,
)

__all__ = ("clock", "slow", "without_the_lock")  # fixtures

FRIDAY_NOON = datetime.datetime(2026, 11, 27, 11, tzinfo=VIETNAM)
LATE = datetime.datetime(2026, 11, 30, 9, 1, tzinfo=VIETNAM)

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def read_first(monkeypatch):
    """A function that widens the gap between reading a proposal and deciding on it."""

    def widen(name: str) -> None:
        read = getattr(proposals, name)

        def slowly(*args):
            found = read(*args)
            time.sleep(GAP)
            return found

        monkeypatch.setattr(proposals, name, slowly)

    return widen


def of_two_leaders() -> tuple[Dossier, list]:
    """A refusal that waits, one leader who agrees to it and one who does not."""
    office = factories.Office()
    other = factories.official("leader")
    dossier = workflow.perform(
        factories.filed(), "propose_refusal", by=office.reception, reason="Nhầm nơi",
        ground=factories.ground(),
    )  # fmt: skip
    agree = partial(workflow.perform, dossier, "consent", by=office.leader)
    decline = partial(workflow.perform, dossier, "decline", by=other, reason="Chưa đủ căn cứ")
    return dossier, [agree, decline]


def test_of_two_leaders_at_once_the_first_word_holds(slow):
    dossier, calls = of_two_leaders()
    slow("consent")
    slow("decline")

    outcomes = together(calls)

    row = dossier.proposals.get()
    [error] = raised(outcomes)
    assert len(succeeded(outcomes)) == 1
    assert type(error) is workflow.Refused
    assert "đã thực hiện" in str(error)
    assert bool(row.consented_at) != bool(row.decided_at)


def test_control_without_the_lock_both_leaders_have_their_word(read_first, without_the_lock):
    _dossier, calls = of_two_leaders()
    without_the_lock()
    read_first("waiting_for_leader")

    assert len(succeeded(together(calls))) == 2


def of_two_desks() -> tuple[Dossier, list]:
    """A supplement that one receptionist sends while another returns it."""
    office = factories.Office()
    dossier = workflow.perform(
        office.processing(factories.filed()), "propose_supplement", by=office.officer,
        items="Ảnh rõ", reason="Mờ",
    )  # fmt: skip
    other = factories.official("reception")
    send = partial(workflow.perform, dossier, "request_supplement", by=office.reception)
    back = partial(workflow.perform, dossier, "return_proposal", by=other, reason="Ghi rõ")
    return dossier, [send, back]


def test_a_supplement_is_sent_or_returned_and_never_both(slow):
    dossier, calls = of_two_desks()
    slow("request_supplement")
    slow("return_proposal")

    outcomes = together(calls)

    asked = dossier.supplement_requests.exists()
    decision = dossier.proposals.get().decision
    assert len(succeeded(outcomes)) == 1
    assert isinstance(raised(outcomes)[0], workflow.Refused)
    assert (asked, decision) in (
        (True, Proposal.Decision.SENT),
        (False, Proposal.Decision.RETURNED),
    )


def test_control_without_the_lock_a_supplement_is_sent_and_returned(read_first, without_the_lock):
    _dossier, calls = of_two_desks()
    without_the_lock()
    read_first("open_of")

    assert len(succeeded(together(calls))) == 2


def about_to_be_late(clock, monkeypatch) -> Dossier:
    """Both commands have found the dossier before either has warned of it."""
    office = factories.Office()
    dossier = office.processing(factories.filed())
    assert office.leader
    clock.move_to(FRIDAY_NOON)
    warn = alerts._warn

    def slowly(*args):
        time.sleep(GAP)
        return warn(*args)

    monkeypatch.setattr(alerts, "_warn", slowly)
    return dossier


def warnings() -> int:
    return Notice.objects.filter(kind="warn_office").count()


def test_two_commands_side_by_side_warn_and_draft_once(clock, monkeypatch):
    dossier = about_to_be_late(clock, monkeypatch)

    outcomes = together([alerts.warn] * 2)

    assert sorted(outcomes) == [0, 1]
    assert (warnings(), dossier.proposals.count()) == (2, 1)


def test_control_without_the_lock_two_commands_warn_twice(clock, monkeypatch):
    about_to_be_late(clock, monkeypatch)
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **kwargs: self.all())
    monkeypatch.setattr(alerts, "_draft", lambda dossier: False)

    together([alerts.warn] * 2)

    assert warnings() == 4


def about_to_be_found(clock, monkeypatch, keep) -> None:
    factories.Office().accepted(factories.filed())
    clock.move_to(LATE)

    def slowly(rows):
        time.sleep(GAP)
        keep(rows)

    monkeypatch.setattr(breaches, "_keep", slowly)


def test_two_commands_side_by_side_write_a_breach_once(clock, monkeypatch):
    about_to_be_found(clock, monkeypatch, breaches._keep)

    assert not raised(together([breaches.find] * 2))

    assert Breach.objects.filter(kind="overdue").count() == 1


def test_control_a_breach_written_as_if_alone_fails_beside_another(clock, monkeypatch):
    about_to_be_found(clock, monkeypatch, Breach.objects.bulk_create)

    outcomes = together([breaches.find] * 2)

    assert [type(error) for error in raised(outcomes)] == [IntegrityError]
