"""What every page knows: whose portal it is, and whether it is a trial."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from procedures.models import Agency


@dataclass(frozen=True)
class Site:
    """The portal as its pages name it."""

    office: Agency | None
    is_demo: bool
    url: str
    max_upload_mb: int


def _site() -> Site:
    office = Agency.objects.filter(parent=None, is_active=True).order_by("pk").first()
    return Site(
        office=office,
        is_demo=settings.DEMO,
        url=settings.SITE_URL,
        max_upload_mb=settings.MAX_UPLOAD_MB,
    )


def site(request: HttpRequest) -> dict[str, object]:
    """`site` for templates; asks the database only where a page uses it.

    `portal` is the same: allauth's own pages put another `site` in its place.
    """
    lazy = SimpleLazyObject(_site)
    return {"site": lazy, "portal": lazy}
