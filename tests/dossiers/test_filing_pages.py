"""From "Nộp hồ sơ trực tuyến" to the code, page by page, as a browser sends it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import threading
import time
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import quote

import pytest
import time_machine
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dossiers import attachments, filing, workflow
from dossiers.models import Attachment, Dossier
from procedures.formspec.spec import walk
from procedures.models import Procedure
from tests import factories
from tests.factories import BIRTH, COPY, FUNERAL

pytestmark = pytest.mark.django_db

DECLARED = {"declare": "1"}


@pytest.fixture(autouse=True)
def _working_day():
    with time_machine.travel("2026-11-25 09:00+07:00"):
        yield


@pytest.fixture
def an():
    return factories.user(full_name="Trần Thị Bình", citizen_number="045190001234")


@pytest.fixture
def citizen(client, an):
    client.force_login(an)
    return client


def page(name: str, dossier: Dossier, *rest: str) -> str:
    return reverse(f"dossiers:{name}", args=[dossier.key, *rest])


def title(response) -> str:
    return re.search(r"<title>(.*?)</title>", response.content.decode(), re.DOTALL)[1]


def summary(response) -> list[tuple[str, str]]:
    """(target, words) of the links in the error summary."""
    html = response.content.decode()
    box = re.search(r'<div class="mc-error-summary".*?</div>', html, re.DOTALL)
    return re.findall(r'<a href="#([^"]*)">(.*?)</a>', box[0]) if box else []


def start(citizen, code: str) -> Dossier:
    factories.procedure(code)
    citizen.post(reverse("dossiers:start", args=[code]))
    return Dossier.objects.get(revision__procedure__code=code)


# --- The whole wizard -----------------------------------------------------------------


def test_the_last_page_says_how_often_a_price_by_tiers_is_asked(client, tmp_path):
    factories.copy_with_tiers(tmp_path)
    draft = factories.draft(COPY)
    client.force_login(draft.owner)

    html = client.get(page("check", draft)).content.decode()

    assert "Số lượng: 2 × 4.000 đồng" in html


def test_a_procedure_whose_code_has_letters_is_started_too(citizen):
    procedure = factories.procedure(FUNERAL)
    Procedure.objects.filter(pk=procedure.pk).update(code="1.014955-Xoa")

    draft = start(citizen, "1.014955-Xoa")

    assert draft.revision.procedure == procedure


@pytest.mark.parametrize("code", [BIRTH, COPY, FUNERAL])
def test_a_procedure_is_filled_page_after_page_and_filed(citizen, code):
    draft = start(citizen, code)
    url = page("office", draft)
    visited = []

    for _page in range(20):
        visited.append(url)
        assert citizen.get(url).status_code == 200
        if "/phan/" in url:
            data = factories.posted(code, url.split("/")[-2])
        elif url.endswith("/noi-giai-quyet/"):
            data = {"office": factories.COMMUNE}
        elif url.endswith("/giay-to/"):
            draft = Dossier.objects.get(pk=draft.pk)
            papers = [row.key for row in draft.revision.documents.all() if row.how == "submit"]
            data = {key: factories.picture() for key in papers}
        else:
            break
        response = citizen.post(url, data)
        assert response.status_code == 302, summary(response)
        url = response.url
    filed = citizen.post(url, {**DECLARED, "delivery": "online"})

    dossier = Dossier.objects.get(pk=draft.pk)
    assert url.endswith("/kiem-tra/")
    assert dossier.answers == {
        section: row for section, row in factories.ANSWERS[code].items() if row or section
    }
    sections = [part.split("/")[-2] for part in visited if "/phan/" in part]
    assert sections == list(factories.ANSWERS[code])
    if code == COPY:
        assert dossier.state == Dossier.State.PAYMENT_REQUIRED
        assert filed.url == reverse("payments:start", args=[dossier.code])
    else:
        assert dossier.state == Dossier.State.SUBMITTED
        assert filed.url == reverse("dossiers:filed", args=[dossier.code])
    done = citizen.get(reverse("dossiers:filed", args=[dossier.code])).content.decode()
    assert dossier.code in done
    assert dossier.secret in done


def test_a_draft_begins_with_what_the_profile_knows(citizen):
    draft = start(citizen, FUNERAL)

    assert draft.answers == {
        "nguoi_dung_ra": {"nguoi": {"ho_ten": "Trần Thị Bình", "so_dinh_danh": "045190001234"}}
    }


def test_a_draft_is_found_again_and_resumed_where_it_was_left(citizen):
    draft = start(citizen, FUNERAL)
    citizen.post(page("office", draft), {"office": factories.COMMUNE})
    citizen.post(page("section", draft, "dien_huong"), factories.posted(FUNERAL, "dien_huong"))

    assert page("draft", draft) in citizen.get(reverse("dossiers:mine")).content.decode()
    assert (
        page("draft", draft)
        in citizen.get(reverse("dossiers:start", args=[FUNERAL])).content.decode()
    )
    assert citizen.get(page("draft", draft)).context["next"].id == "nguoi_mat"


def test_the_steps_follow_the_answers(citizen):
    draft = start(citizen, BIRTH)

    def ids() -> list[str]:
        return [step.id for step in citizen.get(page("draft", draft)).context["steps"]]

    assert ids() == [
        "office", "truong_hop", "chung_minh", "nguoi_yeu_cau", "be", "me", "ban_sao", "cam_doan",
        "check",
    ]  # fmt: skip
    case = {"nuoc_ngoai": "no", "co_giay_to_cu": "no", "mang_thai_ho": "no"}
    citizen.post(page("section", draft, "truong_hop"), {**case, "cha_me": "bo_roi"})
    assert "me" not in ids()
    assert "documents" in ids()
    citizen.post(page("section", draft, "truong_hop"), {**case, "cha_me": "da_ket_hon"})
    citizen.post(page("section", draft, "chung_minh"), {"bang": "nguoi_lam_chung"})
    assert ids()[2:5] == ["chung_minh", "nguoi_lam_chung", "nguoi_yeu_cau"]


def test_a_section_that_is_not_asked_leads_back_to_the_draft(citizen):
    draft = start(citizen, BIRTH)
    url = page("section", draft, "nguoi_lam_chung")

    assert citizen.get(url).url == page("draft", draft)
    assert citizen.post(url, {"rows": "1", "0-nguoi.ho_ten": "Ai đó"}).status_code == 302
    assert "nguoi_lam_chung" not in Dossier.objects.get().answers
    assert citizen.get(page("section", draft, "khong_co")).status_code == 404


def test_a_correction_from_the_check_page_comes_straight_back(citizen, an):
    draft = factories.draft(FUNERAL, owner=an)
    check = citizen.get(page("check", draft)).content.decode()
    url = page("section", draft, "dien_huong")

    response = citizen.post(f"{url}?sua=1", {"dien": "con_don_than_ngheo"})

    assert f'href="{url}?sua=1#id_dien_0"' in check
    assert f'{page("section", draft, "nguoi_mat")}?sua=1#id_noi_cu_tru.commune"' in check
    assert response.url == page("check", draft)


def test_a_correction_that_opens_a_new_question_leads_there_first(citizen, an):
    draft = factories.draft(BIRTH, owner=an)
    url = page("section", draft, "chung_minh")

    response = citizen.post(f"{url}?sua=1", {"bang": "nguoi_lam_chung"})

    assert response.url == f"{page('section', draft, 'nguoi_lam_chung')}?sua=1"


# --- Bad input ------------------------------------------------------------------------


def test_bad_input_comes_back_with_everything_typed(citizen, an):
    draft = factories.draft(FUNERAL, owner=an)
    url = page("section", draft, "nguoi_mat")
    typed = {
        "ho_ten": "Trần Văn Cụ 2",
        "ngay_sinh": "31/02/1940",
        "ngay_mat": "01/01/2030",
        "so_dinh_danh": "123",
        "noi_cu_tru.commune": "Xã Không Có Thật",
        "noi_cu_tru.detail": "Thôn “5” & 6",
    }

    response = citizen.post(url, typed)

    html = response.content.decode()
    assert response.status_code == 200
    assert title(response).startswith("Lỗi:")
    assert [anchor for anchor, _words in summary(response)] == [
        "id_ho_ten", "id_ngay_sinh", "id_so_dinh_danh", "id_ngay_mat", "id_noi_cu_tru.commune",
    ]  # fmt: skip
    for anchor, words in summary(response):
        assert html.count(words) == 2, words
        assert f'id="{anchor}"' in html
    form = response.context["form"]
    assert {name: form[name].value() for name in typed} == typed
    assert "Thôn “5” &amp; 6" in html
    assert Dossier.objects.get().answers == factories.ANSWERS[FUNERAL]
    assert Attachment.objects.count() == 1


def test_an_empty_page_asks_for_every_question_by_name(citizen):
    draft = start(citizen, FUNERAL)

    response = citizen.post(page("section", draft, "nguoi_mat"), {})

    assert [words for _anchor, words in summary(response)] == [
        "Hãy nhập: Họ, chữ đệm, tên.",
        "Hãy nhập: Ngày sinh.",
        "Hãy nhập: Ngày mất.",
        "Hãy nhập: Nơi cư trú cuối cùng – Xã, phường, đặc khu.",
    ]


def test_rows_of_a_repeated_section_come_back_as_typed(citizen, an):
    draft = factories.draft(BIRTH, owner=an)
    citizen.post(page("section", draft, "chung_minh"), {"bang": "nguoi_lam_chung"})
    url = page("section", draft, "nguoi_lam_chung")
    typed = {"rows": "2", "0-nguoi.ho_ten": "Lê Văn Một", "1-nguoi.ngay_sinh": "32/01/1990"}

    added = citizen.post(url, {**typed, "add_row": "1"})
    refused = citizen.post(url, typed)

    assert added.content.decode().count('<fieldset class="mc-row">') == 3
    assert "Lê Văn Một" in added.content.decode()
    assert title(refused).startswith("Lỗi:")
    assert 'value="32/01/1990"' in refused.content.decode()
    assert "id_1-nguoi.ngay_sinh" in dict(summary(refused))


def test_a_file_that_is_refused_leaves_the_good_ones_attached(citizen, an):
    draft = start(citizen, FUNERAL)
    citizen.post(page("section", draft, "dien_huong"), {"dien": "tu_du_80"})
    bad = SimpleUploadedFile("thôi hưởng.pdf", b"<html>", content_type="application/pdf")

    response = citizen.post(
        page("documents", draft), {"giay_chung_tu": factories.picture(), "thoi_huong": bad}
    )

    assert title(response).startswith("Lỗi:")
    assert [anchor for anchor, _words in summary(response)] == ["id_thoi_huong"]
    assert "anh.jpg" in response.content.decode()
    assert Attachment.objects.get().document == "giay_chung_tu"


def test_a_missing_paper_is_asked_for_by_its_name(citizen):
    draft = start(citizen, FUNERAL)

    response = citizen.post(page("documents", draft), {})

    assert summary(response) == [
        ("id_giay_chung_tu", "Hãy đính kèm: Bản sao giấy chứng tử hoặc giấy báo tử.")
    ]


def test_no_way_of_delivery_is_an_error_with_a_link(citizen, an):
    draft = factories.draft(FUNERAL, owner=an)

    response = citizen.post(page("check", draft), DECLARED)
    other = citizen.post(page("check", draft), {**DECLARED, "delivery": "bo_cau"})

    assert title(response).startswith("Lỗi:")
    assert summary(response) == [("id_delivery_0", "Hãy chọn cách nhận kết quả.")]
    assert other.status_code == 200
    assert Dossier.objects.get().state == Dossier.State.DRAFT


def test_an_office_that_does_not_handle_this_is_refused(citizen):
    draft = start(citizen, FUNERAL)
    url = page("office", draft)

    for office in ("", factories.DESK, "999", "' or 1=1"):
        response = citizen.post(url, {"office": office})
        assert response.status_code == 200
        assert title(response).startswith("Lỗi:")
    assert Dossier.objects.get().handling_agency is None


def test_the_chosen_office_brings_its_own_desk(citizen):
    draft = start(citizen, FUNERAL)

    citizen.post(page("office", draft), {"office": factories.COMMUNE})

    draft = Dossier.objects.get()
    assert draft.handling_agency.code == factories.COMMUNE
    assert draft.receiving_agency.code == factories.DESK


def test_what_is_missing_keeps_a_draft_from_being_filed_and_is_listed(citizen):
    draft = start(citizen, FUNERAL)

    shown = citizen.get(page("check", draft))
    posted = citizen.post(page("check", draft), {**DECLARED, "delivery": "online"})

    problems = [problem.message for problem in shown.context["problems"]]
    assert problems[0] == "Chưa chọn nơi giải quyết."
    assert any("Người đã mất" in problem for problem in problems)
    assert any("giấy chứng tử" in problem for problem in problems)
    assert "Nộp hồ sơ</button>" not in shown.content.decode()
    assert posted.status_code == 200
    assert Dossier.objects.get().state == Dossier.State.DRAFT


# --- Nothing is undone ----------------------------------------------------------------


def test_two_open_tabs_do_not_undo_each_other(citizen, an):
    draft = start(citizen, FUNERAL)
    other = Client()
    other.force_login(an)
    first, second = page("section", draft, "nguoi_mat"), page("section", draft, "nhan_tien")
    citizen.get(first)
    other.get(second)

    citizen.post(first, factories.posted(FUNERAL, "nguoi_mat"))
    other.post(second, factories.posted(FUNERAL, "nhan_tien"))

    answers = Dossier.objects.get().answers
    assert answers["nguoi_mat"] == factories.ANSWERS[FUNERAL]["nguoi_mat"]
    assert answers["nhan_tien"] == factories.ANSWERS[FUNERAL]["nhan_tien"]


def test_a_page_that_was_read_before_another_was_saved_undoes_nothing(an):
    draft = factories.draft(FUNERAL, owner=an)
    first, second = Dossier.objects.get(pk=draft.pk), Dossier.objects.get(pk=draft.pk)

    filing.save_answers(first, "dien_huong", {"dien": "bat_kha_khang"})
    filing.save_answers(second, "nhan_tien", {"cach": "tien_mat"})

    assert Dossier.objects.get().answers["dien_huong"] == {"dien": "bat_kha_khang"}


def test_what_another_tab_changed_is_read_again_before_filing(citizen, an):
    draft = factories.draft(FUNERAL, owner=an)
    seen = citizen.get(page("check", draft)).context["seen"]
    citizen.post(page("section", draft, "dien_huong"), {"dien": "bat_kha_khang"})

    stale = citizen.post(page("check", draft), {**DECLARED, "delivery": "online", "seen": seen})
    again = citizen.post(
        page("check", draft), {**DECLARED, "delivery": "online", "seen": stale.context["seen"]}
    )

    assert "Hồ sơ đã thay đổi" in stale.content.decode()
    assert again.status_code == 302
    assert Dossier.objects.get().state == Dossier.State.SUBMITTED


def test_a_newer_revision_keeps_the_answers_that_fit_and_says_so(citizen, an):
    draft = factories.draft(FUNERAL, owner=an)
    seen = citizen.get(page("check", draft)).context["seen"]
    newer = factories.newer_revision(
        FUNERAL, "tien_mat: Nhận tiền mặt tại xã", "tien_mat_tai_quay: Nhận tiền mặt tại quầy"
    )

    response = citizen.post(page("check", draft), {**DECLARED, "delivery": "online", "seen": seen})

    draft = Dossier.objects.get()
    assert "Thủ tục vừa có bản mới" in response.content.decode()
    assert draft.state == Dossier.State.DRAFT
    assert draft.revision == newer.current
    assert draft.answers == {**factories.ANSWERS[FUNERAL], "nhan_tien": {}}
    assert [problem.message for problem in response.context["problems"]] == [
        "Chưa điền xong phần “Cách nhận tiền”."
    ]
    assert draft.attachments.count() == 1


def test_a_question_that_becomes_another_kind_never_breaks_the_page(citizen, an):
    draft = factories.draft(FUNERAL, owner=an)
    factories.newer_revision(
        FUNERAL,
        "{id: quan_he, type: text, label: Quan hệ với người mất",
        "{id: quan_he, type: address, label: Quan hệ với người mất",
    )

    response = citizen.get(page("section", draft, "nguoi_dung_ra"))

    assert response.status_code == 200
    assert "quan_he" not in Dossier.objects.get().answers["nguoi_dung_ra"]


@pytest.mark.parametrize(
    ("changed", "code"),
    [({"cha_me": "nhan_con"}, "1.000689"), ({"nuoc_ngoai": "yes"}, "2.000528")],
)
def test_a_case_of_another_procedure_is_told_at_once_and_not_filed(citizen, an, changed, code):
    draft = factories.draft(BIRTH, owner=an)
    case = {**factories.posted(BIRTH, "truong_hop"), **changed}

    response = citizen.post(page("section", draft, "truong_hop"), case)
    citizen.post(page("check", draft), {**DECLARED, "delivery": "online"})

    assert "Trường hợp này làm thủ tục khác" in title(response)
    assert code in response.content.decode()
    assert Dossier.objects.get().state == Dossier.State.DRAFT
    assert Dossier.objects.get().answers["truong_hop"]["cha_me"] == case["cha_me"]


def test_filing_twice_gives_one_code_and_leads_to_the_dossier(citizen, an):
    draft = factories.draft(FUNERAL, owner=an)

    first = citizen.post(page("check", draft), {**DECLARED, "delivery": "online"})
    second = citizen.post(page("check", draft), {"delivery": "counter"})
    looked = citizen.get(page("check", draft))

    dossier = Dossier.objects.get()
    assert first.url == reverse("dossiers:filed", args=[dossier.code])
    assert second.url == looked.url == first.url
    assert dossier.delivery == "online"
    assert dossier.events.count() == 1


def test_what_the_form_does_not_ask_cannot_be_set_by_posting_it(citizen, an):
    draft = factories.draft(FUNERAL, owner=an)
    other = factories.user()
    before = Dossier.objects.filter(pk=draft.pk).values().get()
    forged = {
        name: "7"
        for name in before
        if name not in {"answers", "delivery"}
    } | {"owner": other.pk, "owner_id": other.pk, "state": "returned", "answers": "{}"}  # fmt: skip

    citizen.post(
        page("section", draft, "dien_huong"),
        {**forged, "dien": "tu_du_80", "nguoi_mat.ho_ten": "Kẻ Khác"},
    )

    after = Dossier.objects.filter(pk=draft.pk).values().get()
    assert after.pop("answers")["nguoi_mat"] == before.pop("answers")["nguoi_mat"]
    assert {**after, "updated_at": None} == {**before, "updated_at": None}


def test_a_draft_is_thrown_away_with_its_files_after_asking(
    citizen, an, django_capture_on_commit_callbacks
):
    draft = factories.draft(FUNERAL, owner=an)
    file = draft.attachments.get().file

    assert "sẽ mất hẳn" in citizen.get(page("discard", draft)).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        response = citizen.post(page("discard", draft))

    assert response.url == reverse("dossiers:mine")
    assert not Dossier.objects.exists()
    assert not file.storage.exists(file.name)


def test_a_filed_dossier_is_not_thrown_away_through_its_old_page(citizen, an):
    dossier = factories.filed(FUNERAL, owner=an)
    file = dossier.attachments.get().file

    response = citizen.post(page("discard", dossier))

    assert response.url == dossier.get_absolute_url()
    assert file.storage.exists(file.name)


def test_a_file_is_removed_before_filing_and_not_after(
    citizen, an, django_capture_on_commit_callbacks
):
    draft = factories.draft(FUNERAL, owner=an)
    row = draft.attachments.get()
    with django_capture_on_commit_callbacks(execute=True):
        citizen.post(reverse("dossiers:remove_attachment", args=[row.key]))
    filed = factories.filed(FUNERAL, owner=an)
    kept = filed.attachments.get()

    response = citizen.post(reverse("dossiers:remove_attachment", args=[kept.key]))

    assert not row.file.storage.exists(row.file.name)
    assert response.status_code == 404
    assert Attachment.objects.get() == kept


# --- After filing ---------------------------------------------------------------------


def asked_for_supplement(owner) -> tuple[Dossier, factories.Office]:
    office = factories.Office()
    dossier = factories.filed(FUNERAL, owner=owner)
    dossier = workflow.perform(
        dossier, "request_supplement", by=office.reception, items="Chụp lại mặt sau",
        documents=["giay_chung_tu"], reason="Ảnh mờ",
    )  # fmt: skip
    return dossier, office


def test_a_supplement_is_answered_with_what_was_asked(citizen, an):
    dossier, _office = asked_for_supplement(an)
    url = reverse("dossiers:supplement", args=[dossier.code])
    paper = reverse("dossiers:supplement_paper", args=[dossier.code, "giay_chung_tu"])

    shown = citizen.get(url).content.decode()
    without = citizen.post(url, {"send": "1", "answer": "Tôi gửi sau"})
    added = citizen.post(paper, {"add": "1", "giay_chung_tu": factories.picture("#111111")})
    listed = citizen.get(added.url).content.decode()
    sent = citizen.post(url, {"send": "1", "answer": "Đây ạ"})

    assert "Chụp lại mặt sau" in shown
    assert "Ảnh mờ" in shown
    assert "Còn việc chưa làm" in without.content.decode()
    assert "Tôi gửi sau" in without.content.decode()
    assert "anh.jpg" in listed
    assert sent.url == dossier.get_absolute_url()
    dossier = Dossier.objects.get()
    assert dossier.state == Dossier.State.SUBMITTED
    assert dossier.supplement_requests.get().answer == "Đây ạ"
    assert citizen.get(url).url == dossier.get_absolute_url()


def test_a_bad_file_in_a_supplement_loses_neither_words_nor_other_files(citizen, an):
    dossier, _office = asked_for_supplement(an)

    response = citizen.post(
        reverse("dossiers:supplement_paper", args=[dossier.code, "giay_chung_tu"]),
        {
            "explanation": "Lời của tôi",
            "giay_chung_tu": [
                factories.picture("#111111"), SimpleUploadedFile("x.exe", b"MZ\x90"),
            ],
        },
    )  # fmt: skip

    assert title(response).startswith("Lỗi:")
    assert summary(response)[0][0] == "id_giay_chung_tu"
    assert "Lời của tôi" in response.content.decode()
    assert "anh.jpg" in response.content.decode()
    assert Dossier.objects.get().state == Dossier.State.SUPPLEMENT_REQUIRED


def test_the_draft_of_the_result_is_agreed_to_or_objected_to(citizen, an):
    office = factories.Office()
    dossier = office.processing(factories.filed(BIRTH, owner=an))
    workflow.perform(dossier, "send_draft", by=office.officer, draft="Họ tên: KHÔI")
    url = reverse("dossiers:draft_result", args=[dossier.code])

    shown = citizen.get(url)
    nothing = citizen.post(url, {"object": "1", "reason": " "})
    objected = citizen.post(url, {"object": "1", "reason": "Sai dấu"})

    assert "Họ tên: KHÔI" in shown.content.decode()
    assert "Hãy ghi những chỗ cần sửa" in nothing.content.decode()
    assert objected.url == dossier.get_absolute_url()
    assert "Đã gửi những chỗ sai" in citizen.get(objected.url).content.decode()
    assert Dossier.objects.get().state == Dossier.State.PROCESSING

    workflow.perform(Dossier.objects.get(), "send_draft", by=office.officer, draft="Minh Khôi")
    citizen.post(url, {"agree": "1"})
    assert Dossier.objects.get().confirmed_at is not None


def test_a_dossier_is_withdrawn_after_asking_and_only_once(citizen, an):
    dossier = factories.filed(FUNERAL, owner=an)
    url = reverse("dossiers:withdraw", args=[dossier.code])

    asked = citizen.get(url)
    unchanged = Dossier.objects.get().state
    done = citizen.post(url, {"reason": "Đổi ý"})
    again = citizen.post(url, {"reason": "Đổi ý"}, follow=True)

    assert "Rút hồ sơ này?" in asked.content.decode()
    assert unchanged == Dossier.State.SUBMITTED
    assert done.url == dossier.get_absolute_url()
    assert Dossier.objects.get().state == Dossier.State.WITHDRAWN
    assert "không rút được nữa" in again.content.decode()


@pytest.mark.parametrize("version", ["0", "٣", "-1", "9" * 5000, "x"])
def test_an_old_or_made_up_version_changes_nothing_it_should_not(citizen, an, version):
    dossier = factories.filed(FUNERAL, owner=an)

    response = citizen.post(
        reverse("dossiers:withdraw", args=[dossier.code]), {"version": version}, follow=True
    )

    assert response.status_code == 200
    if version == "0":
        assert "Hồ sơ đã thay đổi" in response.content.decode()
        assert Dossier.objects.get().state == Dossier.State.SUBMITTED


# --- Other people's -------------------------------------------------------------------


def draft_addresses(key: str) -> list[str]:
    names = ("draft", "office", "documents", "check", "discard")
    pages = [reverse(f"dossiers:{name}", args=[key]) for name in names]
    return [*pages, reverse("dossiers:section", args=[key, "nguoi_mat"])]


def dossier_addresses(code: str) -> list[str]:
    names = ("detail", "filed", "supplement", "draft_result", "withdraw")
    pages = [reverse(f"dossiers:{name}", args=[code]) for name in names]
    return [*pages, reverse("payments:start", args=[code])]


def body(response) -> str:
    """The page without its token and its own address."""
    html = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.content.decode())
    return html.replace(response.request["PATH_INFO"], "")


@pytest.mark.parametrize("method", ["get", "post"])
def test_what_is_another_persons_looks_like_what_is_not_there(client, an, method):
    draft = factories.draft(FUNERAL, owner=an)
    dossier = factories.filed(FUNERAL, owner=an)
    file, paper = dossier.attachments.get(), dossier.papers.first()
    paper.file = "papers/x.pdf"
    paper.save()
    loose = draft.attachments.get()
    client.force_login(factories.user())
    nothing = "a" * 22
    no_code = f"{dossier.code[:-4]}9999"

    pairs = [
        *zip(draft_addresses(draft.key), draft_addresses(nothing), strict=True),
        *zip(dossier_addresses(dossier.code), dossier_addresses(no_code), strict=True),
        (f"/ho-so/tep/{file.key}/", f"/ho-so/tep/{nothing}/"),
        (f"/ho-so/tep/{loose.key}/xoa/", f"/ho-so/tep/{nothing}/xoa/"),
        (f"/ho-so/giay/{paper.token}/", f"/ho-so/giay/{nothing}/"),
    ]
    for theirs, missing in pairs:
        data = {**DECLARED, "delivery": "online", "dien": "tu_du_80", "agree": "1", "send": "1"}
        refused = getattr(client, method)(theirs, data if method == "post" else {})
        unknown = getattr(client, method)(missing, data if method == "post" else {})
        assert refused.status_code == unknown.status_code, theirs
        assert refused.status_code in {404, 405}, theirs
        assert body(refused) == body(unknown), theirs
    assert Dossier.objects.get(pk=draft.pk).answers == factories.ANSWERS[FUNERAL]
    assert Dossier.objects.get(pk=dossier.pk).state == Dossier.State.SUBMITTED
    assert Attachment.objects.count() == 2


def test_a_stranger_is_sent_to_the_login_from_every_page(client, an):
    draft = factories.draft(FUNERAL, owner=an)
    dossier = factories.filed(FUNERAL, owner=an)

    for url in [*draft_addresses(draft.key), *dossier_addresses(dossier.code)]:
        assert client.get(url).url.startswith(reverse("account_login"))
        assert client.post(url).url.startswith(reverse("account_login"))


@pytest.mark.parametrize(
    "url",
    [
        "/ho-so/nhap/%00/", "/ho-so/nhap/%ED%A0%80/", "/ho-so/tep/%00%00/", "/ho-so/giay/x%00/",
        "/ho-so/ket-qua/%E2%80%AE/", "/xac-thuc/%00/", "/xac-thuc/?ma=%00", "/tra-cuu/?ma=%00",
        "/ho-so/?trang=%00", "/ho-so/?trang=" + "9" * 5000, "/ho-so/moi/1.%00/",
    ],
)  # fmt: skip
def test_odd_characters_in_an_address_never_reach_the_database(citizen, url):
    assert citizen.get(url).status_code in {200, 404}


# --- GET changes nothing, POST needs a token ------------------------------------------


def everything_of(person) -> list[str]:
    """The addresses of a person with dossiers in the states that have pages of their own."""
    draft = factories.draft(FUNERAL, owner=person)
    asked, office = asked_for_supplement(person)
    filed = factories.filed(FUNERAL, owner=person)
    copy = factories.filed(COPY, owner=person)
    checking = office.processing(factories.filed(BIRTH, owner=person))
    checking = workflow.perform(checking, "send_draft", by=office.officer, draft="Bản dự thảo")
    stopped = workflow.perform(
        factories.filed(FUNERAL, owner=person), "withdraw", by=person, reason="Thôi"
    )
    sections = [row.id for row in draft.revision.form.sections]
    codes = [row.code for row in (asked, filed, copy, checking, stopped)]
    return [
        *draft_addresses(draft.key),
        *(reverse("dossiers:section", args=[draft.key, section]) for section in sections),
        *(address for code in codes for address in dossier_addresses(code)),
        reverse("dossiers:mine"),
        reverse("dossiers:start", args=[FUNERAL]),
        reverse("dossiers:attachment", args=[filed.attachments.get().key]),
        reverse("dossiers:track"),
        reverse("dossiers:verify"),
        reverse("dossiers:verify_token", args=[filed.papers.first().token]),
    ]


def checksum() -> str:
    """Of every row that means something; sessions and caches are not the portal's memory."""
    ours = {"portal", "procedures", "dossiers", "payments", "django_tasks_db"}
    rows = [
        [model._meta.label, [_unread(row) for row in model.objects.order_by("pk").values()]]
        for model in apps.get_models()
        if model._meta.app_label in ours
    ]
    return hashlib.sha256(json.dumps(rows, default=str).encode()).hexdigest()


def _unread(row: dict) -> dict:
    """Without when a notice or a message was first read: looking is what sets it."""
    return {name: value for name, value in row.items() if name != "read_at"}


def test_looking_at_pages_changes_nothing(citizen, an):
    addresses = everything_of(an)
    before = checksum()

    for url in addresses:
        response = citizen.get(url)
        assert response.status_code in {200, 302}, url
        if response.streaming:
            assert b"".join(response.streaming_content)
        else:
            assert citizen.head(url).status_code in {200, 302, 405}, url

    assert checksum() == before


def test_no_post_is_taken_without_its_token(an):
    addresses = everything_of(an)
    citizen = Client(enforce_csrf_checks=True)
    citizen.force_login(an)
    before = checksum()

    for url in addresses:
        assert citizen.post(url, {**DECLARED, "delivery": "online"}).status_code in {403, 405}, url
    file = Attachment.objects.filter(submitted_at=None).first()
    assert citizen.post(f"/ho-so/tep/{file.key}/xoa/").status_code == 403

    assert checksum() == before


# --- Whatever people send -------------------------------------------------------------

CANARY = "<img src=x onerror=alert(1)>\"'{{ 7|add:7 }}"


def test_nothing_that_people_write_becomes_part_of_a_page(citizen, an):
    an.full_name = CANARY
    an.save()
    addresses = everything_of(an)
    for dossier in Dossier.objects.all():
        answers = json.loads(json.dumps(dossier.answers))
        for section in dossier.revision.form.sections:
            for path, field in walk(section.fields):
                row = answers.get(section.id)
                if isinstance(row, dict) and field.type in {"text", "name"} and "." not in path:
                    row[path] = CANARY
        Dossier.objects.filter(pk=dossier.pk).update(answers=answers, draft_result=CANARY)
        dossier.attachments.update(name=CANARY)
        dossier.supplement_requests.update(reason=CANARY, items=[CANARY], answer=CANARY)
        for event in dossier.events.select_related("note"):
            if hasattr(event, "note"):
                type(event.note).objects.filter(pk=event.note.pk).update(text=CANARY)

    shown = [citizen.get(url).content.decode() for url in addresses if "/tep/" not in url]

    assert not any("<img src=x" in html for html in shown)
    assert not any("onerror=alert(1)>" in html for html in shown)
    assert sum("&lt;img src=x" in html for html in shown) > 10
    assert not any("7|add:7" not in html and "&lt;img src=x" in html for html in shown)


def test_two_spellings_of_one_name_are_kept_as_one(citizen, an):
    draft = factories.draft(FUNERAL, owner=an)
    typed = {
        **factories.posted(FUNERAL, "nguoi_mat"),
        "ho_ten": unicodedata.normalize("NFD", "Nguyễn Thị Hoà\u202e"),
    }

    citizen.post(page("section", draft, "nguoi_mat"), typed)

    assert Dossier.objects.get().answers["nguoi_mat"]["ho_ten"] == "Nguyễn Thị Hoà"


NASTY = st.one_of(
    st.text(alphabet=st.characters(), max_size=60),
    st.sampled_from(
        [
            "\x00", "a\x00b", "\ud800", "hồ sơ\u202efdp.exe", "e\u0302\u0301", "x" * 5000,
            "9" * 401, "1e400", "NaN", "Infinity", "-0", "\r\nSet-Cookie: x=1", "%00", "'; --",
            "\ufeff", "٣١/١٢/٢٠٢٠", "{{ 7|add:7 }}", "<script>", "31/02/2026", "\u2028",
        ]
    ),
)  # fmt: skip


def urlencoded(pairs: list[tuple[str, str]]) -> str:
    return "&".join(
        f"{quote(name.encode('utf-8', 'surrogatepass'))}"
        f"={quote(value.encode('utf-8', 'surrogatepass'))}"
        for name, value in pairs
    )


@pytest.mark.both_databases
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_whatever_is_posted_to_a_section_is_answered_with_a_page(client, data):
    person = factories.user()
    client.force_login(person)
    draft = factories.draft(BIRTH, owner=person)
    extra = data.draw(st.lists(st.tuples(NASTY, NASTY), max_size=3))

    for section in draft.revision.form.sections:
        names = [path for path, _field in walk(section.fields)]
        names += [f"{name}.commune" for name in names] + [f"0-{name}" for name in names]
        pairs = [(name, data.draw(NASTY)) for name in names] + extra
        for name in ("rows", "remove_row", "add_row"):
            pairs += [(name, data.draw(NASTY))] if data.draw(st.booleans()) else []
        response = client.post(
            page("section", draft, section.id),
            urlencoded(pairs),
            content_type="application/x-www-form-urlencoded",
        )
        assert response.status_code in {200, 302, 400, 404}


@pytest.mark.both_databases
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(words="a\x00b", name="\ud800")
@given(words=NASTY, name=NASTY)
def test_whatever_is_written_to_the_office_is_kept_or_refused(client, words, name):
    person = factories.user()
    client.force_login(person)
    dossier, _office = asked_for_supplement(person)
    url = reverse("dossiers:supplement", args=[dossier.code])
    client.post(url, {"add": "1", "giay_chung_tu": factories.picture("#111111")})

    for address, field in (
        (url, "answer"),
        (reverse("dossiers:withdraw", args=[dossier.code]), "reason"),
        (reverse("dossiers:track"), "code"),
        (page("office", factories.draft(FUNERAL, owner=person)), "office"),
    ):
        response = client.post(
            address,
            urlencoded([(field, words), ("secret", name), ("send", "1"), ("version", words)]),
            content_type="application/x-www-form-urlencoded",
        )
        assert response.status_code in {200, 302, 429}


# --- At the same moment (PostgreSQL) --------------------------------------------------


def at_once(*calls: Callable[[], object]) -> list:
    """What each call returned or raised, when all start together in threads of their own."""
    start = threading.Barrier(len(calls))

    def run(call):
        try:
            start.wait(timeout=10)
            return call()
        except ValidationError as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


@pytest.fixture
def slow_filing(monkeypatch):
    """Filing that takes its time between the lock and the writing."""
    action = workflow.ACTIONS["submit"]

    def run(move):
        action.run(move)
        time.sleep(0.4)

    monkeypatch.setitem(workflow.ACTIONS, "submit", dataclasses.replace(action, run=run))


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_clicking_several_times_at_once_files_once_and_leads_to_one_dossier(an, slow_filing):
    draft = factories.draft(FUNERAL, owner=an)
    clicks = []
    for _click in range(4):
        clicking = Client()
        clicking.force_login(an)
        clicks.append(
            partial(clicking.post, page("check", draft), {**DECLARED, "delivery": "online"})
        )

    answers = at_once(*clicks)

    dossier = Dossier.objects.get()
    assert {answer.status_code for answer in answers} == {302}
    assert all(dossier.code in answer.url for answer in answers)
    assert dossier.events.count() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_file_that_arrives_while_filing_is_filed_too_or_refused(an, slow_filing):
    draft = factories.draft(FUNERAL, owner=an)

    def send():
        time.sleep(0.2)
        return attachments.store(draft, "khac", factories.picture("#555555"), by=an)

    _filed, sent = at_once(partial(workflow.perform, draft, "submit", by=an), send)

    assert isinstance(sent, ValidationError)
    assert not Attachment.objects.filter(submitted_at=None).exists()


def test_a_case_that_only_the_counter_can_take_is_not_filed(client, tmp_path):
    stop = "stop_online: [{when: nhan_tien.cach = tien_mat, text: Nhận tiền mặt.}]\n\nchannels:"
    factories.altered_procedure(tmp_path, factories.FUNERAL, ("channels:", stop))
    draft = factories.draft(factories.FUNERAL)
    client.force_login(draft.owner)
    address = reverse("dossiers:check", args=[draft.key])

    page = client.get(address).content.decode()
    client.post(address, {**DECLARED, "delivery": "online"})

    assert "chưa nộp trực tuyến được: Nhận tiền mặt." in page
    assert Dossier.objects.get(pk=draft.pk).state == Dossier.State.DRAFT
