"""When sessions end, the list of devices, and what a browser forgets (A14, A16, A17)."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.templatetags.browsers import browser_words
from procedures.models import Posting
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("accounts_at_work")]

PASSWORD = "mot-mat-khau-dai-2026"
BEGIN = datetime.datetime(2026, 11, 23, 1, tzinfo=datetime.UTC)


def person(email: str = "hoa@example.vn", **fields):
    user = factories.user(email=email, password=PASSWORD, **fields)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def logged_in(email: str = "hoa@example.vn", **headers) -> Client:
    client = Client(**headers)
    client.post("/tai-khoan/login/", {"login": email, "password": PASSWORD})
    return client


def is_in(client: Client) -> bool:
    return client.get(reverse("profile")).status_code == 200


def minutes(count: float) -> datetime.timedelta:
    return datetime.timedelta(minutes=count)


# --- Time-outs ------------------------------------------------------------------------


def test_a_citizen_is_logged_out_after_an_hour_without_a_click():
    user = person()
    client = Client()
    with time_machine.travel(BEGIN, tick=False) as clock:
        client.force_login(user)
        stays = []
        for wait in (59, 59, 61):
            clock.shift(minutes(wait))
            stays.append(is_in(client))

    assert stays == [True, True, False]
    assert not Session.objects.filter(session_key=client.cookies["session"].value).exists()


@pytest.mark.parametrize(("wait", "stays"), [(29, True), (31, False)])
def test_an_official_is_logged_out_after_half_an_hour(wait, stays):
    official = factories.official(Posting.Role.RECEPTION)
    client = Client()
    with time_machine.travel(BEGIN, tick=False) as clock:
        client.force_login(official)
        clock.shift(minutes(wait))

        page = client.get("/quan-tri/", follow=True)

    came_to_login = bool(page.redirect_chain) and "login" in page.redirect_chain[-1][0]
    assert came_to_login is not stays


def test_an_official_who_clicks_all_day_is_logged_out_after_ten_hours(settings):
    settings.SCREEN_LOCK_MINUTES = 0
    official = factories.official(Posting.Role.RECEPTION)
    client = Client()
    with time_machine.travel(BEGIN, tick=False) as clock:
        client.force_login(official)
        stays = []
        for _click in range(25):
            clock.shift(minutes(25))
            stays.append(is_in(client))

    assert stays == [True] * 24 + [False]


def test_who_was_logged_out_reads_why_and_comes_back_to_the_page():
    user = person()
    client = Client()
    with time_machine.travel(BEGIN, tick=False) as clock:
        client.force_login(user)
        clock.shift(minutes(61))

        page = client.get(reverse("profile"), follow=True)

    assert "đã tự đăng xuất" in page.content.decode()
    assert f'value="{reverse("profile")}"' in page.content.decode()


def test_the_clock_costs_a_row_once_a_minute_at_most():
    user = person()
    client = Client()
    with time_machine.travel(BEGIN, tick=False) as clock:
        client.force_login(user)
        with CaptureQueriesContext(connection) as first:
            is_in(client)
        clock.shift(minutes(2))
        with CaptureQueriesContext(connection) as later:
            is_in(client)

    assert writes(first) == 0
    assert writes(later) == 1


def writes(queries: CaptureQueriesContext) -> int:
    return sum("django_session" in q["sql"] and "UPDATE" in q["sql"] for q in queries)


# --- Devices --------------------------------------------------------------------------


def test_other_devices_are_listed_and_logged_out():
    person()
    phone = "Mozilla/5.0 (Android 14; Mobile; rv:130.0) Gecko/130.0 Firefox/130.0"
    at_home, at_cafe = logged_in(), logged_in(HTTP_USER_AGENT=phone)

    page = at_home.get(reverse("usersessions_list")).content.decode()
    at_home.post(reverse("usersessions_list"))

    assert "Firefox trên Android" in page and "Đăng xuất khỏi các thiết bị khác" in page
    assert is_in(at_home)
    assert not is_in(at_cafe)


def test_the_list_costs_the_same_for_one_device_and_for_many():
    person()
    here = logged_in()
    with CaptureQueriesContext(connection) as one:
        here.get(reverse("usersessions_list"))
    for number in range(12):
        logged_in(REMOTE_ADDR=f"10.0.0.{number}")

    with CaptureQueriesContext(connection) as many:
        here.get(reverse("usersessions_list"))

    assert len(one) == len(many) <= 8


def test_nobody_sees_anothers_devices():
    person()
    person("binh@example.vn")
    logged_in(HTTP_USER_AGENT="Mozilla/5.0 (iPad) Safari/604.1")

    page = logged_in("binh@example.vn").get(reverse("usersessions_list"))

    assert "Safari trên iPad" not in page.content.decode()


# --- Changing a way in ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("account_email", {"action_add": "1", "email": "moi@example.vn"}),
        ("account_change_phone", {"phone": "0912345678"}),
        ("mfa_activate_totp", {"code": "123456"}),
        ("ask_for_data", {}),
        ("close_account", {"agrees": "1"}),
    ],
)
def test_a_stolen_session_is_asked_for_the_password_first(name, data):
    user = person()
    client = Client()
    client.force_login(user)

    answer = client.post(reverse(name), data)

    user.refresh_from_db()
    assert answer.headers["Location"].startswith(reverse("account_reauthenticate"))
    assert (user.email, user.phone, user.closed_at) == ("hoa@example.vn", "", None)


def test_a_new_password_is_told_by_mail_and_ends_the_other_sessions(run_tasks):
    person()
    here, elsewhere = logged_in(), logged_in()
    new = f"{PASSWORD}-moi"

    here.post(
        reverse("account_change_password"),
        {"oldpassword": PASSWORD, "password1": new, "password2": new},
    )
    run_tasks()

    assert is_in(here) and not is_in(elsewhere)
    assert "Thiết bị này" in here.get(reverse("usersessions_list")).content.decode()
    assert UserSession.objects.count() == 1
    assert mail.outbox[-1].to == ["hoa@example.vn"]
    assert "Nếu không phải ông/bà làm" in mail.outbox[-1].body


def test_taking_an_address_away_is_told_and_ends_the_other_sessions(run_tasks):
    user = person()
    EmailAddress.objects.create(user=user, email="cu@example.vn", verified=True)
    here, elsewhere = logged_in(), logged_in()
    address = reverse("account_email")
    here.post(f"{reverse('account_reauthenticate')}?next={address}", {"password": PASSWORD})

    here.post(address, {"action_remove": "1", "email": "cu@example.vn"})
    run_tasks()

    assert not EmailAddress.objects.filter(email="cu@example.vn").exists()
    assert is_in(here) and not is_in(elsewhere)
    assert "cu@example.vn" in mail.outbox[-1].body


def test_the_last_way_in_is_not_taken_away():
    person()
    client = logged_in()
    address = reverse("account_email")
    client.post(f"{reverse('account_reauthenticate')}?next={address}", {"password": PASSWORD})

    client.post(address, {"action_remove": "1", "email": "hoa@example.vn"})

    assert EmailAddress.objects.filter(email="hoa@example.vn").exists()


# --- Logging out ----------------------------------------------------------------------


def test_logging_out_tells_the_browser_to_forget():
    person()
    client = logged_in()

    answer = client.post(reverse("account_logout"))

    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert not is_in(client)


def test_pages_of_people_are_not_kept_by_the_browser():
    person()
    client = logged_in()

    for name in ("profile", "my_data", "usersessions_list", "account_email"):
        assert "no-store" in client.get(reverse(name)).headers["Cache-Control"]


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (
            "Mozilla/5.0 (Linux; Android 14; SM-A057F) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/130.0.0.0 Mobile Safari/537.36",
            "Chrome trên Android",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
            "Safari trên iPhone",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "coc_coc_browser/130.0.0 Chrome/124.0.0.0 Safari/537.36",
            "Coc Coc trên Windows",
        ),
        ("curl/8.5.0", "Trình duyệt khác"),
        ("", "Trình duyệt khác"),
    ],
)
def test_a_device_is_called_as_people_call_it(user_agent, words):
    assert browser_words(user_agent) == words
