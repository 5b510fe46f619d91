"""A PDF that somebody wants to have checked: its signatures, and what in it points to the portal.

Runs in a bounded process. It says what stands in the file; whose a certificate is and which
papers were issued, the portal knows (`dossiers.verifying`).
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
from collections.abc import Iterator
from typing import IO, Any

from dossiers.opening import signatures
from dossiers.opening.pdfs import opened

# More is in no paper of ours, and each costs time.
MAX_SIGNATURES = 8
MAX_TOKENS = 8
MAX_PAGES = 40
MAX_REVISIONS = 16

_TOKEN = re.compile(r"/xac-thuc/([A-Za-z0-9_-]{22})(?![A-Za-z0-9_-])")
# Drawn text may be broken into lines and stand close to what follows.
_TOKEN_IN_TEXT = re.compile(r"/xac-thuc/([A-Za-z0-9_-]{22})")
_ENDS = (b"", b"\n", b"\r\n", b"\r")


def look(source: IO[bytes], target: IO[bytes]) -> dict[str, Any]:
    """What a PDF says of itself. Raises `Fault`: `encrypted`, `broken`.

    `signatures` in the order in which they were made, each `{name, issuer, fingerprint (SHA-256
    hex of the certificate), signed_at, valid_from, valid_until (ISO), is_intact, covers}`;
    `tokens` of check addresses in its links or else its text; `beginnings`: SHA-256 (hex) of
    the file cut after each `%%EOF` but the last, which is what it was before somebody added.
    """
    content = source.read()
    with opened(content) as pdf:
        tokens = list(dict.fromkeys(_in_links(pdf)))
    return {
        "tokens": (tokens or list(dict.fromkeys(_in_text(content))))[:MAX_TOKENS],
        "beginnings": list(_beginnings(content)),
        "signatures": _signatures(content),
    }


def _in_links(pdf: Any) -> Iterator[str]:
    for page in list(pdf.pages)[:MAX_PAGES]:
        for link in page.obj.get("/Annots", []):
            with contextlib.suppress(Exception):  # whatever stands there instead of a link
                yield from _TOKEN.findall(str(link["/A"]["/URI"]))


def _in_text(content: bytes) -> Iterator[str]:
    import pypdfium2

    with contextlib.suppress(pypdfium2.PdfiumError):
        pdf = pypdfium2.PdfDocument(content)
        for number in range(min(len(pdf), MAX_PAGES)):
            text = pdf[number].get_textpage().get_text_range()
            # How pdfium gives a hyphen at the end of a line.
            text = re.sub("[\ufffe\x02]", "-", text)
            yield from _TOKEN_IN_TEXT.findall(re.sub(r"\s", "", text))


def _beginnings(content: bytes) -> Iterator[str]:
    """Of a file to which somebody added, what it was before: each end of line may belong to it."""
    ends = [match.end() for match in re.finditer(rb"%%EOF", content)][:-1]
    digest, done = hashlib.sha256(), 0
    for end in ends[-MAX_REVISIONS:]:
        digest.update(content[done:end])
        done = end
        for line_end in _ENDS:
            if content.startswith(line_end, end):
                one = digest.copy()
                one.update(line_end)
                yield one.hexdigest()


def _signatures(content: bytes) -> list[dict[str, Any]]:
    from pyhanko.pdf_utils.reader import PdfFileReader

    try:
        found = PdfFileReader(io.BytesIO(content)).embedded_regular_signatures[-MAX_SIGNATURES:]
        return [_signature(one, one is found[-1]) for one in found]
    except Exception:
        # What cannot be read as a signature signs nothing.
        return []


def _signature(signature: Any, is_last: bool) -> dict[str, Any]:
    one = signatures.read(signature, is_last=is_last)
    certificate, at = one.certificate, one.signed_at
    return {
        "name": _name(certificate.subject.native),
        "issuer": _name(certificate.issuer.native),
        "fingerprint": certificate.sha256.hex(),
        "signed_at": at.isoformat() if at else "",
        "valid_from": certificate.not_valid_before.isoformat(),
        "valid_until": certificate.not_valid_after.isoformat(),
        "is_intact": one.is_intact,
        "covers": one.covers_whole_file,
    }


def _name(names: dict[str, Any]) -> str:
    return str(names.get("common_name") or names.get("organization_name") or "")[:200]


READERS = {"look": look}
