"""What taking a dossier back means: for the money, for originals, and when it is too late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from dossiers.models import Dossier

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User


def consequences(dossier: Dossier) -> dict[str, Any]:
    """What the page that asks says: fees paid and asked, and whether a notice is made."""
    payments = list(dossier.payments.all())
    paid = [line for row in payments if row.state == "paid" for line in row.lines]
    return {
        "refunded": [line["name"] for line in paid if line.get("is_refundable")],
        "not_refunded": [line["name"] for line in paid if not line.get("is_refundable")],
        "owes": any(row.state == "pending" for row in payments),
        "was_accepted": dossier.accepted_at is not None,
    }


def why_not(dossier: Dossier, user: User) -> str:
    """Why a dossier cannot be taken back any more, and what one can do instead."""
    if dossier.owner_id != user.pk:
        return _("Chỉ người nộp hồ sơ mới rút được hồ sơ này.")
    if dossier.state == Dossier.State.WITHDRAWN:
        return _("Ông/bà đã rút hồ sơ này rồi; hồ sơ không rút được nữa và không cần làm gì thêm.")
    if dossier.state == Dossier.State.AWAITING_CONFIRMATION:
        return _(
            "Hồ sơ đang chờ ông/bà kiểm tra bản dự thảo nên lúc này không rút được. Hãy trả lời "
            "bản dự thảo trước; nếu không cần kết quả nữa, ghi vào phần chỗ cần sửa."
        )
    if dossier.approved_at:
        return _(
            "Kết quả của hồ sơ đã được ký duyệt nên không rút được nữa. Nếu không cần kết quả, "
            "xin báo cho %(office)s, điện thoại %(phone)s."
        ) % {"office": dossier.receiving_agency.name, "phone": dossier.receiving_agency.phone}
    return _("Hồ sơ này đã kết thúc nên không rút được nữa.")
