"""Fees asked, attempts begun, and the one place where money becomes a fact."""

import datetime

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from dossiers import ledger, workflow
from dossiers.models import Dossier, Paper
from payments import callbacks, receipts, services
from payments.gateways import vnpay
from payments.models import Payment, Receipt, ReceiptCounter
from procedures import worktime
from procedures.models import Agency
from tests import factories

pytestmark = pytest.mark.django_db

State = Payment.State


@pytest.fixture
def dossier():
    """Filed, and waiting for its fee of 2 copies at 8.000 đồng."""
    return factories.filed(factories.COPY)


@pytest.fixture
def payment(dossier):
    return dossier.payments.get()


def confirm(payment, number="14000001", **changes):
    return services.confirm(
        payment, **{"amount": payment.amount, "transaction_number": number} | changes
    )


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def end(dossier):
    return workflow.perform(dossier, "withdraw", by=dossier.owner)


# --- What is asked --------------------------------------------------------------------


def test_filing_asks_for_the_fees_of_the_revision(dossier, payment):
    [line] = payment.lines

    assert dossier.state == Dossier.State.PAYMENT_REQUIRED
    assert (payment.state, payment.amount) == (State.PENDING, 16_000)
    assert (line["quantity"], line["unit_amount"], line["amount"]) == (2, 8_000, 16_000)


def test_a_second_pending_payment_is_refused_by_the_database(dossier, payment):
    with pytest.raises(IntegrityError), transaction.atomic():
        services.ask(dossier, payment.lines)


def test_what_is_payable_is_read_and_not_made(dossier, payment, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = services.payable(dossier)

    assert found == payment


def test_nothing_is_payable_where_no_money_is_waited_for(dossier, payment):
    confirm(payment)

    assert services.payable(dossier) is None
    assert services.begin(dossier) is None
    assert services.payable(factories.filed(factories.FUNERAL)) is None


def test_a_withdrawn_dossier_gives_up_what_was_pending(dossier, payment):
    end(dossier)

    assert fresh(payment).state == State.CANCELLED
    assert services.begin(dossier) is None


# --- Attempts -------------------------------------------------------------------------


def test_the_same_attempt_goes_to_the_gateway_until_it_lapses(dossier, clock):
    first = services.begin(dossier)
    clock.shift(datetime.timedelta(minutes=14))

    second = services.begin(dossier)

    assert second == first
    assert vnpay.gateway.begin(second, ip="::1") == vnpay.gateway.begin(first, ip="::1")


def test_a_lapsed_attempt_makes_way_for_one_with_a_new_reference(dossier, clock):
    first = services.begin(dossier)
    clock.shift(services.PAY_WITHIN)

    second = services.begin(dossier)

    assert second.reference != first.reference
    assert second.started_at == first.started_at + services.PAY_WITHIN
    assert (fresh(first).state, fresh(second).state) == (State.CANCELLED, State.PENDING)


def test_an_attempt_that_was_never_begun_does_not_lapse(dossier, payment, clock):
    clock.shift(datetime.timedelta(days=2))

    assert services.begin(dossier) == payment


def test_a_failed_attempt_is_followed_by_one_of_the_same_charges(dossier, payment):
    services.begin(dossier)
    callbacks._fail(payment)

    again = services.begin(dossier)

    assert again != payment
    assert (again.lines, again.amount, again.state) == (payment.lines, 16_000, State.PENDING)


def test_a_paid_payment_does_not_fail(payment):
    confirm(payment)

    assert callbacks._fail(payment) is False
    assert fresh(payment).state == State.PAID


# --- Money ----------------------------------------------------------------------------


def test_money_pays_issues_a_receipt_and_moves_the_dossier(dossier, payment, clock):
    clock.shift(datetime.timedelta(hours=1))

    is_new = confirm(payment)

    payment, dossier = fresh(payment), fresh(dossier)
    assert is_new
    assert (payment.state, payment.method, payment.transaction) == (
        State.PAID, Payment.Method.VNPAY, "14000001",
    )  # fmt: skip
    assert payment.needs_refund is False
    assert payment.receipt.number == 1
    assert dossier.state == Dossier.State.SUBMITTED
    assert dossier.papers.filter(kind=Paper.Kind.PAYMENT).count() == 1
    event = dossier.events.get(name="confirm_payment")
    assert event.actor is None
    assert event.data == {"payment": payment.pk, "amount": 16_000}


def test_the_time_to_answer_runs_from_the_payment_and_not_from_filing(dossier, payment, clock):
    assert dossier.answer_by is None
    clock.shift(datetime.timedelta(hours=5))

    confirm(payment)

    paid_at = fresh(payment).paid_at
    expected = worktime.after_hours(paid_at, 8, dossier.receiving_agency)
    assert fresh(dossier).answer_by == expected
    assert expected > worktime.after_hours(dossier.submitted_at, 8, dossier.receiving_agency)


def test_the_receipt_says_what_was_paid_and_how(dossier, payment):
    confirm(payment, number="14226112")

    facts = dossier.papers.get(kind=Paper.Kind.PAYMENT).facts
    assert (facts["series"], facts["number"]) == ("XNTT-2026", "0000001")
    assert (facts["total"], facts["total_in_words"]) == ("16.000", "Mười sáu nghìn đồng")
    assert facts["method"] == "Cổng thanh toán VNPAY"
    assert facts["transaction"] == "14226112"
    assert facts["payer"] == dossier.owner.full_name


def test_the_receipt_says_how_often_a_price_by_tiers_was_asked(tmp_path):
    factories.copy_with_tiers(tmp_path)
    dossier = factories.filed(factories.COPY)

    confirm(services.begin(dossier))

    [line] = dossier.papers.get(kind=Paper.Kind.PAYMENT).facts["lines"]
    assert (line["quantity"], line["unit_price"], line["amount"]) == ("2", "4.000", "8.000")


def test_confirming_twice_has_one_effect(dossier, payment):
    confirm(payment)
    before = fresh(dossier)

    is_new = confirm(payment)

    after = fresh(dossier)
    assert is_new is False
    assert Receipt.objects.count() == 1
    assert dossier.events.filter(name="confirm_payment").count() == 1
    assert (after.version, after.state, after.answer_by) == (
        before.version, before.state, before.answer_by,
    )  # fmt: skip


@pytest.mark.parametrize("amount", [15_999, 16_001, 0, 1_600_000])
def test_another_amount_changes_nothing(dossier, payment, amount):
    with pytest.raises(services.AmountMismatch):
        confirm(payment, amount=amount)

    assert fresh(payment).state == State.PENDING
    assert fresh(dossier).state == Dossier.State.PAYMENT_REQUIRED
    assert not Receipt.objects.exists()


def test_a_later_success_beats_a_failure(dossier, payment):
    callbacks._fail(payment)

    assert confirm(payment) is True

    assert fresh(payment).state == State.PAID
    assert fresh(payment).needs_refund is False
    assert fresh(dossier).state == Dossier.State.SUBMITTED


def test_the_first_attempt_may_succeed_while_the_second_is_begun(dossier, payment):
    services.begin(dossier)
    callbacks._fail(payment)
    second = services.begin(dossier)

    confirm(payment)

    assert fresh(dossier).state == Dossier.State.SUBMITTED
    assert fresh(payment).needs_refund is False
    assert fresh(second).state == State.CANCELLED


def test_paying_both_attempts_records_both_and_marks_the_second(dossier, payment):
    services.begin(dossier)
    callbacks._fail(payment)
    second = services.begin(dossier)
    confirm(second, number="14000002")

    confirm(payment, number="14000001")

    assert (fresh(second).needs_refund, fresh(payment).needs_refund) == (False, True)
    assert (fresh(second).state, fresh(payment).state) == (State.PAID, State.PAID)
    assert dossier.events.filter(name="confirm_payment").count() == 1
    assert list(Receipt.objects.order_by("number").values_list("number", flat=True)) == [1, 2]


def test_money_for_a_withdrawn_dossier_is_recorded_and_given_back(dossier, payment):
    services.begin(dossier)
    end(dossier)
    before = fresh(dossier).version

    assert confirm(payment) is True

    assert fresh(payment).state == State.PAID
    assert fresh(payment).needs_refund is True
    assert fresh(dossier).state == Dossier.State.WITHDRAWN
    assert fresh(dossier).version == before
    assert payment.receipt.number == 1


def test_money_for_a_stopped_dossier_is_recorded_and_given_back(dossier, payment):
    approver = factories.Office().approver
    workflow.perform(dossier, "stop", by=approver, reason="Quá hạn nộp phí",
                     ground=factories.ground())  # fmt: skip

    confirm(payment)

    assert fresh(payment).needs_refund is True
    assert fresh(dossier).state == Dossier.State.STOPPED


def test_confirming_takes_fifteen_statements_with_the_move_in_them(payment):
    confirm(factories.filed(factories.COPY).payments.get(), number="1")

    with CaptureQueriesContext(connection) as captured:
        confirm(payment)

    statements = [query["sql"] for query in captured if "SAVEPOINT" not in query["sql"]]
    assert len(statements) == 15, "\n".join(statements)


# --- Receipt numbers ------------------------------------------------------------------


def test_receipts_are_numbered_without_gaps_for_each_office_and_year(clock):
    first, second = (factories.filed(factories.COPY).payments.get() for _ in range(2))
    elsewhere = factories.filed(factories.COPY, office=factories.OTHER_COMMUNE).payments.get()
    next_year = factories.filed(factories.COPY).payments.get()
    for number, payment in enumerate((first, elsewhere, second)):
        confirm(payment, number=str(number))
    clock.move_to(datetime.datetime(2026, 12, 31, 17, 30, tzinfo=datetime.UTC))

    confirm(next_year, number="9")

    assert (first.receipt.number, second.receipt.number) == (1, 2)
    assert (next_year.receipt.year, next_year.receipt.number) == (2027, 1)
    assert elsewhere.receipt.number == 1
    assert elsewhere.receipt.agency != first.receipt.agency


def test_a_payment_that_is_undone_leaves_no_gap(payment, monkeypatch):
    other = factories.filed(factories.COPY).payments.get()

    def fail(*args, **details):
        raise RuntimeError

    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(workflow, "perform_locked", fail)
        confirm(payment)
    confirm(other)

    assert other.receipt.number == 1
    assert fresh(payment).state == State.PENDING
    assert not Paper.objects.filter(dossier=payment.dossier, kind=Paper.Kind.PAYMENT).exists()


@pytest.mark.parametrize("step", ["issue", "facts_of"])
def test_a_fault_at_any_step_undoes_all(dossier, payment, monkeypatch, step):
    def fail(*args, **details):
        raise RuntimeError

    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(receipts, step, fail)
        confirm(payment)

    assert fresh(payment).state == State.PENDING
    assert not ReceiptCounter.objects.exists()
    assert confirm(payment) is True
    assert fresh(dossier).state == Dossier.State.SUBMITTED


def test_one_transaction_of_the_gateway_pays_once(payment):
    other = factories.filed(factories.COPY).payments.get()
    confirm(payment, number="14000001")

    with pytest.raises(IntegrityError), transaction.atomic():
        confirm(other, number="14000001")

    assert fresh(other).state == State.PENDING


# --- Cash -----------------------------------------------------------------------------


@pytest.fixture
def cashier(dossier):
    return factories.official("cashier")


def test_cash_pays_and_names_the_cashier(dossier, payment, cashier):
    assert services.take_cash(payment, by=cashier) is True

    payment = fresh(payment)
    assert (payment.state, payment.method) == (State.PAID, Payment.Method.CASH)
    assert payment.receipt.received_by == cashier
    facts = dossier.papers.get(kind=Paper.Kind.PAYMENT).facts
    assert facts["received_by"] == cashier.full_name
    assert fresh(dossier).state == Dossier.State.SUBMITTED


def test_cash_is_taken_once(dossier, payment, cashier):
    services.take_cash(payment, by=cashier)

    assert services.take_cash(payment, by=cashier) is False

    assert dossier.payments.count() == Receipt.objects.count() == 1


@pytest.mark.parametrize("role", ["reception", "case_officer", "approver", "leader"])
def test_nobody_but_the_cashier_takes_cash(payment, role):
    person = factories.official(role)

    with pytest.raises(workflow.NotAllowed):
        services.take_cash(payment, by=person)

    assert fresh(payment).state == State.PENDING


def test_a_cashier_of_another_office_takes_no_cash(payment):
    other = Agency.objects.exclude(code=factories.DESK).get(code="000.00.62.H50")
    stranger = factories.official("cashier", other.code)

    with pytest.raises(workflow.NotAllowed):
        services.take_cash(payment, by=stranger)


def test_a_cashier_takes_no_cash_for_their_own_dossier():
    cashier = factories.official("cashier")
    payment = factories.filed(factories.COPY, owner=cashier).payments.get()

    with pytest.raises(workflow.NotAllowed):
        services.take_cash(payment, by=cashier)


def test_no_cash_is_taken_for_a_dossier_that_has_ended(dossier, payment, cashier):
    end(dossier)

    with pytest.raises(workflow.NotPossible):
        services.take_cash(payment, by=cashier)

    assert fresh(payment).state == State.CANCELLED


def test_cash_can_be_taken_after_a_failure_online(dossier, payment, cashier):
    services.begin(dossier)
    callbacks._fail(payment)

    assert services.take_cash(payment, by=cashier) is True

    assert fresh(payment).state == State.FAILED
    assert dossier.payments.get(state=State.PAID).method == Payment.Method.CASH


def test_money_from_the_gateway_after_cash_is_recorded_and_given_back(dossier, payment, cashier):
    services.begin(dossier)
    services.take_cash(payment, by=cashier)

    assert confirm(payment) is True

    online, cash = fresh(payment), dossier.payments.get(method=Payment.Method.CASH)
    assert (cash.state, cash.needs_refund) == (State.PAID, False)
    assert (online.state, online.needs_refund) == (State.PAID, True)
    assert ledger.first_broken(dossier.events.order_by("seq")) is None


# --- Fees that are paid when the result is collected ----------------------------------


@pytest.fixture
def ready_against_a_fee(tmp_path, run_tasks):
    """A decision that is signed, and a fee of 8.000 đồng to pay when it is collected."""
    fee = (
        "fees: [{id: le_phi, name: Lệ phí, amount: 8.000, pay: at_collection, "
        "source: Thử, confirmed: yes}]\n\ndocuments:"
    )
    factories.altered_procedure(
        tmp_path, factories.FUNERAL, ("documents:", fee), ("service_level: 4", "service_level: 3")
    )
    office = factories.Office()
    dossier = office.approved(factories.filed(factories.FUNERAL))
    run_tasks()
    return office, Dossier.objects.get(pk=dossier.pk)


def test_a_fee_at_collection_is_asked_with_the_result_and_stops_no_clock(ready_against_a_fee):
    _office, dossier = ready_against_a_fee

    assert dossier.state == Dossier.State.COMPLETED
    assert [(p.state, p.amount) for p in dossier.payments.all()] == [(State.PENDING, 8_000)]
    assert services.payable(dossier) == dossier.payments.get()


def test_the_result_is_given_once_the_fee_at_collection_is_paid(ready_against_a_fee, run_tasks):
    office, dossier = ready_against_a_fee

    services.take_cash(dossier.payments.get(), by=office.cashier)
    run_tasks()

    assert fresh(dossier).state == Dossier.State.RETURNED
    payment = dossier.payments.get()
    assert (payment.state, payment.method) == (State.PAID, Payment.Method.CASH)
    assert not payment.needs_refund
    assert payment.receipt.number == 1


def test_the_result_is_not_handed_over_while_the_fee_is_owed(ready_against_a_fee):
    office, dossier = ready_against_a_fee

    with pytest.raises(workflow.Refused, match="Chưa nộp đủ phí"):
        workflow.perform(dossier, "hand_over", by=office.reception)


def test_a_fee_that_nobody_asked_for_is_asked_with_the_result(run_tasks):
    office = factories.Office()
    dossier = office.processing(factories.filed(factories.BIRTH))
    dossier = workflow.perform(dossier, "send_draft", by=office.officer, draft="Bản dự thảo")
    dossier = workflow.perform(dossier, "confirm_draft", by=dossier.owner)
    record = dict.fromkeys(dossier.revision.result["record"], "1")
    dossier = workflow.perform(
        dossier, "propose", by=office.officer, record=record, result_file=factories.signed_pdf()
    )
    workflow.perform(dossier, "approve", by=office.approver)
    run_tasks()

    dossier = fresh(dossier)
    services.take_cash(dossier.payments.get(), by=office.cashier)
    dossier = workflow.perform(dossier, "hand_over", by=office.reception, originals_received=True)

    assert dossier.state == Dossier.State.RETURNED


def test_what_the_law_refunds_is_offered_back_when_the_dossier_comes_to_nothing(tmp_path):
    refundable = ("confirmed: yes", "confirmed: yes\n    refundable: yes")
    factories.altered_procedure(tmp_path, factories.COPY, refundable)
    dossier = factories.filed(factories.COPY)
    confirm(dossier.payments.get())

    end(fresh(dossier))

    assert fresh(dossier.payments.get()).needs_refund


def test_what_the_law_keeps_is_not_offered_back(dossier, payment):
    confirm(payment)

    end(fresh(dossier))

    assert not fresh(payment).needs_refund


def test_changing_the_way_of_paying_gives_up_the_old_attempt_whose_money_is_still_taken(dossier):
    online = services.begin(dossier)

    transfer = services.begin(dossier, Payment.Method.VIETQR)

    assert fresh(online).state == Payment.State.CANCELLED
    assert (transfer.method, transfer.lines) == ("vietqr", online.lines)
    assert services.begin(dossier, Payment.Method.VIETQR) == transfer
    confirm(online)
    assert fresh(online).state == Payment.State.PAID
    assert not fresh(online).needs_refund
    assert fresh(transfer).state == Payment.State.CANCELLED
    assert services.confirm(transfer, amount=transfer.amount, method=Payment.Method.VIETQR)
    assert fresh(transfer).refund_reason == Payment.RefundReason.TWICE


def test_money_for_a_fee_that_was_paid_otherwise_pays_no_other_fee(tmp_path, run_tasks):
    fees = (
        "fees: [{id: phi, name: Phí, amount: 5.000, pay: at_filing, source: Thử, confirmed: yes},"
        " {id: le_phi, name: Lệ phí, amount: 8.000, pay: at_collection, source: Thử,"
        " confirmed: yes}]\n\ndocuments:"
    )
    factories.altered_procedure(
        tmp_path, factories.FUNERAL, ("documents:", fees), ("service_level: 4", "service_level: 3")
    )
    office, dossier = factories.Office(), factories.filed(factories.FUNERAL)
    online = services.begin(dossier)
    confirm(services.begin(dossier, Payment.Method.VIETQR), method=Payment.Method.VIETQR)
    dossier = office.approved(fresh(dossier))
    run_tasks()
    asked = services.payable(fresh(dossier))

    confirm(online, number="14000002")

    assert fresh(online).refund_reason == Payment.RefundReason.TWICE
    assert (fresh(asked).state, asked.amount) == (State.PENDING, 8_000)
    assert fresh(dossier).state == Dossier.State.COMPLETED
