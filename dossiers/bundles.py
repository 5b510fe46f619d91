"""The files of one paper as one PDF, for whoever has to read or print them.

Made by a task after filing and after each supplement; the files themselves stay what counts.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import uuid
from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import IO

from django.core.files.base import File
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from dossiers.models import Attachment, Bundle, Dossier
from procedures import bounded

_KINDS = {"image/jpeg": "jpeg", "application/pdf": "pdf"}


class NotJoined(Exception):
    """There was no place to run in: to be tried again."""


def make_later(dossier: Dossier) -> None:
    """Have what was just filed joined, after commit."""
    from dossiers.tasks import make_bundles

    make_bundles.enqueue(dossier.pk)


def make_missing(dossier: Dossier) -> int:
    """Join what was filed and is not joined yet; how many. Running it twice adds nothing."""
    there = set(dossier.bundles.values_list("document", "submitted_at"))
    return sum(
        _make(dossier, files)
        for paper, files in _papers(dossier)
        if paper not in there and _is_worth_it(files)
    )


def _papers(dossier: Dossier) -> Iterable[tuple[tuple[str, datetime], list[Attachment]]]:
    """The joinable files of each (`document`, `submitted_at`), in the order they were given."""
    rows = _joinable().filter(dossier=dossier).order_by("document", "submitted_at", "pk")
    for paper, files in groupby(rows, key=lambda row: (row.document, row.submitted_at)):
        yield paper, list(files)


def _joinable() -> QuerySet[Attachment]:
    filed = Attachment.objects.exclude(submitted_at=None).exclude(document=Attachment.MESSAGE)
    return filed.filter(media_type__in=_KINDS)


def _is_worth_it(files: list[Attachment]) -> bool:
    return len(files) > 1 or files[0].media_type == "image/jpeg"


def _make(dossier: Dossier, files: list[Attachment]) -> bool:
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as joined:
        _write(files, source)
        said = bounded.ask("dossiers.opening.joining", "join", source, joined)
        if said.get("fault") == "busy":
            raise NotJoined
        return "pages" in said and _keep(dossier, files[0], said["pages"], File(joined))


def _write(files: list[Attachment], source: IO[bytes]) -> None:
    head = [[_KINDS[row.media_type], row.size] for row in files]
    source.write(json.dumps(head).encode() + b"\n")
    for row in files:
        with row.file.open("rb") as content:
            for piece in content.chunks():
                source.write(piece)
    source.flush()
    # The process reads where the file stands; the buffer of this one is empty now.
    source.seek(0)


def _keep(dossier: Dossier, first: Attachment, pages: int, content: File) -> bool:
    """Store the joined file; False when somebody else was quicker."""
    bundle = Bundle(
        dossier=dossier, document=first.document, submitted_at=first.submitted_at,
        size=content.size, pages=pages, sha256=hashlib.file_digest(content, "sha256").hexdigest(),
    )  # fmt: skip
    content.seek(0)
    bundle.file.save(f"{uuid.uuid4().hex}.pdf", content, save=False)
    try:
        with transaction.atomic():
            bundle.save()
    except IntegrityError:
        bundle.file.storage.delete(bundle.file.name)
        return False
    return True


def missing(since: datetime, until: datetime) -> QuerySet[Dossier]:
    """Dossiers with something filed in this time that should be joined and is not."""
    same = {"dossier": OuterRef("dossier"), "document": OuterRef("document")}
    same["submitted_at"] = OuterRef("submitted_at")
    another = _joinable().filter(**same).exclude(pk=OuterRef("pk"))
    rows = _joinable().filter(
        Q(media_type="image/jpeg") | Exists(another),
        ~Exists(Bundle.objects.filter(**same)),
        submitted_at__gt=since,
        submitted_at__lt=until,
    )
    return Dossier.objects.filter(pk__in=rows.values("dossier"))
