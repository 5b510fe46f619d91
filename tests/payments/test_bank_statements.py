"""Statement files of banks: what is read, what is refused, and in which words."""

import datetime
import io
import unicodedata
import zipfile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.bank import credits, statements
from payments.bank.credits import BadCell
from procedures.tables import Unreadable
from procedures.worktime import VIETNAM

HEADING = "Ngày giao dịch;Số tham chiếu;Ghi nợ;Ghi có;Diễn giải;Tên người chuyển"
LINES = (
    "24/11/2026 10:15:00;FT1;;16.000;MC lệ phí;Đặng Thị Tươi",
    "24/11/2026;FT2;5.000;;Phí dịch vụ;",
    "23/11/2026;FT3;;1.234.000;Nộp;",
)
TABLE = "\n".join((HEADING, *LINES))


def read(text, encoding="utf-8"):
    return statements.read("sao-ke.csv", text.encode(encoding))


def refused(content):
    """The sentence with which a file is refused."""
    with pytest.raises(Unreadable) as caught:
        statements.read("sao-ke", content)
    return str(caught.value)


def workbook(*rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def amounts(statement):
    return [credit.amount for credit in statement.credits]


def test_a_table_gives_its_credits_and_leaves_its_debits():
    found = read(TABLE)

    first = found.credits[0]
    assert amounts(found) == [16_000, 1_234_000]
    assert found.debits == 1 and found.faults == []
    assert first.booked_at == datetime.datetime(2026, 11, 24, 10, 15, tzinfo=VIETNAM)
    assert (first.reference, first.memo) == ("FT1", "MC lệ phí")
    assert first.payer_name == "Đặng Thị Tươi"


def in_1258(text):
    """As Windows in Vietnamese writes it: marks of tone on their own."""
    parts = []
    for char in text:
        try:
            parts.append(char.encode("windows-1258"))
        except UnicodeEncodeError:
            base, tone = unicodedata.normalize("NFD", char)[:1], unicodedata.normalize("NFD", char)
            marks = [mark for mark in tone[1:] if mark in "\u0300\u0301\u0303\u0309\u0323"]
            rest = unicodedata.normalize("NFC", base + "".join(set(tone[1:]) - set(marks)))
            parts.append((rest + "".join(marks)).encode("windows-1258"))
    return b"".join(parts)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [";", "\t", ","])
def test_every_encoding_and_delimiter_reads_the_same(encoding, delimiter):
    found = read(TABLE.replace(";", delimiter), encoding)

    assert found.credits == read(TABLE).credits


def test_a_file_of_windows_1258_reads_the_same():
    found = statements.read("sao-ke.csv", in_1258(TABLE))

    assert found.credits == read(TABLE).credits


@pytest.mark.parametrize(
    "content",
    [
        HEADING.encode() + b"\n24/11/2026;FT1;;16.000;\xb8\xb9\xa9\xab;",  # TCVN3
        b"\xff\xfe\x00\xd8\x00",
        b"a\x00b\x00\x00\xdc" * 3,
        bytes(range(128, 256)) * 4,
    ],
)
def test_a_statement_with_an_unknown_encoding_is_refused_with_a_sentence(content):
    assert "bảng mã chữ" in refused(content)


def test_negative_amounts_and_other_faults_are_named_with_their_line_and_the_rest_is_kept():
    bad = (
        "24/11/2026;A;;-16.000;âm;",
        "24/11/2026;B;;(16.000);âm;",
        "24/11/2026;C;;16.000,50;lẻ;",
        "24/11/2026;D;;1.234,000;lạ;",
        "24/11/2026;E;;mười nghìn;chữ;",
        ";F;;16.000;không ngày;",
        "31/02/2026;G;;16.000;không có ngày ấy;",
        "11/24/2026;H;;16.000;tháng trước;",
        "24/11/2036;I;;16.000;tương lai;",
        "24/11/2026;J;1.000;1.000;hai bên;",
        "24/11/2026;K;;9999999999999999;quá lớn;",
        "24/11/2026;L;;=SUM(A1:A9);công thức;",
        "24/11/2026;M;;;không tiền;",
    )

    found = read("\n".join((HEADING, LINES[0], *bad, LINES[2], "Tổng cộng;;;1.250.000;;")))

    assert amounts(found) == [16_000, 1_234_000]
    assert [fault["line"] for fault in found.faults] == list(range(3, 3 + len(bad)))
    said = [fault["text"] for fault in found.faults]
    assert said[0] == said[1] == "số tiền ghi có là số âm"
    assert "phần lẻ" in said[2] and "“mười nghìn”" in said[4] and "công thức" in said[11]


def test_the_same_line_twice_in_a_file_is_one():
    found = read("\n".join((TABLE, *LINES, "20/11/2026;;;5.000;A;", "20/11/2026;;;5.000;A;")))

    assert [credit.amount for credit in statements.all_lines(found)] == [16_000, 1_234_000, 5_000]


@pytest.mark.parametrize(
    "heading",
    [
        "Ngày GD,Số CT,PS Nợ,PS Có,Nội dung",
        "Transaction Date,Reference No,Debit,Credit (VND),Description",
        "NGÀY HẠCH TOÁN,MÃ GIAO DỊCH,SỐ TIỀN GHI NỢ,SỐ TIỀN GHI CÓ,DIỄN GIẢI",
        '"Ngày giao dịch\nTransaction date",Ref No,Nợ/ Debit,Có/ Credit,Mô tả/ Remarks',
    ],
)
def test_the_names_that_banks_give_their_columns_are_known(heading):
    above = 'NGÂN HÀNG,,\n"Số tài khoản: 0771 000 000 061",,'
    text = f'{above}\n{heading}\n24/11/2026,F1,,"16,000.00",MC\n'

    found = read(text)

    assert found.account == "0771000000061"
    assert amounts(found) == [16_000]
    assert (found.credits[0].reference, found.credits[0].memo) == ("F1", "MC")


def test_one_column_of_amounts_tells_money_out_by_its_sign_or_its_side():
    signed = read("Ngày,Số tiền,Nội dung\n24/11/2026,+16000,A\n24/11/2026,-5000,B\n")
    sided = read("Ngày,Số tiền,Nợ/Có\n24/11/2026,16000,C\n24/11/2026,5000,D\n24/11/2026,7000,Có\n")

    assert (amounts(signed), signed.debits) == ([16_000], 1)
    assert (amounts(sided), sided.debits) == ([16_000, 7_000], 1)


def test_a_workbook_is_read_with_its_numbers_and_days_and_without_its_formulas():
    moment = datetime.datetime(2026, 11, 24, 8, 30)
    content = workbook(
        ["Sao kê", None],
        HEADING.split(";"),
        [moment, 12345, None, 16_000, "MC", "An"],
        [moment, "X", None, 16_000.0, "MC", "An"],
        [moment, "Y", None, "=8000+8000", "MC", "An"],
        [moment, "Z", None, 0.5, "MC", "An"],
    )

    found = statements.read("sao-ke.xlsx", content)

    assert amounts(found) == [16_000, 16_000]
    assert found.credits[0].reference == "12345"
    assert found.credits[0].booked_at == moment.replace(tzinfo=VIETNAM)
    assert [fault["line"] for fault in found.faults] == [5, 6]


def zipped(size, parts=1):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for number in range(parts):
            packed.writestr(f"xl/{number}.xml", b" " * size)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Tệp trống"),
        (b" \r\n", "Tệp trống"),
        (b"x" * (5 * 1024 * 1024 + 1), "5 MB"),
        (b"PK\x03\x04 hong", "bị hỏng"),
        (zipped(10), "bị hỏng"),
        (zipped(50 * 1024 * 1024), "quá lớn"),
        (zipped(1, parts=400), "quá lớn"),
        (b"\xd0\xcf\x11\xe0 xls", "XLSX hoặc CSV"),
        (b"%PDF-1.7", "XLSX hoặc CSV"),
        (b"<html><table>", "XLSX hoặc CSV"),
        ("Một thư thường, không phải sao kê.".encode(), "dòng tiêu đề"),
        (HEADING.encode() + b"\n" + b"24/11/2026;A;;1;;\n" * 5_001, "5.000 dòng"),
        (HEADING.encode() + b'\n"24/11/2026;A;;1;;' + b"\n" * 20 + b'x"', "ngoặc kép"),
    ],
)
def test_a_file_that_is_no_statement_is_refused_with_a_sentence(content, said):
    assert said in refused(content)


MT940 = """{1:F01}
:20:SAOKE
:25:BFTVVNVX/0771000000061
:28C:1/1
:60F:C261123VND0,
:61:2611241124C16000,00NTRFNONREF//FT26328001
:86:?20MC ABCD EFGH?21 nop le phi?31123456?32DANG THI TUOI
:61:261124C5000,NTRFKH77
:86:Chuyen tien
nop le phi
:61:261124D9000,NCHGPHI
:86:Phi
:61:261124RC1000,NTRFX
:61:261199C1000,NTRFX
:61:hong
:62F:C261124VND21000,
-}
"""


def test_mt940_gives_its_credits():
    found = statements.read("sao-ke.txt", MT940.encode())

    first, second = found.credits
    assert found.account == "0771000000061"
    assert (first.amount, first.reference) == (16_000, "FT26328001")
    assert first.memo == "MC ABCD EFGH nop le phi"
    assert (first.payer_name, first.payer_account) == ("DANG THI TUOI", "123456")
    assert (second.amount, second.reference) == (5_000, "KH77")
    assert second.memo == "Chuyen tien nop le phi"
    assert found.debits == 1
    assert [fault["line"] for fault in found.faults] == [13, 14, 15]
    assert "thu hồi" in found.faults[0]["text"]


def test_mt940_in_another_currency_is_no_dong():
    found = statements.read("sao-ke.txt", MT940.replace("VND", "USD").encode())

    assert found.credits == []
    assert "đồng Việt Nam" in found.faults[0]["text"]


@given(st.integers(0, credits.MOST))
def test_amounts_are_read_however_banks_write_them(amount):
    dotted = f"{amount:,}".replace(",", ".")

    for said in (
        str(amount),
        dotted,
        f"{amount:,}.00",
        f"{dotted},00",
        f"{dotted} đ",
        f"{amount:,} VND",
    ):
        assert credits.amount(said) == amount
    if amount:
        assert credits.amount(f"-{dotted}") == credits.amount(f"({dotted})") == -amount


@pytest.mark.parametrize(
    "said",
    [
        "1.2.3",
        "1.234,5",
        "12.34.567",
        "1,23",
        "1e5",
        "0x10",
        "١٢٣",
        "1.234.00",
        "--5",
        "NaN",
        True,
        float("nan"),
        1.5,
        10**13,
    ],
)
def test_what_may_be_another_amount_is_refused(said):
    with pytest.raises(BadCell):
        credits.amount(said)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reading(content):
    try:
        statements.read("tep", content)
    except Unreadable as error:
        assert str(error).endswith(".")
