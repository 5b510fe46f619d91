"""Pages for everybody: what a code tells, what a code with its secret tells, what a paper is."""

from __future__ import annotations

import datetime
import re
from urllib.parse import urlsplit

import pytest
import time_machine
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dossiers import papers, throttling, tracking, workflow
from dossiers.models import Paper, Result
from dossiers.views import public
from tests import factories
from tests.dossiers.refusals import refused
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


def test_the_code_with_its_secret_shows_everything(client, dossier):
    html = ask(
        client,
        f" {dossier.code.lower()} ".replace("-", "–"),
        f"{dossier.secret[:4]} {dossier.secret[4:].lower()}",
    ).content.decode()

    assert "Đã nộp hồ sơ" in html
    assert "chưa được tiếp nhận" in html
    assert dossier.revision.short_name in html
    assert dossier.notices.get().subject in html
    assert "Xác nhận nộp hồ sơ trực tuyến" in html
    assert "Trần Văn Cụ" not in html  # what was declared stays behind the login


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


# --- The signed link ------------------------------------------------------------------


def link(dossier) -> str:
    return urlsplit(tracking.signed_url(dossier)).path


def test_the_signed_link_shows_everything_and_is_kept_out_of_sight(client, dossier):
    response = client.get(link(dossier))

    assert dossier.revision.short_name in response.content.decode()
    assert "Đã nộp hồ sơ" in response.content.decode()
    assert response["X-Robots-Tag"] == "noindex, nofollow"
    assert response["Referrer-Policy"] == "strict-origin"  # the origin alone, never the path
    assert "no-store" in response["Cache-Control"]
    assert dossier.code not in link(dossier)
    assert dossier.secret not in link(dossier)


def test_a_made_up_link_shows_nothing(client, dossier):
    other = factories.filed(FUNERAL)
    draft = factories.draft(FUNERAL)
    _key, _dot, signature = link(dossier).strip("/").split("/")[-1].partition(".")
    made_up = [
        f"/tra-cuu/{other.key}.{signature}/",
        f"/tra-cuu/{'a' * 22}.{signature}/",
        link(dossier)[:-2] + ("A" if link(dossier)[-2] != "A" else "B") + "/",
        link(draft),
        "/tra-cuu/x/",
        "/tra-cuu/%00/",
    ]

    answers = [client.get(address) for address in made_up]

    assert {answer.status_code for answer in answers} == {404}
    assert len({re.sub(r'value="[^"]*"', "", a.content.decode()) for a in answers}) == 1
    assert dossier.code not in answers[0].content.decode()


def test_an_unknown_key_costs_as_many_queries_as_a_wrong_signature(client, dossier):
    client.get("/tra-cuu/x/")
    counted = []
    for key in (dossier.key, "a" * 22):
        with CaptureQueriesContext(connection) as queries:
            client.get(f"/tra-cuu/{key}.{'b' * 43}/")
        counted.append(len(queries))

    assert counted[0] == counted[1]


def test_links_are_tried_ten_times_a_minute(client, dossier):
    answers = [client.get("/tra-cuu/x/").status_code for _time in range(10)]

    assert answers == [404] * 10
    assert client.get(link(dossier)).status_code == 429


def test_a_notice_that_was_shown_counts_as_delivered(client, dossier, _fresh_minute):
    client.head(link(dossier))
    before = dossier.notices.get().read_at
    ask(client, dossier.code)
    by_code_alone = dossier.notices.get().read_at

    client.get(link(dossier))
    first = dossier.notices.get().read_at
    _fresh_minute.shift(3600)
    client.get(link(dossier))

    assert before is by_code_alone is None
    assert first == dossier.notices.get().read_at


def test_a_supplement_request_is_read_without_an_account(client, dossier):
    workflow.perform(
        dossier, "request_supplement", by=factories.Office().reception, reason="Chưa khớp",
        fields=["nguoi_mat.ngay_mat"], notes={"nguoi_mat.ngay_mat": "Giấy ghi ngày 09"},
    )  # fmt: skip

    html = client.get(link(dossier)).content.decode()

    assert "Người đã mất – Ngày mất" in html
    assert "Giấy ghi ngày 09" in html
    assert "mang giấy tờ và thẻ căn cước đến quầy" in html


def test_the_draft_that_silence_agrees_to_is_read_without_an_account(client):
    office = factories.Office()
    dossier = office.processing(factories.filed(factories.BIRTH))
    workflow.perform(dossier, "send_draft", by=office.officer, draft="Họ tên: KHÔI\nGiới tính: Nam")

    html = client.get(link(dossier)).content.decode()

    assert "Họ tên: KHÔI" in html
    assert "coi như ông/bà đồng ý" in html


def test_a_request_that_a_withdrawal_left_open_is_asked_no_more(client, dossier):
    waiting = workflow.perform(
        dossier, "request_supplement", by=factories.Office().reception, reason="Mờ", items="Ảnh rõ"
    )
    workflow.perform(waiting, "withdraw", by=dossier.owner)

    assert "<h2>Cơ quan yêu cầu bổ sung</h2>" not in client.get(link(dossier)).content.decode()


# --- Papers and results without an account --------------------------------------------


def fetch(client, address: str) -> int:
    """The status of a download, read to its end so that its file is closed."""
    response = client.get(address)
    b"".join(response)
    return response.status_code


def with_file(dossier) -> str:
    """The address of a paper that was printed."""
    paper = dossier.papers.get(kind=Paper.Kind.FILING)
    paper.file.save("giay.pdf", ContentFile(b"%PDF-"))
    return reverse("dossiers:paper", args=[paper.token])


def test_papers_open_for_half_an_hour_to_whoever_showed_the_secret(client, dossier, _fresh_minute):
    address = with_file(dossier)
    before = fetch(client, address)
    ask(client, dossier.code, dossier.secret)

    shown = fetch(client, address)
    elsewhere = fetch(Client(), address)
    _fresh_minute.shift(29 * 60)
    still = fetch(client, address)
    _fresh_minute.shift(61)
    later = fetch(client, address)

    assert (before, shown, elsewhere, still, later) == (302, 200, 302, 200, 302)


def test_the_secret_of_one_dossier_opens_no_other_and_no_attachment(client, dossier):
    other = factories.filed(FUNERAL)
    ask(client, dossier.code, dossier.secret)

    assert fetch(client, with_file(other)) == 404
    attachment = reverse("dossiers:attachment", args=[dossier.attachments.get().key])
    assert fetch(client, attachment) == 302


def test_the_code_alone_opens_no_paper(client, dossier):
    address = with_file(dossier)
    ask(client, dossier.code)

    assert fetch(client, address) == 302


def test_a_result_is_opened_by_the_secret_once_it_was_given(client, dossier):
    result = Result.objects.create(dossier=dossier, title="Quyết định")
    result.file.save("qd.pdf", ContentFile(b"%PDF-"))
    address = reverse("dossiers:result", args=[result.token])
    client.get(link(dossier))

    before = fetch(client, address)
    type(dossier).objects.filter(pk=dossier.pk).update(state="returned")
    page = client.get(link(dossier)).content.decode()

    assert before == 404
    assert address in page
    assert fetch(client, address) == 200


# --- Guessing -------------------------------------------------------------------------


@pytest.fixture
def _three_a_day(monkeypatch):
    monkeypatch.setattr(public, "WRONG_SECRETS_A_DAY", 3)


def guess(client, code: str, number: int, secret: str = "AAAAAAAA"):  # noqa: S107 - a wrong one
    """One try from an address of its own."""
    address = f"203.0.113.{number}"
    return client.post(TRACK, {"code": code, "secret": secret}, REMOTE_ADDR=address)


@pytest.mark.usefixtures("_three_a_day")
def test_after_enough_wrong_secrets_a_code_listens_to_none_that_day(client, dossier, _fresh_minute):
    unknown = f"{dossier.code[:-4]}9999"
    tries = [guess(client, dossier.code, number).status_code for number in range(3)]
    others = [guess(client, unknown, number).status_code for number in range(3)]

    right = guess(client, dossier.code, 50, dossier.secret)
    locked = guess(client, unknown, 51)
    stage = guess(client, dossier.code, 52, "")
    by_link = client.get(link(dossier))
    _fresh_minute.shift(datetime.timedelta(days=1))

    assert tries == others == [200] * 3
    assert right.status_code == locked.status_code == 429
    assert body(right) == body(locked)
    assert "Mới đăng ký" in stage.content.decode()
    assert by_link.status_code == 200
    assert guess(client, dossier.code, 53, dossier.secret).status_code == 200


@pytest.mark.usefixtures("_three_a_day")
def test_the_right_secret_does_not_wear_a_code_out(client, dossier):
    for number in range(5):
        response = guess(client, dossier.code, number, dossier.secret)

    assert "Đã nộp hồ sơ" in response.content.decode()


# --- A lost secret --------------------------------------------------------------------


def renewed(dossier, office, **details):
    details = {"card_checked": True, "person": str(dossier.owner_id), **details}
    return workflow.perform(dossier, "renew_secret", by=office.reception, **details)


def test_a_lost_secret_is_given_again_and_the_old_one_is_dead_at_once(client, dossier):
    office = factories.Office()
    paper, old = with_file(dossier), link(dossier)
    client.get(old)

    new = renewed(dossier, office)

    event, printed = new.events.get(name="renew_secret"), new.papers.get(kind=Paper.Kind.SECRET)
    assert new.secret != dossier.secret
    assert new.state == dossier.state
    assert client.get(old).status_code == 404
    assert fetch(client, paper) == 404  # what the old one opened is closed
    assert "Không tìm thấy" in ask(client, dossier.code, dossier.secret).content.decode()
    assert "Đã nộp hồ sơ" in ask(client, dossier.code, new.secret).content.decode()
    assert client.get(link(new)).status_code == 200
    assert event.data.keys() <= {"person", "agency"} and event.data["person"] == dossier.owner_id
    assert new.secret not in str(event.data)
    assert printed.facts["secret"] == new.secret
    assert printed.facts["link"] == tracking.signed_url(new)
    assert "cấp lại" in new.notices.get(event=event).subject


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ({"card_checked": False}, "đối chiếu thẻ căn cước"),
        ({"person": ""}, "chỉ người của hồ sơ này"),
        ({"person": "0"}, "chỉ người của hồ sơ này"),
        ({"person": "x"}, "chỉ người của hồ sơ này"),
    ],
)
def test_without_a_card_or_for_somebody_else_nothing_is_given(dossier, details, words):
    with refused(workflow.Refused, words):
        renewed(dossier, factories.Office(), **details)


@pytest.mark.parametrize("state", ["refused", "withdrawn", "stopped", "returned", "completed"])
def test_a_secret_is_given_again_whatever_became_of_the_dossier(dossier, state):
    type(dossier).objects.filter(pk=dossier.pk).update(state=state)

    assert renewed(dossier, factories.Office()).state == state


def test_who_takes_part_may_ask_for_the_secret_and_who_no_longer_does_may_not(dossier):
    office, other = factories.Office(), factories.user()
    part = dossier.participants.create(
        name="An", role="co_applicant", user=other, joined_at=dossier.submitted_at
    )
    renewed(dossier, office, person=str(other.pk))
    part.ended_at = dossier.submitted_at
    part.save()

    with refused(workflow.Refused, "chỉ người của hồ sơ này"):
        renewed(dossier, office, person=str(other.pk))


def test_the_counter_gives_it_on_its_own_page(client, dossier):
    reception = factories.official("reception")
    client.force_login(reception)
    address = reverse("admin:dossiers_dossier_move", args=[dossier.pk, "renew_secret"])

    shown = client.get(address).content.decode()
    without = client.post(address, {"version": dossier.version, "person": dossier.owner_id})
    client.post(
        address, {"version": dossier.version, "person": dossier.owner_id, "card_checked": "on"}
    )

    assert "Trần Thị Bình" in shown
    assert without.status_code == 409
    assert type(dossier).objects.get().secret != dossier.secret


def test_the_printed_paper_carries_the_link(dossier):
    new = renewed(dossier, factories.Office())
    paper = new.papers.get(kind=Paper.Kind.SECRET)

    context = papers.print_context(paper.facts, paper.token)

    assert context["link_qr"].startswith("data:image/svg+xml")
    assert context["link_qr"] != context["qr"]


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
