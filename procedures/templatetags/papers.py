"""Dates and hours as Vietnamese papers write them (NĐ 30/2020, DOMAIN.md 6)."""

from __future__ import annotations

import datetime

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def paper_date(value: datetime.date | str | None) -> str:
    """`ngày 05 tháng 02 năm 2026`: a leading zero for days below 10 and months 1 and 2.

    Takes a date, a datetime or either as ISO text; an aware datetime is read on the
    office's clock. Nothing gives a line to write on.
    """
    if not value:
        return _("ngày … tháng … năm …")
    moment = _read(value)
    month = f"{moment.month:02}" if moment.month < 3 else str(moment.month)
    return _("ngày %(day)s tháng %(month)s năm %(year)s") % {
        "day": f"{moment.day:02}",
        "month": month,
        "year": moment.year,
    }


@register.filter
def paper_hour(value: datetime.datetime | str | None) -> str:
    """`08 giờ 30 phút`, from a datetime or its ISO text, on the office's clock."""
    if not value:
        return _("… giờ … phút")
    moment = _read(value)
    return _("%(hour)s giờ %(minute)s phút") % {
        "hour": f"{moment:%H}",
        "minute": f"{moment:%M}",
    }


@register.filter
def paper_moment(value: datetime.datetime | str | None) -> str:
    """`08 giờ 30 phút, ngày 05 tháng 02 năm 2026`."""
    return f"{paper_hour(value)}, {paper_date(value)}"


@register.filter
def paper_second(value: datetime.datetime | str | None) -> str:
    """`24/11/2026 09:05:00 +07:00`: a moment as signatures show it (NĐ 30/2020)."""
    return f"{_read(value):%d/%m/%Y %H:%M:%S %:z}" if value else ""


@register.filter
def balanced(value: str) -> str:
    """A long name on two lines of about equal length, as offices set their heads.

    `Ủy ban nhân dân xã Gio Linh` breaks before `xã`; up to 24 characters stay on one line.
    """
    words = value.split()
    if len(value) <= 24 or len(words) < 2:
        return value
    breaks = [(" ".join(words[:index]), " ".join(words[index:])) for index in range(1, len(words))]
    # Of two equal breaks the later, which leaves the longer line on top.
    return "\n".join(min(reversed(breaks), key=lambda lines: abs(len(lines[0]) - len(lines[1]))))


def _read(value: datetime.date | str) -> datetime.datetime:
    if isinstance(value, str):
        value = datetime.datetime.fromisoformat(value)
    if not isinstance(value, datetime.datetime):
        return datetime.datetime.combine(value, datetime.time())
    return timezone.localtime(value) if timezone.is_aware(value) else value
