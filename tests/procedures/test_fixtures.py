"""The procedures, offices and life events that the portal is seeded with."""

import datetime
import json
import lzma
import re
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from dossiers import attachments, filing, results, workflow
from dossiers.models import Dossier
from procedures.fees import fee_lines, total
from procedures.formspec import conditions
from procedures.formspec.fields import type_of
from procedures.formspec.lists import communes
from procedures.formspec.spec import Field, Form, Section
from procedures.formspec.webform import SectionForm, is_asked, questions
from procedures.loading.checking import check_files, check_text
from procedures.loading.saving import publish, save_draft
from procedures.loading.schema import ProcedureSpec
from procedures.loading.yamltext import read
from procedures.models import Agency, Procedure, make_slug
from procedures.presenting import closed_reason
from procedures.text import fold
from tests import factories

FIXTURES = settings.BASE_DIR / "fixtures"
FILES = sorted((FIXTURES / "procedures").glob("*.yaml"))
NAMES = [file.stem for file in FILES]
SHARED = settings.BASE_DIR.parent / "shared"
TARGET = SHARED / "examples" / "khai_sinh.yaml"
NATIONAL = SHARED / "data" / "national" / "procedures.jsonl.xz"

FILED = datetime.datetime(2026, 11, 24, 9, tzinfo=datetime.UTC)

# What the portal is asked to have: the code of each procedure, and its level.
CIVIL_STATUS = {
    "1.001193": 4, "1.000656": 4, "1.000894": 3, "1.004873": 3, "2.000635": 4, "1.004859": 3,
    "1.001022": 3, "1.000689": 3, "1.004884": 3, "1.004837": 4,
}  # fmt: skip
CERTIFICATION = {"2.000815": 2, "2.000884": 1}
HOUSEHOLD_BUSINESS = {"1.001612": 3, "2.000720": 3, "1.001570": 3, "1.001266": 3, "1.013855": 4}
SOCIAL_SUPPORT = {"1.001731": 4, "1.001776": 4, "1.014027": 4, "1.001699": 3, "1.011607": 2}
BUILDING_LAND_ENVIRONMENT = {
    "1.013225": 3, "1.013978": 3, "1.013980": 2, "1.012812": 2, "1.010736": 3,
}  # fmt: skip
EDUCATION_LABOUR = {"1.012971": 4, "1.014336": 2, "1.001622": 1, "2.001955": 4}
ASKED_FOR = (
    CIVIL_STATUS | CERTIFICATION | HOUSEHOLD_BUSINESS | SOCIAL_SUPPORT
    | BUILDING_LAND_ENVIRONMENT | EDUCATION_LABOUR
)  # fmt: skip

# Procedures of the national catalogue that ours lead to without having a file of their own.
LED_TO = {
    "1.001653", "1.001669", "1.001695", "1.001766", "1.004746", "1.004772", "1.004845", "1.005461",
    "1.013226", "1.013227", "1.013229", "1.014028", "1.014359", "2.000522", "2.000528", "2.000554",
    "2.000748", "2.000779", "2.000806", "2.000986", "2.001035", "2.002307", "2.002308", "3.000323",
}  # fmt: skip

# Answers that differ from the first option and from "no", so that the case stays with the form.
CASES: dict[str, dict[str, Any]] = {
    "1.001022": {"truong_hop.da_khai_sinh": "yes"},
    "1.013855": {"co_so.da_dang_ky": "yes"},
    "1.014027": {"nguoi_huong.nguoi.ngay_sinh": "1945-02-05"},
}

pytestmark = pytest.mark.django_db


def entries(name: str) -> list[dict]:
    """A fixture that is a list of entries; every scalar is text."""
    document = read((FIXTURES / name).read_text("utf-8"), name)
    assert document.faults == []
    return document.data


@pytest.fixture(autouse=True)
def offices():
    factories.offices()


@cache
def _checked() -> tuple[list[ProcedureSpec], list[str]]:
    """What the files say, and their faults; read once, since no test changes them."""
    good, documents = check_files(FILES)
    return [spec for _document, spec in good], [str(f) for row in documents for f in row.faults]


@pytest.fixture
def specs(offices) -> dict[str, ProcedureSpec]:
    return {spec.code: spec for spec in _checked()[0]}


@pytest.fixture(scope="module")
def national() -> dict[str, dict]:
    """The published procedures by code; skips where the national file is not at hand."""
    if not NATIONAL.exists():
        pytest.skip("skips the comparison with the national catalogue: ../shared is not here")
    with lzma.open(NATIONAL, "rt", encoding="utf-8") as file:
        return {row["code"]: row for row in map(json.loads, file)}


def published(spec: ProcedureSpec):
    """The revision in force that this file makes."""
    draft = save_draft(spec)
    if draft is not None:  # a file that is in force already makes no revision
        publish(draft, by=None)
    return Procedure.objects.get(code=spec.code).current


def sample(field: Field) -> Any:
    """An answer that an ordinary person gives: the first option, "no", a plain value."""
    home = {"commune": "19495", "name": "Xã Gio Linh, Tỉnh Quảng Trị", "detail": "Thôn 5"}
    if field.type in {"choice", "choices"}:
        first = next(iter(field.options))
        return first if field.type == "choice" else [first]
    if field.type in {"number", "money"}:
        return max(int(field.min or 1), 1)
    if field.type == "date":
        return timezone.localdate().isoformat() if field.min else "1990-03-02"
    return {
        "text": "Một dòng chữ", "long_text": "Mấy dòng chữ", "name": "Trần Thị Bình",
        "time": "08:30", "yes_no": field.default or "no", "declaration": "yes",
        "citizen_number": "045190001234", "tax_code": "0100109106", "phone": "0912345678",
        "email": "binh@example.vn",
        "gender": "nu", "ethnicity": "Kinh", "nationality": "VN", "address": home,
        "coded": {"code": "4721", "name": "Bán lẻ lương thực"},
    }[field.type]  # fmt: skip


def filled(form: Form, given: dict[str, Any]) -> dict[str, Any]:
    """The answers of an ordinary person, section by section; `given` has others by path."""
    answers: dict[str, Any] = {}
    for section in form.sections:
        if is_asked(section, answers):
            row = _filled_row(section, answers, given)
            answers[section.id] = [row] * section.repeat.min if section.repeat else row
    return answers


def _filled_row(section: Section, answers: dict[str, Any], given: dict[str, Any]) -> dict:
    row: dict[str, Any] = {}
    for question in questions(section.fields):
        if all(conditions.holds(when, {**answers, section.id: row}) for when in question.whens):
            *above, last = question.path.split(".")
            place = row
            for name in above:
                place = place.setdefault(name, {})
            place[last] = given.get(f"{section.id}.{question.path}", sample(question.spec))
    return row


def sent(section: Section, row: dict[str, Any]) -> dict[str, Any]:
    """What a browser sends for this row."""
    return {
        f"{question.path}{suffix}": value
        for question in questions(section.fields)
        for suffix, value in type_of(question.spec)
        .to_values(conditions.lookup(row, question.path))
        .items()
        if value
    }


def charged(spec: ProcedureSpec, given: dict[str, Any], channel: str = "online") -> dict[str, Any]:
    """What these answers cost: the amount of each charge by its id."""
    revision = published(spec)
    answers = filled(revision.form, CASES.get(spec.code, {}) | given)
    lines = fee_lines(revision, answers, channel=channel, filed=FILED)
    return {line.key: line.amount for line in lines}


def test_every_procedure_file_is_without_fault():
    specs, faults = _checked()

    assert faults == []
    assert len(specs) == len(FILES)


def test_every_asked_for_procedure_is_there_with_its_level(specs):
    found = {code: spec.service_level for code, spec in specs.items() if code in ASKED_FOR}

    assert found == ASKED_FOR


def test_each_of_the_four_levels_occurs(specs):
    assert {spec.service_level for spec in specs.values()} == {1, 2, 3, 4}


def test_the_online_word_follows_from_the_level(specs):
    words = {1: "none", 2: "none", 3: "partial", 4: "full"}

    wrong = [code for code, spec in specs.items() if spec.online != words[spec.service_level]]

    assert wrong == []


def test_the_times_are_those_of_the_national_database(specs):
    found = {
        code: {row.type: (row.time, row.cut_off) for row in specs[code].channels}
        for code in [*CIVIL_STATUS, *CERTIFICATION, factories.FUNERAL, factories.LAND_DISPUTE]
    }

    everywhere = ("online", "direct", "postal")
    same_day = dict.fromkeys(everywhere, ("same_day", "15:00"))
    three_days = dict.fromkeys(everywhere, ("3 working_days", None))
    assert found == {
        "1.001193": same_day,
        "1.000656": same_day,
        "2.000635": same_day,
        "1.000894": dict.fromkeys(everywhere, ("same_day", None)),
        "1.001731": three_days,
        "1.004873": three_days,
        "1.004859": three_days,
        "1.001022": three_days,
        "1.000689": three_days,
        "1.004837": three_days,
        "1.004884": dict.fromkeys(everywhere, ("5 working_days", None)),
        "1.012812": {"direct": ("40 days", None), "postal": ("30 days", None)},
        "2.000815": {"direct": ("same_day", "15:00")},
        "2.000884": {"direct": ("same_day", "15:00")},
    }


def test_an_amount_is_confirmed_when_a_law_of_the_state_says_it(specs):
    fees = [(code, fee) for code, spec in specs.items() for fee in spec.fees]

    priced = [(code, fee.id) for code, fee in fees if fee.amount is not None or fee.tiers]
    of_the_province = [(code, fee.id) for code, fee in fees if "HĐND" in fee.source]

    assert not set(priced) & set(of_the_province)
    assert [(code, fee.id) for code, fee in fees if fee.confirmed and "HĐND" in fee.source] == []
    assert all(fee.source for _code, fee in fees)


CIVIL_STATUS_FEES = [
    ("1.001193", "le_phi"),
    ("1.000656", "le_phi"),
    ("1.004873", "le_phi"),
    ("1.004859", "le_phi"),
    ("1.001022", "le_phi"),
    ("1.004884", "le_phi"),
    ("1.000689", "le_phi_nhan"),
    ("1.000689", "le_phi_khai_sinh"),
]


@pytest.mark.parametrize(("code", "key"), CIVIL_STATUS_FEES)
def test_a_civil_status_fee_has_the_exemptions_of_the_law(specs, code, key):
    fee = next(row for row in specs[code].fees if row.id == key)

    assert set(fee.exempt) == {"co_cong", "ho_ngheo", "khuyet_tat"}
    assert fee.exempt_law == "Luật Hộ tịch điều 11"
    assert (fee.amount, fee.confirmed) == (None, False)


@pytest.mark.parametrize("code", ["1.000894", "1.004837"])
def test_marriage_and_guardianship_cost_nothing_but_copies(specs, code):
    assert charged(specs[code], {}) == {}
    assert charged(specs[code], {"ban_sao.can": "yes", "ban_sao.so_luong": 3}) == {
        "ban_sao": 24_000
    }


@pytest.mark.parametrize(
    ("pages", "number", "price"),
    [
        (1, 1, 2_000),
        (2, 1, 4_000),
        (3, 1, 5_000),
        (10, 2, 24_000),
        (198, 1, 200_000),
        (199, 1, 200_000),
        (500, 3, 600_000),
    ],
    ids=["1 page", "2 pages", "3 pages", "10 pages twice", "at the cap", "past the cap", "cap, 3x"],
)
def test_a_certified_copy_is_priced_by_its_pages_up_to_the_cap(specs, pages, number, price):
    given = {"giay_to.so_trang": pages, "giay_to.so_ban": number}

    assert charged(specs["2.000815"], given, channel="direct") == {"phi": price}


def test_a_certified_signature_costs_ten_thousand(specs):
    assert charged(specs["2.000884"], {}, channel="direct") == {"phi": 10_000}


@pytest.mark.parametrize(
    ("code", "day", "in_time", "late"),
    [
        ("1.001193", "be.ngay_sinh", "2026-09-25", "2026-09-24"),
        ("1.000689", "be.ngay_sinh", "2026-09-25", "2026-09-24"),
        ("1.000656", "nguoi_mat.ngay_mat", "2026-11-09", "2026-11-08"),
    ],
    ids=["birth", "birth with recognition", "death"],
)
def test_registering_in_time_is_free_of_the_late_fee(specs, code, day, in_time, late):
    in_time, late = (charged(specs[code], {day: value}) for value in (in_time, late))

    assert len(late) == len(in_time) + 1
    assert None in late.values()


def test_copies_of_two_results_are_counted_apart(specs):
    given = {
        "be.ngay_sinh": "2026-11-20",
        "ban_sao.can": "yes",
        "ban_sao.khai_sinh": 3,
        "ban_sao.trich_luc": 0,
    }

    found = charged(specs["1.000689"], given)

    assert found == {"le_phi_nhan": None, "ban_sao_khai_sinh": 24_000}


def test_what_nobody_has_decided_is_never_added_up(specs):
    revision = published(specs["1.004873"])
    answers = filled(revision.form, {})

    lines = fee_lines(revision, answers, channel="online", filed=FILED)

    assert total(lines) is None
    assert not any(line.is_payable_online for line in lines)


def test_the_citizens_own_time_limit_is_that_of_the_law(specs):
    found = {code: spec.on_time.days for code, spec in specs.items() if spec.on_time}

    assert found.items() >= {"1.001193": 60, "1.000689": 60, "1.000656": 15}.items()


def test_the_inner_time_budgets_fit_into_the_promised_time(specs):
    hours_of = {"hour": 1, "working_day": 8, "day": 8}
    for code, spec in specs.items():
        budgets = [row.budget.split() for row in spec.steps if row.budget]
        promised = [_working_hours(row.time) for row in spec.channels if row.type == "direct"]

        spent = sum(int(amount) * hours_of[unit.removesuffix("s")] for amount, unit in budgets)

        assert spent <= max(promised, default=10**6), code


def _working_hours(time: str) -> int:
    """At least so many working hours lie in a channel's time."""
    amount, _space, unit = time.partition(" ")
    if time in {"same_day", "text"}:
        return 8 if time == "same_day" else 10**6
    return int(amount) * {"hour": 1, "month": 160}.get(unit.removesuffix("s"), 8)


def test_the_citizen_checks_the_draft_of_the_birth_certificate(specs):
    steps = {row.id: row for row in specs["1.001193"].steps}
    order = list(steps)

    draft = steps["xac_nhan"]

    assert (draft.who, draft.answer_days, draft.no_answer) == ("citizen", 1, "agree")
    assert steps[order[order.index("xac_nhan") + 1]].who == "case_officer"


@pytest.mark.parametrize("code", CIVIL_STATUS)
def test_originals_of_civil_status_are_due_before_the_result(specs, code):
    originals = [row for row in specs[code].documents if row.how == "submit" and row.originals]

    assert {row.original_due for row in originals} <= {"before_result"}
    assert {row.online for row in originals} <= {"photo"}


def test_the_funeral_decision_is_written_from_the_answers(specs):
    spec = specs["1.001731"]
    answers = {
        "dien_huong": {"dien": "tu_du_80"},
        "nguoi_mat": {
            "ho_ten": "Nguyễn Văn Ký",
            "ngay_sinh": "1940-02-05",
            "ngay_mat": "2026-11-02",
        },
        "nguoi_dung_ra": {"tu_cach": "ca_nhan", "nguoi": {"ho_ten": "Trần Thị Ngữ"}},
        "nhan_tien": {"cach": "tien_mat"},
    }
    revision = SimpleNamespace(form=Form(spec.form))
    dossier = SimpleNamespace(revision=revision, answers=answers)

    text = "\n".join(results._filled(row.text, dossier) for row in spec.result.template.articles)

    assert "ông (bà) Nguyễn Văn Ký, sinh ngày 05/02/1940, mất ngày 02/11/2026" in text
    assert "Trần Thị Ngữ" in text
    assert "{" not in text


@pytest.mark.parametrize(
    ("name", "old", "new", "question"),
    [
        ("ho-tro-chi-phi-mai-tang", "{nhan_tien.cach}", "{nhan_tien.loai}", "nhan_tien.loai"),
        ("dang-ky-khai-sinh", "me.nguoi.dan_toc]", "ba.nguoi.dan_toc]", "ba.nguoi.dan_toc"),
        ("dang-ky-khai-sinh", "when: ban_sao.can = yes}", "when: ban_sao.co = yes}", "ban_sao.co"),
        ("dang-ky-khai-sinh", "print_from: nguoi_lam_chung", "print_from: ai_do", "ai_do"),
    ],
    ids=["result template", "must_match", "when", "print_from"],
)
def test_a_reference_to_no_question_is_a_fault_on_its_line(name, old, new, question):
    text = (FIXTURES / "procedures" / f"{name}.yaml").read_text("utf-8")
    assert text.count(old) == 1

    document, spec = check_text(text.replace(old, new), "a.yaml")

    line = text[: text.index(old)].count("\n") + 1
    assert spec is None
    assert [fault.message.partition(" Có phải")[0] for fault in document.faults] == [
        f"Không có câu hỏi “{question}” trong form."
    ]
    assert line - 2 <= document.faults[0].line <= line  # a block text begins above its lines


def test_account_questions_are_asked_only_for_a_transfer(specs):
    section = Form(specs["1.001731"].form).section("nhan_tien")

    cash = SectionForm(section, {}, data={"cach": "tien_mat"})
    transfer = SectionForm(section, {}, data={"cach": "tai_khoan"})

    assert cash.is_valid()
    assert set(transfer.errors) == {"chu_tai_khoan", "so_tai_khoan", "ngan_hang"}


def test_every_form_takes_the_person_who_files_from_the_profile(specs):
    online = [spec for spec in specs.values() if spec.service_level >= 3]

    prefilled = {spec.code for spec in online if any(row.prefill for row in spec.form)}

    assert prefilled == {spec.code for spec in online}


@pytest.mark.parametrize("name", NAMES)
def test_an_ordinary_person_can_fill_in_the_whole_form(specs, name):
    spec = next(row for row in specs.values() if make_slug(row.short_name) == name)
    form = Form(spec.form)
    answers = filled(form, CASES.get(spec.code, {}))

    for section in form.sections:
        rows = answers.get(section.id, [])
        for row in rows if section.repeat else [rows] if rows else []:
            page = SectionForm(section, answers, data=sent(section, row))
            assert page.is_valid(), (section.id, page.errors)
            assert page.answer() == row, section.id


@pytest.mark.parametrize("name", NAMES)
def test_its_page_and_its_checklist_open(client, specs, name):
    spec = next(row for row in specs.values() if make_slug(row.short_name) == name)
    published(spec)

    pages = [reverse("procedures:detail", args=[spec.code, name])]
    pages += [reverse("procedures:needs", args=[spec.code])] if spec.form else []

    assert [client.get(page).status_code for page in pages] == [200] * len(pages)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_filled_in_can_be_filed_from_level_three_on(specs, name):
    spec = next(row for row in specs.values() if make_slug(row.short_name) == name)
    if spec.service_level < 3:
        assert spec.online == "none"
        return
    revision, owner = published(spec), factories.user()
    if closed_reason(revision):  # a fee due at filing that nobody has decided
        assert {row.kind for row in revision.channels.all()} >= {"online", "direct"}
        return
    draft = filing.start(revision.procedure, by=owner)
    draft.answers = filled(revision.form, CASES.get(spec.code, {}))
    filing.set_office(draft, filing.offices_queryset(revision).first())
    draft.save()
    for row in filing.to_attach(draft):
        attachments.store(draft, row.key, factories.picture(), by=owner)

    dossier = workflow.perform(draft, "submit", by=owner)

    assert dossier.code
    assert dossier.state in {Dossier.State.SUBMITTED, Dossier.State.PAYMENT_REQUIRED}


@pytest.mark.parametrize(
    ("code", "given", "leads_to"),
    [
        ("1.001193", {"truong_hop.cha_me": "nhan_con"}, "1.000689"),
        ("1.001022", {"truong_hop.da_khai_sinh": "no"}, "1.000689"),
        ("1.000689", {"truong_hop.da_ket_hon": "yes"}, "1.001193"),
        ("1.000689", {"truong_hop.da_khai_sinh": "yes"}, "1.001022"),
        ("1.004884", {"truong_hop.tinh_trang": "con_so"}, "2.000635"),
        ("2.000635", {"viec_dang_ky.so_con": "mat"}, "1.004884"),
        ("1.004859", {"truong_hop.viec": "xin_ban_sao"}, "2.000635"),
        ("1.004837", {"truong_hop.viec": "cham_dut"}, "1.004845"),
        ("1.000656", {"truong_hop.nuoc_ngoai": "yes"}, "1.001766"),
        ("1.000894", {"truong_hop.nuoc_ngoai": "yes"}, "2.000806"),
    ],
)
def test_the_wrong_procedure_leads_to_the_right_one(specs, code, given, leads_to):
    answers = filled(Form(specs[code].form), CASES.get(code, {}) | given)

    found = [row.to for row in specs[code].redirect if conditions.holds(row.when, answers)]

    assert found == [leads_to]


@pytest.mark.parametrize("code", ASKED_FOR)
def test_the_ordinary_case_stays_with_its_procedure(specs, code):
    spec = specs[code]
    answers = filled(Form(spec.form), CASES.get(code, {}))

    rows = [*spec.redirect, *spec.stop_online]

    assert [row.text for row in rows if conditions.holds(row.when, answers)] == []


@pytest.mark.parametrize(
    ("bride", "groom", "stopped"),
    [
        ("2008-11-24", "2006-11-24", 0),
        ("2008-11-25", "2006-11-24", 1),
        ("2008-11-24", "2006-11-25", 1),
    ],
    ids=["18 and 20 today", "she is 17", "he is 19"],
)
def test_a_marriage_waits_for_the_age_of_the_law(specs, bride, groom, stopped):
    given = {"ben_nu.nguoi.ngay_sinh": bride, "ben_nam.nguoi.ngay_sinh": groom}
    answers = filled(Form(specs["1.000894"].form), given)

    rows = specs["1.000894"].stop_online

    assert sum(conditions.holds(row.when, answers, filed=FILED) for row in rows) == stopped


@pytest.mark.parametrize(
    ("where", "paper"),
    [
        ("co_so_y_te", "giay_bao_tu"),
        ("tai_nha", "giay_bao_tu"),
        ("tai_nan", "thay_bao_tu"),
        ("toa_an", "thay_bao_tu"),
        ("da_lau", "chung_cu"),
    ],
)
def test_one_paper_proves_a_death_whatever_happened(specs, where, paper):
    answers = filled(Form(specs["1.000656"].form), {"truong_hop.noi_mat": where})

    asked = [
        row.id
        for row in specs["1.000656"].documents
        if row.how == "submit" and conditions.holds(row.when, answers)
    ]

    assert asked == [paper]


def test_two_people_stand_beside_each_other_on_the_marriage_form(specs):
    form = Form(specs["1.000894"].form)

    assert form.section("ben_nam").beside == "ben_nu"
    assert form.section("ben_nam").fields == form.section("ben_nu").fields


def test_witnesses_of_a_child_are_at_least_two(specs):
    form = Form(specs["1.001022"].form)

    answers = filled(form, CASES["1.001022"] | {"chung_cu.bang": "cam_doan"})

    assert len(answers["nguoi_lam_chung"]) == 2


def test_every_form_says_what_it_is_called_on_paper(specs):
    missing = [code for code in ASKED_FOR if specs[code].form and not specs[code].paper.title]

    assert missing == []


def test_what_do_i_need_takes_three_to_five_questions(specs):
    asked = {code: len(spec.ask_first) for code, spec in specs.items() if spec.form}

    too_few = [code for code in [*CIVIL_STATUS, "2.000815"] if asked[code] < 3]

    assert too_few == []
    assert [code for code, number in asked.items() if number > 5] == []


def test_each_procedure_has_everyday_words_of_its_own(specs):
    meant: dict[str, set[str]] = {}
    for code, spec in specs.items():
        for words in {fold(text) for text in spec.also_called}:
            meant.setdefault(words, set()).add(code)
    own = [next(iter(codes)) for codes in meant.values() if len(codes) == 1]

    assert [code for code in specs if own.count(code) < 3] == []
    assert {words: codes for words, codes in meant.items() if len(codes) > 2} == {}


def test_every_link_leads_to_a_procedure_that_exists(specs):
    rows = [row for spec in specs.values() for row in (*spec.redirect, *spec.offer)]

    assert {row.to for row in rows} <= set(specs) | LED_TO


def test_the_procedures_that_ours_lead_to_are_published(national):
    assert set(national) >= LED_TO


def test_names_and_decisions_are_those_that_were_published(specs, national):
    ours = {code: (spec.name, spec.field, spec.decision) for code, spec in specs.items()}

    theirs = {
        code: (row["name"], row["field"], row["decision"])
        for code, row in national.items()
        if code in ours
    }

    assert ours == theirs


def test_the_laws_are_those_that_were_published(specs, national):
    for code in CIVIL_STATUS | CERTIFICATION:
        theirs = " ".join(row["number"] for row in national[code]["legal_basis"])
        sources = " ".join(fee.source for fee in specs[code].fees)

        numbers = [law.number for law in specs[code].legal_basis]

        assert [n for n in numbers if n not in theirs and n.split("/")[0] not in sources] == [], (
            code
        )


def test_a_file_is_named_as_its_address(specs):
    assert {make_slug(spec.short_name) for spec in specs.values()} == {row.stem for row in FILES}


def test_every_life_event_has_a_procedure(specs):
    used = {slug for spec in specs.values() for slug in spec.life_events}

    assert used == {row["slug"] for row in entries("life_events.yaml")}


def test_offices_have_codes_of_the_national_form_and_real_communes():
    rows = entries("offices.yaml")
    codes = [row["code"] for row in rows]

    assert len(set(codes)) == len(codes)
    for row in rows:
        office = {key: row[key] for key in row if key not in {"parent", "reception"}}
        Agency(**office).full_clean(validate_unique=False)
        assert re.fullmatch(r"\d{3}\.\d{2}\.\d{2}\.H50", row["code"])
        assert {row[key] for key in ("parent", "reception") if key in row} <= set(codes)
        assert set(row.get("area_codes", [])) <= set(communes())
        assert row["phone"].startswith("0233 000 ")


def test_the_district_is_the_root_and_the_communes_cover_four_areas():
    rows = {row["code"]: row for row in entries("offices.yaml")}

    communes_now = [row for row in rows.values() if row["tier"] == "commune"]

    assert rows["000.00.40.H50"]["tier"] == "district"
    assert next(iter(rows)) == "000.00.40.H50"
    assert rows[rows["000.00.61.H50"]["reception"]]["tier"] == "desk"
    assert [row["area_codes"] for row in communes_now] == [
        ["19495"],
        ["19496"],
        ["19501"],
        ["19537"],
    ]


@pytest.mark.skipif(
    not TARGET.exists(), reason="skips the target file khai_sinh.yaml: ../shared is not here"
)
def test_the_target_file_with_the_older_key_names_is_without_fault():
    document, spec = check_text(Path(TARGET).read_text("utf-8"), TARGET.name)

    assert [str(fault) for fault in document.faults] == []
    assert spec.service_level == 4
    assert spec.on_time.start == "be.ngay_sinh"
    assert Form(spec.form).paths()["be.dan_toc"].otherwise == "warn"
