"""The MoMo protocol: signatures by hand over the documented order, and a wallet that speaks it."""

import hashlib
import hmac
import json
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from dossiers.models import Dossier
from payments import callbacks, gateways, services
from payments.gateways import GatewayUnavailable, momo
from payments.models import GatewayMessage, Payment, Receipt, Refund
from tests import factories
from tests.payments.wire import gateway as server
from tests.payments.wire import momo_word as word

pytestmark = pytest.mark.django_db

State = Payment.State
IPN = "/thanh-toan/momo/ipn/"
OURS = "SECRET"
ORDERED = (
    "accessKey=KEY&amount=16000&extraData=&ipnUrl=https://dvc.example.vn/ipn"
    "&orderId=ORDER&orderInfo=Phi, le phi ho so H1&partnerCode=GIOLINH1"
    "&redirectUrl=https://dvc.example.vn/back&requestId=ORDER&requestType=captureWallet"
)
ASKED = "accessKey=KEY&orderId=ORDER&partnerCode=GIOLINH1&requestId=REQUEST"
BACK = (
    "accessKey=KEY&amount=6000&description=Hoan tien&orderId=BACK&partnerCode=GIOLINH1"
    "&requestId=BACK&transId=4088878653"
)


def by_hand(text: str, secret: str = OURS) -> str:
    """HMAC-SHA256 by its definition, computed without the module under test."""
    block = secret.encode().ljust(64, b"\0")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in block) + text.encode()).digest()
    return hashlib.sha256(bytes(b ^ 0x5C for b in block) + inner).hexdigest()


def partner():
    return momo.Merchant(
        partner_code="GIOLINH1",
        access_key="KEY",
        secret_key="SECRET",
        url="https://payment.momo.vn",
        redirect_url="https://dvc.example.vn/back",
        ipn_url="https://dvc.example.vn/ipn",
    )


@pytest.fixture
def dossier():
    return factories.filed(factories.COPY)


@pytest.fixture
def payment(dossier):
    return services.begin(dossier, Payment.Method.MOMO)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def tell(values):
    """The status that our callback answers to a body or to values."""
    body = values if isinstance(values, bytes) else json.dumps(values).encode()
    return Client().post(IPN, body, content_type="application/json").status_code


# --- Signatures -----------------------------------------------------------------------


def test_requests_are_signed_over_the_documented_order():
    assert by_hand("x") == hmac.new(b"SECRET", b"x", hashlib.sha256).hexdigest()

    order = momo.create_request(
        partner(), reference="ORDER", amount=16_000, order_info="Phí, lệ phí hồ sơ H1"
    )
    question = momo.query_request(partner(), reference="ORDER", request_id="REQUEST")
    refund = momo.refund_request(
        partner(), reference="BACK", amount=6_000, transaction="4088878653",
        description="Hoàn tiền",
    )  # fmt: skip

    assert order["signature"] == by_hand(ORDERED)
    assert (order["amount"], order["extraData"], order["lang"]) == (16_000, "", "vi")
    assert question["signature"] == by_hand(ASKED)
    assert refund["signature"] == by_hand(BACK)
    assert refund["transId"] == 4088878653


def test_the_secrets_are_not_in_what_is_logged():
    assert "SECRET" not in repr(partner())
    assert "KEY" not in repr(partner())


# --- The server's call ----------------------------------------------------------------


def test_a_success_pays_once_and_is_answered_204(dossier, payment):
    assert [tell(word(payment)) for _time in range(3)] == [204] * 3

    paid = fresh(payment)
    assert (paid.state, paid.method, paid.transaction) == (
        State.PAID,
        "momo",
        f"14{payment.pk:06d}",
    )
    assert fresh(dossier).state == Dossier.State.SUBMITTED
    assert Receipt.objects.count() == 1
    messages = GatewayMessage.objects.values_list("method", "kind", "answer")
    assert list(messages) == [("momo", "callback", code) for code in ("00", "02", "02")]
    kept = GatewayMessage.objects.first().content
    assert not {"signature", "accessKey"} & set(kept)


def test_a_failure_is_recorded_and_a_later_success_beats_it(payment):
    for code in (1006, 1001, 1005):
        Payment.objects.update(state=State.PENDING)
        tell(word(payment, code))
        assert fresh(payment).state == State.FAILED
    tell(word(payment))
    tell(word(payment, 1006))

    assert fresh(payment).state == State.PAID


def test_what_is_not_final_is_neither_paid_nor_failed(payment):
    for code in (1000, 7000, 7002, 9000, 10, 12345):
        assert tell(word(payment, code)) == 204

    assert fresh(payment).state == State.PENDING


def test_a_message_that_is_not_momos_is_refused_and_changes_nothing(payment):
    good = word(payment)
    text = json.dumps(good)
    bad = [
        {**good, "amount": payment.amount + 1},
        {**good, "orderId": "KHAC"},
        {**good, "signature": ""},
        {**good, "signature": None},
        {**good, "signature": "ế" * 64},
        {key: value for key, value in good.items() if key != "signature"},
        {key: value for key, value in good.items() if key != "transId"},
        word(payment, partnerCode="KHAC"),
        text.replace("{", '{"amount": 1, ', 1).encode(),  # one name twice
        b"[]", b"null", b"", b"\xff", b"<html>", b"[" * 60_000, b'{"a": "' + b"x" * 70_000 + b'"}',
    ]  # fmt: skip

    assert [tell(message) for message in bad] == [400] * len(bad)

    assert fresh(payment).state == State.PENDING
    assert set(GatewayMessage.objects.values_list("answer", flat=True)) == {"97"}


def test_a_signed_message_about_another_order_or_amount_pays_nothing(payment):
    wrong = [
        word(payment, orderId="KHONGCO"),
        word(payment, amount=100),
        word(payment, amount=float(payment.amount)),
        word(payment, amount=-payment.amount),
    ]

    assert [tell(message) for message in wrong] == [204] * 4

    assert fresh(payment).state == State.PENDING
    answers = GatewayMessage.objects.values_list("answer", flat=True)
    assert list(answers) == ["01", "04", "04", "04"]


def test_only_a_post_is_taken_and_an_error_inside_is_told_as_one(payment, monkeypatch, caplog):
    assert Client().get(IPN).status_code == 405

    def fail(*args, **details):
        raise RuntimeError("đĩa đầy")

    with monkeypatch.context() as patch:
        patch.setattr(services, "confirm", fail)
        assert tell(word(payment)) == 500

    assert settings.MOMO_SECRET_KEY not in caplog.text
    assert tell(word(payment)) == 204
    assert fresh(payment).state == State.PAID


def test_the_way_back_is_signed_too_and_pays_nothing(client, payment):
    address = reverse("payments:return", args=["momo"])
    good = urlencode(word(payment))

    waiting = client.get(f"{address}?{good}")
    denied = client.get(f"{address}?{urlencode(word(payment, 1006))}")
    forged = [client.get(f"{address}?{raw}") for raw in (good[:-1], good + "&amount=1", "")]

    assert "Đang chờ ngân hàng xác nhận" in waiting.text
    assert denied.status_code == 200
    assert [response.status_code for response in forged] == [400] * 3
    assert fresh(payment).state == State.PENDING


# --- Over the network -----------------------------------------------------------------


@pytest.fixture
def wallet(settings):
    """A function that starts a wallet with one answer to all; its list of what was asked."""
    servers = []

    def start(answer, status=200):
        asked = []

        def respond(body):
            asked.append(body)
            said = answer(body) if callable(answer) else answer
            return status, said if isinstance(said, bytes) else json.dumps(said).encode()

        running = server(respond)
        settings.MOMO_URL = running.__enter__().removesuffix("/transaction")
        servers.append(running)
        return asked

    yield start
    for running in servers:
        running.__exit__(None, None, None)


def echo(body, **more):
    return {key: body[key] for key in ("partnerCode", "requestId", "orderId")} | more


def order_of(body, **changes):
    """What MoMo answers to a new order."""
    address = f"{settings.MOMO_URL}/v2/gateway/pay?t=x"
    return echo(body, resultCode=0, amount=body["amount"], payUrl=address) | changes


def test_the_browser_is_sent_to_the_address_that_momo_gives(client, dossier, wallet):
    asked = wallet(order_of)
    client.force_login(dossier.owner)
    go = reverse("payments:go", args=[dossier.code, "momo"])

    first, second = client.post(go), client.post(go)

    assert first["Location"] == second["Location"] == f"{settings.MOMO_URL}/v2/gateway/pay?t=x"
    assert asked[0] == asked[1]  # one order, however often it is begun
    assert asked[0]["orderId"] == Payment.objects.get().reference
    assert asked[0]["ipnUrl"].endswith(IPN)
    assert Payment.objects.get().method == Payment.Method.MOMO


def test_where_no_order_is_made_the_citizen_reads_why_and_may_choose_again(
    client, dossier, wallet, caplog
):
    client.force_login(dossier.owner)
    answers = [
        "<html>Bảo trì</html>".encode(),
        lambda body: order_of(body, resultCode=10),
        lambda body: order_of(body, amount=1),
        lambda body: order_of(body, orderId="KHAC"),
        lambda body: order_of(body, payUrl="https://evil.example/pay"),
        lambda body: order_of(body, payUrl=None),
    ]
    left = iter(answers)

    def answer(body):
        said = next(left)
        return said(body) if callable(said) else said

    wallet(answer)

    for _answer in answers:
        response = client.post(reverse("payments:go", args=[dossier.code, "momo"]))

        assert response["Location"] == reverse("payments:start", args=[dossier.code])
    wallet(b"error", status=500)
    response = client.post(reverse("payments:go", args=[dossier.code, "momo"]), follow=True)

    assert "Cổng thanh toán chưa trả lời" in response.text
    assert caplog.text.count("did not begin") == len(answers) + 1
    assert fresh(dossier).state == Dossier.State.PAYMENT_REQUIRED


def test_a_query_settles_what_it_answers_for_sure(payment, wallet):
    answers = [
        ({"resultCode": 42}, State.PENDING),
        ({"resultCode": 1000, "amount": 16_000}, State.PENDING),
        ({"resultCode": 0, "amount": 16_000, "requestId": "KHAC"}, State.PENDING),
        ({"resultCode": 0, "amount": 100, "transId": 7}, State.PENDING),
        ({"resultCode": 1006, "amount": 16_000, "transId": 0}, State.FAILED),
        ({"resultCode": 0, "amount": 16_000, "transId": 7}, State.PAID),
    ]
    asked = wallet(lambda body: echo(body) | said)

    for said, state in answers:
        Payment.objects.update(state=State.PENDING, queried_at=None)
        callbacks.query_gateway(fresh(payment))
        assert fresh(payment).state == state, said

    requests = {body["requestId"] for body in asked}
    assert len(requests) == len(answers)  # a fresh one each time: else the old answer comes


@pytest.fixture
def refund():
    """6.000 of 16.000 đồng, which MoMo knows by its own number."""
    payment = Payment(amount=16_000, method="momo", transaction="4088878653")
    return Refund(payment=payment, amount=6_000, way=Refund.Way.GATEWAY)


def test_a_refund_is_done_open_or_refused_and_else_unknown(refund, wallet):
    answers = [
        ({"resultCode": 0, "amount": 6_000, "transId": 8}, gateways.PAID),
        ({"resultCode": 7002}, gateways.OPEN),
        ({"resultCode": 1081}, gateways.FAILED),
        ({"resultCode": 1080}, None),
        ({"resultCode": 99}, None),
        ({"resultCode": 0, "amount": 1}, None),
        ({"resultCode": 0, "amount": 6_000, "orderId": "KHAC"}, None),
    ]
    asked = wallet(lambda body: echo(body) | said)

    for said, outcome in answers:
        try:
            report = momo.gateway.refund(refund)
        except GatewayUnavailable:
            report = None
        assert (report and report.outcome) == outcome, said

    assert all(body == asked[0] for body in asked)
    body = asked[0]
    assert body["orderId"] == body["requestId"] == refund.reference
    assert refund.reference != refund.payment.reference
    assert (body["amount"], body["transId"]) == (6_000, 4088878653)


def test_a_refund_that_was_asked_is_asked_about_by_its_own_order(refund, wallet):
    row = {"orderId": refund.reference, "amount": 6_000, "resultCode": 0, "transId": 9}
    other = {**row, "orderId": "KHAC"}

    wallet(lambda body: echo(body, resultCode=0, refundTrans=[other, row]))
    known = momo.gateway.query_refund(refund)
    wallet(lambda body: echo(body, resultCode=42, refundTrans=None))
    unknown = momo.gateway.query_refund(refund)

    assert (known.outcome, known.transaction) == (gateways.PAID, "9")
    assert unknown is None
