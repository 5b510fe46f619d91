"""A definition as the YAML that staff write, so that loading it again changes nothing."""

from __future__ import annotations

import datetime
import re
from typing import Any

import yaml

from procedures.formspec.spec import Field
from procedures.loading.checking import shared_blocks
from procedures.loading.yamltext import read
from procedures.text import grouped

_MONEY = {"amount", "cap"}
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_WIDTH = 2**20
# Longer lists of plain words stand below their key.
_SHORT_LIST = 60


def yaml_of(definition: dict[str, Any]) -> str:
    """The definition as YAML: keys in the schema's order, Vietnamese as it is written.

    Money is `8.000`, a day `01/07/2026`, yes and no are words, a shared block is `use:`.
    """
    return yaml.dump(
        _plain("", definition), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=_WIDTH
    )


def scalar(key: str, value: Any) -> str:
    """One value as its writer would type it under `key`."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and key == "reduce":
        return f"{value}%"
    if isinstance(value, int):
        return grouped(value) if key in _MONEY else str(value)
    if key == "effective_from" and _ISO_DAY.fullmatch(value):
        return f"{datetime.date.fromisoformat(value):%d/%m/%Y}"
    return value


def _plain(key: str, value: Any) -> Any:
    """The value with texts for all scalars, and shared blocks by their name alone."""
    if isinstance(value, dict):
        if "use" in value and _is_the_block(value):
            value = {name: part for name, part in value.items() if name != "fields"}
        elif "include" in value:
            value = _as_person(value)
        return {name: _plain(name, part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(key, part) for part in value]
    return scalar(key, value)


def _as_person(field: dict[str, Any]) -> dict[str, Any]:
    """A group that a `person` was expanded to as that person, if it still asks the same."""
    rest = {name: part for name, part in field.items() if name not in {"id", "fields"}}
    person = {"id": field["id"], "type": "person", **rest}
    today = Field.model_validate(person).model_dump(mode="json", exclude_defaults=True)
    return person if today == field else field


def _is_the_block(field: dict[str, Any]) -> bool:
    """Whether a group still asks what the shared block that it uses asks today."""
    block = (shared_blocks() or {}).get(field["use"])
    today = [Field.model_validate(row).model_dump(mode="json", exclude_defaults=True)
             for row in block or []]  # fmt: skip
    return bool(today) and today == field.get("fields")


class _Dumper(yaml.SafeDumper):
    """Quotes only what our own reader, for which every scalar is text, would misread."""

    yaml_implicit_resolvers: dict = {}

    def ignore_aliases(self, data: Any) -> bool:
        """Write everything out: an anchor is nothing for the people who read this."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Rows of a list stand in from their key."""
        return super().increase_indent(flow, False)


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    if style is None and not _reads_back(value):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _reads_back(value: str) -> bool:
    """Whether a plain scalar of this text would come back as it is, without a fault."""
    if not value.startswith(("“", "”", "„", "‘", "’")):
        return True
    document = read(f"k: {value}", "")
    return not document.faults and document.data == {"k": value}


def _list(dumper: _Dumper, value: list) -> yaml.SequenceNode:
    """A few short words on one line, anything else a line each."""
    is_short = value and all(isinstance(item, str) and item.isidentifier() for item in value)
    flow = bool(is_short and sum(map(len, value)) <= _SHORT_LIST)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=flow)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(list, _list)
