"""The officials' pages beside the lists of the Django admin, and the menu that leads to them.

A module registers its view here by its route under `/quan-tri/`, with the roles that may
open it; `portal.adminsite` puts them into the site behind its login and second factor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from procedures.postings import roles

View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Page:
    """One page: where it is, who may open it, and its words in the menu ("" for none).

    `count` says how much waits there for who sends a request.
    """

    route: str
    view: View
    name: str
    roles: frozenset[str]
    label: Any = ""
    count: Callable[[HttpRequest], int] | None = None


PAGES: dict[str, Page] = {}

# How the menu stands: the day's work first, then what is read of it, then one's own matters.
_MENU = (
    "desk", "cash_desk", "bank_lines", "money", "refunds", "receipts",
    "counter_entries", "quick_entry", "collect", "parcels", "uncollected", "exemptions",
    "opinions_waiting", "reports", "register", "complaints", "ratings", "breaches", "stand_ins",
    "reserved_codes", "relatives",
)  # fmt: skip


def page(
    route: str,
    *,
    name: str,
    roles: frozenset[str] | set[str],
    label: Any = "",
    count: Callable[[HttpRequest], int] | None = None,
):
    """Register a view as `admin:<name>`; who holds none of `roles` today gets 403.

    What it shows must still be limited to the offices of the person: the roles say what
    somebody may do somewhere, not where.
    """

    def decorate(view: View) -> View:
        guarded = _only(frozenset(roles), view)
        PAGES[name] = Page(route, guarded, name, frozenset(roles), label, count)
        return guarded

    return decorate


def _only(allowed: frozenset[str], view: View) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not roles(request) & allowed:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded


def menu(request: HttpRequest) -> list[dict[str, Any]]:
    """The pages with words in the menu that this person may open: `{name, label, count}`.

    The page of one dossier is opened most and must be fast: what waits elsewhere is counted
    on all the others.
    """
    held = roles(request)
    match = request.resolver_match
    is_counted = match is None or match.url_name != "dossiers_dossier_change"
    return [
        {
            "name": f"admin:{page.name}",
            "label": page.label,
            "count": page.count(request) if page.count and is_counted else 0,
        }
        for page in sorted(PAGES.values(), key=_place)
        if page.label and held & page.roles
    ]


def _place(page: Page) -> int:
    return _MENU.index(page.name) if page.name in _MENU else len(_MENU)


def frame(request: HttpRequest, title: Any) -> dict[str, Any]:
    """What every page of the officials' site shows around its own content."""
    return {**admin.site.each_context(request), "title": title}
