"""The home page, help, and whether the portal is well."""

from __future__ import annotations

from django.core.cache import cache
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import DatabaseError, connection
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dossiers import typed
from dossiers.models import Dossier
from procedures.models import Agency, CatalogueVersion, LifeEvent, Procedure, Revision, Sector

IN_FORCE = Q(revisions__status=Revision.Status.PUBLISHED)
SHOWN_SECTORS, SHOWN_POPULAR = 12, 6


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Whose portal it is, the search, the way to one's dossier."""
    known = cache.get_or_set(f"home:{CatalogueVersion.in_force()}", _from_catalogue, timeout=600)
    context = {
        "life_events": LifeEvent.objects.all(),
        "popular": _popular(known["own"]),
        "sectors": known["sectors"][:SHOWN_SECTORS],
        "sector_count": len(known["sectors"]),
    }
    return render(request, "portal/home.html", context)


def _popular(own: list[int]) -> list[Procedure]:
    """What most people filed; the office's `own` procedures fill the places that are left."""
    filed = list(
        Dossier.objects.exclude(state=Dossier.State.DRAFT)
        .values_list("revision__procedure", flat=True)
        .annotate(count=Count("pk"))
        .order_by("-count")[:SHOWN_POPULAR]
    )
    wanted = list(dict.fromkeys([*filed, *own]))[:SHOWN_POPULAR]
    found = Procedure.objects.filter(current__isnull=False).select_related("current")
    by_pk = found.in_bulk(wanted)
    return [by_pk[pk] for pk in wanted if pk in by_pk]


def _from_catalogue() -> dict[str, list]:
    """What the home page says of the whole catalogue, kept until the catalogue changes.

    `sectors`: name, slug and count of each field; those come first in which the office
    writes itself, then those of our offices' tiers. `own`: the procedures it writes itself.
    """
    written = Q(revisions__origin=Revision.Origin.OFFICE)
    own = Q(revisions__tier__in=Agency.objects.filter(is_active=True).values("tier"))
    sectors = (
        Sector.objects.in_use()
        .annotate(
            written=Count("revisions", filter=IN_FORCE & written),
            own=Count("revisions", filter=IN_FORCE & own),
        )
        .order_by("-written", "-own", "-count", "name")
    )
    procedures = Procedure.objects.filter(current__origin=Revision.Origin.OFFICE)
    best_served = procedures.order_by("-current__service_level", "code")
    return {
        "sectors": list(sectors.values("name", "slug", "count")),
        "own": list(best_served.values_list("pk", flat=True)[:SHOWN_POPULAR]),
    }


@require_safe
def about(request: HttpRequest) -> HttpResponse:
    """Whose portal this is, what changed in 2025, and which offices work with it."""
    offices = Agency.objects.filter(is_active=True, receives_for=None).distinct()
    return render(request, "portal/about.html", {"offices": offices.order_by("name")})


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """How to do the usual things."""
    return render(request, "portal/help.html")


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """The process can do its work: the database answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"database": "down"}, status=503)
    return JsonResponse({"database": "ok"})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A request that makes no sense, or holds more than any page of ours sends."""
    too_much = isinstance(exception, TooManyFieldsSent | TooManyFilesSent | RequestDataTooBig)
    return render(request, "400.html", {"is_too_much": too_much}, status=400)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form's token is missing or old: a login in another tab is enough for that.

    What was typed is kept where the page keeps it, for its own address alone.
    """
    context = {"is_csrf": True, "is_kept": typed.keep_after_refusal(request)}
    return render(request, "403.html", context, status=403)
