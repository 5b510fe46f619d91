"""Money on the bank account: matched by itself where there is no doubt, else by the cashier."""

import dataclasses
import json
import time

import pytest
from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dossiers import workflow
from dossiers.models import Dossier, Relative
from payments import services
from payments.bank import deciding, matching, suggesting, uploading, webhook
from payments.bank.credits import Credit
from payments.models import (
    BankLine,
    BankStatement,
    Payment,
    Receipt,
    Refund,
    check_character,
)
from procedures.models import Agency
from procedures.tables import Unreadable
from tests import factories
from tests.payments.test_payment_races import at_once

pytestmark = pytest.mark.django_db

ACCOUNT = "0771000000061"
WEBHOOK = reverse("payments:bank_webhook")
State = BankLine.State


@pytest.fixture
def dossier():
    return factories.filed(factories.COPY)


@pytest.fixture
def payment(dossier):
    """A transfer of 16.000 đồng that was begun."""
    return services.begin(dossier, Payment.Method.VIETQR)


@pytest.fixture
def cashier(dossier):
    return factories.official("cashier")


def office():
    factories.offices()
    return Agency.objects.get(code=factories.DESK)


def credit(memo, amount=16_000, reference="FT1", **more):
    return Credit(amount=amount, booked_at=timezone.now(), reference=reference, memo=memo, **more)


def take(*credits):
    return matching.take(credits, agency=office(), account=ACCOUNT)


def waiting(memo="nộp phí", amount=16_000, **more):
    """A line that waits for the cashier."""
    take(credit(memo, amount, more.pop("reference", f"W{BankLine.objects.count()}"), **more))
    return BankLine.objects.get(state=State.WAITING, pk=BankLine.objects.latest("pk").pk)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


# --- References -----------------------------------------------------------------------

REFERENCE = "ABCDEFGHJKMNPQR" + check_character("ABCDEFGHJKMNPQR")


def written(reference):
    """How banks and people change a memo on its way."""
    half = f"{reference[:8]} {reference[8:]}"
    return [
        f"MC{reference}",
        f"mc{reference.lower()}",
        f"MC {half}",
        f"M-C-{'-'.join(reference)}",
        f"MBVCB.123.MC{reference}.CT tu 001 toi 002",
        f"IBFT MC{half} chuyển tiền GD 6328",
        f"MCMC{reference}",
    ]


def test_a_reference_is_found_whatever_banks_and_people_do_around_it(payment):
    for memo in written(payment.reference):
        assert payment.reference in matching.references_in(memo), memo


def test_one_wrong_or_two_exchanged_characters_are_no_reference(payment):
    right = payment.reference
    wrong = ("2" if right[3] != "2" else "3").join((right[:3], right[4:]))

    assert matching.references_in(f"MC{wrong}") == []
    assert matching.references_in(f"MC{right[:-1]}") == []
    assert matching.references_in("nộp lệ phí hộ tịch") == []


# --- By itself ------------------------------------------------------------------------


def test_the_reference_and_the_amount_confirm_the_payment_at_once(dossier, payment):
    taken = take(credit(f"mc {payment.reference.lower()} nop phi"))

    line, paid = BankLine.objects.get(), fresh(payment)
    assert (taken.new, taken.known, taken.matched) == (1, 0, 1)
    assert (line.state, line.payment, line.applied, line.excess) == ("matched", paid, 16_000, 0)
    assert (paid.state, paid.method, paid.transaction) == ("paid", "vietqr", "FT1")
    assert fresh(dossier).state == Dossier.State.SUBMITTED
    assert Receipt.objects.count() == 1


def test_the_same_line_twice_is_one(payment):
    line = credit(f"MC{payment.reference}")
    take(line, line)

    again = take(line)

    assert (again.new, again.known) == (0, 1)
    assert BankLine.objects.count() == Receipt.objects.count() == 1


def test_a_line_told_by_the_webhook_and_without_number_in_the_file_is_one(payment):
    take(credit(f"MC{payment.reference}"), credit("khác", 5_000, "FT2"))

    again = take(credit(f"MC{payment.reference}", reference=""), credit("mới", reference=""))
    later = take(credit("mới", reference="FT3"))

    assert (again.new, again.known) == (1, 1)
    assert (later.new, later.known) == (0, 1)


def test_who_transfers_twice_on_a_day_is_told_apart_from_one_line_told_twice(payment):
    take(credit("nộp phí"))

    again = take(*(credit("nộp phí", reference="", rest=balance) for balance in ("1", "2")))

    assert (again.new, again.known) == (1, 1)


def test_equal_numbers_of_two_banks_are_two_credits(payment):
    take(credit(f"MC{payment.reference}"))
    other = factories.filed(factories.COPY, office=factories.OTHER_COMMUNE)
    asked = services.begin(other, Payment.Method.VIETQR)

    commune = Agency.objects.get(code=factories.OTHER_COMMUNE)
    matching.take(
        [credit(f"MC{asked.reference}")], agency=commune, account=commune.bank_account["number"]
    )

    assert fresh(asked).state == Payment.State.PAID
    assert len({row.transaction for row in Payment.objects.filter(state="paid")}) == 2


def test_late_money_for_an_attempt_that_was_given_up_is_taken(dossier, payment):
    services.begin(dossier, Payment.Method.VNPAY)

    take(credit(f"MC{payment.reference}"))

    assert fresh(payment).state == Payment.State.PAID
    assert not dossier.payments.filter(state=Payment.State.PENDING).exists()
    assert not fresh(payment).needs_refund


def test_money_for_a_dossier_that_has_ended_is_recorded_and_offered_back(dossier, payment):
    workflow.perform(dossier, "withdraw", by=dossier.owner)

    take(credit(f"MC{payment.reference}"))

    assert fresh(payment).needs_refund
    assert BankLine.objects.get().state == State.MATCHED


def wrong_amount(payment):
    return credit(f"MC{payment.reference}", 15_000)


def paid_twice(payment):
    services.confirm(payment, amount=16_000, transaction_number="T", method="vnpay")
    return credit(f"MC{payment.reference}")


def mistyped(payment):
    first = "3" if payment.reference[0] == "2" else "2"
    return credit(f"MC{first}{payment.reference[1:]}")


def of_another_office(payment):
    Agency.objects.filter(code=factories.DESK).update(bank_account={"number": "9"})
    return credit(f"MC{payment.reference}")


def two_references(payment):
    other = services.begin(factories.filed(factories.COPY), Payment.Method.VIETQR)
    return credit(f"MC{payment.reference} MC{other.reference}")


def test_whatever_leaves_a_doubt_waits_with_its_reason(payment):
    for number, (made, why) in enumerate(
        (
            (wrong_amount, "Số tiền khác với 16.000 đồng"),
            (mistyped, "gõ sai"),
            (two_references, "nhiều mã"),
            (lambda payment: credit(f"MC{REFERENCE}"), "không có trên cổng"),
            (lambda payment: credit("nộp phí"), "không có mã"),
            (paid_twice, "đã được nộp trước đó"),
        )
    ):
        received = dataclasses.replace(made(payment), reference=f"D{number}")
        taken = take(received)

        line = BankLine.objects.get(bank_reference=received.reference)
        assert (taken.new, taken.matched) == (1, 0)
        assert (line.state, line.applied, line.excess) == (State.WAITING, 0, 0)
        assert why in suggesting.reasons([line])[line.pk]

    assert Receipt.objects.count() == 1  # of what was paid otherwise


def test_money_for_a_dossier_of_another_office_waits(payment):
    take(of_another_office(payment))

    line = BankLine.objects.get()
    assert line.state == State.WAITING
    assert "cơ quan khác" in suggesting.reasons([line])[line.pk]
    assert fresh(payment).state == Payment.State.PENDING


def test_an_error_while_confirming_leaves_the_line_waiting_and_the_log_says_why(
    payment, monkeypatch, caplog
):
    def fail(*args, **details):
        raise OSError("đĩa đầy")

    monkeypatch.setattr("payments.receipts.issue", fail)

    take(credit(f"MC{payment.reference}"))

    assert BankLine.objects.get().state == State.WAITING
    assert fresh(payment).state == Payment.State.PENDING
    assert "not confirmed" in caplog.text


# --- The webhook ----------------------------------------------------------------------


def message(payment, **changes):
    row = {
        "reference": "FT9", "time": timezone.now().isoformat(), "amount": 16_000,
        "memo": f"MC{payment.reference}", "payer_name": "NGUYEN VAN A",
    } | changes  # fmt: skip
    return {"account": ACCOUNT, "transactions": [row]}


def send(client, content, *, at=None, secret=None, sign=None):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    at = str(int(time.time())) if at is None else at
    signed = webhook.signature(secret or settings.BANK_WEBHOOK_SECRET, at, sign or body)
    headers = {"X-Bank-Timestamp": at, "X-Bank-Signature": signed}
    return client.post(WEBHOOK, body, content_type="application/json", headers=headers)


def test_a_signed_message_confirms_and_its_replay_is_the_same_line_once(client, payment):
    first = send(client, message(payment))
    again = send(client, message(payment))

    assert first.json() == {"code": "ok", "new": 1, "known": 0, "matched": 1, "faults": []}
    assert again.json()["known"] == 1
    assert fresh(payment).transaction == "FT9"
    assert Receipt.objects.count() == 1


def test_the_signature_is_an_hmac_of_moment_and_body():
    """By openssl: printf '1763949600.{"a":1}' | openssl dgst -sha256 -hmac khoa."""
    assert webhook.signature("khoa", "1763949600", b'{"a":1}') == (
        "f817ee5be499af59f00de92b1d11f04050fdda54d83134bd04c1339b4605163c"
    )


def test_a_message_that_is_not_signed_now_is_refused_without_a_row(client, payment, caplog):
    for changes in (
        {"secret": "khác"},
        {"sign": b"khac"},
        {"at": "1700000000"},
        {"at": str(int(time.time()) + 10**9)},
        {"at": ""},
        {"at": "nay"},
        {"at": "-1"},
    ):
        assert send(client, message(payment), **changes).status_code == 403, changes

    assert not BankLine.objects.exists()
    assert fresh(payment).state == Payment.State.PENDING
    assert "not signed" in caplog.text and payment.reference not in caplog.text


def test_a_signed_message_that_makes_no_sense_is_refused(client, caplog):
    factories.offices()

    for content, status, code in (
        (b"\xff", 400, "bad_message"),
        (b"{", 400, "bad_message"),
        (b"[" * 5_000, 400, "bad_message"),
        ([], 400, "bad_message"),
        ({"account": ACCOUNT}, 400, "bad_message"),
        ({"account": 1, "transactions": []}, 400, "bad_message"),
        ({"account": ACCOUNT, "transactions": [{}] * 201}, 400, "bad_message"),
        ({"account": ACCOUNT, "transactions": [{}]}, 400, "bad_message"),
        ({"account": "999", "transactions": []}, 404, "unknown_account"),
        ({"account": "", "transactions": []}, 404, "unknown_account"),
        (b" " * (256 * 1024 + 1), 413, "too_large"),
    ):
        response = send(client, content)
        assert (response.status_code, response.json()["code"]) == (status, code)

    assert not BankLine.objects.exists()
    assert "no office's" in caplog.text


def test_a_bad_line_is_named_by_its_place_and_the_good_ones_are_kept(client, payment):
    bad = (
        {"amount": -16_000},
        {"amount": 0},
        {"amount": "16000"},
        {"amount": 16_000.5},
        {"amount": True},
        {"amount": 10**13},
        {"reference": ""},
        {"reference": "x" * 65},
        {"time": "hôm nay"},
        {"time": None},
        {"time": "2036-01-01T00:00:00+07:00"},
    )
    content = message(payment)
    content["transactions"] += [message(payment, **row)["transactions"][0] for row in bad]

    response = send(client, content)

    assert response.status_code == 200
    assert response.json()["faults"] == list(range(2, 2 + len(bad)))
    assert BankLine.objects.get().bank_reference == "FT9"


def test_without_a_secret_there_is_no_webhook(client, settings):
    settings.BANK_WEBHOOK_SECRET = ""

    assert client.post(WEBHOOK).status_code == 404
    assert client.get(WEBHOOK).status_code == 405


def test_what_is_not_sent_as_json_is_not_read(client):
    for kind in ("multipart/form-data; boundary=x", "text/plain", ""):
        assert client.post(WEBHOOK, b"x", content_type=kind).status_code == 415


def test_a_flood_of_unsigned_messages_is_turned_away(client):
    answers = [send(client, {}, at="").status_code for _ in range(webhook.UNSIGNED + 1)]

    assert answers[0] == 403 and answers[-1] == 429


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_the_same_line_in_four_threads_is_one_payment(client, payment):
    content = message(payment)

    answers = at_once(*[lambda: send(client, content).json()] * 4)

    assert sorted(answer["new"] for answer in answers) == [0, 0, 0, 1]
    assert BankLine.objects.get().payment_id == payment.pk
    assert Receipt.objects.count() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_the_bank_and_two_cashiers_at_once_give_the_money_once(payment, cashier):
    line = waiting()
    other = factories.official("cashier")

    results = at_once(
        lambda: take(credit(f"MC{payment.reference}")),
        lambda: deciding.assign([line], payment, by=cashier),
        lambda: deciding.assign([line], payment, by=other),
    )

    matched = BankLine.objects.filter(state=State.MATCHED)
    assert matched.count() == Receipt.objects.count() == 1
    assert sum(isinstance(result, workflow.Refused) for result in results) in (1, 2)
    assert BankLine.objects.count() == 2


def given_to_two(line, payments):
    """What two cashiers got who gave the same line to two payments at once."""
    cashiers = [factories.official("cashier") for _ in payments]
    return at_once(
        *[
            lambda payment=payment, by=by: deciding.assign([line], payment, by=by)
            for payment, by in zip(payments, cashiers, strict=True)
        ]
    )


@pytest.fixture
def two_payments(payment, monkeypatch):
    """Two dossiers that wait for money, and time between looking at a line and giving it."""
    confirm = matching.confirm

    def slowly(*args, **details):
        time.sleep(0.05)
        return confirm(*args, **details)

    monkeypatch.setattr(matching, "confirm", slowly)
    return [payment, services.begin(factories.filed(factories.COPY), Payment.Method.VIETQR)]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_one_line_pays_one_of_two_payments_at_once(two_payments):
    results = given_to_two(waiting(), two_payments)

    assert sorted(isinstance(result, workflow.Refused) for result in results) == [False, True]
    assert Payment.objects.filter(state="paid").count() == Receipt.objects.count() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_without_the_lock_of_the_line_the_second_is_not_told_why(two_payments, monkeypatch):
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, *args, **options: rows.all())
    results = given_to_two(waiting(), two_payments)

    refused = [isinstance(result, workflow.Refused) for result in results]
    assert sorted(refused) != [False, True]


# --- Statement files ------------------------------------------------------------------


def table(*lines):
    return "\n".join(("Ngày giao dịch;Số tham chiếu;Ghi có;Diễn giải", *lines)).encode()


def test_a_file_is_kept_with_its_counts_and_faults_and_again_brings_nothing(payment, cashier):
    content = table(
        f"24/11/2026;F1;16.000;MC{payment.reference}", "24/11/2026;F2;-5;x", "24/11/2026;F3;7;y"
    )

    statement, taken = uploading.keep("ngày 24.csv", content, agency=office(), by=cashier)
    again, nothing = uploading.keep("ngày 24.csv", content, agency=office(), by=cashier)

    assert (taken.new, taken.matched) == (2, 1)
    assert (statement.lines_read, statement.lines_new, statement.format) == (2, 2, "csv")
    assert statement.faults == [{"line": 3, "text": "số tiền ghi có là số âm"}]
    assert (nothing.new, nothing.known, again.lines_new) == (0, 2, 0)
    assert fresh(payment).state == Payment.State.PAID


def test_the_file_of_another_account_changes_nothing(cashier):
    content = b"So tai khoan: 0011000000099;;;\n" + table("24/11/2026;F3;7.000;y")

    with pytest.raises(Unreadable, match="không phải tài khoản 0771000000061"):
        uploading.keep("a.csv", content, agency=office(), by=cashier)

    assert not BankStatement.objects.exists() and not BankLine.objects.exists()


# --- What the cashier decides ---------------------------------------------------------


def test_several_lines_pay_one_payment_and_the_rest_is_in_excess(payment, cashier):
    lines = [waiting(amount=10_000), waiting(amount=9_000)]

    deciding.assign(lines, payment, by=cashier)

    first, second = BankLine.objects.order_by("pk")
    assert (first.applied, first.excess) == (10_000, 0)
    assert (second.applied, second.excess) == (6_000, 3_000)
    assert second.decided_by == cashier
    assert fresh(payment).state == Payment.State.PAID
    assert Receipt.objects.get().received_by == cashier


def refuses(lines, payment, by, said):
    with pytest.raises(workflow.Refused, match=said):
        deciding.assign(lines, payment, by=by)
    assert not BankLine.objects.exclude(state=State.WAITING).exists()


def test_what_does_not_add_up_is_refused_and_changes_nothing(payment, cashier):
    little, enough, more = waiting(amount=15_000), waiting(), waiting()

    refuses([little], payment, cashier, "còn thiếu 1.000 đồng")
    refuses([enough, more], payment, cashier, "không cần đến")
    refuses([], payment, cashier, "từ một đến mười")
    services.confirm(payment, amount=16_000, transaction_number="X")
    refuses([enough], payment, cashier, "đã được nộp trước đó")


def test_whose_dossier_it_is_or_a_relatives_leaves_the_money_to_another(dossier, payment, cashier):
    line = waiting(f"MC{payment.reference}", 15_000)
    dossier.owner.citizen_number = "045190001234"
    dossier.owner.save()
    refuses([line], payment, factories.official("reception"), "Chỉ thu ngân")
    elsewhere = factories.official("cashier", factories.OTHER_COMMUNE)
    refuses([line], payment, elsewhere, "Chỉ thu ngân")

    Relative.objects.create(user=cashier, name="Chị gái", citizen_number="045190001234")

    refuses([line], payment, cashier, "người thân")
    with pytest.raises(workflow.NotAllowed, match="người thân"):
        deciding.set_aside(line, State.TO_RETURN, by=cashier, note="")
    assert fresh(line).state == State.WAITING


def test_a_line_is_decided_once_and_opened_again_until_its_refund_is_begun(cashier):
    line = waiting()
    with pytest.raises(workflow.NotPossible, match="khoản thu nào"):
        deciding.set_aside(line, State.OTHER, by=cashier, note="")
    deciding.set_aside(line, State.TO_RETURN, by=cashier, note="chuyển nhầm")
    with pytest.raises(workflow.NotPossible, match="vừa được đối chiếu"):
        deciding.set_aside(line, State.OTHER, by=cashier, note="tiền thuê")

    deciding.reopen(line, by=cashier)
    assert fresh(line).state == State.WAITING
    deciding.set_aside(line, State.TO_RETURN, by=cashier, note="")
    Refund.objects.create(
        bank_line=line, amount=line.amount, way="transfer", reason="x", proposed_by=cashier
    )

    with pytest.raises(workflow.NotPossible, match="đề nghị hoàn trả"):
        deciding.reopen(line, by=cashier)
    elsewhere = factories.official("cashier", factories.OTHER_COMMUNE)
    with pytest.raises(workflow.NotAllowed):
        deciding.reopen(line, by=elsewhere)


@hypothesis_settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.integers(1, 40_000), st.integers(0, 4)), max_size=6))
def test_money_is_applied_in_excess_waiting_or_set_aside_and_never_lost(payment, cashier, received):
    for amount, what in received:
        number = f"H{BankLine.objects.count()}"
        memo = f"MC{payment.reference}" if what == 4 else "nộp"
        take(credit(memo, amount, number))
        line = BankLine.objects.get(bank_reference=number)
        decide(line, what, payment, cashier)

    rows = BankLine.objects.all()
    by_state = {
        state: sum(row.amount for row in rows if row.state == state) for state in State.values
    }
    applied, excess = sum(row.applied for row in rows), sum(row.excess for row in rows)
    assert by_state[State.MATCHED] == applied + excess
    assert sum(row.amount for row in rows) == sum(by_state.values())
    assert applied == sum(row.amount for row in Payment.objects.filter(state="paid"))


def decide(line, what, payment, cashier):
    try:
        if what == 0:
            deciding.assign([line], payment, by=cashier)
        elif what < 3:
            state = (State.TO_RETURN, State.OTHER)[what - 1]
            deciding.set_aside(line, state, by=cashier, note="ghi")
    except workflow.Refused:
        pass


# --- Suggestions ----------------------------------------------------------------------


def best(line):
    [first, *_rest] = suggesting.suggestions(line)
    return first


def test_suggestions_know_near_references_codes_names_and_amounts(dossier, payment):
    name = dossier.owner.get_full_name()
    other = services.begin(factories.filed(factories.COPY), Payment.Method.VIETQR)
    at = next(i for i in range(3, 15) if payment.reference[i] != payment.reference[i + 1])
    pair = payment.reference[at : at + 2]
    slip = payment.reference.replace(pair, pair[::-1], 1)

    for line, reason in (
        (waiting(f"MC{payment.reference}", 15_000), "đúng mã thanh toán"),
        (waiting(f"MC{slip} phí"), "gần giống"),
        (waiting(f"ho so {dossier.code}", 1_000), "mã hồ sơ"),
        (waiting("phí", payer_name=name.upper()), "người chuyển"),
    ):
        found = best(line)
        assert found.payment == payment
        assert any(reason in said for said in found.reasons), reason
    equal = {row.payment for row in suggesting.suggestions(waiting("phí"))}
    assert equal == {payment, other}
    assert suggesting.suggestions(waiting("phí", 7)) == []


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [("ABC", "ABC", 0), ("ABC", "ACB", 1), ("ABC", "AC", 1), ("ABC", "XBZ", 2), ("", "AB", 2)],
)
def test_the_distance_of_two_texts_counts_slips(one, other, apart):
    assert suggesting.distance(one, other) == apart
