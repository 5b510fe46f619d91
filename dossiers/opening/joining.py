"""The photos and PDFs of one paper, joined into one PDF on A4.

Runs in a bounded process. Photos are put in as they are; pages of a PDF stay as they are.
"""

from __future__ import annotations

import io
import json
from typing import IO, Any

import pikepdf
from PIL import Image

from dossiers.opening.pdfs import opened
from procedures.bounded import Fault

_A4 = (595.276, 841.89)  # points
_MARGIN = 18
MAX_PAGES = 1000


def join(source: IO[bytes], target: IO[bytes]) -> dict[str, Any]:
    """Write one PDF; `pages` in all, and `apart`: the places of PDFs that are signed or broken.

    The source is one line of JSON, `[[kind, size], …]` with `jpeg` or `pdf`, and then the
    files one after another. A signed PDF stays apart: its pages elsewhere would prove nothing.
    Raises `Fault`: `nothing` where fewer than two files or no photo could be joined.
    """
    files = json.loads(source.readline())
    apart, photos, parts = [], 0, []
    with pikepdf.new() as joined:
        for place, (kind, size) in enumerate(files):
            content = source.read(size)
            if kind == "jpeg":
                _add_photo(joined, content)
                photos += 1
                continue
            part = _unsigned(content)
            if part is None or len(joined.pages) + len(part.pages) > MAX_PAGES:
                apart.append(place)
                continue
            parts.append(part)  # pages are read when all is saved
            joined.pages.extend(part.pages)
        if not photos and len(parts) < 2:
            raise Fault("nothing")
        joined.save(target)
        return {"pages": len(joined.pages), "apart": apart}


def _unsigned(content: bytes) -> pikepdf.Pdf | None:
    try:
        pdf = opened(content)
    except Fault:
        return None
    form = pdf.Root.get("/AcroForm", {})
    is_signed = int(form.get("/SigFlags", 0)) & 1 or b"/ByteRange" in content
    return None if is_signed else pdf


def _add_photo(joined: pikepdf.Pdf, content: bytes) -> None:
    with Image.open(io.BytesIO(content), formats=["JPEG"]) as photo:
        width, height, mode = photo.width, photo.height, photo.mode
    page_width, page_height = _A4 if height >= width else _A4[::-1]
    scale = min((page_width - 2 * _MARGIN) / width, (page_height - 2 * _MARGIN) / height)
    across, down = width * scale, height * scale
    image = pikepdf.Stream(
        joined, content,
        Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image, Width=width, Height=height,
        ColorSpace=pikepdf.Name.DeviceGray if mode == "L" else pikepdf.Name.DeviceRGB,
        BitsPerComponent=8, Filter=pikepdf.Name.DCTDecode,
    )  # fmt: skip
    joined.add_blank_page(page_size=(page_width, page_height))
    page = joined.pages[-1]
    left, bottom = (page_width - across) / 2, (page_height - down) / 2
    drawing = f"q {across:.2f} 0 0 {down:.2f} {left:.2f} {bottom:.2f} cm /Photo Do Q"
    page.obj.Contents = joined.make_stream(drawing.encode())
    page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Photo=image))


READERS = {"join": join}
