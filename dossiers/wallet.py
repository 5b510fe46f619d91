"""A person's wallet of papers: given once, used again in later dossiers.

Using a paper copies its file, so that neither a dossier that was filed nor the wallet
changes when the other does.
"""

from __future__ import annotations

import contextlib
import datetime
import uuid
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import attachments, intake, notices
from dossiers.intake import Taken
from dossiers.models import Attachment, Dossier, KeptPaper

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

MAX_PAPERS = 50
WARN_BEFORE = datetime.timedelta(days=30)
_WARN_AT_MOST = 200  # in one run


def add(
    owner: User, file: UploadedFile, *, title: str, expires_on: datetime.date | None
) -> KeptPaper:
    """Check a file that was sent and keep it; raises `ValidationError`."""
    intake.check_size(file)
    _check_room(owner)
    with intake.taken_from(owner, file) as one:
        return _store(owner, one, title=title, expires_on=expires_on)


def add_attached(
    owner: User, attachment: Attachment, *, title: str, expires_on: datetime.date | None
) -> KeptPaper:
    """Keep a copy of a file that the person attached to a dossier; raises `ValidationError`."""
    _check_room(owner)
    with _copy_of(attachment) as one:
        return _store(owner, one, title=title, expires_on=expires_on)


def use(paper: KeptPaper, dossier: Dossier, document: str, *, max_files: int) -> Attachment:
    """Attach a copy of a kept paper; raises `ValidationError`, also for one that has expired."""
    if paper.is_expired:
        raise ValidationError(
            _("Giấy tờ “%(title)s” đã hết hạn ngày %(day)s nên không dùng được nữa.")
            % {"title": paper.title, "day": f"{paper.expires_on:%d/%m/%Y}"}
        )
    with _copy_of(paper) as one:
        return attachments.keep(dossier, document, one, by=paper.owner, max_files=max_files)


@contextlib.contextmanager
def _copy_of(row: Attachment | KeptPaper):
    """A stored file as one that was just looked at: that was done when it came."""
    extension = row.file.name[row.file.name.rfind(".") :]
    with row.file.open("rb") as content:
        yield Taken(
            content=File(content), name=row.name, media_type=row.media_type, extension=extension,
            size=row.size, sha256=row.sha256, sent_sha256=row.sha256, pages=row.pages, flaws=[],
        )  # fmt: skip


def _check_room(owner: User) -> None:
    if owner.kept_papers.count() >= MAX_PAPERS:
        raise ValidationError(
            _("Ví giấy tờ giữ tối đa %(most)d giấy; hãy xóa bớt giấy không dùng nữa.")
            % {"most": MAX_PAPERS}
        )


def _store(owner: User, one: Taken, *, title: str, expires_on: datetime.date | None) -> KeptPaper:
    """The row of a kept file; the same file again only gets the new title and day."""
    values = {
        "title": title, "expires_on": expires_on, "name": one.name, "pages": one.pages,
        "media_type": one.media_type, "size": one.size, "expiry_warned_at": None,
    }  # fmt: skip
    same = owner.kept_papers.filter(sha256=one.sha256)
    if same.update(**values):
        return same.get()
    paper = KeptPaper(owner=owner, sha256=one.sha256, **values)
    paper.file.save(f"{uuid.uuid4().hex}{one.extension}", one.content, save=False)
    try:
        with transaction.atomic():
            paper.save()
    except IntegrityError:
        paper.file.storage.delete(paper.file.name)
        return same.get()
    return paper


@transaction.atomic
def forget(paper: KeptPaper) -> None:
    """Take a paper out of the wallet; dossiers to which it was copied keep their copies."""
    paper.delete()
    attachments.delete_afterwards([paper])


def warn_of_expiry() -> int:
    """Tell owners once, a month before a paper of theirs expires; how many were told."""
    return sum(_warn(pk) for pk in _to_warn().values_list("pk", flat=True)[:_WARN_AT_MOST])


def _to_warn() -> QuerySet[KeptPaper]:
    today = timezone.localdate()
    soon = KeptPaper.objects.filter(expires_on__gte=today, expires_on__lte=today + WARN_BEFORE)
    return soon.filter(expiry_warned_at=None)


@transaction.atomic
def _warn(pk: int) -> bool:
    # Locked and asked again: two of these commands may run side by side.
    locked = _to_warn().select_for_update(of=("self",)).select_related("owner").filter(pk=pk)
    paper = locked.first()
    if paper is None:
        return False
    paper.expiry_warned_at = timezone.now()
    paper.save(update_fields=["expiry_warned_at"])
    values = {"title": paper.title, "day": f"{paper.expires_on:%d/%m/%Y}"}
    notices.write(
        paper.owner, kind="paper_expiry",
        subject=_("Một giấy tờ trong ví sắp hết hạn ngày %(day)s") % values,
        body=_("Giấy tờ “%(title)s” trong ví giấy tờ của ông/bà có giá trị đến hết ngày %(day)s. "
               "Nếu cần dùng tiếp, xin làm thủ tục cấp lại rồi thay tệp trong ví.") % values,
        path=reverse("dossiers:wallet"),
    )  # fmt: skip
    return True
