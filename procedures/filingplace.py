"""Where a dossier counts: at this portal, or only at the national one."""

from __future__ import annotations

from urllib.parse import quote

from django.conf import settings

from procedures.models import Agency, Revision


def portal_office() -> Agency | None:
    """The office whose portal this is: the oldest active one that has none above it."""
    return Agency.objects.filter(parent=None, is_active=True).order_by("pk").first()


def national_url(code: str = "") -> str:
    """The national portal, at the procedure with this code where its address has a `{code}`."""
    return settings.NATIONAL_PORTAL_URL.replace("{code}", quote(code))


def only_national(revision: Revision, office: Agency | None) -> bool:
    """Whether what is filed here would be in vain.

    Since 1/7/2025 many procedures are filed at the national portal alone (DOMAIN.md 0). A
    portal on trial takes them anyway, and says on every page that it counts for nothing.
    """
    is_national = revision.filing_place == Revision.FilingPlace.NATIONAL
    return is_national and office is not None and office.mode == Agency.Mode.OFFICIAL
