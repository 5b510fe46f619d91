"""Running numbers of papers and results, and of the register: without gaps, by office and year.

Every number comes from a row that stays locked until the transaction commits, so one that
fails gives its number back. Source: Circular 01/2018 art. 10 (books are opened for a year
and numbered from 01 to its end).
"""

from __future__ import annotations

from typing import Any

from django.db import connection, models
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
    return take(ResultCounter, agency_id=agency.pk, year=timezone.localdate().year, symbol=symbol)


def take(counters: type[models.Model], **series: Any) -> int:
    """The next number of a series: `last` of its row in `counters`, which begins with 1.

    `series` are the columns that are unique together there. One statement on both databases
    makes the row or counts it up, and keeps it locked until the transaction ends.
    """
    table, quote = counters._meta.db_table, connection.ops.quote_name
    columns = ", ".join(quote(name) for name in series)
    marks = ", ".join(["%s"] * len(series))
    last = quote("last")
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(table)} ({columns}, {last}) VALUES ({marks}, 1) "  # noqa: S608
            f"ON CONFLICT ({columns}) DO UPDATE SET {last} = {quote(table)}.{last} + 1 "
            f"RETURNING {last}",
            list(series.values()),
        )
        return cursor.fetchone()[0]
