"""Files that people send: what is taken, under which name, and who gets them back."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib

import pikepdf
import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dossiers import attachments, workflow
from dossiers.models import Attachment, Dossier, Paper, Result
from procedures.models import Posting
from tests import factories
from tests.factories import FUNERAL

pytestmark = pytest.mark.django_db
JPEG = factories.picture().read()


@pytest.fixture(autouse=True)
def _working_day():
    with time_machine.travel("2026-11-25 09:00+07:00"):
        yield


def pdf(pages: int = 1, change=lambda document: None, **saving) -> bytes:
    file = io.BytesIO()
    document = pikepdf.new()
    for _page in range(pages):
        document.add_blank_page()
    change(document)
    document.save(file, **saving)
    return file.getvalue()


def zipped(name: str = "x.exe") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, b"MZ")
    return file.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header promises a size that its data does not have."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body + chunk(b"IEND", b"")


def upload(content: bytes, name: str = "giấy tờ.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="application/pdf")


def refusal(content: bytes, name: str = "giấy tờ.pdf") -> str:
    with pytest.raises(ValidationError) as caught:
        attachments.check(upload(content, name))
    return " ".join(caught.value.messages)


# --- What is taken --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (JPEG, ("image/jpeg", ".jpg")),
        (png_of(64, 48), ("image/png", ".png")),
        (pdf(), ("application/pdf", ".pdf")),
        (pdf(500), ("application/pdf", ".pdf")),
    ],
)
def test_the_type_is_what_the_content_says_whatever_the_name(content, kind):
    assert attachments.check(upload(content, "virus.exe")) == kind


@pytest.mark.parametrize(
    "content",
    [
        b"MZ\x90\x00" + b"\0" * 100,
        b"<html><script>alert(1)</script>",
        b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        b"alert(1)",
        zipped(),
        zipped("word/document.xml"),
        b"GIF89a" + b"\0" * 50,
        b"SIMPLE  =                    T",
        b"8BPS\0\1",
        b"II*\0",
        b"<?php echo 1; ?>" + JPEG,
        b"<html>" + pdf(),
        b"\n" + pdf(),
        b"\xef\xbb\xbf" + pdf(),
    ],
)
@pytest.mark.parametrize("name", ["a.pdf", "a.pdf.html", "a.jpg.php", "a.png\x00.exe"])
def test_everything_else_is_refused_with_what_to_do_instead(content, name):
    assert "Chỉ nhận ảnh JPG, PNG hoặc tệp PDF" in refusal(content, name)


@pytest.mark.parametrize("content", [pdf() + zipped(), JPEG + zipped(), png_of(4, 4) + zipped()])
def test_a_file_that_is_an_archive_at_its_end_is_refused(content):
    assert "tệp nén" in refusal(content)


def _on_opening(document):
    action = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("app.alert(1)"))
    document.Root.OpenAction = action


def _by_name(document):
    action = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("app.alert(1)"))
    tree = pikepdf.Dictionary(Names=pikepdf.Array([pikepdf.String("x"), action]))
    document.Root.Names = pikepdf.Dictionary(JavaScript=document.make_indirect(tree))


def _on_clicking(document):
    launch = pikepdf.Dictionary(S=pikepdf.Name.Launch, F=pikepdf.String("cmd.exe"))
    note = pikepdf.Dictionary(
        Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9], A=launch
    )
    document.pages[0].obj.Annots = pikepdf.Array([document.make_indirect(note)])


def _on_turning_the_page(document):
    action = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("1"))
    document.pages[0].obj.AA = pikepdf.Dictionary(O=action)


@pytest.mark.parametrize("trap", [_on_opening, _by_name, _on_clicking, _on_turning_the_page])
def test_a_pdf_that_runs_something_is_refused(trap):
    packed = {"object_stream_mode": pikepdf.ObjectStreamMode.generate}

    assert "lệnh tự chạy" in refusal(pdf(change=trap))
    assert "lệnh tự chạy" in refusal(pdf(change=trap, **packed))


def test_a_link_to_a_page_is_no_trap():
    def link(document):
        go = pikepdf.Dictionary(S=pikepdf.Name.GoTo, D=[document.pages[0].obj, pikepdf.Name.Fit])
        note = pikepdf.Dictionary(Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9], A=go)
        document.pages[0].obj.Annots = pikepdf.Array([document.make_indirect(note)])
        document.Root.OpenAction = [document.pages[0].obj, pikepdf.Name.Fit]

    assert attachments.check(upload(pdf(change=link)))[1] == ".pdf"


def test_a_pdf_with_a_password_is_refused_in_words_about_the_password():
    locked = pdf(encryption=pikepdf.Encryption(owner="a", user="b"))

    assert "có mật khẩu" in refusal(locked)


def test_a_pdf_without_pages_or_with_too_many_is_refused():
    assert "từ 1 đến 500 trang" in refusal(pdf(0))
    assert "từ 1 đến 500 trang" in refusal(pdf(501))


@pytest.mark.parametrize("content", [b"%PDF-1.7", b"%PDF-1.7\n" + b"x" * 300, pdf()[:9] + b"\0"])
def test_a_broken_pdf_is_refused(content):
    assert "bị hỏng" in refusal(content)


@pytest.mark.parametrize("content", [JPEG[:10], b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\nx"])
def test_a_broken_picture_is_refused(content):
    assert "bị hỏng" in refusal(content, "a.jpg")


@pytest.mark.parametrize("side", [6325, 13_000, 30_000])
def test_a_pixel_bomb_is_refused_without_decoding_it(monkeypatch, side):
    def decode(*args):
        raise AssertionError("the picture was decoded")

    monkeypatch.setattr(Image.Image, "load", decode)

    assert "40 triệu điểm ảnh" in refusal(png_of(side, side))


def test_an_empty_and_an_oversized_file_are_refused(settings):
    settings.MAX_UPLOAD_MB = 1

    assert "Tệp trống" in refusal(b"")
    assert "mỗi tệp tối đa 1 MB" in refusal(pdf() + b"\0" * 1024 * 1024)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=40), st.sampled_from([JPEG, pdf(), png_of(8, 8)]), st.binary(max_size=40))
def test_whatever_is_put_around_a_good_file_is_answered(before, content, after):
    try:
        media_type, _extension = attachments.check(upload(before + content + after))
    except ValidationError as error:
        assert error.messages
    else:
        assert (before + content).startswith((b"%PDF-", b"\xff\xd8\xff", b"\x89PNG"))
        assert media_type in {"image/jpeg", "image/png", "application/pdf"}


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
    assert attachments.clean_name(name, ".pdf") == shown


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300))
def test_no_name_is_long_or_leads_anywhere(name):
    shown = attachments.clean_name(name, ".jpg")

    assert len(shown) <= 120
    assert shown.endswith(".jpg")
    assert not set(shown) & set('/\\\0\r\n"')


def test_the_stored_name_is_ours_and_the_shown_one_theirs():
    draft = factories.draft(FUNERAL)

    row = attachments.store(
        draft, "giay_chung_tu", upload(pdf(), "..\\..\\x\u202egpj.exe"), by=draft.owner
    )

    assert row.name == "xgpj.pdf"
    assert re.fullmatch(r"attachments/2026/11/[0-9a-f]{32}\.pdf", row.file.name)
    row.file.delete(save=False)


# --- How many -------------------------------------------------------------------------


def test_the_same_file_twice_for_one_paper_is_one_row():
    draft = factories.draft(FUNERAL)

    first, second = (
        attachments.store(draft, "khac", factories.picture("#222222"), by=draft.owner)
        for _time in range(2)
    )

    assert first == second
    assert draft.attachments.filter(document="khac").count() == 1


def test_the_twenty_first_file_is_refused():
    draft = factories.draft(FUNERAL)
    one = draft.attachments.get()
    for number in range(19):
        one.pk, one.key, one.sha256 = None, f"{number:022d}", f"{number:064d}"
        one.save()

    with pytest.raises(ValidationError, match="tối đa 20 tệp"):
        attachments.store(draft, "khac", factories.picture("#333333"), by=draft.owner)


def test_all_files_of_a_dossier_together_have_a_limit():
    draft = factories.draft(FUNERAL)
    draft.attachments.update(size=100 * 1024 * 1024 - 100)

    with pytest.raises(ValidationError, match="nặng quá 100 MB"):
        attachments.store(draft, "khac", factories.picture("#333333"), by=draft.owner)


def test_nothing_is_added_or_taken_out_behind_the_back_of_the_office():
    dossier = factories.filed(FUNERAL)
    row = dossier.attachments.get()

    with pytest.raises(ValidationError, match="đã nộp"):
        attachments.store(dossier, "khac", factories.picture("#444444"), by=dossier.owner)
    with pytest.raises(ValidationError, match="đã nộp"):
        attachments.remove(row)
    with pytest.raises(Dossier.DoesNotExist):
        attachments.discard(dossier)

    assert Attachment.objects.get() == row
    assert row.file.storage.exists(row.file.name)


# --- Getting them back ----------------------------------------------------------------


@pytest.fixture
def dossier():
    return factories.filed(FUNERAL)


def file_addresses(dossier: Dossier) -> dict[str, str]:
    """Every kind of file of a dossier, with something in it."""
    paper = dossier.papers.get(kind=Paper.Kind.FILING)
    paper.file.save("x.pdf", upload(pdf()))
    result = Result.objects.create(dossier=dossier, title="Quyết định", sha256="0" * 64)
    result.file.save("x.pdf", upload(pdf()))
    return {
        "attachment": reverse("dossiers:attachment", args=[dossier.attachments.get().key]),
        "paper": reverse("dossiers:paper", args=[paper.token]),
        "result": reverse("dossiers:result", args=[result.token]),
    }


def fetch(client, url: str):
    response = client.get(url)
    if response.streaming:
        response.fetched = b"".join(response.streaming_content)
    return response


def test_a_file_comes_back_unchanged_as_a_download_that_runs_nowhere(client, dossier):
    client.force_login(dossier.owner)
    addresses = file_addresses(dossier)

    for kind in ("attachment", "paper"):
        response = fetch(client, addresses[kind])
        assert response.status_code == 200
        assert response["Content-Disposition"].startswith("attachment; filename=")
        assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Cross-Origin-Resource-Policy"] == "same-origin"
        assert response["Cache-Control"] == "no-store, private"
        assert response["Content-Type"] in {"image/jpeg", "application/pdf"}
    assert fetch(client, addresses["attachment"]).fetched == JPEG


def test_officials_of_the_office_get_files_and_their_look_is_recorded(client, dossier):
    addresses = file_addresses(dossier)
    officer = factories.official(Posting.Role.CASE_OFFICER)
    client.force_login(officer)

    for url in addresses.values():
        assert fetch(client, url).status_code == 200
        assert fetch(client, url).status_code == 200

    looks = dossier.events.filter(name="look", actor=officer)
    assert [event.data["what"].split(":")[0] for event in looks] == ["file", "paper", "result"]


def test_officials_elsewhere_former_ones_and_strangers_find_nothing(client, dossier):
    addresses = file_addresses(dossier)
    elsewhere = factories.official(Posting.Role.CASE_OFFICER, factories.OTHER_COMMUNE)
    moved = factories.official(Posting.Role.CASE_OFFICER)
    Posting.objects.filter(user=moved).update(valid_from="2026-01-01", valid_until="2026-11-24")
    unstaffed = factories.official(Posting.Role.CASE_OFFICER)
    unstaffed.is_staff = False
    unstaffed.save()

    for person in (elsewhere, moved, unstaffed, factories.user()):
        client.force_login(person)
        for url in addresses.values():
            assert client.get(url).status_code == 404
    client.logout()
    for url in addresses.values():
        assert client.get(url).status_code == 302
    assert not dossier.events.filter(name="look").exists()


def test_files_of_a_draft_are_its_owners_alone(client):
    draft = factories.draft(FUNERAL)
    url = reverse("dossiers:attachment", args=[draft.attachments.get().key])

    client.force_login(factories.official(Posting.Role.CASE_OFFICER))
    refused = client.get(url)
    client.force_login(draft.owner)

    assert refused.status_code == 404
    assert fetch(client, url).status_code == 200


def test_the_citizen_gets_the_result_only_once_it_was_handed_over(client, dossier):
    url = file_addresses(dossier)["result"]
    client.force_login(dossier.owner)
    before = client.get(url)
    states = Dossier.objects.filter(pk=dossier.pk)

    assert before.status_code == 404
    for state in (Dossier.State.AWAITING_APPROVAL, Dossier.State.COMPLETED):
        states.update(state=state)
        assert client.get(url).status_code == 404
    states.update(state=Dossier.State.RETURNED)
    assert fetch(client, url).status_code == 200
    Result.objects.update(revoked_at="2026-11-25T10:00:00+07:00")
    assert client.get(url).status_code == 404


def test_a_paper_that_is_not_made_yet_is_not_there(client, dossier):
    client.force_login(dossier.owner)

    assert (
        client.get(reverse("dossiers:paper", args=[dossier.papers.first().token])).status_code
        == 404
    )


def test_files_are_only_looked_at(client, dossier):
    client.force_login(dossier.owner)
    addresses = file_addresses(dossier)

    for url in addresses.values():
        assert client.post(url).status_code == 405
        assert client.delete(url).status_code == 405


def asked_again(filed_files: int = 1) -> Dossier:
    """A dossier with this many filed files, of which one paper is asked for again."""
    dossier = factories.draft(factories.FUNERAL)
    for number in range(filed_files - 1):
        attachments.store(dossier, "giay_chung_tu", factories.pdf(str(number)), by=dossier.owner)
    dossier = workflow.perform(dossier, "submit", by=dossier.owner)
    return workflow.perform(
        dossier, "request_supplement", by=factories.Office().reception,
        items="Chụp lại", documents=["giay_chung_tu"], reason="Mờ",
    )  # fmt: skip


def test_a_supplement_has_room_however_much_was_filed():
    dossier = asked_again(attachments.MAX_FILES)

    attachments.store(dossier, "giay_chung_tu", factories.pdf("mới"), by=dossier.owner)

    workflow.perform(dossier, "answer_supplement", by=dossier.owner)


def test_the_same_file_answers_a_request_to_send_it_again():
    dossier = asked_again()

    attachments.store(dossier, "giay_chung_tu", factories.picture(), by=dossier.owner)

    workflow.perform(dossier, "answer_supplement", by=dossier.owner)
