"""How people register and log in, on top of allauth."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as request_context
from django import forms
from django.contrib.sites.shortcuts import get_current_site
from django.utils.translation import gettext_lazy as _

from portal.tasks import send_mail


class AccountAdapter(DefaultAccountAdapter):
    """allauth as this portal wants it: mail from a task, people without usernames."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Have the message sent by a worker: no request waits for a mail server."""
        request = request_context.request
        message = self.render_mail(
            template_prefix,
            email,
            {
                "request": request,
                "email": email,
                "current_site": get_current_site(request),
                **context,
            },
        )
        send_mail.enqueue(message.subject, message.body, list(message.to))

    def is_safe_url(self, url: str | None) -> bool:
        """Only addresses of this very site, written without tricks."""
        return bool(url) and url.startswith("/") and super().is_safe_url(url)


class PersonForm(forms.Form):
    """What registration asks beyond address and password."""

    full_name = forms.CharField(
        label=_("Họ và tên"),
        max_length=120,
        widget=forms.TextInput({"autocomplete": "name"}),
        help_text=_("Như trên thẻ căn cước."),
    )

    field_order = ("full_name", "email", "password1")

    def signup(self, request: object, user: Any) -> None:
        """Keep the name with the new person."""
        user.full_name = self.cleaned_data["full_name"]
        user.save(update_fields=["full_name"])


def display_name(user: Any) -> str:
    """How a person is called on allauth's pages."""
    return user.get_full_name()
