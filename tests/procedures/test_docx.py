"""The blank form as a Word file."""

import io
import zipfile

import docx
import pytest
from docx.shared import Mm, Pt

from procedures.formspec.docx import blank_docx
from procedures.formspec.paperform import NoSuchPaper
from tests.procedures.test_papers import COUPLE, revision


def opened(content: bytes):
    return docx.Document(io.BytesIO(content))


def words(document) -> str:
    """Everything that is written, tables in their place."""
    texts = (node.text or "" for node in document.element.body.iter() if node.tag.endswith("}t"))
    return " ".join(" ".join(texts).split())


@pytest.fixture(scope="module")
def document():
    return opened(blank_docx(revision()))


def test_the_page_is_that_of_an_official_paper(document):
    page, style = document.sections[0], document.styles["Normal"]

    margins = (page.left_margin, page.right_margin, page.top_margin, page.bottom_margin)
    assert [round(margin / Mm(1)) for margin in margins] == [30, 20, 20, 20]
    assert (round(page.page_width / Mm(1)), round(page.page_height / Mm(1))) == (210, 297)
    assert (style.font.name, style.font.size) == ("Times New Roman", Pt(13))


def test_everything_of_the_form_is_written(document):
    text = words(document)

    assert "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM Độc lập - Tự do - Hạnh phúc" in text
    assert "TỜ KHAI ĐĂNG KÝ KHAI SINH Kính gửi:" in text
    assert "3. Cha (Chỉ khai khi “Cha mẹ của bé” là “Đã đăng ký kết hôn”)" in text
    assert "Ngày sinh :" in text
    assert "Ghi bằng chữ :" in text
    assert "Ghi chú (nếu có) :" in text
    assert "Tôi cam đoan lời khai là thật." in text
    assert "Làm tại:" in text
    assert "NGƯỜI YÊU CẦU (Ký, ghi rõ họ, chữ đệm, tên)" in text


def test_choices_have_boxes_that_stay_with_their_words(document):
    assert "☐\u00a0Đã đăng ký kết hôn" in "".join(row.text for row in document.paragraphs)


def test_lines_are_dotted_and_give_way_to_what_is_typed(document):
    line = next(row for row in document.paragraphs if row.text.startswith("Họ, chữ đệm, tên"))

    [stop] = line.paragraph_format.tab_stops
    assert line.text.endswith("\t")
    assert round(stop.position / Mm(1)) == 160


def test_a_repeated_section_is_a_table_whose_head_is_repeated(document):
    table = document.tables[1]

    assert [cell.text for cell in table.rows[0].cells] == ["STT", "Họ tên"]
    assert [row.cells[0].text for row in table.rows[1:]] == ["1", "2", "3", "4"]
    assert "tblHeader" in table.rows[0]._tr.xml


def test_two_sections_beside_each_other_are_two_columns():
    couple = opened(blank_docx(revision(COUPLE)))

    table = couple.tables[1]
    assert [cell.text for cell in table.rows[0].cells] == ["Bên nữ", "Bên nam"]
    assert [cell.text.split(":")[0] for cell in table.rows[1].cells] == ["Họ, chữ đệm, tên"] * 2
    assert "BÊN NỮ" in couple.tables[2].rows[0].cells[0].text
    assert "BÊN NAM" in couple.tables[2].rows[0].cells[1].text


def test_the_code_leads_to_the_page_and_is_described(document):
    assert len(document.inline_shapes) == 1
    assert "Mã QR mở trang hướng dẫn" in document.element.xml
    assert "1.001193" in words(document)


def test_the_foot_says_code_revision_address_and_page(document):
    foot = document.sections[0].footer

    assert "Mã thủ tục: 1.001193 · bản 3" in foot.paragraphs[0].text
    assert "NUMPAGES" in foot._element.xml


def test_it_is_a_plain_word_file_without_macros_or_links_outside():
    with zipfile.ZipFile(io.BytesIO(blank_docx(revision()))) as archive:
        names = archive.namelist()
        relations = [archive.read(name) for name in names if name.endswith(".rels")]

    assert not [name for name in names if "vba" in name.lower()]
    assert not [row for row in relations if b'TargetMode="External"' in row]


def test_a_paper_of_one_section_stands_alone():
    papers_of = [{"id": "vb", "name": "Văn bản làm chứng", "print_from": "nguoi_lam_chung"}]

    text = words(opened(blank_docx(revision(documents=papers_of), "vb")))

    assert "VĂN BẢN LÀM CHỨNG" in text
    assert "Tôi xin trình bày như sau:" in text
    assert "Em bé" not in text
    with pytest.raises(NoSuchPaper):
        blank_docx(revision(documents=papers_of), "khac")
