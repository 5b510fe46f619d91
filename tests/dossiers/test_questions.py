"""Questions to the office: asked once, answered in time by who may, published without a name."""

from __future__ import annotations

import datetime
import re
import threading

import pytest
import time_machine
from django.core import mail
from django.core.cache import cache
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from dossiers import due, questions
from dossiers.models import Question, new_key
from procedures.models import Agency, Posting
from tests import factories

pytestmark = pytest.mark.django_db
ASK, TRACK, LIST = "/hoi-dap/gui/", "/hoi-dap/theo-doi/", "/hoi-dap/"
TEXT = "Con tôi sinh ở bệnh viện tỉnh thì khai sinh ở xã nào ạ?"
NOW = "2026-11-25 09:00+07:00"
Role = Posting.Role


@pytest.fixture(autouse=True)
def _clock():
    cache.clear()
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def office():
    factories.offices()
    return Agency.objects.get(code=factories.COMMUNE)


def form(office: Agency, **changes) -> dict:
    data = {"form_key": new_key(), "agency": office.pk, "text": TEXT}
    return data | changes


def question(office: Agency, **details) -> Question:
    details = {"form_key": new_key(), "agency": office, "text": TEXT} | details
    return questions.ask(**details)


def answered(office: Agency, by=None, **details) -> Question:
    by = by or factories.official(Role.CASE_OFFICER)
    asked = question(office, **details)
    return questions.answer(asked, text="Ở xã nơi cha hoặc mẹ cư trú.", by=by, version=0)


def published(office: Agency, by=None, **words) -> Question:
    by = by or factories.official(Role.CASE_OFFICER)
    words = {"public_question": "Khai sinh ở đâu?", "public_answer": "Ở xã nơi cha, mẹ ở."} | words
    row = answered(office, by=by)
    return questions.publish(row, by=by, version=row.version, **words)


def send_mail() -> None:
    """Run what the tasks would do, each of them twice."""
    for _again in range(2):
        for row in Question.objects.all():
            questions.send_receipt(row)
            if row.answered_at:
                questions.send_answer(row)


# --- Asking ---------------------------------------------------------------------------


def test_a_stranger_asks_and_sees_the_code_and_the_secret_once(client, office):
    response = client.post(ASK, form(office), follow=True)

    row = Question.objects.get()
    html = response.content.decode()
    assert row.code in html and row.secret in html
    assert response.headers["Cache-Control"] == "no-store, private"
    again = client.get(reverse("dossiers:asked")).content.decode()
    assert row.code not in again and row.secret not in again


def test_the_answer_is_due_after_fifteen_working_days(office):
    row = question(office)

    assert timezone.localtime(row.due_at) == datetime.datetime.fromisoformat(
        "2026-12-16 09:00+07:00"
    )


def test_the_same_form_sent_twice_makes_one_question(client, office):
    data = form(office, email="nguoi.hoi@example.vn")

    for _click in range(2):
        assert client.post(ASK, data).status_code == 302

    assert Question.objects.count() == 1
    assert DBTaskResult.objects.count() == 1


def test_a_form_that_comes_back_with_another_text_is_another_question(client, office):
    data = form(office)
    client.post(ASK, data)

    client.post(ASK, data | {"text": "Còn muốn cấp bản sao trích lục thì làm thế nào?"})

    assert Question.objects.count() == 2


def test_where_no_day_can_be_promised_the_asker_is_sent_to_the_telephone(client, office):
    Agency.objects.filter(pk=office.pk).update(working_hours=[])

    response = client.post(ASK, form(office))

    assert "xin gọi điện hoặc đến cơ quan" in response.content.decode()
    assert not Question.objects.exists()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_make_one_question(office):
    key, start = new_key(), threading.Barrier(2)

    def click():
        start.wait()
        question(office, form_key=key)
        connections.close_all()

    threads = [threading.Thread(target=click) for _each in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Question.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"text": ""}, "Hãy viết câu hỏi."),
        ({"text": "Alo?"}, "ít nhất 15 ký tự"),
        ({"text": "a" * 3001}, "viết gọn trong 3.000 ký tự"),
        ({"agency": ""}, "Hãy chọn cơ quan"),
        ({"agency": "999999"}, "Hãy chọn một cơ quan"),
        ({"agency": "x' OR 1=1"}, "Hãy chọn một cơ quan"),
        ({"procedure": "9.999999"}, "Cổng không có thủ tục mã này"),
        ({"email": "khong phai thu"}, "Địa chỉ thư điện tử chưa đúng"),
        ({"email": "a@b.vn\nBcc: c@d.vn"}, "Địa chỉ thư điện tử chưa đúng"),
        ({"phone": "gọi tôi"}, "Số điện thoại chưa đúng"),
        ({"name": "n" * 101}, "Tên dài quá"),
        ({"website": "http://spam.example"}, "Xin để trống ô này"),
        ({"form_key": "../../etc"}, "Biểu mẫu đã cũ"),
    ],
)
def test_a_bad_form_says_what_is_wrong_and_asks_nothing(client, office, changes, words):
    response = client.post(ASK, form(office) | changes)

    assert response.status_code == 200
    assert words in response.content.decode()
    assert "<title>Lỗi:" in response.content.decode()
    assert not Question.objects.exists()


def test_a_desk_that_receives_for_an_office_is_not_itself_asked(client, office):
    desk = Agency.objects.get(code=factories.DESK)

    client.post(ASK, form(desk))

    assert not Question.objects.exists()


def test_a_question_about_a_procedure_takes_its_field(client, office):
    procedure = factories.procedure()

    client.post(ASK, form(office, procedure=procedure.code))

    row = Question.objects.get()
    assert (row.procedure, row.sector) == (procedure, procedure.current.sector)


def test_whoever_asks_too_often_waits_a_minute(client, office):
    answers = [client.post(ASK, form(office)).status_code for _each in range(6)]

    assert answers == [302] * 5 + [429]
    assert Question.objects.count() == 5


# --- Following ------------------------------------------------------------------------


def test_the_code_with_its_secret_shows_the_answer(client, office):
    row = answered(office)

    html = client.post(
        TRACK, {"code": f" {row.code.lower()} ", "secret": f"{row.secret[:4]} {row.secret[4:]}"}
    ).content.decode()

    assert "Đã trả lời" in html and row.answer in html


def test_a_wrong_secret_and_an_unknown_code_are_told_the_same(client, office):
    row = question(office)

    wrong = client.post(TRACK, {"code": row.code, "secret": "22222222"}).content.decode()
    unknown = client.post(TRACK, {"code": "HD-261125-ZZZZZZ", "secret": "22222222"})

    assert TEXT not in wrong
    said = "Không tìm thấy câu hỏi với hai mã này"
    assert said in wrong and said in unknown.content.decode()


@pytest.mark.parametrize("code", ["", "ABC", "HD-261125", "x" * 500, "HD-261125-0O1IL0"])
def test_a_code_of_another_shape_is_refused_in_words(client, code):
    response = client.post(TRACK, {"code": code, "secret": "22222222"})

    assert response.status_code == 200
    assert "mc-error-summary" in response.content.decode()


def test_codes_are_not_tried_out_by_the_dozen(client):
    asked = {"code": "HD-261125-ZZZZZZ", "secret": "22222222"}

    answers = [client.post(TRACK, asked).status_code for _each in range(11)]

    assert answers[-1] == 429


def test_people_see_the_questions_that_they_asked_and_no_others(client, office):
    an, binh = factories.user(), factories.user()
    row = question(office, owner=an)
    client.force_login(binh)

    hers = client.get("/hoi-dap/cua-toi/").content.decode()
    page = client.get(row.get_absolute_url())

    assert TEXT not in hers
    assert page.status_code == 404
    client.force_login(an)
    assert TEXT in client.get("/hoi-dap/cua-toi/").content.decode()
    assert TEXT in client.get(row.get_absolute_url()).content.decode()


def test_markup_in_a_question_is_shown_as_text(client, office):
    row = answered(office, text="<script>alert(1)</script> khai sinh ở đâu?")

    html = client.post(TRACK, {"code": row.code, "secret": row.secret}).content.decode()

    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


# --- Who answers ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "office_code", "reads", "answers"),
    [
        (Role.RECEPTION, factories.DESK, True, True),
        (Role.CASE_OFFICER, factories.COMMUNE, True, True),
        (Role.LEADER, factories.COMMUNE, True, True),
        (Role.ADMINISTRATOR, factories.COMMUNE, True, True),
        (Role.SUPERVISOR, factories.COMMUNE, True, False),
        (Role.CASHIER, factories.DESK, False, False),
        (Role.EDITOR, factories.COMMUNE, False, False),
        (Role.CASE_OFFICER, factories.OTHER_COMMUNE, False, False),
    ],
)
def test_who_reads_and_who_answers_follows_from_the_posting(
    office, role, office_code, reads, answers
):
    row = question(office)
    official = factories.official(role, office_code)

    assert questions.handled_by(official).filter(pk=row.pk).exists() is reads
    may_answer = questions.handled_by(official, questions.ANSWERS)
    assert may_answer.filter(pk=row.pk).exists() is answers


def test_an_office_above_answers_for_those_below_it(office):
    above = Agency.objects.create(code="000.00.90.H50", name="UBND tỉnh", tier="province")
    Agency.objects.filter(pk=office.pk).update(parent=above)
    row = question(office)

    assert questions.handled_by(factories.official(Role.LEADER, above.code)).get() == row


def test_an_official_who_moved_away_sees_nothing_any_more(office):
    question(office)
    official = factories.official(Role.CASE_OFFICER)
    Posting.objects.filter(user=official).update(valid_until="2026-11-23")

    assert not questions.handled_by(official).exists()


def admin_url(row: Question) -> str:
    return reverse("admin:dossiers_question_change", args=[row.pk])


def posted(row: Question, **values) -> dict:
    return {"seen": row.version, "public_question": "", "public_answer": ""} | values


def test_an_official_answers_in_the_admin(client, office):
    row = question(office, email="nguoi.hoi@example.vn")
    client.force_login(official := factories.official(Role.RECEPTION))

    response = client.post(admin_url(row), posted(row, answer="Ở xã nơi cha, mẹ ở."))

    row.refresh_from_db()
    assert response.status_code == 302
    assert (row.answer, row.answered_by) == ("Ở xã nơi cha, mẹ ở.", official)
    send_mail()
    assert [message.subject for message in mail.outbox] == [
        f"Câu hỏi {row.code}: đã gửi đến cơ quan",
        f"Câu hỏi {row.code}: đã có trả lời",
    ]
    assert "Ở xã nơi cha, mẹ ở." in mail.outbox[1].body


def test_a_supervisor_reads_in_the_admin_and_writes_nothing(client, office):
    row = question(office)
    client.force_login(factories.official(Role.SUPERVISOR, factories.COMMUNE))

    page = client.get(admin_url(row))
    response = client.post(admin_url(row), posted(row, answer="Tôi trả lời thay."))

    assert TEXT in page.content.decode()
    assert response.status_code == 403
    row.refresh_from_db()
    assert row.answer == ""


@pytest.mark.parametrize("role", [Role.CASHIER, Role.EDITOR])
def test_other_roles_find_no_questions_in_the_admin(client, office, role):
    row = question(office)
    client.force_login(factories.official(role, factories.COMMUNE))

    page = client.get(reverse("admin:dossiers_question_changelist"))

    assert page.status_code == 403
    assert client.get(admin_url(row)).status_code in {302, 403}


def test_another_office_finds_nothing_in_the_admin(client, office):
    row = question(office)
    client.force_login(factories.official(Role.LEADER, factories.OTHER_COMMUNE))

    assert client.get(admin_url(row)).status_code == 302
    assert (
        row.code not in client.get(reverse("admin:dossiers_question_changelist")).content.decode()
    )


def test_an_answer_that_was_sent_is_not_written_over(office):
    official = factories.official(Role.CASE_OFFICER)
    row = answered(office, by=official)

    with pytest.raises(questions.Refused, match="đã được trả lời"):
        questions.answer(row, text="Khác", by=official, version=row.version)


def test_the_second_of_two_officials_is_told_and_writes_nothing(client, office):
    row = question(office)
    questions.answer(row, text="Trước", by=factories.official(Role.CASE_OFFICER), version=0)
    client.force_login(factories.official(Role.CASE_OFFICER))

    response = client.post(admin_url(row), posted(row, answer="Sau"))

    assert "Có người vừa sửa câu hỏi này" in response.content.decode()
    row.refresh_from_db()
    assert row.answer == "Trước"


# --- Publishing and erasing -----------------------------------------------------------


def test_what_is_published_is_the_offices_wording_without_the_asker(client, office):
    official = factories.official(Role.CASE_OFFICER)
    row = answered(
        office, by=official, name="Trần Thị Bình", email="binh@example.vn", phone="0912345678",
        text="Tôi là Trần Thị Bình, muốn hỏi nơi khai sinh.",
    )  # fmt: skip
    client.force_login(official)
    values = {"is_published": "on", "public_question": "Khai sinh ở đâu?",
              "public_answer": "Ở xã nơi cha, mẹ ở."}  # fmt: skip

    response = client.post(admin_url(row), posted(row, **values))

    assert response.status_code == 302
    client.logout()
    for address in (LIST, row.get_absolute_url()):
        html = client.get(address).content.decode()
        assert "Khai sinh ở đâu?" in html
        for hidden in ("Bình", "binh@example.vn", "0912345678", row.secret):
            assert hidden not in html


@pytest.mark.parametrize(
    "words", ["chị TRẦN THỊ BÌNH hỏi", "gửi Binh@Example.vn", "gọi 0912 345 678"]
)
def test_a_public_wording_that_names_the_asker_is_refused(office, words):
    official = factories.official(Role.CASE_OFFICER)
    row = answered(
        office, by=official, name="Trần Thị Bình", email="binh@example.vn", phone="0912345678"
    )

    with pytest.raises(questions.Refused, match="của người hỏi"):
        questions.publish(
            row, by=official, version=row.version, public_question=words, public_answer="Có."
        )

    assert not Question.objects.published().exists()


def test_a_question_without_an_answer_is_not_published(office):
    row = question(office)

    with pytest.raises(questions.Refused, match="đã được trả lời"):
        questions.publish(
            row, by=factories.official(Role.LEADER), version=0, public_question="a",
            public_answer="b",
        )  # fmt: skip


def test_taking_back_hides_it_from_everybody_but_its_asker(client, office):
    row = published(office)

    questions.withdraw(row, version=row.version)

    assert client.get(row.get_absolute_url()).status_code == 404
    tracked = client.post(TRACK, {"code": row.code, "secret": row.secret})
    assert "Ở xã nơi cha hoặc mẹ cư trú." in tracked.content.decode()


def test_erasing_removes_the_person_and_keeps_what_is_published(client, office):
    official = factories.official(Role.CASE_OFFICER)
    asker = factories.user()
    row = answered(office, by=official, owner=asker, name="Trần Thị Bình", email="b@example.vn")
    row = questions.publish(
        row, by=official, version=row.version, public_question="Ở đâu?", public_answer="Ở xã."
    )

    send_mail()

    questions.erase(row, version=row.version)

    row = Question.objects.get()
    assert (row.name, row.email, row.phone, row.text, row.owner) == ("", "", "", "", None)
    assert "Ở đâu?" in client.get(LIST).content.decode()


def test_nobody_is_erased_before_the_answer_is_sent_to_them(office, _clock):
    row = answered(office, email="b@example.vn")

    with pytest.raises(questions.Refused, match="chưa gửi xong"):
        questions.erase(row, version=row.version)

    _clock.move_to("2026-12-24 08:00+07:00")
    assert questions.erase(row, version=row.version).email == ""


def test_published_questions_are_found_without_diacritics_and_by_procedure(client, office):
    procedure = factories.procedure()
    official = factories.official(Role.CASE_OFFICER)
    row = answered(office, by=official, procedure=procedure)
    row = questions.publish(
        row, by=official, version=row.version, sector=procedure.current.sector,
        public_question="Ai được hỗ trợ mai táng?", public_answer="Người lo mai táng.",
    )  # fmt: skip
    published(office, by=official)

    def found(**asked) -> list[str]:
        html = client.get(LIST, asked).content.decode()
        return re.findall(r"HD-\d{6}-\w{6}", html)

    assert found(q="HO TRO mai tang") == [row.code]
    assert found(**{"thu-tuc": procedure.code}) == [row.code]
    assert found(**{"linh-vuc": procedure.current.sector.slug}) == [row.code]
    assert found(q="zzzz") == []
    assert len(found()) == 2


@pytest.mark.parametrize("words", ["%", "_", "'; DROP TABLE", "😀", "a" * 10_000, "\\", "(*"])
def test_any_words_are_an_answer_and_never_an_error(client, office, words):
    published(office)

    assert client.get(LIST, {"q": words, "trang": words}).status_code == 200


def test_the_list_asks_as_often_for_one_question_as_for_ten(client, office):
    official = factories.official(Role.CASE_OFFICER)
    published(office, by=official)
    with CaptureQueriesContext(connection) as for_one:
        client.get(LIST)

    for _each in range(9):
        published(office, by=official)
    with CaptureQueriesContext(connection) as for_ten:
        client.get(LIST)

    assert len(for_ten) == len(for_one) <= 10


# --- Time -----------------------------------------------------------------------------


def test_a_late_question_is_marked_and_counted(client, office, _clock):
    row = question(office)
    _clock.move_to("2026-12-16 09:01+07:00")
    client.force_login(factories.official(Role.RECEPTION))

    html = client.get(reverse("admin:dossiers_question_changelist"), {"nhom": "qua-han"})

    assert row.code in html.content.decode() and "(quá hạn)" in html.content.decode()
    assert Question.objects.late(timezone.now()).get() == row
    public = client.get(LIST).content.decode()
    assert re.search(r"Chưa trả lời, quá hạn</dt><dd>1</dd>", public)


def test_the_office_is_reminded_once_before_the_time_ends(office, _clock):
    row = question(office)
    assert due.remind_offices() == 0
    _clock.move_to("2026-12-14 09:00+07:00")

    first, second = due.remind_offices(), due.remind_offices()
    for _again in range(2):
        questions.send_reminder(Question.objects.get())
    _clock.move_to("2026-12-15 09:00+07:00")

    assert (first, second, due.remind_offices()) == (1, 0, 0)
    [message] = mail.outbox
    assert message.to == [office.email]
    assert row.code in message.body and "09:00 16/12/2026" in message.body
    assert TEXT not in message.body


@pytest.mark.parametrize("has_reception", [True, False])
def test_an_office_that_no_mail_reaches_is_not_reminded_in_vain(office, _clock, has_reception):
    desk = Agency.objects.exclude(pk=office.pk).first()
    Agency.objects.update(email="", reception=None)
    Agency.objects.filter(pk=office.pk).update(reception=desk if has_reception else None)
    question(office)
    _clock.move_to("2026-12-14 09:00+07:00")

    assert due.remind_offices() == 0
    assert DBTaskResult.objects.count() == 0


def test_an_office_without_an_address_is_reminded_at_its_desk(office, _clock):
    desk = Agency.objects.exclude(pk=office.pk).first()
    Agency.objects.filter(pk=desk.pk).update(email="ban-tiep-nhan@example.vn")
    Agency.objects.filter(pk=office.pk).update(email="", reception=desk)
    row = question(office)
    _clock.move_to("2026-12-14 09:00+07:00")

    assert due.remind_offices() == 1
    questions.send_reminder(Question.objects.get(pk=row.pk))
    assert mail.outbox[0].to == ["ban-tiep-nhan@example.vn"]


def test_an_answer_that_no_mail_server_took_is_sent_again_later(office, _clock):
    answered(office, email="nguoi.hoi@example.vn")
    DBTaskResult.objects.all().delete()
    _clock.move_to("2026-11-25 19:00+07:00")

    assert due.ask_again() == 2


def test_the_map_for_search_engines_follows_what_is_published(client, office):
    before = client.get("/sitemap.xml").headers["ETag"]
    row = published(office)

    response = client.get("/sitemap.xml", headers={"If-None-Match": before})

    assert response.status_code == 200
    assert row.get_absolute_url() in b"".join(response).decode()
