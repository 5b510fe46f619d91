"""What goes to a telephone: short, without names, nothing personal but the dossier's code."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import channels
from dossiers.models import Delivery, Notice

# One part of an SMS in GSM 03.38; a text with accents would have 70 and cost more than double.
SMS_LENGTH = 160
# ASCII that GSM 03.38 lacks or counts twice.
_NOT_IN_GSM = re.compile(r"[^ -~]|[\^{}\\\[~\]|`]")
# Letters and marks that do not fall apart into a plain one and an accent.
_PLAIN = {
    0x110: "D", 0x111: "d", 0x2013: "-", 0x2014: "-", 0x201C: '"', 0x201D: '"',
    0x2018: "'", 0x2019: "'", 0x2026: ".",
}  # fmt: skip


def send(channel: str, to: str, text: str) -> None:
    """Hand `text` to the gateway of `Channel.SMS` or `Channel.ZALO`; raises what it raises."""
    channels.port(channel).send(to, sms_text(text) if channel == Delivery.Channel.SMS else text)


def notice_text(notice: Notice, channel: str) -> str:
    """The subject, by when, and where to read on; the body stays in the portal.

    An SMS names the portal's host only: the whole address would not fit.
    """
    parts = [f"{notice.subject}."]
    if notice.due_at:
        parts.append(_("Hạn: %(when)s.") % {"when": _moment(notice.due_at)})
    parts.append(where(channel, notice.path))
    return " ".join(parts)


def where(channel: str, path: str) -> str:
    """`Xem: <address>`, as long as the channel can bear."""
    if channel == Delivery.Channel.SMS:
        return _("Xem: %(address)s") % {"address": urlsplit(settings.SITE_URL).netloc}
    return _("Xem: %(address)s") % {"address": f"{settings.SITE_URL}{path}"}


def with_link(subject: str, address: str) -> str:
    """`subject` and the whole address, which is never cut: the subject is, to fit one SMS."""
    end = _("Xem: %(address)s") % {"address": address}
    return f"{sms_text(subject, SMS_LENGTH - len(end) - 2)}. {end}"


def _moment(moment) -> str:
    return f"{timezone.localtime(moment):%H:%M %d/%m/%Y}"


def sms_text(text: str, length: int = SMS_LENGTH) -> str:
    """`text` without accents and line ends, in GSM characters, at most `length` of them."""
    bare = "".join(
        char
        for char in unicodedata.normalize("NFD", " ".join(text.split()).translate(_PLAIN))
        if unicodedata.category(char) != "Mn"
    )
    plain = _NOT_IN_GSM.sub("", bare)
    return plain if len(plain) <= length else plain[: max(length - 3, 0)].rstrip() + "..."
