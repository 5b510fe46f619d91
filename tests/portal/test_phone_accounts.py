"""Registering, logging in and setting a new password with a telephone alone."""

from __future__ import annotations

import re

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.test import Client
from django.urls import reverse

from tests import factories
from tests.portal.sms import last_code, messages

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("accounts_at_work")]

PASSWORD, OTHER = "mot-mat-khau-dai-2026", "mat-khau-khac-2026"
LOGIN, SIGNUP = "/tai-khoan/login/", "/tai-khoan/signup/"
RESET = "/tai-khoan/password/reset/"


def person(phone: str = "0912345678", **fields):
    """Somebody who logs in with a verified telephone and has no e-mail."""
    fields = {"email": None, "password": PASSWORD, "phone_verified": True, **fields}
    return factories.user(phone=phone, **fields)


def register(client: Client, **fields):
    data = {"full_name": "Nguyễn Thị Hoa", "email": "", "phone": "", "password1": PASSWORD}
    return client.post(SIGNUP, data | fields)


def log_in(client: Client, name: str, password: str = PASSWORD):
    return client.post(LOGIN, {"login": name, "password": password})


def who(client: Client) -> str | None:
    return client.session.get("_auth_user_id")


def plain(response) -> str:
    """The page without what differs at every request, and without what was typed."""
    page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.content.decode())
    return re.sub(r"09\d{8}|[\w.-]+@example\.vn", "CONTACT", page)


# --- Registering ----------------------------------------------------------------------


def test_a_person_registers_with_a_telephone_and_the_code_from_the_message(
    client, run_tasks, accounts_at_work
):
    answer = register(client, phone="+84 912 345 678")
    run_tasks()

    confirmed = client.post(answer.headers["Location"], {"code": last_code(accounts_at_work)})

    user = get_user_model().objects.get()
    assert (user.phone, user.phone_verified, user.email) == ("0912345678", True, None)
    assert messages(accounts_at_work)[-1][0] == "0912345678"
    assert len(messages(accounts_at_work)[-1][1]) <= 160
    assert confirmed.headers["Location"] == reverse("dossiers:mine")
    assert who(client) == str(user.pk)


def test_two_people_without_an_address_both_register(run_tasks):
    for number in ("0912345678", "0912345679"):
        answer = register(Client(), phone=number)
        assert answer.status_code == 302

    assert list(get_user_model().objects.values_list("email", flat=True)) == [None, None]


def test_without_address_and_number_a_sentence_says_that_one_suffices(client):
    answer = register(client)

    assert answer.status_code == 200
    assert "thư điện tử hoặc số điện thoại" in answer.content.decode()
    assert not get_user_model().objects.exists()


@pytest.mark.parametrize("phone", ["12345", "0212345678", "+1 202 555 0100", "09123456789", "abc"])
def test_what_is_no_mobile_number_is_refused_in_words(client, phone):
    answer = register(client, phone=phone)

    assert answer.status_code == 200
    assert "0912 345 678" in answer.content.decode()
    assert not get_user_model().objects.exists()


def test_beside_an_address_the_number_stays_unverified(client, run_tasks):
    answer = register(client, email="hoa@example.vn", phone="0912345678")
    run_tasks()
    code = re.search(r"^\s*([A-Z]{4}-?[A-Z]{4})\s*$", mail.outbox[-1].body, re.M)[1]

    client.post(answer.headers["Location"], {"code": code})

    user = get_user_model().objects.get()
    assert who(client) == str(user.pk)
    assert (user.phone, user.phone_verified) == ("0912345678", False)
    assert who(login_of("0912345678")) is None


def login_of(name: str) -> Client:
    client = Client()
    log_in(client, name)
    return client


def test_a_code_asked_for_again_at_once_gets_a_page_and_no_second_message(
    run_tasks, accounts_at_work
):
    register(Client(), phone="0912345678")

    again = register(Client(), phone="0912345678")

    run_tasks()
    assert again.status_code == 429
    assert "Xin đợi ít phút" in again.content.decode()
    assert len(messages(accounts_at_work)) == 1


def test_a_wrong_code_lets_nobody_in_and_three_end_it(client, run_tasks):
    address = register(client, phone="0912345678").headers["Location"]

    answers = [client.post(address, {"code": "00000000"}) for _time in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 302]
    assert who(client) is None


def test_an_unfinished_registration_blocks_nobody_from_their_number(run_tasks, accounts_at_work):
    register(Client(), phone="0912345678")
    run_tasks()
    with time_machine.travel("2030-01-01T00:00:00Z", tick=False):
        owner = Client()
        answer = register(owner, phone="0912345678")
        run_tasks()
        owner.post(answer.headers["Location"], {"code": last_code(accounts_at_work)})

        assert who(owner) is not None

    assert get_user_model().objects.filter(phone_verified=True).count() == 1


# --- Logging in -----------------------------------------------------------------------


@pytest.mark.parametrize("spelling", ["0912345678", "0912 345 678", "+84912345678", "84912345678"])
def test_any_usual_spelling_of_the_number_logs_in(client, spelling):
    user = person()

    log_in(client, spelling)

    assert who(client) == str(user.pk)


def test_spellings_share_one_count_of_failures_and_numbers_do_not(client):
    person()
    other = person("0987654321")
    with time_machine.travel("2026-11-23T03:00:00Z", tick=False):
        for number, spelling in enumerate(["0912345678", "0912 345 678", "+84912345678"] * 2):
            log_in(Client(REMOTE_ADDR=f"10.0.0.{number}"), spelling, "sai-mat-khau-roi")

        log_in(client, "0912345678")
        refused = who(client)
        log_in(client, "0987654321")
        let_in = who(client)

    assert refused is None
    assert let_in == str(other.pk)


def test_a_phone_person_logs_out_and_changes_the_password_after_being_asked_again(client):
    person()
    log_in(client, "0912345678")

    changed = client.post(
        reverse("account_change_password"),
        {"oldpassword": PASSWORD, "password1": f"{PASSWORD}-moi", "password2": f"{PASSWORD}-moi"},
    )

    assert changed.status_code == 302
    assert who(login_of("0912345678")) is None


# --- A new password -------------------------------------------------------------------


def test_a_code_by_sms_sets_a_new_password(client, run_tasks, accounts_at_work):
    user = person()
    asked = client.post(RESET, {"email": "0912 345 678"})
    run_tasks()

    checked = client.post(asked.headers["Location"], {"code": last_code(accounts_at_work)})
    done = client.post(checked.headers["Location"], {"password1": OTHER, "password2": OTHER})

    user.refresh_from_db()
    assert done.status_code == 302
    assert user.check_password(OTHER)


def test_a_code_for_a_new_password_dies_after_a_quarter_of_an_hour(
    client, run_tasks, accounts_at_work
):
    user = person()
    with time_machine.travel("2026-11-23T03:00:00Z", tick=False) as clock:
        asked = client.post(RESET, {"email": "0912345678"})
        run_tasks()
        clock.shift(15 * 60 + 1)

        late = client.post(asked.headers["Location"], {"code": last_code(accounts_at_work)})
        form = client.get(reverse("account_complete_password_reset"))

    user.refresh_from_db()
    assert late.headers["Location"] == reverse("account_login")
    assert form.headers["Location"] == reverse("account_reset_password")
    assert user.check_password(PASSWORD)


def test_a_code_for_a_new_password_sets_one_and_no_second(client, run_tasks, accounts_at_work):
    user = person()
    asked = client.post(RESET, {"email": "0912345678"})
    run_tasks()
    code = {"code": last_code(accounts_at_work)}
    ready = client.post(asked.headers["Location"], code).headers["Location"]
    client.post(ready, {"password1": OTHER, "password2": OTHER})

    client.post(asked.headers["Location"], code)
    again = client.post(ready, {"password1": PASSWORD, "password2": PASSWORD})

    user.refresh_from_db()
    assert again.headers["Location"] == reverse("account_reset_password")
    assert user.check_password(OTHER)


def test_somebody_switched_off_gets_no_code(client, run_tasks, accounts_at_work):
    person(is_active=False)

    client.post(RESET, {"email": "0912345678"})
    run_tasks()

    assert "chua co tai khoan" in messages(accounts_at_work)[-1][1]


def test_a_new_password_forgets_the_failures_before_it(client, run_tasks, accounts_at_work):
    person()
    for number in range(5):
        log_in(Client(REMOTE_ADDR=f"10.0.0.{number}"), "0912345678", "sai-mat-khau-roi")
    asked = client.post(RESET, {"email": "0912345678"})
    run_tasks()
    checked = client.post(asked.headers["Location"], {"code": last_code(accounts_at_work)})
    client.post(checked.headers["Location"], {"password1": PASSWORD, "password2": PASSWORD})

    log_in(client, "0912345678")

    assert who(client) is not None


def test_an_address_that_nobody_confirmed_gets_no_code_for_the_account(client, run_tasks):
    user = factories.user(email=None, identity_checked_at="2026-11-01T00:00:00Z")
    EmailAddress.objects.create(user=user, email="go-sai@example.vn")

    client.post(RESET, {"email": "go-sai@example.vn"})
    run_tasks()

    assert "Mã" not in mail.outbox[-1].subject
    assert not re.search(r"^[A-Z]{4}-[A-Z]{4}$", mail.outbox[-1].body, re.M)


# --- The same answer to everybody (A07) -----------------------------------------------


def test_registering_a_known_number_looks_like_registering_a_new_one(run_tasks, accounts_at_work):
    person("0912345678")
    clients = Client(), Client(REMOTE_ADDR="10.0.0.2")
    numbers = "0912345678", "0912345679"

    answers = [
        register(client, phone=number) for client, number in zip(clients, numbers, strict=True)
    ]
    pages = [
        client.get(answer.headers["Location"])
        for client, answer in zip(clients, answers, strict=True)
    ]
    wrong = [
        client.post(answers[0].headers["Location"], {"code": "00000000"}) for client in clients
    ]

    assert [answer.headers["Location"] for answer in answers] == [
        reverse("account_verify_phone")
    ] * 2
    assert plain(pages[0]) == plain(pages[1])
    assert plain(wrong[0]) == plain(wrong[1])
    run_tasks()
    assert {number for number, _text in messages(accounts_at_work)} == set(numbers)


def test_asking_for_the_code_again_answers_alike_whoever_it_is(run_tasks, accounts_at_work):
    person("0912345678")
    pages = []
    with time_machine.travel("2026-11-23T03:00:00Z", tick=False) as clock:
        for number in ("0912345678", "0912345679"):
            client = Client(REMOTE_ADDR=f"10.0.0.{number[-1]}")
            address = register(client, phone=number).headers["Location"]
            clock.shift(31)
            pages += [client.post(address, {"action": "resend"}, follow=True)]
            pages += [client.post(address, {"action": "change", "phone": "0900000000"})]

    assert plain(pages[0]) == plain(pages[2])
    assert plain(pages[1]) == plain(pages[3])


@pytest.mark.parametrize("phone", ["0912345678", "0912345679", ""])
@pytest.mark.parametrize("email", ["hoa@example.vn", "moi@example.vn"])
def test_with_an_address_everybody_comes_to_the_page_for_addresses(client, email, phone):
    person("0912345678")
    EmailAddress.objects.create(
        user=factories.user(email="hoa@example.vn"), email="hoa@example.vn", verified=True
    )

    answer = register(client, email=email, phone=phone)

    assert answer.headers["Location"] == reverse("account_email_verification_sent")


def test_logging_in_fails_alike_whatever_the_name_is():
    person("0912345678", account_number="K7P4XQ9M2")
    EmailAddress.objects.create(
        user=factories.user(email="hoa@example.vn", password=PASSWORD),
        email="hoa@example.vn", verified=True,
    )  # fmt: skip
    names = (
        "0912345678",
        "0912345679",
        "hoa@example.vn",
        "ai@example.vn",
        "K7P4XQ9M2",
        "K7P4XQ9M3",
    )

    pages = [log_in(Client(), name, "sai-mat-khau-roi") for name in names]

    bare = [re.sub(r"K7P4XQ9M\d", "CONTACT", plain(page)) for page in pages]
    assert {page.status_code for page in pages} == {200}
    assert len(set(bare)) == 1


def count_hashes(monkeypatch) -> list[int]:
    """A list that grows by one with each password that is hashed from now on."""
    counted, encode = [], MD5PasswordHasher.encode
    monkeypatch.setattr(
        MD5PasswordHasher,
        "encode",
        lambda self, *args, **kwargs: counted.append(1) or encode(self, *args, **kwargs),
    )
    return counted


@pytest.mark.parametrize("name", ["0912345678", "0912345679", "hoa@example.vn", "K7P4XQ9M2", "x"])
def test_a_password_is_hashed_once_whoever_logs_in(name, monkeypatch):
    person("0912345678", account_number="K7P4XQ9M2")
    factories.user(email="hoa@example.vn", password=PASSWORD)
    counted = count_hashes(monkeypatch)

    log_in(Client(), name, "sai-mat-khau-roi")

    assert len(counted) == 1


@pytest.mark.parametrize("phone", ["0912345678", "0912345679"])
def test_a_password_is_hashed_once_whoever_registers(phone, monkeypatch):
    person("0912345678")
    counted = count_hashes(monkeypatch)

    register(Client(), phone=phone)

    assert len(counted) == 1


def test_a_new_password_is_asked_for_alike_whoever_it_is(run_tasks, accounts_at_work):
    person("0912345678")
    clients = Client(), Client()

    answers = [
        client.post(RESET, {"email": number})
        for client, number in zip(clients, ("0912345678", "0912345679"), strict=True)
    ]
    pages = [
        client.get(answer.headers["Location"])
        for client, answer in zip(clients, answers, strict=True)
    ]

    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    assert plain(pages[0]) == plain(pages[1])
    run_tasks()
    assert len(messages(accounts_at_work)) == 2


def test_changing_to_a_number_of_somebody_else_looks_like_any_change(run_tasks):
    person("0912345678")
    pages = []
    for number, wanted in enumerate(("0912345678", "0912345670")):
        email = f"doi{number}@example.vn"
        user = factories.user(email=email, password=PASSWORD, full_name="Nguyễn Thị Hoa")
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        client = Client(REMOTE_ADDR=f"10.0.1.{number}")
        log_in(client, user.email)
        client.post(reverse("account_change_phone"), {"phone": wanted})
        answer = confirm_password(client, reverse("account_change_phone"))
        pages.append(client.get(answer.headers["Location"]))

    assert plain(pages[0]) == plain(pages[1])


def confirm_password(client: Client, then: str):
    """Give the password once more; what was asked for then happens by itself."""
    return client.post(f"{reverse('account_reauthenticate')}?next={then}", {"password": PASSWORD})


def test_a_number_that_somebody_verified_meanwhile_stays_theirs(
    client, run_tasks, accounts_at_work
):
    address = register(client, phone="0912345678").headers["Location"]
    run_tasks()
    owner = person("0912345678")

    answer = client.post(address, {"code": last_code(accounts_at_work)})

    assert answer.status_code == 200
    assert "đã thuộc một tài khoản khác" in answer.content.decode()
    assert list(get_user_model().objects.filter(phone_verified=True)) == [owner]
    assert who(client) is None


# --- Changing the number (A14) --------------------------------------------------------


def test_the_number_before_hears_of_its_change(client, run_tasks, accounts_at_work):
    user = person()
    log_in(client, "0912345678")
    unasked = client.post(reverse("account_change_phone"), {"phone": "0987654321"})
    answer = confirm_password(client, reverse("account_change_phone"))
    run_tasks()
    client.post(answer.headers["Location"], {"code": last_code(accounts_at_work)})
    run_tasks()

    user.refresh_from_db()
    told = [text for number, text in messages(accounts_at_work) if number == "0912345678"]
    assert unasked.headers["Location"].startswith(reverse("account_reauthenticate"))
    assert (user.phone, user.phone_verified) == ("0987654321", True)
    assert any("vua doi" in text for text in told)


def test_one_address_has_only_so_many_messages_sent_in_a_day(
    client, monkeypatch, run_tasks, accounts_at_work
):
    monkeypatch.setattr("portal.accounts.MESSAGES_A_DAY", 2)
    person("0912345600")

    answers = [
        client.post(RESET, {"email": f"09123456{number:02}"}).status_code for number in range(4)
    ]

    run_tasks()
    assert answers == [302, 302, 429, 429]
    assert len(messages(accounts_at_work)) == 2
