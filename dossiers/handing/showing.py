"""What the pages of the citizen say of how the result comes: code, place, parcel and its way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dossiers.handing import addresses, choosing, posting
from dossiers.models import Collection, Dossier, Parcel
from procedures import papers as printing

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

State, Delivery = Dossier.State, Dossier.Delivery
_READY = (State.COMPLETED, State.RETURNED)


def for_person(dossier: Dossier, viewer: User) -> dict[str, Any]:
    """For one of its people: the code, the address and the change are the owner's alone."""
    is_owner = dossier.owner_id == viewer.pk
    shown = _shown(dossier, shows_code=is_owner)
    if not is_owner:
        return shown
    is_posted = dossier.delivery == Delivery.POST
    why_not = choosing.why_not(dossier, viewer)
    return shown | {
        "address": dossier.delivery_address if is_posted else {},
        "place": addresses.in_words(dossier.delivery_address) if is_posted else "",
        "may_change": not why_not,
        "why_not": "" if dossier.is_final else why_not,
    }


def for_secret(dossier: Dossier) -> dict[str, Any]:
    """For whoever holds the secret of the dossier: all but the address."""
    return _shown(dossier, shows_code=True)


def _shown(dossier: Dossier, *, shows_code: bool) -> dict[str, Any]:
    row = _collection(dossier)
    waits = row is not None and row.collected_at is None and dossier.state == State.COMPLETED
    waits = waits and dossier.delivery == Delivery.COUNTER
    code = row.code if waits and shows_code else ""
    parcels = _parcels(dossier)
    return {
        "waits_at_desk": waits,
        "ready_at": row.ready_at if waits else None,
        "code": code,
        "code_qr": printing.qr_svg_data_uri(code) if code else "",
        "collected_at": row.collected_at if row else None,
        "parcels": parcels,
        "came_back": _came_back(dossier, parcels),
    }


def _came_back(dossier: Dossier, parcels: list[dict[str, Any]]) -> bool:
    """Whether the latest parcel lies in the office again, and nothing was chosen since."""
    waits = dossier.state == State.COMPLETED and dossier.delivery == Delivery.POST
    return waits and bool(parcels) and parcels[0]["parcel"].state == Parcel.State.CAME_BACK


def _collection(dossier: Dossier) -> Collection | None:
    if dossier.state not in _READY:
        return None
    return Collection.objects.filter(dossier=dossier).first()


def _parcels(dossier: Dossier) -> list[dict[str, Any]]:
    """Each parcel with its journey, the latest first; only where the result is there."""
    if dossier.state not in _READY:
        return []
    return [
        {"parcel": parcel, "events": list(parcel.events.all())}
        for parcel in posting.journey(dossier.parcels.all())
    ]
