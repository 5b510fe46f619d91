"""What the site does outside a request."""

from __future__ import annotations

from django.core.mail import EmailMessage
from django.tasks import task


@task()
def send_mail(subject: str, body: str, to: list[str]) -> None:
    """Send one plain message."""
    EmailMessage(subject=subject, body=body, to=to).send()


@task()
def send_text(phone: str, text: str) -> None:
    """Send one SMS."""
    from dossiers.channels import phone as by_phone
    from dossiers.models import Delivery

    by_phone.send(Delivery.Channel.SMS, phone, text)


@task()
def make_export(export_id: int) -> None:
    """Gather a copy of everything that is kept about one person."""
    from portal import exports

    exports.make(export_id)
