"""Asking the gateway, over the network, when it answers well, badly, late or not at all."""

import datetime
import json
import threading
import time

import pytest
from django.db import connection

from dossiers import workflow
from dossiers.models import Dossier
from payments import callbacks, due, services
from payments.gateways import vnpay, wire
from payments.models import GatewayMessage, Payment, Receipt
from portal.management.commands import run_due
from tests import factories
from tests.payments.wire import call_back, gateway, query_answer, query_string

pytestmark = pytest.mark.django_db

State = Payment.State
MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture
def dossier():
    return factories.filed(factories.COPY)


@pytest.fixture
def payment(dossier):
    return services.begin(dossier)


@pytest.fixture
def answer_with(settings):
    """A function that starts a gateway with one answer to all; its list of what was asked."""
    servers = []

    def start(*, status=200, content=b"", wait=None, pick=None):
        asked = []

        def respond(body):
            asked.append(body)
            if wait:
                wait.wait(10)
            answer = pick(body) if pick else content
            return status, answer if isinstance(answer, bytes) else json.dumps(answer).encode()

        server = gateway(respond)
        settings.VNPAY_QUERY_URL = server.__enter__()
        servers.append(server)
        return asked

    yield start
    for server in servers:
        server.__exit__(None, None, None)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def facts():
    """All that money could change, except when the gateway was asked."""
    payments = Payment.objects.order_by("pk").values("pk", "state", "amount", "paid_at")
    dossiers = Dossier.objects.order_by("pk").values("pk", "state", "version")
    return list(payments), list(dossiers), Receipt.objects.count(), GatewayMessage.objects.count()


@pytest.mark.parametrize(
    ("status", "state"), [("00", State.PAID), ("02", State.FAILED), ("05", State.FAILED)]
)
def test_a_signed_answer_settles_the_payment(payment, answer_with, status, state):
    answer_with(content=query_answer(payment, status))

    assert callbacks.query_gateway(payment) is True

    assert fresh(payment).state == state
    message = GatewayMessage.objects.get()
    assert (message.kind, message.answer) == ("query", "00")
    assert "vnp_SecureHash" not in message.content


@pytest.mark.parametrize("status", ["01", "04", "07"])
def test_an_answer_that_decides_nothing_changes_nothing(payment, answer_with, status):
    answer_with(content=query_answer(payment, status))
    before = facts()

    callbacks.query_gateway(payment)

    assert facts() == before


def test_the_gateway_is_asked_by_the_time_that_was_in_the_pay_address(
    dossier, payment, answer_with, clock
):
    address = vnpay.gateway.begin(payment, ip="::1")
    clock.shift(10 * MINUTE)
    again = vnpay.gateway.begin(services.begin(dossier), ip="::1")
    asked = answer_with(content=query_answer(payment))

    callbacks.query_gateway(services.begin(dossier))

    [body] = asked
    assert body["vnp_TransactionDate"] == "20261125090000"
    assert "vnp_CreateDate=20261125090000" in address
    assert again == address
    assert body["vnp_CreateDate"] == "20261125091000"


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (500, b"error"),
        (200, "<html>Bảo trì</html>".encode()),
        (200, b""),
        (200, b"[]"),
        (200, b"null"),
        (302, b""),
        (200, {"vnp_ResponseCode": "00", "vnp_TransactionStatus": "00"}),
    ],
)
def test_no_answer_that_can_be_believed_changes_nothing(payment, answer_with, status, content):
    asked = answer_with(status=status, content=content)
    before = facts()

    assert callbacks.query_gateway(payment) is False

    assert facts() == before
    assert len(asked) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"vnp_SecureHash": "0" * 128},
        {"vnp_SecureHash": ""},
        {"vnp_TransactionStatus": "02"},
        {"vnp_Amount": "100"},
        {"vnp_TxnRef": "KHAC"},
    ],
)
def test_a_forged_answer_changes_nothing(payment, answer_with, change):
    answer_with(content=query_answer(payment) | change)
    before = facts()

    assert callbacks.query_gateway(payment) is False

    assert facts() == before


def test_a_signed_answer_about_another_payment_changes_nothing(payment, answer_with):
    other = services.begin(factories.filed(factories.COPY))
    answer_with(content=query_answer(other))
    before = facts()

    assert callbacks.query_gateway(payment) is False

    assert facts() == before


@pytest.mark.parametrize("code", ["91", "94", "97", "99"])
def test_an_order_that_the_gateway_does_not_know_stays_open(payment, answer_with, code):
    answer_with(content=query_answer(payment, "", vnp_ResponseCode=code))
    before = facts()

    assert callbacks.query_gateway(payment) is True

    assert facts() == before


def test_another_amount_is_kept_and_pays_nothing(dossier, payment, answer_with):
    answer_with(content=query_answer(payment, vnp_Amount="100"))

    callbacks.query_gateway(payment)

    assert fresh(payment).state == State.PENDING
    assert GatewayMessage.objects.get().answer == "04"


def test_numbers_in_the_answer_are_taken_as_their_digits(payment, answer_with):
    answer_with(content=query_answer(payment, vnp_Amount=1600000, vnp_TransactionNo=14226112))

    callbacks.query_gateway(payment)

    assert fresh(payment).transaction == "14226112"


def test_a_slow_gateway_is_given_up_in_bounded_time(payment, answer_with, monkeypatch):
    assert wire.TIMEOUT <= 5
    monkeypatch.setattr(wire, "TIMEOUT", 0.1)
    done = threading.Event()
    answer_with(content=query_answer(payment), wait=done)
    before, begun = facts(), time.monotonic()

    answered = callbacks.query_gateway(payment)
    done.set()

    assert answered is False
    assert time.monotonic() - begun < 5
    assert facts() == before


@pytest.mark.django_db(transaction=True)
def test_the_network_is_waited_for_outside_any_transaction(settings, monkeypatch):
    payment = services.begin(factories.filed(factories.COPY))
    seen = []

    def post(url, body):
        seen.append(connection.in_atomic_block)
        return query_answer(payment)

    monkeypatch.setattr(vnpay, "_post", post)

    callbacks.query_gateway(payment)

    assert seen == [False]
    assert fresh(payment).state == State.PAID


# --- When it is asked -----------------------------------------------------------------


def test_the_same_payment_is_asked_about_once_a_minute(payment, answer_with, clock):
    asked = answer_with(content=query_answer(payment, "01"))
    stale = fresh(payment)

    callbacks.query_gateway(payment)
    callbacks.query_gateway(stale)
    callbacks.query_gateway(fresh(payment))
    assert len(asked) == 1
    clock.shift(MINUTE + datetime.timedelta(seconds=1))
    callbacks.query_gateway(fresh(payment))

    assert len(asked) == 2


def test_nothing_is_asked_about_what_never_began_or_has_ended(dossier, answer_with):
    payment = dossier.payments.get()
    asked = answer_with()
    callbacks.query_gateway(payment)
    call_back(query_string(services.begin(dossier)))

    callbacks.query_gateway(fresh(payment))

    assert asked == []


def test_a_lost_callback_is_made_up_for_by_the_periodic_work(dossier, payment, answer_with, clock):
    asked = answer_with(content=query_answer(payment))
    assert due.query_pending in run_due.WORK
    assert due.query_pending() == 0
    assert asked == []
    clock.shift(6 * MINUTE)

    assert due.query_pending() == 1

    assert fresh(dossier).state == Dossier.State.SUBMITTED


def test_a_given_up_attempt_is_asked_about_too(dossier, payment, answer_with, clock):
    clock.shift(20 * MINUTE)
    second = services.begin(dossier)
    answer_with(content=query_answer(payment))

    settled = due.query_pending()

    assert settled == 1
    assert fresh(payment).state == State.PAID
    assert fresh(payment).needs_refund is False
    assert fresh(second).state == State.CANCELLED


def test_money_for_a_withdrawn_dossier_is_found_by_asking(dossier, payment, answer_with, clock):
    workflow.perform(dossier, "withdraw", by=dossier.owner)
    clock.shift(6 * MINUTE)
    answer_with(content=query_answer(payment))

    assert due.query_pending() == 1

    assert fresh(payment).needs_refund is True
    assert fresh(dossier).state == Dossier.State.WITHDRAWN


def test_a_payment_is_asked_about_the_rarer_the_older_it_is(payment, answer_with, clock):
    asked = answer_with(content=query_answer(payment, "01"))
    for _ in range(24 * 60):
        clock.shift(MINUTE)
        due.query_pending()

    assert 20 < len(asked) < 60


def test_after_three_days_it_is_asked_about_no_more(payment, answer_with, clock):
    asked = answer_with(content=query_answer(payment, "01"))
    clock.shift(datetime.timedelta(days=3, minutes=1))

    due.query_pending()

    assert asked == []


def test_a_gateway_that_is_down_is_not_waited_for_once_for_each_payment(answer_with, clock):
    payments = [services.begin(factories.filed(factories.COPY)) for _ in range(5)]
    asked = answer_with(status=500)
    clock.shift(6 * MINUTE)

    due.query_pending()
    assert len(asked) == due.GIVE_UP_AFTER
    clock.shift(MINUTE)
    due.query_pending()

    assert {body["vnp_TxnRef"] for body in asked} == {payment.reference for payment in payments}


def test_a_fault_in_one_answer_does_not_keep_the_others_back(answer_with, clock, caplog):
    payments = [services.begin(factories.filed(factories.COPY)) for _ in range(2)]
    by_reference = {payment.reference: payment for payment in payments}
    # One transaction of the gateway for two payments cannot be right: the second is refused.
    answer_with(
        pick=lambda body: query_answer(
            by_reference[body["vnp_TxnRef"]], vnp_TransactionNo="14000001"
        )
    )
    clock.shift(6 * MINUTE)

    settled = due.query_pending()

    assert settled == 1
    assert "was not taken" in caplog.text
    assert sorted(Payment.objects.values_list("state", flat=True)) == ["paid", "pending"]
