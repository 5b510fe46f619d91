"""How the result is to come: chosen at filing, chosen anew, and what the pages say of it."""

from __future__ import annotations

import hashlib

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

from dossiers import workflow
from dossiers.admin.postage import PostageForm
from dossiers.counter import entry
from dossiers.models import Collection, Dossier, Parcel, Postage
from procedures.models import Agency
from tests import factories
from tests.dossiers import test_counter_entry as counter
from tests.dossiers.refusals import refused

pytestmark = pytest.mark.django_db

State = Dossier.State
HOME = {
    "recipient": "Trần Thị Bình", "phone": "0912345678", "commune": "19495",
    "name": "Xã Gio Linh, Tỉnh Quảng Trị", "detail": "Thôn 5",
}  # fmt: skip
TYPED = {
    "delivery": "post", "post_recipient": "Trần Thị Bình", "post_phone": "0912 345 678",
    "post_commune": "gio linh, quảng trị", "post_detail": "Thôn 5",
}  # fmt: skip


@pytest.fixture
def office():
    return factories.Office()


def to_come(dossier: Dossier, way: str, address: dict | None = None) -> Dossier:
    """The dossier with its wish, as filing leaves it."""
    Dossier.objects.filter(pk=dossier.pk).update(delivery=way, delivery_address=address or {})
    return Dossier.objects.get(pk=dossier.pk)


def finished(office, way: str, address: dict | None = None, **options) -> Dossier:
    """Decided and signed, as the task leaves it; nothing is owed."""
    dossier = office.approved(to_come(factories.filed(**options), way, address))
    result = dossier.results.latest("pk")
    result.file.save("x.pdf", ContentFile(b"%PDF-1.7"), save=False)
    result.sha256 = hashlib.sha256(b"%PDF-1.7").hexdigest()
    result.save()
    return workflow.perform(dossier, "complete", by=None)


def change_url(dossier: Dossier) -> str:
    return reverse("dossiers:delivery", args=[dossier.code])


# --- At filing --------------------------------------------------------------------------


def test_the_post_wants_a_whole_address_and_the_other_ways_none(client):
    draft = factories.draft()
    client.force_login(draft.owner)
    url = reverse("dossiers:check", args=[draft.key])
    data = {**TYPED, "declare": "1"}

    first = client.get(url).content.decode()
    wrong = client.post(
        url, {**data, "post_phone": "12", "post_commune": "Không có", "post_detail": ""}
    )
    filed = client.post(url, data)

    assert 'value="Xã Gio Linh, Tỉnh Quảng Trị"' in first and "bảng giá của bưu chính" in first
    text = wrong.content.decode()
    assert "Số điện thoại chưa đúng" in text and "Chưa tìm thấy “Không có”" in text
    assert "Hãy ghi số nhà, đường, thôn, khu phố nơi nhận." in text
    assert 'value="Trần Thị Bình"' in text and 'href="#id_post_detail"' in text
    assert filed.status_code == 302
    dossier = Dossier.objects.get(pk=draft.pk)
    assert (dossier.delivery, dossier.delivery_address) == ("post", HOME)


def test_what_stands_in_the_address_does_not_count_where_the_post_was_not_chosen(client):
    draft = factories.draft()
    client.force_login(draft.owner)
    data = {**TYPED, "delivery": "online", "post_phone": "12", "declare": "1"}

    client.post(reverse("dossiers:check", args=[draft.key]), data)

    dossier = Dossier.objects.get(pk=draft.pk)
    assert (dossier.delivery, dossier.delivery_address) == ("online", {})


def test_an_amount_that_nobody_confirmed_is_never_shown_as_one(client):
    draft = factories.draft()
    near, far = Postage.Reach.NEAR, Postage.Reach.COUNTRY
    Postage.objects.create(agency=draft.receiving_agency, reach=near, amount=20_000, source="mẫu")
    Postage.objects.create(agency=draft.receiving_agency, reach=far, amount=None)
    client.force_login(draft.owner)

    text = client.get(reverse("dossiers:check", args=[draft.key])).content.decode()

    assert "Trong địa bàn của cơ quan: 20.000 đồng (mẫu)" in text
    assert "Ngoài tỉnh: theo bảng giá của bưu chính" in text
    assert "không phải khoản thu của cơ quan" in text


def test_the_counter_takes_an_address_half_first_and_files_it_whole(client, office):
    client.force_login(office.reception)
    draft = counter.filled_draft(office.reception, factories.FUNERAL)
    data = counter.sheet(draft, **TYPED, is_signed="on") | counter.with_papers(draft)

    client.post(counter.url(draft), {**data, "post_detail": "", "save": "1"})
    half = Dossier.objects.get(pk=draft.pk)
    data |= {"seen": entry.digest(half), "hand_in": "1"}
    refused_page = client.post(counter.url(draft), {**data, "post_detail": ""})
    data |= {"seen": entry.digest(Dossier.objects.get(pk=draft.pk))}
    client.post(counter.url(draft), data)

    assert half.delivery_address == {**HOME, "detail": ""}
    assert refused_page.status_code == 422
    assert "Hãy ghi số nhà, đường, thôn, khu phố nơi nhận." in refused_page.content.decode()
    filed = Dossier.objects.get(pk=draft.pk)
    assert (filed.state, filed.delivery_address) == (State.SUBMITTED, HOME)


def test_an_amount_of_the_post_names_its_source():
    factories.offices()
    data = {"agency": Agency.objects.get(code=factories.DESK).pk, "reach": "near"}

    assert PostageForm({**data, "amount": ""}).is_valid()
    assert PostageForm({**data, "amount": "20000"}).errors["source"]
    assert PostageForm({**data, "amount": "20000", "source": "Bảng giá 2026"}).is_valid()


# --- Chosen anew ------------------------------------------------------------------------


def test_the_owner_chooses_anew_until_the_result_is_there(client, office):
    dossier = office.processing(factories.filed())
    client.force_login(dossier.owner)

    page = client.get(change_url(dossier)).content.decode()
    half = client.post(change_url(dossier), {**TYPED, "post_recipient": ""})
    stale = client.post(change_url(dossier), {**TYPED, "version": "0"})
    done = client.post(change_url(dossier), {**TYPED, "version": str(dossier.version)})

    assert "Đổi được cho đến khi có kết quả" in page
    assert "Hãy ghi họ tên người nhận." in half.content.decode()
    assert "Hồ sơ đã thay đổi" in stale.content.decode()
    assert done.status_code == 302
    dossier = Dossier.objects.get(pk=dossier.pk)
    assert (dossier.delivery, dossier.delivery_address) == ("post", HOME)
    event = dossier.events.get(name="change_delivery")
    assert event.data == {"from": "online", "to": "post"}
    assert dossier.notices.filter(kind="change_delivery").exists()
    assert "Thôn 5, Xã Gio Linh" in client.get(dossier.get_absolute_url()).content.decode()


def test_once_the_result_is_there_the_owner_is_told_why_not_and_the_desk_still_may(client, office):
    done = finished(office, "counter")
    client.force_login(done.owner)

    answer = client.get(change_url(done), follow=True)
    with refused(workflow.Refused, "sẵn sàng"):
        workflow.perform(done, "change_delivery", by=done.owner, delivery="post", address=HOME)
    workflow.perform(done, "change_delivery", by=office.reception, delivery="post", address=HOME)

    assert "không tự đổi trên cổng được nữa" in answer.content.decode()
    assert Parcel.objects.get(dossier=done).state == Parcel.State.READY


def test_a_result_that_is_there_on_paper_alone_does_not_come_online(office):
    done = finished(office, "counter")
    done.results.update(file="")

    with refused(workflow.Refused, "Hãy chọn một trong các cách"):
        workflow.perform(done, "change_delivery", by=office.reception, delivery="online")
    with refused(workflow.Refused, "đủ nơi nhận"):
        workflow.perform(
            done, "change_delivery", by=office.reception, delivery="post",
            address={**HOME, "detail": ""},
        )  # fmt: skip


def test_changed_to_online_a_finished_result_is_given_by_itself(office):
    from django_tasks_db.models import DBTaskResult

    done = finished(office, "post", HOME)

    workflow.perform(done, "change_delivery", by=office.reception, delivery="online")

    assert Parcel.objects.get(dossier=done).state == Parcel.State.CANCELLED
    assert DBTaskResult.objects.filter(task_path="dossiers.tasks.give_online").exists()


# --- What the pages say -----------------------------------------------------------------


def test_the_code_is_for_the_owner_and_the_secret_and_the_address_for_the_owner_alone(
    client, office
):
    done = finished(office, "counter")
    code = Collection.objects.get(dossier=done).code
    posted = finished(office, "post", HOME)
    tracking = {"code": done.code, "secret": done.secret}

    client.force_login(done.owner)
    own = client.get(done.get_absolute_url()).content.decode()
    client.logout()
    with_secret = client.post(reverse("dossiers:track"), tracking).content.decode()
    without = client.post(reverse("dossiers:track"), {"code": done.code}).content.decode()
    address = {"code": posted.code, "secret": posted.secret}
    of_parcel = client.post(reverse("dossiers:track"), address).content.decode()

    assert code in own and "data:image/svg" in own
    assert code in with_secret and code not in without
    assert "Chờ gửi bưu điện" in of_parcel and "Thôn 5" not in of_parcel.split("<main")[1]
    notice = done.notices.get(kind="complete")
    assert f"Mã nhận kết quả: {code}." in notice.body and code not in notice.subject
