"""The office's digital signature on PDFs, and the check of one (PAdES baseline B)."""

from __future__ import annotations

import asyncio
import datetime
import io
import logging
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.utils import timezone

from procedures import papers

if TYPE_CHECKING:
    from asn1crypto.x509 import Certificate
    from pyhanko.pdf_utils.content import PdfContent
    from pyhanko.sign.signers import SimpleSigner
    from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

logger = logging.getLogger(__name__)

DEMO_NAME = "UBND xã Gio Linh (bản minh hoạ)"
# The place that `papers/_signer.html` leaves for the seal, and the seal's size in points.
SEAL_ANCHOR = "noi-ky-so"
SEAL_WIDTH, SEAL_HEIGHT = 62 / 25.4 * 72, 23 / 25.4 * 72


class NoSigningKey(Exception):
    """There is no key to sign with, it does not open, or its certificate is out of date."""


@dataclass(frozen=True)
class Verdict:
    """What a file's last signature is worth.

    `is_intact`: the signed part is as it was when signed. `covers_whole_file`: nothing was
    added after it. `is_ours`: made with this office's key, or with a former one. Only a
    file for which all four are true is genuine.
    """

    is_signed: bool = False
    is_intact: bool = False
    covers_whole_file: bool = False
    is_ours: bool = False
    signer_name: str = ""
    signed_at: datetime.datetime | None = None

    @property
    def is_genuine(self) -> bool:
        """Signed by us, unchanged, and nothing added."""
        return self.is_signed and self.is_intact and self.covers_whole_file and self.is_ours


def office_signer() -> SimpleSigner:
    """The office's key and certificate, ready to sign.

    From the PKCS#12 file `SIGNING_KEY_FILE`; in a demo without one, from a key that is
    made once and kept in `SIGNING_KEY_DIR`. Raises `NoSigningKey`.
    """
    from pyhanko.sign.signers import SimpleSigner

    password = settings.SIGNING_KEY_PASSWORD.encode() if settings.SIGNING_KEY_FILE else None
    try:
        signer = SimpleSigner.load_pkcs12_data(_key_file().read_bytes(), [], password or None)
    except (OSError, ValueError):
        # Not chained: the cause may carry the path and what the password was tried on.
        raise NoSigningKey("the signing key cannot be read") from None
    certificate = signer.signing_cert
    if not certificate.not_valid_before <= timezone.now() <= certificate.not_valid_after:
        raise NoSigningKey("the signing certificate is out of date")
    return signer


def sign(pdf: bytes, *, reason: str, location: str, name: str) -> bytes:
    """`pdf` with the office's signature over the whole of it.

    The seal names the certificate's owner, the person `name` and the time; it stands where
    the paper leaves room for it (`SEAL_ANCHOR`), never over text. A paper that leaves no
    room is signed without a seal. Raises `NoSigningKey`, and pyHanko's errors for a file
    that is no PDF. Source: ETSI EN 319 142-1, level B-B.
    """
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers
    from pyhanko.stamp import StaticStampStyle

    signer = office_signer()
    place = _seal_place(pdf)
    field = fields.SigFieldSpec("ChuKySo", on_page=place[0], box=place[1]) if place else None
    style = (
        StaticStampStyle(border_width=0, background=_seal(signer.signing_cert, name))
        if place
        else None
    )
    metadata = signers.PdfSignatureMetadata(
        field_name="ChuKySo",
        md_algorithm="sha256",
        subfilter=fields.SigSeedSubFilter.PADES,
        reason=reason,
        location=location,
        name=name,
    )
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    tool = signers.PdfSigner(metadata, signer, stamp_style=style, new_field_spec=field)
    return outside_any_loop(lambda: tool.sign_pdf(writer)).getvalue()


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


def check(pdf: bytes) -> Verdict:
    """What the last signature of `pdf` says; works offline and never raises.

    Anything that cannot be read as a signed PDF is simply not signed. The last signature
    is the one that counts, since whoever adds something after it must cover it.
    """
    from pyhanko.pdf_utils.reader import PdfFileReader

    try:
        signatures = PdfFileReader(io.BytesIO(pdf)).embedded_regular_signatures
        return _verdict(signatures[-1]) if signatures else Verdict()
    except Exception as error:  # what hostile files do to a parser has no end
        logger.info("a file that was to be checked cannot be read: %s", type(error).__name__)
        return Verdict()


def _verdict(signature: EmbeddedPdfSignature) -> Verdict:
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko.sign.validation.status import SignatureCoverageLevel
    from pyhanko_certvalidator import ValidationContext

    certificate = signature.signer_cert
    context = ValidationContext(trust_roots=[certificate], allow_fetching=False)
    status = outside_any_loop(lambda: validate_pdf_signature(signature, context))
    return Verdict(
        is_signed=True,
        is_intact=status.intact and status.valid,
        covers_whole_file=status.coverage == SignatureCoverageLevel.ENTIRE_FILE,
        is_ours=certificate.sha256 in _our_certificates(),
        signer_name=_common_name(certificate),
        signed_at=signature.self_reported_timestamp,
    )


def _our_certificates() -> set[bytes]:
    """SHA-256 of the certificate in use and of those in `SIGNING_KEY_DIR/former/*.pem`."""
    former = {
        x509.load_pem_x509_certificate(path.read_bytes()).fingerprint(hashes.SHA256())
        for path in Path(settings.SIGNING_KEY_DIR).glob("former/*.pem")
    }
    try:
        return former | {office_signer().signing_cert.sha256}
    except NoSigningKey:
        return former


def _common_name(certificate: Certificate) -> str:
    return certificate.subject.native.get("common_name", "")


def _seal_place(pdf: bytes) -> tuple[int, tuple[int, int, int, int]] | None:
    """Page (from 0) and box (x1, y1, x2, y2 in points) of the room left for the seal."""
    import pikepdf

    with pikepdf.open(io.BytesIO(pdf)) as document:
        names = document.Root.get("/Names", {}).get("/Dests")
        target = pikepdf.NameTree(names).get(SEAL_ANCHOR) if names is not None else None
        if target is None:
            return None
        page = next(
            index for index, row in enumerate(document.pages) if row.objgen == target[0].objgen
        )
        left, top = float(target[2]), float(target[3])
    box = (left, top - SEAL_HEIGHT, left + SEAL_WIDTH, top)
    return page, tuple(round(side) for side in box)


def _seal(certificate: Certificate, name: str) -> PdfContent:
    """The seal as a drawing: pyHanko's own text has no Vietnamese letters."""
    from pyhanko.pdf_utils.content import PdfContent
    from pyhanko.pdf_utils.layout import BoxConstraints
    from pyhanko.pdf_utils.reader import PdfFileReader

    drawing = papers.render(
        "papers/seal.html",
        {
            "organisation": _common_name(certificate),
            "name": name,
            "signed_at": f"{timezone.localtime():%d/%m/%Y %H:%M:%S %:z}",
        },
    )

    class Drawing(PdfContent):
        def render(self) -> bytes:
            reader = PdfFileReader(io.BytesIO(drawing))
            self.resources.xobject["/Seal"] = self.writer.import_page_as_xobject(reader)
            self.box = BoxConstraints(SEAL_WIDTH, SEAL_HEIGHT)
            return b"/Seal Do"

    return Drawing(box=BoxConstraints(SEAL_WIDTH, SEAL_HEIGHT))


def _key_file() -> Path:
    if settings.SIGNING_KEY_FILE:
        return Path(settings.SIGNING_KEY_FILE)
    if not settings.DEMO:
        raise NoSigningKey("SIGNING_KEY_FILE is not set")
    path = Path(settings.SIGNING_KEY_DIR) / "demo.p12"
    if not path.exists():
        _make_demo_key(path)
    return path


def _make_demo_key(path: Path) -> None:
    """Write the demo key; when two processes do so at once, both then use the first one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    handle, draft = tempfile.mkstemp(dir=path.parent)  # readable by its owner alone
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_demo_key())
        os.link(draft, path)
    except FileExistsError:
        logger.info("another process made the demo key first")
    finally:
        Path(draft).unlink()


def _demo_key() -> bytes:
    """A key with its certificate and that of a demo authority, whose own key is forgotten."""
    root_key, key = (rsa.generate_private_key(65537, 3072) for _ in range(2))
    root_name = _demo_name("Tổ chức chứng thực (bản minh hoạ)")
    root = (
        _demo_certificate(root_name, root_name, root_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    certificate = (
        _demo_certificate(_demo_name(DEMO_NAME), root_name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True, content_commitment=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    return pkcs12.serialize_key_and_certificates(b"demo", key, certificate, [root], NoEncryption())


def _demo_name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _demo_certificate(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # Wide, so that a demonstration under another date can still sign.
        .not_valid_before(datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
        .not_valid_after(datetime.datetime(2049, 12, 31, tzinfo=datetime.UTC))
    )


def _key_usage(**granted: bool) -> x509.KeyUsage:
    usages = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{usage: granted.get(usage, False) for usage in usages})
