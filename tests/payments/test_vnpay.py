"""The VNPay protocol, against the vectors of DOMAIN.md 4.1 and a gateway that speaks it."""

import dataclasses
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.utils.functional import Promise
from hypothesis import given
from hypothesis import strategies as st

from payments.gateways import GatewayUnavailable, vnpay, wire
from payments.gateways.vnpay import BadQuery, Merchant
from payments.models import Payment, Refund

SECRET = "TESTSECRETKEY1234567890ABCDEFGHI"
DATA = (
    "vnp_Amount=800000&vnp_Command=pay&vnp_CreateDate=20260710083000&vnp_CurrCode=VND"
    "&vnp_ExpireDate=20260710084500&vnp_IpAddr=203.113.10.5&vnp_Locale=vn"
    "&vnp_OrderInfo=Le+phi+ho+so+H50.20-260710-0001+%28ban+sao%3A+1%29"
    "&vnp_OrderType=billpayment"
    "&vnp_ReturnUrl=https%3A%2F%2Fdvc.example.vn%2Fthanh-toan%2Fvnpay%2Fket-qua"
    "&vnp_TmnCode=GIOLINH1&vnp_TxnRef=H50.20-260710-0001-1&vnp_Version=2.1.0"
)
HASH = (
    "392963c08a31870e3dde2f0d10b867c4ba9a4e87602b97e36ae104c9882782061d31130f6116f305"
    "2b5f3242c49fc4e1525202df58e47c9e514de8830df3ebac"
)
QUERY_DATA = (
    "REQ0000000000000000000000000001|2.1.0|querydr|GIOLINH1|H50.20-260710-0001-1"
    "|20260710083000|20260710084000|203.113.10.5|Truy van GD H50.20-260710-0001-1"
)
QUERY_HASH = (
    "528024d10d34443a4f99fb622f2ff2ed9eac0d77599b086493ed6e9055c576a20584b59d602ce2a1"
    "096e2cfa43e06ee364072cfd63b3dd3a1ed29ecbe7de9347"
)
REFUND_DATA = (
    "REQ0000000000000000000000000002|2.1.0|refund|GIOLINH1|03|H50.20-260710-0001-1|500000"
    "|14226112|20260710083000|CB7|20260710084000|203.113.10.5|Hoan tien GD H50.20-260710-0001-1"
)
REFERENCE = "H50.20-260710-0001-1"
CREATED = datetime(2026, 7, 10, 1, 30, tzinfo=UTC)
SIGNED = f"{DATA}&vnp_SecureHash={HASH}"
ANSWER_KEYS = (
    "ResponseId Command ResponseCode Message TmnCode TxnRef Amount BankCode PayDate"
    " TransactionNo TransactionType TransactionStatus OrderInfo PromotionCode PromotionAmount"
).split()


def hmac_sha512(data: str) -> str:
    """The hash by its definition, computed without the module under test."""
    return hmac.new(SECRET.encode(), data.encode(), hashlib.sha512).hexdigest()


def merchant(query_url: str = "") -> Merchant:
    return Merchant(
        tmn_code="GIOLINH1",
        secret=SECRET,
        pay_url="https://pay.example.vn/vpcpay.html",
        return_url="https://dvc.example.vn/thanh-toan/vnpay/ket-qua",
        query_url=query_url,
    )


def make_url(**changes) -> str:
    details = {
        "reference": REFERENCE,
        "amount": 8_000,
        "order_info": "Lệ phí hồ sơ H50.20-260710-0001 (bản sao: 1)",
        "ip": "203.113.10.5",
        "created_at": CREATED,
        "expires_at": CREATED + timedelta(minutes=15),
    }
    return vnpay.pay_url(merchant(), **details | changes)


def signed_answer(**changes: object) -> dict:
    """What an honest gateway answers to a query about the payment of the vectors."""
    values = dict.fromkeys(ANSWER_KEYS, "") | {
        "ResponseId": "ANS1", "Command": "querydr", "ResponseCode": "00",
        "Message": "QueryDR Success", "TmnCode": "GIOLINH1", "TxnRef": REFERENCE,
        "Amount": "800000", "BankCode": "NCB", "PayDate": "20260710083412",
        "TransactionNo": "14226112", "TransactionType": "01", "TransactionStatus": "00",
    } | changes  # fmt: skip
    answer = {f"vnp_{key}": value for key, value in values.items()}
    return {**answer, "vnp_SecureHash": hmac_sha512("|".join(map(str, values.values())))}


@contextmanager
def gateway(respond: Callable[[dict], tuple[int, bytes]]) -> Iterator[str]:
    """A local gateway; `respond` turns the body it was sent into a status and an answer."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, content = respond(body)
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            content = json.dumps(signed_answer()).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/transaction"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_vectors_are_right_by_the_definition_of_the_hash():
    assert hmac_sha512(DATA) == HASH
    assert hmac_sha512(QUERY_DATA) == QUERY_HASH


def test_a_payment_is_signed_as_the_vector_says():
    params = vnpay.parse_query(DATA)

    assert vnpay.sign(params, SECRET) == HASH


def test_the_pay_address_is_the_signed_vector():
    url = make_url()

    assert url == f"https://pay.example.vn/vpcpay.html?{SIGNED}"


def test_empty_and_foreign_parameters_are_not_signed():
    params = vnpay.parse_query(DATA)
    more = {**params, "vnp_BankCode": "", "vnp_SecureHashType": "HMACSHA512", "utm_source": "x"}

    assert vnpay.sign(more, SECRET) == HASH


@given(st.integers(min_value=1, max_value=10**12))
def test_the_amount_in_the_address_reads_back_as_it_was(amount):
    params = vnpay.parse_query(urlsplit(make_url(amount=amount)).query)

    assert vnpay.amount_of(params) == amount
    assert vnpay.verify(params, SECRET)


@pytest.mark.parametrize("amount", [0, -8_000, 8_000.0, "8000", True, None])
def test_an_impossible_amount_makes_no_address(amount):
    with pytest.raises(ValueError):
        make_url(amount=amount)


@pytest.mark.parametrize("text", ["", "-100", "80.0", "800050", "٨٠٠", "1e5", None])
def test_what_is_no_amount_of_whole_dong_is_none(text):
    assert vnpay.amount_of({"vnp_Amount": text}) is None


@pytest.mark.parametrize(
    "moment",
    [
        CREATED,
        CREATED.astimezone(timezone(timedelta(hours=-8))),
        datetime(2026, 7, 10, 8, 30, tzinfo=vnpay.ICT),
    ],
)
def test_times_are_sent_in_vietnamese_time(moment):
    query = parse_qs(urlsplit(make_url(created_at=moment)).query)

    assert query["vnp_CreateDate"] == ["20260710083000"]


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError):
        vnpay.gateway_time(datetime(2026, 7, 10, 8, 30))


def test_times_on_the_wire_are_read_as_vietnamese_time():
    assert vnpay.parse_time("20260710083000") == CREATED
    assert vnpay.parse_time("20261310083000") is None
    assert vnpay.parse_time("hôm nay") is None


def test_a_signature_is_accepted_in_either_case():
    assert vnpay.verify(vnpay.parse_query(SIGNED), SECRET)
    assert vnpay.verify(vnpay.parse_query(f"{DATA}&vnp_SecureHash={HASH.upper()}"), SECRET)


@pytest.mark.parametrize(
    "given_hash",
    [
        "", "0" * 128, HASH[:-1], HASH + "0", f" {HASH}", "ế" * 128, "\ud800", None, 97,
        hashlib.sha512(DATA.encode()).hexdigest(),
        hmac.new(SECRET.encode(), DATA.encode(), hashlib.sha256).hexdigest(),
    ],
)  # fmt: skip
def test_a_wrong_signature_is_refused_without_an_error(given_hash):
    params = {**vnpay.parse_query(DATA), "vnp_SecureHash": given_hash}

    assert vnpay.verify(params, SECRET) is False


def test_a_missing_signature_or_another_secret_is_refused():
    assert vnpay.verify(vnpay.parse_query(DATA), SECRET) is False
    assert vnpay.verify(vnpay.parse_query(SIGNED), SECRET + "X") is False
    assert vnpay.verify({"vnp_TxnRef": "\udcff"}, SECRET) is False


@pytest.mark.parametrize(
    "query",
    [
        "vnp_Amount=1&vnp_Amount=1000000",
        "vnp_Amount=&vnp_Amount=1000000",
        "vnp_Amount=1&vnp%5FAmount=1",
        f"{SIGNED}&vnp_SecureHash=00",
        "vnp_OrderInfo=%FF%FE",
        "&".join(f"vnp_{number}=1" for number in range(200)),
    ],
)
def test_a_repeated_or_broken_parameter_is_refused(query):
    with pytest.raises(BadQuery):
        vnpay.parse_query(query)


def test_parameters_of_others_are_left_out_even_repeated():
    assert vnpay.parse_query("utm=1&vnp_TxnRef=A+B&utm=2&vnp_Note=") == {
        "vnp_TxnRef": "A B",
        "vnp_Note": "",
    }


@given(st.integers(0, len(SIGNED) - 1), st.integers(0, 255))
def test_one_changed_byte_is_noticed_or_means_the_same(position, byte):
    changed = SIGNED[:position] + chr(byte) + SIGNED[position + 1 :]

    try:
        params = vnpay.parse_query(changed)
    except BadQuery:
        return

    lowered = {**params, "vnp_SecureHash": params.get("vnp_SecureHash", "").lower()}
    assert vnpay.verify(params, SECRET) is (lowered == vnpay.parse_query(SIGNED))


@given(st.dictionaries(st.text(), st.text()), st.text())
def test_nothing_that_is_sent_raises_while_it_is_verified(params, given_hash):
    sent = {f"vnp_{key}": value for key, value in params.items()}

    assert vnpay.verify({**sent, "vnp_SecureHash": given_hash}, SECRET) is False


@pytest.mark.parametrize(
    ("answer", "transaction", "taken"),
    [("00", "00", True), ("00", "01", False), ("24", "00", False), ("24", "02", False)],
)
def test_money_was_taken_only_when_both_codes_say_so(answer, transaction, taken):
    params = {"vnp_ResponseCode": answer, "vnp_TransactionStatus": transaction}

    assert vnpay.is_success(params) is taken


def test_two_missing_codes_are_no_success():
    assert vnpay.is_success({}) is False


@pytest.mark.parametrize("code", [*vnpay.RESPONSE_MESSAGES, "99", "chưa biết"])
def test_every_code_has_a_translatable_sentence(code):
    message = vnpay.message_for(code)

    assert isinstance(message, Promise)
    assert str(message).endswith(".")


def test_the_secret_is_not_in_what_is_logged():
    assert SECRET not in repr(merchant())


def test_a_merchant_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        merchant().secret = "khác"


def test_a_query_is_signed_as_the_vector_says():
    body = vnpay.querydr_request(
        merchant(),
        reference=REFERENCE,
        created_at=CREATED,
        ip="203.113.10.5",
        now=CREATED + timedelta(minutes=10),
        request_id="REQ0000000000000000000000000001",
    )

    assert body["vnp_SecureHash"] == QUERY_HASH
    assert "|".join(list(body.values())[:-1]) == QUERY_DATA


def test_each_query_has_its_own_number():
    details = {"reference": REFERENCE, "created_at": CREATED, "ip": "::1", "now": CREATED}

    first, second = (vnpay.querydr_request(merchant(), **details) for _ in range(2))

    assert first["vnp_RequestId"] != second["vnp_RequestId"]


@time_machine.travel(CREATED + timedelta(minutes=10), tick=False)
def test_the_gateway_is_asked_and_its_signed_answer_is_returned():
    asked = []

    def respond(body: dict) -> tuple[int, bytes]:
        asked.append(body)
        return 200, json.dumps(signed_answer()).encode()

    with gateway(respond) as url:
        answer = vnpay.query(merchant(url), REFERENCE, CREATED, "203.113.10.5")

    assert vnpay.amount_of(answer) == 8_000
    assert vnpay.is_success(answer)
    [body] = asked
    assert body["vnp_CreateDate"] == "20260710084000"
    assert body["vnp_SecureHash"] == vnpay.query_signature(body, SECRET)


def test_numbers_in_the_answer_are_signed_as_their_digits():
    assert vnpay.verify_query_response(signed_answer(Amount=800000), SECRET)


@pytest.mark.parametrize("key", ANSWER_KEYS)
def test_every_value_of_the_answer_is_under_the_signature(key):
    answer = signed_answer() | {f"vnp_{key}": "9"}

    assert vnpay.verify_query_response(answer, SECRET) is False


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, json.dumps({**signed_answer(), "vnp_Amount": "1"}).encode()),
        (200, json.dumps(signed_answer(TxnRef="KHAC")).encode()),
        (200, json.dumps(signed_answer(TmnCode="KHAC")).encode()),
        (200, b"<html>B\xe1\xba\xa3o tr\xc3\xac</html>"),
        (200, b"[]"),
        (200, b"\xff\xfe"),
        (200, b"[" * 60_000),
        (200, b""),
        (302, b""),
        (303, b""),
        (500, json.dumps(signed_answer()).encode()),
    ],
)
def test_anything_but_a_signed_answer_about_this_payment_is_no_answer(status, content):
    with gateway(lambda body: (status, content)) as url, pytest.raises(GatewayUnavailable):
        vnpay.query(merchant(url), REFERENCE, CREATED, "203.113.10.5")


def test_a_gateway_that_is_not_there_is_unavailable():
    with gateway(lambda body: (200, b"")) as url:
        pass

    with pytest.raises(GatewayUnavailable):
        vnpay.query(merchant(url), REFERENCE, CREATED, "203.113.10.5")


def test_a_gateway_that_does_not_answer_is_given_up(monkeypatch):
    monkeypatch.setattr(wire, "TIMEOUT", 0.1)
    answered = threading.Event()

    def respond(body: dict) -> tuple[int, bytes]:
        answered.wait(5)
        return 200, b""

    with gateway(respond) as url:
        with pytest.raises(GatewayUnavailable):
            vnpay.query(merchant(url), REFERENCE, CREATED, "203.113.10.5")
        answered.set()


def test_nothing_is_genuine_where_there_is_no_secret():
    params = {"vnp_TxnRef": "X", "vnp_Amount": "800000"}

    forged = {**params, "vnp_SecureHash": vnpay.sign(params, "")}
    answer = {**params, "vnp_SecureHash": vnpay.query_response_signature(params, "")}

    assert not vnpay.verify(forged, "")
    assert not vnpay.verify_query_response(answer, "")


# --- Refunds --------------------------------------------------------------------------


def refund_body(**changes) -> dict:
    details = {
        "reference": REFERENCE,
        "amount": 5_000,
        "is_full": False,
        "transaction": "14226112",
        "created_at": CREATED,
        "by": "CB7",
        "ip": "203.113.10.5",
        "now": CREATED + timedelta(minutes=10),
        "request_id": "REQ0000000000000000000000000002",
    }
    return vnpay.refund_request(merchant(), **details | changes)


def refund_answer(**changes: object) -> dict:
    """What an honest gateway answers to a refund: no promotions are under its hash."""
    answer = signed_answer(Command="refund", TransactionType="03", Amount="500000", **changes)
    del answer["vnp_PromotionCode"], answer["vnp_PromotionAmount"]
    values = [str(answer[f"vnp_{key}"]) for key in ANSWER_KEYS[:-2]]
    return {**answer, "vnp_SecureHash": hmac_sha512("|".join(values))}


def test_a_refund_is_signed_over_its_thirteen_values_in_order():
    part, full = refund_body(), refund_body(amount=8_000, is_full=True)

    assert "|".join(list(part.values())[:-1]) == REFUND_DATA
    assert part["vnp_SecureHash"] == hmac_sha512(REFUND_DATA)
    assert (full["vnp_TransactionType"], full["vnp_Amount"]) == ("02", "800000")


@pytest.fixture
def office(settings):
    """The terminal of the vectors, and a refund of 5.000 of 8.000 đồng paid there."""
    settings.VNPAY_TMN_CODE, settings.VNPAY_HASH_SECRET = "GIOLINH1", SECRET
    payment = Payment(reference=REFERENCE, amount=8_000, transaction="14226112", started_at=CREATED)
    return Refund(payment=payment, amount=5_000, proposed_by_id=7)


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"TransactionStatus": "00"}, "paid"),
        ({"TransactionStatus": "05"}, "open"),
        ({"TransactionStatus": "06"}, "open"),
        ({"TransactionStatus": "09"}, "failed"),
        ({"ResponseCode": "94", "TransactionStatus": ""}, "open"),
        ({"ResponseCode": "91", "TransactionStatus": ""}, "failed"),
        ({"ResponseCode": "95", "TransactionStatus": ""}, "failed"),
        ({"ResponseCode": "02", "TransactionStatus": ""}, "failed"),
        ({"ResponseCode": "99", "TransactionStatus": ""}, None),
        ({"ResponseCode": "97", "TransactionStatus": ""}, None),
        ({"TxnRef": "KHAC"}, None),
        ({"TmnCode": "KHAC"}, None),
    ],
)
def test_a_refund_is_done_open_or_refused_and_else_nothing_is_known(
    office, settings, changes, outcome
):
    asked = []

    def respond(body: dict) -> tuple[int, bytes]:
        asked.append(body)
        return 200, json.dumps(refund_answer(**changes)).encode()

    with gateway(respond) as url:
        settings.VNPAY_QUERY_URL = url
        try:
            report = vnpay.gateway.refund(office, ip="203.113.10.5")
        except GatewayUnavailable:
            report = None

    assert (report and report.outcome) == outcome
    assert asked[0]["vnp_RequestId"] == office.reference
    assert asked[0]["vnp_SecureHash"] == vnpay.refund_signature(asked[0], SECRET)


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, json.dumps({**refund_answer(), "vnp_Amount": "1"}).encode()),
        (200, json.dumps(signed_answer()).encode()),  # signed as a query's answer is
        (200, "<html>Bảo trì</html>".encode()),
        (500, json.dumps(refund_answer()).encode()),
    ],
)
def test_a_refund_that_is_not_answered_with_a_signature_is_unknown(
    office, settings, status, content
):
    with gateway(lambda body: (status, content)) as url:
        settings.VNPAY_QUERY_URL = url
        with pytest.raises(GatewayUnavailable):
            vnpay.gateway.refund(office)


def test_only_a_refund_in_full_is_surely_the_one_a_query_speaks_of(office, settings):
    answers = [
        signed_answer(TransactionType="02", TransactionStatus="00"),
        signed_answer(TransactionType="02", TransactionStatus="06"),
        signed_answer(TransactionType="01", TransactionStatus="00"),
    ]
    with gateway(lambda body: (200, json.dumps(answers.pop(0)).encode())) as url:
        settings.VNPAY_QUERY_URL = url
        assert vnpay.gateway.query_refund(office) is None
        office.amount = 8_000
        reports = [vnpay.gateway.query_refund(office) for _time in range(3)]

    assert [report and report.outcome for report in reports] == ["paid", "open", None]
