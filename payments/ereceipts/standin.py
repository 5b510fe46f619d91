"""A local stand-in of an e-receipt service: the whole way without a contract with one.

Its papers are marked "bản minh hoạ" and signed with the office's key. It numbers from 1 in
each year without gaps, and knows what it issued by our key, as a real one has to.
"""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import papers, signing
from payments import ereceipts
from payments.models import StandInReceipt
from procedures import papers as printing
from procedures.text import grouped, in_vietnamese

MOST = 99_999_999  # eight digits (Decree 254/2026, art. 23(2)c)
TRIES = 5


class StandIn:
    """See `ereceipts.Service`."""

    name = "stand-in"

    def issue(self, order: ereceipts.Order) -> ereceipts.Issued:
        """Number it and print it."""
        return _issued(_known(order.key) or _numbered(order))

    def find(self, key: str) -> ereceipts.Issued | None:
        """The receipt of a key, printed again from what was kept."""
        row = _known(key)
        return _issued(row) if row else None

    def cancel(self, key: str, *, reason: str) -> None:
        """Note that it is void."""
        row = StandInReceipt.objects.filter(key=key)
        if not row.exists():
            raise ereceipts.Refused(_("không có biên lai này"))
        row.filter(cancelled_at=None).update(
            cancelled_at=timezone.now(), cancel_reason=reason[:200]
        )


def _known(key: str) -> StandInReceipt | None:
    return StandInReceipt.objects.filter(key=key).first()


def _numbered(order: ereceipts.Order) -> StandInReceipt:
    """A row with the next number of this year; two at once take one after the other."""
    sign = f"{settings.ERECEIPT_SIGN}-{timezone.localtime():%y}E"
    for _again in range(TRIES):
        with suppress(IntegrityError), transaction.atomic():
            last = StandInReceipt.objects.filter(sign=sign).aggregate(last=Max("number"))["last"]
            if last == MOST:
                raise ereceipts.Refused(_("đã hết số của năm"))
            return StandInReceipt.objects.create(
                key=order.key,
                sign=sign,
                number=(last or 0) + 1,
                order=_facts(order),
                issued_at=timezone.now(),
            )
        if known := _known(order.key):
            return known
    raise ereceipts.Unavailable("no number was free")


def _facts(order: ereceipts.Order) -> dict[str, Any]:
    facts = dataclasses.asdict(order)
    charges = [{"name": charge.name, "amount": grouped(charge.amount)} for charge in order.charges]
    return facts | {
        "charges": charges,
        "total": grouped(order.total),
        "paid_at": papers.iso(order.paid_at),
    }


def _issued(row: StandInReceipt) -> ereceipts.Issued:
    number = f"{row.number:08d}"
    facts = row.order | {
        "form": settings.ERECEIPT_FORM,
        "sign": row.sign,
        "number": number,
        "issued_at": papers.iso(row.issued_at),
        "is_sample": True,
    }
    pdf = printing.render("papers/legal_receipt.html", {"facts": facts})
    return ereceipts.Issued(
        form=settings.ERECEIPT_FORM,
        sign=row.sign,
        number=number,
        lookup_code=row.key,
        issued_at=row.issued_at,
        pdf=_signed(pdf, row.order),
    )


@in_vietnamese
def _signed(pdf: bytes, order: dict[str, Any]) -> bytes:
    name = order["collector"] or _("Hệ thống biên lai điện tử")
    try:
        return signing.sign(
            pdf, reason=_("Biên lai thu phí, lệ phí"), location=order["place"], name=name
        )
    except signing.NoSigningKey as error:
        raise ereceipts.Unavailable(str(error)) from error
