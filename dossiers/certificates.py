"""The certificates by which the portal knows the signatures of its people.

Of a USB token an administrator registers the certificate file; of a key that the portal holds
it is noted when it first signs. A private key never comes near the database.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers.models import Result, SignerCertificate

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User
    from pyhanko.sign.signers import Signer

    from dossiers.workflow import Move

MAX_BYTES = 64 * 1024


def read(content: bytes) -> x509.Certificate:
    """The certificate in a .cer, .crt or .pem file, DER or PEM.

    Raises `ValidationError` with a sentence: no certificate, a private key beside it, one of
    an authority, one that may not sign, one that is not valid today.
    """
    if len(content) > MAX_BYTES or b"PRIVATE KEY" in content:
        raise ValidationError(
            _("Hãy chỉ tải lên tệp chứng thư (.cer, .crt, .pem), không kèm khóa bí mật.")
        )
    certificate = _parsed(content)
    if _is_authority(certificate) or not _may_sign(certificate):
        raise ValidationError(_("Chứng thư này không dùng để ký số văn bản."))
    now = timezone.now()
    if now > certificate.not_valid_after_utc:
        raise ValidationError(_("Chứng thư này đã hết hạn; hãy tải lên chứng thư mới."))
    if now < certificate.not_valid_before_utc:
        raise ValidationError(_("Chứng thư này chưa đến ngày có hiệu lực."))
    return certificate


def _parsed(content: bytes) -> x509.Certificate:
    try:
        if b"-----BEGIN CERTIFICATE-----" in content:
            return x509.load_pem_x509_certificate(content)
        return x509.load_der_x509_certificate(content)
    except (ValueError, TypeError, binascii.Error):
        raise ValidationError(
            _("Tệp này không phải chứng thư số (.cer, .crt hoặc .pem).")
        ) from None


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _may_sign(certificate: x509.Certificate) -> bool:
    """Whether its key usage lets it sign; without that extension everything is allowed."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return usage.digital_signature or usage.content_commitment


def register(user: User, certificate: x509.Certificate, *, by: User) -> SignerCertificate:
    """Note that what this certificate signs is `user`'s; `ValidationError` for a known one."""
    try:
        with transaction.atomic():
            return _row(certificate, user=user, registered_by=by)
    except IntegrityError:
        raise ValidationError(_("Chứng thư này đã được đăng ký rồi.")) from None


def of_portal(user: User, signer: Signer) -> SignerCertificate:
    """The row of a key that the portal holds for a person, made when it first signs."""
    certificate = x509.load_der_x509_certificate(signer.signing_cert.dump())
    known = SignerCertificate.objects.filter(fingerprint=fingerprint(certificate)).first()
    if known:
        return known
    try:
        with transaction.atomic():
            return _row(certificate, user=user, registered_by=None)
    except IntegrityError:  # another process was first
        return SignerCertificate.objects.get(fingerprint=fingerprint(certificate))


def _row(
    certificate: x509.Certificate, *, user: User, registered_by: User | None
) -> SignerCertificate:
    return SignerCertificate.objects.create(
        user=user,
        fingerprint=fingerprint(certificate),
        subject=certificate.subject.rfc4514_string()[:300],
        issuer=certificate.issuer.rfc4514_string()[:300],
        serial_number=f"{certificate.serial_number:x}"[:64],
        pem=certificate.public_bytes(Encoding.PEM).decode(),
        valid_from=certificate.not_valid_before_utc,
        valid_until=certificate.not_valid_after_utc,
        registered_by=registered_by,
    )


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 in hexadecimal."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def revoke(row: SignerCertificate) -> None:
    """Take a certificate out of use from now on; what it signed before stays good."""
    SignerCertificate.objects.filter(pk=row.pk, revoked_at=None).update(revoked_at=timezone.now())


def of_tokens(user: User) -> QuerySet[SignerCertificate]:
    """The certificates of a person's USB tokens that are good today."""
    now = timezone.now()
    return SignerCertificate.objects.filter(
        user=user,
        registered_by__isnull=False,
        revoked_at=None,
        valid_from__lte=now,
        valid_until__gte=now,
    )


def signs_by_token(user: User) -> bool:
    """Whether a person may choose to sign with a USB token."""
    return of_tokens(user).exists()


def way_of_signing(move: Move) -> str:
    """How who makes a move signs: with the key on the portal, or with their USB token.

    Raises `Refused` for a token that nobody registered.
    """
    from dossiers.workflow import Refused

    if move.details.get("signing") != Result.Signing.TOKEN:
        return Result.Signing.PORTAL
    if not signs_by_token(move.by):
        raise Refused(_("Ông/bà chưa đăng ký chứng thư USB token còn hiệu lực trên cổng."))
    return Result.Signing.TOKEN
