"""What every page knows: whose portal it is, and whether it is a trial."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import cached_property

from procedures.filingplace import national_url, portal_office
from procedures.models import Agency


class Site:
    """The portal as its pages name it; asks the database only where a page names its office."""

    @cached_property
    def office(self) -> Agency | None:
        """The office whose portal it is."""
        return portal_office()

    @property
    def is_demo(self) -> bool:
        """Whether demo people may enter."""
        return settings.DEMO

    @property
    def is_trial(self) -> bool:
        """Whether nothing counts: demo people and a demo signature make no dossier that does,
        whatever the office says."""
        return settings.DEMO or self.office is None or self.office.mode == Agency.Mode.TRIAL

    @property
    def national_url(self) -> str:
        """The national portal."""
        return national_url()

    @property
    def url(self) -> str:
        """The address of this portal."""
        return settings.SITE_URL

    @property
    def max_upload_mb(self) -> int:
        """How large a file may be."""
        return settings.MAX_UPLOAD_MB


def site(request: HttpRequest) -> dict[str, object]:
    """`site` for templates; `portal` is the same: allauth's own pages put another `site` in
    its place."""
    site = Site()
    return {"site": site, "portal": site}
