"""The two languages: every text has its English, and Vietnamese stays the office's own."""

from __future__ import annotations

import ast
import datetime
import html
import re
import shutil
import subprocess
from pathlib import Path

import allauth
import pytest
from babel.messages.pofile import read_po
from django.conf import settings as django_settings
from django.contrib.auth.password_validation import MinimumLengthValidator
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone, translation

from dossiers import workflow
from dossiers.adminforms import MoveForm
from dossiers.models import Dossier, Notice, Paper
from dossiers.notices import WORDS
from payments import services
from tests import factories

LOCALE = django_settings.BASE_DIR / "locale"
SOURCES = ("portal", "procedures", "dossiers", "payments", "templates")
GETTEXTS = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy"}
# Labels and steps of procedures that are also words of the portal itself.
WORDS_OF_PROCEDURES = {
    "Số định danh cá nhân",
    "Điện thoại",
    "Cam đoan",
    "Kiểm tra và tiếp nhận hồ sơ",
}
SITE_PACKAGES = Path(allauth.__file__).parent.parent
PACKAGES = (
    "allauth/account",
    "allauth/mfa",
    "allauth/socialaccount",
    "allauth/usersessions",
    "allauth/templates/account",
    "allauth/templates/mfa",
    "allauth/templates/socialaccount",
    "allauth/templates/usersessions",
    "django_tasks_db",
)
LANGUAGES = [code for code, _name in django_settings.LANGUAGES]


def catalogue(code: str, folder: Path = LOCALE):
    with (folder / code / "LC_MESSAGES" / "django.po").open("rb") as file:
        return read_po(file, locale=code)


def texts(messages) -> set:
    return {message.id for message in messages if message.id}


def forms(text: str | tuple | list) -> list[str]:
    return [text] if isinstance(text, str) else list(text)


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)[^a-z]*[a-z]|%(?:\.\d+)?[a-z]|\{\w*\}", text))


def markup(text: str) -> list[str]:
    return re.findall(r"<[^>]+>", text)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory) -> Path:
    """The catalogues of this moment, compiled outside of the tree."""
    folder = tmp_path_factory.mktemp("locale")
    for code in LANGUAGES:
        target = folder / code / "LC_MESSAGES"
        target.mkdir(parents=True)
        source = LOCALE / code / "LC_MESSAGES" / "django.po"
        command = ["msgfmt", f"--output-file={target / 'django.mo'}", str(source)]
        subprocess.run(command, check=True)
    return folder


@pytest.fixture
def languages(settings, compiled) -> None:
    """Django speaks from those catalogues."""
    settings.LOCALE_PATHS = [compiled]


@pytest.fixture
def english(client, db, languages):
    """A visitor who pressed “English”."""
    client.post(reverse("set_language"), {"language": "en", "next": "/"})
    return client


# --- The catalogues -------------------------------------------------------------------


def test_the_english_catalogue_has_the_texts_of_the_sources_and_no_others(
    tmp_path, settings, monkeypatch
):
    for name in SOURCES:
        shutil.copytree(settings.BASE_DIR / name, tmp_path / name)
    (tmp_path / "locale").mkdir()
    settings.LOCALE_PATHS = [tmp_path / "locale"]
    monkeypatch.chdir(tmp_path)

    call_command("makemessages", locale=["en"], no_location=True, no_wrap=True, verbosity=0)

    found = texts(catalogue("en", tmp_path / "locale"))
    kept = texts(catalogue("en"))
    assert found - kept == set(), "run makemessages -l en and translate these"
    assert kept - found == set(), "run makemessages -l en --no-obsolete"


def test_no_text_hides_inside_an_f_string():
    """`xgettext` does not look into them, so such a text would never get its English."""
    hidden = [
        f"{file.name}:{call.lineno} {ast.unparse(call)}"
        for name in SOURCES
        for file in (django_settings.BASE_DIR / name).rglob("*.py")
        for text in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(text, ast.JoinedStr)
        for call in ast.walk(text)
        if isinstance(call, ast.Call) and ast.unparse(call.func) in GETTEXTS
    ]

    assert hidden == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_text_of_a_catalogue_is_translated(code):
    messages = [message for message in catalogue(code) if message.id]

    unfinished = [m.id for m in messages if m.fuzzy or not all(forms(m.string))]

    assert unfinished == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_translations_keep_the_placeholders_and_the_markup(code):
    wrong = [
        message.id
        for message in catalogue(code)
        if message.id
        for source, text in zip(
            forms(message.id)[-1:] * len(forms(message.string)), forms(message.string), strict=True
        )
        if placeholders(source) != placeholders(text) or markup(source) != markup(text)
    ]

    assert wrong == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_catalogue_has_as_many_plural_forms_as_its_language(code):
    found = catalogue(code)

    plurals = [message for message in found if message.id and message.pluralizable]

    assert plurals
    assert all(len(message.string) == found.num_plurals for message in plurals)


def test_english_texts_hold_no_vietnamese_sentence():
    """Names, examples to type and quoted words may stay; a whole text that is equal may not."""
    same = {
        message.id
        for message in catalogue("en")
        if isinstance(message.id, str) and message.id and message.id == message.string
    }

    assert same == {
        "%(code)s: %(why)s",
        "%(fee)s – %(ground)s",
        "%(title)s %(name)s",
        "%(what)s: %(count)d",
        "Email:",
        "Một Cửa",
        "PDF",
        "commune, name, detail",
    }


def test_plurals_are_chosen_by_the_count(languages):
    one, many = "%(total)s thủ tục", "%(total)s thủ tục"

    with translation.override("en"):
        texts_by_count = [
            translation.ngettext(one, many, count) % {"total": count} for count in (0, 1, 2)
        ]

    assert texts_by_count == ["0 procedures", "1 procedure", "2 procedures"]


# --- What Django and its packages say in Vietnamese -----------------------------------


def test_a_short_password_is_refused_in_vietnamese(languages):
    with translation.override("vi"), pytest.raises(ValidationError) as caught:
        MinimumLengthValidator(12).validate("ngan")

    assert caught.value.messages == ["Mật khẩu quá ngắn; phải có ít nhất 12 ký tự."]


def test_days_ago_are_told_in_vietnamese(languages):
    three_days_ago = timezone.now() - datetime.timedelta(days=3, minutes=1)

    with translation.override("vi"):
        assert naturaltime(three_days_ago) == "3\xa0ngày trước"


def test_packages_without_vietnamese_get_theirs_from_us(tmp_path, settings, monkeypatch):
    for name in PACKAGES:
        ignored = shutil.ignore_patterns("locale", "providers")
        shutil.copytree(SITE_PACKAGES / name, tmp_path / name, ignore=ignored)
    (tmp_path / "locale").mkdir()
    settings.LOCALE_PATHS = [tmp_path / "locale"]
    monkeypatch.chdir(tmp_path)

    call_command("makemessages", locale=["vi"], no_location=True, no_wrap=True, verbosity=0)

    asked = texts(catalogue("vi", tmp_path / "locale"))
    with translation.override("vi"):
        known = {text for text in asked if translation.gettext(forms(text)[0]) != forms(text)[0]}
    assert asked - known - texts(catalogue("vi")) == set()


# --- The switch -----------------------------------------------------------------------


def test_the_switch_turns_the_pages_into_english(client, db, languages):
    before = client.get("/").content.decode()

    answer = client.post("/ngon-ngu/", {"language": "en", "next": "/"})
    after = client.get("/")

    assert answer.status_code == 302
    assert '<html lang="vi">' in before
    assert "Ông/bà cần làm thủ tục gì?" in before
    assert '<html lang="en">' in after.content.decode()
    assert "<h1>What do you need to do?</h1>" in after.content.decode()
    assert after.headers["Content-Language"] == "en"


def test_the_switch_turns_them_back_into_vietnamese(english):
    english.post("/ngon-ngu/", {"language": "vi", "next": "/"})

    assert "<h1>Ông/bà cần làm thủ tục gì?</h1>" in english.get("/").content.decode()


@pytest.mark.parametrize("wished", ["en", "en-GB,en;q=0.9", "fr,en;q=0.5", "*"])
def test_vietnamese_is_the_language_whatever_the_browser_asks_for(client, db, languages, wished):
    page = client.get("/", headers={"accept-language": wished})

    assert '<html lang="vi">' in page.content.decode()
    assert page.headers["Content-Language"] == "vi"


@pytest.mark.parametrize("chosen", ["fr", "EN", "../en", ""])
def test_a_language_that_the_portal_does_not_speak_is_vietnamese(client, db, languages, chosen):
    client.cookies["django_language"] = chosen

    assert '<html lang="vi">' in client.get("/").content.decode()


def test_the_switch_leads_to_no_other_site(client, db):
    answer = client.post("/ngon-ngu/", {"language": "en", "next": "https://xau.example/"})

    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize("name", ["home", "help", "procedures:list", "dossiers:track"])
def test_a_public_page_in_english_has_no_vietnamese_of_the_portal(english, name):
    """What the office wrote itself (names, addresses, procedures) stays Vietnamese."""
    page = english.get(reverse(name))

    assert vietnamese_of_the_portal(page) == set()


def test_the_citizens_pages_in_english_have_no_vietnamese_of_the_portal(english):
    owner = factories.user()
    draft = factories.draft(factories.COPY, owner=owner)
    unpaid = factories.filed(factories.COPY, owner=owner)
    english.force_login(owner)
    of_the_draft = "draft office documents check discard behalf draft_people".split()
    of_the_filed = ("detail", "filed", "people", "messages", "withdraw")
    addresses = [
        *(reverse(f"dossiers:{name}") for name in ("mine", "notices", "preferences", "wallet")),
        reverse("dossiers:start", args=[factories.COPY]),
        *(reverse(f"dossiers:{name}", args=[draft.key]) for name in of_the_draft),
        *(reverse(f"dossiers:{name}", args=[unpaid.code]) for name in of_the_filed),
        reverse("payments:start", args=[unpaid.code]),
        *(reverse(name) for name in ("profile", "my_data", "close_account", "usersessions_list")),
    ]

    left = set().union(*(vietnamese_of_the_portal(english.get(url)) for url in addresses))

    assert left == set()


def test_the_officials_pages_in_english_have_no_vietnamese_of_the_portal(english):
    office = factories.Office()
    dossier = office.accepted(factories.filed())
    english.force_login(office.officer)
    addresses = [
        reverse("admin:dossiers_dossier_changelist"),
        reverse("admin:dossiers_dossier_change", args=[dossier.pk]),
    ]

    left = set().union(*(vietnamese_of_the_portal(english.get(url)) for url in addresses))

    assert left == set()


def vietnamese_of_the_portal(page) -> set[str]:
    """The texts of a page that are msgids which English says otherwise."""
    assert page.status_code == 200
    shown = {html.unescape(text).strip() for text in re.findall(r">([^<]+)<", page.text)}
    own = {
        message.id
        for message in catalogue("en")
        if isinstance(message.id, str) and message.id and message.id != message.string
    }
    return shown & own - {"Tiếng Việt"} - WORDS_OF_PROCEDURES


# --- What is written down stays Vietnamese --------------------------------------------


@pytest.fixture
def acting_in_english(db, languages):
    """Whoever does something in these tests reads the portal in English."""
    with translation.override("en"):
        yield


@pytest.fixture
def accepted_in_english(acting_in_english):
    return factories.Office().accepted(factories.filed())


def test_notices_are_vietnamese_whoever_acts(accepted_in_english):
    accepted = accepted_in_english

    subjects = set(Notice.objects.filter(dossier=accepted).values_list("subject", flat=True))

    with translation.override("vi"):
        written = {
            str(WORDS[name].subject) % {"code": accepted.code} for name in ("submit", "accept")
        }
    assert subjects == written


def test_papers_are_vietnamese_whoever_acts(accepted_in_english):
    receipt = Paper.objects.get(dossier=accepted_in_english, kind=Paper.Kind.RECEIPT).facts

    with translation.override("vi"):
        delivery = accepted_in_english.get_delivery_display()
    assert (receipt["channel"], receipt["delivery"]) == ("Trực tuyến", delivery)


def test_a_refusal_is_vietnamese_whoever_signs(acting_in_english):
    office = factories.Office()
    refused = Dossier.Outcome.REFUSED
    proposed = office.proposed(factories.filed(), outcome=refused, reason="Hồ sơ không có thật")

    approved = workflow.perform(proposed, "approve", by=office.approver)

    result = approved.results.get()
    assert result.title == "Thông báo không giải quyết hồ sơ"
    assert result.facts["kind"] == "THÔNG BÁO"


def test_a_payment_confirmation_is_vietnamese_whoever_takes_the_money(acting_in_english):
    cashier = factories.Office().cashier
    dossier = factories.filed(factories.COPY)

    services.take_cash(services.payable(dossier), by=cashier)

    assert dossier.papers.get(kind=Paper.Kind.PAYMENT).facts["method"] == "Tiền mặt tại quầy"


def test_the_draft_result_is_proposed_in_vietnamese_whoever_writes_it(acting_in_english):
    dossier = factories.filed(factories.BIRTH)

    form = MoveForm(workflow.ACTIONS["send_draft"], dossier)

    with translation.override("vi"):
        expected = MoveForm(workflow.ACTIONS["send_draft"], dossier)
    assert form.fields["draft"].initial == expected.fields["draft"].initial
