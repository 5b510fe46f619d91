"""Every type of question: what it takes, what it refuses and with which words."""

from __future__ import annotations

import pytest
import time_machine
from django.core.exceptions import ValidationError

from procedures.formspec import lists
from procedures.formspec.fields import TYPES, display, type_of
from procedures.formspec.spec import Field, FieldType

GIO_LINH = {"commune": "19495", "name": "Xã Gio Linh, Tỉnh Quảng Trị"}


def question(kind: str, **rest) -> Field:
    return Field(id="cau_hoi", type=kind, label="Câu hỏi", **rest)


def answer(spec: Field, *typed):
    """What is kept of what was typed into the inputs of a question, in their order."""
    inputs = type_of(spec).inputs(spec)
    for field in inputs.values():
        field.required = False
    values = {
        suffix: field.clean(text)
        for (suffix, field), text in zip(inputs.items(), typed, strict=True)
    }
    return type_of(spec).to_answer(values)


def complaint(spec: Field, *typed) -> str:
    with pytest.raises(ValidationError) as caught:
        answer(spec, *typed)
    return " ".join(caught.value.messages)


def test_every_type_that_a_definition_may_name_exists():
    assert set(TYPES) == set(FieldType.__args__) - {"group", "person"}


@pytest.mark.parametrize(
    ("kind", "typed", "kept", "shown"),
    [
        ("text", "  Con trai ", "Con trai", "Con trai"),
        ("long_text", "dòng 1\ndòng 2", "dòng 1\ndòng 2", "dòng 1\ndòng 2"),
        ("name", "Y Blêch Niê Kdăm", "Y Blêch Niê Kdăm", "Y Blêch Niê Kdăm"),
        ("name", "Tôn Nữ Thị Ninh-Lê", "Tôn Nữ Thị Ninh-Lê", "Tôn Nữ Thị Ninh-Lê"),
        ("number", "0", 0, "0"),
        ("number", " 1.250 ", 1250, "1250"),
        ("money", "8.000", 8000, "8.000 đồng"),
        ("date", "5/2/2026", "2026-02-05", "05/02/2026"),
        ("date", "05-02-2026", "2026-02-05", "05/02/2026"),
        ("date", "05022026", "2026-02-05", "05/02/2026"),
        ("date", "29/02/2024", "2024-02-29", "29/02/2024"),
        ("time", "15:00", "15:00", "15:00"),
        ("time", "7h5", "07:05", "07:05"),
        ("time", "15 giờ 30 phút", "15:30", "15:30"),
        ("time", "Không rõ", "không rõ", "không rõ"),
        ("yes_no", "yes", "yes", "Có"),
        ("yes_no", "no", "no", "Không"),
        ("declaration", "on", "yes", "Đã cam đoan"),
        ("citizen_number", "045 190 001234", "045190001234", "045190001234"),
        ("phone", "+84 912 345 678", "0912345678", "0912345678"),
        ("phone", "84912345678", "0912345678", "0912345678"),
        ("phone", "0084 (0) 912.345.678", "0912345678", "0912345678"),
        ("phone", "0233 3851 234", "02333851234", "02333851234"),
        ("email", "an@example.vn", "an@example.vn", "an@example.vn"),
        ("gender", "nu", "nu", "Nữ"),
        ("ethnicity", "Bru Vân Kiều", "Bru Vân Kiều", "Bru Vân Kiều"),
        ("nationality", "LA", "LA", "Lào"),
    ],
)
def test_good_input_is_kept_and_shown(kind, typed, kept, shown):
    spec = question(kind)

    assert answer(spec, typed) == kept
    assert display(spec, kept) == shown
    assert type_of(spec).takes(spec, kept)


@pytest.mark.parametrize(
    ("kind", "typed", "words"),
    [
        ("name", "Nguyễn Văn 4n", "chỉ gồm chữ cái"),
        ("name", "...", "chỉ gồm chữ cái"),
        ("number", "12a", "chỉ dùng các chữ số"),
        ("number", "-1", "chỉ dùng các chữ số"),
        ("number", "9" * 400, "chỉ dùng các chữ số"),
        ("number", "٣", "chỉ dùng các chữ số"),
        ("date", "31/02/2026", "Không có ngày 31/02/2026 trong lịch"),
        ("date", "29/02/2026", "Không có ngày"),
        ("date", "00/01/2026", "Không có ngày"),
        ("date", "01/01/0000", "Không có ngày"),
        ("date", "2026-02-05", "ví dụ 05/02/2026"),
        ("date", "ngày mai", "ví dụ 05/02/2026"),
        ("date", "5/2/26", "ví dụ 05/02/2026"),
        ("date", "01/01/1800", "Năm 1800 quá xa"),
        ("time", "25:00", "ví dụ 15:30"),
        ("time", "15:60", "ví dụ 15:30"),
        ("time", "chiều", "ví dụ 15:30"),
        ("yes_no", "có lẽ", "một trong các mục đã nêu"),
        ("citizen_number", "04519000123", "đúng 12 chữ số; ông/bà đã nhập 11 ký tự"),
        ("citizen_number", "000190001234", "mã tỉnh"),
        ("citizen_number", "097190001234", "mã tỉnh"),
        ("citizen_number", "04519000123x", "đúng 12 chữ số"),
        ("phone", "12345", "Số điện thoại chưa đúng"),
        ("phone", "0112345678", "Số điện thoại chưa đúng"),
        ("phone", "09123456789", "Số điện thoại chưa đúng"),
        ("email", "an@", "Địa chỉ thư điện tử chưa đúng"),
        ("gender", "male", "một trong các mục đã nêu"),
        ("ethnicity", "Klingon", "một mục trong danh sách"),
        ("nationality", "XX", "một mục trong danh sách"),
        ("text", "x" * 201, "tối đa"),
    ],
)
def test_bad_input_is_refused_with_words_that_help(kind, typed, words):
    assert words in complaint(question(kind), typed)


@pytest.mark.parametrize(
    "kind", sorted(set(TYPES) - {"address", "choices", "choice", "explanation", "attachment"})
)
def test_nothing_is_nothing_for_every_type(kind):
    spec = question(kind)

    assert answer(spec, "") in (None, "")
    assert display(spec, None) == ""


@time_machine.travel("2026-11-24 09:00+07:00")
def test_a_day_that_has_not_come_is_refused_where_today_is_the_last():
    spec = question("date", max="today")

    assert answer(spec, "24/11/2026") == "2026-11-24"
    assert "chưa đến" in complaint(spec, "25/11/2026")


def test_days_and_numbers_outside_their_bounds_are_refused():
    assert "sớm nhất là 01/07/2025" in complaint(question("date", min="01/07/2025"), "30/06/2025")
    assert "muộn nhất là 01/07/2025" in complaint(question("date", max="01/07/2025"), "02/07/2025")
    assert "nhỏ nhất là 1" in complaint(question("number", min="1", max="20"), "0")
    assert "lớn nhất là 20" in complaint(question("number", min="1", max="20"), "21")


def test_a_choice_is_kept_by_its_value_and_shown_by_its_label():
    spec = question("choice", options={"nha": "Tại nhà", "vien": "Bệnh viện"})

    assert answer(spec, "nha") == "nha"
    assert display(spec, "nha") == "Tại nhà"
    assert "một trong các mục" in complaint(spec, "duong")
    assert not type_of(spec).takes(spec, "duong")


def test_several_choices_are_kept_together():
    spec = question("choices", options={"a": "Một", "b": "Hai", "c": "Ba"})

    assert answer(spec, ["a", "c"]) == ["a", "c"]
    assert display(spec, ["a", "c"]) == "Một; Ba"
    assert answer(spec, []) is None
    assert complaint(spec, ["a", "x"])


@pytest.mark.parametrize(
    "typed",
    [
        "Xã Gio Linh, Tỉnh Quảng Trị",
        "gio linh, quang tri",
        "GIO LINH",
        "Gio Linh Quảng Trị",
        "xã Gio Linh tỉnh Quảng Trị",
        "gio linh - quang tri",
        "Xã Gio Linh, huyện Gio Linh, tỉnh Quảng Trị",
    ],
)
def test_a_commune_is_found_however_it_is_typed(typed):
    kept = answer(question("address"), typed, "Thôn 5")

    assert kept == {**GIO_LINH, "detail": "Thôn 5"}
    assert display(question("address"), kept) == "Thôn 5, Xã Gio Linh, Tỉnh Quảng Trị"
    assert type_of(question("address")).takes(question("address"), kept)


def test_a_commune_of_several_provinces_asks_for_the_province():
    name = next(
        name for name, rows in lists._by_folded_name().items() if len({r[2] for r in rows}) > 1
    )
    one = lists.find_communes(name)[0]

    assert "hãy ghi thêm tên tỉnh" in complaint(question("address"), name, "")
    assert answer(question("address"), str(one), "")["commune"] == one.code


def test_a_place_that_is_not_there_is_refused_unless_old_names_are_taken():
    assert "Chưa tìm thấy “Xã Không Có”" in complaint(question("address"), "Xã Không Có", "")

    kept = answer(question("address", old_names="yes"), "Xã Gio Mỹ, huyện Gio Linh", "Thôn 1")

    assert kept == {"commune": "", "name": "Xã Gio Mỹ, huyện Gio Linh", "detail": "Thôn 1"}


def test_an_old_commune_with_its_district_is_not_mistaken_for_a_new_one():
    spec = question("address", old_names="yes")

    old = answer(spec, "Xã Gio Linh, huyện Gio Linh, tỉnh Quảng Trị", "")

    assert old["commune"] == ""
    assert old["name"] == "Xã Gio Linh, huyện Gio Linh, tỉnh Quảng Trị"


@pytest.mark.parametrize("kind", sorted(TYPES))
@pytest.mark.parametrize("odd", ["chữ", 7, ["x"], {"y": 1}, {"commune": 1, "name": 2}, True])
def test_an_answer_of_another_type_never_breaks_a_page(kind, odd):
    spec = question(kind, options={"a": "A"} if kind in {"choice", "choices"} else None)

    assert type_of(spec).takes(spec, odd) in {True, False}


def test_there_are_as_many_communes_and_groups_as_the_law_says():
    assert len(lists.communes()) == 3321
    assert len(lists.ETHNIC_GROUPS) == len(set(lists.ETHNIC_GROUPS)) == 54
    assert next(iter(lists.nationalities())) == "VN"
