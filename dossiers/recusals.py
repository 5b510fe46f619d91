"""Stepping aside: the move by which an official leaves a dossier in which a relative stands."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import workflow
from dossiers.models import Dossier, Recusal

_State = Dossier.State
_UNDECIDED = (
    _State.SUBMITTED, _State.ACCEPTED, _State.PROCESSING, _State.AWAITING_CONFIRMATION,
    _State.AWAITING_APPROVAL, _State.SUPPLEMENT_REQUIRED, _State.PAYMENT_REQUIRED,
)  # fmt: skip
_LONGEST = Recusal._meta.get_field("reason").max_length


def _step_aside(move: workflow.Move) -> None:
    """Kept for good: an official who could take the word back could decide after all."""
    reason = move.text("reason", _("Hãy ghi ông/bà có quan hệ thế nào với người trong hồ sơ."))
    if len(reason) > _LONGEST:
        text = _("Lý do dài quá %(count)d ký tự; hãy ghi ngắn gọn.")
        raise workflow.Refused(text % {"count": _LONGEST})
    Recusal.objects.create(dossier=move.dossier, user=move.by, reason=reason)
    if move.dossier.assignee_id == move.by.pk:
        move.dossier.assignee = None


workflow.register(
    workflow.Action(
        "step_aside",
        gettext_lazy("Tôi có người thân trong hồ sơ này"),
        _UNDECIDED,
        _step_aside,
        roles=("reception", "case_officer", "approver", "leader", "cashier"),
        asks=("reason",),
        is_final=True,
    )
)
