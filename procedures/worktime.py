"""The clock of an office: working days, working hours, and the day by which it must answer.

Public holidays and swapped days come from the `holidays` package; rows of `CalendarDay`
correct it, because the Government swaps days later than any library hears of it. Every
function takes a `calendar` already loaded, so that a page of many dossiers reads the
corrections once; without one it reads them in one query and forgets them afterwards.
"""

from __future__ import annotations

import datetime
from calendar import monthrange
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from holidays.countries.vietnam import Vietnam

from procedures.models import Agency, CalendarDay, Channel

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
_SATURDAY = 5


class NoCalendar(Exception):
    """The day lies outside the years that the holiday table knows, or the office never opens."""


# The calendar of the block that is running; None outside of one.
_block: ContextVar[list[Calendar] | None] = ContextVar("calendar", default=None)


@contextmanager
def one_calendar() -> Iterator[None]:
    """Load the corrections once for all that is worked out in this block, of one page."""
    token = _block.set([])
    try:
        yield
    finally:
        _block.reset(token)


@dataclass(frozen=True)
class Calendar:
    """The working days of the country: the library's, and the corrections that win over it."""

    corrections: dict[date, bool]

    @classmethod
    def load(cls) -> Calendar:
        """The calendar with the corrections of this moment, in one query.

        Inside `one_calendar()` it is the one that was loaded there first.
        """
        block = _block.get()
        if block is not None and block:
            return block[0]
        loaded = cls(dict(CalendarDay.objects.values_list("date", "is_working")))
        if block is not None:
            block.append(loaded)
        return loaded

    def is_working(self, day: date) -> bool:
        """Whether offices work on `day`; raises `NoCalendar` outside the known years."""
        if day in self.corrections:
            return self.corrections[day]
        days_off, made_up = _known_year(day.year)
        return day in made_up or (day.weekday() < _SATURDAY and day not in days_off)

    def after(self, day: date, count: int = 1) -> date:
        """The `count`-th working day after `day`."""
        while count:
            day += timedelta(days=1)
            count -= self.is_working(day)
        return day

    def before(self, day: date) -> date:
        """The last working day before `day`."""
        day -= timedelta(days=1)
        while not self.is_working(day):
            day -= timedelta(days=1)
        return day

    def on_or_after(self, day: date) -> date:
        """`day` itself where it is a working day, else the next one."""
        return day if self.is_working(day) else self.after(day)

    def count_between(self, first: date, last: date) -> int:
        """How many working days lie after `first`, up to and including `last`."""
        days = (first + timedelta(days=n) for n in range(1, (last - first).days + 1))
        return sum(self.is_working(day) for day in days)


@lru_cache(maxsize=16)
def _known_year(year: int) -> tuple[frozenset[date], frozenset[date]]:
    """Days off and worked weekend days of `year`, as the library has them.

    A day off may be made up for in the year after or before, so both are looked at.
    """
    if not Vietnam.start_year < year < Vietnam.end_year:
        raise NoCalendar(f"no public holidays are known for {year}")
    table = Vietnam(years=range(year - 1, year + 2))
    return frozenset(table), frozenset(table.weekend_workdays)


def is_working_day(day: date, *, calendar: Calendar | None = None) -> bool:
    """Whether offices work on `day`; raises `NoCalendar` outside the known years."""
    return (calendar or Calendar.load()).is_working(day)


def into_working_time(
    moment: datetime.datetime, office: Agency, *, calendar: Calendar | None = None
) -> datetime.datetime:
    """`moment` itself, or the next moment at which `office` is open.

    Before opening gives the opening, the lunch break its end, after closing or on a day
    off the next working morning. The last minute of a period still belongs to it. Source:
    DOMAIN.md 2.
    """
    calendar = calendar or Calendar.load()
    local = _local(moment)
    periods = _periods(office)
    if calendar.is_working(local.date()):
        for start, end in periods:
            if local.time() < start:
                return _at(local.date(), start)
            if local.time() <= end:
                return local
    return _at(calendar.after(local.date()), periods[0][0])


def promised_at(
    start: datetime.datetime, days: int, office: Agency, *, calendar: Calendar | None = None
) -> datetime.datetime:
    """The moment at which `days` (>= 1) working days (8 h each) of `office` have passed.

    Same time of day as `start`, which is first moved into working hours: Fri
    14/2/2025 16:30 + 3 is Wed 19/2/2025 16:30. Raises `NoCalendar` past the last
    year the holiday table knows. Source: DOMAIN.md 2, with its vectors.
    """
    _require_positive(days)
    calendar = calendar or Calendar.load()
    begin = into_working_time(start, office, calendar=calendar)
    return _at(calendar.after(begin.date(), days), begin.timetz())


def after_hours(
    start: datetime.datetime, hours: int, office: Agency, *, calendar: Calendar | None = None
) -> datetime.datetime:
    """The moment at which `hours` (>= 1) working hours of `office` have passed.

    Hours that end with a period end at its close, not at the next opening: 8 hours from
    Mon 07:00 are Mon 17:00. Source: DOMAIN.md 2.
    """
    _require_positive(hours)
    return after_time(start, timedelta(hours=hours), office, calendar=calendar)


def after_time(
    start: datetime.datetime,
    left: timedelta,
    office: Agency,
    *,
    calendar: Calendar | None = None,
) -> datetime.datetime:
    """The moment at which the working time `left` of `office` has passed from `start` on.

    What is left when a paused clock goes on; time that ends with a period ends at its close.
    """
    calendar = calendar or Calendar.load()
    begin = into_working_time(start, office, calendar=calendar)
    periods = _open_periods(begin, office, calendar)
    opens, closes = next(periods)
    while left > closes - opens:
        left -= closes - opens
        opens, closes = next(periods)
    return opens + left


def after_calendar_days(
    start: datetime.datetime, days: int, office: Agency, *, calendar: Calendar | None = None
) -> datetime.datetime:
    """The moment at which `days` (>= 1) days of every kind have passed.

    The day after receipt is the first; a last day on which the office is closed moves to
    its next working day (Civil Code 2015, articles 147 and 148). Same time of day as
    `start`, which is first moved into working hours.
    """
    _require_positive(days)
    calendar = calendar or Calendar.load()
    begin = into_working_time(start, office, calendar=calendar)
    last = calendar.on_or_after(begin.date() + timedelta(days=days))
    return _at(last, begin.timetz())


def closing(moment: datetime.datetime, office: Agency) -> datetime.datetime:
    """When `office` closes on that day: a time given to a citizen holds its last day whole.

    A request sent in the evening would else run out on its last morning, before anybody is
    there to ask (Civil Code 2015, article 148, clauses 5 and 6).
    """
    _start, end = _periods(office)[-1]
    return _at(_local(moment).date(), end)


HAND_ON_UNTIL = time(15)
START_OF_DAY = timedelta(hours=1)


def hand_on_deadline(
    accepted: datetime.datetime, office: Agency, *, calendar: Calendar | None = None
) -> datetime.datetime:
    """By when a dossier taken in at the desk must be on its way to who handles it.

    The close of the same working day; one taken in after 15:00, or while `office` is closed,
    at the start of the next working day, which is read as its first hour. Source: Decree
    61/2018, article 18, clause 2.
    """
    calendar = calendar or Calendar.load()
    local = _local(accepted)
    periods = _periods(office)
    if calendar.is_working(local.date()) and local.time() <= HAND_ON_UNTIL:
        return _at(local.date(), periods[-1][1])
    return _at(calendar.after(local.date()), periods[0][0]) + START_OF_DAY


def after_months(
    start: datetime.datetime, months: int, office: Agency, *, calendar: Calendar | None = None
) -> datetime.datetime:
    """The moment at which `months` (>= 1) months have passed.

    The same day of the last month, or that month's last day where it has no such day; a day
    on which the office is closed moves to its next working day (Civil Code 2015, article
    148). Same time of day as `start`, which is first moved into working hours.
    """
    _require_positive(months)
    calendar = calendar or Calendar.load()
    begin = into_working_time(start, office, calendar=calendar)
    years, month = divmod(begin.month - 1 + months, 12)
    year, month = begin.year + years, month + 1
    day = min(begin.day, monthrange(year, month)[1])
    return _at(calendar.on_or_after(date(year, month, day)), begin.timetz())


def same_day(
    start: datetime.datetime,
    cut_off: time | None,
    office: Agency,
    *,
    calendar: Calendar | None = None,
) -> datetime.datetime:
    """The close of the day of receipt, or of the next working day after `cut_off`.

    What arrives at the very minute of the cut-off is still in time. Without a cut-off the
    close of the office is one. Source: DOMAIN.md 3, civil status ("nhận sau 15 giờ").
    """
    calendar = calendar or Calendar.load()
    local = _local(start)
    close = _periods(office)[-1][1]
    latest = min(cut_off or close, close)
    if calendar.is_working(local.date()) and local.time() <= latest:
        return _at(local.date(), close)
    return _at(calendar.after(local.date()), close)


def due(
    start: datetime.datetime,
    unit: str,
    amount: int | None,
    cut_off: time | None,
    office: Agency,
    *,
    calendar: Calendar | None = None,
) -> datetime.datetime | None:
    """When a channel's time (`Channel.Unit`, `amount`, `cut_off`) that starts at `start` ends.

    None where the source gives its time in words only: nothing may then be promised.
    """
    if unit == Channel.Unit.SAME_DAY:
        return same_day(start, cut_off, office, calendar=calendar)
    if unit == Channel.Unit.TEXT or amount is None:
        return None
    count = {
        Channel.Unit.HOUR: after_hours,
        Channel.Unit.WORKING_DAY: promised_at,
        Channel.Unit.DAY: after_calendar_days,
        Channel.Unit.MONTH: after_months,
    }[Channel.Unit(unit)]
    return count(start, amount, office, calendar=calendar)


def working_time_between(
    begin: datetime.datetime,
    end: datetime.datetime,
    office: Agency,
    *,
    calendar: Calendar | None = None,
) -> timedelta:
    """The working time of `office` from `begin` to `end`; nothing when they are reversed.

    What a clock that is paused adds to the promised time once it runs again.
    """
    calendar = calendar or Calendar.load()
    begin, end = _local(begin), _local(end)
    total = timedelta()
    if end <= begin:
        return total
    for opens, closes in _open_periods(begin, office, calendar):
        if opens >= end:
            break
        total += min(closes, end) - opens
    return total


def working_days_left(
    moment: datetime.datetime,
    office: Agency,
    *,
    now: datetime.datetime | None = None,
    calendar: Calendar | None = None,
) -> int:
    """Working days after today up to the day of `moment`: 0 today, negative when it is past.

    `office` says whose days are counted; today all offices share one calendar.
    """
    calendar = calendar or Calendar.load()
    today = _local(now or datetime.datetime.now(VIETNAM)).date()
    last = _local(moment).date()
    if last >= today:
        return calendar.count_between(today, last)
    return -calendar.count_between(last, today)


def _open_periods(
    begin: datetime.datetime, office: Agency, calendar: Calendar
) -> Iterator[tuple[datetime.datetime, datetime.datetime]]:
    """The periods in which `office` is open from `begin` on, the first one cut to begin there."""
    periods = _periods(office)
    day = calendar.on_or_after(begin.date())
    while True:
        for start, end in periods:
            opens, closes = max(begin, _at(day, start)), _at(day, end)
            if opens < closes:
                yield opens, closes
        day = calendar.after(day)


def _periods(office: Agency) -> list[tuple[time, time]]:
    """The periods of a working day, earliest first."""
    periods = sorted(
        (time.fromisoformat(start), time.fromisoformat(end)) for start, end in office.working_hours
    )
    if not periods:
        raise NoCalendar(f"{office.code} has no working hours")
    return periods


def _local(moment: datetime.datetime) -> datetime.datetime:
    """`moment` in Vietnamese time; a moment without a time zone is a mistake of the caller."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return moment.astimezone(VIETNAM)


def _at(day: date, clock: time) -> datetime.datetime:
    return datetime.datetime.combine(day, clock.replace(tzinfo=VIETNAM))


def _require_positive(amount: int) -> None:
    if amount < 1:
        raise ValueError(f"a time must be at least 1, not {amount}")
