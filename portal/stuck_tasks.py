"""Tasks whose worker was killed, which are put back, and tasks that are over, which go.

`django-tasks-db` forgets the first and keeps the second for ever.
"""

from __future__ import annotations

import datetime

from django.db.models import Q
from django.tasks import TaskResultStatus
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

STUCK_AFTER = datetime.timedelta(minutes=5)
MAX_ATTEMPTS = 8
# A mail's address, its text and a code by SMS stand in what a task was given.
KEEP_DONE = datetime.timedelta(days=1)
KEEP_FAILED = datetime.timedelta(days=30)


def put_back() -> int:
    """Make ready again what has run for too long, and what failed in passing; the count.

    Every task looks first whether its effect is there, so a second run does no harm. One
    that failed waits twice as long each time. After `MAX_ATTEMPTS` a task is given up, one
    that kills its worker each time too: it stays failed.
    """
    now = timezone.now()
    return sum(_free(row, now) for row in _stuck(now)) + sum(
        _retry(row, now) for row in _failed(now)
    )


def _stuck(now: datetime.datetime) -> list[DBTaskResult]:
    running = DBTaskResult.objects.filter(status=TaskResultStatus.RUNNING)
    return list(running.filter(started_at__lt=now - STUCK_AFTER))


def _free(row: DBTaskResult, now: datetime.datetime) -> bool:
    same = DBTaskResult.objects.filter(
        pk=row.pk, status=TaskResultStatus.RUNNING, started_at=row.started_at
    )
    if len(row.worker_ids) >= MAX_ATTEMPTS:
        same.update(status=TaskResultStatus.FAILED, finished_at=now)
        return False
    return bool(same.update(status=TaskResultStatus.READY, started_at=None))


def _failed(now: datetime.datetime) -> list[DBTaskResult]:
    since = now - datetime.timedelta(days=2)
    return list(DBTaskResult.objects.filter(status=TaskResultStatus.FAILED, finished_at__gte=since))


def _retry(row: DBTaskResult, now: datetime.datetime) -> bool:
    attempts = len(row.worker_ids)
    wait = datetime.timedelta(minutes=2 ** min(attempts, 10))
    if attempts >= MAX_ATTEMPTS or row.finished_at + wait > now:
        return False
    return bool(
        DBTaskResult.objects.filter(pk=row.pk, status=TaskResultStatus.FAILED).update(
            status=TaskResultStatus.READY, started_at=None, finished_at=None
        )
    )


def forget() -> int:
    """Delete tasks that are over and were looked at by nobody for long enough; how many.

    A failed one stays longer, for whoever asks why.
    """
    now = timezone.now()
    done = Q(status=TaskResultStatus.SUCCESSFUL, finished_at__lt=now - KEEP_DONE)
    failed = Q(status=TaskResultStatus.FAILED, finished_at__lt=now - KEEP_FAILED)
    return DBTaskResult.objects.filter(done | failed).delete()[0]
