"""From a number of a report to its list in the queue, which then holds exactly as many.

The queue knows one more filter: `so-lieu=<number>.<first day>.<last day>[.<office>]`, with
the number of `numbers.NUMBERS` or an age of what is open (`age-3-5`). It counts as reports
do: by the office that handles, without the ones below it.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import queuefilters
from dossiers.queuefilters import Filter, Found, Viewer, Wrong
from dossiers.reports import figures, numbers
from dossiers.reports.numbers import NUMBERS
from dossiers.reports.periods import Period
from procedures.models import Posting
from procedures.postings import offices_of

NAME = "so-lieu"
AGE = "age-"
# Who reads reports, of their offices and those below.
ROLES = frozenset({Posting.Role.SUPERVISOR, Posting.Role.LEADER, Posting.Role.APPROVER})


def address(number: str, period: Period, *, office: int | None = None, **filters: Any) -> str:
    """The list behind a number; `filters` as in `queuefilters.address`."""
    value = f"{number}.{period.first:%Y-%m-%d}.{period.last:%Y-%m-%d}"
    if office is not None:
        value = f"{value}.{office}"
    chosen = {name: value for name, value in filters.items() if value is not None}
    return queuefilters.address(so_lieu=value, **chosen)


def _read(value: str, viewer: Viewer) -> Found:
    number, period, office = _parts(value)
    where = offices_of(viewer.user, ROLES) if viewer.offices is not None else None
    condition = _condition(number, period)
    if office is not None:
        if where is not None and office not in where:
            raise Wrong(_("Cơ quan này không thuộc phạm vi của ông/bà."))
        condition &= Q(handling_agency=office)
    elif where is not None:
        condition &= Q(handling_agency__in=where)
    return Found(condition, _label(number, period))


def _parts(value: str) -> tuple[str, Period, int | None]:
    number, *rest = value.split(".")
    try:
        first, last, *office = rest
        period = Period(date.fromisoformat(first), date.fromisoformat(last))
        key = int(office[0]) if office else None
    except ValueError:
        raise Wrong from None
    is_known = number in NUMBERS or number.removeprefix(AGE) in {age[0] for age in figures.AGES}
    years = 2000 <= period.first.year <= period.last.year <= 2200
    if not is_known or not years or period.first > period.last or (key or 0) >= 2**63:
        raise Wrong
    return number, period, key


def _condition(number: str, period: Period) -> Q:
    if number.startswith(AGE):
        return Q(state__in=numbers.WORKING) & figures.age(number.removeprefix(AGE))
    found = NUMBERS[number]
    if found.of_dossiers:
        return found.of_dossiers(period)
    return Q(pk__in=found.rows(period).values("dossier"))


def _label(number: str, period: Period) -> str:
    if number.startswith(AGE):
        labels = {age[0]: age[1] for age in figures.AGES}
        return _("đang giải quyết, %(age)s") % {"age": labels[number.removeprefix(AGE)]}
    return f"{NUMBERS[number].label} {period}"


queuefilters.FILTERS[NAME] = Filter(gettext_lazy("Số liệu"), _read)
