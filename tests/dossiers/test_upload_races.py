"""The same file from several sides at the same moment: one row, one stored file."""

from __future__ import annotations

import dataclasses
import time
from functools import partial

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from dossiers import attachments, bundles, expiry, wallet, workflow
from dossiers.models import Attachment, Dossier
from tests import factories
from tests.dossiers.test_expiry import aged
from tests.dossiers.test_races import succeeded, together
from tests.sentfiles import pdf, upload

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]
SIDES = 4
GAP = 0.3  # seconds between looking and writing, in which the others arrive


@pytest.fixture
def draft():
    return factories.draft(factories.FUNERAL)


@pytest.fixture
def _slow_rows(monkeypatch):
    """Widen the gap between looking for the same file and writing the row."""
    check_room = attachments._check_room

    def slowly(*args):
        check_room(*args)
        time.sleep(GAP)

    monkeypatch.setattr(attachments, "_check_room", slowly)


def stored(folder: str) -> list[str]:
    month = timezone.localtime().strftime("%Y/%m")
    try:
        return default_storage.listdir(f"{folder}/{month}")[1]
    except FileNotFoundError:
        return []


def send_at_once(draft: Dossier) -> list:
    taken = factories.taken_picture("#123456")
    calls = [
        partial(attachments.keep, draft, "khac", taken_copy(taken), by=draft.owner)
        for _side in range(SIDES)
    ]
    return together(calls)


def taken_copy(taken):
    """Each side has a file of its own to read."""
    taken.content.seek(0)
    return dataclasses.replace(taken, content=ContentFile(taken.content.read()))


@pytest.mark.usefixtures("_slow_rows")
def test_the_same_photo_from_several_tabs_is_one_attachment(draft):
    before = len(stored("attachments"))

    rows = succeeded(send_at_once(draft))

    assert len(rows) == SIDES
    assert len({row.pk for row in rows}) == 1
    assert len(stored("attachments")) == before + 1


@pytest.mark.usefixtures("_slow_rows")
def test_control_without_the_lock_there_would_be_several(draft, monkeypatch):
    monkeypatch.setattr(attachments, "_lock_open", lambda dossier, document: dossier)

    send_at_once(draft)

    assert Attachment.objects.filter(document="khac").count() > 1


@pytest.mark.usefixtures("_slow_rows")
def test_a_draft_that_gets_a_file_at_its_last_moment_is_not_deleted_with_it(draft):
    aged(draft, 91, warned=14)
    taken = factories.taken_picture("#654321")

    def last_moment() -> int:
        time.sleep(GAP / 3)  # the file's row is on its way, and nobody else sees it yet
        return expiry.delete_expired()

    row, deleted = together(
        [partial(attachments.keep, draft, "khac", taken, by=draft.owner), last_moment]
    )

    assert deleted == 0
    assert Attachment.objects.filter(pk=row.pk).exists()


def test_two_workers_join_a_paper_once(draft):
    dossier = workflow.perform(draft, "submit", by=draft.owner)
    before = len(stored("bundles"))

    counts = together([partial(bundles.make_missing, dossier) for _worker in range(2)])

    assert sorted(counts) == [0, 1]
    assert len(stored("bundles")) == before + 1
    assert dossier.bundles.count() == 1


def test_the_same_paper_twice_at_once_is_one_in_the_wallet(draft):
    owner = draft.owner
    calls = [
        partial(wallet.add, owner, upload(pdf(3)), title="Sổ đỏ", expires_on=None)
        for _side in range(2)
    ]

    papers = together(calls)

    assert len({paper.pk for paper in papers}) == 1
    assert owner.kept_papers.count() == 1
