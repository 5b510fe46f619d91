"""Feedback and complaints: what one may send until when, who answers, and what is told."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dossiers import complaints, ledger
from dossiers.models import Complaint, Dossier, Notice, new_key
from procedures.models import Posting
from tests import factories

pytestmark = pytest.mark.django_db

Kind = Complaint.Kind
Role = Posting.Role


@pytest.fixture
def dossier() -> Dossier:
    """One that was refused by an approver three days ago."""
    dossier = factories.filed()
    approver = factories.official(Role.LEADER, full_name="Lê Thị Ký")
    ended = timezone.now() - datetime.timedelta(days=3)
    values = {"state": Dossier.State.RETURNED, "ended_at": ended, "approved_by": approver}
    Dossier.objects.filter(pk=dossier.pk).update(**values)
    return Dossier.objects.get(pk=dossier.pk)


def logged_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def page_of(dossier: Dossier) -> str:
    return reverse("dossiers:complaints", args=[dossier.code])


def made(dossier: Dossier, kind: str = Kind.COMPLAINT, text: str = "Không đúng") -> Complaint:
    return complaints.make(dossier, kind, text, by=dossier.owner, form_key=new_key())


def test_one_complains_from_ones_page_gets_a_code_and_sees_the_answer(dossier):
    client, state = logged_in(dossier.owner), dossier.state
    supervisor = factories.official(Role.SUPERVISOR, full_name="Hồ Thị Giám Sát")
    shown = client.get(page_of(dossier)).content.decode()
    form = {"form_key": "k" * 22, "kind": "complaint", "text": "Căn cứ từ chối không đúng"}

    first = client.post(page_of(dossier), form, follow=True).content.decode()
    client.post(page_of(dossier), form)  # the same form again
    row = Complaint.objects.get()
    office = logged_in(supervisor)
    one = reverse("admin:complaint", args=[row.pk])
    listed = office.get(reverse("admin:complaints")).content.decode()
    office.post(one, {"take_up": "1"})
    row.refresh_from_db()
    office.post(one, {"answer": "Khiếu nại đúng; cơ quan sẽ giải quyết lại."})
    twice = office.post(one, {"answer": "Khác"})
    told = client.get(page_of(dossier)).content.decode()

    until = timezone.localdate(dossier.ended_at) + datetime.timedelta(days=90)
    assert f"đến hết ngày {until:%d/%m/%Y}" in shown
    assert row.code.startswith("KN-")
    assert row.code in first
    assert "Căn cứ từ chối" in listed
    assert row.received_by == supervisor
    assert "Hồ Thị Giám Sát trả lời" in told
    assert "sẽ giải quyết lại" in told
    assert twice.status_code == 409
    dossier = Dossier.objects.get(pk=dossier.pk)
    assert dossier.state == state
    events = list(dossier.events.all())
    assert [event.name for event in events[-3:]] == [
        complaints.MADE, complaints.RECEIVED, complaints.ANSWERED,
    ]  # fmt: skip
    assert ledger.first_broken(events) is None
    assert "Căn cứ" not in str([event.data for event in events])
    kinds = list(Notice.objects.filter(recipient=dossier.owner).values_list("kind", flat=True))
    assert {"complaint_taken_up", "complaint_answered"} <= set(kinds)


def test_whoever_decided_or_has_a_relative_in_it_or_works_elsewhere_does_not_answer(dossier):
    row = made(dossier)
    officer = factories.official(Role.LEADER)
    ledger.append(dossier, "send_back", actor=officer, agency=dossier.handling_agency)
    elsewhere = factories.official(Role.SUPERVISOR, office=factories.OTHER_COMMUNE)
    row = complaints.for_page().get(pk=row.pk)

    refused = [
        complaints.why_not(row, person)
        for person in (
            dossier.approved_by, officer, elsewhere, factories.official(Role.CASE_OFFICER),
        )
    ]  # fmt: skip
    page = logged_in(dossier.approved_by).get(reverse("admin:complaint", args=[row.pk]))
    forced = logged_in(dossier.approved_by).post(
        reverse("admin:complaint", args=[row.pk]), {"answer": "Tôi thấy tôi đúng"}
    )

    assert all(refused)
    assert complaints.why_not(row, factories.official(Role.SUPERVISOR)) == ""
    assert "Gửi câu trả lời" not in page.content.decode()
    assert forced.status_code == 409
    assert logged_in(elsewhere).get(page.request["PATH_INFO"]).status_code == 404
    assert not Complaint.objects.get().answer


def test_each_kind_has_its_time_and_a_complaint_is_not_taken_after_ninety_days(dossier):
    complaint, feedback = made(dossier), made(dossier, Kind.FEEDBACK)

    assert (timezone.localdate(complaint.due_at) - timezone.localdate()).days >= 40
    assert feedback.code.startswith("PA-")
    assert 18 <= (timezone.localdate(feedback.due_at) - timezone.localdate()).days <= 40
    with time_machine.travel(dossier.ended_at + datetime.timedelta(days=91), tick=False):
        client = logged_in(dossier.owner)
        page = client.get(page_of(dossier)).content.decode()
        forced = client.post(
            page_of(dossier), {"form_key": new_key(), "kind": "complaint", "text": "Muộn"}
        )
        with pytest.raises(complaints.NotKept, match="90 ngày"):
            made(dossier)
        made(dossier, Kind.FEEDBACK)

    assert "đã hết hạn ngày" in page
    assert 'value="complaint"' not in page
    assert "Hãy chọn một loại." in forced.content.decode()


def test_there_is_a_bound_to_a_day_and_to_a_text_and_nothing_typed_is_lost(dossier):
    client = logged_in(dossier.owner)
    for number in range(3):
        made(dossier, text=f"Lần {number}")

    fourth = client.post(
        page_of(dossier), {"form_key": new_key(), "kind": "feedback", "text": "Lần nữa"}
    ).content.decode()
    long = client.post(
        page_of(dossier), {"form_key": "x", "kind": "other", "text": "d" * 4001}
    ).content.decode()

    assert "xin gửi tiếp vào ngày mai" in fourth
    assert "Lần nữa" in fourth
    assert "trong 4.000 ký tự" in long
    assert Complaint.objects.count() == 3
    assert logged_in(factories.user()).get(page_of(dossier)).status_code == 404


def test_the_office_is_reminded_once_before_the_time_and_late_ones_are_marked(dossier):
    row = made(dossier)
    supervisor = factories.official(Role.SUPERVISOR)

    early = complaints.remind()
    with time_machine.travel(row.due_at - datetime.timedelta(days=1), tick=False):
        counts = [complaints.remind(), complaints.remind()]
    with time_machine.travel(row.due_at + datetime.timedelta(days=1), tick=False):
        page = logged_in(supervisor).get(reverse("admin:complaints")).content.decode()

    assert [early, *counts] == [0, 1, 0]
    notice = Notice.objects.get(kind=complaints.REMINDED)
    assert notice.recipient == supervisor  # the leader decided in it
    assert notice.path == reverse("admin:complaint", args=[row.pk])
    assert "(quá hạn)" in page


def test_the_list_asks_as_much_for_one_as_for_many(dossier):
    client = logged_in(factories.official(Role.SUPERVISOR))
    rows = [
        Complaint(
            dossier=dossier, agency=dossier.handling_agency, kind=Kind.FEEDBACK, text="x",
            made_by=dossier.owner, due_at=timezone.now(), form_key=new_key(), code=f"PA-{number}",
        )
        for number in range(30)
    ]  # fmt: skip
    rows[0].save()
    client.get(reverse("admin:complaints"))
    one = _queries(client)
    Complaint.objects.bulk_create(rows[1:])

    assert _queries(client) == one


def _queries(client: Client) -> int:
    with CaptureQueriesContext(connection) as queries:
        client.get(reverse("admin:complaints"))
    return len(queries)
