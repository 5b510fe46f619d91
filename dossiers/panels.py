"""Places on the officials' pages where an app above may show something of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dossiers.models import Dossier

Panel = Callable[[Dossier, set[str]], dict[str, Any] | None]

_panels: list[Panel] = []
_columns: list[Callable[[Dossier], str]] = []


def register(panel: Panel) -> Panel:
    """Add a panel to the dossier page: a function that gives its template and context."""
    _panels.append(panel)
    return panel


def register_column(column: Callable[[Dossier], str]) -> Callable[[Dossier], str]:
    """Add a column to the queue: a function that gives its words."""
    _columns.append(column)
    return column


def for_page(dossier: Dossier, roles: set[str]) -> list[dict[str, Any]]:
    """The panels that have something to say about this dossier."""
    shown = (panel(dossier, roles) for panel in _panels)
    return [panel for panel in shown if panel]


def for_row(dossier: Dossier) -> str:
    """What the columns say of one row of the queue."""
    return " · ".join(text for column in _columns if (text := column(dossier)))
