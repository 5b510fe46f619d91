"""What an official may do today and where, by the postings that are in force."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest

from procedures.models import Agency, Posting

Role = Posting.Role
# Who works with dossiers; editors and administrators have no business in one.
HANDLING_ROLES = frozenset(
    {
        Role.RECEPTION, Role.CASE_OFFICER, Role.APPROVER,
        Role.LEADER, Role.CASHIER, Role.SUPERVISOR,
    }
)  # fmt: skip


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


def offices_of(user: Any, among: Iterable[str] = HANDLING_ROLES) -> frozenset[int]:
    """The keys of the offices where `user` holds one of the roles `among` today: those of
    the postings and all below them."""
    postings = Posting.objects.filter(user=user, role__in=set(among)).current()
    return at_or_below(postings.values_list("agency_id", flat=True))


def offices(request: HttpRequest) -> frozenset[int]:
    """The offices whose dossiers the sender of a request works with, asked once."""
    if not hasattr(request, "_offices_today"):
        request._offices_today = offices_of(request.user)
    return request._offices_today


def at_or_below(agencies: Iterable[int]) -> frozenset[int]:
    """These offices and every office below them in the tree, by key."""
    found = set(agencies)
    if not found:
        return frozenset()
    children: dict[int, list[int]] = {}
    for pk, parent in Agency.objects.exclude(parent=None).values_list("pk", "parent_id"):
        children.setdefault(parent, []).append(pk)
    waiting = list(found)
    while waiting:
        below = [pk for pk in children.get(waiting.pop(), ()) if pk not in found]
        found.update(below)
        waiting += below
    return frozenset(found)


def at_or_above(agency: Agency | None) -> frozenset[int]:
    """The keys of an office and of every office above it; empty for none."""
    found: set[int] = set()
    while agency is not None and agency.pk not in found:
        found.add(agency.pk)
        agency = agency.parent
    return frozenset(found)
