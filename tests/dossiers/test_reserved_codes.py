"""Codes printed ahead for a power cut, and dossiers entered afterwards."""

from __future__ import annotations

import datetime
import threading
import time

import pytest
import time_machine
from django.db import IntegrityError, connection
from django.db.models import QuerySet

from dossiers import officepapers, workflow
from dossiers.counter import quick, reserved
from dossiers.models import Breach, Dossier, OfficePaper, ReservedCode
from dossiers.models.keys import new_key
from procedures.models import Agency, Posting
from procedures.worktime import VIETNAM
from tests import factories

NOW = datetime.datetime(2026, 11, 25, 10, 0, tzinfo=VIETNAM)
TODAY = NOW.date()
PAGE = "/quan-tri/ma-du-phong/"
QUICK = "/quan-tri/nhap-nhanh/"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=True) as traveller:
        yield traveller


def desk() -> Agency:
    return Agency.objects.get(code=factories.DESK)


def sheet(count: int = 3, day: datetime.date = TODAY, by=None) -> OfficePaper:
    by = by or factories.official(Posting.Role.RECEPTION)
    return reserved.reserve(desk(), day, count, by=by)


def late(code: str, hour: int = 8) -> reserved.LateEntry:
    at = datetime.datetime(2026, 11, 25, hour, 30, tzinfo=VIETNAM)
    return reserved.LateEntry(code, at, "Mất điện từ 7:30")


def entered(by, entry: reserved.LateEntry | None, name: str = "Trần Thị Bình") -> Dossier:
    person = {"full_name": name, "citizen_number": "", "phone": ""}
    return quick.record(
        factories.procedure(factories.CERTIFIED_COPY).current,
        office=Agency.objects.get(code=factories.COMMUNE),
        person=person,
        answers={"giay_to": {"so_trang": 1, "so_ban": 1}},
        form_key=new_key(),
        by=by,
        late=entry,
    )


def typed(code: str, **changes) -> dict[str, str]:
    return {
        "full_name": "Trần Thị Bình", "no_number": "on", "procedure": factories.CERTIFIED_COPY,
        "shown": factories.CERTIFIED_COPY, "cau-giay_to.so_trang": "1",
        "cau-giay_to.so_ban": "1", "fee_seen": "2000", "form_key": "a" * 22,
        "reserved_code": code, "written_time": "8h30", "late_reason": "Mất điện",
    } | changes  # fmt: skip


@pytest.mark.django_db
def test_reserved_codes_come_from_the_day_s_counter_and_are_given_to_nobody_else():
    clerk = factories.official(Posting.Role.RECEPTION)
    paper = sheet(2, by=clerk)

    after = entered(clerk, None)

    codes = [f"000.01.61.H50-261125-000{number}" for number in (1, 2)]
    assert paper.facts["codes"] == codes
    assert paper.facts["symbol"] == "01/MDP"
    assert after.code == "000.01.61.H50-261125-0003"
    assert list(ReservedCode.objects.values_list("code", flat=True)) == codes


@pytest.mark.django_db
def test_what_was_on_paper_is_entered_with_its_code_its_time_and_a_mark():
    clerk = factories.official(Posting.Role.RECEPTION)
    code = sheet(by=clerk).facts["codes"][0]

    dossier = entered(clerk, late(code))

    assert (dossier.code, dossier.is_entered_late) == (code, True)
    assert dossier.submitted_at == late(code).at
    assert dossier.late_entry_reason == "Mất điện từ 7:30"
    assert dossier.reserved_code.code == code
    breach = Breach.objects.get(dossier=dossier)
    assert (breach.kind, breach.officer) == (Breach.Kind.ENTERED_LATE, clerk)
    with pytest.raises(workflow.Refused, match="đã dùng"):
        entered(clerk, late(code))
    assert Dossier.objects.count() == 1


@pytest.mark.django_db
def test_the_page_reserves_prints_and_shows_what_is_used(client):
    clerk = factories.official(Posting.Role.RECEPTION)
    client.force_login(clerk)
    given = {"agency": desk().pk, "day": "26/11/2026", "count": "2"}

    answer = client.post(PAGE, given, follow=True)
    paper = OfficePaper.objects.get()
    waiting = answer.content.decode()
    officepapers.make(paper)
    made = client.get(f"/quan-tri/giay-to-co-quan/{paper.token}/tep/")

    assert "01/MDP" in waiting and "đang được lập" in waiting
    assert made["Content-Type"] == "application/pdf"
    assert b"".join(made.streaming_content).startswith(b"%PDF")
    assert "Còn 2 trên 2 mã chưa dùng" in client.get(PAGE).content.decode()
    public = client.get(f"/xac-thuc/{paper.token}/").content.decode()
    assert "Bảng mã hồ sơ dự phòng" in public
    other = factories.official(Posting.Role.RECEPTION, factories.OTHER_COMMUNE)
    client.force_login(other)
    assert client.get(f"/quan-tri/giay-to-co-quan/{paper.token}/").status_code == 404
    assert "Còn 2 trên" not in client.get(PAGE).content.decode()


@pytest.mark.django_db
def test_the_page_asks_the_database_the_same_for_one_sheet_and_for_eight(
    client, django_assert_max_num_queries
):
    clerk = factories.official(Posting.Role.RECEPTION)
    client.force_login(clerk)
    sheet(by=clerk)
    with django_assert_max_num_queries(20) as one:
        client.get(PAGE)
    for number in range(7):
        sheet(5, TODAY + datetime.timedelta(days=number), clerk)

    with django_assert_max_num_queries(len(one)):
        client.get(PAGE)


@pytest.mark.django_db
def test_days_and_numbers_that_cannot_be_are_refused(client):
    client.force_login(factories.official(Posting.Role.RECEPTION))
    wrong = [
        ({"day": "24/11/2026"}, "7 ngày tới"),
        ({"day": "03/12/2026"}, "7 ngày tới"),
        ({"day": "hôm nay"}, "Ngày ghi như"),
        ({"count": "0"}, "từ 1 đến 50"),
        ({"count": "51"}, "từ 1 đến 50"),
        ({"count": "nhiều"}, "Hãy ghi một số"),
        ({"agency": Agency.objects.get(code=factories.OTHER_COMMUNE).pk}, "errornote"),
    ]

    for changes, words in wrong:
        given = {"agency": desk().pk, "day": "25/11/2026", "count": "5"} | changes
        assert words in client.post(PAGE, given).content.decode(), changes

    assert not ReservedCode.objects.exists()


@pytest.mark.django_db
def test_the_last_digits_are_enough_today_and_what_is_not_on_paper_is_refused(client):
    clerk = factories.official(Posting.Role.RECEPTION)
    factories.procedure(factories.CERTIFIED_COPY)
    code = sheet(by=clerk).facts["codes"][1]
    client.force_login(clerk)
    wrong = [
        ({"reserved_code": "0099"}, "Không có mã dự phòng nào như vậy"),
        ({"reserved_code": code.replace("61", "62")}, "Không có mã dự phòng nào như vậy"),
        ({"written_time": "10:30"}, "Giờ này chưa tới"),
        ({"written_time": "sáng"}, "Giờ ghi như 08:30"),
        ({"late_reason": ""}, "phải ghi mã, giờ và lý do"),
    ]

    for changes, words in wrong:
        assert words in client.post(QUICK, typed("2") | changes).content.decode(), changes
    client.post(QUICK, typed("2"))

    dossier = Dossier.objects.get()
    assert (dossier.code, dossier.is_entered_late) == (code, True)


@pytest.mark.django_db
def test_a_day_that_nobody_remembers_is_not_entered_any_more(clock):
    clerk = factories.official(Posting.Role.RECEPTION)
    code = sheet(by=clerk).facts["codes"][0]

    clock.move_to(NOW + datetime.timedelta(days=31))
    with pytest.raises(workflow.Refused, match="30 ngày"):
        entered(clerk, late(code))


# --- Two people with one sheet --------------------------------------------------------


def two_clerks_enter_one_code() -> list[object]:
    clerks = [factories.official(Posting.Role.RECEPTION) for _number in range(2)]
    factories.procedure(factories.CERTIFIED_COPY)
    code = sheet(by=clerks[0]).facts["codes"][0]
    start, outcomes = threading.Barrier(2), []

    def enter(clerk) -> None:
        start.wait(timeout=20)
        try:
            outcomes.append(entered(clerk, late(code)))
        except (workflow.Refused, IntegrityError) as error:
            outcomes.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=enter, args=[clerk]) for clerk in clerks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return outcomes


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_two_who_enter_one_code_one_is_told_that_it_is_used():
    outcomes = two_clerks_enter_one_code()

    assert [type(row).__name__ for row in outcomes].count("Dossier") == 1
    assert [type(row).__name__ for row in outcomes].count("Refused") == 1
    assert Dossier.objects.exclude(code=None).count() == Dossier.objects.count() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_control_without_the_lock_the_second_runs_into_the_database(monkeypatch):
    class Plain(QuerySet):
        def select_for_update(self, *args, **kwargs):
            return self.all()

        def first(self):
            row = super().first()
            time.sleep(0.3)
            return row

    monkeypatch.setattr(ReservedCode.objects, "_queryset_class", Plain)

    outcomes = two_clerks_enter_one_code()

    assert any(isinstance(row, IntegrityError) for row in outcomes)
