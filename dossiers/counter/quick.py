"""Quick entry: certification and copies, recorded together with the result that was given.

Much of a counter's day is this. The person has the signed paper in their hand when they go;
the one who signed it by hand confirms it in the portal afterwards, with the day's others.
"""

from __future__ import annotations

import base64
import datetime
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import filing, moves, numbering, papers, prefill, searching
from dossiers.counter import reserved
from dossiers.counter.people import person_for
from dossiers.models import Dossier, Paper, Result
from dossiers.models.keys import new_key
from dossiers.workflow import Action, Move, Refused, Role, State, perform, register
from procedures import worktime
from procedures.fees import FeeLine
from procedures.formspec.webform import prune
from procedures.models import Agency, Channel, Revision

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

    from dossiers.exemptions import Claimed

# The one document of the result: the paper itself.
GIVEN = gettext_lazy("Giao bản giấy tại quầy")


# --- What may be recorded so ----------------------------------------------------------


def is_at_once(revision: Revision) -> bool:
    """Whether the procedure says that its result is given at once at the counter."""
    return bool(revision.definition.get("at_once"))


def asked(revision: Revision) -> list[str]:
    """The few questions of its form that are asked then, as `section.field`."""
    return revision.definition.get("ask_at_once", [])


def revisions_at(desks: Iterable[int]) -> list[Revision]:
    """What these desks (keys) may record at once, by the name that people use."""
    keys = set(desks)
    offices = Agency.objects.filter(is_active=True).values_list("tier", "pk", "reception_id")
    tiers = {tier for tier, pk, reception in offices if (reception or pk) in keys}
    same_day = Channel.objects.filter(kind=Channel.Kind.DIRECT, unit=Channel.Unit.SAME_DAY)
    rows = Revision.objects.filter(
        status=Revision.Status.PUBLISHED,
        tier__in=tiers,
        pk__in=same_day.values("revision"),
        definition__at_once=True,
    )
    # The definitions are long, and only that of the chosen one is read.
    rows = rows.defer("definition").select_related("procedure")
    return list(rows.order_by("short_name"))


# --- One entry ------------------------------------------------------------------------


def unsaved(revision: Revision, office: Agency, answers: dict[str, Any]) -> Dossier:
    """A dossier of the counter with these answers, to know its fees before there is one."""
    dossier = Dossier(
        revision=revision, channel=Channel.Kind.DIRECT, delivery=Dossier.Delivery.COUNTER
    )
    dossier.answers = answers
    filing.set_office(dossier, office)
    return dossier


@transaction.atomic
def record(
    revision: Revision,
    *,
    office: Agency,
    person: dict[str, str],
    answers: dict[str, Any],
    form_key: str,
    by: User,
    exemption: Claimed | None = None,
    **details: Any,
) -> Dossier:
    """Record what was asked for and given at once; the dossier, waiting for the approver.

    `person` is what `people.person_for` takes, `exemption` what is claimed, whose proof the
    clerk has seen; `details` are `late` (`reserved.LateEntry`),
    `wants_receipt` and `cash_taken`. The same form sent again (`form_key`) gives the dossier
    that it made. Raises `workflow.Refused`; then nothing was kept.
    """
    _one_at_a_time(by)
    key = _key(form_key, by)
    if made := Dossier.objects.filter(key=key, entered_by=by).first():
        return made
    owner = person_for(**person, by=by)
    dossier = unsaved(revision, office, {})
    dossier.owner, dossier.entered_by, dossier.key = owner, by, key
    known = {"name": person["full_name"], "citizen_number": person["citizen_number"],
             "phone": person["phone"]}  # fmt: skip
    dossier.answers = _merged(prefill.from_profile(revision.form, known), answers)
    dossier.at_counter = {"exemption": exemption} if exemption else {}
    dossier.save()
    return perform(dossier, "record_at_once", by=by, **details)


def _one_at_a_time(by: User) -> None:
    """Whoever presses twice waits here for their own first press."""
    get_user_model().objects.select_for_update(no_key=True).get(pk=by.pk)


def _key(form_key: str, by: User) -> str:
    """The key of the dossier that this form makes: unguessable, and the same each time."""
    if not re.fullmatch("[A-Za-z0-9_-]{22}", form_key):
        return new_key()
    digest = salted_hmac("dossiers.quick", f"{by.pk}:{form_key}", algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")


def _merged(known: dict[str, Any], answers: dict[str, Any]) -> dict[str, Any]:
    sections = dict.fromkeys([*known, *answers])
    return {name: {**known.get(name, {}), **answers.get(name, {})} for name in sections}


def charges(dossier: Dossier) -> list[FeeLine]:
    """What it costs; raises `Refused` where the portal does not know that."""
    lines = filing.charges(dossier)
    unknown = [line.name for line in lines if line.amount is None]
    if unknown:
        raise Refused(
            _("Chưa có mức thu của %(names)s nên chưa nhập nhanh được; xin nhập hồ sơ đầy đủ.")
            % {"names": "; ".join(unknown)}
        )
    return [line for line in lines if line.amount]


def _record(move: Move) -> None:
    dossier = move.dossier
    dossier.answers = prune(dossier.revision.form, dossier.answers)
    _check(dossier)
    dossier.is_at_once = True
    dossier.submitted_at = dossier.accepted_at = reserved.take_code(move)
    dossier.promised_at = _promise(dossier, move)
    said = dossier.at_counter.get("exemption")
    claims = moves.claim_exemptions(move, said, by=move.by)
    move.fee_lines = charges(dossier)
    moves.walk_to_approval(dossier)
    dossier.assignee, dossier.outcome = move.by, Dossier.Outcome.GRANTED
    entry = numbering.enter_register(dossier)
    result = Result.objects.create(
        dossier=dossier,
        title=dossier.revision.result["name"],
        facts={"given": str(GIVEN)},
        is_made_here=False,
    )
    move.data = claims | {
        "register": entry.number, "result": result.pk, "late": dossier.is_entered_late,
    }  # fmt: skip
    if move.details.get("wants_receipt"):
        contents = papers.receipt_facts(dossier, entry=entry, by=move.by)
        move.papers.append((Paper.Kind.RECEIPT, contents))
    move.afterwards(lambda: searching.index(dossier))


def _check(dossier: Dossier) -> None:
    """Refuse what a hand-made request may ask for: the page offers nothing of it."""
    offices = filing.offices_queryset(dossier.revision)
    if not offices.filter(pk=dossier.handling_agency_id).exists():
        raise Refused(_("Cơ quan này không giải quyết thủ tục đã chọn."))
    if other := filing.redirection(dossier):
        raise Refused(
            _("Trường hợp này làm thủ tục khác: %(text)s (mã %(code)s).")
            % {"text": other["text"], "code": other["to"]}
        )


def _promise(dossier: Dossier, move: Move) -> datetime.datetime:
    """By when the signature is to be confirmed: the time by law, from the entry on."""
    channel = dossier.revision.channel(dossier.channel)
    return worktime.due(
        move.now, channel.unit, channel.amount, channel.cut_off, dossier.handling_agency
    )


def _may_be_recorded(dossier: Dossier) -> bool:
    """Only what reception entered itself: a citizen's own draft is never filed by others."""
    return dossier.entered_by_id is not None and is_at_once(dossier.revision)


register(
    Action(
        "record_at_once", gettext_lazy("Ghi nhận và trả kết quả ngay"), (State.DRAFT,), _record,
        roles=(Role.RECEPTION,), is_silent=True, possible=_may_be_recorded,
    )
)  # fmt: skip
