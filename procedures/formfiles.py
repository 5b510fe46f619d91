"""The forms that a procedure offers to take home: ours, and the ministries' originals."""

from __future__ import annotations

import hashlib
import io
import re
import uuid
import zipfile
from typing import Any, NamedTuple

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _

from procedures.formspec import pdfvalues
from procedures.formspec.paperform import printed_papers
from procedures.models import FormFile, Procedure, Revision
from procedures.text import fold


class FileKind(NamedTuple):
    """A kind of file that is offered: its media type, its extension, and what people call it."""

    media_type: str
    extension: str
    name: str


_OFFICE = "application/vnd.openxmlformats-officedocument"
PDF = FileKind("application/pdf", ".pdf", "PDF")
DOC = FileKind("application/msword", ".doc", "Word")
DOCX = FileKind(f"{_OFFICE}.wordprocessingml.document", ".docx", "Word")
XLS = FileKind("application/vnd.ms-excel", ".xls", "Excel")
XLSX = FileKind(f"{_OFFICE}.spreadsheetml.sheet", ".xlsx", "Excel")
ODT = FileKind("application/vnd.oasis.opendocument.text", ".odt", "Writer")
KINDS = {kind.media_type: kind for kind in (PDF, DOC, DOCX, XLS, XLSX, ODT)}

# Old Office files begin alike; the name of the stream inside tells them apart.
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_STREAMS = {"WordDocument": DOC, "Workbook": XLS, "Book": XLS}
_ZIP_MEMBERS = {"word/document.xml": DOCX, "xl/workbook.xml": XLSX}
_MOST_MEMBERS = 2000


def forms_for(procedure: Procedure, revision: Revision) -> dict[str, Any]:
    """What `procedures/_forms.html` shows as `forms`, with one query for the files.

    `pdf` and `docx` (addresses of our blank form, "" where there is none), `printed` (rows
    with `name`, `pdf`, `docx`: papers made from one section), `files` (rows with `title`,
    `url`, `kind`, `size`, `source`).
    """
    code = procedure.code
    has_blank = revision.has_form and revision.service_level >= 2
    return {
        "pdf": reverse("procedures:blank_form", args=[code]) if has_blank else "",
        "docx": reverse("procedures:blank_docx", args=[code]) if has_blank else "",
        "printed": [
            {
                "name": row["name"],
                "pdf": reverse("procedures:printed_paper", args=[code, row["id"], "pdf"]),
                "docx": reverse("procedures:printed_paper", args=[code, row["id"], "docx"]),
            }
            for row in (printed_papers(revision) if has_blank else [])
        ],
        "files": [
            {
                "title": row.title,
                "url": file_url(row, code),
                "kind": KINDS[row.content_type].name if row.content_type in KINDS else "",
                "size": row.size,
                "source": row.source,
            }
            for row in procedure.form_files.all()
            if row.is_active
        ],
    }


def file_url(row: FormFile, code: str) -> str:
    """Where an original form is downloaded."""
    return reverse("procedures:form_file", args=[code, row.pk, file_name(row)])


def file_name(row: FormFile) -> str:
    """The name of the download: that of the form, with the extension of its content."""
    stem = slugify(fold(row.title))[:80] or "mau"
    kind = KINDS.get(row.content_type)
    return f"{stem}{kind.extension}" if kind else stem


def kind_of(file: UploadedFile) -> FileKind:
    """What a file is by its content alone; `ValidationError` says what is taken instead.

    Nothing is unpacked here: a PDF is opened in a process with limits, and of Office files
    only the list of parts is read. Files that bring macros are refused.
    """
    if not file.size:
        raise ValidationError(_("Tệp trống; có thể tệp chưa tải xong. Hãy chọn lại tệp."))
    if file.size > settings.MAX_UPLOAD_MB * 1024 * 1024:
        raise ValidationError(
            _("Tệp nặng %(size).1f MB; mỗi tệp mẫu tối đa %(most)d MB.")
            % {"size": file.size / 1024 / 1024, "most": settings.MAX_UPLOAD_MB}
        )
    file.seek(0)
    content = file.read()
    file.seek(0)
    kind = _kind_of(content)
    if kind is None:
        raise ValidationError(
            _("Chỉ nhận tệp PDF, Word (doc, docx), Excel (xls, xlsx) hoặc Writer (odt).")
        )
    return kind


def _kind_of(content: bytes) -> FileKind | None:
    if content.startswith(b"%PDF-"):
        return PDF if pdfvalues.ask(content, "pages").get("pages") else None
    if content.startswith(_OLE):
        return _ole_kind(content)
    return _zip_kind(content) if content.startswith(b"PK\x03\x04") else None


def _ole_kind(content: bytes) -> FileKind | None:
    if "_VBA_PROJECT".encode("utf-16-le") in content:
        raise ValidationError(_with_macros())
    streams = (
        (content.find(name.encode("utf-16-le") + b"\x00\x00"), kind)
        for name, kind in _OLE_STREAMS.items()
    )
    return next((kind for place, kind in streams if place >= 0), None)


def _zip_kind(content: bytes) -> FileKind | None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError):
        return None
    if len(names) > _MOST_MEMBERS:
        return None
    if any(re.search(r"vbaproject\.bin$|^basic/", name.lower()) for name in names):
        raise ValidationError(_with_macros())
    if content[30:77] == b"mimetype" + ODT.media_type.encode():
        return ODT
    return next((kind for name, kind in _ZIP_MEMBERS.items() if name in names), None)


def _with_macros() -> str:
    return _("Tệp có chứa lệnh tự chạy (macro). Hãy lưu lại thành tệp không có macro.")


class FormFileForm(forms.ModelForm):
    """An original form with its file, checked; for the officials' site."""

    class Meta:
        model = FormFile
        fields = ("title", "file", "source", "position", "is_active")
        # The usual widget links to the file, and files here have no address of their own.
        widgets = {"file": forms.FileInput}

    def clean_file(self) -> Any:
        """Take the file by its content, under a name of our own."""
        file = self.cleaned_data["file"]
        if not isinstance(file, UploadedFile):
            return file
        kind = kind_of(file)
        self.instance.content_type = kind.media_type
        self.instance.size = file.size
        self.instance.sha256 = hashlib.sha256(file.read()).hexdigest()
        file.seek(0)
        file.name = f"{uuid.uuid4().hex}{kind.extension}"
        return file
