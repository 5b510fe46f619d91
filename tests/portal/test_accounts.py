"""Registering and logging in: one door, the same answer to everybody, no way off the site."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urljoin, urlsplit

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from tests import factories

pytestmark = pytest.mark.django_db

PASSWORD = "mot-mat-khau-dai-2026"
LOGIN, SIGNUP = "/tai-khoan/login/", "/tai-khoan/signup/"


@pytest.fixture(autouse=True)
def _cache_of_this_test_alone(settings):
    """Rate limits live in the cache's table, as in production."""
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    call_command("createcachetable", verbosity=0)


def person(email: str = "hoa@example.vn", **fields):
    """Somebody with a password and a confirmed address."""
    user = factories.user(email=email, password=PASSWORD, **fields)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def log_in(client: Client, email: str, password: str = PASSWORD, **options):
    return client.post(LOGIN, {"login": email, "password": password}, **options)


def who(client: Client) -> str | None:
    return client.session.get("_auth_user_id")


def plain(response) -> str:
    """The page without what differs at every request."""
    page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.content.decode())
    return re.sub(r"[\w.-]+@example\.vn", "ADDRESS", page)


# --- Registering ----------------------------------------------------------------------


def register(client: Client, email: str, **fields):
    data = {"full_name": "Nguyễn Thị Hoa", "email": email, "password1": PASSWORD, **fields}
    return client.post(SIGNUP, data)


def test_a_new_person_confirms_the_code_from_the_mail_and_is_in(client, run_tasks):
    answer = register(client, "Hoa.Nguyen@example.vn")
    sent_before = len(mail.outbox)
    run_tasks()

    code = re.search(r"^\s*([A-Z0-9]{3,4}-?[A-Z0-9]{3,4})\s*$", mail.outbox[-1].body, re.M)
    confirmed = client.post(answer.headers["Location"], {"code": code[1]})

    user = get_user_model().objects.get()
    assert sent_before == 0, "no request waits for a mail server"
    assert mail.outbox[-1].to == ["hoa.nguyen@example.vn"]
    assert (user.email, user.full_name) == ("hoa.nguyen@example.vn", "Nguyễn Thị Hoa")
    assert confirmed.headers["Location"] == reverse("dossiers:mine")
    assert who(client) == str(user.pk)


def test_without_the_code_nobody_is_logged_in(client):
    answer = register(client, "hoa@example.vn")
    client.post(answer.headers["Location"], {"code": "AAAAAA"})

    assert who(client) is None
    assert client.get(reverse("dossiers:mine")).status_code == 302


@pytest.mark.parametrize(
    "password",
    [
        "ngan-qua-11", "password1234567890"[:10], "123456789012", "matkhau12345",
        "Dịch vụ công 2026", "MotCua@GioLinh1",
    ],
)  # fmt: skip
def test_a_weak_password_is_refused_in_words(client, password):
    answer = register(client, "hoa@example.vn", password1=password)

    assert answer.status_code == 200
    assert "mật khẩu" in answer.content.decode().lower()
    assert not get_user_model().objects.exists()


def test_a_long_password_of_any_letters_is_taken_whole(client, run_tasks):
    password = "mật khẩu có dấu và cách " + "x" * 100
    register(client, "hoa@example.vn", password1=password)

    user = get_user_model().objects.get()

    assert user.check_password(password)
    assert not user.check_password(password[:-1])


@pytest.mark.parametrize("field", ["full_name", "email", "password1"])
def test_what_is_missing_is_asked_for_again(client, field):
    data = {"full_name": "Nguyễn Thị Hoa", "email": "hoa@example.vn", "password1": PASSWORD}

    answer = client.post(SIGNUP, data | {field: ""})

    assert answer.status_code == 200
    assert not get_user_model().objects.exists()


# --- The same answer to everybody (A07) -----------------------------------------------


def test_registering_a_known_address_looks_like_registering_a_new_one(run_tasks):
    person("hoa@example.vn")
    clients = Client(), Client()
    known = register(clients[0], "hoa@example.vn")
    unknown = register(clients[1], "binh@example.vn")

    pages = [
        client.get(answer.headers["Location"])
        for client, answer in zip(clients, (known, unknown), strict=True)
    ]

    assert known.status_code == unknown.status_code == 302
    assert known.headers["Location"] == unknown.headers["Location"]
    assert plain(pages[0]) == plain(pages[1])
    run_tasks()
    assert {tuple(message.to) for message in mail.outbox} == {
        ("hoa@example.vn",), ("binh@example.vn",),
    }  # fmt: skip


def test_logging_in_fails_alike_whoever_it_is():
    person("hoa@example.vn")
    person("nghi@example.vn", is_active=False)

    pages = [
        log_in(Client(), email, "sai-mat-khau-roi")
        for email in ("hoa@example.vn", "nghi@example.vn", "khong@example.vn")
    ]

    assert {page.status_code for page in pages} == {200}
    assert plain(pages[0]) == plain(pages[1]) == plain(pages[2])


def test_asking_for_a_new_password_answers_alike_whoever_it_is(run_tasks):
    person("hoa@example.vn")
    address = reverse("account_reset_password")

    answers = [
        Client().post(address, {"email": email}) for email in ("hoa@example.vn", "ai@example.vn")
    ]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert answers[0].headers["Location"] == answers[1].headers["Location"]


def test_somebody_inactive_does_not_get_in():
    person("nghi@example.vn", is_active=False)
    client = Client()

    log_in(client, "nghi@example.vn")

    assert who(client) is None


# --- Rate limits (A01, A02, A05) ------------------------------------------------------


def fail(times: int, email: str, address: str = "10.0.0.{}") -> None:
    for number in range(times):
        log_in(Client(REMOTE_ADDR=address.format(number)), email, "sai-mat-khau-roi")


def test_after_five_failures_the_right_password_waits_too():
    person("hoa@example.vn")
    client = Client(REMOTE_ADDR="10.9.9.9")
    with time_machine.travel("2026-11-23T03:00:00Z", tick=False) as clock:
        fail(5, "hoa@example.vn")
        log_in(client, "hoa@example.vn")
        refused = who(client)
        clock.shift(301)

        log_in(client, "hoa@example.vn")
        let_in = who(client)

    assert refused is None
    assert let_in is not None


@pytest.mark.parametrize(
    "variant",
    [
        "HOA@example.vn",
        "Hoa@EXAMPLE.VN",
        " hoa@example.vn ",
        unicodedata.normalize("NFD", "hoa@example.vn"),
        "hoa\u200b@example.vn",
    ],
)
def test_another_way_of_writing_the_address_is_the_same_account(variant):
    person("hoa@example.vn")
    client = Client(REMOTE_ADDR="10.9.9.9")
    with time_machine.travel("2026-11-23T03:00:00Z", tick=False):
        fail(5, variant)

        log_in(client, "hoa@example.vn")

    assert who(client) is None


@pytest.mark.parametrize(
    "variant", ["hòa@example.vn", "hoà@example.vn", "ｈｏａ@example.vn", "hồa@example.vn"]
)
def test_letters_with_accents_open_no_account_and_no_second_count(variant):
    user = person("hoa@example.vn")
    client = Client(REMOTE_ADDR="10.9.9.9")

    log_in(client, variant)

    assert who(client) is None
    assert user.email == "hoa@example.vn"


def test_ten_failures_from_one_place_stop_it_before_any_hashing(monkeypatch):
    person("hoa@example.vn")
    client = Client(REMOTE_ADDR="10.1.1.1")
    with time_machine.travel("2026-11-23T03:00:00Z", tick=False):
        fail(10, "khac{}@example.vn", "10.1.1.1")
        for number in range(10):
            log_in(client, f"nguoi{number}x@example.vn", "sai-mat-khau-roi")

        log_in(client, "hoa@example.vn")

    assert who(client) is None


def test_a_header_that_the_client_sends_does_not_change_where_it_is(settings):
    person("hoa@example.vn")
    with time_machine.travel("2026-11-23T03:00:00Z", tick=False):
        for number in range(10):
            log_in(
                Client(REMOTE_ADDR="10.1.1.1"),
                f"nguoi{number}x@example.vn",
                "sai-mat-khau-roi",
                headers={"X-Forwarded-For": f"1.2.3.{number}"},
            )
        client = Client(REMOTE_ADDR="10.1.1.1")

        log_in(client, "hoa@example.vn", headers={"X-Forwarded-For": "9.9.9.9"})

    assert who(client) is None


# --- Where one goes afterwards (A18) --------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example", "///evil.example", "\\\\evil.example", "/\\evil.example",
        "https:evil.example", "https://evil.example", "http:///evil.example", "javascript:alert(1)",
        "/\t/evil.example", "/%09/evil.example", "/\n/evil.example", "\x00//evil.example",
        "//evil。example", "／／evil.example", " //evil.example", "\u200b//evil.example",
        "https://localhost@evil.example/", "//localhost:8000@evil.example", "data:text/html,x",
        ".evil.example", "@evil.example", "/\r\nLocation: https://evil.example",
    ],
)  # fmt: skip
def test_a_login_never_leads_off_the_site(target):
    person()
    client = Client()

    response = client.post(LOGIN, {"login": "hoa@example.vn", "password": PASSWORD, "next": target})

    location = response.headers["Location"]
    assert who(client) is not None
    assert location.startswith("/") and not re.match(r"[/\\]{2}|/[\s\\]", location)
    assert urlsplit(urljoin("http://testserver/tai-khoan/", location)).hostname == "testserver"


def test_a_login_leads_where_one_was_going():
    person()
    client = Client()
    wanted = reverse("dossiers:start", args=[factories.FUNERAL])

    asked = client.get(wanted)
    page = client.get(asked.headers["Location"])
    response = client.post(LOGIN, {"login": "hoa@example.vn", "password": PASSWORD, "next": wanted})

    assert f'value="{wanted}"' in page.content.decode()
    assert response.headers["Location"] == wanted


def test_an_official_comes_to_the_queue_through_the_same_door():
    official = factories.official("reception", email="can.bo@example.vn", password=PASSWORD)
    EmailAddress.objects.create(user=official, email=official.email, verified=True, primary=True)
    client = Client()
    queue = reverse("admin:dossiers_dossier_changelist")

    asked = client.get(queue, follow=True)
    response = client.post(
        LOGIN, {"login": official.email, "password": PASSWORD, "next": queue}, follow=True
    )

    assert f'value="{queue}"' in asked.content.decode()
    assert response.status_code == 200
    assert response.redirect_chain[-1][0] == queue


# --- Sessions (A15, A16) --------------------------------------------------------------


def test_the_session_is_another_after_logging_in():
    person()
    client = Client()
    session = client.session
    session["planted"] = "yes"
    session.save()
    before = session.session_key

    log_in(client, "hoa@example.vn")

    after = client.session.session_key
    stranger = Client()
    stranger.cookies["session"] = before
    assert after != before
    assert who(stranger) is None


def test_logging_out_ends_the_session_on_the_server():
    person()
    client = Client()
    log_in(client, "hoa@example.vn")
    cookie = client.cookies["session"].value

    response = client.post(reverse("account_logout"))

    thief = Client()
    thief.cookies["session"] = cookie
    assert response.headers["Location"] == "/"
    assert thief.get(reverse("dossiers:mine")).status_code == 302


def test_somebody_who_was_switched_off_is_out_with_the_next_click():
    user = person()
    client = Client()
    log_in(client, "hoa@example.vn")
    get_user_model().objects.filter(pk=user.pk).update(is_active=False)

    response = client.get(reverse("dossiers:mine"))

    assert response.status_code == 302
    assert response.headers["Location"].startswith(LOGIN)


# --- One person, one address ----------------------------------------------------------


@pytest.mark.parametrize("email", ["hoa@example.vn", "HOA@example.vn", "Hoa@Example.VN"])
def test_an_address_belongs_to_one_person_whatever_its_case(email):
    User = get_user_model()
    factories.user(email="hoa@example.vn")

    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user(email)
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.bulk_create([User(email=email)])

    assert User.objects.get_by_natural_key(email).email == "hoa@example.vn"
