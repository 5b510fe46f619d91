"""Exemptions and reductions of fees: claimed with the filing, confirmed by the office.

A claim is one row for each fee that the claimed ground touches. Until it is decided its fee is
not asked; what was confirmed is taken off (`procedures.fees`), what was not is asked whole.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from django.db.models import prefetch_related_objects
from django.utils.translation import gettext as _

from dossiers.models import Dossier, ExemptionClaim
from procedures.fees import WAIVED, Exemption, FeeLine, claimable, fee_lines, lessened
from procedures.models import Fee, Revision
from procedures.presenting import exemption_text
from procedures.text import dong

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

PROOF = "mien-giam"  # the `document` of a file that proves a claim
MAX_PROOFS = 5
Decision = ExemptionClaim.Decision


class Claimed(TypedDict):
    """What is claimed at filing: the grounds (keys of the revision) and the paper that proves them.

    `is_checked` says that reception has seen that paper. At the counter it stands in
    `Dossier.at_counter` until the dossier is filed.
    """

    grounds: list[str]
    evidence: str
    is_checked: bool


class Standing(NamedTuple):
    """How a dossier stands: the confirmed grounds by fee, and the fees with an open claim."""

    granted: dict[str, str]
    claimed: frozenset[str]


class NotClaimable(Exception):
    """The claim cannot be made; the message is for the person who made it."""


# --- How it stands ----------------------------------------------------------------------


def standing(dossier: Dossier) -> Standing:
    """What of its fees is waived or lessened, and what is still to be decided.

    Of a draft that is typed at the counter, what was seen there. No query where the
    revision has nothing to claim.
    """
    if not has_any(dossier.revision):
        return Standing({}, frozenset())
    if dossier.submitted_at is None:
        return _of_draft(dossier)
    rows = claims(dossier)
    granted = {row.fee: row.exemption for row in rows if row.decision == Decision.CONFIRMED}
    return Standing(granted, frozenset(row.fee for row in rows if not row.decision))


def _of_draft(dossier: Dossier) -> Standing:
    said: Claimed | None = dossier.at_counter.get("exemption")
    wanted = wanted_by(dossier, said["grounds"]) if said else {}
    if said and said["is_checked"]:
        return Standing(wanted, frozenset())
    return Standing({}, frozenset(wanted))


def has_any(revision: Revision) -> bool:
    """Whether a fee of this revision has something that can be claimed."""
    prefetch_related_objects([revision], "fees__channels")
    return any(claimable(fee) for fee in revision.fees.all())


def claims(dossier: Dossier) -> list[ExemptionClaim]:
    """The claims of a dossier in their order, asked for once."""
    prefetch_related_objects([dossier], "exemption_claims")
    return list(dossier.exemption_claims.all())


def decidable(dossier: Dossier) -> list[ExemptionClaim]:
    """The claims on which something is to say: open ones, and those that were not confirmed."""
    if not has_any(dossier.revision):
        return []
    return [row for row in claims(dossier) if row.decision != Decision.CONFIRMED]


def undecided(dossier: Dossier) -> list[ExemptionClaim]:
    """Those that wait for the office; fresh from the database."""
    return list(dossier.exemption_claims.filter(decision=""))


# --- What can be claimed ----------------------------------------------------------------


def offered(dossier: Dossier) -> dict[str, str]:
    """The grounds that can be claimed with these answers, with their words, by key."""
    found: dict[str, str] = {}
    for _line, row in _claimable_lines(dossier):
        found.setdefault(row.key, exemption_text(row.label, row.percent))
    return found


def laws(dossier: Dossier) -> list[str]:
    """The laws on which these grounds stand, each once."""
    return list(dict.fromkeys(row.law for _line, row in _claimable_lines(dossier) if row.law))


def wanted_by(dossier: Dossier, grounds: Collection[str]) -> dict[str, str]:
    """The exemption of each fee that these grounds lead to: the one that takes off most."""
    rising = sorted(_claimable_lines(dossier), key=lambda pair: pair[1].percent)
    return {line.key: row.key for line, row in rising if row.key in grounds}


def _claimable_lines(dossier: Dossier) -> Iterable[tuple[FeeLine, Exemption]]:
    """Each charge that applies with each ground that would take more off it than is off now."""
    fees = {fee.key: fee for fee in dossier.revision.fees.all()}
    lines = fee_lines(
        dossier.revision, dossier.answers, channel=dossier.channel, filed=dossier.submitted_at
    )
    for line in lines:
        for row in claimable(fees[line.key]):
            if line.amount != 0 and row.percent > line.percent:
                yield line, row


# --- Claiming ---------------------------------------------------------------------------


def check(dossier: Dossier, said: Claimed) -> None:
    """Raise `NotClaimable` for a ground that no charge has, or one without its proof."""
    known = offered(dossier)
    if not set(said["grounds"]) <= set(known):
        raise NotClaimable(_("Hãy chọn trong các diện miễn, giảm đã nêu."))
    if said["grounds"] and not said["evidence"]:
        raise NotClaimable(_("Hãy ghi giấy tờ chứng minh diện được miễn, giảm (số, nơi cấp)."))


def claim(
    dossier: Dossier, said: Claimed | None, *, now: datetime.datetime, by: User | None = None
) -> list[ExemptionClaim]:
    """Keep what is claimed with a filing; `by` is reception where it has seen the proof.

    Raises `NotClaimable`. Inside the move that files the dossier, before its fees are asked.
    """
    if not said or not said["grounds"]:
        return []
    check(dossier, said)
    decided = {"decision": Decision.CONFIRMED, "decided_by": by, "decided_at": now} if by else {}
    rows = [
        ExemptionClaim(
            dossier=dossier, fee=fee, exemption=ground, evidence=said["evidence"], **decided
        )
        for fee, ground in wanted_by(dossier, said["grounds"]).items()
    ]
    return ExemptionClaim.objects.bulk_create(rows)


# --- In words ---------------------------------------------------------------------------


class Row(NamedTuple):
    """One claim for a page: the fee, what is claimed with its law, and what it comes to."""

    claim: ExemptionClaim
    fee: str
    ground: str
    law: str
    full: str
    rest: str
    is_waived: bool


def rows(dossier: Dossier) -> list[Row]:
    """The claims of a dossier in words."""
    fees = {fee.key: fee for fee in dossier.revision.fees.all()}
    lines = {line.key: line for line in _whole_lines(dossier)}
    return [_row(claim, fees[claim.fee], lines.get(claim.fee)) for claim in claims(dossier)]


def row_of(claim: ExemptionClaim) -> Row:
    """One claim in words, with its dossier."""
    dossier = claim.dossier
    fee = next(fee for fee in dossier.revision.fees.all() if fee.key == claim.fee)
    lines = {line.key: line for line in _whole_lines(dossier)}
    return _row(claim, fee, lines.get(claim.fee))


def rows_if_any(dossier: Dossier) -> list[Row]:
    """The same, without a query where the revision has nothing to claim."""
    return rows(dossier) if has_any(dossier.revision) else []


def _whole_lines(dossier: Dossier) -> list[FeeLine]:
    return fee_lines(
        dossier.revision, dossier.answers, channel=dossier.channel, filed=dossier.submitted_at
    )


def _row(claim: ExemptionClaim, fee: Fee, line: FeeLine | None) -> Row:
    ground = next(row for row in claimable(fee) if row.key == claim.exemption)
    words = exemption_text(ground.label, ground.percent)
    if line is None:  # a later answer took the charge away
        return Row(claim, fee.name, words, ground.law, "", "", is_waived=False)
    full, rest = _money(line.full_amount), _money(lessened(line, ground).amount)
    is_waived = ground.percent == WAIVED
    return Row(claim, line.name, words, ground.law, full, rest, is_waived=is_waived)


def _money(amount: int | None) -> str:
    return _("chưa rõ mức thu") if amount is None else dong(amount)
