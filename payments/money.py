"""Amounts of money as people read them; amounts are whole đồng."""

from __future__ import annotations

from procedures.spelling import amount_in_words
from procedures.text import dong


def format_dong(amount: int) -> str:
    """`8000` -> `8.000 đồng`; ValueError for anything but a whole number of 0 or more."""
    _require_whole(amount)
    return dong(amount)


def in_words(amount: int) -> str:
    """`8000` -> `Tám nghìn đồng`, as papers spell an amount beside its digits.

    ValueError for anything but a whole number of 0 or more.
    """
    _require_whole(amount)
    return amount_in_words(amount)


def _require_whole(amount: int) -> None:
    if not isinstance(amount, int) or isinstance(amount, bool) or amount < 0:
        raise ValueError(f"not a whole amount of money: {amount!r}")
