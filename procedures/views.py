"""The public catalogue: finding a procedure, reading it, taking its form home."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from procedures import presenting
from procedures.models import Agency, LifeEvent, Procedure, Sector
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


@require_safe
def by_code(request: HttpRequest, code: str) -> HttpResponse:
    """The short address leads to the full one."""
    return redirect(get_object_or_404(Procedure, code=code, current__isnull=False))


@require_safe
def detail(request: HttpRequest, code: str, slug: str) -> HttpResponse:
    """Everything about one procedure; an old slug leads to today's."""
    procedure = get_object_or_404(Procedure.objects.for_page(), code=code)
    if slug != procedure.slug:
        return redirect(procedure, permanent=True)
    return render(request, "procedures/detail.html", presenting.page_context(procedure))


@require_safe
def blank_form(request: HttpRequest, code: str) -> HttpResponse:
    """The blank form as a PDF that can be filled on a computer or by hand."""
    from procedures.formspec.paperform import stored_blank

    procedure = get_object_or_404(Procedure.objects.for_page(), code=code)
    revision = procedure.current
    if not revision.has_form or revision.service_level < 2:
        raise Http404
    name = f"to-khai-{procedure.slug}.pdf"
    return FileResponse(stored_blank(revision), as_attachment=True, filename=name)


@require_safe
def life_event(request: HttpRequest, slug: str) -> HttpResponse:
    """The procedures that one event in life brings with it."""
    event = get_object_or_404(LifeEvent, slug=slug)
    procedures = Procedure.objects.for_catalogue().filter(current__life_events=event)
    context = {"life_event": event, "procedures": procedures}
    return render(request, "procedures/life_event.html", context)


@require_safe
def agency(request: HttpRequest, code: str) -> HttpResponse:
    """One office: where it is, when it is open, what it handles."""
    office = get_object_or_404(Agency, code=code, is_active=True)
    procedures = Procedure.objects.for_catalogue().filter(current__tier=office.tier)[:50]
    context = {"agency": office, "procedures": procedures}
    return render(request, "procedures/agency.html", context)
