"""Paying: the page with the fees, the way to the gateway and back, and the callback."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from dossiers.models import Dossier
from payments import services, tasks
from payments.gateways import vnpay
from payments.models import Payment


@login_required
@require_http_methods(["GET", "POST"])
def start(request: HttpRequest, code: str) -> HttpResponse:
    """What is to be paid and for what; a POST goes to the gateway."""
    dossier = get_object_or_404(
        Dossier.objects.visible_to(request.user).select_related("revision__procedure"), code=code
    )
    payment = services.payable(dossier)
    if payment is None:
        return redirect(dossier)
    if request.method == "POST":
        return redirect(services.gateway_url(payment, ip=request.META["REMOTE_ADDR"]))
    return render(request, "payments/start.html", {"dossier": dossier, "payment": payment})


@require_GET
def returned(request: HttpRequest) -> HttpResponse:
    """Where the browser comes back to; shows how things stand and changes nothing itself.

    Where the callback has not come yet, the gateway is asked in a task, once a minute at most.
    """
    try:
        params = vnpay.parse_query(request.META["QUERY_STRING"])
    except vnpay.BadQuery as error:
        raise Http404 from error
    if not vnpay.verify(params, services.merchant().secret):
        return render(request, "payments/returned.html", {"payment": None}, status=400)
    payment = get_object_or_404(
        Payment.objects.select_related("dossier"), reference=params.get("vnp_TxnRef", "")
    )
    if services.query_due(payment):
        tasks.query_gateway.enqueue(payment.pk)
    message = vnpay.message_for(params.get("vnp_ResponseCode", ""))
    context = {
        "payment": payment,
        "message": message,
        "is_mine": payment.dossier.owner_id == request.user.pk,
    }
    return render(request, "payments/returned.html", context)


@csrf_exempt
@require_GET
def ipn(request: HttpRequest) -> HttpResponse:
    """The gateway's server calls here; the answer is the protocol's JSON, always status 200."""
    code = services.take_callback(request.META["QUERY_STRING"])
    return JsonResponse({"RspCode": code, "Message": vnpay.IPN_ANSWERS[code]})
