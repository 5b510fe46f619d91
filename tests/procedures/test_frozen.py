"""What was published never changes: not in Python, not by raw SQL, not after any migration."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from procedures import apps, triggers
from procedures.loading.saving import publish, save_draft
from procedures.loading.schema import ProcedureSpec
from procedures.models import (
    Channel,
    Fee,
    FrozenError,
    LegalBasis,
    LifeEvent,
    RequiredDocument,
    Revision,
)
from tests import factories

pytestmark = pytest.mark.django_db

ROWS = (Channel, Fee, RequiredDocument, LegalBasis)
LIFE_EVENTS, FEE_CHANNELS = Revision.life_events.through, Fee.channels.through


def published() -> Revision:
    return factories.procedure(factories.COPY).current


def draft() -> Revision:
    """A draft of the same procedure, with all the rows that it can have."""
    spec = ProcedureSpec.model_validate(published().definition)
    return save_draft(spec.model_copy(update={"name": f"{spec.name} (mới)"}))


def with_a_fee_of_one_channel() -> Revision:
    revision = draft()
    revision.fees.first().channels.set([revision.channels.first()])
    return revision


def execute(sql: str, *values) -> None:
    """Run raw SQL in a savepoint of its own, so that the test goes on after a refusal."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)


def refused(sql: str, *values) -> bool:
    try:
        execute(sql, *values)
    except DatabaseError as error:
        assert "published revisions are frozen" in str(error)
        return True
    return False


def table_of(model) -> str:
    return connection.ops.quote_name(model._meta.db_table)


# --- In Python ------------------------------------------------------------------------


def test_a_published_revision_is_not_saved_again():
    revision = published()
    revision.name = "Tên khác"

    with pytest.raises(FrozenError):
        revision.save()

    assert Revision.objects.get(pk=revision.pk).name != "Tên khác"


def test_a_published_revision_is_not_deleted():
    revision = published()

    with pytest.raises(FrozenError):
        revision.delete()


def test_published_revisions_are_not_changed_in_bulk():
    revision = published()

    with pytest.raises(FrozenError):
        Revision.objects.filter(pk=revision.pk).update(name="Tên khác")
    with pytest.raises(FrozenError):
        revision.name = "Tên khác"
        Revision.objects.bulk_update([revision], ["name"])


@pytest.mark.parametrize("model", ROWS)
def test_a_row_below_a_published_revision_is_not_saved(model):
    row = model.objects.filter(revision=published()).first()
    row.position = 77

    with pytest.raises(FrozenError):
        row.save()


@pytest.mark.parametrize("model", ROWS)
def test_a_row_below_a_published_revision_is_not_changed_or_deleted_in_bulk(model):
    rows = model.objects.filter(revision=published())

    with pytest.raises(DatabaseError, match="frozen"), transaction.atomic():
        rows.update(position=77)
    with pytest.raises(DatabaseError, match="frozen"), transaction.atomic():
        model.objects.filter(pk=rows.first().pk).delete()


def test_what_a_published_revision_is_linked_to_stays():
    revision = published()
    fee = revision.fees.first()

    with pytest.raises(DatabaseError, match="frozen"), transaction.atomic():
        revision.life_events.clear()
    with pytest.raises(DatabaseError, match="frozen"), transaction.atomic():
        revision.life_events.add(LifeEvent.objects.exclude(revisions=revision).first())
    with pytest.raises(DatabaseError, match="frozen"), transaction.atomic():
        fee.channels.set([revision.channels.first()])


# --- By raw SQL, after all migrations -------------------------------------------------


@pytest.mark.parametrize("column", ["name", "definition", "digest", "service_level", "number"])
def test_no_column_of_a_published_revision_can_be_changed(column):
    revision = published()
    value = {"definition": "{}", "service_level": 1, "number": 99}.get(column, "x")

    assert refused(
        f"UPDATE {table_of(Revision)} SET {column} = %s WHERE id = %s",  # noqa: S608
        value,
        revision.pk,
    )


def test_a_published_revision_does_not_become_a_draft_again():
    revision = published()

    assert refused(
        f"UPDATE {table_of(Revision)} SET status = 'draft' WHERE id = %s",  # noqa: S608
        revision.pk,
    )


def test_a_superseded_revision_does_not_come_back():
    old = published()
    publish(draft(), by=None)

    for status in ("draft", "published"):
        assert refused(
            f"UPDATE {table_of(Revision)} SET status = %s WHERE id = %s",  # noqa: S608
            status,
            old.pk,
        )


def scheduled() -> Revision:
    revision = draft()
    Revision.objects.filter(pk=revision.pk).update(status="scheduled")
    return Revision.objects.get(pk=revision.pk)


def test_a_revision_that_waits_for_its_day_is_frozen_too():
    revision = scheduled()

    with pytest.raises(FrozenError):
        revision.save()
    with pytest.raises(DatabaseError, match="frozen"), transaction.atomic():
        revision.fees.update(position=77)
    assert refused(
        f"UPDATE {table_of(Revision)} SET name = 'x' WHERE id = %s",  # noqa: S608
        revision.pk,
    )


def test_a_revision_that_waits_comes_in_force_or_is_a_draft_again():
    Revision.objects.filter(pk=scheduled().pk).update(status="draft")
    [revision] = Revision.objects.filter(status="draft")
    Revision.objects.filter(pk=revision.pk).update(status="scheduled")
    Revision.objects.filter(status="published").update(status="superseded")

    Revision.objects.filter(pk=revision.pk).update(status="published", published_at=timezone.now())

    assert Revision.objects.get(pk=revision.pk).published_at


def test_the_day_of_publication_stays_as_it_was():
    assert refused(
        f"UPDATE {table_of(Revision)} SET published_at = %s WHERE id = %s",  # noqa: S608
        "2020-01-01 00:00:00+00:00",
        published().pk,
    )


@pytest.mark.parametrize("model", [Revision, *ROWS, LIFE_EVENTS, FEE_CHANNELS])
def test_nothing_published_can_be_deleted(model):
    publish(with_a_fee_of_one_channel(), by=None)
    execute("SET CONSTRAINTS ALL IMMEDIATE" if connection.vendor == "postgresql" else "SELECT 1")

    assert refused(f"DELETE FROM {table_of(model)}")  # noqa: S608
    if connection.vendor == "postgresql":
        assert refused(f"TRUNCATE {table_of(model)} CASCADE")
    assert model.objects.exists()


@pytest.mark.parametrize("model", ROWS)
def test_rows_below_a_published_revision_can_neither_change_nor_move(model):
    row = model.objects.filter(revision=published()).first()
    other = model.objects.filter(revision=draft()).first()
    table = table_of(model)

    changed = refused(f"UPDATE {table} SET position = 77 WHERE id = %s", row.pk)  # noqa: S608
    moved_away = refused(
        f"UPDATE {table} SET revision_id = %s WHERE id = %s",  # noqa: S608
        other.revision_id,
        row.pk,
    )
    moved_in = refused(
        f"UPDATE {table} SET revision_id = %s WHERE id = %s",  # noqa: S608
        row.revision_id,
        other.pk,
    )

    assert changed and moved_away and moved_in


def test_nothing_is_added_below_a_published_revision():
    law = LegalBasis(revision=published(), number="1/2026", title="Thêm", position=9)

    with pytest.raises(DatabaseError, match="frozen"), transaction.atomic():
        LegalBasis.objects.bulk_create([law])


# --- What stays possible --------------------------------------------------------------


def test_a_draft_and_its_rows_may_change_and_go():
    revision = draft()
    revision.summary = "Sửa lại"
    revision.save()
    fee = revision.fees.first()
    fee.channels.clear()
    fee.amount = 9000
    fee.save()

    changed = Revision.objects.get(pk=revision.pk)
    assert (changed.summary, changed.fees.first().amount) == ("Sửa lại", 9000)

    revision.delete()

    assert not Revision.objects.filter(pk=revision.pk).exists()
    assert not Fee.objects.filter(revision=revision.pk).exists()


def test_publishing_supersedes_through_the_triggers():
    old, new = published(), draft()

    publish(new, by=None)

    assert Revision.objects.get(pk=old.pk).status == "superseded"
    assert Revision.objects.get(pk=new.pk).status == "published"


def test_without_the_triggers_the_database_would_take_it():
    """The control: it is the triggers that refuse, and installing them again is enough."""
    revision = published()
    sql = f"UPDATE {table_of(Revision)} SET name = 'x' WHERE id = %s"  # noqa: S608

    with triggers.lifted(connection):
        taken = not refused(sql, revision.pk)

    assert taken
    assert refused(sql.replace("'x'", "'y'"), revision.pk)


# --- Migrating ------------------------------------------------------------------------


@pytest.mark.skipif(connection.vendor != "sqlite", reason="about SQLite alone")
def test_a_sqlite_database_of_before_is_migrated_and_frozen_again(tmp_path):
    """SQLite rebuilds a table to add a column, and stumbles over the triggers that name it."""
    file = tmp_path / "old.sqlite3"
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DATABASE_URL": f"sqlite:///{file}",
        "VAR_DIR": str(tmp_path),
    }
    manage = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(
        [*manage, "procedures", "0001_initial"], cwd=settings.BASE_DIR, env=env, check=True
    )

    subprocess.run(manage, cwd=settings.BASE_DIR, env=env, check=True)

    with closing(sqlite3.connect(file)) as database:
        rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    rules = {rule.name for rule in apps.frozen_revisions() if rule.operation != "TRUNCATE"}
    assert rules <= {name for (name,) in rows}
