"""The map of the portal: for people as a tree, for search engines as XML."""

from __future__ import annotations

import re
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from procedures.models import Agency, LifeEvent, Procedure
from procedures.search import touch_catalogue
from tests import factories

pytestmark = pytest.mark.django_db
TREE, XML, ROBOTS = "/so-do-cong/", "/sitemap.xml", "/robots.txt"
SPACE = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def text_of(response) -> str:
    return b"".join(response.streaming_content).decode()


def addresses(client) -> dict[str, str | None]:
    """Every address of the XML map, without the site, and when it changed."""
    root = ElementTree.fromstring(text_of(client.get(XML)))  # noqa: S314 (our own)
    return {
        row.findtext(f"{SPACE}loc").removeprefix(settings.SITE_URL): row.findtext(f"{SPACE}lastmod")
        for row in root
    }


def test_the_tree_leads_to_every_field_event_and_office(client):
    procedure = factories.procedure()

    html = client.get(TREE).content.decode()

    linked = set(re.findall(r'href="([^"#]*)', html))
    assert reverse("sector_map", args=[procedure.current.sector.slug]) in linked
    assert {row.get_absolute_url() for row in LifeEvent.objects.all()} <= linked
    assert {row.get_absolute_url() for row in Agency.objects.filter(is_active=True)} <= linked
    assert ">1 thủ tục<" in html


def test_a_fields_page_has_all_its_procedures_with_their_level(client):
    procedure = factories.procedure()
    other = factories.procedure(factories.COPY)

    html = client.get(reverse("sector_map", args=[procedure.current.sector.slug])).content.decode()

    assert procedure.get_absolute_url() in html
    assert procedure.current.name in html and procedure.current.level_text in html
    assert other.get_absolute_url() not in html


def test_the_xml_has_every_page_and_procedure_and_each_answers(client):
    factories.procedure()
    procedure = factories.procedure(factories.COPY)

    found = addresses(client)

    assert {row.get_absolute_url() for row in Procedure.objects.all()} <= set(found)
    assert found[procedure.get_absolute_url()] == (
        f"{procedure.current.published_at.astimezone():%Y-%m-%d}"
    )
    assert [path for path in found if client.get(path).status_code != 200] == []


def test_the_xml_tells_nothing_that_is_not_in_force(client):
    factories.offices()
    Procedure.objects.create(code="1.000001", slug="chua")

    assert not [path for path in addresses(client) if "1.000001" in path]


def test_the_xml_is_made_again_only_after_a_change(client):
    factories.procedure()
    first = client.get(XML)
    same = client.get(XML, headers={"If-None-Match": first.headers["ETag"]})

    touch_catalogue()

    other = client.get(XML, headers={"If-None-Match": first.headers["ETag"]})
    assert (same.status_code, other.status_code) == (304, 200)


@pytest.mark.parametrize("address", [TREE, XML, "field"])
def test_the_map_asks_as_often_for_two_procedures_as_for_one(client, address):
    procedure = factories.procedure(factories.COPY)
    if address == "field":
        address = reverse("sector_map", args=[procedure.current.sector.slug])

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            response = client.get(address)
            b"".join(response)
        return len([row for row in queries if '"cache"' not in row["sql"]])

    for_one = asked()
    factories.procedure(factories.BIRTH)

    assert asked() == for_one <= 10


def test_robots_leave_peoples_pages_alone_and_find_the_map(client):
    text = client.get(ROBOTS).content.decode()

    robots = RobotFileParser()
    robots.parse(text.splitlines())
    assert robots.site_maps() == [f"{settings.SITE_URL}/sitemap.xml"]
    for path in ("/ho-so/", "/quan-tri/", "/tai-khoan/login/", "/thanh-toan/x/"):
        assert not robots.can_fetch("*", path)
    for path in addresses(client):
        assert robots.can_fetch("*", path) or path == "/xac-thuc/"


def test_an_unknown_field_is_not_found(client):
    assert client.get("/so-do-cong/khong-co/").status_code == 404
