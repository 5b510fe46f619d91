"""PDFs from templates, and the form on paper."""

import base64
import datetime
import http.server
import io
import subprocess
import threading
from types import SimpleNamespace

import pikepdf
import pytest
from django.template import Context, Template
from django.test import override_settings
from django.utils import translation

from procedures import papers
from procedures.formspec import layout, paperform
from procedures.formspec.spec import Form
from procedures.spelling import day_in_words

FORM = Form.model_validate(
    [
        {
            "section": "truong_hop",
            "title": "Trường hợp của gia đình",
            "fields": [
                {
                    "id": "cha_me",
                    "type": "choice",
                    "label": "Cha mẹ của bé",
                    "options": {"da_ket_hon": "Đã đăng ký kết hôn", "chi_khai_me": "Chỉ khai mẹ"},
                }
            ],
        },
        {
            "section": "be",
            "title": "Em bé",
            "fields": [
                {"id": "ho_ten", "type": "name", "label": "Họ, chữ đệm, tên"},
                {"id": "ngay_sinh", "type": "date", "label": "Ngày sinh", "spell_out": "yes"},
                {"id": "gioi_tinh", "type": "gender", "label": "Giới tính"},
                {"id": "dan_toc", "type": "ethnicity", "label": "Dân tộc"},
                {"id": "que_quan", "type": "address", "label": "Quê quán"},
                {"id": "ghi_chu", "type": "long_text", "label": "Ghi chú", "optional": "yes"},
            ],
        },
        {
            "section": "cha",
            "title": "Cha",
            "when": "truong_hop.cha_me = da_ket_hon",
            "fields": [
                {
                    "id": "nguoi",
                    "type": "group",
                    "fields": [
                        {"id": "ho_ten", "type": "name", "label": "Họ tên"},
                        {"id": "so", "type": "citizen_number", "label": "Số định danh cá nhân"},
                    ],
                }
            ],
        },
        {
            "section": "nguoi_lam_chung",
            "title": "Người làm chứng việc sinh",
            "repeat": {"min": "1", "max": "5", "row_name": "Người làm chứng"},
            "fields": [{"id": "ho_ten", "type": "name", "label": "Họ tên"}],
        },
        {
            "section": "giay_to",
            "title": "Giấy tờ",
            "fields": [
                {
                    "id": "kem",
                    "type": "choices",
                    "label": "Giấy tờ kèm theo",
                    "options": {"chung_sinh": "Giấy chứng sinh", "ket_hon": "Giấy kết hôn"},
                }
            ],
        },
        {
            "section": "cam_doan",
            "title": "Cam đoan",
            "fields": [
                {"id": "dong_y", "type": "declaration", "text": "Tôi cam đoan lời khai là thật."}
            ],
        },
    ]
)
ANSWERS = {
    "truong_hop": {"cha_me": "chi_khai_me"},
    "be": {
        "ho_ten": "Nguyễn Gia Hưng",
        "ngay_sinh": "2026-02-05",
        "gioi_tinh": "nam",
        "dan_toc": "Bru Vân Kiều",
        "que_quan": {
            "commune": "19495",
            "name": "Xã Gio Linh, Tỉnh Quảng Trị",
            "detail": "Hà Thượng",
        },
    },
    "nguoi_lam_chung": [{"ho_ten": "Lê Thị Ẩn"}],
    "giay_to": {"kem": ["chung_sinh"]},
    "cam_doan": {"dong_y": "yes"},
}


def revision(form: Form = FORM, **definition) -> SimpleNamespace:
    """As much of a `Revision` as a form on paper asks for."""
    documents = [SimpleNamespace(name="Tờ khai đăng ký khai sinh", how="portal")]
    return SimpleNamespace(
        procedure=SimpleNamespace(code="1.001193"),
        number=3,
        short_name="Đăng ký khai sinh",
        form=form,
        definition=definition,
        digest="0" * 64,
        documents=SimpleNamespace(all=lambda: documents),
    )


def draw(source: str, tmp_path, **context) -> bytes:
    """The PDF of a template given as text."""
    (tmp_path / "trial.html").write_text(source, encoding="utf-8")
    engine = {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [tmp_path],
    }
    with override_settings(TEMPLATES=[engine]):
        return papers.render("trial.html", context)


def words(pdf: bytes) -> str:
    text = subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True
    ).stdout.decode()
    return " ".join(text.split())


def fields_of(pdf: bytes) -> dict[str, str]:
    """Full field name -> value, read as a viewer reads them."""
    found: dict[str, str] = {}

    def read(fields, before: str) -> None:
        for field in fields:
            name = f"{before}{field.T}"
            if "/FT" in field:
                assert name not in found
                found[name] = str(field.get("/V", ""))
            else:
                read(field.Kids, f"{name}.")

    with pikepdf.open(io.BytesIO(pdf)) as document:
        read(document.Root.AcroForm.Fields, "")
    return found


@pytest.fixture
def canary():
    """A web server that counts who comes; (its address, the paths that were asked for)."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(302)
            self.send_header("Location", "file:///etc/hostname")
            self.end_headers()

        def log_message(self, *args):
            """Keep the test's output clean."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    "markup",
    [
        '<img src="{where}/a.png">',
        '<link rel="stylesheet" href="{where}/a.css">',
        '<link rel="attachment" href="{where}/a.txt">',
        '<a rel="attachment" href="{where}/a.txt">x</a>',
        '<style>@import url("{where}/a.css");</style>',
        '<style>p {{ background: url("{where}/a.png") }}</style><p>x</p>',
        '<style>@font-face {{ font-family: x; src: url("{where}/a.ttf") }}</style>',
        '<object data="{where}/a.svg"></object>',
    ],
)
@pytest.mark.parametrize("place", ["server", "file:///etc"])
def test_a_paper_that_names_something_outside_is_refused(markup, place, canary, tmp_path):
    server, asked = canary
    where = server if place == "server" else place

    with pytest.raises(papers.ForeignResource):
        draw(f"<title>x</title>{markup.format(where=where)}", tmp_path)

    assert asked == []


def test_an_svg_in_a_paper_cannot_reach_outside_either(canary, tmp_path):
    server, asked = canary
    svg = f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{server}/a.png"/></svg>'
    uri = "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()

    with pytest.raises(papers.ForeignResource):
        draw('<img src="{{ uri }}">', tmp_path, uri=uri)

    assert asked == []


def test_markup_in_a_value_is_printed_as_typed(tmp_path):
    nasty = "</p><h1>ĐÃ DUYỆT</h1><img src=http://127.0.0.1:9/x.png>"

    text = words(draw("<p>Tên: {{ name }}</p>", tmp_path, name=nasty))

    assert text == f"Tên: {nasty}"


def test_every_vietnamese_letter_can_be_searched_and_is_embedded(tmp_path):
    letters = "".join(chr(code) for code in range(0x1EA0, 0x1EFA)) + "ĂăÂâĐđÊêÔôƠơƯư₫"
    css = "<style>html { font: 13pt 'Liberation Serif' }</style>"

    pdf = draw(css + "<p>{{ letters }}</p>", tmp_path, letters=" ".join(letters))

    assert words(pdf).replace(" ", "") == letters
    fonts = subprocess.run(["pdffonts", "-"], input=pdf, capture_output=True, check=True).stdout
    assert fonts.count(b"Liberation-Serif") == 1
    assert b"yes yes yes" in fonts


def test_the_same_paper_twice_is_the_same_file(tmp_path):
    first, second = (draw("<title>Giấy</title><p>một</p>", tmp_path) for _ in range(2))

    assert first == second


def test_a_paper_says_its_title_and_language(tmp_path):
    pdf = draw('<html lang="vi"><title>Giấy tiếp nhận</title><p>x</p>', tmp_path)

    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert str(document.Root.Lang) == "vi"
        assert str(document.docinfo.Title) == "Giấy tiếp nhận"
        assert document.Root.MarkInfo.Marked


def test_a_paper_is_vietnamese_for_an_english_reader(tmp_path):
    with translation.override("en"):
        pdf = draw('{{ day|date:"l" }}', tmp_path, day=datetime.date(2026, 11, 23))

    assert words(pdf) == "Thứ 2"


def test_two_threads_can_draw_at_once(tmp_path):
    drawn: list[bytes] = []
    run = [threading.Thread(target=lambda: drawn.append(blank())) for _ in range(2)]

    for thread in run:
        thread.start()
    for thread in run:
        thread.join()

    assert len(drawn) == 2
    assert drawn[0] == drawn[1]


def test_a_qr_code_is_an_svg_inside_the_paper():
    uri = papers.qr_svg_data_uri("http://localhost:8000/xac-thuc/abc/")

    assert uri.startswith("data:image/svg+xml")


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        ("2026-02-05T01:30:00+00:00", "08 giờ 30 phút, ngày 05 tháng 02 năm 2026"),
        ("2026-11-23T17:00:00+07:00", "17 giờ 00 phút, ngày 23 tháng 11 năm 2026"),
        ("2026-03-09T07:05:00+07:00", "07 giờ 05 phút, ngày 09 tháng 3 năm 2026"),
        ("2026-01-31T23:59:00+07:00", "23 giờ 59 phút, ngày 31 tháng 01 năm 2026"),
        ("", "… giờ … phút, ngày … tháng … năm …"),
    ],
)
def test_moments_are_written_as_papers_write_them(moment, written):
    template = Template("{% load papers %}{{ moment|paper_moment }}")

    assert template.render(Context({"moment": moment})) == written


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("Ủy ban nhân dân xã Gio Linh", "Ủy ban nhân dân\nxã Gio Linh"),
        ("Bộ phận Tiếp nhận và Trả kết quả", "Bộ phận Tiếp nhận\nvà Trả kết quả"),
        ("Sở Tư pháp", "Sở Tư pháp"),
        ("", ""),
    ],
)
def test_a_long_office_name_breaks_in_the_middle(name, lines):
    template = Template("{% load papers %}{{ name|balanced }}")

    assert template.render(Context({"name": name})) == lines


@pytest.mark.parametrize(
    ("day", "written"),
    [
        ((2026, 2, 5), "Ngày năm tháng hai năm hai nghìn không trăm hai mươi sáu"),
        ((2005, 4, 21), "Ngày hai mươi mốt tháng tư năm hai nghìn không trăm linh năm"),
        ((1990, 12, 15), "Ngày mười lăm tháng mười hai năm một nghìn chín trăm chín mươi"),
        ((2000, 1, 10), "Ngày mười tháng một năm hai nghìn"),
        ((1984, 11, 14), "Ngày mười bốn tháng mười một năm một nghìn chín trăm tám mươi tư"),
        ((2015, 5, 31), "Ngày ba mươi mốt tháng năm năm hai nghìn không trăm mười lăm"),
        ((1900, 10, 24), "Ngày hai mươi tư tháng mười năm một nghìn chín trăm"),
    ],
)
def test_a_day_is_spelled_as_civil_papers_do(day, written):
    assert day_in_words(datetime.date(*day)) == written


def blank() -> bytes:
    return paperform.blank_pdf(revision())


def filled(answers=ANSWERS, **details) -> bytes:
    office = SimpleNamespace(name="Ủy ban nhân dân xã Gio Linh", place="Gio Linh")
    return paperform.filled_pdf(revision(), answers, office=office, **details)


def test_the_blank_form_has_a_field_for_every_answer_by_its_path():
    names = fields_of(blank())

    assert names == {
        "mau.kinh_gui": "",
        "mau.thu_tuc": "1.001193",
        "mau.ban": "3",
        "truong_hop.cha_me": "/Off",
        "be.ho_ten": "",
        "be.ngay_sinh": "",
        "be.ngay_sinh_bang_chu": "",
        "be.gioi_tinh": "/Off",
        "be.dan_toc": "",
        "be.que_quan.detail": "",
        "be.que_quan.commune": "",
        "be.ghi_chu": "",
        "cha.nguoi.ho_ten": "",
        "cha.nguoi.so": "",
        "nguoi_lam_chung.0.ho_ten": "",
        "nguoi_lam_chung.1.ho_ten": "",
        "nguoi_lam_chung.2.ho_ten": "",
        "nguoi_lam_chung.3.ho_ten": "",
        "giay_to.kem.chung_sinh": "/Off",
        "giay_to.kem.ket_hon": "/Off",
    }


def test_the_procedure_and_the_revision_cannot_be_typed_over():
    with pikepdf.open(io.BytesIO(blank())) as document:
        fields = {
            str(kid.T): kid
            for field in document.Root.AcroForm.Fields
            if str(field.T) == "mau"
            for kid in field.Kids
        }

    assert fields["thu_tuc"].Ff & 1
    assert fields["ban"].Ff & 1


def test_no_part_of_a_field_name_has_a_dot():
    def parts(fields):
        for field in fields:
            if "/T" in field:
                yield str(field.T)
            yield from parts(field.get("/Kids", []))

    with pikepdf.open(io.BytesIO(blank())) as document:
        assert [name for name in parts(document.Root.AcroForm.Fields) if "." in name] == []


def test_one_choice_is_one_field_whose_options_are_the_answers():
    with pikepdf.open(io.BytesIO(blank())) as document:
        section = next(
            field for field in document.Root.AcroForm.Fields if str(field.T) == "truong_hop"
        )
        (group,) = section.Kids

        assert [str(value) for value in group.Opt] == ["da_ket_hon", "chi_khai_me"]
        assert len(group.Kids) == 2


def test_a_text_field_writes_in_a_font_that_has_vietnamese():
    with pikepdf.open(io.BytesIO(blank())) as document:
        form = document.Root.AcroForm
        field = next(row for row in form.Fields if str(row.T) == "be").Kids[0]
        font = form.DR.Font["/" + str(field.DA).split("/")[1].split()[0]]

        assert "Liberation-Serif" in str(font.BaseFont)
        descriptor = font.DescendantFonts[0].FontDescriptor
        assert len(descriptor.FontFile2.read_bytes()) > 200_000


def test_what_somebody_typed_can_be_read_back():
    name = "Nguyễn Thị Ưỡn Ặc Ễnh Ữ"

    with pikepdf.open(io.BytesIO(blank())) as document:
        section = next(row for row in document.Root.AcroForm.Fields if str(row.T) == "be")
        section.Kids[0].V = pikepdf.String(name)
        typed = io.BytesIO()
        document.save(typed)

    assert fields_of(typed.getvalue())["be.ho_ten"] == name


def test_the_blank_form_shows_every_section_and_says_when():
    text = words(blank())

    assert "TỜ KHAI ĐĂNG KÝ KHAI SINH" in text
    assert "Chỉ khai khi “Cha mẹ của bé” là “Đã đăng ký kết hôn”" in text
    assert "Thiếu dòng thì ghi tiếp vào một tờ khác" in text
    assert "(Ký, ghi rõ họ, chữ đệm, tên)" in text
    assert "Mã thủ tục: 1.001193 · bản 3" in text


def person(*, beside: str = "", **section) -> dict:
    return {
        **section,
        **({"beside": beside} if beside else {}),
        "fields": [
            {"id": "ho_ten", "type": "name", "label": "Họ, chữ đệm, tên"},
            {"id": "ngay_sinh", "type": "date", "label": "Ngày sinh"},
            {"id": "so", "type": "citizen_number", "label": "Số định danh"},
        ],
    }


COUPLE = Form.model_validate(
    [person(section="ben_nu", title="Bên nữ"),
     person(section="ben_nam", title="Bên nam", beside="ben_nu")]
)  # fmt: skip


def test_two_sections_beside_each_other_are_two_columns_and_both_sign():
    text = words(paperform.blank_pdf(revision(COUPLE)))

    assert "Bên nữ Bên nam" in text
    assert "Họ, chữ đệm, tên: Họ, chữ đệm, tên:" in text
    assert "BÊN NỮ BÊN NAM (Ký, ghi rõ họ, chữ đệm, tên) (Ký, ghi rõ họ, chữ đệm, tên)" in text


def test_both_names_stand_where_both_sign():
    answers = {"ben_nu": {"ho_ten": "Lê Thị Ẩn"}, "ben_nam": {"ho_ten": "Võ Văn Cứ"}}

    text = words(paperform.filled_pdf(revision(COUPLE), answers))

    assert text.endswith("Lê Thị Ẩn Võ Văn Cứ Mã thủ tục: 1.001193 · bản 3 1/1")


def test_short_answers_share_a_line_but_not_in_a_column():
    rows = layout.lay_out(Form([COUPLE.sections[0]]))["sections"][0]["rows"]
    narrow = layout.lay_out(COUPLE)["sections"][0]["columns"][0]["rows"]

    assert [row["kind"] for row in rows] == ["line", "pair"]
    assert [row["kind"] for row in narrow] == ["line", "line", "line"]


def test_a_day_that_is_spelled_stands_beside_its_words():
    rows = layout.lay_out(FORM, ANSWERS)["sections"][1]["rows"]
    pair = next(row for row in rows if row["kind"] == "pair")

    assert [row["value"] for row in pair["rows"]] == [
        "05/02/2026", "Ngày năm tháng hai năm hai nghìn không trăm hai mươi sáu",
    ]  # fmt: skip


def test_an_amount_is_spelled_too():
    money = {"id": "so_tien", "type": "money", "label": "Vốn", "spell_out": "yes"}
    form = Form.model_validate([{"section": "von", "title": "Vốn", "fields": [money]}])

    [pair] = layout.lay_out(form, {"von": {"so_tien": 50_000_000}})["sections"][0]["rows"]

    assert pair["rows"][1]["value"] == "Năm mươi triệu đồng"


def test_rows_too_wide_for_a_table_stand_below_each_other():
    fields = [{"id": f"ten_{i}", "type": "text", "label": f"Tên {i}"} for i in range(6)]
    repeat = {"min": "1", "max": "9", "row_name": "Người"}
    section = {"section": "nguoi", "title": "Những người", "repeat": repeat, "fields": fields}

    rows = layout.lay_out(Form.model_validate([section]))["sections"][0]["rows"]

    assert [row["label"] for row in rows if row["kind"] == "heading"] == [
        "Người 1", "Người 2", "Người 3",
    ]  # fmt: skip


def test_explanations_are_numbered_once_and_stand_below():
    name = {"id": "a", "type": "name", "label": "Họ tên", "help": "Viết in hoa."}
    form = Form.model_validate(
        [{"section": "x", "title": "X", "fields": [name, {**name, "id": "b"}]}]
    )

    text = words(paperform.blank_pdf(revision(form)))

    assert text.count("Họ tên (1):") == 2
    assert text.count("(1) Viết in hoa.") == 1


def test_the_head_is_that_of_the_official_form():
    heading = {"title": "Giấy đề nghị cấp", "number": "Mẫu số 1", "source": "Theo Thông tư 1",
               "addressed_to": "Cơ quan đăng ký"}  # fmt: skip

    text = words(paperform.blank_pdf(revision(paper=heading)))

    assert "Mẫu số 1" in text
    assert "GIẤY ĐỀ NGHỊ CẤP" in text
    assert "(Theo Thông tư 1)" in text
    assert "(Cơ quan đăng ký)" in text
    assert "NGƯỜI ĐỀ NGHỊ" in text


def test_the_blank_form_leads_to_the_page_of_its_procedure():
    facts = paperform.blank_facts(revision())

    assert facts["page_url"].endswith("/thu-tuc/1.001193/")
    assert facts["page_url"].startswith("http")
    assert facts["page_url"] in words(blank())


def test_a_paper_that_is_printed_from_a_section_stands_alone():
    papers_of = [{"id": "vb", "name": "Văn bản làm chứng", "print_from": "nguoi_lam_chung"}]

    pdf = paperform.blank_pdf(revision(documents=papers_of), "vb")

    text = words(pdf)
    assert "VĂN BẢN LÀM CHỨNG" in text
    assert "Kèm hồ sơ: Đăng ký khai sinh" in text
    assert "NGƯỜI LÀM CHỨNG 1 NGƯỜI LÀM CHỨNG 2" in text
    assert "Em bé" not in text
    assert "nguoi_lam_chung.1.ho_ten" in fields_of(pdf)
    with pytest.raises(paperform.NoSuchPaper):
        paperform.blank_pdf(revision(documents=papers_of), "khac")


def test_a_viewer_says_what_each_field_asks_for():
    with pikepdf.open(io.BytesIO(blank())) as document:
        section = next(row for row in document.Root.AcroForm.Fields if str(row.T) == "be")

        assert str(section.Kids[0].TU) == "Em bé – Họ, chữ đệm, tên"


def test_the_filled_form_says_the_answers_as_plain_text():
    filed_at = datetime.datetime.fromisoformat("2026-11-23T08:30:00+07:00")

    pdf = filled(applicant="Nguyễn Thị Ngữ", filed_at=filed_at, code="000.00.40.H50-261123-0001")

    text = words(pdf)
    assert "Kính gửi: Ủy ban nhân dân xã Gio Linh" in text
    assert "Họ, chữ đệm, tên: Nguyễn Gia Hưng" in text
    assert "Ngày sinh: 05/02/2026" in text
    assert "☒ Nam ☐ Nữ" in text
    assert "☒ Giấy chứng sinh ☐ Giấy kết hôn" in text
    assert "Dân tộc: Bru Vân Kiều" in text
    assert "STT Họ tên 1 Lê Thị Ẩn" in text
    assert "Tôi cam đoan lời khai là thật." in text
    assert "Gio Linh, ngày 23 tháng 11 năm 2026" in text
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert "/AcroForm" not in document.Root


def test_the_filled_form_leaves_out_what_was_not_asked():
    text = words(filled())

    assert "Cha (Chỉ khai" not in text
    assert "Số định danh cá nhân" not in text
    assert "Thiếu dòng" not in text


def test_a_draft_can_be_printed_before_anything_is_answered():
    text = words(filled(answers={}))

    assert "Họ, chữ đệm, tên: (để trống)" in text


def test_markup_in_an_answer_is_printed_as_typed():
    nasty = "<b>ĐÃ DUYỆT</b><img src=file:///etc/hostname>"

    text = words(filled({**ANSWERS, "be": {**ANSWERS["be"], "ho_ten": nasty}}))

    assert nasty in text
