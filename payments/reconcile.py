"""A gateway's or a bank's day beside ours: what one has and the other has not.

What a gateway says is matched by our reference, wherever in our books it stands, so that a
payment of which we heard a day later is no difference. Of a bank every credit on the account
must be among ours. With nothing from outside, our own books are checked (`payments.books`).
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _

from dossiers.reports.periods import Period
from payments import books, settlements
from payments.bank import matching, statements
from payments.bank.credits import Credit
from payments.books import Scope
from payments.differences import Difference
from payments.models import BankLine, GatewayMessage, Payment, Reconciliation, Refund, SandboxOrder
from payments.money import format_dong
from payments.settlements import Entry
from procedures.models import Agency
from procedures.worktime import VIETNAM

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

Method, State = Payment.Method, Payment.State
# A payment of a day may reach our books so much later: the gateways are asked for three days.
HEARD_WITHIN = datetime.timedelta(days=3)
AT_ONCE = 500
_MESSAGE_OF = "%Y%m%d%H%M%S"


@dataclass
class Comparison:
    """What both sides have, and what does not agree; amounts in đồng. `faults` are the lines
    of the file that could not be read."""

    count_ours: int = 0
    total_ours: int = 0
    count_theirs: int = 0
    total_theirs: int = 0
    differences: list[Difference] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)


# --- Gateways -------------------------------------------------------------------------


def with_gateway(method: str, entries: Iterable[Entry], scope: Scope) -> Comparison:
    """Compare what a gateway says of some days with our payments by it.

    Of payments of other offices than those of `scope` nothing is said.
    """
    theirs = [entry for entry in entries if _is_in(entry.at, scope.period)]
    known = _known(theirs)
    found = Comparison()
    seen: dict[str, Entry] = {}
    for entry in theirs:
        payment = known.get(entry.reference)
        if payment and not _is_of(payment, scope):
            continue
        if entry.is_refund:
            found.differences += _refund_differences(entry, payment)
            continue
        found.count_theirs += 1
        found.total_theirs += entry.amount
        if first := seen.get(entry.reference):
            found.differences.append(_twice(first, entry))
            continue
        seen[entry.reference] = entry
        found.differences += _payment_differences(entry, payment, method)
    _add_ours(found, method, seen, scope)
    return found


def _is_in(at: datetime.datetime | None, period: Period | None) -> bool:
    return at is None or period is None or period.begin <= at < period.end


def _is_of(payment: Payment, scope: Scope) -> bool:
    return scope.offices is None or payment.dossier.receiving_agency_id in scope.offices


def _known(entries: list[Entry]) -> dict[str, Payment]:
    """Our payments by the references that they give; a refund has one of its own there."""
    references = sorted({entry.reference for entry in entries})
    known: dict[str, Payment] = {}
    for start in range(0, len(references), AT_ONCE):
        some = references[start : start + AT_ONCE]
        payments = Payment.objects.select_related("dossier")
        known |= {row.reference: row for row in payments.filter(reference__in=some)}
        refunds = Refund.objects.filter(reference__in=some).exclude(payment=None)
        for refund in refunds.select_related("payment__dossier"):
            known[refund.reference] = refund.payment
    return known


def _payment_differences(
    entry: Entry, payment: Payment | None, method: str
) -> Iterator[Difference]:
    amount = format_dong(entry.amount)
    if payment is None or payment.state != State.PAID or payment.method != method:
        ours = payment.get_state_display() if payment else ""
        yield Difference("missing_ours", entry.reference, ours, amount)
    elif payment.amount != entry.amount:
        yield Difference("amount", entry.reference, format_dong(payment.amount), amount)
    elif entry.transaction and payment.transaction != entry.transaction:
        yield Difference("transaction", entry.reference, payment.transaction, entry.transaction)


def _twice(first: Entry, second: Entry) -> Difference:
    numbers = ", ".join(filter(None, (first.transaction, second.transaction)))
    return Difference("theirs_twice", second.reference, "", numbers or format_dong(second.amount))


def _refund_differences(entry: Entry, payment: Payment | None) -> Iterator[Difference]:
    """A refund that they have made is one that we sent, of the same amount."""
    ours = payment.refunds.filter(
        state__in=[Refund.State.SENT, Refund.State.DONE], way=Refund.Way.GATEWAY
    ) if payment else Refund.objects.none()  # fmt: skip
    if not any(refund.amount == entry.amount for refund in ours):
        yield Difference("refund_unknown", entry.reference, "", format_dong(entry.amount))


def _add_ours(found: Comparison, method: str, seen: dict[str, Entry], scope: Scope) -> None:
    for payment in _ours(method, scope):
        found.count_ours += 1
        found.total_ours += payment.amount
        if payment.reference not in seen:
            amount = format_dong(payment.amount)
            found.differences.append(Difference("missing_theirs", payment.reference, amount))


def _ours(method: str, scope: Scope) -> list[Payment]:
    """Our payments by a gateway that were made in these days by its own clock."""
    rows = Scope(scope.offices, method).payments(state=State.PAID)
    period = scope.period
    if period is None:
        return list(rows)
    rows = rows.filter(paid_at__gte=period.begin, paid_at__lt=period.end + HEARD_WITHIN)
    made = _made_at(method, rows)
    return [row for row in rows if _is_in(made.get(row.pk, row.paid_at), period)]


def _made_at(method: str, rows: Any) -> dict[int, datetime.datetime]:
    """When each was made, where the gateway said it: we may have heard of it later."""
    messages = GatewayMessage.objects.filter(method=method, payment__in=rows)
    messages = messages.filter(
        Q(content__vnp_TransactionStatus="00") | Q(content__resultCode="0")
    ).values_list("payment", "content")
    found: dict[int, datetime.datetime] = {}
    for key, content in messages:
        if moment := _moment(content):
            found.setdefault(key, moment)
    return found


def _moment(content: dict[str, Any]) -> datetime.datetime | None:
    try:
        if said := content.get("vnp_PayDate"):
            day = datetime.datetime.strptime(str(said), _MESSAGE_OF)
            return day.replace(tzinfo=VIETNAM)
        if said := content.get("responseTime"):
            return datetime.datetime.fromtimestamp(int(said) / 1000, tz=datetime.UTC)
    except (ValueError, OverflowError):
        return None
    return None


def sandbox_entries(method: str) -> list[Entry]:
    """What the gateway that we play ourselves remembers."""
    orders = SandboxOrder.objects.filter(method=method, response_code="00")
    return [
        Entry(
            reference=order.reference,
            amount=order.amount // 100,
            transaction=order.number,
            at=_moment({"vnp_PayDate": order.paid_at}),
        )
        for order in orders
    ]


# --- Bank accounts --------------------------------------------------------------------


def with_bank(account: str, credits: Iterable[Credit], period: Period | None) -> Comparison:
    """Compare the credits of a statement with those that we have of the same account."""
    theirs = [credit for credit in credits if _is_in(credit.booked_at, period)]
    period = period or _days_of(theirs)
    found = Comparison(
        count_theirs=len(theirs), total_theirs=sum(credit.amount for credit in theirs)
    )
    lines = BankLine.objects.filter(account=account)
    if period:
        lines = lines.filter(booked_at__gte=period.begin, booked_at__lt=period.end)
    ours = list(lines)
    found.count_ours, found.total_ours = len(ours), sum(line.amount for line in ours)
    left = {line.bank_reference: line for line in ours}
    seen: set[str] = set()
    for credit in theirs:
        key = credit.key(account)
        if key in seen:
            found.differences.append(_line_difference("theirs_twice", key, None, credit))
            continue
        seen.add(key)
        line = left.pop(key, None) or _looks_alike(left, credit)
        if line is None:
            found.differences.append(_line_difference("missing_ours", key, None, credit))
        elif line.amount != credit.amount:
            found.differences.append(_line_difference("amount", key, line, credit))
    for line in left.values():
        found.differences.append(_line_difference("missing_theirs", line.bank_reference, line))
    return found


def _days_of(credits: list[Credit]) -> Period | None:
    days = [credit.booked_at.astimezone(VIETNAM).date() for credit in credits]
    return Period(min(days), max(days)) if days else None


def _looks_alike(left: dict[str, BankLine], credit: Credit) -> BankLine | None:
    """The line that the bank's webhook told with another number: same day, amount and words."""
    for key, line in left.items():
        if _looks(line) == _looks(credit):
            return left.pop(key)
    return None


def _looks(row: Credit | BankLine) -> tuple:
    return row.booked_at.astimezone(VIETNAM).date(), row.amount, matching.compact(row.memo)


def _line_difference(
    kind: str, key: str, line: BankLine | None, credit: Credit | None = None
) -> Difference:
    def said(row: Credit | BankLine | None) -> str:
        return f"{format_dong(row.amount)} {row.memo}"[:120].strip() if row else ""

    return Difference(kind, key, said(line), said(credit))


# --- One day, kept --------------------------------------------------------------------


def compare(
    method: str, scope: Scope, *, agency: Agency, name: str = "", content: bytes | None = None
) -> Comparison:
    """What the books of `scope` and a file (or the sandbox, or nothing but ourselves) say.

    `agency` is the office whose bank account a statement is of. Raises
    `tables.Unreadable` with a sentence for a file that cannot be read.
    """
    if method in Payment.GATEWAYS and content is not None:
        read = settlements.read(content)
        found = with_gateway(method, read.entries, scope)
        found.faults = read.faults
    elif method in Payment.GATEWAYS and settings.PAYMENT_SANDBOX:
        found = with_gateway(method, sandbox_entries(method), scope)
    elif method == Method.VIETQR and content is not None:
        statement = statements.read(name, content)
        account = agency.bank_account.get("number", "") or statement.account
        found = with_bank(account, statement.credits, scope.period)
        found.faults = statement.faults
    else:
        found = _alone(scope)
    found.differences += books.differences(scope)
    return found


def _alone(scope: Scope) -> Comparison:
    """Our own side, where there is no other."""
    amounts = list(scope.paid().values_list("amount", flat=True))
    return Comparison(len(amounts), sum(amounts), len(amounts), sum(amounts))


def keep(
    found: Comparison,
    *,
    agency: Agency,
    method: str,
    day: datetime.date,
    by: User | None,
    name: str = "",
    content: bytes | None = None,
) -> Reconciliation:
    """Keep that a day was compared, and what did not agree."""
    return Reconciliation.objects.create(
        agency=agency,
        method=method,
        day=day,
        source=name[:200],
        sha256=hashlib.sha256(content).hexdigest() if content else "",
        count_ours=found.count_ours,
        count_theirs=found.count_theirs,
        total_ours=found.total_ours,
        total_theirs=found.total_theirs,
        differences=[row.as_data() for row in found.differences],
        checked_by=by,
    )


def as_rows(kept: Reconciliation) -> list[Difference]:
    """The differences that were kept, in words again."""
    return [Difference(**row) for row in kept.differences]


def text_of_fault(fault: dict[str, Any]) -> str:
    """One line of a file that could not be read, as a sentence."""
    return _("Dòng %(line)s của tệp không đọc được: %(text)s") % fault
