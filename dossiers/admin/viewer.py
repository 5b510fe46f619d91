"""The viewer beside the answers: every filed file with the pictures of its pages.

It works by anchors alone: the file that the address names is shown, without one the first.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from dossiers import exemptions, previews
from dossiers.documents import paper_names
from dossiers.models import Attachment, Dossier


@dataclass(frozen=True)
class File:
    """One file as the viewer shows it; `numbers` are the pages to be seen."""

    file: Attachment
    paper: str
    numbers: range = field(default_factory=lambda: range(0))
    is_waiting: bool = False
    is_cut: bool = False


def files(dossier: Dossier, *, with_messages: bool = True) -> list[File]:
    """The filed files in the order in which they came, those of messages last.

    The attachments must come from `for_officials()`, which counts their drawn pages.
    """
    names = paper_names(dossier) | {
        Attachment.MESSAGE: _("Tệp kèm tin nhắn"),
        exemptions.PROOF: _("Giấy tờ chứng minh diện miễn, giảm"),
    }
    rows = [
        file
        for file in dossier.attachments.all()
        if file.submitted_at and (with_messages or file.document != Attachment.MESSAGE)
    ]
    rows.sort(key=lambda file: file.document == Attachment.MESSAGE)
    return [_file(file, names.get(file.document, _("Tệp khác"))) for file in rows]


def _file(file: Attachment, paper: str) -> File:
    total = previews.page_count(file.media_type, file.pages)
    return File(
        file,
        paper,
        numbers=range(1, min(total, file.drawn_pages) + 1),
        is_waiting=file.drawn_pages < total,
        is_cut=file.pages > total > 0,
    )
