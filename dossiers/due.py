"""What time alone does to dossiers."""

from __future__ import annotations

import datetime
import logging

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import workflow
from dossiers.models import Dossier, Notice
from dossiers.notices import moment_text
from dossiers.tasks import send_notice

REMIND_BEFORE = datetime.timedelta(days=2)

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
