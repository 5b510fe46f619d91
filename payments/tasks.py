"""What happens about money outside a request."""

from __future__ import annotations

from django.tasks import task

from dossiers.models import Paper
from payments.models import Payment, Refund


@task()
def query_gateway(payment_id: int) -> None:
    """Ask the gateway about one payment."""
    from payments import callbacks

    callbacks.query_gateway(Payment.objects.get(pk=payment_id))


@task()
def follow_payment(payment_id: int, paper_id: int) -> None:
    """Have the biên lai of a payment that became a fact asked for, and print our receipt."""
    from dossiers import papers
    from payments import ereceipts, exemptions

    payment = Payment.objects.get(pk=payment_id)
    exemptions.follow_money(payment)
    ereceipts.ask_for(payment)
    papers.make(Paper.objects.get(pk=paper_id))


@task()
def issue_legal_receipt(payment_id: int) -> None:
    """Ask the e-receipt service for the biên lai of a payment."""
    from payments.ereceipts import issuing

    issuing.issue(Payment.objects.get(pk=payment_id))


@task()
def cancel_legal_receipt(payment_id: int) -> None:
    """Declare the biên lai of a payment that went back void."""
    from payments.ereceipts import issuing

    issuing.cancel_if_void(Payment.objects.get(pk=payment_id))


@task()
def send_refund(refund_id: int) -> None:
    """Ask the gateway to give money back."""
    from payments import refunds

    refunds.send(Refund.objects.select_related("payment").get(pk=refund_id))


@task()
def sandbox_call(reference: str, url: str, is_late: bool) -> None:
    """The call of a played gateway that comes after the browser went back."""
    from payments.sandbox import views

    views.call_later(reference, url, is_late=is_late)
