"""A document that an officer drafted outside: whether it may be signed here, and what it says.

Runs in a bounded process, after `dossiers.opening.pdfs` found nothing in it that runs.
"""

from __future__ import annotations

from typing import IO, Any

from dossiers.opening.pdfs import opened
from procedures.bounded import Fault

MAX_TEXT = 200_000


def look(source: IO[bytes], target: IO[bytes]) -> dict[str, Any]:
    """`pages` and `text` of a PDF; raises `Fault`: `signed`, `form`, or those of `opened()`."""
    import pypdfium2

    content = source.read()
    with opened(content) as pdf:
        form = pdf.Root.get("/AcroForm", {})
        if int(form.get("/SigFlags", 0)) & 1 or b"/ByteRange" in content:
            raise Fault("signed")
        if len(form.get("/Fields", [])):
            raise Fault("form")
    document = pypdfium2.PdfDocument(content)
    texts, size = [], 0
    for page in document:
        texts.append(page.get_textpage().get_text_bounded())
        size += len(texts[-1])
        if size > MAX_TEXT:
            break
    return {"pages": len(document), "text": "\n".join(texts)[:MAX_TEXT]}


READERS = {"look": look}
