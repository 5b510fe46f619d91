"""Revisions as files to work on."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse

from procedures.admin.editorforms import StartForm
from procedures.loading import workbook
from procedures.loading.export import yaml_of


def as_file(definition: dict[str, Any], code: str, kind: str) -> HttpResponse:
    """A definition as YAML or as a workbook, by `StartForm`'s word for it; 404 for any other."""
    if kind == StartForm.YAML:
        return download(yaml_of(definition).encode(), f"{code}.yaml")
    if kind == StartForm.EXCEL:
        return download(workbook.write([definition]), f"{code}.xlsx")
    raise Http404


def download(content: bytes, name: str) -> HttpResponse:
    """A file to be saved under this name, which says what it is."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    content_type = kind if name.endswith(".xlsx") else "application/yaml; charset=utf-8"
    disposition = f'attachment; filename="{name}"'
    return HttpResponse(
        content, content_type=content_type, headers={"Content-Disposition": disposition}
    )
