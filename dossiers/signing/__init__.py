"""Digital signatures on PDFs, and the check of them (PAdES baseline B).

A result carries two: that of the person who approved it, then the office's, which seals it.
"""

from dossiers.signing.checking import Signature, Verdict, check, only_adds_a_signature
from dossiers.signing.demo import DEMO_NAME
from dossiers.signing.keys import (
    CertificateOutOfDate,
    CertificateRevoked,
    NoSigningKey,
    office_signer,
    person_signer,
)
from dossiers.signing.making import (
    SEAL_HEIGHT,
    SEAL_WIDTH,
    outside_any_loop,
    seal,
    sign,
    sign_as_person,
    with_places,
)

__all__ = (
    "DEMO_NAME",
    "SEAL_HEIGHT",
    "SEAL_WIDTH",
    "CertificateOutOfDate",
    "CertificateRevoked",
    "NoSigningKey",
    "Signature",
    "Verdict",
    "check",
    "office_signer",
    "only_adds_a_signature",
    "outside_any_loop",
    "person_signer",
    "seal",
    "sign",
    "sign_as_person",
    "with_places",
)
