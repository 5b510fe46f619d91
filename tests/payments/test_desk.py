"""The cash desk: fees whose amount the cashier types, drawers, and their closes."""

import datetime
import time
from types import SimpleNamespace

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dossiers import filing, papers, results, workflow
from dossiers.models import Dossier, OfficePaper, Paper
from payments import counterfees, desk, services
from payments.models import CashClose, CashMovement, Payment
from payments.money import read_dong, signed
from tests import factories
from tests.payments.test_payment_races import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def dossier():
    return factories.filed(factories.COPY)


@pytest.fixture
def cashier(dossier):
    return factories.official("cashier")


@pytest.fixture
def office(dossier):
    return dossier.receiving_agency


def take(dossier, cashier):
    assert services.take_cash(dossier.payments.last(), by=cashier)


def close(office, cashier, counted, note=""):
    found = desk.drawer(office, cashier)
    return desk.close_drawer(office, by=cashier, counted=counted, mark=found.mark, note=note)


DESK = reverse("admin:cash_desk")
LATE = "Lệ phí đăng ký khai sinh không đúng hạn"


@pytest.fixture
def late_birth():
    """A birth registered late: the catalogue knows no amount of its fee."""
    draft = factories.draft(factories.BIRTH)
    draft.answers["be"]["ngay_sinh"] = "2026-01-05"
    draft.save(update_fields=["answers"])
    return workflow.perform(draft, "submit", by=draft.owner)


def close_address(office):
    return reverse("admin:cash_close", args=[office.pk])


@pytest.mark.both_databases
def test_cash_lies_in_the_drawer_of_who_took_it_until_it_is_closed(dossier, cashier, office):
    take(dossier, cashier)
    colleague = factories.official("cashier")
    take(factories.filed(factories.COPY), colleague)

    found = desk.drawer(office, cashier)
    closed, _paper = close(office, cashier, found.taken)

    assert [row.payment.dossier for row in found.movements] == [dossier]
    assert (found.given_back, found.expected) == (0, dossier.payments.get().amount)
    assert (closed.number, closed.taken, closed.difference) == (1, found.taken, 0)
    assert CashMovement.objects.get(close=closed).cashier == cashier
    assert desk.drawer(office, cashier).movements == []
    assert desk.drawer(office, colleague).taken == found.taken


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
class TestTwoPresses:
    """The same drawer closed twice at once, with a control that takes the lock away."""

    def pressed_twice(self, dossier, cashier, office, monkeypatch):
        take(dossier, cashier)
        drawer, ask_for = desk.drawer(office, cashier), desk._list_of

        def slowly(*args, **details):
            time.sleep(0.1)
            return ask_for(*args, **details)

        monkeypatch.setattr(desk, "_list_of", slowly)

        def press():
            return desk.close_drawer(office, by=cashier, counted=drawer.taken, mark=drawer.mark)

        return at_once(press, press)

    def test_two_presses_close_once(self, dossier, cashier, office, monkeypatch):
        answers = self.pressed_twice(dossier, cashier, office, monkeypatch)

        assert sum(isinstance(answer, desk.NothingToClose) for answer in answers) == 1
        assert CashClose.objects.count() == 1

    def test_without_the_lock_they_do_not_agree(self, dossier, cashier, office, monkeypatch):
        monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, *a, **options: rows.all())

        answers = self.pressed_twice(dossier, cashier, office, monkeypatch)

        assert not any(isinstance(answer, desk.NothingToClose) for answer in answers)


# --- The page -------------------------------------------------------------------------


def test_the_cashier_finds_a_dossier_and_takes_the_cash_with_one_press(client, dossier, cashier):
    client.force_login(cashier)
    paper = Paper.objects.create(dossier=dossier, kind="receipt", facts={}, number=9)
    code, payment = dossier.code, dossier.payments.get()
    card = "045190001234|012345678|Trần Thị Bình|02031990|Nữ|Thôn 5, Gio Linh|10052021"
    ways = [code, code[-11:], "tran thi binh", f"https://x.vn/xac-thuc/{paper.token}/",
            f"mc{payment.reference}", card, "0912345678"]  # fmt: skip

    pages = [client.get(DESK, {"q": text}).text for text in ways]
    sent = {"code": code, "expected": payment.amount}
    wrong = client.post(DESK, sent | {"expected": "1"}, follow=True).text
    taken = client.post(DESK, sent, follow=True).text
    again = client.post(DESK, sent, follow=True).text

    assert all("Thu 16.000 đồng tiền mặt" in page for page in pages)
    assert "vừa thay đổi" in wrong
    assert "Đã thu 16.000 đồng tiền mặt, xác nhận số 1/2026" in taken
    assert "1 khoản từ lần chốt trước" in taken
    assert "đã được nộp trước đó" in again
    assert CashMovement.objects.get().cashier == cashier


def test_what_nobody_means_and_what_is_of_another_desk_is_not_found(client, dossier):
    client.force_login(factories.official("cashier", factories.OTHER_COMMUNE))

    found = client.get(DESK, {"q": dossier.code})
    one_letter = client.get(DESK, {"q": "a"})
    taken = client.post(DESK, {"code": dossier.code, "expected": "16000"})

    assert "Không tìm thấy hồ sơ nào" in found.text
    assert "ít nhất hai chữ" in one_letter.text
    assert taken.status_code == 404
    assert not CashMovement.objects.exists()


def test_the_desk_asks_the_database_as_often_for_one_dossier_as_for_three(client, cashier):
    client.force_login(cashier)
    factories.filed(factories.COPY)

    def queries():
        with CaptureQueriesContext(connection) as asked:
            client.get(DESK, {"q": "tran thi binh"})
        return len(asked)

    queries()
    one = queries()
    for _more in range(2):
        factories.filed(factories.COPY)

    assert queries() == one


# --- Fees whose amount is typed -------------------------------------------------------


def test_a_fee_without_an_amount_is_typed_with_its_source_and_counts_as_settled(client, late_birth):
    cashier = factories.official("cashier")
    client.force_login(cashier)
    key = late_birth.revision.fees.get(name=LATE).key
    amount, source = f"{late_birth.pk}-amount_{key}", f"{late_birth.pk}-source_{key}"
    sent = {"code": late_birth.code, "expected": "0"}
    assert results.unknown_fees(late_birth) == [LATE]
    assert LATE in client.get(DESK, {"q": late_birth.code}).text

    unsaid = client.post(DESK, sent | {amount: "8.000", source: ""})
    spelled = client.post(DESK, sent | {amount: "tám nghìn", source: "NQ 13"})
    taken = client.post(DESK, sent | {amount: "8.000", source: "NQ 13/2022, điều 2"}, follow=True)
    again = client.post(DESK, sent | {amount: "8.000", source: "NQ 13"}, follow=True)

    assert unsaid.status_code == spelled.status_code == 400
    assert "số, ký hiệu văn bản quy định" in unsaid.text and "8.000" in unsaid.text
    assert "số nguyên đồng" in spelled.text
    assert "Đã thu 8.000 đồng" in taken.text
    assert "đã được nộp trước đó" in again.text
    payment = late_birth.payments.get()
    [line] = payment.lines
    assert (line["amount"], line["source"], line["typed_by"]) == (
        8000, "NQ 13/2022, điều 2", cashier.pk
    )  # fmt: skip
    assert not payment.needs_refund and payment.receipt.number == 1
    assert results.unknown_fees(Dossier.objects.get(pk=late_birth.pk)) == []


def test_only_unknown_fees_are_typed_and_by_the_desk_s_cashier_alone(dossier, late_birth):
    cashier, reception = factories.official("cashier"), factories.official("reception")
    key = late_birth.revision.fees.get(name=LATE).key

    def take(by, typed):
        counterfees.take_cash(late_birth, by=by, expected=0, amounts=typed)

    with pytest.raises(workflow.NotAllowed):
        take(reception, {key: (8000, "NQ 13")})
    with pytest.raises(workflow.NotPossible):
        take(cashier, {"khong_co": (8000, "NQ 13")})
    for amount, source in ((0, "NQ 13"), (-5, "NQ 13"), (8000, "  "), (10**12, "NQ 13")):
        with pytest.raises(workflow.Refused):
            take(cashier, {key: (amount, source)})

    assert not Payment.objects.filter(dossier=late_birth).exists()


@pytest.mark.parametrize(
    ("text", "amount"),
    [("8000", 8000), (" 8.000 đ", 8000), ("1 250 000 đồng", 1_250_000), ("8,000VND", 8000)],
)
def test_amounts_are_read_as_people_type_them(text, amount):
    assert read_dong(text) == amount


@pytest.mark.parametrize(
    "text", ["", "-8000", "8.00", "8.000,5", "8.000 000", "٨", "8e3", "9" * 30]
)
def test_what_is_no_whole_amount_is_refused(text):
    with pytest.raises(ValueError, match="no amount"):
        read_dong(text)


# --- The close ------------------------------------------------------------------------


def test_the_close_is_counted_explained_and_printed_once(client, dossier, cashier, office, clock):
    take(dossier, cashier)
    clock.shift(datetime.timedelta(days=1))
    client.force_login(cashier)
    address, mark = close_address(office), desk.drawer(office, cashier).mark
    assert [row["cashier"] for row in desk.left_open([office.pk])] == [cashier]

    def press(**typed):
        return client.post(address, {"mark": mark} | typed)

    refusals = {
        "không có tiền thì ghi 0": press(),
        "số nguyên đồng": press(counted="mười nghìn"),
        "xin ghi rõ vì sao": press(counted="15.000"),
        "Cộng theo tờ được 10.000 đồng": press(counted="16.000", notes_10000="1"),
        "xin đếm lại": press(counted="16.000", mark="9-9"),
    }
    closed = press(notes_10000="1", notes_5000="1", note="Thiếu một nghìn")
    second = client.post(address, {"mark": mark, "counted": "0"}, follow=True)

    for words, response in refusals.items():
        assert response.status_code == 400 and words in response.text
    close, paper = CashClose.objects.get(), OfficePaper.objects.get()
    assert (close.counted, close.difference, close.note) == (15000, -1000, "Thiếu một nghìn")
    assert closed.url == reverse("admin:office_paper", args=[paper.token])
    assert "Quầy đã chốt" in second.text
    assert desk.left_open([office.pk]) == []
    printed = render_to_string(
        "papers/cash_close.html", papers.print_context(paper.facts, paper.token)
    )
    said = ("0000001", dossier.code, "Mười sáu nghìn đồng", signed(-1000), cashier.full_name,
            "Mười lăm nghìn đồng", "01/BKTM", "Thiếu một nghìn")  # fmt: skip
    assert all(words in printed for words in said)
    assert dossier.owner.full_name not in printed


def test_a_drawer_of_somewhere_else_is_not_found(client, dossier, cashier, office):
    client.force_login(factories.official("cashier", factories.OTHER_COMMUNE))

    assert client.get(close_address(office)).status_code == 404


# --- One attempt at a time ------------------------------------------------------------


@pytest.mark.parametrize("move", ["complete", "request_payment"])
def test_what_was_left_at_the_counter_is_asked_again_in_one_attempt(dossier, move):
    pending = dossier.payments.get()
    [later] = filing.charges(dossier)
    fees = [SimpleNamespace(as_data=lambda: {**later.as_data(), "key": "sau"})]
    if move == "complete":
        fees.append(later)

    services.follow_dossier(
        Dossier,
        SimpleNamespace(dossier=dossier, fee_lines=fees, data={}, action=workflow.ACTIONS[move]),
    )

    asked = dossier.payments.get(state=Payment.State.PENDING)
    assert asked != pending
    assert {line["key"] for line in asked.lines} == {later.key, "sau"}
