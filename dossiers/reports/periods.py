"""The periods of reports: any days from–to, and those by which offices report.

Offices report from the 15th of a month to the 14th of the next (DOMAIN.md 1.4).
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures.worktime import VIETNAM

FIRST_DAY_OF_REPORT = 15
DAY = timedelta(days=1)
SHORTCUTS = {
    "ky": gettext_lazy("Kỳ báo cáo (15–14)"),
    "thang": gettext_lazy("Tháng này"),
    "quy": gettext_lazy("Quý này"),
    "nam": gettext_lazy("Năm nay"),
}


class BadPeriod(Exception):
    """No report can be made of these days; the message is for the person who asked."""


@dataclass(frozen=True)
class Period:
    """Whole days on the offices' clock, the first and the last included."""

    first: date
    last: date

    @property
    def begin(self) -> datetime.datetime:
        """The first moment."""
        return _midnight(self.first)

    @property
    def end(self) -> datetime.datetime:
        """The first moment after it."""
        return _midnight(self.last + DAY)

    def __str__(self) -> str:
        return _("từ ngày %(first)s đến ngày %(last)s") % {
            "first": f"{self.first:%d/%m/%Y}",
            "last": f"{self.last:%d/%m/%Y}",
        }


def _midnight(day: date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(), tzinfo=VIETNAM)


def today() -> date:
    """Today on the offices' clock."""
    return timezone.localdate()


def of_day(day: date) -> Period:
    """One day."""
    return Period(day, day)


def shortcut(name: str, day: date) -> Period:
    """The period of `SHORTCUTS` that holds `day`; that of reports for any other name."""
    if name == "thang":
        return Period(day.replace(day=1), _month_end(day))
    if name == "quy":
        begin = day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        return Period(begin, _month_end(_month(begin, 2)))
    if name == "nam":
        return Period(date(day.year, 1, 1), date(day.year, 12, 31))
    return of_report(day)


def of_report(day: date) -> Period:
    """From the 15th to the 14th around `day`."""
    months = 0 if day.day >= FIRST_DAY_OF_REPORT else -1
    begin, end = _month(day, months), _month(day, months + 1)
    return Period(begin.replace(day=FIRST_DAY_OF_REPORT), end.replace(day=FIRST_DAY_OF_REPORT - 1))


def read(first: str, last: str, name: str, *, on: date | None = None) -> Period:
    """The period that somebody asked for, by two days as ISO text or by a shortcut.

    Raises `BadPeriod` for days that do not exist, that are reversed, or that lie ahead.
    """
    on = on or today()
    if not first and not last:
        return shortcut(name, on)
    begin, end = _day(first), _day(last)
    if begin > end:
        raise BadPeriod(_("Ngày bắt đầu phải trước hoặc trùng ngày kết thúc."))
    if begin > on:
        raise BadPeriod(_("Kỳ này chưa bắt đầu nên chưa có số liệu."))
    return Period(begin, end)


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadPeriod(_("Hãy ghi đủ hai ngày có trong lịch, từ ngày và đến ngày.")) from None
    if not 2000 <= day.year <= 2100:
        raise BadPeriod(_("Hãy chọn ngày trong khoảng năm 2000 đến năm 2100."))
    return day


def whole_months(period: Period) -> list[date]:
    """The first days of the calendar months that lie wholly inside a period."""
    month = period.first if period.first.day == 1 else _month(period.first, 1)
    months = []
    while _month_end(month) <= period.last:
        months.append(month)
        month = _month(month, 1)
    return months


def days_outside(period: Period, months: list[date]) -> list[Period]:
    """What is left of a period without these months of it, as stretches of days."""
    left, begin = [], period.first
    for month in sorted(months):
        if begin < month:
            left.append(Period(begin, month - DAY))
        begin = _month_end(month) + DAY
    if begin <= period.last:
        left.append(Period(begin, period.last))
    return left


def month_of(day: date) -> Period:
    """The calendar month of a day."""
    return Period(day.replace(day=1), _month_end(day))


def _month(day: date, later: int) -> date:
    """The first day of the month `later` months after that of `day`."""
    years, month = divmod(day.month - 1 + later, 12)
    return date(day.year + years, month + 1, 1)


def _month_end(day: date) -> date:
    return _month(day, 1) - DAY
