"""The clock of an office, against the vectors of DOMAIN.md 2."""

import datetime
from datetime import date, time, timedelta
from pathlib import Path

import pytest
import time_machine

from procedures import worktime
from procedures.loading.calendar import CalendarError, load_calendar
from procedures.models import Agency, CalendarDay, Channel
from procedures.worktime import VIETNAM, Calendar, NoCalendar

FIXTURE = Path(__file__).parents[2] / "fixtures" / "calendar.yaml"
pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Agency:
    return Agency(code="000.00.40.H50", working_hours=[["07:00", "11:30"], ["13:30", "17:00"]])


@pytest.fixture
def corrections() -> None:
    """The days of 2026 that the library does not know."""
    load_calendar(FIXTURE)


def at(text: str) -> datetime.datetime:
    """`14/2/2025 16:30` in Vietnamese time."""
    return datetime.datetime.strptime(text, "%d/%m/%Y %H:%M").replace(tzinfo=VIETNAM)


@pytest.mark.usefixtures("corrections")
@pytest.mark.parametrize(
    ("start", "days", "promised"),
    [
        ("14/2/2025 16:30", 3, "19/2/2025 16:30"),
        ("31/12/2025 09:00", 1, "5/1/2026 09:00"),
        ("9/1/2026 09:00", 1, "10/1/2026 09:00"),
        ("24/4/2026 09:00", 1, "28/4/2026 09:00"),
        ("13/2/2026 09:00", 7, "3/3/2026 09:00"),
        ("12/2/2026 09:00", 1, "13/2/2026 09:00"),
        ("12/2/2026 09:00", 2, "23/2/2026 09:00"),
        ("12/2/2026 09:00", 3, "24/2/2026 09:00"),
        ("29/4/2026 09:00", 1, "4/5/2026 09:00"),
        ("21/8/2026 09:00", 1, "22/8/2026 09:00"),
        ("21/8/2026 09:00", 2, "24/8/2026 09:00"),
        ("28/8/2026 09:00", 1, "3/9/2026 09:00"),
        ("23/11/2026 15:00", 1, "25/11/2026 15:00"),
    ],
)
def test_working_days_are_promised_as_the_vectors_say(office, start, days, promised):
    assert worktime.promised_at(at(start), days, office) == at(promised)


@pytest.mark.parametrize(
    ("moment", "moved"),
    [
        ("13/2/2025 06:10", "13/2/2025 07:00"),
        ("13/2/2025 07:00", "13/2/2025 07:00"),
        ("13/2/2025 09:15", "13/2/2025 09:15"),
        ("13/2/2025 11:30", "13/2/2025 11:30"),
        ("13/2/2025 12:00", "13/2/2025 13:30"),
        ("13/2/2025 17:00", "13/2/2025 17:00"),
        ("13/2/2025 17:01", "14/2/2025 07:00"),
        ("14/2/2025 22:00", "17/2/2025 07:00"),
        ("15/2/2025 10:00", "17/2/2025 07:00"),
        ("24/11/2026 10:00", "25/11/2026 07:00"),
    ],
)
def test_a_moment_is_moved_into_working_hours(office, moment, moved):
    assert worktime.into_working_time(at(moment), office) == at(moved)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2025, 1, 27), False),
        (date(2025, 4, 26), True),
        (date(2025, 5, 2), False),
        (date(2026, 1, 2), False),
        (date(2026, 1, 10), True),
        (date(2026, 1, 11), False),
        (date(2026, 4, 27), False),
        (date(2026, 8, 22), True),
        (date(2026, 8, 31), False),
        (date(2026, 11, 24), False),
        (date(2026, 11, 25), True),
    ],
)
@pytest.mark.usefixtures("corrections")
def test_days_off_and_days_made_up_are_known(day, works):
    assert worktime.is_working_day(day) is works


def test_a_correction_wins_over_the_library_at_once():
    day = date(2026, 11, 24)
    before = worktime.is_working_day(day)

    CalendarDay.objects.create(date=day, is_working=True, note="Làm bù")

    assert (before, worktime.is_working_day(day)) == (False, True)


def test_beyond_the_known_years_nothing_is_promised(office):
    with pytest.raises(NoCalendar):
        worktime.promised_at(at("30/12/2099 09:00"), 5, office)


def test_an_office_that_never_opens_promises_nothing():
    closed = Agency(code="000.00.41.H50", working_hours=[])

    with pytest.raises(NoCalendar):
        worktime.promised_at(at("13/2/2025 09:00"), 1, closed)


@pytest.mark.parametrize("days", [0, -1])
def test_a_time_below_one_is_refused(office, days):
    counts = (
        worktime.promised_at,
        worktime.after_hours,
        worktime.after_calendar_days,
        worktime.after_months,
    )
    for count in counts:
        with pytest.raises(ValueError):
            count(at("13/2/2025 09:00"), days, office)


def test_a_moment_without_a_time_zone_is_refused(office):
    with pytest.raises(ValueError):
        worktime.into_working_time(datetime.datetime(2025, 2, 13, 9), office)


def test_a_moment_in_another_zone_counts_as_vietnamese_time(office):
    evening_in_utc = datetime.datetime(2025, 2, 13, 23, 30, tzinfo=datetime.UTC)

    promised = worktime.promised_at(evening_in_utc, 1, office)

    assert promised == at("17/2/2025 07:00")


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("13/2/2025 07:00", 8, "13/2/2025 17:00"),
        ("13/2/2025 09:00", 8, "14/2/2025 09:00"),
        ("13/2/2025 11:00", 1, "13/2/2025 14:00"),
        ("13/2/2025 16:30", 1, "14/2/2025 07:30"),
        ("13/2/2025 17:00", 8, "14/2/2025 17:00"),
        ("14/2/2025 20:00", 8, "17/2/2025 17:00"),
        ("23/11/2026 14:00", 8, "25/11/2026 14:00"),
    ],
)
def test_hours_run_only_while_the_office_is_open(office, start, hours, end):
    assert worktime.after_hours(at(start), hours, office) == at(end)


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("3/2/2025 09:00", 10, "13/2/2025 09:00"),
        ("3/2/2025 09:00", 12, "17/2/2025 09:00"),
        ("13/11/2026 09:00", 11, "25/11/2026 09:00"),
        ("6/2/2026 09:00", 10, "23/2/2026 09:00"),
        ("15/2/2025 10:00", 1, "18/2/2025 07:00"),
    ],
)
def test_calendar_days_roll_to_a_working_day(office, start, days, end):
    assert worktime.after_calendar_days(at(start), days, office) == at(end)


@pytest.mark.parametrize("moment", ["13/2/2025 07:00", "13/2/2025 09:00", "13/2/2025 17:00"])
def test_a_last_day_is_whole_until_the_office_closes(office, moment):
    assert worktime.closing(at(moment), office) == at("13/2/2025 17:00")


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("13/2/2025 09:00", 1, "13/3/2025 09:00"),
        ("31/12/2025 09:00", 2, "02/3/2026 09:00"),  # 28/2 is a Saturday
        ("13/11/2025 09:00", 3, "13/2/2026 09:00"),
        ("13/2/2025 18:00", 1, "14/3/2025 07:00"),  # after hours: begins the next morning
    ],
)
def test_months_end_on_their_day_and_roll_to_a_working_day(office, start, months, end):
    assert worktime.after_months(at(start), months, office) == at(end)


@pytest.mark.parametrize(
    ("start", "cut_off", "end"),
    [
        ("13/2/2025 09:00", time(15), "13/2/2025 17:00"),
        ("13/2/2025 05:00", time(15), "13/2/2025 17:00"),
        ("13/2/2025 15:00", time(15), "13/2/2025 17:00"),
        ("13/2/2025 15:01", time(15), "14/2/2025 17:00"),
        ("14/2/2025 18:00", time(15), "17/2/2025 17:00"),
        ("15/2/2025 09:00", time(15), "17/2/2025 17:00"),
        ("13/2/2025 12:00", time(13), "13/2/2025 17:00"),
        ("13/2/2025 17:30", time(18), "14/2/2025 17:00"),
        ("13/2/2025 16:59", None, "13/2/2025 17:00"),
        ("23/11/2026 15:30", time(15), "25/11/2026 17:00"),
    ],
)
def test_same_day_ends_today_or_on_the_next_working_day(office, start, cut_off, end):
    assert worktime.same_day(at(start), cut_off, office) == at(end)


@pytest.mark.parametrize(
    ("unit", "amount", "end"),
    [
        (Channel.Unit.SAME_DAY, None, "13/2/2025 17:00"),
        (Channel.Unit.HOUR, 8, "14/2/2025 09:00"),
        (Channel.Unit.WORKING_DAY, 3, "18/2/2025 09:00"),
        ("day", 3, "17/2/2025 09:00"),
    ],
)
def test_the_unit_of_a_channel_says_how_to_count(office, unit, amount, end):
    assert worktime.due(at("13/2/2025 09:00"), unit, amount, time(15), office) == at(end)


@pytest.mark.parametrize(("unit", "amount"), [("text", None), ("text", 3), ("working_day", None)])
def test_a_time_in_words_promises_nothing(office, unit, amount):
    assert worktime.due(at("13/2/2025 09:00"), unit, amount, None, office) is None


@pytest.mark.parametrize(
    ("begin", "end", "hours"),
    [
        ("13/2/2025 08:00", "13/2/2025 09:30", 1.5),
        ("13/2/2025 11:00", "13/2/2025 14:00", 1),
        ("14/2/2025 16:00", "17/2/2025 08:00", 2),
        ("13/2/2025 07:00", "20/2/2025 07:00", 40),
        ("13/2/2025 12:00", "13/2/2025 13:00", 0),
        ("13/2/2025 18:00", "14/2/2025 06:00", 0),
        ("15/2/2025 08:00", "16/2/2025 18:00", 0),
        ("14/2/2025 09:00", "13/2/2025 09:00", 0),
    ],
)
def test_the_working_time_of_a_pause_is_measured(office, begin, end, hours):
    measured = worktime.working_time_between(at(begin), at(end), office)

    assert measured == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("due", "left"),
    [
        ("23/11/2026 17:00", 0),
        ("25/11/2026 09:00", 1),
        ("30/11/2026 09:00", 4),
        ("20/11/2026 09:00", -1),
        ("18/11/2026 09:00", -3),
    ],
)
@time_machine.travel(datetime.datetime(2026, 11, 23, 10, tzinfo=VIETNAM), tick=False)
def test_days_left_leave_out_the_holiday(office, due, left):
    assert worktime.working_days_left(at(due), office) == left


def test_corrections_are_read_once_for_a_whole_chain(office, django_assert_num_queries):
    with django_assert_num_queries(1):
        worktime.due(at("13/2/2026 09:00"), "working_day", 40, None, office)
    calendar = Calendar.load()
    with django_assert_num_queries(0):
        worktime.working_days_left(at("13/2/2026 09:00"), office, calendar=calendar)


def test_loading_the_calendar_twice_changes_nothing():
    load_calendar(FIXTURE)
    first = list(CalendarDay.objects.values_list("pk", "date", "is_working", "note"))

    count = load_calendar(FIXTURE)

    assert count == len(first) == 2
    assert list(CalendarDay.objects.values_list("pk", "date", "is_working", "note")) == first


@pytest.mark.parametrize(
    "entries",
    [
        "- {date: 2026-01-02, working: no, note: sai dạng ngày}",
        "- {date: 31/02/2026, working: no, note: không có ngày này}",
        "- {date: 02/01/2026, working: không, note: sai từ}",
        "- {date: 02/01/2026, working: no}",
        "- {date: [02/01/2026], working: no, note: danh sách}",
        "- {date: 03/01/2026, working: no, note: lần một}\n"
        "- {date: 03/01/2026, working: yes, note: lần hai}",
        "date: 02/01/2026",
        "- {date: 02/01/2026",
    ],
)
def test_a_wrong_calendar_file_loads_nothing(tmp_path, entries):
    path = tmp_path / "calendar.yaml"
    good = "- {date: 10/01/2026, working: yes, note: đúng}\n"
    path.write_text(good * entries.startswith("-") + entries, encoding="utf-8")

    with pytest.raises(CalendarError, match=r"calendar\.yaml"):
        load_calendar(path)

    assert not CalendarDay.objects.exists()
