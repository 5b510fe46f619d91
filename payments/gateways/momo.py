"""The MoMo wallet, "All in one" v2: an order is made over the network, then the browser goes.

Requests carry HMAC-SHA256 (hex) over named values as `key=value` joined by `&`, in alphabetical
order, with the access key among them; so do the server's call and the way back. The answers
to create, query and refund are not signed: they are believed over TLS, and only where they
repeat what was asked. Amounts are whole đồng. Source: developers.momo.vn/v3, one-time
payments, notification, query, refund, result codes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from payments import gateways
from payments.gateways import Forged, GatewayUnavailable, RefundReport, Report
from payments.gateways.wire import is_same_hash, plain_ascii
from payments.gateways.wire import post as _post

if TYPE_CHECKING:
    from payments.models import Payment, Refund

CREATE_KEYS = (
    "accessKey", "amount", "extraData", "ipnUrl", "orderId", "orderInfo", "partnerCode",
    "redirectUrl", "requestId", "requestType",
)  # fmt: skip
QUERY_KEYS = ("accessKey", "orderId", "partnerCode", "requestId")
REFUND_KEYS = (
    "accessKey", "amount", "description", "orderId", "partnerCode", "requestId", "transId",
)  # fmt: skip
RESULT_KEYS = (
    "accessKey", "amount", "extraData", "message", "orderId", "orderInfo", "orderType",
    "partnerCode", "payType", "requestId", "responseTime", "resultCode", "transId",
)  # fmt: skip

SUCCESS = "0"
NOT_FOUND = "42"
# The final failures of a payment; every other code but 0 is still to wait for.
FAILURES = frozenset(
    {"1001", "1002", "1003", "1004", "1005", "1006", "1007", "1017", "1026", "4001", "4002", "4100"}
)
# Refunds that are refused for good: too much or again, or not one that can be refunded; an
# amount out of range. 1080 failed on the way and may be asked again.
REFUND_REFUSALS = frozenset({"21", "22", "42", "1007", "1081", "1088"})
PROCESSING = frozenset({"40", "41", "43", "1000", "7000", "7002"})

RESULT_MESSAGES: dict[str, Promise] = {
    "0": _("Giao dịch thành công."),
    "1001": _("Ví hoặc tài khoản không đủ số dư."),
    "1002": _("Ngân hàng hoặc ví đã từ chối giao dịch. Xin chọn cách nộp khác."),
    "1003": _("Giao dịch đã bị hủy. Chưa có khoản tiền nào bị trừ."),
    "1004": _("Đã vượt hạn mức thanh toán của ví. Xin chọn cách nộp khác hoặc nộp vào ngày khác."),
    "1005": _("Đã hết thời gian chờ thanh toán. Xin nộp lại."),
    "1006": _("Ông/bà đã hủy giao dịch. Chưa có khoản tiền nào bị trừ."),
    "1007": _("Ví đang bị khóa hoặc chưa hoạt động. Xin chọn cách nộp khác."),
    "4001": _("Ví đang bị hạn chế giao dịch. Xin chọn cách nộp khác."),
    "4002": _("Ví chưa xác thực thông tin. Xin xác thực trong ứng dụng MoMo rồi nộp lại."),
    "4100": _("Ông/bà chưa đăng nhập được vào ví. Xin nộp lại."),
}
_OTHER_MESSAGE = _("Giao dịch không thành công. Xin nộp lại hoặc liên hệ cơ quan tiếp nhận.")

_STATUS = {gateways.FORGED: 400, gateways.BROKEN: 500}
_MAX_MESSAGE = 64 * 1024  # bytes


@dataclass(frozen=True)
class Merchant:
    """Who we are at MoMo, and where it is. The secrets stay out of any log."""

    partner_code: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    url: str
    redirect_url: str
    ipn_url: str

    def address(self, what: str) -> str:
        """Where `create`, `query`, `refund` and `refund/query` are asked."""
        return f"{self.url}/v2/gateway/api/{what}"


def sign(values: Mapping[str, object], keys: Iterable[str], merchant: Merchant) -> str:
    """HMAC-SHA256 (lower-case hex) over `keys` of `values`, in the order given."""
    known = {**values, "accessKey": merchant.access_key}
    data = "&".join(f"{key}={_text(known.get(key))}" for key in keys)
    content = data.encode("utf-8", "surrogatepass")
    return hmac.new(merchant.secret_key.encode(), content, hashlib.sha256).hexdigest()


def verify(values: Mapping[str, object], merchant: Merchant) -> bool:
    """Whether a result (server's call or way back) is signed with our secret and is ours."""
    if not merchant.secret_key or values.get("partnerCode") != merchant.partner_code:
        return False
    return is_same_hash(values.get("signature"), sign(values, RESULT_KEYS, merchant))


def create_request(merchant: Merchant, *, reference: str, amount: int, order_info: str) -> dict:
    """The signed body that makes an order of `amount` đồng; the same one each time.

    `requestId` is the reference too: MoMo answers one that it knows as it did before.
    """
    body = {
        "partnerCode": merchant.partner_code,
        "requestId": reference,
        "amount": amount,
        "orderId": reference,
        "orderInfo": plain_ascii(order_info),
        "redirectUrl": merchant.redirect_url,
        "ipnUrl": merchant.ipn_url,
        "requestType": "captureWallet",
        "extraData": "",
        "lang": "vi",
    }
    return {**body, "signature": sign(body, CREATE_KEYS, merchant)}


def query_request(merchant: Merchant, *, reference: str, request_id: str = "") -> dict:
    """The signed body that asks about an order or a refund; a fresh `requestId` each time."""
    body = {
        "partnerCode": merchant.partner_code,
        "requestId": request_id or secrets.token_hex(16),
        "orderId": reference,
        "lang": "vi",
    }
    return {**body, "signature": sign(body, QUERY_KEYS, merchant)}


def refund_request(
    merchant: Merchant, *, reference: str, amount: int, transaction: str, description: str
) -> dict:
    """The signed body that asks for `amount` đồng of `transaction` back.

    `reference` is the refund's own; one `requestId` is one refund, however often it is sent.
    """
    body = {
        "partnerCode": merchant.partner_code,
        "orderId": reference,
        "requestId": reference,
        "amount": amount,
        "transId": int(transaction),
        "lang": "vi",
        "description": plain_ascii(description),
    }
    return {**body, "signature": sign(body, REFUND_KEYS, merchant)}


def parse_json(content: bytes) -> dict[str, object]:
    """The object of a JSON text; ValueError where it is none or a name comes twice."""
    if len(content) > _MAX_MESSAGE:
        raise ValueError("too long")
    values = json.loads(content, object_pairs_hook=_once)
    if not isinstance(values, dict):
        raise ValueError("not an object")
    return values


def parse_query(raw_query: str) -> dict[str, object]:
    """The parameters of the way back; ValueError where the encoding is broken or one of the
    signed ones comes twice, since one reader would take the first and another the last."""
    pairs = parse_qsl(raw_query, keep_blank_values=True, errors="strict", max_num_fields=100)
    return _once([pair for pair in pairs if pair[0] in {*RESULT_KEYS, "signature"}])


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a name is repeated")
    return values


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _amount(value: object) -> int | None:
    """Whole đồng; None for anything else (JSON's true is no amount)."""
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,15}", _text(value)):
        return None
    return int(_text(value))


def _report(values: Mapping[str, object]) -> Report:
    code = _text(values.get("resultCode"))
    failed = gateways.FAILED if code in FAILURES else gateways.OPEN
    kept = {key: _text(values[key]) for key in values if key in RESULT_KEYS}
    return Report(
        reference=_text(values.get("orderId")),
        amount=_amount(values.get("amount")),
        outcome=gateways.PAID if code == SUCCESS else failed,
        transaction=_text(values.get("transId")),
        code=code,
        raw=kept,
    )


def _refund_report(code: str, number: str) -> RefundReport:
    """What a result code means for a refund; whatever leaves it open is asked about again."""
    if code == SUCCESS:
        return RefundReport(gateways.PAID, number, code)
    if code in REFUND_REFUSALS:
        return RefundReport(gateways.FAILED, code=code)
    if code in PROCESSING:
        return RefundReport(gateways.OPEN, code=code)
    raise GatewayUnavailable(f"the refund was answered {code}")


class MoMo:
    """The wallet behind our interface; the partner is the office (settings MOMO_*)."""

    method = "momo"
    label = _("Ví MoMo")
    verb = "POST"

    def is_open(self) -> bool:
        """Whether there are a partner, its keys and an address."""
        return all(
            (
                settings.MOMO_URL,
                settings.MOMO_PARTNER_CODE,
                settings.MOMO_ACCESS_KEY,
                settings.MOMO_SECRET_KEY,
            )
        )

    def merchant(self) -> Merchant:
        """Who we are there, and where it is."""
        return Merchant(
            partner_code=settings.MOMO_PARTNER_CODE,
            access_key=settings.MOMO_ACCESS_KEY,
            secret_key=settings.MOMO_SECRET_KEY,
            url=settings.MOMO_URL,
            redirect_url=f"{settings.SITE_URL}{reverse('payments:return', args=[self.method])}",
            ipn_url=f"{settings.SITE_URL}{reverse('payments:ipn', args=[self.method])}",
        )

    def begin(self, payment: Payment, *, ip: str) -> str:
        """Make the order, or find it again, and give its address, which is MoMo's own."""
        merchant = self.merchant()
        body = create_request(
            merchant,
            reference=payment.reference,
            amount=payment.amount,
            order_info=f"Phi, le phi ho so {payment.dossier.code}",
        )
        answer = self._ask("create", body, merchant)
        address = _text(answer.get("payUrl"))
        if _text(answer.get("resultCode")) != SUCCESS:
            raise GatewayUnavailable(f"the order was answered {_text(answer.get('resultCode'))}")
        if _amount(answer.get("amount")) != payment.amount:
            raise GatewayUnavailable("the order is of another amount")
        if urlsplit(address)[:2] != urlsplit(merchant.url)[:2]:
            raise GatewayUnavailable("the address is not MoMo's")
        return address

    def read(self, request: HttpRequest) -> Report:
        """The server's call: a JSON object."""
        try:
            values = parse_json(request.body)
        except (ValueError, RecursionError) as error:
            raise Forged from error
        return self._believe(values)

    def read_return(self, request: HttpRequest) -> Report:
        """The way back: the same values in the address."""
        try:
            values = parse_query(request.META["QUERY_STRING"])
        except ValueError as error:
            raise Forged from error
        return self._believe(values)

    def _believe(self, values: dict[str, object]) -> Report:
        if not verify(values, self.merchant()):
            raise Forged({str(k): _text(v) for k, v in values.items() if k != "signature"})
        return _report(values)

    def answer(self, verdict: str) -> HttpResponse:
        """204 for what was understood, whatever we think of it; MoMo asks for nothing else."""
        return HttpResponse(status=_STATUS.get(verdict, 204))

    def message(self, code: str) -> Promise:
        """What the citizen is told about resultCode."""
        return RESULT_MESSAGES.get(code, _OTHER_MESSAGE)

    def query(self, payment: Payment, *, ip: str = "127.0.0.1") -> Report | None:
        """What became of an order; an amount is believed only where a code is final."""
        merchant = self.merchant()
        body = query_request(merchant, reference=payment.reference)
        answer = self._ask("query", body, merchant)
        if _text(answer.get("resultCode")) == NOT_FOUND:
            return None
        return _report(answer)

    def refund(self, refund: Refund, *, ip: str = "127.0.0.1") -> RefundReport:
        """In full or in part alike; the refund's reference is its order and its request."""
        merchant = self.merchant()
        body = refund_request(
            merchant,
            reference=refund.reference,
            amount=refund.amount,
            transaction=refund.payment.transaction,
            description=f"Hoan tien {refund.payment.reference}",
        )
        answer = self._ask("refund", body, merchant)
        code = _text(answer.get("resultCode"))
        if code == SUCCESS and _amount(answer.get("amount")) != refund.amount:
            raise GatewayUnavailable("the refund is of another amount")
        return _refund_report(code, _text(answer.get("transId")))

    def query_refund(self, refund: Refund, *, ip: str = "127.0.0.1") -> RefundReport | None:
        """What became of a refund, by its own order; None where MoMo knows none."""
        merchant = self.merchant()
        body = query_request(merchant, reference=refund.reference)
        answer = self._ask("refund/query", body, merchant)
        rows = answer.get("refundTrans")
        for row in rows if isinstance(rows, list) else ():
            is_it = isinstance(row, dict) and row.get("orderId") == refund.reference
            if is_it and _amount(row.get("amount")) == refund.amount:
                return _refund_report(_text(row.get("resultCode")), _text(row.get("transId")))
        return None

    def _ask(self, what: str, body: dict, merchant: Merchant) -> dict:
        """The answer to a request, where it repeats whose it is."""
        answer = _post(merchant.address(what), body)
        for key in ("partnerCode", "requestId", "orderId"):
            if answer.get(key) != body[key]:
                raise GatewayUnavailable(f"the answer is about another {key}")
        return answer


gateway = MoMo()
