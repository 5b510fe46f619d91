"""The papers of an office about its own work, as they are printed, signed and kept."""

from __future__ import annotations

import hashlib
import io
from datetime import date

import pikepdf
import pytest
import time_machine
from django.contrib.auth import get_user_model
from django_tasks_db.models import DBTaskResult

from dossiers import due, signing
from dossiers.models import OfficePaper
from dossiers.reports import official, periods, register
from procedures.models import Agency
from tests import factories
from tests.dossiers.counted import at, done, some_work
from tests.dossiers.test_paper_templates import words
from tests.dossiers.test_register import entered

pytestmark = pytest.mark.django_db

REGISTER = "/quan-tri/so-theo-doi/"


@pytest.fixture(autouse=True)
def tuesday_morning():
    """Tuesday 24/11/2026, 9:00."""
    with time_machine.travel(at(24, 9), tick=False):
        yield


@pytest.fixture
def commune():
    factories.offices()
    return Agency.objects.get(code=factories.COMMUNE)


def body(response) -> bytes:
    return b"".join(response.streaming_content)


def test_a_kept_report_is_signed_checked_in_public_and_never_worked_out_again(
    client, commune, run_tasks
):
    some_work(commune)
    leader = factories.official("leader", full_name="Hoàng Văn Ký")
    client.force_login(leader)
    all_points = {f"points_{number}": "1,5" for number in official.JUDGED}

    response = client.post(
        "/quan-tri/bao-cao/da-chot/",
        {"agency": commune.pk, "first": "2026-10-15", "last": "2026-11-14", **all_points},
    )
    paper = OfficePaper.objects.get()
    done(commune, "late", at(7), submitted_at=at(2))
    run_tasks()
    paper.refresh_from_db()

    assert response.status_code == 302
    assert (paper.kind, paper.signed_by, paper.created_by) == ("report", leader, leader)
    assert (paper.first_day, paper.last_day) == (date(2026, 10, 15), date(2026, 11, 14))
    with paper.file.open() as file:
        pdf = file.read()
    assert hashlib.sha256(pdf).hexdigest() == paper.sha256
    assert signing.check(pdf).is_genuine
    text = words(pdf)
    for phrase in (
        "BÁO CÁO TÌNH HÌNH, KẾT QUẢ GIẢI QUYẾT THỦ TỤC HÀNH CHÍNH",
        "Biểu số II.06a/VPCP/KSTT", "01/BC", "Tổng số 7 6 1 0 4 1 1 2 1 0 1",
        "từ chối tiếp nhận 1, dừng giải quyết 0, công dân rút 1 hồ sơ",
        "Tổng điểm:", "không có số liệu", "Hoàng Văn Ký",
    ):  # fmt: skip
        assert phrase in text, phrase
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert len(document.pages) == 3
        box = document.pages[0].mediabox
        assert box[2] > box[3]
    client.logout()
    public = client.get(f"/xac-thuc/{paper.token}/").content.decode()
    assert paper.sha256 in public
    assert "15/10/2026" in public


def test_a_span_is_printed_in_numbered_prints_that_stay_as_they_are(client, commune, run_tasks):
    desk = factories.official("reception")
    client.force_login(desk)
    entered(commune, 20)

    response = client.post(REGISTER, {"tu": "2026-11-01", "den": "2026-11-24"})
    paper = OfficePaper.objects.get()
    run_tasks()
    content = body(client.get(f"{response.url}tep/"))
    get_user_model().objects.update(full_name="Người Khác")
    again = body(client.get(f"{response.url}tep/"))

    assert content == again
    text = words(content)
    for phrase in (
        "SỔ THEO DÕI HỒ SƠ", "Quyển số: 01/2026", "Số: 01/STD", "Gồm 20 dòng",
        "Tên thủ tục hành chính", "Chuyển cơ quan giải quyết", "Ký nhận",
    ):  # fmt: skip
        assert phrase in text, phrase
    with pikepdf.open(io.BytesIO(content)) as pdf:
        assert len(pdf.pages) == 3
        assert pdf.pages[0].mediabox[2] > pdf.pages[0].mediabox[3]
    assert client.get(f"/xac-thuc/{paper.token}/").status_code == 200


def test_a_paper_of_an_office_that_was_never_printed_is_asked_for_again(commune):
    with time_machine.travel(at(23, 9), tick=False):
        entered(commune, 1)
        first = periods.of_day(date(2026, 11, 23))
        register.ask_to_print(commune.receiving, first, by=factories.official("reception"))
    DBTaskResult.objects.all().delete()

    due.ask_again()
    due.ask_again()

    waiting = DBTaskResult.objects.filter(task_path__endswith="make_office_paper")
    assert [task.args_kwargs["args"] for task in waiting] == [[OfficePaper.objects.get().pk]]
