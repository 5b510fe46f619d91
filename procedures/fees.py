"""What a dossier costs, worked out from its revision, its channel and its answers."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from procedures.formspec import conditions
from procedures.models import Channel, Fee, Revision

WAIVED = 100


@dataclass(frozen=True)
class Exemption:
    """One ground on which a fee is waived (`percent` 100) or lessened, with its law.

    An automatic one is for whoever files that way; any other is claimed and confirmed.
    """

    key: str
    label: str
    percent: int
    law: str
    automatic: str = ""


@dataclass(frozen=True)
class FeeLine:
    """One charge that applies: amounts in whole đồng, None where the law gives none yet.

    `amount` is what is to be paid; `full_amount` is that without `exemption`, the ground on
    which `percent` of it was taken off under `exemption_law`. `is_claimed` says that a claim
    on it waits for the office: it is not asked until then.
    """

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
    full_amount: int | None = None
    exemption: str = ""
    exemption_law: str = ""
    percent: int = 0
    is_claimed: bool = False

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
    granted: Mapping[str, str] | None = None,
    claimed: Collection[str] = (),
) -> list[FeeLine]:
    """The charges that these answers lead to, of one due moment or of all.

    A fee without channels is asked on every channel. One that is multiplied by an answer
    is left out when that answer is 0 or missing. `granted` are the exemptions that the
    office confirmed, by the key of their fee; `claimed` the fees whose claim is undecided.
    """
    lines = []
    for fee in revision.fees.all():
        if (due and fee.due != due) or not fee.is_asked_on(channel):
            continue
        if conditions.holds(fee.when, answers, filed=filed):
            line = _line(fee, answers, filed)
            if line.quantity:
                row = best_exemption(fee, (granted or {}).get(fee.key), channel=channel)
                line = replace(line, is_claimed=fee.key in claimed)
                lines.append(lessened(line, row) if row else line)
    return lines


def exemptions(fee: Fee) -> list[Exemption]:
    """The grounds on which a fee is waived or lessened, in the order of the revision."""
    found = []
    for key, label in fee.exemptions.items():
        said = fee.reductions.get(key, {})
        found.append(
            Exemption(
                key=key,
                label=label,
                percent=said.get("percent", WAIVED),
                law=said.get("law") or fee.exemption_law,
                automatic=said.get("automatic", ""),
            )
        )
    return found


def claimable(fee: Fee) -> list[Exemption]:
    """Those of them that a person has to claim."""
    return [row for row in exemptions(fee) if not row.automatic]


def best_exemption(fee: Fee, granted: str | None, *, channel: str) -> Exemption | None:
    """What holds of the one that was confirmed and the one of the channel: they do not add up,
    the one that takes off more counts."""
    rows = [row for row in exemptions(fee) if row.key == granted or row.automatic == channel]
    return max(rows, key=lambda row: row.percent, default=None)


def lessened(line: FeeLine, row: Exemption) -> FeeLine:
    """`line` with an exemption taken off; what is waived is 0, also where nobody knows it."""
    amount = 0 if row.percent == WAIVED else line.full_amount
    if amount:
        amount = rest_of(amount, row.percent)
    return replace(
        line,
        amount=amount,
        exemption=row.label,
        exemption_law=row.law,
        percent=row.percent,
        is_payable_online=line.is_payable_online and amount is not None,
    )


def rest_of(amount: int, percent: int) -> int:
    """What is left of `amount` đồng when `percent` (1 to 100) is taken off: whole đồng, half up.

    Of the sum of a charge, not of each unit: 3 × 2.501 less 50% is 3.752, from 3.751,5.
    """
    return (amount * (WAIVED - percent) + WAIVED // 2) // WAIVED


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
        full_amount=amount,
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
    """The sum in whole đồng of what may be asked; None when any part of it is not known."""
    lines = [line for line in lines if not line.is_claimed]
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
    kind = Channel.Kind.ONLINE
    if any(row.automatic == kind and row.percent == WAIVED for row in exemptions(fee)):
        return False
    return fee.is_asked_on(Channel.Kind.ONLINE)
