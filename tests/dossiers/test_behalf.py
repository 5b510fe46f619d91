"""Filing in the name of another person or of a business."""

from __future__ import annotations

import pytest
import time_machine
from django.core.cache import cache
from django.urls import reverse

from dossiers import attachments, behalf, filing, papers, presenting, supplements, workflow
from dossiers.models import Dossier
from procedures.models import Posting
from tests import factories
from tests.factories import BIRTH, FUNERAL

pytestmark = pytest.mark.django_db

MOTHER = {
    "who": "person",
    "person_name": "Trần Thị Hoa",
    "person_number": "045 160 001 234",
    "person_relation": "child",
}
COMPANY = {
    "who": "business",
    "business_name": "Công ty TNHH Gio Linh",
    "business_number": "0100109106",
    "business_relation": "authorised",
    "basis": "12/GUQ ngày 01/11/2026",
}
PRINCIPAL = {
    "kind": "person",
    "name": "Trần Thị Hoa",
    "number": "045160001234",
    "relation": "child",
    "basis": "",
}


@pytest.fixture(autouse=True)
def _working_day():
    cache.clear()
    with time_machine.travel("2026-11-25 09:00+07:00"):
        yield


@pytest.fixture
def an():
    return factories.user(full_name="Nguyễn Văn An", citizen_number="045190001235")


@pytest.fixture
def citizen(client, an):
    client.force_login(an)
    return client


def url(draft: Dossier) -> str:
    return reverse("dossiers:behalf", args=[draft.key])


def behalf_of(draft: Dossier) -> dict:
    return Dossier.objects.values_list("behalf", flat=True).get(pk=draft.pk)


def for_somebody(draft: Dossier, **changes: str) -> Dossier:
    behalf.stand_for(draft, {**PRINCIPAL, **changes})
    return draft


def test_a_draft_stands_in_the_filers_own_name_at_first(citizen, an):
    draft = factories.draft(owner=an)

    response = citizen.get(url(draft))

    assert response.context["form"]["who"].value() == "self"
    assert behalf_of(draft) == {}


def test_a_child_files_for_a_mother(citizen, an):
    draft = factories.draft(owner=an)

    response = citizen.post(url(draft), MOTHER)

    assert response.url == reverse("dossiers:draft", args=[draft.key])
    assert behalf_of(draft) == PRINCIPAL
    assert "Trần Thị Hoa" in citizen.get(url(draft)).content.decode()


def test_one_who_came_from_the_check_page_goes_back_there(citizen, an):
    draft = factories.draft(owner=an)

    response = citizen.post(f"{url(draft)}?sua=1", MOTHER)

    assert response.url == reverse("dossiers:check", args=[draft.key])


def test_a_business_is_known_by_its_tax_code(citizen, an):
    draft = factories.draft(owner=an)

    citizen.post(url(draft), COMPANY)

    assert behalf_of(draft) == {
        "kind": "business",
        "name": "Công ty TNHH Gio Linh",
        "number": "0100109106",
        "relation": "authorised",
        "basis": "12/GUQ ngày 01/11/2026",
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"who": ""}, "who"),
        ({"who": "ai-do"}, "who"),
        ({"person_name": ""}, "person_name"),
        ({"person_name": "Hoa 123 <b>"}, "person_name"),
        ({"person_name": "A" * 101}, "person_name"),
        ({"person_number": ""}, "person_number"),
        ({"person_number": "12345"}, "person_number"),
        ({"person_number": "999190001235"}, "person_number"),
        ({"person_number": "045190001235"}, "person_number"),  # the filer's own
        ({"person_relation": ""}, "person_relation"),
        ({"person_relation": "authorised"}, "person_relation"),
    ],
)
def test_what_is_wrong_about_a_person_is_said_beside_it(citizen, an, change, field):
    draft = factories.draft(owner=an)

    response = citizen.post(url(draft), {**MOTHER, **change})

    assert list(response.context["form"].errors) == [field]
    assert behalf_of(draft) == {}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"business_name": ""}, "business_name"),
        ({"business_number": "0100109107"}, "business_number"),
        ({"business_number": "không có"}, "business_number"),
        ({"business_number": "1" * 500}, "business_number"),
        ({"business_relation": "child"}, "business_relation"),
    ],
)
def test_what_is_wrong_about_a_business_is_said_beside_it(citizen, an, change, field):
    draft = factories.draft(owner=an)

    response = citizen.post(url(draft), {**COMPANY, **change})

    assert list(response.context["form"].errors) == [field]


def test_what_was_typed_for_the_other_choice_is_neither_kept_nor_complained_of(citizen, an):
    draft = factories.draft(owner=an)

    citizen.post(url(draft), {**MOTHER, **COMPANY, "who": "self", "person_number": "1"})

    assert behalf_of(draft) == {}


def test_a_filed_dossier_keeps_the_name_it_was_filed_in(citizen, an):
    draft = factories.draft(owner=an)
    workflow.perform(draft, "submit", by=an)

    response = citizen.post(url(draft), MOTHER)

    assert response.status_code == 404
    assert behalf_of(draft) == {}
    with pytest.raises(Dossier.DoesNotExist):
        behalf.stand_for(draft, PRINCIPAL)


def test_a_strangers_draft_is_not_found(client, an):
    draft = factories.draft(owner=an)
    client.force_login(factories.user())

    assert client.get(url(draft)).status_code == 404
    assert client.post(url(draft), MOTHER).status_code == 404


def test_a_copy_stands_in_the_same_name_for_the_same_filer_alone(an):
    filed = workflow.perform(for_somebody(factories.draft(FUNERAL, owner=an)), "submit", by=an)

    assert filing.copy(filed, by=an).behalf == PRINCIPAL
    assert filing.copy(filed, by=factories.user()).behalf == {}


# --- The mandate ------------------------------------------------------------------------


def test_a_mandate_has_to_be_attached(an):
    draft = for_somebody(factories.draft(FUNERAL, owner=an), relation="mandate")

    with pytest.raises(workflow.Refused, match="Văn bản ủy quyền"):
        workflow.perform(draft, "submit", by=an)
    attachments.store(draft, behalf.MANDATE_PAPER, factories.picture("#aabbcc"), by=an)
    filed = workflow.perform(draft, "submit", by=an)

    assert filed.state == Dossier.State.SUBMITTED
    assert filed.attachments.filter(document=behalf.MANDATE_PAPER).exists()
    named = [row["name"] for row in presenting.page(filed, an)["filed_papers"]]
    assert "Văn bản ủy quyền nộp thay" in named
    assert "Văn bản ủy quyền nộp thay" in [row["name"] for row in papers._documents(filed)]


def test_the_page_of_papers_takes_the_mandate(citizen, an):
    draft = for_somebody(factories.draft(FUNERAL, owner=an), relation="mandate")
    page = reverse("dossiers:documents", args=[draft.key])

    shown = citizen.get(page).content.decode()
    citizen.post(page, {behalf.MANDATE_PAPER: factories.picture("#123456")})

    assert "Văn bản ủy quyền nộp thay" in shown
    assert draft.attachments.filter(document=behalf.MANDATE_PAPER).count() == 1


def test_the_office_may_ask_for_the_mandate_again(an):
    draft = for_somebody(factories.draft(FUNERAL, owner=an), relation="mandate")

    assert behalf.MANDATE_PAPER in supplements._papers(draft)


@pytest.mark.parametrize("relation", ["parent", "child", "spouse", "guardian"])
def test_kin_and_guardians_need_no_mandate(an, relation):
    draft = for_somebody(factories.draft(FUNERAL, owner=an), relation=relation)

    filed = workflow.perform(draft, "submit", by=an)

    assert filed.state == Dossier.State.SUBMITTED


def test_a_legal_representative_needs_no_mandate(an):
    draft = factories.draft(FUNERAL, owner=an)
    for_somebody(draft, kind="business", relation="legal_representative", number="0100109106")

    assert filing.problems(draft, now=draft.created_at) == []


def test_a_procedure_with_a_mandate_of_its_own_asks_for_it_once(an):
    draft = for_somebody(factories.draft(BIRTH, owner=an), relation="mandate")
    draft.answers["nguoi_yeu_cau"]["quan_he"] = "duoc_uy_quyen"

    keys = [row.key for row in filing.to_attach(draft)]

    assert "uy_quyen" in keys
    assert behalf.MANDATE_PAPER not in keys


# --- Papers, and what officials see -------------------------------------------------------


def test_papers_name_the_principal_and_the_filer(an):
    an.phone = "0912345678"
    an.save()
    draft = for_somebody(factories.draft(FUNERAL, owner=an))

    filed = workflow.perform(draft, "submit", by=an)

    facts = filed.papers.get(kind="filing").facts["applicant"]
    assert facts["name"] == "Trần Thị Hoa"
    assert facts["citizen_number"] == "045160001234"
    assert (facts["filed_by"], facts["filed_as"]) == ("Nguyễn Văn An", "Con")
    assert facts["phone"] == "0912345678"
    assert filed.applicant_name == "Trần Thị Hoa (nộp thay: Nguyễn Văn An)"


def test_a_business_has_a_tax_code_on_papers_and_no_citizen_number(an):
    draft = factories.draft(FUNERAL, owner=an)
    for_somebody(draft, kind="business", relation="legal_representative", number="0100109106")

    facts = papers.applicant(draft)

    assert (facts["tax_code"], facts["citizen_number"]) == ("0100109106", "")


def test_the_check_page_asks_about_a_section_that_still_names_the_filer(citizen, an):
    draft = factories.draft(FUNERAL, owner=an)
    draft.answers["nguoi_dung_ra"]["nguoi"]["ho_ten"] = "Nguyễn Văn An"
    draft.save()
    page = reverse("dossiers:check", args=[draft.key])
    before = citizen.get(page).content.decode()

    for_somebody(draft)
    after = citizen.get(page).content.decode()

    assert "đang ghi tên ông/bà" not in before
    assert "Phần “Người đứng ra lo mai táng” đang ghi tên ông/bà" in after
    assert "Trần Thị Hoa" in after


def test_the_officials_page_tells_the_principal_from_the_filer(client, an):
    reception = factories.official(Posting.Role.RECEPTION)
    draft = for_somebody(factories.draft(FUNERAL, owner=an))
    filed = workflow.perform(draft, "submit", by=an)
    client.force_login(reception)

    page = client.get(reverse("admin:dossiers_dossier_change", args=[filed.pk])).content.decode()
    queue = client.get(reverse("admin:dossiers_dossier_changelist")).content.decode()

    assert "Số định danh cá nhân: 045160001234" in page
    assert "Nguyễn Văn An (Con)" in page
    assert "Trần Thị Hoa (nộp thay: Nguyễn Văn An)" in queue


def test_an_official_does_not_decide_on_a_dossier_in_their_own_name(an):
    reception = factories.official(Posting.Role.RECEPTION, citizen_number="045160001234")
    other = factories.official(Posting.Role.RECEPTION)
    draft = for_somebody(factories.draft(FUNERAL, owner=an))
    filed = workflow.perform(draft, "submit", by=an)

    assert list(workflow.open_to(filed, reception)) == []
    with pytest.raises(workflow.NotAllowed):
        workflow.perform(filed, "accept", by=reception)
    assert workflow.perform(filed, "accept", by=other).state == Dossier.State.ACCEPTED


def test_an_empty_citizen_number_is_nobodys(an):
    filed = factories.filed(FUNERAL, owner=an)

    assert not behalf.is_principal(filed, factories.user(citizen_number=""))
