"""What time alone does to payments."""

from __future__ import annotations

import datetime

from django.utils import timezone

from payments import services
from payments.models import Payment

ASK_AFTER = datetime.timedelta(minutes=5)
ASK_FOR = datetime.timedelta(days=3)


def query_pending() -> int:
    """Ask the gateway about payments that were begun and heard nothing of; how many settled.

    A callback that was lost in an outage would otherwise be lost for good.
    """
    now = timezone.now()
    begun = Payment.objects.filter(
        state=Payment.State.PENDING,
        started_at__lt=now - ASK_AFTER,
        started_at__gt=now - ASK_FOR,
    )
    settled = 0
    for payment in begun:
        services.query_gateway(payment)
        payment.refresh_from_db()
        settled += payment.state != Payment.State.PENDING
    return settled
