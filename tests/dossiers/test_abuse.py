"""What somebody tries who wants more than is theirs: counts, planted text, other people's room."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from dossiers import attachments, intake, participants, throttling, workflow
from dossiers.models import Attachment
from dossiers.workflow import Refused
from tests import factories
from tests.factories import FUNERAL

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _morning():
    cache.clear()
    with time_machine.travel("2026-11-25 09:00+07:00", tick=False) as clock:
        yield clock


# --- What is counted for a day: in a table it would be forgotten after five minutes -------


def test_failures_of_a_day_are_remembered_until_its_end(_morning):
    for _try in range(3):
        throttling.note_failure("track:A")
        _morning.shift(datetime.timedelta(minutes=10))

    assert throttling.failures_today("track:A") == 3


def test_what_was_sent_in_a_day_is_remembered_until_its_end(_morning, settings):
    settings.MAX_UPLOAD_MB_A_DAY = 10
    person = factories.user()
    intake.spend(person, 8 * intake.MB)
    _morning.shift(datetime.timedelta(hours=3))

    with pytest.raises(ValidationError):
        intake.spend(person, 8 * intake.MB)


def test_throwing_drafts_away_does_not_buy_more_letters(monkeypatch):
    monkeypatch.setattr(participants, "MOST_A_DAY", 2)
    an = factories.user()
    for number in range(2):
        draft = factories.draft(FUNERAL, owner=an)
        invite(draft, f"nguoi-la-{number}@example.vn")
        attachments.discard(draft)

    with pytest.raises(Refused):
        invite(factories.draft(FUNERAL, owner=an), "nguoi-la-9@example.vn")


def invite(dossier, contact: str):
    return participants.invite(dossier, role="co_applicant", name="Bình", contact=contact)


# --- Text planted by another site -------------------------------------------------------


@pytest.mark.parametrize("is_logged_in", [True, False])
def test_another_site_plants_no_text_and_begins_no_session(is_logged_in):
    dossier = factories.filed(FUNERAL)
    browser = Client(enforce_csrf_checks=True)
    if is_logged_in:
        browser.force_login(dossier.owner)
    url = reverse("dossiers:messages", args=[dossier.code])

    refused = browser.post(
        url, {"text": "Xin rút hồ sơ"}, headers={"Origin": "https://xau.example"}
    )

    assert refused.status_code == 403
    assert "session" not in refused.cookies
    browser.force_login(dossier.owner)
    assert "Xin rút hồ sơ" not in browser.get(url).content.decode()


# --- Room that others take --------------------------------------------------------------


def test_files_that_wait_for_a_message_take_no_room_of_the_papers(monkeypatch):
    monkeypatch.setattr(attachments, "MAX_FILES", 1)
    dossier = factories.filed(FUNERAL)
    office, wish = factories.Office(), {"reason": "Thiếu giấy", "items": "Nộp thêm giấy"}
    dossier = workflow.perform(dossier, "request_supplement", by=office.reception, **wish)
    other = factories.user()
    attachments.keep(dossier, Attachment.MESSAGE, factories.taken_picture("#111111"), by=other)

    kept = attachments.keep(dossier, Attachment.OTHER, factories.taken_picture(), by=dossier.owner)

    assert kept.pk
