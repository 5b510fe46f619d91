"""The numbers of receipts and of their counter-entries, and their list."""

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dossiers.models import Paper
from payments import receiptsearch, refunds, services
from payments.models import LegalReceipt, Receipt
from procedures import papers
from procedures.models import Posting
from tests import factories
from tests.payments.test_refunds import fresh, in_cash

pytestmark = pytest.mark.django_db


@pytest.fixture
def cashier():
    return factories.official(Posting.Role.CASHIER)


@pytest.fixture
def leader():
    return factories.official(Posting.Role.LEADER)


def paid_again(dossier, lines):
    """Money that nobody owed, on the same dossier."""
    payment = services.ask(dossier, lines)
    number = f"15{payment.pk:06d}"
    services.confirm(payment, amount=payment.amount, transaction_number=number)
    return fresh(payment)


def first_payment(dossier):
    payment = dossier.payments.get()
    services.confirm(payment, amount=payment.amount, transaction_number="14000001")
    return fresh(payment)


def test_counter_entries_take_the_next_number_and_leave_no_gap(cashier, leader):
    dossier = factories.filed(factories.COPY)
    first = first_payment(dossier)
    for _time in range(2):
        wrong = paid_again(dossier, first.lines)
        refunds.pay_out(in_cash(wrong, cashier, leader), by=cashier)
    with pytest.raises(RuntimeError):  # what is undone gives its number back
        _fail_after(lambda: paid_again(dossier, first.lines))
    last = paid_again(dossier, first.lines)

    rows = list(Receipt.objects.order_by("number"))
    assert [row.number for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row.cancels.number if row.cancels else None for row in rows] == [
        None, None, 2, None, 4, None,
    ]  # fmt: skip
    assert last.receipt.number == 6


def _fail_after(work):
    with transaction.atomic():
        work()
        raise RuntimeError


def test_the_print_lists_each_fee_and_the_counter_entry_names_what_it_cancels(cashier, leader):
    dossier = factories.filed(factories.COPY)
    line = dossier.payments.get().lines[0]
    other = line | {
        "name": "Phí xác minh", "amount": 4_000, "unit_amount": 8_000, "quantity": 1,
        "percent": 50, "exemption": "hộ nghèo", "exemption_law": "NQ 01/2026",
    }  # fmt: skip
    first_payment(dossier)
    payment = services.ask(dossier, [line, other])
    services.confirm(payment, amount=20_000, method="cash", by=cashier)
    refunds.pay_out(in_cash(fresh(payment), cashier, leader), by=cashier)

    facts = Paper.objects.get(kind=Paper.Kind.PAYMENT, number=2).facts
    entry = Paper.objects.get(kind=Paper.Kind.CANCELLED)
    assert [row["amount"] for row in facts["lines"]] == ["16.000", "4.000"]
    assert facts["total_in_words"] == "Hai mươi nghìn đồng"
    assert facts["lines"][1]["relief"] == "Giảm 50%: hộ nghèo (NQ 01/2026)"
    assert (entry.facts["number"], entry.facts["cancelled_number"]) == ("0000003", "0000002")
    assert entry.facts["approved_by"] == leader.get_full_name()
    assert papers.render("papers/cancelled.html", {"facts": entry.facts}).startswith(b"%PDF")


FOUND = {
    "": 2, "1": 1, "0000001": 1, "XNTT-2026 0000002": 1, "1/2026": 1, "xntt-2025 1": 0,
    "00000077": 1, "GL-26E 77": 1, "14000001": 1, "3": 0, "' OR 1=1 --": 0, "9" * 90: 0, "²": 0,
}  # fmt: skip


def test_a_receipt_is_found_by_what_is_printed_on_it():
    first = first_payment(factories.filed(factories.COPY))
    second = factories.filed(factories.COPY).payments.get()
    services.confirm(second, amount=second.amount, transaction_number="14000002")
    LegalReceipt.objects.create(
        payment=first, state=LegalReceipt.State.ISSUED, sign="GL-26E", number="00000077"
    )

    found = {text: receiptsearch.matching(Receipt.objects.all(), text).count() for text in FOUND}

    assert found == FOUND


def test_the_list_costs_the_same_for_many_and_hides_other_offices(client, cashier):
    stranger = factories.official(Posting.Role.CASHIER, factories.OTHER_COMMUNE)
    dossier = factories.filed(factories.COPY)
    first = first_payment(dossier)
    counts = []
    for _round in range(2):
        client.force_login(cashier)
        counts.append(_queries(client, reverse("admin:receipts")))
        for _time in range(4):
            LegalReceipt.objects.create(payment=paid_again(dossier, first.lines))
    other = Client()
    other.force_login(stranger)

    assert counts[0] == counts[1]
    page = client.get(reverse("admin:receipts")).content.decode()
    assert (page.count(dossier.code), "Thử lại" in page) == (9, True)
    assert dossier.code not in other.get(reverse("admin:receipts")).content.decode()
    again = reverse("admin:legal_receipt_again", args=[Receipt.objects.last().pk])
    assert other.post(again).status_code == 404
    assert client.post(again).status_code == 302


def _queries(client, url):
    with CaptureQueriesContext(connection) as asked:
        client.get(url)
    return len(asked)
