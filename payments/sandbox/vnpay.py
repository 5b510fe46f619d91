"""VNPay played: the page's address is the order; one address answers querydr and refund."""

from __future__ import annotations

import secrets
import urllib.request
from typing import Any
from urllib.parse import urlencode

from django.core.cache import cache
from django.http import HttpRequest, JsonResponse

from payments.gateways import vnpay
from payments.models import SandboxOrder
from payments.sandbox import PAID, WAITING, Order

DAY = 24 * 60 * 60


class Player:
    """Plays for the one shop of the settings, and comes back to it alone: the test secret is
    public, so a signature by itself would make an open redirect of the page."""

    def order(self, request: HttpRequest) -> Order | None:
        """The signed parameters of our pay address."""
        merchant = vnpay.gateway.merchant()
        try:
            params = vnpay.parse_query(request.META["QUERY_STRING"])
        except vnpay.BadQuery:
            return None
        amount, reference = vnpay.amount_of(params), params.get("vnp_TxnRef")
        is_ours = (
            vnpay.verify(params, merchant.secret)
            and params.get("vnp_TmnCode") == merchant.tmn_code
            and params.get("vnp_ReturnUrl") == merchant.return_url
        )
        expires_at = vnpay.parse_time(params.get("vnp_ExpireDate", ""))
        if not (is_ours and amount and reference and expires_at):
            return None
        return Order(reference, amount, params.get("vnp_OrderInfo", ""), expires_at)

    def word(self, kept: SandboxOrder) -> dict[str, object]:
        """The parameters of the server's call and of the way back."""
        merchant, is_paid = vnpay.gateway.merchant(), kept.response_code == PAID
        word = {
            "vnp_TmnCode": merchant.tmn_code,
            "vnp_Amount": str(kept.amount),
            "vnp_BankCode": "NCB",
            "vnp_PayDate": kept.paid_at,
            "vnp_OrderInfo": kept.order_info,
            "vnp_TransactionNo": kept.number if is_paid else "0",
            "vnp_ResponseCode": kept.response_code,
            "vnp_TransactionStatus": _status(kept),
            "vnp_TxnRef": kept.reference,
        }
        return {**word, "vnp_SecureHash": vnpay.sign(word, merchant.secret)}

    def spoil(self, word: dict) -> dict:
        """A hash of nothing."""
        return {**word, "vnp_SecureHash": "0" * 128}

    def call(self, url: str, word: dict) -> urllib.request.Request:
        """A GET with the word in the address."""
        return urllib.request.Request(f"{url}?{urlencode(word)}")  # noqa: S310 (our own address)

    def home(self, word: dict) -> str:
        """The return address that the order named, which is ours."""
        return f"{vnpay.gateway.merchant().return_url}?{urlencode(word)}"

    def api(self, what: str, body: dict) -> JsonResponse:
        """querydr and refund come to one address; the command says which."""
        if body.get("vnp_Command") == "refund":
            return JsonResponse(_refund(body))
        return JsonResponse(_query(body))


def _status(kept: SandboxOrder) -> str:
    return kept.response_code if kept.response_code in {PAID, WAITING} else "02"


def _find(body: dict) -> SandboxOrder | None:
    return SandboxOrder.objects.filter(reference=str(body.get("vnp_TxnRef", ""))).first()


def _query(body: dict) -> dict[str, Any]:
    secret = vnpay.gateway.merchant().secret
    order = _find(body)
    answer = _answer(body, "querydr")
    if vnpay.query_signature(body, secret) != body.get("vnp_SecureHash"):
        answer |= {"vnp_ResponseCode": "97", "vnp_Message": "Checksum failed"}
    elif order is None:
        answer |= {"vnp_ResponseCode": "91", "vnp_Message": "Transaction not found"}
    else:
        answer |= _transaction(order)
    return {**answer, "vnp_SecureHash": vnpay.query_response_signature(answer, secret)}


def _answer(body: dict, command: str) -> dict[str, Any]:
    return {
        "vnp_ResponseId": secrets.token_hex(16),
        "vnp_Command": command,
        "vnp_TmnCode": vnpay.gateway.merchant().tmn_code,
        "vnp_TxnRef": str(body.get("vnp_TxnRef", "")),
    }


def _transaction(order: SandboxOrder) -> dict[str, str]:
    refund = vnpay.FULL if order.refunded * 100 == order.amount else vnpay.PARTIAL
    return {
        "vnp_ResponseCode": "00",
        "vnp_Message": "Query success",
        "vnp_Amount": str(order.amount),
        "vnp_BankCode": "NCB",
        "vnp_PayDate": order.paid_at,
        "vnp_TransactionNo": order.number if order.response_code == PAID else "0",
        "vnp_TransactionType": refund if order.refunded else "01",
        "vnp_TransactionStatus": _status(order),
        "vnp_OrderInfo": order.order_info,
    }


def _refund(body: dict) -> dict[str, Any]:
    secret = vnpay.gateway.merchant().secret
    answer = _answer(body, "refund")
    if vnpay.refund_signature(body, secret) != body.get("vnp_SecureHash"):
        answer |= {"vnp_ResponseCode": "97", "vnp_Message": "Checksum failed"}
    else:
        answer |= _give_back(body, _find(body))
    return {**answer, "vnp_SecureHash": vnpay.refund_response_signature(answer, secret)}


def _give_back(body: dict, order: SandboxOrder | None) -> dict[str, str]:
    """What a signed refund comes to; one request id is one refund."""
    if order is None:
        return {"vnp_ResponseCode": "91", "vnp_Message": "Transaction not found"}
    if order.response_code != PAID or body.get("vnp_TransactionNo") != order.number:
        return {"vnp_ResponseCode": "95", "vnp_Message": "Transaction was not successful"}
    amount = vnpay.amount_of(body)
    is_full = amount is not None and amount * 100 == order.amount
    kind = vnpay.FULL if is_full else vnpay.PARTIAL
    if not amount or body.get("vnp_TransactionType") != kind:
        return {"vnp_ResponseCode": "03", "vnp_Message": "Invalid data"}
    if (order.refunded + amount) * 100 > order.amount:
        return {"vnp_ResponseCode": "02", "vnp_Message": "More than was paid"}
    if not cache.add(f"sandbox-refund:{body.get('vnp_RequestId')}", 1, DAY):
        return {"vnp_ResponseCode": "94", "vnp_Message": "Request is duplicated"}
    order.refunded += amount
    order.save(update_fields=["refunded"])
    return {
        **_transaction(order),
        "vnp_Message": "Refund success",
        "vnp_Amount": str(amount * 100),
        "vnp_TransactionNo": str(secrets.randbelow(9 * 10**7) + 10**7),
        "vnp_TransactionType": kind,
    }


player = Player()
