"""What must hold in our own books of money, whatever came and in whatever order.

Each check asks the database for what breaks one rule, so that books in order cost a few
queries however long they are. What waits for a person is no difference: a refund that is
offered, a credit that nobody gave to a payment yet, a drawer that is not closed.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Max, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from dossiers import filing, results
from dossiers.models import Dossier
from dossiers.reports.periods import Period
from payments.differences import Difference
from payments.models import (
    BankLine,
    CashClose,
    CashMovement,
    GatewayMessage,
    Payment,
    Receipt,
    ReceiptCounter,
    Refund,
)
from payments.money import format_dong

ANSWER_WITHIN = datetime.timedelta(days=1)
MISSING_SHOWN = 20
_WRONG_AMOUNT = "04"
_TWICE = "twice"
_CAME = Q(content__vnp_TransactionStatus="00") | Q(content__resultCode="0")
_CAME_OTHERWISE = _CAME & Q(answer=_WRONG_AMOUNT)
# Messages of money that is in no payment: it came again, or another sum than was asked.
ELSEWHERE = Q(kind=_TWICE) | _CAME_OTHERWISE
# Ends at which the law may give money back; a result that was given is none.
_ENDED = (Dossier.State.REFUSED, Dossier.State.WITHDRAWN, Dossier.State.STOPPED)

State, Method = Payment.State, Payment.Method


@dataclass(frozen=True)
class Scope:
    """Which part of the books: of these offices (by key; None for all), of this way of paying
    and of the money of these days, where they are given."""

    offices: frozenset[int] | None = None
    method: str = ""
    period: Period | None = None

    def payments(self, **conditions: Any) -> QuerySet[Payment]:
        """The payments of it."""
        rows = self.of_dossiers(Payment.objects.filter(**conditions), "dossier__")
        return rows.filter(method=self.method) if self.method else rows

    def paid(self) -> QuerySet[Payment]:
        """Those that brought money, by the day on which they did."""
        return self.in_days(self.payments(state=State.PAID), "paid_at")

    def of_dossiers(self, rows: QuerySet, path: str) -> QuerySet:
        """`rows` of its offices; `path` leads to the dossier."""
        if self.offices is None:
            return rows
        return rows.filter(**{f"{path}receiving_agency__in": self.offices})

    def of_offices(self, rows: QuerySet) -> QuerySet:
        """`rows` that have an office themselves."""
        return rows if self.offices is None else rows.filter(agency__in=self.offices)

    def in_days(self, rows: QuerySet, column: str) -> QuerySet:
        """`rows` of its days."""
        if self.period is None:
            return rows
        days = {f"{column}__gte": self.period.begin, f"{column}__lt": self.period.end}
        return rows.filter(**days)

    def has(self, *methods: str) -> bool:
        """Whether it is about one of these ways of paying."""
        return not self.method or self.method in methods


def differences(scope: Scope | None = None) -> Iterator[Difference]:
    """Everything in this part of the books that does not agree."""
    scope = scope or Scope()
    for check in CHECKS:
        yield from check(scope)


# --- Receipts -------------------------------------------------------------------------


def _receipts(scope: Scope) -> Iterator[Difference]:
    for payment in scope.paid().filter(receipt=None):
        yield Difference("no_receipt", payment.reference, format_dong(payment.amount))
    receipts = Receipt.objects.exclude(payment=None).exclude(payment__state=State.PAID)
    receipts = scope.in_days(scope.of_offices(receipts), "issued_at")
    for receipt in receipts.select_related("payment"):
        yield Difference("receipt_unpaid", receipt.payment.reference, str(receipt))


def _numbering(scope: Scope) -> Iterator[Difference]:
    """Every office, series and year begins with 1 and has no gap."""
    if scope.method:
        return
    counters = scope.of_offices(ReceiptCounter.objects.order_by())
    last = {(c.agency_id, c.series, c.year): c.last for c in counters}
    rows = scope.of_offices(Receipt.objects.order_by()).values_list("agency", "series", "year")
    for agency, series, year, count, top in rows.annotate(Count("pk"), Max("number")):
        if not count == top == last.pop((agency, series, year), None):
            yield _gap(agency, series, year, top)
    for (agency, series, year), number in last.items():
        if number:
            yield _gap(agency, series, year, number)


def _gap(agency: int, series: str, year: int, top: int) -> Difference:
    rows = Receipt.objects.filter(agency=agency, series=series, year=year)
    known = set(rows.values_list("number", flat=True))
    missing = (number for number in range(1, top + 1) if number not in known)
    some = [str(number) for number, _n in zip(missing, range(MISSING_SHOWN), strict=False)]
    return Difference("numbering", f"{series}-{year}", ", ".join(some))


def _counter_entries(scope: Scope) -> Iterator[Difference]:
    """A receipt is cancelled when, and only when, all of its money went back."""
    back = _sum_of_refunds("payment", [Refund.State.DONE])
    rows = scope.paid().annotate(back=back).exclude(receipt=None)
    is_cancelled = Q(receipt__cancelled_by__isnull=False)
    for payment in rows.filter(is_cancelled).exclude(back=F("amount")):
        yield Difference("counter_entry", payment.reference, format_dong(payment.back))
    for payment in rows.filter(back=F("amount")).exclude(is_cancelled):
        yield Difference("not_cancelled", payment.reference, format_dong(payment.back))


# --- Bank, refunds, cash --------------------------------------------------------------


def _bank(scope: Scope) -> Iterator[Difference]:
    if not scope.has(Method.VIETQR):
        return
    paid = scope.paid().filter(method=Method.VIETQR)
    paid = paid.annotate(covered=Coalesce(Sum("bank_lines__applied"), 0))
    for payment in paid.exclude(covered=F("amount")):
        covered = format_dong(payment.covered)
        yield Difference("bank_sum", payment.reference, format_dong(payment.amount), covered)
    given = Q(state=BankLine.State.MATCHED) | Q(applied__gt=0)
    is_right = Q(
        state=BankLine.State.MATCHED, payment__state=State.PAID, payment__method=Method.VIETQR
    )
    lines = scope.in_days(scope.of_offices(BankLine.objects.filter(given)), "booked_at")
    for line in lines.exclude(is_right):
        yield Difference("bank_line", line.bank_reference, format_dong(line.amount))


def _refunds(scope: Scope) -> Iterator[Difference]:
    """Never more than was paid; agreed to by a second person; sent and done at some time."""
    counted = _sum_of_refunds("payment", Refund.COUNTED)
    for payment in scope.payments().annotate(back=counted).filter(back__gt=0):
        if payment.state != State.PAID or payment.back > payment.amount:
            back = format_dong(payment.back)
            yield Difference("refund_sum", payment.reference, back)
    if scope.has(Method.VIETQR):
        yield from _refunds_of_lines(scope)
    rows = scope.of_dossiers(Refund.objects.exclude(payment=None), "payment__dossier__")
    agreed = Q(state__in=[Refund.State.APPROVED, Refund.State.SENT, Refund.State.DONE])
    unlike = (
        Q(agreed, decided_by=None)
        | Q(state=Refund.State.DONE, done_at=None)
        | Q(state=Refund.State.SENT, asked_at=None)
    )
    for refund in scope.in_days(rows.filter(unlike), "proposed_at"):
        yield Difference("refund_state", refund.reference, refund.get_state_display())


def _refunds_of_lines(scope: Scope) -> Iterator[Difference]:
    counted = _sum_of_refunds("bank_line", Refund.COUNTED)
    lines = scope.of_offices(BankLine.objects.annotate(back=counted)).filter(back__gt=0)
    for line in lines:
        whole = line.amount if line.state == BankLine.State.TO_RETURN else line.excess
        if line.back > whole:
            yield Difference("refund_sum", line.bank_reference, format_dong(line.back))


def _sum_of_refunds(of: str, states: Any) -> Coalesce:
    rows = Refund.objects.filter(**{of: OuterRef("pk")}, state__in=states).order_by()
    return Coalesce(Subquery(rows.values(of).annotate(sum=Sum("amount")).values("sum")), 0)


def _cash(scope: Scope) -> Iterator[Difference]:
    if not scope.has(Method.CASH):
        return
    for payment in scope.paid().filter(method=Method.CASH, cash_movement=None):
        yield Difference("no_movement", payment.reference, format_dong(payment.amount))
    given = Refund.objects.filter(way=Refund.Way.CASH, state=Refund.State.DONE, cash_movement=None)
    given = scope.in_days(scope.of_dossiers(given, "payment__dossier__"), "done_at")
    for refund in given:
        yield Difference("no_movement", refund.reference, format_dong(refund.amount))
    is_right = Q(payment__state=State.PAID, payment__method=Method.CASH) | Q(
        refund__state=Refund.State.DONE, refund__way=Refund.Way.CASH
    )
    moved = scope.in_days(scope.of_offices(CashMovement.objects.exclude(is_right)), "at")
    for row in moved.select_related("payment", "refund"):
        yield Difference("movement", (row.payment or row.refund).reference)
    yield from _closes(scope)


def _closes(scope: Scope) -> Iterator[Difference]:
    closes = scope.in_days(scope.of_offices(CashClose.objects.all()), "closed_at").annotate(
        came=Coalesce(Sum("movements__payment__amount"), 0),
        went=Coalesce(Sum("movements__refund__amount"), 0),
    )
    for close in closes.exclude(came=F("taken"), went=F("given_back")):
        kept = f"{format_dong(close.taken)}, {format_dong(close.given_back)}"
        found = f"{format_dong(close.came)}, {format_dong(close.went)}"
        yield Difference("close_sum", str(close), kept, found)


# --- The money of each dossier --------------------------------------------------------


def _standing(scope: Scope) -> QuerySet[Payment]:
    """The payments that are for good: not offered back, nor gone back whole."""
    back = _sum_of_refunds("payment", Refund.COUNTED)
    rows = scope.payments(state=State.PAID, needs_refund=False)
    return rows.annotate(back=back).filter(back__lt=F("amount"))


def _paid_twice(scope: Scope) -> Iterator[Difference]:
    """For no fee of a dossier do several payments stand that come to more than it costs.

    One that a later answer raised is paid in two parts.
    """
    several = scope.paid().order_by().values("dossier")
    if not scope.method and scope.period is None:
        several = several.annotate(count=Count("pk")).filter(count__gt=1).values("dossier")
    often: dict[int, Counter] = {}
    rows = _standing(Scope(scope.offices)).filter(dossier__in=several).order_by()
    for pk, lines in rows.values_list("dossier", "lines"):
        often.setdefault(pk, Counter()).update(line["key"] for line in lines)
    suspects = [pk for pk, counted in often.items() if max(counted.values()) > 1]
    for dossier in Dossier.objects.filter(pk__in=suspects).select_related("revision"):
        twice = _paid_beyond(dossier, [key for key, n in often[dossier.pk].items() if n > 1])
        if twice:
            yield Difference("paid_twice", dossier.code, ", ".join(twice))


def _paid_beyond(dossier: Dossier, keys: list[str]) -> list[str]:
    """Which of these fees stand paid by more than they cost; one without an amount costs
    what was typed for it once."""
    costs = {line.key: line.amount for line in filing.charges(dossier)}
    lines = [line for row in _standing(Scope()).filter(dossier=dossier) for line in row.lines]
    paid = {key: [line["amount"] for line in lines if line["key"] == key] for key in keys}
    return [key for key in keys if sum(paid[key]) > (costs.get(key) or paid[key][0])]


def _still_asked(scope: Scope) -> Iterator[Difference]:
    """No dossier stands still for a fee that was paid."""
    waiting = scope.payments(
        state=State.PENDING, dossier__state=Dossier.State.PAYMENT_REQUIRED
    ).filter(dossier__payments__state=State.PAID)
    for payment in waiting.distinct().select_related("dossier__revision"):
        paid = results.paid_fees(payment.dossier)
        costs = {line.key: line.amount for line in filing.charges(payment.dossier)}
        asked = [line["key"] for line in payment.lines]
        if all(costs.get(key) and paid.get(key, 0) >= costs[key] for key in asked):
            yield Difference("still_asked", payment.dossier.code, payment.reference)


def _not_offered(scope: Scope) -> Iterator[Difference]:
    """What the law gives back is offered when a dossier has come to nothing."""
    rows = scope.in_days(_standing(scope), "paid_at").filter(dossier__state__in=_ENDED, back=0)
    for payment in rows.select_related("dossier").iterator(chunk_size=500):
        if any(line.get("is_refundable") for line in payment.lines):
            yield Difference("not_offered", payment.reference, format_dong(payment.amount))


# --- What others say ------------------------------------------------------------------


def _said(scope: Scope) -> Iterator[Difference]:
    """Money of which a gateway told us, signed, and which is in no payment."""
    rows = scope.of_dossiers(GatewayMessage.objects.exclude(payment=None), "payment__dossier__")
    rows = scope.in_days(rows, "received_at").select_related("payment")
    if scope.method:
        rows = rows.filter(method=scope.method)
    for message in _once(rows.filter(kind=_TWICE)):
        yield Difference("said_twice", message.payment.reference, message.payment.transaction)
    for message in _once(rows.filter(_CAME_OTHERWISE)):
        asked = format_dong(message.payment.amount)
        yield Difference("said_other", message.payment.reference, asked)


def _once(messages: QuerySet[GatewayMessage]) -> Iterator[GatewayMessage]:
    """One message for each payment: gateways repeat themselves."""
    seen: set[int] = set()
    for message in messages:
        if message.payment_id not in seen:
            seen.add(message.payment_id)
            yield message


def _silent(scope: Scope) -> Iterator[Difference]:
    """Of every payment that was begun at a gateway it is known after a day how it ended."""
    rows = scope.payments(
        state=State.PENDING,
        method__in=Payment.GATEWAYS,
        started_at__lt=timezone.now() - ANSWER_WITHIN,
    )
    for payment in scope.in_days(rows, "started_at"):
        yield Difference("silent", payment.reference, format_dong(payment.amount))


CHECKS: tuple[Callable[[Scope], Iterator[Difference]], ...] = (
    _receipts, _numbering, _counter_entries, _bank, _refunds, _cash, _paid_twice, _still_asked,
    _not_offered, _said, _silent,
)  # fmt: skip
