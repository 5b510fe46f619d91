"""Fees asked, and the one place where money becomes a fact.

Rows are locked in this order everywhere: dossier, payment, counter.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import transaction
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import papers, results, workflow
from dossiers.models import Dossier, Paper
from payments import desk, receipts, refunds, tasks
from payments.gateways import PAY_WITHIN
from payments.models import Payment
from procedures import worktime

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User


class AmountMismatch(Exception):
    """Money came in, but not the amount that was asked."""


@receiver(workflow.moved)
def follow_dossier(sender: type[Dossier], move: workflow.Move, **kwargs: object) -> None:
    """Ask for the fees of a move; drop what is pending when the dossier has ended.

    What is asked with the result is paid at the desk and stops no clock.
    """
    if move.fee_lines:
        lines = [line.as_data() for line in move.fee_lines]
        lines += _left_at_counter(move, lines)
        _give_up_pending(move.dossier)  # of what was asked otherwise before
        ask(move.dossier, lines)
    elif move.data.get("nothing_left"):
        _give_up_pending(move.dossier)
    elif move.action.is_final:
        _give_up_pending(move.dossier)
        _offer_back(move.dossier)


def _left_at_counter(move: workflow.Move, lines: list[dict]) -> list[dict]:
    """What was asked at the counter and not paid: asked again with what falls due later.

    What cannot be paid online is asked with the result.
    """
    if move.action.name != "request_payment":
        return []
    keys = {line["key"] for line in lines}
    pending = move.dossier.payments.filter(state=Payment.State.PENDING)
    asked = [line for payment in pending for line in payment.lines]
    return [line for line in asked if line["is_payable_online"] and line["key"] not in keys]


def _offer_back(dossier: Dossier) -> None:
    """Mark what was paid for a dossier that came to nothing, where the law refunds it.

    Also where a part goes back already for an exemption: now it is the whole.
    """
    paid = dossier.payments.filter(state=Payment.State.PAID)
    for payment in paid.exclude(refund_reason__in=Payment.NEVER_OWED):
        if any(line.get("is_refundable") for line in payment.lines):
            payment.needs_refund, payment.refund_reason = True, Payment.RefundReason.ENDED
            payment.needs_refund = refunds.refundable(payment) > 0
            payment.save(update_fields=["needs_refund", "refund_reason"])


def ask(dossier: Dossier, lines: list[dict], method: str = Payment.Method.VNPAY) -> Payment:
    """A pending payment of these charges, frozen as they are now."""
    return Payment.objects.create(
        dossier=dossier,
        lines=lines,
        amount=sum(line["amount"] for line in lines),
        method=method,
    )


def payable(dossier: Dossier) -> Payment | None:
    """What the citizen can pay now: the newest attempt that brought no money. Changes nothing.

    None where the dossier does not wait for money. Against a finished result only fees that
    may be paid online, and as long as they are asked.
    """
    unpaid = Payment.objects.filter(dossier=dossier).exclude(state=Payment.State.PAID)
    if dossier.state == Dossier.State.PAYMENT_REQUIRED:
        return unpaid.last()
    if dossier.state != Dossier.State.COMPLETED or not results.unpaid_fees(dossier):
        return None
    payment = unpaid.last()
    if payment and all(line["is_payable_online"] for line in payment.lines):
        return payment
    return None


@transaction.atomic
def begin(dossier: Dossier, method: str = Payment.Method.VNPAY) -> Payment | None:
    """The attempt that is paid this way now; None where there is nothing to pay.

    One reference is one order at the gateway, with one time of creation and of expiry: the
    same attempt goes again until it lapses. Then, after a failure, and where the person
    chooses another way, there is a new one; what the old one may still bring is recorded all
    the same.
    """
    locked = workflow.lock(dossier.pk)
    payment = payable(locked)
    if payment is None:
        return None
    if not _can_go_on(payment, method):
        _give_up_pending(locked)
        payment = ask(locked, payment.lines, method)
    if payment.started_at is None:
        payment.method, payment.started_at = method, timezone.now()
        payment.save(update_fields=["method", "started_at"])
    return payment


def _can_go_on(payment: Payment, method: str) -> bool:
    """Whether this very attempt may be paid this way."""
    if payment.state != Payment.State.PENDING or has_lapsed(payment):
        return False
    return payment.started_at is None or payment.method == method


def has_lapsed(payment: Payment) -> bool:
    """Whether the time to pay at the gateway is over (vnp_ExpireDate); a transfer has all time."""
    if payment.started_at is None or payment.method not in Payment.GATEWAYS:
        return False
    return timezone.now() >= payment.started_at + PAY_WITHIN


def _give_up_pending(dossier: Dossier) -> None:
    pending = Payment.objects.filter(dossier=dossier, state=Payment.State.PENDING)
    pending.update(state=Payment.State.CANCELLED)


@transaction.atomic
def confirm(
    payment: Payment,
    *,
    amount: int,
    transaction_number: str = "",
    method: str = Payment.Method.VNPAY,
    by: User | None = None,
) -> bool:
    """Record that `amount` đồng were received for this payment; True when that was news.

    Locks, re-reads, returns if it was known, compares the amount (`AmountMismatch`), then
    takes the receipt's number and moves the dossier, all in one transaction. Money for a
    dossier that does not wait for it is recorded and marked for refund. A later success
    beats an earlier failure or cancellation. Cash lies in the drawer of `by`.
    """
    dossier = workflow.lock(payment.dossier_id)
    rows = {row.pk: row for row in dossier.payments.select_for_update()}
    payment = rows[payment.pk]
    if payment.state == Payment.State.PAID:
        return False
    if amount != payment.amount:
        raise AmountMismatch(f"asked {payment.amount}, received {amount}")
    is_awaited = desk.is_typed(payment) or (
        _awaits_money(dossier, rows.values()) and not _is_paid_otherwise(payment, rows.values())
    )
    if is_awaited and payment.state != Payment.State.PENDING:
        _give_up_pending(dossier)
    paid_before = [row for row in rows.values() if row.state == Payment.State.PAID]
    _record(payment, method, transaction_number, "" if is_awaited else _why_back(paid_before))
    paper = papers.note(
        dossier,
        Paper.Kind.PAYMENT,
        receipts.facts_of(receipts.issue(payment, dossier, by=by), dossier),
        number=len(paid_before) + 1,
    )
    if method == Payment.Method.CASH:
        desk.note_cash(payment, by=by)
    tasks.follow_payment.enqueue(payment.pk, paper.pk)
    _go_on(dossier, payment, is_awaited=is_awaited)
    return True


def _record(payment: Payment, method: str, transaction_number: str, why_back: str) -> None:
    payment.state, payment.method = Payment.State.PAID, method
    payment.paid_at, payment.transaction = timezone.now(), transaction_number
    payment.needs_refund, payment.refund_reason = bool(why_back), why_back
    payment.save(
        update_fields=[
            "state", "method", "paid_at", "transaction", "needs_refund", "refund_reason",
        ]
    )  # fmt: skip


def _why_back(paid_before: list[Payment]) -> str:
    """Why money that no dossier waits for goes back: it came twice, or nobody asked it."""
    is_second = any(row.refund_reason not in Payment.NEVER_OWED for row in paid_before)
    return Payment.RefundReason.TWICE if is_second else Payment.RefundReason.NOT_ASKED


def _go_on(dossier: Dossier, payment: Payment, *, is_awaited: bool) -> None:
    """Move the dossier that stood still for this money, or give its result online."""
    if not is_awaited:
        return
    if dossier.state == Dossier.State.PAYMENT_REQUIRED:
        with worktime.one_calendar():
            workflow.perform_locked(
                dossier, "confirm_payment", by=None, payment=payment.pk, amount=payment.amount
            )
    elif dossier.state == Dossier.State.COMPLETED:
        if results.can_be_given_online(dossier):
            results.give_online_later(dossier)
        else:
            _ask_what_is_left(dossier)


def _ask_what_is_left(dossier: Dossier) -> None:
    """Ask for what an attempt of before did not pay, so that nothing is asked twice."""
    left = results.unpaid_fees(dossier)
    if left and not dossier.payments.filter(state=Payment.State.PENDING).exists():
        ask(dossier, [line.as_data() for line in left])


def _awaits_money(dossier: Dossier, rows: Iterable[Payment]) -> bool:
    """Whether the dossier stands still for a fee, or its result is ready against one."""
    if dossier.state == Dossier.State.COMPLETED or dossier.is_at_once:
        return bool(results.unpaid_fees(dossier))
    if dossier.state == Dossier.State.PAYMENT_REQUIRED:
        return True
    return _is_counters(dossier) and any(row.state == Payment.State.PENDING for row in rows)


def _is_paid_otherwise(payment: Payment, rows: Iterable[Payment]) -> bool:
    """Whether other money paid all fees of an attempt of before, and others are asked now:
    this money then came twice, whatever else the dossier waits for."""
    newest = [row for row in rows if row.state != Payment.State.PAID][-1]
    if newest.lines == payment.lines:
        return False
    paid = results.paid_fees(payment.dossier)
    return all(paid[line["key"]] >= line["amount"] for line in payment.lines)


def _is_counters(dossier: Dossier) -> bool:
    """Whether it was entered at the counter, where an open fee stops nothing."""
    return dossier.entered_by_id is not None and not dossier.is_final


@transaction.atomic
def take_cash(payment: Payment, *, by: User) -> bool:
    """Record cash paid at the desk for these charges; False where they were paid before.

    An attempt that the gateway knows is not used, since money may still come for it: the
    cash is an attempt of its own. Raises `workflow.NotAllowed` for anyone but the desk's
    cashier, `workflow.NotPossible` where the dossier does not wait for money.
    """
    dossier = workflow.lock(payment.dossier_id)
    desk.check_cashier(dossier, by)
    rows = list(dossier.payments.all())
    if not _awaits_money(dossier, rows):
        if any(row.state == Payment.State.PAID for row in rows):
            return False
        raise workflow.NotPossible(_("Hồ sơ này không có khoản nào đang chờ nộp; xin không thu."))
    payment = [row for row in rows if row.state != Payment.State.PAID][-1]
    if payment.started_at is not None or payment.state != Payment.State.PENDING:
        _give_up_pending(dossier)
        payment = ask(dossier, payment.lines, Payment.Method.CASH)
    return confirm(payment, amount=payment.amount, method=Payment.Method.CASH, by=by)
