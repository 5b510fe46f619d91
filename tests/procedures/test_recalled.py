"""What a process keeps of definitions that it has read."""

from __future__ import annotations

import pytest

from procedures import recalled
from procedures.models import Revision
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_read_yet(monkeypatch):
    monkeypatch.setattr(recalled, "_read", type(recalled._read)())


def deferred(pk: int) -> Revision:
    return Revision.objects.defer("definition").get(pk=pk)


def test_a_definition_is_fetched_once_in_a_process(django_assert_num_queries):
    pk = factories.procedure().current_id
    first = deferred(pk).form

    again = deferred(pk)
    with django_assert_num_queries(0):
        form, definition = again.form, again.definition

    assert form is first
    assert definition["form"]


def test_another_definition_of_the_same_number_is_read_anew():
    old = factories.procedure(factories.FUNERAL).current
    assert deferred(old.pk).form.section("nguoi_mat").title == "Người đã mất"

    new = factories.newer_revision(
        factories.FUNERAL, "title: Người đã mất", "title: Người qua đời"
    ).current

    assert deferred(new.pk).form.section("nguoi_mat").title == "Người qua đời"
    assert deferred(old.pk).form.section("nguoi_mat").title == "Người đã mất"


def test_only_so_many_are_kept(monkeypatch):
    monkeypatch.setattr(recalled, "AT_MOST", 1)
    for code in (factories.FUNERAL, factories.COPY):
        assert deferred(factories.procedure(code).current_id).form.sections

    assert len(recalled._read) == 1
