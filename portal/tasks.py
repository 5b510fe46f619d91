"""What the site does outside a request."""

from __future__ import annotations

from django.core.mail import EmailMessage
from django.tasks import task


@task()
def send_mail(subject: str, body: str, to: list[str]) -> None:
    """Send one plain message."""
    EmailMessage(subject=subject, body=body, to=to).send()
