"""The papers of a dossier as pages show them: what is asked, what is attached, what is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from dossiers import filing
from dossiers.attachments import size_text
from dossiers.models import Attachment, Dossier
from procedures.formspec.paperform import printed_papers
from procedures.models import RequiredDocument


@dataclass
class DocumentRow:
    """One paper on the page where papers are attached."""

    key: str
    name: str
    help: str
    is_optional: bool
    original_due: bool
    error: str
    files: list[dict[str, Any]] = field(default_factory=list)
    print_url: str = ""


def document_rows(dossier: Dossier, errors: dict[str, str]) -> list[DocumentRow]:
    """The papers that these answers call for, with the files attached so far."""
    files = list(dossier.attachments.all())
    printed = {row["id"] for row in printed_papers(dossier.revision)}
    rows = []
    for paper in filing.to_attach(dossier):
        row = _document_row(paper, files, errors)
        if paper.key in printed:
            row.print_url = reverse("dossiers:printed_paper", args=[dossier.key, paper.key])
        rows.append(row)
    return rows


def _document_row(
    row: RequiredDocument, files: list[Attachment], errors: dict[str, str]
) -> DocumentRow:
    return DocumentRow(
        key=row.key,
        name=row.name,
        help=row.help,
        is_optional=row.is_optional,
        original_due=row.original_due == "before_result",
        error=errors.get(row.key, ""),
        files=[file_row(file) for file in files if file.document == row.key],
    )


def file_row(file: Attachment) -> dict[str, Any]:
    """One attached file as the lists of files show it."""
    return {
        "key": file.key,
        "document": file.document,
        "name": file.name,
        "size": size_text(file.size),
        "sha256": file.sha256,
        "is_submitted": file.submitted_at is not None,
    }


def missing_documents(dossier: Dossier) -> list[RequiredDocument]:
    """The papers that must be attached and are not."""
    attached = {file.document for file in dossier.attachments.all()}
    return [
        row for row in filing.to_attach(dossier) if not row.is_optional and row.key not in attached
    ]


def supplement_row(
    dossier: Dossier, paper: RequiredDocument | None, error: str = ""
) -> DocumentRow:
    """One paper of a supplement with the files not sent yet; without `paper`, any other file."""
    files = [file for file in dossier.attachments.all() if file.submitted_at is None]
    if paper is not None:
        return _document_row(paper, files, {paper.key: error})
    return DocumentRow(
        key=Attachment.OTHER,
        name=_("Tệp khác"),
        help="",
        is_optional=True,
        original_due=False,
        error=error,
        files=[file_row(file) for file in files if file.document == Attachment.OTHER],
    )
