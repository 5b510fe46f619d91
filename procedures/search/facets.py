"""Narrowing by facet, and how many procedures each choice would leave.

A set of procedures is a Python integer with one bit for each, in the order of the list:
counting and intersecting 5,652 of them takes microseconds, without the database.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from procedures.search.entries import Entry
from procedures.text import fold

FACETS = ("sector", "tier", "level", "audience", "event")
TIERS = ("commune", "district", "province", "ministry", "other")


@dataclass
class Facets:
    """The procedures in the order of the list, and under each facet's values their bits."""

    order: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    bits: dict[str, dict[str, int]] = field(default_factory=dict)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.places = {pk: place for place, pk in enumerate(self.order)}
        self.everything = (1 << len(self.order)) - 1

    def weight(self, pk: int) -> float:
        """By how much a procedure goes before others that match as well."""
        return self.weights[self.places[pk]]

    def set_of(self, pks: Iterable[int]) -> int:
        """These procedures as one set."""
        places = bytearray(len(self.order) // 8 + 1)
        for pk in pks:
            place = self.places[pk]
            places[place >> 3] |= 1 << (place & 7)
        return int.from_bytes(places, "little")

    def listed(self, within: int) -> list[int]:
        """Primary keys of the set, in the order of the list."""
        if within == self.everything:
            return self.order
        flags = bin(within)[:1:-1]
        return [pk for pk, flag in zip(self.order, flags, strict=False) if flag == "1"]

    def write(self, path: Path) -> None:
        """Keep them beside the index that was made of the same entries."""
        bits = {
            facet: {value: f"{number:x}" for value, number in values.items()}
            for facet, values in self.bits.items()
        }
        content = [self.order, self.weights, bits, self.labels]
        path.write_text(json.dumps(content), "utf-8")


def read(path: Path) -> Facets:
    """The facets as written; raises `ValueError` or `OSError` for a damaged file."""
    order, weights, bits, labels = json.loads(path.read_text("utf-8"))
    numbers = {
        facet: {value: int(number, 16) for value, number in values.items()}
        for facet, values in bits.items()
    }
    return Facets(order, weights, numbers, labels)


def made_of(entries: list[Entry]) -> Facets:
    """The facets of these entries, which are put in the order of the list."""
    ordered = sorted(entries, key=_list_order)
    bits: dict[str, dict[str, int]] = {facet: defaultdict(int) for facet in FACETS}
    labels: dict[str, dict[str, str]] = {facet: {} for facet in FACETS}
    for place, entry in enumerate(ordered):
        for facet, value, label in _values(entry):
            bits[facet][value] |= 1 << place
            labels[facet][value] = label
    return Facets(
        [entry.pk for entry in ordered],
        [round(weight_of(entry), 4) for entry in ordered],
        bits,
        labels,
    )


def weight_of(entry: Entry) -> float:
    """The nearer to people and the more used, the more: 1 for a plain one of the commune."""
    weight = {"commune": 1.0, "district": 1.0, "province": 0.9, "ministry": 0.75}.get(
        entry.tier, 0.65
    )
    if entry.is_elsewhere:
        weight *= 0.6
    if entry.is_ours:
        weight *= 1.15
    if entry.level >= 3:
        weight *= 1.05
    return weight * (1 + min(0.2, entry.filed.bit_length() * 0.02))


def _list_order(entry: Entry) -> tuple:
    tier = TIERS.index(entry.tier) if entry.tier in TIERS else len(TIERS)
    return (entry.level < 3, entry.is_elsewhere, tier, fold(entry.short_name), entry.code)


def _values(entry: Entry) -> Iterator[tuple[str, str, str]]:
    """Facet, value and label; a label of "" is left to the page."""
    slug, name = entry.sector
    yield "sector", slug, name
    yield "tier", entry.tier, ""
    yield "level", str(entry.level), ""
    for audience in entry.audience:
        yield "audience", fold(audience).replace(" ", "-"), audience
    for slug, name in entry.life_events:
        yield "event", slug, name
