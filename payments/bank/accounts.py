"""The bank accounts of offices: whose one is, and which a cashier works with."""

from __future__ import annotations

from collections.abc import Iterable

from payments.gateways import vietqr
from procedures.models import Agency
from procedures.postings import at_or_below


def owner_of(account: str) -> Agency | None:
    """The office with this account number; None where it is no office's."""
    if not account:
        return None
    return Agency.objects.filter(bank_account__number=account).order_by("code").first()


def of_offices(agencies: Iterable[int]) -> list[Agency]:
    """The offices on whose accounts the money of these comes (by key, with those below them):
    their own accounts, or that of an office above which they share."""
    rows = Agency.objects.filter(pk__in=at_or_below(agencies))
    found = {
        holder.pk: holder for holder in map(vietqr.account_holder, _with_parents(rows)) if holder
    }
    return sorted(found.values(), key=lambda agency: agency.code)


def served_by(holder: Agency) -> list[int]:
    """The keys of the offices whose money comes on the account of `holder`."""
    rows = _with_parents(Agency.objects.filter(pk__in=at_or_below([holder.pk])))
    return [office.pk for office in rows if vietqr.account_holder(office).pk == holder.pk]


def _with_parents(rows):
    return rows.select_related("parent__parent__parent")
