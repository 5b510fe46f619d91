"""A load comes in hidden, is put in force whole or not at all, and leaves the office its own."""

from __future__ import annotations

import datetime
import io
import json
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from procedures.due import begin_approved_revisions, check_waiting_loads, sweep_broken_loads
from procedures.loading import bulk, loads, planning, saving
from procedures.loading.loads import NotReady, NotTwoPeople, Unacceptable, publish_load
from procedures.loading.national import read_row
from procedures.loading.proposals import is_news, propose
from procedures.loading.saving import drafts, prepare, publish, save_draft, save_drafts
from procedures.models import (
    CatalogueLoad,
    CatalogueVersion,
    FrozenError,
    NationalUpdate,
    Procedure,
    Revision,
    Sector,
)
from tests import factories
from tests.procedures.test_national import channel, row

pytestmark = pytest.mark.django_db

State = CatalogueLoad.State
NATIONAL, OFFICE = Revision.Origin.NATIONAL, Revision.Origin.OFFICE


def prepared(origin: str = NATIONAL, **values: Any) -> saving.Prepared:
    found = read_row(json.dumps(row(**values)))
    assert found.faults == []
    return prepare(found.spec, origin=origin)


def ready(*batch: saving.Prepared, by=None) -> CatalogueLoad:
    """A load with these drafts that waits for the second person."""
    load = CatalogueLoad.objects.create(kind="national", state=State.READY, created_by=by)
    save_drafts(batch, load=load, by=by)
    return load


def in_force(origin: str = NATIONAL, **values: Any) -> Revision:
    publish_load(ready(prepared(origin, **values)))
    return Procedure.objects.get(code=values.get("code", "1.000001")).current


def uploaded(*rows: dict | str, name: str = "a.jsonl", by=None) -> CatalogueLoad:
    lines = [line if isinstance(line, str) else json.dumps(line) for line in rows]
    file = ContentFile("\n".join(lines).encode(), name=name)
    return loads.receive(file, kind="national", by=by)


def checked(*rows: dict | str, **details: Any) -> CatalogueLoad:
    return loads.check(uploaded(*rows, **details))


# --- Writing --------------------------------------------------------------------------


def test_as_many_statements_write_one_procedure_and_fifty():
    def statements(codes: range) -> int:
        batch = [prepared(code=f"1.{code:06}", documents=[{"name": "Đơn"}]) for code in codes]
        with CaptureQueriesContext(connection) as queries:
            save_drafts(batch)
        return len(queries)

    save_drafts([prepared(code="1.900000")])

    assert statements(range(1, 2)) == statements(range(100, 150))


def test_fees_hang_on_every_channel_of_their_kind():
    fee = {"amount": 9000, "note": ""}
    channels = [
        channel("direct", note="Mới", fees=[fee]),
        channel("direct", note="Lại", fees=[fee]),
        channel("postal"),
    ]

    revision = in_force(channels=channels)

    [found] = revision.fees.all()
    assert [(row.kind, row.case) for row in found.channels.all()] == [
        ("direct", "Mới"), ("direct", "Lại"),
    ]  # fmt: skip


def test_fields_of_administration_whose_names_fold_alike_have_addresses_of_their_own():
    save_drafts([prepared(field="Hộ tịch"), prepared(code="1.000002", field="Hộ Tích")])

    assert sorted(Sector.objects.values_list("slug", flat=True)) == ["ho-tich", "ho-tich-2"]


def test_a_long_field_of_administration_has_an_address():
    save_drafts([prepared(field="a" * 200), prepared(code="1.000002", field="a" * 199)])

    assert sorted(len(slug) for slug in Sector.objects.values_list("slug", flat=True)) == [76, 78]


# --- A whole load ---------------------------------------------------------------------


def test_a_load_is_put_in_force_in_one_transaction_and_supersedes_what_was():
    old = in_force()
    token = CatalogueVersion.objects.get().token
    writer, publisher = factories.user(), factories.user()
    load = ready(prepared(name="Tên mới"), prepared(code="1.000002"), by=writer)

    count = publish_load(load, decision="12/QĐ-UBND", by=publisher)

    old.refresh_from_db()
    load.refresh_from_db()
    procedure = Procedure.objects.get(code="1.000001")
    new = procedure.current
    assert count == 2
    assert (old.status, new.status, new.number) == ("superseded", "published", 2)
    assert old.superseded_at and new.published_at
    assert (new.published_by, new.publish_decision) == (publisher, "12/QĐ-UBND")
    assert procedure.slug == "ten-moi"
    assert (load.state, load.published_by, load.decision) == (
        State.PUBLISHED, publisher, "12/QĐ-UBND",
    )  # fmt: skip
    assert CatalogueVersion.objects.get().token != token


def test_as_many_statements_publish_one_procedure_and_fifty():
    def statements(codes: range) -> int:
        load = ready(*[prepared(code=f"1.{code:06}") for code in codes])
        with CaptureQueriesContext(connection) as queries:
            publish_load(load)
        return len(queries)

    in_force(code="1.900000")

    assert statements(range(1, 2)) == statements(range(100, 150))


def test_nobody_publishes_a_load_of_their_own():
    person = factories.user()
    load = ready(prepared(), by=person)

    with pytest.raises(NotTwoPeople):
        publish_load(load, decision="1/QĐ", by=person)

    assert Revision.objects.get().status == "draft"


@pytest.mark.parametrize("state", [state for state in State if state != State.READY])
def test_only_a_load_that_is_ready_is_published(state):
    load = ready(prepared())
    CatalogueLoad.objects.update(state=state)

    with pytest.raises(NotReady):
        publish_load(load)

    assert Revision.objects.get().status == "draft"


def test_a_load_is_published_once():
    load = ready(prepared())
    publish_load(load)

    with pytest.raises(NotReady):
        publish_load(load)


def test_a_failure_while_publishing_leaves_all_as_it_was(monkeypatch):
    old = in_force()
    load = ready(prepared(name="Tên mới"))
    monkeypatch.setattr("procedures.loading.publishing.touch_catalogue", lambda: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        publish_load(load)

    old.refresh_from_db()
    load.refresh_from_db()
    assert (old.status, load.state) == ("published", State.READY)
    assert Procedure.objects.get().current == old


# --- A day to come --------------------------------------------------------------------


def office_spec(**values: Any):
    """The test row as the office would write it, with other values of our own keys."""
    return prepared(OFFICE).spec.model_copy(update=values)


def tomorrow() -> datetime.date:
    return timezone.localdate() + datetime.timedelta(days=1)


def test_what_applies_from_a_later_day_waits_for_it(time_machine):
    old = in_force()
    publisher = factories.user()
    load = ready(prepare(office_spec(name="Tên mới", effective_from=tomorrow())))

    publish_load(load, decision="12/QĐ-UBND", by=publisher)
    begun_today = begin_approved_revisions()
    waiting = Revision.objects.get(status="scheduled")
    time_machine.move_to(datetime.datetime.combine(tomorrow(), datetime.time(1), datetime.UTC))
    begun = begin_approved_revisions()

    old.refresh_from_db()
    waiting.refresh_from_db()
    assert (begun_today, begun) == (0, 1)
    assert (old.status, waiting.status) == ("superseded", "published")
    assert (waiting.published_by, waiting.publish_decision) == (publisher, "12/QĐ-UBND")
    assert waiting.published_at > old.published_at
    assert Procedure.objects.get().current == waiting
    assert begin_approved_revisions() == 0


def test_one_revision_alone_waits_for_its_day_too():
    revision = save_draft(office_spec(effective_from=tomorrow()))

    publish(revision, by=None, decision="12/QĐ-UBND")

    revision.refresh_from_db()
    assert (revision.status, revision.publish_decision) == ("scheduled", "12/QĐ-UBND")
    assert revision.published_at is None
    assert Procedure.objects.get().current is None


def test_of_two_that_are_due_the_later_day_wins(time_machine):
    days = [tomorrow() + datetime.timedelta(days=2), tomorrow()]
    for day in days:
        publish(save_draft(office_spec(name=f"Từ {day}", effective_from=day)), by=None)
    time_machine.move_to(datetime.datetime.combine(days[0], datetime.time(12), datetime.UTC))

    begun = begin_approved_revisions()

    assert begun == 1
    assert Procedure.objects.get().current.name == f"Từ {days[0]}"
    assert set(Revision.objects.values_list("status", flat=True)) == {"published", "superseded"}


def test_run_due_begins_what_was_approved(time_machine, monkeypatch):
    # The transaction of the test is on the connection, so the command must not close it.
    monkeypatch.setattr("portal.management.commands.run_due.close_old_connections", lambda: None)
    publish(save_draft(office_spec(effective_from=tomorrow())), by=None)
    time_machine.move_to(datetime.datetime.combine(tomorrow(), datetime.time(1), datetime.UTC))
    out = io.StringIO()

    call_command("run_due", stdout=out)

    assert "begin_approved_revisions: 1" in out.getvalue()


# --- A load that breaks off -----------------------------------------------------------


def broken_off(*batch: saving.Prepared) -> CatalogueLoad:
    """A load whose process was killed after some of its rows."""
    load = CatalogueLoad.objects.create(kind="national", state=State.WRITING)
    save_drafts(batch, load=load)
    return load


def test_the_drafts_of_a_load_under_way_are_hidden():
    broken_off(prepared())

    assert not drafts().exists()
    assert planning.known_procedures() == {}


def test_a_load_that_was_killed_is_swept_by_the_next():
    old = in_force()
    killed = broken_off(prepared(name="Nửa chừng"), prepared(code="1.000002"))

    load = checked(row(name="Tên mới"))

    killed.refresh_from_db()
    assert (killed.state, load.state) == (State.FAULTY, State.READY)
    assert "bị ngắt giữa chừng" in killed.report["faults"][0]
    assert [found.name for found in drafts()] == ["Tên mới"]
    assert [found.number for found in drafts()] == [2]
    assert Procedure.objects.get().current == old


def test_a_load_that_was_killed_is_swept_by_run_due():
    killed = broken_off(prepared())

    swept = sweep_broken_loads()

    killed.refresh_from_db()
    assert (swept, sweep_broken_loads()) == (1, 0)
    assert killed.state == State.FAULTY
    assert not Procedure.objects.exists()


@contextmanager
def another_load_under_way():
    """Somebody else holds the right to load, over a connection of their own."""
    begun, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with bulk.only_one_load():
                begun.set()
                done.wait(timeout=30)
        finally:
            connection.close()

    somebody = threading.Thread(target=hold)
    somebody.start()
    assert begun.wait(timeout=30)
    try:
        yield
    finally:
        done.set()
        somebody.join()


def test_a_load_under_way_is_left_alone_and_the_next_waits_its_turn():
    under_way, waiting = broken_off(prepared()), uploaded(row())

    with another_load_under_way():
        swept = sweep_broken_loads()
        with pytest.raises(bulk.AnotherLoad):
            loads.check(waiting)
    swept_after = sweep_broken_loads()

    waiting.refresh_from_db()
    assert (swept, swept_after) == (0, 1)
    assert waiting.state == State.WAITING
    assert CatalogueLoad.objects.get(pk=under_way.pk).state == State.FAULTY


@pytest.mark.django_db(transaction=True)
def test_a_load_that_is_killed_leaves_nothing_in_force(tmp_path, subprocess_env):
    file = tmp_path / "a.jsonl"
    rows = [json.dumps(row(code=f"1.{code:06}")) for code in range(1, 6001)]
    file.write_text("\n".join(rows))
    command = [sys.executable, "manage.py", "loadprocedures", str(file), "--publish"]
    process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=subprocess_env)
    try:
        wait_for(lambda: Revision.objects.exists() or process.poll() is not None)
    finally:
        process.kill()
        process.wait()

    found = Revision.objects.count()
    assert 0 < found < 6000
    assert not drafts().exists()
    assert not Procedure.objects.filter(current__isnull=False).exists()
    assert sweep_broken_loads() == 1
    assert not Procedure.objects.exists()


def test_a_draft_that_was_replaced_meanwhile_is_not_published():
    in_force()
    [mine] = save_drafts([prepared(name="Ba")])
    Revision.objects.filter(pk=mine.pk).delete()

    with pytest.raises(FrozenError):
        publish(mine, by=None)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_load_and_a_draft_published_at_once_leave_one_in_force():
    """The load waits for the other, instead of breaking on the second one in force."""
    old = in_force()
    load, [mine] = ready(prepared(name="Hai")), save_drafts([prepared(name="Ba")])
    waiting, errors = threading.Event(), []

    def publish_the_load() -> None:
        try:
            waiting.set()
            publish_load(load)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    other = threading.Thread(target=publish_the_load)
    with transaction.atomic():
        publish(mine, by=None)
        other.start()
        waiting.wait(timeout=30)
        time.sleep(0.5)
    other.join()

    assert errors == []
    published = old.procedure.revisions.get(status="published")
    assert published.load == load
    assert Procedure.objects.get(pk=old.procedure_id).current == published


def wait_for(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_failure_in_the_middle_leaves_nothing(monkeypatch):
    old = in_force()
    load = uploaded(row(name="Tên mới"), row(code="1.000002"))
    monkeypatch.setattr(bulk, "AT_ONCE", 1)
    save, calls = bulk.save_drafts, []

    def fail_at_the_second(batch, **details):
        calls.append(batch)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return save(batch, **details)

    monkeypatch.setattr(bulk, "save_drafts", fail_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        loads.check(load)

    load.refresh_from_db()
    assert load.state == State.FAULTY
    assert list(Revision.objects.all()) == [old]
    assert Procedure.objects.get().current == old


def test_a_file_that_changes_after_the_check_is_not_loaded(tmp_path, monkeypatch):
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps(row()))
    plan = planning.make_plan([file])
    file.write_text(json.dumps(row(name="Khác")))
    load = CatalogueLoad(kind="national")

    with pytest.raises(bulk.SourceChanged):
        loads.bring_in(plan, load, progress=None)

    assert load.state == State.FAULTY
    assert not Procedure.objects.exists()


# --- The office's own -----------------------------------------------------------------


def test_the_nation_never_overwrites_the_office():
    own = in_force(OFFICE, name="Của cơ quan")

    load = checked(row(name="Của quốc gia"))
    publish_load(load)

    update = NationalUpdate.objects.get()
    assert Procedure.objects.get().current == own
    assert Revision.objects.count() == 1
    assert (update.state, update.definition["name"]) == ("open", "Của quốc gia")
    assert load.report["outcomes"]["proposed"] == 1


def test_a_draft_of_the_office_is_kept_from_the_nation_too():
    save_draft(office_spec(name="Bản thảo của cơ quan"))

    publish_load(checked(row()))

    assert Revision.objects.get().name == "Bản thảo của cơ quan"
    assert NationalUpdate.objects.count() == 1


def test_a_newer_proposal_takes_the_place_of_one_not_seen():
    in_force(OFFICE, name="Của cơ quan")

    for name in ("Một", "Hai", "Hai"):
        checked(row(name=name))

    assert NationalUpdate.objects.get().definition["name"] == "Hai"


@pytest.mark.parametrize("state", ["taken", "dismissed"])
def test_what_was_decided_is_not_proposed_again(state):
    in_force(OFFICE, name="Của cơ quan")
    checked(row())
    NationalUpdate.objects.update(state=state)

    again = checked(row())
    checked(row(name="Lại khác"))

    assert again.report["outcomes"]["same"] == 1
    assert NationalUpdate.objects.filter(state="open").get().definition["name"] == "Lại khác"


def test_what_was_decided_long_ago_is_not_proposed_again_either():
    in_force(OFFICE, name="Của cơ quan")
    for name in ("Một", "Hai"):
        checked(row(name=name))
        NationalUpdate.objects.filter(state="open").update(state="dismissed")

    again = checked(row(name="Một"))

    assert again.report["outcomes"]["same"] == 1
    assert not NationalUpdate.objects.filter(state="open").exists()


def test_facts_that_the_office_has_taken_over_are_no_news():
    own = in_force()
    taken_over = own.definition | {"service_level": 2, "summary": "Lời của cơ quan"}
    spec = type(prepared().spec).model_validate(taken_over)
    publish(save_draft(spec), by=None)

    assert not is_news(prepared())
    assert is_news(prepared(decision="99/QĐ-BTP"))


def test_facts_that_the_nation_said_before_are_no_news():
    in_force()
    publish(save_draft(office_spec(name="Của cơ quan")), by=None)

    assert not is_news(prepared())


def test_an_office_file_over_a_national_revision_is_a_draft_as_any_other(tmp_path):
    in_force()

    revision = save_draft(office_spec(name="Của cơ quan"))

    assert (revision.origin, revision.number, revision.status) == (OFFICE, 2, "draft")


def test_what_the_office_published_meanwhile_turns_a_load_into_a_proposal():
    load = ready(prepared(name="Của quốc gia"))
    own = save_draft_beside(office_spec(name="Của cơ quan"))
    publish(own, by=None)

    publish_load(load)

    assert Procedure.objects.get().current == own
    assert NationalUpdate.objects.get().definition["name"] == "Của quốc gia"
    assert Revision.objects.count() == 1


def save_draft_beside(spec) -> Revision:
    return save_drafts([prepare(spec)])[0]


def test_a_proposal_that_the_nation_no_longer_makes_is_taken_back():
    in_force()
    publish(save_draft(office_spec(name="Của cơ quan")), by=None)
    checked(row(name="Tên khác"))
    proposed = NationalUpdate.objects.count()

    checked(row(), row(code="1.000002"))

    assert (proposed, NationalUpdate.objects.count()) == (1, 0)


def test_a_proposal_of_an_open_one_replaces_it():
    in_force(OFFICE, name="Của cơ quan")
    first, second = prepared(name="Một"), prepared(name="Hai")

    for found in (first, second):
        propose(found.code, found.definition, found.digest)

    assert NationalUpdate.objects.get().digest == second.digest


# --- From an upload to the catalogue --------------------------------------------------


def test_an_upload_is_checked_compared_and_published():
    in_force()
    writer, publisher = factories.user(), factories.user()

    load = checked(row(name="Tên mới"), row(code="1.000002"), by=writer)
    changed, new = loads.differences(load)
    publish_load(load, decision="12/QĐ-UBND", by=publisher)

    assert load.state == State.READY
    assert load.report["outcomes"] == {
        "new": 1, "changed": 1, "same": 0, "proposed": 0, "left_out": 0,
    }  # fmt: skip
    assert [str(change) for change in changed.changes] == [
        "name: Thủ tục cấp giấy mẫu -> Tên mới", "short_name: Cấp giấy mẫu -> Tên mới",
    ]  # fmt: skip
    assert (changed.open_dossiers, new.changes) == (0, None)
    assert Procedure.objects.filter(current__isnull=False).count() == 2
    assert changed.revision.created_by == writer


def test_one_fault_keeps_all_of_an_upload_out():
    load = checked(row(), "{")

    assert load.state == State.FAULTY
    assert load.report["faults"] == ["a.jsonl:2: Dòng này không phải JSON đọc được."]
    assert not Procedure.objects.exists()


def test_the_check_of_an_upload_names_no_folder_of_the_machine():
    load = checked(row(), row())

    assert load.report["faults"] == ["a.jsonl:2: Mã 1.000001 đã có trong tệp a.jsonl:1."]


def test_a_name_of_many_letters_is_shortened_to_what_a_folder_takes():
    file = ContentFile(b"{}", name="Đặng" * 80 + ".jsonl")

    load = loads.check(loads.receive(file, kind="national", by=None))

    assert load.state == State.FAULTY
    assert load.file_name.endswith("Đặng.jsonl")


def test_a_load_that_cannot_be_read_at_all_does_not_wait_for_ever():
    load = loads.receive(ContentFile(b"{}", name="a.jsonl"), kind="national", by=None)
    load.file.delete(save=False)

    with pytest.raises(FileNotFoundError):
        loads.check(load)

    load.refresh_from_db()
    assert load.state == State.FAULTY
    assert "Cổng gặp lỗi" in load.report["faults"][0]


def test_a_second_check_does_nothing():
    load = checked(row())

    again = loads.check(load)

    assert again.state == State.READY
    assert Revision.objects.count() == 1


def test_a_load_that_changes_nothing_is_ready_and_empty():
    in_force()

    load = checked(row())

    assert load.state == State.READY
    assert list(loads.differences(load)) == []
    assert publish_load(load) == 0


def test_an_earlier_draft_gives_way_and_its_number_is_taken_over():
    checked(row(name="Một"))

    checked(row(name="Hai"))

    assert [(found.name, found.number) for found in Revision.objects.all()] == [("Hai", 1)]


def test_a_dismissed_load_leaves_nothing():
    load = checked(row())

    loads.dismiss(load)

    load.refresh_from_db()
    assert load.state == State.DISMISSED
    assert not Procedure.objects.exists()


def test_a_published_load_is_not_dismissed():
    load = checked(row())
    publish_load(load)

    with pytest.raises(NotReady):
        loads.dismiss(load)

    assert Procedure.objects.get().current


def test_progress_is_told():
    load = checked(row(), row(code="1.000002"))

    load.refresh_from_db()
    assert (load.done, load.total) == (4, 4)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.zip", "files"), ("a.yaml", "national"), ("a.jsonl", "files"), ("a.xlsx.exe", "workbook")],
)
def test_a_file_of_another_kind_is_not_taken(name, kind):
    with pytest.raises(Unacceptable, match="không đúng loại"):
        loads.receive(ContentFile(b"x", name=name), kind=kind, by=None)

    assert not CatalogueLoad.objects.exists()


def test_a_file_that_is_too_large_is_not_taken(monkeypatch):
    monkeypatch.setattr(settings, "CATALOGUE_FILE_MB", 1)

    with pytest.raises(Unacceptable, match="lớn hơn 1 MB"):
        uploaded("x" * 2**20, "y")

    assert not CatalogueLoad.objects.exists()


def test_a_yaml_file_is_taken_with_the_way_to_the_next_level():
    factories.offices()
    path = factories.FIXTURES / "procedures" / f"{factories.FILES[factories.COPY]}.yaml"
    load = loads.receive(ContentFile(path.read_bytes(), name="a.yaml"), kind="files", by=None)

    load = loads.check(load)

    [told] = load.report["files"]
    assert load.state == State.READY
    assert (told["file"], told["code"], told["outcome"]) == ("a.yaml", factories.COPY, "new")
    assert told["level"] and told["advice"]


def test_the_check_runs_in_the_background_and_again_when_it_was_not_its_turn(
    run_tasks, time_machine
):
    load = uploaded(row())
    time_machine.move_to(timezone.now() + datetime.timedelta(minutes=11))

    asked = [check_waiting_loads(), check_waiting_loads()]
    run_tasks()

    load.refresh_from_db()
    assert (asked, load.state) == ([1, 0], State.READY)
    assert check_waiting_loads() == 0
