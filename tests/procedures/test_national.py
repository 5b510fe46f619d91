"""Rows of the national catalogue become procedures that say no more than the row did."""

from __future__ import annotations

import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import translation

from procedures.loading import planning, sources
from procedures.loading.national import read_row, short_name
from procedures.loading.sources import SourceError, lines_of, read_entries
from procedures.models import Channel, Fee, LegalBasis, Procedure, RequiredDocument, Revision
from tests import factories

NATIONAL_FILE = settings.BASE_DIR.parent / "shared" / "data" / "national" / "procedures.jsonl.xz"
needs_the_file = pytest.mark.skipif(
    not NATIONAL_FILE.exists(),
    reason="the national file is not at hand: loading at full size is not tested",
)


def channel(kind: str = "direct", **values: Any) -> dict[str, Any]:
    return {"channel": kind, "duration": 3.0, "unit": "working_day", "duration_text": "",
            "fees": [], "fee_text": "", "note": "", **values}  # fmt: skip


def row(**values: Any) -> dict[str, Any]:
    return {
        "code": "1.000001", "decision": "12/QĐ-BTP", "name": "Thủ tục cấp giấy mẫu",
        "level": "Cấp Xã", "kind": "OTHER", "field": "Hộ tịch", "steps": "Nộp rồi nhận.",
        "conditions": "", "results": "Giấy mẫu", "keywords": "", "description": "",
        "channels": [channel()], "documents": [], "audience": ["Công dân Việt Nam"],
        "agency": "", "authority": "", "address": "", "delegated": "", "coordinating": "",
        "legal_basis": [{"title": "Luật Hộ tịch", "number": "60/2014/QH13"}], **values,
    }  # fmt: skip


def read(**values: Any):
    return read_row(json.dumps(row(**values)).encode())


def spec(**values: Any):
    found = read(**values)
    assert found.faults == []
    return found.spec


def times(**values: Any) -> list[tuple[str, str | None]]:
    return [(row.time, row.note) for row in spec(channels=[channel(**values)]).channels]


def fees(*channels: dict[str, Any]):
    return spec(channels=list(channels)).fees


# --- What a row says ------------------------------------------------------------------


def test_a_row_is_a_procedure_of_level_1_that_is_filed_at_the_national_portal():
    found = spec(agency="Ủy ban nhân dân cấp xã", authority="Sở Tư pháp", address="Đông Hà",
                 delegated="Phòng Tư pháp", coordinating="Công an xã",
                 conditions="Đủ 18 tuổi\n\n- Cư trú tại xã\n", keywords="mẫu giấy")  # fmt: skip

    assert (found.service_level, found.online) == (1, "none")
    assert found.filing_place == "national_portal"
    assert found.name == "Thủ tục cấp giấy mẫu"
    assert found.short_name == "Cấp giấy mẫu"
    assert found.conditions == ["Đủ 18 tuổi", "- Cư trú tại xã"]
    assert found.keywords == ["mẫu giấy"]
    assert found.steps_text == "Nộp rồi nhận."
    assert found.office.model_dump(exclude_none=True) == {
        "tier": "commune", "handled_by": "Ủy ban nhân dân cấp xã", "authority": "Sở Tư pháp",
        "address": "Đông Hà", "delegated": "Phòng Tư pháp", "coordinating": "Công an xã",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("level", "tier"),
    [("Cấp Xã", "commune"), ("Cấp Tỉnh", "province"), ("Cấp Bộ/Trung ương", "ministry"),
     ("", "other"), ("Cấp Vùng", "other")],
)  # fmt: skip
def test_the_tier_is_a_key_of_ours(level, tier):
    assert spec(level=level).office.tier == tier


def test_what_was_split_at_a_comma_in_brackets_is_put_together():
    found = spec(
        audience=["Tổ chức (không bao gồm doanh nghiệp", "HTX)", "Hợp tác xã", "", "Hợp tác xã"]
    )

    assert found.audience == ["Tổ chức (không bao gồm doanh nghiệp, HTX)", "Hợp tác xã"]


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Thủ tục đăng ký khai sinh", "Đăng ký khai sinh"),
        ("THỦ TỤC đăng ký", "Đăng ký"),
        ("Đăng ký thủ tục", "Đăng ký thủ tục"),
        ("Thủ tục", "Thủ tục"),
        ("a" * 200, "A" + "a" * 199),
        ("a" * 300, "A" + "a" * 198 + "…"),
    ],
)
def test_the_short_name_goes_without_its_first_words(name, short):
    assert short_name(name) == short


def test_a_long_name_is_cut_between_words_and_kept_whole_beside_it():
    name = "Thủ tục " + "cấp giấy phép " * 90

    found = spec(name=name)

    assert found.name == name.strip()
    assert len(found.short_name) <= 200
    assert found.short_name.endswith(("cấp…", "giấy…", "phép…"))


# --- Times ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("duration", "unit", "time"),
    [
        (3.0, "working_day", "3 working_days"),
        (30.0, "day", "30 days"),
        (2.0, "month", "2 months"),
        (8.0, "hour", "8 hours"),
        (0.5, "working_day", "4 hours"),
    ],
)
def test_a_plain_time_is_a_number(duration, unit, time):
    assert times(duration=duration, unit=unit) == [(time, None)]


@pytest.mark.parametrize(
    ("duration", "unit", "words"),
    [
        (3.5, "working_day", "3,5 ngày làm việc"),
        (24.0, "hour", "24 giờ"),
        (0.3, "working_day", "0,3 ngày làm việc"),
        (1.5, "month", "1,5 tháng"),
    ],
)
def test_a_time_that_we_would_say_differently_stays_in_its_own_words(duration, unit, words):
    assert times(duration=duration, unit=unit) == [("text", words)]


@pytest.mark.parametrize(("duration", "unit"), [(0.0, "other"), (1.0, "other"), (None, "day")])
def test_a_time_that_is_not_known_is_never_zero_days(duration, unit):
    found = times(duration=duration, unit=unit, duration_text="Theo thỏa thuận")

    assert found == [("text", "Theo thỏa thuận")]
    assert times(duration=duration, unit=unit) == [("text", None)]


def test_several_channels_of_one_kind_say_their_case():
    found = spec(
        channels=[
            channel("online", note="Cấp mới"),
            channel("direct", note="Cấp mới"),
            channel("direct", duration=1.0, duration_text="Cấp lại"),
        ]
    ).channels

    assert [(row.type, row.case, row.note) for row in found] == [
        ("online", None, "Cấp mới"),
        ("direct", "Cấp mới", None),
        ("direct", "Cấp lại", None),
    ]


# --- Fees -----------------------------------------------------------------------------


def test_the_same_fee_of_several_channels_is_one_fee():
    fee = {"amount": 50000, "note": "Mỗi giấy"}

    found = fees(channel("direct", fees=[fee]), channel("postal", fees=[fee]), channel("online"))

    assert [(row.amount, row.note, row.channels) for row in found] == [
        (50000, "Mỗi giấy", ["direct", "postal"])
    ]


def test_a_fee_of_every_channel_names_none():
    fee = {"amount": 50000, "note": ""}

    [found] = fees(channel("direct", fees=[fee]), channel("postal", fees=[fee]))

    assert found.channels == []
    assert found.source == "12/QĐ-BTP"
    assert not found.confirmed


def test_no_fee_is_ever_free():
    [found] = fees(channel(fees=[{"amount": 0, "note": "Không"}]))

    assert found.amount is None
    assert found.note == "Không"


def test_a_number_too_small_for_a_fee_is_not_known_and_told():
    found = read(channels=[channel(fees=[{"amount": 25, "note": "25 USD"}])])

    [fee] = found.spec.fees
    assert fee.amount is None
    assert fee.note == "25 USD\nDanh mục quốc gia ghi số 25, chưa rõ đơn vị tiền."
    assert "Mức phí dưới 1.000 đồng: coi là chưa rõ." in found.warnings


def test_a_fee_in_words_is_a_fee_that_is_not_known():
    found = fees(channel(fee_text="Do tỉnh quy định | Do tỉnh quy định | Theo biểu phí | "))

    assert [(row.amount, row.note) for row in found] == [
        (None, "Do tỉnh quy định"), (None, "Theo biểu phí"),
    ]  # fmt: skip


def test_a_fee_of_one_case_says_which():
    found = fees(
        channel(note="Cấp mới", fees=[{"amount": 9000, "note": ""}]),
        channel(note="Cấp lại", fees=[{"amount": 5000, "note": ""}]),
    )

    assert [(row.amount, row.note) for row in found] == [(9000, "Cấp mới"), (5000, "Cấp lại")]


# --- Papers ---------------------------------------------------------------------------


def test_an_entry_without_original_and_copy_is_a_remark():
    papers = [
        {"group": "Cấp mới", "name": "Đơn", "originals": 1, "copies": 2},
        {"group": "", "name": "Bản chụp phải rõ.", "originals": 0, "copies": 0},
        {"group": "Giấy phép", "name": "", "originals": 1, "copies": 0},
        {"group": "", "name": "", "originals": 1, "copies": 0},
    ]

    found = spec(documents=papers).documents

    assert [(row.id, row.name, row.group, row.how) for row in found] == [
        ("giay_1", "Đơn", "Cấp mới", "submit"),
        ("giay_2", "Bản chụp phải rõ.", None, "remark"),
        ("giay_3", "Giấy phép", None, "submit"),
    ]
    assert (found[0].originals, found[0].copies) == (1, 2)
    assert "Một giấy tờ không ghi tên: bỏ qua." in read(documents=papers).warnings


def test_a_reader_of_english_loads_the_same():
    values = {"channels": [channel(fees=[{"amount": 25, "note": ""}])], "results": ""}
    vietnamese = spec(**values)

    with translation.override("en"):
        assert spec(**values) == vietnamese


def test_signs_that_no_database_keeps_are_dropped():
    found = spec(name="Cấp\x00 giấy\u202e", steps="Bước\ufeff 1", field="Ho\u0323 tịch")

    assert (found.name, found.steps_text, found.field) == ("Cấp giấy", "Bước 1", "Họ tịch")


# --- What cannot be used --------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b"{", "Dòng này không phải JSON đọc được."),
        (b"\xff\xfe", "Dòng này không phải JSON đọc được."),
        (b"[1]", "Dòng này phải gồm các cặp khóa và giá trị."),
        (b'{"name": "a", "field": "b"}', "Thiếu khóa “code”."),
        (b'{"code": "1.000001", "name": " ", "field": "b"}', "“name” đang để trống."),
        (b'{"code": "x", "name": "a", "field": "b"}', "“code: x” chưa đúng dạng."),
    ],
)
def test_a_broken_line_is_said(line, sentence):
    found = read_row(line)

    assert found.spec is None
    assert found.faults == [sentence]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"name": 5}, "“name: 5” sai kiểu dữ liệu."),
        ({"channels": "online"}, "“channels: online” sai kiểu dữ liệu."),
        ({"channels": [channel("fax")]}, "chỉ nhận online, direct, postal."),
        ({"channels": [channel(duration=-1)]}, "“channels.0.duration: -1” không được là số âm."),
        ({"channels": [channel(fees=[{"amount": -1}])]}, "“channels.0.fees.0.amount: -1” không"),
        ({"channels": [channel(fees=[{"amount": "1"}])]}, "sai kiểu dữ liệu."),
        ({"channels": [channel(fees=[{"amount": 10**15}])]}, "lớn quá mức cho phép."),
        ({"field": "a" * 201}, "“field” dài quá mức cho phép."),
    ],
)
def test_a_wrong_value_is_named_with_its_key(values, sentence):
    found = read(**values)

    assert found.spec is None
    assert sentence in found.faults[0]


@pytest.mark.parametrize("code", ["1.0133611", "1.014955-Xoa", "2.009182739"])
def test_an_odd_code_is_kept_and_told(code):
    found = read(code=code)

    assert found.spec.code == code
    assert found.warnings == [f"Mã thủ tục không theo dạng 1.234567: {code}."]


def written(file: Path, *rows: dict[str, Any] | str) -> Path:
    lines = [line if isinstance(line, str) else json.dumps(line) for line in rows]
    data = ("\n".join(lines) + "\n").encode()
    opened = {".xz": lzma.open, ".gz": gzip.open}.get(file.suffix, open)
    with opened(file, "wb") as packed:
        packed.write(data)
    return file


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.xz", "a.jsonl.gz"])
def test_lines_are_read_packed_or_not(tmp_path, name):
    file = written(tmp_path / name, row(), "", row(code="1.000002"))

    assert [number for number, _line in lines_of(file)] == [1, 3]


def test_the_fault_of_a_line_is_named_with_its_number(tmp_path):
    file = written(tmp_path / "a.jsonl", row(), "{", row(), row(code="1.000002"))

    found = list(read_entries([file]))

    assert [str(fault) for entry in found for fault in entry.faults] == [
        f"{file}:2: Dòng này không phải JSON đọc được.",
        f"{file}:3: Mã 1.000001 đã có trong tệp {file}:1.",
    ]


def test_a_line_without_end_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "LONGEST_LINE", 10_000)
    file = written(tmp_path / "a.jsonl.xz", "x" * 3_000_000, row())

    found = list(read_entries([file]))

    assert [entry.line for entry in found] == [1, 2]
    assert "dài quá mức cho phép" in str(found[0].faults[0])
    assert found[1].spec.code == "1.000001"


@pytest.mark.parametrize("name", ["a.jsonl.xz", "a.jsonl.gz"])
def test_a_bomb_is_refused(tmp_path, settings, name):
    settings.CATALOGUE_UNPACKED_MB = 1
    file = written(tmp_path / name, *["x" * 1000] * 3000)

    with pytest.raises(SourceError, match="giải nén ra quá 1 MB"):
        list(lines_of(file))


@pytest.mark.parametrize("name", ["a.jsonl.xz", "a.jsonl.gz"])
@pytest.mark.parametrize("damage", [lambda data: data[:-20], lambda data: b"hello" + data])
def test_a_damaged_packed_file_is_said(tmp_path, name, damage):
    file = written(tmp_path / name, row())
    file.write_bytes(damage(file.read_bytes()))

    with pytest.raises(SourceError, match="bị hỏng"):
        list(lines_of(file))


def test_another_encoding_is_said(tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps(row()), "utf-16")

    with pytest.raises(SourceError, match="chưa được lưu bằng mã UTF-8"):
        list(lines_of(tmp_path / "a.jsonl"))


def test_what_is_no_list_of_procedures_at_all_is_given_up_early(db, tmp_path, monkeypatch):
    monkeypatch.setattr(planning, "MOST_FAULTS", 10)
    file = written(tmp_path / "a.jsonl", *["x"] * 12)

    with pytest.raises(CommandError, match=r"hơn 10 lỗi.*a\.jsonl:1: Dòng này không phải JSON"):
        call_command("checkprocedures", file)


# --- The whole country ----------------------------------------------------------------


@needs_the_file
def test_the_whole_country_loads_and_loads_again_without_a_change(db, capsys):
    call_command("loadprocedures", NATIONAL_FILE, publish=True)
    first = capsys.readouterr()

    call_command("loadprocedures", NATIONAL_FILE, publish=True)

    assert "5.652 thủ tục: 5.652 mới.\nĐã công bố 5652 thủ tục." in first.out
    assert "5.652 thủ tục: 5.652 không đổi.\nĐã công bố 0 thủ tục." in capsys.readouterr().out
    assert len(first.err.splitlines()) < 12
    assert first.err.count("Mã thủ tục không theo dạng") == 3
    assert Procedure.objects.filter(current__isnull=False).count() == 5652
    assert Revision.objects.count() == 5652
    assert Channel.objects.count() == 16509
    assert LegalBasis.objects.count() == 23529
    # 27.958 in the file, 31 of them without a word.
    assert RequiredDocument.objects.count() == 27927
    assert Fee.objects.filter(amount=0).count() == 0
    assert not Channel.objects.filter(amount=0).exists()


@needs_the_file
def test_a_known_procedure_of_the_country_says_what_the_row_says():
    found = {
        entry.code: entry.spec
        for entry in read_entries([NATIONAL_FILE])
        if entry.code in {factories.BIRTH, factories.CERTIFIED_COPY}
    }

    birth = found[factories.BIRTH]
    assert birth.short_name == "Đăng ký khai sinh"
    assert birth.office.tier == "commune"
    assert "60/2014/QH13" in [law.number for law in birth.legal_basis]
    assert {row.type for row in birth.channels} == {"online", "direct", "postal"}
    assert all(not fee.confirmed for fee in found[factories.CERTIFIED_COPY].fees)


def test_a_damaged_file_loads_nothing(db, tmp_path):
    file = written(tmp_path / "a.jsonl.xz", row())
    file.write_bytes(file.read_bytes()[:-20])

    with pytest.raises(CommandError, match="bị hỏng"):
        call_command("loadprocedures", file)

    assert not Procedure.objects.exists()
