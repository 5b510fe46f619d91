"""From an empty draft to something that can be filed: what is asked, what is missing."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from dossiers import behalf, prefill
from dossiers.models import Dossier
from dossiers.models.keys import new_key
from procedures.fees import FeeLine, fee_lines
from procedures.formspec import conditions
from procedures.formspec.fields import display
from procedures.formspec.spec import walk
from procedures.formspec.webform import (
    asked_sections,
    attachment_questions,
    fitting,
    is_complete,
    prune,
)
from procedures.models import Agency, Procedure, RequiredDocument, Revision
from procedures.presenting import closed_reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.auth.base_user import AbstractBaseUser as User


# Nobody fills in more at a time; it keeps a script from filling the table.
MAX_DRAFTS = 50


class TooManyDrafts(Exception):
    """The person has so many drafts that no other one is begun."""


class Changed(Exception):
    """The section was saved elsewhere since its page was drawn; nothing was written.

    The draft that was given to `save_answers()` now holds what is stored.
    """


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


def start(
    procedure: Procedure, *, by: User, key: str = "", earlier: Dossier | None = None
) -> Dossier:
    """A new draft of what is in force, filled with what the profile and `earlier` know."""
    revision = procedure.current
    draft = Dossier(owner=by, revision=revision, key=key or new_key(), copied_from=earlier)
    draft.answers = prefill.answers_for(revision, by=by, earlier=earlier)
    draft.behalf = behalf.carried_over(earlier, draft)
    draft.delivery = revision.result.get("give_by", ["counter"])[0]
    if office := _office_of(draft, earlier):
        set_office(draft, office)
    draft.save()
    return draft


def _office_of(draft: Dossier, earlier: Dossier | None) -> Agency | None:
    """The office that handles it, where there is one alone or the earlier dossier had one."""
    offices = list(offices_queryset(draft.revision)[:2])
    if len(offices) == 1:
        return offices[0]
    if earlier is None or earlier.revision.procedure_id != draft.revision.procedure_id:
        return None
    return offices_queryset(draft.revision).filter(pk=earlier.handling_agency_id).first()


@transaction.atomic
def begin(
    procedure: Procedure,
    *,
    by: User,
    form_key: str = "",
    another: bool = False,
    earlier: Dossier | None = None,
) -> Dossier:
    """This person's draft of a procedure: the one begun already, unless `another` is wanted.

    The same form sent again (`form_key`) leads to what it made the first time, even when
    that was filed meanwhile. Raises `TooManyDrafts`.
    """
    drafts = _lock_drafts_of(by)
    key = _draft_key(form_key, by)
    if made := Dossier.objects.filter(owner=by, key=key).first():
        return made
    existing = drafts.filter(revision__procedure=procedure).order_by("-updated_at").first()
    if existing is not None and not another:
        return existing
    return _begin(drafts, procedure, by=by, key=key, earlier=earlier)


@transaction.atomic
def copy(earlier: Dossier, *, by: User) -> Dossier:
    """A draft of the procedure in force that begins with an old dossier's answers.

    Asked again while that draft is being filled in, it is the same one. Raises
    `TooManyDrafts`. Whether the procedure takes filings is the caller's to ask.
    """
    drafts = _lock_drafts_of(by)
    procedure = earlier.revision.procedure
    copies = drafts.filter(copied_from=earlier, revision__procedure=procedure)
    if made := copies.order_by("-updated_at").first():
        return made
    return _begin(drafts, procedure, by=by, key="", earlier=earlier)


def _lock_drafts_of(by: User) -> QuerySet[Dossier]:
    """This person's drafts; others who begin one for them wait until we are done."""
    get_user_model().objects.select_for_update(no_key=True).get(pk=by.pk)
    return Dossier.objects.drafts_of(by)


def _begin(drafts: QuerySet[Dossier], procedure: Procedure, **begun: Any) -> Dossier:
    if drafts.count() >= MAX_DRAFTS:
        raise TooManyDrafts
    return start(procedure, **begun)


def _draft_key(form_key: str, by: User) -> str:
    """The key of the draft that this form makes: unguessable, and the same each time."""
    if not re.fullmatch("[A-Za-z0-9_-]{22}", form_key):
        return new_key()
    digest = salted_hmac("dossiers.draft", f"{by.pk}:{form_key}", algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")


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
def save_answers(draft: Dossier, section_id: str, answer: Any, *, seen: str = "") -> Dossier:
    """Keep one section's answer; what is no longer asked afterwards is dropped.

    The row is locked and its answers re-read, so that two open tabs do not undo each
    other's sections. `seen` is the `digest()` of what the page showed: where the section
    holds something else by now, and not what is to be kept, `Changed` is raised. Raises
    `Dossier.DoesNotExist` when the draft was filed meanwhile.
    """
    row = Dossier.objects.filter(pk=draft.pk, state=Dossier.State.DRAFT)
    stored = row.select_for_update().values_list("answers", flat=True).get()
    mine = stored.get(section_id)
    if seen and seen != digest(mine) and answer != mine:
        draft.answers = stored
        raise Changed
    draft.answers = prune(draft.revision.form, {**stored, section_id: answer})
    row.update(answers=draft.answers, updated_at=timezone.now())
    return draft


def digest(answer: Any) -> str:
    """A section's answer in a few characters."""
    return hashlib.sha256(json.dumps(answer, sort_keys=True).encode()).hexdigest()[:16]


def renew_revision(draft: Dossier) -> bool:
    """Bring a draft to the revision in force; True when that changed it.

    Answers that the new form does not ask for, or would not take, are dropped; the others
    are kept. The row is locked and re-read: a draft that was filed meanwhile keeps the
    revision it was filed under.
    """
    procedure = draft.revision.procedure
    if procedure.current_id in {None, draft.revision_id}:
        return False
    return _renew(draft, procedure.current)


@transaction.atomic
def _renew(draft: Dossier, current: Revision) -> bool:
    drafts = Dossier.objects.select_for_update().filter(state=Dossier.State.DRAFT)
    locked = drafts.filter(pk=draft.pk).first()
    if locked is None:
        return False
    draft.revision = locked.revision = current
    draft.answers = locked.answers = prune(current.form, fitting(current.form, locked.answers))
    locked.save(update_fields=["revision", "answers", "updated_at"])
    return True


def files_too_fast(by: User) -> bool:
    """Whether this person filed so much in the last hour that the next has to wait.

    `FILINGS_PER_HOUR` is for people, with room for one who files for a whole hamlet; it
    only keeps a script from burying an office (SECURITY.md F11).
    """
    hour = timezone.now() - datetime.timedelta(hours=1)
    filed = Dossier.objects.filter(owner=by, submitted_at__gt=hour)
    return filed.count() >= settings.FILINGS_PER_HOUR


def required_documents(
    dossier: Dossier, *, now: datetime.datetime | None = None
) -> list[RequiredDocument]:
    """The papers that these answers call for, in the order of the procedure.

    Last comes the mandate of one who files for another, where the procedure has none.
    """
    filed = dossier.submitted_at or now or timezone.now()
    asked = [
        row
        for row in dossier.revision.documents.all()
        if conditions.holds(row.when, dossier.answers, filed=filed)
    ]
    return [*asked, *behalf.extra_documents(dossier, asked)]


@dataclass(frozen=True)
class AskedFile:
    """A file that a question of the form asks for, told like a paper of the procedure."""

    key: str  # section.path
    name: str
    help: str
    is_optional: bool
    max_files: int
    original_due: str = ""
    how: str = RequiredDocument.How.SUBMIT
    when: str = ""  # it is asked already


def to_attach(dossier: Dossier) -> list[RequiredDocument | AskedFile]:
    """The papers of which an online filing attaches a picture or a scan.

    Those of the procedure, then those that the form asks for.
    """
    papers = [row for row in required_documents(dossier) if row.how == RequiredDocument.How.SUBMIT]
    return [*papers, *asked_files(dossier)]


def asked_files(dossier: Dossier) -> list[AskedFile]:
    """The files that questions of the form ask for, with these answers."""
    found = attachment_questions(dossier.revision.form, dossier.answers)
    return [
        AskedFile(
            key=key, name=spec.label, help=spec.help or "", is_optional=spec.optional,
            max_files=spec.max_files or 1,
        )
        for key, spec in found
    ]  # fmt: skip


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

    The conditions are weighed on the day of filing; for a draft, today. What the office
    granted is taken off; a charge on which a claim is open says so and is not to be asked.
    """
    from dossiers import exemptions

    granted, claimed = exemptions.standing(dossier)
    return fee_lines(
        dossier.revision,
        dossier.answers,
        channel=dossier.channel,
        filed=dossier.submitted_at,
        due=due,
        granted=granted,
        claimed=claimed,
    )


def problems(dossier: Dossier, *, now: datetime.datetime) -> list[Problem]:
    """Everything that still keeps the draft from being filed, in the order of the pages."""
    return list(_problems(dossier, now))


def _problems(dossier: Dossier, now: datetime.datetime) -> Iterable[Problem]:
    from dossiers import participants

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
    for row in participants.waited_for(dossier):
        yield Problem(participants.complaint(row), _page(dossier, "draft_people"))


def _page(dossier: Dossier, name: str, *rest: str) -> str:
    return reverse(f"dossiers:{name}", args=[dossier.key, *rest])
