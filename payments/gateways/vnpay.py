"""The VNPay protocol 2.1.0: what we send to the gateway, and what we believe of its answers.

Nothing here touches the database. Amounts are whole đồng; only on the wire are they
hundredths. Times on the wire are GMT+7. Source: DOMAIN.md 4.1.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import unicodedata
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.client import HTTPException
from urllib.parse import parse_qsl, quote_plus

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

VERSION = "2.1.0"
QUERY_TIMEOUT = 5  # seconds
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
_MAX_ANSWER = 64 * 1024  # bytes


class BadQuery(ValueError):
    """A query string that no honest gateway sends: repeated keys, broken encoding."""


class GatewayUnavailable(Exception):
    """The gateway gave no answer that we can believe; nothing is known about the money."""


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


def plain_ascii(text: str) -> str:
    """`Lệ phí hồ sơ` -> `Le phi ho so`, at most 255 characters."""
    bare = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    ascii_only = bare.encode("ascii", "ignore").decode("ascii")
    return " ".join(ascii_only.split())[:255]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A gateway that sends us elsewhere is not believed: a redirected POST becomes a GET."""

    def redirect_request(self, *args, **kwargs) -> None:
        return None


def _post(url: str, body: Mapping[str, str]) -> dict:
    """The JSON object that `url` answers to `body`; `GatewayUnavailable` on anything else."""
    request = urllib.request.Request(  # noqa: S310 - the address is a setting of the office
        url,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Accept": "application/json"},
    )
    try:
        opener = urllib.request.build_opener(_NoRedirect)
        with opener.open(request, timeout=QUERY_TIMEOUT) as response:
            answer = json.loads(response.read(_MAX_ANSWER))
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        raise GatewayUnavailable(f"no answer: {type(error).__name__}") from error
    if not isinstance(answer, dict):
        raise GatewayUnavailable("the answer is not an object")
    return answer


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


def _is_same_hash(given: object, expected: str) -> bool:
    """Compare in constant time and without regard to case; `compare_digest` needs ASCII."""
    if not isinstance(given, str) or not given.isascii():
        return False
    return hmac.compare_digest(given.lower(), expected)
