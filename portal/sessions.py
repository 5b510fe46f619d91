"""When a session ends by itself, and when the others of one person end with a change."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from allauth.account import signals as account_signals
from allauth.mfa import signals as mfa_signals
from allauth.usersessions.internal.flows.sessions import end_other_sessions
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.accounts import SINCE, forget_failures

SEEN = "session_seen"
WRITTEN_EVERY = 60  # seconds: a click does not cost a row each time
LOCKED = "locked_at"  # the screen is locked (`portal.locking`): where its owner goes on


class SessionTimeouts:
    """Ends a session that nobody used for a while, and an official's after a working day.

    Times are in the session, on the server; a browser cannot lengthen them. Whoever is
    logged out by it comes to the page as a stranger: it asks for a login and goes on.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Look at the clock before the page, and say afterwards why it asks for a login."""
        ended = SESSION_KEY in request.session and _has_ended(request)
        if ended:
            request.logged_out = request.user.pk
            logout(request)
        response = self.get_response(request)
        if ended and response.headers.get("Location", "").startswith(reverse("account_login")):
            messages.info(request, _("Đã lâu không có thao tác nên cổng đã tự đăng xuất."))
        return response


def _has_ended(request: HttpRequest) -> bool:
    now, session = time.time(), request.session
    since, seen = session.setdefault(SINCE, now), session.get(SEEN, now)
    is_staff = request.user.is_authenticated and request.user.is_staff
    idle = settings.OFFICIAL_IDLE_MINUTES if is_staff else settings.CITIZEN_IDLE_MINUTES
    if now - seen > idle * 60:
        return True
    if is_staff and now - since > settings.OFFICIAL_SESSION_HOURS * 3600:
        return True
    # Nobody works at a locked screen: looking at the lock does not keep the session alive.
    if LOCKED not in session and (SEEN not in session or now - seen > WRITTEN_EVERY):
        session[SEEN] = now
    return False


def devices(user: Any) -> QuerySet[UserSession]:
    """Where a person is logged in now, the first login first."""
    running = Session.objects.filter(expire_date__gt=timezone.now()).values("session_key")
    theirs = UserSession.objects.filter(user=user, session_key__in=running)
    return theirs.order_by("created_at", "pk")


def end_all(user: Any) -> None:
    """Log a person out everywhere."""
    for session in UserSession.objects.filter(user=user):
        session.end()


def _begin(sender: Any, request: HttpRequest, **kwargs: Any) -> None:
    request.session[SINCE] = request.session[SEEN] = time.time()


def _end_others(sender: Any, request: HttpRequest, user: Any = None, **kwargs: Any) -> None:
    if request.user.is_authenticated:
        end_other_sessions(request, request.user)


def _after_reset(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    end_all(user)
    forget_failures(request, user)


def connect() -> None:
    """Begin the clock at each login; end a person's other sessions when a way in changes."""
    user_logged_in.connect(_begin, dispatch_uid="session_begin")
    account_signals.password_reset.connect(_after_reset, dispatch_uid="password_reset")
    for number, signal in enumerate(
        (
            account_signals.password_changed,
            account_signals.password_set,
            account_signals.email_changed,
            account_signals.email_removed,
            mfa_signals.authenticator_added,
            mfa_signals.authenticator_removed,
        )
    ):
        signal.connect(_end_others, dispatch_uid=f"end_others_{number}")
