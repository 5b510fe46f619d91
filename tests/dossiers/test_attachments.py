"""Files that people send: what is taken, under which name, and who gets them back."""

from __future__ import annotations

import dataclasses
import hashlib
import re

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.urls import reverse

from dossiers import attachments, workflow
from dossiers.models import Attachment, Dossier, Paper, Result
from procedures.models import Posting
from tests import factories
from tests.factories import FUNERAL
from tests.sentfiles import pdf, upload

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _working_day():
    with time_machine.travel("2026-11-25 09:00+07:00"):
        yield


def test_the_stored_name_is_ours_and_the_shown_one_theirs():
    draft = factories.draft(FUNERAL)

    row = attachments.store(
        draft, "giay_chung_tu", upload(pdf(), "..\\..\\x\u202egpj.exe"), by=draft.owner
    )

    assert row.name == "xgpj.pdf"
    assert re.fullmatch(r"attachments/2026/11/[0-9a-f]{32}\.pdf", row.file.name)
    row.file.delete(save=False)


# --- How many -------------------------------------------------------------------------


def test_the_same_file_twice_for_one_paper_is_one_row():
    draft = factories.draft(FUNERAL)

    first, second = (
        attachments.store(draft, "khac", factories.picture("#222222"), by=draft.owner)
        for _time in range(2)
    )

    assert first == second
    assert draft.attachments.filter(document="khac").count() == 1


def test_the_twenty_first_file_is_refused():
    draft = factories.draft(FUNERAL)
    one = draft.attachments.get()
    for number in range(19):
        one.pk, one.key, one.sha256 = None, f"{number:022d}", f"{number:064d}"
        one.save()

    with pytest.raises(ValidationError, match="tối đa 20 tệp"):
        attachments.store(draft, "khac", factories.picture("#333333"), by=draft.owner)


def test_all_files_of_a_dossier_together_have_a_limit():
    draft = factories.draft(FUNERAL)
    draft.attachments.update(size=100 * 1024 * 1024 - 100)

    with pytest.raises(ValidationError, match="nặng quá 100 MB"):
        attachments.store(draft, "khac", factories.picture("#333333"), by=draft.owner)


def test_nothing_is_added_or_taken_out_behind_the_back_of_the_office():
    dossier = factories.filed(FUNERAL)
    row = dossier.attachments.get()

    with pytest.raises(ValidationError, match="đã nộp"):
        attachments.store(dossier, "khac", factories.picture("#444444"), by=dossier.owner)
    with pytest.raises(ValidationError, match="đã nộp"):
        attachments.remove(row)
    with pytest.raises(Dossier.DoesNotExist):
        attachments.discard(dossier)

    assert Attachment.objects.get() == row
    assert row.file.storage.exists(row.file.name)


# --- Getting them back ----------------------------------------------------------------


@pytest.fixture
def dossier():
    return factories.filed(FUNERAL)


def file_addresses(dossier: Dossier) -> dict[str, str]:
    """Every kind of file of a dossier, with something in it."""
    paper = dossier.papers.get(kind=Paper.Kind.FILING)
    paper.file.save("x.pdf", upload(pdf()))
    result = Result.objects.create(dossier=dossier, title="Quyết định", sha256="0" * 64)
    result.file.save("x.pdf", upload(pdf()))
    return {
        "attachment": reverse("dossiers:attachment", args=[dossier.attachments.get().key]),
        "paper": reverse("dossiers:paper", args=[paper.token]),
        "result": reverse("dossiers:result", args=[result.token]),
    }


def fetch(client, url: str):
    response = client.get(url)
    if response.streaming:
        response.fetched = b"".join(response.streaming_content)
    return response


def test_a_file_comes_back_as_it_is_kept_as_a_download_that_runs_nowhere(client, dossier):
    client.force_login(dossier.owner)
    addresses = file_addresses(dossier)

    for kind in ("attachment", "paper"):
        response = fetch(client, addresses[kind])
        assert response.status_code == 200
        assert response["Content-Disposition"].startswith("attachment; filename=")
        assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Cross-Origin-Resource-Policy"] == "same-origin"
        assert response["Cache-Control"] == "no-store, private"
        assert response["Content-Type"] in {"image/jpeg", "application/pdf"}
    kept = hashlib.sha256(fetch(client, addresses["attachment"]).fetched).hexdigest()
    assert kept == dossier.attachments.get().sha256


def test_officials_of_the_office_get_files_and_their_look_is_recorded(client, dossier):
    addresses = file_addresses(dossier)
    officer = factories.official(Posting.Role.CASE_OFFICER)
    client.force_login(officer)

    for url in addresses.values():
        assert fetch(client, url).status_code == 200
        assert fetch(client, url).status_code == 200

    looks = dossier.events.filter(name="look", actor=officer)
    assert [event.data["what"].split(":")[0] for event in looks] == ["file", "paper", "result"]


def test_officials_elsewhere_former_ones_and_strangers_find_nothing(client, dossier):
    addresses = file_addresses(dossier)
    elsewhere = factories.official(Posting.Role.CASE_OFFICER, factories.OTHER_COMMUNE)
    moved = factories.official(Posting.Role.CASE_OFFICER)
    Posting.objects.filter(user=moved).update(valid_from="2026-01-01", valid_until="2026-11-24")
    unstaffed = factories.official(Posting.Role.CASE_OFFICER)
    unstaffed.is_staff = False
    unstaffed.save()

    for person in (elsewhere, moved, unstaffed, factories.user()):
        client.force_login(person)
        for url in addresses.values():
            assert client.get(url).status_code == 404
    client.logout()
    for url in addresses.values():
        assert client.get(url).status_code == 302
    assert not dossier.events.filter(name="look").exists()


def test_files_of_a_draft_are_its_owners_alone(client):
    draft = factories.draft(FUNERAL)
    url = reverse("dossiers:attachment", args=[draft.attachments.get().key])

    client.force_login(factories.official(Posting.Role.CASE_OFFICER))
    refused = client.get(url)
    client.force_login(draft.owner)

    assert refused.status_code == 404
    assert fetch(client, url).status_code == 200


def test_the_citizen_gets_the_result_only_once_it_was_handed_over(client, dossier):
    url = file_addresses(dossier)["result"]
    client.force_login(dossier.owner)
    before = client.get(url)
    states = Dossier.objects.filter(pk=dossier.pk)

    assert before.status_code == 404
    for state in (Dossier.State.AWAITING_APPROVAL, Dossier.State.COMPLETED):
        states.update(state=state)
        assert client.get(url).status_code == 404
    states.update(state=Dossier.State.RETURNED)
    assert fetch(client, url).status_code == 200
    Result.objects.update(revoked_at="2026-11-25T10:00:00+07:00")
    assert client.get(url).status_code == 404


def test_a_paper_that_is_not_made_yet_is_not_there(client, dossier):
    client.force_login(dossier.owner)

    assert (
        client.get(reverse("dossiers:paper", args=[dossier.papers.first().token])).status_code
        == 404
    )


def test_files_are_only_looked_at(client, dossier):
    client.force_login(dossier.owner)
    addresses = file_addresses(dossier)

    for url in addresses.values():
        assert client.post(url).status_code == 405
        assert client.delete(url).status_code == 405


def asked_again(filed_files: int = 1) -> Dossier:
    """A dossier with this many filed files, of which one paper is asked for again."""
    dossier = factories.draft(factories.FUNERAL)
    for number in range(filed_files - 1):
        one = dataclasses.replace(factories.taken_picture(), sent_sha256=f"{number:064d}")
        attachments.keep(dossier, "giay_chung_tu", one, by=dossier.owner)
    dossier = workflow.perform(dossier, "submit", by=dossier.owner)
    return workflow.perform(
        dossier, "request_supplement", by=factories.Office().reception,
        items="Chụp lại", documents=["giay_chung_tu"], reason="Mờ",
    )  # fmt: skip


def test_a_supplement_has_room_however_much_was_filed():
    dossier = asked_again(attachments.MAX_FILES)

    attachments.store(dossier, "giay_chung_tu", factories.pdf("mới"), by=dossier.owner)

    workflow.perform(dossier, "answer_supplement", by=dossier.owner)


def test_the_same_file_answers_a_request_to_send_it_again():
    dossier = asked_again()

    attachments.store(dossier, "giay_chung_tu", factories.picture(), by=dossier.owner)

    workflow.perform(dossier, "answer_supplement", by=dossier.owner)
