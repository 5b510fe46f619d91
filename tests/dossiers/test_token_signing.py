"""Signing by USB token: what goes out, what may come back, and whose certificate it was."""

import datetime
import io
import zipfile

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings as django_settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from dossiers import certificates, resultsigning, signing, tasks, tokensigning, workflow
from dossiers.models import Dossier, Result, SignerCertificate
from dossiers.signing import demo, keys
from tests import factories
from tests.dossiers.refusals import refused, unchanged
from tests.dossiers.test_signing import signed_over, with_one_more_revision

State, Signing = Dossier.State, Result.Signing
BATCH = "/quan-tri/ban-lam-viec/usb-token/"

pytestmark = pytest.mark.django_db


def token_of(name: str, folder):
    """A key that is not on the portal: what a USB token holds."""
    return keys._opened(demo.person_key(folder, folder / f"{name}.p12", name), "")


def certificate_of(signer) -> x509.Certificate:
    return x509.load_der_x509_certificate(signer.signing_cert.dump())


@pytest.fixture
def office():
    return factories.Office()


@pytest.fixture
def token(office, tmp_path):
    """The approver's USB token, registered by an administrator."""
    signer = token_of("Lê Quang Vũ", tmp_path)
    by = factories.official("administrator")
    certificates.register(office.approver, certificate_of(signer), by=by)
    return signer


def approved(office, **filed) -> Result:
    """A result that waits for the approver's token."""
    dossier = office.proposed(factories.filed(**filed))
    workflow.perform(dossier, "approve", by=office.approver, signing=Signing.TOKEN)
    result = dossier.results.get()
    tasks.finish_result.call(result.pk)
    return Result.objects.select_related("dossier").get(pk=result.pk)


def signed(result: Result, signer) -> bytes:
    return signed_over(resultsigning.content(result.unsigned), signer, field="NguoiKy")


def upload(name: str, content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def zipped(files: dict[str, bytes], **how) -> SimpleUploadedFile:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, **how) as bundle:
        for name, content in files.items():
            bundle.writestr(name, content)
    return upload("da-ky.zip", written.getvalue())


def test_a_batch_goes_out_as_approved_and_comes_back_signed(client, office, token):
    first, second = approved(office), approved(office)
    client.force_login(office.approver)

    response = client.get(f"{BATCH}tai-ve/")
    with zipfile.ZipFile(io.BytesIO(response.content)) as bundle:
        given = {name: bundle.read(name) for name in bundle.namelist()}

    assert set(given) == {tokensigning.file_name(row) for row in (first, second)}
    assert given[tokensigning.file_name(first)] == resultsigning.content(first.unsigned)
    assert first.dossier.state == State.AWAITING_APPROVAL
    back = {f"thu-muc/{name[:-4]}_signed.pdf": signed_over(pdf, token, field="NguoiKy")
            for name, pdf in given.items()}  # fmt: skip
    page = client.post(BATCH, {"files": [zipped(back)]}).content.decode()
    assert page.count("Đã nhận") == 2

    for row in (first, second):
        tasks.finish_result.call(row.pk)
        done = Result.objects.get(pk=row.pk)
        content = resultsigning.content(done.file)
        person, seal = signing.check(content).signatures
        assert content.startswith(resultsigning.content(done.approver_signed))
        assert (person.fingerprint, seal.is_ours) == (token.signing_cert.sha256.hex(), True)
        assert signing.check(content).is_genuine
        assert done.dossier.state == State.COMPLETED


def test_each_file_that_is_refused_is_told_why_and_the_good_ones_go_through(
    client, office, token, tmp_path
):
    good, other = approved(office), approved(office)
    name, name2 = tokensigning.file_name(good), tokensigning.file_name(other)
    unsigned = resultsigning.content(other.unsigned)
    stranger = token_of("Người Lạ", tmp_path)
    changed = signed(other, token).replace(b"/Type", b"/Tipe", 1)
    wrong = {
        f"{name2}": (unsigned, "chưa được ký"),
        f"a.{name2}": (b"%PDF-1.7 khac", "Không phải bản PDF mà cổng đã giao"),
        f"b.{name2}": (changed, "Không phải bản PDF mà cổng đã giao"),
        f"c.{name2}": (signed(good, token), "Không phải bản PDF mà cổng đã giao"),
        f"d.{name2}": (unsigned + b"\n% junk", "không có chữ ký số"),
        f"e.{name2}": (with_one_more_revision(signed(other, token)), "thêm sau chữ ký"),
        f"g.{name2}": (signed_over(with_one_more_revision(unsigned), token), "thay đổi khác"),
        f"h.{name2}": (signed_over(signed(other, token), token), "thay đổi khác"),
        f"s.{name2}": (signed_over(unsigned, token, field="CoQuan"), "thay đổi khác"),
        f"i.{name2}": (signed(other, stranger), "không phải chứng thư của ông/bà"),
        f"k.{name2}": (b"GIF89a", "không phải tệp PDF"),
        "quyet-dinh.pdf": (signed(other, token), "không có mã kết quả"),
        f"x.{'A' * 22}.pdf": (signed(other, token), "không chờ chữ ký của ông/bà"),
    }  # fmt: skip
    client.force_login(office.approver)

    files = {name: signed(good, token), f"again.{name}": signed(good, token)}
    files |= {key: content for key, (content, _says) in wrong.items()}
    outcomes = tokensigning.take_all([zipped(files)], by=office.approver)

    found = {one.name: one.text for one in outcomes}
    assert [one.name for one in outcomes if one.is_done] == [name]
    assert "đã được ký rồi" in found[f"again.{name}"]
    for key, (_content, says) in wrong.items():
        assert says in found[key], key
    assert Result.objects.get(pk=other.pk).approver_signed.name == ""


def test_a_result_that_is_done_or_somebody_elses_is_not_touched(office, token, tmp_path):
    done, waits = approved(office), approved(office)
    content = signed(done, token)
    tokensigning.take(tokensigning.file_name(done), content, by=office.approver)
    tasks.finish_result.call(done.pk)
    colleague = factories.official("approver")
    own = token_of("Đồng Nghiệp", tmp_path)
    certificates.register(colleague, certificate_of(own), by=office.leader)

    with unchanged():
        for by, result, signer in (
            (office.approver, done, token), (colleague, waits, own), (colleague, done, own),
        ):  # fmt: skip
            with pytest.raises(tokensigning.NotTaken):
                name = tokensigning.file_name(result)
                tokensigning.take(name, signed(result, signer), by=by)


def test_a_certificate_that_was_taken_out_of_use_or_ran_out_signs_no_more(office, token):
    result = approved(office)
    content, name = signed(result, token), tokensigning.file_name(result)
    row = SignerCertificate.objects.get(registered_by__isnull=False)

    for column, value, says in (
        ("revoked_at", timezone.now(), "thôi dùng"),
        ("valid_until", timezone.now() - datetime.timedelta(days=1), "hết hạn"),
    ):
        before = getattr(row, column)
        SignerCertificate.objects.filter(pk=row.pk).update(**{column: value})
        with pytest.raises(tokensigning.NotTaken, match=says):
            tokensigning.take(name, content, by=office.approver)
        SignerCertificate.objects.filter(pk=row.pk).update(**{column: before})

    assert tokensigning.take(name, content, by=office.approver).approver_signed


def test_archives_that_are_bombs_broken_locked_or_crowded_do_no_harm(office, settings, monkeypatch):
    settings.MAX_UPLOAD_MB = 1
    monkeypatch.setattr(tokensigning, "MAX_ENTRIES", 3)
    bomb = zipped({"x.pdf": b"0" * (3 * 1024 * 1024)})
    locked = bytearray(zipped({"x.pdf": b"abc"}).read())
    locked[6] |= 1
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    crowd = zipped({f"{number}.pdf": b"x" for number in range(4)})
    spoilt = bytearray(zipped({"x.pdf": b"abc"}).read())
    spoilt[35] = 0xFF  # the first byte that was packed
    files = [bomb, upload("a.zip", b"PK\x03\x04 junk"), upload("b.zip", bytes(locked)), crowd]
    files.append(upload("c.zip", bytes(spoilt)))

    said = [tokensigning.take_all([file], by=office.approver)[0].text for file in files]

    assert "quá lớn" in said[0]
    assert "hỏng" in said[1]
    assert "mật khẩu" in said[2]
    assert "quá 3 tệp" in said[3]
    assert "hỏng" in said[4]


def test_who_has_no_registered_token_cannot_choose_it(client, office):
    dossier = office.proposed(factories.filed())
    client.force_login(office.approver)

    with refused(workflow.Refused, "chưa đăng ký"):
        workflow.perform(dossier, "approve", by=office.approver, signing=Signing.TOKEN)

    page = client.get(f"/quan-tri/ban-lam-viec/ky/?hs={dossier.pk}").content.decode()
    assert "USB token" not in page
    assert client.post(BATCH).status_code == 409
    assert client.get(f"{BATCH}tai-ve/").status_code == 302


def test_the_approver_chooses_on_the_page_how_to_sign(client, office, token):
    dossier = office.proposed(factories.filed())
    client.force_login(office.approver)
    address = "/quan-tri/ban-lam-viec/ky/"
    page = client.get(f"{address}?hs={dossier.pk}").content.decode()

    said = {"hs": dossier.pk, "seen": dossier.pk, f"v{dossier.pk}": dossier.version}
    client.post(address, {**said, "signing": "token"})

    assert "Ký bằng USB token" in page
    result = dossier.results.get()
    assert result.signing == Signing.TOKEN
    assert "lập văn bản" in client.get(BATCH).content.decode()
    tasks.finish_result.call(result.pk)
    assert "ký bằng USB token" in client.get("/quan-tri/ban-lam-viec/").content.decode()


# --- Registering certificates -------------------------------------------------------------


def test_an_administrator_registers_a_certificate_and_takes_it_out_of_use(client, office, tmp_path):
    client.force_login(factories.official("administrator", office=factories.COMMUNE))
    der = certificate_of(token_of("Vũ", tmp_path)).public_bytes(Encoding.DER)
    sent = {"person": office.approver.pk, "file": upload("vu.cer", der)}

    response = client.post("/quan-tri/chung-thu-so/", sent, follow=True)
    again = client.post("/quan-tri/chung-thu-so/", {**sent, "file": upload("vu.cer", der)})

    row = SignerCertificate.objects.get()
    page = response.content.decode()
    assert row.user == office.approver
    assert "Vũ (bản minh hoạ)" in page
    assert "31/12/2048" in page
    assert again.status_code == 409
    assert "đã được đăng ký rồi" in again.content.decode()
    client.post(f"/quan-tri/chung-thu-so/{row.pk}/thoi-dung/")
    assert SignerCertificate.objects.get().revoked_at
    assert not certificates.signs_by_token(office.approver)


def test_an_administrator_registers_nobody_of_another_office(client, tmp_path):
    stranger = factories.official("approver", office=factories.OTHER_COMMUNE)
    client.force_login(factories.official("administrator", office=factories.COMMUNE))
    pem = certificate_of(token_of("Vũ", tmp_path)).public_bytes(Encoding.PEM)

    response = client.post(
        "/quan-tri/chung-thu-so/", {"person": stranger.pk, "file": upload("vu.pem", pem)}
    )

    assert response.status_code == 409
    assert not SignerCertificate.objects.exists()


def test_what_is_no_certificate_for_signing_is_not_registered(tmp_path, time_machine):
    token = token_of("Vũ", tmp_path)
    authority = demo._authority(tmp_path)[1].public_bytes(Encoding.PEM)
    pem = certificate_of(token).public_bytes(Encoding.PEM)

    for content, says in (
        (b"junk", "không phải chứng thư"),
        (b"-----BEGIN CERTIFICATE-----\njunk", "không phải chứng thư"),
        (pem + b"-----BEGIN PRIVATE KEY-----", "không kèm khóa"),
        (authority, "không dùng để ký"),
    ):
        with pytest.raises(ValidationError, match=says):
            certificates.read(content)
    assert certificates.read(pem)
    time_machine.move_to("2049-06-01")
    with pytest.raises(ValidationError, match="hết hạn"):
        certificates.read(pem)
    time_machine.move_to("2019-06-01")
    with pytest.raises(ValidationError, match="chưa đến ngày"):
        certificates.read(pem)


def test_no_private_key_is_in_the_database(office):
    result = office.approved(factories.filed()).results.get()
    tasks.finish_result.call(result.pk)
    folder = django_settings.SIGNING_KEY_DIR

    kept = SignerCertificate.objects.get(user=office.approver)

    assert "PRIVATE" not in kept.pem
    assert (folder / "people" / f"{office.approver.email}.p12").exists()
