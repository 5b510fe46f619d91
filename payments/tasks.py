"""What happens about money outside a request."""

from __future__ import annotations

from django.tasks import task

from payments.models import Payment


@task()
def query_gateway(payment_id: int) -> None:
    """Ask the gateway about one payment."""
    from payments import callbacks

    callbacks.query_gateway(Payment.objects.get(pk=payment_id))
