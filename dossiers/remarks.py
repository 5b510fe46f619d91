"""What officials write about a dossier among themselves, read together for its page.

Marks at papers and answers, private notes, opinions asked for: none of them changes the
dossier, and no citizen sees them. The page has little room for queries, so they come in one.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, NamedTuple

from django.db import transaction
from django.db.models import BigIntegerField, BooleanField, DateTimeField, TextField, Value
from django.db.models.functions import Cast, Coalesce
from django.utils.translation import gettext as _

from dossiers import workflow
from dossiers.models import CheckMark, Dossier, Opinion, PrivateNote
from procedures.models import Posting

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

_Role = Posting.Role
# Who writes notes; supervisors read them.
WRITE_NOTES = {_Role.RECEPTION, _Role.CASE_OFFICER, _Role.APPROVER, _Role.LEADER, _Role.CASHIER}
MAX_NOTE = 2000  # characters


class NotKept(Exception):
    """Nothing was kept; the sentence is for who wrote it."""


class Remark(NamedTuple):
    """One mark, note or opinion; what a kind does not have is empty.

    Of an opinion `text` is the question, `key` the name of the office or official asked.
    """

    kind: str
    pk: int
    at: datetime.datetime
    by_id: int
    by: str
    text: str
    key: str
    is_right: bool
    asked_of: int | None
    letter: str
    due_at: datetime.datetime | None
    answer: str
    answered_by: str
    answered_at: datetime.datetime | None


class Remarks(NamedTuple):
    """Those of one dossier."""

    marks: dict[str, Remark]
    notes: list[Remark]
    opinions: list[Remark]


_NO_MOMENT = Cast(None, DateTimeField())
_NO_ANSWER = (Cast(None, BigIntegerField()), Value(""), _NO_MOMENT, Value(""), Value(""))


def of(dossier: Dossier) -> Remarks:
    """The marks by their key, the notes and the opinions, oldest first, in one query."""
    marks = CheckMark.objects.filter(dossier=dossier).values_list(
        Value("mark"), "pk", "at", "by_id", "by__full_name", Cast("note", TextField()),
        Cast("key", TextField()), "is_right", *_NO_ANSWER, _NO_MOMENT,
    )  # fmt: skip
    notes = PrivateNote.objects.filter(dossier=dossier).values_list(
        Value("note"), "pk", "written_at", "author_id", "author__full_name", "text",
        Value("", TextField()), Value(True, BooleanField()), *_NO_ANSWER, _NO_MOMENT,
    )  # fmt: skip
    asked = Opinion.objects.filter(dossier=dossier).values_list(
        Value("opinion"), "pk", "asked_at", "asked_by_id", "asked_by__full_name", "question",
        Cast(Coalesce("asked_of__full_name", "office"), TextField()), Value(True, BooleanField()),
        "asked_of_id", "letter", "due_at", "answer",
        Coalesce("answered_by__full_name", Value("")), "answered_at",
    )  # fmt: skip
    found = marks.order_by().union(notes.order_by(), asked.order_by(), all=True)
    rows = sorted((Remark(*row) for row in found), key=lambda row: (row.at, row.pk))
    return Remarks(
        {row.key: row for row in rows if row.kind == "mark"},
        [row for row in rows if row.kind == "note"],
        [row for row in rows if row.kind == "opinion"],
    )


@transaction.atomic
def write_note(dossier: Dossier, text: str, *, by: User) -> PrivateNote:
    """Keep a note for the colleagues; raises `NotKept`. Sent twice in a row it is one."""
    locked = Dossier.objects.select_for_update(of=("self",)).get(pk=dossier.pk)
    if not workflow.acting_roles(locked, by) & WRITE_NOTES:
        raise NotKept(_("Ông/bà chỉ đọc được ghi chú của hồ sơ này, không ghi thêm được."))
    last = locked.private_notes.order_by("-pk").first()
    if last is not None and (last.author_id, last.text) == (by.pk, text):
        return last
    return PrivateNote.objects.create(dossier=locked, author=by, text=text)


def erase_note(dossier: Dossier, pk: int, *, by: User) -> bool:
    """Take back a note of one's own; False for one that is not there or not one's own."""
    return bool(dossier.private_notes.filter(pk=pk, author=by).delete()[0])
