"""Numbers, amounts and days written out in words, as papers want them beside the digits.

Always Vietnamese, whatever the reader's language: the law wants the paper in it.
"""

from __future__ import annotations

import datetime

_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_BILLION = 10**9


def number_in_words(number: int) -> str:
    """`1005` -> `một nghìn không trăm linh năm`; ValueError for anything but 0 or more.

    Says "linh", "tư" and "lăm" in the official way; see the vectors of DOMAIN.md 6.
    """
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise ValueError(f"not a whole number of 0 or more: {number!r}")
    return " ".join(_read(number)) if number else _DIGITS[0]


def amount_in_words(amount: int) -> str:
    """`8000` -> `Tám nghìn đồng`; ValueError for anything but a whole amount of 0 or more."""
    words = number_in_words(amount)
    return f"{words[0].upper()}{words[1:]} đồng"


def day_in_words(day: datetime.date) -> str:
    """`Ngày năm tháng hai năm hai nghìn không trăm hai mươi sáu`, as civil papers spell it."""
    month = "tư" if day.month == 4 else number_in_words(day.month)
    return f"Ngày {number_in_words(day.day)} tháng {month} năm {number_in_words(day.year)}"


def _read(number: int, *, follows: bool = False) -> list[str]:
    """The words of a number above 0; every group of nine digits is counted in "tỷ".

    `follows` says that something larger was read before, so that an empty place of
    hundreds has to be spoken.
    """
    billions, rest = divmod(number, _BILLION)
    words = [*_read(billions, follows=follows), "tỷ"] if billions else []
    for size, name in ((10**6, ["triệu"]), (10**3, ["nghìn"]), (1, [])):
        group = rest // size % 1000
        if group:
            words += _read_group(group, spell_hundreds=follows or bool(words)) + name
    return words


def _read_group(group: int, *, spell_hundreds: bool) -> list[str]:
    """The words of 1 to 999."""
    hundreds, below = divmod(group, 100)
    tens, units = divmod(below, 10)
    words = [_DIGITS[hundreds], "trăm"] if hundreds or spell_hundreds else []
    if tens == 0:
        linh = ["linh"] if units and words else []
        return words + linh + ([_DIGITS[units]] if units else [])
    words += ["mười"] if tens == 1 else [_DIGITS[tens], "mươi"]
    return words + ([_unit_after_tens(tens, units)] if units else [])


def _unit_after_tens(tens: int, units: int) -> str:
    """The units after a spoken ten, which change their sound: mười lăm, hai mươi mốt."""
    if units == 5:
        return "lăm"
    if tens > 1:
        return {1: "mốt", 4: "tư"}.get(units, _DIGITS[units])
    return _DIGITS[units]
