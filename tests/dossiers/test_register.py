"""The register: read by office and year, printed for a span, and kept as it was printed."""

from __future__ import annotations

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dossiers import numbering, workflow
from dossiers.models import OfficePaper, RegisterEntry
from procedures.models import Agency
from tests import factories
from tests.dossiers.counted import at, dossier

pytestmark = pytest.mark.django_db

URL = "/quan-tri/so-theo-doi/"


@pytest.fixture(autouse=True)
def tuesday_morning():
    """Tuesday 24/11/2026, 9:00."""
    with time_machine.travel(at(24, 9), tick=False):
        yield


@pytest.fixture
def commune():
    factories.offices()
    return Agency.objects.get(code=factories.COMMUNE)


def entered(commune, count: int) -> None:
    for _n in range(count):
        numbering.enter_register(
            dossier(commune, "processing", accepted_at=at(24, 8), promised_at=at(27))
        )


def test_an_accepted_dossier_stands_in_the_register_of_the_desk(client, commune):
    office = factories.Office()
    accepted = office.accepted(factories.filed())
    client.force_login(office.reception)

    page = client.get(URL).content.decode()

    assert accepted.code in page
    assert "Trần Thị Bình" in page
    assert "24/11/2026 09:00" in page


def test_the_register_asks_as_much_for_one_line_as_for_fifty(client, commune):
    client.force_login(factories.official("reception"))
    entered(commune, 1)
    client.get(URL)

    with CaptureQueriesContext(connection) as one:
        client.get(URL)
    entered(commune, 20)
    with CaptureQueriesContext(connection) as many:
        client.get(URL)

    assert len(many) == len(one)


CANNOT_BE_PRINTED = (
    ({"tu": "2026-11-24", "den": "2026-11-01"}, "Ngày bắt đầu phải trước"),
    ({"tu": "2025-12-30", "den": "2026-11-24"}, "trong cùng một năm"),
    ({"tu": "2026-01-01", "den": "2026-01-31"}, "sổ chưa có dòng nào"),
    ({"tu": "", "den": ""}, "Hãy ghi đủ hai ngày"),
)


def test_a_span_that_cannot_be_printed_says_why(client, commune):
    client.force_login(factories.official("reception"))
    entered(commune, 1)

    for span, says in CANNOT_BE_PRINTED:
        response = client.post(URL, span)

        assert response.status_code == 400
        assert says in response.content.decode(), span
    assert not OfficePaper.objects.exists()


def test_registers_of_other_offices_are_not_found(client, commune):
    entered(commune, 1)
    desk = RegisterEntry.objects.get().agency
    client.force_login(factories.official("reception", office=factories.OTHER_COMMUNE))

    assert client.get(URL, {"co-quan": desk.pk}).status_code == 404
    assert (
        client.post(
            f"{URL}?co-quan={desk.pk}", {"tu": "2026-11-24", "den": "2026-11-24"}
        ).status_code
        == 404
    )
    assert "chưa có dòng nào" in client.get(URL).content.decode()


def test_a_case_officer_reads_no_register(client):
    client.force_login(factories.official("case_officer"))

    assert client.get(URL).status_code == 403


def test_a_dossier_that_ended_without_a_result_says_so_in_the_register(client, commune):
    office = factories.Office()
    owned = office.accepted(factories.filed())
    workflow.perform(owned, "withdraw", by=owned.owner)
    client.force_login(office.reception)

    assert "Công dân rút hồ sơ" in client.get(URL).content.decode()
