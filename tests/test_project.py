"""The house itself: what holds for every module, every address, every page."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, get_resolver, path, reverse

from dossiers.models import Dossier
from procedures.models import Agency
from tests import factories

ROOT = Path(settings.BASE_DIR)
APPS = ("procedures", "dossiers", "payments", "portal")  # each may import those before it
SOURCES = [file for app in APPS for file in sorted((ROOT / app).rglob("*.py"))]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
VIETNAMESE = re.compile(
    "[àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ]", re.IGNORECASE
)


def name_of(file: Path) -> str:
    return str(file.relative_to(ROOT))


# --- Modules --------------------------------------------------------------------------


def imported(tree: ast.AST) -> set[str]:
    """The top packages that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize("app", APPS)
def test_an_app_imports_only_what_is_below_it(app):
    above = set(APPS[APPS.index(app) + 1 :])

    wrong = {
        name_of(file): found
        for file in SOURCES
        if file.relative_to(ROOT).parts[0] == app and "migrations" not in file.parts
        for found in [imported(ast.parse(file.read_text("utf-8"))) & above]
        if found
    }

    assert wrong == {}


def test_no_module_is_a_drawer_for_everything():
    names = {"utils", "helpers", "common", "core", "misc", "managers", "selectors", "signals"}

    assert [name_of(file) for file in SOURCES if {file.stem, file.parent.name} & names] == []


def test_a_dossier_is_moved_by_the_moves_alone():
    moves = {
        t.method.__name__ for t in Dossier._meta.get_field("state").get_all_transitions(Dossier)
    }

    callers = {
        name_of(file)
        for file in SOURCES
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in moves
    }

    assert callers == {"dossiers/counter/entry.py", "dossiers/moves.py"}


@pytest.mark.django_db
def test_migrations_are_in_step_with_the_models():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


# --- Words in Python ------------------------------------------------------------------

GETTEXT = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"}
# Data, not words of ours: names of peoples and countries, how amounts are spelled, demo people,
# what the keys of procedure files mean, the sheets of the catalogue's workbook, what the
# national catalogue calls its tiers.
DATA = {
    "procedures/formspec/lists.py",
    "procedures/formspec/spec.py",
    "procedures/loading/keywords.py",
    "procedures/loading/national.py",
    "procedures/loading/sheets.py",
    "procedures/spelling.py",
    "portal/management/commands/seed_demo.py",
    "portal/settings.py",
}


def bare_texts(tree: ast.Module) -> list[tuple[int, str]]:
    """The Vietnamese texts outside gettext, docstrings and the help of commands."""
    passed = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in GETTEXT:
            passed |= set(ast.walk(node))
        if isinstance(node, ast.keyword) and node.arg == "help":
            passed |= set(ast.walk(node))
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "help":
            passed |= set(ast.walk(node))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            passed.add(node.value)
    return [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node not in passed
        and VIETNAMESE.search(node.value)
    ]


# What is Vietnamese in any language: the portal's name, the currency, numbers and dates as
# Vietnamese papers spell them, what is read from forms, names in the demo's certificates.
SAME_IN_EVERY_LANGUAGE = {
    "Cổng Một Cửa", "Một Cửa", "đồng", "đ", "Đ", "có", "không rõ",
    "không", "một", "bốn", "năm", "sáu", "bảy", "tám", "chín", "mười", "mươi", "nghìn", "trăm",
    "lăm", "mốt", "tư", "Ngày", "ngày", "tháng", "%H:%M ngày %d/%m/%Y",
    r"([0-9]{1,2})\s*(?::|giờ|g|h)\s*([0-9]{1,2})?\s*(?:phút)?",
    "UBND xã Gio Linh (bản minh hoạ)", "Tổ chức chứng thực (bản minh hoạ)",
    "(bản minh hoạ)",
}  # fmt: skip


def test_every_vietnamese_text_in_python_goes_through_gettext():
    found = [
        f"{name_of(file)}:{line}: {text}"
        for file in SOURCES
        if name_of(file) not in DATA and "migrations" not in file.parts
        for line, text in bare_texts(ast.parse(file.read_text("utf-8")))
        if text.strip() not in SAME_IN_EVERY_LANGUAGE
    ]

    assert not found, "\n".join(found)


# --- Templates ------------------------------------------------------------------------

TRANSLATED = re.compile(r"(?s){%-?\s*blocktranslate\b.*?{%\s*endblocktranslate\s*%}")
COMMENTS = re.compile(r"(?s){#.*?#}|{%\s*comment\s*%}.*?{%\s*endcomment\s*%}|<!--.*?-->")
SPOKEN = {"alt", "title", "aria-label", "placeholder", "content", "summary"}
LETTERS = re.compile(r"[^\W\d_]{2,}")


class Words(HTMLParser):
    """Collects the texts and spoken attributes of a page, and what CSP would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.inline: list[str] = []
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        values = dict(attrs)
        self.inline += [name for name in values if name == "style" or name.startswith("on")]
        self.inline += [v for v in values.values() if v and v.strip().startswith("javascript:")]
        is_data = values.get("type") in {"application/json", "application/ld+json"}
        if tag == "style" or (tag == "script" and "src" not in values and not is_data):
            self.inline.append(tag)
        if tag != "meta":
            self.words += [value or "" for name, value in attrs if name in SPOKEN - {"content"}]
        if tag == "html" or "lang" in values:
            self.inside.append(tag if tag != "html" else "")
        elif tag in {"style", "script"} or values.get("translate") == "no":
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not any(self.inside):
            self.words.append(data)


def without_tags(source: str) -> str:
    source = re.sub(r"{% block page_class %}.*?{% endblock %}", " ", source)
    source = TRANSLATED.sub(" ", COMMENTS.sub(" ", source))
    source = re.sub(r"<(/?)(?={%)", r"<\1x ", source)  # a tag whose name is chosen
    return re.sub(r"(?s){%.*?%}|{{.*?}}", " ", source)


@pytest.mark.parametrize("file", TEMPLATES, ids=name_of)
def test_a_template_has_no_text_outside_translate(file):
    page = Words()

    page.feed(without_tags(file.read_text("utf-8")))

    words = [word.replace("SHA-256", "").strip() for word in page.words]
    assert [word for word in words if LETTERS.search(word)] == []


# What is printed or mailed is never shown by a browser of ours.
SHOWN = [file for file in TEMPLATES if not {"papers", "emails"} & set(file.parts)]


@pytest.mark.parametrize("file", SHOWN, ids=name_of)
def test_a_template_has_no_inline_style_or_script(file):
    page = Words()

    page.feed(without_tags(file.read_text("utf-8")))

    assert page.inline == []


# --- Addresses ------------------------------------------------------------------------

PUBLIC = {
    "home", "help", "healthz", "readyz", "set_language", "procedures:list", "procedures:by_code",
    "procedures:suggestions",
    "procedures:needs", "procedures:changes", "procedures:recent",
    "procedures:detail", "procedures:blank_form", "procedures:blank_docx",
    "procedures:printed_paper", "procedures:form_file", "procedures:life_event",
    "procedures:agency",
    "about", "portal_map", "sector_map", "sitemap", "robots", "procedures:open_data",
    "procedures:open_data_procedures", "procedures:open_data_procedure",
    "procedures:open_data_everything", "procedures:open_data_csv",
    "procedures:open_data_offices", "procedures:open_data_life_events",
    "dossiers:invitation",
    "dossiers:questions", "dossiers:ask", "dossiers:asked", "dossiers:question_track",
    "dossiers:question",
    "dossiers:track", "dossiers:track_signed", "dossiers:verify", "dossiers:verify_token",
    "dossiers:roots", "dossiers:roots_json", "dossiers:satisfaction",
    "payments:return", "payments:bank_webhook",
    "payments:ipn", "payments:sandbox", "payments:sandbox_query", "payments:sandbox_momo",
    "payments:sandbox_momo_api", "account_login",
    "account_signup", "account_logout", "account_inactive", "account_reset_password",
    "account_confirm_password_reset_code", "account_complete_password_reset",
    "account_password_reset_completed", "account_verify_phone", "activate",
    "socialaccount_signup", "socialaccount_login_cancelled", "socialaccount_login_error",
    "openid_connect_login", "openid_connect_callback", "None",
    "account_email_verification_sent", "mfa_authenticate",
    "mfa_login_webauthn", "mfa_trust", "account_login_by_code", "account_request_login_code",
    "account_confirm_login_code",
}  # fmt: skip
LOGIN = {
    "dossiers:behalf", "dossiers:draft_people", "dossiers:shared_draft", "dossiers:people",
    "dossiers:read_pdf", "dossiers:pdf_read", "dossiers:printed_paper",
    "dossiers:printed_form",
    "dossiers:my_questions", "dossiers:notices", "dossiers:preferences",
    "dossiers:mine", "dossiers:start", "dossiers:copy", "dossiers:draft", "dossiers:office",
    "dossiers:section",
    "dossiers:documents", "dossiers:check", "dossiers:discard", "dossiers:detail",
    "dossiers:chain", "dossiers:messages", "dossiers:rate", "dossiers:complaints",
    "dossiers:filed", "dossiers:supplement", "dossiers:draft_result", "dossiers:withdraw",
    "dossiers:delivery",
    "dossiers:supplement_paper", "dossiers:supplement_section",
    "dossiers:bundle", "dossiers:wallet", "dossiers:keep_paper", "dossiers:kept_paper",
    "dossiers:forget_paper", "dossiers:use_paper", "dossiers:use_paper_again",
    "dossiers:upload", "dossiers:upload_supplement",
    "dossiers:attachment", "dossiers:remove_attachment", "dossiers:paper", "dossiers:result",
    "payments:start", "payments:legal_receipt", "payments:transfer", "payments:sandbox_bank",
    "payments:go", "account_reauthenticate",
    "account_email", "account_change_password",
    "account_set_password", "account_change_phone", "usersessions_list",
    "socialaccount_connections", "profile", "my_data", "ask_for_data", "fetch_data",
    "close_account",
    "mfa_index", "mfa_activate_totp", "mfa_deactivate_totp", "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes", "mfa_download_recovery_codes", "mfa_reauthenticate",
    "mfa_list_webauthn", "mfa_add_webauthn", "mfa_remove_webauthn", "mfa_edit_webauthn",
    "mfa_reauthenticate_webauthn", "lock_screen", "switch_person", "resume_work",
}  # fmt: skip
SAMPLES = {
    "key": "khong-co-khoa", "token": "khong-co", "section_id": "phan", "slug": "khong-co",
    "uidb36": "1", "pk": "1", "method": "vnpay",
}  # fmt: skip


def addresses() -> dict[str, str]:
    """Every address outside the officials' site by its name, with sample values in it."""
    found: dict[str, str] = {}
    _collect(get_resolver().url_patterns, "/", "", found)
    return found


def _collect(patterns: list, before: str, space: str, found: dict[str, str]) -> None:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if not isinstance(pattern, URLPattern):
            name = f"{space}{pattern.namespace}:" if pattern.namespace else space
            if pattern.namespace != "admin":
                _collect(pattern.url_patterns, route, name, found)
            continue
        found[f"{space}{pattern.name}"] = _filled(route)


def _filled(route: str) -> str:
    route = re.sub(r"\(\?P<code>\[0-9\.\][^)]*\)", factories.FUNERAL, route)
    route = re.sub(r"\(\?P<code>\[A-Z0-9\.\]\{3,20\}\)", factories.COMMUNE, route)
    route = re.sub(r"\(\?P<code>[^)]*\)", "000.01.61.H50-261124-0001", route)
    route = re.sub(r"\(\?P<(\w+)>[^)]*\)", lambda m: SAMPLES.get(m[1], "khong-co"), route)
    route = re.sub(r"<(?:\w+:)?(\w+)>", lambda m: SAMPLES.get(m[1], "khong-co"), route)
    return route.replace("\\.", ".").replace("^", "").replace("$", "").replace("\\Z", "")


def test_every_address_says_who_may_open_it():
    names = set(addresses())

    assert names - PUBLIC - LOGIN == set()
    assert not PUBLIC & LOGIN


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(set(addresses()) & LOGIN))
@pytest.mark.parametrize("method", ["get", "post", "head", "options", "put", "delete", "patch"])
def test_an_address_of_people_asks_a_stranger_to_log_in(name, method):
    dossier = factories.filed() if name in {"dossiers:detail", "payments:start"} else None
    address = addresses()[name]

    response = getattr(Client(), method)(address)

    assert response.status_code in {302, 401, 404, 405}, (address, response.status_code)
    if response.status_code == 302:
        assert response.headers["Location"].startswith(
            (reverse("account_login"), reverse("account_reauthenticate"))
        )
    assert dossier is None or dossier.code not in response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(set(addresses()) & PUBLIC))
def test_a_public_address_asks_nobody_to_log_in(name, client):
    factories.procedure()

    response = client.get(addresses()[name])

    assert response.status_code < 500
    assert not response.headers.get("Location", "").startswith(f"{reverse('account_login')}?")
    response.close()


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["put", "delete", "patch", "options", "head", "trace"])
@pytest.mark.parametrize("name", ["dossiers:detail", "dossiers:withdraw", "dossiers:supplement"])
def test_other_verbs_give_no_data_and_change_nothing(method, name, client):
    dossier = factories.filed()
    client.force_login(dossier.owner)
    before = Dossier.objects.filter(pk=dossier.pk).values().get()

    response = getattr(client, method)(reverse(name, args=[dossier.code]))

    assert response.status_code in {200, 302, 404, 405}
    assert response.content == b"" or response.status_code >= 400
    assert Dossier.objects.filter(pk=dossier.pk).values().get() == before


# --- Pages ----------------------------------------------------------------------------

ENGLISH = re.compile(
    r"\b(the|and|of|you|your|is|are|was|please|password|required|sign|log in|login|page|search|"
    r"submit|cancel|delete|change|add|view|field|this|that|with|from|not|or|by|show|counts|"
    r"welcome|home|none|available|filter|history|save|click|back|next|code|verify|account|"
    r"address|enter|invalid|error|forgot|remember|menu|security|task|results?|authenticators?)\b",
    re.IGNORECASE,
)
ENGLISH_THAT_IS_FINE = re.compile(
    r"https?://\S+|\S+@\S+|\b[\w.-]+\.(pdf|jpg)\b|Một Cửa|Authenticator\b(?=[^s])"
)


def words_of(response: HttpResponse) -> Words:
    page = Words()
    page.feed(response.content.decode())
    return page


def public_pages() -> list[str]:
    procedure = factories.procedure()
    return [
        "/", "/tro-giup/", "/thu-tuc/", "/thu-tuc/?q=mai+tang", "/thu-tuc/?q=zzzz",
        procedure.get_absolute_url(), procedure.current.life_events.first().get_absolute_url(),
        reverse("procedures:needs", args=[procedure.code]), reverse("procedures:recent"),
        reverse("procedures:needs", args=[procedure.code]) + "?xem=1",
        reverse("procedures:changes", args=[procedure.code]),
        Agency.objects.get(code=factories.COMMUNE).get_absolute_url(), "/tra-cuu/", "/xac-thuc/",
        "/minh-bach/hai-long/",
        "/hoi-dap/", "/hoi-dap/gui/", "/hoi-dap/theo-doi/", "/hoi-dap/da-gui/", "/gioi-thieu/",
        "/so-do-cong/", "/du-lieu-mo/",
        "/xac-thuc/khong-co/", "/khong-co-trang-nay/", reverse("account_login"),
        reverse("account_signup"), reverse("account_reset_password"),
    ]  # fmt: skip


def citizens_pages(dossier: Dossier, draft: Dossier) -> list[str]:
    def draft_page(name: str, *rest: str) -> str:
        return reverse(f"dossiers:{name}", args=[draft.key, *rest])

    return [
        reverse("dossiers:mine"), reverse("dossiers:start", args=[factories.FUNERAL]),
        reverse("dossiers:wallet"),
        reverse("dossiers:keep_paper", args=[draft.attachments.first().key]),
        reverse("dossiers:read_pdf", args=[factories.FUNERAL]), draft_page("office"),
        draft_page("section", "nguoi_mat"), draft_page("documents"), draft_page("check"),
        draft_page("discard"), dossier.get_absolute_url(),
        reverse("dossiers:filed", args=[dossier.code]),
        reverse("dossiers:messages", args=[dossier.code]),
        reverse("dossiers:withdraw", args=[dossier.code]), reverse("account_email"),
        reverse("dossiers:delivery", args=[dossier.code]),
        draft_page("behalf"), draft_page("draft_people"),
        reverse("dossiers:people", args=[dossier.code]),
        reverse("account_change_password"), reverse("mfa_index"),
    ]  # fmt: skip


def officials_pages(dossier: Dossier) -> list[str]:
    models = [
        "dossiers_dossier", "payments_payment", "payments_gatewaymessage", "procedures_agency",
        "dossiers_question",
        "procedures_posting", "procedures_calendarday", "procedures_sector",
        "procedures_lifeevent", "procedures_procedure", "portal_user", "procedures_revision",
        "procedures_catalogueload", "procedures_nationalupdate", "procedures_searchmiss",
    ]  # fmt: skip
    of_a_revision = ("change", "edit", "preview", "publish", "retire")
    return [
        reverse("admin:index"),
        *(reverse(f"admin:{model}_changelist") for model in models),
        reverse("admin:dossiers_dossier_change", args=[dossier.pk]),
        reverse("admin:procedures_agency_add"),
        *(reverse(f"admin:{name}") for name in ("collect", "parcels", "uncollected")),
        reverse("admin:procedures_posting_add"),
        reverse("admin:portal_user_add"),
        reverse("admin:portal_user_change", args=[dossier.owner_id]),
        reverse("admin:procedures_procedure_change", args=[dossier.revision.procedure_id]),
        reverse("admin:portal_user_history", args=[dossier.owner_id]),
        *(
            reverse(f"admin:procedures_revision_{name}", args=[dossier.revision_id])
            for name in of_a_revision
        ),
        reverse("admin:procedures_revision_start"),
        reverse("admin:procedures_revision_write"),
        reverse("admin:procedures_catalogueload_add"),
    ]


@pytest.fixture
def pages(db) -> dict[str, HttpResponse]:
    """Every kind of page as the person sees it to whom it belongs."""
    dossier = factories.filed()
    draft = factories.draft(owner=dossier.owner)
    citizen, boss = Client(), Client()
    citizen.force_login(dossier.owner)
    boss.force_login(factories.user(is_staff=True, is_superuser=True, is_demo=True))
    seen = {address: Client().get(address) for address in public_pages()}
    seen |= {
        address: citizen.get(address, follow=True) for address in citizens_pages(dossier, draft)
    }
    return seen | {address: boss.get(address) for address in officials_pages(dossier)}


def test_every_page_is_vietnamese_with_one_heading_and_no_inline_code(pages):
    faults = []
    for address, response in pages.items():
        source, page = response.content.decode(), words_of(response)
        if source.count("<h1") != 1:
            faults.append(f"{address}: {source.count('<h1')} h1")
        if not re.search(r'<html lang="vi"', source):
            faults.append(f"{address}: no lang=vi")
        faults += [f"{address}: inline {what}" for what in page.inline]
        for words in page.words:
            english = ENGLISH.search(ENGLISH_THAT_IS_FINE.sub(" ", words))
            if english:
                faults.append(f"{address}: {' '.join(words.split())[:80]!r}")

    assert not faults, "\n".join(faults)
    assert all(response.status_code in {200, 404} for response in pages.values())


def test_pages_of_people_are_never_kept(pages):
    personal = [address for address in pages if address.startswith(("/ho-so/", "/quan-tri/"))]

    kept = [
        address
        for address in personal
        if "no-store" not in pages[address].headers.get("Cache-Control", "")
    ]

    assert personal and kept == []


# --- Headers --------------------------------------------------------------------------


def break_down(request):
    raise RuntimeError("for the test of the page that says so")


urlpatterns = [path("hong/", break_down), *get_resolver("portal.urls").url_patterns]
handler400 = "portal.views.bad_request"


@pytest.mark.django_db
@pytest.mark.urls("tests.test_project")
@pytest.mark.parametrize(
    ("address", "status", "options"),
    [
        ("/", 200, {}),
        ("/ho-so/", 302, {}),
        ("/quan-tri/", 302, {}),
        ("/quan-tri/dossiers/dossier/?owner__password=a", 400, {"official": True}),
        ("/quan-tri/dossiers/dossier/", 200, {"official": True}),
        ("/", 400, {"headers": {"Host": "evil.example"}}),
        ("/tai-khoan/login/", 403, {"csrf": True}),
        ("/khong-co/", 404, {}),
        ("/hong/", 500, {}),
        ("/static/css/portal.css", 200, {}),
        ("/healthz", 200, {}),
    ],
)
def test_every_answer_carries_the_same_protection(address, status, options):
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    if options.get("official"):
        client.force_login(factories.official("reception"))

    ask = client.post if options.get("csrf") else client.get
    response = ask(address, headers=options.get("headers"))

    assert response.status_code == status
    policy = response.headers["Content-Security-Policy"]
    assert "unsafe" not in policy and "*" not in policy
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy and "form-action 'self'" in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in response.headers["Permissions-Policy"]
    if not address.startswith("/static/"):
        assert response.headers.get("X-Frame-Options", "DENY") == "DENY"
    response.close()


# --- Production -----------------------------------------------------------------------


def production(folder: Path, **changes: str) -> dict[str, str]:
    """The environment of a real office, complete but for what `changes` takes back."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    key = folder / "office.p12"
    key.touch()
    return (
        kept
        | {
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "PRODUCTION": "1",
            "DEMO": "0",
            "VAR_DIR": str(folder),
            "SECRET_KEY": "k3-" + "aB9!xY7@" * 8,
            "SITE_URL": "https://motcua.example.vn",
            "ALLOWED_HOSTS": "motcua.example.vn",
            "TRUSTED_PROXY_COUNT": "1",
            "DATABASE_URL": "postgresql://motcua:secret@db.example.vn/motcua",
            "REDIS_URL": "redis://cache.example.vn:6379/0",
            "AWS_STORAGE_BUCKET_NAME": "motcua",
            "EMAIL_HOST": "mail.example.vn",
            "SMS_BACKEND": "dossiers.channels.Port",
            "VNPAY_PAY_URL": "https://pay.example.vn/paymentv2/vpcpay.html",
            "VNPAY_TMN_CODE": "GIOLINH1",
            "VNPAY_HASH_SECRET": "an-agreed-secret",
            "SIGNING_KEY_FILE": str(key),
            "SIGNING_KEY_PASSWORD": "a-password",
        }
        | changes
    )


def manage(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_production_settings_pass_the_deployment_check(tmp_path):
    run = manage(production(tmp_path), "check", "--deploy", "--fail-level", "WARNING")

    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"DEMO": "1"}, "portal.E001"),
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SITE_URL": "http://motcua.example.vn"}, "portal.E003"),
        ({"PAYMENT_SANDBOX": "1"}, "portal.E004"),
        ({"BANK_WEBHOOK_SECRET": "ngan"}, "portal.E010"),
        ({"DEBUG": "1"}, "portal.E005"),
        ({"ALLOWED_HOSTS": "*"}, "portal.E006"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_production_refuses_to_start_as_a_trial(tmp_path, change, fault):
    run = manage(production(tmp_path, **change), "check", "--deploy")

    assert run.returncode != 0
    assert fault in run.stderr


def test_production_has_no_demo_people(tmp_path):
    run = manage(production(tmp_path), "seed_demo")

    assert run.returncode != 0
    assert "DEMO" in run.stderr
