"""From an empty draft to something that can be filed: what is asked, what is missing."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers.models import Dossier
from procedures.fees import FeeLine, fee_lines
from procedures.formspec import conditions
from procedures.formspec.fields import display
from procedures.formspec.spec import walk
from procedures.formspec.webform import (
    asked_sections,
    fitting,
    is_complete,
    profile_row,
    prune,
)
from procedures.models import Agency, Procedure, RequiredDocument, Revision
from procedures.presenting import closed_reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.auth.base_user import AbstractBaseUser as User


@dataclass(frozen=True)
class Problem:
    """Something that keeps a draft from being filed, and the page on which to mend it."""

    message: str
    url: str = ""


def offices_queryset(revision: Revision) -> QuerySet[Agency]:
    """The offices that handle this procedure: those of its tier, with their desks."""
    return (
        Agency.objects.filter(tier=revision.tier, is_active=True)
        .select_related("reception")
        .order_by("name")
    )


def start(procedure: Procedure, *, by: User) -> Dossier:
    """A new draft of what is in force, filled with what the profile knows."""
    revision = procedure.current
    profile = {
        "name": by.full_name,
        "citizen_number": by.citizen_number,
        "phone": by.phone,
        "email": by.email,
    }
    answers = {}
    for section in revision.form.sections:
        if section.prefill == "profile":
            row = profile_row(section, profile)
            if row:
                answers[section.id] = row
    offices = list(offices_queryset(revision)[:2])
    draft = Dossier(owner=by, revision=revision, answers=answers)
    draft.delivery = revision.result.get("give_by", ["counter"])[0]
    if len(offices) == 1:
        set_office(draft, offices[0])
    draft.save()
    return draft


def said_of_applicant(dossier: Dossier) -> dict[str, str]:
    """What the form says of the person who files, in words by the type of question.

    From the section that is filled from the profile; the first answer of each type.
    """
    said: dict[str, str] = {}
    for section in dossier.revision.form.sections:
        if section.prefill == "profile" and not section.repeat:
            for path, spec in walk(section.fields):
                answer = conditions.lookup(dossier.answers, f"{section.id}.{path}")
                if answer is not None:
                    said.setdefault(spec.type, display(spec, answer))
    return said


def set_office(draft: Dossier, office: Agency) -> None:
    """Send the draft to an office, and to the desk that receives for it."""
    draft.handling_agency = office
    draft.receiving_agency = office.receiving


@transaction.atomic
def save_answers(draft: Dossier, section_id: str, answer: Any) -> Dossier:
    """Keep one section's answer; what is no longer asked afterwards is dropped.

    The row is locked and re-read, so that two open tabs do not undo each other's sections.
    Raises `Dossier.DoesNotExist` when the draft was filed meanwhile.
    """
    locked = Dossier.objects.select_for_update().get(pk=draft.pk, state=Dossier.State.DRAFT)
    locked.answers = prune(draft.revision.form, {**locked.answers, section_id: answer})
    locked.save(update_fields=["answers", "updated_at"])
    draft.answers = locked.answers
    return draft


@transaction.atomic
def renew_revision(draft: Dossier) -> bool:
    """Bring a draft to the revision in force; True when that changed it.

    Answers that the new form does not ask for, or would not take, are dropped; the others
    are kept. The row is locked and re-read: a draft that was filed meanwhile keeps the
    revision it was filed under.
    """
    current = draft.revision.procedure.current
    if current is None or current.pk == draft.revision_id:
        return False
    drafts = Dossier.objects.select_for_update().filter(state=Dossier.State.DRAFT)
    locked = drafts.filter(pk=draft.pk).first()
    if locked is None:
        return False
    draft.revision = locked.revision = current
    draft.answers = locked.answers = prune(current.form, fitting(current.form, locked.answers))
    locked.save(update_fields=["revision", "answers", "updated_at"])
    return True


def required_documents(
    dossier: Dossier, *, now: datetime.datetime | None = None
) -> list[RequiredDocument]:
    """The papers that these answers call for, in the order of the procedure."""
    filed = dossier.submitted_at or now or timezone.now()
    return [
        row
        for row in dossier.revision.documents.all()
        if conditions.holds(row.when, dossier.answers, filed=filed)
    ]


def to_attach(dossier: Dossier) -> list[RequiredDocument]:
    """The papers of which an online filing attaches a picture or a scan."""
    return [row for row in required_documents(dossier) if row.how == RequiredDocument.How.SUBMIT]


def redirection(dossier: Dossier) -> dict | None:
    """The other procedure that these answers lead to: `to`, `text`; None for none."""
    rows = dossier.revision.definition.get("redirect", [])
    return next((row for row in rows if conditions.holds(row["when"], dossier.answers)), None)


def stop(dossier: Dossier) -> str:
    """Why these answers cannot be filed online, only at the counter; "" when they can."""
    rows = dossier.revision.definition.get("stop_online", [])
    return next((r["text"] for r in rows if conditions.holds(r["when"], dossier.answers)), "")


def charges(dossier: Dossier, *, due: str | None = None) -> list[FeeLine]:
    """What its answers and its channel cost, of one due moment or of all.

    The conditions are weighed on the day of filing; for a draft, today.
    """
    return fee_lines(
        dossier.revision,
        dossier.answers,
        channel=dossier.channel,
        filed=dossier.submitted_at,
        due=due,
    )


def problems(dossier: Dossier, *, now: datetime.datetime) -> list[Problem]:
    """Everything that still keeps the draft from being filed, in the order of the pages."""
    return list(_problems(dossier, now))


def _problems(dossier: Dossier, now: datetime.datetime) -> Iterable[Problem]:
    closed = closed_reason(dossier.revision)
    if closed:
        yield Problem(closed)
        return
    other = redirection(dossier)
    if other:
        yield Problem(
            _("Trường hợp của ông/bà làm thủ tục khác: %(text)s (mã %(code)s).")
            % {"text": other["text"], "code": other["to"]}
        )
    if reason := stop(dossier):
        yield Problem(
            _("Trường hợp của ông/bà chưa nộp trực tuyến được: %(reason)s.")
            % {"reason": reason.rstrip(".")}
        )
    if dossier.handling_agency_id is None:
        yield Problem(_("Chưa chọn nơi giải quyết."), _page(dossier, "office"))
    elif not offices_queryset(dossier.revision).filter(pk=dossier.handling_agency_id).exists():
        yield Problem(
            _("Cơ quan đã chọn không còn giải quyết thủ tục này; hãy chọn lại."),
            _page(dossier, "office"),
        )
    for section in asked_sections(dossier.revision.form, dossier.answers):
        if not is_complete(section, dossier.answers):
            yield Problem(
                _("Chưa điền xong phần “%(title)s”.") % {"title": section.title},
                _page(dossier, "section", section.id),
            )
    attached = set(dossier.attachments.values_list("document", flat=True))
    for row in to_attach(dossier):
        if row.key not in attached and not row.is_optional:
            yield Problem(
                _("Chưa đính kèm: %(name)s.") % {"name": row.name}, _page(dossier, "documents")
            )


def _page(dossier: Dossier, name: str, *rest: str) -> str:
    return reverse(f"dossiers:{name}", args=[dossier.key, *rest])
