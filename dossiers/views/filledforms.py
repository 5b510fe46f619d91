"""Uploading a form that was filled in as a PDF, to get back what was typed."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from dossiers import drafting, filledforms
from dossiers.answers import answer_sections
from dossiers.models import Dossier
from dossiers.throttling import allow_key
from dossiers.views.files import download
from procedures.formspec.acroform import MAX_MB, Reading, Unreadable, read, still_missing
from procedures.formspec.paperform import NoSuchPaper, filled_paper
from procedures.models import Procedure
from procedures.presenting import closed_reason

# What was read is shown on the next page, once, to the person who uploaded it.
_REPORT = "filled_form"
_PER_MINUTE = 10


@login_required
@require_http_methods(["GET", "POST"])
def read_pdf(request: HttpRequest, code: str) -> HttpResponse:
    """Choose the filled PDF; a POST makes or completes a draft of it.

    Where the procedure cannot be filed here, it only says what is filled in and what is
    missing; nothing is kept.
    """
    procedure = get_object_or_404(Procedure.objects.for_page(), code=code)
    if not procedure.current.has_form or procedure.current.service_level < 2:
        raise Http404
    if request.method == "GET":
        return _choose(request, procedure)
    try:
        reading = _read(request, procedure)
    except Unreadable as error:
        return _choose(request, procedure, error=str(error), other=error.other)
    reason = closed_reason(procedure.current)
    if reason:
        return _checked(request, procedure, reading, reason)
    if not reading.count:
        message = _("Không có câu trả lời nào trong tệp dùng được. Xin xem lý do ở dưới.")
        return _choose(request, procedure, error=message, unread=reading.unread)
    try:
        taken = _take(request, procedure, reading)
    except Dossier.DoesNotExist:
        message = _("Bản nháp đã chọn vừa được nộp hoặc đã xóa; hãy chọn lại.")
        return _choose(request, procedure, error=message)
    _remember(request, taken, reading)
    return redirect("dossiers:pdf_read", taken.draft.key)


@login_required
@require_GET
def pdf_read(request: HttpRequest, key: str) -> HttpResponse:
    """What came of the file: what was read, what was not, what the draft kept."""
    drafts = Dossier.objects.drafts_of(request.user)
    draft = get_object_or_404(drafts.select_related("revision__procedure"), key=key)
    report = request.session.get(_REPORT) or {}
    if report.get("key") != draft.key:
        return redirect("dossiers:draft", draft.key)
    first_left = drafting.first_left(drafting.draft_steps(draft))
    context = {
        "dossier": draft,
        "report": report,
        "sections": _answered(draft, edit=True),
        "next": first_left,
    }
    return render(request, "dossiers/pdf_read.html", context)


@login_required
@require_safe
def printed_paper(request: HttpRequest, key: str, document: str) -> HttpResponse:
    """A paper that others sign, printed from one section of a draft."""
    drafts = Dossier.objects.drafts_of(request.user)
    draft = get_object_or_404(
        drafts.select_related("revision__procedure", "handling_agency"), key=key
    )
    if not allow_key(f"printed-paper:{request.user.pk}", per_minute=_PER_MINUTE):
        return HttpResponse(_("Ông/bà tải quá nhanh; xin đợi một phút rồi thử lại."), status=429)
    try:
        pdf = filled_paper(draft.revision, document, draft.answers, office=draft.handling_agency)
    except NoSuchPaper:
        raise Http404 from None
    return download(ContentFile(pdf), f"{document.replace('_', '-')}.pdf", "application/pdf")


@login_required
@require_safe
def printed_form(request: HttpRequest, key: str) -> HttpResponse:
    """The whole form of a draft on paper, to be handed in at the counter.

    Its QR code opens the draft there, for reception and against the card (`counter.entry`).
    """
    drafts = Dossier.objects.drafts_of(request.user)
    draft = get_object_or_404(
        drafts.select_related("revision__procedure", "handling_agency", "owner"), key=key
    )
    if not allow_key(f"printed-paper:{request.user.pk}", per_minute=_PER_MINUTE):
        return HttpResponse(_("Ông/bà tải quá nhanh; xin đợi một phút rồi thử lại."), status=429)
    pdf = filledforms.printed(draft)
    return download(ContentFile(pdf), f"{filledforms.file_name(draft)}.pdf", "application/pdf")


def _drafts(request: HttpRequest, procedure: Procedure) -> QuerySet[Dossier]:
    own = Dossier.objects.drafts_of(request.user).order_by("-updated_at")
    return own.filter(revision__procedure=procedure)


def _read(request: HttpRequest, procedure: Procedure) -> Reading:
    if not allow_key(f"filled-form:{request.user.pk}", per_minute=_PER_MINUTE):
        raise Unreadable(_("Ông/bà tải lên quá nhanh; xin đợi một phút rồi thử lại."))
    file = request.FILES.get("tep")
    if not isinstance(file, UploadedFile):
        raise Unreadable(_("Hãy chọn tệp PDF đã điền."))
    # One byte more than is taken tells that it is too large, without reading all of it.
    return read(file.read(MAX_MB * 1024 * 1024 + 1), procedure)


def _take(request: HttpRequest, procedure: Procedure, reading: Reading) -> filledforms.Taken:
    key = request.POST.get("ban_nhap", "")
    if not key:
        return filledforms.start(procedure, reading, by=request.user)
    drafts = _drafts(request, procedure).select_related("revision__procedure__current")
    return filledforms.complete(drafts.get(key=key[:22]), reading)


def _remember(request: HttpRequest, taken: filledforms.Taken, reading: Reading) -> None:
    request.session[_REPORT] = {
        "key": taken.draft.key,
        "count": taken.count,
        "is_older": reading.is_older,
        "unread": [dataclasses.asdict(row) for row in reading.unread],
        "kept": [dataclasses.asdict(row) for row in taken.kept],
        "dropped": [dataclasses.asdict(row) for row in taken.dropped],
    }


def _choose(request: HttpRequest, procedure: Procedure, **context: Any) -> HttpResponse:
    context |= {
        "procedure": procedure,
        "revision": procedure.current,
        "closed_reason": closed_reason(procedure.current),
        "drafts": list(_drafts(request, procedure)[:20]),
        "max_mb": MAX_MB,
    }
    return render(request, "dossiers/read_pdf.html", context)


def _answered(dossier: Dossier, *, edit: bool = False) -> list[dict[str, Any]]:
    """The sections in which anything is answered."""
    return [row for row in answer_sections(dossier, edit=edit) if row["rows"]]


def _checked(
    request: HttpRequest, procedure: Procedure, reading: Reading, reason: str
) -> HttpResponse:
    """The check of a form that is handed in at the counter; nothing of it is kept."""
    context = {
        "procedure": procedure,
        "revision": procedure.current,
        "closed_reason": reason,
        "reading": reading,
        "sections": _answered(Dossier(revision=reading.revision, answers=reading.answers)),
        "missing": still_missing(procedure.current.form, reading.answers),
    }
    return render(request, "dossiers/pdf_checked.html", context)
