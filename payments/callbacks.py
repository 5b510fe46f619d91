"""What gateways tell us of payments: by their server's call, or when they are asked."""

from __future__ import annotations

import datetime
import logging

from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone

from dossiers import throttling
from payments import gateways, services, tasks
from payments.gateways import Forged, Gateway, GatewayUnavailable, Report
from payments.models import GatewayMessage, Payment
from procedures.text import normalise

UNSIGNED_KEPT = 30  # a minute
QUERY_AFTER = datetime.timedelta(minutes=1)
MESSAGE_FIELDS, MESSAGE_KEY, MESSAGE_VALUE = 30, 64, 255  # what is kept of a message, at most
CALLBACK, QUERY, TWICE = "callback", "query", "twice"  # GatewayMessage.kind

logger = logging.getLogger(__name__)


def take(gateway: Gateway, request: HttpRequest) -> str:
    """Take a gateway's server call and return what we say to it, as one of its codes.

    In this order: signature (97), our reference (01), amount (04), state (02). Whatever came
    is kept, without its hash. An error inside is the caller's to answer (99): the gateway
    then sends it again. Source: DOMAIN.md 4.1.
    """
    try:
        report = gateway.read(request)
    except Forged as error:
        return _keep(gateway, gateways.FORGED, None, error.content)
    payment = Payment.objects.filter(reference=report.reference).first()
    if payment is None:
        return _keep(gateway, gateways.UNKNOWN, None, report.raw)
    return _believe(gateway, payment, report, CALLBACK)


def _believe(gateway: Gateway, payment: Payment, report: Report, kind: str) -> str:
    """Settle a payment by a signed report, and keep the report with what it came to."""
    verdict = _settle(gateway, payment, report)
    if verdict == gateways.KNOWN and _came_twice(payment, report):
        logger.warning("payment %s: money said to have come twice", payment.reference)
        kind = TWICE
    return _keep(gateway, verdict, payment, report.raw, kind)


def _settle(gateway: Gateway, payment: Payment, report: Report) -> str:
    if report.amount != payment.amount:
        return gateways.WRONG_AMOUNT
    if payment.state == Payment.State.PAID:
        return gateways.KNOWN
    if report.outcome == gateways.PAID:
        is_news = services.confirm(
            payment,
            amount=report.amount,
            method=gateway.method,
            transaction_number=report.transaction,
        )
        return gateways.TAKEN if is_news else gateways.KNOWN
    if report.outcome == gateways.FAILED:
        return gateways.TAKEN if _fail(payment) else gateways.KNOWN
    return gateways.TAKEN


def _came_twice(payment: Payment, report: Report) -> bool:
    """Whether money is said to have come for a payment that other money paid."""
    if report.outcome != gateways.PAID:
        return False
    payment.refresh_from_db(fields=["state", "transaction"])
    return payment.state == Payment.State.PAID and payment.transaction != report.transaction


def _fail(payment: Payment) -> bool:
    unpaid = [Payment.State.PENDING, Payment.State.CANCELLED]
    rows = Payment.objects.filter(pk=payment.pk, state__in=unpaid)
    return bool(rows.update(state=Payment.State.FAILED))


def _keep(
    gateway: Gateway, code: str, payment: Payment | None, content: dict, kind: str = CALLBACK
) -> str:
    # Anybody can send what is not signed; a flood of it must not fill the database.
    is_forged = code == gateways.FORGED
    if is_forged and not throttling.allow_key("unsigned-callback", per_minute=UNSIGNED_KEPT):
        return code
    if code not in {gateways.TAKEN, gateways.KNOWN}:
        about = payment.reference if payment else "none of ours"
        logger.warning(
            "%s: a message about payment %s was answered %s", gateway.method, about, code
        )
    kept = {
        normalise(key)[:MESSAGE_KEY]: normalise(value)[:MESSAGE_VALUE]
        for key, value in list(content.items())[:MESSAGE_FIELDS]
    }
    GatewayMessage.objects.create(
        payment=payment, method=gateway.method, kind=kind, answer=code, content=kept
    )
    return code


def query_due(payment: Payment) -> bool:
    """Whether to ask the gateway about a payment now: it was begun there, the gateway has not
    said how it ended, and was not asked just now. One that was given up may still bring money."""
    is_open = payment.state in {Payment.State.PENDING, Payment.State.CANCELLED}
    if not is_open or payment.started_at is None or payment.method not in Payment.GATEWAYS:
        return False
    return payment.queried_at is None or timezone.now() - payment.queried_at > QUERY_AFTER


def query_gateway(payment: Payment, *, ip: str = "127.0.0.1") -> bool:
    """Ask the gateway what became of a payment, and believe its answer.

    False where it gave none that can be believed: then nothing changed. The network call is
    outside any transaction.
    """
    if not query_due(payment):
        return True
    gateway = gateways.get(payment.method)
    if not gateway.is_open():
        return False
    unasked = Payment.objects.filter(pk=payment.pk, queried_at=payment.queried_at)
    if not unasked.update(queried_at=timezone.now()):
        return True
    try:
        report = gateway.query(payment, ip=ip)
    except GatewayUnavailable:
        return False
    if report is not None and report.outcome != gateways.OPEN:
        _believe(gateway, payment, report, QUERY)
    return True


def query_later(payment: Payment) -> None:
    """Have the gateway asked by a task, however often a page is reloaded once a minute at most."""
    wait = QUERY_AFTER.total_seconds()
    if query_due(payment) and cache.add(f"payment-query:{payment.reference}", 1, wait):
        tasks.query_gateway.enqueue(payment.pk)
