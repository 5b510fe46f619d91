"""How revisions differ, in the words of the workbook."""

from __future__ import annotations

from typing import Any

from procedures.loading import sheets
from procedures.loading.comparing import Change, differences, shown
from procedures.loading.loads import open_dossiers
from procedures.loading.proposals import facts_of
from procedures.models import NationalUpdate, Revision

Status = Revision.Status


def comparison(revision: Revision) -> dict[str, Any]:
    """What this revision changes, against what is in force or what was before it."""
    others = revision.procedure.revisions.exclude(pk=revision.pk).exclude(status=Status.DRAFT)
    if revision.status in {Status.DRAFT, Status.SCHEDULED}:
        others = others.filter(status=Status.PUBLISHED)
    else:
        others = others.filter(number__lt=revision.number)
    compared = others.order_by("-number").first()
    changed = differences(compared.definition, revision.definition) if compared else []
    return {
        "compared": compared,
        "differences": [in_words(change) for change in changed],
        "open_dossiers": open_dossiers(compared) if compared else 0,
    }


def in_words(change: Change) -> dict[str, str]:
    """One change as a row of `_differences.html`, in the words of the workbook."""
    return {
        "key": sheets.title_of(change.key),
        "old_text": _text_of(change.key, change.old),
        "new_text": _text_of(change.key, change.new),
    }


def _text_of(key: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return sheets.value_in_words(key, value) or "\n".join(value)
    return sheets.value_in_words(key, value) or shown(key, value)


def against_the_nation(ours: Revision | None, update: NationalUpdate) -> list[dict[str, str]]:
    """How the office's own facts differ from those of a proposal."""
    old, new = facts_of(ours.definition if ours else {}), facts_of(update.definition)
    return [in_words(change) for change in differences(old, new)]
