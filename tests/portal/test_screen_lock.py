"""The lock of the screen on a shared computer, and changing over to the next person."""

from __future__ import annotations

import datetime
import re

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client
from django.urls import reverse

from dossiers.models import Dossier, Event
from procedures.models import Posting
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("accounts_at_work")]

PASSWORD = "mot-mat-khau-dai-2026"
BEGIN = datetime.datetime(2026, 11, 23, 1, tzinfo=datetime.UTC)
QUEUE = "/quan-tri/dossiers/dossier/"
LOCK = "/quan-tri/khoa/"


def clerk(role: str = Posting.Role.RECEPTION, **fields):
    person = factories.official(role, password=PASSWORD, **fields)
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    return person


def logged_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def locked(person, page: str = QUEUE) -> Client:
    client = logged_in(person)
    client.post(LOCK, {"next": page})
    return client


def text_of(response) -> str:
    body = re.sub(r"(?s)<(head|script|style).*?</\1>", " ", response.content.decode())
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_a_locked_screen_opens_no_page_no_file_and_makes_no_move():
    dossier = factories.filed()
    client = locked(clerk(full_name="Trần Văn Tiếp"))
    addresses = [
        QUEUE, reverse("admin:dossiers_dossier_change", args=[dossier.pk]), "/quan-tri/", "/",
        f"/ho-so/tep/{dossier.attachments.first().key}/", "/ho-so/", reverse("profile"),
        reverse("mfa_index"), "/quan-tri/khong-co/",
    ]  # fmt: skip

    answers = {client.get(address).headers.get("Location") for address in addresses}
    moved = client.post(
        reverse("admin:dossiers_dossier_move", args=[dossier.pk, "accept"]),
        {"version": dossier.version},
    )
    page = client.get(LOCK)

    assert answers == {LOCK} == {moved.headers["Location"]}
    assert Dossier.objects.get(pk=dossier.pk).state == "submitted"
    assert not Event.objects.filter(name="look").exists()
    assert "Màn hình của Trần Văn Tiếp đang khóa" in text_of(page)
    assert QUEUE not in page.content.decode()


def test_the_password_opens_the_very_page_again():
    dossier = factories.filed()
    page = reverse("admin:dossiers_dossier_change", args=[dossier.pk])
    client = locked(clerk(), page)

    wrong = client.post(LOCK, {"password": "khong-phai"})
    right = client.post(LOCK, {"password": PASSWORD})

    assert wrong.status_code == 403
    assert "Mật khẩu chưa đúng" in text_of(wrong)
    assert right.headers["Location"] == page
    assert client.get(page).status_code == 200


@pytest.mark.parametrize("kind", ["totp", "recovery"])
def test_a_code_of_the_second_factor_opens_too(kind):
    person = clerk()
    secret = generate_totp_secret()
    TOTP.activate(person, secret)
    codes = RecoveryCodes.activate(person)
    from allauth.mfa.totp.internal.auth import (
        format_hotp_value,
        hotp_value,
        yield_hotp_counters_from_time,
    )

    code = codes.get_unused_codes()[0]
    if kind == "totp":
        code = format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))
    client = locked(person)

    wrong = client.post(LOCK, {"code": "000000"})
    right = client.post(LOCK, {"code": code})

    assert wrong.status_code == 403
    assert right.headers["Location"] == QUEUE


def test_five_wrong_passwords_end_the_session():
    client = locked(clerk())

    answers = [client.post(LOCK, {"password": f"sai-{number}"}) for number in range(5)]

    assert [answer.status_code for answer in answers] == [403] * 4 + [302]
    assert answers[-1].headers["Location"].startswith(reverse("account_login"))
    assert client.get(QUEUE).headers["Location"].startswith("/quan-tri/login/")


def test_it_locks_by_itself_and_ends_when_nobody_comes_back():
    client = Client()
    with time_machine.travel(BEGIN, tick=False) as clock:
        client.force_login(clerk())
        clock.shift(datetime.timedelta(minutes=9))
        in_time = client.get(QUEUE).status_code
        clock.shift(datetime.timedelta(minutes=11))
        late = client.get(f"{QUEUE}?nhom=moi").headers["Location"]
        clock.shift(datetime.timedelta(minutes=15))
        client.get(LOCK)
        clock.shift(datetime.timedelta(minutes=15))
        ended = client.get(LOCK)

    assert in_time == 200
    assert late == LOCK
    assert ended.headers["Location"].startswith(reverse("account_login"))


def test_whoever_types_for_long_is_not_away_and_a_citizen_is_not_locked():
    client, other = Client(), Client()
    with time_machine.travel(BEGIN, tick=False) as clock:
        client.force_login(clerk())
        other.force_login(factories.user())
        for _minute in range(3):
            clock.shift(datetime.timedelta(minutes=8))
            still = client.post(LOCK, {"still_here": "1"})

        assert still.status_code == 204
        assert client.get(QUEUE).status_code == 200
        assert other.get(reverse("profile")).status_code == 200
    assert other.get(LOCK).status_code in {302, 403}


def test_what_was_typed_while_it_locked_is_offered_again():
    client = Client()
    address = reverse("admin:dossiers_dossier_move", args=[1, "refuse"])
    with time_machine.travel(BEGIN, tick=False) as clock:
        client.force_login(clerk())
        clock.shift(datetime.timedelta(minutes=12))
        client.post(address, {"version": "1", "reason": "Không thuộc thẩm quyền của xã"})

        hidden = client.get(LOCK).content.decode()
        page = client.post(LOCK, {"password": PASSWORD}).content.decode()

    assert "Không thuộc thẩm quyền" not in hidden
    assert 'value="Không thuộc thẩm quyền của xã"' in page
    assert f'action="{address}"' in page


def test_the_next_person_comes_to_the_same_page_or_to_their_own_work():
    dossier = factories.filed()
    page = reverse("admin:dossiers_dossier_change", args=[dossier.pk])
    colleague = clerk(Posting.Role.CASE_OFFICER)
    stranger = clerk(Posting.Role.CASE_OFFICER, office=factories.OTHER_COMMUNE)
    arrived = []
    for person in (colleague, stranger):
        client = logged_in(factories.official(Posting.Role.RECEPTION))
        left = client.post(reverse("switch_person"), {"next": page})
        came = client.post(
            left.headers["Location"], {"login": person.email, "password": PASSWORD}, follow=True
        )
        arrived.append(came)

    assert arrived[0].request["PATH_INFO"] == page
    assert arrived[1].request["PATH_INFO"] != page
    assert "không thuộc việc của ông/bà" in text_of(arrived[1])
    assert dossier.code not in arrived[1].content.decode()


def test_no_foreign_address_is_a_page_to_go_on():
    client = locked(clerk(), "https://example.com/quan-tri/")

    opened = client.post(LOCK, {"password": PASSWORD})

    assert opened.headers["Location"] == "/quan-tri/"


def test_the_header_offers_the_lock_and_the_change():
    page = logged_in(clerk()).get(QUEUE).content.decode()

    assert 'id="lock-form"' in page and 'data-minutes="10"' in page
    assert "js/lock.js" in page and "Đổi người" in page
