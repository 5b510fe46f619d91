"""Tables as XLSX and CSV, safe to open: no cell of ours is ever read as a formula.

Numbers stay numbers, moments stay dates (XLSX) or are written day first (CSV).
"""

from __future__ import annotations

import csv
import datetime
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.utils import timezone

Cell = str | int | float | datetime.datetime | datetime.date | None
Rows = Iterable[Sequence[Cell]]

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# What spreadsheets take for a formula, also in full width and behind quotes or blanks
# (SECURITY.md X01); what XML cannot hold is left out.
_FORMULA = re.compile(r"[\s\"'\x00]*[=+\-@|\t\r\n\x00＝＋－＠]")
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_LONGEST_CELL = 32_000


def safe(value: Cell) -> Cell:
    """The same value; a text that could be read as a formula begins with an apostrophe."""
    if not isinstance(value, str):
        return value
    is_formula = _FORMULA.match(value)
    text = _NOT_IN_XML.sub("", value)[:_LONGEST_CELL]
    return f"'{text}" if is_formula else text


def csv_lines(header: Sequence[str], rows: Rows) -> Iterator[str]:
    """A CSV file line by line, in UTF-8 with the mark by which Excel knows it."""
    yield "\ufeff"
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in itertools.chain([header], rows):
        writer.writerow([_in_csv(value) for value in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _in_csv(value: Cell) -> Cell:
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        return f"{timezone.localtime(value):%d/%m/%Y %H:%M}"
    if isinstance(value, datetime.date):
        return f"{value:%d/%m/%Y}"
    return safe(value)


def xlsx(sheets: Sequence[tuple[str, Sequence[str], Rows]]) -> bytes:
    """A workbook of sheets (`title`, `header`, rows), with the header row kept in sight."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    for title, header, rows in sheets:
        _write_sheet(book.create_sheet(title[:31]), header, rows)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _write_sheet(sheet: Any, header: Sequence[str], rows: Rows) -> None:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    sheet.freeze_panes = "A2"
    for n, name in enumerate(header, start=1):
        # As wide as its heading needs, and the words of the first columns more.
        sheet.column_dimensions[get_column_letter(n)].width = max(
            len(name) + 2, 14 if n > 2 else 28
        )
    heading = [WriteOnlyCell(sheet, value=safe(name)) for name in header]
    for cell in heading:
        cell.font = Font(bold=True)
    sheet.append(heading)
    for row in rows:
        sheet.append([_in_sheet(sheet, value) for value in row])


def _in_sheet(sheet: Any, value: Cell) -> Any:
    from openpyxl.cell import WriteOnlyCell

    if isinstance(value, str):
        cell = WriteOnlyCell(sheet, value=safe(value))
        cell.data_type = "s"  # openpyxl takes "=…" for a formula
        return cell
    if isinstance(value, datetime.datetime | datetime.date):
        is_moment = isinstance(value, datetime.datetime)
        local = timezone.localtime(value).replace(tzinfo=None) if is_moment else value
        cell = WriteOnlyCell(sheet, value=local)
        cell.number_format = "dd/mm/yyyy hh:mm" if is_moment else "dd/mm/yyyy"
        return cell
    return value
