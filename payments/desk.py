"""The cash desk: who takes cash for what, each cashier's drawer, and its close.

Every payment in cash and every refund in cash is a `CashMovement` of who took or gave it.
A close takes those that no close took before; what comes afterwards belongs to the next.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import conflicts, officepapers, results, workflow
from dossiers.models import Dossier, OfficePaper
from payments.models import CashClose, CashMovement, Payment, Refund
from payments.money import in_words, signed
from procedures.models import Agency, Posting
from procedures.text import grouped, in_vietnamese

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User


class NotClosed(Exception):
    """The drawer was not closed and nothing changed; the message is for the cashier."""


class NothingToClose(NotClosed):
    """No cash went through the drawer since its last close."""


class NotExplained(NotClosed):
    """Something else was counted than should be there, and nobody said why."""


# --- Who takes cash, and for what -----------------------------------------------------


def check_cashier(dossier: Dossier, by: User) -> None:
    """Raise `workflow.NotAllowed` for anyone but a cashier of its desk who has no part in it."""
    if Posting.Role.CASHIER not in workflow.roles_at(dossier, by):
        raise workflow.NotAllowed(_("Chỉ thu ngân của nơi tiếp nhận được thu tiền hồ sơ này."))
    if workflow.is_party(dossier, by):
        raise workflow.NotAllowed(_("Ông/bà không thể tự thu tiền hồ sơ của chính mình."))
    if conflicts.has_conflict(dossier, by):
        words = _("Ông/bà có người thân trong hồ sơ này; xin để thu ngân khác thu tiền.")
        raise workflow.NotAllowed(words)


def awaited(dossier: Dossier) -> Payment | None:
    """The newest attempt that brought no money, where the dossier waits for some.

    Asks nothing of the database where the payments of the dossier and the fees of its
    revision are there already.
    """
    unpaid = [row for row in dossier.payments.all() if row.state != Payment.State.PAID]
    if not unpaid:
        return None
    if dossier.state == Dossier.State.COMPLETED or dossier.is_at_once:
        is_awaited = bool(results.unpaid_fees(dossier))
    elif dossier.state == Dossier.State.PAYMENT_REQUIRED:
        is_awaited = True
    else:  # asked at the counter, where it stops nothing
        is_pending = any(row.state == Payment.State.PENDING for row in unpaid)
        is_awaited = bool(dossier.entered_by_id) and not dossier.is_final and is_pending
    return unpaid[-1] if is_awaited else None


def is_typed(payment: Payment) -> bool:
    """Whether a cashier typed an amount of it, which the catalogue does not know: such a
    payment is asked only to be paid at once, whatever the dossier waits for."""
    return any("typed_by" in line for line in payment.lines)


# --- What goes through the drawer -----------------------------------------------------


def note_cash(payment: Payment, *, by: User) -> CashMovement:
    """Note that the cash of a payment lies in the drawer of `by`, in the transaction that
    records the payment."""
    return CashMovement.objects.create(
        payment=payment,
        cashier=by,
        agency_id=payment.dossier.receiving_agency_id,
        at=payment.paid_at,
    )


def note_cash_back(refund: Refund, *, by: User) -> CashMovement:
    """Note that a refund was given out of the drawer of `by`, in the transaction that says
    so. It leaves the desk at which it was paid, or of whose account it is."""
    if refund.payment_id:
        agency = refund.payment.dossier.receiving_agency_id
    else:
        agency = refund.bank_line.agency_id
    return CashMovement.objects.create(
        refund=refund, cashier=by, agency_id=agency, at=refund.done_at
    )


@dataclass(frozen=True)
class Drawer:
    """What went through one cashier's drawer at one desk since its last close, in đồng."""

    agency: Agency
    movements: list[CashMovement]

    @property
    def taken(self) -> int:
        """All that came in."""
        return sum(row.payment.amount for row in self.movements if row.payment_id)

    @property
    def given_back(self) -> int:
        """All that went out."""
        return sum(row.refund.amount for row in self.movements if row.refund_id)

    @property
    def expected(self) -> int:
        """What should lie there; less than 0 where more was given back than taken."""
        return self.taken - self.given_back

    @property
    def mark(self) -> str:
        """What was counted stands for these movements alone: their number and the last one."""
        last = max((row.pk for row in self.movements), default=0)
        return f"{len(self.movements)}-{last}"


def drawer(agency: Agency, cashier: User) -> Drawer:
    """The open drawer of a cashier at one desk."""
    return Drawer(agency, list(_open(agency, cashier).select_related(*_SHOWN)))


_SHOWN = (
    "payment__dossier", "payment__receipt", "payment__legal_receipt",
    "refund__payment__dossier", "refund__bank_line",
)  # fmt: skip


def _open(agency: Agency, cashier: User) -> QuerySet[CashMovement]:
    return CashMovement.objects.filter(agency=agency, cashier=cashier, close=None)


def left_open(offices: Iterable[int]) -> list[dict[str, Any]]:
    """The drawers of these offices with cash of earlier days that nobody closed, as
    `{cashier, agency, since}`: one row for each."""
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    rows = CashMovement.objects.filter(agency__in=offices, close=None, at__lt=today)
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for row in rows.select_related("cashier", "agency").order_by("at", "pk"):
        one = {"cashier": row.cashier, "agency": row.agency, "since": row.at}
        found.setdefault((row.cashier_id, row.agency_id), one)
    return list(found.values())


# --- The close ------------------------------------------------------------------------


@transaction.atomic
def close_drawer(
    agency: Agency, *, by: User, counted: int, mark: str, note: str = ""
) -> tuple[CashClose, OfficePaper]:
    """Close the drawer of `by` at one desk: `counted` đồng lie in it; asks for its list.

    `mark` is that of the `Drawer` that was counted: where more went through it meanwhile,
    it has to be counted again. Raises `NothingToClose`, also at a second press,
    `NotExplained` for a difference without a `note`, and `NotClosed`.
    """
    # Two presses wait here for each other; the later one finds nothing that is open.
    keys = list(_open(agency, by).select_for_update(of=("self",)).values_list("pk", flat=True))
    if not keys:
        raise NothingToClose(_("Quầy đã chốt: từ lần chốt trước chưa có khoản thu, chi nào."))
    found = Drawer(agency, list(CashMovement.objects.filter(pk__in=keys).select_related(*_SHOWN)))
    if found.mark != mark:
        raise NotClosed(_("Vừa có thêm khoản thu hoặc hoàn tiền; xin đếm lại rồi chốt."))
    if counted != found.expected and not note:
        raise NotExplained(_("Số đếm được khác số phải có; xin ghi rõ vì sao chênh lệch."))
    day = timezone.localdate()
    closed_today = CashClose.objects.filter(agency=agency, cashier=by, day=day).count()
    close = CashClose.objects.create(
        agency=agency, cashier=by, day=day, number=closed_today + 1, taken=found.taken,
        given_back=found.given_back, counted=counted, note=note,
    )  # fmt: skip
    CashMovement.objects.filter(pk__in=keys).update(close=close)
    return close, _list_of(close, found, by=by)


def _list_of(close: CashClose, found: Drawer, *, by: User) -> OfficePaper:
    first = min(timezone.localdate(row.at) for row in found.movements)
    return officepapers.ask_for(
        close.agency, OfficePaper.Kind.CASH_CLOSE, facts_of(close, found), by=by,
        first_day=min(first, close.day), last_day=close.day,
    )  # fmt: skip


@in_vietnamese
def facts_of(close: CashClose, found: Drawer) -> dict[str, Any]:
    """What the list of a close says: every receipt by its number, sums in digits and words.

    No payer is named: the code of the dossier says whose it was to those who may know.
    """
    return {
        **officepapers.head(close.agency, now=close.closed_at),
        "close": close.pk,
        "cashier": close.cashier.get_full_name(),
        "day": f"{close.day:%Y-%m-%d}",
        "turn": close.number,
        "lines": [_taken_line(row) for row in found.movements if row.payment_id],
        "backs": [_back_line(row) for row in found.movements if row.refund_id],
        "taken": grouped(close.taken),
        "taken_in_words": in_words(close.taken),
        "given_back": grouped(close.given_back) if close.given_back else "",
        "expected": signed(found.expected),
        "counted": grouped(close.counted),
        "counted_in_words": in_words(close.counted),
        "difference": signed(close.difference) if close.difference else "",
        "note": close.note,
    }


def _taken_line(row: CashMovement) -> dict[str, str]:
    payment, legal = row.payment, getattr(row.payment, "legal_receipt", None)
    return {
        "at": f"{timezone.localtime(row.at):%H:%M %d/%m/%Y}",
        "receipt": f"{payment.receipt.number:07d}",
        "legal": f"{legal.sign} {legal.number}".strip() if legal else "",
        "code": payment.dossier.code,
        "names": "; ".join(line["name"] for line in payment.lines),
        "amount": grouped(payment.amount),
    }


def _back_line(row: CashMovement) -> dict[str, str]:
    payment = row.refund.payment
    return {
        "at": f"{timezone.localtime(row.at):%H:%M %d/%m/%Y}",
        "code": payment.dossier.code if payment else row.refund.bank_line.bank_reference,
        "reason": row.refund.reason,
        "amount": grouped(row.refund.amount),
    }
