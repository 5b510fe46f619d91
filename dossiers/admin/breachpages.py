"""Rules that were not kept: who watches over offices reads them, the office explains.

A breach is found by the portal and never deleted; an explanation is given once, by who leads
the office or by the official whose dossier it was, and its digest goes into the ledger.
"""

from __future__ import annotations

import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from dossiers import desk, ledger, officials
from dossiers.models import Breach, Dossier
from procedures.models import Agency, Posting
from procedures.postings import HANDLING_ROLES, at_or_below, held
from procedures.text import normalise
from procedures.worktime import VIETNAM

Role = Posting.Role

WATCHING = frozenset({Role.SUPERVISOR, Role.LEADER})
PAGE_SIZE = 50
DAYS = 30
EXPLAINED = "explain_breach"
MAX_EXPLANATION = 4000


class Filter(forms.Form):
    """Which breaches to list; without a period, those of the last 30 days."""

    tu = forms.DateField(label=gettext_lazy("Từ ngày"), required=False)
    den = forms.DateField(label=gettext_lazy("Đến hết ngày"), required=False)
    loai = forms.ChoiceField(label=gettext_lazy("Loại"), required=False)
    co_quan = forms.ModelChoiceField(
        Agency.objects.none(), label=gettext_lazy("Cơ quan"), required=False
    )
    can_bo = forms.ModelChoiceField(
        get_user_model().objects.none(), label=gettext_lazy("Cán bộ"), required=False
    )
    use_required_attribute = False

    def __init__(self, data: Any, offices: frozenset[int]):
        today = timezone.localdate()
        first = today - datetime.timedelta(days=DAYS)
        said = {name: value for name, value in data.items() if value}
        super().__init__({"tu": first.isoformat(), "den": today.isoformat(), **said})
        for name in ("tu", "den"):
            self.fields[name].widget = forms.DateInput({"type": "date"})
        everything = ("", _("Tất cả"))
        self.fields["loai"].choices = [everything, *Breach.Kind.choices]
        self.fields["co_quan"].queryset = Agency.objects.filter(pk__in=offices).order_by("name")
        posted = Posting.objects.filter(agency__in=offices).values("user")
        people = get_user_model().objects.filter(pk__in=posted).order_by("full_name")
        self.fields["can_bo"].queryset = people
        self.fields["can_bo"].label_from_instance = lambda user: user.get_full_name()
        for name in ("co_quan", "can_bo"):
            self.fields[name].empty_label = everything[1]

    def clean(self) -> dict[str, Any]:
        """A period runs forwards."""
        cleaned = super().clean()
        for name in ("tu", "den"):
            if cleaned.get(name) and not 2000 <= cleaned[name].year <= 2100:
                self.add_error(name, _("Hãy chọn ngày trong khoảng năm 2000 đến năm 2100."))
        if cleaned.get("tu") and cleaned.get("den") and cleaned["tu"] > cleaned["den"]:
            self.add_error("den", _("Ngày cuối phải sau ngày đầu."))
        return cleaned

    def chosen(self, breaches: QuerySet[Breach]) -> QuerySet[Breach]:
        """The breaches that fit what was chosen; none where it makes no sense."""
        if not self.is_valid():
            return breaches.none()
        said = self.cleaned_data
        fits = {
            "at__gte": _midnight(said["tu"]),
            "at__lt": _midnight(said["den"], days=1),
            "kind": said["loai"],
            "agency": said["co_quan"],
            "officer": said["can_bo"],
        }
        return breaches.filter(**{name: value for name, value in fits.items() if value})


def _midnight(day: datetime.date | None, days: int = 0) -> datetime.datetime | None:
    if day is None:
        return None
    later = day + datetime.timedelta(days=days)
    return datetime.datetime.combine(later, datetime.time(), VIETNAM)


class Explanation(forms.Form):
    """The office's word on one breach."""

    explanation = forms.CharField(
        label=gettext_lazy("Giải trình"),
        max_length=MAX_EXPLANATION,
        widget=forms.Textarea({"rows": 5}),
        error_messages={"required": gettext_lazy("Hãy ghi vì sao và đã khắc phục thế nào.")},
    )
    use_required_attribute = False


@officials.page("vi-pham/", name="breaches", roles=WATCHING, label=gettext_lazy("Vi phạm quy định"))
@require_safe
def breaches(request: HttpRequest) -> HttpResponse:
    """The rules that were not kept at one's offices, the newest first."""
    offices = desk.offices(request, WATCHING)
    form = Filter(request.GET, offices)
    found = form.chosen(Breach.objects.filter(agency__in=offices))
    rows = found.select_related("dossier", "agency", "officer")
    context = {
        **officials.frame(request, _("Vi phạm quy định")),
        "form": form,
        "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("trang")),
        "unexplained": found.filter(explained_at=None).count(),
    }
    return render(request, "admin/dossiers/desk/breaches.html", context)


@officials.page("vi-pham/<int:pk>/", name="breach", roles=HANDLING_ROLES)
@require_http_methods(["GET", "HEAD", "POST"])
def breach(request: HttpRequest, pk: int) -> HttpResponse:
    """One breach with its explanation, or the form for it; given once."""
    row = get_object_or_404(_readable(request), pk=pk)
    may_explain = row.explained_at is None and _answers_for(request, row)
    form = Explanation(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        if may_explain and _explain(row, form.cleaned_data["explanation"], by=request.user):
            messages.success(request, _("Đã ghi giải trình."))
            return redirect("admin:breach", pk=pk)
        form.add_error(None, _why_not(row))
    context = {
        **officials.frame(request, row.get_kind_display()),
        "breach": row,
        "form": form,
        "may_explain": may_explain or form.is_bound,
        "sees_all": row.agency_id in desk.offices(request, WATCHING),
    }
    status = 409 if form.errors else 200
    return render(request, "admin/dossiers/desk/breach.html", context, status=status)


def _readable(request: HttpRequest) -> QuerySet[Breach]:
    """Those of the offices where one signs, leads or watches over, and one's own."""
    watched = Q(agency__in=desk.offices(request))
    rows = Breach.objects.filter(watched | Q(officer=request.user))
    return rows.select_related("dossier", "agency", "officer", "explained_by")


def _answers_for(request: HttpRequest, row: Breach) -> bool:
    """Whether this person gives the office's word: who leads it, or whose dossier it was."""
    led = at_or_below(agency for role, agency in held(request) if role == Role.LEADER)
    return row.agency_id in led or row.officer_id == request.user.pk


@transaction.atomic
def _explain(row: Breach, text: str, *, by: Any) -> bool:
    """Write the explanation and its digest down; False where another was first."""
    dossier = Dossier.objects.select_for_update().get(pk=row.dossier_id)
    said = normalise(text).strip()
    written = Breach.objects.filter(pk=row.pk, explained_at=None).update(
        explanation=said, explained_by=by, explained_at=timezone.now()
    )
    if written:
        data = {"breach": row.pk, "text": ledger.digest(said, dossier.key)}
        ledger.append(dossier, EXPLAINED, actor=by, agency=row.agency, data=data)
    return bool(written)


def _why_not(row: Breach) -> str:
    if Breach.objects.filter(pk=row.pk, explained_at=None).exists():
        return _("Người đứng đầu cơ quan hoặc cán bộ liên quan mới giải trình được.")
    return _("Vi phạm này đã được giải trình; giải trình chỉ ghi một lần.")
