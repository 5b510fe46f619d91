"""A photo of a paper: turned upright, shrunk, without what the camera wrote about the place.

Runs in a bounded process. Of a PNG or a WEBP that moves, the first picture is taken.
"""

from __future__ import annotations

import itertools
import warnings
import zipfile
from collections.abc import Iterator
from typing import IO, Any

from PIL import Image, ImageFilter, ImageOps, ImageStat

from procedures.bounded import Fault

LONG_SIDE = 2400  # of a page of A4: 200 dots per inch
MAX_PIXELS = 40_000_000
QUALITY = 85
_FORMATS = {"jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "heic": "HEIF"}

_LEGIBLE_SIDE = 1000
_JUDGED_SIDE = 1200
_TILES = 8
# Of the brightest tenth of a photo, which is its paper.
_LIT = 110
# The least contrast in which there is something to be sharp, and the least sharpness.
_CONTRAST = 9
_SHARP = 0.4


def look(source: IO[bytes], target: IO[bytes], kind: str) -> dict[str, Any]:
    """Write the picture as a JPEG; its `width`, `height` and `flaws` (`Attachment.Flaw`).

    Raises `Fault`: `broken`, `large` (more than `MAX_PIXELS`), `archive` (one is hidden in it).
    """
    if zipfile.is_zipfile(source):
        raise Fault("archive")
    source.seek(0)
    if kind == "heic":
        _learn_heic()
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    try:
        with Image.open(source, formats=[_FORMATS[kind]]) as photo:
            if photo.width * photo.height > MAX_PIXELS:
                raise Fault("large")
            picture = _upright(photo)
    except Image.DecompressionBombError:
        raise Fault("large") from None
    flaws = list(_flaws(picture))
    picture.save(target, "JPEG", quality=QUALITY)
    return {"width": picture.width, "height": picture.height, "flaws": flaws}


def _learn_heic() -> None:
    import pillow_heif

    pillow_heif.options.DECODE_THREADS = 1
    pillow_heif.register_heif_opener(thumbnails=False)


def _upright(photo: Image.Image) -> Image.Image:
    """The picture of a camera as people saw it, in few enough dots, with nothing else in it."""
    photo.draft("RGB", (LONG_SIDE, LONG_SIDE))  # a JPEG is decoded at a half, a quarter, …
    picture = photo
    if photo.mode.startswith("I"):
        picture = photo.convert("I").point(lambda value: value / 256).convert("L")
    elif photo.mode not in {"L", "RGB", "RGBA"}:
        picture = photo.convert("RGBA" if photo.has_transparency_data else "RGB")
    picture.thumbnail((LONG_SIDE, LONG_SIDE), reducing_gap=2.0)
    picture = ImageOps.exif_transpose(picture)
    if picture.mode == "RGBA":
        ground = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(ground, picture).convert("RGB")
    picture.info = {}
    return picture


def _flaws(picture: Image.Image) -> Iterator[str]:
    """What may make a photo of a paper hard to read; advice, so it errs on the good side."""
    if max(picture.size) < _LEGIBLE_SIDE:
        yield "small"
    grey = picture.convert("L")
    grey.thumbnail((_JUDGED_SIDE, _JUDGED_SIDE), reducing_gap=2.0)
    if _brightest_tenth(grey) < _LIT:
        yield "dark"
    sharpness = _sharpness(grey)
    if sharpness is not None and sharpness < _SHARP:
        yield "blurred"


def _brightest_tenth(grey: Image.Image) -> int:
    """From which value of light on (0..255) the brightest tenth of the dots begins."""
    counts, left = grey.histogram(), grey.width * grey.height / 10
    for value in range(255, 0, -1):
        left -= counts[value]
        if left <= 0:
            return value
    return 0


def _sharpness(grey: Image.Image) -> float | None:
    """How quickly light changes where it changes most; None where nothing is to be seen.

    The Laplacian's variance over the grey's own, tile by tile, so that neither weak ink nor
    a large white margin passes for a blur; the grain of a photo, as its quietest tile has it,
    is taken off; the third best tile counts, because a speck is sharp too.
    """
    smooth = grey.filter(ImageFilter.GaussianBlur(1))
    edges = smooth.filter(ImageFilter.Kernel((3, 3), (0, 1, 0, 1, -4, 1, 0, 1, 0), 0.25, 128))
    tiles = [(_spread(edges, box), _spread(smooth, box)) for box in _boxes(grey.size)]
    grain = min(edge for edge, _contrast in tiles)
    found = sorted(
        (edge - grain) / contrast for edge, contrast in tiles if contrast >= _CONTRAST**2
    )
    return found[max(0, len(found) - 3)] if found else None


def _spread(picture: Image.Image, box: tuple[int, int, int, int]) -> float:
    return ImageStat.Stat(picture.crop(box)).var[0]


def _boxes(size: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """The picture cut into tiles; one that is too small for that, in one piece."""
    count = _TILES if min(size) >= 8 * _TILES else 1
    across, down = ([side * step // count for step in range(count + 1)] for side in size)
    return [
        (left, top, right, bottom)
        for left, right in itertools.pairwise(across)
        for top, bottom in itertools.pairwise(down)
    ]


READERS = {kind: lambda source, target, kind=kind: look(source, target, kind) for kind in _FORMATS}
