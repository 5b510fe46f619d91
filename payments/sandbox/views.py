"""The page of the played gateways, and the addresses that our own server asks."""

from __future__ import annotations

import datetime
import json
import urllib.request
from http.client import HTTPException

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from payments import gateways, sandbox, tasks
from payments.gateways import vnpay
from payments.models import SandboxOrder
from payments.sandbox import CANCELLED, LAPSED, PAID, SHORT, WAITING, Order, Player

OUTCOMES = {
    "pay": (PAID, _("Trả tiền"), _("Đúng số tiền được yêu cầu.")),
    "half": (PAID, _("Trả một nửa"), _("Cổng báo số tiền khác số tiền được yêu cầu.")),
    "short": (SHORT, _("Không đủ số dư"), _("Giao dịch không thành công.")),
    "cancel": (CANCELLED, _("Hủy"), _("Người nộp bỏ giao dịch.")),
    "late": (
        LAPSED,
        _("Trả muộn"),
        _("Về trang hồ sơ với tin hết giờ; một phút sau cổng mới báo đã nhận tiền."),
    ),
}
CALLS = {
    "before": (_("Báo trước khi trở về"), _("Như thường lệ: máy chủ cổng báo, rồi mới trở về.")),
    "after": (_("Báo sau khi trở về"), _("Trở về ngay; mười giây sau máy chủ cổng mới báo.")),
    "twice": (_("Báo hai lần"), _("Máy chủ cổng gửi cùng một tin hai lần.")),
    "unsigned": (_("Báo sai chữ ký"), _("Tin của máy chủ và đường trở về đều không được tin.")),
    "never": (_("Không báo"), _("Mạng lỗi: cổng dịch vụ công phải tự hỏi lại cổng thanh toán.")),
}
AFTER, LATE = datetime.timedelta(seconds=10), datetime.timedelta(minutes=1)


@require_http_methods(["GET", "POST"])
def pay(request: HttpRequest, method: str) -> HttpResponse:
    """The page on which the person chooses how it ends and how the gateway says so."""
    player = sandbox.get(method)
    order = player.order(request)
    if order is None:
        return render(request, "payments/sandbox.html", {"order": None}, status=400)
    if request.method == "POST":
        outcome, call = request.POST.get("outcome", ""), request.POST.get("callback", "before")
        return redirect(_play(player, order, method, outcome, call, request))
    context = {
        "order": order,
        "gateway": gateways.get(method),
        "outcomes": OUTCOMES,
        "calls": CALLS,
    }
    return render(request, "payments/sandbox.html", context)


def _play(
    player: Player, order: Order, method: str, outcome: str, call: str, request: HttpRequest
) -> str:
    """Let the order end, call back as was chosen, and give the way home."""
    kept = _remember(order, method, outcome)
    word = player.word(kept)
    if call == "unsigned":
        word = player.spoil(word)
    url = request.build_absolute_uri(reverse("payments:ipn", args=[method]))
    if call == "after":
        _call_later(kept, url, AFTER, is_late=False)
    elif call != "never":
        for _time in range(2 if call == "twice" else 1):
            call_back(player.call(url, word))
    if outcome == "late":
        _call_later(kept, url, LATE, is_late=True)
    return player.home(word)


def _call_later(kept: SandboxOrder, url: str, wait: datetime.timedelta, *, is_late: bool) -> None:
    later = tasks.sandbox_call.using(run_after=timezone.now() + wait)
    later.enqueue(kept.reference, url, is_late)


def _remember(order: Order, method: str, outcome: str) -> SandboxOrder:
    """The order with its outcome; the first one stays, as one reference is paid once."""
    amount = order.amount // 2 if outcome == "half" else order.amount
    kept, is_new = SandboxOrder.objects.get_or_create(
        reference=order.reference,
        defaults={
            "method": method,
            "amount": amount * 100,
            "order_info": order.info,
            "response_code": WAITING,
            "number": sandbox.new_number(),
        },
    )
    if is_new or kept.response_code == WAITING:
        kept.amount, kept.response_code = amount * 100, _code(order, outcome)
        kept.paid_at = vnpay.gateway_time(timezone.now())
        kept.save(update_fields=["amount", "response_code", "paid_at"])
    return kept


def _code(order: Order, outcome: str) -> str:
    is_late = order.expires_at is not None and timezone.now() >= order.expires_at
    return LAPSED if is_late else OUTCOMES.get(outcome, OUTCOMES["cancel"])[0]


def call_later(reference: str, url: str, *, is_late: bool) -> None:
    """The call that comes later; `is_late` where the order that lapsed was paid all the same."""
    kept = SandboxOrder.objects.get(reference=reference)
    if is_late and kept.response_code == LAPSED:
        kept.response_code, kept.paid_at = PAID, vnpay.gateway_time(timezone.now())
        kept.save(update_fields=["response_code", "paid_at"])
    player = sandbox.get(kept.method)
    call_back(player.call(url, player.word(kept)))


def call_back(request: urllib.request.Request) -> None:
    """Send the server's call; a gateway would try again, here the return page has us ask."""
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            response.read(1000)
    except (OSError, HTTPException):
        return


@csrf_exempt
@require_POST
def api(request: HttpRequest, method: str, what: str) -> HttpResponse:
    """What our server asks of a gateway: to make an order, what became of it, money back."""
    try:
        body = json.loads(request.body)
        return sandbox.get(method).api(what, body)
    except (ValueError, TypeError, AttributeError, KeyError):
        return HttpResponseBadRequest("Invalid request")
