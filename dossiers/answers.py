"""The answers of a dossier in words, as pages show them."""

from __future__ import annotations

from typing import Any

from django.forms import CheckboxSelectMultiple, RadioSelect
from django.urls import reverse

from dossiers.models import Dossier
from procedures.formspec import conditions
from procedures.formspec.fields import display, type_of
from procedures.formspec.spec import Field, Section
from procedures.formspec.webform import asked_sections, questions


def answer_sections(dossier: Dossier, *, edit: bool = False) -> list[dict[str, Any]]:
    """Every asked section with its answers in words; `edit` adds the way back to each."""
    return [
        {
            "title": section.title,
            "rows": section_rows(section, dossier.answers.get(section.id)),
            "url": reverse("dossiers:section", args=[dossier.key, section.id]) if edit else "",
        }
        for section in asked_sections(dossier.revision.form, dossier.answers)
    ]


def section_rows(section: Section, given: Any) -> list[dict[str, Any]]:
    """The answers of one section in words: label, value, path, and the id of the input."""
    if not section.repeat:
        return _row_answers(section, given or {}, "")
    rows = []
    for number, row in enumerate(given or [], start=1):
        rows += _row_answers(
            section, row, f"{section.repeat.row_name} {number}: ", f"{number - 1}-"
        )
    return rows


def _row_answers(
    section: Section, row: dict, before: str, prefix: str = ""
) -> list[dict[str, Any]]:
    shown = []
    for question in questions(section.fields):
        answer = conditions.lookup(row, question.path)
        if answer is None:
            continue
        label = question.spec.label or section.title
        shown.append(
            {
                "label": f"{before}{label}",
                "value": display(question.spec, answer),
                "path": question.path,
                "anchor": f"id_{prefix}{question.path}{_first_input(question.spec)}",
            }
        )
    return shown


def _first_input(spec: Field) -> str:
    """How the id of the question's first input ends."""
    suffix, first = next(iter(type_of(spec).inputs(spec).items()))
    is_group = isinstance(first.widget, RadioSelect | CheckboxSelectMultiple)
    return f"{suffix}_0" if is_group else suffix


def side_by_side(section: Section, stored: Any, typed: Any) -> list[dict[str, Any]]:
    """Two versions of one section, question by question; `differs` marks where they part."""
    mine = {row["label"]: row["value"] for row in section_rows(section, stored)}
    other = {row["label"]: row["value"] for row in section_rows(section, typed)}
    return [
        {
            "label": label,
            "stored": mine.get(label, ""),
            "typed": other.get(label, ""),
            "differs": mine.get(label) != other.get(label),
        }
        for label in dict.fromkeys([*mine, *other])
    ]
