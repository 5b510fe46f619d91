"""Whose step it is and until when, when papers must leave the desk, and how it all ended."""

from __future__ import annotations

import datetime

import pytest
import time_machine

from dossiers import clock as clocks
from dossiers import workflow
from dossiers.models import Dossier
from procedures import worktime
from procedures.models import Agency
from procedures.worktime import VIETNAM
from tests import factories
from tests.dossiers.refusals import refused

State = Dossier.State

pytestmark = pytest.mark.django_db


def at(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime.datetime:
    """A moment of 2026: Tue 24/11 is a holiday, Fri 27 comes before a weekend."""
    return datetime.datetime(2026, month, day, hour, minute, tzinfo=VIETNAM)


@pytest.fixture(autouse=True)
def clock():
    """Wednesday 25/11/2026, 09:00, until a test moves it."""
    with time_machine.travel(at(25, 9), tick=False) as traveller:
        yield traveller


@pytest.fixture
def office():
    return factories.Office()


def answered(dossier: Dossier) -> Dossier:
    return workflow.perform(dossier, "answer_supplement", by=dossier.owner, answer="Đã gửi lại")


def by_hand(**fields) -> Dossier:
    """A dossier that came over the counter."""
    dossier = factories.filed()
    Dossier.objects.filter(pk=dossier.pk).update(channel="direct", **fields)
    return Dossier.objects.get(pk=dossier.pk)


# --- Leaving the desk (Decree 61/2018, article 18) -----------------------------------------


@pytest.mark.parametrize(
    ("accepted", "by"),
    [
        (at(25, 9), at(25, 17)),
        (at(25, 15), at(25, 17)),
        (at(25, 15, 1), at(26, 8)),
        (at(27, 16), at(30, 8)),
        (at(23, 15, 30), at(25, 8)),  # the 24th is a holiday
        (at(28, 10), at(30, 8)),  # a Saturday
    ],
)
def test_papers_leave_the_desk_the_same_day_and_after_three_the_next_morning(accepted, by):
    factories.offices()
    desk = Agency.objects.get(code=factories.DESK)

    assert worktime.hand_on_deadline(accepted, desk) == by


def test_what_came_over_the_counter_is_handed_on_by_the_desk_once(clock, office):
    dossier = office.accepted(by_hand())
    online = office.accepted(factories.filed())
    assert (dossier.handed_on_at, dossier.hand_on_by) == (None, at(25, 17))
    assert (online.handed_on_at, online.hand_on_by) == (at(25, 9), None)
    clock.move_to(at(25, 11))

    gone = workflow.perform(dossier, "hand_on", by=office.reception)

    assert (gone.state, gone.handed_on_at) == (State.ACCEPTED, at(25, 11))
    assert "hand_on" not in {row.name for row in workflow.open_to(gone, office.reception)}
    with refused(workflow.Refused, "đã được chuyển"):
        workflow.perform(gone, "hand_on", by=office.reception)
    taken = workflow.perform(gone, "take", by=office.officer)
    assert taken.handed_on_at == at(25, 11)


def test_who_takes_it_has_it_in_hand(clock, office):
    dossier = office.accepted(by_hand())
    clock.move_to(at(25, 10))

    taken = workflow.perform(dossier, "take", by=office.officer)

    assert taken.handed_on_at == at(25, 10)
    assert not taken.breaches.exists()


# --- Steps ---------------------------------------------------------------------------------


def test_each_step_has_the_time_that_the_revision_gives_it(clock, office):
    """Reception 4 hours, the officer a working day from acceptance on, the head 4 hours."""
    seen = [factories.filed()]
    clock.move_to(at(25, 10))
    seen.append(office.accepted(seen[-1]))
    clock.move_to(at(25, 11))
    seen.append(workflow.perform(seen[-1], "take", by=office.officer))
    clock.move_to(at(25, 14))
    seen.append(workflow.perform(seen[-1], "propose", by=office.officer))
    back = workflow.perform(seen[-1], "send_back", by=office.approver, reason="Sai tên")

    steps = [(row.step_since, row.step_due_at) for row in [*seen, back]]
    assert steps == [
        (at(25, 9), at(25, 15)),
        (at(25, 10), at(26, 10)),
        (at(25, 10), at(26, 10)),
        (at(25, 14), at(26, 8)),
        (at(25, 14), at(26, 14)),
    ]


@pytest.mark.parametrize(
    ("policy", "due"),
    # After a restart a whole day; after a pause what was left of it at 09:30: half an hour less.
    [("restart", at(27, 9)), ("pause", at(27, 8, 30))],
)
def test_a_step_stops_on_the_citizens_turn_and_goes_on_as_the_procedure_says(
    policy, due, tmp_path, clock, office
):
    factories.altered_procedure(tmp_path, factories.FUNERAL, ("clock: restart", f"clock: {policy}"))
    dossier = office.processing(factories.filed())
    clock.move_to(at(25, 9, 30))
    waiting = office.supplement(dossier)
    clock.move_to(at(26, 9))

    assert waiting.step_due_at == at(26, 9)
    assert answered(waiting).step_due_at == due


def test_a_procedure_that_gives_no_times_has_no_due_steps(tmp_path, office):
    factories.altered_procedure(
        tmp_path, factories.FUNERAL, (", budget: 1 working_day", ""), (", budget: 4 hours", "")
    )

    dossier = office.processing(factories.filed())

    assert (dossier.step_since, dossier.step_due_at) == (at(25, 9), None)


def test_the_citizens_check_parts_the_officers_time(office):
    dossier = office.processing(factories.filed(factories.BIRTH))

    before = clocks.budget(dossier)
    dossier.confirmed_at = at(25, 9)

    assert before == datetime.timedelta(hours=3)
    # The procedure gives the registrar, who comes after the citizen, no time of their own.
    assert clocks.budget(dossier) == datetime.timedelta()


# --- How it ended --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "timing", "minutes"),
    [
        (at(27, 9), "early", -480),
        (at(27, 9, 1), "on_time", -479),
        (at(30, 9), "on_time", 0),
        (at(30, 9, 1), "late", 1),
        (at(30, 17, 1), "late", 360),
        (at(1, 10, month=12), "late", 540),
    ],
)
def test_lateness_is_stored_once_in_working_minutes(now, timing, minutes, clock, office):
    dossier = office.approved(factories.filed())
    dossier.results.update(sha256="0" * 64)
    clock.move_to(now)

    done = workflow.perform(dossier, "complete", by=None)

    assert (done.ended_at, done.timing, done.late_minutes) == (now, timing, minutes)
    clock.move_to(at(10, 9, month=12))
    given = workflow.perform(done, "hand_over", by=office.reception)
    assert (given.ended_at, given.timing, given.late_minutes) == (now, timing, minutes)
    assert given.step_due_at is None


def test_who_takes_it_back_while_asked_to_add_makes_nobody_late(clock, office):
    waiting = office.supplement(office.accepted(factories.filed()))
    clock.move_to(at(7, 9, month=12))

    gone = workflow.perform(waiting, "withdraw", by=waiting.owner)

    assert (gone.ended_at, gone.timing) == (at(7, 9, month=12), "early")
    assert gone.step_due_at is None


def test_nothing_promised_and_nothing_late():
    gone = factories.filed(factories.COPY)
    gone = workflow.perform(gone, "withdraw", by=gone.owner)

    assert (gone.timing, gone.late_minutes) == ("", None)
    assert gone.ended_at == at(25, 9)


# --- Ahead of the promise ------------------------------------------------------------------


def test_an_apology_is_in_time_a_day_before_and_for_a_day_or_less_until_the_end(office):
    three_days = office.accepted(factories.filed())
    same_day = office.accepted(factories.filed(factories.BIRTH))

    assert clocks.apology_by(three_days) == at(27, 17)
    assert clocks.apology_by(same_day) == same_day.promised_at == at(25, 17)


@pytest.mark.parametrize(
    ("code", "early", "now"),
    [
        # A fifth of three days is 4,8 hours before Friday 17:00.
        (factories.FUNERAL, at(27, 10, 11), at(27, 10, 12)),
        (factories.BIRTH, at(25, 14, 59), at(25, 15)),
    ],
)
def test_the_warning_comes_ahead_in_proportion_to_the_length(code, early, now, office):
    dossier = office.accepted(factories.filed(code))

    assert not clocks.is_time_to_warn(dossier, early)
    assert clocks.is_time_to_warn(dossier, now)
