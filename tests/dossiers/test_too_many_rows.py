"""Rows without end: told in a sentence, nothing saved, what was saved before kept."""

from __future__ import annotations

import pytest
from django.urls import reverse

from dossiers.models import Dossier
from tests import factories
from tests.factories import BIRTH

pytestmark = pytest.mark.django_db

WITNESSES = "nguoi_lam_chung"


@pytest.fixture
def draft(client):
    """A draft that asks for witnesses, of a person who is logged in."""
    draft = factories.draft(BIRTH)
    draft.answers["chung_minh"] = {"bang": "nguoi_lam_chung"}
    draft.save(update_fields=["answers"])
    client.force_login(draft.owner)
    return draft


def url(draft) -> str:
    return reverse("dossiers:section", args=[draft.key, WITNESSES])


def test_ten_thousand_rows_are_told_and_nothing_is_lost(client, draft):
    before = dict(draft.answers)

    response = client.post(
        url(draft), {"rows": "10000", "9999-nguoi.ho_ten": "Xa", "0-nguoi.ho_ten": "Lê Thị Mai"}
    )

    page = response.content.decode()
    assert response.status_code == 200
    assert "tối đa 5 mục" in page
    assert 'value="Lê Thị Mai"' in page
    assert page.count("mc-row") == 5
    assert Dossier.objects.get(pk=draft.pk).answers == before


def test_more_fields_than_any_page_has_get_a_page_that_says_so(client, draft):
    client.raise_request_exception = False
    before = dict(draft.answers)

    response = client.post(url(draft), {f"{row}-nguoi.ho_ten": "A" for row in range(10_000)})

    assert response.status_code == 400
    assert "quá nhiều ô" in response.content.decode()
    assert Dossier.objects.get(pk=draft.pk).answers == before
