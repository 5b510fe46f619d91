"""What a dossier costs follows from its revision, its channel and its answers."""

from __future__ import annotations

import pytest

from procedures.fees import blocks_online_filing, fee_lines, rest_of, tiered, total
from procedures.loading.checking import check_text
from procedures.loading.export import yaml_of
from procedures.loading.saving import definition_of, save_draft
from procedures.loading.sheets import Exemptions
from procedures.models import Channel, Fee, Revision
from procedures.presenting import closed_reason, fee_context, fee_text
from procedures.text import dong
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def revision() -> Revision:
    """A draft of level 4 with channels and without any fee."""
    published = factories.procedure(factories.COPY).current
    fields = {
        field.attname: getattr(published, field.attname)
        for field in Revision._meta.local_concrete_fields
        if not field.primary_key
    }
    draft = Revision.objects.create(**{**fields, "number": 2, "status": "draft"})
    for kind in ("online", "direct"):
        Channel.objects.create(
            revision=draft, kind=kind, unit="same_day", clock_starts="acceptance"
        )
    return draft


def fee(revision: Revision, key: str = "le_phi", *, channels: tuple = (), **fields) -> Fee:
    values = {"name": "Lệ phí", "amount": 8000, "due": "at_filing", "source": "Thông tư"}
    values |= {"is_confirmed": True, **fields}
    row = Fee.objects.create(revision=revision, key=key, **values)
    row.channels.set([revision.channel(kind) for kind in channels])
    return row


def lines(revision: Revision, answers: dict | None = None, **options):
    options.setdefault("channel", "online")
    return fee_lines(Revision.objects.get(pk=revision.pk), answers or {}, **options)


# --- Which charges apply --------------------------------------------------------------


def test_a_fee_without_channels_is_asked_on_every_channel(revision):
    fee(revision)

    assert [line.amount for line in lines(revision)] == [8000]
    assert [line.amount for line in lines(revision, channel="direct")] == [8000]


def test_a_fee_of_one_channel_is_asked_there_alone(revision):
    fee(revision, "mang", channels=("online",), amount=4000)
    fee(revision, "quay", channels=("direct",), amount=8000)

    assert [line.key for line in lines(revision)] == ["mang"]
    assert [line.key for line in lines(revision, channel="direct")] == ["quay"]
    assert lines(revision, channel="postal") == []


def test_a_conditional_fee_follows_the_answer(revision):
    fee(revision, when="viec_dang_ky.loai = khai_sinh")

    assert len(lines(revision, {"viec_dang_ky": {"loai": "khai_sinh"}})) == 1
    assert lines(revision, {"viec_dang_ky": {"loai": "ket_hon"}}) == []
    assert lines(revision, {}) == []


PAGES = [{"up_to": 2, "amount": 2000}, {"up_to": None, "amount": 1000}]


@pytest.mark.parametrize(
    ("pages", "price"),
    [
        (1, 2000),
        (2, 4000),
        (3, 5000),
        (10, 12_000),
        (198, 200_000),
        (199, 200_000),
        (5000, 200_000),
    ],
)
def test_pages_are_priced_by_tier_up_to_the_cap(pages, price):
    assert tiered(PAGES, pages, cap=200_000) == price


def test_tiers_are_counted_per_page_and_multiplied_per_copy(revision):
    fee(revision, amount=None, tiers=PAGES, cap=200_000, counted="sao.trang", times="sao.ban")

    [line] = lines(revision, {"sao": {"trang": 3, "ban": 4}})

    assert (line.unit_amount, line.quantity, line.amount) == (5000, 4, 20_000)
    assert line.is_payable_online
    assert lines(revision, {"sao": {"ban": 4}}) == []


SIZES = [
    {"when": "quan.suat = nho_le", "label": "Cơ sở nhỏ lẻ", "amount": 250_000},
    {"when": "quan.suat = duoi_200", "label": "Dưới 200 suất ăn", "amount": 350_000},
]


def test_the_first_alternative_that_holds_is_asked(revision):
    fee(revision, amount=500_000, alternatives=SIZES)

    [small] = lines(revision, {"quan": {"suat": "duoi_200"}})
    [large] = lines(revision, {"quan": {"suat": "tu_200"}})

    assert (small.name, small.amount) == ("Lệ phí (Dưới 200 suất ăn)", 350_000)
    assert (large.name, large.amount) == ("Lệ phí", 500_000)


def test_an_alternative_without_an_amount_is_not_payable_online(revision):
    fee(revision, alternatives=[{**SIZES[0], "amount": None}])

    [line] = lines(revision, {"quan": {"suat": "nho_le"}})

    assert line.amount is None
    assert not line.is_payable_online


def test_a_fee_with_an_unknown_case_due_at_filing_closes_online_filing(revision):
    fee(revision, alternatives=[{**SIZES[0], "amount": None}])

    assert blocks_online_filing(Revision.objects.get(pk=revision.pk))


def test_a_fee_of_tiers_due_at_filing_does_not_close_it(revision):
    fee(revision, amount=None, tiers=PAGES, counted="sao.trang")

    assert blocks_online_filing(Revision.objects.get(pk=revision.pk)) is None


def test_tiers_and_alternatives_are_said_in_words(revision):
    pages = fee(revision, amount=None, tiers=PAGES, cap=200_000, counted="sao.trang", unit="trang")
    sizes = fee(revision, "co", amount=500_000, alternatives=SIZES, is_confirmed=False)

    assert fee_text(pages) == (
        "trang thứ 1 đến 2: 2.000 đồng; từ trang thứ 3: 1.000 đồng; nhiều nhất 200.000 đồng"
    )
    assert fee_text(sizes) == (
        "Cơ sở nhỏ lẻ: 250.000 đồng; Dưới 200 suất ăn: 350.000 đồng; "
        "trường hợp khác: 500.000 đồng (tạm tính)"
    )


def test_a_fee_is_multiplied_by_an_answer(revision):
    fee(revision, times="ban_sao.so_luong", unit="bản sao")

    [line] = lines(revision, {"ban_sao": {"so_luong": 3}})

    assert (line.quantity, line.unit_amount, line.amount) == (3, 8000, 24000)


@pytest.mark.parametrize("answers", [{}, {"ban_sao": {}}, {"ban_sao": {"so_luong": 0}}])
def test_nothing_multiplied_is_no_charge(revision, answers):
    fee(revision, times="ban_sao.so_luong")

    assert lines(revision, answers) == []


def test_only_what_is_due_at_that_moment_is_asked(revision):
    fee(revision, "nop", due="at_filing")
    fee(revision, "nhan", due="at_collection")

    assert [line.key for line in lines(revision, due="at_collection")] == ["nhan"]
    assert [line.key for line in lines(revision)] == ["nop", "nhan"]


def test_a_line_is_plain_data_for_a_payment(revision):
    fee(revision, unit="bản")

    [line] = lines(revision)

    assert line.as_data() == {
        "key": "le_phi", "name": "Lệ phí", "quantity": 1, "unit": "bản", "unit_amount": 8000,
        "amount": 8000, "due": "at_filing", "source": "Thông tư", "is_payable_online": True,
        "is_refundable": False, "full_amount": 8000, "exemption": "", "exemption_law": "",
        "percent": 0, "is_claimed": False,
    }  # fmt: skip


# --- Unknown is not zero --------------------------------------------------------------


def test_an_unknown_amount_stays_unknown_in_the_sum(revision):
    fee(revision, "biet")
    fee(revision, "chua", amount=None)

    found = lines(revision)

    assert [line.amount for line in found] == [8000, None]
    assert total(found) is None
    assert not found[1].is_payable_online


def test_an_unconfirmed_amount_is_never_payable_online(revision):
    fee(revision, is_confirmed=False)

    [line] = lines(revision)

    assert line.amount == 8000
    assert not line.is_payable_online


def test_the_sum_of_nothing_is_nothing(revision):
    assert total([]) == 0


@pytest.mark.parametrize(
    ("fields", "blocks"),
    [
        ({}, False),
        ({"is_confirmed": False}, True),
        ({"amount": None}, True),
        ({"amount": None, "when": "a.b = c"}, False),
        ({"is_confirmed": False, "due": "at_collection"}, False),
        ({"amount": 0}, False),
    ],
    ids=["known", "unconfirmed", "unknown", "only sometimes", "later", "free"],
)
def test_a_fee_at_filing_that_cannot_be_paid_closes_online_filing(revision, fields, blocks):
    row = fee(revision, **fields)

    found = blocks_online_filing(Revision.objects.get(pk=revision.pk))

    assert found == (row if blocks else None)
    assert bool(closed_reason(Revision.objects.get(pk=revision.pk))) is blocks


def test_an_unknown_fee_of_the_counter_leaves_online_filing_open(revision):
    fee(revision, channels=("direct",), amount=None)

    assert blocks_online_filing(Revision.objects.get(pk=revision.pk)) is None


# --- Exemptions and reductions --------------------------------------------------------

EXEMPT = {
    "exemptions": {"ho_ngheo": "Hộ nghèo", "can_ngheo": "Hộ cận nghèo", "mang": "Nộp trực tuyến"},
    "exemption_law": "Luật A điều 1",
    "reductions": {
        "can_ngheo": {"percent": 30, "law": "Nghị quyết thử"},
        "mang": {"percent": 50, "automatic": "online"},
    },
}


def test_what_the_office_granted_is_taken_off_and_says_why(revision):
    fee(revision, **EXEMPT)

    [waived] = lines(revision, granted={"le_phi": "ho_ngheo"}, channel="direct")
    [less] = lines(revision, granted={"le_phi": "can_ngheo"}, channel="direct")
    [whole] = lines(revision, claimed={"le_phi"}, channel="direct")

    assert (waived.amount, waived.full_amount, waived.percent) == (0, 8000, 100)
    assert (waived.exemption, waived.exemption_law) == ("Hộ nghèo", "Luật A điều 1")
    assert (less.amount, less.exemption_law) == (5600, "Nghị quyết thử")
    assert (whole.amount, whole.exemption, whole.is_claimed) == (8000, "", True)


def test_who_files_online_has_the_reduction_of_that_without_a_claim(revision):
    fee(revision, **EXEMPT)

    [online] = lines(revision)
    [counter] = lines(revision, channel="direct")

    assert (online.amount, online.exemption) == (4000, "Nộp trực tuyến")
    assert counter.amount == 8000


def test_of_two_exemptions_the_one_that_takes_off_more_counts(revision):
    fee(revision, **EXEMPT)

    assert lines(revision, granted={"le_phi": "can_ngheo"})[0].amount == 4000
    assert lines(revision, granted={"le_phi": "ho_ngheo"})[0].amount == 0


def test_an_exemption_that_the_fee_does_not_have_takes_nothing_off(revision):
    fee(revision, **EXEMPT)

    [line] = lines(revision, granted={"le_phi": "thuong_binh"}, channel="direct")

    assert (line.amount, line.exemption) == (8000, "")


def test_a_waived_fee_of_unknown_amount_is_nothing_and_a_lessened_one_unknown(revision):
    fee(revision, **{**EXEMPT, "amount": None})

    assert lines(revision, granted={"le_phi": "ho_ngheo"})[0].amount == 0
    assert lines(revision)[0].amount is None


@pytest.mark.parametrize(
    ("amount", "percent", "rest"),
    [(8000, 50, 4000), (7503, 50, 3752), (1, 50, 1), (1, 51, 0), (3, 100, 0), (8000, 1, 7920),
     (10**12, 33, 670_000_000_000)],
)  # fmt: skip
def test_a_rest_is_whole_dong_rounded_half_up(amount, percent, rest):
    assert rest_of(amount, percent) == rest


def test_a_fee_that_nobody_pays_online_does_not_close_it(revision):
    fee(revision, amount=None, exemptions={"mang": "Nộp trực tuyến"},
        reductions={"mang": {"automatic": "online"}})  # fmt: skip

    assert blocks_online_filing(Revision.objects.get(pk=revision.pk)) is None


FILE_OF_EXEMPTIONS = """\
      ho_ngheo: Hộ nghèo
      can_ngheo: {label: Hộ cận nghèo, reduce: 50%, law: Nghị quyết thử điều 3}
      mang: {label: Nộp trực tuyến, reduce: 20 %, automatic: online}
"""


def with_exemptions(text: str):
    """The fixture of copies with these lines below `exempt:`, as a checked document."""
    factories.offices()
    file = (factories.FIXTURES / "procedures/cap-ban-sao-trich-luc-ho-tich.yaml").read_text()
    law = "    exempt_law: Luật Hộ tịch điều 11\n"
    place = "    source: "
    assert place in file
    return check_text(file.replace(place, f"    exempt:\n{text}{law}{place}", 1), "mau.yaml")


def test_a_file_says_who_pays_less_and_gives_it_back_as_it_was_written():
    document, spec = with_exemptions(FILE_OF_EXEMPTIONS)
    assert [str(fault) for fault in document.faults] == []

    [row] = save_draft(spec).fees.all()
    text = yaml_of(definition_of(spec))

    assert row.exemptions == {"ho_ngheo": "Hộ nghèo", "can_ngheo": "Hộ cận nghèo",
                              "mang": "Nộp trực tuyến"}  # fmt: skip
    assert row.reductions == {
        "can_ngheo": {"percent": 50, "law": "Nghị quyết thử điều 3"},
        "mang": {"percent": 20, "automatic": "online"},
    }
    assert "reduce: 50%" in text and "ho_ngheo: Hộ nghèo" in text
    assert check_text(text, "mau.yaml")[1] == spec
    cell = Exemptions()
    shown = definition_of(spec)["fees"][0]["exempt"]
    assert cell.write(shown).splitlines() == [
        "ho_ngheo: Hộ nghèo",
        "can_ngheo: Hộ cận nghèo | 50% | Nghị quyết thử điều 3",
        "mang: Nộp trực tuyến | 20% |  | trực tuyến",
    ]
    back = spec.model_copy(update={"fees": [spec.fees[0].model_validate(
        {**definition_of(spec)["fees"][0], "exempt": cell.read(cell.write(shown))})]})  # fmt: skip
    assert back == spec
    assert fee_context(row, save_draft(spec))["exemptions"][1:] == [
        "Hộ cận nghèo: giảm 50% (Nghị quyết thử điều 3)",
        "Nộp trực tuyến: giảm 20%, không phải đề nghị",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{label: A, reduce: 0%}", "phải là phần trăm từ 1% đến 100%"),
        ("{label: A, reduce: 101}", "không phải “101”"),
        ("{reduce: 50%}", "Thiếu khóa “label”. Tên diện được miễn, giảm"),
        ("{label: A, giam: 50%}", "Không có khóa “giam”"),
        ("{label: A, automatic: direct}", "chỉ nhận online"),
        ("[A]", "phải là một dòng chữ"),
    ],
)
def test_a_wrong_exemption_is_told_with_its_line(line, said):
    document, spec = with_exemptions(f"      ai_do: {line}\n")

    [fault] = document.faults
    assert spec is None
    assert said in str(fault)
    assert "ai_do" in document.source[fault.line - 1]


def test_an_exemption_without_a_law_is_refused():
    factories.offices()
    path = factories.FIXTURES / "procedures/dang-ky-khai-tu.yaml"
    text = path.read_text().replace("    exempt_law: Luật Hộ tịch điều 11\n", "")

    document, _spec = check_text(text, "mau.yaml")

    assert "Miễn, giảm phải có căn cứ" in str(document.faults[0])


# --- In words -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"unit": "bản sao"}, "8.000 đồng/bản sao"),
        ({}, "8.000 đồng"),
        ({"amount": 1_250_000}, "1.250.000 đồng"),
        ({"is_confirmed": False}, "8.000 đồng (tạm tính)"),
        ({"amount": None}, "Chưa xác định (tạm tính); cơ quan sẽ thông báo"),
    ],
)
def test_a_fee_says_what_is_certain_about_it(revision, fields, text):
    assert fee_text(fee(revision, **fields)) == text


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "0 đồng"), (999, "999 đồng"), (10**12, "1.000.000.000.000 đồng")]
)
def test_dong_are_written_with_dots(amount, text):
    assert dong(amount) == text
