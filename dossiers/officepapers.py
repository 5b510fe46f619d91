"""The papers that an office issues about its own work: asked for now, printed by a task.

As with the papers of a dossier (`dossiers.papers`), what one says is fixed when it is asked
for, and printed again it is the same file.
"""

from __future__ import annotations

import datetime
import hashlib
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from dossiers import numbering, papers, signing
from dossiers.models import OfficePaper
from procedures import papers as printing
from procedures.models import Agency
from procedures.postings import offices

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

# The series from which each kind takes its numbers, by office and year.
SERIES = {
    OfficePaper.Kind.REGISTER: "STD",
    OfficePaper.Kind.REPORT: "BC",
    OfficePaper.Kind.RESERVED: "MDP",
    OfficePaper.Kind.HANDED_ON: "PBG",
    OfficePaper.Kind.CASH_CLOSE: "BKTM",
    OfficePaper.Kind.POSTED: "BKBC",
}

# What an office answers for: signed with its key, in the name of who asked for it.
SIGNED = (OfficePaper.Kind.REPORT,)


@transaction.atomic
def ask_for(
    agency: Agency,
    kind: str,
    contents: dict,
    *,
    by: User | None,
    first_day: datetime.date | None = None,
    last_day: datetime.date | None = None,
) -> OfficePaper:
    """Number and note what a paper of `agency` says, and have it printed after commit.

    `contents` begin with `head(agency)`; `symbol` (`12/BC`) is added to them. The template
    is `papers/<kind>.html`.
    """
    from dossiers.tasks import make_office_paper

    number = numbering.next_in_series(agency, SERIES[kind])
    paper = OfficePaper.objects.create(
        agency=agency,
        kind=kind,
        year=timezone.localdate().year,
        number=number,
        first_day=first_day,
        last_day=last_day,
        facts={**contents, "symbol": f"{number:02d}/{SERIES[kind]}"},
        created_by=by,
    )
    make_office_paper.enqueue(paper.pk)
    return paper


def make(paper: OfficePaper) -> None:
    """Print a paper and keep its file; one that exists already stays as it is."""
    if paper.file:
        return
    pdf = printing.render(
        f"papers/{paper.kind}.html", papers.print_context(paper.facts, paper.token)
    )
    is_signed = paper.kind in SIGNED
    if is_signed:
        pdf = _sign(pdf, paper)
    with transaction.atomic():
        locked = OfficePaper.objects.select_for_update().get(pk=paper.pk)
        if locked.file:
            return
        if is_signed:
            locked.signed_by_id, locked.signed_at = locked.created_by_id, timezone.now()
        locked.sha256 = hashlib.sha256(pdf).hexdigest()
        locked.file.save(f"{paper.token}.pdf", ContentFile(pdf), save=False)
        locked.save(update_fields=["file", "sha256", "signed_by", "signed_at"])


def _sign(pdf: bytes, paper: OfficePaper) -> bytes:
    return signing.sign(
        pdf,
        reason=paper.get_kind_display(),
        location=paper.facts["place"],
        name=paper.facts["signer"],
    )


def head(agency: Agency, *, now: datetime.datetime | None = None) -> dict:
    """The head of a paper about the work of `agency` (`facts.Head`, without a dossier)."""
    return {
        "parent_office": agency.parent.name if agency.parent_id else "",
        "office": agency.name,
        "office_phone": agency.phone,
        "place": agency.place,
        "issued_at": papers.iso(now or timezone.now()),
        "code": "",
        "is_sample": settings.DEMO,
    }


def for_request(request: HttpRequest) -> QuerySet[OfficePaper]:
    """The papers of the offices where the sender of a request works."""
    return OfficePaper.objects.filter(agency__in=offices(request)).select_related("agency")
