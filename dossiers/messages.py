"""What the people of a dossier and the office write to each other.

A message changes neither the state nor the version of a dossier: it asks and explains. It
asks for no papers; that is done by a supplement request alone, once and in full (Decree
61/2018, article 5). The ledger keeps that it was sent, with digests of its text and files.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import attachments, ledger, notices, previews, workflow
from dossiers.models import Attachment, Dossier, Event, Message, new_key
from procedures.models import Posting
from procedures.text import normalise

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.auth.base_user import AbstractBaseUser as User

EVENT = "message"  # how the ledger names one
MAX_TEXT = 4000  # characters
MAX_FILES = 5  # of one message
MAX_A_DAY = 20  # from the people of one dossier together
OPEN_AFTER_END = datetime.timedelta(days=30)

_Role = Posting.Role
# Who writes in the name of an office; the others posted there only read.
WRITES = {_Role.RECEPTION, _Role.CASE_OFFICER, _Role.APPROVER, _Role.LEADER, _Role.CASHIER}


class NotSent(Exception):
    """The message was not kept and nothing changed; the sentence is for who wrote it."""


def thread(dossier: Dossier) -> list[Message]:
    """All messages of a dossier, oldest first, with their authors and `files`; two queries.

    One where the attachments of the dossier were asked for already.
    """
    rows = list(dossier.messages.select_related("author"))
    files = [file for file in dossier.attachments.all() if file.message_id] if rows else []
    for row in rows:
        row.files = [file for file in files if file.message_id == row.pk]
    return rows


def summary(dossier: Dossier) -> dict[str, int]:
    """How many messages there are, and how many of the office's nobody has read; one query."""
    unread = Q(is_from_office=True, read_at=None)
    return dossier.messages.aggregate(
        message_count=Count("pk"), unread_messages=Count("pk", filter=unread)
    )


def open_until(dossier: Dossier) -> datetime.datetime | None:
    """Until when messages may be sent once the dossier has ended; None while it goes on."""
    if not dossier.is_final:
        return None
    ends = dossier.events.filter(to_state__in=Dossier.FINAL).order_by("seq")
    ended = ends.values_list("at", flat=True).first()
    return (ended or dossier.updated_at) + OPEN_AFTER_END


def is_open(dossier: Dossier) -> bool:
    """Whether messages may be sent: from filing until 30 days after the end."""
    until = open_until(dossier)
    return dossier.state != Dossier.State.DRAFT and (until is None or timezone.now() <= until)


def may_write_for_office(dossier: Dossier, user: User) -> bool:
    """Whether an official writes in the office's name: posted at it, and neither they nor a
    relative of theirs stands in the dossier."""
    return bool(workflow.acting_roles(dossier, user) & WRITES)


# --- Files that wait for their message --------------------------------------------------


def waiting(dossier: Dossier, by: User) -> QuerySet[Attachment]:
    """The files that this person has given for a message not sent yet."""
    return dossier.attachments.filter(
        document=Attachment.MESSAGE, message=None, submitted_at=None, uploaded_by=by
    )


def keep_files(dossier: Dossier, files: Iterable, *, by: User) -> list[str]:
    """Keep every good file for the message to come; the complaints about the others."""
    faults = []
    for file in files:
        if waiting(dossier, by).count() >= MAX_FILES:
            faults.append(_("Mỗi tin nhắn gửi kèm tối đa %(most)d tệp.") % {"most": MAX_FILES})
            break
        try:
            attachments.store(dossier, Attachment.MESSAGE, file, by=by)
        except ValidationError as error:
            faults.append(f"{normalise(file.name or '')[:100]}: {' '.join(error.messages)}")
    return faults


def drop_file(dossier: Dossier, key: str, *, by: User) -> None:
    """Take one's own waiting file out again; one that was sent stays, and is no error."""
    _drop(list(waiting(dossier, by).filter(key=key)))


def _drop(rows: list[Attachment]) -> None:
    Attachment.objects.filter(pk__in=[row.pk for row in rows]).delete()
    attachments.delete_afterwards(rows)


# --- Sending ----------------------------------------------------------------------------


def sent(dossier: Dossier, form_key: str, text: str) -> Message | None:
    """The message that this form with this text has become already."""
    return dossier.messages.filter(form_key=form_key, text=text).first()


@transaction.atomic
def send(
    dossier: Dossier,
    text: str,
    *,
    by: User,
    form_key: str,
    from_office: bool = False,
    is_no_request: bool = False,
) -> Message:
    """Send a message with the files that wait for it; the same form sent twice is one.

    A form that comes back with another text (somebody went back and wrote anew) is another
    message. `is_no_request`: the official was warned that it seems to ask for papers, and said
    that it does not; the ledger keeps that. Raises `NotSent` when the dossier is closed to
    messages, or after `MAX_A_DAY` messages of its people on one day.
    """
    locked = Dossier.objects.select_for_update().get(pk=dossier.pk)
    known = locked.messages.filter(form_key=form_key).first()
    if known is not None and known.text == text:
        _drop_repeated(known, by)
        return known
    _check(locked, from_office=from_office)
    message = Message.objects.create(
        dossier=locked,
        author=by,
        is_from_office=from_office,
        text=text,
        form_key=form_key if known is None else new_key(),
    )
    files = _take_files(locked, message)
    if files:
        previews.make_later(locked)
    event = _record(locked, message, files, is_no_request=is_no_request)
    if from_office:
        _tell(locked, event)
    return message


def _check(dossier: Dossier, *, from_office: bool) -> None:
    if not is_open(dossier):
        raise NotSent(_("Hồ sơ đã kết thúc quá 30 ngày nên không nhắn tin được nữa."))
    if from_office:
        return
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    if dossier.messages.filter(is_from_office=False, sent_at__gte=today).count() >= MAX_A_DAY:
        raise NotSent(
            _(
                "Hôm nay hồ sơ này đã có %(most)d tin nhắn; xin nhắn tiếp vào ngày mai "
                "hoặc gọi điện cho cơ quan."
            )
            % {"most": MAX_A_DAY}
        )


def _take_files(dossier: Dossier, message: Message) -> list[str]:
    """Give the waiting files to their message; their digests."""
    files = waiting(dossier, message.author)
    digests = list(files.values_list("sha256", flat=True)[:MAX_FILES])
    taken = files.filter(sha256__in=digests)
    taken.update(message=message, submitted_at=message.sent_at)
    return digests


def _drop_repeated(message: Message, by: User) -> None:
    """The same form sent again brought the same files again."""
    digests = message.attachments.values_list("sha256", flat=True)
    _drop(list(waiting(message.dossier, by).filter(sha256__in=list(digests))))


def _record(dossier: Dossier, message: Message, files: list[str], *, is_no_request: bool) -> Event:
    # The key of the message is the salt: without it a short text could be guessed.
    digest = ledger.digest(message.text, message.key)
    return ledger.append(
        dossier,
        EVENT,
        actor=message.author,
        agency=dossier.handling_agency if message.is_from_office else None,
        data={"message": message.pk, "text": digest, "files": files}
        | ({"said_no_request": True} if is_no_request else {}),
    )


def _tell(dossier: Dossier, event: Event) -> None:
    """Tell the dossier's people once that there is something to read, not at every line."""
    told = dossier.notices.filter(kind=EVENT, read_at=None).values_list("recipient", flat=True)
    known = set(told)
    path = reverse("dossiers:messages", args=[dossier.code])
    for person in notices.recipients(dossier):
        if person.pk not in known:
            notices.say(person, EVENT, dossier=dossier, event=event, path=path)


# --- Reading ----------------------------------------------------------------------------


def mark_read(messages: Iterable[Message], *, from_office: bool) -> None:
    """Note that the other side has opened these; the first time counts.

    `from_office` says whose messages were read: True where a citizen opened the page.
    """
    unread = [
        row.pk for row in messages if row.read_at is None and row.is_from_office == from_office
    ]
    if unread:
        Message.objects.filter(pk__in=unread, read_at=None).update(read_at=timezone.now())
