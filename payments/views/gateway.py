"""The way to a gateway and back, and where the gateway's server calls."""

from __future__ import annotations

import logging

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from dossiers.models import Dossier
from dossiers.throttling import client_address
from payments import callbacks, gateways, services
from payments.gateways import Gateway, Report
from payments.models import Payment

logger = logging.getLogger(__name__)


def _get_gateway(method: str) -> Gateway:
    try:
        return gateways.get(method)
    except LookupError as error:
        raise Http404 from error


@login_required
@require_POST
def go(request: HttpRequest, code: str, method: str) -> HttpResponse:
    """Begin to pay this way: the browser is sent to the gateway, whose address may need a call."""
    dossiers = Dossier.objects.visible_to(request.user)
    dossier = get_object_or_404(dossiers, code=code)
    gateway = _get_gateway(method)
    if not gateway.is_open():
        raise Http404
    asked = services.payable(dossier)
    if asked and not all(line.get("is_payable_online", True) for line in asked.lines):
        return redirect("payments:start", dossier.code)  # which says why: it is not sure yet
    payment = services.begin(dossier, method)
    if payment is None:
        return redirect(dossier)
    try:
        return redirect(gateway.begin(payment, ip=client_address(request)))
    except gateways.GatewayUnavailable as error:
        logger.warning("payment %s: %s did not begin: %s", payment.reference, method, error)
        text = _(
            "Cổng thanh toán chưa trả lời. Chưa có khoản tiền nào bị trừ; xin thử lại sau"
            " ít phút hoặc chọn cách nộp khác."
        )
        messages.error(request, text)
        return redirect("payments:start", dossier.code)


@require_GET
def returned(request: HttpRequest, method: str) -> HttpResponse:
    """Where the browser comes back to; shows how things stand and changes nothing itself.

    Where the callback has not come yet, the gateway is asked in a task, once a minute at most.
    """
    gateway = _get_gateway(method)
    try:
        report = gateway.read_return(request)
    except gateways.Forged:
        return render(request, "payments/returned.html", {"payment": None}, status=400)
    payment = get_object_or_404(
        Payment.objects.select_related("dossier"), reference=report.reference
    )
    callbacks.query_later(payment)
    is_mine = payment.dossier.owner_id == request.user.pk
    context = {
        "payment": payment,
        "message": gateway.message(report.code),
        "status": _status(payment, report),
        "is_mine": is_mine,
        "can_pay": is_mine and services.payable(payment.dossier) is not None,
    }
    return render(request, "payments/returned.html", context)


def _status(payment: Payment, report: Report) -> str:
    """What the page says: paid, twice, refund, waiting or failed."""
    is_success = report.outcome == gateways.PAID
    if payment.state == Payment.State.PAID:
        if is_success and report.transaction != payment.transaction:
            return "twice"
        return "refund" if payment.needs_refund else "paid"
    is_waiting = is_success or payment.state == Payment.State.PENDING
    return "waiting" if is_waiting else "failed"


@csrf_exempt
def ipn(request: HttpRequest, method: str) -> HttpResponse:
    """The gateway's server calls here; the answer is its protocol's.

    It is given after commit. An error inside is answered as one, after which the gateway
    tries again.
    """
    gateway = _get_gateway(method)
    if request.method != gateway.verb:
        return HttpResponseNotAllowed([gateway.verb])
    try:
        verdict = callbacks.take(gateway, request)
    except Exception:
        logger.exception("a callback of the gateway was not taken")
        verdict = gateways.BROKEN
    return gateway.answer(verdict)
