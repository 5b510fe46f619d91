"""Rules that the database itself keeps: what was published or written down stays.

Each app registers its triggers and installs them after every migration (`post_migrate`):
a SQLite migration that rebuilds a table drops its triggers without a word, and breaks off
where a trigger of another table names it (`make_way`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.apps import apps
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model


@dataclass(frozen=True)
class Trigger:
    """One refusal: on `operation` of `table`, when the condition holds, say `message`.

    `when` is SQL over OLD and NEW that both databases read; "" means always.
    """

    name: str
    table: str
    operation: str  # INSERT, UPDATE, DELETE; TRUNCATE is PostgreSQL's alone
    message: str
    when: str = ""

    def sql(self, vendor: str) -> list[str]:
        """The statements that create it."""
        if vendor == "sqlite":
            if self.operation == "TRUNCATE":
                return []
            when = f"WHEN {self.when} " if self.when else ""
            return [
                f'CREATE TRIGGER "{self.name}" BEFORE {self.operation} ON "{self.table}" '
                f"{when}BEGIN SELECT RAISE(ABORT, '{self.message}'); END"
            ]
        scope = "FOR EACH STATEMENT" if self.operation == "TRUNCATE" else "FOR EACH ROW"
        body = f"RAISE EXCEPTION '{self.message}';"
        if self.when:
            body = f"IF {self.when} THEN {body} END IF;"
        result = "OLD" if self.operation == "DELETE" else "NEW"
        return [
            f'CREATE OR REPLACE FUNCTION "{self.name}"() RETURNS trigger AS $$ '
            f"BEGIN {body} RETURN {result}; END $$ LANGUAGE plpgsql",
            f'CREATE TRIGGER "{self.name}" BEFORE {self.operation} ON "{self.table}" '
            f'{scope} EXECUTE FUNCTION "{self.name}"()',
        ]


_builders: dict[str, Callable[[], list[Trigger]]] = {}


def register(app_label: str, build: Callable[[], list[Trigger]]) -> None:
    """Say which triggers an app wants; `build` runs when its models are ready."""
    _builders[app_label] = build


def install(app_label: str, using: str) -> None:
    """Create the triggers of an app anew; a second call changes nothing."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for trigger in _builders[app_label]():
            if trigger.table in tables:
                _drop(cursor, trigger, connection.vendor)
                for statement in trigger.sql(connection.vendor):
                    cursor.execute(statement)


def make_way(using: str) -> None:
    """Take every trigger out of a SQLite database that is about to be migrated.

    Adding a column rebuilds the table there, and SQLite refuses to rename one that a trigger
    elsewhere names. Under names that the code no longer has there may be triggers, too.
    """
    connection = connections[using]
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in cursor.fetchall():
            cursor.execute(f'DROP TRIGGER "{name}"')


def _drop(cursor, trigger: Trigger, vendor: str) -> None:
    table = "" if vendor == "sqlite" else f' ON "{trigger.table}"'
    cursor.execute(f'DROP TRIGGER IF EXISTS "{trigger.name}"{table}')


@contextmanager
def lifted(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Without any trigger, for the flush between live-server tests alone."""
    labels = [label for label in _builders if apps.is_installed(label)]
    with connection.cursor() as cursor:
        for label in labels:
            for trigger in _builders[label]():
                _drop(cursor, trigger, connection.vendor)
    try:
        yield
    finally:
        for label in labels:
            install(label, connection.alias)


def changed(model: type[Model], *, except_for: set[str]) -> str:
    """SQL that is true when any column of `model` changes, but for those named."""
    columns = [f.column for f in model._meta.local_concrete_fields if f.name not in except_for]
    # Both databases know IS DISTINCT FROM (SQLite since 3.39).
    return "(" + " OR ".join(f'NEW."{c}" IS DISTINCT FROM OLD."{c}"' for c in columns) + ")"
