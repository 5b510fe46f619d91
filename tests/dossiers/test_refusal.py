"""Refusing and stopping: with the leader's word, a coded ground, and how to appeal."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.core.management import CommandError, call_command

from dossiers import grounds, workflow
from dossiers.models import Dossier, LegalGround, Paper, Proposal
from procedures.models import Agency, Sector
from procedures.worktime import VIETNAM
from tests import factories
from tests.dossiers.refusals import refused

State = Dossier.State
Use = LegalGround.Use

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock():
    """Wednesday 25/11/2026, 09:00, until a test moves it."""
    with time_machine.travel(datetime.datetime(2026, 11, 25, 9, tzinfo=VIETNAM), tick=False) as one:
        yield one


@pytest.fixture
def office():
    return factories.Office()


def proposed(office, dossier=None, **details) -> Dossier:
    details = {"reason": "Không đúng nơi", "ground": factories.ground(), **details}
    return workflow.perform(
        dossier or factories.filed(), "propose_refusal", by=office.reception, **details
    )


# --- At the desk ------------------------------------------------------------------------


def test_a_refusal_at_the_desk_takes_the_leaders_word_and_says_how_to_appeal(office):
    dossier = factories.filed()

    with refused(workflow.Refused, "Chưa có đề xuất"):
        workflow.perform(dossier, "refuse", by=office.reception)
    waiting = proposed(office, dossier)
    with refused(workflow.Refused, "chưa đồng ý"):
        workflow.perform(waiting, "refuse", by=office.reception, reason="x", ground="thu")
    agreed = workflow.perform(waiting, "consent", by=office.leader)
    ended = workflow.perform(agreed, "refuse", by=office.reception)

    facts = ended.papers.get(kind=Paper.Kind.REFUSAL).facts
    told = ended.notices.get(event__name="refuse").body
    assert ended.state == State.REFUSED
    assert (facts["reason"], facts["legal_ground"]) == ("Không đúng nơi", str(factories.ground()))
    assert ended.events.get(name="refuse").data["ground"] == factories.ground().code
    for text in (" ".join(facts["appeal"]), told):
        assert "khiếu nại lần đầu đến người đứng đầu Ủy ban nhân dân xã Gio Linh" in text
        assert "90 ngày" in text
        assert "Tòa án nhân dân" in text
        assert "01 năm" in text
    assert ended.proposals.get().decision == Proposal.Decision.SENT
    assert [e.name for e in ended.events.filter(name__in=workflow.ACTIONS)] == [
        "submit", "propose_refusal", "consent", "refuse",
    ]  # fmt: skip
    assert not ended.notices.filter(event__name__in=("propose_refusal", "consent")).exists()


@pytest.mark.parametrize(
    "details", [{"reason": " "}, {"ground": ""}, {"ground": "Điều 16"}, {"ground": None}]
)
def test_a_refusal_without_a_reason_or_a_ground_of_the_list_is_not_proposed(details, office):
    factories.ground()

    dossier = factories.filed()
    with refused(workflow.Refused):
        proposed(office, dossier, **details)


def test_who_proposed_does_not_agree_to_it_themselves(office):
    both = office.leader
    desk = Agency.objects.get(code=factories.DESK)
    both.postings.create(agency=desk, role="reception")
    dossier = workflow.perform(
        factories.filed(), "propose_refusal", by=both, reason="x", ground=factories.ground()
    )

    with refused(workflow.NotAllowed, "khác người đề xuất"):
        workflow.perform(dossier, "consent", by=both)


def test_a_leader_who_says_no_says_why_and_the_desk_hears_of_it(office):
    dossier = proposed(office)

    with refused(workflow.Refused, "vì sao"):
        workflow.perform(dossier, "decline", by=office.leader, reason=" ")
    back = workflow.perform(dossier, "decline", by=office.leader, reason="Hãy hướng dẫn bổ sung")

    row = back.proposals.get()
    told = back.notices.get(recipient=office.reception)
    assert (row.decision, row.comment) == ("returned", "Hãy hướng dẫn bổ sung")
    assert "Hãy hướng dẫn bổ sung" in told.body
    assert told.path.startswith("/quan-tri/")
    with refused(workflow.Refused, "Chưa có đề xuất"):
        workflow.perform(back, "refuse", by=office.reception)


def test_a_second_proposal_takes_the_place_of_the_first(office):
    dossier = proposed(office, proposed(office), reason="Lý do khác")

    first, second = dossier.proposals.order_by("pk")
    assert (first.decision, second.decision) == ("dropped", "")
    assert second.reason == "Lý do khác"


def test_acceptance_drops_what_was_proposed_at_the_desk(office):
    dossier = office.accepted(proposed(office))

    assert dossier.proposals.get().decision == Proposal.Decision.DROPPED
    with refused(workflow.Refused, "Không còn đề xuất"):
        workflow.perform(dossier, "consent", by=office.leader)


# --- After examination, and stopping -----------------------------------------------------


def test_a_refusal_after_examination_names_its_ground_and_how_to_appeal(office):
    dossier = office.processing(factories.filed())
    factories.ground()
    with refused(workflow.Refused, "căn cứ"):
        workflow.perform(dossier, "propose", by=office.officer, outcome="refused", reason="Không")

    proposal = workflow.perform(
        dossier, "propose", by=office.officer, outcome="refused", reason="Không", ground="thu"
    )
    approved = workflow.perform(proposal, "approve", by=office.approver)

    facts = approved.results.get().facts
    assert {"label": "Căn cứ pháp lý", "value": factories.ground().law} in facts["rows"]
    assert "90 ngày" in facts["appeal"][0]


# --- The list -----------------------------------------------------------------------------


def test_grounds_are_offered_by_use_and_field_and_only_while_they_hold(office):
    dossier = factories.filed()
    other = Sector.objects.create(name="Lĩnh vực khác", slug="khac")
    own = dossier.revision.sector
    factories.ground(code="chung", uses=[Use.RECEPTION])
    factories.ground(code="rieng", uses=[Use.RECEPTION, Use.STOP], sector=own)
    factories.ground(code="la", uses=[Use.RECEPTION], sector=other)
    factories.ground(code="cu", uses=[Use.RECEPTION], is_active=False)
    factories.ground(code="dung", uses=[Use.STOP])

    assert [row.code for row in grounds.offered(dossier, Use.RECEPTION)] == ["chung", "rieng"]
    with pytest.raises(workflow.Refused):
        grounds.chosen(dossier, Use.RECEPTION, "dung")


def test_the_list_is_loaded_once_and_what_was_changed_stays():
    file = factories.FIXTURES / "legal_grounds.yaml"
    call_command("loadgrounds", file, verbosity=0)
    LegalGround.objects.filter(code="khong-bo-sung").update(title="Sửa")

    call_command("loadgrounds", file, verbosity=0)

    assert LegalGround.objects.get(code="khong-bo-sung").title == "Sửa"
    assert {use for row in LegalGround.objects.all() for use in row.uses} == set(Use.values)
    assert all("Nghị định 61/2018/NĐ-CP" in row.law for row in LegalGround.objects.all())


@pytest.mark.parametrize(
    "text", ["{", "a: 1", "- {code: a}", "- {code: a, title: b, law: c, uses: [always]}"]
)
def test_a_list_that_cannot_be_used_is_named_and_loads_nothing(text, tmp_path):
    file = tmp_path / "sai.yaml"
    file.write_text(text)

    with pytest.raises(CommandError, match="sai"):
        call_command("loadgrounds", file)

    assert not LegalGround.objects.exists()
