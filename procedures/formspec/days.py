"""Days as people give them, of which the day, or the day and month, may be unknown.

Kept as an ISO date or as what is known of it: `1985-03-07`, `1985-03`, `1985`.
"""

from __future__ import annotations

import calendar
import datetime
import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from procedures.text import fold

_KNOWN = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_WHOLE = re.compile(r"([0-9]{1,2})[\s/.-]+([0-9]{1,2})[\s/.-]+([0-9]{4})")
_DIGITS_ALONE = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{4})")
# What stands for a part that is not known: "không rõ", "không nhớ", a question mark, dots.
_UNKNOWN = re.compile(r"(?:ngay |thang )?(?:khong (?:ro|nho|biet)|\?+|\.{2,}|…+|_+|-+|x+|0{1,2})")


def read(text: str) -> str:
    """A whole day typed as dd/mm/yyyy, as ISO; `ValidationError` with a sentence if it is none."""
    match = _WHOLE.fullmatch(text) or _DIGITS_ALONE.fullmatch(text)
    if not match:
        raise ValidationError(_("Hãy nhập ngày, tháng, năm bằng số, ví dụ 05/02/2026."))
    day, month, year = (int(part) for part in match.groups())
    try:
        return datetime.date(year, month, day).isoformat()
    except ValueError:
        raise ValidationError(
            _("Không có ngày %(text)s trong lịch; hãy kiểm tra lại.") % {"text": text}
        ) from None


def read_parts(text: str) -> str | None:
    """`1985`, `03/1985` and `không rõ/3/1985` as what is known; None for anything else.

    Raises `ValidationError` for a month that does not exist.
    """
    parts = [part.strip() for part in re.split(r"/", fold(text))]
    if len(parts) == 1:
        parts = re.sub(r"\b(?:nam|thang) ", "", parts[0]).replace("-", " ").split()
    known = [part for part in parts if not _UNKNOWN.fullmatch(part)]
    # Only what stands before may be unknown: a day without its month tells nothing.
    if len(parts) > 3 or known != parts[len(parts) - len(known) :] or not 1 <= len(known) <= 2:
        return None
    *month, year = known
    if not re.fullmatch("[0-9]{4}", year) or (month and not re.fullmatch("[0-9]{1,2}", month[0])):
        return None
    if not month:
        return year
    if not 1 <= int(month[0]) <= 12:
        raise ValidationError(_("Tháng phải từ 1 đến 12; hãy kiểm tra lại."))
    return f"{year}-{int(month[0]):02d}"


def span(known: str) -> tuple[datetime.date, datetime.date]:
    """The first and the last day that it may be; ValueError for what is no day."""
    match = _KNOWN.fullmatch(known)
    if not match:
        raise ValueError(f"not a day or a part of one: {known[:40]!r}")
    year, month, day = (int(part) if part else None for part in match.groups())
    if day:
        one = datetime.date(year, month, day)
        return one, one
    last = calendar.monthrange(year, month or 12)[1] if 1 <= year <= 9999 else 0
    return datetime.date(year, month or 1, 1), datetime.date(year, month or 12, last)


def is_whole(known: str) -> bool:
    """Whether day, month and year are known."""
    return len(known) == 10


def written(known: str) -> str:
    """As one would type it: `07/03/1985`, `03/1985`, `1985`; what is no day stays as it is."""
    match = _KNOWN.fullmatch(str(known))
    return "/".join(part for part in reversed(match.groups()) if part) if match else str(known)


def in_words(known: str) -> str:
    """As it stands on a page or paper: `07/03/1985`, `tháng 03/1985`, `năm 1985`."""
    shown = written(known)
    if re.fullmatch("[0-9]{4}", shown):
        return _("năm %(year)s") % {"year": shown}
    if re.fullmatch("[0-9]{2}/[0-9]{4}", shown):
        return _("tháng %(month)s") % {"month": shown}
    return shown
