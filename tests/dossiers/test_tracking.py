"""Pages for everybody: what a code tells, what a code with its secret tells, what a paper is."""

from __future__ import annotations

import re

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dossiers import throttling
from dossiers.models import Paper, Result
from tests import factories
from tests.factories import FUNERAL

pytestmark = pytest.mark.django_db
TRACK = "/tra-cuu/"


@pytest.fixture(autouse=True)
def _fresh_minute():
    cache.clear()
    with time_machine.travel("2026-11-25 09:00+07:00", tick=False) as clock:
        yield clock


@pytest.fixture
def dossier():
    return factories.filed(FUNERAL, owner=factories.user(full_name="Trần Thị Bình"))


def ask(client, code: str, secret: str = "", **headers):
    return client.post(TRACK, {"code": code, "secret": secret}, headers=headers)


def body(response) -> str:
    html = response.content.decode()
    html = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", html)
    return re.sub(r' value="[^"]*"', "", html)


def test_the_code_alone_shows_the_stage_and_the_day_and_nothing_else(client, dossier):
    html = ask(client, dossier.code).content.decode()

    assert "Mới đăng ký" in html
    assert "Cơ quan trả lời trước 09:00 26/11/2026" in html
    assert dossier.receiving_agency.name in html
    for hidden in (
        dossier.revision.short_name,
        "mai táng",
        "Bình",
        "Trần Văn Cụ",
        dossier.secret,
        "Đã nộp hồ sơ<",
        dossier.owner.email,
    ):
        assert hidden not in html


def test_after_acceptance_the_promised_day_is_shown(client, dossier):
    accepted = factories.Office().accepted(dossier)

    html = ask(client, dossier.code).content.decode()

    assert "Được tiếp nhận" in html
    assert accepted.promised_at.astimezone().strftime("%d/%m/%Y") == "30/11/2026"
    assert "30/11/2026" in html
    assert "chưa được tiếp nhận" not in html


def test_the_code_with_its_secret_shows_the_way_so_far(client, dossier):
    html = ask(
        client, f" {dossier.code.lower()} ", f"{dossier.secret[:4]} {dossier.secret[4:].lower()}"
    )

    assert "Đã nộp hồ sơ" in html.content.decode()
    assert "chưa được tiếp nhận" in html.content.decode()
    assert "Trần Văn Cụ" not in html.content.decode()


def test_a_wrong_secret_and_an_unknown_code_look_the_same(client, dossier):
    unknown = f"{dossier.code[:-4]}9999"

    answers = [
        ask(client, dossier.code, "AAAAAAAA"),
        ask(client, dossier.code, "ăâđ"),
        ask(client, unknown, "AAAAAAAA"),
        ask(client, unknown),
    ]

    assert len({body(answer) for answer in answers}) == 1
    assert {answer.status_code for answer in answers} == {200}
    assert "Không tìm thấy hồ sơ" in body(answers[0])
    assert "<title>Lỗi:" in body(answers[0])


def test_a_wrong_secret_costs_as_many_queries_as_an_unknown_code(client, dossier):
    ask(client, f"{dossier.code[:-4]}8888", "AAAAAAAA")
    counted = []
    for code in (dossier.code, f"{dossier.code[:-4]}9999"):
        with CaptureQueriesContext(connection) as queries:
            ask(client, code, "AAAAAAAA")
        counted.append(len(queries))

    assert counted[0] == counted[1]


def test_a_draft_is_found_by_no_code(client):
    factories.draft(FUNERAL)

    assert "Không tìm thấy" in ask(client, "000.00.61.H50-261125-0001").content.decode()


@pytest.mark.parametrize("code", ["", "abc", "1 or 1=1", "000.00.61.H50-261125-0001<b>", "x" * 99])
def test_what_is_no_code_is_said_beside_the_field(client, code):
    response = ask(client, code)

    assert response.status_code == 200
    assert response.context["form"].errors["code"]
    assert "<title>Lỗi:" in response.content.decode()
    assert "<b>" not in response.content.decode()


def test_neither_code_nor_secret_is_taken_from_the_address(client, dossier):
    response = client.get(TRACK, {"code": dossier.code, "secret": dossier.secret})

    assert "Mới đăng ký" not in response.content.decode()
    assert "stage" not in response.context


def test_an_address_asks_ten_times_a_minute(client, dossier, _fresh_minute):
    answers = [ask(client, dossier.code).status_code for _time in range(10)]
    eleventh = ask(client, dossier.code)
    elsewhere = client.post(TRACK, {"code": dossier.code}, REMOTE_ADDR="203.0.113.9")
    _fresh_minute.shift(60)

    assert answers == [200] * 10
    assert eleventh.status_code == 429
    assert "chờ một phút" in eleventh.content.decode()
    assert "Mới đăng ký" not in eleventh.content.decode()
    assert elsewhere.status_code == 200
    assert ask(client, dossier.code).status_code == 200


def test_a_made_up_forwarding_header_does_not_change_the_bucket(client, dossier):
    for number in range(10):
        ask(client, dossier.code, **{"X-Forwarded-For": f"198.51.100.{number}"})

    assert ask(client, dossier.code, **{"X-Forwarded-For": "198.51.100.99"}).status_code == 429


@pytest.mark.parametrize(
    ("hops", "header", "address"),
    [
        (0, "198.51.100.1", "10.0.0.1"),
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        (2, "6.6.6.6, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        (2, "198.51.100.1", "10.0.0.1"),
        (1, "", "10.0.0.1"),
    ],
)
def test_the_address_is_the_hop_that_a_trusted_proxy_wrote(settings, hops, header, address):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = hops
    headers = {"X-Forwarded-For": header} if header else {}

    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", headers=headers)

    assert throttling.client_address(request) == address


# --- Whether a paper is genuine -------------------------------------------------------


def test_a_paper_of_ours_is_genuine_and_names_nobody(client, dossier):
    paper = dossier.papers.get(kind=Paper.Kind.FILING)
    Paper.objects.filter(pk=paper.pk).update(sha256="ab" * 32)

    response = client.get(reverse("dossiers:verify_token", args=[paper.token]))

    html = response.content.decode()
    assert response.status_code == 200
    assert "Giấy này là thật" in html
    assert dossier.code in html
    assert "ab" * 32 in html
    assert "Bình" not in html
    assert dossier.secret not in html


@pytest.mark.parametrize(
    ("fields", "words", "absent"),
    [
        ({"signed_at": "2026-11-25T08:00+07:00"}, "Giấy này là thật", "thu hồi"),
        ({}, "đang chờ ký số", "Giấy này là thật"),
        (
            {"signed_at": "2026-11-25T08:00+07:00", "revoked_at": "2026-11-25T08:30+07:00"},
            "đã bị thu hồi",
            "Giấy này là thật",
        ),
    ],
)
def test_a_result_says_whether_it_still_holds(client, dossier, fields, words, absent):
    result = Result.objects.create(
        dossier=dossier, title="Quyết định", facts={"name": "Trần Thị Bình"}, **fields
    )

    html = client.get(reverse("dossiers:verify_token", args=[result.token])).content.decode()

    assert words in html
    assert absent not in html
    assert "Bình" not in html


@pytest.mark.parametrize("token", ["a" * 22, "x", "a" * 500, "%00", "%F0%9F%98%80"])
def test_an_unknown_token_is_not_ours(client, token):
    response = client.get(f"/xac-thuc/{token}/")

    assert response.status_code == 404
    assert "không phát hành giấy nào" in response.content.decode()


def test_the_code_under_the_qr_leads_to_the_paper(client, dossier):
    token = dossier.papers.first().token

    right = client.get("/xac-thuc/", {"ma": f" {token} "})
    wrong = client.get("/xac-thuc/", {"ma": "<script>"})

    assert right.url == reverse("dossiers:verify_token", args=[token])
    assert "22 ký tự" in wrong.content.decode()
    assert "<script>" not in wrong.content.decode().replace("<script src", "")


def test_checking_is_throttled_too(client):
    answers = [client.get(f"/xac-thuc/{'a' * 22}/").status_code for _time in range(31)]

    assert answers == [404] * 30 + [429]
