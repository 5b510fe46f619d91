"""Level 4 in a browser: the three ways to pay and the three ways to receive.

Paying at the card gateway and receiving online stand in one dossier here as well as in
`test_whole_way`, where the whole form goes before them.
"""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from django.core.management import call_command
from django.urls import reverse
from playwright.sync_api import Page, expect

from dossiers.models import Dossier, Parcel
from payments.models import Payment
from tests import factories
from tests.dossiers.test_delivery import HOME, finished
from tests.e2e.test_officials_day import at_desk  # noqa: F401 (a fixture)
from tests.e2e.test_pages import assert_fits_and_is_accessible

pytestmark = pytest.mark.django_db(transaction=True)

WIDE = {"viewport": {"width": 1280, "height": 800}}


def now(dossier: Dossier) -> Dossier:
    return Dossier.objects.get(pk=dossier.pk)


def test_three_ways_to_pay(at_desk, site):  # noqa: F811
    office, citizen = factories.Office(), factories.user()
    filed = [factories.filed(factories.COPY, owner=citizen) for _ in range(3)]
    at_gateway, by_transfer, in_cash = filed
    phone, cashier = at_desk(citizen), at_desk(office.cashier, **WIDE)

    pay_at_the_gateway(phone, site, at_gateway)
    pay_by_transfer(phone, cashier, site, by_transfer)
    pay_in_cash(cashier, site, in_cash)

    for dossier in filed:
        assert now(dossier).state == Dossier.State.SUBMITTED
    call_command("reconcile")


def pay_at_the_gateway(page: Page, site: str, dossier: Dossier) -> None:
    page.goto(site + reverse("payments:start", args=[dossier.code]))
    assert_fits_and_is_accessible(page, "pay")
    page.get_by_role("button", name=re.compile("VNPAY")).click()
    page.get_by_role("button", name="Trả tiền", exact=True).click()
    expect(page.locator("main")).to_contain_text("Đã nhận 16.000 đồng")


def pay_by_transfer(page: Page, cashier: Page, site: str, dossier: Dossier) -> None:
    """The bank's file says it came; the page of the code then leads back to the dossier."""
    page.goto(site + reverse("payments:start", args=[dossier.code]))
    page.get_by_role("button", name="Chuyển khoản, hiện mã QR").click()
    assert_fits_and_is_accessible(page, "transfer")
    memo = page.locator("[data-copied]").last.inner_text()
    payment = dossier.payments.get()
    assert memo == f"MC{payment.reference}"

    cashier.goto(site + reverse("admin:bank_lines"))
    cashier.locator('input[type="file"]').set_input_files(
        {"name": "sao-ke.csv", "mimeType": "text/csv", "buffer": statement(memo)}
    )
    cashier.get_by_role("button", name="Đọc sao kê").click()
    expect(cashier.locator("#content")).to_contain_text("sao-ke.csv")
    assert_fits_and_is_accessible(cashier, "statement")

    page.get_by_role("link", name="Đã chuyển rồi? Tải lại trang").click()
    expect(page.locator("main")).to_contain_text("Đã nhận phí, lệ phí của hồ sơ này")
    assert Payment.objects.get(pk=payment.pk).method == Payment.Method.VIETQR


def statement(memo: str) -> bytes:
    """What came on the office's account: the fee, and money that nobody knows."""
    return (
        "Ngày giao dịch;Số tham chiếu;Ghi nợ;Ghi có;Diễn giải\n"
        f"24/11/2026;FT1;;16.000;{memo} CT DEN\n"
        "24/11/2026;FT2;;50.000;ung ho\n"
    ).encode()


def pay_in_cash(cashier: Page, site: str, dossier: Dossier) -> None:
    cashier.goto(f"{site}{reverse('admin:cash_desk')}?{urlencode({'q': dossier.code})}")
    cashier.get_by_role("button", name="Thu 16.000 đồng tiền mặt").click()
    expect(cashier.locator(".messagelist")).to_contain_text("Đã thu")
    assert_fits_and_is_accessible(cashier, "cash desk")


def test_three_ways_to_receive(at_desk, site, run_tasks):  # noqa: F811
    office, citizen = factories.Office(), factories.user()
    online, counter, post = (
        finished(office, way, HOME, owner=citizen) for way in ("online", "counter", "post")
    )
    run_tasks()
    phone, desk = at_desk(citizen), at_desk(office.reception, **WIDE)

    receive_online(phone, site, online)
    collect_with_the_code(phone, desk, site, counter)
    run_tasks()
    the_slip_is_there(desk)
    receive_by_post(phone, desk, site, post)

    for dossier in (online, counter, post):
        assert now(dossier).state == Dossier.State.RETURNED
    call_command("verifyledger", verbosity=0)


def receive_online(page: Page, site: str, dossier: Dossier) -> None:
    page.goto(site + dossier.get_absolute_url())
    expect(page.get_by_text("Đã trả kết quả").first).to_be_visible()


def collect_with_the_code(page: Page, desk: Page, site: str, dossier: Dossier) -> None:
    """The code on the citizen's telephone is all that the desk types."""
    page.goto(site + dossier.get_absolute_url())
    assert_fits_and_is_accessible(page, "to collect")
    code = dossier.collection.code
    expect(page.locator("main")).to_contain_text(code)

    desk.goto(site + reverse("admin:collect"))
    desk.get_by_label("Mã nhận kết quả, thẻ căn cước hoặc giấy hẹn").fill(code)
    desk.get_by_role("button", name="Tìm").click()
    assert_fits_and_is_accessible(desk, "hand over")
    desk.get_by_role("button", name="Trả kết quả và in phiếu").click()

    expect(desk.get_by_role("heading", level=1)).to_have_text("Đã trả kết quả")


def the_slip_is_there(desk: Page) -> None:
    desk.reload()
    expect(desk.get_by_role("link", name="Giấy biên nhận trả kết quả")).to_be_visible()
    assert_fits_and_is_accessible(desk, "handed over")


def receive_by_post(page: Page, desk: Page, site: str, dossier: Dossier) -> None:
    """Handed to the post with a number, and delivered by the post's own file."""
    desk.goto(site + reverse("admin:parcels"))
    assert_fits_and_is_accessible(desk, "parcels")
    desk.get_by_role("button", name="Giao bưu điện").click()
    desk.locator('input[name^="number-"]').fill("EB125966888VN")
    desk.get_by_role("button", name="Giao bưu điện và in bảng kê").click()
    page.goto(site + dossier.get_absolute_url())
    expect(page.locator("main")).to_contain_text("EB125966888VN")

    desk.goto(site + reverse("admin:parcels"))
    at = Parcel.objects.get(dossier=dossier).state_at
    content = f"Mã bưu gửi,Trạng thái,Thời gian\nEB125966888VN,Đã phát,{at:%d/%m/%Y} 23:59\n"
    desk.locator('input[type="file"]').set_input_files(
        {"name": "buu-dien.csv", "mimeType": "text/csv", "buffer": content.encode()}
    )
    desk.get_by_role("button", name="Nhập tệp").click()

    expect(desk.get_by_role("heading", level=1)).to_have_text("Tệp của bưu điện")
    assert_fits_and_is_accessible(desk, "the post's file")
