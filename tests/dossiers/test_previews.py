"""What officials see of a file: pictures of its pages, made by the worker."""

from __future__ import annotations

import io

import pikepdf
import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from dossiers import attachments, due, messages, previews, workflow
from dossiers.models import Attachment, Dossier, Event, new_key
from dossiers.opening import pages
from dossiers.tasks import make_previews
from procedures import bounded
from procedures.models import Posting
from tests import factories
from tests.factories import FUNERAL
from tests.sentfiles import docx, pdf, upload

pytestmark = pytest.mark.django_db
PAPER = "giay_chung_tu"


def filed(*contents: bytes) -> Dossier:
    """A filed dossier with a photo and these files for its paper."""
    draft = factories.draft(FUNERAL)
    for content in contents:
        attachments.store(draft, PAPER, upload(content), by=draft.owner)
    return workflow.perform(draft, "submit", by=draft.owner)


def drawn(dossier: Dossier) -> list[tuple[str, int, bool]]:
    """(media type, page, whether there is a picture) of everything drawn of a dossier."""
    rows = [page for file in dossier.attachments.all() for page in file.page_images.all()]
    return [(row.attachment.media_type, row.number, bool(row.image)) for row in rows]


def test_pages_are_drawn_after_filing_and_once(run_tasks):
    dossier = filed(pdf(2), docx())

    run_tasks()
    again = previews.make_missing(dossier)

    assert again == 0
    assert drawn(dossier) == [
        ("image/jpeg", 1, True),
        ("application/pdf", 1, True),
        ("application/pdf", 2, True),
    ]
    page = dossier.attachments.get(media_type="application/pdf").page_images.first()
    with page.image.open("rb") as file, Image.open(file) as picture:
        assert (picture.format, picture.size) == ("JPEG", (page.width, page.height))
    assert page.width == pages.MAX_WIDTH


def test_a_supplement_and_the_files_of_a_message_are_drawn_too(run_tasks):
    reception = factories.official(Posting.Role.RECEPTION)
    dossier = filed()
    workflow.perform(dossier, "request_supplement", by=reception, items="a", reason="b")
    attachments.store(dossier, PAPER, upload(pdf(1)), by=dossier.owner)
    workflow.perform(dossier, "answer_supplement", by=dossier.owner, answer="c")
    attachments.store(dossier, Attachment.MESSAGE, upload(pdf(3)), by=dossier.owner)
    unsent = dossier.attachments.get(submitted_at=None)

    run_tasks()
    before = unsent.page_images.count()
    messages.send(dossier, "Tôi gửi thêm ảnh", by=dossier.owner, form_key=new_key())
    run_tasks()

    assert before == 0
    assert unsent.page_images.count() == 3
    assert len(drawn(dossier)) == 5


def test_a_file_that_cannot_be_drawn_is_not_tried_for_ever():
    dossier = filed(pdf(60))
    file = dossier.attachments.get(media_type="application/pdf")
    # As if pdfium choked on what was let in.
    file.file.storage.delete(file.file.name)
    file.file.save("x.pdf", io.BytesIO(b"%PDF-1.7 broken"), save=True)
    Attachment.objects.filter(pk=file.pk).update(size=file.file.size)

    previews.make_missing(dossier)

    assert file.page_images.count() == previews.MAX_PAGES
    assert not file.page_images.exclude(image="").exists()
    assert previews.make_missing(dossier) == 0


def test_a_page_that_kills_the_process_costs_itself_alone(monkeypatch):
    dossier = filed(pdf(3))
    killer = dossier.attachments.get(media_type="application/pdf")
    real = previews._ask

    def ask(batch, target):
        if any(w.file.pk == killer.pk and w.first <= 2 < w.first + w.count for w in batch):
            return None
        return real(batch, target)

    monkeypatch.setattr(previews, "_ask", ask)
    previews.make_missing(dossier)

    assert drawn(dossier) == [
        ("image/jpeg", 1, True),
        ("application/pdf", 1, True),
        ("application/pdf", 2, False),
        ("application/pdf", 3, True),
    ]


def test_a_huge_page_becomes_a_small_picture():
    def huge(document):
        document.pages[0].mediabox = pikepdf.Array([0, 0, 14400, 14400])

    content = pdf(1, huge)
    source = f'[["pdf", {len(content)}, 1, 1]]\n'.encode() + content

    said = bounded.ask("dossiers.opening.pages", "draw", source)

    [[_place, number, width, height, size]] = said["pages"]
    assert (number, width, height) == (1, pages.MAX_WIDTH, pages.MAX_WIDTH)
    assert size > 0


def test_run_due_asks_again_for_pages_that_are_missing():
    with time_machine.travel("2026-11-25 09:00+07:00"):
        dossier = filed(pdf(2))
    with time_machine.travel("2026-11-26 09:00+07:00"):
        before = [row.pk for row in previews.missing(dossier.created_at, timezone.now())]
        make_previews.call(dossier.pk)
        after = previews.missing(dossier.created_at, timezone.now()).count()

    assert before == [dossier.pk]
    assert after == 0
    assert due.make_previews is make_previews


def page_url(file: Attachment, number: int = 1) -> str:
    return reverse("admin:dossier_page_image", args=[file.key, number])


def test_a_page_is_served_to_its_office_alone_as_a_private_file_and_the_look_is_noted():
    reception = factories.official(Posting.Role.RECEPTION)
    stranger = factories.official(Posting.Role.CASE_OFFICER, factories.OTHER_COMMUNE)
    dossier = filed()
    previews.make_missing(dossier)
    file = dossier.attachments.get()
    client, other, citizen = Client(), Client(), Client()
    client.force_login(reception)
    other.force_login(stranger)
    citizen.force_login(dossier.owner)

    shown = client.get(page_url(file))
    b"".join(client.get(page_url(file)))
    refused = [
        other.get(page_url(file)), client.get(page_url(file, 2)),
        client.get(page_url(file, 99999)), client.post(page_url(file)),
    ]  # fmt: skip

    assert shown.status_code == 200
    assert b"".join(shown)
    assert shown["Content-Type"] == "image/jpeg"
    assert "no-store" in shown["Cache-Control"]
    assert shown["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in shown["Content-Security-Policy"]
    assert "attachment" in shown["Content-Disposition"]
    assert [answer.status_code for answer in refused] == [404, 404, 404, 405]
    assert citizen.get(page_url(file)).status_code in {302, 403}
    looks = Event.objects.filter(dossier=dossier, name="look", data__what=f"file:{file.pk}")
    assert [look.actor for look in looks] == [reception]
