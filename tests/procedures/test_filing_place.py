"""Where a dossier counts: a portal on trial says so, an official one keeps nobody in vain."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from dossiers.models import Dossier
from procedures.filingplace import national_url, portal_office
from procedures.models import Agency, Procedure
from tests import factories

pytestmark = pytest.mark.django_db


def text_of(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


@pytest.fixture
def official(settings) -> None:
    """The portal's office works for good, not on trial."""
    factories.offices()
    settings.DEMO = False
    Agency.objects.filter(pk=portal_office().pk).update(mode=Agency.Mode.OFFICIAL)


def start(procedure: Procedure) -> str:
    return reverse("dossiers:start", args=[procedure.code])


@pytest.mark.parametrize("name", ["home", "procedures:list", "help", "account_login"])
def test_a_trial_says_so_on_every_page_and_where_it_counts(client, name):
    factories.offices()

    page = client.get(reverse(name))

    assert "Cổng đang chạy thử" in text_of(page)
    assert "chưa có giá trị pháp lý" in text_of(page)
    assert 'href="https://dichvucong.gov.vn/"' in page.content.decode()


def test_an_official_portal_has_no_such_banner(client, official):
    assert "Cổng đang chạy thử" not in text_of(client.get(reverse("home")))


def test_a_demo_is_a_trial_whatever_the_office_says(client, official, settings):
    settings.DEMO = True

    assert "Cổng đang chạy thử" in text_of(client.get(reverse("home")))


def test_on_trial_a_national_procedure_can_be_tried_and_leads_to_where_it_counts(client):
    procedure = factories.procedure(factories.BIRTH)

    page = client.get(procedure.get_absolute_url()).content.decode()

    assert start(procedure) in page
    assert 'href="https://dichvucong.gov.vn/"' in page


def test_officially_the_button_is_the_link_to_the_national_portal(client, official):
    procedure = factories.procedure(factories.BIRTH)

    page = client.get(procedure.get_absolute_url())

    assert start(procedure) not in page.content.decode()
    assert "Nộp tại Cổng Dịch vụ công quốc gia" in text_of(page)
    assert "Nộp ở đây sẽ không được giải quyết" in text_of(page)


def test_officially_a_procedure_of_this_portal_is_filed_here(client, official):
    procedure = factories.procedure(factories.FUNERAL)

    assert start(procedure) in client.get(procedure.get_absolute_url()).content.decode()


def test_the_start_page_refuses_with_the_sentence_and_makes_no_draft(client, official):
    procedure = factories.procedure(factories.BIRTH)
    client.force_login(factories.user())

    shown = client.get(start(procedure))
    sent = client.post(start(procedure))

    for page in (shown, sent):
        assert "Cổng Dịch vụ công quốc gia" in text_of(page)
        assert "Nộp ở đây sẽ không được giải quyết" in text_of(page)
    assert not Dossier.objects.exists()


def test_a_draft_of_the_trial_is_not_filed_once_the_portal_is_official(client, official):
    from django.utils import timezone

    from dossiers import filing

    draft = factories.draft(factories.BIRTH)

    found = filing.problems(draft, now=timezone.now())

    assert "Cổng Dịch vụ công quốc gia" in found[0].message


def test_the_checklist_leads_there_too(client, official):
    procedure = factories.procedure(factories.BIRTH)

    page = client.get(reverse("procedures:needs", args=[procedure.code]), {"xem": "1"})

    assert start(procedure) not in page.content.decode()
    assert "Nộp tại Cổng Dịch vụ công quốc gia" in text_of(page)


def test_the_address_may_hold_the_code(settings):
    settings.NATIONAL_PORTAL_URL = "https://quocgia.example/thu-tuc/{code}?x=1"

    assert national_url("1.001193") == "https://quocgia.example/thu-tuc/1.001193?x=1"
