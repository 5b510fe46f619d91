"""What there is to do after an event in life: the steps of its page, with their procedures."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures.models import LifeEvent, Procedure

# What a step may say; anything else in its row is a slip of the writer.
KEYS = {"title", "text", "need", "who", "code", "procedure", "choices"}
CHOICE_KEYS = {"when", "code", "procedure", "text"}
ALWAYS = "always"
_ALWAYS_TEXT = gettext_lazy("Ai cũng phải làm")


def codes(event: LifeEvent) -> set[str]:
    """The codes of all procedures that the steps of an event name."""
    rows = [row for step in event.steps for row in (step, *step.get("choices", []))]
    return {row["code"] for row in rows if row.get("code")}


def steps(event: LifeEvent) -> list[dict[str, Any]]:
    """The steps in their order, each with whether one needs it and its procedure.

    A procedure that is in the catalogue is linked; another one is named with its code.
    """
    known = {
        row.code: row
        for row in Procedure.objects.filter(
            code__in=codes(event), current__isnull=False
        ).select_related("current")
    }
    return [_step(row, known) for row in event.steps]


def _step(row: dict[str, Any], known: dict[str, Procedure]) -> dict[str, Any]:
    need = row.get("need", ALWAYS)
    return {
        "title": row["title"],
        "text": row.get("text", ""),
        "is_always": need == ALWAYS,
        "need": str(_ALWAYS_TEXT) if need == ALWAYS else need,
        "who": row.get("who", ""),
        "procedure": _procedure(row, known),
        "choices": [
            {
                "when": choice["when"],
                "text": choice.get("text", ""),
                "procedure": _procedure(choice, known),
            }
            for choice in row.get("choices", [])
        ],
    }


def _procedure(row: dict[str, Any], known: dict[str, Procedure]) -> dict[str, str] | None:
    code = row.get("code")
    if not code:
        return None
    found = known.get(code)
    if found is None:
        return {"code": code, "name": row.get("procedure", ""), "url": ""}
    # The plain words of the page's writer stand before the catalogue's.
    name = row.get("procedure") or found.current.short_name
    return {"code": code, "name": name, "url": found.get_absolute_url()}


def faults(steps: Any) -> list[str]:
    """What is wrong with the steps of a file, in sentences; empty when they can be shown."""
    if not isinstance(steps, list):
        return [_("“steps” phải là một danh sách.")]
    found = []
    for number, row in enumerate(steps, 1):
        where = _("Bước %(number)d") % {"number": number}
        if not isinstance(row, dict) or not row.get("title"):
            found.append(_("%(where)s phải có title.") % {"where": where})
            continue
        found += _unknown(where, row, KEYS)
        choices = row.get("choices", [])
        if not isinstance(choices, list):
            found.append(_("%(where)s: choices phải là một danh sách.") % {"where": where})
            continue
        for choice in choices:
            if not isinstance(choice, dict) or not choice.get("when"):
                found.append(_("%(where)s: mỗi lựa chọn phải có when.") % {"where": where})
            else:
                found += _unknown(where, choice, CHOICE_KEYS)
    return found


def _unknown(where: str, row: dict[str, Any], keys: set[str]) -> list[str]:
    no_text = [
        _("%(where)s: %(key)s phải là chữ.") % {"where": where, "key": key}
        for key, value in row.items()
        if key in keys - {"choices"} and not isinstance(value, str)
    ]
    return no_text + [
        _("%(where)s: không có khóa “%(key)s”; chỉ nhận %(keys)s.")
        % {"where": where, "key": key, "keys": ", ".join(sorted(keys))}
        for key in row
        if key not in keys
    ]
