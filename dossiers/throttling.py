"""How often one address may ask, counted in the shared cache so that it holds across workers."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone

_A_DAY = 26 * 3600  # seconds, and a little more


def client_address(request: HttpRequest) -> str:
    """The address that asks: the proxy hop that we trust, never what a client wrote itself."""
    hops = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    header = request.headers.get("X-Forwarded-For", "")
    forwarded = [part.strip() for part in header.split(",") if part.strip()]
    if hops and len(forwarded) >= hops:
        return forwarded[-hops]
    return request.META["REMOTE_ADDR"]


def allow(request: HttpRequest, what: str, *, per_minute: int) -> bool:
    """Whether this address may do `what` once more in this minute."""
    return allow_key(f"{what}:{client_address(request)}", per_minute=per_minute)


def allow_key(name: str, *, per_minute: int) -> bool:
    """Whether what is counted under `name` may happen once more in this minute."""
    key = f"throttle:{name}:{int(time.time() // 60)}"
    cache.add(key, 0, timeout=120)
    try:
        return cache.incr(key) <= per_minute
    except ValueError:
        return True


@contextlib.contextmanager
def place(name: str, *, most: int, seconds: int) -> Iterator[bool]:
    """One of `most` places under `name`, held meanwhile; False where all are taken.

    Whoever dies with a place leaves it after `seconds`.
    """
    keys = (f"place:{name}:{number}" for number in range(most))
    held = next((key for key in keys if cache.add(key, 1, timeout=seconds)), None)
    try:
        yield held is not None
    finally:
        if held:
            cache.delete(held)


def failures_today(name: str) -> int:
    """How often something under `name` went wrong today."""
    return cache.get(_day_key(f"failures:{name}"), 0)


def note_failure(name: str) -> None:
    """Count one more thing that went wrong under `name` today."""
    count_today(f"failures:{name}")


def count_today(name: str, amount: int = 1) -> int:
    """Add `amount` to what is counted under `name` today; how much that is now."""
    key = _day_key(name)
    cache.add(key, 0, timeout=_A_DAY)
    try:
        total = cache.incr(key, amount)
    except ValueError:  # forgotten by the cache between the two calls
        return amount
    # Where the cache is a table, adding makes it forget after five minutes.
    cache.touch(key, _A_DAY)
    return total


def _day_key(name: str) -> str:
    return f"{name}:{timezone.localdate():%Y%m%d}"
