"""Levels 1 and 2 as their people go through them, in a browser.

An officer who knows Excel starts a procedure from its national code, fills in the marks, has
it checked; a colleague publishes it; a citizen finds it, sees what to bring and takes the form
home. And every page of the catalogue is accessible and fits the screen.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import openpyxl
import pytest
from django.core.files.base import ContentFile
from django.urls import reverse
from playwright.sync_api import Page, expect

from procedures.loading import loads
from procedures.models import Procedure
from tests import factories
from tests.e2e.conftest import pdf_text
from tests.e2e.test_pages import PHONE, assert_fits_and_is_accessible, let_in
from tests.factories import BIRTH, CERTIFIED_COPY
from tests.procedures.test_national import row

pytestmark = pytest.mark.django_db(transaction=True)

WRITTEN = {
    "short_name": "Xác nhận đã trồng lại rừng",
    "also_called": "xin giấy trồng rừng",
    "summary": "Xã xác nhận ông/bà đã trồng lại rừng sau khi khai thác.",
    "effective_from": "01/11/2026",
    "made_in": "Sổ theo dõi của xã",
    "name": "Kiểm tra tại rừng",
    "title": "Khu rừng",
    "label": "Khu rừng ở đâu, rộng bao nhiêu",
}


def load_the_nation(*codes: str) -> None:
    rows = [
        row(
            code=code,
            name="Thủ tục xác nhận việc trồng lại rừng",
            results="Giấy xác nhận",
            documents=[{"group": "", "name": "Đơn đề nghị", "originals": 1, "copies": 0}],
        )
        for code in codes
    ]
    lines = "\n".join(json.dumps(line) for line in rows).encode()
    file = ContentFile(lines, name="quoc-gia.jsonl")
    load = loads.check(loads.receive(file, kind="national", by=None))
    loads.publish_load(load, decision="1/QĐ", by=None)


def fill_the_marks(path: Path) -> None:
    """What an officer does in Excel: replace whatever is marked, and raise the level."""
    words = iter(WRITTEN.values())
    book = openpyxl.load_workbook(path)
    for page in book:
        for cells in page.iter_rows(min_row=2):
            for cell in cells:
                if isinstance(cell.value, str) and "CẦN SỬA" in cell.value:
                    cell.value = next(words)
    titles = [cell.value for cell in book["Thủ tục"][1]]
    book["Thủ tục"].cell(2, titles.index("Mức độ") + 1).value = 2
    book.save(path)


def test_an_officer_puts_a_procedure_on_the_portal_with_excel_alone(
    page: Page, browser, site, worker, tmp_path
):
    load_the_nation("1.999001")
    let_in(page.context, site, factories.official("editor"))

    page.goto(f"{site}/quan-tri/procedures/revision/")
    page.get_by_role("link", name="Tạo thủ tục mới").click()
    page.get_by_label("Mã thủ tục quốc gia").fill("1.999001")
    page.get_by_label("trong bảng tính Excel tải về").check()
    with page.expect_download() as download:
        page.get_by_role("button", name="Bắt đầu").click()
    path = tmp_path / "thu-tuc.xlsx"
    download.value.save_as(path)

    page.goto(f"{site}/quan-tri/procedures/catalogueload/add/")
    page.get_by_label("Tệp thủ tục").set_input_files(path)
    page.get_by_role("button", name="Nạp và kiểm tra").click()
    expect(page.get_by_role("alert")).to_contain_text("CẦN SỬA", timeout=20_000)
    assert not Procedure.objects.get(code="1.999001").revisions.filter(status="draft").exists()

    fill_the_marks(path)
    page.goto(f"{site}/quan-tri/procedures/catalogueload/add/")
    page.get_by_label("Tệp thủ tục").set_input_files(path)
    page.get_by_role("button", name="Nạp và kiểm tra").click()
    expect(page.get_by_text("một người khác phải xem và công bố")).to_be_visible(timeout=20_000)
    address = page.url

    colleague = browser.new_context(viewport={"width": 1440, "height": 900}, locale="vi-VN")
    let_in(colleague, site, factories.official("editor"))
    second = colleague.new_page()
    second.goto(address)
    second.get_by_label("Số quyết định cho áp dụng").fill("163/QĐ-UBND")
    second.get_by_role("button", name="Công bố tất cả").click()
    expect(second.get_by_text("Đã công bố 1 thủ tục")).to_be_visible()

    current = Procedure.objects.get(code="1.999001").current
    assert (current.service_level, current.origin) == (2, "office")
    assert current.publish_decision == "163/QĐ-UBND"
    citizen = second.context.browser.new_context(viewport=PHONE, locale="vi-VN")
    third = citizen.new_page()
    third.goto(f"{site}/thu-tuc/?q=xin+giay+trong+rung")
    third.get_by_role("link", name="Xác nhận đã trồng lại rừng").first.click()
    with third.expect_download() as form:
        third.get_by_role("link", name=re.compile("Tải mẫu đơn")).click()
    form.value.save_as(tmp_path / "to-khai.pdf")
    assert "Khu rừng ở đâu, rộng bao nhiêu" in pdf_text(tmp_path / "to-khai.pdf")
    colleague.close()
    citizen.close()


def test_a_citizen_finds_out_what_to_bring_without_any_script(browser, site):
    context = browser.new_context(java_script_enabled=False, viewport=PHONE, locale="vi-VN")
    page = context.new_page()

    page.goto(site)
    page.get_by_role("searchbox").fill("lam giay to cho em be moi de")
    page.get_by_role("button", name=re.compile("Tìm")).first.click()
    page.get_by_role("link", name="Đăng ký khai sinh", exact=True).first.click()
    page.get_by_role("link", name="Tôi cần gì?").first.click()
    page.get_by_label("Đã đăng ký kết hôn").check()
    page.get_by_label("Giấy chứng sinh", exact=True).check()
    page.get_by_role("button", name="Xem tôi cần gì").click()

    main = page.get_by_role("main")
    expect(main.get_by_role("heading", name="Bản chính vẫn phải mang đến")).to_be_visible()
    expect(main.get_by_role("listitem").get_by_text("Giấy chứng sinh", exact=True)).to_have_count(2)
    expect(main.get_by_text("Văn bản của người làm chứng về việc sinh")).to_have_count(0)
    context.close()


def test_suggestions_come_while_one_types(page: Page, site, console):
    page.goto(site)

    page.get_by_role("searchbox").press_sequentially("khai sin", delay=60)

    expect(page.get_by_role("link", name="Đăng ký khai sinh", exact=False).first).to_be_visible()
    assert console == []


def catalogue_pages() -> dict[str, str]:
    """Every kind of page of the catalogue, by what it is."""
    load_the_nation("1.999002")
    birth = reverse("procedures:needs", args=[BIRTH])
    return {
        "found": reverse("procedures:list") + "?q=mo+quan+an&cap=commune",
        "not found": reverse("procedures:list") + "?q=xyzzy+qwerty",
        "national": Procedure.objects.get(code="1.999002").get_absolute_url(),
        "level 2": Procedure.objects.get(code=CERTIFIED_COPY).get_absolute_url(),
        "questions": birth,
        "wrong answers": birth + "?cau=1&be.ngay_sinh=31/02/2026",
        "changes": reverse("procedures:changes", args=[BIRTH]),
        "recent": reverse("procedures:recent"),
        "life event": reverse("procedures:life_event", args=["nguoi-than-mat"]),
        "office": reverse("procedures:agency", args=[factories.COMMUNE]),
    }


def test_every_page_of_the_catalogue_is_accessible_and_fits_the_screen(page: Page, site, console):
    for name, url in catalogue_pages().items():
        page.goto(site + url)
        assert_fits_and_is_accessible(page, name)

    assert console == []
