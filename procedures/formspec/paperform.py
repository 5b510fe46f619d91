"""A form on paper: blank and fillable, or filled in, from its one definition."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures import papers
from procedures.formspec import conditions
from procedures.formspec.layout import inputs_of, lay_out, side_by_side
from procedures.formspec.pdffields import arrange
from procedures.formspec.spec import Form, walk
from procedures.text import fold, in_vietnamese

if TYPE_CHECKING:
    from procedures.formspec.spec import Section
    from procedures.models import Agency, Revision

TEMPLATE = "papers/form.html"
# How many rows a paper made from one repeated section offers: they sign side by side.
_ROWS_ALONE = 2
# Who signs, by how the title of the form begins (folded).
_SIGNERS = {
    "don": gettext_lazy("Người làm đơn"),
    "giay de nghi": gettext_lazy("Người đề nghị"),
    "thong bao": gettext_lazy("Người thông báo"),
    "ban khai": gettext_lazy("Người khai"),
}


class NoSuchPaper(LookupError):
    """The procedure has no paper of this name that is printed from a section."""


@in_vietnamese
def blank_facts(revision: Revision, document: str = "") -> dict[str, Any]:
    """What the blank form says, for `papers/form.html` and the DOCX.

    Beside what `layout.lay_out` gives: `title`, `number` and `source` of the official
    form, `addressed_to`, `signers`, `procedure_code`, `revision`, `page_url`. With
    `document` (the key of a paper with `print_from`) it is that paper alone, made from its
    section, with room for what is to be said in it; `NoSuchPaper` if there is none.
    """
    heading = revision.definition.get("paper") or {}
    facts = {
        **lay_out(revision.form),
        "title": form_title(revision),
        "number": heading.get("number", ""),
        "source": heading.get("source", ""),
        "addressed_to": heading.get("addressed_to", ""),
        "of_procedure": "",
        "signers": _signers(revision),
    }
    if document:
        facts = _facts_alone(revision, document)
    return facts | {
        "is_blank": True,
        "office": "",
        "document": document,
        "procedure_code": revision.procedure.code,
        "revision": revision.number,
        "page_url": page_url(revision.procedure.code),
    }


def blank_pdf(revision: Revision, document: str = "") -> bytes:
    """The blank form as a PDF that can be filled in on screen or by hand.

    Its fields are named by the paths of the answers (`be.ho_ten`, in a repeated section
    `nguoi_lam_chung.0.nguoi.ho_ten`, an address in `.commune` and `.detail`); the
    read-only `mau.thu_tuc` and `mau.ban` carry the procedure's code and the revision.
    With `document` it is that paper alone, as in `blank_facts`.
    """
    facts = blank_facts(revision, document)
    context = {"facts": facts, "qr": papers.qr_svg_data_uri(facts["page_url"])}
    return arrange(
        papers.render(TEMPLATE, context, is_form=True),
        constants={"mau.thu_tuc": revision.procedure.code, "mau.ban": str(revision.number)},
        titles=dict(inputs_of(facts["sections"])),
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
    draft_url: str = "",
) -> bytes:
    """The form as it was filled in, drawn as plain text.

    `applicant` is printed where one would sign, `code` is the dossier's and `check_url`
    becomes the QR code; each may be left out, as for a draft. The QR code of a draft is its
    `draft_url`, which opens it at the counter.
    """
    facts = filled_facts(
        revision, answers, office=office, applicant=applicant, filed_at=filed_at, code=code
    )
    link = check_url or draft_url
    qr = papers.qr_svg_data_uri(link) if link else ""
    context = {"facts": facts, "check_url": check_url, "draft_url": draft_url, "qr": qr}
    return papers.render(TEMPLATE, context)


@in_vietnamese
def filled_paper(
    revision: Revision,
    document: str,
    answers: Mapping[str, Any],
    *,
    office: Agency | None = None,
) -> bytes:
    """The PDF of a paper made from one section, with what was answered, to be signed by hand.

    Raises `NoSuchPaper` where there is no such paper.
    """
    facts = _facts_alone(revision, document, answers) | {
        "is_blank": False,
        "office": office.name if office else "",
        "place": office.place if office else "",
        "document": document,
        "procedure_code": revision.procedure.code,
        "revision": revision.number,
    }
    return papers.render(TEMPLATE, {"facts": facts})


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
    heading = revision.definition.get("paper") or {}
    return {
        **lay_out(revision.form, answers, filed_at=filed_at),
        "is_blank": False,
        "title": form_title(revision),
        "number": heading.get("number", ""),
        "source": heading.get("source", ""),
        "office": office.name if office else "",
        "signers": _signers(revision, answers, applicant),
        "filed_at": filed_at.isoformat() if filed_at else "",
        "procedure_code": revision.procedure.code,
        "revision": revision.number,
        "place": office.place if office else "",
        "applicant": applicant,
        "code": code,
        "issued_at": filed_at.isoformat() if filed_at else "",
    }


def form_title(revision: Revision) -> str:
    """The form's own name: as the definition gives it, else of the paper that it becomes."""
    title = (revision.definition.get("paper") or {}).get("title")
    named = (row.name for row in revision.documents.all() if row.how == "portal")
    return title or next(named, "") or _("Tờ khai: %(name)s") % {"name": revision.short_name}


def printed_papers(revision: Revision) -> list[dict[str, str]]:
    """The papers that are printed from a section of the form: `id`, `name`, `print_from`."""
    rows = revision.definition.get("documents", [])
    return [row for row in rows if row.get("print_from")]


def page_url(code: str) -> str:
    """The address of the procedure's page, as a QR code on paper has it."""
    return f"{settings.SITE_URL}{reverse('procedures:by_code', args=[code])}"


def _printed(revision: Revision, document: str) -> dict[str, str]:
    for row in printed_papers(revision):
        if row["id"] == document and revision.form.section(row["print_from"]):
            return row
    raise NoSuchPaper(document)


def _signers(
    revision: Revision, answers: Mapping[str, Any] | None = None, applicant: str = ""
) -> list[dict[str, str]]:
    """Who signs: both sides where two sections stand side by side, else the applicant."""
    sides = side_by_side(revision.form)
    if sides:
        return [_signer(side.title, _name_in(side.fields, answers, side.id)) for side in sides]
    begin = fold(form_title(revision))
    titles = (title for words, title in _SIGNERS.items() if begin.startswith(words))
    return [_signer(str(next(titles, _("Người yêu cầu"))), applicant)]


def _facts_alone(
    revision: Revision, document: str, answers: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The body, the head and the signers of a paper that is made from one section."""
    row = _printed(revision, document)
    section = revision.form.section(row["print_from"])
    alone = Form([section.model_copy(update={"when": None, "beside": None})])
    return {
        **lay_out(alone, answers, most_rows=_ROWS_ALONE),
        "title": row["name"],
        "number": "",
        "source": "",
        "addressed_to": "",
        "of_procedure": revision.short_name,
        "signers": _signers_of(section, answers),
    }


def _signers_of(section: Section, answers: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """Who signs a paper that is made from one section: each of its rows, if they are few."""
    if not section.repeat:
        return [_signer(section.title, _name_in(section.fields, answers, section.id))]
    given = (answers or {}).get(section.id) or []
    count = len(given) if answers is not None else min(section.repeat.max, _ROWS_ALONE)
    if not 0 < count <= _ROWS_ALONE:
        return [_signer(section.title)]
    names = [_name_in(section.fields, {section.id: row}, section.id) for row in given] or [""] * 2
    row_name = section.repeat.row_name
    return [
        _signer(f"{row_name} {i + 1}" if count > 1 else row_name, names[i]) for i in range(count)
    ]


def _signer(title: str, person: str = "") -> dict[str, str]:
    return {"title": title, "person": person}


def _name_in(fields: list, answers: Mapping[str, Any] | None, section_id: str) -> str:
    """The first name that a section holds."""
    paths = [path for path, spec in walk(fields) if spec.type == "name"]
    found = (conditions.lookup(answers or {}, f"{section_id}.{path}") for path in paths)
    return next((name for name in found if name), "")
