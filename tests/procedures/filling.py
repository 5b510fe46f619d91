"""Fills our blank PDFs as people's viewers do, for tests that read them back."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pikepdf

from procedures.formspec import conditions
from procedures.formspec.fields import display, type_of
from procedures.formspec.layout import options_to_tick
from procedures.formspec.spec import Field, Form, walk


def values_for(form: Form, answers: Mapping[str, Any]) -> dict[str, str]:
    """What a person would type or tick for these answers, by the name of the field."""
    values: dict[str, str] = {}
    for section in form.sections:
        given = answers.get(section.id) or {}
        rows = given if section.repeat else [given]
        for index, row in enumerate(rows):
            prefix = f"{section.id}.{index}." if section.repeat else f"{section.id}."
            for path, spec in walk(section.fields):
                answer = conditions.lookup(row, path)
                if answer is not None and spec.type != "declaration":
                    values |= _written(spec, f"{prefix}{path}", answer)
    return values


def _written(spec: Field, name: str, answer: Any) -> dict[str, str]:
    if spec.type == "choices":
        return {f"{name}.{value}": "on" for value in answer}
    if options_to_tick(spec):
        return {name: answer}
    if getattr(type_of(spec), "options", None):
        return {name: display(spec, answer)}
    values = type_of(spec).to_values(answer)
    return {f"{name}{suffix}": str(value) for suffix, value in values.items() if value != ""}


def fill(pdf: bytes, values: Mapping[str, str], *, viewer: str = "plain") -> bytes:
    """The PDF with these values in its fields, saved as a `viewer` would.

    `plain` sets the field's value; `lazy` turns radio buttons on without touching the
    group; `strings` writes choices as strings by their export value.
    """
    missing = set(values)
    with pikepdf.open(io.BytesIO(pdf)) as document:

        def walk_fields(fields: Any, before: str) -> None:
            for field in fields:
                name = f"{before}{field.T}"
                if "/FT" not in field:
                    walk_fields(field.Kids, f"{name}.")
                elif name in values:
                    missing.discard(name)
                    _set(field, values[name], viewer)

        walk_fields(document.Root.AcroForm.Fields, "")
        target = io.BytesIO()
        document.save(target)
    if missing:
        raise KeyError(f"the form has no fields {sorted(missing)}")
    return target.getvalue()


def _set(field: pikepdf.Object, value: str, viewer: str) -> None:
    if field.FT == "/Tx":
        field.V = pikepdf.String(value)
    elif "/Kids" not in field:
        field.V = field.AS = pikepdf.Name("/on")
    else:
        index = [str(option) for option in field.Opt].index(value)
        if viewer == "strings":
            field.V = pikepdf.String(value)
            return
        field.Kids[index].AS = pikepdf.Name(f"/{index}")
        if viewer == "plain":
            field.V = pikepdf.Name(f"/{index}")
