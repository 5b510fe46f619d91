"""The cash desk: each cashier's drawer, and its close at the end of the day.

Every payment in cash and every refund in cash is a `CashMovement` of who took or gave it.
A close takes those that no close took before; what comes afterwards belongs to the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.models import CashMovement, Payment, Refund

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User


# --- What goes through the drawer -----------------------------------------------------


def note_cash(payment: Payment, *, by: User) -> CashMovement:
    """Note that the cash of a payment lies in the drawer of `by`, in the transaction that
    records the payment."""
    return CashMovement.objects.create(
        payment=payment,
        cashier=by,
        agency_id=payment.dossier.receiving_agency_id,
        at=payment.paid_at,
    )


def note_cash_back(refund: Refund, *, by: User) -> CashMovement:
    """Note that a refund was given out of the drawer of `by`, in the transaction that says
    so. It leaves the desk at which it was paid, or of whose account it is."""
    if refund.payment_id:
        agency = refund.payment.dossier.receiving_agency_id
    else:
        agency = refund.bank_line.agency_id
    return CashMovement.objects.create(
        refund=refund, cashier=by, agency_id=agency, at=refund.done_at
    )
