"""The citizen's page with the fees, and the way to the gateway."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from dossiers.models import Dossier
from dossiers.throttling import client_address
from payments import callbacks, services
from payments.models import Payment


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
    callbacks.query_later(payment)
    context = {
        "dossier": dossier,
        "payment": payment,
        "is_gateway_open": services.is_gateway_open(),
        "is_at_gateway": payment.state == Payment.State.PENDING and payment.started_at,
    }
    return render(request, "payments/start.html", context)
