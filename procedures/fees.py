"""What a dossier costs, worked out from its revision, its channel and its answers."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from procedures.formspec import conditions
from procedures.models import Channel, Fee, Revision


@dataclass(frozen=True)
class FeeLine:
    """One charge that applies: amounts in whole đồng, None where the law gives none yet."""

    key: str
    name: str
    quantity: int
    unit: str
    unit_amount: int | None
    amount: int | None
    due: str
    source: str
    is_payable_online: bool
    is_refundable: bool

    def as_data(self) -> dict[str, Any]:
        """Plain JSON, as it is copied into a payment."""
        return asdict(self)


def fee_lines(
    revision: Revision,
    answers: Mapping[str, Any],
    *,
    channel: str,
    filed: datetime.datetime | None = None,
    due: str | None = None,
) -> list[FeeLine]:
    """The charges that these answers lead to, of one due moment or of all.

    A fee without channels is asked on every channel. One that is multiplied by an answer
    is left out when that answer is 0 or missing.
    """
    lines = []
    for fee in revision.fees.all():
        kinds = {row.kind for row in fee.channels.all()}
        if (due and fee.due != due) or (kinds and channel not in kinds):
            continue
        if conditions.holds(fee.when, answers, filed=filed):
            line = _line(fee, answers)
            if line.quantity:
                lines.append(line)
    return lines


def _line(fee: Fee, answers: Mapping[str, Any]) -> FeeLine:
    quantity = 1
    if fee.times:
        quantity = int(conditions.lookup(answers, fee.times) or 0)
    amount = None if fee.amount is None else fee.amount * quantity
    return FeeLine(
        key=fee.key,
        name=fee.name,
        quantity=quantity,
        unit=fee.unit,
        unit_amount=fee.amount,
        amount=amount,
        due=fee.due,
        source=fee.source,
        is_payable_online=fee.is_confirmed and amount is not None,
        is_refundable=fee.is_refundable,
    )


def total(lines: list[FeeLine]) -> int | None:
    """The sum in whole đồng; None when any part of it is not known."""
    if any(line.amount is None for line in lines):
        return None
    return sum(line.amount for line in lines)


def blocks_online_filing(revision: Revision) -> Fee | None:
    """The fee because of which nothing can be filed online, if there is one.

    A fee due at filing that is unknown or unconfirmed and asked of everybody who files
    online cannot be paid there, so the counter stays open and this channel closes.
    """
    return next((fee for fee in revision.fees.all() if _blocks_online_filing(fee)), None)


def _blocks_online_filing(fee: Fee) -> bool:
    if fee.due != Fee.Due.FILING or fee.when or (fee.amount is not None and fee.is_confirmed):
        return False
    kinds = {row.kind for row in fee.channels.all()}
    return not kinds or Channel.Kind.ONLINE in kinds
