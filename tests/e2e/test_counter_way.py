"""A complete dossier is accepted in three presses at most, by mouse or by keyboard alone."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse
from playwright.sync_api import Page, expect

from dossiers.counter import entry
from dossiers.models import Dossier
from tests import factories
from tests.dossiers.test_counter_entry import filled_draft
from tests.e2e.test_whole_way import log_in

pytestmark = pytest.mark.django_db(transaction=True)

# Every press and every key of the person, counted by the browser across pages.
COUNTING = """
for (const kind of ["click", "keydown"]) {
  addEventListener(kind, (event) => {
    if (event.isTrusted && (kind === "keydown" || event.detail > 0)) {
      sessionStorage[kind] = Number(sessionStorage[kind] || 0) + 1;
    }
  }, true);
}
"""


def counted(page: Page, kind: str) -> int:
    """How often since the last time, which begins anew."""
    count = int(page.evaluate(f"sessionStorage['{kind}'] || 0"))
    page.evaluate(f"sessionStorage['{kind}'] = 0")
    return count


def is_accepted(dossier: Dossier) -> bool:
    return Dossier.objects.get(pk=dossier.pk).state == Dossier.State.ACCEPTED


def test_a_complete_dossier_is_accepted_in_three_presses(site, page: Page):
    page.set_viewport_size({"width": 1440, "height": 900})
    online = factories.filed(factories.FUNERAL)
    clerk = get_user_model().objects.get(email="motcua@example.vn")
    log_in(page, site, clerk.email, to=reverse("admin:counter_entries"))
    page.add_init_script(COUNTING)

    # Online: its row in the queue, the button, and the confirmation.
    page.goto(f"{site}{reverse('admin:dossiers_dossier_changelist')}")
    page.get_by_role("link", name=online.code).first.click()
    page.locator("main, #content").get_by_role("link", name="Tiếp nhận", exact=True).first.click()
    page.get_by_role("button", name="Tiếp nhận", exact=True).click()
    expect(page.get_by_text("Đã thực hiện: Tiếp nhận")).to_be_visible()
    assert is_accepted(online)
    assert counted(page, "click") == 3

    # At the counter, from the completed form: one press, and the receipt waits to be printed.
    draft = filled_draft(clerk)
    page.goto(f"{site}{entry.page_url(draft)}")
    counted(page, "click")
    page.get_by_role("button", name="Tiếp nhận và in giấy hẹn").click()
    expect(page.get_by_text("Giấy tờ để in")).to_be_visible()
    assert is_accepted(draft)
    assert counted(page, "click") == 1

    # And by keyboard alone.
    another = filled_draft(clerk)
    page.goto(f"{site}{entry.page_url(another)}")
    counted(page, "click")
    page.get_by_role("button", name="Tiếp nhận và in giấy hẹn").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Giấy tờ để in")).to_be_visible()
    assert is_accepted(another)
    assert counted(page, "click") == 0 and counted(page, "keydown") == 1
