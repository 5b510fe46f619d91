"""Stored files without a row: what a crash between storing and writing down leaves behind.

A file is always stored before its row and deleted after it, so that a row never points at
nothing; the price is a file too many now and then, which is swept up here.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterator

from django.core.cache import cache
from django.db import models
from django.utils import timezone

from dossiers.models import Attachment, AttachmentPage, Bundle, KeptPaper

# Longer than any upload takes, and than a backup that is being put back.
OLD_ENOUGH = datetime.timedelta(hours=48)
# Folders are by month; what is older was swept when it was new.
LOOK_BACK = datetime.timedelta(days=62)
AT_MOST = 500  # deleted in one run
_PIECE = 500
_EVERY_SECONDS = 20 * 3600
_FIELDS = (
    (Attachment, "file"),
    (AttachmentPage, "image"),
    (Bundle, "file"),
    (KeptPaper, "file"),
)


def sweep_daily() -> int:
    """`sweep()`, once a day: listing a store costs; how many files were deleted."""
    return sweep() if cache.add("orphans-swept", 1, timeout=_EVERY_SECONDS) else 0


def sweep() -> int:
    """Delete old files of attachments, their pages, wallets and bundles that no row names.

    Gives how many.
    """
    orphans = itertools.chain.from_iterable(itertools.starmap(_orphans, _FIELDS))
    count = 0
    for storage, name in itertools.islice(orphans, AT_MOST):
        storage.delete(name)
        count += 1
    return count


def _orphans(model: type[models.Model], field: str) -> Iterator[tuple]:
    storage = model._meta.get_field(field).storage
    for names in itertools.batched(_stored(model._meta.get_field(field)), _PIECE):
        rows = model.objects.filter(**{f"{field}__in": names})
        known = set(rows.values_list(field, flat=True))
        for name in names:
            if name not in known and _is_old(storage, name):
                yield storage, name


def _stored(field: models.FileField) -> Iterator[str]:
    """The names of the files stored in the last months."""
    for folder in sorted({day.strftime(field.upload_to) for day in _days()}):
        try:
            _folders, names = field.storage.listdir(folder)
        except FileNotFoundError:
            continue
        yield from (f"{folder}{name}" for name in names)


def _days() -> Iterator[datetime.datetime]:
    now = timezone.now()
    for passed in range(LOOK_BACK.days + 1):
        yield timezone.localtime(now - datetime.timedelta(days=passed))


def _is_old(storage, name: str) -> bool:
    try:
        return storage.get_modified_time(name) < timezone.now() - OLD_ENOUGH
    except FileNotFoundError:
        return False
