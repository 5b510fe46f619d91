"""The web form made from a definition: what is asked, demanded and kept."""

from __future__ import annotations

import pytest
from crispy_forms.utils import render_crispy_form
from django.http import QueryDict

from dossiers.forms import RepeatedSection
from procedures.formspec.spec import Form
from procedures.formspec.webform import (
    SectionForm,
    asked_sections,
    fitting,
    is_complete,
    profile_row,
    prune,
    warnings,
)

FORM = Form.model_validate(
    [
        {
            "section": "mo_dau",
            "title": "Mở đầu",
            "fields": [
                {"id": "loai", "type": "choice", "label": "Loại", "options": {"a": "A", "b": "B"}},
                {"id": "ly_do", "type": "text", "label": "Lý do", "when": "mo_dau.loai = b"},
                {"id": "so", "type": "number", "label": "Số", "when": "mo_dau.ly_do != bo_qua"},
                {
                    "id": "them",
                    "type": "text",
                    "label": "Thêm",
                    "when": "mo_dau.ly_do = dac_biet",
                },
                {"id": "noi", "type": "address", "label": "Nơi", "optional": "yes"},
            ],
        },
        {
            "section": "con",
            "title": "Các con",
            "when": "mo_dau.loai = b",
            "repeat": {"min": "1", "max": "3", "row_name": "Con"},
            "fields": [
                {"id": "ho_ten", "type": "name", "label": "Họ tên"},
                {"id": "tuoi", "type": "number", "label": "Tuổi", "optional": "yes"},
                {"id": "truong", "type": "text", "label": "Trường", "when": "con.tuoi >= 6"},
            ],
        },
        {
            "section": "nguoi",
            "title": "Người",
            "when": "mo_dau.ly_do = dac_biet",
            "prefill": "profile",
            "fields": [
                {
                    "id": "cha",
                    "label": "Cha",
                    "fields": [
                        {"id": "ho_ten", "type": "name", "label": "Họ tên"},
                        {"id": "dan_toc", "type": "ethnicity", "label": "Dân tộc"},
                    ],
                },
                {
                    "id": "me",
                    "label": "Mẹ",
                    "when": "nguoi.co_me = yes",
                    "fields": [{"id": "dien_thoai", "type": "phone", "label": "Điện thoại"}],
                },
                {"id": "co_me", "type": "yes_no", "label": "Có mẹ", "default": "có"},
                {
                    "id": "dan_toc",
                    "type": "ethnicity",
                    "label": "Dân tộc",
                    "must_match": "nguoi.cha.dan_toc",
                },
            ],
        },
    ]
)
FIRST, CHILDREN, PERSON = FORM.sections


def sent(**values) -> QueryDict:
    data = QueryDict(mutable=True)
    for name, value in values.items():
        data.setlist(name.replace("__", "."), value if isinstance(value, list) else [value])
    return data


def test_a_question_that_is_not_asked_is_neither_demanded_nor_kept():
    form = SectionForm(FIRST, {}, None, sent(loai="a", ly_do="lén gửi", so="12"))

    assert form.is_valid()
    assert form.answer() == {"loai": "a", "so": 12}


def test_a_question_that_is_asked_is_demanded_by_its_name():
    form = SectionForm(FIRST, {}, None, sent(loai="b", so="1"))

    assert not form.is_valid()
    assert form.summary_errors() == [("id_ly_do", "Hãy nhập: Lý do.")]


def test_a_hidden_answer_opens_no_other_question():
    form = SectionForm(FIRST, {}, None, sent(loai="a", ly_do="dac_biet", so="1", them=""))

    assert form.is_valid()
    assert "them" not in form.answer()


def test_a_bad_value_in_a_hidden_question_is_no_error():
    form = SectionForm(FIRST, {}, None, sent(loai="a", so="1", ly_do="x" * 500))

    assert form.is_valid()


def test_fields_that_the_definition_does_not_have_are_ignored():
    data = sent(loai="a", so="1", state="returned", owner="1", mo_dau="x", noi="y", fee="0")

    form = SectionForm(FIRST, {}, None, data)

    assert form.is_valid()
    assert form.answer() == {"loai": "a", "so": 1}


def test_half_of_an_optional_address_is_not_lost_silently():
    data = sent(loai="a", so="1")
    data["noi.detail"] = "Thôn 5"

    form = SectionForm(FIRST, {}, None, data)

    assert not form.is_valid()
    assert form.summary_errors()[0][0] == "id_noi.commune"


def test_errors_are_listed_in_the_order_of_the_page_and_marked_at_the_input():
    form = SectionForm(FIRST, {}, None, sent(so="mười"))

    assert [anchor for anchor, _message in form.summary_errors()] == ["id_loai_0", "id_so"]
    assert form.fields["so"].widget.attrs["aria-invalid"] == "true"


def test_conditions_on_other_sections_use_their_answers():
    answers = {"mo_dau": {"loai": "b", "ly_do": "dac_biet"}}

    assert asked_sections(FORM, answers) == [FIRST, CHILDREN, PERSON]
    assert asked_sections(FORM, {"mo_dau": {"loai": "a"}}) == [FIRST]


def test_an_answer_that_falls_away_closes_the_sections_behind_it():
    answers = {
        "mo_dau": {"loai": "a", "ly_do": "dac_biet", "so": 1, "them": "x"},
        "con": [{"ho_ten": "An"}],
        "nguoi": {"cha": {"ho_ten": "Bình"}},
    }

    assert prune(FORM, answers) == {"mo_dau": {"loai": "a", "so": 1}}


def test_pruning_works_within_a_section_and_in_each_row():
    answers = {
        "mo_dau": {"loai": "b", "ly_do": "bo_qua", "so": 3, "la": "x"},
        "con": [
            {"ho_ten": "An", "tuoi": 7, "truong": "Tiểu học"},
            {"ho_ten": "Bé", "tuoi": 2, "truong": "không ai hỏi"},
        ],
        "khong_co": {"x": 1},
    }

    assert prune(FORM, answers) == {
        "mo_dau": {"loai": "b", "ly_do": "bo_qua"},
        "con": [
            {"ho_ten": "An", "tuoi": 7, "truong": "Tiểu học"},
            {"ho_ten": "Bé", "tuoi": 2},
        ],
    }


def test_pruning_twice_changes_nothing_more():
    answers = {"mo_dau": {"loai": "b", "ly_do": "dac_biet", "so": 3, "them": "x"}, "con": [{}]}
    once = prune(FORM, answers)

    assert prune(FORM, once) == once


def test_a_group_is_asked_as_a_whole():
    answers = {"mo_dau": {"loai": "b", "ly_do": "dac_biet"}}
    data = sent(cha__ho_ten="Bình", cha__dan_toc="Kinh", dan_toc="Kinh", me__dien_thoai="sai")

    without = SectionForm(PERSON, answers, None, data | {"co_me": "no"})
    with_her = SectionForm(PERSON, answers, None, sent(**{**data.dict(), "co_me": "yes"}))

    assert "me.dien_thoai" not in without.errors
    assert "me.dien_thoai" in with_her.errors


def test_rows_are_added_and_removed_and_keep_what_was_typed():
    data = sent(rows="2", add_row="1")
    data["0-ho_ten"], data["1-ho_ten"], data["1-tuoi"] = "An", "Bé 2", "sáu"

    added = RepeatedSection(CHILDREN, {}, data)
    changed = added.change_rows(data)

    assert changed
    assert [form["ho_ten"].value() for form in added.forms] == ["An", "Bé 2", None]
    assert added.forms[1]["tuoi"].value() == "sáu"

    del data["add_row"]
    data["remove_row"] = "0"
    removed = RepeatedSection(CHILDREN, {}, data)
    removed.change_rows(data)

    assert [form["ho_ten"].value() for form in removed.forms] == ["Bé 2"]


def test_no_more_rows_than_the_definition_allows():
    data = sent(rows="3", add_row="1")

    form = RepeatedSection(CHILDREN, {}, data)
    form.change_rows(data)

    assert len(form.forms) == 3
    assert form.summary_errors()[0] == ("", "Tối đa 3 dòng.")


@pytest.mark.parametrize("rows", ["", "0", "-1", "999", "9" * 5000, "x", "٣"])
def test_a_made_up_number_of_rows_stays_within_bounds(rows):
    form = RepeatedSection(CHILDREN, {}, sent(rows=rows, remove_row=rows))
    form.change_rows(sent(rows=rows, remove_row=rows))

    assert 1 <= len(form.forms) <= 3


def test_each_row_shows_its_own_faults():
    data = sent(rows="2")
    data["0-ho_ten"] = "An"
    data["1-tuoi"] = "7"

    form = RepeatedSection(CHILDREN, {"mo_dau": {"loai": "b"}}, data)

    assert not form.is_valid()
    assert [anchor for anchor, _message in form.summary_errors()] == [
        "id_1-ho_ten",
        "id_1-truong",
    ]


def test_defaults_and_saved_answers_are_shown():
    answers = {"mo_dau": {"ly_do": "dac_biet"}}

    fresh = SectionForm(PERSON, answers)
    saved = SectionForm(PERSON, answers, {"co_me": "no", "cha": {"ho_ten": "Bình"}})

    assert fresh["co_me"].value() == "yes"
    assert saved["co_me"].value() == "no"
    assert saved["cha.ho_ten"].value() == "Bình"


def test_the_profile_fills_the_first_question_of_each_kind():
    row = profile_row(PERSON, {"name": "Trần Thị Bình", "phone": "0912345678", "email": ""})

    assert row == {"cha": {"ho_ten": "Trần Thị Bình"}, "me": {"dien_thoai": "0912345678"}}


def test_answers_that_should_match_and_do_not_are_a_warning_only():
    answers = {"nguoi": {"cha": {"dan_toc": "Kinh"}, "dan_toc": "Tày"}}

    [warning] = warnings(FORM, answers)

    assert "Dân tộc" in warning
    assert warnings(FORM, {"nguoi": {"cha": {"dan_toc": "Kinh"}, "dan_toc": "Kinh"}}) == []
    assert warnings(FORM, {"nguoi": {"dan_toc": "Tày"}}) == []


def test_a_section_is_complete_when_all_that_it_asks_is_answered():
    assert is_complete(FIRST, {"mo_dau": {"loai": "a", "so": 0}})
    assert not is_complete(FIRST, {"mo_dau": {"loai": "b", "so": 0}})
    assert not is_complete(FIRST, {})
    assert not is_complete(CHILDREN, {"con": []})
    assert not is_complete(CHILDREN, {"con": [{"ho_ten": "An", "tuoi": 9}]})
    assert is_complete(CHILDREN, {"con": [{"ho_ten": "An", "tuoi": 5}]})


def test_answers_that_a_newer_form_would_not_take_are_asked_again():
    answers = {
        "mo_dau": {"loai": "khong_con_nua", "so": 5, "noi": "từng là một dòng chữ"},
        "con": {"ho_ten": "từng là một phần đơn"},
        "nguoi": [{"cha": "từng lặp lại"}],
    }

    assert fitting(FORM, answers) == {"mo_dau": {"so": 5}}


def test_what_the_script_hides_is_said_in_the_page_and_escaped():
    html = render_crispy_form(SectionForm(FIRST, {}))

    assert 'data-section="mo_dau"' in html
    assert "[&quot;compare&quot;, &quot;=&quot;" in html


CHAIN = Form.model_validate(
    [
        {
            "section": "mot",
            "title": "Một",
            "fields": [{"id": "co", "type": "yes_no", "label": "Có con"}],
        },
        {
            "section": "hai",
            "title": "Hai",
            "when": "mot.co = yes",
            "fields": [{"id": "hoc", "type": "yes_no", "label": "Đi học"}],
        },
        {
            "section": "ba",
            "title": "Ba",
            "when": "hai.hoc = yes",
            "fields": [{"id": "so", "type": "number", "label": "Số con", "min": "0"}],
        },
    ]
)


def test_a_section_that_falls_away_takes_those_behind_it_along():
    answers = {"mot": {"co": "no"}, "hai": {"hoc": "yes"}, "ba": {"so": 2}}

    assert prune(CHAIN, answers) == {"mot": {"co": "no"}}


def test_nought_is_an_answer_to_a_question_that_must_be_answered():
    form = SectionForm(CHAIN.sections[2], {}, None, sent(so="0"))

    assert form.is_valid()
    assert form.answer() == {"so": 0}


def test_what_another_page_rules_out_is_not_even_shown():
    form = Form.model_validate(
        [
            {
                "section": "mot",
                "title": "Một",
                "fields": [{"id": "co", "type": "yes_no", "label": "Có"}],
            },
            {
                "section": "hai",
                "title": "Hai",
                "fields": [
                    {"id": "luon", "type": "text", "label": "Luôn hỏi"},
                    {
                        "id": "nhom",
                        "label": "Nhóm",
                        "when": "mot.co = yes",
                        "fields": [{"id": "ten", "type": "name", "label": "Tên"}],
                    },
                ],
            },
        ]
    )

    without = SectionForm(form.sections[1], {"mot": {"co": "no"}})
    asked = SectionForm(form.sections[1], {"mot": {"co": "yes"}})

    assert list(without.fields) == ["luon"]
    assert "Nhóm" not in render_crispy_form(without)
    assert list(asked.fields) == ["luon", "nhom.ten"]


def test_what_an_editor_writes_is_text_and_neither_a_template_nor_markup():
    form = Form.model_validate(
        [
            {
                "section": "mot",
                "title": "Một",
                "fields": [
                    {
                        "id": "nhom",
                        "label": "{{ form }} {% now 'Y' %} <b>nhóm</b>",
                        "fields": [
                            {
                                "id": "ten",
                                "type": "text",
                                "label": "Tên <b>gì</b>",
                                "help": "Ghi <form action=x>",
                            }
                        ],
                    },
                    {"id": "noi", "type": "address", "label": "Nơi {% include 'x' %}"},
                ],
            }
        ]
    )

    html = render_crispy_form(SectionForm(form.sections[0], {}))

    assert "&#123;&#123; form }} &#123;% now &#x27;Y&#x27; %} &lt;b&gt;nhóm" in html
    assert "Nơi &#123;% include" in html
    assert "Ghi &lt;form action=x&gt;" in html
    assert "<b>" not in html
