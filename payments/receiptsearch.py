"""Finding a receipt by what is printed on it: its number, that of the biên lai, the dossier."""

from __future__ import annotations

import re

from django.db.models import Q, QuerySet

from payments.models import Receipt
from procedures.text import normalise

_OURS = re.compile(
    r"(?:XNTT-?(?P<year>[0-9]{4})?\D*)?(?P<number>[0-9]{1,8})(?:/(?P<after>[0-9]{4}))?"
)


def of_offices(offices: frozenset[int]) -> QuerySet[Receipt]:
    """The receipts and counter-entries of these offices with all that their list shows."""
    rows = Receipt.objects.filter(agency__in=offices)
    return rows.select_related(
        "payment__dossier", "payment__legal_receipt", "cancels__payment__dossier",
        "cancelled_by", "received_by",
    ).order_by("-issued_at", "-pk")  # fmt: skip


def matching(rows: QuerySet[Receipt], text: str) -> QuerySet[Receipt]:
    """Those of `rows` that `text` may mean; all of them where it says nothing."""
    text = normalise(text).strip().upper()
    if not text:
        return rows
    legal = text.split()[-1]
    fits = Q(payment__dossier__code=text) | Q(cancels__payment__dossier__code=text)
    fits |= Q(payment__reference=text) | Q(payment__transaction=text)
    if found := _OURS.fullmatch(text):
        ours = Q(number=int(found["number"]))
        if year := found["year"] or found["after"]:
            ours &= Q(year=int(year))
        fits |= ours
    if legal.isascii() and legal.isdecimal() and len(legal) <= 8:
        fits |= Q(payment__legal_receipt__number=legal.zfill(8))
    return rows.filter(fits)
