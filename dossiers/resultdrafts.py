"""A result that the officer drafted outside the portal, on its way to be signed here."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from dossiers import attachments
from procedures import bounded


@dataclass(frozen=True)
class Draft:
    """What such a document says, and on how many pages; `text` is "" for a scan."""

    text: str
    pages: int


def look(file: UploadedFile) -> Draft:
    """The document of an upload that may be signed; `ValidationError` says why another may not.

    Nothing in it may change after it was signed: no script, form, attached file, and no
    signature that ours would break.
    """
    media_type, _extension = attachments.check(file)
    if media_type != "application/pdf":
        raise ValidationError(_("Văn bản trình ký phải là tệp PDF."))
    file.seek(0)
    said = bounded.ask("dossiers.opening.drafts", "look", file.read())
    file.seek(0)
    if fault := said.get("fault"):
        raise ValidationError(_words(fault))
    return Draft(said["text"], said["pages"])


def _words(fault: str) -> str:
    if fault == "signed":
        return _("Văn bản này đã ký số rồi; hãy tải lên bản chưa ký để cổng đóng mã QR và ký.")
    if fault == "form":
        return _("Văn bản còn ô điền (biểu mẫu PDF); hãy in ra PDF mới rồi tải lên.")
    if fault == "busy":
        return _("Hệ thống đang bận nên tệp chưa được nhận. Xin thử lại sau ít phút.")
    return _("Tệp PDF bị hỏng, không mở được. Hãy chọn tệp khác.")
