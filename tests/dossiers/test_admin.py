"""The officials' pages: one's own offices alone, one door for every move, nothing edited."""

from __future__ import annotations

import datetime
import re

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.admin.sites import site as officials_site
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from dossiers import attachments, workflow
from dossiers.admin import batch
from dossiers.models import Dossier, Event
from procedures.models import Agency, Posting
from tests import factories

pytestmark = pytest.mark.django_db

QUEUE = "/quan-tri/dossiers/dossier/"


@pytest.fixture
def office() -> factories.Office:
    return factories.Office()


def logged_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def page_url(dossier: Dossier) -> str:
    return reverse("admin:dossiers_dossier_change", args=[dossier.pk])


def move_url(dossier: Dossier, name: str) -> str:
    return reverse("admin:dossiers_dossier_move", args=[dossier.pk, name])


def fresh(dossier: Dossier) -> Dossier:
    return Dossier.objects.get(pk=dossier.pk)


def text_of(response) -> str:
    body = re.sub(r"(?s)<(head|script|style).*?</\1>", " ", response.content.decode())
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def copies_of(dossier: Dossier, number: int) -> None:
    """More rows like this one, without the long way through filing."""
    fields = {
        field.attname: getattr(dossier, field.attname)
        for field in Dossier._meta.local_concrete_fields
        if field.name not in {"id", "key", "code", "secret"}
    }
    Dossier.objects.bulk_create(
        Dossier(**{**fields, "owner": factories.user()}, code=f"{dossier.code}{index:03d}")
        for index in range(number)
    )


# --- Who may enter --------------------------------------------------------------------


def test_a_stranger_is_sent_to_the_one_login():
    response = Client().get(QUEUE, follow=True)

    assert response.redirect_chain[-1][0].startswith(reverse("account_login"))
    assert f"next={QUEUE}" in response.redirect_chain[-1][0]


def test_a_citizen_is_refused():
    response = logged_in(factories.user()).get(QUEUE, follow=True)

    assert response.status_code == 403
    assert "không được phép" in text_of(response)


def test_staff_without_any_posting_see_no_dossier():
    dossier = factories.filed()
    client = logged_in(factories.user(is_staff=True, is_demo=True))

    assert client.get(QUEUE).status_code == 403
    assert client.get(page_url(dossier)).status_code == 404


def admin_addresses() -> list[str]:
    """Every address of the officials' site, with an id of 1 where one is asked for."""
    found = []
    for pattern in officials_site.urls[0]:
        found += _addresses_of(pattern, "/quan-tri/")
    return sorted(set(found))


def _addresses_of(pattern, before: str) -> list[str]:
    route = str(pattern.pattern)
    route = re.sub(r"<(int|path|slug|str):\w+>|<\w+>", "1", route)
    route = re.sub(r"\(\?P<app_label>([^|)]+)[^)]*\)", r"\1", route)
    route = re.sub(r"\(\?P<url>[^)]*\)", "khong-co", route).strip("^$")
    if hasattr(pattern, "url_patterns"):
        return [
            found
            for inner in pattern.url_patterns
            for found in _addresses_of(inner, before + route)
        ]
    return [before + route]


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    ("is_demo", "demo_mode"),
    [(False, False), (False, True), (True, False)],
    ids=["production", "real official in a demo", "demo official in production"],
)
def test_without_a_second_factor_in_this_session_nothing_opens(
    settings, method, is_demo, demo_mode
):
    settings.DEMO = demo_mode
    dossier = factories.filed()
    person = factories.user(is_staff=True, is_superuser=True, is_demo=is_demo)
    client = logged_in(person)
    addresses = admin_addresses()

    answers = {address: getattr(client, method)(address) for address in addresses}

    assert len(addresses) > 50
    open_ones = {
        address: answer.status_code
        for address, answer in answers.items()
        if answer.status_code not in {302, 301}
        or not re.match(r"/(quan-tri/login|quan-tri/|tai-khoan/2fa|$)", answer.headers["Location"])
    }
    assert open_ones == {}
    assert fresh(dossier).state == "submitted"
    assert not Event.objects.filter(name="look").exists()


def test_the_way_without_a_second_factor_leads_to_setting_one_up(settings):
    settings.DEMO = False
    client = logged_in(factories.official(Posting.Role.RECEPTION))

    response = client.get(QUEUE, follow=True)

    assert response.redirect_chain[1][0].startswith(reverse("mfa_index"))


def test_with_a_second_factor_in_this_session_it_opens(settings):
    settings.DEMO = False
    client = logged_in(factories.official(Posting.Role.RECEPTION))
    session = client.session
    session["account_authentication_methods"] = [{"method": "password"}, {"method": "mfa"}]
    session.save()

    assert client.get(QUEUE).status_code == 200


def test_a_password_alone_is_no_second_factor(settings):
    settings.DEMO = False
    client = logged_in(factories.official(Posting.Role.RECEPTION))
    session = client.session
    session["account_authentication_methods"] = [{"method": "password"}, {"method": "code"}]
    session.save()

    assert client.get(QUEUE).status_code == 302


def test_whoever_may_enter_does_not_meet_a_login():
    client = logged_in(factories.official(Posting.Role.RECEPTION))

    response = client.get("/quan-tri/login/", follow=True)

    assert response.redirect_chain[-1][0] == "/quan-tri/"
    assert QUEUE in response.content.decode()


# --- The queue ------------------------------------------------------------------------


def test_the_queue_holds_only_dossiers_of_ones_own_offices(office):
    mine = factories.filed(factories.FUNERAL)
    other = factories.filed(factories.FUNERAL, office=factories.OTHER_COMMUNE)
    draft = factories.draft(factories.FUNERAL)

    page = text_of(logged_in(office.reception).get(QUEUE))

    assert mine.code in page
    assert other.code not in page
    assert f"#{draft.pk} " not in page
    assert "1 hồ sơ" in page


def test_the_tabs_and_their_counts_are_of_ones_own_offices(office):
    factories.filed()
    office.accepted(factories.filed())
    office.processing(factories.filed())
    office.proposed(factories.filed())
    factories.filed(factories.COPY)
    factories.filed(office=factories.OTHER_COMMUNE)
    client = logged_in(office.officer)

    page = text_of(client.get(QUEUE))
    listed = {
        tab: len(client.get(QUEUE, {"nhom": tab}).context["rows"])
        for tab in ("moi", "chua-giao", "cua-toi", "cong-dan", "trinh-ky", "tra", "qua-han")
    }

    assert "Mới 1" in page
    assert "Của tôi 2" in page
    assert listed == {
        "moi": 1, "chua-giao": 1, "cua-toi": 2, "cong-dan": 1, "trinh-ky": 1, "tra": 0,
        "qua-han": 0,
    }  # fmt: skip


def test_a_late_dossier_is_in_its_tab_and_says_so(office):
    dossier = office.processing(factories.filed())
    past = timezone.now() - datetime.timedelta(days=3)
    Dossier.objects.filter(pk=dossier.pk).update(promised_at=past)

    page = text_of(logged_in(office.officer).get(QUEUE, {"nhom": "qua-han"}))

    assert dossier.code in page
    assert "quá hạn" in page.partition(dossier.code)[2]


def test_an_unknown_tab_is_no_error(office):
    factories.filed()

    response = logged_in(office.reception).get(QUEUE, {"nhom": "khong-co"}, follow=True)

    assert response.status_code == 200


def test_searching_stays_within_ones_own_offices(office):
    mine = factories.filed(owner=factories.user(full_name="Hồ Thị Thu Sương"))
    other = factories.filed(
        owner=factories.user(full_name="Hồ Thị Thu Sương"), office=factories.OTHER_COMMUNE
    )
    client = logged_in(office.reception)

    by_name = text_of(client.get(QUEUE, {"q": "Thu Sương"}))
    by_code = text_of(client.get(QUEUE, {"q": other.code}))

    assert mine.code in by_name
    assert other.code not in by_name
    assert "Không có hồ sơ nào khớp" in by_code


def test_a_filter_shows_only_fields_of_ones_own_dossiers(office):
    mine = factories.filed(factories.FUNERAL)
    factories.filed(factories.COPY, office=factories.OTHER_COMMUNE)
    client = logged_in(office.reception)

    page = client.get(QUEUE, {"loc": "1"})
    narrowed = client.get(QUEUE, {"linh-vuc": mine.revision.sector_id})

    panel = page.content.decode().split('class="mc-filters"')[1].split("</form>")[0]
    assert "Hộ tịch" not in panel
    assert mine.revision.sector.name in panel
    assert mine.code in text_of(narrowed)


@pytest.mark.parametrize(
    "lookup",
    [
        "owner__password__startswith", "owner__email", "owner__citizen_number__startswith",
        "answers__icontains", "key__startswith", "secret__startswith", "assignee__password",
        "attachments__sha256__startswith", "events__hash__startswith",
    ],
)  # fmt: skip
def test_a_lookup_that_nobody_offered_is_refused(office, lookup):
    factories.filed()

    response = logged_in(office.reception).get(QUEUE, {lookup: "a"})

    assert response.status_code == 400


def test_the_queue_asks_as_often_with_fifty_dossiers_as_with_one(office):
    dossier = office.processing(factories.filed())
    client = logged_in(office.reception)
    everything = {"nhom": "tat-ca"}
    with CaptureQueriesContext(connection) as queries:
        client.get(QUEUE, everything)
    with_one = len(queries)
    copies_of(fresh(dossier), 48)

    with CaptureQueriesContext(connection) as queries:
        response = client.get(QUEUE, everything)

    assert len(response.context["rows"]) == 49
    assert len(queries) == with_one <= 13, [query["sql"] for query in queries]


def test_nothing_but_moves_is_done_to_several_at_once(office):
    dossier = factories.filed()
    client = logged_in(office.reception)

    page = client.get(QUEUE).content.decode()
    client.post(QUEUE, {"action": "delete_selected", "_selected_action": dossier.pk, "post": "yes"})

    assert 'name="action"' not in page
    assert "_selected_action" not in page
    assert set(re.findall(r'name="move" value="(\w+)"', page)) <= {*batch.MOVES, batch.PRINT}
    assert fresh(dossier).state == "submitted"


# --- One dossier ----------------------------------------------------------------------


def test_the_page_shows_what_was_filed_and_notes_the_look(office):
    dossier = factories.filed()

    page = text_of(logged_in(office.reception).get(page_url(dossier)))

    assert "Trần Văn Cụ" in page
    assert "anh.jpg" in page
    assert Event.objects.filter(dossier=dossier, name="look", actor=office.reception).count() == 1


@pytest.mark.parametrize("what", ["page", "history", "delete", "move", "moving"])
def test_a_dossier_of_another_office_is_not_there(office, what):
    dossier = factories.filed(office=factories.OTHER_COMMUNE)
    client = logged_in(office.reception)
    addresses = {
        "page": page_url(dossier),
        "history": reverse("admin:dossiers_dossier_history", args=[dossier.pk]),
        "delete": reverse("admin:dossiers_dossier_delete", args=[dossier.pk]),
        "move": move_url(dossier, "accept"),
        "moving": move_url(dossier, "accept"),
    }

    if what == "moving":
        response = client.post(addresses[what], {"version": dossier.version})
    else:
        response = client.get(addresses[what])

    assert response.status_code in ({302, 403} if what in {"history", "delete"} else {404})
    assert dossier.code not in response.content.decode()
    assert fresh(dossier).state == "submitted"
    assert not Event.objects.filter(dossier=dossier, name="look").exists()


def test_a_file_of_another_office_is_not_there(office):
    dossier = factories.filed(office=factories.OTHER_COMMUNE)
    key = dossier.attachments.first().key

    assert logged_in(office.reception).get(f"/ho-so/tep/{key}/").status_code == 404


def test_a_moved_official_loses_the_old_office_with_the_next_click(office):
    dossier = factories.filed()
    client = logged_in(office.reception)
    before = client.get(page_url(dossier)).status_code
    yesterday = timezone.localdate() - datetime.timedelta(days=1)
    Posting.objects.filter(user=office.reception).update(valid_until=yesterday)
    Posting.objects.create(
        user=office.reception,
        agency=Agency.objects.get(code=factories.OTHER_COMMUNE),
        role=Posting.Role.RECEPTION,
    )

    page = client.get(page_url(dossier))
    move = client.post(move_url(dossier, "accept"), {"version": dossier.version})

    assert before == 200
    assert (page.status_code, move.status_code) == (404, 404)
    assert dossier.code not in text_of(client.get(QUEUE))
    assert fresh(dossier).state == "submitted"


def test_the_page_asks_as_often_with_many_events_and_files_as_with_few(office):
    dossier = office.processing(factories.filed())
    client = logged_in(office.reception)
    client.get(page_url(dossier))
    with CaptureQueriesContext(connection) as queries:
        client.get(page_url(dossier))
    with_few = len(queries)
    for index in range(12):
        asked = office.supplement(dossier, items="a", reason="b")
        attachments.store(asked, "khac", factories.picture(f"#0000{index:02d}"), by=dossier.owner)
        workflow.perform(dossier, "answer_supplement", by=dossier.owner, answer="c")

    with CaptureQueriesContext(connection) as queries:
        response = client.get(page_url(dossier))

    assert response.status_code == 200
    assert len(queries) == with_few <= 32, [query["sql"] for query in queries]


# --- Nothing is edited ----------------------------------------------------------------


def canary() -> dict[str, str]:
    """A value under the name of every field of a dossier."""
    names = {field.name for field in Dossier._meta.get_fields()}
    names |= {field.attname for field in Dossier._meta.local_concrete_fields}
    return dict.fromkeys(names, "1") | {"state": "returned", "outcome": "granted", "_save": "x"}


def columns(dossier: Dossier) -> dict:
    return Dossier.objects.filter(pk=dossier.pk).values().get()


def test_posting_to_the_page_changes_nothing(office):
    dossier = factories.filed()
    before = columns(dossier)

    response = logged_in(office.reception).post(page_url(dossier), canary())

    assert response.status_code == 404
    assert columns(dossier) == before


def test_a_move_takes_what_it_asks_for_and_nothing_more(office):
    dossier = factories.filed()
    before = columns(dossier)
    data = {**canary(), "version": dossier.version}

    logged_in(office.reception).post(move_url(dossier, "accept"), data)

    after = columns(dossier)
    changed = {name for name in after if after[name] != before[name]}
    assert after["state"] == "accepted"
    assert changed == {
        "state", "version", "accepted_at", "answer_by", "promised_at", "updated_at",
        "handed_on_at", "step_since", "step_due_at",
    }  # fmt: skip


@pytest.mark.parametrize("action", ["add/", "1/delete/"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_dossiers_are_neither_added_nor_deleted(office, action, method):
    dossier = factories.filed()
    address = QUEUE + action.replace("1", str(dossier.pk))

    response = getattr(logged_in(office.reception), method)(address, {"post": "yes"})

    assert response.status_code == 403
    assert Dossier.objects.count() == 1


@pytest.mark.parametrize("model", ["payments_payment", "payments_gatewaymessage"])
def test_money_is_neither_added_nor_changed_nor_deleted(model):
    client = logged_in(factories.user(is_staff=True, is_superuser=True, is_demo=True))
    dossier = factories.filed(factories.COPY)
    payment = dossier.payments.get()

    answers = [
        client.post(reverse(f"admin:{model}_add"), {"amount": 1}).status_code,
        client.post(reverse("admin:payments_payment_change", args=[payment.pk]), {"amount": 1}),
        client.post(reverse("admin:payments_payment_delete", args=[payment.pk]), {"post": "yes"}),
    ]

    assert answers[0] == 403
    assert [answer.status_code for answer in answers[1:]] == [403, 403]
    payment.refresh_from_db()
    assert payment.amount == 16000


# --- Moves ----------------------------------------------------------------------------


def test_a_move_is_made_and_said(office):
    dossier = factories.filed()
    client = logged_in(office.reception)

    response = client.post(move_url(dossier, "accept"), {"version": dossier.version}, follow=True)

    assert fresh(dossier).state == "accepted"
    assert "Đã thực hiện: Tiếp nhận." in text_of(response)


def test_a_stale_form_is_refused_says_what_changed_and_keeps_the_reason(office):
    dossier = factories.filed()
    colleague = factories.official(Posting.Role.RECEPTION, full_name="Bùi Thị Nhanh")
    workflow.perform(dossier, "accept", by=colleague)
    ground = factories.ground().code
    typed = {"version": dossier.version, "reason": "Thiếu giấy chứng tử", "ground": ground}

    response = logged_in(office.reception).post(move_url(dossier, "propose_refusal"), typed)

    page = response.content.decode()
    assert response.status_code == 409
    assert "Bùi Thị Nhanh đã thực hiện “Tiếp nhận”" in text_of(response)
    assert "Thiếu giấy chứng tử" in page
    assert f'value="{ground}" selected' in page
    assert fresh(dossier).state == "accepted"


def test_a_form_is_stale_even_where_its_move_is_still_open(office):
    dossier = office.processing(factories.filed())
    asked = office.supplement(dossier)
    workflow.perform(asked, "answer_supplement", by=dossier.owner, answer="Đã chụp lại")
    typed = {"version": dossier.version, "outcome": "granted", "reason": "Đủ điều kiện"}

    response = logged_in(office.officer).post(move_url(dossier, "propose"), typed)

    assert response.status_code == 409
    assert "đã thực hiện “Gửi bổ sung”" in text_of(response)
    assert "Đủ điều kiện" in response.content.decode()
    assert fresh(dossier).state == "processing"


def test_after_reading_what_changed_the_same_form_may_be_sent_again(office):
    dossier = factories.filed()
    Dossier.objects.filter(pk=dossier.pk).update(version=dossier.version + 1)
    client = logged_in(office.reception)
    typed = {"version": dossier.version, "items": "Ảnh mờ", "reason": "Chụp lại"}
    refused = client.post(move_url(dossier, "request_supplement"), typed)
    shown = re.search(r'name="version" value="(\d+)"', refused.content.decode())

    client.post(move_url(dossier, "request_supplement"), {**typed, "version": shown[1]})

    assert refused.status_code == 409
    assert fresh(dossier).state == "supplement_required"


def test_a_form_without_a_version_moves_nothing(office):
    dossier = factories.filed()

    response = logged_in(office.reception).post(move_url(dossier, "accept"), {})

    assert response.status_code == 409
    assert fresh(dossier).state == "submitted"


def test_a_move_that_is_not_open_is_refused_in_words(office):
    dossier = factories.filed()

    response = logged_in(office.officer).post(
        move_url(dossier, "take"), {"version": dossier.version}
    )

    assert response.status_code == 409
    assert "hiện ở trạng thái “Mới đăng ký”" in text_of(response)
    assert fresh(dossier).state == "submitted"


def test_the_form_of_a_move_that_is_not_open_leads_back(office):
    dossier = factories.filed()

    response = logged_in(office.officer).get(move_url(dossier, "take"), follow=True)

    assert response.redirect_chain == [(page_url(dossier), 302)]
    assert "Lúc này ông/bà không thực hiện được “Nhận xử lý”" in text_of(response)


def test_a_colleague_of_another_role_is_refused_and_nothing_changes(office):
    dossier = factories.filed()

    response = logged_in(office.officer).post(
        move_url(dossier, "accept"), {"version": dossier.version}, follow=True
    )

    assert "không có quyền" in text_of(response)
    assert fresh(dossier).state == "submitted"


@pytest.mark.parametrize("name", ["khong-co", "submit", "withdraw", "confirm_payment", "complete"])
def test_what_is_no_move_of_officials_is_not_there(office, name):
    dossier = factories.filed()
    client = logged_in(office.reception)

    assert client.get(move_url(dossier, name)).status_code == 404
    assert client.post(move_url(dossier, name), {"version": 1}).status_code == 404


def test_a_missing_reason_brings_the_form_back(office):
    dossier = factories.filed()

    ground = factories.ground().code
    response = logged_in(office.reception).post(
        move_url(dossier, "propose_refusal"), {"version": dossier.version, "ground": ground}
    )

    assert "Hãy ghi lý do" in text_of(response)
    assert f'value="{ground}" selected' in response.content.decode()
    assert fresh(dossier).state == "submitted"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("accept", "Việc này không cần ghi thêm gì."),
        ("request_supplement", "Giấy tờ hồ sơ này phải có"),
        ("propose_refusal", "Căn cứ pháp lý"),
    ],
)
def test_each_move_asks_for_what_it_needs(office, name, words):
    dossier = factories.filed()

    response = logged_in(office.reception).get(move_url(dossier, name))

    assert words in text_of(response)


def test_nobody_handles_their_own_dossier(office):
    dossier = factories.filed(owner=office.reception)

    response = logged_in(office.reception).post(
        move_url(dossier, "accept"), {"version": dossier.version}, follow=True
    )

    assert "không thể tự giải quyết hồ sơ của chính mình" in text_of(response)
    assert fresh(dossier).state == "submitted"


# --- What is not shown at all ---------------------------------------------------------


@pytest.mark.parametrize("model", [Authenticator, DBTaskResult])
def test_secrets_of_second_factors_and_tasks_have_no_page(model):
    assert not officials_site.is_registered(model)


# --- What the person who signs sees ---------------------------------------------------


def test_the_signer_reads_the_proposal_before_signing(office):
    dossier = office.proposed(
        factories.filed(factories.FUNERAL), outcome="refused", reason="Không thuộc diện"
    )
    client = logged_in(office.approver)

    page = text_of(client.get(page_url(dossier)))
    form = text_of(client.get(move_url(dossier, "approve")))

    for text in (page, form):
        assert "Không đồng ý" in text
        assert "Không thuộc diện" in text


def test_the_signer_reads_the_words_of_the_decision(office):
    dossier = office.proposed(factories.filed(factories.FUNERAL))

    assert "Trần Văn Cụ" in text_of(logged_in(office.approver).get(move_url(dossier, "approve")))


def test_a_transferred_dossier_leaves_the_official_in_the_queue(office):
    dossier = office.accepted(factories.filed(factories.FUNERAL))
    data = {"version": dossier.version, "agency": factories.OTHER_COMMUNE, "reason": "Sai nơi"}

    response = logged_in(office.approver).post(move_url(dossier, "transfer"), data, follow=True)

    assert response.status_code == 200
    assert response.redirect_chain[-1][0] == QUEUE


def test_reading_a_dossier_through_a_move_is_a_look(office):
    dossier = office.processing(factories.filed(factories.BIRTH))

    logged_in(office.officer).get(move_url(dossier, "send_draft"))

    assert dossier.events.filter(name="look", actor=office.officer).exists()
