"""Dossier codes, taken without gaps or duplicates however many file at once."""

from __future__ import annotations

import datetime

from django.utils import timezone

from dossiers.models import DayCounter
from procedures.models import Agency


def next_code(agency: Agency, moment: datetime.datetime) -> str:
    """The next code of this office and day: `000.00.40.H50-261123-0001`.

    Must run inside the transaction that files the dossier: the counter's row stays locked
    until that commits, and a filing that fails gives its number back. Source: Circular
    01/2018 art. 19; the number has at least four digits and starts anew each day.
    """
    day = timezone.localdate(moment)
    DayCounter.objects.get_or_create(agency=agency, day=day)
    counter = DayCounter.objects.select_for_update().get(agency=agency, day=day)
    counter.last += 1
    counter.save(update_fields=["last"])
    return f"{agency.code}-{day:%y%m%d}-{counter.last:04d}"
