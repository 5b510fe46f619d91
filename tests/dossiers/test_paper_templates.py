"""Every paper of the one-stop shop, drawn from facts of its documented shape and read back."""

import io
import os
import subprocess
import textwrap
import typing
from pathlib import Path

import pikepdf
import pytest

from dossiers import facts as shapes
from procedures import papers

CODE = "000.00.40.H50-261123-0001"
CHECK = "http://localhost:8000/xac-thuc/kJ8x2mQpR7sT4vWz9aBcDe/"
APPLICANT: shapes.Applicant = {
    "name": "Nguyễn Thị Ngữ",
    "address": "Thôn Hà Thượng, xã Gio Linh, tỉnh Quảng Trị",
    "phone": "0912 345 678",
    "email": "ngu@example.vn",
    "citizen_number": "045190001234",
}
HEAD: shapes.DossierHead = {
    "parent_office": "Ủy ban nhân dân xã Gio Linh",
    "office": "Bộ phận Tiếp nhận và Trả kết quả",
    "office_phone": "0233 3825 123",
    "place": "Gio Linh",
    "issued_at": "2026-11-23T08:30:00+07:00",
    "code": CODE,
    "is_sample": False,
    "procedure": "Thủ tục đăng ký khai sinh",
    "applicant": APPLICANT,
}
SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
DOCUMENTS: list[shapes.PaperDocument] = [
    {"name": "Tờ khai đăng ký khai sinh", "originals": 1, "copies": 0, "photos": 0, "files": []},
    {
        "name": "Giấy chứng sinh",
        "originals": 0,
        "copies": 0,
        "photos": 1,
        "files": [{"name": "giay-chung-sinh.jpg", "size": "1,2 MB", "sha256": SHA}],
    },
]
FACTS = {
    "filing": {
        **HEAD,
        "submitted_at": "2026-11-23T08:30:00+07:00",
        "answer_by": "2026-11-25T08:30:00+07:00",
        "handling_office": "Ủy ban nhân dân xã Gio Linh",
        "secret": "K7MW2QXD",
        "track_url": "http://localhost:8000/tra-cuu/",
        "link": "http://localhost:8000/tra-cuu/ABCDEFGHIJKLMNOPQRSTUV.abc/",
        "delivery": "Nhận trực tuyến",
        "documents": DOCUMENTS,
        "steps": [
            {"name": "Kiểm tra và tiếp nhận hồ sơ", "who": "Bộ phận Tiếp nhận và Trả kết quả"},
            {"name": "Ký Giấy khai sinh", "who": "Người ký duyệt"},
        ],
        "originals": [
            {"name": "Giấy chứng sinh", "when": "trước hoặc khi đến nhận kết quả", "note": ""}
        ],
        "office_address": "Thị trấn Gio Linh, tỉnh Quảng Trị",
        "office_hours": "07:00–11:30, 13:30–17:00",
    },
    "receipt": {
        **HEAD,
        "channel": "Trực tuyến",
        "documents": DOCUMENTS,
        "sets": 1,
        "duration": "trong ngày; nhận sau 15:00 thì trả ngày làm việc tiếp theo",
        "accepted_at": "2026-02-05T08:05:00+07:00",
        "promised_at": "2026-02-05T17:00:00+07:00",
        "delivery": "Bộ phận Tiếp nhận và Trả kết quả",
        "fees": [
            {"name": "Phí bản sao Giấy khai sinh", "amount": "16.000 đồng", "due": "nộp trực tuyến"}
        ],
        "received_by": "Trần Văn Đức",
        "track_url": "http://localhost:8000/tra-cuu/",
        "needs_submitter": False,
        "register_book": "01/2026",
        "register_line": 17,
    },
    "supplement": {
        **HEAD,
        "number": "12/HDHS",
        "asked": [
            "Chụp lại Giấy chứng sinh: ảnh hiện nay bị mờ, không đọc được ngày sinh.",
            "Ghi rõ số nhà, thôn trong địa chỉ nơi cư trú của mẹ.",
        ],
        "documents": ["Giấy chứng sinh: ảnh mờ"],
        "fields": ["Em bé – Ngày sinh: khác với Giấy chứng sinh"],
        "reason": "Không đủ căn cứ để xác định ngày, nơi sinh của trẻ.",
        "due_at": "2026-12-08T17:00:00+07:00",
        "officer": "Trần Văn Đức",
    },
    "secret": {
        **HEAD,
        "person": "Nguyễn Thị Ngữ",
        "secret": "K7MW2QXD",
        "track_url": "http://localhost:8000/tra-cuu/",
        "link": "http://localhost:8000/tra-cuu/kJ8x2mQpR7sT4vWz9aBcDe.abc/",
        "officer": "Trần Văn Đức",
    },
    "refusal": {
        **HEAD,
        "number": "05/TB-TNTKQ",
        "reason": "Cha mẹ của trẻ cư trú ở xã Bến Hải nên hồ sơ không thuộc thẩm quyền.",
        "legal_ground": "Luật Hộ tịch 60/2014/QH13, Điều 13",
        "officer": "Trần Văn Đức",
        "appeal": ["Ông/Bà có quyền khiếu nại trong 90 ngày kể từ ngày nhận phiếu này."],
    },
    "apology": {
        **HEAD,
        "office": "Ủy ban nhân dân xã Gio Linh",
        "parent_office": "",
        "number": "03/PXL-UBND",
        "accepted_at": "2026-11-18T08:30:00+07:00",
        "promised_at": "2026-11-25T17:00:00+07:00",
        "new_promised_at": "2026-11-27T17:00:00+07:00",
        "reason": "Phải xác minh thêm tại nơi cư trú cũ của người yêu cầu.",
        "signer_title": "Chủ tịch",
        "signer": "Lê Quang Vũ",
    },
    "stop": {
        **HEAD,
        "office": "Ủy ban nhân dân xã Gio Linh",
        "parent_office": "",
        "number": "07/TB-UBND",
        "accepted_at": "2026-11-18T08:30:00+07:00",
        "asked_at": "2026-11-20T09:15:00+07:00",
        "reason": "Người nộp hồ sơ đề nghị rút hồ sơ.",
        "legal_ground": "Nghị định 118/2025/NĐ-CP, Điều 21",
        "originals": ["Giấy chứng sinh"],
        "signer_title": "Chủ tịch",
        "signer": "Lê Quang Vũ",
        "appeal": [],
    },
    "control": {
        **HEAD,
        "number": "08/PKS",
        "handling_office": "Ủy ban nhân dân xã Gio Linh",
        "partners": ["Công an xã Gio Linh"],
        "accepted_at": "2026-11-18T08:30:00+07:00",
        "promised_at": "2026-11-25T17:00:00+07:00",
        "rows": [
            {
                "giver": "Bộ phận Tiếp nhận và Trả kết quả",
                "taker": "Ủy ban nhân dân xã Gio Linh (người thụ lý)",
                "at": "2026-11-18T09:10:00+07:00",
                "given_by": "Trần Văn Đức",
                "taken_by": "Lê Thị Lý",
                "timing": "Đúng hạn",
                "note": "",
            },
            {
                "giver": "Ủy ban nhân dân xã Gio Linh (người thụ lý)",
                "taker": "Ủy ban nhân dân xã Gio Linh (người ký)",
                "at": "2026-11-24T10:00:00+07:00",
                "given_by": "Lê Thị Lý",
                "taken_by": "",
                "timing": "Quá hạn",
                "note": "Trả lại để sửa",
            },
        ],
    },
    "originals": {
        **HEAD,
        "number": "04/BNBC",
        "rows": [{"name": "Giấy chứng sinh", "place": "Tủ 2, ngăn 3"}],
        "officer": "Trần Văn Đức",
    },
    "given_back": {
        **HEAD,
        "number": "05/TLBC",
        "rows": [{"name": "Giấy chứng sinh", "place": "Tủ 2, ngăn 3"}],
        "taken_by": "Nguyễn Văn An",
        "left": [],
        "officer": "Trần Văn Đức",
    },
    "reserved": {
        **HEAD,
        "symbol": "02/MDP",
        "day": "2026-11-24T00:00:00+07:00",
        "codes": [CODE, CODE.replace("0001", "0002")],
        "officer": "Trần Văn Đức",
    },
    "handover": {
        **HEAD,
        "number": "21/BNKQ",
        "results": [{"title": "Giấy khai sinh", "sha256": "3f" * 32}],
        "copies": 1,
        "collector": "Nguyễn Văn An",
        "collected_as": "Người được ủy quyền",
        "mandate": "Giấy ủy quyền ngày 20/11/2026",
        "proof": "Mã nhận kết quả",
        "card_ends_in": "1234",
        "originals": ["Giấy chứng sinh"],
        "officer": "Trần Văn Đức",
    },
    "payment": {
        **HEAD,
        "series": "XN26",
        "number": "0000017",
        "payer": "Nguyễn Thị Ngữ",
        "lines": [
            {
                "name": "Phí bản sao trích lục hộ tịch",
                "quantity": "2",
                "unit_price": "8.000",
                "amount": "16.000",
                "source": "Thông tư 281/2016/TT-BTC, Điều 4",
            }
        ],
        "total": "16.000",
        "total_in_words": "Mười sáu nghìn đồng",
        "method": "Cổng thanh toán trực tuyến",
        "transaction": "14226112",
        "paid_at": "2026-11-23T08:42:00+07:00",
        "received_by": "",
    },
    "result": {
        "parent_office": "",
        "office": "Ủy ban nhân dân xã Gio Linh",
        "office_phone": "0233 3825 123",
        "place": "Gio Linh",
        "issued_at": "2026-11-23T08:30:00+07:00",
        "code": CODE,
        "is_sample": True,
        "number": "123/QĐ-UBND",
        "kind": "Quyết định",
        "subject": "Về việc hỗ trợ chi phí mai táng",
        "authority": "Chủ tịch Ủy ban nhân dân xã Gio Linh",
        "grounds": [
            "Căn cứ Luật Tổ chức chính quyền địa phương ngày 16 tháng 6 năm 2025;",
            "Căn cứ Nghị định số 20/2021/NĐ-CP ngày 15 tháng 3 năm 2021 của Chính phủ;",
            "Theo đề nghị của Trưởng phòng Văn hóa - Xã hội.",
        ],
        "opening": "",
        "rows": [],
        "articles": [
            {
                "paragraphs": [
                    "Hỗ trợ chi phí mai táng đối với ông Nguyễn Văn Ký, chết ngày 02/11/2026.",
                    "Mức hỗ trợ: 10.000.000 đồng (mười triệu đồng). Người nhận: bà Trần Thị Ngữ.",
                ]
            },
            {"paragraphs": ["Quyết định này có hiệu lực kể từ ngày ký."]},
            {"paragraphs": ["Bà Trần Thị Ngữ và các cơ quan liên quan thi hành quyết định này./."]},
        ],
        "recipients": ["Như Điều 3;", "Phòng Văn hóa - Xã hội;", "Lưu: VT."],
        "signer_title": ["Chủ tịch"],
        "signer": "Lê Quang Vũ",
        "appeal": [],
    },
}
SHAPES = {
    "filing": shapes.FilingFacts,
    "receipt": shapes.ReceiptFacts,
    "supplement": shapes.SupplementFacts,
    "secret": shapes.SecretFacts,
    "refusal": shapes.RefusalFacts,
    "apology": shapes.ApologyFacts,
    "stop": shapes.StopFacts,
    "control": shapes.ControlFacts,
    "originals": shapes.OriginalsFacts,
    "given_back": shapes.GivenBackFacts,
    "handover": shapes.HandoverFacts,
    "payment": shapes.PaymentFacts,
    "result": shapes.ResultFacts,
}
# What each paper says, word for word, under the number of its pages. Written anew from
# `FACTS` by `GOLDEN=write pytest tests/dossiers/test_paper_templates.py`, and then read.
GOLDEN = Path(__file__).parent / "golden"


def draw(kind: str, /, **changes) -> bytes:
    context = {
        "facts": {**FACTS[kind], **changes},
        "check_url": CHECK,
        "qr": papers.qr_svg_data_uri(CHECK),
    }
    return papers.render(f"papers/{kind}.html", context)


def words(pdf: bytes) -> str:
    text = subprocess.run(
        ["pdftotext", "-raw", "-", "-"], input=pdf, capture_output=True, check=True
    ).stdout.decode()
    return " ".join(text.split())


def golden(name: str, pdf: bytes) -> None:
    """Compare pages and text of a paper with what is kept of it."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        pages = len(document.pages)
    found = f"{pages}\n{textwrap.fill(words(pdf), 100, break_long_words=False)}\n"
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("GOLDEN") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_text(found, encoding="utf-8")
    assert found == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", SHAPES)
def test_the_sample_has_the_documented_shape(kind):
    shape = SHAPES[kind]

    assert shape.__required_keys__ <= FACTS[kind].keys()
    assert FACTS[kind].keys() <= typing.get_type_hints(shape).keys()


@pytest.mark.parametrize("kind", FACTS)
def test_a_paper_is_as_it_was(kind):
    pdf = draw(kind)

    golden(kind, pdf)
    text = words(pdf)
    assert "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" in text
    assert "Gio Linh, ngày 23 tháng 11 năm 2026" in text
    assert CODE in text
    assert CHECK in text


@pytest.mark.parametrize("kind", sorted(FACTS.keys() - {"reserved"}))
def test_markup_in_a_name_is_printed_as_typed(kind):
    nasty = "</p><h1>ĐÃ DUYỆT</h1><img src=file:///etc/hostname>"
    person = {"applicant": {**APPLICANT, "name": nasty}, "signer": nasty}

    text = words(draw(kind, **person))

    assert "<h1>ĐÃ DUYỆT</h1>" in text


def test_a_notice_without_a_signer_says_that_the_portal_made_it():
    text = words(draw("stop", signer="", signer_title=""))

    assert "(Cổng lập tự động)" in text
    assert "(Ký, đóng dấu)" not in text


def test_a_result_that_is_no_sample_carries_no_mark():
    text = words(draw("result", is_sample=False))

    assert "MINH HOẠ" not in text


def test_an_extract_shows_its_rows_and_no_articles():
    text = words(
        draw(
            "result",
            kind="Trích lục khai sinh (bản sao)",
            rows=[{"label": "Họ, chữ đệm, tên", "value": "Nguyễn Gia Hưng"}],
            articles=[],
            grounds=[],
            authority="",
        )
    )

    assert "Họ, chữ đệm, tên: Nguyễn Gia Hưng" in text
    assert "QUYẾT ĐỊNH:" not in text
