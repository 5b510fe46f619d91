"""Communes and districts of before July 2025, and what became of them.

The tables are large (about 40 MB once read), so they are read when somebody first names
a place that is not one of today's, and what is kept of them is small.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from procedures.formspec.lists import Commune, communes
from procedures.text import fold

_UNIT = re.compile(
    r"^(?:xa|phuong|thi tran|huyen|quan|thi xa|tinh|thanh pho|dac khu|tp\.?|tx\.?|tt\.?) +(?=\S)"
)


_IS_DISTRICT = re.compile(r"(?:huyen|quan|thi xa|thanh pho) ")


class Former(NamedTuple):
    """A commune of before July 2025, and the codes of those that it went into."""

    name: str
    district: str
    province: str
    successors: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name}, {self.district}, {self.province}"

    @property
    def communes(self) -> list[Commune]:
        """Today's communes in its place."""
        return [communes()[code] for code in self.successors if code in communes()]


class _Tables(NamedTuple):
    by_commune: dict[str, tuple[Former, ...]]
    by_district: dict[str, tuple[Former, ...]]


def find_former(text: str) -> list[Former]:
    """The old communes that a typed text can mean: `Gio Mỹ, Gio Linh, Quảng Trị`.

    What follows the first comma must be the old district, the province (old or today's),
    or both. An empty list means that no commune of before July 2025 fits.
    """
    name, *around = _parts(text)
    if _IS_DISTRICT.match(name):
        return []
    return [row for row in _tables().by_commune.get(_bare(name), ()) if _lies_in(row, around)]


def find_district(text: str) -> list[Former]:
    """The communes of an old district (`huyện Gio Linh, Quảng Trị`); empty where it is none."""
    name, *around = _parts(text)
    return [row for row in _tables().by_district.get(_bare(name), ()) if _lies_in(row, around)]


def successors(rows: list[Former]) -> list[Commune]:
    """Today's communes in the place of all these, each once, in their order."""
    found = {commune.code: commune for row in rows for commune in row.communes}
    return list(found.values())


def _parts(text: str) -> list[str]:
    return [part.strip() for part in re.split(r",| - ", fold(text)) if part.strip()] or [""]


def _bare(folded: str) -> str:
    """The name without the word for the kind of unit, save where it is a number."""
    bare = _UNIT.sub("", folded)
    return folded if bare.isdigit() else bare


def _lies_in(row: Former, around: list[str]) -> bool:
    today = {_bare(fold(commune.province)) for commune in row.communes}
    known = {_bare(fold(row.district)), _bare(fold(row.province)), *today}
    return all(_bare(part) in known for part in around)


@lru_cache(maxsize=1)
def _tables() -> _Tables:
    from vietnam_provinces._ward_conversion_2025 import OLD_TO_NEW
    from vietnam_provinces.legacy import District, Province, Ward

    districts = {int(row.code): row.name for row in District.iter_all()}
    provinces = {int(row.code): row.name for row in Province.iter_all()}
    by_commune: dict[str, tuple[Former, ...]] = {}
    by_district: dict[str, tuple[Former, ...]] = {}
    for ward in Ward.iter_all():
        entry = OLD_TO_NEW.get(int(ward.code))
        if entry is None:
            continue
        former = Former(
            ward.name,
            districts[entry.old_ward.district_code],
            provinces[entry.old_ward.province_code],
            tuple(f"{new.code:05d}" for new in entry.new_wards),
        )
        for table, name in ((by_commune, former.name), (by_district, former.district)):
            key = _bare(fold(name))
            table[key] = (*table.get(key, ()), former)
    return _Tables(by_commune, by_district)
