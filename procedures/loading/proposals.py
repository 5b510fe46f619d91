"""What the national catalogue says of procedures that the office writes itself.

The office's own fees, forms and texts are never overwritten: a difference is proposed, once,
and somebody takes it into a draft or puts it aside.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from procedures.loading.saving import Prepared
from procedures.models import NationalUpdate, Procedure, Revision

# What the national catalogue knows of; form, level and the way online are the office's own.
FACTS = (
    "name", "field", "audience", "conditions", "decision", "channels", "fees", "documents",
    "steps_text", "result", "legal_basis",
)  # fmt: skip
OFFICE_FACTS = ("tier", "handled_by", "authority", "address", "delegated", "coordinating")


def facts_of(definition: dict[str, Any]) -> dict[str, Any]:
    """The part of a definition that the national catalogue speaks of."""
    office = definition.get("office", {})
    facts = {key: definition[key] for key in FACTS if key in definition}
    return facts | {f"office.{key}": office[key] for key in OFFICE_FACTS if key in office}


def is_news(prepared: Prepared) -> bool:
    """Whether a national row tells the office anything that it has not seen or taken yet."""
    updates = NationalUpdate.objects.filter(procedure__code=prepared.code)
    if updates.filter(digest=prepared.digest).exists():
        return False
    facts = facts_of(prepared.definition)
    return all(facts_of(known) != facts for known in _known_definitions(prepared.code))


def _known_definitions(code: str) -> list[dict[str, Any]]:
    """What is in force, the office's drafts, and the last that the nation was heard to say."""
    revisions = Revision.objects.filter(procedure__code=code)
    own = revisions.exclude(status=Revision.Status.SUPERSEDED)
    national = revisions.filter(origin=Revision.Origin.NATIONAL).order_by("-number")
    decided = NationalUpdate.objects.filter(procedure__code=code).exclude(
        state=NationalUpdate.State.OPEN
    )
    return [
        *own.values_list("definition", flat=True),
        *national.values_list("definition", flat=True)[:1],
        *decided.values_list("definition", flat=True)[:1],
    ]


@transaction.atomic
def propose(code: str, definition: dict[str, Any], digest: str) -> NationalUpdate:
    """Lay a national row before the office, in place of one that nobody has looked at yet."""
    procedure = Procedure.objects.select_for_update().get(code=code)
    procedure.national_updates.filter(state=NationalUpdate.State.OPEN).delete()
    return procedure.national_updates.create(definition=definition, digest=digest)


def withdraw(digests: dict[str, str]) -> None:
    """Take back the open proposals that the nation no longer makes; `digests` by code."""
    for update in NationalUpdate.objects.filter(state=NationalUpdate.State.OPEN).select_related(
        "procedure"
    ):
        if digests.get(update.procedure.code, update.digest) != update.digest:
            update.delete()
