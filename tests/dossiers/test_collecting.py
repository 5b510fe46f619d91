"""Results handed over at the desk: found by code, card or receipt, and who collected."""

from __future__ import annotations

import datetime
from functools import partial

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dossiers import throttling, workflow
from dossiers.handing import collecting, reminding
from dossiers.models import Collection, Dossier, Paper, Result
from dossiers.reports import register
from procedures.models import Agency, Posting
from tests import factories
from tests.dossiers.refusals import refused
from tests.dossiers.test_delivery import HOME, finished
from tests.dossiers.test_races import raised, succeeded, together

pytestmark = pytest.mark.django_db

State = Dossier.State
CARD = "045190001234|012345678|Trần Thị Bình|02031990|Nữ|Thôn 5, Gio Linh, Quảng Trị|10052021"


@pytest.fixture
def office():
    return factories.Office()


@pytest.fixture
def desk(office):
    client = Client()
    client.force_login(office.reception)
    return client


def find(desk: Client, shown: str, **more) -> str:
    answer = desk.post(reverse("admin:collect"), {"shown": shown, **more})
    assert answer.status_code == 200
    return answer.content.decode()


def hand_over(desk: Client, dossier: Dossier, **given):
    url = reverse("admin:collect_one", args=[dossier.pk])
    data = {"version": dossier.version, "collected_by": "self", "proof": "card", **given}
    return desk.post(url, data)


def code_of(dossier: Dossier) -> str:
    return Collection.objects.get(dossier=dossier).code


def test_a_code_has_no_look_alikes_and_is_made_once(office):
    done = finished(office, "counter")

    again = collecting.wait_at_desk(done, timezone.now())

    assert Collection.objects.filter(dossier=done).count() == 1
    assert len(again.code) == 8 and not set(again.code) & set("01OIL")


def test_a_result_is_found_by_code_card_receipt_number_and_dossier_code(office, desk):
    done = finished(office, "counter")
    other = finished(office, "post", HOME)
    Dossier.objects.filter(pk=other.pk).update(state=State.RETURNED)
    token = done.papers.get(kind=Paper.Kind.RECEIPT).token
    code = code_of(done)

    by_code = find(desk, f" {code[:4].lower()}-{code[4:].lower()} ")
    by_card = find(desk, CARD)
    others = [find(desk, f"http://testserver/xac-thuc/{token}/"), find(desk, "0912345678")]
    others.append(find(desk, done.code))

    assert f'value="{code}"' in by_code and 'value="code" id="id_proof_0" checked' in by_code
    assert "Tên trên thẻ vừa quét: Trần Thị Bình" in by_card
    assert 'value="1234"' in by_card and "045190001234" not in by_card.split("<form")[-1]
    assert all(done.code in text and "Trả kết quả và in phiếu" in text for text in others)


def test_of_several_results_of_one_person_one_is_pressed(office, desk):
    first, second = finished(office, "counter"), finished(office, "counter")

    both = find(desk, CARD)
    chosen = find(desk, CARD, chosen=str(second.pk))

    assert first.code in both and second.code in both
    assert second.code in chosen and first.code not in chosen and 'value="1234"' in chosen


def test_what_does_not_fit_is_said_and_a_result_elsewhere_is_not_found(office, desk):
    done = finished(office, "counter")
    elsewhere = Client()
    elsewhere.force_login(factories.official(Posting.Role.RECEPTION, factories.OTHER_COMMUNE))

    said = [
        find(desk, text) for text in ("045190001234|thiếu", "Không ai", "/xac-thuc/" + "x" * 22)
    ]
    answers = [find(elsewhere, code_of(done)), find(elsewhere, CARD)]
    page = elsewhere.get(reverse("admin:collect_one", args=[done.pk]))

    assert "Mới đọc được một phần" in said[0]
    assert "Không tìm thấy kết quả" in said[1] and "không phải giấy hẹn" in said[2]
    assert all(done.code not in text for text in answers) and page.status_code == 404


def test_wrong_codes_are_counted_for_the_official_and_logged_without_the_code(office, desk, caplog):
    done = finished(office, "counter")

    text = find(desk, "22222222")
    wrong = hand_over(desk, done, proof="code", code="33333333")
    for _time in range(collecting.WRONG_CODES_A_DAY):
        throttling.note_failure(f"collect:{office.reception.pk}")
    worn_out = find(desk, code_of(done))
    still = hand_over(desk, done, proof="code", code=code_of(done))

    assert "không có kết quả nào chờ trả mang mã này" in text.lower()
    assert wrong.status_code == 409 and "không đúng với hồ sơ này" in wrong.content.decode()
    assert "tạm khóa cách này" in worn_out and "tạm khóa cách này" in still.content.decode()
    logged = [row for row in caplog.messages if "wrong collection code" in row]
    assert len(logged) == 2 and not any("33333333" in row for row in caplog.messages)
    assert Dossier.objects.get(pk=done.pk).state == State.COMPLETED
    with refused(workflow.Refused, "không đúng với hồ sơ này"):
        workflow.perform(done, "hand_over", by=office.reception, proof="code", code="3" * 8)


def test_who_collects_for_another_brings_a_mandate_and_signs_a_slip(office, desk):
    done = finished(office, "counter")
    thay = {"collected_by": "authorised", "proof": "code", "code": code_of(done)}

    bare = hand_over(desk, done, collected_by="", proof="")
    half = hand_over(desk, done, **thay, collector_number="12a4")
    given = hand_over(
        desk, done, **thay, collector="Lê Văn Cháu", collector_number="1234",
        mandate="Giấy ủy quyền ngày 20/11/2026",
    )  # fmt: skip
    after = desk.get(given.url).content.decode()

    assert "giấy tờ đã đối chiếu của người đến nhận" in bare.content.decode()
    text = half.content.decode()
    assert "bốn số cuối" in text and "giấy ủy quyền: số, ngày" in text
    assert "họ tên người được ủy quyền" in text
    row = Collection.objects.get(dossier=done)
    assert (row.collector, row.collector_name, row.collector_number, row.proof) == (
        "authorised", "Lê Văn Cháu", "1234", "code",
    )  # fmt: skip
    assert row.handed_by == office.reception and row.collected_at
    slip = done.papers.get(kind=Paper.Kind.HANDOVER)
    assert slip.facts["results"] == [
        {"title": done.results.get().title, "sha256": done.results.get().sha256}
    ]
    assert (slip.facts["mandate"], slip.facts["card_ends_in"]) == (
        "Giấy ủy quyền ngày 20/11/2026", "1234",
    )  # fmt: skip
    event = done.events.get(name="hand_over")
    assert (event.data["collector"], event.data["proof"]) == ("authorised", "code")
    assert "Cháu" not in str(event.data) and "đang lập" in after
    agency = Agency.objects.get(code=factories.DESK)
    [line] = register.lines(list(register.entries(agency, timezone.localdate().year)))
    assert line["collector"] == "Lê Văn Cháu (nhận thay)"
    assert line["delivery"] == Dossier.Delivery.COUNTER.label


def test_a_second_press_hands_nothing_over_again_and_says_who_was_first(office, desk):
    done = finished(office, "counter")

    hand_over(desk, done)
    again = desk.post(
        reverse("admin:collect_one", args=[done.pk]),
        {"version": done.version, "collected_by": "self", "proof": "card"}, follow=True,
    )  # fmt: skip

    assert "đã thực hiện “Trả kết quả”" in again.content.decode()
    assert done.papers.filter(kind=Paper.Kind.HANDOVER).count() == 1


def test_what_is_owed_is_shown_and_nothing_is_handed_over(office, desk):
    dossier = factories.filed(factories.BIRTH)
    Dossier.objects.filter(pk=dossier.pk).update(
        state=State.COMPLETED, delivery="counter", completed_at=timezone.now()
    )
    Result.objects.create(dossier=dossier, title="Giấy khai sinh", is_made_here=False)
    dossier = Dossier.objects.get(pk=dossier.pk)

    page = desk.get(reverse("admin:collect_one", args=[dossier.pk])).content.decode()
    pressed = hand_over(desk, dossier)

    assert "Chưa nộp đủ phí, lệ phí" in page and "16.000" not in page.split("<h1")[0]
    assert pressed.status_code == 409
    assert Dossier.objects.get(pk=dossier.pk).state == State.COMPLETED


def test_a_batch_hands_over_only_those_of_which_it_was_said_who_collects(office, desk):
    said, unsaid = finished(office, "counter"), finished(office, "counter")
    chosen = [f"{row.pk}:{row.version}" for row in (said, unsaid)]
    url, data = reverse("admin:dossiers_batch"), {"move": "hand_over", "chosen": chosen}

    asked = desk.post(url, data).content.decode()
    given = {f"collected_by-{said.pk}": "self", f"proof-{said.pk}": "card"}
    done = desk.post(url, {**data, **given, "sure": "1"}, follow=True).content.decode()

    assert f'name="collected_by-{unsaid.pk}"' in asked and 'value="code"' not in asked
    assert "Chưa ghi ai đến nhận hồ sơ này" in done
    assert Dossier.objects.get(pk=said.pk).state == State.RETURNED
    assert Dossier.objects.get(pk=unsaid.pk).state == State.COMPLETED
    assert Collection.objects.get(dossier=said).proof == "card"


def test_a_result_that_nobody_fetches_is_reminded_three_times_and_then_listed(office, desk):
    now = timezone.now()
    with time_machine.travel(now, tick=False) as clock:
        done = finished(office, "counter")
        assert reminding.remind_uncollected() == 0
        told = []
        for days in (3, 3, 9, 10, 45, 60):
            clock.move_to(now + datetime.timedelta(days=days, minutes=1))
            told.append(reminding.remind_uncollected())
        desk.force_login(office.reception)
        page = desk.get(reverse("admin:uncollected")).content.decode()

    assert told == [1, 0, 0, 1, 1, 0]
    notices = done.notices.filter(kind="remind_collect")
    assert notices.count() == 3 and all(code_of(done) in row.body for row in notices)
    assert done.code in page and "60" in page and "3 lần" in page


def test_the_desks_pages_ask_as_much_for_nine_results_as_for_three(office, desk):
    def asked() -> list[int]:
        Collection.objects.update(ready_at=timezone.now() - datetime.timedelta(days=20))
        counts = []
        for name in ("uncollected", "parcels"):
            with CaptureQueriesContext(connection) as queries:
                assert desk.get(reverse(f"admin:{name}")).status_code == 200
            counts.append(len(queries))
        return counts

    def three() -> None:
        finished(office, "counter")
        finished(office, "post", HOME)
        finished(office, "post")  # without an address, so it cannot be sent

    three()
    asked()
    before = asked()
    three()
    three()

    assert asked() == before


# --- Races ------------------------------------------------------------------------------


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_officials_hand_one_result_over_once():
    office = factories.Office()
    done = finished(office, "counter")
    people = (office.reception, factories.official(Posting.Role.RECEPTION))

    outcomes = together(
        [
            partial(workflow.perform, done, "hand_over", by=by, version=done.version, proof="card")
            for by in people
        ]
    )

    assert len(succeeded(outcomes)) == 1 and isinstance(raised(outcomes)[0], workflow.Stale)
    assert done.papers.filter(kind=Paper.Kind.HANDOVER).count() == 1
