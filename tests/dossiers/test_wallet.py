"""The wallet of papers: given once, used while they are good, and one's own alone."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dossiers import wallet, workflow
from dossiers.models import KeptPaper, Notice
from tests import factories
from tests.factories import FUNERAL
from tests.sentfiles import pdf, upload

pytestmark = pytest.mark.django_db
PAPER, WALLET = "giay_chung_tu", "/ho-so/vi-giay-to/"


@pytest.fixture(autouse=True)
def _working_day():
    with time_machine.travel("2026-11-25 09:00+07:00"):
        yield


@pytest.fixture
def an():
    return factories.user()


@pytest.fixture
def citizen(client, an):
    client.force_login(an)
    return client


def kept(owner, title: str = "Sổ đỏ", expires_on=None, pages: int = 1) -> KeptPaper:
    return wallet.add(owner, upload(pdf(pages)), title=title, expires_on=expires_on)


def test_a_paper_is_added_shown_downloaded_and_taken_out(citizen, an):
    data = {"title": " Sổ   đỏ ", "expires_on": "31/12/2030", "file": upload(pdf())}

    assert citizen.post(WALLET, data).status_code == 302
    paper = an.kept_papers.get()
    html = citizen.get(WALLET).content.decode()
    download = citizen.get(reverse("dossiers:kept_paper", args=[paper.key]))

    assert (paper.title, paper.expires_on) == ("Sổ đỏ", datetime.date(2030, 12, 31))
    assert "Sổ đỏ" in html
    assert "31/12/2030" in html
    assert b"".join(download.streaming_content).startswith(b"%PDF")
    assert download["Content-Disposition"].startswith("attachment")
    for _time in range(2):
        assert citizen.post(reverse("dossiers:forget_paper", args=[paper.key])).status_code == 302
    assert not an.kept_papers.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"title": " "}, "Hãy ghi tên giấy tờ"),
        ({"expires_on": "30/02/2030"}, "Hãy ghi ngày có thật"),
        ({"expires_on": "24/11/2026"}, "đã hết hạn"),
        ({"file": upload(b"MZ" + b"\0" * 99)}, "Chỉ nhận ảnh"),
        ({"file": upload(b"")}, "Tệp trống"),
    ],
)
def test_a_bad_paper_is_refused_in_words(citizen, an, change, words):
    data = {"title": "Sổ đỏ", "expires_on": "", "file": upload(pdf()), **change}

    assert words in citizen.post(WALLET, data).content.decode()
    assert not an.kept_papers.exists()


def test_the_same_file_again_is_the_same_paper(an):
    first = kept(an)

    second = kept(an, title="Giấy chứng nhận")

    assert first == second
    assert an.kept_papers.get().title == "Giấy chứng nhận"


def test_a_wallet_has_an_end(an, monkeypatch):
    monkeypatch.setattr(wallet, "MAX_PAPERS", 1)
    kept(an)

    with pytest.raises(ValidationError, match="tối đa 1 giấy"):
        kept(an, pages=2)


def test_an_attached_file_is_kept_under_the_name_of_its_paper(citizen, an):
    file = factories.draft(FUNERAL, owner=an).attachments.get()
    url = reverse("dossiers:keep_paper", args=[file.key])

    page = citizen.get(url).content.decode()
    kept_it = citizen.post(url, {"title": "Giấy chứng tử", "expires_on": ""})

    paper = an.kept_papers.get()
    assert kept_it.url == reverse("dossiers:documents", args=[file.dossier.key])
    assert "chứng tử" in page
    assert paper.sha256 == file.sha256
    assert paper.file.name != file.file.name


def test_a_kept_paper_is_copied_into_a_draft_and_filed_without_the_wallet(citizen, an):
    draft, paper = factories.draft(FUNERAL, owner=an), kept(an)
    draft.attachments.all().delete()
    data = {"document": PAPER, f"kept-{PAPER}": paper.key}

    url = reverse("dossiers:use_paper", args=[draft.key])
    for _time in range(2):
        assert citizen.post(url, data).status_code == 302
    wallet.forget(paper)
    dossier = workflow.perform(draft, "submit", by=an)

    copy = dossier.attachments.get()
    assert copy.sha256 == paper.sha256
    with copy.file.open("rb") as file:
        assert file.read() == pdf()


def test_an_expired_paper_is_shown_as_such_and_not_used(citizen, an):
    draft, paper = factories.draft(FUNERAL, owner=an), kept(an, expires_on="2026-11-24")
    data = {"document": PAPER, f"kept-{PAPER}": paper.key}

    response = citizen.post(reverse("dossiers:use_paper", args=[draft.key]), data, follow=True)

    assert "đã hết hạn ngày 24/11/2026" in response.content.decode()
    assert "Đã hết hạn ngày 24/11/2026" in citizen.get(WALLET).content.decode()
    assert draft.attachments.count() == 1


def test_other_peoples_papers_and_drafts_are_not_found(citizen, an):
    other = factories.draft(FUNERAL)
    paper, mine = kept(other.owner), kept(an)
    own = factories.draft(FUNERAL, owner=an)
    file = other.attachments.get()

    assert citizen.get(reverse("dossiers:kept_paper", args=[paper.key])).status_code == 404
    assert citizen.get(reverse("dossiers:keep_paper", args=[file.key])).status_code == 404
    citizen.post(reverse("dossiers:forget_paper", args=[paper.key]))
    for draft, one in ((own, paper), (other, mine)):
        url = reverse("dossiers:use_paper", args=[draft.key])
        data = {"document": PAPER, f"kept-{PAPER}": one.key}
        assert citizen.post(url, data).status_code == 404
    assert KeptPaper.objects.filter(pk=paper.pk).exists()


def test_the_owner_is_told_once_a_month_before_a_paper_expires(an):
    kept(an, expires_on="2026-12-25")
    kept(an, title="Sổ khác", expires_on="2026-12-26", pages=2)

    assert wallet.warn_of_expiry() == 1
    assert wallet.warn_of_expiry() == 0

    notice = Notice.objects.get(recipient=an, kind="paper_expiry")
    assert "25/12/2026" in notice.subject
    assert notice.path == WALLET


def test_a_kept_paper_answers_a_supplement(citizen, an):
    dossier, paper = factories.filed(FUNERAL, owner=an), kept(an)
    workflow.perform(
        dossier, "request_supplement", by=factories.Office().reception,
        items="Chụp lại", documents=[PAPER], reason="Mờ",
    )  # fmt: skip
    page = reverse("dossiers:supplement_paper", args=[dossier.code, PAPER])
    url = reverse("dossiers:use_paper_again", args=[dossier.code])

    shown = citizen.get(page).content.decode()
    response = citizen.post(url, {"document": PAPER, f"kept-{PAPER}": paper.key})

    assert f'formaction="{url}"' in shown
    assert response.headers["Location"] == page
    assert dossier.attachments.get(submitted_at=None).sha256 == paper.sha256


def test_a_full_wallet_costs_no_more_queries_than_one_paper(citizen, an, django_assert_num_queries):
    first, draft = kept(an), factories.draft(FUNERAL, owner=an)
    pages = [WALLET, reverse("dossiers:documents", args=[draft.key])]
    counts = [count_of(citizen, url) for url in pages]
    for number in range(20):
        first.pk, first.key, first.sha256 = None, f"{number:022d}", f"{number:064d}"
        first.save(force_insert=True)

    for url, count in zip(pages, counts, strict=True):
        with django_assert_num_queries(count):
            citizen.get(url)


def count_of(client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        client.get(url)
    return len(captured)
