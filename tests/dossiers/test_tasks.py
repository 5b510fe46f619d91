"""What runs after commit may run twice, late or in vain: one effect, or none and a retry."""

from __future__ import annotations

import datetime
import hashlib
import smtplib

import pytest
import time_machine
from django.core import mail
from django_tasks_db.models import DBTaskResult

from dossiers import signing, tasks, workflow
from dossiers.models import Dossier, Paper
from procedures import papers as printing
from procedures.worktime import VIETNAM
from tests import factories
from tests.dossiers.refusals import unchanged

State = Dossier.State

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _wednesday_morning():
    with time_machine.travel(datetime.datetime(2026, 11, 25, 9, 0, tzinfo=VIETNAM), tick=False):
        yield


@pytest.fixture
def printed(monkeypatch):
    """Prints nothing real, a new file each time, and keeps what it was asked to print."""
    asked = []

    def render(template: str, context: dict) -> bytes:
        asked.append(template)
        return b"%%PDF-1.7 print number %d" % len(asked)

    monkeypatch.setattr(printing, "render", render)
    monkeypatch.setattr(signing, "sign", lambda pdf, **said: pdf + b" signed")
    monkeypatch.setattr(signing, "with_places", lambda pdf: pdf)
    monkeypatch.setattr(signing, "sign_as_person", lambda pdf, signer, **said: pdf + b" signed")
    monkeypatch.setattr(signing, "seal", lambda pdf, **said: pdf + b" sealed")
    return asked


class NoServer:
    """A mail server that is down."""

    def __init__(self, *args, **kwargs):
        pass

    def send_messages(self, messages):
        raise smtplib.SMTPServerDisconnected


class Nobody(NoServer):
    """A mail server that takes nothing, without complaint."""

    def send_messages(self, messages):
        return 0


def test_a_paper_is_printed_once(printed):
    paper = factories.filed().papers.get(kind=Paper.Kind.FILING)

    tasks.make_paper.call(paper.pk)
    first = Paper.objects.get(pk=paper.pk)
    tasks.make_paper.call(paper.pk)

    again = Paper.objects.get(pk=paper.pk)
    assert printed == ["papers/filing.html"]
    assert (again.file.name, again.sha256) == (first.file.name, first.sha256)
    with again.file.open() as file:
        assert hashlib.sha256(file.read()).hexdigest() == again.sha256


def test_two_workers_that_print_the_same_paper_keep_the_first(printed, monkeypatch):
    from dossiers import papers

    paper = factories.filed().papers.get(kind=Paper.Kind.FILING)
    late = Paper.objects.get(pk=paper.pk)
    papers.make(paper)
    kept = Paper.objects.get(pk=paper.pk).sha256

    papers.make(late)

    assert len(printed) == 2
    assert Paper.objects.get(pk=paper.pk).sha256 == kept


def test_a_result_is_signed_and_its_dossier_completed_once(printed):
    dossier = factories.Office().approved(factories.filed())
    result = dossier.results.get()

    tasks.finish_result.call(result.pk)
    first = dossier.results.get()
    with unchanged():
        tasks.finish_result.call(result.pk)

    assert printed == ["papers/result.html"]
    assert first.sha256
    assert first.signed_at
    assert Dossier.objects.get(pk=dossier.pk).state == State.COMPLETED
    assert dossier.events.filter(name="complete").count() == 1


def test_a_worker_killed_after_signing_completes_the_dossier_the_next_time(printed, monkeypatch):
    dossier = factories.Office().approved(factories.filed())
    result = dossier.results.get()

    def killed(*args, **kwargs):
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(workflow, "perform", killed)
        tasks.finish_result.call(result.pk)
    signed = dossier.results.get().sha256
    tasks.finish_result.call(result.pk)

    assert dossier.results.get().sha256 == signed
    assert Dossier.objects.get(pk=dossier.pk).state == State.COMPLETED


def test_a_result_goes_online_once(printed):
    dossier = factories.Office().approved(factories.filed())
    tasks.finish_result.call(dossier.results.get().pk)

    tasks.give_online.call(dossier.pk)
    with unchanged():
        tasks.give_online.call(dossier.pk)

    assert Dossier.objects.get(pk=dossier.pk).state == State.RETURNED
    assert dossier.events.filter(name="hand_over").count() == 1


def test_nothing_goes_online_before_it_is_completed():
    dossier = factories.Office().approved(factories.filed())

    with unchanged():
        tasks.give_online.call(dossier.pk)


def test_a_notice_is_sent_once():
    notice = factories.filed().notices.get()

    tasks.send_notice.call(notice.pk)
    tasks.send_notice.call(notice.pk)

    [message] = mail.outbox
    notice.refresh_from_db()
    assert message.to == [notice.recipient.email]
    assert message.subject == notice.subject
    assert notice.dossier.code in message.body
    assert notice.sent_at


def test_a_mail_server_that_is_down_leaves_the_notice_unsent(settings, monkeypatch):
    notice = factories.filed().notices.get()

    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.backends.locmem.EmailBackend", NoServer)
        with unchanged(), pytest.raises(smtplib.SMTPServerDisconnected):
            tasks.send_notice.call(notice.pk)
    tasks.send_notice.call(notice.pk)

    notice.refresh_from_db()
    assert notice.sent_at
    assert len(mail.outbox) == 1


def test_a_notice_that_reached_nobody_is_not_called_sent(monkeypatch):
    notice = factories.filed().notices.get()
    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend", Nobody)

    with unchanged():
        tasks.send_notice.call(notice.pk)


def test_a_mail_server_that_is_down_breaks_no_move(monkeypatch):
    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend", NoServer)

    accepted = factories.Office().accepted(factories.filed())

    assert accepted.state == State.ACCEPTED


def test_what_follows_a_move_is_asked_for_in_its_own_transaction():
    dossier = factories.filed()

    waiting = DBTaskResult.objects.order_by("enqueued_at").values_list("task_path", flat=True)
    assert sorted(waiting) == [
        "dossiers.tasks.make_bundles",
        "dossiers.tasks.make_paper",
        "dossiers.tasks.make_paper",
        "dossiers.tasks.make_previews",
        "dossiers.tasks.send_notice",
    ]
    assert dossier.papers.filter(file="").count() == 2
