"""Finding a dossier: by code, name, number and telephone, from an index, in one's own offices."""

from __future__ import annotations

import json
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dossiers import participants, searching, workflow
from dossiers.models import Dossier, Participant, SearchTerm
from procedures.models import Posting
from tests import factories
from tests.dossiers.copying import copies_of

pytestmark = pytest.mark.django_db

QUEUE = "/quan-tri/dossiers/dossier/"


@pytest.fixture
def reception() -> Client:
    client = Client()
    client.force_login(factories.official(Posting.Role.RECEPTION))
    return client


def found(client: Client, text: str) -> set[str]:
    response = client.get(QUEUE, {"q": text})
    assert response.status_code == 200
    return {row["dossier"].code for row in response.context["rows"]}


def text_of(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_a_name_is_kept_from_each_word_on_and_backwards():
    assert searching.chains("Hồ Thị  Thu Sương") == {
        "ho thi thu suong", "thi thu suong", "thu suong", "suong thu thi ho", "ho suong",
    }  # fmt: skip
    assert searching.chains("Lan") == {"lan"}
    assert searching.chains(" ") == set()


def test_a_dossier_is_found_by_whatever_people_say_of_it(reception):
    owner = factories.user(
        full_name="Hồ Thị Thu Sương", phone="0987654321", citizen_number="045188000777"
    )
    mine = factories.filed(owner=owner)
    factories.filed(owner=owner, office=factories.OTHER_COMMUNE)
    tail = mine.code.rpartition("-")[2]

    by_name = ("Hồ Thị Thu Sương", "ho thi thu suong", "sương", "thu SƯƠNG", "Hồ Sương", "thu su")
    by_number = ("045188000777", "0451 8800 0777", "0987654321", "+84 987 654 321", "098765")
    by_form = ("Trần Thị Bình", "0912345678", "045190001234")
    by_code = (mine.code, mine.code.lower(), mine.code[14:], tail, tail.lstrip("0"))
    for text in (*by_name, *by_number, *by_form, *by_code):
        assert found(reception, text) == {mine.code}, text
    for text in ("xxxx", "045188000778", "%", "_", "\\", "'", "nguoi", "  ", "999.99"):
        if text.strip():
            assert found(reception, text) == set(), text


def test_one_letter_is_too_little_and_said_so(reception):
    response = reception.get(QUEUE, {"q": "ơ"})

    assert "Hãy gõ ít nhất hai chữ" in text_of(response)


def test_a_word_that_is_everywhere_looks_through_the_newest(reception, monkeypatch):
    monkeypatch.setattr(searching, "MOST_FOUND", 1)
    monkeypatch.setattr(searching, "NEWEST", 2)
    old = factories.filed(owner=factories.user(full_name="Nguyễn Văn Cũ"))
    for row in copies_of(old, 2):
        searching.index(row)

    response = reception.get(QUEUE, {"q": "nguyen"})

    assert "Rất nhiều hồ sơ khớp" in text_of(response)
    assert len(response.context["rows"]) == 2


def test_who_joins_and_who_takes_over_is_found_too(reception):
    filer = factories.user(full_name="Đỗ Văn Nộp")
    draft = factories.draft(owner=filer)
    draft.behalf = {
        "kind": "person", "name": "Lý Thị Đứng Tên", "number": "045160001234",
        "relation": "parent", "basis": "",
    }  # fmt: skip
    draft.save()
    dossier = workflow.perform(draft, "submit", by=filer)
    before = found(reception, "ly thi dung ten")
    invited = participants.invite(
        dossier, role=Participant.Role.PRINCIPAL, name="Bà Tên", contact=""
    )
    joined = factories.user(full_name="Lý Thị Đứng Tên", phone="0911222333")
    participants.join(invited, by=joined)

    by_phone = found(reception, "0911222333")
    participants.end_mandate(Participant.objects.get(pk=invited.pk))

    assert before == by_phone == {dossier.code}
    assert found(reception, "đỗ văn nộp") == set()
    assert found(reception, "0911222333") == {dossier.code}


# --- What it costs on PostgreSQL ------------------------------------------------------


def many_elsewhere(dossier: Dossier, other: Dossier, number: int) -> None:
    """Many dossiers of another office with their terms, and some closed ones of this one."""
    columns = [
        field.column for field in Dossier._meta.local_concrete_fields
        if field.name not in {"id", "key", "code"}
    ]  # fmt: skip
    listed = ", ".join(f'"{column}"' for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO dossiers_dossier ("key", code, {listed})'  # noqa: S608 - names of ours
            f" SELECT 'k' || n, 'X-' || n, {listed}"
            f" FROM dossiers_dossier, generate_series(1, {number}) n WHERE id = {other.pk}"
        )
        cursor.execute(
            "INSERT INTO dossiers_searchterm (dossier_id, value)"
            " SELECT id, 'le van ' || md5(code) FROM dossiers_dossier WHERE code LIKE 'X-%'"
        )
        cursor.execute("ANALYZE dossiers_dossier")
        cursor.execute("ANALYZE dossiers_searchterm")


def plans_of(client: Client, parameters: dict) -> list[str]:
    """The plans of the queries about dossiers and terms that the page makes."""
    with CaptureQueriesContext(connection) as queries:
        assert client.get(QUEUE, parameters).status_code == 200
    plans = []
    for query in queries:
        if "dossiers_dossier" in query["sql"] or "searchterm" in query["sql"]:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (FORMAT JSON) {query['sql']}")
                row = cursor.fetchone()[0]
            plans.append(row if isinstance(row, str) else json.dumps(row))
    return plans


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="plans of PostgreSQL")
def test_no_tab_and_no_search_reads_the_whole_table(reception):
    mine = factories.filed(owner=factories.user(full_name="Hồ Thị Thu Sương"))
    other = factories.filed(office=factories.OTHER_COMMUNE)
    many_elsewhere(mine, other, 3000)
    tabs = ("moi", "chua-giao", "cua-toi", "cong-dan", "trinh-ky", "tra", "qua-han", "tat-ca")
    asked = [{"nhom": tab} for tab in tabs]
    asked += [{"q": text} for text in ("thu sương", "0912345678", "045190001234", mine.code)]

    for parameters in asked:
        plans = plans_of(reception, parameters)

        assert len(plans) >= 3
        for plan in plans:
            for table in ("dossiers_dossier", "dossiers_searchterm"):
                scan = rf'"Seq Scan"[^{{}}]*"Relation Name": "{table}"'
                assert not re.search(scan, plan), (parameters, plan)


def test_terms_follow_an_answered_supplement():
    dossier = factories.filed()
    SearchTerm.objects.filter(dossier=dossier).delete()

    searching.index(dossier)
    searching.index(dossier)

    values = set(SearchTerm.objects.filter(dossier=dossier).values_list("value", flat=True))
    assert values == searching.terms(dossier)
    assert "answer_supplement" in searching._CHANGE_PEOPLE
