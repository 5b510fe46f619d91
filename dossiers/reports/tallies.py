"""The tallies: counted by `run_due` for each finished day, and once more for each month.

A day is counted anew when its facts change afterwards (`mark_stale`). Its row in `TallyDay`
is the lock: what changes the facts of a finished day writes that row in its own transaction,
so a count that ran meanwhile is made again. Run twice, late or side by side, the rows are
the same.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, timedelta

from django.db import transaction
from django.db.models import Count, Max, Min, Q, QuerySet, Sum
from django.dispatch import receiver
from django.utils import timezone

from dossiers import workflow
from dossiers.models import Dossier, Event, SupplementRequest, Tally, TallyDay, overdue
from dossiers.reports import numbers, periods
from dossiers.reports.periods import DAY, Period
from procedures import worktime
from procedures.models import Agency

# A move that began before midnight may commit a moment after it.
SETTLED = timedelta(minutes=5)
DAYS_AT_ONCE = 31
SUMS = (
    "received", "accepted", "accept_minutes", "done_early", "done_on_time", "done_late",
    "done_asked_once", "done_asked_more", "handling_minutes", "refused", "stopped", "withdrawn",
    "supplements", "further_supplements", "extended", "paid_online", "with_fee", "results_online",
)  # fmt: skip
KEY = ("agency_id", "procedure_id", "channel", "officer_id")
_OF_DOSSIER = ("handling_agency", "revision__procedure", "channel")

State = Dossier.State


def roll() -> int:
    """Count the days and months that are over and not counted; how many were."""
    _note_new_days()
    days = TallyDay.objects.filter(counted_at=None, is_month=False).order_by("-day")
    done = sum(_roll_day(pk) for pk in days.values_list("pk", flat=True)[:DAYS_AT_ONCE])
    months = TallyDay.objects.filter(counted_at=None, is_month=True).order_by("-day")
    return done + sum(_roll_month(pk) for pk in months.values_list("pk", flat=True))


def last_finished_day() -> date:
    """Yesterday, from a few minutes after midnight on."""
    return timezone.localdate(timezone.now() - SETTLED) - DAY


def _note_new_days() -> None:
    last = TallyDay.objects.filter(is_month=False).aggregate(last=Max("day"))["last"]
    if last is None:
        filed = Dossier.objects.aggregate(first=Min("submitted_at"))["first"]
        if filed is None:
            return
        last = timezone.localdate(filed) - DAY
    _note(last + DAY, last_finished_day())


def _note(first: date, last: date) -> None:
    """Note that these days, and the months of theirs that are over, are to be counted."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    months = {day.replace(day=1) for day in days}
    over = [month for month in months if periods.month_of(month).last <= last_finished_day()]
    TallyDay.objects.bulk_create(
        [
            *(TallyDay(day=day) for day in days),
            *(TallyDay(day=month, is_month=True) for month in sorted(over)),
        ],
        ignore_conflicts=True,
    )


def mark_stale(first: date, last: date) -> None:
    """Have the days from `first` to `last` counted anew; in the transaction that changed them."""
    last = min(last, last_finished_day())
    known = TallyDay.objects.filter(is_month=False)
    earliest = known.aggregate(first=Min("day"))["first"]
    if earliest is None or first > last:
        return  # nothing is counted yet, or the day is not over
    _note(first, max(last, earliest - DAY))
    # Locked in order: two of these must not wait for each other.
    days = known.filter(day__gte=first, day__lte=last).order_by("day").select_for_update()
    known.filter(pk__in=[day.pk for day in days]).update(counted_at=None)


@receiver(workflow.moved)
def _notice_changed_days(move: workflow.Move, **_signal: object) -> None:
    """What was entered later than it happened, and what another office or officer has now."""
    dossier = move.dossier
    if dossier.submitted_at is None:
        return
    if dossier.is_entered_late and move.before.state == State.DRAFT:
        last = timezone.localdate(dossier.created_at)
    elif _changes_hands(move):
        last = timezone.localdate()
    else:
        return
    mark_stale(timezone.localdate(dossier.submitted_at), last)


def _changes_hands(move: workflow.Move) -> bool:
    was, dossier = move.before, move.dossier
    is_elsewhere = was.handling not in (None, dossier.handling_agency_id)
    return is_elsewhere or was.assignee not in (None, dossier.assignee_id)


# --- One day ----------------------------------------------------------------------------


@transaction.atomic
def _roll_day(pk: int) -> bool:
    row = TallyDay.objects.select_for_update().get(pk=pk)
    if row.counted_at is not None:
        return False  # another process was first
    Tally.objects.filter(is_month=False, day=row.day).delete()
    Tally.objects.bulk_create(count(row.day), batch_size=500)
    _counted(row)
    TallyDay.objects.filter(is_month=True, day=row.day.replace(day=1)).update(counted_at=None)
    return True


def _counted(row: TallyDay) -> None:
    row.counted_at = timezone.now()
    row.save(update_fields=["counted_at"])


def count(day: date, offices: Collection[int] | None = None) -> list[Tally]:
    """The tallies of one day, not saved; of today, what was done until now, not what is open.

    `offices` are the keys of the offices to count (all). Each question names them, so that
    an index of the offices' dossiers answers it.
    """
    agencies = Agency.objects.all() if offices is None else Agency.objects.filter(pk__in=offices)
    return _DayCount(day, {agency.pk: agency for agency in agencies}).rows()


class _DayCount:
    """The tallies of one day while they are counted."""

    def __init__(self, day: date, offices: dict[int, Agency]) -> None:
        self.day, self.period, self.offices = day, periods.of_day(day), offices
        self.calendar = worktime.Calendar.load()
        self.by_key: dict[tuple, Tally] = {}

    def rows(self) -> list[Tally]:
        """Everything there is to count."""
        self._received()
        self._accepted()
        self._ended()
        self._supplements()
        self._new_dates()
        if self.period.end <= timezone.now():
            self._open()
        return list(self.by_key.values())

    def _dossiers(self, condition: Q) -> QuerySet:
        return Dossier.objects.filter(condition, handling_agency__in=list(self.offices)).order_by()

    def _tally(self, agency: int, procedure: int, channel: str, officer: int | None) -> Tally:
        key = (agency, procedure, channel, officer)
        if key not in self.by_key:
            self.by_key[key] = Tally(day=self.day, **dict(zip(KEY, key, strict=True)))
        return self.by_key[key]

    def _received(self) -> None:
        filed = self._dossiers(numbers.received(self.period))
        for *key, count in filed.values_list(*_OF_DOSSIER).annotate(count=Count("pk")):
            self._tally(*key, None).received += count

    def _accepted(self) -> None:
        taken_in = self._dossiers(numbers.accepted(self.period))
        for *key, submitted, accepted in taken_in.values_list(
            *_OF_DOSSIER, "submitted_at", "accepted_at"
        ):
            tally = self._tally(*key, None)
            tally.accepted += 1
            tally.accept_minutes += self._minutes(submitted, accepted, key[0])

    def _ended(self) -> None:
        ended = self._dossiers(numbers.ended(self.period))
        waits = _citizens_turns(ended)
        asked = _times_asked(ended)
        paid, online = _paid(ended)
        signed = set(ended.filter(results__sha256__gt="").values_list("pk", flat=True))
        fields = ("pk", "assignee", "state", "timing", "accepted_at", "ended_at", *_OF_DOSSIER)
        for pk, officer, state, timing, accepted, at, *key in ended.values_list(*fields):
            tally = self._tally(*key, officer)
            if state not in numbers.DONE:
                setattr(tally, state, getattr(tally, state) + 1)
                continue
            name = f"done_{timing or Dossier.Timing.ON_TIME}"
            setattr(tally, name, getattr(tally, name) + 1)
            tally.handling_minutes += self._handling(accepted, at, waits[pk], key[0])
            tally.done_asked_once += asked.get(pk) == 1
            tally.done_asked_more += asked.get(pk, 0) > 1
            tally.with_fee += pk in paid
            tally.paid_online += pk in online
            tally.results_online += pk in signed

    def _handling(
        self,
        begin: datetime.datetime | None,
        end: datetime.datetime,
        waits: Iterable[tuple[datetime.datetime, datetime.datetime]],
        office: int,
    ) -> int:
        """From acceptance to the result, without the citizen's turns."""
        if begin is None:
            return 0
        waited = sum(self._minutes(max(since, begin), until, office) for since, until in waits)
        return max(self._minutes(begin, end, office) - waited, 0)

    def _minutes(self, begin: datetime.datetime | None, end: datetime.datetime, office: int) -> int:
        if begin is None:
            return 0
        try:
            worked = worktime.working_time_between(
                begin, end, self.offices[office], calendar=self.calendar
            )
        except worktime.NoCalendar:
            return 0
        return int(worked.total_seconds() // 60)

    def _supplements(self) -> None:
        asked = SupplementRequest.objects.filter(
            asked_at__gte=self.period.begin,
            asked_at__lt=self.period.end,
            dossier__handling_agency__in=list(self.offices),
        )
        fields = [f"dossier__{name}" for name in _OF_DOSSIER]
        for *key, officer, stage, further in asked.values_list(
            *fields, "dossier__assignee", "stage", "is_further"
        ):
            is_officers = stage == SupplementRequest.Stage.HANDLING
            tally = self._tally(*key, officer if is_officers else None)
            tally.supplements += 1
            tally.further_supplements += further

    def _new_dates(self) -> None:
        events = Event.objects.filter(
            name="extend",
            at__gte=self.period.begin,
            at__lt=self.period.end,
            dossier__handling_agency__in=list(self.offices),
        )
        fields = [f"dossier__{name}" for name in _OF_DOSSIER]
        for *key, officer in events.values_list(*fields, "dossier__assignee"):
            self._tally(*key, officer).extended += 1

    def _open(self) -> None:
        end = self.period.end
        for condition, is_late in (
            (numbers.still_open(end), overdue(end)),
            (numbers.ended_since(end), numbers.was_overdue(end)),
        ):
            rows = self._dossiers(condition).values_list(*_OF_DOSSIER)
            for *key, total, late in rows.annotate(
                total=Count("pk"), late=Count("pk", filter=is_late)
            ):
                tally = self._tally(*key, None)
                tally.open_overdue += late
                tally.open_in_time += total - late


def _times_asked(ended: QuerySet) -> dict[int, int]:
    """For those of these dossiers that had to be supplemented: how often."""
    asked = SupplementRequest.objects.filter(dossier__in=ended.values("pk")).order_by()
    return dict(asked.values_list("dossier").annotate(count=Count("pk")))


def _paid(ended: QuerySet) -> tuple[set[int], set[int]]:
    """Which of these dossiers paid a fee, and which of them online."""
    rows = set(ended.filter(payments__state="paid").values_list("pk", "payments__method"))
    return {pk for pk, _method in rows}, {pk for pk, method in rows if method != "cash"}


def _citizens_turns(dossiers: QuerySet) -> dict[int, list]:
    """For each dossier the stretches of time in which the office waited for the citizen."""
    turns: dict[int, list] = defaultdict(list)
    since: dict[int, datetime.datetime] = {}
    events = Event.objects.filter(
        Q(to_state__in=Dossier.CITIZENS_TURN) | Q(from_state__in=Dossier.CITIZENS_TURN),
        dossier__in=dossiers.values("pk"),
    ).order_by("dossier", "seq")
    for pk, to_state, at in events.values_list("dossier", "to_state", "at"):
        if to_state in Dossier.CITIZENS_TURN:
            since.setdefault(pk, at)
        elif pk in since:
            turns[pk].append((since.pop(pk), at))
    return turns


# --- One month --------------------------------------------------------------------------


@transaction.atomic
def _roll_month(pk: int) -> bool:
    """Add up the days of a month, once all of them are counted."""
    row = TallyDay.objects.select_for_update().get(pk=pk)
    month = periods.month_of(row.day)
    if row.counted_at is not None or _is_incomplete(month):
        return False
    Tally.objects.filter(is_month=True, day=row.day).delete()
    Tally.objects.bulk_create(_month_rows(month), batch_size=500)
    _counted(row)
    return True


def _is_incomplete(month: Period) -> bool:
    days = TallyDay.objects.filter(is_month=False, day__gte=month.first, day__lte=month.last)
    return days.filter(counted_at=None).exists()


def _month_rows(month: Period) -> list[Tally]:
    days = Tally.objects.filter(is_month=False, day__gte=month.first, day__lte=month.last)
    at_the_end = Q(day=month.last)
    summed = days.values(*KEY).annotate(
        **{f"sum_{name}": Sum(name) for name in SUMS},
        sum_open_in_time=Sum("open_in_time", filter=at_the_end, default=0),
        sum_open_overdue=Sum("open_overdue", filter=at_the_end, default=0),
    )
    return [
        Tally(
            is_month=True,
            day=month.first,
            **{name.removeprefix("sum_"): value for name, value in row.items()},
        )
        for row in summed
    ]
