"""What became of a load, short enough to be read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures.loading.sources import Entry
from procedures.loading.yamltext import Fault
from procedures.models import Revision
from procedures.text import grouped as with_mark

# As many of a kind are shown one by one; of more, the first and how many.
SHOWN_EACH = 3
PLACES = 5
# A report is kept in one row of the database.
LISTED = 1000

# What differs between faults of one kind: the value that was given, and numbers.
_PARTICULAR = re.compile(r"(?<=: )[^”]*(?=”)|\d[\d.\-A-Za-z/]*")


class Outcome(TextChoices):
    """What a load does with one procedure."""

    NEW = "new", gettext_lazy("mới")
    CHANGED = "changed", gettext_lazy("thay đổi")
    SAME = "same", gettext_lazy("không đổi")
    PROPOSED = "proposed", gettext_lazy("đề xuất cho cơ quan xem")
    LEFT_OUT = "left_out", gettext_lazy("để lại")


@dataclass
class Report:
    """The outcomes counted, the faults and warnings, and the procedures worth a line.

    `root` is a folder that nobody needs to read of.
    """

    root: str = ""
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, entry: Entry, outcome: str) -> None:
        """Count one procedure, and keep what is to be said of it."""
        self.outcomes[outcome] += 1
        faults = [self._named(fault) for fault in entry.faults]
        self.faults += faults
        self.warnings += [self._named(fault) for fault in entry.warnings]
        is_told = entry.origin == Revision.Origin.OFFICE or outcome == Outcome.PROPOSED
        if (is_told or faults) and len(self.rows) < LISTED:
            self.rows.append(_row(entry, outcome, faults, entry.file.removeprefix(self.root)))

    def _named(self, fault: Fault) -> Fault:
        """The fault with its file as it is to be read."""
        if not self.root:
            return fault
        message = fault.message.replace(self.root, "")
        return replace(fault, file=fault.file.removeprefix(self.root), message=message)

    def summary(self) -> str:
        """`5.652 thủ tục: 5.640 mới, 12 đề xuất cho cơ quan xem.`"""
        parts = [
            f"{with_mark(self.outcomes[outcome])} {outcome.label}"
            for outcome in Outcome
            if self.outcomes[outcome]
        ]
        return _("%(all)s thủ tục: %(parts)s.") % {
            "all": with_mark(self.outcomes.total()), "parts": ", ".join(parts) or "0",
        }  # fmt: skip

    def as_data(self) -> dict[str, Any]:
        """Plain JSON, as it is kept with the load."""
        return {
            "outcomes": {outcome.value: self.outcomes[outcome] for outcome in Outcome},
            "faults": grouped(self.faults),
            "warnings": grouped(self.warnings),
            "files": self.rows,
        }


def _row(entry: Entry, outcome: str, faults: list[Fault], file: str) -> dict[str, Any]:
    return {
        "file": file,
        "line": entry.line,
        "code": entry.code,
        "name": entry.spec.short_name if entry.spec else "",
        "level": entry.spec.service_level if entry.spec else None,
        "advice": entry.advice,
        "outcome": str(outcome),
        "faults": [str(fault).removeprefix(f"{file}:") for fault in faults],
    }


def grouped(faults: Iterable[Fault]) -> list[str]:
    """One line for each fault; where many are of one kind, one line for all of them."""
    kinds: dict[str, list[Fault]] = {}
    for fault in faults:
        kinds.setdefault(_PARTICULAR.sub("…", fault.message), []).append(fault)
    return [line for alike in kinds.values() for line in _lines(alike)]


def _lines(alike: list[Fault]) -> list[str]:
    if len(alike) <= SHOWN_EACH:
        return [str(fault) for fault in alike]
    first, others = alike[0], alike[1:]
    places = [_place(fault, first.file) for fault in others[:PLACES]]
    if len(others) > PLACES:
        places.append("…")
    told = _("%(message)s (và %(count)s chỗ khác: %(places)s)") % {
        "message": first.message, "count": with_mark(len(others)), "places": ", ".join(places),
    }  # fmt: skip
    return [str(replace(first, message=told))]


def _place(fault: Fault, file: str) -> str:
    line = _("dòng %(line)d") % {"line": fault.line}
    return line if fault.file == file else f"{fault.file}:{fault.line}"
