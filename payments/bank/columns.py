"""Which column of a bank's statement is what, by the names that banks write over them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from procedures.text import fold

# What a column is called, folded; the first of these names that stands there wins.
NAMES: dict[str, tuple[str, ...]] = {
    "day": (
        "ngay giao dich", "ngay gd", "thoi gian giao dich", "transaction date", "tnx date",
        "trans date", "ngay hach toan", "ngay ghi so", "ngay phat sinh", "posting date",
        "booking date", "ngay hieu luc", "effective date", "value date", "thoi gian", "ngay",
        "date",
    ),
    "clock": ("gio giao dich", "gio gd", "gio", "transaction time", "time"),
    "reference": (
        "so tham chieu", "ma tham chieu", "ma giao dich", "so giao dich", "ma gd", "so gd",
        "reference number", "reference no", "ref no", "reference", "transaction id",
        "transaction no", "trans id", "so but toan", "so chung tu", "so ct", "doc no",
    ),
    "credit": (
        "so tien ghi co", "phat sinh co", "ps co", "ghi co", "so tien co", "tien vao",
        "so tien gui vao", "credit amount", "credit", "co",
    ),
    "debit": (
        "so tien ghi no", "phat sinh no", "ps no", "ghi no", "so tien no", "tien ra",
        "so tien rut ra", "debit amount", "debit", "no",
    ),
    "amount": ("so tien giao dich", "so tien gd", "so tien", "transaction amount", "amount"),
    "side": ("no co", "ghi no ghi co", "loai giao dich", "dau", "dr cr", "d c", "debit credit"),
    "memo": (
        "noi dung chuyen khoan", "noi dung giao dich", "noi dung", "dien giai",
        "chi tiet giao dich", "mo ta giao dich", "mo ta", "transaction description",
        "transaction detail", "transactions in detail", "description", "details", "remark",
        "remarks", "narrative",
    ),
    "payer_name": (
        "ten nguoi chuyen", "nguoi chuyen", "ten tai khoan doi ung", "ten doi ung",
        "ten don vi doi ung", "don vi chuyen", "ten nguoi nop", "counterparty name",
        "corresponsive name", "remitter name", "sender name", "remitter",
    ),
    "payer_account": (
        "so tai khoan doi ung", "tai khoan doi ung", "tk doi ung", "so tk doi ung",
        "tai khoan nguoi chuyen", "counter account", "counterparty account",
        "corresponsive account", "sender account",
    ),
    "payer_bank": (
        "ngan hang doi ung", "ngan hang nguoi chuyen", "ngan hang chuyen", "counterparty bank",
        "corresponsive bank", "sender bank",
    ),
    "rest": ("so du", "so du cuoi", "so du sau giao dich", "running balance", "balance"),
}  # fmt: skip

_CURRENCY = re.compile(r"\b(vnd|dong)\b")


def find(row: Sequence[Any]) -> dict[str, int] | None:
    """Where each column is, if this row is the one with their names: a day, and a credit or
    an amount. None otherwise."""
    said = [_names_in(cell) for cell in row]
    found: dict[str, int] = {}
    for field, names in NAMES.items():
        place = next((at for name in names for at, cell in enumerate(said) if name in cell), None)
        if place is not None and place not in found.values():
            found[field] = place
    return found if "day" in found and ("credit" in found or "amount" in found) else None


def _names_in(cell: Any) -> list[str]:
    """What a heading may mean: the whole, and each of its languages or lines.

    `Ghi có (VND)` is `ghi co`; `Ngày giao dịch/\\nTransaction date` is both.
    """
    if not isinstance(cell, str) or len(cell) > 80:
        return []
    parts = [cell, *re.split(r"[\n/()\[\]|]+", cell)]
    bare = [_bare(part) for part in parts]
    # `Nợ/Có` says which side an amount is on; it is neither column.
    return bare[:1] if bare[0] in NAMES["side"] else [part for part in bare if part]


def _bare(heading: str) -> str:
    return " ".join(_CURRENCY.sub(" ", re.sub(r"[^a-z0-9]+", " ", fold(heading))).split())
