"""What time alone does to payments."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Iterator

from django.db.models import F
from django.utils import timezone

from payments import callbacks, gateways
from payments.gateways import Gateway
from payments.models import Payment

ASK_AFTER = datetime.timedelta(minutes=5)
ASK_FOR = datetime.timedelta(days=3)
ASK_RARER = 8  # again when an eighth of the payment's age has passed since the last time
GIVE_UP_AFTER = 3  # answers in a row that did not come: the gateway is down

logger = logging.getLogger(__name__)


def query_pending() -> int:
    """Ask the gateways about payments that were begun and heard nothing of; how many settled.

    A callback that was lost in an outage would otherwise be lost for good. Those that were
    given up (a new attempt, cash, a withdrawn dossier) are asked about too: money may have
    come for them. One gateway that is down keeps nothing of another back.
    """
    return sum(_query_pending(gateway) for gateway in gateways.open())


def _query_pending(gateway: Gateway) -> int:
    settled = unanswered = 0
    for payment in _begun(gateway):
        unanswered = 0 if _ask(payment) else unanswered + 1
        if unanswered == GIVE_UP_AFTER:
            break
        before = payment.state
        payment.refresh_from_db()
        settled += payment.state != before
    return settled


def _begun(gateway: Gateway) -> Iterator[Payment]:
    """What is to be asked about now, the longest unasked first: ever rarer with its age."""
    now = timezone.now()
    begun = Payment.objects.filter(
        method=gateway.method,
        state__in=[Payment.State.PENDING, Payment.State.CANCELLED],
        started_at__lt=now - ASK_AFTER,
        started_at__gt=now - ASK_FOR,
    ).order_by(F("queried_at").asc(nulls_first=True))
    for payment in begun:
        pause = (now - payment.started_at) / ASK_RARER
        if payment.queried_at is None or now - payment.queried_at >= pause:
            yield payment


def _ask(payment: Payment) -> bool:
    """Ask about one payment; a fault in one must not keep the others back."""
    try:
        return callbacks.query_gateway(payment)
    except Exception:
        logger.exception("payment %s: the gateway's answer was not taken", payment.reference)
        return True
