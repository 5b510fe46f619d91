"""The first pass over a load: everything is read, checked and compared; nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from django.utils.translation import gettext as _

from procedures.loading.proposals import is_news
from procedures.loading.report import Outcome, Report
from procedures.loading.saving import Prepared, definition_of, digest_of, prepare
from procedures.loading.sources import Entry, SourceError, read_entries
from procedures.models import CatalogueLoad, Revision

# More of them than the nation has procedures; each is kept until the report is written.
MOST_FAULTS = 10_000

Progress = Callable[[], None]


class Known(NamedTuple):
    """What the catalogue has of one procedure."""

    digests: frozenset[str]  # of what is in force, or approved for a day to come
    is_office: bool  # written by the office: in force, approved, or a draft


@dataclass
class Plan:
    """What is to be written: for each code the digest that was checked, and its outcome.

    `national` are the codes of which the nation, not the office, speaks.
    """

    files: list[Path]
    digests: dict[str, str] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    national: set[str] = field(default_factory=set)
    report: Report = field(default_factory=Report)


def make_plan(
    files: list[Path], *, root: Path | None = None, progress: Progress | None = None
) -> Plan:
    """Read and check all of `files`, and say what would become of each procedure.

    The report names the files as they stand below `root`. Raises `SourceError` for a file
    that cannot be read, or is so faulty that it must be something else.
    """
    plan, known = Plan(files, report=Report(f"{root}/" if root else "")), known_procedures()
    for entry in read_entries(files):
        outcome = Outcome.LEFT_OUT
        if _is_in_force_as_it_is(entry, known):
            outcome, entry.faults = Outcome.SAME, []
        elif entry.spec:
            prepared = prepare(entry.spec, origin=entry.origin)
            outcome = outcome_of(prepared, known)
            plan.digests[prepared.code] = prepared.digest
            plan.outcomes[prepared.code] = outcome
            if entry.origin == Revision.Origin.NATIONAL:
                plan.national.add(prepared.code)
        plan.report.add(entry, outcome)
        if len(plan.report.faults) > MOST_FAULTS:
            raise SourceError(
                _("Tệp có hơn %(count)d lỗi, có lẽ không đúng loại. Ví dụ: %(fault)s")
                % {"count": MOST_FAULTS, "fault": plan.report.faults[0]}
            )
        if progress:
            progress()
    return plan


def _is_in_force_as_it_is(entry: Entry, known: dict[str, Known]) -> bool:
    """Whether a file with faults says word for word what is in force.

    It changes nothing, so nobody has to mend it: a national procedure that was exported
    lacks what an office's file must have.
    """
    if entry.as_read is None or entry.as_read.code not in known:
        return False
    return digest_of(definition_of(entry.as_read)) in known[entry.as_read.code].digests


def known_procedures() -> dict[str, Known]:
    """What the catalogue has, by code: a digest and a flag for each, not the texts."""
    rows = (
        Revision.objects.exclude(status=Revision.Status.SUPERSEDED)
        .exclude(load__state=CatalogueLoad.State.WRITING)
        .values_list("procedure__code", "status", "digest", "origin")
    )
    digests: dict[str, set[str]] = {}
    own: set[str] = set()
    for code, status, digest, origin in rows:
        found = digests.setdefault(code, set())
        if status != Revision.Status.DRAFT:
            found.add(digest)
        if origin == Revision.Origin.OFFICE:
            own.add(code)
    return {code: Known(frozenset(found), code in own) for code, found in digests.items()}


def outcome_of(prepared: Prepared, known: dict[str, Known]) -> str:
    """What a load does with one procedure, given what the catalogue has."""
    has = known.get(prepared.code)
    if has is None:
        return Outcome.NEW
    if prepared.digest in has.digests:
        return Outcome.SAME
    if prepared.origin == Revision.Origin.NATIONAL and has.is_office:
        return Outcome.PROPOSED if is_news(prepared) else Outcome.SAME
    return Outcome.CHANGED if has.digests else Outcome.NEW
