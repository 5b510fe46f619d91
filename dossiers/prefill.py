"""What a new draft may begin with: the profile, and an earlier dossier of the same person."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dossiers.models import Dossier
from procedures.formspec import conditions
from procedures.formspec.fields import type_of
from procedures.formspec.spec import Form, walk
from procedures.formspec.webform import fitting, profile_row, prune, put
from procedures.models import Revision

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

# What is said once cannot be affirmed or handed in again by copying it.
_NEVER_COPIED = {"declaration", "attachment"}
# What an earlier dossier of another procedure may tell of the person who files.
_OF_A_PERSON = ("name", "citizen_number", "address", "phone", "email")
OFFERED = 5


def offered(user: User) -> list[Dossier]:
    """The latest dossiers that this person filed, from which a new draft may take answers."""
    filed = Dossier.objects.filter(owner=user).exclude(state=Dossier.State.DRAFT)
    return list(filed.select_related("revision").order_by("-submitted_at")[:OFFERED])


def answers_for(revision: Revision, *, by: User, earlier: Dossier | None = None) -> dict[str, Any]:
    """The answers of a new draft: what the earlier dossier gives, and else the profile."""
    profile = {
        "name": by.full_name,
        "citizen_number": by.citizen_number,
        # Older accounts hold it as it was typed; a form takes it without separators.
        "phone": re.sub(r"[\s.()-]", "", by.phone),
        "email": by.email,
    }
    if earlier is not None and earlier.revision.procedure_id == revision.procedure_id:
        taken = _copied(revision.form, earlier.answers)
        return prune(revision.form, {**from_profile(revision.form, profile), **taken})
    if earlier is not None and not earlier.behalf:  # else it tells of the principal
        profile |= _person_of(earlier)
    return from_profile(revision.form, profile)


def from_profile(form: Form, profile: dict[str, Any]) -> dict[str, Any]:
    """`profile` (type of question -> answer) in the sections that ask for the person who files."""
    answers = {}
    for section in form.sections:
        if section.prefill == "profile" and not section.repeat:
            row = profile_row(section, profile)
            if row:
                answers[section.id] = row
    return fitting(form, answers)


def _copied(form: Form, answers: dict[str, Any]) -> dict[str, Any]:
    """The answers that the form of today would take, without what must be said anew."""
    kept = fitting(form, answers)
    for section in form.sections:
        rows = kept.get(section.id, {})
        rows = [_without_vows(section.fields, row) for row in _rows(rows)]
        if section.id in kept:
            kept[section.id] = rows if section.repeat else rows[0]
    return {name: row for name, row in kept.items() if row}


def _rows(answer: Any) -> list[dict[str, Any]]:
    return answer if isinstance(answer, list) else [answer]


def _without_vows(fields: list, row: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for path, spec in walk(fields):
        answer = conditions.lookup(row, path)
        if answer is not None and spec.type not in _NEVER_COPIED:
            put(kept, path, answer)
    return kept


def _person_of(dossier: Dossier) -> dict[str, Any]:
    """What a filed dossier says of the person who filed it, by type of question."""
    said: dict[str, Any] = {}
    for section in dossier.revision.form.sections:
        if section.prefill == "profile" and not section.repeat:
            for path, spec in walk(section.fields):
                answer = conditions.lookup(dossier.answers, f"{section.id}.{path}")
                if spec.type in _OF_A_PERSON and type_of(spec).takes(spec, answer):
                    said.setdefault(spec.type, answer)
    return {kind: answer for kind, answer in said.items() if answer is not None}
