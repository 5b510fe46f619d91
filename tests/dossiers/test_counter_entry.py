"""A dossier brought in or posted is typed by reception, on the very form of the citizen."""

from __future__ import annotations

import copy

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dossiers import filledforms, workflow
from dossiers.counter import entry, originals, reserved
from dossiers.models import Dossier, Original, Paper
from dossiers.models.keys import new_key
from procedures.formspec.conditions import lookup
from procedures.formspec.fields import type_of
from procedures.formspec.spec import walk
from procedures.models import Agency, Posting
from procedures.text import fold
from tests import factories

pytestmark = pytest.mark.django_db
CARD = "045190001234"
SCANNED = f"{CARD}|191234567|Trần Thị Bình|02031990|Nữ|Thôn 5, Gio Linh, Quảng Trị|10052021"


@pytest.fixture
def reception(client):
    clerk = factories.official(Posting.Role.RECEPTION, full_name="Lê Thị Quầy")
    client.force_login(clerk)
    return clerk


def begun(clerk, code: str = factories.BIRTH, *, channel: str = "direct", **options) -> Dossier:
    options.setdefault("owner", factories.user(full_name="Trần Thị Bình", citizen_number=CARD))
    office = Agency.objects.get(code=factories.COMMUNE)
    return entry.begin(
        factories.procedure(code), office=office, channel=channel, by=clerk, **options
    )


def sheet(draft: Dossier, answers: dict | None = None, **extra) -> dict:
    """What a browser sends of the whole page, with these answers filled in."""
    answers = answers or factories.ANSWERS[draft.revision.procedure.code]
    data = {"who": "self", "delivery": "counter", "seen": entry.digest(draft), "shown": []}
    for section in draft.revision.form.sections:
        if section.id not in answers:
            continue
        data["shown"].append(section.id)
        for path, spec in walk(section.fields):
            given = type_of(spec).to_values(lookup(answers[section.id], path))
            data |= {f"{section.id}-{path}{end}": v for end, v in given.items() if v}
    view = Dossier(revision=draft.revision, answers=answers, channel=draft.channel)
    data["shown_paper"] = [paper.key for paper in originals.papers_of(view)]
    return data | extra


def with_papers(draft: Dossier, answers: dict | None = None) -> dict:
    """One of each paper handed in, each that is shown seen."""
    view = Dossier(
        revision=draft.revision, channel=draft.channel,
        answers=answers or factories.ANSWERS[draft.revision.procedure.code],
    )  # fmt: skip
    return {
        f"giay-{paper.key}-{'is_seen' if originals.is_shown_only(paper) else 'originals'}": "1"
        for paper in originals.papers_of(view)
    }


def filled_draft(clerk, code: str = factories.BIRTH, **options) -> Dossier:
    draft = begun(clerk, code, **options)
    draft.answers = copy.deepcopy(factories.ANSWERS[code])
    papers = {
        paper.key: originals.PaperRecord(
            originals=1, certified=0, photos=0, is_seen=True, is_kept=False, place=""
        )
        for paper in originals.papers_of(draft)
    }
    draft.at_counter = {"papers": papers, "is_signed": True}
    draft.save()
    return draft


def url(draft: Dossier) -> str:
    return reverse("admin:counter_entry", args=[draft.key])


def fresh(dossier: Dossier) -> Dossier:
    return Dossier.objects.get(pk=dossier.pk)


def test_from_the_card_to_an_accepted_dossier_and_its_receipt(client, reception):
    procedure = factories.procedure(factories.BIRTH)
    assert (
        procedure.current.short_name
        in client.get(reverse("admin:counter_entries")).content.decode()
    )
    new = reverse("admin:counter_new", args=[procedure.code])
    who = {"channel": "direct", "card": SCANNED, "full_name": "", "citizen_number": ""}

    unchecked = client.post(new, who | {"form_key": new_key()})
    assert "Phải đối chiếu thẻ căn cước" in unchecked.content.decode()
    assert 'value="Trần Thị Bình"' in unchecked.content.decode()
    key = new_key()
    response = client.post(new, who | {"checked": "on", "form_key": key})
    client.post(new, who | {"checked": "on", "form_key": key})
    draft = Dossier.objects.get()
    assert response.url == url(draft)
    assert draft.entered_by == reception and draft.owner.citizen_number == CARD
    assert LogEntry.objects.filter(user=reception, object_id=draft.owner_id).exists()

    nothing = client.post(url(draft), {"seen": entry.digest(draft), "shown": [], "accept": "1"})
    assert "Chưa điền xong phần" in nothing.content.decode()
    draft = fresh(draft)
    kept = {"giay-giay_chung_sinh-is_kept": "on", "giay-giay_chung_sinh-place": "Tủ 3, ngăn 2"}
    data = sheet(draft, is_signed="on") | with_papers(draft) | kept
    response = client.post(url(draft), data | {"accept": "1"})
    dossier = fresh(draft)
    assert response.url == reverse("admin:counter_done", args=[dossier.code])

    assert dossier.state == Dossier.State.ACCEPTED
    assert (dossier.channel, dossier.entered_by, dossier.owner.full_name) == (
        "direct", reception, "Trần Thị Bình",
    )  # fmt: skip
    assert dossier.answers == factories.ANSWERS[factories.BIRTH]
    assert dossier.search_terms.filter(value=CARD).exists()
    assert [event.name for event in dossier.events.all()] == ["submit_at_counter", "accept"]
    assert [notice.kind for notice in dossier.notices.all()] in ([], ["accept"])
    slip = dossier.papers.get(kind=Paper.Kind.ORIGINALS)
    assert slip.facts["rows"] == [{"name": "Giấy chứng sinh", "place": "Tủ 3, ngăn 2"}]
    receipt = dossier.papers.get(kind=Paper.Kind.RECEIPT).facts
    certificate = next(row for row in receipt["documents"] if row["name"] == "Giấy chứng sinh")
    assert (certificate["originals"], certificate["photos"]) == (1, 0)
    shown = [o for o in dossier.originals.all() if o.document == "than_nhan"]
    assert all(not original.is_kept for original in shown)
    waiting = client.get(response.url).content.decode()
    assert 'http-equiv="refresh"' in waiting and dossier.code in waiting


def test_only_the_desk_that_types_it_sees_a_draft(client, reception):
    draft = begun(reception)
    elsewhere = factories.official(Posting.Role.RECEPTION, factories.OTHER_COMMUNE)
    officer = factories.official(Posting.Role.CASE_OFFICER)

    statuses = []
    for person in (elsewhere, officer, draft.owner):
        client.force_login(person)
        statuses.append(client.get(url(draft)).status_code)
        statuses.append(client.post(url(draft), sheet(draft)).status_code)
    client.force_login(draft.owner)
    mine = client.get(reverse("dossiers:mine")).content.decode()
    assert client.get(reverse("dossiers:draft", args=[draft.key])).status_code == 404

    assert statuses == [404, 404, 403, 403, 302, 302]
    assert draft.revision.short_name not in mine
    assert not Dossier.objects.drafts_of(draft.owner).exists()
    assert fresh(draft).answers == draft.answers
    filed = workflow.perform(filled_draft(reception, owner=draft.owner), "submit_at_counter",
                             by=reception)  # fmt: skip
    assert filed in Dossier.objects.visible_to(draft.owner)


def test_what_the_citizen_s_pages_refuse_is_refused_in_the_same_words(client, reception):
    draft = begun(reception)
    data = sheet(draft) | {"be-ngay_sinh": "31/02/2026", "accept": "1"}

    page = client.post(url(draft), data)

    assert page.status_code == 422
    assert 'value="31/02/2026"' in page.content.decode()
    assert "id_be-ngay_sinh" in page.content.decode()
    assert fresh(draft).state == Dossier.State.DRAFT
    # What was right is kept, and what could not be is there again after a broken session.
    assert fresh(draft).answers["be"]["ho_ten"] == "Nguyễn Trần Minh Khôi"
    assert 'value="31/02/2026"' in client.get(url(draft)).content.decode()


def test_an_ended_session_loses_nothing_that_was_typed(client, reception):
    draft = begun(reception)
    client.logout()

    sent = client.post(url(draft), sheet(draft) | {"save": "1"})
    assert sent.status_code == 302 and not fresh(draft).answers.get("be")
    client.force_login(reception)

    assert 'value="Nguyễn Trần Minh Khôi"' in client.get(url(draft)).content.decode()


def test_the_lists_cost_the_same_for_one_draft_and_for_many(client, reception):
    def queries(address: str) -> int:
        client.get(address)
        with CaptureQueriesContext(connection) as spent:
            client.get(address)
        return len(spent)

    draft, entries = begun(reception), reverse("admin:counter_entries")
    for code in (factories.COPY, factories.FUNERAL):
        factories.procedure(code)
    names = [fold(row.current.short_name) for row in entry.procedures_at(entry.desks_of(reception))]
    assert len(names) > 1 and names == sorted(names)
    few = queries(entries), queries(url(draft))
    for _number in range(8):
        begun(reception, owner=factories.user())

    assert (queries(entries), queries(url(draft))) == few


def test_of_two_clerks_on_one_draft_neither_loses_what_was_typed(client, reception):
    draft = begun(reception)
    colleague = sheet(draft) | {"be-ho_ten": "Nguyễn Văn Khác", "save": "1"}
    mine = sheet(draft) | {"save": "1"}
    client.post(url(draft), colleague)

    page = client.post(url(draft), mine)

    text = page.content.decode()
    assert page.status_code == 409
    assert "Nguyễn Văn Khác" in text and 'value="Nguyễn Trần Minh Khôi"' in text
    assert fresh(draft).answers["be"]["ho_ten"] == "Nguyễn Văn Khác"
    client.post(url(draft), mine | {"seen": entry.digest(fresh(draft))})
    assert fresh(draft).answers["be"]["ho_ten"] == "Nguyễn Trần Minh Khôi"


def test_answers_open_sections_and_papers_and_close_them_again(client, reception):
    draft = begun(reception)
    answers = copy.deepcopy(factories.ANSWERS[factories.BIRTH])
    answers["chung_minh"] = {"bang": "nguoi_lam_chung"}

    client.post(url(draft), sheet(draft, answers) | {"redraw": "phan-chung_minh"})
    page = client.get(url(draft)).content.decode()
    assert 'id="phan-nguoi_lam_chung"' in page and 'id="giay-vb_lam_chung"' in page
    assert 'id="giay-giay_chung_sinh"' not in page

    more = {"nguoi_lam_chung-add_row": "1", "nguoi_lam_chung-rows": "1"}
    data = sheet(fresh(draft), answers) | more
    data["shown"] = [*data["shown"], "nguoi_lam_chung"]
    added = client.post(url(draft), data).content.decode()
    assert 'name="nguoi_lam_chung-rows" value="2"' in added
    client.post(url(draft), sheet(fresh(draft)) | {"save": "1"})
    assert "nguoi_lam_chung" not in fresh(draft).answers


def test_scans_go_through_the_same_intake(client, reception):
    draft = begun(reception)
    wrong = SimpleUploadedFile("quet.exe", b"MZ" + b"0" * 400)

    files = {"tep-giay_chung_sinh": [factories.picture("#eeeeee"), wrong]}
    page = client.post(url(draft), sheet(draft) | files | {"save": "1"}).content.decode()

    assert "quet.exe" in page and "Chỉ nhận ảnh" in page
    scan = draft.attachments.get()
    assert scan.document == "giay_chung_sinh" and scan.uploaded_by == reception
    file = reverse("admin:counter_file", args=[draft.key, scan.key])
    response = client.get(file)
    b"".join(response.streaming_content)
    assert response.status_code == 200
    client.force_login(factories.official(Posting.Role.RECEPTION, factories.OTHER_COMMUNE))
    assert client.get(file).status_code == 404
    client.force_login(reception)
    client.post(url(draft), sheet(fresh(draft)) | {"drop": scan.key})
    assert not draft.attachments.exists()


def test_a_letter_is_entered_by_its_envelope_and_says_that_papers_go_by_post(client, reception):
    procedure = factories.procedure(factories.COPY)
    new = reverse("admin:counter_new", args=[procedure.code])
    who = {"channel": "postal", "full_name": "Trần Thị Bình", "form_key": new_key()}
    client.post(new, who)
    draft = Dossier.objects.get()
    data = sheet(draft) | with_papers(draft)
    letter = {"address": "Thôn 5, Gio Linh", "postmark": "20/11/2026", "arrived": "19/11/2026"}

    wrong = client.post(url(draft), data | letter | {"hand_in": "1", "is_signed": "on"})
    assert "Thư không thể đến trước" in wrong.content.decode()
    assert "gửi qua bưu chính" in wrong.content.decode()
    ok = {"arrived": "23/11/2026", "seen": entry.digest(fresh(draft))}
    done = client.post(
        url(draft), data | letter | ok | {"hand_in": "1", "is_signed": "on"}, follow=True
    )

    dossier = fresh(draft)
    assert dossier.state == Dossier.State.SUBMITTED and dossier.channel == "postal"
    assert dossier.owner.identity_checked_at is None
    assert dossier.at_counter["postmark"] == "2026-11-20"
    assert "Gửi đến: Thôn 5, Gio Linh" in done.content.decode()
    assert [payment.amount for payment in dossier.payments.all()] == [16_000]


def test_a_procedure_without_this_way_and_one_s_own_are_refused(client, reception):
    funeral = factories.procedure(factories.FUNERAL)
    kinds = entry.channels_of(funeral.current)
    missing = next((k for k in ("postal", "direct", "online") if k not in kinds), "online")
    office = Agency.objects.get(code=factories.COMMUNE)
    own = factories.official(Posting.Role.RECEPTION, citizen_number=CARD)

    with pytest.raises(workflow.Refused):
        entry.begin(funeral, office=office, channel=missing, owner=factories.user(), by=reception)
    with pytest.raises(workflow.NotAllowed):
        entry.begin(funeral, office=office, channel=kinds[0], owner=own, by=own)
    client.force_login(own)
    who = {"channel": "direct", "card": SCANNED, "checked": "on", "form_key": new_key()}
    page = client.post(reverse("admin:counter_new", args=[funeral.code]), who)

    assert "không tự nhập hồ sơ của chính mình" in page.content.decode()
    assert not Dossier.objects.exists()
    # Nor may somebody else's draft be filed by a hand-made move, or twice.
    citizens = factories.draft()
    with pytest.raises(workflow.Refused):
        workflow.perform(citizens, "submit_at_counter", by=reception)
    draft = filled_draft(reception)
    entry.hand_in(draft, by=reception, accept=True)
    with pytest.raises(workflow.NotPossible):
        entry.hand_in(draft, by=reception, accept=True)


def test_a_refused_acceptance_files_nothing(reception):
    draft = filled_draft(reception)
    Posting.objects.filter(user=reception).update(role=Posting.Role.CASE_OFFICER)

    with pytest.raises(workflow.NotAllowed):
        entry.hand_in(draft, by=reception, accept=True)

    assert fresh(draft).state == Dossier.State.DRAFT
    assert not Original.objects.exists() and not draft.events.exists()


def test_the_code_on_a_printed_draft_opens_it_for_reception_against_the_card(client, reception):
    citizen = factories.user(full_name="Trần Thị Bình", citizen_number=CARD)
    draft = factories.draft(factories.BIRTH, owner=citizen)
    reference = filledforms.reference(draft)
    scanned = reverse("admin:counter_scanned")

    before = client.get(scanned, {"ma": f"https://cong.example.vn{scanned}?ma={reference}"})
    assert "Nguyễn Trần Minh Khôi" not in before.content.decode()
    unseen = client.post(scanned, {"ma": reference, "citizen_number": CARD})
    wrong = client.post(
        scanned, {"ma": reference, "citizen_number": "045190009999", "checked": "on"}
    )
    assert unseen.status_code == wrong.status_code == 200
    assert fresh(draft).entered_by is None
    forged = client.get(scanned, {"ma": f"{draft.key}:abc"}, follow=True)
    assert "không phải của tờ khai" in forged.content.decode()

    opened = client.post(scanned, {"ma": reference, "card": SCANNED, "checked": "on"})
    assert opened.url == url(draft)
    assert "Nguyễn Trần Minh Khôi" in client.get(opened.url).content.decode()
    assert not Dossier.objects.drafts_of(citizen).exists()
    client.post(reverse("admin:counter_discard", args=[draft.key]))
    assert fresh(draft) in Dossier.objects.drafts_of(citizen)
    workflow.perform(draft, "submit", by=citizen)
    late = client.post(scanned, {"ma": reference, "card": SCANNED, "checked": "on"})
    assert "đã được nộp" in late.content.decode()
    client.force_login(citizen)
    assert client.get(scanned, {"ma": reference}).status_code == 302


def test_a_citizen_prints_the_draft_with_that_code(client):
    draft = factories.draft(factories.BIRTH)
    address = reverse("dossiers:printed_form", args=[draft.key])
    client.force_login(draft.owner)

    page = client.get(reverse("dossiers:draft", args=[draft.key])).content.decode()
    client.force_login(factories.user())

    assert address in page
    assert client.get(address).status_code == 404


def test_a_power_cut_s_dossier_keeps_the_code_and_the_time_on_paper(client, reception):
    desk = Agency.objects.get(code=factories.DESK)
    now = timezone.localtime()
    reserved.reserve(desk, now.date(), 1, by=reception)
    code = desk.reserved_codes.get().code
    draft = begun(reception)
    late = {"reserved_code": code, "written_time": f"{now:%H:%M}", "late_reason": "Mất điện"}

    half = client.post(url(draft), sheet(draft) | with_papers(draft) | {
        "reserved_code": code, "accept": "1", "is_signed": "on"})  # fmt: skip
    assert "Nhập bù thì phải ghi mã, giờ và lý do" in half.content.decode()
    client.post(url(draft), sheet(fresh(draft)) | with_papers(draft) | late | {
        "accept": "1", "is_signed": "on"})  # fmt: skip

    dossier = fresh(draft)
    assert dossier.code == code and dossier.is_entered_late
    assert timezone.localtime(dossier.submitted_at).strftime("%H:%M") == late["written_time"]


def test_originals_are_given_back_to_who_signs_for_them(client, reception):
    dossier = filled_draft(reception)
    dossier.at_counter["papers"]["giay_chung_sinh"] |= {"is_kept": True, "place": "Tủ 3"}
    dossier.save()
    dossier = entry.hand_in(dossier, by=reception, accept=True)
    [kept] = originals.kept(dossier)
    address = reverse("admin:dossiers_dossier_move", args=[dossier.pk, "give_back_originals"])

    form = {"version": dossier.version, "taken_by": "Nguyễn Văn An"}
    nothing = client.post(address, form)
    assert "Hãy chọn bản chính" in nothing.content.decode()
    client.post(address, form | {"originals_back": [kept.pk]})

    kept.refresh_from_db()
    assert kept.given_back_to == "Nguyễn Văn An" and kept.given_back_by == reception
    paper = dossier.papers.get(kind=Paper.Kind.GIVEN_BACK)
    assert paper.facts["left"] == [] and paper.facts["taken_by"] == "Nguyễn Văn An"
    with pytest.raises(workflow.NotPossible):
        workflow.perform(dossier, "give_back_originals", by=reception, originals_back=[kept.pk])
