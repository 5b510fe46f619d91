"""The QR code of a citizen's card, as a scanner at the counter types it.

One line with bars between seven fields, and more on newer cards, which nobody needs here:

    001190012345|012345678|Nguyễn Thị Hoa|02031990|Nữ|Thôn 5, Gio Linh, Quảng Trị|10052021

Nothing of it is kept but what the form asks for.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from procedures.formspec import numbers
from procedures.formspec.fields import check_citizen_number, check_name
from procedures.text import fold, normalise

FIELDS = 7
# Some keyboards type another bar; a question mark stands where one had no such letter.
_BAR = re.compile(r"[|¦│]")
_LOST = re.compile("[?]")


class Unreadable(Exception):
    """This is not the whole of a card's code; the words say what to do."""


@dataclass(frozen=True)
class Card:
    """What a card says of its owner; a missing day is None.

    `doubts` are sentences on what does not fit together: shown, to be compared with the
    card, and never refused.
    """

    number: str
    full_name: str
    birth_date: datetime.date | None
    sex: str
    address: str
    issued: datetime.date | None
    doubts: tuple[str, ...] = ()


def looks_like_one(text: str) -> bool:
    """Whether somebody scanned a card into a field that asks for something else."""
    return bool(_BAR.search(text))


def parse(text: str) -> Card:
    """The card whose code a scanner typed; raises `Unreadable`."""
    parts = [" ".join(part.split()) for part in _BAR.split(normalise(text).strip())]
    if len(parts) < FIELDS:
        raise Unreadable(_("Mới đọc được một phần mã trên thẻ; xin quét lại, hoặc gõ tay."))
    number, _old, name, born, sex, address, issued = parts[:FIELDS]
    try:
        check_citizen_number(number)
    except ValidationError as error:
        message = _("Mã này không phải của thẻ căn cước; xin quét lại, hoặc gõ tay.")
        raise Unreadable(message) from error
    name, is_lost = _LOST.sub("", name), bool(_LOST.search(name))
    try:
        check_name(name)
    except ValidationError as error:
        raise Unreadable(_("Không đọc được họ tên trên thẻ; xin quét lại, hoặc gõ tay.")) from error
    birth_date = _day(born)
    return Card(
        number=number,
        full_name=name,
        birth_date=birth_date,
        sex=sex,
        address=address,
        issued=_day(issued),
        doubts=tuple(_doubts(number, name, birth_date, sex, is_lost=is_lost)),
    )


def _day(text: str) -> datetime.date | None:
    """`02031990`, or with marks between; None for what is no day."""
    digits = re.sub(r"\D", "", text)
    try:
        return datetime.datetime.strptime(digits, "%d%m%Y").date()
    except ValueError:
        return None


def _doubts(number: str, name: str, born: datetime.date | None, sex: str, *, is_lost: bool):
    if is_lost or fold(name) == name.lower():
        yield _("Họ tên quét được không có dấu; xin đối chiếu với thẻ và sửa lại.")
    told = numbers.told_by(number)
    if born is None:
        yield _("Không đọc được ngày sinh trên thẻ.")
    elif told and told.year != born.year:
        yield _("Số trên thẻ là của người sinh năm %(told)d, ngày sinh lại ghi năm %(said)d.") % {
            "told": told.year,
            "said": born.year,
        }
    if told and fold(sex) in {"nam", "nu"} and told.is_male != (fold(sex) == "nam"):
        yield _("Số trên thẻ không khớp với giới tính ghi trên thẻ.")
