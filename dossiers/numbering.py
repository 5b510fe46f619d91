"""Running numbers of papers and results, and of the register: without gaps, by office and year.

Every number comes from a row that stays locked until the transaction commits, so one that
fails gives its number back. Source: Circular 01/2018 art. 10 (books are opened for a year
and numbered from 01 to its end).
"""

from __future__ import annotations

from django.utils import timezone

from dossiers.models import Dossier, RegisterEntry, ResultCounter
from procedures.models import Agency

REGISTER = "SO-THEO-DOI"


def next_number(agency: Agency, symbol: str) -> str:
    """`12/QĐ-UBND`: the next number of one series of an office in this year."""
    return f"{next_in_series(agency, symbol):02d}/{symbol}"


def enter_register(dossier: Dossier, agency: Agency | None = None) -> RegisterEntry:
    """The line of a dossier in the register of the desk that took it in; made once."""
    agency = agency or dossier.receiving_agency
    entry = RegisterEntry.objects.filter(dossier=dossier, agency=agency).first()
    if entry is not None:
        return entry
    return RegisterEntry.objects.create(
        dossier=dossier,
        agency=agency,
        year=timezone.localdate().year,
        number=next_in_series(agency, REGISTER),
    )


def next_in_series(agency: Agency, symbol: str) -> int:
    """The next number of one series of an office in this year."""
    year = timezone.localdate().year
    ResultCounter.objects.get_or_create(agency=agency, year=year, symbol=symbol)
    counter = ResultCounter.objects.select_for_update().get(agency=agency, year=year, symbol=symbol)
    counter.last += 1
    counter.save(update_fields=["last"])
    return counter.last
