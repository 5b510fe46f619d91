"""Messages between the people of a dossier and the office, with files, from both sides."""

from __future__ import annotations

import pytest
import time_machine
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dossiers import ledger, messages, workflow
from dossiers.models import Attachment, Dossier, Message, Notice, Participant, new_key
from tests import factories
from tests.factories import FUNERAL

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock():
    cache.clear()
    with time_machine.travel("2026-11-25 09:00+07:00", tick=False) as travel:
        yield travel


@pytest.fixture
def dossier():
    return factories.filed(FUNERAL)


@pytest.fixture
def office():
    return factories.Office()


def as_(person) -> Client:
    browser = Client()
    browser.force_login(person)
    return browser


def address(dossier: Dossier) -> str:
    return reverse("dossiers:messages", args=[dossier.code])


def office_address(dossier: Dossier) -> str:
    return reverse("admin:dossiers_dossier_messages", args=[dossier.pk])


def post(person, dossier, text="Cho tôi hỏi bao giờ có kết quả?", *files, key=None, **data):
    sent = {"text": text, "form_key": key or new_key(), "files": list(files), **data}
    return as_(person).post(address(dossier), sent)


def companion_of(dossier: Dossier):
    person = factories.user()
    Participant.objects.create(
        dossier=dossier, role=Participant.Role.CO_APPLICANT, name=person.full_name, user=person,
        joined_at=timezone.now(),
    )  # fmt: skip
    return person


# --- From the citizen -------------------------------------------------------------------


def test_a_message_is_kept_and_told_to_the_ledger_without_its_words(dossier):
    before = dossier.version

    response = post(dossier.owner, dossier, "Mẹ tôi tên là Lê Thị Sáu")

    message = Message.objects.get()
    event = dossier.events.get(name="message")
    dossier = Dossier.objects.get(pk=dossier.pk)
    assert response.status_code == 302
    assert (message.text, message.author, message.is_from_office) == (
        "Mẹ tôi tên là Lê Thị Sáu", dossier.owner, False,
    )  # fmt: skip
    assert event.data["message"] == message.pk
    assert event.data["text"] == ledger.digest(message.text, message.key)
    assert "Sáu" not in ledger.content(event)
    assert (dossier.version, dossier.state) == (before, Dossier.State.SUBMITTED)
    assert ledger.first_broken(dossier.events.all()) is None


def test_the_same_post_five_times_is_one_message_with_its_files_once(dossier):
    key = new_key()

    for _time in range(5):
        post(dossier.owner, dossier, "Gửi ảnh", factories.picture(), key=key)

    message = Message.objects.get()
    assert message.attachments.count() == 1
    assert Attachment.objects.filter(document=Attachment.MESSAGE).count() == 1
    assert dossier.events.filter(name="message").count() == 1


def test_going_back_and_writing_anew_in_the_same_form_is_another_message(dossier):
    key = new_key()

    post(dossier.owner, dossier, "Câu thứ nhất", key=key)
    post(dossier.owner, dossier, "Câu thứ hai", key=key)

    assert list(Message.objects.values_list("text", flat=True)) == ["Câu thứ nhất", "Câu thứ hai"]


def test_a_bad_file_keeps_the_words_and_the_good_files_until_it_is_right(dossier):
    bad = SimpleUploadedFile("virus.exe", b"MZ\x90\x00", content_type="image/jpeg")

    refused = post(dossier.owner, dossier, "Xem giúp tôi hai tệp", factories.picture(), bad)

    page = refused.content.decode()
    assert refused.status_code == 200
    assert "virus.exe" in page
    assert "Xem giúp tôi hai tệp" in page
    assert "<title>Lỗi:" in page
    assert not Message.objects.exists()

    post(dossier.owner, dossier, "Xem giúp tôi hai tệp")

    assert [file.name for file in Message.objects.get().attachments.all()] == ["anh.jpg"]


def test_a_name_that_turns_its_letters_round_is_shown_straight(dossier):
    bad = SimpleUploadedFile("ảnh\u202egpj.exe" + "x" * 300, b"MZ", content_type="image/jpeg")

    page = post(dossier.owner, dossier, "Xem giúp tôi", bad).content.decode()

    assert "\u202e" not in page
    assert "x" * 101 not in page


def test_a_waiting_file_can_be_taken_out_and_what_was_typed_stays(dossier):
    post(dossier.owner, dossier, "", factories.picture())
    waiting = Attachment.objects.get(document=Attachment.MESSAGE)

    response = post(dossier.owner, dossier, "Đang viết dở", drop=waiting.key)

    assert "Đang viết dở" in response.content.decode()
    assert not Attachment.objects.filter(document=Attachment.MESSAGE).exists()
    assert not Message.objects.exists()


def test_more_than_five_files_are_refused_with_a_sentence_and_five_are_kept(dossier):
    pictures = [factories.picture(f"#{number}0{number}0{number}0") for number in range(6)]

    response = post(dossier.owner, dossier, "Sáu ảnh", *pictures)

    assert "tối đa 5 tệp" in response.content.decode()
    assert messages.waiting(dossier, dossier.owner).count() == 5


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("", "Hãy viết nội dung"), ("   ", "Hãy viết nội dung"), ("x" * 4001, "4.000 ký tự")],
)
def test_no_words_and_too_many_are_refused(dossier, text, complaint):
    response = post(dossier.owner, dossier, text)

    assert complaint in response.content.decode()
    assert not Message.objects.exists()


@pytest.mark.parametrize("key", ["", "ngắn", "x" * 23, "'; drop table--........"])
def test_a_made_up_form_key_is_refused(dossier, key):
    response = as_(dossier.owner).post(address(dossier), {"text": "Chào", "form_key": key})

    assert response.status_code == 200
    assert not Message.objects.exists()


def test_a_script_in_a_message_is_shown_as_text(dossier):
    post(dossier.owner, dossier, "<script>alert(1)</script>")

    page = as_(dossier.owner).get(address(dossier)).content.decode()

    assert "<script>alert(1)</script>" not in page
    assert "&lt;script&gt;" in page


def test_the_twenty_first_message_of_a_day_waits_for_tomorrow(dossier, clock):
    for number in range(20):
        messages.send(dossier, f"Tin {number}", by=dossier.owner, form_key=new_key())

    refused = post(dossier.owner, dossier, "Tin thứ hai mươi mốt")

    assert "ngày mai" in refused.content.decode()
    assert "Tin thứ hai mươi mốt" in refused.content.decode()
    assert Message.objects.count() == 20

    clock.move_to("2026-11-26 00:10+07:00")
    post(dossier.owner, dossier, "Tin thứ hai mươi mốt")

    assert Message.objects.count() == 21


def test_files_of_a_message_are_not_among_those_that_were_filed(dossier):
    post(dossier.owner, dossier, "Xem giúp tôi", factories.picture("#445566"))
    sent = dossier.attachments.get(document=Attachment.MESSAGE)

    html = as_(dossier.owner).get(reverse("dossiers:filed", args=[dossier.code])).content.decode()

    assert sent.sha256 not in html


def test_files_of_a_message_are_no_papers_of_a_supplement(dossier, office):
    asked = office.supplement(office.accepted(dossier), items="Nói rõ ngày mất")
    post(dossier.owner, dossier, "", factories.picture())

    workflow.perform(asked, "answer_supplement", by=dossier.owner, answer="Mất ngày 10/11")

    assert messages.waiting(dossier, dossier.owner).count() == 1


@pytest.mark.parametrize("days", [29, 31])
def test_thirty_days_after_the_end_no_more_messages_are_taken(dossier, clock, days):
    workflow.perform(dossier, "withdraw", by=dossier.owner, reason="Tôi đổi ý")
    clock.shift(days * 86400)

    post(dossier.owner, dossier, "Xin hỏi thêm", factories.picture())

    assert Message.objects.exists() == (days < 30)
    assert as_(dossier.owner).get(address(dossier)).status_code == 200


def test_words_typed_before_the_session_ended_are_shown_again_after_login(dossier):
    browser = Client()
    browser.post(address(dossier), {"text": "Viết lúc phiên đã hết", "form_key": new_key()})
    browser.force_login(dossier.owner)

    page = browser.get(address(dossier)).content.decode()

    assert "Viết lúc phiên đã hết" in page
    assert not Message.objects.exists()


# --- Who may ----------------------------------------------------------------------------


def test_one_who_takes_part_reads_and_writes(dossier):
    companion = companion_of(dossier)
    messages.send(dossier, "Của người nộp", by=dossier.owner, form_key=new_key())

    response = post(companion, dossier, "Của người cùng đứng đơn")

    assert response.status_code == 302
    assert "Của người nộp" in as_(companion).get(address(dossier)).content.decode()


@pytest.mark.parametrize("who", ["stranger", "left", "official"])
def test_others_do_not_find_the_messages(dossier, office, who):
    left = companion_of(dossier)
    dossier.participants.update(ended_at=timezone.now())
    person = {"stranger": factories.user(), "left": left, "official": office.officer}[who]

    assert as_(person).get(address(dossier)).status_code == 404
    assert post(person, dossier).status_code == 404
    assert not Message.objects.exists()


def test_a_file_of_a_message_is_for_the_people_and_the_office_alone(dossier, office):
    post(dossier.owner, dossier, "Gửi ảnh", factories.picture())
    file = Message.objects.get().attachments.get()
    url = reverse("dossiers:attachment", args=[file.key])

    answers = [as_(who).get(url) for who in (dossier.owner, office.officer, factories.user())]
    for answer in answers:
        answer.close()

    assert [answer.status_code for answer in answers] == [200, 200, 404]


# --- From the office --------------------------------------------------------------------


def test_an_official_answers_and_the_people_are_told_once(
    dossier, office, django_capture_on_commit_callbacks
):
    companion = companion_of(dossier)
    for text in ("Câu thứ nhất", "Câu thứ hai"):
        as_(office.officer).post(office_address(dossier), {"text": text, "form_key": new_key()})

    told = Notice.objects.filter(kind="message")
    event = dossier.events.filter(name="message").last()
    assert Message.objects.filter(is_from_office=True, author=office.officer).count() == 2
    assert {notice.recipient for notice in told} == {dossier.owner, companion}
    assert told.count() == 2
    assert "Câu thứ" not in "".join(notice.body for notice in told)
    assert event.agency == dossier.handling_agency


def test_the_page_of_a_dossier_shows_the_thread_and_reads_it(dossier, office):
    messages.send(dossier, "Xin hỏi thêm một câu", by=dossier.owner, form_key=new_key())
    queue = reverse("admin:dossiers_dossier_changelist") + "?nhom=tat-ca"
    waiting = as_(office.officer).get(queue).content.decode()

    page = as_(office.officer).get(reverse("admin:dossiers_dossier_change", args=[dossier.pk]))

    assert "1 tin nhắn mới" in waiting
    assert "Xin hỏi thêm một câu" in page.content.decode()
    assert "Nhắn cho công dân" in page.content.decode()
    assert Message.objects.get().read_at == timezone.now()
    assert "1 tin nhắn mới" not in as_(office.officer).get(queue).content.decode()


def test_the_form_of_the_office_says_that_papers_are_asked_for_elsewhere(dossier, office):
    page = as_(office.officer).get(office_address(dossier)).content.decode()

    assert "phiếu yêu cầu bổ sung (Nghị định 61/2018, Điều 5)" in page
    assert dossier.events.filter(name="look", data__what="messages").exists()


def test_an_official_of_another_office_finds_nothing(dossier):
    other = factories.official("case_officer", factories.OTHER_COMMUNE)

    answer = as_(other).post(office_address(dossier), {"text": "Chào", "form_key": new_key()})

    assert answer.status_code == 404
    assert not Message.objects.exists()


@pytest.mark.parametrize("who", ["party", "supervisor"])
def test_one_who_does_not_handle_it_writes_nothing_in_the_offices_name(office, who):
    person = factories.official("supervisor" if who == "supervisor" else "case_officer")
    dossier = factories.filed(FUNERAL, owner=person if who == "party" else None)

    answer = as_(person).post(office_address(dossier), {"text": "Chào", "form_key": new_key()})

    assert answer.status_code == 302
    assert not Message.objects.exists()


def test_a_party_who_looks_as_an_official_reads_nothing_for_the_office(dossier, office):
    party = factories.official("case_officer")
    dossier = factories.filed(FUNERAL, owner=party)
    messages.send(dossier, "Tự hỏi", by=party, form_key=new_key())

    as_(party).get(reverse("admin:dossiers_dossier_change", args=[dossier.pk]))

    assert Message.objects.get().read_at is None


def test_an_editor_who_looks_reads_nothing_for_the_office(dossier):
    messages.send(dossier, "Xin hỏi", by=dossier.owner, form_key=new_key())
    page = reverse("admin:dossiers_dossier_change", args=[dossier.pk])

    html = as_(factories.official("editor")).get(page).content.decode()

    assert "Nhắn cho công dân" not in html
    assert Message.objects.get().read_at is None


def test_a_message_does_not_make_another_officials_form_stale(dossier, office):
    version = dossier.version
    messages.send(dossier, "Xin hỏi", by=dossier.owner, form_key=new_key())

    accepted = workflow.perform(dossier, "accept", by=office.reception, version=version)

    assert accepted.state == Dossier.State.ACCEPTED


def test_who_comes_second_is_told_of_the_move_not_of_a_message(dossier, office):
    version = dossier.version
    office.accepted(dossier)
    messages.send(dossier, "Xin hỏi", by=dossier.owner, form_key=new_key())

    with pytest.raises(workflow.Stale, match="Tiếp nhận"):
        workflow.perform(dossier, "accept", by=office.reception, version=version)


def test_opening_the_thread_reads_what_the_office_wrote_and_not_ones_own(dossier, office):
    messages.send(dossier, "Của tôi", by=dossier.owner, form_key=new_key())
    messages.send(dossier, "Của cơ quan", by=office.officer, form_key=new_key(), from_office=True)

    first = as_(dossier.owner).get(address(dossier)).content.decode()

    assert "Chưa xem" in first
    assert Message.objects.get(is_from_office=True).read_at is not None
    assert Message.objects.get(is_from_office=False).read_at is None


# --- Cost -------------------------------------------------------------------------------


def many(dossier: Dossier, count: int) -> None:
    for number in range(count):
        author = factories.user()
        message = Message.objects.create(
            dossier=dossier, author=author, text=f"Tin {number}", form_key=new_key(),
            is_from_office=bool(number % 2), read_at=timezone.now(),
        )  # fmt: skip
        Attachment.objects.create(
            dossier=dossier, document=Attachment.MESSAGE, message=message, name="anh.jpg", size=9,
            media_type="image/jpeg", sha256=f"{number:064d}", uploaded_by=author,
            submitted_at=timezone.now(),
        )  # fmt: skip


def test_fifty_messages_cost_as_many_queries_as_one(dossier, office):
    def cost(person, url: str) -> int:
        browser = as_(person)
        browser.get(url)
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(url).status_code == 200
        return len(captured)

    pages = [(dossier.owner, address(dossier)), (office.officer, office_address(dossier))]
    many(dossier, 1)
    before = [cost(*page) for page in pages]

    many(dossier, 49)

    assert [cost(*page) for page in pages] == before
    assert before[0] <= 8
    assert before[1] <= 20
