"""What waits for the citizen once the result is there, by the way that they chose."""

from __future__ import annotations

from dossiers import results
from dossiers.handing import collecting, posting
from dossiers.models import Dossier
from dossiers.workflow import Move

Delivery = Dossier.Delivery


def ready(move: Move) -> None:
    """A code for the desk, a parcel where nothing is owed, or the file by itself.

    What was given at once is in their hands already; what is still owed keeps a parcel back
    until it is settled (`posting.make_paid`, the move `prepare_parcel`).
    """
    dossier = move.dossier
    if results.can_be_given_online(dossier):
        move.afterwards(lambda: results.give_online_later(dossier))
    elif dossier.is_at_once:
        return
    elif dossier.delivery == Delivery.COUNTER:
        collecting.wait_at_desk(dossier, move.now)
    elif dossier.delivery == Delivery.POST and not posting.owed(dossier):
        move.afterwards(lambda: posting.make(dossier, at=move.now, by=move.by))
