"""Our confirmations of payment and their counter-entries: numbered without gaps, printed.

Not the legal biên lai (`payments.ereceipts`). Numbers come from one row of the office, series
and year that stays locked until commit; it is the last row that anybody locks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone

from dossiers import numbering, papers
from dossiers.models import Dossier
from payments.models import Payment, Receipt, ReceiptCounter
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


@in_vietnamese
def facts_of(receipt: Receipt, dossier: Dossier) -> dict[str, Any]:
    """What the printed confirmation says: every fee by itself, the amount in words."""
    payment = receipt.payment
    return {
        **papers.head(dossier, receipt.agency, now=receipt.issued_at),
        "series": f"{SERIES}-{receipt.year}",
        "number": f"{receipt.number:07d}",
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
    }
