"""The way through a draft: its pages in order, what is done and what is left."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from dossiers import filing
from dossiers.documents import missing_documents
from dossiers.models import Dossier
from procedures.formspec.webform import asked_sections, is_complete
from procedures.models import Procedure


@dataclass(frozen=True)
class Step:
    """One page of the wizard."""

    id: str
    title: str
    url: str
    is_done: bool


def draft_steps(dossier: Dossier) -> list[Step]:
    """The pages of a draft in order; those that the answers do not lead to are left out."""

    def url(name: str, *rest: str) -> str:
        return reverse(f"dossiers:{name}", args=[dossier.key, *rest])

    form, answers = dossier.revision.form, dossier.answers
    steps = [
        Step("office", _("Nơi giải quyết"), url("office"), dossier.handling_agency_id is not None)
    ]
    steps += [
        Step(row.id, row.title, url("section", row.id), is_complete(row, answers))
        for row in asked_sections(form, answers)
    ]
    if filing.to_attach(dossier):
        done = not missing_documents(dossier)
        steps.append(Step("documents", _("Giấy tờ đính kèm"), url("documents"), done))
    steps.append(Step("check", _("Kiểm tra và nộp"), url("check"), False))
    return steps


def step_after(steps: list[Step], current: str) -> Step:
    """The page that follows; the first one left for a page that is not asked any more."""
    ids = [step.id for step in steps]
    if current not in ids:
        return first_left(steps)
    return steps[min(ids.index(current) + 1, len(steps) - 1)]


def first_left(steps: list[Step]) -> Step:
    """The first page that is not done; the check page never is."""
    return next(step for step in steps if not step.is_done)


def fingerprint(dossier: Dossier) -> str:
    """What the check page shows, in a few characters: filing must be of what was read."""
    seen = [
        dossier.revision_id,
        dossier.handling_agency_id,
        dossier.answers,
        sorted(file.key for file in dossier.attachments.all()),
    ]
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()[:16]


def step_before(steps: list[Step], current: str) -> Step | None:
    """The page before, or None for the first."""
    ids = [step.id for step in steps]
    index = ids.index(current) if current in ids else 0
    return steps[index - 1] if index else None


def redirection(dossier: Dossier) -> dict[str, Any] | None:
    """The other procedure that the answers lead to, with its page if we have one."""
    row = filing.redirection(dossier)
    if row is None:
        return None
    procedure = Procedure.objects.filter(code=row["to"], current__isnull=False).first()
    return {**row, "url": procedure.get_absolute_url() if procedure else ""}
