"""What staff write as YAML is read as they meant it, or refused line by line."""

from __future__ import annotations

import io
import unicodedata
from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from procedures.loading import checking
from procedures.loading.checking import check_files, check_text
from procedures.loading.comparing import changes
from procedures.loading.saving import NotTwoPeople, publish, save_draft
from procedures.loading.yamltext import read
from procedures.models import CatalogueVersion, LifeEvent, Procedure, Revision
from tests import factories

GOOD = """\
code: 2.000720
name: Cấp giấy mẫu
short_name: Giấy mẫu
field: Hộ tịch
life_events: [nguoi-than-mat]
audience: Công dân Việt Nam
decision: 0123/QĐ-BTP
effective_from: 01/07/2026
service_level: 4
online: full
office: {tier: commune}
channels:
  - {type: online, time: same_day, cut_off: 15:00, clock_starts: filing}
  - {type: direct, time: 3 working_days}
fees:
  - id: le_phi
    name: Lệ phí
    amount: 8.000
    times: ban_sao.so_luong
    pay: at_filing
    source: Thông tư 281/2016
    confirmed: yes
    refundable: no
documents:
  - {id: giay, name: Giấy tờ mẫu, how: submit, when: ban_sao.loai = hai}
steps:
  - {id: tiep_nhan, name: Tiếp nhận, who: reception, budget: 4 hours}
result: {name: Giấy mẫu, made_in: So ho tich, give_by: [online]}
legal_basis:
  - {number: 60/2014/QH13, title: Luật Hộ tịch}
form:
  - section: ban_sao
    title: Bản sao
    fields:
      - {id: so_luong, type: number, label: Số bản, min: 1}
      - {id: loai, type: choice, label: Loại, options: {mot: Loại 1, hai: Loại 2}}
      - {id: ghi_chu, type: text, label: Ghi chú, default: no}
      - {id: nguoi, use: nhan_than}
"""


@pytest.fixture
def life_events(db):
    factories.offices()


def spec_of(text: str):
    document, spec = check_text(text, "mau.yaml")
    assert [str(fault) for fault in document.faults] == []
    return spec


def faults_of(text: str) -> list[str]:
    document, spec = check_text(text, "mau.yaml")
    assert spec is None
    return [str(fault) for fault in document.faults]


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


def line_of(words: str, text: str = GOOD) -> int:
    return next(n for n, line in enumerate(text.splitlines(), start=1) if words in line)


# --- Every scalar is text -------------------------------------------------------------


def test_yaml_guesses_nothing():
    text = "a: 2.000720\nb: 8.000\nc: 15:00\nd: no\ne: 007\nf: 0o17\ng: 2026-12-01\nh: null\ni: 1e3"

    document = read(text, "x")

    assert document.data == {
        "a": "2.000720", "b": "8.000", "c": "15:00", "d": "no", "e": "007",
        "f": "0o17", "g": "2026-12-01", "h": "null", "i": "1e3",
    }  # fmt: skip


def test_the_schema_converts_what_it_knows(life_events):
    spec = spec_of(GOOD)

    assert spec.code == "2.000720"
    assert spec.fees[0].amount == 8000
    assert spec.channels[0].cut_off == "15:00"
    assert spec.fees[0].confirmed is True
    assert spec.fees[0].refundable is False
    assert spec.decision == "0123/QĐ-BTP"
    assert f"{spec.effective_from:%d/%m/%Y}" == "01/07/2026"


def test_a_text_that_says_no_stays_that_text(life_events):
    spec = spec_of(GOOD)

    assert spec.form[0].fields[2].default == "no"


@pytest.mark.parametrize(
    ("written", "amount"),
    [("8000", 8000), ("8.000", 8000), ("1.250.000", 1_250_000), ("0", 0), ("unknown", None)],
)
def test_an_amount_is_whole_dong_or_unknown(life_events, written, amount):
    text = changed("amount: 8.000", f"amount: {written}").replace("service_level: 4", "level: 3")

    assert spec_of(text).fees[0].amount == amount


@pytest.mark.parametrize(("written", "hour"), [("7:30", "07:30"), ("'07:30'", "07:30")])
def test_an_hour_may_be_written_without_its_zero(life_events, written, hour):
    assert spec_of(changed("15:00", written)).channels[0].cut_off == hour


def test_a_shared_block_brings_its_questions(life_events):
    person = spec_of(GOOD).form[0].fields[3]

    assert [field.id for field in person.fields][:2] == ["ho_ten", "ngay_sinh"]


# --- Faults: one line each, where they stand ------------------------------------------

FAULTS = [
    ("wrong key", "decision:", "dicision:", "Không có khóa “dicision”."),
    ("unknown field type", "type: text", "type: txt", "“type: txt” không dùng được"),
    ("unknown block", "use: nhan_than", "use: nhan", "Không có khối dùng chung “nhan”"),
    (
        "unknown question",
        "when: ban_sao.loai = hai",
        "when: ban_sao.kieu = hai",
        "Không có câu hỏi “ban_sao.kieu”",
    ),
    (
        "unknown option",
        "when: ban_sao.loai = hai",
        "when: ban_sao.loai = ba",
        "không có lựa chọn “ba”",
    ),
    ("no expression", "when: ban_sao.loai = hai", "when: ban_sao.loai =", "Điều kiện"),
    (
        "question without its section",
        "when: ban_sao.loai = hai",
        "when: loai = hai",
        "chưa ghi câu hỏi theo dạng mục.câu_hỏi",
    ),
    ("unknown answer to multiply", "times: ban_sao.so_luong", "times: ban_sao.so", "ban_sao.so"),
    ("bad date", "01/07/2026", "31/02/2026", "không có ngày này trong lịch"),
    ("bad hour", "15:00", "25:00", "phải là giờ dạng 15:00"),
    ("bad number", "amount: 8.000", "amount: 8.00", "phải là số nguyên"),
    ("below zero", "amount: 8.000", "amount: -8000", "không được là số âm"),
    ("too much", "amount: 8.000", "amount: 9999999999999", "nằm ngoài giới hạn"),
    ("bad duration", "3 working_days", "3 ngày", "phải là same_day, text, hoặc dạng"),
    ("bad yes and no", "confirmed: yes", "confirmed: maybe", "chỉ nhận yes hoặc no"),
    ("level out of range", "service_level: 4", "service_level: 5", "nằm ngoài giới hạn"),
    ("bad code", "code: 2.000720", "code: 2.00072", "chưa đúng dạng"),
    ("bad key", "id: giay,", "id: Giấy,", "chưa đúng dạng"),
    ("empty text", "name: Cấp giấy mẫu", "name: ''", "đang để trống"),
    ("long text", "short_name: Giấy mẫu", "short_name: " + "x" * 201, "dài quá 200 ký tự"),
    ("not a list", "life_events: [nguoi-than-mat]", "life_events: {a: b}", "là một danh sách"),
    ("not a mapping", "office: {tier: commune}", "office: xã", "các dòng khóa và giá trị"),
    ("unknown life event", "[nguoi-than-mat]", "[khong-co]", "Không có sự kiện “khong-co”"),
    ("unknown channel", "type: direct", "type: fax", "chỉ nhận online, direct, postal"),
    ("duplicate channel", "type: direct", "type: online", "“online” bị lặp lại"),
    ("choice without options", ", options: {mot: Loại 1, hai: Loại 2}", "", "phải có options"),
    ("yes and no as options", "{mot: Loại 1, hai: Loại 2}", "{co: Có, hai: Hai}", "type: yes_no"),
    ("question without label", "type: text, label: Ghi chú", "type: text", "thiếu label"),
    ("duplicate question", "id: ghi_chu", "id: so_luong", "“so_luong” bị lặp lại"),
    ("bad minimum", "min: 1", "min: một", "min hoặc max của “so_luong”"),
]


@pytest.mark.parametrize(
    ("old", "new", "sentence"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS]
)
def test_a_fault_is_named_on_its_line(life_events, old, new, sentence):
    text = changed(old, new)

    faults = faults_of(text)

    place = f"mau.yaml:{line_of(old)}: "
    assert any(fault.startswith(place) and sentence in fault for fault in faults), faults


def test_several_faults_are_all_named(life_events):
    text = changed("decision:", "dicision:").replace("15:00", "99:00")

    faults = faults_of(text)

    assert len(faults) == 2  # the wrong key, and the hour


@pytest.mark.parametrize("key", ["code", "decision", "legal_basis", "office", "channels", "result"])
def test_a_missing_key_is_named(life_events, key):
    data = yaml.load(GOOD, Loader=yaml.BaseLoader)  # noqa: S506 - texts and nothing else
    del data[key]

    faults = faults_of(yaml.safe_dump(data, allow_unicode=True))

    assert f"Thiếu khóa “{key}”." in " ".join(faults)


@pytest.mark.parametrize("row", ["documents", "fees", "steps"])
def test_an_id_that_stands_twice_is_named(life_events, row):
    data = yaml.load(GOOD, Loader=yaml.BaseLoader)  # noqa: S506 - texts and nothing else
    data[row] = data[row] * 2

    faults = faults_of(yaml.safe_dump(data, allow_unicode=True))

    assert any("bị lặp lại" in fault for fault in faults)


def test_a_key_that_stands_twice_is_named_on_its_second_line(life_events):
    text = GOOD + "decision: 1/QĐ\n"

    assert faults_of(text) == [
        f"mau.yaml:{len(text.splitlines())}: Khóa “decision” bị lặp lại; "
        f"dòng {line_of('decision:')} đã có, hãy giữ một dòng."
    ]


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("", 1, "Tệp trống."),
        ("# chỉ có lời ghi chú\n", 1, "Tệp trống."),
        ("- a\n- b\n", 1, "Tệp phải gồm các dòng “khóa: giá trị”."),
        ("chỉ một câu", 1, "Tệp phải gồm các dòng “khóa: giá trị”."),
        ("a: 1\n\tb: 2\n", 2, "phím Tab"),
        ("a:\n\t- b\n", 2, "phím Tab"),
        ("a: 1\nname: Cấp giấy: bản sao\n", 2, "Có dấu hai chấm giữa câu"),
        ("a: 1\nb\nc: 2\n", 2, "Thiếu dấu hai chấm"),
        ("a: [1, 2\nb: 3\n", 1, "dấu phẩy hoặc dấu đóng ngoặc vuông"),
        ("a: {b: 1\nc: 3\n", 1, "dấu phẩy hoặc dấu đóng ngoặc nhọn"),
        ('a: "chưa đóng nháy\n', 1, "thiếu dấu nháy đóng"),
        ("a: 1\n? [b]\n: 2\n", 2, "Tên khóa phải là chữ."),
        ("a: &x [1, *x]\n", 1, "Phần này chứa chính nó."),
        ("a: 1\nb: “Giấy mẫu”\n", 2, "Dấu nháy cong của Word"),
        ("a: 1\nb: ‘Giấy mẫu’\n", 2, "Dấu nháy cong của Word"),
        ("a: !!python/object:os.system b\n---\nc: d\n", 2, "Mỗi tệp chỉ chứa một thủ tục"),
    ],
)
def test_what_is_no_procedure_file_is_refused_in_words(text, line, sentence):
    faults = faults_of(text)

    assert any(fault.startswith(f"mau.yaml:{line}: ") and sentence in fault for fault in faults), (
        faults
    )


def test_word_quotes_inside_a_sentence_are_text():
    text = 'a: Ghi “không rõ” nếu chưa biết\nb: “Một” và “hai”\nc: "“Cả câu”"\n'

    document = read(text, "x")

    assert document.faults == []
    assert document.data["b"] == "“Một” và “hai”"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_text(life_events, tmp_path, encoding):
    file = tmp_path / "mau.yaml"
    file.write_bytes(GOOD.encode(encoding))

    [(_document, spec)], _documents = check_files([file])

    assert spec.code == "2.000720"


@pytest.mark.parametrize("raw", ["Cấp giấy".encode("cp1258", "replace"), b"\x89PNG\r\n", b"a\xff"])
def test_a_file_of_another_encoding_says_so(tmp_path, raw):
    file = tmp_path / "mau.yaml"
    file.write_bytes(b"\xff" + raw)

    _good, [document] = check_files([file])

    [fault] = document.faults
    assert str(fault).startswith(f"{file}:1: Tệp chưa được lưu bằng mã UTF-8.")
    assert fault.kind == "encoding"


def test_decomposed_letters_become_the_usual_ones(life_events):
    spec = spec_of(unicodedata.normalize("NFD", GOOD))

    assert spec.name == "Cấp giấy mẫu"
    assert spec.form[0].fields[1].options["mot"] == "Loại 1"


def test_a_fault_of_many_lines_is_told_on_one(life_events):
    text = changed("when: ban_sao.loai = hai", '"when": "a.b =\n      c"')

    document, _spec = check_text(text, "mau.yaml")

    assert document.faults
    assert all("\n" not in fault.message for fault in document.faults)


# --- What a level needs ---------------------------------------------------------------


def test_level_two_needs_a_form(life_events):
    text = GOOD[: GOOD.index("form:")].replace("service_level: 4", "service_level: 2")
    text = text.replace("online: full", "online: none").replace(", when: ban_sao.loai = hai", "")
    text = text.replace("    times: ban_sao.so_luong\n", "")

    assert faults_of(text) == [
        f"mau.yaml:{line_of('service_level', text)}: "
        "Mức độ 2 trở lên phải có form (mẫu đơn để tải về)."
    ]


def test_level_three_needs_an_online_channel(life_events):
    text = changed("type: online", "type: postal").replace("service_level: 4", "service_level: 3")

    [fault] = faults_of(text)

    assert fault.startswith(f"mau.yaml:{line_of('service_level', text)}: Mức độ 3")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("amount: 8.000", "amount: unknown"),
        ("confirmed: yes", "confirmed: no"),
        ("pay: at_filing", "pay: at_collection"),
    ],
)
def test_level_four_needs_a_fee_that_can_be_paid_online(life_events, old, new):
    text = changed(old, new)

    [fault] = faults_of(text)

    assert fault.startswith(f"mau.yaml:{line_of('id: le_phi', text)}: Mức độ 4 phải trả được phí")


def test_level_four_needs_a_result_that_is_given_online(life_events):
    [fault] = faults_of(changed("give_by: [online]", "give_by: [counter]"))

    assert "trả được kết quả trực tuyến" in fault


def test_online_in_part_needs_a_reason(life_events):
    text = changed("online: full", "online: partial")

    assert faults_of(text) == [
        f"mau.yaml:{line_of('online: partial', text)}: "
        "online: partial phải có partial_reason (lý do chỉ một phần)."
    ]


def test_levels_one_and_two_are_not_online(life_events):
    text = changed("service_level: 4", "service_level: 2")

    [fault] = faults_of(text)

    assert fault.startswith(f"mau.yaml:{line_of('online: full', text)}: ")


# --- Older names of keys --------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("service_level: 4", "level: 7", "level: 7"),
        ("online: full", "online: full\ncitizen_deadline: {days: x}", "citizen_deadline"),
        (
            "online: full",
            "online: full\non_time:\n  days: 60\n  text: Hạn\n  from: ban_sao.ngay",
            "from: ban_sao",
        ),
        ("default: no", "else: stop", "else: stop"),
    ],
)
def test_a_fault_under_an_older_key_is_on_that_line(life_events, old, new, words):
    text = changed(old, new)

    faults = faults_of(text)

    assert faults
    assert all(fault.startswith(f"mau.yaml:{line_of(words, text)}: ") for fault in faults), faults


# --- Shared blocks --------------------------------------------------------------------


def test_a_fault_of_the_shared_blocks_stops_everything(life_events, tmp_path, monkeypatch):
    blocks, file = tmp_path / "blocks.yaml", tmp_path / "mau.yaml"
    blocks.write_text("nhan_than:\n\t- {id: a}\n", "utf-8")
    file.write_text(GOOD, "utf-8")
    monkeypatch.setattr(checking, "BLOCKS_FILE", blocks)

    good, [document] = check_files([file])

    assert good == []
    assert str(document.faults[0]).startswith(f"{blocks}:2: ")


# --- Nothing that is written makes a traceback ----------------------------------------

DAMAGES = st.recursive(
    st.sampled_from(["", "no", "0", "-1", "x" * 500, "a.b = c", "(" * 200, "ệ", "2.000720"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just("id"), inner, max_size=1),
    max_leaves=3,
)


def _places(data, before=()):
    yield before
    items = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in items:
        if isinstance(value, dict | list):
            yield from _places(value, (*before, key))
        else:
            yield (*before, key)


PLACES = list(_places(yaml.load(GOOD, Loader=yaml.BaseLoader)))[1:]  # noqa: S506 - texts only


@given(place=st.sampled_from(PLACES), damage=DAMAGES)
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_whatever_is_written_is_read_or_refused(life_events, place, damage):
    data = yaml.load(GOOD, Loader=yaml.BaseLoader)  # noqa: S506 - texts and nothing else
    part = data
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = damage

    document, spec = check_text(yaml.safe_dump(data, allow_unicode=True), "mau.yaml")

    assert (spec is None) == bool(document.faults)
    assert all("\n" not in f"{fault.message}{fault.suggestion}" for fault in document.faults)


def test_the_longest_texts_that_pass_fit_their_columns(life_events):
    data = yaml.load(GOOD, Loader=yaml.BaseLoader)  # noqa: S506 - texts and nothing else
    data |= {"short_name": "ế" * 200, "field": "ế" * 200, "decision": "ế" * 60}
    data["office"] = {"tier": "a" * 20, "choose": "ế" * 200}
    data["fees"][0] |= {"name": "ế" * 200, "per": "ế" * 60, "source": "ế" * 200, "id": "a" * 40}
    data["fees"][0] |= {"exempt_law": "ế" * 200, "amount": "1000000000000"}
    data["documents"][0] |= {"originals": "9999", "id": "a" * 40}
    data["legal_basis"][0]["number"] = "ế" * 60
    data["channels"][1]["time"] = "9999 working_days"

    revision = save_draft(spec_of(yaml.safe_dump(data, allow_unicode=True)))

    revision.refresh_from_db()
    assert revision.short_name == "ế" * 200
    assert revision.fees.get().amount == 10**12


# --- The command ----------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, life_events) -> Path:
    (tmp_path / "mau.yaml").write_text(GOOD, "utf-8")
    return tmp_path


def load(path: Path, *arguments: str, command: str = "loadprocedures") -> str:
    out = io.StringIO()
    call_command(command, str(path), *arguments, stdout=out, stderr=out)
    return out.getvalue()


def refused(path: Path, *arguments: str, command: str = "loadprocedures") -> str:
    out = io.StringIO()
    with pytest.raises(CommandError) as refusal:
        call_command(command, str(path), *arguments, stdout=out, stderr=out)
    return f"{out.getvalue()}{refusal.value}"


@pytest.mark.parametrize("command", ["loadprocedures", "checkprocedures"])
def test_one_bad_file_keeps_all_from_being_loaded(folder, command):
    (folder / "xau.yaml").write_text(changed("15:00", "25:00").replace("2.000720", "2.000721"))

    said = refused(folder, command=command)

    assert f"{folder / 'xau.yaml'}:{line_of('cut_off')}: " in said
    assert "1 lỗi; chưa có gì được nạp." in said
    assert not Procedure.objects.exists()


def test_a_code_in_two_files_is_a_fault_of_the_second(folder):
    (folder / "nua.yaml").write_text(GOOD, "utf-8")

    said = refused(folder)

    first, second = folder / "mau.yaml", folder / "nua.yaml"
    assert f"{second}:1: Mã 2.000720 đã có trong tệp {first}." in said
    assert not Procedure.objects.exists()


def test_a_failure_while_saving_leaves_nothing(folder, monkeypatch):
    (folder / "nua.yaml").write_text(GOOD.replace("2.000720", "2.000721"), "utf-8")
    from procedures.loading import bulk

    monkeypatch.setattr(bulk, "AT_ONCE", 1)
    monkeypatch.setattr(bulk, "save_drafts", failing_at(2, bulk.save_drafts))
    with pytest.raises(RuntimeError):
        load(folder)

    assert not Procedure.objects.exists()


def failing_at(number: int, work):
    """`work`, but for its call of that number."""
    calls = []

    def run(*arguments, **details):
        calls.append(arguments)
        if len(calls) == number:
            raise RuntimeError("the disk is full")
        return work(*arguments, **details)

    return run


def test_checking_changes_nothing(folder):
    said = load(folder, command="checkprocedures")

    assert "2.000720 mức độ 4, không có lỗi." in said
    assert not Procedure.objects.exists()


@pytest.mark.parametrize("command", ["loadprocedures", "checkprocedures"])
def test_an_empty_or_missing_folder_is_said(tmp_path, command):
    assert "Không có tệp .yaml nào." in refused(tmp_path, command=command)
    assert "Không có tệp hay thư mục" in refused(tmp_path / "nowhere", command=command)


def test_loading_makes_a_draft_that_nobody_sees(folder):
    load(folder)

    revision = Revision.objects.get()
    assert revision.status == "draft"
    assert revision.procedure.current is None


def test_the_same_files_again_make_no_revision(folder):
    load(folder, "--publish")

    said = load(folder, "--publish")

    assert "1 thủ tục: 1 không đổi.\nĐã công bố 0 thủ tục." in said
    assert Revision.objects.count() == 1


def test_a_comment_or_another_order_makes_no_revision(folder):
    load(folder, "--publish")
    data = yaml.load(GOOD, Loader=yaml.BaseLoader)  # noqa: S506 - texts and nothing else
    again = dict(reversed(data.items()))
    (folder / "mau.yaml").write_text("# ghi chú\n" + yaml.safe_dump(again, allow_unicode=True))

    load(folder, "--publish")

    assert Revision.objects.count() == 1


def test_a_draft_is_replaced_by_the_next(folder):
    load(folder)
    (folder / "mau.yaml").write_text(changed("amount: 8.000", "amount: 9.000"), "utf-8")

    load(folder)

    revision = Revision.objects.get()
    assert revision.status == "draft"
    assert revision.number == 1
    assert revision.fees.get().amount == 9000


def test_publishing_supersedes_what_was_in_force(folder):
    load(folder, "--publish")
    (folder / "mau.yaml").write_text(changed("amount: 8.000", "amount: 9.000"), "utf-8")

    load(folder, "--publish")

    old, new = Revision.objects.order_by("number")
    assert (old.status, new.status) == ("superseded", "published")
    assert old.superseded_at is not None
    assert old.fees.get().amount == 8000
    assert new.procedure.current == new


def test_the_difference_is_shown_and_nothing_saved(folder):
    load(folder, "--publish")
    (folder / "mau.yaml").write_text(changed("decision: 0123", "decision: 0456"), "utf-8")

    said = load(folder, "--diff")

    assert "2.000720:\n  decision: 0123/QĐ-BTP -> 0456/QĐ-BTP\n" in said
    assert "amount" not in said
    assert Revision.objects.count() == 1


def test_the_difference_of_a_new_and_of_an_unchanged_procedure_is_one_line(folder):
    new = load(folder, "--diff")
    load(folder, "--publish")

    same = load(folder, "--diff")

    assert new == "2.000720: thủ tục mới.\n1 thủ tục: 1 mới.\n"
    assert same == "1 thủ tục: 1 không đổi.\n"


def test_outside_demo_publishing_needs_two_names(folder, settings):
    settings.DEMO = False

    said = refused(folder, "--publish")
    half = refused(folder, "--publish", "--by", factories.user().email)

    assert "cần hai người" in said
    assert "cần hai người" in half
    assert not Procedure.objects.exists()


def test_nobody_publishes_what_they_wrote(folder, settings):
    settings.DEMO = False
    writer = factories.user()

    said = refused(folder, "--publish", "--by", writer.email, "--approved-by", writer.email.upper())

    assert "Người công bố phải khác người soạn." in said
    assert not Procedure.objects.exists()


def test_two_people_publish_and_both_are_kept(folder, settings):
    settings.DEMO = False
    writer, publisher = factories.user(), factories.user()

    names = ("--by", writer.email, "--approved-by", publisher.email)
    said = refused(folder, "--publish", *names)
    load(folder, "--publish", *names, "--decision", "12/QĐ-UBND")

    assert "cần số quyết định" in said
    revision = Revision.objects.get()
    assert (revision.created_by, revision.published_by) == (writer, publisher)
    assert revision.publish_decision == "12/QĐ-UBND"


@pytest.mark.parametrize("is_active", [False, None])
def test_a_name_that_nobody_active_has_is_refused(folder, is_active):
    person = factories.user(is_active=False) if is_active is False else None
    email = person.email if person else "khong-co@example.vn"

    assert f"Không có người dùng {email}." in refused(folder, "--by", email)


def test_publishing_by_its_own_writer_is_refused_below_the_command_too(folder):
    writer = factories.user()
    revision = save_draft(spec_of(GOOD), by=writer)

    with pytest.raises(NotTwoPeople):
        publish(revision, by=writer)

    revision.refresh_from_db()
    assert revision.status == "draft"


def test_publishing_tells_the_search_and_a_draft_does_not(folder):
    load(folder, "--publish")
    before = CatalogueVersion.objects.get().token
    (folder / "mau.yaml").write_text(changed("amount: 8.000", "amount: 9.000"), "utf-8")

    load(folder)
    after_draft = CatalogueVersion.objects.get().token
    load(folder, "--publish")
    after = CatalogueVersion.objects.get().token

    assert after_draft == before
    assert after != before


def test_what_is_in_force_is_compared_key_by_key(folder):
    load(folder, "--publish")

    found = changes(spec_of(changed("pay: at_filing", "pay: after_acceptance")))

    assert [str(change) for change in found] == ["fees.le_phi.pay: at_filing -> after_acceptance"]


def test_a_dossier_keeps_the_revision_it_was_filed_under(db):
    dossier = factories.filed(factories.COPY)
    path = factories.FIXTURES / "procedures" / f"{factories.FILES[factories.COPY]}.yaml"
    [(_document, spec)], _documents = check_files([path])
    dearer = spec.model_copy(update={"name": f"{spec.name} (mới)"})

    publish(save_draft(dearer), by=None)

    dossier = type(dossier).objects.get(pk=dossier.pk)
    assert dossier.revision.status == "superseded"
    assert dossier.revision.name == spec.name
    assert dossier.revision != dossier.revision.procedure.current


def test_an_office_loads_lists_of_its_own(db, tmp_path):
    (tmp_path / "life_events.yaml").write_text("- {slug: viec-moi, name: Việc mới}")

    call_command("loadoffices", tmp_path)

    assert LifeEvent.objects.get().slug == "viec-moi"


def test_a_folder_without_any_list_is_said(db, tmp_path):
    with pytest.raises(CommandError, match="không có"):
        call_command("loadoffices", tmp_path)
