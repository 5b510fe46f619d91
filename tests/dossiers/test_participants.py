"""Co-applicants and principals: invited, joined, agreeing, and let go again."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dossiers import attachments, behalf, drafting, filing, participants, workflow
from dossiers.models import Dossier, Event, Notice, Participant, Result
from payments import services
from procedures.models import Posting
from tests import factories
from tests.factories import BIRTH, COPY, FUNERAL

pytestmark = pytest.mark.django_db

CO_APPLICANT, PRINCIPAL = Participant.Role.CO_APPLICANT, Participant.Role.PRINCIPAL
INVITED = {"role": "co_applicant", "name": "Trần Văn Bình", "contact": "binh@example.vn"}


@pytest.fixture(autouse=True)
def _working_day():
    cache.clear()
    with time_machine.travel("2026-11-25 09:00+07:00", tick=False) as clock:
        yield clock


@pytest.fixture
def an():
    return factories.user(full_name="Nguyễn Văn An")


@pytest.fixture
def binh():
    return factories.user(full_name="Trần Văn Bình")


@pytest.fixture
def draft(an):
    return factories.draft(FUNERAL, owner=an)


def as_(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def invited(dossier: Dossier, **changes: str) -> Participant:
    return participants.invite(dossier, **{**INVITED, **changes})


def joined(dossier: Dossier, person, **changes: str) -> Participant:
    contact = f"nguoi{person.pk}@example.vn"
    return participants.join(invited(dossier, **{"contact": contact, **changes}), by=person)


def agreed(dossier: Dossier, person) -> Participant:
    row = joined(dossier, person)
    return participants.agree(row, seen=fingerprint(dossier))


def fingerprint(dossier: Dossier) -> str:
    return drafting.fingerprint(Dossier.objects.get(pk=dossier.pk))


def link(participant: Participant) -> str:
    return reverse("dossiers:invitation", args=[participant.token])


def people(dossier: Dossier) -> str:
    return participants.people_path(dossier)


def text(response) -> str:
    return response.content.decode()


def status(client: Client, url: str) -> int:
    """The answer's status; a file behind it is read to its end, which closes it."""
    response = client.get(url)
    b"".join(response)
    return response.status_code


# --- Inviting ---------------------------------------------------------------------------


def test_the_filer_invites_and_gets_the_link_to_pass_on(an, draft):
    response = as_(an).post(people(draft), {**INVITED, "invite": "1"}, follow=True)

    participant = draft.participants.get()
    assert (participant.name, participant.contact) == ("Trần Văn Bình", "binh@example.vn")
    assert participants.link(participant) in text(response)
    assert "data:image/svg+xml" in text(response)


def test_the_invitation_goes_out_and_names_the_inviter_and_the_procedure_only(
    an, draft, mailoutbox, run_tasks
):
    participant = invited(draft)

    run_tasks()

    [mail] = [mail for mail in mailoutbox if mail.to == ["binh@example.vn"]]
    assert "Nguyễn Văn An" not in mail.subject
    assert "Nguyễn Văn An" in mail.body
    assert draft.revision.short_name in mail.body
    assert link(participant) in mail.body
    assert "Trần Văn Cụ" not in mail.body  # the dead person of the form


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "http://xau.example"}, "name"),
        ({"contact": ""}, "contact"),
        ({"contact": "binh@"}, "contact"),
        ({"contact": "12"}, "contact"),
        ({"contact": "không có"}, "contact"),
        ({"role": "owner"}, "role"),
        ({"role": "principal"}, "role"),  # the filer stands in their own name
    ],
)
def test_a_wrong_invitation_is_explained_and_nobody_is_invited(an, draft, change, field):
    response = as_(an).post(people(draft), {**INVITED, "invite": "1", **change})

    assert list(response.context["form"].errors) == [field]
    assert not draft.participants.exists()


def test_a_telephone_is_kept_in_one_spelling(an, draft):
    as_(an).post(people(draft), {**INVITED, "invite": "1", "contact": "+84 912.345.678"})

    assert draft.participants.get().contact == "0912345678"


def test_the_same_contact_is_not_invited_twice(an, draft):
    invited(draft)

    response = as_(an).post(people(draft), {**INVITED, "invite": "1"})

    assert "đã được mời rồi" in text(response)
    assert draft.participants.count() == 1


def test_one_principal_is_invited_where_another_files_for_them(draft):
    with pytest.raises(workflow.Refused):
        invited(draft, role=PRINCIPAL)
    for_hoa(draft)

    invited(draft, role=PRINCIPAL)

    with pytest.raises(workflow.Refused, match="đã được mời rồi"):
        invited(draft, role=PRINCIPAL, contact="khac@example.vn")


def test_nobody_sends_letters_to_everybody_with_us(an, draft):
    for number in range(participants.MOST):
        invited(draft, contact=f"n{number}@example.vn")
    with pytest.raises(workflow.Refused, match="nhiều nhất"):
        invited(draft, contact="them@example.vn")
    another = factories.draft(FUNERAL, owner=an)
    for number in range(participants.MOST_A_DAY - participants.MOST):
        invited(another, contact=f"n{number}@example.vn")

    with pytest.raises(workflow.Refused, match="ngày mai"):
        invited(factories.draft(FUNERAL, owner=an))


def test_a_dossier_that_has_ended_invites_nobody(an):
    dossier = workflow.perform(factories.filed(FUNERAL, owner=an), "withdraw", by=an)

    with pytest.raises(workflow.Refused, match="kết thúc"):
        invited(dossier)
    assert "Mời thêm" not in text(as_(an).get(people(dossier)))


def test_a_token_of_another_dossier_does_nothing(an, draft):
    others = invited(factories.draft(FUNERAL))

    as_(an).post(people(draft), {"end": others.token, "again": others.token})

    others.refresh_from_db()
    assert others.ended_at is None


# --- The link ---------------------------------------------------------------------------


def test_a_stranger_reads_who_invites_to_what_and_nothing_else(draft, client):
    response = client.get(link(invited(draft)))

    assert "Nguyễn Văn An" in text(response)
    assert draft.revision.short_name in text(response)
    for secret in ("Trần Văn Cụ", "binh@example.vn", draft.key, "045190001234"):
        assert secret not in text(response)
    assert f"{reverse('account_login')}?next={link(draft.participants.get())}" in text(response)


def test_joining_asks_to_log_in_and_comes_back(draft, client):
    url = link(invited(draft))

    response = client.post(url)

    assert response.url == f"{reverse('account_login')}?next={url}"
    assert draft.participants.get().joined_at is None


def test_the_invited_person_joins_and_reads(draft, binh):
    participant = invited(draft)
    client = as_(binh)

    response = client.post(link(participant), follow=True)

    participant.refresh_from_db()
    assert participant.user == binh
    assert response.redirect_chain[-1][0] == reverse("dossiers:shared_draft", args=[draft.key])
    assert "Trần Văn Cụ" in text(response)
    assert "Nguyễn Văn An" in text(response)


def test_an_invitation_works_once(draft, binh):
    participant = joined(draft, binh)
    other = as_(factories.user())

    assert other.get(link(participant)).status_code == 404
    assert other.post(link(participant)).status_code == 404
    assert as_(binh).get(link(participant)).status_code == 302  # to the dossier they are in


def test_the_one_who_invited_cannot_join(an, draft):
    participant = invited(draft)

    as_(an).post(link(participant))

    participant.refresh_from_db()
    assert participant.joined_at is None
    assert "Tham gia hồ sơ</button>" not in text(as_(an).get(link(participant)))


def test_nobody_joins_twice(draft, binh):
    joined(draft, binh)

    with pytest.raises(workflow.Refused, match="đã tham gia"):
        participants.join(invited(draft, contact="khac@example.vn"), by=binh)


def _expired(participant: Participant, clock) -> None:
    clock.move_to(timezone.now() + participants.VALID_FOR)


def _withdrawn(participant: Participant, clock) -> None:
    participants.let_go(participant)


def _dossier_ended(participant: Participant, clock) -> None:
    workflow.perform(participant.dossier, "withdraw", by=participant.dossier.owner)


@pytest.mark.parametrize("end", [_expired, _withdrawn, _dossier_ended])
def test_an_invitation_that_is_over_is_not_found(an, binh, _working_day, end):
    participant = invited(factories.filed(FUNERAL, owner=an))

    end(participant, _working_day)

    assert as_(binh).get(link(participant)).status_code == 404
    assert as_(binh).post(link(participant)).status_code == 404
    participant.refresh_from_db()
    with pytest.raises(workflow.Refused):
        participants.join(participant, by=binh)


def test_an_invitation_goes_with_its_draft(draft, binh):
    participant = invited(draft)

    attachments.discard(draft)

    assert as_(binh).get(link(participant)).status_code == 404


def test_a_guesser_is_told_nothing_and_slowed_down(client):
    url = reverse("dossiers:invitation", args=["A" * 22])

    statuses = [client.get(url).status_code for _time in range(25)]

    assert set(statuses) == {404, 429}
    assert statuses[0] == 404
    assert statuses[-1] == 429


# --- Agreeing -----------------------------------------------------------------------------


def problems(draft: Dossier) -> list[str]:
    fresh = Dossier.objects.get(pk=draft.pk)
    return [row.message for row in filing.problems(fresh, now=timezone.now())]


def test_a_draft_waits_for_a_co_applicant_who_was_only_invited(draft):
    invited(draft)

    assert problems(draft) == ["Trần Văn Bình được mời cùng đứng đơn nhưng chưa tham gia."]
    with pytest.raises(workflow.Refused, match="chưa tham gia"):
        workflow.perform(draft, "submit", by=draft.owner)


def test_a_draft_waits_until_everybody_has_agreed(draft, binh):
    participant = joined(draft, binh)
    client = as_(binh)
    page = reverse("dossiers:shared_draft", args=[draft.key])
    assert problems(draft) == ["Trần Văn Bình chưa đọc và đồng ý với hồ sơ."]

    client.post(page, {"agree": "1", "seen": client.get(page).context["seen"]})

    participant.refresh_from_db()
    assert participant.agreed_at is not None
    assert problems(draft) == []
    filed = workflow.perform(draft, "submit", by=draft.owner)
    assert filed.state == Dossier.State.SUBMITTED
    assert Event.objects.get(dossier=filed, name="submit").data["participants"] == [participant.pk]


def _answer(draft):
    filing.save_answers(draft, "nhan_tien", {"cach": "chuyen_khoan", "so_tk": "1"})


def _file(draft):
    attachments.store(draft, "giay_chung_tu", factories.picture("#123123"), by=draft.owner)


def _name(draft):
    for_hoa(draft)


@pytest.mark.parametrize("change", [_answer, _file, _name])
def test_a_change_after_the_agreement_waits_for_it_again(draft, binh, change):
    agreed(draft, binh)
    assert problems(draft) == []

    change(draft)

    assert any("đọc lại và đồng ý" in text for text in problems(draft))
    page = text(as_(binh).get(reverse("dossiers:shared_draft", args=[draft.key])))
    assert "đã được sửa sau khi ông/bà đồng ý" in page


def test_agreeing_to_what_has_changed_meanwhile_is_refused(draft, binh):
    participant = joined(draft, binh)
    seen = fingerprint(draft)
    _answer(draft)

    page = reverse("dossiers:shared_draft", args=[draft.key])
    response = as_(binh).post(page, {"agree": "1", "seen": seen}, follow=True)

    participant.refresh_from_db()
    assert participant.agreed_at is None
    assert "vừa được sửa" in text(response)


def test_one_who_was_let_go_is_not_waited_for(draft, binh):
    participant = joined(draft, binh)

    participants.let_go(participant)

    assert problems(draft) == []


def test_a_principal_need_not_agree(draft, binh):
    _name(draft)
    joined(draft, binh, role=PRINCIPAL)

    assert problems(draft) == []


def test_asking_again_tells_the_co_applicant_once_an_hour(an, draft, binh, _working_day):
    participant = joined(draft, binh)

    for _time in range(2):
        as_(an).post(people(draft), {"again": participant.token})

    assert Notice.objects.filter(recipient=binh, kind="agree").count() == 1
    _working_day.shift(datetime.timedelta(hours=2))
    as_(an).post(people(draft), {"again": participant.token})
    assert Notice.objects.filter(recipient=binh, kind="agree").count() == 2


def test_saving_does_not_tell_the_co_applicant_each_time(draft, binh):
    agreed(draft, binh)

    for _time in range(3):
        _answer(draft)

    assert not Notice.objects.filter(recipient=binh).exists()


def test_the_filer_is_told_of_joining_agreeing_and_leaving(an, draft, binh):
    participants.leave(agreed(draft, binh))

    subjects = [notice.subject for notice in Notice.objects.filter(recipient=an).order_by("pk")]
    assert len(subjects) == 3
    assert not any("Trần Văn Bình" in subject for subject in subjects)


# --- Who sees what ------------------------------------------------------------------------


def test_a_co_applicant_reads_the_draft_and_its_files_and_changes_nothing(draft, binh):
    joined(draft, binh)
    client = as_(binh)
    file = draft.attachments.first()

    assert status(client, reverse("dossiers:attachment", args=[file.key])) == 200
    assert client.get(draft.get_absolute_url()).url == reverse(
        "dossiers:shared_draft", args=[draft.key]
    )
    for name, rest in [
        ("office", ()), ("section", ("nguoi_mat",)), ("documents", ()), ("check", ()),
        ("discard", ()), ("behalf", ()), ("draft_people", ()),
    ]:  # fmt: skip
        url = reverse(f"dossiers:{name}", args=[draft.key, *rest])
        assert client.get(url).status_code == 404, name
        assert client.post(url, {"delivery": "online"}).status_code == 404, name
    assert client.post(reverse("dossiers:remove_attachment", args=[file.key])).status_code == 404
    assert Dossier.objects.get(pk=draft.pk).state == Dossier.State.DRAFT


def _places(dossier: Dossier) -> dict[str, str]:
    """Every address of a filed dossier that shows something of it."""
    return {
        "detail": reverse("dossiers:detail", args=[dossier.code]),
        "people": reverse("dossiers:people", args=[dossier.code]),
        "file": reverse("dossiers:attachment", args=[dossier.attachments.first().key]),
        "paper": reverse("dossiers:paper", args=[dossier.papers.get(kind="form").token]),
        "messages": reverse("dossiers:messages", args=[dossier.code]),
    }


@pytest.mark.parametrize(
    ("who", "expected"),
    [("owner", 200), ("joined", 200), ("invited", 404), ("ended", 404), ("stranger", 404)],
)
def test_who_sees_a_filed_dossier(draft, binh, who, expected):
    row = agreed(draft, binh)
    filed = workflow.perform(draft, "submit", by=draft.owner)
    filed.papers.get(kind="form").file.save("giay.pdf", ContentFile(b"%PDF"))
    person = binh
    if who == "owner":
        person = draft.owner
    elif who == "ended":
        participants.leave(row)
    elif who != "joined":
        person = factories.user(email="khac@example.vn")
        if who == "invited":
            invited(filed, contact="khac@example.vn")
    client = as_(person)

    seen = {name: status(client, url) for name, url in _places(filed).items()}

    assert seen == dict.fromkeys(seen, expected)
    assert (filed.code in text(client.get(reverse("dossiers:mine")))) == (expected == 200)


@pytest.mark.parametrize(
    ("office", "expected"), [(factories.DESK, 200), (factories.OTHER_COMMUNE, 404)]
)
def test_officials_come_in_by_their_own_door(an, office, expected):
    filed = factories.filed(FUNERAL, owner=an)
    filed.papers.get(kind="form").file.save("giay.pdf", ContentFile(b"%PDF"))
    client = as_(factories.official(Posting.Role.RECEPTION, office=office))

    seen = {name: status(client, url) for name, url in _places(filed).items()}

    assert seen == {
        "detail": 404, "people": 404, "messages": 404, "file": expected, "paper": expected,
    }  # fmt: skip


def test_the_paper_that_prints_the_secret_is_the_filers(an, binh):
    dossier = factories.filed(FUNERAL, owner=an)
    joined(dossier, binh)
    paper = dossier.papers.get(kind="filing")
    paper.file.save("giay.pdf", ContentFile(b"%PDF"))
    url = reverse("dossiers:paper", args=[paper.token])

    assert (status(as_(an), url), status(as_(binh), url)) == (200, 404)
    for name in ("detail", "filed"):
        page = text(as_(binh).get(reverse(f"dossiers:{name}", args=[dossier.code])))
        assert url not in page
        assert dossier.secret not in page


def test_a_result_is_not_for_one_who_has_left(an, binh):
    dossier = factories.filed(FUNERAL, owner=an)
    row = joined(dossier, binh)
    result = Result.objects.create(
        dossier=dossier, title="Quyết định", file=ContentFile(b"%PDF", "kq.pdf")
    )
    Dossier.objects.filter(pk=dossier.pk).update(state=Dossier.State.RETURNED)
    url = reverse("dossiers:result", args=[result.token])
    before = status(as_(binh), url)

    participants.leave(row)

    assert (before, status(as_(binh), url)) == (200, 404)
    assert status(as_(an), url) == 200


def test_what_is_the_owners_is_refused_to_a_participant(an, binh):
    dossier = factories.filed(FUNERAL, owner=an)
    joined(dossier, binh)
    client = as_(binh)

    page = text(client.get(reverse("dossiers:detail", args=[dossier.code])))
    client.post(reverse("dossiers:withdraw", args=[dossier.code]), {"version": dossier.version})
    client.post(reverse("dossiers:people", args=[dossier.code]), {**INVITED, "invite": "1"})

    assert "Rút hồ sơ" not in page
    assert dossier.secret not in page
    assert Dossier.objects.get(pk=dossier.pk).state == Dossier.State.SUBMITTED
    assert dossier.participants.count() == 1
    with pytest.raises(workflow.NotAllowed):
        workflow.perform(dossier, "withdraw", by=binh)


@pytest.mark.parametrize("who", ["joined", "invited", "ended", "stranger", "official"])
def test_only_the_filer_opens_the_pages_of_a_draft(draft, binh, who):
    person = binh
    if who == "joined":
        joined(draft, binh)
    elif who == "invited":
        invited(draft)
    elif who == "ended":
        participants.leave(joined(draft, binh))
    elif who == "official":
        person = factories.official(Posting.Role.RECEPTION)
    client = as_(person)

    for name in ("behalf", "draft_people"):
        url = reverse(f"dossiers:{name}", args=[draft.key])
        assert client.get(url).status_code == 404
        assert client.post(url, {**INVITED, "invite": "1"}).status_code == 404
    shared = client.get(reverse("dossiers:shared_draft", args=[draft.key])).status_code
    assert shared == (200 if who == "joined" else 404)


def test_companions_see_each_others_names_but_no_contacts(an, binh):
    dossier = factories.filed(FUNERAL, owner=an)
    joined(dossier, binh)
    joined(dossier, factories.user(full_name="Lê Thị Cúc"), name="Lê Thị Cúc")
    invited(dossier, name="Chưa Vào", contact="chua-vao@example.vn")

    page = text(as_(binh).get(people(dossier)))

    assert "Lê Thị Cúc" in page
    assert "Chưa Vào" not in page
    assert "@example.vn" not in page.replace(binh.email, "")


# --- The end of a mandate -----------------------------------------------------------------


def for_hoa(draft: Dossier, **changes: str) -> Dossier:
    behalf.stand_for(draft, {"kind": "person", "name": "Hoa", "number": "045160001234",
                             "relation": "child", "basis": "", **changes})  # fmt: skip
    return draft


def test_one_whose_mandate_ended_sees_nothing_on_the_next_request(an, draft, binh):
    filed = workflow.perform(for_hoa(draft), "submit", by=an)
    filed.papers.get(kind="form").file.save("giay.pdf", ContentFile(b"%PDF"))
    joined(filed, binh, role=PRINCIPAL)
    former = as_(an)
    before = {name: status(former, url) for name, url in _places(filed).items()}

    as_(binh).post(people(filed), {"end_mandate": "1"})

    after = {name: status(former, url) for name, url in _places(filed).items()}
    assert set(before.values()) == {200}
    assert set(after.values()) == {404}
    assert status(former, reverse("payments:start", args=[filed.code])) == 404
    with pytest.raises(workflow.NotAllowed):
        workflow.perform(filed, "withdraw", by=an)


def test_the_principal_goes_on_with_the_dossier_under_a_new_secret(an, draft, binh):
    filed = workflow.perform(for_hoa(draft), "submit", by=an)
    row = joined(filed, binh, role=PRINCIPAL)

    participants.end_mandate(row)

    dossier = Dossier.objects.get(pk=filed.pk)
    assert dossier.owner == binh
    assert dossier.applicant_name == "Trần Văn Bình"
    assert dossier.secret != filed.secret
    assert dossier.version == filed.version + 1
    event = Event.objects.get(dossier=dossier, name="mandate_ended")
    assert event.data == {"participant": row.pk, "role": "principal", "former": an.pk}
    assert workflow.perform(dossier, "withdraw", by=binh).state == Dossier.State.WITHDRAWN


def test_a_business_keeps_its_dossier_when_its_representative_takes_it_over(draft, binh):
    for_hoa(draft, kind="business", name="Công ty Hoa", number="0100109106",
            relation="authorised", basis="1/GUQ")  # fmt: skip
    row = joined(draft, binh, role=PRINCIPAL)

    taken = participants.end_mandate(row)

    assert taken.behalf["name"] == "Công ty Hoa"
    assert taken.behalf["relation"] == "legal_representative"


def test_an_official_who_filed_for_another_decides_nothing_afterwards(binh):
    reception = factories.official(Posting.Role.RECEPTION)
    draft = for_hoa(factories.draft(FUNERAL, owner=reception))
    filed = workflow.perform(draft, "submit", by=reception)

    participants.end_mandate(joined(filed, binh, role=PRINCIPAL))

    with pytest.raises(workflow.NotAllowed):
        workflow.perform(filed, "accept", by=reception)


def test_a_co_applicant_takes_nothing_over(an, binh):
    dossier = factories.filed(FUNERAL, owner=an)
    row = joined(dossier, binh)

    as_(binh).post(people(dossier), {"end_mandate": "1"})

    assert Dossier.objects.get(pk=dossier.pk).owner == an
    with pytest.raises(workflow.Refused):
        participants.end_mandate(row)


def test_a_dossier_that_has_ended_is_not_taken_over(an, draft, binh):
    filed = workflow.perform(for_hoa(draft), "submit", by=an)
    row = joined(filed, binh, role=PRINCIPAL)
    workflow.perform(filed, "withdraw", by=an)

    with pytest.raises(workflow.Refused):
        participants.end_mandate(row)


# --- Leaving, and the ledger --------------------------------------------------------------


def test_after_filing_nobody_is_shut_out_but_everybody_may_leave(an, binh):
    dossier = factories.filed(FUNERAL, owner=an)
    row = joined(dossier, binh)

    as_(an).post(people(dossier), {"end": row.token})
    row.refresh_from_db()
    still_in = row.ended_at is None
    as_(binh).post(people(dossier), {"leave": "1"})

    row.refresh_from_db()
    assert still_in
    assert row.ended_at is not None
    assert row.contact == ""


def test_an_invitation_is_withdrawn_after_filing_too(an):
    dossier = factories.filed(FUNERAL, owner=an)
    row = invited(dossier)

    as_(an).post(people(dossier), {"end": row.token})

    row.refresh_from_db()
    assert row.ended_at is not None


def test_the_ledger_of_a_filed_dossier_tells_of_people_by_ids(an, binh):
    dossier = factories.filed(FUNERAL, owner=an)
    row = joined(dossier, binh)
    participants.leave(row)

    events = Event.objects.filter(dossier=dossier, name__startswith="participant_")

    assert [event.name for event in events] == ["participant_joined", "participant_left"]
    for event in events:
        assert event.data == {"participant": row.pk, "role": "co_applicant"}
        assert event.actor == binh
    assert "Một người được mời đã tham gia hồ sơ" in text(
        as_(an).get(reverse("dossiers:detail", args=[dossier.code]))
    )


def test_a_draft_has_no_events(draft, binh):
    participants.leave(agreed(draft, binh))

    assert not Event.objects.exists()


def test_leaving_twice_is_leaving_once(draft, binh):
    row = joined(draft, binh)
    participants.leave(row)
    first = Participant.objects.get(pk=row.pk).ended_at

    participants.leave(row)

    assert Participant.objects.get(pk=row.pk).ended_at == first


def test_participants_are_told_of_the_moves(an, binh):
    dossier = factories.filed(FUNERAL, owner=an)
    joined(dossier, binh)

    workflow.perform(dossier, "accept", by=factories.official(Posting.Role.RECEPTION))

    assert Notice.objects.filter(recipient=binh, event__name="accept").exists()


# --- Officials ----------------------------------------------------------------------------


@pytest.mark.parametrize("has_left", [False, True])
def test_an_official_who_took_part_decides_nothing(an, has_left):
    reception = factories.official(Posting.Role.RECEPTION)
    dossier = factories.filed(FUNERAL, owner=an)
    row = joined(dossier, reception)
    if has_left:
        participants.leave(row)

    assert list(workflow.open_to(dossier, reception)) == []
    with pytest.raises(workflow.NotAllowed):
        workflow.perform(dossier, "accept", by=reception)
    boss = factories.official(Posting.Role.RECEPTION)
    assert workflow.perform(dossier, "accept", by=boss).state == Dossier.State.ACCEPTED


def test_a_cashier_who_takes_part_takes_no_money(an):
    cashier = factories.official(Posting.Role.CASHIER)
    dossier = factories.filed(COPY, owner=an)
    joined(dossier, cashier)

    with pytest.raises(workflow.NotAllowed, match="chính mình"):
        services.take_cash(dossier.payments.get(), by=cashier)


# --- Queries ------------------------------------------------------------------------------


def queries(client: Client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


@pytest.mark.parametrize("is_filed", [False, True])
def test_the_page_of_people_costs_the_same_for_one_and_for_ten(an, is_filed):
    dossier = (factories.filed if is_filed else factories.draft)(BIRTH, owner=an)
    joined(dossier, factories.user())
    client = as_(an)
    before = queries(client, people(dossier))

    for number in range(participants.MOST - 1):
        joined(dossier, factories.user(), contact=f"n{number}@example.vn")

    assert queries(client, people(dossier)) == before <= 12


def test_the_shared_draft_costs_the_same_for_many_files(draft, binh):
    joined(draft, binh)
    client, url = as_(binh), reverse("dossiers:shared_draft", args=[draft.key])
    before = queries(client, url)

    for number in range(10):
        color = f"#0000{number:02d}"
        attachments.store(draft, "giay_chung_tu", factories.picture(color), by=draft.owner)

    assert queries(client, url) == before <= 10
