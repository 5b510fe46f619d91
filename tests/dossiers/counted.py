"""Dossiers with given facts and no ledger, for what only counts them."""

from __future__ import annotations

import datetime
import itertools

from django.contrib.auth import get_user_model

from dossiers.models import Dossier, SupplementRequest
from dossiers.reports import tallies
from procedures.models import Agency
from procedures.worktime import VIETNAM
from tests import factories

State = Dossier.State
_codes = itertools.count(1)


def at(day: int, hour: int = 8, minute: int = 0, month: int = 11) -> datetime.datetime:
    return datetime.datetime(2026, month, day, hour, minute, tzinfo=VIETNAM)


def dossier(office: Agency, state: str = State.SUBMITTED, **facts) -> Dossier:
    """A dossier with these facts and no ledger."""
    facts.setdefault("submitted_at", at(20))
    facts.setdefault("owner", _owner())
    return Dossier.objects.create(
        revision=factories.procedure().current,
        code=f"000.00.61.H50-261101-{next(_codes):04d}",
        state=state,
        receiving_agency=office.receiving,
        handling_agency=office,
        **facts,
    )


def _owner():
    return get_user_model().objects.filter(is_staff=False).first() or factories.user()


def done(office: Agency, timing: str, ended: datetime.datetime, **facts) -> Dossier:
    facts = {"accepted_at": at(20, 10), "promised_at": ended, **facts}
    return dossier(office, State.COMPLETED, timing=timing, ended_at=ended, **facts)


def some_work(commune: Agency) -> None:
    """One of nearly everything in the last period of reports, and some of today."""
    officer = factories.official("case_officer", full_name="Lê Thị Lý")
    for timing, day in (("early", 3), ("on_time", 4), ("late", 5), ("late", 6)):
        done(commune, timing, at(day), submitted_at=at(2), accepted_at=at(2, 9), assignee=officer)
    dossier(commune, State.REFUSED, submitted_at=at(3), ended_at=at(4), channel="direct")
    dossier(commune, State.WITHDRAWN, submitted_at=at(3), ended_at=at(4))
    late = dossier(commune, State.PROCESSING, submitted_at=at(10), accepted_at=at(10, 9),
                   promised_at=at(13), assignee=officer)  # fmt: skip
    for stage in ("reception", "handling"):
        asked = SupplementRequest.objects.create(
            dossier=late, asked_by=officer, stage=stage, reason="x", answered_at=at(12)
        )
        SupplementRequest.objects.filter(pk=asked.pk).update(asked_at=at(11))
    done(commune, "on_time", at(24, 8), submitted_at=at(23), assignee=officer)
    other = Agency.objects.get(code=factories.OTHER_COMMUNE)
    done(other, "late", at(5), submitted_at=at(2))
    dossier(other, State.PROCESSING, promised_at=at(21))
    while tallies.roll():
        pass
