"""Paying: the page with the fees, the way to the gateway and back, and the callback."""

from __future__ import annotations

import logging

from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from dossiers.models import Dossier
from dossiers.throttling import client_address
from payments import services, tasks
from payments.gateways import vnpay
from payments.models import Payment

logger = logging.getLogger(__name__)


@login_required
@require_http_methods(["GET", "POST"])
def start(request: HttpRequest, code: str) -> HttpResponse:
    """What is to be paid and for what; a POST goes to the gateway."""
    dossier = get_object_or_404(
        Dossier.objects.visible_to(request.user).select_related("revision__procedure"), code=code
    )
    if request.method == "POST" and services.is_gateway_open():
        payment = services.begin(dossier)
        if payment is None:
            return redirect(dossier)
        return redirect(services.gateway_url(payment, ip=client_address(request)))
    payment = services.payable(dossier)
    if payment is None:
        return redirect(dossier)
    _ask_gateway_later(payment)
    context = {
        "dossier": dossier,
        "payment": payment,
        "is_gateway_open": services.is_gateway_open(),
        "is_at_gateway": payment.state == Payment.State.PENDING and payment.started_at,
    }
    return render(request, "payments/start.html", context)


def _ask_gateway_later(payment: Payment) -> None:
    """Have the gateway asked by a task, however often a page is reloaded once a minute at most."""
    wait = services.QUERY_AFTER.total_seconds()
    if services.query_due(payment) and cache.add(f"payment-query:{payment.reference}", 1, wait):
        tasks.query_gateway.enqueue(payment.pk)


@require_GET
def returned(request: HttpRequest) -> HttpResponse:
    """Where the browser comes back to; shows how things stand and changes nothing itself.

    Where the callback has not come yet, the gateway is asked in a task, once a minute at most.
    """
    try:
        params = vnpay.parse_query(request.META["QUERY_STRING"])
    except vnpay.BadQuery:
        params = {}
    if not vnpay.verify(params, services.merchant().secret):
        return render(request, "payments/returned.html", {"payment": None}, status=400)
    payment = get_object_or_404(
        Payment.objects.select_related("dossier"), reference=params.get("vnp_TxnRef", "")
    )
    _ask_gateway_later(payment)
    message = vnpay.message_for(params.get("vnp_ResponseCode", ""))
    is_open = payment.state == Payment.State.PENDING
    context = {
        "payment": payment,
        "message": message,
        "is_waiting": is_open or vnpay.is_success(params),
        "is_mine": payment.dossier.owner_id == request.user.pk,
    }
    return render(request, "payments/returned.html", context)


@csrf_exempt
@require_GET
def ipn(request: HttpRequest) -> HttpResponse:
    """The gateway's server calls here; the answer is the protocol's JSON, always status 200.

    It is given after commit. An error inside answers 99, after which the gateway tries again.
    """
    try:
        code = services.take_callback(request.META["QUERY_STRING"])
    except Exception:
        logger.exception("a callback of the gateway was not taken")
        code = "99"
    return JsonResponse({"RspCode": code, "Message": vnpay.IPN_ANSWERS[code]})
