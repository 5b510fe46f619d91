"""A supplement: what the office names, the citizen's way through it, and what comes of it."""

from __future__ import annotations

import copy
import datetime
import re

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dossiers import attachments, supplements, workflow
from dossiers.models import Attachment, Dossier, Paper
from procedures.worktime import VIETNAM
from tests import factories
from tests.dossiers.refusals import refused, unchanged
from tests.factories import BIRTH, COPY, FUNERAL

State = Dossier.State
NOW = datetime.datetime(2026, 11, 25, 9, 0, tzinfo=VIETNAM)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _wednesday_morning():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def office() -> factories.Office:
    return factories.Office()


@pytest.fixture
def an():
    return factories.user(full_name="Nguyễn Thị An")


@pytest.fixture
def citizen(an) -> Client:
    client = Client()
    client.force_login(an)
    return client


def asked(dossier: Dossier, office: factories.Office, **details) -> Dossier:
    """The dossier with a request for a supplement."""
    details = {"reason": "Chưa khớp với giấy chứng tử", **details}
    return office.supplement(dossier, **({"items": ""} | details))


def day_of_death(dossier: Dossier, office: factories.Office, **details) -> Dossier:
    """The day of death is at fault."""
    notes = {"nguoi_mat.ngay_mat": "Giấy chứng tử ghi ngày 09/11/2026"} | details.pop("notes", {})
    fields = ["nguoi_mat.ngay_mat", *details.pop("fields", [])]
    return asked(dossier, office, fields=fields, notes=notes, **details)


def request_of(dossier: Dossier):
    return dossier.supplement_requests.get(answered_at=None)


def fresh(dossier: Dossier) -> Dossier:
    return Dossier.objects.get(pk=dossier.pk)


def url(name: str, dossier: Dossier, *rest: str) -> str:
    return reverse(f"dossiers:{name}", args=[dossier.code, *rest])


def inputs(response) -> set[str]:
    """The names of the inputs of a page, without those of its frame."""
    main = response.content.decode().split("<main")[1].split("</main>")[0]
    found = set(re.findall(r'<(?:input|select|textarea)[^>]* name="([^"]+)"', main))
    return found - {"csrfmiddlewaretoken", "seen", "version", "language"}


def seen(response) -> str:
    return re.search(r'name="seen" value="(\w*)"', response.content.decode())[1]


# --- The office asks ------------------------------------------------------------------


def test_the_office_names_papers_and_questions_each_with_a_note(office):
    dossier = factories.filed(FUNERAL)

    waiting = day_of_death(
        dossier, office, documents=["giay_chung_tu"], items="Gọi lại cho cán bộ",
        notes={"giay_chung_tu": "Ảnh mờ, không đọc được số"},
    )  # fmt: skip

    request = request_of(waiting)
    facts = waiting.papers.get(kind=Paper.Kind.SUPPLEMENT).facts
    event = waiting.events.get(name="request_supplement")
    assert request.documents == ["giay_chung_tu"]
    assert request.fields == ["nguoi_mat.ngay_mat"]
    assert request.notes["nguoi_mat.ngay_mat"] == "Giấy chứng tử ghi ngày 09/11/2026"
    assert facts["fields"] == ["Người đã mất – Ngày mất: Giấy chứng tử ghi ngày 09/11/2026"]
    assert "Ảnh mờ, không đọc được số" in facts["documents"][0]
    assert event.data["fields"] == ["nguoi_mat.ngay_mat"]
    assert "Ngày mất" in event.note.text
    assert "09/11" not in str(event.data)


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ({"fields": ["nguoi_mat.ngay_mat"]}, "Hãy ghi chỗ sai của ô: Ngày mất"),
        ({"fields": ["nguoi_mat.khong_co"]}, "không thuộc hồ sơ này"),
        ({"fields": ["nhan_tien.so_tai_khoan"]}, "không còn được hỏi"),  # paid in cash
        ({"fields": ["cam_doan.dong_y"]}, "không thuộc hồ sơ này"),
        ({"documents": ["to_khai"]}, "không thuộc hồ sơ này"),
        ({}, "Hãy chỉ rõ giấy tờ, ô nào"),
        ({"items": "Ảnh", "reason": " "}, "Hãy ghi lý do"),
    ],
)
def test_what_cannot_be_at_fault_is_refused_in_words(office, details, words):
    dossier = factories.filed(FUNERAL)

    with refused(workflow.Refused, words):
        asked(dossier, office, **details)


def test_the_form_offers_called_papers_other_papers_and_answered_questions_by_section(office):
    dossier = factories.filed(FUNERAL)
    client = Client()
    client.force_login(office.reception)

    page = client.get(
        reverse("admin:dossiers_dossier_move", args=[dossier.pk, "request_supplement"])
    ).content.decode()

    assert "Giấy tờ hồ sơ này phải có" in page
    assert "Giấy tờ khác của thủ tục" in page
    assert page.count("<details") == 6
    assert 'name="fault:nguoi_mat.ngay_mat"' in page
    assert 'name="note:thoi_huong"' in page
    assert "10/11/2026" in page
    assert "nhan_tien.so_tai_khoan" not in page
    assert "Yêu cầu một lần, đầy đủ" in page


def test_the_form_makes_the_request_and_a_note_counts_as_a_tick(office):
    dossier = factories.filed(FUNERAL)
    client = Client()
    client.force_login(office.reception)
    address = reverse("admin:dossiers_dossier_move", args=[dossier.pk, "request_supplement"])
    typed = {
        "version": dossier.version, "reason": "Chưa khớp", "fault:giay_chung_tu": "on",
        "note:giay_chung_tu": "Ảnh mờ", "note:nguoi_mat.ho_ten": "Thiếu chữ đệm",
        "fault:khong_co": "on", "note:khong_co": "x",
    }  # fmt: skip

    without = client.post(address, {**typed, "note:giay_chung_tu": " "})
    client.post(address, typed)

    request = request_of(fresh(dossier))
    assert without.status_code == 409
    assert "Hãy ghi chỗ sai của: Bản sao giấy chứng tử" in without.content.decode()
    assert "Thiếu chữ đệm" in without.content.decode()
    assert (request.documents, request.fields) == (["giay_chung_tu"], ["nguoi_mat.ho_ten"])
    assert set(request.notes) == {"giay_chung_tu", "nguoi_mat.ho_ten"}


# --- The citizen's task list ----------------------------------------------------------


def test_the_request_becomes_a_task_list(citizen, an, office):
    dossier = day_of_death(
        factories.filed(FUNERAL, owner=an), office, documents=["giay_chung_tu"],
        notes={"giay_chung_tu": "Ảnh mờ"}, items="Mang theo bản chính",
    )  # fmt: skip

    page = citizen.get(url("supplement", dossier)).content.decode()

    assert page.count("Chưa làm") == 2
    assert "Giấy chứng tử ghi ngày 09/11/2026" in page
    assert "Ảnh mờ" in page
    assert "Mang theo bản chính" in page
    assert url("supplement_paper", dossier, "giay_chung_tu") in page
    assert url("supplement_section", dossier, "nguoi_mat") + "#id_ngay_mat" in page
    assert "Còn 2 việc chưa làm" in page


def test_a_section_page_shows_the_questions_at_fault_alone(citizen, an, office):
    dossier = day_of_death(factories.filed(FUNERAL, owner=an), office)

    response = citizen.get(url("supplement_section", dossier, "nguoi_mat"))

    assert inputs(response) == {"ngay_mat"}
    assert "Giấy chứng tử ghi ngày 09/11/2026" in response.content.decode()


@pytest.mark.parametrize("section", ["dien_huong", "nhan_tien", "cam_doan", "khong_co"])
def test_a_section_without_a_fault_has_no_page(citizen, an, office, section):
    dossier = day_of_death(factories.filed(FUNERAL, owner=an), office)

    assert citizen.get(url("supplement_section", dossier, section)).status_code == 404
    assert citizen.post(url("supplement_section", dossier, section)).status_code == 404


@pytest.mark.parametrize("paper", ["thoi_huong", "to_khai", "khong_co"])
def test_a_paper_that_nobody_asks_for_has_no_page(citizen, an, office, paper):
    dossier = day_of_death(factories.filed(FUNERAL, owner=an), office)

    address = url("supplement_paper", dossier, paper)

    assert citizen.get(address).status_code == 404
    assert citizen.post(address, {paper: factories.picture()}).status_code == 404
    assert not dossier.attachments.filter(submitted_at=None).exists()


def test_a_saved_section_waits_beside_the_dossier_until_it_is_sent(citizen, an, office):
    dossier = day_of_death(factories.filed(FUNERAL, owner=an), office)
    address = url("supplement_section", dossier, "nguoi_mat")

    saved = citizen.post(address, {"ngay_mat": "09/11/2026", "ho_ten": "Kẻ Lạ"})

    request, kept = request_of(dossier), fresh(dossier)
    assert saved.url == url("supplement", dossier)
    assert kept.answers["nguoi_mat"]["ngay_mat"] == "2026-11-10"
    assert request.new_answers["nguoi_mat"]["ngay_mat"] == "2026-11-09"
    assert request.new_answers["nguoi_mat"]["ho_ten"] == "Trần Văn Cụ"
    assert "Xong" in citizen.get(url("supplement", dossier)).content.decode()


def test_a_step_is_saved_in_few_queries(citizen, an, office):
    dossier = day_of_death(factories.filed(FUNERAL, owner=an), office)
    address = url("supplement_section", dossier, "nguoi_mat")
    citizen.get(address)

    with CaptureQueriesContext(connection) as queries:
        citizen.post(address, {"ngay_mat": "09/11/2026"})

    asked_of_it = [q["sql"] for q in queries if "SAVEPOINT" not in q["sql"]]
    assert len(asked_of_it) <= 10, asked_of_it


def test_a_bad_answer_brings_the_page_back_and_keeps_nothing(citizen, an, office):
    dossier = day_of_death(factories.filed(FUNERAL, owner=an), office)

    with unchanged():
        response = citizen.post(
            url("supplement_section", dossier, "nguoi_mat"), {"ngay_mat": "31/02/2026"}
        )

    assert "<title>Lỗi:" in response.content.decode()
    assert "31/02/2026" in response.content.decode()


def test_two_tabs_do_not_overwrite_each_other_silently(citizen, an, office):
    dossier = day_of_death(factories.filed(FUNERAL, owner=an), office)
    address = url("supplement_section", dossier, "nguoi_mat")
    first = seen(citizen.get(address))
    citizen.post(address, {"seen": first, "ngay_mat": "09/11/2026"})

    second = citizen.post(address, {"seen": first, "ngay_mat": "08/11/2026"})

    page = second.content.decode()
    assert "vừa được lưu ở một cửa sổ khác" in page
    assert "08/11/2026" in page
    assert "Ngày mất: 09/11/2026" in page
    assert request_of(dossier).new_answers["nguoi_mat"]["ngay_mat"] == "2026-11-09"
    citizen.post(address, {"seen": seen(second), "ngay_mat": "08/11/2026"})
    assert request_of(dossier).new_answers["nguoi_mat"]["ngay_mat"] == "2026-11-08"


def test_a_session_that_ends_in_the_middle_loses_nothing(an, office):
    dossier = day_of_death(factories.filed(FUNERAL, owner=an), office)
    address = url("supplement_section", dossier, "nguoi_mat")
    client = Client()

    away = client.post(address, {"ngay_mat": "09/11/2026"})
    client.force_login(an)
    page = client.get(address).content.decode()

    assert away.status_code == 302
    assert "09/11/2026" in page
    assert "chưa được lưu" in page
    assert request_of(dossier).new_answers == {}


def test_a_paper_is_uploaded_taken_out_and_explained(citizen, an, office):
    dossier = asked(factories.filed(FUNERAL, owner=an), office, documents=["giay_chung_tu"])
    address = url("supplement_paper", dossier, "giay_chung_tu")

    bad = citizen.post(
        address, {"giay_chung_tu": factories.signed_pdf("x").__class__("x.exe", b"MZ")}
    )
    good = citizen.post(address, {"add": "1", "giay_chung_tu": factories.picture("#111111")})
    file = dossier.attachments.get(submitted_at=None)
    removed = citizen.post(reverse("dossiers:remove_attachment", args=[file.key]))
    citizen.post(address, {"explanation": "Giấy đã thất lạc trong lũ"})

    assert "<title>Lỗi:" in bad.content.decode()
    assert good.url == removed.url == address
    assert request_of(dossier).explanations == {"giay_chung_tu": "Giấy đã thất lạc trong lũ"}
    assert "Đã giải thích" in citizen.get(url("supplement", dossier)).content.decode()


def test_an_explanation_alone_answers_for_a_paper(an, office):
    dossier = asked(factories.filed(FUNERAL, owner=an), office, documents=["giay_chung_tu"])
    supplements.explain(dossier, "giay_chung_tu", "Đã thất lạc", seen=supplements.filing.digest(""))

    sent = workflow.perform(dossier, "answer_supplement", by=an)

    assert sent.state == State.SUBMITTED
    assert sent.supplement_requests.get().explanations == {"giay_chung_tu": "Đã thất lạc"}


def test_words_are_kept_for_later(citizen, an, office):
    dossier = asked(factories.filed(FUNERAL, owner=an), office, items="Gọi lại")

    citizen.post(url("supplement", dossier), {"answer": "Tôi sẽ gọi", "save": "1"})

    assert request_of(dossier).answer == "Tôi sẽ gọi"
    assert "Tôi sẽ gọi" in citizen.get(url("supplement", dossier)).content.decode()
    assert fresh(dossier).state == State.SUPPLEMENT_REQUIRED


def test_the_task_list_asks_the_database_as_often_for_many_tasks_as_for_one(citizen, an, office):
    keys = [f"me.nguoi.{name}" for name in ("ho_ten", "ngay_sinh", "dan_toc", "so_dinh_danh")]
    keys += [f"be.{name}" for name in ("ho_ten", "ngay_sinh", "gioi_tinh", "dan_toc", "que_quan")]
    counted = []
    for fields in (keys[:1], keys):
        dossier = asked(
            factories.filed(BIRTH, owner=an), office, fields=fields, notes=dict.fromkeys(keys, "x"),
            documents=["giay_chung_sinh"] if len(fields) > 1 else [],
        )  # fmt: skip
        citizen.get(url("supplement", dossier))
        with CaptureQueriesContext(connection) as queries:
            citizen.get(url("supplement", dossier))
        counted.append(len(queries))

    assert counted[0] == counted[1] <= 25


def test_a_file_that_the_form_asks_for_is_at_fault_as_a_paper(tmp_path, citizen, an, office):
    factories.altered_procedure(
        tmp_path, FUNERAL,
        ("      - {id: noi_cu_tru, type: address, label: Nơi cư trú cuối cùng}",
         "      - {id: noi_cu_tru, type: address, label: Nơi cư trú cuối cùng}\n"
         "      - {id: anh_the, type: attachment, label: Ảnh thẻ}"),
    )  # fmt: skip
    key = "nguoi_mat.anh_the"

    dossier = asked(
        factories.filed(FUNERAL, owner=an), office, documents=[key], notes={key: "Ảnh mờ"}
    )
    listed = citizen.get(url("supplement", dossier)).content.decode()
    citizen.post(url("supplement_paper", dossier, key), {key: factories.picture("#121212")})
    citizen.post(url("supplement", dossier), {"send": "1"})

    assert "Ảnh thẻ" in listed
    assert fresh(dossier).state == State.SUBMITTED
    assert dossier.attachments.filter(document=key).count() == 2


# --- Sending --------------------------------------------------------------------------


def change(dossier: Dossier, section_id: str, **answers) -> None:
    """Save a section of the supplement with these answers changed."""
    view = supplements.amended(fresh(dossier), request_of(dossier))
    row = {**view.answers.get(section_id, {}), **answers}
    digest = supplements.filing.digest(view.answers.get(section_id))
    supplements.save_section(dossier, section_id, row, seen=digest)


def test_sending_moves_the_new_answers_and_keeps_the_old_ones(an, office):
    dossier = day_of_death(factories.filed(FUNERAL, owner=an), office)
    change(dossier, "nguoi_mat", ngay_mat="2026-11-09")

    sent = workflow.perform(dossier, "answer_supplement", by=an)

    request = sent.supplement_requests.get()
    event = sent.events.get(name="answer_supplement")
    assert sent.answers["nguoi_mat"]["ngay_mat"] == "2026-11-09"
    assert request.old_answers["nguoi_mat"]["ngay_mat"] == "2026-11-10"
    assert list(request.old_answers) == list(request.new_answers) == ["nguoi_mat"]
    assert event.data["fields"] == ["nguoi_mat.ngay_mat"]
    assert re.fullmatch("[0-9a-f]{64}", event.data["answers"])
    assert "2026-11-09" not in str(event.data)
    assert list(sent.papers.filter(kind=Paper.Kind.FORM).values_list("number", flat=True)) == [1, 2]


def test_every_task_must_be_done_before_sending(citizen, an, office):
    dossier = day_of_death(factories.filed(FUNERAL, owner=an), office, documents=["giay_chung_tu"])
    change(dossier, "nguoi_mat", ngay_mat="2026-11-09")

    with refused(workflow.Refused, "Bản sao giấy chứng tử"):
        workflow.perform(dossier, "answer_supplement", by=an)

    page = citizen.post(url("supplement", dossier), {"send": "1", "answer": "Xin gửi"})
    assert "Còn việc chưa làm" in page.content.decode()
    assert "Xin gửi" in page.content.decode()
    assert fresh(dossier).answers["nguoi_mat"]["ngay_mat"] == "2026-11-10"


def test_who_keeps_an_answer_as_it_was_says_why(an, office):
    dossier = day_of_death(factories.filed(FUNERAL, owner=an), office)
    change(dossier, "nguoi_mat")

    with refused(workflow.Refused, "giữ nguyên như cũ"):
        workflow.perform(dossier, "answer_supplement", by=an)

    sent = workflow.perform(dossier, "answer_supplement", by=an, answer="Giấy chứng tử ghi nhầm")
    [row] = supplements.comparisons(Dossier.objects.for_page().get(pk=sent.pk))
    assert [change.is_kept for change in row["fields"]] == [True]
    assert not sent.papers.filter(kind=Paper.Kind.FORM, number=2).exists()


def test_a_changed_answer_may_call_for_another_paper(citizen, an, office):
    dossier = asked(
        factories.filed(FUNERAL, owner=an), office, fields=["dien_huong.dien"],
        notes={"dien_huong.dien": "Ông cụ hưởng trợ cấp tuất"},
    )  # fmt: skip
    citizen.post(url("supplement_section", dossier, "dien_huong"), {"dien": "tu_du_80"})

    page = citizen.get(url("supplement", dossier)).content.decode()
    with refused(workflow.Refused, "thôi hưởng trợ cấp"):
        workflow.perform(dossier, "answer_supplement", by=an)
    citizen.post(
        url("supplement_paper", dossier, "thoi_huong"), {"thoi_huong": factories.picture("#222222")}
    )
    sent = citizen.post(url("supplement", dossier), {"send": "1"})

    assert "Cần thêm vì câu trả lời đã đổi" in page
    assert sent.url == dossier.get_absolute_url()
    assert fresh(dossier).answers["dien_huong"]["dien"] == "tu_du_80"
    assert dossier.attachments.get(document="thoi_huong").submitted_at == NOW


def test_a_file_for_a_paper_that_is_not_called_for_any_more_is_left_out(an, office):
    dossier = asked(
        factories.filed(FUNERAL, owner=an), office, fields=["dien_huong.dien"],
        notes={"dien_huong.dien": "Xem lại"},
    )  # fmt: skip
    change(dossier, "dien_huong", dien="tu_du_80")
    attachments.store(dossier, "thoi_huong", factories.picture("#222222"), by=an)
    attachments.store(dossier, Attachment.OTHER, factories.picture("#333333"), by=an)
    change(dossier, "dien_huong", dien="bat_kha_khang")

    sent = workflow.perform(dossier, "answer_supplement", by=an)

    papers = set(sent.attachments.values_list("document", flat=True))
    assert papers == {"giay_chung_tu", Attachment.OTHER}


def test_a_paper_that_only_a_supplement_asked_for_stands_among_the_papers(an, office):
    dossier = asked(
        factories.filed(FUNERAL, owner=an), office, documents=["thoi_huong"],
        notes={"thoi_huong": "Cần để đối chiếu"},
    )  # fmt: skip
    attachments.store(dossier, "thoi_huong", factories.picture("#222222"), by=an)
    workflow.perform(dossier, "answer_supplement", by=an)
    desk = Client()
    desk.force_login(office.reception)

    page = desk.get(reverse("admin:dossiers_dossier_change", args=[dossier.pk]))

    papers = page.content.decode().split("Giấy tờ đính kèm")[1].split("Yêu cầu bổ sung")[0]
    name = dossier.revision.documents.get(key="thoi_huong").name
    assert name in papers


def test_a_changed_answer_opens_questions_on_the_same_page(citizen, an, office):
    dossier = asked(
        factories.filed(FUNERAL, owner=an), office, fields=["nhan_tien.cach"],
        notes={"nhan_tien.cach": "Ông/bà đề nghị chuyển khoản"},
    )  # fmt: skip
    address = url("supplement_section", dossier, "nhan_tien")
    account = {"cach": "tai_khoan", "chu_tai_khoan": "TRẦN THỊ BÌNH", "so_tai_khoan": "123"}

    shown = citizen.get(address)
    half = citizen.post(address, account)
    citizen.post(address, {**account, "ngan_hang": "Agribank"})

    assert inputs(shown) == {"cach", "chu_tai_khoan", "so_tai_khoan", "ngan_hang"}
    assert "Hãy nhập: Ngân hàng" in half.content.decode()
    assert request_of(dossier).new_answers["nhan_tien"]["ngan_hang"] == "Agribank"


def test_a_changed_answer_opens_a_section_with_rows_and_its_paper(citizen, an, office):
    dossier = asked(
        factories.filed(BIRTH, owner=an), office, fields=["chung_minh.bang"],
        notes={"chung_minh.bang": "Giấy chứng sinh không đúng"},
    )  # fmt: skip
    citizen.post(url("supplement_section", dossier, "chung_minh"), {"bang": "nguoi_lam_chung"})

    page = citizen.get(url("supplement", dossier)).content.decode()
    rows = citizen.get(url("supplement_section", dossier, "nguoi_lam_chung"))

    assert "Người làm chứng việc sinh" in page
    assert "Văn bản của người làm chứng" in page
    assert "0-nguoi.ho_ten" in inputs(rows)
    with refused(workflow.Refused, "Người làm chứng việc sinh; Văn bản"):
        workflow.perform(dossier, "answer_supplement", by=an)


def test_a_question_that_falls_away_needs_no_answer(an, office):
    dossier = asked(
        factories.filed(BIRTH, owner=an), office,
        fields=["truong_hop.cha_me", "cha.nguoi.ngay_sinh"],
        notes={"truong_hop.cha_me": "Chưa kết hôn", "cha.nguoi.ngay_sinh": "Khác thẻ"},
    )  # fmt: skip
    change(dossier, "truong_hop", cha_me="chi_khai_me")

    sent = workflow.perform(dossier, "answer_supplement", by=an)

    assert "cha" not in sent.answers
    assert sent.supplement_requests.get().old_answers["cha"]["nguoi"]["ho_ten"] == "Nguyễn Văn An"


def test_an_answer_that_leads_elsewhere_is_not_taken(citizen, an, office):
    dossier = asked(
        factories.filed(FUNERAL, owner=an), office, fields=["dien_huong.dien"],
        notes={"dien_huong.dien": "Là cựu chiến binh"},
    )  # fmt: skip
    change(dossier, "dien_huong", dien="cuu_chien_binh")

    with refused(workflow.Refused, "làm thủ tục khác"):
        workflow.perform(dossier, "answer_supplement", by=an)

    assert "Xin rút hồ sơ này" in citizen.get(url("supplement", dossier)).content.decode()


def test_fees_that_were_asked_stay_as_they_were_and_the_rest_is_owed(an, office):
    from payments import services

    dossier = factories.filed(COPY, owner=an)
    payment = dossier.payments.get()
    services.confirm(payment, amount=payment.amount)
    dossier = asked(
        fresh(dossier), office, fields=["ban_sao.so_luong"],
        notes={"ban_sao.so_luong": "Ông/bà nói cần 5 bản"},
    )  # fmt: skip
    change(dossier, "ban_sao", so_luong=5)

    sent = workflow.perform(dossier, "answer_supplement", by=an)

    payment.refresh_from_db()
    assert sent.state == State.SUBMITTED
    assert (sent.payments.count(), payment.amount) == (1, 16000)
    from dossiers import results

    assert [line.amount for line in results.unpaid_fees(sent)] == [24000]


def test_sending_twice_sends_once(citizen, an, office):
    dossier = day_of_death(factories.filed(FUNERAL, owner=an), office)
    change(dossier, "nguoi_mat", ngay_mat="2026-11-09")
    sent = {"send": "1", "version": dossier.version, "answer": ""}

    answers = [citizen.post(url("supplement", dossier), sent) for _time in range(5)]

    assert {answer.url for answer in answers} == {dossier.get_absolute_url()}
    assert dossier.events.filter(name="answer_supplement").count() == 1


def test_after_sending_nothing_more_is_saved(citizen, an, office):
    dossier = day_of_death(factories.filed(FUNERAL, owner=an), office)
    change(dossier, "nguoi_mat", ngay_mat="2026-11-09")
    workflow.perform(dossier, "answer_supplement", by=an)

    with unchanged():
        late = citizen.post(
            url("supplement_section", dossier, "nguoi_mat"), {"ngay_mat": "01/11/2026"}
        )
        with pytest.raises(Dossier.DoesNotExist):
            supplements.save_section(dossier, "nguoi_mat", {}, seen="")

    assert late.url == dossier.get_absolute_url()


# --- Whose it is ----------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "post"])
def test_another_persons_supplement_is_not_found(an, office, method):
    dossier = day_of_death(factories.filed(FUNERAL, owner=an), office, documents=["giay_chung_tu"])
    stranger = Client()
    stranger.force_login(factories.user())
    pages = [
        url("supplement", dossier),
        url("supplement_paper", dossier, "giay_chung_tu"),
        url("supplement_section", dossier, "nguoi_mat"),
    ]

    with unchanged():
        answers = [getattr(stranger, method)(page, {"answer": "x"}).status_code for page in pages]

    assert answers == [404] * 3


@pytest.mark.parametrize(("has_ended", "status"), [(False, 302), (True, 404)])
def test_who_takes_part_does_not_answer_and_who_no_longer_does_finds_nothing(
    an, office, has_ended, status
):
    dossier = day_of_death(factories.filed(FUNERAL, owner=an), office)
    other = factories.user()
    dossier.participants.create(
        name="Bình", role="co_applicant", user=other, joined_at=NOW,
        ended_at=NOW if has_ended else None,
    )  # fmt: skip
    client = Client()
    client.force_login(other)

    with unchanged():
        response = client.post(
            url("supplement_section", dossier, "nguoi_mat"), {"ngay_mat": "09/11/2026"}
        )

    assert response.status_code == status


# --- What the official compares -------------------------------------------------------


def test_the_official_sees_old_and_new_side_by_side(an, office):
    dossier = day_of_death(
        factories.filed(FUNERAL, owner=an), office, documents=["giay_chung_tu"],
        notes={"giay_chung_tu": "Ảnh mờ"},
    )  # fmt: skip
    change(dossier, "nguoi_mat", ngay_mat="2026-11-09")
    with time_machine.travel(NOW + datetime.timedelta(hours=1), tick=False):
        attachments.store(dossier, "giay_chung_tu", factories.picture("#abcdef"), by=an)
        workflow.perform(dossier, "answer_supplement", by=an)
    client = Client()
    client.force_login(office.reception)

    page = client.get(reverse("admin:dossiers_dossier_change", args=[dossier.pk])).content.decode()

    compared = page.split('class="mc-compare"')[1].split("</table>")[0]
    assert "10/11/2026" in compared
    assert "<ins>09/11/2026</ins>" in compared
    assert compared.count("anh.jpg") == 2
    assert "Ảnh mờ" in compared


def test_an_earlier_supplement_reads_as_it_was_answered(an, office):
    dossier = day_of_death(factories.filed(FUNERAL, owner=an), office)
    change(dossier, "nguoi_mat", ngay_mat="2026-11-09")
    sent = workflow.perform(dossier, "answer_supplement", by=an)
    again = day_of_death(sent, office)
    change(again, "nguoi_mat", ngay_mat="2026-11-08")
    workflow.perform(again, "answer_supplement", by=an)

    rows = supplements.comparisons(Dossier.objects.for_page().get(pk=dossier.pk))

    changes = [[(c.old, c.new) for c in row["fields"]] for row in rows]
    assert changes == [[("09/11/2026", "08/11/2026")], [("10/11/2026", "09/11/2026")]]


# --- The draft result -----------------------------------------------------------------


@pytest.fixture
def draft(an, office) -> Dossier:
    dossier = office.processing(factories.filed(BIRTH, owner=an))
    text = "Họ, chữ đệm, tên: KHÔI\n\nNgày sinh: 05/11/2026\nGiới tính: Nam"
    return workflow.perform(dossier, "send_draft", by=office.officer, draft=text)


def test_each_line_of_the_draft_is_right_or_wrong(citizen, draft, office):
    address = url("draft_result", draft)
    wrong = {"object": "1", "wrong": ["1"], "right_1": "Họ, chữ đệm, tên: KHỎI",
             "right_3": "Giới tính: Nữ", "reason": "Xin sửa sớm"}  # fmt: skip

    shown = citizen.get(address).content.decode()
    sent = citizen.post(address, {**wrong, "version": draft.version})

    words = draft.last_words("object_to_draft")
    client = Client()
    client.force_login(office.officer)
    form = client.get(reverse("admin:dossiers_dossier_move", args=[draft.pk, "send_draft"]))
    assert shown.count('name="wrong"') == 3
    assert "coi như ông/bà đồng ý" in shown
    assert sent.url == draft.get_absolute_url()
    assert words.splitlines() == [
        "Dòng 1 “Họ, chữ đệm, tên: KHÔI” – sửa thành: “Họ, chữ đệm, tên: KHỎI”",
        "Dòng 3 “Giới tính: Nam” – sửa thành: “Giới tính: Nữ”",
        "Xin sửa sớm",
    ]
    assert "sửa thành: “Giới tính: Nữ”" in form.content.decode()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"object": "1"}, "Hãy ghi những chỗ cần sửa"),
        ({"object": "1", "wrong": ["2"]}, "Hãy viết lại cho đúng dòng “Ngày sinh"),
        ({"agree": "1", "wrong": ["2"], "right_2": "06/11"}, "vừa ghi chỗ sai vừa bấm đồng ý"),
        ({"agree": "1", "reason": "Sai dấu"}, "vừa ghi chỗ sai vừa bấm đồng ý"),
        ({"object": "1", "wrong": ["99", "x"]}, "Hãy ghi những chỗ cần sửa"),
    ],
)
def test_half_an_objection_is_no_answer_and_stays_on_the_page(citizen, draft, data, words):
    with unchanged():
        response = citizen.post(url("draft_result", draft), data)

    page = response.content.decode()
    assert words in page
    assert "<title>Lỗi:" in page
    assert all(str(value) in page for key, value in data.items() if key.startswith("right"))


def test_lines_of_a_draft_that_was_replaced_are_not_objected_to(citizen, draft, office):
    workflow.perform(draft, "recall_draft", by=office.officer, reason="Nhầm")
    workflow.perform(draft, "send_draft", by=office.officer, draft="Dòng khác")

    response = citizen.post(
        url("draft_result", draft),
        {"object": "1", "right_1": "Họ tên: KHỎI", "version": draft.version},
    )

    assert "Hồ sơ đã thay đổi" in response.content.decode()
    assert "KHỎI" in response.content.decode()
    assert fresh(draft).state == State.AWAITING_CONFIRMATION


# --- Withdrawal -----------------------------------------------------------------------


def test_withdrawing_says_what_happens_to_the_money(citizen, an):
    from payments import services

    paid = factories.filed(COPY, owner=an)
    owing = factories.filed(COPY, owner=an)
    free = factories.filed(FUNERAL, owner=an)
    payment = paid.payments.get()
    services.confirm(payment, amount=payment.amount)

    pages = [citizen.get(url("withdraw", row)).content.decode() for row in (paid, owing, free)]

    assert "Tiền đã nộp không được hoàn lại" in pages[0]
    assert "Khoản đang chờ nộp được hủy" in pages[1]
    assert "chưa nộp khoản tiền nào" in pages[2]
    assert all("Bản chính đã đưa cho cơ quan" in page for page in pages)


def test_after_the_decision_a_withdrawal_is_refused_kindly(citizen, an, office):
    dossier = office.approved(factories.filed(FUNERAL, owner=an))

    with unchanged():
        response = citizen.post(url("withdraw", dossier), {"reason": "Thôi"})

    page = citizen.get(response.url).content.decode()
    assert "đã được ký duyệt nên không rút được nữa" in page


def test_the_answers_of_a_dossier_are_not_touched_by_looking_at_what_they_would_be(an, office):
    dossier = day_of_death(factories.filed(FUNERAL, owner=an), office)
    before = copy.deepcopy(dossier.answers)
    change(dossier, "nguoi_mat", ngay_mat="2026-11-09")

    view = supplements.amended(dossier, request_of(dossier))

    assert view.answers["nguoi_mat"]["ngay_mat"] == "2026-11-09"
    assert dossier.answers == before
