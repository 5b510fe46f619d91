"""What time alone does to the catalogue."""

from __future__ import annotations

import datetime

from django.tasks import TaskResultStatus
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

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
    """Ask again for the check of loads that nobody is to check any more; how many."""
    waiting = CatalogueLoad.objects.filter(
        state=CatalogueLoad.State.WAITING, created_at__lt=timezone.now() - ASK_AGAIN_AFTER
    )
    return sum(_ask_again(pk) for pk in waiting.values_list("pk", flat=True))


def _ask_again(pk: int) -> bool:
    is_asked = DBTaskResult.objects.filter(
        task_path=check_load.module_path,
        args_kwargs={"args": [pk], "kwargs": {}},
        status__in=[TaskResultStatus.READY, TaskResultStatus.RUNNING],
    ).exists()
    if not is_asked:
        check_load.enqueue(pk)
    return not is_asked
