"""Rules of the law that were not kept with a dossier: written down once, never taken back.

`at` is the moment that was missed. What a move leaves behind late is written with the move;
what nobody touches is found by `run_due` (`find`). Both may run twice or side by side: the
database keeps one row for each dossier, kind and occasion.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import CharField, Exists, OuterRef, QuerySet
from django.db.models.functions import Cast
from django.utils import timezone

from dossiers.clock import PROMISED, STEPPING, Standing
from dossiers.models import Breach, Dossier, Event, Opinion

Kind = Breach.Kind
State = Dossier.State

AT_MOST = 2000  # of one kind in one run; the next one goes on
_AT_DESK = (Kind.ANSWER_LATE, Kind.HANDED_ON_LATE)


def occasion_of(missed: datetime.datetime) -> str:
    """How the breach of a moment is told from another of its kind."""
    return f"{missed.astimezone(datetime.UTC):%Y%m%dT%H%M%S}"


def note(
    dossier: Dossier,
    kind: str,
    *,
    at: datetime.datetime,
    occasion: str = "",
    officer: int | None = None,
) -> None:
    """Write one breach down; a second call for the same occasion adds nothing."""
    office = dossier.receiving_agency_id if kind in _AT_DESK else dossier.handling_agency_id
    _keep([_row(dossier.pk, kind, at, office, officer, occasion)])


def _row(
    pk: int, kind: str, at: datetime.datetime, office: int, officer: int | None, occasion: str = ""
) -> Breach:
    return Breach(
        dossier_id=pk,
        kind=kind,
        at=at,
        occasion=occasion or occasion_of(at),
        agency_id=office,
        officer_id=officer,
    )


def _keep(rows: list[Breach]) -> None:
    if rows:
        Breach.objects.bulk_create(rows, ignore_conflicts=True)


# --- With a move ------------------------------------------------------------------------


def of_move(dossier: Dossier, before: Standing, now: datetime.datetime) -> None:
    """Write down what was late already when a move came; costs nothing where nothing was."""
    whose = before.receiving, before.handling, before.assignee
    rows = [
        _row(dossier.pk, kind, at, *_whose(kind, before.state, whose))
        for kind, at in _missed(before, now)
    ]
    overdue = next((row for row in rows if row.kind == Kind.OVERDUE), None)
    if overdue and not Event.objects.filter(dossier=dossier, name="extend").exists():
        rows.append(_row(dossier.pk, Kind.NO_APOLOGY, overdue.at, before.handling, before.assignee))
    _keep(rows)


def _whose(kind: str, state: str, of: tuple[int, int, int | None]) -> tuple[int, int | None]:
    """The office, and the officer where it was theirs: nothing at the desk, nor the signing."""
    receiving, handling, assignee = of
    if kind in _AT_DESK or (kind == Kind.STEP_LATE and state == State.SUBMITTED):
        return receiving, None
    is_signing = kind == Kind.STEP_LATE and state == State.AWAITING_APPROVAL
    return handling, None if is_signing else assignee


def _missed(before: Standing, now: datetime.datetime) -> Iterator[tuple[str, datetime.datetime]]:
    state = before.state
    if state == State.SUBMITTED and _past(before.answer_by, now):
        yield Kind.ANSWER_LATE, before.answer_by
    if state == State.ACCEPTED and not before.handed_on_at and _past(before.hand_on_by, now):
        yield Kind.HANDED_ON_LATE, before.hand_on_by
    # Signed is done, however long the portal then takes to print.
    if state in STEPPING and not before.is_approved and _past(before.step_due_at, now):
        yield Kind.STEP_LATE, before.step_due_at
    if state in PROMISED and _past(before.promised_at, now):
        yield Kind.OVERDUE, before.promised_at


def _past(moment: datetime.datetime | None, now: datetime.datetime) -> bool:
    return moment is not None and moment < now


# --- By time alone ----------------------------------------------------------------------


def find() -> int:
    """Write down every moment that has passed since; how many."""
    now = timezone.now()
    found = [
        *_rows(Kind.ANSWER_LATE, "answer_by", now, state=State.SUBMITTED),
        *_rows(Kind.HANDED_ON_LATE, "hand_on_by", now, state=State.ACCEPTED, handed_on_at=None),
        *_rows(Kind.STEP_LATE, "step_due_at", now, state__in=STEPPING, approved_at=None),
        *_rows(Kind.OVERDUE, "promised_at", now, state__in=PROMISED),
        *_without_apology(now),
        *_late_opinions(now),
    ]
    _keep(found)
    return len(found)


def _rows(kind: str, field: str, now: datetime.datetime, **where: Any) -> Iterator[Breach]:
    return _breaches(kind, field, _unrecorded(kind, field, now, **where))


def _unrecorded(kind: str, field: str, now: datetime.datetime, **where: Any) -> QuerySet[Dossier]:
    known = Breach.objects.filter(dossier=OuterRef("pk"), kind=kind, at=OuterRef(field))
    return Dossier.objects.filter(~Exists(known), **where, **{f"{field}__lt": now})


def _breaches(kind: str, field: str, dossiers: QuerySet[Dossier]) -> Iterator[Breach]:
    rows: Iterable[tuple] = dossiers.values_list(
        "pk", field, "state", "receiving_agency", "handling_agency", "assignee"
    )
    for pk, at, state, *whose in rows[:AT_MOST]:
        yield _row(pk, kind, at, *_whose(kind, state, tuple(whose)))


def _without_apology(now: datetime.datetime) -> Iterator[Breach]:
    """Overdue, and nobody had apologised (Decree 61/2018, article 19, clause 9)."""
    sorry = Event.objects.filter(dossier=OuterRef("pk"), name="extend")
    late = _unrecorded(Kind.NO_APOLOGY, "promised_at", now, state__in=PROMISED)
    return _breaches(Kind.NO_APOLOGY, "promised_at", late.filter(~Exists(sorry)))


def _late_opinions(now: datetime.datetime) -> Iterator[Breach]:
    """Asked for an opinion and silent (Decree 61/2018, article 19, clause 5)."""
    known = Breach.objects.filter(
        dossier=OuterRef("dossier"),
        kind=Kind.OPINION_LATE,
        occasion=Cast(OuterRef("pk"), CharField()),
    )
    late = Opinion.objects.filter(~Exists(known), answered_at=None, due_at__lt=now)
    rows = late.values_list("pk", "dossier", "due_at", "dossier__handling_agency", "asked_of")
    for pk, dossier, due, agency, asked_of in rows[:AT_MOST]:
        yield _row(dossier, Kind.OPINION_LATE, due, agency, asked_of, occasion=str(pk))
