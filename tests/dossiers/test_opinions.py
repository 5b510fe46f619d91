"""Opinions: asked of a colleague or of an office outside, answered once, read while asked."""

from __future__ import annotations

import datetime
import re

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dossiers import opinions, previews
from dossiers.models import Dossier, Event, Opinion
from procedures.models import Agency, Posting
from tests import factories
from tests.factories import FUNERAL

pytestmark = pytest.mark.django_db
WAITING = "/quan-tri/y-kien/"


@pytest.fixture(autouse=True)
def _working_day():
    with time_machine.travel("2026-11-25 09:00+07:00", tick=False):
        yield


@pytest.fixture
def office() -> factories.Office:
    return factories.Office()


@pytest.fixture
def colleague(office):
    """An official of an office below the one that handles; they read none of its dossiers."""
    top = Agency.objects.get(code=factories.COMMUNE)
    Agency.objects.filter(code=factories.OTHER_COMMUNE).update(parent=top)
    return factories.official(Posting.Role.CASE_OFFICER, factories.OTHER_COMMUNE)


def as_(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def text_of(response) -> str:
    body = re.sub(r"(?s)<(head|script|style).*?</\1>", " ", response.content.decode())
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def ask_url(dossier: Dossier) -> str:
    return reverse("admin:dossiers_dossier_ask", args=[dossier.pk])


def opinion_url(opinion: Opinion) -> str:
    return reverse("admin:opinion", args=[opinion.pk])


def test_a_colleague_reads_the_dossier_until_they_have_answered_once(office, colleague):
    dossier = office.processing(factories.filed(FUNERAL))
    previews.make_missing(dossier)
    file = dossier.attachments.first()
    asker, asked, other = as_(office.officer), as_(colleague), as_(office.cashier)
    files = [
        reverse("dossiers:attachment", args=[file.key]),
        reverse("admin:dossier_page_image", args=[file.key, 1]),
    ]
    page = reverse("admin:dossiers_dossier_change", args=[dossier.pk])
    before = [asked.get(url).status_code for url in [page, *files]]

    sent = asker.post(
        ask_url(dossier), {"asked_of": colleague.pk, "question": "Có đúng nơi ở không?", "days": 3}
    )
    opinion = dossier.opinions.get()
    waiting = text_of(asked.get(WAITING))
    shown = asked.get(opinion_url(opinion))
    opened = [asked.get(url) for url in files]
    strangers = [other.get(opinion_url(opinion)).status_code, asked.get(page).status_code]
    given = asked.post(opinion_url(opinion), {"answer": "Đúng nơi ở."})
    afterwards = [asked.get(url).status_code for url in [opinion_url(opinion), *files]]

    assert before == [404, 404, 404]
    assert (sent.status_code, given.status_code) == (302, 302)
    assert timezone.localtime(opinion.due_at).isoformat()[:16] == "2026-11-30T09:00"
    assert dossier.code in waiting
    assert "Ý kiến chờ tôi (1)" in waiting
    assert "Có đúng nơi ở không?" in text_of(shown)
    assert "Trần Văn Cụ" in text_of(shown)
    assert [len(b"".join(answer)) > 0 for answer in opened] == [True, True]
    assert strangers == [404, 404]
    assert afterwards == [404, 404, 404]
    opinion.refresh_from_db()
    assert (opinion.answer, opinion.answered_by) == ("Đúng nơi ở.", colleague)
    looks = Event.objects.filter(dossier=dossier, name="look", actor=colleague)
    assert {look.data["what"] for look in looks} == {"page", f"file:{file.pk}"}
    told = dossier.events.filter(name__in=[opinions.ASKED, opinions.GIVEN])
    assert [(row.name, row.data) for row in told] == [
        (opinions.ASKED, {"opinion": opinion.pk, "asked_of": colleague.pk}),
        (opinions.GIVEN, {"opinion": opinion.pk, "asked_of": colleague.pk}),
    ]
    now = Dossier.objects.get(pk=dossier.pk)
    assert (now.state, now.version) == (dossier.state, dossier.version)
    assert "Đúng nơi ở." in text_of(asker.get(page))


def test_an_answer_that_comes_too_late_or_twice_is_given_back_to_its_writer(office, colleague):
    dossier = office.processing(factories.filed(FUNERAL))
    twice = opinions.ask(dossier, "Một?", by=office.officer, asked_of=colleague)
    ended = opinions.ask(dossier, "Hai?", by=office.officer, asked_of=colleague)
    opinions.answer(twice, "Có.", by=colleague)
    Dossier.objects.filter(pk=dossier.pk).update(state="withdrawn")

    again = as_(colleague).post(opinion_url(twice), {"answer": "Không, tôi nhầm."})
    late = as_(colleague).post(opinion_url(ended), {"answer": "Trả lời muộn."})

    assert (again.status_code, late.status_code) == (409, 409)
    assert "đã ghi câu trả lời này rồi" in text_of(again)
    assert "Không, tôi nhầm." in text_of(again)
    assert "Trả lời muộn." in text_of(late)
    assert not opinions.waiting_for(colleague).exists()
    twice.refresh_from_db()
    assert twice.answer == "Có."


def test_an_office_outside_is_asked_by_letter_and_its_answer_put_down(office):
    dossier = office.processing(factories.filed(FUNERAL))
    client = as_(office.officer)
    client.post(
        ask_url(dossier),
        {"office": "Công an xã", "letter": "12/UBND", "question": "Cư trú?", "days": 2},
    )
    opinion = dossier.opinions.get()
    url = reverse("admin:dossiers_dossier_opinion", args=[dossier.pk, opinion.pk])
    page = reverse("admin:dossiers_dossier_change", args=[dossier.pk])

    with time_machine.travel(opinion.due_at + datetime.timedelta(days=1)):
        client = as_(office.officer)
        waiting = text_of(client.get(page))
        as_(office.cashier).post(url, {"answer": "Tôi ghi hộ"})
        client.post(url, {"answer": "Có cư trú."})
        answered = text_of(client.get(page))

    assert "(quá hạn)" in waiting
    assert "trễ hạn" in answered
    assert "Có cư trú." in answered
    opinion.refresh_from_db()
    assert opinion.answered_by == office.officer


def test_bad_questions_are_refused_in_a_sentence_and_nothing_typed_is_lost(office, colleague):
    owner = factories.official(Posting.Role.CASE_OFFICER, factories.OTHER_COMMUNE)
    dossier = office.processing(factories.filed(FUNERAL, owner=owner))
    nobody = factories.user(is_staff=True)
    supervisor = factories.official(Posting.Role.SUPERVISOR)
    good = {"asked_of": colleague.pk, "question": "Nội dung còn nguyên", "days": 3}
    wrong = {
        "chính mình": ({"asked_of": office.officer.pk}, "xin chọn người khác"),
        "không có việc": ({"asked_of": nobody.pk}, "xin chọn người khác"),
        "người nộp": ({"asked_of": owner.pk}, "xin chọn người khác"),
        "cả hai": ({"office": "Công an xã"}, "Hãy chọn một cán bộ, hoặc"),
        "không ai": ({"asked_of": ""}, "Hãy chọn một cán bộ, hoặc"),
        "không số": ({"asked_of": "", "office": "Công an xã"}, "Hãy ghi số văn bản"),
        "quá khứ": ({"days": -1}, "từ 1 đến 30 ngày làm việc"),
        "chữ": ({"days": "mai"}, "từ 1 đến 30 ngày làm việc"),
        "dài": ({"question": "dài" * 2000}, "viết gọn trong 4.000 ký tự"),
    }
    client = as_(office.officer)

    answers = {name: client.post(ask_url(dossier), good | put) for name, (put, _s) in wrong.items()}
    sneaked = as_(supervisor).post(ask_url(dossier), good)
    for person in (office.officer, nobody, owner):
        with pytest.raises(opinions.NotKept):
            opinions.ask(dossier, "?", by=office.officer, asked_of=person)

    for name, (_put, sentence) in wrong.items():
        assert answers[name].status_code == 409, name
        assert sentence in text_of(answers[name]), name
        assert name == "dài" or good["question"] in answers[name].content.decode()
    assert sneaked.status_code == 409
    assert "không hỏi ý kiến về hồ sơ này được" in text_of(sneaked)
    assert not dossier.opinions.exists()


def test_the_same_question_sent_twice_is_one(office, colleague):
    dossier = office.processing(factories.filed(FUNERAL))
    data = {"asked_of": colleague.pk, "question": "Có đúng không?", "days": 3}
    client = as_(office.officer)

    client.post(ask_url(dossier), data)
    client.post(ask_url(dossier), data)

    assert dossier.opinions.count() == 1
