"""Finding a procedure: the list, narrowed by words and by facets."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from procedures.models import Procedure, Sector
from procedures.search import search

PAGE_SIZE = 20
SEARCH_LIMIT = 200


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """The list, narrowed by words and by field."""
    query = request.GET.get("q", "").strip()[:200]
    sector = Sector.objects.filter(slug=request.GET.get("linh-vuc", "")).first()
    procedures = Procedure.objects.for_catalogue()
    if sector:
        procedures = procedures.filter(current__sector=sector)
    if query:
        found = search(query, limit=SEARCH_LIMIT)
        rows = {row.pk: row for row in procedures.filter(pk__in=found)}
        procedures = [rows[pk] for pk in found if pk in rows]
    page = Paginator(procedures, PAGE_SIZE).get_page(request.GET.get("trang"))
    in_force = Q(revisions__status="published")
    context = {
        "query": query,
        "page": page,
        "total": page.paginator.count,
        "sectors": Sector.objects.annotate(count=Count("revisions", filter=in_force)).filter(
            count__gt=0
        ),
        "selected_sector": sector,
    }
    return render(request, "procedures/list.html", context)
