"""Quick entry: a person, a procedure, two numbers, and the result in their hands."""

from __future__ import annotations

import threading

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection

from dossiers import tasks, workflow
from dossiers.counter import quick
from dossiers.models import Dossier, Paper, RegisterEntry
from dossiers.models.keys import new_key
from procedures.models import Agency, Posting
from tests import factories

pytestmark = pytest.mark.django_db
CARD = "045190001234"
PERSON = {"full_name": "Trần Thị Bình", "citizen_number": CARD, "phone": ""}
TWO_COPIES = {"giay_to": {"so_trang": 3, "so_ban": 2}}


def fresh(dossier: Dossier) -> Dossier:
    return Dossier.objects.get(pk=dossier.pk)


def recorded(by=None, *, code: str = factories.CERTIFIED_COPY, **details) -> Dossier:
    procedure = factories.procedure(code)
    by = by or factories.official(Posting.Role.RECEPTION)
    details = {"person": PERSON, "answers": TWO_COPIES, "form_key": new_key()} | details
    details.setdefault("office", Agency.objects.get(code=factories.COMMUNE))
    return quick.record(procedure.current, by=by, **details)


def test_a_quick_entry_goes_to_the_approver_in_one_move():
    dossier = recorded()

    assert dossier.state == Dossier.State.AWAITING_APPROVAL
    assert dossier.is_at_once and dossier.code
    assert dossier.owner.citizen_number == CARD
    assert not dossier.owner.has_usable_password()
    assert dossier.answers["nguoi_yeu_cau"]["ho_ten"] == "Trần Thị Bình"
    assert [payment.amount for payment in dossier.payments.all()] == [10_000]
    assert [event.name for event in dossier.events.all()] == ["record_at_once"]
    assert RegisterEntry.objects.get().dossier_id == dossier.pk
    assert dossier.search_terms.filter(value="binh thi tran").exists()
    assert not Paper.objects.exists()
    assert not dossier.notices.exists()


def test_the_day_s_signature_completes_and_returns_it_as_of_the_entry():
    cashier = factories.official(Posting.Role.RECEPTION)
    desk = Agency.objects.get(code=factories.DESK)
    Posting.objects.create(user=cashier, agency=desk, role=Posting.Role.CASHIER)
    dossier = recorded(cashier, cash_taken=True, wants_receipt=True)

    with pytest.raises(workflow.NotAllowed):
        workflow.perform(dossier, "approve", by=cashier)
    approver = factories.official(Posting.Role.APPROVER)
    workflow.perform(dossier, "approve", by=approver)
    # Only these two of the tasks: printing papers costs seconds.
    tasks.finish_result.call(dossier.results.get().pk)
    tasks.give_online.call(dossier.pk)

    done = fresh(dossier)
    assert done.state == Dossier.State.RETURNED
    assert done.returned_at == done.ended_at == done.submitted_at
    assert done.timing != Dossier.Timing.LATE
    assert done.approved_by == approver
    assert done.results.get().facts == {"given": "Giao bản giấy tại quầy"}
    assert not done.results.get().file
    assert {paper.kind for paper in done.papers.all()} == {"receipt", "payment"}
    assert done.payments.get().method == "cash"
    assert not done.notices.exists()


def test_what_was_not_paid_waits_for_the_cashier_and_is_then_returned(client):
    dossier = recorded()
    workflow.perform(dossier, "approve", by=factories.official(Posting.Role.APPROVER))
    tasks.finish_result.call(dossier.results.get().pk)
    assert fresh(dossier).state == Dossier.State.COMPLETED

    client.force_login(factories.official(Posting.Role.CASHIER))
    payment = dossier.payments.get()
    client.post(f"/quan-tri/payments/payment/{payment.reference}/thu-tien-mat/")
    tasks.give_online.call(dossier.pk)

    assert dossier.payments.get().state == "paid"
    assert fresh(dossier).state == Dossier.State.RETURNED
    assert fresh(dossier).returned_at == dossier.submitted_at


def test_a_citizen_s_own_draft_is_never_recorded_by_reception():
    factories.procedure(factories.COPY)
    draft = factories.draft(factories.COPY)

    with pytest.raises(workflow.NotPossible):
        workflow.perform(draft, "record_at_once", by=factories.official(Posting.Role.RECEPTION))


# --- The screen -----------------------------------------------------------------------


def typed(**changes) -> dict[str, str]:
    return {
        "full_name": "Trần Thị Bình",
        "citizen_number": "045 190 001234",
        "procedure": factories.CERTIFIED_COPY,
        "shown": factories.CERTIFIED_COPY,
        "cau-giay_to.so_trang": "3",
        "cau-giay_to.so_ban": "2",
        "fee_seen": "10000",
        "form_key": "a" * 22,
        "action": "done",
    } | changes


@pytest.fixture
def desk(client):
    """A signed-in receptionist's browser."""
    factories.procedure(factories.CERTIFIED_COPY)
    client.official = factories.official(Posting.Role.RECEPTION)
    client.force_login(client.official)
    return client


URL = "/quan-tri/nhap-nhanh/"


def test_done_leads_back_to_the_empty_screen_that_says_code_and_fee(desk):
    answer = desk.post(URL, typed(), follow=True)

    dossier = Dossier.objects.get()
    page = answer.content.decode()
    assert dossier.code in page and "10.000 đồng" in page and "chờ thu ngân" in page
    assert 'name="full_name" value' not in page
    assert 'value="2.000815" selected' in page
    assert desk.post(URL, typed()).status_code == 302  # the same press again
    assert Dossier.objects.get() == dossier


def test_the_fee_is_seen_before_anything_is_recorded(desk):
    first = desk.post(URL, typed(fee_seen=""))

    assert "Phí là 10.000 đồng" in first.content.decode()
    assert 'name="fee_seen" value="10000"' in first.content.decode()
    assert not Dossier.objects.exists()


WRONG = [
    ({"cau-giay_to.so_trang": "0"}, "Số nhỏ nhất là 1"),
    ({"cau-giay_to.so_ban": "10.000"}, "Số lớn nhất là 100"),
    ({"cau-giay_to.so_ban": ""}, "Hãy nhập: Cần bao nhiêu bản sao"),
    ({"full_name": ""}, "Hãy ghi họ và tên"),
    ({"full_name": "Bình 123"}, "chỉ gồm chữ cái"),
    ({"citizen_number": "04519000"}, "đúng 12 chữ số"),
    ({"citizen_number": ""}, "đánh dấu là không có số"),
    ({"phone": "12"}, "Điện thoại"),
    ({"card": "045190001234|0451"}, "Mới đọc được một phần mã"),
    ({"procedure": factories.FUNERAL}, "errornote"),
    ({"office": "999999"}, "errornote"),
    ({"cash_taken": "on"}, "Chỉ thu ngân"),
    ({"reserved_code": "000.01.61.H50-261124-0001"}, "phải ghi mã, giờ và lý do"),
]


def test_what_is_wrong_is_said_and_the_rest_stays(desk):
    for changes, words in WRONG:
        page = desk.post(URL, typed(**changes)).content.decode()

        assert words in page, changes
        assert "full_name" in changes or 'value="Trần Thị Bình"' in page
    assert not Dossier.objects.exists()
    assert not get_user_model().objects.filter(citizen_number=CARD).exists()


def test_a_card_without_the_script_fills_the_person_and_records_nothing(desk):
    card = f"{CARD}||Trần Thị Bình|02031990|Nữ|Thôn 5, Gio Linh|10052021"
    sent = typed(card=card, full_name="", citizen_number="")

    page = desk.post(URL, sent).content.decode()

    assert 'value="Trần Thị Bình"' in page and f'value="{CARD}"' in page
    assert card not in page
    assert not Dossier.objects.exists()


def test_a_number_of_somebody_else_is_compared_before_it_is_used(desk):
    recorded(desk.official)

    page = desk.post(URL, typed(full_name="Trần Văn Bình")).content.decode()
    desk.post(URL, typed(full_name="Trần Văn Bình", is_same_person="on"))

    assert "mang tên Trần Thị Bình" in page
    assert Dossier.objects.count() == 2
    assert get_user_model().objects.filter(citizen_number=CARD).count() == 1


def test_a_person_without_a_number_gets_an_account_that_nobody_else_is_matched_with(desk):
    factories.procedure(factories.SIGNATURE)
    sent = typed(citizen_number="", no_number="on", procedure=factories.SIGNATURE,
                 shown=factories.SIGNATURE)  # fmt: skip

    for key in "ab":
        desk.post(URL, sent | {"form_key": key * 22, "fee_seen": "10000"})

    owners = {dossier.owner for dossier in Dossier.objects.all()}
    assert len(owners) == 2
    assert {owner.citizen_number for owner in owners} == {""}


def test_an_official_enters_nothing_for_themself_and_nobody_else_enters_at_all(desk, client):
    desk.official.citizen_number = CARD
    desk.official.save()

    assert "của chính mình" in desk.post(URL, typed()).content.decode()
    client.force_login(factories.official(Posting.Role.CASE_OFFICER))
    assert client.get(URL).status_code == client.post(URL, typed()).status_code == 403
    assert not Dossier.objects.exists()


def test_the_script_is_told_the_questions_the_fee_and_the_card(desk):
    factories.procedure(factories.COPY)
    part = desk.get(f"{URL}phan/", {"procedure": factories.COPY}).content.decode()
    fee = {"procedure": factories.COPY, "cau-viec_dang_ky.loai": "khai_sinh",
           "cau-ban_sao.so_luong": "2"}  # fmt: skip

    assert "Xin bản sao của việc nào" in part and "<h1" not in part
    assert "16.000 đồng" in desk.get(f"{URL}phan/", fee).content.decode()
    card = f"{CARD}||Trần Thị Bình|02031990|Nữ|Thôn 5|10052021"
    assert desk.post(f"{URL}the/", {"card": card}).json()["fields"]["citizen_number"] == CARD
    assert desk.post(f"{URL}the/", {"card": "045"}).status_code == 422


def test_the_screen_asks_the_database_the_same_whatever_was_recorded(
    desk, django_assert_max_num_queries
):
    with django_assert_max_num_queries(20) as empty:
        desk.get(URL)
    for _number in range(3):
        recorded(desk.official)

    with django_assert_max_num_queries(len(empty)):
        desk.get(URL)


def test_what_the_catalogue_or_the_office_does_not_allow_is_refused(desk, tmp_path):
    swaps = ("amount: 10.000", "amount: unknown"), ("confirmed: yes", "confirmed: no")
    factories.altered_procedure(tmp_path, factories.SIGNATURE, *swaps)
    sent = typed(procedure=factories.SIGNATURE, shown=factories.SIGNATURE, fee_seen="0")

    assert "Chưa có mức thu" in desk.post(URL, sent).content.decode()
    with pytest.raises(workflow.NotPossible):
        recorded(desk.official, code=factories.FUNERAL)
    with pytest.raises(workflow.NotAllowed):
        recorded(desk.official, office=Agency.objects.get(code=factories.OTHER_COMMUNE))
    assert not Dossier.objects.exists()


# --- At the same moment ---------------------------------------------------------------


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_locked", [True, False])
def test_one_press_sent_four_times_makes_one_dossier(is_locked, monkeypatch):
    clerk, key = factories.official(Posting.Role.RECEPTION), new_key()
    factories.procedure(factories.CERTIFIED_COPY)
    start, outcomes = threading.Barrier(4), []
    if not is_locked:  # the control: the presses run into the key, which the database keeps one
        monkeypatch.setattr(quick, "_one_at_a_time", lambda by: None)

    def press() -> None:
        start.wait(timeout=20)
        try:
            outcomes.append(recorded(clerk, form_key=key).code)
        except IntegrityError:
            outcomes.append("refused by the database")
        finally:
            connection.close()

    threads = [threading.Thread(target=press) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert Dossier.objects.count() == 1
    assert (len(set(outcomes)) == 1) is is_locked
