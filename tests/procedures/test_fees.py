"""What a dossier costs follows from its revision, its channel and its answers."""

from __future__ import annotations

import pytest

from procedures.fees import blocks_online_filing, fee_lines, tiered, total
from procedures.models import Channel, Fee, Revision
from procedures.presenting import closed_reason, fee_text
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
        "is_refundable": False,
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
