"""A file that somebody sent, on its way to be kept: what is taken, and what is made of it.

The type is found from the content alone. Photos are taken upright, shrunk, and without what the
camera wrote about the place; PDF and DOCX as they are, because a changed byte breaks a
signature. Nothing is opened in this process (`procedures.bounded`).
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, NamedTuple

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from dossiers import scanning, throttling
from procedures import bounded
from procedures.text import normalise

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

MB = 1024 * 1024
MAX_PAGES = 500
MAX_MEGAPIXELS = 40
AT_ONCE = 2  # files of one person that are opened side by side
_AT_MOST_SECONDS = 120
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

# What a chooser of files offers; what comes is judged by its content all the same.
ACCEPT = f"image/jpeg,image/png,image/heic,image/heif,image/webp,application/pdf,.docx,{DOCX}"


class NotNow(ValidationError):
    """The file may be good, but it could not be looked at; the same again, later, may do."""


class Kind(NamedTuple):
    """How a kind of file is opened, and as what it is kept."""

    program: str
    what: str
    media_type: str
    extension: str


def _photo(what: str) -> Kind:
    return Kind("dossiers.opening.pictures", what, "image/jpeg", ".jpg")


# What a file must begin with: the same further in makes a polyglot, and is refused.
_KINDS = (
    (re.compile(rb"%PDF-"), Kind("dossiers.opening.pdfs", "look", "application/pdf", ".pdf")),
    (re.compile(rb"\xff\xd8\xff"), _photo("jpeg")),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), _photo("png")),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), _photo("webp")),
    (re.compile(rb"\0\0..ftyp(hei[cxms]|hev[cx]|m[is]f1)", re.DOTALL), _photo("heic")),
    (
        re.compile(rb"PK\x03\x04|\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        Kind("dossiers.opening.words", "look", DOCX, ".docx"),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Taken:
    """What is kept of a file that was sent; `content` is open and stands at its beginning.

    `sha256` and `size` (bytes) are those of the content, `sent_sha256` of what came; `flaws`
    are values of `Attachment.Flaw`.
    """

    content: File
    name: str
    media_type: str
    extension: str
    size: int
    sha256: str
    sent_sha256: str
    pages: int
    flaws: list[str]


@contextlib.contextmanager
def taken_from(by: User, file: UploadedFile) -> Iterator[Taken]:
    """`taken()` as one person's share: so much in a day, so many at once.

    Each request that waits for a file to be opened holds a thread, and there are few.
    """
    name = f"opening:{by.pk}"
    with throttling.place(name, most=AT_ONCE, seconds=_AT_MOST_SECONDS) as is_free:
        if not is_free:
            raise NotNow(_("Các tệp gửi trước đang được kiểm tra. Xin thử lại sau ít giây."))
        spend(by, file.size)
        with taken(file) as one:
            yield one


@contextlib.contextmanager
def taken(file: UploadedFile) -> Iterator[Taken]:
    """What is to be kept of an upload; `ValidationError` says what to do instead.

    Takes JPEG, PNG, HEIC and WEBP, PDF and DOCX, up to `MAX_UPLOAD_MB` MB. Raises `NotNow` where
    the scanner does not answer or too many files are being opened.
    """
    check_size(file)
    file.seek(0)
    kind = _kind_of(file.read(16))
    _scan(file)
    with tempfile.TemporaryFile() as written:
        said = _open(kind, file, written)
        if "fault" in said:
            raise _refusal(kind, said["fault"])
        is_photo = kind.media_type == "image/jpeg"
        content = File(written if is_photo else file)
        sent = sha256_of(file)
        yield Taken(
            content=content,
            name=clean_name(file.name or "", kind.extension),
            media_type=kind.media_type,
            extension=kind.extension,
            size=content.size,
            sha256=sha256_of(content) if is_photo else sent,
            sent_sha256=sent,
            pages=said.get("pages", 1),
            flaws=said.get("flaws", []),
        )


def check_size(file: UploadedFile) -> None:
    """Refuse an empty file and one that is too large."""
    if not file.size:
        raise ValidationError(_("Tệp trống; có thể tệp chưa tải xong. Hãy chọn lại tệp."))
    if file.size > settings.MAX_UPLOAD_MB * MB:
        raise ValidationError(
            _("Tệp nặng %(size)s; mỗi tệp tối đa %(most)d MB. Hãy chụp lại ở cỡ nhỏ hơn.")
            % {"size": size_text(file.size), "most": settings.MAX_UPLOAD_MB}
        )


def _kind_of(head: bytes) -> Kind:
    for signature, kind in _KINDS:
        if signature.match(head):
            return kind
    raise ValidationError(_nothing_else())


def limits() -> str:
    """What is taken, said before anything is chosen."""
    kinds = _("Ảnh (JPG, PNG, HEIC, WEBP), tệp PDF hoặc Word (DOCX).")
    most = _("Mỗi tệp tối đa %(most)d MB.") % {"most": settings.MAX_UPLOAD_MB}
    return f"{kinds} {most}"


def _nothing_else() -> str:
    return _(
        "Chỉ nhận ảnh (JPG, PNG, HEIC, WEBP), tệp PDF hoặc Word (DOCX). "
        "Hãy chụp ảnh giấy tờ rồi gửi."
    )


def _scan(file: UploadedFile) -> None:
    try:
        scanning.scan(file)
    except scanning.Infected:
        raise ValidationError(
            _("Phần mềm diệt vi-rút nhận ra mã độc trong tệp này nên tệp không được nhận. "
              "Hãy chụp ảnh giấy tờ rồi gửi.")
        ) from None  # fmt: skip
    except scanning.NotScanned:
        raise NotNow(
            _("Chưa kiểm tra được vi-rút nên tệp chưa được nhận. Xin thử lại sau ít phút.")
        ) from None


def _open(kind: Kind, file: UploadedFile, written: IO[bytes]) -> dict:
    if hasattr(file, "temporary_file_path"):
        # Opened anew: the process moves in the file as it reads.
        with open(file.temporary_file_path(), "rb") as source:
            return bounded.ask(kind.program, kind.what, source, written)
    file.seek(0)
    return bounded.ask(kind.program, kind.what, file.read(), written)


def _refusal(kind: Kind, fault: str) -> ValidationError:
    """What to say of a fault, a word of `dossiers.opening` or `procedures.bounded`."""
    if fault == "busy":
        return NotNow(_("Hệ thống đang bận nên tệp chưa được nhận. Xin thử lại sau ít phút."))
    words = {
        ".jpg": {
            "large": _("Ảnh quá lớn; hãy chụp lại ở cỡ nhỏ hơn %(most)d triệu điểm ảnh.")
            % {"most": MAX_MEGAPIXELS},
            "broken": _("Ảnh bị hỏng, không mở được. Hãy chụp lại."),
        },
        ".pdf": {
            "encrypted": _("Tệp PDF có mật khẩu; hãy bỏ mật khẩu hoặc chụp ảnh giấy tờ."),
            "pages": _("Tệp PDF phải có từ 1 đến %(most)d trang.") % {"most": MAX_PAGES},
            "runs": _("Tệp PDF có chứa lệnh tự chạy. Hãy chụp ảnh giấy tờ rồi gửi."),
            "carries": _("Tệp PDF có kèm tệp khác hoặc biểu mẫu động bên trong. "
                         "Hãy in ra PDF mới hoặc chụp ảnh giấy tờ rồi gửi."),
            "broken": _("Tệp PDF bị hỏng, không mở được. Hãy chọn tệp khác."),
        },
        ".docx": {
            "encrypted": _("Tệp Word có mật khẩu; hãy bỏ mật khẩu hoặc chụp ảnh giấy tờ."),
            "old": _("Tệp Word kiểu cũ (.doc) không nhận được; hãy lưu thành DOCX hoặc PDF."),
            "runs": _("Tệp Word có chứa macro hoặc đối tượng nhúng. Hãy lưu thành PDF rồi gửi."),
            "outside": _("Tệp Word lấy thêm nội dung từ nơi khác khi mở. "
                         "Hãy lưu thành PDF rồi gửi."),
            "bomb": _("Tệp Word giải nén ra quá lớn. Hãy lưu thành PDF rồi gửi."),
            "broken": _("Tệp Word bị hỏng, không mở được. Hãy chọn tệp khác."),
            "other": _nothing_else(),
        },
    }[kind.extension]  # fmt: skip
    words |= {
        "archive": _("Tệp này có kèm một tệp nén bên trong. Hãy chụp ảnh giấy tờ."),
        "foreign": _("Tệp này có thêm nội dung lạ ngoài giấy tờ. Hãy chụp ảnh giấy tờ rồi gửi."),
    }
    return ValidationError(words.get(fault, words["broken"]))


def spend(by: User, size: int) -> None:
    """Count what a person sends today (bytes); raises past `MAX_UPLOAD_MB_A_DAY`.

    Counted whether it is kept or not: opening files is what costs.
    """
    total = throttling.count_today(f"uploads:{by.pk}", size)
    if total > settings.MAX_UPLOAD_MB_A_DAY * MB:
        raise ValidationError(
            _("Hôm nay ông/bà đã gửi quá %(most)d MB; xin gửi tiếp vào ngày mai.")
            % {"most": settings.MAX_UPLOAD_MB_A_DAY}
        )


def clean_name(name: str, extension: str) -> str:
    """A name to show: one line, at most 100 characters, with the extension of the content."""
    stem = re.split(r"[/\\]", normalise(name))[-1].rsplit(".", 1)[0]
    stem = re.sub(r'[\s<>:"|?*]+', " ", stem).strip(" .")
    return f"{stem[:100] or 'giay-to'}{extension}"


def sha256_of(file: File) -> str:
    """SHA-256 (hex) of a file, read in pieces; it stands at its beginning afterwards."""
    file.seek(0)
    digest = hashlib.sha256()
    for piece in file.chunks():
        digest.update(piece)
    file.seek(0)
    return digest.hexdigest()


def size_text(size: int) -> str:
    """`850 KB`, `1,2 MB`."""
    if size < MB:
        return f"{max(1, round(size / 1024))} KB"
    return f"{size / MB:.1f} MB".replace(".", ",")
