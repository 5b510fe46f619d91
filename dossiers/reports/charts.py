"""Charts of a report, drawn on the server as SVG: no script, and told apart without colour.

Each has a title and a description in words, and stands beside the table that it shows. The
parts of a bar differ in their pattern, so that a print in black and white reads the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from dossiers.reports.figures import Report

WIDTH, ROW, BAR, NAME_WIDTH, COUNT_WIDTH = 640, 34, 20, 190, 60
MOST_ROWS = 12


@dataclass(frozen=True)
class Part:
    """One part of all bars: its words, and the pattern that fills it (`plain`, `lines`, `full`)."""

    label: str
    pattern: str


@dataclass(frozen=True)
class Bar:
    """One bar: what it is of, and how long each part is."""

    name: str
    values: Sequence[int]


@dataclass(frozen=True)
class Chart:
    """A chart: its words, and the drawing with the same words inside."""

    title: str
    svg: SafeString


def draw(name: str, title: str, parts: Sequence[Part], bars: Sequence[Bar]) -> Chart | None:
    """Lying bars; `name` makes the ids unique on the page. Nothing for no numbers."""
    bars = bars[:MOST_ROWS]
    longest = max((sum(bar.values) for bar in bars), default=0)
    if not longest:
        return None
    scale = (WIDTH - NAME_WIDTH - COUNT_WIDTH) / longest
    context = {
        "name": name,
        "title": title,
        "description": _describe(parts, bars),
        "parts": [
            {"label": part.label, "pattern": part.pattern, "x": NAME_WIDTH + 140 * n}
            for n, part in enumerate(parts)
        ],
        "bars": [_placed(bar, n, parts, scale) for n, bar in enumerate(bars)],
        "width": WIDTH,
        "height": ROW * (len(bars) + 1),
        "height_of_bar": BAR,
    }
    return Chart(title, SafeString(render_to_string("admin/dossiers/reports/chart.svg", context)))


def _placed(bar: Bar, row: int, parts: Sequence[Part], scale: float) -> dict[str, Any]:
    top, x, pieces = ROW * (row + 1), float(NAME_WIDTH), []
    for part, value in zip(parts, bar.values, strict=True):
        if value:
            pieces.append({"x": _px(x), "width": _px(value * scale), "pattern": part.pattern})
        x += value * scale
    return {
        "name": _shortened(bar.name),
        "top": top,
        "text_top": top + BAR - 5,
        "pieces": pieces,
        "total": sum(bar.values),
        "total_x": _px(x + 8),
    }


def _px(value: float) -> str:
    # As text: a number would be written with the comma of the language.
    return f"{value:.1f}"


def _shortened(name: str, most: int = 26) -> str:
    return name if len(name) <= most else f"{name[: most - 1].rstrip()}…"


def _describe(parts: Sequence[Part], bars: Sequence[Bar]) -> str:
    """The whole chart in words, for who does not see it."""
    return " ".join(
        f"{bar.name}: "
        + ", ".join(f"{p.label.lower()} {v}" for p, v in zip(parts, bar.values, strict=True))
        + "."
        for bar in bars
    )


def of_report(report: Report) -> list[Chart]:
    """The charts of a report, without those that would be empty."""
    timing = [
        Part(_("Trước hạn"), "plain"),
        Part(_("Đúng hạn"), "lines"),
        Part(_("Quá hạn"), "full"),
    ]
    drawn = [
        draw(name, title, timing, [_timing(line) for line in lines])
        for name, title, lines in (
            ("thang", _("Đã giải quyết theo tháng"), report.months),
            ("linh-vuc", _("Đã giải quyết theo lĩnh vực"), report.sectors),
        )
    ]
    ages = [Bar(label, [count]) for _key, label, count in report.ages]
    drawn.append(
        draw("tuoi", _("Hồ sơ đang giải quyết theo số ngày từ khi nộp"),
             [Part(_("Đang giải quyết"), "lines")], ages)
    )  # fmt: skip
    return [chart for chart in drawn if chart]


def _timing(line: Any) -> Bar:
    figures = line.figures
    return Bar(line.name, [figures.done_early, figures.done_on_time, figures.done_late])
