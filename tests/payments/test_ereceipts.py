"""The legal biên lai: issued once by a service that may be down, and void when money went back."""

import io

import pypdfium2
import pytest
from django.urls import reverse

from dossiers import signing
from payments import ereceipts, refunds, services
from payments.ereceipts import due, issuing
from payments.models import LegalReceipt, Payment, StandInReceipt
from procedures.models import Posting
from tests import factories
from tests.payments.test_refunds import fresh, in_cash

pytestmark = pytest.mark.django_db

State = LegalReceipt.State


class Service:
    """A service that answers as it is told, and keeps what it issued by our key."""

    name = "thử"

    def __init__(self, *faults):
        self.faults, self.issued, self.void = list(faults), {}, []

    def issue(self, order):
        """Issue it, though the answer to it may be lost."""
        number = f"{len(self.issued) + 1:08d}"
        found = ereceipts.Issued("01BLP0-001", "GL-26E", number, order.key, order.paid_at, b"%PDF")
        if self.faults and isinstance(self.faults[0], ereceipts.Refused):
            raise self.faults.pop(0)
        self.issued.setdefault(order.key, found)
        if self.faults:
            raise self.faults.pop(0)
        return self.issued[order.key]

    def find(self, key):
        return self.issued.get(key)

    def cancel(self, key, *, reason):
        if self.faults:
            raise self.faults.pop(0)
        self.void.append((key, reason))


@pytest.fixture
def paid():
    payment = factories.filed(factories.COPY).payments.get()
    services.confirm(payment, amount=payment.amount, transaction_number="14000001")
    return fresh(payment)


def served_by(monkeypatch, *faults):
    service = Service(*faults)
    monkeypatch.setattr(ereceipts, "service", lambda: service)
    return service


def text_of(pdf):
    return pypdfium2.PdfDocument(io.BytesIO(pdf))[0].get_textpage().get_text_range()


def test_the_stand_in_numbers_prints_and_signs_what_the_decree_asks_for(paid, client):
    row = issuing.issue(paid)
    again = issuing.issue(paid)

    with row.file.open() as file:
        pdf = file.read()
    words = text_of(pdf)
    assert (row.state, row.sign, row.number, again.pk) == (
        State.ISSUED, "GL-26E", "00000001", row.pk,
    )  # fmt: skip
    for said in (
        "BIÊN LAI THU PHÍ", "01BLP0-001", "GL-26E", "00000001", "3200000061", "16.000",
        "Mười sáu nghìn đồng", "ngày 25 tháng 11 năm 2026", "bản minh hoạ",
    ):  # fmt: skip
        assert said.lower() in words.lower(), said
    assert signing.check(pdf).is_intact
    assert StandInReceipt.objects.count() == 1
    address = reverse("payments:legal_receipt", args=[paid.reference])
    client.force_login(factories.user())
    assert client.get(address).status_code == 404
    client.force_login(paid.dossier.owner)
    response = client.get(address)
    assert (response.status_code, b"".join(response.streaming_content)) == (200, pdf)
    page = client.get(paid.dossier.get_absolute_url()).content.decode()
    assert "Tải biên lai GL-26E số 00000001" in page


def test_a_lost_answer_is_asked_for_again_and_issued_once(paid, monkeypatch, clock):
    service = served_by(monkeypatch, ereceipts.Unavailable())

    assert issuing.issue(paid).state == State.FAILED
    assert due.issue_again() == 0  # not yet
    clock.shift(600)
    assert (due.issue_again(), due.issue_again()) == (1, 0)

    row = LegalReceipt.objects.get()
    assert (row.state, row.number, row.attempts, row.failure) == (State.ISSUED, "00000001", 2, "")
    assert len(service.issued) == 1


def test_what_the_service_refuses_waits_for_the_cashier_with_its_words(paid, monkeypatch, client):
    served_by(monkeypatch, ereceipts.Refused("sai mã số thuế"))

    issuing.issue(paid)

    client.force_login(factories.official(Posting.Role.CASHIER))
    page = client.get(f"{reverse('admin:receipts')}?xem=cho-cap").content.decode()
    assert "Dịch vụ biên lai từ chối: sai mã số thuế" in page
    assert "Thử lại" in page


def test_money_that_went_back_voids_its_biên_lai_and_none_is_issued_after(paid, monkeypatch, clock):
    service = served_by(monkeypatch)
    issuing.issue(paid)
    Payment.objects.filter(pk=paid.pk).update(needs_refund=True, refund_reason="not_asked")
    cashier, leader = factories.official("cashier"), factories.official("leader")
    refunds.pay_out(in_cash(fresh(paid), cashier, leader), by=cashier)
    service.faults.append(ereceipts.Unavailable())

    assert due.cancel_void() == 0
    assert (due.cancel_void(), due.cancel_void()) == (1, 0)

    assert service.void == [(paid.reference, "Nộp hai lần")]
    assert LegalReceipt.objects.get().state == State.CANCELLED
    LegalReceipt.objects.update(state=State.FAILED)
    clock.shift(86_400)
    assert due.issue_again() == 0


def test_no_biên_lai_speaks_of_money_that_was_never_owed(paid, monkeypatch, settings):
    served_by(monkeypatch)
    second = services.ask(paid.dossier, paid.lines)
    services.confirm(second, amount=second.amount, transaction_number="14000002")

    assert issuing.issue(fresh(second)) is None
    settings.ERECEIPT_BACKEND = ""
    monkeypatch.undo()
    assert (ereceipts.service(), issuing.issue(paid), due.issue_again()) == (None, None, 0)
    assert not LegalReceipt.objects.exists()
