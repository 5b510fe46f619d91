"""Gateways to click: each played with its own protocol and a test secret, on trial sites only.

A player is a module here with a `player`, under the name of its gateway. All of them show
the same page and keep their orders in the same table, with VNPay's codes for what became of
one (`00` paid, `51` short, `24` cancelled, `11` too late, `01` not paid yet).
"""

from __future__ import annotations

import datetime
import importlib
import secrets
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from django.http import HttpRequest, JsonResponse

if TYPE_CHECKING:
    from payments.models import SandboxOrder

PAID, SHORT, CANCELLED, LAPSED, WAITING = "00", "51", "24", "11", "01"


@dataclass(frozen=True)
class Order:
    """What we sent to be paid: `amount` in đồng, `expires_at` None where it never does."""

    reference: str
    amount: int
    info: str
    expires_at: datetime.datetime | None


class Player(Protocol):
    """What a gateway has to say, signed as its protocol wants."""

    def order(self, request: HttpRequest) -> Order | None:
        """The order of the address of the page; None unless it is one of our shop's."""

    def word(self, kept: SandboxOrder) -> dict[str, object]:
        """What became of an order, signed: the same for the browser and the server."""

    def spoil(self, word: dict) -> dict:
        """The same with a signature that is not right."""

    def call(self, url: str, word: dict) -> urllib.request.Request:
        """The server's call with that word."""

    def home(self, word: dict) -> str:
        """The address with which the browser goes back."""

    def api(self, what: str, body: dict) -> JsonResponse:
        """The answer to a request of our server; TypeError for a body that is none."""


def get(method: str) -> Player:
    """The player of a gateway."""
    return importlib.import_module(f"payments.sandbox.{method}").player


def new_number() -> str:
    """A transaction's number, as gateways give them."""
    return f"{secrets.randbelow(9 * 10**9) + 10**9}"
