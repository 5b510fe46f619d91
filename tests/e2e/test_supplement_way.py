"""From the office's request to the answer, in a browser: an officer, a citizen, a lost secret."""

from __future__ import annotations

import io
import re

import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image
from playwright.sync_api import expect

from dossiers import tracking
from dossiers.models import Dossier
from tests import factories
from tests.factories import FUNERAL

pytestmark = pytest.mark.django_db(transaction=True)

PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 800}


def page_of(browser, site: str, person, *, scripts: bool, size: dict):
    """A page in which a person is logged in."""
    client = Client()
    client.force_login(person)
    [(name, cookie)] = client.cookies.items()
    context = browser.new_context(java_script_enabled=scripts, viewport=size, locale="vi-VN")
    context.add_cookies([{"name": name, "value": cookie.value, "url": site}])
    return context.new_page()


def photo() -> dict:
    file = io.BytesIO()
    Image.effect_noise((640, 480), 60).convert("RGB").save(file, "JPEG")
    return {"name": "giay-chung-tu.jpg", "mimeType": "image/jpeg", "buffer": file.getvalue()}


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_supplement_goes_from_the_desk_to_the_citizen_and_back(browser, site, scripts):
    an = factories.user(full_name="Trần Thị Bình")
    office = factories.Office()
    dossier = factories.filed(FUNERAL, owner=an)

    desk = page_of(browser, site, office.reception, scripts=scripts, size=DESK)
    desk.goto(
        site + reverse("admin:dossiers_dossier_move", args=[dossier.pk, "request_supplement"])
    )
    desk.get_by_label("Bản sao giấy chứng tử hoặc giấy báo tử", exact=True).check()
    desk.fill("[name='note:giay_chung_tu']", "Ảnh mờ")
    desk.locator("summary", has_text="Cách nhận tiền").click()
    desk.fill("[name='note:nhan_tien.cach']", "Ông/bà đề nghị chuyển khoản")
    desk.fill("#id_reason", "Chưa đủ căn cứ")
    desk.get_by_role("button", name="Yêu cầu bổ sung").click()

    citizen = page_of(browser, site, an, scripts=scripts, size=PHONE)
    tasks = site + reverse("dossiers:supplement", args=[dossier.code])
    citizen.goto(tasks)
    expect(citizen.get_by_text("Chưa làm", exact=True)).to_have_count(2)
    citizen.get_by_role("link", name="Bản sao giấy chứng tử").click()
    citizen.set_input_files("#id_giay_chung_tu", photo())
    citizen.get_by_role("button", name="Lưu và quay lại danh sách").click()
    expect(citizen).to_have_url(tasks)
    citizen.get_by_role("link", name=re.compile("Cách nhận tiền")).click()
    account = citizen.get_by_label("Số tài khoản")
    expect(account).to_be_visible(visible=not scripts)
    citizen.get_by_label("Chuyển vào tài khoản ngân hàng").check()
    citizen.fill("#id_chu_tai_khoan", "TRẦN THỊ BÌNH")
    account.fill("0123456789")
    citizen.fill("#id_ngan_hang", "Agribank Gio Linh")
    citizen.get_by_role("button", name="Lưu và quay lại danh sách").click()
    citizen.get_by_role("button", name="Gửi bổ sung").click()
    # A browser carries the place on the page along through a redirect.
    expect(citizen).to_have_url(re.compile(f"{re.escape(dossier.get_absolute_url())}(#.*)?$"))

    desk.goto(site + reverse("admin:dossiers_dossier_change", args=[dossier.pk]))
    compared = desk.locator(".mc-compare")
    expect(compared).to_contain_text("Nhận tiền mặt tại xã")
    expect(compared.locator("ins").first).to_have_text("Chuyển vào tài khoản ngân hàng")
    expect(compared).to_contain_text("giay-chung-tu.jpg")
    for page in (desk, citizen):
        page.context.close()


def test_a_lost_secret_is_given_again_at_the_desk_and_opens_the_dossier(browser, site):
    office = factories.Office()
    dossier = factories.filed(FUNERAL)
    old = tracking.signed_url(dossier)
    desk = page_of(browser, site, office.reception, scripts=False, size=DESK)
    desk.goto(site + reverse("admin:dossiers_dossier_change", args=[dossier.pk]))
    desk.get_by_role("link", name="Cấp lại mã tra cứu").click()
    desk.get_by_label(dossier.owner.full_name).check()
    desk.get_by_label("Đã đối chiếu thẻ căn cước").check()
    desk.get_by_role("button", name="Cấp lại mã tra cứu").click()

    anybody = browser.new_page(java_script_enabled=False, viewport=PHONE)
    anybody.goto(old)
    expect(anybody.locator("h1")).to_have_text("Không mở được đường dẫn này")
    anybody.get_by_role("link", name="Tra cứu hồ sơ").last.click()
    anybody.fill("#id_code", dossier.code)
    anybody.fill("#id_secret", Dossier.objects.get(pk=dossier.pk).secret)
    anybody.locator("main form button.btn-primary").click()

    expect(anybody.locator("h1")).to_contain_text(dossier.code)
    expect(anybody.locator("main")).to_contain_text("Mã tra cứu được cấp lại tại quầy")
    desk.context.close()
    anybody.close()
