"""Whatever comes, in any order and however often: the money that came is what is recorded."""

import datetime

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dossiers import ledger, workflow
from dossiers.models import Dossier, Paper
from payments import callbacks, services
from payments.gateways import vnpay
from payments.models import Payment, Receipt
from tests import factories
from tests.payments.wire import call_back, query_answer, query_string

pytestmark = pytest.mark.django_db

WAITING = Dossier.State.PAYMENT_REQUIRED

# Most steps are about one of the attempts that were begun, counted from the first.
_attempts = st.integers(0, 2)
STEPS = st.lists(
    st.one_of(
        st.just(("begin", 0)),
        st.tuples(st.sampled_from(["success", "failure", "undecided"]), _attempts),
        st.tuples(st.sampled_from(["query_paid", "query_failed", "query_open"]), _attempts),
        st.tuples(st.just("return"), _attempts),
        st.just(("cash", 0)),
        st.just(("withdraw", 0)),
        st.just(("later", 0)),
    ),
    min_size=1,
    max_size=12,
)


class Story:
    """One dossier that things happen to, and how often money came for it."""

    def __init__(self, dossier, cashier, clock, monkeypatch):
        self.dossier, self.cashier, self.clock = dossier, cashier, clock
        self.monkeypatch, self.client = monkeypatch, Client()
        self.attempts: list[Payment] = []
        self.paid_online: set[int] = set()
        self.cash = 0
        self.states = [dossier.state]
        self.step_begin(0)

    def play(self, steps):
        for name, number in steps:
            getattr(self, f"step_{name}")(number)
            self.states.append(self.now().state)

    def now(self):
        return Dossier.objects.get(pk=self.dossier.pk)

    def attempt(self, number):
        return self.attempts[number % len(self.attempts)]

    def step_begin(self, number):
        payment = services.begin(self.dossier)
        if payment and payment not in self.attempts:
            self.attempts.append(payment)

    def step_success(self, number):
        payment = self.attempt(number)
        answer = call_back(query_string(payment), self.client)
        assert answer["RspCode"] == ("02" if payment.pk in self.paid_online else "00")
        self.paid_online.add(payment.pk)

    def step_failure(self, number):
        call_back(query_string(self.attempt(number), "24"), self.client)

    def step_undecided(self, number):
        call_back(query_string(self.attempt(number), "07", "07"), self.client)

    def step_query_paid(self, number):
        payment = Payment.objects.get(pk=self.attempt(number).pk)
        if callbacks.query_due(payment):
            self.paid_online.add(payment.pk)
        self._query(payment, "00")

    def step_query_failed(self, number):
        self._query(Payment.objects.get(pk=self.attempt(number).pk), "02")

    def step_query_open(self, number):
        self._query(Payment.objects.get(pk=self.attempt(number).pk), "01")

    def _query(self, payment, status):
        answer = query_answer(payment, status)
        self.monkeypatch.setattr(vnpay, "_post", lambda url, body: answer)
        callbacks.query_gateway(payment)

    def step_return(self, number):
        raw = query_string(self.attempt(number))
        address = reverse("payments:return", args=["vnpay"])
        assert self.client.get(f"{address}?{raw}").status_code == 200

    def step_cash(self, number):
        try:
            self.cash += services.take_cash(self.dossier.payments.last(), by=self.cashier)
        except workflow.NotPossible:
            assert self.now().state == Dossier.State.WITHDRAWN

    def step_withdraw(self, number):
        try:
            workflow.perform(self.dossier, "withdraw", by=self.dossier.owner)
        except workflow.NotPossible:
            assert self.now().state == Dossier.State.WITHDRAWN

    def step_later(self, number):
        self.clock.shift(datetime.timedelta(minutes=20))

    # --- What must hold ---

    def check(self):
        paid = list(self.dossier.payments.filter(state=Payment.State.PAID))
        moves = self.dossier.events.filter(name="confirm_payment")
        assert {p.pk for p in paid if p.method == Payment.Method.VNPAY} == self.paid_online
        assert len(paid) == len(self.paid_online) + self.cash
        assert self.cash <= 1
        assert moves.count() == (1 if any(not p.needs_refund for p in paid) else 0)
        assert sum(p.needs_refund for p in paid) == len(paid) - moves.count()
        if moves:
            [due] = [p for p in paid if not p.needs_refund]
            assert moves[0].data["payment"] == due.pk
        self._check_receipts(paid)
        self._check_states()
        assert ledger.first_broken(self.dossier.events.order_by("seq")) is None

    def _check_receipts(self, paid):
        receipts = list(Receipt.objects.order_by("number"))
        assert sorted(r.payment_id for r in receipts) == sorted(p.pk for p in paid)
        assert [r.number for r in receipts] == list(range(1, len(paid) + 1))
        assert self.dossier.papers.filter(kind=Paper.Kind.PAYMENT).count() == len(paid)

    def _check_states(self):
        """Waiting, then filed, then withdrawn; never back."""
        order = [WAITING, Dossier.State.SUBMITTED, Dossier.State.WITHDRAWN]
        ranks = [order.index(state) for state in self.states]
        assert ranks == sorted(ranks)
        pending = self.dossier.payments.filter(state=Payment.State.PENDING)
        assert pending.count() <= (1 if self.states[-1] == WAITING else 0)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_whatever_comes_in_any_order_the_money_that_came_is_recorded_once(
    waiting, clock, monkeypatch, steps
):
    dossier, cashier = waiting
    clock.move_to(MORNING)
    with transaction.atomic():
        story = Story(dossier, cashier, clock, monkeypatch)
        story.play(steps)
        story.check()
        transaction.set_rollback(True)


@pytest.fixture
def waiting():
    """A dossier that waits for its fee, and the cashier of its desk."""
    return factories.filed(factories.COPY), factories.official("cashier")


MORNING = datetime.datetime(2026, 11, 25, 2, 0, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    "steps",
    [
        [("failure", 0), ("begin", 0), ("success", 0), ("success", 1)],
        [("later", 0), ("begin", 0), ("query_paid", 0), ("success", 1), ("success", 0)],
        [("cash", 0), ("success", 0), ("failure", 0)],
        [("withdraw", 0), ("success", 0), ("cash", 0)],
        [("success", 0), ("withdraw", 0), ("failure", 0), ("success", 0)],
        [("query_failed", 0), ("cash", 0), ("query_paid", 0), ("success", 0)],
    ],
)
def test_the_stories_that_went_wrong_elsewhere(waiting, clock, monkeypatch, steps):
    story = Story(*waiting, clock, monkeypatch)

    story.play(steps)

    story.check()
