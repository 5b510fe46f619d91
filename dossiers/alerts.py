"""What the office hears from the clock: a warning before, an apology drafted, the supervisor after.

`run_due` runs both again and again, late, or twice side by side: what was said of a promised
moment is a notice with that moment in it, and is not said twice. The portal drafts; only a
person signs.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import clock, notices, workflow
from dossiers.models import Dossier, DossierQuerySet, Notice
from procedures import worktime
from procedures.models import Agency, Posting
from procedures.text import in_vietnamese

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

Role = Posting.Role

WARNING, ESCALATION = "warn_office", "escalate"
# No warning is further ahead than this: two working days before an apology, and that a day.
_AHEAD_AT_MOST = 4  # working days
AT_MOST = 500  # in one run; the next one goes on
_AT_ONCE = 500  # rows fetched together

logger = logging.getLogger(__name__)


def warn() -> int:
    """Warn officer and leader of what may become late, and draft the apology; of how many.

    In proportion to the procedure's length (`clock.is_time_to_warn`).
    """
    calendar, now = worktime.Calendar.load(), timezone.now()
    last_day = calendar.after(timezone.localdate(now), _AHEAD_AT_MOST)
    end = datetime.datetime.combine(last_day, datetime.time.max, worktime.VIETNAM)
    waiting = _unsaid(WARNING).filter(promised_at__gte=now, promised_at__lte=end)
    near = (
        row
        for row in _with_rules(waiting).iterator(_AT_ONCE)
        if clock.is_time_to_warn(row, now, calendar=calendar)
    )
    return _for_each(near, _warn, (Role.LEADER,))


def escalate() -> int:
    """Tell supervisor and leader of what is overdue; of how many."""
    late = _unsaid(ESCALATION).filter(promised_at__lt=timezone.now())
    return _for_each(
        _with_rules(late).iterator(_AT_ONCE), _escalate, (Role.LEADER, Role.SUPERVISOR)
    )


def _unsaid(kind: str) -> DossierQuerySet:
    """What is being handled and of whose promised moment this was not said yet."""
    said = Notice.objects.filter(dossier=OuterRef("pk"), kind=kind, due_at=OuterRef("promised_at"))
    return Dossier.objects.filter(
        ~Exists(said), state__in=clock.PROMISED, approved_at=None, promised_at__isnull=False
    )


def _with_rules(rows: QuerySet[Dossier]) -> QuerySet[Dossier]:
    return rows.select_related(
        "revision", "owner", "assignee", "receiving_agency", "handling_agency__parent"
    ).prefetch_related("revision__channels")


def _for_each(
    found: Iterator[Dossier],
    say: Callable[[Dossier, list[User]], bool],
    roles: Iterable[str],
) -> int:
    """`say` it of each to those who hold one of `roles`; one that fails keeps nobody waiting."""
    held: dict[int, list[User]] = {}
    count = 0
    for dossier in found:
        office = dossier.handling_agency
        if office.pk not in held:
            held[office.pk] = holders(office, roles)
        # Whom nobody could be told of waits until somebody holds the post.
        people = _with_officer(held[office.pk], dossier)
        if count >= AT_MOST:
            break
        try:
            with worktime.one_calendar():
                count += bool(people) and say(dossier, people)
        except Exception:
            logger.exception("%s: dossier %s failed", say.__name__, dossier.pk)
    return count


def holders(office: Agency, roles: Iterable[str]) -> list[User]:
    """Who holds these roles today for an office: of each, those posted nearest to it.

    At the office itself, and where nobody is, at the one above: a head of the province does
    not hear of every commune.
    """
    chain = list(_upwards(office))
    posted = Posting.objects.filter(role__in=roles, agency__in=chain).current()
    nearest: dict[str, int] = {}
    rows = list(posted.values_list("role", "agency", "user"))
    for role, agency, _user in rows:
        nearest[role] = min(nearest.get(role, len(chain)), chain.index(agency))
    keys = {user for role, agency, user in rows if chain.index(agency) == nearest[role]}
    people = get_user_model().objects.filter(pk__in=keys, is_active=True, closed_at=None)
    return list(people.order_by("pk"))


def _upwards(office: Agency | None) -> Iterator[int]:
    seen: set[int] = set()
    while office is not None and office.pk not in seen:
        seen.add(office.pk)
        yield office.pk
        office = office.parent


def _with_officer(people: list[User], dossier: Dossier) -> list[User]:
    officer = dossier.assignee
    is_new = officer is not None and officer not in people and notices.can_be_told(officer)
    return [*people, officer] if is_new else people


def _is_still_unsaid(dossier: Dossier, kind: str) -> bool:
    """Whether it is so once the row is locked: two of these commands may run side by side,
    and somebody may have given a new date meanwhile."""
    locked = _unsaid(kind).once_locked(dossier.pk)
    return locked is not None and locked.promised_at == dossier.promised_at


@transaction.atomic
def _warn(dossier: Dossier, people: list[User]) -> bool:
    if not _is_still_unsaid(dossier, WARNING):
        return False
    drafted = _draft(dossier)
    for person in people:
        _say_of(dossier, person, WARNING, drafted=_drafted_words() if drafted else "")
    return True


@in_vietnamese
def _drafted_words() -> str:
    return _(" Cổng đã soạn sẵn văn bản xin lỗi, hẹn lại; lãnh đạo ghi lý do và ký.")


def _draft(dossier: Dossier) -> bool:
    """An apology lies ready for the leader, once for each promised moment; and was it made now."""
    drafted = dossier.proposals.filter(details__promised_at=dossier.promised_at.isoformat())
    if drafted.exists():
        return False
    try:
        workflow.perform(dossier, "draft_extension", by=None)
    except workflow.Refused:
        return False
    return True


@transaction.atomic
def _escalate(dossier: Dossier, people: list[User]) -> bool:
    if not _is_still_unsaid(dossier, ESCALATION):
        return False
    officer = dossier.assignee.get_full_name() if dossier.assignee else "–"
    for person in people:
        _say_of(dossier, person, ESCALATION, officer=officer)
    return True


def _say_of(dossier: Dossier, person: User, kind: str, **values: str) -> None:
    last = notices.moment_text(clock.apology_by(dossier))
    notices.say_to_official(
        person, kind, dossier=dossier, due_at=dossier.promised_at, when=last, **values
    )
