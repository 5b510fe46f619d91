"""Cash that is taken with a quick entry: one press records the dossier and its money."""

from __future__ import annotations

from django.dispatch import receiver

from dossiers import workflow
from dossiers.models import Dossier
from payments import services


@receiver(workflow.moved)
def take_with_entry(sender: type[Dossier], move: workflow.Move, **kwargs: object) -> None:
    """Record the fees of an entry as paid in cash, when the dossier and its event are written.

    Whoever is not the desk's cashier is refused, and with them the whole entry.
    """
    if move.action.name == "record_at_once" and move.details.get("cash_taken"):
        move.afterwards(lambda: _take(move))


def _take(move: workflow.Move) -> None:
    if payment := move.dossier.payments.last():
        services.take_cash(payment, by=move.by)
