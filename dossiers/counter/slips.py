"""The slips about originals: what the office keeps, and what it gave back, to be signed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import facts as shapes
from dossiers import papers
from dossiers.counter import originals
from dossiers.models import Dossier, Original, Paper
from dossiers.workflow import Action, Move, Refused, Role, State, register
from procedures.text import in_vietnamese

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User


@in_vietnamese
def kept_facts(dossier: Dossier, rows: Iterable[Original], *, by: User) -> shapes.OriginalsFacts:
    """The originals that the office keeps, for the person to take home."""
    return _facts(dossier, Paper.Kind.ORIGINALS, rows, by=by)


@in_vietnamese
def given_back_facts(
    dossier: Dossier, rows: Iterable[Original], *, taken_by: str, by: User
) -> shapes.GivenBackFacts:
    """The originals that `taken_by` takes back and signs for, and what is still kept."""
    rows = list(rows)
    gone = {row.pk for row in rows}
    left = [row.name for row in originals.kept(dossier) if row.pk not in gone]
    facts = _facts(dossier, Paper.Kind.GIVEN_BACK, rows, by=by)
    return {**facts, "taken_by": taken_by, "left": left}


def _facts(
    dossier: Dossier, kind: str, rows: Iterable[Original], *, by: User
) -> shapes.OriginalsFacts:
    office = dossier.receiving_agency
    return {
        **papers.head(dossier, office),
        "number": papers.number_of(kind, office),
        "rows": [{"name": row.name, "place": row.place} for row in rows],
        "officer": by.get_full_name(),
    }


def _give_back(move: Move) -> None:
    """Hand originals back; the person signs the slip that this prints."""
    dossier = move.dossier
    wanted = {str(key) for key in move.details.get("originals_back") or ()}
    rows = [row for row in originals.kept(dossier) if str(row.pk) in wanted]
    if not rows or len(rows) != len(wanted):
        raise Refused(_("Hãy chọn bản chính trả lại, trong những bản mà cơ quan còn giữ."))
    taken_by = move.text("taken_by", _("Hãy ghi người nhận lại bản chính."))[:120]
    paper = given_back_facts(dossier, rows, taken_by=taken_by, by=move.by)
    for row in rows:
        row.given_back_at, row.given_back_by, row.given_back_to = move.now, move.by, taken_by
    Original.objects.bulk_update(rows, ["given_back_at", "given_back_by", "given_back_to"])
    move.data = {"originals": [row.pk for row in rows]}
    move.papers.append((Paper.Kind.GIVEN_BACK, paper))


def _keeps_some(dossier: Dossier) -> bool:
    # `for_officials()` asked already, with everything else that the page shows.
    known = getattr(dossier, "keeps_originals", None)
    kept = dossier.originals.filter(is_kept=True, given_back_at=None)
    return kept.exists() if known is None else known


register(
    Action(
        "give_back_originals",
        gettext_lazy("Trả lại bản chính"),
        tuple(state for state in State if state != State.DRAFT),
        _give_back,
        roles=(Role.RECEPTION,),
        asks=("originals_back", "taken_by"),
        after_approval=True,
        is_silent=True,
        possible=_keeps_some,
    )
)
