"""Logging in through an OpenID Connect service that runs beside the test (A21)."""

from __future__ import annotations

import time
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth import get_user_model
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests import factories
from tests.portal.issuer import CLIENT, SECRET, Issuer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("accounts_at_work")]

PASSWORD = "mot-mat-khau-dai-2026"
START = "/tai-khoan/oidc/oidc/login/"


@pytest.fixture(scope="module")
def running_issuer():
    issuer = Issuer()
    yield issuer
    issuer.stop()


@pytest.fixture
def issuer(running_issuer, settings):
    """The service, telling the truth again, and our settings for it."""
    running_issuer.claims = {"sub": "nguoi-1", "name": "Trần Thị Bình"}
    running_issuer.in_token, running_issuer.in_userinfo = {}, {}
    running_issuer.signs_with, running_issuer.algorithm = running_issuer.key, "RS256"
    running_issuer.has_token, running_issuer.refused = True, []
    app = {
        "provider_id": "oidc", "name": "VNeID", "client_id": CLIENT, "secret": SECRET,
        "settings": {"server_url": running_issuer.url, "scope": ["openid", "profile"]},
    }  # fmt: skip
    configured = {**settings.SOCIALACCOUNT_PROVIDERS["openid_connect"], "APPS": [app]}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": configured}
    return running_issuer


def start(client: Client, **query: str) -> str:
    """Where our button leads to."""
    return client.post(START, query_params=query).headers["Location"]


def come_back(client: Client, address: str):
    parts = urlsplit(address)
    return client.get(f"{parts.path}?{parts.query}")


def log_in(client: Client, issuer: Issuer, **query: str):
    return come_back(client, issuer.authorize(start(client, **query)))


def who(client: Client) -> str | None:
    return client.session.get("_auth_user_id")


def users():
    return get_user_model().objects


# --- The way in -----------------------------------------------------------------------


def test_the_button_shows_only_where_a_service_is_configured(client, issuer, settings):
    shown = client.get("/tai-khoan/login/").content.decode()
    configured = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {**configured, "APPS": []}}

    hidden = client.get("/tai-khoan/login/").content.decode()

    assert "Đăng nhập bằng VNeID" in shown
    assert "VNeID" not in hidden
    assert client.post(START).status_code == 404
    assert client.get("/tai-khoan/oidc/oidc/login/callback/").status_code == 404


def test_a_new_person_comes_in_with_name_and_citizen_number(client, issuer):
    issuer.claims |= {
        "citizen_number": "045190001234", "phone_number": "+84912345678",
        "phone_number_verified": True, "email": "Binh@example.vn", "email_verified": True,
    }  # fmt: skip

    answer = log_in(client, issuer, process="login", next="/thu-tuc/")

    user = users().get()
    assert answer.headers["Location"] == "/thu-tuc/"
    assert who(client) == str(user.pk)
    assert (user.full_name, user.citizen_number) == ("Trần Thị Bình", "045190001234")
    assert user.identity_checked_at is not None
    assert (user.phone, user.phone_verified, user.email) == ("0912345678", True, "binh@example.vn")
    assert not user.has_usable_password()


def test_the_same_person_comes_back_to_the_same_account(issuer):
    for _time in range(2):
        client = Client()
        log_in(client, issuer)

    assert who(client) == str(users().get().pk)
    account = SocialAccount.objects.get()
    assert account.extra_data == {"iss": issuer.url, "sub": "nguoi-1"}


def test_the_same_subject_of_another_issuer_is_another_person(client, issuer):
    log_in(client, issuer)
    other = Client()

    issuer.claims["sub"] = "nguoi-2"
    log_in(other, issuer)

    assert who(client) != who(other)
    assert len({account.uid for account in SocialAccount.objects.all()}) == 2


def test_what_goes_to_the_issuer_ties_its_answer_to_this_login(client, issuer):
    query = parse_qs(urlsplit(start(client)).query)

    assert len(query["state"][0]) >= 16 and len(query["nonce"][0]) >= 32
    assert query["code_challenge_method"] == ["S256"] and query["code_challenge"]
    assert set(query["scope"][0].split()) == {"openid", "profile"}


def test_who_declines_there_reads_that_nothing_happened(client, issuer):
    state = parse_qs(urlsplit(start(client)).query)["state"][0]

    answer = client.get(
        "/tai-khoan/oidc/oidc/login/callback/", {"error": "access_denied", "state": state},
        follow=True,
    )  # fmt: skip

    assert "Đã dừng đăng nhập" in answer.content.decode()
    assert who(client) is None


# --- What is refused ------------------------------------------------------------------


def assert_refused(client: Client, answer) -> None:
    assert "Chưa đăng nhập được" in answer.content.decode()
    assert who(client) is None
    assert not users().exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": "cua-lan-khac"}, {"nonce": ""}, {"iss": "http://ke-gia.example"},
        {"aud": "cong-khac"}, {"exp": 1}, {"sub": None},
        {"iat": int(time.time()) + 3600},
    ],
    ids=lambda wrong: next(iter(wrong)),
)  # fmt: skip
def test_a_token_that_says_something_else_is_refused(client, issuer, wrong):
    issuer.in_token = wrong

    answer = log_in(client, issuer)

    assert_refused(client, answer)


def test_a_token_that_another_key_signed_is_refused(client, issuer):
    issuer.signs_with = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    assert_refused(client, log_in(client, issuer))


@pytest.mark.parametrize(("algorithm", "key"), [("none", ""), ("HS256", SECRET)])
def test_a_token_without_the_issuers_signature_is_refused(client, issuer, algorithm, key):
    issuer.algorithm, issuer.signs_with = algorithm, key

    assert_refused(client, log_in(client, issuer))


def test_an_answer_without_a_token_is_refused(client, issuer):
    issuer.has_token = False

    assert_refused(client, log_in(client, issuer))


def test_userinfo_about_somebody_else_is_refused(client, issuer):
    issuer.in_userinfo = {"sub": "nguoi-khac"}

    assert_refused(client, log_in(client, issuer))


def test_a_state_of_another_browser_is_refused(client, issuer):
    back = issuer.authorize(start(Client()))

    assert_refused(client, come_back(client, back))


def test_a_state_works_once(client, issuer):
    back = issuer.authorize(start(client))
    come_back(client, back)
    client.post(reverse("account_logout"))

    again = come_back(client, back)

    assert "Chưa đăng nhập được" in again.content.decode()
    assert who(client) is None


def test_a_code_without_the_verifier_of_this_login_is_refused_by_the_issuer(client, issuer):
    back = issuer.authorize(start(client).replace("code_challenge=", "code_challenge=x"))

    answer = come_back(client, back)

    assert issuer.refused == ["pkce"]
    assert_refused(client, answer)


def test_a_next_address_elsewhere_is_not_followed(client, issuer):
    answer = log_in(client, issuer, next="https://evil.example/")

    assert answer.headers["Location"] == reverse("dossiers:mine")


def test_a_service_that_calls_itself_otherwise_is_refused(client, issuer, settings):
    app = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]
    app["settings"] = {"server_url": issuer.url.replace("127.0.0.1", "localhost")}

    assert_refused(client, log_in(client, issuer))


def test_an_issuer_that_is_down_gets_a_page_too(client, issuer, settings):
    app = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]
    app["settings"] = {"server_url": "http://127.0.0.1:9"}

    answer = client.post(START)

    assert "Chưa đăng nhập được" in answer.content.decode()


# --- Whose account it is --------------------------------------------------------------


def local(email: str = "hoa@example.vn", **fields):
    user = factories.user(email=email, password=PASSWORD, **fields)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def test_an_unverified_address_decides_nothing(client, issuer):
    user = local()
    issuer.claims |= {"email": "hoa@example.vn", "email_verified": False}

    log_in(client, issuer)

    new = users().exclude(pk=user.pk).get()
    assert who(client) == str(new.pk)
    assert new.email is None


def test_a_verified_address_of_an_account_here_asks_for_its_password_first(client, issuer):
    user = local()
    issuer.claims |= {"email": "HOA@example.vn", "email_verified": True}

    answer = log_in(client, issuer)
    page = client.get(answer.headers["Location"])

    assert who(client) is None
    assert "đã có tài khoản" in page.content.decode()
    assert list(users().all()) == [user]
    assert not SocialAccount.objects.exists()


def test_what_somebody_began_with_the_address_keeps_its_owner_from_nothing(client, issuer):
    form = {"full_name": "Kẻ Khác", "email": "binh@example.vn", "password1": PASSWORD}
    Client().post(reverse("account_signup"), form)
    issuer.claims |= {"email": "binh@example.vn", "email_verified": True}

    log_in(client, issuer)

    user = users().get()
    assert who(client) == str(user.pk)
    assert (user.full_name, user.email) == ("Trần Thị Bình", "binh@example.vn")
    assert not user.has_usable_password()


def test_the_card_of_an_account_from_the_counter_asks_too(client, issuer):
    factories.user(email=None, citizen_number="045190001234", identity_checked_at=timezone.now())
    issuer.claims["citizen_number"] = "045190001234"

    log_in(client, issuer)

    assert who(client) is None
    assert not SocialAccount.objects.exists()


def test_logged_in_one_connects_and_then_comes_in_by_the_service(client, issuer, run_tasks):
    user = local()
    issuer.claims |= {"email": "hoa@example.vn", "email_verified": True}
    client.post("/tai-khoan/login/", {"login": "hoa@example.vn", "password": PASSWORD})

    asked = log_in(client, issuer, process="connect")
    client.post(asked.headers["Location"], {"password": PASSWORD})
    later = Client()
    log_in(later, issuer)

    page = client.get(reverse("socialaccount_connections")).content.decode()
    run_tasks()
    assert "Đã liên kết" in page
    assert "VNeID" in mail.outbox[-1].body and mail.outbox[-1].to == ["hoa@example.vn"]
    assert asked.headers["Location"] == reverse("account_reauthenticate")
    assert SocialAccount.objects.get().user == user
    assert who(later) == str(user.pk)
    assert "VNeID" in page and "Bỏ liên kết" in page


def test_who_has_no_password_keeps_the_only_way_in(client, issuer):
    log_in(client, issuer)
    account = SocialAccount.objects.get()

    page = client.post(reverse("socialaccount_connections"), {"account": account.pk})

    assert "đặt mật khẩu" in page.content.decode()
    assert SocialAccount.objects.exists()


@pytest.mark.parametrize(
    "name", ["account_set_password", "close_account", "mfa_activate_totp", "account_email"]
)
def test_without_a_password_an_old_session_logs_in_again_before_a_change(client, issuer, name):
    with time_machine.travel(timezone.now(), tick=True) as clock:
        log_in(client, issuer)
        user = users().get()
        data = {"password1": PASSWORD, "password2": PASSWORD, "agrees": "1", "code": "1"}
        data |= {"action_add": "1", "email": "moi@example.vn"}
        clock.shift(600)

        answer = client.post(reverse(name), data)
        page = client.get(answer.headers["Location"])

    user.refresh_from_db()
    assert answer.headers["Location"].startswith(reverse("account_login"))
    assert "mời ông/bà đăng nhập lại" in page.content.decode()
    assert who(client) is None
    assert not user.has_usable_password() and user.closed_at is None


def test_right_after_the_login_a_first_password_can_be_set(client, issuer):
    log_in(client, issuer)

    client.post(reverse("account_set_password"), {"password1": PASSWORD, "password2": PASSWORD})

    assert users().get().check_password(PASSWORD)


def test_a_service_account_of_somebody_else_is_not_taken_over(client, issuer):
    log_in(Client(), issuer)
    first = SocialAccount.objects.get().user
    local()
    client.post("/tai-khoan/login/", {"login": "hoa@example.vn", "password": PASSWORD})

    asked = log_in(client, issuer, process="connect")
    client.post(asked.headers["Location"], {"password": PASSWORD})

    assert SocialAccount.objects.get().user == first


def test_a_number_that_is_verified_here_is_not_given_to_a_second_person(client, issuer):
    factories.user(email=None, phone="0912345678", phone_verified=True)
    issuer.claims |= {"phone_number": "0912345678", "phone_number_verified": True}

    log_in(client, issuer)

    assert users().get(pk=who(client)).phone == ""


@pytest.mark.parametrize("number", ["123", "999999999999", None, ["045190001234"]])
def test_a_citizen_number_that_cannot_be_is_left_out(client, issuer, number):
    issuer.claims["citizen_number"] = number

    log_in(client, issuer)

    user = users().get()
    assert (user.citizen_number, user.identity_checked_at) == ("", None)


def test_who_was_switched_off_does_not_come_in_by_the_service(client, issuer):
    log_in(Client(), issuer)
    users().update(is_active=False)

    log_in(client, issuer)

    assert who(client) is None
