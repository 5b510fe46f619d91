"""Drafts end some day, never without a warning sent in time."""

from __future__ import annotations

import datetime

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from dossiers import expiry, filing
from dossiers.models import Delivery, Dossier, Notice
from tests import factories
from tests.factories import FUNERAL

pytestmark = pytest.mark.django_db


def aged(draft: Dossier, days: int, *, warned: int | None = None) -> Dossier:
    """The draft as if nobody had touched it for `days` (its warning sent `warned` days ago)."""
    now = timezone.now()
    draft.attachments.update(uploaded_at=now - datetime.timedelta(days=days))
    Dossier.objects.filter(pk=draft.pk).update(updated_at=now - datetime.timedelta(days=days))
    if warned is not None:
        assert expiry.warn_of_expiry() == 1
        moment = now - datetime.timedelta(days=warned)
        Dossier.objects.filter(pk=draft.pk).update(expiry_warned_at=moment)
        Delivery.objects.update(sent_at=moment)
    return draft


def test_the_owner_is_warned_once_before_a_draft_ends():
    draft = aged(factories.draft(FUNERAL), 77)
    aged(factories.draft(FUNERAL), 75)

    counts = [expiry.warn_of_expiry() for _time in range(2)]

    notice = Notice.objects.get()
    assert counts == [1, 0]
    assert notice.recipient == draft.owner
    assert notice.is_urgent
    assert "Hỗ trợ chi phí mai táng" in notice.body
    assert notice.path == draft.get_absolute_url()
    assert expiry.delete_expired() == 0


def test_a_warned_draft_is_deleted_with_its_files(django_capture_on_commit_callbacks):
    draft = aged(factories.draft(FUNERAL), 91, warned=14)
    name = draft.attachments.get().file.name

    with django_capture_on_commit_callbacks(execute=True):
        counts = [expiry.delete_expired() for _time in range(2)]

    assert counts == [1, 0]
    assert not Dossier.objects.exists()
    assert not default_storage.exists(name)


def test_no_draft_is_deleted_that_was_never_warned_of():
    aged(factories.draft(FUNERAL), 400)

    assert expiry.delete_expired() == 0


def test_no_draft_is_deleted_before_the_warning_is_two_weeks_old():
    aged(factories.draft(FUNERAL), 400, warned=13)

    assert expiry.delete_expired() == 0


def test_no_draft_is_deleted_while_its_warning_waits_to_be_sent():
    aged(factories.draft(FUNERAL), 400, warned=20)
    Delivery.objects.update(sent_at=None)

    assert Delivery.objects.exists()
    assert expiry.delete_expired() == 0


def test_a_draft_that_was_saved_after_the_warning_begins_its_time_anew():
    draft = aged(factories.draft(FUNERAL), 91, warned=15)

    filing.save_answers(draft, "dien_huong", {"dien": "tu_du_80"})

    assert expiry.delete_expired() == 0
    aged(draft, 91)
    assert expiry.delete_expired() == 1


def test_an_old_warning_does_not_count_for_a_later_rest():
    draft = aged(factories.draft(FUNERAL), 200, warned=150)
    aged(draft, 100)

    assert expiry.delete_expired() == 0
    assert expiry.warn_of_expiry() == 1


def test_a_file_uploaded_lately_keeps_the_draft():
    draft = aged(factories.draft(FUNERAL), 91, warned=15)
    draft.attachments.update(uploaded_at=timezone.now())

    assert expiry.warn_of_expiry() == 0
    assert expiry.delete_expired() == 0


def test_a_filed_dossier_never_expires():
    dossier = factories.filed(FUNERAL)
    Dossier.objects.filter(pk=dossier.pk).update(
        updated_at=timezone.now() - datetime.timedelta(days=4000)
    )

    assert expiry.warn_of_expiry() == 0
    assert expiry.delete_expired() == 0


def test_a_run_does_a_bounded_share_of_the_work(monkeypatch):
    monkeypatch.setattr(expiry, "AT_ONCE", 1)
    for _time in range(2):
        aged(factories.draft(FUNERAL), 77)

    assert [expiry.warn_of_expiry() for _time in range(3)] == [1, 1, 0]


def test_the_page_of_a_draft_says_when_it_ends(client):
    draft = aged(factories.draft(FUNERAL), 10)
    client.force_login(draft.owner)

    html = client.get(draft.get_absolute_url()).content.decode()

    day = timezone.localtime(timezone.now() + datetime.timedelta(days=80))
    assert f"{day:%d/%m/%Y}" in html
