"""What changed about a procedure, when, and in words."""

from __future__ import annotations

import datetime
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from procedures import history
from procedures.loading.checking import check_text
from procedures.loading.saving import save_draft
from procedures.models import CatalogueLoad, Procedure, Revision
from tests import factories

BASE = {
    "channels": [
        {"type": "online", "time": "3 working_days"},
        {"type": "direct", "time": "same_day", "cut_off": "15:00"},
    ],
    "fees": [
        {"id": "le_phi", "name": "Lệ phí", "amount": 8000, "confirmed": True, "pay": "at_filing"}
    ],
    "documents": [{"id": "don", "name": "Đơn đề nghị", "how": "submit", "originals": 1}],
    "conditions": ["Đủ 18 tuổi"],
    "legal_basis": [{"number": "60/2014/QH13", "title": "Luật Hộ tịch"}],
    "service_level": 3,
    "steps_text": "Bước một.",
}  # fmt: skip


def text_of(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def changed(**keys) -> list[history.Difference]:
    return history.differences(BASE, {**BASE, **keys})


# --- Two definitions ------------------------------------------------------------------


def test_the_same_definition_has_no_differences():
    assert history.differences(BASE, dict(BASE)) == []


def test_a_time_is_compared_in_words():
    [row] = changed(channels=[{"type": "online", "time": "2 working_days"}, BASE["channels"][1]])

    assert row.what == "Thời hạn khi nộp trực tuyến"
    assert (row.was, row.now) == ("3 ngày làm việc", "2 ngày làm việc")


def test_a_cut_off_is_a_time_too():
    later = {"type": "direct", "time": "same_day", "cut_off": "16:00"}

    [row] = changed(channels=[BASE["channels"][0], later])

    assert "15:00" in row.was
    assert "16:00" in row.now


def test_a_way_to_file_that_went_is_said():
    [row] = changed(channels=BASE["channels"][:1])

    assert row.phrase == "bỏ thời hạn khi nộp trực tiếp"


def test_an_amount_is_compared_in_dong():
    [row] = changed(fees=[{**BASE["fees"][0], "amount": 10000}])

    assert row.what == "Lệ phí"
    assert (row.was, row.now) == ("8.000 đồng; khi nộp hồ sơ", "10.000 đồng; khi nộp hồ sơ")


def test_an_amount_that_is_no_longer_known_is_not_free():
    [row] = changed(fees=[{**BASE["fees"][0], "amount": None, "confirmed": False}])

    assert "Chưa xác định (tạm tính)" in row.now


def test_a_new_paper_and_one_that_went_are_said():
    added = {"id": "anh", "name": "Ảnh chân dung", "how": "submit", "copies": 2}

    rows = changed(documents=[added])

    assert {row.phrase for row in rows} == {
        "bỏ giấy tờ “Đơn đề nghị”", "thêm giấy tờ “Ảnh chân dung”",
    }  # fmt: skip


def test_a_paper_of_which_a_copy_is_enough_is_said():
    [row] = changed(documents=[{"id": "don", "name": "Đơn đề nghị", "how": "submit", "copies": 1}])

    assert "bản chính: 1" in row.was
    assert "bản sao: 1" in row.now


@pytest.mark.parametrize(
    ("keys", "what", "was", "now"),
    [
        ({"conditions": ["Đủ 20 tuổi"]}, "Yêu cầu, điều kiện", "Đủ 18 tuổi", ""),
        ({"legal_basis": []}, "Căn cứ pháp lý", "60/2014/QH13 Luật Hộ tịch", ""),
        ({"service_level": 4}, "Mức độ", "Mức độ 3", "Mức độ 4"),
        ({"online": "full"}, "Nộp trực tuyến", "Không trực tuyến", "Toàn trình"),
        (
            {"filing_place": "national_portal"},
            "Nơi nộp chính thức", "Cổng này", "Cổng Dịch vụ công quốc gia",
        ),
        ({"effective_from": "2026-12-01"}, "Ngày áp dụng", "", "01/12/2026"),
        ({"trips": 1}, "Số lần đến cơ quan", "", "1"),
    ],
)  # fmt: skip
def test_a_key_is_compared_in_the_words_of_its_page(keys, what, was, now):
    row = changed(**keys)[0]

    assert (row.what, row.was, row.now) == (what, was, now)


def test_what_only_helps_the_search_is_no_change():
    assert changed(keywords=["mới"], ask_first=["a.b"], also_called=["tên khác"]) == []


def test_questions_that_came_and_went_are_named():
    asked = [
        {"section": "a", "title": "A", "fields": [{"id": "x", "type": "text", "label": "Tên"}]}
    ]
    other = [
        {"section": "a", "title": "A", "fields": [{"id": "y", "type": "text", "label": "Nơi"}]}
    ]

    rows = history.differences({"form": asked}, {"form": other})

    assert [(row.was, row.now) for row in rows] == [("Tên", ""), ("", "Nơi")]


def test_a_text_that_was_written_anew_is_long():
    [row] = changed(steps_text="Một bước rất dài. " * 40)

    assert row.is_long


# --- Of one procedure -----------------------------------------------------------------


def shorter(code: str = factories.FUNERAL) -> Procedure:
    """A second revision in which the online time is shorter."""
    factories.procedure(code)
    return factories.newer_revision(
        code, "{type: online, time: 3 working_days", "{type: online, time: 2 working_days"
    )


@pytest.mark.django_db
def test_the_page_of_a_procedure_says_what_changed_and_when(client):
    procedure = shorter()

    page = text_of(client.get(procedure.get_absolute_url()))

    today = f"Ngày {timezone.localdate():%d/%m/%Y}"
    assert today in page
    assert "trước là “3 ngày làm việc”, nay là “2 ngày làm việc”" in page
    assert "Công bố lần đầu trên cổng" in page


@pytest.mark.django_db
def test_all_changes_have_a_page_of_their_own(client):
    procedure = shorter()

    page = client.get(reverse("procedures:changes", args=[procedure.code]))

    assert "nay là “2 ngày làm việc”" in text_of(page)
    assert page.content.count(b"<h1") == 1


@pytest.mark.django_db
def test_a_draft_is_no_change(client):
    procedure = factories.procedure()
    text = (factories.FIXTURES / "procedures/ho-tro-chi-phi-mai-tang.yaml").read_text()
    _document, spec = check_text(text.replace("time: 3 working_days", "time: 9 hours"), "x.yaml")
    save_draft(spec)

    page = text_of(client.get(procedure.get_absolute_url()))

    assert "9 giờ" not in page


@pytest.mark.django_db
def test_what_is_approved_and_waits_for_its_day_is_announced(client):
    procedure = factories.procedure()
    text = (factories.FIXTURES / "procedures/ho-tro-chi-phi-mai-tang.yaml").read_text()
    _document, spec = check_text(text.replace("time: 3 working_days", "time: 9 hours"), "x.yaml")
    coming = save_draft(spec)
    coming.effective_from = timezone.localdate() + datetime.timedelta(days=30)
    coming.status = Revision.Status.SCHEDULED
    coming.save()

    page = text_of(client.get(procedure.get_absolute_url()))

    assert f"Sẽ áp dụng từ ngày {coming.effective_from:%d/%m/%Y}" in page
    assert "trước là “3 ngày làm việc”, nay là “9 giờ làm việc”" in page
    assert "Thời hạn giải quyết 3 ngày làm việc" in page


# --- Of all ---------------------------------------------------------------------------


@pytest.mark.django_db
def test_what_changed_lately_stands_by_its_day(client):
    procedure = shorter()
    factories.procedure(factories.COPY)

    page = text_of(client.get(reverse("procedures:recent")))

    assert page.index(f"{timezone.localdate():%d/%m/%Y}") < page.index(procedure.code)
    assert "Sửa thời hạn khi nộp trực tuyến." in page
    assert "Thủ tục mới có trên cổng." in page


@pytest.mark.django_db
def test_the_coming_of_the_whole_country_is_one_line(client):
    copies = [factories.procedure(code).current_id for code in (factories.COPY, factories.BIRTH)]
    shorter()
    with_origin(copies, Revision.Origin.NATIONAL)
    CatalogueLoad.objects.create(
        kind="national", state="published", published_at=timezone.now(),
        report={"outcomes": {"new": 5627, "changed": 0}},
    )  # fmt: skip

    page = text_of(client.get(reverse("procedures:recent")))

    assert "đưa lên cổng 5.627 thủ tục từ danh mục quốc gia" in page
    assert factories.BIRTH not in page
    assert factories.FUNERAL in page


def with_origin(pks: list[int], origin: str) -> None:
    """Say of published revisions where they come from, as the loader does of drafts."""
    from procedures.triggers import lifted

    with lifted(connection), connection.cursor() as cursor:
        for pk in pks:
            cursor.execute("UPDATE procedures_revision SET origin = %s WHERE id = %s", [origin, pk])


@pytest.mark.django_db
def test_the_list_of_changes_asks_as_often_for_many_as_for_one(client):
    shorter()
    address = reverse("procedures:recent")
    with CaptureQueriesContext(connection) as queries:
        client.get(address)
    with_one = len(queries)
    for code in (factories.COPY, factories.BIRTH, factories.MARITAL):
        factories.procedure(code)

    with CaptureQueriesContext(connection) as queries:
        client.get(address)

    assert len(queries) == with_one <= 10


@pytest.mark.django_db
def test_a_page_with_no_change_says_so(client):
    assert "Chưa có thay đổi nào" in text_of(client.get(reverse("procedures:recent")))


@pytest.mark.django_db
def test_much_at_once_is_told_as_rewritten():
    few = history.Difference("Phí", "1", "2")
    change = history.Change(Revision(), datetime.date(2026, 11, 24), False, [few] * 40)

    assert change.phrase == "cơ quan soạn lại trang này"


def test_equal_changes_are_counted():
    law = history.Difference("Căn cứ pháp lý", "", "x")
    change = history.Change(Revision(), datetime.date(2026, 11, 24), False, [law, law])

    assert change.phrase == "thêm căn cứ pháp lý (2)"
