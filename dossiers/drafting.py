"""The way through a draft: its pages in order, what is done and what is left."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from dossiers import exemptions, filing
from dossiers.models import Dossier
from procedures.formspec import conditions
from procedures.formspec.spec import Section
from procedures.formspec.webform import asked_sections, is_asked, is_complete, prune
from procedures.models import Procedure, RequiredDocument


@dataclass(frozen=True)
class Line:
    """What an answer may bring or take away: a page of the wizard, or a paper to attach.

    `shown_when` is the condition for the script on the page `here` (see `draft_steps`),
    as JSON; "" where that page's answers do not decide.
    """

    id: str
    title: str
    is_asked: bool = True
    is_done: bool = False
    is_begun: bool = False
    shown_when: str = ""


@dataclass(frozen=True)
class Step(Line):
    """One page of the wizard; that of the papers has a line for each of them."""

    url: str = ""
    papers: list[Line] = field(default_factory=list)


def draft_steps(dossier: Dossier, *, here: str = "", typed: Iterable[str] = ()) -> list[Step]:
    """All pages of a draft in order, with those that the answers do not lead to.

    `here` is the section on whose page they are shown: what it decides carries its
    condition. `typed` are addresses of pages on which something is typed and not saved.
    """
    steps = [_office_step(dossier)]
    steps += [_section_step(dossier, row, here, typed) for row in dossier.revision.form.sections]
    papers = _paper_lines(dossier, here)
    if papers:
        steps.append(_papers_step(dossier, papers))
    steps.append(Step("check", _("Kiểm tra và nộp"), url=_url(dossier, "check")))
    return steps


def _url(dossier: Dossier, name: str, *rest: str) -> str:
    return reverse(f"dossiers:{name}", args=[dossier.key, *rest])


def _office_step(dossier: Dossier) -> Step:
    is_done = dossier.handling_agency_id is not None
    return Step("office", _("Nơi giải quyết"), is_done=is_done, url=_url(dossier, "office"))


def _section_step(dossier: Dossier, section: Section, here: str, typed: Iterable[str]) -> Step:
    url = _url(dossier, "section", section.id)
    return Step(
        section.id,
        section.title,
        is_asked=is_asked(section, dossier.answers),
        is_done=is_complete(section, dossier.answers) and url not in typed,
        is_begun=bool(dossier.answers.get(section.id)) or url in typed,
        shown_when=_shown_when(section.when, dossier.answers, here),
        url=url,
    )


def _paper_lines(dossier: Dossier, here: str) -> list[Line]:
    """The papers of the procedure, asked for or not, and the files that questions ask for."""
    attached = {file.document for file in dossier.attachments.all()}
    asked = {row.key: row for row in filing.to_attach(dossier)}
    papers = {
        row.key: row
        for row in dossier.revision.documents.all()
        if row.how == RequiredDocument.How.SUBMIT
    }
    return [
        Line(
            key,
            row.name,
            is_asked=key in asked,
            is_done=key in attached or row.is_optional,
            is_begun=key in attached,
            shown_when=_shown_when(row.when, dossier.answers, here),
        )
        for key, row in (papers | asked).items()
    ]


def _papers_step(dossier: Dossier, papers: list[Line]) -> Step:
    asked = [line for line in papers if line.is_asked]
    # The page is there as soon as one of its papers is; one that no answer decides settles it.
    decided = all(line.shown_when or not line.is_asked for line in papers)
    whens = [json.loads(line.shown_when) for line in papers if line.shown_when]
    return Step(
        "documents",
        _("Giấy tờ đính kèm"),
        is_asked=bool(asked),
        is_done=bool(asked) and all(line.is_done for line in asked),
        is_begun=any(line.is_begun for line in asked),
        shown_when=json.dumps(["or", "", *whens]) if decided and whens else "",
        url=_url(dossier, "documents"),
        papers=papers,
    )


def _shown_when(when: str | None, answers: Mapping[str, Any], here: str) -> str:
    """The condition for the script on the page of `here`, as JSON; "" where it cannot decide."""
    if not when or not any(path.startswith(f"{here}.") for path in conditions.paths(when)):
        return ""
    return json.dumps(conditions.as_data(when, here=here, answers=answers))


def asked(steps: list[Step]) -> list[Step]:
    """The pages that the answers lead to."""
    return [step for step in steps if step.is_asked]


def step_after(steps: list[Step], current: str) -> Step:
    """The page that follows; the first one left for a page that is not asked any more."""
    steps = asked(steps)
    ids = [step.id for step in steps]
    if current not in ids:
        return first_left(steps)
    return steps[min(ids.index(current) + 1, len(steps) - 1)]


def section_after(dossier: Dossier, current: str) -> str:
    """The address of the section after `current`; "" where what follows is no section.

    Most steps lead to one, and then the papers need not be read.
    """
    ids = ["office", *(row.id for row in asked_sections(dossier.revision.form, dossier.answers))]
    place = ids.index(current) + 1 if current in ids else len(ids)
    return _url(dossier, "section", ids[place]) if place < len(ids) else ""


def first_left(steps: list[Step]) -> Step:
    """The first page that is not done; the check page never is."""
    return next(step for step in asked(steps) if not step.is_done)


def fingerprint(dossier: Dossier) -> str:
    """What would be filed now, in a few characters: filing must be of what was read.

    The co-applicants' agreement is to the same. Keyed: with so few characters, whoever could
    reckon them alone would find two filings that have the same.
    """
    seen = [
        dossier.revision_id,
        dossier.handling_agency_id,
        prune(dossier.revision.form, dossier.answers),
        dossier.behalf,
        # What proves an exemption is no part of what others agree to.
        sorted(f.key for f in dossier.attachments.all() if f.document != exemptions.PROOF),
    ]
    text = json.dumps(seen, sort_keys=True)
    return salted_hmac("dossiers.fingerprint", text, algorithm="sha256").hexdigest()[:16]


def step_before(steps: list[Step], current: str) -> Step | None:
    """The page before, or None for the first."""
    steps = asked(steps)
    ids = [step.id for step in steps]
    index = ids.index(current) if current in ids else 0
    return steps[index - 1] if index else None


def redirection(dossier: Dossier) -> dict[str, Any] | None:
    """The other procedure that the answers lead to, with its page if we have one."""
    row = filing.redirection(dossier)
    if row is None:
        return None
    procedure = Procedure.objects.filter(code=row["to"], current__isnull=False).first()
    return {**row, "url": procedure.get_absolute_url() if procedure else ""}
