"""The cash desk: fees whose amount the cashier types, drawers, and their closes."""

import time

import pytest
from django.core.management import call_command
from django.db.models import QuerySet
from django.urls import reverse

from dossiers import officepapers, results, workflow
from dossiers.models import Dossier, OfficePaper, Paper
from payments import counterfees, desk, services
from payments.models import CashClose, CashMovement, Payment
from procedures.models import Agency
from tests import factories
from tests.payments.test_payment_races import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def dossier():
    return factories.filed(factories.COPY)


@pytest.fixture
def cashier(dossier):
    return factories.official("cashier")


@pytest.fixture
def office(dossier):
    return dossier.receiving_agency


def take(dossier, cashier):
    assert services.take_cash(dossier.payments.last(), by=cashier)


def close(office, cashier, counted, note=""):
    found = desk.drawer(office, cashier)
    return desk.close_drawer(office, by=cashier, counted=counted, mark=found.mark, note=note)


def close_address(office):
    return reverse("admin:cash_close", args=[office.pk])


def test_cash_lies_in_the_drawer_of_who_took_it_until_it_is_closed(dossier, cashier, office):
    take(dossier, cashier)

    found = desk.drawer(office, cashier)
    closed, _paper = close(office, cashier, found.taken)

    assert [row.payment.dossier for row in found.movements] == [dossier]
    assert (found.given_back, found.expected) == (0, dossier.payments.get().amount)
    assert (closed.number, closed.taken, closed.difference) == (1, found.taken, 0)
    assert CashMovement.objects.get().close == closed
    assert desk.drawer(office, cashier).movements == []


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
class TestTwoPresses:
    """The same drawer closed twice at once, with a control that takes the lock away."""

    def pressed_twice(self, dossier, cashier, office, monkeypatch):
        take(dossier, cashier)
        drawer, ask_for = desk.drawer(office, cashier), desk._list_of

        def slowly(*args, **details):
            time.sleep(0.1)
            return ask_for(*args, **details)

        monkeypatch.setattr(desk, "_list_of", slowly)

        def press():
            return desk.close_drawer(office, by=cashier, counted=drawer.taken, mark=drawer.mark)

        return at_once(press, press)

    def test_two_presses_close_once(self, dossier, cashier, office, monkeypatch):
        answers = self.pressed_twice(dossier, cashier, office, monkeypatch)

        assert sum(isinstance(answer, desk.NothingToClose) for answer in answers) == 1
        assert CashClose.objects.count() == 1

    def test_without_the_lock_they_do_not_agree(self, dossier, cashier, office, monkeypatch):
        monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, *a, **options: rows.all())

        answers = self.pressed_twice(dossier, cashier, office, monkeypatch)

        assert not any(isinstance(answer, desk.NothingToClose) for answer in answers)
