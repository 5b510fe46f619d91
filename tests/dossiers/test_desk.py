"""The leader's desk: the three lists, signing what was looked at, and answering for breaches."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.contrib import admin
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dossiers import workflow
from dossiers.models import Breach, Dossier, Proposal, Tally
from procedures.models import Absence, Agency, Posting
from procedures.worktime import VIETNAM
from tests import factories

NOW = datetime.datetime(2026, 11, 25, 9, 0, tzinfo=VIETNAM)
State = Dossier.State

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def office():
    return factories.Office()


def as_(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def commune() -> Agency:
    return Agency.objects.get(code=factories.COMMUNE)


def copies(dossier: Dossier, count: int) -> list[Dossier]:
    """More dossiers like this one, without going the whole way again."""
    rows = []
    for number in range(count):
        row = Dossier.objects.get(pk=dossier.pk)
        row.pk, row.key, row.code = None, f"{number:022d}", f"000.01.61.H50-261125-9{number:03d}"
        rows.append(row)
    return Dossier.objects.bulk_create(rows)


def breach(dossier: Dossier, **values) -> Breach:
    """A rule that was not kept with a dossier."""
    values = {"kind": Breach.Kind.OVERDUE, "at": timezone.now(), **values}
    return Breach.objects.create(dossier=dossier, agency=dossier.handling_agency, **values)


# --- The lists ------------------------------------------------------------------------


def test_the_desk_lists_what_to_sign_to_decide_and_to_answer_for(office, clock):
    signed = office.proposed(factories.filed())
    soon = office.processing(factories.filed())
    apology = Proposal.objects.create(dossier=soon, kind=Proposal.Kind.EXTENSION)
    late = breach(soon, officer=office.officer)
    clock.move_to(soon.promised_at - datetime.timedelta(days=1))

    page = as_(office.approver).get(reverse("admin:desk"))

    shown = page.context
    assert [row["dossier"] for row in shown["to_sign"].rows] == [signed]
    assert [row["proposal"] for row in shown["proposals"].rows] == [apology]
    assert [row["dossier"] for row in shown["due_soon"].rows] == [soon]
    assert [row["breach"] for row in shown["breaches"].rows] == [late]
    assert shown["due_soon"].rows[0]["holder"] == office.officer.get_full_name()
    assert "ngày làm việc" in shown["due_soon"].rows[0]["held"]


def test_what_is_settled_at_the_counter_is_signed_first(office):
    usual, at_once = office.proposed(factories.filed()), office.proposed(factories.filed())
    Dossier.objects.filter(pk=at_once.pk).update(is_at_once=True)

    page = as_(office.approver).get(reverse("admin:desk"))

    assert [row["dossier"] for row in page.context["to_sign"].rows] == [at_once, usual]
    assert "Giải quyết ngay" in page.content.decode()


def test_the_desk_holds_nothing_of_another_office(office):
    dossier = office.proposed(factories.filed())
    breach(dossier)
    elsewhere = factories.official("leader", office=factories.OTHER_COMMUNE)

    shown = as_(elsewhere).get(reverse("admin:desk")).context

    counts = [shown[name].count for name in ("to_sign", "proposals", "due_soon", "breaches")]
    assert counts == [0, 0, 0, 0]


def test_a_desk_of_fifty_rows_asks_no_more_than_one_of_one(office, settings):
    dossier = office.proposed(factories.filed())
    soon = office.processing(factories.filed())
    Dossier.objects.filter(pk=soon.pk).update(promised_at=timezone.now())
    proposal = Proposal.objects.create(dossier=soon, kind=Proposal.Kind.EXTENSION)
    breach(dossier)
    client = as_(office.approver)
    client.get(reverse("admin:desk"))

    with CaptureQueriesContext(
        connection,
    ) as one:
        client.get(reverse("admin:desk"))
    more = [*copies(dossier, 59)]
    for row in more:
        breach(row)
    with CaptureQueriesContext(connection) as many:
        page = client.get(reverse("admin:desk"))

    assert len(many) == len(one)
    assert proposal.pk
    assert (page.context["to_sign"].count, len(page.context["to_sign"].rows)) == (60, 50)
    assert page.context["to_sign"].more == 10


def test_a_supervisor_reads_the_desk_and_signs_nothing(office):
    dossier = office.proposed(factories.filed())
    Proposal.objects.create(dossier=dossier, kind=Proposal.Kind.EXTENSION)
    client = as_(factories.official("supervisor"))

    page = client.get(reverse("admin:desk"))

    assert page.context["to_sign"].count == 1
    assert page.context["proposals"].rows[0]["label"] == "Xem hồ sơ"
    assert reverse("admin:sign_batch") not in page.content.decode()
    assert client.get(reverse("admin:sign_batch")).status_code == 403


@pytest.mark.parametrize("role", ["reception", "case_officer", "cashier", "editor"])
def test_the_desk_is_not_for_others(role):
    assert as_(factories.official(role)).get(reverse("admin:desk")).status_code == 403


def test_the_day_of_a_leader_begins_at_the_desk_and_every_list_can_be_reached(office):
    leader, officer = as_(office.approver), as_(office.officer)

    first = leader.get(reverse("admin:index"))
    lists = leader.get(reverse("admin:index"), {"muc": "tat-ca"})
    other = officer.get(reverse("admin:index"))

    assert first.headers["Location"] == reverse("admin:desk")
    assert lists.headers.get("Location", "") != reverse("admin:desk")
    assert other.headers.get("Location", "") != reverse("admin:desk")
    assert "mc-menu" in as_(office.reception).get(reverse("admin:index")).text


def test_times_and_absences_stand_beside_the_lists(office):
    Tally.objects.create(
        agency=commune(), day=NOW.date(), procedure=factories.procedure(), channel="online",
        accepted=4, accept_minutes=4 * 90, done_on_time=1, done_late=1, handling_minutes=2 * 720,
    )  # fmt: skip
    Absence.objects.create(user=office.officer, last_day=NOW.date())
    Posting.objects.create(
        user=factories.user(full_name="Người Làm Thay", is_staff=True), agency=commune(),
        role="case_officer", stands_in_for=office.officer, valid_until=NOW.date(),
    )  # fmt: skip

    page = as_(office.approver).get(reverse("admin:desk"))

    [times], [away] = page.context["times"], page.context["away"]
    assert (times["hours_to_accept"], times["days_to_handle"], times["late"]) == (1.5, 1.5, 1)
    assert away["stand_ins"] == "Người Làm Thay"


# --- Signing --------------------------------------------------------------------------


def form_of(page) -> dict[str, list[str]]:
    """What a browser would send of the signing page, with every document ticked."""
    documents = page.context["documents"]
    data = {"hs": [d.dossier.pk for d in documents], "seen": [d.dossier.pk for d in documents]}
    return data | {f"v{d.dossier.pk}": d.version for d in documents}


def test_every_document_is_shown_before_it_is_signed(office):
    dossier = office.proposed(factories.filed())
    refused = office.proposed(factories.filed())
    client = as_(office.approver)

    page = client.get(reverse("admin:sign_batch"), {"hs": [dossier.pk, refused.pk]})

    text = page.content.decode()
    assert [d.dossier for d in page.context["documents"]] == [dossier, refused]
    assert page.context["documents"][0].proposal["articles"][0].split("\n")[0] in text
    assert 'name="seen"' in text
    assert "checked" not in text.split('name="seen"')[1].split(">")[0]
    assert dossier.events.filter(name="look", actor=office.approver).count() == 1


def test_what_was_looked_at_is_signed_one_by_one_and_refusals_are_named(office):
    first, second, third = (office.proposed(factories.filed()) for _number in range(3))
    client = as_(office.approver)
    data = form_of(client.get(reverse("admin:sign_batch"), {"hs": [first.pk, second.pk, third.pk]}))
    workflow.perform(second, "send_back", by=office.approver, reason="Sai tên")
    workflow.perform(second, "propose", by=office.officer)
    data["seen"] = [first.pk, second.pk]

    page = client.post(reverse("admin:sign_batch"), data)

    approved = Dossier.objects.exclude(approved_at=None)
    assert list(approved) == [first]
    said = [(outcome.code, outcome.is_done) for outcome in page.context["outcomes"]]
    assert said == [(first.code, True), (second.code, False)]
    assert "Hồ sơ đã thay đổi" in page.context["outcomes"][1].text
    left = page.context["documents"]
    # The one that changed is shown anew and must be looked at again.
    assert [(d.dossier, d.is_seen) for d in left] == [(second, False), (third, False)]


def test_one_goes_back_with_its_comment_and_what_else_was_typed_stays(office):
    first, second = (office.proposed(factories.filed()) for _number in range(2))
    client = as_(office.approver)
    data = form_of(client.get(reverse("admin:sign_batch"), {"hs": [first.pk, second.pk]}))
    data |= {f"comment{first.pk}": "Sai số tiền", f"comment{second.pk}": "Đang xem"}

    page = client.post(reverse("admin:sign_batch"), {**data, "send_back": first.pk})

    first = Dossier.objects.get(pk=first.pk)
    assert first.state == State.PROCESSING
    assert first.last_words("send_back") == "Sai số tiền"
    [left] = page.context["documents"]
    assert (left.dossier, left.is_seen, left.comment) == (second, True, "Đang xem")


def test_bad_input_signs_nothing_and_says_why(office):
    dossier, other = (office.proposed(factories.filed()) for _number in range(2))
    client, address = as_(office.approver), reverse("admin:sign_batch")
    data = form_of(client.get(address, {"hs": [dossier.pk, other.pk]}))

    for change, said in (
        ({"seen": []}, "Hãy đánh dấu"),
        ({"again": "1"}, ""),
        ({f"comment{dossier.pk}": "Sai", "seen": [dossier.pk]}, "hãy xóa lời ấy"),
        ({"send_back": dossier.pk}, "Hãy ghi những chỗ cần sửa"),
        ({f"v{dossier.pk}": "", "seen": [dossier.pk]}, "Hồ sơ đã thay đổi"),
        ({"seen": ["999999"]}, "Không còn ở cơ quan"),
        ({"send_back": "999999"}, "Không còn ở cơ quan"),
    ):
        page = client.post(address, {**data, **change})
        assert said in "".join(o.text for o in page.context["outcomes"]), change
        assert len(page.context["documents"]) == 2

    assert client.get(address, {"hs": "1;drop"}).status_code == 404
    assert client.post(address, {"hs": "x"}).status_code == 404
    assert Dossier.objects.filter(state=State.AWAITING_APPROVAL, approved_at=None).count() == 2


def test_nobody_signs_for_another_office_nor_the_own_dossier(office):
    own = office.proposed(factories.filed(owner=office.approver))
    dossier = office.proposed(factories.filed())
    elsewhere = factories.official("approver", office=factories.OTHER_COMMUNE)
    address = reverse("admin:sign_batch")

    far = as_(elsewhere).post(
        address, {"hs": [dossier.pk], "seen": [dossier.pk], f"v{dossier.pk}": dossier.version}
    )
    shown = as_(office.approver).get(address, {"hs": [own.pk]})
    page = as_(office.approver).post(address, form_of(shown))

    assert dossier.code not in far.content.decode()
    assert "hồ sơ của chính ông/bà" in shown.content.decode()
    assert not page.context["outcomes"][0].is_done
    assert not Dossier.objects.exclude(approved_at=None).exists()


# --- Breaches -------------------------------------------------------------------------


def test_breaches_are_listed_and_filtered_for_who_watches(office):
    dossier = office.processing(factories.filed())
    mine = breach(dossier, officer=office.officer)
    breach(dossier, kind=Breach.Kind.STEP_LATE, at=timezone.now() - datetime.timedelta(days=5))
    breach(dossier, kind=Breach.Kind.NO_APOLOGY, at=timezone.now() - datetime.timedelta(days=90))
    client, address = as_(factories.official("supervisor")), reverse("admin:breaches")

    def found(**chosen):
        return [row.kind for row in client.get(address, chosen).context["page"]]

    assert found() == ["overdue", "step_late"]
    assert found(loai="step_late") == ["step_late"]
    assert found(can_bo=office.officer.pk) == [mine.kind]
    assert found(tu="2026-08-01", den="2026-09-01") == ["no_apology"]
    assert found(co_quan=commune().pk, den="2026-11-20") == ["step_late"]
    assert found(tu="2026-11-25", den="2026-11-01") == []
    assert found(loai="khong-co") == []


def test_an_explanation_is_given_once_by_the_office_and_kept_in_the_ledger(office):
    row = breach(office.processing(factories.filed()), officer=office.officer)
    address = reverse("admin:breach", args=[row.pk])
    supervisor, officer = as_(factories.official("supervisor")), as_(office.officer)

    refusals = [
        supervisor.post(address, {"explanation": "Không phải việc tôi"}),
        officer.post(address, {"explanation": " "}),
    ]
    given = officer.post(address, {"explanation": "Mất điện cả ngày"})
    again = as_(factories.official("leader")).post(address, {"explanation": "Khác"})

    assert [page.status_code for page in refusals] == [409, 409]
    assert "Không phải việc tôi" in refusals[0].content.decode()
    assert given.status_code == 302
    assert again.status_code == 409
    row = Breach.objects.get(pk=row.pk)
    assert (row.explanation, row.explained_by) == ("Mất điện cả ngày", office.officer)
    event = row.dossier.events.get(name="explain_breach")
    assert event.data["breach"] == row.pk
    assert "Mất điện" not in str(event.data)
    assert "Mất điện cả ngày" in supervisor.get(address).content.decode()


def test_a_breach_of_others_is_not_found(office):
    row = breach(office.processing(factories.filed()), officer=office.officer)
    address = reverse("admin:breach", args=[row.pk])

    for stranger in (
        factories.official("case_officer"),
        factories.official("leader", office=factories.OTHER_COMMUNE),
    ):
        assert as_(stranger).get(address).status_code == 404
        assert as_(stranger).post(address, {"explanation": "x"}).status_code == 404

    assert Breach.objects.get(pk=row.pk).explained_at is None


# --- Nothing goes around the ledger ----------------------------------------------------

# What officials keep as lists of their own: words to use again, grounds, views, the post's prices.
EDITED = {"ReplyTemplate", "LegalGround", "SavedView", "Question", "Postage"}


def test_no_page_of_the_admin_changes_or_deletes_what_was_written_down():
    request = RequestFactory().get("/")
    request.user = factories.user(is_staff=True, is_superuser=True)

    shown = {
        model.__name__: page
        for model, page in admin.site._registry.items()
        if model._meta.app_label == "dossiers" and model.__name__ not in EDITED
    }

    assert "Dossier" in shown
    for name, page in shown.items():
        allowed = [
            page.has_add_permission(request),
            page.has_change_permission(request),
            page.has_delete_permission(request),
        ]
        assert not any(allowed), name
        assert "delete_selected" not in page.get_actions(request), name
        assert not page.get_inline_instances(request), name
