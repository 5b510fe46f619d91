"""The other people of a dossier: invited by the one who files, joined by a link, let go again.

An invitation works once, for 14 days, while the dossier is open and nobody withdrew it. A
co-applicant of a draft agrees to exactly what is filed: whatever changes afterwards waits
for their agreement again. Before filing the filer may let anybody go; after filing the
filer may only withdraw invitations that nobody took, and who has joined leaves of their own
accord, so that nobody is shut out of a dossier in which they stand. A principal who joined
may end the mandate: the dossier becomes theirs, and the one who filed it sees it no more.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import behalf, drafting, ledger, notices, searching, throttling
from dossiers.models import Dossier, Participant
from dossiers.models.keys import new_secret
from dossiers.workflow import Refused
from procedures.text import fold, in_vietnamese

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

VALID_FOR = datetime.timedelta(days=14)
MOST = 10  # people invited or joined at one time
MOST_A_DAY = 20  # letters of one person: nobody writes to the whole country with us
ASKED_AGAIN_AFTER = datetime.timedelta(hours=1)

# What happens to the people of a filed dossier, as the ledger names it, and in words.
JOINED, LEFT, WITHDRAWN = "participant_joined", "participant_left", "participant_withdrawn"
MANDATE_ENDED = "mandate_ended"
TOLD = {
    JOINED: gettext_lazy("Một người được mời đã tham gia hồ sơ"),
    LEFT: gettext_lazy("Một người đã thôi tham gia hồ sơ"),
    WITHDRAWN: gettext_lazy("Một lời mời tham gia hồ sơ đã được thu hồi"),
    MANDATE_ENDED: gettext_lazy("Việc nộp thay đã chấm dứt; người đứng tên tự làm hồ sơ"),
}

# What the filer is told: a subject without names, and a body.
HAS_JOINED = (
    gettext_lazy("Một người được mời đã tham gia hồ sơ của ông/bà"),
    gettext_lazy("%(name)s đã tham gia hồ sơ “%(procedure)s”."),
)
HAS_AGREED = (
    gettext_lazy("Một người cùng đứng đơn đã đồng ý với hồ sơ của ông/bà"),
    gettext_lazy("%(name)s đã đọc và đồng ý với hồ sơ “%(procedure)s”."),
)
HAS_LEFT = (
    gettext_lazy("Một người đã thôi tham gia hồ sơ của ông/bà"),
    gettext_lazy("%(name)s đã thôi tham gia hồ sơ “%(procedure)s”."),
)


@dataclass(frozen=True)
class Row:
    """One participant as the page of people shows them.

    `account_name` is whose account joined, where that is not the name that was invited.
    """

    participant: Participant
    account_name: str
    state: str
    can_end: bool
    can_be_asked: bool
    link: str


def _lock(dossier_id: int) -> Dossier:
    """The dossier, locked: all that happens to its people happens one after the other."""
    locked = Dossier.objects.select_for_update(of=("self",))
    return locked.select_related("owner", "revision").get(pk=dossier_id)


@transaction.atomic
def invite(dossier: Dossier, *, role: str, name: str, contact: str) -> Participant:
    """Invite a person and have the invitation sent.

    Raises `Refused` with a sentence where the dossier is closed, has its principal already,
    knows this contact, or where too many were invited.
    """
    locked = _lock(dossier.pk)
    _check_may_invite(locked, role, contact)
    _count_letter(locked)
    participant = Participant.objects.create(dossier=locked, role=role, name=name, contact=contact)
    _send_invitation(participant)
    return participant


def _check_may_invite(dossier: Dossier, role: str, contact: str) -> None:
    if dossier.is_final:
        raise Refused(_("Hồ sơ đã kết thúc nên không mời thêm được nữa."))
    people = list(dossier.participants.open())
    if role == Participant.Role.PRINCIPAL:
        if not dossier.behalf:
            raise Refused(_("Hồ sơ này đứng tên ông/bà nên không có người được nộp thay."))
        if any(row.role == role for row in people):
            raise Refused(_("Người được nộp thay đã được mời rồi."))
    if any(row.contact == contact for row in people):
        raise Refused(_("Người có địa chỉ hoặc số điện thoại này đã được mời rồi."))
    if len(people) >= MOST:
        raise Refused(_("Mỗi hồ sơ mời được nhiều nhất %(most)d người.") % {"most": MOST})


def _count_letter(dossier: Dossier) -> None:
    # Not the rows: they go with a draft that is thrown away.
    if throttling.count_today(f"invitations:{dossier.owner_id}") > MOST_A_DAY:
        raise Refused(_("Hôm nay ông/bà đã mời nhiều người quá; xin mời tiếp vào ngày mai."))


def link(participant: Participant) -> str:
    """The whole address by which the invited person comes in."""
    return f"{settings.SITE_URL}{reverse('dossiers:invitation', args=[participant.token])}"


def expires_at(participant: Participant) -> datetime.datetime:
    """Until when an invitation can be taken."""
    return participant.invited_at + VALID_FOR


def is_open(participant: Participant) -> bool:
    """Whether an invitation can still be taken: once, in its time, in a dossier that is open."""
    return (
        participant.joined_at is None
        and participant.ended_at is None
        and timezone.now() < expires_at(participant)
        and not participant.dossier.is_final
    )


@transaction.atomic
def join(participant: Participant, *, by: User) -> Participant:
    """Take an invitation, once; raises `Refused` where it cannot be taken, or not by `by`."""
    dossier = _lock(participant.dossier_id)
    locked = dossier.participants.get(pk=participant.pk)
    if dossier.owner_id == by.pk:
        raise Refused(_("Ông/bà là người nộp hồ sơ này; hãy chuyển lời mời cho người được mời."))
    if not is_open(locked):
        raise Refused(_("Lời mời này đã được dùng, đã thu hồi hoặc đã hết hạn."))
    if dossier.participants.active().filter(user=by).exists():
        raise Refused(_("Ông/bà đã tham gia hồ sơ này rồi."))
    locked.user, locked.joined_at = by, timezone.now()
    locked.save(update_fields=["user", "joined_at"])
    _note(dossier, locked, JOINED, by)
    _tell_owner(dossier, locked, *HAS_JOINED)
    return locked


@transaction.atomic
def agree(participant: Participant, *, seen: str) -> Participant:
    """Agree to what the page showed, whose fingerprint is `seen`.

    Raises `Refused` where the draft has changed since, was filed, or is not theirs any more.
    """
    dossier = _lock(participant.dossier_id)
    locked = dossier.participants.active().filter(pk=participant.pk).first()
    if locked is None or dossier.state != Dossier.State.DRAFT:
        raise Refused(_("Hồ sơ đã nộp hoặc ông/bà không còn tham gia hồ sơ này."))
    if drafting.fingerprint(dossier) != seen:
        raise Refused(_("Hồ sơ vừa được sửa; xin đọc lại rồi đồng ý với nội dung mới."))
    if locked.agreed_to != seen:
        locked.agreed_to, locked.agreed_at = seen, timezone.now()
        locked.save(update_fields=["agreed_to", "agreed_at"])
        _tell_owner(dossier, locked, *HAS_AGREED)
    return locked


@transaction.atomic
def leave(participant: Participant) -> None:
    """The participant stops taking part, before or after filing; a second time does nothing."""
    dossier = _lock(participant.dossier_id)
    locked = dossier.participants.active().filter(pk=participant.pk).first()
    if locked is None:
        return
    _end(dossier, locked, LEFT, by=locked.user)
    _tell_owner(dossier, locked, *HAS_LEFT)


@transaction.atomic
def end_mandate(participant: Participant) -> Dossier:
    """A principal who joined takes their dossier over from the one who filed it for them.

    The secret is renewed, so that what the former filer printed opens nothing. Raises
    `Refused` for anybody but a principal, and for a dossier that has ended.
    """
    dossier = _lock(participant.dossier_id)
    principals = dossier.participants.active().filter(role=Participant.Role.PRINCIPAL)
    locked = principals.filter(pk=participant.pk).select_related("user").first()
    if locked is None or dossier.is_final:
        raise Refused(_("Chỉ người được nộp thay chấm dứt được việc nộp thay, khi hồ sơ còn mở."))
    former, dossier.owner = dossier.owner, locked.user
    dossier.behalf = behalf.after_mandate(dossier)
    dossier.secret = new_secret()
    # The version counts what the ledger tells; that begins when the dossier is filed.
    dossier.version += dossier.state != Dossier.State.DRAFT
    dossier.save(update_fields=["owner", "behalf", "secret", "version", "updated_at"])
    locked.ended_at = timezone.now()
    locked.save(update_fields=["ended_at"])
    _note(dossier, locked, MANDATE_ENDED, locked.user, former=former.pk)
    _tell_former(former, dossier)
    return dossier


@transaction.atomic
def let_go(participant: Participant) -> None:
    """The filer withdraws an invitation or, before filing, lets a participant go.

    Raises `Refused` for a participant of a filed dossier.
    """
    dossier = _lock(participant.dossier_id)
    locked = dossier.participants.open().filter(pk=participant.pk).first()
    if locked is None:
        return
    if not _can_let_go(dossier, locked):
        raise Refused(_("Hồ sơ đã nộp: chỉ người đã tham gia tự thôi tham gia được."))
    _end(dossier, locked, WITHDRAWN, by=dossier.owner)


def _can_let_go(dossier: Dossier, participant: Participant) -> bool:
    return participant.joined_at is None or dossier.state == Dossier.State.DRAFT


def _end(dossier: Dossier, participant: Participant, event: str, *, by: User) -> None:
    # Where they were reached is nobody's business any more.
    participant.ended_at, participant.contact = timezone.now(), ""
    participant.save(update_fields=["ended_at", "contact"])
    _note(dossier, participant, event, by)


def _note(dossier: Dossier, participant: Participant, name: str, by: User, **ids: int) -> None:
    """Write the ledger of a filed dossier; a draft has none."""
    if dossier.state != Dossier.State.DRAFT:
        data = {"participant": participant.pk, "role": participant.role, **ids}
        ledger.append(dossier, name, actor=by, data=data)
        searching.index(dossier)


@transaction.atomic
def ask_again(participant: Participant) -> None:
    """Send an invitation again, or ask a co-applicant to read and agree, once an hour at most."""
    dossier = _lock(participant.dossier_id)
    locked = dossier.participants.open().filter(pk=participant.pk).first()
    if locked is None or not _can_be_asked(dossier, locked):
        raise Refused(_("Người này không có việc gì phải làm lúc này."))
    if locked.joined_at is None:
        _invite_again(locked)
    else:
        _ask_to_agree(dossier, locked)


def _invite_again(participant: Participant) -> None:
    now = timezone.now()
    if now < participant.invited_at + ASKED_AGAIN_AFTER:
        raise Refused(_("Lời mời vừa được gửi; xin chờ một giờ rồi gửi lại."))
    _count_letter(participant.dossier)
    participant.invited_at = now
    participant.save(update_fields=["invited_at"])
    _send_invitation(participant)


def _can_be_asked(dossier: Dossier, participant: Participant) -> bool:
    if participant.joined_at is None:
        return not dossier.is_final
    return dossier.state == Dossier.State.DRAFT and _must_agree(participant, dossier)


def _must_agree(participant: Participant, dossier: Dossier, seen: str = "") -> bool:
    return participant.role == Participant.Role.CO_APPLICANT and participant.agreed_to != (
        seen or drafting.fingerprint(dossier)
    )


def waited_for(draft: Dossier) -> list[Participant]:
    """The co-applicants who have not agreed to what would be filed now."""
    invited = draft.participants.open().filter(role=Participant.Role.CO_APPLICANT)
    people = list(invited)
    if not people:
        return []
    seen = drafting.fingerprint(draft)
    return [row for row in people if row.joined_at is None or row.agreed_to != seen]


def complaint(participant: Participant) -> str:
    """Why a draft waits for this co-applicant, in a sentence."""
    if participant.joined_at is None:
        text = _("%(name)s được mời cùng đứng đơn nhưng chưa tham gia.")
    elif participant.agreed_at is None:
        text = _("%(name)s chưa đọc và đồng ý với hồ sơ.")
    else:
        text = _("Hồ sơ đã sửa sau khi %(name)s đồng ý; cần %(name)s đọc lại và đồng ý.")
    return text % {"name": participant.name}


def rows(dossier: Dossier) -> list[Row]:
    """Everybody who was invited, with what the filer can do about each."""
    seen = drafting.fingerprint(dossier) if dossier.state == Dossier.State.DRAFT else ""
    people = dossier.participants.select_related("user")
    return [_row(row, dossier, seen) for row in people]


def of_draft(draft: Dossier) -> dict[str, Any]:
    """What the pages of a draft show of its people, and which sections to look at again."""
    return {
        "principal": behalf.words(draft),
        "rows": [row for row in rows(draft) if row.participant.ended_at is None],
        "self_described": behalf.self_described(draft),
    }


def _row(participant: Participant, dossier: Dossier, seen: str) -> Row:
    participant.dossier = dossier
    is_gone = participant.ended_at is not None
    is_invited = participant.joined_at is None
    must_agree = bool(seen) and not is_invited and _must_agree(participant, dossier, seen)
    return Row(
        participant=participant,
        account_name=_account_name(participant),
        state=_state(participant, must_agree=must_agree, is_draft=bool(seen)),
        can_end=not is_gone and _can_let_go(dossier, participant),
        can_be_asked=not is_gone and not dossier.is_final and (is_invited or must_agree),
        link=link(participant) if is_open(participant) else "",
    )


def _account_name(participant: Participant) -> str:
    joined_as = participant.user.get_full_name() if participant.user else ""
    return "" if fold(joined_as) == fold(participant.name) else joined_as


def _state(participant: Participant, *, must_agree: bool, is_draft: bool) -> str:
    if participant.ended_at:
        return _("Đã thôi tham gia") if participant.joined_at else _("Lời mời đã thu hồi")
    if participant.joined_at is None:
        return _("Chờ tham gia") if is_open(participant) else _("Lời mời đã hết hạn")
    if must_agree:
        return _("Cần đọc lại và đồng ý") if participant.agreed_at else _("Chưa đồng ý")
    if participant.agreed_at:
        return _("Đã đồng ý")
    return _("Cùng xem bản nháp") if is_draft else _("Cùng theo dõi")


# --- What people are told -------------------------------------------------------------


def invitation_words(participant: Participant) -> dict[str, Any]:
    """What an invitation says: no more than who invites, and about which procedure."""
    dossier = participant.dossier
    return {
        "inviter": dossier.owner.get_full_name(),
        "procedure": dossier.revision.short_name,
        "role": participant.get_role_display(),
        "link": link(participant),
        "until": notices.moment_text(expires_at(participant)),
    }


@in_vietnamese
def _send_invitation(participant: Participant) -> None:
    body = _(
        "%(inviter)s mời ông/bà tham gia hồ sơ “%(procedure)s” với tư cách: %(role)s.\n"
        "Lời mời dùng được một lần, đến %(until)s. Nếu không quen người mời, xin bỏ qua."
    )
    notices.write_to_contact(
        participant.contact,
        subject=_("Lời mời tham gia một hồ sơ trên Cổng Một Cửa"),
        body=body % invitation_words(participant),
        path=reverse("dossiers:invitation", args=[participant.token]),
    )


@in_vietnamese
def _tell_owner(dossier: Dossier, participant: Participant, subject: Any, body: Any) -> None:
    """Tell the filer in a few words; the subject holds no name, for it may go by SMS."""
    words = {"name": participant.name, "procedure": dossier.revision.short_name}
    notices.write(
        dossier.owner,
        kind="participant",
        dossier=dossier,
        subject=str(subject),
        body=str(body) % words,
        path=people_path(dossier),
    )


@in_vietnamese
def _tell_former(former: User, dossier: Dossier) -> None:
    """Tell one who filed for another; without the dossier, which is not theirs any more."""
    body = _("Người được nộp thay tự đứng ra làm hồ sơ “%(procedure)s”; ông/bà không còn xem được.")
    notices.write(
        former,
        kind="participant",
        subject=_("Việc nộp thay một hồ sơ đã chấm dứt"),
        body=body % {"procedure": dossier.revision.short_name},
    )


@in_vietnamese
def _ask_to_agree(dossier: Dossier, participant: Participant) -> None:
    since = timezone.now() - ASKED_AGAIN_AFTER
    lately = participant.user.notices.filter(dossier=dossier, kind="agree", created_at__gte=since)
    if lately.exists():
        raise Refused(_("Vừa đề nghị người này; xin chờ một giờ rồi đề nghị lại."))
    words = {"name": dossier.owner.get_full_name(), "procedure": dossier.revision.short_name}
    body = _(
        "%(name)s đề nghị ông/bà đọc hồ sơ “%(procedure)s” và đồng ý. Hồ sơ chỉ nộp được khi "
        "người cùng đứng đơn đã đồng ý với đúng nội dung sẽ nộp."
    )
    notices.write(
        participant.user,
        kind="agree",
        dossier=dossier,
        subject=_("Xin đọc và đồng ý với hồ sơ cùng đứng đơn"),
        body=body % words,
        path=reverse("dossiers:shared_draft", args=[dossier.key]),
        is_urgent=True,
    )


def people_path(dossier: Dossier) -> str:
    """The page of a dossier's people."""
    if dossier.state == Dossier.State.DRAFT:
        return reverse("dossiers:draft_people", args=[dossier.key])
    return reverse("dossiers:people", args=[dossier.code])
