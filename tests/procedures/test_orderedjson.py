"""JSON keeps the order of its keys, whichever database keeps it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procedures.models import Revision
from procedures.orderedjson import in_order, with_order
from tests import factories

KEYS = st.text(min_size=1, max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=12,
)


def as_jsonb(value):
    """The value with its keys as `jsonb` sorts them."""
    if isinstance(value, list):
        return [as_jsonb(part) for part in value]
    if not isinstance(value, dict):
        return value
    names = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
    return {name: as_jsonb(value[name]) for name in names}


def ordered(value):
    """The value with pairs in place of objects, so that their order is compared too."""
    if isinstance(value, list):
        return [ordered(part) for part in value]
    return [(k, ordered(v)) for k, v in value.items()] if isinstance(value, dict) else value


@given(VALUES)
def test_the_order_of_keys_survives_a_database_that_sorts_them(value):
    back = in_order(as_jsonb(with_order(value)))

    assert ordered(back) == ordered(value)


def test_nothing_is_added_where_the_order_is_that_of_the_database():
    value = {"a": 1, "b": [{"c": 2, "dd": 3}]}

    assert with_order(value) == value


@pytest.mark.django_db
def test_the_options_of_a_question_stand_in_the_order_of_the_file():
    procedure = factories.procedure(factories.BIRTH)

    field = Revision.objects.get(pk=procedure.current_id).form.paths()["nguoi_yeu_cau.quan_he"]

    assert list(field.options) == [
        "cha", "me", "ong_ba", "nguoi_than", "nuoi_duong", "duoc_uy_quyen",
    ]  # fmt: skip


@pytest.mark.django_db
def test_a_value_within_is_still_found_by_its_path():
    factories.procedure(factories.FUNERAL)

    found = Revision.objects.filter(definition__office__tier="commune")

    assert found.values_list("definition__office__tier", flat=True).get() == "commune"
    assert found.get().definition["code"] == factories.FUNERAL
