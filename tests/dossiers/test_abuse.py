"""What somebody tries who wants more than is theirs: counts, planted text, other people's room."""

from __future__ import annotations

import datetime
import logging.config
from html.parser import HTMLParser

import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dossiers import attachments, drafting, intake, participants, throttling, tracking, workflow
from dossiers.models import Attachment
from dossiers.workflow import Refused
from portal import counter
from tests import factories, sentfiles
from tests.factories import FUNERAL

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _morning():
    cache.clear()
    with time_machine.travel("2026-11-25 09:00+07:00", tick=False) as clock:
        yield clock


# --- What is counted for a day: in a table it would be forgotten after five minutes -------


def test_failures_of_a_day_are_remembered_until_its_end(_morning):
    for _try in range(3):
        throttling.note_failure("track:A")
        _morning.shift(datetime.timedelta(minutes=10))

    assert throttling.failures_today("track:A") == 3


def test_what_was_sent_in_a_day_is_remembered_until_its_end(_morning, monkeypatch):
    monkeypatch.setattr(settings, "MAX_UPLOAD_MB_A_DAY", 10)
    person = factories.user()
    intake.spend(person, 8 * intake.MB)
    _morning.shift(datetime.timedelta(hours=3))

    with pytest.raises(ValidationError):
        intake.spend(person, 8 * intake.MB)


def test_throwing_drafts_away_does_not_buy_more_letters(monkeypatch):
    monkeypatch.setattr(participants, "MOST_A_DAY", 2)
    an = factories.user()
    for number in range(2):
        draft = factories.draft(FUNERAL, owner=an)
        invite(draft, f"nguoi-la-{number}@example.vn")
        attachments.discard(draft)

    with pytest.raises(Refused):
        invite(factories.draft(FUNERAL, owner=an), "nguoi-la-9@example.vn")


def invite(dossier, contact: str):
    return participants.invite(dossier, role="co_applicant", name="Bình", contact=contact)


# --- Text planted by another site -------------------------------------------------------


@pytest.mark.parametrize("is_logged_in", [True, False])
def test_another_site_plants_no_text_and_begins_no_session(is_logged_in):
    dossier = factories.filed(FUNERAL)
    browser = Client(enforce_csrf_checks=True)
    if is_logged_in:
        browser.force_login(dossier.owner)
    url = reverse("dossiers:messages", args=[dossier.code])

    refused = browser.post(
        url, {"text": "Xin rút hồ sơ"}, headers={"Origin": "https://xau.example"}
    )

    assert refused.status_code == 403
    assert "session" not in refused.cookies
    browser.force_login(dossier.owner)
    assert "Xin rút hồ sơ" not in browser.get(url).content.decode()


# --- Room that others take --------------------------------------------------------------


def test_files_that_wait_for_a_message_take_no_room_of_the_papers(monkeypatch):
    monkeypatch.setattr(attachments, "MAX_FILES", 1)
    dossier = factories.filed(FUNERAL)
    office, wish = factories.Office(), {"reason": "Thiếu giấy", "items": "Nộp thêm giấy"}
    dossier = workflow.perform(dossier, "request_supplement", by=office.reception, **wish)
    other = factories.user()
    attachments.keep(dossier, Attachment.MESSAGE, factories.taken_picture("#111111"), by=other)

    kept = attachments.keep(dossier, Attachment.OTHER, factories.taken_picture(), by=dossier.owner)

    assert kept.pk


# --- What no column takes ---------------------------------------------------------------


LONG = "Xã Gio Linh " * 420  # some 5.000 characters


class Inputs(HTMLParser):
    """The names of everything that a page lets somebody send, and what is chosen among it."""

    def __init__(self) -> None:
        super().__init__()
        self.chosen: dict[str, str] = {}
        self.typed: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list) -> None:
        given = dict(attributes)
        name, kind = given.get("name") or "", given.get("type") or "text"
        if tag in {"textarea", "select"} or (tag == "input" and kind in TYPED):
            self.typed.add(name)
        elif tag in {"input", "button"} and name and kind != "file":
            self.chosen.setdefault(name, given.get("value") or "on")


TYPED = {"text", "tel", "email", "number", "password", "search", "hidden"}


def send_too_much(client: Client, url: str) -> int:
    """The status after everything on the page was typed full, and its choices made."""
    page = client.get(url)
    assert page.status_code == 200, (url, page.status_code)
    main = page.content.decode().split("<main")[1].split("</main>")[0]
    found = Inputs()
    found.feed(main)
    names = found.typed - {"csrfmiddlewaretoken", ""}
    assert names or found.chosen, url
    return client.post(url, found.chosen | dict.fromkeys(names, LONG)).status_code


def of_a_citizen() -> tuple[Client, list[str]]:
    citizen, an = Client(), factories.user(email="an@example.vn")
    citizen.force_login(an)
    draft, dossier = factories.draft(FUNERAL, owner=an), factories.filed(FUNERAL, owner=an)
    office = factories.Office()
    wish = {
        "documents": ["giay_chung_tu"], "fields": ["nguoi_mat.ngay_mat"],
        "notes": {"nguoi_mat.ngay_mat": "Sai ngày"}, "reason": "Thiếu giấy",
    }  # fmt: skip
    workflow.perform(dossier, "request_supplement", by=office.reception, **wish)
    of_draft = [("behalf",), ("draft_people",), ("office",), ("check",)]
    of_draft += [("section", section.id) for section in draft.revision.form.sections]
    of_filed = [("messages",), ("people",), ("supplement",)]
    of_filed += [
        ("supplement_paper", "giay_chung_tu"),
        ("supplement_section", "nguoi_mat"),
        ("withdraw",),
    ]
    return citizen, [
        *(reverse(f"dossiers:{name}", args=[draft.key, *rest]) for name, *rest in of_draft),
        *(reverse(f"dossiers:{name}", args=[dossier.code, *rest]) for name, *rest in of_filed),
        reverse("dossiers:start", args=[FUNERAL]),
        reverse("dossiers:wallet"),
        reverse("dossiers:keep_paper", args=[draft.attachments.first().key]),
        reverse("dossiers:preferences"),
        reverse("profile"),
    ]


def of_a_stranger() -> tuple[Client, list[str]]:
    slip = counter.open_account(
        full_name="Hồ Văn Nam", citizen_number="045190001234", by=factories.official("reception")
    )
    names = ("account_login", "account_signup", "account_reset_password", "dossiers:track")
    return Client(), [*map(reverse, names), reverse("activate", args=[slip.key])]


def of_an_official() -> tuple[Client, list[str]]:
    dossier, desk = factories.filed(FUNERAL), Client()
    desk.force_login(factories.official("reception"))
    moves = ("request_supplement", "renew_secret", "propose_refusal")
    return desk, [
        reverse("admin:portal_user_open"),
        reverse("admin:dossiers_dossier_messages", args=[dossier.pk]),
        *(reverse("admin:dossiers_dossier_move", args=[dossier.pk, move]) for move in moves),
    ]


@pytest.mark.parametrize("pages", [of_a_citizen, of_a_stranger, of_an_official])
def test_too_much_in_every_input_is_answered_in_words(pages):
    client, urls = pages()

    answers = {url: send_too_much(client, url) for url in urls}

    assert {url: status for url, status in answers.items() if status >= 500} == {}


# --- Places in which files are opened ---------------------------------------------------


def test_one_person_does_not_hold_all_the_places_where_files_are_opened():
    an, binh = factories.user(), factories.user()

    with sent(an, 1), sent(an, 2), sent(binh, 3) as others:
        assert others.pages == 3
        with pytest.raises(intake.NotNow), sent(an, 4):
            pass
    with sent(an, 4) as later:
        assert later.pages == 4


def sent(person, pages: int):
    return intake.taken_from(person, sentfiles.upload(sentfiles.pdf(pages)))


# --- Keys in addresses ------------------------------------------------------------------


def test_no_log_keeps_a_key_that_opens_something():
    dossier = factories.filed(FUNERAL)
    token = tracking.signed_url(dossier).rstrip("/").rpartition("/")[2]
    paths = f"/ho-so/{dossier.code}/ /tra-cuu/{token}/ /ho-so/nhap/{dossier.key}/phan/nguoi_mat/"
    record = logging.LogRecord("django.request", 30, "", 0, "Too Many: %s", (paths,), None)
    config = logging.config.DictConfigurator(settings.LOGGING)

    line = config.configure_formatter(settings.LOGGING["formatters"]["line"]).format(record)

    kept = f"/ho-so/{dossier.code}/ /tra-cuu/…/ /ho-so/nhap/…/phan/nguoi_mat/"
    assert line.endswith(f"Too Many: {kept}")


def test_an_invitation_is_kept_by_no_browser(client):
    row = invite(factories.draft(FUNERAL), "binh@example.vn")

    response = client.get(reverse("dossiers:invitation", args=[row.token]))

    assert "no-store" in response.headers["Cache-Control"]


# --- One browser, two people ------------------------------------------------------------


@pytest.mark.parametrize("comes_back", [True, False])
def test_what_one_typed_is_not_shown_to_another_who_may_open_the_page(_morning, comes_back):
    dossier, binh = factories.filed(FUNERAL), factories.user()
    participants.join(invite(dossier, "binh@example.vn"), by=binh)
    browser, url = Client(), reverse("dossiers:messages", args=[dossier.code])
    browser.force_login(dossier.owner)
    browser.get(url)
    _morning.shift(datetime.timedelta(hours=3))
    browser.post(url, {"text": "Chỉ nói riêng với cơ quan"})

    browser.force_login(dossier.owner if comes_back else binh)

    shown = "Chỉ nói riêng với cơ quan" in browser.get(url).content.decode()
    assert shown == comes_back


# --- What a co-applicant agreed to ------------------------------------------------------


def test_nobody_can_look_for_two_filings_with_one_fingerprint(settings):
    draft = factories.draft(FUNERAL)
    before = drafting.fingerprint(draft)

    settings.SECRET_KEY = "that of another portal, which nobody knows either"

    assert drafting.fingerprint(draft) != before


# --- Two accounts of one official -------------------------------------------------------


@pytest.mark.parametrize("is_checked", [True, False])
def test_an_official_decides_on_nothing_filed_by_their_own_other_account(is_checked):
    card, checked = "045190001234", timezone.now() if is_checked else None
    official = factories.official("reception", citizen_number=card)
    other = factories.user(citizen_number=card, identity_checked_at=checked)
    dossier = factories.filed(FUNERAL, owner=other)

    # A number that was only typed may be anybody's: it takes no dossier from its office.
    assert workflow.is_party(dossier, official) == is_checked
