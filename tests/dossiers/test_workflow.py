"""The door: which moves there are, who may make them, and that a refusal changes nothing."""

from __future__ import annotations

import dataclasses
import datetime
import itertools

import pytest
import time_machine
from django.utils import timezone

from dossiers import workflow
from dossiers.models import Dossier, Event
from procedures.models import Agency, Posting
from procedures.worktime import VIETNAM
from tests import factories
from tests.dossiers.refusals import refused, unchanged

State = Dossier.State
NOW = datetime.datetime(2026, 11, 25, 9, 0, tzinfo=VIETNAM)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _wednesday_morning():
    with time_machine.travel(NOW, tick=False):
        yield


# --- The table of moves ---------------------------------------------------------------

# The line "Moves" of DESIGN.md, word for word but for the repeated sources.
DESIGN = """
draft → submitted | payment_required
submitted → accepted | refused | supplement_required | payment_required | withdrawn
accepted → processing | supplement_required | payment_required | withdrawn
processing → awaiting_approval | awaiting_confirmation | supplement_required
processing → payment_required | stopped | withdrawn
awaiting_confirmation → processing | awaiting_approval
awaiting_approval → processing | completed | withdrawn
supplement_required → submitted | accepted | processing | stopped | withdrawn
payment_required → submitted | accepted | processing | stopped | withdrawn
completed → returned
"""
IN_DESIGN = {
    (source.strip(), target.strip())
    for line in DESIGN.strip().splitlines()
    for source, targets in [line.split("→")]
    for target in targets.split("|")
}

# Which of these each action makes; one that keeps the state has none.
_OFFICE = "submitted accepted processing"
_CITIZEN = "supplement_required payment_required"
_FILED = " ".join(state for state in State.values if state != "draft")
_EXTENDABLE = "accepted processing awaiting_approval"
LEADS = {
    "submit": ("draft", "submitted payment_required"),
    "accept": ("submitted", "accepted"),
    "refuse": ("submitted", "refused"),
    "hand_on": ("accepted", ""),
    "take": ("accepted", "processing"),
    "send_draft": ("processing", "awaiting_confirmation"),
    "confirm_draft": ("awaiting_confirmation", "processing awaiting_approval"),
    "confirm_by_silence": ("awaiting_confirmation", "processing awaiting_approval"),
    "recall_draft": ("awaiting_confirmation", "processing"),
    "object_to_draft": ("awaiting_confirmation", "processing"),
    "propose": ("processing", "awaiting_approval"),
    "send_back": ("awaiting_approval", "processing"),
    "approve": ("awaiting_approval", ""),
    "complete": ("awaiting_approval", "completed"),
    "hand_over": ("completed", "returned"),
    "change_delivery": (
        f"{_OFFICE} awaiting_confirmation awaiting_approval {_CITIZEN} completed",
        "",
    ),
    "propose_result_change": ("completed returned", ""),
    "decide_result_change": ("completed returned", ""),
    "replace_result": ("completed returned", ""),
    "prepare_parcel": ("completed", ""),
    "send_by_post": ("completed", ""),
    "request_supplement": (_OFFICE, "supplement_required"),
    "answer_supplement": ("supplement_required", _OFFICE),
    "request_payment": (_OFFICE, "payment_required"),
    "confirm_payment": ("payment_required", _OFFICE),
    "extend": (_EXTENDABLE, ""),
    "propose_supplement": ("accepted processing", ""),
    "propose_further_supplement": ("submitted", ""),
    "propose_refusal": ("submitted", ""),
    "propose_extension": (_EXTENDABLE, ""),
    "draft_extension": (_EXTENDABLE, ""),
    "consent": (_OFFICE, ""),
    "decline": (f"submitted {_EXTENDABLE}", ""),
    "return_proposal": ("accepted processing", ""),
    "transfer": (_OFFICE, ""),
    "stop": (f"processing {_CITIZEN}", "stopped"),
    "withdraw": (f"{_OFFICE} awaiting_approval {_CITIZEN}", "withdrawn"),
    "renew_secret": (_FILED, ""),
    "decide_exemption": (
        f"{_OFFICE} awaiting_confirmation awaiting_approval completed {_CITIZEN}",
        "",
    ),
    "assign": (f"accepted processing awaiting_confirmation {_CITIZEN}", ""),
    "submit_at_counter": ("draft", "submitted"),
    # Further steps follow in the same breath, by the same transitions.
    "record_at_once": ("draft", "submitted"),
    "give_back_originals": (_FILED, ""),
    "print_control": (" ".join(set(_FILED.split()) - {"submitted", "refused"}), ""),
    "step_aside": (f"{_OFFICE} awaiting_confirmation awaiting_approval {_CITIZEN}", ""),
}
BY_ACTIONS = {
    pair
    for sources, targets in LEADS.values()
    for pair in itertools.product(sources.split(), targets.split())
}


def _by_django_fsm() -> set[tuple[str, str]]:
    pairs = set()
    for move in Dossier._meta.get_field("state").get_all_transitions(Dossier):
        targets = getattr(move.target, "allowed_states", None) or [move.target]
        pairs |= {(str(move.source), str(target)) for target in targets}
    return pairs


@pytest.mark.parametrize("target", State.values)
@pytest.mark.parametrize("source", State.values)
def test_a_state_leads_to_another_where_the_design_says_so_and_nowhere_else(source, target):
    pair = (source, target)

    assert (pair in _by_django_fsm()) == (pair in IN_DESIGN)
    assert (pair in BY_ACTIONS) == (pair in IN_DESIGN)


def test_every_action_is_in_the_table_and_starts_where_the_table_says():
    starts = {name: set(action.states) for name, action in workflow.ACTIONS.items()}

    assert starts == {name: set(sources.split()) for name, (sources, _targets) in LEADS.items()}


# --- Who may ------------------------------------------------------------------------------

# The moves of a draft, and those that change nothing of what was decided.
OF_DRAFTS = {"submit", "submit_at_counter", "record_at_once"}
AFTERWARDS = {"renew_secret", "give_back_originals", "print_control", "change_delivery"}
# What may happen to a result after it was given.
OF_RESULTS = {"propose_result_change", "decide_result_change", "replace_result"}

WHO = {
    "submit": {"owner"},
    "accept": {"reception"},
    "refuse": {"reception"},
    "hand_on": {"reception"},
    "take": {"case_officer"},
    "send_draft": {"case_officer"},
    "confirm_draft": {"owner"},
    "confirm_by_silence": {"system"},
    "recall_draft": {"case_officer"},
    "object_to_draft": {"owner"},
    "propose": {"case_officer"},
    "send_back": {"approver"},
    "approve": {"approver"},
    "complete": {"system"},
    "hand_over": {"reception", "system"},
    "change_delivery": {"owner", "reception"},
    "propose_result_change": {"case_officer", "approver"},
    "decide_result_change": {"approver", "leader"},
    "replace_result": {"system"},
    "prepare_parcel": {"reception"},
    "send_by_post": {"reception"},
    "request_supplement": {"reception"},
    "answer_supplement": {"owner"},
    "request_payment": {"reception"},
    "confirm_payment": {"system"},
    "extend": {"approver", "leader"},
    "propose_supplement": {"case_officer"},
    "propose_further_supplement": {"reception"},
    "propose_refusal": {"reception"},
    "propose_extension": {"case_officer"},
    "draft_extension": {"system"},
    "consent": {"leader"},
    "decline": {"leader"},
    "return_proposal": {"reception"},
    "transfer": {"approver", "leader"},
    "stop": {"approver", "leader"},
    "withdraw": {"owner"},
    "renew_secret": {"reception"},
    "decide_exemption": {"reception"},
    "assign": {"leader"},
    "submit_at_counter": {"reception"},
    "record_at_once": {"reception"},
    "give_back_originals": {"reception"},
    "print_control": {"reception", "case_officer", "approver", "leader"},
    "step_aside": {"reception", "case_officer", "approver", "leader", "cashier"},
}


@pytest.fixture
def bare(monkeypatch):
    """A function that leaves of an action nothing but the door before it."""

    def strip(name: str) -> None:
        action = dataclasses.replace(
            workflow.ACTIONS[name], run=lambda move: None, possible=lambda dossier: True
        )
        monkeypatch.setitem(workflow.ACTIONS, name, action)

    return strip


def _in_state(dossier: Dossier, state: str) -> Dossier:
    """The dossier, put into a state behind the back of the workflow."""
    Dossier.objects.filter(pk=dossier.pk).update(state=state)
    return Dossier.objects.get(pk=dossier.pk)


def _everybody(owner) -> dict[str, object]:
    people = {"owner": owner, "stranger": factories.user(), "system": None}
    people["superuser"] = factories.user(is_superuser=True, is_staff=True)
    for role in Posting.Role.values:
        people[role] = factories.official(role)
        people[f"{role} elsewhere"] = factories.official(role, factories.OTHER_COMMUNE)
    people["approver at the desk"] = factories.official("approver", factories.DESK)
    people["case_officer at the desk"] = factories.official("case_officer", factories.DESK)
    people["leader at the desk"] = factories.official("leader", factories.DESK)
    return people


@pytest.mark.parametrize("name", WHO)
def test_only_those_named_may_make_a_move(name, bare):
    bare(name)
    dossier = factories.draft() if name in OF_DRAFTS else factories.filed()
    dossier = _in_state(dossier, workflow.ACTIONS[name].states[0])
    people = _everybody(dossier.owner)

    with unchanged():
        for who in people.keys() - WHO[name]:
            with pytest.raises(workflow.NotAllowed):
                workflow.perform(dossier, name, by=people[who])

    for who in WHO[name]:
        assert workflow.perform(dossier, name, by=people[who]).version > dossier.version


@pytest.mark.parametrize(
    "name", [name for name, who in WHO.items() if not who & {"owner"} and who != {"system"}]
)
def test_nobody_decides_on_their_own_dossier(name, bare):
    bare(name)
    owner = factories.user(is_staff=True)
    make = factories.draft if name in OF_DRAFTS else factories.filed
    dossier = make(owner=owner)
    for office in (factories.DESK, factories.COMMUNE):
        for role in Posting.Role.values:
            Posting.objects.create(user=owner, role=role, agency=Agency.objects.get(code=office))
    dossier = _in_state(dossier, workflow.ACTIONS[name].states[0])

    with refused(workflow.NotAllowed, "của chính mình"):
        workflow.perform(dossier, name, by=owner)

    assert name not in {action.name for action in workflow.open_to(dossier, owner)}


def test_an_official_who_files_for_themselves_is_a_citizen_there():
    officer = factories.official("reception")
    dossier = factories.filed(owner=officer)

    withdrawn = workflow.perform(dossier, "withdraw", by=officer)

    event = dossier.events.get(name="withdraw")
    assert withdrawn.state == State.WITHDRAWN
    assert event.agency is None


def test_a_posting_that_ended_yesterday_opens_nothing_today():
    reception = factories.official("reception")
    dossier = factories.filed()
    reception.postings.update(valid_until=timezone.localdate() - datetime.timedelta(days=1))

    with refused(workflow.NotAllowed):
        workflow.perform(dossier, "accept", by=reception)

    assert not list(workflow.open_to(dossier, reception))
    assert not Dossier.objects.handled_by(reception).exists()


def test_a_posting_lasts_until_the_end_of_its_last_day():
    reception = factories.official("reception")
    dossier = factories.filed()
    reception.postings.update(valid_until=timezone.localdate())

    accepted = workflow.perform(dossier, "accept", by=reception)

    assert accepted.state == State.ACCEPTED


def test_a_posting_that_begins_tomorrow_opens_nothing_yet():
    reception = factories.official("reception")
    dossier = factories.filed()
    reception.postings.update(valid_from=timezone.localdate() + datetime.timedelta(days=1))

    with refused(workflow.NotAllowed):
        workflow.perform(dossier, "accept", by=reception)


def test_an_official_who_moved_loses_the_old_offices_dossiers_at_once():
    officer = factories.official("case_officer")
    office = factories.Office()
    dossier = office.accepted(factories.filed())
    elsewhere = Agency.objects.get(code=factories.OTHER_COMMUNE)
    officer.postings.update(agency=elsewhere)

    with refused(workflow.NotAllowed):
        workflow.perform(dossier, "take", by=officer)

    assert not Dossier.objects.handled_by(officer).exists()


# --- When it is not open ------------------------------------------------------------------


@pytest.mark.parametrize("name", LEADS)
def test_a_move_is_open_in_its_states_alone(name, bare):
    bare(name)
    dossier = factories.draft() if name in OF_DRAFTS else factories.filed()
    person = _someone(name, dossier.owner)
    open_in, versions = set(), set()

    for state in State.values:
        code = None if state == State.DRAFT else "000.00.61.H50-261125-0001"
        Dossier.objects.filter(pk=dossier.pk).update(state=state, code=code)
        try:
            versions.add(workflow.perform(dossier, name, by=person).version)
        except workflow.NotPossible:
            continue
        open_in.add(state)

    assert open_in == set(LEADS[name][0].split())
    assert Event.objects.filter(dossier=dossier, name=name).count() >= len(versions)
    assert len(versions) == len(open_in)


def _someone(name: str, owner):
    """A person who may make the move."""
    who = sorted(WHO[name] - {"system"})
    if not who:
        return None
    return owner if "owner" in who else factories.official(who[0])


@pytest.mark.parametrize("state", ["refused", "withdrawn", "stopped", "returned"])
def test_a_final_state_stays_final(state):
    dossier = _in_state(factories.filed(), state)
    names = workflow.ACTIONS.keys() - AFTERWARDS - OF_RESULTS
    people = {name: _someone(name, dossier.owner) for name in names}

    with unchanged():
        for name, person in people.items():
            with pytest.raises(workflow.NotPossible):
                workflow.perform(dossier, name, by=person)

    assert dossier.is_final


@pytest.mark.parametrize("name", LEADS)
def test_an_approved_dossier_takes_only_its_completion(name, bare):
    office = factories.Office()
    dossier = office.approved(factories.filed())
    person = _someone(name, dossier.owner)
    bare(name)

    if name in {"complete", "decide_exemption", *AFTERWARDS}:
        by = None if name == "complete" else person
        assert workflow.perform(dossier, name, by=by).approved_at is not None
        return
    with refused(workflow.NotPossible):
        workflow.perform(dossier, name, by=person)

    if person is not None:
        assert {row.name for row in workflow.open_to(dossier, person)} <= AFTERWARDS


def test_a_procedure_without_the_citizens_step_sends_no_draft():
    office = factories.Office()
    dossier = office.processing(factories.filed(factories.FUNERAL))

    with refused(workflow.NotPossible, "không có bước"):
        workflow.perform(dossier, "send_draft", by=office.officer, draft="Họ tên: An")


def test_the_second_official_is_told_who_was_first_what_and_when():
    office = factories.Office()
    other = factories.official("reception")
    dossier = factories.filed()
    workflow.perform(dossier, "accept", by=office.reception)

    with refused(workflow.NotPossible) as caught:
        workflow.perform(dossier, "accept", by=other)

    message = str(caught.value)
    assert office.reception.full_name in message
    assert "Tiếp nhận" in message
    assert "09:00 ngày 25/11/2026" in message
    assert "Được tiếp nhận" in message


def test_a_page_drawn_before_a_change_is_refused_with_what_changed():
    office = factories.Office()
    dossier = office.processing(factories.filed())
    stale = dossier.version
    office.supplement(dossier)
    answered = workflow.perform(dossier, "answer_supplement", by=dossier.owner, answer="Đã gửi lại")

    with refused(workflow.Stale) as caught:
        workflow.perform(answered, "propose", by=office.officer, version=stale)

    message = str(caught.value)
    assert dossier.owner.full_name in message
    assert "Gửi bổ sung" in message
    assert "09:00 ngày 25/11/2026" in message


def test_a_page_of_the_present_version_is_taken():
    office = factories.Office()
    dossier = factories.filed()

    accepted = workflow.perform(dossier, "accept", by=office.reception, version=dossier.version)

    assert accepted.version == dossier.version + 1


def test_what_the_portal_did_is_told_in_its_own_name():
    office = factories.Office()
    dossier = office.approved(factories.filed())
    dossier.results.update(sha256="0" * 64)
    workflow.perform(dossier, "complete", by=None)

    with refused(workflow.NotPossible) as caught:
        workflow.perform(dossier, "withdraw", by=dossier.owner)

    assert "hệ thống" in str(caught.value)


def test_a_look_is_not_a_change_that_anybody_is_told_of():
    from dossiers import ledger

    office = factories.Office()
    dossier = office.accepted(factories.filed())
    ledger.record_look(dossier, by=office.approver)

    with refused(workflow.NotPossible) as caught:
        workflow.perform(dossier, "accept", by=office.reception)

    assert office.reception.full_name in str(caught.value)
    assert office.approver.full_name not in str(caught.value)


def test_a_move_that_breaks_halfway_leaves_nothing(monkeypatch):
    office = factories.Office()
    dossier = factories.filed()

    def fail(move, event):
        raise RuntimeError("the notice could not be written")

    monkeypatch.setattr("dossiers.notices.tell", fail)

    with refused(RuntimeError):
        workflow.perform(dossier, "accept", by=office.reception)


def test_every_move_writes_one_event_and_one_version():
    office = factories.Office()

    dossier = office.proposed(factories.filed())

    moves = Event.objects.filter(dossier=dossier).values_list("name", "from_state", "to_state")
    assert list(moves) == [
        ("submit", "draft", "submitted"),
        ("accept", "submitted", "accepted"),
        ("take", "accepted", "processing"),
        ("propose", "processing", "awaiting_approval"),
    ]
    assert dossier.version == 4


def test_only_the_workflow_writes_the_state():
    dossier = factories.filed()

    with pytest.raises(AttributeError):
        dossier.state = State.COMPLETED
