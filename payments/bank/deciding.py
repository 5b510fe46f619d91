"""What the cashier decides of money that waits: whose it is, or that it goes back.

Whoever has an interest in the dossier, or a relative in it, leaves the money to another, as
with cash. All of it raises `workflow.Refused` with a sentence, and then nothing is changed.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import conflicts, workflow
from dossiers.models import Dossier
from payments.bank import accounts, matching
from payments.models import BankLine, Payment, Refund
from payments.money import format_dong
from procedures.models import Posting
from procedures.postings import held_by

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

MOST_LINES = 10
State = BankLine.State


@transaction.atomic
def assign(lines: Collection[BankLine], payment: Payment, *, by: User) -> None:
    """Give waiting lines of one account to one payment that they cover together.

    They are taken in the order in which they were booked; what is left of the last one is in
    excess, to be given back. A line of which nothing is needed is refused.
    """
    dossier = workflow.lock(payment.dossier_id)
    _check_person(dossier, by)
    payment = Payment.objects.select_for_update().get(pk=payment.pk)
    locked = _waiting(lines)
    _check_account(locked, by)
    shares = _shares(locked, payment.amount)
    if not matching.confirm(payment, locked, by=by):
        raise workflow.NotPossible(_("Khoản này đã được nộp trước đó; tiền về cần hoàn trả."))
    for line, applied in zip(locked, shares, strict=True):
        matching.give(line, payment, applied=applied, by=by)


def _check_person(dossier: Dossier, by: User) -> None:
    if Posting.Role.CASHIER not in workflow.roles_at(dossier, by):
        raise workflow.NotAllowed(_("Chỉ thu ngân của nơi tiếp nhận được ghép tiền cho hồ sơ này."))
    _check_interest(dossier, by)


def _check_interest(dossier: Dossier, by: User) -> None:
    if workflow.is_party(dossier, by):
        raise workflow.NotAllowed(_("Ông/bà không thể đối chiếu tiền của hồ sơ của chính mình."))
    if conflicts.has_conflict(dossier, by):
        words = _("Ông/bà có người thân trong hồ sơ này; xin để thu ngân khác đối chiếu.")
        raise workflow.NotAllowed(words)


def _check_account(lines: Collection[BankLine], by: User) -> None:
    held = (agency for role, agency in held_by(by) if role == Posting.Role.CASHIER)
    mine = {agency.pk for agency in accounts.of_offices(held)}
    if {line.agency_id for line in lines} - mine:
        raise workflow.NotAllowed(_("Khoản tiền này về tài khoản của cơ quan khác."))


def _waiting(lines: Collection[BankLine]) -> list[BankLine]:
    """The same lines locked, in the order in which they were booked, if all still wait."""
    keys = {line.pk for line in lines}
    locked = list(
        BankLine.objects.select_for_update().filter(pk__in=keys).order_by("booked_at", "pk")
    )
    if not locked or len(locked) != len(keys) or len(keys) > MOST_LINES:
        raise workflow.NotPossible(_("Xin chọn từ một đến mười khoản tiền về."))
    if any(line.state != State.WAITING for line in locked):
        raise workflow.NotPossible(_("Khoản tiền này vừa được đối chiếu; xin xem lại."))
    if len({line.account for line in locked}) > 1:
        raise workflow.NotPossible(_("Các khoản được chọn không về cùng một tài khoản."))
    return locked


def _shares(lines: list[BankLine], asked: int) -> list[int]:
    """How much of each line pays what is asked; all above zero."""
    shares, left = [], asked
    for line in lines:
        shares.append(min(line.amount, left))
        left -= shares[-1]
    if left:
        words = _("Tiền về %(received)s, còn thiếu %(missing)s so với khoản phải nộp.")
        facts = {"received": format_dong(asked - left), "missing": format_dong(left)}
        raise workflow.NotPossible(words % facts)
    if not all(shares):
        raise workflow.NotPossible(_("Có khoản không cần đến: các khoản khác đã đủ tiền."))
    return shares


@transaction.atomic
def set_aside(line: BankLine, state: str, *, by: User, note: str) -> None:
    """Decide that a waiting line belongs to no dossier: it goes back, or is other income."""
    dossiers = [
        workflow.lock(payment.dossier_id)
        for payment in matching.payments_with(matching.references_in(line.memo))
    ]
    for dossier in dossiers:
        _check_interest(dossier, by)
    [locked] = _waiting([line])
    _check_account([locked], by)
    if state == State.OTHER and not note:
        raise workflow.NotPossible(_("Xin ghi đây là khoản thu nào của cơ quan."))
    _decide(locked, state, by=by, note=note)


@transaction.atomic
def reopen(line: BankLine, *, by: User) -> None:
    """Let a line that was set aside wait again, as long as no refund of it was begun."""
    locked = BankLine.objects.select_for_update().get(pk=line.pk)
    _check_account([locked], by)
    if locked.state not in (State.TO_RETURN, State.OTHER):
        raise workflow.NotPossible(_("Khoản tiền này không ở trạng thái mở lại được."))
    if locked.refunds.filter(state__in=Refund.COUNTED).exists():
        raise workflow.NotPossible(_("Khoản tiền này đã có đề nghị hoàn trả."))
    _decide(locked, State.WAITING, by=by, note="")


def _decide(line: BankLine, state: str, *, by: User, note: str) -> None:
    line.state, line.note = state, note[:200]
    line.decided_by, line.decided_at = by, timezone.now()
    line.save(update_fields=["state", "note", "decided_by", "decided_at"])
