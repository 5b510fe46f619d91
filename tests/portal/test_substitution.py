"""Who is away and who stands in: settled on one page, ended by one button."""

from __future__ import annotations

import datetime
import re
import time
from functools import partial

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dossiers import workflow
from procedures import substitution
from procedures.models import Absence, Posting
from tests import factories
from tests.dossiers.test_races import GAP, together

pytestmark = pytest.mark.django_db

Role = Posting.Role
PAGE = "/quan-tri/lam-thay/"


def logged_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def text_of(response) -> str:
    body = re.sub(r"(?s)<(head|script|style).*?</\1>", " ", response.content.decode())
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def day(offset: int) -> str:
    return f"{timezone.localdate() + datetime.timedelta(days=offset):%d/%m/%Y}"


def typed(replaced, substitute, **fields) -> dict:
    return {
        "replaced": replaced.pk, "substitute": substitute.pk, "first_day": day(0),
        "last_day": day(4), "is_absent": "on", "reason": "Nghỉ phép",
    } | fields  # fmt: skip


@pytest.fixture
def leader():
    return factories.official(Role.LEADER)


@pytest.fixture
def approver():
    return factories.official(Role.APPROVER, full_name="Hoàng Văn Ký")


@pytest.fixture
def deputy():
    return factories.official(Role.CASE_OFFICER, full_name="Trương Thị Phó")


def test_the_substitute_signs_the_same_day_and_reads_for_whom(leader, approver, deputy):
    office = factories.Office()
    dossier = office.proposed(factories.filed())

    made = logged_in(leader).post(PAGE, typed(approver, deputy), follow=True)
    approved = workflow.perform(dossier, "approve", by=deputy)
    theirs = logged_in(deputy).get("/quan-tri/dossiers/dossier/")

    row = Posting.objects.get(stands_in_for=approver)
    absence = Absence.objects.get()
    assert "Trương Thị Phó làm thay Hoàng Văn Ký" in text_of(made)
    assert approved.approved_at is not None
    assert "(làm thay Hoàng Văn Ký)" in text_of(theirs)
    assert (row.user, row.role, row.title, row.appointed_by) == (
        deputy, Role.APPROVER, "Chuyên viên", leader,
    )  # fmt: skip
    assert (absence.user, absence.recorded_by, absence.reason) == (approver, leader, "Nghỉ phép")
    assert LogEntry.objects.filter(user=leader).exists()


def test_a_substitute_does_not_sign_what_they_proposed_themselves(leader, approver, deputy):
    office = factories.Office()
    taken = workflow.perform(office.accepted(factories.filed()), "take", by=deputy)
    dossier = workflow.perform(taken, "propose", by=deputy)
    logged_in(leader).post(PAGE, typed(approver, deputy))

    with pytest.raises(workflow.Refused):
        workflow.perform(dossier, "approve", by=deputy)


def test_without_an_absence_nobody_is_called_away(leader, approver, deputy):
    data = typed(approver, deputy)
    del data["is_absent"]

    logged_in(leader).post(PAGE, data)

    assert Posting.objects.filter(stands_in_for=approver).count() == 1
    assert not Absence.objects.exists()


def test_one_button_ends_it_at_once(leader, approver, deputy):
    client = logged_in(leader)
    client.post(PAGE, typed(approver, deputy))
    row = Posting.objects.get(stands_in_for=approver)

    page = text_of(client.get(PAGE))
    client.post(reverse("admin:end_stand_in", args=[row.pk]))

    assert "Kết thúc ngay" in page
    assert not deputy.postings.filter(role=Role.APPROVER).current().exists()
    assert not Absence.objects.exists()
    assert "Không có ai đang làm thay" in text_of(client.get(PAGE))


def test_what_has_not_begun_is_taken_back(leader, approver, deputy):
    client = logged_in(leader)
    client.post(PAGE, typed(approver, deputy, first_day=day(2)))
    row = Posting.objects.get(stands_in_for=approver)

    page = text_of(client.get(PAGE))
    client.post(reverse("admin:end_stand_in", args=[row.pk]))

    assert "chưa bắt đầu" in page
    assert not Posting.objects.filter(stands_in_for=approver).exists()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"first_day": day(-1)}, "Ngày bắt đầu đã qua"),
        ({"last_day": day(-1)}, "không được trước ngày đầu"),
        ({"last_day": day(400)}, "dài nhất sáu tháng"),
        ({"first_day": "31/02/2026"}, "ngày"),
        ({"replaced": "99999"}, "không làm việc ở cơ quan của ông/bà"),
    ],
)
def test_wrong_days_and_people_are_refused_with_a_sentence(
    leader, approver, deputy, fields, sentence
):
    response = logged_in(leader).post(PAGE, typed(approver, deputy) | fields)

    assert response.status_code == 409
    assert sentence in text_of(response)
    assert not Posting.objects.exclude(stands_in_for=None).exists()


def test_nobody_stands_in_for_themselves_twice_or_while_away(leader, approver, deputy):
    other = factories.official(Role.APPROVER)
    client = logged_in(leader)
    stranger = factories.official(Role.APPROVER, office=factories.OTHER_COMMUNE)

    own = text_of(client.post(PAGE, typed(approver, approver)))
    self_given = text_of(client.post(PAGE, typed(approver, leader)))
    elsewhere = text_of(client.post(PAGE, typed(approver, stranger)))
    client.post(PAGE, typed(approver, deputy))
    twice = text_of(client.post(PAGE, typed(approver, other, first_day=day(3), last_day=day(9))))
    away = text_of(client.post(PAGE, typed(other, approver, first_day=day(4))))

    assert "Không ai làm thay cho chính mình" in own
    assert "không tự giao cho mình" in self_given
    assert "không làm việc ở cơ quan của ông/bà" in elsewhere
    assert "đã có người làm thay" in twice
    assert "cũng vắng mặt" in away
    assert Posting.objects.exclude(stands_in_for=None).count() == 1


def test_a_leader_of_another_office_neither_sees_nor_ends_it(leader, approver, deputy):
    logged_in(leader).post(PAGE, typed(approver, deputy))
    row = Posting.objects.get(stands_in_for=approver)
    client = logged_in(factories.official(Role.LEADER, office=factories.OTHER_COMMUNE))

    page = text_of(client.get(PAGE))
    ended = client.post(reverse("admin:end_stand_in", args=[row.pk]))

    assert approver.full_name not in page
    assert ended.status_code == 404
    assert deputy.postings.filter(role=Role.APPROVER).current().exists()


def test_the_page_asks_as_often_for_many_as_for_one(leader, approver, deputy):
    client = logged_in(leader)
    client.post(PAGE, typed(approver, deputy))
    client.get(PAGE)
    with CaptureQueriesContext(connection) as one:
        client.get(PAGE)
    for _number in range(5):
        client.post(PAGE, typed(factories.official(Role.CASE_OFFICER), deputy))

    with CaptureQueriesContext(connection) as many:
        client.get(PAGE)

    assert len(many) == len(one) <= 14, [query["sql"] for query in many]


# --- At the same moment ---------------------------------------------------------------


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_locked", [True, False], ids=["locked", "control"])
def test_two_leaders_at_once_appoint_one_substitute(monkeypatch, is_locked):
    leaders = [factories.official(Role.LEADER), factories.official(Role.LEADER)]
    replaced = factories.official(Role.APPROVER)
    substitutes = [factories.official(Role.CASE_OFFICER) for _leader in leaders]
    offices, today = [replaced.postings.get().agency_id], timezone.localdate()
    find = substitution._title_of

    def slowly(person):
        time.sleep(GAP)
        return find(person)

    monkeypatch.setattr(substitution, "_title_of", slowly)
    if not is_locked:
        people = get_user_model().objects
        monkeypatch.setattr(people, "select_for_update", people.all)

    outcomes = together(
        [
            partial(
                substitution.appoint, substitute, replaced=replaced, first_day=today,
                last_day=today, offices=offices, by=leader,
            )
            for leader, substitute in zip(leaders, substitutes, strict=True)
        ]
    )  # fmt: skip

    refused = [row for row in outcomes if isinstance(row, substitution.Refused)]
    assert len(refused) == (1 if is_locked else 0)
    assert Posting.objects.filter(stands_in_for=replaced).count() == (1 if is_locked else 2)
