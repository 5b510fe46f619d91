"""A form that was filled in as a PDF becomes, or completes, a draft."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from dossiers import filing
from dossiers.models import Dossier
from procedures.formspec import conditions
from procedures.formspec.acroform import in_form, leaves, lost
from procedures.formspec.paperform import filled_pdf
from procedures.formspec.spec import Form, walk
from procedures.formspec.webform import prune, put
from procedures.text import in_vietnamese

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.contrib.auth.base_user import AbstractBaseUser as User

    from procedures.formspec.acroform import Place, Reading
    from procedures.models import Procedure


# A draft's key, signed for this one use: whoever finds the paper cannot make up another.
_SIGNER = signing.Signer(salt="dossiers.printed-draft")


def reference(draft: Dossier) -> str:
    """What the QR code of a printed draft holds; reception alone opens it (`draft_of()`)."""
    return _SIGNER.sign(draft.key)


def draft_of(text: str) -> Dossier | None:
    """The dossier whose printed form carries this reference, draft or filed; None for no such."""
    try:
        key = _SIGNER.unsign(text.strip())
    except signing.BadSignature:
        return None
    return Dossier.objects.select_related("revision__procedure", "owner").filter(key=key).first()


@in_vietnamese
def printed(draft: Dossier) -> bytes:
    """The whole form of a draft as a PDF to be signed, with the QR code that opens it at a desk."""
    link = f"{settings.SITE_URL}{reverse('admin:counter_scanned')}"
    return filled_pdf(
        draft.revision,
        draft.answers,
        office=draft.handling_agency,
        applicant=draft.applicant_name,
        draft_url=f"{link}?{urlencode({'ma': reference(draft)})}",
    )


def file_name(draft: Dossier) -> str:
    """The name of that file: `to-khai-dang-ky-khai-sinh`."""
    return f"to-khai-{draft.revision.procedure.slug}"[:80]


@dataclass(frozen=True)
class Difference:
    """An answer that the draft and the file give differently: `kept` is the draft's.

    `in_file` is "" where the draft lost an answer because of another one in the file.
    """

    section: str
    label: str
    kept: str
    in_file: str


@dataclass
class Taken:
    """What came of putting a file's answers into a draft."""

    draft: Dossier
    count: int = 0
    kept: list[Difference] = field(default_factory=list)
    dropped: list[Difference] = field(default_factory=list)


@transaction.atomic
def start(procedure: Procedure, reading: Reading, *, by: User) -> Taken:
    """A new draft with the answers of a file; they go before what the profile knows."""
    draft = filing.start(procedure, by=by)
    merged, _kept = _merge(draft.revision.form, reading.answers, draft.answers)
    draft.answers = prune(draft.revision.form, merged)
    draft.save(update_fields=["answers", "updated_at"])
    return Taken(draft, reading.count)


def merged(form: Form, first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """The answers of `first`, filled up from `second` question by question, as `form` asks."""
    return prune(form, _merge(form, first, second)[0])


@transaction.atomic
def complete(draft: Dossier, reading: Reading) -> Taken:
    """Put into a draft what it lacks; where both answer, the draft's own answer stays.

    A repeated section is taken whole, or not at all. The row is locked and re-read. Raises
    `Dossier.DoesNotExist` when the draft was filed meanwhile.
    """
    filing.renew_revision(draft)
    form = draft.revision.form
    locked = Dossier.objects.select_for_update().get(pk=draft.pk, state=Dossier.State.DRAFT)
    before = locked.answers
    merged, kept = _merge(form, before, reading.answers)
    locked.answers = draft.answers = prune(form, merged)
    locked.save(update_fields=["answers", "updated_at"])
    had = dict(leaves(form, before))
    count = sum(1 for where, _answer in leaves(form, locked.answers) if where not in had)
    dropped = [
        Difference(where[0], *in_form(form, where, answer), in_file="")
        for where, answer in lost(form, before, locked.answers)
    ]
    return Taken(draft, count, kept, dropped)


def _merge(
    form: Form, first: Mapping[str, Any], second: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Difference]]:
    """`first`, filled up from `second`; and where the second says something else."""
    merged: dict[str, Any] = copy.deepcopy(dict(first))
    differences: list[Difference] = []
    for section in form.sections:
        given = second.get(section.id)
        if not given:
            continue
        if section.repeat:
            own = merged[section.id] = merged.get(section.id) or given
            if own != given:
                differences.append(_rows_differ(section.id, section.title, own, given))
            continue
        row = merged.setdefault(section.id, {})
        for path, _spec in walk(section.fields):
            own, other = conditions.lookup(row, path), conditions.lookup(given, path)
            if own is None and other is not None:
                put(row, path, other)
            elif other is not None and own != other:
                differences.append(_differ(form, (section.id, 0, path), own, other))
    return merged, differences


def _differ(form: Form, where: Place, own: Any, other: Any) -> Difference:
    label, in_draft = in_form(form, where, own)
    return Difference(where[0], label, in_draft, in_form(form, where, other)[1])


def _rows_differ(section_id: str, title: str, own: list, other: list) -> Difference:
    words = _("%(count)d dòng")
    return Difference(section_id, title, words % {"count": len(own)}, words % {"count": len(other)})
