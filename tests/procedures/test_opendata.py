"""Open data: a stable scheme, harmless in a spreadsheet, sent again only when it changed."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import threading
import time
import unicodedata
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from procedures import opendata, opendatafiles
from procedures.models import Agency, Procedure, Revision
from procedures.search import touch_catalogue
from tests import factories

LIST, ALL, CSV = "/du-lieu-mo/thu-tuc.json", "/du-lieu-mo/thu-tuc.jsonl", "/du-lieu-mo/thu-tuc.csv"
ONE = "/du-lieu-mo/thu-tuc/{}.json"


def text_of(response) -> str:
    if response.streaming:
        return b"".join(response.streaming_content).decode()
    return response.content.decode()


def headers_of(response) -> dict[str, str]:
    """The headers of an answer, whose file is read to its end and closed."""
    b"".join(response)
    return response.headers


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
    first = headers_of(client.get(address))

    with CaptureQueriesContext(connection) as queries:
        by_tag = client.get(address, headers={"If-None-Match": first["ETag"]})
        by_day = client.get(address, headers={"If-Modified-Since": first["Last-Modified"]})

    assert (by_tag.status_code, by_day.status_code) == (304, 304)
    assert by_tag.content == b""
    assert of_the_catalogue(queries) == 2


@pytest.mark.django_db
@pytest.mark.parametrize("address", [LIST, ALL, CSV])
def test_after_a_change_it_is_sent_again(client, address):
    factories.procedure()
    old = headers_of(client.get(address))["ETag"]

    touch_catalogue()

    response = client.get(address, headers={"If-None-Match": old})
    assert response.status_code == 200
    assert headers_of(response)["ETag"] != old


@pytest.mark.django_db
def test_it_travels_compressed_and_is_still_recognised(client):
    factories.procedure()

    first = headers_of(client.get(LIST, headers={"Accept-Encoding": "gzip"}))

    assert first["Content-Encoding"] == "gzip"
    again = client.get(LIST, headers={"Accept-Encoding": "gzip", "If-None-Match": first["ETag"]})
    assert again.status_code == 304


@pytest.mark.django_db
@pytest.mark.parametrize("address", [LIST, ALL, CSV])
def test_it_asks_as_often_for_fifty_procedures_as_for_one(client, address):
    factories.procedure()
    touch_catalogue()
    with CaptureQueriesContext(connection) as for_one:
        text_of(client.get(address))

    many(49)
    touch_catalogue()
    with CaptureQueriesContext(connection) as for_fifty:
        text_of(client.get(address))

    assert of_the_catalogue(for_fifty) == of_the_catalogue(for_one) <= 10


# --- Kept finished ----------------------------------------------------------------------


@pytest.fixture
def kept(settings, tmp_path) -> Path:
    """An empty folder in which the finished files are kept."""
    settings.VAR_DIR = tmp_path
    return tmp_path / "open-data"


def files_of(kept: Path) -> list[Path]:
    return sorted(path for path in kept.rglob("*") if path.is_file() and path.name != "lock")


@pytest.mark.django_db
@pytest.mark.parametrize("address", [LIST, ALL, CSV])
def test_a_file_is_made_once_and_then_read(client, kept, address):
    factories.procedure()
    first = client.get(address)
    body = text_of(first)

    with CaptureQueriesContext(connection) as queries:
        again = client.get(address)
        assert text_of(again) == body

    assert of_the_catalogue(queries) == 2  # its version, by the view and by the file
    assert int(again.headers["Content-Length"]) == len(body.encode())
    assert [again.headers[name] for name in ("ETag", "Last-Modified", "Content-Type")] == [
        first.headers[name] for name in ("ETag", "Last-Modified", "Content-Type")
    ]
    [file] = files_of(kept)
    assert file.read_bytes() == body.encode()


@pytest.mark.django_db
@pytest.mark.parametrize("address", [LIST, ALL, CSV])
def test_it_is_packed_once_for_all_who_take_it_packed(client, kept, address):
    factories.procedure()
    body = text_of(client.get(address))

    response, again = (
        client.get(address, headers={"Accept-Encoding": "gzip, br"}) for _time in range(2)
    )
    packed = b"".join(response.streaming_content)

    assert gzip.decompress(packed).decode() == body
    assert b"".join(again.streaming_content) == packed
    assert int(response.headers["Content-Length"]) == len(packed)
    assert response.headers["ETag"].startswith('W/"')
    assert "Accept-Encoding" in response.headers["Vary"]
    assert len(files_of(kept)) == 2


@pytest.mark.django_db
def test_after_a_change_the_older_files_go(client, kept):
    factories.procedure()
    for address in (LIST, ALL, CSV):
        headers_of(client.get(address, headers={"Accept-Encoding": "gzip"}))
    before = files_of(kept)

    touch_catalogue()
    text_of(client.get(ALL))

    assert len(before) == 6
    [file] = files_of(kept)
    assert file not in before


@pytest.mark.django_db
def test_who_still_reads_an_older_file_keeps_it(client, kept):
    factories.procedure()
    slow = client.get(ALL)

    touch_catalogue()
    body = text_of(client.get(ALL))

    assert text_of(slow) == body


@pytest.mark.django_db
def test_a_file_that_was_not_finished_is_never_given_out(client, kept, monkeypatch):
    factories.procedure()

    def breaks():
        yield "half of it"
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setitem(opendatafiles._LINES, "thu-tuc.jsonl", breaks)
        with pytest.raises(ConnectionError):
            client.get(ALL)
    assert len(files_of(kept)) == 1

    assert json.loads(text_of(client.get(ALL)))["ma"] == factories.FUNERAL
    [file] = files_of(kept)
    assert not file.name.startswith("building-")


@pytest.mark.parametrize("is_packed", [True, False])
def test_first_requests_at_once_make_one_file(kept, monkeypatch, is_packed):
    made, answers, start = [], [], threading.Barrier(4)

    def slowly():
        made.append(1)
        time.sleep(0.1)
        yield "all of it"

    def ask():
        start.wait()
        with opendatafiles.opened("thu-tuc.jsonl", is_packed=is_packed) as file:
            answers.append(file.read())

    monkeypatch.setattr(opendata, "token", lambda: "now")
    monkeypatch.setitem(opendatafiles._LINES, "thu-tuc.jsonl", slowly)
    threads = [threading.Thread(target=ask) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert made == [1]
    assert len(answers) == 4
    assert len(set(answers)) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("address", [LIST, ALL, CSV])
def test_its_head_alone_is_told_too(client, kept, address):
    factories.procedure()
    whole = headers_of(client.get(address))

    head = headers_of(client.head(address))

    assert head["Content-Length"] == whole["Content-Length"]
    assert head["ETag"] == whole["ETag"]


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
