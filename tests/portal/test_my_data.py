"""A copy of everything, for the person whom it is about and nobody else."""

from __future__ import annotations

import datetime
import io
import json
import threading
import zipfile

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dossiers import attachments, personal
from dossiers.models import Attachment, Dossier, KeptPaper, Notice, Question, Result
from portal import exports
from portal.models import DataExport
from procedures.models import Agency
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("accounts_at_work")]

PASSWORD = "mot-mat-khau-dai-2026"


def person(email: str = "hoa@example.vn", **fields):
    fields.setdefault("full_name", "Nguyễn Thị Hoa")
    return factories.user(email=email, password=PASSWORD, **fields)


def logged_in(user) -> Client:
    """A browser in which the password was just given."""
    client = Client()
    client.force_login(user)
    client.post(f"{reverse('account_reauthenticate')}?next=/", {"password": PASSWORD})
    return client


def keep_paper(user, name: str = "can-cuoc.jpg") -> KeptPaper:
    picture = factories.picture()
    return KeptPaper.objects.create(
        owner=user, title="Căn cước", file=picture, name=name, media_type="image/jpeg",
        size=picture.size, sha256=f"{user.pk:064d}",
    )  # fmt: skip


def ask_question(user, **fields) -> Question:
    return Question.objects.create(
        owner=user, agency=Agency.objects.get(code=factories.COMMUNE), name=user.full_name,
        text="Bao giờ có kết quả?", due_at=timezone.now(), **fields,
    )  # fmt: skip


def copy_of(client: Client, user) -> zipfile.ZipFile:
    export = DataExport.objects.get(user=user)
    response = client.get(reverse("fetch_data", args=[export.pk]))
    content = b"".join(response.streaming_content)
    response.close()
    return zipfile.ZipFile(io.BytesIO(content))


def test_the_copy_holds_what_is_kept_about_the_person(run_tasks):
    user = person(phone="0912345678")
    dossier = factories.filed(owner=user)
    draft = factories.draft(owner=user)
    keep_paper(user)
    ask_question(user)
    run_tasks()
    client = logged_in(user)

    client.post(reverse("ask_for_data"))
    run_tasks()

    archive = copy_of(client, user)
    data = json.loads(archive.read("du-lieu.json"))
    names = archive.namelist()
    assert data["tai_khoan"]["ho_ten"] == "Nguyễn Thị Hoa"
    assert [one["ma_ho_so"] for one in data["ho_so"]] == [dossier.code, ""]
    assert data["ho_so"][0]["noi_dung_khai"] == dossier.answers
    assert data["ho_so"][0]["dien_bien"][0]["viec"] == "submit"
    assert data["thong_bao"] and data["cau_hoi"][0]["cau_hoi"] == "Bao giờ có kết quả?"
    assert all(one["tep"] in names for row in data["ho_so"] for one in row["tep"])
    assert data["vi_giay_to"][0]["tep"] in names
    assert f"ho-so/{dossier.code}/giay/xac-nhan-nop-ho-so-truc-tuyen-1.pdf" in names
    assert any(name.startswith(f"ho-so/ban-nhap-{draft.pk}/") for name in names)


def test_nothing_of_anybody_else_is_in_it(run_tasks):
    user, other = person(), person("binh@example.vn", full_name="Lê Văn Bí Mật")
    factories.filed(owner=other)
    keep_paper(other, "cua-nguoi-khac.jpg")
    ask_question(other)
    factories.filed(owner=user)
    client = logged_in(user)

    client.post(reverse("ask_for_data"))
    run_tasks()

    archive = copy_of(client, user)
    text = archive.read("du-lieu.json").decode()
    assert "Bí Mật" not in text and "binh@example.vn" not in text
    assert not any("cua-nguoi-khac" in name for name in archive.namelist())
    assert len(json.loads(text)["ho_so"]) == 1


def test_names_of_files_lead_out_of_no_folder(run_tasks):
    user = person()
    keep_paper(user, "../../etc/passwd")
    client = logged_in(user)

    client.post(reverse("ask_for_data"))
    run_tasks()

    assert all(".." not in name.split("/") for name in copy_of(client, user).namelist())


def test_the_person_is_told_when_it_is_ready(run_tasks):
    user = person()
    client = logged_in(user)
    client.post(reverse("ask_for_data"))
    before = Notice.objects.filter(recipient=user).count()

    run_tasks()

    notice = Notice.objects.get(recipient=user, kind="export")
    page = client.get(reverse("my_data")).content.decode()
    assert before == 0
    assert notice.path == reverse("my_data")
    assert "Tải về" in page


def test_one_copy_at_a_time(run_tasks):
    user = person()
    client = logged_in(user)

    for _click in range(5):
        client.post(reverse("ask_for_data"))
    run_tasks()
    client.post(reverse("ask_for_data"))

    assert DataExport.objects.count() == 1


def test_somebody_elses_copy_is_not_found(run_tasks):
    owner = person()
    exports.ask(owner)
    run_tasks()
    address = reverse("fetch_data", args=[DataExport.objects.get().pk])

    assert logged_in(person("binh@example.vn")).get(address).status_code == 404
    assert Client().get(address).status_code == 302
    mine = logged_in(owner).get(address)
    mine.close()
    assert mine.status_code == 200


def test_a_copy_that_is_not_ready_is_not_found():
    user = person()
    exports.ask(user)

    address = reverse("fetch_data", args=[DataExport.objects.get().pk])

    assert logged_in(user).get(address).status_code == 404


def test_after_a_week_the_copy_is_gone_with_its_file(run_tasks):
    user = person()
    exports.ask(user)
    run_tasks()
    export = DataExport.objects.get()
    storage, name = export.file.storage, export.file.name
    kept = exports.remove_old()

    with time_machine.travel(timezone.now() + datetime.timedelta(days=8)):
        reachable = logged_in(user).get(reverse("fetch_data", args=[export.pk])).status_code
        removed = exports.remove_old()

    assert (kept, removed, reachable) == (0, 1, 404)
    assert not storage.exists(name)
    assert not DataExport.objects.exists()


def test_a_task_that_runs_twice_makes_one_copy_and_one_notice(run_tasks):
    user = person()
    exports.ask(user)
    run_tasks()

    exports.make(DataExport.objects.get().pk)

    assert Notice.objects.filter(kind="export").count() == 1


def test_a_file_that_is_gone_does_not_keep_the_rest_back(run_tasks):
    user = person()
    kept = keep_paper(user)
    kept.file.storage.delete(kept.file.name)
    client = logged_in(user)

    client.post(reverse("ask_for_data"))
    run_tasks()

    assert copy_of(client, user).namelist() == ["du-lieu.json"]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_five_clicks_at_once_ask_for_one_copy():
    user = person()
    start = threading.Barrier(5)

    def click() -> None:
        start.wait()
        exports.ask(user)
        connection.close()

    threads = [threading.Thread(target=click) for _number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert DataExport.objects.count() == 1


def test_a_result_is_in_the_copy_once_it_was_given():
    user = person()
    dossier = factories.filed(owner=user)
    result = Result.objects.create(
        dossier=dossier, file=factories.pdf(), signed_at=timezone.now(), approved_by=user
    )

    def names() -> str:
        return " ".join(stored.name for stored in personal.files_of(user))

    before = names()
    Dossier.objects.filter(pk=dossier.pk).update(state=Dossier.State.RETURNED)
    given = names()
    Result.objects.filter(pk=result.pk).update(revoked_at=timezone.now())

    assert "/ket-qua/" not in before
    assert f"/ket-qua/{result.pk}.pdf" in given
    assert "/ket-qua/" not in names()


def test_what_others_have_ready_for_a_message_is_not_in_the_copy():
    user, official = person(), factories.official("reception")
    dossier = factories.filed(owner=user)
    theirs = factories.taken_picture("#222222")
    waiting = attachments.keep(dossier, Attachment.MESSAGE, theirs, by=official)

    names = [stored.name for stored in personal.files_of(user)]
    told = personal.copy_of(user)["ho_so"][0]["tep"]

    assert not any(f"/{waiting.pk}-" in name for name in names)
    assert waiting.sha256 not in {row["sha256"] for row in told}
