"""Opinions: what an official asks a colleague, or another office by letter, about a dossier.

What was asked, until when, and what came back is recorded either way (Decree 61/2018,
article 19 clause 5). The clock runs on, and neither asking nor answering moves the dossier.
One who is asked reads that dossier until they have answered.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import conflicts, ledger, workflow
from dossiers.models import Dossier, Opinion
from procedures import worktime
from procedures.models import Agency, Posting
from procedures.postings import HANDLING_ROLES, at_or_below
from procedures.text import normalise

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

    from dossiers.remarks import Remark

ASKED, GIVEN = "ask_opinion", "give_opinion"  # how the ledger names them
DAYS, MOST_DAYS = 3, 30  # working days
MAX_TEXT = 4000  # characters
_Role, _State = Posting.Role, Dossier.State
ASKS = frozenset({_Role.CASE_OFFICER, _Role.APPROVER, _Role.LEADER})
_DESK_ASKS = ASKS | {_Role.RECEPTION}
_ENDED = (_State.DRAFT, _State.COMPLETED, *Dossier.FINAL)


class NotKept(Exception):
    """Nothing was recorded; the sentence is for who sent the form."""


def may_ask(dossier: Dossier, roles: set[str]) -> bool:
    """Whether one who acts in these roles may ask now: the desk before it has taken it in."""
    asks = _DESK_ASKS if dossier.state == _State.SUBMITTED else ASKS
    return dossier.state not in _ENDED and bool(roles & asks)


def colleagues(dossier: Dossier, *, but: User | None = None) -> QuerySet[Posting]:
    """The postings of those who may be asked: officials who work with dossiers under the same
    top office, without the asker (`but`) and the one whose dossier it is."""
    top = dossier.handling_agency
    while top.parent_id:
        top = top.parent
    people = Posting.objects.current().filter(
        agency__in=at_or_below([top.pk]), role__in=HANDLING_ROLES, user__is_active=True
    )
    people = people.exclude(user__in=[dossier.owner_id, *([but.pk] if but else [])])
    return people.select_related("user", "agency").order_by("agency__name", "user__full_name")


def waiting_for(user: User) -> QuerySet[Opinion]:
    """The questions that `user` has still to answer, what is due first."""
    rows = Opinion.objects.filter(asked_of=user, answered_at=None)
    return rows.exclude(dossier__state__in=_ENDED).order_by("due_at", "pk")


def is_asked(dossier: Dossier, user: User) -> bool:
    """Whether `user` reads this dossier because they are asked about it, and may still answer."""
    return waiting_for(user).filter(dossier=dossier).exists() and _may_answer(dossier, user)


def _may_answer(dossier: Dossier, user: User) -> bool:
    """Whether they work with dossiers there today, and nobody of theirs stands in this one."""
    is_colleague = colleagues(dossier).filter(user=user).exists()
    return is_colleague and not (
        workflow.is_party(dossier, user) or conflicts.has_conflict(dossier, user)
    )


def _lock(dossier_id: int) -> Dossier:
    rows = Dossier.objects.select_for_update(of=("self",))
    return rows.select_related("owner", "receiving_agency", "handling_agency").get(pk=dossier_id)


@transaction.atomic
def ask(
    dossier: Dossier,
    question: str,
    *,
    by: User,
    days: int = DAYS,
    asked_of: User | None = None,
    office: str = "",
    letter: str = "",
) -> Opinion:
    """Record a question to a colleague, or to an `office` outside asked by a `letter`.

    To be answered within `days` working days of the handling office. Raises `NotKept`.
    The same question to the same side, still open, is one.
    """
    locked = _lock(dossier.pk)
    if not may_ask(locked, workflow.acting_roles(locked, by)):
        raise NotKept(_("Lúc này ông/bà không hỏi ý kiến về hồ sơ này được."))
    if not 1 <= days <= MOST_DAYS:
        raise NotKept(_("Thời hạn trả lời từ 1 đến %(most)d ngày làm việc.") % {"most": MOST_DAYS})
    if asked_of is not None:
        _check_person(locked, asked_of, by)
    same = {"asked_of": asked_of, "office": office, "question": normalise(question).strip()}
    known = locked.opinions.filter(answered_at=None, asked_by=by, **same).first()
    if known is not None:
        return known
    opinion = Opinion.objects.create(
        dossier=locked,
        asked_by=by,
        letter=letter,
        due_at=worktime.promised_at(timezone.now(), days, locked.handling_agency),
        **same,
    )
    _record(locked, ASKED, opinion, by)
    return opinion


def _check_person(dossier: Dossier, person: User, by: User) -> None:
    if person.pk == by.pk:
        raise NotKept(_("Ông/bà không hỏi ý kiến của chính mình được."))
    if workflow.is_party(dossier, person):
        raise NotKept(_("Người này có tên trong hồ sơ nên không cho ý kiến được."))
    if conflicts.has_conflict(dossier, person):
        raise NotKept(_("Người này không cho ý kiến về hồ sơ này được; xin hỏi người khác."))
    if not colleagues(dossier, but=by).filter(user=person).exists():
        raise NotKept(_("Người này hiện không làm việc với hồ sơ ở các cơ quan của cổng."))


@transaction.atomic
def answer(opinion: Opinion, text: str, *, by: User) -> Opinion:
    """Record the answer, once. Raises `NotKept`.

    A colleague gives their own; what an office outside wrote is put down by those who handle
    the dossier.
    """
    dossier = _lock(opinion.dossier_id)
    locked = Opinion.objects.select_related("answered_by").get(pk=opinion.pk)
    if locked.answered_at is not None:
        raise NotKept(
            _("%(who)s đã ghi câu trả lời này rồi; không có gì thay đổi thêm.")
            % {"who": locked.answered_by.get_full_name()}
        )
    if dossier.state in _ENDED:
        raise NotKept(_("Hồ sơ đã có kết quả hoặc đã kết thúc nên không cần ý kiến nữa."))
    if locked.asked_of_id:
        if locked.asked_of_id != by.pk:
            raise NotKept(_("Chỉ người được hỏi trả lời được câu hỏi này."))
        if workflow.is_party(dossier, by):
            raise NotKept(_("Ông/bà có tên trong hồ sơ này nên không cho ý kiến được."))
        if not _may_answer(dossier, by):
            raise NotKept(_("Ông/bà không còn cho ý kiến về hồ sơ này được."))
    elif not may_ask(dossier, workflow.acting_roles(dossier, by)):
        raise NotKept(_("Lúc này ông/bà không ghi ý kiến vào hồ sơ này được."))
    locked.answer, locked.answered_by = normalise(text).strip(), by
    locked.answered_at = timezone.now()
    locked.save(update_fields=["answer", "answered_by", "answered_at"])
    _record(dossier, GIVEN, locked, by)
    return locked


def _record(dossier: Dossier, name: str, opinion: Opinion, by: User) -> None:
    """Who asked and answered whom; the words stay in the row, where they can be erased."""
    is_own = name == GIVEN and opinion.asked_of_id
    agency: Agency | None = None if is_own else dossier.handling_agency
    data = {"opinion": opinion.pk, "asked_of": opinion.asked_of_id}
    ledger.append(dossier, name, actor=by, agency=agency, data=data)


def rows(dossier: Dossier, asked: Iterable[Remark], roles: set[str]) -> list[dict[str, Any]]:
    """The opinions of a dossier (`remarks.of()`) as its page shows them."""
    now, asks = timezone.now(), may_ask(dossier, roles)
    return [
        {
            "opinion": row,
            "is_late": (row.answered_at or now) > row.due_at,
            # The answer of an office outside is put down by us.
            "may_record": asks and row.asked_of is None and row.answered_at is None,
        }
        for row in asked
    ]
