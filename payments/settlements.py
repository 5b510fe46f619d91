"""The settlement files of gateways: what VNPAY or MoMo says of one or several days.

Their columns have many names; they are known by their headings, in any order, in CSV and
XLSX alike. A line that cannot be read is a fault with its number, and the others count.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from payments.bank import credits
from payments.bank.credits import BadCell
from procedures import tables
from procedures.tables import Unreadable
from procedures.text import fold

MOST_BYTES = 5 * 1024 * 1024
MOST_FAULTS = 100
HEADING_WITHIN = 40  # rows

_NAMES = {
    "reference": (
        "vnp_txnref", "txnref", "ma tham chieu", "ma don hang", "so hoa don", "ma hoa don",
        "orderid", "order id", "ma thanh toan", "merchant order id", "ma tham chieu giao dich",
    ),
    "transaction": (
        "vnp_transactionno", "transactionno", "transid", "trans id", "ma giao dich",
        "ma gd vnpay", "ma giao dich vnpay", "ma giao dich momo", "so giao dich", "ma gd",
    ),
    "amount": (
        "vnp_amount", "so tien", "so tien thanh toan", "so tien giao dich", "gia tri giao dich",
        "amount", "so tien (vnd)", "so tien giao dich (vnd)", "so tien hoan",
    ),
    "status": (
        "vnp_transactionstatus", "resultcode", "trang thai", "trang thai giao dich", "ket qua",
        "status", "ma ket qua",
    ),
    "kind": ("vnp_transactiontype", "loai giao dich", "loai gd", "transaction type", "type"),
    "at": (
        "vnp_paydate", "paydate", "thoi gian", "thoi gian giao dich", "ngay giao dich",
        "thoi gian thanh toan", "ngay thanh toan", "responsetime", "date", "ngay gd",
    ),
}  # fmt: skip
_DONE = {"", "0", "00", "thanh cong", "success", "successful", "giao dich thanh cong",
         "da thanh toan", "da hoan", "hoan thanh cong"}  # fmt: skip
_HUNDREDTHS = "vnp_amount"  # the protocol's own field: đồng × 100


@dataclass(frozen=True)
class Entry:
    """One payment or refund as the other side has it: whole đồng, `at` None where it says no
    moment."""

    reference: str
    amount: int
    transaction: str = ""
    at: datetime.datetime | None = None
    is_refund: bool = False


@dataclass
class Settlement:
    """What was read of a file: `faults` are `{line, text}`; what did not succeed is `left`."""

    entries: list[Entry] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)
    left: int = 0


def read(content: bytes) -> Settlement:
    """The entries of a file; `Unreadable`, with a sentence, where it is none."""
    if not content.strip(b"\x00 \r\n\t"):
        raise Unreadable(_("Tệp trống."))
    if len(content) > MOST_BYTES:
        raise Unreadable(_("Tệp lớn quá 5 MB; xin chia nhỏ theo ngày."))
    for rows in tables.read(content):
        for at, (_line, row) in enumerate(rows[:HEADING_WITHIN]):
            names = [fold(str(cell or "")) for cell in row]
            places = {
                name: names.index(known)
                for name, headings in _NAMES.items()
                if (known := next((one for one in headings if one in names), None))
            }
            if {"reference", "amount"} <= places.keys():
                is_hundredths = names[places["amount"]] == _HUNDREDTHS
                return _of_rows(rows[at + 1 :], places, is_hundredths=is_hundredths)
    raise Unreadable(
        _("Không thấy dòng tiêu đề: tệp cần cột mã tham chiếu (mã đơn hàng) và cột số tiền.")
    )


def _of_rows(rows: list[tables.Row], places: dict[str, int], *, is_hundredths: bool) -> Settlement:
    found = Settlement()
    for line, row in rows:
        cells = {name: row[at] if at < len(row) else None for name, at in places.items()}
        if not credits.text(cells["reference"], 64):
            continue  # sums, signatures, empty lines
        if not _is_done(cells.get("status")):
            found.left += 1
            continue
        try:
            found.entries.append(_entry(cells, is_hundredths=is_hundredths))
        except BadCell as error:
            if len(found.faults) < MOST_FAULTS:
                found.faults.append({"line": line, "text": str(error)})
    return found


def _is_done(status: Any) -> bool:
    return fold(credits.text(status, 60)) in _DONE


def _entry(cells: dict[str, Any], *, is_hundredths: bool) -> Entry:
    amount = credits.amount(cells["amount"])
    if is_hundredths:
        if amount % 100:
            raise BadCell(_("số tiền có phần lẻ của đồng"))
        amount //= 100
    kind = fold(credits.text(cells.get("kind"), 60))
    is_refund = amount < 0 or "hoan" in kind or "refund" in kind or kind in ("02", "03")
    if not amount:
        raise BadCell(_("dòng không có số tiền"))
    return Entry(
        reference=credits.text(cells["reference"], 64).upper(),
        amount=abs(amount),
        transaction=credits.text(cells.get("transaction"), 40),
        at=_moment(cells.get("at")),
        is_refund=is_refund,
    )


def _moment(value: Any) -> datetime.datetime | None:
    said = credits.text(value, 40)
    if not said:
        return None
    if said.isdecimal() and len(said) == 14:  # yyyyMMddHHmmss, GMT+7 (VNPAY)
        said = f"{said[:4]}-{said[4:6]}-{said[6:8]}T{said[8:10]}:{said[10:12]}:{said[12:]}"
        return credits.moment(said)
    if said.isdecimal() and len(said) == 13:  # milliseconds (MoMo)
        return datetime.datetime.fromtimestamp(int(said) / 1000, tz=datetime.UTC)
    return credits.moment(value)
