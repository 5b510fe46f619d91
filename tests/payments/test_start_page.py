"""The page with the fees, and the way to the gateway."""

import datetime
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.urls import reverse

from dossiers import workflow
from payments import services
from payments.gateways import vnpay
from payments.models import Payment
from tests import factories
from tests.payments.wire import call_back, query_string

pytestmark = pytest.mark.django_db


@pytest.fixture
def dossier():
    return factories.filed(factories.COPY)


@pytest.fixture
def owner(client, dossier):
    client.force_login(dossier.owner)
    return client


def address(dossier):
    return reverse("payments:start", args=[dossier.code])


def sent_to_gateway(response):
    """The signed parameters that the browser is sent to the gateway with."""
    assert response.status_code == 302
    assert response["Location"].startswith(f"{settings.VNPAY_PAY_URL}?")
    params = vnpay.parse_query(urlsplit(response["Location"]).query)
    assert vnpay.verify(params, settings.VNPAY_HASH_SECRET)
    return params


def test_the_page_says_what_is_paid_and_for_what(owner, dossier):
    before = list(Payment.objects.values())

    response = owner.get(address(dossier))

    assert "16.000 đồng" in response.text
    assert "Mười sáu nghìn đồng" in response.text
    assert list(Payment.objects.values()) == before


def test_the_page_says_how_often_a_price_by_tiers_is_asked(client, tmp_path):
    factories.copy_with_tiers(tmp_path)
    dossier = factories.filed(factories.COPY)
    client.force_login(dossier.owner)

    response = client.get(address(dossier))

    assert "Số lượng: 2 × 4.000 đồng" in response.text
    assert "8.000 đồng" in response.text


def test_without_login_the_page_asks_for_one(client, dossier):
    response = client.get(address(dossier))

    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("method", ["get", "post"])
def test_someone_elses_dossier_is_not_found(client, dossier, method):
    client.force_login(factories.user())

    response = getattr(client, method)(address(dossier))
    unknown = getattr(client, method)(reverse("payments:start", args=["000.00.61.H50-1-1"]))

    assert response.status_code == unknown.status_code == 404
    assert Payment.objects.get().started_at is None


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("end", ["pay", "withdraw"])
def test_where_nothing_is_to_be_paid_the_dossier_is_shown(owner, dossier, method, end):
    if end == "pay":
        call_back(query_string(services.begin(dossier)))
    else:
        workflow.perform(dossier, "withdraw", by=dossier.owner)

    response = getattr(owner, method)(address(dossier))

    assert response.status_code == 302
    assert response["Location"] == dossier.get_absolute_url()


def test_a_post_goes_to_the_gateway_with_the_amount_in_hundredths(owner, dossier):
    params = sent_to_gateway(owner.post(address(dossier), {"vnp_Amount": "100", "amount": "1"}))

    payment = Payment.objects.get()
    assert params["vnp_Amount"] == "1600000"
    assert params["vnp_TxnRef"] == payment.reference
    assert params["vnp_CurrCode"] == "VND"
    assert params["vnp_TmnCode"] == settings.VNPAY_TMN_CODE
    assert params["vnp_ReturnUrl"] == f"{settings.SITE_URL}{reverse('payments:return')}"
    assert params["vnp_OrderInfo"] == f"Phi, le phi ho so {dossier.code}"
    assert params["vnp_IpAddr"] == "127.0.0.1"
    assert params["vnp_CreateDate"] == "20261125090000"
    assert params["vnp_ExpireDate"] == "20261125091500"


def test_the_second_click_goes_to_the_same_order(owner, dossier, clock):
    first = owner.post(address(dossier))["Location"]
    clock.shift(datetime.timedelta(minutes=5))

    second = owner.post(address(dossier))["Location"]

    assert second == first


def test_after_the_time_to_pay_there_is_a_new_order(owner, dossier, clock):
    first = sent_to_gateway(owner.post(address(dossier)))
    clock.shift(datetime.timedelta(minutes=20))

    second = sent_to_gateway(owner.post(address(dossier)))

    assert second["vnp_TxnRef"] != first["vnp_TxnRef"]
    assert second["vnp_CreateDate"] == "20261125092000"
    assert second["vnp_ExpireDate"] == "20261125093500"


def test_after_a_failure_there_is_a_new_order(owner, dossier):
    first = sent_to_gateway(owner.post(address(dossier)))
    call_back(query_string(Payment.objects.get(), "24"))

    second = sent_to_gateway(owner.post(address(dossier)))

    assert second["vnp_TxnRef"] != first["vnp_TxnRef"]


def test_whoever_was_at_the_gateway_already_is_warned(owner, dossier):
    assert "xin không nộp lại" not in owner.get(address(dossier)).text
    owner.post(address(dossier))

    response = owner.get(address(dossier))

    assert "xin không nộp lại" in response.text
    assert "09:00 25/11/2026" in response.text


def test_the_proxy_that_we_trust_says_where_the_citizen_is(owner, dossier, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1

    response = owner.post(address(dossier), headers={"X-Forwarded-For": "1.2.3.4, 203.113.10.5"})

    assert sent_to_gateway(response)["vnp_IpAddr"] == "203.113.10.5"
