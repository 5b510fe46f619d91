"""Where the browser comes back to: it shows how things stand and changes nothing."""

import datetime

import pytest
from django.apps import apps
from django.urls import reverse
from django_tasks_db.models import DBTaskResult

from payments import services
from payments.models import Payment
from tests import factories
from tests.payments.wire import call_back, query_string

pytestmark = pytest.mark.django_db


@pytest.fixture
def dossier():
    return factories.filed(factories.COPY)


@pytest.fixture
def payment(dossier):
    return services.begin(dossier)


def come_back(client, raw_query):
    return client.get(f"{reverse('payments:return', args=['vnpay'])}?{raw_query}")


def content(response):
    """What the page itself says: the language switch around it repeats the visitor's address."""
    return response.text.partition("<main")[2].partition("</main>")[0]


def database():
    """Every row of every model except queued tasks."""
    models = [model for model in apps.get_models() if model is not DBTaskResult]
    return {model: list(model.objects.order_by("pk").values()) for model in models}


def queries_waiting():
    return DBTaskResult.objects.filter(task_path="payments.tasks.query_gateway").count()


@pytest.mark.parametrize("code", ["00", "24", "51", "07", "khác"])
def test_coming_back_changes_nothing_but_asks_the_gateway(client, payment, code):
    before = database()

    response = come_back(client, query_string(payment, code))

    assert response.status_code == 200
    assert database() == before
    assert queries_waiting() == 1


def test_a_success_in_the_address_pays_nothing_and_says_to_wait(client, payment):
    response = come_back(client, query_string(payment))

    assert "Đang chờ ngân hàng xác nhận" in response.text
    assert Payment.objects.get().state == Payment.State.PENDING


def test_reloading_asks_the_gateway_once_a_minute(client, payment, clock):
    for _ in range(5):
        come_back(client, query_string(payment))
    assert queries_waiting() == 1
    clock.shift(datetime.timedelta(seconds=61))

    come_back(client, query_string(payment))

    assert queries_waiting() == 2


def test_a_payment_that_is_settled_is_not_asked_about(client, payment):
    call_back(query_string(payment))

    response = come_back(client, query_string(payment))

    assert queries_waiting() == 0
    assert "Đã nhận 16.000 đồng" in response.text


def test_a_failure_says_why_and_offers_to_try_again(client, dossier, payment):
    call_back(query_string(payment, "51"))
    client.force_login(dossier.owner)

    response = come_back(client, query_string(payment, "51"))

    assert "Tài khoản không đủ số dư" in response.text
    assert reverse("payments:start", args=[dossier.code]) in response.text


def test_a_given_up_attempt_that_succeeded_is_waited_for(client, dossier, payment, clock):
    clock.shift(services.PAY_WITHIN)
    services.begin(dossier)

    response = come_back(client, query_string(payment))

    assert "Đang chờ ngân hàng xác nhận" in response.text
    assert "chưa thành công" not in response.text
    assert queries_waiting() == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw[:-1],
        lambda raw: raw.replace("vnp_ResponseCode=00", "vnp_ResponseCode=24"),
        lambda raw: raw + "&vnp_TxnRef=KHAC",
        lambda raw: raw + "&vnp_Note=%FF",
        lambda raw: raw.partition("&vnp_SecureHash")[0],
        lambda raw: "",
    ],
)
def test_a_forged_address_shows_a_neutral_page(client, dossier, payment, change):
    client.force_login(dossier.owner)
    before = database()

    response = come_back(client, change(query_string(payment)))

    assert response.status_code == 400
    assert "Không đọc được thông tin từ cổng thanh toán" in response.text
    for private in (dossier.code, payment.reference, "16.000", dossier.revision.short_name):
        assert private not in content(response)
    assert database() == before
    assert queries_waiting() == 0


def test_an_unknown_reference_is_not_found(client, payment):
    response = come_back(client, query_string(payment, vnp_TxnRef="KHONGCO"))

    assert response.status_code == 404


@pytest.mark.parametrize("is_logged_in", [False, True])
def test_a_stranger_sees_nothing_personal(client, dossier, payment, is_logged_in):
    call_back(query_string(payment))
    if is_logged_in:
        client.force_login(factories.user())

    response = come_back(client, query_string(payment))

    assert response.status_code == 200
    assert "Đã nhận" in content(response)
    for private in (dossier.code, dossier.owner.full_name, dossier.owner.email, payment.reference):
        assert private not in content(response)


@pytest.mark.parametrize("address", ["//evil.example", "https://evil.example/?"])
def test_nothing_in_the_address_sends_the_browser_elsewhere(client, payment, address):
    raw = query_string(payment, vnp_ReturnUrl=address)

    response = come_back(client, f"{raw}&next={address}&vnp_extra=")

    assert "Location" not in response
    assert "evil.example" not in content(response)


def test_nothing_is_posted_here(client, payment):
    response = client.post(f"{reverse('payments:return', args=['vnpay'])}?{query_string(payment)}")

    assert response.status_code == 405
