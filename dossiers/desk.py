"""The lists on the desk of who leads an office: to sign, due soon, and rules not kept.

Each list is short, comes from an index over what is open, and says how many there are.
Signing, agreeing and putting people in place count where a dossier is handled, so that is
what every list is limited to.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q, QuerySet, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dossiers import turns, workflow
from dossiers.models import Breach, Dossier, Proposal, Result, ResultChange, Tally
from procedures import worktime
from procedures.models import Absence, Agency, Posting
from procedures.postings import at_or_below, held

Role = Posting.Role
State = Dossier.State

SIGNING = frozenset({Role.LEADER, Role.APPROVER})
READING = SIGNING | {Role.SUPERVISOR}
MOST = 50
SOON_DAYS = 2
BREACHES_SHOWN = 10
BREACHES_FOR = datetime.timedelta(days=30)
FIGURES_FOR = datetime.timedelta(days=30)
MINUTES_A_DAY = 8 * 60


def offices(request: HttpRequest, among: Collection[str] = READING) -> frozenset[int]:
    """The keys of the offices that the sender of a request leads, or watches over."""
    if request.user.is_superuser:
        return frozenset(Agency.objects.values_list("pk", flat=True))
    return at_or_below(agency for role, agency in held(request) if role in among)


@dataclass(frozen=True)
class Listed:
    """One of the lists: its first rows, and how many there are in all."""

    rows: list[dict[str, Any]]
    count: int

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.count - len(self.rows)


# --- To sign ----------------------------------------------------------------------------


def awaiting(offices: Collection[int]) -> QuerySet[Dossier]:
    """The dossiers that lie before the person who signs."""
    return Dossier.objects.filter(
        handling_agency__in=offices, state=State.AWAITING_APPROVAL, approved_at=None
    )


def to_sign(offices: Collection[int], calendar: worktime.Calendar) -> Listed:
    """Results that wait for a signature: what is settled at the counter first, then by due date."""
    dossiers = awaiting(offices)
    shown = _with_names(dossiers).order_by("-is_at_once", "promised_at", "pk")[:MOST]
    return Listed([row(dossier, calendar) for dossier in shown], dossiers.count())


def being_signed(offices: Collection[int]) -> list[Result]:
    """What is approved and not signed yet: what failed first, then what waits for a token."""
    waiting = Result.objects.filter(
        signed_at=None, approved_by__isnull=False, dossier__handling_agency__in=offices
    )
    shown = waiting.select_related("approved_by", "dossier__revision", "dossier__owner").order_by(
        F("failed_at").asc(nulls_last=True), "pk"
    )
    return list(shown[:MOST])


def result_changes(offices: Collection[int]) -> list[ResultChange]:
    """What is proposed to be revoked or replaced, the oldest first."""
    waiting = ResultChange.objects.filter(decision="", result__dossier__handling_agency__in=offices)
    return list(waiting.select_related("proposed_by", "result__dossier").order_by("pk")[:MOST])


def proposals(
    offices: Collection[int], calendar: worktime.Calendar, roles: Collection[str]
) -> Listed:
    """What waits for the leader's word: apologies to sign, and proposals to agree to.

    Who holds none of the `roles` for the move itself is led to the dossier.
    """
    waiting = Proposal.objects.filter(
        Q(kind=Proposal.Kind.EXTENSION) | Q(needs_consent=True, consented_at=None),
        decided_at=None,
        dossier__handling_agency__in=offices,
    )
    shown = waiting.select_related(
        "proposed_by", "dossier__revision", "dossier__owner", "dossier__assignee",
        "dossier__handling_agency",
    ).order_by("dossier__promised_at", "proposed_at")[:MOST]  # fmt: skip
    return Listed([_proposal_row(one, calendar, roles) for one in shown], waiting.count())


def _proposal_row(
    proposal: Proposal, calendar: worktime.Calendar, roles: Collection[str]
) -> dict[str, Any]:
    is_apology = proposal.kind == Proposal.Kind.EXTENSION
    move = workflow.ACTIONS["extend" if is_apology else "consent"]
    shown = row(proposal.dossier, calendar) | {
        "proposal": proposal,
        "by": proposal.proposed_by.get_full_name() if proposal.proposed_by else _("hệ thống"),
        "label": _("Xem hồ sơ"),
    }
    if set(roles) & set(move.roles):
        args = [proposal.dossier_id, move.name]
        shown["url"] = reverse("admin:dossiers_dossier_move", args=args)
        shown["label"] = _("Xem và ký") if is_apology else _("Xem và cho ý kiến")
    return shown


# --- Due soon ---------------------------------------------------------------------------


def due_soon(offices: Collection[int], calendar: worktime.Calendar) -> Listed:
    """What the office still works on and promised for today or the next two working days,
    and what it promised for a day that has passed."""
    last = calendar.after(timezone.localdate(), SOON_DAYS)
    until = datetime.datetime.combine(last, datetime.time.max, worktime.VIETNAM)
    dossiers = Dossier.objects.filter(
        handling_agency__in=offices,
        state__in=[State.ACCEPTED, State.PROCESSING],
        promised_at__lte=until,
    )
    shown = _with_names(dossiers).order_by("promised_at", "pk")[:MOST]
    return Listed([row(dossier, calendar) for dossier in shown], dossiers.count())


def _with_names(dossiers: QuerySet[Dossier]) -> QuerySet[Dossier]:
    return dossiers.select_related("revision", "owner", "assignee", "handling_agency")


def row(dossier: Dossier, calendar: worktime.Calendar) -> dict[str, Any]:
    """One dossier in a list: whose it is, for how long, and what is left of the time."""
    return {
        "dossier": dossier,
        "url": reverse("admin:dossiers_dossier_change", args=[dossier.pk]),
        "holder": dossier.assignee.get_full_name() if dossier.assignee else "",
        "held": _held(dossier, calendar),
        "left": turns.left(dossier, calendar),
        "is_late": dossier.is_overdue,
    }


def _held(dossier: Dossier, calendar: worktime.Calendar) -> str:
    """For how long the dossier has been at its present step."""
    if dossier.step_since is None:
        return ""
    days = calendar.count_between(timezone.localdate(dossier.step_since), timezone.localdate())
    if not days:
        return _("từ hôm nay")
    return ngettext("%(days)d ngày làm việc", "%(days)d ngày làm việc", days) % {"days": days}


# --- Rules not kept ---------------------------------------------------------------------


def breaches(offices: Collection[int]) -> Listed:
    """Those of the last month: without an explanation first, then the newest; counted are
    those without one."""
    since = timezone.now() - BREACHES_FOR
    found = Breach.objects.filter(agency__in=offices, at__gte=since)
    shown = found.select_related("dossier", "agency", "officer").order_by(
        F("explained_at").asc(nulls_first=True), "-at", "-pk"
    )[:BREACHES_SHOWN]
    unexplained = found.filter(explained_at=None).count()
    return Listed([{"breach": breach} for breach in shown], unexplained)


# --- Figures and people -----------------------------------------------------------------


def times(offices: Collection[int]) -> list[dict[str, Any]]:
    """Of each office in the last 30 days: working hours from filing to acceptance, and working
    days of handling, on average; from the daily figures."""
    since = timezone.localdate() - FIGURES_FOR
    days = Tally.objects.filter(is_month=False, day__gte=since, agency__in=offices)
    summed = days.values("agency__name").annotate(
        taken_in=Sum("accepted"),
        waiting=Sum("accept_minutes"),
        done=Sum(F("done_early") + F("done_on_time") + F("done_late")),
        late=Sum("done_late"),
        handling=Sum("handling_minutes"),
    )
    return [_time_row(one) for one in summed.order_by("agency__name")]


def _time_row(summed: dict[str, Any]) -> dict[str, Any]:
    taken_in, done = summed["taken_in"], summed["done"]
    return {
        "office": summed["agency__name"],
        "accepted": taken_in,
        "hours_to_accept": summed["waiting"] / taken_in / 60 if taken_in else None,
        "done": done,
        "late": summed["late"],
        "days_to_handle": summed["handling"] / done / MINUTES_A_DAY if done else None,
    }


def away(offices: Collection[int]) -> list[dict[str, Any]]:
    """Who of these offices is away today, until when, and who stands in for them."""
    today = timezone.localdate()
    posted = Posting.objects.filter(agency__in=offices).current()
    absences = (
        Absence.objects.filter(
            first_day__lte=today, last_day__gte=today, user__in=posted.values("user")
        )
        .select_related("user")
        .order_by("user__full_name")
    )
    stand_ins: dict[int, set[str]] = {}
    for posting in posted.exclude(stands_in_for=None).select_related("user"):
        stand_ins.setdefault(posting.stands_in_for_id, set()).add(posting.user.get_full_name())
    return [
        {
            "name": absence.user.get_full_name(),
            "until": absence.last_day,
            "stand_ins": ", ".join(sorted(stand_ins.get(absence.user_id, ()))),
        }
        for absence in absences
    ]
