"""How a PDF is signed: by the person who approved it, then by the office.

The room for each signature is left by the paper itself, drawn with its words before anybody
signs (`papers/_signer.html`), and found again by the names of its corners.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from django.utils import timezone

from dossiers.signing import keys
from procedures import papers

if TYPE_CHECKING:
    from asn1crypto.x509 import Certificate
    from pyhanko.sign.fields import SigFieldSpec
    from pyhanko.sign.signers import PdfSignatureMetadata, Signer
    from pyhanko.stamp import BaseStampStyle

# The corners of the rooms that `papers/_signer.html` leaves, and their sizes in points.
MM = 72 / 25.4
SEAL_ANCHOR, SEAL_FIELD = "noi-ky-so", "ChuKySo"
SEAL_WIDTH, SEAL_HEIGHT = 62 * MM, 23 * MM
PERSON_ANCHOR, PERSON_FIELD = "noi-nguoi-ky", "NguoiKy"
OFFICE_ANCHOR, OFFICE_FIELD = "noi-co-quan-ky", "CoQuan"
PLACE_WIDTH, PERSON_HEIGHT, OFFICE_HEIGHT = 66 * MM, 10.5 * MM, 14 * MM


def sign(pdf: bytes, *, reason: str, location: str, name: str) -> bytes:
    """`pdf` with the office's signature alone over the whole of it.

    The seal names the certificate's owner, the person `name` and the time; it stands where
    the paper leaves room for it (`SEAL_ANCHOR`), never over text. A paper that leaves no
    room is signed without a seal. Raises `NoSigningKey`, and pyHanko's errors for a file
    that is no PDF. Source: ETSI EN 319 142-1, level B-B.
    """
    signer = keys.office_signer()
    place = _place(pdf, SEAL_ANCHOR, SEAL_WIDTH, SEAL_HEIGHT)
    words = {"organisation": _common_name(signer.signing_cert), "name": name}
    return _signed(
        pdf,
        signer,
        _metadata(SEAL_FIELD, reason, location, name),
        style=_drawn("papers/seal.html", words, SEAL_WIDTH, SEAL_HEIGHT) if place else None,
        new_field=_field(SEAL_FIELD, place) if place else None,
    )


def with_places(pdf: bytes) -> bytes:
    """`pdf` with an empty field in each of the two rooms that it leaves for signatures.

    Raises `ValueError` for a paper that leaves none.
    """
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign.fields import append_signature_field, ensure_sig_flags

    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    rooms = (
        (PERSON_ANCHOR, PERSON_FIELD, PERSON_HEIGHT),
        (OFFICE_ANCHOR, OFFICE_FIELD, OFFICE_HEIGHT),
    )
    for anchor, field, height in rooms:
        place = _place(pdf, anchor, PLACE_WIDTH, height)
        if place is None:
            raise ValueError(f"the paper leaves no room: {anchor}")
        append_signature_field(writer, _field(field, place))
    # From here on the file only grows; the first signature then has nothing to say of it.
    ensure_sig_flags(writer, lock_sig_flags=True)
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def sign_as_person(pdf: bytes, signer: Signer, *, reason: str, location: str, name: str) -> bytes:
    """`pdf` with the signature of the person who approved it in the room left for it."""
    return _signed(pdf, signer, _metadata(PERSON_FIELD, reason, location, name), style=_nothing())


def seal(pdf: bytes, *, reason: str, location: str) -> bytes:
    """`pdf`, signed by a person, with the office's signature over that; raises `NoSigningKey`."""
    signer = keys.office_signer()
    name = _common_name(signer.signing_cert)
    return _signed(
        pdf,
        signer,
        _metadata(OFFICE_FIELD, reason, location, name),
        style=_drawn("papers/sealed_at.html", {}, PLACE_WIDTH, OFFICE_HEIGHT),
    )


def outside_any_loop[T](call: Callable[[], T]) -> T:
    """What `call` gives; in a thread of its own where an event loop runs already.

    pyHanko runs a loop for each call, which Python refuses inside another.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return call()
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(call).result()


def _metadata(field: str, reason: str, location: str, name: str) -> PdfSignatureMetadata:
    from pyhanko.sign.fields import SigSeedSubFilter
    from pyhanko.sign.signers import PdfSignatureMetadata

    return PdfSignatureMetadata(
        field_name=field,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        reason=reason,
        location=location,
        name=name,
    )


def _signed(
    pdf: bytes,
    signer: Signer,
    metadata: PdfSignatureMetadata,
    *,
    style: BaseStampStyle | None,
    new_field: SigFieldSpec | None = None,
) -> bytes:
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign.signers import PdfSigner

    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    tool = PdfSigner(metadata, signer, stamp_style=style, new_field_spec=new_field)
    return outside_any_loop(lambda: tool.sign_pdf(writer)).getvalue()


Place = tuple[int, tuple[int, int, int, int]]


def _field(name: str, place: Place) -> SigFieldSpec:
    from pyhanko.sign.fields import SigFieldSpec

    return SigFieldSpec(name, on_page=place[0], box=place[1])


def _place(pdf: bytes, anchor: str, width: float, height: float) -> Place | None:
    """Page (from 0) and box (x1, y1, x2, y2 in points) of the room left for a signature."""
    import pikepdf

    with pikepdf.open(io.BytesIO(pdf)) as document:
        names = document.Root.get("/Names", {}).get("/Dests")
        target = pikepdf.NameTree(names).get(anchor) if names is not None else None
        if target is None:
            return None
        page = next(
            index for index, row in enumerate(document.pages) if row.objgen == target[0].objgen
        )
        left, top = float(target[2]), float(target[3])
    box = (left, top - height, left + width, top)
    return page, tuple(round(side) for side in box)


def _drawn(template: str, words: dict[str, str], width: float, height: float) -> BaseStampStyle:
    """What a signature shows, as a drawing: pyHanko's own text has no Vietnamese letters."""
    from pyhanko.pdf_utils.content import PdfContent
    from pyhanko.pdf_utils.layout import AxisAlignment, BoxConstraints, Margins, SimpleBoxLayoutRule
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.stamp import StaticStampStyle

    signed_at = f"{timezone.localtime():%d/%m/%Y %H:%M:%S %:z}"
    drawing = papers.render(template, {**words, "signed_at": signed_at})

    class Drawing(PdfContent):
        def render(self) -> bytes:
            reader = PdfFileReader(io.BytesIO(drawing))
            self.resources.xobject["/Seal"] = self.writer.import_page_as_xobject(reader)
            self.box = BoxConstraints(width, height)
            return b"/Seal Do"

    middle = AxisAlignment.ALIGN_MID
    return StaticStampStyle(
        border_width=0,
        background=Drawing(box=BoxConstraints(width, height)),
        background_layout=SimpleBoxLayoutRule(middle, middle, margins=Margins(0, 0, 0, 0)),
    )


def _nothing() -> BaseStampStyle:
    """No drawing of its own: the paper says already who signs here."""
    from pyhanko.pdf_utils.content import RawContent
    from pyhanko.pdf_utils.layout import BoxConstraints
    from pyhanko.stamp import StaticStampStyle

    empty = RawContent(b"", box=BoxConstraints(PLACE_WIDTH, PERSON_HEIGHT))
    return StaticStampStyle(border_width=0, background=empty)


def _common_name(certificate: Certificate) -> str:
    return certificate.subject.native.get("common_name", "")
