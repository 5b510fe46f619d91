"""Dossiers with given facts and no ledger, for what only counts them."""

from __future__ import annotations

import datetime
import itertools

from django.contrib.auth import get_user_model

from dossiers.models import Dossier
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
