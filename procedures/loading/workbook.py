"""The catalogue as one Excel workbook, for officers who know Excel: out of definitions and back.

Each sheet has the procedure's code in its first column, so that one workbook holds thirty
procedures. What comes back is checked exactly like a YAML file; a fault names the sheet and
the cell.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from django.utils.translation import gettext as _

from procedures.formspec.conditions import lookup
from procedures.loading.sentences import nearest
from procedures.loading.sheets import (
    DOES_NOT_FIT,
    FORM_SHEET,
    MARK,
    PROCEDURE,
    SHEETS,
    TEMPLATE_SHEET,
    TURN_SHEET,
    TURNS,
    Choice,
    Code,
    Column,
    Sheet,
    as_text,
    column_of,
    make_key,
)
from procedures.loading.yamltext import Document, Path
from procedures.text import fold, normalise

# Bytes of the file, and of what it unpacks to: a workbook is a zip archive.
LARGEST_FILE = 10_000_000
LARGEST_UNPACKED = 100_000_000
MOST_ROWS = 20_000
# Of one sheet; ours have some forty, and officers put notes of their own beside them.
MOST_COLUMNS = 100

# Characters in a cell, Excel's own limit.
LONGEST_CELL = 32_767

_CODE = Column("code", PROCEDURE.columns[0].title, Code())


class NotAWorkbook(ValueError):
    """The file is no workbook of ours; the message is for the person who uploaded it."""


@dataclass
class WorkbookDocument(Document):
    """One procedure of a workbook; `cells` says in which sheet and cell each part stands."""

    cells: dict[Path, tuple[str, str]] = field(default_factory=dict)

    def key_at(self, path: Path, key: str) -> str:
        """The title of its column."""
        column = _column_at(path)
        return column.title if column else key

    def words_at(self, path: Path, words: list[str]) -> list[str]:
        """The labels that the column offers."""
        column = _column_at(path)
        labels = column.cell.labels if column and isinstance(column.cell, Choice) else {}
        return [labels.get(word, word) for word in words]

    def fault(self, path: Path, message: str, **details: Any) -> None:
        """Note a fault under the name of its sheet and cell."""
        while path not in self.cells and path:
            path = path[:-1]
        if path in self.cells:
            sheet, cell = self.cells[path]
            place = _("Trang “%(sheet)s”, ô %(cell)s") % {"sheet": sheet, "cell": cell}
            message = f"{place}: {message}"
        super().fault(path, message, **details)


def _column_at(path: Path) -> Column | None:
    """The column of a part; of a word in a cell of several, the cell's."""
    parts = path[:-1] if path and isinstance(path[-1], int) else path
    return column_of(".".join(map(str, parts)))


# --- Writing --------------------------------------------------------------------------


def write(definitions: Iterable[dict[str, Any]]) -> bytes:
    """The workbook (.xlsx) of these definitions, as `saving.definition_of` makes them."""
    from openpyxl import Workbook

    definitions = list(definitions)
    book = Workbook()
    book.remove(book.active)
    for sheet in SHEETS:
        page = book.create_sheet(sheet.title)
        columns = _columns(sheet)
        _write_head(page, columns)
        rows = (row for item in definitions for row in _rows(sheet, item))
        for number, row in enumerate(rows, start=2):
            for position, column in enumerate(columns, start=1):
                _write_cell(page.cell(number, position), column, lookup(row, column.key))
        _offer_choices(page, columns)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _columns(sheet: Sheet) -> tuple[Column, ...]:
    return sheet.columns if sheet is PROCEDURE else (_CODE, *sheet.columns)


def _write_head(page: Any, columns: tuple[Column, ...]) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    for position, column in enumerate(columns, start=1):
        cell = page.cell(1, position, column.title)
        cell.font = Font(bold=True, color="FFFFFF")
        cell.fill = PatternFill("solid", fgColor="9E1B1E")
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        page.column_dimensions[get_column_letter(position)].width = column.cell.width
    page.freeze_panes = "B2"


def _write_cell(cell: Any, column: Column, value: Any) -> None:
    from openpyxl.styles import Alignment, PatternFill

    if value in ("", None, [], {}):
        return
    marked = isinstance(value, str) and MARK in value
    shown = value if marked else column.cell.write(value)
    if isinstance(shown, str) and len(shown) > LONGEST_CELL:
        # Cut without a word, the rest would be gone when the workbook comes back.
        shown, marked = f"{shown[: LONGEST_CELL - 100]}\n{MARK}: {DOES_NOT_FIT}", True
    cell.value = shown
    if isinstance(cell.value, str):
        cell.data_type = "s"  # never a formula, whatever it begins with
        cell.number_format = "@"
        if cell.value[:1] in "=+-@":
            cell.quotePrefix = True
    elif isinstance(cell.value, int):
        cell.number_format = "#,##0"
    else:
        cell.number_format = "dd/mm/yyyy"
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    if marked:
        cell.fill = PatternFill("solid", fgColor="FFF2CC")


def _offer_choices(page: Any, columns: tuple[Column, ...]) -> None:
    """A list to choose from in each cell that takes one of a few words."""
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    for position, column in enumerate(columns, start=1):
        if type(column.cell) is not Choice:
            continue
        words = ",".join(column.cell.labels.values())
        if len(words) > 250:  # Excel's limit for a list inside a cell is 255
            continue
        rule = DataValidation(type="list", formula1=f'"{words}"', allow_blank=True)
        rule.showErrorMessage = False
        letter = get_column_letter(position)
        rule.add(f"{letter}2:{letter}1000")
        page.add_data_validation(rule)


def _rows(sheet: Sheet, definition: dict[str, Any]) -> Iterator[dict[str, Any]]:
    code = {"code": definition["code"]}
    if sheet is PROCEDURE:
        yield definition
    elif sheet is TURN_SHEET:
        for turn in TURNS:
            yield from (code | row | {"turn": turn} for row in definition.get(turn, []))
    elif sheet is TEMPLATE_SHEET:
        yield from (code | row for row in _template_rows(definition))
    elif sheet is FORM_SHEET:
        yield from (code | row for row in _form_rows(definition.get("form", [])))
    else:
        yield from (code | _shown(row, sheet) for row in definition.get(sheet.key, []))


def _shown(row: dict[str, Any], sheet: Sheet) -> dict[str, Any]:
    """A fee that nobody has decided says so, instead of an empty cell."""
    is_open = sheet.key == "fees" and not {"amount", "tiers", "alternatives"} & set(row)
    return row | {"amount": "unknown"} if is_open else row


def _template_rows(definition: dict[str, Any]) -> Iterator[dict[str, str]]:
    template = definition.get("result", {}).get("template") or {}
    for part in ("title", "subject", "symbol"):
        if part in template:
            yield {"part": part, "text": template[part]}
    yield from ({"part": "grounds", "text": text} for text in template.get("grounds", []))
    yield from ({"part": "articles", "text": row["text"]} for row in template.get("articles", []))


def _form_rows(form: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for section in form:
        yield {**section, "type": "section", "label": section["title"]}
        yield from _field_rows(section["fields"], section["section"])


def _field_rows(
    fields: list[dict[str, Any]], section: str, before: str = ""
) -> Iterator[dict[str, Any]]:
    for question in fields:
        path = f"{before}{question['id']}"
        kind = "person" if question.get("include") else question.get("type", "group")
        yield {**question, "section": section, "id": path, "type": kind}
        # What a shared block or a person asks is made again when it is read.
        if not question.get("use") and not question.get("include"):
            yield from _field_rows(question.get("fields", []), section, f"{path}.")


# --- Reading --------------------------------------------------------------------------


def read(file: IO[bytes], name: str) -> list[WorkbookDocument]:
    """The procedures of a workbook, each as a document that `checking` takes.

    Raises `NotAWorkbook` for what is none, is too large, or has no sheet of procedures.
    """
    book = _open(file)
    try:
        found = {fold(page.title): page for page in book.worksheets}
        if fold(PROCEDURE.title) not in found:
            raise NotAWorkbook(
                _("Bảng tính không có trang “%(sheet)s”.") % {"sheet": PROCEDURE.title}
            )
        documents: dict[str, WorkbookDocument] = {}
        unknown: list[str] = []
        for sheet in SHEETS:
            page = found.pop(fold(sheet.title), None)
            if page is not None:
                unknown += _read_sheet(page, sheet, documents, name)
        if not documents:
            raise NotAWorkbook(
                _("Trang “%(sheet)s” chưa có thủ tục nào, hoặc dòng đầu không còn tên các cột.")
                % {"sheet": PROCEDURE.title}
            )
        for message in (*unknown, *_unknown_sheets(found.values())):
            _fault_of_workbook(documents, message)
    finally:
        book.close()
    return list(documents.values())


def _open(file: IO[bytes]) -> Any:
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(file) as archive:
            packed = sum(row.compress_size for row in archive.infolist())
            unpacked = sum(row.file_size for row in archive.infolist())
        if packed > LARGEST_FILE or unpacked > LARGEST_UNPACKED:
            raise NotAWorkbook(_("Bảng tính quá lớn."))
        file.seek(0)
        return load_workbook(file, read_only=True, data_only=True)
    except NotAWorkbook:
        raise
    except Exception as error:  # whatever a broken archive makes its readers raise
        raise NotAWorkbook(_("Tệp không phải bảng tính Excel (.xlsx) đọc được.")) from error


def _read_sheet(
    page: Any, sheet: Sheet, documents: dict[str, WorkbookDocument], name: str
) -> list[str]:
    """Add the rows of a sheet to `documents`; what of its heading we do not know, in sentences."""
    unknown: list[str] = []
    columns: dict[int, Column] = {}
    section = ""
    for number, cells in enumerate(_rows_of(page), start=1):
        texts = {cell.column: normalise(as_text(cell.value)) for cell in cells if _is_filled(cell)}
        if not texts:
            continue
        if number > MOST_ROWS:
            raise NotAWorkbook(_("Bảng tính quá lớn."))
        if not columns:
            columns = _known_columns(texts, sheet)
            unknown = list(_unknown_columns(texts, columns, sheet, number))
            continue
        row, places = _read_row(texts, columns, sheet.title, number)
        code = row.pop("code", "")
        document = _document_of(code, sheet, documents, name, (sheet.title, f"A{number}"))
        if document is None:
            continue
        if sheet is FORM_SHEET:
            section = row["section"] = row.get("section") or _section_key(row) or section
        _add(document, sheet, row, places)
    return unknown


def _rows_of(page: Any) -> Iterator[Any]:
    # A cell far to the right would make every row of the sheet as wide.
    return page.iter_rows(max_row=MOST_ROWS + 1, max_col=MOST_COLUMNS)


def _is_filled(cell: Any) -> bool:
    return cell.value is not None and str(cell.value).strip() != ""


def _known_columns(texts: dict[int, str], sheet: Sheet) -> dict[int, Column]:
    """The columns by their titles, whatever the case and the accents of those."""
    by_title = {fold(column.title): column for column in _columns(sheet)}
    folded = {number: fold(text) for number, text in texts.items()}
    return {number: by_title[text] for number, text in folded.items() if text in by_title}


def _unknown_columns(
    texts: dict[int, str], columns: dict[int, Column], sheet: Sheet, number: int
) -> Iterator[str]:
    """What is said of each column that we do not know: it would be left out without a word."""
    from openpyxl.utils import get_column_letter

    if not columns:
        yield _("Trang “%(sheet)s”: dòng đầu không còn tên các cột.") % {"sheet": sheet.title}
        return
    titles = [column.title for column in _columns(sheet)]
    for position in sorted(texts.keys() - columns.keys()):
        message = _("Trang “%(sheet)s”, ô %(cell)s: không có cột “%(title)s”.") % {
            "sheet": sheet.title,
            "cell": f"{get_column_letter(position)}{number}",
            "title": texts[position],
        }
        yield message + _maybe(texts[position], titles)


def _unknown_sheets(pages: Iterable[Any]) -> Iterator[str]:
    """What is said of a sheet that was renamed or added; an empty one does no harm."""
    for page in pages:
        if any(_is_filled(cell) for row in _rows_of(page) for cell in row):
            message = _("Không có trang nào tên là “%(sheet)s”.") % {"sheet": page.title}
            yield message + _maybe(page.title, [sheet.title for sheet in SHEETS])


def _maybe(text: str, titles: list[str]) -> str:
    better = nearest(text, titles)
    return " " + _("Có phải “%(title)s” không?") % {"title": better} if better else ""


def _fault_of_workbook(documents: dict[str, WorkbookDocument], message: str) -> None:
    """Said once, on whichever procedure is first: it belongs to none."""
    for document in list(documents.values())[:1]:
        document.fault_in_line(1, message)


def _read_row(
    texts: dict[int, str], columns: dict[int, Column], title: str, number: int
) -> tuple[dict[str, Any], dict[str, tuple[str, str]]]:
    """The row by key, as a procedure file would have it, and where each key stands."""
    from openpyxl.utils import get_column_letter

    row: dict[str, Any] = {}
    places: dict[str, tuple[str, str]] = {}
    for position, text in texts.items():
        column = columns.get(position)
        if column:
            row[column.key] = text if MARK in text else column.cell.read(text)
            places[column.key] = (title, f"{get_column_letter(position)}{number}")
    places.setdefault("", (title, f"A{number}"))
    return row, places


def _document_of(
    code: str,
    sheet: Sheet,
    documents: dict[str, WorkbookDocument],
    name: str,
    place: tuple[str, str],
) -> WorkbookDocument | None:
    if sheet is PROCEDURE and code not in documents:
        documents[code] = WorkbookDocument(name, data={"code": code}, cells={("code",): place})
        return documents[code]
    where = {"sheet": place[0], "cell": place[1]}
    if sheet is PROCEDURE:
        documents[code].cells[("code",)] = place
        documents[code].fault(("code",), _("Mã %(code)s đã có ở dòng trên.") % {"code": code})
    elif code not in documents:
        message = _("Trang “%(sheet)s”, ô %(cell)s: không có thủ tục mã “%(code)s” ở trang đầu.")
        _fault_of_workbook(documents, message % {**where, "code": code})
    else:
        return documents[code]
    return None


def _section_key(row: dict[str, Any]) -> str:
    return make_key(row.get("label", "")) if row.get("type") == "section" else ""


def _add(
    document: WorkbookDocument, sheet: Sheet, row: dict[str, Any], places: dict[str, Any]
) -> None:
    if sheet is PROCEDURE:
        _put(document, document.data, (), row, places)
    elif sheet is FORM_SHEET:
        _add_to_form(document, row, places)
    elif sheet is TEMPLATE_SHEET:
        _add_to_template(document, row, places)
    else:
        key = row.pop("turn", "redirect") if sheet is TURN_SHEET else sheet.key
        if sheet.named_by and not row.get("id"):
            row["id"] = make_key(row.get(sheet.named_by, ""))
        rows = document.data.setdefault(key, [])
        rows.append({})
        _put(document, rows[-1], (key, len(rows) - 1), row, places)


def _put(
    document: WorkbookDocument,
    target: dict[str, Any],
    path: Path,
    row: dict[str, Any],
    places: dict[str, tuple[str, str]],
) -> None:
    """Put a row's values under their dotted keys, and remember their cells."""
    document.cells.setdefault(path, places[""])
    for key, value in row.items():
        *above, last = key.split(".")
        inner, here = target, path
        for part in above:
            inner, here = inner.setdefault(part, {}), (*here, part)
        inner[last] = value
        place = places.get(key, places[""])
        document.cells[(*here, last)] = place
        if above:
            document.cells.setdefault(here, place)


def _add_to_template(
    document: WorkbookDocument, row: dict[str, Any], places: dict[str, Any]
) -> None:
    result = document.data.setdefault("result", {})
    template = result.setdefault("template", {})
    part, text = row.get("part", ""), row.get("text", "")
    here: Path = ("result", "template", part)
    if part == "grounds":
        template.setdefault(part, []).append(text)
        here = (*here, len(template[part]) - 1)
    elif part == "articles":
        template.setdefault(part, []).append({"text": text})
        here = (*here, len(template[part]) - 1)
    else:
        template[part] = text
    document.cells[here] = places.get("text", places[""])


_OF_A_SECTION = ("help", "when", "prefill", "beside", "copy_from", "copy_when")


def _add_to_form(document: WorkbookDocument, row: dict[str, Any], places: dict[str, Any]) -> None:
    form = document.data.setdefault("form", [])
    index = next((i for i, part in enumerate(form) if part["section"] == row["section"]), None)
    if row.get("type") == "section":
        own = {
            key: value
            for key, value in row.items()
            if key in _OF_A_SECTION or key.startswith("repeat.")
        }
        values = {"section": row["section"], "title": row.get("label", ""), **own}
        form.append({"fields": []})
        _put(document, form[-1], ("form", len(form) - 1), values, places)
    elif index is None:
        document.cells.setdefault(("form", len(form)), places[""])
        document.fault(
            ("form", len(form)),
            _("Câu hỏi đứng trước dòng “Mục” của nó, hoặc mục “%(section)s” chưa có.")
            % {"section": row["section"]},
        )
    else:
        _add_question(document, form[index], ("form", index), row, places)


def _add_question(
    document: WorkbookDocument,
    section: dict[str, Any],
    path: Path,
    row: dict[str, Any],
    places: dict[str, Any],
) -> None:
    values = {key: value for key, value in row.items() if key != "section"}
    *above, own = (values.get("id") or make_key(values.get("label", ""))).split(".")
    values["id"] = own
    if values.get("use") or values.get("type") == "group":
        values.pop("type", None)
    fields, here = section["fields"], (*path, "fields")
    for part in above:
        index = next((i for i, group in enumerate(fields) if group.get("id") == part), None)
        if index is None:
            document.cells.setdefault(here, places[""])
            document.fault(here, _("Chưa có nhóm câu hỏi “%(id)s”.") % {"id": part})
            return
        fields = fields[index].setdefault("fields", [])
        here = (*here, index, "fields")
    fields.append({})
    _put(document, fields[-1], (*here, len(fields) - 1), values, places)
