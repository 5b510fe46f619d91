"""The files of one paper as one PDF."""

from __future__ import annotations

import datetime
import io

import pikepdf
import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from dossiers import attachments, bundles, due, workflow
from dossiers.models import Bundle, Dossier
from dossiers.tasks import make_bundles
from procedures.models import Posting
from tests import factories
from tests.factories import FUNERAL
from tests.sentfiles import docx, pdf, upload

pytestmark = pytest.mark.django_db
PAPER = "giay_chung_tu"


@pytest.fixture(autouse=True)
def _working_day():
    with time_machine.travel("2026-11-25 09:00+07:00"):
        yield


def filed(*contents: bytes) -> Dossier:
    """A filed dossier with a photo and these files for its paper."""
    draft = factories.draft(FUNERAL)
    for content in contents:
        attachments.store(draft, PAPER, upload(content), by=draft.owner)
    return workflow.perform(draft, "submit", by=draft.owner)


def test_photos_and_pdfs_of_a_paper_become_one_pdf_on_a4(run_tasks):
    dossier = filed(pdf(2), docx())

    run_tasks()

    bundle = dossier.bundles.get()
    with bundle.file.open("rb") as file, pikepdf.open(io.BytesIO(file.read())) as joined:
        assert len(joined.pages) == bundle.pages == 3
        first = joined.pages[0]
        assert [round(float(side)) for side in first.mediabox] == [0, 0, 842, 595]
        photo = first.resources.XObject.Photo.read_raw_bytes()
    with dossier.attachments.first().file.open("rb") as file:
        assert file.read() == photo


def test_a_signed_pdf_stays_apart(run_tasks):
    dossier = filed(factories.signed_pdf().read())

    run_tasks()

    assert dossier.bundles.get().pages == 1
    assert dossier.attachments.count() == 2


def test_what_needs_no_joining_gets_none(run_tasks):
    draft = factories.draft(FUNERAL)
    attachments.remove(draft.attachments.get())
    attachments.store(draft, PAPER, upload(pdf()), by=draft.owner)
    attachments.store(draft, PAPER, upload(docx()), by=draft.owner)
    workflow.perform(draft, "submit", by=draft.owner)

    run_tasks()

    assert not Bundle.objects.exists()


def test_joining_twice_is_joining_once():
    dossier = filed()

    assert bundles.make_missing(dossier) == 1
    assert bundles.make_missing(dossier) == 0
    make_bundles.call(dossier.pk)

    assert dossier.bundles.count() == 1


def test_each_supplement_gets_a_bundle_of_its_own(run_tasks):
    dossier = filed()
    workflow.perform(
        dossier, "request_supplement", by=factories.Office().reception,
        items="Chụp lại", documents=[PAPER], reason="Mờ",
    )  # fmt: skip
    with time_machine.travel("2026-11-25 10:00+07:00"):
        attachments.store(dossier, PAPER, factories.picture("#111111"), by=dossier.owner)
        workflow.perform(dossier, "answer_supplement", by=dossier.owner)

    run_tasks()

    assert dossier.bundles.filter(document=PAPER).count() == 2


def test_a_bundle_that_was_never_made_is_asked_for_again():
    dossier, since = filed(), timezone.now() - datetime.timedelta(days=1)
    later = timezone.now() + datetime.timedelta(hours=1)

    assert list(bundles.missing(since, later)) == [dossier]
    assert not bundles.missing(since, timezone.now() - datetime.timedelta(hours=1)).exists()
    DBTaskResult.objects.all().delete()
    with time_machine.travel("2026-11-26 09:00+07:00"):
        due.ask_again()
        due.ask_again()
    assert DBTaskResult.objects.filter(task_path=make_bundles.module_path).count() == 1
    bundles.make_missing(dossier)
    assert not bundles.missing(since, later).exists()


def test_its_people_and_its_officials_get_a_bundle_and_nobody_else(client):
    dossier = filed()
    bundles.make_missing(dossier)
    url = reverse("dossiers:bundle", args=[dossier.bundles.get().key])
    officer = factories.official(Posting.Role.CASE_OFFICER)

    for person, status in ((dossier.owner, 200), (officer, 200), (factories.user(), 404)):
        client.force_login(person)
        response = client.get(url)
        assert response.status_code == status
        if response.streaming:
            assert b"".join(response.streaming_content).startswith(b"%PDF")

    assert dossier.events.get(name="look").actor == officer
