"""A day of a gateway or of the bank beside ours, from files good and bad, and the pages."""

import datetime
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse

from dossiers import results
from dossiers.models import Dossier
from dossiers.reports.periods import of_day
from payments import books, reconcile, services, settlements
from payments.bank import matching
from payments.bank.credits import Credit
from payments.books import Scope
from payments.gateways import vietqr
from payments.models import GatewayMessage, Payment, Reconciliation, SandboxOrder
from payments.settlements import Entry
from procedures.tables import Unreadable
from tests import factories
from tests.payments.conftest import MORNING
from tests.payments.wire import call_back, query_string

pytestmark = pytest.mark.django_db

DAY = MORNING.date()
PAGE = reverse("admin:reconcile")
HEADING = "STT,Mã tham chiếu,Mã giao dịch,Số tiền,Thời gian giao dịch,Trạng thái"


@pytest.fixture
def paid():
    """Two dossiers whose fees of 16.000 đồng were paid at VNPAY this morning."""
    payments = [services.begin(factories.filed(factories.COPY)) for _ in range(2)]
    for payment in payments:
        call_back(query_string(payment))
    return [Payment.objects.get(pk=payment.pk) for payment in payments]


def settlement(*rows, heading=HEADING):
    lines = [f"{number},{row}" for number, row in enumerate(rows, 1)]
    return "\n".join(["BÁO CÁO ĐỐI SOÁT", heading, *lines, "Tổng cộng,,,,,"]).encode()


def row_of(payment, amount=16_000, number="", state="Thành công"):
    number = number or payment.transaction
    return f"{payment.reference},{number},{amount},25/11/2026 09:00:00,{state}"


def compared(content, scope=None, method="vnpay"):
    scope = scope or Scope(None, method, of_day(DAY))
    return reconcile.compare(method, scope, agency=None, name="vnpay.csv", content=content)


def kinds(found):
    return sorted(row.kind for row in found.differences)


def run(*arguments):
    """What the command prints and how it ends."""
    printed = io.StringIO()
    try:
        call_command("reconcile", *arguments, stdout=printed)
    except SystemExit as end:
        return printed.getvalue(), end.code
    return printed.getvalue(), 0


# --- A gateway's file -----------------------------------------------------------------


def test_a_file_with_the_same_payments_prints_nothing_and_ends_with_0(paid, tmp_path):
    file = tmp_path / "vnpay.csv"
    file.write_bytes(settlement(*map(row_of, paid)))

    found = compared(file.read_bytes())

    assert (found.count_ours, found.total_ours) == (2, 32_000)
    assert (found.count_theirs, found.total_theirs) == (2, 32_000)
    assert found.differences == []
    assert run("--method", "vnpay", "--day", "2026-11-25", "--file", str(file)) == ("", 0)


def test_what_one_side_has_and_the_other_has_not_is_said(paid, tmp_path):
    first, second = paid
    file = tmp_path / "vnpay.csv"
    file.write_bytes(
        settlement(
            row_of(first, number="999"),
            "KHONGCO234567890,1,8.000,25/11/2026 09:00:00,Thành công",
            row_of(second, state="Thất bại"),
        )
    )

    said, code = run("--method", "vnpay", "--day", "2026-11-25", "--file", str(file))

    assert code == 1
    lines = sorted(said.splitlines())
    number = first.transaction
    assert lines == [
        f"Mã giao dịch khác nhau: {first.reference}; sổ thu: {number}; đối tác: 999",
        f"Sổ thu đã ghi, đối tác không có: {second.reference}; sổ thu: 16.000 đồng",
        "Đối tác có, sổ thu chưa ghi: KHONGCO234567890; đối tác: 8.000 đồng",
    ]


def test_another_amount_and_the_same_order_twice_are_said(paid):
    first, second = paid

    found = compared(settlement(row_of(first, 15_000), row_of(second), row_of(second, number="7")))

    assert kinds(found) == ["amount", "theirs_twice"]


@pytest.mark.both_databases
def test_what_we_heard_of_a_day_later_is_compared_with_the_day_of_the_gateway(clock):
    payment = services.begin(factories.filed(factories.COPY))
    clock.shift(datetime.timedelta(days=1))
    call_back(query_string(payment))
    payment.refresh_from_db()

    found = compared(settlement(row_of(payment)))
    next_day = compared(
        settlement(heading=HEADING), Scope(None, "vnpay", of_day(DAY + datetime.timedelta(days=1)))
    )

    assert (found.count_ours, found.differences) == (1, [])
    assert (next_day.count_ours, next_day.differences) == (0, [])


def test_payments_of_other_offices_are_none_of_ours(paid):
    elsewhere = Scope(frozenset({0}), "vnpay", of_day(DAY))

    found = compared(settlement(*map(row_of, paid)), elsewhere)

    assert (found.count_ours, found.count_theirs, found.differences) == (0, 0, [])


def test_the_protocol_s_own_columns_are_read_in_hundredths():
    heading = "vnp_TxnRef;vnp_Amount;vnp_TransactionNo;vnp_PayDate;vnp_TransactionStatus"
    lines = f"{heading}\nABC;1600000;14;20261125090500;00\nABD;1600050;15;20261125090500;00\n"

    read = settlements.read(lines.encode())

    [entry] = read.entries
    assert entry == Entry("ABC", 16_000, "14", MORNING.replace(minute=5))
    assert [fault["line"] for fault in read.faults] == [3]


def test_a_refund_that_we_never_sent_is_said(paid):
    heading = HEADING + ",Loại giao dịch"
    refund = f"{row_of(paid[0])},Hoàn tiền"

    found = compared(
        settlement(*[f"{row_of(one)},Thanh toán" for one in paid], refund, heading=heading)
    )

    assert kinds(found) == ["refund_unknown"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "trống"),
        (b"mot,hai\n1,2\n", "tiêu đề"),
        (b"%PDF-1.7\n1", "CSV hoặc XLSX"),
        ("Mã tham chiếu,Số tiền".encode("utf-16") + b"\x00", "bảng mã"),
        (b"\x81\x8d\xff\xfe\xfa,\xf0\x90", "bảng mã"),
        (b"PK\x03\x04broken", "hỏng"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_a_sentence(content, words):
    with pytest.raises(Unreadable, match=words):
        compared(content)


def test_a_line_that_cannot_be_read_is_said_and_the_others_count(paid):
    found = compared(settlement(row_of(paid[0], "mười"), *map(row_of, paid)))

    assert [fault["line"] for fault in found.faults] == [3]
    assert found.count_theirs == 2 and found.differences == []


def test_the_sandbox_plays_the_other_side_where_no_file_is_given(paid):
    for payment in paid[:1]:
        SandboxOrder.objects.create(
            reference=payment.reference, amount=payment.amount * 100, response_code="00",
            number=payment.transaction, paid_at="20261125090500",
        )  # fmt: skip

    said, code = run("--method", "vnpay", "--day", "2026-11-25")

    assert code == 1
    assert said.splitlines() == [
        f"Sổ thu đã ghi, đối tác không có: {paid[1].reference}; sổ thu: 16.000 đồng"
    ]


# --- A bank's file --------------------------------------------------------------------


def test_a_statement_is_compared_with_the_credits_that_came(tmp_path):
    payment = services.begin(factories.filed(factories.COPY), Payment.Method.VIETQR)
    holder = vietqr.account_holder(payment.dossier.receiving_agency)
    memo = f"MC{payment.reference}"
    credits = [
        Credit(amount=16_000, booked_at=MORNING, memo=memo, reference="FT1"),
        Credit(amount=7_000, booked_at=MORNING, memo="khac", reference="FT2"),
    ]
    matching.take(credits, agency=holder, account=holder.bank_account["number"])
    file = tmp_path / "sao-ke.csv"
    lines = ["Ngày giao dịch,Số tham chiếu,Ghi nợ,Ghi có,Nội dung"]
    lines += [f"25/11/2026,FT1,,16000,{memo}", "25/11/2026,FT3,,9000,moi"]
    file.write_text("\n".join(lines))

    said, code = run(
        "--method", "vietqr", "--day", "2026-11-25", "--file", str(file), "--agency", holder.code
    )

    assert code == 1
    assert sorted(said.splitlines()) == [
        "Sổ thu đã ghi, đối tác không có: FT2; sổ thu: 7.000 đồng khac",
        "Đối tác có, sổ thu chưa ghi: FT3; đối tác: 9.000 đồng moi",
    ]


# --- What gateways say, and what they do not ------------------------------------------


@pytest.mark.both_databases
def test_money_said_to_have_come_again_and_a_payment_of_unknown_end_are_said(paid, clock):
    call_back(query_string(paid[0], vnp_TransactionNo="77777777"))
    waiting = services.begin(factories.filed(factories.COPY))
    assert [row.kind for row in books.differences()] == ["said_twice"]

    clock.shift(datetime.timedelta(days=2))

    found = {row.kind: row.reference for row in books.differences()}
    assert found == {"said_twice": paid[0].reference, "silent": waiting.reference}
    assert GatewayMessage.objects.filter(kind="twice").count() == 1


def test_a_fee_that_was_raised_is_paid_in_two_parts_and_a_third_is_too_much(paid):
    dossier = paid[0].dossier

    def stand(copies):
        dossier.answers["ban_sao"]["so_luong"] = copies
        dossier.save(update_fields=["answers"])
        return [row.kind for row in books.differences()]

    stand(3)
    [rest] = results.unpaid_fees(Dossier.objects.get(pk=dossier.pk))
    second = services.ask(dossier, [rest.as_data()])
    services.confirm(second, amount=8_000, transaction_number="9")
    Payment.objects.filter(pk=second.pk).update(needs_refund=False, refund_reason="")

    assert (stand(3), stand(2)) == ([], ["paid_twice"])


@pytest.mark.parametrize(
    "arguments",
    [
        ("--day", "2026-13-01"),
        ("--day", "2027-01-01"),
        ("--agency", "KHONGCO"),
        ("--file", "khong-co.csv"),
        ("--method", "vnpay", "--file", "khong-co.csv"),
        ("--method", "vietqr", "--file", "khong-co.csv"),
    ],
)
def test_a_wrong_question_is_answered_with_a_sentence(arguments):
    with pytest.raises(CommandError):
        call_command("reconcile", *arguments)


# --- The pages ------------------------------------------------------------------------


def test_the_cashier_compares_a_day_and_it_is_kept(client, paid):
    office = paid[0].dossier.receiving_agency
    client.force_login(factories.official("cashier"))
    assert "Chưa đối chiếu" in client.get(PAGE).text

    def send(content, **more):
        file = SimpleUploadedFile("vnpay.csv", content)
        sent = {"agency": office.pk, "method": "vnpay", "day": "2026-11-25", "file": file} | more
        return client.post(PAGE, sent, follow=True)

    broken, ahead = send(b"mot,hai\n1,2"), send(b"x", day="2030-01-01")
    right = send(settlement(*map(row_of, paid)))
    wrong = send(settlement(row_of(paid[0], 15_000), row_of(paid[1], "mười"), row_of(paid[1])))

    assert broken.status_code == ahead.status_code == 400
    assert "tiêu đề" in broken.text and "hôm nay" in ahead.text
    assert "không có chênh lệch nào" in right.text
    assert "Số tiền khác nhau" in wrong.text and "Dòng 4 của tệp không đọc được" in wrong.text
    first, second = Reconciliation.objects.order_by("pk")
    assert (first.count_ours, first.total_theirs, first.differences) == (2, 32_000, [])
    assert [row["kind"] for row in second.differences] == ["amount"]
    assert "1 chênh lệch" in client.get(PAGE).text


def test_leaders_read_what_was_compared_and_other_offices_do_not(client, paid):
    office = paid[0].dossier.receiving_agency
    kept = reconcile.keep(
        compared(settlement(*map(row_of, paid))), agency=office, method="vnpay", day=DAY,
        by=factories.official("cashier"),
    )  # fmt: skip
    address = reverse("admin:reconciliation", args=[kept.pk])
    sent = {"agency": office.pk, "method": "cash", "day": "2026-11-25"}

    client.force_login(factories.official("leader"))
    page, posted = client.get(PAGE), client.post(PAGE, sent)
    assert client.get(address).status_code == 200
    client.force_login(factories.official("cashier", factories.OTHER_COMMUNE))

    assert "Khớp" in page.text and '<input type="file"' not in page.text
    assert posted.status_code == 200 and Reconciliation.objects.count() == 1
    assert client.get(address).status_code == 404
    assert client.post(PAGE, sent).status_code == 400
