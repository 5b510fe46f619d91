"""Feedback and complaints about how a dossier was handled, and the office's answer to them.

A complaint changes neither the dossier nor its state: it is another matter, with its own time.
Whoever decided in the dossier answers none about it; where nobody else of the office may, the
one above it does. The ledger keeps that it came and was answered, with digests of the words.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import alerts, ledger, notices, workflow
from dossiers.models import Complaint, Dossier, Event, Notice, new_key
from dossiers.models.questions import new_question_code
from procedures import worktime
from procedures.models import Posting
from procedures.text import normalise

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

Kind = Complaint.Kind
Role = Posting.Role

ANSWERS = frozenset({Role.LEADER, Role.SUPERVISOR})
MAX_TEXT = 4000  # characters
MAX_A_DAY = 3  # of one dossier
MADE, RECEIVED, ANSWERED = "complain", "receive_complaint", "answer_complaint"
REMINDED = "complaint_due"

# The times of the laws as they are commonly cited. Their texts do not come with the portal, so
# each office has them checked by its own lawyer before it goes live (docs/decisions.md); this is
# the one place where they stand. `grounds.APPEALS` says the same of the first.
#
# Luật Khiếu nại số 02/2011/QH13: within 90 days of receiving the decision (điều 9); taken up
# within 10 days (điều 27), answered within 30 days of that (điều 28).
COMPLAIN_WITHIN, TAKEN_UP_WITHIN, ANSWERED_WITHIN = 90, 10, 30  # days of every kind
# Nghị định 20/2008/NĐ-CP, as amended, on phản ánh, kiến nghị.
FEEDBACK_WITHIN = 15  # working days
# So long before the end the office is reminded.
REMIND_AHEAD = datetime.timedelta(days=3)

# Moves by which an official decides something, or says what is to be decided.
_DECIDING = (
    "accept", "refuse", "propose_refusal", "request_supplement", "propose_supplement", "propose",
    "send_back", "approve", "stop", "extend", "propose_extension", "transfer", "send_draft",
    "record_at_once", "decide_exemption",
)  # fmt: skip


# What their codes begin with, as questions' do with HD.
_PREFIX = {Kind.FEEDBACK: "PA", Kind.COMPLAINT: "KN"}


class NotKept(Exception):
    """Nothing was kept; the sentence is for who wrote."""


# --- Making one -------------------------------------------------------------------------


def complain_until(dossier: Dossier) -> datetime.date | None:
    """The last day for a complaint about the decision; None while nothing is decided."""
    if dossier.ended_at is None:
        return None
    return timezone.localdate(dossier.ended_at) + datetime.timedelta(days=COMPLAIN_WITHIN)


def is_in_time(dossier: Dossier) -> bool:
    """Whether a complaint may still be made here; feedback may always."""
    last = complain_until(dossier)
    return last is None or timezone.localdate() <= last


@transaction.atomic
def make(dossier: Dossier, kind: str, text: str, *, by: User, form_key: str) -> Complaint:
    """Keep what the filer of a dossier complains of; the same form sent twice is one.

    Raises `NotKept` past the time of a complaint and after `MAX_A_DAY` on one day.
    """
    locked = Dossier.objects.select_for_update().get(pk=dossier.pk)
    known = locked.complaints.filter(form_key=form_key).first()
    text = normalise(text).strip()
    if known is not None and known.text == text:
        return known
    _check(locked, kind)
    complaint = Complaint.objects.create(
        code=new_question_code().replace("HD", _PREFIX[kind], 1),
        dossier=locked,
        agency=locked.handling_agency,
        kind=kind,
        text=text,
        made_by=by,
        due_at=_due(locked, kind),
        form_key=form_key if known is None else new_key(),
    )
    _record(locked, complaint, MADE, text, by=by)
    _tell_office(complaint, "complaint_made")
    return complaint


def _check(dossier: Dossier, kind: str) -> None:
    if kind == Kind.COMPLAINT and not is_in_time(dossier):
        raise NotKept(
            _("Đã quá %(days)d ngày từ khi có quyết định nên không khiếu nại ở đây được nữa. Có "
              "trở ngại khách quan thì xin gửi đơn đến cơ quan, hoặc gửi phản ánh.")
            % {"days": COMPLAIN_WITHIN}
        )  # fmt: skip
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    if dossier.complaints.filter(made_at__gte=today).count() >= MAX_A_DAY:
        raise NotKept(
            _("Hôm nay hồ sơ này đã có %(most)d phản ánh, khiếu nại; xin gửi tiếp vào ngày mai.")
            % {"most": MAX_A_DAY}
        )


def _due(dossier: Dossier, kind: str) -> datetime.datetime:
    """When the office has to have answered what comes now."""
    office, now = dossier.handling_agency, timezone.now()
    if kind == Kind.FEEDBACK:
        due = worktime.promised_at(now, FEEDBACK_WITHIN, office)
    else:
        due = worktime.after_calendar_days(now, TAKEN_UP_WITHIN + ANSWERED_WITHIN, office)
    return worktime.closing(due, office)


def _record(dossier: Dossier, row: Complaint, name: str, text: str, *, by: User) -> Event:
    data = {"complaint": row.pk}
    if text:
        # The key of the form is the salt: without it a short text could be guessed.
        data["text"] = ledger.digest(text, row.form_key)
    agency = None if name == MADE else row.agency
    return ledger.append(dossier, name, actor=by, agency=agency, data=data)


# --- Answering --------------------------------------------------------------------------


def for_page() -> QuerySet[Complaint]:
    """Complaints as pages show them, those that wait longest first, the answered behind."""
    rows = Complaint.objects.select_related(
        "agency", "answered_by", "received_by", "made_by",
        "dossier__revision", "dossier__owner", "dossier__receiving_agency",
        "dossier__handling_agency",
    )  # fmt: skip
    return rows.order_by(F("answered_at").desc(nulls_first=True), "due_at", "pk")


def is_late(row: Complaint) -> bool:
    """Whether its time ended before it was answered."""
    return (row.answered_at or timezone.now()) > row.due_at


def is_waiting_to_be_taken_up(row: Complaint) -> bool:
    """Whether a formal complaint still has to be taken up; feedback is simply answered."""
    return row.kind == Kind.COMPLAINT and row.received_at is None and row.answered_at is None


def take_up_by(row: Complaint) -> datetime.date:
    """By which day the office says that it takes a formal complaint up."""
    return timezone.localdate(row.made_at) + datetime.timedelta(days=TAKEN_UP_WITHIN)


def why_not(row: Complaint, user: User, held: list[tuple[str, int]] | None = None) -> str:
    """Why this official does not answer it; "" where they may.

    Nobody judges their own decision, nor one about a relative. `held` are their postings.
    """
    if row.answered_at:
        return _("Đã trả lời; nội dung đã gửi không sửa được nữa.")
    dossier = row.dossier
    if not workflow.acting_roles(dossier, user, held) & ANSWERS:
        return _("Lãnh đạo hoặc người giám sát của cơ quan mới trả lời được, và không phải người "
                 "thân của người có hồ sơ.")  # fmt: skip
    if user.pk in involved(dossier):
        return _("Ông/bà đã quyết định hoặc thụ lý trong hồ sơ này nên không trả lời khiếu nại về "
                 "nó; người giám sát hoặc cấp trên sẽ trả lời.")  # fmt: skip
    return ""


def involved(dossier: Dossier) -> set[int]:
    """The keys of those about whose work it may be: who handled, decided or signed."""
    deciding = dossier.events.filter(name__in=_DECIDING, actor__isnull=False)
    people = set(deciding.values_list("actor", flat=True))
    return (people | {dossier.assignee_id, dossier.approved_by_id}) - {None, dossier.owner_id}


@transaction.atomic
def take_up(row: Complaint, *, by: User) -> Complaint:
    """Say that a formal complaint is taken up: its 30 days begin. Raises `NotKept`."""
    locked = _locked(row, by)
    if not is_waiting_to_be_taken_up(locked):
        raise NotKept(_("Khiếu nại này đã được thụ lý."))
    now, office = timezone.now(), locked.agency
    due = worktime.after_calendar_days(now, ANSWERED_WITHIN, office)
    locked.received_by, locked.received_at = by, now
    locked.due_at = worktime.closing(due, office)
    locked.save(update_fields=["received_by", "received_at", "due_at"])
    event = _record(locked.dossier, locked, RECEIVED, "", by=by)
    _tell(locked, "complaint_taken_up", event)
    return locked


@transaction.atomic
def answer(row: Complaint, text: str, *, by: User) -> Complaint:
    """Answer once, and tell who complained. Raises `NotKept`."""
    locked = _locked(row, by)
    text = normalise(text).strip()
    if not text:
        raise NotKept(_("Hãy viết câu trả lời."))
    locked.answer, locked.answered_by, locked.answered_at = text, by, timezone.now()
    locked.received_at = locked.received_at or locked.answered_at
    locked.received_by = locked.received_by or by
    locked.save(
        update_fields=["answer", "answered_by", "answered_at", "received_at", "received_by"]
    )
    event = _record(locked.dossier, locked, ANSWERED, text, by=by)
    _tell(locked, "complaint_answered", event)
    return locked


def _locked(row: Complaint, by: User) -> Complaint:
    """The complaint with its dossier, both locked, the dossier first; raises `NotKept`."""
    Dossier.objects.select_for_update().get(pk=row.dossier_id)
    Complaint.objects.select_for_update().get(pk=row.pk)
    locked = for_page().get(pk=row.pk)
    if refusal := why_not(locked, by):
        raise NotKept(refusal)
    return locked


def _tell(row: Complaint, kind: str, event: Event) -> None:
    person = get_user_model().objects.get(pk=row.made_by_id)
    if notices.can_be_told(person):
        path = f"{reverse('dossiers:complaints', args=[row.dossier.code])}#{row.code}"
        notices.say(
            person, kind, dossier=row.dossier, event=event, path=path, due_at=row.due_at,
            complaint=row.code, when=notices.moment_text(row.due_at),
        )  # fmt: skip


# --- The office -------------------------------------------------------------------------


def remind() -> int:
    """Remind the office of what has to be answered soon, once for each due time; of how many."""
    soon = Complaint.objects.filter(answered_at=None, due_at__lte=timezone.now() + REMIND_AHEAD)
    return sum(_remind(pk) for pk in soon.order_by("due_at").values_list("pk", flat=True)[:500])


@transaction.atomic
def _remind(pk: int) -> bool:
    row = Complaint.objects.select_for_update().filter(pk=pk, answered_at=None).first()
    if row is None:
        return False
    path = reverse("admin:complaint", args=[row.pk])
    if Notice.objects.filter(
        dossier=row.dossier_id, kind=REMINDED, due_at=row.due_at, path=path
    ).exists():
        return False
    return _tell_office(row, REMINDED)


def _tell_office(row: Complaint, kind: str) -> bool:
    """Tell those of the office who may answer; whether there is anybody."""
    barred = involved(row.dossier)
    people = [one for one in alerts.holders(row.agency, ANSWERS) if one.pk not in barred]
    for person in people:
        notices.say(
            person, kind, dossier=row.dossier, path=reverse("admin:complaint", args=[row.pk]),
            due_at=row.due_at, complaint=row.code, when=notices.moment_text(row.due_at),
        )  # fmt: skip
    return bool(people)
