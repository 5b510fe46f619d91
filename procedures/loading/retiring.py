"""Taking a procedure out of force: one editor proposes it, another confirms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from procedures.loading.saving import NotTwoPeople
from procedures.models import Procedure, Retirement, Revision
from procedures.search import touch_catalogue

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User


class NotInForce(Exception):
    """The revision is no longer what is in force, or nobody proposed its end."""


@transaction.atomic
def propose(revision: Revision, *, decision: str, by: User) -> Retirement:
    """Propose to end the procedure of `revision`, which must be in force; `NotInForce` else.

    A proposal that is there already stays as it is.
    """
    _locked(revision)
    return Retirement.objects.get_or_create(
        revision=revision, defaults={"decision": decision, "proposed_by": by}
    )[0]


@transaction.atomic
def confirm(revision: Revision, *, by: User) -> None:
    """End it: `NotTwoPeople` for who proposed it, `NotInForce` where there is nothing to end.

    Dossiers that were filed stay under their revision; a draft can no longer be filed.
    """
    procedure = _locked(revision)
    retirement = Retirement.objects.filter(revision=revision).first()
    if retirement is None:
        raise NotInForce(_("Chưa có ai đề nghị ngừng áp dụng, hoặc đề nghị đã được bỏ."))
    if retirement.proposed_by_id == by.pk:
        raise NotTwoPeople(_("Người xác nhận phải khác người đề nghị."))
    now = timezone.now()
    Retirement.objects.filter(pk=retirement.pk).update(confirmed_at=now, confirmed_by=by)
    Revision.objects.filter(pk=revision.pk).update(
        status=Revision.Status.SUPERSEDED, superseded_at=now
    )
    procedure.current = None
    procedure.save(update_fields=["current"])
    touch_catalogue()


@transaction.atomic
def take_back(revision: Revision) -> None:
    """Drop a proposal that nobody has confirmed; `NotInForce` where it is too late."""
    _locked(revision)
    Retirement.objects.filter(revision=revision, confirmed_at=None).delete()


def _locked(revision: Revision) -> Procedure:
    procedure = Procedure.objects.select_for_update().get(pk=revision.procedure_id)
    if procedure.current_id != revision.pk:
        raise NotInForce(_("Bản này không còn là bản đang áp dụng."))
    return procedure
