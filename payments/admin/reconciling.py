"""Đối chiếu: a day of a gateway, of the bank or of the desk beside ours, and what is done."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from typing import Any

from django import forms
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count, Sum
from django.db.models.functions import TruncDate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from dossiers import officials
from dossiers.reports import periods
from payments import reconcile
from payments.bank import accounts
from payments.books import Scope
from payments.models import Payment, Reconciliation
from payments.settlements import MOST_BYTES
from procedures.models import Agency, Posting
from procedures.postings import at_or_below, held, roles
from procedures.tables import Unreadable
from procedures.worktime import VIETNAM

Role = Posting.Role
SEE = frozenset({Role.CASHIER, Role.LEADER, Role.SUPERVISOR})
SHOWN_DAYS = 14


class ReconcileForm(forms.Form):
    """Which office, which way of paying, which day, and what the other side sent."""

    agency = forms.ModelChoiceField(
        Agency.objects.none(), label=gettext_lazy("Cơ quan"), empty_label=None
    )
    method = forms.ChoiceField(label=gettext_lazy("Cách nộp"), choices=Payment.Method.choices)
    day = forms.DateField(
        label=gettext_lazy("Ngày"), widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    )
    file = forms.FileField(
        label=gettext_lazy("Tệp đối chiếu của cổng thanh toán hoặc sao kê ngân hàng"),
        required=False,
        help_text=gettext_lazy("CSV hoặc XLSX, nhiều nhất 5 MB. Tiền mặt thì không cần tệp."),
    )

    def __init__(self, offices: Collection[int], *args: Any, **options: Any) -> None:
        """With the offices (by key) of who asks."""
        super().__init__(*args, **options)
        rows = Agency.objects.filter(pk__in=offices).order_by("name", "pk")
        self.fields["agency"].queryset = rows

    def clean_day(self) -> datetime.date:
        """A day that has begun."""
        day = self.cleaned_data["day"]
        if day > periods.today() or day.year < 2000:
            raise forms.ValidationError(_("Hãy chọn một ngày đã qua hoặc hôm nay."))
        return day

    def clean_file(self) -> UploadedFile | None:
        """A file of a size that we read."""
        file = self.cleaned_data.get("file")
        if file and file.size > MOST_BYTES:
            raise forms.ValidationError(_("Tệp lớn quá 5 MB; xin chia nhỏ theo ngày."))
        return file


def _offices(request: HttpRequest, among: Collection[str] = SEE) -> frozenset[int]:
    if request.user.is_superuser and among is SEE:
        return frozenset(Agency.objects.values_list("pk", flat=True))
    return at_or_below(agency for role, agency in held(request) if role in among)


@officials.page("doi-chieu/", name="reconcile", roles=SEE)
@require_http_methods(["GET", "POST"])
def reconcile_page(request: HttpRequest) -> HttpResponse:
    """The latest days with what is compared and what is not; a cashier compares one."""
    cashiers = _offices(request, {Role.CASHIER})
    form = _form(request, cashiers)
    if request.method == "POST" and form and form.is_valid():
        try:
            return _compare(request, form.cleaned_data)
        except Unreadable as error:
            form.add_error("file", str(error))
    context = {
        **officials.frame(request, _("Đối chiếu")),
        "form": form,
        "days": _days(_offices(request)),
        "shown": SHOWN_DAYS,
    }
    status = 400 if form and form.errors else 200
    return render(request, "admin/payments/reconcile/days.html", context, status=status)


def _form(request: HttpRequest, cashiers: frozenset[int]) -> ReconcileForm | None:
    if Role.CASHIER not in roles(request):
        return None
    data, files = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    initial = {"day": request.GET.get("ngay") or periods.today()}
    initial["method"] = request.GET.get("cach") or Payment.Method.VNPAY
    return ReconcileForm(cashiers, data, files, initial=initial)


def _compare(request: HttpRequest, data: dict[str, Any]) -> HttpResponse:
    agency, method, day, file = data["agency"], data["method"], data["day"], data["file"]
    scope = Scope(at_or_below([agency.pk]), method, periods.of_day(day))
    name, content = (file.name, file.read()) if file else ("", None)
    holder = accounts.of_offices([agency.pk])
    found = reconcile.compare(
        method, scope, agency=holder[0] if holder else agency, name=name, content=content
    )
    kept = reconcile.keep(
        found, agency=agency, method=method, day=day, by=request.user, name=name, content=content
    )
    for fault in found.faults[:10]:
        messages.warning(request, reconcile.text_of_fault(fault))
    return redirect("admin:reconciliation", kept.pk)


@officials.page("doi-chieu/<int:pk>/", name="reconciliation", roles=SEE)
@require_safe
def reconciliation(request: HttpRequest, pk: int) -> HttpResponse:
    """What one comparison found, as it was kept."""
    rows = Reconciliation.objects.select_related("agency", "checked_by")
    kept = get_object_or_404(rows, pk=pk, agency__in=_offices(request))
    context = {
        **officials.frame(request, _("Kết quả đối chiếu")),
        "kept": kept,
        "rows": [str(row) for row in reconcile.as_rows(kept)],
    }
    return render(request, "admin/payments/reconcile/result.html", context)


# --- The days -------------------------------------------------------------------------


def _days(offices: frozenset[int]) -> list[dict[str, Any]]:
    """The latest days on which money came, each way by itself, the newest first: `{day,
    method, label, count, total, kept}`; `kept` is the latest comparison, or None."""
    since = timezone.now() - datetime.timedelta(days=SHOWN_DAYS)
    paid = Payment.objects.filter(
        state=Payment.State.PAID, paid_at__gte=since, dossier__receiving_agency__in=offices
    )
    sums = (
        paid.order_by()
        .values_list(TruncDate("paid_at", tzinfo=VIETNAM), "method")
        .annotate(count=Count("pk"), total=Sum("amount"))
    )
    done = _done(offices, since.date())
    return [
        {
            "day": day, "method": method, "label": Payment.Method(method).label, "count": count,
            "total": total, "kept": done.get((day, method)),
        }
        for day, method, count, total in sorted(sums, key=lambda row: row[:2], reverse=True)
    ]  # fmt: skip


def _done(
    offices: frozenset[int], since: datetime.date
) -> dict[tuple[datetime.date, str], Reconciliation]:
    rows = Reconciliation.objects.filter(agency__in=offices, day__gte=since).order_by("pk")
    return {(row.day, row.method): row for row in rows.select_related("checked_by")}


def days_open(offices: frozenset[int]) -> int:
    """How many of these days, before today, nobody has compared."""
    today = periods.today()
    return sum(row["kept"] is None and row["day"] < today for row in _days(offices))
