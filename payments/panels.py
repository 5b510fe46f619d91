"""What dossier pages show of payments: registered there, so that dossiers import nothing."""

from __future__ import annotations

from typing import Any

from dossiers import panels
from dossiers.models import Dossier
from payments import desk
from payments.models import Payment, Refund
from procedures.models import Posting


@panels.register
def payments_panel(dossier: Dossier, roles: set[str]) -> dict[str, Any] | None:
    """The payments of a dossier, with the cash button for its cashier."""
    payments = list(dossier.payments.all())
    if not payments:
        return None
    refunds = _refunds(payments)
    return {
        "template": "admin/dossiers/payments_panel.html",
        "payments": payments,
        "cash_reference": _cash_reference(dossier, roles),
        "refunds": refunds,
        "to_propose": _to_propose(payments, refunds) if Posting.Role.CASHIER in roles else set(),
    }


def _refunds(payments: list[Payment]) -> list[Refund]:
    """What was proposed to go back of them; nothing is asked where nothing should."""
    marked = [payment.pk for payment in payments if payment.refund_reason]
    rows = Refund.objects.filter(payment__in=marked).select_related("payment")
    return list(rows) if marked else []


def _to_propose(payments: list[Payment], refunds: list[Refund]) -> set[int]:
    """The payments of which money should go back and no proposal is open, by key."""
    is_open = {refund.payment_id for refund in refunds if refund.state in Refund.OPEN}
    return {row.pk for row in payments if row.needs_refund} - is_open


def _cash_reference(dossier: Dossier, roles: set[str]) -> str:
    """Beside which payment the cash button stands: the newest, while money is waited for."""
    awaited = desk.awaited(dossier) if Posting.Role.CASHIER in roles else None
    return awaited.reference if awaited else ""


@panels.register_column
def fee_state(dossier: Dossier) -> str:
    """How the fees of a dossier stand, in two words, for the queue."""
    states = [payment.state for payment in dossier.payments.all()]
    if not states:
        return ""
    best = next((s for s in ("paid", "pending", "failed") if s in states), states[-1])
    return str(Payment.State(best).label)
