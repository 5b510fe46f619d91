"""The office's signature, its check, and what a stranger may do to a signed file."""

import io
import shutil
import stat
import subprocess
import threading

import pikepdf
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from dossiers import signing
from tests.dossiers.test_paper_templates import FACTS, draw

DETAILS = {"reason": "Phê duyệt kết quả", "location": "Gio Linh", "name": "Lê Quang Vũ"}


@pytest.fixture(scope="module")
def key_dir(tmp_path_factory):
    """One demo key for all tests that do not ask for their own."""
    return tmp_path_factory.mktemp("signing")


@pytest.fixture(autouse=True)
def demo(settings, key_dir):
    """Settings as in a demo without a key file."""
    settings.DEMO = True
    settings.SIGNING_KEY_FILE = settings.SIGNING_KEY_PASSWORD = ""
    settings.SIGNING_KEY_DIR = key_dir


@pytest.fixture(scope="module")
def paper() -> bytes:
    """A decision of two pages."""
    return draw("result", articles=FACTS["result"]["articles"] * 5)


@pytest.fixture
def signed(paper) -> bytes:
    return signing.sign(paper, **DETAILS)


def test_what_we_signed_is_genuine(signed):
    verdict = signing.check(signed)

    assert verdict.is_signed
    assert verdict.is_intact
    assert verdict.covers_whole_file
    assert verdict.is_ours
    assert verdict.is_genuine
    assert verdict.signer_name == signing.DEMO_NAME
    assert verdict.signed_at.tzinfo is not None


@pytest.mark.skipif(shutil.which("pdfsig") is None, reason="poppler-utils is not installed")
def test_another_program_finds_the_signature_valid(signed, tmp_path):
    file = tmp_path / "signed.pdf"
    file.write_bytes(signed)

    report = subprocess.run(
        ["pdfsig", "-nocert", file], capture_output=True, text=True, check=False
    ).stdout

    assert "Signature is Valid." in report
    assert "ETSI.CAdES.detached" in report
    assert "Total document signed" in report
    assert signing.DEMO_NAME in report


def test_one_changed_byte_is_noticed(signed):
    spot = len(signed) // 4
    changed = signed[:spot] + bytes([signed[spot] ^ 1]) + signed[spot + 1 :]

    assert not signing.check(changed).is_intact


def test_a_revision_added_afterwards_is_not_covered(signed):
    writer = IncrementalPdfFileWriter(io.BytesIO(signed))
    writer.root["/Injected"] = writer.root["/Type"]
    writer.update_root()
    added = io.BytesIO()
    writer.write(added)

    verdict = signing.check(added.getvalue())

    assert verdict.is_signed
    assert not verdict.covers_whole_file
    assert not verdict.is_genuine


def test_a_file_without_its_signature_is_not_signed(signed):
    stripped = io.BytesIO()
    with pikepdf.open(io.BytesIO(signed)) as document:
        del document.Root.AcroForm
        for page in document.pages:
            del page.obj["/Annots"]
        document.save(stripped)

    assert signing.check(stripped.getvalue()) == signing.Verdict()


def test_an_unsigned_paper_is_not_signed(paper):
    assert signing.check(paper) == signing.Verdict()


@pytest.mark.parametrize("junk", [b"", b"junk", b"%PDF-1.7\n", b"%PDF-1.7\n%%EOF", b"\x00" * 4096])
def test_junk_is_not_signed_and_does_no_harm(junk):
    assert signing.check(junk) == signing.Verdict()


def test_a_cut_off_file_is_not_genuine(signed):
    assert not signing.check(signed[:-200]).is_genuine


def test_a_strangers_signature_is_not_ours(paper, settings, tmp_path, key_dir):
    settings.SIGNING_KEY_DIR = tmp_path / "stranger"
    strange = signing.sign(paper, **DETAILS)
    settings.SIGNING_KEY_DIR = key_dir

    verdict = signing.check(strange)

    assert verdict.is_intact
    assert not verdict.is_ours
    assert not verdict.is_genuine


def test_a_strangers_signature_over_ours_is_not_ours(signed, settings, tmp_path, key_dir):
    settings.SIGNING_KEY_DIR = tmp_path / "stranger"
    writer = IncrementalPdfFileWriter(io.BytesIO(signed))
    from pyhanko.sign import signers

    tool = signers.PdfSigner(
        signers.PdfSignatureMetadata(field_name="Khac"), signing.office_signer()
    )
    both = signing.outside_any_loop(lambda: tool.sign_pdf(writer))
    settings.SIGNING_KEY_DIR = key_dir

    assert not signing.check(both.getvalue()).is_genuine


def test_a_former_key_is_still_ours(signed, settings, tmp_path):
    certificate = x509.load_der_x509_certificate(signing.office_signer().signing_cert.dump())
    settings.SIGNING_KEY_DIR = tmp_path
    (tmp_path / "former").mkdir()
    (tmp_path / "former" / "2026.pem").write_bytes(certificate.public_bytes(Encoding.PEM))

    assert signing.check(signed).is_ours


def test_the_seal_stands_in_the_room_left_for_it(paper, signed):
    with pikepdf.open(io.BytesIO(signed)) as document:
        seals = [
            (index, widget)
            for index, page in enumerate(document.pages)
            for widget in page.obj.get("/Annots", [])
            if widget.get("/FT") == "/Sig"
        ]
        pages = len(document.pages)

    ((page, widget),) = seals
    left, bottom, right, top = (float(side) for side in widget.Rect)
    assert page == pages - 1
    assert right - left == pytest.approx(signing.SEAL_WIDTH, abs=1)
    assert top - bottom == pytest.approx(signing.SEAL_HEIGHT, abs=1)
    assert _words_in(paper, page, left, bottom, right, top) == ""


def _words_in(pdf: bytes, page: int, left: float, bottom: float, right: float, top: float) -> str:
    """The text of the unsigned paper inside a box in points from the page's lower left."""
    area = ["-x", left, "-y", 842 - top, "-W", right - left, "-H", top - bottom]
    return (
        subprocess.run(
            ["pdftotext", "-f", str(page + 1), "-l", str(page + 1)]
            + [str(value if isinstance(value, str) else round(value)) for value in area]
            + ["-", "-"],
            input=pdf,
            capture_output=True,
            check=True,
        )
        .stdout.decode()
        .strip()
    )


def test_the_seal_names_the_office_the_person_and_the_time(paper, time_machine):
    time_machine.move_to("2026-11-24T09:05:00+07:00", tick=False)

    signed = signing.sign(paper, **DETAILS)

    text = subprocess.run(
        ["pdftotext", "-", "-"], input=signed, capture_output=True, check=True
    ).stdout.decode()

    assert "Ký bởi: UBND xã Gio Linh (bản minh hoạ)" in text
    assert "Người ký: Lê Quang Vũ" in text
    assert "Thời gian ký: 24/11/2026 09:05:00 +07:00" in text


def test_a_paper_without_room_is_signed_without_a_seal():
    receipt = signing.sign(draw("receipt"), **DETAILS)

    assert signing.check(receipt).is_genuine


def test_production_does_not_sign_without_a_key(paper, settings):
    settings.DEMO = False

    with pytest.raises(signing.NoSigningKey):
        signing.sign(paper, **DETAILS)


def test_a_key_that_does_not_open_tells_nothing(settings, tmp_path):
    settings.SIGNING_KEY_FILE = str(tmp_path / "office.p12")
    settings.SIGNING_KEY_PASSWORD = "a-secret"
    (tmp_path / "office.p12").write_bytes(b"junk")

    with pytest.raises(signing.NoSigningKey) as caught:
        signing.office_signer()

    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_certificate_out_of_date_does_not_sign(paper, time_machine):
    signing.office_signer()
    time_machine.move_to("2050-06-01")

    with pytest.raises(signing.NoSigningKey):
        signing.sign(paper, **DETAILS)


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
    assert [path.name for path in (tmp_path / "signing").iterdir()] == ["demo.p12"]
    assert stat.S_IMODE((tmp_path / "signing").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "signing" / "demo.p12").stat().st_mode) == 0o600
