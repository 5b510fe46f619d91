"""Reading our own blank form back after somebody filled it in."""

import datetime
import io
import resource
import unicodedata
import zlib
from types import SimpleNamespace

import pikepdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from procedures.formspec import acroform, lists, pdfvalues
from procedures.formspec.acroform import Unreadable
from procedures.formspec.paperform import blank_pdf
from procedures.formspec.spec import Form
from procedures.formspec.webform import prune
from procedures.models import Procedure
from tests import factories
from tests.procedures.filling import fill, values_for
from tests.procedures.test_papers import ANSWERS, FORM, revision

pytestmark = pytest.mark.django_db

WHOLE = {key: value for key, value in ANSWERS.items() if key != "cam_doan"}


def procedure_of(current) -> SimpleNamespace:
    """As much of a `Procedure` as reading asks for."""
    older = SimpleNamespace(filter=lambda **_kwargs: Procedure.objects.none())
    return SimpleNamespace(code=current.procedure.code, current=current, revisions=older)


@pytest.fixture(scope="module")
def blank() -> bytes:
    return blank_pdf(revision())


def read(content: bytes, form: Form = FORM) -> acroform.Reading:
    return acroform.read(content, procedure_of(revision(form)))


def read_values(blank: bytes, values: dict[str, str], **kwargs) -> acroform.Reading:
    return read(fill(blank, values, **kwargs))


@pytest.mark.parametrize("viewer", ["plain", "lazy", "strings"])
def test_what_was_filled_in_comes_back_whatever_the_viewer(blank, viewer):
    reading = read(fill(blank, values_for(FORM, WHOLE), viewer=viewer))

    assert reading.answers == WHOLE
    assert reading.unread == []
    assert not reading.is_older
    assert reading.count == 8


def test_a_decomposed_name_comes_back_composed(blank):
    name = "Nguyễn Thị Ưỡn Ặc"

    reading = read_values(blank, {"be.ho_ten": unicodedata.normalize("NFD", name)})

    assert reading.answers["be"]["ho_ten"] == name


def test_a_name_in_utf_8_is_read_too(blank):
    with pikepdf.open(io.BytesIO(blank)) as document:
        section = next(row for row in document.Root.AcroForm.Fields if str(row.T) == "be")
        section.Kids[0].V = pikepdf.String(b"\xef\xbb\xbf" + "Lê Thị Ẩn".encode())
        target = io.BytesIO()
        document.save(target)

    assert read(target.getvalue()).answers == {"be": {"ho_ten": "Lê Thị Ẩn"}}


def test_a_long_text_that_a_viewer_wrote_as_a_stream_is_read(blank):
    text = "Kể lại sự việc.\n" * 20
    with pikepdf.open(io.BytesIO(blank)) as document:
        section = next(row for row in document.Root.AcroForm.Fields if str(row.T) == "be")
        note = next(row for row in section.Kids if str(row.T) == "ghi_chu")
        note.V = document.make_stream(b"\xfe\xff" + text.encode("utf-16-be"))
        content = saved(document)

    assert read(content).answers["be"]["ghi_chu"] == text.strip()


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("05/02/2026", "2026-02-05"),
        ("5.2.2026", "2026-02-05"),
        ("ngày 05 tháng 02 năm 2026", "2026-02-05"),
        ("Ngày 5 tháng 2  năm 2026", "2026-02-05"),
    ],
)
def test_a_day_is_read_however_it_is_written(blank, typed, kept):
    assert read_values(blank, {"be.ngay_sinh": typed}).answers["be"] == {"ngay_sinh": kept}


def test_an_ethnic_group_is_found_by_its_name_without_accents(blank):
    reading = read_values(blank, {"be.dan_toc": "BRU vân kieu"})

    assert reading.answers["be"] == {"dan_toc": "Bru Vân Kiều"}


@pytest.mark.parametrize(
    ("field", "typed", "label", "reason"),
    [
        ("be.ngay_sinh", "31/02/2026", "Em bé – Ngày sinh", "Không có ngày 31/02/2026"),
        ("be.ngay_sinh", "hôm qua", "Em bé – Ngày sinh", "Hãy nhập ngày, tháng, năm"),
        ("be.ho_ten", "Hưng 123", "Em bé – Họ, chữ đệm, tên", "chỉ gồm chữ cái"),
        ("be.dan_toc", "Người Sao Hỏa", "Em bé – Dân tộc", "Hãy chọn một mục"),
        ("be.que_quan.commune", "Xã Không Có", "Em bé – Quê quán", "Chưa tìm thấy"),
        ("be.que_quan.detail", "Thôn 5", "Em bé – Quê quán", "Thiếu xã, phường"),
        ("nguoi_lam_chung.1.ho_ten", "???", "Người làm chứng 2 – Họ tên", "chỉ gồm chữ cái"),
    ],
)
def test_what_does_not_pass_is_kept_out_and_said(blank, field, typed, label, reason):
    reading = read_values(blank, {field: typed, "truong_hop.cha_me": "da_ket_hon"})

    assert reading.answers == {"truong_hop": {"cha_me": "da_ket_hon"}}
    [unread] = reading.unread
    assert (unread.label, unread.typed) == (label, typed)
    assert reason in unread.reason


def test_dots_that_were_left_on_the_line_are_no_answer(blank):
    reading = read_values(blank, {"be.ho_ten": "………", "be.ngay_sinh": "__/__/____",
                                  "truong_hop.cha_me": "da_ket_hon"})  # fmt: skip

    assert reading.answers == {"truong_hop": {"cha_me": "da_ket_hon"}}
    assert reading.unread == []


def test_a_section_that_the_other_answers_rule_out_is_left_out_with_the_reason(blank):
    values = {"truong_hop.cha_me": "chi_khai_me", "cha.nguoi.ho_ten": "Trần Văn Cha"}

    reading = read_values(blank, values)

    assert "cha" not in reading.answers
    [unread] = reading.unread
    assert (unread.label, unread.typed) == ("Cha – Họ tên", "Trần Văn Cha")
    assert "“Cha mẹ của bé” là “Đã đăng ký kết hôn”" in unread.reason


def test_rows_with_an_empty_line_between_move_together(blank):
    values = {"nguoi_lam_chung.0.ho_ten": "Lê Thị Ẩn", "nguoi_lam_chung.2.ho_ten": "Võ Văn Cứ"}

    reading = read_values(blank, values)

    rows = [{"ho_ten": "Lê Thị Ẩn"}, {"ho_ten": "Võ Văn Cứ"}]
    assert reading.answers == {"nguoi_lam_chung": rows}


def test_markup_and_controls_are_text_or_nothing(blank):
    reading = read_values(blank, {"be.ghi_chu": "<script>alert(1)</script>\x00\u202e"})

    assert reading.answers["be"]["ghi_chu"] == "<script>alert(1)</script>"


def test_what_is_still_missing_is_said_by_its_label():
    answers = {"truong_hop": {"cha_me": "da_ket_hon"}, "be": {"ho_ten": "Nguyễn Gia Hưng"}}

    missing = acroform.still_missing(FORM, answers)

    assert "Em bé – Ngày sinh" in missing
    assert "Cha – Số định danh cá nhân" in missing
    assert "Người làm chứng việc sinh" in missing
    assert "Em bé – Ghi chú" not in missing
    assert not [label for label in missing if "cam đoan" in label.lower()]


# --- Any answers ----------------------------------------------------------------------

LETTERS = st.text("aăâbcdđeêghiklmnoôơpqrstuưvxyẾỘẶữỵ", min_size=1, max_size=12)
NAMES = st.lists(LETTERS, min_size=1, max_size=5).map(" ".join)
DAYS = st.dates(datetime.date(1900, 1, 1), datetime.date(2026, 11, 23)).map(str)
PLACES = st.builds(
    lambda commune, detail: {"commune": commune.code, "name": str(commune), "detail": detail},
    st.sampled_from(sorted(lists.communes().values())),
    st.one_of(st.just(""), NAMES),
)
SECTIONS = {
    "truong_hop": st.fixed_dictionaries(
        {}, optional={"cha_me": st.sampled_from(["da_ket_hon", "chi_khai_me"])}
    ),
    "be": st.fixed_dictionaries(
        {},
        optional={
            "ho_ten": NAMES,
            "ngay_sinh": DAYS,
            "gioi_tinh": st.sampled_from(sorted(lists.GENDERS)),
            "dan_toc": st.sampled_from(lists.ETHNIC_GROUPS),
            "que_quan": PLACES,
            "ghi_chu": NAMES,
        },
    ),
    "cha": st.fixed_dictionaries({}, optional={"nguoi": st.builds(
        lambda name, tail: {"ho_ten": name, "so": f"045{tail:09d}"},
        NAMES, st.integers(0, 399_999_999),
    )}),
    "nguoi_lam_chung": st.lists(st.builds(lambda name: {"ho_ten": name}, NAMES), max_size=3),
    "giay_to": st.fixed_dictionaries({}, optional={"kem": st.lists(
        st.sampled_from(["chung_sinh", "ket_hon"]), min_size=1, unique=True).map(sorted)}),
}  # fmt: skip


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.fixed_dictionaries(SECTIONS))
def test_any_answers_come_back_as_they_were(blank, answers):
    asked = {name: given for name, given in prune(FORM, answers).items() if given}
    values = values_for(FORM, answers)
    if not values:
        return

    reading = read_values(blank, values)

    assert reading.answers == asked


# --- Files that are something else ----------------------------------------------------


def refused(content: bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        read(content)
    return str(caught.value)


def saved(document: pikepdf.Pdf, **options) -> bytes:
    target = io.BytesIO()
    document.save(target, **options)
    return target.getvalue()


def test_a_file_that_is_no_pdf_is_refused():
    assert "không phải tệp PDF" in refused(b"<html>%PDF-1.7")
    assert "không phải tệp PDF" in refused(b"")


def test_a_broken_pdf_is_refused(blank):
    assert "bị hỏng" in refused(b"%PDF-1.7\n" + b"\x00" * 500)
    assert "bị hỏng" in refused(b"%PDF-" + blank[2000:4000])


def test_a_file_that_is_too_large_is_refused_unread(blank):
    assert "lớn hơn 5 MB" in refused(blank + b"\n" * (5 * 1024 * 1024))


def test_an_encrypted_pdf_is_refused(blank):
    with pikepdf.open(io.BytesIO(blank)) as document:
        locked = saved(document, encryption=pikepdf.Encryption(owner="a", user="b"))

    assert "mật khẩu" in refused(locked)


def test_a_printed_or_scanned_form_has_no_fields():
    with pikepdf.new() as document:
        document.add_blank_page()
        flat = saved(document)

    assert "bản quét" in refused(flat)


def test_a_form_of_somebody_else_is_not_ours():
    with pikepdf.new() as document:
        document.add_blank_page()
        field = pikepdf.Dictionary(FT=pikepdf.Name.Tx, T=pikepdf.String("ten"), V="x")
        document.Root.AcroForm = pikepdf.Dictionary(Fields=[document.make_indirect(field)])
        foreign = saved(document)

    assert "không phải mẫu tải từ Cổng" in refused(foreign)


def test_the_form_of_another_procedure_is_named():
    other = factories.procedure(factories.LAND_DISPUTE)

    with pytest.raises(Unreadable) as caught:
        read(blank_pdf(other.current))

    assert other.current.short_name in str(caught.value)
    assert caught.value.other == other


def test_an_empty_form_is_said_to_be_empty(blank):
    assert "chưa có ô nào được điền" in refused(blank)


def test_a_pdf_of_very_many_pages_is_refused():
    with pikepdf.new() as document:
        for _page in range(60):
            document.add_blank_page()
        long = saved(document)

    assert "quá nhiều trang" in refused(long)


def test_fields_without_end_are_refused():
    with pikepdf.new() as document:
        document.add_blank_page()
        field = document.make_indirect(pikepdf.Dictionary(T=pikepdf.String("a")))
        field.Kids = pikepdf.Array([field])
        document.Root.AcroForm = pikepdf.Dictionary(Fields=[field])
        endless = saved(document)

    assert "phức tạp hơn" in refused(endless)


def test_a_bomb_of_fields_ends_in_its_own_process():
    with pikepdf.new() as document:
        document.add_blank_page()
        fields = [
            document.make_indirect(
                pikepdf.Dictionary(FT=pikepdf.Name.Tx, T=pikepdf.String(f"a{i}"), V="x" * 3000)
            )
            for i in range(4000)
        ]
        document.Root.AcroForm = pikepdf.Dictionary(Fields=fields)
        bomb = saved(document, object_stream_mode=pikepdf.ObjectStreamMode.generate)

    assert len(bomb) < 1024 * 1024
    assert "phức tạp hơn" in refused(bomb)


def test_a_text_that_unpacks_without_end_ends_in_its_own_process(blank):
    megabyte = zlib.compressobj(9)
    packed = b"".join(megabyte.compress(b"a" * 2**20) for _part in range(700)) + megabyte.flush()
    with pikepdf.open(io.BytesIO(blank)) as document:
        section = next(row for row in document.Root.AcroForm.Fields if str(row.T) == "be")
        section.Kids[0].V = pikepdf.Stream(document, packed, Filter=pikepdf.Name.FlateDecode)
        bomb = saved(document)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    message = refused(bomb)

    assert len(bomb) < acroform.MAX_MB * 1024 * 1024
    assert "bị hỏng" in message
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024


def test_scripts_and_xfa_are_not_looked_at(blank):
    with pikepdf.open(io.BytesIO(fill(blank, {"be.ho_ten": "Lê Thị Ẩn"}))) as document:
        script = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="this.getField('be').value=1")
        document.Root.OpenAction = script
        document.Root.AcroForm.XFA = document.make_stream(b"<xfa>Nguyen Van Khac</xfa>")
        active = saved(document)

    assert read(active).answers == {"be": {"ho_ten": "Lê Thị Ẩn"}}


def test_a_field_that_the_form_does_not_have_is_said(blank):
    with pikepdf.open(io.BytesIO(blank)) as document:
        extra = pikepdf.Dictionary(FT=pikepdf.Name.Tx, T=pikepdf.String("la"), V="gì đó")
        document.Root.AcroForm.Fields.append(document.make_indirect(extra))
        content = saved(document)

    [unread] = read(content).unread

    assert (unread.label, unread.typed) == ("la", "gì đó")


# --- Revisions ------------------------------------------------------------------------


def test_a_form_of_an_older_revision_keeps_what_still_fits():
    older = factories.procedure(factories.LAND_DISPUTE).current
    pdf = fill(blank_pdf(older), {"thua_dat.so_thua": "12", "thua_dat.dien_tich": "40 mét"})
    newer = factories.newer_revision(
        factories.LAND_DISPUTE, "{id: dien_tich, type: text,", "{id: dien_tich, type: number,"
    )

    reading = acroform.read(pdf, newer)

    assert reading.is_older
    assert reading.revision == newer.current
    assert reading.answers == {"thua_dat": {"so_thua": "12"}}
    [unread] = reading.unread
    assert (unread.label, unread.typed) == ("Thửa đất – Diện tích đang tranh chấp", "40 mét")
    assert "không còn, hoặc đã đổi" in unread.reason


def test_the_process_that_reads_knows_nothing_of_ours():
    seen = pdfvalues.ask(b"%PDF-", "values")

    assert seen == {"fault": "broken"}
