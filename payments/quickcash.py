"""Cash that is taken with an entry at the counter: one press records it and its money."""

from __future__ import annotations

from django.dispatch import receiver

from dossiers import workflow
from dossiers.models import Dossier
from payments import services

_ENTRIES = ("record_at_once", "submit_at_counter")


@receiver(workflow.moved)
def take_with_entry(sender: type[Dossier], move: workflow.Move, **kwargs: object) -> None:
    """Record the fees of an entry as paid in cash, when the dossier and its event are written.

    Whoever is not the desk's cashier is refused, and with them the whole entry.
    """
    if move.action.name in _ENTRIES and move.details.get("cash_taken"):
        move.afterwards(lambda: _take(move))


def _take(move: workflow.Move) -> None:
    if payment := move.dossier.payments.last():
        services.take_cash(payment, by=move.by)
