"""What the pages and messages of accounts say: Vietnamese, one heading, nothing inline."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal import counter, exports
from procedures.models import Posting
from tests import factories
from tests.portal.sms import last_code, messages
from tests.portal.test_openid import PASSWORD, issuer, log_in, running_issuer  # noqa: F401
from tests.test_project import ENGLISH, ENGLISH_THAT_IS_FINE, words_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("accounts_at_work")]

OF_ACCOUNTS = re.compile(r"\b(phone|name|username|sessions?|device|browser)\b", re.IGNORECASE)
OTHER = "mat-khau-khac-2026"
MINE = (
    "profile", "account_email", "account_change_phone", "account_change_password", "mfa_index",
    "mfa_activate_totp", "mfa_add_webauthn", "usersessions_list", "my_data", "close_account",
    "mfa_list_webauthn", "account_reauthenticate",
)  # fmt: skip


def english_in(text: str) -> str | None:
    ours = ENGLISH_THAT_IS_FINE.sub(" ", text)
    return text if ENGLISH.search(ours) or OF_ACCOUNTS.search(ours) else None


def faults(response) -> list[str]:
    """English, anything inline, headings that are not one."""
    page = words_of(response)
    found = [f"inline {what}" for what in page.inline]
    found += [" ".join(words.split()) for words in page.words if english_in(words)]
    headings = len(re.findall(r"<h1[\s>]", response.content.decode()))
    return found + ([f"{headings} h1"] if headings != 1 else [])


def person(**fields):
    fields = {"email": "hoa@example.vn", "full_name": "Nguyễn Thị Hoa", **fields}
    user = factories.user(password=PASSWORD, **fields)
    if user.email:
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def trusted(user) -> Client:
    client = Client()
    client.force_login(user)
    client.post(f"{reverse('account_reauthenticate')}?next=/", {"password": PASSWORD})
    return client


# --- Pages ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [{}, {"email": None, "phone": "0912345678", "phone_verified": True}],
    ids=["address", "telephone"],
)
def test_the_pages_of_ones_account_are_vietnamese(fields, run_tasks):
    user = person(**fields)
    exports.ask(user)
    run_tasks()
    client = trusted(user)

    found = {name: faults(client.get(reverse(name))) for name in MINE}

    assert {name: words for name, words in found.items() if words} == {}


def test_wrong_answers_to_the_forms_are_vietnamese():
    user = person(phone="0912345678")
    client = trusted(user)
    posts = {
        "profile": {"full_name": "", "phone": "12", "citizen_number": "12"},
        "account_email": {"action_add": "1", "email": "sai"},
        "account_change_password": {"oldpassword": "sai", "password1": "a", "password2": "b"},
        "mfa_activate_totp": {"code": "1"},
        "close_account": {},
        "account_signup": {},
        "account_login": {},
        "account_reset_password": {"email": "sai"},
        "account_change_phone": {"phone": "1"},
    }
    stranger = Client()

    pages = {
        name: (stranger if name.startswith(("account_s", "account_l", "account_r")) else client)
        .post(reverse(name), data)
        for name, data in posts.items()
    }  # fmt: skip

    assert {page.status_code for page in pages.values()} == {200}
    assert {name: faults(page) for name, page in pages.items() if faults(page)} == {}


def test_the_pages_on_the_way_in_are_vietnamese(client, run_tasks, accounts_at_work):
    person(email=None, phone="0912345678", phone_verified=True)
    pages = [client.get(reverse(name)) for name in ("account_login", "account_signup")]
    asked = client.post(reverse("account_reset_password"), {"email": "0912345678"})
    pages.append(client.get(asked.headers["Location"]))
    pages.append(client.post(asked.headers["Location"], {"code": "sai"}))
    run_tasks()
    ready = client.post(asked.headers["Location"], {"code": last_code(accounts_at_work)})
    pages.append(client.get(ready.headers["Location"]))
    pages.append(client.post(ready.headers["Location"], {"password1": "a", "password2": "b"}))
    done = client.post(
        ready.headers["Location"], {"password1": OTHER, "password2": OTHER}, follow=True
    )
    pages.append(done)
    other = Client()
    told = other.post(
        reverse("account_signup"),
        {"full_name": "Lê Văn Bình", "phone": "0987654321", "password1": PASSWORD},
        follow=True,
    )
    pages.append(told)

    assert [faults(page) for page in pages if faults(page)] == []


def test_the_second_factor_pages_are_vietnamese():
    user = person(email=None, phone="0912345678", phone_verified=True)
    client = trusted(user)
    TOTP.activate(user, "A" * 32)
    key = Authenticator.objects.create(user=user, type="webauthn", data={"name": "Khóa chính"})
    of_key = [
        client.get(reverse(name, args=[key.pk]))
        for name in ("mfa_edit_webauthn", "mfa_remove_webauthn")
    ]
    key.delete()
    names = ("mfa_index", "mfa_deactivate_totp", "mfa_generate_recovery_codes")
    pages = [*of_key, *(client.get(reverse(name)) for name in names)]
    client.post(reverse("mfa_generate_recovery_codes"))
    pages.append(client.get(reverse("mfa_view_recovery_codes")))
    stranger = Client()
    asked = stranger.post(
        reverse("account_login"), {"login": "0912345678", "password": PASSWORD}, follow=True
    )
    pages += [asked, stranger.post(reverse("mfa_authenticate"), {"code": "1"})]

    assert asked.redirect_chain[-1][0] == reverse("mfa_authenticate")
    assert [faults(page) for page in pages if faults(page)] == []


def test_the_authenticator_app_names_the_telephone_of_who_has_no_address():
    client = trusted(person(email=None, phone="0912345678", phone_verified=True))

    page = client.get(reverse("mfa_activate_totp"))

    assert "0912345678" in page.context["totp_url"]


def test_the_pages_of_the_slip_and_the_counter_are_vietnamese(client):
    reception = factories.official(Posting.Role.RECEPTION)
    slip = counter.open_account(full_name="Hồ Nam", citizen_number="045190001234", by=reception)
    desk = Client()
    desk.force_login(reception)
    opened = "/quan-tri/portal/user/mo-tai-khoan/"
    data = {"full_name": "Hồ Nam", "citizen_number": "045190001234", "checked": "on"}

    pages = [
        client.get(reverse("activate", args=[slip.key])),
        client.post(reverse("activate", args=[slip.key]), {"password1": "a", "password2": "b"}),
        client.get(reverse("activate", args=["khong-co"])),
        desk.get(opened),
        desk.post(opened, {}),
        desk.post(opened, data),
        desk.post(opened, {**data, "citizen_number": "045190005678"}),
    ]

    assert [faults(page) for page in pages if faults(page)] == []


def test_the_pages_of_the_login_service_are_vietnamese(client, issuer):  # noqa: F811
    user = person()
    issuer.in_token = {"nonce": "sai"}
    refused, state = log_in(client, issuer, process="login"), {"error": "access_denied"}
    mine = trusted(user)
    pages = [
        refused,
        client.get("/tai-khoan/oidc/oidc/login/callback/", state),
        client.get("/tai-khoan/oidc/oidc/login/"),
        client.get(reverse("account_login")),
        client.get(reverse("socialaccount_login_cancelled")),
        mine.get(reverse("socialaccount_connections")),
        mine.get(reverse("profile")),
    ]

    assert [faults(page) for page in pages if faults(page)] == []


# --- Who may --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["profile", "my_data", "close_account", "usersessions_list"])
def test_a_stranger_is_sent_to_the_login(client, name):
    assert client.get(reverse(name)).headers["Location"].startswith("/tai-khoan/login/")


@pytest.mark.parametrize("name", ["ask_for_data", "close_account", "profile"])
def test_changes_need_the_forms_token(name):
    client = Client(enforce_csrf_checks=True)
    client.force_login(person())

    assert client.post(reverse(name), {"agrees": "1"}).status_code == 403


# --- Profile --------------------------------------------------------------------------


def test_the_profile_is_saved_in_one_spelling(client):
    user = person()
    client.force_login(user)

    client.post(reverse("profile"), {
        "full_name": " Nguyễn  Thị Hoa ", "phone": "+84 912 345 678",
        "citizen_number": "045 190 001 234",
    })  # fmt: skip

    user.refresh_from_db()
    assert (user.full_name, user.phone, user.citizen_number) == (
        "Nguyễn Thị Hoa", "0912345678", "045190001234",
    )  # fmt: skip
    assert not user.phone_verified and user.identity_checked_at is None


def test_what_somebody_checked_does_not_change_by_typing(client):
    user = person(
        phone="0912345678", phone_verified=True, citizen_number="045190001234",
        identity_checked_at=timezone.now(),
    )  # fmt: skip
    client.force_login(user)

    client.post(reverse("profile"), {
        "full_name": "Nguyễn Thị Hoa", "phone": "0987654321", "citizen_number": "045190005678",
        "account_number": "X", "is_staff": "on", "email": "khac@example.vn",
    })  # fmt: skip

    user.refresh_from_db()
    assert (user.phone, user.citizen_number) == ("0912345678", "045190001234")
    assert (user.email, user.account_number, user.is_staff) == ("hoa@example.vn", None, False)


def test_a_profile_with_faults_keeps_what_was_typed_and_saves_nothing(client):
    user = person()
    client.force_login(user)

    page = client.post(reverse("profile"), {
        "full_name": "Tên Mới", "phone": "0912", "citizen_number": "045190001234",
    })  # fmt: skip

    user.refresh_from_db()
    assert 'value="Tên Mới"' in page.content.decode()
    assert (user.full_name, user.citizen_number) == ("Nguyễn Thị Hoa", "")


# --- Messages -------------------------------------------------------------------------


def test_mails_and_messages_about_accounts_are_vietnamese(run_tasks, accounts_at_work):
    user = person()
    client = trusted(user)
    client.post(reverse("account_email"), {"action_add": "1", "email": "moi@example.vn"})
    code = sent_code(run_tasks)
    client.post(reverse("account_email_verification_sent"), {"code": code})
    client.post(reverse("account_email"), {"action_primary": "1", "email": "moi@example.vn"})
    client.post(reverse("account_email"), {"action_remove": "1", "email": "hoa@example.vn"})
    client.post(reverse("account_change_password"), {
        "oldpassword": PASSWORD, "password1": f"{PASSWORD}-x", "password2": f"{PASSWORD}-x",
    })  # fmt: skip
    client.post(reverse("account_change_phone"), {"phone": "0912345678"})
    person(email="binh@example.vn")
    for name in ("account_reset_password", "account_signup"):
        for email in ("binh@example.vn", "khong@example.vn"):
            data = {"email": email, "full_name": "Hoa", "password1": PASSWORD}
            Client().post(reverse(name), data)
    run_tasks()

    texts = [f"{one.subject}\n{one.body}" for one in mail.outbox]
    texts += [text for _number, text in messages(accounts_at_work)]
    assert len(mail.outbox) == 8
    lines = [line for text in texts for line in text.splitlines()]
    assert [line for line in lines if english_in(re.sub(r"[A-Z]{4}-[A-Z]{4}", "", line))] == []


def sent_code(run_tasks) -> str:
    run_tasks()
    return re.search(r"^\s*([A-Z]{4}-?[A-Z]{4})\s*$", mail.outbox[-1].body, re.M)[1]


@pytest.mark.parametrize("name", ["Nhận quà tại http://xau.vn", "Gọi 0900123456", "<b>An</b>"])
def test_a_name_carries_no_address_and_no_number_into_letters(name, client):
    user = factories.user(full_name="Nguyễn Thị Hoa")
    form = {"full_name": name, "email": "la@example.vn", "password1": "mot-mat-khau-dai-2026"}

    registered = client.post(reverse("account_signup"), form)
    client.force_login(user)
    client.post(reverse("profile"), {"full_name": name})

    user.refresh_from_db()
    assert "chỉ gồm chữ cái" in registered.content.decode()
    assert user.full_name == "Nguyễn Thị Hoa"
