"""Asking the e-receipt service for the biên lai of payments, and for their cancelling.

All of it happens in tasks: a service that is down delays a biên lai, never a payment. A task
that runs twice, or is killed between the service's answer and ours, gets the same receipt
again, since the service knows it by our key.
"""

from __future__ import annotations

import hashlib
import logging

from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import papers
from payments import ereceipts
from payments.models import LegalReceipt, Payment
from payments.money import in_words
from procedures.models import Agency
from procedures.text import in_vietnamese

State = LegalReceipt.State

logger = logging.getLogger(__name__)


def waiting() -> QuerySet[LegalReceipt]:
    """Those that the service has not issued and still should."""
    rows = LegalReceipt.objects.filter(state__in=[State.PENDING, State.FAILED])
    return rows.filter(payment__receipt__cancelled_by=None)


def void() -> QuerySet[LegalReceipt]:
    """Those whose payment went back whole: they are to be cancelled at the service."""
    return LegalReceipt.objects.filter(
        state=State.ISSUED, payment__receipt__cancelled_by__isnull=False
    )


def issue(payment: Payment) -> LegalReceipt | None:
    """The biên lai of a payment, asked now; None where none is due or no service is there.

    What the service said instead stays in `failure`. Network calls are outside transactions.
    """
    service = ereceipts.service()
    if service is None or payment.state != Payment.State.PAID:
        return None
    if payment.refund_reason in Payment.NEVER_OWED:
        return None
    row, is_new = LegalReceipt.objects.get_or_create(payment=payment)
    if not (is_new or waiting().filter(pk=row.pk).exists()) or not _begin(row):
        return row
    try:
        # Asked before: the answer may have been lost on its way.
        found = service.find(payment.reference) if row.attempts else None
        return _keep(row, found or service.issue(order_of(payment)), service.name)
    except ereceipts.Unavailable:
        return _note_failure(row, _("Dịch vụ biên lai không trả lời; cổng sẽ tự xin lại."))
    except ereceipts.Refused as error:
        return _note_failure(row, _("Dịch vụ biên lai từ chối: %(words)s") % {"words": error})


def _begin(row: LegalReceipt) -> bool:
    """Count the attempt; False where another has just begun one."""
    same = LegalReceipt.objects.filter(pk=row.pk, attempts=row.attempts)
    return bool(same.update(attempts=F("attempts") + 1))


@transaction.atomic
def _keep(row: LegalReceipt, issued: ereceipts.Issued, provider: str) -> LegalReceipt:
    row = LegalReceipt.objects.select_for_update().get(pk=row.pk)
    if row.state == State.ISSUED:
        return row
    row.state, row.provider, row.failure = State.ISSUED, provider, ""
    row.form, row.sign, row.number = issued.form, issued.sign, issued.number
    row.lookup_code, row.issued_at = issued.lookup_code, issued.issued_at
    row.sha256 = hashlib.sha256(issued.pdf).hexdigest()
    row.file.save(f"{row.payment.reference}.pdf", ContentFile(issued.pdf), save=False)
    row.save()
    return row


def _note_failure(row: LegalReceipt, words: str) -> LegalReceipt:
    unissued = LegalReceipt.objects.filter(pk=row.pk).exclude(state=State.ISSUED)
    unissued.update(state=State.FAILED, failure=words[:200])
    row.refresh_from_db()
    return row


def cancel_if_void(payment: Payment) -> bool:
    """Declare the biên lai of a payment that went back whole void; True when that was news.

    Raises nothing: what the service did not take is tried again by `run_due`.
    """
    service, row = ereceipts.service(), void().filter(payment=payment).first()
    if service is None or row is None:
        return False
    try:
        service.cancel(payment.reference, reason=payment.receipt.cancelled_by.reason)
    except (ereceipts.Unavailable, ereceipts.Refused) as error:
        logger.warning("legal receipt of payment %s not cancelled: %s", payment.reference, error)
        return False
    issued = LegalReceipt.objects.filter(pk=row.pk, state=State.ISSUED)
    return bool(issued.update(state=State.CANCELLED, cancelled_at=timezone.now()))


@in_vietnamese
def order_of(payment: Payment) -> ereceipts.Order:
    """What the receipt has to say (Decree 254/2026, art. 23(2)); a waived fee is not on it."""
    dossier, receipt = payment.dossier, payment.receipt
    collector, applicant = collecting_office(receipt.agency), papers.applicant(dossier)
    return ereceipts.Order(
        key=payment.reference,
        agency_id=collector.pk,
        office=collector.name,
        tax_code=collector.tax_code,
        address=collector.address,
        place=collector.place,
        payer=dossier.applicant_name,
        payer_address=applicant["address"],
        dossier_code=dossier.code,
        charges=tuple(
            ereceipts.Charge(line["name"], line["amount"])
            for line in payment.lines
            if line["amount"]
        ),
        total=payment.amount,
        total_in_words=in_words(payment.amount),
        method=str(payment.get_method_display()),
        collector=receipt.received_by.get_full_name() if receipt.received_by else "",
        paid_at=payment.paid_at,
    )


def collecting_office(agency: Agency) -> Agency:
    """The organisation that collects: the nearest office at or above a desk with a tax code."""
    office: Agency | None = agency
    while office is not None:
        if office.tax_code:
            return office
        office = office.parent
    return agency
