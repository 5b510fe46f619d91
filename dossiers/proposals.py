"""What one official proposes and another one sends: supplements, refusals, new dates.

The citizen is dealt with through the one-stop desk alone (Decree 61/2018, article 5 clause 1
point e, article 17, article 19 clauses 4 and 8): whoever examines a dossier proposes, the desk
sends or returns. A refusal at the desk, and a supplement asked a further time or too late,
wait for the leader's word first. None of these moves changes the state of a dossier.
"""

from __future__ import annotations

import datetime
import logging
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import grounds, notices, supplements, workflow
from dossiers.models import Dossier, Event, Proposal, SupplementRequest
from dossiers.workflow import Action, Move, NotAllowed, Refused, Role, State, register
from procedures import worktime
from procedures.models import Channel
from procedures.text import normalise

logger = logging.getLogger(__name__)

Kind = Proposal.Kind
Decision = Proposal.Decision
Stage = SupplementRequest.Stage

# "Không quá 03 ngày làm việc kể từ ngày tiếp nhận hồ sơ": Decree 61/2018, article 19 clause 4.
SUPPLEMENT_DAYS = 3
REASON_MISSING = gettext_lazy("Hãy ghi lý do; công dân sẽ đọc đúng lời này.")

_HANDLING = (State.ACCEPTED, State.PROCESSING)
EXTENDABLE = (*_HANDLING, State.AWAITING_APPROVAL)
_SENT_BY_THE_DESK = (Kind.SUPPLEMENT, Kind.REFUSAL)
# The moves whose form shows what is proposed.
SHOWN_WITH = frozenset(
    {"request_supplement", "refuse", "extend", "consent", "decline", "return_proposal"}
)
# Which open proposals still fit once a dossier has come into a state; in others none does.
_FITS = {
    State.ACCEPTED: (Kind.SUPPLEMENT, Kind.EXTENSION),
    State.PROCESSING: (Kind.SUPPLEMENT, Kind.EXTENSION),
    State.AWAITING_APPROVAL: (Kind.EXTENSION,),
}


# --- Reading ----------------------------------------------------------------------------


def open_ones(dossier: Dossier) -> list[Proposal]:
    """What is proposed and neither sent nor returned; from the prefetched rows where there are."""
    return [row for row in dossier.proposals.all() if row.decided_at is None]


def open_of(dossier: Dossier, kind: str) -> Proposal | None:
    """The open proposal of one kind."""
    return next((row for row in open_ones(dossier) if row.kind == kind), None)


def waits_for_leader(proposal: Proposal) -> bool:
    """Whether the leader has to agree before it may be sent."""
    return proposal.needs_consent and proposal.consented_at is None


def waiting_for_leader(dossier: Dossier) -> list[Proposal]:
    """The open proposals of a dossier to which the leader has still to say yes or no.

    Among them a supplement that came in time and became late while it lay at the desk.
    """
    return [row for row in open_ones(dossier) if _needs_consent(dossier, row)]


def _needs_consent(dossier: Dossier, proposal: Proposal) -> bool:
    if proposal.consented_at is not None:
        return False
    return proposal.needs_consent or (
        proposal.kind == Kind.SUPPLEMENT and circumstances(dossier).needs_consent
    )


@dataclass(frozen=True)
class Circumstances:
    """What the law says of a supplement that is asked of a dossier now."""

    stage: str
    is_further: bool
    is_late: bool

    @property
    def needs_consent(self) -> bool:
        """Whether the leader has to allow it, with a reason."""
        return self.is_further or self.is_late

    @property
    def words(self) -> str:
        """Why it is not as the law wants it; "" when it is."""
        said = []
        if self.is_further:
            said.append(_("khâu này đã yêu cầu bổ sung một lần"))
        if self.is_late:
            said.append(_("đã quá thời gian được yêu cầu bổ sung"))
        return "; ".join(said)


def circumstances(dossier: Dossier, now: datetime.datetime | None = None) -> Circumstances:
    """Whether a supplement now would be a further one at its stage, or too late.

    Once and in full at each stage (Decree 61/2018, article 15 clause 3), and within three
    working days of receipt (article 19 clause 4); an online filing at the desk within the
    hours that it is promised an answer in (`moves.ANSWER_HOURS`).
    """
    now = now or timezone.now()
    at_desk = dossier.state == State.SUBMITTED
    stage = Stage.RECEPTION if at_desk else Stage.HANDLING
    asked = [row for row in dossier.supplement_requests.all() if row.stage == stage]
    last = last_moment(dossier)
    return Circumstances(stage, bool(asked), last is not None and now > last)


def last_moment(dossier: Dossier) -> datetime.datetime | None:
    """Until when a supplement may be asked for at the present stage without the leader."""
    if dossier.state == State.SUBMITTED:
        if dossier.channel == Channel.Kind.ONLINE:
            return dossier.answer_by
        received, office = dossier.submitted_at, dossier.receiving_agency
    else:
        received, office = dossier.accepted_at, dossier.handling_agency
    return worktime.promised_at(received, SUPPLEMENT_DAYS, office) if received else None


def to_send() -> QuerySet[Proposal]:
    """The keys of the dossiers of which the desk has a supplement or a refusal to send."""
    ready = Q(needs_consent=False) | Q(consented_at__isnull=False)
    waiting = Proposal.objects.filter(ready, decided_at=None, kind__in=_SENT_BY_THE_DESK)
    return waiting.values("dossier")


def rows(dossier: Dossier) -> list[dict[str, Any]]:
    """The open proposals as a page shows them, with what each is waiting for."""
    return [
        {
            "proposal": proposal,
            "by": proposal.proposed_by.get_full_name() if proposal.proposed_by else _("hệ thống"),
            "lines": _lines(dossier, proposal),
            "waits_for_leader": _needs_consent(dossier, proposal),
            "why": circumstances(dossier).words if proposal.kind == Kind.SUPPLEMENT else "",
        }
        for proposal in open_ones(dossier)
    ]


def _lines(dossier: Dossier, proposal: Proposal) -> list[str]:
    if proposal.kind == Kind.SUPPLEMENT:
        request = request_of(dossier, proposal)
        named = supplements.faults_of(dossier, request)
        return [*(f"{fault.name}: {fault.note}" for fault in named), *request.items]
    if proposal.kind == Kind.REFUSAL:
        return [str(proposal.ground)]
    day = new_date_of(proposal)
    return [_("Ngày hẹn mới: %(day)s") % {"day": f"{day:%d/%m/%Y}"}] if day else []


def text_of(proposal: Proposal) -> str:
    """One proposal in one line, as a form lets choose among several."""
    return f"{proposal.get_kind_display()}: {normalise(proposal.reason)[:80]}".rstrip(": ")


def new_date_of(proposal: Proposal | None) -> datetime.date | None:
    """The new date that a proposal names."""
    text = proposal.details.get("new_date") if proposal else None
    return datetime.date.fromisoformat(text) if text else None


def request_of(dossier: Dossier, proposal: Proposal) -> SupplementRequest:
    """The unsaved request that a proposed supplement makes."""
    said = proposal.details
    return SupplementRequest(
        dossier=dossier,
        items=said["items"],
        documents=said["documents"],
        fields=said["fields"],
        notes=said["notes"],
        reason=proposal.reason,
    )


# --- Proposing --------------------------------------------------------------------------


def _propose_supplement(move: Move) -> None:
    request = supplements.read(move.dossier, move.details)
    said = circumstances(move.dossier, move.now)
    _keep(
        move,
        Kind.SUPPLEMENT,
        reason=move.text("reason", REASON_MISSING),
        details={
            "items": request.items,
            "documents": request.documents,
            "fields": request.fields,
            "notes": request.notes,
            **asdict(said),
        },
        needs_consent=said.needs_consent,
    )


def _propose_refusal(move: Move) -> None:
    ground = grounds.chosen(move.dossier, grounds.Use.RECEPTION, move.details.get("ground"))
    reason = move.text("reason", REASON_MISSING)
    _keep(move, Kind.REFUSAL, reason=reason, ground=ground, needs_consent=True)


def _propose_extension(move: Move) -> None:
    new = move.details.get("new_date")
    check_new_date(move.dossier, new, move.now)
    reason = move.text("reason", REASON_MISSING)
    _keep(move, Kind.EXTENSION, reason=reason, details=_dates(move.dossier, new))


def _draft_extension(move: Move) -> None:
    """The portal prepares the apology; the reason is left to the person who signs it."""
    dossier = move.dossier
    if open_of(dossier, Kind.EXTENSION) or was_extended(dossier):
        raise Refused(_("Hồ sơ đã có đề xuất hoặc đã được hẹn lại."))
    _keep(move, Kind.EXTENSION, reason="", details=_dates(dossier, suggested_date(dossier)))


def _dates(dossier: Dossier, new: datetime.date) -> dict[str, str]:
    return {"new_date": new.isoformat(), "promised_at": dossier.promised_at.isoformat()}


def _keep(move: Move, kind: str, **values: Any) -> None:
    """Write a proposal down; an earlier one of its kind that is still open gives way to it."""
    _decide(move.dossier.proposals.filter(kind=kind, decided_at=None), Decision.DROPPED, move)
    proposal = Proposal.objects.create(
        dossier=move.dossier, kind=kind, proposed_by=move.by, **values
    )
    move.data = {"proposal": proposal.pk}
    move.say(proposal.reason, public=False)


def _decide(proposals: Any, decision: str, move: Move, **values: Any) -> None:
    proposals.update(decision=decision, decided_by=move.by, decided_at=move.now, **values)


def check_new_date(dossier: Dossier, new: datetime.date | None, now: datetime.datetime) -> None:
    """Refuse a new date that may not be given (Decree 61/2018, article 19 clause 9)."""
    if was_extended(dossier):
        raise Refused(_("Hồ sơ đã được hẹn lại một lần; quy định không cho hẹn lại lần thứ hai."))
    if dossier.promised_at is None or new is None:
        raise Refused(_("Hãy chọn ngày hẹn mới."))
    old = timezone.localdate(dossier.promised_at)
    if new <= max(old, timezone.localdate(now)) or not _is_working(new):
        raise Refused(_("Ngày hẹn mới phải là ngày làm việc, sau ngày đã hẹn."))


def _is_working(day: datetime.date) -> bool:
    try:
        return worktime.is_working_day(day)
    except worktime.NoCalendar:
        return False


def was_extended(dossier: Dossier) -> bool:
    """Whether a new date was given already."""
    if "events" in getattr(dossier, "_prefetched_objects_cache", {}):
        return any(event.name == "extend" for event in dossier.events.all())
    return Event.objects.filter(dossier=dossier, name="extend").exists()


def suggested_date(dossier: Dossier) -> datetime.date:
    """The new date that a drafted apology names: half the working days once more, at least one."""
    calendar = worktime.Calendar.load()
    last = timezone.localdate(dossier.promised_at)
    begun = timezone.localdate(dossier.accepted_at or dossier.promised_at)
    days = calendar.count_between(begun, last) // 2
    return calendar.after(last, max(1, days))


# --- The leader's word, and back --------------------------------------------------------


def _consent(move: Move) -> None:
    waiting = waiting_for_leader(move.dossier)
    proposal = _meant(move, waiting)
    if proposal.proposed_by_id == move.by.pk:
        raise NotAllowed(_("Người đồng ý phải khác người đề xuất."))
    reason = move.words("reason")
    if proposal.kind == Kind.SUPPLEMENT and not reason:
        raise Refused(_("Hãy ghi vì sao cho phép yêu cầu bổ sung thêm lần nữa hoặc sau thời gian."))
    Proposal.objects.filter(pk=proposal.pk).update(
        needs_consent=True, consented_by=move.by, consented_at=move.now, consent_reason=reason
    )
    move.data = {"proposal": proposal.pk}
    move.say(reason, public=False)


def _return(move: Move) -> None:
    """The desk gives a proposed supplement back to the officer."""
    proposed = open_of(move.dossier, Kind.SUPPLEMENT)
    _give_back(move, [proposed] if proposed else [])


def _decline(move: Move) -> None:
    """The leader says no to what was proposed to them, or wants it otherwise."""
    _give_back(move, for_leader(move.dossier))


def for_leader(dossier: Dossier) -> list[Proposal]:
    """What lies before the leader: to agree to, and to sign."""
    apology = open_of(dossier, Kind.EXTENSION)
    return [*waiting_for_leader(dossier), *([apology] if apology else [])]


def _give_back(move: Move, candidates: list[Proposal]) -> None:
    comment = move.text("reason", gettext_lazy("Hãy ghi vì sao trả lại đề xuất."))
    proposal = _meant(move, candidates)
    _decide(Proposal.objects.filter(pk=proposal.pk), Decision.RETURNED, move, comment=comment)
    move.data = {"proposal": proposal.pk}
    move.say(comment, public=False)
    if proposal.proposed_by_id:
        move.afterwards(lambda: _tell_returned(move.dossier, proposal, comment))


def _tell_returned(dossier: Dossier, proposal: Proposal, comment: str) -> None:
    notices.say_to_official(
        proposal.proposed_by,
        "proposal_returned",
        dossier=dossier,
        kind_words=proposal.get_kind_display(),
        note=comment,
    )


def _meant(move: Move, candidates: list[Proposal]) -> Proposal:
    """The proposal that the form names, or the only one there is."""
    given = str(move.details.get("proposal") or "")
    for proposal in candidates:
        if str(proposal.pk) == given:
            return proposal
    if given or not candidates:
        raise Refused(_gone(move.dossier))
    if len(candidates) > 1:
        raise Refused(_("Hồ sơ có nhiều đề xuất; hãy chọn một."))
    return candidates[0]


def _gone(dossier: Dossier) -> str:
    """Why there is nothing to decide any more, and who was first."""
    return _("Không còn đề xuất nào chờ quyết định. %(what)s") % {
        "what": workflow.what_happened(dossier)
    }


# --- Used by the moves that send --------------------------------------------------------


def consented(dossier: Dossier, kind: str) -> Proposal:
    """The open proposal of a kind to which the leader has agreed; `Refused` without one."""
    proposal = open_of(dossier, kind)
    if proposal is None:
        raise Refused(
            _("Chưa có đề xuất “%(kind)s”; hãy đề xuất và chờ lãnh đạo đồng ý.")
            % {"kind": Kind(kind).label}
        )
    if proposal.consented_at is None:
        raise Refused(
            _("Lãnh đạo chưa đồng ý với đề xuất “%(kind)s”.") % {"kind": Kind(kind).label}
        )
    return proposal


def sent(move: Move, proposal: Proposal) -> None:
    """The move was made from this proposal."""
    _decide(Proposal.objects.filter(pk=proposal.pk), Decision.SENT, move)
    move.data["proposal"] = proposal.pk


def drop_unfit(move: Move) -> None:
    """Drop the open proposals that a move left behind; none is open on the citizen's turn."""
    dossier, before = move.dossier, move.before.state
    if dossier.state == before or before not in (State.SUBMITTED, *EXTENDABLE):
        return
    fits = () if before == State.SUBMITTED else _FITS.get(dossier.state, ())
    rest = Proposal.objects.filter(dossier=dossier, decided_at=None).exclude(kind__in=fits)
    _decide(rest, Decision.DROPPED, move)


def drop_all(move: Move) -> None:
    """Another office decides from now on: nothing that was proposed here holds."""
    _decide(move.dossier.proposals.filter(decided_at=None), Decision.DROPPED, move)


def mark_late() -> int:
    """Put before the leader each proposed supplement that became late at the desk; how many."""
    open_in_time = Proposal.objects.filter(
        kind=Kind.SUPPLEMENT, decided_at=None, needs_consent=False
    ).select_related("dossier__receiving_agency", "dossier__handling_agency")
    rows = open_in_time.prefetch_related("dossier__supplement_requests")
    with worktime.one_calendar():
        late = [row.pk for row in rows if _became_late(row)]
    return Proposal.objects.filter(pk__in=late, decided_at=None).update(needs_consent=True)


def _became_late(proposal: Proposal) -> bool:
    """Whether the leader has to agree by now; one that cannot be told keeps no other waiting."""
    try:
        return circumstances(proposal.dossier).needs_consent
    except Exception:
        logger.exception("mark_late: proposal %s failed", proposal.pk)
        return False


# --- The table --------------------------------------------------------------------------


for _action in (
    Action(
        "propose_supplement", gettext_lazy("Đề xuất yêu cầu bổ sung"), _HANDLING,
        _propose_supplement, roles=(Role.CASE_OFFICER,), asks=("faults", "items", "reason"),
        is_silent=True,
    ),
    Action(
        "propose_further_supplement", gettext_lazy("Xin phép yêu cầu bổ sung"),
        (State.SUBMITTED,), _propose_supplement, roles=(Role.RECEPTION,),
        asks=("faults", "items", "reason"), is_silent=True,
        offered=lambda dossier: circumstances(dossier).needs_consent,
    ),
    Action(
        "propose_refusal", gettext_lazy("Đề xuất từ chối tiếp nhận"), (State.SUBMITTED,),
        _propose_refusal, roles=(Role.RECEPTION,), asks=("ground", "reason"), is_silent=True,
    ),
    Action(
        "propose_extension", gettext_lazy("Đề xuất xin lỗi, hẹn lại"), EXTENDABLE,
        _propose_extension, roles=(Role.CASE_OFFICER,), asks=("new_date", "reason"),
        is_silent=True, offered=lambda dossier: dossier.promised_at is not None,
    ),
    Action(
        "draft_extension", gettext_lazy("Soạn sẵn thư xin lỗi, hẹn lại"), EXTENDABLE,
        _draft_extension, system=True, is_silent=True,
    ),
    Action(
        "consent", gettext_lazy("Đồng ý đề xuất"), (State.SUBMITTED, *_HANDLING), _consent,
        roles=(Role.LEADER,), asks=("proposal", "consent_reason"), is_silent=True,
        offered=lambda dossier: bool(waiting_for_leader(dossier)),
    ),
    Action(
        "decline", gettext_lazy("Không đồng ý đề xuất"), (State.SUBMITTED, *EXTENDABLE), _decline,
        roles=(Role.LEADER,), asks=("proposal", "comment"), is_silent=True,
        offered=lambda dossier: bool(for_leader(dossier)),
    ),
    Action(
        "return_proposal", gettext_lazy("Trả lại đề xuất bổ sung"), _HANDLING, _return,
        roles=(Role.RECEPTION,), asks=("comment",), is_silent=True,
        offered=lambda dossier: open_of(dossier, Kind.SUPPLEMENT) is not None,
    ),
):  # fmt: skip
    register(_action)
