"""Drafts that nobody touches any more: their owner is warned, and later they are deleted.

A draft is the citizen's own data and no dossier, so it is not kept for ever. None is ever
deleted unless a warning went out, and `DRAFT_WARNING_DAYS` passed in which nothing was
saved or uploaded.
"""

from __future__ import annotations

import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import attachments, notices
from dossiers.models import Attachment, Delivery, Dossier, DossierQuerySet
from procedures.text import in_vietnamese

KIND = "draft_expires"
# A run takes a minute's work, and the next one goes on.
AT_ONCE = 200


def expires_at(draft: Dossier) -> datetime.datetime:
    """When a draft is deleted at the earliest, if nothing more is done with it."""
    end = draft.updated_at + datetime.timedelta(days=settings.DRAFT_DAYS)
    if draft.expiry_warned_at is None or draft.expiry_warned_at < draft.updated_at:
        return end
    return max(end, draft.expiry_warned_at + _notice_time())


def warn_of_expiry() -> int:
    """Tell the owners of drafts that end soon, once for each time of rest; how many."""
    return sum(_warn(pk) for pk in _to_warn().values_list("pk", flat=True)[:AT_ONCE])


def delete_expired() -> int:
    """Delete, with their files, the drafts whose owners were warned in time; how many."""
    return sum(_delete(pk) for pk in _to_delete().values_list("pk", flat=True)[:AT_ONCE])


def _notice_time() -> datetime.timedelta:
    return datetime.timedelta(days=settings.DRAFT_WARNING_DAYS)


def _resting(since: datetime.datetime) -> DossierQuerySet:
    """Drafts in which nothing was saved or uploaded since then."""
    uploads = Attachment.objects.filter(dossier=OuterRef("pk"), uploaded_at__gt=since)
    drafts = Dossier.objects.filter(state=Dossier.State.DRAFT, updated_at__lte=since)
    return drafts.filter(~Exists(uploads)).order_by("updated_at")


def _to_warn() -> DossierQuerySet:
    rest = datetime.timedelta(days=settings.DRAFT_DAYS) - _notice_time()
    return _resting(timezone.now() - rest).filter(~_warned_in_this_rest())


def _warned_in_this_rest() -> Q:
    newer = Attachment.objects.filter(
        dossier=OuterRef("pk"), uploaded_at__gte=OuterRef("expiry_warned_at")
    )
    return Q(expiry_warned_at__gte=F("updated_at")) & ~Exists(newer)


@in_vietnamese
@transaction.atomic
def _warn(pk: int) -> bool:
    # Locked and asked again: the owner may come back, and two of these commands may run.
    draft = _to_warn().once_locked(pk)
    if draft is None:
        return False
    now = timezone.now()
    Dossier.objects.filter(pk=pk).update(expiry_warned_at=now)
    draft.expiry_warned_at = now
    if draft.entered_by_id:  # the counter's, of which its owner knows nothing yet
        return True
    day = f"{timezone.localtime(expires_at(draft)):%d/%m/%Y}"
    notices.write(
        draft.owner,
        kind=KIND,
        subject=_("Bản nháp sắp hết hạn ngày %(day)s") % {"day": day},
        body=_(
            "Bản nháp “%(procedure)s” đã lâu không có thay đổi. Sau ngày %(day)s bản nháp và các "
            "tệp trong đó sẽ bị xóa. Nếu còn cần, ông/bà hãy mở bản nháp và điền tiếp; "
            "nếu không, ông/bà không cần làm gì."
        )
        % {"procedure": draft.revision.short_name, "day": day},
        dossier=draft,
        due_at=expires_at(draft),
        is_urgent=True,
    )
    return True


def _to_delete() -> DossierQuerySet:
    """Those warned long enough ago, by every way on which the warning was sent at all."""
    now = timezone.now()
    deliveries = Delivery.objects.filter(notice__dossier=OuterRef("pk"), notice__kind=KIND)
    in_time = deliveries.filter(sent_at__lte=now - _notice_time())
    return (
        _resting(now - datetime.timedelta(days=settings.DRAFT_DAYS))
        .filter(_warned_in_this_rest(), expiry_warned_at__lte=now - _notice_time())
        .filter(Exists(in_time) | ~Exists(deliveries))
    )


@transaction.atomic
def _delete(pk: int) -> bool:
    draft = _to_delete().once_locked(pk)  # a file may have come in meanwhile
    if draft is None:
        return False
    attachments.discard(draft)
    return True
