"""“Tôi cần gì?”: a few questions, then what this one person needs, as the wizard would ask it."""

from __future__ import annotations

import datetime
import html
import itertools
import re
from urllib.parse import urlencode

import hypothesis
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import strategies as st

from dossiers import filing
from dossiers.models import Dossier
from procedures import needs
from procedures.fees import fee_lines
from procedures.formspec import conditions
from procedures.formspec.inwords import in_words
from procedures.formspec.spec import Form
from procedures.formspec.webform import prune, put
from procedures.models import Procedure, Revision
from tests import factories

pytestmark = pytest.mark.django_db

BORN = {"be-ngay_sinh": "05/11/2026"}
MARRIED = {"truong_hop-cha_me": "da_ket_hon", "chung_minh-bang": "giay_chung_sinh"}
NOBODY_ELSE = {"nguoi_yeu_cau-quan_he": "me", "ban_sao-can": "no"}
ALL = {**MARRIED, **BORN, **NOBODY_ELSE}


def text_of(response) -> str:
    """What a reader sees: no tags, white space folded."""
    body = re.sub(r"(?s)<(head|script|style).*?</\1>", " ", response.content.decode())
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", body).split()))


def address(procedure: Procedure) -> str:
    return reverse("procedures:needs", args=[procedure.code])


def asked(client, procedure: Procedure, **answers: str):
    """The checklist's page for these answers."""
    return client.get(address(procedure), {"xem": "1", **answers})


def part(page: str, start: str, end: str) -> str:
    return page.split(start, 1)[1].split(end, 1)[0]


# --- Which questions ------------------------------------------------------------------


@pytest.mark.parametrize("code", list(factories.FILES))
def test_at_most_five_questions_are_asked(code):
    revision = factories.procedure(code).current

    assert len(needs.blocks(revision)) <= 5


def test_the_writer_of_a_procedure_says_what_is_asked_first():
    revision = factories.procedure(factories.BIRTH).current

    paths = [path for block in needs.blocks(revision) for path in block.paths]

    assert paths[:2] == ["truong_hop.cha_me", "truong_hop.nuoc_ngoai"]
    assert "be.ngay_sinh" in paths
    assert "be.ho_ten" not in paths


def test_without_that_the_questions_on_which_most_hangs_are_asked(tmp_path):
    asking = re.search(
        r"ask_first: .*\n", (factories.FIXTURES / "procedures/dang-ky-khai-sinh.yaml").read_text()
    )
    procedure = factories.altered_procedure(tmp_path, factories.BIRTH, (asking[0], ""))

    paths = [path for block in needs.blocks(procedure.current) for path in block.paths]

    assert len(paths) <= 5
    assert {"truong_hop.cha_me", "chung_minh.bang"} <= set(paths)


def test_nothing_is_asked_that_tells_who_one_is():
    for code in factories.FILES:
        form = factories.procedure(code).current.form.paths()
        paths = [p for b in needs.blocks(Procedure.objects.get(code=code).current) for p in b.paths]

        types = {form[path].type for path in paths}

        assert not types & {"name", "citizen_number", "phone", "email", "address", "text"}


# --- The pages ------------------------------------------------------------------------


def test_the_questions_come_on_one_page_without_a_login(client):
    procedure = factories.procedure(factories.BIRTH)

    page = client.get(address(procedure))

    assert page.status_code == 200
    assert "Tôi cần gì?" in text_of(page)
    assert "Gia đình có giấy tờ nào" in text_of(page)
    assert page.content.count(b"<h1") == 1
    assert re.findall(r'<form method="get"', page.content.decode())


def test_a_procedure_that_asks_nothing_gives_its_checklist_at_once(client):
    procedure = factories.procedure(factories.SIGNATURE)
    Revision.objects.filter(pk=procedure.current_id)
    assert not needs.blocks(procedure.current)

    page = text_of(client.get(address(procedure)))

    assert "Phiếu chuẩn bị hồ sơ" in page


def test_the_answers_make_the_list_of_papers(client):
    page = text_of(asked(client, factories.procedure(factories.BIRTH), **ALL))

    sure = part(page, "Giấy tờ", "Tiền")
    assert "Giấy chứng sinh" in sure
    assert "Biên bản về việc trẻ bị bỏ rơi" not in page
    assert "Văn bản ủy quyền đi đăng ký khai sinh" not in page
    assert "Tùy trường hợp" not in sure


def test_the_original_that_must_still_be_brought_stands_above_everything(client):
    page = text_of(asked(client, factories.procedure(factories.BIRTH), **ALL))

    head = page.split("Tờ khai đăng ký khai sinh")[0]
    assert "Bản chính vẫn phải mang đến" in head
    assert "Giấy chứng sinh" in head


def test_that_no_original_must_be_brought_is_said_too(client):
    answers = {"dien_huong-dien": "tro_cap_hang_thang"}

    page = text_of(asked(client, factories.procedure(factories.FUNERAL), **answers))

    assert "không phải mang bản chính nào đến" in page


def test_what_was_not_asked_is_no_no(client):
    """A question that was left out leaves its papers open, with the case in words."""
    page = text_of(asked(client, factories.procedure(factories.BIRTH), **BORN))

    sure, maybe = part(page, "Giấy tờ Tờ khai", "Tiền").split("Tùy trường hợp", 1)
    assert "cần khi “Cha mẹ của bé” là “Bé bị bỏ rơi”" in maybe
    assert "Giấy chứng sinh" in maybe
    assert "Giấy chứng sinh" not in sure


def test_a_box_that_was_not_ticked_is_a_no(client):
    page = text_of(asked(client, factories.procedure(factories.BIRTH), **ALL))

    assert "mang thai hộ Không" in page
    assert "Văn bản của cơ sở y tế xác nhận việc mang thai hộ" not in page


def test_an_answer_that_leads_elsewhere_leads_to_the_checklist_there(client, tmp_path):
    birth = factories.procedure(factories.BIRTH)
    other = factories.procedure(factories.COPY)
    moved = factories.altered_procedure(
        tmp_path, factories.BIRTH, ("to: 1.000689", f"to: {other.code}")
    )
    assert moved == birth

    response = asked(client, moved, **{**ALL, "truong_hop-cha_me": "nhan_con"})

    page = text_of(response)
    assert "Trường hợp này làm thủ tục khác" in page
    assert address(other) in response.content.decode()
    assert "Tờ khai đăng ký khai sinh" not in page


def test_a_procedure_that_we_do_not_have_is_named_with_its_code(client):
    page = text_of(
        asked(client, factories.procedure(factories.BIRTH), **{"truong_hop-nuoc_ngoai": "on"})
    )

    assert "2.000528" in page
    assert "chưa có trên cổng này" in page


def test_what_only_the_counter_can_do_is_said(client, tmp_path):
    stop = (
        "stop_online: [{when: dien_huong.dien = khong_nguoi_lo, text: Xã phải gặp trực tiếp}]"
        "\n\nchannels:"
    )
    procedure = factories.altered_procedure(tmp_path, factories.FUNERAL, ("channels:", stop))

    stopped = text_of(asked(client, procedure, **{"dien_huong-dien": "khong_nguoi_lo"}))
    free = text_of(asked(client, procedure, **{"dien_huong-dien": "tro_cap_hang_thang"}))

    assert "Xã phải gặp trực tiếp" in stopped
    assert "Xã phải gặp trực tiếp" not in free


def test_an_original_that_may_be_due_is_told_before_the_answer_decides(client):
    procedure = factories.procedure(factories.BIRTH)

    page = text_of(asked(client, procedure, **{"truong_hop-cha_me": "da_ket_hon"}))

    assert "Có thể vẫn phải mang bản chính đến" in page
    assert "không phải mang bản chính nào đến" not in page


# --- Money ----------------------------------------------------------------------------


def test_the_fee_is_counted_and_summed(client):
    answers = {**ALL, "ban_sao-can": "yes", "ban_sao-so_luong": "3"}

    page = text_of(asked(client, factories.procedure(factories.BIRTH), **answers))

    assert "Tổng cộng: 24.000 đồng" in page


def test_a_fee_whose_number_was_not_told_is_priced_by_the_piece(client):
    page = text_of(asked(client, factories.procedure(factories.COPY)))

    assert "8.000 đồng/bản sao" in page
    assert "Tính theo “Số bản sao”" in page
    assert "Tổng cộng" not in page


def test_an_unknown_amount_is_never_free(client):
    born_long_ago = {**ALL, "be-ngay_sinh": "05/01/2020"}

    page = text_of(asked(client, factories.procedure(factories.BIRTH), **born_long_ago))

    assert "Chưa xác định (tạm tính)" in page
    assert "Không có nghĩa là không thu" in page
    assert "Tổng cộng: 0" not in page


def test_exemptions_are_asked_only_where_a_charge_has_some(client):
    birth = factories.procedure(factories.BIRTH)

    questions = text_of(client.get(address(birth)))
    in_time = text_of(asked(client, birth, **ALL))
    late = text_of(asked(client, birth, **{**ALL, "be-ngay_sinh": "05/01/2020"}))

    assert "Ông/bà thuộc diện nào?" not in questions + in_time
    assert "Ông/bà thuộc diện nào?" in late


def test_an_exemption_is_free_only_once_the_office_has_confirmed_it(client):
    answers = {**ALL, "be-ngay_sinh": "05/01/2020", "dien": "ho_ngheo"}

    page = text_of(asked(client, factories.procedure(factories.BIRTH), **answers))

    assert "Miễn, sau khi cơ quan xác nhận" in page
    assert "Luật Hộ tịch điều 11" in page
    assert "Tổng cộng: 0 đồng , khi được xác nhận miễn" in page
    assert "Chưa xác định (tạm tính)" not in page


def test_a_price_by_tiers_says_how_often_it_is_asked(tmp_path):
    procedure = factories.copy_with_tiers(tmp_path)
    answers = factories.ANSWERS[factories.COPY]

    found = needs.checklist(procedure.current, answers)

    [line] = found.ways[0]["charges"]["lines"]
    assert (line["text"], line["quantity"]) == ("8.000 đồng", "2 × 4.000 đồng")


def test_charges_of_the_national_catalogue_are_cases_and_no_sum():
    revision = factories.procedure(factories.COPY).current
    revision.origin = Revision.Origin.NATIONAL
    fee = revision.fees.get()
    fee.times, fee.is_confirmed = "", False
    revision._prefetched_objects_cache = {
        "fees": [fee, fee],
        "channels": list(revision.channels.all()),
        "documents": [],
    }

    found = needs.checklist(revision, {})

    assert found.charges["are_cases"]
    assert found.charges["total"] == ""
    assert "(tạm tính)" in found.charges["lines"][0]["text"]


# --- Time -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("born", "last"),
    [("2026-11-05", datetime.date(2027, 1, 4)), ("2026-11-04", datetime.date(2027, 1, 4))],
)
def test_the_last_day_in_time_moves_to_a_working_day(born, last):
    """60 days after 4/11/2026 is Sunday 3/1/2027 (Civil Code 2015, article 148)."""
    revision = factories.procedure(factories.BIRTH).current

    found = needs.checklist(revision, {"be": {"ngay_sinh": born}})

    assert found.deadline["day"] == last


def test_a_limit_that_has_passed_is_said_kindly(client):
    late = {**ALL, "be-ngay_sinh": "05/01/2020"}

    page = text_of(asked(client, factories.procedure(factories.BIRTH), **late))

    assert "Hạn này đã qua" in page


# --- Bad input, addresses, queries ----------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("be-ngay_sinh", "31/02/2026", "Không có ngày 31/02/2026 trong lịch"),
        ("be-ngay_sinh", "hôm qua", "Hãy nhập ngày, tháng, năm bằng số"),
        ("truong_hop-cha_me", "<script>", "Hãy chọn một trong các mục đã nêu."),
        ("ban_sao-so_luong", "999", "Số lớn nhất là 20."),
        ("ban_sao-so_luong", "9" * 5000, "chỉ dùng các chữ số"),
        ("dien", "vua", "Hãy chọn một trong các mục đã nêu."),
    ],
)
def test_a_bad_answer_gets_a_sentence_beside_its_question(client, name, value, sentence):
    response = asked(client, factories.procedure(factories.BIRTH), **{**ALL, name: value})

    page = text_of(response)
    assert response.status_code == 200
    assert page.count(sentence) >= 2, "beside the question and in the summary"
    assert "Phiếu chuẩn bị hồ sơ" not in page
    assert b"<script>" not in response.content


def test_what_the_form_does_not_know_is_left_out_of_the_address(client):
    procedure = factories.procedure(factories.BIRTH)

    page = asked(client, procedure, **{**ALL, "utm": "x" * 5000, "q": '"><b>'})

    assert page.status_code == 200
    [edit] = re.findall(r'href="([^"]*sua=1)"', page.content.decode())
    assert "utm" not in edit
    assert "be-ngay_sinh=05%2F11%2F2026" in edit


def test_the_answers_can_be_mended(client):
    procedure = factories.procedure(factories.BIRTH)

    page = client.get(address(procedure), {"xem": "1", "sua": "1", **ALL}).content.decode()

    assert re.search(r'value="da_ket_hon"[^>]*checked', page)
    assert 'value="05/11/2026"' in page


def test_nothing_is_stored(client):
    procedure = factories.procedure(factories.BIRTH)

    with CaptureQueriesContext(connection) as queries:
        response = asked(client, procedure, **ALL)

    writing = [q["sql"] for q in queries if not q["sql"].startswith("SELECT")]
    assert writing == []
    assert not response.cookies or "session" not in response.cookies
    assert len(queries) <= 10


# --- What the wizard would ask --------------------------------------------------------


def dossier_with(revision: Revision, answers: dict) -> Dossier:
    return Dossier(revision=revision, answers=prune(revision.form, answers))


def choices_of(revision: Revision) -> dict[str, list]:
    """Every question on which something hangs, with answers that it could have."""
    paths = revision.form.paths()
    sets = {}
    for path in needs.decisive(revision):
        if path not in paths:
            continue
        spec = paths[path]
        if spec.type in {"choice", "choices"}:
            sets[path] = list(spec.options)
        elif spec.type == "yes_no":
            sets[path] = ["yes", "no"]
        elif spec.type == "date":
            sets[path] = ["2020-01-05", timezone.localdate().isoformat()]
        elif spec.type in {"number", "money"}:
            sets[path] = [1, 3]
    return sets


@pytest.mark.parametrize("code", [factories.BIRTH, factories.MARITAL, factories.COPY])
@hypothesis.settings(
    max_examples=60, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
@hypothesis.given(data=st.data())
def test_the_checklist_says_what_the_wizard_demands(code, data):
    """Sure papers are demanded, demanded ones are sure or open; with all answers it is the same."""
    revision = factories.procedure(code).current
    sets = choices_of(revision)
    chosen = {path: data.draw(st.sampled_from(values), label=path) for path, values in sets.items()}
    full, partial = {}, {}
    for path, value in chosen.items():
        put(full, path, value)
    dossier = dossier_with(revision, full)
    answered = [path for path in chosen if conditions.lookup(dossier.answers, path) is not None]
    told = [path for path in answered if data.draw(st.booleans(), label=f"told {path}")]
    for path in told:
        put(partial, path, chosen[path])
    now = timezone.now()

    found = needs.checklist(revision, needs.without_ruled_out(revision.form, partial), now=now)

    demanded = {row.key for row in filing.required_documents(dossier, now=now)}
    sure, maybe = {row["key"] for row in found.papers}, {row["key"] for row in found.maybe}
    assert sure <= demanded <= sure | maybe
    other = filing.redirection(dossier)
    if found.redirect:
        assert other is not None
    elif other:
        assert found.maybe_redirects
    if filing.stop(dossier):
        assert found.stops or told != answered
    if told == answered:
        assert (demanded, set()) == (sure, maybe)
        assert other == found.redirect
        lines = fee_lines(revision, dossier.answers, channel="online", filed=now)
        [online] = [way for way in found.ways if way["key"] == "online"]
        assert [line["name"] for line in online["charges"]["lines"]] == [x.name for x in lines]


OPEN = Form.model_validate(
    [
        {
            "section": "a",
            "title": "A",
            "fields": [
                {"id": "x", "type": "choice", "label": "X", "options": {"m": "Một", "h": "Hai"}},
                {"id": "y", "type": "yes_no", "label": "Y", "when": "a.x = m"},
                {"id": "n", "type": "number", "label": "Số"},
                {"id": "c", "type": "choices", "label": "C", "options": {"m": "Một", "h": "Hai"}},
                {"id": "d", "type": "date", "label": "Ngày"},
                {"id": "t", "type": "money", "label": "Tiền"},
            ],
        }
    ]
)
ATOMS = ["a.x = m", "a.x != m", "a.y = yes", "a.y != yes", "a.n > 3", "a.n <= 3"]


@st.composite
def expressions(draw, depth: int = 3) -> str:
    if depth == 0 or draw(st.booleans()):
        return draw(st.sampled_from(ATOMS))
    kind = draw(st.sampled_from(["and", "or", "not"]))
    left = draw(expressions(depth=depth - 1))
    if kind == "not":
        return f"not ({left})"
    return f"({left}) {kind} ({draw(expressions(depth=depth - 1))})"


@hypothesis.given(when=expressions(), told=st.sets(st.sampled_from(["x", "y", "n"])))
def test_a_verdict_on_part_of_the_answers_holds_for_every_completion(when, told):
    for x, y, n in itertools.product(["m", "h"], ["yes", "no"], [1, 5]):
        full = prune(OPEN, {"a": {"x": x, "y": y, "n": n}})
        partial = {"a": {key: value for key, value in full["a"].items() if key in told}}

        verdict = conditions.verdict(when, partial, needs.is_open(OPEN, partial))

        assert verdict in (None, conditions.holds(when, full))


# --- Conditions in words --------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ("a.x = m", "“X” là “Một”"),
        ("a.x != m", "“X” không phải là “Một”"),
        ("a.y = yes", "“Y”: có"),
        ("a.y != yes", "“Y”: không"),
        ("a.y = no", "“Y”: không"),
        ("a.n >= 3", "“Số” từ 3 trở lên"),
        ("a.c = h", "“C” là “Hai”"),
        ("a.d < 2026-07-01", "“Ngày” trước ngày 01/07/2026"),
        ("a.t > 5000000", "“Tiền” trên 5.000.000 đồng"),
        ("a.x = m and a.y = yes", "“X” là “Một” và “Y”: có"),
        ("a.x = m or not a.n > 3", "“X” là “Một” hoặc không phải khi “Số” trên 3"),
        ("days_between(a.n, filed) > 60", "quá 60 ngày kể từ “Số”"),
        ("age(a.n) < 18", "chưa đủ 18 tuổi (theo “Số”)"),
        ("", ""),
    ],
)
def test_a_condition_is_said_in_words(when, words):
    assert in_words(when, OPEN) == words


def test_an_answer_sent_hundreds_of_times_is_one_answer(client):
    """The address stands in a QR code, which holds some three thousand letters."""
    birth = factories.procedure(factories.BIRTH)
    answers = [*ALL.items(), *[("truong_hop-cha_me", "da_ket_hon")] * 500]

    response = client.get(f"{address(birth)}?{urlencode([*answers, ('xem', '1')])}")

    assert response.status_code == 200
