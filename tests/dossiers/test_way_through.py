"""The way through a draft: one draft, nothing typed lost, nothing overwritten unseen."""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dossiers import filing, typed
from dossiers.models import Dossier
from tests import factories
from tests.factories import BIRTH, COPY, FUNERAL

pytestmark = pytest.mark.django_db
FORM_KEY = "AbCdEfGhIjKlMnOpQrStUv"


@pytest.fixture(autouse=True)
def _working_day():
    with time_machine.travel("2026-11-25 09:00+07:00"):
        yield


@pytest.fixture
def an():
    return factories.user(full_name="Trần Thị Bình", citizen_number="045190001234")


@pytest.fixture
def citizen(client, an):
    client.force_login(an)
    return client


def page(name: str, dossier: Dossier, *rest: str) -> str:
    return reverse(f"dossiers:{name}", args=[dossier.key, *rest])


def hidden(response, name: str) -> str:
    return re.search(rf'name="{name}" value="([^"]*)"', response.content.decode())[1]


def answers_of(draft: Dossier, section: str):
    return Dossier.objects.get(pk=draft.pk).answers.get(section)


# --- One draft --------------------------------------------------------------------------


def test_the_same_start_five_times_makes_one_draft(citizen):
    factories.procedure(FUNERAL)
    url = reverse("dossiers:start", args=[FUNERAL])

    urls = {citizen.post(url, {"form_key": FORM_KEY, "another": "1"}).url for _time in range(5)}

    assert urls == {page("draft", Dossier.objects.get())}


def test_a_draft_is_offered_again_unless_another_one_is_wanted(citizen):
    factories.procedure(FUNERAL)
    url = reverse("dossiers:start", args=[FUNERAL])
    first = citizen.post(url).url

    again = citizen.post(url, {"form_key": hidden(citizen.get(url), "form_key")}).url
    another = citizen.post(url, {"form_key": FORM_KEY, "another": "1"}).url

    assert first == again != another
    assert Dossier.objects.count() == 2


def test_a_start_sent_again_after_filing_leads_to_the_dossier(citizen, an):
    factories.procedure(FUNERAL)
    url = reverse("dossiers:start", args=[FUNERAL])
    citizen.post(url, {"form_key": FORM_KEY})
    key = Dossier.objects.get().key
    filed = factories.filed(FUNERAL, owner=an)
    Dossier.objects.filter(key=key).delete()
    Dossier.objects.filter(pk=filed.pk).update(key=key)

    response = citizen.post(url, {"form_key": FORM_KEY})

    assert response.url == filed.get_absolute_url()
    assert Dossier.objects.count() == 1


def test_a_form_key_of_another_person_leads_nowhere(citizen):
    factories.procedure(FUNERAL)
    url = reverse("dossiers:start", args=[FUNERAL])
    other = Client()
    other.force_login(factories.user())
    other.post(url, {"form_key": FORM_KEY})

    citizen.post(url, {"form_key": FORM_KEY})

    keys = set(Dossier.objects.values_list("key", flat=True))
    assert len(keys) == 2
    assert FORM_KEY not in keys


def test_a_table_full_of_drafts_is_refused_with_a_sentence(citizen, monkeypatch):
    monkeypatch.setattr(filing, "MAX_DRAFTS", 1)
    factories.procedure(FUNERAL)
    url = reverse("dossiers:start", args=[FUNERAL])
    citizen.post(url)

    response = citizen.post(url, {"form_key": FORM_KEY, "another": "1"}, follow=True)

    assert "hãy nộp hoặc xóa bớt" in response.content.decode()
    assert Dossier.objects.count() == 1


# --- What a draft begins with -----------------------------------------------------------


def test_an_earlier_dossier_of_the_same_procedure_gives_its_answers(citizen, an):
    earlier = factories.filed(FUNERAL, owner=an)
    url = reverse("dossiers:start", args=[FUNERAL])

    shown = citizen.get(url).content.decode()
    citizen.post(url, {"form_key": FORM_KEY, "earlier": earlier.code})

    draft = Dossier.objects.get(state="draft")
    assert shown.index("Không dùng lại") < shown.index(earlier.code)
    expected = {name: row for name, row in earlier.answers.items() if name != "cam_doan"}
    assert draft.answers == expected
    assert draft.copied_from == earlier
    assert draft.handling_agency == earlier.handling_agency
    assert not draft.attachments.exists()


def test_an_earlier_dossier_of_another_procedure_tells_only_who_the_person_is(citizen, an):
    earlier = factories.filed(COPY, owner=an)
    factories.procedure(FUNERAL)

    citizen.post(
        reverse("dossiers:start", args=[FUNERAL]), {"form_key": FORM_KEY, "earlier": earlier.code}
    )

    person = earlier.answers["nguoi_yeu_cau"]["nguoi"]
    draft = Dossier.objects.get(state="draft")
    assert set(draft.answers) == {"nguoi_dung_ra"}
    assert draft.answers["nguoi_dung_ra"]["nguoi"] == {
        key: person[key] for key in ("ho_ten", "so_dinh_danh", "noi_cu_tru", "dien_thoai")
    }


def test_nothing_of_an_earlier_dossier_is_taken_unasked(citizen, an):
    factories.filed(COPY, owner=an)
    factories.procedure(FUNERAL)

    citizen.post(reverse("dossiers:start", args=[FUNERAL]), {"earlier": ""})

    person = Dossier.objects.get(state="draft").answers["nguoi_dung_ra"]["nguoi"]
    assert person == {"ho_ten": "Trần Thị Bình", "so_dinh_danh": "045190001234"}


def test_another_persons_dossier_gives_nothing(citizen):
    theirs = factories.filed(FUNERAL)

    response = citizen.post(reverse("dossiers:start", args=[FUNERAL]), {"earlier": theirs.code})

    assert "Hãy chọn một trong các hồ sơ đã nêu." in response.content.decode()
    assert not Dossier.objects.filter(state="draft").exists()


def test_an_old_dossier_is_copied_into_one_draft_however_often_it_is_sent(citizen, an):
    old = factories.filed(FUNERAL, owner=an)
    url = reverse("dossiers:copy", args=[old.code])

    urls = {citizen.post(url).url for _time in range(3)}

    draft = Dossier.objects.get(state="draft")
    assert urls == {page("draft", draft)}
    assert draft.answers["nguoi_mat"] == old.answers["nguoi_mat"]
    assert "cam_doan" not in draft.answers


def test_a_copy_takes_what_the_form_of_today_still_asks(citizen, an):
    old = factories.filed(FUNERAL, owner=an)
    newer = factories.newer_revision(
        FUNERAL, "tien_mat: Nhận tiền mặt tại xã", "tien_mat_tai_quay: Nhận tiền mặt tại quầy"
    )

    citizen.post(reverse("dossiers:copy", args=[old.code]))

    draft = Dossier.objects.get(state="draft")
    assert draft.revision == newer.current
    assert "cach" not in draft.answers.get("nhan_tien", {})
    assert draft.answers["nguoi_mat"] == old.answers["nguoi_mat"]


def test_a_closed_procedure_is_not_copied(citizen, an, tmp_path):
    old = factories.filed(FUNERAL, owner=an)
    procedure = old.revision.procedure
    procedure.current = None
    procedure.save()

    response = citizen.post(reverse("dossiers:copy", args=[old.code]), follow=True)

    assert "không còn được áp dụng" in response.content.decode()
    assert not Dossier.objects.filter(state="draft").exists()


def test_a_dossier_of_somebody_else_is_not_copied(citizen):
    theirs = factories.filed(FUNERAL)

    assert citizen.post(reverse("dossiers:copy", args=[theirs.code])).status_code == 404
    assert citizen.get(reverse("dossiers:copy", args=[theirs.code])).status_code == 405


# --- Half done --------------------------------------------------------------------------


def test_a_page_left_half_done_keeps_even_what_is_wrong(citizen, an):
    draft = factories.draft(FUNERAL, owner=an)
    url = page("section", draft, "nguoi_mat")
    data = {"ho_ten": "Trần Văn Cụ", "ngay_sinh": "31/02/1940", "pause": "1"}

    left = citizen.post(url, data)
    tasks = citizen.get(page("draft", draft))
    back = citizen.get(url)

    assert left.url == page("draft", draft)
    assert answers_of(draft, "nguoi_mat") == {"ho_ten": "Trần Văn Cụ"}
    states = {step.id: (step.is_begun, step.is_done) for step in tasks.context["steps"]}
    assert states["nguoi_mat"] == (True, False)
    assert 'value="31/02/1940"' in back.content.decode()
    assert "gõ lần trước" in back.content.decode()
    assert "mc-error-summary" not in back.content.decode()


def test_what_was_kept_is_forgotten_when_it_is_saved(citizen, an):
    draft = factories.draft(FUNERAL, owner=an)
    url = page("section", draft, "nguoi_mat")
    citizen.post(url, {"ho_ten": "Trần Văn Cụ", "ngay_sinh": "31/02/1940", "pause": "1"})
    seen = hidden(citizen.get(url), "seen")

    saved = citizen.post(url, {**factories.posted(FUNERAL, "nguoi_mat"), "seen": seen})

    assert saved.url == page("section", draft, "nguoi_dung_ra")
    assert "gõ lần trước" not in citizen.get(url).content.decode()
    assert answers_of(draft, "nguoi_mat") == factories.ANSWERS[FUNERAL]["nguoi_mat"]


def test_rows_left_half_done_come_back_as_many(citizen, an):
    draft = factories.draft(BIRTH, owner=an)
    citizen.post(page("section", draft, "chung_minh"), {"bang": "nguoi_lam_chung"})
    url = page("section", draft, "nguoi_lam_chung")

    citizen.post(
        url, {"rows": "2", "0-nguoi.ho_ten": "Lê Văn Một", "1-nguoi.ho_ten": "Số 2", "pause": "1"}
    )
    back = citizen.get(url).content.decode()

    assert back.count('<fieldset class="mc-row">') == 2
    assert 'value="Lê Văn Một"' in back
    assert 'value="Số 2"' in back


def test_ten_thousand_rows_keep_as_many_as_the_form_takes(citizen, an):
    draft = factories.draft(BIRTH, owner=an)
    citizen.post(page("section", draft, "chung_minh"), {"bang": "nguoi_lam_chung"})
    url = page("section", draft, "nguoi_lam_chung")
    most = draft.revision.form.section("nguoi_lam_chung").repeat.max

    told = citizen.post(url, {"rows": "10000", "0-nguoi.ho_ten": "Lê Văn Một"})
    rows = {f"{number}-nguoi.ho_ten": "Lê Văn Một" for number in range(10_000)}
    refused = citizen.post(url, {"rows": "10000", **rows})

    html = told.content.decode()
    assert f"Chỉ nhận tối đa {most} mục" in html
    assert html.count('<fieldset class="mc-row">') == most
    assert "Lê Văn Một" in html
    assert refused.status_code == 400
    assert "quá nhiều ô" in refused.content.decode()
    assert "nguoi_lam_chung" not in Dossier.objects.get(pk=draft.pk).answers


# --- Two tabs on one section ------------------------------------------------------------


def test_a_section_saved_in_another_tab_is_not_overwritten_unseen(citizen, an):
    draft = factories.draft(FUNERAL, owner=an)
    url = page("section", draft, "dien_huong")
    seen = hidden(citizen.get(url), "seen")
    citizen.post(url, {"dien": "tu_du_80", "seen": seen})

    asked = citizen.post(url, {"dien": "con_don_than_ngheo", "seen": seen})

    html = asked.content.decode()
    assert answers_of(draft, "dien_huong") == {"dien": "tu_du_80"}
    [row] = asked.context["rows"]
    assert row["differs"]
    assert row["stored"] in html
    assert row["typed"] in html
    assert row["stored"] != row["typed"]


def test_the_person_chooses_which_version_stays(citizen, an):
    draft = factories.draft(FUNERAL, owner=an)
    url = page("section", draft, "dien_huong")
    seen = hidden(citizen.get(url), "seen")
    citizen.post(url, {"dien": "tu_du_80", "seen": seen})
    asked = citizen.post(url, {"dien": "con_don_than_ngheo", "seen": seen})

    mine = dict(asked.context["sent"])
    chosen = citizen.post(url, {**mine, "seen": hidden(asked, "seen")})

    assert chosen.status_code == 302
    assert answers_of(draft, "dien_huong") == {"dien": "con_don_than_ngheo"}


def test_the_same_answer_from_two_tabs_is_no_conflict(citizen, an):
    draft = factories.draft(FUNERAL, owner=an)
    url = page("section", draft, "dien_huong")
    seen = hidden(citizen.get(url), "seen")

    answers = [citizen.post(url, {"dien": "tu_du_80", "seen": seen}) for _time in range(2)]

    assert [response.status_code for response in answers] == [302, 302]


def test_a_page_that_came_back_with_an_error_still_knows_what_it_showed(citizen, an):
    draft = factories.draft(FUNERAL, owner=an)
    url = page("section", draft, "nguoi_mat")
    seen = hidden(citizen.get(url), "seen")
    typed_here = {**factories.posted(FUNERAL, "nguoi_mat"), "seen": seen}
    citizen.post(url, {**factories.posted(FUNERAL, "nguoi_mat"), "ho_ten": "Lê Văn Khác"})

    wrong = citizen.post(url, {**typed_here, "ngay_mat": "32/01/2026"})
    asked = citizen.post(url, {**typed_here, "seen": hidden(wrong, "seen")})

    assert "rows" in asked.context
    assert answers_of(draft, "nguoi_mat")["ho_ten"] == "Lê Văn Khác"


def test_a_page_of_a_draft_that_was_filed_meanwhile_leads_to_the_dossier(citizen, an):
    dossier = factories.filed(FUNERAL, owner=an)
    urls = [page(name, dossier) for name in ("draft", "office", "documents", "discard")]
    urls.append(page("section", dossier, "nguoi_mat"))

    answers = [citizen.post(url, follow=True) for url in urls[1:]] + [citizen.get(urls[0])]

    assert all("đã nộp nên không sửa" in row.content.decode() for row in answers[:-1])
    assert answers[-1].url == dossier.get_absolute_url()


def test_what_was_typed_where_nothing_is_asked_any_more_waits(citizen, an):
    draft = factories.draft(BIRTH, owner=an)
    url = page("section", draft, "nguoi_lam_chung")

    citizen.post(url, {"rows": "1", "0-nguoi.ho_ten": "Lê Văn Một"})
    citizen.post(page("section", draft, "chung_minh"), {"bang": "nguoi_lam_chung"})

    assert 'value="Lê Văn Một"' in citizen.get(url).content.decode()


# --- The session ends in the middle -----------------------------------------------------


def test_what_was_typed_when_the_session_ended_is_there_after_the_login(an):
    draft = factories.draft(FUNERAL, owner=an)
    an.set_password("mat-khau-rat-dai-2026")
    an.save()
    EmailAddress.objects.create(user=an, email=an.email, verified=True, primary=True)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(an)
    url = page("section", draft, "nguoi_mat")
    token = hidden(browser.get(url), "csrfmiddlewaretoken")
    browser.session.flush()

    sent = browser.post(
        f"{url}?sua=1",
        {"ho_ten": "Trần Văn Gõ", "ngay_sinh": "1/1/1940", "csrfmiddlewaretoken": token},
    )
    login = browser.get(sent.url)
    entered = browser.post(
        sent.url,
        {"login": an.email, "password": "mat-khau-rat-dai-2026", "next": f"{url}?sua=1",
         "csrfmiddlewaretoken": hidden(login, "csrfmiddlewaretoken")},
    )  # fmt: skip

    assert sent.status_code == 302
    assert entered.url == f"{url}?sua=1"
    back = browser.get(entered.url).content.decode()
    assert 'value="Trần Văn Gõ"' in back
    assert "trước khi hết phiên đã được giữ lại" in back
    assert answers_of(draft, "nguoi_mat") == factories.ANSWERS[FUNERAL]["nguoi_mat"]


def test_another_person_who_logs_in_sees_nothing_of_what_was_typed(client, an):
    draft = factories.draft(FUNERAL, owner=an)
    url = page("section", draft, "nguoi_mat")
    client.post(url, {"ho_ten": "Trần Văn Gõ"})
    other = factories.user()
    theirs = factories.draft(FUNERAL, owner=other)

    client.force_login(other)

    assert client.get(url).status_code == 404
    assert "Trần Văn Gõ" not in client.get(page("section", theirs, "nguoi_mat")).content.decode()


def test_a_page_whose_token_is_old_keeps_what_was_typed(an):
    draft = factories.draft(FUNERAL, owner=an)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(an)
    url = page("section", draft, "nguoi_mat")

    refused = browser.post(url, {"ho_ten": "Trần Văn Gõ", "csrfmiddlewaretoken": "x" * 64})

    assert refused.status_code == 403
    assert "đã được giữ lại" in refused.content.decode()
    assert 'value="Trần Văn Gõ"' in browser.get(url).content.decode()


def test_a_stranger_cannot_fill_the_sessions(client, an, monkeypatch):
    draft = factories.draft(FUNERAL, owner=an)
    url = page("section", draft, "nguoi_mat")

    client.post(url, {"ho_ten": "x" * (typed.MAX_BYTES + 1)})
    huge = dict(client.session)
    client.post(page("office", draft), {"office": "x"})
    for number in range(typed.MAX_PAGES + 2):
        client.post(f"{url[:-1]}{number}/", {"ho_ten": "x" * (typed.MAX_BYTES // 3)})

    assert not huge
    kept = client.session["typed"]
    assert sum(map(len, kept.values())) <= typed.MAX_BYTES


# --- An earlier dossier in an answer ----------------------------------------------------


@pytest.fixture
def asks_for_a_dossier(tmp_path):
    line = "      - {id: quan_he, type: text,"
    more = "      - {id: truoc, type: dossier, label: Mã hồ sơ trước, optional: yes}\n"
    return factories.altered_procedure(tmp_path, FUNERAL, (line, more + line))


def test_ones_own_dossier_is_offered_and_taken(citizen, an, asks_for_a_dossier):
    own = factories.filed(COPY, owner=an)
    draft = factories.draft(FUNERAL, owner=an)
    url = page("section", draft, "nguoi_dung_ra")

    shown = citizen.get(url).content.decode()
    citizen.post(url, {**factories.posted(FUNERAL, "nguoi_dung_ra"), "truoc": own.code.lower()})

    assert 'list="own-dossiers"' in shown
    assert f'<option value="{own.code}">' in shown
    assert answers_of(draft, "nguoi_dung_ra")["truoc"] == own.code


def test_no_other_dossier_can_be_told_from_one_that_is_not_there(citizen, an, asks_for_a_dossier):
    theirs = factories.filed(COPY)
    draft = factories.draft(FUNERAL, owner=an)
    url = page("section", draft, "nguoi_dung_ra")

    told = []
    for code in (theirs.code, f"{theirs.code[:-4]}9999"):
        response = citizen.post(url, {**factories.posted(FUNERAL, "nguoi_dung_ra"), "truoc": code})
        [(anchor, message)] = response.context["form"].summary_errors()
        told.append((anchor, message.replace(code, "")))

    assert told[0] == told[1]
    assert told[0][0] == "id_truoc"
    assert "truoc" not in answers_of(draft, "nguoi_dung_ra")


# --- Filing -----------------------------------------------------------------------------


def test_nothing_is_filed_without_the_declaration(citizen, an):
    draft = factories.draft(FUNERAL, owner=an)

    response = citizen.post(page("check", draft), {"delivery": "online"})

    html = response.content.decode()
    assert "<title>Lỗi:" in html
    assert '<a href="#id_declare">Hãy đánh dấu vào lời cam đoan trước khi nộp.</a>' in html
    assert Dossier.objects.get().state == Dossier.State.DRAFT


def test_the_ledger_notes_that_it_was_declared(citizen, an):
    draft = factories.draft(FUNERAL, owner=an)

    citizen.post(page("check", draft), {"delivery": "online", "declare": "1"})

    assert Dossier.objects.get().events.get().data["declared"] is True


def test_the_same_filing_five_times_gives_one_dossier_and_one_page(citizen, an):
    draft = factories.draft(FUNERAL, owner=an)
    data = {"delivery": "online", "declare": "1"}

    urls = {citizen.post(page("check", draft), data).url for _time in range(5)}

    assert urls == {reverse("dossiers:filed", args=[Dossier.objects.get().code])}


def test_a_flood_of_filings_is_slowed_down_and_loses_nothing(citizen, an, settings):
    settings.FILINGS_PER_HOUR = 1
    factories.filed(FUNERAL, owner=an)
    draft = factories.draft(FUNERAL, owner=an)

    response = citizen.post(page("check", draft), {"delivery": "online", "declare": "1"})

    assert "xin nộp tiếp sau một giờ nữa" in response.content.decode()
    assert Dossier.objects.get(pk=draft.pk).state == Dossier.State.DRAFT


def test_the_confirmation_says_what_was_filed_and_what_comes_next(citizen, an):
    dossier = factories.filed(BIRTH, owner=an)

    html = citizen.get(reverse("dossiers:filed", args=[dossier.code])).content.decode()

    assert "Đã nộp, chưa được tiếp nhận" in html
    assert "Ký Giấy khai sinh" in html
    assert "trước hoặc khi đến nhận kết quả" in html
    assert dossier.secret in html
    for file in dossier.attachments.all():
        assert file.sha256 in html


def test_a_confirmation_read_later_does_not_say_that_it_still_waits(citizen, an):
    dossier = factories.filed(FUNERAL, owner=an)
    factories.Office().accepted(dossier)

    html = citizen.get(reverse("dossiers:filed", args=[dossier.code])).content.decode()

    assert "chưa được tiếp nhận" not in html
    assert "Được tiếp nhận" in html


def test_the_printed_confirmation_has_the_same_facts(an):
    dossier = factories.filed(BIRTH, owner=an)

    facts = dossier.papers.get(kind="filing").facts

    assert facts["steps"][0]["name"] == "Kiểm tra và tiếp nhận hồ sơ"
    assert [row["when"] for row in facts["originals"] if "chứng sinh" in row["name"].lower()] == [
        "trước hoặc khi đến nhận kết quả"
    ]
    assert {row["name"]: row["note"] for row in facts["originals"]}[
        "Giấy tờ chứng minh nơi cư trú"
    ].startswith("Chỉ khi cơ quan yêu cầu")
    assert facts["link"].startswith("http")
    assert dossier.secret not in facts["link"]


# --- What it costs ----------------------------------------------------------------------


def test_a_step_saves_in_few_queries_whatever_the_draft_holds(citizen, an):
    draft = factories.draft(FUNERAL, owner=an)
    url = page("section", draft, "dien_huong")
    data = {"dien": "tu_du_80", "seen": hidden(citizen.get(url), "seen")}

    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert citizen.post(url, data).status_code == 302
        return len(captured)

    one = cost()
    for _time in range(49):
        factories.draft(COPY, owner=an)
    file = draft.attachments.first()
    for number in range(49):
        file.pk, file.key, file.sha256 = None, f"{number:022d}", f"{number:064d}"
        file.save(force_insert=True)

    assert cost() == one <= 10


# --- At the same moment (PostgreSQL) ----------------------------------------------------


def at_once(*calls):
    barrier = threading.Barrier(len(calls))

    def run(call):
        try:
            barrier.wait(timeout=10)
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


def begin_four_times(an, monkeypatch) -> None:
    """Four clicks on "Bắt đầu" at once, with the gap between looking and making widened."""
    procedure = factories.procedure(FUNERAL)
    make = filing.start

    def slow(*args, **kwargs):
        time.sleep(0.2)
        return make(*args, **kwargs)

    monkeypatch.setattr(filing, "start", slow)
    at_once(*[lambda: filing.begin(procedure, by=an)] * 4)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_four_starts_at_once_make_one_draft(an, monkeypatch):
    begin_four_times(an, monkeypatch)

    assert Dossier.objects.count() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_four_starts_at_once_make_several_drafts_without_the_lock(an, monkeypatch):
    """The control: the lock on the person, and nothing else, is what keeps it at one."""
    drafts = Dossier.objects.filter(state="draft")
    monkeypatch.setattr(filing, "_lock_drafts_of", lambda by: drafts.filter(owner=by))

    begin_four_times(an, monkeypatch)

    assert Dossier.objects.count() > 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_tabs_on_two_sections_both_survive(an):
    draft = factories.draft(FUNERAL, owner=an)
    seen = {name: filing.digest(answer) for name, answer in draft.answers.items()}
    new = {"dien_huong": {"dien": "tu_du_80"}, "nguoi_mat": {"ho_ten": "Lê Văn Mới"}}

    at_once(
        *[
            lambda name=name, answer=answer: filing.save_answers(
                Dossier.objects.get(pk=draft.pk), name, answer, seen=seen[name]
            )
            for name, answer in new.items()
        ]
    )

    assert {name: answers_of(draft, name) for name in new} == new
