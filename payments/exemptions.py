"""Money that was paid for a fee which the office waived or lessened afterwards."""

from __future__ import annotations

from collections import Counter

from django.db import transaction
from django.dispatch import receiver

from dossiers import filing, workflow
from dossiers.models import Dossier
from payments.models import Payment


@receiver(workflow.moved)
def follow_decision(sender: type[Dossier], move: workflow.Move, **kwargs: object) -> None:
    """Offer back what was paid too much, once the office has confirmed an exemption."""
    if move.action.name == "decide_exemption":
        _offer_back(move.dossier)


@transaction.atomic
def follow_money(payment: Payment) -> None:
    """The same of money that came late, for an attempt of before the decision."""
    _offer_back(workflow.lock(payment.dossier_id))


def _offer_back(dossier: Dossier) -> None:
    """Mark what was never owed, so whether the law refunds the fee does not matter here."""
    for payment in dossier.payments.filter(state=Payment.State.PAID, needs_refund=False):
        if overpaid(payment, dossier):
            payment.needs_refund, payment.refund_reason = True, Payment.RefundReason.EXEMPT
            payment.save(update_fields=["needs_refund", "refund_reason"])


def overpaid(payment: Payment, dossier: Dossier) -> int:
    """How many đồng of a payment exceed what its fees come to by what was confirmed."""
    return sum(overpaid_fees(payment, dossier).values())


def overpaid_fees(payment: Payment, dossier: Dossier) -> Counter[str]:
    """The same of each fee by itself, by its key.

    What was paid in two parts is taken from the later one first. 0 where nothing was waived
    or lessened: what other answers changed is not weighed here.
    """
    owed = {line.key: line.amount for line in filing.charges(dossier) if line.exemption}
    paid = [row for row in dossier.payments.all() if _counts(row)]
    later = [row for row in paid if row.pk > payment.pk]
    found: Counter[str] = Counter()
    for line in payment.lines:
        key = line["key"]
        if owed.get(key) is not None:
            excess = _sum_of(key, paid) - owed[key] - _sum_of(key, later)
            found[key] += min(line["amount"], max(0, excess))
    return found


def _counts(payment: Payment) -> bool:
    is_paid = payment.state == Payment.State.PAID
    return is_paid and payment.refund_reason not in Payment.NEVER_OWED


def _sum_of(key: str, payments: list[Payment]) -> int:
    return sum(line["amount"] for row in payments for line in row.lines if line["key"] == key)
