"""What a role may do in the admin: one table, synced, limited to one's offices."""

from __future__ import annotations

import datetime
import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.admin.sites import site as officials_site
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from portal import roles
from procedures.models import Absence, Agency, Posting
from tests import factories

pytestmark = pytest.mark.django_db

Role = Posting.Role
POSTINGS = "/quan-tri/procedures/posting/"
PEOPLE = "/quan-tri/portal/user/"
DISTRICT = "H50"


def logged_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def text_of(response) -> str:
    body = re.sub(r"(?s)<(head|script|style).*?</\1>", " ", response.content.decode())
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def synced() -> dict[str, set[str]]:
    """What the groups of roles may do, as the database has it."""
    return {
        group.name: {f"{p.content_type.app_label}.{p.codename}" for p in group.permissions.all()}
        for group in Group.objects.prefetch_related("permissions__content_type")
    }


# --- The table ------------------------------------------------------------------------


def test_after_a_migration_each_role_has_exactly_what_the_table_says():
    Group.objects.get(name=Role.CASHIER).permissions.add(
        Permission.objects.get(codename="delete_payment")
    )
    Group.objects.filter(name=Role.LEADER).delete()
    roles.sync_groups()
    once = synced()

    roles.sync_groups()

    assert synced() == once == {role: set(names) for role, names in roles.PERMISSIONS.items()}
    assert roles.PERMISSIONS.keys() == set(Role.values)


def test_permissions_are_those_of_todays_postings_and_of_nothing_else():
    clerk = factories.official(Role.RECEPTION)
    clerk.user_permissions.add(Permission.objects.get(codename="delete_user"))
    clerk.groups.add(Group.objects.get(name=Role.ADMINISTRATOR))
    yesterday = timezone.localdate() - datetime.timedelta(days=1)
    former = factories.official(Role.ADMINISTRATOR)
    Posting.objects.filter(user=former).update(valid_until=yesterday)
    citizen = factories.user()
    Posting.objects.create(
        user=citizen, agency=Agency.objects.get(code=factories.COMMUNE), role=Role.ADMINISTRATOR
    )

    assert clerk.get_all_permissions() == roles.PERMISSIONS[Role.RECEPTION]
    assert former.get_all_permissions() == citizen.get_all_permissions() == set()


@pytest.mark.parametrize("role", Role.values)
def test_every_list_of_the_admin_opens_to_whom_the_table_says(role):
    request = RequestFactory().get("/")
    request.user = factories.official(role)

    differing = {
        model._meta.label_lower
        for model, page in officials_site._registry.items()
        for action in ("view", "add", "change")
        if getattr(page, f"has_{action}_permission")(request)
        and f"{model._meta.app_label}.{action}_{model._meta.model_name}"
        not in roles.PERMISSIONS[role]
    }
    unseen = {
        model._meta.label_lower
        for model, page in officials_site._registry.items()
        if f"{model._meta.app_label}.view_{model._meta.model_name}" in roles.PERMISSIONS[role]
        and not page.has_view_permission(request)
    }

    assert differing == unseen == set()


# --- The administrator ----------------------------------------------------------------


@pytest.fixture
def boss():
    return factories.official(Role.ADMINISTRATOR)


def new_posting(person, **fields) -> dict:
    commune = Agency.objects.get(code=factories.COMMUNE)
    day = f"{timezone.localdate():%d/%m/%Y}"
    return {
        "user": person.pk, "agency": commune.pk, "role": Role.CASE_OFFICER, "title": "Công chức",
        "valid_from": day, "valid_until": "",
    } | fields  # fmt: skip


def test_an_administrator_makes_an_official_and_says_where_they_work(boss):
    client = logged_in(boss)

    made = client.post(
        f"{PEOPLE}add/", {"email": "Moi@xa.example.vn", "full_name": "Lê Văn Mới", "phone": ""}
    )
    person = get_user_model().objects.get(email="moi@xa.example.vn")
    client.post(f"{POSTINGS}add/", new_posting(person))

    posting = Posting.objects.get(user=person)
    assert made.headers["Location"] == f"{POSTINGS}add/"
    assert person.is_staff and not person.is_superuser and not person.has_usable_password()
    assert (posting.role, posting.appointed_by) == (Role.CASE_OFFICER, boss)
    assert LogEntry.objects.filter(user=boss).count() == 2


def test_nobody_gives_a_role_to_themselves_or_lengthens_their_own(boss):
    client = logged_in(boss)
    own = boss.postings.get()

    refused = client.post(f"{POSTINGS}add/", new_posting(boss))
    changed = client.post(f"{POSTINGS}{own.pk}/change/", {"title": "Chủ tịch", "valid_until": ""})

    assert refused.status_code == 200
    assert changed.status_code == 403
    assert list(boss.postings.values_list("role", "title")) == [(own.role, own.title)]


def test_the_same_posting_twice_and_days_out_of_order_are_refused_with_a_sentence(boss):
    clerk = factories.official(Role.CASE_OFFICER)
    client = logged_in(boss)

    twice = client.post(f"{POSTINGS}add/", new_posting(clerk))
    backwards = client.post(f"{POSTINGS}add/", new_posting(clerk, valid_until="01/02/2024"))

    assert "đã có đúng vai trò ấy" in text_of(twice)
    assert "không được trước ngày đầu" in text_of(backwards)
    assert clerk.postings.count() == 1


def test_an_administrator_sees_their_offices_and_nothing_of_others_or_of_dossiers(boss):
    dossier = factories.filed()
    here = factories.official(Role.APPROVER)
    elsewhere = factories.official(Role.APPROVER, office=factories.OTHER_COMMUNE)
    runner = factories.user(is_staff=True, is_superuser=True)
    client = logged_in(boss)

    people, postings = client.get(PEOPLE), text_of(client.get(POSTINGS))
    pages = [
        client.get(f"{PEOPLE}{person.pk}/change/").status_code
        for person in (here, elsewhere, runner, dossier.owner)
    ]
    posted = client.post(f"{POSTINGS}add/", new_posting(elsewhere))
    other_office = Agency.objects.get(code=factories.OTHER_COMMUNE).pk
    posted_there = client.post(f"{POSTINGS}add/", new_posting(here, agency=other_office))

    assert here.email in text_of(people)
    assert elsewhere.email not in text_of(people) and dossier.owner.email not in text_of(people)
    assert here.full_name in postings and elsewhere.full_name not in postings
    assert pages == [200, 302, 302, 302]
    assert (posted.status_code, posted_there.status_code) == (200, 200)
    assert Posting.objects.filter(user__in=[here, elsewhere]).count() == 2
    assert client.get("/quan-tri/dossiers/dossier/").status_code == 403
    assert client.get(f"/quan-tri/dossiers/dossier/{dossier.pk}/change/").status_code == 404


def test_an_administrator_makes_nobody_mighty_and_takes_over_no_account(boss):
    here = factories.official(Role.APPROVER, email="ky@xa.example.vn")
    client = logged_in(boss)
    canary = {
        "full_name": "Tên mới", "phone": "", "is_active": "on", "is_superuser": "on",
        "email": "cua-toi@example.vn", "groups": "1", "citizen_number": "045190001234",
    }  # fmt: skip

    client.post(f"{PEOPLE}{here.pk}/change/", canary)
    password = client.get(f"{PEOPLE}{here.pk}/password/")

    here.refresh_from_db()
    assert here.full_name == "Tên mới"
    assert (here.email, here.is_superuser, here.citizen_number) == ("ky@xa.example.vn", False, "")
    assert password.status_code == 403


def test_an_administrator_leaves_alone_who_also_works_elsewhere(boss):
    both = factories.official(Role.APPROVER)
    there = Agency.objects.get(code=factories.OTHER_COMMUNE)
    Posting.objects.create(user=both, agency=there, role=Role.APPROVER)

    answer = logged_in(boss).post(f"{PEOPLE}{both.pk}/change/", {"full_name": "Tên mới"})

    both.refresh_from_db()
    assert answer.status_code == 403
    assert both.full_name != "Tên mới"


def test_a_posting_is_ended_and_neither_moved_nor_deleted(boss):
    clerk = factories.official(Role.CASE_OFFICER)
    posting = clerk.postings.get()
    client = logged_in(boss)
    today = timezone.localdate()

    client.post(
        f"{POSTINGS}{posting.pk}/change/",
        {"title": "Công chức", "valid_until": f"{today:%d/%m/%Y}", "role": Role.APPROVER},
    )
    deleted = client.post(f"{POSTINGS}{posting.pk}/delete/", {"post": "yes"})

    posting.refresh_from_db()
    assert (posting.role, posting.valid_until) == (Role.CASE_OFFICER, today)
    assert deleted.status_code == 403


def test_a_person_with_history_is_not_deleted_and_it_is_said_what_to_do(boss):
    clerk = factories.official(Role.CASE_OFFICER)

    response = logged_in(boss).post(f"{PEOPLE}{clerk.pk}/delete/", {"post": "yes"}, follow=True)

    assert "phải còn giải thích được" in text_of(response)
    assert get_user_model().objects.filter(pk=clerk.pk).exists()


def test_a_leave_is_recorded_and_called_off_before_it_begins(boss):
    clerk = factories.official(Role.CASE_OFFICER)
    client = logged_in(boss)
    address = reverse("admin:procedures_absence_add")
    day = timezone.localdate() + datetime.timedelta(days=3)
    data = {"user": clerk.pk, "first_day": f"{day:%d/%m/%Y}", "reason": "Nghỉ phép"}

    backwards = client.post(address, data | {"last_day": f"{timezone.localdate():%d/%m/%Y}"})
    client.post(address, data | {"last_day": f"{day:%d/%m/%Y}"})
    absence = Absence.objects.get()
    client.post(reverse("admin:procedures_absence_delete", args=[absence.pk]), {"post": "yes"})

    assert "không được trước ngày đầu" in text_of(backwards)
    assert absence.recorded_by == boss
    assert not Absence.objects.exists()
