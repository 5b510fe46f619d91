"""The keys that the portal holds: the office's, and those of people who put theirs there.

A key is read once per process and never leaves it: not into the database, a log or an error.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from django.conf import settings
from django.utils import timezone

from dossiers.signing import demo

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User
    from pyhanko.sign.signers import Signer


class NoSigningKey(Exception):
    """There is no key to sign with, or it does not open."""


class CertificateOutOfDate(NoSigningKey):
    """The certificate of the key is not valid now."""


class CertificateRevoked(NoSigningKey):
    """The certificate of the key was taken out of use."""


def office_signer() -> Signer:
    """The office's key and certificate, ready to sign.

    From the PKCS#12 file `SIGNING_KEY_FILE`; in a demo without one, from a key that is
    made once and kept in `SIGNING_KEY_DIR`. Raises `NoSigningKey`.
    """
    return _valid_now(_office())


def _office() -> Signer:
    if settings.SIGNING_KEY_FILE:
        path, password = Path(settings.SIGNING_KEY_FILE), settings.SIGNING_KEY_PASSWORD
    elif settings.DEMO:
        path, password = demo.office_key(Path(settings.SIGNING_KEY_DIR)), ""
    else:
        raise NoSigningKey("SIGNING_KEY_FILE is not set")
    return _opened(path, password)


def person_signer(user: User) -> Signer:
    """The key of a person that the portal holds, ready to sign.

    `SIGNING_KEY_DIR/people/<e-mail>.p12`, opened with their password in
    `SIGNING_PEOPLE_PASSWORDS`; a demo makes it. Raises `NoSigningKey`: who signs by USB token
    has no key here.
    """
    folder = Path(settings.SIGNING_KEY_DIR)
    email = (user.email or "").lower()
    if not re.fullmatch(r"[a-z0-9._+-]+@[a-z0-9.-]+", email):
        raise NoSigningKey("the person has no key on the portal")
    path = folder / "people" / f"{email}.p12"
    if settings.DEMO:
        demo.person_key(folder, path, user.get_full_name())
    return _valid_now(_opened(path, settings.SIGNING_PEOPLE_PASSWORDS.get(email, "")))


def our_certificates() -> set[bytes]:
    """SHA-256 of the certificate in use and of those in `SIGNING_KEY_DIR/former/*.pem`.

    One that ran out signs no more, but what it signed stays ours.
    """
    former = {
        x509.load_pem_x509_certificate(path.read_bytes()).fingerprint(hashes.SHA256())
        for path in Path(settings.SIGNING_KEY_DIR).glob("former/*.pem")
    }
    try:
        return former | {_office().signing_cert.sha256}
    except NoSigningKey:
        return former


def _valid_now(signer: Signer) -> Signer:
    certificate = signer.signing_cert
    if not certificate.not_valid_before <= timezone.now() <= certificate.not_valid_after:
        raise CertificateOutOfDate("the signing certificate is out of date")
    return signer


def _opened(path: Path, password: str) -> Signer:
    try:
        written = path.stat()
        return _loaded(str(path), written.st_mtime_ns, written.st_size, password)
    except (OSError, ValueError, TypeError):
        # Not chained: the cause may carry the path and what the password was tried on.
        raise NoSigningKey("the signing key cannot be read") from None


@functools.lru_cache(maxsize=32)
def _loaded(path: str, changed: int, size: int, password: str) -> Signer:
    """The signer of a file as it was then: opening one takes longer than signing with it."""
    from asn1crypto.x509 import Certificate
    from pyhanko.sign.signers import Signer
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    key, certificate, chain = pkcs12.load_key_and_certificates(
        Path(path).read_bytes(), password.encode() or None
    )
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) or certificate is None:
        raise ValueError("no key with a certificate")

    class Kept(Signer):
        """pyHanko's own reads and proves the key again at each signature."""

        async def async_sign_raw(
            self, data: bytes, digest_algorithm: str, dry_run: bool = False
        ) -> bytes:
            digest = {"sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512}
            algorithm = digest[digest_algorithm]()
            if isinstance(key, rsa.RSAPrivateKey):
                return key.sign(data, padding.PKCS1v15(), algorithm)
            return key.sign(data, ec.ECDSA(algorithm))

    der, *others = (
        Certificate.load(one.public_bytes(Encoding.DER)) for one in [certificate, *chain]
    )
    return Kept(signing_cert=der, cert_registry=SimpleCertificateStore.from_certs(others))
