"""Taking a form home: ours from storage, and the originals of the ministries."""

import hashlib
import io
import resource
import threading
import zipfile
import zlib

import docx
import pikepdf
import pytest
from django.core.exceptions import ValidationError
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from procedures import formfiles
from procedures.formspec import blanks
from procedures.models import FormFile, Posting
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(monkeypatch, tmp_path) -> list[str]:
    """Which forms were made, in a storage of their own; each is a short text."""
    made: list[str] = []

    def make(kind: str):
        def write(revision, document=""):
            made.append(f"{revision.pk} {kind} {document}".strip())
            return b"%PDF-1.7 " + made[-1].encode() + blanks.KINDS[kind].ending

        return write

    monkeypatch.setattr(blanks, "default_storage", FileSystemStorage(tmp_path))
    monkeypatch.setattr(blanks, "_make", make)
    return made


def address(procedure, name: str = "blank_form", *rest) -> str:
    return reverse(f"procedures:{name}", args=[procedure.code, *rest])


def test_the_blank_form_is_made_once_and_then_read(client, made):
    procedure = factories.procedure(factories.LAND_DISPUTE)

    first, second = (client.get(address(procedure)) for _time in range(2))

    assert first.content == second.content
    assert made == [f"{procedure.current_id} pdf"]
    assert first.headers["Content-Type"] == "application/pdf"
    disposition = f'attachment; filename="to-khai-{procedure.slug}.pdf"'
    assert first.headers["Content-Disposition"] == disposition
    assert first.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in first.headers["Content-Security-Policy"]


def test_the_word_file_is_kept_beside_the_pdf(client, made):
    procedure = factories.procedure(factories.LAND_DISPUTE)

    responses = [client.get(address(procedure, "blank_docx")) for _time in range(2)]

    assert made == [f"{procedure.current_id} docx"]
    assert responses[0].headers["Content-Type"] == blanks.KINDS["docx"].media_type
    assert ".docx" in responses[0].headers["Content-Disposition"]


def test_who_has_it_already_is_told_so(client, made):
    procedure = factories.procedure(factories.LAND_DISPUTE)
    etag = client.get(address(procedure)).headers["ETag"]

    response = client.get(address(procedure), headers={"If-None-Match": etag})

    assert response.status_code == 304


def test_a_new_revision_has_a_new_form(client, made):
    procedure = factories.procedure(factories.LAND_DISPUTE)
    client.get(address(procedure))
    newer = factories.newer_revision(factories.LAND_DISPUTE, "Nơi có đất", "Nơi có thửa đất")

    client.get(address(newer))

    assert made == [f"{procedure.current_id} pdf", f"{newer.current_id} pdf"]


def test_another_address_of_the_portal_prints_another_code(client, made, settings):
    procedure = factories.procedure(factories.LAND_DISPUTE)
    client.get(address(procedure))
    settings.SITE_URL = "https://motcua.example.vn"

    client.get(address(procedure))

    assert len(made) == 2


def test_half_a_file_is_made_anew(client, made, tmp_path):
    procedure = factories.procedure(factories.LAND_DISPUTE)
    whole = client.get(address(procedure)).content
    [kept] = (tmp_path / "forms").iterdir()
    kept.write_bytes(whole[:10])

    assert client.get(address(procedure)).content == whole
    assert kept.read_bytes() == whole


def test_first_requests_at_once_all_get_the_form_and_one_is_kept(made, tmp_path):
    revision = factories.procedure(factories.LAND_DISPUTE).current
    revision.procedure.code  # noqa: B018 - read before the threads, which have no connection
    start, answers = threading.Barrier(4), []

    def ask():
        start.wait()
        answers.append(blanks.blank(revision, "pdf"))

    threads = [threading.Thread(target=ask) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 4
    assert len(set(answers)) == 1
    assert len(list((tmp_path / "forms").iterdir())) == 1


def test_a_storage_that_fails_costs_time_and_not_the_answer(client, made, monkeypatch, tmp_path):
    procedure = factories.procedure(factories.LAND_DISPUTE)
    (tmp_path / "forms").write_text("in the way")

    response = client.get(address(procedure))

    assert response.status_code == 200


def test_what_is_made_is_a_form_to_fill_and_a_word_file(client):
    procedure = factories.procedure(factories.LAND_DISPUTE)

    pdf = client.get(address(procedure)).content
    word = client.get(address(procedure, "blank_docx")).content

    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert len(document.Root.AcroForm.Fields) > 3
    assert docx.Document(io.BytesIO(word)).core_properties.language == "vi-VN"


def test_a_paper_of_one_section_can_be_taken_home(client, made):
    procedure = factories.procedure(factories.BIRTH)

    response = client.get(address(procedure, "printed_paper", "vb_lam_chung", "pdf"))

    assert response.status_code == 200
    assert made == [f"{procedure.current_id} pdf vb_lam_chung"]


@pytest.mark.parametrize("document", ["giay_chung_sinh", "khong_co"])
def test_other_papers_are_not_printed(client, document):
    procedure = factories.procedure(factories.BIRTH)

    response = client.get(address(procedure, "printed_paper", document, "pdf"))

    assert response.status_code == 404


@pytest.mark.parametrize("name", ["blank_form", "blank_docx"])
def test_a_form_from_storage_asks_the_database_little(client, made, name):
    procedure = factories.procedure(factories.LAND_DISPUTE)
    client.get(address(procedure, name))

    with CaptureQueriesContext(connection) as queries:
        client.get(address(procedure, name))

    assert len(queries) == 1


# --- Originals ------------------------------------------------------------------------


def zipped(*members: str, first: tuple[str, str] | None = None) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, text in [first] if first else []:
            archive.writestr(name, text)
        for name in members:
            archive.writestr(name, "x")
    return target.getvalue()


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600
CONTENTS = {
    "pdf": (factories.pdf().read(), formfiles.PDF),
    "docx": (zipped("[Content_Types].xml", "word/document.xml"), formfiles.DOCX),
    "xlsx": (zipped("[Content_Types].xml", "xl/workbook.xml"), formfiles.XLSX),
    "odt": (zipped("content.xml", first=("mimetype", formfiles.ODT.media_type)), formfiles.ODT),
    "doc": (OLE + "WordDocument".encode("utf-16-le") + b"\x00\x00", formfiles.DOC),
    "xls": (OLE + "Workbook".encode("utf-16-le") + b"\x00\x00", formfiles.XLS),
}


def upload(content: bytes, name: str = "mau.bin") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="text/plain")


def original(procedure, content: bytes | None = None, **fields) -> FormFile:
    data = {"title": "Mẫu số 1: Giấy đề nghị", "source": "TT 68/2025/TT-BTC", "position": 0,
            "is_active": True, **fields}  # fmt: skip
    file = upload(content or CONTENTS["docx"][0], "../../Mẫu 1.exe")
    form = formfiles.FormFileForm(data, {"file": file}, instance=FormFile(procedure=procedure))
    assert form.is_valid(), form.errors
    return form.save()


@pytest.mark.parametrize("name", CONTENTS)
def test_a_kind_is_found_by_content_whatever_the_name_says(name):
    content, kind = CONTENTS[name]

    assert formfiles.kind_of(upload(content, "x.exe")) == kind


@pytest.mark.parametrize(
    "content",
    [
        b"<html>%PDF-1.7</html>",
        b"%PDF-1.7 and nothing of it",
        b"MZ" + b"\x00" * 100,
        zipped("index.html"),
        b"PK\x03\x04 broken",
        OLE,
        b"{\\rtf1 x}",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ],
)
def test_other_files_are_refused(content):
    with pytest.raises(ValidationError, match="Chỉ nhận tệp"):
        formfiles.kind_of(upload(content))


def bomb() -> bytes:
    """A PDF whose table of objects unpacks to 700 MB."""
    flood = zlib.compressobj(9)
    table = b"".join(flood.compress(bytes(2**20)) for _part in range(700)) + flood.flush()
    keys = b"/Type/XRef/Size 5/W[1 4 2]/Root 1 0 R/Filter/FlateDecode/Length %d" % len(table)
    return (
        b"%PDF-1.7\n4 0 obj <<" + keys + b">> stream\n" + table + b"\nendstream endobj\n"
        b"startxref\n9\n%%EOF\n"
    )


def test_a_pdf_that_unpacks_without_end_is_opened_in_its_own_process():
    content = bomb()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(ValidationError, match="Chỉ nhận tệp"):
        formfiles.kind_of(upload(content))

    assert len(content) < 1024 * 1024
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024


@pytest.mark.parametrize(
    "content",
    [
        zipped("word/document.xml", "word/vbaProject.bin"),
        zipped("Basic/Standard/a.xml", first=("mimetype", formfiles.ODT.media_type)),
        OLE + "WordDocument\x00_VBA_PROJECT".encode("utf-16-le"),
    ],
)
def test_files_with_macros_are_refused(content):
    with pytest.raises(ValidationError, match="macro"):
        formfiles.kind_of(upload(content))


def test_empty_and_heavy_files_are_refused(settings):
    settings.MAX_UPLOAD_MB = 1

    with pytest.raises(ValidationError, match="Tệp trống"):
        formfiles.kind_of(upload(b""))
    with pytest.raises(ValidationError, match="tối đa 1 MB"):
        formfiles.kind_of(upload(b"%PDF-" + b"x" * 1024 * 1024))


def test_an_original_is_kept_under_a_name_of_ours_with_what_it_is():
    row = original(factories.procedure(factories.LAND_DISPUTE))

    content = CONTENTS["docx"][0]
    assert row.content_type == formfiles.DOCX.media_type
    assert (row.size, row.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert row.file.name.startswith("form-files/")
    assert "exe" not in row.file.name
    assert row.file.name.endswith(".docx")


def test_a_change_of_the_title_leaves_the_file_as_it_is():
    row = original(factories.procedure(factories.LAND_DISPUTE))
    data = {"title": "Mẫu mới", "source": "", "position": 1, "is_active": True}

    form = formfiles.FormFileForm(data, {}, instance=FormFile.objects.get(pk=row.pk))

    assert form.is_valid(), form.errors
    assert form.save().sha256 == row.sha256


def test_an_original_is_downloaded_as_it_came(client):
    procedure = factories.procedure(factories.LAND_DISPUTE)
    row = original(procedure)

    response = client.get(formfiles.file_url(row, procedure.code))

    assert b"".join(response.streaming_content) == CONTENTS["docx"][0]
    assert response.headers["Content-Type"] == formfiles.DOCX.media_type
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["ETag"] == f'"{row.sha256}"'
    name = 'attachment; filename="mau-so-1-giay-de-nghi.docx"'
    assert response.headers["Content-Disposition"] == name


def test_an_original_is_found_under_its_procedure_alone(client):
    procedure = factories.procedure(factories.LAND_DISPUTE)
    other = factories.procedure(factories.FUNERAL)
    shown, hidden = original(procedure), original(procedure, is_active=False)

    found = [
        client.get(formfiles.file_url(shown, other.code)).status_code,
        client.get(formfiles.file_url(hidden, procedure.code)).status_code,
        client.get(address(procedure, "form_file", 999999, "x.pdf")).status_code,
    ]

    assert found == [404, 404, 404]


def test_a_lost_file_is_not_found_rather_than_an_error(client):
    procedure = factories.procedure(factories.LAND_DISPUTE)
    row = original(procedure)
    row.file.storage.delete(row.file.name)

    assert client.get(formfiles.file_url(row, procedure.code)).status_code == 404


def test_what_a_page_offers_to_take_home():
    birth = factories.procedure(factories.BIRTH)
    original(birth)
    original(birth, title="Mẫu cũ", is_active=False)

    offered = formfiles.forms_for(birth, birth.current)

    assert offered["pdf"].endswith("/bieu-mau/to-khai.pdf")
    assert offered["docx"].endswith("/bieu-mau/to-khai.docx")
    assert [row["name"] for row in offered["printed"]] == [
        "Văn bản của người làm chứng về việc sinh"
    ]
    [file] = offered["files"]
    assert (file["title"], file["kind"]) == ("Mẫu số 1: Giấy đề nghị", "Word")


def test_level_one_offers_the_originals_alone():
    procedure = factories.procedure(factories.SIGNATURE)
    original(procedure)

    offered = formfiles.forms_for(procedure, procedure.current)

    assert (offered["pdf"], offered["docx"], offered["printed"]) == ("", "", [])
    assert len(offered["files"]) == 1


def test_many_originals_cost_no_more_queries_than_one():
    procedure = factories.procedure(factories.LAND_DISPUTE)
    for number in range(5):
        original(procedure, title=f"Mẫu {number}")
    revision = procedure.current

    with CaptureQueriesContext(connection) as queries:
        formfiles.forms_for(procedure, revision)

    assert len(queries) == 1


def test_an_original_is_put_up_on_the_officials_site(client):
    procedure = factories.procedure(factories.LAND_DISPUTE)
    row = original(procedure)
    editor = factories.official(Posting.Role.EDITOR)
    client.force_login(editor)
    page = client.get(reverse("admin:procedures_procedure_change", args=[procedure.pk]))

    assert page.status_code == 200
    assert row.title in page.content.decode()
