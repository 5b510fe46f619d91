"""Days and months are counted once, anew where their facts changed, and read for any period."""

from __future__ import annotations

import threading
import time
from datetime import date

import pytest
import time_machine
from django.db import connection, transaction
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from dossiers import workflow
from dossiers.counter import quick, reserved
from dossiers.models import (
    Dossier,
    Event,
    ReservedCode,
    SupplementRequest,
    Tally,
    TallyDay,
    new_key,
)
from dossiers.reports import figures, numbers, periods, tallies
from dossiers.reports.periods import Period
from procedures.models import Agency
from tests import factories
from tests.dossiers.counted import at, done, dossier
from tests.dossiers.test_races import GAP, raised, together

pytestmark = pytest.mark.django_db

State = Dossier.State


@pytest.fixture(autouse=True)
def tuesday_morning():
    """Tuesday 24/11/2026, 9:00."""
    with time_machine.travel(at(24, 9), tick=False):
        yield


@pytest.fixture
def commune():
    factories.offices()
    return Agency.objects.get(code=factories.COMMUNE)


def rolled_rows() -> list[dict]:
    return list(Tally.objects.order_by("is_month", "day", "officer", "channel").values())


def without_keys(rows: list[dict]) -> list[dict]:
    return [{name: value for name, value in row.items() if name != "id"} for row in rows]


def report(office: Agency, first: date, last: date) -> figures.Report:
    return figures.read(figures.Scope(frozenset({office.pk})), Period(first, last))


def test_a_finished_day_is_counted_by_office_procedure_channel_and_officer(commune):
    officer = factories.official("case_officer")
    dossier(commune, submitted_at=at(20, 8), channel="direct")
    # Submitted Friday 8:00, accepted 10:00, the result on Monday 9:00: 2 and 7 working hours.
    done(commune, "late", at(23, 9), submitted_at=at(20, 8), assignee=officer)
    dossier(commune, State.REFUSED, submitted_at=at(20, 9), ended_at=at(23, 10))

    tallies.roll()

    friday = Tally.objects.filter(day=date(2026, 11, 20), is_month=False)
    assert sum(row.received for row in friday) == 3
    assert friday.get(channel="direct").received == 1
    assert friday.get(channel="online").accept_minutes == 120
    assert friday.get(channel="online").open_in_time == 2
    monday = Tally.objects.get(day=date(2026, 11, 23), officer=officer)
    assert (monday.done_late, monday.handling_minutes) == (1, 420)
    assert Tally.objects.get(day=date(2026, 11, 23), officer=None, channel="online").refused == 1


def test_counting_twice_gives_the_same_rows_and_counts_nothing_anew(commune):
    dossier(commune)

    first = tallies.roll()
    before = rolled_rows()
    TallyDay.objects.update(counted_at=None)
    tallies.roll()
    again = tallies.roll()

    assert (first, again) == (4, 0)
    assert without_keys(rolled_rows()) == without_keys(before)


def test_a_day_without_dossiers_is_known_to_be_counted(commune):
    dossier(commune, submitted_at=at(20))

    tallies.roll()

    assert TallyDay.objects.filter(day=date(2026, 11, 22)).exclude(counted_at=None).exists()
    assert not TallyDay.objects.filter(day=date(2026, 11, 24)).exists()


def test_a_month_is_added_up_once_it_is_over_and_again_when_a_day_changes(commune):
    dossier(commune, submitted_at=at(30, month=10))
    dossier(commune, submitted_at=at(29, month=10))
    tallies.roll()
    october = Tally.objects.get(is_month=True)

    late = dossier(commune, submitted_at=at(30, month=10), is_entered_late=True)
    tallies.mark_stale(date(2026, 10, 30), date(2026, 10, 31))
    tallies.roll()

    assert (october.received, october.open_in_time) == (2, 2)
    assert Tally.objects.get(is_month=True).received == 3
    assert late.pk


def test_a_day_before_all_others_is_counted_when_something_is_entered_for_it(commune):
    dossier(commune, submitted_at=at(20))
    tallies.roll()

    dossier(commune, submitted_at=at(17))
    tallies.mark_stale(date(2026, 11, 17), date(2026, 11, 17))
    tallies.roll()

    assert Tally.objects.get(day=date(2026, 11, 17)).received == 1
    assert Tally.objects.get(day=date(2026, 11, 19)).open_in_time == 1


def test_what_is_entered_after_a_power_cut_counts_on_the_day_that_the_paper_says(commune):
    dossier(commune, submitted_at=at(18))
    with time_machine.travel(at(20, 7), tick=False):
        clerk = factories.official("reception")
        reserved.reserve(commune.receiving, date(2026, 11, 20), 1, by=clerk)
    tallies.roll()

    quick.record(
        factories.procedure(factories.CERTIFIED_COPY).current,
        office=commune,
        person={"full_name": "Trần Thị Bình", "citizen_number": "", "phone": ""},
        answers={"giay_to": {"so_trang": 1, "so_ban": 1}},
        form_key=new_key(),
        by=clerk,
        late=reserved.LateEntry(ReservedCode.objects.get().code, at(20, 8), "Mất điện"),
    )
    tallies.roll()

    assert Tally.objects.get(day=date(2026, 11, 20), received=1).channel == "direct"


def test_the_citizens_turn_is_no_handling_time(commune):
    ended = done(commune, "on_time", at(23, 10), accepted_at=at(23, 7), promised_at=at(23, 17))
    for seq, (begin, end, hour) in enumerate(
        [(State.PROCESSING, State.SUPPLEMENT_REQUIRED, 8), (State.SUPPLEMENT_REQUIRED, "", 9)]
    ):
        Event.objects.create(
            dossier=ended, seq=seq + 1, name="x", from_state=begin, to_state=end, at=at(23, hour)
        )

    [tally] = [row for row in tallies.count(date(2026, 11, 23)) if row.done_on_time]

    assert tally.handling_minutes == 120


def test_supplements_and_new_dates_are_counted_where_they_were_asked_for(commune):
    officer = factories.official("case_officer")
    one = dossier(commune, State.PROCESSING, assignee=officer)
    for stage, further in (("reception", False), ("handling", True)):
        asked = SupplementRequest.objects.create(
            dossier=one, asked_by=officer, stage=stage, is_further=further,
            reason="x", answered_at=at(23),
        )  # fmt: skip
        SupplementRequest.objects.filter(pk=asked.pk).update(asked_at=at(23, 10))
    Event.objects.create(dossier=one, seq=1, name="extend", at=at(23, 11))

    rows = {row.officer_id: row for row in tallies.count(date(2026, 11, 23))}

    assert (rows[None].supplements, rows[None].further_supplements) == (1, 0)
    assert (rows[officer.pk].supplements, rows[officer.pk].further_supplements) == (1, 1)
    assert rows[officer.pk].extended == 1


def test_a_transferred_dossier_is_counted_at_its_new_office(commune):
    with time_machine.travel(at(20, 10), tick=False):
        one = factories.Office().accepted(factories.filed())
    tallies.roll()

    workflow.perform(
        one, "transfer", by=factories.official("leader"),
        agency=factories.OTHER_COMMUNE, reason="Không thuộc thẩm quyền.",
    )  # fmt: skip
    tallies.roll()

    where = Tally.objects.filter(received=1).values_list("agency__code", flat=True)
    assert list(where) == [factories.OTHER_COMMUNE]


def test_what_was_carried_over_and_received_ended_or_is_open(commune):
    officer = factories.official("case_officer")
    for day in (2, 10, 16, 17, 20):
        dossier(commune, submitted_at=at(day))
    dossier(commune, State.PROCESSING, submitted_at=at(10), accepted_at=at(10, 9),
            promised_at=at(13), assignee=officer)  # fmt: skip
    done(commune, "early", at(12), submitted_at=at(9), accepted_at=at(9, 9), assignee=officer)
    done(commune, "late", at(18), submitted_at=at(9), accepted_at=at(9, 9), assignee=officer)
    done(commune, "on_time", at(24), submitted_at=at(24), accepted_at=at(24), assignee=officer)
    dossier(commune, State.WITHDRAWN, submitted_at=at(17), ended_at=at(19))
    tallies.roll()

    for first, last in ((1, 30), (15, 23), (15, 30), (24, 24), (10, 18), (25, 25)):
        if first > 24:
            continue
        found = report(commune, date(2026, 11, first), date(2026, 11, last)).total
        ends = found.done + found.refused + found.stopped + found.withdrawn
        assert found.to_handle == ends + found.open, (first, last)

    found = report(commune, date(2026, 11, 15), date(2026, 12, 14))
    assert (found.total.carried, found.total.received) == (4, 5)
    assert (found.total.done_late, found.total.done_on_time, found.total.open_overdue) == (1, 1, 1)
    [line] = found.officers
    assert (line.figures.done, line.figures.open_overdue) == (2, 1)
    assert sum(count for _key, _label, count in found.ages) == found.total.open


def test_every_number_is_as_many_dossiers_as_its_list_has(commune):
    officer = factories.official("case_officer")
    for day in (2, 16, 24):
        dossier(commune, submitted_at=at(day), channel="direct" if day == 16 else "online")
    dossier(commune, State.PROCESSING, accepted_at=at(20), promised_at=at(23), assignee=officer)
    for timing in ("early", "on_time", "late", ""):
        done(commune, timing, at(18), assignee=officer)
        done(commune, timing, at(24), assignee=officer)
    for state in (State.REFUSED, State.STOPPED, State.WITHDRAWN):
        dossier(commune, state, ended_at=at(19))
    tallies.roll()

    for period in (Period(date(2026, 11, 15), date(2026, 11, 24)),
                   Period(date(2026, 11, 16), date(2026, 11, 19))):  # fmt: skip
        found = report(commune, period.first, period.last).total
        for name, number in numbers.NUMBERS.items():
            rows = (
                number.rows(period) if number.rows
                else Dossier.objects.filter(number.of_dossiers(period))
            )  # fmt: skip
            counted = name.removeprefix("handling_")
            assert rows.count() == getattr(found, counted), (name, period)


def test_other_offices_never_show(commune):
    other = Agency.objects.get(code=factories.OTHER_COMMUNE)
    done(other, "late", at(23))
    done(other, "late", at(24))
    dossier(other, State.PROCESSING, promised_at=at(21))
    tallies.roll()

    found = report(commune, date(2026, 11, 1), date(2026, 11, 30))

    assert found.is_empty
    assert found.offices == found.sectors == found.officers == found.months == []


def test_a_report_of_a_year_reads_tallies_and_never_scans_the_dossiers_of_the_past(commune):
    for month in range(9, 12):
        done(commune, "late", at(5, month=month), submitted_at=at(3, month=month),
             accepted_at=at(3, month=month))  # fmt: skip
    while tallies.roll():
        pass
    report(commune, date(2026, 1, 1), date(2026, 12, 31))

    with CaptureQueriesContext(connection) as few:
        found = report(commune, date(2026, 1, 1), date(2026, 12, 31))
    done(commune, "late", at(24))
    with CaptureQueriesContext(connection) as more:
        report(commune, date(2026, 1, 1), date(2026, 12, 31))

    assert found.total.done_late == 3
    assert [line.key.month for line in found.months] == [9, 10, 11]
    assert len(more) == len(few)
    bounded = ("submitted_at", "ended_at", "accepted_at", "asked_at", '"at"', "'extend'")
    for query in few.captured_queries:
        sql = query["sql"]
        if '"dossiers_dossier"' in sql and '"state" IN' not in sql:
            assert any(f'{name}" >= ' in sql or name in sql for name in bounded), sql
            assert "2026-11-23" in sql or "2026-11-24" in sql, sql


def test_days_that_wait_to_be_counted_are_told(commune):
    dossier(commune, submitted_at=at(20))
    tallies.roll()
    tallies.mark_stale(date(2026, 11, 20), date(2026, 11, 21))

    found = report(commune, date(2026, 11, 1), date(2026, 11, 30))

    assert found.days_to_count == 2


# --- Periods ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("today", "first", "last"),
    [
        (date(2026, 11, 24), date(2026, 11, 15), date(2026, 12, 14)),
        (date(2026, 11, 14), date(2026, 10, 15), date(2026, 11, 14)),
        (date(2026, 12, 15), date(2026, 12, 15), date(2027, 1, 14)),
        (date(2028, 2, 29), date(2028, 2, 15), date(2028, 3, 14)),
        (date(2027, 1, 1), date(2026, 12, 15), date(2027, 1, 14)),
    ],
)
def test_offices_report_from_the_15th_to_the_14th(today, first, last):
    assert periods.shortcut("", today) == Period(first, last)


def test_the_shortcuts_hold_whole_months_quarters_and_years():
    leap = date(2028, 2, 29)

    assert periods.shortcut("thang", leap) == Period(date(2028, 2, 1), leap)
    assert periods.shortcut("quy", leap) == Period(date(2028, 1, 1), date(2028, 3, 31))
    assert periods.shortcut("nam", leap) == Period(date(2028, 1, 1), date(2028, 12, 31))


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2026-11-20", "2026-11-19"),
        ("2026-11-25", "2026-12-01"),
        ("2026-02-29", "2026-03-01"),
        ("hôm nay", "2026-11-19"),
        ("2026-11-01", ""),
        ("0001-01-01", "2026-11-19"),
        ("2026-01-01", "9999-12-31"),
    ],
)
def test_days_that_make_no_period_are_refused_with_a_sentence(first, last):
    with pytest.raises(periods.BadPeriod):
        periods.read(first, last, "", on=date(2026, 11, 24))


def test_a_period_falls_into_whole_months_and_the_days_around_them():
    period = Period(date(2027, 12, 15), date(2028, 3, 14))

    months = periods.whole_months(period)

    assert months == [date(2028, 1, 1), date(2028, 2, 1)]
    assert periods.days_outside(period, months) == [
        Period(date(2027, 12, 15), date(2027, 12, 31)),
        Period(date(2028, 3, 1), date(2028, 3, 14)),
    ]
    assert periods.days_outside(period, []) == [period]


# --- At the same moment -----------------------------------------------------------------


def _day_that_waits() -> None:
    factories.offices()
    dossier(Agency.objects.get(code=factories.COMMUNE), submitted_at=at(23))


def _entered_while_it_is_counted(monkeypatch) -> int:
    """How many dossiers the tallies have of a day for which one was entered meanwhile."""
    begun = threading.Event()

    class Slow(tallies._DayCount):
        def rows(self):
            found = super().rows()
            begun.set()
            time.sleep(GAP)
            return found

    def enter() -> None:
        begun.wait(timeout=20)
        with transaction.atomic():
            dossier(Agency.objects.get(code=factories.COMMUNE), submitted_at=at(23))
            tallies.mark_stale(date(2026, 11, 23), date(2026, 11, 23))

    monkeypatch.setattr(tallies, "_DayCount", Slow)
    assert raised(together([tallies.roll, enter])) == []
    monkeypatch.undo()
    tallies.roll()
    return sum(row.received for row in Tally.objects.filter(is_month=False))


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_what_is_entered_while_its_day_is_counted_is_counted_after(monkeypatch):
    _day_that_waits()

    assert _entered_while_it_is_counted(monkeypatch) == 2


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_control_without_the_days_lock_it_is_forgotten(monkeypatch):
    _day_that_waits()
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **how: rows)

    with pytest.MonkeyPatch.context() as inner:
        assert _entered_while_it_is_counted(inner) == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_commands_side_by_side_count_each_day_once(monkeypatch):
    _day_that_waits()

    assert raised(together([tallies.roll, tallies.roll])) == []
    assert [row.received for row in Tally.objects.all()] == [1]
