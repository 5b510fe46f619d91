"""Card gateways and wallets: one small interface, a module for each.

A gateway takes the person away to pay and tells us afterwards, by a server callback or when
asked, what became of it. Nothing in these modules moves money in our books: what they say
is a `Report`, which `payments.callbacks` believes or not. Amounts are whole đồng.

A further gateway is a module here with a `gateway`, its name in `_MODULES`, its method in
`Payment.Method`, and its tests.
"""

from __future__ import annotations

import datetime
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from django.http import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from payments.models import Payment, Refund

PAY_WITHIN = datetime.timedelta(minutes=15)  # of going there: what VNPay is told

PAID, FAILED, OPEN = "paid", "failed", "open"

# What we answer to a message: VNPay's codes, which are kept with every gateway's messages.
TAKEN, UNKNOWN, KNOWN, WRONG_AMOUNT, FORGED, BROKEN = "00", "01", "02", "04", "97", "99"

_MODULES = ("vnpay", "momo")


class GatewayUnavailable(Exception):
    """The gateway gave no answer that we can believe; nothing is known about the money."""


class Forged(Exception):
    """A message that the gateway did not sign, or not to us; `content` is what came."""

    def __init__(self, content: dict[str, str] | None = None) -> None:
        super().__init__("not signed by the gateway")
        self.content = content or {}


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
    verb: str  # the HTTP method of its server's call

    def is_open(self) -> bool:
        """Whether this office has it at all (its settings are there)."""

    def begin(self, payment: Payment, *, ip: str) -> str:
        """The address to which the browser is sent to pay an attempt that has begun."""

    def read(self, request: HttpRequest) -> Report:
        """What its server's call says; raises `Forged`."""

    def answer(self, verdict: str) -> HttpResponse:
        """The answer to its server's call that the protocol wants, after one of our codes."""

    def read_return(self, request: HttpRequest) -> Report:
        """What the address says with which the browser comes back; raises `Forged`."""

    def message(self, code: str) -> Any:
        """What the citizen is told about the `code` of a report."""

    def query(self, payment: Payment, *, ip: str = "127.0.0.1") -> Report | None:
        """What became of a payment; None where the gateway knows nothing of it."""

    def refund(self, refund: Refund, *, ip: str = "127.0.0.1") -> RefundReport:
        """Ask for money back; asked twice under the same `refund.reference`, done once."""

    def query_refund(self, refund: Refund, *, ip: str = "127.0.0.1") -> RefundReport | None:
        """What became of a refund; None where the protocol cannot say."""


def get(method: str) -> Gateway:
    """The gateway of a `Payment.Method`; LookupError for a way of paying that has none."""
    if method not in _MODULES:
        raise LookupError(f"no gateway: {method}")
    return importlib.import_module(f"payments.gateways.{method}").gateway


def open() -> list[Gateway]:
    """The gateways of this office, in the order in which they are offered."""
    return [gateway for gateway in map(get, _MODULES) if gateway.is_open()]
