"""Files as people send them, good and bad, made when a test needs them."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any

import pikepdf
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw, ImageFilter, ImageFont

_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_MAIN = f"{_WORD}.document.main+xml"
_NAMESPACE = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def upload(content: bytes, name: str = "giấy tờ.pdf") -> SimpleUploadedFile:
    """What a browser sends; the type it states is never believed."""
    return SimpleUploadedFile(name, content, content_type="application/pdf")


def pdf(pages: int = 1, change: Any = None, **saving: Any) -> bytes:
    """A PDF of empty pages; `change(document)` may put something into it."""
    file = io.BytesIO()
    with pikepdf.new() as document:
        for _page in range(pages):
            document.add_blank_page()
        if change:
            change(document)
        # The same file each time, where that can be.
        document.save(file, **({} if saving else {"deterministic_id": True}), **saving)
    return file.getvalue()


def zipped(name: str = "x.exe", content: bytes = b"MZ") -> bytes:
    """An archive of one file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def docx(
    body: str = "<w:p><w:r><w:t>Đơn</w:t></w:r></w:p>",
    *,
    links: str = "",
    main: str = _MAIN,
    **parts: bytes,
) -> bytes:
    """A Word file; `links` are further relations, `parts` further members (`__` for `/`)."""
    members = {
        "[Content_Types].xml": (
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            f'<Override PartName="/word/document.xml" ContentType="{main}"/></Types>'
        ),
        "_rels/.rels": f'<Relationships><Relationship Id="a" Type="{_RELATIONS}/officeDocument" '
        'Target="word/document.xml"/></Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{_NAMESPACE}"><w:body>{body}</w:body>'
        "</w:document>",
        "word/_rels/document.xml.rels": f"<Relationships>{links}</Relationships>",
        **{name.replace("__", "/"): content for name, content in parts.items()},
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def link(kind: str, target: str = "https://example.org/x", mode: str = "External") -> str:
    """One relation of a Word file to something outside."""
    return (
        f'<Relationship Id="b" Type="{_RELATIONS}/{kind}" Target="{target}" TargetMode="{mode}"/>'
    )


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header promises a size that its data does not have."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body + chunk(b"IEND", b"")


def saved(picture: Image.Image, kind: str = "JPEG", **saving: Any) -> bytes:
    """A picture as a file."""
    file = io.BytesIO()
    picture.save(file, kind, **saving)
    return file.getvalue()


def page(
    *, blur: float = 0, light: float = 1.0, size: tuple[int, int] = (1500, 2000)
) -> Image.Image:
    """What a photo of a printed page on a table looks like, with a little grain."""
    width, height = size
    picture = Image.new("L", size, 70)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((width // 14, height // 16, width * 13 // 14, height * 15 // 16), fill=225)
    font = ImageFont.load_default(height // 90)
    for line in range(40):
        words = ("cộng hòa xã hội chủ nghĩa " * 3)[line % 5 :][:60]
        draw.text((width // 8, height // 10 + line * height // 52), words, font=font, fill=30)
    picture = picture.filter(ImageFilter.GaussianBlur(0.6 + blur))
    grain = Image.effect_noise(size, 8)
    return Image.blend(picture.point(lambda value: value * light), grain, 0.05).convert("RGB")
