"""Offices and life events from YAML lists: what is new is added, what is there stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from procedures.loading.yamltext import read
from procedures.models import Agency, LifeEvent


class ListError(ValueError):
    """A list that cannot be loaded; the message names file and line."""


def _rows(path: Path) -> list[dict[str, Any]]:
    document = read(path.read_text(encoding="utf-8"), path.name)
    if not document.faults and not isinstance(document.data, list):
        document.fault((), _("Tệp phải là một danh sách."))
    if document.faults:
        raise ListError("\n".join(str(fault) for fault in document.faults))
    return document.data


def load_offices(path: Path) -> int:
    """Add the offices that are not there yet; returns how many.

    They are linked afterwards, so that a row may name an office that stands further down.
    """
    links = {}
    for row in _rows(path):
        link = {name: row.pop(name) for name in ("parent", "reception") if name in row}
        office, created = Agency.objects.get_or_create(code=row.pop("code"), defaults=row)
        if created:
            links[office] = link
    for office, link in links.items():
        for name, code in link.items():
            setattr(office, name, Agency.objects.get(code=code))
        office.save()
    return len(links)


def load_life_events(path: Path) -> int:
    """Add the life events that are not there yet; returns how many."""
    added = 0
    for row in _rows(path):
        slug = row.pop("slug")
        _event, created = LifeEvent.objects.get_or_create(slug=slug, defaults=row)
        added += created
    return added
