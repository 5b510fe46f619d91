"""Files sent one by one by the script of the page: kept, refused in words, or not found."""

from __future__ import annotations

import os

import pikepdf
import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from dossiers import attachments, intake, workflow
from dossiers.models import Attachment, Dossier
from procedures import bounded
from tests import factories
from tests.factories import FUNERAL
from tests.sentfiles import docx, page, pdf, png_of, saved, upload, zipped

pytestmark = pytest.mark.django_db
PAPER = "giay_chung_tu"


@pytest.fixture(autouse=True)
def _working_day():
    with time_machine.travel("2026-11-25 09:00+07:00"):
        yield


@pytest.fixture
def draft():
    return factories.draft(FUNERAL)


@pytest.fixture
def citizen(client, draft):
    client.force_login(draft.owner)
    return client


def address(dossier: Dossier) -> str:
    return reverse("dossiers:upload", args=[dossier.key])


def send(client, url: str, content: bytes, name: str = "giấy.pdf", document: str = PAPER):
    return client.post(url, {"document": document, "file": upload(content, name)})


def test_a_file_is_kept_and_the_papers_list_comes_back(citizen, draft):
    response = send(citizen, address(draft), pdf(), "../../giấy\u202e báo tử.pdf")

    kept = draft.attachments.get(media_type="application/pdf")
    html = response.json()["html"]
    assert response.status_code == 200
    assert kept.name == "giấy báo tử.pdf"
    assert reverse("dossiers:attachment", args=[kept.key]) in html
    assert f'id="xoa-{kept.key}"' in html


def test_the_same_post_five_times_keeps_one_file(citizen, draft):
    before = draft.attachments.count()
    photo = saved(page(size=(300, 400)))

    answers = [send(citizen, address(draft), photo) for _time in range(5)]

    assert {answer.status_code for answer in answers} == {200}
    assert draft.attachments.count() == before + 1


def test_advice_on_a_photo_is_shown_and_keeps_nothing_out(citizen, draft):
    html = send(citizen, address(draft), saved(page(size=(450, 600)))).json()["html"]

    assert "chữ có thể không đọc được" in html
    assert draft.attachments.filter(flaws=["small"]).exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "Tệp trống"),
        (b"MZ" + b"\0" * 99, "Chỉ nhận ảnh"),
        (pdf(encryption=pikepdf.Encryption(owner="a", user="b")), "mật khẩu"),
        (pdf(1000), "500 trang"),
        (pdf() + zipped(), "tệp nén"),
        (png_of(30_000, 30_000), "40 triệu điểm ảnh"),
        (docx(word__vbaProject=b"x"), "macro"),
    ],
)
def test_a_bad_file_is_refused_in_words_and_nothing_else_changes(citizen, draft, content, words):
    before = list(draft.attachments.values())

    response = send(citizen, address(draft), content)

    assert response.status_code == 422
    assert words in response.json()["error"]
    assert list(draft.attachments.values()) == before


def test_an_oversized_file_is_refused_by_its_size(citizen, draft, settings):
    settings.MAX_UPLOAD_MB = 1

    response = send(citizen, address(draft), pdf() + b"\0" * 1_100_000)

    assert "tối đa 1 MB" in response.json()["error"]


def test_when_too_many_are_being_opened_the_script_may_try_again(
    citizen, draft, settings, monkeypatch
):
    settings.READERS_AT_ONCE = 0
    monkeypatch.setattr(bounded, "_PLACE_SECONDS", 0)

    response = send(citizen, address(draft), pdf())

    assert response.status_code == 503
    assert "thử lại" in response.json()["error"]


def test_a_person_sends_no_more_in_a_day_than_their_share(citizen, draft, settings):
    settings.MAX_UPLOAD_MB_A_DAY = 1
    send(citizen, address(draft), pdf() + b"\n" * 600_000)

    refused = send(citizen, address(draft), pdf(2) + b"\n" * 600_000)
    with time_machine.travel("2026-11-26 09:00+07:00"):
        citizen.force_login(draft.owner)
        tomorrow = send(citizen, address(draft), pdf(2) + b"\n" * 600_000)

    assert "gửi tiếp vào ngày mai" in refused.json()["error"]
    assert tomorrow.status_code == 200


def test_somebody_elses_draft_and_an_unknown_paper_are_not_found(client, draft):
    client.force_login(factories.user())
    assert send(client, address(draft), pdf()).status_code == 404

    client.force_login(draft.owner)
    assert send(client, address(draft), pdf(), document="khong_co").status_code == 404
    assert draft.attachments.count() == 1


def test_without_a_session_the_answer_says_so_instead_of_leading_to_a_page(client, draft):
    response = send(client, address(draft), pdf())

    assert response.status_code == 401
    assert "đăng nhập lại" in response.json()["error"]


def test_without_a_token_nothing_is_taken(draft):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(draft.owner)

    assert send(strict, address(draft), pdf()).status_code == 403
    assert draft.attachments.count() == 1


def test_after_filing_nothing_is_added_any_more(citizen, draft):
    workflow.perform(draft, "submit", by=draft.owner)

    response = send(citizen, address(draft), pdf())

    assert response.status_code == 422
    assert "đã nộp" in response.json()["error"]
    assert draft.attachments.count() == 1


def test_what_the_office_asks_for_is_sent_in_the_same_way(client):
    dossier = factories.filed(FUNERAL)
    workflow.perform(
        dossier, "request_supplement", by=factories.Office().reception,
        items="Chụp lại", documents=[PAPER], reason="Mờ",
    )  # fmt: skip
    url = reverse("dossiers:upload_supplement", args=[dossier.code])
    client.force_login(dossier.owner)

    for document in (PAPER, Attachment.OTHER):
        assert send(client, url, pdf(), document=document).status_code == 200
    client.force_login(factories.user())
    stranger = send(client, url, pdf())

    assert stranger.status_code == 404
    assert dossier.attachments.filter(submitted_at=None).count() == 2


def test_the_page_takes_several_files_without_the_script(citizen, draft):
    url = reverse("dossiers:documents", args=[draft.key])
    files = [upload(pdf(1)), upload(docx()), upload(b"MZ" + b"\0" * 50, "anh-dep.jpg")]

    response = citizen.post(url, {PAPER: files, "add": "1"})

    assert "anh-dep.jpg: Chỉ nhận ảnh" in response.content.decode()
    assert draft.attachments.filter(media_type="application/pdf").count() == 1
    assert draft.attachments.filter(media_type=intake.DOCX).count() == 1


def test_the_limits_stand_beside_the_chooser(citizen, draft):
    html = citizen.get(reverse("dossiers:documents", args=[draft.key])).content.decode()

    assert "Mỗi tệp tối đa 10 MB" in html
    assert f"tối đa {attachments.MAX_FILES} tệp, tổng cộng {attachments.MAX_TOTAL_MB} MB" in html
    assert f'data-upload-url="{address(draft)}"' in html


def test_a_request_beyond_all_bounds_is_refused_before_it_is_stored(citizen, draft, settings):
    settings.MAX_REQUEST_MB = 1
    before = set(os.listdir(settings.FILE_UPLOAD_TEMP_DIR))

    response = send(citizen, address(draft), pdf() + b"\0" * 1_200_000)

    assert response.status_code == 400
    assert set(os.listdir(settings.FILE_UPLOAD_TEMP_DIR)) == before
    assert draft.attachments.count() == 1
