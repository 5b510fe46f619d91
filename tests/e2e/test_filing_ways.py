"""Three real procedures, each the citizen's whole way: phone and desktop, with scripts and without.

Each goes two opposite ways, so that every procedure, both screens and both kinds of page meet.

What the office does is done through `workflow.perform()`; its own pages have tests of their own.
"""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from dossiers import resultsigning, workflow
from dossiers.models import Dossier
from tests import factories
from tests.e2e.test_pages import DESKTOP, PHONE, let_in
from tests.factories import BIRTH, COPY, FUNERAL

pytestmark = pytest.mark.django_db(transaction=True)


class Citizen:
    """A person in a browser, who fills in what `factories.ANSWERS` says."""

    def __init__(self, page: Page, site: str, *, scripts: bool):
        self.page, self.site, self.scripts = page, site, scripts

    def fill_in(self, code: str) -> None:
        """From the start page to the page on which everything is checked."""
        self.page.goto(f"{self.site}/ho-so/moi/{code}/")
        self.page.get_by_role("button", name="Bắt đầu").click()
        self.page.get_by_role("link", name="Điền tiếp").click()
        self.page.get_by_label("Ủy ban nhân dân xã Gio Linh").check()
        self.go_on()
        for section in factories.ANSWERS[code]:
            self.answer(factories.posted(code, section))
            self.go_on()
        for field in self.page.locator('input[type="file"]').all():
            self.attach(field.get_attribute("name"), "#dddddd")
        if self.page.locator('input[type="file"]').count():
            self.go_on()
        expect(self.heading()).to_have_text("Kiểm tra và nộp hồ sơ")

    def answer(self, values: dict[str, str]) -> None:
        for name, value in values.items():
            control = self.page.locator(f'[name="{name}"]')
            kind = control.first.evaluate("node => node.type")
            if kind == "radio":
                self.page.locator(f'[name="{name}"][value="{value}"]').check()
            elif kind == "checkbox":
                control.check()
            elif kind == "select-one":
                control.select_option(value)
            else:
                control.fill(str(value))

    def attach(self, paper: str, color: str) -> None:
        """Attach a photo; with scripts it goes up by itself, without by the button."""
        file = io.BytesIO()
        Image.new("RGB", (900, 700), color).save(file, "JPEG")
        photo = {"name": "ảnh.jpg", "mimeType": "image/jpeg", "buffer": file.getvalue()}
        self.page.locator(f'input[type="file"][name="{paper}"]').set_input_files(photo)
        if not self.scripts:
            self.page.get_by_role("button", name="Tải tệp lên").click()
        expect(self.page.locator('main a[href^="/ho-so/tep/"]').first).to_be_visible()

    def file(self) -> Dossier:
        """Declare and file; the dossier as it is then."""
        self.page.locator("#id_declare").check()
        self.page.get_by_role("button", name="Nộp hồ sơ").click()
        self.page.wait_for_url(re.compile(r"/ho-so/[A-Z0-9.]+-\d+-\d+/|/thanh-toan/"))
        return Dossier.objects.exclude(code=None).latest("pk")

    def open(self, dossier: Dossier) -> Locator:
        """The dossier's own page; what it says."""
        self.page.goto(f"{self.site}/ho-so/{dossier.code}/")
        return self.page.locator("main")

    def click(self, name: str, role: str = "button") -> None:
        self.page.get_by_role(role, name=name, exact=True).click()

    def go_on(self) -> None:
        self.page.get_by_role("button", name="Tiếp tục").last.click()

    def heading(self) -> Locator:
        return self.page.get_by_role("heading", level=1)


def bury(citizen: Citizen, office: factories.Office) -> None:
    """Filed, sent back once for a paper and a question, answered, decided, the result in hand."""
    citizen.fill_in(FUNERAL)
    dossier = citizen.file()
    expect(citizen.heading()).to_have_text("Đã nộp, chưa được tiếp nhận")
    expect(citizen.page.locator("main")).to_contain_text("chưa được tiếp nhận")
    assert dossier.answers == factories.ANSWERS[FUNERAL]
    digest = dossier.attachments.get().sha256
    expect(citizen.page.locator("main")).to_contain_text(digest)

    workflow.perform(
        dossier,
        "request_supplement",
        by=office.reception,
        documents=["giay_chung_tu"],
        fields=["nguoi_mat.ho_ten"],
        notes={"giay_chung_tu": "Ảnh mờ", "nguoi_mat.ho_ten": "Thiếu chữ đệm"},
        reason="Chưa đối chiếu được với giấy chứng tử.",
    )
    citizen.open(dossier)
    citizen.click("Bổ sung hồ sơ", "link")
    expect(citizen.page.locator(".mc-tasks > li")).to_have_count(2)
    citizen.page.locator(".mc-tasks a").first.click()
    citizen.attach("giay_chung_tu", "#eeeeee")
    citizen.click("Lưu và quay lại danh sách")
    citizen.page.locator(".mc-tasks a").last.click()
    citizen.page.locator('[name="ho_ten"]').fill("Trần Văn Cụ Ông")
    citizen.page.get_by_role("button", name="Lưu và quay lại danh sách").last.click()
    citizen.click("Gửi bổ sung")
    expect(citizen.page.locator("main")).to_contain_text("chưa được tiếp nhận")
    changed = Dossier.objects.get(pk=dossier.pk)
    assert changed.answers["nguoi_mat"]["ho_ten"] == "Trần Văn Cụ Ông"

    # Of what the worker does, the result alone: papers have tests of their own.
    resultsigning.finish(office.approved(changed).results.get())
    workflow.perform(Dossier.objects.get(pk=dossier.pk), "hand_over", by=None)
    expect(citizen.open(dossier)).to_contain_text("Đã trả kết quả")
    with citizen.page.expect_download() as waiting:
        citizen.page.get_by_role("link", name=re.compile("Tải kết quả")).first.click()
    assert waiting.value.suggested_filename.endswith(".pdf")


def copy(citizen: Citizen, office: factories.Office) -> None:
    """Paid before the office begins, accepted, then taken back with a reason."""
    citizen.fill_in(COPY)
    dossier = citizen.file()
    expect(citizen.heading()).to_have_text("Nộp phí, lệ phí")
    citizen.click("Thanh toán trực tuyến: Thẻ ngân hàng, QR qua VNPAY")
    citizen.click("Trả tiền")
    expect(citizen.page.locator("main")).to_contain_text("Đã nhận 16.000 đồng")

    office.accepted(Dossier.objects.get(pk=dossier.pk))
    expect(citizen.open(dossier)).to_contain_text("Được tiếp nhận")
    citizen.click("Rút hồ sơ", "link")
    citizen.page.locator('[name="reason"]').fill("Đã tìm thấy bản cũ.")
    citizen.click("Rút hồ sơ")
    expect(citizen.page.locator("main")).to_contain_text("Công dân rút hồ sơ")
    assert Dossier.objects.get(pk=dossier.pk).state == Dossier.State.WITHDRAWN


def be_born(citizen: Citizen, office: factories.Office) -> None:
    """The draft of the result comes back once as wrong, then is agreed to."""
    citizen.fill_in(BIRTH)
    dossier = citizen.file()
    line = "Họ, chữ đệm, tên: NGUYỄN TRẦN MINH KHOI"
    office.processing(Dossier.objects.get(pk=dossier.pk))
    workflow.perform(dossier, "send_draft", by=office.officer, draft=line)
    citizen.open(dossier)
    citizen.click("Kiểm tra bản dự thảo", "link")
    citizen.page.locator('[name="wrong"]').first.check()
    citizen.page.locator('[name^="right_"]').first.fill("NGUYỄN TRẦN MINH KHÔI")
    citizen.click("Gửi những chỗ sai")
    expect(citizen.page.locator("main")).to_contain_text("Đang xử lý")
    assert "MINH KHÔI" in Dossier.objects.get(pk=dossier.pk).last_words("object_to_draft")

    workflow.perform(dossier, "send_draft", by=office.officer, draft=line.replace("KHOI", "KHÔI"))
    citizen.open(dossier)
    citizen.click("Kiểm tra bản dự thảo", "link")
    citizen.click("Đúng hết, tôi đồng ý")
    assert Dossier.objects.get(pk=dossier.pk).confirmed_at
    citizen.page.goto(f"{citizen.site}/ho-so/")
    expect(citizen.page.locator("main")).to_contain_text(dossier.code)


WAYS = {
    "phone": (PHONE, True, (copy, be_born)),
    "phone-without-scripts": (PHONE, False, (bury,)),
    "desktop": (DESKTOP, True, (bury,)),
    "desktop-without-scripts": (DESKTOP, False, (copy, be_born)),
}


@pytest.mark.parametrize("way", WAYS)
def test_three_procedures_go_the_whole_way(browser, site, way):
    size, scripts, procedures = WAYS[way]
    context = browser.new_context(java_script_enabled=scripts, viewport=size, locale="vi-VN")
    let_in(context, site, factories.user(full_name="Trần Thị Bình"))
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    citizen, office = Citizen(page, site, scripts=scripts), factories.Office()

    for go in procedures:
        go(citizen, office)

    assert complaints == []
    context.close()
