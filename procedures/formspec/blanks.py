"""Blank forms as files: made once, kept, and served until the revision changes."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING, NamedTuple

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

if TYPE_CHECKING:
    from collections.abc import Callable

    from procedures.models import Revision

logger = logging.getLogger(__name__)

# Raised when the look of the forms changes, so that those kept before are made again.
LAYOUT = 4


class Kind(NamedTuple):
    """A kind of file: its media type, and how its content ends when all of it was written."""

    media_type: str
    ending: bytes


KINDS = {
    "pdf": Kind("application/pdf", b"%%EOF"),
    "docx": Kind(
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document", b"PK\x05\x06"
    ),
}
# How far from the end of the file that ending may stand (line ends; what a ZIP adds to it).
_TAIL = 64


def blank(revision: Revision, kind: str, document: str = "") -> bytes:
    """The blank form of a revision as `pdf` or `docx`, from storage if it was made before.

    With `document` it is the paper of that key, made from one section. Raises
    `paperform.NoSuchPaper` where there is none.

    Published revisions never change, so neither does their file. Two first requests at
    once both make it, and one is kept; half a file (the other is still writing, or was
    killed) is not served, but made anew.
    """
    name = _name(revision, kind, document)
    content = _kept(name, KINDS[kind])
    if content is None:
        content = _make(kind)(revision, document)
        _keep(name, content)
    return content


def _make(kind: str) -> Callable[[Revision, str], bytes]:
    # Imported here: neither is needed as long as everything comes from storage.
    if kind == "pdf":
        from procedures.formspec.paperform import blank_pdf

        return blank_pdf
    from procedures.formspec.docx import blank_docx

    return blank_docx


def _name(revision: Revision, kind: str, document: str) -> str:
    """What the content depends on: the definition, the look, and the address in the QR code."""
    made_from = f"{revision.digest} {LAYOUT} {settings.SITE_URL}"
    digest = hashlib.sha256(made_from.encode()).hexdigest()[:16]
    which = f"-{document}" if document else ""
    return f"forms/{revision.procedure.code}-{revision.number}{which}-{digest}.{kind}"


def _kept(name: str, kind: Kind) -> bytes | None:
    try:
        with default_storage.open(name, "rb") as file:
            content = file.read()
    except FileNotFoundError:
        return None
    except OSError:
        logger.exception("could not read %s", name)
        return None
    return content if kind.ending in content[-_TAIL:] else None


def _keep(name: str, content: bytes) -> None:
    """Keep a file under its name; a storage that fails costs time, not the answer."""
    try:
        if default_storage.exists(name):
            # Only half a file is here: a whole one would have been served.
            default_storage.delete(name)
        kept_as = default_storage.save(name, ContentFile(content))
        if kept_as != name:
            default_storage.delete(kept_as)
    except OSError:
        logger.exception("could not keep %s", name)
