"""The way of a dossier as its procedure plans it, beside what really happened and when.

The steps and their budgets are the revision's; the moments come from the ledger. The office's
clock does not run while it is the citizen's turn, and a step that had not been reached when it
stopped is planned anew: from the answer where the clock restarts, later by the time it stood
still where it goes on (Decree 61/2018, article 19.4).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from dossiers.models import Dossier, Event
from procedures import worktime
from procedures.models import Agency, Channel
from procedures.presenting import WHO

State = Dossier.State
_WORKING_DAY = datetime.timedelta(hours=8)

# What each event brings about, and what it takes back. The names on the right are ours.
_REACHES = {
    "submit": "filing",
    "submit_at_counter": "filing",
    "accept": "acceptance",
    "send_draft": "draft",
    "confirm_draft": "answer",
    "confirm_by_silence": "answer",
    "confirm_payment": "payment",
    "propose": "proposal",
    "record_at_once": "proposal",
    "approve": "approval",
    "hand_over": "handover",
}
_TAKES_BACK = {
    "send_back": {"proposal"},
    "object_to_draft": {"draft", "answer"},
    "recall_draft": {"draft", "answer"},
    "send_draft": {"answer"},
}

_WHY_STOPPED = {
    State.SUPPLEMENT_REQUIRED: gettext_lazy("chờ bổ sung hồ sơ"),
    State.PAYMENT_REQUIRED: gettext_lazy("chờ nộp phí, lệ phí"),
    State.AWAITING_CONFIRMATION: gettext_lazy("chờ trả lời về bản dự thảo"),
}


@dataclass
class PlannedStep:
    """One step of the procedure: when it was to be done, and when it was.

    `planned` is None where the procedure gives no time; `real` is None for a step that was
    not reached, and for one that the ledger does not tell apart from the next.
    """

    name: str
    who: str
    is_citizens: bool
    planned: datetime.datetime | None
    real: datetime.datetime | None
    is_done: bool
    is_current: bool = False
    late: str = ""


@dataclass(frozen=True)
class Stop:
    """A time in which the office's clock stood still; `end` is None while it still does.

    `is_before_filing` is the wait for a fee without which the office has nothing yet.
    """

    begin: datetime.datetime
    end: datetime.datetime | None
    why: str
    restarts: bool
    is_before_filing: bool


def steps(dossier: Dossier, events: list[Event], calendar: worktime.Calendar) -> list[PlannedStep]:
    """The steps of a filed dossier with planned and real moments, in the procedure's order.

    `events` are all of the dossier's, oldest first. Of a dossier that ended early only the
    steps that were reached are given. No query.
    """
    asked = [row for row in dossier.revision.steps if _is_on_the_way(row, dossier)]
    reached = _moments(events)
    marks = _marks(asked)
    planner = _Planner(dossier, events, calendar)
    moments = [reached.get(mark) for mark in marks]
    rows = []
    for number, (row, mark) in enumerate(zip(asked, marks, strict=True)):
        # A step without an event of its own was over when the next one that has one was.
        by_then = next((moment for moment in moments[number:] if moment), None)
        planned = planner.step(row, mark, by_then)
        rows.append(_row(row, planned, moments[number], is_done=by_then is not None))
    return _finish(rows, dossier, planner)


def _is_on_the_way(row: dict[str, Any], dossier: Dossier) -> bool:
    return not row.get("channels") or dossier.channel in row["channels"]


def _row(row: dict[str, Any], planned, real, *, is_done: bool) -> PlannedStep:
    return PlannedStep(
        name=row["name"],
        who=str(WHO[row["who"]]),
        is_citizens=row["who"] == "citizen",
        planned=planned,
        real=real,
        is_done=is_done,
    )


def _finish(rows: list[PlannedStep], dossier: Dossier, planner: _Planner) -> list[PlannedStep]:
    """Mark the step at which it stands, and what is late; drop what will not come any more."""
    if dossier.is_final:
        rows = [row for row in rows if row.is_done]
    waiting = next((row for row in rows if not row.is_done), None)
    if waiting is not None:
        waiting.is_current = True
    for row in rows:
        end = row.real or (timezone.now() if row.is_current else None)
        if row.planned and end and end > row.planned and not row.is_citizens:
            row.late = planner.late_text(row.planned, end)
    return rows


def _moments(events: Iterable[Event]) -> dict[str, datetime.datetime]:
    """What was reached and stands, with the moment; a proposal sent back is none."""
    reached: dict[str, datetime.datetime] = {}
    for event in events:
        for mark in _TAKES_BACK.get(event.name, ()):
            reached.pop(mark, None)
        if event.name in _REACHES and not _pays_early(event):
            reached[_REACHES[event.name]] = event.at
    return reached


def _pays_early(event: Event) -> bool:
    """A fee of filing or of acceptance: not the step of the citizen's that comes in between."""
    return event.name == "confirm_payment" and event.to_state != State.PROCESSING


def _marks(rows: list[dict[str, Any]]) -> list[str]:
    """By which event each step ends; "" for one that the ledger does not tell.

    Of several steps in a row at the same desk only the last one ends with an event.
    """
    marks: list[str] = []
    for number, row in enumerate(rows):
        later = [other["who"] for other in rows[number + 1 :]]
        earlier = [other["who"] for other in rows[:number]]
        marks.append(_mark(row, earlier, later))
    return [mark if mark not in marks[n + 1 :] else "" for n, mark in enumerate(marks)]


def _mark(row: dict[str, Any], earlier: list[str], later: list[str]) -> str:
    who = row["who"]
    is_first = not {"case_officer", "approver", "leader"} & set(earlier)
    if who == "reception":
        return "acceptance" if is_first else "handover"
    if who == "citizen":
        if "reception" not in earlier:
            return "filing"
        return "payment" if row.get("clock") == "stops" and not row.get("answer_days") else "answer"
    if who == "approver":
        return "approval"
    if who in {"case_officer", "leader"} and "approver" in later:
        before_approval = later[: later.index("approver")]
        return "draft" if "citizen" in before_approval else "proposal"
    return ""


def stops(dossier: Dossier, events: list[Event]) -> list[Stop]:
    """When the office's clock stood still, oldest first."""
    found: list[Stop] = []
    began: Event | None = None
    for event in events:
        if began is not None and event.from_state == began.to_state != event.to_state:
            found.append(_stop(began, event.at, dossier))
            began = None
        if event.to_state != event.from_state and _stops_clock(event, dossier):
            began = event
    if began is not None:
        found.append(_stop(began, None, dossier))
    return found


def _stops_clock(event: Event, dossier: Dossier) -> bool:
    if event.to_state == State.AWAITING_CONFIRMATION:
        citizens = [row for row in dossier.revision.steps if row["who"] == "citizen"]
        return any(row.get("clock") == "stops" for row in citizens)
    return event.to_state in (State.SUPPLEMENT_REQUIRED, State.PAYMENT_REQUIRED)


def _stop(began: Event, end: datetime.datetime | None, dossier: Dossier) -> Stop:
    policy = (dossier.revision.definition.get("supplement") or {}).get("clock", "restart")
    before_acceptance = began.from_state in (State.DRAFT, State.SUBMITTED)
    restarts = before_acceptance or (
        began.to_state == State.SUPPLEMENT_REQUIRED and policy == "restart"
    )
    return Stop(
        began.at,
        end,
        str(_WHY_STOPPED[began.to_state]),
        restarts,
        is_before_filing=began.from_state == State.DRAFT,
    )


class _Planner:
    """Walks the steps in order and says by when each is planned."""

    def __init__(self, dossier: Dossier, events: list[Event], calendar: worktime.Calendar):
        self.dossier, self.calendar = dossier, calendar
        self.office: Agency = dossier.handling_agency
        self.pending = stops(dossier, events)
        self.at: datetime.datetime | None = dossier.submitted_at
        self.is_handed_over = False
        channel = dossier.revision.channel(dossier.channel)
        self.from_filing = bool(channel) and channel.clock_starts == Channel.ClockStart.FILING

    def step(
        self, row: dict[str, Any], mark: str, by_then: datetime.datetime | None
    ) -> datetime.datetime | None:
        """The planned moment of the next step; None where no time is given or known.

        `by_then` is when it was over, None while it is not.
        """
        self._pass_stops(by_then)
        planned = self._after(row.get("budget") or "")
        if mark == "acceptance":
            if not self.from_filing:
                # The office's time begins to run with the acceptance.
                self.at = self.dossier.accepted_at
            return planned
        if row["who"] == "citizen":
            return self.dossier.citizen_by if mark == "answer" else None
        return self._promised(planned, is_last=mark == "handover")

    def _promised(
        self, planned: datetime.datetime | None, *, is_last: bool
    ) -> datetime.datetime | None:
        """What was said to the citizen goes before what the budgets add up to.

        It is said of the result; what comes after, as a payment, runs from there.
        """
        promised = None if self.dossier.paused_at else self.dossier.promised_at
        if is_last:
            self.at, self.is_handed_over = promised or self.at, True
            return promised
        if planned and promised and not self.is_handed_over:
            return min(planned, promised)
        return planned

    def _pass_stops(self, by_then: datetime.datetime | None) -> None:
        while self.pending and (by_then is None or by_then > self.pending[0].begin):
            stop = self.pending.pop(0)
            if stop.end is None or stop.restarts or self.at is None:
                self.at = stop.end
            else:
                self.at = self._later(self.at, self._working_time(stop.begin, stop.end))

    def _after(self, budget: str) -> datetime.datetime | None:
        if self.at is None or not budget:
            return None
        amount, _space, unit = budget.partition(" ")
        unit = unit.rstrip("s") if unit else amount
        number = int(amount) if amount.isdecimal() else None
        try:
            end = worktime.due(self.at, unit, number, None, self.office, calendar=self.calendar)
        except worktime.NoCalendar:
            end = None
        self.at = end or self.at
        return end

    def _later(
        self, moment: datetime.datetime, time: datetime.timedelta
    ) -> datetime.datetime | None:
        try:
            return worktime.after_time(moment, time, self.office, calendar=self.calendar)
        except worktime.NoCalendar:
            return None

    def _working_time(self, begin: datetime.datetime, end: datetime.datetime) -> datetime.timedelta:
        try:
            return worktime.working_time_between(begin, end, self.office, calendar=self.calendar)
        except worktime.NoCalendar:
            return datetime.timedelta()

    def late_text(self, planned: datetime.datetime, end: datetime.datetime) -> str:
        """`chậm 3 giờ làm việc`; whole days from eight hours on."""
        time = self._working_time(planned, end)
        days, hours = time // _WORKING_DAY, time // datetime.timedelta(hours=1)
        if days:
            return ngettext(
                "chậm %(count)d ngày làm việc", "chậm %(count)d ngày làm việc", days
            ) % {"count": days}
        if hours:
            return ngettext("chậm %(count)d giờ làm việc", "chậm %(count)d giờ làm việc", hours) % {
                "count": hours
            }
        return _("chậm dưới một giờ làm việc")
