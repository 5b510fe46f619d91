"""Corrections of the working calendar: days off and days made up, kept by staff as YAML."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import yaml
from django.db import transaction
from django.utils.translation import gettext as _

from procedures.models import CalendarDay

_ANSWERS = {"yes": True, "no": False}
_KEYS = {"date", "working", "note"}


class CalendarError(Exception):
    """The file cannot be used; the message names the file, the entry and the fault."""


@transaction.atomic
def load_calendar(path: Path) -> int:
    """Save every entry of the file and return how many there are; nothing when one is wrong.

    The file is a list of `{date: 02/01/2026, working: no, note: …}`. A day that is already
    in the table takes what the file says; days that the file does not name stay.
    """
    days = _read(path)
    for day, values in days.items():
        CalendarDay.objects.update_or_create(date=day, defaults=values)
    return len(days)


def _read(path: Path) -> dict[date, dict]:
    """The entries by day; every scalar is text, since YAML would read `no` as False."""
    try:
        # BaseLoader makes texts, lists and mappings, and nothing else.
        entries = yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    except yaml.YAMLError as error:
        raise CalendarError(f"{path.name}: {error}") from error
    if not isinstance(entries, list):
        raise CalendarError(_("%(file)s: phải là một danh sách các ngày") % {"file": path.name})
    days: dict[date, dict] = {}
    for number, entry in enumerate(entries, start=1):
        day, values = _entry(entry, where=f"{path.name}, {number}")
        if day in days:
            raise CalendarError(
                _("%(where)s: ngày %(day)s ghi hai lần")
                % {"where": f"{path.name}, {number}", "day": f"{day:%d/%m/%Y}"}
            )
        days[day] = values
    return days


def _entry(entry: object, *, where: str) -> tuple[date, dict]:
    """One entry as a day and the values of its row."""
    if not _is_complete(entry):
        raise CalendarError(
            _("%(where)s: mỗi ngày phải ghi đủ date, working, note") % {"where": where}
        )
    if entry["working"] not in _ANSWERS:
        raise CalendarError(_("%(where)s: working chỉ nhận yes hoặc no") % {"where": where})
    try:
        day = datetime.strptime(entry["date"], "%d/%m/%Y").date()
    except ValueError as error:
        raise CalendarError(
            _("%(where)s: ngày phải ghi theo dạng 02/01/2026") % {"where": where}
        ) from error
    return day, {"is_working": _ANSWERS[entry["working"]], "note": entry["note"]}


def _is_complete(entry: object) -> bool:
    """Whether an entry has exactly the three keys, each with a text."""
    return (
        isinstance(entry, dict)
        and set(entry) == _KEYS
        and all(isinstance(value, str) for value in entry.values())
    )
