"""Where the browser comes back to from a gateway, and where the gateway's server calls."""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from payments import callbacks, services
from payments.gateways import vnpay
from payments.models import Payment

logger = logging.getLogger(__name__)


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
    callbacks.query_later(payment)
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
        code = callbacks.take_callback(request.META["QUERY_STRING"])
    except Exception:
        logger.exception("a callback of the gateway was not taken")
        code = "99"
    return JsonResponse({"RspCode": code, "Message": vnpay.IPN_ANSWERS[code]})
