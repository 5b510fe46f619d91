"""Fees asked, and the one place where money becomes a fact.

Rows are locked in this order everywhere: dossier, payment, counter.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.dispatch import receiver
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import papers, workflow
from dossiers.models import Dossier, Paper
from payments.gateways import vnpay
from payments.models import GatewayMessage, Payment, Receipt, ReceiptCounter
from payments.money import format_dong, in_words
from procedures.models import Posting

if TYPE_CHECKING:
    from portal.models import User

PAY_WITHIN = datetime.timedelta(minutes=15)
QUERY_AFTER = datetime.timedelta(minutes=1)
SERIES = "XNTT"


class AmountMismatch(Exception):
    """Money came in, but not the amount that was asked."""


@receiver(workflow.moved)
def follow_dossier(sender: type[Dossier], move: workflow.Move, **kwargs: object) -> None:
    """Ask for the fees of a move; drop what is pending when the dossier has ended."""
    if move.fee_lines:
        ask(move.dossier, [line.as_data() for line in move.fee_lines])
    elif move.action.is_final:
        pending = Payment.objects.filter(dossier=move.dossier, state=Payment.State.PENDING)
        pending.update(state=Payment.State.CANCELLED)


def ask(dossier: Dossier, lines: list[dict]) -> Payment:
    """A pending payment of these charges, frozen as they are now."""
    return Payment.objects.create(
        dossier=dossier,
        lines=lines,
        amount=sum(line["amount"] for line in lines),
        method=Payment.Method.VNPAY,
    )


@transaction.atomic
def payable(dossier: Dossier) -> Payment | None:
    """The payment that the citizen can make now; a new attempt after one that failed.

    None where the dossier does not wait for money.
    """
    locked = Dossier.objects.select_for_update(of=("self",)).get(pk=dossier.pk)
    if locked.state != Dossier.State.PAYMENT_REQUIRED:
        return None
    payment = locked.payments.filter(state=Payment.State.PENDING).first()
    if payment is not None:
        return payment
    last = locked.payments.exclude(state=Payment.State.PAID).last()
    return ask(locked, last.lines) if last else None


def merchant() -> vnpay.Merchant:
    """Who we are at the gateway, from the settings."""
    return vnpay.Merchant(
        tmn_code=settings.VNPAY_TMN_CODE,
        secret=settings.VNPAY_HASH_SECRET,
        pay_url=settings.VNPAY_PAY_URL,
        return_url=f"{settings.SITE_URL}{reverse('payments:return')}",
        query_url=settings.VNPAY_QUERY_URL,
    )


def gateway_url(payment: Payment, *, ip: str) -> str:
    """Where to send the browser to pay; notes when, since the gateway is asked by that time."""
    if payment.started_at is None:
        payment.started_at = timezone.now()
        payment.save(update_fields=["started_at"])
    now = timezone.now()
    return vnpay.pay_url(
        merchant(),
        reference=payment.reference,
        amount=payment.amount,
        order_info=f"Phi, le phi ho so {payment.dossier.code}",
        ip=ip,
        created_at=payment.started_at,
        expires_at=now + PAY_WITHIN,
    )


@transaction.atomic
def confirm(
    payment: Payment,
    *,
    amount: int,
    transaction_number: str = "",
    method: str = Payment.Method.VNPAY,
    by: User | None = None,
) -> bool:
    """Record that `amount` đồng were received for this payment; True when that was news.

    Locks, re-reads, returns if it was known, compares the amount (`AmountMismatch`), then
    takes the receipt's number and moves the dossier, all in one transaction. Money for a
    dossier that does not wait for it is recorded and marked for refund. A later success
    beats an earlier failure or cancellation.
    """
    dossier = Dossier.objects.select_for_update(of=("self",)).get(pk=payment.dossier_id)
    payment = Payment.objects.select_for_update().get(pk=payment.pk)
    if payment.state == Payment.State.PAID:
        return False
    if amount != payment.amount:
        raise AmountMismatch(f"asked {payment.amount}, received {amount}")
    is_awaited = dossier.state == Dossier.State.PAYMENT_REQUIRED
    if is_awaited:
        others = dossier.payments.filter(state=Payment.State.PENDING).exclude(pk=payment.pk)
        others.update(state=Payment.State.CANCELLED)
    payment.state, payment.method = Payment.State.PAID, method
    payment.paid_at = timezone.now()
    payment.transaction = transaction_number
    payment.needs_refund = not is_awaited
    payment.save()
    receipt = _issue_receipt(payment, dossier, by=by)
    papers.ask_for(dossier, Paper.Kind.PAYMENT, _receipt_facts(receipt, dossier))
    if is_awaited:
        workflow.perform(
            dossier, "confirm_payment", by=None, payment=payment.pk, amount=payment.amount
        )
    return True


def _issue_receipt(payment: Payment, dossier: Dossier, *, by: User | None) -> Receipt:
    """The next number of this office and year, from a row that stays locked until commit."""
    agency, year = dossier.receiving_agency, timezone.localtime(payment.paid_at).year
    ReceiptCounter.objects.get_or_create(agency=agency, year=year)
    counter = ReceiptCounter.objects.select_for_update().get(agency=agency, year=year)
    counter.last += 1
    counter.save(update_fields=["last"])
    return Receipt.objects.create(
        payment=payment,
        agency=agency,
        year=year,
        number=counter.last,
        issued_at=payment.paid_at,
        received_by=by,
    )


def _receipt_facts(receipt: Receipt, dossier: Dossier) -> dict:
    payment = receipt.payment
    return {
        **papers.head(dossier, receipt.agency, now=receipt.issued_at),
        "series": f"{SERIES}-{receipt.year}",
        "number": f"{receipt.number:07d}",
        "payer": dossier.applicant_name,
        "lines": [_money_line(line) for line in payment.lines],
        "total": format_dong(payment.amount).removesuffix(" đồng"),
        "total_in_words": in_words(payment.amount),
        "method": payment.get_method_display(),
        "transaction": payment.transaction,
        "paid_at": papers.iso(payment.paid_at),
        "received_by": receipt.received_by.get_full_name() if receipt.received_by else "",
    }


def _money_line(line: dict) -> dict:
    return {
        "name": line["name"],
        "quantity": f"{line['quantity']} {line['unit']}".strip(),
        "unit_price": format_dong(line["unit_amount"]).removesuffix(" đồng"),
        "amount": format_dong(line["amount"]).removesuffix(" đồng"),
        "source": line["source"],
    }


def take_cash(payment: Payment, *, by: User) -> bool:
    """Record cash paid at the desk; raises `workflow.NotAllowed` for anyone but its cashier."""
    if Posting.Role.CASHIER not in workflow.roles_at(payment.dossier, by):
        raise workflow.NotAllowed(_("Chỉ thu ngân của nơi tiếp nhận được thu tiền hồ sơ này."))
    return confirm(payment, amount=payment.amount, method=Payment.Method.CASH, by=by)


# --- What the gateway tells us --------------------------------------------------------


def take_callback(raw_query: str) -> str:
    """Take a server callback and return the protocol's answer code.

    In the protocol's order: signature (97), our reference (01), amount (04), state (02).
    Whatever came is kept, without its hash. Source: DOMAIN.md 4.1.
    """
    try:
        params = vnpay.parse_query(raw_query)
    except vnpay.BadQuery:
        return _answer("97", None, {})
    if not vnpay.verify(params, settings.VNPAY_HASH_SECRET):
        return _answer("97", None, params)
    if params.get("vnp_TmnCode") != settings.VNPAY_TMN_CODE:
        return _answer("97", None, params)
    payment = Payment.objects.filter(reference=params.get("vnp_TxnRef", "")).first()
    if payment is None:
        return _answer("01", None, params)
    return _answer(_settle(payment, params), payment, params)


def _settle(payment: Payment, params: dict) -> str:
    """Believe a signed message about a payment; returns the answer code."""
    amount = vnpay.amount_of(params)
    if amount != payment.amount:
        return "04"
    if payment.state == Payment.State.PAID:
        return "02"
    if vnpay.is_success(params):
        number = params.get("vnp_TransactionNo", "")
        return "00" if confirm(payment, amount=amount, transaction_number=number) else "02"
    _fail(payment)
    return "00"


def _fail(payment: Payment) -> None:
    pending = Payment.objects.filter(pk=payment.pk, state=Payment.State.PENDING)
    pending.update(state=Payment.State.FAILED)


def _answer(code: str, payment: Payment | None, params: dict, kind: str = "callback") -> str:
    kept = {key: value[:255] for key, value in params.items() if key != "vnp_SecureHash"}
    GatewayMessage.objects.create(payment=payment, kind=kind, answer=code, content=kept)
    return code


def query_due(payment: Payment) -> bool:
    """Whether to ask the gateway about a payment now: it was begun, and not asked just now."""
    if payment.state != Payment.State.PENDING or payment.started_at is None:
        return False
    return payment.queried_at is None or timezone.now() - payment.queried_at > QUERY_AFTER


def query_gateway(payment: Payment, *, ip: str = "127.0.0.1") -> None:
    """Ask the gateway what became of a payment, and believe its signed answer.

    The network call is outside any transaction; a gateway that is down changes nothing.
    """
    if not query_due(payment):
        return
    Payment.objects.filter(pk=payment.pk).update(queried_at=timezone.now())
    try:
        answer = vnpay.query(merchant(), payment.reference, payment.started_at, ip)
    except vnpay.GatewayUnavailable:
        return
    if answer.get("vnp_ResponseCode") != "00":
        return
    status = answer.get("vnp_TransactionStatus")
    if status == "01":
        return
    code = _settle(payment, {**answer, "vnp_ResponseCode": status})
    _answer(code, payment, {key: str(value) for key, value in answer.items()}, "query")
