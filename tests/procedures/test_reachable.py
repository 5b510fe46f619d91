"""What can never hold is found, and never claimed of what can."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procedures.formspec import conditions, reachable
from procedures.formspec.spec import Form

FORM = Form.model_validate(
    [
        {
            "section": "a",
            "title": "A",
            "fields": [
                {"id": "x", "type": "choice", "label": "X", "options": {"mot": "1", "hai": "2"}},
                {"id": "co", "type": "yes_no", "label": "Có"},
                {"id": "nhieu", "type": "choices", "label": "N", "optional": "yes",
                 "options": {"do": "Đỏ", "xanh": "Xanh", "vang": "Vàng"}},
                {"id": "so", "type": "number", "label": "Số", "min": "1", "max": "20",
                 "when": "a.co = yes"},
                {"id": "sinh", "type": "date", "label": "Ngày sinh"},
                {"id": "khac", "type": "date", "label": "Ngày khác", "optional": "yes"},
                {"id": "ghi", "type": "text", "label": "Ghi chú", "optional": "yes"},
                {"id": "gioi", "type": "gender", "label": "Giới tính"},
                {"id": "tien", "type": "money", "label": "Tiền"},
                {"id": "cam", "type": "declaration", "text": "Xin cam đoan"},
            ],
        },
        {
            "section": "b",
            "title": "B",
            "when": "a.x = mot",
            "fields": [
                {"id": "y", "type": "choice", "label": "Y", "options": {"p": "P", "q": "Q"}},
                {"id": "nhom", "type": "group", "when": "b.y = p",
                 "fields": [{"id": "z", "type": "yes_no", "label": "Z"}]},
            ],
        },
        {
            "section": "dong",
            "title": "Dòng",
            "repeat": {"row_name": "Người"},
            "fields": [
                {"id": "k", "type": "choice", "label": "K", "options": {"u": "U", "v": "V"}},
                {"id": "tuoi", "type": "number", "label": "Tuổi"},
            ],
        },
    ]
)  # fmt: skip


@pytest.mark.parametrize(
    "when",
    [
        "a.x = mot",
        "a.x != mot",
        "not a.x = mot",
        "a.co = yes and a.so = 20",
        "a.so > 19 and a.so <= 20",
        "a.so >= 1 and a.so < 2",
        "a.nhieu = do and a.nhieu = xanh",
        "a.nhieu = do and not a.nhieu = xanh and not a.nhieu = vang",
        "a.nhieu != do and a.nhieu != xanh and a.nhieu != vang",
        "a.sinh < 2026-01-01 and a.sinh > 2025-12-30",
        "days_between(a.sinh, filed) > 60",
        "age(a.sinh) >= 14 and age(a.sinh) < 16",
        "age(a.sinh) >= 80 or age(a.sinh) < 1",
        "not age(a.sinh) >= 80",
        "a.sinh < a.khac",
        "a.sinh > filed",
        "filed > 2026-07-01",
        "a.ghi = khac",
        "a.ghi != khac",
        "a.gioi = nu and a.cam = yes",
        "a.tien > 1000000",
        "b.y = p and b.nhom.z = no",
        "b.y != p and a.x = hai",
        "dong.k != u",
        "9 < a.so",
        "1 = 1",
    ],
)
def test_what_can_hold_is_never_refused(when):
    assert reachable.can_hold(FORM, (when,))
    assert reachable.can_hold_alone(FORM, when)


@pytest.mark.parametrize(
    "when",
    [
        "a.x = mot and a.x = hai",
        "a.x != mot and a.x != hai",
        "not (a.x = mot or a.x = hai)",
        "a.so > 20",
        "a.so < 1",
        "a.so > 3 and a.so < 4",
        "a.co = no and a.so = 2",
        "a.sinh < 2026-01-01 and a.sinh >= 2026-01-01",
        "age(a.sinh) >= 16 and age(a.sinh) < 14",
        "days_between(a.sinh, filed) > 60 and days_between(a.sinh, filed) <= 60",
        "a.x = hai and b.y = p",
        "b.y = q and b.nhom.z = yes",
        "a.x = hai and b.nhom.z = yes",
        "a.gioi = nam and a.gioi = nu",
        "a.tien < 0",
        "dong.k = u",
        "dong.tuoi > 3",
        "a.cam != yes",
        "1 = 2",
    ],
)
def test_what_can_never_hold_is_found(when):
    assert not reachable.can_hold(FORM, (when,))


def test_a_row_of_a_repeated_section_has_answers_only_inside_it():
    assert reachable.can_hold(FORM, ("dong.k = u and dong.tuoi > 3",), inside="dong")
    assert not reachable.can_hold(FORM, ("dong.k = u and dong.k = v",), inside="dong")
    assert not reachable.can_hold(FORM, ("dong.k = u",), inside="a")


def test_several_conditions_are_taken_together():
    assert reachable.can_hold(FORM, ("a.x = mot", "b.y = p"))
    assert not reachable.can_hold(FORM, ("a.x = hai", "b.y = p"))


def test_alone_a_condition_is_not_measured_by_those_behind_it():
    assert reachable.can_hold_alone(FORM, "a.x = hai and b.y = p")
    assert not reachable.can_hold_alone(FORM, "b.y = p and b.y = q")


def test_where_there_are_too_many_cases_nothing_is_said():
    fields = [{"id": f"q{n}", "type": "text", "label": "Q"} for n in range(40)]
    form = Form.model_validate([{"section": "a", "title": "A", "fields": fields}])
    different = " and ".join(f"a.q{n} < a.q{n + 1}" for n in range(39))
    never = f"({different}) and a.q0 = x and a.q0 = y"

    assert reachable.can_hold(form, (never,)) in {True, False}


# --- Against trying out everything ----------------------------------------------------

SMALL = Form.model_validate(
    [
        {
            "section": "s",
            "title": "S",
            "fields": [
                {"id": "a", "type": "choice", "label": "A",
                 "options": {"p": "P", "q": "Q", "r": "R"}},
                {"id": "b", "type": "yes_no", "label": "B", "when": "s.a = p"},
                {"id": "c", "type": "number", "label": "C", "min": "1", "max": "4",
                 "optional": "yes"},
            ],
        },
        {
            "section": "t",
            "title": "T",
            "when": "s.b = yes or s.c > 2",
            "fields": [{"id": "d", "type": "yes_no", "label": "D"}],
        },
    ]
)  # fmt: skip

COMPARISONS = st.sampled_from(
    ["s.a = p", "s.a != q", "s.a = r", "s.b = yes", "s.b != yes", "s.c > 2", "s.c = 1",
     "s.c <= 3", "3 > s.c", "t.d = yes", "t.d != no", "t.d = no"]
)  # fmt: skip
EXPRESSIONS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        inner.map(lambda text: f"not ({text})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"
        ),
    ),
    max_leaves=6,
)


def complete_answers():
    """Every way to fill `SMALL` in, whole."""
    for a, b, c, d in itertools.product(
        "pqr", ["yes", "no", None], [1, 2, 3, 4, None], ["yes", "no", None]
    ):
        answers = {"s": {"a": a, "b": b, "c": c}, "t": {"d": d}}
        asked_b = a == "p"
        asked_d = b == "yes" or (c or 0) > 2
        if (b is not None) == asked_b and (d is not None) == asked_d:
            yield answers


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS)
def test_the_search_agrees_with_trying_out_everything(when):
    expected = any(conditions.holds(when, answers) for answers in complete_answers())

    assert reachable.can_hold(SMALL, (when,)) is expected
