"""Pictures of the pages of filed files, for officials to read beside the answers.

A browser's own viewer does not run in the sandbox in which private files are served. A task
makes the pictures after filing, after a supplement and after a message with files. Every page
gets one row, without an image where it cannot be drawn, so that nothing is tried for ever.
"""

from __future__ import annotations

import json
import tempfile
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Least

from dossiers.models import Attachment, AttachmentPage, Dossier
from procedures import bounded

MAX_PAGES = 50  # of one file; who needs more opens the file
KINDS = {"image/jpeg": "jpeg", "application/pdf": "pdf"}
_BATCH_BYTES = 40 * 1024 * 1024
# A file of which so many pages could not be drawn is not tried further.
_MOST_FAILED = 3


class NotDrawn(Exception):
    """There was no place to run in: to be tried again."""


@dataclass(frozen=True)
class _Wanted:
    """Pages of one file that have no row yet: `count` of them from `first` on."""

    file: Attachment
    first: int
    count: int


def make_later(dossier: Dossier) -> None:
    """Have what was just filed drawn, after commit."""
    from dossiers.tasks import make_previews

    make_previews.enqueue(dossier.pk)


def make_missing(dossier: Dossier) -> int:
    """Draw every filed page that has no row yet; how many. Running it twice adds nothing."""
    made = 0
    while wanted := _batch(_wanted(dossier)):
        made += _draw(wanted)
    return made


def page_count(media_type: str, pages: int) -> int:
    """How many pages of a file are drawn; 0 for one that has no preview."""
    if media_type not in KINDS:
        return 0
    return min(pages, MAX_PAGES) if media_type == "application/pdf" else 1


def _wanted(dossier: Dossier) -> Iterable[_Wanted]:
    """The gaps, file by file. They are filled from the front, so one count tells the rest."""
    for row in _drawable().filter(dossier=dossier).annotate(there=Count("page_images")):
        total = page_count(row.media_type, row.pages)
        if row.there < total:
            yield _Wanted(row, row.there + 1, total - row.there)


def _drawable() -> QuerySet[Attachment]:
    return Attachment.objects.exclude(submitted_at=None).filter(media_type__in=KINDS).order_by("pk")


def _batch(wanted: Iterable[_Wanted]) -> list[_Wanted]:
    """As many files as one process is given; at least one, where there is any."""
    batch, size = [], 0
    for one in wanted:
        if batch and size + one.file.size > _BATCH_BYTES:
            break
        batch.append(one)
        size += one.file.size
    return batch


def _draw(batch: list[_Wanted]) -> int:
    """Draw some of the pages of a batch, the first one at the least; how many rows it made."""
    with tempfile.TemporaryFile() as drawn:
        pages = _ask(batch, drawn)
        if pages is None:
            # One of them killed the process; the first page alone shows whether it was that.
            alone = _Wanted(batch[0].file, batch[0].first, 1)
            drawn.seek(0)
            drawn.truncate()
            pages = _ask([alone], drawn) or [[0, alone.first, 0, 0, 0]]
        rows = [
            _keep(batch[place].file, number, width, height, drawn.read(size))
            for place, number, width, height, size in pages
        ]
    return len(rows) + sum(_give_up(one) for one in batch)


def _ask(batch: list[_Wanted], drawn: IO[bytes]) -> list[list[int]] | None:
    with tempfile.TemporaryFile() as source:
        _write(batch, source)
        said = bounded.ask("dossiers.opening.pages", "draw", source, drawn)
    if said.get("fault") == "busy":
        raise NotDrawn
    return said.get("pages")


def _write(batch: list[_Wanted], source: IO[bytes]) -> None:
    head = [[KINDS[w.file.media_type], w.file.size, w.first, w.count] for w in batch]
    source.write(json.dumps(head).encode() + b"\n")
    for one in batch:
        with one.file.file.open("rb") as content:
            for piece in content.chunks():
                source.write(piece)
    source.flush()
    source.seek(0)


def _keep(file: Attachment, number: int, width: int, height: int, content: bytes) -> None:
    """Store one page; what somebody else stored meanwhile stays."""
    page = AttachmentPage(attachment=file, number=number, width=width, height=height)
    if content:
        page.image.save(f"{uuid.uuid4().hex}.jpg", ContentFile(content), save=False)
    try:
        with transaction.atomic():
            page.save()
    except IntegrityError:
        if page.image:
            page.image.storage.delete(page.image.name)


def _give_up(one: _Wanted) -> int:
    """Close a file of which too many pages failed: the rest gets rows without images."""
    there = one.file.page_images
    if there.filter(image="").count() < _MOST_FAILED:
        return 0
    total = page_count(one.file.media_type, one.file.pages)
    rest = range(there.count() + 1, total + 1)
    rows = [AttachmentPage(attachment=one.file, number=n, width=0, height=0) for n in rest]
    return len(AttachmentPage.objects.bulk_create(rows, ignore_conflicts=True))


def missing(since: datetime, until: datetime) -> QuerySet[Dossier]:
    """Dossiers with something filed in this time of which a page was not drawn."""
    total = Case(
        When(media_type="application/pdf", then=Least(F("pages"), Value(MAX_PAGES))),
        default=Value(1),
        output_field=IntegerField(),
    )
    filed = _drawable().filter(submitted_at__gt=since, submitted_at__lt=until)
    behind = filed.annotate(there=Count("page_images")).filter(Q(there__lt=total))
    return Dossier.objects.filter(pk__in=behind.order_by().values("dossier"))


def of(files: Iterable[Attachment]) -> dict[int, list[AttachmentPage]]:
    """The drawn pages of these files by the key of the file, in one query."""
    found: dict[int, list[AttachmentPage]] = defaultdict(list)
    for page in AttachmentPage.objects.filter(attachment__in=[file.pk for file in files]):
        found[page.attachment_id].append(page)
    return found


def word(file: Attachment) -> dict[str, Any]:
    """How many pages are to be seen here, and whether there are more in the file."""
    total = page_count(file.media_type, file.pages)
    return {"pages": total, "is_cut": file.pages > total > 0}
