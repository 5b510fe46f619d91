"""The types that ask for more than a line of text, through every layer of a form."""

from __future__ import annotations

import pytest
import time_machine
from crispy_forms.utils import render_crispy_form
from django.core.exceptions import ValidationError
from django.http import QueryDict

from procedures.formspec import coded, days, numbers, places
from procedures.formspec.docx import blank_docx
from procedures.formspec.fields import TYPES, display, type_of
from procedures.formspec.layout import lay_out
from procedures.formspec.paperform import blank_pdf
from procedures.formspec.spec import Field, Form
from procedures.formspec.webform import (
    SectionForm,
    attachment_questions,
    copied_row,
    fitting,
    is_complete,
    prune,
    warnings,
)
from procedures.loading.checking import check_text
from procedures.loading.export import yaml_of
from procedures.text import normalise
from tests import factories
from tests.procedures.filling import fill, values_for
from tests.procedures.test_acroform import read
from tests.procedures.test_docx import opened, words
from tests.procedures.test_form_fields import GIO_LINH, answer, complaint, question
from tests.procedures.test_loading import GOOD
from tests.procedures.test_papers import revision


def sent(**values: str) -> QueryDict:
    data = QueryDict(mutable=True)
    data.update({name.replace("__", "."): value for name, value in values.items()})
    return data


# --- Tax codes ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("0100109106", "0100109106"),
        ("01.00.112.437", "0100112437"),
        (" 0100233488 ", "0100233488"),
        ("0312 68 78 78 - 001", "0312687878-001"),
        ("0312687878001", "0312687878-001"),
        ("045 190 001234", "045190001234"),
    ],
)
def test_a_tax_code_is_kept_in_its_usual_spelling(typed, kept):
    spec = question("tax_code")

    assert answer(spec, typed) == kept
    assert type_of(spec).takes(spec, kept)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("0100109107", "gõ sai"),
        ("0312687878-000", "gõ sai"),
        ("12345", "gồm 10 chữ số"),
        ("01001091AB", "gồm 10 chữ số"),
        ("099190001234", "mã tỉnh"),
        ("٠١٠٠١٠٩١٠٦", "gồm 10 chữ số"),
    ],
)
def test_a_wrong_tax_code_is_refused_with_a_sentence(typed, words):
    assert words in complaint(question("tax_code"), typed)


# --- Dates of which a part is unknown -------------------------------------------------

BORN = question("date", max="today", unknown_parts="yes")


@pytest.mark.parametrize(
    ("typed", "kept", "shown"),
    [
        ("1985", "1985", "năm 1985"),
        ("năm 1985", "1985", "năm 1985"),
        ("3/1985", "1985-03", "tháng 03/1985"),
        ("03/1985", "1985-03", "tháng 03/1985"),
        ("03-1985", "1985-03", "tháng 03/1985"),
        ("tháng 3 năm 1985", "1985-03", "tháng 03/1985"),
        ("không rõ/3/1985", "1985-03", "tháng 03/1985"),
        ("?/3/1985", "1985-03", "tháng 03/1985"),
        ("không rõ/không rõ/1985", "1985", "năm 1985"),
        ("…/…/1985", "1985", "năm 1985"),
        ("00/03/1985", "1985-03", "tháng 03/1985"),
        ("07/03/1985", "1985-03-07", "07/03/1985"),
    ],
)
def test_a_day_of_which_a_part_is_unknown_is_kept_as_far_as_it_is_known(typed, kept, shown):
    assert answer(BORN, typed) == kept
    assert display(BORN, kept) == shown
    assert type_of(BORN).takes(BORN, kept)


@pytest.mark.parametrize("typed", ["5/?/1985", "13/1985", "85", "3/85", "?", "1985/03", "a/1985"])
def test_what_is_no_part_of_a_day_is_refused(typed):
    assert complaint(BORN, typed)


def test_a_plain_date_still_wants_day_and_month():
    assert "ngày, tháng, năm" in complaint(question("date"), "1985")
    assert not type_of(question("date")).takes(question("date"), "1985")


@time_machine.travel("2026-11-24 09:00+07:00")
def test_the_limits_of_an_incomplete_day_are_those_of_all_its_days():
    assert answer(BORN, "2026") == "2026"
    assert answer(BORN, "11/2026") == "2026-11"
    assert "chưa đến" in complaint(BORN, "12/2026")
    assert "chưa đến" in complaint(BORN, "2027")
    assert "quá xa" in complaint(BORN, "1700")


def test_a_day_in_parts_spans_its_first_and_last_day():
    assert [f"{day}" for day in days.span("2024-02")] == ["2024-02-01", "2024-02-29"]
    assert [f"{day}" for day in days.span("1985")] == ["1985-01-01", "1985-12-31"]


# --- Personal numbers -----------------------------------------------------------------


def test_an_old_identity_number_is_taken_where_old_papers_have_it():
    old = question("citizen_number", old_number="yes")

    assert answer(old, "190 123 456") == "190123456"
    assert answer(old, "045190001234") == "045190001234"
    assert "9 chữ số" in complaint(old, "12345678")
    assert "đúng 12 chữ số" in complaint(question("citizen_number"), "190123456")


def test_the_fourth_digit_tells_a_century_that_has_come():
    assert "thứ tư" in complaint(question("citizen_number"), "045890001234")


@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("045090001234", (True, 1990)),
        ("045190001234", (False, 1990)),
        ("045205001234", (True, 2005)),
        ("045305001234", (False, 2005)),
        ("190123456", None),
    ],
)
def test_a_number_tells_sex_and_year(number, told):
    assert numbers.told_by(number) == told


PEOPLE = Form.model_validate(
    [
        {
            "section": "be",
            "title": "Em bé",
            "fields": [
                {"id": "nguoi", "type": "person",
                 "include": ["ngay_sinh", "gioi_tinh", "so_dinh_danh"]},
                {"id": "ngay_cap", "type": "date", "label": "Ngày cấp"},
            ],
        },
        {
            "section": "chung",
            "title": "Làm chứng",
            "repeat": {"row_name": "Người làm chứng"},
            "fields": [{"id": "nguoi", "type": "person"}],
        },
    ]
)  # fmt: skip


def test_a_number_that_tells_another_birth_or_sex_is_warned_of():
    person = {"ngay_sinh": "1991-05-06", "gioi_tinh": "nu", "so_dinh_danh": "045090001234"}

    year, sex = warnings(PEOPLE, {"be": {"nguoi": person, "ngay_cap": "2020-01-01"}})

    assert "Em bé – Số định danh cá nhân" in year
    assert "1990" in year and "1991" in year
    assert "của nam" in sex


def test_rows_are_warned_of_by_their_own_name():
    rows = [
        {"nguoi": {"ngay_sinh": "1990", "so_dinh_danh": "045090001234"}},
        {"nguoi": {"ngay_sinh": "1989-01", "so_dinh_danh": "045090001234"}},
    ]

    [warning] = warnings(PEOPLE, {"chung": rows})

    assert "Người làm chứng 2" in warning


def test_what_fits_or_tells_nothing_is_not_warned_of():
    fits = {"ngay_sinh": "1990-03-02", "gioi_tinh": "nam", "so_dinh_danh": "045090001234"}
    others = [{"so_dinh_danh": "190123456", "ngay_sinh": "1950"}, {"gioi_tinh": "khac"}, {}]

    assert warnings(PEOPLE, {"be": {"nguoi": fits}}) == []
    assert warnings(PEOPLE, {"chung": [{"nguoi": row} for row in others]}) == []


# --- Addresses ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        "Gio Mỹ, Gio Linh, Quảng Trị",
        "xã Gio Mỹ, huyện Gio Linh, tỉnh Quảng Trị",
        "gio my, gio linh",
        "Gio Mỹ",
        "XA GIO MY - HUYEN GIO LINH - QUANG TRI",
    ],
)
def test_an_old_commune_becomes_todays_and_says_what_it_was_called(typed):
    spec = question("address")

    kept = answer(spec, typed, "Thôn 5")

    assert kept == {
        **GIO_LINH, "detail": "Thôn 5", "former": "Xã Gio Mỹ, Huyện Gio Linh, Tỉnh Quảng Trị"
    }  # fmt: skip
    assert display(spec, kept) == (
        "Thôn 5, Xã Gio Linh, Tỉnh Quảng Trị (trước là Xã Gio Mỹ, Huyện Gio Linh, Tỉnh Quảng Trị)"
    )
    assert type_of(spec).takes(spec, kept)


def test_an_old_commune_of_a_merged_province_is_found_by_either_province():
    spec = question("address")

    old = answer(spec, "Bến Nghé, Quận 1, Hồ Chí Minh", "")

    assert old["name"] == "Phường Sài Gòn, Thành phố Hồ Chí Minh"
    assert places.find_former("Đồng Sơn, Đồng Hới, Quảng Bình")
    assert places.find_former("Đồng Sơn, Đồng Hới, Quảng Trị")


def test_an_old_district_names_its_communes_of_today():
    message = complaint(question("address"), "huyện Gio Linh, Quảng Trị", "")

    assert "Xã Gio Linh; Xã Cửa Việt" in message


def test_an_old_commune_that_was_divided_names_all_of_its_successors():
    rows = [row for found in places._tables().by_commune.values() for row in found]
    divided = next(row for row in rows if len(row.communes) == 2)

    message = complaint(question("address"), str(divided), "")

    assert all(commune.name in message for commune in divided.communes)


def test_several_old_communes_of_one_name_ask_for_district_and_province():
    assert "ghi thêm huyện và tỉnh cũ" in complaint(question("address"), "Phường 1", "")


def test_an_old_address_stays_as_printed_where_the_paper_says_so():
    spec = question("address", old_names="yes")

    kept = answer(spec, "Gio Mỹ, Gio Linh, Quảng Trị", "")

    assert kept == {"commune": "", "name": "Gio Mỹ, Gio Linh, Quảng Trị", "detail": ""}


# --- Persons --------------------------------------------------------------------------


def test_a_person_becomes_a_group_that_asks_the_usual_four():
    person = Field.model_validate({"id": "me", "type": "person", "label": "Mẹ"})

    assert person.type == "group"
    assert [part.id for part in person.fields] == [
        "ho_ten", "ngay_sinh", "so_dinh_danh", "noi_cu_tru"
    ]  # fmt: skip
    assert Field.model_validate(person.model_dump(mode="json")) == person


def test_a_person_asks_what_is_included_in_that_order():
    person = Field.model_validate(
        {
            "id": "me", "type": "person", "include": ["so_dinh_danh", "ho_ten", "ngay_sinh"],
            "optional_parts": "so_dinh_danh", "unknown_parts": "yes", "old_number": "yes",
        }
    )  # fmt: skip

    number, _name, born = person.fields

    assert (number.id, number.optional, number.old_number) == ("so_dinh_danh", True, True)
    assert (born.unknown_parts, born.old_number, born.optional) == (True, False, False)


# --- What asks nothing ----------------------------------------------------------------

PHOTO = Form.model_validate(
    [
        {
            "section": "don",
            "title": "Đơn",
            "fields": [
                {"id": "loai", "type": "choice", "label": "Loại", "options": {"a": "A", "b": "B"},
                 "only_sorts": "yes"},
                {"id": "luu_y", "type": "explanation", "label": "Lưu ý",
                 "text": "Đọc {{ settings.SECRET_KEY }} <b>kỹ</b>"},
                {"id": "anh", "type": "attachment", "label": "Ảnh chân dung", "max_files": "2",
                 "when": "don.loai = a", "help": "Ảnh 4x6"},
                {"id": "ban_ve", "type": "attachment", "label": "Bản vẽ", "optional": "yes"},
            ],
        },
        {
            "section": "sau",
            "title": "Sau",
            "when": "don.loai = b",
            "fields": [{"id": "tep", "type": "attachment", "label": "Tệp"}],
        },
    ]
)  # fmt: skip


def test_explanations_and_files_stand_on_the_page_and_ask_nothing_there():
    section = PHOTO.sections[0]

    page = render_crispy_form(SectionForm(section, {}))
    form = SectionForm(section, {}, None, sent(loai="a", anh="lén gửi", luu_y="x"))

    assert "Đọc {{ settings.SECRET_KEY }} &lt;b&gt;kỹ&lt;/b&gt;" in page
    assert "Đính kèm ở bước “Giấy tờ đính kèm”" in page
    assert 'name="anh"' not in page
    assert form.is_valid()
    assert form.answer() == {"loai": "a"}
    assert is_complete(section, {"don": {"loai": "a"}})


def test_the_files_that_are_asked_are_told_with_their_definition():
    asked = attachment_questions(PHOTO, {"don": {"loai": "a"}})

    assert [(path, spec.optional, spec.max_files) for path, spec in asked] == [
        ("don.anh", False, 2), ("don.ban_ve", True, None)
    ]  # fmt: skip
    assert [path for path, _spec in attachment_questions(PHOTO, {"don": {"loai": "b"}})] == [
        "don.ban_ve", "sau.tep"
    ]  # fmt: skip


def test_an_answer_where_none_is_asked_is_dropped():
    answers = {"don": {"loai": "a", "luu_y": "x", "anh": "tep.jpg"}}

    assert fitting(PHOTO, answers) == {"don": {"loai": "a"}}


def test_the_paper_says_what_is_attached_and_leaves_out_what_only_sorts():
    filled = lay_out(PHOTO, {"don": {"loai": "a"}})["sections"][0]["rows"]
    blank = lay_out(PHOTO)["sections"][0]["rows"]

    assert [row["kind"] for row in filled] == ["statement"] * 3
    assert filled[1]["value"] == "Ảnh chân dung: đính kèm."
    assert blank[0]["kind"] == "boxes"


def test_a_section_that_only_sorts_leaves_no_heading_on_the_filled_paper():
    form = Form([PHOTO.sections[0].model_copy(update={"fields": PHOTO.sections[0].fields[:1]})])

    assert lay_out(form, {"don": {"loai": "a"}})["sections"] == []
    assert len(lay_out(form)["sections"]) == 1


def test_a_section_beside_one_that_only_sorts_is_printed_all_the_same():
    beside = {
        "section": "sau", "title": "Sau", "beside": "don",
        "fields": [{"id": "x", "type": "text", "label": "X"}],
    }  # fmt: skip
    first = PHOTO.sections[0].model_copy(update={"fields": PHOTO.sections[0].fields[:1]})
    form = Form([first, Form.model_validate([beside]).sections[0]])

    assert [row["title"] for row in lay_out(form, {"don": {"loai": "a"}})["sections"]] == ["Sau"]


# --- On paper and back ----------------------------------------------------------------

EVERYTHING = Form.model_validate(
    [
        {
            "section": "a",
            "title": "A",
            "fields": [
                {"id": "thue", "type": "tax_code", "label": "Mã số thuế"},
                {"id": "sinh", "type": "date", "label": "Ngày sinh", "unknown_parts": "yes",
                 "spell_out": "yes"},
                {"id": "cu", "type": "citizen_number", "label": "Số", "old_number": "yes"},
                {"id": "noi", "type": "address", "label": "Nơi ở"},
                {"id": "ho_so", "type": "dossier", "label": "Hồ sơ trước"},
                {"id": "nguoi", "type": "person", "label": "Mẹ", "include": ["ho_ten"]},
                {"id": "loi", "type": "explanation", "text": "Dòng một\nDòng hai"},
                {"id": "anh", "type": "attachment", "label": "Ảnh"},
            ],
        }
    ]
)  # fmt: skip
FILLED = {
    "a": {
        "thue": "0312687878-001",
        "sinh": "1985-03",
        "cu": "190123456",
        "noi": {**GIO_LINH, "detail": "Thôn 5"},
        "ho_so": "H44.19495-261124-0001K",
        "nguoi": {"ho_ten": "Lê Thị Mai"},
    }
}


@pytest.mark.django_db
def test_every_type_is_on_the_blank_pdf_and_comes_back_from_it():
    blank = blank_pdf(revision(EVERYTHING))

    reading = read(fill(blank, values_for(EVERYTHING, FILLED)), EVERYTHING)

    assert reading.answers == FILLED
    assert reading.unread == []


@pytest.mark.django_db
def test_a_day_in_parts_and_an_old_commune_are_read_as_they_are_written():
    blank = blank_pdf(revision(EVERYTHING))

    reading = read(
        fill(blank, {"a.sinh": "không rõ/3/1985", "a.noi.commune": "Gio Mỹ, Gio Linh"}), EVERYTHING
    )

    assert reading.answers["a"]["sinh"] == "1985-03"
    assert reading.answers["a"]["noi"]["commune"] == "19495"


def test_every_type_is_on_the_blank_word_file():
    text = words(opened(blank_docx(revision(EVERYTHING))))

    assert "Dòng một Dòng hai" in text
    assert "Ảnh: đính kèm." in text
    assert "Mã số thuế" in text


def test_the_filled_paper_says_what_is_known_of_a_day():
    rows = lay_out(EVERYTHING, FILLED)["sections"][0]["rows"]
    values = [half.get("value") for row in rows for half in row.get("rows", [row])]

    assert "tháng 03/1985" in values
    assert "Thôn 5, Xã Gio Linh, Tỉnh Quảng Trị" in values


# --- In a procedure's file ------------------------------------------------------------


@pytest.fixture
def life_events(db):
    factories.offices()


def loaded(*fields: str, section: str = ""):
    """What a good file with these questions comes to: its document and the procedure."""
    lines = "".join(f"      - {line}\n" for line in fields)
    text = f"{GOOD}  - section: them\n    title: Thêm\n{section}    fields:\n{lines}"
    return check_text(text, "mau.yaml")


GOOD_ONES = [
    "{id: thue, type: tax_code, label: Mã số thuế}",
    "{id: sinh, type: date, label: Ngày sinh, unknown_parts: yes}",
    "{id: nguoi, type: person, include: [ho_ten, ngay_sinh], optional_parts: [ngay_sinh]}",
    "{id: nganh, type: coded, from_list: business_lines, label: Ngành}",
    "{id: anh, type: attachment, label: Ảnh, max_files: 2}",
    "{id: loi, type: explanation, text: Xin đọc kỹ}",
    "{id: truoc, type: dossier, label: Hồ sơ trước, optional: yes}",
    "{id: me, use: nhan_than, copy_from: ban_sao.nguoi, copy_when: ban_sao.loai = hai}",
]


def test_a_file_may_name_every_type(life_events):
    document, spec = loaded(*GOOD_ONES)

    assert document.faults == []
    assert [field.type for field in spec.form[1].fields[:3]] == ["tax_code", "date", "group"]


def test_a_file_with_every_type_comes_back_from_its_export(life_events):
    _document, spec = loaded(*GOOD_ONES)
    definition = spec.model_dump(mode="json", exclude_defaults=True)

    text = yaml_of(definition)
    _document, again = check_text(text, "mau.yaml")

    assert again == spec
    assert "type: person" in text


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{id: a, type: coded, label: A}", "from_list"),
        ("{id: a, type: coded, label: A, from_list: khac}", "from_list"),
        ("{id: a, type: explanation, label: A}", "phải có text"),
        ("{id: a, type: attachment, label: A, max_files: 0}", "từ 1 đến 20"),
        ("{id: a, type: text, label: A, max_files: 2}", "chỉ dùng với type: attachment"),
        ("{id: a, type: text, label: A, unknown_parts: yes}", "chỉ dùng với type: date"),
        ("{id: a, type: phone, label: A, old_number: yes}", "type: citizen_number"),
        ("{id: a, type: person, include: [ho_tem]}", "ho_ten"),
        ("{id: a, type: person, include: [ho_ten], optional_parts: [dan_toc]}", "trong include"),
        ("{id: a, use: nhan_than, copy_from: khong.co}", "Không có câu hỏi “khong.co”"),
        ("{id: a, use: nhan_than, copy_when: ban_sao.loai = hai}", "phải có copy_from"),
        ("{id: a, use: nhan_than, copy_from: ban_sao.nguoi, copy_when: x.y = 1}", "“x.y”"),
        ("{id: a, type: text, label: A, when: them.b = 1}\n"
         "      - {id: b, type: explanation, text: B}", "không có câu trả lời"),
    ],
)  # fmt: skip
def test_what_a_type_does_not_know_is_a_fault(life_events, line, words):
    document, spec = loaded(line)

    assert spec is None
    assert any(words in f"{fault} {fault.suggestion}" for fault in document.faults)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{id: a, type: attachment, label: A}", "mục lặp"),
        ("{id: a, use: nhan_than, copy_from: ban_sao.nguoi}", "mục lặp"),
    ],
)
def test_what_cannot_stand_in_rows_is_a_fault(life_events, line, words):
    document, spec = loaded(line, section="    repeat: {row_name: Dòng}\n")

    assert spec is None
    assert words in str(document.faults[0]).lower()


# --- Dossiers and coded lists ---------------------------------------------------------


def test_a_dossier_code_is_taken_as_it_is_read_out():
    spec = question("dossier")

    assert answer(spec, "h44.19495 - 261124 - 0001k") == "H44.19495-261124-0001K"
    assert "Mã hồ sơ chưa đúng" in complaint(spec, "12345")


@pytest.fixture
def lines(monkeypatch):
    """A short list in place of the long one."""
    rows = {
        "4711": "Bán lẻ lương thực, thực phẩm",
        "4719": "Bán lẻ khác trong cửa hàng",
        "5610": "Nhà hàng và dịch vụ ăn uống",
    }
    entries = {code: coded.Entry(code, name) for code, name in rows.items()}
    monkeypatch.setattr(coded, "entries", lambda _name: entries)
    coded._folded.cache_clear()
    yield
    coded._folded.cache_clear()


LINE = question("coded", from_list="business_lines")


@pytest.mark.parametrize(
    "typed", ["5610", "5610 – Nhà hàng", "nha hang", "Nhà hàng và dịch vụ ăn uống", "an uong"]
)
def test_an_entry_is_found_by_its_code_or_by_words_of_its_name(lines, typed):
    kept = answer(LINE, typed)

    assert kept == {"code": "5610", "name": "Nhà hàng và dịch vụ ăn uống"}
    assert display(LINE, kept) == "5610 – Nhà hàng và dịch vụ ăn uống"
    assert type_of(LINE).takes(LINE, kept)


def test_words_that_fit_several_entries_offer_them(lines):
    assert "hợp với nhiều mục" in complaint(LINE, "bán lẻ")
    assert "hợp với nhiều mục" in complaint(LINE, "nha ha")
    assert "Chưa tìm thấy" in complaint(LINE, "đóng tàu")

    section = Form.model_validate(
        [{"section": "a", "title": "A", "fields": [LINE.model_dump(exclude_defaults=True)]}]
    ).sections[0]
    page = render_crispy_form(SectionForm(section, {}, None, sent(cau_hoi="bán lẻ")))

    assert page.count('type="radio" name="cau_hoi"') == 2
    assert "4719 – Bán lẻ khác trong cửa hàng" in page


def test_the_entry_that_is_chosen_below_the_input_counts(lines):
    section = Form.model_validate(
        [{"section": "a", "title": "A", "fields": [LINE.model_dump(exclude_defaults=True)]}]
    ).sections[0]
    data = QueryDict("cau_hoi=bán lẻ&cau_hoi=4719")

    form = SectionForm(section, {}, None, data)

    assert form.is_valid()
    assert form.answer()["cau_hoi"]["code"] == "4719"
    assert 'type="radio"' not in render_crispy_form(form)


def test_the_list_of_business_lines_is_as_long_as_the_decision_says():
    codes = coded.entries("business_lines")

    # Decision 36/2025/QĐ-TTg: 495 of the fourth level, in 259 of the third and 87 of the second.
    assert [len({code[:digits] for code in codes}) for digits in (4, 3, 2)] == [495, 259, 87]


@pytest.mark.parametrize(
    ("typed", "code"),
    [("lợn", "0145"), ("làm tóc", "9621"), ("lam toc", "9621"), ("nhà hàng", "5610")],
)
def test_a_business_line_is_found_as_people_say_it(typed, code):
    assert [row.code for row in coded.find("business_lines", typed)] == [code]


# --- Answers that are taken over ------------------------------------------------------

MOTHER = Form.model_validate(
    [
        {
            "section": "khai",
            "title": "Người khai",
            "fields": [
                {"id": "nguoi", "type": "person"},
                {"id": "la", "type": "choice", "label": "Là", "options": {"me": "Mẹ", "ba": "Bà"}},
            ],
        },
        {
            "section": "me",
            "title": "Mẹ",
            "fields": [
                {"id": "nguoi", "type": "person", "include": ["ho_ten", "dan_toc", "ngay_sinh"],
                 "copy_from": "khai.nguoi", "copy_when": "khai.la = me"},
            ],
        },
    ]
)  # fmt: skip
SAID = {"ho_ten": "Lê Thị Mai", "ngay_sinh": "1990-03-02", "so_dinh_danh": "045190001234"}


def test_the_mother_who_declares_finds_her_own_answers_in_her_section():
    answers = {"khai": {"nguoi": SAID, "la": "me"}}

    page = render_crispy_form(SectionForm(MOTHER.section("me"), answers))

    assert 'value="Lê Thị Mai"' in page
    assert 'value="02/03/1990"' in page
    assert "đã được điền theo phần trước" in page


def test_nothing_is_taken_over_from_another_person_or_over_what_was_said():
    me = MOTHER.section("me")
    grandmother = {"khai": {"nguoi": SAID, "la": "ba"}}
    said = {"nguoi": {"ho_ten": "Trần Thị Bình"}}

    page = render_crispy_form(SectionForm(me, {"khai": {"nguoi": SAID, "la": "me"}}, said))

    assert copied_row(me, grandmother) == {}
    assert "Lê Thị Mai" not in page
    assert "đã được điền" not in page


def test_what_a_section_could_not_have_answered_itself_is_not_taken_over():
    answers = {"khai": {"nguoi": {"ho_ten": "<1>", "dan_toc": "Sao Hỏa", "x": "y"}, "la": "me"}}

    assert copied_row(MOTHER.section("me"), answers) == {}


# --- Hostile input --------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(set(TYPES) - {"explanation", "attachment"}))
@pytest.mark.parametrize("char", ["1", "a", " ", "-", "/", "đ", ",", "0 "])
def test_a_hundred_kilobytes_are_refused_or_cut_at_once(kind, char):
    options = {"options": {"a": "A"}} if kind in {"choice", "choices"} else {}
    spec = question(kind, **options, from_list="business_lines", unknown_parts="yes")
    long = char * (100_000 // len(char))

    for field in type_of(spec).inputs(spec).values():
        field.required = False
        try:
            field.clean(long)
        except ValidationError as error:
            assert len(" ".join(error.messages)) < 600


@pytest.mark.parametrize("typed", ["9" * 16, "-1", "1e9", "NaN", "Infinity", "٣", "1" + "0" * 400])
def test_numbers_without_end_are_refused(typed):
    assert complaint(question("number"), typed)


def test_a_name_of_300_characters_is_refused_and_marks_that_turn_text_are_gone():
    assert "100" in complaint(question("name"), "An " * 100)
    assert answer(question("name"), normalise("Nguyễn\u202e Văn\u200b An")) == "Nguyễn Văn An"


def test_options_that_are_not_offered_are_refused():
    spec = question("choice", options={"a": "A"}, default="a")

    assert complaint(spec, "b")
    assert complaint(question("nationality"), "XX")
    assert complaint(question("ethnicity"), "Kinh' OR 1=1")


def test_hidden_answers_of_a_tampered_page_are_dropped():
    answers = {"don": {"loai": "b"}, "sau": {"tep": "/etc/passwd"}, "la": {"x": 1}}

    assert prune(PHOTO, answers) == {"don": {"loai": "b"}, "sau": {}}
