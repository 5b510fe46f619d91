"""What search knows of a procedure: one entry each, from the database in a few queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F

from procedures.models import (
    LegalBasis,
    LifeEvent,
    Procedure,
    RequiredDocument,
    Revision,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One procedure in force, as it is searched, narrowed and put in order."""

    pk: int
    code: str
    short_name: str
    name: str
    also_called: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    summary: str = ""
    result: str = ""
    sector: tuple[str, str] = ("", "")  # slug, name
    life_events: tuple[tuple[str, str], ...] = ()  # slug, name
    papers: tuple[str, ...] = ()
    laws: tuple[str, ...] = ()
    decision: str = ""
    tier: str = ""
    level: int = 1
    audience: tuple[str, ...] = ()
    is_ours: bool = False
    filed: int = 0

    @property
    def is_elsewhere(self) -> bool:
        """Whether another province made it for itself, so that few here can use it."""
        return not self.is_ours and "UBND" in self.decision.upper()


def entries() -> Iterator[Entry]:
    """Every procedure in force, by its code."""
    papers = _lists(RequiredDocument.objects.exclude(how=RequiredDocument.How.REMARK), "name")
    laws = _lists(LegalBasis.objects.exclude(number=""), "number")
    events = _life_events()
    filed = dict(
        Procedure.objects.filter(revisions__dossiers__submitted_at__isnull=False)
        .annotate(filed=Count("revisions__dossiers"))
        .values_list("pk", "filed")
    )
    rows = (
        Procedure.objects.filter(current__isnull=False)
        .order_by("code")
        .values(
            "pk", "code", *(f"current__{column}" for column in _COLUMNS),
            sector_slug=F("current__sector__slug"), sector_name=F("current__sector__name"),
            result=F("current__definition__result__name"),
            keywords=F("current__definition__keywords"),
        )
    )  # fmt: skip
    for row in rows.iterator(chunk_size=1000):
        yield _entry(row, papers, laws, events, filed)


_COLUMNS = (
    "pk", "short_name", "name", "also_called", "summary", "decision", "tier", "service_level",
    "audience", "origin",
)  # fmt: skip


def _entry(
    row: dict[str, Any], papers: dict, laws: dict, events: dict, filed: dict[int, int]
) -> Entry:
    revision = row["current__pk"]
    return Entry(
        pk=row["pk"],
        code=row["code"],
        short_name=row["current__short_name"],
        name=row["current__name"],
        also_called=tuple(row["current__also_called"]),
        keywords=tuple(row["keywords"] or ()),
        summary=row["current__summary"],
        result=row["result"] or "",
        sector=(row["sector_slug"], row["sector_name"]),
        life_events=tuple(events[revision]),
        papers=tuple(papers[revision]),
        laws=tuple(laws[revision]),
        decision=row["current__decision"],
        tier=row["current__tier"],
        level=row["current__service_level"],
        audience=tuple(row["current__audience"]),
        is_ours=row["current__origin"] == Revision.Origin.OFFICE,
        filed=filed.get(row["pk"], 0),
    )


def _lists(rows, column: str) -> dict[int, list[str]]:
    """The values of a column under the primary key of their revision in force."""
    lists: dict[int, list[str]] = defaultdict(list)
    in_force = rows.filter(revision__status=Revision.Status.PUBLISHED).order_by("position")
    for revision, value in in_force.values_list("revision_id", column).iterator(chunk_size=5000):
        lists[revision].append(value)
    return lists


def _life_events() -> dict[int, list[tuple[str, str]]]:
    events: dict[int, list[tuple[str, str]]] = defaultdict(list)
    rows = LifeEvent.revisions.through.objects.filter(
        revision__status=Revision.Status.PUBLISHED
    ).values_list("revision_id", "lifeevent__slug", "lifeevent__name")
    for revision, slug, name in rows:
        events[revision].append((slug, name))
    return events
