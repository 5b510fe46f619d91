"""What pages say of a filed dossier: whose turn it is, the way so far, what comes next."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import ledger, results, workflow
from dossiers.answers import answer_sections
from dossiers.documents import file_row
from dossiers.models import Dossier, Event
from dossiers.notices import moment_text

State = Dossier.State

BADGES = {
    State.DRAFT: "waiting",
    State.SUPPLEMENT_REQUIRED: "waiting",
    State.PAYMENT_REQUIRED: "waiting",
    State.AWAITING_CONFIRMATION: "waiting",
    State.COMPLETED: "done",
    State.RETURNED: "done",
    State.REFUSED: "stopped",
    State.STOPPED: "stopped",
    State.WITHDRAWN: "stopped",
}

# What each event is to the citizen; what is not here is the office's own business.
TOLD = {
    "submit": gettext_lazy("Đã nộp hồ sơ"),
    "accept": gettext_lazy("Cơ quan đã tiếp nhận hồ sơ"),
    "refuse": gettext_lazy("Cơ quan không tiếp nhận hồ sơ"),
    "request_supplement": gettext_lazy("Cơ quan yêu cầu bổ sung"),
    "answer_supplement": gettext_lazy("Ông/bà đã gửi bổ sung"),
    "request_payment": gettext_lazy("Cơ quan yêu cầu nộp phí, lệ phí"),
    "confirm_payment": gettext_lazy("Đã nhận phí, lệ phí"),
    "take": gettext_lazy("Hồ sơ được giao cho công chức thụ lý"),
    "send_draft": gettext_lazy("Bản dự thảo được gửi để ông/bà kiểm tra"),
    "confirm_draft": gettext_lazy("Ông/bà đã xác nhận bản dự thảo"),
    "object_to_draft": gettext_lazy("Ông/bà đề nghị sửa bản dự thảo"),
    "recall_draft": gettext_lazy("Cơ quan thu lại bản dự thảo để xem lại"),
    "confirm_by_silence": gettext_lazy("Hết thời gian kiểm tra bản dự thảo, coi như đồng ý"),
    "propose": gettext_lazy("Hồ sơ được trình người có thẩm quyền ký"),
    "send_back": gettext_lazy("Hồ sơ được xem lại trước khi ký"),
    "approve": gettext_lazy("Kết quả đã được ký duyệt"),
    "complete": gettext_lazy("Hồ sơ đã giải quyết xong"),
    "hand_over": gettext_lazy("Đã trả kết quả"),
    "extend": gettext_lazy("Cơ quan xin lỗi và hẹn lại ngày trả kết quả"),
    "transfer": gettext_lazy("Hồ sơ được chuyển đến cơ quan có thẩm quyền"),
    "stop": gettext_lazy("Cơ quan dừng giải quyết hồ sơ"),
    "withdraw": gettext_lazy("Ông/bà đã rút hồ sơ"),
}


def tracking(dossier: Dossier) -> dict[str, Any]:
    """The context of the page on which a citizen follows a dossier."""
    moves = {action.name for action in workflow.open_to(dossier, dossier.owner)}
    is_returned = dossier.state == State.RETURNED
    asked = next((row for row in dossier.supplement_requests.all() if not row.answered_at), None)
    return {
        "dossier": dossier,
        "badge": BADGES.get(dossier.state, "working"),
        "next": what_next(dossier),
        "timeline": timeline(dossier),
        "papers": _papers(dossier),
        "results": [row for row in dossier.results.all() if row.file] if is_returned else [],
        "sections": answer_sections(dossier),
        "files": [file_row(file) for file in dossier.attachments.all() if file.submitted_at],
        "asked": asked,
        "moves": moves,
        "owes_fee": dossier.state == State.COMPLETED and bool(results.unpaid_fees(dossier)),
        "owed": results.originals_owed(dossier) if dossier.state == State.COMPLETED else [],
        "chain_is_whole": ledger.first_broken(dossier.events.all()) is None,
    }


def _papers(dossier: Dossier) -> list[dict[str, Any]]:
    return [
        {"title": paper.get_kind_display(), "token": paper.token, "is_ready": bool(paper.file),
         "created_at": paper.created_at}
        for paper in dossier.papers.all()
    ]  # fmt: skip


def timeline(dossier: Dossier) -> list[dict[str, Any]]:
    """What happened, the latest first, in words for the citizen; looks are not moves."""
    told = [event for event in dossier.events.all() if event.name in TOLD]
    return [_told(event, dossier) for event in reversed(told)]


def _told(event: Event, dossier: Dossier) -> dict[str, Any]:
    note = getattr(event, "note", None)
    by_office = event.actor_id is not None and event.actor_id != dossier.owner_id
    return {
        "at": event.at,
        "text": TOLD[event.name],
        "by": event.actor.get_full_name() if by_office else "",
        "note": note.text if note and note.is_public else "",
        "ground": note.legal_ground if note and note.is_public else "",
    }


def what_next(dossier: Dossier) -> str:
    """Whose turn it is and by when, in one sentence."""
    office = dossier.receiving_agency.name
    sentences = {
        State.SUBMITTED: _(
            "Hồ sơ đã nộp, chưa được tiếp nhận. %(office)s trả lời trước %(answer_by)s."
        ),
        State.ACCEPTED: _("Hồ sơ đã được tiếp nhận và chờ thụ lý. Hẹn trả kết quả: %(promised)s."),
        State.PROCESSING: _("Hồ sơ đang được giải quyết. Hẹn trả kết quả: %(promised)s."),
        State.AWAITING_APPROVAL: _("Hồ sơ đang chờ ký. Hẹn trả kết quả: %(promised)s."),
        State.AWAITING_CONFIRMATION: _(
            "Đến lượt ông/bà: hãy kiểm tra bản dự thảo và trả lời trước %(citizen_by)s."
        ),
        State.SUPPLEMENT_REQUIRED: _("Đến lượt ông/bà: hãy bổ sung hồ sơ trước %(citizen_by)s."),
        State.PAYMENT_REQUIRED: _("Đến lượt ông/bà: hãy nộp phí, lệ phí."),
        State.COMPLETED: _("Đã có kết quả. %(delivery)s."),
        State.RETURNED: _("Kết quả đã được trả. Hồ sơ kết thúc."),
        State.REFUSED: _("Cơ quan không tiếp nhận hồ sơ; lý do ghi ở nhật ký dưới đây."),
        State.STOPPED: _("Cơ quan đã dừng giải quyết; lý do ghi ở nhật ký dưới đây."),
        State.WITHDRAWN: _("Ông/bà đã rút hồ sơ này."),
    }
    is_refusal = dossier.outcome == Dossier.Outcome.REFUSED
    if is_refusal and dossier.state in (State.COMPLETED, State.RETURNED):
        return _("Cơ quan không đồng ý giải quyết hồ sơ này; lý do ghi ở thông báo kết quả.")
    return sentences.get(dossier.state, "") % {
        "office": office,
        "answer_by": moment_text(dossier.answer_by),
        "promised": moment_text(dossier.promised_at),
        "citizen_by": moment_text(dossier.citizen_by),
        "delivery": dossier.get_delivery_display(),
    }


def public_stage(dossier: Dossier) -> dict[str, Any]:
    """What the code alone shows to anyone: the stage and the due day (Circular 01/2018 art. 16).

    A day is shown only while the office's clock runs.
    """
    runs = not dossier.is_final and not dossier.is_citizens_turn
    return {
        "code": dossier.code,
        "state": dossier.get_state_display(),
        "badge": BADGES.get(dossier.state, "working"),
        "promised_at": dossier.promised_at if runs and dossier.state != State.COMPLETED else None,
        "answer_by": dossier.answer_by if dossier.state == State.SUBMITTED else None,
        "office": dossier.receiving_agency,
        "is_overdue": dossier.is_overdue,
    }
