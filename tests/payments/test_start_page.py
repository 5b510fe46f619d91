"""The page with the fees, and the way to the gateway."""

import datetime
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.urls import reverse

from dossiers import workflow
from dossiers.models import Dossier
from payments import gateways, services
from payments.gateways import vietqr, vnpay
from payments.models import Payment
from procedures.models import Agency
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


def to_gateway(dossier, method="vnpay"):
    return reverse("payments:go", args=[dossier.code, method])


def transfer(dossier):
    return reverse("payments:transfer", args=[dossier.code])


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


def test_someone_elses_dossier_is_not_found(client, dossier):
    client.force_login(factories.user())
    unknown = Dossier(code="000.00.61.H50-1-1")

    for method, where in (
        ("get", address), ("post", to_gateway), ("get", transfer), ("post", transfer),
    ):  # fmt: skip
        for code in (dossier, unknown):
            assert getattr(client, method)(where(code)).status_code == 404

    assert Payment.objects.get().started_at is None


@pytest.mark.parametrize(
    ("end", "said"), [("pay", "không cần nộp nữa"), ("withdraw", "đã kết thúc")]
)
def test_where_nothing_is_to_be_paid_the_dossier_is_shown_with_the_reason(
    owner, dossier, end, said
):
    if end == "pay":
        services.confirm(services.begin(dossier), amount=16_000)
    else:
        workflow.perform(dossier, "withdraw", by=dossier.owner)

    for method, where in (("get", address), ("get", transfer), ("post", transfer)):
        response = getattr(owner, method)(where(dossier))
        assert response.status_code == 302
        assert response["Location"] == dossier.get_absolute_url()
    assert owner.post(to_gateway(dossier))["Location"] == dossier.get_absolute_url()

    assert said in owner.get(dossier.get_absolute_url()).text


def test_a_post_goes_to_the_gateway_with_the_amount_in_hundredths(owner, dossier):
    params = sent_to_gateway(owner.post(to_gateway(dossier), {"vnp_Amount": "100", "amount": "1"}))

    payment = Payment.objects.get()
    assert params["vnp_Amount"] == "1600000"
    assert params["vnp_TxnRef"] == payment.reference
    assert params["vnp_CurrCode"] == "VND"
    assert params["vnp_TmnCode"] == settings.VNPAY_TMN_CODE
    assert (
        params["vnp_ReturnUrl"]
        == f"{settings.SITE_URL}{reverse('payments:return', args=['vnpay'])}"
    )
    assert params["vnp_OrderInfo"] == f"Phi, le phi ho so {dossier.code}"
    assert params["vnp_IpAddr"] == "127.0.0.1"
    assert params["vnp_CreateDate"] == "20261125090000"
    assert params["vnp_ExpireDate"] == "20261125091500"


def test_the_second_click_goes_to_the_same_order(owner, dossier, clock):
    first = owner.post(to_gateway(dossier))["Location"]
    clock.shift(datetime.timedelta(minutes=5))

    second = owner.post(to_gateway(dossier))["Location"]

    assert second == first


def test_after_the_time_to_pay_there_is_a_new_order(owner, dossier, clock):
    first = sent_to_gateway(owner.post(to_gateway(dossier)))
    clock.shift(datetime.timedelta(minutes=20))

    second = sent_to_gateway(owner.post(to_gateway(dossier)))

    assert second["vnp_TxnRef"] != first["vnp_TxnRef"]
    assert second["vnp_CreateDate"] == "20261125092000"
    assert second["vnp_ExpireDate"] == "20261125093500"


def test_after_a_failure_there_is_a_new_order(owner, dossier):
    first = sent_to_gateway(owner.post(to_gateway(dossier)))
    call_back(query_string(Payment.objects.get(), "24"))

    second = sent_to_gateway(owner.post(to_gateway(dossier)))

    assert second["vnp_TxnRef"] != first["vnp_TxnRef"]


def test_whoever_was_at_the_gateway_already_is_warned(owner, dossier):
    assert "xin không nộp lại" not in owner.get(address(dossier)).text
    owner.post(to_gateway(dossier))

    response = owner.get(address(dossier))

    assert "xin không nộp lại" in response.text
    assert "09:00 25/11/2026" in response.text


def test_the_proxy_that_we_trust_says_where_the_citizen_is(owner, dossier, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1

    response = owner.post(to_gateway(dossier), headers={"X-Forwarded-For": "1.2.3.4, 203.113.10.5"})

    assert sent_to_gateway(response)["vnp_IpAddr"] == "203.113.10.5"


def test_the_page_offers_every_way_that_the_office_has(owner, dossier):
    text = owner.get(address(dossier)).text

    assert text.count("Thanh toán trực tuyến<") == len(gateways.open()) > 0
    assert "Chuyển khoản, hiện mã QR" in text
    assert "Trung tâm Phục vụ hành chính công xã Gio Linh" in text
    assert "07:00–11:30" in text


def test_an_office_without_account_and_gateway_leaves_the_desk(client, settings):
    settings.VNPAY_TMN_CODE = settings.MOMO_PARTNER_CODE = ""
    dossier = factories.filed(factories.COPY, office="000.00.63.H50")
    client.force_login(dossier.owner)

    text = client.get(address(dossier)).text
    refused = client.post(transfer(dossier))

    assert "chưa mở thanh toán trực tuyến" in text
    assert "<button" not in text[text.index("<main") : text.index("</main")]
    assert refused["Location"] == address(dossier)
    assert Payment.objects.get().started_at is None


def test_an_amount_that_is_not_sure_is_never_asked_online(owner, dossier):
    payment = Payment.objects.get()
    payment.lines[0]["is_payable_online"] = False
    payment.save()

    text = owner.get(address(dossier)).text
    owner.post(transfer(dossier))

    assert "còn tạm tính" in text
    assert "hiện mã QR" not in text and "Thanh toán trực tuyến<" not in text
    assert Payment.objects.get().started_at is None


def test_a_transfer_shows_a_code_with_the_account_the_amount_and_the_reference(owner, dossier):
    response = owner.post(transfer(dossier), follow=True)

    payment = Payment.objects.get()
    asked = vietqr.decode(vietqr.payload_of(payment))
    assert (payment.method, payment.state) == ("vietqr", "pending")
    assert (asked.bin, asked.account, asked.amount) == ("970436", "0771000000061", 16_000)
    assert asked.purpose == f"MC{payment.reference}"
    for said in ("data:image/png", "0771000000061", "Vietcombank", "16.000 đồng", asked.purpose):
        assert said in response.text


def test_looking_at_the_code_begins_nothing(owner, dossier):
    response = owner.get(transfer(dossier))

    assert response["Location"] == address(dossier)
    assert Payment.objects.get().started_at is None


def test_a_transfer_lapses_never_and_its_code_stays_the_same(owner, dossier, clock):
    first = owner.post(transfer(dossier), follow=True).text
    clock.shift(datetime.timedelta(days=5))
    owner.force_login(dossier.owner)

    again = owner.post(transfer(dossier), follow=True)

    assert Payment.objects.get().reference in first
    assert Payment.objects.get().reference in again.text


def test_changing_the_way_gives_up_the_attempt_and_late_money_for_it_is_taken(owner, dossier):
    owner.post(transfer(dossier))
    first = Payment.objects.get()
    sent_to_gateway(owner.post(to_gateway(dossier)))
    second = Payment.objects.get(state="pending")
    assert owner.get(transfer(dossier))["Location"] == address(dossier)

    is_news = services.confirm(first, amount=16_000, method="vietqr", transaction_number="FT1")

    states = dict(Payment.objects.values_list("pk", "state"))
    assert is_news
    assert states == {first.pk: "paid", second.pk: "cancelled"}
    assert owner.get(address(dossier))["Location"] == dossier.get_absolute_url()


def test_the_page_of_a_transfer_asks_by_head_whether_the_money_came(owner, dossier):
    owner.post(transfer(dossier))
    assert owner.head(transfer(dossier)).status_code == 200

    services.confirm(Payment.objects.get(), amount=16_000, method="vietqr")

    assert owner.head(transfer(dossier)).status_code == 302
    assert "không cần nộp nữa" not in owner.get(dossier.get_absolute_url()).text


def test_an_account_that_no_code_can_carry_is_shown_in_words(owner, dossier, caplog):
    Agency.objects.filter(code=factories.DESK).update(
        bank_account={"bin": "", "bank": "Vietcombank", "number": "077 1", "name": "A"}
    )

    response = owner.post(transfer(dossier), follow=True)

    assert "data:image/png" not in response.text
    assert "077 1" in response.text
    assert "no code from its account" in caplog.text
