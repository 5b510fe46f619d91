"""The home page, help, and whether the portal is well."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dossiers.models import Dossier
from procedures.models import Agency, LifeEvent, Procedure, Revision, Sector

IN_FORCE = Q(revisions__status=Revision.Status.PUBLISHED)
SHOWN_SECTORS, SHOWN_POPULAR = 12, 6


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Whose portal it is, the search, the way to one's dossier."""
    sectors = _sectors()
    context = {
        "life_events": LifeEvent.objects.all(),
        "popular": _popular(),
        "sectors": sectors[:SHOWN_SECTORS],
        "sector_count": len(sectors),
    }
    return render(request, "portal/home.html", context)


def _popular() -> list[Procedure]:
    """What most people filed; the office's own procedures fill the places that are left."""
    filed = list(
        Dossier.objects.exclude(state=Dossier.State.DRAFT)
        .values_list("revision__procedure", flat=True)
        .annotate(count=Count("pk"))
        .order_by("-count")[:SHOWN_POPULAR]
    )
    found = Procedure.objects.for_catalogue().in_bulk(filed)
    own = (
        Procedure.objects.filter(current__origin=Revision.Origin.OFFICE)
        .exclude(pk__in=filed)
        .select_related("current")
        .order_by("-current__service_level", "code")[: SHOWN_POPULAR - len(found)]
    )
    return [*(found[pk] for pk in filed if pk in found), *own]


def _sectors() -> list[Sector]:
    """The fields with how many procedures they have.

    Those come first in which the office writes itself, then those of our offices' tiers.
    """
    written = Q(revisions__origin=Revision.Origin.OFFICE)
    own = Q(revisions__tier__in=Agency.objects.filter(is_active=True).values("tier"))
    return list(
        Sector.objects.annotate(
            count=Count("revisions", filter=IN_FORCE),
            written=Count("revisions", filter=IN_FORCE & written),
            own=Count("revisions", filter=IN_FORCE & own),
        )
        .filter(count__gt=0)
        .order_by("-written", "-own", "-count", "name")
    )


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
    """A request that makes no sense."""
    return render(request, "400.html", status=400)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form's token is missing or old."""
    return render(request, "403.html", {"is_csrf": True}, status=403)
