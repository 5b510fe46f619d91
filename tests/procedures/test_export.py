"""What the catalogue says is written as YAML that says the same when it is loaded again."""

from __future__ import annotations

import datetime
import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from procedures.formspec.spec import Field
from procedures.loading import checking
from procedures.loading.checking import check_files, check_text
from procedures.loading.export import yaml_of
from procedures.loading.national import read_row
from procedures.loading.saving import definition_of, save_draft
from procedures.loading.schema import ProcedureSpec
from procedures.loading.sources import lines_of
from procedures.loading.yamltext import read
from procedures.models import Procedure, Revision
from procedures.text import normalise
from tests import factories
from tests.procedures.test_national import NATIONAL_FILE, needs_the_file, row

PROCEDURES = factories.FIXTURES / "procedures"


def read_back(spec: ProcedureSpec) -> ProcedureSpec:
    """What the exported file of `spec` says, without asking whether it makes sense."""
    document = read(yaml_of(definition_of(spec)), "mau.yaml")
    assert [str(fault) for fault in document.faults] == []
    return ProcedureSpec.model_validate(document.data)


# --- Any procedure --------------------------------------------------------------------

# Signs between letters that the reader takes for a font of before Unicode.
_OLD_FONT_SIGNS = "®µ¸¶·¹¨»¾¼½Æ©ªÐÑÖ×ØÞßäåæëîï¬«ñö÷ø"
_ANY = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters=_OLD_FONT_SIGNS), max_size=40
)
_TRICKY = st.text(st.sampled_from("ab ắỗ:#-?!&*|>%@`'\"“”‘’[]{},=~<\n\t\\/.019"), max_size=40)
_WORDS = st.sampled_from(
    ["yes", "no", "null", "~", "1.0", "2.000720", "015", "0x1F", "1e3", "15:00", "2026-01-02",
     "<<", "=", "- a", "a: b", "a #b", "“Giấy mẫu”", "a\n\n  b\n c", " ", "---", "...", "|", "!x"]
)  # fmt: skip
texts = (_ANY | _TRICKY | _WORDS).filter(lambda text: bool(normalise(text).strip()))
lines = texts.filter(lambda text: "\n" not in text and "\r" not in text)
keys = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True)
amounts = st.integers(0, 10**12)
days = st.dates(min_value=datetime.date(1900, 1, 1))
times = st.sampled_from(["same_day", "text", "3 working_days", "1 day", "2 hours", "6 months"])
kinds = st.sampled_from(["online", "direct", "postal"])


def some(strategy, size: int = 2):
    return st.lists(strategy, max_size=size)


def part(**keys):
    return st.fixed_dictionaries({}, optional=keys)


def with_some(required: dict, **optional):
    return st.fixed_dictionaries(required, optional=optional)


channels = with_some(
    {"type": kinds, "time": times}, case=texts, note=texts,
    clock_starts=st.sampled_from(["filing", "acceptance"]), cut_off=st.just("15:00"),
)  # fmt: skip
alternatives = st.fixed_dictionaries({"when": lines, "label": lines, "amount": amounts | st.none()})
exemptions = with_some(
    {"label": texts}, reduce=st.integers(1, 100).map("{}%".format), law=lines,
    automatic=st.just("online"),
)  # fmt: skip
fees = with_some(
    {"id": keys, "name": lines, "pay": st.just("at_filing"), "source": lines},
    note=texts, when=lines, channels=some(kinds), amount=amounts | st.just("unknown"),
    alternatives=some(alternatives), counted=keys, cap=amounts, per=lines, times=keys,
    tiers=some(with_some({"amount": amounts}, up_to=st.integers(0, 9999))),
    confirmed=st.booleans(), refundable=st.booleans(),
    exempt=st.dictionaries(keys, texts | exemptions, max_size=2), exempt_law=lines,
)  # fmt: skip
documents = with_some(
    {"id": keys, "name": texts, "how": st.sampled_from(["submit", "show", "remark"])},
    group=texts, originals=st.integers(0, 9999), copies=st.integers(0, 9999), when=lines,
    optional=st.booleans(), help=texts, law=lines, not_needed_if=texts,
)  # fmt: skip
fields = with_some(
    {"id": keys, "type": st.sampled_from(["text", "choice", "yes_no", "declaration"])},
    label=texts, help=texts, optional=st.booleans(), when=texts, default=texts,
    options=st.dictionaries(keys, texts, min_size=1, max_size=3), text=texts,
    must_match=some(texts), spell_out=st.booleans(),
)  # fmt: skip
sections = with_some(
    {"section": keys, "title": texts, "fields": some(fields)}, help=texts, when=texts,
    repeat=with_some({"row_name": texts}, min=st.integers(0, 9), max=st.integers(0, 99)),
)  # fmt: skip
definitions = with_some(
    {
        "code": st.from_regex(r"[1-9]\.[0-9]{6}", fullmatch=True), "name": texts,
        "short_name": lines, "field": lines, "service_level": st.integers(1, 4),
        "office": with_some({"tier": keys}, choose=lines, address=texts),
        "result": with_some({"name": texts}, made_in=texts, record=some(keys)),
    },
    also_called=some(texts), summary=texts, keywords=some(texts), audience=some(texts),
    conditions=some(texts), decision=lines, effective_from=days, trips=st.integers(0, 9),
    online=st.sampled_from(["none", "partial", "full"]), partial_reason=texts,
    channels=some(channels), fees=some(fees), documents=some(documents), steps_text=texts,
    legal_basis=some(with_some({"title": texts}, number=lines)), paper=part(title=texts),
    on_time=st.fixed_dictionaries({"days": st.integers(0, 999), "start": texts, "text": texts}),
    form=some(sections),
)  # fmt: skip


@given(definitions)
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
def test_load_of_export_changes_nothing(definition):
    try:
        spec = ProcedureSpec.model_validate(definition)
    except ValueError:
        assume(False)

    assert read_back(spec) == spec


@pytest.mark.parametrize("path", sorted(PROCEDURES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_procedure_of_ours_goes_out_and_comes_back(db, path):
    factories.offices()
    [(_document, spec)], _documents = check_files([path])

    document, again = check_text(yaml_of(definition_of(spec)), "mau.yaml")

    assert [str(fault) for fault in document.faults] == []
    assert again == spec


@needs_the_file
def test_every_tenth_procedure_of_the_country_goes_out_and_comes_back():
    for number, line in lines_of(NATIONAL_FILE):
        if number % 10 == 0:
            spec = read_row(line).spec
            assert read_back(spec) == spec


# --- How it looks ---------------------------------------------------------------------


def exported(**values) -> str:
    definition = {
        "code": "2.000720", "name": "Cấp giấy mẫu", "short_name": "Giấy mẫu", "field": "Hộ tịch",
        "service_level": "2", "office": {"tier": "commune"}, "result": {"name": "Giấy mẫu"},
        **values,
    }  # fmt: skip
    return yaml_of(definition_of(ProcedureSpec.model_validate(definition)))


def test_it_reads_as_staff_would_have_written_it():
    said = exported(
        effective_from="01/07/2026",
        channels=[{"type": "direct", "time": "3 working_days", "cut_off": "15:00"}],
        fees=[{"id": "ban_sao", "name": "Bản sao: mỗi bản", "amount": "8.000", "per": "bản",
               "pay": "at_filing", "source": "TT 281/2016", "confirmed": "yes",
               "channels": ["direct", "postal"]}],
        steps_text="Bước 1\nBước 2",
    )  # fmt: skip

    assert (
        said
        == """\
code: 2.000720
name: Cấp giấy mẫu
short_name: Giấy mẫu
field: Hộ tịch
effective_from: 01/07/2026
service_level: 2
office:
  tier: commune
channels:
  - type: direct
    time: 3 working_days
    cut_off: 15:00
fees:
  - id: ban_sao
    name: 'Bản sao: mỗi bản'
    channels: [direct, postal]
    amount: 8.000
    per: bản
    pay: at_filing
    source: TT 281/2016
    confirmed: yes
steps_text: |-
  Bước 1
  Bước 2
result:
  name: Giấy mẫu
"""
    )


def test_an_amount_that_is_not_known_in_one_case_says_so():
    case = {"when": "a.b = c", "label": "Cấp lại", "amount": "unknown"}
    fee = {"id": "phi", "name": "Phí", "pay": "at_filing", "source": "TT", "alternatives": [case]}

    assert "amount: unknown\n" in exported(fees=[fee])


@pytest.fixture
def block(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "blocks.yaml"
    path.write_text("nguoi:\n  - {id: ten, type: name, label: Tên, optional: no}\n", "utf-8")
    monkeypatch.setattr(checking, "BLOCKS_FILE", path)
    return path


def with_the_block() -> list[dict]:
    rows = checking.shared_blocks()["nguoi"]
    return [{"section": "cha", "title": "Cha", "fields": [
        {"id": "cha", "use": "nguoi", "fields": [Field.model_validate(row) for row in rows]}
    ]}]  # fmt: skip


def test_a_shared_block_goes_out_by_its_name(block):
    said = exported(form=with_the_block())

    assert "        use: nguoi\n" in said
    assert "ten" not in said


def test_a_block_that_has_changed_since_goes_out_as_it_was(block):
    form = with_the_block()
    block.write_text(block.read_text().replace("Tên", "Họ và tên"), "utf-8")
    checking._read_blocks.cache_clear()

    said = exported(form=form)

    assert "use: nguoi" in said
    assert "label: Tên" in said


# --- The command ----------------------------------------------------------------------


def export(folder: Path, *arguments: str) -> str:
    out = io.StringIO()
    call_command("exportprocedures", *arguments, "--to", str(folder), stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_what_is_in_force_goes_out_and_comes_back_unchanged(tmp_path):
    for code in (factories.COPY, factories.BIRTH):
        factories.procedure(code)

    said = export(tmp_path / "ra")
    out = io.StringIO()
    call_command("loadprocedures", tmp_path / "ra", publish=True, stdout=out)

    assert f"Đã ghi 2 thủ tục vào {tmp_path / 'ra'}." in said
    assert sorted(path.name for path in (tmp_path / "ra").iterdir()) == [
        "1.001193-dang-ky-khai-sinh.yaml", "2.000635-cap-ban-sao-trich-luc-ho-tich.yaml",
    ]  # fmt: skip
    assert "2 thủ tục: 2 không đổi." in out.getvalue()
    assert Revision.objects.count() == 2


@pytest.mark.django_db
def test_what_the_nation_says_goes_out_and_comes_back_unchanged(tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps(row(conditions="Một\nHai: ba")), "utf-8")
    call_command("loadprocedures", tmp_path / "a.jsonl", publish=True, verbosity=0)

    export(tmp_path / "ra")
    out = io.StringIO()
    call_command("loadprocedures", tmp_path / "ra", publish=True, stdout=out, stderr=out)

    assert out.getvalue() == "1 thủ tục: 1 không đổi.\nĐã công bố 0 thủ tục.\n"
    assert Revision.objects.get().origin == "national"


@pytest.mark.django_db
def test_what_the_nation_says_is_mended_before_an_office_changes_it(tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps(row()), "utf-8")
    call_command("loadprocedures", tmp_path / "a.jsonl", publish=True, verbosity=0)
    export(tmp_path / "ra")
    [file] = (tmp_path / "ra").iterdir()
    file.write_text(file.read_text().replace("Nộp rồi nhận.", "Nộp, rồi nhận."))

    with pytest.raises(CommandError, match="chưa có gì được nạp"):
        call_command("loadprocedures", file, verbosity=0, stderr=io.StringIO())

    assert Revision.objects.count() == 1


@pytest.mark.django_db
def test_one_procedure_or_its_draft_goes_out_alone(tmp_path):
    for code in (factories.COPY, factories.BIRTH):
        factories.procedure(code)
    spec = ProcedureSpec.model_validate(
        Procedure.objects.get(code=factories.COPY).current.definition
    )
    save_draft(spec.model_copy(update={"name": "Bản thảo"}))

    export(tmp_path / "mot", factories.COPY)
    export(tmp_path / "thao", "--drafts")

    [one] = (tmp_path / "mot").iterdir()
    [draft] = (tmp_path / "thao").iterdir()
    assert "name: Bản thảo" not in one.read_text()
    assert "name: Bản thảo" in draft.read_text()


@pytest.mark.django_db
def test_a_workbook_goes_out_and_comes_back_unchanged(tmp_path):
    factories.procedure(factories.COPY)
    file = tmp_path / "thu-tuc.xlsx"

    call_command("exportprocedures", "--to", str(file), stdout=io.StringIO())
    out = io.StringIO()
    call_command("loadprocedures", str(file), stdout=out)

    assert "1 không đổi" in out.getvalue()


@pytest.mark.django_db
def test_a_code_that_is_not_there_is_said(tmp_path):
    with pytest.raises(CommandError, match=r"Không có thủ tục 9\.999999"):
        export(tmp_path, "9.999999")
