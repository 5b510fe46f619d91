"""What an official may do today and where, by the postings that are in force."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

from django.db.models import Q, QuerySet
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


def held_by(user: Any) -> list[tuple[str, int]]:
    """(role, key of the office) of every posting of `user` that is in force today."""
    return list(Posting.objects.filter(user=user).current().values_list("role", "agency_id"))


def held(request: HttpRequest) -> list[tuple[str, int]]:
    """The same for who sends a request, asked once."""
    if not hasattr(request, "_held_today"):
        today = Posting.objects.filter(user=request.user).current()
        absent = ("stands_in_for", "stands_in_for__full_name")
        rows = list(today.values_list("role", "agency_id", *absent))
        request._held_today = [(role, agency) for role, agency, _absent, _name in rows]
        request._replaced_today = sorted({name for *_held, name in rows if name})
        request._replaced_keys_today = tuple(
            dict.fromkeys(key for *_held, key, _name in rows if key)
        )
    return request._held_today


def replaced(request: HttpRequest) -> list[str]:
    """The names of those for whom the sender of a request stands in today."""
    if request.user.is_superuser:
        return []
    held(request)
    return request._replaced_today


def replaced_keys(request: HttpRequest) -> tuple[int, ...]:
    """The keys of the same people."""
    held(request)
    return request._replaced_keys_today


def roles(request: HttpRequest) -> frozenset[str]:
    """The roles of who sends a request, asked once whatever the number of admin pages."""
    if request.user.is_superuser:
        return roles_of(request.user)
    return frozenset(role for role, _agency in held(request))


def offices_of(user: Any, among: Iterable[str] = HANDLING_ROLES) -> frozenset[int]:
    """The keys of the offices where `user` holds one of the roles `among` today: those of
    the postings and all below them."""
    postings = Posting.objects.filter(user=user, role__in=set(among)).current()
    return at_or_below(postings.values_list("agency_id", flat=True))


def offices(request: HttpRequest) -> frozenset[int]:
    """The offices whose dossiers the sender of a request works with, asked once."""
    if not hasattr(request, "_offices_today"):
        own = (agency for role, agency in held(request) if role in HANDLING_ROLES)
        request._offices_today = at_or_below(own)
    return request._offices_today


def in_force(
    postings: QuerySet[Posting], first: datetime.date, last: datetime.date | None
) -> QuerySet[Posting]:
    """Those of `postings` that hold on some day from `first` to `last` (None: without an end)."""
    begun = postings if last is None else postings.filter(valid_from__lte=last)
    return begun.filter(Q(valid_until=None) | Q(valid_until__gte=first))


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
