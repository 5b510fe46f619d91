"""What each move does: the rows it writes, the clock it sets, the papers it asks for.

The order is that of a dossier's life. Only `workflow.perform()` runs these.
"""

from __future__ import annotations

import datetime
import json
from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import (
    attachments,
    breaches,
    bundles,
    certificates,
    clock,
    exemptions,
    filing,
    grounds,
    ledger,
    numbering,
    papers,
    previews,
    proposals,
    results,
    resultsigning,
    supplements,
    tracking,
)
from dossiers.codes import next_code
from dossiers.handing import collecting, posting, readying
from dossiers.models import (
    Attachment,
    Breach,
    Dossier,
    Event,
    Notice,
    Paper,
    SupplementRequest,
    new_secret,
)
from dossiers.workflow import Action, Move, NotAllowed, Refused, Role, State, register
from procedures import worktime
from procedures.formspec.webform import prune
from procedures.models import Channel, Fee

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

    from procedures.fees import FeeLine

# "8 giờ làm việc" for the first answer to an online filing comes from the texts of
# procedures, not from a decree, so it is a value here and said with its source.
ANSWER_HOURS = 8
REASON_MISSING = proposals.REASON_MISSING


# --- The citizen files ----------------------------------------------------------------


def _submit(move: Move) -> None:
    dossier = move.dossier
    dossier.answers = prune(dossier.revision.form, dossier.answers)
    problems = filing.problems(dossier, now=move.now)
    if problems:
        raise Refused(problems[0].message)
    asked = {row.key for row in filing.to_attach(dossier)}
    if move.details.get("exemption"):
        asked.add(exemptions.PROOF)
    attachments.drop_unasked(dossier, asked)
    dossier.code = next_code(dossier.receiving_agency, move.now)
    dossier.submitted_at = move.now
    dossier.attachments.filter(submitted_at=None).update(submitted_at=move.now)
    claims = claim_exemptions(move, move.details.get("exemption"))
    move.fee_lines = [
        line
        for line in filing.charges(dossier, due=Fee.Due.FILING)
        if line.is_payable_online and line.amount and not line.is_claimed
    ]
    dossier.to_submitted(pays_first=bool(move.fee_lines))
    if move.fee_lines:
        dossier.came_from = State.SUBMITTED
        _give_time(move, "payment")
    else:
        _expect_answer(move)
    move.data = {
        "revision": dossier.revision_id,
        "declared": bool(move.details.get("declared")),
        "files": [row.sha256 for row in dossier.attachments.all()],
        "participants": list(dossier.participants.active().values_list("pk", flat=True)),
    } | claims
    move.papers.append((Paper.Kind.FILING, papers.filing_facts(dossier)))
    move.papers.append((Paper.Kind.FORM, papers.form_facts(dossier)))
    move.afterwards(lambda: bundles.make_later(dossier))
    move.afterwards(lambda: previews.make_later(dossier))


def claim_exemptions(
    move: Move, said: exemptions.Claimed | None, *, by: User | None = None
) -> dict[str, list[int]]:
    """Keep the claims that come with a filing; what the ledger says of them.

    `by` is reception where it has seen what proves them. Refuses what cannot be claimed.
    """
    try:
        rows = exemptions.claim(move.dossier, said, now=move.now, by=by)
    except exemptions.NotClaimable as error:
        raise Refused(str(error)) from error
    return {"exemptions": [row.pk for row in rows]} if rows else {}


def _expect_answer(move: Move) -> None:
    move.dossier.answer_by = worktime.after_hours(
        move.now, ANSWER_HOURS, move.dossier.receiving_agency
    )


# --- Reception ------------------------------------------------------------------------


def _accept(move: Move) -> None:
    dossier = move.dossier
    _refuse_while_claims_are_open(dossier)
    dossier.to_accepted()
    # What was taken in during a power cut was taken in then, and its time runs from then.
    dossier.accepted_at = dossier.submitted_at if move.details.get("late") else move.now
    dossier.answer_by = None
    dossier.promised_at = _promise(dossier, dossier.accepted_at)
    # An online filing is there at once (Decree 61/2018, article 18 clause 1).
    if dossier.channel == Channel.Kind.ONLINE:
        dossier.handed_on_at = move.now
    else:
        dossier.hand_on_by = worktime.hand_on_deadline(move.now, dossier.receiving_agency)
    entry = numbering.enter_register(dossier)
    contents = papers.receipt_facts(dossier, entry=entry, by=move.by)
    move.papers.append((Paper.Kind.RECEIPT, contents))


def _refuse_while_claims_are_open(dossier: Dossier) -> None:
    fees = {fee.key: fee.name for fee in dossier.revision.fees.all()}
    names = [fees[row.fee] for row in exemptions.undecided(dossier)]
    if names:
        raise Refused(
            _(
                "Còn đề nghị miễn, giảm chưa được quyết định: %(names)s. Hãy xác nhận hoặc không "
                "chấp nhận đề nghị trước khi tiếp nhận."
            )
            % {"names": "; ".join(names)}
        )


def _promise(dossier: Dossier, now: datetime.datetime) -> datetime.datetime | None:
    channel = dossier.revision.channel(dossier.channel)
    if channel is None:
        return None
    from_filing = channel.clock_starts == Channel.ClockStart.FILING
    start = dossier.submitted_at if from_filing and now == dossier.accepted_at else now
    return worktime.due(
        start, channel.unit, channel.amount, channel.cut_off, dossier.handling_agency
    )


def _hand_on(move: Move) -> None:
    """The papers leave the desk for who handles them (Decree 61/2018, article 18 clause 2)."""
    if move.dossier.handed_on_at:
        raise Refused(_("Hồ sơ đã được chuyển cho nơi giải quyết rồi."))
    move.dossier.handed_on_at = move.now


def _refuse(move: Move) -> None:
    """Reception sends what the leader agreed to, word for word."""
    proposal = proposals.consented(move.dossier, proposals.Kind.REFUSAL)
    ground = proposal.ground
    move.dossier.to_refused()
    move.data = {"ground": ground.code}
    proposals.sent(move, proposal)
    move.say(proposal.reason, ground=ground.law)
    facts = papers.refusal_facts(
        move.dossier, proposal.reason, str(ground), by=move.by, appeal=grounds.appeals(move.dossier)
    )
    move.papers.append((Paper.Kind.REFUSAL, facts))
    _note_refused_late(move)


def _note_refused_late(move: Move) -> None:
    """A refusal comes within the time for handling (Decree 61/2018, article 19 clause 8)."""
    before = move.before
    due = before.answer_by if before.state == State.SUBMITTED else before.promised_at
    if due and due < move.now:
        breaches.note(
            move.dossier, Breach.Kind.REFUSED_LATE, at=due, officer=move.dossier.assignee_id
        )


def _request_supplement(move: Move) -> None:
    """The desk asks: what the officer proposed, or before acceptance what it found itself."""
    dossier = move.dossier
    said = proposals.circumstances(dossier, move.now)
    proposal = proposals.open_of(dossier, proposals.Kind.SUPPLEMENT)
    if proposal is None:
        request = _found_at_desk(move, said)
    else:
        request = proposals.request_of(dossier, proposal)
        request.allowed_by, request.allowed_reason = proposal.consented_by, proposal.consent_reason
    if said.needs_consent and request.allowed_by is None:
        raise Refused(
            _("Việc yêu cầu bổ sung này cần lãnh đạo cho phép: %(why)s.") % {"why": said.words}
        )
    request.stage, request.is_further = said.stage, said.is_further
    request.is_late, request.asked_by = said.is_late, move.by
    late_since = proposals.last_moment(dossier)
    _pause(move)
    dossier.to_supplement_required()
    _give_time(move, "supplement")
    request.due_at = dossier.citizen_by
    request.save()
    move.data = {"request": request.pk, "documents": request.documents, "fields": request.fields}
    if proposal is not None:
        proposals.sent(move, proposal)
    _note_supplement(move, request, late_since)
    move.say("\n".join(supplements.sentences(dossier, request)))
    move.papers.append(
        (Paper.Kind.SUPPLEMENT, papers.supplement_facts(dossier, request, by=move.by))
    )


def _found_at_desk(move: Move, said: proposals.Circumstances) -> SupplementRequest:
    """What reception found; once accepted, only who handles the dossier may want something."""
    if move.dossier.state != State.SUBMITTED:
        raise Refused(
            _(
                "Hồ sơ đã được tiếp nhận: công chức thụ lý đề xuất, một cửa gửi yêu cầu bổ sung. "
                "Hiện chưa có đề xuất nào."
            )
        )
    if said.needs_consent:
        raise Refused(
            _("Việc yêu cầu bổ sung này cần lãnh đạo cho phép: %(why)s.") % {"why": said.words}
        )
    request = supplements.read(move.dossier, move.details)
    request.reason = move.text("reason", REASON_MISSING)
    return request


def _note_supplement(
    move: Move, request: SupplementRequest, late_since: datetime.datetime | None
) -> None:
    """What the law does not want shows, also where the leader allowed it."""
    proposal_by = move.before.assignee
    if request.is_further:
        breaches.note(
            move.dossier, Breach.Kind.SUPPLEMENT_AGAIN,
            at=move.now, occasion=str(request.pk), officer=proposal_by,
        )  # fmt: skip
    if request.is_late and late_since:
        breaches.note(
            move.dossier, Breach.Kind.SUPPLEMENT_LATE,
            at=late_since, occasion=str(request.pk), officer=proposal_by,
        )  # fmt: skip


def _pause(move: Move) -> None:
    dossier = move.dossier
    dossier.came_from = dossier.state
    dossier.paused_at = move.now


def _give_time(move: Move, what: str) -> None:
    """Set by when the citizen is to supplement or pay, where the revision says it."""
    days = (move.dossier.revision.definition.get(what) or {}).get("citizen_days")
    if days:
        office = move.dossier.receiving_agency
        last = worktime.after_calendar_days(move.now, int(days), office)
        move.dossier.citizen_by = worktime.closing(last, office)


def _answer_supplement(move: Move) -> None:
    dossier = move.dossier
    request = dossier.supplement_requests.get(answered_at=None)
    request.answer = move.words("answer") or request.answer
    _check_supplement(dossier, request)
    _drop_unasked_files(dossier, request)
    changed = supplements.apply(dossier, request)
    fresh = _not_sent_yet(dossier)
    move.data = {"request": request.pk, "files": list(fresh.values_list("sha256", flat=True))}
    fresh.update(submitted_at=move.now)
    move.afterwards(lambda: bundles.make_later(dossier))
    move.afterwards(lambda: previews.make_later(dossier))
    request.answered_at = move.now
    request.save()
    move.say(request.answer)
    if changed:
        answers = json.dumps(dossier.answers, sort_keys=True)
        move.data |= {"fields": changed, "answers": ledger.digest(answers, dossier.key)}
        move.papers.append((Paper.Kind.FORM, papers.form_facts(dossier)))
    policy = (dossier.revision.definition.get("supplement") or {}).get("clock", "restart")
    resume(move, restart=policy == "restart")


def _check_supplement(dossier: Dossier, request: SupplementRequest) -> None:
    """Refuse a supplement in which something is left undone or unsaid."""
    left = [task.title for task in supplements.tasks(dossier, request) if not task.is_done]
    if left:
        raise Refused(_("Còn việc chưa làm: %(names)s.") % {"names": "; ".join(left)})
    view = supplements.amended(dossier, request)
    if reason := supplements.obstacle(view):
        raise Refused(reason)
    if request.answer:
        return
    if supplements.kept(dossier, request, view):
        raise Refused(_("Có ô ông/bà giữ nguyên như cũ; xin ghi lý do ở phần lời nhắn."))
    fresh = _not_sent_yet(dossier).exists()
    if not (fresh or request.explanations or request.fields):
        raise Refused(_("Hãy ghi nội dung trả lời hoặc đính kèm giấy tờ được yêu cầu."))


def _not_sent_yet(dossier: Dossier) -> QuerySet[Attachment]:
    """The files of a supplement that is being made; those of messages go with their message."""
    return dossier.attachments.filter(submitted_at=None).exclude(document=Attachment.MESSAGE)


def _drop_unasked_files(dossier: Dossier, request: SupplementRequest) -> None:
    called = {row.key for row in filing.to_attach(supplements.amended(dossier, request))}
    attachments.drop_unasked(
        dossier, {*called, *request.documents, Attachment.OTHER, Attachment.MESSAGE}
    )


def resume(move: Move, *, restart: bool) -> None:
    """Back to where it came from, with the clock anew or going on (NĐ 61/2018 art. 19.4).

    One that was late already when it was paused stays late.
    """
    dossier = move.dossier
    dossier.to_where_it_came_from()
    clock.resume_step(dossier, move.now, restart=restart)
    if dossier.state == State.SUBMITTED:
        _expect_answer(move)
    elif restart:
        dossier.promised_at = _promise(dossier, move.now)
    else:
        _run_on(move)
    dossier.came_from, dossier.paused_at, dossier.citizen_by = "", None, None


def _run_on(move: Move) -> None:
    """Promise what was left of the time when the clock was stopped."""
    dossier, office = move.dossier, move.dossier.handling_agency
    if dossier.promised_at and dossier.paused_at and dossier.paused_at < dossier.promised_at:
        left = worktime.working_time_between(dossier.paused_at, dossier.promised_at, office)
        dossier.promised_at = worktime.after_time(move.now, left, office)
    dossier.paused_at = None


def _request_payment(move: Move) -> None:
    dossier = move.dossier
    lines = fees_to_ask(dossier)
    if not lines:
        raise Refused(_("Hồ sơ này không có khoản phí, lệ phí nào phải nộp lúc này."))
    unconfirmed = [line.name for line in lines if not line.is_payable_online]
    if unconfirmed:
        raise Refused(
            _("Mức thu chưa được kiểm tra nên chưa thu trực tuyến được: %(names)s.")
            % {"names": "; ".join(unconfirmed)}
        )
    move.fee_lines = lines
    _pause(move)
    dossier.to_payment_required()
    _give_time(move, "payment")
    move.data = {"amount": sum(line.amount for line in lines)}


def fees_to_ask(dossier: Dossier) -> list[FeeLine]:
    """The fees of acceptance that are open, and what came to be owed after the filing was paid.

    That is a fee of filing on which a claim was decided, or which a supplement raised.
    """
    return [line for line in results.unpaid_fees(dossier) if _is_to_ask(line, dossier)]


def _is_to_ask(line: FeeLine, dossier: Dossier) -> bool:
    if line.due == Fee.Due.ACCEPTANCE:
        return True
    is_of_filing = line.due == Fee.Due.FILING and line.is_payable_online
    return is_of_filing and not _is_asked(line, dossier)


def _is_asked(line: FeeLine, dossier: Dossier) -> bool:
    """Whether it waits to be paid already, as what was filed at the counter does."""
    return any(
        row["key"] == line.key
        for payment in dossier.payments.all()
        if payment.state == "pending"
        for row in payment.lines
    )


def _has_later_fees(dossier: Dossier) -> bool:
    fees = dossier.revision.fees.all()
    if any(fee.due == Fee.Due.ACCEPTANCE for fee in fees):
        return True
    return any(fee.due == Fee.Due.FILING for fee in fees) and bool(fees_to_ask(dossier))


def _confirm_payment(move: Move) -> None:
    move.data = {"payment": move.details["payment"], "amount": move.details["amount"]}
    resume(move, restart=False)


# --- The handling office --------------------------------------------------------------


def _take(move: Move) -> None:
    dossier = move.dossier
    dossier.to_processing()
    dossier.assignee = move.by
    dossier.handed_on_at = dossier.handed_on_at or move.now
    move.data = {"assignee": move.by.pk}


def _send_draft(move: Move) -> None:
    dossier = move.dossier
    dossier.draft_result = move.text("draft", _("Hãy ghi nội dung bản dự thảo."))
    dossier.confirmed_at = None
    dossier.to_awaiting_confirmation()
    dossier.citizen_by = move.now + _time_to_check(dossier)
    if _citizen_step(dossier).get("clock") == "stops":
        dossier.paused_at = move.now


def _citizen_step(dossier: Dossier) -> dict:
    return next(step for step in dossier.revision.steps if step["who"] == "citizen")


def _time_to_check(dossier: Dossier) -> datetime.timedelta:
    return datetime.timedelta(days=int(_citizen_step(dossier).get("answer_days") or 1))


def _confirm_draft(move: Move) -> None:
    dossier = move.dossier
    dossier.confirmed_at = move.now
    dossier.citizen_by = None
    _run_on(move)
    straight = _goes_straight_to_approval(dossier)
    if straight:
        dossier.outcome = Dossier.Outcome.GRANTED
        move.data = {"outcome": dossier.outcome}
    dossier.from_awaiting_confirmation(straight_to_approval=straight)


def _goes_straight_to_approval(dossier: Dossier) -> bool:
    """Whether nothing is left to the officer; a result made elsewhere must still be fetched."""
    steps = dossier.revision.steps
    later = steps[steps.index(_citizen_step(dossier)) + 1 :]
    has_template = dossier.revision.made_here and dossier.revision.result.get("template")
    return bool(has_template) and all(step["who"] != "case_officer" for step in later)


def _confirm_by_silence(move: Move) -> None:
    dossier = move.dossier
    if _citizen_step(dossier).get("no_answer") != "agree":
        raise Refused(_("Thủ tục này không coi im lặng là đồng ý."))
    if dossier.citizen_by is None or move.now < dossier.citizen_by:
        raise Refused(_("Chưa hết thời gian để công dân kiểm tra bản dự thảo."))
    # That of this draft: an earlier one may have arrived where this one did not.
    drafts = dossier.notices.filter(event__name="send_draft", recipient=dossier.owner)
    notice = drafts.order_by("-event__seq").first()
    arrived = _arrived_at(notice)
    if arrived is None:
        raise Refused(_("Thông báo chưa đến được công dân nên chưa thể coi là đồng ý."))
    if move.now < arrived + _time_to_check(dossier):
        raise Refused(_("Chưa hết thời gian để công dân kiểm tra bản dự thảo."))
    _confirm_draft(move)


def _arrived_at(notice: Notice | None) -> datetime.datetime | None:
    """When a notice first reached the person: sent by a channel of theirs, or opened here."""
    moments = [notice.sent_at, notice.read_at] if notice else []
    return min((moment for moment in moments if moment), default=None)


def _object_to_draft(move: Move) -> None:
    move.say(move.text("reason", _("Hãy ghi những chỗ cần sửa trong bản dự thảo.")))
    move.dossier.citizen_by = None
    _run_on(move)
    move.dossier.from_awaiting_confirmation(straight_to_approval=False)


def _recall_draft(move: Move) -> None:
    """The officer takes a draft back: it was wrong, or nobody answers."""
    move.say(move.text("reason", REASON_MISSING))
    move.dossier.citizen_by = None
    _run_on(move)
    move.dossier.from_awaiting_confirmation(straight_to_approval=False)


def _propose(move: Move) -> None:
    dossier = move.dossier
    outcome = move.details.get("outcome") or Dossier.Outcome.GRANTED
    if outcome not in Dossier.Outcome:
        raise Refused(_("Hãy chọn đề xuất: đồng ý hoặc không đồng ý."))
    granted = outcome == Dossier.Outcome.GRANTED
    ground = None
    if not granted:
        move.text("reason", REASON_MISSING)
        ground = grounds.chosen(dossier, grounds.Use.RESULT, move.details.get("ground"))
    if granted and _must_be_confirmed(dossier) and dossier.confirmed_at is None:
        raise Refused(_("Công dân chưa xác nhận bản dự thảo; hãy gửi bản dự thảo trước."))
    results.drop_unapproved(dossier)
    if granted and not dossier.revision.made_here:
        results.keep_outside_result(move)
    elif granted:
        results.keep_draft(move)
    dossier.outcome = outcome
    dossier.to_awaiting_approval()
    move.data |= {"outcome": outcome} | ({"ground": ground.code} if ground else {})
    move.say(move.words("reason"), ground=ground.law if ground else "", public=not granted)


def _must_be_confirmed(dossier: Dossier) -> bool:
    return dossier.channel == Channel.Kind.ONLINE and dossier.revision.citizen_checks_draft


def _send_back(move: Move) -> None:
    move.say(move.text("reason", _("Hãy ghi những chỗ cần sửa.")), public=False)
    move.dossier.back_to_processing()


def walk_to_approval(dossier: Dossier) -> None:
    """From a draft to who signs in one breath: seen, done and signed by hand at the counter."""
    dossier.to_submitted(pays_first=False)
    dossier.to_accepted()
    dossier.to_processing()
    dossier.to_awaiting_approval()


# What leads to a signature: a draft that the citizen confirmed comes without a proposal of
# its own, and a result of the counter is proposed by who recorded it.
PROPOSING = ("propose", "send_draft", "record_at_once")


def _approve(move: Move) -> None:
    dossier = move.dossier
    proposed = Event.objects.filter(dossier=dossier, name__in=PROPOSING)
    if proposed.order_by("-seq").values_list("actor", flat=True)[0] == move.by.pk:
        raise NotAllowed(_("Người ký phải khác người đề xuất."))
    dossier.approved_at, dossier.approved_by = move.now, move.by
    result = results.freeze(dossier, by=move.by, signing=certificates.way_of_signing(move))
    move.data = {"result": result.pk, "outcome": dossier.outcome, "signing": result.signing}
    move.afterwards(lambda: resultsigning.finish_later(result))


def _complete(move: Move) -> None:
    dossier = move.dossier
    result = dossier.results.latest("pk")
    if dossier.approved_at is None or (result.is_made_here and not result.sha256):
        raise Refused(_("Kết quả chưa được ký số."))
    dossier.to_completed()
    dossier.completed_at = given_at(move)
    if dossier.outcome == Dossier.Outcome.REFUSED:
        _note_refused_late(move)
    move.data = {"result": result.pk, "sha256": result.sha256}
    # What was not asked before must be paid against the result.
    if not dossier.is_at_once:
        move.fee_lines = results.unpaid_fees(dossier)
    readying.ready(move)


def given_at(move: Move) -> datetime.datetime:
    """When the citizen had the result: now, or when it was given at once at the counter."""
    return move.dossier.submitted_at if move.dossier.is_at_once else move.now


def _hand_over(move: Move) -> None:
    dossier = move.dossier
    # A parcel is only made when all was settled, and its delivery is a fact.
    is_posted = bool(move.details.get("parcel"))
    obstacle = results.obstacle_to_giving(dossier)
    if obstacle and not is_posted:
        raise Refused(obstacle)
    unpaid = [] if is_posted else results.unpaid_fees(dossier)
    if unpaid:
        raise Refused(
            _("Chưa nộp đủ phí, lệ phí nên chưa trả được kết quả: %(names)s.")
            % {"names": "; ".join(line.name for line in unpaid)}
        )
    owed = [] if is_posted else results.originals_owed(dossier)
    if owed and not move.details.get("originals_received"):
        raise Refused(
            _("Còn chờ bản chính: %(names)s. Hãy đánh dấu đã thu trước khi trả kết quả.")
            % {"names": "; ".join(owed)}
        )
    unknown = results.unknown_fees(dossier)
    if unknown and move.by and not move.details.get("fees_settled"):
        raise Refused(
            _("Còn khoản chưa có mức thu trên cổng: %(names)s. Hãy thu hoặc miễn rồi đánh dấu.")
            % {"names": "; ".join(unknown)}
        )
    move.data = {"delivery": dossier.delivery, "originals": len(owed), "unknown_fees": len(unknown)}
    if move.by is not None:
        _give_to_collector(move)
    elif is_posted:
        move.data["parcel"] = move.details["parcel"]
    dossier.to_returned()
    dossier.returned_at = move.details.get("delivered_at") or given_at(move)
    move.say(move.words("collector"), public=False)


def _give_to_collector(move: Move) -> None:
    """Who came is noted, and signs that they have it, with the originals that the office kept."""
    dossier = move.dossier
    posting.refuse_under_way(dossier)
    posting.drop_ready(dossier, by=move.by)
    row = collecting.record(move)
    move.data |= {"collector": row.collector, "proof": row.proof}
    contents = papers.handover_facts(
        dossier, row, originals=papers.kept_originals(dossier), by=move.by
    )
    move.papers.append((Paper.Kind.HANDOVER, contents))


# --- Ends, and moves that change no state ---------------------------------------------


def _withdraw(move: Move) -> None:
    dossier = move.dossier
    was_accepted = dossier.accepted_at is not None
    dossier.to_withdrawn()
    dossier.paused_at = dossier.citizen_by = dossier.answer_by = None
    reason = move.words("reason")
    move.say(reason)
    if was_accepted:
        move.papers.append((Paper.Kind.STOP, papers.stop_facts(dossier, reason, asked=move.now)))


def _stop(move: Move) -> None:
    reason = move.text("reason", REASON_MISSING)
    dossier = move.dossier
    ground = grounds.chosen(dossier, grounds.Use.STOP, move.details.get("ground"))
    dossier.to_stopped()
    dossier.paused_at = dossier.citizen_by = dossier.answer_by = None
    move.data = {"ground": ground.code}
    move.say(reason, ground=ground.law)
    facts = papers.stop_facts(
        dossier, reason, ground=str(ground), by=move.by, appeal=grounds.appeals(dossier)
    )
    move.papers.append((Paper.Kind.STOP, facts))


def _extend(move: Move) -> None:
    """A written apology and one new date, at most once (NĐ 61/2018 art. 19.9).

    The head signs what was proposed or drafted, or changes it first; a reason is always there.
    """
    dossier = move.dossier
    proposal = proposals.open_of(dossier, proposals.Kind.EXTENSION)
    reason = move.words("reason") or (proposal.reason if proposal else "")
    if not reason:
        raise Refused(REASON_MISSING)
    new = move.details.get("new_date") or proposals.new_date_of(proposal)
    proposals.check_new_date(dossier, new, move.now)
    last = clock.apology_by(dossier)
    old = dossier.promised_at
    dossier.promised_at = timezone.localtime(old).replace(
        year=new.year, month=new.month, day=new.day
    )
    move.say(reason)
    move.data = {"old": old.isoformat(), "new": dossier.promised_at.isoformat()}
    if proposal:
        proposals.sent(move, proposal)
    if move.now > last:
        breaches.note(dossier, Breach.Kind.APOLOGY_LATE, at=last, officer=dossier.assignee_id)
    move.papers.append(
        (Paper.Kind.APOLOGY, papers.apology_facts(dossier, reason, old=old, by=move.by))
    )


def _transfer(move: Move) -> None:
    dossier = move.dossier
    offices = filing.offices_queryset(dossier.revision)
    target = offices.filter(code=move.details.get("agency")).first()
    if target is None or target.pk == dossier.handling_agency_id:
        raise Refused(_("Hãy chọn cơ quan khác để chuyển hồ sơ đến."))
    move.data = {"from": dossier.handling_agency_id, "to": target.pk}
    move.say(move.text("reason", REASON_MISSING))
    dossier.handling_agency = target
    dossier.receiving_agency = target.receiving
    dossier.assignee = None
    proposals.drop_all(move)


def _renew_secret(move: Move) -> None:
    """A lost secret is given again at the counter; what the old one opened is closed at once."""
    dossier = move.dossier
    if not move.details.get("card_checked"):
        raise Refused(_("Hãy đối chiếu thẻ căn cước của người xin cấp lại rồi đánh dấu."))
    person = str(move.details.get("person") or "")
    people = {str(someone.pk): someone for someone in tracking.people_of(dossier)}
    if person not in people:
        raise Refused(_("Hãy chọn người được cấp lại: chỉ người của hồ sơ này."))
    dossier.secret = new_secret()
    move.data = {"person": people[person].pk}
    move.papers.append(
        (Paper.Kind.SECRET, papers.secret_facts(dossier, person=people[person], by=move.by))
    )


# --- The table ------------------------------------------------------------------------


def _supplement_inputs(dossier: Dossier) -> tuple[str, ...]:
    """Nothing where a proposal says it all: the desk sends it or returns it."""
    is_proposed = proposals.open_of(dossier, proposals.Kind.SUPPLEMENT) is not None
    return () if is_proposed else ("faults", "items", "reason")


def _can_request_supplement(dossier: Dossier) -> bool:
    proposal = proposals.open_of(dossier, proposals.Kind.SUPPLEMENT)
    needs_consent = proposals.circumstances(dossier).needs_consent
    if proposal is None:
        return dossier.state == State.SUBMITTED and not needs_consent
    return proposal.consented_at is not None or not needs_consent


def _has_consented_refusal(dossier: Dossier) -> bool:
    proposal = proposals.open_of(dossier, proposals.Kind.REFUSAL)
    return proposal is not None and proposal.consented_at is not None


_OFFICE = (State.SUBMITTED, State.ACCEPTED, State.PROCESSING)
_CITIZEN_OWES = (State.SUPPLEMENT_REQUIRED, State.PAYMENT_REQUIRED)

for _action in (
    Action("submit", gettext_lazy("Nộp hồ sơ"), (State.DRAFT,), _submit, citizen=True),
    Action(
        "accept", gettext_lazy("Tiếp nhận"), (State.SUBMITTED,), _accept, roles=(Role.RECEPTION,),
        offered=lambda dossier: not exemptions.standing(dossier).claimed,
    ),
    Action(
        "hand_on", gettext_lazy("Chuyển cho nơi giải quyết"), (State.ACCEPTED,), _hand_on,
        roles=(Role.RECEPTION,), is_silent=True,
        offered=lambda dossier: dossier.handed_on_at is None,
    ),
    Action(
        "take", gettext_lazy("Nhận xử lý"), (State.ACCEPTED,), _take, roles=(Role.CASE_OFFICER,)
    ),
    Action(
        "send_draft", gettext_lazy("Gửi bản dự thảo cho công dân"), (State.PROCESSING,),
        _send_draft, roles=(Role.CASE_OFFICER,), asks=("draft",),
        possible=lambda dossier: dossier.revision.citizen_checks_draft,
    ),
    Action(
        "confirm_draft", gettext_lazy("Xác nhận bản dự thảo"), (State.AWAITING_CONFIRMATION,),
        _confirm_draft, citizen=True,
    ),
    Action(
        "object_to_draft", gettext_lazy("Đề nghị sửa bản dự thảo"), (State.AWAITING_CONFIRMATION,),
        _object_to_draft, citizen=True, asks=("reason",),
    ),
    Action(
        "confirm_by_silence", gettext_lazy("Hết thời gian kiểm tra, coi như đồng ý"),
        (State.AWAITING_CONFIRMATION,), _confirm_by_silence, system=True,
    ),
    Action(
        "recall_draft", gettext_lazy("Thu lại bản dự thảo"), (State.AWAITING_CONFIRMATION,),
        _recall_draft, roles=(Role.CASE_OFFICER,), asks=("reason",),
    ),
    Action(
        "propose", gettext_lazy("Trình ký"), (State.PROCESSING,), _propose,
        roles=(Role.CASE_OFFICER,),
        asks=("outcome", "reason", "ground", "record", "result_file", "result_draft"),
    ),
    Action(
        "approve", gettext_lazy("Ký duyệt"), (State.AWAITING_APPROVAL,), _approve,
        roles=(Role.APPROVER,), asks=("signing",),
    ),
    Action(
        "send_back", gettext_lazy("Trả lại để sửa"), (State.AWAITING_APPROVAL,), _send_back,
        roles=(Role.APPROVER,), asks=("reason",),
    ),
    Action(
        "complete", gettext_lazy("Xử lý xong"), (State.AWAITING_APPROVAL,), _complete,
        system=True, after_approval=True,
    ),
    Action(
        "hand_over", gettext_lazy("Trả kết quả"), (State.COMPLETED,), _hand_over,
        roles=(Role.RECEPTION,), system=True, after_approval=True,
        asks=("collecting", "originals_received", "fees_settled"),
    ),
    Action(
        "request_supplement", gettext_lazy("Yêu cầu bổ sung"), _OFFICE, _request_supplement,
        roles=(Role.RECEPTION,), asks=_supplement_inputs, offered=_can_request_supplement,
    ),
    Action(
        "answer_supplement", gettext_lazy("Gửi bổ sung"), (State.SUPPLEMENT_REQUIRED,),
        _answer_supplement, citizen=True, asks=("answer",),
    ),
    Action(
        "request_payment", gettext_lazy("Yêu cầu nộp phí, lệ phí"), _OFFICE, _request_payment,
        roles=(Role.RECEPTION,), possible=_has_later_fees,
    ),
    Action(
        "confirm_payment", gettext_lazy("Đã nộp phí, lệ phí"), (State.PAYMENT_REQUIRED,),
        _confirm_payment, system=True,
    ),
    Action(
        "extend", gettext_lazy("Xin lỗi và hẹn lại"),
        (State.ACCEPTED, State.PROCESSING, State.AWAITING_APPROVAL), _extend,
        roles=(Role.APPROVER, Role.LEADER), asks=("new_date", "reason"),
    ),
    Action(
        "transfer", gettext_lazy("Chuyển cơ quan có thẩm quyền"),
        (State.SUBMITTED, State.ACCEPTED, State.PROCESSING), _transfer,
        roles=(Role.LEADER, Role.APPROVER), asks=("agency", "reason"),
    ),
    Action(
        "refuse", gettext_lazy("Từ chối tiếp nhận"), (State.SUBMITTED,), _refuse,
        roles=(Role.RECEPTION,), is_final=True, offered=_has_consented_refusal,
    ),
    Action(
        "stop", gettext_lazy("Dừng giải quyết"), (State.PROCESSING, *_CITIZEN_OWES), _stop,
        roles=(Role.APPROVER, Role.LEADER), asks=("ground", "reason"), is_final=True,
    ),
    Action(
        "withdraw", gettext_lazy("Rút hồ sơ"),
        (*_OFFICE, State.AWAITING_APPROVAL, *_CITIZEN_OWES), _withdraw,
        citizen=True, asks=("reason",), is_final=True,
        possible=lambda dossier: not dossier.is_at_once,
    ),
    Action(
        "renew_secret", gettext_lazy("Cấp lại mã tra cứu"),
        tuple(state for state in State if state != State.DRAFT), _renew_secret,
        roles=(Role.RECEPTION,), asks=("person", "card_checked"), after_approval=True,
    ),
):  # fmt: skip
    register(_action)
