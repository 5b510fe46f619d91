"""The ledger: one event a move, a chain that shows every change, a database that refuses."""

from __future__ import annotations

import datetime
import hashlib
import json

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from dossiers import ledger, workflow
from dossiers.models import Dossier, Event, Note
from procedures import triggers
from procedures.worktime import VIETNAM
from tests import factories

NOW = datetime.datetime(2026, 11, 25, 9, 0, 0, 123456, tzinfo=VIETNAM)
TABLE = Event._meta.db_table

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def dossier():
    """A dossier with four events: submit, accept, take, propose."""
    return factories.Office().proposed(factories.filed())


def tamper(sql: str, *values) -> None:
    """What somebody does who owns the database and lifts its triggers."""
    with triggers.lifted(connection), connection.cursor() as cursor:
        cursor.execute(sql, values)


def complaints(capsys) -> str:
    """What `verifyledger` says about a ledger that is not whole."""
    with pytest.raises(CommandError, match="nhật ký sai"):
        call_command("verifyledger")
    return capsys.readouterr().err


# --- The chain ------------------------------------------------------------------------


def test_every_chain_of_a_portal_in_use_is_whole(dossier, capsys):
    factories.filed()

    call_command("verifyledger")

    assert "5 sự việc, mọi chuỗi đều khớp" in capsys.readouterr().out


def test_an_empty_ledger_is_whole(capsys):
    call_command("verifyledger")

    assert "0 sự việc" in capsys.readouterr().out


def test_anyone_can_recompute_the_chain_with_sha256_alone(dossier):
    previous = ""

    for seq, event in enumerate(dossier.events.all(), start=1):
        moment = event.at.astimezone(datetime.UTC).isoformat()
        covered = [
            dossier.pk, seq, event.name, event.from_state, event.to_state, event.actor_id,
            event.agency_id, moment, event.data, previous,
        ]  # fmt: skip
        text = json.dumps(covered, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        previous = hashlib.sha256(text.encode()).hexdigest()

        assert event.hash == previous


@pytest.mark.parametrize(
    "change",
    [
        "name = 'refuse'",
        "from_state = 'draft'",
        "to_state = 'refused'",
        "actor_id = NULL",
        "agency_id = NULL",
        "at = '2026-11-25 09:00:00+00:00'",
        "data = '{\"files\": []}'",
        "previous = ''",
        "hash = 'ff'",
    ],
)
def test_a_changed_row_is_named(change, dossier, capsys):
    tamper(f"UPDATE {TABLE} SET {change} WHERE dossier_id = %s AND seq = 3", dossier.pk)  # noqa: S608

    assert f"{dossier.code}: nhật ký sai: từ dòng 3" in complaints(capsys)


def test_a_changed_row_with_a_fresh_hash_breaks_the_next(dossier, capsys):
    event = dossier.events.get(seq=2)
    event.actor = dossier.owner
    tamper(
        f"UPDATE {TABLE} SET actor_id = %s, hash = %s WHERE id = %s",  # noqa: S608
        dossier.owner_id, ledger.hash_of(event), event.pk,
    )  # fmt: skip

    assert f"{dossier.code}: nhật ký sai: từ dòng 3" in complaints(capsys)


def _remove(event: Event) -> None:
    Note.objects.filter(event=event).delete()
    event.dossier.notices.filter(event=event).delete()
    tamper(f"DELETE FROM {TABLE} WHERE id = %s", event.pk)  # noqa: S608


def test_a_row_removed_from_the_middle_is_seen_at_the_next(dossier, capsys):
    _remove(dossier.events.get(seq=2))

    assert f"{dossier.code}: nhật ký sai: từ dòng 3" in complaints(capsys)


def test_a_first_row_removed_is_seen_at_the_next(dossier, capsys):
    _remove(dossier.events.get(seq=1))

    assert f"{dossier.code}: nhật ký sai: từ dòng 2" in complaints(capsys)


def test_a_tail_cut_off_is_seen_against_the_dossier(dossier, capsys):
    _remove(dossier.events.last())

    assert f"{dossier.code}: nhật ký sai: thiếu dòng" in complaints(capsys)


def test_a_whole_chain_removed_is_seen_against_the_dossier(dossier, capsys):
    for event in reversed(dossier.events.all()):
        _remove(event)

    assert f"{dossier.code}: nhật ký sai: thiếu dòng" in complaints(capsys)


def test_a_state_changed_behind_the_workflow_is_seen(dossier, capsys):
    Dossier.objects.filter(pk=dossier.pk).update(state=Dossier.State.COMPLETED)

    assert f"{dossier.code}: nhật ký sai: thiếu dòng" in complaints(capsys)


def test_two_rows_swapped_are_named(dossier, capsys):
    tamper(f"UPDATE {TABLE} SET seq = 99 WHERE dossier_id = %s AND seq = 2", dossier.pk)  # noqa: S608
    tamper(f"UPDATE {TABLE} SET seq = 2 WHERE dossier_id = %s AND seq = 3", dossier.pk)  # noqa: S608
    tamper(f"UPDATE {TABLE} SET seq = 3 WHERE dossier_id = %s AND seq = 99", dossier.pk)  # noqa: S608

    assert f"{dossier.code}: nhật ký sai: từ dòng 2" in complaints(capsys)


def test_each_broken_dossier_is_named_and_no_other(dossier, capsys):
    other, whole = factories.filed(), factories.filed()
    for broken in (dossier, other):
        tamper(f"UPDATE {TABLE} SET name = 'x' WHERE dossier_id = %s AND seq = 1", broken.pk)  # noqa: S608

    said = complaints(capsys)

    assert dossier.code in said
    assert other.code in said
    assert whole.code not in said


# --- The database refuses ---------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE {TABLE} SET name = 'x'",  # noqa: S608
        f"UPDATE {TABLE} SET at = at",  # noqa: S608
        f"DELETE FROM {TABLE}",  # noqa: S608
        f"TRUNCATE {TABLE} CASCADE",
    ],
)
def test_the_database_itself_refuses_to_change_an_event(statement, dossier):
    if statement.startswith("TRUNCATE") and connection.vendor == "sqlite":
        pytest.skip("SQLite has no TRUNCATE")
    before = list(Event.objects.values())
    connection.check_constraints()  # PostgreSQL truncates nothing while foreign keys wait

    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)

    assert list(Event.objects.values()) == before


def test_django_cannot_change_an_event_either(dossier):
    event = dossier.events.first()
    event.name = "refuse"

    for change in (event.save, event.delete, Event.objects.all().delete):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


def test_the_refusal_stands_after_every_migration(dossier):
    with connection.cursor() as cursor:
        for trigger in ledger.append_only():
            triggers._drop(cursor, trigger, connection.vendor)

    call_command("migrate", verbosity=0)

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        dossier.events.all().delete()


# --- What is in it -----------------------------------------------------------------------


def test_no_name_and_no_free_text_is_in_any_event():
    canary = "Chim hoàng yến 045190009999"
    owner = factories.user(full_name=canary, phone="0900000000", citizen_number="045190009999")
    office = factories.Office()
    dossier = factories.draft(owner=owner)
    dossier.answers["nguoi_mat"]["ho_ten"] = canary
    dossier.save()
    dossier = office.processing(workflow.perform(dossier, "submit", by=owner))
    leader = factories.official("leader")
    day = datetime.date(2026, 12, 2)

    office.supplement(dossier, items=canary, reason=canary)
    workflow.perform(dossier, "answer_supplement", by=owner, answer=canary)
    workflow.perform(dossier, "extend", by=leader, reason=canary, new_date=day)
    workflow.perform(dossier, "propose", by=office.officer, outcome="refused", reason=canary,
                     ground=factories.ground())  # fmt: skip
    workflow.perform(dossier, "send_back", by=office.approver, reason=canary)
    workflow.perform(dossier, "transfer", by=leader, agency=factories.OTHER_COMMUNE, reason=canary)
    workflow.perform(dossier, "withdraw", by=owner, reason=canary)

    text = json.dumps(list(Event.objects.values()), default=str, ensure_ascii=False)
    assert Event.objects.count() == 11
    assert "hoàng yến" not in text
    assert "045190009999" not in text
    assert "0900000000" not in text
    assert dossier.attachments.get().name not in text


def test_a_reason_is_kept_as_a_salted_digest(dossier):
    reason = "Không đủ điều kiện"
    office = factories.Office()
    ended = workflow.perform(dossier, "send_back", by=office.approver, reason=reason)

    event = ended.events.select_related("note").last()
    assert event.data["note"] == ledger.digest(event.note.text, event.note.salt)
    assert event.data["note"] != hashlib.sha256(reason.encode()).hexdigest()


def test_erasing_a_note_leaves_the_chain_whole(dossier, capsys):
    approver = factories.official("approver")
    workflow.perform(dossier, "send_back", by=approver, reason="Sai tên")

    Note.objects.all().delete()

    call_command("verifyledger")
    assert "mọi chuỗi đều khớp" in capsys.readouterr().out


# --- Looks -------------------------------------------------------------------------------


def looks(dossier: Dossier) -> int:
    return dossier.events.filter(name=ledger.LOOK).count()


def test_a_look_is_noted_and_changes_nothing(dossier):
    official = factories.official("case_officer")
    before = Dossier.objects.filter(pk=dossier.pk).values().get()

    ledger.record_look(dossier, by=official)

    event = dossier.events.last()
    assert (event.name, event.actor, event.data) == ("look", official, {"what": "page"})
    assert Dossier.objects.filter(pk=dossier.pk).values().get() == before


def test_looks_within_half_an_hour_are_one(dossier, clock):
    official = factories.official("case_officer")

    for minutes in (0, 1, 29, 30):
        clock.move_to(NOW + datetime.timedelta(minutes=minutes))
        ledger.record_look(dossier, by=official)
    assert looks(dossier) == 1
    clock.move_to(NOW + datetime.timedelta(minutes=31))
    ledger.record_look(dossier, by=official)

    assert looks(dossier) == 2


def test_looks_of_others_and_at_other_things_are_each_noted(dossier):
    first, second = factories.official("case_officer"), factories.official("approver")

    ledger.record_look(dossier, by=first)
    ledger.record_look(dossier, by=second)
    ledger.record_look(dossier, by=first, what="file")

    assert looks(dossier) == 3


def test_a_look_leaves_an_open_form_fresh_and_the_ledger_whole(dossier, capsys):
    approver = factories.official("approver")
    ledger.record_look(dossier, by=factories.official("leader"))

    workflow.perform(dossier, "approve", by=approver, version=dossier.version)

    call_command("verifyledger")
    assert "6 sự việc" in capsys.readouterr().out
