"""The VNPay protocol 2.1.0: what we send to the gateway, and what we believe of its answers.

Nothing here writes to the database. Amounts are whole đồng; only on the wire are they
hundredths. Times on the wire are GMT+7. Source: DOMAIN.md 4.1.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote_plus

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from payments import gateways
from payments.gateways import Forged, GatewayUnavailable, RefundReport, Report
from payments.gateways.wire import is_same_hash as _is_same_hash
from payments.gateways.wire import plain_ascii
from payments.gateways.wire import post as _post

if TYPE_CHECKING:
    from payments.models import Payment, Refund

VERSION = "2.1.0"
ICT = timezone(timedelta(hours=7))

# What the server callback answers; texts and codes are the protocol's own.
IPN_ANSWERS = {
    "00": "Confirm Success",
    "01": "Order not found",
    "02": "Order already confirmed",
    "04": "Invalid amount",
    "97": "Invalid signature",
    "99": "Unknown error",
}

# What the citizen is told about vnp_ResponseCode.
RESPONSE_MESSAGES: dict[str, Promise] = {
    "00": _("Giao dịch thành công."),
    "07": _(
        "Tiền đã bị trừ nhưng ngân hàng đang kiểm tra giao dịch."
        " Xin không nộp lại; cơ quan sẽ báo khi có kết quả."
    ),
    "09": _("Thẻ hoặc tài khoản chưa đăng ký dịch vụ ngân hàng trực tuyến."),
    "10": _("Thông tin thẻ hoặc tài khoản đã xác thực sai quá 3 lần."),
    "11": _("Đã hết thời gian chờ thanh toán. Xin nộp lại."),
    "12": _("Thẻ hoặc tài khoản đang bị khóa. Xin liên hệ ngân hàng."),
    "13": _("Mật khẩu xác thực giao dịch (OTP) không đúng. Xin nộp lại."),
    "24": _("Ông/bà đã hủy giao dịch. Chưa có khoản tiền nào bị trừ."),
    "51": _("Tài khoản không đủ số dư."),
    "65": _("Tài khoản đã vượt hạn mức giao dịch trong ngày."),
    "75": _("Ngân hàng đang bảo trì. Xin nộp lại sau."),
    "79": _("Mật khẩu thanh toán đã nhập sai quá số lần quy định. Xin nộp lại."),
}
_OTHER_MESSAGE = _("Giao dịch không thành công. Xin nộp lại hoặc liên hệ cơ quan tiếp nhận.")

# vnp_TransactionStatus: not finished; taken at the bank but not here; under suspicion.
UNDECIDED = frozenset({"01", "04", "07"})

_HASH_KEYS = {"vnp_SecureHash", "vnp_SecureHashType"}
_QUERY_KEYS = (
    "vnp_RequestId", "vnp_Version", "vnp_Command", "vnp_TmnCode", "vnp_TxnRef",
    "vnp_TransactionDate", "vnp_CreateDate", "vnp_IpAddr", "vnp_OrderInfo",
)  # fmt: skip
_ANSWER_KEYS = (
    "vnp_ResponseId", "vnp_Command", "vnp_ResponseCode", "vnp_Message", "vnp_TmnCode",
    "vnp_TxnRef", "vnp_Amount", "vnp_BankCode", "vnp_PayDate", "vnp_TransactionNo",
    "vnp_TransactionType", "vnp_TransactionStatus", "vnp_OrderInfo", "vnp_PromotionCode",
    "vnp_PromotionAmount",
)  # fmt: skip
_REFUND_KEYS = (
    "vnp_RequestId", "vnp_Version", "vnp_Command", "vnp_TmnCode", "vnp_TransactionType",
    "vnp_TxnRef", "vnp_Amount", "vnp_TransactionNo", "vnp_TransactionDate", "vnp_CreateBy",
    "vnp_CreateDate", "vnp_IpAddr", "vnp_OrderInfo",
)  # fmt: skip
_REFUND_ANSWER_KEYS = _ANSWER_KEYS[:-2]  # no promotions
FULL, PARTIAL = "02", "03"  # vnp_TransactionType of a refund

# What vnp_TransactionStatus says of a refund: 05 VNPay works on it, 06 it is with the bank.
_REFUND_STATES = {"00": gateways.PAID, "02": gateways.FAILED, "09": gateways.FAILED}
# Answers that say that nothing was refunded: unknown terminal, bad request, no such payment,
# a payment that brought no money.
_REFUND_REFUSALS = frozenset({"02", "03", "91", "95"})
_ALREADY_ASKED = "94"


class BadQuery(ValueError):
    """A query string that no honest gateway sends: repeated keys, broken encoding."""


@dataclass(frozen=True)
class Merchant:
    """Who we are at the gateway, and where it is. The secret stays out of any log."""

    tmn_code: str
    secret: str = field(repr=False)
    pay_url: str
    return_url: str
    query_url: str


def sign(params: Mapping[str, object], secret: str) -> str:
    """HMAC-SHA512 (lower-case hex) over the `vnp_` parameters that have a value, sorted."""
    return _hmac(_encode(params), secret)


def verify(params: Mapping[str, object], secret: str) -> bool:
    """Whether `vnp_SecureHash` in `params` is ours; never raises, whatever was sent.

    Without a secret nothing is: anybody could sign with none.
    """
    return bool(secret) and _is_same_hash(params.get("vnp_SecureHash"), sign(params, secret))


def parse_query(raw_query: str) -> dict[str, str]:
    """The `vnp_` parameters of a raw query string, decoded.

    Raises `BadQuery` where a `vnp_` key comes twice, since one reader would take the first
    and another the last of them (SECURITY.md M03), and where the encoding is broken.
    """
    try:
        pairs = parse_qsl(raw_query, keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError as error:
        raise BadQuery("unreadable query string") from error
    pairs = [(key, value) for key, value in pairs if key.startswith("vnp_")]
    params = dict(pairs)
    if len(params) != len(pairs):
        raise BadQuery("a vnp_ parameter is repeated")
    return params


def pay_url(
    merchant: Merchant,
    *,
    reference: str,
    amount: int,
    order_info: str,
    ip: str,
    created_at: datetime,
    expires_at: datetime,
    locale: str = "vn",
    order_type: str = "billpayment",
) -> str:
    """The signed address to which the citizen's browser is sent to pay `amount` đồng.

    `order_info` loses its diacritics, which the gateway does not take. ValueError for an
    amount that is not a whole number above 0.
    """
    if not isinstance(amount, int) or isinstance(amount, bool) or amount <= 0:
        raise ValueError(f"not an amount that can be paid: {amount!r}")
    params = {
        "vnp_Version": VERSION,
        "vnp_Command": "pay",
        "vnp_TmnCode": merchant.tmn_code,
        "vnp_Amount": amount * 100,
        "vnp_CurrCode": "VND",
        "vnp_TxnRef": reference,
        "vnp_OrderInfo": plain_ascii(order_info),
        "vnp_OrderType": order_type,
        "vnp_Locale": locale,
        "vnp_ReturnUrl": merchant.return_url,
        "vnp_IpAddr": ip,
        "vnp_CreateDate": gateway_time(created_at),
        "vnp_ExpireDate": gateway_time(expires_at),
    }
    data = _encode(params)
    return f"{merchant.pay_url}?{data}&vnp_SecureHash={_hmac(data, merchant.secret)}"


def amount_of(params: Mapping[str, object]) -> int | None:
    """`vnp_Amount` in whole đồng; None where it is no amount of whole đồng."""
    text = str(params.get("vnp_Amount") or "")
    if not re.fullmatch(r"[0-9]{1,15}", text) or int(text) % 100:
        return None
    return int(text) // 100


def is_success(params: Mapping[str, object]) -> bool:
    """Whether the money was taken: both the answer and the transaction say 00."""
    return params.get("vnp_ResponseCode") == params.get("vnp_TransactionStatus") == "00"


def is_failure(params: Mapping[str, object]) -> bool:
    """Whether the gateway says that no money was taken; neither this nor a success is to wait."""
    code, status = params.get("vnp_ResponseCode"), params.get("vnp_TransactionStatus")
    return code not in {None, "", "00", "07"} and status != "00" and status not in UNDECIDED


def message_for(response_code: str) -> Promise:
    """What to tell the citizen about a `vnp_ResponseCode`."""
    return RESPONSE_MESSAGES.get(response_code, _OTHER_MESSAGE)


def querydr_request(
    merchant: Merchant,
    *,
    reference: str,
    created_at: datetime,
    ip: str,
    now: datetime,
    request_id: str = "",
) -> dict[str, str]:
    """The signed body that asks what became of a payment.

    `created_at` is the moment that was sent as vnp_CreateDate when the payment began.
    """
    body = {
        "vnp_RequestId": request_id or secrets.token_hex(16),
        "vnp_Version": VERSION,
        "vnp_Command": "querydr",
        "vnp_TmnCode": merchant.tmn_code,
        "vnp_TxnRef": reference,
        "vnp_TransactionDate": gateway_time(created_at),
        "vnp_CreateDate": gateway_time(now),
        "vnp_IpAddr": ip,
        "vnp_OrderInfo": f"Truy van GD {reference}",
    }
    return {**body, "vnp_SecureHash": query_signature(body, merchant.secret)}


def query_signature(body: Mapping[str, object], secret: str) -> str:
    """The hash of a querydr request: its nine values in the protocol's order, joined by `|`."""
    return _hmac(_joined(body, _QUERY_KEYS), secret)


def query_response_signature(body: Mapping[str, object], secret: str) -> str:
    """The hash of the answer to a querydr request."""
    return _hmac(_joined(body, _ANSWER_KEYS), secret)


def verify_query_response(body: Mapping[str, object], secret: str) -> bool:
    """Whether the answer to a querydr request is signed with our secret."""
    expected = query_response_signature(body, secret)
    return bool(secret) and _is_same_hash(body.get("vnp_SecureHash"), expected)


def query(merchant: Merchant, reference: str, created_at: datetime, ip: str) -> dict:
    """The gateway's signed answer about the payment `reference`.

    Waits 5 s at most for each step of the network, so never call it in a transaction.
    Raises `GatewayUnavailable` on anything but a signed answer about this very payment.
    """
    request = querydr_request(
        merchant, reference=reference, created_at=created_at, ip=ip, now=datetime.now(ICT)
    )
    answer = _post(merchant.query_url, request)
    if not verify_query_response(answer, merchant.secret):
        raise GatewayUnavailable("the answer is not signed")
    asked = (merchant.tmn_code, reference)
    if (answer.get("vnp_TmnCode"), answer.get("vnp_TxnRef")) != asked:
        raise GatewayUnavailable("the answer is about another payment")
    return answer


def refund_request(
    merchant: Merchant,
    *,
    reference: str,
    amount: int,
    is_full: bool,
    transaction: str,
    created_at: datetime,
    by: str,
    ip: str,
    now: datetime,
    request_id: str,
) -> dict[str, str]:
    """The signed body that asks for `amount` đồng of the payment `reference` back.

    `transaction` is the gateway's number of that payment, `created_at` the moment that was
    sent as its vnp_CreateDate. One `request_id` is one refund, however often it is sent.
    """
    body = {
        "vnp_RequestId": request_id,
        "vnp_Version": VERSION,
        "vnp_Command": "refund",
        "vnp_TmnCode": merchant.tmn_code,
        "vnp_TransactionType": FULL if is_full else PARTIAL,
        "vnp_TxnRef": reference,
        "vnp_Amount": str(amount * 100),
        "vnp_TransactionNo": transaction,
        "vnp_TransactionDate": gateway_time(created_at),
        "vnp_CreateBy": by,
        "vnp_CreateDate": gateway_time(now),
        "vnp_IpAddr": ip,
        "vnp_OrderInfo": f"Hoan tien GD {reference}",
    }
    return {**body, "vnp_SecureHash": refund_signature(body, merchant.secret)}


def refund_signature(body: Mapping[str, object], secret: str) -> str:
    """The hash of a refund request: its thirteen values in the protocol's order."""
    return _hmac(_joined(body, _REFUND_KEYS), secret)


def refund_response_signature(body: Mapping[str, object], secret: str) -> str:
    """The hash of the answer to a refund request."""
    return _hmac(_joined(body, _REFUND_ANSWER_KEYS), secret)


def _refund_report(answer: Mapping[str, object]) -> RefundReport:
    """What a signed answer to a refund request means for the money.

    A request that was sent before (94) is being worked on. Whatever is not clearly a refusal
    leaves it open whether the money goes: `GatewayUnavailable`, and it is asked again.
    """
    code, status = str(answer.get("vnp_ResponseCode")), str(answer.get("vnp_TransactionStatus"))
    number = str(answer.get("vnp_TransactionNo") or "")
    if code == "00":
        return RefundReport(_REFUND_STATES.get(status, gateways.OPEN), number, status)
    if code == _ALREADY_ASKED:
        return RefundReport(gateways.OPEN, code=code)
    if code in _REFUND_REFUSALS:
        return RefundReport(gateways.FAILED, code=code)
    raise GatewayUnavailable(f"the refund was answered {code}")


def gateway_time(moment: datetime) -> str:
    """`20260710083000`: an aware moment in GMT+7, whatever the server's clock shows."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return moment.astimezone(ICT).strftime("%Y%m%d%H%M%S")


def parse_time(text: str) -> datetime | None:
    """The aware moment of a time on the wire; None where it is not one."""
    if not re.fullmatch(r"[0-9]{14}", text):
        return None
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=ICT)
    except ValueError:
        return None


def _encode(params: Mapping[str, object]) -> str:
    """The sorted, encoded parameters that are signed; empty ones are left out."""
    return "&".join(
        f"{_quote(key)}={_quote(params[key])}"
        for key in sorted(params)
        if key.startswith("vnp_") and key not in _HASH_KEYS and params[key] not in ("", None)
    )


def _quote(value: object) -> str:
    # Lone surrogates cannot be signed by anybody, but must not raise either.
    return quote_plus(str(value), errors="surrogatepass")


def _joined(body: Mapping[str, object], keys: Iterable[str]) -> str:
    values = (body.get(key) for key in keys)
    return "|".join("" if value is None else str(value) for value in values)


def _hmac(data: str, secret: str) -> str:
    content = data.encode("utf-8", "surrogatepass")
    return hmac.new(secret.encode(), content, hashlib.sha512).hexdigest()


class VNPay:
    """The gateway behind our interface; its terminal is the office's (settings VNPAY_*)."""

    method = "vnpay"
    label = _("Thẻ ngân hàng, QR qua VNPAY")
    verb = "GET"

    def is_open(self) -> bool:
        """Whether there are a terminal, a secret and an address."""
        return bool(
            settings.VNPAY_TMN_CODE and settings.VNPAY_HASH_SECRET and settings.VNPAY_PAY_URL
        )

    def merchant(self) -> Merchant:
        """Who we are there, and where it is."""
        return Merchant(
            tmn_code=settings.VNPAY_TMN_CODE,
            secret=settings.VNPAY_HASH_SECRET,
            pay_url=settings.VNPAY_PAY_URL,
            return_url=f"{settings.SITE_URL}{reverse('payments:return', args=[self.method])}",
            query_url=settings.VNPAY_QUERY_URL,
        )

    def begin(self, payment: Payment, *, ip: str) -> str:
        """The same signed address each time: its vnp_CreateDate is `started_at`."""
        return pay_url(
            self.merchant(),
            reference=payment.reference,
            amount=payment.amount,
            order_info=f"Phi, le phi ho so {payment.dossier.code}",
            ip=ip,
            created_at=payment.started_at,
            expires_at=payment.started_at + gateways.PAY_WITHIN,
        )

    def read(self, request: HttpRequest) -> Report:
        """The server's call and the way back are signed alike, in the address."""
        try:
            params = parse_query(request.META["QUERY_STRING"])
        except BadQuery as error:
            raise Forged from error
        is_ours = params.get("vnp_TmnCode") == settings.VNPAY_TMN_CODE
        # Our own pay address is signed with the same secret, but says nothing of an outcome.
        if not (verify(params, settings.VNPAY_HASH_SECRET) and is_ours):
            raise Forged(_unsigned(params))
        if "vnp_ResponseCode" not in params:
            raise Forged(_unsigned(params))
        return _report(params, params)

    read_return = read

    def answer(self, verdict: str) -> JsonResponse:
        """The protocol's JSON, always with status 200."""
        return JsonResponse({"RspCode": verdict, "Message": IPN_ANSWERS[verdict]})

    def message(self, code: str) -> Promise:
        """What the citizen is told about vnp_ResponseCode."""
        return message_for(code)

    def query(self, payment: Payment, *, ip: str = "127.0.0.1") -> Report | None:
        """`querydr`: the transaction's status stands in for the answer's code."""
        raw = query(self.merchant(), payment.reference, payment.started_at, ip)
        answer = {key: "" if value is None else str(value) for key, value in raw.items()}
        if answer.get("vnp_ResponseCode") != "00":
            return None
        status = answer.get("vnp_TransactionStatus", "")
        return _report({**answer, "vnp_ResponseCode": status}, answer)

    def refund(self, refund: Refund, *, ip: str = "127.0.0.1") -> RefundReport:
        """In full (02) or in part (03); `refund.reference` is the vnp_RequestId."""
        payment, merchant = refund.payment, self.merchant()
        body = refund_request(
            merchant,
            reference=payment.reference,
            amount=refund.amount,
            is_full=refund.amount == payment.amount,
            transaction=payment.transaction,
            created_at=payment.started_at or payment.created_at,
            by=f"CB{refund.decided_by_id or refund.proposed_by_id}",
            ip=ip,
            now=datetime.now(ICT),
            request_id=refund.reference,
        )
        answer = _post(merchant.query_url, body)
        expected = refund_response_signature(answer, merchant.secret)
        if not (merchant.secret and _is_same_hash(answer.get("vnp_SecureHash"), expected)):
            raise GatewayUnavailable("the answer is not signed")
        asked = (merchant.tmn_code, payment.reference)
        if (answer.get("vnp_TmnCode"), answer.get("vnp_TxnRef")) != asked:
            raise GatewayUnavailable("the answer is about another payment")
        return _refund_report(answer)

    def query_refund(self, refund: Refund, *, ip: str = "127.0.0.1") -> RefundReport | None:
        """`querydr` speaks of a payment's newest transaction: of refunds, only a full one is
        surely the one that we mean."""
        payment = refund.payment
        if refund.amount != payment.amount:
            return None
        answer = query(
            self.merchant(), payment.reference, payment.started_at or payment.created_at, ip
        )
        if (answer.get("vnp_ResponseCode"), answer.get("vnp_TransactionType")) != ("00", FULL):
            return None
        return _refund_report(answer)


def _report(params: Mapping[str, str], raw: Mapping[str, str]) -> Report:
    """What signed parameters mean; neither a success nor a failure is still to wait for."""
    outcome = gateways.PAID if is_success(params) else gateways.OPEN
    if is_failure(params):
        outcome = gateways.FAILED
    return Report(
        reference=params.get("vnp_TxnRef", ""),
        amount=amount_of(params),
        outcome=outcome,
        transaction=params.get("vnp_TransactionNo", ""),
        code=params.get("vnp_ResponseCode", ""),
        raw=_unsigned(raw),
    )


def _unsigned(params: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in params.items() if key != "vnp_SecureHash"}


gateway = VNPay()
