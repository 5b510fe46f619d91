"""Sending what was written down: from tasks only, outside every transaction."""

from __future__ import annotations

import datetime
import hashlib

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext

from dossiers import notices
from dossiers.channels import email, phone
from dossiers.models import Delivery, Notice
from procedures.filingplace import portal_office
from procedures.text import in_vietnamese

Channel = Delivery.Channel


@in_vietnamese
def send(notice: Notice) -> None:
    """Send a notice by every way by which it has not gone yet, each once.

    One way that fails holds up no other; its error is noted by name, and raised at the end
    so that the queue tries it again.
    """
    errors = []
    for delivery in notice.deliveries.filter(sent_at=None, waits_for_digest=False):
        try:
            if _send_one(notice, delivery):
                _note_sent([delivery])
        except Exception as error:
            _note_error([delivery], error)
            errors.append(error)
    if errors:
        raise errors[0]


def _send_one(notice: Notice, delivery: Delivery) -> bool:
    """Whether it went out; to an account that was closed since, nothing does."""
    if not notices.can_be_told(notice.recipient):
        return False
    if delivery.channel != Channel.EMAIL:
        text = phone.notice_text(notice, delivery.channel)
        phone.send(delivery.channel, delivery.address, text)
        return True
    return email.send(
        "notice", {"notice": notice, "link": _link(notice.path), "office": _office(notice)},
        to=delivery.address, subject=notice.subject,
        message_id=f"notice-{notice.pk}-{delivery.pk}",
    )  # fmt: skip


def _office(notice: Notice):
    """Who answers for it: the office at whose desk the dossier is, or the one of the portal."""
    return (notice.dossier and notice.dossier.receiving_agency) or portal_office()


def _link(path: str) -> str:
    return f"{settings.SITE_URL}{path}"


def _note_sent(deliveries: list[Delivery]) -> None:
    """The notice counts as sent from the first way that took it."""
    now = timezone.now()
    Delivery.objects.filter(pk__in=[row.pk for row in deliveries]).update(sent_at=now, error="")
    told = {row.notice_id for row in deliveries}
    Notice.objects.filter(pk__in=told, sent_at=None).update(sent_at=now)


def _note_error(deliveries: list[Delivery], error: Exception) -> None:
    # The name alone: what a server says may hold the address or the text.
    name = type(error).__name__[:200]
    Delivery.objects.filter(pk__in=[row.pk for row in deliveries]).update(error=name)


@in_vietnamese
def send_digest(user_id: int, channel: str) -> None:
    """Send in one message what has waited for this person when it last struck seven."""
    until = digest_until()
    waiting = list(
        Delivery.objects.filter(
            notice__recipient=user_id, channel=channel, waits_for_digest=True, sent_at=None,
            created_at__lt=until,
        ).select_related("notice__dossier__receiving_agency", "notice__recipient")
    )  # fmt: skip
    if not waiting:
        return
    try:
        if _send_together(waiting, until):
            _note_sent(waiting)
    except Exception as error:
        _note_error(waiting, error)
        raise


def digest_until() -> datetime.datetime:
    """The last seven o'clock in the morning: what came later waits for the next."""
    now = timezone.localtime()
    seven = now.replace(hour=7, minute=0, second=0, microsecond=0)
    return seven if seven <= now else seven - datetime.timedelta(days=1)


def _send_together(waiting: list[Delivery], until: datetime.datetime) -> bool:
    last, count = waiting[-1], len(waiting)
    if not notices.can_be_told(last.notice.recipient):
        return False
    subject = ngettext(
        "Cổng Một Cửa: %(count)d thông báo mới", "Cổng Một Cửa: %(count)d thông báo mới", count
    ) % {"count": count}
    path = reverse("dossiers:notices")
    if last.channel != Channel.EMAIL:
        phone.send(last.channel, last.address, f"{subject}. {phone.where(last.channel, path)}")
        return True
    items = [{"notice": row.notice, "link": _link(row.notice.path)} for row in waiting]
    context = {"items": items, "link": _link(path), "office": portal_office()}
    message_id = f"digest-{last.notice.recipient_id}-{until:%Y%m%d}"
    return email.send("digest", context, to=last.address, subject=subject, message_id=message_id)


@in_vietnamese
def send_to_contact(contact: str, subject: str, body: str, path: str) -> None:
    """Write to somebody without an account; a telephone gets the subject and the address."""
    if "@" not in contact:
        phone.send(Channel.SMS, contact, phone.with_link(subject, _link(path)))
        return
    digest = hashlib.sha256(f"{contact} {subject} {path}".encode()).hexdigest()
    context = {
        "notice": Notice(subject=subject, body=body), "link": _link(path),
        "office": portal_office(), "for_stranger": True,
    }  # fmt: skip
    email.send("notice", context, to=contact, subject=subject, message_id=f"contact-{digest[:24]}")
