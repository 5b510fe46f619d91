"""Our confirmations of payment and their counter-entries: numbered without gaps, printed.

Not the legal biên lai (`payments.ereceipts`). Numbers come from one row of the office, series
and year that stays locked until commit; it is the last row that anybody locks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import numbering, papers
from dossiers.models import Dossier, Paper
from payments.models import Payment, Receipt, ReceiptCounter, Refund
from payments.money import format_dong, in_words
from procedures.models import Agency
from procedures.text import in_vietnamese

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

SERIES = "XNTT"


def issue(payment: Payment, dossier: Dossier, *, by: User | None) -> Receipt:
    """The receipt of a payment that has just become a fact, inside its transaction."""
    year = timezone.localtime(payment.paid_at).year
    return Receipt.objects.create(
        payment=payment,
        agency=dossier.receiving_agency,
        series=SERIES,
        year=year,
        number=_next_number(dossier.receiving_agency, year),
        issued_at=payment.paid_at,
        received_by=by,
    )


def _next_number(agency: Agency, year: int) -> int:
    """The next number of this office and year, from a row that stays locked until commit."""
    return numbering.take(ReceiptCounter, agency_id=agency.pk, series=SERIES, year=year)


def cancel(payment: Payment, dossier: Dossier, *, refund: Refund) -> Receipt | None:
    """The counter-entry against the receipt of a payment whose whole amount went back.

    With the next number of the same office, and printed; the one that is there where there is
    one. None for a payment without a receipt. In the transaction of the refund.
    """
    receipt = Receipt.objects.select_related("cancelled_by").filter(payment=payment).first()
    if receipt is None or hasattr(receipt, "cancelled_by"):
        return receipt and receipt.cancelled_by
    year = timezone.localtime(refund.done_at).year
    entry = Receipt.objects.create(
        cancels=receipt,
        agency=receipt.agency,
        series=SERIES,
        year=year,
        number=_next_number(receipt.agency, year),
        issued_at=refund.done_at,
        received_by=refund.done_by,
        reason=refund.reason[:200],
    )
    papers.ask_for(dossier, Paper.Kind.CANCELLED, cancelled_facts(entry, refund, dossier))
    return entry


@in_vietnamese
def cancelled_facts(entry: Receipt, refund: Refund, dossier: Dossier) -> dict[str, Any]:
    """What the printed counter-entry says: which number it cancels, why, and who agreed."""
    cancelled, payment = entry.cancels, refund.payment
    return {
        **papers.head(dossier, entry.agency, now=entry.issued_at),
        "series": series_of(entry),
        "number": number_of(entry),
        "cancelled_series": series_of(cancelled),
        "cancelled_number": number_of(cancelled),
        "cancelled_issued_at": papers.iso(cancelled.issued_at),
        "payer": dossier.applicant_name,
        "lines": [_money_line(line) for line in payment.lines],
        "total": format_dong(payment.amount).removesuffix(" đồng"),
        "total_in_words": in_words(payment.amount),
        "reason": entry.reason,
        "way": refund.get_way_display(),
        "transaction": refund.transaction,
        "proposed_by": refund.proposed_by.get_full_name(),
        "approved_by": refund.decided_by.get_full_name(),
        "done_by": refund.done_by.get_full_name() if refund.done_by else "",
    }


def series_of(receipt: Receipt) -> str:
    """`XNTT-2026`."""
    return f"{receipt.series}-{receipt.year}"


def number_of(receipt: Receipt) -> str:
    """`0000012`, as printed."""
    return f"{receipt.number:07d}"


@in_vietnamese
def facts_of(receipt: Receipt, dossier: Dossier) -> dict[str, Any]:
    """What the printed confirmation says: every fee by itself, the amount in words."""
    payment = receipt.payment
    return {
        **papers.head(dossier, receipt.agency, now=receipt.issued_at),
        "series": series_of(receipt),
        "number": number_of(receipt),
        "payer": dossier.applicant_name,
        "lines": [_money_line(line) for line in payment.lines],
        "total": format_dong(payment.amount).removesuffix(" đồng"),
        "total_in_words": in_words(payment.amount),
        "method": payment.get_method_display(),
        "transaction": payment.transaction,
        "paid_at": papers.iso(payment.paid_at),
        "received_by": receipt.received_by.get_full_name() if receipt.received_by else "",
    }


def _money_line(line: dict) -> dict[str, str]:
    return {
        "name": line["name"],
        "quantity": f"{line['quantity']} {line['unit']}".strip(),
        "unit_price": format_dong(line["unit_amount"]).removesuffix(" đồng"),
        "amount": format_dong(line["amount"]).removesuffix(" đồng"),
        "source": line["source"],
        "relief": _relief(line),
    }


def _relief(line: dict) -> str:
    """On which ground something was taken off; "" where nothing was."""
    if not line.get("percent"):
        return ""
    return _("Giảm %(percent)d%%: %(ground)s (%(law)s)") % {
        "percent": line["percent"], "ground": line["exemption"], "law": line["exemption_law"],
    }  # fmt: skip
