"""Results that nobody has yet: reminded, then listed for the office."""

from __future__ import annotations

import datetime
import logging
from typing import Any

from django.db import transaction
from django.db.models import F, Prefetch, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import alerts, notices
from dossiers.handing import posting
from dossiers.models import Collection, Dossier, Parcel
from dossiers.workflow import Role, State

# Days after which the citizen is told once more that a result waits at the desk.
REMIND_AFTER = (3, 10, 30)
# Days without news of a parcel after which the office asks the post.
SILENT_AFTER = 10
LISTED_AT_MOST = 300

logger = logging.getLogger(__name__)


# --- Results at the desk ------------------------------------------------------------------


def remind_uncollected() -> int:
    """Remind those whose result waits at the desk, three times in all; how many.

    Run late it reminds once and not three times; run twice it finds nothing left.
    """
    now = timezone.now()
    return _for_each(_uncollected(now), lambda pk: _remind_collect(pk, now))


def _uncollected(now: datetime.datetime) -> QuerySet[Collection]:
    due = Q()
    for count, days in enumerate(REMIND_AFTER):
        due |= Q(reminders=count, ready_at__lte=now - datetime.timedelta(days=days))
    waiting = Collection.objects.filter(
        due, collected_at=None, dossier__state=State.COMPLETED,
        dossier__delivery=Dossier.Delivery.COUNTER,
    )  # fmt: skip
    return waiting.order_by("ready_at")


@transaction.atomic
def _remind_collect(pk: int, now: datetime.datetime) -> bool:
    dossier = _locked(Collection.objects.filter(pk=pk).values_list("dossier", flat=True)[0])
    row = _uncollected(now).filter(pk=pk).first()
    if row is None:
        return False
    days = (now - row.ready_at).days
    row.reminders = sum(days >= limit for limit in REMIND_AFTER)
    row.reminded_at = now
    row.save(update_fields=["reminders", "reminded_at"])
    dossier.collection = row
    notices.say(
        dossier.owner, "remind_collect", dossier=dossier,
        ready_at=notices.moment_text(row.ready_at),
    )  # fmt: skip
    return True


# --- Parcels ------------------------------------------------------------------------------


def remind_parcels() -> int:
    """Of parcels without news tell the desk; of what came back tell its owner again; how many."""
    now = timezone.now()
    return _for_each(_silent(now), lambda pk: _remind_parcel(pk, now))


def _silent(now: datetime.datetime) -> QuerySet[Parcel]:
    """Under way or come back for long, and not said so for as long."""
    before = now - datetime.timedelta(days=SILENT_AFTER)
    waiting = Parcel.objects.filter(
        Q(state__in=posting.UNDER_WAY)
        | Q(state=Parcel.State.CAME_BACK, dossier__delivery=Dossier.Delivery.POST),
        Q(reminded_at=None) | Q(reminded_at__lte=before),
        state_at__lte=before, dossier__state=State.COMPLETED,
    )  # fmt: skip
    return waiting.exclude(_followed_by_another()).order_by("state_at")


def _followed_by_another() -> Q:
    """A parcel that came back and was sent again as another one."""
    return Q(state=Parcel.State.CAME_BACK, dossier__parcels__pk__gt=F("pk"))


@transaction.atomic
def _remind_parcel(pk: int, now: datetime.datetime) -> bool:
    dossier = _locked(Parcel.objects.filter(pk=pk).values_list("dossier", flat=True)[0])
    parcel = _silent(now).filter(pk=pk).first()
    if parcel is None:
        return False
    parcel.reminded_at = now
    parcel.save(update_fields=["reminded_at"])
    if parcel.state == Parcel.State.CAME_BACK:
        posting.tell(parcel, dossier)
        return True
    for official in alerts.holders(dossier.receiving_agency, (Role.RECEPTION,)):
        notices.say_to_official(
            official, "parcels_silent", dossier=dossier, number=parcel.tracking_number,
            carrier=parcel.carrier, since=notices.moment_text(parcel.state_at),
        )  # fmt: skip
    return True


def _locked(pk: int) -> Dossier:
    # Two of these commands may run side by side.
    list(Dossier.objects.select_for_update().filter(pk=pk).values_list("pk"))
    rows = Dossier.objects.select_related(
        "owner", "revision", "receiving_agency__parent", "handling_agency"
    )
    return rows.get(pk=pk)


def _for_each(rows: QuerySet, remind: Any) -> int:
    """One that fails keeps nobody waiting."""
    count = 0
    for pk in list(rows.values_list("pk", flat=True)):
        try:
            count += remind(pk)
        except Exception:
            logger.exception("reminding of a result failed: %s", pk)
    return count


# --- The list -----------------------------------------------------------------------------


def uncollected(dossiers: QuerySet[Dossier]) -> list[dict[str, Any]]:
    """Among `dossiers` what nobody has yet, the longest first: `{dossier, days, why}`.

    Results at the desk from the first reminder on, parcels that failed, came back or are
    silent; `LISTED_AT_MOST` of them.
    """
    now = timezone.now()
    first = now - datetime.timedelta(days=REMIND_AFTER[0])
    silent = now - datetime.timedelta(days=SILENT_AFTER)
    parcels = Parcel.objects.filter(
        Q(state__in=(Parcel.State.FAILED, Parcel.State.CAME_BACK))
        | Q(state__in=posting.UNDER_WAY, state_at__lte=silent)
    )
    at_desk = Q(delivery=Dossier.Delivery.COUNTER, collection__collected_at=None,
                collection__ready_at__lte=first)  # fmt: skip
    posted = Q(delivery=Dossier.Delivery.POST, pk__in=parcels.values("dossier"))
    rows = dossiers.filter(at_desk | posted, state=State.COMPLETED).select_related(
        "collection", "owner", "revision"
    )
    rows = rows.prefetch_related(Prefetch("parcels", Parcel.objects.order_by("-pk")))
    shown = [_listed(row, now) for row in rows.order_by("completed_at")[:LISTED_AT_MOST]]
    return sorted(shown, key=lambda row: row["days"], reverse=True)


def _listed(dossier: Dossier, now: datetime.datetime) -> dict[str, Any]:
    parcel = next(iter(dossier.parcels.all()), None)
    if dossier.delivery == Dossier.Delivery.COUNTER or parcel is None:
        since, why = dossier.collection.ready_at, _("Chờ nhận tại quầy")
        told = dossier.collection.reminders
    else:
        since, told = parcel.state_at, int(parcel.reminded_at is not None)
        why = f"{parcel.get_state_display()} {parcel.tracking_number}"
        if parcel.state in (Parcel.State.HANDED, Parcel.State.ON_WAY):
            why = _("Bưu gửi %(number)s lâu không có tin") % {"number": parcel.tracking_number}
    return {"dossier": dossier, "days": (now - since).days, "since": since, "why": why,
            "told": told}  # fmt: skip
