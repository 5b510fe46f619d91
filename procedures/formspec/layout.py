"""Where everything of a form stands on paper: the facts that PDF and DOCX are made from.

A form is laid out as the official ones are: numbered sections, short answers two to a
line, sections that belong together in two columns, repeated sections as tables.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from procedures.formspec import conditions, days
from procedures.formspec.fields import display, type_of
from procedures.formspec.inwords import in_words
from procedures.formspec.webform import Question, questions
from procedures.spelling import amount_in_words, day_in_words

if TYPE_CHECKING:
    from procedures.formspec.spec import Field, Form, Section

# How many rows of a repeated section a blank form offers; more go on a second sheet.
PAPER_ROWS = 3
TABLE_ROWS = 4
# Above this many options (nationalities, ethnic groups) one writes instead of ticking.
MOST_BOXES = 20
# Options with a longer label than this, or longer together, stand one to a line.
_LONGEST_ON_A_LINE = 40
_LONGEST_TOGETHER = 160
# A label longer than this stands above its line: across the page, and in a column.
LONGEST_LABEL = 48
LONGEST_IN_COLUMN = 18
# Two answers of these types share a line when their labels are short.
_SHORT_TYPES = {
    "date", "time", "number", "citizen_number", "phone", "ethnicity", "nationality", "tax_code",
}  # fmt: skip
_LONGEST_IN_HALF = 22
# A condition longer than this would be longer than what it explains.
_LONGEST_HINT = 140
# How wide (mm) a column of a table must be by the type of its question, and the room there is.
_WIDTHS = {
    "text": 40, "name": 42, "number": 18, "money": 28, "date": 24, "time": 20, "choice": 28,
    "yes_no": 18, "citizen_number": 31, "phone": 28, "email": 40, "gender": 26,
    "ethnicity": 24, "nationality": 26, "address": 56, "tax_code": 31, "dossier": 44, "coded": 50,
}  # fmt: skip
_TABLE_WIDTH = 148
_MOST_BOXES_IN_CELL = 3


@dataclass
class _Notes:
    """The explanations under a blank form, each once, and their numbers."""

    texts: list[str] = field(default_factory=list)

    def number(self, text: str | None) -> int:
        if not text:
            return 0
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text) + 1


@dataclass(frozen=True)
class _Page:
    """What the rows of one section, or of one of its repetitions, are made from.

    `row` holds the answers of this section (None on a blank form) and `answers` those that
    conditions are read in; `prefix` goes before the names of the fields.
    """

    prefix: str
    row: Mapping[str, Any] | None = None
    answers: Mapping[str, Any] | None = None
    filed_at: datetime.datetime | None = None
    in_column: bool = False
    most_rows: int = TABLE_ROWS
    notes: _Notes = field(default_factory=_Notes)

    @property
    def is_blank(self) -> bool:
        return self.row is None

    def asks(self, spec: Field) -> bool:
        # A blank form has to be read back, so it also asks what only tells cases apart.
        if spec.only_sorts and self.row is not None:
            return False
        return self.row is None or conditions.holds(
            spec.when or "", self.answers or {}, filed=self.filed_at
        )

    def answer(self, path: str) -> Any:
        return conditions.lookup(self.row, path) if self.row else None


def lay_out(
    form: Form,
    answers: Mapping[str, Any] | None = None,
    *,
    filed_at: datetime.datetime | None = None,
    most_rows: int = TABLE_ROWS,
) -> dict[str, Any]:
    """What a form prints between its title and its signatures: `sections` and `notes`.

    A section has `title`, `number`, `hint` (when it is to be filled in, on a blank form
    only) and `rows`, or `columns`: two sections that stand side by side. A row has a `kind`:

    - `heading`: `label`; `statement`: `value`
    - `line`, `area`: `label`, `note` (0 for none), `is_optional`, `is_long`, `value`, `inputs`
    - `boxes`: the same, each of `inputs` with `label`, `type`, `value`, `is_chosen`;
      `is_list` where each option has its own line
    - `pair`: two `rows` that share a line
    - `table`: `columns` (`label`, `width` in mm, `note`), `lines` of cells (each a list of
      rows), `more` (whether one may need another sheet)

    Without `answers` the form is blank and shows everything; with them it shows only what
    was asked, by the conditions as they stood at `filed_at` (now). `most_rows` limits how
    many rows of a repeated section a blank form offers, if more are not demanded.
    """
    notes = _Notes()
    asked = form.sections
    if answers is not None:
        asked = [
            row
            for row in asked
            if conditions.holds(row.when or "", answers, filed=filed_at) and not _only_sorts(row)
        ]
    beside = {row.beside: row for row in asked if row.beside}
    base = _Page("", None, answers, filed_at, most_rows=most_rows, notes=notes)
    sections: list[dict[str, Any]] = []
    for section in asked:
        if section.beside and any(row.id == section.beside for row in asked):
            continue
        partner = beside.get(section.id)
        if partner:
            columns = [_section(row, form, base, in_column=True) for row in (section, partner)]
            sections.append({"columns": columns})
        else:
            number = 1 + sum("columns" not in row for row in sections)
            sections.append({**_section(section, form, base), "number": number})
    return {"sections": sections, "notes": notes.texts}


def _only_sorts(section: Section) -> bool:
    """Whether nothing of a section is for the paper: its questions only tell cases apart."""
    asked = list(questions(section.fields))
    return bool(asked) and all(question.spec.only_sorts for question in asked)


def side_by_side(form: Form) -> tuple[Section, Section] | None:
    """The first two sections that stand side by side: then both sides sign."""
    for section in form.sections:
        first = form.section(section.beside) if section.beside else None
        if first:
            return first, section
    return None


def _section(section: Section, form: Form, base: _Page, *, in_column: bool = False) -> dict:
    is_blank = base.answers is None
    page = dataclasses.replace(base, in_column=in_column)
    return {
        "title": section.title,
        "number": 0,
        "hint": _when_in_words(section.when, form) if is_blank else "",
        "help": section.help or "" if is_blank else "",
        "rows": list(_section_rows(section, page)),
    }


def _section_rows(section: Section, base: _Page) -> Iterator[dict[str, Any]]:
    given = None if base.answers is None else base.answers.get(section.id)
    if not section.repeat:
        row = None if base.answers is None else (given or {})
        page = dataclasses.replace(base, prefix=f"{section.id}.", row=row)
        yield from _paired(_rows(section.fields, page), page)
        return
    asked = _table_columns(section) if not base.in_column else []
    pages = list(_row_pages(section, base, TABLE_ROWS if asked else PAPER_ROWS))
    if asked:
        if pages:
            yield _table(section, asked, pages)
        return
    for index, page in enumerate(pages):
        yield _heading(f"{section.repeat.row_name} {index + 1}")
        yield from _paired(_rows(section.fields, page), page)


def _row_pages(section: Section, base: _Page, offered: int) -> Iterator[_Page]:
    """One page for each row: as many as were filled, or as a blank form offers."""
    if base.answers is None:
        count = max(section.repeat.min, min(offered, base.most_rows))
        for index in range(min(section.repeat.max, count)):
            yield dataclasses.replace(base, prefix=f"{section.id}.{index}.")
        return
    for index, row in enumerate(base.answers.get(section.id) or []):
        view = {**base.answers, section.id: row}
        yield dataclasses.replace(base, prefix=f"{section.id}.{index}.", row=row, answers=view)


def _rows(fields: list[Field], page: _Page, before: str = "") -> Iterator[dict[str, Any]]:
    for spec in fields:
        path = f"{before}{spec.id}"
        if not page.asks(spec):
            continue
        if spec.type == "group":
            if spec.label:
                yield _heading(spec.label)
            yield from _rows(spec.fields, page, f"{path}.")
        else:
            yield from _question(spec, page, path)


def _heading(label: str) -> dict[str, Any]:
    return {"kind": "heading", "label": label}


def _question(spec: Field, page: _Page, path: str) -> Iterator[dict[str, Any]]:
    if not type_of(spec).is_answered:
        yield _statement(spec)
        return
    answer = page.answer(path)
    name = f"{page.prefix}{path}"
    row = _line(spec, page, spec.label or "", [{"name": name}], display(spec, answer))
    options = options_to_tick(spec)
    if spec.type == "declaration":
        yield {**row, "kind": "statement", "value": spec.text or spec.label}
    elif options:
        boxes = _boxes(spec, options, name, answer)
        yield {**row, "kind": "boxes", "inputs": boxes, "is_list": _is_list(boxes)}
    elif spec.type == "address" and page.is_blank:
        yield from _address(spec, page, name)
    else:
        yield {**row, "kind": "area"} if spec.type == "long_text" else row
        if spec.spell_out and not _is_partly_known(spec, answer):
            words = "" if page.is_blank else _spelled(spec, answer)
            yield {
                **row, "label": _("Ghi bằng chữ"), "note": 0, "is_optional": False,
                "is_long": page.in_column, "value": words, "is_short": False,
                "inputs": [{"name": f"{name}_bang_chu"}], "is_spelled": True,
            }  # fmt: skip


def _statement(spec: Field) -> dict[str, Any]:
    """An explanation as it is; of a file, that it comes with the form."""
    if type_of(spec).is_attached:
        return {"kind": "statement", "value": _("%(label)s: đính kèm.") % {"label": spec.label}}
    texts = [text for text in (spec.label, spec.text) if text]
    return {"kind": "statement", "value": "\n".join(texts)}


def _line(
    spec: Field, page: _Page, label: str, inputs: list[dict[str, str]], value: str = ""
) -> dict[str, Any]:
    # On a blank form a question that is asked in some cases only is one "if any".
    is_optional = page.is_blank and bool(spec.optional or spec.when)
    length = len(label) + (9 if is_optional else 0)
    return {
        "kind": "line",
        "label": label,
        "note": page.notes.number(spec.help) if page.is_blank else 0,
        "is_optional": is_optional,
        "is_long": length > (LONGEST_IN_COLUMN if page.in_column else LONGEST_LABEL),
        "is_short": spec.type in _SHORT_TYPES and not spec.spell_out and length <= _LONGEST_IN_HALF,
        "value": value,
        "inputs": inputs,
    }


def _address(spec: Field, page: _Page, name: str) -> Iterator[dict[str, Any]]:
    """The house first, as addresses are written here, and the commune on a line of its own."""
    wording = _("%(place)s (số nhà, đường, thôn, khu phố)")
    if page.in_column:
        wording = _("%(place)s (số nhà, thôn)")
    house = wording % {"place": spec.label}
    yield _line(spec, page, house, [{"name": f"{name}.detail"}])
    commune = _line(spec, page, _("Xã (phường, đặc khu), tỉnh"), [{"name": f"{name}.commune"}])
    yield {**commune, "note": 0, "is_optional": False}


def _is_partly_known(spec: Field, answer: Any) -> bool:
    """Whether it is a day that is written half in words already: `tháng 03/1985`."""
    return spec.type == "date" and bool(answer) and not days.is_whole(answer)


def _spelled(spec: Field, answer: Any) -> str:
    if answer in (None, ""):
        return ""
    if spec.type == "date":
        return day_in_words(datetime.date.fromisoformat(answer))
    return amount_in_words(answer)


def _paired(rows: Iterable[dict[str, Any]], page: _Page) -> Iterator[dict[str, Any]]:
    """The rows with short ones two to a line, and an amount or a day beside its words."""
    waiting: dict[str, Any] | None = None
    for row in rows:
        if page.in_column:
            yield row
        elif waiting is None:
            waiting = row
        elif row.get("is_spelled"):
            yield {"kind": "pair", "rows": [waiting, row], "is_spelled": True}
            waiting = None
        elif waiting.get("is_short") and row.get("is_short"):
            yield {"kind": "pair", "rows": [waiting, row], "is_spelled": False}
            waiting = None
        else:
            yield waiting
            waiting = row
    if waiting is not None:
        yield waiting


def options_to_tick(spec: Field) -> dict[str, str]:
    """The options that are printed to be ticked; none where one writes instead."""
    given = getattr(type_of(spec), "options", None)
    options = given(spec) if given else {}
    return options if 0 < len(options) <= MOST_BOXES else {}


def _boxes(spec: Field, options: dict[str, str], name: str, answer: Any) -> list[dict[str, Any]]:
    chosen = answer if isinstance(answer, list) else [answer]
    several = spec.type == "choices"
    return [
        {
            "name": f"{name}.{value}" if several else name,
            "type": "checkbox" if several else "radio",
            "value": value,
            "label": str(label),
            "is_chosen": value in chosen,
        }
        for value, label in options.items()
    ]


def _is_list(boxes: list[dict[str, Any]]) -> bool:
    lengths = [len(box["label"]) for box in boxes]
    return max(lengths) > _LONGEST_ON_A_LINE or sum(lengths) > _LONGEST_TOGETHER


# --- Tables ---------------------------------------------------------------------------


def _table_columns(section: Section) -> list[Question]:
    """The questions of a repeated section if a table has room for them, else none."""
    asked = list(questions(section.fields))
    if any(not _fits_a_cell(question.spec) for question in asked):
        return []
    return asked if sum(_WIDTHS[row.spec.type] for row in asked) <= _TABLE_WIDTH else []


def _fits_a_cell(spec: Field) -> bool:
    return spec.type in _WIDTHS and len(options_to_tick(spec)) <= _MOST_BOXES_IN_CELL


def _table(section: Section, asked: list[Question], pages: list[_Page]) -> dict[str, Any]:
    room = _TABLE_WIDTH / sum(_WIDTHS[row.spec.type] for row in asked)
    first = pages[0]
    return {
        "kind": "table",
        "columns": [
            {
                "label": question.spec.label or "",
                "width": round(_WIDTHS[question.spec.type] * room, 1),
                "note": first.notes.number(question.spec.help) if first.is_blank else 0,
            }
            for question in asked
        ],
        "lines": [[_cell(question, page) for question in asked] for page in pages],
        "more": first.is_blank and section.repeat.max > len(pages),
    }


def _cell(question: Question, page: _Page) -> list[dict[str, Any]]:
    if not page.is_blank and not all(
        conditions.holds(when, page.answers or {}, filed=page.filed_at) for when in question.whens
    ):
        return []
    rows = list(_question(question.spec, dataclasses.replace(page, notes=_Notes()), question.path))
    if len(rows) == 1 and rows[0]["kind"] != "boxes":
        return [{**rows[0], "label": ""}]
    return rows


def _when_in_words(when: str | None, form: Form) -> str:
    """`Chỉ khai khi “Cha mẹ của bé” là “Đã đăng ký kết hôn”`, or a general hint."""
    if not when:
        return ""
    case = in_words(when, form)
    if len(case) > _LONGEST_HINT:
        return _("Chỉ khai nếu có")
    return _("Chỉ khai khi %(case)s") % {"case": case}


def inputs_of(sections: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """(name, what it asks for) of every field of a blank form, for viewers and readers."""
    for section in sections:
        for part in section.get("columns", [section]):
            for label, entry in _inputs(part["rows"]):
                yield entry["name"], f"{part['title']} – {label}" if label else part["title"]


def _inputs(rows: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for row in rows:
        if row["kind"] == "pair":
            yield from _inputs(row["rows"])
        elif row["kind"] == "table":
            for line in row["lines"]:
                for column, cell in zip(row["columns"], line, strict=True):
                    for label, entry in _inputs(cell):
                        yield label or column["label"], entry
        else:
            for entry in row.get("inputs", []):
                several = entry.get("type") == "checkbox"
                yield (f"{row['label']}: {entry['label']}" if several else row["label"]), entry
