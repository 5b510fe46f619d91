"""What somebody among the officials may try, and what the portal keeps from them."""

from __future__ import annotations

import datetime

import pytest
from allauth.account.models import EmailAddress
from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dossiers import messages, opinions, personal, proposals
from dossiers.models import Event, Paper, Proposal, Recusal, SearchTerm
from portal import closing
from procedures import substitution
from procedures.models import Agency, Posting
from tests import factories

pytestmark = pytest.mark.django_db
Role = Posting.Role


def logged_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def office() -> factories.Office:
    return factories.Office()


def test_who_stepped_aside_neither_writes_nor_is_asked_nor_answers(office):
    dossier = office.processing(factories.filed())
    colleague = factories.official(Role.CASE_OFFICER)
    opinion = opinions.ask(dossier, "Đúng không?", by=office.officer, asked_of=colleague)
    for person in (colleague, office.reception):
        Recusal.objects.create(dossier=dossier, user=person, reason="em ruột")

    may_write = messages.may_write_for_office(dossier, office.reception)

    assert not may_write
    assert not opinions.is_asked(dossier, colleague)
    with pytest.raises(opinions.NotKept):
        opinions.answer(opinion, "Đúng.", by=colleague)
    with pytest.raises(opinions.NotKept):
        opinions.ask(dossier, "Và cái này?", by=office.officer, asked_of=colleague)


def test_who_is_asked_opens_the_files_until_their_posting_ends(office):
    top = Agency.objects.get(code=factories.COMMUNE)
    Agency.objects.filter(code=factories.OTHER_COMMUNE).update(parent=top)
    asked = factories.official(Role.CASE_OFFICER, factories.OTHER_COMMUNE)
    Posting.objects.create(user=asked, agency=top, role=Role.EDITOR)
    dossier = office.processing(factories.filed())
    opinions.ask(dossier, "Đúng không?", by=office.officer, asked_of=asked)
    url = reverse("dossiers:attachment", args=[dossier.attachments.first().key])

    opened = logged_in(asked).get(url)
    content = b"".join(opened)
    yesterday = timezone.localdate() - datetime.timedelta(days=1)
    asked.postings.filter(role=Role.CASE_OFFICER).update(valid_until=yesterday)
    afterwards = logged_in(asked).get(url)

    assert (opened.status_code, afterwards.status_code) == (200, 404)
    assert len(content) > 100


def test_every_way_to_the_page_of_signing_is_a_look(office):
    dossier = office.proposed(factories.filed())
    url = reverse("admin:sign_batch")
    looks = Event.objects.filter(dossier=dossier, name="look", actor=office.approver)

    client = logged_in(office.approver)
    client.post(url, {"hs": dossier.pk, "again": "1"})
    odd = client.post(url, {"hs": dossier.pk, "seen": ["9" * 5000, "9" * 30]})

    assert looks.count() == 1
    assert odd.status_code == 200


def test_the_log_of_a_list_that_was_taken_holds_no_words_of_a_search(office):
    office.processing(factories.filed())
    url = reverse("admin:report_dossiers")

    taken = logged_in(office.leader).get(
        url, {"dang": "csv", "trang-thai": "processing", "q": "Nguyễn Thị Bí"}
    )

    assert b"".join(taken)
    assert "q=" not in LogEntry.objects.get(user=office.leader).change_message


def test_an_administrator_lengthens_no_substitution_and_takes_over_no_telephone(office):
    admin = factories.official(Role.ADMINISTRATOR)
    deputy = factories.official(Role.CASE_OFFICER)
    today = timezone.localdate()
    [row] = substitution.appoint(
        deputy, replaced=office.approver, first_day=today, last_day=today,
        offices=[office.approver.postings.get().agency_id], by=office.leader,
    )  # fmt: skip
    EmailAddress.objects.create(user=deputy, email=deputy.email, verified=True)
    deputy.phone, deputy.phone_verified = "0912345678", True
    deputy.save()
    client = logged_in(admin)

    client.post(
        reverse("admin:procedures_posting_change", args=[row.pk]),
        {"title": "Phó", "valid_until": ""},
    )
    client.post(
        reverse("admin:portal_user_change", args=[deputy.pk]),
        {"full_name": deputy.full_name, "phone": "0987654321", "is_active": "on"},
    )

    row.refresh_from_db()
    deputy.refresh_from_db()
    assert (row.title, row.valid_until) == ("Phó", today)
    assert deputy.phone_verified is False


def test_a_proposal_of_which_nothing_can_be_told_keeps_no_other_waiting(office, monkeypatch):
    broken, late = (office.processing(factories.filed()) for _number in range(2))
    for dossier in (broken, late):
        Proposal.objects.create(dossier=dossier, kind=Proposal.Kind.SUPPLEMENT, details={})
    told = proposals.circumstances

    def breaks(dossier, *args):
        if dossier.pk == broken.pk:
            raise ValidationError("no calendar")
        return told(dossier, timezone.now() + datetime.timedelta(days=30))

    monkeypatch.setattr(proposals, "circumstances", breaks)

    assert proposals.mark_late() == 1
    assert late.proposals.get().needs_consent


def test_what_an_erased_account_said_finds_no_dossier_any_more(office):
    owner = factories.user(full_name="Kiều Thị Xóa", phone="0911222333")
    dossier = office.refused(factories.filed(owner=owner))
    before = set(SearchTerm.objects.filter(dossier=dossier).values_list("value", flat=True))

    closing.close(owner)

    after = set(SearchTerm.objects.filter(dossier=dossier).values_list("value", flat=True))
    assert "0911222333" in before
    assert not any("0911222333" in value or "kieu thi xoa" in value for value in after)


def test_a_persons_copy_holds_no_paper_of_the_office_alone(office):
    dossier = office.accepted(factories.filed())
    Paper.objects.create(
        dossier=dossier, kind=Paper.Kind.CONTROL, number=99, facts={}, file="noi-bo.pdf"
    )

    names = [row.name for row in personal.files_of(dossier.owner)]

    assert not any(name.endswith("-99.pdf") for name in names)


def test_days_that_no_clock_knows_are_refused_in_a_sentence(office):
    client = logged_in(office.leader)

    page = client.get(reverse("admin:breaches"), {"tu": "0001-01-01", "den": "9999-12-31"})

    assert "trong khoảng năm 2000 đến năm 2100" in page.content.decode()


def test_a_character_that_no_table_holds_comes_in_by_no_kept_filter(office):
    dossier = office.processing(factories.filed())
    client = logged_in(office.officer)
    page = reverse("admin:dossiers_dossier_change", args=[dossier.pk])

    shown = client.get(page, {"_bo-loc": "thu-tuc=a%00b&q=b%00c"})
    saved = client.post(reverse("admin:dossiers_view_save"), {"name": "x", "query": "q=Nguyen%00"})

    assert shown.status_code == 200
    assert "%00" not in saved.headers["Location"]


def test_a_locked_screen_keeps_no_password_that_an_open_page_still_sends(office):
    client = logged_in(office.officer)
    client.post("/quan-tri/khoa/", {"next": "/quan-tri/"})

    client.post(reverse("account_change_password"), {"oldpassword": "bi-mat", "password1": "x"})
    kept = dict(client.session)
    client.post("/quan-tri/dossiers/dossier/", {"text": "đang viết"})

    assert "bi-mat" not in str(kept)
    assert "đang viết" in str(dict(client.session))
