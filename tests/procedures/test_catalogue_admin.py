"""Catalogue editors: drafting, previewing, publishing by a second person, loads by upload."""

from __future__ import annotations

import io
import json
import threading

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dossiers import workflow
from dossiers.models import Dossier
from procedures.loading import loads, workbook
from procedures.loading.checking import check_text
from procedures.loading.export import yaml_of
from procedures.loading.saving import save_draft
from procedures.models import CatalogueLoad, LifeEvent, NationalUpdate, Posting, Procedure, Revision
from tests import factories

pytestmark = pytest.mark.django_db

NATIONAL_ROW = {
    "code": "1.999001",
    "decision": "12/QĐ-BTP",
    "name": "Thủ tục xác nhận một việc dùng để thử",
    "level": "Cấp Xã",
    "kind": "OTHER",
    "field": "Hộ tịch",
    "steps": "Người dân nộp hồ sơ.\nXã xem xét và trả kết quả.",
    "conditions": "",
    "results": "Giấy xác nhận",
    "keywords": "",
    "description": "",
    "channels": [
        {
            "channel": "direct", "duration": 3, "unit": "working_day", "duration_text": "",
            "fees": [{"amount": 0, "note": ""}], "fee_text": "", "note": "",
        }
    ],
    "documents": [{"group": "", "name": "Tờ khai", "originals": 1, "copies": 0}],
    "audience": ["Công dân Việt Nam"],
    "agency": "Ủy ban nhân dân xã", "authority": "", "address": "", "delegated": "",
    "coordinating": "",
    "legal_basis": [{"title": "Luật Hộ tịch", "number": "60/2014/QH13"}],
}  # fmt: skip


@pytest.fixture
def editor():
    return factories.official(Posting.Role.EDITOR)


@pytest.fixture
def second():
    return factories.official(Posting.Role.EDITOR)


def logged_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def url(name: str, *args) -> str:
    return reverse(f"admin:procedures_{name}", args=args)


def source_of(code: str, *swaps: tuple[str, str]) -> str:
    text = yaml_of(factories.procedure(code).current.definition)
    for old, new in swaps:
        assert old in text
        text = text.replace(old, new)
    return text


def table_of(response) -> str:
    """The rows of a list, without the page's head, which names the visitor."""
    return response.content.decode().partition("result_list")[2]


def draft_by(person, code: str = factories.COPY, *swaps: tuple[str, str]) -> Revision:
    document, spec = check_text(
        source_of(code, *(swaps or (("decision: ", "decision: 1/"),))), "tệp"
    )
    assert spec, document.faults
    return save_draft(spec, by=person)


def national_load(*rows: dict) -> CatalogueLoad:
    lines = "\n".join(json.dumps(row) for row in rows or [NATIONAL_ROW])
    file = SimpleUploadedFile("quoc-gia.jsonl", lines.encode())
    load = loads.check(loads.receive(file, kind="national", by=None))
    assert load.state == CatalogueLoad.State.READY, load.report
    return load


# --- Who may enter --------------------------------------------------------------------

ADDRESSES = (
    ("revision_changelist", False),
    ("revision_start", False),
    ("revision_write", False),
    ("revision_change", True),
    ("revision_edit", True),
    ("revision_preview", True),
    ("revision_publish", True),
    ("catalogueload_changelist", False),
    ("catalogueload_add", False),
    ("nationalupdate_changelist", False),
    ("procedure_changelist", False),
    ("searchmiss_changelist", False),
)


@pytest.mark.parametrize(("name", "needs_revision"), ADDRESSES)
def test_only_editors_come_in(editor, name, needs_revision):
    revision = draft_by(editor)
    address = url(name, *([revision.pk] if needs_revision else []))
    other = logged_in(factories.official(Posting.Role.CASE_OFFICER))

    assert other.get(address).status_code in {403, 404}
    assert logged_in(editor).get(address).status_code == 200


@pytest.mark.parametrize("name", ["publish", "drop", "unschedule"])
def test_a_case_officer_changes_nothing(editor, name):
    revision = draft_by(editor)

    response = logged_in(factories.official(Posting.Role.CASE_OFFICER)).post(
        url(f"revision_{name}", revision.pk), {"decision": "1/QĐ-UBND"}
    )

    assert response.status_code in {403, 404}
    assert Revision.objects.get(pk=revision.pk).status == "draft"


# --- Writing --------------------------------------------------------------------------


def test_an_editor_writes_a_draft_and_sees_what_it_changes(editor):
    current = factories.procedure(factories.COPY).current
    text = source_of(factories.COPY, ("amount: 8.000", "amount: 9.000"))

    response = logged_in(editor).post(url("revision_edit", current.pk), {"text": text}, follow=True)

    page = response.content.decode()
    assert "Đã lưu bản thảo" in page
    assert "8.000" in page and "9.000" in page
    assert current.procedure.revisions.filter(status="draft", created_by=editor).count() == 1


def test_faults_are_shown_with_their_lines_and_nothing_is_lost(editor):
    current = factories.procedure(factories.COPY).current
    text = source_of(factories.COPY, ("service_level:", "sevice_level:"))

    response = logged_in(editor).post(url("revision_edit", current.pk), {"text": text})

    page = response.content.decode()
    assert response.status_code == 422
    assert "sevice_level" in page and "service_level" in page
    assert "Hãy ghi:" in page
    assert not Revision.objects.filter(status="draft").exists()


def test_checking_alone_keeps_nothing(editor):
    current = factories.procedure(factories.COPY).current
    text = source_of(factories.COPY, ("amount: 8.000", "amount: 9.000"))

    response = logged_in(editor).post(
        url("revision_edit", current.pk), {"text": text, "only": "check"}
    )

    assert "chưa lưu" in response.content.decode()
    assert not Revision.objects.filter(status="draft").exists()


def test_a_draft_of_somebody_else_is_replaced_only_knowingly(editor, second):
    current = factories.procedure(factories.COPY).current
    theirs = draft_by(second)
    text = source_of(factories.COPY, ("amount: 8.000", "amount: 9.000"))
    address = url("revision_edit", current.pk)

    first = logged_in(editor).post(address, {"text": text})

    page = first.content.decode()
    assert first.status_code == 409
    assert second.get_full_name() in page and "amount: 9.000" in page
    assert Revision.objects.filter(pk=theirs.pk).exists()
    again = {"text": text, "replaces": theirs.pk}
    assert logged_in(editor).post(address, again).status_code == 302
    assert not Revision.objects.filter(pk=theirs.pk).exists()


def test_who_edits_a_draft_that_was_replaced_meanwhile_keeps_their_text(editor, second):
    old = draft_by(editor)
    save_draft(
        check_text(source_of(factories.COPY, ("decision: ", "decision: 2/")), "x")[1], by=second
    )
    text = source_of(factories.COPY, ("amount: 8.000", "amount: 9.000"))

    response = logged_in(editor).post(url("revision_edit", old.pk), {"text": text})

    assert response.status_code == 409
    assert "amount: 9.000" in response.content.decode()
    assert Revision.objects.filter(status="draft", created_by=second).count() == 1


def test_a_text_that_is_too_long_is_refused_whole(editor):
    text = source_of(factories.COPY) + "# dài\n" * 60_000

    response = logged_in(editor).post(url("revision_write"), {"text": text})

    assert response.status_code == 422
    assert "dài quá" in response.content.decode()
    assert not Revision.objects.filter(status="draft").exists()


def test_the_text_of_another_procedure_is_refused(editor):
    current = factories.procedure(factories.COPY).current
    text = source_of(factories.MARITAL)

    response = logged_in(editor).post(url("revision_edit", current.pk), {"text": text})

    assert "Đây là bản của thủ tục" in response.content.decode()


def test_what_is_published_cannot_be_changed_or_dropped(editor):
    current = factories.procedure(factories.COPY).current

    response = logged_in(editor).post(url("revision_drop", current.pk), follow=True)

    assert "Chỉ bỏ được bản thảo" in response.content.decode()
    assert Revision.objects.get(pk=current.pk).status == "published"


def test_a_draft_can_be_dropped(editor):
    revision = draft_by(editor)

    logged_in(editor).post(url("revision_drop", revision.pk))

    assert not Revision.objects.filter(pk=revision.pk).exists()


def test_a_preview_shows_the_draft_as_citizens_would_see_it(editor):
    revision = draft_by(editor, factories.COPY, ("amount: 8.000", "amount: 9.000"))

    page = logged_in(editor).get(url("revision_preview", revision.pk)).content.decode()

    assert "9.000 đồng" in page
    assert "Bản xem trước: bản số 2 (Bản thảo)" in page
    assert url("revision_change", revision.pk) in page
    assert revision.procedure.get_absolute_url() in page
    assert Procedure.objects.get(pk=revision.procedure_id).current_id != revision.pk


def test_a_preview_offers_the_forms_that_the_page_will_offer(editor):
    revision = draft_by(editor, factories.COPY, ("amount: 8.000", "amount: 9.000"))

    page = logged_in(editor).get(url("revision_preview", revision.pk)).content.decode()

    assert reverse("procedures:blank_docx", args=[factories.COPY]) in page


# --- Publishing -----------------------------------------------------------------------


def test_a_second_person_publishes_with_the_decision(editor, second):
    revision = draft_by(editor)

    response = logged_in(second).post(
        url("revision_publish", revision.pk), {"decision": "163/QĐ-UBND"}, follow=True
    )

    published = Revision.objects.get(pk=revision.pk)
    assert "Đã công bố" in response.content.decode()
    assert (published.status, published.publish_decision) == ("published", "163/QĐ-UBND")
    assert published.published_by == second


def test_the_writer_does_not_publish_what_they_wrote(editor):
    revision = draft_by(editor)
    client = logged_in(editor)

    page = client.get(url("revision_change", revision.pk)).content.decode()
    response = client.post(url("revision_publish", revision.pk), {"decision": "163/QĐ-UBND"})

    assert url("revision_publish", revision.pk) not in page
    assert response.status_code == 409
    assert "Người công bố phải khác người soạn" in response.content.decode()
    assert Revision.objects.get(pk=revision.pk).status == "draft"


def test_publishing_asks_for_the_decision(editor, second):
    revision = draft_by(editor)

    response = logged_in(second).post(url("revision_publish", revision.pk), {"decision": " "})

    assert "Hãy ghi số quyết định" in response.content.decode()
    assert Revision.objects.get(pk=revision.pk).status == "draft"


def test_who_is_late_is_told_that_it_was_published(editor, second):
    revision = draft_by(editor)
    logged_in(second).post(url("revision_publish", revision.pk), {"decision": "1/QĐ-UBND"})

    third = factories.official(Posting.Role.EDITOR)
    response = logged_in(third).post(
        url("revision_publish", revision.pk), {"decision": "2/QĐ-UBND"}
    )

    assert "đã được công bố hoặc thay thế" in response.content.decode()
    assert Revision.objects.get(pk=revision.pk).publish_decision == "1/QĐ-UBND"


def test_what_has_a_later_day_waits_for_it_and_can_be_called_back(editor, second):
    current = factories.procedure(factories.COPY).current
    day = f"{current.effective_from:%d/%m/%Y}"
    revision = draft_by(editor, factories.COPY, (day, "01/01/2030"))
    client = logged_in(second)

    response = client.post(
        url("revision_publish", revision.pk), {"decision": "1/QĐ-UBND"}, follow=True
    )
    waiting = Revision.objects.get(pk=revision.pk).status
    client.post(url("revision_unschedule", revision.pk))

    assert "sẽ tự có hiệu lực" in response.content.decode()
    assert waiting == "scheduled"
    assert Revision.objects.get(pk=revision.pk).status == "draft"
    assert Procedure.objects.get(pk=revision.procedure_id).current_id == current.pk


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_people_publish_one_draft_and_one_of_them_does(editor, second):
    revision = draft_by(editor)
    clients = [logged_in(second), logged_in(factories.official(Posting.Role.EDITOR))]
    barrier, answers = threading.Barrier(2), []

    def publish(client: Client, number: int) -> None:
        try:
            barrier.wait()
            address = url("revision_publish", revision.pk)
            answers.append(client.post(address, {"decision": f"{number}/QĐ"}).status_code)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=publish, args=(client, number))
        for number, client in enumerate(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [302, 409]
    assert revision.procedure.revisions.filter(status="published").count() == 1


def propose_end(person, revision: Revision):
    address = url("revision_retire", revision.pk)
    return logged_in(person).post(address, {"decision": "9/QĐ-UBND"}, follow=True)


def end(person, revision: Revision, **data):
    return logged_in(person).post(url("revision_retired", revision.pk), data, follow=True)


def test_a_procedure_is_taken_out_of_force_by_two_people_and_says_so(editor, second):
    procedure = factories.procedure(factories.COPY)
    draft = factories.draft(factories.COPY)

    propose_end(editor, procedure.current)
    response = end(second, procedure.current)

    page = Client().get(procedure.get_absolute_url())
    assert "Đã ngừng áp dụng" in response.content.decode()
    assert Procedure.objects.get(pk=procedure.pk).current is None
    assert page.status_code == Client().get(f"/thu-tuc/{procedure.code}/").status_code == 410
    assert "không còn được áp dụng từ ngày" in page.content.decode()
    assert "9/QĐ-UBND" in page.content.decode()
    with pytest.raises(workflow.Refused, match="không còn được áp dụng"):
        workflow.perform(Dossier.objects.get(pk=draft.pk), "submit", by=draft.owner)


def test_who_proposed_the_end_does_not_confirm_it(editor):
    current = factories.procedure(factories.COPY).current
    propose_end(editor, current)

    response = end(editor, current)

    assert "Người xác nhận phải khác người đề nghị" in response.content.decode()
    assert Revision.objects.get(pk=current.pk).status == "published"


def test_nothing_ends_without_a_proposal_or_after_it_was_dropped(editor, second):
    current = factories.procedure(factories.COPY).current
    end(second, current)
    propose_end(editor, current)
    end(editor, current, take_back="1")

    response = end(second, current)

    assert "Chưa có ai đề nghị" in response.content.decode()
    assert Revision.objects.get(pk=current.pk).status == "published"


def test_what_is_no_longer_in_force_is_not_ended_again(editor, second):
    current = factories.procedure(factories.COPY).current
    propose_end(editor, current)
    end(second, current)

    response = propose_end(editor, current)

    assert "không còn là bản đang áp dụng" in response.content.decode()


def test_a_procedure_that_ended_comes_back_with_another_revision(editor, second):
    procedure = factories.procedure(factories.COPY)
    revision = draft_by(editor)
    propose_end(editor, procedure.current)
    end(second, procedure.current)

    logged_in(second).post(url("revision_publish", revision.pk), {"decision": "10/QĐ-UBND"})

    assert Client().get(procedure.get_absolute_url()).status_code == 200


def test_a_procedure_that_never_was_in_force_is_not_found(editor):
    factories.offices()
    national_load()

    assert Client().get("/thu-tuc/1.999001/").status_code == 404


# --- Where a procedure begins ---------------------------------------------------------


def test_a_procedure_begins_from_the_national_catalogue(editor):
    loads.publish_load(national_load(), decision="1/QĐ", by=editor)

    response = logged_in(editor).post(url("revision_start"), {"code": "1.999001", "output": "open"})

    page = response.content.decode()
    assert "CẦN SỬA" in page
    assert "Thủ tục xác nhận một việc dùng để thử" in page
    assert "60/2014/QH13" in page


def test_what_was_begun_is_kept_where_the_page_says(editor):
    loads.publish_load(national_load(), decision="1/QĐ", by=editor)
    client = logged_in(editor)

    page = client.post(url("revision_start"), {"code": "1.999001", "output": "open"})

    assert f'action="{url("revision_write")}"' in page.content.decode()


def test_what_still_has_a_mark_is_not_kept(editor):
    loads.publish_load(national_load(), decision="1/QĐ", by=editor)
    client = logged_in(editor)
    page = client.post(url("revision_start"), {"code": "1.999001", "output": "yaml"})

    response = client.post(url("revision_write"), {"text": page.content.decode()})

    assert response.status_code == 422
    assert "CẦN SỬA" in response.content.decode()
    assert not Revision.objects.filter(status="draft").exists()


def test_it_is_taken_away_as_a_workbook(editor):
    loads.publish_load(national_load(), decision="1/QĐ", by=editor)

    response = logged_in(editor).post(url("revision_start"), {"code": "1.999001", "output": "xlsx"})

    book = openpyxl.load_workbook(io.BytesIO(response.content))
    assert book["Thủ tục"]["A2"].value == "1.999001"
    assert response["Content-Disposition"] == 'attachment; filename="1.999001.xlsx"'


def test_it_begins_from_a_similar_one_with_the_facts_of_the_nation(editor):
    loads.publish_load(national_load(), decision="1/QĐ", by=editor)
    factories.procedure(factories.COPY)

    response = logged_in(editor).post(
        url("revision_start"),
        {"code": "1.999001", "similar": factories.COPY, "output": "yaml"},
    )

    text = response.content.decode()
    assert "code: 1.999001" in text
    assert "viec_dang_ky" in text  # the form of the similar one
    assert "60/2014/QH13" in text


@pytest.mark.parametrize(
    ("code", "similar", "sentence"),
    [
        ("", "", "Hãy ghi mã thủ tục"),
        ("1.000000", "", "không có mã 1.000000"),
        ("1.000000", "9.999999", "Không có thủ tục 9.999999"),
    ],
)
def test_a_code_that_nobody_knows_is_named(editor, code, similar, sentence):
    response = logged_in(editor).post(
        url("revision_start"), {"code": code, "similar": similar, "output": "open"}
    )

    assert sentence in response.content.decode()


@pytest.mark.parametrize("kind", ["yaml", "xlsx"])
def test_a_revision_is_taken_away_as_a_file(editor, kind):
    current = factories.procedure(factories.COPY).current

    response = logged_in(editor).get(url("revision_file", current.pk, kind))

    assert response.status_code == 200
    assert response["Content-Disposition"].startswith("attachment")


def test_a_file_of_another_kind_is_not_found(editor):
    current = factories.procedure(factories.COPY).current

    assert logged_in(editor).get(url("revision_file", current.pk, "exe")).status_code == 404


# --- Loads ----------------------------------------------------------------------------


@pytest.fixture
def upload(run_tasks):
    """A function that uploads files, lets the worker check them, and gives the page then."""

    def send(client: Client, *files: SimpleUploadedFile) -> str:
        response = client.post(url("catalogueload_add"), {"files": list(files)})
        if response.status_code != 302:
            return response.content.decode()
        run_tasks()
        return client.get(response["Location"]).content.decode()

    return send


def workbook_file(*definitions: dict) -> SimpleUploadedFile:
    return SimpleUploadedFile("thu-tuc.xlsx", workbook.write(definitions))


def test_a_workbook_is_uploaded_checked_compared_and_published(upload, editor, second):
    definition = factories.procedure(factories.COPY).current.definition
    changed = {**definition, "decision": "999/QĐ-BTP"}

    page = upload(logged_in(editor), workbook_file(changed))
    load = CatalogueLoad.objects.get()
    response = logged_in(second).post(
        url("catalogueload_publish", load.pk), {"decision": "7/QĐ-UBND"}, follow=True
    )

    assert "999/QĐ-BTP" in page
    assert "một người khác phải xem và công bố" in page
    assert "Đã công bố 1 thủ tục" in response.content.decode()
    assert Procedure.objects.get(code=factories.COPY).current.decision == "999/QĐ-BTP"


def test_who_uploaded_does_not_publish(upload, editor):
    definition = factories.procedure(factories.COPY).current.definition
    client = logged_in(editor)
    upload(client, workbook_file({**definition, "decision": "999/QĐ-BTP"}))
    load = CatalogueLoad.objects.get()

    response = client.post(url("catalogueload_publish", load.pk), {"decision": "7/QĐ-UBND"})

    assert response.status_code == 409
    assert "Người công bố phải khác người soạn" in response.content.decode()
    assert Procedure.objects.get(code=factories.COPY).current.definition == definition


def test_a_file_that_says_nothing_new_has_nothing_to_publish(upload, editor, second):
    definition = factories.procedure(factories.COPY).current.definition
    upload(logged_in(editor), workbook_file(definition))
    load = CatalogueLoad.objects.get()

    page = logged_in(second).get(url("catalogueload_change", load.pk)).content.decode()

    assert "nên không có gì để công bố" in page
    assert "Công bố tất cả" not in page


def test_a_load_whose_drafts_a_later_one_replaced_says_so(upload, editor, second):
    definition = factories.procedure(factories.COPY).current.definition
    client = logged_in(editor)
    upload(client, workbook_file({**definition, "decision": "998/QĐ-BTP"}))
    first = CatalogueLoad.objects.get()
    upload(client, workbook_file({**definition, "decision": "999/QĐ-BTP"}))

    page = logged_in(second).get(url("catalogueload_change", first.pk)).content.decode()

    assert "bản thảo mới hơn đã thay chúng" in page
    assert "Công bố tất cả" not in page


def test_lists_name_the_people(upload, editor):
    draft = draft_by(editor)
    upload(logged_in(editor), workbook_file({**draft.definition, "decision": "999/QĐ-BTP"}))

    for name in ("revision_changelist", "catalogueload_changelist"):
        assert editor.get_full_name() in table_of(logged_in(editor).get(url(name)))


def test_a_fault_quotes_its_line(editor):
    text = source_of(factories.COPY, ("summary: ", "summary: CẦN SỬA "))

    page = logged_in(editor).post(url("revision_write"), {"text": text}).content.decode()

    assert "Đang ghi:</span> <code>summary: CẦN SỬA" in page


def test_a_file_with_faults_changes_nothing_and_says_where(upload, editor):
    definition = factories.procedure(factories.COPY).current.definition
    channel = {**definition["channels"][0], "time": "vài hôm"}

    page = upload(logged_in(editor), workbook_file({**definition, "channels": [channel]}))

    assert "Trang “Cách nộp”" in page
    assert CatalogueLoad.objects.get().state == "faulty"
    assert not Revision.objects.filter(status="draft").exists()


def test_several_files_come_at_once(upload, editor):
    files = [
        SimpleUploadedFile(f"{code}.yaml", source_of(code, ("decision: ", "decision: 1/")).encode())
        for code in (factories.COPY, factories.MARITAL)
    ]

    page = upload(logged_in(editor), *files)

    assert "Đã nhận các tệp" in page
    assert {load.state for load in CatalogueLoad.objects.all()} == {"ready"}


def test_the_files_of_thirty_procedures_come_at_once(editor):
    files = [SimpleUploadedFile(f"{number}.yaml", b"code: 1.000001") for number in range(30)]

    response = logged_in(editor).post(url("catalogueload_add"), {"files": files})

    assert response.status_code == 302
    assert CatalogueLoad.objects.count() == 30


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("thu-tuc.docx", b"PK", "không đúng loại; chỉ nhận .yaml, .yml, .xlsx, .jsonl"),
        ("thu-tuc.yaml", b"", "Tệp rỗng"),
        ("thu-tuc.xlsx", b"khong phai bang tinh", "không phải bảng tính"),
        ("quoc-gia.jsonl", b"{hong", "dòng"),
    ],
)
def test_a_file_that_cannot_be_taken_is_named(upload, editor, name, content, sentence):
    page = upload(logged_in(editor), SimpleUploadedFile(name, content))

    assert sentence in page or sentence.capitalize() in page
    assert not Revision.objects.exists()


def test_an_upload_without_a_file_is_refused(editor):
    response = logged_in(editor).post(url("catalogueload_add"), {})

    assert "Hãy chọn tệp" in response.content.decode()


def test_a_load_can_be_dropped(upload, editor):
    definition = factories.procedure(factories.COPY).current.definition
    client = logged_in(editor)
    upload(client, workbook_file({**definition, "decision": "999/QĐ-BTP"}))
    load = CatalogueLoad.objects.get()

    client.post(url("catalogueload_dismiss", load.pk))

    load.refresh_from_db()
    assert load.state == "dismissed"
    assert not Revision.objects.filter(status="draft").exists()


def test_a_draft_written_by_hand_outlives_a_load_that_is_dropped(upload, editor, second):
    mine, client = draft_by(editor), logged_in(second)
    upload(client, workbook_file({**mine.definition, "decision": "999/QĐ-BTP"}))
    load = CatalogueLoad.objects.get()
    assert load.state == CatalogueLoad.State.READY

    client.post(url("catalogueload_dismiss", load.pk))

    assert list(Revision.objects.filter(status="draft")) == [mine]


def test_a_load_that_waits_shows_how_far_it_is(editor):
    load = CatalogueLoad.objects.create(
        kind="national", state="writing", done=250, total=1000, file_name="quoc-gia.jsonl"
    )

    page = logged_in(editor).get(url("catalogueload_change", load.pk)).content.decode()

    assert "Đã xong 25%" in page
    assert 'http-equiv="refresh"' in page


def test_the_page_of_a_load_takes_the_same_queries_for_one_and_for_many(editor):
    factories.offices()
    few = national_load()
    many = national_load(*({**NATIONAL_ROW, "code": f"1.9991{number:02}"} for number in range(15)))
    client = logged_in(editor)
    client.get(url("catalogueload_change", few.pk))

    counts = []
    for load in (few, many):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get(url("catalogueload_change", load.pk))
        counts.append(len(queries))

    assert counts[0] == counts[1]


# --- What the nation proposes ---------------------------------------------------------


@pytest.fixture
def update() -> NationalUpdate:
    procedure = factories.procedure(factories.COPY)
    return procedure.national_updates.create(
        definition={**procedure.current.definition, "decision": "555/QĐ-BTP"}, digest="x" * 64
    )


def test_what_the_nation_changed_is_shown_beside_ours(editor, update):
    page = logged_in(editor).get(url("nationalupdate_change", update.pk)).content.decode()

    assert "555/QĐ-BTP" in page
    assert update.procedure.current.decision in page


def test_an_editor_takes_it_into_a_draft(editor, update):
    response = logged_in(editor).post(
        url("nationalupdate_decide", update.pk), {"state": "taken"}, follow=True
    )

    update.refresh_from_db()
    assert (update.state, update.decided_by) == ("taken", editor)
    page = response.content.decode()
    assert "Tệp thủ tục (YAML)" in page
    assert "555/QĐ-BTP" in page, "the differences stand beside the text"


@pytest.mark.parametrize("address", ["?quoc-gia=", "?quoc-gia=x", "?quoc-gia=999999999"])
def test_an_editor_opens_without_a_proposal(editor, update, address):
    revision = update.procedure.current

    response = logged_in(editor).get(url("revision_edit", revision.pk) + address)

    assert response.status_code == 200
    assert "555/QĐ-BTP" not in response.content.decode()


def test_procedures_are_filtered_by_tier_in_words(editor):
    factories.procedure(factories.COPY)

    page = logged_in(editor).get(url("procedure_changelist") + "?cap=province").content.decode()

    assert "Cấp tỉnh" in page
    assert factories.COPY not in page


def test_an_editor_puts_it_aside_once(editor, second, update):
    logged_in(editor).post(url("nationalupdate_decide", update.pk), {"state": "dismissed"})

    response = logged_in(second).post(
        url("nationalupdate_decide", update.pk), {"state": "taken"}, follow=True
    )

    update.refresh_from_db()
    assert (update.state, update.decided_by) == ("dismissed", editor)
    assert "đã có người xem" in response.content.decode()


def test_the_queue_of_revisions_takes_the_same_queries_for_one_and_for_many(editor):
    draft_by(editor)
    client = logged_in(editor)
    client.get(url("revision_changelist"))
    with CaptureQueriesContext(connection) as few:
        client.get(url("revision_changelist"))
    national_load(*({**NATIONAL_ROW, "code": f"1.9992{number:02}"} for number in range(20)))
    with CaptureQueriesContext(connection) as many:
        client.get(url("revision_changelist"))

    assert len(few) == len(many)


# --- The words of the catalogue -------------------------------------------------------


def test_a_renamed_field_is_news_for_whoever_keeps_the_open_data(client, editor):
    sector = factories.procedure(factories.COPY).current.sector
    list_url = reverse("procedures:open_data_procedures")
    first = client.get(list_url)
    kept, _all = first["ETag"], b"".join(first)

    logged_in(editor).post(
        url("sector_change", sector.pk), {"name": "Tên mới", "slug": sector.slug}
    )

    answer = client.get(list_url, headers={"If-None-Match": kept})
    assert answer.status_code == 200
    assert "Tên mới" in b"".join(answer).decode()


@pytest.mark.parametrize(
    "steps",
    [
        "[1]",
        '{"a": 1}',
        '[{"text": "không tên"}]',
        "null",
        '[{"title": "A", "choices": 5}]',
        '[{"title": "A", "code": ["x"]}]',
    ],
)
def test_steps_that_no_page_can_show_are_refused(client, editor, steps):
    factories.procedure(factories.COPY)
    event = LifeEvent.objects.first()
    data = {"slug": event.slug, "name": event.name, "position": 0, "steps": steps}

    logged_in(editor).post(url("lifeevent_change", event.pk), data)

    assert client.get(event.get_absolute_url()).status_code == 200
