"""The keys of a demonstration: an authority of its own, the office's key, and people's.

Made at first use and kept in `SIGNING_KEY_DIR`; whatever is signed with them says "bản minh
hoạ". Production never makes a key.
"""

from __future__ import annotations

import datetime
import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12
from cryptography.x509.oid import NameOID

logger = logging.getLogger(__name__)

DEMO_NAME = "UBND xã Gio Linh (bản minh hoạ)"
_AUTHORITY_NAME = "Tổ chức chứng thực (bản minh hoạ)"


def office_key(folder: Path) -> Path:
    """The file with the office's key, made where there is none."""
    return _made_once(
        folder / "demo.p12",
        lambda: _issued(folder, DEMO_NAME, rsa.generate_private_key(65537, 2048)),
    )


def person_key(folder: Path, file: Path, name: str) -> Path:
    """The file with the key of one person of the demonstration, made where there is none."""
    named = f"{name} (bản minh hoạ)"
    return _made_once(file, lambda: _issued(folder, named, ec.generate_private_key(ec.SECP256R1())))


def _made_once(path: Path, make: Callable[[], bytes]) -> Path:
    """Write what `make` gives; when two processes do so at once, both use the first one's."""
    if path.exists():
        return path
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    handle, draft = tempfile.mkstemp(dir=path.parent)  # readable by its owner alone
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(make())
        os.link(draft, path)
    except FileExistsError:
        logger.info("another process made the demo key first")
    finally:
        Path(draft).unlink()
    return path


def _issued(folder: Path, name: str, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    """A key with its certificate and that of the demo authority, as PKCS#12."""
    root_key, root = _authority(folder)
    certificate = (
        _certificate(_name(name), root.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True, content_commitment=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    return pkcs12.serialize_key_and_certificates(b"demo", key, certificate, [root], NoEncryption())


def _authority(folder: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    path = _made_once(folder / "authority.p12", _new_authority)
    key, certificate, _chain = pkcs12.load_key_and_certificates(path.read_bytes(), None)
    return key, certificate


def _new_authority() -> bytes:
    key, name = ec.generate_private_key(ec.SECP256R1()), _name(_AUTHORITY_NAME)
    root = (
        _certificate(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return pkcs12.serialize_key_and_certificates(b"authority", key, root, None, NoEncryption())


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64]),
        ]
    )


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # Wide, so that a demonstration under another date can still sign.
        .not_valid_before(datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
        .not_valid_after(datetime.datetime(2048, 12, 31, tzinfo=datetime.UTC))
    )


def _key_usage(**granted: bool) -> x509.KeyUsage:
    usages = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{usage: granted.get(usage, False) for usage in usages})
