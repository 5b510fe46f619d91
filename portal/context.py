"""What every page knows: whose portal it is, and whether it is a trial."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from procedures.filingplace import national_url, portal_office
from procedures.models import Agency


@dataclass(frozen=True)
class Site:
    """The portal as its pages name it."""

    office: Agency | None
    is_demo: bool
    is_trial: bool
    national_url: str
    url: str
    max_upload_mb: int


def _site() -> Site:
    office = portal_office()
    return Site(
        office=office,
        is_demo=settings.DEMO,
        # Demo people and a demo signature make no dossier that counts, whatever the office says.
        is_trial=settings.DEMO or office is None or office.mode == Agency.Mode.TRIAL,
        national_url=national_url(),
        url=settings.SITE_URL,
        max_upload_mb=settings.MAX_UPLOAD_MB,
    )


def site(request: HttpRequest) -> dict[str, object]:
    """`site` for templates; asks the database only where a page uses it.

    `portal` is the same: allauth's own pages put another `site` in its place.
    """
    lazy = SimpleLazyObject(_site)
    return {"site": lazy, "portal": lazy}
