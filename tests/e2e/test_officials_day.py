"""A day at each role's desk, in a browser: the same dossiers go from one to the next.

Entering at the counter, quick entry and the catalogue have browser tests of their own; here
each role opens what its day begins with and does what it is there for.
"""

from __future__ import annotations

import datetime

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from dossiers.models import Breach, Dossier
from tests import factories
from tests.e2e.test_pages import PHONE, assert_fits_and_is_accessible, let_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def at_desk(browser, browser_context_args, site):
    """A function that opens the officials' site in a browser of this person."""
    contexts = []

    def open_for(person, **options) -> Page:
        context = browser.new_context(**{**browser_context_args, **options})
        contexts.append(context)
        let_in(context, site, person)
        page = context.new_page()
        page.goto(f"{site}/quan-tri/")
        return page

    yield open_for
    for context in contexts:
        context.close()


def open_in_queue(page: Page, site: str, tab: str, code: str) -> None:
    """The tab of the queue, and the dossier in it."""
    page.goto(f"{site}{reverse('admin:dossiers_dossier_changelist')}?nhom={tab}")
    page.get_by_role("link", name=code).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(code)


def move(page: Page, name: str) -> None:
    """Press an official's button, and the one that confirms it on its own page."""
    page.get_by_role("link", name=name, exact=True).click()
    page.get_by_role("button", name=name, exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text(name)


def test_a_day_at_each_desk(at_desk, site):
    office = factories.Office()
    supervisor = factories.official("supervisor")
    filed, unpaid = factories.filed(), factories.filed(factories.COPY)
    wide = {"viewport": {"width": 1280, "height": 800}}

    # Reception takes in what was filed; the cashier takes money.
    reception = at_desk(office.reception, **wide)
    open_in_queue(reception, site, "moi", filed.code)
    move(reception, "Tiếp nhận")
    cashier = at_desk(office.cashier, **wide)
    open_in_queue(cashier, site, "cong-dan", unpaid.code)
    cashier.get_by_role("button", name="Thu tiền mặt").click()
    expect(cashier.locator("#content")).to_contain_text("Tiền mặt")

    # The case officer takes what is due next and puts it before the leader.
    officer = at_desk(office.officer, **wide)
    officer.goto(site + reverse("admin:dossiers_dossier_changelist"))
    officer.get_by_role("button", name="Nhận việc tiếp theo").click()
    expect(officer.get_by_role("heading", level=1)).to_contain_text(filed.code)
    move(officer, "Trình ký")

    leader_signs_on_a_phone(at_desk(office.approver), site, filed)
    supervisor_reads_and_changes_nothing(at_desk(supervisor, **wide), site, filed)

    assert Dossier.objects.get(pk=unpaid.pk).state == Dossier.State.SUBMITTED
    call_command("verifyledger", verbosity=0)


def leader_signs_on_a_phone(page: Page, site: str, dossier: Dossier) -> None:
    """The desk comes first; the result is read before it can be signed."""
    expect(page.get_by_role("heading", level=1)).to_have_text("Bàn làm việc")
    assert_fits_and_is_accessible(page, "desk")
    page.get_by_role("button", name="Xem từng hồ sơ rồi ký").click()
    expect(page.locator("#content")).to_contain_text("Điều 1.")
    assert_fits_and_is_accessible(page, "sign")
    page.get_by_role("button", name="Ký các hồ sơ đã xem").click()
    expect(page.get_by_role("status")).to_contain_text("Hãy đánh dấu “Đã xem”")

    page.get_by_label("Đã xem").check()
    page.get_by_role("button", name="Ký các hồ sơ đã xem").click()

    expect(page.get_by_role("status")).to_contain_text(f"{dossier.code}: Đã ký duyệt")
    assert Dossier.objects.get(pk=dossier.pk).approved_at


def supervisor_reads_and_changes_nothing(page: Page, site: str, dossier: Dossier) -> None:
    """Rules that were not kept, figures and dossiers, without a button to press."""
    Breach.objects.create(
        dossier=dossier, kind=Breach.Kind.STEP_LATE, agency=dossier.handling_agency,
        at=timezone.now() - datetime.timedelta(days=1),
    )  # fmt: skip
    page.goto(site + reverse("admin:breaches"))
    expect(page.locator("#content")).to_contain_text("Quá thời gian của bước")
    assert_fits_and_is_accessible(page, "breaches")
    page.get_by_role("link", name="Chưa giải trình").click()
    expect(page.get_by_role("button", name="Gửi giải trình")).to_have_count(0)
    page.goto(site + reverse("admin:desk"))
    expect(page.get_by_role("button", name="Xem từng hồ sơ rồi ký")).to_have_count(0)
    page.set_viewport_size(PHONE)
    page.get_by_role("link", name=dossier.code).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(dossier.code)
    expect(page.locator(".mc-moves a.button")).to_have_count(0)
