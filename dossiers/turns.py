"""Whose turn a dossier is at, by when, and what its reader can do about it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from dossiers.models import Dossier
from dossiers.notices import moment_text
from procedures import worktime

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

State = Dossier.State

_BUTTONS = {
    State.SUPPLEMENT_REQUIRED: (gettext_lazy("Bổ sung hồ sơ"), "dossiers:supplement"),
    State.PAYMENT_REQUIRED: (gettext_lazy("Nộp phí, lệ phí"), "payments:start"),
    State.AWAITING_CONFIRMATION: (gettext_lazy("Kiểm tra bản dự thảo"), "dossiers:draft_result"),
}

_SENTENCES = {
    State.SUBMITTED: gettext_lazy(
        "Hồ sơ đã nộp, chưa được tiếp nhận. %(office)s trả lời trước %(answer_by)s."
    ),
    State.ACCEPTED: gettext_lazy(
        "Hồ sơ đã được tiếp nhận và chờ thụ lý. Hẹn trả kết quả: %(promised)s."
    ),
    State.PROCESSING: gettext_lazy("Hồ sơ đang được giải quyết. Hẹn trả kết quả: %(promised)s."),
    State.AWAITING_APPROVAL: gettext_lazy("Hồ sơ đang chờ ký. Hẹn trả kết quả: %(promised)s."),
    State.AWAITING_CONFIRMATION: gettext_lazy(
        "Đến lượt ông/bà: hãy kiểm tra bản dự thảo và trả lời trước %(citizen_by)s."
    ),
    State.SUPPLEMENT_REQUIRED: gettext_lazy(
        "Đến lượt ông/bà: hãy bổ sung hồ sơ trước %(citizen_by)s."
    ),
    State.PAYMENT_REQUIRED: gettext_lazy(
        "Đến lượt ông/bà: hãy nộp phí, lệ phí trước %(citizen_by)s."
    ),
    State.COMPLETED: gettext_lazy("Đã có kết quả. %(delivery)s."),
    State.RETURNED: gettext_lazy("Kết quả đã được trả. Hồ sơ kết thúc."),
    State.REFUSED: gettext_lazy("Cơ quan không tiếp nhận hồ sơ; lý do ghi ở nhật ký dưới đây."),
    State.STOPPED: gettext_lazy("Cơ quan đã dừng giải quyết; lý do ghi ở nhật ký dưới đây."),
    State.WITHDRAWN: gettext_lazy("Ông/bà đã rút hồ sơ này."),
}

# For a death: no haste, no "result", nothing that could sound like good news.
_SOLEMN = {
    State.SUBMITTED: gettext_lazy(
        "Hồ sơ đã nộp, chưa được tiếp nhận. %(office)s sẽ trả lời trước %(answer_by)s; "
        "lúc này ông/bà không phải làm gì thêm."
    ),
    State.COMPLETED: gettext_lazy("Cơ quan đã giải quyết xong việc của gia đình. %(delivery)s."),
    State.RETURNED: gettext_lazy("Giấy tờ đã được trao cho gia đình. Hồ sơ kết thúc."),
}

_PAY_FIRST = gettext_lazy(
    "Đến lượt ông/bà: hãy nộp phí, lệ phí; hồ sơ chuyển đến cơ quan ngay sau khi nộp."
)
_PAY_FIRST_BY = gettext_lazy(
    "Đến lượt ông/bà: hãy nộp phí, lệ phí trước %(citizen_by)s; "
    "hồ sơ chuyển đến cơ quan ngay sau khi nộp."
)
_PAY = gettext_lazy("Đến lượt ông/bà: hãy nộp phí, lệ phí.")

# The same, for one who takes part and cannot act.
_OTHERS_TURN = {
    State.SUPPLEMENT_REQUIRED: gettext_lazy(
        "Đến lượt người nộp: bổ sung hồ sơ trước %(citizen_by)s."
    ),
    State.PAYMENT_REQUIRED: gettext_lazy("Đến lượt người nộp: nộp phí, lệ phí."),
    State.AWAITING_CONFIRMATION: gettext_lazy(
        "Đến lượt người nộp: kiểm tra bản dự thảo và trả lời trước %(citizen_by)s."
    ),
    State.WITHDRAWN: gettext_lazy("Người nộp đã rút hồ sơ này."),
}


@dataclass(frozen=True)
class Turn:
    """What one line of the list says: whose turn, by when, how long still, and the button.

    `due_at` and `left` are of the office's promise, or of the citizen's own time; the button
    has a `url` only for one who may press it.
    """

    sentence: str
    is_yours: bool
    due_at: datetime.datetime | None
    left: str
    is_late: bool
    label: str = ""
    url: str = ""


def turn(dossier: Dossier, viewer: User, calendar: worktime.Calendar) -> Turn:
    """The turn of a filed dossier as `viewer`, its owner or one who takes part, reads it."""
    is_yours = dossier.is_citizens_turn and dossier.owner_id == viewer.pk
    due = dossier.citizen_by if dossier.is_citizens_turn else dossier.due_at
    label, address = _BUTTONS.get(dossier.state, ("", "")) if is_yours else ("", "")
    return Turn(
        sentence=what_next(dossier, is_owner=dossier.owner_id == viewer.pk),
        is_yours=is_yours,
        due_at=due,
        left=left(dossier, calendar),
        is_late=due is not None and timezone.now() > due,
        label=str(label),
        url=reverse(address, args=[dossier.code]) if address else "",
    )


def left(dossier: Dossier, calendar: worktime.Calendar) -> str:
    """`còn 3 ngày làm việc`, `quá hạn 1 ngày làm việc`; the citizen's own time in plain days.

    "" where nothing is due, or the day lies past the years of the holiday table.
    """
    if dossier.is_citizens_turn:
        return _days_left(dossier.citizen_by)
    if dossier.due_at is None:
        return ""
    try:
        days = worktime.working_days_left(
            dossier.due_at, dossier.handling_agency, now=timezone.now(), calendar=calendar
        )
    except worktime.NoCalendar:
        return ""
    return _working_days_left(days, dossier.due_at)


def _working_days_left(days: int, due: datetime.datetime) -> str:
    if timezone.now() <= due:
        if days == 0:
            return _("hạn trong hôm nay")
        return ngettext("còn %(days)d ngày làm việc", "còn %(days)d ngày làm việc", days) % {
            "days": days
        }
    if days == 0:
        return _("quá hạn từ %(time)s hôm nay") % {"time": f"{timezone.localtime(due):%H:%M}"}
    return ngettext("quá hạn %(days)d ngày làm việc", "quá hạn %(days)d ngày làm việc", -days) % {
        "days": -days
    }


def _days_left(due: datetime.datetime | None) -> str:
    if due is None:
        return ""
    days = (timezone.localdate(due) - timezone.localdate()).days
    if timezone.now() > due:
        return _("đã hết thời gian")
    if days == 0:
        return _("hết hạn hôm nay")
    return ngettext("còn %(days)d ngày", "còn %(days)d ngày", days) % {"days": days}


def what_next(dossier: Dossier, *, is_owner: bool = True) -> str:
    """Whose turn it is and by when, in one sentence.

    `is_owner` is False for one who takes part in the dossier: it is not their turn to act.
    """
    is_refusal = dossier.outcome == Dossier.Outcome.REFUSED
    if is_refusal and dossier.state in (State.COMPLETED, State.RETURNED):
        return _("Cơ quan không đồng ý giải quyết hồ sơ này; lý do ghi ở thông báo kết quả.")
    return str(_sentence(dossier, is_owner=is_owner)) % {
        "office": dossier.receiving_agency.name,
        "answer_by": moment_text(dossier.answer_by),
        "promised": moment_text(dossier.promised_at),
        "citizen_by": moment_text(dossier.citizen_by),
        "delivery": dossier.get_delivery_display(),
    }


def _sentence(dossier: Dossier, *, is_owner: bool) -> object:
    if not is_owner and dossier.state in _OTHERS_TURN:
        return _OTHERS_TURN[dossier.state]
    if dossier.state == State.PAYMENT_REQUIRED:
        return _payment_sentence(dossier)
    if is_solemn(dossier) and dossier.state in _SOLEMN:
        return _SOLEMN[dossier.state]
    return _SENTENCES.get(dossier.state, "")


def _payment_sentence(dossier: Dossier) -> object:
    if waits_to_be_sent(dossier):
        return _PAY_FIRST_BY if dossier.citizen_by else _PAY_FIRST
    return _SENTENCES[State.PAYMENT_REQUIRED] if dossier.citizen_by else _PAY


def waits_to_be_sent(dossier: Dossier) -> bool:
    """Whether the fee is due at filing and not paid: the office has not got the dossier yet."""
    return dossier.state == State.PAYMENT_REQUIRED and not (
        dossier.accepted_at or dossier.answer_by
    )


def is_solemn(dossier: Dossier) -> bool:
    """Whether it is about a death, so that nothing on its pages may sound glad."""
    return dossier.revision.definition.get("tone") == "solemn"
