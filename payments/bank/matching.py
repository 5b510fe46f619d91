"""Credits that came in, kept once, and given to the payments whose reference they carry.

By itself only what leaves no doubt: a whole reference with its check character, of a payment
of an office with this very account, and the amount that was asked. The rest waits for the
cashier. Rows are locked in the order of the whole app: dossier, payment, bank line.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from dossiers import workflow
from payments import services
from payments.bank.credits import Credit
from payments.gateways import vietqr
from payments.models import BankLine, BankStatement, Payment, is_reference
from procedures.models import Agency
from procedures.text import fold
from procedures.worktime import VIETNAM

LENGTH = 16  # of a reference
DIGEST = 64  # characters of the number that we give where the bank gives none
TRANSACTION = 40  # characters of a payment's transaction number
AT_ONCE = 500  # rows in one statement of the database

logger = logging.getLogger(__name__)


@dataclass
class Taken:
    """What became of some credits: how many were new, known before, matched at once."""

    new: int = 0
    known: int = 0
    matched: int = 0


def take(
    credits: Iterable[Credit],
    *,
    agency: Agency,
    account: str,
    statement: BankStatement | None = None,
) -> Taken:
    """Keep credits on an account of `agency`, each once, and match those without doubt.

    Each match is a transaction of its own: what stops halfway is taken up by the same file
    again.
    """
    rows = {credit.key(account): credit for credit in credits}
    known = _known(account, rows)
    lines = [
        _line(credit, key, agency=agency, account=account, statement=statement)
        for key, credit in rows.items()
        if key not in known
    ]
    payments = _payments_of(lines)
    sure = [(line, payment) for line in lines if (payment := _sure(line, payments))]
    taken = Taken(known=len(known))
    for line, payment in sure:
        _count(taken, _keep(line, payment))
    plain = [line for line in lines if not _sure(line, payments)]
    # One that came in another way at this very moment is there already, and stays as it is.
    BankLine.objects.bulk_create(plain, batch_size=AT_ONCE, ignore_conflicts=True)
    taken.new += len(plain)
    return taken


def _sure(line: BankLine, payments: dict[str, Payment]) -> Payment | None:
    """The payment that a line is for without a doubt; None where there is one."""
    named = [payments[ref] for ref in references_in(line.memo) if ref in payments]
    if len(named) != 1 or named[0].amount != line.amount:
        return None
    return named[0] if _is_of_account(named[0], line) else None


def _count(taken: Taken, line: BankLine | None) -> None:
    taken.new += line is not None
    taken.known += line is None
    taken.matched += line is not None and line.state == BankLine.State.MATCHED


def _known(account: str, rows: dict[str, Credit]) -> set[str]:
    """The keys of those that are there already, under their number or told in another way."""
    keys = list(rows)
    lines = BankLine.objects.filter(account=account)
    known: set[str] = set()
    for start in range(0, len(keys), AT_ONCE):
        some = keys[start : start + AT_ONCE]
        found = lines.filter(bank_reference__in=some)
        known.update(found.values_list("bank_reference", flat=True))
    new = {key: credit for key, credit in rows.items() if key not in known}
    return known | _told_otherwise(lines, new)


def _told_otherwise(lines: QuerySet[BankLine], credits: dict[str, Credit]) -> set[str]:
    """The keys of credits that the bank told of before in its other way, with a number where
    there is none now or the other way round: same day, amount and memo, as often as that."""
    if not credits:
        return set()
    days = [credit.booked_at.astimezone(VIETNAM).date() for credit in credits.values()]
    told = lines.filter(booked_at__date__gte=min(days), booked_at__date__lte=max(days))
    left = Counter((_looks(line), len(line.bank_reference) == DIGEST) for line in told)
    known = set()
    for key, credit in credits.items():
        looks = (_looks(credit), bool(credit.reference))
        if left[looks]:
            left[looks] -= 1
            known.add(key)
    return known


def _looks(row: Credit | BankLine) -> tuple:
    return row.booked_at.astimezone(VIETNAM).date(), row.amount, compact(row.memo)


# --- References in a memo -------------------------------------------------------------


def compact(text: str) -> str:
    """The letters and digits of a text alone, folded and in upper case."""
    return re.sub(r"[^0-9A-Z]", "", fold(text).upper())


def references_in(memo: str) -> list[str]:
    """Our references in what a bank passed on: `MC` and 16 characters, in any case, whatever
    blanks and dashes stand between and whatever the banks put before and after."""
    bare = compact(memo)
    found = []
    for match in re.finditer(f"(?={vietqr.MEMO_PREFIX})", bare):
        start = match.start() + len(vietqr.MEMO_PREFIX)
        candidate = bare[start : start + LENGTH]
        if is_reference(candidate) and candidate not in found:
            found.append(candidate)
    return found


def _payments_of(lines: Iterable[BankLine]) -> dict[str, Payment]:
    wanted = {reference for line in lines for reference in references_in(line.memo)}
    return {payment.reference: payment for payment in payments_with(wanted)}


def payments_with(references: Iterable[str]) -> QuerySet[Payment]:
    """The payments of these references, with their dossiers and receiving offices."""
    rows = Payment.objects.filter(reference__in=list(references))
    return rows.select_related("dossier__receiving_agency__parent")


# --- One line -------------------------------------------------------------------------


def _line(
    credit: Credit, key: str, *, agency: Agency, account: str, statement: BankStatement | None
) -> BankLine:
    return BankLine(
        agency=agency,
        account=account,
        bank_reference=key,
        booked_at=credit.booked_at,
        amount=credit.amount,
        memo=credit.memo,
        payer_name=credit.payer_name,
        payer_account=credit.payer_account,
        payer_bank=credit.payer_bank,
        statement=statement,
    )


@transaction.atomic
def _keep(line: BankLine, payment: Payment) -> BankLine | None:
    """Keep a line and confirm its payment; None where the line is there already."""
    workflow.lock(payment.dossier_id)
    fields = {
        field.attname: getattr(line, field.attname)
        for field in BankLine._meta.concrete_fields
        if field.name not in ("id", "account", "bank_reference", "received_at")
    }
    line, is_new = BankLine.objects.get_or_create(
        account=line.account, bank_reference=line.bank_reference, defaults=fields
    )
    if not is_new:
        return None
    _match(line, payment)
    return line


def _is_of_account(payment: Payment, line: BankLine) -> bool:
    """Whether the fees of this payment's office come on this account."""
    holder = vietqr.account_holder(payment.dossier.receiving_agency)
    return holder is not None and holder.bank_account["number"] == line.account


def _match(line: BankLine, payment: Payment) -> None:
    """Confirm a payment by a line; where that cannot be, the line waits and is not lost."""
    try:
        with transaction.atomic():
            is_news = confirm(payment, [line])
    except Exception:
        logger.exception("bank line %s: payment %s not confirmed", line.pk, payment.reference)
        return
    if is_news:
        give(line, payment, applied=line.amount)


def confirm(payment: Payment, lines: list[BankLine], by=None) -> bool:
    """Confirm a payment by the money of `lines`; False where it was paid before."""
    return services.confirm(
        payment,
        amount=payment.amount,
        method=Payment.Method.VIETQR,
        transaction_number=_transaction_number(lines[0]),
        by=by,
    )


def _transaction_number(line: BankLine) -> str:
    """The bank's number of the first line. Numbers are unique within one bank alone, and
    payments have the number once."""
    number = line.bank_reference
    same = Payment.objects.filter(method=Payment.Method.VIETQR, transaction=number)
    if len(number) <= TRANSACTION and not same.exists():
        return number
    return hashlib.sha256(f"{line.account} {number}".encode()).hexdigest()[:TRANSACTION]


def give(line: BankLine, payment: Payment, *, applied: int, by=None) -> None:
    """Write down that a line paid `applied` đồng of a payment; the rest is in excess.

    The caller holds the locks, and has confirmed the payment in the same transaction.
    """
    line.state, line.payment = BankLine.State.MATCHED, payment
    line.applied, line.excess = applied, line.amount - applied
    line.decided_by, line.decided_at = by, timezone.now()
    line.save(update_fields=["state", "payment", "applied", "excess", "decided_by", "decided_at"])
