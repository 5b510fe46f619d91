"""Money that goes back: proposed by a cashier, agreed to by a second person, then sent.

What may go back: money that was never owed (paid twice, or not asked) whole; of a dossier
that came to nothing the fees that the law refunds; of a fee that was waived or lessened
afterwards what was paid too much. It goes the way it came, or by transfer. Rows are locked
in the order of the whole app: dossier, payment, bank line, refund, counter of receipts.
"""

from __future__ import annotations

import datetime
import logging
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import conflicts, ledger, notices, workflow
from dossiers.models import Dossier, Event
from payments import desk, ereceipts, exemptions, gateways, receipts, tasks
from payments.models import BankLine, Payment, Refund
from payments.money import format_dong
from procedures.models import Agency, Posting
from procedures.postings import at_or_above, held_by

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

Role, Reason, State, Way = Posting.Role, Payment.RefundReason, Refund.State, Refund.Way
PROPOSES = frozenset({Role.CASHIER})
DECIDES = frozenset({Role.LEADER, Role.APPROVER})
BY_HAND_AFTER = datetime.timedelta(days=1)
ASK_AGAIN_AFTER = datetime.timedelta(minutes=5)
ASK_AGAIN_FOR = 50  # refunds at one run

logger = logging.getLogger(__name__)

_HOW = {
    Way.GATEWAY: gettext_lazy(
        "Tiền về nguồn đã nộp; ngân hàng có thể cần vài ngày làm việc để ghi có."
    ),
    Way.TRANSFER: gettext_lazy("Tiền đã chuyển vào tài khoản nhận hoàn trả."),
    Way.CASH: gettext_lazy("Tiền mặt đã trao tại quầy."),
}


# --- How much, and by which way -------------------------------------------------------


def refundable(payment: Payment) -> int:
    """How many đồng of a payment may still be proposed for return; 0 where the law gives none."""
    if payment.state != Payment.State.PAID or not payment.needs_refund:
        return 0
    return max(0, _owed_back(payment) - _counted(payment.refunds.all()))


def _owed_back(payment: Payment) -> int:
    if payment.refund_reason in Payment.NEVER_OWED:
        return payment.amount
    excess = exemptions.overpaid_fees(payment, payment.dossier)
    if payment.refund_reason == Reason.ENDED:
        return sum(
            line["amount"] if line.get("is_refundable") else excess[line["key"]]
            for line in payment.lines
        )
    return excess.total()


def refundable_of_line(line: BankLine) -> int:
    """The same of a bank credit: all of one that belongs to no dossier, else what is too much."""
    whole = line.amount if line.state == BankLine.State.TO_RETURN else line.excess
    return max(0, whole - _counted(line.refunds.all()))


def _counted(rows: Any) -> int:
    return rows.filter(state__in=Refund.COUNTED).aggregate(sum=Sum("amount"))["sum"] or 0


def ways(money: Payment | BankLine) -> list[Way]:
    """How this money may go back: the way it came, or by transfer."""
    method = money.method if isinstance(money, Payment) else Payment.Method.VIETQR
    if method in Payment.GATEWAYS:
        return [Way.GATEWAY, Way.TRANSFER] if gateways.get(method).is_open() else [Way.TRANSFER]
    return [Way.CASH, Way.TRANSFER] if method == Payment.Method.CASH else [Way.TRANSFER]


# --- The first person -----------------------------------------------------------------


@transaction.atomic
def propose(
    money: Payment | BankLine,
    *,
    by: User,
    amount: int,
    way: str,
    reason: str,
    to_name: str = "",
    to_account: str = "",
    to_bank: str = "",
) -> Refund:
    """Propose that `amount` đồng of a payment or of a bank credit go back.

    Raises `workflow.NotAllowed` for anyone but a cashier there who has no part in it, and
    `workflow.NotPossible` for more than may go back, another way than the money may go, and
    where a proposal is open already.
    """
    money, dossier = _locked_money(money)
    _check_person(PROPOSES, _office_of(money), dossier, by)
    if money.refunds.filter(state__in=Refund.OPEN).exists():
        raise workflow.NotPossible(
            _("Khoản này đã có đề nghị hoàn trả đang chờ; xin không lập lại.")
        )
    is_payment = isinstance(money, Payment)
    left = refundable(money) if is_payment else refundable_of_line(money)
    if not 0 < amount <= left:
        words = _("Chỉ được hoàn tối đa %(left)s của khoản này.")
        raise workflow.NotPossible(words % {"left": format_dong(left)})
    if way not in ways(money):
        raise workflow.NotPossible(_("Khoản này không hoàn theo cách ấy được."))
    if way == Way.TRANSFER and not (to_name and to_account and to_bank):
        raise workflow.NotPossible(_("Xin ghi đủ người nhận, số tài khoản và ngân hàng nhận."))
    receiver = (to_name, to_account, to_bank) if way == Way.TRANSFER else ("", "", "")
    refund = Refund.objects.create(
        payment=money if is_payment else None, bank_line=None if is_payment else money,
        amount=amount, way=way, reason=reason, proposed_by=by, to_name=receiver[0],
        to_account=receiver[1], to_bank=receiver[2],
    )  # fmt: skip
    _note(refund, dossier, "refund_propose", by=by)
    return refund


# --- The second person ----------------------------------------------------------------


@transaction.atomic
def decide(refund: Refund, *, by: User, is_approved: bool, comment: str = "") -> Refund:
    """Approve or reject a proposal; what goes through a gateway is sent by a task.

    Raises `workflow.NotAllowed` for who proposed it and for anyone but a leader or approver
    there who has no part in it, `workflow.NotPossible` where it was decided already or a
    rejection says no reason.
    """
    refund, dossier = _locked(refund)
    if refund.state != State.PROPOSED:
        raise workflow.NotPossible(what_happened(refund))
    if refund.proposed_by_id == by.pk:
        raise workflow.NotAllowed(_("Ông/bà đã lập đề nghị này nên không thể tự duyệt."))
    _check_person(DECIDES, office_of(refund), dossier, by)
    if not is_approved and not comment:
        raise workflow.NotPossible(_("Xin ghi lý do không duyệt."))
    refund.state = State.APPROVED if is_approved else State.REJECTED
    refund.decided_by, refund.decided_at, refund.comment = by, timezone.now(), comment
    refund.save(update_fields=["state", "decided_by", "decided_at", "comment"])
    _note(refund, dossier, "refund_approve" if is_approved else "refund_reject", by=by)
    if is_approved and refund.way == Way.GATEWAY:
        tasks.send_refund.enqueue(refund.pk)
    return refund


# --- The money goes -------------------------------------------------------------------


@transaction.atomic
def pay_out(refund: Refund, *, by: User) -> Refund:
    """Record that a cashier gave the cash back at the desk, out of their own drawer."""
    refund, dossier = _carried_out_by(refund, by, ways=(Way.CASH,))
    return _finish(refund, dossier, by=by)


@transaction.atomic
def note_transfer(refund: Refund, *, by: User, number: str) -> Refund:
    """Record that the money went, under the bank's number; or under the gateway's, where
    that has long not said so itself (`waits_for_a_hand`)."""
    refund, dossier = _carried_out_by(refund, by, ways=(Way.TRANSFER, Way.GATEWAY))
    if not number:
        raise workflow.NotPossible(_("Xin ghi mã giao dịch hoàn tiền."))
    if Refund.objects.filter(way=refund.way, transaction=number).exists():
        raise workflow.NotPossible(_("Mã giao dịch này đã ghi cho một khoản hoàn trả khác."))
    return _finish(refund, dossier, by=by, number=number)


@transaction.atomic
def give_up(refund: Refund, *, by: User, why: str) -> Refund:
    """Record that an approved refund did not come about: a wrong account, nobody came. It
    may then be proposed again, which takes two people again."""
    refund, dossier = _carried_out_by(refund, by, ways=tuple(Way))
    if not why:
        raise workflow.NotPossible(_("Xin ghi vì sao không hoàn được."))
    return _fail(refund, dossier, by=by, why=why)


def _carried_out_by(
    refund: Refund, by: User, *, ways: tuple[str, ...]
) -> tuple[Refund, Dossier | None]:
    refund, dossier = _locked(refund)
    _check_person(PROPOSES, office_of(refund), dossier, by)
    if refund.way not in ways or not waits_for_a_hand(refund):
        raise workflow.NotPossible(what_happened(refund))
    return refund, dossier


def waits_for_a_hand(refund: Refund) -> bool:
    """Whether a cashier is to say how an approved refund ended.

    Of one through a gateway only when that has not said it for a day: some protocols cannot
    be asked about a refund of a part, and its merchant's page then tells.
    """
    if refund.way != Way.GATEWAY:
        return refund.state == State.APPROVED
    return refund.state == State.SENT and timezone.now() - refund.decided_at > BY_HAND_AFTER


def send(refund: Refund) -> Refund:
    """Ask the gateway for an approved refund, or what became of one that was asked before.

    Under the same reference, so that it is done once. Without an answer that can be believed
    nothing changes, and `run_due` asks again. The network call is outside any transaction.
    """
    was_asked = refund.asked_at is not None
    if not _begin(refund):
        return refund
    gateway = gateways.get(refund.payment.method)
    try:
        report = (gateway.query_refund(refund) if was_asked else None) or gateway.refund(refund)
    except gateways.GatewayUnavailable:
        return refund
    return _take(refund, report)


def _begin(refund: Refund) -> bool:
    """Note when it was asked; False where another is just asking, or there is nothing to ask."""
    rows = Refund.objects.filter(
        pk=refund.pk, way=Way.GATEWAY, asked_at=refund.asked_at,
        state__in=[State.APPROVED, State.SENT],
    )  # fmt: skip
    return bool(rows.update(asked_at=timezone.now(), state=State.SENT))


@transaction.atomic
def _take(refund: Refund, report: gateways.RefundReport) -> Refund:
    """Believe what the gateway says of a refund; one that is done stays done."""
    refund, dossier = _locked(refund)
    if refund.state != State.SENT:
        return refund
    refund.answer = report.code[:8]
    if report.outcome == gateways.PAID:
        return _finish(refund, dossier, by=None, number=report.transaction)
    if report.outcome == gateways.FAILED:
        return _fail(refund, dossier, by=None)
    refund.save(update_fields=["answer"])
    return refund


def _finish(
    refund: Refund, dossier: Dossier | None, *, by: User | None, number: str = ""
) -> Refund:
    refund.state, refund.done_at, refund.done_by = State.DONE, timezone.now(), by
    refund.transaction = number[:40]
    refund.save(update_fields=["state", "done_at", "done_by", "transaction", "answer"])
    if refund.way == Way.CASH:
        desk.note_cash_back(refund, by=by)
    if refund.payment_id:
        _settle(refund, dossier)
    event = _note(refund, dossier, "refund_done", by=by)
    if event:
        _tell(refund, dossier, event)
    return refund


def _settle(refund: Refund, dossier: Dossier) -> None:
    """Cancel the receipt of a payment that went back whole; unmark one that is settled."""
    payment = refund.payment
    done = payment.refunds.filter(state=State.DONE).aggregate(sum=Sum("amount"))["sum"]
    if done == payment.amount:
        receipts.cancel(payment, dossier, refund=refund)
        ereceipts.cancel_later(payment)
    if refundable(payment) == 0:
        payment.needs_refund = False
        payment.save(update_fields=["needs_refund"])


def _fail(refund: Refund, dossier: Dossier | None, *, by: User | None, why: str = "") -> Refund:
    refund.state, refund.done_by = State.FAILED, by
    refund.comment = why or refund.comment
    refund.save(update_fields=["state", "done_by", "comment", "answer"])
    _note(refund, dossier, "refund_fail", by=by)
    return refund


def _tell(refund: Refund, dossier: Dossier, event: Event) -> None:
    notices.say(
        dossier.owner, "refund_done", dossier=dossier, event=event,
        amount=format_dong(refund.amount), how=str(_HOW[Way(refund.way)]),
    )  # fmt: skip


def ask_again() -> int:
    """Ask the gateways about refunds that they have not answered; how many are settled now."""
    settled = unanswered = 0
    rows = Refund.objects.filter(way=Way.GATEWAY, state__in=[State.APPROVED, State.SENT])
    for refund in rows.select_related("payment").order_by("asked_at")[:ASK_AGAIN_FOR]:
        if refund.asked_at and timezone.now() - refund.asked_at < _pause(refund):
            continue
        after = _sent(refund)
        settled += after.state not in (State.APPROVED, State.SENT)
        unanswered = 0 if after.answer else unanswered + 1
        if unanswered == 3:  # in a row: the gateway is down
            break
    return settled


def _sent(refund: Refund) -> Refund:
    """A fault in one must not keep the others back."""
    try:
        return send(refund)
    except Exception:
        logger.exception("refund %s: the gateway's answer was not taken", refund.reference)
        return refund


def _pause(refund: Refund) -> datetime.timedelta:
    """Ever longer: an eighth of the time since it was approved."""
    return max(ASK_AGAIN_AFTER, (refund.asked_at - refund.decided_at) / 8)


# --- Who, and what they are told ------------------------------------------------------


def office_of(refund: Refund) -> Agency:
    """The office that gives it back."""
    return _office_of(refund.payment or refund.bank_line)


def _office_of(money: Payment | BankLine) -> Agency:
    return money.dossier.receiving_agency if isinstance(money, Payment) else money.agency


def of_offices(offices: Any) -> Q:
    """The refunds that concern people of these offices, by key."""
    of_payment = Q(payment__dossier__receiving_agency__in=offices)
    handled = Q(payment__dossier__handling_agency__in=offices)
    return of_payment | handled | Q(bank_line__agency__in=offices)


def check_decider(refund: Refund, by: User) -> None:
    """Raise `workflow.NotAllowed` for who may not decide on it."""
    if refund.proposed_by_id == by.pk:
        raise workflow.NotAllowed(_("Ông/bà đã lập đề nghị này nên không thể tự duyệt."))
    _check_person(DECIDES, office_of(refund), dossier_of(refund), by)


def check_cashier(money: Payment | BankLine, by: User) -> None:
    """Raise `workflow.NotAllowed` for who may not propose or carry out."""
    dossier = money.dossier if isinstance(money, Payment) else _dossier_of_line(money)
    _check_person(PROPOSES, _office_of(money), dossier, by)


def _check_person(
    allowed: frozenset[str], office: Agency, dossier: Dossier | None, by: User
) -> None:
    if not allowed & _roles_at(office, dossier, by):
        if allowed == PROPOSES:
            raise workflow.NotAllowed(_("Chỉ thu ngân của nơi tiếp nhận làm được việc này."))
        raise workflow.NotAllowed(_("Chỉ lãnh đạo, người duyệt của cơ quan duyệt được hoàn trả."))
    if dossier is None:
        return
    if workflow.is_party(dossier, by):
        raise workflow.NotAllowed(_("Ông/bà không thể tự hoàn tiền hồ sơ của chính mình."))
    if conflicts.has_conflict(dossier, by):
        words = _("Ông/bà có người thân trong hồ sơ này; xin để người khác làm việc này.")
        raise workflow.NotAllowed(words)


def _roles_at(office: Agency, dossier: Dossier | None, by: User) -> set[str]:
    if dossier is not None:
        return workflow.roles_at(dossier, by)
    above = at_or_above(office)
    return {role for role, agency in held_by(by) if agency in above}


def dossier_of(refund: Refund) -> Dossier | None:
    """The dossier that this money was paid for; None for a credit that belongs to none."""
    return refund.payment.dossier if refund.payment_id else _dossier_of_line(refund.bank_line)


def _dossier_of_line(line: BankLine) -> Dossier | None:
    return line.payment.dossier if line.payment_id else None


def what_happened(refund: Refund) -> str:
    """Who was first, and how the refund stands."""
    who = refund.done_by or refund.decided_by or refund.proposed_by
    return _("Đề nghị này đã được xử lý: %(state)s (%(who)s). Chưa có gì thay đổi thêm.") % {
        "state": refund.get_state_display(),
        "who": who.get_full_name(),
    }


def _note(refund: Refund, dossier: Dossier | None, name: str, *, by: User | None) -> Event | None:
    """Write it into the ledger of its dossier, whose row is locked."""
    if dossier is None:
        return None
    agency = office_of(refund) if by else None
    data = {"refund": refund.pk, "amount": refund.amount}
    return ledger.append(dossier, name, actor=by, agency=agency, data=data)


# --- Locks ----------------------------------------------------------------------------


def _locked_money(money: Payment | BankLine) -> tuple[Payment | BankLine, Dossier | None]:
    """The payment or the bank line, locked after its dossier, read again."""
    payment_id = money.pk if isinstance(money, Payment) else money.payment_id
    dossier = payment = None
    if payment_id:
        dossier_id = Payment.objects.values_list("dossier_id", flat=True).get(pk=payment_id)
        dossier = workflow.lock(dossier_id)
        payment = Payment.objects.select_for_update().get(pk=payment_id)
        payment.dossier = dossier
    if isinstance(money, Payment):
        return payment, dossier
    lines = BankLine.objects.select_for_update(of=("self",)).select_related("agency")
    line = lines.get(pk=money.pk)
    if line.payment_id != payment_id:
        raise workflow.NotPossible(_("Khoản tiền này vừa được đối chiếu lại; xin mở lại trang."))
    line.payment = payment
    return line, dossier


def _locked(refund: Refund) -> tuple[Refund, Dossier | None]:
    """The refund, locked after its money, read again."""
    money, dossier = _locked_money(refund.payment or refund.bank_line)
    rows = Refund.objects.select_for_update(of=("self",))
    refund = rows.select_related("proposed_by", "decided_by", "done_by").get(pk=refund.pk)
    if isinstance(money, Payment):
        refund.payment = money
    else:
        refund.bank_line = money
    return refund, dossier
