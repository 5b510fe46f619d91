"""Every address of a draft, a dossier, a file: what it gives to whom it does not belong.

`test_project` sees to it that strangers are asked to log in; here everybody has. An address
that is not in the table fails the first test.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from dossiers import attachments, behalf, participants, tracking, workflow
from dossiers.models import Attachment, Bundle, Dossier, KeptPaper, Participant, Result
from procedures.models import Posting
from tests import factories
from tests.factories import FUNERAL
from tests.test_project import ENGLISH, ENGLISH_THAT_IS_FINE, LOGIN, words_of

pytestmark = pytest.mark.django_db

OF_NOBODY = {"start", "read_pdf"}  # they hold the code of a procedure
# What a page answers to GET and to an empty POST; ANY is left to the tests of the page.
ANY = None


class Case(NamedTuple):
    """What the owner and one who takes part get from GET, and others from either method."""

    owner: int | None
    joined: int | None
    others: int = 404


OPEN_TO_ALL = Case(200, 200)
OWNERS = Case(200, 404)
READERS_GO_BACK = Case(200, 302)
POST_ONLY = Case(405, 405)

OF_DRAFT = {
    "draft": READERS_GO_BACK,
    "shared_draft": Case(404, 200),
    "section": OWNERS,
    "office": OWNERS,
    "documents": OWNERS,
    "check": OWNERS,
    "discard": OWNERS,
    "behalf": OWNERS,
    "draft_people": OWNERS,
    "printed_paper": Case(ANY, 404),
    "printed_form": Case(ANY, 404),
    "pdf_read": Case(302, 404),
    "upload": POST_ONLY,
    "use_paper": POST_ONLY,
}
OF_FILED = {
    "detail": OPEN_TO_ALL,
    "filed": OPEN_TO_ALL,
    "chain": OPEN_TO_ALL,
    "messages": OPEN_TO_ALL,
    "people": OPEN_TO_ALL,
    "supplement": READERS_GO_BACK,
    "supplement_paper": READERS_GO_BACK,
    "supplement_section": READERS_GO_BACK,
    "draft_result": Case(302, 302),
    "withdraw": READERS_GO_BACK,
    "rate": Case(302, 404),  # not before it is through
    "complaints": OWNERS,
    "delivery": READERS_GO_BACK,
    "upload_supplement": POST_ONLY,
    "use_paper_again": POST_ONLY,
    "copy": POST_ONLY,
}
OF_FILES = {
    "attachment": OPEN_TO_ALL,
    "bundle": OPEN_TO_ALL,
    "paper": OPEN_TO_ALL,
    "result": Case(404, 404),  # not before it was handed over
    "remove_attachment": POST_ONLY,
    "keep_paper": OWNERS,
    "kept_paper": OWNERS,
    "forget_paper": Case(405, 405, others=302),  # says nothing of whether there was one
}
TABLE = OF_DRAFT | OF_FILED | OF_FILES
# Beyond the one who filed: what an official of the office gets besides.
FOR_THE_OFFICE = {"attachment", "bundle", "paper", "result"}


class World:
    """A draft and a dossier of An's, filed for Cúc and with Bình, with one of each file."""

    def __init__(self) -> None:
        self.owner, self.joined = factories.user(), factories.user(full_name="Trần Văn Bình")
        self.ended, self.stranger = factories.user(), factories.user()
        self.office = factories.official(Posting.Role.RECEPTION)
        self.elsewhere = factories.official(Posting.Role.RECEPTION, office=factories.OTHER_COMMUNE)
        self.draft = factories.draft(FUNERAL, owner=self.owner)
        self.dossier = factories.filed(FUNERAL, owner=self.owner)
        for dossier in (self.draft, self.dossier):
            join(dossier, self.joined)
            participants.leave(join(dossier, self.ended))
        wish = {"fields": ["nguoi_mat.ngay_mat"], "notes": {"nguoi_mat.ngay_mat": "Sai"}}
        wish |= {"documents": ["giay_chung_tu"], "reason": "Chưa khớp"}
        workflow.perform(self.dossier, "request_supplement", by=self.office, **wish)
        self.addresses = dict(self._addresses())

    def _addresses(self):
        more = {"section": ["nguoi_mat"], "printed_paper": ["to_khai"]}
        more |= {"supplement_paper": ["giay_chung_tu"], "supplement_section": ["nguoi_mat"]}
        for names, known in ((OF_DRAFT, self.draft.key), (OF_FILED, self.dossier.code)):
            for name in names:
                yield name, reverse(f"dossiers:{name}", args=[known, *more.get(name, [])])
        for name, key in self._files().items():
            yield name, reverse(f"dossiers:{name}", args=[key])

    def _files(self) -> dict[str, str]:
        dossier, file = self.dossier, ContentFile(b"%PDF", "giay.pdf")
        paper = dossier.papers.get(kind="form")
        paper.file.save("giay.pdf", ContentFile(b"%PDF"))
        bundle = Bundle.objects.create(
            dossier=dossier, document="x", submitted_at=timezone.now(), size=4, pages=1, file=file
        )
        kept = KeptPaper.objects.create(
            owner=self.owner, title="Căn cước", name="a.jpg", media_type="image/jpeg", size=4,
            sha256="0" * 64, file=ContentFile(b"%PDF", "giay.pdf"),
        )  # fmt: skip
        result = Result.objects.create(dossier=dossier, file=ContentFile(b"%PDF", "kq.pdf"))
        attached, unfiled = dossier.attachments.first().key, self.draft.attachments.first().key
        return {
            "attachment": attached, "bundle": bundle.key, "paper": paper.token,
            "result": result.token, "remove_attachment": unfiled, "keep_paper": attached,
            "kept_paper": kept.key, "forget_paper": kept.key,
        }  # fmt: skip


def join(dossier: Dossier, person) -> Participant:
    row = participants.invite(
        dossier, role="co_applicant", name="Bình", contact=f"n{person.pk}@example.vn"
    )
    return participants.join(row, by=person)


def as_(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def status(client: Client, url: str, method: str = "get") -> int:
    response = getattr(client, method)(url)
    b"".join(response)  # a file behind it is read to its end, which closes it
    return response.status_code


def test_every_address_of_people_is_in_the_table():
    found = set()
    for name in LOGIN:
        space, _colon, short = name.rpartition(":")
        try:
            reverse(name)
        except NoReverseMatch:
            found |= {short} if space == "dossiers" else set()

    assert found - OF_NOBODY == set(TABLE)


@pytest.mark.parametrize("who", ["owner", "joined"])
def test_what_the_people_of_a_dossier_get(who):
    world = World()
    client = as_(getattr(world, who))
    expected = {name: getattr(case, who) for name, case in TABLE.items()}

    seen = {name: status(client, url) for name, url in world.addresses.items()}

    left_open = {name for name, answer in expected.items() if answer is ANY}
    assert seen == expected | {name: seen[name] for name in left_open}


def test_who_does_not_stand_in_it_finds_nothing_and_changes_nothing():
    world = World()
    before = rows_of(world)
    found = {}
    for who in ("stranger", "ended", "elsewhere", "office"):
        client = as_(getattr(world, who))
        for name, url in world.addresses.items():
            known = {TABLE[name].others, 405}
            for method in ("get", "post"):
                answer = status(client, url, method)
                is_theirs = who == "office" and name in FOR_THE_OFFICE and method == "get"
                if answer not in ({200} if is_theirs else known):
                    found[who, name, method] = answer

    assert found == {}
    assert rows_of(world) == before


def test_one_who_takes_part_changes_nothing_of_the_owners():
    world = World()
    before = rows_of(world)
    client = as_(world.joined)

    for name in set(TABLE) - {"copy", "forget_paper"}:
        client.post(world.addresses[name], {"document": "giay_chung_tu", "send": "1"})

    assert rows_of(world) == before


def test_who_filed_for_somebody_finds_nothing_once_the_mandate_ended():
    world = World()
    Dossier.objects.filter(pk=world.dossier.pk).update(
        behalf={"kind": behalf.PERSON, "name": "Cúc", "number": "045190005678",
                "relation": "mandate", "basis": ""},
    )  # fmt: skip
    dossier = Dossier.objects.get(pk=world.dossier.pk)
    row = participants.invite(dossier, role="principal", name="Cúc", contact="c@example.vn")
    participants.end_mandate(participants.join(row, by=factories.user()))
    client = as_(world.owner)

    seen = {
        name: status(client, world.addresses[name])
        for name in (*OF_FILED, "attachment", "bundle", "paper", "result", "keep_paper")
    }

    assert set(seen.values()) <= {404, 405}
    assert status(client, reverse("payments:start", args=[world.dossier.code])) == 404


def rows_of(world: World) -> list:
    """Everything of the two dossiers and the wallet that a request could change."""
    both = Dossier.objects.filter(pk__in=[world.draft.pk, world.dossier.pk]).order_by("pk")
    return [
        list(both.values("state", "version", "answers", "behalf", "owner", "secret")),
        [list(d.attachments.values("key", "document")) for d in both],
        [list(d.participants.values("token", "joined_at", "ended_at")) for d in both],
        [list(d.supplement_requests.values()) for d in both],
        list(KeptPaper.objects.values("key", "title")),
    ]


def test_a_file_that_was_not_sent_yet_is_for_its_sender_alone():
    world = World()
    paper = attach(world, "giay_chung_tu", "#101010", by=world.owner)
    ready = attach(world, Attachment.MESSAGE, "#202020", by=world.joined)
    people = ("owner", "joined", "office")

    seen = {
        who: [status(as_(getattr(world, who)), url("attachment", row)) for row in (paper, ready)]
        for who in people
    }
    as_(world.owner).post(url("remove_attachment", ready))

    assert seen == {"owner": [200, 404], "joined": [404, 200], "office": [404, 404]}
    assert Attachment.objects.filter(pk=ready.pk).exists()


def attach(world: World, document: str, color: str, *, by) -> Attachment:
    return attachments.keep(world.dossier, document, factories.taken_picture(color), by=by)


def url(name: str, row: Attachment) -> str:
    return reverse(f"dossiers:{name}", args=[row.key])


# --- What all these pages have in common --------------------------------------------------


def test_every_page_of_a_dossier_is_vietnamese_plain_and_never_kept():
    world = World()
    row = participants.invite(
        world.dossier, role="co_applicant", name="Dần", contact="d@example.vn"
    )
    pages = {name: (world.owner, url) for name, url in world.addresses.items()}
    pages["shared_draft"] = (world.joined, world.addresses["shared_draft"])
    pages["of one who reads"] = (world.joined, world.addresses["people"])
    pages |= {name: (world.owner, reverse(f"dossiers:{name}")) for name in OWN_LISTS}
    seen = {name: as_(person).get(url) for name, (person, url) in pages.items()}
    seen["invitation"] = Client().get(reverse("dossiers:invitation", args=[row.token]))
    seen["tracked"] = Client().get(urlsplit(tracking.signed_url(world.dossier)).path)

    html = {name: page for name, page in seen.items() if is_html(page)}
    found = {name: faults(page) for name, page in html.items()}
    kept = {name for name, page in seen.items() if "no-store" not in page["Cache-Control"]}

    for page in seen.values():
        b"".join(page)
    assert len(html) > 20
    assert {name: what for name, what in found.items() if what} == {}
    assert kept == set()


OWN_LISTS = ("notices", "preferences", "wallet", "mine")


def is_html(response) -> bool:
    return response.status_code == 200 and response["Content-Type"].startswith("text/html")


def faults(response) -> list[str]:
    """English, anything inline, headings that are not one."""
    page, source = words_of(response), response.content.decode()
    english = [
        words for words in page.words if ENGLISH.search(ENGLISH_THAT_IS_FINE.sub(" ", words))
    ]
    headings = [] if source.count("<h1") == 1 else [f"{source.count('<h1')} h1"]
    return [*english, *page.inline, *headings]
