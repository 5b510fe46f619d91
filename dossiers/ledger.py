"""The append-only record of what happened to each dossier, chained by hashes.

Each event's hash covers all its columns and the hash of the event before, so that a row
that was changed, removed or put in between shows. The database refuses UPDATE, DELETE
and TRUNCATE (`append_only`). Anyone with the events can recompute the chain: it is plain
SHA-256 over the JSON that `content()` gives.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers.models import DailyRoot, Dossier, Event, Note
from procedures import triggers

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

    from procedures.models import Agency

LOOK = "look"
LOOKS_FOLDED_FOR = datetime.timedelta(minutes=30)
# Among so many newest events a look is sought: of a busier half hour, one more is written.
NEWEST = 40


def content(event: Event) -> str:
    """What the hash of an event covers, as canonical JSON."""
    return json.dumps(
        [
            event.dossier_id, event.seq, event.name, event.from_state, event.to_state,
            event.actor_id, event.agency_id, event.at.astimezone(datetime.UTC).isoformat(),
            event.data, event.previous,
        ],
        ensure_ascii=False, sort_keys=True, separators=(",", ":"),
    )  # fmt: skip


def hash_of(event: Event) -> str:
    """SHA-256 (hex) of the content."""
    return hashlib.sha256(content(event).encode()).hexdigest()


def append(
    dossier: Dossier,
    name: str,
    *,
    from_state: str = "",
    to_state: str = "",
    actor: User | None,
    agency: Agency | None = None,
    data: dict[str, Any] | None = None,
    note: Note | None = None,
    last: Event | None = None,
) -> Event:
    """Write the next event of a dossier whose row the caller has locked.

    `last` is the newest event, where the caller has read it since the lock.

    `data` holds ids, field names and digests only. `note` is saved beside the event, which
    keeps a salted digest of it: erasing the note leaves the chain whole.
    """
    last = last or Event.objects.filter(dossier=dossier).order_by("-seq").first()
    data = dict(data or {})
    if note is not None:
        data["note"] = digest(note.text, note.salt)
    event = Event(
        dossier=dossier,
        seq=last.seq + 1 if last else 1,
        name=name,
        from_state=from_state,
        to_state=to_state,
        actor=actor,
        agency=agency,
        at=timezone.now(),
        data=data,
        previous=last.hash if last else "",
    )
    event.hash = hash_of(event)
    event.save(force_insert=True)
    if note is not None:
        note.event = event
        note.save(force_insert=True)
    return event


def digest(text: str, salt: str) -> str:
    """A salted SHA-256 (hex), so that short texts cannot be guessed from it."""
    return hashlib.sha256(f"{salt}{text}".encode()).hexdigest()


@transaction.atomic
def record_look(dossier: Dossier, *, by: User, what: str = "page") -> None:
    """Note that an official looked; looks at the same thing within half an hour are one.

    The dossier's version stays: a look must not make another's open form stale.
    """
    Dossier.objects.select_for_update().only("pk").get(pk=dossier.pk)
    newest = list(Event.objects.filter(dossier=dossier).order_by("-seq")[:NEWEST])
    since = timezone.now() - LOOKS_FOLDED_FOR
    if not any(_is_look(event, by, what) and event.at >= since for event in newest):
        append(dossier, LOOK, actor=by, data={"what": what}, last=newest[0] if newest else None)


def _is_look(event: Event, by: User, what: str) -> bool:
    return event.name == LOOK and event.actor_id == by.pk and event.data.get("what") == what


def first_broken(events: Iterable[Event]) -> Event | None:
    """The first event of one dossier, in order, that does not fit its chain."""
    before = None
    for event in events:
        if fault(event, before):
            return event
        before = event
    return None


def fault(event: Event, before: Event | None) -> str:
    """What does not fit at an event after `before` (None for the first); "" where all does."""
    seq, previous = (before.seq, before.hash) if before else (0, "")
    if event.seq != seq + 1:
        return _("thiếu hoặc thừa dòng ở trước")
    if event.previous != previous:
        return _("không nối với dòng trước")
    if event.hash != hash_of(event):
        return _("nội dung không khớp mã băm")
    return ""


def append_only() -> list[triggers.Trigger]:
    """The database's own refusal to change the ledger and its daily roots."""
    return [
        triggers.Trigger(
            f"{name}_append_only_{operation.lower()}",
            model._meta.db_table,
            operation,
            f"{name}s are append-only",
        )
        for name, model in (("event", Event), ("daily_root", DailyRoot))
        for operation in ("UPDATE", "DELETE", "TRUNCATE")
    ]
