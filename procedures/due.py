"""What time alone does to the catalogue."""

from __future__ import annotations

import datetime

from django.utils import timezone

from procedures.loading import bulk
from procedures.loading.publishing import put_scheduled_in_force
from procedures.models import CatalogueLoad
from procedures.tasks import check_load

# Longer than another load takes, and than a queue waits before it begins.
ASK_AGAIN_AFTER = datetime.timedelta(minutes=10)


def begin_approved_revisions() -> int:
    """Put in force what was approved for a day that has come; how many procedures."""
    return put_scheduled_in_force()


def sweep_broken_loads() -> int:
    """Clear away loads that broke off while they were written; how many.

    While another load is written there is nothing to be known about it.
    """
    if not CatalogueLoad.objects.filter(state=CatalogueLoad.State.WRITING).exists():
        return 0
    try:
        with bulk.only_one_load():
            return bulk.sweep()
    except bulk.AnotherLoad:
        return 0


def check_waiting_loads() -> int:
    """Ask again for the check of loads that still wait; one that ran already does nothing."""
    waiting = CatalogueLoad.objects.filter(
        state=CatalogueLoad.State.WAITING, created_at__lt=timezone.now() - ASK_AGAIN_AFTER
    )
    pks = list(waiting.values_list("pk", flat=True))
    for pk in pks:
        check_load.enqueue(pk)
    return len(pks)
