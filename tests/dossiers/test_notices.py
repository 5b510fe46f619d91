"""Who is told what, by which ways, and in which words."""

from __future__ import annotations

import itertools
import smtplib
from pathlib import Path

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from dossiers import due, moves, notices, sending, tasks, workflow
from dossiers.channels import phone
from dossiers.models import Delivery, Dossier, Notice, NoticePreference, Participant
from dossiers.noticewords import SILENT, WORDS
from portal import checks
from tests import factories

pytestmark = pytest.mark.django_db

Channel = Delivery.Channel
NOW = "2026-11-25 09:00+07:00"
_phones = itertools.count(912_000_001)


@pytest.fixture(autouse=True)
def _clock():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture(autouse=True)
def _messages(settings, tmp_path):
    settings.MESSAGES_DIR = tmp_path


def with_phone(**fields):
    """A person whose telephone was verified."""
    return factories.user(phone=f"0{next(_phones)}", phone_verified=True, **fields)


def join(dossier: Dossier, **fields) -> Participant:
    """Somebody who takes part in a dossier."""
    fields.setdefault("user", factories.user())
    return Participant.objects.create(
        dossier=dossier, role=Participant.Role.PRINCIPAL, name="Lê Văn Cùng",
        **({"joined_at": timezone.now()} | fields),
    )  # fmt: skip


def ask_for_supplement(dossier: Dossier, reason: str = "Ảnh mờ") -> Dossier:
    reception = factories.Office().reception
    return workflow.perform(
        dossier, "request_supplement", by=reception, items="Chụp lại ảnh", reason=reason
    )


def completed(dossier: Dossier, office: factories.Office, **proposal) -> Dossier:
    """A filed dossier with its result, which nobody has signed."""
    proposed = office.proposed(dossier, **proposal)
    approved = workflow.perform(proposed, "approve", by=office.approver)
    approved.results.update(sha256="0" * 64)
    return workflow.perform(approved, "complete", by=None)


def send_all(dossier: Dossier) -> None:
    for notice in dossier.notices.order_by("pk"):
        sending.send(notice)


def messages(settings) -> list[str]:
    return [path.read_text() for path in sorted(Path(settings.MESSAGES_DIR).iterdir())]


def ways_of(notice: Notice) -> list[str]:
    return list(notice.deliveries.values_list("channel", flat=True))


# --- To whom --------------------------------------------------------------------------


def test_everybody_who_takes_part_is_told():
    dossier = factories.filed()
    joined = join(dossier).user
    join(dossier, user=None, joined_at=None)
    join(dossier, ended_at=timezone.now())
    join(dossier, user=factories.user(is_active=False))

    ask_for_supplement(dossier)

    told = dossier.notices.filter(event__name="request_supplement")
    assert {row.recipient for row in told} == {dossier.owner, joined}


def test_only_the_one_who_files_is_asked_to_act():
    dossier = factories.filed()
    other = join(dossier).user

    ask_for_supplement(dossier)

    mine, theirs = (
        dossier.notices.get(event__name="request_supplement", recipient=person)
        for person in (dossier.owner, other)
    )
    assert "Ông/bà cần làm: bổ sung hồ sơ trên cổng trước 17:00 ngày 07/12/2026." in mine.body
    assert "Người nộp hồ sơ cần làm: bổ sung hồ sơ" in theirs.body
    assert (mine.is_urgent, theirs.is_urgent) == (True, False)
    assert mine.path == reverse("dossiers:supplement", args=[dossier.code])
    assert theirs.path == dossier.get_absolute_url()


def test_who_did_not_file_is_not_told_that_they_did():
    draft = factories.draft()
    other = join(draft).user

    dossier = workflow.perform(draft, "submit", by=draft.owner)

    assert dossier.notices.get(recipient=draft.owner).body.startswith("Ủy ban nhân dân")
    assert "Ông/bà đã nộp hồ sơ" in dossier.notices.get(recipient=draft.owner).body
    assert "Người nộp hồ sơ đã nộp hồ sơ" in dossier.notices.get(recipient=other).body


def statements(action) -> int:
    with CaptureQueriesContext(connection) as captured:
        action()
    return len([row for row in captured if "SAVEPOINT" not in row["sql"]])


def test_telling_another_person_costs_the_task_that_sends_it():
    alone, together = factories.filed(), factories.filed()
    for _time in range(4):
        join(together)
    office = factories.Office()
    office.accepted(factories.filed())  # opens the register of the year

    one = statements(lambda: office.accepted(alone))
    five = statements(lambda: office.accepted(together))

    assert together.notices.filter(event__name="accept").count() == 5
    assert five - one == 4


def test_who_has_to_come_for_the_result_is_not_told_that_nothing_is_to_be_done():
    dossier = factories.filed(factories.FUNERAL)
    Dossier.objects.filter(pk=dossier.pk).update(delivery=Dossier.Delivery.COUNTER)
    other = join(dossier).user

    completed(dossier, factories.Office())

    mine, theirs = (
        dossier.notices.get(event__name="complete", recipient=person).body
        for person in (dossier.owner, other)
    )
    assert f"Mời ông/bà đến {dossier.receiving_agency.name} nhận kết quả" in mine
    assert "Mời người nộp hồ sơ đến" in theirs
    assert "không cần làm gì" not in mine


# --- By which ways --------------------------------------------------------------------


def test_without_a_word_from_them_people_are_told_by_email_and_sms():
    dossier = factories.filed(owner=with_phone())

    assert ways_of(dossier.notices.get()) == [Channel.EMAIL, Channel.SMS]


def test_a_telephone_that_nobody_verified_gets_nothing():
    dossier = factories.filed(owner=factories.user(email=None, phone="0912345670"))

    notice = dossier.notices.get()
    assert ways_of(notice) == []
    assert notice.sent_at is None
    assert not DBTaskResult.objects.filter(task_path="dossiers.tasks.send_notice").exists()


def test_an_address_that_nobody_confirmed_gets_nothing():
    owner = factories.user()
    EmailAddress.objects.create(user=owner, email=owner.email, verified=False, primary=True)

    assert ways_of(factories.filed(owner=owner).notices.get()) == []


def test_a_closed_channel_is_not_used(settings):
    settings.SMS_BACKEND = ""

    assert ways_of(factories.filed(owner=with_phone()).notices.get()) == [Channel.EMAIL]


def test_people_are_told_as_they_prefer():
    owner = with_phone()
    NoticePreference.objects.create(user=owner, email=False, sms=False, zalo=True)

    assert ways_of(factories.filed(owner=owner).notices.get()) == [Channel.ZALO]


def test_what_is_no_task_of_the_reader_waits_for_the_digest():
    owner = factories.user()
    NoticePreference.objects.create(user=owner, pace=NoticePreference.Pace.DAILY)

    dossier = ask_for_supplement(factories.filed(owner=owner))

    waits = Delivery.objects.order_by("pk").values_list("notice__kind", "waits_for_digest")
    assert list(waits) == [("submit", True), ("request_supplement", False)]
    assert dossier.state == Dossier.State.SUPPLEMENT_REQUIRED


class Broken:
    """A gateway that is down."""

    def __init__(self, channel: str) -> None:
        pass

    def send(self, to: str, text: str) -> None:
        raise ConnectionError(f"{to} {text}")


def test_one_way_that_fails_holds_up_no_other(settings):
    settings.SMS_BACKEND = f"{__name__}.Broken"
    notice = factories.filed(owner=with_phone()).notices.get()

    for _time in range(2):
        with pytest.raises(ConnectionError):
            tasks.send_notice.call(notice.pk)

    email, sms = notice.deliveries.all()
    notice.refresh_from_db()
    assert (email.sent_at, sms.sent_at) == (timezone.now(), None)
    assert (email.error, sms.error) == ("", "ConnectionError")
    assert notice.sent_at == timezone.now()
    assert len(mail.outbox) == 1


class NoServer:
    """A mail server that is down."""

    def __init__(self, *args, **kwargs):
        pass

    def send_messages(self, messages):
        raise smtplib.SMTPServerDisconnected


def test_a_way_that_failed_is_gone_again_and_the_others_are_not(settings, monkeypatch):
    notice = factories.filed(owner=with_phone()).notices.get()

    with monkeypatch.context() as patch, pytest.raises(smtplib.SMTPServerDisconnected):
        patch.setattr("django.core.mail.backends.locmem.EmailBackend", NoServer)
        tasks.send_notice.call(notice.pk)
    tasks.send_notice.call(notice.pk)

    assert len(mail.outbox) == 1
    assert len(messages(settings)) == 1
    assert not notice.deliveries.exclude(error="").exists()


def test_what_a_way_still_owes_is_asked_for_again(settings):
    settings.SMS_BACKEND = f"{__name__}.Broken"
    notice = factories.filed(owner=with_phone()).notices.get()
    with pytest.raises(ConnectionError):
        tasks.send_notice.call(notice.pk)
    DBTaskResult.objects.all().delete()

    with time_machine.travel("2026-11-25 20:00+07:00", tick=False):
        due.ask_again()
        due.ask_again()

    again = DBTaskResult.objects.get(task_path="dossiers.tasks.send_notice")
    assert again.args_kwargs["args"] == [notice.pk]


def test_an_account_that_was_closed_gets_nothing_more():
    notice = factories.filed().notices.get()
    person = notice.recipient
    person.closed_at = timezone.now()
    person.save()

    tasks.send_notice.call(notice.pk)

    assert mail.outbox == []


# --- Mail -----------------------------------------------------------------------------


def sent(dossier: Dossier):
    send_all(dossier)
    return mail.outbox[-1]


def test_a_mail_says_what_to_do_by_when_where_and_who_answers(settings):
    dossier = ask_for_supplement(factories.filed())

    message = sent(dossier)

    html = message.alternatives[0].content
    link = f"{settings.SITE_URL}/ho-so/{dossier.code}/bo-sung/"
    for text in (message.body, html):
        assert "Chụp lại ảnh" in text
        assert "17:00 ngày 07/12/2026" in text
        assert link in text
        assert dossier.receiving_agency.name in text
        assert dossier.receiving_agency.phone in text
        assert reverse("dossiers:preferences") in text
    assert message.alternatives[0].mimetype == "text/html"


def test_a_mail_fetches_nothing_from_anywhere():
    html = sent(factories.filed()).alternatives[0].content

    assert "<img" not in html
    assert "<script" not in html
    assert "url(" not in html
    assert "<link" not in html


def test_markup_in_a_note_stays_text_in_mail():
    dossier = ask_for_supplement(factories.filed(), reason="<script>alert(1)</script> & <b>mờ</b>")

    message = sent(dossier)

    assert "<b>mờ</b>" in message.body
    html = message.alternatives[0].content
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;b&gt;mờ&lt;/b&gt;" in html


def test_a_line_end_in_a_subject_begins_no_header():
    person = factories.user()
    notice = notices.write(
        person, kind="test", subject="Chào\r\nBcc: ke.gian@example.vn\nX: 1", body="Nội dung"
    )

    sending.send(notice)
    tasks.send_to_contact.call("moi@example.vn", "Mời\nCc: ke.gian@example.vn", "Nội dung", "/")

    for message in mail.outbox:
        assert message.recipients() in ([person.email], ["moi@example.vn"])
        assert "\n" not in message.subject
        assert "ke.gian" not in str(message.message().get_all("Bcc", []))


def test_a_mail_tried_twice_has_one_id():
    dossier = factories.filed()
    send_all(dossier)
    Delivery.objects.update(sent_at=None)

    send_all(ask_for_supplement(dossier))

    ids = [message.extra_headers["Message-ID"] for message in mail.outbox]
    assert len(ids) == 3
    assert len(set(ids)) == 2


# --- Telephones -----------------------------------------------------------------------


def test_an_sms_is_one_short_text_without_accents_or_names(settings):
    owner = with_phone(email=None, full_name="Trần Thị Bình")
    dossier = ask_for_supplement(factories.filed(owner=owner))

    send_all(dossier)

    texts = messages(settings)
    assert f"{owner.phone}\n\nHo so {dossier.code}: can bo sung." in "".join(texts)
    for message in texts:
        text = message.split("\n\n", 1)[1].rstrip("\n")
        assert text.isascii()
        assert len(text) <= phone.SMS_LENGTH
        assert "binh" not in text.lower()
    assert "Han: 17:00 07/12/2026" in "".join(texts)


def test_every_kind_fits_one_sms():
    dossier = factories.filed()
    words = ("note", "ground", "appeal", "officer", "kind_words", "drafted", "when", "number")
    words += ("carrier", "why", "desk", "ready_at", "since", "amount", "how", "complaint")
    given = {"dossier": dossier, "due_at": timezone.now()} | dict.fromkeys(words, "")

    told = [notices.say(dossier.owner, kind, **given) for kind in WORDS]

    texts = [phone.sms_text(phone.notice_text(notice, Channel.SMS)) for notice in told]
    assert max(len(text) for text in texts) <= phone.SMS_LENGTH
    assert not [text for text in texts if text.endswith("...")]
    assert not [row for row in told if "%" in row.subject + row.body]


@pytest.mark.parametrize(
    "text, plain",
    [
        ("Đã nộp, chưa được tiếp nhận", "Da nop, chua duoc tiep nhan"),
        ("“Nghĩa” – 1…\nhai", '"Nghia" - 1. hai'),
        ("a^b{c}[d]~|\\`€\U0001f600", "abcd"),
        ("dài " * 100, ("dai " * 100)[:157].rstrip() + "..."),
    ],
)
def test_an_sms_holds_only_what_every_telephone_shows(text, plain):
    assert phone.sms_text(text) == plain


def test_zalo_gets_accents_and_the_whole_address(settings):
    owner = with_phone(email=None)
    NoticePreference.objects.create(user=owner, sms=False, zalo=True)
    dossier = factories.filed(owner=owner)

    send_all(dossier)

    [message] = messages(settings)
    assert "đã nộp, chưa được tiếp nhận" in message
    assert f"{settings.SITE_URL}{dossier.get_absolute_url()}" in message


def test_a_log_does_not_say_to_whom_and_what(settings, caplog):
    settings.SMS_BACKEND = "dossiers.channels.console.ToLog"
    dossier = factories.filed(owner=with_phone(email=None))

    send_all(dossier)

    assert dossier.owner.phone not in caplog.text
    assert dossier.code not in caplog.text
    assert "sms: one message of" in caplog.text


def test_who_has_a_telephone_only_gets_one_sms_each_morning(settings, run_tasks):
    owner = with_phone(email=None)
    NoticePreference.objects.create(user=owner, pace=NoticePreference.Pace.DAILY)
    factories.Office().accepted(factories.filed(owner=owner))

    with time_machine.travel("2026-11-26 07:00+07:00", tick=False):
        due.send_digests()
        DBTaskResult.objects.filter(task_path="dossiers.tasks.make_paper").delete()
        run_tasks()

    [message] = messages(settings)
    assert message == f"{owner.phone}\n\nCong Mot Cua: 2 thong bao moi. Xem: localhost:8000\n"


# --- People without an account --------------------------------------------------------


def test_an_invitation_goes_to_an_email_address(settings, run_tasks):
    notices.write_to_contact(
        "moi@example.vn", subject="Lời mời", body="<b>Bình</b> mời ông/bà", path="/ho-so/x/"
    )
    run_tasks()

    [message] = mail.outbox
    assert message.to == ["moi@example.vn"]
    assert f"{settings.SITE_URL}/ho-so/x/" in message.body
    assert "&lt;b&gt;Bình&lt;/b&gt;" in message.alternatives[0].content
    assert reverse("dossiers:preferences") not in message.body + message.alternatives[0].content


def test_an_invitation_to_a_telephone_keeps_the_whole_address_and_says_no_name(settings, run_tasks):
    path = f"/ho-so/loi-moi/{'k' * 22}/"
    notices.write_to_contact(
        "0912345678", subject="Mời ông/bà cùng đứng đơn " * 9, body="Trần Thị Bình mời", path=path
    )
    run_tasks()

    [message] = messages(settings)
    text = message.split("\n\n")[1].strip()
    assert text.endswith(f"{settings.SITE_URL}{path}")
    assert len(text) <= phone.SMS_LENGTH
    assert "Binh" not in text


# --- Writing --------------------------------------------------------------------------


def test_an_event_is_told_once_to_each_person():
    dossier = factories.filed()
    event = dossier.events.get()
    other = factories.user()

    first, second = (
        notices.write(other, kind="x", subject="Một", body="", dossier=dossier, event=event)
        for _time in range(2)
    )

    assert first == second
    assert Notice.objects.filter(recipient=other).count() == 1
    assert Delivery.objects.filter(notice=first).count() == 1


def test_a_notice_without_an_event_is_written_each_time():
    person = factories.user()

    for number in range(2):
        notices.write(person, kind="x", subject=f"Số {number}", body="")

    assert Notice.objects.filter(recipient=person).count() == 2


# --- The words ------------------------------------------------------------------------


def test_every_move_has_words_or_is_silent_on_purpose():
    assert moves  # whose import fills the table
    silent = {name for name, action in workflow.ACTIONS.items() if action.is_silent}
    assert set(workflow.ACTIONS) - set(WORDS) == SILENT | silent


def handed_over(dossier: Dossier, **proposal) -> Dossier:
    """A filed dossier brought to its end."""
    office = factories.Office()
    completed(dossier, office, **proposal)
    return workflow.perform(dossier, "hand_over", by=office.reception)


def last_words(dossier: Dossier) -> str:
    return dossier.notices.get(event__name="hand_over").body


def test_a_death_is_met_with_condolence_once_and_no_wish():
    dossier = factories.filed(factories.FUNERAL)
    ask_for_supplement(dossier)

    first, second = dossier.notices.order_by("pk")
    assert "xin chia buồn cùng gia đình người đã mất" in first.body
    assert "chia buồn" not in second.body
    for notice in (first, second):
        assert "chúc" not in notice.body
        assert "đánh giá" not in notice.body
        assert "Trần" not in notice.subject


def test_a_joyful_matter_ends_with_one_warm_sentence(tmp_path):
    factories.altered_procedure(tmp_path, factories.FUNERAL, ("tone: solemn", "tone: joyful"))

    dossier = handed_over(factories.filed())

    assert last_words(dossier).endswith("Xin chúc gia đình nhiều sức khỏe và hạnh phúc.")
    wished = [row for row in dossier.notices.all() if "chúc" in row.body]
    assert len(wished) == 1


def test_nobody_is_wished_joy_with_a_refusal(tmp_path):
    factories.altered_procedure(tmp_path, factories.FUNERAL, ("tone: solemn", "tone: joyful"))

    dossier = handed_over(
        factories.filed(), outcome=Dossier.Outcome.REFUSED, reason="Không thuộc diện",
        ground=factories.ground(),
    )  # fmt: skip

    assert "không đồng ý" in dossier.notices.get(event__name="complete").body
    assert "chúc" not in " ".join(row.body for row in dossier.notices.all())


def test_a_death_ends_with_plain_facts():
    dossier = handed_over(factories.filed(factories.FUNERAL))

    assert "chúc" not in last_words(dossier)
    assert last_words(dossier).endswith("Ông/bà không cần làm gì thêm lúc này.")


def test_the_tone_of_the_fixtures():
    tones = {
        code: factories.procedure(code).current.definition.get("tone", "plain")
        for code in (factories.BIRTH, factories.FUNERAL, factories.COPY)
    }

    assert list(tones.values()) == ["joyful", "solemn", "plain"]


# --- The pages ------------------------------------------------------------------------


@pytest.fixture
def reader(client):
    person = with_phone()
    client.force_login(person)
    return person


def test_the_page_shows_what_is_new_first_and_marks_it_read(client, reader):
    dossier = ask_for_supplement(factories.filed(owner=reader))
    older, newer = dossier.notices.order_by("pk")
    newer.read_at = timezone.now()
    newer.save()

    first = client.get(reverse("dossiers:notices"))
    second = client.get(reverse("dossiers:notices"))

    older.refresh_from_db()
    assert older.read_at == timezone.now()
    assert (first.context["unread"], first.context["read"]) == ([older], [newer])
    assert (second.context["unread"], second.context["read"]) == ([], [newer, older])
    assert "Mới" in first.text
    assert notices.unread_count(reader) == 0


def test_a_page_that_was_only_asked_for_its_head_is_not_read(client, reader):
    factories.filed(owner=reader)

    client.head(reverse("dossiers:notices"))

    assert notices.unread_count(reader) == 1


def test_nobody_reads_the_notices_of_another(client, reader):
    dossier = factories.filed()

    page = client.get(reverse("dossiers:notices"))

    assert dossier.code not in page.text
    assert dossier.notices.get().read_at is None
    assert "Ông/bà chưa có thông báo nào." in page.text


def test_markup_in_a_note_stays_text_on_the_page(client, reader):
    ask_for_supplement(factories.filed(owner=reader), reason="<script>alert(1)</script>")

    page = client.get(reverse("dossiers:notices"))

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text


def test_the_page_takes_as_many_queries_for_fifty(client, reader):
    dossier = factories.filed(owner=reader)
    one = statements(lambda: client.get(reverse("dossiers:notices")))
    Notice.objects.update(read_at=None)
    for number in range(50):
        notices.write(reader, kind="x", subject=f"Số {number}", body="x", dossier=dossier)
    page = client.get(reverse("dossiers:notices"))
    assert page.context["more"] == 31

    assert statements(lambda: client.get(reverse("dossiers:notices"))) <= one + 2


def choose(client, **data):
    return client.post(reverse("dossiers:preferences"), data)


def test_preferences_are_kept_and_shown_again(client, reader):
    response = choose(client, channels=["zalo"], pace="daily")

    kept = NoticePreference.objects.get(user=reader)
    assert response.status_code == 302
    assert (kept.email, kept.sms, kept.zalo, kept.pace) == (False, False, True, "daily")
    form = client.get(reverse("dossiers:preferences")).context["form"]
    assert form.initial == {"channels": ["zalo"], "pace": "daily"}


def test_choosing_no_way_is_a_choice(client, reader):
    choose(client, pace="at_once")

    dossier = factories.filed(owner=reader)

    assert ways_of(dossier.notices.get()) == []
    assert "chỉ thấy thông báo khi mở cổng này" in client.get(reverse("dossiers:preferences")).text


def test_a_telephone_is_offered_only_when_it_was_verified(client):
    person = factories.user(phone="0912345679")
    client.force_login(person)

    page = client.get(reverse("dossiers:preferences"))
    choose(client, channels=["sms"], pace="at_once")

    assert "0912345679" not in page.text
    assert person.email in page.text
    assert not NoticePreference.objects.filter(user=person).exists()


def test_what_was_said_of_a_way_that_is_gone_stays_said(client, reader):
    choose(client, channels=["email"], pace="at_once")
    reader.phone_verified = False
    reader.save()

    choose(client, channels=["email"], pace="daily")

    kept = NoticePreference.objects.get(user=reader)
    assert (kept.email, kept.sms, kept.pace) == (True, False, "daily")


@pytest.mark.parametrize("pace", ["", "hourly", "<script>"])
def test_a_pace_that_is_none_is_answered_in_words(client, reader, pace):
    page = choose(client, channels=["email"], pace=pace)

    assert page.status_code == 200
    assert page.context["form"].errors["pace"]
    assert page.text.count("<title>Lỗi:") == 1
    assert not NoticePreference.objects.exists()


def test_who_can_be_reached_nowhere_reads_so(client):
    client.force_login(factories.user(email=None, account_number="123456789012"))

    page = client.get(reverse("dossiers:preferences"))

    assert "chỉ thấy thông báo khi mở cổng này" in page.text
    assert "Nhận lúc nào" not in page.text


# --- The settings ---------------------------------------------------------------------


def complaints(settings, backend: str) -> set[str]:
    settings.SMS_BACKEND = backend
    found = [*checks.production_has_what_it_needs(), *checks.ports_exist()]
    return {row.id for row in found} & {"portal.W005", "portal.E008"}


def test_an_office_without_an_sms_gateway_is_told_so(settings):
    assert complaints(settings, "") == {"portal.W005"}
    assert complaints(settings, "dossiers.channels.console.ToFiles") == {"portal.W005"}
    assert complaints(settings, "dossiers.channels.Port") == set()


def test_a_gateway_that_is_not_there_is_found_at_the_start(settings):
    assert complaints(settings, "gateway.that.is.not.there") == {"portal.E008"}
