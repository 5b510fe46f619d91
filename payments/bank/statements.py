"""Statement files of banks: tables (CSV, XLSX) and SWIFT's MT940, read line by line.

A file that cannot be read at all is `Unreadable`, with a sentence; a line that cannot is a
fault with its number, and the others are kept. Nothing is evaluated, and all is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from payments.bank import columns, credits, mt940
from payments.bank.credits import BadCell, Credit
from procedures import tables
from procedures.tables import Unreadable
from procedures.text import fold

MOST_BYTES = 5 * 1024 * 1024
MOST_FAULTS = 100  # kept and shown of one file
HEADING_WITHIN = 60  # rows
MEMO, NAME, ACCOUNT, BANK = 500, 200, 40, 100

_TOTALS = ("tong", "cong", "total", "so du", "balance", "opening", "closing")
_ACCOUNT = re.compile(
    r"(?:so tai khoan|tai khoan so|so tk|account(?: no| number)?)\D{0,30}"
    r"([0-9][0-9 .\-]{4,24}[0-9])"
)


@dataclass
class Statement:
    """What was read of a file: `faults` are `{line, text}`, `debits` the lines that took money
    out, `account` the number that the file names, "" for none."""

    format: str
    account: str = ""
    credits: list[Credit] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)
    debits: int = 0

    def fault(self, line: int, text: str) -> None:
        """Note that a line was not understood; no more than a hundred are kept."""
        if len(self.faults) < MOST_FAULTS:
            self.faults.append({"line": line, "text": text})


def read(name: str, content: bytes) -> Statement:
    """The credits of a statement file, whatever its kind; `Unreadable` with a sentence.

    The kind is found from the content, never from the name.
    """
    if not content.strip(b"\x00 \r\n\t"):
        raise Unreadable(_("Tệp trống."))
    if len(content) > MOST_BYTES:
        raise Unreadable(_("Tệp lớn quá 5 MB; xin chia nhỏ theo ngày."))
    if content.startswith(b"PK\x03\x04"):
        return _of_sheets(tables.sheets(content))
    if content.startswith((b"\xd0\xcf\x11\xe0", b"%PDF")) or content.lstrip()[:1] == b"<":
        raise Unreadable(_("Chưa đọc được dạng tệp này; xin lưu sao kê thành XLSX hoặc CSV."))
    text = tables.decoded(content)
    if mt940.is_mt940(text):
        return _of_mt940(text)
    return _of_sheets(tables.separated(text), "csv")


def _of_sheets(sheets: Iterable[list[tuple[int, list[Any]]]], kind: str = "xlsx") -> Statement:
    """The first table that has a heading which we know."""
    for rows in sheets:
        for at, (_line, row) in enumerate(rows[:HEADING_WITHIN]):
            if places := columns.find(row):
                return _of_rows(rows[:at], rows[at + 1 :], places, kind)
    raise Unreadable(
        _("Không thấy dòng tiêu đề của sao kê: cần cột ngày giao dịch và cột ghi có hoặc số tiền.")
    )


def _of_rows(above: list, below: list, places: dict[str, int], kind: str) -> Statement:
    statement = Statement(kind, account=_account_in(above))
    for line, row in below:
        cells = {name: row[at] if at < len(row) else None for name, at in places.items()}
        if all(cell in (None, "") for cell in cells.values()) or _is_total(row, cells):
            continue
        try:
            credit = _credit(cells)
        except BadCell as error:
            statement.fault(line, str(error))
            continue
        if credit is None:
            statement.debits += 1
        else:
            statement.credits.append(credit)
    return statement


def _account_in(rows: list[tuple[int, list[Any]]]) -> str:
    for _line, row in rows:
        said = fold(" ".join(str(cell) for cell in row if cell not in (None, "")))
        if found := _ACCOUNT.search(said):
            return re.sub(r"[^0-9]", "", found[1])
    return ""


def _is_total(row: list[Any], cells: dict[str, Any]) -> bool:
    """A line of sums below or between the others, which has no day."""
    first = next((cell for cell in row if cell not in (None, "")), "")
    in_day = fold(str(cells.get("day") or ""))
    is_named = fold(str(first)).startswith(_TOTALS)
    return is_named and not re.match(r"[0-9]", in_day)


def _credit(cells: dict[str, Any]) -> Credit | None:
    """The credit of a line; None for money that went out. `BadCell` where neither is sure."""
    if any(isinstance(cell, str) and cell.startswith("=") for cell in cells.values()):
        raise BadCell(_("dòng có công thức; cổng không tính công thức"))
    amount = _received(cells)
    if amount <= 0:
        return None
    return Credit(
        amount=amount,
        booked_at=credits.moment(cells.get("day"), cells.get("clock")),
        reference=credits.text(cells.get("reference"), 300),
        memo=credits.text(cells.get("memo"), MEMO),
        payer_name=credits.text(cells.get("payer_name"), NAME),
        payer_account=credits.text(cells.get("payer_account"), ACCOUNT),
        payer_bank=credits.text(cells.get("payer_bank"), BANK),
        rest=credits.text(cells.get("rest"), 40),
    )


def _received(cells: dict[str, Any]) -> int:
    """What a line brought, 0 or less for one that took money out."""
    if "credit" in cells:
        credit, debit = credits.amount(cells["credit"]), credits.amount(cells.get("debit"))
        if credit < 0:
            raise BadCell(_("số tiền ghi có là số âm"))
        if credit and debit:
            raise BadCell(_("dòng vừa ghi nợ vừa ghi có"))
        if not credit and not debit and "debit" in cells:
            raise BadCell(_("dòng không có số tiền"))
        return credit
    amount = credits.amount(cells["amount"])
    side = fold(str(cells.get("side") or "")).strip()
    if not amount:
        raise BadCell(_("dòng không có số tiền"))
    if amount > 0 and side in ("no", "ghi no", "d", "dr", "debit", "-", "chi", "tien ra"):
        return -amount
    return amount


def _of_mt940(text: str) -> Statement:
    statement = Statement("mt940")
    for entry in mt940.entries(text):
        statement.account = statement.account or re.sub(r"[^0-9]", "", entry.account.split("/")[-1])
        try:
            credit = mt940.credit(entry)
        except BadCell as error:
            statement.fault(entry.line, str(error))
            continue
        if credit is None:
            statement.debits += 1
        else:
            statement.credits.append(credit)
    return statement


def all_lines(statement: Statement) -> Iterator[Credit]:
    """The credits, the same line of one file once."""
    seen: set[str] = set()
    for credit in statement.credits:
        if (key := credit.key(statement.account)) not in seen:
            seen.add(key)
            yield credit
