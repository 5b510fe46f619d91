"""The only door through which a dossier moves.

`perform()` locks the row, re-reads it, checks who asks and whether the move is open, runs
it, saves, writes the ledger, and asks for papers and notices, all in one transaction. The
citizen's page, the admin button, the payment callback and `run_due` all come through it.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q, prefetch_related_objects
from django.dispatch import Signal
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import behalf, clock, conflicts, ledger
from dossiers.models import Dossier, Event, Note
from procedures import worktime
from procedures.models import Posting
from procedures.postings import at_or_above, held_by
from procedures.text import normalise

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

Role = Posting.Role
State = Dossier.State

# Sent inside the transaction of every move, with `move`; payments listens.
moved = Signal()


class Refused(Exception):
    """The move was not made and nothing changed; the message is for the person who asked."""


class NotAllowed(Refused):
    """This person may not make this move."""


class NotPossible(Refused):
    """The dossier is not in a state from which this move is open."""


class Stale(Refused):
    """The dossier changed since the page was drawn on which the person clicked."""


@dataclass
class Move:
    """One move while it is being made: what it is given, and what should follow from it."""

    dossier: Dossier
    action: Action
    by: User | None
    details: dict[str, Any]
    now: datetime.datetime
    before: clock.Standing
    data: dict[str, Any] = field(default_factory=dict)
    note: Note | None = None
    papers: list[tuple[str, dict]] = field(default_factory=list)
    fee_lines: list = field(default_factory=list)
    followers: list[Callable[[], None]] = field(default_factory=list)

    def words(self, name: str) -> str:
        """The text given under `name` in its one spelling; "" where there is none."""
        return normalise(str(self.details.get(name) or "")).strip()

    def text(self, name: str, complaint: str) -> str:
        """The text given under `name`; refuses with `complaint` when it is empty."""
        value = self.words(name)
        if not value:
            raise Refused(complaint)
        return value

    def say(self, text: str, *, ground: str = "", public: bool = True) -> None:
        """Keep the words that go with this move."""
        if text:
            self.note = Note(text=text, legal_ground=ground, is_public=public)

    def afterwards(self, follower: Callable[[], None]) -> None:
        """Run `follower` at the end of this transaction, when the event is written.

        It enqueues tasks, which commit with the move or not at all.
        """
        self.followers.append(follower)


@dataclass(frozen=True)
class Action:
    """One kind of move: who may make it, from which states, and what it does.

    `roles` are those of officials at the dossier's offices; `citizen` means its owner,
    `system` the portal itself (`by=None`). `asks` are the inputs of its form, or a function
    of the dossier that names them. `possible` says whether the dossier has such a step at all,
    `offered` whether its button is of any use now (the move itself says why not). A silent
    one is the office's own business: no notice is written of it.
    """

    name: str
    label: Any
    states: tuple[str, ...]
    run: Callable[[Move], None]
    roles: tuple[str, ...] = ()
    citizen: bool = False
    system: bool = False
    asks: tuple[str, ...] | Callable[[Dossier], tuple[str, ...]] = ()
    after_approval: bool = False
    is_final: bool = False
    is_silent: bool = False
    possible: Callable[[Dossier], bool] = lambda dossier: True
    offered: Callable[[Dossier], bool] = lambda dossier: True

    def inputs(self, dossier: Dossier) -> tuple[str, ...]:
        """What its form asks of this dossier."""
        return self.asks(dossier) if callable(self.asks) else self.asks


ACTIONS: dict[str, Action] = {}

# Reception acts where dossiers are handed in; the others where they are handled.
_AT_RECEPTION = frozenset({Role.RECEPTION, Role.CASHIER})


def register(action: Action) -> Action:
    """Put an action into the table of moves."""
    ACTIONS[action.name] = action
    return action


def perform(
    dossier: Dossier, name: str, *, by: User | None, version: int | None = None, **details: Any
) -> Dossier:
    """Make the move `name` and return the dossier as it is afterwards.

    `by` is the citizen, the official, or None for the portal itself; `version` is that of
    the page on which they clicked. Raises `NotAllowed`, `Stale`, `NotPossible` or
    `Refused` with a sentence for the person; then nothing has changed.
    """
    with transaction.atomic(), worktime.one_calendar():
        return perform_locked(lock(dossier.pk), name, by=by, version=version, **details)


def perform_locked(
    locked: Dossier, name: str, *, by: User | None, version: int | None = None, **details: Any
) -> Dossier:
    """The same for a dossier that `lock()` gave in this transaction.

    What it raises has to end the transaction, since some of the move may be written.
    """
    action = ACTIONS[name]
    _check_person(action, locked, by)
    if version is not None and version != locked.version:
        raise Stale(what_happened(locked))
    _check_state(action, locked)
    move = Move(locked, action, by, details, timezone.now(), clock.Standing.of(locked))
    # Whose act it was is said before a transfer changes the office.
    agency = _agency_of(action, locked, by)
    action.run(move)
    clock.follow(locked, move.before, move.now)
    locked.version += 1
    locked.save()
    event = ledger.append(
        locked,
        name,
        from_state=move.before.state,
        to_state=locked.state,
        actor=by,
        agency=agency,
        data=move.data,
        note=move.note,
    )
    _follow(move, event)
    return locked


def lock(dossier_id: int) -> Dossier:
    """The row of a dossier, locked until this transaction ends, with what a move looks at."""
    # A query, not refresh_from_db(): that toggles a flag which django-fsm shares between threads.
    return (
        Dossier.objects.select_for_update(of=("self",))
        .select_related(
            "revision__procedure", "owner", "receiving_agency__parent", "handling_agency__parent"
        )
        .get(pk=dossier_id)
    )


def _follow(move: Move, event: Event) -> None:
    from dossiers import breaches, notices, papers, proposals

    breaches.of_move(move.dossier, move.before, move.now)
    proposals.drop_unfit(move)
    for kind, facts in move.papers:
        papers.ask_for(move.dossier, kind, facts)
    notices.tell(move, event)
    moved.send(sender=Dossier, move=move)
    for follower in move.followers:
        follower()


def _check_person(action: Action, dossier: Dossier, by: User | None) -> None:
    if by is None:
        allowed = action.system
    elif action.citizen and dossier.owner_id == by.pk:
        allowed = True
    else:
        allowed = bool(action.roles) and bool(roles_at(dossier, by) & set(action.roles))
        if allowed and is_party(dossier, by):
            raise NotAllowed(_("Ông/bà không thể tự giải quyết hồ sơ của chính mình."))
        if allowed and conflicts.has_conflict(dossier, by):
            raise NotAllowed(
                _(
                    "Ông/bà có người thân trong hồ sơ này nên không giải quyết được; "
                    "xin để người khác giải quyết hoặc báo lãnh đạo cử người làm thay."
                )
            )
    if not allowed:
        raise NotAllowed(_("Ông/bà không có quyền thực hiện việc này với hồ sơ này."))


def _check_state(action: Action, dossier: Dossier) -> None:
    if dossier.state not in action.states:
        raise NotPossible(what_happened(dossier))
    if dossier.approved_at and not action.after_approval:
        raise NotPossible(_("Kết quả đã được ký duyệt; hồ sơ chỉ còn chờ hoàn tất."))
    if not action.possible(dossier):
        raise NotPossible(_("Hồ sơ này không có bước “%(step)s”.") % {"step": action.label})


def what_happened(dossier: Dossier) -> str:
    """Who was first, and what the dossier is now."""
    from dossiers import notices

    last = (
        Event.objects.filter(dossier=dossier, name__in=ACTIONS)
        .select_related("actor")
        .order_by("-seq")
        .first()
    )
    state = dossier.get_state_display()
    if last is None:
        return _("Hồ sơ đang ở trạng thái “%(state)s”.") % {"state": state}
    who = last.actor.get_full_name() if last.actor else _("hệ thống")
    label = ACTIONS[last.name].label
    return _(
        "Hồ sơ đã thay đổi: %(who)s đã thực hiện “%(what)s” lúc %(when)s; "
        "hiện ở trạng thái “%(state)s”. Chưa có gì thay đổi thêm."
    ) % {
        "who": who,
        "what": label,
        "when": notices.moment_text(last.at),
        "state": state,
    }


def is_party(dossier: Dossier, user: User) -> bool:
    """Whether a person stands in the dossier: as its filer, its principal, or a participant.

    One who filed it or took part once stays a party: nobody leaves a dossier in order to
    decide on it.
    """
    if dossier.owner_id == user.pk or behalf.is_principal(dossier, user):
        return True
    if user.citizen_number and _checked_number(dossier.owner) == user.citizen_number:
        return True
    if {"participants", "events"} <= getattr(dossier, "_prefetched_objects_cache", {}).keys():
        return _took_part(dossier, user)
    was_in_it = Q(participants__user=user) | Q(events__name="submit", events__actor=user)
    return Dossier.objects.filter(was_in_it, pk=dossier.pk).exists()


def _took_part(dossier: Dossier, user: User) -> bool:
    """The same from rows that are there."""
    return any(row.user_id == user.pk for row in dossier.participants.all()) or any(
        row.name == "submit" and row.actor_id == user.pk for row in dossier.events.all()
    )


def _checked_number(person: User) -> str:
    """The number of a card that was looked at; one that is only typed may be anybody's."""
    return person.citizen_number if person.identity_checked_at else ""


def roles_at(dossier: Dossier, user: User, held: list[tuple[str, int]] | None = None) -> set[str]:
    """The roles that count for this dossier: reception's where it was handed in, others'
    where it is handled, by postings of today at that office or one above it.

    `held` are these postings (`postings.held()`), where they were asked for already.
    """
    held = held_by(user) if held is None else held
    if not held:
        return set()
    receiving = at_or_above(dossier.receiving_agency)
    handling = at_or_above(dossier.handling_agency)
    return {
        role
        for role, agency in held
        if agency in (receiving if role in _AT_RECEPTION else handling)
    }


def acting_roles(
    dossier: Dossier, user: User, held: list[tuple[str, int]] | None = None
) -> set[str]:
    """The roles in which this person may act: none where they, or a relative, stand in it."""
    if is_party(dossier, user):
        return set()
    roles = roles_at(dossier, user, held)
    return set() if roles and conflicts.has_conflict(dossier, user) else roles


def _agency_of(action: Action, dossier: Dossier, by: User | None):
    if by is None or (action.citizen and dossier.owner_id == by.pk):
        return None
    if set(action.roles) & _AT_RECEPTION:
        return dossier.receiving_agency
    return dossier.handling_agency


def open_to(dossier: Dossier, user: User, roles: set[str] | None = None) -> Iterator[Action]:
    """The moves that this person could make now, in the order of the table.

    `roles` are their `acting_roles()`, where these were asked for already.
    """
    roles = acting_roles(dossier, user) if roles is None else roles
    # Several of them look at these; asked once for all.
    prefetch_related_objects([dossier], "proposals", "supplement_requests")
    for action in ACTIONS.values():
        mine = (action.citizen and dossier.owner_id == user.pk) or roles & set(action.roles)
        if not mine or dossier.state not in action.states:
            continue
        if dossier.approved_at and not action.after_approval:
            continue
        if action.possible(dossier) and action.offered(dossier):
            yield action
