"""Feedback and complaints, for who leads the office and who watches over it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from dossiers import complaints, desk, officials
from dossiers.models import Complaint
from procedures.postings import held

PAGE_SIZE = 50


class AnswerForm(forms.Form):
    """The office's answer; it is sent once."""

    answer = forms.CharField(
        label=gettext_lazy("Trả lời"),
        max_length=complaints.MAX_TEXT,
        widget=forms.Textarea({"rows": 8}),
        help_text=gettext_lazy(
            "Gửi đến người có hồ sơ ngay khi lưu; sau đó không sửa được nữa. Khiếu nại: ghi rõ nội "
            "dung đúng, đúng một phần hay sai, căn cứ, và quyền khiếu nại tiếp."
        ),
        error_messages={
            "required": gettext_lazy("Hãy viết câu trả lời."),
            "max_length": gettext_lazy("Nội dung dài quá; xin viết gọn trong 4.000 ký tự."),
        },
    )
    use_required_attribute = False


@officials.page(
    "khieu-nai/",
    name="complaints",
    roles=complaints.ANSWERS,
    label=gettext_lazy("Phản ánh, khiếu nại"),
)
@require_safe
def all_complaints(request: HttpRequest) -> HttpResponse:
    """Those to one's offices: what waits first, what is due next before it."""
    page = Paginator(_readable(request), PAGE_SIZE).get_page(request.GET.get("trang"))
    context = {
        **officials.frame(request, _("Phản ánh, khiếu nại")),
        "page": page,
        "rows": [{"complaint": row, "is_late": complaints.is_late(row)} for row in page],
    }
    return render(request, "admin/dossiers/complaints/list.html", context)


@officials.page("khieu-nai/<int:pk>/", name="complaint", roles=complaints.ANSWERS)
@require_http_methods(["GET", "HEAD", "POST"])
def complaint(request: HttpRequest, pk: int) -> HttpResponse:
    """One of them; a POST takes it up, or answers it once."""
    row = get_object_or_404(_readable(request), pk=pk)
    takes_up = "take_up" in request.POST
    is_answered_now = request.method == "POST" and not takes_up
    form = AnswerForm(request.POST if is_answered_now else None)
    if request.method == "POST" and (takes_up or form.is_valid()):
        return _write(request, row, form, takes_up=takes_up)
    return _page(request, row, form)


def _readable(request: HttpRequest) -> QuerySet[Complaint]:
    return complaints.for_page().filter(agency__in=desk.offices(request, complaints.ANSWERS))


def _write(
    request: HttpRequest, row: Complaint, form: AnswerForm, *, takes_up: bool
) -> HttpResponse:
    try:
        if takes_up:
            complaints.take_up(row, by=request.user)
            messages.success(request, _("Đã thụ lý; người khiếu nại đã được báo."))
            return redirect("admin:complaint", pk=row.pk)
        complaints.answer(row, form.cleaned_data["answer"], by=request.user)
    except complaints.NotKept as error:
        messages.error(request, str(error))
        return _page(request, row, form, status=409)
    messages.success(request, _("Đã gửi câu trả lời."))
    return redirect("admin:complaints")


def _page(
    request: HttpRequest, row: Complaint, form: AnswerForm, *, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        **officials.frame(request, row.get_kind_display()),
        "complaint": row,
        "form": form,
        "is_late": complaints.is_late(row),
        "waits_to_be_taken_up": complaints.is_waiting_to_be_taken_up(row),
        "take_up_by": complaints.take_up_by(row),
        "why_not": "" if row.answered_at else complaints.why_not(row, request.user, held(request)),
    }
    status = 409 if form.errors else status
    return render(request, "admin/dossiers/complaints/one.html", context, status=status)
