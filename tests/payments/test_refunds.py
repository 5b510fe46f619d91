"""Money that goes back: who may propose, who may agree, how much, and what it leaves behind."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dossiers import papernotes, workflow
from dossiers.models import Notice, Paper, Relative
from payments import gateways, refunds, services
from payments.models import BankLine, CashMovement, Payment, Receipt, Refund
from procedures.models import Agency, Posting
from tests import factories
from tests.payments.conftest import MORNING

State, Way, Reason = Refund.State, Refund.Way, Payment.RefundReason
Refused = (workflow.NotAllowed, workflow.NotPossible)

database = pytest.mark.django_db


@pytest.fixture
def cashier():
    return factories.official(Posting.Role.CASHIER)


@pytest.fixture
def leader():
    return factories.official(Posting.Role.LEADER)


@pytest.fixture
def paid():
    """A dossier whose fee of 16.000 đồng was paid at the gateway."""
    payment = factories.filed(factories.COPY).payments.get()
    services.confirm(payment, amount=payment.amount, transaction_number="14000001")
    return fresh(payment)


@pytest.fixture
def twice(paid):
    """The same fee once more: nobody owed it."""
    second = services.ask(paid.dossier, paid.lines)
    services.confirm(second, amount=second.amount, transaction_number="14000002")
    return fresh(second)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def to_bank(money, cashier, amount=None):
    """Propose a transfer of all of it, or of `amount`."""
    return refunds.propose(
        money, by=cashier, amount=amount or money.amount, way=Way.TRANSFER,
        reason="Nộp hai lần", to_name="Nguyễn Thị An", to_account="0123456789",
        to_bank="Agribank",
    )  # fmt: skip


def in_cash(payment, cashier, leader):
    """Paid at the desk instead, and agreed to go back in cash."""
    Payment.objects.filter(pk=payment.pk).update(method="cash")
    refund = refunds.propose(
        fresh(payment), by=cashier, amount=payment.amount, way=Way.CASH, reason="Nộp hai lần"
    )
    return refunds.decide(refund, by=leader, is_approved=True)


def through_gateway(payment, cashier, leader):
    refund = refunds.propose(
        payment, by=cashier, amount=payment.amount, way=Way.GATEWAY, reason="Nộp hai lần"
    )
    return refunds.decide(refund, by=leader, is_approved=True)


def line_to_return(agency, **fields):
    fields = {
        "state": BankLine.State.TO_RETURN, "amount": 50_000, "bank_reference": "FT1",
    } | fields  # fmt: skip
    return BankLine.objects.create(agency=agency, account="1", booked_at=MORNING, **fields)


# --- How much -------------------------------------------------------------------------


@database
def test_only_what_the_law_gives_back_may_be_proposed(paid, twice, cashier):
    line = dict(paid.lines[0])
    ended = [line | {"amount": 9_000, "is_refundable": True}, line | {"amount": 7_000}]

    assert refunds.refundable(paid) == 0  # asked and paid, as it should be
    assert refunds.refundable(twice) == 16_000  # never owed
    paid.lines, paid.needs_refund, paid.refund_reason = ended, True, Reason.ENDED
    assert refunds.refundable(paid) == 9_000  # of an ended dossier, what is refundable
    with pytest.raises(workflow.NotPossible, match="0 đồng"):
        to_bank(fresh(paid), cashier)


@database
def test_never_more_goes_back_than_was_paid_however_it_is_divided(twice, cashier, leader):
    first = to_bank(twice, cashier, 10_000)
    with pytest.raises(workflow.NotPossible, match="đang chờ"):
        to_bank(twice, cashier, 6_000)
    refunds.decide(first, by=leader, is_approved=True)
    refunds.note_transfer(first, by=cashier, number="FT26330001")

    assert fresh(twice).needs_refund
    assert not hasattr(fresh(twice).receipt, "cancelled_by")  # part of it was owed after all
    for amount in (6_001, 0, -5):
        with pytest.raises(workflow.NotPossible, match=r"tối đa 6\.000 đồng"):
            refunds.propose(twice, by=cashier, amount=amount, way=Way.TRANSFER, reason="x")
    rest = to_bank(twice, cashier, 6_000)
    refunds.decide(rest, by=leader, is_approved=True)
    with pytest.raises(workflow.NotPossible, match="khoản hoàn trả khác"):
        refunds.note_transfer(rest, by=cashier, number="FT26330001")
    refunds.note_transfer(rest, by=cashier, number="FT26330002")
    assert not fresh(twice).needs_refund
    assert fresh(twice).receipt.cancelled_by.number == 3


@database
def test_money_goes_back_the_way_it_came_or_by_transfer(twice, cashier, settings):
    assert refunds.ways(twice) == [Way.GATEWAY, Way.TRANSFER]
    with pytest.raises(workflow.NotPossible, match="cách ấy"):
        refunds.propose(twice, by=cashier, amount=1, way=Way.CASH, reason="x")
    with pytest.raises(workflow.NotPossible, match="đủ người nhận"):
        refunds.propose(twice, by=cashier, amount=1, way=Way.TRANSFER, reason="x", to_name="An")
    settings.VNPAY_TMN_CODE = ""
    assert refunds.ways(twice) == [Way.TRANSFER]


# --- Two people -----------------------------------------------------------------------


@database
def test_nobody_decides_who_proposed_it_or_has_a_part_in_it(twice, cashier, leader):
    both = factories.official(Posting.Role.CASHIER)
    commune = Agency.objects.get(code=factories.COMMUNE)
    Posting.objects.create(user=both, agency=commune, role=Posting.Role.LEADER)
    kin = factories.official(Posting.Role.LEADER)
    Relative.objects.create(user=kin, name="An", relation="con", citizen_number="045185000011")
    elsewhere = factories.official(Posting.Role.LEADER, factories.OTHER_COMMUNE)
    refund = to_bank(twice, both)
    owner = twice.dossier.owner
    owner.citizen_number = "045185000011"
    owner.save()

    for person, words in (
        (both, "tự duyệt"), (cashier, "lãnh đạo"), (elsewhere, "lãnh đạo"), (kin, "người thân"),
        (owner, "lãnh đạo"),
    ):  # fmt: skip
        with pytest.raises(workflow.NotAllowed, match=words):
            refunds.decide(refund, by=person, is_approved=True)
    Posting.objects.create(user=owner, agency=commune, role=Posting.Role.LEADER)
    with pytest.raises(workflow.NotAllowed, match="chính mình"):
        refunds.decide(refund, by=owner, is_approved=True)
    assert fresh(refund).state == State.PROPOSED
    assert refunds.decide(refund, by=leader, is_approved=True).decided_by == leader


@database
def test_only_a_cashier_of_the_desk_proposes_and_a_rejection_says_why(twice, cashier, leader):
    elsewhere = factories.official(Posting.Role.CASHIER, factories.OTHER_COMMUNE)
    for person in (leader, elsewhere):
        with pytest.raises(workflow.NotAllowed, match="thu ngân"):
            to_bank(twice, person)
    refund = to_bank(twice, cashier)
    with pytest.raises(workflow.NotPossible, match="lý do"):
        refunds.decide(refund, by=leader, is_approved=False)

    refunds.decide(refund, by=leader, is_approved=False, comment="Chưa đối chiếu sao kê")

    assert fresh(refund).state == State.REJECTED
    for again in (
        lambda: refunds.decide(refund, by=leader, is_approved=True),
        lambda: refunds.note_transfer(refund, by=cashier, number="FT1"),
    ):
        with pytest.raises(workflow.NotPossible, match="Không duyệt"):
            again()
    assert refunds.refundable(fresh(twice)) == 16_000


# --- What it leaves behind ------------------------------------------------------------


@database
def test_cash_goes_out_of_the_drawer_once_and_cancels_the_receipt(twice, cashier, leader):
    refund = in_cash(twice, cashier, leader)

    refunds.pay_out(refund, by=cashier)
    with pytest.raises(workflow.NotPossible, match="Đã hoàn"):
        refunds.pay_out(refund, by=cashier)

    movement = CashMovement.objects.get(refund=refund)
    entry = Receipt.objects.get(cancels=twice.receipt)
    [printed] = Paper.objects.filter(kind=Paper.Kind.PAYMENT, dossier=twice.dossier, number=2)
    assert movement.cashier == cashier
    assert (entry.number, entry.received_by, fresh(twice).needs_refund) == (3, cashier, False)
    [words] = papernotes.words_for(printed)
    assert "XNTT-2026 số 0000003" in words
    assert papernotes.words_for(Paper.objects.get(kind=Paper.Kind.PAYMENT, number=1)) == []
    told = Notice.objects.get(kind="refund_done")
    assert (told.recipient, "16.000 đồng" in told.subject) == (twice.dossier.owner, True)
    names = list(twice.dossier.events.values_list("name", flat=True))[-3:]
    assert names == ["refund_propose", "refund_approve", "refund_done"]


@database
def test_a_transfer_that_came_back_may_be_proposed_again(twice, cashier, leader):
    refund = refunds.decide(to_bank(twice, cashier), by=leader, is_approved=True)

    with pytest.raises(workflow.NotPossible, match="vì sao"):
        refunds.give_up(refund, by=cashier, why="")
    refunds.give_up(refund, by=cashier, why="Số tài khoản không có")

    assert fresh(refund).state == State.FAILED
    assert to_bank(twice, cashier).state == State.PROPOSED


@database
def test_a_credit_that_belongs_to_no_dossier_goes_back_whole_or_what_is_too_much(cashier, leader):
    desk = Agency.objects.get(code=factories.DESK)
    line = line_to_return(desk)

    refund = to_bank(line, cashier)
    refunds.decide(refund, by=leader, is_approved=True)
    refunds.note_transfer(refund, by=cashier, number="FT9")

    assert refunds.refundable_of_line(fresh(line)) == 0
    line.state, line.applied, line.excess = BankLine.State.MATCHED, 46_000, 4_000
    refund.delete()
    assert refunds.refundable_of_line(line) == 4_000


# --- The gateway ----------------------------------------------------------------------


class Gateway:
    """A gateway that answers as it is told, and notes what it was asked."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def refund(self, refund):
        self.asked.append(refund.reference)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def query_refund(self, refund):
        return None

    def is_open(self):
        return True


def answers(monkeypatch, *given):
    gateway = Gateway(*given)
    monkeypatch.setattr(gateways, "get", lambda method: gateway)
    return gateway


@database
def test_a_gateway_that_is_down_is_asked_again_under_the_same_reference(
    twice, cashier, leader, monkeypatch, clock
):
    done = gateways.RefundReport(gateways.PAID, "15000001", "00")
    still = gateways.RefundReport(gateways.OPEN, "", "05")
    gateway = answers(monkeypatch, gateways.GatewayUnavailable(), still, done)
    refund = through_gateway(twice, cashier, leader)

    refunds.send(refund)
    assert (fresh(refund).state, refunds.ask_again()) == (State.SENT, 0)  # just asked
    clock.shift(3600)
    assert (refunds.ask_again(), fresh(refund).answer) == (0, "05")
    with pytest.raises(workflow.NotPossible):  # it may still say so itself
        refunds.give_up(refund, by=cashier, why="Cổng không trả lời")
    clock.shift(3600)
    assert (refunds.ask_again(), refunds.ask_again()) == (1, 0)

    after = fresh(refund)
    assert (after.state, after.transaction) == (State.DONE, "15000001")
    assert gateway.asked == [refund.reference] * 3
    assert twice.receipt.cancelled_by.received_by is None


@database
def test_a_fault_in_one_refund_keeps_no_other_back(twice, cashier, leader, monkeypatch):
    third = services.ask(twice.dossier, twice.lines)
    services.confirm(third, amount=third.amount, transaction_number="14000003")
    answers(monkeypatch, ValueError("no number"), gateways.RefundReport(gateways.PAID, "1", "00"))
    both = [through_gateway(payment, cashier, leader) for payment in (twice, fresh(third))]

    assert refunds.ask_again() == 1

    assert sorted(fresh(refund).state for refund in both) == [State.DONE, State.SENT]


@database
def test_a_refund_that_the_gateway_refuses_may_go_by_transfer(twice, cashier, leader, monkeypatch):
    answers(monkeypatch, gateways.RefundReport(gateways.FAILED, "", "09"))
    refund = through_gateway(twice, cashier, leader)

    refunds.send(refund)
    refunds.send(fresh(refund))  # a task that runs twice

    assert (fresh(refund).state, fresh(refund).answer) == (State.FAILED, "09")
    assert to_bank(twice, cashier).state == State.PROPOSED


@database
def test_a_refund_that_the_gateway_never_settles_is_settled_by_hand_after_a_day(
    twice, cashier, leader, monkeypatch, clock
):
    answers(monkeypatch, gateways.RefundReport(gateways.OPEN, "", "94"))
    refund = through_gateway(twice, cashier, leader)
    refunds.send(refund)
    clock.shift(25 * 3600)

    refunds.note_transfer(refund, by=cashier, number="15000009")

    assert (fresh(refund).state, fresh(refund).done_by) == (State.DONE, cashier)
    assert fresh(twice).receipt.cancelled_by


# --- The pages ------------------------------------------------------------------------

ASKED = {
    "amount": "16.000", "way": "transfer", "reason": "Nộp hai lần", "to_name": "Nguyễn Thị An",
    "to_account": "0123 456 789", "to_bank": "Agribank",
}  # fmt: skip


@database
def test_a_cashier_proposes_a_leader_agrees_and_the_cashier_carries_it_out(
    twice, cashier, leader, client
):
    address = reverse("admin:refund_propose", args=[twice.reference])
    client.force_login(cashier)
    bad = {
        "amount": ["16.001", "-5", "8,5", "mười", "0", "", "9" * 30], "way": ["cash", ""],
        "reason": ["", "x" * 301], "to_account": ["", "<b>", "1"], "to_name": [""],
    }  # fmt: skip
    for name, values in bad.items():
        for value in values:
            refused = client.post(address, ASKED | {name: value})
            assert (refused.status_code, Refund.objects.count()) == (409, 0), (name, value)
            assert "Nguyễn Thị An" in refused.content.decode() or name == "to_name"

    sent = client.post(address, ASKED)
    twice_pressed = client.post(address, ASKED)

    refund = Refund.objects.get()
    page = reverse("admin:refund", args=[refund.reference])
    assert (sent.status_code, sent["Location"], twice_pressed.status_code) == (302, page, 404)
    assert refund.to_account == "0123456789"
    assert "người thứ hai" in client.get(page).content.decode()
    refused = client.post(page, {"action": "approve", "comment": "x"})
    assert (refused.status_code, "tự duyệt" in refused.content.decode()) == (409, True)
    client.force_login(leader)
    assert "Hoàn trả" in client.get(reverse("admin:refunds")).content.decode()
    assert client.post(page, {"action": "reject", "comment": ""}).status_code == 409
    assert client.post(page, {"action": "approve", "comment": "Đúng"}).status_code == 302
    assert client.post(page, {"action": "transfer", "number": "FT1"}).status_code == 409
    assert client.post(page, {"action": "khac"}).status_code == 302
    client.force_login(cashier)
    assert client.post(page, {"action": "transfer", "number": ""}).status_code == 409
    assert client.post(page, {"action": "transfer", "number": "FT1"}).status_code == 302
    assert fresh(refund).state == State.DONE
    client.force_login(twice.dossier.owner)
    assert (
        "Đã hoàn trả 16.000 đồng" in client.get(twice.dossier.get_absolute_url()).content.decode()
    )


@database
def test_the_lists_cost_the_same_for_many_and_hide_other_offices(twice, cashier, leader, client):
    desk = Agency.objects.get(code=factories.DESK)
    lists = [f"{reverse('admin:refunds')}?xem={tab}" for tab in ("lap", "duyet", "hoan", "xong")]
    client.force_login(cashier)
    counts = []
    for number in range(2):
        for extra in range(1 + 3 * number):
            payment = services.ask(twice.dossier, twice.lines)
            services.confirm(
                payment, amount=payment.amount, transaction_number=f"16{number}{extra}"
            )
            line = line_to_return(desk, bank_reference=f"FT{number}{extra}")
            for state in (State.PROPOSED, State.DONE):
                Refund.objects.create(
                    bank_line=line, amount=1, way=Way.TRANSFER, proposed_by=cashier, state=state
                )
            lone = line_to_return(desk, bank_reference=f"LE{number}{extra}")
            refunds.decide(to_bank(lone, cashier), by=leader, is_approved=True)
            line_to_return(desk, bank_reference=f"CON{number}{extra}")
        counts.append([queries(client, address) for address in lists])
    assert counts[0] == counts[1]

    stranger = factories.official(Posting.Role.CASHIER, factories.OTHER_COMMUNE)
    client.force_login(stranger)
    for address in lists:
        page = client.get(address).content.decode()
        assert "FT00" not in page and "CON00" not in page and twice.dossier.code not in page
    for name, key in (
        ("refund_propose", twice.reference), ("refund", Refund.objects.last().reference),
        ("refund_propose_line", BankLine.objects.last().pk),
    ):  # fmt: skip
        assert client.get(reverse(f"admin:{name}", args=[key])).status_code == 404


def queries(client, address):
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address).status_code == 200
    return len(asked)


# --- At the same moment ---------------------------------------------------------------


def at_once(*jobs):
    start = threading.Barrier(len(jobs))

    def run(job):
        try:
            start.wait(10)
            return job()
        except Refused as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_locked", [True, False])
def test_two_approvers_and_two_payouts_at_once_count_once(
    twice, cashier, leader, monkeypatch, is_locked
):
    other = factories.official(Posting.Role.APPROVER)
    Payment.objects.filter(pk=twice.pk).update(method="cash")
    refund = refunds.propose(
        fresh(twice), by=cashier, amount=twice.amount, way=Way.CASH, reason="Nộp hai lần"
    )
    check = refunds._check_person

    def slowly(*args):
        check(*args)
        time.sleep(0.1)

    monkeypatch.setattr(refunds, "_check_person", slowly)
    if not is_locked:  # the control: without locks both get through
        monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **options: rows)

    decided = at_once(
        *(
            lambda who=who: refunds.decide(refund, by=who, is_approved=True)
            for who in (leader, other)
        )
    )

    refused = [answer for answer in decided if isinstance(answer, workflow.NotPossible)]
    assert len(refused) == (1 if is_locked else 0)
    if is_locked:
        paid_out = at_once(*[lambda: refunds.pay_out(refund, by=cashier)] * 2)
        assert sum(isinstance(answer, workflow.NotPossible) for answer in paid_out) == 1
        assert CashMovement.objects.filter(refund=refund).count() == 1
        assert Receipt.objects.filter(cancels__isnull=False).count() == 1
