"""A form that was filled in at home as a PDF becomes a draft."""

import copy

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from dossiers import filing, filledforms
from dossiers.models import Dossier
from procedures.formspec import acroform
from procedures.formspec.paperform import blank_pdf
from tests import factories
from tests.procedures.filling import fill, values_for
from tests.procedures.test_papers import words

pytestmark = pytest.mark.django_db

ANSWERS = {
    name: given
    for name, given in factories.ANSWERS[factories.FUNERAL].items()
    if name != "cam_doan"
}


@pytest.fixture
def procedure():
    return factories.procedure(factories.FUNERAL)


@pytest.fixture
def citizen(client):
    person = factories.user()
    client.force_login(person)
    return person


def address(procedure) -> str:
    return reverse("dossiers:read_pdf", args=[procedure.code])


def pdf_of(procedure, answers=None, **values: str) -> SimpleUploadedFile:
    form = procedure.current.form
    typed = values_for(form, ANSWERS if answers is None else answers) | {
        name.replace("__", "."): text for name, text in values.items()
    }
    content = fill(blank_pdf(procedure.current), typed)
    return SimpleUploadedFile("don-da-dien.pdf", content, content_type="application/pdf")


def text_of(response) -> str:
    return " ".join(response.content.decode().split())


def send(client, procedure, file, **data):
    return client.post(address(procedure), {"tep": file, **data}, follow=True)


def test_a_stranger_is_asked_to_log_in_and_comes_back(client, procedure):
    for response in (client.get(address(procedure)), client.post(address(procedure))):
        assert response.status_code == 302
        assert response.headers["Location"].startswith(reverse("account_login"))
        assert address(procedure) in response.headers["Location"]


def test_a_post_without_a_token_is_refused(procedure):
    client = Client(enforce_csrf_checks=True)
    client.force_login(factories.user())

    response = client.post(address(procedure), {"tep": pdf_of(procedure)})

    assert response.status_code == 403
    assert not Dossier.objects.exists()


def test_the_page_says_how_large_the_file_may_be(client, citizen, procedure):
    page = text_of(client.get(address(procedure)))

    assert "tối đa 5 MB" in page
    assert 'enctype="multipart/form-data"' in page


def test_what_was_filled_in_becomes_a_draft(client, citizen, procedure):
    response = send(client, procedure, pdf_of(procedure))

    draft = Dossier.objects.get()
    assert (draft.owner, draft.state) == (citizen, Dossier.State.DRAFT)
    assert draft.answers == ANSWERS
    assert response.redirect_chain[-1][0] == reverse("dossiers:pdf_read", args=[draft.key])
    page = text_of(response)
    assert "Hồ sơ chưa nộp" in page
    assert "Trần Văn Cụ" in page
    assert reverse("dossiers:section", args=[draft.key, "nguoi_mat"]) in page


def test_a_new_draft_follows_the_file_rather_than_the_profile(client, citizen, procedure):
    citizen.full_name = "Tên Trong Tài Khoản"
    citizen.save()

    send(client, procedure, pdf_of(procedure))

    name = Dossier.objects.get().answers["nguoi_dung_ra"]["nguoi"]["ho_ten"]
    assert name == "Trần Thị Bình"


def test_what_could_not_be_read_is_said_with_its_place(client, citizen, procedure):
    answers = copy.deepcopy(ANSWERS)
    del answers["nguoi_mat"]["ngay_mat"]

    response = send(client, procedure, pdf_of(procedure, answers, nguoi_mat__ngay_mat="31/02/2026"))

    page = text_of(response)
    assert "Chưa lấy được" in page
    assert "“31/02/2026”" in page
    assert "Không có ngày 31/02/2026 trong lịch" in page
    assert "ngay_mat" not in Dossier.objects.get().answers["nguoi_mat"]


def test_a_draft_is_completed_and_keeps_its_own_answers(client, citizen, procedure):
    draft = filing.start(procedure, by=citizen)
    draft.answers = {"nguoi_mat": {"ho_ten": "Trần Văn Khác"}}
    draft.save()

    response = send(client, procedure, pdf_of(procedure), ban_nhap=draft.key)

    draft = Dossier.objects.get()
    assert draft.answers["nguoi_mat"]["ho_ten"] == "Trần Văn Khác"
    assert draft.answers["nguoi_mat"]["ngay_mat"] == ANSWERS["nguoi_mat"]["ngay_mat"]
    page = text_of(response)
    assert "Bản nháp và tệp khác nhau" in page
    assert "Bản nháp: Trần Văn Khác<br>Trong tệp: Trần Văn Cụ" in page


@pytest.mark.parametrize("own", [[], None])
def test_rows_of_the_file_fill_a_part_that_has_none(citizen, own):
    procedure = factories.procedure(factories.BIRTH)
    draft = filing.start(procedure, by=citizen)
    draft.answers = {"chung_minh": {"bang": "nguoi_lam_chung"}, "nguoi_lam_chung": own}
    draft.save()
    rows = [{"nguoi": {"ho_ten": "Hồ Thị Mệ"}}]
    reading = acroform.Reading(procedure.current, {"nguoi_lam_chung": rows})

    taken = filledforms.complete(draft, reading)

    assert Dossier.objects.get().answers["nguoi_lam_chung"] == rows
    assert (taken.count, taken.kept) == (1, [])


def test_the_same_file_twice_changes_nothing(client, citizen, procedure):
    send(client, procedure, pdf_of(procedure))
    draft = Dossier.objects.get()

    response = send(client, procedure, pdf_of(procedure), ban_nhap=draft.key)

    assert Dossier.objects.get().answers == draft.answers
    page = text_of(response)
    assert "Tệp không có câu trả lời nào mà bản nháp chưa có" in page
    assert "khác nhau" not in page


def test_an_answer_that_the_file_rules_out_is_said_to_be_gone(client, citizen, procedure):
    draft = filing.start(procedure, by=citizen)
    draft.answers = {"nguoi_dung_ra": {"quan_he": "hàng xóm"}}
    draft.save()
    by_an_office = {"nguoi_dung_ra": {"tu_cach": "co_quan", "ten_co_quan": "Hội Người cao tuổi"}}

    response = send(client, procedure, pdf_of(procedure, by_an_office), ban_nhap=draft.key)

    assert Dossier.objects.get().answers == by_an_office
    page = text_of(response)
    assert "Đã bỏ khỏi bản nháp" in page
    assert "<dd>hàng xóm</dd>" in page


def test_somebody_elses_draft_is_not_touched(client, citizen, procedure):
    theirs = filing.start(procedure, by=factories.user())

    response = send(client, procedure, pdf_of(procedure), ban_nhap=theirs.key)

    assert "hãy chọn lại" in text_of(response)
    theirs.refresh_from_db(fields=["answers"])
    assert "nguoi_mat" not in theirs.answers
    assert Dossier.objects.count() == 1


def test_the_report_is_for_the_owner_alone(client, citizen, procedure):
    send(client, procedure, pdf_of(procedure))
    page = reverse("dossiers:pdf_read", args=[Dossier.objects.get().key])
    stranger = Client()
    stranger.force_login(factories.user())

    assert client.get(page).status_code == 200
    assert stranger.get(page).status_code == 404


def test_without_a_report_the_draft_is_shown(client, citizen, procedure):
    draft = filing.start(procedure, by=citizen)

    response = client.get(reverse("dossiers:pdf_read", args=[draft.key]))

    assert response.headers["Location"] == reverse("dossiers:draft", args=[draft.key])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"%PDF-1.7 broken", "bị hỏng"),
        (b"<html></html>", "không phải tệp PDF"),
        (factories.pdf().read(), "không có ô điền"),
        (b"%PDF-" + b"x" * (acroform.MAX_MB * 1024 * 1024), "lớn hơn 5 MB"),
    ],
)
def test_a_file_that_is_something_else_makes_no_draft(client, citizen, procedure, content, words):
    file = SimpleUploadedFile("x.pdf", content)

    page = text_of(send(client, procedure, file))

    assert words in page
    assert "<title>Lỗi:" in page
    assert not Dossier.objects.exists()


def test_no_file_at_all_is_said(client, citizen, procedure):
    assert "Hãy chọn tệp PDF đã điền" in text_of(client.post(address(procedure)))


def test_a_file_in_which_nothing_can_be_used_makes_no_draft(client, citizen, procedure):
    page = text_of(send(client, procedure, pdf_of(procedure, {}, nguoi_mat__ngay_mat="hôm kia")))

    assert "Không có câu trả lời nào trong tệp dùng được" in page
    assert "“hôm kia”" in page
    assert not Dossier.objects.exists()


def test_the_form_of_another_procedure_leads_to_its_own_page(client, citizen, procedure):
    other = factories.procedure(factories.LAND_DISPUTE)
    file = SimpleUploadedFile("x.pdf", blank_pdf(other.current))

    page = text_of(send(client, procedure, file))

    assert other.current.short_name in page
    assert address(other) in page


def test_level_two_is_checked_and_nothing_is_kept(client, citizen):
    procedure = factories.procedure(factories.LAND_DISPUTE)
    file = pdf_of(procedure, {}, thua_dat__so_thua="12", nguoi_yeu_cau__nguoi__ngay_sinh="x")

    response = send(client, procedure, file)

    page = text_of(response)
    assert response.redirect_chain == []
    assert "Thửa đất số" in page
    assert "Nội dung tranh chấp – Sự việc như thế nào" in page
    assert "Hãy nhập ngày, tháng, năm bằng số" in page
    assert "Cổng không lưu tệp" in page
    assert not Dossier.objects.exists()
    assert "filled_form" not in client.session


def test_level_one_has_no_form_to_read(client, citizen):
    procedure = factories.procedure(factories.SIGNATURE)

    assert client.get(address(procedure)).status_code == 404


def test_markup_in_the_file_is_shown_as_typed(client, citizen, procedure):
    nasty = "<script>alert(1)</script>"

    page = send(client, procedure, pdf_of(procedure, nguoi_mat__ho_ten=nasty)).content.decode()

    assert nasty not in page
    assert "&lt;script&gt;" in page


def test_a_draft_of_an_older_revision_is_renewed_first(client, citizen, procedure):
    draft = filing.start(procedure, by=citizen)
    newer = factories.newer_revision(factories.FUNERAL, "Nơi cư trú cuối cùng", "Nơi ở cuối cùng")

    send(client, newer, pdf_of(newer), ban_nhap=draft.key)

    draft = Dossier.objects.get()
    assert draft.revision == newer.current
    assert draft.answers["nguoi_mat"] == ANSWERS["nguoi_mat"]


def test_who_uploads_without_end_is_asked_to_wait(client, citizen, procedure):
    for _number in range(10):
        client.post(address(procedure))

    assert "tải lên quá nhanh" in text_of(client.post(address(procedure)))


def test_the_page_to_start_leads_here(client, citizen, procedure):
    page = text_of(client.get(reverse("dossiers:start", args=[procedure.code])))

    assert address(procedure) in page


# --- Papers that others sign ----------------------------------------------------------


@pytest.fixture
def birth(citizen) -> Dossier:
    """A draft whose birth was seen by a witness."""
    draft = filing.start(factories.procedure(factories.BIRTH), by=citizen)
    draft.answers = {
        "truong_hop": {"cha_me": "da_ket_hon"},
        "chung_minh": {"bang": "nguoi_lam_chung"},
        "nguoi_lam_chung": [{"nguoi": {"ho_ten": "Hồ Thị Mệ"}}],
    }
    draft.save()
    return draft


def paper_of(draft: Dossier, document: str = "vb_lam_chung") -> str:
    return reverse("dossiers:printed_paper", args=[draft.key, document])


def test_the_paper_of_the_witness_is_printed_from_the_answers(client, birth):
    page = text_of(client.get(reverse("dossiers:documents", args=[birth.key])))
    response = client.get(paper_of(birth))

    assert paper_of(birth) in page
    assert response.headers["Content-Type"] == "application/pdf"
    assert "no-store" in response.headers["Cache-Control"]
    text = words(b"".join(response.streaming_content))
    assert "VĂN BẢN CỦA NGƯỜI LÀM CHỨNG VỀ VIỆC SINH" in text
    assert "Kèm hồ sơ: Đăng ký khai sinh" in text
    assert "Họ, chữ đệm, tên: Hồ Thị Mệ" in text
    assert "NGƯỜI LÀM CHỨNG (Ký, ghi rõ họ, chữ đệm, tên) Hồ Thị Mệ" in text


def test_the_paper_is_for_the_owner_alone(birth):
    stranger = Client()
    stranger.force_login(factories.user())

    assert stranger.get(paper_of(birth)).status_code == 404


def test_a_paper_that_is_not_printed_is_not_found(client, birth):
    assert client.get(paper_of(birth, "giay_chung_sinh")).status_code == 404
