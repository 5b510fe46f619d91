"""The gateway's server calls: over HTTP, with raw query strings, as they really come."""

import json
import logging

import pytest
from django.conf import settings
from django.db import connection
from django.urls import reverse

from dossiers import workflow
from dossiers.models import Dossier, Paper
from payments import callbacks, services
from payments.gateways import vnpay
from payments.models import GatewayMessage, Payment, Receipt
from tests import factories
from tests.payments.wire import CONFIRMED, KNOWN, call_back, outcome, query_string

pytestmark = pytest.mark.django_db

State = Payment.State
BAD_SIGNATURE = {"RspCode": "97", "Message": "Invalid signature"}


@pytest.fixture
def dossier():
    return factories.filed(factories.COPY)


@pytest.fixture
def payment(dossier):
    return services.begin(dossier)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def everything():
    """All that a callback could change, except what is kept of the callback itself."""
    models = [Payment, Receipt, Paper]
    rows = [list(model.objects.order_by("pk").values()) for model in models]
    return [*rows, list(Dossier.objects.order_by("pk").values("pk", "state", "version"))]


def test_a_success_pays(dossier, payment):
    answer = call_back(query_string(payment))

    assert answer == CONFIRMED
    assert fresh(payment).state == State.PAID
    assert fresh(dossier).state == Dossier.State.SUBMITTED


def test_the_answer_is_the_protocols_json_to_the_letter(client, payment):
    response = client.get(f"{reverse('payments:ipn', args=['vnpay'])}?{query_string(payment)}")

    assert json.loads(response.content) == {"RspCode": "00", "Message": "Confirm Success"}
    assert list(json.loads(response.content)) == ["RspCode", "Message"]


def test_nobody_has_to_log_in_or_send_a_token_and_nothing_but_get_is_taken(client, payment):
    address = f"{reverse('payments:ipn', args=['vnpay'])}?{query_string(payment)}"

    for method in (client.post, client.put, client.delete, client.head):
        assert method(address).status_code == 405

    assert fresh(payment).state == State.PENDING


# --- The order of the checks ----------------------------------------------------------


def unsigned(params):
    return "&".join(f"{key}={value}" for key, value in params.items() if "Hash" not in key)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"vnp_TmnCode": "KHAC0001", "vnp_TxnRef": "KHONGCO", "vnp_Amount": "1"}, "97"),
        ({"vnp_TmnCode": None}, "97"),
        ({"vnp_TxnRef": "KHONGCO", "vnp_Amount": "1"}, "01"),
        ({"vnp_TxnRef": None}, "01"),
        ({"vnp_Amount": "100"}, "04"),
        ({"vnp_Amount": "16000"}, "04"),
        ({"vnp_Amount": "1600050"}, "04"),
        ({"vnp_Amount": None}, "04"),
        ({"vnp_Amount": "-1600000"}, "04"),
    ],
)
def test_the_first_check_that_fails_is_answered_and_nothing_changes(payment, wrong, code):
    before = everything()

    answer = call_back(query_string(payment, **wrong))

    assert answer == {"RspCode": code, "Message": vnpay.IPN_ANSWERS[code]}
    assert everything() == before
    assert GatewayMessage.objects.get().answer == code


def test_the_signature_is_checked_before_all_else(payment):
    params = outcome(payment, **{"vnp_TmnCode": "KHAC", "vnp_TxnRef": "KHONGCO"})

    assert call_back(unsigned(params)) == BAD_SIGNATURE


def test_the_amount_is_checked_before_the_state(payment):
    call_back(query_string(payment))

    answer = call_back(query_string(payment, **{"vnp_Amount": "100"}))

    assert answer["RspCode"] == "04"


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.replace("vnp_SecureHash", "x_SecureHash"),
        lambda raw: raw[:-1],
        lambda raw: raw[:-1] + ("0" if raw[-1] != "0" else "1"),
        lambda raw: raw.split("vnp_SecureHash=")[0] + "vnp_SecureHash=",
        lambda raw: raw.split("vnp_SecureHash=")[0] + "vnp_SecureHash=" + "%E1%BA%BF" * 64,
        lambda raw: raw.split("vnp_SecureHash=")[0] + "vnp_SecureHash=%00",
        lambda raw: raw.replace("vnp_Amount=1600000", "vnp_Amount=1600100"),
        lambda raw: raw + "&vnp_Note=them",
        lambda raw: raw + "&vnp_Note=%00%E2%80%AE",
        lambda raw: "vnp_Amount=1600000&" + raw,
        lambda raw: raw + "&vnp_Amount=1600000",
        lambda raw: raw + "&vnp%5FTxnRef=KHAC",
        lambda raw: raw + "&vnp_Note=%FF%FE",
        lambda raw: "",
        lambda raw: "&".join(f"vnp_{n}={'x' * 40}" for n in range(150)),
    ],
)
def test_a_wrong_signature_or_a_repeated_parameter_is_refused(payment, change):
    before = everything()

    answer = call_back(change(query_string(payment)))

    assert answer == BAD_SIGNATURE
    assert everything() == before


def test_an_upper_case_hash_is_the_same_hash(payment):
    raw, _, digest = query_string(payment).partition("vnp_SecureHash=")

    assert call_back(f"{raw}vnp_SecureHash={digest.upper()}") == CONFIRMED


def test_our_own_pay_address_is_not_taken_for_the_gateways_word(payment):
    address = vnpay.gateway.begin(payment, ip="203.113.10.5")
    before = everything()

    answer = call_back(address.partition("?")[2])

    assert answer == BAD_SIGNATURE
    assert everything() == before


def test_parameters_of_others_do_not_matter(payment):
    assert call_back(f"utm=1&{query_string(payment)}&utm=2") == CONFIRMED


# --- Again, and in any order ----------------------------------------------------------


def test_twenty_replays_have_one_effect(dossier, payment):
    raw = query_string(payment)

    answers = [call_back(raw) for _ in range(20)]

    assert answers == [CONFIRMED] + [KNOWN] * 19
    assert Receipt.objects.count() == 1
    assert dossier.events.filter(name="confirm_payment").count() == 1
    assert dossier.papers.filter(kind=Paper.Kind.PAYMENT).count() == 1
    assert dossier.notices.filter(event__name="confirm_payment").count() == 1


def test_a_failure_is_recorded_once(dossier, payment):
    answers = [call_back(query_string(payment, "24")) for _ in range(3)]

    assert answers == [CONFIRMED, KNOWN, KNOWN]
    assert fresh(payment).state == State.FAILED
    assert fresh(dossier).state == Dossier.State.PAYMENT_REQUIRED


def test_a_success_after_a_failure_pays(dossier, payment):
    call_back(query_string(payment, "51"))

    assert call_back(query_string(payment)) == CONFIRMED

    assert fresh(payment).state == State.PAID
    assert fresh(dossier).state == Dossier.State.SUBMITTED


def test_a_failure_after_a_success_changes_nothing(payment):
    call_back(query_string(payment))
    before = everything()

    assert call_back(query_string(payment, "24")) == KNOWN

    assert everything() == before


@pytest.mark.parametrize(
    ("code", "status"), [("07", "07"), ("07", "00"), ("00", "01"), ("00", "04"), ("99", "01")]
)
def test_what_is_not_decided_yet_is_neither_paid_nor_failed(dossier, payment, code, status):
    answer = call_back(query_string(payment, code, status))

    assert answer == CONFIRMED
    assert fresh(payment).state == State.PENDING
    assert fresh(dossier).state == Dossier.State.PAYMENT_REQUIRED
    assert GatewayMessage.objects.get().content["vnp_TransactionStatus"] == status


def test_one_code_alone_makes_no_success(payment):
    call_back(query_string(payment, "00", vnp_TransactionStatus=None))
    call_back(query_string(payment, "24", "00"))

    assert fresh(payment).state == State.PENDING


def test_money_for_a_withdrawn_dossier_is_taken_and_marked(dossier, payment):
    workflow.perform(dossier, "withdraw", by=dossier.owner)

    assert call_back(query_string(payment)) == CONFIRMED

    assert fresh(payment).needs_refund is True
    assert fresh(dossier).state == Dossier.State.WITHDRAWN


def test_a_second_transaction_on_one_reference_is_said_in_the_log(payment, caplog):
    call_back(query_string(payment))

    answer = call_back(query_string(payment, vnp_TransactionNo="99999999"))

    assert answer == KNOWN
    assert payment.reference in caplog.text


# --- What is kept ---------------------------------------------------------------------


def test_what_came_is_kept_without_its_hash(payment):
    params = outcome(payment)

    call_back(query_string(payment))

    message = GatewayMessage.objects.get()
    assert (message.payment, message.kind, message.answer) == (payment, "callback", "00")
    digest = params.pop("vnp_SecureHash")
    assert message.content == params
    assert digest not in json.dumps(message.content)


def test_what_a_stranger_sends_is_cut_to_size(payment):
    long = "&".join(f"vnp_{n:02d}{'k' * 200}={'v' * 400}" for n in range(60))

    call_back(long)

    content = GatewayMessage.objects.get().content
    assert len(content) == callbacks.MESSAGE_FIELDS
    assert max(map(len, content)) == callbacks.MESSAGE_KEY
    assert max(map(len, content.values())) == callbacks.MESSAGE_VALUE


# --- When something breaks inside -----------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        "dossiers.workflow.lock",
        "payments.receipts.issue",
        "payments.receipts.facts_of",
        "dossiers.papers.note",
        "dossiers.workflow.perform_locked",
        "dossiers.notices.tell",
        "dossiers.ledger.append",
    ],
)
def test_an_error_inside_answers_99_is_logged_and_leaves_nothing_half_done(
    payment, monkeypatch, caplog, target
):
    before = everything()

    def fail(*args, **details):
        raise RuntimeError("đĩa đầy")

    with monkeypatch.context() as patch:
        patch.setattr(target, fail)
        answer = call_back(query_string(payment))

    assert answer == {"RspCode": "99", "Message": "Unknown error"}
    assert everything() == before
    [record] = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert record.name == "payments.views.gateway"
    assert "đĩa đầy" in caplog.text
    assert settings.VNPAY_HASH_SECRET not in caplog.text
    assert outcome(payment)["vnp_SecureHash"] not in caplog.text
    assert call_back(query_string(payment)) == CONFIRMED


def test_a_message_that_cannot_be_kept_is_sent_again_and_the_money_counts_once(
    payment, monkeypatch
):
    def fail(*args, **details):
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(GatewayMessage.objects, "create", fail)
        answer = call_back(query_string(payment))

    assert answer["RspCode"] == "99"
    assert fresh(payment).state == State.PAID
    assert call_back(query_string(payment)) == KNOWN
    assert Receipt.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_answer_is_given_after_commit(monkeypatch):
    payment = services.begin(factories.filed(factories.COPY))
    seen = []

    def respond(gateway, code, *args, **details):
        seen.append((connection.in_atomic_block, fresh(payment).state))
        return code

    monkeypatch.setattr(callbacks, "_keep", respond)

    assert call_back(query_string(payment)) == CONFIRMED

    assert seen == [(False, State.PAID)]
