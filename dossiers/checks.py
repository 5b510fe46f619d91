"""Check marks: what an official found of each paper and each answer while reading a dossier.

A mark says "đạt", or what is wrong; those that are wrong fill the form of the supplement,
so that it is asked for once and in full. They never move the dossier; the ledger keeps
which keys were marked, never the words.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from dossiers import ledger, supplements, workflow
from dossiers.models import CheckMark, Dossier
from dossiers.remarks import Remark
from procedures.models import Posting

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

EVENT = "check"
_Role, _State = Posting.Role, Dossier.State
_EXAMINERS = frozenset({_Role.CASE_OFFICER, _Role.APPROVER, _Role.LEADER})
# Who marks, by where the dossier is; elsewhere the marks are only read.
MARKED_BY = {
    _State.SUBMITTED: frozenset({_Role.RECEPTION}),
    _State.ACCEPTED: _EXAMINERS,
    _State.PROCESSING: _EXAMINERS,
    _State.AWAITING_APPROVAL: _EXAMINERS,
}


class NotSaved(Exception):
    """No mark was changed; the sentence is for who sent the form."""


@dataclass(frozen=True)
class Mark:
    """What was found: right, or wrong and why."""

    is_right: bool
    note: str = ""


def may_mark(dossier: Dossier, roles: Iterable[str]) -> bool:
    """Whether one who acts in these roles marks this dossier now."""
    return bool(MARKED_BY.get(dossier.state, frozenset()) & set(roles))


def digest(keys: Iterable[str], marks: Mapping[str, Any]) -> str:
    """The marks at these keys in a few characters, to see what a form was drawn from."""
    rows = [[key, marks[key].is_right, _words(marks[key])] for key in sorted(keys) if key in marks]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def _words(mark: Remark | CheckMark | Mark) -> str:
    return mark.text if isinstance(mark, Remark) else mark.note


@transaction.atomic
def save(
    dossier: Dossier,
    given: Mapping[str, Mark | None],
    *,
    by: User,
    version: int,
    seen: str,
) -> list[str]:
    """Keep the marks `given` by key (None takes one back); the keys that changed.

    `version` is that of the dossier on the page, `seen` the `digest()` of the marks that the
    form was drawn from. Raises `NotSaved`.
    """
    locked = Dossier.objects.select_for_update(of=("self",)).select_related(
        "revision", "owner", "receiving_agency", "handling_agency"
    )
    locked = locked.get(pk=dossier.pk)
    _check(locked, given, by, version)
    marks = {row.key: row for row in locked.check_marks.select_related("by")}
    changed = {key: mark for key, mark in given.items() if _differs(mark, marks.get(key))}
    if not changed:
        return []
    if digest(given, marks) != seen:
        raise NotSaved(_who_was_first(given, marks))
    _write(locked, changed, by)
    ledger.append(
        locked,
        EVENT,
        actor=by,
        agency=_agency(locked),
        data={
            "right": sorted(key for key, mark in changed.items() if mark and mark.is_right),
            "wrong": sorted(key for key, mark in changed.items() if mark and not mark.is_right),
            "open": sorted(key for key, mark in changed.items() if mark is None),
        },
    )
    return sorted(changed)


def _check(dossier: Dossier, given: Mapping[str, Any], by: User, version: int) -> None:
    if not may_mark(dossier, workflow.acting_roles(dossier, by)):
        raise NotSaved(_("Lúc này ông/bà không đánh dấu kiểm tra trong hồ sơ này được."))
    if version != dossier.version:
        raise NotSaved(workflow.what_happened(dossier))
    known = {choice.key for group in supplements.choices(dossier) for choice in group.choices}
    if set(given) - known:
        raise NotSaved(_("Có mục được đánh dấu không thuộc hồ sơ này; hãy tải lại trang."))


def _differs(mark: Mark | None, kept: CheckMark | None) -> bool:
    if mark is None or kept is None:
        return (mark is None) != (kept is None)
    return (mark.is_right, mark.note) != (kept.is_right, kept.note)


def _who_was_first(given: Mapping[str, Any], marks: Mapping[str, CheckMark]) -> str:
    last = max((marks[key] for key in given if key in marks), key=lambda row: row.at, default=None)
    if last is None:
        return _("Dấu kiểm tra ở phần này vừa được bỏ; xin xem lại rồi lưu.")
    return _(
        "%(who)s vừa đánh dấu ở phần này. Những gì ông/bà chọn vẫn ở dưới; xin xem lại rồi lưu."
    ) % {"who": last.by.get_full_name()}


def _write(dossier: Dossier, changed: Mapping[str, Mark | None], by: User) -> None:
    dropped = [key for key, mark in changed.items() if mark is None]
    dossier.check_marks.filter(key__in=dropped).delete()
    CheckMark.objects.bulk_create(
        [
            CheckMark(dossier=dossier, key=key, is_right=mark.is_right, note=mark.note, by=by)
            for key, mark in changed.items()
            if mark is not None
        ],
        update_conflicts=True,
        unique_fields=["dossier", "key"],
        update_fields=["is_right", "note", "by", "at"],
    )


def _agency(dossier: Dossier):
    at_desk = dossier.state == _State.SUBMITTED
    return dossier.receiving_agency if at_desk else dossier.handling_agency


def faults(dossier: Dossier) -> dict[str, str]:
    """What is marked wrong and still stands as it was marked: key -> note.

    What the citizen answered anew since then is looked at anew.
    """
    stale = answered_since(dossier)
    rows = dossier.check_marks.filter(is_right=False)
    return {row.key: row.note for row in rows if not is_stale(row.key, row.at, stale)}


def answered_since(dossier: Dossier) -> dict[str, Any]:
    """When the paper or answer at each key was last given anew by a supplement."""
    found = {}
    for request in dossier.supplement_requests.all():
        if request.answered_at is None:
            continue
        keys = supplements.changed_keys(
            dossier.revision.form, request.old_answers, request.new_answers
        )
        sent = {
            file.document
            for file in dossier.attachments.all()
            if file.submitted_at == request.answered_at
        }
        found |= dict.fromkeys([*keys, *sent], request.answered_at)
    return found


def is_stale(key: str, at: Any, answered: Mapping[str, Any]) -> bool:
    """Whether a mark was made before what it marks was given anew."""
    return key in answered and at < answered[key]
