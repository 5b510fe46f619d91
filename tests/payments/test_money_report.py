"""The month's report: its sheets agree with each other and with the books, and hold numbers."""

import datetime
import io

import openpyxl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dossiers.reports.periods import month_of
from payments import desk, moneyreport, refunds, services
from payments.models import Payment
from payments.moneyreport import Books
from procedures.models import Agency
from tests import factories
from tests.payments.conftest import MORNING
from tests.payments.test_refunds import line_to_return
from tests.payments.wire import call_back, query_string

pytestmark = pytest.mark.django_db

MONEY, REPORT = reverse("admin:money"), reverse("admin:money_report")


@pytest.fixture
def people():
    return factories.official("cashier"), factories.official("leader")


@pytest.fixture
def dossier(people):
    """Paid in cash, and once more at the gateway, which went back in cash to be counted."""
    cashier, leader = people
    dossier = factories.filed(factories.COPY)
    services.take_cash(dossier.payments.get(), by=cashier)
    again = services.ask(dossier, dossier.payments.get().lines)
    services.confirm(again, amount=again.amount, transaction_number="=14+1")
    again.refresh_from_db()
    refund = refunds.propose(
        again, by=cashier, amount=again.amount, way="transfer", reason="=HYPERLINK(1)",
        to_name="An", to_account="1", to_bank="A",
    )  # fmt: skip
    refund = refunds.decide(refund, by=leader, is_approved=True)
    refunds.note_transfer(refund, by=cashier, number="FT9")
    found = desk.drawer(dossier.receiving_agency, cashier)
    desk.close_drawer(
        dossier.receiving_agency, by=cashier, counted=15_000, mark=found.mark, note="-1000"
    )
    return dossier


def sheets(content):
    book = openpyxl.load_workbook(io.BytesIO(content))
    return {sheet.title: [list(row) for row in sheet] for sheet in book}


def values(rows):
    return [[cell.value for cell in row] for row in rows]


@pytest.mark.both_databases
def test_the_sheets_agree_with_each_other_and_with_the_books(client, dossier, people):
    client.force_login(people[0])

    response = client.get(REPORT, {"thang": "2026-11"})

    assert response.status_code == 200 and ".xlsx" in response["Content-Disposition"]
    found = sheets(response.content)
    ways, fees, days = (
        values(found[name]) for name in ("Theo cách nộp", "Theo khoản thu", "Theo ngày")
    )
    assert ways[-1] == ["Cộng", 2, 32_000, 16_000, 16_000]
    assert fees[-1][2:] == [2, 32_000]
    assert days[1] == [datetime.datetime(2026, 11, 25), 2, 32_000, 16_000, 16_000]
    receipts = values(found["Xác nhận thanh toán"])
    assert [row[0] for row in receipts[1:-1]] == [f"XNTT-2026/000000{n}" for n in (1, 2, 3)]
    assert [row[6] for row in receipts[1:]] == [16_000, 16_000, -16_000, 16_000]
    assert [row[9] for row in receipts[1:-1]] == [
        "Có hiệu lực", "Đã hủy bởi số 3/2026", "Bút toán hủy số 2/2026"
    ]  # fmt: skip
    assert values(found["Hoàn trả"])[-1][5] == 16_000
    assert values(found["Chốt quầy"])[-1][4:8] == [16_000, 0, 15_000, -1_000]


def test_no_cell_is_a_formula_and_no_payer_is_named(dossier):
    content = moneyreport.workbook(
        Books(frozenset({dossier.receiving_agency_id}), month_of(MORNING.date()))
    )

    cells = [cell for rows in sheets(content).values() for row in rows for cell in row]
    texts = [cell.value for cell in cells if isinstance(cell.value, str)]
    assert not any(cell.data_type == "f" for cell in cells)
    assert {"'=14+1", "'=HYPERLINK(1)", "'-1000"} <= set(texts)
    assert dossier.owner.full_name not in texts


def test_what_went_back_of_a_credit_for_nobody_is_no_less_of_what_came(people):
    cashier, leader = people
    agency = Agency.objects.get(code=factories.DESK)
    line = line_to_return(agency)
    refund = refunds.propose(
        line, by=cashier, amount=line.amount, way="transfer", reason="Không rõ",
        to_name="An", to_account="1234", to_bank="A",
    )  # fmt: skip
    refund = refunds.decide(refund, by=leader, is_approved=True)
    refunds.note_transfer(refund, by=cashier, number="FT9")
    books = Books(frozenset({agency.pk}), month_of(MORNING.date()))

    assert list(moneyreport.by_way(books)) == [["Cộng", 0, 0, 0, 0]]
    assert list(moneyreport.by_day(books)) == [["Cộng", 0, 0, 0, 0]]
    *_, of_payments, everything = moneyreport._refund_rows(books)
    assert (of_payments[5], everything[5]) == (0, line.amount)


def test_a_month_without_money_has_its_headings_and_sums_of_nothing():
    found = sheets(moneyreport.workbook(Books(frozenset(), month_of(MORNING.date()))))

    assert values(found["Theo cách nộp"])[-1] == ["Cộng", 0, 0, 0, 0]
    assert values(found["Theo khoản thu"])[-1] == ["Cộng", None, 0, 0]
    assert all(len(rows) == 2 for rows in found.values())


def test_a_longer_month_asks_the_database_no_more_often(dossier, people):
    mine = Books(frozenset({dossier.receiving_agency_id}), month_of(MORNING.date()))

    def queries():
        with CaptureQueriesContext(connection) as asked:
            for _title, _heading, rows in moneyreport.sheets(mine):
                list(rows)
        return len(asked)

    before = queries()
    for _more in range(2):
        services.take_cash(factories.filed(factories.COPY).payments.get(), by=people[0])

    assert queries() == before


@pytest.mark.parametrize("query", [{"thang": "2026-13"}, {"thang": "2031-01"}, {"co-quan": "9999"}])
def test_a_month_or_office_that_is_none_gives_a_sentence_and_no_file(client, people, query):
    client.force_login(people[0])

    response = client.get(REPORT, query)

    assert response.status_code == 400
    assert "<h1>" in response.text


def test_more_than_a_workbook_holds_is_refused(client, dossier, people, monkeypatch):
    monkeypatch.setattr(moneyreport, "MOST", 2)
    client.force_login(people[1])

    response = client.get(REPORT)

    assert response.status_code == 400
    assert "quá nhiều xác nhận" in response.text


def test_the_overview_says_what_waits_and_shows_the_closes(client, dossier, people, clock):
    services.take_cash(factories.filed(factories.COPY).payments.get(), by=people[0])
    Payment.objects.filter(method="vnpay").update(needs_refund=True)
    half = services.begin(factories.filed(factories.COPY))
    for _again in range(2):
        assert call_back(query_string(half, vnp_Amount=half.amount * 50))["RspCode"] == "04"
    clock.shift(datetime.timedelta(days=1))
    client.force_login(people[1])

    page = client.get(MONEY).text
    client.force_login(factories.official("leader", factories.OTHER_COMMUNE))
    elsewhere = client.get(MONEY).text

    waits = (
        "1 khoản cần hoàn trả", "2 ngày có tiền chưa đối chiếu", "chưa chốt quầy tại",
        "1 khoản cổng thanh toán báo khác với sổ",
    )  # fmt: skip
    assert all(words in page for words in waits)
    assert "48.000" in page and "Mở" in page and "-1000" in page
    assert "Không có việc nào về tiền đang chờ" in elsewhere
    assert "48.000" not in elsewhere
