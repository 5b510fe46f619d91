"""Choosing anew how the result is to come: the citizen's own wish, until it is on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers.handing import addresses, posting, readying
from dossiers.models import Dossier, Parcel
from dossiers.workflow import Action, Move, Refused, Role, State, register
from procedures.presenting import GIVE_BY

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

Delivery = Dossier.Delivery


def ways(dossier: Dossier) -> list[str]:
    """The ways that the procedure gives, without those that this result cannot take.

    A result that is there on paper alone does not come online.
    """
    offered = list(dossier.revision.result.get("give_by", [Delivery.COUNTER]))
    if dossier.state == State.COMPLETED and not _has_file(dossier):
        offered = [way for way in offered if way != Delivery.ONLINE]
    return offered


def _has_file(dossier: Dossier) -> bool:
    return any(result.file for result in dossier.results.all())


def choices(dossier: Dossier) -> list[tuple[str, str]]:
    """The ways with their words, as a form offers them."""
    return [(way, _("Nhận %(way)s") % {"way": GIVE_BY[way]}) for way in ways(dossier)]


def why_not(dossier: Dossier, by: User) -> str:
    """Why this person cannot choose anew; "" where they can."""
    if dossier.state == State.DRAFT or dossier.is_final:
        return _("Hồ sơ đã kết thúc nên không đổi cách nhận kết quả được nữa.")
    parcel = posting.latest(dossier) if dossier.state == State.COMPLETED else None
    if parcel and parcel.state in posting.UNDER_WAY:
        return _("Kết quả đã giao cho bưu điện nên không đổi cách nhận được nữa.")
    is_back = parcel is not None and parcel.state == Parcel.State.CAME_BACK
    if dossier.state == State.COMPLETED and by.pk == dossier.owner_id and not is_back:
        return _(
            "Kết quả đã sẵn sàng theo cách ông/bà chọn nên không tự đổi trên cổng được nữa. Cần "
            "đổi, xin gọi hoặc đến Bộ phận Tiếp nhận và Trả kết quả."
        )
    if len(ways(dossier)) < 2 and not is_back:
        return _("Kết quả của thủ tục này chỉ có một cách nhận.")
    return ""


class DeliveryForm(addresses.PostFields):
    """How the result is to come, with the address where it goes by post."""

    use_required_attribute = False

    delivery = forms.ChoiceField(
        label=gettext_lazy("Nhận kết quả"),
        widget=forms.RadioSelect,
        error_messages={
            "required": gettext_lazy("Hãy chọn cách nhận kết quả."),
            "invalid_choice": gettext_lazy("Hãy chọn một trong các cách đã nêu."),
        },
    )

    def __init__(self, data: object = None, *, dossier: Dossier):
        super().__init__(data, initial={"delivery": dossier.delivery})
        self.fields["delivery"].choices = choices(dossier)
        if Delivery.POST in ways(dossier):
            self.add_post_fields(dossier)


def _change(move: Move) -> None:
    """The wish of the citizen, made by them or at the desk on their request.

    The ledger keeps the way, never the address.
    """
    dossier, way = move.dossier, str(move.details.get("delivery") or "")
    if reason := why_not(dossier, move.by):
        raise Refused(reason)
    if way not in ways(dossier):
        raise Refused(_("Hãy chọn một trong các cách nhận kết quả của thủ tục này."))
    address = move.details.get("address") or {}
    if way == Delivery.POST and not addresses.is_complete(address):
        raise Refused(_("Hãy ghi đủ nơi nhận: họ tên, điện thoại, địa chỉ."))
    move.data = {"from": dossier.delivery, "to": way}
    dossier.delivery = way
    dossier.delivery_address = address if way == Delivery.POST else {}
    if dossier.state == State.COMPLETED:
        posting.drop_ready(dossier, by=move.by)
        readying.ready(move)


register(
    Action(
        "change_delivery", gettext_lazy("Đổi cách nhận kết quả"),
        (State.SUBMITTED, State.ACCEPTED, State.PROCESSING, State.AWAITING_APPROVAL,
         State.AWAITING_CONFIRMATION, State.SUPPLEMENT_REQUIRED, State.PAYMENT_REQUIRED,
         State.COMPLETED),
        _change, roles=(Role.RECEPTION,), citizen=True, asks=("delivery",), after_approval=True,
        offered=lambda dossier: len(ways(dossier)) > 1,
    )
)  # fmt: skip
