"""Tasks whose worker was killed: `django-tasks-db` forgets them, so they are put back."""

from __future__ import annotations

import datetime

from django.tasks import TaskResultStatus
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

STUCK_AFTER = datetime.timedelta(minutes=5)
MAX_ATTEMPTS = 8


def put_back() -> int:
    """Make ready again what has run for too long, and what failed in passing; the count.

    Every task looks first whether its effect is there, so a second run does no harm. One
    that failed waits twice as long each time, and is given up after `MAX_ATTEMPTS`.
    """
    now = timezone.now()
    stuck = DBTaskResult.objects.filter(
        status=TaskResultStatus.RUNNING, started_at__lt=now - STUCK_AFTER
    ).update(status=TaskResultStatus.READY, started_at=None)
    return stuck + sum(_retry(row, now) for row in _failed(now))


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
