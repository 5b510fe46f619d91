"""What each move does: the clock, the rows, the papers, the words."""

from __future__ import annotations

import datetime
import hashlib
import unicodedata

import pytest
import time_machine
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile

from dossiers import attachments, due, notices, sending, tracking, workflow
from dossiers.models import Dossier, Paper, Result
from payments import services
from payments.models import Payment
from procedures.models import Agency, Posting
from procedures.worktime import VIETNAM
from tests import factories
from tests.dossiers.refusals import refused

State = Dossier.State

pytestmark = pytest.mark.django_db


def at(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime.datetime:
    """A moment of 2026 in Vietnam: Wed 25/11 follows a holiday, Fri 27 a weekend."""
    return datetime.datetime(2026, month, day, hour, minute, tzinfo=VIETNAM)


@pytest.fixture(autouse=True)
def clock():
    """Wednesday 25/11/2026, 09:00, until a test moves it."""
    with time_machine.travel(at(25, 9), tick=False) as traveller:
        yield traveller


@pytest.fixture
def office():
    return factories.Office()


@pytest.fixture
def leader():
    return factories.official(Posting.Role.LEADER)


def supplement(dossier: Dossier, office: factories.Office, **details) -> Dossier:
    return office.supplement(dossier, **details)


def answer(dossier: Dossier, text: str = "Đã gửi lại") -> Dossier:
    return workflow.perform(dossier, "answer_supplement", by=dossier.owner, answer=text)


def send_draft(dossier: Dossier, office: factories.Office) -> Dossier:
    draft = "Họ tên: Nguyễn Trần Minh Khôi"
    return workflow.perform(dossier, "send_draft", by=office.officer, draft=draft)


def deliver(dossier: Dossier) -> None:
    """The mail server takes everything that waits for it."""
    for notice in dossier.notices.filter(sent_at=None):
        sending.send(notice)


def birth_confirmed(office: factories.Office) -> Dossier:
    """A birth whose draft the citizen has confirmed."""
    dossier = send_draft(office.processing(factories.filed(factories.BIRTH)), office)
    return workflow.perform(dossier, "confirm_draft", by=dossier.owner)


def propose(dossier: Dossier, office: factories.Office, **details) -> Dossier:
    details.setdefault("record", dict.fromkeys(dossier.revision.result.get("record", []), "1"))
    details.setdefault("ground", factories.ground())
    return workflow.perform(dossier, "propose", by=office.officer, **details)


def approve(dossier: Dossier, office: factories.Office) -> Dossier:
    return workflow.perform(dossier, "approve", by=office.approver)


def signed(dossier: Dossier) -> Dossier:
    """As the task leaves it that prints and signs; completed."""
    result = dossier.results.latest("pk")
    if result.is_made_here:
        result.file.save("x.pdf", ContentFile(b"%PDF-1.7"), save=False)
        result.sha256 = hashlib.sha256(b"%PDF-1.7").hexdigest()
        result.save()
    return workflow.perform(dossier, "complete", by=None)


def pay(dossier: Dossier) -> Dossier:
    payment = dossier.payments.get(state=Payment.State.PENDING)
    services.confirm(payment, amount=payment.amount)
    return Dossier.objects.get(pk=dossier.pk)


# --- Filing ---------------------------------------------------------------------------


def test_filing_promises_an_answer_in_eight_working_hours_and_no_day():
    dossier = factories.filed()

    assert dossier.code == "000.01.61.H50-261125-0001"
    assert dossier.submitted_at == at(25, 9)
    assert dossier.answer_by == at(26, 9)
    assert dossier.promised_at is None


def test_filing_asks_for_the_confirmation_and_the_filled_form():
    dossier = factories.filed()

    kinds = list(dossier.papers.values_list("kind", "number"))
    confirmation = dossier.papers.get(kind=Paper.Kind.FILING).facts
    assert kinds == [("filing", 1), ("form", 1)]
    assert confirmation["answer_by"] == "2026-11-26T09:00:00+07:00"
    assert confirmation["code"] == dossier.code
    assert confirmation["secret"] == dossier.secret


def test_the_citizen_is_told_that_it_is_filed_but_not_accepted():
    dossier = factories.filed()

    notice = dossier.notices.get()
    assert "đã nộp, chưa được tiếp nhận" in notice.subject
    assert "09:00 ngày 26/11/2026" in notice.body
    assert notice.recipient == dossier.owner


def test_what_was_attached_is_filed_with_it():
    dossier = factories.filed()

    event = dossier.events.get(name="submit")
    [file] = dossier.attachments.all()
    assert file.submitted_at == at(25, 9)
    assert event.data["files"] == [file.sha256]


def test_a_draft_without_a_paper_is_not_filed():
    dossier = factories.draft()
    dossier.attachments.all().delete()

    with refused(workflow.Refused, "Chưa đính kèm"):
        workflow.perform(dossier, "submit", by=dossier.owner)


def test_the_second_click_on_filing_files_nothing():
    dossier = factories.filed()

    with refused(workflow.NotPossible):
        workflow.perform(dossier, "submit", by=dossier.owner)


def test_numbers_run_by_office_and_day(clock):
    first, second = factories.filed(), factories.filed()
    elsewhere = factories.filed(office=factories.OTHER_COMMUNE)
    clock.move_to(at(26, 0, 1))
    next_day = factories.filed()

    codes = [dossier.code for dossier in (first, second, elsewhere, next_day)]
    assert codes == [
        "000.01.61.H50-261125-0001",
        "000.01.61.H50-261125-0002",
        "000.00.62.H50-261125-0001",
        "000.01.61.H50-261126-0001",
    ]


def test_a_filing_that_fails_gives_its_number_back(monkeypatch):
    draft = factories.draft()

    def fail(move, event):
        raise RuntimeError

    with monkeypatch.context() as patch, refused(RuntimeError):
        patch.setattr("dossiers.notices.tell", fail)
        workflow.perform(draft, "submit", by=draft.owner)
    dossier = workflow.perform(draft, "submit", by=draft.owner)

    assert dossier.code.endswith("-0001")


def test_a_fee_due_at_filing_is_asked_before_the_office_has_it(clock):
    dossier = factories.filed(factories.COPY)

    payment = dossier.payments.get()
    assert dossier.state == State.PAYMENT_REQUIRED
    assert (payment.amount, payment.state) == (16_000, Payment.State.PENDING)
    assert dossier.answer_by is None
    assert "cần nộp phí" in dossier.notices.get().subject

    clock.move_to(at(25, 14))
    paid = pay(dossier)

    assert paid.state == State.SUBMITTED
    assert paid.answer_by == at(26, 14)
    assert paid.came_from == ""


def test_a_draft_that_was_filed_meanwhile_keeps_its_revision(tmp_path):
    draft = factories.draft()
    filed = workflow.perform(draft, "submit", by=draft.owner)
    factories.altered_procedure(
        tmp_path, factories.FUNERAL, ("decision: 2072/QĐ-BYT", "decision: 9999/QĐ-BYT")
    )
    stale = Dossier.objects.select_related("revision__procedure__current").get(pk=draft.pk)

    from dossiers import filing

    assert filing.renew_revision(stale) is False
    assert Dossier.objects.get(pk=draft.pk).revision_id == filed.revision_id


# --- Acceptance and the promised day ----------------------------------------------------


@pytest.mark.parametrize(
    "now, promised",
    [
        (at(25, 9), at(25, 17)),
        (at(25, 14, 59), at(25, 17)),
        (at(25, 15), at(25, 17)),
        (at(25, 15, 1), at(26, 17)),
        (at(23, 15, 1), at(25, 17)),  # the 24th is a holiday
        (at(24, 10), at(25, 17)),
        (at(27, 15, 30), at(30, 17)),  # a weekend between
    ],
)
def test_same_day_means_today_until_three_and_the_next_working_day_after(now, promised, clock):
    clock.move_to(now)
    office = factories.Office()

    dossier = office.accepted(factories.filed(factories.BIRTH))

    assert dossier.promised_at == promised


@pytest.mark.parametrize(
    "now, promised",
    [(at(25, 9), at(30, 9)), (at(23, 16, 30), at(27, 16, 30)), (at(28, 10), at(3, 7, month=12))],
)
def test_three_working_days_are_counted_from_acceptance(now, promised, clock):
    clock.move_to(at(20, 9))
    office = factories.Office()
    dossier = factories.filed()
    clock.move_to(now)

    accepted = office.accepted(dossier)

    assert accepted.promised_at == promised
    assert accepted.answer_by is None


def test_a_clock_that_starts_at_filing_is_not_lengthened_by_a_late_acceptance(
    tmp_path, clock, office
):
    factories.altered_procedure(
        tmp_path, factories.FUNERAL, ("clock_starts: acceptance", "clock_starts: filing")
    )
    dossier = factories.filed()
    clock.move_to(at(26, 10))

    assert office.accepted(dossier).promised_at == at(30, 9)


def test_acceptance_gives_the_receipt_with_the_promised_day(office):
    dossier = office.accepted(factories.filed())

    receipt = dossier.papers.get(kind=Paper.Kind.RECEIPT)
    assert receipt.facts["accepted_at"] == "2026-11-25T09:00:00+07:00"
    assert receipt.facts["promised_at"] == "2026-11-30T09:00:00+07:00"
    assert receipt.facts["duration"] == "3 ngày làm việc"
    assert receipt.facts["received_by"] == office.reception.full_name
    assert "09:00 ngày 30/11/2026" in dossier.notices.get(event__name="accept").body


def test_what_officials_type_is_kept_in_one_spelling(office):
    reason = unicodedata.normalize("NFD", "Hồ sơ nộp nhầm nơi\u200b")

    ended = office.refused(factories.filed(), reason)

    assert ended.events.get(name="refuse").note.text == "Hồ sơ nộp nhầm nơi"


# --- The citizen's turn -----------------------------------------------------------------


def test_a_supplement_stops_the_clock_and_lists_everything_once(office):
    dossier = office.processing(factories.filed())

    waiting = supplement(
        dossier,
        office,
        items="Ảnh rõ cả trang\n\n Ngày mất",
        documents=["giay_chung_tu"],
        notes={"giay_chung_tu": "Ảnh mờ", "lạ": "x"},
    )

    request = waiting.supplement_requests.get()
    facts = waiting.papers.get(kind=Paper.Kind.SUPPLEMENT).facts
    assert waiting.state == State.SUPPLEMENT_REQUIRED
    assert waiting.paused_at == at(25, 9)
    assert waiting.citizen_by == at(7, 17, month=12)  # ten days end on a Saturday
    assert request.items == facts["asked"] == ["Ảnh rõ cả trang", "Ngày mất"]
    assert request.documents == ["giay_chung_tu"]
    assert facts["documents"] == ["Bản sao giấy chứng tử hoặc giấy báo tử: Ảnh mờ"]
    assert facts["officer"] == office.reception.full_name
    assert not waiting.is_overdue


@pytest.mark.parametrize("details", [{"items": " \n "}, {"reason": ""}])
def test_a_supplement_says_what_is_missing_and_why(details, office):
    dossier = factories.filed()

    with refused(workflow.Refused):
        supplement(dossier, office, **details)


@pytest.mark.parametrize("way", ["filed", "accepted", "processing"])
def test_an_answer_brings_the_dossier_back_to_where_it_came_from(way, office):
    dossier = factories.filed()
    if way != "filed":
        dossier = getattr(office, way)(dossier)
    before = dossier.state

    back = answer(supplement(dossier, office))

    assert back.state == before
    assert (back.came_from, back.paused_at, back.citizen_by) == ("", None, None)


def test_the_clock_starts_anew_after_a_supplement(clock, office):
    dossier = office.accepted(factories.filed())
    clock.move_to(at(26, 9))
    waiting = supplement(dossier, office)
    clock.move_to(at(27, 10))

    assert answer(waiting).promised_at == at(2, 10, month=12)


def test_the_clock_goes_on_after_a_supplement_where_the_procedure_says_so(tmp_path, clock, office):
    factories.altered_procedure(tmp_path, factories.FUNERAL, ("clock: restart", "clock: pause"))
    dossier = office.accepted(factories.filed())
    clock.move_to(at(26, 9))
    waiting = supplement(dossier, office)
    clock.move_to(at(27, 10))

    # 16 working hours were left: 5 on Friday, 8 on Monday, 3 on Tuesday.
    assert answer(waiting).promised_at == at(1, 10, month=12)


def test_a_supplement_before_acceptance_gives_the_office_its_eight_hours_again(clock, office):
    waiting = supplement(factories.filed(), office)
    clock.move_to(at(26, 14))

    back = answer(waiting)

    assert back.answer_by == at(27, 14)
    assert back.promised_at is None


def test_an_answer_without_the_papers_asked_for_is_refused(office):
    waiting = supplement(factories.filed(), office, documents=["giay_chung_tu"])

    with refused(workflow.Refused, "Bản sao giấy chứng tử"):
        answer(waiting)


def test_an_answer_with_the_papers_asked_for_is_taken_once(office):
    waiting = supplement(factories.filed(), office, documents=["giay_chung_tu"])
    file = attachments.store(
        waiting, "giay_chung_tu", factories.picture("#ff0000"), by=waiting.owner
    )

    back = answer(waiting, "")

    request = back.supplement_requests.get()
    file.refresh_from_db()
    assert back.state == State.SUBMITTED
    assert request.answered_at == file.submitted_at == at(25, 9)
    assert back.events.get(name="answer_supplement").data["files"] == [file.sha256]
    with refused(workflow.NotPossible):
        answer(back)


def test_an_empty_answer_is_no_answer(office):
    waiting = supplement(factories.filed(), office)

    with refused(workflow.Refused):
        answer(waiting, "  ")


def test_waiting_for_money_eats_none_of_the_time(clock, office):
    dossier = office.accepted(factories.filed(factories.BIRTH))
    clock.move_to(at(25, 10))
    waiting = workflow.perform(dossier, "request_payment", by=office.reception)
    clock.move_to(at(26, 8))

    paid = pay(waiting)

    # Five working hours were left of the 25th.
    assert paid.promised_at == at(26, 15)
    assert (paid.state, paid.paused_at) == (State.ACCEPTED, None)
    assert paid.events.last().data["amount"] == 8_000


def test_asking_for_money_does_not_make_a_late_dossier_punctual(clock, office):
    dossier = office.accepted(factories.filed(factories.BIRTH))
    clock.move_to(at(26, 8))
    waiting = workflow.perform(dossier, "request_payment", by=office.reception)
    clock.move_to(at(26, 9))

    paid = pay(waiting)

    assert paid.promised_at == at(25, 17)
    assert paid.is_overdue


def test_the_same_fee_is_not_asked_twice(office):
    dossier = office.accepted(factories.filed(factories.BIRTH))
    paid = pay(workflow.perform(dossier, "request_payment", by=office.reception))

    with refused(workflow.Refused):
        workflow.perform(paid, "request_payment", by=office.reception)


def test_a_fee_paid_at_filing_leaves_the_later_one_to_ask(tmp_path, office):
    fee = (
        "fees:\n  - {id: nop, name: Phí nộp, amount: 1.000, pay: at_filing,"
        " source: NQ 1/2026, confirmed: yes}\n"
    )
    factories.altered_procedure(tmp_path, factories.BIRTH, ("fees:\n", fee))
    dossier = pay(factories.filed(factories.BIRTH))

    waiting = workflow.perform(dossier, "request_payment", by=office.reception)

    assert waiting.payments.get(state=Payment.State.PENDING).amount == 8_000


def test_a_procedure_without_fees_has_no_such_step(office):
    dossier = office.accepted(factories.filed(factories.FUNERAL))

    with refused(workflow.NotPossible, "không có bước"):
        workflow.perform(dossier, "request_payment", by=office.reception)


def test_where_the_answers_lead_to_no_fee_nothing_is_asked(office):
    draft = factories.draft(factories.BIRTH)
    draft.answers["ban_sao"] = {"can": "no"}
    draft.save()
    dossier = office.accepted(workflow.perform(draft, "submit", by=draft.owner))

    with refused(workflow.Refused, "không có khoản"):
        workflow.perform(dossier, "request_payment", by=office.reception)


# --- The draft that the citizen checks --------------------------------------------------


def test_the_citizen_has_one_day_to_check_the_draft(office):
    dossier = office.processing(factories.filed(factories.BIRTH))

    with refused(workflow.Refused, "dự thảo"):
        workflow.perform(dossier, "send_draft", by=office.officer, draft=" ")
    waiting = send_draft(dossier, office)

    body = waiting.notices.get(event__name="send_draft").body
    assert waiting.citizen_by == at(26, 9)
    assert "09:00 ngày 26/11/2026" in body
    assert "coi như ông/bà đồng ý" in body


def test_a_confirmed_draft_goes_on_with_the_officer(office):
    dossier = birth_confirmed(office)

    assert dossier.state == State.PROCESSING
    assert dossier.confirmed_at == at(25, 9)
    assert dossier.citizen_by is None


def test_an_objection_must_be_followed_by_another_draft(office):
    waiting = send_draft(office.processing(factories.filed(factories.BIRTH)), office)

    with refused(workflow.Refused):
        workflow.perform(waiting, "object_to_draft", by=waiting.owner, reason="")
    back = workflow.perform(waiting, "object_to_draft", by=waiting.owner, reason="Sai họ")

    assert (back.state, back.confirmed_at) == (State.PROCESSING, None)
    assert back.events.last().note.text == "Sai họ"
    with refused(workflow.Refused, "chưa xác nhận"):
        propose(back, office, result_file=factories.signed_pdf())


def test_a_result_is_not_proposed_before_the_citizen_confirmed_its_draft(office):
    dossier = office.processing(factories.filed(factories.BIRTH))

    with refused(workflow.Refused, "chưa xác nhận"):
        propose(dossier, office, result_file=factories.signed_pdf())


def test_a_refusal_needs_no_draft(office):
    dossier = office.processing(factories.filed(factories.BIRTH))

    proposed = propose(dossier, office, outcome="refused", reason="Không đủ điều kiện")

    assert proposed.state == State.AWAITING_APPROVAL


def test_silence_agrees_when_the_day_is_over_and_the_notice_arrived(clock, office):
    waiting = send_draft(office.processing(factories.filed(factories.BIRTH)), office)
    deliver(waiting)

    clock.move_to(at(26, 8, 59))
    with refused(workflow.Refused, "Chưa hết thời gian"):
        workflow.perform(waiting, "confirm_by_silence", by=None)
    clock.move_to(at(26, 9))
    agreed = workflow.perform(waiting, "confirm_by_silence", by=None)

    assert (agreed.state, agreed.confirmed_at) == (State.PROCESSING, at(26, 9))
    assert "coi như" in agreed.notices.get(event__name="confirm_by_silence").body


def test_silence_means_nothing_where_the_notice_never_arrived(clock, office):
    waiting = send_draft(office.processing(factories.filed(factories.BIRTH)), office)
    clock.move_to(at(30, 9))

    with refused(workflow.Refused, "chưa đến được"):
        workflow.perform(waiting, "confirm_by_silence", by=None)


@pytest.mark.parametrize("contact", [{"email": None, "phone": ""}, {"email": None}])
def test_who_has_neither_email_nor_phone_agrees_by_silence_only_to_what_they_opened(
    contact, clock, office
):
    owner = factories.user(**contact)
    waiting = send_draft(office.processing(factories.filed(factories.BIRTH, owner=owner)), office)
    deliver(waiting)
    clock.move_to(at(30, 9))

    with refused(workflow.Refused, "chưa đến được"):
        workflow.perform(waiting, "confirm_by_silence", by=None)

    tracking.note_read(waiting)
    with refused(workflow.Refused, "Chưa hết thời gian"):
        workflow.perform(waiting, "confirm_by_silence", by=None)
    clock.move_to(at(1, 9, month=12))
    assert workflow.perform(waiting, "confirm_by_silence", by=None).confirmed_at == at(1, 9, 0, 12)


def test_what_was_opened_before_it_was_sent_counts_from_then(clock, office):
    waiting = send_draft(office.processing(factories.filed(factories.BIRTH)), office)
    tracking.note_read(waiting)
    clock.move_to(at(26, 9))
    deliver(waiting)

    assert workflow.perform(waiting, "confirm_by_silence", by=None).confirmed_at == at(26, 9)


def test_what_another_person_of_the_dossier_read_is_not_the_owners(clock, office):
    waiting = send_draft(office.processing(factories.filed(factories.BIRTH)), office)
    told = waiting.notices.get(event__name="send_draft")
    told.pk, told.recipient, told.read_at = None, factories.user(), told.created_at
    told.save()
    clock.move_to(at(30, 9))

    with refused(workflow.Refused, "chưa đến được"):
        workflow.perform(waiting, "confirm_by_silence", by=None)


def test_the_notice_of_an_earlier_draft_does_not_speak_for_the_next(clock, office):
    waiting = send_draft(office.processing(factories.filed(factories.BIRTH)), office)
    deliver(waiting)
    back = workflow.perform(waiting, "object_to_draft", by=waiting.owner, reason="Sai họ")
    second = send_draft(back, office)
    clock.move_to(at(30, 9))

    with refused(workflow.Refused, "chưa đến được"):
        workflow.perform(second, "confirm_by_silence", by=None)


def test_a_late_notice_gives_the_whole_day_from_its_arrival(clock, office):
    waiting = send_draft(office.processing(factories.filed(factories.BIRTH)), office)
    clock.move_to(at(26, 5))
    deliver(waiting)

    clock.move_to(at(26, 9))
    with refused(workflow.Refused, "Chưa hết thời gian"):
        workflow.perform(waiting, "confirm_by_silence", by=None)
    clock.move_to(at(27, 5))

    assert due.confirm_by_silence() == 1


def test_silence_means_nothing_where_the_procedure_does_not_say_so(tmp_path, clock, office):
    factories.altered_procedure(
        tmp_path, factories.BIRTH, ("no_answer: agree", "no_answer: remind")
    )
    waiting = send_draft(office.processing(factories.filed(factories.BIRTH)), office)
    deliver(waiting)
    clock.move_to(at(30, 9))

    with refused(workflow.Refused, "không coi im lặng"):
        workflow.perform(waiting, "confirm_by_silence", by=None)

    assert "coi như" not in waiting.notices.get(event__name="send_draft").body


def test_the_clock_stops_while_the_citizen_checks_where_the_step_says_so(tmp_path, clock, office):
    factories.altered_procedure(tmp_path, factories.BIRTH, ("clock: runs", "clock: stops"))
    waiting = send_draft(office.processing(factories.filed(factories.BIRTH)), office)
    clock.move_to(at(26, 9))

    confirmed = workflow.perform(waiting, "confirm_draft", by=waiting.owner)

    assert waiting.paused_at == at(25, 9)
    assert (confirmed.paused_at, confirmed.promised_at) == (None, at(26, 17))


def test_the_clock_runs_while_the_citizen_checks_elsewhere(clock, office):
    waiting = send_draft(office.processing(factories.filed(factories.BIRTH)), office)
    clock.move_to(at(26, 9))

    confirmed = workflow.perform(waiting, "confirm_draft", by=waiting.owner)

    assert confirmed.promised_at == at(25, 17)


STRAIGHT = (
    "  - {id: ky, name: Chủ tịch",
    "  - {id: xem, name: Ông/bà xem bản dự thảo, who: citizen, answer_days: 1}\n"
    "  - {id: ky, name: Chủ tịch",
)


def test_a_confirmed_draft_of_ours_goes_straight_to_the_person_who_signs(tmp_path, office):
    factories.altered_procedure(tmp_path, factories.FUNERAL, STRAIGHT)
    waiting = send_draft(office.processing(factories.filed()), office)
    confirmed = workflow.perform(waiting, "confirm_draft", by=waiting.owner)

    approved = approve(confirmed, office)

    assert confirmed.state == State.AWAITING_APPROVAL
    assert approved.outcome == Dossier.Outcome.GRANTED
    assert approved.results.get().facts["number"] == "01/QĐ-UBND"


def test_whoever_sent_the_draft_does_not_sign_it(tmp_path, office):
    factories.altered_procedure(tmp_path, factories.FUNERAL, STRAIGHT)
    waiting = send_draft(office.processing(factories.filed()), office)
    confirmed = workflow.perform(waiting, "confirm_draft", by=waiting.owner)
    _also_approver(office.officer)

    with refused(workflow.NotAllowed, "khác người đề xuất"):
        workflow.perform(confirmed, "approve", by=office.officer)


def _also_approver(person) -> None:
    commune = Agency.objects.get(code=factories.COMMUNE)
    Posting.objects.create(user=person, agency=commune, role=Posting.Role.APPROVER)


# --- The decision -----------------------------------------------------------------------


def test_the_officer_who_takes_it_is_its_officer(office):
    assert office.processing(factories.filed()).assignee == office.officer


def test_two_pairs_of_eyes_see_every_result(office):
    dossier = office.proposed(factories.filed())
    _also_approver(office.officer)

    with refused(workflow.NotAllowed, "khác người đề xuất"):
        workflow.perform(dossier, "approve", by=office.officer)

    assert approve(dossier, office).approved_by == office.approver


def test_what_is_sent_back_says_what_to_mend(office):
    dossier = office.proposed(factories.filed())

    with refused(workflow.Refused):
        workflow.perform(dossier, "send_back", by=office.approver, reason="")
    back = workflow.perform(dossier, "send_back", by=office.approver, reason="Sai số tiền")

    note = back.events.last().note
    assert back.state == State.PROCESSING
    assert (note.text, note.is_public) == ("Sai số tiền", False)


@pytest.mark.parametrize("outcome", ["", "perhaps"])
def test_a_proposal_has_one_of_two_outcomes(outcome, office):
    dossier = office.processing(factories.filed())

    if outcome:
        with refused(workflow.Refused):
            propose(dossier, office, outcome=outcome)
    else:
        assert propose(dossier, office, outcome=outcome).outcome == "granted"


def test_a_proposal_to_refuse_says_why(office):
    dossier = office.processing(factories.filed())

    with refused(workflow.Refused, "lý do"):
        propose(dossier, office, outcome="refused", reason=" ")


def test_a_result_signed_elsewhere_is_kept_byte_for_byte(office):
    file = factories.signed_pdf("ký số ở phần mềm hộ tịch")
    content = file.read()
    file.seek(0)
    dossier = birth_confirmed(office)

    record = {
        "so": " 15 ", "quyen": "01/2026", "ngay_dang_ky": "25/11/2026", "so_dinh_danh": "045",
        "lạ": "x",
    }  # fmt: skip
    proposed = propose(dossier, office, result_file=file, record=record)

    result = proposed.results.get()
    event = proposed.events.last()
    with result.file.open() as kept:
        assert kept.read() == content
    assert result.sha256 == event.data["sha256"] == hashlib.sha256(content).hexdigest()
    assert proposed.result_record == {
        "so": "15", "quyen": "01/2026", "ngay_dang_ky": "25/11/2026", "so_dinh_danh": "045",
    }  # fmt: skip
    assert not result.is_made_here


def test_approval_leaves_the_file_signed_elsewhere_as_it_is(office):
    dossier = propose(birth_confirmed(office), office, result_file=factories.signed_pdf())
    before = dossier.results.get()

    done = signed(approve(dossier, office))

    after = done.results.get()
    assert (after.file.name, after.sha256) == (before.file.name, before.sha256)
    assert after.approved_by == office.approver
    assert done.state == State.COMPLETED


@pytest.mark.parametrize(
    "file",
    [
        None,
        SimpleUploadedFile("ket-qua.pdf", b"%PDF-1.7 broken"),
        SimpleUploadedFile("ket-qua.pdf", b"<html>"),
    ],
)
def test_an_online_result_needs_a_whole_pdf(file, office):
    dossier = birth_confirmed(office)
    Dossier.objects.filter(pk=dossier.pk).update(delivery="online")

    with refused(workflow.Refused):
        propose(dossier, office, result_file=file)


def test_a_picture_is_no_signed_result(office):
    dossier = birth_confirmed(office)

    with refused(workflow.Refused, "PDF đã ký số"):
        propose(dossier, office, result_file=factories.picture())


def test_a_result_collected_on_paper_needs_no_file(office):
    dossier = birth_confirmed(office)
    Dossier.objects.filter(pk=dossier.pk).update(delivery="counter")

    done = signed(approve(propose(dossier, office), office))

    assert not done.results.get().file


def test_a_second_proposal_takes_the_place_of_the_first_file(office):
    dossier = propose(birth_confirmed(office), office, result_file=factories.signed_pdf("sai"))
    back = workflow.perform(dossier, "send_back", by=office.approver, reason="Sai tên")

    again = propose(back, office, result_file=factories.signed_pdf("đúng"))

    assert again.results.get().sha256 == again.events.last().data["sha256"]


def test_a_refusal_after_all_leaves_no_unsigned_result_behind(office):
    dossier = propose(birth_confirmed(office), office, result_file=factories.signed_pdf("sai"))
    back = workflow.perform(dossier, "send_back", by=office.approver, reason="Không đủ điều kiện")
    proposed = propose(back, office, outcome="refused", reason="Đã đăng ký ở nơi khác")

    approved = approve(proposed, office)

    assert [row.is_made_here for row in approved.results.all()] == [True]


def test_a_refusal_after_examination_is_a_paper_of_our_own(office):
    dossier = office.processing(factories.filed(factories.BIRTH))
    proposed = propose(dossier, office, outcome="refused", reason="Đã đăng ký ở nơi khác")

    facts = approve(proposed, office).results.get().facts

    assert facts["kind"] == "THÔNG BÁO"
    assert facts["number"] == "01/TB-UBND"
    assert "Đã đăng ký ở nơi khác" in facts["opening"]
    assert facts["signer"] == office.approver.full_name


def test_an_approved_result_says_what_was_answered_and_who_signs(office):
    result = office.approved(factories.filed()).results.get()

    text = " ".join(
        paragraph for article in result.facts["articles"] for paragraph in article["paragraphs"]
    )
    assert "Trần Văn Cụ" in text
    assert "{" not in text
    assert result.facts["kind"] == "QUYẾT ĐỊNH"
    assert result.facts["signer"] == office.approver.full_name


def test_results_are_numbered_by_office_kind_and_year_without_gaps(clock, office):
    granted = [office.approved(factories.filed()) for _ in range(2)]
    dossier = office.processing(factories.filed())
    no = approve(propose(dossier, office, outcome="refused", reason="Không thuộc diện"), office)
    clock.move_to(at(4, 9).replace(year=2027, month=1))
    later = office.approved(factories.filed())

    numbers = [row.results.get().facts["number"] for row in (*granted, no, later)]
    assert numbers == ["01/QĐ-UBND", "02/QĐ-UBND", "01/TB-UBND", "01/QĐ-UBND"]


def test_an_approval_that_fails_gives_its_number_back(office, monkeypatch):
    dossier = office.proposed(factories.filed())

    def fail(*args, **kwargs):
        raise RuntimeError

    with monkeypatch.context() as patch, refused(RuntimeError):
        patch.setattr("dossiers.ledger.append", fail)
        approve(dossier, office)

    assert approve(dossier, office).results.get().facts["number"] == "01/QĐ-UBND"


def test_nothing_is_complete_before_it_is_signed(office):
    dossier = office.approved(factories.filed())

    with refused(workflow.Refused, "chưa được ký số"):
        workflow.perform(dossier, "complete", by=None)


def test_nothing_is_complete_before_it_is_approved(office):
    dossier = propose(birth_confirmed(office), office, result_file=factories.signed_pdf())

    with refused(workflow.Refused):
        workflow.perform(dossier, "complete", by=None)


# --- Handing over -----------------------------------------------------------------------


def test_an_online_result_with_nothing_owed_hands_itself_over(office):
    from django_tasks_db.models import DBTaskResult

    done = signed(office.approved(factories.filed()))

    waiting = DBTaskResult.objects.filter(task_path="dossiers.tasks.give_online")
    assert [row.args_kwargs["args"] for row in waiting] == [[done.pk]]


def test_unpaid_fees_and_owed_originals_keep_the_result_here(office):
    from django_tasks_db.models import DBTaskResult

    dossier = propose(birth_confirmed(office), office, result_file=factories.signed_pdf())
    done = signed(approve(dossier, office))

    assert not DBTaskResult.objects.filter(task_path="dossiers.tasks.give_online").exists()
    with refused(workflow.Refused, "Phí cấp bản sao"):
        workflow.perform(done, "hand_over", by=office.reception, originals_received=True)
    with refused(workflow.Refused):
        workflow.perform(done, "hand_over", by=None)


def test_originals_are_handed_in_before_the_result_is_handed_out(office):
    dossier = office.accepted(factories.filed(factories.BIRTH))
    paid = pay(workflow.perform(dossier, "request_payment", by=office.reception))
    taken = send_draft(workflow.perform(paid, "take", by=office.officer), office)
    confirmed = workflow.perform(taken, "confirm_draft", by=taken.owner)
    done = signed(approve(propose(confirmed, office, result_file=factories.signed_pdf()), office))

    with refused(workflow.Refused, "Giấy chứng sinh"):
        workflow.perform(done, "hand_over", by=office.reception)
    given = workflow.perform(
        done, "hand_over", by=office.reception, originals_received=True, collector="Trần Thị Bình"
    )

    event = given.events.get(name="hand_over")
    assert (given.state, given.returned_at) == (State.RETURNED, at(25, 9))
    assert event.data == {
        "delivery": "counter", "originals": 1, "unknown_fees": 0, "collector": "self", "proof": "",
        "note": event.data["note"],
    }  # fmt: skip
    assert event.note.is_public is False


def test_a_refusal_owes_neither_later_fees_nor_originals(office):
    dossier = office.processing(factories.filed(factories.BIRTH))
    proposed = propose(dossier, office, outcome="refused", reason="Đã đăng ký ở nơi khác")
    done = signed(approve(proposed, office))

    assert workflow.perform(done, "hand_over", by=office.reception).state == State.RETURNED


# --- Ends -------------------------------------------------------------------------------


def test_a_dossier_taken_back_before_acceptance_needs_no_paper():
    dossier = factories.filed()

    gone = workflow.perform(dossier, "withdraw", by=dossier.owner)

    assert (gone.state, gone.answer_by) == (State.WITHDRAWN, None)
    assert not gone.papers.filter(kind=Paper.Kind.STOP).exists()


def test_a_dossier_taken_back_after_acceptance_gets_a_notice_of_stopping(office):
    dossier = office.processing(factories.filed())

    gone = workflow.perform(dossier, "withdraw", by=dossier.owner, reason="Không cần nữa")

    facts = gone.papers.get(kind=Paper.Kind.STOP).facts
    assert facts["asked_at"] == "2026-11-25T09:00:00+07:00"
    assert facts["reason"] == "Không cần nữa"
    assert facts["signer"] == ""


def test_taking_back_drops_the_money_that_was_asked():
    dossier = factories.filed(factories.COPY)

    workflow.perform(dossier, "withdraw", by=dossier.owner)

    assert dossier.payments.get().state == Payment.State.CANCELLED


def test_stopping_says_why_and_by_which_law(office, leader):
    dossier = office.processing(factories.filed())

    with refused(workflow.Refused):
        workflow.perform(dossier, "stop", by=leader, reason="Hết hạn", ground="Điều 17")
    ground = factories.ground()
    ended = workflow.perform(
        dossier, "stop", by=leader, reason="Quá thời hạn bổ sung", ground=ground.code
    )

    facts = ended.papers.get(kind=Paper.Kind.STOP).facts
    assert ended.state == State.STOPPED
    assert (facts["reason"], facts["legal_ground"]) == ("Quá thời hạn bổ sung", str(ground))
    assert "90 ngày" in facts["appeal"][0]
    assert "01 năm" in ended.notices.get(event__name="stop").body
    assert facts["signer"] == leader.full_name
    assert facts["asked_at"] == ""


# --- A new date, another office -----------------------------------------------------------


def extend(dossier: Dossier, leader, day: datetime.date | None) -> Dossier:
    return workflow.perform(dossier, "extend", by=leader, reason="Chờ xác minh", new_date=day)


def test_a_new_date_comes_with_an_apology(office, leader):
    dossier = office.processing(factories.filed())

    later = extend(dossier, leader, datetime.date(2026, 12, 2))

    facts = later.papers.get(kind=Paper.Kind.APOLOGY).facts
    assert later.promised_at == at(2, 9, month=12)
    assert later.state == State.PROCESSING
    assert facts["promised_at"] == "2026-11-30T09:00:00+07:00"
    assert facts["new_promised_at"] == "2026-12-02T09:00:00+07:00"
    assert facts["reason"] == "Chờ xác minh"
    assert "xin lỗi" in later.notices.get(event__name="extend").body


def test_there_is_no_second_new_date(office, leader):
    later = extend(office.processing(factories.filed()), leader, datetime.date(2026, 12, 2))

    with refused(workflow.Refused, "lần thứ hai"):
        extend(later, leader, datetime.date(2026, 12, 4))


@pytest.mark.parametrize(
    "day",
    [
        None,
        datetime.date(2026, 11, 30),  # the day already promised
        datetime.date(2026, 11, 27),
        datetime.date(2026, 12, 5),  # a Saturday
        datetime.date(2027, 1, 1),  # a holiday
        datetime.date(2101, 1, 5),  # no calendar knows it
    ],
)
def test_a_new_date_is_a_working_day_after_the_promised_one(day, office, leader):
    dossier = office.processing(factories.filed())

    with refused(workflow.Refused):
        extend(dossier, leader, day)


@pytest.mark.parametrize("day", [datetime.date(2026, 12, 1), datetime.date(2026, 12, 2)])
def test_a_new_date_lies_ahead(day, clock, office, leader):
    dossier = office.processing(factories.filed())
    clock.move_to(at(2, 10, month=12))

    with refused(workflow.Refused):
        extend(dossier, leader, day)


def test_another_office_takes_over_with_code_times_and_history(office, leader):
    dossier = office.processing(factories.filed())
    commune = dossier.handling_agency

    moved = workflow.perform(
        dossier, "transfer", by=leader, agency=factories.OTHER_COMMUNE, reason="Nơi cư trú"
    )

    kept = ("code", "submitted_at", "accepted_at", "promised_at", "state")
    assert [getattr(moved, name) for name in kept] == [getattr(dossier, name) for name in kept]
    assert moved.handling_agency.code == factories.OTHER_COMMUNE
    assert moved.receiving_agency.code == factories.OTHER_COMMUNE
    assert moved.assignee is None
    assert [event.name for event in moved.events.all()] == ["submit", "accept", "take", "transfer"]
    assert moved.events.last().agency == commune
    assert not Dossier.objects.handled_by(office.officer).exists()
    assert Dossier.objects.handled_by(
        factories.official("case_officer", factories.OTHER_COMMUNE)
    ).exists()


@pytest.mark.parametrize("target", [factories.COMMUNE, factories.DESK, "000.00.99.H50", None])
def test_a_dossier_goes_only_to_another_office_that_handles_it(target, office, leader):
    dossier = office.accepted(factories.filed())

    with refused(workflow.Refused, "cơ quan khác"):
        workflow.perform(dossier, "transfer", by=leader, agency=target, reason="Nhầm nơi")


# --- The words --------------------------------------------------------------------------


def test_nobody_is_congratulated_whatever_the_procedure():
    words = " ".join(f"{row.subject} {row.body}".lower() for row in notices.WORDS.values())

    assert "chúc" not in words
    assert "mừng" not in words
    assert "!" not in words


def test_a_family_in_mourning_reads_plain_facts(office):
    dossier = signed(office.approved(factories.filed(factories.FUNERAL)))

    told = list(dossier.notices.order_by("pk").values_list("subject", flat=True))
    assert told == [
        f"Hồ sơ {dossier.code}: đã nộp, chưa được tiếp nhận",
        f"Hồ sơ {dossier.code}: đã được tiếp nhận",
        f"Hồ sơ {dossier.code}: đang được xử lý",
        f"Hồ sơ {dossier.code}: đã có kết quả",
    ]


def test_papers_of_one_kind_are_numbered_from_one(office):
    dossier = answer(supplement(factories.filed(), office))
    supplement(dossier, office)

    papers = dossier.papers.filter(kind=Paper.Kind.SUPPLEMENT).order_by("number")
    assert [(row.number, row.facts["number"]) for row in papers] == [
        (1, "01/HDHS"),
        (2, "02/HDHS"),
    ]


def test_every_result_belongs_to_one_approval(office):
    office.approved(factories.filed())

    assert Result.objects.count() == 1


# --- What a stranger's reading found ------------------------------------------------------


def test_an_unsigned_file_is_no_result_of_another_system(office):
    dossier = birth_confirmed(office)

    with refused(workflow.Refused, "đã ký số"):
        propose(dossier, office, result_file=factories.pdf())


def test_a_result_of_another_system_has_its_book_numbers(office):
    dossier = birth_confirmed(office)

    with refused(workflow.Refused, "số, quyển"):
        propose(dossier, office, record={"so": "15"})


def test_a_draft_result_can_be_recalled_and_sent_anew(office):
    sent = send_draft(office.processing(factories.filed(factories.BIRTH)), office)

    recalled = workflow.perform(sent, "recall_draft", by=office.officer, reason="Sai tên mẹ")
    again = send_draft(recalled, office)

    assert recalled.state == State.PROCESSING
    assert recalled.citizen_by is None
    assert again.state == State.AWAITING_CONFIRMATION


def test_a_fee_without_an_amount_is_settled_before_the_result_is_handed_over(office, tmp_path):
    fee = "fees: [{id: x, name: Lệ phí, amount: unknown, pay: at_collection, source: Thử}]"
    factories.altered_procedure(
        tmp_path, factories.FUNERAL, ("documents:", f"{fee}\n\ndocuments:"),
        ("service_level: 4", "service_level: 3"),
    )  # fmt: skip
    done = signed(office.approved(factories.filed(factories.FUNERAL)))

    with refused(workflow.Refused, "chưa có mức thu"):
        workflow.perform(done, "hand_over", by=office.reception)
    given = workflow.perform(done, "hand_over", by=office.reception, fees_settled=True)

    assert given.events.get(name="hand_over").data["unknown_fees"] == 1


def test_a_file_that_is_not_asked_for_any_more_is_not_filed():
    draft = factories.draft(factories.FUNERAL)
    attachments.store(draft, "thoi_huong", factories.pdf(), by=draft.owner)

    filed = workflow.perform(draft, "submit", by=draft.owner)

    assert [row.document for row in filed.attachments.all()] == ["giay_chung_tu"]


def test_nothing_is_filed_at_an_office_that_was_switched_off():
    draft = factories.draft(factories.FUNERAL)
    Agency.objects.filter(code=factories.COMMUNE).update(is_active=False)

    with refused(workflow.Refused, "không còn giải quyết"):
        workflow.perform(draft, "submit", by=draft.owner)


def test_papers_name_the_person_as_the_form_does():
    filed = factories.filed(factories.FUNERAL)

    said = filed.papers.get(kind=Paper.Kind.FILING).facts["applicant"]

    assert (said["name"], said["phone"]) == ("Trần Thị Bình", "0912345678")
    assert "Gio Linh" in said["address"]


def test_lateness_is_the_same_in_a_row_and_in_a_query(office):
    from dossiers.models import overdue

    rows = [factories.filed(factories.FUNERAL) for _ in range(2)]
    office.accepted(rows[1])
    send_draft(office.processing(factories.filed(factories.BIRTH)), office)

    with time_machine.travel(at(30, 9) + datetime.timedelta(days=60)):
        now = datetime.datetime.now(datetime.UTC)
        found = set(Dossier.objects.filter(overdue(now)).values_list("pk", flat=True))
        alone = {row.pk for row in Dossier.objects.all() if row.is_overdue}

    assert found == alone == {row.pk for row in rows}
