"""What time alone does to dossiers."""

from __future__ import annotations

import datetime
import logging

from django.db import transaction
from django.db.models import Q
from django.tasks import Task, TaskResultStatus
from django.utils import timezone
from django.utils.translation import gettext as _
from django_tasks_db.models import DBTaskResult

from dossiers import questions, workflow
from dossiers.models import Dossier, Notice, Paper, Question, Result
from dossiers.notices import moment_text
from dossiers.tasks import (
    finish_result,
    make_paper,
    send_notice,
    send_question_answer,
    send_question_receipt,
    send_question_reminder,
)

REMIND_BEFORE = datetime.timedelta(days=2)
REMIND_OFFICE_BEFORE = datetime.timedelta(days=3)
# Longer than a queue tries by itself (`portal.stuck_tasks`), so that nothing runs twice.
ASK_AGAIN_AFTER = datetime.timedelta(hours=9)
STILL_NEWS = datetime.timedelta(days=14)
ASK_AT_MOST = 100

logger = logging.getLogger(__name__)


def confirm_by_silence() -> int:
    """Take a draft result as agreed to where the citizen's time ran out.

    The move itself refuses where the procedure does not say so, or where the notice did not
    reach them. A dossier that fails does not keep the others waiting.
    """
    waiting = Dossier.objects.filter(
        state=Dossier.State.AWAITING_CONFIRMATION, citizen_by__lte=timezone.now()
    )
    return sum(_agree(dossier) for dossier in waiting)


def _agree(dossier: Dossier) -> bool:
    try:
        workflow.perform(dossier, "confirm_by_silence", by=None)
    except workflow.Refused:
        return False
    except Exception:
        logger.exception("confirm_by_silence: dossier %s failed", dossier.pk)
        return False
    return True


def remind_citizens() -> int:
    """Remind once those whose time to supplement ends soon; the portal never ends it itself."""
    return sum(_remind(pk) for pk in _to_remind().values_list("pk", flat=True))


def _to_remind():
    now = timezone.now()
    return Dossier.objects.filter(
        state=Dossier.State.SUPPLEMENT_REQUIRED,
        citizen_by__gt=now,
        citizen_by__lte=now + REMIND_BEFORE,
    )


@transaction.atomic
def _remind(pk: int) -> bool:
    # Locked and asked again: two of these commands may run side by side.
    locked = _to_remind().select_for_update(of=("self",)).select_related("owner")
    dossier = locked.filter(pk=pk).first()
    if dossier is None:
        return False
    subject = _("Hồ sơ %(code)s: nhắc bổ sung trước %(when)s") % {
        "code": dossier.code,
        "when": moment_text(dossier.citizen_by),
    }
    body = _("Cơ quan đang chờ ông/bà bổ sung hồ sơ. Xin bổ sung để hồ sơ được giải quyết tiếp.")
    notice, is_new = Notice.objects.get_or_create(
        dossier=dossier, recipient=dossier.owner, subject=subject, defaults={"body": body}
    )
    if is_new:
        send_notice.enqueue(notice.pk)
    return is_new


def remind_offices() -> int:
    """Have each office reminded once of a question whose time ends soon; how many."""
    now = timezone.now()
    owed = Question.objects.waiting().filter(
        due_at__lte=now + REMIND_OFFICE_BEFORE, reminder_sent_at=None
    )
    to_write = owed.exclude(
        Q(agency__reception=None) | Q(agency__reception__email=""), agency__email=""
    )
    return sum(
        _enqueue_unless_under_way(send_question_reminder, pk, now - ASK_AGAIN_AFTER)
        for pk in to_write.values_list("pk", flat=True)[:ASK_AT_MOST]
    )


def ask_again() -> int:
    """Enqueue anew what should be there and is not, and is not being worked on; how many.

    A task that failed for hours (an expired key, a mail server that was down for a day) is
    given up by its queue, but what it owed is still owed: a paper, a message, a signature.
    """
    now = timezone.now()
    settled = now - ASK_AGAIN_AFTER
    papers = Paper.objects.filter(file="", created_at__lt=settled)
    unsent = Notice.objects.filter(
        sent_at=None, created_at__lt=settled, created_at__gt=now - STILL_NEWS
    ).exclude(recipient__email="")
    approved = Result.objects.filter(
        dossier__state=Dossier.State.AWAITING_APPROVAL, dossier__approved_at__lt=settled
    ).exclude(approved_by=None)
    asked = Question.objects.exclude(email="")
    receipts = asked.filter(
        receipt_sent_at=None, asked_at__lt=settled, asked_at__gt=now - STILL_NEWS
    )
    answers = asked.filter(
        answer_sent_at=None, answered_at__lt=settled, answered_at__gt=now - questions.KEEP_SENDING
    )
    owed = [
        (make_paper, papers),
        (send_notice, unsent),
        (finish_result, approved),
        (send_question_receipt, receipts),
        (send_question_answer, answers),
    ]
    return sum(
        _enqueue_unless_under_way(task, pk, settled)
        for task, rows in owed
        for pk in rows.values_list("pk", flat=True)[:ASK_AT_MOST]
    )


def _enqueue_unless_under_way(task: Task, pk: int, settled: datetime.datetime) -> bool:
    same = DBTaskResult.objects.filter(
        task_path=task.module_path, args_kwargs={"args": [pk], "kwargs": {}}
    )
    open_states = [TaskResultStatus.READY, TaskResultStatus.RUNNING]
    if same.filter(Q(status__in=open_states) | Q(finished_at__gte=settled)).exists():
        return False
    task.enqueue(pk)
    return True
