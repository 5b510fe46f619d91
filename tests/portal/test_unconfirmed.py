"""Registrations that nobody finished and sessions that ended are removed."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from portal import unconfirmed
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("accounts_at_work")]

PASSWORD = "mot-mat-khau-dai-2026"
DAY = datetime.timedelta(days=1)


def register(**fields) -> None:
    data = {"full_name": "Nguyễn Thị Hoa", "email": "", "phone": "", "password1": PASSWORD}
    Client().post("/tai-khoan/signup/", data | fields)


def test_who_never_gave_a_code_back_is_gone_after_a_week():
    register(email="hoa@example.vn")
    register(phone="0912345678")
    now = timezone.now()

    early = unconfirmed.remove_registrations(now + 6 * DAY)
    late = unconfirmed.remove_registrations(now + 8 * DAY)

    assert (early, late) == (0, 2)
    assert not get_user_model().objects.exists()


def test_everybody_who_came_in_or_was_made_by_an_office_stays():
    confirmed = factories.user(email="xac-nhan@example.vn")
    EmailAddress.objects.create(user=confirmed, email=confirmed.email, verified=True)
    kept = [
        confirmed,
        factories.user(email=None, phone="0912345678", phone_verified=True),
        factories.user(email=None, identity_checked_at=timezone.now()),
        factories.user(email=None, closed_at=timezone.now()),
        factories.user(email=None, last_login=timezone.now()),
        factories.user(email="quan-tri-tao@example.vn"),
        factories.draft(owner=factories.user(email=None)).owner,
        factories.official("leader"),
    ]

    assert unconfirmed.remove_registrations(timezone.now() + 30 * DAY) == 0
    assert get_user_model().objects.count() == len(kept)


def test_a_session_that_is_over_is_gone_with_its_device_and_the_running_one_stays():
    old, running = Client(), Client()
    user = factories.user(email="hoa@example.vn", password=PASSWORD)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    data = {"login": user.email, "password": PASSWORD}
    with time_machine.travel(timezone.now() - 2 * DAY):
        old.post("/tai-khoan/login/", data)
    running.post("/tai-khoan/login/", data)

    assert unconfirmed.remove_sessions() == 1
    keys = {running.cookies["session"].value}
    assert set(Session.objects.values_list("session_key", flat=True)) == keys
    assert set(UserSession.objects.values_list("session_key", flat=True)) == keys
