"""Every page of a citizen in a browser: accessible, within the screen, and without scripts too."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.urls import resolve, reverse
from playwright.sync_api import expect

from dossiers import participants, questions, tracking, workflow
from dossiers.models import Dossier, Participant, Question, new_key
from payments import services
from procedures.models import Agency, Posting
from tests import factories
from tests.dossiers.test_delivery import finished
from tests.factories import BIRTH, COPY, FUNERAL
from tests.test_project import LOGIN, PUBLIC

pytestmark = pytest.mark.django_db(transaction=True)

PHONE, SMALLEST, DESKTOP = (
    {"width": 360, "height": 740},
    {"width": 320, "height": 640},
    {"width": 1440, "height": 900},
)


def let_in(context, site: str, person) -> None:
    """Log a person in by the cookie of their session."""
    client = Client()
    client.force_login(person)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": site}])


def published_question() -> Question:
    """A question that everybody may read."""
    official = factories.official(Posting.Role.CASE_OFFICER)
    question = questions.ask(
        form_key=new_key(), agency=Agency.objects.get(code=factories.COMMUNE), text="Ở đâu ạ?"
    )
    question = questions.answer(question, text="Ở xã.", by=official, version=0)
    return questions.publish(
        question, by=official, version=1, public_question="Ở đâu?", public_answer="Ở xã."
    )


def public_pages() -> dict[str, str]:
    """Pages that need no login, by what they are."""
    procedure = factories.procedure(BIRTH)
    paper = factories.filed(FUNERAL).papers.first()
    return {
        "home": reverse("home"),
        "list": reverse("procedures:list") + "?q=khai+sinh",
        "procedure": procedure.get_absolute_url(),
        "track": reverse("dossiers:track"),
        "verify": reverse("dossiers:verify"),
        "roots": reverse("dossiers:roots"),
        "satisfaction": reverse("dossiers:satisfaction"),
        "verified": reverse("dossiers:verify_token", args=[paper.token]),
        "about": reverse("about"),
        "help": reverse("help"),
        "map": reverse("portal_map"),
        "field": reverse("sector_map", args=[procedure.current.sector.slug]),
        "open data": reverse("procedures:open_data"),
        "questions": reverse("dossiers:questions"),
        "question": published_question().get_absolute_url(),
        "ask": reverse("dossiers:ask"),
        "track a question": reverse("dossiers:question_track"),
        "login": reverse("account_login"),
        "signup": reverse("account_signup"),
    }


def pages_of(person) -> dict[str, str]:
    """Pages of a person whose dossiers stand in different states."""
    office = factories.Office()
    draft = factories.draft(BIRTH, owner=person)
    filed = factories.filed(FUNERAL, owner=person)
    asked = workflow.perform(
        factories.filed(FUNERAL, owner=person),
        "request_supplement",
        by=office.reception,
        items="Chụp lại giấy chứng tử",
        documents=["giay_chung_tu"],
        fields=["nguoi_mat.ngay_mat", "nhan_tien.cach"],
        notes={"nguoi_mat.ngay_mat": "Giấy ghi ngày 09", "nhan_tien.cach": "Chuyển khoản"},
        reason="Ảnh mờ, không đọc được số",
    )
    checking = office.processing(factories.filed(BIRTH, owner=person))
    checking = workflow.perform(
        checking, "send_draft", by=office.officer, draft="Họ, chữ đệm, tên: NGUYỄN TRẦN MINH KHÔI"
    )
    copy = factories.filed(COPY, owner=person)
    services.begin(copy, "vietqr")
    to_collect = finished(office, "counter", owner=person)
    shared = factories.draft(FUNERAL)
    invited = [
        participants.invite(
            shared, role=Participant.Role.CO_APPLICANT, name=f"Trần Văn {name}", contact=contact
        )
        for name, contact in (("An", "an@example.vn"), ("Em", "em@example.vn"))
    ]
    participants.join(invited[0], by=person)

    def of(name: str, dossier: Dossier, *rest: str) -> str:
        return reverse(f"dossiers:{name}", args=[dossier.code or dossier.key, *rest])

    return {
        "mine": reverse("dossiers:mine"),
        "notices": reverse("dossiers:notices"),
        "preferences": reverse("dossiers:preferences"),
        "start": reverse("dossiers:start", args=[FUNERAL]),
        "draft": of("draft", draft),
        "office": of("office", draft),
        "section": of("section", draft, "be"),
        "documents": of("documents", draft),
        "check": of("check", draft),
        "discard": of("discard", draft),
        "behalf": of("behalf", draft),
        "people": of("draft_people", draft),
        "messages": of("messages", filed),
        "people of a filed one": of("people", filed),
        "shared draft": of("shared_draft", shared),
        "invitation": reverse("dossiers:invitation", args=[invited[1].token]),
        "wallet": reverse("dossiers:wallet"),
        "keep": reverse("dossiers:keep_paper", args=[filed.attachments.first().key]),
        "my questions": reverse("dossiers:my_questions"),
        "read a PDF": reverse("dossiers:read_pdf", args=[BIRTH]),
        "filed": of("filed", filed),
        "detail": of("detail", asked),
        "supplement": of("supplement", asked),
        "supplement_paper": of("supplement_paper", asked, "giay_chung_tu"),
        "supplement_section": of("supplement_section", asked, "nhan_tien"),
        "tracked": urlsplit(tracking.signed_url(asked)).path,
        "draft_result": of("draft_result", checking),
        "withdraw": of("withdraw", filed),
        "delivery": of("delivery", filed),
        "to collect": of("detail", to_collect),
        "rate": of("rate", to_collect),
        "complaints": of("complaints", to_collect),
        "pay": reverse("payments:start", args=[copy.code]),
        "transfer": reverse("payments:transfer", args=[copy.code]),
    }


# Addresses of people's dossiers that show no page of their own.
NO_PAGES = {
    "dossiers:attachment", "dossiers:bundle", "dossiers:chain", "dossiers:copy",
    "dossiers:forget_paper", "dossiers:kept_paper", "dossiers:paper", "dossiers:printed_paper",
    "dossiers:printed_form",
    "dossiers:remove_attachment", "dossiers:result", "dossiers:upload",
    "dossiers:upload_supplement", "dossiers:use_paper", "dossiers:use_paper_again",
    "dossiers:roots_json", "payments:ipn", "payments:bank_webhook",
    "payments:sandbox_bank", "payments:sandbox_query",
    "payments:sandbox_momo_api", "payments:go", "payments:legal_receipt",
    # Reached by sending a form alone; looked at where that form is sent.
    "dossiers:pdf_read", "dossiers:asked", "payments:return", "payments:sandbox",
    "payments:sandbox_momo",
}  # fmt: skip


# Where a wide screen shows other parts than a phone; elsewhere it shows the same ones.
SEEN_WIDE = {"home", "procedure", "mine", "section", "check", "detail", "supplement", "login"}


def assert_fits_and_is_accessible(page, name: str) -> None:
    for size in (DESKTOP, SMALLEST, PHONE):
        page.set_viewport_size(size)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= size["width"], f"{name}: {wide} px wide at {size['width']}"
        if size is PHONE or (size is DESKTOP and name in SEEN_WIDE):
            found = Axe().run(page)
            assert found.violations_count == 0, f"{name}: {found.generate_report()}"


def test_every_page_is_accessible_and_fits_the_screen(page, site, console):
    person = factories.user(full_name="Trần Thị Bình")
    public = public_pages()
    for name, url in public.items():
        page.goto(site + url)
        assert_fits_and_is_accessible(page, name)

    let_in(page.context, site, person)
    pages = pages_of(person)
    looked_at = {
        resolve(urlsplit(url).path).view_name for url in [*public.values(), *pages.values()]
    }
    own = {name for name in LOGIN | PUBLIC if name.startswith(("dossiers:", "payments:"))}
    assert own - NO_PAGES - looked_at == set()
    asked = Dossier.objects.get(state=Dossier.State.SUPPLEMENT_REQUIRED)
    page.goto(site + reverse("dossiers:track"))
    page.locator('[name="code"]').fill(asked.code)
    page.locator('[name="secret"]').fill(asked.secret)
    page.get_by_role("button", name="Tra cứu").click()
    expect(page.get_by_text("Lý do: Ảnh mờ").first).to_be_visible()
    assert_fits_and_is_accessible(page, "tracked")
    for name, url in pages.items():
        page.goto(site + url)
        assert_fits_and_is_accessible(page, name)

    page.goto(site + pages["section"])
    page.locator('[name="ngay_sinh"]').fill("31/02/2026")
    page.locator('[name="dia_chi_sinh.commune"]').fill("Xã Không Có")
    page.get_by_role("button", name="Tiếp tục").click()
    expect(page).to_have_title(re.compile("^Lỗi: "))
    expect(page.locator(".mc-error-summary")).to_be_focused()
    assert_fits_and_is_accessible(page, "section with errors")
    page.locator(".mc-error-summary a").first.click()
    expect(page.locator('[name="ngay_sinh"]')).to_be_focused()

    page.goto(site + pages["documents"])
    page.locator('input[type="file"]').first.set_input_files(
        {"name": "x.pdf", "mimeType": "application/pdf", "buffer": b"<html>"}
    )
    expect(page.locator(".mc-uploads-failed")).to_be_visible()
    assert_fits_and_is_accessible(page, "documents with errors")
    # The browser itself notes that the server took no such file.
    assert [complaint for complaint in console if "422" not in complaint] == []


def test_a_conditional_question_shows_and_hides_at_once(page, site, console):
    person = factories.user()
    draft = factories.draft(FUNERAL, owner=person)
    let_in(page.context, site, person)
    page.goto(site + reverse("dossiers:section", args=[draft.key, "nguoi_dung_ra"]))
    organisation, relation = page.locator('[name="ten_co_quan"]'), page.locator('[name="quan_he"]')

    expect(organisation).to_be_hidden()
    expect(relation).to_be_visible()
    page.locator('[name="tu_cach"][value="co_quan"]').check()
    expect(organisation).to_be_visible()
    expect(relation).to_be_hidden()
    organisation.fill("Hội Chữ thập đỏ")
    page.locator('[name="tu_cach"][value="ca_nhan"]').check()
    expect(organisation).to_be_hidden()
    page.get_by_role("button", name="Tiếp tục").click()
    page.wait_for_url("**/nhan_tien/")

    assert "ten_co_quan" not in Dossier.objects.get().answers["nguoi_dung_ra"]
    assert console == []


@pytest.mark.parametrize("door", ["citizens", "officials"])
def test_a_script_that_was_smuggled_into_a_page_does_not_run(page, site, console, door):
    if door == "officials":
        let_in(page.context, site, factories.official("reception"))
    page.goto(f"{site}{'/quan-tri/' if door == 'officials' else '/'}")

    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.smuggled = 1";
            document.body.append(script);
            const image = '<img src="x:" onerror="window.smuggled = 2">';
            document.body.insertAdjacentHTML("beforeend", image);
        }"""
    )
    page.wait_for_timeout(300)

    assert page.evaluate("() => window.smuggled") is None
    assert any("Content Security Policy" in complaint for complaint in console)
