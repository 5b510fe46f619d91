"""The citizen's pages for answering the office: supplements, the draft result, withdrawal."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from dossiers import documents, filing, supplements, typed, withdrawing, workflow
from dossiers.documents import DocumentRow
from dossiers.draftresults import DraftCheck
from dossiers.forms import RepeatedSection, build_section_form, communes_for
from dossiers.models import Attachment, Dossier, SupplementRequest
from dossiers.supplements import FaultForm
from dossiers.views.following import get_dossier
from dossiers.views.uploads import store_all
from procedures.formspec.spec import Section
from procedures.text import normalise

MAX_WORDS = 4000

_DRAFT_ANSWERED = {
    "confirm_draft": gettext_lazy("Đã ghi nhận: ông/bà đồng ý với bản dự thảo."),
    "object_to_draft": gettext_lazy("Đã gửi những chỗ sai đến cơ quan để sửa bản dự thảo."),
}


# --- A supplement ---------------------------------------------------------------------


@typed.keeps_typed
@require_http_methods(["GET", "POST"])
def supplement(request: HttpRequest, code: str) -> HttpResponse:
    """The task list of a supplement: what is done, what is left; a POST sends it."""
    dossier = _get(request, code)
    asked = _asked(dossier)
    if asked is None or not _is_owners(request, dossier):
        return _too_late(request, dossier)
    if request.method == "POST" and (done := _send(request, dossier, asked)):
        return done
    kept = typed.of(request)
    tasks = supplements.tasks(dossier, asked)
    context = {
        "dossier": dossier,
        "asked": asked,
        "tasks": tasks,
        "left": sum(not task.is_done for task in tasks),
        "others": supplements.paper_row(dossier, asked, Attachment.OTHER).files,
        "obstacle": supplements.obstacle(supplements.amended(dossier, asked)),
        "answer": kept.get("answer", "") if kept else asked.answer,
        "is_unsaved": kept is not None,
    }
    return render(request, "dossiers/supplement.html", context)


def _send(request: HttpRequest, dossier: Dossier, asked: SupplementRequest) -> HttpResponse | None:
    """Keep the words and send it all, if that was the button; None where it was refused."""
    asked.answer = _words(request, "answer")
    try:
        supplements.save_words(dossier, asked.answer)
    except Dossier.DoesNotExist:
        return _too_late(request, dossier)
    typed.forget(request)
    if "send" not in request.POST:
        messages.success(request, _("Đã lưu lời nhắn."))
        return redirect("dossiers:supplement", dossier.code)
    if not _perform(request, dossier, "answer_supplement", answer=asked.answer):
        return None
    messages.success(request, _("Đã gửi bổ sung đến cơ quan."))
    return redirect(dossier)


def _get(request: HttpRequest, code: str) -> Dossier:
    """This person's dossier with what the pages of a supplement show; 404 for another's."""
    mine = Dossier.objects.visible_to(request.user).exclude(state=Dossier.State.DRAFT)
    shown = mine.select_related("revision__procedure", "handling_agency")
    rows = shown.prefetch_related("revision__documents", "attachments", "supplement_requests")
    return get_object_or_404(rows, code=code)


def _asked(dossier: Dossier) -> SupplementRequest | None:
    """The open request of a dossier whose turn it is."""
    if dossier.state != Dossier.State.SUPPLEMENT_REQUIRED:
        return None
    rows = dossier.supplement_requests.all()
    return next((row for row in rows if row.answered_at is None), None)


def _is_owners(request: HttpRequest, dossier: Dossier) -> bool:
    """Whether it is theirs to answer: who takes part in a dossier reads, the owner answers."""
    return dossier.owner_id == request.user.pk


def _words(request: HttpRequest, name: str, most: int = MAX_WORDS) -> str:
    return normalise(request.POST.get(name, ""))[:most].strip()


@typed.keeps_typed
@require_http_methods(["GET", "POST"])
def supplement_paper(request: HttpRequest, code: str, document: str) -> HttpResponse:
    """One paper of a supplement: its files, or why it cannot be given."""
    dossier = _get(request, code)
    asked = _asked(dossier)
    if asked is None or not _is_owners(request, dossier):
        return _too_late(request, dossier)
    row = supplements.paper_row(dossier, asked, document)
    if row is None:
        raise Http404
    if request.method == "POST":
        if done := _save_paper(request, dossier, row):
            return done
        # Read again, so that the page shows the files that were just kept.
        row = supplements.paper_row(_get(request, code), asked, document, row.error)
    kept = request.POST if request.method == "POST" else typed.of(request)
    explained = asked.explanations.get(document, "")
    context = {
        "dossier": dossier,
        "row": row,
        "rows": [row],
        "seen": filing.digest(explained),
        "explained": explained,
        "explanation": explained if kept is None else kept.get("explanation", ""),
        "note": asked.notes.get(document, ""),
        "can_explain": document != Attachment.OTHER,
        "is_unsaved": kept is not None and request.method != "POST",
        "wallet": documents.wallet(request.user),
        "use_url": reverse("dossiers:use_paper_again", args=[code]),
    }
    return render(request, "dossiers/supplement_paper.html", context)


def _save_paper(request: HttpRequest, dossier: Dossier, row: DocumentRow) -> HttpResponse | None:
    """Keep the good files and the explanation; None where the page has to come back."""
    row.error = store_all(request, dossier, row)
    if row.error:
        return None
    words, seen = _words(request, "explanation"), request.POST.get("seen", "")
    try:
        supplements.explain(dossier, row.key, words, seen=seen)
    except filing.Changed:
        _say_changed(request)
        return None
    except Dossier.DoesNotExist:
        return _too_late(request, dossier)
    typed.forget(request)
    if "add" in request.POST:
        return redirect("dossiers:supplement_paper", dossier.code, row.key)
    return redirect("dossiers:supplement", dossier.code)


def _say_changed(request: HttpRequest) -> None:
    messages.warning(
        request,
        _(
            "Phần này vừa được lưu ở một cửa sổ khác. Dưới đây là nội dung ông/bà vừa nhập, chưa "
            "lưu; nội dung đã lưu ghi ở cuối trang. Bấm lưu lần nữa nếu muốn thay."
        ),
    )


@typed.keeps_typed
@require_http_methods(["GET", "POST"])
def supplement_section(request: HttpRequest, code: str, section_id: str) -> HttpResponse:
    """The questions of one section that are at fault, or that the new answers opened."""
    dossier = _get(request, code)
    asked = _asked(dossier)
    if asked is None or not _is_owners(request, dossier):
        return _too_late(request, dossier)
    section = dossier.revision.form.section(section_id)
    if section is None or not supplements.is_open(dossier, asked, section):
        raise Http404
    if request.method == "POST":
        return _save_section(request, dossier, asked, section)
    kept = typed.of(request)
    form = _section_form(dossier, asked, section)
    if kept is not None and section.repeat:
        form = _section_form(dossier, asked, section, kept)
    if kept is not None:
        form.restore(kept)
    return _section_page(request, dossier, asked, section, form=form, kept=kept)


def _save_section(
    request: HttpRequest, dossier: Dossier, asked: SupplementRequest, section: Section
) -> HttpResponse:
    """Keep what was sent; the page again where something of it cannot be kept."""
    form = _section_form(dossier, asked, section, request.POST)
    if isinstance(form, RepeatedSection) and form.change_rows(request.POST):
        return _section_page(request, dossier, asked, section, form=form)
    form.check_references(request.user)
    if not form.is_valid():
        return _section_page(request, dossier, asked, section, form=form)
    seen = request.POST.get("seen", "")
    try:
        supplements.save_section(dossier, section.id, form.answer(), seen=seen)
    except filing.Changed:
        _say_changed(request)
        return _section_page(request, dossier, asked, section, form=form, is_changed=True)
    except Dossier.DoesNotExist:
        return _too_late(request, dossier)
    typed.forget(request)
    return redirect("dossiers:supplement", dossier.code)


def _section_page(
    request: HttpRequest,
    dossier: Dossier,
    asked: SupplementRequest,
    section: Section,
    *,
    form: FaultForm | RepeatedSection,
    kept: QueryDict | None = None,
    is_changed: bool = False,
) -> HttpResponse:
    """The page of a section; where another tab changed it, with what stands there now."""
    view = supplements.amended(dossier, asked)
    stored = filing.digest(view.answers.get(section.id))
    sent = request.POST if kept is None else kept
    faults = supplements.faults_of(dossier, asked)
    context = {
        "dossier": dossier, "section": section, "form": form, "is_unsaved": kept is not None,
        # A page that comes back must still know what it showed when it was drawn first.
        "seen": stored if is_changed else sent.get("seen") or stored,
        "faults": [row for row in faults
                   if row.key in asked.fields and row.key.startswith(f"{section.id}.")],
        "stands": supplements.words_of(view, section) if is_changed else "",
        "communes": communes_for(section, dossier),
    }  # fmt: skip
    return render(request, "dossiers/supplement_section.html", context)


def _section_form(
    dossier: Dossier, asked: SupplementRequest, section: Section, data: QueryDict | None = None
) -> FaultForm | RepeatedSection:
    view = supplements.amended(dossier, asked)
    if section.repeat:
        return build_section_form(section, view.answers, data)
    return FaultForm(section, view, supplements.shown_paths(dossier, asked, section), data)


# --- The draft result -----------------------------------------------------------------


@typed.keeps_typed
@require_http_methods(["GET", "POST"])
def draft_result(request: HttpRequest, code: str) -> HttpResponse:
    """Check the draft of the result line by line: agree, or say what is wrong."""
    dossier = get_dossier(request, code)
    if dossier.state != Dossier.State.AWAITING_CONFIRMATION or not _is_owners(request, dossier):
        return _too_late(request, dossier)
    kept = None if request.method == "POST" else typed.of(request)
    check = DraftCheck(dossier, request.POST if request.method == "POST" else kept)
    if request.method == "POST" and check.is_valid(agrees="agree" in request.POST):
        name = "confirm_draft" if "agree" in request.POST else "object_to_draft"
        if _perform(request, dossier, name, reason=check.objection()):
            typed.forget(request)
            messages.success(request, _DRAFT_ANSWERED[name])
            return redirect(dossier)
        dossier = get_dossier(request, code)
    context = {"dossier": dossier, "check": check, "is_unsaved": kept is not None}
    return render(request, "dossiers/draft_result.html", context)


# --- Withdrawal -----------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "POST"])
def withdraw(request: HttpRequest, code: str) -> HttpResponse:
    """Take a dossier back, after saying what that means."""
    dossier = get_dossier(request, code)
    open_moves = {action.name for action in workflow.open_to(dossier, request.user)}
    if "withdraw" not in open_moves:
        messages.error(request, withdrawing.why_not(dossier, request.user))
        return redirect(dossier)
    reason = request.POST.get("reason", "")[:1000]
    if request.method == "POST" and _perform(request, dossier, "withdraw", reason=reason):
        messages.success(request, _("Đã rút hồ sơ."))
        return redirect(dossier)
    context = {"dossier": dossier, "reason": reason, **withdrawing.consequences(dossier)}
    return render(request, "dossiers/withdraw.html", context)


# --- For all of them ------------------------------------------------------------------


def _too_late(request: HttpRequest, dossier: Dossier) -> HttpResponse:
    """Back to the dossier; one who sent something is told that it was not needed any more."""
    if not _is_owners(request, dossier):
        messages.warning(request, _("Việc này do người nộp hồ sơ thực hiện."))
    elif request.method == "POST":
        messages.warning(
            request, _("Hồ sơ đã thay đổi từ lúc mở trang; lần bấm vừa rồi không làm gì thêm.")
        )
    return redirect(dossier)


def _perform(request: HttpRequest, dossier: Dossier, name: str, **details: Any) -> bool:
    """Make the citizen's move; the page says it in words when it was not made."""
    version = request.POST.get("version", "")
    try:
        workflow.perform(
            dossier, name, by=request.user,
            version=int(version) if re.fullmatch("[0-9]{1,9}", version) else None, **details,
        )  # fmt: skip
    except workflow.Refused as error:
        messages.error(request, str(error))
        return False
    return True
