"""Files that people attach: how they are kept with a dossier, and taken out again.

A file is stored under a name of our own and never changed.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Q, QuerySet, Sum
from django.utils.translation import gettext as _

from dossiers import intake
from dossiers.intake import Taken, sha256_of, size_text
from dossiers.models import Attachment, Bundle, Dossier, KeptPaper, Result

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

__all__ = ["check", "sha256_of", "size_text", "store"]

MAX_FILES = 20
MAX_TOTAL_MB = 100


def check(file: UploadedFile) -> tuple[str, str]:
    """(media type, extension) of a file that is then kept as it came; `ValidationError`."""
    with intake.taken(file) as one:
        kind = (one.media_type, one.extension)
    file.seek(0)
    return kind


def store(
    dossier: Dossier, document: str, file: UploadedFile, *, by: User, max_files: int = MAX_FILES
) -> Attachment:
    """Check an upload and keep it with the dossier; raises `ValidationError`.

    The same content for the same paper twice is one attachment, so a retry adds nothing, and
    is not opened again. `max_files` is how many this paper may have.
    """
    intake.check_size(file)
    known = _same(dossier, document, sha256_of(file), by).first()
    if known:
        return known
    with intake.taken_from(by, file) as one:
        return keep(dossier, document, one, by=by, max_files=max_files)


def _same(dossier: Dossier, document: str, sent_sha256: str, by: User) -> QuerySet[Attachment]:
    """The attachment that the same file has become already, when it was not filed yet."""
    rows = dossier.attachments.filter(document=document, submitted_at=None)
    if document == Attachment.MESSAGE:
        rows = rows.filter(uploaded_by=by)  # each side has its own
    # Somebody may also send back what we made of the photo.
    return rows.filter(Q(sent_sha256=sent_sha256) | Q(sha256=sent_sha256))


def keep(
    dossier: Dossier, document: str, one: Taken, *, by: User, max_files: int = MAX_FILES
) -> Attachment:
    """Store a file that was looked at; raises `ValidationError` where there is no room."""
    attachment = Attachment(
        dossier=dossier,
        document=document,
        name=one.name,
        media_type=one.media_type,
        size=one.size,
        sha256=one.sha256,
        sent_sha256=one.sent_sha256,
        pages=one.pages,
        flaws=one.flaws,
        uploaded_by=by,
    )
    # Before the dossier is locked: an object store can be slow, and nobody should wait for it.
    attachment.file.save(f"{uuid.uuid4().hex}{one.extension}", one.content, save=False)
    kept = None
    try:
        kept = _keep(attachment, max_files)
    finally:
        if kept is not attachment:
            attachment.file.storage.delete(attachment.file.name)
    return kept


@transaction.atomic
def _keep(attachment: Attachment, max_files: int) -> Attachment:
    """The row of a stored file; the one that is there already for the same content."""
    dossier, document = attachment.dossier, attachment.document
    _lock_open(dossier, document)
    same = _same(dossier, document, attachment.sent_sha256, attachment.uploaded_by)
    if existing := same.first():
        return existing
    _check_room(attachment)
    if dossier.attachments.filter(document=document, submitted_at=None).count() >= max_files:
        raise ValidationError(
            _("Giấy tờ này chỉ nhận %(most)d tệp; hãy xóa bớt tệp thừa.") % {"most": max_files}
        )
    attachment.save()
    return attachment


def _lock_open(dossier: Dossier, document: str) -> Dossier:
    """Lock a dossier to which files may be added now: nothing comes in behind a decision.

    What goes with a message is no paper of the dossier, so it may come at any time.
    """
    locked = Dossier.objects.select_for_update().filter(pk=dossier.pk)
    if document != Attachment.MESSAGE:
        open_states = (Dossier.State.DRAFT, Dossier.State.SUPPLEMENT_REQUIRED)
        locked = locked.filter(state__in=open_states)
    found = locked.first()
    if found is None:
        raise ValidationError(_("Hồ sơ đã nộp nên không thêm bớt tệp được nữa."))
    return found


def _check_room(attachment: Attachment) -> None:
    # What was filed cannot be taken out any more, so it takes no room of a supplement.
    unfiled = attachment.dossier.attachments.filter(submitted_at=None)
    # What somebody has ready for a message is seen by nobody else, and in nobody else's way.
    if attachment.document == Attachment.MESSAGE:
        unfiled = unfiled.filter(document=Attachment.MESSAGE, uploaded_by=attachment.uploaded_by)
    else:
        unfiled = unfiled.exclude(document=Attachment.MESSAGE)
    if unfiled.count() >= MAX_FILES:
        raise ValidationError(
            _("Mỗi lần nộp tối đa %(most)d tệp; hãy xóa bớt tệp thừa.") % {"most": MAX_FILES}
        )
    total = unfiled.aggregate(total=Sum("size"))["total"] or 0
    if total + attachment.size > MAX_TOTAL_MB * 1024 * 1024:
        raise ValidationError(
            _("Các tệp của hồ sơ nặng quá %(most)d MB; hãy xóa bớt tệp thừa.")
            % {"most": MAX_TOTAL_MB}
        )


@transaction.atomic
def remove(attachment: Attachment) -> None:
    """Take a file out again; raises `ValidationError` once it was filed."""
    _lock_open(attachment.dossier, attachment.document)
    if not Attachment.objects.filter(pk=attachment.pk, submitted_at=None).delete()[0]:
        raise ValidationError(_("Tệp này đã nộp cùng hồ sơ nên không xóa được nữa."))
    delete_afterwards([attachment])


def drop_unasked(draft: Dossier, asked: set[str]) -> None:
    """Leave out, at filing, files for papers that the answers do not call for any more.

    Their owner no longer sees them, so they must not reach the office unseen.
    """
    rows = list(draft.attachments.filter(submitted_at=None).exclude(document__in=asked))
    draft.attachments.filter(pk__in=[row.pk for row in rows]).delete()
    delete_afterwards(rows)


@transaction.atomic
def discard(draft: Dossier) -> None:
    """Throw a draft away with its files; `Dossier.DoesNotExist` when it was filed meanwhile."""
    locked = Dossier.objects.select_for_update().get(pk=draft.pk, state=Dossier.State.DRAFT)
    files = list(locked.attachments.all())
    locked.delete()
    delete_afterwards(files)


def delete_afterwards(rows: Iterable[Attachment | Bundle | KeptPaper | Result]) -> None:
    """Delete the files when their rows are gone for good: a rollback must not lose them."""
    for row in rows:
        if not row.file:
            continue
        transaction.on_commit(partial(row.file.storage.delete, row.file.name))
