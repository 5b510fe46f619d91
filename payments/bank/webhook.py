"""The bank's webhook: credits as they come, signed.

`X-Bank-Timestamp` is the moment of sending in seconds; `X-Bank-Signature` the hex HMAC-SHA256
of `timestamp.body` under BANK_WEBHOOK_SECRET, so that neither can be exchanged alone. The
body is JSON: `{"account": "…", "transactions": [{"reference", "time", "amount", "memo",
"payer_name", "payer_account", "payer_bank"}]}`, `amount` a whole number of đồng and `time`
in ISO 8601. The answer is JSON with a `code`, which is for machines.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import time
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from dossiers import throttling
from payments.bank import accounts, credits, matching
from payments.bank.credits import BadCell, Credit

WITHIN = 300  # seconds between sending and coming in
MOST_BYTES = 256 * 1024
MOST_LINES = 200
UNSIGNED, SIGNED = 30, 600  # a minute

logger = logging.getLogger(__name__)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The signature of a message, in lower-case hex."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def is_signed(timestamp: str, given: str, body: bytes) -> bool:
    """Whether a message is the bank's and was sent within the last five minutes."""
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return False
    if abs(time.time() - int(timestamp)) > WITHIN:
        return False
    due = signature(settings.BANK_WEBHOOK_SECRET, timestamp, body)
    return hmac.compare_digest(due.encode(), given.lower().encode())


@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """Take a message: 403 unsigned, 400 not understood, 404 not our account, 200 with counts.
    Also 413 and 415 for what is too large or not JSON, 429 for too many a minute.

    Good lines of a message with bad ones are kept, and the bad ones named by their place. The
    same line again is known and changes nothing.
    """
    if not settings.BANK_WEBHOOK_SECRET:
        raise Http404
    if request.content_type != "application/json":
        return _answer(415, "not_json")
    body = _body(request)
    if body is None:
        return _answer(413, "too_large")
    given = request.headers.get("X-Bank-Signature", "")
    if not is_signed(request.headers.get("X-Bank-Timestamp", ""), given, body):
        if not throttling.allow(request, "bank-webhook-unsigned", per_minute=UNSIGNED):
            return _answer(429, "too_many")
        logger.warning("bank webhook: a message that is not signed was refused")
        return _answer(403, "bad_signature")
    if not throttling.allow(request, "bank-webhook", per_minute=SIGNED):
        return _answer(429, "too_many")
    return _take(body)


def _body(request: HttpRequest) -> bytes | None:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > MOST_BYTES:
        return None
    try:
        body = request.body
    except RequestDataTooBig:
        return None
    return body if len(body) <= MOST_BYTES else None


def _take(body: bytes) -> HttpResponse:
    try:
        account, rows = _understood(body)
    except (ValueError, RecursionError):
        logger.warning("bank webhook: a signed message was not understood")
        return _answer(400, "bad_message")
    agency = accounts.owner_of(account)
    if agency is None:
        logger.warning("bank webhook: credits of an account that is no office's")
        return _answer(404, "unknown_account")
    good, faults = _credits(rows)
    taken = matching.take(good, agency=agency, account=account)
    status = 400 if faults and not good else 200
    counts = {"new": taken.new, "known": taken.known, "matched": taken.matched}
    return _answer(status, "bad_message" if status == 400 else "ok", **counts, faults=faults)


def _understood(body: bytes) -> tuple[str, list[Any]]:
    """The account and the rows of a message; ValueError for any other shape."""
    message = json.loads(body)
    if not isinstance(message, dict):
        raise ValueError("not an object")
    account, rows = message.get("account"), message.get("transactions")
    if not isinstance(account, str) or not isinstance(rows, list) or len(rows) > MOST_LINES:
        raise ValueError("no account, or no list of transactions")
    return credits.text(account, 40), rows


def _credits(rows: list[Any]) -> tuple[list[Credit], list[int]]:
    """What is understood, and the places (from 1) of what is not."""
    good, faults = [], []
    for place, row in enumerate(rows, 1):
        try:
            good.append(_credit(row))
        except BadCell:
            logger.warning("bank webhook: line %s of a message was not understood", place)
            faults.append(place)
    return good, faults


def _credit(row: Any) -> Credit:
    if not isinstance(row, dict):
        raise BadCell("not an object")
    amount = row.get("amount")
    if not isinstance(amount, int) or isinstance(amount, bool) or not 0 < amount <= credits.MOST:
        raise BadCell("no whole amount above zero")
    reference = credits.text(row.get("reference"), 65)
    if not 0 < len(reference) <= 64:
        raise BadCell("no reference of 1 to 64 characters")
    return Credit(
        amount=amount,
        booked_at=credits.moment(row.get("time")),
        reference=reference,
        memo=credits.text(row.get("memo"), 500),
        payer_name=credits.text(row.get("payer_name"), 200),
        payer_account=credits.text(row.get("payer_account"), 40),
        payer_bank=credits.text(row.get("payer_bank"), 100),
    )


def _answer(status: int, code: str, **more: Any) -> HttpResponse:
    return JsonResponse({"code": code, **more}, status=status)
