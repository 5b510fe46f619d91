"""Signing by USB token: the PDFs go out as they were approved, and come back signed.

The token never leaves its owner's computer. What comes back must be, byte for byte, the file
that went out with one signature behind it, made with the approver's registered certificate.
"""

from __future__ import annotations

import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import resultsigning, signing
from dossiers.models import Result, SignerCertificate

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

MB = 1024 * 1024
MOST = 50
MAX_ENTRIES = 200
MAX_TOTAL = 200 * MB
# The token follows the code, behind a point; signing programs add to the end of a name.
_NAME = re.compile(r"\.([A-Za-z0-9_-]{22})")
# Each way of packing says in its own way that it cannot be unpacked.
_BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, ValueError, OSError,
    EOFError,
)  # fmt: skip


class NotTaken(Exception):
    """A file that cannot be taken; the message says why."""


@dataclass(frozen=True)
class Outcome:
    """What became of one file that was sent."""

    name: str
    text: str
    is_done: bool = False


def waiting_for(user: User) -> QuerySet[Result]:
    """What a person approved, and chose to sign with their token, and did not yet."""
    return (
        Result.objects.filter(
            approved_by=user,
            signing=Result.Signing.TOKEN,
            approver_signed="",
            signed_at=None,
        )
        .select_related("dossier__revision", "dossier__owner")
        .order_by("pk")
    )


def file_name(result: Result) -> str:
    """`000.00.61.H50-261124-0001.<token>.pdf`; the token says whose it is when it comes back."""
    return f"{result.dossier.code}.{result.token}.pdf"


def archive(rows: Iterable[Result]) -> bytes:
    """A ZIP of the PDFs exactly as they were approved."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as bundle:
        for row in rows:
            bundle.writestr(file_name(row), resultsigning.content(row.unsigned))
    return written.getvalue()


# --- What comes back --------------------------------------------------------------------


def take_all(files: Iterable[UploadedFile], *, by: User) -> list[Outcome]:
    """Take the signed files of an upload, PDFs or ZIPs; each is told what became of it."""
    outcomes: list[Outcome] = []
    for name, content in _unpacked(files):
        if isinstance(content, str):
            outcomes.append(Outcome(name, content))
            continue
        try:
            take(name, content, by=by)
        except NotTaken as reason:
            outcomes.append(Outcome(name, str(reason)))
        else:
            outcomes.append(Outcome(name, _("Đã nhận; cơ quan đang đóng dấu số."), is_done=True))
    return outcomes


def _unpacked(files: Iterable[UploadedFile]) -> Iterator[tuple[str, bytes | str]]:
    """Name and content of each PDF; in place of a content, why there is none."""
    left, most = MAX_TOTAL, settings.MAX_UPLOAD_MB * MB
    for file in list(files)[:MAX_ENTRIES]:
        name = file.name or ""
        if file.size > most:
            yield name, _too_large()
            continue
        content = file.read()
        if not content.startswith(b"PK"):
            yield name, content
            continue
        for inner, unpacked in _inside(content, left):
            if isinstance(unpacked, bytes):
                left -= len(unpacked)
            yield inner or name, unpacked


def _inside(content: bytes, left: int) -> Iterator[tuple[str, bytes | str]]:
    """The files of a ZIP, never more than `left` bytes of them, whatever it says of itself."""
    broken = _("Tệp ZIP bị hỏng, không mở được.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as bundle:
            entries = [one for one in bundle.infolist() if not one.is_dir()]
            if len(entries) > MAX_ENTRIES:
                yield "", _("Tệp ZIP có quá %(most)d tệp.") % {"most": MAX_ENTRIES}
                return
            for entry in entries:
                name = entry.filename.rsplit("/", 1)[-1]
                if entry.flag_bits & 1:
                    yield name, _("Tệp ZIP có mật khẩu; hãy nén lại không mật khẩu.")
                    continue
                most = min(left, settings.MAX_UPLOAD_MB * MB)
                with bundle.open(entry) as opened:
                    unpacked = opened.read(most + 1)
                if len(unpacked) > most:
                    yield name, _too_large()
                    return
                left -= len(unpacked)
                yield name, unpacked
    except _BROKEN:
        yield "", broken


def _too_large() -> str:
    return _("Tệp quá lớn nên không nhận.")


def take(name: str, content: bytes, *, by: User) -> Result:
    """Take one signed file as the approver's signature, and have it sealed; `NotTaken`."""
    result = _result_of(name, by)
    if not result.unsigned:
        raise NotTaken(_("Cổng chưa lập xong văn bản này; xin tải lại sau ít phút."))
    signature = _checked(content, resultsigning.content(result.unsigned))
    _check_certificate(signature, by)
    with transaction.atomic():
        locked = Result.objects.select_for_update().get(pk=result.pk)
        _check_waits(locked)
        locked.approver_signed.save(f"{result.token}-ky.pdf", ContentFile(content), save=False)
        locked.approver_signed_at = signature.signed_at or timezone.now()
        locked.failure, locked.failed_at = "", None
        locked.save(update_fields=["approver_signed", "approver_signed_at", "failure", "failed_at"])
        resultsigning.finish_later(locked)
    return locked


def _result_of(name: str, by: User) -> Result:
    token = _NAME.search(name)
    if token is None:
        raise NotTaken(_("Tên tệp không có mã kết quả; hãy giữ nguyên tên tệp đã tải về."))
    own = Result.objects.filter(approved_by=by, signing=Result.Signing.TOKEN)
    result = own.filter(token=token[1]).select_related("dossier").first()
    if result is None:
        raise NotTaken(_("Kết quả này không chờ chữ ký của ông/bà."))
    _check_waits(result)
    return result


def _check_waits(result: Result) -> None:
    if result.approver_signed or result.signed_at:
        raise NotTaken(_("Kết quả này đã được ký rồi; không có gì thay đổi."))


def _checked(content: bytes, unsigned: bytes) -> signing.Signature:
    """The one signature behind the very file that went out."""
    if not content.startswith(b"%PDF-"):
        raise NotTaken(_("Đây không phải tệp PDF."))
    if not content.startswith(unsigned):
        raise NotTaken(_("Không phải bản PDF mà cổng đã giao: nội dung đã bị sửa hoặc lưu lại."))
    if len(content) == len(unsigned):
        raise NotTaken(_("Tệp này chưa được ký."))
    verdict = signing.check(content)
    if not verdict.is_signed:
        raise NotTaken(_("Tệp có thêm nội dung nhưng không có chữ ký số."))
    if not verdict.covers_whole_file:
        raise NotTaken(_("Có nội dung được thêm sau chữ ký."))
    if not verdict.is_intact:
        raise NotTaken(_("Chữ ký số trong tệp không hợp lệ."))
    if not signing.only_adds_a_signature(content, unsigned):
        raise NotTaken(
            _(
                "Ngoài một chữ ký, tệp còn thay đổi khác, hoặc hình chữ ký nằm ngoài ô dành cho "
                "người ký; hãy ký lại đúng ô hoặc ký không kèm hình."
            )
        )
    return verdict.signatures[-1]


def _check_certificate(signature: signing.Signature, by: User) -> None:
    row = SignerCertificate.objects.filter(fingerprint=signature.fingerprint, user=by).first()
    if row is None:
        raise NotTaken(
            _("Chứng thư đã ký không phải chứng thư của ông/bà đăng ký trên cổng: %(name)s.")
            % {"name": signature.name}
        )
    if row.revoked_at:
        raise NotTaken(_("Chứng thư đã ký đã thôi dùng trên cổng."))
    now = timezone.now()
    if not row.valid_from <= now <= row.valid_until or not signature.has_good_certificate:
        raise NotTaken(_("Chứng thư đã ký đã hết hạn hoặc chưa có hiệu lực."))
