"""The citizen's pages of paying: the fees with the ways to pay them, and a transfer by QR."""

from __future__ import annotations

import logging

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from dossiers.models import Dossier
from payments import callbacks, gateways, services
from payments.gateways import vietqr
from payments.models import Payment

logger = logging.getLogger(__name__)


def _get_dossier(request: HttpRequest, code: str) -> Dossier:
    rows = Dossier.objects.visible_to(request.user)
    related = ("revision__procedure", "receiving_agency__parent")
    return get_object_or_404(rows.select_related(*related), code=code)


@login_required
@require_safe
def start(request: HttpRequest, code: str) -> HttpResponse:
    """What is to be paid and for what, with a button for each way; changes nothing.

    An amount that is not sure yet is never asked online: then there is the desk alone.
    """
    dossier = _get_dossier(request, code)
    payment = services.payable(dossier)
    if payment is None:
        return _nothing_to_pay(request, dossier)
    callbacks.query_later(payment)
    is_sure = _is_sure(payment)
    context = {
        "dossier": dossier,
        "payment": payment,
        "gateways": gateways.open() if is_sure else [],
        "takes_transfers": is_sure and _account_of(dossier),
        "is_sure": is_sure,
        "is_begun": payment.state == Payment.State.PENDING and payment.started_at,
    }
    return render(request, "payments/start.html", context)


def _is_sure(payment: Payment) -> bool:
    return all(line.get("is_payable_online", True) for line in payment.lines)


def _account_of(dossier: Dossier) -> dict[str, str] | None:
    holder = vietqr.account_holder(dossier.receiving_agency)
    return holder.bank_account if holder else None


def _nothing_to_pay(request: HttpRequest, dossier: Dossier) -> HttpResponse:
    """Back to the dossier, with a word on why nothing is to be paid."""
    is_paid = dossier.payments.filter(state=Payment.State.PAID).exists()
    if request.method == "HEAD":  # the page of a transfer, which asks whether it is over
        return redirect(dossier)
    if dossier.is_final:
        words = _(
            "Hồ sơ này đã kết thúc, không còn khoản nào phải nộp. Nếu ông/bà vừa trả tiền, "
            "cơ quan ghi nhận khi tiền về và hoàn trả."
        )
        messages.info(request, words)
    elif is_paid:
        messages.success(request, _("Đã nhận phí, lệ phí của hồ sơ này; không cần nộp nữa."))
    else:
        messages.info(request, _("Hồ sơ này hiện không có khoản nào chờ nộp trực tuyến."))
    return redirect(dossier)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def transfer(request: HttpRequest, code: str) -> HttpResponse:
    """The code for a bank transfer of an attempt that was begun; a POST begins it.

    The page changes when the bank has reported the money, since then nothing is payable.
    """
    dossier = _get_dossier(request, code)
    payment = services.payable(dossier)
    if payment is None:
        return _nothing_to_pay(request, dossier)
    account = _account_of(dossier)
    if account is None or not _is_sure(payment):
        messages.error(request, _("Khoản này không nộp được bằng chuyển khoản."))
        return redirect("payments:start", dossier.code)
    if request.method == "POST":
        services.begin(dossier, Payment.Method.VIETQR)
        return redirect("payments:transfer", dossier.code)
    if not _is_shown(payment):
        return redirect("payments:start", dossier.code)
    return _show_code(request, dossier, payment, account)


def _is_shown(payment: Payment) -> bool:
    """Whether this attempt is a transfer that was begun and not given up."""
    is_begun = payment.state == Payment.State.PENDING and payment.started_at is not None
    return is_begun and payment.method == Payment.Method.VIETQR


def _show_code(
    request: HttpRequest, dossier: Dossier, payment: Payment, account: dict[str, str]
) -> HttpResponse:
    payment.dossier = dossier
    try:
        qr = vietqr.image(vietqr.payload_of(payment))
    except vietqr.BadPayload:
        logger.exception("office %s: no code from its account", dossier.receiving_agency_id)
        qr = ""
    context = {
        "dossier": dossier,
        "payment": payment,
        "account": account,
        "memo": vietqr.memo(payment),
        "qr": qr,
        "is_sandbox": settings.PAYMENT_SANDBOX,
    }
    return render(request, "payments/transfer.html", context)
