"""The pages of reports: whose numbers they show, what opens behind them, what leaves as a file."""

from __future__ import annotations

import csv
import datetime
import io
import re
from datetime import date
from decimal import Decimal
from urllib.parse import unquote

import openpyxl
import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dossiers.models import Complaint, Dossier, Event, OfficePaper, Rating
from dossiers.reports import export, figures, official, periods, satisfaction, tallies
from procedures.models import Agency, Posting
from tests import factories
from tests.dossiers import counted
from tests.dossiers.counted import at, done, dossier

pytestmark = pytest.mark.django_db

State = Dossier.State
URL = "/quan-tri/bao-cao/"
LAST_PERIOD = {"tu": "2026-10-15", "den": "2026-11-14"}


@pytest.fixture(autouse=True)
def tuesday_morning():
    """Tuesday 24/11/2026, 9:00."""
    with time_machine.travel(at(24, 9), tick=False):
        yield


@pytest.fixture
def commune():
    factories.offices()
    return Agency.objects.get(code=factories.COMMUNE)


@pytest.fixture
def some_work(commune):
    counted.some_work(commune)


def opened_as(client, role: str, **fields):
    person = factories.official(role, **fields)
    client.force_login(person)
    return person


def links_to_lists(page: str) -> list[tuple[str, int]]:
    """Every linked number of a page: the address of its list, and the number."""
    found = re.findall(r'<a href="([^"]*so-lieu=[^"]*)">(\d+)</a>', page)
    return [(address.replace("&amp;", "&"), int(number)) for address, number in found]


def rows_of(client, address: str) -> list[list[str]]:
    """The dossiers of a list, as its file has them."""
    query = address.partition("?")[2]
    response = client.get(f"{URL}ho-so/?{query}&dang=csv")
    assert response.status_code == 200, (address, response.content.decode())
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))[1:]


def test_others_than_supervisors_and_leaders_see_no_report(client):
    for role in ("reception", "case_officer", "cashier", "editor", "administrator"):
        opened_as(client, role)

        for path in ("", "tai/?dang=csv", "ho-so/?dang=csv&so=done", "da-chot/"):
            assert client.get(f"{URL}{path}").status_code == 403, (role, path)


def test_every_number_of_the_page_opens_a_list_of_as_many_dossiers(client, some_work):
    opened_as(client, "supervisor")

    past = dict(links_to_lists(client.get(URL, LAST_PERIOD).content.decode()))
    year = dict(links_to_lists(client.get(URL, {"ky": "nam"}).content.decode()))
    of_now = {url: number for url, number in year.items() if "age-" in url or "open" in url}
    assert len(past) > 20
    assert len(of_now) > 3
    for address, number in (past | of_now).items():
        # Requests are counted; the list has the dossiers in which they were made.
        is_requests = "supplements" in address
        assert len(rows_of(client, address)) == (1 if is_requests else number), address
    queue = client.get(next(iter(past)))
    assert queue.status_code == 200
    assert "từ ngày" in queue.content.decode()


def test_the_page_says_what_was_done_and_draws_it(client, some_work):
    opened_as(client, "leader")

    page = client.get(URL, LAST_PERIOD).content.decode()

    assert "Từ ngày 15/10/2026 đến ngày 14/11/2026" in page
    assert "50,0%" in page or "50%" in page
    assert "Lê Thị Lý" in page
    assert page.count("<svg") >= 2
    assert "<title id=" in page
    assert "trước hạn 1, đúng hạn 1, quá hạn 2" in page
    assert "Số đang giải quyết là số vào cuối ngày 14/11/2026" in page


def test_other_offices_stay_unseen_whatever_the_address_says(client, some_work):
    opened_as(client, "supervisor")
    other = Agency.objects.get(code=factories.OTHER_COMMUNE)

    page = client.get(URL, {"ky": "nam", "co-quan": other.pk}).content.decode()
    listed = client.get(
        f"{URL}ho-so/", {"so-lieu": f"done_late.2026-01-01.2026-12-31.{other.pk}", "dang": "csv"}
    )
    asked = client.get(f"{URL}ho-so/", {"so": "done_late", "co-quan": other.pk, "dang": "csv"})

    assert "không thuộc phạm vi của ông/bà" in page
    assert other.name not in page
    assert listed.status_code == 400
    assert asked.status_code == 400
    links = dict(links_to_lists(client.get(URL, {"ky": "nam"}).content.decode()))
    for address in [url for url in links if "done" in url or "open" in url][:4]:
        assert other.name not in [row[5] for row in rows_of(client, address)], address


CANNOT_BE_REPORTED = {
    "tu=2026-11-20&den=2026-11-19": "Ngày bắt đầu phải trước",
    "tu=2026-12-01&den=2026-12-31": "Kỳ này chưa bắt đầu",
    "tu=2026-02-30&den=2026-03-31": "Hãy ghi đủ hai ngày",
    "tu=&den=2026-03-31": "Hãy ghi đủ hai ngày",
    "tu=2020-01-01&den=2020-12-31": "Trong kỳ này không có hồ sơ nào",
    "linh-vuc=999999999999999999999": "không thuộc phạm vi",
    "co-quan=a'": "không thuộc phạm vi",
}
NO_NUMBERS = (
    "x.2026-01-01.2026-01-02", "done", "done.2026-01-01", "done.2026-02-01.2026-01-01",
    "done.0001-01-01.9999-12-31", "done.2026-01-01.2026-01-02.a", "age-7.2026-01-01.2026-01-02",
    "done.2026-01-01.2026-01-02.99999999999999999999", "done.2026-01-01.2026-01-02.1.2",
)  # fmt: skip


def test_what_cannot_be_reported_is_said_in_a_sentence(client, commune):
    opened_as(client, "supervisor")

    for query, says in CANNOT_BE_REPORTED.items():
        response = client.get(f"{URL}?{query}")

        assert response.status_code == 200
        assert says in response.content.decode(), query


def test_a_list_of_no_number_is_left_out_of_the_queue_and_gives_no_file(client, commune):
    opened_as(client, "supervisor")

    for value in NO_NUMBERS:
        file = client.get(f"{URL}ho-so/", {"so-lieu": value, "dang": "csv"})
        queue = client.get(reverse("admin:dossiers_dossier_changelist"), {"so-lieu": value})

        assert (file.status_code, queue.status_code) == (400, 200), value


def test_the_number_of_queries_does_not_grow_with_the_dossiers(client, some_work, commune):
    opened_as(client, "supervisor")
    client.get(URL, {"ky": "nam"})

    with CaptureQueriesContext(connection) as few:
        client.get(URL, {"ky": "nam"})
    for day in range(2, 24):
        done(commune, "late", at(day), assignee=factories.official("case_officer"))
    tallies.mark_stale(date(2026, 11, 2), date(2026, 11, 23))
    tallies.roll()
    with CaptureQueriesContext(connection) as many:
        client.get(URL, {"ky": "nam"})

    assert len(many) == len(few)


# --- Files ------------------------------------------------------------------------------


def test_tables_are_taken_as_a_workbook_with_real_numbers(client, some_work):
    opened_as(client, "supervisor")

    response = client.get(f"{URL}tai/", {**LAST_PERIOD, "dang": "xlsx"})

    book = openpyxl.load_workbook(io.BytesIO(response.content))
    rows = list(book["Theo lĩnh vực"].values)
    assert rows[0][0] == "Lĩnh vực"
    assert rows[1][rows[0].index("Xong quá hạn")] == 2
    assert book["Theo lĩnh vực"].freeze_panes == "A2"
    assert response["Content-Disposition"].endswith('.xlsx"')


def test_tables_are_taken_as_csv_that_excel_reads_as_utf8(client, some_work):
    opened_as(client, "supervisor")

    response = client.get(f"{URL}tai/", {**LAST_PERIOD, "dang": "csv"})

    content = b"".join(response.streaming_content)
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    [total] = [row for row in rows if row["Bảng"] == "Tổng cộng"]
    assert (total["Xong quá hạn"], total["Rút"]) == ("2", "1")


def test_a_list_is_taken_without_any_cell_that_runs_and_the_taking_is_recorded(
    client, commune, run_tasks
):
    supervisor = opened_as(client, "supervisor")
    bad = factories.user(full_name='=HYPERLINK("http://a.vn")')
    done(commune, "late", at(24, 8), owner=bad, late_minutes=-15)

    plain = rows_of(client, "?so-lieu=done.2026-11-24.2026-11-24")
    book = client.get(f"{URL}ho-so/?so=done&tu=2026-11-24&den=2026-11-24&dang=xlsx").content
    [_header, row] = openpyxl.load_workbook(io.BytesIO(book))["Hồ sơ"].rows

    assert plain[0][3] == '\'=HYPERLINK("http://a.vn")'
    assert plain[0][-1] == "-15"
    assert row[3].data_type == "s"
    assert row[3].value.startswith("'=")
    assert row[-1].value == -15
    assert row[8].value == datetime.datetime(2026, 11, 20, 8, 0)
    entries = LogEntry.objects.filter(user=supervisor)
    assert entries.count() == 2
    assert "1 hồ sơ" in entries.first().change_message
    run_tasks()
    assert Event.objects.get(name="look", data__what="list").actor == supervisor


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=1", "\n=1", " =1", "'=1", '"=1', "＝1", "|x"],
)
def test_a_text_that_could_be_a_formula_begins_with_an_apostrophe(text):
    assert str(export.safe(text)).startswith("'")


@pytest.mark.parametrize("value", ["Nguyễn Văn An", "000.00.61.H50-261124-0001", -5, 0.5, None, ""])
def test_other_values_stay_as_they_are(value):
    assert export.safe(value) == value


def test_a_list_that_is_too_long_is_refused_with_what_to_do(client, commune, monkeypatch):
    from dossiers.admin import reports

    opened_as(client, "supervisor")
    monkeypatch.setattr(reports, "MOST_ROWS", 1)
    for _n in range(2):
        dossier(commune)

    response = client.get(f"{URL}ho-so/", {"so": "received", "ky": "nam", "dang": "csv"})

    assert response.status_code == 400
    assert "kỳ ngắn hơn" in response.content.decode()
    assert not LogEntry.objects.exists()


# --- The official report ----------------------------------------------------------------


def keep(client, commune, **points):
    return client.post(
        f"{URL}da-chot/",
        {"agency": commune.pk, "first": "2026-10-15", "last": "2026-11-14", **points},
    )


def test_a_report_is_kept_once_unless_wished_again(client, some_work, commune):
    opened_as(client, "leader")
    keep(client, commune)

    again = keep(client, commune)
    wished = keep(client, commune, again="on")

    assert again.status_code == 400
    assert "đã chốt (số 01/BC)" in again.content.decode()
    assert wished.status_code == 302
    assert [paper.facts["symbol"] for paper in OfficePaper.objects.order_by("pk")] == [
        "01/BC", "02/BC",
    ]  # fmt: skip
    assert "02/BC" in client.get(f"{URL}da-chot/").content.decode()


CANNOT_BE_KEPT = (
    ({"last": "2026-12-14", "first": "2026-11-15"}, "chưa kết thúc"),
    ({"first": "2026-11-14", "last": "2026-10-15"}, "Ngày bắt đầu phải trước"),
    ({"first": "", "last": ""}, "Hãy ghi đủ hai ngày"),
    ({"points_7": "3"}, "Điểm là số từ 0 đến 2"),
    ({"points_7": "1,25"}, "Điểm là số từ 0 đến 2"),
    ({"agency": "999"}, "không thuộc phạm vi"),
)


def test_a_report_that_cannot_be_kept_says_why_and_keeps_nothing(client, commune):
    opened_as(client, "leader")

    for changes, says in CANNOT_BE_KEPT:
        response = keep(client, commune, **changes)

        assert response.status_code == 400
        assert says in response.content.decode(), changes
    assert not OfficePaper.objects.exists()


def test_a_supervisor_reads_kept_reports_and_keeps_none(client, some_work, commune):
    opened_as(client, "leader")
    keep(client, commune)
    opened_as(client, "supervisor")

    page = client.get(f"{URL}da-chot/").content.decode()

    assert "01/BC" in page
    assert "Chốt và ký số" not in page
    assert keep(client, commune, again="on").status_code == 403
    opened_as(client, "leader", office=factories.OTHER_COMMUNE)
    assert "01/BC" not in client.get(f"{URL}da-chot/").content.decode()
    token = OfficePaper.objects.get().token
    assert client.get(f"/quan-tri/giay-to-co-quan/{token}/").status_code == 404


def test_days_that_are_not_counted_yet_keep_a_report_back(client, some_work, commune):
    opened_as(client, "leader")
    tallies.mark_stale(date(2026, 11, 3), date(2026, 11, 3))

    response = keep(client, commune)

    assert response.status_code == 400
    assert "đang được tổng hợp" in response.content.decode()


def test_points_that_nobody_gave_are_not_made_up(some_work, commune):
    leader = factories.official(Posting.Role.LEADER)
    period = periods.Period(date(2026, 10, 15), date(2026, 11, 14))

    without = official.facts(commune, period, judged={}, by=leader)
    points = {number: Decimal(2) for number in official.JUDGED}
    complete = official.facts(commune, period, judged=points, by=leader)

    given = {row["number"]: row["points"] for row in without["indicators"]}
    # 2 + 1 + 0 + 0 over 4; nothing had to be supplemented; an online dossier was late.
    assert given == {
        1: "0,8", 2: "", 3: "2", 4: "2", 5: "", 6: "", 7: "", 8: "", 9: "0",
    }  # fmt: skip
    assert (without["points"], without["grade"]) == ("", "")
    assert (complete["points"], complete["grade"]) == ("14,8", "tốt")
    assert unquote(str(complete["countables"])).count("không có số liệu") == 4


def test_ratings_and_complaints_of_the_period_are_counted_in_the_report(some_work, commune):
    period = periods.Period(date(2026, 10, 15), date(2026, 11, 14))
    scope = figures.Scope(frozenset({commune.pk}))
    first, second, third = Dossier.objects.filter(handling_agency=commune)[:3]
    when = period.begin + datetime.timedelta(days=3)
    for rated, grade in ((first, 1), (second, 3)):
        Rating.objects.create(dossier=rated, overall=grade)
    Rating.objects.update(rated_at=when)
    Rating.objects.create(dossier=third, overall=3)  # after the period
    Complaint.objects.create(
        dossier=first, agency=commune, kind=Complaint.Kind.FEEDBACK, text="x",
        made_by=first.owner, due_at=when, answered_at=period.begin, form_key="k",
    )  # fmt: skip

    assert satisfaction.satisfied(period, scope) == (1, 2)
    assert satisfaction.answered_in_time(period, scope) == (1, 1)
