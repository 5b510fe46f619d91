"""What a code, a file or a name typed by a stranger is worth, and what strangers never learn."""

from __future__ import annotations

import datetime
import hashlib
import io
import unicodedata

import pikepdf
import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers

from dossiers import papernotes, papers, signing, throttling, verifying
from dossiers.models import Paper, Result
from dossiers.opening import signed
from dossiers.verifying import Match, State
from procedures import bounded
from tests import factories

pytestmark = pytest.mark.django_db

PAGE = reverse("dossiers:verify")


@pytest.fixture
def dossier():
    owner = factories.user(full_name="Trần Thị Bình")
    return factories.filed(owner=owner)


@pytest.fixture
def read_here(monkeypatch):
    """Files are read in this process: what one of its own brings is a second of each test."""

    def ask(_program, what, source, _target=None):
        content = source if isinstance(source, bytes) else source.read()
        try:
            return signed.READERS[what](io.BytesIO(content), io.BytesIO())
        except bounded.Fault as fault:
            return {"fault": str(fault)}

    monkeypatch.setattr(bounded, "ask", ask)


def linked(token: str) -> bytes:
    """A PDF of one page whose foot leads to the check page, as our papers have it."""
    file = io.BytesIO()
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page()
        uri = pikepdf.Dictionary(S=pikepdf.Name.URI, URI=papers.check_url(token))
        link = pikepdf.Dictionary(
            Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, Rect=[0, 0, 10, 10], A=uri
        )
        page.Annots = pikepdf.Array([pdf.make_indirect(link)])
        pdf.save(file)
    return file.getvalue()


def with_seal(pdf: bytes) -> bytes:
    return signing.sign(pdf, reason="", location="", name="Trần Thị Lãnh Đạo")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def issued(dossier, content: bytes, **fields) -> Result:
    """A result whose file has this content."""
    fields = {"title": "Trích lục khai sinh", "signed_at": timezone.now(), "names": [],
              "sha256": sha256(content)} | fields  # fmt: skip
    return Result.objects.create(dossier=dossier, **fields)


def checked(content: bytes) -> verifying.Checked:
    return verifying.by_file(SimpleUploadedFile("tep.pdf", content))


def text_of(response) -> str:
    return " ".join(response.content.decode().split())


# --- Files ------------------------------------------------------------------------------


def test_a_result_of_ours_is_genuine_until_a_byte_of_it_changes(dossier, read_here):
    result = issued(dossier, b"")
    bare = linked(result.token)
    sealed = with_seal(bare)
    Result.objects.update(sha256=sha256(sealed), unsigned_sha256=sha256(bare))
    with pikepdf.open(io.BytesIO(sealed)) as pdf:
        pdf.docinfo["/Title"] = "Khác"
        altered = io.BytesIO()
        pdf.save(altered)

    genuine, stripped, appended, rewritten = (
        checked(content)
        for content in (sealed, bare, sealed + b"\n% more\n%%EOF\n", altered.getvalue())
    )

    assert genuine.state == State.GENUINE
    assert signing.DEMO_NAME in genuine.signers[0].label
    assert genuine.notes == []
    assert [stripped.state, appended.state, rewritten.state] == [State.CHANGED] * 3
    assert "gỡ bỏ" in stripped.notes[0]
    assert "thêm nội dung" in appended.notes[0]
    assert "khác với tệp đã phát hành" in rewritten.notes[0]


def test_a_file_signed_elsewhere_is_known_by_its_hash_and_so_is_what_was_added_to_it(
    dossier, read_here
):
    content = factories.signed_pdf().read()
    said = [{"name": "Sở Tư pháp", "issuer": "", "signed_at": "2026-11-20T08:00:00+07:00"}]
    result = issued(dossier, content, is_made_here=False, facts={"signatures": said})
    newer = issued(dossier, b"x", replaces=result, signed_at=None)

    by_code = verifying.by_token(result.token)
    assert by_code.signers[0] == verifying.Row("Sở Tư pháp", "08:00 20/11/2026")
    assert checked(content).state == State.GENUINE
    assert checked(content + b"\n1 0 obj\nendobj\n%%EOF").state == State.CHANGED

    Result.objects.filter(pk=newer.pk).update(signed_at=timezone.now())
    replaced = checked(content)
    assert replaced.state == State.REPLACED
    assert f"{timezone.localdate():%d/%m/%Y}" in replaced.headline
    assert newer.token not in str(replaced)

    Result.objects.filter(pk=newer.pk).update(signed_at=None)
    Result.objects.filter(pk=result.pk).update(
        revoked_at=timezone.now(), revoke_reason="Bà Trần Thị Bình khai sai"
    )
    revoked = checked(content)
    assert revoked.state == State.REVOKED
    assert "Bình" not in str(revoked)


def test_what_is_not_ours_says_who_signed_it_and_what_is_wrong_with_it(
    read_here, settings, tmp_path
):
    ours, settings.SIGNING_KEY_DIR = settings.SIGNING_KEY_DIR, tmp_path / "stranger"
    foreign = factories.signed_pdf("Khác").read()
    settings.SIGNING_KEY_DIR = ours
    writer = IncrementalPdfFileWriter(io.BytesIO(foreign))
    writer.add_object(generic.pdf_string("thêm"))
    more = io.BytesIO()
    writer.write(more)

    whole, appended, unsigned = (
        checked(content) for content in (foreign, more.getvalue(), factories.pdf().read())
    )

    assert [whole.state, appended.state] == [State.FOREIGN] * 2
    assert [row.label for row in whole.signers] == [signing.DEMO_NAME]  # not "của cơ quan"
    assert not whole.notes
    assert "thêm vào sau chữ ký" in appended.notes[0]
    assert unsigned.state == State.UNKNOWN
    assert "quét mã QR" in unsigned.advice


def test_a_signature_stays_good_when_its_certificate_expires_later(dossier, read_here):
    sealed = with_seal(linked("a" * 22))
    issued(dossier, sealed)

    with time_machine.travel(datetime.datetime(2051, 1, 1, tzinfo=datetime.UTC), tick=False):
        later = checked(sealed)

    assert later.state == State.GENUINE
    assert "khi chứng thư còn hạn" in later.notes[0]


def test_a_signature_made_when_its_certificate_did_not_hold_is_named(read_here):
    signer = signing.office_signer()
    tool = signers.PdfSigner(signers.PdfSignatureMetadata(field_name="Ky"), signer)
    with time_machine.travel(datetime.datetime(2019, 6, 1, tzinfo=datetime.UTC), tick=False):
        late = tool.sign_pdf(IncrementalPdfFileWriter(factories.pdf())).getvalue()

    answer = checked(late)

    assert answer.state == State.FOREIGN
    assert "không có hiệu lực lúc ký" in answer.notes[0]


def test_a_paper_of_ours_is_found_by_the_words_in_its_foot():
    """A link is lost when a PDF is printed into another one; the words stay, on two lines."""
    token, file = "k-" * 11, io.BytesIO()
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page()
        font = pikepdf.Dictionary(
            Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
        )
        page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F=font))
        first, second = papers.check_url(token)[:-9], papers.check_url(token)[-9:]
        drawn = f"BT /F 10 Tf 12 TL 50 700 Td (xem {first}) Tj T* ({second} xin cam on) Tj ET"
        page.Contents = pdf.make_stream(drawn.encode())
        pdf.save(file)

    said = signed.look(io.BytesIO(file.getvalue()), io.BytesIO())

    assert said["tokens"] == [token]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "Tệp trống"),
        (b"\xff\xd8\xff a photo of a paper", "quét mã QR"),
        (b"%PDF-" + b"0" * (verifying.MAX_MB * 1024 * 1024), "25 MB"),
    ],
)
def test_what_cannot_be_checked_says_what_to_do(client, content, words):
    response = client.post(PAGE, {"file": SimpleUploadedFile("tep.pdf", content)})

    assert response.status_code == 400
    assert words in text_of(response)


def test_a_file_is_read_in_a_process_of_its_own_and_hostile_ones_harm_nothing(client, settings):
    file = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(file, encryption=pikepdf.Encryption(owner="a", user="b"))

    broken = client.post(PAGE, {"file": SimpleUploadedFile("a.pdf", b"%PDF-1.7\n" + b"[" * 9999)})
    locked = client.post(PAGE, {"file": SimpleUploadedFile("b.pdf", file.getvalue())})
    signed_one = client.post(PAGE, {"file": factories.signed_pdf("Khác")})

    assert "không phát hành tệp này" in text_of(broken)
    assert locked.status_code == 400
    assert "mật khẩu" in text_of(locked)
    assert "Tệp có chữ ký số" in text_of(signed_one)


def test_one_address_has_few_files_checked_in_a_minute_and_all_together_few_at_once(client):
    empty = [client.post(PAGE).status_code for _time in range(11)]

    assert empty == [400] * 10 + [429]
    with (
        throttling.place("verifying", most=2, seconds=9),
        throttling.place("verifying", most=2, seconds=9),
        pytest.raises(verifying.NotRead, match="đang bận"),
    ):
        checked(b"%PDF-1.7")


# --- Codes ------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["  {0} ", "{1}", "{1}?x=1", "ab cd"])
def test_a_code_may_be_pasted_with_spaces_or_as_a_whole_address(typed):
    token = "aB3-_" + "x" * 17
    text = typed.format(f"{token[:9]} {token[9:]}", f"https://dvc.example.vn/xac-thuc/{token}/")

    assert verifying.token_in(text) == (token if "{" in typed else "")


def test_a_result_says_who_signed_it_and_asks_as_much_for_one_as_for_many(
    client, dossier, django_assert_num_queries
):
    boss = factories.user(full_name="Lê Thị Ký")
    result = issued(
        dossier, b"x", approved_by=boss, approver_signed_at=timezone.now(),
        facts={"signer_title": ["CHỦ TỊCH"], "applicant": "Trần Thị Bình"},
    )  # fmt: skip
    for _time in range(3):
        issued(dossier, b"y", replaces=None)
    client.get(reverse("dossiers:verify_token", args=["a" * 22]))  # fills caches

    with django_assert_num_queries(1):
        known = verifying.by_token(result.token)
    page = text_of(client.get(reverse("dossiers:verify_token", args=[result.token])))

    assert [row.label for row in known.signers] == [
        "Chủ tịch Lê Thị Ký", "Ủy ban nhân dân xã Gio Linh (dấu của cơ quan)",
    ]  # fmt: skip
    assert "Chủ tịch Lê Thị Ký" in page
    assert "Bình" not in page


def test_a_paper_that_counts_no_longer_says_so_and_a_slip_names_the_files_given(
    dossier, monkeypatch
):
    receipt = dossier.papers.create(kind=Paper.Kind.PAYMENT, facts={"results": "no list"})
    slip = dossier.papers.create(
        kind=Paper.Kind.HANDOVER,
        facts={"results": [{"title": "Giấy khai sinh", "sha256": "ab" * 32}, "như trước kia"]},
    )
    monkeypatch.setattr(papernotes, "_notes", [])

    @papernotes.register
    def note(paper):
        return "Đã hủy." if paper == receipt else None

    cancelled, given = verifying.by_token(receipt.token), verifying.by_token(slip.token)

    assert (cancelled.state, cancelled.notes) == (State.REVOKED, ["Đã hủy."])
    assert given.state == State.GENUINE
    assert [row.words for row in given.rows if "Giấy khai sinh" in row.label] == ["ab" * 32]


# --- Names ------------------------------------------------------------------------------


def test_a_name_matches_or_not_in_its_accents_or_without(dossier):
    result = issued(dossier, b"x", names=["Nguyễn Trần Minh Khôi", "Trần Thị Bình"])
    expected = {
        "Nguyễn Trần Minh Khôi": Match.SAME,
        "  NGUYỄN   trần minh KHÔI ": Match.SAME,
        unicodedata.normalize("NFD", "Trần Thị Bình"): Match.SAME,
        "Nguyen Tran Minh Khoi": Match.BUT_ACCENTS,
        "Nguyễn Trần Minh": Match.OTHER,
        "": Match.OTHER,
        "%": Match.OTHER,
    }

    found = {
        typed: verifying.name_on(result.token, typed, address=f"192.0.2.{number}")
        for number, typed in enumerate(expected)
    }

    assert found == expected


def test_names_cannot_be_found_by_trying(client, dossier):
    result = issued(dossier, b"x")
    url = reverse("dossiers:verify_token", args=[result.token])

    tries = [client.post(url, {"name": f"Tên {number}"}) for number in range(5)]
    right_but_late = client.post(url, {"name": "Trần Thị Bình"})
    from_elsewhere = [
        verifying.name_on(result.token, "Trần Thị Bình", address=f"192.0.2.{number}")
        for number in range(16)
    ]
    another = client.post(
        reverse("dossiers:verify_token", args=[issued(dossier, b"y").token]), {"name": ""}
    )

    assert all("Không khớp" in text_of(answer) for answer in tries)
    assert len({text_of(answer).replace(f"Tên {n}", "") for n, answer in enumerate(tries)}) <= 5
    assert right_but_late.status_code == 429
    assert "Khớp:" not in text_of(right_but_late)
    assert from_elsewhere == [Match.SAME] * 15 + [Match.TOO_OFTEN]
    assert "Hãy gõ tên" in text_of(another)


def test_a_paper_that_does_not_hold_and_a_code_of_nobody_match_no_name(client, dossier):
    revoked = issued(dossier, b"x", revoked_at=timezone.now())
    url = reverse("dossiers:verify_token", args=[revoked.token])

    page = client.post(url, {"name": "Trần Thị Bình"})

    assert "Khớp" not in text_of(page)
    for token in (revoked.token, "a" * 22, "\0"):
        assert verifying.name_on(token, "Trần Thị Bình", address="192.0.2.9") == Match.OTHER
