"""The cashier's pages of the money on the bank account."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from payments import services
from payments.models import BankLine, BankStatement, Payment, Receipt
from procedures.models import Agency
from tests import factories
from tests.payments.test_bank_matching import State, credit, fresh, office, table, take, waiting

pytestmark = pytest.mark.django_db

LIST = reverse("admin:bank_lines")


@pytest.fixture
def dossier():
    return factories.filed(factories.COPY)


@pytest.fixture
def payment(dossier):
    return services.begin(dossier, Payment.Method.VIETQR)


@pytest.fixture
def cashier(client):
    person = factories.official("cashier")
    client.force_login(person)
    return person


def page_of(line):
    return reverse("admin:bank_line", args=[line.pk])


def send_file(client, content, name="sao-ke.csv", agency=None):
    file = SimpleUploadedFile(name, content)
    return client.post(LIST, {"account": (agency or office()).pk, "file": file}, follow=True)


def test_a_statement_is_uploaded_read_and_shown_with_its_faults(client, cashier, payment):
    content = table(
        f"24/11/2026;F1;16.000;MC{payment.reference}", "24/11/2026;F2;-5;x", "24/11/2026;F3;7;<b>y"
    )

    response = send_file(client, content)
    again = send_file(client, content)

    assert "2 khoản mới, 1 khoản tự ghép, 0 đã biết" in response.text
    assert "Dòng 3: số tiền ghi có là số âm" in response.text
    assert "&lt;b&gt;y" in response.text
    assert "0 khoản mới, 0 khoản tự ghép, 2 đã biết" in again.text
    assert fresh(payment).state == Payment.State.PAID


def test_a_file_that_is_no_statement_is_refused_on_the_page_and_changes_nothing(client, cashier):
    for content, said in (
        (b"\xff\xfe\x00\xd8\x00", "bảng mã chữ"),
        (b"PK\x03\x04", "bị hỏng"),
        (b"", "Tệp trống"),
        (b"x" * (5 * 1024 * 1024 + 1), "5 MB"),
        (b"So tai khoan: 0011000000099;;\n" + table(), "không phải tài khoản"),
    ):
        response = send_file(client, content)
        assert response.status_code == 409
        assert said in response.text

    assert not BankStatement.objects.exists() and not BankLine.objects.exists()


def test_nobody_uploads_for_the_account_of_another_office(client, cashier):
    other = Agency.objects.get(code=factories.OTHER_COMMUNE)

    response = send_file(client, table("24/11/2026;F1;16.000;x"), agency=other)

    assert response.status_code == 409
    assert not BankLine.objects.exists()


def test_the_cashier_gives_a_waiting_line_to_the_payment_that_is_suggested(
    client, cashier, dossier, payment
):
    line = waiting("le phi", payer_name=dossier.owner.get_full_name())
    assert "Nội dung không có mã thanh toán" in client.get(LIST).text
    shown = client.get(page_of(line)).text
    assert f'value="{payment.reference}" checked' in shown
    assert "người chuyển giống" in shown

    response = client.post(
        page_of(line), {"payment": payment.reference, "do": "assign"}, follow=True
    )

    assert f"vào hồ sơ {dossier.code}" in response.text
    assert fresh(line).payment == payment
    assert Receipt.objects.get().received_by == cashier


def test_the_cashier_types_the_code_of_a_dossier_and_adds_a_line(client, cashier, dossier, payment):
    first, second = waiting("le phi", 10_000), waiting("le phi them", 7_000)
    typed = {"typed": f" {dossier.code.lower()} ", "do": "assign"}

    alone = client.post(page_of(first), typed)
    client.post(page_of(first), {**typed, "lines": [second.pk, "x", "9" * 30]})

    assert alone.status_code == 409 and "còn thiếu 6.000 đồng" in alone.text
    assert dossier.code.lower() in alone.text
    assert fresh(payment).state == Payment.State.PAID
    assert fresh(second).excess == 1_000
    assert "thừa 1.000 đồng, cần hoàn trả" in client.get(LIST, {"loc": "hoan"}).text
    shown = client.get(page_of(second)).text
    assert "Thừa 1.000 đồng" in shown
    assert reverse("admin:refund_propose_line", args=[second.pk]) in shown


def test_what_belongs_to_no_dossier_is_set_aside_and_taken_back(client, cashier):
    line = waiting("tien thue nha")

    nothing = client.post(page_of(line), {"do": "assign"})
    unknown = client.post(page_of(line), {"do": "assign", "typed": "000.01.61.H50-261125-9999"})
    no_note = client.post(page_of(line), {"do": "other"})
    client.post(page_of(line), {"do": "other", "note": "tiền thuê mặt bằng"})

    assert "Xin chọn một khoản" in nothing.text
    assert "Không thấy khoản chờ nộp" in unknown.text
    assert "khoản thu nào" in no_note.text
    assert fresh(line).state == State.OTHER
    assert "tiền thuê mặt bằng" in client.get(LIST, {"loc": "khac"}).text
    client.post(page_of(line), {"do": "reopen"})
    client.post(page_of(line), {"do": "return"})
    assert fresh(line).state == State.TO_RETURN


def test_who_leads_or_watches_looks_and_changes_nothing(client, payment):
    line = waiting("le phi")

    for role in ("leader", "supervisor"):
        client.force_login(factories.official(role))
        pages = [client.get(LIST).text, client.get(page_of(line)).text]
        assert all("16.000 đồng" in text for text in pages)
        assert not any('name="do"' in text or 'type="file"' in text for text in pages)
        typed = {"payment": payment.reference, "do": "assign"}
        assert client.post(page_of(line), typed).status_code == 403
        assert client.post(LIST, {}).status_code == 403

    assert fresh(line).state == State.WAITING


def test_for_another_office_a_line_is_not_found(client):
    line = waiting("le phi")
    client.force_login(factories.official("cashier", factories.OTHER_COMMUNE))

    assert client.get(page_of(line)).status_code == 404
    assert client.post(page_of(line), {"do": "return"}).status_code == 404
    assert "16.000 đồng" not in client.get(LIST).text


def test_a_desk_without_an_account_sees_that_of_the_office_above(client):
    factories.offices()
    district = Agency.objects.get(code="000.00.40.H50")
    line = BankLine.objects.create(
        agency=district, account="3905000000040", bank_reference="A", amount=9_000,
        booked_at="2026-11-24T09:00:00+07:00",
    )  # fmt: skip
    client.force_login(factories.official("cashier", "000.01.40.H50"))

    assert "9.000 đồng" in client.get(LIST).text
    client.post(page_of(line), {"do": "return"})

    assert fresh(line).state == State.TO_RETURN


def test_the_pages_ask_as_much_for_many_lines_as_for_few(client, cashier, payment):
    line = waiting("le phi 0")
    counts = []
    for number in range(2):
        for address in (LIST, page_of(line)):
            with CaptureQueriesContext(
                connection,
            ) as asked:
                client.get(address)
            counts.append(len(asked))
        if not number:
            take(*(credit(f"MC{payment.reference}", 5 + n, f"Q{n}") for n in range(30)))

    assert counts[2] <= counts[0] + 1  # one statement for the payments that memos name
    assert counts[3] <= counts[1]
    assert max(counts) <= 30
