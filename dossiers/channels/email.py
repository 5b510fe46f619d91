"""Mail: always in text, and beside it the same in HTML that needs nothing from outside."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string


def send(template: str, context: dict[str, Any], *, to: str, subject: str, message_id: str) -> bool:
    """One mail made of `emails/<template>.txt` and `.html`; whether the server took it.

    `message_id` is the same each time this mail is tried, so that a mail sent twice can be
    told from two mails. Raises what the mail server raises, to be tried again.
    """
    context = {**context, "subject": subject, "site_url": settings.SITE_URL}
    message = EmailMultiAlternatives(
        subject=one_line(subject),
        body=render_to_string(f"emails/{template}.txt", context),
        to=[to],
        headers={
            "Message-ID": f"<{message_id}@{urlsplit(settings.SITE_URL).hostname or 'mot-cua'}>",
            # No holiday answer, no bounce to a person: nobody reads the sender's box.
            "Auto-Submitted": "auto-generated",
        },
    )
    message.attach_alternative(render_to_string(f"emails/{template}.html", context), "text/html")
    return bool(message.send())


def one_line(text: str) -> str:
    """`text` fit for a header: a line end in a name must not begin another one."""
    return " ".join(text.split())
