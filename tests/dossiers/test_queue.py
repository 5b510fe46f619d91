"""The officials' queue: tabs, filters, what is due, saved views, the next one, neighbours."""

from __future__ import annotations

import datetime
import re
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dossiers import queuefilters
from dossiers.admin import nextwork, savedviews
from dossiers.models import Dossier, SavedView
from procedures.models import Agency, Posting
from procedures.worktime import VIETNAM
from tests import factories
from tests.dossiers.copying import copies_of

pytestmark = pytest.mark.django_db

State = Dossier.State
QUEUE = "/quan-tri/dossiers/dossier/"
NOW = datetime.datetime(2026, 11, 25, 9, 0, tzinfo=VIETNAM)


@pytest.fixture(autouse=True)
def _working_day():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def office() -> factories.Office:
    return factories.Office()


@pytest.fixture
def one() -> Dossier:
    """A dossier at the demo commune, of which the tests make copies."""
    return factories.filed()


def as_(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def text_of(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def listed(client: Client, **parameters) -> set[int]:
    response = client.get(QUEUE, parameters)
    assert response.status_code == 200
    return {row["dossier"].pk for row in response.context["rows"]}


def days(number: int) -> datetime.datetime:
    return NOW + datetime.timedelta(days=number)


# --- Tabs -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "tab"),
    [
        (Posting.Role.RECEPTION, "moi"), (Posting.Role.CASE_OFFICER, "cua-toi"),
        (Posting.Role.APPROVER, "trinh-ky"), (Posting.Role.LEADER, "qua-han"),
        (Posting.Role.SUPERVISOR, "qua-han"), (Posting.Role.CASHIER, "cong-dan"),
    ],
)  # fmt: skip
def test_the_queue_opens_with_the_tab_of_ones_role(role, tab):
    response = as_(factories.official(role)).get(QUEUE)

    assert response.context["chosen"].tab.key == tab


def test_a_supervisor_is_shown_no_tab_of_own_work():
    factories.filed()
    page = as_(factories.official("supervisor")).get(QUEUE).content.decode()

    assert "nhom=qua-han" in page
    assert "nhom=cua-toi" not in page


def test_what_an_absent_colleague_has_is_mine_while_i_stand_in(office, one):
    theirs = copies_of(one, state=State.PROCESSING, assignee=office.officer)[0]
    deputy = factories.official(Posting.Role.CASE_OFFICER)
    before = listed(as_(deputy), nhom="cua-toi")
    Posting.objects.create(
        user=deputy, agency=Agency.objects.get(code=factories.COMMUNE), role="approver",
        stands_in_for=office.officer, valid_until=NOW.date(),
    )  # fmt: skip

    assert before == set()
    assert listed(as_(deputy), nhom="cua-toi") == {theirs.pk}
    with time_machine.travel(days(1)):
        assert listed(as_(deputy), nhom="cua-toi") == set()


def test_a_row_says_whose_turn_it_is_and_how_long_is_left_in_words(office, one):
    copies_of(
        one, state=State.PROCESSING, promised_at=days(-1), step_due_at=days(-2),
        is_entered_late=True, assignee=office.officer,
    )  # fmt: skip
    copies_of(one, state=State.SUPPLEMENT_REQUIRED, citizen_by=days(4))

    page = text_of(as_(office.officer).get(QUEUE, {"nhom": "tat-ca"}))

    assert "quá hạn 1 ngày làm việc" in page
    assert "bước này: 09:00 23/11" in page
    assert "Nhập bù" in page
    assert "Đến lượt: Công dân" in page
    assert "còn 4 ngày" in page
    assert office.officer.get_full_name() in page


def test_counts_stop_where_nobody_reads_them(office, one, monkeypatch):
    monkeypatch.setattr("dossiers.admin.queue.MOST_COUNTED", 2)
    copies_of(one, 2)

    page = text_of(as_(office.reception).get(QUEUE))

    assert "Mới 2+" in page


def test_a_page_reads_one_row_more_than_it_shows(office, one, monkeypatch):
    monkeypatch.setattr("dossiers.admin.queue.PER_PAGE", 2)
    rows = [*copies_of(one, 3, answer_by=days(3)), *copies_of(one, 1, answer_by=days(1))]
    Dossier.objects.filter(pk=one.pk).update(answer_by=days(2))
    client = as_(office.reception)

    pages = [client.get(QUEUE, {"nhom": "moi", "trang": number}) for number in (1, 2, 3)]
    last = client.get(QUEUE, {"nhom": "moi", "trang": "99999999"})

    found = [row["dossier"].pk for page in pages for row in page.context["rows"]]
    assert found == [rows[3].pk, one.pk, *(row.pk for row in rows[:3])]
    assert "Hồ sơ 1–2, còn nữa" in text_of(pages[0])
    assert "Hồ sơ 5–5, hết" in text_of(pages[2])
    assert last.status_code == 200


# --- Filters --------------------------------------------------------------------------


def test_every_filter_narrows_the_list(office, one):
    desk = Agency.objects.get(code=factories.DESK)
    commune = Agency.objects.get(code=factories.COMMUNE)
    late = copies_of(
        one, state=State.PROCESSING, assignee=office.officer, promised_at=days(-2),
        submitted_at=days(-20), channel="direct",
    )[0]  # fmt: skip
    done = copies_of(
        one, state=State.RETURNED, ended_at=days(-9), timing="early", submitted_at=days(-30)
    )[0]
    all_three = {one.pk, late.pk, done.pk}
    leader = as_(factories.official(Posting.Role.LEADER))

    assert listed(leader, **{"co-quan": commune.pk}) == all_three
    assert listed(leader, **{"co-quan": desk.pk}) == all_three
    assert listed(leader, **{"linh-vuc": one.revision.sector_id}) == all_three
    assert listed(leader, **{"thu-tuc": factories.FUNERAL}) == all_three
    assert listed(leader, **{"trang-thai": "returned"}) == {done.pk}
    assert listed(leader, **{"can-bo": office.officer.pk}) == {late.pk}
    assert listed(leader, **{"cach-nop": "direct"}) == {late.pk}
    assert listed(leader, **{"qua-han": 1}) == {late.pk}
    assert listed(leader, **{"so-voi-han": "early"}) == {done.pk}
    assert listed(leader, **{"nop-tu": "2026-10-26", "nop-den": "2026-11-05"}) == {
        late.pk, done.pk,
    }  # fmt: skip
    assert listed(leader, **{"han-den": "2026-11-23"}) == {late.pk}
    assert listed(leader, **{"han-tu": "2026-11-24", "nhom": "moi"}) == {one.pk}
    assert listed(leader, **{"xong-tu": "2026-11-16", "xong-den": "2026-11-16"}) == {done.pk}
    assert listed(leader, **{"xong-den": "2026-11-15"}) == set()
    panel = text_of(leader.get(QUEUE, {"loc": 1, "can-bo": office.officer.pk}))
    assert "Xong đến hết ngày" in panel
    assert queuefilters.address(co_quan=3, qua_han=1) == f"{QUEUE}?co-quan=3&qua-han=1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("co-quan", "999999"), ("co-quan", "foreign"), ("co-quan", "abc"), ("co-quan", "9" * 40),
        ("linh-vuc", "-1"), ("thu-tuc", "không có"), ("trang-thai", "draft"), ("can-bo", "²"),
        ("can-bo", "foreign"), ("cach-nop", "x"), ("qua-han", "2"), ("so-voi-han", "x"),
        ("nop-tu", "2026-02-30"), ("nop-den", "9999-12-31"), ("han-tu", "hôm qua"),
        ("xong-den", "20261101"), ("nhom", "khong-co"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_left_out_and_said_so(office, one, name, value):
    if value == "foreign":
        other = factories.official(Posting.Role.CASE_OFFICER, factories.OTHER_COMMUNE)
        foreign = Agency.objects.get(code=factories.OTHER_COMMUNE)
        value = foreign.pk if name == "co-quan" else other.pk
    client = as_(office.reception)

    response = client.get(QUEUE, {"trang-thai": "submitted", name: value})

    assert response.status_code == 200
    if name == "xong-den":  # the short way to write a day is one too
        return
    assert "ỏ qua" in text_of(response)
    assert {row["dossier"].pk for row in response.context["rows"]} == {one.pk}


# --- Saved views ----------------------------------------------------------------------


def test_a_filter_is_kept_under_a_name_of_ones_own(office, one):
    client, save = as_(office.reception), reverse("admin:dossiers_view_save")
    query = "nhom=moi&thu-tuc=1.001731&trang-thai=khong-co"

    client.post(save, {"name": "  Mai   táng ", "query": query})
    nameless = client.post(save, {"name": "", "query": query}, follow=True)
    too_long = client.post(save, {"name": "x" * 61, "query": query}, follow=True)
    view = SavedView.objects.get()
    mine = client.get(QUEUE).content.decode()
    theirs = as_(office.officer).get(QUEUE).content.decode()
    stranger = as_(office.officer).post(reverse("admin:dossiers_view_delete", args=[view.pk]))

    assert (view.user, view.name, view.query) == (
        office.reception, "Mai táng", "nhom=moi&thu-tuc=1.001731",
    )  # fmt: skip
    assert "Mai táng" in mine
    assert "Mai táng" not in theirs
    assert stranger.status_code == 404
    assert "Hãy đặt tên" in text_of(nameless)
    assert "dài quá" in text_of(too_long)
    client.post(reverse("admin:dossiers_view_delete", args=[view.pk]))
    assert not SavedView.objects.exists()


def test_twenty_views_are_enough(office, monkeypatch):
    monkeypatch.setattr(savedviews, "MOST", 2)
    client, save = as_(office.reception), reverse("admin:dossiers_view_save")

    for name in ("a", "b", "c", "a"):
        response = client.post(save, {"name": name, "query": "nhom=tra"}, follow=True)

    assert {view.name for view in SavedView.objects.all()} == {"a", "b"}
    assert "Đã lưu bộ lọc “a”" in text_of(response)


# --- The next one ---------------------------------------------------------------------


def test_an_officer_takes_what_is_due_first_and_nobody_has(office, one):
    accepted = office.accepted(one)
    copies_of(accepted, promised_at=days(1), assignee=office.approver)
    urgent = copies_of(accepted, promised_at=days(1))[0]
    own = copies_of(accepted, promised_at=days(0), owner=office.officer)[0]
    client = as_(office.officer)

    response = client.post(reverse("admin:dossiers_next"), {"query": "nhom=cua-toi"})

    urgent = Dossier.objects.get(pk=urgent.pk)
    assert (urgent.state, urgent.assignee) == (State.PROCESSING, office.officer)
    assert urlsplit(response.headers["Location"]).path.endswith(f"/{urgent.pk}/change/")
    assert Dossier.objects.get(pk=own.pk).state == State.ACCEPTED
    client.post(reverse("admin:dossiers_next"), {"query": ""})
    empty = client.post(reverse("admin:dossiers_next"), {"query": "nhom=moi"}, follow=True)
    assert "Không còn hồ sơ nào" in text_of(empty)


def test_reception_opens_the_new_one_that_is_due_first(office, one):
    urgent = copies_of(one, answer_by=days(-1))[0]

    response = as_(office.reception).post(reverse("admin:dossiers_next"))

    urgent = Dossier.objects.get(pk=urgent.pk)
    assert f"/{urgent.pk}/change/" in response.headers["Location"]
    assert urgent.state == State.SUBMITTED


def test_the_next_one_is_for_who_takes_or_receives(office, one):
    response = as_(office.approver).post(reverse("admin:dossiers_next"))

    assert response.status_code == 403
    assert as_(office.officer).get(reverse("admin:dossiers_next")).status_code == 405


# --- Before and after -----------------------------------------------------------------


@pytest.mark.parametrize("tab", ["moi", "tat-ca"])
def test_a_page_leads_to_its_neighbours_in_the_list(office, one, tab, rf):
    from dossiers.admin.queue import neighbours

    copies_of(one, 2, answer_by=days(1), submitted_at=days(-1))
    copies_of(one, 1, answer_by=None, submitted_at=days(-2))
    copies_of(one, 1, answer_by=days(1), submitted_at=days(-1), state=State.ACCEPTED)
    rows = as_(office.reception).get(QUEUE, {"nhom": tab}).context["rows"]
    seen, url = [], rows[0]["url"]

    while url:
        pk = int(re.search(r"/(\d+)/change/", url)[1])
        request = rf.get(url)
        request.user = office.reception
        dossier = Dossier.objects.get(pk=pk)
        with CaptureQueriesContext(connection) as queries:
            beside = neighbours(request, dossier)
        seen.append((pk, beside["previous"]))
        url = beside["next"]

    order = [row["dossier"].pk for row in rows]
    assert [pk for pk, _previous in seen] == order
    assert [f"/{pk}/change/" in before for pk, (_pk, before) in zip(order, seen[1:], strict=False)]
    assert seen[0][1] == ""
    assert sum("dossiers_dossier" in query["sql"] for query in queries) == 2
    assert parse_qs(urlsplit(beside["back"]).query) == {"nhom": [tab]}


def test_a_move_from_the_list_leads_on_to_the_next_of_the_list(office, one):
    second, third = copies_of(one, 2, answer_by=days(3))
    client = as_(office.reception)
    rows = client.get(QUEUE, {"nhom": "moi"}).context["rows"]
    place = urlsplit(rows[0]["url"]).query
    accept = reverse("admin:dossiers_dossier_move", args=[one.pk, "accept"])

    answer = client.post(f"{accept}?{place}", {"version": one.version})
    page = client.get(answer.headers["Location"])

    assert [row["dossier"].pk for row in rows] == [one.pk, second.pk, third.pk]
    assert urlsplit(answer.headers["Location"]).query == place
    assert f"/{second.pk}/change/" in page.context["neighbours"]["next"]
    assert page.context["neighbours"]["previous"] == ""
    assert f"?{place}".replace("&", "&amp;") in page.content.decode()


def test_a_page_that_was_opened_from_no_list_has_no_neighbours(office, one, rf):
    from dossiers.admin.queue import neighbours

    for kept in ("", "?_bo-loc=owner__password%3Da", f"?_bo-loc={'x' * 501}"):
        request = rf.get(f"/{kept}")
        request.user = office.reception
        assert neighbours(request, one) == {}


# --- Races ----------------------------------------------------------------------------


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_locked", [True, False], ids=["locked", "control"])
def test_two_officers_never_take_the_same_one(is_locked, monkeypatch):
    import dataclasses
    import time

    from dossiers import workflow
    from tests.dossiers.test_races import together

    office = factories.Office()
    accepted = office.accepted(factories.filed())
    copies_of(accepted, 1)
    officers = [office.officer, factories.official(Posting.Role.CASE_OFFICER)]
    take = workflow.ACTIONS["take"]

    def slowly(move):
        time.sleep(0.3)
        take.run(move)

    monkeypatch.setitem(workflow.ACTIONS, "take", dataclasses.replace(take, run=slowly))
    if not is_locked:
        monkeypatch.setattr(workflow, "lock", lambda pk: Dossier.objects.get(pk=pk))
    viewers = [
        queuefilters.Viewer(
            person, frozenset({"case_officer"}), frozenset({accepted.handling_agency_id})
        )
        for person in officers
    ]
    chosen = [queuefilters.read({"nhom": "chua-giao"}, viewer) for viewer in viewers]

    taken = together([lambda one=one: nextwork.take(one) for one in chosen])

    keys = [place[0] for place in taken if isinstance(place, tuple)]
    assert (len(keys) == len(set(keys)) == 2) is is_locked
