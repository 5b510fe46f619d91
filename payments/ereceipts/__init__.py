"""The legal biên lai: a small port to the e-receipt service that the office has chosen.

A payment is confirmed by our own numbered paper at once; the biên lai with its form, sign and
number comes from the service, asked by a task. `ERECEIPT_BACKEND` names the class that speaks
to it; without one the office issues its biên lai elsewhere and the portal shows none.
Source: Decree 254/2026, art. 23(2) (DOMAIN.md 4.3).
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from payments.models import Payment


class Unavailable(Exception):
    """The service gave no answer that can be believed; whether it issued is not known."""


class Refused(Exception):
    """The service said no; the message is what it said."""


@dataclass(frozen=True)
class Charge:
    """One fee on the receipt; `amount` in whole đồng."""

    name: str
    amount: int


@dataclass(frozen=True)
class Order:
    """What a receipt has to say. `key` is ours: one key is one receipt, however often asked."""

    key: str
    agency_id: int
    office: str
    tax_code: str
    address: str
    place: str
    payer: str
    payer_address: str
    dossier_code: str
    charges: tuple[Charge, ...]
    total: int
    total_in_words: str
    method: str
    collector: str
    paid_at: datetime.datetime


@dataclass(frozen=True)
class Issued:
    """A receipt of the service: `number` of eight digits at most, `pdf` with its signature."""

    form: str
    sign: str
    number: str
    lookup_code: str
    issued_at: datetime.datetime
    pdf: bytes


class Service(Protocol):
    """An e-receipt service. Calls wait 10 s at most, are never made inside a transaction, and
    raise `Unavailable` or `Refused`."""

    name: str  # kept with each receipt: numbers are unique within one service

    def issue(self, order: Order) -> Issued:
        """A receipt for this order; the same one where its key has one already."""

    def find(self, key: str) -> Issued | None:
        """What was issued under a key; None where nothing was."""

    def cancel(self, key: str, *, reason: str) -> None:
        """Declare the receipt of a key void; one that is void stays so."""


def service() -> Service | None:
    """The service of this installation; None where there is none."""
    return import_string(settings.ERECEIPT_BACKEND)() if settings.ERECEIPT_BACKEND else None


def ask_for(payment: Payment) -> None:
    """Have the biên lai of a payment issued by a task; nothing where no service is there."""
    from payments import tasks

    if settings.ERECEIPT_BACKEND:
        tasks.issue_legal_receipt.enqueue(payment.pk)


def cancel_later(payment: Payment) -> None:
    """Have the biên lai of a payment that went back whole declared void by a task."""
    from payments import tasks

    if settings.ERECEIPT_BACKEND:
        tasks.cancel_legal_receipt.enqueue(payment.pk)
