"""Amounts of money as people read them; amounts are whole đồng."""

from __future__ import annotations

import re

from procedures.spelling import amount_in_words
from procedures.text import dong, fold, grouped


def format_dong(amount: int) -> str:
    """`8000` -> `8.000 đồng`; ValueError for anything but a whole number of 0 or more."""
    _require_whole(amount)
    return dong(amount)


def signed(amount: int) -> str:
    """`−8.000`, `8.000`: whole đồng that may be less than nothing, without the unit."""
    return f"−{grouped(-amount)}" if amount < 0 else grouped(amount)


def in_words(amount: int) -> str:
    """`8000` -> `Tám nghìn đồng`, as papers spell an amount beside its digits.

    ValueError for anything but a whole number of 0 or more.
    """
    _require_whole(amount)
    return amount_in_words(amount)


def read_dong(text: str) -> int:
    """Whole đồng as people type them: `8000`, `8.000`, `8 000 đồng`, `8,000đ` are 8000.

    ValueError for anything else: a part of a đồng, a minus, thousands in other groups.
    """
    match = _TYPED.fullmatch(fold(text))
    if not match or len(match[1]) > _LONGEST:
        raise ValueError(f"no amount of money: {text[:40]!r}")
    return int(re.sub(r"\D", "", match[1]))


_LONGEST = 20
_TYPED = re.compile(r"([0-9]+|[0-9]{1,3}(?:([., ])[0-9]{3})(?:\2[0-9]{3})*) ?(?:dong|d|vnd)?")


def _require_whole(amount: int) -> None:
    if not isinstance(amount, int) or isinstance(amount, bool) or amount < 0:
        raise ValueError(f"not a whole amount of money: {amount!r}")
