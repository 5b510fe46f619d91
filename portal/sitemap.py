"""The map of the portal: a tree of text for people, XML and robots.txt for search engines.

Circular 32/2017 article 16(4b) wants both. A field's own page lists all of its procedures
at once, so that each is three clicks from the home page (article 11(2b)).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from xml.sax.saxutils import escape

from django.conf import settings
from django.db.models import Count, Max
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import condition, require_safe

from dossiers.models import Question
from procedures import opendata
from procedures.models import Agency, LifeEvent, Procedure, Sector
from procedures.text import fold

PAGES = (
    "home", "about", "procedures:list", "procedures:recent", "dossiers:track", "dossiers:verify",
    "dossiers:roots", "dossiers:satisfaction", "dossiers:questions", "dossiers:ask", "help",
    "portal_map", "procedures:open_data",
)  # fmt: skip
# What belongs to one person or to officials, or answers only a form.
NOT_FOR_ROBOTS = (
    "/quan-tri/", "/ho-so/", "/tai-khoan/", "/thanh-toan/", "/hoi-dap/cua-toi/", "/hoi-dap/da-gui/",
    "/hoi-dap/theo-doi/", "/ngon-ngu/", "/xac-thuc/",
)  # fmt: skip
CHUNK = 1000


def _sectors() -> list[Sector]:
    """The fields that have procedures, in the order of the alphabet: Đất đai is not the last."""
    return sorted(Sector.objects.in_use(), key=lambda row: fold(row.name))


@require_safe
def tree(request: HttpRequest) -> HttpResponse:
    """Every part of the portal, as a tree of text."""
    context = {
        "sectors": _sectors(),
        "life_events": LifeEvent.objects.all(),
        "offices": Agency.objects.filter(is_active=True).order_by("name"),
    }
    return render(request, "portal/sitemap.html", context)


@require_safe
def sector(request: HttpRequest, slug: str) -> HttpResponse:
    """All procedures of one field, by name, with their levels."""
    field = get_object_or_404(Sector, slug=slug)
    procedures = (
        Procedure.objects.filter(current__sector=field)
        .select_related("current")
        .only(
            "code", "slug", "current__name", "current__short_name", "current__tier",
            "current__service_level", "current__online",
        )
        .order_by("current__name", "code")
    )  # fmt: skip
    context = {"sector": field, "procedures": procedures}
    return render(request, "portal/sitemap_sector.html", context)


def _tag(request: HttpRequest) -> str:
    """Of the catalogue and of the published questions; both come and go."""
    asked = Question.objects.published().aggregate(Count("pk"), Max("published_at"))
    newest = asked["published_at__max"]
    moment = f"{newest:%y%m%d%H%M%S}" if newest else "0"
    return opendata.state(request).tag(f"so-do-{asked['pk__count']}-{moment}")


@require_safe
@condition(etag_func=_tag)
def as_xml(request: HttpRequest) -> HttpResponse:
    """The map after sitemaps.org, written while it is read; one file holds 50,000 addresses."""
    return StreamingHttpResponse(_urlset(), content_type="application/xml; charset=utf-8")


def _urlset() -> Iterator[str]:
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    )
    yield "".join(_url(reverse(name)) for name in PAGES)
    yield "".join(_url(event.get_absolute_url()) for event in LifeEvent.objects.all())
    yield "".join(_url(row.get_absolute_url()) for row in Agency.objects.filter(is_active=True))
    yield "".join(_url(reverse("sector_map", args=[row.slug])) for row in _sectors())
    answered = Question.objects.published()[:CHUNK]
    yield "".join(_url(row.get_absolute_url(), row.published_at) for row in answered)
    rows = Procedure.objects.filter(current__isnull=False).order_by("code")
    facts = rows.values_list("code", "slug", "current__published_at")
    for code, slug, changed in facts.iterator(chunk_size=CHUNK):
        yield _url(reverse("procedures:detail", args=[code, slug]), changed)
    yield "</urlset>\n"


def _url(path: str, changed: datetime.datetime | None = None) -> str:
    lastmod = f"<lastmod>{timezone.localtime(changed):%Y-%m-%d}</lastmod>" if changed else ""
    return f"<url><loc>{escape(settings.SITE_URL + path)}</loc>{lastmod}</url>\n"


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """What search engines leave alone, and where the map is."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in NOT_FOR_ROBOTS)]
    lines.append(f"Sitemap: {settings.SITE_URL}{reverse('sitemap')}")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
