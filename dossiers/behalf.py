"""In whose name a dossier is filed: the filer's own, another person's, or a business's.

A section that is filled from the profile describes the one who files. Where it means the
principal (the owner of a house, of a business), the filer changes it; `self_described`
names the sections that still hold the filer's own data, so that the check page can ask.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypedDict

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers.models import Dossier
from procedures.formspec import conditions
from procedures.formspec.spec import Section, walk
from procedures.models import RequiredDocument

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

PERSON, BUSINESS = "person", "business"

# What the filer is to the principal. A mandate has to be shown; kin, guardians and legal
# representatives act by law (Bộ luật Dân sự 2015, Điều 134–138).
PERSON_RELATIONS = {
    "parent": gettext_lazy("Cha hoặc mẹ"),
    "child": gettext_lazy("Con"),
    "spouse": gettext_lazy("Vợ hoặc chồng"),
    "guardian": gettext_lazy("Người giám hộ"),
    "mandate": gettext_lazy("Người được ủy quyền"),
}
BUSINESS_RELATIONS = {
    "legal_representative": gettext_lazy("Người đại diện theo pháp luật"),
    "authorised": gettext_lazy("Người được doanh nghiệp ủy quyền"),
}
BY_MANDATE = ("mandate", "authorised")

# The key of the paper that proves a mandate, and those by which procedures ask for it.
MANDATE_PAPER = "uy_quyen_nop_thay"
OWN_MANDATE_PAPERS = ("uy_quyen", "uy_quyen_nop")


class Principal(TypedDict):
    """The shape of `Dossier.behalf`: who stands in the dossier instead of its filer.

    `number` is a citizen number (12 digits) or a tax code, `relation` a key of
    `PERSON_RELATIONS` or `BUSINESS_RELATIONS`, `basis` the mandate's number as typed.
    """

    kind: str
    name: str
    number: str
    relation: str
    basis: str


def relations(kind: str) -> dict[str, Any]:
    """What a filer may be to a principal of this kind."""
    return BUSINESS_RELATIONS if kind == BUSINESS else PERSON_RELATIONS


def needs_mandate(dossier: Dossier) -> bool:
    """Whether the filer acts by a mandate, which must be attached."""
    return dossier.behalf.get("relation") in BY_MANDATE


def extra_documents(dossier: Dossier, asked: Iterable[RequiredDocument]) -> list[RequiredDocument]:
    """The mandate, where the filer needs one and the procedure does not ask for it itself.

    `asked` are the papers of the procedure that these answers call for. The row is not
    in the database: it belongs to this dossier alone.
    """
    asks = any(row.key in OWN_MANDATE_PAPERS and not row.is_optional for row in asked)
    if asks or not needs_mandate(dossier):
        return []
    return [
        RequiredDocument(
            revision_id=dossier.revision_id,
            key=MANDATE_PAPER,
            name=_("Văn bản ủy quyền nộp thay"),
            how=RequiredDocument.How.SUBMIT,
            copies=1,
            help=_("Ảnh chụp hoặc bản quét có chữ ký của người ủy quyền."),
        )
    ]


@transaction.atomic
def stand_for(draft: Dossier, principal: Principal | None) -> None:
    """Keep in whose name the draft is filed; None for the filer's own.

    The row is locked and re-read. Raises `Dossier.DoesNotExist` when it was filed meanwhile.
    """
    locked = Dossier.objects.select_for_update().get(pk=draft.pk, state=Dossier.State.DRAFT)
    draft.behalf = locked.behalf = dict(principal or {})
    locked.save(update_fields=["behalf", "updated_at"])


def carried_over(earlier: Dossier | None, draft: Dossier) -> dict[str, str]:
    """In whose name a draft begins: as the same filer filed the same procedure before."""
    if earlier is None or earlier.owner_id != draft.owner_id:
        return {}
    is_same = earlier.revision.procedure_id == draft.revision.procedure_id
    return dict(earlier.behalf) if is_same else {}


def after_mandate(dossier: Dossier) -> dict[str, str]:
    """In whose name it stands once its principal took it over: a business's stays its own."""
    if dossier.behalf.get("kind") != BUSINESS:
        return {}
    return {**dossier.behalf, "relation": "legal_representative", "basis": ""}


def is_principal(dossier: Dossier, user: User) -> bool:
    """Whether the dossier is filed in the name of this very person, by their citizen number."""
    number = user.citizen_number
    return bool(number) and dossier.behalf.get("number") == number


def words(dossier: Dossier) -> dict[str, Any]:
    """The principal in words for pages and papers; {} where the filer stands for themselves."""
    behalf = dossier.behalf
    if not behalf:
        return {}
    is_business = behalf["kind"] == BUSINESS
    return {
        "name": behalf["name"],
        "number": behalf["number"],
        "number_label": _("Mã số thuế") if is_business else _("Số định danh cá nhân"),
        "relation": str(relations(behalf["kind"]).get(behalf["relation"], "")),
        "basis": behalf.get("basis", ""),
        "filed_by": dossier.owner.get_full_name(),
        "is_business": is_business,
    }


def self_described(dossier: Dossier) -> list[Section]:
    """The sections filled from the profile that still name the filer, who stands for another."""
    filer = dossier.owner.full_name.casefold()
    if not dossier.behalf or not filer:
        return []
    sections = [row for row in dossier.revision.form.sections if row.prefill == "profile"]
    return [row for row in sections if filer in _names(row, dossier)]


def _names(section: Section, dossier: Dossier) -> set[str]:
    answers = dossier.answers.get(section.id)
    if section.repeat or not answers:
        return set()
    found = {
        conditions.lookup(answers, path)
        for path, spec in walk(section.fields)
        if spec.type == "name"
    }
    return {name.casefold() for name in found if name}
