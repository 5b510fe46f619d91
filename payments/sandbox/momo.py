"""MoMo played: an order is made first, and the page's address carries it, signed by us."""

from __future__ import annotations

import datetime
import json
import urllib.request
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.http import HttpRequest, JsonResponse
from django.utils import timezone

from payments.gateways import momo, vnpay
from payments.models import SandboxOrder
from payments.sandbox import CANCELLED, LAPSED, PAID, SHORT, WAITING, Order, new_number

DAY = 24 * 60 * 60
LIFE = datetime.timedelta(minutes=15)
SALT = "payments.sandbox.momo"
CODES = {PAID: 0, SHORT: 1001, CANCELLED: 1006, LAPSED: 1005, WAITING: 1000}
MESSAGES = {0: "Successful.", 1000: "Waiting for user confirmation."}  # the protocol's


class Player:
    """Plays for the one partner of the settings."""

    def order(self, request: HttpRequest) -> Order | None:
        """The order that `create` wrote into the address."""
        try:
            kept = signing.loads(request.GET.get("t", ""), salt=SALT)
        except signing.BadSignature:
            return None
        made_at = vnpay.parse_time(kept["at"])
        return Order(kept["reference"], kept["amount"], kept["info"], made_at + LIFE)

    def word(self, kept: SandboxOrder) -> dict[str, object]:
        """The values of the server's call and of the way back."""
        merchant, code = momo.gateway.merchant(), CODES[kept.response_code]
        word = {
            "partnerCode": merchant.partner_code,
            "orderId": kept.reference,
            "requestId": kept.reference,
            "amount": kept.amount // 100,
            "orderInfo": kept.order_info,
            "orderType": "momo_wallet",
            "transId": int(kept.number) if code == 0 else 0,
            "resultCode": code,
            "message": MESSAGES.get(code, "Transaction failed."),
            "payType": "qr",
            "responseTime": _milliseconds(kept.paid_at),
            "extraData": "",
        }
        return {**word, "signature": momo.sign(word, momo.RESULT_KEYS, merchant)}

    def spoil(self, word: dict) -> dict:
        """A hash of nothing."""
        return {**word, "signature": "0" * 64}

    def call(self, url: str, word: dict) -> urllib.request.Request:
        """A POST with the word as JSON."""
        return urllib.request.Request(  # noqa: S310 (our own address)
            url, data=json.dumps(word).encode(), headers={"Content-Type": "application/json"}
        )

    def home(self, word: dict) -> str:
        """The return address that the order named, which is ours."""
        return f"{momo.gateway.merchant().redirect_url}?{urlencode(word)}"

    def api(self, what: str, body: dict) -> JsonResponse:
        """create, query, refund and refund/query have an address each."""
        keys, answer = API[what]
        merchant = momo.gateway.merchant()
        head = {key: body.get(key) for key in ("partnerCode", "requestId", "orderId")}
        is_signed = body.get("signature") == momo.sign(body, keys, merchant)
        if not is_signed or body.get("partnerCode") != merchant.partner_code:
            return JsonResponse(
                {**head, "resultCode": 13, "message": "Merchant authentication failed."}, status=400
            )
        return JsonResponse({**head, "message": "", **answer(body)})


def _milliseconds(text: str) -> int:
    moment = vnpay.parse_time(text) or timezone.now()
    return int(moment.timestamp() * 1000)


def _create(body: dict) -> dict[str, Any]:
    """A new order, or the one that was made under the same number."""
    amount = body.get("amount")
    if not isinstance(amount, int) or not 1_000 <= amount <= 50_000_000:
        return {"resultCode": 22}
    order, _created = SandboxOrder.objects.get_or_create(
        reference=body["orderId"],
        defaults={
            "method": momo.gateway.method,
            "amount": amount * 100,
            "order_info": str(body.get("orderInfo", ""))[:255],
            "response_code": WAITING,
            "number": new_number(),
            "created_at": vnpay.gateway_time(timezone.now()),
        },
    )
    content = {"reference": order.reference, "amount": amount, "info": order.order_info}
    token = signing.dumps({**content, "at": order.created_at}, salt=SALT)
    address = f"{settings.MOMO_URL}/?{urlencode({'t': token})}"
    return {"resultCode": 0, "amount": amount, "payUrl": address}


def _query(body: dict) -> dict[str, Any]:
    order = SandboxOrder.objects.filter(reference=body["orderId"]).first()
    if order is None:
        return {"resultCode": 42}
    word = player.word(order)
    return {key: word[key] for key in ("amount", "transId", "resultCode", "payType", "extraData")}


def _refund(body: dict) -> dict[str, Any]:
    """One request is one refund: asked again, it is answered as it was."""
    key = f"sandbox-refund:{body['requestId']}"
    known = cache.get(key)
    if known:
        return known
    order = SandboxOrder.objects.filter(number=str(body.get("transId"))).first()
    amount = body.get("amount")
    if order is None or order.response_code != PAID or not isinstance(amount, int):
        return {"resultCode": 42}
    if amount <= 0 or (order.refunded + amount) * 100 > order.amount:
        return {"resultCode": 1081}
    order.refunded += amount
    order.save(update_fields=["refunded"])
    answer = {"resultCode": 0, "amount": amount, "transId": int(new_number())}
    cache.set(key, answer, DAY)
    return answer


def _query_refund(body: dict) -> dict[str, Any]:
    known = cache.get(f"sandbox-refund:{body['orderId']}")
    rows = [{**known, "orderId": body["orderId"]}] if known else []
    return {"resultCode": 0 if rows else 42, "refundTrans": rows}


API = {
    "create": (momo.CREATE_KEYS, _create),
    "query": (momo.QUERY_KEYS, _query),
    "refund": (momo.REFUND_KEYS, _refund),
    "refund/query": (momo.QUERY_KEYS, _query_refund),
}
player = Player()
