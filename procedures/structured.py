"""A procedure as schema.org data, for search engines and assistants."""

from __future__ import annotations

import json
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from procedures.models import Agency, Procedure, Revision

# As in Django's json_script: a text may hold `</script>`.
_ESCAPES = {ord(">"): "\\u003E", ord("<"): "\\u003C", ord("&"): "\\u0026"}


def government_service(
    procedure: Procedure, offices: list[Agency], *, site_url: str
) -> dict[str, Any]:
    """schema.org `GovernmentService`: what it is, for whom, and where one asks for it."""
    revision = procedure.current
    address = site_url + procedure.get_absolute_url()
    data = {
        "@context": "https://schema.org",
        "@type": "GovernmentService",
        "@id": address,
        "url": address,
        "identifier": procedure.code,
        "name": revision.short_name or revision.name,
        "alternateName": [revision.name, *revision.also_called],
        "description": revision.summary,
        "serviceType": revision.sector.name,
        "inLanguage": "vi",
        "audience": [
            {"@type": "Audience", "audienceType": audience} for audience in revision.audience
        ],
        "provider": [_organisation(office) for office in offices],
        "availableChannel": _channels(revision, offices, address),
        "serviceOutput": {"@type": "Thing", "name": revision.result.get("name", "")},
    }
    return {key: value for key, value in data.items() if value}


def _organisation(office: Agency) -> dict[str, Any]:
    data = {
        "@type": "GovernmentOrganization",
        "name": office.name,
        "address": office.address,
        "telephone": office.phone,
        "email": office.email,
    }
    return {key: value for key, value in data.items() if value}


def _channels(revision: Revision, offices: list[Agency], address: str) -> list[dict[str, Any]]:
    kinds = dict.fromkeys(row.kind for row in revision.channels.all())
    channels = []
    for kind in kinds:
        channel: dict[str, Any] = {"@type": "ServiceChannel", "availableLanguage": "vi"}
        if kind == "online":
            channel["serviceUrl"] = address
        elif kind == "postal":
            channel["servicePostalAddress"] = [
                {"@type": "PostalAddress", "streetAddress": row.receiving.address}
                for row in offices
            ]
        else:
            channel["serviceLocation"] = [
                {"@type": "Place", "name": row.receiving.name, "address": row.receiving.address}
                for row in offices
            ]
        channels.append(channel)
    return channels


def data_block(data: dict[str, Any]) -> SafeString:
    """The data as a block for a page's head; it is no script, so the policy lets it be."""
    text = json.dumps(data, ensure_ascii=False).translate(_ESCAPES)
    return mark_safe(f'<script type="application/ld+json">{text}</script>')  # noqa: S308 (escaped)
