"""What pages say of a filed dossier: whose turn it is, the way so far, what comes next."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import (
    behalf,
    complaints,
    exemptions,
    ledger,
    messages,
    participants,
    planned,
    resultchanges,
    results,
    supplements,
    workflow,
)
from dossiers.answers import answer_sections
from dossiers.attachments import size_text
from dossiers.documents import file_row, filed_files, paper_names
from dossiers.handing import showing
from dossiers.models import Dossier, Event, Paper
from dossiers.turns import is_solemn, turn, waits_to_be_sent, what_next
from procedures import worktime

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User
    from django.db.models import QuerySet

__all__ = ("BADGES", "page", "public_stage", "timeline", "tracking", "what_next")

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
    "submit_at_counter": gettext_lazy("Đã nộp hồ sơ tại nơi tiếp nhận"),
    "record_at_once": gettext_lazy("Hồ sơ được nhận và có kết quả ngay tại quầy"),
    "accept": gettext_lazy("Cơ quan đã tiếp nhận hồ sơ"),
    "give_back_originals": gettext_lazy("Cơ quan đã trả lại bản chính"),
    "refuse": gettext_lazy("Cơ quan không tiếp nhận hồ sơ"),
    "request_supplement": gettext_lazy("Cơ quan yêu cầu bổ sung"),
    "answer_supplement": gettext_lazy("Ông/bà đã gửi bổ sung"),
    "request_payment": gettext_lazy("Cơ quan yêu cầu nộp phí, lệ phí"),
    "confirm_payment": gettext_lazy("Đã nhận phí, lệ phí"),
    "refund_done": gettext_lazy("Đã hoàn trả phí, lệ phí"),
    "decide_exemption": gettext_lazy("Cơ quan trả lời đề nghị miễn, giảm phí, lệ phí"),
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
    "change_delivery": gettext_lazy("Đã đổi cách nhận kết quả"),
    "send_by_post": gettext_lazy("Kết quả đã giao bưu điện"),
    "extend": gettext_lazy("Cơ quan xin lỗi và hẹn lại ngày trả kết quả"),
    "transfer": gettext_lazy("Hồ sơ được chuyển đến cơ quan có thẩm quyền"),
    "stop": gettext_lazy("Cơ quan dừng giải quyết hồ sơ"),
    "withdraw": gettext_lazy("Ông/bà đã rút hồ sơ"),
    "renew_secret": gettext_lazy("Mã tra cứu được cấp lại tại quầy"),
    complaints.MADE: gettext_lazy("Ông/bà đã gửi phản ánh, khiếu nại"),
    complaints.RECEIVED: gettext_lazy("Cơ quan thụ lý khiếu nại"),
    complaints.ANSWERED: gettext_lazy("Cơ quan trả lời phản ánh, khiếu nại"),
    **participants.TOLD,
}
# What is no move, as officials read it in the ledger.
_OFFICE_WORDS = {
    ledger.LOOK: gettext_lazy("Xem hồ sơ"),
    messages.EVENT: gettext_lazy("Gửi tin nhắn"),
    "check": gettext_lazy("Đánh dấu kiểm tra"),
    "ask_opinion": gettext_lazy("Hỏi ý kiến"),
    "give_opinion": gettext_lazy("Cho ý kiến"),
    complaints.MADE: gettext_lazy("Có phản ánh, khiếu nại"),
    complaints.RECEIVED: gettext_lazy("Thụ lý khiếu nại"),
    complaints.ANSWERED: gettext_lazy("Trả lời phản ánh, khiếu nại"),
    "explain_breach": gettext_lazy("Giải trình vi phạm quy định"),
    "refund_propose": gettext_lazy("Đề nghị hoàn trả phí, lệ phí"),
    "refund_approve": gettext_lazy("Duyệt hoàn trả phí, lệ phí"),
    "refund_reject": gettext_lazy("Không duyệt hoàn trả phí, lệ phí"),
    "refund_done": gettext_lazy("Đã hoàn trả phí, lệ phí"),
    "refund_fail": gettext_lazy("Không hoàn trả được phí, lệ phí"),
    **participants.TOLD,
}
MOST_NOTICES = 20


def tracking(dossier: Dossier) -> dict[str, Any]:
    """What the pages of a filed dossier show whoever opens them, its people or its officials."""
    moves = {action.name for action in workflow.open_to(dossier, dossier.owner)}
    is_returned = dossier.state == State.RETURNED
    asked = next((row for row in dossier.supplement_requests.all() if not row.answered_at), None)
    return {
        "dossier": dossier,
        "badge": BADGES.get(dossier.state, "working"),
        "next": what_next(dossier),
        "timeline": timeline(dossier),
        "papers": [row for row in papers_of(dossier) if row["kind"] not in Paper.INTERNAL],
        "paid": paid(dossier),
        "results": resultchanges.given(dossier) if is_returned else [],
        "sections": answer_sections(dossier),
        "files": [file_row(file) for file in filed_files(dossier)],
        "asked": asked,
        "faults": supplements.faults_of(dossier, asked) if asked else [],
        "moves": moves,
        "exemptions": exemptions.rows_if_any(dossier),
        "owes_fee": dossier.state == State.COMPLETED and bool(results.unpaid_fees(dossier)),
        "owed": results.originals_owed(dossier) if dossier.state == State.COMPLETED else [],
    }


def paid(dossier: Dossier) -> QuerySet:
    """The payments that brought money, with receipt, biên lai and what went back of each."""
    rows = dossier.payments.filter(state="paid")
    return rows.select_related("receipt__cancelled_by", "legal_receipt").prefetch_related("refunds")


def _is_paying(dossier: Dossier, shown: dict[str, Any]) -> bool:
    """Whether the person began to pay and no word of the money has come: once more is twice."""
    is_asked = dossier.state == Dossier.State.PAYMENT_REQUIRED or shown["owes_fee"]
    begun = dossier.payments.filter(state="pending", started_at__isnull=False)
    return is_asked and begun.exists()


def page(dossier: Dossier, viewer: User) -> dict[str, Any]:
    """What one of its people sees on the page of a dossier: what is theirs to do, and the rest."""
    events = list(dossier.events.all())
    calendar = worktime.Calendar.load()
    is_owner = dossier.owner_id == viewer.pk
    shown = tracking(dossier)
    return shown | {
        "is_owner": is_owner,
        "principal": behalf.words(dossier),
        "handing": showing.for_person(dossier, viewer),
        "is_solemn": is_solemn(dossier),
        "is_unsent": waits_to_be_sent(dossier),
        "turn": turn(dossier, viewer, calendar),
        "is_paying": is_owner and _is_paying(dossier, shown),
        "moves": shown["moves"] if is_owner else set(),
        "papers": [
            row for row in shown["papers"] if is_owner or row["kind"] not in Paper.WITH_SECRET
        ],
        "desk": _desk(dossier, events),
        "steps": planned.steps(dossier, events, calendar),
        "stops": [row for row in planned.stops(dossier, events) if not row.is_before_filing],
        "looks": looks(events),
        "filed_papers": _filed_papers(dossier),
        "chain_is_whole": ledger.first_broken(events) is None,
        "notices": list(dossier.notices.filter(recipient=viewer)[:MOST_NOTICES]),
    }


def _desk(dossier: Dossier, events: list[Event]) -> dict[str, Any]:
    """Who has it in hand: the person, and since when; nobody before it was taken."""
    took = (event for event in reversed(events) if event.data.get("assignee"))
    event = next((row for row in took if row.data["assignee"] == dossier.assignee_id), None)
    is_with_someone = dossier.assignee_id and not dossier.is_final
    return {
        "person": dossier.assignee.get_full_name() if is_with_someone else "",
        "since": event.at if event and is_with_someone else None,
    }


def looks(events: Iterable[Event]) -> list[dict[str, Any]]:
    """Who of the office opened the dossier on which day and at what times, the latest first."""
    looks = [event for event in events if event.name == ledger.LOOK]
    looks.sort(key=lambda event: (timezone.localdate(event.at), event.actor_id), reverse=True)
    groups = itertools.groupby(looks, lambda e: (timezone.localdate(e.at), e.actor_id))
    return [_look_row(list(rows)) for _key, rows in groups]


def _look_row(events: list[Event]) -> dict[str, Any]:
    times = sorted({f"{timezone.localtime(event.at):%H:%M}" for event in events})
    return {
        "day": events[0].at,
        "name": events[0].actor.get_full_name(),
        "times": ", ".join(times),
    }


def _filed_papers(dossier: Dossier) -> list[dict[str, Any]]:
    """The filed files by the paper to which they belong, with the PDF that joins them."""
    names = paper_names(dossier)
    rows: dict[str, dict[str, Any]] = {}
    for file in filed_files(dossier):
        name = names.get(file.document, _("Tệp khác"))
        row = {"key": file.document, "name": name, "files": [], "bundles": []}
        row = rows.setdefault(file.document, row)
        row["files"].append(file_row(file))
    for bundle in dossier.bundles.all():
        if bundle.document in rows:
            rows[bundle.document]["bundles"].append(
                {"key": bundle.key, "pages": bundle.pages, "size": size_text(bundle.size)}
            )
    return list(rows.values())


def papers_of(dossier: Dossier) -> list[dict[str, Any]]:
    """The papers that the office issued, those that stay inside it among them."""
    return [
        {"title": _paper_title(paper), "kind": paper.kind, "token": paper.token,
         "is_ready": bool(paper.file), "created_at": paper.created_at}
        for paper in dossier.papers.all()
    ]  # fmt: skip


def _paper_title(paper: Paper) -> str:
    title = paper.get_kind_display()
    if paper.number == 1:
        return title
    return _("%(title)s (lần %(number)d)") % {"title": title, "number": paper.number}


def timeline(dossier: Dossier) -> list[dict[str, Any]]:
    """What happened, the latest first, in words for the citizen; looks are not moves."""
    told = [event for event in dossier.events.all() if event.name in TOLD]
    return [_told(event) for event in reversed(told)]


def office_words(event: Event) -> str:
    """What an event that is no move is called in the officials' ledger."""
    return str(_OFFICE_WORDS.get(event.name, _("Việc khác")))


def _told(event: Event) -> dict[str, Any]:
    note = getattr(event, "note", None)
    # What an official does is written down with the office for which they did it.
    by_office = event.agency_id is not None and event.actor_id is not None
    return {
        "at": event.at,
        "text": TOLD[event.name],
        "by": event.actor.get_full_name() if by_office else "",
        "note": note.text if note and note.is_public else "",
        "ground": note.legal_ground if note and note.is_public else "",
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
