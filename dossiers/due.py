"""What time alone does to dossiers."""

from __future__ import annotations

import datetime
import logging

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.tasks import Task, TaskResultStatus
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from dossiers import bundles, notices, previews, questions, sending, workflow
from dossiers.models import (
    Delivery,
    Dossier,
    DossierQuerySet,
    Notice,
    OfficePaper,
    Paper,
    Question,
    Result,
)
from dossiers.tasks import (
    finish_result,
    make_bundles,
    make_office_paper,
    make_paper,
    make_previews,
    send_digest,
    send_notice,
    send_question_answer,
    send_question_receipt,
    send_question_reminder,
)

REMIND_FIRST = datetime.timedelta(days=3)
REMIND_LAST = datetime.timedelta(days=1)
# With less time than this one reminder is enough.
REMIND_TWICE_FROM = datetime.timedelta(days=4)
REMINDERS = {
    Dossier.State.SUPPLEMENT_REQUIRED: "remind_supplement",
    Dossier.State.PAYMENT_REQUIRED: "remind_payment",
    Dossier.State.AWAITING_CONFIRMATION: "remind_draft",
}
# The moves from which the citizen's time runs.
ASKING = ("submit", "request_supplement", "request_payment", "send_draft")
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


# --- The citizen's own deadlines --------------------------------------------------------


def remind_citizens() -> int:
    """Remind those whose time to supplement, pay or check ends soon; how many.

    Twice where there is time for it: three days and one day before the end. The portal
    never ends a dossier itself.
    """
    return sum(_remind_of(pk) for pk in _to_remind().values_list("pk", flat=True))


def _to_remind() -> DossierQuerySet:
    """Those near the end that were not reminded yet in this stretch of time."""
    now = timezone.now()
    said = Notice.objects.filter(
        dossier=OuterRef("pk"), kind__in=REMINDERS.values(), due_at=OuterRef("citizen_by")
    )
    said_last = said.filter(created_at__gte=OuterRef("citizen_by") - REMIND_LAST)
    is_last = Q(citizen_by__lte=now + REMIND_LAST)
    return Dossier.objects.filter(
        Q(is_last & ~Exists(said_last)) | Q(~is_last & ~Exists(said)),
        state__in=REMINDERS,
        citizen_by__gt=now,
        citizen_by__lte=now + REMIND_FIRST,
    )


def _remind_of(pk: int) -> bool:
    try:
        return _remind(pk)
    except Exception:
        logger.exception("remind_citizens: dossier %s failed", pk)
        return False


@transaction.atomic
def _remind(pk: int) -> bool:
    # Two of these commands may run side by side.
    rows = _to_remind().select_related("owner", "revision", "receiving_agency", "handling_agency")
    dossier = rows.once_locked(pk)
    if dossier is None or dossier.citizen_by - timezone.now() > _remind_before(dossier):
        return False
    kind = REMINDERS[dossier.state]
    notices.say(dossier.owner, kind, dossier=dossier, due_at=dossier.citizen_by)
    return True


def _remind_before(dossier: Dossier) -> datetime.timedelta:
    """How long before the end the first reminder falls: never in the first half of the time.

    Who has a day or less is not reminded; who has less than four days, once.
    """
    asked = dossier.events.filter(name__in=ASKING).order_by("-seq").first()
    given = dossier.citizen_by - asked.at
    if given <= REMIND_LAST:
        return datetime.timedelta(0)
    return min(REMIND_FIRST if given >= REMIND_TWICE_FROM else REMIND_LAST, given / 2)


# --- Messages that go together ----------------------------------------------------------


def send_digests() -> int:
    """Each morning ask for one message to everybody who wants their notices together.

    Run again, it finds nothing left; run late, it still sends what waited this morning.
    """
    until = sending.digest_until()
    if timezone.localtime().date() != timezone.localtime(until).date():
        return 0  # before seven: nobody's telephone rings at night
    waiting = Delivery.objects.filter(
        waits_for_digest=True, sent_at=None, created_at__lt=until,
        created_at__gt=until - STILL_NEWS,
        notice__recipient__is_active=True, notice__recipient__closed_at=None,
    )  # fmt: skip
    people = waiting.order_by().values_list("notice__recipient", "channel").distinct()
    return sum(_ask_for_digest(user_id, channel) for user_id, channel in people)


@transaction.atomic
def _ask_for_digest(user_id: int, channel: str) -> bool:
    # Two of these commands side by side would each ask for one.
    get_user_model().objects.select_for_update(no_key=True).get(pk=user_id)
    return _enqueue_unless_under_way(
        send_digest, user_id, channel, settled=timezone.now() - ASK_AGAIN_AFTER
    )


# --- The office's -----------------------------------------------------------------------


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
        _enqueue_unless_under_way(send_question_reminder, pk, settled=now - ASK_AGAIN_AFTER)
        for pk in to_write.values_list("pk", flat=True)[:ASK_AT_MOST]
    )


# --- What is owed -----------------------------------------------------------------------


def ask_again() -> int:
    """Enqueue anew what should be there and is not, and is not being worked on; how many.

    A task that failed for hours (an expired key, a mail server that was down for a day) is
    given up by its queue, but what it owed is still owed: a paper, a message, a signature.
    """
    now = timezone.now()
    settled = now - ASK_AGAIN_AFTER
    papers = Paper.objects.filter(file="", created_at__lt=settled)
    undelivered = Delivery.objects.filter(notice=OuterRef("pk"), sent_at=None)
    unsent = Notice.objects.filter(
        Exists(undelivered.filter(waits_for_digest=False)),
        recipient__is_active=True, recipient__closed_at=None,
        created_at__lt=settled, created_at__gt=now - STILL_NEWS,
    )  # fmt: skip
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
        (make_office_paper, OfficePaper.objects.filter(file="", created_at__lt=settled)),
        (make_bundles, bundles.missing(now - STILL_NEWS, settled)),
        (make_previews, previews.missing(now - STILL_NEWS, settled)),
        (send_notice, unsent),
        (finish_result, approved),
        (send_question_receipt, receipts),
        (send_question_answer, answers),
    ]
    return sum(
        _enqueue_unless_under_way(task, pk, settled=settled)
        for task, rows in owed
        for pk in rows.values_list("pk", flat=True)[:ASK_AT_MOST]
    )


def _enqueue_unless_under_way(task: Task, *args: int | str, settled: datetime.datetime) -> bool:
    same = DBTaskResult.objects.filter(
        task_path=task.module_path, args_kwargs={"args": list(args), "kwargs": {}}
    )
    open_states = [TaskResultStatus.READY, TaskResultStatus.RUNNING]
    if same.filter(Q(status__in=open_states) | Q(finished_at__gte=settled)).exists():
        return False
    task.enqueue(*args)
    return True
