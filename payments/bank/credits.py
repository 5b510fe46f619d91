"""What is read of one credit, and how amounts, moments and texts of banks are understood.

Every function raises `BadCell` with a sentence for what it does not understand: guessing
about money is worse than asking.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from procedures.text import fold, normalise
from procedures.worktime import VIETNAM

MOST = 10**12  # đồng; more on one line is a mistake of reading
OLDEST = 2015  # nothing that a portal waits for is older

_CURRENCY = re.compile(r"\s*(vnd|dong|[d₫])\.?\s*$")
_NUMBER = re.compile(
    r"""(?P<whole>[0-9]{1,3}(?:(?P<mark>[.,\ ])[0-9]{3})(?:(?P=mark)[0-9]{3})*|[0-9]+)
        (?:[.,](?P<part>[0-9]{1,2}))?""",
    re.VERBOSE,
)
_MOMENTS = (
    "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%H:%M:%S %d/%m/%Y", "%H:%M %d/%m/%Y",
    "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%d/%m/%y %H:%M:%S", "%d/%m/%y",
)  # fmt: skip


class BadCell(ValueError):
    """A value of a statement that cannot be understood; the message says why."""


@dataclass(frozen=True)
class Credit:
    """One credit as a bank reports it: `amount` in whole đồng above zero, `booked_at` with
    its time zone. `reference` is the bank's number, "" where it gives none; `rest` is what
    else tells two equal credits apart (the balance after it)."""

    amount: int
    booked_at: datetime.datetime
    reference: str = ""
    memo: str = ""
    payer_name: str = ""
    payer_account: str = ""
    payer_bank: str = ""
    rest: str = ""

    def key(self, account: str) -> str:
        """The number by which the same credit is known again, 64 characters at most."""
        if 0 < len(self.reference) <= 64:
            return self.reference
        at = self.booked_at.astimezone(VIETNAM).isoformat()
        said = (account, self.reference, at, self.amount, self.memo, self.payer_account, self.rest)
        return hashlib.sha256("\x1f".join(map(str, said)).encode()).hexdigest()


def text(value: Any, most: int) -> str:
    """A cell as one line of text, cut at `most` characters."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return " ".join(normalise(str(value)).split())[:most]


def amount(value: Any) -> int:
    """Whole đồng, 0 for an empty cell, below 0 for a negative one.

    `1.234.000`, `1,234,000.00`, `1 234 000 VND`, `(1.000)` and numbers of a workbook.
    """
    if value is None or value == "":
        return 0
    if isinstance(value, bool):
        raise BadCell(_("số tiền không phải là số"))
    if isinstance(value, int | float):
        return _whole(value)
    bare = _CURRENCY.sub("", fold(str(value)))
    bare, sign = _sign(bare)
    if bare in ("", "-"):
        return 0
    found = _NUMBER.fullmatch(bare)
    if not found or _is_ambiguous(found):
        raise BadCell(_("không hiểu số tiền “%(amount)s”") % {"amount": text(value, 40)})
    if int(found["part"] or 0):
        raise BadCell(_("số tiền có phần lẻ của đồng"))
    return _bounded(sign * int(re.sub(r"[^0-9]", "", found["whole"])))


def _is_ambiguous(found: re.Match) -> bool:
    """Whether the mark of the thousands is that of the fraction too: `1.234.00`."""
    return bool(found["part"] and found["mark"] and found[0][len(found["whole"])] == found["mark"])


def _sign(bare: str) -> tuple[str, int]:
    if bare.startswith("(") and bare.endswith(")"):
        return bare[1:-1].strip(), -1
    if bare.startswith("-"):
        return bare[1:].strip(), -1
    if bare.endswith("-"):
        return bare[:-1].strip(), -1
    return bare.removeprefix("+").strip(), 1


def _whole(value: float) -> int:
    if value != value or value in (float("inf"), float("-inf")):
        raise BadCell(_("số tiền không phải là số"))
    if value != int(value):
        raise BadCell(_("số tiền có phần lẻ của đồng"))
    return _bounded(int(value))


def _bounded(value: int) -> int:
    if abs(value) > MOST:
        raise BadCell(_("số tiền quá lớn"))
    return value


def moment(value: Any, clock: Any = None) -> datetime.datetime:
    """The moment of a cell of days, with the time of another cell where the bank has one.

    Days stand before months, as in Vietnam; a day in the future or long ago is refused.
    """
    at = _moment(value)
    if isinstance(clock, datetime.time):
        at = datetime.datetime.combine(at.date(), clock)
    elif found := re.match(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?", text(clock, 20)):
        at = _at(at, *(int(part or 0) for part in found.groups()))
    if at.tzinfo is None:
        at = at.replace(tzinfo=VIETNAM)
    if at > timezone.now() + datetime.timedelta(days=1):
        raise BadCell(_("ngày giao dịch ở tương lai"))
    if at.year < OLDEST:
        raise BadCell(_("ngày giao dịch đã quá lâu"))
    return at


def _at(day: datetime.datetime, hour: int, minute: int, second: int) -> datetime.datetime:
    try:
        return day.replace(hour=hour, minute=minute, second=second)
    except ValueError:
        raise BadCell(_("không hiểu giờ giao dịch")) from None


def _moment(value: Any) -> datetime.datetime:
    if isinstance(value, datetime.datetime):
        return value
    if isinstance(value, datetime.date):
        return datetime.datetime.combine(value, datetime.time())
    said = text(value, 40)
    if not said:
        raise BadCell(_("thiếu ngày giao dịch"))
    if re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T", said):
        return _iso(said)
    for form in _MOMENTS:
        try:
            return datetime.datetime.strptime(said.replace("-", "/"), form)
        except ValueError:
            continue
    raise BadCell(_("không hiểu ngày giao dịch “%(day)s”") % {"day": said})


def _iso(said: str) -> datetime.datetime:
    try:
        return datetime.datetime.fromisoformat(said)
    except ValueError:
        raise BadCell(_("không hiểu ngày giao dịch “%(day)s”") % {"day": said}) from None
