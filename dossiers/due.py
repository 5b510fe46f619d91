"""What time alone does to dossiers."""

from __future__ import annotations

import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import workflow
from dossiers.models import Dossier, Notice
from dossiers.notices import moment_text
from dossiers.tasks import send_notice

REMIND_BEFORE = datetime.timedelta(days=2)


def confirm_by_silence() -> int:
    """Take a draft result as agreed to where the citizen's time ran out and the procedure
    says so; never where the notice did not reach them."""
    waiting = Dossier.objects.filter(
        state=Dossier.State.AWAITING_CONFIRMATION, citizen_by__lte=timezone.now()
    ).select_related("revision")
    count = 0
    for dossier in waiting:
        if not _silence_agrees(dossier):
            continue
        try:
            workflow.perform(dossier, "confirm_by_silence", by=None)
        except workflow.Refused:
            continue
        count += 1
    return count


def _silence_agrees(dossier: Dossier) -> bool:
    steps = [step for step in dossier.revision.steps if step["who"] == "citizen"]
    return any(step.get("no_answer") == "agree" for step in steps)


def remind_citizens() -> int:
    """Remind once those whose time to supplement ends soon; the portal never ends it itself."""
    now = timezone.now()
    due = Dossier.objects.filter(
        state=Dossier.State.SUPPLEMENT_REQUIRED,
        citizen_by__gt=now,
        citizen_by__lte=now + REMIND_BEFORE,
    ).select_related("owner")
    count = 0
    for dossier in due:
        subject = _("Hồ sơ %(code)s: nhắc bổ sung trước %(when)s") % {
            "code": dossier.code,
            "when": moment_text(dossier.citizen_by),
        }
        body = _(
            "Cơ quan đang chờ ông/bà bổ sung hồ sơ. Xin bổ sung để hồ sơ được giải quyết tiếp."
        )
        notice, created = Notice.objects.get_or_create(
            dossier=dossier, recipient=dossier.owner, subject=subject, defaults={"body": body}
        )
        if created:
            send_notice.enqueue(notice.pk)
            count += 1
    return count
