"""Following what was filed: the list, the page of a dossier, the planned and the real way."""

from __future__ import annotations

import hashlib
import json
import re

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dossiers import ledger, messages, planned, turns, workflow
from dossiers.models import Dossier, Notice, Participant, new_key
from procedures.worktime import Calendar
from tests import factories
from tests.factories import BIRTH, COPY, FUNERAL

pytestmark = pytest.mark.django_db
State = Dossier.State
MINE = "/ho-so/"


@pytest.fixture(autouse=True)
def clock():
    cache.clear()
    with time_machine.travel("2026-11-25 09:00+07:00", tick=False) as travel:
        yield travel


@pytest.fixture
def office():
    return factories.Office()


@pytest.fixture
def owner():
    return factories.user(full_name="Trần Thị Bình")


def as_(person) -> Client:
    browser = Client()
    browser.force_login(person)
    return browser


def page_of(person, url: str) -> str:
    """The text of a page, without tags and with single spaces."""
    response = as_(person).get(url)
    assert response.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def companion_of(dossier: Dossier):
    person = factories.user()
    Participant.objects.create(
        dossier=dossier, role=Participant.Role.CO_APPLICANT, name=person.full_name, user=person,
        joined_at=timezone.now(),
    )  # fmt: skip
    return person


def copies_of(dossier: Dossier, count: int) -> list[Dossier]:
    """As many filed dossiers more, without their events: enough for a list."""
    values = Dossier.objects.filter(pk=dossier.pk).values().get()
    rows = [
        Dossier(**values | {"id": None, "key": new_key(), "code": f"{dossier.code[:-4]}{number}"})
        for number in range(1000, 1000 + count)
    ]
    return Dossier.objects.bulk_create(rows)


def asked_to_supplement(dossier: Dossier, office: factories.Office) -> Dossier:
    return office.supplement(dossier, items="Nói rõ ngày mất", reason="Ngày mất chưa rõ")


def the_way(dossier: Dossier) -> list[planned.PlannedStep]:
    dossier = Dossier.objects.for_page().get(pk=dossier.pk)
    return planned.steps(dossier, list(dossier.events.all()), Calendar.load())


def moment(when) -> str:
    return f"{timezone.localtime(when):%H:%M %d/%m}" if when else "–"


def plan(dossier: Dossier) -> list[str]:
    return [moment(step.planned) for step in the_way(dossier)]


# --- The list ---------------------------------------------------------------------------


def test_what_waits_for_me_stands_first_with_its_button(owner, office, clock):
    waiting = asked_to_supplement(factories.filed(FUNERAL, owner=owner), office)
    clock.shift(3600)
    running = factories.filed(FUNERAL, owner=owner)

    page = as_(owner).get(MINE)
    html = page.content.decode()

    assert [row["dossier"].pk for row in page.context["rows"]] == [waiting.pk, running.pk]
    assert html.index("Đến lượt ông/bà: hãy bổ sung hồ sơ") < html.index(running.code)
    assert reverse("dossiers:supplement", args=[waiting.code]) in html


def test_drafts_stand_apart_from_what_was_filed(owner):
    filed = factories.filed(FUNERAL, owner=owner)
    draft = factories.draft(BIRTH, owner=owner)

    page = as_(owner).get(MINE)

    assert [row["dossier"].pk for row in page.context["rows"]] == [filed.pk]
    assert [row["dossier"].pk for row in page.context["drafts"]] == [draft.pk]
    assert "Bản nháp, chưa nộp" in page.content.decode()


@pytest.mark.parametrize(
    ("group", "shown"),
    [
        ("", {"running", "ended"}),
        ("dang-giai-quyet", {"running"}),
        ("da-xong", {"ended"}),
        ("ban-nhap", {"draft"}),
        ("khong-co", {"running", "ended"}),
    ],
)
def test_a_group_shows_its_own(owner, group, shown):
    rows = {
        "running": factories.filed(FUNERAL, owner=owner),
        "ended": workflow.perform(factories.filed(FUNERAL, owner=owner), "withdraw", by=owner),
        "draft": factories.draft(FUNERAL, owner=owner),
    }

    page = as_(owner).get(MINE, {"nhom": group})

    assert {row["dossier"].pk for row in page.context["rows"]} == {rows[key].pk for key in shown}


@pytest.mark.parametrize("words", ["khai sinh", "KHAI SINH", "dang ky khai", "1.001193"])
def test_a_procedure_is_found_by_its_name_with_and_without_accents(owner, words):
    factories.filed(FUNERAL, owner=owner)
    wanted = factories.filed(BIRTH, owner=owner)

    page = as_(owner).get(MINE, {"q": words})

    assert [row["dossier"].pk for row in page.context["rows"]] == [wanted.pk]


def test_a_dossier_is_found_by_a_part_of_its_code_and_nobody_elses_is(owner):
    mine = factories.filed(FUNERAL, owner=owner)
    other = factories.filed(FUNERAL)

    found = as_(owner).get(MINE, {"q": mine.code[-6:].lower()})
    not_found = as_(owner).get(MINE, {"q": other.code})

    assert [row["dossier"].pk for row in found.context["rows"]] == [mine.pk]
    assert not_found.context["rows"] == []
    assert "Không có hồ sơ nào như vậy" in not_found.content.decode()


@pytest.mark.parametrize("query", ["%", "_", "' or 1=1 --", "x" * 500, "\x00"])
def test_odd_searches_find_nothing_and_break_nothing(owner, query):
    factories.filed(FUNERAL, owner=owner)

    response = as_(owner).get(MINE, {"q": query, "trang": "abc", "nhom": "' or 1"})

    assert response.status_code in {200, 400}
    assert response.status_code == 400 or response.context["rows"] == [] or query == "\x00"


def test_the_list_counts_what_is_new(owner, office):
    dossier = factories.filed(FUNERAL, owner=owner)
    for text in ("Một", "Hai"):
        messages.send(dossier, text, by=office.officer, form_key=new_key(), from_office=True)

    page = page_of(owner, MINE)

    assert "2 tin nhắn mới" in page
    assert "2 thông báo mới" in page  # that it was filed, and that there are messages


def test_one_who_takes_part_sees_whose_dossier_it_is_and_has_no_button(owner, office):
    dossier = asked_to_supplement(factories.filed(FUNERAL, owner=owner), office)
    companion = companion_of(dossier)

    page = page_of(companion, MINE)

    assert "người nộp: Trần Thị Bình" in page
    assert "Đến lượt người nộp" in page
    assert "Bổ sung hồ sơ" not in page


def test_a_list_longer_than_a_page_goes_on_on_the_next(owner):
    copies_of(factories.filed(FUNERAL, owner=owner), 20)

    first, second = as_(owner).get(MINE), as_(owner).get(MINE, {"trang": "2"})

    assert (len(first.context["rows"]), len(second.context["rows"])) == (20, 1)
    assert "Trang 1 trên 2" in " ".join(first.content.decode().split())


# --- Whose turn, and how long -----------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ("2026-11-25 09:00+07:00", "còn 3 ngày làm việc"),
        ("2026-11-28 10:00+07:00", "còn 1 ngày làm việc"),  # a Saturday
        ("2026-11-30 08:00+07:00", "hạn trong hôm nay"),
        ("2026-11-30 10:00+07:00", "quá hạn từ 09:00 hôm nay"),
        ("2026-12-01 08:00+07:00", "quá hạn 1 ngày làm việc"),
    ],
)
def test_the_days_left_are_counted_in_working_days(office, clock, now, said):
    dossier = office.accepted(factories.filed(FUNERAL))

    clock.move_to(now)

    assert turns.left(dossier, Calendar.load()) == said


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ("2026-11-25 09:00+07:00", "còn 10 ngày"),
        ("2026-12-05 08:00+07:00", "hết hạn hôm nay"),
        ("2026-12-05 10:00+07:00", "đã hết thời gian"),
    ],
)
def test_ones_own_time_is_counted_in_plain_days(clock, now, said):
    dossier = Dossier(
        state=State.SUPPLEMENT_REQUIRED, citizen_by=timezone.now() + timezone.timedelta(days=10)
    )

    clock.move_to(now)

    assert turns.left(dossier, Calendar({})) == said


def test_past_the_known_holidays_nothing_is_counted(office):
    dossier = office.accepted(factories.filed(FUNERAL))
    dossier.promised_at = timezone.now().replace(year=2400)

    assert turns.left(dossier, Calendar.load()) == ""


def test_a_fee_of_filing_says_that_the_office_has_nothing_yet():
    dossier = factories.filed(COPY)
    assert dossier.state == State.PAYMENT_REQUIRED

    assert "chuyển đến cơ quan ngay sau khi nộp" in turns.what_next(dossier)


def test_the_own_time_to_pay_is_said():
    dossier = factories.filed(COPY)
    dossier.answer_by = dossier.citizen_by = timezone.now()

    assert turns.what_next(dossier) == (
        "Đến lượt ông/bà: hãy nộp phí, lệ phí trước 09:00 ngày 25/11/2026."
    )


@pytest.mark.parametrize("state", [State.SUBMITTED, State.COMPLETED, State.RETURNED])
def test_nothing_sounds_glad_where_somebody_has_died(owner, state):
    dossier = factories.filed(FUNERAL, owner=owner)
    dossier.__dict__["state"] = state

    said = turns.what_next(dossier).lower()

    assert not any(word in said for word in ("chúc", "vui", "mừng", "cảm ơn", "đánh giá"))
    assert "chia buồn" in page_of(owner, Dossier.objects.get().get_absolute_url())


def test_a_refusal_after_examination_is_said_as_one():
    dossier = factories.filed(FUNERAL)
    dossier.__dict__["state"] = State.COMPLETED
    dossier.outcome = Dossier.Outcome.REFUSED

    assert "không đồng ý giải quyết" in turns.what_next(dossier)


# --- The planned way --------------------------------------------------------------------


def test_before_acceptance_only_reception_has_a_plan(office):
    way = the_way(factories.filed(FUNERAL))

    assert [moment(step.planned) for step in way] == ["15:00 25/11", "–", "–", "–", "–"]
    assert [step.is_current for step in way] == [True, False, False, False, False]
    assert not any(step.is_done for step in way)


def test_from_acceptance_on_every_step_has_its_planned_moment(office, clock):
    dossier = factories.filed(FUNERAL)
    clock.move_to("2026-11-25 10:00+07:00")
    dossier = office.accepted(dossier)

    assert plan(dossier) == [
        "15:00 25/11",  # 4 hours from filing
        "10:00 26/11",  # 1 working day from acceptance
        "16:00 26/11",  # 4 hours more
        "10:00 30/11",  # what was promised
        "16:00 30/11",  # 4 hours after the result
    ]
    assert moment(the_way(dossier)[0].real) == "10:00 25/11"


def test_a_late_step_says_by_how_much(office, clock):
    dossier = office.processing(factories.filed(FUNERAL))
    clock.move_to("2026-11-27 10:00+07:00")
    dossier = workflow.perform(dossier, "propose", by=office.officer)

    way = the_way(dossier)

    assert moment(way[1].real) == "10:00 27/11"
    assert way[1].late == "chậm 1 ngày làm việc"
    assert way[0].late == ""


def test_the_step_at_which_it_stands_is_late_once_its_time_is_over(office, clock):
    dossier = office.processing(factories.filed(FUNERAL))
    clock.move_to("2026-11-26 11:00+07:00")

    way = the_way(dossier)

    assert way[1].is_current
    assert way[1].late == "chậm 2 giờ làm việc"


def test_what_was_sent_back_is_not_done(office):
    dossier = office.proposed(factories.filed(FUNERAL))
    assert the_way(dossier)[1].is_done

    workflow.perform(dossier, "send_back", by=office.approver, reason="Sai căn cứ")

    assert not the_way(dossier)[1].is_done
    assert the_way(dossier)[1].is_current


def test_while_the_clock_stands_still_nothing_more_is_planned(office, clock):
    dossier = asked_to_supplement(office.accepted(factories.filed(FUNERAL)), office)

    dossier = Dossier.objects.for_page().get(pk=dossier.pk)
    [stop] = planned.stops(dossier, list(dossier.events.all()))

    assert plan(dossier) == ["15:00 25/11", "–", "–", "–", "–"]
    assert (moment(stop.begin), stop.end, stop.why) == ("09:00 25/11", None, "chờ bổ sung hồ sơ")


def test_a_restarted_clock_plans_the_rest_anew_from_the_answer(office, clock):
    dossier = asked_to_supplement(office.accepted(factories.filed(FUNERAL)), office)
    clock.move_to("2026-12-01 08:00+07:00")
    dossier = workflow.perform(dossier, "answer_supplement", by=dossier.owner, answer="10/11")

    assert plan(dossier)[1:] == ["08:00 02/12", "14:00 02/12", "08:00 04/12", "14:00 04/12"]
    assert moment(dossier.promised_at) == "08:00 04/12"


def test_a_clock_that_goes_on_moves_the_rest_by_the_time_it_stood_still(tmp_path, office, clock):
    factories.altered_procedure(tmp_path, FUNERAL, ("clock: restart", "clock: pause"))
    dossier = asked_to_supplement(office.accepted(factories.filed(FUNERAL)), office)
    clock.move_to("2026-11-26 09:00+07:00")
    dossier = workflow.perform(dossier, "answer_supplement", by=dossier.owner, answer="10/11")

    assert plan(dossier)[1] == "09:00 27/11"  # one working day later than 09:00 26/11
    assert moment(dossier.promised_at) == "09:00 01/12"


def test_the_steps_of_the_citizen_are_marked_with_their_own_time(office):
    dossier = office.processing(factories.filed(BIRTH))
    dossier = workflow.perform(dossier, "send_draft", by=office.officer, draft="Họ tên: Khôi")

    way = the_way(dossier)

    assert [step.is_citizens for step in way] == [False, False, True, False, False, False, False]
    assert [step.is_done for step in way][:3] == [True, True, False]
    assert way[2].is_current
    assert way[2].planned == dossier.citizen_by


def test_of_a_dossier_that_ended_early_only_the_way_it_went_is_shown(office):
    dossier = office.accepted(factories.filed(FUNERAL))

    workflow.perform(dossier, "withdraw", by=dossier.owner)

    assert [step.name for step in the_way(dossier)] == ["Kiểm tra và tiếp nhận hồ sơ"]


# --- The page ---------------------------------------------------------------------------


def test_the_page_says_who_has_it_and_who_opened_it(owner, clock):
    dossier = factories.filed(FUNERAL, owner=owner)
    officer = factories.official("case_officer", full_name="Lê Thị Lý")
    reception = factories.official("reception", full_name="Trần Văn Tiếp")
    ledger.record_look(dossier, by=reception)
    dossier = workflow.perform(dossier, "accept", by=reception)
    clock.move_to("2026-11-25 10:00+07:00")
    workflow.perform(dossier, "take", by=officer)
    ledger.record_look(dossier, by=officer)
    clock.move_to("2026-11-25 11:00+07:00")
    ledger.record_look(dossier, by=officer)

    page = page_of(owner, dossier.get_absolute_url())

    assert "Lê Thị Lý từ 10:00 25/11/2026" in page
    assert "Ai đã mở hồ sơ (2)" in page
    assert "Lê Thị Lý , ngày 25/11/2026, lúc 10:00, 11:00" in page
    assert "Trần Văn Tiếp , ngày 25/11/2026, lúc 09:00" in page


def test_opening_the_page_reads_its_notices_once(owner, clock):
    dossier = factories.filed(FUNERAL, owner=owner)
    other = companion_of(dossier)
    told = Notice.objects.create(recipient=other, dossier=dossier, subject="Cho người kia", body="")
    first = page_of(owner, dossier.get_absolute_url())
    clock.shift(60)

    second = page_of(owner, dossier.get_absolute_url())

    notice = Notice.objects.get(recipient=owner)
    told.refresh_from_db()
    assert "Mới" in first
    assert "Mới 0" not in second
    assert notice.read_at == timezone.now() - timezone.timedelta(seconds=60)
    assert told.read_at is None
    assert "Cho người kia" not in second


def test_before_the_fee_of_filing_nobody_has_the_dossier(owner):
    page = page_of(owner, factories.filed(COPY, owner=owner).get_absolute_url())

    assert "cơ quan nhận hồ sơ sau khi ông/bà nộp phí" in page
    assert "Đang chờ ông/bà" in page
    assert "Đang ở bước này" not in page
    assert "Dừng tính giờ" not in page


def test_what_the_office_asks_for_is_named_on_the_page(owner, office):
    dossier = asked_to_supplement(factories.filed(FUNERAL, owner=owner), office)

    page = page_of(owner, dossier.get_absolute_url())

    assert "Nói rõ ngày mất" in page
    assert "Dừng tính giờ từ 09:00 25/11/2026" in page


def test_one_who_takes_part_can_neither_withdraw_nor_read_the_secret(owner):
    dossier = factories.filed(FUNERAL, owner=owner)

    page = page_of(companion_of(dossier), dossier.get_absolute_url())

    assert dossier.secret in page_of(owner, dossier.get_absolute_url())
    assert dossier.secret not in page
    assert "Rút hồ sơ" not in page
    assert "Dùng làm mẫu" not in page


def test_files_of_messages_do_not_stand_among_the_papers(owner):
    dossier = factories.filed(FUNERAL, owner=owner)
    messages.keep_files(dossier, [factories.picture("#123456")], by=owner)
    messages.send(dossier, "Kèm ảnh", by=owner, form_key=new_key())

    page = as_(owner).get(dossier.get_absolute_url())

    names = {paper["name"] for paper in page.context["filed_papers"]}
    assert names
    assert "Tệp khác" not in names
    assert page.context["message_count"] == 1


# --- The ledger to recompute ------------------------------------------------------------


def test_the_ledger_is_recomputed_from_the_file_alone_and_names_nobody(owner, office):
    dossier = factories.filed(FUNERAL, owner=owner)
    asked_to_supplement(office.accepted(dossier), office)
    messages.send(dossier, "Mẹ tôi là Lê Thị Sáu", by=owner, form_key=new_key())

    response = as_(owner).get(reverse("dossiers:chain", args=[dossier.code]))
    text = response.content.decode()

    previous = ""
    for row in json.loads(text)["events"]:
        assert hashlib.sha256(row["content"].encode()).hexdigest() == row["hash"]
        assert json.loads(row["content"])[-1] == previous
        previous = row["hash"]
    assert previous == dossier.events.last().hash
    assert response.headers["Content-Disposition"].startswith("attachment")
    for hidden in ("Bình", "Sáu", "Cụ", "045190001234", "Nói rõ", "example.vn"):
        assert hidden not in text


@pytest.mark.parametrize("name", ["detail", "chain", "messages"])
def test_a_stranger_finds_nothing(name):
    dossier = factories.filed(FUNERAL)

    assert (
        as_(factories.user()).get(reverse(f"dossiers:{name}", args=[dossier.code])).status_code
        == 404
    )


# --- Cost -------------------------------------------------------------------------------


def cost(person, url: str) -> int:
    browser = as_(person)
    browser.get(url)
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(url).status_code == 200
    return len(captured)


def test_fifty_dossiers_cost_as_many_queries_as_one(owner, office):
    dossier = factories.filed(FUNERAL, owner=owner)
    factories.draft(FUNERAL, owner=owner)
    messages.send(dossier, "Chào", by=office.officer, form_key=new_key(), from_office=True)
    before = cost(owner, MINE)

    for row in copies_of(dossier, 49):
        Notice.objects.create(dossier=row, recipient=owner, subject="Mới", body="")

    assert cost(owner, MINE) == before <= 8
    assert cost(owner, f"{MINE}?q=mai+tang&nhom=dang-giai-quyet") <= before + 1


def test_fifty_looks_cost_as_many_queries_as_one(owner):
    dossier = factories.filed(FUNERAL, owner=owner)

    def look(count: int) -> None:
        for _time in range(count):
            ledger.append(dossier, ledger.LOOK, actor=factories.user(), data={"what": "page"})

    look(1)
    before = cost(owner, dossier.get_absolute_url())

    look(49)

    assert cost(owner, dossier.get_absolute_url()) == before <= 21
