"""The home page, help, and whether the portal is well."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from procedures.models import LifeEvent, Procedure, Sector


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Whose portal it is, the search, the way to one's dossier."""
    in_force = Q(revisions__status="published")
    context = {
        "life_events": LifeEvent.objects.all(),
        "popular": Procedure.objects.for_catalogue()
        .annotate(filed=Count("current__dossiers", filter=~Q(current__dossiers__state="draft")))
        .order_by("-filed", "code")[:6],
        "sectors": Sector.objects.annotate(count=Count("revisions", filter=in_force))
        .filter(count__gt=0)
        .order_by("name"),
    }
    return render(request, "portal/home.html", context)


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
