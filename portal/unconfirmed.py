"""Registrations that nobody finished, and sessions that ended: nothing keeps them."""

from __future__ import annotations

import datetime

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.models import User

AFTER = datetime.timedelta(days=7)
AT_ONCE = 500


def remove_registrations(now: datetime.datetime | None = None) -> int:
    """Delete people who never gave back a code and so never came in; how many.

    They may have typed anybody's name, address and number. Unlike all others they are
    deleted, not anonymised: they did nothing that would have to stay explained.
    """
    now = now or timezone.now()
    pks = list(_never_came(now - AFTER).values_list("pk", flat=True)[:AT_ONCE])
    return User.objects.filter(pk__in=pks).delete()[1].get("portal.User", 0)


def remove_registration_of(email: str) -> None:
    """Delete what was begun with this address and never confirmed: its owner has come now."""
    _never_came(timezone.now()).filter(email__iexact=email).delete()


def _never_came(before: datetime.datetime) -> QuerySet[User]:
    return (
        User.objects.filter(
            date_joined__lt=before,
            last_login=None,
            phone_verified=False,
            identity_checked_at=None,
            is_staff=False,
            is_superuser=False,
            closed_at=None,
        )
        # Registered by themselves: whom an administrator made has an address without a row.
        .filter(Q(emailaddress__verified=False) | Q(email=None))
        .exclude(emailaddress__verified=True)
        .filter(dossiers=None, participations=None, socialaccount=None)
    )


def remove_sessions(now: datetime.datetime | None = None) -> int:
    """Delete sessions that are over, with the device and place that were noted; how many."""
    now = now or timezone.now()
    count, _rows = Session.objects.filter(expire_date__lt=now).delete()
    ended = UserSession.objects.exclude(session_key__in=Session.objects.values("session_key"))
    # A login writes its own row a moment before its session.
    ended.filter(created_at__lt=now - datetime.timedelta(hours=1)).delete()
    return count
