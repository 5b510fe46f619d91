"""A wrong result is revoked or replaced by two people; what was signed stays as it is."""

import hashlib

import pytest

from dossiers import resultchanges, results, resultsigning, signing, tasks, workflow
from dossiers.models import Dossier, Result, ResultChange
from tests import factories
from tests.dossiers.refusals import refused
from tests.dossiers.test_moves import approve, birth_confirmed, propose

State, Kind, Decision = Dossier.State, ResultChange.Kind, ResultChange.Decision
SAID = {"reason": "Sai tên người mất", "law": "Điều 7 Nghị định 63/2024/NĐ-CP"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def office():
    return factories.Office()


def given(office, **draft) -> Dossier:
    """A dossier whose result was handed over."""
    dossier = office.proposed(factories.filed(), **draft)
    approve(dossier, office)
    tasks.finish_result.call(dossier.results.get().pk)
    return workflow.perform(dossier, "hand_over", by=office.reception)


def proposed(dossier: Dossier, office, kind: str, **said) -> Dossier:
    return workflow.perform(
        dossier, "propose_result_change", by=office.officer, kind=kind, **SAID, **said
    )


def decided(dossier: Dossier, by, decision: str = Decision.AGREED, **said) -> Dossier:
    return workflow.perform(dossier, "decide_result_change", by=by, decision=decision, **said)


def as_it_was(result: Result) -> tuple:
    """The bytes and the row of a signed result, but for what says that it is revoked."""
    row = Result.objects.filter(pk=result.pk).values().get()
    marks = ("revoked_at", "revoked_by_id", "revoke_reason")
    return resultsigning.content(result.file), {k: v for k, v in row.items() if k not in marks}


def asked_for(result: Result, client) -> int:
    """What is answered to whoever asks for the file."""
    response = client.get(f"/ho-so/ket-qua/{result.token}/")
    b"".join(response)
    return response.status_code


def test_a_revoked_result_stays_as_signed_and_the_citizen_is_told(office, client):
    dossier = proposed(given(office), office, Kind.REVOKE)
    result = dossier.results.get()
    before = as_it_was(result)

    dossier = decided(dossier, office.leader)

    result.refresh_from_db()
    assert as_it_was(result) == before
    assert (result.revoked_by, result.revoke_reason) == (office.leader, SAID["reason"])
    assert dossier.state == State.RETURNED
    notice = dossier.notices.order_by("pk").last()
    assert notice.kind == "revoke_result"
    assert SAID["reason"] in notice.body
    event = dossier.events.last()
    assert set(event.data) == {"change", "result", "decision"}
    client.force_login(dossier.owner)
    assert asked_for(result, client) == 404
    client.force_login(office.officer)
    assert asked_for(result, client) == 200
    assert resultchanges.current(dossier) is None
    with refused(workflow.Refused):
        proposed(dossier, office, Kind.REVOKE)


def test_a_replacement_is_signed_by_the_same_way_and_what_it_replaces_stays(office, client):
    dossier = given(office)
    old = dossier.results.get()
    before = as_it_was(old)
    words = resultchanges.wording(old)["article.0"].replace("Trần Văn Cụ", "Trần Văn Cừ")

    names = {"text.names": "Trần Thị Bình\nTrần Văn Cừ\nNgười Không Có"}
    dossier = proposed(dossier, office, Kind.REPLACE, **{"text.article.0": words}, **names)
    shown = resultchanges.words_of(ResultChange.objects.get())[0]
    dossier = decided(dossier, office.approver)
    new = dossier.results.get(replaces=old)
    unsigned_yet = resultchanges.given(dossier)
    tasks.finish_result.call(new.pk)
    tasks.finish_result.call(new.pk)

    new.refresh_from_db()
    content = resultsigning.content(new.file)
    assert "Trần Văn Cừ" in shown["after"]
    assert as_it_was(old) == before
    assert unsigned_yet == [old]
    assert signing.check(content).is_genuine
    assert hashlib.sha256(content).hexdigest() == new.sha256
    assert "Trần Văn Cừ" in new.facts["articles"][0]["paragraphs"][0]
    assert new.facts["number"] == "02/QĐ-UBND"
    assert results.names_on(new) == ["Trần Thị Bình", "Trần Văn Cừ"]
    dossier = Dossier.objects.get(pk=dossier.pk)
    assert (dossier.state, resultchanges.given(dossier)) == (State.RETURNED, [new])
    assert dossier.events.filter(name="replace_result").count() == 1
    told = dossier.notices.filter(kind="replace_result", recipient=dossier.owner)
    assert told.count() == 1
    client.force_login(dossier.owner)
    assert asked_for(new, client) == 200
    assert asked_for(old, client) == 404
    client.force_login(office.officer)
    assert asked_for(old, client) == 200


def test_another_systems_result_is_replaced_by_another_file_of_it(office):
    record = dict.fromkeys(("so", "quyen", "ngay_dang_ky", "so_dinh_danh"), "1")
    first, second = factories.signed_pdf("sai"), factories.signed_pdf("đúng")
    dossier = birth_confirmed(office)
    approve(propose(dossier, office, result_file=first, record=record), office)
    old = dossier.results.get()
    tasks.finish_result.call(old.pk)
    dossier = Dossier.objects.get(pk=dossier.pk)

    with refused(workflow.Refused, "tải lên tệp"):
        proposed(dossier, office, Kind.REPLACE)
    with refused(workflow.Refused, "đã ký số"):
        proposed(dossier, office, Kind.REPLACE, result_file=factories.pdf())
    dossier = proposed(dossier, office, Kind.REPLACE, result_file=second)
    dossier = decided(dossier, office.approver)
    new = dossier.results.get(replaces=old)
    tasks.finish_result.call(new.pk)

    second.seek(0)
    assert resultsigning.content(new.file) == second.read()
    assert resultchanges.current(Dossier.objects.get(pk=dossier.pk)) == new


def test_what_is_revoked_or_being_replaced_is_not_handed_over(office):
    dossier = office.proposed(factories.filed())
    approve(dossier, office)
    tasks.finish_result.call(dossier.results.get().pk)
    old = dossier.results.get()
    words = {"text.subject": "Về việc sửa"}
    proposed(dossier, office, Kind.REPLACE, **words)
    dossier = decided(dossier, office.approver)

    with refused(workflow.Refused, "đang được thay"):
        workflow.perform(dossier, "hand_over", by=office.reception)
    new = dossier.results.get(replaces=old)
    tasks.finish_result.call(new.pk)
    proposed(dossier, office, Kind.REVOKE)
    dossier = decided(dossier, office.leader)

    with refused(workflow.Refused, "đã bị thu hồi"):
        workflow.perform(dossier, "hand_over", by=office.reception)


def test_two_people_change_a_result_and_each_says_why(office):
    dossier = given(office)
    by_approver = {"kind": Kind.REVOKE, **SAID}

    with refused(workflow.Refused, "sai ở đâu"):
        workflow.perform(
            dossier, "propose_result_change", by=office.officer, kind=Kind.REVOKE, law="x"
        )
    with refused(workflow.Refused, "Hãy sửa nội dung"):
        proposed(dossier, office, Kind.REPLACE)
    with refused(workflow.Refused, "Hãy chọn"):
        proposed(dossier, office, "xoa")
    dossier = workflow.perform(dossier, "propose_result_change", by=office.approver, **by_approver)

    with refused(workflow.NotAllowed, "phải khác người đề xuất"):
        decided(dossier, office.approver)
    with refused(workflow.NotAllowed):
        decided(dossier, office.officer)
    with refused(workflow.Refused, "vì sao không đồng ý"):
        decided(dossier, office.leader, Decision.REJECTED)
    with refused(workflow.Refused, "đang có đề xuất"):
        proposed(dossier, office, Kind.REVOKE)
    dossier = decided(dossier, office.leader, Decision.REJECTED, comment="Kết quả đúng")

    assert resultchanges.current(dossier).revoked_at is None
    assert resultchanges.waiting(dossier) is None
    with refused(workflow.Refused, "Không còn đề xuất"):
        decided(dossier, office.leader)


def test_a_replacement_is_agreed_to_by_who_signs_it(office):
    dossier = given(office)
    old = resultchanges.wording(dossier.results.get())

    dossier = proposed(dossier, office, Kind.REPLACE, **{"text.subject": old["subject"] + " (sửa)"})

    with refused(workflow.NotAllowed, "ký bản thay thế"):
        decided(dossier, office.leader)


def test_the_dossier_page_leads_through_a_replacement(client, office):
    dossier = given(office)
    address = f"/quan-tri/dossiers/dossier/{dossier.pk}/"
    client.force_login(office.officer)
    form = client.get(f"{address}thuc-hien/propose_result_change/").content.decode()
    sent = {"version": dossier.version, "kind": "replace", **SAID, "text.subject": "Về việc sửa"}
    response = client.post(f"{address}thuc-hien/propose_result_change/", sent)
    change = ResultChange.objects.get()

    client.force_login(office.approver)
    desk = client.get("/quan-tri/ban-lam-viec/").content.decode()
    page = client.get(f"{address}change/").content.decode()
    decision = client.get(f"{address}thuc-hien/decide_result_change/").content.decode()

    assert "Điều 1, viết lại cho đúng" in form
    assert response.status_code == 302
    assert change.details["wording"]["subject"] == "Về việc sửa"
    for text in ("Thu hồi, thay kết quả", SAID["reason"], "Về việc sửa"):
        assert text in page, text
    assert "Về việc sửa" in decision
    assert "Xem và quyết định" in desk


def test_another_office_reads_neither_drafts_nor_replacements(client, office):
    dossier = given(office)
    result = dossier.results.get()
    client.force_login(factories.official("approver", office=factories.OTHER_COMMUNE))

    assert client.get(f"/quan-tri/ket-qua/{result.pk}/van-ban/").status_code == 404
    assert client.get("/quan-tri/ket-qua/thay/1/van-ban/").status_code == 404
