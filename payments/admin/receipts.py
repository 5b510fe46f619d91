"""Receipts and biên lai (xác nhận thanh toán và biên lai): the list, and asking once more."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from dossiers import officials
from payments import ereceipts, receiptsearch, tasks
from payments.admin.payments import SEE_MONEY
from payments.ereceipts import issuing
from payments.models import Receipt
from procedures.models import Posting
from procedures.postings import offices, roles

PER_PAGE = 50


@officials.page(
    "xac-nhan-va-bien-lai/",
    name="receipts",
    roles=SEE_MONEY,
    label=gettext_lazy("Xác nhận, biên lai"),
)
@require_safe
def receipt_list(request: HttpRequest) -> HttpResponse:
    """All receipts of one's offices, the newest first; by number, or without their biên lai."""
    text, only_waiting = request.GET.get("q", "")[:100], request.GET.get("xem") == "cho-cap"
    rows = receiptsearch.matching(receiptsearch.of_offices(offices(request)), text)
    if only_waiting:
        rows = rows.filter(payment__legal_receipt__in=issuing.waiting())
    context = {
        **officials.frame(request, _("Xác nhận thanh toán và biên lai")),
        "text": text,
        "only_waiting": only_waiting,
        "page": Paginator(rows, PER_PAGE).get_page(request.GET.get("trang")),
        "has_service": ereceipts.service() is not None,
        "may_ask": Posting.Role.CASHIER in roles(request),
    }
    return render(request, "admin/payments/receipts/list.html", context)


@officials.page(
    "xac-nhan-va-bien-lai/<int:pk>/xin-lai/",
    name="legal_receipt_again",
    roles={Posting.Role.CASHIER},
)
@require_POST
def ask_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Have the service asked once more now for a biên lai that it has not given."""
    rows = Receipt.objects.filter(
        agency__in=offices(request), payment__legal_receipt__in=issuing.waiting()
    )
    receipt = get_object_or_404(rows, pk=pk)
    tasks.issue_legal_receipt.enqueue(receipt.payment_id)
    messages.success(request, _("Đã xin lại biên lai; xin tải lại trang sau ít giây."))
    return redirect("admin:receipts")
