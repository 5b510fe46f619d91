"""One signature of a PDF as the file has it, before anybody asks whose it is.

Without Django, so that it runs in a bounded process as well as in the portal.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asn1crypto.x509 import Certificate
    from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature


@dataclass(frozen=True)
class Read:
    """`is_intact`: what it signed is unchanged, and what came later (but behind the last one)
    is nothing that a further signature may not add. `covers_whole_file`: nothing came later."""

    certificate: Certificate
    signed_at: datetime.datetime | None
    is_intact: bool
    covers_whole_file: bool


def read(signature: EmbeddedPdfSignature, *, is_last: bool) -> Read:
    """Work out one signature; pyHanko's errors for one that cannot be read."""
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko.sign.validation.status import SignatureCoverageLevel
    from pyhanko_certvalidator import ValidationContext

    certificate = signature.signer_cert
    context = ValidationContext(trust_roots=[certificate], allow_fetching=False)
    status = validate_pdf_signature(signature, context)
    covers = status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    is_followed_well = covers or (
        status.coverage == SignatureCoverageLevel.ENTIRE_REVISION and bool(status.docmdp_ok)
    )
    # What stands behind the last one is told by `covers_whole_file`, not as a change.
    is_intact = bool(status.intact and status.valid and (is_followed_well or is_last))
    return Read(certificate, signature.self_reported_timestamp, is_intact, covers)
