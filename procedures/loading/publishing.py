"""Putting a whole load in force, and what was approved for a day to come."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from itertools import batched
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from procedures.loading.proposals import propose
from procedures.loading.saving import NotTwoPeople
from procedures.models import CatalogueLoad, Procedure, Revision, make_slug
from procedures.search import touch_catalogue

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

_SLUGS_AT_ONCE = 500


class NotReady(Exception):
    """The load has faults, was published, or was dismissed."""


def publish_load(load: CatalogueLoad, *, decision: str = "", by: User | None = None) -> int:
    """Put all drafts of a load in force, in one transaction; how many there were.

    What has a later `effective_from` is approved and waits for its day. Raises
    `NotTwoPeople` for the person who loaded it, `NotReady` for a load in any other state.
    """
    if by is not None and load.created_by_id == by.pk:
        raise NotTwoPeople(_("Người công bố phải khác người soạn."))
    with transaction.atomic():
        load = CatalogueLoad.objects.select_for_update().get(pk=load.pk)
        if load.state != CatalogueLoad.State.READY:
            raise NotReady(_("Lần nạp này không ở trạng thái chờ công bố."))
        count = _approve(load, decision=decision, by=by)
        load.state = CatalogueLoad.State.PUBLISHED
        load.decision, load.published_by, load.published_at = decision, by, timezone.now()
        load.save(update_fields=["state", "decision", "published_by", "published_at"])
    return count


def _approve(load: CatalogueLoad, *, decision: str, by: User | None) -> int:
    ours = Revision.objects.filter(load=load, status=Revision.Status.DRAFT)
    _propose_what_the_office_writes(ours)
    later = Q(effective_from__gt=timezone.localdate())
    approval = {"published_by": by, "publish_decision": decision}
    waiting = ours.filter(later).update(status=Revision.Status.SCHEDULED, **approval)
    return waiting + _put_in_force(ours.exclude(later), **approval)


def _propose_what_the_office_writes(ours: QuerySet[Revision]) -> None:
    """Turn national drafts into proposals where the office has its own revision by now."""
    in_the_way = ours.filter(
        origin=Revision.Origin.NATIONAL, procedure__current__origin=Revision.Origin.OFFICE
    )
    for revision in in_the_way.select_related("procedure"):
        propose(revision.procedure.code, revision.definition, revision.digest)
        revision.delete()


def _put_in_force(revisions: QuerySet[Revision], **approval: object) -> int:
    """Supersede what is in force and put `revisions`, one a procedure, in its place."""
    slugs = {
        procedure: make_slug(name)
        for procedure, name in revisions.values_list("procedure", "short_name")
    }
    if not slugs:
        return 0
    _lock(slugs)
    now = timezone.now()
    Revision.objects.filter(
        status=Revision.Status.PUBLISHED, procedure__in=revisions.values("procedure")
    ).update(status=Revision.Status.SUPERSEDED, superseded_at=now)
    revisions.update(status=Revision.Status.PUBLISHED, published_at=now, **approval)
    in_force = Revision.objects.filter(
        procedure=OuterRef("pk"), status=Revision.Status.PUBLISHED
    ).values("pk")
    for some in batched(slugs, _SLUGS_AT_ONCE):
        Procedure.objects.filter(pk__in=some).update(current=Subquery(in_force))
    _save_slugs(slugs)
    touch_catalogue()
    return len(slugs)


def _lock(procedures: Iterable[int]) -> None:
    """Hold the procedures, as whoever publishes one of their drafts or writes another does."""
    for pks in batched(sorted(procedures), _SLUGS_AT_ONCE):
        locked = Procedure.objects.select_for_update().filter(pk__in=pks).order_by("pk")
        list(locked.values_list("pk"))


def _save_slugs(slugs: dict[int, str]) -> None:
    """New addresses, of those procedures alone whose name has changed."""
    renamed = []
    for pks in batched(slugs, _SLUGS_AT_ONCE):
        for procedure in Procedure.objects.filter(pk__in=pks).only("slug"):
            if procedure.slug != slugs[procedure.pk]:
                procedure.slug = slugs[procedure.pk]
                renamed.append(procedure)
    Procedure.objects.bulk_update(renamed, ["slug"], batch_size=_SLUGS_AT_ONCE)


def put_scheduled_in_force(on: datetime.date | None = None) -> int:
    """Put in force what was approved for a day up to `on` (today); how many revisions.

    Of two that became due for one procedure the later day wins, then the later number; the
    other is superseded at once.
    """
    on = on or timezone.localdate()
    with transaction.atomic():
        due = (
            Revision.objects.select_for_update()
            .filter(status=Revision.Status.SCHEDULED, effective_from__lte=on)
            .order_by("effective_from", "number")
        )
        newest = {revision.procedure_id: revision.pk for revision in due.only("procedure")}
        if not newest:
            return 0
        waiting = Revision.objects.filter(status=Revision.Status.SCHEDULED, effective_from__lte=on)
        waiting.exclude(pk__in=newest.values()).update(
            status=Revision.Status.SUPERSEDED, superseded_at=timezone.now()
        )
        return _put_in_force(Revision.objects.filter(pk__in=list(newest.values())))


def unschedule(revision: Revision) -> bool:
    """Make a draft again of a revision that waits for its day; False when it no longer does."""
    waiting = Revision.objects.filter(pk=revision.pk, status=Revision.Status.SCHEDULED)
    return bool(waiting.update(status=Revision.Status.DRAFT))
