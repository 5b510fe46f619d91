"""The papers of a dossier as pages show them: what is asked, what is attached, what is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import gettext as _

from dossiers import filing, intake
from dossiers.attachments import MAX_FILES, MAX_TOTAL_MB
from dossiers.filing import AskedFile
from dossiers.intake import size_text
from dossiers.models import Attachment, Bundle, Dossier, KeptPaper
from procedures.formspec.paperform import printed_papers
from procedures.models import RequiredDocument

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User


@dataclass
class DocumentRow:
    """One paper on the page where papers are attached."""

    key: str
    name: str
    help: str
    is_optional: bool
    original_due: bool
    error: str
    max_files: int = MAX_FILES
    files: list[dict[str, Any]] = field(default_factory=list)
    bundles: list[Bundle] = field(default_factory=list)
    print_url: str = ""
    accept: str = intake.ACCEPT

    @property
    def limits(self) -> str:
        """What is taken, said before anything is chosen."""
        if self.max_files < MAX_FILES:
            together = _("Tối đa %(files)d tệp.") % {"files": self.max_files}
        else:
            together = _("Cả hồ sơ tối đa %(files)d tệp, tổng cộng %(total)d MB.") % {
                "files": MAX_FILES,
                "total": MAX_TOTAL_MB,
            }
        return f"{intake.limits()} {together}"


def document_rows(dossier: Dossier, errors: dict[str, str]) -> list[DocumentRow]:
    """The papers that these answers call for, with the files attached so far."""
    files = list(dossier.attachments.all())
    bundles = list(dossier.bundles.all()) if dossier.submitted_at else []
    printed = {row["id"] for row in printed_papers(dossier.revision)}
    rows = []
    for paper in filing.to_attach(dossier):
        row = _document_row(paper, files, errors)
        row.bundles = [bundle for bundle in bundles if bundle.document == row.key]
        if paper.key in printed:
            row.print_url = reverse("dossiers:printed_paper", args=[dossier.key, paper.key])
        rows.append(row)
    return rows


def document_row(dossier: Dossier, key: str) -> DocumentRow | None:
    """One paper that these answers call for, with its files; None for another."""
    paper = next((row for row in filing.to_attach(dossier) if row.key == key), None)
    files = list(dossier.attachments.filter(document=key, submitted_at=None))
    return _document_row(paper, files, {}) if paper else None


def _document_row(
    row: RequiredDocument | AskedFile, files: list[Attachment], errors: dict[str, str]
) -> DocumentRow:
    return DocumentRow(
        key=row.key,
        name=row.name,
        help=row.help,
        is_optional=row.is_optional,
        original_due=row.original_due == "before_result",
        error=errors.get(row.key, ""),
        max_files=row.max_files if isinstance(row, AskedFile) else MAX_FILES,
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
        "flaws": [Attachment.Flaw(flaw).label for flaw in file.flaws],
        "is_submitted": file.submitted_at is not None,
    }


def filed_files(dossier: Dossier) -> list[Attachment]:
    """The files filed with the papers; those of messages stand with the messages."""
    return [
        file
        for file in dossier.attachments.all()
        if file.submitted_at and file.document != Attachment.MESSAGE
    ]


def paper_names(dossier: Dossier) -> dict[str, str]:
    """The names of all papers that this dossier can have, by their keys."""
    known = [*dossier.revision.documents.all(), *filing.to_attach(dossier)]
    return {row.key: row.name for row in known}


def title_of(file: Attachment) -> str:
    """The name of the paper to which an attached file belongs; its own name without one."""
    return paper_names(file.dossier).get(file.document, file.name)[:120]


def wallet(owner: User) -> list[dict[str, Any]]:
    """The kept papers of a person."""
    return [kept_row(paper) for paper in owner.kept_papers.all()]


def kept_row(paper: KeptPaper) -> dict[str, Any]:
    """One paper of the wallet as lists and choosers show it."""
    return {
        "key": paper.key,
        "title": paper.title,
        "size": size_text(paper.size),
        "expires_on": paper.expires_on,
        "is_expired": paper.is_expired,
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
