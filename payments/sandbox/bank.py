"""The played bank: tells the portal of a transfer by the signed webhook, as a bank would."""

from __future__ import annotations

import json
import secrets
import time
import urllib.request

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from dossiers.models import Dossier
from payments.bank import webhook
from payments.gateways import vietqr
from payments.models import Payment
from payments.sandbox.views import call_back

SHORT = 1_000  # đồng that are missing


@login_required
@require_POST
def transfer(request: HttpRequest, code: str) -> HttpResponse:
    """Play that the pending transfer of a dossier came in: right, short, or with a slip."""
    dossier = get_object_or_404(Dossier.objects.visible_to(request.user), code=code)
    payment = get_object_or_404(dossier.payments, state=Payment.State.PENDING)
    url = request.build_absolute_uri(reverse("payments:bank_webhook"))
    call_back(_message(url, payment, request.POST.get("how", "")))
    return redirect("payments:transfer", code)


def _message(url: str, payment: Payment, how: str) -> urllib.request.Request:
    """The signed message of one credit."""
    holder = vietqr.account_holder(payment.dossier.receiving_agency)
    memo = vietqr.memo(payment)
    row = {
        "reference": f"THU{secrets.token_hex(6).upper()}",
        "time": timezone.now().isoformat(),
        "amount": max(payment.amount - SHORT, 1) if how == "short" else payment.amount,
        "memo": f"CT {memo[:-2]} nop phi" if how == "slip" else f"CT {memo} nop phi",
        "payer_name": vietqr.plain(payment.dossier.owner.get_full_name()),
        "payer_bank": "NGAN HANG THU",
    }
    account = holder.bank_account["number"] if holder else ""
    body = json.dumps({"account": account, "transactions": [row]}).encode()
    at = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "X-Bank-Timestamp": at,
        "X-Bank-Signature": webhook.signature(settings.BANK_WEBHOOK_SECRET, at, body),
    }
    return urllib.request.Request(url, body, headers)  # noqa: S310  (our own address)
