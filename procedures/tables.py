"""Rows out of files that people send: text in any Vietnamese encoding, and workbooks.

Workbooks are read without their formulas and within bounds of what they unpack to.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterator
from typing import Any

import openpyxl
from django.utils.translation import gettext as _

MOST_ROWS = 5_000
MOST_COLUMNS = 40
MOST_CELL = 4_000  # characters
UNPACKED = 40 * 1024 * 1024
MOST_PARTS = 300

Row = tuple[int, list[Any]]

# Besides ASCII and vowels with their marks: D with its stroke, and a blank that does not break.
_MARKS = {*"–—‘’“”…•€₫°·«»×", chr(0x110), chr(0x111), chr(0xA0)}


class Unreadable(ValueError):
    """A file of which nothing can be used; the message is a sentence for who sent it."""


def read(content: bytes) -> Iterator[list[Row]]:
    """Every table that a file may hold: the sheets of an XLSX, or its text taken apart by each
    of the usual separators. Rows are (line in the file, cells). `Unreadable` for other files."""
    if content.startswith(b"PK"):
        yield from sheets(content)
    elif content.startswith((b"\xd0\xcf\x11\xe0", b"%PDF")):
        raise Unreadable(_("Chỉ nhận tệp CSV hoặc XLSX; xin lưu lại tệp theo một trong hai dạng."))
    else:
        yield from separated(decoded(content))


# --- Text -----------------------------------------------------------------------------


def decoded(content: bytes) -> str:
    """The text of a file in UTF-8, UTF-16 or windows-1258; `Unreadable` for any other."""
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if content.startswith(mark):
            return _strict(content, encoding)
    if b"\x00" in content[:4_000]:
        return _strict(content, "utf-16-le" if content[1:2] == b"\x00" else "utf-16-be")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        text = unicodedata.normalize("NFC", _strict(content, "windows-1258"))
    if not all(_is_written_here(char) for char in set(text)):
        raise _unknown_encoding()
    return text


def _strict(content: bytes, encoding: str) -> str:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        raise _unknown_encoding() from None
    if "\x00" in text:
        raise _unknown_encoding()
    return text


def _unknown_encoding() -> Unreadable:
    return Unreadable(
        _("Không nhận ra bảng mã chữ của tệp; xin lưu lại thành CSV UTF-8 hoặc XLSX rồi tải lên.")
    )


def _is_written_here(char: str) -> bool:
    """Whether a character stands in Vietnamese text: an older encoding (TCVN3, VNI) read as
    another gives signs that do not."""
    if char.isascii() or char in _MARKS:
        return True
    base = unicodedata.normalize("NFD", char)[0]
    return char.isalpha() and base in "aeiouyAEIOUY"


def separated(text: str) -> Iterator[list[Row]]:
    """The rows of a text with commas, semicolons or tabs, once for each of these."""
    for delimiter in (",", ";", "\t"):
        if delimiter in text:
            yield _rows_of(text, delimiter)


def _rows_of(text: str, delimiter: str) -> list[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows: list[Row] = []
    try:
        for row in reader:
            if any(len(cell) > MOST_CELL or cell.count("\n") > 10 for cell in row):
                raise Unreadable(
                    _("Dòng %(line)d có dấu ngoặc kép không đóng; xin kiểm tra lại tệp.")
                    % {"line": reader.line_num}
                )
            rows.append((reader.line_num, _fitting(row)))
            _bound(len(rows))
    except csv.Error:
        raise Unreadable(
            _("Không đọc được dòng %(line)d của tệp CSV.") % {"line": reader.line_num}
        ) from None
    return rows


def _fitting(row: list[Any]) -> list[Any]:
    return [_bare(cell) if isinstance(cell, str) else cell for cell in row[:MOST_COLUMNS]]


def _bare(cell: str) -> str:
    """A cell without blanks around it, and without the `="0123"` by which exports keep zeros."""
    cell = cell.strip()
    found = re.fullmatch(r'="([^"]*)"', cell)
    return found[1] if found else cell


def _bound(count: int) -> None:
    if count > MOST_ROWS:
        raise Unreadable(_("Tệp có hơn 5.000 dòng; xin chia thành nhiều tệp."))


# --- Workbooks ------------------------------------------------------------------------


def sheets(content: bytes) -> Iterator[list[Row]]:
    """The rows of every sheet of an XLSX file; formulas stay text."""
    _check_unpacked(content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=False)
    except Exception:  # openpyxl raises what its XML and ZIP readers raise
        raise _broken() from None
    try:
        for sheet in book.worksheets:
            yield _rows_in(sheet)
    finally:
        book.close()


def _rows_in(sheet: Any) -> list[Row]:
    rows: list[Row] = []
    cells = sheet.iter_rows(max_row=MOST_ROWS + 1, max_col=MOST_COLUMNS, values_only=True)
    try:
        for number, row in enumerate(cells, 1):
            if any(cell is not None for cell in row):
                rows.append((number, _fitting(list(row))))
                _bound(number)
    except Unreadable:
        raise
    except Exception:  # as above, a sheet is read as it is walked over
        raise _broken() from None
    return rows


def _check_unpacked(content: bytes) -> None:
    """Refuse what unpacks to more than any such file has, before it is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = packed.infolist()
    except zipfile.BadZipFile:
        raise _broken() from None
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > UNPACKED:
        raise Unreadable(_("Tệp XLSX bung ra quá lớn; cổng không mở."))


def _broken() -> Unreadable:
    return Unreadable(_("Tệp XLSX bị hỏng hoặc không phải bảng tính; xin lưu lại rồi tải lên."))
