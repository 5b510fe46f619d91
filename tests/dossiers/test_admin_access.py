"""Who gets through where: role x action x state x office, and every address of the admin.

The tables are written by hand, not read from the code. An address that is in none of them
fails with its name: whoever adds one says here for whom it is.
"""

from __future__ import annotations

import dataclasses
import itertools
import re

import pytest
from django.contrib.admin.sites import site as officials_site
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import Client, RequestFactory
from django.urls import resolve, reverse

from dossiers import officials, workflow
from dossiers.models import Dossier, Event, Proposal, Recusal
from procedures.models import Agency, Posting
from tests import factories
from tests.dossiers.test_workflow import LEADS, WHO

pytestmark = pytest.mark.django_db

Role = Posting.Role
State = Dossier.State

# Roles by one letter each, as the tables write them.
LETTERS = {
    "r": Role.RECEPTION, "o": Role.CASE_OFFICER, "a": Role.APPROVER, "l": Role.LEADER,
    "c": Role.CASHIER, "e": Role.EDITOR, "s": Role.SUPERVISOR, "m": Role.ADMINISTRATOR,
}  # fmt: skip
HANDLES, ACTS, ALL = "roalcs", "roalc", "roalcesm"

# Pages registered with `officials.page`: to whom each opens somewhere.
PAGES = {
    "exemptions": "rals", "bank_line": "cls", "bank_lines": "cls", "bank_statement": "cls",
    **dict.fromkeys(
        ("collect", "collect_one", "collect_done", "parcel", "parcels", "parcels_chosen",
         "parcels_file", "parcels_file_outcome"), "r",
    ),
    "uncollected": "rs", "breach": HANDLES, "breaches": "ls", "cash_close": "c", "cash_desk": "c",
    "money": "lcs", "money_report": "lcs", "reconcile": "lcs", "reconciliation": "lcs",
    "counter_discard": "r", "counter_done": "r",
    "counter_entries": "r", "counter_entry": "r", "counter_file": "r", "counter_form": "r",
    "counter_new": "r", "counter_paper": "r", "counter_scanned": "r", "desk": "als",
    "dossier_page_image": ALL, "dossiers_batch": HANDLES, "dossiers_batch_print": HANDLES,
    "dossiers_batch_result": HANDLES, "dossiers_next": "ro", "dossiers_view_delete": HANDLES,
    "dossiers_view_save": HANDLES, "end_stand_in": "lm", "kept_reports": "als",
    "office_paper": HANDLES, "office_paper_file": HANDLES, "complaint": "ls",
    "complaints": "ls", "opinion": ALL,
    "opinions_waiting": ALL, "quick_entry": "r", "quick_entry_card": "r",
    "quick_entry_part": "r", "rating_read": "s", "ratings": "s", "register": "rals",
    "relative_remove": ACTS, "relatives": ACTS,
    "refund": "clas", "refund_propose": "c", "refund_propose_line": "c", "refunds": "clas",
    "receipts": "lcs", "legal_receipt_again": "c",
    "report_dossiers": "als", "report_export": "als", "reports": "als", "reserved_codes": "r",
    "certificate_revoke": "m", "certificates": "m", "result_change_file": HANDLES,
    "result_document": HANDLES, "sign_again": "al", "token_batch": "al", "token_download": "al",
    "sign_batch": "al", "stand_ins": "lm",
}  # fmt: skip

# Lists of models: who sees, adds, changes, deletes. Nothing is deleted but what never was.
MODELS = {
    "account_emailaddress": ("", "", "", ""),
    "dossiers_dossier": (HANDLES, "", "", ""),
    "dossiers_legalground": ("m", "m", "m", ""),
    "dossiers_postage": ("m", "m", "m", "m"),
    "dossiers_question": ("rolsm", "", "rolm", ""),
    "dossiers_replytemplate": ("m", "m", "m", ""),
    "payments_gatewaymessage": ("lcs", "", "", ""),
    "payments_payment": ("lcs", "", "", ""),
    "portal_user": ("m", "m", "m", "m"),  # deleting leads back with the reason why not
    "procedures_absence": ("m", "m", "m", ""),  # one to come alone: tests/portal/test_roles.py
    "procedures_agency": ("m", "", "m", ""),
    "procedures_calendarday": ("m", "m", "m", "m"),
    "procedures_catalogueload": ("em", "em", "", ""),
    "procedures_lifeevent": ("em", "em", "em", ""),
    "procedures_nationalupdate": ("em", "", "", ""),
    "procedures_posting": ("m", "m", "m", ""),
    "procedures_procedure": ("em", "", "em", ""),
    "procedures_revision": ("em", "", "em", ""),
    "procedures_searchmiss": ("em", "", "em", "em"),
    "procedures_sector": ("em", "em", "em", ""),
}  # fmt: skip

# Other addresses of models: who gets through.
OTHERS = {
    "auth_user_password_change": "", "portal_user_open": "r", "portal_user_renew": "r",
    "portal_user_slip": "r", "payments_payment_cash": HANDLES,
    "dossiers_dossier_checks": "roalc", "dossiers_dossier_notes": HANDLES,
    "dossiers_dossier_ask": HANDLES, "dossiers_dossier_opinion": HANDLES,
    "dossiers_dossier_move": HANDLES, "dossiers_dossier_messages": HANDLES,
    **dict.fromkeys(
        (
            "procedures_catalogueload_publish", "procedures_catalogueload_dismiss",
            "procedures_nationalupdate_decide", "procedures_revision_start",
            "procedures_revision_write", "procedures_revision_edit",
            "procedures_revision_preview", "procedures_revision_publish",
            "procedures_revision_unschedule", "procedures_revision_drop",
            "procedures_revision_retire", "procedures_revision_retired",
            "procedures_revision_file",
        ),
        "em",
    ),
}  # fmt: skip
# Django's own pages, of the person themselves or of nobody.
OWN = {
    "index", "login", "logout", "password_change", "password_change_done", "autocomplete",
    "jsi18n", "view_on_site", "app_list", None,
}  # fmt: skip


def addresses() -> dict[str, str]:
    """Every named address of the officials' site, by name, as its route."""
    found: dict[str, str] = {}
    _collect(officials_site.urls[0], "", found)
    return found


def _collect(patterns: list, before: str, found: dict[str, str]) -> None:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            _collect(pattern.url_patterns, route, found)
        else:
            found[pattern.name] = route


def standard(name: str) -> tuple[str, str] | None:
    """The model and what is done, where it is one of Django's five addresses of a model."""
    model, _separator, what = (name or "").rpartition("_")
    is_standard = what in {"changelist", "add", "change", "history", "delete"}
    return (model, what) if is_standard and model in MODELS else None


def expected(name: str, method: str) -> str:
    """The letters of those who get through at an address."""
    if name in PAGES:
        return PAGES[name]
    if (found := standard(name)) is None:
        return OTHERS[name]
    sees, adds, changes, deletes = MODELS[found[0]]
    changing = changes if method == "post" else sees
    return {"add": adds, "delete": deletes, "change": changing}.get(found[1], sees)


@pytest.fixture
def dossier() -> Dossier:
    """One of the demo commune, with a fee to pay."""
    return factories.filed(factories.COPY)


def path_of(route: str, dossier: Dossier) -> str:
    """An address with the dossier's own values in it."""
    route = route.replace("<slug:reference>", dossier.payments.get().reference)
    route = route.replace("<slug:name>", "refuse").replace("<str:kind>", "yaml")
    return "/quan-tri/" + re.sub(r"<(\w+:)?\w+>", str(dossier.pk), route)


def answer(path: str, method: str, user, data: dict | None = None) -> int:
    """The status that a person gets, past the middleware, drawing no page that is refused.

    A redirect to the start of the site, which is how Django says that an object is not
    there, counts as 404.
    """
    request = getattr(RequestFactory(), method)(path, data)
    request.user, request.session = user, SessionStore()
    request._messages, request.htmx = CookieStorage(request), False
    request._dont_enforce_csrf_checks = True
    request.resolver_match = match = resolve(path)
    try:
        response = match.func(request, *match.args, **match.kwargs)
    except PermissionDenied:
        return 403
    except Http404:
        return 404
    is_nowhere = response.headers.get("Location") == "/quan-tri/"
    return 404 if is_nowhere else response.status_code


# --- Addresses ------------------------------------------------------------------------


def test_every_address_of_the_admin_is_in_the_table_and_nothing_else_is():
    names = set(addresses())
    told = set(PAGES) | set(OTHERS) | OWN
    told |= {f"{model}_{what}" for model in MODELS for what in _FIVE}

    assert names - told == set()
    assert told - names == set()
    assert set(PAGES) == set(officials.PAGES)


_FIVE = ("changelist", "add", "change", "history", "delete")


def test_each_role_gets_through_where_the_table_says_and_nowhere_else(dossier):
    people = {letter: factories.official(role) for letter, role in LETTERS.items()}
    wrong = []

    for name, route in addresses().items():
        if name in OWN:
            continue
        path = path_of(route, dossier)
        for method, letter in itertools.product(("get", "post"), people):
            through = expected(name, method)
            if letter in through[1:]:
                continue  # one of those who get through; drawing the page for each is slow
            status = answer(path, method, people[letter])
            # What is not there is not there for those who may look either.
            is_fine = status != 403 if letter in through else status in {403, 404, 405}
            if not is_fine or status >= 500:
                wrong.append(f"{name} {method} {LETTERS[letter]} {status}")

    assert wrong == []


def test_who_sees_a_list_sees_it_and_who_adds_may_add():
    people = {letter: factories.official(role) for letter, role in LETTERS.items()}
    seen = {
        (model, what): "".join(
            letter
            for letter, person in people.items()
            if answer(reverse(f"admin:{model}_{what}"), "get", person) == 200
        )
        for model in MODELS
        for what in ("changelist", "add")
    }

    assert seen == {
        (model, what): letters
        for model, (sees, adds, _changes, _deletes) in MODELS.items()
        for what, letters in (("changelist", sees), ("add", adds))
    }


def test_the_same_roles_of_another_office_reach_nothing_of_a_dossier(dossier):
    names = [name for name in addresses() if (name or "").startswith("dossiers_dossier_")]
    names = [*(set(names) - {"dossiers_dossier_changelist", "dossiers_dossier_add"})]
    names += ["payments_payment_cash", "payments_payment_change", "payments_payment_history"]
    routes = {name: path_of(addresses()[name], dossier) for name in names}
    strangers = {
        letter: factories.official(role, office=factories.OTHER_COMMUNE)
        for letter, role in LETTERS.items()
    }

    reached = {
        (name, method, letter): status
        for letter, person in strangers.items()
        for name, path in routes.items()
        for method in ("get", "post")
        if (status := answer(path, method, person)) not in {403, 404, 405}
    }

    assert reached == {}
    assert not Event.objects.filter(dossier=dossier, actor__in=strangers.values()).exists()


def test_strangers_citizens_and_officials_without_a_second_factor_meet_the_door(dossier, settings):
    settings.DEMO = False
    people = [AnonymousUser(), factories.user(), *_officials_of_all_roles()]

    opened = {
        (name, person.pk, method)
        for name, route in addresses().items()
        if name not in {"login", None, "app_list"}
        for person in people
        for method in ("get", "post")
        if answer(path_of(route, dossier), method, person) not in {302, 404}
    }

    assert opened == set()


def _officials_of_all_roles() -> list:
    """One official with all roles at once: the second factor is asked of the person."""
    person = factories.official(Role.RECEPTION)
    for role in set(Role.values) - {Role.RECEPTION}:
        Posting.objects.create(
            user=person, agency=Agency.objects.get(code=factories.COMMUNE), role=role
        )
    return [person]


def test_a_supervisor_changes_nothing_by_any_post(dossier):
    person = factories.official(Role.SUPERVISOR)
    before = Dossier.objects.filter(pk=dossier.pk).values().get()
    typed = {
        "version": dossier.version, "reason": "Lý do", "text": "Chữ", "body": "Chữ",
        "explanation": "Chữ", "post": "yes", "ids": dossier.pk, "_selected_action": dossier.pk,
        "action": "accept",
    }  # fmt: skip

    for name, route in addresses().items():
        if name not in OWN and name != "dossiers_view_save":  # their own filter of the queue
            answer(path_of(route, dossier), "post", person, typed)
    for name in workflow.ACTIONS:
        move = reverse("admin:dossiers_dossier_move", args=[dossier.pk, name])
        answer(move, "post", person, typed)

    after = Dossier.objects.filter(pk=dossier.pk).values().get()
    assert after == before
    assert not Event.objects.exclude(name__in=["look", "submit"]).filter(dossier=dossier).exists()
    assert not Proposal.objects.exists() and not Recusal.objects.exists()
    assert dossier.payments.get().state == "pending"
    for related in ("messages", "breaches", "opinions"):
        assert not getattr(dossier, related).exists(), related


# --- Moves ----------------------------------------------------------------------------

ORDER = tuple(role for role in Role.values)


@pytest.fixture
def bare_actions(monkeypatch):
    """Every action with nothing but the door before it."""
    for name, action in workflow.ACTIONS.items():
        bare = dataclasses.replace(
            action,
            run=lambda move: None,
            possible=lambda dossier: True,
            offered=lambda dossier: True,
        )
        monkeypatch.setitem(workflow.ACTIONS, name, bare)


def posted_at(role: str, place: str):
    """An official with this role at the dossier's own office, above it, or elsewhere."""
    at_desk = role in {Role.RECEPTION, Role.CASHIER}
    own = factories.DESK if at_desk else factories.COMMUNE
    codes = {"own": own, "above": "H50.TINH", "elsewhere": factories.OTHER_COMMUNE}
    return factories.official(role, office=codes[place])


def test_a_move_is_open_to_its_roles_at_its_office_and_above_and_to_nobody_else(
    dossier, bare_actions
):
    top = Agency.objects.create(code="H50.TINH", name="Ủy ban nhân dân tỉnh", tier="province")
    Agency.objects.filter(code=factories.COMMUNE).update(parent=top)
    people = {
        (role, place): posted_at(role, place)
        for role in ORDER
        for place in ("own", "above", "elsewhere")
    }
    wrong = []

    for state in set(State.values) - {State.DRAFT}:
        Dossier.objects.filter(pk=dossier.pk).update(state=state)
        held = Dossier.objects.select_related(
            "receiving_agency__parent__parent", "handling_agency__parent", "owner"
        ).get(pk=dossier.pk)
        for (role, place), person in people.items():
            offered = {action.name for action in workflow.open_to(held, person)} & set(WHO)
            due = {
                name
                for name, who in WHO.items()
                if role in who and place != "elsewhere" and state in LEADS[name][0].split()
            }
            if offered != due:
                wrong.append((state, role, place, offered ^ due))

    assert wrong == []


def test_a_move_that_is_not_ones_own_is_refused_at_the_door(dossier, bare_actions):
    people = {
        (role, place): posted_at(role, place) for role in ORDER for place in ("own", "elsewhere")
    }
    people["citizen", ""] = factories.user()
    people["superuser", ""] = factories.user(is_staff=True, is_superuser=True)
    before = Dossier.objects.filter(pk=dossier.pk).values().get()
    made = []

    for (role, place), person in people.items():
        for name, who in WHO.items():
            if role in who and place == "own":
                continue
            try:
                workflow.perform(dossier, name, by=person)
            except workflow.NotAllowed:
                continue
            made.append((role, place, name))

    assert made == []
    assert Dossier.objects.filter(pk=dossier.pk).values().get() == before


# --- Bad input ------------------------------------------------------------------------


def page_of(client: Client, dossier: Dossier):
    return client.get(reverse("admin:dossiers_dossier_change", args=[dossier.pk]))


def logged_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_a_move_of_another_role_is_refused_with_a_sentence_logged_and_the_reason_kept(
    dossier, caplog
):
    officer = factories.official(Role.CASE_OFFICER, full_name="Lê Thị Lý")
    address = reverse("admin:dossiers_dossier_move", args=[dossier.pk, "request_payment"])
    typed = {"version": dossier.version, "reason": "Thiếu lệ phí bản sao"}

    response = logged_in(officer).post(address, typed)

    page = response.content.decode()
    logged = [record.getMessage() for record in caplog.records]
    assert response.status_code == 409
    assert "không có quyền thực hiện việc này" in page and "Thiếu lệ phí bản sao" in page
    assert f"refused: user {officer.pk}, POST {address}: 409" in logged
    assert "Lê Thị Lý" not in caplog.text and "Thiếu" not in caplog.text
    assert Dossier.objects.get(pk=dossier.pk).version == dossier.version


def test_a_hand_edited_address_of_another_office_is_not_found_and_logged(caplog):
    dossier = factories.filed()
    stranger = factories.official(Role.RECEPTION, office=factories.OTHER_COMMUNE)
    file = dossier.attachments.first()
    client = logged_in(stranger)

    answers = [
        page_of(client, dossier).status_code,
        client.get(f"/ho-so/tep/{file.key}/").status_code,
    ]

    assert answers == [404, 404]
    assert f"refused: user {stranger.pk}, GET /quan-tri/" in caplog.text
    assert f"refused: user {stranger.pk}, file:{file.pk} of dossier {dossier.pk}" in caplog.text


def test_files_open_to_officials_only_with_the_second_factor_of_this_session(settings):
    dossier = factories.filed()
    clerk = factories.official(Role.RECEPTION)
    address = f"/ho-so/tep/{dossier.attachments.first().key}/"
    client = logged_in(clerk)
    in_the_demo = status_of(client, address)
    settings.DEMO = False

    without = status_of(client, address)
    session = client.session
    session["account_authentication_methods"] = [{"method": "mfa"}]
    session.save()

    assert (in_the_demo, without, status_of(client, address)) == (200, 404, 200)


def status_of(client: Client, address: str) -> int:
    """The status of a download that is read to its end."""
    response = client.get(address)
    b"".join(response)
    return response.status_code


def test_an_official_who_left_stays_named_and_does_nothing(dossier):
    office = factories.Office()
    clerk = factories.official(Role.RECEPTION, full_name="Bùi Thị Nghỉ")
    funeral = factories.filed()
    client = logged_in(clerk)
    before = page_of(client, funeral).status_code
    workflow.perform(funeral, "accept", by=clerk)
    type(clerk).objects.filter(pk=clerk.pk).update(is_active=False)

    after = page_of(client, funeral)
    moved = client.post(
        reverse("admin:dossiers_dossier_move", args=[funeral.pk, "request_payment"]),
        {"version": 2, "reason": "Lý do"},
    )

    assert before == 200
    assert (after.status_code, moved.status_code) == (302, 302)
    assert Dossier.objects.get(pk=funeral.pk).state == "accepted"
    assert "Bùi Thị Nghỉ" in page_of(logged_in(office.officer), funeral).content.decode()
