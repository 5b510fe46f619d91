"""What people send: what is taken, what is made of it, and what is said of the rest."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import zlib

import pikepdf
import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import TemporaryUploadedFile
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from dossiers import intake
from procedures import bounded
from tests import factories
from tests.sentfiles import docx, link, page, pdf, png_of, saved, upload, zipped

JPEG = factories.picture().read()


def kind(content: bytes, name: str = "giấy tờ.pdf") -> tuple[str, str]:
    with intake.taken(upload(content, name)) as one:
        return one.media_type, one.extension


def made_of(content: bytes) -> Image.Image:
    """The picture that is kept of one that was sent."""
    with intake.taken(upload(content)) as one:
        picture = Image.open(io.BytesIO(one.content.read()))
    picture.load()
    return picture


def flaws(picture: Image.Image) -> list[str]:
    with intake.taken(upload(saved(picture))) as one:
        return one.flaws


def refusal(content: bytes, name: str = "giấy tờ.pdf") -> str:
    with pytest.raises(ValidationError) as caught:
        kind(content, name)
    return " ".join(caught.value.messages)


# --- What is taken --------------------------------------------------------------------

PHOTO, PDF, WORD = ("image/jpeg", ".jpg"), ("application/pdf", ".pdf"), (intake.DOCX, ".docx")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (JPEG, PHOTO),
        (saved(Image.new("RGBA", (64, 48)), "PNG"), PHOTO),
        (saved(Image.new("RGB", (64, 48)), "WEBP"), PHOTO),
        (pdf(), PDF),
        (pdf(500), PDF),
        (docx(), WORD),
    ],
)
def test_the_type_is_what_the_content_says_whatever_the_name(content, expected):
    assert kind(content, "virus.exe") == expected


def test_a_photo_of_an_iphone_is_taken_as_a_jpeg():
    import pillow_heif

    heic = io.BytesIO()
    pillow_heif.from_pillow(page(size=(300, 400))).save(heic)

    with intake.taken(upload(heic.getvalue(), "IMG_0001.HEIC")) as one:
        assert (one.name, one.media_type) == ("IMG_0001.jpg", "image/jpeg")
        assert one.content.read(3) == b"\xff\xd8\xff"


@pytest.mark.parametrize(
    "content",
    [
        b"MZ\x90\x00" + b"\0" * 100,
        b"<html><script>alert(1)</script>",
        b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        b"alert(1)",
        zipped(),
        zipped("word/document.xml"),
        zipped("xl/workbook.xml"),
        b"GIF89a" + b"\0" * 50,
        b"SIMPLE  =                    T",
        b"8BPS\0\1",
        b"II*\0",
        b"\0\0\0 ftypavif" + b"\0" * 50,
        b"<?php echo 1; ?>" + JPEG,
        b"<html>" + pdf(),
        b"\n" + pdf(),
        b"\xef\xbb\xbf" + pdf(),
    ],
)
def test_everything_else_is_refused_with_what_to_do_instead(content):
    for name in ("a.pdf", "a.jpg.php", "a.png\x00.exe"):
        assert "Chỉ nhận ảnh (JPG, PNG, HEIC, WEBP), tệp PDF" in refusal(content, name)


def test_an_empty_and_an_oversized_file_are_refused(monkeypatch):
    monkeypatch.setattr(settings, "MAX_UPLOAD_MB", 1)

    assert "Tệp trống" in refusal(b"")
    assert "mỗi tệp tối đa 1 MB" in refusal(pdf() + b"\0" * 1024 * 1024)


@pytest.mark.parametrize("content", [pdf() + zipped(), JPEG + zipped(), docx() + zipped()])
def test_a_file_that_is_an_archive_at_its_end_is_refused(content):
    assert "Hãy chụp ảnh giấy tờ" in refusal(content)


@hypothesis_settings(max_examples=25, deadline=None)
@given(st.binary(max_size=40), st.sampled_from([JPEG, pdf(), docx()]), st.binary(max_size=40))
def test_whatever_is_put_around_a_good_file_is_answered(before, content, after):
    try:
        media_type, _extension = kind(before + content + after)
    except ValidationError as error:
        assert error.messages
    else:
        assert (before + content).startswith((b"%PDF-", b"\xff\xd8\xff", b"PK"))
        assert media_type in {"image/jpeg", "application/pdf", intake.DOCX}


# --- What is made of a photo ----------------------------------------------------------


def test_a_photo_is_turned_upright_and_shrunk_and_says_no_more_where_it_was_taken():
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Máy ảnh"
    exif.get_ifd(0x8825)[2] = (16.0, 55.0, 0.0)
    picture = Image.new("RGB", (3000, 2000), "white")
    ImageDraw.Draw(picture).rectangle((0, 0, 3000, 400), fill="black")
    sent = saved(picture, exif=exif, comment=b"16.9, 107.1")

    kept = made_of(sent)

    assert kept.size == (1600, 2400)
    assert not kept.getexif()
    assert not {"exif", "comment", "icc_profile"} & set(kept.info)
    assert kept.getpixel((1590, 1200))[0] < 50  # the top of the sensor is the right of the page
    assert kept.getpixel((10, 1200))[0] > 200


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_png_of_any_kind_becomes_a_plain_jpeg(mode):
    kept = made_of(saved(Image.new(mode, (40, 30)), "PNG"))

    assert kept.format == "JPEG"
    assert kept.mode in {"L", "RGB"}


def test_what_a_picture_leaves_open_becomes_white():
    kept = made_of(saved(Image.new("RGBA", (40, 30), (0, 0, 0, 0)), "PNG"))

    assert kept.getpixel((20, 15)) == (255, 255, 255)


def test_what_is_kept_and_what_was_sent_have_each_their_digest():
    with intake.taken(upload(JPEG)) as one:
        kept = one.content.read()

    assert one.sent_sha256 == hashlib.sha256(JPEG).hexdigest()
    assert one.sha256 == hashlib.sha256(kept).hexdigest() != one.sent_sha256
    assert one.size == len(kept)


def test_pdf_and_word_files_are_kept_as_they_came():
    for content in (factories.signed_pdf().read(), docx()):
        with intake.taken(upload(content)) as one:
            assert one.content.read() == content
            assert one.sha256 == one.sent_sha256


def test_a_good_photo_of_a_page_has_no_flaw():
    assert flaws(page()) == []


def test_advice_is_given_on_a_dark_a_blurred_and_a_small_photo():
    assert flaws(page(light=0.3)) == ["dark"]
    assert flaws(page(blur=6)) == ["blurred"]
    assert flaws(page(size=(450, 600))) == ["small"]


@pytest.mark.parametrize("content", [JPEG[:10], b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPVP8 x"])
def test_a_broken_picture_is_refused(content):
    assert "bị hỏng" in refusal(content, "a.jpg")


@pytest.mark.parametrize("side", [6325, 13_000, 30_000])
def test_a_pixel_bomb_is_refused_by_its_header(side):
    assert "40 triệu điểm ảnh" in refusal(png_of(side, side))


# --- PDF ------------------------------------------------------------------------------


def _action(kind: str, **more) -> pikepdf.Dictionary:
    return pikepdf.Dictionary(S=pikepdf.Name(f"/{kind}"), **more)


def _on_opening(document):
    document.Root.OpenAction = _action("JavaScript", JS=pikepdf.String("app.alert(1)"))


def _by_name(document):
    action = _action("JavaScript", JS=pikepdf.String("app.alert(1)"))
    tree = pikepdf.Dictionary(Names=pikepdf.Array([pikepdf.String("x"), action]))
    document.Root.Names = pikepdf.Dictionary(JavaScript=document.make_indirect(tree))


def _on_clicking(document):
    _note(document, A=_action("Launch", F=pikepdf.String("cmd.exe")))


def _after_another_action(document):
    _note(document, A=_action("URI", URI="https://example.org", Next=_action("Launch", F="x")))


def _on_turning_the_page(document):
    document.pages[0].obj.AA = pikepdf.Dictionary(O=_action("JavaScript", JS=pikepdf.String("1")))


def _by_a_form(document):
    document.Root.AcroForm = pikepdf.Dictionary(
        Fields=pikepdf.Array([pikepdf.Dictionary(FT=pikepdf.Name.Btn, A=_action("SubmitForm"))])
    )


def _note(document, **parts):
    note = pikepdf.Dictionary(
        Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9], **parts
    )
    document.pages[0].obj.Annots = pikepdf.Array([document.make_indirect(note)])


TRAPS = [
    _on_opening, _by_name, _on_clicking, _after_another_action, _on_turning_the_page, _by_a_form,
]  # fmt: skip


@pytest.mark.parametrize("trap", TRAPS)
def test_a_pdf_that_runs_something_is_refused(trap):
    packed = {"object_stream_mode": pikepdf.ObjectStreamMode.generate}

    assert "lệnh tự chạy" in refusal(pdf(change=trap, **packed))


def test_a_pdf_that_carries_a_file_or_a_changing_form_is_refused():
    def carry(document):
        document.attachments["virus.exe"] = b"MZ"

    def change(document):
        document.Root.AcroForm = pikepdf.Dictionary(XFA=document.make_stream(b"<xdp/>"), Fields=[])

    assert "kèm tệp khác" in refusal(pdf(change=carry))
    assert "biểu mẫu động" in refusal(pdf(change=change))


def test_a_link_to_a_page_is_no_trap():
    def go(document):
        _note(document, A=_action("GoTo", D=[document.pages[0].obj, pikepdf.Name.Fit]))
        document.Root.OpenAction = [document.pages[0].obj, pikepdf.Name.Fit]

    assert kind(pdf(change=go)) == PDF


def test_a_pdf_with_a_password_is_refused_in_words_about_the_password():
    locked = pdf(encryption=pikepdf.Encryption(owner="a", user="b"))

    assert "có mật khẩu" in refusal(locked)


def test_a_pdf_without_pages_or_with_a_thousand_is_refused():
    assert "từ 1 đến 500 trang" in refusal(pdf(0))
    assert "từ 1 đến 500 trang" in refusal(pdf(1000))


@pytest.mark.parametrize("content", [b"%PDF-1.7", b"%PDF-1.7\n" + b"x" * 300, pdf()[:9] + b"\0"])
def test_a_broken_pdf_is_refused(content):
    assert "bị hỏng" in refusal(content)


def test_a_pdf_with_a_page_of_html_behind_its_end_is_refused():
    assert "nội dung lạ" in refusal(pdf() + b"<html><script>alert(1)</script>")


def test_a_pdf_whose_page_unpacks_without_end_is_taken_without_unpacking_it():
    def bomb(document):
        document.pages[0].obj.Contents = pikepdf.Stream(
            document, zlib.compress(b"\0" * 50_000_000), Filter=pikepdf.Name.FlateDecode
        )

    assert kind(pdf(change=bomb)) == PDF


def test_a_pdf_whose_objects_unpack_without_end_ends_in_its_own_process():
    packed = zlib.compressobj()
    start = packed.compress(b" " * 10_000_000) + packed.flush(zlib.Z_FULL_FLUSH)
    again = packed.compress(b" " * 10_000_000) + packed.flush(zlib.Z_FULL_FLUSH)
    bomb = start + 99 * again + packed.flush()
    head = b"%PDF-1.7\n1 0 obj\n<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length "
    start = head + b"%d>>stream\n" % len(bomb) + bomb + b"\nendstream endobj\n"
    index = b"\1\0\1\0" + b"\1\0\11\0" + b"\2\0\1\0"
    content = start + (
        b"3 0 obj\n<</Type/XRef/W[1 2 1]/Index[0 3]/Size 4/Root 2 0 R/Length %d>>stream\n"
        b"%b\nendstream endobj\nstartxref\n%d\n%%%%EOF" % (len(index), index, len(start))
    )

    assert "bị hỏng" in refusal(content)


# --- Word -----------------------------------------------------------------------------

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (OLE + "EncryptedPackage".encode("utf-16-le"), "có mật khẩu"),
        (OLE + "WordDocument".encode("utf-16-le"), "kiểu cũ"),
        (docx(word__vbaProject=b"x"), "macro"),
        (docx(**{"word__embeddings__oleObject1.bin": b"x"}), "đối tượng nhúng"),
        (docx(main="application/vnd.ms-word.document.macroEnabled.main+xml"), "macro"),
        (docx(links=link("vbaProject", "x", "Internal")), "macro"),
        (docx(links=link("attachedTemplate")), "từ nơi khác"),
        (docx(links=link("image", "//example.org/x.png")), "từ nơi khác"),
        (docx(links=link("oleObject")), "đối tượng nhúng"),
        (docx("<w:instrText>DDEA</w:instrText><w:instrText>UTO cmd</w:instrText>"), "macro"),
        (docx(word__media__big=b"\0" * 30_000_000), "quá lớn"),
        (docx(word__styles=b"x")[:-40], "bị hỏng"),
        (docx("<w:p>"), "bị hỏng"),
        (docx() + b"<html>", "nội dung lạ"),
        (zipped("[Content_Types].xml"), "Chỉ nhận"),
    ],
)  # fmt: skip
def test_a_word_file_that_does_more_than_being_read_is_refused(content, words):
    assert words in refusal(content, "đơn.docx")


def test_a_word_file_with_a_web_address_in_it_is_taken():
    assert kind(docx(links=link("hyperlink"))) == WORD


def test_a_word_file_that_declares_entities_is_refused():
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'

    assert "bị hỏng" in refusal(docx(**{"word__styles.xml": bomb}))


# --- The process ----------------------------------------------------------------------


def test_a_large_file_is_handed_over_without_being_read_here():
    content = pdf() + b" " * 3_000_000
    with TemporaryUploadedFile("a.pdf", "application/pdf", len(content), None) as file:
        file.write(content)
        file.flush()

        with intake.taken(file) as one:
            assert one.size == len(content)
            assert one.content.read() == content


def test_when_too_many_are_being_opened_the_person_is_asked_to_try_again(monkeypatch):
    monkeypatch.setattr(settings, "READERS_AT_ONCE", 1)
    monkeypatch.setattr(bounded, "_PLACE_SECONDS", 0.1)

    with bounded._place() as is_free:
        assert is_free
        with pytest.raises(intake.NotNow, match="thử lại"):
            kind(JPEG)

    assert kind(JPEG) == PHOTO


def test_a_process_that_got_no_time_keeps_the_file_out_and_its_place_free(monkeypatch):
    monkeypatch.setattr(settings, "READERS_AT_ONCE", 1)
    monkeypatch.setattr(bounded, "_PLACE_SECONDS", 0.1)

    with monkeypatch.context() as slow:
        slow.setattr(bounded, "_RUN_SECONDS", 0.001)
        assert "thử lại" in refusal(JPEG)

    assert kind(JPEG) == PHOTO


def test_what_opens_files_imports_nothing_of_ours_but_itself():
    code = (
        "import sys; sys.path.append(sys.argv[1])\n"
        "from dossiers.opening import pdfs, pictures, words\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'django', 'portal'}))"
    )
    root = str(settings.BASE_DIR)

    done = subprocess.run([sys.executable, "-I", "-c", code, root], capture_output=True, check=True)

    assert done.stdout.strip() == b"[]"


# --- Names ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("giấy chứng sinh.JPG", "giấy chứng sinh.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\Users\\An\\ảnh.jpg", "ảnh.pdf"),
        ("hồsơ\u202efdp.exe", "hồsơfdp.pdf"),
        ("a\x00b.jpg", "ab.pdf"),
        ("a\r\nb: c.jpg", "a b c.pdf"),
        ("..", "giay-to.pdf"),
        ("", "giay-to.pdf"),
        (".htaccess", "giay-to.pdf"),
        ("e\u0302\u0301.png", "ế.pdf"),
        ("x" * 300 + ".jpg", "x" * 100 + ".pdf"),
    ],
)
def test_the_name_to_show_is_one_plain_line_with_the_true_extension(name, shown):
    assert intake.clean_name(name, ".pdf") == shown


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.text(max_size=300))
def test_no_name_is_long_or_leads_anywhere(name):
    shown = intake.clean_name(name, ".jpg")

    assert len(shown) <= 120
    assert shown.endswith(".jpg")
    assert not set(shown) & set('/\\\0\r\n"')
