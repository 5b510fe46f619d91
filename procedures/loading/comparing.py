"""What differs between two definitions, down to the row and the key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from procedures.loading.saving import definition_of
from procedures.loading.schema import ProcedureSpec
from procedures.models import Revision
from procedures.text import in_vietnamese

# By what the rows of a list are told apart, the first that a row has.
_NAMES = ("id", "section", "type", "number", "to")
_MONEY = {"amount", "cap"}


class Change(NamedTuple):
    """One value that differs: its path (`fees.ban_sao.amount`), what it was, what it becomes."""

    key: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.key}: {shown(self.key, self.old)} -> {shown(self.key, self.new)}"


def changes(spec: ProcedureSpec) -> list[Change] | None:
    """What publishing `spec` would change in force; None for a new procedure."""
    current = Revision.objects.filter(
        procedure__code=spec.code, status=Revision.Status.PUBLISHED
    ).first()
    return None if current is None else differences(current.definition, definition_of(spec))


def differences(old: Any, new: Any) -> list[Change]:
    """Every value that differs between two definitions, in the order of the new one.

    Rows are compared by their id, so that a row put before another changes nothing in it;
    a row that came or went is one change.
    """
    return list(_differences("", old, new))


def _differences(path: str, old: Any, new: Any) -> Iterator[Change]:
    if old == new:
        return
    old_rows, new_rows = _by_name(old), _by_name(new)
    if not path or (old_rows is not None and new_rows is not None):
        before = f"{path}." if path else ""
        names = [*(new_rows or {}), *(name for name in old_rows or {} if name not in new_rows)]
        found = [
            change
            for name in names
            for change in _differences(f"{before}{name}", old_rows.get(name), new_rows.get(name))
        ]
        # The same rows in another order differ nowhere below.
        yield from found or [Change(path, old, new)]
    else:
        yield Change(path, old, new)


def _by_name(value: Any) -> dict[str, Any] | None:
    """The parts of a mapping, or of a list of rows, by name; None for anything else."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        return None
    named: dict[str, Any] = {}
    for position, row in enumerate(value, start=1):
        name = next((str(row[key]) for key in _NAMES if row.get(key)), str(position))
        named[name if name not in named else f"{name} ({position})"] = row
    return named


@in_vietnamese
def shown(path: str, value: Any) -> str:
    """A value in one line, as its writer would type it: `8.000`, `yes`, `01/07/2026`."""
    from procedures.loading.export import scalar

    key = path.rsplit(".", 1)[-1]
    if value is None:
        return "unknown" if key in _MONEY else "–"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {shown(k, v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(shown(key, item) for item in value) + "]"
    return " ".join(scalar(key, value).split())
