"""Reading: the page of a procedure, what one person needs, what changed, events, offices."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from procedures import history, lifeevents, presenting, structured
from procedures.formfiles import forms_for
from procedures.models import Agency, LifeEvent, Procedure, Revision
from procedures.needs import NeedsForm, checklist
from procedures.papers import qr_svg_data_uri

SHOWN_CHANGES = 3
SHOWN_PROCEDURES = 20
PAGE_SIZE = 20


@require_safe
def by_code(request: HttpRequest, code: str) -> HttpResponse:
    """The short address leads to the full one."""
    procedure = get_object_or_404(Procedure, code=code)
    return redirect(procedure) if procedure.current_id else _no_longer(request, procedure)


@require_safe
def detail(request: HttpRequest, code: str, slug: str) -> HttpResponse:
    """Everything about one procedure; an old slug leads to today's."""
    procedure = Procedure.objects.for_page().filter(code=code).first()
    if procedure is None:
        return _no_longer(request, get_object_or_404(Procedure, code=code))
    if slug != procedure.slug:
        return redirect(procedure, permanent=True)
    context = presenting.page_context(procedure)
    changes = history.changes_of(procedure)
    data = structured.government_service(procedure, context["offices"], site_url=settings.SITE_URL)
    context |= {
        "forms": forms_for(procedure, procedure.current),
        "changes": changes[:SHOWN_CHANGES],
        "has_more_changes": len(changes) > SHOWN_CHANGES,
        "structured_data": structured.data_block(data),
        "is_unfolded": "day-du" in request.GET,
    }
    return render(request, "procedures/detail.html", context)


def _no_longer(request: HttpRequest, procedure: Procedure) -> HttpResponse:
    """What was in force once is said to be no longer; what never was is not found."""
    revision = get_object_or_404(
        procedure.revisions.filter(status=Revision.Status.SUPERSEDED).order_by("-number")[:1]
    )
    context = {"procedure": procedure, "revision": revision}
    return render(request, "procedures/no_longer.html", context, status=410)


@require_safe
def needs(request: HttpRequest, code: str) -> HttpResponse:
    """The questions, and with answers in the address the checklist of one person."""
    procedure = get_object_or_404(Procedure.objects.for_page(), code=code)
    is_answered = "xem" in request.GET
    form = NeedsForm(procedure.current, request.GET if is_answered else None)
    context = {**presenting.page_context(procedure), "form": form}
    if form.is_empty:
        form = context["form"] = NeedsForm(procedure.current, request.GET)
    wants_questions = not is_answered or "sua" in request.GET
    if not form.is_valid() or (wants_questions and not form.is_empty):
        return render(request, "procedures/needs_questions.html", context)
    address = _address(procedure, form)
    found = checklist(
        procedure.current, form.answers(), exemption=form.exemption, now=timezone.now()
    )
    context |= {
        "checklist": found,
        "edit_url": "" if form.is_empty else f"{address}&sua=1",
        "exemption": form.exemption_question(found),
        "address": f"{settings.SITE_URL}{address}",
        "qr": qr_svg_data_uri(f"{settings.SITE_URL}{address}"),
        "other": _other(found.redirect),
        "today": timezone.localdate(),
    }
    return render(request, "procedures/needs.html", context)


def _address(procedure: Procedure, form: NeedsForm) -> str:
    """The checklist's own address."""
    bare = reverse("procedures:needs", args=[procedure.code])
    return f"{bare}?{urlencode([*form.given(), ('xem', '1')])}"


def _other(row: dict | None) -> dict | None:
    return presenting.linked_procedures([row])[0] if row else None


@require_safe
def changes(request: HttpRequest, code: str) -> HttpResponse:
    """Every revision of one procedure, and how each differs from the one before."""
    procedure = get_object_or_404(
        Procedure.objects.select_related("current"), code=code, current__isnull=False
    )
    context = {"procedure": procedure, "changes": history.changes_of(procedure)}
    return render(request, "procedures/changes.html", context)


@require_safe
def recent(request: HttpRequest) -> HttpResponse:
    """What came into force lately, in all procedures."""
    page = Paginator(history.recent(), PAGE_SIZE).get_page(request.GET.get("trang"))
    context = {"page": page, "changes": history.with_differences(page), "loads": history.loads()}
    return render(request, "procedures/recent.html", context)


@require_safe
def life_event(request: HttpRequest, slug: str) -> HttpResponse:
    """What there is to do after an event in life, in order, and for whom."""
    event = get_object_or_404(LifeEvent, slug=slug)
    steps = lifeevents.steps(event)
    others = (
        Procedure.objects.filter(current__life_events=event)
        .exclude(code__in=lifeevents.codes(event))
        .select_related("current")
        .order_by("current__short_name", "code")
    )
    context = {
        "life_event": event,
        "steps": steps,
        "procedures": others[:SHOWN_PROCEDURES],
        "count": others.count(),
    }
    return render(request, "procedures/life_event.html", context)


@require_safe
def agency(request: HttpRequest, code: str) -> HttpResponse:
    """One office: where it is, when it is open, what it handles."""
    offices = Agency.objects.select_related("parent", "reception")
    office = get_object_or_404(offices, code=code, is_active=True)
    handled = Procedure.objects.filter(current__tier=office.tier).select_related("current")
    context = {
        "agency": office,
        # What the office itself wrote stands before what the national catalogue lists.
        "procedures": handled.order_by("-current__origin", "current__short_name", "code")[
            :SHOWN_PROCEDURES
        ],
        "count": handled.count(),
    }
    return render(request, "procedures/agency.html", context)
