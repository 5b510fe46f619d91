"""By whatever ways money comes and goes, in any order: the books balance, and say how much.

What the world gave and took is counted beside the books, by hand.
"""

import contextlib
import datetime
import io

import pytest
from django.core.management import call_command
from django.db import transaction
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dossiers import workflow
from payments import books, callbacks, desk, gateways, refunds, services
from payments.bank import matching
from payments.bank.credits import Credit
from payments.gateways import vietqr, vnpay
from payments.models import BankLine, CashClose, CashMovement, Payment, Receipt, Refund
from tests import factories
from tests.payments.conftest import MORNING
from tests.payments.wire import call_back, query_answer, query_string

pytestmark = pytest.mark.django_db

Method, State = Payment.Method, Payment.State

_attempts = st.integers(0, 2)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["begin", "switch", "line", "cash", "withdraw"]), _attempts),
        st.tuples(st.sampled_from(["success", "failure", "query", "return"]), _attempts),
        st.tuples(st.sampled_from(["refund", "refund", "close", "later"]), _attempts),
    ),
    min_size=2,
    max_size=12,
)


class World:
    """One dossier, the people of its office, and what they and the gateways do."""

    def __init__(self, dossier, people, clock, monkeypatch):
        self.dossier, self.clock, self.monkeypatch = dossier, clock, monkeypatch
        self.cashier, self.leader = people
        self.online: list[Payment] = []
        self.transfers: list[Payment] = []
        self.came = self.went = 0
        self.known: set[int] = set()
        self.step_begin(0)

    def play(self, steps):
        for name, number in steps:
            getattr(self, f"step_{name}")(number)

    def step_begin(self, number):
        self._begin(Method.VNPAY, self.online)

    def step_switch(self, number):
        self._begin(Method.VIETQR, self.transfers)

    def _begin(self, method, attempts):
        payment = services.begin(self.dossier, method)
        if payment and payment not in attempts:
            attempts.append(payment)

    def _came(self, payment):
        """Money comes for an attempt; the same gateway tells of it any number of times."""
        if payment.pk not in self.known:
            self.known.add(payment.pk)
            self.came += payment.amount

    def step_success(self, number):
        payment = self.online[number % len(self.online)]
        call_back(query_string(payment))
        self._came(payment)

    def step_failure(self, number):
        call_back(query_string(self.online[number % len(self.online)], "24"))

    def step_query(self, number):
        payment = Payment.objects.get(pk=self.online[number % len(self.online)].pk)
        status = ["00", "02", "01"][number]
        if status == "00" and callbacks.query_due(payment):
            self._came(payment)
        answer = query_answer(payment, status)
        self.monkeypatch.setattr(vnpay, "_post", lambda url, body: answer)
        callbacks.query_gateway(payment)

    def step_return(self, number):
        address = reverse("payments:return", args=["vnpay"])
        response = self.dossier.client.get(f"{address}?{query_string(self.online[0])}")
        assert response.status_code == 200

    def step_line(self, number):
        """A transfer with the memo of an attempt: whole, less, or whole and told again."""
        if not self.transfers:
            return
        payment = self.transfers[number % len(self.transfers)]
        amount = payment.amount - (1000 if number == 1 else 0)
        credit = Credit(
            amount=amount, booked_at=MORNING, memo=f"{vietqr.MEMO_PREFIX}{payment.reference}",
            reference=f"FT{payment.pk}{number}",
        )  # fmt: skip
        holder = vietqr.account_holder(self.dossier.receiving_agency)
        taken = matching.take([credit], agency=holder, account=holder.bank_account["number"])
        self.came += amount * taken.new

    def step_cash(self, number):
        with contextlib.suppress(workflow.Refused):
            payment = self.dossier.payments.last()
            if services.take_cash(payment, by=self.cashier):
                self.came += self.dossier.payments.filter(method=Method.CASH).last().amount

    def step_withdraw(self, number):
        with contextlib.suppress(workflow.Refused):
            workflow.perform(self.dossier, "withdraw", by=self.dossier.owner)

    def step_later(self, number):
        self.clock.shift(datetime.timedelta(minutes=20))

    def step_refund(self, number):
        """All that may go back of one payment, by the way in which it came."""
        offered = [row for row in self.dossier.payments.all() if refunds.refundable(row)]
        if not offered:
            return
        payment = offered[number % len(offered)]
        with contextlib.suppress(workflow.Refused):
            refund = refunds.propose(
                payment, by=self.cashier, amount=refunds.refundable(payment), reason="Thừa",
                way=refunds.ways(payment)[0], to_name="An", to_account="1", to_bank="A",
            )  # fmt: skip
            refund = refunds.decide(refund, by=self.leader, is_approved=number != 2, comment="Sai")
            if number != 2:
                self._pay_out(refund)

    def _pay_out(self, refund):
        if refund.way == Refund.Way.CASH:
            refunds.pay_out(refund, by=self.cashier)
        elif refund.way == Refund.Way.TRANSFER:
            refunds.note_transfer(refund, by=self.cashier, number=f"R{refund.pk}")
        else:
            report = gateways.RefundReport(gateways.PAID, f"R{refund.pk}", "00")
            self.monkeypatch.setattr(vnpay.VNPay, "refund", lambda *args, **more: report)
            refunds.send(refund)
        self.went += refund.amount

    def step_close(self, number):
        agency = self.dossier.receiving_agency
        found = desk.drawer(agency, self.cashier)
        with contextlib.suppress(desk.NothingToClose):
            desk.close_drawer(
                agency, by=self.cashier, counted=max(0, found.expected), mark=found.mark, note="Đủ"
            )

    # --- What must hold ---

    def check(self):
        assert reconciled() == ""
        paid = self.dossier.payments.filter(state=State.PAID)
        in_payments = sum(payment.amount for payment in paid)
        waiting = sum(
            line.amount for line in BankLine.objects.exclude(state=BankLine.State.MATCHED)
        )
        done = sum(refund.amount for refund in Refund.objects.filter(state=Refund.State.DONE))
        assert in_payments + waiting == self.came
        assert done == self.went
        assert (
            Receipt.objects.count() == paid.count() + Receipt.objects.filter(payment=None).count()
        )


def reconciled():
    """What `manage.py reconcile` prints; it ends with 1 when, and only when, it prints."""
    printed = io.StringIO()
    try:
        call_command("reconcile", stdout=printed)
    except SystemExit as end:
        assert end.code == 1 and printed.getvalue()
    return printed.getvalue()


@pytest.fixture
def office():
    """A dossier that waits for its fee, with its cashier and leader."""
    dossier = factories.filed(factories.COPY)
    return dossier, (factories.official("cashier"), factories.official("leader"))


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_whatever_comes_and_goes_in_any_order_the_books_balance(
    office, clock, client, monkeypatch, steps
):
    clock.move_to(MORNING)
    with transaction.atomic():
        office[0].client = client
        world = World(*office, clock, monkeypatch)
        world.play(steps)
        world.check()
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    "steps",
    [
        [("success", 0), ("begin", 0), ("switch", 0), ("line", 0), ("refund", 0)],
        [("switch", 0), ("cash", 0), ("line", 0), ("success", 0), ("refund", 0), ("refund", 1)],
        [("cash", 0), ("close", 0), ("success", 0), ("refund", 2), ("refund", 0), ("withdraw", 0)],
        [("switch", 0), ("line", 1), ("withdraw", 0), ("line", 0), ("line", 0), ("refund", 1)],
    ],
)
def test_the_books_balance_after_stories_with_every_way(office, clock, client, monkeypatch, steps):
    office[0].client = client
    world = World(*office, clock, monkeypatch)

    world.play(steps)

    world.check()


# --- What breaks a rule is said -------------------------------------------------------


def test_everything_that_does_not_agree_is_said_by_name(office):
    dossier, (cashier, _leader) = office
    payment = dossier.payments.get()
    services.take_cash(payment, by=cashier)
    CashMovement.objects.all().delete()
    second = services.ask(dossier, payment.lines, Method.VIETQR)
    services.confirm(second, amount=second.amount, method=Method.VIETQR, transaction_number="F")
    Payment.objects.filter(pk=second.pk).update(needs_refund=False)
    Receipt.objects.filter(payment=second).update(number=3)
    CashClose.objects.create(
        agency=dossier.receiving_agency, cashier=cashier, day=MORNING.date(), taken=5, counted=5
    )

    kinds = {row.kind for row in books.differences()}

    assert kinds == {"numbering", "no_movement", "bank_sum", "paid_twice", "close_sum"}
    assert "Số xác nhận không liên tục: XNTT-2026" in reconciled()
