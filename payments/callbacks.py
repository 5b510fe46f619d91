"""What gateways tell us of payments: by their server's call, or when they are asked."""

from __future__ import annotations

import datetime
import logging

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from dossiers import throttling
from payments import services, tasks
from payments.gateways import vnpay
from payments.models import GatewayMessage, Payment
from procedures.text import normalise

UNSIGNED_KEPT = 30  # a minute
QUERY_AFTER = datetime.timedelta(minutes=1)
MESSAGE_FIELDS, MESSAGE_KEY, MESSAGE_VALUE = 30, 64, 255  # what is kept of a message, at most

logger = logging.getLogger(__name__)


def take_callback(raw_query: str) -> str:
    """Take a server callback and return the protocol's answer code.

    In the protocol's order: signature (97), our reference (01), amount (04), state (02).
    Whatever came is kept, without its hash. An error inside is the caller's to answer (99):
    the gateway then sends it again. Source: DOMAIN.md 4.1.
    """
    try:
        params = vnpay.parse_query(raw_query)
    except vnpay.BadQuery:
        return _answer("97", None, {})
    if not vnpay.verify(params, settings.VNPAY_HASH_SECRET):
        return _answer("97", None, params)
    is_ours = params.get("vnp_TmnCode") == settings.VNPAY_TMN_CODE
    # Our own pay address is signed with the same secret, but says nothing of an outcome.
    if not is_ours or "vnp_ResponseCode" not in params:
        return _answer("97", None, params)
    payment = Payment.objects.filter(reference=params.get("vnp_TxnRef", "")).first()
    if payment is None:
        return _answer("01", None, params)
    return _answer(_settle(payment, params), payment, params)


def _settle(payment: Payment, params: dict[str, str]) -> str:
    """Believe a signed message about a payment; returns the answer code."""
    amount = vnpay.amount_of(params)
    if amount != payment.amount:
        return "04"
    number = params.get("vnp_TransactionNo", "")
    if payment.state == Payment.State.PAID:
        if vnpay.is_success(params) and number != payment.transaction:
            logger.warning("payment %s: money said to have come twice", payment.reference)
        return "02"
    if vnpay.is_success(params):
        return "00" if services.confirm(payment, amount=amount, transaction_number=number) else "02"
    if vnpay.is_failure(params):
        return "00" if _fail(payment) else "02"
    return "00"


def _fail(payment: Payment) -> bool:
    unpaid = [Payment.State.PENDING, Payment.State.CANCELLED]
    rows = Payment.objects.filter(pk=payment.pk, state__in=unpaid)
    return bool(rows.update(state=Payment.State.FAILED))


def _answer(code: str, payment: Payment | None, params: dict, kind: str = "callback") -> str:
    # Anybody can send what is not signed; a flood of it must not fill the database.
    if code == "97" and not throttling.allow_key("unsigned-callback", per_minute=UNSIGNED_KEPT):
        return code
    kept = {
        normalise(key)[:MESSAGE_KEY]: normalise(value)[:MESSAGE_VALUE]
        for key, value in list(params.items())[:MESSAGE_FIELDS]
        if key != "vnp_SecureHash"
    }
    GatewayMessage.objects.create(payment=payment, kind=kind, answer=code, content=kept)
    return code


def query_due(payment: Payment) -> bool:
    """Whether to ask the gateway about a payment now: it was begun, the gateway has not said
    how it ended, and was not asked just now. One that was given up may still bring money."""
    is_open = payment.state in {Payment.State.PENDING, Payment.State.CANCELLED}
    if not is_open or payment.started_at is None:
        return False
    return payment.queried_at is None or timezone.now() - payment.queried_at > QUERY_AFTER


def query_gateway(payment: Payment, *, ip: str = "127.0.0.1") -> bool:
    """Ask the gateway what became of a payment, and believe its signed answer.

    False where it gave none that can be believed: then nothing changed. The network call is
    outside any transaction.
    """
    if not query_due(payment):
        return True
    unasked = Payment.objects.filter(pk=payment.pk, queried_at=payment.queried_at)
    if not unasked.update(queried_at=timezone.now()):
        return True
    try:
        raw = vnpay.query(services.merchant(), payment.reference, payment.started_at, ip)
    except vnpay.GatewayUnavailable:
        return False
    answer = {key: "" if value is None else str(value) for key, value in raw.items()}
    if answer.get("vnp_ResponseCode") != "00":
        return True
    status = answer.get("vnp_TransactionStatus", "")
    if status in vnpay.UNDECIDED:
        return True
    code = _settle(payment, {**answer, "vnp_ResponseCode": status})
    _answer(code, payment, answer, "query")
    return True


def query_later(payment: Payment) -> None:
    """Have the gateway asked by a task, however often a page is reloaded once a minute at most."""
    wait = QUERY_AFTER.total_seconds()
    if query_due(payment) and cache.add(f"payment-query:{payment.reference}", 1, wait):
        tasks.query_gateway.enqueue(payment.pk)
