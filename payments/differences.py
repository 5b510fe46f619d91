"""What does not agree: in our own books, or between us and a gateway or a bank."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

KINDS = {
    "no_receipt": gettext_lazy("Đã nộp nhưng chưa có xác nhận thanh toán"),
    "receipt_unpaid": gettext_lazy("Có xác nhận thanh toán nhưng khoản chưa được nộp"),
    "numbering": gettext_lazy("Số xác nhận không liên tục"),
    "counter_entry": gettext_lazy("Xác nhận bị hủy mà tiền chưa hoàn đủ"),
    "not_cancelled": gettext_lazy("Đã hoàn đủ nhưng xác nhận chưa bị hủy"),
    "bank_sum": gettext_lazy("Tiền chuyển khoản đã ghép không bằng khoản đã nộp"),
    "bank_line": gettext_lazy("Tiền về đã ghép cho khoản không nộp bằng chuyển khoản"),
    "refund_sum": gettext_lazy("Hoàn trả nhiều hơn số được hoàn"),
    "refund_state": gettext_lazy("Hoàn trả thiếu người duyệt hoặc thiếu thời điểm"),
    "no_movement": gettext_lazy("Tiền mặt chưa ghi vào quầy của thu ngân nào"),
    "movement": gettext_lazy("Quầy ghi tiền mà không có khoản thu, khoản hoàn bằng tiền mặt"),
    "close_sum": gettext_lazy("Lần chốt quầy không bằng tổng các khoản của nó"),
    "paid_twice": gettext_lazy("Một khoản đã nộp hai lần mà chưa đánh dấu hoàn trả"),
    "still_asked": gettext_lazy("Hồ sơ vẫn chờ nộp khoản đã nộp"),
    "not_offered": gettext_lazy("Hồ sơ đã kết thúc mà khoản được hoàn chưa đánh dấu hoàn trả"),
    "said_twice": gettext_lazy("Đối tác báo tiền về lần nữa cho khoản đã nộp"),
    "said_other": gettext_lazy("Đối tác báo số tiền khác số phải nộp"),
    "silent": gettext_lazy("Đã chuyển sang cổng thanh toán quá một ngày mà chưa rõ kết quả"),
    "missing_ours": gettext_lazy("Đối tác có, sổ thu chưa ghi"),
    "missing_theirs": gettext_lazy("Sổ thu đã ghi, đối tác không có"),
    "amount": gettext_lazy("Số tiền khác nhau"),
    "transaction": gettext_lazy("Mã giao dịch khác nhau"),
    "theirs_twice": gettext_lazy("Đối tác ghi hai lần"),
    "refund_unknown": gettext_lazy("Đối tác đã hoàn, sổ thu chưa ghi"),
}


@dataclass(frozen=True)
class Difference:
    """One thing that does not agree: its kind, what it is about, and what each side says."""

    kind: str
    reference: str
    ours: str = ""
    theirs: str = ""

    def __str__(self) -> str:
        """One line for the person who looks into it."""
        said = f"{KINDS[self.kind]}: {self.reference}"
        if self.ours:
            said += "; " + _("sổ thu: %(ours)s") % {"ours": self.ours}
        if self.theirs:
            said += "; " + _("đối tác: %(theirs)s") % {"theirs": self.theirs}
        return said

    def as_data(self) -> dict[str, str]:
        """As `Reconciliation.differences` keeps it."""
        return {
            "kind": self.kind,
            "reference": self.reference,
            "ours": self.ours,
            "theirs": self.theirs,
        }
