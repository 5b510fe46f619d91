"""The catalogue in Excel: out of definitions, back, and what officers do to it."""

from __future__ import annotations

import io
import zipfile
from datetime import date, time
from pathlib import Path

import openpyxl
import pytest
from django.conf import settings

from procedures.formspec.spec import FieldType
from procedures.loading import checking, sheets, workbook
from procedures.loading.offices import load_life_events
from procedures.loading.saving import definition_of

FIXTURES = settings.BASE_DIR / "fixtures"
FILES = sorted((FIXTURES / "procedures").glob("*.yaml"))


@pytest.fixture
def life_events(db):
    load_life_events(FIXTURES / "life_events.yaml")


def definitions(*names: str) -> list[dict]:
    files = [FIXTURES / "procedures" / f"{name}.yaml" for name in names] or FILES
    good, _documents = checking.check_files(files)
    return [definition_of(spec) for _document, spec in good]


def book_of(*names: str) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(workbook.write(definitions(*names))))


def put(book: openpyxl.Workbook, sheet: str, column: str, value: object, row: int = 2) -> None:
    page = book[sheet]
    titles = [cell.value for cell in page[1]]
    page.cell(row, titles.index(column) + 1).value = value


def read_back(book: openpyxl.Workbook | bytes) -> list[workbook.WorkbookDocument]:
    if isinstance(book, bytes):
        return workbook.read(io.BytesIO(book), "thu-tuc.xlsx")
    target = io.BytesIO()
    book.save(target)
    target.seek(0)
    return workbook.read(target, "thu-tuc.xlsx")


def faults_of(book: openpyxl.Workbook) -> list[str]:
    documents = read_back(book)
    for document in documents:
        checking.check_document(document)
    return [fault.message for document in documents for fault in document.faults]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_procedure_comes_back_from_excel_as_it_went(life_events, file: Path):
    [before] = definitions(file.stem)

    [document] = read_back(workbook.write([before]))
    spec = checking.check_document(document)

    assert [str(fault) for fault in document.faults] == []
    assert definition_of(spec) == before


def test_one_workbook_holds_all_procedures(life_events):
    before = definitions()

    documents = read_back(workbook.write(before))
    after = [definition_of(checking.check_document(document)) for document in documents]

    assert after == before


def test_what_excel_makes_of_codes_days_and_hours_is_understood(life_events):
    book = book_of("dang-ky-khai-sinh")
    for sheet in ("Thủ tục", "Cách nộp", "Phí", "Giấy tờ", "Các bước", "Căn cứ pháp lý"):
        for row in range(2, book[sheet].max_row + 1):
            put(book, sheet, "Mã thủ tục", 2.00072, row)
    for sheet in ("Rẽ sang thủ tục khác", "Mẫu đơn"):
        for row in range(2, book[sheet].max_row + 1):
            put(book, sheet, "Mã thủ tục", 2.00072, row)
    put(book, "Thủ tục", "Áp dụng từ ngày", date(2026, 12, 1))
    put(book, "Cách nộp", "Giờ chốt trong ngày", time(15, 0))

    [document] = read_back(book)

    assert document.data["code"] == "2.000720"
    assert document.data["effective_from"] == "01/12/2026"
    assert document.data["channels"][0]["cut_off"] == "15:00"


def test_an_officer_leaves_the_codes_to_us(life_events):
    book = book_of("chung-thuc-ban-sao")
    put(book, "Giấy tờ", "Mã", None)
    put(book, "Giấy tờ", "Tên giấy tờ", "Bản chính của giấy tờ")

    [document] = read_back(book)

    assert document.data["documents"][0]["id"] == "ban_chinh_cua_giay_to"


def test_options_without_codes_get_theirs_from_their_words():
    cell = sheets.PAIRS

    options = cell.read("Cha\nme: Mẹ\nÔng bà nội ngoại")

    assert options == {"cha": "Cha", "me": "Mẹ", "ong_ba_noi_ngoai": "Ông bà nội ngoại"}


def test_a_fault_names_the_sheet_and_the_cell(life_events):
    book = book_of("dang-ky-khai-sinh")
    put(book, "Cách nộp", "Thời hạn", "vài hôm")

    faults = faults_of(book)

    assert len(faults) == 1
    assert faults[0].startswith("Trang “Cách nộp”, ô D2: ")


@pytest.mark.parametrize(
    ("sheet", "column", "said"),
    [
        ("Giấy tờ", "Cách nộp", "chỉ nhận Nộp, Xuất trình, Cổng tự in"),
        ("Thủ tục", "Trực tuyến", "chỉ nhận Không, Một phần, Toàn trình"),
        ("Thủ tục", "Cách trả kết quả", "chỉ nhận Tại quầy, Bưu chính, Trực tuyến"),
    ],
)
def test_a_word_that_a_cell_does_not_take_is_told_with_those_it_takes(
    life_events, sheet, column, said
):
    book = book_of("dang-ky-khai-sinh")
    put(book, sheet, column, "Mang đi")

    [fault] = faults_of(book)

    assert f"“{column}: Mang đi” không dùng được; {said}" in fault


def test_a_row_of_a_procedure_that_is_not_there_is_named(life_events):
    book = book_of("dang-ky-khai-sinh")
    put(book, "Phí", "Mã thủ tục", "1.999999")

    faults = faults_of(book)

    assert any("không có thủ tục mã “1.999999”" in fault for fault in faults)


def test_a_column_that_was_renamed_is_named_with_the_right_title(life_events):
    book = book_of("dang-ky-ho-kinh-doanh")
    page = book["Phí"]
    title = next(cell for cell in page[1] if cell.value == "Ai được miễn")
    title.value = "Ai dc miễn"

    [fault] = faults_of(book)

    assert f"Trang “Phí”, ô {title.coordinate}: không có cột “Ai dc miễn”" in fault
    assert "Có phải “Ai được miễn” không?" in fault


def test_a_sheet_that_was_renamed_is_named_and_an_empty_one_ignored(life_events):
    book = book_of("dang-ky-ho-kinh-doanh")
    book["Phí"].title = "Các phí"
    book.create_sheet("Sheet1")

    [fault] = faults_of(book)

    assert "Không có trang nào tên là “Các phí”. Có phải “Phí” không?" in fault


def test_titles_are_read_whatever_their_case_and_below_a_line_of_ones_own(life_events):
    book = book_of("dang-ky-ho-kinh-doanh")
    page = book["Phí"]
    for cell in page[1]:
        cell.value = cell.value.upper()
    page.insert_rows(1)
    page["A1"] = "BẢNG PHÍ"

    assert faults_of(book) == []
    assert (
        read_back(book)[0].data["fees"]
        == read_back(book_of("dang-ky-ho-kinh-doanh"))[0].data["fees"]
    )


def test_a_sheet_that_lost_its_titles_is_named(life_events):
    book = book_of("dang-ky-ho-kinh-doanh")
    book["Phí"].delete_rows(1)

    assert faults_of(book) == ["Trang “Phí”: dòng đầu không còn tên các cột."]


def test_a_workbook_without_a_procedure_is_refused():
    book = openpyxl.load_workbook(io.BytesIO(workbook.write([])))

    with pytest.raises(workbook.NotAWorkbook, match="chưa có thủ tục nào"):
        read_back(book)


def test_more_rows_than_are_read_are_refused(monkeypatch, life_events):
    monkeypatch.setattr(workbook, "MOST_ROWS", 3)

    with pytest.raises(workbook.NotAWorkbook, match="quá lớn"):
        read_back(book_of("dang-ky-ho-kinh-doanh"))


def test_each_choice_that_excel_offers_is_one_that_is_read(life_events):
    """Excel's list has commas between its words, so that no word may hold one."""
    for sheet in sheets.SHEETS:
        for column in sheet.columns:
            if type(column.cell) is sheets.Choice:
                assert not any("," in label for label in column.cell.labels.values()), column


def test_a_code_on_two_rows_is_named(life_events):
    book = book_of("dang-ky-khai-sinh", "chung-thuc-ban-sao")
    put(book, "Thủ tục", "Mã thủ tục", "1.001193", row=3)
    put(book, "Thủ tục", "Mã thủ tục", "1.001193", row=2)

    faults = faults_of(book)

    assert any("đã có ở dòng trên" in fault for fault in faults)


def test_a_question_before_its_section_is_named(life_events):
    book = book_of("dang-ky-khai-sinh")
    put(book, "Mẫu đơn", "Kiểu", "Chữ một dòng")

    faults = faults_of(book)

    assert any("đứng trước dòng “Mục”" in fault for fault in faults)


def test_text_that_looks_like_a_formula_stays_text(life_events):
    [before] = definitions("chung-thuc-ban-sao")
    before["summary"] = '=HYPERLINK("http://example.com","bấm")'

    written = workbook.write([before])

    page = openpyxl.load_workbook(io.BytesIO(written))["Thủ tục"]
    cell = next(cell for cell in page[2] if str(cell.value).startswith("=HYPER"))
    assert cell.data_type == "s"


def test_a_text_that_no_cell_holds_is_marked_and_not_cut_without_a_word(life_events):
    [definition] = definitions("dang-ky-khai-sinh")
    long = {
        **definition,
        "conditions": [f"Điều kiện {number} " + "x" * 90 for number in range(400)],
    }

    [document] = read_back(workbook.write([long]))

    checking.check_document(document)
    assert any("CẦN SỬA" in fault.message for fault in document.faults)


def test_what_is_left_to_do_is_marked_in_colour(life_events):
    [before] = definitions("chung-thuc-ban-sao")
    before["effective_from"] = "CẦN SỬA: ngày áp dụng"

    written = workbook.write([before])

    page = openpyxl.load_workbook(io.BytesIO(written))["Thủ tục"]
    cell = next(cell for cell in page[2] if str(cell.value).startswith("CẦN SỬA"))
    assert cell.fill.fgColor.rgb.endswith("FFF2CC")


def test_every_kind_of_question_has_a_vietnamese_name():
    assert set(sheets.TYPES) == set(FieldType.__args__)


@pytest.mark.parametrize(
    "content", [b"", b"khong phai excel", b"PK\x03\x04 hong"], ids=["empty", "text", "broken"]
)
def test_a_file_that_is_no_workbook_is_refused(content):
    with pytest.raises(workbook.NotAWorkbook, match="không phải bảng tính"):
        read_back(content)


def test_a_workbook_without_our_sheets_is_refused():
    book = openpyxl.Workbook()

    with pytest.raises(workbook.NotAWorkbook, match="Thủ tục"):
        read_back(book)


def test_a_workbook_that_unpacks_to_a_flood_is_refused(monkeypatch):
    monkeypatch.setattr(workbook, "LARGEST_UNPACKED", 1000)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"a" * 2000)

    with pytest.raises(workbook.NotAWorkbook, match="quá lớn"):
        read_back(target.getvalue())


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("fees.ban_sao.amount", "Phí › ban_sao › Mức thu (đồng)"),
        ("decision", "Quyết định công bố"),
        ("office.tier", "Cấp giải quyết"),
        ("channels.online.time", "Cách nộp › Trực tuyến › Thời hạn"),
        ("form.cham_dut.fields.ly_do.label", "Mẫu đơn › cham_dut › ly_do › Nội dung hỏi"),
        ("redirect.1.001570.text", "Phải làm thủ tục khác › 1.001570 › Nói với người dân"),
        ("la_gi", "la_gi"),
    ],
)
def test_a_place_in_a_definition_has_the_title_of_its_cell(path, title):
    assert sheets.title_of(path) == title


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("channels.online.time", "5 working_days", "5 ngày làm việc"),
        ("steps.ky.who", "approver", "Người ký"),
        ("office.tier", "commune", "Cấp xã"),
        ("result.give_by", ["post", "counter"], "Bưu chính; Tại quầy"),
        ("fees.phi.confirmed", True, "có"),
        ("supplement", {"clock": "restart"}, "Sau khi bổ sung, thời hạn: Tính lại từ đầu"),
        (
            "redirect",
            [{"to": "1.001570", "text": "Tạm ngừng"}],
            "Mã thủ tục kia: 1.001570\nNói với người dân: Tạm ngừng",
        ),
        (
            "form",
            [{"section": "be", "title": "Em bé", "fields": [{"id": "ten", "label": "Họ tên"}]}],
            "Mục “Em bé”\n– Họ tên",
        ),
        ("fees.phi.name", "Phí", ""),
    ],
)
def test_a_value_is_told_as_its_cell_shows_it(path, value, words):
    assert sheets.value_in_words(path, value) == words


def test_a_whole_row_is_told_cell_by_cell():
    row = {"id": "phi", "name": "Phí", "amount": 8000, "pay": "at_filing"}

    assert sheets.row_in_words("fees.phi", row) == (
        "Mã: phi\nTên phí, lệ phí: Phí\nMức thu (đồng): 8000\nNộp lúc: Khi nộp hồ sơ"
    )
