"""The list with words and facets, suggestions while typing, and what was looked for in vain."""

import re
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape, strip_tags
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from procedures.models import SearchMiss
from procedures.search import misses, reasons, wording
from procedures.text import normalise
from tests import factories
from tests.procedures.test_search import make_procedure

pytestmark = pytest.mark.django_db

LIST = "procedures:list"


@pytest.fixture(autouse=True)
def search_dir(settings, tmp_path) -> Path:
    settings.SEARCH_DIR = tmp_path / "search"
    misses._counted.clear()
    return settings.SEARCH_DIR


@pytest.fixture
def catalogue() -> None:
    make_procedure(
        "1.001193", "Đăng ký khai sinh", also_called=["làm giấy tờ cho bé"],
        laws=["60/2014/QH13"], papers=["Giấy chứng sinh"], life_events=["Có con nhỏ"],
        result="Giấy khai sinh", audience=["Công dân Việt Nam"],
    )  # fmt: skip
    make_procedure("1.004884", "Đăng ký lại khai sinh", level=1, audience=["Công dân Việt Nam"])
    make_procedure("2.000528", "Đăng ký khai sinh ở nước ngoài", tier="province", level=1)
    make_procedure("2.000815", "Chứng thực bản sao từ bản chính", sector="Chứng thực", level=4)


def page_of(client, address: str | None = None, **parameters: str) -> str:
    return client.get(address or reverse(LIST), parameters).content.decode()


def titles(page: str) -> list[str]:
    found = re.findall(r"<h2><a [^>]*>(.*?)</a></h2>", page, re.DOTALL)
    return [unescape(strip_tags(title)).strip() for title in found]


def choices(page: str, facet: str) -> dict[str, int]:
    """Label and count of what one facet offers."""
    section = page.partition(f'id="loc-{facet}"')[2].partition("</section>")[0]
    rows = re.findall(r'<span>([^<]*)</span> <span class="mc-count">(\d+)', section)
    return {unescape(label): int(count) for label, count in rows}


def address_of(page: str, label: str) -> str:
    link = re.search(rf'<a [^>]*href="([^"]*)"[^>]*>(?:<span>)?{label}<', page)
    return unescape(link.group(1))


# --- Facets ---------------------------------------------------------------------------


@pytest.mark.usefixtures("catalogue")
def test_each_facet_counts_what_it_would_leave(client):
    page = page_of(client)

    assert choices(page, "sector") == {"Hộ tịch": 3, "Chứng thực": 1}
    assert choices(page, "tier") == {"Cấp xã": 3, "Cấp tỉnh": 1}
    assert list(choices(page, "level").values()) == [1, 1, 2]
    assert choices(page, "audience") == {"Công dân Việt Nam": 2}
    assert choices(page, "event") == {"Có con nhỏ": 1}


@pytest.mark.usefixtures("catalogue")
def test_a_count_is_given_the_other_choices(client):
    page = page_of(client, cap="commune")

    assert choices(page, "sector") == {"Hộ tịch": 2, "Chứng thực": 1}
    assert choices(page, "tier") == {"Cấp xã": 3, "Cấp tỉnh": 1}
    assert len(titles(page)) == 3


@pytest.mark.usefixtures("catalogue")
def test_a_facet_that_narrows_nothing_is_not_shown(client):
    page = page_of(client, cap="province")

    assert choices(page, "sector") == {}
    assert titles(page) == ["Đăng ký khai sinh ở nước ngoài"]


@pytest.mark.usefixtures("catalogue")
def test_a_count_is_what_the_link_brings(client):
    page = page_of(client, q="khai sinh")
    for facet in ("sector", "tier", "level", "audience", "event"):
        for label, count in choices(page, facet).items():
            brought = page_of(client, address_of(page, label))

            assert len(titles(brought)) == count, label


@pytest.mark.usefixtures("catalogue")
def test_words_and_choices_narrow_together(client):
    page = page_of(client, q="khai sinh", cap="commune", **{"muc-do": "1"})

    assert titles(page) == ["Đăng ký lại khai sinh"]


@pytest.mark.usefixtures("catalogue")
def test_a_chosen_value_is_taken_away_by_its_own_link(client):
    page = page_of(client, q="khai sinh", cap="province")

    assert 'aria-current="true"' in page
    assert len(titles(page_of(client, address_of(page, "Cấp tỉnh")))) == 3


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("name", ["linh-vuc", "cap", "muc-do", "doi-tuong", "su-kien", "co-quan"])
@pytest.mark.parametrize("value", ["khong-co", "", "'; DROP", "🙂", "9" * 5000])
def test_a_choice_that_does_not_exist_is_no_choice(client, name, value):
    response = client.get(reverse(LIST), {name: value})

    assert response.status_code == 200
    assert len(titles(response.content.decode())) == 4


@pytest.mark.usefixtures("catalogue")
def test_nothing_in_the_choice_offers_the_way_out(client):
    page = page_of(client, q="chứng thực", cap="province")

    assert titles(page) == []
    assert "Bỏ lọc và tìm trong tất cả thủ tục" in page
    assert not SearchMiss.objects.exists()


@pytest.mark.usefixtures("catalogue")
def test_of_many_fields_the_most_frequent_are_shown_and_all_on_demand(client):
    for number in range(12):
        make_procedure(f"9.{number:06}", f"Việc số {number}", sector=f"Lĩnh vực {number:02}")

    page = page_of(client, cap="commune")
    whole = page_of(client, address_of(page, "Xem tất cả 14 mục"))

    assert next(iter(choices(page, "sector"))) == "Hộ tịch"
    assert len(choices(page, "sector")) == 8
    assert list(choices(whole, "sector"))[:3] == ["Chứng thực", "Hộ tịch", "Lĩnh vực 00"]
    assert len(choices(whole, "sector")) == 14
    assert choices(whole, "tier") == choices(page, "tier")
    assert len(choices(page_of(client, address_of(whole, "Thu gọn")), "sector")) == 8


@pytest.mark.usefixtures("catalogue")
def test_an_office_leaves_what_its_tier_handles(client):
    factories.offices()

    page = page_of(client, **{"co-quan": factories.COMMUNE})

    assert len(titles(page)) == 3
    assert "Đăng ký khai sinh ở nước ngoài" not in titles(page)


@pytest.mark.usefixtures("catalogue")
def test_pages_keep_what_was_chosen(client):
    for number in range(25):
        make_procedure(f"9.{number:06}", f"Cấp thẻ số {number}")

    page = page_of(client, q="cấp thẻ số", cap="commune")

    following = unescape(re.search(r'<a rel="next" href="([^"]*)"', page).group(1))
    assert len(titles(page)) == 20
    assert len(titles(page_of(client, reverse(LIST) + following))) == 5


def test_before_anything_is_published_the_list_says_so(client):
    assert "Chưa có thủ tục nào ở đây" in page_of(client)


@pytest.mark.parametrize("query", ["", "khai sinh", "giay khai sih", "không có đâu"])
def test_the_list_asks_as_often_with_fifty_procedures_as_with_one(client, query):
    address = reverse(LIST)
    make_procedure("1.001193", "Đăng ký khai sinh")
    counts = []
    for thousands in "12":
        client.get(address, {"q": query})
        with CaptureQueriesContext(connection) as queries:
            client.get(address, {"q": query})
        counts.append(len(queries))
        for number in range(50):
            make_procedure(f"9.{thousands}{number:05}", f"Đăng ký khai sinh số {number}")

    assert counts[0] == counts[1] <= 10


# --- Why it was found -----------------------------------------------------------------


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("1.001193", "Khớp mã thủ tục 1.001193"),
        ("luật 60/2014/QH13", "Khớp số hiệu văn bản 60/2014/QH13"),
        ("đăng ký khai sinh", "Khớp tên thủ tục"),
        ("giấy tờ cho bé", "Khớp tên thường gọi “làm giấy tờ cho bé”"),
        ("giấy chứng sinh", "Khớp giấy tờ phải nộp: Giấy chứng sinh"),
        ("vợ mới đẻ", "“vợ đẻ” trong tên thủ tục là “đăng ký khai sinh”"),
    ],
)
def test_a_result_says_why_it_was_found(client, query, why):
    page = page_of(client, q=query)

    reasons_shown = dict(zip(titles(page), re.findall(r'"mc-why">(.*?)</p>', page), strict=True))
    assert unescape(reasons_shown["Đăng ký khai sinh"]) == why


@pytest.mark.usefixtures("catalogue")
def test_a_slip_that_was_put_right_is_said(client):
    page = unescape(page_of(client, q="giay khai sihn"))

    assert "Không có thủ tục nào viết “sihn”, đã tìm theo “sinh”." in page


@pytest.mark.parametrize(
    ("text", "query", "html"),
    [
        ("Đăng ký khai sinh", "khai sinh", "Đăng ký <mark>khai sinh</mark>"),
        ("Đăng ký khai sinh", "KHAI", "Đăng ký <mark>khai</mark> sinh"),
        ("Cấp bản đồ", "ban", "Cấp <mark>bản</mark> đồ"),
        ("Cấp bản đồ", "bán", "Cấp bản đồ"),
        ("<b>khai</b> & sinh", "khai", "&lt;b&gt;<mark>khai</mark>&lt;/b&gt; &amp; sinh"),
        ("khai <script>", "script", "khai &lt;<mark>script</mark>&gt;"),
        ("", "khai", ""),
    ],
)
def test_what_matched_is_marked_and_everything_is_escaped(text, query, html):
    assert reasons.marked(text, wording.words_of(query)) == html


@given(text=st.text(max_size=60), query=st.text(max_size=20))
def test_marking_adds_nothing_but_marks(text, query):
    html = reasons.marked(text, wording.words_of(query))

    assert html.replace("<mark>", "").replace("</mark>", "") == escape(normalise(text))


# --- Suggestions ----------------------------------------------------------------------


@pytest.mark.usefixtures("catalogue")
def test_suggestions_are_a_few_links(client):
    for number in range(12):
        make_procedure(f"9.{number:06}", f"Cấp thẻ số {number}")

    page = client.get(
        reverse("procedures:suggestions"), {"q": "cap the so"}, headers={"HX-Request": "true"}
    ).content.decode()

    assert page.count("<a href=") == 8
    assert "Xem tất cả kết quả" in page
    assert "<html" not in page


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(
    ("half", "name"),
    [
        ("đăng ký kết h", "Đăng ký kết hôn"),
        ("kết h", "Đăng ký kết hôn"),
        ("ket ho", "Đăng ký kết hôn"),
        ("kế", "Đăng ký kết hôn"),
        ("kết hôn zz", "Đăng ký kết hôn"),
        ("9.0000", "Đăng ký kết hôn"),
        ("bố tôi m", "Đăng ký khai tử"),
    ],
)
def test_half_a_word_suggests_what_it_may_become(client, half, name):
    make_procedure("9.000001", "Đăng ký kết hôn")
    make_procedure("9.000002", "Đăng ký khai tử")

    page = client.get(
        reverse("procedures:suggestions"), {"q": half}, headers={"HX-Request": "true"}
    ).content.decode()

    assert name in re.sub("</?mark>", "", page)


@pytest.mark.usefixtures("catalogue")
def test_without_htmx_the_address_of_suggestions_leads_to_the_list(client):
    response = client.get(reverse("procedures:suggestions"), {"q": "khai sinh & tử"})

    assert response.status_code == 302
    assert response.headers["Location"] == "/thu-tuc/?q=khai+sinh+%26+t%E1%BB%AD"


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("query", ["", "k", "xyzzy", "\x00", "<b>", '"' * 999])
def test_suggestions_of_anything_are_an_answer_and_no_miss(client, query):
    response = client.get(
        reverse("procedures:suggestions"), {"q": query}, headers={"HX-Request": "true"}
    )

    assert response.status_code == 200
    assert "<b>" not in response.content.decode()
    assert not SearchMiss.objects.exists()


def test_the_search_field_is_a_plain_form_that_a_script_may_help(client):
    page = page_of(client, "/")

    assert f'action="{reverse(LIST)}"' in page
    assert f'hx-get="{reverse("procedures:suggestions")}"' in page
    assert 'hx-trigger="input changed delay:250ms"' in page
    assert "style=" not in page.split('role="search"')[1].split("</form>")[0]


def test_the_script_lets_htmx_neither_inject_style_nor_evaluate():
    script = (django_settings.BASE_DIR / "static" / "js" / "suggestions.js").read_text("utf-8")

    assert "includeIndicatorStyles = false" in script
    assert "allowEval = false" in script


# --- Bad input ------------------------------------------------------------------------


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(
    "query",
    [
        "ạ" * 10_000, "AND OR NOT (", '"' * 50, "🙂🙂", "\x00khai", "là gì", "của và cho",
        "../../etc/passwd", "' OR 1=1 --", "<script>alert(1)</script>", "%00", "\u202e",
    ],
)  # fmt: skip
def test_the_list_answers_whatever_is_typed(client, query):
    response = client.get(reverse(LIST), {"q": query, "trang": query[:20], "cap": query[:20]})

    assert response.status_code == 200
    assert "<script>alert" not in response.content.decode()


@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40
)
@given(query=st.text(max_size=80), page=st.text(max_size=5))
def test_the_list_answers_any_text_at_all(catalogue, client, query, page):
    assert client.get(reverse(LIST), {"q": query, "trang": page}).status_code == 200


# --- Looked for in vain ---------------------------------------------------------------


@pytest.mark.usefixtures("catalogue")
def test_what_finds_nothing_is_counted_without_its_accents(client):
    page_of(client, q="Vé Tàu Hỏa")

    miss = SearchMiss.objects.get()
    assert (miss.words, miss.count, miss.last_on) == ("ve tau hoa", 1, timezone.localdate())


@pytest.mark.usefixtures("catalogue")
def test_the_same_words_are_counted_once_a_minute(client, monkeypatch):
    page_of(client, q="vé tàu hỏa")
    with CaptureQueriesContext(connection) as queries:
        page_of(client, q="ve tau hoa")
    assert not [row for row in queries if "searchmiss" in row["sql"]]

    now = misses.time.monotonic()
    monkeypatch.setattr(misses.time, "monotonic", lambda: now + 61)
    SearchMiss.objects.update(last_on=timezone.localdate() - timedelta(days=3))
    page_of(client, q="ve tau hoa")

    miss = SearchMiss.objects.get()
    assert (miss.count, miss.last_on) == (2, timezone.localdate())


@pytest.mark.usefixtures("catalogue")
def test_what_finds_something_is_no_miss(client):
    page_of(client, q="khai sinh")

    assert not SearchMiss.objects.exists()


@pytest.mark.parametrize(
    "query",
    [
        "nguyễn văn an 045123456789", "0912 345 678 bán đất", "an@vidu.example", "xyz " * 9,
        "x" * 61, "123456", "https://vidu.example/x", "!!!", "", "   ",
    ],
)  # fmt: skip
def test_what_may_tell_who_asked_is_not_kept(query):
    misses.count_miss(query)

    assert not SearchMiss.objects.exists()


@pytest.mark.parametrize("query", ["mẫu 01/2025", "luật 60", "đất 5% xã"])
def test_short_numbers_tell_nobody(query):
    misses.count_miss(query)

    assert SearchMiss.objects.count() == 1


def test_a_database_that_refuses_costs_nobody_the_answer(client, monkeypatch, caplog):
    def refuse(words):
        raise DatabaseError("locked")

    monkeypatch.setattr(misses, "_count", refuse)

    assert client.get(reverse(LIST), {"q": "vé tàu hỏa"}).status_code == 200
    assert "not counted" in caplog.text


def test_the_usual_patience_returns_after_a_count():
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite's patience is set for a connection")
    before = connection.cursor().execute("PRAGMA busy_timeout").fetchone()

    misses.count_miss("vé tàu hỏa")

    assert connection.cursor().execute("PRAGMA busy_timeout").fetchone() == before


def test_words_asked_for_once_give_way_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr(misses, "MOST_KEPT", 10)
    SearchMiss.objects.create(words="thuong hoi", count=9)
    for number in range(30):
        misses.count_miss(f"khong co {'abcdefghij'[number % 10]}{'xyz'[number // 10]}")

    assert SearchMiss.objects.count() == 10
    assert SearchMiss.objects.filter(words="thuong hoi").exists()
