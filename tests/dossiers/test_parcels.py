"""Results by post: parcels, labels, the list to sign, the post's file, what comes back."""

from __future__ import annotations

import datetime
import io
import zipfile
from functools import partial

import openpyxl
import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import QuerySet
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dossiers import papers, workflow
from dossiers.handing import addresses, postfiles, posting, reminding
from dossiers.models import Dossier, OfficePaper, Paper, Parcel, ParcelEvent, Postage, Result
from dossiers.reports import register
from payments.models import Payment
from procedures import papers as printing
from procedures import tables
from procedures.models import Agency
from tests import factories
from tests.dossiers.refusals import refused
from tests.dossiers.test_delivery import HOME, finished
from tests.dossiers.test_paper_templates import golden, words
from tests.dossiers.test_races import together

pytestmark = pytest.mark.django_db

State = Dossier.State
NUMBER, OTHER = "EB125966888VN", "CA000000014VN"
HEADING = "Mã bưu gửi,Trạng thái,Thời gian,Người nhận"


@pytest.fixture
def office():
    return factories.Office()


@pytest.fixture
def desk(office):
    client = Client()
    client.force_login(office.reception)
    return client


def parcel_of(dossier: Dossier) -> Parcel:
    return Parcel.objects.filter(dossier=dossier).latest("pk")


def sent(office, number: str = NUMBER) -> Parcel:
    """A parcel that was handed to the post two hours ago."""
    done = finished(office, "post", HOME)
    workflow.perform(done, "send_by_post", by=office.reception, tracking_number=number)
    then = timezone.now() - datetime.timedelta(hours=2)
    Parcel.objects.filter(dossier=done).update(state_at=then)
    return parcel_of(done)


def ago(minutes: int) -> str:
    moment = timezone.localtime() - datetime.timedelta(minutes=minutes)
    return f"{moment:%d/%m/%Y %H:%M}"


def take(office, *lines: str, encoding: str = "utf-8") -> postfiles.Outcome:
    desks = [Agency.objects.get(code=factories.DESK).pk]
    text = "\r\n".join((HEADING, *lines))
    return postfiles.take(io.BytesIO(text.encode(encoding)), desks)


# --- Ready ------------------------------------------------------------------------------


def test_a_result_by_post_with_nothing_owed_is_a_parcel_with_its_postage_and_label(office):
    agency = Agency.objects.get(code=factories.DESK)
    Postage.objects.create(agency=agency, reach=Postage.Reach.NEAR, amount=20_000)

    done = finished(office, "post", HOME)

    parcel = parcel_of(done)
    assert (parcel.state, parcel.recipient, parcel.phone) == (
        "ready",
        "Trần Thị Bình",
        "0912345678",
    )
    assert (parcel.reach, parcel.postage) == (Postage.Reach.NEAR, 20_000)
    facts = parcel.label.facts
    assert parcel.label.kind == Paper.Kind.LABEL in Paper.INTERNAL
    assert (facts["link"], facts["postage"]) == (done.code, "20.000 đồng")
    # A label is read by everybody on the way.
    assert "procedure" not in facts and done.revision.name not in str(facts)


@pytest.mark.parametrize(
    "commune, reach",
    [("19495", "near"), ("19333", "province"), ("00004", "country"), ("", "country")],
)
def test_how_far_it_goes_is_told_by_the_commune(commune, reach):
    factories.offices()
    desk = Agency.objects.get(code=factories.DESK)
    handling = Agency.objects.get(code=factories.COMMUNE)

    assert addresses.reach([desk, handling], commune) == reach


def test_what_is_owed_keeps_the_parcel_back_until_it_is_settled(office, desk):
    dossier = factories.filed(factories.BIRTH)
    Dossier.objects.filter(pk=dossier.pk).update(
        state=State.COMPLETED, delivery="post", delivery_address=HOME, completed_at=timezone.now()
    )
    Result.objects.create(dossier=dossier, title="Giấy khai sinh", is_made_here=False)
    dossier = Dossier.objects.get(pk=dossier.pk)
    prepare = partial(workflow.perform, dossier, "prepare_parcel", by=office.reception)

    page = desk.get(reverse("admin:parcels")).content.decode()
    with refused(workflow.Refused, "Chưa nộp"):
        prepare(originals_received=True)
    _pay_everything(dossier)
    assert posting.make_paid() == 0  # the originals are still owed
    with refused(workflow.Refused, "Còn chờ bản chính"):
        prepare()
    prepare(originals_received=True)

    assert "Chưa nộp: Phí cấp bản sao" in page and "Còn chờ bản chính: Giấy chứng sinh" in page
    assert parcel_of(dossier).state == Parcel.State.READY


def _pay_everything(dossier: Dossier) -> None:
    from dossiers import filing

    lines = [
        line.as_json() if hasattr(line, "as_json") else vars(line)
        for line in filing.charges(dossier)
    ]
    Payment.objects.create(
        dossier=dossier, lines=[{"key": row["key"], "amount": row["amount"]} for row in lines],
        amount=1, state=Payment.State.PAID, paid_at=timezone.now(),
    )  # fmt: skip


def test_money_that_comes_after_the_result_lets_the_parcel_go(office):
    done = finished(office, "post", HOME)
    Parcel.objects.filter(dossier=done).delete()
    assert posting.make_paid() == 0

    Payment.objects.create(
        dossier=done, lines=[], amount=1, state=Payment.State.PAID, paid_at=timezone.now()
    )

    assert (posting.make_paid(), posting.make_paid()) == (1, 0)
    assert parcel_of(done).state == Parcel.State.READY


# --- Handed to the post -----------------------------------------------------------------


@pytest.mark.parametrize(
    "typed, complaint",
    [("", "ghi hoặc quét"), ("mã số?", "chỉ gồm chữ cái"), ("EB125966887VN", "chữ số kiểm tra")],
)
def test_what_is_no_number_of_a_parcel_is_refused_in_words(typed, complaint):
    with refused(workflow.Refused, complaint):
        posting.tracking_number(typed)


def test_parcels_are_labelled_and_handed_over_together_with_a_list(office, desk):
    first, second = finished(office, "post", HOME), finished(office, "post", HOME)
    chosen = [parcel_of(first), parcel_of(second)]
    url, keys = reverse("admin:parcels_chosen"), [row.pk for row in chosen]
    typed = {f"number-{keys[0]}": "eb 125 966 888 vn", f"number-{keys[1]}": NUMBER}

    early = desk.post(url, {"chosen": keys, "labels": "1"}, follow=True).content.decode()
    for parcel in chosen:
        parcel.label.file.save("x.pdf", ContentFile(factories.pdf().read()))
    labels = b"".join(desk.post(url, {"chosen": keys, "labels": "1"}))
    asked = desk.post(url, {"chosen": keys, "hand": "1"}).content.decode()
    doubled = desk.post(url, {"chosen": keys, "sure": "1", "carrier": "VNPost", **typed})
    typed[f"number-{keys[1]}"] = OTHER
    handed = desk.post(url, {"chosen": keys, "sure": "1", "carrier": "VNPost", **typed})
    again = desk.post(url, {"chosen": keys, "sure": "1", **typed}, follow=True).content.decode()

    assert "Nhãn đang được lập" in early and labels.startswith(b"%PDF")
    assert f'name="number-{keys[1]}"' in asked
    assert doubled.status_code == 422 and "đã ghi cho bưu gửi khác" in doubled.content.decode()
    paper = OfficePaper.objects.get(kind=OfficePaper.Kind.POSTED)
    assert handed.url == reverse("admin:office_paper", args=[paper.token])
    assert {row["tracking_number"] for row in paper.facts["rows"]} == {NUMBER, OTHER}
    assert paper.facts["symbol"] == "01/BKBC" and paper.facts["carrier"] == "VNPost"
    assert "không còn chờ gửi" in again and OfficePaper.objects.count() == 1
    parcel = parcel_of(first)
    assert (parcel.state, parcel.tracking_number) == ("handed", NUMBER)
    assert NUMBER in first.notices.get(kind="send_by_post").body
    assert first.events.get(name="send_by_post").data["parcel"] == parcel.pk


def test_a_number_that_another_parcel_has_hands_nothing_over(office):
    sent(office)
    done = finished(office, "post", HOME)
    rows = [(parcel_of(done), NUMBER)]

    with refused(workflow.Refused, "đã dùng cho bưu gửi khác"):
        posting.hand_to_post(rows, done.receiving_agency, carrier="", by=office.reception)

    assert parcel_of(done).state == Parcel.State.READY and not OfficePaper.objects.exists()


def test_what_lies_with_the_post_is_neither_collected_nor_chosen_anew(office, desk):
    parcel = sent(office)
    dossier = parcel.dossier

    page = desk.get(reverse("admin:collect_one", args=[dossier.pk])).content.decode()
    with refused(workflow.Refused, "đang ở bưu điện"):
        workflow.perform(dossier, "hand_over", by=office.reception, proof="card")
    with refused(workflow.Refused, "đã giao cho bưu điện"):
        workflow.perform(dossier, "change_delivery", by=office.reception, delivery="counter")

    assert "đang ở bưu điện" in page and "Trả kết quả và in phiếu" not in page


# --- What the post says -----------------------------------------------------------------


def test_a_revoked_result_is_not_sent_and_its_delivery_is_noted_all_the_same(office):
    ready, away = finished(office, "post", HOME), sent(office, OTHER)
    Result.objects.update(revoked_at=timezone.now())

    with refused(workflow.Refused, "đã bị thu hồi"):
        workflow.perform(ready, "send_by_post", by=office.reception, tracking_number=NUMBER)
    take(office, f"{OTHER},Phát thành công,{ago(5)},")

    assert parcel_of(ready).state == "ready"
    assert Dossier.objects.get(pk=away.dossier_id).state == State.RETURNED


def test_a_delivered_parcel_hands_the_dossier_over_and_names_who_received_it(office):
    parcel = sent(office)

    outcome = take(office, f"{NUMBER},Phát thành công,{ago(30)},Trần Văn Con")

    dossier = Dossier.objects.get(pk=parcel.dossier_id)
    assert (outcome.new, outcome.unknown, outcome.wrong) == (1, [], [])
    assert dossier.state == State.RETURNED
    assert dossier.returned_at == ParcelEvent.objects.get(parcel=parcel, state="delivered").at
    event = dossier.events.get(name="hand_over")
    assert event.data["parcel"] == parcel.pk and "Con" not in str(event.data)
    agency = Agency.objects.get(code=factories.DESK)
    [line] = register.lines(list(register.entries(agency, timezone.localdate().year)))
    assert line["collector"] == f"bưu gửi {NUMBER}: Trần Văn Con"


def test_the_same_file_twice_and_lines_out_of_order_change_nothing_more(office):
    parcel = sent(office)
    lines = (
        f"{NUMBER},Phát thành công,{ago(30)},", f"{NUMBER},Đang vận chuyển,{ago(60)},",
        f"{NUMBER},Phát không thành công,{ago(10)},",
    )  # fmt: skip

    first, second = take(office, *lines), take(office, *lines)

    assert (first.new, first.known, second.new, second.known) == (3, 0, 0, 3)
    parcel = Parcel.objects.get(pk=parcel.pk)
    assert parcel.state == Parcel.State.DELIVERED
    assert parcel.dossier.events.filter(name="hand_over").count() == 1
    assert not parcel.dossier.notices.filter(kind="parcel_failed").exists()


def test_lines_that_are_wrong_or_of_nobody_are_listed_and_the_good_ones_kept(office):
    sent(office)
    tomorrow = timezone.localtime() + datetime.timedelta(days=1)

    outcome = take(
        office, f"{OTHER},Đã phát,{ago(5)},", f"{NUMBER},Bay lên trời,{ago(5)},", "",
        f"{NUMBER},Đã phát,hôm qua,", f"{NUMBER},Đã phát,{tomorrow:%d/%m/%Y %H:%M},",
        f",Đã phát,{ago(5)},", f"{NUMBER},Đang chuyển,{ago(40)},",
    )  # fmt: skip

    assert outcome.new == 1
    assert outcome.unknown == [(2, OTHER), (7, "không ghi mã bưu gửi")]
    said = " ".join(words for _place, words in outcome.wrong)
    assert [place for place, _words in outcome.wrong] == [3, 5, 6]
    assert "không hiểu trạng thái “Bay lên trời”" in said
    assert "không đọc được thời gian “hôm qua”" in said and "chưa tới" in said


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1258"])
def test_a_file_is_read_in_each_usual_encoding(office, encoding):
    import unicodedata

    sent(office)
    line = f"{NUMBER},Phát không thành công,{ago(5)},"
    if encoding != "cp1258":
        assert take(office, line, encoding=encoding).new == 1
        return
    # The code page has the tone marks apart from their vowels.
    text = "\r\n".join((HEADING, line))
    marked = "".join(_cp1258(char) for char in unicodedata.normalize("NFC", text))
    desks = [Agency.objects.get(code=factories.DESK).pk]
    assert postfiles.take(io.BytesIO(marked.encode("cp1258")), desks).new == 1


def _cp1258(char: str) -> str:
    import unicodedata

    try:
        char.encode("cp1258")
    except UnicodeEncodeError:
        parts = unicodedata.normalize("NFD", char)
        tones = "".join(part for part in parts[1:] if part in "\u0300\u0301\u0303\u0309\u0323")
        rest = unicodedata.normalize("NFC", "".join(part for part in parts if part not in tones))
        return rest + tones
    return char


def test_a_workbook_is_read_with_its_own_times(office, desk):
    parcel = sent(office)
    book = openpyxl.Workbook()
    book.active.append(["Danh sách bưu gửi"])
    book.active.append(["STT", "Số hiệu bưu gửi", "Tình trạng", "Ngày giờ", "Lý do"])
    moment = timezone.localtime().replace(tzinfo=None, microsecond=0)
    book.active.append([1, NUMBER, "Đang chuyển hoàn", moment, "Người nhận đi vắng"])
    file = io.BytesIO()
    book.save(file)
    upload = SimpleUploadedFile("buu-dien.xlsx", file.getvalue())

    page = desk.post(reverse("admin:parcels_file"), {"file": upload}, follow=True).content.decode()

    assert "1 tin mới đã ghi" in page
    notice = parcel.dossier.notices.get(kind="parcel_failed")
    assert "Bưu điện ghi: Người nhận đi vắng." in notice.body and NUMBER in notice.body


def test_a_workbook_is_not_unpacked_wide_and_a_broken_one_is_said_to_be():
    book = openpyxl.Workbook()
    book.active.append(HEADING.split(","))
    book.active["XFD2"] = "far away"
    file = io.BytesIO()
    book.save(file)
    broken = io.BytesIO()
    with zipfile.ZipFile(file) as whole, zipfile.ZipFile(broken, "w") as parts:
        for name in whole.namelist():
            parts.writestr(name, whole.read(name)[:40])

    [sheet] = tables.read(file.getvalue())
    assert max(len(row) for _place, row in sheet) == tables.MOST_COLUMNS
    with pytest.raises(tables.Unreadable, match="bảng tính"):
        list(tables.read(broken.getvalue()))


@pytest.mark.parametrize(
    "content, complaint",
    [
        (b"", "Tệp trống"),
        (b"a,b,c\n1,2,3\n", "dòng đầu ghi tên cột"),
        (b"\x81\x8d\x00\x00", "bảng mã"),
        (b"PK\x03\x04rubbish", "bảng tính"),
        (b"%PDF-1.7", "CSV hoặc XLSX"),
        (b"x" * (postfiles.MAX_BYTES + 1), "2 MB"),
        (f"{HEADING}\n".encode() + b"a,b,c,d\n" * (tables.MOST_ROWS + 1), "5.000 dòng"),
    ],
)
def test_a_file_that_is_none_changes_nothing_and_says_why(content, complaint):
    with pytest.raises(tables.Unreadable) as error:
        postfiles.take(io.BytesIO(content), [])

    assert complaint in str(error.value)


def test_an_official_notes_by_hand_what_the_post_says(office, desk):
    parcel = sent(office)
    url = reverse("admin:parcel", args=[parcel.pk])
    soon = timezone.localtime() + datetime.timedelta(hours=5)

    wrong = desk.post(url, {"state": "lost", "at": "25.11"}).content.decode()
    early = desk.post(url, {"state": "delivered", "at": f"{soon:%H:%M %d/%m/%Y}"}).content.decode()
    done = desk.post(url, {"state": "delivered", "at": ago(1), "note": "Chị Bình"})

    assert "Ghi như 09:30 25/11/2026." in wrong and "Thời gian này chưa tới." in early
    assert done.status_code == 302
    assert ParcelEvent.objects.get(parcel=parcel, state="delivered").by == office.reception
    assert Dossier.objects.get(pk=parcel.dossier_id).state == State.RETURNED
    assert desk.post(reverse("admin:parcel", args=[parcel.pk + 1])).status_code == 404


def test_nobody_notes_the_delivery_of_their_own_result(office, desk):
    parcel = sent(office)
    Dossier.objects.filter(pk=parcel.dossier_id).update(owner=office.reception)

    url = reverse("admin:parcel", args=[parcel.pk])
    page = desk.post(url, {"state": "delivered", "at": ago(1)}).content.decode()

    assert "Xin để người khác ghi" in page
    assert Dossier.objects.get(pk=parcel.dossier_id).state == State.COMPLETED


def test_what_came_back_is_chosen_anew_by_its_owner_and_sent_once_more(office, client):
    parcel = sent(office)
    take(office, f"{NUMBER},Đã hoàn về,{ago(5)},")
    dossier = Dossier.objects.get(pk=parcel.dossier_id)
    notice = dossier.notices.get(kind="parcel_came_back")
    client.force_login(dossier.owner)
    address = {
        "delivery": "post", "post_recipient": "Lê Văn Cháu", "post_phone": "0987654321",
        "post_commune": "Gio Linh, Quảng Trị", "post_detail": "Thôn 7",
    }  # fmt: skip

    own = client.get(dossier.get_absolute_url()).content.decode()
    page = client.get(notice.path).content.decode()
    answer = client.post(notice.path, address)

    assert "Chọn lại cách nhận" in own and "Đã hoàn về cơ quan" in own
    assert notice.path == reverse("dossiers:delivery", args=[dossier.code]) and notice.is_urgent
    assert "Đổi cách nhận kết quả" in page and answer.status_code == 302
    fresh = parcel_of(dossier)
    assert fresh.pk != parcel.pk and fresh.recipient == "Lê Văn Cháu"
    assert Parcel.objects.get(pk=parcel.pk).state == Parcel.State.CAME_BACK


def test_a_silent_parcel_is_told_to_the_desk_and_one_that_came_back_to_its_owner(office):
    silent, back = sent(office), sent(office, OTHER)
    posting.record(back, "came_back", at=timezone.now())
    old = timezone.now() - datetime.timedelta(days=11)
    Parcel.objects.update(state_at=old)

    told = (reminding.remind_parcels(), reminding.remind_parcels())

    assert told == (2, 0)
    notice = silent.dossier.notices.get(kind="parcels_silent")
    assert notice.recipient == office.reception and NUMBER in notice.body
    assert back.dossier.notices.filter(kind="parcel_came_back").count() == 2
    listed = reminding.uncollected(Dossier.objects.all())
    assert [row["days"] for row in listed] == [11, 11]


# --- Printed ----------------------------------------------------------------------------


def test_the_label_and_the_list_of_the_post_are_as_they_were():
    label = {
        "sender": "Bộ phận Tiếp nhận và Trả kết quả xã Gio Linh", "sender_phone": "0233 3825 000",
        "sender_address": "Xã Gio Linh, tỉnh Quảng Trị", "recipient": "<b>Nguyễn Thị Ngữ</b>",
        "phone": "0912345678", "detail": "Thôn 5", "commune": "Xã Gio Linh, Tỉnh Quảng Trị",
        "carrier": "Bưu điện Việt Nam", "tracking_number": NUMBER, "link": NUMBER,
        "postage": "theo bảng giá của bưu chính", "code": "000.00.40.H50-261123-0001",
        "issued_at": "2026-11-23T08:30:00+07:00", "is_sample": False,
    }  # fmt: skip
    row = {"tracking_number": NUMBER, "code": label["code"], "recipient": label["recipient"],
           "phone": label["phone"], "address": "Thôn 5, Xã Gio Linh, Tỉnh Quảng Trị"}  # fmt: skip
    posted = {
        "office": "Bộ phận Một cửa", "place": "Gio Linh", "issued_at": label["issued_at"],
        "symbol": "03/BKBC", "carrier": label["carrier"], "rows": [row], "officer": "Trần Văn Đức",
    }  # fmt: skip

    drawn = [
        printing.render(f"papers/{kind}.html", papers.print_context(facts, "x" * 22))
        for kind, facts in (("label", label), ("posted", posted))
    ]

    golden("label", drawn[0])
    golden("posted", drawn[1])
    assert all("<b>Nguyễn Thị Ngữ</b>" in words(pdf) for pdf in drawn)


# --- Races ------------------------------------------------------------------------------


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_locked", [True, False])
def test_two_files_at_once_leave_a_delivered_parcel_delivered(is_locked, monkeypatch):
    """The control has no locks: what failed overwrites what was delivered."""
    office = factories.Office()
    parcel = sent(office)
    if not is_locked:
        monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **options: rows)
    slowly = posting._note

    def note(*given, **more):
        is_new = slowly(*given, **more)
        import time

        time.sleep(0.1 if given[1] == "delivered" else 0.5)
        return is_new

    monkeypatch.setattr(posting, "_note", note)
    now = timezone.now()

    together([partial(posting.record, parcel, state, at=now) for state in ("delivered", "failed")])

    state = Parcel.objects.get(pk=parcel.pk).state
    assert (state == Parcel.State.DELIVERED) is is_locked
