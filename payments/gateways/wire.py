"""What the gateways' protocols share: a careful POST, plain text, and comparing hashes."""

from __future__ import annotations

import hmac
import json
import time
import unicodedata
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException, HTTPResponse

from payments.gateways import GatewayUnavailable

TIMEOUT = 5  # seconds
_MAX_ANSWER = 64 * 1024  # bytes


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A gateway that sends us elsewhere is not believed: a redirected POST becomes a GET."""

    def redirect_request(self, *args, **kwargs) -> None:
        return None


def post(url: str, body: Mapping[str, object]) -> dict:
    """The JSON object that `url` answers to `body`; `GatewayUnavailable` on anything else.

    5 s for each step of the network, and 5 s for an answer that comes in drops: never call it
    in a transaction.
    """
    request = urllib.request.Request(  # noqa: S310 - the address is a setting of the office
        url,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json; charset=UTF-8", "Accept": "application/json"},
    )
    try:
        opener = urllib.request.build_opener(_NoRedirect)
        with opener.open(request, timeout=TIMEOUT) as response:
            answer = json.loads(_read(response))
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        raise GatewayUnavailable(f"no answer: {type(error).__name__}") from error
    if not isinstance(answer, dict):
        raise GatewayUnavailable("the answer is not an object")
    return answer


def _read(response: HTTPResponse) -> bytes:
    content, until = b"", time.monotonic() + TIMEOUT
    while len(content) < _MAX_ANSWER and (part := response.read1(_MAX_ANSWER)):
        content += part
        if time.monotonic() > until:
            raise TimeoutError
    return content


def plain_ascii(text: str) -> str:
    """`Lệ phí hồ sơ` -> `Le phi ho so`, at most 255 characters."""
    bare = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    ascii_only = bare.encode("ascii", "ignore").decode("ascii")
    return " ".join(ascii_only.split())[:255]


def is_same_hash(given: object, expected: str) -> bool:
    """Compare in constant time and without regard to case; `compare_digest` needs ASCII."""
    if not isinstance(given, str) or not given.isascii():
        return False
    return hmac.compare_digest(given.lower(), expected)
