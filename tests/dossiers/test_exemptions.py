"""Exemptions: claimed with the filing, asked of nobody until reception has decided."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dossiers import drafting, results, workflow
from dossiers.counter import entry, originals, quick
from dossiers.exemptions import PROOF
from dossiers.models import Dossier, ExemptionClaim
from dossiers.models.keys import new_key
from payments import exemptions as overpaying
from payments import refunds, services
from payments.models import Payment
from procedures.models import Agency
from tests import factories
from tests.dossiers.refusals import refused

pytestmark = pytest.mark.django_db
State = Dossier.State

EXEMPT = """\
    exempt:
      ho_ngheo: Người thuộc hộ nghèo
      can_ngheo: {label: Người thuộc hộ cận nghèo, reduce: 50%, law: Nghị quyết thử điều 2}
    exempt_law: Luật thử điều 1
"""
SOURCE = "    source: TT 281/2016/TT-BTC điều 4\n"
POOR = {"grounds": ["ho_ngheo"], "evidence": "Giấy số 15, xã cấp", "is_checked": False}
NEAR_POOR = POOR | {"grounds": ["can_ngheo"]}


@pytest.fixture
def procedure(tmp_path):
    """Copies at 8.000 đồng each, paid at filing: waived for some, halved for others."""
    return factories.altered_procedure(tmp_path, factories.COPY, (SOURCE, SOURCE + EXEMPT))


@pytest.fixture
def office(procedure):
    return factories.Office()


def file(said: dict | None = POOR, **options) -> Dossier:
    """Two copies asked for, with this claim."""
    draft = factories.draft(factories.COPY, **options)
    return workflow.perform(draft, "submit", by=draft.owner, exemption=said)


def decide(dossier: Dossier, office: factories.Office, decision: str, reason: str = "") -> Dossier:
    claim = dossier.exemption_claims.get()
    return workflow.perform(
        dossier, "decide_exemption", by=office.reception, decisions={str(claim.pk): decision},
        reason=reason,
    )  # fmt: skip


def pay(dossier: Dossier) -> Dossier:
    payment = dossier.payments.get(state=Payment.State.PENDING)
    services.confirm(payment, amount=payment.amount)
    return Dossier.objects.get(pk=dossier.pk)


def asked(dossier: Dossier) -> list[tuple[int, str]]:
    return list(dossier.payments.values_list("amount", "state"))


# --- The claim --------------------------------------------------------------------------


def test_what_is_claimed_is_not_asked_and_nothing_is_accepted_until_it_is_decided(office):
    dossier = file()

    [claim] = dossier.exemption_claims.all()
    assert (dossier.state, asked(dossier)) == (State.SUBMITTED, [])
    assert (claim.fee, claim.exemption, claim.decision) == ("ban_sao", "ho_ngheo", "")
    assert dossier.events.get(name="submit").data["exemptions"] == [claim.pk]
    assert results.unpaid_fees(dossier) == []
    with refused(workflow.Refused, "Còn đề nghị miễn, giảm chưa được quyết định: Phí cấp bản sao"):
        office.accepted(dossier)


def test_without_a_claim_the_whole_fee_is_asked_at_filing(procedure):
    dossier = file(None)

    assert (dossier.state, asked(dossier)) == (State.PAYMENT_REQUIRED, [(16_000, "pending")])
    assert not dossier.exemption_claims.exists()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (POOR | {"grounds": ["thuong_binh"]}, "trong các diện"),
        (POOR | {"grounds": ["ho_ngheo", "mang"]}, "trong các diện"),
        (POOR | {"evidence": ""}, "giấy tờ chứng minh"),
    ],
    ids=["unknown ground", "one of them unknown", "no proof"],
)
def test_what_no_fee_has_and_what_nothing_proves_is_not_claimed(procedure, said, words):
    draft = factories.draft(factories.COPY)

    with refused(workflow.Refused, words):
        workflow.perform(draft, "submit", by=draft.owner, exemption=said)

    assert not ExemptionClaim.objects.exists()


def test_of_several_grounds_the_one_that_takes_off_most_is_claimed(procedure):
    dossier = file(POOR | {"grounds": ["can_ngheo", "ho_ngheo"]})

    assert dossier.exemption_claims.get().exemption == "ho_ngheo"


def test_a_procedure_without_exemptions_takes_no_claim(db):
    draft = factories.draft(factories.COPY)

    with refused(workflow.Refused, "trong các diện"):
        workflow.perform(draft, "submit", by=draft.owner, exemption=POOR)


# --- The decision -----------------------------------------------------------------------


def test_a_confirmed_exemption_is_told_with_its_law_and_never_asked(office):
    dossier = decide(file(), office, "confirmed")

    claim = dossier.exemption_claims.get()
    notice = dossier.notices.get(kind="decide_exemption")
    assert (claim.decided_by, claim.decision) == (office.reception, "confirmed")
    assert "được miễn theo diện “Người thuộc hộ nghèo” (Luật thử điều 1)" in notice.body
    assert dossier.events.get(name="decide_exemption").data == {
        "exemptions": {str(claim.pk): "confirmed"},
        "note": dossier.events.get(name="decide_exemption").data["note"],
    }
    with refused(workflow.NotPossible):
        workflow.perform(dossier, "request_payment", by=office.reception)
    with refused(workflow.NotPossible):
        decide(dossier, office, "rejected", "Nghĩ lại")
    receipt = office.accepted(dossier).papers.get(kind="receipt")
    assert receipt.facts["fees"][0]["amount"] == "miễn (Người thuộc hộ nghèo)"


def test_a_reduced_fee_is_asked_for_what_is_left_with_the_reason_in_the_payment(office):
    dossier = decide(file(NEAR_POOR), office, "confirmed")

    waiting = workflow.perform(dossier, "request_payment", by=office.reception)

    [line] = waiting.payments.get().lines
    assert (waiting.state, asked(waiting)) == (State.PAYMENT_REQUIRED, [(8_000, "pending")])
    assert (line["full_amount"], line["percent"]) == (16_000, 50)
    assert line["exemption_law"] == "Nghị quyết thử điều 2"
    assert pay(waiting).state == State.SUBMITTED
    assert office.accepted(dossier).state == State.ACCEPTED


def test_a_rejected_claim_has_a_reason_and_its_fee_is_asked_whole(office):
    dossier = file()
    with refused(workflow.Refused, "Hãy ghi lý do"):
        decide(dossier, office, "rejected")
    with refused(workflow.Refused, "Hãy chọn quyết định"):
        decide(dossier, office, "perhaps")

    dossier = decide(dossier, office, "rejected", "Giấy đã hết hạn")

    notice = dossier.notices.get(kind="decide_exemption_rejected")
    assert "phải nộp 16.000 đồng. Lý do: Giấy đã hết hạn" in notice.body
    waiting = workflow.perform(dossier, "request_payment", by=office.reception)
    assert asked(waiting) == [(16_000, "pending")]


def test_a_better_paper_while_the_fee_waits_takes_the_request_back(office):
    dossier = decide(file(), office, "rejected", "Giấy mờ")
    waiting = workflow.perform(dossier, "request_payment", by=office.reception)
    frozen = waiting.payments.get().lines

    back = decide(waiting, office, "confirmed")

    assert (back.state, asked(back)) == (State.SUBMITTED, [(16_000, "cancelled")])
    assert back.payments.get().lines == frozen
    assert office.accepted(back).state == State.ACCEPTED


def test_while_another_part_waits_what_is_left_is_asked_anew(office):
    dossier = decide(file(NEAR_POOR), office, "rejected", "Giấy mờ")
    waiting = workflow.perform(dossier, "request_payment", by=office.reception)

    less = decide(waiting, office, "confirmed")

    assert less.state == State.PAYMENT_REQUIRED
    assert asked(less) == [(16_000, "cancelled"), (8_000, "pending")]
    late = less.payments.get(state="cancelled")
    services.confirm(late, amount=16_000, transaction_number="77")
    overpaying.follow_money(late)
    late.refresh_from_db()
    assert (late.refund_reason, overpaying.overpaid(late, less)) == ("exempt", 8_000)
    assert asked(less) == [(16_000, "paid"), (8_000, "cancelled")]


def test_what_was_paid_before_it_was_confirmed_is_offered_back(office):
    dossier = decide(file(NEAR_POOR), office, "rejected", "Giấy mờ")
    paid = pay(workflow.perform(dossier, "request_payment", by=office.reception))
    frozen = paid.payments.get().lines

    done = decide(paid, office, "confirmed")

    payment = done.payments.get()
    assert (payment.needs_refund, payment.refund_reason) == (True, Payment.RefundReason.EXEMPT)
    assert overpaying.overpaid(payment, done) == 8_000
    assert payment.lines == frozen
    assert results.unpaid_fees(done) == []


def test_what_the_law_refunds_goes_back_whole_though_a_part_was_owed_back_before(tmp_path):
    text = SOURCE + EXEMPT + "    refundable: yes\n"
    factories.altered_procedure(tmp_path, factories.COPY, (SOURCE, text))
    office = factories.Office()
    dossier = decide(file(NEAR_POOR), office, "rejected", "Giấy mờ")
    paid = pay(workflow.perform(dossier, "request_payment", by=office.reception))
    done = decide(paid, office, "confirmed")

    workflow.perform(done, "withdraw", by=done.owner)

    assert refunds.refundable(done.payments.get()) == 16_000


def test_nobody_decides_on_their_own_claim_nor_without_the_role(office):
    own = file(owner=office.reception)
    other = file()

    with refused(workflow.NotAllowed, "của chính mình"):
        decide(own, office, "confirmed")
    for person in (office.officer, office.approver, office.cashier, other.owner):
        with refused(workflow.NotAllowed):
            workflow.perform(other, "decide_exemption", by=person, decisions={})


def test_a_decision_on_a_claim_of_another_dossier_decides_nothing(office):
    mine, other = file(), file()
    foreign = {str(other.exemption_claims.get().pk): "confirmed"}

    with refused(workflow.Refused, "Hãy chọn quyết định"):
        workflow.perform(mine, "decide_exemption", by=office.reception, decisions=foreign)

    assert other.exemption_claims.get().decision == ""


# --- The pages --------------------------------------------------------------------------


def test_the_last_page_offers_the_grounds_keeps_the_proof_and_files_the_claim(client, procedure):
    draft = factories.draft(factories.COPY)
    client.force_login(draft.owner)
    client.get(reverse("dossiers:start", args=[factories.COPY]), {"dien": "can_ngheo"})
    page = reverse("dossiers:check", args=[draft.key])
    seen = drafting.fingerprint(draft)

    shown = client.get(page).content.decode()
    assert 'value="can_ngheo" checked' in shown
    assert "Người thuộc hộ cận nghèo: giảm 50%" in shown
    assert "Luật thử điều 1; Nghị quyết thử điều 2" in shown
    sent = {"delivery": "counter", "declare": "1", "seen": seen, "grounds": ["ho_ngheo"]}
    missing = client.post(page, sent | {"proof": factories.pdf()}).content.decode()
    assert "Hãy ghi giấy tờ chứng minh" in missing
    assert "Đã đính kèm: ket-qua.pdf" in missing
    unknown = client.post(page, sent | {"grounds": ["thuong_binh"], "evidence": "x"})
    assert "Hãy chọn trong các diện miễn, giảm đã nêu." in unknown.content.decode()
    bad = client.post(page, sent | {"evidence": "Số 15", "proof": factories.picture("red")})
    assert bad.status_code == 302

    [claim] = ExemptionClaim.objects.all()
    assert (claim.exemption, claim.evidence) == ("ho_ngheo", "Số 15")
    assert claim.dossier.attachments.filter(document=PROOF).count() == 2
    assert claim.dossier.state == State.SUBMITTED


def test_a_proof_without_a_claim_is_not_filed(procedure):
    draft = factories.draft(factories.COPY)
    factories.attachments.keep(draft, PROOF, factories.taken_picture(), by=draft.owner)

    dossier = workflow.perform(draft, "submit", by=draft.owner)

    assert not dossier.attachments.filter(document=PROOF).exists()


def test_another_s_draft_takes_no_claim(client, procedure):
    draft = factories.draft(factories.COPY)
    client.force_login(factories.user())
    page = reverse("dossiers:check", args=[draft.key])

    answer = client.post(page, {"grounds": ["ho_ngheo"], "evidence": "x", "declare": "1"})

    assert answer.status_code == 404
    assert not ExemptionClaim.objects.exists()


def test_a_claim_after_the_filing_changes_nothing(client, procedure):
    dossier = file(None)
    client.force_login(dossier.owner)
    page = reverse("dossiers:check", args=[dossier.key])

    client.post(page, {"grounds": ["ho_ngheo"], "evidence": "x", "declare": "1"})

    assert not ExemptionClaim.objects.exists()
    assert asked(dossier) == [(16_000, "pending")]


def test_reception_reads_the_claim_and_decides_on_its_form(client, office):
    dossier = file(NEAR_POOR)
    claim = dossier.exemption_claims.get()
    client.force_login(office.reception)
    page = reverse("admin:dossiers_dossier_change", args=[dossier.pk])
    form = reverse("admin:dossiers_dossier_move", args=[dossier.pk, "decide_exemption"])

    shown = client.get(page).content.decode()
    assert "16.000 đồng, được chấp nhận thì còn 8.000 đồng" in shown
    assert "Giấy tờ chứng minh: Giấy số 15, xã cấp" in shown
    assert form in shown
    assert "Xác nhận; còn phải nộp: 8.000 đồng" in client.get(form).content.decode()
    data = {"version": dossier.version, f"decision-{claim.pk}": "rejected"}
    refusal = client.post(form, data)
    assert "Hãy ghi lý do không chấp nhận" in refusal.content.decode()
    client.post(form, data | {f"decision-{claim.pk}": "confirmed"})

    claim.refresh_from_db()
    assert (claim.decision, claim.decided_by) == ("confirmed", office.reception)


def test_the_list_of_claims_shows_those_of_one_s_offices_at_the_same_cost(client, office):
    url = reverse("admin:exemptions")
    file()
    file(NEAR_POOR)
    client.force_login(office.leader)
    client.get(url)
    with CaptureQueriesContext(connection) as few:
        first = client.get(url).content.decode()
    decide(file(), office, "rejected", "Giấy hết hạn")
    for _time in range(3):
        file()
    with CaptureQueriesContext(connection) as many:
        client.get(url)

    assert first.count("Giấy số 15, xã cấp") == 2
    assert "Người thuộc hộ cận nghèo: giảm 50% (Nghị quyết thử điều 2)" in first
    assert len(many) == len(few)
    rejected = client.get(url, {"quyet-dinh": "rejected"}).content.decode()
    assert f"Không được miễn, giảm, {office.reception.get_full_name()}" in rejected
    assert rejected.count("Giấy số 15") == 1
    client.force_login(factories.official("leader", factories.OTHER_COMMUNE))
    assert "Không có đề nghị nào như vậy." in client.get(url).content.decode()


def test_who_filed_reads_on_the_dossier_what_became_of_the_claim(client, office):
    dossier = file(NEAR_POOR)
    client.force_login(dossier.owner)
    assert "chưa phải nộp khoản này" in client.get(dossier.get_absolute_url()).content.decode()

    decide(dossier, office, "confirmed")

    page = client.get(dossier.get_absolute_url()).content.decode()
    assert "còn 8.000 đồng thay cho 16.000 đồng" in page


def test_the_checklist_shows_what_is_taken_off_before_anybody_starts(client, procedure):
    page = reverse("procedures:needs", args=[factories.COPY])
    asked = {"xem": "1", "ban_sao-so_luong": "2"}

    whole = client.get(page, asked).content.decode()
    half = client.get(page, asked | {"dien": "can_ngheo"}).content.decode()

    assert "<strong>16.000 đồng</strong>" in whole
    assert "<strong>8.000 đồng</strong>" in half
    assert "Giảm 50% (Người thuộc hộ cận nghèo), sau khi cơ quan xác nhận." in half
    assert "Mức thu đầy đủ: 16.000 đồng." in half
    assert "Căn cứ: Nghị quyết thử điều 2." in half
    assert f"{reverse('dossiers:start', args=[factories.COPY])}?dien=can_ngheo" in half


# --- At the counter ---------------------------------------------------------------------


def at_counter(office: factories.Office, said: dict) -> Dossier:
    """A draft of the counter with everything on it, and this claim."""
    draft = entry.begin(
        factories.procedure(factories.COPY), channel="direct", owner=factories.user(),
        office=Agency.objects.get(code=factories.COMMUNE), by=office.reception,
    )  # fmt: skip
    draft.answers = dict(factories.ANSWERS[factories.COPY])
    papers = {
        paper.key: originals.PaperRecord(
            originals=1, certified=0, photos=0, is_seen=True, is_kept=False, place=""
        )
        for paper in originals.papers_of(draft)
    }
    draft.at_counter = {"papers": papers, "is_signed": True, "exemption": said}
    draft.save()
    return draft


def test_who_saw_the_proof_at_the_counter_confirms_it_with_the_entry(office):
    draft = at_counter(office, NEAR_POOR | {"is_checked": True})

    dossier = entry.hand_in(draft, by=office.reception, accept=True)

    claim = dossier.exemption_claims.get()
    assert (claim.decision, claim.decided_by) == ("confirmed", office.reception)
    assert (dossier.state, asked(dossier)) == (State.ACCEPTED, [(8_000, "pending")])


def test_a_claim_whose_proof_nobody_saw_is_handed_in_and_not_accepted(office):
    draft = at_counter(office, POOR)
    with refused(workflow.Refused, "Còn đề nghị miễn, giảm"):
        entry.hand_in(draft, by=office.reception, accept=True)

    dossier = entry.hand_in(draft, by=office.reception, accept=False)

    assert (dossier.state, asked(dossier)) == (State.SUBMITTED, [])
    assert dossier.exemption_claims.get().decision == ""


def test_the_sheet_of_the_counter_keeps_the_claim_and_shows_what_is_left(client, office):
    draft = at_counter(office, None)
    draft.at_counter.pop("exemption")
    draft.save()
    client.force_login(office.reception)
    sent = {"who": "self", "delivery": "counter", "seen": entry.digest(draft), "save": "1",
            "grounds": "can_ngheo", "evidence": "Giấy số 15", "is_checked": "on"}  # fmt: skip

    client.post(entry.page_url(draft), sent)

    page = client.get(entry.page_url(draft)).content.decode()
    assert Dossier.objects.get(pk=draft.pk).at_counter["exemption"] == {
        "grounds": ["can_ngheo"], "evidence": "Giấy số 15", "is_checked": True,
    }  # fmt: skip
    assert "Giảm 50%: Người thuộc hộ cận nghèo" in page
    assert "tổng cộng" not in page or "8.000 đồng" in page


def test_quick_entry_takes_off_what_its_clerk_saw_proved(tmp_path, client):
    source = "    source: TT 226/2016/TT-BTC điều 4\n"
    revision = factories.altered_procedure(
        tmp_path, factories.SIGNATURE, (source, source + EXEMPT)
    ).current
    clerk = factories.Office().reception
    client.force_login(clerk)
    typed = {
        "full_name": "Trần Thị Bình", "citizen_number": "045190001234", "form_key": new_key(),
        "procedure": factories.SIGNATURE, "shown": factories.SIGNATURE, "action": "done",
        "ground": "can_ngheo",
    }  # fmt: skip
    typed |= {f"cau-{path}": "1" for path in quick.asked(revision)}

    page = client.post(reverse("admin:quick_entry"), typed | {"fee_seen": "5000"})
    assert "Hãy ghi giấy tờ chứng minh" in page.content.decode()
    assert "<span data-fee-total>5.000 đồng" in page.content.decode()
    client.post(reverse("admin:quick_entry"), typed | {"fee_seen": "5000", "evidence": "Số 15"})

    dossier = Dossier.objects.get(is_at_once=True)
    assert asked(dossier) == [(5_000, "pending")]
    assert dossier.exemption_claims.get().decided_by == clerk


# --- A supplement that raises what was paid ---------------------------------------------


def test_a_supplement_that_raises_a_paid_fee_asks_the_difference(office):
    dossier = pay(file(None))
    dossier.answers["ban_sao"]["so_luong"] = 5
    dossier.save()

    waiting = workflow.perform(dossier, "request_payment", by=office.reception)

    [first, second] = waiting.payments.all()
    assert (first.amount, first.state, second.amount) == (16_000, "paid", 24_000)
    assert second.lines[0]["name"] == "Phí cấp bản sao trích lục hộ tịch (phần nộp thêm)"
    both = pay(waiting)
    assert results.unpaid_fees(both) == []
    office_says_poor(both)
    assert [overpaying.overpaid(row, both) for row in both.payments.all()] == [16_000, 24_000]


def office_says_poor(dossier: Dossier) -> None:
    """As if the claim had been confirmed after everything was paid."""
    ExemptionClaim.objects.create(
        dossier=dossier, fee="ban_sao", exemption="ho_ngheo", decision="confirmed"
    )
    dossier._prefetched_objects_cache = {}
