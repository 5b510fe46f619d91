"""A PDF that was sent: whether it is one that an official may open.

Runs in a bounded process. Streams are never decoded except those that hold objects.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import IO, Any

import pikepdf

from procedures.bounded import Fault

MAX_PAGES = 500
_MAX_DEPTH = 12

_ACTIONS = {
    "/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/Rendition", "/Movie", "/Sound",
    "/RichMediaExecute", "/GoToE", "/GoToR",
}  # fmt: skip
_SHOWS = {"/Movie", "/Sound", "/Screen", "/RichMedia", "/3D"}


def look(source: IO[bytes], target: IO[bytes]) -> dict[str, Any]:
    """`pages` of a PDF that nothing is wrong with. Raises `Fault`:

    `broken`, `encrypted`, `pages` (none, or more than `MAX_PAGES`), `runs` (a script, a
    program, a form that sends itself), `carries` (other files, XFA), `archive` and `foreign` (it
    is something else as well, or something stands behind its end).
    """
    content = source.read()
    if zipfile.is_zipfile(io.BytesIO(content)):
        raise Fault("archive")
    with opened(content) as pdf:
        pages = len(pdf.pages)
        if not 0 < pages <= MAX_PAGES:
            raise Fault("pages")
        for part in _dictionaries(pdf):
            _check(part)
    if content.rpartition(b"%%EOF")[2].strip(b"\0\t\n\f\r "):
        raise Fault("foreign")
    return {"pages": pages}


def opened(content: bytes) -> pikepdf.Pdf:
    """The PDF; raises `Fault`: `encrypted`, `broken`."""
    try:
        return pikepdf.open(io.BytesIO(content))
    except pikepdf.PasswordError:
        raise Fault("encrypted") from None
    except pikepdf.PdfError:
        raise Fault("broken") from None


def _dictionaries(pdf: pikepdf.Pdf) -> Iterator[Any]:
    """Every dictionary, also of streams, wherever it stands: what is linked to nowhere too."""
    yield from _inside(pdf.trailer, 0)
    for one in pdf.objects:
        yield from _inside(one, 0)


def _inside(one: Any, depth: int) -> Iterator[Any]:
    if depth > _MAX_DEPTH:
        raise Fault("broken")
    if isinstance(one, pikepdf.Array):
        parts = list(one)
    elif isinstance(one, pikepdf.Dictionary | pikepdf.Stream):
        yield one
        parts = [value for key, value in one.items() if key != "/Length"]
    else:
        return
    for part in parts:
        # The others are met by themselves.
        if isinstance(part, pikepdf.Object) and not part.is_indirect:
            yield from _inside(part, depth + 1)


def _check(part: Any) -> None:
    if str(part.get("/S")) in _ACTIONS or "/JS" in part or "/AA" in part or "/JavaScript" in part:
        raise Fault("runs")
    if str(part.get("/Subtype")) in _SHOWS:
        raise Fault("runs")
    if "/EmbeddedFiles" in part or "/EF" in part or "/XFA" in part:
        raise Fault("carries")
    if str(part.get("/Subtype")) == "/FileAttachment":
        raise Fault("carries")


READERS = {"look": look}
