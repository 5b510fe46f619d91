"""Attaching photos at a phone's size, with the script of the page."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from PIL import Image
from playwright.sync_api import expect

from tests import factories
from tests.sentfiles import page as photo_of_a_page
from tests.sentfiles import pdf, saved

pytestmark = pytest.mark.django_db(transaction=True)
PAPER = "giay_chung_tu"


@pytest.fixture
def draft():
    draft = factories.draft(factories.FUNERAL)
    draft.attachments.all().delete()
    return draft


@pytest.fixture
def papers_page(page, live_server, draft):
    """The page of the papers, opened by the owner of the draft."""
    client = Client()
    client.force_login(draft.owner)
    name = settings.SESSION_COOKIE_NAME
    page.context.add_cookies(
        [{"name": name, "value": client.cookies[name].value, "url": live_server.url}]
    )
    page.goto(live_server.url + reverse("dossiers:documents", args=[draft.key]))
    return page


def choose(page, *files: tuple[str, str, bytes]) -> None:
    page.set_input_files(
        f"#id_{PAPER}",
        [{"name": name, "mimeType": kind, "buffer": content} for name, kind, content in files],
    )


def test_a_photo_is_shrunk_in_the_browser_and_a_bad_file_keeps_no_other_out(papers_page, draft):
    exif = Image.Exif()
    exif[0x0112] = 6
    noisy = Image.blend(
        photo_of_a_page(size=(3200, 2400)), Image.effect_noise((3200, 2400), 60).convert("RGB"), 0.2
    )
    photo = saved(noisy, quality=90, exif=exif)
    sizes = []
    papers_page.on("request", lambda request: sizes.append(len(request.post_data_buffer or b"")))

    choose(
        papers_page,
        ("anh.jpg", "image/jpeg", photo),
        ("hong.pdf", "application/pdf", b"MZ" + b"\0" * 50),
        ("don.pdf", "application/pdf", pdf()),
    )

    field = papers_page.locator("[data-upload-field]").first
    expect(field.locator("[data-upload-kept] .mc-files-name")).to_have_text(["anh.jpg", "don.pdf"])
    expect(field.locator("[data-upload-list] li")).to_contain_text(["Chỉ nhận ảnh"])
    kept = draft.attachments.get(name="anh.jpg")
    with kept.file.open("rb") as file, Image.open(file) as picture:
        assert picture.size == (1800, 2400)
    assert max(sizes) < len(photo) * 0.7
    papers_page.get_by_role("button", name="Bỏ tệp này").click()
    expect(field.locator("[data-upload-list]")).to_be_hidden()


def test_a_broken_upload_is_repeated_without_losing_the_others(papers_page, draft):
    broken = []

    def break_once(route):
        if broken:
            route.continue_()
        else:
            broken.append(route.request.url)
            route.abort()

    papers_page.route("**/tai-len/", break_once)
    choose(
        papers_page,
        ("mot.pdf", "application/pdf", pdf(1)),
        ("hai.pdf", "application/pdf", pdf(2)),
    )

    names = papers_page.locator("[data-upload-kept] .mc-files-name")
    expect(names).to_have_text(["hai.pdf"])
    expect(papers_page.get_by_text("Đường truyền bị ngắt")).to_be_visible()
    papers_page.get_by_role("button", name="Thử lại").click()
    expect(names).to_have_text(["hai.pdf", "mot.pdf"])
    papers_page.get_by_role("button", name="Xóa mot.pdf").click()
    expect(names).to_have_text(["hai.pdf"])
    assert draft.attachments.get().name == "hai.pdf"


def test_going_on_waits_for_what_is_on_its_way(papers_page, draft):
    choose(papers_page, ("mot.pdf", "application/pdf", pdf(1)))

    papers_page.get_by_role("button", name="Tiếp tục").click()

    papers_page.wait_for_url("**/kiem-tra/")
    assert draft.attachments.count() == 1


def test_a_session_that_ended_is_said(papers_page, draft):
    papers_page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)

    choose(papers_page, ("mot.pdf", "application/pdf", pdf(1)))

    expect(papers_page.locator("[data-upload-list]").first).to_contain_text("đăng nhập lại")
    assert not draft.attachments.exists()
