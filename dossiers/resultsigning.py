"""How an approved result becomes a signed file: printed, signed by a person, sealed, completed.

Each step looks first whether it was done, so a task may run twice. Nothing half signed is ever
`file`: what goes wrong leaves the result as it was, with the reason for who waits for it.
"""

from __future__ import annotations

import datetime
import hashlib
import io
import logging
from typing import TYPE_CHECKING

import pikepdf
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from dossiers import certificates, papers, signing
from dossiers.models import Dossier, Result
from procedures import papers as printing

if TYPE_CHECKING:
    from django.db.models.fields.files import FieldFile

logger = logging.getLogger(__name__)

Failure = Result.Failure
RETRY_AFTER = datetime.timedelta(minutes=15)
RETRY_AT_MOST = 100


class Failed(Exception):
    """A step could not be made; `why` is a `Result.Failure`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def finish_later(result: Result) -> None:
    """Have the result printed, signed and the dossier completed, after commit."""
    from dossiers.tasks import finish_result

    finish_result.enqueue(result.pk)


def finish(result: Result) -> None:
    """Go as far as it goes now: to the signed file, or to what waits for a USB token.

    Then its dossier is completed, and what it replaces is replaced; twice is once.
    """
    from dossiers import resultchanges, workflow

    if result.is_made_here and not result.file:
        try:
            _make(result)
        except Failed as failed:
            note_failure(result, failed.why)
            return
    result = Result.objects.get(pk=result.pk)
    if result.signed_at is None:
        return
    dossier = Dossier.objects.get(pk=result.dossier_id)
    if dossier.state == Dossier.State.AWAITING_APPROVAL:
        workflow.perform(dossier, "complete", by=None)
    elif result.replaces_id:
        resultchanges.tell_replaced(result)


def _make(result: Result) -> None:
    if not result.unsigned:
        _keep_unsigned(result, _printed(result))
        result = Result.objects.get(pk=result.pk)
    if result.signing == Result.Signing.TOKEN:
        if result.approver_signed:
            _seal(result, content(result.approver_signed), result.approver_signed_at)
        return
    approved, at = _signed_here(result, content(result.unsigned)), timezone.now()
    _seal(result, approved, at)


# --- The steps --------------------------------------------------------------------------


def _printed(result: Result) -> bytes:
    """The PDF that is approved, with its QR and room for two signatures."""
    try:
        context = papers.print_context(result.facts, result.token)
        if not result.is_uploaded:
            return signing.with_places(printing.render("papers/result.html", context))
        last = printing.render("papers/result_places.html", context)
        return signing.with_places(_with_last_page(content(result.draft), last))
    except Exception as error:
        raise Failed(_told(result, Failure.PRINTING, error)) from None


def _with_last_page(draft: bytes, last: bytes) -> bytes:
    """The officer's document with our page behind it; its names lead to the rooms there."""
    with pikepdf.open(io.BytesIO(draft)) as pdf, pikepdf.open(io.BytesIO(last)) as ours:
        places = [(name, list(target)) for name, target in _targets(ours).items()]
        pdf.pages.extend(ours.pages)
        page = pdf.pages[-1].obj
        names = pikepdf.NameTree.new(pdf)
        for name, target in places:
            names[name] = pikepdf.Array([page, *target[1:]])
        pdf.Root.Names = pikepdf.Dictionary(Dests=names.obj)
        # Bookmarks and the structure of parts that are no more would lead nowhere.
        for key in ("/StructTreeRoot", "/MarkInfo", "/AcroForm", "/OpenAction"):
            if key in pdf.Root:
                del pdf.Root[key]
        written = io.BytesIO()
        pdf.save(written)
    return written.getvalue()


def _targets(pdf: pikepdf.Pdf) -> dict:
    found = pikepdf.NameTree(pdf.Root.Names.Dests)
    return {name: found[name] for name in found}


def _keep_unsigned(result: Result, pdf: bytes) -> None:
    with transaction.atomic():
        locked = Result.objects.select_for_update().get(pk=result.pk)
        if locked.unsigned:
            return
        locked.unsigned_sha256 = hashlib.sha256(pdf).hexdigest()
        locked.unsigned.save(f"{result.token}-duyet.pdf", ContentFile(pdf), save=False)
        locked.save(update_fields=["unsigned", "unsigned_sha256"])


def _signed_here(result: Result, unsigned: bytes) -> bytes:
    """With the approver's signature, by their key on the portal."""
    if hashlib.sha256(unsigned).hexdigest() != result.unsigned_sha256:
        raise Failed(_told(result, Failure.OTHER, ValueError("not what was approved")))
    try:
        signer = signing.person_signer(result.approved_by)
        if certificates.of_portal(result.approved_by, signer).revoked_at:
            raise signing.CertificateRevoked("the certificate was taken out of use")
        return signing.sign_as_person(
            unsigned, signer, name=result.facts["signer"], **_said(result)
        )
    except Exception as error:
        raise Failed(_told(result, _why(error), error)) from None


def _seal(result: Result, approved: bytes, at: datetime.datetime) -> None:
    """Seal what the approver signed, and keep it as the result."""
    try:
        signed = signing.seal(approved, **_said(result))
    except Exception as error:
        raise Failed(_told(result, _why(error), error)) from None
    with transaction.atomic():
        locked = Result.objects.select_for_update().get(pk=result.pk)
        if locked.file:
            return
        locked.sha256 = hashlib.sha256(signed).hexdigest()
        locked.approver_signed_at, locked.signed_at = at, timezone.now()
        locked.failure, locked.failed_at = "", None
        locked.file.save(f"{result.token}.pdf", ContentFile(signed), save=False)
        locked.save(
            update_fields=[
                "file", "sha256", "approver_signed_at", "signed_at", "failure", "failed_at",
            ]
        )  # fmt: skip


def _said(result: Result) -> dict[str, str]:
    return {"reason": result.title, "location": result.facts["place"]}


def content(file: FieldFile) -> bytes:
    """All of a stored file."""
    with file.open() as opened:
        return opened.read()


# --- What went wrong --------------------------------------------------------------------


def _why(error: Exception) -> str:
    if isinstance(error, signing.CertificateOutOfDate):
        return Failure.EXPIRED
    if isinstance(error, signing.CertificateRevoked):
        return Failure.REVOKED
    return Failure.NO_KEY if isinstance(error, signing.NoSigningKey) else Failure.OTHER


def _told(result: Result, why: str, error: Exception) -> str:
    """Log the kind of error alone: its words may name a person or the way to a key."""
    logger.error("result %s is not signed: %s (%s)", result.pk, why, type(error).__name__)
    return why


def note_failure(result: Result, why: str) -> None:
    """Say at the approver's desk why a result is not signed yet."""
    waiting = Result.objects.filter(pk=result.pk, signed_at=None)
    waiting.update(failure=why, failed_at=timezone.now())


def retry_failed() -> int:
    """Try again what could not be signed a while ago: keys are renewed, disks emptied."""
    before = timezone.now() - RETRY_AFTER
    owed = Result.objects.filter(signed_at=None, approved_by__isnull=False, failed_at__lte=before)
    return sum(_try_again(pk) for pk in owed.values_list("pk", flat=True)[:RETRY_AT_MOST])


@transaction.atomic
def _try_again(pk: int) -> bool:
    result = Result.objects.select_for_update().filter(pk=pk, signed_at=None).first()
    return result is not None and retry(result)


def retry(result: Result) -> bool:
    """Have one that failed tried again, from a locked row; False where it is being tried."""
    if not result.failure:
        return False
    result.failure, result.failed_at = "", None
    result.save(update_fields=["failure", "failed_at"])
    finish_later(result)
    return True
