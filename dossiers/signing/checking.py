"""What the signatures of a PDF are worth; works offline."""

from __future__ import annotations

import datetime
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dossiers.models import SignerCertificate
from dossiers.opening import signatures
from dossiers.opening.signatures import Read
from dossiers.signing import keys
from dossiers.signing.making import OFFICE_FIELD, outside_any_loop

if TYPE_CHECKING:
    from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

logger = logging.getLogger(__name__)

# How far, in points, a signature may stand outside the room that the paper leaves for it.
_TOLERANCE = 3


@dataclass(frozen=True)
class Signature:
    """One signature of a file.

    `is_intact`: what it signed is as it was then, and nothing but further signatures was
    added after it. `is_ours`: made with this office's key, or with a former one;
    `is_known_person`: with a certificate registered for one of its people. `is_expired`,
    `is_not_yet_valid` and `is_revoked` are about the moment of signing. `fingerprint` is the
    certificate's SHA-256 in hexadecimal, `issuer` who issued it.
    """

    name: str
    signed_at: datetime.datetime | None
    issuer: str = ""
    fingerprint: str = ""
    is_intact: bool = False
    is_ours: bool = False
    is_known_person: bool = False
    is_expired: bool = False
    is_not_yet_valid: bool = False
    is_revoked: bool = False

    @property
    def has_good_certificate(self) -> bool:
        """Whether the certificate was in force when it signed."""
        return not (self.is_expired or self.is_not_yet_valid or self.is_revoked)


@dataclass(frozen=True)
class Verdict:
    """What a file's signatures are worth, and who made the last one.

    `is_intact`: what each of them signed is as it was then. `covers_whole_file`: nothing was
    added after the last one. `is_ours`: the last one was made with this office's key, or with
    a former one. Only a file for which all four are true, and all certificates were in force,
    is genuine. `signatures` are in the order in which they were made.
    """

    is_signed: bool = False
    is_intact: bool = False
    covers_whole_file: bool = False
    is_ours: bool = False
    signer_name: str = ""
    signed_at: datetime.datetime | None = None
    signatures: tuple[Signature, ...] = ()

    @property
    def is_genuine(self) -> bool:
        """Sealed by us, unchanged, nothing added, and every certificate in force then."""
        return (
            self.is_signed
            and self.is_intact
            and self.covers_whole_file
            and self.is_ours
            and all(signature.has_good_certificate for signature in self.signatures)
        )


def check(pdf: bytes) -> Verdict:
    """What the signatures of `pdf` say; never raises for what is in it.

    Anything that cannot be read as a signed PDF is simply not signed. The last signature
    is the one that counts, since whoever adds something after it must cover it.
    """
    from pyhanko.pdf_utils.reader import PdfFileReader

    try:
        found = PdfFileReader(io.BytesIO(pdf)).embedded_regular_signatures
        read = outside_any_loop(
            lambda: [signatures.read(one, is_last=one is found[-1]) for one in found]
        )
    except Exception as error:  # what hostile files do to a parser has no end
        logger.info("a file that was to be checked cannot be read: %s", type(error).__name__)
        return Verdict()
    return _verdict(read) if read else Verdict()


def _verdict(read: list[Read]) -> Verdict:
    ours = keys.our_certificates()
    foreign = [one for one in read if one.certificate.sha256 not in ours]
    people = _people(one.certificate.sha256.hex() for one in foreign) if foreign else {}
    found = tuple(_signature(one, ours, people) for one in read)
    last = found[-1]
    return Verdict(
        is_signed=True,
        is_intact=all(signature.is_intact for signature in found),
        covers_whole_file=read[-1].covers_whole_file,
        is_ours=last.is_ours,
        signer_name=last.name,
        signed_at=last.signed_at,
        signatures=found,
    )


def _people(fingerprints: Iterator[str]) -> dict[str, SignerCertificate]:
    known = SignerCertificate.objects.filter(fingerprint__in=list(fingerprints))
    return {row.fingerprint: row for row in known}


def _signature(read: Read, ours: set[bytes], people: dict[str, SignerCertificate]) -> Signature:
    certificate, at = read.certificate, read.signed_at
    person = people.get(certificate.sha256.hex())
    revoked_at = person.revoked_at if person else None
    return Signature(
        name=_common_name(certificate.subject.native),
        signed_at=at,
        issuer=_common_name(certificate.issuer.native),
        fingerprint=certificate.sha256.hex(),
        is_intact=read.is_intact,
        is_ours=certificate.sha256 in ours,
        is_known_person=person is not None,
        is_expired=at is not None and at > certificate.not_valid_after,
        is_not_yet_valid=at is not None and at < certificate.not_valid_before,
        is_revoked=revoked_at is not None and (at is None or at >= revoked_at),
    )


def _common_name(names: dict[str, str]) -> str:
    return str(names.get("common_name", ""))


def only_adds_a_signature(pdf: bytes, base: bytes) -> bool:
    """Whether `pdf` is `base` byte for byte, and behind it nothing but one signature.

    A visible signature may stand only in the room that `base` leaves for it: drawn anywhere
    else it could cover what was approved. One that takes or locks the field of the office's
    seal is refused: the result could then never be sealed.
    """
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY, DiffResult

    if len(pdf) <= len(base) or not pdf.startswith(base):
        return False
    try:
        before, after = (PdfFileReader(io.BytesIO(one)) for one in (base, pdf))
        review = DEFAULT_DIFF_POLICY.review_file(after, before.xrefs.total_revisions - 1)
        rooms = list(_boxes(base))
        return (
            isinstance(review, DiffResult)
            and len(after.embedded_signatures) == len(before.embedded_signatures) + 1
            and _leaves_room_for_the_seal(after.embedded_signatures[-1])
            and all(_is_inside(box, rooms) for box in _boxes(pdf))
        )
    except Exception as error:
        logger.info("a file that came back cannot be compared: %s", type(error).__name__)
        return False


def _leaves_room_for_the_seal(signature: EmbeddedPdfSignature) -> bool:
    from pyhanko.sign.fields import MDPPerm

    locks = signature.fieldmdp
    return (
        signature.field_name != OFFICE_FIELD
        and signature.docmdp_level != MDPPerm.NO_CHANGES
        and not (locks and locks.is_locked(OFFICE_FIELD))
    )


Box = tuple[int, float, float, float, float]


def _boxes(pdf: bytes) -> Iterator[Box]:
    """Where signatures are drawn: page, left, bottom, right, top in points; not the invisible."""
    import pikepdf

    with pikepdf.open(io.BytesIO(pdf)) as document:
        for number, page in enumerate(document.pages):
            for widget in page.obj.get("/Annots", []):
                kind = widget.get("/FT", widget.get("/Parent", {}).get("/FT"))
                if kind != "/Sig":
                    continue
                x, y, other_x, other_y = (float(side) for side in widget.Rect)
                if x != other_x and y != other_y:
                    yield number, min(x, other_x), min(y, other_y), max(x, other_x), max(y, other_y)


def _is_inside(box: Box, rooms: list[Box]) -> bool:
    page, left, bottom, right, top = box
    return any(
        page == room[0]
        and left >= room[1] - _TOLERANCE
        and bottom >= room[2] - _TOLERANCE
        and right <= room[3] + _TOLERANCE
        and top <= room[4] + _TOLERANCE
        for room in rooms
    )
