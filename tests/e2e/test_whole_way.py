"""One real dossier goes the whole way, in a browser, with nothing faked."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from dossiers import signing
from dossiers.models import Dossier
from portal.management.commands.seed_demo import PASSWORD
from tests.e2e.conftest import pdf_text

pytestmark = pytest.mark.django_db(transaction=True)

CITIZEN, CITIZEN_PASSWORD = "binh.tran@example.vn", "mot-cua-cho-moi-nha"
GIO_LINH = "Xã Gio Linh, Tỉnh Quảng Trị"


def photo(color: str = "#dddddd") -> dict:
    """A picture as a phone would send it."""
    file = io.BytesIO()
    Image.new("RGB", (640, 480), color).save(file, "JPEG")
    return {"name": "giấy chứng sinh.jpg", "mimeType": "image/jpeg", "buffer": file.getvalue()}


def fill(page: Page, **answers: str) -> None:
    """Fill inputs by name; `__` stands for the dot of a path."""
    for name, value in answers.items():
        page.locator(f'[name="{name.replace("__", ".")}"]').fill(value)


def choose(page: Page, **answers: str) -> None:
    """Pick radio buttons and check boxes by name and value."""
    for name, value in answers.items():
        page.locator(f'[name="{name.replace("__", ".")}"][value="{value}"]').check()


def go_on(page: Page) -> None:
    page.get_by_role("button", name="Tiếp tục").last.click()


def log_in(page: Page, site: str, address: str, password: str = PASSWORD, to: str = "") -> None:
    page.goto(f"{site}/tai-khoan/login/?next={to}")
    page.locator('[name="login"]').fill(address)
    page.locator('[name="password"]').fill(password)
    page.locator('main form[method="post"] button[type="submit"]').first.click()
    page.wait_for_url(lambda url: "/login/" not in url)


def download(page: Page, link, folder) -> str:
    with page.expect_download() as waiting:
        link.click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return str(path)


def wait_for_link(page: Page, name: str | re.Pattern):
    """A paper that a worker makes: reload until it is there."""
    for _attempt in range(40):
        link = page.get_by_role("link", name=name)
        if link.count():
            return link.first
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError(f"no link {name}")


def register(page: Page, site: str, mailbox, wait_until) -> None:
    page.goto(f"{site}/tai-khoan/signup/")
    page.locator('[name="full_name"]').fill("Trần Thị Bình")
    page.locator('[name="email"]').fill(CITIZEN)
    page.locator('[name="password1"]').fill(CITIZEN_PASSWORD)
    page.locator('main form button[type="submit"]').first.click()
    mail = wait_until(lambda: mailbox(CITIZEN), seconds=20)
    code = re.search(r"^\s*([0-9A-Z]{3,4}-?[0-9A-Z]{3,4})\s*$", mail, re.MULTILINE)[1]
    page.locator('[name="code"]').fill(code)
    page.locator('main form button[type="submit"]').first.click()
    page.wait_for_url(lambda url: "/confirm" not in url)


def person(prefix: str, name: str, born: str, number: str) -> dict[str, str]:
    return {
        f"{prefix}__ho_ten": name,
        f"{prefix}__ngay_sinh": born,
        f"{prefix}__so_dinh_danh": number,
        f"{prefix}__noi_cu_tru.commune": GIO_LINH,
        f"{prefix}__noi_cu_tru.detail": "Khu phố 3",
    }


def move(page: Page, name: str) -> None:
    """Press an official's button, and the one that confirms it on its own page."""
    page.get_by_role("link", name=name, exact=True).click()
    page.get_by_role("button", name=name, exact=True).click()


def open_in_queue(page: Page, site: str, code: str) -> None:
    page.goto(f"{site}/quan-tri/dossiers/dossier/?q={code}")
    page.get_by_role("link", name=code, exact=True).click()


def file_birth(page: Page, site: str, tmp_path) -> str:
    # 1. Found without accents, and read.
    page.goto(site)
    page.locator('main input[name="q"]').fill("dang ky khai sinh")
    page.locator("main form").get_by_role("button").first.click()
    page.get_by_role("link", name="Đăng ký khai sinh", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Đăng ký khai sinh")
    expect(page.get_by_text("Luật Hộ tịch").first).to_be_visible()

    # 2. Its blank form.
    blank = download(page, page.get_by_role("link", name="Tải mẫu đơn (PDF)"), tmp_path)
    assert "KHAI SINH" in pdf_text(blank).upper()

    # 3. The online form, left in the middle and found again.
    page.get_by_role("link", name="Nộp hồ sơ trực tuyến").click()
    page.get_by_role("button", name="Bắt đầu").click()
    page.get_by_role("link", name="Điền tiếp").click()
    page.get_by_label("Ủy ban nhân dân xã Gio Linh").check()
    go_on(page)
    choose(page, cha_me="da_ket_hon")
    go_on(page)
    choose(page, bang="nguoi_lam_chung")
    go_on(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Người làm chứng việc sinh")
    page.go_back()
    choose(page, bang="giay_chung_sinh")
    go_on(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Người đi đăng ký")
    page.goto(f"{site}/ho-so/")
    page.get_by_role("link", name="Đăng ký khai sinh", exact=True).click()
    page.get_by_role("link", name="Điền tiếp").click()

    # Bad input comes back with everything typed still there.
    expect(page.locator('[name="nguoi.ho_ten"]')).to_have_value("Trần Thị Bình")
    fill(page, **person("nguoi", "Trần Thị Bình", "31/02/1994", "04519400123"))
    choose(page, quan_he="me")
    go_on(page)
    expect(page.locator(".mc-error-summary li")).to_have_count(2)
    expect(page.locator('[name="nguoi.noi_cu_tru.detail"]')).to_have_value("Khu phố 3")
    fill(page, nguoi__ngay_sinh="28/02/1994", nguoi__so_dinh_danh="045194001234")
    go_on(page)

    fill(page, ho_ten="Nguyễn Trần Minh Khôi", ngay_sinh="05/11/2026")
    expect(page.locator('[name="ten_co_so"]')).to_be_hidden()
    choose(page, gioi_tinh="nam", noi_sinh="co_so_y_te")
    expect(page.locator('[name="ten_co_so"]')).to_be_visible()
    page.locator('[name="dan_toc"]').select_option("Kinh")
    fill(page, ten_co_so="Trung tâm Y tế Gio Linh", dia_chi_sinh__commune="gio linh")
    fill(page, que_quan__commune="xã Gio Mỹ, huyện Gio Linh")
    go_on(page)
    for parent, number in (("Trần Thị Bình", "045194001234"), ("Nguyễn Văn An", "045092004321")):
        fill(page, **person("nguoi", parent, "02/03/1992", number))
        page.locator('[name="nguoi.dan_toc"]').select_option("Kinh")
        go_on(page)
    go_on(page)  # marriage: nothing is demanded
    choose(page, can="yes")
    fill(page, so_luong="2")
    go_on(page)
    page.locator('[name="dong_y"]').check()
    go_on(page)

    # The attachment: refused while it is no picture, stored when it is.
    page.locator('[name="giay_chung_sinh"]').set_input_files(
        {"name": "giay.jpg", "mimeType": "image/jpeg", "buffer": b"<script>alert(1)</script>"}
    )
    expect(page.locator("[data-upload-list]").first).to_contain_text("Chỉ nhận ảnh (JPG, PNG")
    page.locator('[name="giay_chung_sinh"]').set_input_files(photo())
    go_on(page)

    # All answers on one page; one is mended and leads straight back.
    expect(page.get_by_role("heading", level=1)).to_have_text("Kiểm tra và nộp hồ sơ")
    expect(page.locator("main")).to_contain_text("Nguyễn Trần Minh Khôi")
    expect(page.locator("main")).to_contain_text("16.000 đồng")
    page.get_by_role("link", name="Sửa Số bản sao").click()
    fill(page, so_luong="1")
    go_on(page)
    expect(page.locator("main")).to_contain_text("8.000 đồng")
    page.get_by_label("Nhận tại Bộ phận Tiếp nhận và Trả kết quả").check()
    page.locator("#id_declare").check()
    page.get_by_role("button", name="Nộp hồ sơ").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Đã nộp, chưa được tiếp nhận")
    expect(page.locator("main")).to_contain_text("chưa được tiếp nhận")
    code = page.locator(".mc-panel .mc-code").inner_text()
    assert re.fullmatch(r"000\.01\.61\.H50-\d{6}-0001", code)
    paper = download(page, wait_for_link(page, "Tải giấy xác nhận (PDF)"), tmp_path)
    text = pdf_text(paper)
    assert code in text
    assert "chưa được tiếp nhận" in text.lower()
    return code


def handle_birth(citizen: Page, office, site: str, code: str, tmp_path) -> None:
    # 4. Reception accepts, then asks once for something more.
    reception = office("motcua@example.vn")
    reception.goto(f"{site}/quan-tri/dossiers/dossier/?nhom=moi")
    reception.get_by_role("link", name=code).click()
    expect(reception.locator("main")).to_contain_text("Nguyễn Trần Minh Khôi")
    move(reception, "Tiếp nhận")
    citizen.goto(f"{site}/ho-so/{code}/")
    receipt = download(
        citizen, wait_for_link(citizen, "Giấy tiếp nhận hồ sơ và hẹn trả kết quả"), tmp_path
    )
    assert "GIẤY TIẾP NHẬN HỒ SƠ" in pdf_text(receipt).upper()

    # The officer proposes what is missing, the one-stop desk sends it.
    officer = office("thuly@example.vn")
    open_in_queue(officer, site, code)
    move(officer, "Nhận xử lý")
    officer.get_by_role("link", name="Đề xuất yêu cầu bổ sung", exact=True).click()
    officer.locator('[name="items"]').fill("Ảnh giấy chứng sinh chụp rõ hơn")
    officer.locator('[name="note:giay_chung_sinh"]').fill("Ảnh mờ")
    officer.locator('[name="reason"]').fill("Ảnh đã gửi bị mờ, không đọc được số.")
    officer.get_by_role("button", name="Đề xuất yêu cầu bổ sung", exact=True).click()
    open_in_queue(reception, site, code)
    move(reception, "Yêu cầu bổ sung")
    expect(reception.locator("main")).to_contain_text("Công dân chưa trả lời")

    citizen.goto(f"{site}/ho-so/{code}/")
    citizen.get_by_role("link", name="Bổ sung hồ sơ").click()
    citizen.get_by_role("button", name="Gửi bổ sung").click()
    expect(citizen.locator("main")).to_contain_text("Còn 1 việc chưa làm")
    citizen.get_by_role("link", name="Giấy chứng sinh").click()
    citizen.locator('[name="giay_chung_sinh"]').set_input_files(photo("#eeeeee"))
    citizen.get_by_role("button", name="Lưu và quay lại danh sách").click()
    citizen.locator('[name="answer"]').fill("Tôi đã chụp lại.")
    citizen.get_by_role("button", name="Gửi bổ sung").click()
    expect(citizen.locator("main")).to_contain_text("Đang xử lý")

    # The officer sends the draft, which the citizen confirms.
    open_in_queue(officer, site, code)
    officer.get_by_role("link", name="Trình ký", exact=True).click()
    officer.get_by_role("button", name="Trình ký", exact=True).click()
    expect(officer.locator(".errornote")).to_contain_text("chưa xác nhận bản dự thảo")
    open_in_queue(officer, site, code)
    move(officer, "Gửi bản dự thảo cho công dân")
    citizen.reload()
    citizen.get_by_role("link", name="Kiểm tra bản dự thảo").click()
    expect(citizen.locator("main")).to_contain_text("Nguyễn Trần Minh Khôi")
    citizen.get_by_role("button", name="Đúng hết, tôi đồng ý").click()

    # Proposed with the numbers of the other system's book, signed by another official.
    open_in_queue(officer, site, code)
    officer.get_by_role("link", name="Trình ký", exact=True).click()
    officer.locator('[name="record.so"]').fill("112/2026")
    officer.locator('[name="record.quyen"]').fill("01/2026")
    officer.locator('[name="record.ngay_dang_ky"]').fill("24/11/2026")
    officer.locator('[name="record.so_dinh_danh"]').fill("045226001234")
    officer.get_by_role("button", name="Trình ký", exact=True).click()
    leader = office("lanhdao@example.vn")
    open_in_queue(leader, site, code)
    expect(leader.locator("main")).to_contain_text("112/2026")
    move(leader, "Ký duyệt")
    citizen.goto(f"{site}/ho-so/{code}/")
    expect(wait_for_text(citizen, "Đã xử lý xong")).to_be_visible()
    expect(citizen.locator("main")).to_contain_text("mang bản chính")


def wait_for_text(page: Page, words: str):
    for _attempt in range(40):
        found = page.get_by_text(words)
        if found.count():
            return found.first
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError(f"no text {words}")


def start(page: Page, site: str, procedure: str) -> None:
    page.goto(f"{site}/ho-so/moi/{procedure}/")
    page.get_by_role("button", name="Bắt đầu").click()
    page.get_by_role("link", name="Điền tiếp").click()
    page.get_by_label("Ủy ban nhân dân xã Gio Linh").check()
    go_on(page)


def pay_for_copy(page: Page, site: str, tmp_path) -> None:
    # 5. Two copies at 8.000 đồng, paid at the gateway before the office begins.
    start(page, site, "2.000635")
    fill(page, **person("nguoi", "Trần Thị Bình", "28/02/1994", "045194001234"))
    fill(page, nguoi__dien_thoai="0912 345 678")
    choose(page, quan_he="ban_than")
    go_on(page)
    choose(page, loai="khai_sinh")
    fill(page, noi__commune="xã Gio Mỹ, huyện Gio Linh", nam="1994")
    go_on(page)
    fill(page, so_luong="2")
    go_on(page)
    page.locator('[name="dong_y"]').check()
    go_on(page)
    page.locator("#id_declare").check()
    page.get_by_role("button", name="Nộp hồ sơ").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Nộp phí, lệ phí")
    expect(page.locator("main")).to_contain_text("16.000 đồng")
    expect(page.locator("main")).to_contain_text("Mười sáu nghìn đồng")

    page.get_by_role("button", name="Thanh toán trực tuyến: Thẻ ngân hàng").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Cổng thanh toán thử")
    page.get_by_role("button", name="Không đủ số dư").click()
    expect(page.locator("main")).to_contain_text("không đủ số dư")
    page.get_by_role("link", name="Nộp lại").click()
    page.get_by_role("button", name="Thanh toán trực tuyến: Thẻ ngân hàng").click()
    page.get_by_role("button", name="Trả tiền").click()
    expect(page.locator("main")).to_contain_text("Đã nhận 16.000 đồng")
    page.get_by_role("link", name="Xem hồ sơ").click()
    expect(page.locator("main")).to_contain_text("Mới đăng ký")
    receipt = download(page, wait_for_link(page, "Xác nhận thanh toán"), tmp_path)
    assert "16.000" in pdf_text(receipt)
    assert "Mười sáu nghìn đồng" in pdf_text(receipt)


def get_decision(citizen: Page, office, site: str, tmp_path) -> None:
    # 6. A decision that we make: signed, downloaded, and checked by its QR's address.
    start(citizen, site, "1.001731")
    choose(citizen, dien="tro_cap_hang_thang")
    go_on(citizen)
    fill(citizen, ho_ten="Trần Văn Cụ", ngay_sinh="01/01/1940", ngay_mat="10/11/2026")
    fill(citizen, noi_cu_tru__commune="Gio Linh")
    go_on(citizen)
    choose(citizen, tu_cach="ca_nhan")
    fill(citizen, **person("nguoi", "Trần Thị Bình", "28/02/1994", "045194001234"))
    fill(citizen, nguoi__dien_thoai="0912345678", quan_he="cháu")
    go_on(citizen)
    choose(citizen, cach="tien_mat")
    go_on(citizen)
    citizen.locator('[name="dong_y"]').check()
    go_on(citizen)
    citizen.locator('[name="giay_chung_tu"]').set_input_files(photo())
    go_on(citizen)
    citizen.locator("#id_declare").check()
    citizen.get_by_role("button", name="Nộp hồ sơ").click()
    code = citizen.locator(".mc-panel .mc-code").inner_text()

    reception, officer, leader = (
        office(f"{name}@example.vn") for name in ("motcua", "thuly", "lanhdao")
    )
    for page, names in (
        (reception, ["Tiếp nhận"]),
        (officer, ["Nhận xử lý", "Trình ký"]),
        (leader, ["Ký duyệt"]),
    ):
        open_in_queue(page, site, code)
        for name in names:
            move(page, name)
    citizen.goto(f"{site}/ho-so/{code}/")
    link = wait_for_link(citizen, re.compile("Tải kết quả"))
    expect(citizen.locator("main")).to_contain_text("Đã trả kết quả")
    decision = download(citizen, link, tmp_path)
    text = pdf_text(decision)
    assert "Trần Văn Cụ" in text
    verdict = signing.check(Path(decision).read_bytes())
    assert verdict.is_genuine
    assert all("bản minh hoạ" in signature.name for signature in verdict.signatures)

    token = Dossier.objects.get(code=code).results.get().token
    assert f"{site}/xac-thuc/{token}/" in re.sub(r"\s", "", text)
    stranger = citizen.context.browser.new_context(locale="vi-VN")
    public = stranger.new_page()
    public.goto(f"{site}/xac-thuc/{token}/")
    expect(public.locator("main")).to_contain_text("Giấy này là thật")
    expect(public.locator("main")).not_to_contain_text("Trần")
    stranger.close()


def test_one_dossier_goes_the_whole_way(
    page, site, worker, mailbox, wait_until, console, browser, tmp_path
):
    contexts = {}

    def office(address: str) -> Page:
        """An official at a desk of their own."""
        if address not in contexts:
            contexts[address] = browser.new_context(
                locale="vi-VN", viewport={"width": 1440, "height": 900}
            )
            desk = contexts[address].new_page()
            log_in(desk, site, address, to="/quan-tri/")
            desk.on("console", lambda m: console.append(m.text) if m.type == "error" else None)
        return contexts[address].pages[0]

    register(page, site, mailbox, wait_until)
    code = file_birth(page, site, tmp_path)
    handle_birth(page, office, site, code, tmp_path)
    pay_for_copy(page, site, tmp_path)
    get_decision(page, office, site, tmp_path)

    assert [c for c in console if "409" not in c and "422" not in c] == []
    assert wait_until(lambda: mailbox(CITIZEN, "đã trả kết quả"), seconds=20)
