"""Accounts that the counter opens against an identity card."""

from __future__ import annotations

import contextlib
import datetime
import re
import threading

import pypdfium2
import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dossiers.counter import accountnumbers
from dossiers.models import Notice
from portal import counter, slips
from portal.models import Activation
from procedures.models import Posting
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("accounts_at_work")]

OPEN = "/quan-tri/portal/user/mo-tai-khoan/"
CARD, OTHER_CARD = "045190001234", "045190005678"
PASSWORD = "mot-mat-khau-dai-2026"


@pytest.fixture
def reception():
    return factories.official(Posting.Role.RECEPTION)


@pytest.fixture
def desk(reception):
    client = Client()
    client.force_login(reception)
    return client


def open_for(desk: Client, **fields):
    data = {"full_name": "Hồ Văn Nam", "citizen_number": CARD, "phone": "", "checked": "on"}
    return desk.post(OPEN, data | fields)


def renew_for(desk: Client, person, **fields):
    data = {"citizen_number": person.citizen_number, "checked": "on"}
    return desk.post(reverse("admin:portal_user_renew", args=[person.pk]), data | fields)


def slip(by, **fields) -> counter.Slip:
    fields = {"full_name": "Hồ Văn Nam", "citizen_number": CARD, **fields}
    return counter.open_account(**fields, by=by)


def take_over(client: Client, key: str, password: str = PASSWORD):
    data = {"password1": password, "password2": password}
    return client.post(reverse("activate", args=[key]), data)


def who(client: Client) -> str | None:
    return client.session.get("_auth_user_id")


def main_of(response) -> str:
    return response.content.decode().split("<main")[1].split("</main>")[0]


# --- Opening --------------------------------------------------------------------------


def test_reception_opens_an_account_and_prints_its_slip(desk, reception):
    page = open_for(desk, full_name="  Hồ Văn   Nam ", citizen_number="045 190 001 234")
    key = re.search(r'name="key" value="([^"]+)"', page.content.decode())[1]
    user = get_user_model().objects.get(citizen_number=CARD)

    paper = desk.post(reverse("admin:portal_user_slip", args=[user.pk]), {"key": key})

    document = pypdfium2.PdfDocument(paper.content)
    text = document[0].get_textpage().get_text_range()
    assert (user.full_name, user.email, user.identity_checked_by) == ("Hồ Văn Nam", None, reception)
    assert not user.has_usable_password()
    assert accountnumbers.is_account_number(user.account_number)
    assert len(document) == 1
    assert [round(side * 25.4 / 72) for side in document[0].get_size()] == [148, 210]
    assert accountnumbers.spaced_number(user.account_number) in text
    assert key.replace("-", "") in re.sub(r"[\s\ufffe-]", "", text)
    assert paper.headers["Content-Type"] == "application/pdf"


def test_the_key_is_kept_nowhere(desk):
    page = open_for(desk)

    key = re.search(r'name="key" value="([^"]+)"', page.content.decode())[1]

    kept = Activation.objects.get()
    assert key not in repr(vars(kept))
    assert key not in repr(dict(desk.session.items()))
    assert all(key not in repr(vars(entry)) for entry in LogEntry.objects.all())


def test_the_log_says_who_opened_it_without_the_persons_name(desk, reception):
    open_for(desk)

    entry = LogEntry.objects.get()
    assert entry.user == reception
    assert entry.object_repr == f"#{get_user_model().objects.get(citizen_number=CARD).pk}"
    assert "Nam" not in entry.change_message and CARD not in entry.change_message


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("checked", "", "đối chiếu thẻ căn cước"),
        ("citizen_number", "123", "12 chữ số"),
        ("citizen_number", "999190001234", "mã tỉnh"),
        ("full_name", "", "Họ và tên"),
        ("phone", "12", "0912 345 678"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_opened(desk, field, value, words):
    page = open_for(desk, **{field: value})

    assert page.status_code == 200
    assert words in page.content.decode()
    assert not get_user_model().objects.filter(citizen_number=CARD).exists()


@pytest.mark.parametrize("role", sorted(set(Posting.Role.values) - {"reception"}))
def test_other_officials_open_no_account(role):
    client = Client()
    client.force_login(factories.official(role))

    assert client.get(OPEN).status_code == 403
    assert open_for(client).status_code == 403
    assert not get_user_model().objects.filter(citizen_number=CARD).exists()


def test_citizens_and_strangers_open_no_account():
    client = Client()
    client.force_login(factories.user())

    assert open_for(client).status_code in {302, 403}
    assert open_for(Client()).status_code == 302
    assert not get_user_model().objects.filter(citizen_number=CARD).exists()


def test_an_official_opens_none_for_their_own_card(desk, reception):
    reception.citizen_number = CARD
    reception.save()

    page = open_for(desk)

    assert "cho chính mình" in page.content.decode()
    assert get_user_model().objects.filter(citizen_number=CARD).count() == 1


def test_the_slip_of_another_official_is_not_found(desk, reception):
    made = slip(factories.official(Posting.Role.RECEPTION))
    address = reverse("admin:portal_user_slip", args=[made.activation.user_id])

    assert desk.post(address, {"key": made.key}).status_code == 404
    assert desk.post(address, {"key": "khong-dung"}).status_code == 404


def test_contacts_from_the_counter_prove_nothing_yet(reception):
    made = slip(reception, phone="0912345678", email="Nam@example.vn")

    user = made.activation.user
    address = EmailAddress.objects.get(user=user)
    assert (user.phone, user.phone_verified, user.email) == ("0912345678", False, None)
    assert (address.email, address.verified) == ("nam@example.vn", False)


# --- The same card again --------------------------------------------------------------


def test_the_same_card_leads_to_the_account_that_is_there(desk, reception):
    first = slip(reception)

    page = open_for(desk)

    assert "đã có tài khoản" in page.content.decode()
    assert (
        reverse("admin:portal_user_renew", args=[first.activation.user_id]) in page.content.decode()
    )
    assert get_user_model().objects.filter(citizen_number=CARD).count() == 1


def test_a_number_that_somebody_only_typed_stands_in_nobodys_way(desk):
    factories.user(citizen_number=CARD)

    open_for(desk)

    assert Activation.objects.count() == 1
    assert get_user_model().objects.filter(citizen_number=CARD).count() == 2


def test_a_new_slip_voids_the_old_one_the_password_and_the_sessions(desk, reception):
    first = slip(reception)
    person, at_home = first.activation.user, Client()
    take_over(at_home, first.key)
    was_logged_in = who(at_home) is not None
    unused = counter.renew(person, by=reception)

    page = renew_for(desk, person)

    key = re.search(r'name="key" value="([^"]+)"', page.content.decode())[1]
    person.refresh_from_db()
    assert was_logged_in
    assert at_home.get(reverse("profile")).status_code == 302
    assert not person.check_password(PASSWORD)
    assert counter.find(unused.key) is None
    assert counter.find(key).user == person
    assert Notice.objects.filter(recipient=person, kind="slip_renewed").exists()


def test_without_the_tick_no_new_slip(desk, reception):
    person = slip(reception).activation.user

    page = renew_for(desk, person, checked="")

    assert "đối chiếu thẻ căn cước" in page.content.decode()
    assert Activation.objects.count() == 1


@pytest.mark.parametrize("card", ["", OTHER_CARD])
def test_without_the_number_of_the_card_nobody_is_found(desk, reception, card):
    person = slip(reception).activation.user

    looked = desk.get(reverse("admin:portal_user_renew", args=[person.pk]))
    renewed = renew_for(desk, person, citizen_number=card)

    assert (looked.status_code, renewed.status_code) == (404, 404)
    assert Activation.objects.count() == 1


def test_no_counter_gives_an_official_a_new_password(desk, reception):
    leader = factories.official(
        Posting.Role.LEADER, identity_checked_at=timezone.now(), citizen_number=OTHER_CARD
    )

    page = renew_for(desk, leader)

    assert "cán bộ không được" in page.content.decode()
    assert not Activation.objects.exists()


# --- Taking it over -------------------------------------------------------------------


def test_the_slip_sets_a_password_logs_in_and_the_number_is_the_name(client, reception):
    made = slip(reception)
    user = made.activation.user

    page = client.get(reverse("activate", args=[made.key]))
    answer = take_over(client, made.key)

    again = Client()
    again.post("/tai-khoan/login/", {
        "login": accountnumbers.spaced_number(user.account_number).lower(), "password": PASSWORD,
    })  # fmt: skip
    assert page.status_code == 200
    assert answer.headers["Location"] == reverse("dossiers:mine")
    assert who(client) == who(again) == str(user.pk)


def test_the_key_may_be_typed_in_small_letters(client, reception):
    made = slip(reception)

    take_over(client, made.key.lower().replace("-", ""))

    assert who(client) == str(made.activation.user_id)


def test_a_slip_works_to_the_end_of_the_day_that_it_names(reception):
    with time_machine.travel("2026-11-24T01:30:00Z", tick=False):
        made = slip(reception)
        text = pypdfium2.PdfDocument(slips.pdf(made))[0].get_textpage().get_text_range()
    with time_machine.travel("2026-12-24T16:59:00Z", tick=False):
        still = counter.find(made.key)
    with time_machine.travel("2026-12-24T17:00:00Z", tick=False):
        over = counter.find(made.key)

    assert "24/12/2026" in text
    assert still and over is None


def test_a_slip_works_once(client, reception):
    made = slip(reception)
    take_over(client, made.key)

    second = take_over(Client(), made.key, "mat-khau-khac-2026")

    made.activation.user.refresh_from_db()
    assert second.status_code == 404
    assert made.activation.user.check_password(PASSWORD)


def test_a_slip_that_was_replaced_while_it_was_read_sets_nothing(reception):
    old = slip(reception)
    found = counter.find(old.key)
    counter.renew(old.activation.user, by=reception)

    taken = counter.activate(found, password=PASSWORD)

    old.activation.user.refresh_from_db()
    assert taken is None
    assert not old.activation.user.has_usable_password()


def test_a_slip_dies_after_thirty_days(client, reception):
    made = slip(reception)

    with time_machine.travel(timezone.now() + datetime.timedelta(days=31)):
        page = client.get(reverse("activate", args=[made.key]))
        answer = take_over(client, made.key)

    assert page.status_code == answer.status_code == 404
    assert "Phiếu không còn dùng được" in page.content.decode()


def test_a_guessed_key_is_answered_like_a_used_one_and_soon_not_at_all(client, reception):
    made = slip(reception)
    take_over(Client(), made.key)

    with time_machine.travel(timezone.now(), tick=False):
        used = client.get(reverse("activate", args=[made.key]))
        guesses = [client.get(reverse("activate", args=[f"doan-{n}"])) for n in range(25)]

    assert used.status_code == guesses[0].status_code == 404
    assert main_of(used) == main_of(guesses[0])
    assert guesses[-1].status_code == 429


@pytest.mark.parametrize("password", ["ngan", "123456789012", "matkhau"])
def test_a_weak_password_leaves_the_slip_usable(client, reception, password):
    made = slip(reception)

    page = take_over(client, made.key, password)

    assert page.status_code == 200
    assert counter.find(made.key)


def test_a_second_factor_is_asked_for_after_a_new_slip_too(client, reception):
    from allauth.mfa.totp.internal.auth import TOTP

    made = slip(reception)
    TOTP.activate(made.activation.user, "A" * 32)

    answer = take_over(client, made.key)

    assert answer.headers["Location"] == reverse("mfa_authenticate")
    assert who(client) is None


def test_numbers_begin_with_a_letter_and_show_a_wrong_sign():
    for number in {accountnumbers.new_account_number() for _time in range(50)}:
        assert number[0].isalpha()
        assert not set(number) & set("01OIL")
        for place in range(len(number)):
            for sign in "29AKZ":
                wrong = number[:place] + sign + number[place + 1 :]
                assert wrong == number or not accountnumbers.is_account_number(wrong)


def test_the_slip_is_the_same_whoever_reads_the_portal_in_english(reception):
    from django.utils import translation

    made = slip(reception)

    with translation.override("en"):
        text = pypdfium2.PdfDocument(slips.pdf(made))[0].get_textpage().get_text_range()

    assert "PHIẾU MỞ TÀI KHOẢN" in text.upper()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_slip_scanned_twice_at_once_sets_one_password():
    made = slip(factories.official(Posting.Role.RECEPTION))
    start, won = threading.Barrier(4), []

    def scan(number: int) -> None:
        activation = counter.find(made.key)
        start.wait()
        if activation and counter.activate(activation, password=f"{PASSWORD}-{number}"):
            won.append(number)
        connection.close()

    threads = [threading.Thread(target=scan, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    user = get_user_model().objects.get(citizen_number=CARD)
    assert len(won) == 1
    assert user.check_password(f"{PASSWORD}-{won[0]}")


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_clerks_with_one_card_open_one_account():
    clerks = [factories.official(Posting.Role.RECEPTION) for _number in range(4)]
    start, made = threading.Barrier(len(clerks)), []

    def open_it(clerk) -> None:
        start.wait()
        with contextlib.suppress(counter.AlreadyOpen):
            made.append(slip(clerk))
        connection.close()

    threads = [threading.Thread(target=open_it, args=[clerk]) for clerk in clerks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 1
    assert get_user_model().objects.filter(citizen_number=CARD).count() == 1
