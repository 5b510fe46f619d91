"""A gateway to click: plays VNPay with the same protocol and a test secret, on trial sites only."""

from __future__ import annotations

import json
import secrets
import urllib.request
from http.client import HTTPException
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from payments import services
from payments.gateways import vnpay
from payments.models import SandboxOrder

OUTCOMES = {"pay": "00", "short": "51", "cancel": "24"}
LAPSED = "11"


@require_http_methods(["GET", "POST"])
def pay(request: HttpRequest) -> HttpResponse:
    """The page on which the person pays, fails or cancels; then the callback, then the way back."""
    try:
        params = vnpay.parse_query(request.META["QUERY_STRING"])
    except vnpay.BadQuery:
        return HttpResponseBadRequest("Invalid query")
    if not _is_order(params):
        return render(request, "payments/sandbox.html", {"is_valid": False}, status=400)
    if request.method == "GET":
        amount, info = vnpay.amount_of(params), params.get("vnp_OrderInfo", "")
        context = {"is_valid": True, "amount": amount, "info": info}
        return render(request, "payments/sandbox.html", context)
    expires_at = vnpay.parse_time(params.get("vnp_ExpireDate", ""))
    is_late = expires_at is None or timezone.now() >= expires_at
    outcome = LAPSED if is_late else OUTCOMES.get(request.POST.get("outcome", ""), "24")
    order = _remember(params, outcome)
    answer = _answer(params, order)
    if request.POST.get("callback") != "never":
        _call_back(request.build_absolute_uri(reverse("payments:ipn")), answer)
    return redirect(f"{params['vnp_ReturnUrl']}?{urlencode(answer)}")


def _is_order(params: dict) -> bool:
    """Whether this is an order of the one shop that we play for, and comes back to it alone.

    The test secret is public, so a signature alone would make an open redirect of this page.
    """
    merchant = services.merchant()
    return (
        vnpay.verify(params, merchant.secret)
        and params.get("vnp_TmnCode") == merchant.tmn_code
        and params.get("vnp_ReturnUrl") == merchant.return_url
        and bool(vnpay.amount_of(params) and params.get("vnp_TxnRef"))
    )


def _remember(params: dict, code: str) -> SandboxOrder:
    """The order with its outcome; the first one stays, as one reference is paid once."""
    order, _created = SandboxOrder.objects.get_or_create(
        reference=params["vnp_TxnRef"],
        defaults={
            "amount": int(params["vnp_Amount"]),
            "order_info": params.get("vnp_OrderInfo", ""),
            "response_code": code,
            "number": f"{secrets.randbelow(10**8):08d}",
            "paid_at": vnpay.gateway_time(timezone.now()),
        },
    )
    return order


def _answer(params: dict, order: SandboxOrder) -> dict:
    """What the gateway says of an order, signed: the same to the browser and to the server."""
    is_paid = order.response_code == "00"
    answer = {
        "vnp_TmnCode": params["vnp_TmnCode"],
        "vnp_Amount": str(order.amount),
        "vnp_BankCode": "NCB",
        "vnp_PayDate": order.paid_at,
        "vnp_OrderInfo": order.order_info,
        "vnp_TransactionNo": order.number if is_paid else "0",
        "vnp_ResponseCode": order.response_code,
        "vnp_TransactionStatus": "00" if is_paid else "02",
        "vnp_TxnRef": order.reference,
    }
    return {**answer, "vnp_SecureHash": vnpay.sign(answer, settings.VNPAY_HASH_SECRET)}


def _call_back(url: str, answer: dict) -> None:
    try:
        with urllib.request.urlopen(f"{url}?{urlencode(answer)}", timeout=10) as response:  # noqa: S310 (our own address)
            response.read(1000)
    except (OSError, HTTPException):
        # A gateway tries again later; here the return page has the order queried.
        return


@csrf_exempt
@require_POST
def query(request: HttpRequest) -> HttpResponse:
    """`querydr`: what became of an order, signed."""
    try:
        body = json.loads(request.body)
        signature = vnpay.query_signature(body, settings.VNPAY_HASH_SECRET)
    except (ValueError, TypeError, AttributeError):
        return HttpResponseBadRequest("Invalid request")
    answer = {
        "vnp_ResponseId": secrets.token_hex(16),
        "vnp_Command": "querydr",
        "vnp_TmnCode": settings.VNPAY_TMN_CODE,
        "vnp_TxnRef": str(body.get("vnp_TxnRef", "")),
    }
    order = SandboxOrder.objects.filter(reference=answer["vnp_TxnRef"]).first()
    if signature != body.get("vnp_SecureHash"):
        answer |= {"vnp_ResponseCode": "97", "vnp_Message": "Checksum failed"}
    elif order is None:
        answer |= {"vnp_ResponseCode": "91", "vnp_Message": "Transaction not found"}
    else:
        is_paid = order.response_code == "00"
        answer |= {
            "vnp_ResponseCode": "00",
            "vnp_Message": "Query success",
            "vnp_Amount": str(order.amount),
            "vnp_BankCode": "NCB",
            "vnp_PayDate": order.paid_at,
            "vnp_TransactionNo": order.number if is_paid else "0",
            "vnp_TransactionType": "01",
            "vnp_TransactionStatus": "00" if is_paid else "02",
            "vnp_OrderInfo": order.order_info,
        }
    secret = settings.VNPAY_HASH_SECRET
    return JsonResponse(
        {**answer, "vnp_SecureHash": vnpay.query_response_signature(answer, secret)}
    )
