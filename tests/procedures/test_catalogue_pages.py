"""The public catalogue: found, read, taken home, whoever asks and however."""

from __future__ import annotations

import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from procedures import presenting
from procedures.loading.saving import publish, save_draft
from procedures.loading.schema import ProcedureSpec
from procedures.models import Agency, Procedure, Revision, Sector
from tests import factories

pytestmark = pytest.mark.django_db


def text_of(response) -> str:
    """What a reader sees: no tags, white space folded."""
    body = re.sub(r"(?s)<(head|script|style).*?</\1>", " ", response.content.decode())
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def copies(number: int, code: str = factories.COPY) -> list[Procedure]:
    """Other procedures, made from the file of one, published under codes of their own."""
    model = factories.procedure(code).current
    spec = ProcedureSpec.model_validate(model.definition)
    made = []
    for index in range(number):
        other = spec.model_copy(
            update={"code": f"9.{index:06d}", "short_name": f"{spec.short_name} {index}"}
        )
        revision = save_draft(other)
        publish(revision, by=None)
        made.append(revision.procedure)
    return made


# --- The list -------------------------------------------------------------------------


def test_the_list_shows_every_procedure_with_its_level(client):
    factories.procedure(factories.FUNERAL)
    factories.procedure(factories.LAND_DISPUTE)

    page = text_of(client.get(reverse("procedures:list")))

    assert "2 thủ tục" in page
    assert "Hỗ trợ chi phí mai táng" in page
    assert "Mức độ 4 (toàn trình)" in page
    assert "Mức độ 2" in page


def test_the_list_without_any_procedure_says_what_to_do(client):
    page = text_of(client.get(reverse("procedures:list")))

    assert "Chưa có thủ tục nào ở đây" in page


def test_a_search_finds_without_accents(client):
    factories.procedure(factories.BIRTH)
    factories.procedure(factories.FUNERAL)

    page = text_of(client.get(reverse("procedures:list"), {"q": "dang ky khai sinh"}))

    assert "cho “dang ky khai sinh”" in page
    assert page.index("Đăng ký khai sinh") < page.index("Khớp tên thủ tục")


@pytest.mark.parametrize("query", ['"', "AND OR (", "<script>alert(1)</script>", "ệ" * 500, "  "])
def test_any_search_is_answered(client, query):
    factories.procedure()

    response = client.get(reverse("procedures:list"), {"q": query})

    assert response.status_code == 200
    assert b"<script>alert" not in response.content


def test_the_list_narrows_to_a_field(client):
    copy = factories.procedure(factories.COPY)
    factories.procedure(factories.FUNERAL)
    sector = copy.current.sector

    page = text_of(client.get(reverse("procedures:list"), {"linh-vuc": sector.slug}))

    assert f"Thủ tục lĩnh vực {sector.name}" in page
    assert "mai táng" not in page.split("Lĩnh vực", 1)[0]


@pytest.mark.parametrize("page", ["0", "99", "x", "-1"])
def test_a_page_that_is_not_there_is_the_nearest_one(client, page):
    factories.procedure()

    assert client.get(reverse("procedures:list"), {"trang": page}).status_code == 200


def test_a_draft_is_nowhere_to_be_seen(client):
    spec = ProcedureSpec.model_validate(factories.procedure().current.definition)
    other = save_draft(spec.model_copy(update={"code": "9.000001", "short_name": "Bản thảo kín"}))

    listed = text_of(client.get(reverse("procedures:list")))
    found = text_of(client.get(reverse("procedures:list"), {"q": "bản thảo kín"}))
    page = client.get(reverse("procedures:by_code", args=[other.procedure.code]))
    form = client.get(reverse("procedures:blank_form", args=[other.procedure.code]))

    assert "1 thủ tục" in listed
    assert "Bản thảo kín" not in listed + found.replace("“Bản thảo kín”", "")
    assert (page.status_code, form.status_code) == (404, 404)


# --- One procedure --------------------------------------------------------------------

ELEVEN = [
    "Tên thủ tục", "Trình tự thực hiện", "Cách thức thực hiện", "Thành phần, số lượng hồ sơ",
    "Thời hạn giải quyết", "Đối tượng thực hiện", "Cơ quan giải quyết", "Kết quả",
    "Mẫu đơn, tờ khai", "Yêu cầu, điều kiện", "Phí, lệ phí", "Hình thức nộp hồ sơ",
    "Hình thức trả kết quả", "Căn cứ pháp lý", "Quyết định công bố",
]  # fmt: skip


@pytest.mark.parametrize("code", list(factories.FILES))
def test_the_page_has_the_eleven_items_of_level_one(client, code):
    """Circular 32/2017/TT-BTTTT, article 5: a) to l)."""
    procedure = factories.procedure(code)
    revision = procedure.current

    page = text_of(client.get(procedure.get_absolute_url()))

    assert [item for item in ELEVEN if item not in page] == []
    facts = [
        revision.name, revision.decision, revision.result["name"], procedure.code,
        *revision.audience, *revision.conditions, *(step["name"] for step in revision.steps),
        *(law.title for law in revision.legal_bases.all()),
        *(document.name for document in revision.documents.all()),
    ]  # fmt: skip
    seen = page.replace("&#x27;", "'").replace("&quot;", '"')
    assert [fact for fact in facts if " ".join(fact.split()) not in seen] == []


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (factories.FUNERAL, "Mức độ 4 (toàn trình)"),
        (factories.MARITAL, "Mức độ 3 (một phần)"),
        (factories.LAND_DISPUTE, "Mức độ 2"),
        (factories.SIGNATURE, "Mức độ 1"),
    ],
)
def test_the_level_is_said_in_both_words(client, code, words):
    page = text_of(client.get(factories.procedure(code).get_absolute_url()))

    assert words in page


def test_the_button_to_file_is_there_from_level_three_on(client):
    online = factories.procedure(factories.FUNERAL)
    counter = factories.procedure(factories.SIGNATURE)

    pages = [client.get(row.get_absolute_url()).content.decode() for row in (online, counter)]

    assert reverse("dossiers:start", args=[online.code]) in pages[0]
    assert reverse("dossiers:start", args=[counter.code]) not in pages[1]
    assert "Thủ tục này chưa nhận hồ sơ trực tuyến" in pages[1]


@pytest.mark.parametrize(
    ("way", "reason", "is_sent_there"),
    [
        ("direct", "Thủ tục này chưa nhận hồ sơ trực tuyến; mời ông/bà nộp tại cơ quan", False),
        ("online", "Cổng này chưa nhận hồ sơ trực tuyến của thủ tục này", True),
    ],
)
def test_nobody_is_sent_to_the_national_portal_for_what_it_does_not_take(
    client, tmp_path, way, reason, is_sent_there
):
    row = "{type: direct, time: same_day, cut_off: 15:00, clock_starts: acceptance}"
    procedure = factories.altered_procedure(
        tmp_path,
        factories.SIGNATURE,
        ("filing_place: portal", "filing_place: national_portal"),
        (row, f"{row}\n  - {row.replace('direct', way)}" if is_sent_there else row),
    )
    checklist = reverse("procedures:needs", args=[procedure.code])

    for address in (procedure.get_absolute_url(), f"{checklist}?xem=1"):
        page = client.get(address).content.decode()
        assert reason in page
        assert ("Nơi nộp chính thức" in page) is is_sent_there


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Hộ chiếu còn thời hạn,.", "Hộ chiếu còn thời hạn"),
        ("Giấy đăng ký xe; ;", "Giấy đăng ký xe"),
        ("Hồ sơ gồm:", "Hồ sơ gồm:"),
        ("Bản vẽ, ảnh chụp...", "Bản vẽ, ảnh chụp..."),
    ],
)
def test_a_paper_has_not_the_mark_that_ended_it_in_a_list(name, shown):
    assert presenting.paper_name(name) == shown


def test_an_old_slug_leads_to_todays_for_ever(client):
    procedure = factories.procedure()

    response = client.get(reverse("procedures:detail", args=[procedure.code, "ten-cu"]))

    assert response.status_code == 301
    assert response.headers["Location"] == procedure.get_absolute_url()


def test_the_code_alone_leads_to_the_page(client):
    procedure = factories.procedure()

    response = client.get(reverse("procedures:by_code", args=[procedure.code]))

    assert response.headers["Location"] == procedure.get_absolute_url()


@pytest.mark.parametrize(
    "address",
    [
        "/thu-tuc/9.999999/",
        "/thu-tuc/9.999999/ten/",
        "/thu-tuc/9.999999/bieu-mau/to-khai.pdf",
        "/thu-tuc/abc/",
        "/su-kien/khong-co/",
        "/co-quan/000.99.99.H99/",
    ],
)
def test_what_is_not_there_is_not_found_in_vietnamese(client, address):
    response = client.get(address)

    assert response.status_code == 404
    assert "Không tìm thấy trang này" in text_of(response)


# --- A wall of text -------------------------------------------------------------------

WALL = "Cơ quan tiếp nhận kiểm tra hồ sơ rồi chuyển cho đơn vị chuyên môn thẩm định. " * 8


def national(**keys) -> Procedure:
    """A procedure as the national catalogue tells it: prose, cases, unchecked amounts."""
    factories.offices()
    definition = {
        "code": "1.999001",
        "name": "Cấp giấy phép của bộ </script><b>",
        "short_name": "Cấp giấy phép của bộ </script><b>",
        "field": "Hộ tịch",
        "audience": ["Doanh nghiệp Việt Nam"],
        "conditions": ["Không"],
        "decision": "1/QĐ-BTP",
        "service_level": 1,
        "filing_place": "national_portal",
        "office": {"tier": "ministry", "handled_by": "Cục Quản lý", "authority": "Bộ trưởng"},
        "channels": [
            {"type": "direct", "time": "30 days", "case": "Cấp mới"},
            {"type": "direct", "time": "10 days", "case": "Cấp lại"},
            {"type": "postal", "time": "text", "note": "Theo giấy hẹn"},
        ],
        "fees": [
            {"id": "f1", "name": "Phí, lệ phí", "amount": 0, "pay": "at_filing", "source": "QĐ",
             "note": "Theo biểu giá của bộ"},
        ],
        "documents": [
            {"id": "d1", "name": "Đơn đề nghị", "group": "Cấp mới", "how": "submit",
             "originals": 1, "copies": 2},
            {"id": "d2", "name": "Bản sao nộp phải còn giá trị", "group": "Cấp mới",
             "how": "remark"},
            {"id": "d3", "name": "Giấy phép cũ", "group": "Cấp lại", "how": "submit",
             "originals": 1},
        ],
        "steps_text": "\n".join([WALL] * 6) + "\n- Bước cuối cùng: nhận giấy phép",
        "result": {"name": "Giấy phép"},
        "legal_basis": [{"number": "1/2024/QH15", "title": "Luật mẫu"}],
        **keys,
    }  # fmt: skip
    revision = save_draft(ProcedureSpec.model_validate(definition))
    revision.origin = Revision.Origin.NATIONAL
    revision.save()
    publish(revision, by=None)
    return Procedure.objects.get(code=definition["code"])


def test_nothing_of_a_wall_of_text_is_lost(client):
    procedure = national()

    page = text_of(client.get(procedure.get_absolute_url()))

    facts = [
        "Cấp mới", "Cấp lại", "30 ngày", "10 ngày", "Theo giấy hẹn", "Đơn đề nghị",
        "Bản chính: 1", "Bản sao: 2", "Bản sao nộp phải còn giá trị", "Giấy phép cũ",
        "Bước cuối cùng: nhận giấy phép", "Cục Quản lý", "Bộ trưởng", "1/2024/QH15",
        "Không có yêu cầu riêng", "Theo biểu giá của bộ",
    ]  # fmt: skip
    assert [fact for fact in facts if fact not in page] == []
    assert page.count(" ".join(WALL.split())) == 6


def test_a_long_text_is_folded_and_can_be_unfolded_for_reading(client):
    procedure = national()
    address = procedure.get_absolute_url()

    folded = client.get(address).content.decode()
    unfolded = client.get(address, {"day-du": ""}).content.decode()

    assert re.search(r'<details class="mc-details">\s*<summary>Đọc đầy đủ trình tự', folded)
    assert "<details>" not in unfolded
    assert not re.search(r'<details class="mc-details">', unfolded)
    assert f'href="{address}?day-du"' in folded


def test_a_short_page_has_nothing_to_unfold(client):
    page = client.get(factories.procedure(factories.COPY).get_absolute_url()).content.decode()

    assert "?day-du" not in page


def test_an_unchecked_nought_is_not_free(client):
    page = text_of(client.get(national().get_absolute_url()))

    assert "Chưa xác định (tạm tính)" in page
    assert "Không thu" not in page
    assert "0 đồng" not in page


def test_no_fee_in_the_national_catalogue_is_not_free_either(client):
    page = text_of(client.get(national(fees=[]).get_absolute_url()))

    assert "Danh mục quốc gia không ghi khoản thu nào" in page
    assert "Không thu" not in page


def test_a_time_of_nought_is_told_in_words(client):
    channels = [{"type": "direct", "time": "0 working_days"}]

    page = text_of(client.get(national(channels=channels).get_absolute_url()))

    assert "0 ngày" not in page
    assert "Theo nội dung ghi ở trình tự thực hiện" in page


def test_an_office_elsewhere_is_named_and_ours_says_that_it_does_not_receive(client):
    page = text_of(client.get(national().get_absolute_url()))

    assert "Cơ quan thực hiện Cục Quản lý" in page
    assert "Cổng này không nhận hồ sơ của thủ tục này" in page


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("", []),
        ("Một dòng", [{"text": "Một dòng"}]),
        ("Gồm:\n- một;\n- hai.\nHết", [
            {"text": "Gồm:"}, {"lines": ["một;", "hai."]}, {"text": "Hết"},
        ]),
        ("Gồm: - một; - hai.", [{"text": "Gồm:"}, {"lines": ["một;", "hai."]}]),
        ("Giá 5 - 10 triệu", [{"text": "Giá 5 - 10 triệu"}]),
        ("  \n -  \n", [{"text": "-"}]),
    ],
)  # fmt: skip
def test_lines_become_paragraphs_and_lists(text, blocks):
    assert presenting.prose(text) == blocks


def test_long_names_that_begin_alike_are_shortened():
    begin = "Trường hợp tổ chức, cá nhân đề nghị cấp lại giấy phép do"
    groups = [{"name": f"{begin} {case}"} for case in ("bị mất", "bị hỏng")] + [{"name": ""}]

    presenting.shorten_names(groups)

    assert [group["short"] for group in groups] == ["… mất", "… hỏng", ""]


# --- For machines ---------------------------------------------------------------------


def structured(client, procedure: Procedure) -> dict:
    page = client.get(procedure.get_absolute_url()).content.decode()
    [block] = re.findall(r'(?s)<script type="application/ld\+json">(.*?)</script>', page)
    return json.loads(block)


def test_a_procedure_is_a_government_service(client):
    procedure = factories.procedure(factories.BIRTH)

    data = structured(client, procedure)

    assert data["@type"] == "GovernmentService"
    assert data["identifier"] == procedure.code
    assert data["name"] == procedure.current.short_name
    assert data["url"].endswith(procedure.get_absolute_url())
    assert {"@type": "Audience", "audienceType": "Công dân Việt Nam"} in data["audience"]
    assert data["provider"][0]["@type"] == "GovernmentOrganization"
    assert len(data["availableChannel"]) == 3


def test_a_text_cannot_leave_the_block_of_data(client):
    procedure = national()

    data = structured(client, procedure)

    assert data["name"] == "Cấp giấy phép của bộ </script><b>"


def test_the_page_names_its_one_address(client):
    procedure = factories.procedure()

    page = client.get(procedure.get_absolute_url(), {"day-du": ""}).content.decode()

    assert (
        f'<link rel="canonical" href="http://localhost:8000{procedure.get_absolute_url()}">' in page
    )


def test_an_office_can_be_found_on_a_map(client):
    procedure = factories.procedure()
    Agency.objects.filter(code=factories.COMMUNE).update(map_url="https://map.example/gio-linh")

    page = client.get(procedure.get_absolute_url()).content.decode()

    assert 'href="https://map.example/gio-linh" rel="noopener noreferrer"' in page
    assert "https://www.openstreetmap.org/search?query=" in page


# --- Its form -------------------------------------------------------------------------


def test_level_one_has_no_form_to_take_home(client):
    procedure = factories.procedure(factories.SIGNATURE)
    address = reverse("procedures:blank_form", args=[procedure.code])

    assert client.get(address).status_code == 404
    assert address not in client.get(procedure.get_absolute_url()).content.decode()


# --- Life events and offices ----------------------------------------------------------


def test_a_life_event_gathers_its_procedures(client):
    funeral = factories.procedure(factories.FUNERAL)
    factories.procedure(factories.LAND_DISPUTE)
    event = funeral.current.life_events.first()

    page = text_of(client.get(event.get_absolute_url()))

    assert event.name in page
    assert "Hỗ trợ chi phí mai táng" in page
    assert "Hòa giải tranh chấp" not in page


def test_an_office_says_where_it_is_and_when_it_is_open(client):
    factories.procedure()
    office = Agency.objects.get(code=factories.COMMUNE)

    page = text_of(client.get(office.get_absolute_url()))

    assert [v for v in (office.name, office.address, office.hours_text) if v not in page] == []


def test_an_office_that_was_abolished_has_no_page(client):
    factories.offices()
    office = Agency.objects.get(code=factories.COMMUNE)
    Agency.objects.filter(pk=office.pk).update(is_active=False)

    assert client.get(office.get_absolute_url()).status_code == 404


# --- Every page -----------------------------------------------------------------------


def addresses() -> dict[str, str]:
    procedure = factories.procedure(factories.COPY)
    return {
        "list": reverse("procedures:list"),
        "search": reverse("procedures:list") + "?q=trich+luc",
        "field": f"{reverse('procedures:list')}?linh-vuc={Sector.objects.first().slug}",
        "detail": procedure.get_absolute_url(),
        "questions": reverse("procedures:needs", args=[procedure.code]),
        "checklist": reverse("procedures:needs", args=[procedure.code]) + "?xem=1",
        "changes": reverse("procedures:changes", args=[procedure.code]),
        "life event": procedure.current.life_events.first().get_absolute_url(),
        "office": Agency.objects.get(code=factories.COMMUNE).get_absolute_url(),
        "home": reverse("home"),
    }


PAGES = [
    "list", "search", "field", "detail", "questions", "checklist", "changes", "life event",
    "office",
]  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_a_page_needs_no_script_and_no_form_needs_one(client, name):
    page = client.get(addresses()[name]).content.decode()

    assert not re.findall(r"<script(?![^>]*\s(src=|type=.application/ld\+json))", page)
    assert all('action="' in form for form in re.findall(r"<form[^>]*>", page))
    assert "javascript:" not in page


@pytest.mark.parametrize("name", [*PAGES, "home"])
def test_a_page_asks_as_often_with_fifty_procedures_as_with_one(client, name):
    address = addresses()[name]
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        client.get(address)
    with_one = len(queries)
    copies(50)
    client.get(address)  # the search index is built again by the first who asks

    with CaptureQueriesContext(connection) as queries:
        response = client.get(address)

    assert response.status_code == 200
    assert len(queries) == with_one <= 10, [query["sql"] for query in queries]


def test_a_page_asks_as_often_with_many_papers_as_with_few(client):
    small, large = factories.procedure(factories.COPY), factories.procedure(factories.MARITAL)
    counts = []

    for procedure in (small, large):
        with CaptureQueriesContext(connection) as queries:
            client.get(procedure.get_absolute_url())
        definition = procedure.current.definition
        counts.append(len(queries) - bool(definition.get("redirect") or definition.get("offer")))

    assert len(set(counts)) == 1


@pytest.mark.parametrize("code", list(factories.FILES))
def test_a_procedure_is_read_in_ten_queries(client, code):
    procedure = factories.procedure(code)

    with CaptureQueriesContext(connection) as queries:
        client.get(procedure.get_absolute_url())

    assert len(queries) <= 10, [query["sql"][:90] for query in queries]


# --- What else helps somebody who reads -----------------------------------------------


def test_a_better_procedure_is_offered_and_the_trips_are_counted(client):
    procedure = factories.procedure(factories.BIRTH)

    text = text_of(client.get(procedure.get_absolute_url()))

    assert "Có cách tiện hơn" in text
    assert "2.000986" in text
    assert "Số lần đến cơ quan 1" in text


def test_no_trip_at_all_is_said_too(client):
    procedure = factories.procedure(factories.FUNERAL)

    assert "Số lần đến cơ quan 0" in text_of(client.get(procedure.get_absolute_url()))


def test_what_only_the_counter_can_do_is_said(client, tmp_path):
    stop = "stop_online: [{when: nhan_tien.cach = tien_mat, text: Nhận tiền mặt}]\n\nchannels:"
    procedure = factories.altered_procedure(tmp_path, factories.FUNERAL, ("channels:", stop))

    text = text_of(client.get(procedure.get_absolute_url()))

    assert "Trường hợp sau chỉ nộp tại cơ quan" in text
    assert "Nhận tiền mặt" in text


# --- The home page --------------------------------------------------------------------


def test_any_service_is_within_three_clicks_of_the_home_page(client):
    """Circular 32/2017/TT-BTTTT, article 11."""
    procedures = [factories.procedure(code) for code in factories.FILES]
    whole, sector_page = reverse("portal_map"), "sector_map"

    home = client.get(reverse("home")).content.decode()
    tree = client.get(whole).content.decode()

    assert whole in home
    for procedure in procedures:
        address = reverse(sector_page, args=[procedure.current.sector.slug])
        assert address in tree
        assert procedure.get_absolute_url() in client.get(address).content.decode()


def test_home_shows_the_fields_of_our_own_offices_first(client):
    copy = factories.procedure(factories.COPY)
    for number in range(15):
        national(code=f"1.9991{number:02d}", field=f"Lĩnh vực của bộ {number:02d}")

    page = client.get(reverse("home")).content.decode()

    assert f"linh-vuc={copy.current.sector.slug}" in page
    assert page.count("Lĩnh vực của bộ") == 11
    assert "Xem cả 16 lĩnh vực" in page


def test_home_and_list_lead_to_what_changed_lately(client):
    factories.procedure()

    pages = [client.get(reverse(name)).content.decode() for name in ("home", "procedures:list")]

    assert all(reverse("procedures:recent") in page for page in pages)


def test_what_people_file_stands_before_what_nobody_has_filed_yet(client):
    factories.procedure(factories.BIRTH)
    factories.filed(factories.FUNERAL)

    page = client.get(reverse("home"))

    codes = [procedure.code for procedure in page.context["popular"]]
    assert codes == [factories.FUNERAL, factories.BIRTH]


def test_an_office_with_more_than_a_page_of_procedures_leads_to_the_list_of_them(client):
    copies(25)
    office = Agency.objects.get(code=factories.COMMUNE)

    page = client.get(office.get_absolute_url()).content.decode()

    assert "Thủ tục giải quyết tại đây (26)" in page
    assert f"?co-quan={office.code}" in page
