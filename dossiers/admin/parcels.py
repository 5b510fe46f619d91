"""The desk's page "Gửi bưu chính": what is ready, what is with the post, what the post says."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dossiers import officials, workflow
from dossiers.admin.batch import join_papers
from dossiers.handing import postfiles, posting
from dossiers.handing.addresses import is_complete
from dossiers.models import Dossier, OfficePaper, Paper, Parcel
from procedures.models import Agency, Posting
from procedures.postings import offices_of
from procedures.tables import Unreadable

RECEPTION = frozenset({Posting.Role.RECEPTION})
State = Parcel.State
SHOWN = 200
MOST = 100
_OUTCOME, _LINES_KEPT = "post_file", 100
_LONGEST_KEY = 18


def _desks(request: HttpRequest) -> frozenset[int]:
    if request.user.is_superuser:
        return frozenset(Agency.objects.values_list("pk", flat=True))
    return offices_of(request.user, RECEPTION)


def _mine(request: HttpRequest) -> Any:
    """The parcels of the desks of who asks, with what a list shows of each."""
    rows = Parcel.objects.filter(dossier__receiving_agency__in=_desks(request))
    return rows.select_related(
        "dossier__revision", "dossier__owner", "dossier__receiving_agency", "label"
    ).defer("label__facts", "dossier__revision__definition")


@officials.page(
    "gui-buu-chinh/", name="parcels", roles=RECEPTION, label=gettext_lazy("Gửi bưu chính")
)
@require_safe
def parcels(request: HttpRequest) -> HttpResponse:
    """Ready, with the post, come back, and what cannot be sent yet with the reason."""
    waiting = _waiting(request)
    context = {
        **officials.frame(request, _("Gửi bưu chính")),
        "ready": _mine(request).filter(state=State.READY)[:SHOWN],
        "under_way": _mine(request)
        .filter(state__in=posting.UNDER_WAY)
        .order_by("state_at")[:SHOWN],
        "came_back": [row for row in waiting if row.came_back],
        "owed": [
            {
                "dossier": row,
                "why": posting.owed(row),
                "move": "prepare_parcel"
                if is_complete(row.delivery_address)
                else "change_delivery",
            }
            for row in waiting
            if not row.came_back
        ],
        "file_form": FileForm(),
    }
    return render(request, "admin/dossiers/parcels/list.html", context)


def _waiting(request: HttpRequest) -> list[Dossier]:
    """Results that are to go by post and have no parcel open; `came_back` is the one that did."""
    rows = Dossier.objects.filter(
        state=Dossier.State.COMPLETED, delivery=Dossier.Delivery.POST,
        receiving_agency__in=_desks(request),
    ).exclude(parcels__in=Parcel.objects.exclude(state__in=Parcel.ENDED))  # fmt: skip
    rows = rows.select_related(
        "revision__procedure", "owner", "receiving_agency", "handling_agency"
    ).prefetch_related(
        "parcels", "payments", "results", "exemption_claims", "revision__fees__channels",
        "revision__documents", "revision__channels",
    ).order_by("completed_at")[:SHOWN]  # fmt: skip
    found = list(rows)
    for row in found:
        newest = max(row.parcels.all(), key=lambda parcel: parcel.pk, default=None)
        row.came_back = newest if newest and newest.state == State.CAME_BACK else None
    return found


# --- Several at once ----------------------------------------------------------------------


class Wrong(Exception):
    """Nothing was done; the message says why."""


@officials.page("gui-buu-chinh/nhieu/", name="parcels_chosen", roles=RECEPTION)
@require_POST
def parcels_chosen(request: HttpRequest) -> HttpResponse:
    """Print the labels of the ticked parcels, or hand these to the post together."""
    try:
        chosen = _chosen(request)
        if "labels" in request.POST:
            return _labels(request, chosen)
        if "sure" in request.POST:
            return _hand_over(request, chosen)
    except Wrong as error:
        messages.error(request, str(error))
        return redirect("admin:parcels")
    return _ask(request, chosen, {})


def _chosen(request: HttpRequest) -> list[Parcel]:
    keys = {key for key in request.POST.getlist("chosen") if _is_key(key)}
    if not keys:
        raise Wrong(_("Hãy đánh dấu ít nhất một bưu gửi."))
    if len(keys) > MOST:
        raise Wrong(_("Mỗi lần làm được nhiều nhất %(most)d bưu gửi.") % {"most": MOST})
    found = list(_mine(request).filter(pk__in=keys, state=State.READY))
    if len(found) < len(keys):
        text = _("Có bưu gửi không còn chờ gửi, hoặc không thuộc nơi của ông/bà; xin chọn lại.")
        raise Wrong(text)
    return found


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _LONGEST_KEY


def _labels(request: HttpRequest, chosen: list[Parcel]) -> HttpResponse:
    """The labels as one PDF; each is a file already and only joined."""
    missing = [parcel for parcel in chosen if parcel.label is None]
    for parcel in missing:
        posting.ask_for_label(parcel)
    if missing or any(not parcel.label.file for parcel in chosen):
        raise Wrong(_("Nhãn đang được lập, thường chỉ mất ít giây; xin bấm “In nhãn” lần nữa."))
    papers = Paper.objects.filter(pk__in=[parcel.label_id for parcel in chosen])
    return FileResponse(
        join_papers(papers.order_by("dossier__code")),
        filename="nhan-buu-chinh.pdf",
        content_type="application/pdf",
    )


def _ask(
    request: HttpRequest, chosen: list[Parcel], faults: dict[int, str], status: int = 200
) -> HttpResponse:
    """A number for each parcel, typed or scanned one after the other."""
    rows = [
        {"parcel": parcel, "number": request.POST.get(f"number-{parcel.pk}", ""),
         "fault": faults.get(parcel.pk, "")}
        for parcel in chosen
    ]  # fmt: skip
    context = {
        **officials.frame(request, _("Giao bưu điện")),
        "rows": rows,
        "carrier": request.POST.get("carrier", posting.CARRIER),
        "faulty": faults,
    }
    return render(request, "admin/dossiers/parcels/hand.html", context, status=status)


def _hand_over(request: HttpRequest, chosen: list[Parcel]) -> HttpResponse:
    numbers, faults = _numbers(request, chosen)
    desks = {parcel.dossier.receiving_agency for parcel in chosen}
    if len(desks) > 1:
        raise Wrong(_("Mỗi bảng kê là của một nơi gửi; xin chọn bưu gửi của một nơi."))
    if faults:
        return _ask(request, chosen, faults, status=422)
    try:
        paper = _hand(request, chosen, numbers, desks.pop())
    except workflow.Refused as error:
        messages.error(request, str(error))
        return _ask(request, chosen, {}, status=409)
    text = _("Đã giao bưu điện %(count)d bưu gửi; xin in bảng kê để hai bên ký.")
    messages.success(request, text % {"count": len(chosen)})
    return redirect("admin:office_paper", paper.token)


def _hand(
    request: HttpRequest, chosen: list[Parcel], numbers: dict[int, str], desk: Agency
) -> OfficePaper:
    rows = [(parcel, numbers[parcel.pk]) for parcel in chosen]
    carrier = request.POST.get("carrier", "")
    return posting.hand_to_post(rows, desk, carrier=carrier, by=request.user)


def _numbers(request: HttpRequest, chosen: list[Parcel]) -> tuple[dict[int, str], dict[int, str]]:
    """The number of each parcel, and what is wrong with those that are none."""
    numbers: dict[int, str] = {}
    faults: dict[int, str] = {}
    for parcel in chosen:
        try:
            number = posting.tracking_number(request.POST.get(f"number-{parcel.pk}", ""))
        except workflow.Refused as error:
            faults[parcel.pk] = str(error)
            continue
        if number in numbers.values():
            faults[parcel.pk] = _("Mã này đã ghi cho bưu gửi khác ở trên.")
        numbers[parcel.pk] = number
    return numbers, faults


# --- One parcel ---------------------------------------------------------------------------


class NewsForm(forms.Form):
    """What the post said of a parcel, by telephone or on its site."""

    use_required_attribute = False

    state = forms.ChoiceField(
        label=gettext_lazy("Trạng thái"),
        choices=[(state.value, state.label) for state in posting.NEWS],
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Hãy chọn một trạng thái.")},
    )
    at = forms.DateTimeField(
        label=gettext_lazy("Lúc"),
        input_formats=["%H:%M %d/%m/%Y", "%d/%m/%Y %H:%M"],
        widget=forms.DateTimeInput({"autocomplete": "off"}, format="%H:%M %d/%m/%Y"),
        help_text=gettext_lazy("Ví dụ: 09:30 25/11/2026"),
        error_messages={
            "required": gettext_lazy("Hãy ghi giờ và ngày."),
            "invalid": gettext_lazy("Ghi như 09:30 25/11/2026."),
        },
    )
    note = forms.CharField(
        label=gettext_lazy("Người nhận hoặc lý do"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Khi đã phát: ai nhận. Khi chưa phát được: vì sao."),
    )


@officials.page("gui-buu-chinh/<int:pk>/", name="parcel", roles=RECEPTION)
@require_http_methods(["GET", "HEAD", "POST"])
def parcel(request: HttpRequest, pk: int) -> HttpResponse:
    """The journey of one parcel, and what the post says now."""
    row = get_object_or_404(_mine(request), pk=pk)
    form = NewsForm(request.POST or None, initial={"at": timezone.localtime()})
    if request.method == "POST" and form.is_valid() and _notes(request, row, form):
        messages.success(request, _("Đã ghi trạng thái của bưu gửi."))
        return redirect("admin:parcel", pk)
    context = {
        **officials.frame(request, _("Bưu gửi %(number)s") % {"number": row}),
        "parcel": row,
        "place": posting.place_of(row),
        "events": row.events.select_related("by"),
        "form": form if row.state in posting.UNDER_WAY else None,
    }
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "admin/dossiers/parcels/one.html", context, status=status)


def _notes(request: HttpRequest, row: Parcel, form: NewsForm) -> bool:
    given = form.cleaned_data
    try:
        posting.record(row, given["state"], at=given["at"], note=given["note"], by=request.user)
    except workflow.Refused as error:
        form.add_error(None, str(error))
        return False
    return True


# --- The post's file ----------------------------------------------------------------------


class FileForm(forms.Form):
    """The post's file of states."""

    use_required_attribute = False

    file = forms.FileField(
        label=gettext_lazy("Tệp trạng thái của bưu điện (CSV hoặc XLSX)"),
        help_text=gettext_lazy("Có các cột: Mã bưu gửi, Trạng thái, Thời gian."),
        error_messages={
            "required": gettext_lazy("Hãy chọn tệp."),
            "empty": gettext_lazy("Tệp trống."),
        },
    )


@officials.page("gui-buu-chinh/tep/", name="parcels_file", roles=RECEPTION)
@require_POST
def parcels_file(request: HttpRequest) -> HttpResponse:
    """Note what the file says; what came of it stands on the next page."""
    form = FileForm(request.POST, request.FILES)
    try:
        if not form.is_valid():
            raise Unreadable(" ".join(form.errors["file"]))
        file = form.cleaned_data["file"]
        outcome = postfiles.take(file, _desks(request))
    except Unreadable as error:
        messages.error(request, str(error))
        return redirect("admin:parcels")
    request.session[_OUTCOME] = {
        "name": file.name[:80],
        "new": outcome.new,
        "known": outcome.known,
        "unknown": outcome.unknown[:_LINES_KEPT],
        "wrong": outcome.wrong[:_LINES_KEPT],
        "unknown_count": len(outcome.unknown),
        "wrong_count": len(outcome.wrong),
    }
    return redirect("admin:parcels_file_outcome")


@officials.page("gui-buu-chinh/tep/ket-qua/", name="parcels_file_outcome", roles=RECEPTION)
@require_safe
def parcels_file_outcome(request: HttpRequest) -> HttpResponse:
    """What came of the last file of this session, with the lines that were not taken."""
    kept = request.session.get(_OUTCOME)
    if kept is None:
        return redirect("admin:parcels")
    context = {**officials.frame(request, _("Tệp của bưu điện")), **kept}
    return render(request, "admin/dossiers/parcels/file.html", context)
