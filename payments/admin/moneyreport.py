"""Money at a glance: the month, what waits for somebody, the closes, and the month's report."""

from __future__ import annotations

import datetime
import logging
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from dossiers import officials
from dossiers.models import OfficePaper
from dossiers.reports import export, periods
from dossiers.reports.periods import Period
from payments import books, desk, moneyreport
from payments.admin.reconciling import days_open
from payments.models import BankLine, CashClose, GatewayMessage, Payment, Refund
from payments.moneyreport import Books
from procedures.models import Agency, Posting
from procedures.postings import at_or_below, held

Role = Posting.Role
SEE = frozenset({Role.CASHIER, Role.LEADER, Role.SUPERVISOR})
CLOSES_SHOWN = 20
LATELY = datetime.timedelta(days=30)

logger = logging.getLogger(__name__)


def offices_of_money(request: HttpRequest) -> frozenset[int]:
    """The offices whose money the sender of a request may see, by key."""
    if request.user.is_superuser:
        return frozenset(Agency.objects.values_list("pk", flat=True))
    return at_or_below(agency for role, agency in held(request) if role in SEE)


@officials.page("phi-le-phi/", name="money", roles=SEE, label=gettext_lazy("Phí, lệ phí"))
@require_safe
def money(request: HttpRequest) -> HttpResponse:
    """The month by way of paying, what waits for a person, and the latest closes."""
    offices = offices_of_money(request)
    period, complaint = _month(request)
    context = {
        **officials.frame(request, _("Phí, lệ phí")),
        "month": f"{period.first:%Y-%m}",
        "period": period,
        "complaint": complaint,
        "ways": list(moneyreport.by_way(Books(offices, period))),
        "tasks": _tasks(offices),
        "left_open": desk.left_open(offices),
        "closes": _closes(offices),
        "choices": Agency.objects.filter(pk__in=offices).order_by("name", "pk"),
    }
    return render(request, "admin/payments/report/money.html", context)


def _month(request: HttpRequest) -> tuple[Period, str]:
    """The calendar month asked for (`2026-11`), else this one and a sentence why."""
    text, today = request.GET.get("thang", "").strip()[:10], periods.today()
    if not text:
        return periods.month_of(today), ""
    try:
        day = datetime.date.fromisoformat(f"{text}-01")
    except ValueError:
        day = None
    if day is None or day.year < 2000 or day > today:
        return periods.month_of(today), _("Hãy chọn một tháng đã bắt đầu, ví dụ 2026-11.")
    return periods.month_of(day), ""


def _tasks(offices: frozenset[int]) -> list[dict[str, Any]]:
    """What waits for somebody, each with its number and where to go; what is none is left out."""
    paid = Payment.objects.filter(dossier__receiving_agency__in=offices)
    refunds = Refund.objects.filter(
        Q(payment__dossier__receiving_agency__in=offices) | Q(bank_line__agency__in=offices)
    )
    waiting = BankLine.objects.filter(agency__in=offices, state=BankLine.State.WAITING)
    counts = (
        (_("khoản cần hoàn trả"), "refunds", paid.filter(needs_refund=True).count()),
        (_("đề nghị hoàn trả đang làm"), "refunds",
         refunds.filter(state__in=Refund.OPEN).count()),
        (_("khoản tiền về tài khoản chờ ghép"), "bank_lines", waiting.count()),
        (_("khoản cổng thanh toán báo khác với sổ trong 30 ngày qua"),
         "payments_gatewaymessage_changelist", _said_otherwise(offices)),
        (_("ngày có tiền chưa đối chiếu"), "reconcile", days_open(offices)),
    )  # fmt: skip
    return [
        {"label": label, "url": reverse(f"admin:{name}"), "count": count}
        for label, name, count in counts
        if count
    ]


def _said_otherwise(offices: frozenset[int]) -> int:
    """The payments of which a gateway told lately of money that is not in our books."""
    since = timezone.now() - LATELY
    rows = GatewayMessage.objects.filter(books.ELSEWHERE, received_at__gte=since)
    return rows.filter(payment__dossier__receiving_agency__in=offices).aggregate(
        payments=Count("payment", distinct=True)
    )["payments"]


def _closes(offices: frozenset[int]) -> list[dict[str, Any]]:
    """The latest closes, each with its printed list."""
    rows = CashClose.objects.filter(agency__in=offices).select_related("cashier", "agency")
    closes = list(rows[:CLOSES_SHOWN])
    papers = OfficePaper.objects.filter(
        agency__in={close.agency_id for close in closes},
        kind=OfficePaper.Kind.CASH_CLOSE,
        facts__close__in=[close.pk for close in closes],
    )
    tokens = {paper.facts["close"]: paper.token for paper in papers}
    return [{"close": close, "token": tokens.get(close.pk, "")} for close in closes]


# --- The month's report ---------------------------------------------------------------


@officials.page("phi-le-phi/bao-cao-thang/", name="money_report", roles=SEE)
@require_safe
def money_report(request: HttpRequest) -> HttpResponse:
    """The month as XLSX, of all one's offices or of one of them with those below it."""
    period, complaint = _month(request)
    offices, wrong = _chosen(request, offices_of_money(request))
    try:
        if complaint or wrong:
            raise moneyreport.TooMuch(complaint or wrong)
        content = moneyreport.workbook(Books(offices, period))
    except moneyreport.TooMuch as error:
        context = {**officials.frame(request, _("Không có tệp để tải")), "complaint": error}
        return render(request, "admin/payments/report/no_file.html", context, status=400)
    logger.info("user %s took the report of money of %s", request.user.pk, period.first)
    response = HttpResponse(content, content_type=export.XLSX)
    name = f"phi-le-phi-{period.first:%Y-%m}.xlsx"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


def _chosen(request: HttpRequest, mine: frozenset[int]) -> tuple[frozenset[int], str]:
    value = request.GET.get("co-quan", "").strip()
    if not value:
        return mine, ""
    if value.isascii() and value.isdecimal() and len(value) < 18 and int(value) in mine:
        return at_or_below([int(value)]) & mine, ""
    return mine, _("Cơ quan này không thuộc phạm vi của ông/bà.")
