"""What the citizen's pages say about a dossier: steps, answers, papers, the way so far."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from django.forms import CheckboxSelectMultiple, RadioSelect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import filing, ledger, results, workflow
from dossiers.attachments import size_text
from dossiers.models import Attachment, Dossier, Event, SupplementRequest
from dossiers.notices import moment_text
from procedures.formspec import conditions
from procedures.formspec.fields import display, type_of
from procedures.formspec.paperform import printed_papers
from procedures.formspec.spec import Field, Section
from procedures.formspec.webform import asked_sections, is_complete, questions
from procedures.models import Procedure, RequiredDocument

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


@dataclass(frozen=True)
class Step:
    """One page of the wizard."""

    id: str
    title: str
    url: str
    is_done: bool


def draft_steps(dossier: Dossier) -> list[Step]:
    """The pages of a draft in order; those that the answers do not lead to are left out."""

    def url(name: str, *rest: str) -> str:
        return reverse(f"dossiers:{name}", args=[dossier.key, *rest])

    form, answers = dossier.revision.form, dossier.answers
    steps = [
        Step("office", _("Nơi giải quyết"), url("office"), dossier.handling_agency_id is not None)
    ]
    steps += [
        Step(row.id, row.title, url("section", row.id), is_complete(row, answers))
        for row in asked_sections(form, answers)
    ]
    if filing.to_attach(dossier):
        done = not missing_documents(dossier)
        steps.append(Step("documents", _("Giấy tờ đính kèm"), url("documents"), done))
    steps.append(Step("check", _("Kiểm tra và nộp"), url("check"), False))
    return steps


def step_after(steps: list[Step], current: str) -> Step:
    """The page that follows; the first one left for a page that is not asked any more."""
    ids = [step.id for step in steps]
    if current not in ids:
        return first_left(steps)
    return steps[min(ids.index(current) + 1, len(steps) - 1)]


def first_left(steps: list[Step]) -> Step:
    """The first page that is not done; the check page never is."""
    return next(step for step in steps if not step.is_done)


def fingerprint(dossier: Dossier) -> str:
    """What the check page shows, in a few characters: filing must be of what was read."""
    seen = [
        dossier.revision_id,
        dossier.handling_agency_id,
        dossier.answers,
        sorted(file.key for file in dossier.attachments.all()),
    ]
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()[:16]


def step_before(steps: list[Step], current: str) -> Step | None:
    """The page before, or None for the first."""
    ids = [step.id for step in steps]
    index = ids.index(current) if current in ids else 0
    return steps[index - 1] if index else None


def redirection(dossier: Dossier) -> dict[str, Any] | None:
    """The other procedure that the answers lead to, with its page if we have one."""
    row = filing.redirection(dossier)
    if row is None:
        return None
    procedure = Procedure.objects.filter(code=row["to"], current__isnull=False).first()
    return {**row, "url": procedure.get_absolute_url() if procedure else ""}


# --- Papers to attach -----------------------------------------------------------------


@dataclass
class DocumentRow:
    """One paper on the page where papers are attached."""

    key: str
    name: str
    help: str
    is_optional: bool
    original_due: bool
    error: str
    files: list[dict[str, Any]] = field(default_factory=list)
    print_url: str = ""


def document_rows(dossier: Dossier, errors: dict[str, str]) -> list[DocumentRow]:
    """The papers that these answers call for, with the files attached so far."""
    files = list(dossier.attachments.all())
    printed = {row["id"] for row in printed_papers(dossier.revision)}
    rows = []
    for paper in filing.to_attach(dossier):
        row = _document_row(paper, files, errors)
        if paper.key in printed:
            row.print_url = reverse("dossiers:printed_paper", args=[dossier.key, paper.key])
        rows.append(row)
    return rows


def _document_row(
    row: RequiredDocument, files: list[Attachment], errors: dict[str, str]
) -> DocumentRow:
    return DocumentRow(
        key=row.key,
        name=row.name,
        help=row.help,
        is_optional=row.is_optional,
        original_due=row.original_due == "before_result",
        error=errors.get(row.key, ""),
        files=[_file(file) for file in files if file.document == row.key],
    )


def _file(file: Attachment) -> dict[str, Any]:
    return {
        "key": file.key,
        "document": file.document,
        "name": file.name,
        "size": size_text(file.size),
        "sha256": file.sha256,
        "is_submitted": file.submitted_at is not None,
    }


def missing_documents(dossier: Dossier) -> list[RequiredDocument]:
    """The papers that must be attached and are not."""
    attached = {file.document for file in dossier.attachments.all()}
    return [
        row for row in filing.to_attach(dossier) if not row.is_optional and row.key not in attached
    ]


def supplement_rows(
    dossier: Dossier, asked: SupplementRequest, errors: dict[str, str]
) -> list[DocumentRow]:
    """The papers that a supplement request asks for, and a place for any other file."""
    files = [file for file in dossier.attachments.all() if file.submitted_at is None]
    wanted = [row for row in dossier.revision.documents.all() if row.key in asked.documents]
    rows = [_document_row(row, files, errors) for row in wanted]
    other = DocumentRow(
        key=Attachment.OTHER,
        name=_("Tệp khác"),
        help="",
        is_optional=True,
        original_due=False,
        error=errors.get(Attachment.OTHER, ""),
        files=[_file(file) for file in files if file.document == Attachment.OTHER],
    )
    return [*rows, other]


# --- Answers --------------------------------------------------------------------------


def answer_sections(dossier: Dossier, *, edit: bool = False) -> list[dict[str, Any]]:
    """Every asked section with its answers in words; `edit` adds the way back to each."""
    return [
        {
            "title": section.title,
            "rows": _answers(section, dossier),
            "url": reverse("dossiers:section", args=[dossier.key, section.id]) if edit else "",
        }
        for section in asked_sections(dossier.revision.form, dossier.answers)
    ]


def _answers(section: Section, dossier: Dossier) -> list[dict[str, Any]]:
    given = dossier.answers.get(section.id)
    if not section.repeat:
        return _row_answers(section, given or {}, "")
    rows = []
    for number, row in enumerate(given or [], start=1):
        rows += _row_answers(
            section, row, f"{section.repeat.row_name} {number}: ", f"{number - 1}-"
        )
    return rows


def _row_answers(
    section: Section, row: dict, before: str, prefix: str = ""
) -> list[dict[str, Any]]:
    shown = []
    for question in questions(section.fields):
        answer = conditions.lookup(row, question.path)
        if answer is None:
            continue
        label = question.spec.label or section.title
        shown.append(
            {
                "label": f"{before}{label}",
                "value": display(question.spec, answer),
                "anchor": f"id_{prefix}{question.path}{_first_input(question.spec)}",
            }
        )
    return shown


def _first_input(spec: Field) -> str:
    """How the id of the question's first input ends."""
    suffix, first = next(iter(type_of(spec).inputs(spec).items()))
    is_group = isinstance(first.widget, RadioSelect | CheckboxSelectMultiple)
    return f"{suffix}_0" if is_group else suffix


# --- Following ------------------------------------------------------------------------


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
        "files": [_file(file) for file in dossier.attachments.all() if file.submitted_at],
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
