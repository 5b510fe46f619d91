"""The page of a dossier for officials: what they read, mark, note and write from it."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dossiers import checks, messages, personal, remarks, supplements, workflow
from dossiers.models import (
    Attachment,
    CheckMark,
    Dossier,
    Event,
    Message,
    Opinion,
    PrivateNote,
    Proposal,
    ReplyTemplate,
    SupplementRequest,
    new_key,
)
from dossiers.replyforms import ReplyTemplateForm
from procedures.models import Agency, Posting
from tests import factories
from tests.factories import BIRTH, FUNERAL

pytestmark = pytest.mark.django_db
PAPER = "giay_chung_tu"
NAME, BORN = "nguoi_mat.ho_ten", "nguoi_mat.ngay_sinh"


@pytest.fixture
def office() -> factories.Office:
    return factories.Office()


def as_(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def page_url(dossier: Dossier) -> str:
    return reverse("admin:dossiers_dossier_change", args=[dossier.pk])


def checks_url(dossier: Dossier) -> str:
    return reverse("admin:dossiers_dossier_checks", args=[dossier.pk])


def text_of(response) -> str:
    body = re.sub(r"(?s)<(head|script|style).*?</\1>", " ", response.content.decode())
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def form_of(dossier: Dossier, part: str, *keys: str) -> dict[str, str]:
    """What is hidden in the form of a part that was drawn just now."""
    marks = remarks.of(dossier).marks
    version = Dossier.objects.values_list("version", flat=True).get(pk=dossier.pk)
    return {"part": part, "version": str(version), "seen": checks.digest(keys, marks)}


def section_keys(dossier: Dossier, section: str) -> list[str]:
    keys = [c.key for group in supplements.choices(dossier) for c in group.choices]
    return [key for key in keys if key.startswith(f"{section}.")]


def mark(client: Client, dossier: Dossier, *, seen: str | None = None, **given: tuple[str, str]):
    """Send the section of the deceased with a mark and a note for each of its fields."""
    data = form_of(dossier, "nguoi_mat", *section_keys(dossier, "nguoi_mat"))
    data |= {"seen": seen} if seen is not None else {}
    for name, (chosen, note) in given.items():
        data |= {f"mark:nguoi_mat.{name}": chosen, f"note:nguoi_mat.{name}": note}
    return client.post(checks_url(dossier), data)


# --- What is shown --------------------------------------------------------------------


def fill(dossier: Dossier, office: factories.Office, times: int) -> None:
    """Rows of every kind that the page shows, without the long way that leads to them."""
    now, file = timezone.now(), dossier.attachments.first()
    seq = dossier.events.count()
    Event.objects.bulk_create(
        Event(dossier=dossier, seq=seq + n, name="look" if n % 2 else "check", at=now,
              actor=factories.user(), data={"what": "page"}, hash="0" * 64)
        for n in range(1, times + 1)
    )  # fmt: skip
    fields = {"media_type": file.media_type, "size": 9, "sha256": "0" * 64, "file": "x.jpg"}
    common = fields | {"dossier": dossier, "uploaded_by": dossier.owner, "submitted_at": now}
    Attachment.objects.bulk_create(
        Attachment(document=f"khac{n % 3}", name=f"{n}.jpg", **common) for n in range(times)
    )
    sent = Message.objects.bulk_create(
        Message(dossier=dossier, author=factories.user(), text="x", form_key=new_key(),
                is_from_office=True)
        for n in range(times)
    )  # fmt: skip
    Attachment.objects.bulk_create(
        Attachment(document=Attachment.MESSAGE, name="m.jpg", message=message, **common)
        for message in sent
    )
    by = {"dossier": dossier, "asked_by": office.officer}
    PrivateNote.objects.bulk_create(
        PrivateNote(dossier=dossier, author=factories.user(), text="x") for n in range(times)
    )
    Opinion.objects.bulk_create(
        Opinion(question="x", due_at=now, asked_of=factories.user(), **by) for n in range(times)
    )
    Proposal.objects.bulk_create(
        Proposal(dossier=dossier, kind="supplement", proposed_by=office.officer, decided_at=now)
        for n in range(times)
    )
    SupplementRequest.objects.bulk_create(
        SupplementRequest(reason="x", answered_at=now, **by) for n in range(times)
    )
    keys = section_keys(dossier, "nguoi_mat")
    CheckMark.objects.bulk_create(
        (CheckMark(dossier=dossier, key=key, is_right=True, by=office.officer) for key in keys),
        ignore_conflicts=True,
    )


@pytest.mark.parametrize(
    ("role", "state"),
    [
        (Posting.Role.RECEPTION, "processing"),
        (Posting.Role.CASE_OFFICER, "processing"),
        (Posting.Role.LEADER, "awaiting_approval"),
        (Posting.Role.CASHIER, "completed"),
        (Posting.Role.SUPERVISOR, "returned"),
    ],
)
def test_the_page_takes_at_most_twenty_queries_whatever_its_length(office, role, state):
    dossier = office.processing(factories.filed(FUNERAL))
    Dossier.objects.filter(pk=dossier.pk).update(state=state)
    client = as_(factories.official(role))
    # Opened from a list, so that the ways to the ones beside it are found too.
    url = page_url(dossier) + "?_bo-loc=nhom%3Dtat-ca"
    fill(dossier, office, 1)
    client.get(url)
    with CaptureQueriesContext(connection) as few:
        client.get(url)

    fill(dossier, office, 30)
    with CaptureQueriesContext(connection) as many:
        response = client.get(url)

    assert response.status_code == 200
    assert len(many) == len(few) <= 20, "\n".join(query["sql"][:300] for query in many)


def test_answers_stand_in_the_forms_order_beside_the_papers_and_their_pages(office):
    dossier = factories.filed(BIRTH)
    file = dossier.attachments.first()
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    Attachment.objects.create(
        dossier=dossier, document=file.document, name="đơn.docx", media_type=word, size=9,
        sha256="0" * 64, uploaded_by=dossier.owner, submitted_at=timezone.now(),
    )  # fmt: skip

    response = as_(office.reception).get(page_url(dossier))

    page, text = response.content.decode(), text_of(response)
    titles = ["Trường hợp của gia đình", "Người đi đăng ký", "Em bé", "Mẹ của bé", "Cha của bé"]
    assert [text.index(title) for title in titles] == sorted(text.index(title) for title in titles)
    assert "Nguyễn Trần Minh Khôi" in text
    assert f'href="#tep-{file.key}"' in page
    assert f'id="tep-{file.key}"' in page
    assert "Đang lập ảnh xem trước" in text
    assert "Loại tệp này không xem trước được" in text


# --- Check marks ----------------------------------------------------------------------


def test_marks_are_kept_with_who_made_them_and_the_ledger_keeps_keys_alone(office):
    dossier = factories.filed(FUNERAL)
    client = as_(office.reception)

    answer = mark(client, dossier, ho_ten=("dat", ""), ngay_sinh=("sai", "Khác giấy chứng tử"))
    again = mark(client, dossier, ho_ten=("dat", ""), ngay_sinh=("sai", "Khác giấy chứng tử"))

    assert (answer.status_code, again.status_code) == (302, 302)
    marks = {row.key: (row.is_right, row.note, row.by) for row in dossier.check_marks.all()}
    assert marks == {
        NAME: (True, "", office.reception),
        BORN: (False, "Khác giấy chứng tử", office.reception),
    }
    [event] = dossier.events.filter(name="check")
    assert event.data == {"right": [NAME], "wrong": [BORN], "open": []}
    shown = text_of(client.get(page_url(dossier)))
    assert "Đánh dấu kiểm tra" in shown
    assert office.reception.get_full_name() in shown
    assert "Khác giấy chứng tử" in client.get(page_url(dossier)).content.decode()
    assert fresh(dossier).version == dossier.version


def fresh(dossier: Dossier) -> Dossier:
    return Dossier.objects.get(pk=dossier.pk)


def test_everything_left_is_marked_right_with_one_button_and_a_mark_can_be_taken_back(office):
    dossier = factories.filed(FUNERAL)
    client = as_(office.reception)
    data = form_of(dossier, "giay-to", PAPER)

    client.post(checks_url(dossier), data | {"rest": "1"})
    right = dossier.check_marks.get(key=PAPER).is_right
    client.post(checks_url(dossier), form_of(dossier, "giay-to", PAPER) | {f"mark:{PAPER}": ""})

    assert right
    assert not dossier.check_marks.exists()


def test_what_cannot_be_kept_comes_back_as_it_was_typed(office):
    dossier = factories.filed(FUNERAL)
    client = as_(office.reception)

    without = mark(client, dossier, ngay_sinh=("sai", ""))
    long = mark(client, dossier, ngay_sinh=("sai", "dài" * 200), ho_ten=("sai", "Thiếu tên đệm"))
    foreign = client.post(
        checks_url(dossier),
        form_of(dossier, "nguoi_mat", *section_keys(dossier, "nguoi_mat"))
        | {"mark:khong.co": "sai", "note:khong.co": "x"},
    )
    stale = client.post(
        checks_url(dossier),
        form_of(dossier, "nguoi_mat")
        | {"version": "0", f"mark:{BORN}": "sai", f"note:{BORN}": "Cũ"},
    )
    unknown = client.post(checks_url(dossier), form_of(dossier, "khong_co"))

    assert [a.status_code for a in (without, long, foreign, stale, unknown)] == [409] * 4 + [404]
    assert "Hãy ghi rõ sai chỗ nào." in text_of(without)
    assert "viết gọn trong 500 ký tự" in text_of(long)
    assert "Thiếu tên đệm" in long.content.decode()
    assert "không thuộc hồ sơ này" in text_of(foreign)
    assert "Hồ sơ đã thay đổi" in text_of(stale)
    assert 'value="Cũ"' in stale.content.decode()
    assert not dossier.check_marks.exists()
    assert not dossier.events.filter(name="check").exists()


def test_two_officials_who_mark_the_same_part_do_not_undo_each_other(office):
    dossier = factories.filed(FUNERAL)
    other = factories.official(Posting.Role.RECEPTION)
    drawn = checks.digest(section_keys(dossier, "nguoi_mat"), {})
    mark(as_(other), dossier, ho_ten=("sai", "Tên khác"))

    answer = mark(as_(office.reception), dossier, seen=drawn, ho_ten=("dat", ""))

    assert answer.status_code == 409
    assert f"{other.get_full_name()} vừa đánh dấu" in text_of(answer)
    assert not dossier.check_marks.get(key=NAME).is_right


def test_who_marks_depends_on_where_the_dossier_is(office):
    dossier = factories.filed(FUNERAL)
    supervisor = factories.official(Posting.Role.SUPERVISOR)

    def may(person) -> bool:
        return checks_url(dossier) in as_(person).get(page_url(dossier)).content.decode()

    people = [office.reception, office.officer, office.approver, supervisor]
    at_desk = [may(person) for person in people]
    sneaked = mark(as_(supervisor), dossier, ho_ten=("dat", ""))
    office.processing(dossier)
    handled = [may(person) for person in people]

    assert at_desk == [True, False, False, False]
    assert handled == [False, True, True, False]
    assert sneaked.status_code == 409
    assert not dossier.check_marks.exists()


def test_wrong_marks_fill_the_supplement_until_the_citizen_answers(office):
    dossier = factories.filed(FUNERAL)
    client = as_(office.reception)
    mark(client, dossier, ngay_sinh=("sai", "Khác giấy chứng tử"))
    form = reverse("admin:dossiers_dossier_move", args=[dossier.pk, "request_supplement"])

    filled = client.get(form).content.decode()
    unticked = client.post(
        form,
        {"version": dossier.version, f"note:{BORN}": "Khác giấy chứng tử", "items": "Ảnh",
         "reason": "Thiếu"},
    )  # fmt: skip
    asked = dossier.supplement_requests.get()
    asked.answered_at = timezone.now()
    asked.old_answers, asked.new_answers = {"nguoi_mat": {"ngay_sinh": "1"}}, {"nguoi_mat": {}}
    asked.save()

    assert re.search(rf'name="fault:{BORN}"[^>]*checked', filled)
    assert 'value="Khác giấy chứng tử"' in filled
    assert unticked.status_code == 302
    assert asked.fields == []
    assert checks.faults(fresh(dossier)) == {}


# --- Private notes --------------------------------------------------------------------


def test_notes_are_for_officials_alone_and_their_writer_takes_them_back(office):
    dossier = factories.filed(FUNERAL)
    supervisor = factories.official(Posting.Role.SUPERVISOR)
    url = reverse("admin:dossiers_dossier_notes", args=[dossier.pk])
    client = as_(office.reception)

    client.post(url, {"text": "Hẹn mang bản chính sáng mai"})
    client.post(url, {"text": "Hẹn mang bản chính sáng mai"})
    refused = as_(supervisor).post(url, {"text": "Tôi cũng ghi"})
    long = client.post(url, {"text": "dài" * 1000})
    empty = client.post(url, {"text": "  "})
    note = dossier.private_notes.get()
    citizen = as_(dossier.owner).get(reverse("dossiers:detail", args=[dossier.code]))
    copy = str(personal.copy_of(dossier.owner))
    read = text_of(as_(supervisor).get(page_url(dossier)))
    as_(office.officer).post(url, {"drop": note.pk})
    kept = dossier.private_notes.count()
    client.post(url, {"drop": note.pk})

    assert [a.status_code for a in (refused, long, empty)] == [409, 409, 409]
    assert "chỉ đọc được ghi chú" in text_of(refused)
    assert "dàidàidài" in text_of(long)
    assert "Hãy viết nội dung ghi chú" in text_of(empty)
    assert "bản chính sáng mai" in read
    assert "bản chính sáng mai" not in text_of(citizen) + copy
    assert (kept, dossier.private_notes.count()) == (1, 0)


# --- Messages and templates -----------------------------------------------------------


def template(text: str, purpose: str = "message", office: str = factories.COMMUNE) -> ReplyTemplate:
    return ReplyTemplate.objects.create(
        agency=Agency.objects.get(code=office), purpose=purpose, title=text[:20], text=text
    )


def test_a_template_fills_the_message_and_the_reason_of_a_move(office):
    owner = factories.user(full_name="Lê {han} Hoa")
    dossier = factories.filed(FUNERAL, owner=owner)
    words = template("Kính gửi {nguoi_nop}, hồ sơ {ho_so}: {thu_tuc}. {x.y} {0}")
    other = template("Của xã khác", office=factories.OTHER_COMMUNE)
    reason = template("Xin sửa hồ sơ {ho_so}", "supplement")
    url = reverse("admin:dossiers_dossier_messages", args=[dossier.pk])
    move = reverse("admin:dossiers_dossier_move", args=[dossier.pk, "request_supplement"])
    client = as_(office.reception)

    filled = client.get(url, {"mau": words.pk}).context["form"]["text"].value()
    foreign = client.get(url, {"mau": other.pk}).context["form"]["text"].value()
    strange = client.get(url, {"mau": "²; DROP"}).context["form"]["text"].value()
    moved = client.get(move, {"mau": reason.pk}).context["form"]["reason"].value()

    name = dossier.revision.short_name
    assert filled == f"Kính gửi Lê {{han}} Hoa, hồ sơ {dossier.code}: {name}. {{x.y}} {{0}}"
    assert (foreign, strange) == ("", "")
    assert moved == f"Xin sửa hồ sơ {dossier.code}"


def test_a_template_with_an_unknown_place_is_not_kept(office):

    agency = Agency.objects.get(code=factories.COMMUNE)
    data = {"agency": agency.pk, "purpose": "message", "title": "Mẫu", "is_active": "on"}

    wrong = ReplyTemplateForm(data | {"text": "Kính gửi {ten}"})
    right = ReplyTemplateForm(data | {"text": "Kính gửi {nguoi_nop}"})

    assert "{ten}" in wrong.errors["text"][0]
    assert right.is_valid()


def test_a_message_that_seems_to_ask_for_papers_needs_a_tick(office):
    dossier = factories.filed(FUNERAL)
    url = reverse("admin:dossiers_dossier_messages", args=[dossier.pk])
    client = as_(office.reception)
    data = {"form_key": new_key(), "text": "Bà nộp thêm giấy khai sinh nhé"}

    warned = client.post(url, data)
    waiting = dossier.messages.count()
    sent = client.post(url, data | {"is_no_request": "on"})
    harmless = client.post(url, {"form_key": new_key(), "text": "Chào bà, hồ sơ đang được xem."})

    assert "Yêu cầu bổ sung bằng phiếu" in text_of(warned)
    assert data["text"] in warned.content.decode()
    assert waiting == 0
    assert (sent.status_code, harmless.status_code) == (302, 302)
    said = [row.data.get("said_no_request") for row in dossier.events.filter(name=messages.EVENT)]
    assert said == [True, None]


def test_closing_an_account_takes_the_notes_and_marks_with_it(office):
    dossier = factories.filed(FUNERAL)
    mark(as_(office.reception), dossier, ho_ten=("sai", "Tên khác"))
    remarks.write_note(dossier, "Đã gọi điện", by=office.reception)
    workflow.perform(dossier, "withdraw", by=dossier.owner)

    personal.erase(dossier.owner)

    assert not PrivateNote.objects.exists()
    assert not CheckMark.objects.exists()
