"""What time does to biên lai: asked again, ever more rarely, until the service gives them."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable

from django.utils import timezone

from payments import ereceipts
from payments.ereceipts import issuing
from payments.models import LegalReceipt, Payment

AGAIN_AFTER = datetime.timedelta(minutes=2)  # doubled by each attempt
MOST_DOUBLED = 12  # the twelfth comes after five days or so
AT_ONCE = 50
GIVE_UP_AFTER = 3  # in a row: the service is down

logger = logging.getLogger(__name__)


def issue_again() -> int:
    """Ask again for the biên lai that the service has not issued yet; how many it issued."""
    if ereceipts.service() is None:
        return 0
    rows = issuing.waiting().select_related("payment").order_by("attempts", "pk")[:AT_ONCE]
    due = [row.payment for row in rows if _is_due(row)]
    return _one_by_one(due, lambda payment: _is_issued(issuing.issue(payment)))


def cancel_void() -> int:
    """Have the biên lai of money that went back declared void; how many the service took."""
    if ereceipts.service() is None:
        return 0
    rows = issuing.void().select_related("payment")[:AT_ONCE]
    return _one_by_one([row.payment for row in rows], issuing.cancel_if_void)


def _is_due(row: LegalReceipt) -> bool:
    waits = AGAIN_AFTER * 2 ** min(row.attempts, MOST_DOUBLED)
    return timezone.now() - row.created_at >= waits


def _is_issued(row: LegalReceipt | None) -> bool:
    return row is not None and row.state == LegalReceipt.State.ISSUED


def _one_by_one(payments: list[Payment], work: Callable[[Payment], bool]) -> int:
    """Do it for each; a fault in one does not keep the others back, but several in a row do."""
    done = failed = 0
    for payment in payments:
        try:
            is_done = work(payment)
        except Exception:
            logger.exception("legal receipt of payment %s", payment.reference)
            is_done = False
        done, failed = done + is_done, 0 if is_done else failed + 1
        if failed == GIVE_UP_AFTER:
            break
    return done
