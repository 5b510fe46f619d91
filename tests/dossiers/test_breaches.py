"""What the office hears from the clock, and the rules not kept that nobody can hide."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dossiers import alerts, breaches, workflow
from dossiers.models import Breach, Dossier, Notice, Opinion
from procedures.models import Posting
from procedures.worktime import VIETNAM
from tests import factories

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


def kinds(dossier: Dossier) -> list[str]:
    return sorted(dossier.breaches.values_list("kind", flat=True))


def by_hand() -> Dossier:
    dossier = factories.filed()
    Dossier.objects.filter(pk=dossier.pk).update(channel="direct")
    return Dossier.objects.get(pk=dossier.pk)


# --- Found by time --------------------------------------------------------------------------


def test_every_missed_moment_is_written_down_once_however_often_it_is_looked_for(clock, office):
    unanswered = factories.filed()
    at_desk = office.accepted(by_hand())
    in_hand = office.processing(factories.filed())
    Opinion.objects.create(
        dossier=in_hand, asked_by=office.officer, asked_of=office.approver, question="Ý kiến",
        due_at=at(26, 9),
    )  # fmt: skip
    assert breaches.find() == 0
    clock.move_to(at(30, 9, 1))

    found = breaches.find()

    assert kinds(unanswered) == ["answer_late", "step_late"]
    assert kinds(at_desk) == ["handed_on_late", "no_apology", "overdue", "step_late"]
    assert kinds(in_hand) == ["no_apology", "opinion_late", "overdue", "step_late"]
    assert found == Breach.objects.count() == 10
    assert breaches.find() == 0
    late = in_hand.breaches.get(kind="overdue")
    assert (late.at, late.officer, late.agency) == (
        at(30, 9), office.officer, in_hand.handling_agency,
    )  # fmt: skip
    assert unanswered.breaches.get(kind="answer_late").agency == unanswered.receiving_agency
    assert in_hand.breaches.get(kind="opinion_late").officer == office.approver


def test_on_the_citizens_turn_no_office_is_late(clock, office):
    waiting = office.supplement(office.processing(factories.filed()))
    clock.move_to(at(4, 9, month=12))

    assert breaches.find() == 0
    assert kinds(waiting) == []


def test_who_apologised_in_time_is_late_only_against_the_new_date(clock, office):
    dossier = office.processing(factories.filed())
    workflow.perform(
        dossier, "extend", by=office.leader, new_date=datetime.date(2026, 12, 2), reason="Chờ"
    )
    clock.move_to(at(30, 9, 1))
    breaches.find()
    assert kinds(dossier) == ["step_late"]

    clock.move_to(at(2, 9, 1, month=12))
    breaches.find()

    assert kinds(dossier) == ["overdue", "step_late"]


def test_looking_for_breaches_costs_the_same_for_one_dossier_and_for_ten(clock, office):
    office.accepted(factories.filed())
    clock.move_to(at(30, 10))
    with CaptureQueriesContext(connection) as one:
        breaches.find()
    clock.move_to(at(25, 9))
    for _time in range(10):
        office.accepted(factories.filed())
    clock.move_to(at(30, 10))

    with CaptureQueriesContext(connection) as ten:
        breaches.find()

    assert len(ten) == len(one)


# --- Found by a move ------------------------------------------------------------------------


def test_a_move_leaves_behind_what_was_late_before_it(clock, office):
    dossier = factories.filed()
    clock.move_to(at(26, 9, 1))

    accepted = office.accepted(dossier)
    assert kinds(accepted) == ["answer_late", "step_late"]
    breaches.find()

    assert kinds(accepted) == ["answer_late", "step_late"]


def test_papers_that_left_the_desk_late_show_though_nobody_looked(clock, office):
    dossier = office.accepted(by_hand())
    clock.move_to(at(25, 17, 1))

    taken = workflow.perform(dossier, "take", by=office.officer)

    assert kinds(taken) == ["handed_on_late"]
    assert taken.breaches.get().officer is None


def test_a_refusal_after_the_time_shows(clock, office):
    at_desk = factories.filed()
    examined = office.proposed(factories.filed(), outcome="refused", reason="Không")
    clock.move_to(at(1, 9, month=12))

    ended = office.refused(at_desk)
    approved = workflow.perform(examined, "approve", by=office.approver)
    approved.results.update(sha256="0" * 64)
    done = workflow.perform(approved, "complete", by=None)

    assert "refused_late" in kinds(ended)
    assert {"refused_late", "overdue", "no_apology"} <= set(kinds(done))
    assert ended.timing == done.timing == "late"


# --- Warned before, escalated after -----------------------------------------------------------


def test_before_it_is_late_the_apology_lies_ready_and_officer_and_leader_know(clock, office):
    dossier = office.processing(factories.filed())
    leader = office.leader
    elsewhere = factories.official(Posting.Role.LEADER, factories.OTHER_COMMUNE)
    clock.move_to(at(27, 10, 11))
    assert alerts.warn() == 0
    clock.move_to(at(27, 10, 12))

    assert alerts.warn() == 1
    assert alerts.warn() == 0

    draft = dossier.proposals.get()
    told = Notice.objects.filter(kind="warn_office")
    assert (draft.kind, draft.proposed_by, draft.reason) == ("extension", None, "")
    assert draft.details["new_date"] == "2026-12-01"
    assert {row.recipient for row in told} == {office.officer, leader}
    assert "17:00 ngày 27/11/2026" in told[0].body
    assert told[0].path == f"/quan-tri/dossiers/dossier/{dossier.pk}/change/"
    assert not told.filter(recipient=elsewhere).exists()
    assert not told.filter(recipient=dossier.owner).exists()
    with pytest.raises(workflow.Refused, match="lý do"):
        workflow.perform(dossier, "extend", by=leader)
    signed = workflow.perform(dossier, "extend", by=leader, reason="Chờ xác minh")
    assert signed.promised_at == at(1, 9, month=12)


def test_a_draft_that_the_leader_did_not_want_is_not_made_again(clock, office):
    dossier = office.processing(factories.filed())
    assert office.leader
    clock.move_to(at(27, 11))
    alerts.warn()
    workflow.perform(dossier, "decline", by=office.leader, reason="Kịp hạn")
    Notice.objects.filter(kind="warn_office").delete()

    alerts.warn()

    assert dossier.proposals.count() == 1


def test_what_is_overdue_goes_to_supervisor_and_leader_once(clock, office):
    dossier = office.processing(factories.filed())
    supervisor = factories.official(Posting.Role.SUPERVISOR)
    people = {office.leader, supervisor, office.officer}
    clock.move_to(at(30, 9, 1))

    assert alerts.escalate() == 1
    assert alerts.escalate() == 0

    told = Notice.objects.filter(kind="escalate")
    assert {row.recipient for row in told} == people
    assert office.officer.full_name in told[0].body
    assert "Trần" not in told[0].subject + told[0].body.replace(office.officer.full_name, "")
    assert dossier.notices.filter(recipient=dossier.owner, kind="escalate").count() == 0


def test_where_nobody_holds_the_post_the_word_waits_for_them(clock, office):
    office.accepted(factories.filed())
    clock.move_to(at(30, 9, 1))
    assert alerts.escalate() == 0

    leader = office.leader

    assert alerts.escalate() == 1
    assert leader.notices.get().kind == "escalate"


def test_who_has_a_head_of_their_own_does_not_trouble_the_one_above():
    above = factories.official(Posting.Role.LEADER)
    own = factories.official(Posting.Role.LEADER, factories.DESK)
    desk = own.postings.get().agency

    assert alerts.holders(desk, [Posting.Role.LEADER]) == [own]
    own.postings.update(valid_until=at(24, 9).date())
    assert alerts.holders(desk, [Posting.Role.LEADER]) == [above]
