"""Nobody decides on their own dossier, on a relative's, or on one they stepped aside from."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dossiers import conflicts, workflow
from dossiers.models import Dossier, Event, Recusal, Relative
from procedures.models import Posting
from tests import factories

pytestmark = pytest.mark.django_db

Role = Posting.Role
NUMBER = "045190001234"  # of the person in the answers of every fixture
OTHER = "045185004321"
PAGE = "/quan-tri/nguoi-than/"


@pytest.fixture
def office() -> factories.Office:
    return factories.Office()


def logged_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def text_of(response) -> str:
    body = re.sub(r"(?s)<(head|script|style).*?</\1>", " ", response.content.decode())
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def declare(person, number: str = NUMBER) -> Relative:
    return Relative.objects.create(
        user=person, name="Chị gái", relation="chị", citizen_number=number
    )


def fresh(dossier: Dossier) -> Dossier:
    return Dossier.objects.get(pk=dossier.pk)


def placed(where: str) -> Dossier:
    """A dossier in which the person of `OTHER` stands in one way alone."""
    owner = factories.user(citizen_number=OTHER if where == "filer" else "")
    dossier = factories.filed(owner=owner)
    if where == "principal":
        Dossier.objects.filter(pk=dossier.pk).update(behalf={"kind": "person", "number": OTHER})
    if where == "answers":
        answers = dossier.answers | {"con": [{"so": OTHER}]}
        Dossier.objects.filter(pk=dossier.pk).update(answers=answers)
    if where == "participant":
        dossier.participants.create(
            role="co_applicant", name="Anh", user=factories.user(citizen_number=OTHER)
        )
    return fresh(dossier)


@pytest.mark.parametrize("where", ["filer", "principal", "answers", "participant"])
def test_an_official_makes_no_move_where_a_relative_stands(office, where):
    dossier = placed(where)
    open_before = {action.name for action in workflow.open_to(dossier, office.reception)}
    declare(office.reception, OTHER)

    with pytest.raises(workflow.NotAllowed, match="người thân trong hồ sơ này"):
        workflow.perform(dossier, "accept", by=office.reception)

    assert "accept" in open_before
    assert list(workflow.open_to(dossier, office.reception)) == []
    assert fresh(dossier).state == "submitted"
    assert not Event.objects.filter(dossier=dossier, name="accept").exists()


def test_anothers_relative_and_a_stranger_hinder_nobody(office):
    dossier = factories.filed()
    declare(office.officer)
    declare(office.reception, OTHER)

    assert office.accepted(dossier).state == "accepted"


def test_the_refused_form_keeps_what_was_typed(office):
    dossier = factories.filed()
    declare(office.reception)
    address = reverse("admin:dossiers_dossier_move", args=[dossier.pk, "request_payment"])

    response = logged_in(office.reception).post(
        address, {"version": dossier.version, "reason": "Thiếu giấy chứng tử"}
    )

    assert response.status_code in {403, 409}
    assert "người thân trong hồ sơ này" in text_of(response)
    assert "Thiếu giấy chứng tử" in response.content.decode()


def test_stepping_aside_lets_go_of_the_dossier_for_good(office):
    dossier = office.processing(factories.filed())
    client = logged_in(office.officer)
    address = reverse("admin:dossiers_dossier_move", args=[dossier.pk, "step_aside"])

    empty = client.post(address, {"version": dossier.version})
    client.post(address, {"version": dossier.version, "reason": "Em ruột"})
    page = client.get(reverse("admin:dossiers_dossier_change", args=[dossier.pk]))

    event = Event.objects.get(dossier=dossier, name="step_aside")
    assert "có quan hệ thế nào" in text_of(empty)
    assert fresh(dossier).assignee is None
    assert Recusal.objects.get().reason == "Em ruột"
    assert "Em ruột" not in str(event.data)
    assert page.status_code == 200
    with pytest.raises(workflow.NotAllowed, match="người thân"):
        workflow.perform(fresh(dossier), "propose", by=office.officer)
    assert not dossier.owner.notices.filter(event=event).exists()


def test_it_costs_one_statement_whatever_was_declared(office):
    dossier = factories.filed()
    with CaptureQueriesContext(connection) as none:
        conflicts.has_conflict(dossier, office.reception)
    for number in range(20):
        declare(office.reception, f"04519000{number:04d}")

    with CaptureQueriesContext(connection) as many:
        conflicts.has_conflict(dossier, office.reception)

    assert len(none) == len(many) == 1


# --- The page -------------------------------------------------------------------------


def test_a_relative_is_declared_and_one_declared_by_mistake_taken_back(office):
    client = logged_in(office.officer)
    data = {"name": "Lê Thị Hoa", "relation": "vợ", "citizen_number": "045 190 001 234"}

    client.post(PAGE, data)
    declared = Relative.objects.get()
    twice = client.post(PAGE, data)
    client.post(reverse("admin:relative_remove", args=[declared.pk]))

    assert (declared.user, declared.citizen_number) == (office.officer, NUMBER)
    assert "đã khai người này" in text_of(twice)
    assert not Relative.objects.exists()


@pytest.mark.parametrize("number", ["", "123", "04519000123a", "999190001234"])
def test_a_number_that_no_card_bears_is_refused(office, number):
    response = logged_in(office.officer).post(
        PAGE, {"name": "Lê Thị Hoa", "relation": "vợ", "citizen_number": number}
    )

    assert response.status_code == 409
    assert 'value="Lê Thị Hoa"' in response.content.decode()
    assert not Relative.objects.exists()


def test_nobody_sees_or_removes_anothers_relatives(office):
    declared = declare(office.reception)
    client = logged_in(office.officer)

    page, removed = client.get(PAGE), client.post(f"{PAGE}{declared.pk}/bo/")

    assert NUMBER not in page.content.decode()
    assert removed.status_code == 404
    assert Relative.objects.exists()
