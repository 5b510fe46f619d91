"""What is the same for every gateway: settings, the sandbox that plays it, and what is seen."""

import datetime
import json
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django_tasks_db.models import DBTaskResult

from dossiers import workflow
from dossiers.models import Dossier
from payments import callbacks, due, gateways, services
from payments.gateways import GatewayUnavailable, vnpay
from payments.models import GatewayMessage, Payment, Receipt, Refund, SandboxOrder
from payments.sandbox import views as sandbox
from portal import checks
from tests import factories
from tests.payments.wire import call_back, query_string

pytestmark = pytest.mark.django_db

State, Reason = Payment.State, Payment.RefundReason
METHODS = [method.value for method in Payment.GATEWAYS]
both = pytest.mark.parametrize("method", METHODS)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


@pytest.fixture
def dossier():
    return factories.filed(factories.COPY)


@pytest.fixture
def owner(client, dossier):
    client.force_login(dossier.owner)
    return client


@pytest.fixture(autouse=True)
def calls(monkeypatch):
    """The sandbox reaches our callback without the network between; the statuses answered."""
    statuses = []

    def call(request):
        parts, client = urlsplit(request.full_url), Client()
        address = f"{parts.path}?{parts.query}"
        if request.data is None:
            response = client.get(address)
        else:
            response = client.post(address, request.data, content_type="application/json")
        statuses.append(response.status_code)

    monkeypatch.setattr(sandbox, "call_back", call)
    return statuses


@pytest.fixture(autouse=True)
def asked(monkeypatch):
    """What we ask of a gateway reaches the sandbox's own views; the bodies that were sent."""
    bodies = []

    def post(url, body):
        bodies.append(body)
        response = Client().post(urlsplit(url).path, body, content_type="application/json")
        return json.loads(response.content)

    for method in METHODS:
        monkeypatch.setattr(f"payments.gateways.{method}._post", post)
    return bodies


def go(client, dossier, method):
    """The sandbox's page to which the browser is sent."""
    response = client.post(reverse("payments:go", args=[dossier.code, method]))
    assert response.status_code == 302
    return response["Location"].removeprefix(settings.SITE_URL)


def click(client, page, outcome, call="before"):
    """Choose on the sandbox's page; the page on which the browser comes back."""
    response = client.post(page, {"outcome": outcome, "callback": call})
    return client.get(response["Location"].removeprefix(settings.SITE_URL))


def run_late_calls():
    for row in DBTaskResult.objects.filter(task_path="payments.tasks.sandbox_call"):
        assert row.run_after is not None
        reference, url, is_late = row.args_kwargs["args"]
        sandbox.call_later(reference, url, is_late=is_late)


# --- Which there are ------------------------------------------------------------------


def test_every_method_that_leads_away_has_a_gateway_and_no_other_has():
    assert [gateways.get(method).method for method in METHODS] == METHODS
    assert [gateway.method for gateway in gateways.open()] == METHODS
    for method in ("cash", "vietqr", "__init__", "wire", ""):
        with pytest.raises(LookupError):
            gateways.get(method)


def test_an_empty_setting_closes_a_gateway(owner, dossier, settings):
    needed = {
        "vnpay": ("VNPAY_TMN_CODE", "VNPAY_HASH_SECRET", "VNPAY_PAY_URL"),
        "momo": ("MOMO_URL", "MOMO_PARTNER_CODE", "MOMO_ACCESS_KEY", "MOMO_SECRET_KEY"),
    }
    for method, names in needed.items():
        for name in names:
            before = getattr(settings, name)
            setattr(settings, name, "")
            assert method not in [gateway.method for gateway in gateways.open()]
            address = reverse("payments:go", args=[dossier.code, method])
            assert owner.post(address).status_code == 404
            setattr(settings, name, before)

    assert dossier.payments.get().started_at is None


def test_production_wants_https_of_every_gateway(settings):
    settings.PRODUCTION, settings.MOMO_URL = True, "http://payment.momo.vn"

    found = {error.id for error in checks.production_is_no_demo()}

    assert "portal.E009" in found


def test_an_office_takes_no_money_under_the_secrets_of_a_trial(settings):
    settings.PRODUCTION = True

    found = {row.id for row in checks.production_is_no_demo()}

    assert {"portal.E011", "portal.E012"} <= found


def test_the_browser_may_be_sent_to_every_gateway_and_nowhere_else():
    allowed = {str(source) for source in settings.SECURE_CSP["form-action"]} - {"'self'"}

    wanted = {settings.VNPAY_PAY_URL, settings.MOMO_URL}
    assert allowed == {"/".join(url.split("/")[:3]) for url in wanted}


@both
def test_a_stranger_and_an_amount_that_is_not_sure_are_not_sent_away(client, dossier, method):
    address = reverse("payments:go", args=[dossier.code, method])
    client.force_login(factories.user())
    assert client.post(address).status_code == 404
    payment = dossier.payments.get()
    payment.lines[0]["is_payable_online"] = False
    payment.save()
    client.force_login(dossier.owner)

    response = client.post(address)

    assert response["Location"] == reverse("payments:start", args=[dossier.code])
    assert fresh(payment).started_at is None
    assert client.get(address).status_code == 405


# --- The sandbox, each way it can end -------------------------------------------------


@both
@pytest.mark.parametrize(
    ("outcome", "call", "statuses", "state", "words"),
    [
        ("pay", "before", 1, State.PAID, "Đã nhận 16.000 đồng"),
        ("pay", "twice", 2, State.PAID, "Đã nhận 16.000 đồng"),
        ("pay", "after", 0, State.PENDING, "Đang chờ ngân hàng xác nhận"),
        ("pay", "never", 0, State.PENDING, "Đang chờ ngân hàng xác nhận"),
        ("pay", "unsigned", 1, State.PENDING, "Không đọc được thông tin"),
        ("half", "before", 1, State.PENDING, "Đang chờ ngân hàng xác nhận"),
        ("short", "before", 1, State.FAILED, "không đủ số dư"),
        ("cancel", "before", 1, State.FAILED, "đã hủy giao dịch"),
        ("late", "before", 1, State.FAILED, "hết thời gian"),
    ],
)
def test_the_sandbox_ends_as_was_chosen(
    owner, dossier, calls, clock, method, outcome, call, statuses, state, words
):
    page = go(owner, dossier, method)
    assert "16.000 đồng" in owner.get(page).text

    back = click(owner, page, outcome, call)

    payment = Payment.objects.get()
    assert (payment.state, len(calls)) == (state, statuses)
    assert words in back.text
    assert Receipt.objects.count() == (state == State.PAID)
    run_late_calls()
    clock.shift(due.ASK_AFTER * 2)
    due.query_pending()
    # Whatever was lost or late is made up for; half the money never pays.
    is_paid = outcome in {"pay", "late"}
    assert (fresh(payment).state == State.PAID) is is_paid
    assert Receipt.objects.count() == is_paid


@both
def test_what_is_paid_after_the_time_or_after_another_way_was_chosen_is_taken(
    owner, dossier, clock, method
):
    page = go(owner, dossier, method)
    clock.shift(services.PAY_WITHIN * 2)
    services.begin(dossier, Payment.Method.VIETQR)
    given_up = Payment.objects.first()
    assert given_up.state == State.CANCELLED

    click(owner, page, "pay")
    assert fresh(given_up).state == State.FAILED  # the gateway takes no money after its time
    run_late_calls()
    click(owner, page, "late")
    run_late_calls()

    paid = Payment.objects.get(state=State.PAID)
    assert (paid.pk, paid.method, paid.needs_refund) == (given_up.pk, method, False)
    assert fresh(dossier).state == Dossier.State.SUBMITTED
    assert not Payment.objects.filter(state=State.PENDING).exists()


def test_the_page_says_what_each_choice_does_and_refuses_what_is_not_ours(client, dossier, owner):
    for method in METHODS:
        page = go(owner, dossier, method)
        text = client.get(page).text
        for words in [*sandbox.OUTCOMES.values(), *sandbox.CALLS.values()]:
            assert all(str(word) in text for word in words[-2:])
        forged = client.get(page[:-1])
        assert (forged.status_code, "không có chữ ký đúng" in forged.text) == (400, True)
    assert not SandboxOrder.objects.exclude(response_code="01").exists()


def test_the_sandbox_refuses_what_is_not_signed(client):
    for what in ("create", "query", "refund", "refund/query", "khac"):
        address = reverse("payments:sandbox_momo_api", args=[what])
        for body in (b"", b"[]", b"{", b"null", b"{}", b'{"signature": "x"}'):
            response = client.post(address, body, content_type="application/json")

            assert response.status_code == 400


@both
def test_money_goes_back_in_parts_and_never_more_than_came(owner, dossier, asked, method):
    click(owner, go(owner, dossier, method), "pay")
    payment, gateway = Payment.objects.get(), gateways.get(method)
    clerk = factories.official("cashier")

    def refund(amount):
        return Refund(payment=payment, amount=amount, way="gateway", proposed_by=clerk)

    part = refund(6_000)
    outcomes = [gateway.refund(part).outcome for _time in range(3)]
    assert outcomes[0] == gateways.PAID
    assert gateways.FAILED not in outcomes
    assert SandboxOrder.objects.get().refunded == 6_000  # asked three times, done once
    assert gateway.refund(refund(16_000)).outcome == gateways.FAILED
    assert gateway.refund(refund(10_000)).outcome == gateways.PAID
    assert SandboxOrder.objects.get().refunded == 16_000
    payment.transaction = "123"
    assert gateway.refund(refund(1_000)).outcome == gateways.FAILED


# --- When one is down -----------------------------------------------------------------


def test_a_gateway_that_is_down_keeps_nothing_of_another_back(owner, clock, monkeypatch):
    dossiers = [factories.filed(factories.COPY) for _number in range(6)]
    for number, dossier in enumerate(dossiers):
        owner.force_login(dossier.owner)
        click(owner, go(owner, dossier, METHODS[number % 2]), "pay", "never")
    clock.shift(due.ASK_AFTER * 2)
    tried = []

    def down(url, body):
        tried.append(url)
        raise GatewayUnavailable

    monkeypatch.setattr(vnpay, "_post", down)

    assert due.query_pending() == 3

    assert len(tried) == due.GIVE_UP_AFTER
    assert set(Payment.objects.filter(state=State.PAID).values_list("method", flat=True)) == {
        "momo"
    }


def test_a_gateway_that_was_closed_is_not_asked(owner, dossier, clock, settings, asked):
    click(owner, go(owner, dossier, "momo"), "pay", "never")
    settings.MOMO_SECRET_KEY = ""
    clock.shift(due.ASK_AFTER * 2)
    before = len(asked)

    assert due.query_pending() == 0
    assert callbacks.query_gateway(Payment.objects.get()) is False
    assert len(asked) == before


# --- Bad input: what the citizen, the official and the log see ------------------------

DAY = datetime.timedelta(days=1)
UNREADABLE, WAITING = "Không đọc được thông tin", "Đang chờ ngân hàng xác nhận"
RECEIVED = "Đã nhận 16.000 đồng"
FORGED_WORDS, UNKNOWN_WORDS = "Sai chữ ký, không tin", "Không có mã thanh toán này"


def _signed(**changes):
    return lambda payment: query_string(payment, **changes)


def _spoiled(change):
    return lambda payment: change(query_string(payment))


@pytest.mark.parametrize(
    ("message", "answer", "citizen", "official", "log"),
    [
        (_spoiled(lambda raw: raw.replace("=1600000", "=1600100")),
         "97", UNREADABLE, FORGED_WORDS, "answered 97"),
        (_signed(vnp_Amount="1600100"), "04", WAITING, "Sai số tiền", "answered 04"),
        (_spoiled(lambda raw: raw.replace("vnp_TxnRef=", "vnp_TxnRef=X")),
         "97", UNREADABLE, FORGED_WORDS, "answered 97"),
        (_spoiled(lambda raw: "&".join(reversed(raw.split("&")))),
         "00", RECEIVED, "Đã nhận", ""),
        (_spoiled(lambda raw: raw.replace("+", "%20")), "00", RECEIVED, "Đã nhận", ""),
        (_spoiled(lambda raw: raw.replace("+", "%FF")), "97", UNREADABLE, FORGED_WORDS, "97"),
        (_spoiled(lambda raw: raw[:-1]), "97", UNREADABLE, FORGED_WORDS, "answered 97"),
        (_spoiled(lambda raw: raw.partition("&vnp_SecureHash")[0]),
         "97", UNREADABLE, FORGED_WORDS, "answered 97"),
        (_signed(vnp_ResponseCode=None), "97", UNREADABLE, FORGED_WORDS, "answered 97"),
        (_signed(vnp_Amount=None), "04", WAITING, "Sai số tiền", "answered 04"),
        (_spoiled(lambda raw: f"{raw}&vnp_Amount=1600000"),
         "97", UNREADABLE, FORGED_WORDS, "answered 97"),
        (_signed(vnp_TxnRef="KHONGCO"), "01", "Không tìm thấy", UNKNOWN_WORDS, "none of ours"),
        (_signed(vnp_TmnCode="KHAC0001"), "97", UNREADABLE, FORGED_WORDS, "answered 97"),
    ],
    ids=[
        "changed_amount", "wrong_amount", "changed_reference", "changed_order", "other_encoding",
        "broken_encoding", "changed_signature", "missing_signature", "missing_outcome",
        "missing_amount", "doubled_amount", "unknown_payment", "foreign_terminal",
    ],
)  # fmt: skip
def test_bad_input_of_a_gateway(client, dossier, caplog, message, answer, citizen, official, log):
    raw = message(services.begin(dossier))
    client.force_login(dossier.owner)

    said = call_back(raw)
    page = client.get(f"{reverse('payments:return', args=['vnpay'])}?{raw}")

    assert said["RspCode"] == answer
    assert citizen in page.text
    client.force_login(factories.official("supervisor"))
    listed = client.get(reverse("admin:payments_gatewaymessage_changelist")).text
    assert official in listed
    assert log in caplog.text
    assert settings.VNPAY_HASH_SECRET not in caplog.text
    is_paid = answer == "00"
    assert Payment.objects.filter(state=State.PAID).count() == is_paid


def test_a_callback_for_an_expired_or_cancelled_payment_is_taken(client, dossier, clock):
    expired = services.begin(dossier)
    clock.shift(DAY)
    services.begin(dossier)
    assert fresh(expired).state == State.CANCELLED

    assert call_back(query_string(expired))["RspCode"] == "00"

    assert fresh(expired).state == State.PAID
    assert fresh(dossier).state == Dossier.State.SUBMITTED


@pytest.mark.parametrize(
    ("happens", "reason", "words"),
    [
        ("cash", Reason.TWICE, "đã được nộp trước đó"),
        ("withdraw", Reason.NOT_ASKED, "đã rút, bị từ chối hoặc dừng"),
    ],
)
def test_money_that_came_too_late_is_taken_and_the_citizen_reads_that_it_goes_back(
    client, dossier, happens, reason, words
):
    payment = services.begin(dossier)
    if happens == "cash":
        services.take_cash(payment, by=factories.official("cashier"))
    else:
        workflow.perform(dossier, "withdraw", by=dossier.owner)
    client.force_login(dossier.owner)

    assert call_back(query_string(payment))["RspCode"] == "00"

    assert fresh(payment).refund_reason == reason
    page = client.get(f"{reverse('payments:return', args=['vnpay'])}?{query_string(payment)}")
    assert "khoản này sẽ được hoàn lại" in page.text
    assert words in page.text


def test_money_said_to_have_come_twice_is_seen_by_all_who_should(client, dossier, caplog):
    payment = services.begin(dossier)
    call_back(query_string(payment))
    again = query_string(payment, vnp_TransactionNo="99999999")
    client.force_login(dossier.owner)

    assert call_back(again)["RspCode"] == "02"
    assert call_back(query_string(payment, "24"))["RspCode"] == "02"  # a failure says nothing

    page = client.get(f"{reverse('payments:return', args=['vnpay'])}?{again}")
    assert "Nếu tiền bị trừ hai lần" in page.text
    assert caplog.text.count("money said to have come twice") == 1
    message = GatewayMessage.objects.get(kind=callbacks.TWICE)
    assert (message.payment, message.content["vnp_TransactionNo"]) == (payment, "99999999")
    client.force_login(factories.official("cashier"))
    listed = client.get(reverse("admin:payments_gatewaymessage_changelist"), {"kind": "twice"})
    assert "Báo tiền đến lần nữa" in listed.text
    assert fresh(payment).transaction != "99999999"


def test_a_payment_that_began_elsewhere_is_paid_by_whoever_brings_the_money(dossier):
    payment = services.begin(dossier, Payment.Method.MOMO)

    assert call_back(query_string(payment))["RspCode"] == "00"

    assert (fresh(payment).state, fresh(payment).method) == (State.PAID, "vnpay")
