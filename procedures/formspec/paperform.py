"""A form on paper: blank and fillable, or filled in, from its one definition."""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.utils.translation import gettext as _

from procedures import papers
from procedures.formspec import conditions
from procedures.formspec.fields import display, type_of

if TYPE_CHECKING:
    import pikepdf

    from procedures.formspec.spec import Field, Form, Section
    from procedures.models import Agency, Revision

# How many rows of a repeated section a blank form offers; more go on a second sheet.
PAPER_ROWS = 3
# Above this many options (nationalities, ethnic groups) one writes instead of ticking.
MOST_BOXES = 8
# A label longer than this stands above its line instead of before it.
LONGEST_LABEL = 48

_TICK_FONT = "/ZaDb 0 Tf 0 g"
_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")


def form_context(
    title: str,
    office_name: str,
    form: Form,
    answers: Mapping[str, Any] | None = None,
    *,
    filed_at: datetime.datetime | None = None,
) -> dict[str, Any]:
    """What `papers/form.html` prints: `title`, `office`, `is_blank`, `filed_at`, `sections`.

    A section has a `title`, a `hint` (when it is to be filled in, on a blank form only) and
    `rows`; a row has a `kind`: `heading`, `line`, `area`, `boxes` or `statement`, with its
    `label`, `help`, `value`, `is_long` and `inputs` (`name`, `label`, `value`, `is_chosen`).
    Without `answers` the form is blank and shows everything; with them it shows only what
    was asked, by the conditions as they stood at `filed_at` (now).
    """
    if answers is None:
        sections = [_blank_section(section, form) for section in form.sections]
    else:
        sections = [
            _filled_section(section, answers, filed_at)
            for section in form.sections
            if conditions.holds(section.when or "", answers, filed=filed_at)
        ]
    return {
        "title": title,
        "office": office_name,
        "is_blank": answers is None,
        "filed_at": filed_at,
        "sections": sections,
    }


def blank_pdf(revision: Revision, office: Agency | None = None) -> bytes:
    """The blank form as a PDF that can be filled in on screen or by hand.

    Its fields are named by the paths of the answers (`be.ho_ten`, in a repeated section
    `nguoi_lam_chung.0.nguoi.ho_ten`, an address in `.commune` and `.detail`); the
    read-only `mau.thu_tuc` and `mau.ban` carry the procedure's code and the revision.
    """
    facts = form_context(form_title(revision), office.name if office else "", revision.form)
    facts |= {"procedure_code": revision.procedure.code, "revision": revision.number}
    return _with_proper_fields(
        papers.render("papers/form.html", {"facts": facts}, is_form=True),
        {"mau.thu_tuc": revision.procedure.code, "mau.ban": str(revision.number)},
    )


def filled_pdf(
    revision: Revision,
    answers: Mapping[str, Any],
    *,
    office: Agency | None = None,
    applicant: str = "",
    filed_at: datetime.datetime | None = None,
    code: str = "",
    check_url: str = "",
) -> bytes:
    """The form as it was filled in, drawn as plain text.

    `applicant` is printed where one would sign, `code` is the dossier's and `check_url`
    becomes the QR code; each may be left out, as for a draft.
    """
    facts = filled_facts(
        revision, answers, office=office, applicant=applicant, filed_at=filed_at, code=code
    )
    qr = papers.qr_svg_data_uri(check_url) if check_url else ""
    return papers.render("papers/form.html", {"facts": facts, "check_url": check_url, "qr": qr})


def filled_facts(
    revision: Revision,
    answers: Mapping[str, Any],
    *,
    office: Agency | None = None,
    applicant: str = "",
    filed_at: datetime.datetime | None = None,
    code: str = "",
) -> dict[str, Any]:
    """What the filled form says, as plain JSON: kept with a dossier and printed later."""
    facts = form_context(
        form_title(revision), office.name if office else "", revision.form, answers,
        filed_at=filed_at,
    )  # fmt: skip
    return facts | {
        "filed_at": filed_at.isoformat() if filed_at else "",
        "procedure_code": revision.procedure.code,
        "revision": revision.number,
        "place": office.place if office else "",
        "applicant": applicant,
        "code": code,
        "issued_at": filed_at.isoformat() if filed_at else "",
    }


def stored_blank(revision: Revision) -> File:
    """The blank form of a published revision, printed once and kept: it never changes."""
    name = f"forms/{revision.procedure.code}-{revision.number}-{revision.digest[:12]}.pdf"
    if not default_storage.exists(name):
        default_storage.save(name, ContentFile(blank_pdf(revision)))
    return default_storage.open(name, "rb")


def form_title(revision: Revision) -> str:
    """The form's own name: that of the paper which the portal prints from the answers."""
    named = (row.name for row in revision.documents.all() if row.how == "portal")
    return next(named, "") or _("Tờ khai: %(name)s") % {"name": revision.short_name}


def date_in_words(day: datetime.date) -> str:
    """`Ngày năm tháng hai năm hai nghìn không trăm hai mươi sáu`, as civil papers spell it."""
    month = "tư" if day.month == 4 else _two_digits(day.month)
    return f"Ngày {_two_digits(day.day)} tháng {month} năm {_year(day.year)}"


def _year(year: int) -> str:
    words = f"{_DIGITS[year // 1000]} nghìn"
    if not year % 1000:
        return words
    words += f" {_DIGITS[year // 100 % 10]} trăm"
    rest = year % 100
    if not rest:
        return words
    return f"{words} linh {_DIGITS[rest]}" if rest < 10 else f"{words} {_two_digits(rest)}"


def _two_digits(number: int) -> str:
    tens, ones = divmod(number, 10)
    if not tens:
        return _DIGITS[ones]
    words = "mười" if tens == 1 else f"{_DIGITS[tens]} mươi"
    if not ones:
        return words
    special = {5: "lăm"} if tens == 1 else {1: "mốt", 4: "tư", 5: "lăm"}
    return f"{words} {special.get(ones, _DIGITS[ones])}"


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

    def asks(self, field: Field) -> bool:
        return self.row is None or conditions.holds(
            field.when or "", self.answers or {}, filed=self.filed_at
        )

    def answer(self, path: str) -> Any:
        return conditions.lookup(self.row, path) if self.row else None


def _blank_section(section: Section, form: Form) -> dict[str, Any]:
    rows: list[dict] = []
    if section.repeat:
        for index in range(min(section.repeat.max, max(section.repeat.min, PAPER_ROWS))):
            rows.append(_heading(f"{section.repeat.row_name} {index + 1}"))
            rows += _rows(section.fields, _Page(f"{section.id}.{index}."))
    else:
        rows += _rows(section.fields, _Page(f"{section.id}."))
    return {"title": section.title, "hint": _when_in_words(section.when, form), "rows": rows}


def _filled_section(
    section: Section, answers: Mapping[str, Any], filed_at: datetime.datetime | None
) -> dict[str, Any]:
    given = answers.get(section.id) or ([] if section.repeat else {})
    rows: list[dict] = []
    if section.repeat:
        for index, row in enumerate(given):
            view = {**answers, section.id: row}
            rows.append(_heading(f"{section.repeat.row_name} {index + 1}"))
            rows += _rows(section.fields, _Page(f"{section.id}.{index}.", row, view, filed_at))
    else:
        rows += _rows(section.fields, _Page(f"{section.id}.", given, answers, filed_at))
    return {"title": section.title, "hint": "", "rows": rows}


def _rows(fields: list[Field], page: _Page, before: str = "") -> Iterator[dict[str, Any]]:
    for field in fields:
        path = f"{before}{field.id}"
        if not page.asks(field):
            continue
        if field.type == "group":
            if field.label:
                yield _heading(field.label)
            yield from _rows(field.fields, page, f"{path}.")
        else:
            yield from _question(field, page, path)


def _heading(label: str) -> dict[str, Any]:
    return {"kind": "heading", "label": label}


def _question(field: Field, page: _Page, path: str) -> Iterator[dict[str, Any]]:
    answer = page.answer(path)
    label = field.label or ""
    row = {
        "label": label,
        "help": field.help or "",
        "is_optional": field.optional,
        "is_long": len(label) > LONGEST_LABEL,
        "value": display(field, answer),
    }
    name = f"{page.prefix}{path}"
    options = _options(field)
    if field.type == "declaration":
        yield {**row, "kind": "statement", "value": field.text or label}
    elif options:
        yield {**row, "kind": "boxes", "inputs": _boxes(field, options, name, answer)}
    elif field.type == "address" and page.row is None:
        for suffix, field_label in _address_parts(field).items():
            yield {
                **row, "kind": "line", "label": f"{label} – {field_label}", "help": "",
                "is_long": len(label) + len(field_label) > LONGEST_LABEL,
                "inputs": [{"name": f"{name}{suffix}"}],
            }  # fmt: skip
    else:
        kind = "area" if field.type == "long_text" else "line"
        yield {**row, "kind": kind, "inputs": [{"name": name}]}
        if field.spell_out:
            yield _spelled(name, answer, is_blank=page.row is None)


def _address_parts(field: Field) -> dict[str, str]:
    """The house first, as addresses are written here."""
    inputs = type_of(field).inputs(field)
    return {suffix: str(inputs[suffix].label).lower() for suffix in (".detail", ".commune")}


def _spelled(name: str, answer: Any, *, is_blank: bool) -> dict[str, Any]:
    words = "" if is_blank or not answer else date_in_words(datetime.date.fromisoformat(answer))
    return {
        "kind": "line", "label": _("Ghi bằng chữ"), "help": "", "is_optional": False,
        "is_long": False, "value": words, "inputs": [{"name": f"{name}_bang_chu"}],
    }  # fmt: skip


def _options(field: Field) -> dict[str, str]:
    """The options to tick; none where there are too many, or none to begin with."""
    given = getattr(type_of(field), "options", None)
    options = given(field) if given else {}
    return options if 0 < len(options) <= MOST_BOXES else {}


def _boxes(field: Field, options: dict[str, str], name: str, answer: Any) -> list[dict[str, Any]]:
    chosen = answer if isinstance(answer, list) else [answer]
    several = field.type == "choices"
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


def _when_in_words(when: str | None, form: Form) -> str:
    """`Chỉ khai khi “Cha mẹ của bé” là “Đã đăng ký kết hôn”`, or a general hint."""
    if not when:
        return ""
    node = conditions.parse(when)
    if node.kind == "compare" and [part.kind for part in node.parts] == ["path", "literal"]:
        field = form.paths().get(node.parts[0].text)
        wording = {
            "=": _("Chỉ khai khi “%(question)s” là “%(answer)s”"),
            "!=": _("Chỉ khai khi “%(question)s” không phải là “%(answer)s”"),
        }.get(node.text)
        if field and wording:
            answer = display(field, node.parts[1].text)
            return wording % {"question": field.label, "answer": answer}
    return _("Chỉ khai nếu có")


def _with_proper_fields(pdf: bytes, constants: dict[str, str]) -> bytes:
    """`pdf` with read-only `constants`, and its fields arranged as ISO 32000-2, 12.7 wants.

    WeasyPrint writes each name with its dots into one flat field, and lists the buttons of
    a radio group a second time beside the group.
    """
    import pikepdf

    with pikepdf.open(io.BytesIO(pdf)) as document:
        form = document.Root.get("/AcroForm")
        if form is None:
            form = document.Root.AcroForm = pikepdf.Dictionary(Fields=[], DR={})
        flat = [field for field in form.Fields if "/Parent" not in field]
        for field in form.Fields:
            _mend(field)
        _add_tick_font(form.DR)
        flat += [_constant(document, *row) for row in constants.items()]
        form.Fields = _as_tree(document, flat)
        target = io.BytesIO()
        document.save(target, deterministic_id=True)
    return target.getvalue()


def _add_tick_font(resources: pikepdf.Object) -> None:
    """ZapfDingbats, one of the fonts that every viewer brings along."""
    import pikepdf

    if "/Font" not in resources:
        resources.Font = pikepdf.Dictionary()
    resources.Font.ZaDb = pikepdf.Dictionary(
        Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.ZapfDingbats
    )


def _mend(field: pikepdf.Object) -> None:
    """Make one field of WeasyPrint's such that viewers show what is typed or ticked."""
    import pikepdf

    if "/Parent" in field:
        # A button of a radio group is named by the group.
        for key in {"/T", "/TU"} & set(field.keys()):
            del field[key]
    elif field.FT == "/Btn" and "/Kids" not in field:
        field.DA = pikepdf.String(_TICK_FONT)
        field.MK.CA = pikepdf.String("8")  # a cross in the font ZapfDingbats
    elif "/DA" in field:
        # A graphics state has no business in a field's default appearance.
        field.DA = pikepdf.String(re.sub(r"^/\S+ gs ", "", str(field.DA)))


def _constant(document: pikepdf.Pdf, name: str, value: str) -> pikepdf.Object:
    """A hidden read-only text field on the first page."""
    import pikepdf

    page = document.pages[0]
    field = document.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Widget, FT=pikepdf.Name.Tx,
            T=pikepdf.String(name), V=pikepdf.String(value), DA=pikepdf.String(_TICK_FONT),
            Ff=1, F=2, Rect=[0, 0, 0, 0], P=page.obj,
        )
    )  # fmt: skip
    if "/Annots" not in page.obj:
        page.obj.Annots = pikepdf.Array()
    page.obj.Annots.append(field)
    return field


def _as_tree(document: pikepdf.Pdf, flat: list[pikepdf.Object]) -> pikepdf.Array:
    """The fields under parents by the parts of their names; returns the topmost ones."""
    import pikepdf

    top = pikepdf.Array()
    parents: dict[str, pikepdf.Object] = {}

    def parent(path: str) -> pikepdf.Object:
        if path not in parents:
            above, _dot, last = path.rpartition(".")
            parents[path] = document.make_indirect(
                pikepdf.Dictionary(T=pikepdf.String(last), Kids=pikepdf.Array())
            )
            attach(parents[path], above)
        return parents[path]

    def attach(field: pikepdf.Object, path: str) -> None:
        if not path:
            top.append(field)
            return
        field.Parent = parent(path)
        field.Parent.Kids.append(field)

    for field in flat:
        above, _dot, last = str(field.T).rpartition(".")
        field.T = pikepdf.String(last)
        attach(field, above)
    return top
