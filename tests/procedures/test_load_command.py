"""`loadprocedures`: what it shows, what it refuses, and what it leaves out when told to go on."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from procedures.loading import workbook
from procedures.loading.checking import check_files
from procedures.loading.comparing import differences
from procedures.loading.report import grouped
from procedures.loading.saving import definition_of
from procedures.loading.yamltext import Fault
from procedures.management.commands import checkprocedures
from procedures.models import CatalogueLoad, NationalUpdate, Procedure, Revision
from tests import factories
from tests.procedures.test_national import channel, row

pytestmark = pytest.mark.django_db


def national(folder: Path, *rows: dict | str, name: str = "quoc-gia.jsonl") -> Path:
    lines = [line if isinstance(line, str) else json.dumps(line) for line in rows]
    (folder / name).write_text("\n".join(lines), "utf-8")
    return folder / name


def run(*arguments: object, command: str = "loadprocedures") -> str:
    out = io.StringIO()
    call_command(command, *map(str, arguments), stdout=out, stderr=out)
    return out.getvalue()


def refused(*arguments: object, command: str = "loadprocedures") -> str:
    out = io.StringIO()
    with pytest.raises(CommandError) as refusal:
        call_command(command, *map(str, arguments), stdout=out, stderr=out)
    assert refusal.value.returncode == 1
    return f"{out.getvalue()}{refusal.value}"


# --- Dirty bulk data ------------------------------------------------------------------


def test_one_broken_row_keeps_all_out(tmp_path):
    file = national(tmp_path, row(), "{", row(code="1.000002", name=""))

    said = refused(file)

    assert f"{file}:2: Dòng này không phải JSON đọc được." in said
    assert f"{file}:3: “name” đang để trống." in said
    assert said.endswith("2 lỗi; chưa có gì được nạp.")
    assert not Procedure.objects.exists()
    assert not CatalogueLoad.objects.exists()


def test_told_to_go_on_it_loads_the_good_rows_and_says_what_it_left(tmp_path):
    file = national(tmp_path, row(), "{", row(code="1.000002"))

    said = refused(file, "--keep-going", "--publish")

    assert "3 thủ tục: 2 mới, 1 để lại." in said
    assert "Đã công bố 2 thủ tục." in said
    assert f"{file}:2: " in said
    assert "Đã để lại những thủ tục có lỗi ghi ở trên (1 lỗi)." in said
    assert Procedure.objects.filter(current__isnull=False).count() == 2
    assert CatalogueLoad.objects.get().report["files"][0]["outcome"] == "left_out"


def test_going_on_without_a_fault_is_all_well(tmp_path):
    assert "1 thủ tục: 1 mới." in run(national(tmp_path, row()), "--keep-going")


@pytest.mark.parametrize("command", ["checkprocedures", "loadprocedures"])
def test_a_file_with_faults_is_told_its_level_and_what_it_lacks_all_the_same(tmp_path, command):
    factories.offices()
    text = (factories.FIXTURES / "procedures" / "chung-thuc-ban-sao.yaml").read_text("utf-8")
    file = tmp_path / "thu-tuc.yaml"
    file.write_text(text.replace("service_level: 2", "service_level: 3"), "utf-8")

    said = refused(file, command=command)

    assert "Khai mức độ 3, đã đủ cho mức độ 2." in said
    assert "Để lên mức độ 3: thêm kênh online" in said


def test_many_faults_of_one_kind_are_one_line():
    faults = [Fault("a", line, f"“fees.{line}.amount: -{line}” sai.") for line in range(1, 1201)]
    faults += [Fault("b", 7, "Khác hẳn."), Fault("b", 9, "“fees.2.amount: x” sai.")]

    assert grouped(faults) == [
        "a:1: “fees.1.amount: -1” sai. (và 1.200 chỗ khác: "
        "dòng 2, dòng 3, dòng 4, dòng 5, dòng 6, …)",
        "b:7: Khác hẳn.",
    ]


def test_a_few_faults_of_one_kind_and_keys_that_differ_are_each_told():
    faults = [Fault("a", 1, f"Thiếu khóa “{key}”.") for key in "abcde"]

    assert len(grouped(faults)) == 5
    assert len(grouped(faults[:1] * 3)) == 3


def test_a_warning_is_told_and_stops_nothing(tmp_path):
    said = run(national(tmp_path, row(code="1.0133611")))

    assert "Lưu ý: " in said
    assert "Mã thủ tục không theo dạng 1.234567: 1.0133611." in said
    assert Revision.objects.count() == 1


def test_checking_a_national_file_changes_nothing(tmp_path):
    said = run(national(tmp_path, row(), row(code="1.000002")), command="checkprocedures")

    assert said == "2 thủ tục: 2 mới.\n"
    assert not Procedure.objects.exists()
    assert not CatalogueLoad.objects.exists()


# --- Several sources ------------------------------------------------------------------


def test_a_code_of_ours_and_of_the_nation_in_one_load_is_a_fault(tmp_path):
    factories.offices()
    ours = factories.FIXTURES / "procedures" / f"{factories.FILES[factories.COPY]}.yaml"

    said = refused(ours, national(tmp_path, row(code=factories.COPY)))

    assert f"Mã {factories.COPY} đã có trong tệp {ours}." in said


def test_a_workbook_is_loaded_as_yaml_is(tmp_path):
    factories.offices()
    path = factories.FIXTURES / "procedures" / f"{factories.FILES[factories.FUNERAL]}.yaml"
    [(_document, spec)], _documents = check_files([path])
    (tmp_path / "a.xlsx").write_bytes(workbook.write([definition_of(spec)]))

    run(path, "--publish")
    said = run(tmp_path / "a.xlsx", "--publish")

    assert "1 thủ tục: 1 không đổi." in said


def test_what_is_no_workbook_is_said(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(b"PK nothing")

    assert f"{tmp_path / 'a.xlsx'}:1: " in refused(tmp_path / "a.xlsx")


# --- Publishing -----------------------------------------------------------------------


def test_a_reload_of_the_same_rows_makes_no_revision_and_no_load(tmp_path):
    file = national(tmp_path, row())
    run(file, "--publish")

    said = run(file, "--publish")

    assert said == "1 thủ tục: 1 không đổi.\nĐã công bố 0 thủ tục.\n"
    assert Revision.objects.count() == 1
    assert CatalogueLoad.objects.count() == 1


def test_the_load_says_who_answers_for_it(tmp_path, settings):
    settings.DEMO = False
    writer, publisher = factories.user(), factories.user()
    names = ("--by", writer.email, "--approved-by", publisher.email)

    run(national(tmp_path, row()), "--publish", *names, "--decision", "12/QĐ-UBND")

    load, revision = CatalogueLoad.objects.get(), Revision.objects.get()
    assert (load.created_by, load.published_by) == (writer, publisher)
    assert (load.decision, load.kind, load.state) == ("12/QĐ-UBND", "national", "published")
    assert load.file_name == "quoc-gia.jsonl"
    assert (revision.origin, revision.load) == ("national", load)
    assert (revision.created_by, revision.published_by) == (writer, publisher)


def test_what_applies_later_is_told_apart(tmp_path):
    factories.offices()
    path = factories.FIXTURES / "procedures" / f"{factories.FILES[factories.COPY]}.yaml"
    later = re.sub(r"effective_from: .*", "effective_from: 01/12/2090", path.read_text())
    (tmp_path / "a.yaml").write_text(later)

    said = run(tmp_path / "a.yaml", "--publish")

    assert "Đã công bố 0 thủ tục.\n1 thủ tục chờ đến ngày áp dụng.\n" in said
    assert Revision.objects.get().status == "scheduled"
    assert "1 thủ tục: 1 không đổi." in run(tmp_path / "a.yaml", "--publish")


def test_the_procedures_of_the_office_stay_its_own(tmp_path):
    own = factories.procedure(factories.COPY).current

    said = run(national(tmp_path, row(code=factories.COPY), row()), "--publish")

    assert "2 thủ tục: 1 mới, 1 đề xuất cho cơ quan xem." in said
    assert Procedure.objects.get(code=factories.COPY).current == own
    assert NationalUpdate.objects.get().procedure.code == factories.COPY


def test_while_another_load_is_written_nothing_begins(tmp_path, monkeypatch):
    from contextlib import contextmanager

    from procedures.loading import bulk

    @contextmanager
    def taken():
        raise bulk.AnotherLoad("Đang có một lần nạp khác; xin chờ nó xong.")
        yield

    monkeypatch.setattr(bulk, "only_one_load", taken)

    assert "Đang có một lần nạp khác" in refused(national(tmp_path, row()))
    assert not Procedure.objects.exists()


# --- What would change ----------------------------------------------------------------


def test_the_difference_goes_down_to_the_row_and_the_key(tmp_path):
    fee = {"amount": 8000, "note": "Mỗi bản"}
    run(national(tmp_path, row(channels=[channel(fees=[fee])])), "--publish")
    dearer = row(
        decision="99/QĐ-BTP", channels=[channel(duration=5.0, fees=[fee | {"amount": 10000}])],
        documents=[{"name": "Đơn", "originals": 1}],
    )  # fmt: skip

    said = run(national(tmp_path, dearer), "--diff")

    assert (
        said
        == """\
1.000001:
  decision: 12/QĐ-BTP -> 99/QĐ-BTP
  channels.direct.time: 3 working_days -> 5 working_days
  fees.phi_1.amount: 8.000 -> 10.000
  fees.phi_1.source: 12/QĐ-BTP -> 99/QĐ-BTP
  documents: – -> [{id: giay_1, name: Đơn, how: submit, originals: 1}]
1 thủ tục: 1 thay đổi.
"""
    )
    assert Revision.objects.count() == 1


def test_the_difference_says_how_many_open_dossiers_stay_on_the_old_revision(tmp_path):
    factories.filed(factories.COPY)
    path = factories.FIXTURES / "procedures" / f"{factories.FILES[factories.COPY]}.yaml"
    (tmp_path / "a.yaml").write_text(path.read_text().replace("amount: 8.000", "amount: 9.000"))

    said = run(tmp_path / "a.yaml", "--diff")

    assert "amount: 8.000 -> 9.000" in said
    assert "1 hồ sơ đang giải quyết vẫn theo bản cũ." in said


def test_the_difference_to_what_the_office_writes_is_only_a_proposal(tmp_path):
    factories.procedure(factories.COPY)

    said = run(national(tmp_path, row(code=factories.COPY)), "--diff")

    assert "chỉ đề xuất: cơ quan đã soạn bản riêng." in said
    assert not NationalUpdate.objects.exists()


def test_rows_are_compared_by_their_id_wherever_they_stand():
    old = {"fees": [{"id": "a", "amount": 1000, "confirmed": True}, {"id": "b"}]}
    new = {"fees": [{"id": "c"}, {"id": "a"}, {"id": "b"}]}

    assert [str(change) for change in differences(old, new)] == [
        "fees.c: – -> {id: c}",
        "fees.a.amount: 1.000 -> unknown",
        "fees.a.confirmed: yes -> –",
    ]


def test_questions_are_compared_by_section_and_id():
    def form(label: str) -> dict:
        return {"form": [{"section": "be", "fields": [{"id": "ten", "label": label}]}]}

    [change] = differences(form("Tên"), form("Họ tên"))

    assert str(change) == "form.be.fields.ten.label: Tên -> Họ tên"


def test_another_order_alone_is_a_difference():
    old = {"documents": [{"id": "a"}, {"id": "b"}]}

    [change] = differences(old, {"documents": old["documents"][::-1]})

    assert change.key == "documents"
    assert differences(old, old) == []


# --- The progress bar -----------------------------------------------------------------


def test_without_a_terminal_there_is_no_bar(tmp_path, capfd):
    call_command("loadprocedures", national(tmp_path, row(), row(code="1.000002")))

    assert capfd.readouterr().err == ""


def test_on_a_terminal_the_bar_goes_to_the_end(tmp_path, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    console = checkprocedures.Console
    monkeypatch.setattr(
        checkprocedures, "Console", lambda **details: console(file=screen, force_terminal=True)
    )

    run(national(tmp_path, row(), row(code="1.000002")))

    assert "Kiểm tra" in screen.getvalue()
    assert "2/2" in screen.getvalue()
