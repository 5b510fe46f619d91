"""From approval to the signed file: what is printed, who signs, and what is said when it fails."""

import hashlib
import io
import logging

import pikepdf
import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django_tasks_db.models import DBTaskResult

from dossiers import certificates, results, resultsigning, signing, tasks, workflow
from dossiers.models import Dossier, Result, SignerCertificate
from procedures import papers as printing
from tests import factories
from tests.dossiers.refusals import refused
from tests.dossiers.test_moves import birth_confirmed, propose
from tests.dossiers.test_paper_templates import words

State = Dossier.State

pytestmark = pytest.mark.django_db


@pytest.fixture
def office():
    return factories.Office()


def document(*, pages: int = 2, text: str = "", **catalogue) -> SimpleUploadedFile:
    """A PDF as an officer drafts it; `catalogue` are entries that it should not have."""
    drawn = io.BytesIO(printing.render("papers/_two_signatures.html", {"left": text}))
    with pikepdf.open(drawn) as pdf:
        while len(pdf.pages) < pages:
            pdf.add_blank_page()
        for key, value in catalogue.items():
            pdf.Root[f"/{key}"] = value(pdf)
        written = io.BytesIO()
        pdf.save(written)
    return SimpleUploadedFile("quyet-dinh.pdf", written.getvalue(), "application/pdf")


def finished(result: Result) -> Result:
    tasks.finish_result.call(result.pk)
    return Result.objects.get(pk=result.pk)


def test_approval_ends_in_two_signatures_on_the_pdf_that_was_approved(office):
    result = finished(office.approved(factories.filed()).results.get())

    content, unsigned = (resultsigning.content(file) for file in (result.file, result.unsigned))
    verdict = signing.check(content)
    assert content.startswith(unsigned)
    assert hashlib.sha256(unsigned).hexdigest() == result.unsigned_sha256
    assert hashlib.sha256(content).hexdigest() == result.sha256
    assert verdict.is_genuine
    assert [one.is_known_person for one in verdict.signatures] == [True, False]
    assert SignerCertificate.objects.get().user == office.approver
    assert (result.failure, result.is_sample) == ("", True)
    assert result.approver_signed_at <= result.signed_at
    assert result.dossier.state == State.COMPLETED
    text = words(content)
    assert f"Người ký: {office.approver.get_full_name()}" in text
    assert "Thời gian ký:" in text


def fails(why: str, settings, monkeypatch, office) -> None:
    """Something on the server is not as it should be."""
    if why == Result.Failure.NO_KEY:
        settings.DEMO = False
        settings.SIGNING_KEY_FILE, settings.SIGNING_KEY_PASSWORD = "/khong-co.p12", "a-secret"
    elif why == Result.Failure.EXPIRED:
        late = signing.CertificateOutOfDate("late")
        monkeypatch.setattr(signing, "seal", lambda *args, **said: _raise(late))
    elif why == Result.Failure.REVOKED:
        certificates.revoke(certificates.of_portal(office.approver, _signer(office)))
    elif why == Result.Failure.PRINTING:
        bad = printing.ForeignResource("papers/result.html asked for a-secret")
        monkeypatch.setattr(printing, "render", lambda *args: _raise(bad))
    else:
        broken = RuntimeError("a-secret")
        monkeypatch.setattr(signing, "sign_as_person", lambda *args, **said: _raise(broken))


def _raise(error: Exception):
    raise error


def _signer(office):
    return signing.person_signer(office.approver)


def test_what_cannot_be_signed_waits_with_its_reason_and_is_tried_again(
    client, settings, monkeypatch, office, caplog
):
    caplog.set_level(logging.INFO)
    result = office.approved(factories.filed()).results.get()

    for why in Result.Failure.values:
        before = settings.DEMO
        with monkeypatch.context() as patch:
            fails(why, settings, patch, office)
            failed = finished(result)
        settings.DEMO, settings.SIGNING_KEY_FILE = before, ""
        SignerCertificate.objects.update(revoked_at=None)
        assert failed.failure == why
        assert failed.failed_at
        assert (failed.file.name, failed.approver_signed.name, failed.signed_at) == ("", "", None)
        assert failed.dossier.state == State.AWAITING_APPROVAL
        Result.objects.update(unsigned="")

    assert "a-secret" not in caplog.text
    client.force_login(office.approver)
    page = client.get("/quan-tri/ban-lam-viec/").content.decode()
    assert f"Ký hỏng: {failed.get_failure_display()}" in page
    assert "Thử lại" in page
    client.post(f"/quan-tri/ban-lam-viec/ky-lai/{result.pk}/")
    assert "Đang ký" in client.get("/quan-tri/ban-lam-viec/").content.decode()
    assert finished(result).dossier.state == State.COMPLETED


def test_run_due_tries_failed_signatures_again_after_a_while_and_once(office):
    result = office.approved(factories.filed()).results.get()
    with time_machine.travel("2026-11-25 02:00Z", tick=False) as clock:
        resultsigning.note_failure(result, Result.Failure.OTHER)
        DBTaskResult.objects.all().delete()

        assert resultsigning.retry_failed() == 0
        clock.shift(resultsigning.RETRY_AFTER)
        assert resultsigning.retry_failed() == 1
        assert resultsigning.retry_failed() == 0

    assert DBTaskResult.objects.filter(task_path__endswith="finish_result").count() == 1


def test_somebody_of_another_office_has_nothing_tried_again(client, office):
    result = office.approved(factories.filed()).results.get()
    resultsigning.note_failure(result, Result.Failure.OTHER)
    client.force_login(factories.official("approver", office=factories.OTHER_COMMUNE))

    response = client.post(f"/quan-tri/ban-lam-viec/ky-lai/{result.pk}/")

    assert response.status_code == 404
    assert Result.objects.get(pk=result.pk).failure


# --- What officers drafted --------------------------------------------------------------


def test_an_officers_document_gets_our_last_page_and_both_signatures(client, office):
    dossier = office.processing(factories.filed())
    applicant = results.people_of(dossier)[0]
    file = document(text=f"Hỗ trợ bà {applicant}")
    proposed = propose(dossier, office, result_draft=file)
    client.force_login(office.approver)
    draft = client.get(f"/quan-tri/ket-qua/{proposed.results.get().pk}/van-ban/")

    result = finished(workflow.perform(proposed, "approve", by=office.approver).results.get())

    file.seek(0)
    assert b"".join(draft.streaming_content) == file.read()
    assert result.is_uploaded
    assert result.names == [applicant]
    content = resultsigning.content(result.file)
    assert signing.check(content).is_genuine
    with pikepdf.open(io.BytesIO(content)) as pdf:
        assert len(pdf.pages) == 3
    text = words(content)
    assert "Trang này là trang cuối" in text
    assert "gồm 2 trang" in text
    assert f"/xac-thuc/{result.token}/" in text
    assert result.dossier.state == State.COMPLETED


def test_a_procedure_without_a_template_needs_a_document(tmp_path, office):
    text = (factories.FIXTURES / "procedures" / "ho-tro-chi-phi-mai-tang.yaml").read_text()
    template = text[text.index("  template:\n") : text.index("legal_basis:")]
    factories.altered_procedure(tmp_path, factories.FUNERAL, (template, "\n"))
    dossier = office.processing(factories.filed())

    with refused(workflow.Refused, "không có mẫu kết quả"):
        propose(dossier, office)

    proposed = propose(dossier, office, result_draft=document())
    approved = workflow.perform(proposed, "approve", by=office.approver)
    assert finished(approved.results.get()).signed_at


def _script(pdf):
    return pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")


def _form(pdf):
    field = pdf.make_indirect(pikepdf.Dictionary(FT=pikepdf.Name.Tx, T="ho_ten"))
    return pikepdf.Dictionary(Fields=[field])


def _attached(pdf):
    return pikepdf.Dictionary(EmbeddedFiles=pikepdf.Dictionary(Names=[]))


def test_a_document_that_may_change_after_it_is_signed_is_not_taken(office):
    dossier = office.processing(factories.filed())

    for file, says in (
        (factories.signed_pdf("đã ký"), "đã ký số rồi"),
        (document(AcroForm=_form), "ô điền"),
        (document(OpenAction=_script), "lệnh tự chạy"),
        (document(Names=_attached), "kèm tệp khác"),
        (factories.picture(), "phải là tệp PDF"),
        (SimpleUploadedFile("x.pdf", b"%PDF-1.7 junk"), "hỏng"),
    ):
        with refused(workflow.Refused, says):
            propose(dossier, office, result_draft=file)


# --- What other systems signed, and the names on results ----------------------------------


def test_a_result_changed_after_another_system_signed_it_is_not_taken(office):
    good = factories.signed_pdf("khai sinh").read()
    spot = good.index(b"/Title")
    dossier = birth_confirmed(office)

    with refused(workflow.Refused, "đã bị sửa sau khi ký"):
        file = SimpleUploadedFile("kq.pdf", good[:spot] + b"/Tytle" + good[spot + 6 :])
        propose(dossier, office, result_file=file)


def test_whose_signature_another_systems_file_carries_lies_before_the_approver(office):
    proposed = propose(birth_confirmed(office), office, result_file=factories.signed_pdf("x"))

    [signature] = results.proposal(proposed)["signatures"]
    approved = workflow.perform(proposed, "approve", by=office.approver).results.get()

    assert signature["name"] == signing.DEMO_NAME
    assert approved.signing == Result.Signing.ELSEWHERE
    assert {"Trần Thị Bình", "Nguyễn Trần Minh Khôi"} <= set(results.names_on(approved))


def test_the_names_printed_on_a_result_are_kept_and_not_the_signers(office):
    granted = office.approved(factories.filed()).results.get()
    refused_one = office.proposed(factories.filed(), outcome="refused", reason="Trùng hồ sơ")
    refusal = workflow.perform(refused_one, "approve", by=office.approver).results.get()

    assert set(results.names_on(granted)) == {"Trần Thị Bình", "Trần Văn Cụ"}
    assert results.names_on(refusal) == ["Trần Thị Bình"]
    assert office.approver.get_full_name() not in granted.names
