"""Amounts in digits and in words, against the vectors of DOMAIN.md 6."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.money import format_dong, in_words

_DIGITS = {
    "không": 0, "một": 1, "mốt": 1, "hai": 2, "ba": 3, "bốn": 4, "tư": 4,
    "năm": 5, "lăm": 5, "sáu": 6, "bảy": 7, "tám": 8, "chín": 9,
}  # fmt: skip
_SCALES = {"triệu": 10**6, "nghìn": 10**3}


def read_back(words: str) -> int:
    """The amount that the words say, read the way a person would."""
    above = below = group = digit = 0
    for word in words.lower().removesuffix(" đồng").split():
        if word in _DIGITS:
            digit = _DIGITS[word]
        elif word == "trăm":
            group, digit = digit * 100, 0
        elif word == "mười":
            group, digit = group + 10, 0
        elif word == "mươi":
            group, digit = group + digit * 10, 0
        elif word in _SCALES:
            below, group, digit = below + (group + digit) * _SCALES[word], 0, 0
        elif word == "tỷ":
            above, below, group, digit = (above + below + group + digit) * 10**9, 0, 0, 0
        else:
            assert word == "linh"
    return above + below + group + digit


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0, "Không đồng"),
        (5, "Năm đồng"),
        (10, "Mười đồng"),
        (14, "Mười bốn đồng"),
        (15, "Mười lăm đồng"),
        (24, "Hai mươi tư đồng"),
        (105, "Một trăm linh năm đồng"),
        (1_010, "Một nghìn không trăm mười đồng"),
        (8_000, "Tám nghìn đồng"),
        (21_000, "Hai mươi mốt nghìn đồng"),
        (101_000, "Một trăm linh một nghìn đồng"),
        (115_000, "Một trăm mười lăm nghìn đồng"),
        (1_005_000, "Một triệu không trăm linh năm nghìn đồng"),
        (
            1_234_567,
            "Một triệu hai trăm ba mươi tư nghìn năm trăm sáu mươi bảy đồng",
        ),
        (1_000_000_000, "Một tỷ đồng"),
        (1_000_000_015, "Một tỷ không trăm mười lăm đồng"),
        (1_000_015_000, "Một tỷ không trăm mười lăm nghìn đồng"),
        (
            1_005_000_000_005,
            "Một nghìn không trăm linh năm tỷ không trăm linh năm đồng",
        ),
    ],
)
def test_an_amount_is_spelled_as_an_office_spells_it(amount, words):
    assert in_words(amount) == words


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0 đồng"), (999, "999 đồng"), (8_000, "8.000 đồng"), (1_234_567, "1.234.567 đồng")],
)
def test_thousands_are_parted_by_dots(amount, text):
    assert format_dong(amount) == text


@pytest.mark.parametrize("amount", [-1, 1.0, 8000.5, "8000", Decimal(8000), None, True])
def test_what_is_no_whole_amount_is_refused(amount):
    for spell in (format_dong, in_words):
        with pytest.raises(ValueError):
            spell(amount)


@given(st.integers(min_value=0, max_value=10**21))
def test_words_say_the_amount_without_double_spaces(amount):
    words = in_words(amount)

    assert words.split(" ") == words.split()
    assert read_back(words) == amount
