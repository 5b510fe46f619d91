"""What the procedures of business, support, land and schools say of each person's case."""

from __future__ import annotations

import datetime
import json
import lzma
from types import SimpleNamespace

import pytest
from django.conf import settings

from dossiers import results
from procedures.fees import blocks_online_filing, fee_lines, total
from procedures.formspec import conditions
from procedures.formspec.spec import Form
from procedures.formspec.webform import SectionForm
from procedures.loading.checking import check_files
from procedures.loading.saving import publish, save_draft
from procedures.loading.schema import ProcedureSpec
from procedures.models import Procedure
from tests import factories

FOLDER = settings.BASE_DIR / "fixtures" / "procedures"
NATIONAL = settings.BASE_DIR.parent / "shared" / "data" / "national" / "procedures.jsonl.xz"
FILED = datetime.datetime(2026, 11, 24, 9, tzinfo=datetime.UTC)

FILES = {
    "1.001612": "dang-ky-ho-kinh-doanh",
    "2.000720": "thay-doi-dang-ky-ho-kinh-doanh",
    "1.001570": "tam-ngung-ho-kinh-doanh",
    "1.001266": "cham-dut-ho-kinh-doanh",
    "1.013855": "giay-chung-nhan-an-toan-thuc-pham",
    "1.001731": "ho-tro-chi-phi-mai-tang",
    "1.001776": "tro-cap-xa-hoi-hang-thang",
    "1.014027": "tro-cap-huu-tri-xa-hoi",
    "1.001699": "xac-dinh-muc-do-khuyet-tat",
    "1.011607": "cong-nhan-ho-ngheo-ho-can-ngheo",
    "1.013225": "giay-phep-xay-dung-nha-o",
    "1.013978": "dang-ky-dat-dai-lan-dau",
    "1.013980": "dang-ky-bien-dong-dat-dai",
    "1.012812": "hoa-giai-tranh-chap-dat-dai",
    "1.010736": "tham-van-danh-gia-tac-dong-moi-truong",
    "1.012971": "thanh-lap-co-so-mam-non-doc-lap",
    "1.014336": "ho-tro-chi-phi-hoc-tap",
    "1.001622": "ho-tro-an-trua-tre-mau-giao",
    "2.001955": "dang-ky-noi-quy-lao-dong",
}

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def offices():
    factories.offices()


def spec_of(code: str) -> ProcedureSpec:
    """What the file of this procedure says."""
    [(_document, spec)], _documents = check_files([FOLDER / f"{FILES[code]}.yaml"])
    return spec


def in_force(code: str):
    """The revision that the file of this procedure makes."""
    publish(save_draft(spec_of(code)), by=None)
    return Procedure.objects.get(code=code).current


def papers(code: str, answers: dict) -> set[str]:
    """The papers of the dossier in this case, by id; those one may leave out are not counted."""
    return {
        row.id
        for row in spec_of(code).documents
        if row.how == "submit" and not row.optional and conditions.holds(row.when or "", answers)
    }


def leads_to(code: str, answers: dict) -> set[str]:
    """The other procedures that these answers belong to."""
    rows = spec_of(code).redirect
    return {row.to for row in rows if conditions.holds(row.when, answers, filed=FILED)}


# --- Household business -----------------------------------------------------------------


def test_a_fee_that_nobody_decided_closes_online_filing_of_a_business():
    revision = in_force("1.001612")

    blocking = blocks_online_filing(revision)
    at_the_counter = fee_lines(revision, {}, channel="direct")

    assert blocking.key == "le_phi_tu_xa"
    assert [line.key for line in at_the_counter] == ["le_phi_tai_quay"]
    assert total(at_the_counter) is None
    assert not any(fee.is_refundable for fee in revision.fees.all())


@pytest.mark.parametrize(
    ("person", "asked"),
    [
        ({"nguoi_nop": {"la": "chu_ho"}, "chu_the": {"la": "ca_nhan"}}, set()),
        (
            {"nguoi_nop": {"la": "chu_ho"}, "chu_the": {"la": "ho_gia_dinh"}},
            {"uy_quyen_chu_ho"},
        ),
        (
            {"nguoi_nop": {"la": "ca_nhan", "co_vneid": "no"}, "chu_the": {"la": "ca_nhan"}},
            {"uy_quyen_nop", "can_cuoc"},
        ),
        (
            {"nguoi_nop": {"la": "to_chuc", "co_vneid": "yes"}, "chu_the": {"la": "ca_nhan"}},
            {"hop_dong"},
        ),
    ],
    ids=["alone", "a family", "through a neighbour", "through a service"],
)
def test_who_opens_a_business_decides_its_papers(person, asked):
    assert papers("1.001612", person) == asked


def test_a_family_business_names_at_least_two_members():
    section = Form(spec_of("1.001612").form).section("thanh_vien")

    assert section.repeat.min == 2


def test_only_what_changed_is_asked():
    section = Form(spec_of("2.000720").form).section("noi_dung")
    answers = {"thay_doi": {"muc": ["ten", "von"]}}

    page = SectionForm(section, answers, data={})

    assert conditions.holds(section.when, answers)
    assert set(page.errors) == {"ten", "von"}


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        ({"chu_ho_moi": {"vi_sao": "uy_quyen"}}, {"uy_quyen_chu_ho"}),
        ({"chu_ho_moi": {"vi_sao": "chu_ho_mat"}}, {"giay_chung_tu"}),
        ({"thanh_vien": {"viec": ["them", "bot"]}}, {"uy_quyen_thanh_vien"}),
        ({"ho_kinh_doanh": {"nhom_ca_nhan": "yes"}}, {"bien_ban"}),
        ({"thay_doi": {"muc": ["ten"]}}, set()),
    ],
)
def test_each_change_of_a_business_has_its_own_paper(answers, asked):
    assert papers("2.000720", answers) == asked


def test_resting_and_closing_lead_to_each_other():
    assert leads_to("1.001570", {"viec": {"la": "nghi_han"}}) == {"1.001266"}
    assert leads_to("1.001266", {"cham_dut": {"chi_tam_nghi": "yes"}}) == {"1.001570"}


@pytest.mark.parametrize(
    ("place", "price"),
    [
        ({"loai": "an_uong", "so_suat": 199}, 350_000),
        ({"loai": "an_uong", "so_suat": 200}, 500_000),
        ({"loai": "san_xuat_nho"}, 250_000),
        ({"loai": "san_xuat_khac"}, 1_250_000),
        ({"loai": "kinh_doanh"}, 500_000),
    ],
)
def test_the_food_safety_fee_follows_from_the_size(place, price):
    [line] = fee_lines(in_force("1.013855"), {"co_so": place}, channel="online")

    assert line.amount == price
    assert line.is_payable_online


def test_food_safety_begins_with_a_registered_business():
    assert leads_to("1.013855", {"co_so": {"da_dang_ky": "no"}}) == {"1.001612"}


# --- Social support ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "other"),
    [
        ("tro_cap_hang_thang", set()),
        ("huu_tri_xa_hoi", {"1.014028"}),
        ("cuu_chien_binh", {"2.002307"}),
        ("thanh_nien_xung_phong", {"2.002308"}),
        ("dan_cong_hoa_tuyen", {"1.014359"}),
    ],
)
def test_who_the_dead_person_was_decides_the_funeral_support(who, other):
    assert leads_to("1.001731", {"dien_huong": {"dien": who}}) == other


def test_a_disability_is_confirmed_before_its_allowance():
    answers = {"doi_tuong": {"dien": "khuyet_tat"}, "khuyet_tat": {"co_giay": "no"}}

    assert leads_to("1.001776", answers) == {"1.001699"}
    assert leads_to("1.001776", {"doi_tuong": {"dien": "gia_tu_75"}}) == {"1.014027"}


def test_taking_somebody_in_is_helped_with_at_the_counter():
    answers = {"doi_tuong": {"dien": "nhan_nuoi"}}
    [stop] = spec_of("1.001776").stop_online

    assert conditions.holds(stop.when, answers)
    assert papers("1.001776", answers) == {"to_khai_2b"}


@pytest.mark.parametrize(
    ("born", "too_young", "asked_for_poverty"),
    [
        ("1956-11-25", True, True),
        ("1956-11-24", False, True),
        ("1951-11-25", False, True),
        ("1951-11-24", False, False),
    ],
    ids=["69", "70", "74", "75"],
)
def test_the_age_decides_the_social_pension(born, too_young, asked_for_poverty):
    spec = spec_of("1.014027")
    answers = {"nguoi_huong": {"nguoi": {"ngay_sinh": born}}}

    stopped = conditions.holds(spec.stop_online[0].when, answers, filed=FILED)
    poverty = Form(spec.form).section("ho_ngheo")

    assert stopped is too_young
    assert conditions.holds(poverty.when, answers, filed=FILED) is asked_for_poverty


# --- Land, building, schools, labour ----------------------------------------------------


@pytest.mark.parametrize(
    ("code", "answers", "asked"),
    [
        ("1.013225", {}, {"giay_to_dat", "ban_ve"}),
        ("1.013225", {"nha": {"lien_ke": "yes"}}, {"giay_to_dat", "ban_ve", "cam_ket"}),
        ("1.013978", {"truong_hop": {"co_giay_to": "no"}}, set()),
        ("1.013978", {"thua_dat": {"nguon_goc": "thua_ke"}}, {"thua_ke"}),
        (
            "1.013978",
            {"nguoi_su_dung": {"la": "nhieu_nguoi"}, "nguoi_nop": {"la": "dai_dien"}},
            {"cap_chung", "dai_dien"},
        ),
        ("1.013980", {"bien_dong": {"loai": "vo_chong"}}, {"don", "giay_chung_nhan", "thoa_thuan"}),
        ("1.013980", {"bien_dong": {"loai": "ban_an"}}, {"don", "giay_chung_nhan", "ket_qua"}),
        ("1.012971", {"co_so": {"loai": "tu_thuc"}}, {"tien", "dia_diem"}),
        ("1.012971", {"co_so": {"loai": "cong_lap"}}, {"de_nghi_kiem_tra"}),
        ("2.001955", {"noi_quy": {"co_cong_doan": "yes"}}, {"noi_quy", "gop_y"}),
    ],
)
def test_the_case_decides_the_papers(code, answers, asked):
    assert papers(code, answers) == asked


def test_a_house_needs_two_sets_of_drawings():
    [drawings] = [row for row in spec_of("1.013225").documents if row.id == "ban_ve"]

    assert (drawings.originals, drawings.original_due) == (2, "before_result")


def test_repairs_are_another_procedure_than_a_new_house():
    assert leads_to("1.013225", {"viec": {"loai": "sua_chua"}}) == {"1.013229"}
    assert leads_to("1.013225", {"viec": {"loai": "nha_moi"}}) == set()


def test_land_in_dispute_is_reconciled_first():
    assert leads_to("1.013978", {"truong_hop": {"dang_tranh_chap": "yes"}}) == {"1.012812"}


def test_internal_rules_are_filed_within_ten_days():
    on_time = spec_of("2.001955").on_time

    assert (on_time.days, on_time.start) == (10, "noi_quy.ngay_ban_hanh")


# --- All of them ------------------------------------------------------------------------


PERSON = {
    "ho_ten": "Trần Thị Lành",
    "ngay_sinh": "1950-02-05",
    "so_dinh_danh": "045150001234",
    "noi_cu_tru": {"commune": "19495", "name": "Xã Gio Linh, Tỉnh Quảng Trị", "detail": "Thôn 5"},
}
DECISIONS = {
    "1.001776": {
        "viec": {"loai": "huong"},
        "doi_tuong": {"dien": "khuyet_tat"},
        "nguoi_huong": {"nguoi": PERSON},
        "nguoi_de_nghi": {"nguoi": PERSON},
        "nhan_tien": {"cach": "tien_mat"},
    },
    "1.014027": {
        "viec": {"loai": "huong"},
        "nguoi_huong": {"nguoi": PERSON},
        "nhan_tien": {"cach": "tai_khoan"},
    },
    "1.012971": {
        "co_so": {
            "ten": "Lớp mẫu giáo Hoa Sen",
            "loai": "tu_thuc",
            "dia_chi": PERSON["noi_cu_tru"],
        },
        "nguoi_de_nghi": {"nguoi": PERSON},
        "quy_mo": {"so_nhom": 2, "so_tre": 40},
    },
}


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("1.001776", "Cho hưởng trợ cấp xã hội hàng tháng đối với ông (bà) Trần Thị Lành"),
        ("1.014027", "Cho hưởng trợ cấp hưu trí xã hội đối với ông (bà) Trần Thị Lành"),
        ("1.012971", "Cho phép thành lập Lớp mẫu giáo Hoa Sen, loại hình: Tư thục"),
    ],
)
def test_a_decision_of_ours_is_written_from_the_answers(code, sentence):
    spec = spec_of(code)
    template = spec.result.template
    dossier = SimpleNamespace(
        revision=SimpleNamespace(form=Form(spec.form)), answers=DECISIONS[code]
    )

    text = "\n".join(
        results._filled(part, dossier)
        for part in [*template.grounds, *(article.text for article in template.articles)]
    )

    assert sentence in text
    assert "{" not in text
    assert "ngày , " not in text


@pytest.mark.parametrize("code", FILES)
def test_at_most_four_papers_are_asked_of_everybody(code):
    spec = spec_of(code)
    always = [row for row in spec.documents if row.how == "submit" and not row.when]

    assert len([row for row in always if not row.optional and not row.group]) <= 4


@pytest.fixture(scope="module")
def national() -> dict[str, dict]:
    """The published procedures by code; skips where the national file is not at hand."""
    if not NATIONAL.exists():
        pytest.skip("skips the comparison with the national catalogue: ../shared is not here")
    with lzma.open(NATIONAL, "rt", encoding="utf-8") as file:
        return {row["code"]: row for row in map(json.loads, file)}


@pytest.mark.parametrize("code", sorted(set(FILES) - {"1.013225"}))
def test_the_times_are_those_that_were_published(code, national):
    published = {
        (row["channel"], f"{row['duration']:g} {row['unit']}")
        for row in national[code]["channels"]
        if row["unit"] in {"working_day", "day"}
    }

    ours = {(row.type, row.time.removesuffix("s")) for row in spec_of(code).channels}

    assert not published or ours <= published


def test_a_house_is_permitted_in_the_seven_days_that_the_note_says(national):
    notes = {row["note"] for row in national["1.013225"]["channels"]}

    assert {row.time for row in spec_of("1.013225").channels} == {"7 working_days"}
    assert all("7 ngày làm việc đối với nhà ở riêng lẻ" in note for note in notes)
