"""JSON whose keys come back in the order in which they were written, on every database.

PostgreSQL's `jsonb` sorts the keys of an object by length, so the options of a question would
stand on the page in another order than in the file. `json` would keep them but cannot be
compared, which the triggers that freeze a revision do.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

# No key of ours is empty.
_ORDER = ""


class OrderedJSONField(models.JSONField):
    """A `JSONField` that writes the order of the keys down where `jsonb` would lose it.

    The column is that of a `JSONField`, so it needs no migration of its own; a historical
    model in a migration sees the order as a value under the empty key.
    """

    def deconstruct(self) -> tuple[str, str, list, dict]:
        """As a `JSONField`."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        """What goes into the column."""
        if connection.vendor == "postgresql":
            value = with_order(value)
        return super().get_db_prep_value(value, connection, prepared)

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        """What comes out of it."""
        value = super().from_db_value(value, expression, connection)
        return in_order(value) if connection.vendor == "postgresql" else value


def with_order(value: Any) -> Any:
    """Plain JSON with the order of its keys under the empty key, where `jsonb` has another."""
    if isinstance(value, list):
        return [with_order(part) for part in value]
    if not isinstance(value, dict):
        return value
    marked = {key: with_order(part) for key, part in value.items()}
    if list(value) != sorted(value, key=_place):
        marked[_ORDER] = list(value)
    return marked


def in_order(value: Any) -> Any:
    """What `with_order` was given, whatever the database did to the keys since."""
    if isinstance(value, list):
        return [in_order(part) for part in value]
    if not isinstance(value, dict):
        return value
    names = value.get(_ORDER) or sorted(value, key=_place)
    return {name: in_order(value[name]) for name in names}


def _place(key: str) -> tuple[int, bytes]:
    """Where `jsonb` puts a key: the shorter first, then by its bytes."""
    raw = key.encode()
    return len(raw), raw
