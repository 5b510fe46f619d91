"""Whether a session was opened with a second factor, as every official's must be."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def was_used(request: HttpRequest) -> bool:
    """Whether this very session used one; demo people alone, in demo mode alone, may go without."""
    if settings.DEMO and request.user.is_demo:
        return True
    records = request.session.get("account_authentication_methods", [])
    return any(record.get("method") == "mfa" for record in records)
