"""The law's own list: what docs/conformance.md claims exists, and holds on the pages."""

from __future__ import annotations

import ast
import functools
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import Resolver404, resolve, reverse

from dossiers import filing
from procedures.models import Agency, Procedure
from tests import factories

ROOT = Path(settings.BASE_DIR)
PAGE = (ROOT / "docs" / "conformance.md").read_text("utf-8")
QUOTED = re.findall(r"`([^`\s]+)`", PAGE)


# --- The document ---------------------------------------------------------------------


@functools.cache
def functions_of(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_test_that_the_document_names_exists():
    named = [name.split("::") for name in QUOTED if "::" in name]

    missing = [
        f"{file}::{test}"
        for file, test in named
        if not (ROOT / file).is_file() or test not in functions_of(file)
    ]
    assert len(named) > 40
    assert missing == []


def test_every_file_that_the_document_names_exists():
    files = [name for name in QUOTED if re.fullmatch(r"[a-z_]+(/[\w.-]+)+\.(py|md|html)", name)]

    assert files
    assert [name for name in files if not (ROOT / name).is_file()] == []


SAMPLES = {
    "<code>": factories.FUNERAL, "<slug>": "ten", "<field>": "ho-tich", "<event>": "viec-lam",
}  # fmt: skip


def test_every_address_that_the_document_names_exists():
    def leads_nowhere(address: str) -> bool:
        for name, sample in SAMPLES.items():
            address = address.replace(name, sample)
        try:
            resolve(re.split(r"[?#]", address)[0])
        except Resolver404:
            return address != "/thanh-toan/"  # the beginning of several
        return False

    addresses = {name for name in QUOTED if name.startswith("/")}

    assert len(addresses) > 12
    assert [address for address in sorted(addresses) if leads_nowhere(address)] == []


def test_what_is_to_come_is_said():
    """Statistics of each service: until they are there, the page may not claim them."""
    rows = [row for row in PAGE.splitlines() if row.startswith("| 11(3) ")]

    assert rows
    assert [row for row in rows if "to come" not in row] == []


# --- Pages ----------------------------------------------------------------------------


class Seen(HTMLParser):
    """What of a page the law speaks of: links and their words, pictures, tables."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.pictures: list[dict] = []
        self.heads: list[dict] = []
        self.tables = self.captions = 0
        self._words: list[str] | None = None
        self._href = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        values = dict(attrs)
        if tag == "a":
            self._href, self._words = values.get("href", ""), [values.get("aria-label") or ""]
        elif tag == "img":
            self.pictures.append(values)
            if self._words is not None:
                self._words.append(values.get("alt") or "")
        self.heads += [values] if tag == "th" else []
        self.tables += tag == "table"
        self.captions += tag == "caption"

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._words is not None:
            self.links.append((self._href, " ".join("".join(self._words).split())))
            self._words = None

    def handle_data(self, data: str) -> None:
        if self._words is not None:
            self._words.append(data)


def seen(client, address: str) -> Seen:
    response = client.get(address)
    assert response.status_code == 200, address
    return Seen(response.content.decode())


PUBLIC = [
    "home", "about", "help", "portal_map", "procedures:list", "procedures:recent",
    "procedures:open_data", "dossiers:track", "dossiers:verify", "dossiers:questions",
    "dossiers:ask", "dossiers:question_track", "account_login",
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("name", [*PUBLIC, "procedure"])
def test_the_banner_and_the_footer_say_whose_portal_it_is(client, name):
    """Circular 32/2017, article 16(3a) and (3c)."""
    procedure = factories.procedure()
    office = Agency.objects.filter(parent=None).order_by("pk").first()
    address = procedure.get_absolute_url() if name == "procedure" else reverse(name)

    html = client.get(address).content.decode()

    banner, footer = html.split("</header>")[0], html.split("<footer")[1]
    assert "img/emblem" in banner and office.name in banner
    for fact in (
        office.name, office.responsible_person, office.address, office.phone, office.email,
    ):  # fmt: skip
        assert fact and fact in footer


@pytest.mark.django_db
def test_the_menu_has_what_the_law_names(client):
    """Circular 32/2017, article 16(3a); Decree 43/2011, article 18."""
    factories.procedure()

    html = client.get("/").content.decode()

    menu = re.search(r'(?s)<nav class="mc-menu".*?</nav>', html)[0]
    links = {words: href for href, words in Seen(menu).links}
    assert links["Trang chủ"] == "/"
    assert links["Giới thiệu"] == reverse("about")
    assert links["Dịch vụ công trực tuyến"] == reverse("procedures:list")
    assert links["Sơ đồ cổng"] == reverse("portal_map")
    footer = {href for href, _words in Seen(html.split("<footer")[1]).links}
    assert {reverse("about"), reverse("portal_map")} <= footer


@pytest.mark.django_db
@pytest.mark.parametrize("name", [*PUBLIC, "procedure", "field"])
def test_pictures_links_and_tables_can_be_read_aloud(client, name):
    """Circular 32/2017, article 18(1c), (1d) and (1đ)."""
    procedure = factories.procedure()
    addresses = {
        "procedure": procedure.get_absolute_url(),
        "field": reverse("sector_map", args=[procedure.current.sector.slug]),
    }

    page = seen(client, addresses.get(name) or reverse(name))

    assert [picture for picture in page.pictures if "alt" not in picture] == []
    assert [href for href, words in page.links if not words] == []
    assert page.tables == page.captions
    assert [head for head in page.heads if "scope" not in head] == []
    assert page.links[0][0] == "#noi-dung"


def test_nothing_blinks_or_moves_by_itself():
    """Circular 32/2017, article 18(1b)."""
    css = (ROOT / "static" / "css" / "portal.css").read_text("utf-8")

    moving = re.findall(r"@keyframes|animation(?!.*none)|<marquee|<blink", css)
    assert moving == []
    for template in (ROOT / "templates").rglob("*.html"):
        assert not re.search(r"<(marquee|blink|video|audio)\b", template.read_text("utf-8"))


ELEVEN = {
    "a": ["Tên thủ tục"], "b": ["Trình tự thực hiện"], "c": ["Cách thức thực hiện"],
    "d": ["Thành phần, số lượng hồ sơ"], "đ": ["Thời hạn giải quyết"],
    "e": ["Đối tượng thực hiện"], "g": ["Cơ quan giải quyết"], "h": ["Kết quả"],
    "i": ["Mẫu đơn, tờ khai", "Yêu cầu, điều kiện", "Phí, lệ phí"],
    "k": ["Hình thức nộp hồ sơ", "Hình thức trả kết quả"],
    "l": ["Căn cứ pháp lý", "Quyết định công bố"],
}  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("code", [factories.SIGNATURE, factories.FUNERAL])
def test_each_of_the_eleven_items_has_its_place_on_the_page(client, code):
    """Circular 32/2017, article 5(1), and the same words in the document's table."""
    html = client.get(factories.procedure(code).get_absolute_url()).content.decode()

    labels = " ".join(re.findall(r"<(?:h2|h3|dt|p)[^>]*>([^<]*)<", html))
    for item, words in ELEVEN.items():
        [row] = [line for line in PAGE.splitlines() if line.startswith(f"| {item} |")]
        for label in words:
            assert label in labels, (item, label)
            assert label in row


@pytest.mark.django_db
def test_every_procedure_is_three_clicks_from_the_home_page(client):
    """Circular 32/2017, article 11(2b): home page, map, field, procedure."""
    for code in factories.FILES:
        factories.procedure(code)
    wanted = {row.get_absolute_url() for row in Procedure.objects.all()}

    found, at_hand = set(), {"/"}
    for _click in range(3):
        at_hand = {
            href.split("#")[0]
            for address in at_hand
            for href, _words in seen(client, address).links
            if re.match(r"/(thu-tuc|so-do-cong|su-kien)/(?!.*/bieu-mau/)", href)
        } - found
        found |= at_hand

    assert len(wanted) == len(factories.FILES)
    assert wanted - found == set()


@pytest.mark.django_db
def test_the_largest_size_stands_beside_the_choice_of_a_file(client):
    """Circular 32/2017, article 7(3c)."""
    draft = factories.draft()
    client.force_login(draft.owner)

    html = client.get(reverse("dossiers:documents", args=[draft.key])).content.decode()

    choosers = re.findall(r'<input[^>]*type="file"[^>]*>', html)
    assert choosers and len(choosers) >= len(filing.to_attach(draft))
    for chooser in choosers:
        described = re.search(r'aria-describedby="([^" ]+)', chooser)[1]
        help_text = re.search(rf'(?s)id="{described}">(.*?)</div>', html)[1]
        assert f"tối đa {settings.MAX_UPLOAD_MB} MB" in help_text


@pytest.mark.django_db
def test_the_guide_has_steps_questions_and_words(client):
    """Circular 32/2017, article 11(1)."""
    factories.offices()

    html = client.get(reverse("help")).content.decode()

    anchors = set(re.findall(r'id="([a-z-]+)"', html))
    assert {"tung-buoc", "cau-hoi", "tu-ngu", "muc-do"} <= anchors
    for word in ("Toàn trình, một phần", "Bản chính", "Bản sao", "Chứng thực", "Mức độ 1"):
        assert word in html
    inner = [href[1:] for href, _words in Seen(html).links if href.startswith("#")]
    assert set(inner) <= anchors | {"noi-dung"}
