"""Standing in for an official: temporary postings, beside an absence or without one.

The substitute holds the same roles at the same offices from one day to another, under
their own title; each row says for whom, and by whom it was given. Without an absence it
serves where one officer alone holds a post, or has a relative in a dossier.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from procedures.models import Absence, Posting
from procedures.postings import in_force

Role = Posting.Role
# What can be handed to a substitute: work with dossiers. To oversee and to administer are
# given by an administrator to a person.
HANDED = frozenset({Role.RECEPTION, Role.CASE_OFFICER, Role.APPROVER, Role.LEADER, Role.CASHIER})
LONGEST = 184  # days: longer is no substitution, but a posting of its own


class Refused(Exception):
    """Nothing was changed; the message is for the person who asked."""


@dataclass
class Standing:
    """One substitution as a page shows it: who for whom, in which roles, on which days."""

    substitute: Any
    replaced: Any
    first_day: datetime.date
    last_day: datetime.date
    postings: list[Posting] = field(default_factory=list)

    @property
    def has_begun(self) -> bool:
        """Whether it is in force today."""
        return self.first_day <= timezone.localdate()


def people_at(offices: Iterable[int]) -> QuerySet[Any]:
    """Active officials with work that can be handed on at one of these offices today."""
    own = Posting.objects.filter(agency__in=offices, role__in=HANDED, stands_in_for=None).current()
    people = get_user_model().objects.filter(pk__in=own.values("user"), is_active=True)
    return people.order_by("full_name", "pk")


@transaction.atomic
def appoint(
    substitute: Any,
    *,
    replaced: Any,
    first_day: datetime.date,
    last_day: datetime.date,
    offices: Iterable[int],
    by: Any,
    is_absent: bool = True,
    reason: str = "",
) -> list[Posting]:
    """Let `substitute` do the work of `replaced` at these `offices`, both days included.

    With `is_absent` the days are kept as an absence too. Raises `Refused`.
    """
    # One at a time for each person replaced: two leaders at once would appoint two.
    get_user_model().objects.select_for_update().get(pk=replaced.pk)
    _check_days(first_day, last_day)
    _check_people(substitute, replaced, by, first_day, last_day)
    handed = _own(replaced, first_day, last_day).filter(agency__in=offices)
    if not handed:
        raise Refused(_("Người được thay không giữ công việc nào ở cơ quan của ông/bà."))
    if in_force(replaced.stand_ins.all(), first_day, last_day).exists():
        raise Refused(_("Trong những ngày này đã có người làm thay; hãy kết thúc việc ấy trước."))
    if is_absent:
        _keep_absence(replaced, first_day, last_day, by, reason)
    title = _title_of(substitute)
    return Posting.objects.bulk_create(
        Posting(
            user=substitute,
            agency=row.agency,
            role=row.role,
            title=title,
            valid_from=first_day,
            valid_until=last_day,
            stands_in_for=replaced,
            appointed_by=by,
        )
        for row in handed
    )


def _own(person: Any, first_day: datetime.date, last_day: datetime.date) -> QuerySet[Posting]:
    """What a person holds by themselves on all these days: what they do for another is not
    handed on."""
    rows = person.postings.filter(stands_in_for=None, role__in=HANDED, valid_from__lte=first_day)
    return rows.filter(Q(valid_until=None) | Q(valid_until__gte=last_day))


def _title_of(person: Any) -> str:
    """Their own: whoever signs for a chairman is none."""
    own = person.postings.filter(stands_in_for=None).exclude(title="").current()
    return own.values_list("title", flat=True).first() or ""


def _check_days(first_day: datetime.date, last_day: datetime.date) -> None:
    if first_day < timezone.localdate():
        raise Refused(_("Ngày bắt đầu đã qua."))
    if last_day < first_day:
        raise Refused(_("Ngày cuối không được trước ngày đầu."))
    if (last_day - first_day).days >= LONGEST:
        raise Refused(_("Làm thay dài nhất sáu tháng; lâu hơn thì cần phân công mới."))


def _check_people(
    substitute: Any, replaced: Any, by: Any, first_day: datetime.date, last_day: datetime.date
) -> None:
    if substitute.pk == replaced.pk:
        raise Refused(_("Không ai làm thay cho chính mình."))
    if substitute.pk == by.pk:
        raise Refused(_("Ông/bà không tự giao cho mình việc của người khác; xin cử một người."))
    away = substitute.absences.filter(first_day__lte=last_day, last_day__gte=first_day)
    if away.exists():
        raise Refused(_("Người làm thay cũng vắng mặt trong những ngày này."))


def _keep_absence(
    person: Any, first_day: datetime.date, last_day: datetime.date, by: Any, reason: str
) -> None:
    known = person.absences.filter(first_day__lte=last_day, last_day__gte=first_day)
    if not known.exists():
        person.absences.create(
            first_day=first_day, last_day=last_day, reason=reason, recorded_by=by
        )


@transaction.atomic
def end(posting: Posting, *, offices: Iterable[int]) -> None:
    """End the whole substitution to which a substitute's posting belongs, from this moment on.

    The absence ends with it. What has not begun is taken back without a trace of days; what
    has, ends with yesterday, so that nothing more is done today. Only rows at `offices`.
    """
    rows = Posting.objects.select_for_update().filter(
        user=posting.user, stands_in_for=posting.stands_in_for, agency__in=offices,
        valid_from=posting.valid_from, valid_until=posting.valid_until,
    )  # fmt: skip
    today = timezone.localdate()
    yesterday = today - datetime.timedelta(days=1)
    away = Absence.objects.filter(
        user=posting.stands_in_for, first_day=posting.valid_from, last_day=posting.valid_until
    )
    if posting.valid_from > today:
        rows.delete()
        away.delete()
        return
    rows.update(valid_until=yesterday)
    if posting.valid_from < today:
        away.update(last_day=yesterday)
    else:
        away.delete()


def standing(offices: Iterable[int]) -> list[Standing]:
    """Substitutions at these offices that are in force or yet to come, the earliest first."""
    rows = (
        Posting.objects.filter(agency__in=offices, valid_until__gte=timezone.localdate())
        .exclude(stands_in_for=None)
        .select_related("user", "stands_in_for", "agency")
        .order_by("valid_from", "pk")
    )
    found: dict[tuple, Standing] = {}
    for row in rows:
        key = (row.user_id, row.stands_in_for_id, row.valid_from, row.valid_until)
        one = Standing(row.user, row.stands_in_for, row.valid_from, row.valid_until)
        found.setdefault(key, one).postings.append(row)
    return list(found.values())


def away(offices: Iterable[int]) -> QuerySet[Absence]:
    """Who of these offices is away now, or will be, the earliest first."""
    theirs = Posting.objects.filter(agency__in=offices).current().values("user")
    coming = Absence.objects.filter(user__in=theirs, last_day__gte=timezone.localdate())
    return coming.select_related("user").order_by("first_day", "pk")
