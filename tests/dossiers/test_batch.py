"""Several dossiers at once: each through the one door, each with its own result."""

from __future__ import annotations

import io
import re

import pikepdf
import pytest
from django.test import Client

from dossiers import workflow
from dossiers.admin import batch
from dossiers.models import Dossier, Paper
from procedures.models import Posting
from tests import factories
from tests.dossiers.copying import copies_of

pytestmark = pytest.mark.django_db

State = Dossier.State
BATCH = "/quan-tri/ho-so-nhieu/"


@pytest.fixture
def office() -> factories.Office:
    return factories.Office()


@pytest.fixture
def one() -> Dossier:
    return factories.filed()


def as_(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def text_of(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def ticked(*dossiers: Dossier) -> list[str]:
    return [f"{row.pk}:{row.version}" for row in dossiers]


def made(client: Client, move: str, *dossiers: Dossier, **inputs):
    data = {"move": move, "sure": "1", "chosen": ticked(*dossiers), **inputs}
    return client.post(BATCH, data, follow=True)


def state_of(dossier: Dossier) -> str:
    return Dossier.objects.get(pk=dossier.pk).state


def test_what_is_possible_is_done_and_what_is_not_says_why(office, one):
    [good] = copies_of(one)
    [own] = copies_of(one, owner=office.reception)
    [stale] = copies_of(one)
    Dossier.objects.filter(pk=stale.pk).update(version=stale.version + 1)
    foreign = factories.filed(office=factories.OTHER_COMMUNE)
    client = as_(office.reception)

    asked = client.post(BATCH, {"move": "accept", "chosen": ticked(one, good), "query": "nhom=moi"})
    untouched = state_of(one)
    answer = made(client, "accept", one, good, own, stale, foreign, query="nhom=moi")
    again = made(client, "accept", one)

    page = text_of(answer)
    assert "2 hồ sơ đã chọn" in text_of(asked)
    assert untouched == State.SUBMITTED
    assert answer.redirect_chain[-1][0] == f"{BATCH}ket-qua/"
    assert "Được 2 hồ sơ; 3 hồ sơ không làm được" in page
    assert "của chính mình" in page
    assert "Hồ sơ đang ở trạng thái “Mới đăng ký”" in page
    assert "Không có trong phạm vi" in page
    assert foreign.code not in page
    assert (state_of(one), state_of(good)) == (State.ACCEPTED, State.ACCEPTED)
    assert {state_of(own), state_of(stale), state_of(foreign)} == {State.SUBMITTED}
    assert one.events.filter(name="accept", actor=office.reception).count() == 1
    assert "Được 0 hồ sơ; 1 hồ sơ" in text_of(again)


def test_a_leader_gives_dossiers_to_an_officer(office, one):
    accepted = office.accepted(one)
    [own] = copies_of(accepted, owner=office.officer)
    leader = factories.official(Posting.Role.LEADER)
    client = as_(leader)

    page = client.post(BATCH, {"move": "assign", "chosen": ticked(accepted)})
    nobody = made(client, "assign", accepted)
    stranger = made(client, "assign", accepted, assignee=office.reception.pk)
    answer = made(client, "assign", accepted, own, assignee=office.officer.pk)

    dossier = Dossier.objects.get(pk=accepted.pk)
    event = dossier.events.get(name="assign")
    assert office.officer.get_full_name() in text_of(page)
    assert "Hãy chọn người được giao" in text_of(nobody)
    assert "Hãy chọn một công chức thụ lý" in text_of(stranger)
    assert "có liên quan đến người trong hồ sơ" in text_of(answer)
    assert (dossier.assignee, dossier.state) == (office.officer, State.ACCEPTED)
    assert event.data == {"assignee": office.officer.pk, "before": None}
    assert Dossier.objects.get(pk=own.pk).assignee is None
    with pytest.raises(workflow.Refused, match="đã được giao"):
        workflow.perform(dossier, "assign", by=leader, assignee=str(office.officer.pk))
    taken = workflow.perform(dossier, "take", by=office.officer)
    assert taken.state == State.PROCESSING


def test_papers_are_printed_as_one_file(office, one):
    accepted = office.accepted(one)
    paper = accepted.papers.get(kind=Paper.Kind.RECEIPT)
    paper.file.save("giay.pdf", factories.pdf())
    [without] = copies_of(accepted)
    making = office.accepted(copies_of(one, state=State.SUBMITTED, version=one.version)[0])
    client = as_(office.reception)

    answer = made(client, "print", accepted, without, making, kind="receipt")
    pdf = client.get(f"{BATCH}in/")
    unknown = made(client, "print", accepted, kind="filing")

    page = text_of(answer)
    with pikepdf.open(io.BytesIO(pdf.getvalue())) as whole:
        assert len(whole.pages) == 1
    assert "Chưa có giấy này" in page
    assert "Giấy này đang được lập" in page
    assert accepted.events.filter(name="look", data__what="print").count() == 1
    assert not without.events.filter(name="look").exists()
    assert "Hãy chọn loại giấy cần in" in text_of(unknown)
    assert as_(office.officer).get(f"{BATCH}in/").status_code == 302


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"move": "accept"}, "ít nhất một hồ sơ"),
        ({"move": "accept", "chosen": ["1"]}, "không đọc được"),
        ({"move": "accept", "chosen": ["1:2:3"]}, "không đọc được"),
        ({"move": "accept", "chosen": ["9" * 30 + ":1"]}, "không đọc được"),
        ({"move": "accept", "chosen": [f"{n}:1" for n in range(101)]}, "nhiều nhất 100"),
        ({"move": "assign", "chosen": ["1:1"]}, "không làm được việc này"),
        ({"move": "delete", "chosen": ["1:1"]}, "không làm được việc này"),
        ({"move": "withdraw", "chosen": ["1:1"]}, "không làm được việc này"),
    ],
)
def test_what_cannot_be_done_to_several_is_refused_before_anything_is_done(office, data, words):
    answer = as_(office.reception).post(BATCH, {**data, "sure": "1"}, follow=True)

    assert answer.status_code == 200
    assert words in text_of(answer)


def test_the_buttons_are_those_of_ones_roles(office, rf):
    def offered(person) -> set[str]:
        request = rf.get("/")
        request.user = person
        return {row["name"] for row in batch.offered(request)}

    assert offered(office.reception) == {"accept", "hand_on", "hand_over", "print"}
    assert offered(factories.official(Posting.Role.LEADER)) == {"assign", "print"}
    assert offered(factories.official(Posting.Role.SUPERVISOR)) == {"print"}
    assert offered(factories.official(Posting.Role.EDITOR)) == set()
    assert as_(office.reception).get(BATCH).status_code == 302
    assert as_(factories.official(Posting.Role.EDITOR)).post(BATCH).status_code == 403
