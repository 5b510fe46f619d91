"""Files that people attach: what is taken, how it is checked, and how it is kept.

The type is found from the content alone; the name that the person gave is text to show.
A file is stored under a name of our own and never changed.
"""

from __future__ import annotations

import hashlib
import re
import uuid
import zipfile
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from dossiers.models import Attachment, Dossier, Result
from procedures.text import normalise

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

MAX_FILES = 20
MAX_TOTAL_MB = 100
MAX_PIXELS = 40_000_000
MAX_PAGES = 500

# What a file must begin with: a signature further in makes a polyglot, and is refused.
_SIGNATURES = (
    (b"%PDF-", "application/pdf", ".pdf"),
    (b"\xff\xd8\xff", "image/jpeg", ".jpg"),
    (b"\x89PNG\r\n\x1a\n", "image/png", ".png"),
)


def check(file: UploadedFile) -> tuple[str, str]:
    """(media type, extension) of an upload; `ValidationError` says what to do instead.

    Takes PDF, JPEG and PNG, up to `MAX_UPLOAD_MB` MB. Pictures are measured by their
    header before anything is decoded; PDFs must open without a password.
    """
    if not file.size:
        raise ValidationError(_("Tệp trống; có thể tệp chưa tải xong. Hãy chọn lại tệp."))
    if file.size > settings.MAX_UPLOAD_MB * 1024 * 1024:
        raise ValidationError(
            _("Tệp nặng %(size).1f MB; mỗi tệp tối đa %(most)d MB. Hãy chụp lại ở cỡ nhỏ hơn.")
            % {"size": file.size / 1024 / 1024, "most": settings.MAX_UPLOAD_MB}
        )
    file.seek(0)
    head = file.read(16)
    for signature, media_type, extension in _SIGNATURES:
        if head.startswith(signature):
            _check_content(file, media_type)
            return media_type, extension
    raise ValidationError(_("Chỉ nhận ảnh JPG, PNG hoặc tệp PDF. Hãy chụp ảnh giấy tờ rồi gửi."))


def _check_content(file: UploadedFile, media_type: str) -> None:
    file.seek(0)
    if media_type == "application/pdf":
        _check_pdf(file)
    else:
        _check_picture(file)
    file.seek(0)
    if zipfile.is_zipfile(file):
        raise ValidationError(_("Tệp này có kèm một tệp nén bên trong. Hãy chụp ảnh giấy tờ."))
    file.seek(0)


def _check_pdf(file: UploadedFile) -> None:
    import pikepdf

    try:
        with pikepdf.open(file) as pdf:
            pages = len(pdf.pages)
            runs = 0 < pages <= MAX_PAGES and _runs_something(pdf)
    except pikepdf.PasswordError:
        raise ValidationError(
            _("Tệp PDF có mật khẩu; hãy bỏ mật khẩu hoặc chụp ảnh giấy tờ.")
        ) from None
    except (pikepdf.PdfError, ValueError, RuntimeError):
        raise ValidationError(_("Tệp PDF bị hỏng, không mở được. Hãy chọn tệp khác.")) from None
    if not 0 < pages <= MAX_PAGES:
        raise ValidationError(_("Tệp PDF phải có từ 1 đến %(most)d trang.") % {"most": MAX_PAGES})
    if runs:
        raise ValidationError(_("Tệp PDF có chứa lệnh tự chạy. Hãy chụp ảnh giấy tờ rồi gửi."))


def _runs_something(pdf: Any) -> bool:
    """Whether a PDF brings a script, or starts a program, when it is opened or clicked."""
    root = pdf.Root
    if "/JavaScript" in root.get("/Names", {}) or "/AA" in root:
        return True
    clickable = [note for page in pdf.pages for note in page.obj.get("/Annots", [])]
    if any("/AA" in part for part in [*(page.obj for page in pdf.pages), *clickable]):
        return True
    actions = [root.get("/OpenAction"), *(note.get("/A") for note in clickable)]
    return any(
        str(action.get("/S")) in {"/JavaScript", "/Launch"}
        for action in actions
        if hasattr(action, "get")
    )


def _check_picture(file: UploadedFile) -> None:
    import warnings

    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(file, formats=["JPEG", "PNG"]) as picture:
                width, height = picture.size
                if width * height <= MAX_PIXELS:
                    picture.verify()
    except Image.DecompressionBombError:
        raise ValidationError(_too_large()) from None
    except (OSError, SyntaxError, ValueError):
        raise ValidationError(_("Ảnh bị hỏng, không mở được. Hãy chụp lại.")) from None
    if width * height > MAX_PIXELS:
        raise ValidationError(_too_large())


def _too_large() -> str:
    return _("Ảnh quá lớn; hãy chụp lại ở cỡ nhỏ hơn 40 triệu điểm ảnh.")


def clean_name(name: str, extension: str) -> str:
    """A name to show: one line, at most 100 characters, with the extension of the content."""
    stem = re.split(r"[/\\]", normalise(name))[-1].rsplit(".", 1)[0]
    stem = re.sub(r'[\s<>:"|?*]+', " ", stem).strip(" .")
    return f"{stem[:100] or 'giay-to'}{extension}"


def store(dossier: Dossier, document: str, file: UploadedFile, *, by: User) -> Attachment:
    """Check an upload and keep it with the dossier; raises `ValidationError`.

    The same content for the same paper twice is one attachment, so a retry adds nothing.
    """
    media_type, extension = check(file)
    attachment = Attachment(
        dossier=dossier,
        document=document,
        name=clean_name(file.name or "", extension),
        media_type=media_type,
        size=file.size,
        sha256=sha256_of(file),
        uploaded_by=by,
    )
    file.seek(0)
    # Before the dossier is locked: an object store can be slow, and nobody should wait for it.
    attachment.file.save(f"{uuid.uuid4().hex}{extension}", file, save=False)
    kept = None
    try:
        kept = _keep(attachment)
    finally:
        if kept is not attachment:
            attachment.file.storage.delete(attachment.file.name)
    return kept


@transaction.atomic
def _keep(attachment: Attachment) -> Attachment:
    """The row of a stored file; the one that is there already for the same content."""
    dossier = attachment.dossier
    _lock_open(dossier, attachment.document)
    same = {"document": attachment.document, "sha256": attachment.sha256}
    if attachment.document == Attachment.MESSAGE:
        same["uploaded_by"] = attachment.uploaded_by  # each side has its own
    existing = dossier.attachments.filter(**same, submitted_at=None).first()
    if existing:
        return existing
    _check_room(dossier, attachment.size)
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


def _check_room(dossier: Dossier, size: int) -> None:
    # What was filed cannot be taken out any more, so it takes no room of a supplement.
    unfiled = dossier.attachments.filter(submitted_at=None)
    if unfiled.count() >= MAX_FILES:
        raise ValidationError(
            _("Mỗi lần nộp tối đa %(most)d tệp; hãy xóa bớt tệp thừa.") % {"most": MAX_FILES}
        )
    total = unfiled.aggregate(total=Sum("size"))["total"] or 0
    if total + size > MAX_TOTAL_MB * 1024 * 1024:
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


def delete_afterwards(rows: Iterable[Attachment | Result]) -> None:
    """Delete the files when their rows are gone for good: a rollback must not lose them."""
    for row in rows:
        if not row.file:
            continue
        transaction.on_commit(partial(row.file.storage.delete, row.file.name))


def sha256_of(file: UploadedFile) -> str:
    """SHA-256 (hex) of a file, read in pieces."""
    file.seek(0)
    digest = hashlib.sha256()
    for piece in file.chunks():
        digest.update(piece)
    return digest.hexdigest()


def size_text(size: int) -> str:
    """`850 KB`, `1,2 MB`."""
    if size < 1024 * 1024:
        return f"{max(1, round(size / 1024))} KB"
    return f"{size / 1024 / 1024:.1f} MB".replace(".", ",")
