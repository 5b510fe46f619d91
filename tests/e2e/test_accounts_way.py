"""Accounts in a browser: the counter's slip without script, and a login service."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils.csp import CSP
from playwright.sync_api import Browser, Page, expect

from portal.management.commands.seed_demo import PASSWORD as DEMO_PASSWORD
from portal.models import User
from tests.portal.issuer import CLIENT, SECRET, Issuer

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "mot-mat-khau-dai-2026"


@pytest.fixture
def service(site, settings):
    """A login service on another origin, with our settings and policy for it."""
    issuer = Issuer()
    app = {
        "provider_id": "oidc", "name": "VNeID", "client_id": CLIENT, "secret": SECRET,
        "settings": {"server_url": issuer.url, "scope": ["openid", "profile"]},
    }  # fmt: skip
    configured = {**settings.SOCIALACCOUNT_PROVIDERS["openid_connect"], "APPS": [app]}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": configured}
    settings.SECURE_CSP = {**settings.SECURE_CSP, "form-action": [CSP.SELF, issuer.url]}
    yield issuer
    issuer.stop()


def log_in(page: Page, site: str, name: str, target: str, password: str = DEMO_PASSWORD) -> None:
    page.goto(f"{site}/tai-khoan/login/?next={target}")
    page.fill("#id_login", name)
    page.fill("#id_password", password)
    page.click("main form[action$='/login/'] button[type=submit]")


def assert_accessible(page: Page) -> None:
    """On a phone; and nothing runs out of the smallest screen."""
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    found = Axe().run(page).response["violations"]
    assert [(fault["id"], fault["nodes"][0]["html"][:90]) for fault in found] == []


def test_a_login_service_on_another_origin_is_let_through_by_the_policy(page, site, service):
    page.goto(f"{site}/tai-khoan/login/?next=/tai-khoan/ho-so-ca-nhan/")

    page.click("text=Đăng nhập bằng VNeID")

    expect(page).to_have_url(f"{site}/tai-khoan/ho-so-ca-nhan/")
    expect(page.locator("#id_full_name")).to_have_value("Trần Thị Bình")


def test_from_the_counter_to_ones_own_pages_without_script(browser: Browser, site):
    desk = browser.new_page(viewport={"width": 1280, "height": 800}, java_script_enabled=False)
    log_in(desk, site, "motcua@example.vn", reverse("admin:portal_user_open"))
    desk.fill("#id_full_name", "Hồ Văn Nam")
    desk.fill("#id_citizen_number", "045 190 001 234")
    desk.check("#id_checked")
    desk.click("button.mc-button--main")
    key = desk.locator("input[name=key]").get_attribute("value")

    at_home = browser.new_page(java_script_enabled=False)
    at_home.goto(f"{site}{reverse('activate', args=[key])}")
    at_home.fill("#id_password1", PASSWORD)
    at_home.fill("#id_password2", PASSWORD)
    at_home.click("main button[type=submit]")

    expect(at_home).to_have_url(f"{site}{reverse('dossiers:mine')}")
    number = User.objects.get(citizen_number="045190001234").account_number
    again = browser.new_page(java_script_enabled=False)
    log_in(again, site, number.lower(), reverse("profile"), PASSWORD)
    expect(again.locator("h1")).to_have_text("Hồ sơ cá nhân")
    for one in (desk, at_home, again):
        one.close()


def test_account_pages_are_accessible(page, site):
    log_in(page, site, "0912000111", reverse("profile"))
    names = (
        "profile", "account_email", "account_change_phone", "usersessions_list", "my_data",
        "mfa_index", "close_account",
    )  # fmt: skip

    for name in names:
        page.goto(f"{site}{reverse(name)}")
        assert_accessible(page)
    page.fill("#id_password", DEMO_PASSWORD)
    page.click("main form button[type=submit]")
    expect(page.locator("h1")).to_have_text("Đóng tài khoản")
    assert_accessible(page)
    page.context.clear_cookies()
    for name in ("account_login", "account_signup", "account_reset_password"):
        page.goto(f"{site}{reverse(name)}")
        assert_accessible(page)
