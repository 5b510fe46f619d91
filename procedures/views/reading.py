"""Reading: the page of a procedure, of an event in life, of an office."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from procedures import presenting
from procedures.models import Agency, LifeEvent, Procedure


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
