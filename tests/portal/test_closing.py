"""Closing an account as far as the law allows."""

from __future__ import annotations

import contextlib
import threading

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth import get_user_model
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from dossiers import workflow
from dossiers.models import Delivery, Dossier, KeptPaper, Notice, NoticePreference, Participant
from payments.models import Payment
from portal import closing, exports
from portal.models import DataExport
from procedures.models import Posting
from tests import factories
from tests.portal.test_my_data import PASSWORD, ask_question, keep_paper, logged_in, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("accounts_at_work")]

CLOSE = "/tai-khoan/dong/"


def close(client: Client):
    return client.post(CLOSE, {"agrees": "1"})


def withdrawn(owner) -> Dossier:
    dossier = factories.filed(owner=owner)
    return workflow.perform(dossier, "withdraw", by=owner, reason="Không cần nữa.")


def test_what_no_law_keeps_is_gone_and_filed_dossiers_stay(
    run_tasks, django_capture_on_commit_callbacks
):
    user = person(phone="0912345678", phone_verified=True, citizen_number="045190001234")
    dossier, draft = withdrawn(user), factories.draft(owner=user)
    files = [keep_paper(user).file]
    files += [one.file for one in draft.attachments.all()]
    kept = [one.file for one in dossier.attachments.all()]
    question = ask_question(user)
    NoticePreference.objects.create(user=user)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    exports.ask(user)
    run_tasks()
    files.append(DataExport.objects.get().file)
    client = logged_in(user)
    Authenticator.objects.create(user=user, type=Authenticator.Type.RECOVERY_CODES, data={})

    with django_capture_on_commit_callbacks(execute=True):
        answer = close(client)
    run_tasks()

    user.refresh_from_db()
    dossier = Dossier.objects.get(pk=dossier.pk)
    question.refresh_from_db()
    assert answer.headers["Location"] == "/"
    assert (user.full_name, user.email, user.phone) == ("Tài khoản đã đóng", None, "")
    assert (user.citizen_number, user.is_active, user.phone_verified) == ("", False, False)
    assert user.closed_at is not None and not user.has_usable_password()
    for model in (
        KeptPaper,
        NoticePreference,
        DataExport,
        EmailAddress,
        Authenticator,
        UserSession,
    ):
        assert not model.objects.exists(), model
    assert list(Dossier.objects.all()) == [dossier]
    assert dossier.answers == factories.ANSWERS[factories.FUNERAL]
    assert (question.owner, question.name) == (None, "")
    assert not any(file.storage.exists(file.name) for file in files)
    assert kept and all(file.storage.exists(file.name) for file in kept)
    assert not Delivery.objects.exclude(address="").exists()
    assert Notice.objects.filter(dossier=dossier).exists()
    assert mail.outbox[-1].to == ["hoa@example.vn"]
    assert "đã đóng" in mail.outbox[-1].body


def test_afterwards_nobody_gets_in_and_the_address_is_free(django_capture_on_commit_callbacks):
    user = person()
    client = logged_in(user)
    with django_capture_on_commit_callbacks(execute=True):
        close(client)
    again = Client()

    again.post("/tai-khoan/login/", {"login": "hoa@example.vn", "password": PASSWORD})
    answer = again.post("/tai-khoan/signup/", {
        "full_name": "Nguyễn Thị Hoa", "email": "hoa@example.vn", "password1": PASSWORD,
    })  # fmt: skip

    assert client.get(CLOSE).status_code == 302
    assert answer.status_code == 302
    assert get_user_model().objects.filter(email="hoa@example.vn", closed_at=None).exists()


def assert_refused(user, client: Client, words: str) -> None:
    page = client.get(CLOSE).content.decode()
    answer = close(client)

    user.refresh_from_db()
    assert words in page and 'name="agrees"' not in page
    assert answer.headers["Location"] == CLOSE
    assert user.closed_at is None and user.email


def test_an_open_dossier_stands_against_it():
    user = person()
    dossier = factories.filed(owner=user)

    assert_refused(user, logged_in(user), dossier.code)


def test_an_open_dossier_that_one_joined_stands_against_it():
    user, dossier = person(), factories.filed()
    Participant.objects.create(
        dossier=dossier, user=user, name="Hoa", role=Participant.Role.CO_APPLICANT,
        joined_at=timezone.now(),
    )  # fmt: skip

    assert_refused(user, logged_in(user), dossier.code)


def test_money_that_the_office_owes_stands_against_it():
    user = person()
    dossier = withdrawn(user)
    Payment.objects.create(
        dossier=dossier, lines=[], amount=8000, method="vnpay", state="paid", needs_refund=True
    )

    assert_refused(user, logged_in(user), "hoàn tiền")


def test_officials_close_nothing_themselves():
    official = factories.official(Posting.Role.CASE_OFFICER, password=PASSWORD)

    assert_refused(official, logged_in(official), "quản trị viên")


def test_without_the_tick_nothing_happens_and_a_sentence_says_so():
    user = person()

    page = logged_in(user).post(CLOSE)

    user.refresh_from_db()
    assert "đánh dấu vào ô xác nhận" in page.content.decode()
    assert user.closed_at is None


def test_closing_twice_is_closing_once():
    user = person()

    closing.close(user)
    first = get_user_model().objects.get(pk=user.pk).closed_at
    closing.close(user)

    assert get_user_model().objects.get(pk=user.pk).closed_at == first


def test_a_copy_that_was_on_its_way_does_not_come_back(run_tasks):
    user = person()
    exports.ask(user)
    closing.close(user)

    run_tasks()

    assert not DataExport.objects.exists()
    assert not Notice.objects.filter(recipient=user).exists()


def test_somebody_elses_draft_that_one_joined_goes_on_without_them():
    user, draft = person(), factories.draft()
    part = Participant.objects.create(
        dossier=draft, user=user, name="Hoa", role=Participant.Role.CO_APPLICANT,
        joined_at=timezone.now(),
    )  # fmt: skip

    closing.close(user)

    part.refresh_from_db()
    assert part.ended_at is not None
    assert Dossier.objects.filter(pk=draft.pk).exists()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_filing_and_closing_at_once_lose_no_filed_dossier():
    user = person()
    draft = factories.draft(owner=user)
    start, filed, closed = threading.Barrier(2), [], []

    def file_it() -> None:
        start.wait()
        with contextlib.suppress(workflow.Refused, Dossier.DoesNotExist):
            filed.append(workflow.perform(draft, "submit", by=user).code)
        connection.close()

    def close_it() -> None:
        start.wait()
        try:
            closing.close(user)
            closed.append(True)
        except closing.Refused:
            pass
        connection.close()

    threads = [threading.Thread(target=work) for work in (file_it, close_it)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    left = get_user_model().objects.get(pk=user.pk)
    assert bool(filed) != bool(closed)
    assert Dossier.objects.filter(owner=user).count() == len(filed)
    assert (left.closed_at is not None) == bool(closed)
