"""Why a credit waits, and whose it may be: what the cashier is offered, never decided here."""

from __future__ import annotations

import datetime
import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from payments.bank import accounts
from payments.bank.matching import LENGTH, compact, payments_with, references_in
from payments.gateways import vietqr
from payments.models import BankLine, Payment
from payments.money import format_dong
from procedures.text import fold

POOL = 1_000  # unpaid payments that are looked through
WITHIN = datetime.timedelta(days=90)
SHOWN = 8
SLIPS = 2  # characters of a reference that may be wrong
ALIKE = 0.85  # of a name

_NEARLY = re.compile(f"{vietqr.MEMO_PREFIX}[0-9A-Z]{{{LENGTH - SLIPS},}}")


@dataclass
class Suggestion:
    """A payment that a line may be for, with what speaks for it; the best has most points."""

    payment: Payment
    points: int = 0
    reasons: list[str] = field(default_factory=list)

    def add(self, points: int, reason: str) -> None:
        """Note one more thing that speaks for it."""
        self.points += points
        self.reasons.append(reason)


# --- Why it waits ---------------------------------------------------------------------


def reasons(lines: Iterable[BankLine]) -> dict[int, str]:
    """Why each of these lines was not matched by itself, by key; two statements for all."""
    found = {line.pk: references_in(line.memo) for line in lines}
    wanted = {reference for some in found.values() for reference in some}
    payments = {payment.reference: payment for payment in payments_with(wanted)} if wanted else {}
    return {line.pk: _reason(line, found[line.pk], payments) for line in lines}


def _reason(line: BankLine, references: list[str], payments: dict[str, Payment]) -> str:
    known = [payments[reference] for reference in references if reference in payments]
    if len(known) > 1:
        return _("Nội dung có nhiều mã thanh toán.")
    if not known:
        return _unknown(line, references)
    [payment] = known
    if payment.state == Payment.State.PAID:
        return _("Mã thanh toán này đã được nộp trước đó.")
    holder = vietqr.account_holder(payment.dossier.receiving_agency)
    if holder is None or holder.bank_account["number"] != line.account:
        return _("Mã thanh toán của hồ sơ nộp ở cơ quan khác.")
    if payment.amount != line.amount:
        return _("Số tiền khác với %(amount)s phải nộp.") % {"amount": format_dong(payment.amount)}
    return _("Chưa ghép được tự động; xin ghép tay.")


def _unknown(line: BankLine, references: list[str]) -> str:
    if references:
        return _("Mã thanh toán trong nội dung không có trên cổng.")
    if _NEARLY.search(compact(line.memo)):
        return _("Mã thanh toán trong nội dung có chỗ gõ sai.")
    return _("Nội dung không có mã thanh toán.")


# --- Whose it may be ------------------------------------------------------------------


def suggestions(line: BankLine) -> list[Suggestion]:
    """The payments that a waiting line may be for, the likeliest first, eight at most."""
    exact = {payment.pk: Suggestion(payment) for payment in _named_in(line)}
    for suggestion in exact.values():
        suggestion.add(100, _("đúng mã thanh toán"))
    pool = [Suggestion(payment) for payment in _unpaid(line) if payment.pk not in exact]
    found = [*exact.values(), *pool]
    facts = _Facts(line)
    for suggestion in found:
        facts.weigh(suggestion)
    likely = [suggestion for suggestion in found if suggestion.points]
    return sorted(likely, key=lambda row: (-row.points, -row.payment.pk))[:SHOWN]


def _named_in(line: BankLine) -> Iterable[Payment]:
    return payments_with(references_in(line.memo)).select_related(
        "dossier__receiving_agency__parent", "dossier__owner"
    )


def _unpaid(line: BankLine) -> Iterable[Payment]:
    """What was asked on this account and brought no money, the newest attempts first."""
    since = timezone.now() - WITHIN
    is_open = Q(state=Payment.State.PENDING)
    is_recent = Q(created_at__gte=since) & ~Q(state=Payment.State.PAID)
    rows = Payment.objects.filter(
        is_open | is_recent, dossier__receiving_agency__in=accounts.served_by(line.agency)
    )
    return rows.select_related("dossier__owner").order_by("-pk")[:POOL]


class _Facts:
    """What a line says, folded once for all the payments that it is compared with."""

    def __init__(self, line: BankLine):
        self.line = line
        self.memo = compact(line.memo)
        self.names = [name for name in (fold(line.payer_name), fold(line.memo)) if name]
        self.has_code = bool(re.search(r"[0-9]{10}", self.memo))

    def weigh(self, suggestion: Suggestion) -> None:
        """Add what speaks for one payment."""
        payment = suggestion.payment
        if not suggestion.points and near(payment.reference, self.memo):
            suggestion.add(60, _("mã thanh toán gần giống"))
        code = payment.dossier.code
        if self.has_code and code and compact(code) in self.memo:
            suggestion.add(50, _("mã hồ sơ trong nội dung"))
        if payment.state != Payment.State.PENDING and not suggestion.points:
            return
        if payment.amount != self.line.amount:
            return
        suggestion.add(10, _("đúng số tiền"))
        if points := self._named(payment):
            suggestion.add(points, _("người chuyển giống người nộp hồ sơ"))

    def _named(self, payment: Payment) -> int:
        """20 where somebody of the dossier is named, 10 for a name much alike, else 0."""
        dossier = payment.dossier
        people = filter(None, (dossier.owner.get_full_name(), dossier.behalf.get("name", "")))
        pairs = [(name, said) for name in map(fold, people) for said in self.names]
        if any(f" {name} " in f" {said} " for name, said in pairs):
            return 20
        alike = (difflib.SequenceMatcher(None, *pair).ratio() for pair in pairs)
        return 10 if any(ratio >= ALIKE for ratio in alike) else 0


def near(reference: str, memo: str) -> bool:
    """Whether a reference stands in a compacted memo with at most two slips.

    Of three parts of it at least one is then whole, so most are passed over quickly.
    """
    parts = (reference[:5], reference[5:10], reference[10:])
    if not any(part in memo for part in parts):
        return False
    return any(
        distance(reference, memo[start : start + length]) <= SLIPS
        for start in range(len(memo) - LENGTH + SLIPS + 1)
        for length in range(LENGTH - SLIPS, LENGTH + SLIPS + 1)
    )


def distance(one: str, other: str) -> int:
    """How many characters are to be put in, left out, changed or exchanged with the next to
    make one text of the other."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, char in enumerate(one, 1):
        two_before, before, row = before, row, [i]
        for j, there in enumerate(other, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (char != there))
            if i > 1 and j > 1 and char == other[j - 2] and one[i - 2] == there:
                best = min(best, two_before[j - 2] + 1)
            row.append(best)
    return row[-1]


def find(text: str, line: BankLine) -> Payment | None:
    """The newest unpaid payment of a dossier code, or the one of a reference, that somebody
    types; None where this account has no such one."""
    typed = compact(text).removeprefix(vietqr.MEMO_PREFIX)
    served: dict[str, Any] = {"dossier__receiving_agency__in": accounts.served_by(line.agency)}
    rows = Payment.objects.filter(**served).select_related("dossier__owner")
    if found := rows.filter(reference=typed).first():
        return found
    unpaid = rows.filter(dossier__code=text.strip().upper()).exclude(state=Payment.State.PAID)
    return unpaid.last()
