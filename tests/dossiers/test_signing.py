"""The two signatures of a result, their check, and what a stranger may do to a signed file."""

import datetime
import io
import shutil
import stat
import subprocess
import threading

import pikepdf
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.contrib.auth import get_user_model
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers

from dossiers import signing
from dossiers.signing import making
from procedures import papers
from tests import factories
from tests.dossiers.test_paper_templates import FACTS, draw

pytestmark = pytest.mark.django_db

SAID = {"reason": "Phê duyệt kết quả", "location": "Gio Linh"}
DETAILS = {**SAID, "name": "Lê Quang Vũ"}


@pytest.fixture(scope="module")
def key_dir(tmp_path_factory):
    """One folder of demo keys for all tests that do not ask for their own."""
    return tmp_path_factory.mktemp("signing")


@pytest.fixture(autouse=True)
def demo(settings, key_dir):
    """Settings as in a demo without a key file."""
    settings.DEMO = True
    settings.SIGNING_KEY_FILE = settings.SIGNING_KEY_PASSWORD = ""
    settings.SIGNING_KEY_DIR = key_dir


@pytest.fixture(scope="module")
def paper() -> bytes:
    """A decision of two pages, with room for both signatures."""
    return signing.with_places(draw("result", articles=FACTS["result"]["articles"] * 5))


@pytest.fixture
def approver():
    return get_user_model()(email="lanhdao@example.vn", full_name="Lê Quang Vũ")


@pytest.fixture
def approved(paper, approver) -> bytes:
    """With the approver's signature alone."""
    return signing.sign_as_person(paper, signing.person_signer(approver), **DETAILS)


@pytest.fixture
def sealed(approved) -> bytes:
    return signing.seal(approved, **SAID)


def with_one_more_revision(pdf: bytes) -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    writer.root["/Injected"] = writer.root["/Type"]
    writer.update_root()
    added = io.BytesIO()
    writer.write(added)
    return added.getvalue()


def signed_over(pdf: bytes, signer, field: str = "Khac") -> bytes:
    """With another invisible signature over the whole of it."""
    tool = signers.PdfSigner(signers.PdfSignatureMetadata(field_name=field), signer)
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    return signing.outside_any_loop(lambda: tool.sign_pdf(writer)).getvalue()


def certificate_of(signer) -> x509.Certificate:
    return x509.load_der_x509_certificate(signer.signing_cert.dump())


def test_what_approver_and_office_signed_is_genuine(sealed):
    verdict = signing.check(sealed)

    assert verdict.is_genuine
    assert verdict.signer_name == signing.DEMO_NAME
    person, office = verdict.signatures
    assert (person.name, office.name) == ("Lê Quang Vũ (bản minh hoạ)", signing.DEMO_NAME)
    assert person.signed_at.tzinfo is not None
    assert (person.is_ours, office.is_ours) == (False, True)
    assert person.is_intact


@pytest.mark.skipif(shutil.which("pdfsig") is None, reason="poppler-utils is not installed")
def test_another_program_finds_both_signatures_valid(sealed, tmp_path):
    file = tmp_path / "signed.pdf"
    file.write_bytes(sealed)

    report = subprocess.run(
        ["pdfsig", "-nocert", file], capture_output=True, text=True, check=False
    ).stdout

    assert report.count("Signature is Valid.") == 2
    assert report.count("ETSI.CAdES.detached") == 2
    assert report.count("Total document signed") == 1
    assert "Lê Quang Vũ (bản minh hoạ)" in report
    assert signing.DEMO_NAME in report


def test_one_changed_byte_is_noticed(sealed):
    spot = len(sealed) // 4
    changed = sealed[:spot] + bytes([sealed[spot] ^ 1]) + sealed[spot + 1 :]

    assert not signing.check(changed).is_intact


def test_a_revision_added_afterwards_is_not_covered(sealed):
    verdict = signing.check(with_one_more_revision(sealed))

    assert verdict.is_signed
    assert not verdict.covers_whole_file
    assert not verdict.is_genuine


def test_a_revision_slipped_in_between_the_two_signatures_is_noticed(approved):
    verdict = signing.check(signing.seal(with_one_more_revision(approved), **SAID))

    assert verdict.covers_whole_file
    assert verdict.is_ours
    assert [one.is_intact for one in verdict.signatures] == [False, True]
    assert not verdict.is_genuine


def test_a_file_without_its_signatures_is_not_signed(sealed):
    stripped = io.BytesIO()
    with pikepdf.open(io.BytesIO(sealed)) as document:
        del document.Root.AcroForm
        for page in document.pages:
            del page.obj["/Annots"]
        document.save(stripped)

    assert signing.check(stripped.getvalue()) == signing.Verdict()


def test_a_file_stripped_of_its_seal_is_not_ours(sealed, approved):
    verdict = signing.check(sealed[: len(approved)])

    assert verdict.is_intact
    assert verdict.covers_whole_file
    assert not verdict.is_ours
    assert not verdict.is_genuine


@pytest.mark.parametrize("junk", [b"", b"junk", b"%PDF-1.7\n", b"%PDF-1.7\n%%EOF", b"\x00" * 4096])
def test_junk_is_not_signed_and_does_no_harm(junk):
    assert signing.check(junk) == signing.Verdict()


def test_an_unsigned_paper_is_not_signed(paper):
    assert signing.check(paper) == signing.Verdict()


def test_a_cut_off_file_is_not_genuine(sealed):
    assert not signing.check(sealed[:-200]).is_genuine


def test_a_foreign_signature_is_neither_ours_nor_a_known_persons(
    paper, sealed, settings, tmp_path, key_dir
):
    settings.SIGNING_KEY_DIR = tmp_path / "stranger"
    stranger = signing.office_signer()
    settings.SIGNING_KEY_DIR = key_dir

    alone = signing.check(signed_over(paper, stranger))
    over_ours = signing.check(signed_over(sealed, stranger))

    assert alone.is_intact
    assert not alone.is_ours
    assert not alone.signatures[0].is_known_person
    assert not over_ours.is_ours
    assert [one.is_ours for one in over_ours.signatures] == [False, True, False]


def test_a_former_key_is_still_ours(sealed, settings, tmp_path):
    certificate = certificate_of(signing.office_signer())
    settings.SIGNING_KEY_DIR = tmp_path
    (tmp_path / "former").mkdir()
    (tmp_path / "former" / "2026.pem").write_bytes(certificate.public_bytes(Encoding.PEM))

    assert signing.check(sealed).is_ours


@pytest.mark.parametrize(
    ("day", "which"), [("2049-06-01", "is_expired"), ("2019-06-01", "is_not_yet_valid")]
)
def test_an_expired_or_future_certificate_is_told(paper, time_machine, day, which):
    signer = signing.office_signer()
    time_machine.move_to(day)
    late = signed_over(paper, signer)

    verdict = signing.check(late)

    assert verdict.is_intact
    assert verdict.is_ours
    assert getattr(verdict.signatures[0], which)
    assert not verdict.is_genuine


@pytest.mark.parametrize(("days", "is_revoked"), [(-1, True), (1, False)])
def test_a_revoked_certificate_spoils_what_it_signs_afterwards(sealed, approver, days, is_revoked):
    signed_at = signing.check(sealed).signatures[0].signed_at
    factories.signer_certificate(
        signing.person_signer(approver),
        revoked_at=signed_at + datetime.timedelta(days=days),
    )

    verdict = signing.check(sealed)

    assert verdict.signatures[0].is_known_person
    assert verdict.signatures[0].is_revoked == is_revoked
    assert verdict.is_genuine != is_revoked


def test_a_signature_that_came_back_adds_nothing_else(paper, approved, sealed):
    again = with_one_more_revision(approved)

    assert signing.only_adds_a_signature(approved, paper)
    assert not signing.only_adds_a_signature(paper, paper)
    assert not signing.only_adds_a_signature(sealed, paper)
    assert not signing.only_adds_a_signature(again, paper)
    assert not signing.only_adds_a_signature(b" " + approved, paper)
    assert not signing.only_adds_a_signature(paper + b"junk", paper)


def test_a_signature_drawn_over_the_text_is_not_taken(paper, approver):
    signer = signing.person_signer(approver)
    metadata = making._metadata("Khac", **DETAILS)
    over = making._field("Khac", (0, (100, 500, 300, 600)))

    signed = making._signed(paper, signer, metadata, style=making._nothing(), new_field=over)

    assert signing.check(signed).is_intact
    assert not signing.only_adds_a_signature(signed, paper)


def test_both_signatures_stand_in_the_rooms_left_for_them(paper, sealed):
    with pikepdf.open(io.BytesIO(sealed)) as document:
        rooms = {
            str(widget.T): (index, [float(side) for side in widget.Rect])
            for index, page in enumerate(document.pages)
            for widget in page.obj.get("/Annots", [])
            if widget.get("/FT") == "/Sig"
        }
        pages = len(document.pages)

    assert set(rooms) == {making.PERSON_FIELD, making.OFFICE_FIELD}
    assert {page for page, _box in rooms.values()} == {pages - 1}
    assert "Lê Quang Vũ" in _words_in(paper, *rooms[making.PERSON_FIELD])
    assert "Cơ quan ký số" in _words_in(paper, *rooms[making.OFFICE_FIELD])


def _words_in(pdf: bytes, page: int, box: list[float]) -> str:
    """The text of the unsigned paper inside a box in points from the page's lower left."""
    left, bottom, right, top = box
    area = ["-x", left, "-y", 842 - top, "-W", right - left, "-H", top - bottom]
    return subprocess.run(
        ["pdftotext", "-f", str(page + 1), "-l", str(page + 1)]
        + [str(value if isinstance(value, str) else round(value)) for value in area]
        + ["-", "-"],
        input=pdf,
        capture_output=True,
        check=True,
    ).stdout.decode()


def test_a_paper_of_the_office_alone_names_office_person_and_time(time_machine):
    time_machine.move_to("2026-11-24T09:05:00+07:00", tick=False)
    report = papers.render(
        "papers/_signer.html",
        {"with_seal": True, "facts": {"office": "", "signer": "", "signer_title": ""}},
    )

    signed = signing.sign(report, **DETAILS)

    text = subprocess.run(
        ["pdftotext", "-", "-"], input=signed, capture_output=True, check=True
    ).stdout.decode()
    assert signing.check(signed).is_genuine
    assert "Ký bởi: UBND xã Gio Linh (bản minh hoạ)" in text
    assert "Người ký: Lê Quang Vũ" in text
    assert "Thời gian ký: 24/11/2026 09:05:00 +07:00" in text


def test_a_paper_without_room_is_signed_without_a_seal_and_has_no_places():
    receipt = draw("receipt")

    signed = signing.sign(receipt, **DETAILS)

    assert signing.check(signed).is_genuine
    with pytest.raises(ValueError, match="no room"):
        signing.with_places(receipt)


def test_production_does_not_sign_without_a_key(approved, approver, settings, tmp_path):
    settings.DEMO, settings.SIGNING_KEY_DIR = False, tmp_path

    with pytest.raises(signing.NoSigningKey):
        signing.seal(approved, **SAID)
    with pytest.raises(signing.NoSigningKey):
        signing.person_signer(approver)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"junk", b""])
def test_a_key_that_does_not_open_tells_nothing(settings, tmp_path, content):
    settings.SIGNING_KEY_FILE = str(tmp_path / "office.p12")
    settings.SIGNING_KEY_PASSWORD = "a-secret"
    (tmp_path / "office.p12").write_bytes(content)

    with pytest.raises(signing.NoSigningKey) as caught:
        signing.office_signer()

    assert "secret" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_persons_key_opens_with_their_password(settings, tmp_path, approver, key_dir):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.serialization import pkcs12

    signing.person_signer(approver)
    demo_file = key_dir / "people" / "lanhdao@example.vn.p12"
    key, certificate, chain = pkcs12.load_key_and_certificates(demo_file.read_bytes(), None)
    locked = serialization.BestAvailableEncryption(b"mat-khau")
    settings.DEMO, settings.SIGNING_KEY_DIR = False, tmp_path
    (tmp_path / "people").mkdir()
    (tmp_path / "people" / demo_file.name).write_bytes(
        pkcs12.serialize_key_and_certificates(b"x", key, certificate, chain, locked)
    )

    settings.SIGNING_PEOPLE_PASSWORDS = {"lanhdao@example.vn": "sai"}
    with pytest.raises(signing.NoSigningKey):
        signing.person_signer(approver)
    settings.SIGNING_PEOPLE_PASSWORDS = {"lanhdao@example.vn": "mat-khau"}

    assert certificate_of(signing.person_signer(approver)) == certificate


def test_a_certificate_out_of_date_does_not_sign(approved, time_machine):
    signing.office_signer()
    time_machine.move_to("2049-06-01")

    with pytest.raises(signing.CertificateOutOfDate):
        signing.seal(approved, **SAID)


def test_the_demo_key_is_made_once_and_only_its_owner_reads_it(settings, tmp_path):
    settings.SIGNING_KEY_DIR = tmp_path / "signing"

    keys: list[bytes] = []
    run = [
        threading.Thread(target=lambda: keys.append(signing.office_signer().signing_cert.sha256))
        for _ in range(4)
    ]
    for thread in run:
        thread.start()
    for thread in run:
        thread.join()

    assert len(keys) == 4
    assert len(set(keys)) == 1
    names = sorted(path.name for path in (tmp_path / "signing").iterdir())
    assert names == ["authority.p12", "demo.p12"]
    assert stat.S_IMODE((tmp_path / "signing").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "signing" / "demo.p12").stat().st_mode) == 0o600
