"""Money from several sides at once, on PostgreSQL, with a control that takes the lock away."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.db.models import QuerySet

from dossiers import ledger, papers, workflow
from dossiers.models import Dossier, Paper
from payments import callbacks, receipts, services
from payments.models import Payment, Receipt
from tests import factories
from tests.payments.wire import CONFIRMED, KNOWN, call_back, query_string

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

State = Payment.State


def at_once(*jobs):
    """What each job gave or raised, when all began at the same moment in threads of their own."""
    start = threading.Barrier(len(jobs))

    def run(job):
        try:
            start.wait(10)
            return job()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


@pytest.fixture
def wide_gap(monkeypatch):
    """Time between what `confirm()` reads and what it writes, so that others get in between."""
    issue = receipts.issue

    def slowly(*args, **details):
        time.sleep(0.05)
        return issue(*args, **details)

    monkeypatch.setattr(receipts, "issue", slowly)


@pytest.fixture
def dossier():
    return factories.filed(factories.COPY)


@pytest.fixture
def payment(dossier):
    return services.begin(dossier)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def told(payment, code="00"):
    """A job: the gateway calls back about a payment."""
    raw = query_string(payment, code)
    return lambda: call_back(raw)


def eight_callbacks(payment):
    answers = at_once(*[told(payment)] * 8)
    return sorted(answer["RspCode"] for answer in answers)


def consistent(dossier):
    """Receipts, refunds and the ledger of a dossier fit what was paid."""
    paid = list(dossier.payments.filter(state=State.PAID))
    moves = dossier.events.filter(name="confirm_payment").count()
    numbers = sorted(Receipt.objects.values_list("number", flat=True))
    assert numbers == list(range(1, len(paid) + 1))
    assert sum(not payment.needs_refund for payment in paid) == moves
    assert dossier.papers.filter(kind=Paper.Kind.PAYMENT).count() == len(paid)
    assert ledger.first_broken(dossier.events.order_by("seq")) is None
    return paid


def test_eight_callbacks_at_once_have_one_effect(dossier, payment, wide_gap):
    codes = eight_callbacks(payment)

    assert codes == ["00"] + ["02"] * 7
    assert Receipt.objects.get().number == 1
    assert dossier.events.filter(name="confirm_payment").count() == 1
    assert len(consistent(dossier)) == 1


def test_without_the_locks_eight_callbacks_do_not_agree(dossier, payment, wide_gap, monkeypatch):
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, *args, **options: rows.all())

    codes = eight_callbacks(payment)

    assert codes != ["00"] + ["02"] * 7


def test_receipts_of_many_dossiers_at_once_have_consecutive_numbers(wide_gap):
    payments = [services.begin(factories.filed(factories.COPY)) for _ in range(8)]

    answers = at_once(*[told(payment) for payment in payments])

    assert answers == [CONFIRMED] * 8
    assert sorted(Receipt.objects.values_list("number", flat=True)) == list(range(1, 9))


@pytest.mark.parametrize("_round", range(4))
def test_money_online_and_cash_at_once_are_both_recorded(dossier, payment, wide_gap, _round):
    cashier = factories.official("cashier")

    answer, cash = at_once(
        told(payment),
        lambda: services.take_cash(payment, by=cashier),
    )

    assert answer == CONFIRMED
    assert cash in {True, False}
    paid = consistent(dossier)
    assert len(paid) == 1 + cash
    assert sum(row.needs_refund for row in paid) == int(cash)
    assert fresh(dossier).state == Dossier.State.SUBMITTED


@pytest.mark.parametrize("_round", range(4))
def test_a_citizen_who_withdraws_while_the_money_comes(dossier, payment, wide_gap, _round):
    answer, withdrawn = at_once(
        told(payment),
        lambda: workflow.perform(dossier, "withdraw", by=dossier.owner),
    )

    assert answer == CONFIRMED
    assert isinstance(withdrawn, Dossier)
    [paid] = consistent(dossier)
    assert fresh(dossier).state == Dossier.State.WITHDRAWN
    moved = dossier.events.filter(name="confirm_payment").exists()
    assert paid.needs_refund is not moved


@pytest.mark.parametrize("_round", range(4))
def test_success_and_failure_at_once_end_paid(dossier, payment, wide_gap, _round):
    success, failure = at_once(
        told(payment),
        told(payment, "24"),
    )

    assert success == CONFIRMED
    assert failure in (CONFIRMED, KNOWN)
    assert fresh(payment).state == State.PAID
    assert fresh(dossier).state == Dossier.State.SUBMITTED


def test_eight_clicks_on_pay_begin_one_attempt(dossier):
    begun = at_once(*[lambda: services.begin(dossier)] * 8)

    assert {payment.reference for payment in begun} == {dossier.payments.get().reference}
    assert len({payment.started_at for payment in begun}) == 1


def test_eight_clicks_after_a_failure_begin_one_new_attempt(dossier, payment):
    callbacks._fail(payment)

    begun = at_once(*[lambda: services.begin(dossier)] * 8)

    assert len({attempt.reference for attempt in begun}) == 1
    assert dossier.payments.count() == 2


def test_two_cashiers_at_once_take_the_cash_once(dossier, payment, wide_gap):
    cashiers = [factories.official("cashier") for _ in range(2)]

    taken = at_once(*[lambda by=by: services.take_cash(payment, by=by) for by in cashiers])

    assert sorted(taken) == [False, True]
    assert len(consistent(dossier)) == 1


def test_a_full_disk_under_one_of_four_callbacks_leaves_no_gap(dossier, payment, monkeypatch):
    note, turn = papers.note, threading.Lock()
    failures = iter([True, False, False, False])

    def break_once(*args, **details):
        with turn:
            is_broken = next(failures)
        if is_broken:
            raise OSError("đĩa đầy")
        return note(*args, **details)

    monkeypatch.setattr(papers, "note", break_once)

    codes = sorted(answer["RspCode"] for answer in at_once(*[told(payment)] * 4))

    assert codes == ["00", "02", "02", "99"]
    assert Receipt.objects.get().number == 1
    assert len(consistent(dossier)) == 1
