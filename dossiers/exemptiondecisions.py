"""Reception decides on claimed exemptions: the fee is waived, lessened, or asked whole.

What was confirmed stays: the citizen was told that it need not be paid. What was not may be
confirmed later, with a better paper; what was asked or paid meanwhile follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import exemptions, moves, panels, results
from dossiers.handing import readying
from dossiers.models import Dossier, ExemptionClaim
from dossiers.workflow import Action, Move, Refused, Role, State, register
from procedures.fees import FeeLine
from procedures.models import Fee

Decision = ExemptionClaim.Decision
STATES = (
    State.SUBMITTED, State.ACCEPTED, State.PROCESSING, State.AWAITING_CONFIRMATION,
    State.AWAITING_APPROVAL, State.SUPPLEMENT_REQUIRED, State.PAYMENT_REQUIRED, State.COMPLETED,
)  # fmt: skip


def _decide(move: Move) -> None:
    dossier, reason = move.dossier, move.words("reason")
    changed = list(_changed(move))
    if not changed:
        raise Refused(_("Hãy chọn quyết định cho từng đề nghị miễn, giảm."))
    if not reason and any(row.decision == Decision.REJECTED for row in changed):
        raise Refused(_("Hãy ghi lý do không chấp nhận, để công dân biết còn thiếu gì."))
    for row in changed:
        row.decided_by, row.decided_at = move.by, move.now
        row.reason = reason[:300] if row.decision == Decision.REJECTED else ""
        row.save(update_fields=["decision", "decided_by", "decided_at", "reason"])
    move.data = {"exemptions": {str(row.pk): row.decision for row in changed}}
    move.say("\n".join(_sentences(dossier, changed)))
    if dossier.state in (State.PAYMENT_REQUIRED, State.COMPLETED):
        _ask_what_is_left(move)


def _changed(move: Move) -> Iterator[ExemptionClaim]:
    """The claims whose decision is new, with it."""
    given: dict[str, Any] = move.details.get("decisions") or {}
    for row in exemptions.decidable(move.dossier):
        decision = given.get(str(row.pk))
        if decision in Decision and decision != row.decision:
            row.decision = decision
            yield row


def _sentences(dossier: Dossier, changed: list[ExemptionClaim]) -> Iterator[str]:
    """What was decided, one line for each fee, for the citizen."""
    pks = {row.pk for row in changed}
    for row in exemptions.rows(dossier):
        if row.claim.pk in pks:
            yield _sentence(row) % {
                "fee": row.fee, "ground": row.ground, "law": row.law, "full": row.full,
                "rest": row.rest, "reason": row.claim.reason,
            }  # fmt: skip


def _sentence(row: exemptions.Row) -> str:
    if row.claim.decision == Decision.REJECTED:
        return _(
            "%(fee)s: chưa được miễn, giảm theo diện “%(ground)s” (%(law)s) nên phải nộp %(full)s. "
            "Lý do: %(reason)s"
        )
    if row.is_waived:
        return _("%(fee)s: được miễn theo diện “%(ground)s” (%(law)s), không phải nộp.")
    return _("%(fee)s: theo diện “%(ground)s” (%(law)s), còn phải nộp %(rest)s thay cho %(full)s.")


# --- What was asked already -------------------------------------------------------------


def _ask_what_is_left(move: Move) -> None:
    """Ask anew where what waits to be paid is not what is owed now; go on where nothing is."""
    dossier = move.dossier
    asked = _asked(dossier)
    lines = [line for line in results.unpaid_fees(dossier) if _is_asked_now(line, dossier, asked)]
    if asked == {line.key: line.amount for line in lines}:
        return
    move.fee_lines = lines
    if lines:
        return
    move.data["nothing_left"] = True  # payments gives up what is pending
    if dossier.state == State.PAYMENT_REQUIRED:
        moves.resume(move, restart=False)
    else:
        readying.ready(move)


def _asked(dossier: Dossier) -> dict[str, int]:
    """What the newest attempt that brought no money was for, by fee."""
    unpaid = [row for row in dossier.payments.all() if row.state != "paid"]
    return {line["key"]: line["amount"] for line in unpaid[-1].lines} if unpaid else {}


def _is_asked_now(line: FeeLine, dossier: Dossier, asked: dict[str, int]) -> bool:
    if dossier.state == State.COMPLETED or line.key in asked:
        return True
    return line.due != Fee.Due.COLLECTION and line.is_payable_online


# --- For the pages ----------------------------------------------------------------------


@panels.register
def exemptions_panel(dossier: Dossier, roles: set[str]) -> dict[str, Any] | None:
    """The claims of a dossier with what proves them, and how they were decided."""
    rows = exemptions.rows_if_any(dossier)
    if not rows:
        return None
    return {
        "template": "admin/dossiers/exemptions_panel.html",
        "rows": rows,
        "proofs": [row for row in dossier.attachments.all() if row.document == exemptions.PROOF],
    }


register(
    Action(
        "decide_exemption", gettext_lazy("Quyết định miễn, giảm"), STATES, _decide,
        roles=(Role.RECEPTION,), asks=("decisions", "reason"), after_approval=True,
        possible=lambda dossier: bool(exemptions.decidable(dossier)),
    )
)  # fmt: skip
