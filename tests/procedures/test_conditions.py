"""The small language of `when`."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st

from procedures.formspec import conditions
from procedures.formspec.conditions import ConditionError, as_data, compared, holds, paths

FILED = datetime.datetime(2026, 11, 24, 9, 0, tzinfo=datetime.UTC)
ANSWERS = {
    "be": {"ngay_sinh": "2026-09-24", "noi_sinh": "co_so_y_te", "thu_tu": 2},
    "ban_sao": {"can": "yes", "so_luong": 10, "cach": ["tu_lay", "buu_dien"]},
    "con": [{"ho_ten": "An"}],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("be.noi_sinh = co_so_y_te", True),
        ("be.noi_sinh != co_so_y_te", False),
        ('be.noi_sinh = "co_so_y_te"', True),
        ("ban_sao.so_luong > 9", True),
        ("ban_sao.so_luong >= 10", True),
        ("ban_sao.so_luong < 9", False),
        ("ban_sao.so_luong <= 10", True),
        ("9 < ban_sao.so_luong", True),
        ("ban_sao.cach = buu_dien", True),
        ("ban_sao.cach != buu_dien", False),
        ("ban_sao.cach = tai_nha", False),
        ("not ban_sao.can = yes", False),
        ("not not ban_sao.can = yes", True),
    ],
)
def test_comparisons_say_what_they_look_like(text, expected):
    assert holds(text, ANSWERS, filed=FILED) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.x = 1 or a.x = 2 and a.y = 9", True),
        ("(a.x = 1 or a.x = 2) and a.y = 9", False),
        ("a.y = 9 and a.x = 2 or a.x = 1", True),
        ("not a.x = 2 and a.y = 3", True),
        ("not (a.x = 1 and a.y = 3)", False),
    ],
)
def test_and_binds_tighter_than_or_and_not_tighter_than_both(text, expected):
    assert holds(text, {"a": {"x": "1", "y": "3"}}) is expected


@pytest.mark.parametrize("word", ["yes", "co", "có", "Có", "true"])
def test_every_spelling_of_yes_is_yes(word):
    assert holds(f"a.b = {word}", {"a": {"b": "yes"}})


@pytest.mark.parametrize("word", ["no", "khong", "không", "Không", "false"])
def test_every_spelling_of_no_is_no(word):
    assert holds(f"a.b = {word}", {"a": {"b": "no"}})


@pytest.mark.parametrize("operator", ["=", ">", ">=", "<", "<="])
def test_a_question_without_answer_makes_every_comparison_false(operator):
    assert not holds(f"be.chua_hoi {operator} 1", ANSWERS)


def test_a_question_without_answer_is_different_from_everything():
    assert holds("be.chua_hoi != 1", ANSWERS)
    assert holds("khong.co.phan.nay != 1", ANSWERS)


def test_a_repeated_section_has_no_single_answer():
    assert not holds("con.ho_ten = An", ANSWERS)


@pytest.mark.parametrize(
    ("born", "late"), [("2026-09-25", False), ("2026-09-24", True), ("2026-09-26", False)]
)
def test_days_are_counted_from_one_date_to_the_other(born, late):
    answers = {"be": {"ngay_sinh": born}}

    assert holds("days_between(be.ngay_sinh, filed) > 60", answers, filed=FILED) is late


@pytest.mark.parametrize(
    ("born", "age"), [("2008-11-24", 18), ("2008-11-25", 17), ("2008-02-29", 18)]
)
def test_age_is_counted_in_full_years(born, age):
    assert holds(f"age(a.b) = {age}", {"a": {"b": born}}, filed=FILED)


def test_the_day_of_filing_is_the_day_in_viet_nam():
    late_evening_utc = datetime.datetime(2026, 11, 23, 18, 0, tzinfo=datetime.UTC)

    assert holds("filed = 2026-11-24", {}, filed=late_evening_utc)


def test_dates_are_ordered_as_days():
    assert holds("be.ngay_sinh < 2026-10-01", ANSWERS)
    assert not holds("be.ngay_sinh > filed", ANSWERS, filed=FILED)


@pytest.mark.parametrize("answer", ["không phải ngày", 12, ["x"], {"y": 1}, 10**400])
def test_an_answer_of_another_kind_is_simply_not_true(answer):
    assert not holds("days_between(a.b, filed) > 1", {"a": {"b": answer}})
    assert not holds("a.b < 3", {"a": {"b": answer}})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a.b", "thiếu dấu so sánh"),
        ("a.b =", "thiếu một vế"),
        ("= 1", "thiếu một vế"),
        ("(a.b = 1", "thiếu “)”"),
        ("a.b = 1 2", "thừa “2”"),
        ("a.b == 1", "thiếu một vế"),
        ('a.b = "x', "không hiểu"),
        ("len(a.b) = 1", "không có hàm “len”"),
        ("age(a.b, c.d) = 1", "hàm age cần 1 giá trị"),
        ("days_between(a.b) > 1", "hàm days_between cần 2 giá trị"),
        ("(" * 5000 + "a.b = 1", "quá nhiều lớp"),
        ("not " * 5000 + "a.b = 1", "quá nhiều lớp"),
        ("age(" * 5000 + "a.b", "quá nhiều lớp"),
    ],
)
def test_a_mistake_is_told_in_a_vietnamese_sentence(text, words):
    with pytest.raises(ConditionError, match=words.replace("(", r"\(").replace(")", r"\)")):
        conditions.parse(text)


def test_many_conditions_side_by_side_are_not_nested():
    text = " and ".join(["days_between(a.b, filed) >= 0"] * 200)

    assert holds(text, {"a": {"b": "2026-11-24"}}, filed=FILED)


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.text(),
        st.lists(
            st.sampled_from(
                ["a.b", "=", "!=", ">", "(", ")", "and", "or", "not", "filed", "age", "1", ",", '"']
            ),
            max_size=30,
        ).map(" ".join),
    )
)
def test_whatever_is_written_is_an_expression_or_a_condition_error(text):
    try:
        conditions.parse(text)
    except ConditionError as error:
        assert str(error)
    else:
        assert holds(text, ANSWERS) in {True, False}
        assert list(paths(text)) is not None


def test_paths_and_compared_words_are_listed_for_the_loader():
    text = "a.b = co and (c.d != khac or days_between(e.f, filed) > 60)"

    assert set(paths(text)) == {"a.b", "c.d", "e.f"}
    assert {("a.b", "=", "yes"), ("c.d", "!=", "khac")} <= set(compared(text))
    assert list(paths("")) == list(compared("")) == []


def test_the_script_gets_the_expression_as_plain_lists():
    assert as_data("a.b = có or not c.d > 2") == [
        "or",
        "",
        ["compare", "=", ["path", "a.b"], ["literal", "yes"]],
        ["not", "", ["compare", ">", ["path", "c.d"], ["literal", "2"]]],
    ]


def test_no_condition_is_nothing_for_the_script():
    assert as_data("") is None


@time_machine.travel("2026-11-24 09:00+07:00")
def test_the_script_is_told_of_functions_and_of_the_day_of_filing():
    assert as_data("days_between(a.b, filed) > 60") == [
        "compare",
        ">",
        ["call", "days_between", ["path", "a.b"], ["literal", "2026-11-24"]],
        ["literal", "60"],
    ]


def test_what_turns_on_other_pages_is_worked_out_before_it_goes_to_the_script():
    answers = {"a": {"x": "1"}, "b": {"y": "2"}}

    data = as_data("a.x = 1 and (b.y = 3 or c.z = 1)", here="c", answers=answers)

    assert data == [
        "and",
        "",
        ["fact", "yes"],
        ["or", "", ["fact", ""], ["compare", "=", ["path", "c.z"], ["literal", "1"]]],
    ]


# --- Dates of which a part is unknown -------------------------------------------------


@pytest.mark.parametrize(
    ("text", "born", "expected"),
    [
        ("age(a.b) >= 41", "1985", False),
        ("age(a.b) >= 40", "1985", True),
        ("age(a.b) >= 41", "1985-03", True),
        ("age(a.b) < 40", "1985", False),
        ("age(a.b) = 41", "1985-03", True),
        ("age(a.b) = 41", "1985", False),
        ("age(a.b) != 41", "1985", True),
        ("days_between(a.b, filed) > 60", "2026", False),
        ("days_between(a.b, filed) > 60", "2026-08", True),
        ("days_between(a.b, filed) <= 60", "2026-11", True),
        ("a.b < 2026-07-01", "2026", False),
        ("a.b < 2026-07-01", "2026-06", True),
        ("a.b >= 2026-07-01", "2026-07", True),
        ("2026-07-01 > a.b", "1985", True),
        ("a.b = 2026-07-01", "2026-07", False),
        ("a.b = 1985", "1985", True),
        ("a.b < 2026-07-01", "0000", False),
        ("age(a.b) > 1", "9999-13", False),
    ],
)
def test_an_incomplete_date_counts_only_where_each_of_its_days_would(text, born, expected):
    assert holds(text, {"a": {"b": born}}, filed=FILED) is expected


def test_an_amount_that_looks_like_a_year_stays_an_amount():
    assert holds("a.b > 999", {"a": {"b": 1985}})
    assert holds("a.b > 999", {"a": {"b": "1985"}})


# --- Laws -----------------------------------------------------------------------------

OPERANDS = ["a.x", "a.y", "b.z", "c.d.e", "1", "2.5", "mot", "yes", '"hai ba"', "2026-01-31"]
CALLS = ["filed", "age(a.x)", "days_between(a.y, filed)", "days_between(b.z, a.x)"]
ANSWER = st.one_of(
    st.none(),
    st.text(max_size=5),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.dates().map(str),
    st.sampled_from(["1", "2.5", "mot", "yes", "hai ba", "2026-01-31", ""]),
    st.lists(st.sampled_from(["mot", "1"]), max_size=2),
    st.dictionaries(st.just("commune"), st.just("1")),
)
FILLED = st.fixed_dictionaries(
    {},
    optional={
        "a": st.fixed_dictionaries({}, optional={"x": ANSWER, "y": ANSWER}),
        "b": st.one_of(ANSWER, st.fixed_dictionaries({"z": ANSWER})),
        "c": st.one_of(ANSWER, st.fixed_dictionaries({"d": st.fixed_dictionaries({"e": ANSWER})})),
    },
)


def expressions(operands: list[str]):
    compare = st.tuples(
        st.sampled_from(operands),
        st.sampled_from(["=", "!=", ">", ">=", "<", "<="]),
        st.sampled_from(operands),
    ).map(" ".join)
    return st.recursive(
        compare,
        lambda inner: st.one_of(
            inner.map(lambda text: f"not ({text})"),
            st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
                lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"
            ),
        ),
        max_leaves=6,
    )


ANY = expressions(OPERANDS + CALLS)


@settings(max_examples=300, deadline=None)
@given(text=ANY, answers=FILLED)
def test_every_expression_is_true_or_false_of_any_answers(text, answers):
    assert holds(text, answers, filed=FILED) in {True, False}


@settings(max_examples=200, deadline=None)
@given(text=ANY, answers=FILLED)
def test_not_turns_it_around(text, answers):
    assert holds(f"not ({text})", answers, filed=FILED) is not holds(text, answers, filed=FILED)


@settings(max_examples=200, deadline=None)
@given(one=ANY, other=ANY, answers=FILLED)
def test_de_morgan_holds(one, other, answers):
    neither = f"not (({one}) or ({other}))"
    both_not = f"not ({one}) and not ({other})"

    assert holds(neither, answers, filed=FILED) is holds(both_not, answers, filed=FILED)


@settings(max_examples=200, deadline=None)
@given(text=ANY)
def test_brackets_around_the_whole_change_nothing(text):
    assert conditions.parse(f"(({text}))") == conditions.parse(text)


def interpreted(node: list, answers: dict) -> bool:
    """What the browser's script makes of the plain lists, in a few lines."""
    kind, text, *parts = node
    if kind == "and":
        return all(interpreted(part, answers) for part in parts)
    if kind == "or":
        return any(interpreted(part, answers) for part in parts)
    if kind == "not":
        return not interpreted(parts[0], answers)
    values = [conditions.lookup(answers, t) if k == "path" else t for k, t in parts]
    return conditions.compare(values[0], text, values[1])


@settings(max_examples=300, deadline=None)
@given(text=expressions(OPERANDS), answers=FILLED)
def test_what_the_script_gets_means_the_same(text, answers):
    data = as_data(text)

    assert data is not None
    assert interpreted(data, answers) is holds(text, answers, filed=FILED)
