"""Card gateways and wallets: one small interface, a module for each.

A gateway takes the person away to pay and tells us afterwards, by a server callback or when
asked, what became of it. Nothing in these modules moves money in our books: what they say
is a `Report`, which `payments.callbacks` believes or not. Amounts are whole đồng.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from django.http import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from payments.models import Payment, Refund


class GatewayUnavailable(Exception):
    """The gateway gave no answer that we can believe; nothing is known about the money."""


@dataclass(frozen=True)
class Report:
    """What a gateway says, signed, of one payment.

    `outcome` is `PAID`, `FAILED` (no money was taken) or `OPEN` (still to wait). `amount` is
    None where it said none of whole đồng. `raw` is what came, without its signature.
    """

    reference: str
    amount: int | None
    outcome: str
    transaction: str = ""
    code: str = ""
    raw: dict[str, Any] | None = None


PAID, FAILED, OPEN = "paid", "failed", "open"


@dataclass(frozen=True)
class RefundReport:
    """What a gateway says of a refund: `PAID` it is done, `OPEN` it works on it, `FAILED`."""

    outcome: str
    transaction: str = ""
    code: str = ""


class Gateway(Protocol):
    """What every gateway can do. Network calls wait 5 s at most and are never made inside a
    transaction; all of them raise `GatewayUnavailable`."""

    method: str  # one of Payment.Method
    label: Any  # what the button says

    def is_open(self) -> bool:
        """Whether this office has it at all (its settings are there)."""

    def begin(self, payment: Payment, *, ip: str) -> str:
        """The address to which the browser is sent to pay an attempt that has begun."""

    def callback(self, request: HttpRequest) -> HttpResponse:
        """Take the server's message and answer as the protocol wants."""

    def query(self, payment: Payment, *, ip: str = "127.0.0.1") -> Report | None:
        """What became of a payment; None where the gateway knows nothing of it."""

    def refund(self, refund: Refund, *, ip: str = "127.0.0.1") -> RefundReport:
        """Ask for money back; asked twice under the same `refund.reference`, done once."""
