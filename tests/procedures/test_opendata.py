"""Open data: a stable scheme, harmless in a spreadsheet, sent again only when it changed."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from procedures import opendata
from procedures.models import Agency, Procedure, Revision
from procedures.search import touch_catalogue
from tests import factories

LIST, ALL, CSV = "/du-lieu-mo/thu-tuc.json", "/du-lieu-mo/thu-tuc.jsonl", "/du-lieu-mo/thu-tuc.csv"
ONE = "/du-lieu-mo/thu-tuc/{}.json"


def text_of(response) -> str:
    if response.streaming:
        return b"".join(response.streaming_content).decode()
    return response.content.decode()


def of_the_catalogue(queries: CaptureQueriesContext) -> int:
    """How many of the queries are not those of the cache."""
    return len([row for row in queries if "procedures_" in row["sql"]])


def many(count: int) -> None:
    """`count` more procedures, as the fixture but for their codes."""
    original = factories.procedure()
    for number in range(count):
        twin = Procedure.objects.create(code=f"9.{number:06}", slug=original.slug)
        revision = Revision.objects.get(pk=original.current_id)
        revision.pk, revision.procedure, revision._state.adding = None, twin, True
        revision.status = Revision.Status.DRAFT
        revision.save()
        Procedure.objects.filter(pk=twin.pk).update(current=revision)


# --- What is in it --------------------------------------------------------------------


@pytest.mark.django_db
def test_the_list_leads_to_each_procedure(client):
    procedure = factories.procedure()

    [row] = json.loads(text_of(client.get(LIST)))["thu_tuc"]

    assert (row["ma"], row["ten"]) == (procedure.code, procedure.current.name)
    assert row["muc_do"] == procedure.current.service_level
    whole = json.loads(text_of(client.get(row["du_lieu"].removeprefix(settings.SITE_URL))))
    assert whole.items() >= row.items()


@pytest.mark.django_db
def test_a_procedure_has_its_papers_fees_times_and_laws(client):
    procedure = factories.procedure(factories.COPY)

    row = json.loads(text_of(client.get(ONE.format(procedure.code))))

    revision = procedure.current
    assert row["luoc_do"] == opendata.SCHEME
    assert [p["ten"] for p in row["thanh_phan_ho_so"]] == [d.name for d in revision.documents.all()]
    assert [f["muc_thu"] for f in row["phi_le_phi"]] == [f.amount for f in revision.fees.all()]
    assert {c["cach_nop"] for c in row["cach_thuc"]} == {c.kind for c in revision.channels.all()}
    assert row["trinh_tu"] and row["can_cu_phap_ly"] and row["ket_qua"]


@pytest.mark.django_db
def test_every_line_of_the_whole_is_a_procedure(client):
    factories.procedure()
    factories.procedure(factories.COPY)

    lines = text_of(client.get(ALL)).splitlines()

    assert [json.loads(line)["ma"] for line in lines] == [factories.FUNERAL, factories.COPY]


@pytest.mark.django_db
def test_a_procedure_that_is_not_in_force_is_not_given_out(client):
    factories.offices()
    Procedure.objects.create(code="1.000001", slug="chua")

    assert client.get(ONE.format("1.000001")).status_code == 404
    assert json.loads(text_of(client.get(LIST)))["thu_tuc"] == []
    assert text_of(client.get(ALL)) == ""


@pytest.mark.django_db
def test_the_page_and_the_documentation_name_every_key(client):
    row = opendata.document(opendata.in_force().get(pk=factories.procedure(factories.COPY).pk))
    documented = (settings.BASE_DIR / "docs" / "open-data.md").read_text("utf-8")

    keys = set(row) | {
        key for value in row.values() if isinstance(value, list)
        for part in value if isinstance(part, dict) for key in part
    }  # fmt: skip

    assert [key for key in sorted(keys) if f"`{key}`" not in documented] == []
    assert f"Lược đồ {opendata.SCHEME}" in documented
    html = client.get("/du-lieu-mo/").content.decode()
    shown = set(re.findall(r'class="mc-key">(\w+)<', html))
    assert shown and shown <= keys


@pytest.mark.django_db
def test_no_person_is_in_the_open_data(client):
    factories.filed()
    everything = "".join(
        text_of(client.get(address))
        for address in (LIST, ALL, CSV, "/du-lieu-mo/co-quan.json", "/du-lieu-mo/su-kien.json")
    )

    people = Agency.objects.exclude(responsible_person="").values_list(
        "responsible_person", flat=True
    )
    assert people
    assert [name for name in people if name in everything] == []


@pytest.mark.django_db
def test_offices_and_life_events_are_given_too(client):
    procedure = factories.procedure()

    offices = json.loads(text_of(client.get("/du-lieu-mo/co-quan.json")))["du_lieu"]
    events = json.loads(text_of(client.get("/du-lieu-mo/su-kien.json")))["du_lieu"]

    assert factories.COMMUNE in {row["ma"] for row in offices}
    assert any(procedure.code in row["thu_tuc"] for row in events)


@pytest.mark.django_db
@pytest.mark.parametrize("address", [LIST, ALL, CSV])
def test_it_is_vietnamese_for_readers_of_english_too(client, address):
    factories.procedure(factories.COPY)

    vietnamese = text_of(client.get(address))

    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    assert text_of(client.get(address)) == vietnamese


# --- Asked again ------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("address", [LIST, ALL, CSV, ONE.format(factories.FUNERAL)])
def test_what_did_not_change_is_not_sent_or_even_made_again(client, address):
    factories.procedure()
    first = client.get(address)

    with CaptureQueriesContext(connection) as queries:
        by_tag = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
        by_day = client.get(address, headers={"If-Modified-Since": first.headers["Last-Modified"]})

    assert (by_tag.status_code, by_day.status_code) == (304, 304)
    assert by_tag.content == b""
    assert of_the_catalogue(queries) == 2


@pytest.mark.django_db
@pytest.mark.parametrize("address", [LIST, ALL, CSV])
def test_after_a_change_it_is_sent_again(client, address):
    factories.procedure()
    old = client.get(address).headers["ETag"]

    touch_catalogue()

    response = client.get(address, headers={"If-None-Match": old})
    assert response.status_code == 200
    assert response.headers["ETag"] != old


@pytest.mark.django_db
def test_it_travels_compressed_and_is_still_recognised(client):
    factories.procedure()

    response = client.get(LIST, headers={"Accept-Encoding": "gzip"})

    assert response.headers["Content-Encoding"] == "gzip"
    again = client.get(
        LIST, headers={"Accept-Encoding": "gzip", "If-None-Match": response.headers["ETag"]}
    )
    assert again.status_code == 304


@pytest.mark.django_db
@pytest.mark.parametrize("address", [LIST, ALL, CSV])
def test_it_asks_as_often_for_fifty_procedures_as_for_one(client, address):
    factories.procedure()
    client.get(address)  # from now on the moment of the last change is known
    with CaptureQueriesContext(connection) as for_one:
        text_of(client.get(address))

    many(49)
    with CaptureQueriesContext(connection) as for_fifty:
        text_of(client.get(address))

    assert of_the_catalogue(for_fifty) == of_the_catalogue(for_one) <= 10


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_it_is_only_read(client, method):
    assert getattr(client, method)(LIST).status_code == 405


# --- The table ------------------------------------------------------------------------


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


@pytest.mark.django_db
def test_the_table_opens_in_excel_as_vietnamese(client):
    procedure = factories.procedure(factories.COPY)

    response = client.get(CSV)
    body = text_of(response)

    assert body.startswith("\ufeff")
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    [row] = rows_of(body)
    assert tuple(row) == opendata.COLUMNS
    assert (row["ma"], row["ten"]) == (procedure.code, procedure.current.name)
    assert "8.000 đồng" in row["phi_le_phi"]
    assert row["ket_qua"] == procedure.current.result["name"]


FIRST = st.sampled_from("=+-@\t\r\n\x00|＝＋－＠")
BEFORE = st.text(alphabet=" '\"\u00a0\u3000", max_size=4)


@given(BEFORE, FIRST, st.text(max_size=20))
def test_no_cell_begins_as_a_formula_would(before, first, rest):
    cell = opendata.harmless_cell(before + first + rest)

    assert cell[:1] in {"'", ""} or unicodedata.normalize("NFKC", cell.lstrip(BEFORE_ALL))[
        :1
    ] not in set("=+-@|\t\r\n")


BEFORE_ALL = " '\"\u00a0\u3000\u200b\ufeff"


@given(st.text(max_size=40))
def test_a_cell_keeps_its_words(text):
    cell = opendata.harmless_cell(text)

    assert cell.removeprefix("'") == text.replace("\x00", "").removeprefix("'") or cell == (
        "'" + text.replace("\x00", "")
    )


@given(st.lists(st.text(max_size=15), min_size=1, max_size=4))
def test_a_row_of_any_texts_reads_back_as_one_row(cells):
    line = opendata._csv_lines([cells])

    [row] = csv.reader(io.StringIO(line, newline=""))
    assert row == [opendata.harmless_cell(cell) for cell in cells]


@pytest.mark.django_db
def test_a_procedure_whose_name_is_a_formula_is_text_in_the_table(client, tmp_path):
    factories.altered_procedure(
        tmp_path, factories.FUNERAL, ("short_name:", "short_name: =HYPERLINK(1) #")
    )

    [row] = rows_of(text_of(client.get(CSV)))

    assert row["ten_goi_ngan"].startswith("'=")
