"""Money that was paid for a fee which the office waived or lessened afterwards."""

from __future__ import annotations

from django.dispatch import receiver

from dossiers import filing, workflow
from dossiers.models import Dossier
from payments.models import Payment


@receiver(workflow.moved)
def follow_decision(sender: type[Dossier], move: workflow.Move, **kwargs: object) -> None:
    """Offer back what was paid too much, once the office has confirmed an exemption.

    It was never owed, so whether the law refunds the fee does not matter here.
    """
    if move.action.name != "decide_exemption":
        return
    for payment in move.dossier.payments.filter(state=Payment.State.PAID, needs_refund=False):
        if overpaid(payment, move.dossier):
            payment.needs_refund, payment.refund_reason = True, Payment.RefundReason.EXEMPT
            payment.save(update_fields=["needs_refund", "refund_reason"])


def overpaid(payment: Payment, dossier: Dossier) -> int:
    """How many đồng of a payment exceed what its fees come to by what was confirmed.

    0 where nothing was waived or lessened: what other answers changed is not weighed here.
    """
    owed = {line.key: line.amount for line in filing.charges(dossier) if line.exemption}
    return sum(
        max(0, line["amount"] - owed[line["key"]])
        for line in payment.lines
        if owed.get(line["key"]) is not None
    )
