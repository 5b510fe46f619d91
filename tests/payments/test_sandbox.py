"""The gateway to click: the whole protocol over HTTP, with nothing known of each other."""

import importlib
from urllib.parse import urlencode, urlsplit

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from django.urls import reverse

from dossiers import papers
from dossiers.models import Dossier
from payments import services, urls
from payments.gateways import vnpay
from payments.models import GatewayMessage, Payment, SandboxOrder
from payments.sandbox import views as sandbox
from payments.sandbox.vnpay import player
from tests import factories
from tests.payments.wire import call_back, gateway

pytestmark = pytest.mark.django_db

State = Payment.State
_real_call_back = sandbox.call_back


@pytest.fixture
def dossier():
    return factories.filed(factories.COPY)


@pytest.fixture
def payment(dossier):
    return services.begin(dossier)


@pytest.fixture(autouse=True)
def called_back(monkeypatch):
    """The sandbox reaches our callback without the network between; what was answered."""
    answers = []

    def answer(request):
        answers.append(call_back(urlsplit(request.full_url).query))

    monkeypatch.setattr(sandbox, "call_back", answer)
    return answers


@pytest.fixture
def query_view(settings):
    """The gateway's address for queries, served by the sandbox's own view over HTTP."""

    def respond(body):
        try:
            response = Client().post(
                reverse("payments:sandbox_query"), body, content_type="application/json"
            )
            return response.status_code, response.content
        finally:
            connections.close_all()

    with gateway(respond) as url:
        settings.VNPAY_QUERY_URL = url
        yield url


def order_address(payment, **changes):
    """The way to the gateway, with some parameters replaced and signed again."""
    params = vnpay.parse_query(urlsplit(vnpay.gateway.begin(payment, ip="127.0.0.1")).query)
    params = {key: value for key, value in params.items() if key != "vnp_SecureHash"} | changes
    params = {key: value for key, value in params.items() if value is not None}
    signature = vnpay.sign(params, settings.VNPAY_HASH_SECRET)
    return f"{reverse('payments:sandbox')}?{urlencode({**params, 'vnp_SecureHash': signature})}"


def click(client, payment, outcome, **more):
    return client.post(order_address(payment), {"outcome": outcome, **more})


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def test_the_page_shows_the_order(client, dossier, payment):
    response = client.get(order_address(payment))

    assert "16.000 đồng" in response.text
    assert f"Phi, le phi ho so {dossier.code}" in response.text
    assert not SandboxOrder.objects.exists()


def test_paying_calls_back_and_sends_the_browser_home(client, dossier, payment, called_back):
    response = click(client, payment, "pay")

    assert called_back == [{"RspCode": "00", "Message": "Confirm Success"}]
    assert fresh(payment).state == State.PAID
    assert fresh(payment).transaction == SandboxOrder.objects.get().number
    assert fresh(dossier).state == Dossier.State.SUBMITTED
    home = f"{settings.SITE_URL}{reverse('payments:return', args=['vnpay'])}?"
    assert response["Location"].startswith(home)
    page = client.get(response["Location"].removeprefix(settings.SITE_URL))
    assert "Đã nhận 16.000 đồng" in page.text


def test_a_choice_that_there_is_not_cancels(client, dossier, payment):
    response = click(client, payment, "khác")

    page = client.get(response["Location"].removeprefix(settings.SITE_URL))
    assert fresh(payment).state == State.FAILED
    assert "Thanh toán chưa thành công" in page.text
    assert "đã hủy giao dịch" in page.text


def test_an_order_keeps_its_first_outcome(client, payment, called_back):
    click(client, payment, "pay")

    click(client, payment, "cancel")

    assert [answer["RspCode"] for answer in called_back] == ["00", "02"]
    assert fresh(payment).state == State.PAID


def test_an_order_whose_time_is_over_is_not_paid(client, payment, clock):
    clock.shift(services.PAY_WITHIN)

    click(client, payment, "pay")

    assert SandboxOrder.objects.get().response_code == "11"
    assert fresh(payment).state == State.FAILED


@pytest.mark.parametrize("change", [lambda a: a[:-1], lambda a: a.replace("=1600000", "=100")])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_bad_signature_is_refused(client, payment, change, method, called_back):
    response = getattr(client, method)(change(order_address(payment)), {})

    assert response.status_code == 400
    assert called_back == []
    assert not SandboxOrder.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"vnp_ReturnUrl": "https://evil.example/"},
        {"vnp_TmnCode": "KHAC0001"},
        {"vnp_Amount": "abc"},
        {"vnp_Amount": "0"},
        {"vnp_Amount": None},
        {"vnp_TxnRef": None},
        {"vnp_ReturnUrl": None},
    ],
)
def test_a_signed_order_that_is_not_ours_is_refused(client, payment, changes):
    response = client.post(order_address(payment, **changes), {"outcome": "pay"})

    assert response.status_code == 400
    assert not SandboxOrder.objects.exists()


def test_a_repeated_parameter_is_refused(client, payment):
    assert client.get(f"{order_address(payment)}&vnp_Amount=1").status_code == 400


def ask(client, payment, **changes):
    body = vnpay.querydr_request(
        vnpay.gateway.merchant(),
        reference=payment.reference,
        created_at=payment.started_at,
        ip="127.0.0.1",
        now=payment.started_at,
    )
    return client.post(
        reverse("payments:sandbox_query"), body | changes, content_type="application/json"
    )


@pytest.mark.parametrize(("outcome", "status"), [("pay", "00"), ("short", "02"), ("cancel", "02")])
def test_a_query_is_answered_and_signed_as_the_protocol_says(client, payment, outcome, status):
    click(client, payment, outcome, callback="never")

    answer = ask(client, payment).json()

    assert vnpay.verify_query_response(answer, settings.VNPAY_HASH_SECRET)
    assert answer["vnp_ResponseCode"] == "00"
    assert answer["vnp_TransactionStatus"] == status
    assert answer["vnp_Amount"] == "1600000"
    assert answer["vnp_TxnRef"] == payment.reference


def test_a_query_about_an_unknown_order_or_badly_signed_says_so(client, payment):
    unknown = ask(client, payment).json()
    unsigned = ask(client, payment, vnp_SecureHash="0").json()

    assert (unknown["vnp_ResponseCode"], unsigned["vnp_ResponseCode"]) == ("91", "97")
    assert vnpay.verify_query_response(unknown, settings.VNPAY_HASH_SECRET)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"null"])
def test_a_query_that_is_no_object_is_refused(client, body):
    response = client.post(reverse("payments:sandbox_query"), body, content_type="application/json")

    assert response.status_code == 400


@pytest.mark.django_db(transaction=True)
def test_a_callback_that_never_came_is_made_up_for_by_the_query(
    client, query_view, run_tasks, monkeypatch
):
    monkeypatch.setattr(papers, "make", lambda paper: None)
    payment = services.begin(factories.filed(factories.COPY))
    response = click(client, payment, "pay", callback="never")
    assert fresh(payment).state == State.PENDING

    client.get(response["Location"].removeprefix(settings.SITE_URL))
    run_tasks()

    assert fresh(payment).state == State.PAID
    assert GatewayMessage.objects.get().kind == "query"


def test_it_is_mounted_only_where_the_setting_says_so(settings):
    names = {pattern.name for pattern in urls.urlpatterns}
    settings.PAYMENT_SANDBOX = False

    without = {pattern.name for pattern in importlib.reload(urls).urlpatterns}

    settings.PAYMENT_SANDBOX = True
    importlib.reload(urls)
    assert {"sandbox", "sandbox_query", "sandbox_momo", "sandbox_momo_api"} <= names - without
    assert all(name.startswith("sandbox") for name in names - without)
    assert {"start", "return", "ipn"} <= without


def test_a_server_that_cannot_be_called_back_does_not_stop_the_way_home(payment):
    with gateway(lambda body: (200, b"")) as url:
        pass

    assert _real_call_back(player.call(url, {"vnp_TxnRef": payment.reference})) is None
