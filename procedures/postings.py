"""What an official may do today, by the postings that are in force."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from procedures.models import Posting


def roles_of(user: Any) -> frozenset[str]:
    """The roles that `user` has anywhere today; all of them for who runs the portal."""
    if user.is_superuser:
        return frozenset(Posting.Role.values)
    return frozenset(Posting.objects.filter(user=user).current().values_list("role", flat=True))


def roles(request: HttpRequest) -> frozenset[str]:
    """The same for who sends a request, asked once whatever the number of admin pages."""
    if not hasattr(request, "_roles_today"):
        request._roles_today = roles_of(request.user)
    return request._roles_today
