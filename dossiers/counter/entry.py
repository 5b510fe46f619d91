"""A dossier that is handed in at the counter or comes by post, typed by reception.

It is a draft of the person who stands there, with `entered_by`; only reception of the desk
that receives it sees it before it is filed. The form, its conditions and its checks are those
of the citizen's own pages; what is laid on the counter need not be scanned as well.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import (
    attachments,
    bundles,
    filing,
    filledforms,
    moves,
    notices,
    papers,
    prefill,
    workflow,
)
from dossiers.counter import originals, people, reserved, slips
from dossiers.models import Dossier, Paper
from dossiers.models.keys import new_key
from dossiers.workflow import Action, Move, NotAllowed, Refused, Role, State, register
from procedures import worktime
from procedures.formspec.webform import asked_sections, is_complete, prune
from procedures.models import Agency, Channel, Fee, Procedure, Revision
from procedures.postings import offices_of
from procedures.search import search
from procedures.text import fold

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

    from dossiers.behalf import Principal
    from dossiers.handing.addresses import Address

# The first answer to what was handed in and not accepted at once, as for an online filing.
ANSWER_HOURS = 8
CHANNELS = (Channel.Kind.DIRECT, Channel.Kind.POSTAL)
FOUND = 30


class Changed(Exception):
    """The draft was saved by somebody else since its page was drawn; nothing was written.

    The draft that was given to `save()` now holds what is stored.
    """


# --- What a desk receives -------------------------------------------------------------------


def desks_of(user: User) -> frozenset[int]:
    """The offices (keys) at which this person works as reception today."""
    return offices_of(user, {Role.RECEPTION})


def offices_for(revision: Revision, desks: Iterable[int]) -> list[Agency]:
    """The offices that handle this procedure and whose dossiers these desks take in."""
    keys = set(desks)
    return [row for row in filing.offices_queryset(revision) if row.receiving.pk in keys]


def procedures_at(desks: Iterable[int], query: str = "") -> list[Procedure]:
    """At most `FOUND` procedures that these desks take in on paper, the best match first."""
    keys = set(desks)
    offices = Agency.objects.filter(is_active=True).only("pk", "tier", "reception_id")
    tiers = {row.tier for row in offices if (row.reception_id or row.pk) in keys}
    rows = Procedure.objects.for_catalogue().filter(
        current__tier__in=tiers, current__channels__kind__in=CHANNELS
    )
    rows = rows.exclude(current__definition__form=None).distinct()
    if not query:
        # By folded names: in the order of code points Đ stands behind Y.
        return sorted(rows, key=lambda row: fold(row.current.short_name))[:FOUND]
    found = search(query, 200)
    by_key = rows.in_bulk(found)
    return [by_key[pk] for pk in found if pk in by_key][:FOUND]


def channels_of(revision: Revision) -> list[str]:
    """The ways on paper that this procedure knows, in the order of `CHANNELS`."""
    known = {row.kind for row in revision.channels.all()}
    return [str(kind) for kind in CHANNELS if kind in known]


def why_not(revision: Revision, channel: str = "") -> str:
    """Why this procedure is not taken in on paper here; "" where it is."""
    if revision.status == Revision.Status.SUPERSEDED and revision.procedure.current_id is None:
        return _("Thủ tục này không còn được áp dụng.")
    if not revision.has_form:
        return _("Thủ tục này chưa có mẫu khai trên cổng nên chưa nhập được ở đây.")
    known = channels_of(revision)
    if not known or (channel and channel not in known):
        return _("Thủ tục này không nhận hồ sơ theo cách nộp đã chọn.")
    return ""


def person_at(channel: str, *, full_name: str, citizen_number: str, phone: str, by: User) -> User:
    """The account of who hands in or writes, made when there is none.

    Nobody has seen the card of one who writes: what is typed from the envelope proves nothing.
    Raises `NotAllowed` for the clerk's own card.
    """
    person = {"full_name": full_name, "citizen_number": citizen_number, "phone": phone}
    if channel == Channel.Kind.DIRECT:
        return people.person_for(**person, by=by)
    if citizen_number and citizen_number == by.citizen_number:
        raise NotAllowed(_("Ông/bà không tự nhập hồ sơ của chính mình được; xin nhờ đồng nghiệp."))
    return people.account_of(citizen_number) or people.create_person(**person)


# --- The draft ------------------------------------------------------------------------------


def drafts_at(desks: Iterable[int]) -> QuerySet[Dossier]:
    """The drafts that are being typed at these desks, the latest first."""
    rows = Dossier.objects.entered_at(desks)
    return rows.select_related("revision__procedure", "owner", "entered_by").order_by("-updated_at")


@transaction.atomic
def begin(
    procedure: Procedure,
    *,
    office: Agency,
    channel: str,
    owner: User,
    by: User,
    form_key: str = "",
    answers: dict[str, Any] | None = None,
    record: originals.Record | None = None,
) -> Dossier:
    """A draft of the counter for `owner`, with what is known of them and `answers` before it.

    A form that is sent twice (`form_key`) makes one draft. Raises `NotAllowed`
    for one's own, `Refused` where the procedure is not taken in this way.
    """
    if owner.pk == by.pk:
        raise NotAllowed(_("Ông/bà không tự nhập hồ sơ của chính mình được; xin nhờ đồng nghiệp."))
    revision = procedure.current
    if reason := why_not(revision, channel):
        raise Refused(reason)
    get_user_model().objects.select_for_update(no_key=True).get(pk=by.pk)
    key = _key(form_key, by)
    if made := Dossier.objects.filter(key=key, entered_by=by).first():
        return made
    draft = Dossier(owner=owner, revision=revision, key=key, entered_by=by, channel=channel)
    known = prefill.answers_for(revision, by=owner)
    draft.answers = filledforms.merged(revision.form, answers or {}, known)
    draft.delivery = first_delivery(draft)
    draft.at_counter = dict(record or {})
    filing.set_office(draft, office)
    draft.save()
    _note_begun(draft)
    return draft


def _note_begun(draft: Dossier) -> None:
    """What the account knows of the person is on the sheet: a draft thrown away leaves this."""
    LogEntry.objects.create(
        user=draft.entered_by,
        content_type=ContentType.objects.get_for_model(get_user_model()),
        object_id=draft.owner_id,
        object_repr=f"#{draft.owner_id}",
        action_flag=ADDITION,
        change_message=_("Bắt đầu nhập tại quầy: %(procedure)s")
        % {"procedure": draft.revision.procedure.code},
    )


def _key(form_key: str, by: User) -> str:
    """The key of the draft that this form makes: unguessable, and the same each time."""
    if not re.fullmatch("[A-Za-z0-9_-]{22}", form_key):
        return new_key()
    digest = salted_hmac("dossiers.counter", f"{by.pk}:{form_key}", algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")


def deliveries(draft: Dossier) -> list[str]:
    """The ways in which the result can be given."""
    return list(draft.revision.result.get("give_by", [Dossier.Delivery.COUNTER]))


def first_delivery(draft: Dossier) -> str:
    """At the counter for who came there, by post for who wrote; else what there is."""
    ways = deliveries(draft)
    wanted = Dossier.Delivery.POST if draft.channel == Channel.Kind.POSTAL else "counter"
    return wanted if wanted in ways else ways[0]


def digest(draft: Dossier) -> str:
    """What the page of a draft shows and another clerk may change, in a few characters."""
    return filing.digest(
        [draft.answers, draft.behalf, draft.delivery, draft.delivery_address, draft.at_counter]
    )


@transaction.atomic
def save(
    draft: Dossier,
    *,
    answers: dict[str, Any],
    behalf: Principal | None,
    delivery: str,
    record: originals.Record,
    seen: str,
    delivery_address: Address | None = None,
) -> None:
    """Keep what was typed; `seen` is the `digest()` of what the page showed.

    The row is locked and re-read. Raises `Changed` where it holds something else by now and
    not what is to be kept, `Dossier.DoesNotExist` when it was filed meanwhile.
    """
    locked = Dossier.objects.select_for_update().get(
        pk=draft.pk, state=State.DRAFT, entered_by__isnull=False
    )
    stored = digest(locked)
    draft.answers = prune(draft.revision.form, answers)
    draft.behalf = dict(behalf or {})
    draft.delivery, draft.delivery_address = delivery, dict(delivery_address or {})
    draft.at_counter = {**record, "papers": originals.tidied(draft, record.get("papers", {}))}
    if stored not in (seen, digest(draft)):
        draft.answers, draft.behalf = locked.answers, locked.behalf
        draft.delivery, draft.at_counter = locked.delivery, locked.at_counter
        draft.delivery_address = locked.delivery_address
        raise Changed
    draft.save(
        update_fields=[
            "answers", "behalf", "delivery", "delivery_address", "at_counter", "updated_at",
        ]
    )  # fmt: skip


@transaction.atomic
def discard(draft: Dossier) -> None:
    """Give up a draft of the counter; one that was the citizen's own goes back to them.

    Raises `Dossier.DoesNotExist` when it was filed meanwhile.
    """
    if not draft.at_counter.get("is_citizens"):
        attachments.discard(draft)
        return
    locked = Dossier.objects.select_for_update().get(pk=draft.pk, state=State.DRAFT)
    locked.entered_by, locked.channel, locked.at_counter = None, Channel.Kind.ONLINE, {}
    locked.save(update_fields=["entered_by", "channel", "at_counter", "updated_at"])


@transaction.atomic
def take_over(draft: Dossier, *, by: User, desks: Iterable[int]) -> Dossier:
    """Open a citizen's own draft at the counter, in their presence: from now on it is typed here.

    Raises `Refused` where it is filed, is at another desk or cannot be handed in on paper, and
    `NotAllowed` for one's own.
    """
    rows = Dossier.objects.select_for_update(of=("self",)).select_related("revision__procedure")
    locked = rows.filter(pk=draft.pk).first()
    if locked is None or locked.state != State.DRAFT:
        raise Refused(_("Tờ khai này đã được nộp hoặc đã bị xóa, nên không mở lại được ở quầy."))
    if locked.owner_id == by.pk:
        raise NotAllowed(_("Ông/bà không tự nhập hồ sơ của chính mình được; xin nhờ đồng nghiệp."))
    if locked.entered_by_id:
        return _typed_here(locked, desks)
    filing.renew_revision(locked)
    offices = {row.pk: row for row in offices_for(locked.revision, desks)}
    if reason := why_not(locked.revision, Channel.Kind.DIRECT):
        raise Refused(reason)
    office = offices.get(locked.handling_agency_id or next(iter(offices), 0))
    if office is None:
        raise Refused(_("Tờ khai này gửi đến cơ quan khác; mời công dân nộp ở nơi tiếp nhận đó."))
    filing.set_office(locked, office)
    locked.entered_by, locked.channel = by, Channel.Kind.DIRECT
    locked.delivery = first_delivery(locked)
    locked.at_counter = {"is_citizens": True}
    locked.save()
    return locked


def _typed_here(draft: Dossier, desks: Iterable[int]) -> Dossier:
    if draft.receiving_agency_id not in set(desks):
        raise Refused(_("Tờ khai này đang được nhập ở nơi tiếp nhận khác."))
    return draft


# --- Handing it in --------------------------------------------------------------------------


def problems(draft: Dossier) -> list[filing.Problem]:
    """Everything that still keeps the draft from being taken in, in the order of its page."""
    return list(_problems(draft))


def _problems(draft: Dossier) -> Iterator[filing.Problem]:
    if reason := why_not(draft.revision, draft.channel):
        yield filing.Problem(reason)
        return
    if other := filing.redirection(draft):
        words = _("Trường hợp này làm thủ tục khác: %(text)s (mã %(code)s).")
        yield filing.Problem(words % {"text": other["text"], "code": other["to"]})
    if not any(
        row.pk == draft.handling_agency_id for row in filing.offices_queryset(draft.revision)
    ):
        yield filing.Problem(_("Cơ quan đã chọn không giải quyết thủ tục này."))
    for section in asked_sections(draft.revision.form, draft.answers):
        if not is_complete(section, draft.answers):
            words = _("Chưa điền xong phần “%(title)s”.")
            yield filing.Problem(words % {"title": section.title}, f"#phan-{section.id}")
    attached = draft.attachments.values_list("document", flat=True)
    for paper in originals.missing(draft, attached):
        words = _("Chưa xem: %(name)s.") if originals.is_shown_only(paper) else _(
            "Chưa có: %(name)s (ghi số bản đã nhận hoặc đính kèm bản quét)."
        )  # fmt: skip
        yield filing.Problem(words % {"name": paper.name}, f"#giay-{paper.key}")
    if not draft.at_counter.get("is_signed"):
        yield filing.Problem(_("Người nộp chưa ký tờ khai."), "#id_is_signed")


def _submit(move: Move) -> None:
    """As `submit`, with the papers on the counter and both names: who files, who typed it."""
    dossier = move.dossier
    dossier.answers = prune(dossier.revision.form, dossier.answers)
    if left := problems(dossier):
        raise Refused(left[0].message)
    dossier.at_counter["papers"] = originals.tidied(dossier, dossier.at_counter.get("papers", {}))
    asked = {paper.key for paper in originals.papers_of(dossier)}
    shown = {paper.key for paper in originals.papers_of(dossier) if originals.is_shown_only(paper)}
    attachments.drop_unasked(dossier, asked - shown)
    dossier.submitted_at = reserved.take_code(move)
    dossier.attachments.filter(submitted_at=None).update(submitted_at=dossier.submitted_at)
    dossier.to_submitted(pays_first=False)
    _expect_answer(move)
    said = dossier.at_counter.get("exemption")
    seen_by = move.by if said and said["is_checked"] else None
    claims = moves.claim_exemptions(move, said, by=seen_by)
    move.fee_lines = [
        line
        for line in filing.charges(dossier, due=Fee.Due.FILING)
        if line.amount and not line.is_claimed
    ]
    move.data = _what_was_handed_in(dossier) | claims
    move.papers.append((Paper.Kind.FORM, papers.form_facts(dossier)))
    kept = [row for row in originals.keep_rows(dossier, by=move.by) if row.is_kept]
    if kept:
        move.papers.append((Paper.Kind.ORIGINALS, slips.kept_facts(dossier, kept, by=move.by)))
    move.afterwards(lambda: bundles.make_later(dossier))


def _expect_answer(move: Move) -> None:
    move.dossier.answer_by = worktime.after_hours(
        move.now, ANSWER_HOURS, move.dossier.receiving_agency
    )


def _what_was_handed_in(dossier: Dossier) -> dict[str, Any]:
    """For the ledger: no names, but who typed it, and how many of each paper."""
    counted = originals.counts(dossier)
    return {
        "revision": dossier.revision_id,
        "channel": dossier.channel,
        "entered_by": dossier.entered_by_id,
        "owner": dossier.owner_id,
        "declared": True,
        "papers": {key: list(row) for key, row in counted.items()},
        "files": [row.sha256 for row in dossier.attachments.all()],
        "participants": [],
    }


def _is_typed_here(dossier: Dossier) -> bool:
    return dossier.entered_by_id is not None


register(
    Action(
        "submit_at_counter",
        gettext_lazy("Nộp tại nơi tiếp nhận"),
        (State.DRAFT,),
        _submit,
        roles=(Role.RECEPTION,),
        possible=_is_typed_here,
    )
)


@transaction.atomic
def hand_in(draft: Dossier, *, by: User, accept: bool, **details: Any) -> Dossier:
    """File the draft, and with `accept` take it in at once; both or neither.

    Raises `workflow.Refused` with a sentence for the clerk.
    """
    filed = workflow.perform(
        draft, "submit_at_counter", by=by, is_accepted_at_once=accept, **details
    )
    if not accept:
        return filed
    return workflow.perform(filed, "accept", by=by, late=details.get("late"))


def cannot_be_told(draft: Dossier) -> bool:
    """Whether its person has no way by which a notice reaches them: papers go by post."""
    return not any(notices.ways(draft.owner))


def page_url(draft: Dossier) -> str:
    """Where reception goes on typing it."""
    return reverse("admin:counter_entry", args=[draft.key])
