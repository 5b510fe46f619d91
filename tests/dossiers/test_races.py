"""Several people at the same moment. Each guarantee has a control: without its lock it falls.

PostgreSQL alone can lose these races; SQLite has one writer at a time.
"""

from __future__ import annotations

import dataclasses
import datetime
import threading
import time
import types
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection, connections
from django.db.models import QuerySet
from django_tasks_db import DatabaseBackend
from django_tasks_db.models import DBTaskResult

from dossiers import (
    due,
    filing,
    ledger,
    messages,
    notices,
    numbering,
    participants,
    supplements,
    workflow,
)
from dossiers.models import (
    Attachment,
    DayCounter,
    Dossier,
    Event,
    Notice,
    NoticePreference,
    Participant,
    ResultCounter,
)
from procedures.worktime import VIETNAM
from tests import factories

State = Dossier.State
NOW = datetime.datetime(2026, 11, 25, 9, 0, tzinfo=VIETNAM)
GAP = 0.3  # seconds between reading and writing, in which the others arrive

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW) as traveller:
        yield traveller


def together(calls: list[Callable[[], Any]]) -> list[Any]:
    """What each call returned or raised; all start at the same moment, a thread each."""
    connection.close()  # the pool has as many connections as there are threads
    start = threading.Barrier(len(calls))
    outcomes: list[Any] = [None] * len(calls)

    def run(number: int) -> None:
        try:
            connection.ensure_connection()  # so that none comes late for want of one
            start.wait(timeout=20)
            outcomes[number] = calls[number]()
        except Exception as error:  # the test looks at what came
            outcomes[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[number]) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return outcomes


def succeeded(outcomes: list[Any]) -> list[Any]:
    """What came back, without what was raised."""
    return [row for row in outcomes if not isinstance(row, Exception)]


def raised(outcomes: list[Any]) -> list[Exception]:
    """What was raised."""
    return [row for row in outcomes if isinstance(row, Exception)]


@pytest.fixture
def slow(monkeypatch):
    """A function that widens the gap in a move, between its checks and its writing."""

    def widen(name: str) -> None:
        action = workflow.ACTIONS[name]

        def run(move: workflow.Move) -> None:
            time.sleep(GAP)
            action.run(move)

        monkeypatch.setitem(workflow.ACTIONS, name, dataclasses.replace(action, run=run))

    return widen


@pytest.fixture
def without_the_lock(monkeypatch):
    """The door without the lock that it takes."""

    def read(dossier_id: int) -> Dossier:
        related = ("revision__procedure", "owner", "receiving_agency", "handling_agency")
        return Dossier.objects.select_related(*related).get(pk=dossier_id)

    return lambda: monkeypatch.setattr(workflow, "lock", read)


@pytest.fixture
def unlocked(monkeypatch):
    """A function that makes the locked reads of a model plain ones, with the gap behind them."""

    class Plain(QuerySet):
        def get(self, *args, **kwargs):
            row = super().get(*args, **kwargs)
            time.sleep(GAP)
            return row

    def unlock(model) -> None:
        monkeypatch.setattr(model.objects, "select_for_update", lambda **kwargs: Plain(model))

    return unlock


def drafts(count: int) -> list[Dossier]:
    """Drafts ready to be filed, made in few queries."""
    first = factories.draft()
    file = first.attachments.get()
    rows = Dossier.objects.bulk_create(
        Dossier(
            owner=first.owner, revision=first.revision, answers=first.answers,
            handling_agency=first.handling_agency, receiving_agency=first.receiving_agency,
        )
        for _ in range(count)
    )  # fmt: skip
    Attachment.objects.bulk_create(
        Attachment(
            dossier=row, document=file.document, file=file.file.name, name=file.name,
            media_type=file.media_type, size=file.size, sha256=file.sha256, uploaded_by=first.owner,
        )
        for row in rows
    )  # fmt: skip
    return rows


def submit(dossier: Dossier) -> Dossier:
    return workflow.perform(dossier, "submit", by=dossier.owner)


# --- Codes --------------------------------------------------------------------------------


def test_four_hundred_filings_from_eight_threads_get_consecutive_codes():
    rows = drafts(400)
    shares = [rows[number::8] for number in range(8)]

    outcomes = together(
        [lambda share=share: [submit(row).code for row in share] for share in shares]
    )

    assert not raised(outcomes)
    codes = sorted(code for share in outcomes for code in share)
    assert codes == [f"000.01.61.H50-261125-{number:04d}" for number in range(1, 401)]
    assert DayCounter.objects.get().last == 400
    assert Event.objects.filter(name="submit").count() == 400


def test_control_without_the_counters_lock_two_filings_take_one_code(unlocked):
    submit(factories.draft())  # the day's counter is there
    rows = drafts(2)
    unlocked(DayCounter)

    outcomes = together([lambda row=row: submit(row) for row in rows])

    [error] = raised(outcomes)
    assert isinstance(error, IntegrityError)
    assert "code" in str(error)


def test_the_first_filings_of_a_day_do_not_fight_over_its_counter():
    rows = drafts(8)

    outcomes = together([lambda row=row: submit(row) for row in rows])

    assert not raised(outcomes)
    assert sorted(int(row.code[-4:]) for row in outcomes) == list(range(1, 9))


# --- One button, several people ------------------------------------------------------------


def two_receptionists() -> tuple[Dossier, list[Callable[[], Dossier]]]:
    """A dossier, and two officials about to accept it."""
    people = [factories.official("reception") for _ in range(2)]
    dossier = factories.filed()
    return dossier, [
        lambda person=person: workflow.perform(dossier, "accept", by=person) for person in people
    ]


def test_of_two_officials_on_one_button_one_succeeds_and_the_other_is_told_who(slow):
    dossier, calls = two_receptionists()
    slow("accept")

    outcomes = together(calls)

    [event] = dossier.events.filter(name="accept")
    [error] = raised(outcomes)
    assert type(error) is workflow.NotPossible
    assert event.actor.full_name in str(error)
    assert dossier.papers.filter(kind="receipt").count() == 1
    assert Dossier.objects.get(pk=dossier.pk).version == dossier.version + 1


def test_control_without_the_lock_both_officials_accept(slow, without_the_lock, monkeypatch):
    # One line in the register a dossier would stop the second as well.
    line = types.SimpleNamespace(year=2026, number=1)
    monkeypatch.setattr(numbering, "enter_register", lambda dossier: line)
    dossier, calls = two_receptionists()
    slow("accept")
    without_the_lock()

    outcomes = together(calls)

    assert len(succeeded(outcomes)) == 2
    assert dossier.events.filter(name="accept").count() == 2


def accept_and_withdraw(**details) -> tuple[Dossier, list[Callable[[], Dossier]]]:
    """A dossier that its citizen takes back while the office takes it in."""
    reception = factories.official("reception")
    dossier = factories.filed()
    return dossier, [
        lambda: workflow.perform(dossier, "accept", by=reception, **details),
        lambda: workflow.perform(dossier, "withdraw", by=dossier.owner, **details),
    ]


def chain(dossier: Dossier) -> list[tuple[str, str]]:
    """From where to where each move led."""
    return list(dossier.events.values_list("from_state", "to_state"))


def test_accepting_and_withdrawing_follow_one_another(slow):
    dossier, calls = accept_and_withdraw()
    slow("accept")
    slow("withdraw")

    outcomes = together(calls)

    moves = chain(dossier)
    assert {type(error) for error in raised(outcomes)} <= {workflow.NotPossible}
    assert [source for source, _target in moves[1:]] == [target for _source, target in moves[:-1]]
    assert Dossier.objects.get(pk=dossier.pk).state == moves[-1][1] == State.WITHDRAWN


def test_of_two_pages_of_one_version_only_one_counts(slow):
    dossier, calls = accept_and_withdraw(version=1)
    slow("accept")
    slow("withdraw")

    outcomes = together(calls)

    [error] = raised(outcomes)
    assert type(error) is workflow.Stale
    assert len(chain(dossier)) == 2


def test_control_without_the_lock_a_dossier_is_accepted_and_withdrawn(slow, without_the_lock):
    dossier, calls = accept_and_withdraw(version=1)
    slow("accept")
    slow("withdraw")
    without_the_lock()

    outcomes = together(calls)

    assert len(succeeded(outcomes)) == 2
    assert [source for source, _target in chain(dossier)[1:]] == [State.SUBMITTED] * 2


def test_one_draft_sent_eight_times_at_once_is_filed_once(slow):
    draft = factories.draft()
    slow("submit")

    outcomes = together([lambda: submit(draft)] * 8)

    assert len(succeeded(outcomes)) == 1
    assert {type(error) for error in raised(outcomes)} == {workflow.NotPossible}
    assert DayCounter.objects.get().last == 1
    assert draft.events.count() == 1
    assert draft.notices.count() == 1


def test_control_without_the_lock_one_draft_is_filed_several_times(slow, without_the_lock):
    draft = factories.draft()
    slow("submit")
    without_the_lock()

    together([lambda: submit(draft)] * 8)

    assert draft.events.filter(name="submit").count() > 1


# --- The ledger ------------------------------------------------------------------------------


def eight_looks(monkeypatch) -> tuple[Dossier, list[Callable[[], None]]]:
    """Eight officials about to look at one dossier, with a gap before each event is written."""
    people = [factories.official("case_officer") for _ in range(8)]
    dossier = factories.filed()
    hash_of = ledger.hash_of

    def slowly(event: Event) -> str:
        time.sleep(0.05)
        return hash_of(event)

    monkeypatch.setattr(ledger, "hash_of", slowly)
    return dossier, [
        lambda person=person: ledger.record_look(dossier, by=person) for person in people
    ]


def test_events_written_at_once_make_one_chain(monkeypatch):
    dossier, looks = eight_looks(monkeypatch)

    outcomes = together(looks)

    events = list(dossier.events.all())
    assert not raised(outcomes)
    assert [event.seq for event in events] == list(range(1, 10))
    assert ledger.first_broken(events) is None


def test_control_without_the_lock_events_are_lost(monkeypatch, unlocked):
    dossier, looks = eight_looks(monkeypatch)
    unlocked(Dossier)

    outcomes = together(looks)

    assert any(isinstance(error, IntegrityError) for error in raised(outcomes))
    assert dossier.events.count() < 9


# --- Numbers of results, drafts and reminders ------------------------------------------------


def approvals(count: int) -> list[Callable[[], Dossier]]:
    """Dossiers about to be approved by one person, each in a window of its own."""
    office = factories.Office()
    rows = [office.proposed(factories.filed()) for _ in range(count)]
    return [lambda row=row: workflow.perform(row, "approve", by=office.approver) for row in rows]


def numbers(outcomes: list[Any]) -> list[str]:
    return sorted(row.results.get().facts["number"] for row in succeeded(outcomes))


def test_results_signed_at_once_are_numbered_without_gaps():
    outcomes = together(approvals(6))

    assert not raised(outcomes)
    assert numbers(outcomes) == [f"{number:02d}/QĐ-UBND" for number in range(1, 7)]


def test_control_without_the_counters_lock_two_results_bear_one_number(monkeypatch):
    def read_then_write(counters: type[ResultCounter], **series: Any) -> int:
        row = counters.objects.get(**series)
        time.sleep(GAP)
        counters.objects.filter(pk=row.pk).update(last=row.last + 1)
        return row.last + 1

    calls = approvals(3)
    calls.pop()()  # the year's counter is there
    monkeypatch.setattr(numbering, "take", read_then_write)

    outcomes = together(calls)

    assert numbers(outcomes) == ["02/QĐ-UBND", "02/QĐ-UBND"]


def test_two_tabs_of_one_draft_do_not_undo_each_other():
    draft = factories.draft()
    answers = factories.ANSWERS[factories.FUNERAL]
    reason = {**answers["nhan_tien"], "cach": "chuyen_khoan"}
    mourner = {**answers["nguoi_mat"], "ho_ten": "Trần Văn Khác"}

    outcomes = together(
        [
            lambda: filing.save_answers(draft, "nhan_tien", reason),
            lambda: filing.save_answers(Dossier.objects.get(pk=draft.pk), "nguoi_mat", mourner),
        ]
    )

    kept = Dossier.objects.get(pk=draft.pk).answers
    assert not raised(outcomes)
    assert kept["nhan_tien"]["cach"] == "chuyen_khoan"
    assert kept["nguoi_mat"]["ho_ten"] == "Trần Văn Khác"


def about_to_be_reminded(clock, monkeypatch) -> Dossier:
    """A dossier whose citizen is to be reminded, with a gap before the notice is written."""
    office = factories.Office()
    dossier = workflow.perform(
        factories.filed(), "request_supplement", by=office.reception, items="Ảnh", reason="Mờ"
    )
    clock.move_to(dossier.citizen_by - datetime.timedelta(days=1))
    say = notices.say

    def slowly(*args, **kwargs) -> Notice:
        time.sleep(GAP)
        return say(*args, **kwargs)

    monkeypatch.setattr(notices, "say", slowly)
    return dossier


def reminders(dossier: Dossier) -> int:
    return Notice.objects.filter(dossier=dossier, event=None).count()


def test_two_commands_side_by_side_remind_once(clock, monkeypatch):
    dossier = about_to_be_reminded(clock, monkeypatch)

    outcomes = together([due.remind_citizens] * 2)

    assert sorted(outcomes) == [0, 1]
    assert reminders(dossier) == 1


def test_control_without_the_lock_two_commands_remind_twice(clock, monkeypatch):
    dossier = about_to_be_reminded(clock, monkeypatch)
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **kwargs: self.all())

    together([due.remind_citizens] * 2)

    assert reminders(dossier) == 2


def one_answer_saved(slow) -> tuple[Dossier, dict]:
    """A supplement ready to be sent, with a gap in the sending, and the answers it brings."""
    dossier = workflow.perform(
        factories.filed(), "request_supplement", by=factories.Office().reception,
        fields=["nguoi_mat.ngay_mat"], notes={"nguoi_mat.ngay_mat": "Khác"}, reason="Khác",
    )  # fmt: skip
    answer = {**dossier.answers["nguoi_mat"], "ngay_mat": "2026-11-09"}
    supplements.save_section(dossier, "nguoi_mat", answer, seen="")
    slow("answer_supplement")
    return dossier, answer


def test_a_supplement_sent_twice_at_once_is_sent_once(slow):
    dossier, _answer = one_answer_saved(slow)

    def send():
        return workflow.perform(dossier, "answer_supplement", by=dossier.owner)

    outcomes = together([send] * 3)

    assert len(succeeded(outcomes)) == 1
    assert {type(error) for error in raised(outcomes)} == {workflow.NotPossible}
    assert Event.objects.filter(dossier=dossier, name="answer_supplement").count() == 1
    assert dossier.papers.filter(kind="form").count() == 2


def test_control_without_the_lock_a_supplement_is_sent_more_than_once(slow, without_the_lock):
    dossier, _answer = one_answer_saved(slow)
    without_the_lock()

    def send():
        return workflow.perform(dossier, "answer_supplement", by=dossier.owner)

    outcomes = together([send] * 2)

    # Both run the move to its end; only the ledger's own constraint stops one of them.
    assert not any(isinstance(error, workflow.NotPossible) for error in raised(outcomes))


def saved_while_sending(dossier: Dossier, answer: dict) -> None:
    """The supplement goes off while another tab saves the same section once more."""

    def save():
        time.sleep(GAP / 3)
        later = {**answer, "ngay_mat": "2026-11-08"}
        supplements.save_section(dossier, "nguoi_mat", later, seen="")

    together([lambda: workflow.perform(dossier, "answer_supplement", by=dossier.owner), save])


def test_what_is_saved_while_a_supplement_goes_off_changes_nothing_that_was_sent(slow):
    dossier, answer = one_answer_saved(slow)

    saved_while_sending(dossier, answer)

    request = dossier.supplement_requests.get()
    sent = Dossier.objects.get(pk=dossier.pk)
    assert request.new_answers["nguoi_mat"] == sent.answers["nguoi_mat"] == answer


def test_control_without_the_lock_the_record_of_what_was_sent_is_overwritten(slow, monkeypatch):
    dossier, answer = one_answer_saved(slow)
    apply = supplements.apply

    def slowly(*args):
        changed = apply(*args)
        time.sleep(GAP)
        return changed

    def unlocked(dossier: Dossier):
        row = Dossier.objects.select_related("revision").get(pk=dossier.pk)
        request = row.supplement_requests.get()
        time.sleep(GAP * 4)
        return row, request

    monkeypatch.setattr(supplements, "apply", slowly)
    monkeypatch.setattr(supplements, "_lock", unlocked)

    saved_while_sending(dossier, answer)

    assert dossier.supplement_requests.get().new_answers["nguoi_mat"] != answer


# --- Messages ---------------------------------------------------------------------------


def sending(dossier: Dossier, count: int, *, key: str = "") -> list[Callable[[], Any]]:
    """The calls of people who send at once: of one form with `key`, else of one each."""
    owner = dossier.owner
    return [
        lambda number=number: messages.send(
            dossier, "Xin hỏi", by=owner, form_key=key or f"{number:022d}"
        )
        for number in range(count)
    ]


def test_one_form_sent_by_five_at_once_is_one_message():
    dossier = factories.filed()

    outcomes = together(sending(dossier, 5, key="k" * 22))

    assert len({message.pk for message in succeeded(outcomes)}) == 1
    assert raised(outcomes) == []
    assert dossier.events.filter(name=messages.EVENT).count() == 1


def test_without_its_lock_a_form_sent_twice_breaks(unlocked, monkeypatch):
    dossier = factories.filed()
    unlocked(Dossier)
    check = messages._check

    def slowly(*args, **details):
        time.sleep(GAP)
        check(*args, **details)

    monkeypatch.setattr(messages, "_check", slowly)

    outcomes = together(sending(dossier, 3, key="k" * 22))

    assert raised(outcomes)


def test_the_messages_of_a_day_are_not_more_when_they_come_at_once(monkeypatch):
    monkeypatch.setattr(messages, "MAX_A_DAY", 2)
    dossier = factories.filed()

    outcomes = together(sending(dossier, 4))

    assert len(succeeded(outcomes)) == dossier.messages.count() == 2
    assert {type(error) for error in raised(outcomes)} == {messages.NotSent}


# --- Digests ----------------------------------------------------------------------------


def about_to_be_gathered(clock, monkeypatch) -> None:
    """A notice that waits for the morning, with a gap before its digest is asked for."""
    owner = factories.user()
    NoticePreference.objects.create(user=owner, pace=NoticePreference.Pace.DAILY)
    factories.filed(owner=owner)
    clock.move_to(NOW + datetime.timedelta(days=1))
    enqueue = DatabaseBackend.enqueue

    def slowly(*args) -> Any:
        time.sleep(GAP)
        return enqueue(*args)

    monkeypatch.setattr(DatabaseBackend, "enqueue", slowly)


def digests() -> int:
    return DBTaskResult.objects.filter(task_path="dossiers.tasks.send_digest").count()


def test_two_commands_side_by_side_ask_for_one_digest(clock, monkeypatch):
    about_to_be_gathered(clock, monkeypatch)

    outcomes = together([due.send_digests] * 2)

    assert sorted(outcomes) == [0, 1]
    assert digests() == 1


def test_control_without_the_lock_two_commands_ask_for_two_digests(clock, monkeypatch):
    about_to_be_gathered(clock, monkeypatch)
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **kwargs: self.all())

    together([due.send_digests] * 2)

    assert digests() == 2


# --- The people of a dossier --------------------------------------------------------------


def join_at_once(monkeypatch) -> list[Any]:
    """What two people get who take one invitation at the same moment."""
    is_open = participants.is_open

    def slowly(participant: Participant) -> bool:
        answer = is_open(participant)
        time.sleep(GAP)
        return answer

    monkeypatch.setattr(participants, "is_open", slowly)
    invitation = participants.invite(
        factories.draft(), role=Participant.Role.CO_APPLICANT, name="Bình", contact="b@example.vn"
    )
    people = [factories.user(), factories.user()]
    return together([partial(participants.join, invitation, by=person) for person in people])


def test_one_invitation_taken_by_two_at_once_lets_one_in(monkeypatch):
    outcomes = join_at_once(monkeypatch)

    assert len(succeeded(outcomes)) == 1
    assert Participant.objects.get().user == succeeded(outcomes)[0].user
    assert [type(row) for row in raised(outcomes)] == [workflow.Refused]


def test_control_without_the_lock_one_invitation_lets_two_in(monkeypatch):
    read = Dossier.objects.select_related("owner", "revision")
    monkeypatch.setattr(participants, "_lock", lambda pk: read.get(pk=pk))

    assert len(succeeded(join_at_once(monkeypatch))) == 2
