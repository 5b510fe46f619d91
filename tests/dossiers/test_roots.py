"""The daily roots: published once, chained, sealed, and unlike a ledger that was changed."""

from __future__ import annotations

import datetime
import hashlib
import json
import time

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from dossiers import ledger, roots, workflow
from dossiers.models import DailyRoot, Event, Note
from procedures import triggers
from procedures.worktime import VIETNAM
from tests import factories
from tests.dossiers.test_races import together

NOW = datetime.datetime(2026, 11, 25, 9, 0, tzinfo=VIETNAM)
DAY = datetime.timedelta(days=1)
EVENTS, ROOTS = Event._meta.db_table, DailyRoot._meta.db_table

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def office():
    return factories.Office()


@pytest.fixture
def ledger_of_two_days(office, clock):
    """Three dossiers filed on one day, one of them accepted on the next; the third day has come."""
    dossiers = [factories.filed() for _number in range(3)]
    clock.shift(DAY)
    office.accepted(dossiers[0])
    clock.shift(DAY)
    roots.publish()
    return dossiers


def tamper(sql: str, *values) -> None:
    """What somebody does who owns the database and lifts its triggers."""
    with triggers.lifted(connection), connection.cursor() as cursor:
        cursor.execute(sql, values)


def complaints(capsys) -> str:
    """What `verifyledger` says about a ledger that is not whole."""
    with pytest.raises(CommandError, match="sai"):
        call_command("verifyledger")
    return capsys.readouterr().err


# --- Publishing -----------------------------------------------------------------------


def test_a_day_gets_its_root_when_it_is_over_and_moves_of_midnight_have_committed(clock):
    factories.filed()

    clock.move_to(datetime.datetime(2026, 11, 26, 0, 14, tzinfo=VIETNAM))
    early = roots.publish()
    clock.move_to(datetime.datetime(2026, 11, 26, 0, 15, tzinfo=VIETNAM))
    published = roots.publish()

    assert (early, published) == (0, 1)
    row = DailyRoot.objects.get()
    assert (row.day, row.chains, row.events) == (NOW.date(), 1, 1)


def test_missed_days_follow_one_another_and_a_second_run_adds_nothing(ledger_of_two_days, clock):
    clock.shift(3 * DAY)

    counts = [roots.publish(), roots.publish()]

    rows = list(DailyRoot.objects.order_by("day"))
    assert counts == [3, 0]
    assert [row.day for row in rows] == [NOW.date() + n * DAY for n in range(5)]
    assert [row.previous for row in rows] == ["", *(row.root for row in rows[:-1])]
    assert [row.events for row in rows] == [3, 1, 0, 0, 0]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_runs_side_by_side_publish_each_day_once(clock, monkeypatch):
    factories.filed()
    clock.shift(2 * DAY)
    tree_of = roots.tree_of

    def slowly(day):
        tree = tree_of(day)
        time.sleep(0.2)
        return tree

    monkeypatch.setattr(roots, "tree_of", slowly)

    counts = together([roots.publish, roots.publish])

    assert sum(counts) == 2
    assert DailyRoot.objects.count() == 2


def test_a_portal_without_events_has_nothing_to_publish():
    assert roots.publish() == 0


@pytest.mark.parametrize("count", range(1, 9))
def test_the_tree_is_that_of_rfc_6962_and_every_leaf_has_its_path(count):
    heads = [f"{n:064x}" for n in range(count)]
    tree = roots.Tree()

    for head in heads:
        tree.add(head, events=1)

    leaves = [roots.leaf(head) for head in heads]
    for index, head in enumerate(heads):
        assert _climb(head, list(roots._path(index, leaves))) == tree.digest()


def _climb(head: str, path: list[dict]) -> str:
    """From a leaf to the top, by SHA-256 alone, as a citizen may do it."""
    digest = hashlib.sha256(b"\x00" + head.encode()).digest()
    for step in path:
        beside = bytes.fromhex(step["hash"])
        both = beside + digest if step["side"] == "left" else digest + beside
        digest = hashlib.sha256(b"\x01" + both).digest()
    return digest.hex()


# --- Anybody can check --------------------------------------------------------------------


def test_a_citizen_follows_the_own_chain_to_the_published_root(ledger_of_two_days, client):
    dossier = ledger_of_two_days[1]
    client.force_login(dossier.owner)

    told = client.get(reverse("dossiers:chain", args=[dossier.code])).json()

    place = told["root"]
    assert place["head"] == told["events"][-1]["hash"]
    day, _previous, _chains, _events, top = json.loads(place["content"])
    assert _climb(place["head"], place["path"]) == top
    assert hashlib.sha256(place["content"].encode()).hexdigest() == place["root"]
    assert DailyRoot.objects.get(day=day).root == place["root"]


def test_a_chain_without_a_root_yet_says_so(client):
    dossier = factories.filed()
    client.force_login(dossier.owner)

    told = client.get(reverse("dossiers:chain", args=[dossier.code])).json()

    assert told["root"] is None
    assert len(told["events"]) == 1


def test_everybody_reads_the_roots_as_a_page_and_as_json(ledger_of_two_days, client):
    rows = list(DailyRoot.objects.order_by("day"))

    page = client.get(reverse("dossiers:roots")).content.decode()
    told = client.get(reverse("dossiers:roots_json")).json()

    assert [row["ma_goc"] for row in told["ma_goc"]] == [row.root for row in rows]
    assert page.index(rows[1].root) < page.index(rows[0].root)
    assert "Ngày 25/11/2026" in page
    assert ledger_of_two_days[0].code not in page


# --- What does not fit is named --------------------------------------------------------------


def test_a_whole_ledger_fits_its_roots(ledger_of_two_days, capsys, django_assert_num_queries):
    with django_assert_num_queries(3):
        call_command("verifyledger")

    assert "4 sự việc, mọi chuỗi đều khớp; 2 mã gốc" in capsys.readouterr().out


def test_a_chain_computed_anew_from_end_to_end_no_longer_fits_the_root(ledger_of_two_days, capsys):
    dossier = ledger_of_two_days[0]
    previous = ""
    for event in dossier.events.all():
        event.actor, event.previous = dossier.owner, previous
        event.hash = previous = ledger.hash_of(event)
        tamper(
            f"UPDATE {EVENTS} SET actor_id = %s, previous = %s, hash = %s WHERE id = %s",  # noqa: S608
            event.actor_id, event.previous, event.hash, event.pk,
        )  # fmt: skip

    said = complaints(capsys)

    assert "Hồ sơ" not in said
    assert "Mã gốc ngày 26/11/2026: nhật ký của ngày này không còn như lúc công bố" in said


def test_a_look_removed_from_the_end_of_a_chain_is_missed_by_its_day(office, clock, capsys):
    dossier = factories.filed()
    ledger.record_look(dossier, by=office.reception)
    clock.shift(DAY)
    roots.publish()

    tamper(f"DELETE FROM {EVENTS} WHERE name = 'look'")  # noqa: S608

    said = "Mã gốc ngày 25/11/2026: đã công bố 2 sự việc, nhật ký nay có 1"
    assert said in complaints(capsys)


def test_a_row_put_in_between_is_named(ledger_of_two_days, capsys):
    dossier = ledger_of_two_days[0]
    tamper(f"UPDATE {EVENTS} SET seq = 3 WHERE dossier_id = %s AND seq = 2", dossier.pk)  # noqa: S608
    first = dossier.events.first()
    extra = Event(dossier=dossier, seq=2, name="look", at=first.at, previous=first.hash)
    extra.hash = ledger.hash_of(extra)
    extra.save()

    said = complaints(capsys)

    assert f"{dossier.code}: nhật ký sai: từ dòng 3, không nối với dòng trước" in said
    assert "Mã gốc ngày 25/11/2026: đã công bố 3 sự việc, nhật ký nay có 4" in said


CHANGES = {
    "UPDATE {} SET root = REPLACE(root, 'a', 'b') WHERE day = '2026-11-25'": "niêm phong",
    "UPDATE {} SET previous = '' WHERE day = '2026-11-26'": "không nối với ngày trước",
    "UPDATE {} SET mac = root WHERE day = '2026-11-26'": "niêm phong",
    "UPDATE {} SET events = 9 WHERE day = '2026-11-25'": "đã công bố 9 sự việc",
    "DELETE FROM {} WHERE day = '2026-11-25'": "không nối với ngày trước",
}


def test_a_root_that_was_changed_is_named(ledger_of_two_days, capsys):
    for sql, said in CHANGES.items():
        with transaction.atomic():
            tamper(sql.format(ROOTS))

            assert said in complaints(capsys), sql

            transaction.set_rollback(True)
    call_command("verifyledger")


def test_roots_that_were_written_anew_are_unlike_the_copy_that_somebody_kept(
    ledger_of_two_days, client, tmp_path, capsys
):
    copy = tmp_path / "ma-goc.json"
    copy.write_bytes(client.get(reverse("dossiers:roots_json")).content)
    call_command("verifyledger", published=copy)
    dossier = ledger_of_two_days[1]
    event = dossier.events.get()
    event.actor = None
    tamper(
        f"UPDATE {EVENTS} SET actor_id = NULL, hash = %s WHERE id = %s",  # noqa: S608
        ledger.hash_of(event), event.pk,
    )  # fmt: skip
    tamper(f"DELETE FROM {ROOTS}")  # noqa: S608
    roots.publish()
    call_command("verifyledger")

    with pytest.raises(CommandError, match="2 ngày có mã gốc sai"):
        call_command("verifyledger", published=copy)

    assert "Mã gốc ngày 25/11/2026: khác với bản đã lưu" in capsys.readouterr().err


def test_a_root_sealed_under_a_former_key_is_still_ours(settings):
    row = DailyRoot(root="ab", mac=roots.mac_of("ab"))
    former, settings.SECRET_KEY = settings.SECRET_KEY, "khoa-moi"

    strange = roots.is_ours(row)
    settings.SECRET_KEY_FALLBACKS = [former]

    assert not strange
    assert roots.is_ours(row)


def test_a_key_of_its_own_seals_the_roots(settings):
    derived = roots.mac_of("ab")

    settings.LEDGER_KEY = "khoa-rieng"

    assert roots.mac_of("ab") != derived


# --- The database refuses ----------------------------------------------------------------


def test_the_database_itself_refuses_to_change_a_root(ledger_of_two_days):
    connection.check_constraints()  # PostgreSQL truncates nothing while foreign keys wait
    statements = ["UPDATE {} SET mac = ''", "DELETE FROM {}"]
    if connection.vendor == "postgresql":  # SQLite has no TRUNCATE
        statements.append("TRUNCATE {}")

    for sql in statements:
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(sql.format(ROOTS))

    assert DailyRoot.objects.count() == 2


def test_what_is_no_move_leaves_the_ledger_whole(office, capsys):
    dossier = factories.filed()
    ledger.append(dossier, "message", actor=office.reception)
    workflow.perform(dossier, "accept", by=office.reception)
    Note.objects.all().delete()

    call_command("verifyledger")

    assert "3 sự việc" in capsys.readouterr().out
