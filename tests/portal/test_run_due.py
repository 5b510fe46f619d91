"""`manage.py run_due`: what time alone brings, however often and however late it runs."""

from __future__ import annotations

import datetime
import logging

import pytest
import time_machine
from django.core.management import call_command
from django.tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from dossiers import due, sending, workflow
from dossiers.models import Dossier, Notice
from dossiers.tasks import send_notice
from portal import stuck_tasks
from portal.management.commands import run_due
from procedures.worktime import VIETNAM
from tests import factories
from tests.dossiers.refusals import unchanged

State = Dossier.State
NOW = datetime.datetime(2026, 11, 25, 9, 0, tzinfo=VIETNAM)
MINUTE = datetime.timedelta(minutes=1)
HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def _one_connection(monkeypatch):
    """The transaction of the test is on it, so the command must not close it."""
    monkeypatch.setattr(run_due, "close_old_connections", lambda: None)


def run() -> None:
    call_command("run_due", verbosity=0)


def state(dossier: Dossier) -> str:
    return Dossier.objects.values_list("state", flat=True).get(pk=dossier.pk)


# --- Silence ----------------------------------------------------------------------------


def awaiting_confirmation(office: factories.Office, *, told: bool = True) -> Dossier:
    """A birth whose draft the citizen is to check until tomorrow, 09:00."""
    dossier = office.processing(factories.filed(factories.BIRTH))
    waiting = workflow.perform(dossier, "send_draft", by=office.officer, draft="Họ tên: Khôi")
    if told:
        sending.send(waiting.notices.get(event__name="send_draft"))
    return waiting


def test_silence_agrees_once_the_day_is_over(clock):
    dossier = awaiting_confirmation(factories.Office())

    clock.move_to(NOW + DAY - MINUTE)
    run()
    assert state(dossier) == State.AWAITING_CONFIRMATION
    clock.move_to(NOW + DAY)
    run()
    run()

    event = dossier.events.get(name="confirm_by_silence")
    assert state(dossier) == State.PROCESSING
    assert event.actor is None


def test_silence_agrees_to_nothing_that_was_never_told(clock):
    dossier = awaiting_confirmation(factories.Office(), told=False)
    clock.move_to(NOW + 3 * DAY)

    with unchanged():
        run()

    assert state(dossier) == State.AWAITING_CONFIRMATION


def test_one_dossier_that_fails_does_not_keep_the_others_waiting(clock, monkeypatch, caplog):
    office = factories.Office()
    broken, other = awaiting_confirmation(office), awaiting_confirmation(office)
    perform = workflow.perform

    def fail(dossier, name, **details):
        if dossier.pk == broken.pk:
            raise RuntimeError("broken")
        return perform(dossier, name, **details)

    monkeypatch.setattr(workflow, "perform", fail)
    clock.move_to(NOW + DAY)

    run()

    assert state(broken) == State.AWAITING_CONFIRMATION
    assert state(other) == State.PROCESSING
    assert f"dossier {broken.pk} failed" in caplog.text


# --- Reminders --------------------------------------------------------------------------


def waiting_for_papers() -> Dossier:
    """A dossier whose citizen has until Mon 7/12/2026, 09:00."""
    office = factories.Office()
    return workflow.perform(
        factories.filed(), "request_supplement", by=office.reception, items="Ảnh", reason="Ảnh mờ"
    )


def reminders(dossier: Dossier):
    return Notice.objects.filter(dossier=dossier, event=None)


def test_a_citizen_is_reminded_once_two_days_before_the_end(clock):
    dossier = waiting_for_papers()

    clock.move_to(dossier.citizen_by - 2 * DAY - MINUTE)
    run()
    assert not reminders(dossier).exists()
    for hours in (0, 1, 24):
        clock.move_to(dossier.citizen_by - 2 * DAY + hours * HOUR)
        run()

    notice = reminders(dossier).get()
    assert "09:00 ngày 07/12/2026" in notice.subject
    sending = DBTaskResult.objects.filter(task_path="dossiers.tasks.send_notice")
    assert [notice.pk] in [row.args_kwargs["args"] for row in sending]


def test_time_that_ran_out_ends_nothing_by_itself(clock):
    dossier = waiting_for_papers()
    clock.move_to(dossier.citizen_by + 30 * DAY)

    run()

    assert state(dossier) == State.SUPPLEMENT_REQUIRED
    assert not reminders(dossier).exists()


def test_who_has_answered_is_not_reminded(clock):
    dossier = waiting_for_papers()
    workflow.perform(dossier, "answer_supplement", by=dossier.owner, answer="Đã gửi lại")
    clock.move_to(dossier.citizen_by - DAY)

    run()

    assert not reminders(dossier).exists()


# --- Tasks that were lost ---------------------------------------------------------------


@pytest.fixture
def lost():
    """A task; a function puts it into a state, so many attempts after it was enqueued."""
    send_notice.enqueue(0)
    row = DBTaskResult.objects.get()

    def make(status: str, *, attempts: int = 1, **moments) -> DBTaskResult:
        row.status, row.worker_ids = status, ["killed"] * attempts
        row.started_at, row.finished_at = moments.get("started_at"), moments.get("finished_at")
        row.save()
        return row

    return make


def status(row: DBTaskResult) -> str:
    return DBTaskResult.objects.values_list("status", flat=True).get(pk=row.pk)


def test_a_task_whose_worker_was_killed_is_put_back(lost):
    row = lost(TaskResultStatus.RUNNING, started_at=NOW - stuck_tasks.STUCK_AFTER - MINUTE)

    run()

    assert status(row) == TaskResultStatus.READY


def test_a_task_that_still_runs_is_left_alone(lost):
    row = lost(TaskResultStatus.RUNNING, started_at=NOW - stuck_tasks.STUCK_AFTER + MINUTE)

    run()

    assert status(row) == TaskResultStatus.RUNNING


@pytest.mark.parametrize("attempts, minutes", [(1, 2), (2, 4), (3, 8), (7, 128)])
def test_a_task_that_failed_waits_twice_as_long_each_time(attempts, minutes, clock, lost):
    row = lost(TaskResultStatus.FAILED, attempts=attempts, finished_at=NOW)

    clock.move_to(NOW + minutes * MINUTE - MINUTE)
    run()
    assert status(row) == TaskResultStatus.FAILED
    clock.move_to(NOW + minutes * MINUTE)
    run()

    assert status(row) == TaskResultStatus.READY


@pytest.mark.parametrize("moments", [{"finished_at": NOW}, {"started_at": NOW}])
def test_a_task_is_given_up_after_eight_attempts(moments, clock, lost):
    """One that failed eight times, and one that killed its worker eight times."""
    is_running = "started_at" in moments
    row = lost(
        TaskResultStatus.RUNNING if is_running else TaskResultStatus.FAILED, attempts=8, **moments
    )

    for hours in (1, 24, 47):
        clock.move_to(NOW + hours * HOUR)
        run()

    assert status(row) == TaskResultStatus.FAILED


def test_a_task_that_was_put_back_does_its_work(lost, run_tasks):
    notice = factories.filed().notices.get()
    DBTaskResult.objects.all().delete()
    send_notice.enqueue(notice.pk)
    DBTaskResult.objects.update(
        status=TaskResultStatus.RUNNING, started_at=NOW - HOUR, worker_ids=["killed"]
    )
    run()

    assert run_tasks() == 1

    notice.refresh_from_db()
    assert notice.sent_at


# --- The command ------------------------------------------------------------------------


def test_a_second_run_changes_nothing(clock, lost):
    office = factories.Office()
    awaiting_confirmation(office)
    waiting_for_papers()
    lost(TaskResultStatus.RUNNING, started_at=NOW - HOUR)
    clock.move_to(datetime.datetime(2026, 12, 6, 9, 0, tzinfo=VIETNAM))
    run()

    with unchanged():
        run()


def test_one_work_that_fails_does_not_stop_the_others(clock, monkeypatch, caplog):
    dossier = awaiting_confirmation(factories.Office())
    clock.move_to(NOW + DAY)

    def broken() -> int:
        raise RuntimeError("the gateway is on fire")

    monkeypatch.setattr(run_due, "WORK", (broken, *run_due.WORK, broken))
    with caplog.at_level(logging.ERROR):
        run()

    assert state(dossier) == State.PROCESSING
    assert caplog.text.count("run_due: broken failed") == 2


def test_it_says_what_it_did(clock, capsys):
    awaiting_confirmation(factories.Office())
    clock.move_to(NOW + DAY)

    run()
    assert "confirm_by_silence: 1" in capsys.readouterr().out
    run()

    assert capsys.readouterr().out == ""


def test_the_loop_waits_between_its_runs(monkeypatch):
    waits = []

    def sleep(seconds: int) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(run_due.time, "sleep", sleep)

    with pytest.raises(KeyboardInterrupt):
        call_command("run_due", loop=True, every=7)

    assert waits == [7, 7, 7]


# --- What is owed although its task was given up ----------------------------------------


def test_a_signature_whose_task_was_given_up_is_asked_for_again_once(clock):
    dossier = factories.Office().approved(factories.filed())
    DBTaskResult.objects.all().update(status=TaskResultStatus.FAILED, finished_at=NOW + HOUR)
    clock.move_to(NOW + 11 * HOUR)

    first, second = due.ask_again(), due.ask_again()

    again = DBTaskResult.objects.filter(status=TaskResultStatus.READY)
    signing = again.get(task_path__endswith="finish_result")
    assert signing.args_kwargs["args"] == [dossier.results.get().pk]
    assert (first, second) == (again.count(), 0)


def test_what_is_being_worked_on_is_not_asked_for_again(clock):
    factories.Office().approved(factories.filed())
    clock.move_to(NOW + 11 * HOUR)

    assert due.ask_again() == 0
