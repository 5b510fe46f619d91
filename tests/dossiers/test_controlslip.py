"""The control slip and the register: who had a dossier when, and on which line it stands."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from dossiers import numbering, workflow
from dossiers.models import Breach, Dossier, Paper, RegisterEntry
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> factories.Office:
    return factories.Office()


def fresh(dossier: Dossier) -> Dossier:
    return Dossier.objects.get(pk=dossier.pk)


def test_the_slip_names_every_hand_over_and_what_was_late(office):
    dossier = office.processing(factories.filed())
    Breach.objects.create(
        dossier=dossier, kind="step_late", at=timezone.now(), agency=dossier.handling_agency
    )
    workflow.perform(fresh(dossier), "propose", by=office.officer)

    workflow.perform(fresh(dossier), "print_control", by=office.reception)
    workflow.perform(fresh(dossier), "print_control", by=office.officer)

    first, second = Paper.objects.filter(dossier=dossier, kind=Paper.Kind.CONTROL)
    taken, proposed = first.facts["rows"]
    assert first.symbol.endswith("/PKS")
    assert first.symbol != second.symbol
    assert taken["taken_by"] == office.officer.get_full_name()
    assert taken["timing"] == "Đúng hạn"
    assert "người ký" in proposed["taker"]
    assert proposed["timing"] == "Quá hạn"
    assert len(second.facts["rows"]) == 2


def test_nothing_is_printed_of_what_was_not_accepted(office):
    dossier = factories.filed()

    with pytest.raises(workflow.NotPossible):
        workflow.perform(dossier, "print_control", by=office.reception)

    assert not dossier.papers.filter(kind=Paper.Kind.CONTROL).exists()


def test_each_accepted_dossier_has_one_line_of_the_register_without_gaps(office):
    dossiers = [office.accepted(factories.filed()) for _number in range(3)]

    numbering.enter_register(dossiers[0])

    lines = RegisterEntry.objects.filter(agency=dossiers[0].receiving_agency).order_by("number")
    receipt = dossiers[2].papers.get(kind=Paper.Kind.RECEIPT)
    assert [(row.number, row.dossier_id) for row in lines] == [
        (number, dossier.pk) for number, dossier in enumerate(dossiers, start=1)
    ]
    assert receipt.facts["register_line"] == 3


def test_with_the_result_the_slip_is_printed_and_stays_in_the_office(office, client, run_tasks):
    dossier = office.approved(factories.filed())
    run_tasks()

    slip = dossier.papers.get(kind=Paper.Kind.CONTROL)

    client.force_login(dossier.owner)
    assert [row["giver"] for row in slip.facts["rows"]][-1].endswith("(người ký)")
    assert client.get(reverse("dossiers:paper", args=[slip.token])).status_code == 404
    assert "kiểm soát" not in client.get(dossier.get_absolute_url()).content.decode()


def test_who_collects_at_the_counter_signs_a_slip(office, run_tasks):
    dossier = factories.filed()
    Dossier.objects.filter(pk=dossier.pk).update(delivery=Dossier.Delivery.COUNTER)
    dossier = office.approved(dossier)
    run_tasks()

    workflow.perform(fresh(dossier), "hand_over", by=office.reception, collector="Trần Văn Con")

    slip = dossier.papers.get(kind=Paper.Kind.HANDOVER)
    assert slip.facts["collector"] == "Trần Văn Con"
    assert slip.symbol.endswith("/BNKQ")
