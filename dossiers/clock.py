"""The clock of a dossier: whose step it is and until when, and how it stood when it ended.

Everything is counted in the working time of an office, a working day being eight hours
(DOMAIN.md 2). Nothing here saves: `workflow.perform()` does, after `follow()`.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from dossiers.models import Dossier
from procedures import worktime
from procedures.models import Channel, Posting

if TYPE_CHECKING:
    from procedures.models import Agency

State = Dossier.State
Role = Posting.Role

HOUR, DAY = timedelta(hours=1), timedelta(hours=8)
# Who acts next in each state that has a time budget.
WHO_ACTS = {
    State.SUBMITTED: Role.RECEPTION,
    State.ACCEPTED: Role.CASE_OFFICER,
    State.PROCESSING: Role.CASE_OFFICER,
    State.AWAITING_APPROVAL: Role.APPROVER,
    State.COMPLETED: Role.RECEPTION,
}
ENDS = (State.COMPLETED, State.REFUSED, State.STOPPED, State.WITHDRAWN)
# The states in which what was promised to the citizen is running.
PROMISED = (State.ACCEPTED, State.PROCESSING, State.AWAITING_APPROVAL)
# A citizen who does not fetch a result makes no office late.
STEPPING = (State.SUBMITTED, *PROMISED)

_UNITS = {"hour": HOUR, "working_day": DAY, "day": DAY * 5 / 7, "month": DAY * 22}
_UNKNOWN = DAY * 2
# How long before the last moment for an apology the office is warned.
_WARN_SHARE, _WARN_LEAST, _WARN_MOST = 5, HOUR * 2, DAY * 2


@dataclass(frozen=True)
class Standing:
    """What was due of a dossier before a move touched it."""

    state: str
    answer_by: datetime.datetime | None
    promised_at: datetime.datetime | None
    paused_at: datetime.datetime | None
    step_due_at: datetime.datetime | None
    handed_on_at: datetime.datetime | None
    hand_on_by: datetime.datetime | None
    receiving: int | None
    handling: int | None
    assignee: int | None
    is_approved: bool

    @classmethod
    def of(cls, dossier: Dossier) -> Standing:
        """How `dossier` stands now."""
        return cls(
            dossier.state,
            dossier.answer_by,
            dossier.promised_at,
            dossier.paused_at,
            dossier.step_due_at,
            dossier.handed_on_at,
            dossier.hand_on_by,
            dossier.receiving_agency_id,
            dossier.handling_agency_id,
            dossier.assignee_id,
            dossier.approved_at is not None,
        )


def follow(dossier: Dossier, before: Standing, now: datetime.datetime) -> None:
    """Set the step that begins with a move, and how the dossier stood if it ended with it."""
    if dossier.state == before.state:
        return
    if dossier.state in ENDS:
        _end(dossier, before, now)
    if dossier.is_final:
        dossier.step_since = dossier.step_due_at = None
    elif not dossier.is_citizens_turn and not _goes_on(dossier, before):
        begin_step(dossier, now)


def _goes_on(dossier: Dossier, before: Standing) -> bool:
    """Whether the step that was running is not over: the same person has it still, or again.

    After a supplement or a payment the move itself says how it goes on (`resume_step`).
    """
    if before.state in (State.SUPPLEMENT_REQUIRED, State.PAYMENT_REQUIRED):
        return dossier.step_since is not None
    return (before.state, dossier.state) == (State.ACCEPTED, State.PROCESSING)


def begin_step(dossier: Dossier, now: datetime.datetime) -> None:
    """The step of who acts next begins now, with its whole budget."""
    dossier.step_since = now
    total = budget(dossier)
    office = _office_of_step(dossier)
    dossier.step_due_at = worktime.after_time(now, total, office) if total else None


def resume_step(dossier: Dossier, now: datetime.datetime, *, restart: bool) -> None:
    """The citizen did their part: the step begins anew, or goes on with what was left of it.

    Called while `paused_at` still says when it was stopped. One that was late stays late.
    """
    due, paused = dossier.step_due_at, dossier.paused_at
    if restart or dossier.step_since is None:
        begin_step(dossier, now)
    elif due and paused and paused < due:
        office = _office_of_step(dossier)
        left = worktime.working_time_between(paused, due, office)
        dossier.step_due_at = worktime.after_time(now, left, office)


def _office_of_step(dossier: Dossier) -> Agency:
    at_desk = WHO_ACTS.get(dossier.state) == Role.RECEPTION
    return dossier.receiving_agency if at_desk else dossier.handling_agency


def budget(dossier: Dossier) -> timedelta:
    """The working time that the revision gives who acts next; nothing where it says none."""
    given = (_duration(step.get("budget") or "") for step in _present_steps(dossier))
    return sum(given, timedelta())


def _present_steps(dossier: Dossier) -> list[dict]:
    """The steps of the revision that are done in the present state, by this channel."""
    steps = [
        step
        for step in dossier.revision.steps
        if not step.get("channels") or dossier.channel in step["channels"]
    ]
    who = WHO_ACTS.get(dossier.state)
    if who == Role.RECEPTION:
        return _at_desk(steps, is_first=dossier.state == State.SUBMITTED)
    if who == Role.CASE_OFFICER:
        steps = _around_the_citizen(steps, dossier)
        return [step for step in steps if step["who"] in (Role.CASE_OFFICER, Role.LEADER)]
    return [step for step in steps if step["who"] == who]


def _at_desk(steps: list[dict], *, is_first: bool) -> list[dict]:
    inside = next((n for n, step in enumerate(steps) if step["who"] != Role.RECEPTION), len(steps))
    part = steps[:inside] if is_first else steps[inside:]
    return [step for step in part if step["who"] == Role.RECEPTION]


def _around_the_citizen(steps: list[dict], dossier: Dossier) -> list[dict]:
    """The steps before the citizen checks the draft of the result, or those after."""
    checks = next((n for n, step in enumerate(steps) if step["who"] == "citizen"), None)
    if checks is None:
        return steps
    return steps[checks + 1 :] if dossier.confirmed_at else steps[:checks]


def _duration(text: str) -> timedelta:
    """`2 hours`, `1 working_day` as working time; `same_day` is one working day."""
    if text == "same_day":
        return DAY
    amount, _space, unit = text.partition(" ")
    return int(amount) * _UNITS[unit.rstrip("s")] if unit else timedelta()


# --- How it ended -----------------------------------------------------------------------


def _end(dossier: Dossier, before: Standing, now: datetime.datetime) -> None:
    """Keep, once and for all, when it ended and how far from what was promised."""
    # What was given at once at the counter only waited for its signature to be confirmed.
    now = dossier.submitted_at if dossier.is_at_once else now
    dossier.ended_at = now
    due = before.answer_by if before.state == State.SUBMITTED else before.promised_at
    if due is None:
        return
    # While it waits for the citizen the office's clock stands still.
    stopped = before.paused_at if before.state in Dossier.CITIZENS_TURN else None
    minutes = minutes_late(due, stopped or now, dossier.handling_agency)
    dossier.late_minutes, dossier.timing = minutes, timing_of(minutes)


def minutes_late(due: datetime.datetime, moment: datetime.datetime, office: Agency) -> int:
    """Working minutes of `office` from `due` to `moment`; negative when it is earlier.

    At least one as soon as the moment is past, also where the office was closed meanwhile.
    """
    calendar = worktime.Calendar.load()
    if moment > due:
        late = worktime.working_time_between(due, moment, office, calendar=calendar)
        return max(1, int(late.total_seconds() // 60))
    early = worktime.working_time_between(moment, due, office, calendar=calendar)
    return -int(early.total_seconds() // 60)


def timing_of(minutes: int) -> str:
    """Early is a working day or more before the due moment; on time, up to it."""
    if minutes > 0:
        return Dossier.Timing.LATE
    is_early = timedelta(minutes=-minutes) >= DAY
    return Dossier.Timing.EARLY if is_early else Dossier.Timing.ON_TIME


# --- Before it is late ------------------------------------------------------------------


def length(dossier: Dossier) -> timedelta:
    """The whole working time that this dossier's channel gives, however it is written."""
    channel = dossier.revision.channel(dossier.channel)
    if channel is None:
        return _UNKNOWN
    if channel.unit == Channel.Unit.SAME_DAY:
        return DAY
    if channel.unit == Channel.Unit.TEXT or channel.amount is None:
        return _UNKNOWN
    return channel.amount * _UNITS[channel.unit]


def apology_by(
    dossier: Dossier, *, calendar: worktime.Calendar | None = None
) -> datetime.datetime | None:
    """The last moment at which an apology is in time; None where nothing was promised.

    One day before the day that was promised (Decree 61/2018, article 19, clause 9), which is
    the close of the working day before it. Where the whole time is one day or less there is no
    such day: then up to the promised moment itself.
    """
    due = dossier.promised_at
    if due is None or length(dossier) <= DAY:
        return due
    calendar = calendar or worktime.Calendar.load()
    due_day = due.astimezone(worktime.VIETNAM).date()
    eve = datetime.datetime.combine(calendar.before(due_day), datetime.time(12), worktime.VIETNAM)
    return worktime.closing(eve, dossier.handling_agency)


def is_time_to_warn(
    dossier: Dossier, now: datetime.datetime, *, calendar: worktime.Calendar | None = None
) -> bool:
    """Whether the office must hear now that this dossier may become late.

    A fifth of its whole time ahead of the last moment for an apology: two working hours at
    least, two working days at most.
    """
    calendar = calendar or worktime.Calendar.load()
    ahead = min(max(length(dossier) / _WARN_SHARE, _WARN_LEAST), _WARN_MOST)
    last = apology_by(dossier, calendar=calendar)
    if last is None:
        return False
    reached = worktime.after_time(now, ahead, dossier.handling_agency, calendar=calendar)
    return reached >= last
