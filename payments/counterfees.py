"""Fees taken in cash at the desk, also those of which the catalogue knows no amount.

The law names some fees whose amount a council or a price list sets. What the cashier takes
for them is typed, with the source in law, and kept in the lines of the payment with who
typed it; a fee so paid counts as settled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from dossiers import results, workflow
from dossiers.models import Dossier
from payments import desk, services
from payments.models import Payment
from procedures.fees import FeeLine

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

MOST = 1_000_000_000  # đồng; more is a slip of the finger
LONGEST_SOURCE = 200


@transaction.atomic
def take_cash(
    dossier: Dossier,
    *,
    by: User,
    expected: int,
    amounts: Mapping[str, tuple[int, str]] | None = None,
) -> bool:
    """Take in cash what the dossier waits for, and the fees whose `amounts` were typed.

    `expected` is the sum in đồng that the cashier saw, without the typed ones: where it is
    another one now (a reduction was confirmed, somebody paid), nothing is taken. `amounts`
    are (đồng, source in law) by the key of the fee. False where all was paid before. Raises
    `workflow.Refused` with a sentence for the cashier.
    """
    dossier = workflow.lock(dossier.pk)
    desk.check_cashier(dossier, by)
    awaited = desk.awaited(dossier)
    typed = _typed_lines(dossier, amounts or {}, by=by)
    if not typed and awaited is None and _is_paid(dossier):
        return False
    if (awaited.amount if awaited else 0) != expected:
        raise workflow.Refused(
            _("Số tiền phải nộp của hồ sơ vừa thay đổi; xin xem lại trước khi thu.")
        )
    if typed:
        return _take(dossier, [*(awaited.lines if awaited else []), *typed], by=by)
    if awaited is None:
        raise workflow.NotPossible(_("Hồ sơ này không có khoản nào đang chờ nộp; xin không thu."))
    return services.take_cash(awaited, by=by)


def _is_paid(dossier: Dossier) -> bool:
    return any(row.state == Payment.State.PAID for row in dossier.payments.all())


def _take(dossier: Dossier, lines: list[dict], *, by: User) -> bool:
    dossier.payments.filter(state=Payment.State.PENDING).update(state=Payment.State.CANCELLED)
    payment = services.ask(dossier, lines, Payment.Method.CASH)
    return services.confirm(payment, amount=payment.amount, method=Payment.Method.CASH, by=by)


def _typed_lines(
    dossier: Dossier, amounts: Mapping[str, tuple[int, str]], *, by: User
) -> list[dict]:
    if not amounts:
        return []
    if dossier.is_final:
        raise workflow.NotPossible(_("Hồ sơ đã kết thúc; xin không thu thêm."))
    unknown = {line.key: line for line in results.unknown_lines(dossier)}
    if not amounts.keys() <= unknown.keys():
        raise workflow.NotPossible(
            _("Khoản này đã thu hoặc không còn phải thu; xin xem lại trước khi thu.")
        )
    return [_line(unknown[key], *amounts[key], by=by) for key in unknown if key in amounts]


def _line(line: FeeLine, amount: int, source: str, *, by: User) -> dict:
    if not 0 < amount <= MOST:
        raise workflow.Refused(_("Số tiền của “%(name)s” chưa hợp lý.") % {"name": line.name})
    if not source.strip():
        raise workflow.Refused(
            _("Hãy ghi căn cứ của mức thu “%(name)s”: số, ký hiệu văn bản.") % {"name": line.name}
        )
    known = replace(
        line, quantity=1, unit="", unit_amount=amount, amount=amount, is_payable_online=False,
        source=source.strip()[:LONGEST_SOURCE],
    )  # fmt: skip
    return {**known.as_data(), "typed_by": by.pk}
