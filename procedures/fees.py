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
        if (due and fee.due != due) or not fee.is_asked_on(channel):
            continue
        if conditions.holds(fee.when, answers, filed=filed):
            line = _line(fee, answers, filed)
            if line.quantity:
                lines.append(line)
    return lines


def _line(fee: Fee, answers: Mapping[str, Any], filed: datetime.datetime | None) -> FeeLine:
    quantity = int(conditions.lookup(answers, fee.times) or 0) if fee.times else 1
    name, unit_amount = fee.name, fee.amount
    case = chosen_alternative(fee, answers, filed=filed)
    if case:
        name, unit_amount = f"{fee.name} ({case['label']})", case["amount"]
    elif fee.tiers:
        count = int(conditions.lookup(answers, fee.counted) or 0)
        quantity, unit_amount = (quantity if count else 0), tiered(fee.tiers, count, cap=fee.cap)
    amount = None if unit_amount is None else unit_amount * quantity
    return FeeLine(
        key=fee.key,
        name=name,
        quantity=quantity,
        # The unit of tiers is what is counted, not what the quantity multiplies.
        unit="" if fee.tiers else fee.unit,
        unit_amount=unit_amount,
        amount=amount,
        due=fee.due,
        source=fee.source,
        is_payable_online=fee.is_confirmed and amount is not None,
        is_refundable=fee.is_refundable,
    )


def chosen_alternative(
    fee: Fee, answers: Mapping[str, Any], *, filed: datetime.datetime | None = None
) -> dict[str, Any] | None:
    """The first of a fee's alternatives (`when`, `label`, `amount`) that these answers meet."""
    return next(
        (case for case in fee.alternatives if conditions.holds(case["when"], answers, filed=filed)),
        None,
    )


def tiered(tiers: list[dict[str, int | None]], count: int, *, cap: int | None = None) -> int:
    """The price in whole đồng of `count` units, each by the tier that it falls into.

    Tiers (`up_to`, `amount`) are in order; the last one, without `up_to`, takes the rest:
    2.000 up to the second page, then 1.000, makes 5.000 for three. At most `cap`.
    Source of the rule: TT 226/2016/TT-BTC art. 4 (certified copies).
    """
    price = before = 0
    for tier in tiers:
        upto = count if tier["up_to"] is None else min(count, tier["up_to"])
        price += max(0, upto - before) * tier["amount"]
        before = max(before, upto)
    return price if cap is None else min(price, cap)


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
    if fee.due != Fee.Due.FILING or fee.when or (fee.is_known and fee.is_confirmed):
        return False
    return fee.is_asked_on(Channel.Kind.ONLINE)
