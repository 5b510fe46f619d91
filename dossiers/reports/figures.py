"""The figures of a report: finished days from the tallies, today's part from the dossiers.

A report of a year reads its months, the days at its edges, today's dossiers and what is
open now (partial index). It never scans the dossiers of the past.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Count, Max, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.utils import timezone
from django.utils.translation import gettext_lazy

from dossiers.models import Dossier, Tally, TallyDay, overdue
from dossiers.reports import numbers, periods, tallies
from dossiers.reports.periods import DAY, Period
from procedures import worktime
from procedures.models import Agency, Channel, Procedure, Revision, Sector

# Working days since filing, up to and including; the last one has no end.
AGES = (
    ("0-2", gettext_lazy("0–2 ngày làm việc"), 0, 2),
    ("3-5", gettext_lazy("3–5 ngày làm việc"), 3, 5),
    ("6-10", gettext_lazy("6–10 ngày làm việc"), 6, 10),
    ("11-", gettext_lazy("Trên 10 ngày làm việc"), 11, None),
)
_ONLINE = Q(channel=Channel.Kind.ONLINE)


@dataclass
class Figures:
    """Sums over some offices, procedures or officers; minutes are working time."""

    carried: int = 0
    received: int = 0
    received_online: int = 0
    accepted: int = 0
    accept_minutes: int = 0
    done_early: int = 0
    done_on_time: int = 0
    done_late: int = 0
    done_asked_once: int = 0
    done_asked_more: int = 0
    handling_minutes: int = 0
    refused: int = 0
    stopped: int = 0
    withdrawn: int = 0
    supplements: int = 0
    further_supplements: int = 0
    extended: int = 0
    paid_online: int = 0
    with_fee: int = 0
    results_online: int = 0
    open_in_time: int = 0
    open_overdue: int = 0

    def add(self, values: dict[str, int]) -> None:
        """Add what a row says of these sums."""
        for name, value in values.items():
            setattr(self, name, getattr(self, name) + (value or 0))

    @property
    def received_other(self) -> int:
        """Brought in or sent by post."""
        return self.received - self.received_online

    @property
    def to_handle(self) -> int:
        """What was there to do: carried over, and received."""
        return self.carried + self.received

    @property
    def done(self) -> int:
        """With a result."""
        return self.done_early + self.done_on_time + self.done_late

    @property
    def open(self) -> int:
        """Without a result or an end, when the period ended."""
        return self.open_in_time + self.open_overdue

    @property
    def in_time_share(self) -> float | None:
        """Per cent of what is done that was early or on time; None where nothing is."""
        return share(self.done_early + self.done_on_time, self.done)

    @property
    def accept_hours(self) -> float | None:
        """Working hours from filing to acceptance, on average."""
        return _average_hours(self.accept_minutes, self.accepted)

    @property
    def handling_hours(self) -> float | None:
        """Working hours from acceptance to the result without the citizen's turns."""
        return _average_hours(self.handling_minutes, self.done)


_NAMES = {row.name for row in fields(Figures)}


def share(part: int, whole: int) -> float | None:
    """Per cent with one decimal; None of nothing."""
    return round(100 * part / whole, 1) if whole else None


def _average_hours(minutes: int, count: int) -> float | None:
    return round(minutes / 60 / count, 1) if count else None


@dataclass(frozen=True)
class Scope:
    """What a report is about: offices by key, perhaps one field (lĩnh vực), one channel."""

    offices: frozenset[int]
    sector: int | None = None
    channel: str = ""

    def tallies(self, condition: Q) -> QuerySet[Tally]:
        """The tallies of this scope."""
        rows = Tally.objects.filter(condition, agency__in=self.offices)
        if self.channel:
            rows = rows.filter(channel=self.channel)
        if self.sector is None:
            return rows
        of_sector = Procedure.objects.filter(revisions__sector=self.sector)
        return rows.filter(procedure__in=of_sector.values("pk"))

    def dossiers(self, condition: Q) -> QuerySet[Dossier]:
        """The dossiers of this scope, by the office that handles them."""
        rows = Dossier.objects.filter(condition, handling_agency__in=self.offices)
        if self.channel:
            rows = rows.filter(channel=self.channel)
        return rows if self.sector is None else rows.filter(revision__sector=self.sector)


@dataclass
class Line:
    """One row of a table of figures; `key` is what its links ask for."""

    name: str
    key: Any
    figures: Figures


@dataclass
class Report:
    """Everything the page of a report shows. `last` is the last day with figures."""

    period: Period
    last: date
    total: Figures
    offices: list[Line]
    sectors: list[Line]
    officers: list[Line]
    months: list[Line]
    ages: list[tuple[str, str, int]] = field(default_factory=list)
    days_to_count: int = 0

    @property
    def is_live(self) -> bool:
        """Whether today is part of it, so that what is open is what is open now."""
        return self.last >= timezone.localdate()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was there to do in the whole period."""
        return not (self.total.to_handle or self.total.done or self.total.open)


def read(scope: Scope, period: Period) -> Report:
    """The report of a period; its number of queries does not depend on how much there is."""
    return _Reading(scope, period).report()


class _Reading:
    """A report while it is read: every row of sums is added to each table that it belongs to."""

    def __init__(self, scope: Scope, period: Period) -> None:
        self.scope, self.today = scope, timezone.localdate()
        self.period = Period(period.first, max(period.first, min(period.last, self.today)))
        self.asked = period
        self.condition = tallied(self.period)
        self.total = Figures()
        self.tables: dict[str, dict[Any, Figures]] = {
            name: defaultdict(Figures) for name in ("agency", "procedure", "officer", "month")
        }

    def report(self) -> Report:
        for name in ("agency", "procedure", "officer"):
            self._sum(f"{name}_id", name)
        self._sum_months()
        self._carry_over()
        is_live = self.period.last == self.today
        if is_live:
            self._add_today()
            self._add_open_now()
        else:
            self._add_open_then()
        for figures in self.tables["agency"].values():
            self.total.add(_values(figures))
        return Report(
            self.asked, self.period.last, self.total,
            offices=_named(self.tables["agency"], Agency, "name"),
            sectors=_sectors(self.tables["procedure"]),
            officers=_named(self.tables["officer"], get_user_model(), "full_name"),
            months=[
                Line(f"{month:%m/%Y}", month, figures)
                for month, figures in sorted(self.tables["month"].items())
            ],
            ages=self._ages() if is_live else [],
            days_to_count=_days_to_count(Period(self.period.first - DAY, self.period.last)),
        )  # fmt: skip

    def _sum(self, column: str, table: str) -> None:
        rows = self.scope.tallies(self.condition).values(column).annotate(**_SUMS)
        self._add(table, column, rows)

    def _sum_months(self) -> None:
        rows = self.scope.tallies(self.condition).annotate(month=TruncMonth("day"))
        self._add("month", "month", rows.values("month").annotate(**_SUMS))

    def _add(self, table: str, column: str, rows: Iterable[dict]) -> None:
        for row in rows:
            key = row[column]
            if key is not None:
                self.tables[table][key].add(_unprefixed(row))

    def _carry_over(self) -> None:
        """What was open at the end of the day before."""
        before = Q(is_month=False, day=self.period.first - DAY)
        self._add_open(before, lambda row: {"carried": row["in_time"] + row["late"]})

    def _add_open_then(self) -> None:
        at_the_end = Q(is_month=False, day=self.period.last)
        self._add_open(at_the_end, _open_values)

    def _add_open(self, condition: Q, values: Callable[[dict], dict[str, int]]) -> None:
        for table, column in (("agency", "agency_id"), ("procedure", "procedure_id")):
            rows = self.scope.tallies(condition).values(column)
            for row in rows.annotate(in_time=Sum("open_in_time"), late=Sum("open_overdue")):
                if row["in_time"] or row["late"]:
                    self.tables[table][row[column]].add(values(row))

    def _add_today(self) -> None:
        """Today's part, counted as the night will count it."""
        wanted = self._procedures()
        for tally in tallies.count(self.today, self.scope.offices):
            if wanted is not None and tally.procedure_id not in wanted:
                continue
            if self.scope.channel and tally.channel != self.scope.channel:
                continue
            values = {name: getattr(tally, name) for name in tallies.SUMS}
            if tally.channel == Channel.Kind.ONLINE:
                values["received_online"] = tally.received
            if not any(values.values()):
                continue
            self.tables["agency"][tally.agency_id].add(values)
            self.tables["procedure"][tally.procedure_id].add(values)
            self.tables["month"][self.today.replace(day=1)].add(values)
            if tally.officer_id:
                self.tables["officer"][tally.officer_id].add(values)

    def _procedures(self) -> set[int] | None:
        if self.scope.sector is None:
            return None
        revisions = Revision.objects.filter(sector=self.scope.sector)
        return set(revisions.order_by().values_list("procedure", flat=True))

    def _add_open_now(self) -> None:
        now = timezone.now()
        keys = ("handling_agency", "revision__procedure", "assignee")
        rows = self.scope.dossiers(numbers.still_open(now)).order_by().values_list(*keys)
        for agency, procedure, officer, total, late in rows.annotate(
            total=Count("pk"), late=Count("pk", filter=overdue(now))
        ):
            values = _open_values({"in_time": total - late, "late": late})
            self.tables["agency"][agency].add(values)
            self.tables["procedure"][procedure].add(values)
            if officer:
                self.tables["officer"][officer].add(values)

    def _ages(self) -> list[tuple[str, str, int]]:
        """How many of the open ones are how old."""
        rows = self.scope.dossiers(numbers.still_open(timezone.now()))
        counts = rows.aggregate(
            **{f"age_{n}": Count("pk", filter=age(key)) for n, (key, *_rest) in enumerate(AGES)}
        )
        return [(key, str(label), counts[f"age_{n}"]) for n, (key, label, *_r) in enumerate(AGES)]


def age(key: str) -> Q:
    """Those of an age of `AGES`, by the day on which they were filed."""
    first, last = filed_within(key)
    condition = Q(submitted_at__lt=periods.of_day(last).end)
    return (
        condition if first is None else condition & Q(submitted_at__gte=periods.of_day(first).begin)
    )


def filed_within(key: str) -> tuple[date | None, date]:
    """The first (None: any before) and the last day of filing of an age of `AGES`."""
    youngest, oldest = next((low, high) for name, _label, low, high in AGES if name == key)
    calendar = worktime.Calendar.load()
    today = timezone.localdate()
    last = _working_days_ago(today, youngest, calendar)
    first = None if oldest is None else _working_days_ago(today, oldest + 1, calendar) + DAY
    return first, last


def _working_days_ago(today: date, count: int, calendar: worktime.Calendar) -> date:
    """The last day from which `count` working days have passed until today."""
    day = today
    while calendar.count_between(day, today) < count:
        day -= DAY
    return day


_SUMS = {
    **{f"sum_{name}": Sum(name) for name in tallies.SUMS},
    "sum_received_online": Sum("received", filter=_ONLINE, default=0),
}


def _unprefixed(row: dict) -> dict[str, int]:
    return {
        name.removeprefix("sum_"): value for name, value in row.items() if name.startswith("sum_")
    }


def _open_values(row: dict) -> dict[str, int]:
    return {"open_in_time": row["in_time"], "open_overdue": row["late"]}


def _values(figures: Figures) -> dict[str, int]:
    return {name: getattr(figures, name) for name in _NAMES}


def tallied(period: Period) -> Q:
    """Which tallies make up a period: whole months that are counted, and single days."""
    whole = periods.whole_months(period)
    counted = TallyDay.objects.filter(is_month=True, day__in=whole).exclude(counted_at=None)
    months = list(counted.values_list("day", flat=True))
    condition = Q(is_month=True, day__in=months)
    for left in periods.days_outside(period, months):
        condition |= Q(is_month=False, day__gte=left.first, day__lte=left.last)
    return condition


def _days_to_count(period: Period) -> int:
    """How many finished days of a period `run_due` has still to count, or to count again."""
    last = min(period.last, timezone.localdate() - DAY)
    days = TallyDay.objects.filter(is_month=False)
    known = days.aggregate(
        waiting=Count("pk", filter=Q(counted_at=None, day__gte=period.first, day__lte=last)),
        latest=Max("day"),
    )
    if known["latest"] is None:
        return 0
    return known["waiting"] + max((last - max(known["latest"], period.first - DAY)).days, 0)


def _named(table: dict[int, Figures], model: Any, column: str) -> list[Line]:
    names = dict(model.objects.filter(pk__in=table).values_list("pk", column))
    lines = [Line(names.get(key, ""), key, figures) for key, figures in table.items()]
    return sorted(lines, key=lambda line: line.name)


def _sectors(table: dict[int, Figures]) -> list[Line]:
    """The figures of procedures, by the field of their latest revision."""
    of_procedure = dict(
        Revision.objects.filter(procedure__in=table)
        .order_by("procedure", "number")
        .values_list("procedure", "sector")
    )
    by_sector: dict[int, Figures] = defaultdict(Figures)
    for procedure, figures in table.items():
        by_sector[of_procedure[procedure]].add(_values(figures))
    return _named(by_sector, Sector, "name")
