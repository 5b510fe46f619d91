"""`manage.py run_due`: what time alone brings, however often and however late it runs."""

from __future__ import annotations

import datetime
import logging

import pytest
import time_machine
from django.core import mail
from django.core.management import call_command
from django.tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from dossiers import due, notices, sending, workflow
from dossiers.models import Dossier, Notice, NoticePreference
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
    """A dossier whose citizen has until Mon 7/12/2026, 17:00."""
    office = factories.Office()
    return workflow.perform(
        factories.filed(), "request_supplement", by=office.reception, items="Ảnh", reason="Ảnh mờ"
    )


def reminders(dossier: Dossier):
    return Notice.objects.filter(dossier=dossier, kind__in=due.REMINDERS.values())


def reminded(dossier: Dossier, clock) -> list[datetime.timedelta]:
    """Run every hour until the end; how long before it each reminder was written."""
    moment = dossier.citizen_by - 5 * DAY
    while moment < dossier.citizen_by + DAY:
        clock.move_to(moment)
        due.remind_citizens()
        due.remind_citizens()
        moment += 6 * HOUR
    written = reminders(dossier).order_by("pk").values_list("created_at", flat=True)
    return [dossier.citizen_by - at for at in written]


def test_a_citizen_is_reminded_three_days_and_one_day_before_the_end(clock):
    dossier = waiting_for_papers()

    assert reminded(dossier, clock) == [3 * DAY, DAY]

    first = reminders(dossier).last()
    sending = DBTaskResult.objects.filter(task_path="dossiers.tasks.send_notice")
    assert "nhắc bổ sung trước 17:00 ngày 07/12/2026" in first.subject
    assert first.is_urgent
    assert first.due_at == dossier.citizen_by
    assert first.path == f"/ho-so/{dossier.code}/bo-sung/"
    assert [first.pk] in [row.args_kwargs["args"] for row in sending]


@pytest.mark.parametrize(
    "hours, before",
    [(24, []), (36, [18]), (48, [24]), (72, [24]), (96, [48, 24]), (240, [72, 24])],
)
def test_short_times_are_reminded_less(hours, before, clock):
    dossier = waiting_for_papers()
    Dossier.objects.filter(pk=dossier.pk).update(citizen_by=NOW + hours * HOUR)
    dossier = Dossier.objects.get(pk=dossier.pk)

    assert reminded(dossier, clock) == [hours * HOUR for hours in before]


def test_who_has_to_pay_is_reminded(clock):
    dossier = factories.filed(factories.COPY)
    Dossier.objects.filter(pk=dossier.pk).update(citizen_by=NOW + 2 * DAY)
    clock.move_to(NOW + DAY)

    run()

    notice = reminders(dossier).get()
    assert "nhắc nộp phí" in notice.subject
    assert "Ông/bà cần làm: nộp phí, lệ phí" in notice.body
    assert notice.path == f"/thanh-toan/ho-so/{dossier.code}/"


def test_who_has_more_than_a_day_to_check_a_draft_is_reminded(clock):
    dossier = awaiting_confirmation(factories.Office())
    Dossier.objects.filter(pk=dossier.pk).update(citizen_by=NOW + 3 * DAY)
    clock.move_to(NOW + 2 * DAY)

    run()

    assert reminders(dossier).get().path == f"/ho-so/{dossier.code}/ban-du-thao/"


def test_one_reminder_that_fails_does_not_keep_the_others_waiting(clock, monkeypatch, caplog):
    broken, other = waiting_for_papers(), waiting_for_papers()
    say = notices.say

    def fail(recipient, kind, **details):
        if details["dossier"].pk == broken.pk:
            raise RuntimeError("broken")
        return say(recipient, kind, **details)

    monkeypatch.setattr(notices, "say", fail)
    clock.move_to(other.citizen_by - DAY)

    assert due.remind_citizens() == 1
    assert reminders(other).exists()
    assert f"dossier {broken.pk} failed" in caplog.text


def test_a_new_stretch_of_time_is_reminded_anew(clock):
    dossier = waiting_for_papers()
    clock.move_to(dossier.citizen_by - DAY)
    run()
    answered = workflow.perform(dossier, "answer_supplement", by=dossier.owner, answer="Đã gửi lại")
    again = factories.Office().supplement(answered)
    clock.move_to(again.citizen_by - DAY)

    run()

    assert reminders(dossier).count() == 2


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


# --- Digests ----------------------------------------------------------------------------


def told_daily(**fields) -> Dossier:
    """A dossier filed at 09:00 by somebody who wants their notices together."""
    owner = factories.user(**fields)
    NoticePreference.objects.create(user=owner, pace=NoticePreference.Pace.DAILY)
    return factories.filed(owner=owner)


def run_tasks_but_papers(run_tasks) -> None:
    printing = {"dossiers.tasks.make_paper", "dossiers.tasks.make_bundles"}
    DBTaskResult.objects.filter(task_path__in=printing).delete()
    run_tasks()


def test_what_waited_goes_together_the_next_morning(clock, run_tasks):
    dossier = told_daily()
    clock.move_to(NOW + HOUR)
    factories.Office().accepted(dossier)
    run()
    run_tasks_but_papers(run_tasks)
    assert mail.outbox == []

    for hour in (6, 7, 8, 9):
        clock.move_to(datetime.datetime(2026, 11, 26, hour, 0, tzinfo=VIETNAM))
        run()
        run()
        run_tasks_but_papers(run_tasks)
        assert len(mail.outbox) == (hour >= 7)

    [message] = mail.outbox
    html = message.alternatives[0].content
    for notice in dossier.notices.all():
        assert notice.sent_at == datetime.datetime(2026, 11, 26, 7, 0, tzinfo=VIETNAM)
        assert notice.subject in message.body
        assert notice.subject in html
    assert message.subject == "Cổng Một Cửa: 2 thông báo mới"
    assert "digest-" in message.extra_headers["Message-ID"]


def test_what_comes_after_seven_waits_for_the_next_day(clock, run_tasks):
    dossier = told_daily()
    for day, hour in ((26, 10), (27, 6)):
        clock.move_to(datetime.datetime(2026, 11, day, hour, 0, tzinfo=VIETNAM))
        run()
        run_tasks_but_papers(run_tasks)
    assert len(mail.outbox) == 1
    clock.move_to(datetime.datetime(2026, 11, 27, 6, 30, tzinfo=VIETNAM))
    factories.Office().accepted(dossier)
    for hour in (7, 8):
        clock.move_to(datetime.datetime(2026, 11, 27, hour, 0, tzinfo=VIETNAM))
        run()
        run_tasks_but_papers(run_tasks)

    assert len(mail.outbox) == 2


def test_what_the_reader_has_to_do_waits_for_nothing(run_tasks):
    dossier = told_daily()
    workflow.perform(
        dossier, "request_supplement", by=factories.Office().reception, items="Ảnh", reason="Mờ"
    )

    run_tasks_but_papers(run_tasks)

    [message] = mail.outbox
    assert "cần bổ sung" in message.subject


def test_a_digest_that_failed_is_asked_for_again_and_sent_once(clock, monkeypatch, run_tasks):
    told_daily()
    clock.move_to(datetime.datetime(2026, 11, 26, 7, 0, tzinfo=VIETNAM))
    due.send_digests()
    digests = DBTaskResult.objects.filter(task_path="dossiers.tasks.send_digest")
    digests.update(status=TaskResultStatus.FAILED, finished_at=NOW + DAY)
    clock.move_to(datetime.datetime(2026, 11, 26, 19, 0, tzinfo=VIETNAM))

    counts = [due.send_digests(), due.send_digests()]
    run_tasks_but_papers(run_tasks)

    assert counts == [1, 0]
    assert len(mail.outbox) == 1


def test_a_closed_account_gets_no_digest(clock):
    dossier = told_daily()
    type(dossier.owner).objects.filter(pk=dossier.owner_id).update(closed_at=NOW)
    clock.move_to(NOW + DAY)

    assert due.send_digests() == 0


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


@pytest.mark.parametrize(
    "status, kept", [(TaskResultStatus.SUCCESSFUL, DAY), (TaskResultStatus.FAILED, 30 * DAY)]
)
def test_what_a_task_was_given_is_forgotten_when_it_is_over(status, kept, clock, lost):
    row = lost(status, attempts=8, finished_at=NOW)
    waiting = factories.filed().notices.get()

    clock.move_to(NOW + kept)
    assert stuck_tasks.forget() == 0
    clock.move_to(NOW + kept + MINUTE)

    assert stuck_tasks.forget() == 1
    assert not DBTaskResult.objects.filter(pk=row.pk).exists()
    assert send_notice.module_path in DBTaskResult.objects.values_list("task_path", flat=True)
    assert waiting.sent_at is None


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
