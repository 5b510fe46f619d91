"""Following a dossier without an account: by its secret, or by a link that stands for it.

A link carries the dossier's key and a signature over key and secret: neither code nor
secret stands in an address, and a renewed secret closes every older link. Who has shown
either may fetch the dossier's papers for half an hour in the same session.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import signing
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from dossiers.models import Dossier, Participant

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

OPEN_FOR = 30 * 60  # seconds
_OPENED = "tracked"
_AT_MOST = 20  # dossiers open in one session
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}")


def signed_url(dossier: Dossier) -> str:
    """The address that shows everything about a dossier, as a QR code carries it."""
    return f"{settings.SITE_URL}{signed_path(dossier)}"


def signed_path(dossier: Dossier) -> str:
    """The same address within the portal."""
    return reverse("dossiers:track_signed", args=[_token(dossier.key, dossier.secret)])


def by_token(token: str) -> Dossier | None:
    """The filed dossier of a link; None for a made-up one and for one whose secret is gone."""
    if not _TOKEN.fullmatch(token):
        return None
    filed = Dossier.objects.exclude(state=Dossier.State.DRAFT)
    known = filed.filter(key=token.partition(".")[0]).values_list("pk", "key", "secret").first()
    pk, key, secret = known or (None, "", "")
    # Weighed for an unknown key too, so that both cost the same.
    is_right = constant_time_compare(token, _token(key, secret))
    return Dossier.objects.for_page().get(pk=pk) if pk and is_right else None


def _token(key: str, secret: str) -> str:
    return signing.Signer(salt=f"dossiers.tracking:{secret}", sep=".").sign(key)


def open_for(request: HttpRequest, dossier: Dossier) -> None:
    """Let this session fetch the papers of a dossier whose secret or link it has shown."""
    now = int(time.time())
    opened = {pk: row for pk, row in request.session.get(_OPENED, {}).items() if row["until"] > now}
    opened.pop(str(dossier.pk), None)
    opened = dict(list(opened.items())[-_AT_MOST + 1 :])
    row = {"until": now + OPEN_FOR, "by": _mark(dossier)}
    request.session[_OPENED] = {**opened, str(dossier.pk): row}


def is_open(request: HttpRequest, dossier: Dossier) -> bool:
    """Whether this session may fetch the papers of a dossier, by the secret it has today."""
    row = request.session.get(_OPENED, {}).get(str(dossier.pk))
    if row is None or row["until"] <= time.time():
        return False
    return constant_time_compare(row["by"], _mark(dossier))


def has_opened(request: HttpRequest) -> bool:
    """Whether this session may fetch the papers of any dossier at all."""
    opened = request.session.get(_OPENED, {})
    return any(row["until"] > time.time() for row in opened.values())


def _mark(dossier: Dossier) -> str:
    """What a session keeps instead of the secret: it changes with it."""
    return _token(dossier.key, dossier.secret).partition(".")[2]


def note_read(dossier: Dossier) -> None:
    """What was shown to whoever holds the secret has been delivered to the owner."""
    unread = dossier.notices.filter(recipient=dossier.owner_id, read_at=None)
    unread.update(read_at=timezone.now())


def people_of(dossier: Dossier) -> QuerySet[User]:
    """The people to whom a lost secret may be given again: who filed, and who takes part."""
    joined = Participant.objects.active().filter(dossier=dossier).values("user")
    people = get_user_model().objects.filter(Q(pk=dossier.owner_id) | Q(pk__in=joined))
    return people.order_by("pk")
