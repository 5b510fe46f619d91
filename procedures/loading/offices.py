"""Offices and life events from YAML lists: nothing that staff wrote is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from procedures.bankaccounts import check_bank_account
from procedures.lifeevents import faults
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
        _check_account(row, path.name)
        link = {name: row.pop(name) for name in ("parent", "reception") if name in row}
        office, created = Agency.objects.get_or_create(code=row.pop("code"), defaults=row)
        if created:
            links[office] = link
    for office, link in links.items():
        for name, code in link.items():
            setattr(office, name, Agency.objects.get(code=code))
        office.save()
    return len(links)


def _check_account(row: dict[str, Any], file: str) -> None:
    try:
        check_bank_account(row.get("bank_account", {}))
    except ValidationError as error:
        raise ListError(f"{file}: {row['code']}: {error.message}") from None


@transaction.atomic
def load_life_events(path: Path) -> int:
    """Bring the life events to what the file says; returns how many were added or changed.

    One that somebody has changed in the admin since is theirs and stays as it is. Raises
    `ListError` for steps that the page could not show.
    """
    done = 0
    for row in _rows(path):
        wrong = faults(row.get("steps", []))
        if wrong:
            raise ListError("\n".join(f"{path.name}: {row['slug']}: {fault}" for fault in wrong))
        slug = row.pop("slug")
        event = LifeEvent.objects.filter(slug=slug).first()
        if event is None:
            LifeEvent.objects.create(slug=slug, **row)
            done += 1
        elif not _changed_by_staff(event):
            done += _bring_up(event, row)
    return done


def _changed_by_staff(event: LifeEvent) -> bool:
    return LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(LifeEvent),
        object_id=str(event.pk),
        action_flag=CHANGE,
    ).exists()


def _bring_up(event: LifeEvent, row: dict[str, Any]) -> bool:
    # Every scalar of a file is text.
    row["position"] = int(row.get("position", event.position))
    changed = [name for name, value in row.items() if getattr(event, name) != value]
    for name in changed:
        setattr(event, name, row[name])
    if changed:
        event.save(update_fields=changed)
    return bool(changed)
