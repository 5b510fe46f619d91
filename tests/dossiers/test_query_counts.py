"""Pages of citizens cost as many queries for thirty rows as for one."""

from __future__ import annotations

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dossiers import ledger
from dossiers.models import Attachment, Dossier, Note, Paper
from tests import factories
from tests.factories import BIRTH, FUNERAL

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _working_day():
    cache.clear()
    with time_machine.travel("2026-11-25 09:00+07:00"):
        yield


@pytest.fixture
def owner(client):
    person = factories.user()
    client.force_login(person)
    return person


def queries(client, url: str, data=None) -> int:
    """How many it takes when everything that is kept in memory is there."""
    send = client.post if data else client.get
    send(url, data or {})
    with CaptureQueriesContext(connection) as captured:
        assert send(url, data or {}).status_code == 200
    return len(captured)


def more_files(dossier: Dossier, count: int = 15) -> None:
    one = dossier.attachments.first()
    for number in range(count):
        one.pk, one.key, one.sha256 = None, f"{number:022d}", f"{number:064d}"
        one.save(force_insert=True)


def more_events(dossier: Dossier, count: int = 30) -> None:
    for number in range(count):
        official = factories.user(full_name=f"Cán bộ {number}")
        note = Note(text=f"Ghi chú {number}")
        ledger.append(dossier, "propose", actor=official, note=note)
    one = dossier.papers.first()
    for number in range(count):
        one.pk, one.token, one.number = None, f"{number:022d}", number + 2
        one.save(force_insert=True)


def test_the_list_of_ones_dossiers(client, owner, django_assert_num_queries):
    factories.filed(FUNERAL, owner=owner)
    before = queries(client, reverse("dossiers:mine"))

    for _time in range(15):
        factories.draft(FUNERAL, owner=owner)
        factories.draft(BIRTH, owner=owner)

    assert queries(client, reverse("dossiers:mine")) == before <= 8


@pytest.mark.parametrize("name", ["detail", "filed"])
def test_following_a_dossier(client, owner, name):
    dossier = factories.filed(FUNERAL, owner=owner)
    url = reverse(f"dossiers:{name}", args=[dossier.code])
    before = queries(client, url)

    more_files(dossier)
    more_events(dossier)

    assert queries(client, url) == before <= 18
    assert Attachment.objects.count() == 16
    assert Paper.objects.count() == 32


def test_tracking_with_the_secret(client):
    dossier = factories.filed(FUNERAL)
    asked = {"code": dossier.code, "secret": dossier.secret}
    before = queries(client, reverse("dossiers:track"), asked)

    more_files(dossier)
    more_events(dossier)

    assert queries(client, reverse("dossiers:track"), asked) == before <= 34


@pytest.mark.parametrize("name", ["draft", "office", "documents", "check"])
def test_the_pages_of_a_draft(client, owner, name):
    draft = factories.draft(BIRTH, owner=owner)
    url = reverse(f"dossiers:{name}", args=[draft.key])
    before = queries(client, url)

    more_files(draft)
    for _time in range(5):
        factories.draft(BIRTH, owner=owner)

    # One of them for what the post asks, on the last page.
    assert queries(client, url) == before <= 17


def test_a_section(client, owner):
    draft = factories.draft(BIRTH, owner=owner)
    few = reverse("dossiers:section", args=[draft.key, "cam_doan"])
    many = reverse("dossiers:section", args=[draft.key, "be"])
    before = queries(client, many)

    more_files(draft)

    # Only a page that asks for an address reads the office, for its communes.
    assert queries(client, few) < queries(client, many) == before <= 8
