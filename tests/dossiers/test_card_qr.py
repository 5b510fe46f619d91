"""The QR code of a citizen's card, as scanners type it."""

from __future__ import annotations

import datetime
import unicodedata

import pytest

from dossiers.counter import cardqr

CARD = "045190001234|012345678|Trần Thị Bình|02031990|Nữ|Thôn 5, Gio Linh, Quảng Trị|10052021"


def test_a_card_says_who_its_owner_is():
    card = cardqr.parse(CARD)

    assert card.number == "045190001234"
    assert card.full_name == "Trần Thị Bình"
    assert card.birth_date == datetime.date(1990, 3, 2)
    assert (card.sex, card.address) == ("Nữ", "Thôn 5, Gio Linh, Quảng Trị")
    assert card.issued == datetime.date(2021, 5, 10)
    assert card.doubts == ()


@pytest.mark.parametrize(
    "typed",
    [
        f"  {CARD}\r\n",
        f"{CARD}||Trần Văn Cha|Nguyễn Thị Mẹ|",  # newer cards say more
        CARD.replace("012345678", ""),
        CARD.replace("|", "¦"),
        unicodedata.normalize("NFD", CARD),
        CARD.replace("Trần Thị Bình", "Trần  Thị \u200bBình"),
        CARD.replace("02031990", "02/03/1990"),
    ],
)
def test_the_same_card_typed_by_another_scanner_says_the_same(typed):
    card = cardqr.parse(typed)

    assert (card.number, card.full_name) == ("045190001234", "Trần Thị Bình")
    assert card.birth_date == datetime.date(1990, 3, 2)
    assert card.doubts == ()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "một phần mã"),
        ("045190001234", "một phần mã"),
        (CARD[:60].rpartition("|")[0], "một phần mã"),
        (CARD.replace("045190001234", "04519000123"), "không phải của thẻ căn cước"),
        (CARD.replace("045190001234", "999190001234"), "không phải của thẻ căn cước"),
        (CARD.replace("Trần Thị Bình", "http://vi.du/1"), "Không đọc được họ tên"),
        (CARD.replace("Trần Thị Bình", ""), "Không đọc được họ tên"),
        ("|" * 500, "không phải của thẻ căn cước"),
    ],
)
def test_half_a_code_is_refused_with_what_to_do(typed, words):
    with pytest.raises(cardqr.Unreadable, match=words):
        cardqr.parse(typed)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("02031990", "02031991", "sinh năm 1990"),
        ("02031990", "31021990", "Không đọc được ngày sinh"),
        ("Nữ", "Nam", "không khớp với giới tính"),
        ("Trần Thị Bình", "Tran Thi Binh", "không có dấu"),
        ("Trần Thị Bình", "Tr?n Th? Bình", "không có dấu"),
    ],
)
def test_what_does_not_fit_together_is_doubted_and_still_read(old, new, words):
    card = cardqr.parse(CARD.replace(old, new))

    assert card.number == "045190001234"
    assert any(words in doubt for doubt in card.doubts)
