"""What happens about money outside a request."""

from __future__ import annotations

from django.tasks import task

from dossiers.models import Paper
from payments.models import Payment


@task()
def query_gateway(payment_id: int) -> None:
    """Ask the gateway about one payment."""
    from payments import callbacks

    callbacks.query_gateway(Payment.objects.get(pk=payment_id))


@task()
def follow_payment(payment_id: int, paper_id: int) -> None:
    """Print the receipt of a payment that became a fact."""
    from dossiers import papers

    papers.make(Paper.objects.get(pk=paper_id))
