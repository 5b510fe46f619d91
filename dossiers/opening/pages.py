"""The pages of what people sent, drawn as pictures for the officials' preview.

Runs in a bounded process. Nothing of a PDF is run: pdfium draws, without its scripts.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from typing import IO, Any

from PIL import Image

MAX_WIDTH, MAX_HEIGHT = 1400, 2400
QUALITY = 75
# Of the ten seconds that the process has; what is left over is asked for once more.
_ENOUGH_SECONDS = 4


def draw(source: IO[bytes], target: IO[bytes]) -> dict[str, Any]:
    """Write one JPEG after another; `pages`: `[place, number, width, height, size]` of each.

    The source is one line of JSON, `[[kind, size, first, count], …]` with `jpeg` or `pdf`,
    and then the files one after another; pages are counted from 1. One that cannot be drawn
    has the size 0. It stops when it has worked long enough, after one page at the least.
    """
    files, pages = json.loads(source.readline()), []
    for place, (kind, size, first, count) in enumerate(files):
        content = source.read(size)
        for number, picture in _PICTURES[kind](content, first, count):
            pages.append([place, number, *_written(picture, target)])
            if time.process_time() > _ENOUGH_SECONDS:
                return {"pages": pages}
    return {"pages": pages}


def _written(picture: Image.Image | None, target: IO[bytes]) -> tuple[int, int, int]:
    if picture is None:
        return 0, 0, 0
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=QUALITY)
    target.write(content.getvalue())
    return picture.width, picture.height, content.tell()


def _of_pdf(content: bytes, first: int, count: int) -> Iterator[tuple[int, Image.Image | None]]:
    import pypdfium2

    numbers = range(first, first + count)
    try:
        pdf = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError:
        yield from ((number, None) for number in numbers)
        return
    for number in numbers:
        yield number, _drawn(pdf, number)


def _drawn(pdf: Any, number: int) -> Image.Image | None:
    try:
        page = pdf[number - 1]
        width, height = page.get_size()
        scale = min(MAX_WIDTH / width, MAX_HEIGHT / height)
        return page.render(scale=scale).to_pil().convert("RGB")
    except Exception:
        # One page of a file may be broken; the others are drawn all the same.
        return None


def _of_photo(content: bytes, first: int, _count: int) -> Iterator[tuple[int, Image.Image | None]]:
    try:
        picture = Image.open(io.BytesIO(content), formats=["JPEG"])
        picture.thumbnail((MAX_WIDTH, MAX_HEIGHT), reducing_gap=2.0)
    except (OSError, Image.DecompressionBombError):
        yield first, None
        return
    yield first, picture.convert("L" if picture.mode == "L" else "RGB")


_PICTURES = {"pdf": _of_pdf, "jpeg": _of_photo}

READERS = {"draw": draw}
