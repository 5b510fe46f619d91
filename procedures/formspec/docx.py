"""The blank form as a Word file, laid out as the PDF is, for those who type at home."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import docx
import segno
from django.utils.translation import gettext as _
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT, WD_TAB_LEADER
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from procedures.formspec.paperform import blank_facts
from procedures.text import in_vietnamese

if TYPE_CHECKING:
    from docx.document import Document
    from docx.table import Table, _Cell
    from docx.text.paragraph import Paragraph

    from procedures.models import Revision

FONT = "Times New Roman"
# Between the margins of NĐ 30/2020 (30 and 20 mm) on A4; half of it, and a column inside its frame.
WIDTH, HALF, COLUMN = 160, 78, 76
_BOX = "☐"
_ROOM_FOR_A_TEXT = 3
_CENTRE, _RIGHT = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.RIGHT


@in_vietnamese
def blank_docx(revision: Revision, document: str = "") -> bytes:
    """The blank form of a revision as DOCX; with `document`, that paper of a section alone.

    Times New Roman 13, the margins of NĐ 30/2020; raises `paperform.NoSuchPaper`.
    """
    facts = blank_facts(revision, document)
    paper = _Paper(facts)
    paper.head()
    for section in facts["sections"]:
        paper.section(section)
    paper.foot()
    target = io.BytesIO()
    paper.document.save(target)
    return target.getvalue()


class _Paper:
    """A Word file being written from the facts of a blank form."""

    def __init__(self, facts: dict[str, Any]):
        self.facts = facts
        self.document = docx.Document()
        _set_page(self.document)
        properties = self.document.core_properties
        properties.title, properties.author = facts["title"], ""
        properties.language, properties.comments = "vi-VN", ""

    def head(self) -> None:
        facts = self.facts
        table = _bare_table(self.document, [28, 104, 28])
        left, middle, right = table.rows[0].cells
        _add(left.paragraphs[0], facts["number"], bold=True)
        nation = middle.paragraphs[0]
        nation.alignment = _CENTRE
        _add(nation, _("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"), bold=True)
        motto = _centred(middle)
        run = _add(motto, _("Độc lập - Tự do - Hạnh phúc"), bold=True)
        run.underline = True
        self._code_to_scan(right)
        title = _centred(self.document, before=6)
        _add(title, facts["title"].upper(), bold=True, size=14)
        if facts["source"]:
            _add(_centred(self.document), f"({facts['source']})", italic=True, size=12)
        to = self.document.add_paragraph()
        to.paragraph_format.left_indent = Mm(12)
        to.paragraph_format.space_before = Pt(6)
        _dotted(to, _("Kính gửi:"), WIDTH - 12)
        if facts["addressed_to"]:
            whom = _centred(self.document)
            _add(whom, f"({facts['addressed_to']})", italic=True, size=12)
        if facts["of_procedure"]:
            of = _centred(self.document)
            _add(of, _("Kèm hồ sơ:") + " ")
            _add(of, facts["of_procedure"], bold=True)

    def _code_to_scan(self, cell: _Cell) -> None:
        picture = io.BytesIO()
        segno.make_qr(self.facts["page_url"], error="m").save(
            picture, kind="png", scale=8, border=0
        )
        picture.seek(0)
        paragraph = cell.paragraphs[0]
        paragraph.alignment = _CENTRE
        paragraph.add_run().add_picture(picture, width=Mm(18))
        _describe_picture(paragraph, _("Mã QR mở trang hướng dẫn của thủ tục này"))
        _add(_centred(cell), self.facts["procedure_code"], size=9)

    def section(self, section: dict[str, Any]) -> None:
        if "columns" in section:
            self._columns(section["columns"])
            return
        heading = self.document.add_paragraph()
        heading.paragraph_format.space_before = Pt(7)
        heading.paragraph_format.keep_with_next = True
        number = f"{section['number']}. " if section["number"] else ""
        _add(heading, f"{number}{section['title']}", bold=True)
        if section["hint"]:
            _add(heading, f" ({section['hint']})", italic=True, size=11.5)
        if section["help"]:
            _add(self.document.add_paragraph(), section["help"], italic=True, size=11.5)
        for row in section["rows"]:
            _write_row(self.document, row, WIDTH)

    def _columns(self, columns: list[dict[str, Any]]) -> None:
        table = _grid(self.document, [WIDTH / 2, WIDTH / 2], rows=2)
        for index, column in enumerate(columns):
            head, body = table.cell(0, index).paragraphs[0], table.cell(1, index)
            head.alignment = _CENTRE
            _add(head, column["title"], bold=True)
            for row in column["rows"]:
                _write_row(body, row, COLUMN)
            _drop_first_line(body)

    def foot(self) -> None:
        if self.facts["document"]:
            said = self.document.add_paragraph()
            said.paragraph_format.space_before = Pt(7)
            _add(said, _("Tôi xin trình bày như sau:"))
            for _line in range(2 * _ROOM_FOR_A_TEXT):
                _dotted(self.document.add_paragraph(), "", WIDTH)
        self._signatures()
        small = {"size": 11}
        if self.facts["notes"]:
            _add(self.document.add_paragraph(), _("Chú thích:"), bold=True, **small)
        for index, note in enumerate(self.facts["notes"]):
            _add(self.document.add_paragraph(), f"({index + 1}) {note}", **small)
        _page_foot(self.document, self.facts)

    def _signatures(self) -> None:
        made = self.document.add_paragraph()
        made.alignment, made.paragraph_format.space_before = _RIGHT, Pt(12)
        made.paragraph_format.keep_with_next = True
        text = _("Làm tại: ………………………………, ngày ……… tháng ……… năm ……………")
        _add(made, text, italic=True)
        signers = self.facts["signers"]
        table = _bare_table(self.document, [WIDTH / 2, WIDTH / 2])
        cells = table.rows[0].cells
        for cell, signer in zip(cells[-len(signers) :], signers, strict=True):
            title = cell.paragraphs[0]
            title.alignment = _CENTRE
            _add(title, signer["title"].upper(), bold=True)
            _add(_centred(cell), _("(Ký, ghi rõ họ, chữ đệm, tên)"), italic=True)
            for _line in range(4):
                _centred(cell)


def _set_page(document: Document) -> None:
    page = document.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin, page.right_margin = Mm(30), Mm(20)
    page.top_margin, page.bottom_margin = Mm(20), Mm(20)
    style = document.styles["Normal"]
    style.font.name, style.font.size = FONT, Pt(13)
    # Word takes the font of Vietnamese letters from here, not from the plain name.
    fonts = style.element.rPr.rFonts
    for kind in ("w:ascii", "w:hAnsi", "w:cs", "w:eastAsia"):
        fonts.set(qn(kind), FONT)
    # So that Word does not underline every Vietnamese word.
    language = OxmlElement("w:lang")
    language.set(qn("w:val"), "vi-VN")
    style.element.rPr.append(language)
    style.paragraph_format.space_after = Pt(3)
    style.paragraph_format.line_spacing = 1.1


def _add(
    paragraph: Paragraph, text: str, *, bold: bool = False, italic: bool = False, size: float = 0
) -> Any:
    run = paragraph.add_run(text)
    run.bold, run.italic = bold or None, italic or None
    if size:
        run.font.size = Pt(size)
    return run


def _centred(where: Document | _Cell, *, before: int = 0) -> Paragraph:
    paragraph = where.add_paragraph()
    paragraph.alignment = _CENTRE
    paragraph.paragraph_format.space_before = Pt(before)
    return paragraph


def _write_row(where: Document | _Cell, row: dict[str, Any], width: float) -> None:
    kind = row["kind"]
    if kind == "heading":
        heading = where.add_paragraph()
        heading.paragraph_format.keep_with_next = True
        _add(heading, row["label"], bold=True, italic=True)
    elif kind == "statement":
        statement = where.add_paragraph()
        statement.paragraph_format.first_line_indent = Mm(10)
        statement.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY
        _add(statement, row["value"])
    elif kind == "pair":
        _write_pair(where.add_paragraph(), row)
    elif kind == "table":
        _write_table(where, row)
    elif kind == "boxes":
        _write_boxes(where, row)
    else:
        _write_line(where, row, width)


def _write_line(where: Document | _Cell, row: dict[str, Any], width: float) -> None:
    """A label and dots to the margin; a long label has its dots on the next line."""
    paragraph = where.add_paragraph()
    is_text = row["kind"] == "area"
    _label(paragraph, row)
    if not row["is_long"] and not is_text:
        _dots(paragraph, width)
        return
    for _line in range(_ROOM_FOR_A_TEXT if is_text else 1):
        _dotted(where.add_paragraph(), "", width)


def _write_pair(paragraph: Paragraph, row: dict[str, Any]) -> None:
    first, second = row["rows"]
    middle = 62 if row["is_spelled"] else HALF
    _label(paragraph, first)
    _dots(paragraph, middle)
    _add(paragraph, "  ")
    _label(paragraph, second)
    _dots(paragraph, WIDTH)


def _write_boxes(where: Document | _Cell, row: dict[str, Any]) -> None:
    paragraph = where.add_paragraph()
    _label(paragraph, row)
    for option in row["inputs"]:
        if row["is_list"]:
            paragraph = where.add_paragraph()
            paragraph.paragraph_format.left_indent = Mm(10)
            paragraph.paragraph_format.first_line_indent = Mm(-5)
        # A box stays with the first word of its option.
        before = "" if row["is_list"] else "  "
        _add(paragraph, f"{before}{_BOX}\u00a0{option['label']} ")


def _write_table(where: Document | _Cell, row: dict[str, Any]) -> None:
    widths = [12, *(column["width"] for column in row["columns"])]
    scale = WIDTH / sum(widths)
    table = _grid(where, [width * scale for width in widths], rows=1 + len(row["lines"]))
    heads = [{"label": _("STT"), "note": 0}, *row["columns"]]
    for cell, column in zip(table.rows[0].cells, heads, strict=True):
        paragraph = cell.paragraphs[0]
        paragraph.alignment = _CENTRE
        _add(paragraph, column["label"], bold=True, size=12)
        _note(paragraph, column["note"])
    _repeat_as_heading(table)
    for index, line in enumerate(row["lines"]):
        order, *cells = table.rows[index + 1].cells
        order.paragraphs[0].alignment = _CENTRE
        _add(order.paragraphs[0], str(index + 1), size=12)
        for cell, parts in zip(cells, line, strict=True):
            _write_cell(cell, parts)
    if row["more"]:
        more = _("Thiếu dòng thì ghi tiếp vào một tờ khác cùng mẫu và ký cả hai tờ.")
        _add(where.add_paragraph(), more, italic=True, size=11.5)


def _write_cell(cell: _Cell, parts: list[dict[str, Any]]) -> None:
    paragraph = cell.paragraphs[0]
    options = [option for part in parts if part["kind"] == "boxes" for option in part["inputs"]]
    lines = [f"{_BOX}\u00a0{option['label']}" for option in options]
    lines = lines or [f"{part['label']}:" for part in parts if part["label"]]
    for index, line in enumerate(lines):
        _add(paragraph if not index else cell.add_paragraph(), line, size=10.5)


def _label(paragraph: Paragraph, row: dict[str, Any]) -> None:
    _add(paragraph, row["label"])
    if row["is_optional"]:
        _add(paragraph, " " + _("(nếu có)"), italic=True)
    _note(paragraph, row["note"])
    _add(paragraph, ":")


def _note(paragraph: Paragraph, number: int) -> None:
    if number:
        _add(paragraph, f" ({number})", size=10).font.superscript = True


def _dotted(paragraph: Paragraph, label: str, width: float) -> None:
    if label:
        _add(paragraph, label)
    _dots(paragraph, width)


def _dots(paragraph: Paragraph, to: float) -> None:
    """Dots up to `to` mm from the left margin, as a tab: they give way to what is typed."""
    stops = paragraph.paragraph_format.tab_stops
    # A right-hand stop would draw the label of the second half over these dots.
    stops.add_tab_stop(Mm(to), WD_TAB_ALIGNMENT.LEFT, WD_TAB_LEADER.DOTS)
    _add(paragraph, " \t")


def _bare_table(document: Document, widths: list[float]) -> Table:
    """A table without lines, to set things side by side."""
    table = document.add_table(rows=1, cols=len(widths))
    _set_widths(table, widths)
    return table


def _grid(where: Document | _Cell, widths: list[float], *, rows: int) -> Table:
    table = where.add_table(rows=rows, cols=len(widths))
    table.style = "Table Grid"
    _set_widths(table, widths)
    return table


def _set_widths(table: Table, widths: list[float]) -> None:
    table.autofit = False
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Mm(width)
        for cell in column.cells:
            cell.width = Mm(width)


def _repeat_as_heading(table: Table) -> None:
    """The first row again on every page that the table reaches."""
    table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))


def _drop_first_line(cell: _Cell) -> None:
    """Word wants a paragraph in every cell; ours come after it."""
    first = cell.paragraphs[0]._p
    first.getparent().remove(first)


def _describe_picture(paragraph: Paragraph, text: str) -> None:
    for properties in paragraph._p.iter(qn("wp:docPr")):
        properties.set("descr", text)


def _page_foot(document: Document, facts: dict[str, Any]) -> None:
    foot = document.sections[0].footer.paragraphs[0]
    words = _("Mã thủ tục: %(code)s · bản %(number)s · %(address)s") % {
        "code": facts["procedure_code"],
        "number": facts["revision"],
        "address": facts["page_url"],
    }
    foot.paragraph_format.tab_stops.add_tab_stop(Mm(WIDTH), WD_TAB_ALIGNMENT.RIGHT)
    _add(foot, f"{words}\t", size=9.5)
    _counter(foot, "PAGE")
    _add(foot, "/", size=9.5)
    _counter(foot, "NUMPAGES")


def _counter(paragraph: Paragraph, name: str) -> None:
    """A field that Word works out: the page, or how many there are."""
    run = _add(paragraph, "", size=9.5)
    for kind in ("begin", name, "end"):
        if kind == name:
            part = OxmlElement("w:instrText")
            part.text = name
        else:
            part = OxmlElement("w:fldChar")
            part.set(qn("w:fldCharType"), kind)
        run._r.append(part)
