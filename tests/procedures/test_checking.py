"""A fault comes with the line as it should be; what is right is never called wrong."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from procedures.loading.checking import check_bytes, check_files, check_text
from procedures.loading.yamltext import LARGEST_FILE, read
from procedures.models import NationalUpdate, Procedure
from tests import factories
from tests.procedures.test_loading import GOOD, changed, line_of


@pytest.fixture(autouse=True)
def life_events(db):
    factories.offices()


def faults_of(text: str):
    document, spec = check_text(text, "mau.yaml")
    assert spec is None
    return document.faults


def told(text: str) -> list[str]:
    return [str(fault) for fault in faults_of(text)]


def with_line(old: str, new: str, good: str = GOOD) -> str:
    """The good file with one whole line replaced."""
    lines = good.splitlines()
    lines[line_of(old, good) - 1] = new
    return "\n".join(lines) + "\n"


# --- Lines that YAML cannot read, or reads otherwise ----------------------------------

MISTYPED = [
    ("a tab", "    name: Lệ phí", "\t\tname: Lệ phí", "    name: Lệ phí"),
    ("Word's dash", "  - id: le_phi", "  – id: le_phi", "  - id: le_phi"),
    ("a bullet", "  - id: le_phi", "  • id: le_phi", "  - id: le_phi"),
    ("a colon in a text", "name: Cấp", "name: Cấp: giấy", 'name: "Cấp: giấy"'),
    (
        "a colon in a text with a note",
        "name: Cấp",
        "name: Cấp: giấy  # đúng tên",
        'name: "Cấp: giấy"  # đúng tên',
    ),
    (
        "a colon between braces",
        "{id: ghi_chu",
        "      - {id: ghi_chu, type: text, label: Ghi chú: thêm}",
        '      - {id: ghi_chu, type: text, label: "Ghi chú: thêm"}',
    ),
    ("quotes in a text", "name: Cấp", 'name: "Cấp" giấy', "name: '\"Cấp\" giấy'"),
    ("Word's quotes", "name: Cấp", "name: “Cấp: giấy”", 'name: "Cấp: giấy"'),
    ("Word's quotes round a word", "name: Cấp", "name: “Cấp giấy”", 'name: "Cấp giấy"'),
    (
        "Word's quotes round a comma",
        "{id: ghi_chu",
        "      - {id: ghi_chu, type: text, label: “Ghi, chú”}",
        '      - {id: ghi_chu, type: text, label: "Ghi, chú"}',
    ),
    (
        "a comma between braces",
        "{id: ghi_chu",
        "      - {id: ghi_chu, type: text, label: Họ, chữ đệm, tên, optional: yes}",
        '      - {id: ghi_chu, type: text, label: "Họ, chữ đệm, tên", optional: yes}',
    ),
    (
        "a comma at the end between braces",
        "result:",
        "result: {made_in: So ho tich, give_by: [online], name: Giấy, sổ}",
        'result: {made_in: So ho tich, give_by: [online], name: "Giấy, sổ"}',
    ),
    ("no space", "decision:", "decision:0123/QĐ-BTP", "decision: 0123/QĐ-BTP"),
    ("no space at the top", "code: 2", "code:2.000720", "code: 2.000720"),
    ("no colon", "decision:", "decision 0123/QĐ-BTP", "decision: 0123/QĐ-BTP"),
    ("an equals sign", "decision:", "decision = 0123/QĐ-BTP", "decision: 0123/QĐ-BTP"),
    ("a wide colon", "decision:", "decision：0123/QĐ-BTP", "decision: 0123/QĐ-BTP"),
    ("an open quote", "name: Cấp", 'name: "Cấp giấy', 'name: "Cấp giấy"'),
    (
        "an open bracket",
        "life_events:",
        "life_events: [nguoi-than-mat",
        "life_events: [nguoi-than-mat]",
    ),
    ("an open brace", "office:", "office: {tier: commune", "office: {tier: commune}"),
    ("too deep", "    amount: 8.000", "      amount: 8.000", "    amount: 8.000"),
    ("not deep enough", "    amount: 8.000", "   amount: 8.000", "    amount: 8.000"),
    ("a sign of YAML's", "decision:", "decision: @0123", 'decision: "@0123"'),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "line", "corrected"), [row[1:] for row in MISTYPED], ids=[row[0] for row in MISTYPED]
)
def test_a_mistyped_line_is_shown_as_it_should_be(old, line, corrected):
    text = with_line(old, line)

    [fault] = faults_of(text)

    assert fault.suggestion == corrected
    assert str(fault).startswith(f"mau.yaml:{line_of(line, text)}: ")
    assert str(fault).endswith(f"\n    hãy ghi: {corrected}")


@pytest.mark.parametrize(
    ("old", "line", "corrected"), [row[1:] for row in MISTYPED], ids=[row[0] for row in MISTYPED]
)
def test_the_corrected_line_leaves_no_fault(old, line, corrected):
    document, _spec = check_text(with_line(old, corrected), "mau.yaml")

    assert document.faults == []


def test_all_mistyped_lines_and_what_is_wrong_after_them_are_told_at_once():
    text = GOOD.replace("name: Cấp giấy mẫu", "name: Cấp giấy: mẫu")
    text = text.replace("decision: 0123", "dicision: 0123").replace("    amount:", "\tamount:")
    text = text.replace("type: direct", "type: derect")

    kinds = [fault.kind for fault in faults_of(text)]

    assert sorted(kinds) == ["colon", "tab", "unknown key", "unknown word"]


def test_two_texts_with_commas_on_one_line_are_both_mended():
    text = with_line("{id: ghi_chu", "      - {id: ghi_chu, type: text, label: A, b, help: C, d}")

    faults = faults_of(text)

    assert [fault.kind for fault in faults] == ["comma", "comma"]
    assert faults[-1].suggestion.endswith('{id: ghi_chu, type: text, label: "A, b", help: "C, d"}')


def test_faults_are_told_in_the_order_of_their_lines():
    text = changed("decision:", "dicision:").replace("type: text", "type: txt")
    text = text.replace("name: Cấp giấy mẫu", "name: Cấp: giấy")

    lines = [fault.line for fault in faults_of(text)]

    assert len(lines) == 3
    assert lines == sorted(lines)


def test_a_file_indented_with_tabs_throughout_is_mended_line_by_line():
    text = "\n".join(
        "\t" * ((len(line) - len(line.lstrip())) // 2) + line.lstrip()
        for line in GOOD.splitlines()[:16]
    )

    document = read(text, "mau.yaml")

    assert {fault.kind for fault in document.faults} == {"tab"}
    assert document.data["channels"][0]["type"] == "online"


def test_dashes_of_word_in_a_whole_list_are_each_named():
    text = GOOD + "also_called:\n  – làm giấy\n  – xin giấy\n"

    faults = faults_of(text)

    assert [fault.suggestion for fault in faults] == ["  - làm giấy", "  - xin giấy"]


@pytest.mark.parametrize(
    "line",
    [
        "summary: Ghi “không rõ” nếu chưa biết – như trên",
        "summary: |\n  – một\n  \thai: ba\n  “bốn”",
        'summary: "một\n  – hai: ba"',
        "summary: Một câu dài\n  – nói tiếp",
        "summary: 5 – 7 ngày: ",
        "summary: http://example.vn",
        "summary: Nộp\u00a0tại quầy",
        "summary:\u00a0Nộp tại quầy",
    ],
)
def test_what_only_looks_mistyped_is_left_alone(line):
    text = GOOD.replace("field: Hộ tịch", f"field: Hộ tịch\n{line}")
    if line.endswith(": "):
        text = text.replace(line, line.rstrip(": "))

    document, spec = check_text(text, "mau.yaml")

    assert [str(fault) for fault in document.faults] == []
    assert spec.summary


# --- Keys and values ------------------------------------------------------------------

WRONG = [
    ("key", "decision:", "dicision: 0123/QĐ-BTP", "decision: 0123/QĐ-BTP"),
    ("key of a row", "    amount: 8.000", "    ammount: 8.000", "    amount: 8.000"),
    ("demanded key", "    pay: at_filing", "    pays: at_filing", "    pay: at_filing"),
    ("word", "online: full", "online: ful", "online: full"),
    ("word in Vietnamese", "online: full", "online: toàn trình", "online: full"),
    ("word of a row", "    pay: at_filing", "    pay: at_filling", "    pay: at_filing"),
    ("yes", "    confirmed: yes", "    confirmed: đúng", "    confirmed: yes"),
    ("day", "effective_from:", "effective_from: 01-07-2026", "effective_from: 01/07/2026"),
    ("amount with a comma", "    amount: 8.000", "    amount: 8,000", "    amount: 8.000"),
    ("amount with its unit", "    amount: 8.000", "    amount: 8.000đ", "    amount: 8.000"),
    ("amount below zero", "    amount: 8.000", "    amount: -8.000", "    amount: 8.000"),
    (
        "hour",
        "type: online",
        "  - {type: online, time: same_day, cut_off: 15h, clock_starts: filing}",
        "  - {type: online, time: same_day, cut_off: 15:00, clock_starts: filing}",
    ),
    (
        "time in Vietnamese",
        "type: direct",
        "  - {type: direct, time: 3 ngày làm việc}",
        "  - {type: direct, time: 3 working_days}",
    ),
    (
        "letters in an id",
        "{id: giay",
        "  - {id: Giấy, name: Giấy tờ mẫu, how: submit, when: ban_sao.loai = hai}",
        "  - {id: giay, name: Giấy tờ mẫu, how: submit, when: ban_sao.loai = hai}",
    ),
    (
        "question",
        "{id: giay",
        "  - {id: giay, name: Giấy tờ mẫu, how: submit, when: ban_sao.lai = hai}",
        "  - {id: giay, name: Giấy tờ mẫu, how: submit, when: ban_sao.loai = hai}",
    ),
    (
        "question without its section",
        "{id: giay",
        "  - {id: giay, name: Giấy tờ mẫu, how: submit, when: loai = hai}",
        "  - {id: giay, name: Giấy tờ mẫu, how: submit, when: ban_sao.loai = hai}",
    ),
    (
        "option",
        "{id: giay",
        "  - {id: giay, name: Giấy tờ mẫu, how: submit, when: ban_sao.loai = hay}",
        "  - {id: giay, name: Giấy tờ mẫu, how: submit, when: ban_sao.loai = hai}",
    ),
    (
        "signs of a condition",
        "{id: giay",
        "  - {id: giay, name: Giấy tờ mẫu, how: submit, when: ban_sao.loai == hai}",
        "  - {id: giay, name: Giấy tờ mẫu, how: submit, when: ban_sao.loai = hai}",
    ),
    (
        "words of a condition",
        "{id: giay",
        "  - {id: giay, name: A, how: submit, when: ban_sao.loai = hai và ban_sao.so_luong > 1}",
        "  - {id: giay, name: A, how: submit, when: ban_sao.loai = hai and ban_sao.so_luong > 1}",
    ),
    (
        "day in words",
        "effective_from:",
        "effective_from: ngày 1 tháng 7 năm 2026",
        "effective_from: 01/07/2026",
    ),
    (
        "life event",
        "life_events:",
        "life_events: [nguoi-than-mac]",
        "life_events: [nguoi-than-mat]",
    ),
    (
        "shared block",
        "use: nhan_than",
        "      - {id: nguoi, use: nhan_thn}",
        "      - {id: nguoi, use: nhan_than}",
    ),
    (
        "type",
        "{id: ghi_chu",
        "      - {id: ghi_chu, type: txt, label: Ghi chú, default: no}",
        "      - {id: ghi_chu, type: text, label: Ghi chú, default: no}",
    ),
    (
        "answer to multiply by",
        "    times:",
        "    times: ban_sao.soluong",
        "    times: ban_sao.so_luong",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "line", "corrected"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG]
)
def test_a_wrong_word_is_shown_as_it_should_be(old, line, corrected):
    text = with_line(old, line)

    [fault] = faults_of(text)

    assert fault.line == line_of(line, text)
    assert fault.suggestion == corrected


def test_a_key_that_is_near_to_none_is_told_what_may_stand_there():
    [fault] = told(changed("online: full", "online: full\nxyz: 1"))

    assert "Không có khóa “xyz”. Ở đây dùng được: code, name, short_name" in fault


def test_a_day_that_no_calendar_has_says_so():
    [fault] = told(changed("01/07/2026", "31/02/2026"))

    assert "không có ngày này trong lịch" in fault


def test_a_text_of_a_list_with_a_colon_is_shown_between_quotes():
    text = GOOD + "conditions:\n  - Điều kiện: đủ 18 tuổi\n"

    [fault] = faults_of(text)

    assert fault.suggestion == '  - "Điều kiện: đủ 18 tuổi"'


def test_what_is_still_to_be_done_is_a_fault_and_nothing_else_is_said_of_it():
    [fault] = told(changed("amount: 8.000", "amount: 'CẦN SỬA: mức thu'"))

    assert "còn ghi CẦN SỬA" in fault


# --- Files that cannot be what they should --------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_is_read_however_it_was_saved(encoding):
    document, spec = check_bytes(GOOD.encode(encoding), "mau.yaml")

    assert document.faults == []
    assert spec.name == "Cấp giấy mẫu"


def test_another_encoding_is_named_on_its_first_line():
    raw = GOOD.encode("utf-8").replace("Hộ tịch".encode(), b"H\xf4\xf2 t\xf2ch")

    document, _spec = check_bytes(raw, "mau.yaml")

    [fault] = document.faults
    assert fault.line == line_of("field:")
    assert "UTF-8" in fault.message


def test_a_font_of_before_unicode_is_recognised():
    text = changed("Cấp giấy mẫu", "CÊp giÊy x¸c nhËn t×nh tr¹ng h«n nh©n cña ®èi t­îng")

    assert any("phông cũ" in fault for fault in told(text))


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"%PDF-1.7", b"\xd0\xcf\x11\xe0"])
def test_a_file_of_an_office_program_is_named(start):
    document, spec = check_bytes(start + b"\x00" * 100, "mau.yaml")

    assert spec is None
    assert "Đây là tệp" in document.faults[0].message


def test_a_file_of_fifty_megabytes_is_refused_before_it_is_read(tmp_path):
    file = tmp_path / "mau.yaml"
    with file.open("wb") as made:
        made.truncate(50_000_000)

    _good, [document] = check_files([file])

    [fault] = document.faults
    assert fault.message == "Tệp nặng 50,0 MB; một tệp thủ tục nặng nhất là 1 MB."


def test_bytes_beyond_the_limit_are_refused_unread():
    document, spec = check_bytes(b"a" * (LARGEST_FILE + 1), "mau.yaml")

    assert spec is None
    assert document.faults[0].kind == "size"


def test_aliases_that_multiply_are_stopped():
    layers = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    layers += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]

    [fault] = faults_of("\n".join(layers))

    assert "quá nhiều phần" in fault.message


@pytest.mark.parametrize("text", ["[" * 100_000, "a: " + "{b: " * 5_000, "- " * 5_000 + "x"])
def test_nesting_without_end_is_stopped(text):
    [fault] = faults_of(text)

    assert "lồng nhau quá nhiều lớp" in fault.message


# --- What the parts say of each other -------------------------------------------------


def definition(**changes) -> str:
    data = yaml.load(GOOD, Loader=yaml.BaseLoader)  # noqa: S506 - texts and nothing else
    return yaml.safe_dump(data | changes, allow_unicode=True, sort_keys=False)


def fee(**changes) -> list[dict]:
    made = {"id": "p", "name": "Phí", "amount": "8.000", "pay": "at_filing", "source": "TT 1",
            "confirmed": "yes"} | changes  # fmt: skip
    return [{key: value for key, value in made.items() if value is not None}]


TIERS = [{"up_to": "2", "amount": "2.000"}, {"amount": "1.000"}]


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": None, "counted": "ban_sao.so_luong", "tiers": TIERS, "cap": "200.000"},
        {"amount": None, "confirmed": "yes", "tiers": TIERS, "counted": "ban_sao.so_luong"},
        {"alternatives": [{"when": "ban_sao.loai = hai", "label": "Hai", "amount": "1.000"}]},
        {"channels": ["online", "direct"], "times": "ban_sao.so_luong"},
    ],
)
def test_a_fee_as_the_law_makes_it_is_no_fault(changes):
    document, _spec = check_text(definition(fees=fee(**changes)), "mau.yaml")

    assert [str(fault) for fault in document.faults] == []


def test_a_fee_without_any_amount_is_unknown_and_no_fault_below_level_four():
    text = definition(fees=fee(amount=None, confirmed="no"), service_level="3")

    document, spec = check_text(text, "mau.yaml")

    assert document.faults == []
    assert spec.fees[0].amount is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"amount": None, "tiers": TIERS}, "phải có counted"),
        ({"counted": "ban_sao.so_luong"}, "phải có tiers"),
        ({"tiers": TIERS, "counted": "ban_sao.so_luong"}, "không ghi amount"),
        ({"cap": "1.000"}, "cap chỉ dùng cùng tiers"),
        ({"times": "ban_sao.loai"}, "times phải là một câu hỏi type: number"),
        (
            {"amount": None, "tiers": TIERS, "counted": "ban_sao.ghi_chu"},
            "counted phải là một câu hỏi type: number",
        ),
        (
            {"amount": None, "counted": "ban_sao.so_luong", "tiers": TIERS, "cap": "1.000"},
            "nhỏ hơn mức của bậc đầu tiên",
        ),
        (
            {"amount": None, "counted": "ban_sao.so_luong", "tiers": TIERS[:1]},
            "Bậc cuối cùng không ghi up_to",
        ),
        (
            {"amount": None, "counted": "ban_sao.so_luong", "tiers": TIERS[::-1]},
            "Chỉ bậc cuối cùng được bỏ up_to",
        ),
        (
            {"amount": None, "counted": "ban_sao.so_luong",
             "tiers": [{"up_to": "5", "amount": "1"}, {"up_to": "5", "amount": "2"}, TIERS[1]]},
            "phải tăng dần",
        ),
        ({"channels": ["postal"]}, "không có cách nộp “postal”"),
        (
            {"alternatives": [{"when": "ban_sao.loai = ba", "label": "Ba", "amount": "1"}]},
            "không có lựa chọn “ba”",
        ),
        (
            {"alternatives": [
                {"when": "ban_sao.loai = hai", "label": "Hai", "amount": "1"},
                {"when": "ban_sao.loai = hai", "label": "Hai nữa", "amount": "2"},
            ]},
            "Không ai tới được phần này",
        ),
    ],
)  # fmt: skip
def test_a_fee_that_contradicts_itself_is_named(changes, words):
    faults = told(definition(fees=fee(**changes)))

    assert len(faults) == 1
    assert words in faults[0]


def test_a_fee_counts_nothing_in_a_section_of_many_rows():
    form = yaml.load(GOOD, Loader=yaml.BaseLoader)["form"]  # noqa: S506 - texts and nothing else
    rows = {"section": "thua", "title": "Thửa", "repeat": {"row_name": "Thửa đất"},
            "fields": [{"id": "so", "type": "number", "label": "Số"}]}  # fmt: skip

    [fault] = told(definition(form=[*form, rows], fees=fee(times="thua.so")))

    assert "mục lặp nhiều dòng" in fault


def test_a_paper_that_the_portal_prints_needs_a_form():
    paper = [{"id": "don", "name": "Đơn", "how": "portal"}]

    faults = told(definition(form=[], fees=[], documents=paper, service_level="1", online="none"))

    assert len(faults) == 1
    assert "thủ tục chưa có form" in faults[0]


def test_several_channels_of_one_kind_are_for_reading_alone():
    two = [{"type": "direct", "time": "3 days", "case": "Trong xã"},
           {"type": "direct", "time": "5 days", "case": "Ngoài xã"}]  # fmt: skip
    good, _spec = check_text(definition(channels=two, service_level="2", online="none"), "mau.yaml")
    two.append({"type": "online", "time": "3 days"})
    filed = told(definition(channels=two))
    del two[1]["case"]
    nameless = told(definition(channels=two[:2], service_level="2", online="none"))

    assert good.faults == []
    assert "từ mức độ 3 mỗi cách nộp chỉ ghi một lần" in filed[0]
    assert "phải có case (trường hợp) riêng" in nameless[0]


@pytest.mark.parametrize("key", ["redirect", "offer"])
def test_a_procedure_does_not_lead_to_itself(key):
    row = {"to": "2.000720", "text": "Chính nó"}
    row |= {"when": "ban_sao.loai = hai"} if key == "redirect" else {}

    [fault] = told(definition(**{key: [row]}))

    assert "dẫn về chính thủ tục này" in fault


def test_a_missing_key_is_told_with_what_it_means():
    [fault] = told(definition(fees=fee(pay=None)))

    assert "Thiếu khóa “pay”. at_filing: khi nộp hồ sơ; after_acceptance" in fault


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("type: number, label: Số bản, min: 1", "type: number, label: Số bản, min: 5, max: 2"),
        ("type: text, label: Ghi chú, default: no", "type: date, label: Ngày, min: 2026"),
        ("type: text, label: Ghi chú, default: no", "type: date, label: Ngày, max: 31/02/2026"),
    ],
)
def test_limits_that_no_answer_keeps_are_named(old, new):
    assert "min hoặc max" in told(changed(old, new))[0]


def test_limits_of_days_are_days_or_today():
    text = changed(
        "type: text, label: Ghi chú, default: no",
        "type: date, label: Ngày, min: 01/01/1990, max: today",
    )

    assert check_text(text, "mau.yaml")[0].faults == []


def test_more_first_questions_than_people_answer_are_named():
    asked = ["ban_sao.loai", "ban_sao.so_luong", "ban_sao.ghi_chu", "ban_sao", "ban_sao.nguoi",
             "ban_sao.nguoi.ho_ten"]  # fmt: skip

    assert "nhiều nhất là 5" in told(definition(ask_first=asked))[0]
    assert check_text(definition(ask_first=asked[:5]), "x")[0].faults == []


def test_a_section_stands_beside_the_one_before_it():
    form = yaml.load(GOOD, Loader=yaml.BaseLoader)["form"]  # noqa: S506 - texts and nothing else
    more = {"section": "hai", "title": "Hai", "fields": [{"id": "a", "type": "text", "label": "A"}]}

    good, _spec = check_text(definition(form=[*form, more | {"beside": "ban_sao"}]), "x")
    [fault] = faults_of(definition(form=[*form, more | {"beside": "khac"}]))

    assert good.faults == []
    assert fault.suggestion.strip() == "beside: ban_sao"


def test_the_citizens_time_begins_on_a_day():
    limit = {"days": "60", "start": "ban_sao.so_luong", "text": "60 ngày"}

    assert "start phải là một câu hỏi type: date" in told(definition(on_time=limit))[0]


def test_a_default_is_one_of_the_options():
    text = changed("label: Loại,", "label: Loại, default: ba,")

    assert "không phải là một lựa chọn" in told(text)[0]


# --- Conditions that can never hold ---------------------------------------------------


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ("ban_sao.so_luong < 1", "không bao giờ đúng"),
        ("ban_sao.loai = mot and ban_sao.loai = hai", "không bao giờ đúng"),
        (
            "age(ban_sao.nguoi.ngay_sinh) > 80 and age(ban_sao.nguoi.ngay_sinh) < 60",
            "không bao giờ",
        ),
        ("ban_sao.loai != mot and ban_sao.loai != hai", "Không ai tới được phần này"),
        ("ban_sao.nguoi.ngay_sinh < 01/07/2026", "Ngày trong điều kiện ghi dạng 2026-12-01"),
        ("ban_sao.so_luong = nhieu", "không so sánh được với “nhieu”"),
        ("ban_sao.loai > mot", "chỉ so sánh được bằng = hoặc !="),
    ],
)
def test_a_condition_that_can_never_hold_is_named(when, words):
    text = changed("when: ban_sao.loai = hai", f'when: "{when}"')

    [fault] = told(text)

    assert words in fault


def test_a_section_that_nobody_reaches_is_named_once():
    form = yaml.load(GOOD, Loader=yaml.BaseLoader)["form"]  # noqa: S506 - texts and nothing else
    question = {"id": "a", "type": "yes_no", "label": "A"}
    dead = {"section": "hai", "title": "Hai", "when": "ban_sao.so_luong = 0", "fields": [question]}
    behind = {"section": "ba", "title": "Ba", "when": "hai.a = yes", "fields": [question]}

    [fault] = told(definition(form=[*form, dead, behind]))

    assert "ban_sao.so_luong = 0" in fault


# --- Papers beside those of the country -----------------------------------------------


@pytest.fixture
def national():
    procedure = Procedure.objects.create(code="2.000720", slug="mau")
    name = "+ Giấy tờ mẫu số 5 ban hành kèm theo Thông tư, có xác nhận của cơ quan có thẩm quyền"
    definition = {"documents": [{"id": "giay_1", "name": name, "how": "submit"}]}
    NationalUpdate.objects.create(procedure=procedure, definition=definition, digest="x")


def papers(**changes) -> str:
    return definition(documents=[{"id": "g", "name": "Giấy tờ mẫu", "how": "submit"} | changes])


@pytest.mark.usefixtures("national")
def test_a_paper_that_the_published_procedure_does_not_have_is_named():
    [fault] = told(papers(name="Sổ hộ khẩu gia đình"))

    assert "Thủ tục đã công bố không có giấy tờ “Sổ hộ khẩu gia đình”" in fault


@pytest.mark.usefixtures("national")
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"name": "Bản sao giấy tờ mẫu số 5"},
        {"name": "Sổ hộ khẩu gia đình", "law": "Luật Cư trú điều 28"},
        {"name": "Sổ hộ khẩu gia đình", "how": "show"},
        {"name": "Tờ khai", "how": "portal"},
    ],
)
def test_a_published_paper_in_other_words_or_with_its_law_is_no_fault(changes):
    assert check_text(papers(**changes), "mau.yaml")[0].faults == []


def test_without_the_countrys_record_nothing_is_said_of_papers():
    assert check_text(papers(name="Sổ hộ khẩu gia đình"), "mau.yaml")[0].faults == []


# --- Whatever is typed ----------------------------------------------------------------

SLIPS = st.sampled_from(
    ["\t", "“", "”", '"', "'", ": ", ":", "：", "– ", "- ", "{", "}", "[", "]", ", ", "#", "&", "*",
     "!", "|", ">", "%", "@", "`", "\u00a0", "  ", "\n", "\ufeff", "a\u0302\u0301", "\x00", "？"]
)  # fmt: skip


@given(slips=st.lists(st.tuples(st.integers(0, len(GOOD)), SLIPS), min_size=1, max_size=4))
@hypothesis_settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_file_with_slips_is_read_or_refused_on_lines_that_it_has(slips):
    text = GOOD
    for place, slip in slips:
        text = text[:place] + slip + text[place:]

    document, spec = check_text(text, "mau.yaml")

    assert (spec is None) == bool(document.faults)
    assert all(1 <= fault.line <= text.count("\n") + 1 for fault in document.faults)
    assert all("\n" not in f"{fault.message}{fault.suggestion}" for fault in document.faults)


@pytest.mark.parametrize("line", ["a: b: c\n", "“a, b”: {c: d: e\n", "\tx y z\n", "– a: [\n"])
def test_a_megabyte_that_is_no_procedure_is_given_up_soon(line):
    text = line * (LARGEST_FILE // len(line.encode()) - 1)

    document, spec = check_bytes(text.encode(), "mau.yaml")

    assert spec is None
    assert 1 <= len(document.faults) <= 100


def test_one_endless_line_is_given_up_too():
    document, spec = check_bytes(("a: {" + "b: “c: d, " * 90_000).encode()[:LARGEST_FILE], "x")

    assert spec is None
    assert document.faults


# --- Given at once at the counter -----------------------------------------------------

SAME_DAY = [{"type": "direct", "time": "same_day"}]
ON_PAPER = {"name": "Bản sao", "made_in": "Sổ của xã", "give_by": ["counter"]}


def at_once(**changes) -> str:
    made = {
        "channels": SAME_DAY, "result": ON_PAPER, "at_once": "yes",
        "service_level": "2", "online": "none",
    }  # fmt: skip
    asked = {"fees": fee(times="ban_sao.so_luong"), "ask_at_once": ["ban_sao.so_luong"]}
    return definition(**(made | asked | changes))


def test_a_result_on_paper_of_the_same_day_may_be_given_at_once():
    document, spec = check_text(at_once(), "mau.yaml")

    assert document.faults == []
    assert (spec.at_once, spec.ask_at_once) == (True, ["ban_sao.so_luong"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"channels": [{"type": "direct", "time": "2 working_days"}]}, "time: same_day"),
        ({"result": ON_PAPER | {"give_by": ["post"]}}, "trả tại quầy"),
        ({"ask_at_once": ["ban_sao.so_luon"]}, "Không có câu hỏi “ban_sao.so_luon”"),
        ({"ask_at_once": ["ban_sao", "ban_sao.so_luong"]}, "hãy ghi từng câu hỏi"),
        ({"ask_at_once": ["ban_sao.nguoi.ho_ten", "ban_sao.so_luong"]}, "chỉ hỏi số"),
        ({"ask_at_once": []}, "ask_at_once phải hỏi câu này"),
        ({"at_once": "no"}, "chỉ dùng cùng với at_once"),
    ],
)
def test_what_keeps_a_result_from_being_given_at_once_is_named(changes, words):
    assert words in " ".join(told(at_once(**changes)))
