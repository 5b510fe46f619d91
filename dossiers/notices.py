"""Who is told what: in the portal at once, and by the ways they prefer from a task.

Each notice says what happened, what to do, by when, and links there. A mail server or
gateway that is down delays a notice; it never breaks a move.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import channels, grounds
from dossiers.models import Delivery, Dossier, Event, Notice, NoticePreference, Participant
from dossiers.noticewords import (
    ASK_TO_RATE,
    COLLECTING,
    CONDOLENCE,
    FILER,
    IN_MOURNING,
    SILENT,
    TO_DO,
    WARM_WISH,
    WORDS,
    Words,
)
from procedures.text import in_vietnamese

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

    from dossiers.workflow import Move

Channel = Delivery.Channel


# --- A move -----------------------------------------------------------------------------


@in_vietnamese
def tell(move: Move, event: Event) -> None:
    """Write what a move means to each person of the dossier, and have it sent."""
    name = move.action.name
    # Who has the result in their hands already is told nothing.
    if move.dossier.is_at_once and move.dossier.outcome == Dossier.Outcome.GRANTED:
        return
    # What is accepted in the same breath is told once, by that.
    if name in SILENT or move.action.is_silent or move.details.get("is_accepted_at_once"):
        return
    kind = _kind(move)
    words, dossier = WORDS[kind], move.dossier
    notices = [
        _compose(
            words, kind, dossier, recipient, event=event, due_at=_due_at(words, dossier),
            values=_values_of_move(move, is_filer=recipient.pk == dossier.owner_id),
        )
        for recipient in recipients(dossier)
    ]  # fmt: skip
    _keep(notices)


def recipients(dossier: Dossier) -> list[User]:
    """Who is told of this dossier: its owner, and those who take part and have an account.

    One query, with how each wants to be told; nobody whose account is closed.
    """
    taking_part = Participant.objects.active().filter(dossier=dossier).values("user")
    people = _reachable().filter(Q(pk=dossier.owner_id) | Q(pk__in=taking_part))
    return list(people.order_by("pk"))


def _reachable() -> QuerySet[User]:
    """People as notices need them; an address that nobody has confirmed is marked."""
    unconfirmed = EmailAddress.objects.filter(
        user=OuterRef("pk"), email__iexact=OuterRef("email"), verified=False
    )
    return (
        get_user_model()
        .objects.filter(is_active=True, closed_at=None)
        .select_related("notice_preference")
        .annotate(has_unconfirmed_email=Exists(unconfirmed))
    )


def _kind(move: Move) -> str:
    name, dossier = move.action.name, move.dossier
    if name == "submit" and move.fee_lines:
        return "submit_and_pay"
    if name == "send_draft" and _silence_agrees(dossier):
        return "send_draft_silence_agrees"
    if name == "decide_exemption" and "rejected" in move.data.get("exemptions", {}).values():
        return "decide_exemption_rejected"
    if name == "complete" and move.fee_lines:
        return "complete_and_pay"
    if name == "complete" and dossier.outcome == Dossier.Outcome.REFUSED:
        return "complete_refused"
    return name


def _silence_agrees(dossier: Dossier) -> bool:
    return any(step.get("no_answer") == "agree" for step in dossier.revision.steps)


def _due_at(words: Words, dossier: Dossier) -> datetime.datetime | None:
    return dossier.citizen_by if words.is_urgent else None


def _values_of_move(move: Move, *, is_filer: bool) -> dict[str, str]:
    note = move.note if move.note and move.note.is_public else None
    return values_of(move.dossier, is_filer=is_filer) | {
        "note": note.text if note else "",
        "ground": note.legal_ground if note else "",
        "appeal": "\n".join(grounds.appeals(move.dossier)) if _is_refusal(move) else "",
    }


def _is_refusal(move: Move) -> bool:
    """Whether the citizen is told no, and so how to appeal."""
    name = move.action.name
    is_refused = move.dossier.outcome == Dossier.Outcome.REFUSED
    return name in ("refuse", "stop") or (name == "complete" and is_refused)


# --- Anything else ----------------------------------------------------------------------


@in_vietnamese
def say(
    recipient: User, kind: str, *, dossier: Dossier | None = None, event: Event | None = None,
    path: str = "", due_at: datetime.datetime | None = None, **values: str,
) -> Notice:  # fmt: skip
    """Tell one person the `WORDS` of a kind; `values` are the texts it needs beyond the dossier's.

    Inside the transaction of what it tells about.
    """
    is_filer = dossier is None or recipient.pk == dossier.owner_id
    notice = _compose(
        WORDS[kind], kind, dossier, recipient, event=event, path=path, due_at=due_at,
        values=values_of(dossier, is_filer=is_filer, due_at=due_at) | values,
    )  # fmt: skip
    return _keep_once(notice)


def say_to_official(
    official: User, kind: str, *, dossier: Dossier, due_at: datetime.datetime | None = None,
    **values: str,
) -> Notice:  # fmt: skip
    """Tell an official something about a dossier; it leads to the officials' page of it."""
    path = reverse("admin:dossiers_dossier_change", args=[dossier.pk])
    return say(official, kind, dossier=dossier, path=path, due_at=due_at, **values)


def write(
    recipient: User, *, kind: str, subject: str, body: str, dossier: Dossier | None = None,
    event: Event | None = None, path: str = "", due_at: datetime.datetime | None = None,
    is_urgent: bool = False,
) -> Notice:  # fmt: skip
    """Tell one person something in ready words, and have it sent as they prefer.

    Inside the transaction of what it tells about. With an `event` it is written once for
    each person: a second call returns the first one's notice. `path` is the address in the
    portal where to act (the dossier's page without one); `is_urgent` what needs the reader's
    action. The subject goes by SMS too: it holds no name.
    """
    path = path or (dossier.get_absolute_url() if dossier else reverse("dossiers:mine"))
    notice = Notice(
        dossier=dossier, recipient=recipient, event=event, kind=kind,
        subject=_subject(subject), body=body, path=path, due_at=due_at, is_urgent=is_urgent,
    )  # fmt: skip
    return _keep_once(notice)


def write_to_contact(contact: str, *, subject: str, body: str, path: str) -> None:
    """Write to somebody without an account, at an e-mail address or a telephone number.

    A task sends it. A telephone gets the subject and the address only: nobody has verified
    whose it is, so the subject holds no name.
    """
    from dossiers.tasks import send_to_contact

    send_to_contact.enqueue(contact, _subject(subject), body, path)


# --- Writing them down ------------------------------------------------------------------


def _compose(
    words: Words, kind: str, dossier: Dossier | None, recipient: User, *, event: Event | None,
    values: dict[str, str], due_at: datetime.datetime | None, path: str = "",
) -> Notice:  # fmt: skip
    is_filer = dossier is None or recipient.pk == dossier.owner_id
    return Notice(
        dossier=dossier, recipient=recipient, event=event, kind=kind,
        subject=_subject(str(words.subject) % values),
        body="\n\n".join(_paragraphs(words, kind, dossier, values)),
        path=path or _path(words, dossier, is_filer=is_filer),
        due_at=due_at, is_urgent=words.is_urgent and is_filer,
    )  # fmt: skip


def _subject(text: str) -> str:
    """In one line, whatever a person wrote into it: it becomes a header."""
    return " ".join(text.split())[:200]


def _paragraphs(
    words: Words, kind: str, dossier: Dossier | None, values: dict[str, str]
) -> Iterator[str]:
    """What happened, what to do, and what the occasion asks for."""
    tone = dossier.revision.definition.get("tone", "plain") if dossier else "plain"
    if tone == "solemn" and kind in IN_MOURNING:
        yield str(CONDOLENCE) % values
    yield str(words.body) % values
    if words.action:
        yield str(TO_DO) % (values | {"action": str(words.action) % values})
    else:
        yield str(words.rest) % values
    # A family in mourning is asked for nothing.
    if kind == "hand_over" and tone != "solemn":
        yield str(ASK_TO_RATE) % values
    if tone == "joyful" and kind == "hand_over" and dossier.outcome == Dossier.Outcome.GRANTED:
        yield str(WARM_WISH)


def _path(words: Words, dossier: Dossier | None, *, is_filer: bool) -> str:
    if dossier is None:
        return reverse("dossiers:mine")
    if words.page and is_filer:
        return reverse(words.page, args=[dossier.code])
    return dossier.get_absolute_url()


@transaction.atomic
def _keep_once(notice: Notice) -> Notice:
    if notice.event_id:
        known = Notice.objects.filter(event=notice.event_id, recipient=notice.recipient_id).first()
        if known is not None:
            return known
    notice.recipient = _reachable().filter(pk=notice.recipient_id).first() or notice.recipient
    _keep([notice])
    return notice


def _keep(notices: list[Notice]) -> None:
    """Save notices, the ways they are to go, and ask for their sending."""
    from dossiers.tasks import send_notice

    Notice.objects.bulk_create(notices)
    deliveries = [delivery for notice in notices for delivery in _deliveries(notice)]
    Delivery.objects.bulk_create(deliveries)
    for pk in dict.fromkeys(row.notice_id for row in deliveries if not row.waits_for_digest):
        send_notice.enqueue(pk)


def _deliveries(notice: Notice) -> Iterator[Delivery]:
    """One for each way that the person wants and that is known to be theirs."""
    wish = preference(notice.recipient)
    waits = wish.pace == NoticePreference.Pace.DAILY and not notice.is_urgent
    for channel, address in ways(notice.recipient):
        if getattr(wish, channel):
            yield Delivery(notice=notice, channel=channel, address=address, waits_for_digest=waits)


def can_be_told(user: User) -> bool:
    """Whether anything goes out to this account: not to one that was barred or closed."""
    return user.is_active and not user.closed_at


def ways(user: User) -> Iterator[tuple[str, str]]:
    """The channels by which this person can be reached, each with its address.

    Only what is confirmed to be theirs: a wrong number would tell a stranger.
    """
    if not can_be_told(user):
        return
    if user.email and not _has_unconfirmed_email(user):
        yield Channel.EMAIL, user.email
    if user.phone and user.phone_verified:
        for channel in (Channel.SMS, Channel.ZALO):
            if channels.is_open(channel):
                yield channel, user.phone


def _has_unconfirmed_email(user: User) -> bool:
    known = getattr(user, "has_unconfirmed_email", None)
    if known is None:
        rows = EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=False)
        return rows.exists()
    return known


def preference(user: User) -> NoticePreference:
    """How this person wants to be told; what holds for everybody where they never said."""
    try:
        return user.notice_preference
    except NoticePreference.DoesNotExist:
        return NoticePreference(user=user)


# --- The texts --------------------------------------------------------------------------


def values_of(
    dossier: Dossier | None, *, is_filer: bool, due_at: datetime.datetime | None = None
) -> dict[str, str]:
    """What the words of a notice may name."""
    capital, small = FILER[is_filer]
    due_at = due_at or (dossier.citizen_by if dossier else None)
    values = {
        "Filer": str(capital),
        "filer": str(small),
        "before": _(" trước %(when)s") % {"when": moment_text(due_at)} if due_at else "",
    }
    if dossier is None:
        return values
    return values | _values_of_dossier(dossier, filer=str(small), is_filer=is_filer)


def _values_of_dossier(dossier: Dossier, *, filer: str, is_filer: bool) -> dict[str, str]:
    office, desk = dossier.handling_agency, dossier.receiving_agency
    promise = _(" Hẹn trả kết quả: %(when)s.") % {"when": moment_text(dossier.promised_at)}
    return {
        "code": dossier.code,
        "procedure": dossier.revision.short_name,
        "office": office.name if office else "",
        "answer_by": moment_text(dossier.answer_by),
        "promised_at": moment_text(dossier.promised_at),
        "promise": promise if dossier.promised_at else "",
        "citizen_by": moment_text(dossier.citizen_by),
        "delivery": dossier.get_delivery_display(),
        "collecting": str(COLLECTING.get(dossier.delivery, ""))
        % {
            "filer": filer,
            "desk": desk.name if desk else "",
            "collection_code": _collection_code(dossier) if is_filer else "",
        },
    }


def _collection_code(dossier: Dossier) -> str:
    """The code that opens a result at the desk: told to the one who filed, and to nobody else."""
    waits = dossier.state == Dossier.State.COMPLETED
    waits = waits and dossier.delivery == Dossier.Delivery.COUNTER
    row = getattr(dossier, "collection", None) if waits else None
    return _(" Mã nhận kết quả: %(code)s.") % {"code": row.code} if row else ""


def moment_text(moment: datetime.datetime | None) -> str:
    """`17:00 ngày 25/11/2026`; for none, that the office will say."""
    if moment is None:
        return _("ngày cơ quan thông báo")
    local = timezone.localtime(moment)
    return _("%(time)s ngày %(day)s") % {"time": f"{local:%H:%M}", "day": f"{local:%d/%m/%Y}"}


# --- Reading ----------------------------------------------------------------------------


def unread_count(user: User) -> int:
    """How many notices this person has not opened; one query by an index of its own."""
    return Notice.objects.filter(recipient=user, read_at=None).count()


def mark_read(notices: Iterable[Notice]) -> None:
    """Note that these were opened in the portal now; the first time counts."""
    unread = [notice.pk for notice in notices if notice.read_at is None]
    if unread:
        Notice.objects.filter(pk__in=unread, read_at=None).update(read_at=timezone.now())
