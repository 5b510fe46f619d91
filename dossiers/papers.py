"""The papers of the one-stop shop: what each says, fixed when it is asked for.

A builder gathers the facts inside the move's transaction; `make()` turns them into a PDF
in a task. So a paper says what was true then, however late it is printed.
"""

from __future__ import annotations

import datetime
import hashlib
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import behalf, confirmation, facts, filing, numbering, tracking
from dossiers.attachments import size_text
from dossiers.counter.originals import Counts, counts
from dossiers.models import Collection, Dossier, Paper, RegisterEntry, SupplementRequest
from dossiers.supplements import faults_of
from procedures import papers as printing
from procedures.fees import WAIVED, FeeLine
from procedures.formspec.paperform import filled_facts
from procedures.models import Agency, Posting, RequiredDocument
from procedures.postings import at_or_above
from procedures.text import dong, in_vietnamese

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User


def ask_for(dossier: Dossier, kind: str, contents: dict) -> Paper:
    """Note what the next paper of this kind says, and have it printed after commit."""
    from dossiers.tasks import make_paper

    paper = note(dossier, kind, contents, number=dossier.papers.filter(kind=kind).count() + 1)
    make_paper.enqueue(paper.pk)
    return paper


def note(dossier: Dossier, kind: str, contents: dict, *, number: int) -> Paper:
    """Keep what a paper says; `number` tells those of one kind and dossier apart.

    Whoever calls has `make()` run after commit.
    """
    return Paper.objects.create(
        dossier=dossier,
        kind=kind,
        number=number,
        symbol=contents.get("number", ""),
        facts=contents,
    )


def make(paper: Paper) -> None:
    """Print a paper and keep its file; one that exists already stays as it is."""
    if paper.file:
        return
    pdf = printing.render(f"papers/{paper.kind}.html", print_context(paper.facts, paper.token))
    with transaction.atomic():
        locked = Paper.objects.select_for_update().get(pk=paper.pk)
        if locked.file:
            return
        locked.sha256 = hashlib.sha256(pdf).hexdigest()
        locked.file.save(f"{paper.token}.pdf", ContentFile(pdf), save=False)
        locked.save(update_fields=["file", "sha256"])


def print_context(contents: dict, token: str) -> dict:
    """What a template of a paper takes: its facts, and where to check it."""
    url = check_url(token)
    context = {"facts": contents, "check_url": url, "qr": printing.qr_svg_data_uri(url)}
    if contents.get("link"):
        context["link_qr"] = printing.qr_svg_data_uri(contents["link"])
    return context


def check_url(token: str) -> str:
    """The public page that says whether a paper is genuine."""
    return f"{settings.SITE_URL}{reverse('dossiers:verify_token', args=[token])}"


def signer_title(user: User, agency: Agency) -> str:
    """The title under which a person signs for an office, in capitals."""
    posted = Posting.objects.filter(user=user, agency__in=at_or_above(agency)).current()
    posting = posted.exclude(title="").order_by(F("stands_in_for").asc(nulls_first=True)).first()
    return (posting.title if posting else _("Người có thẩm quyền")).upper()


def head(dossier: Dossier, office: Agency, *, now: datetime.datetime | None = None) -> dict:
    """The head of a paper that `office` issues about a dossier."""
    return {
        "parent_office": office.parent.name if office.parent_id else "",
        "office": office.name,
        "office_phone": office.phone,
        "place": office.place,
        "issued_at": iso(now or timezone.now()),
        "code": dossier.code,
        "is_sample": settings.DEMO,
        "procedure": dossier.revision.name,
        "applicant": applicant(dossier),
    }


def iso(moment: datetime.datetime | None) -> str:
    """A moment as ISO text in Vietnamese time; "" for none."""
    return timezone.localtime(moment).isoformat() if moment else ""


def applicant(dossier: Dossier) -> facts.Applicant:
    """Who stands in the dossier, as the form says it, and where it does not ask, the account.

    For another person or a business it is the principal, with the filer's telephone and
    address for letters: the form's words about the applicant may mean either of the two.
    """
    owner, said = dossier.owner, filing.said_of_applicant(dossier)
    if dossier.behalf:
        return _principal(dossier)
    return {
        "name": said.get("name") or owner.get_full_name(),
        "address": said.get("address", ""),
        "phone": said.get("phone") or owner.phone,
        "email": said.get("email") or owner.email,
        "citizen_number": said.get("citizen_number") or owner.citizen_number,
        "tax_code": "",
        "filed_by": "",
        "filed_as": "",
    }


def _principal(dossier: Dossier) -> facts.Applicant:
    words, owner = behalf.words(dossier), dossier.owner
    return {
        "name": words["name"],
        "address": "",
        "phone": owner.phone,
        "email": owner.email or "",
        "citizen_number": "" if words["is_business"] else words["number"],
        "tax_code": words["number"] if words["is_business"] else "",
        "filed_by": words["filed_by"],
        "filed_as": words["relation"],
    }


_NONE = Counts(0, 0, 0)


def _documents(dossier: Dossier) -> list[facts.PaperDocument]:
    files = list(dossier.attachments.all())
    counted = counts(dossier)
    rows = []
    for row in filing.required_documents(dossier):
        if row.how == RequiredDocument.How.SHOW:
            continue
        own = [file for file in files if file.document == row.key]
        handed_in = counted.get(row.key, _NONE)
        if row.how == RequiredDocument.How.SUBMIT and not own and not any(handed_in):
            continue
        # What the portal fills in is signed on paper at the counter, and sent online.
        is_signed = row.how == RequiredDocument.How.PORTAL and dossier.entered_by_id
        rows.append(
            {
                "name": row.name,
                "originals": 1 if is_signed else handed_in.originals,
                "copies": handed_in.certified,
                "photos": handed_in.photos if any(handed_in) else len(own) or int(not is_signed),
                "files": [
                    {"name": f.name, "size": size_text(f.size), "sha256": f.sha256} for f in own
                ],
            }
        )
    return rows


def _track_url() -> str:
    return f"{settings.SITE_URL}{reverse('dossiers:track')}"


@in_vietnamese
def filing_facts(dossier: Dossier) -> facts.FilingFacts:
    """Filed, not accepted yet, and when the office answers."""
    return {
        **head(dossier, dossier.receiving_agency),
        "submitted_at": iso(dossier.submitted_at),
        "answer_by": iso(dossier.answer_by),
        "handling_office": dossier.handling_agency.name,
        "secret": dossier.secret,
        "track_url": _track_url(),
        "link": tracking.signed_url(dossier),
        "delivery": dossier.get_delivery_display(),
        "documents": _documents(dossier),
        "steps": confirmation.next_steps(dossier),
        "originals": confirmation.originals(dossier),
        "office_address": dossier.receiving_agency.address,
        "office_hours": dossier.receiving_agency.hours_text,
    }


@in_vietnamese
def form_facts(dossier: Dossier) -> dict:
    """The form as it was filled in; the citizen neither prints nor signs it again."""
    return filled_facts(
        dossier.revision,
        dossier.answers,
        office=dossier.handling_agency,
        applicant=dossier.applicant_name,
        filed_at=timezone.localtime(dossier.submitted_at),
        code=dossier.code,
    )


@in_vietnamese
def receipt_facts(dossier: Dossier, *, entry: RegisterEntry, by: User) -> facts.ReceiptFacts:
    """Mẫu 01: what was taken in, its line in the register, and when the result will be there."""
    channel = dossier.revision.channel(dossier.channel)
    dues = {value: str(label) for value, label in dossier.revision.fees.model.Due.choices}
    return {
        **head(dossier, dossier.receiving_agency),
        "channel": dossier.get_channel_display(),
        "documents": _documents(dossier),
        "sets": 1,
        "duration": str(channel.time_text) if channel else "",
        "accepted_at": iso(dossier.accepted_at),
        "promised_at": iso(dossier.promised_at),
        "delivery": dossier.get_delivery_display(),
        "fees": [
            {"name": line.name, "amount": _charge_text(line), "due": dues[line.due]}
            for line in filing.charges(dossier)
        ],
        "received_by": by.get_full_name(),
        "track_url": _track_url(),
        "needs_submitter": dossier.channel != "online",
        "register_book": f"01/{entry.year}",
        "register_line": entry.number,
    }


def _charge_text(line: FeeLine) -> str:
    """What a charge comes to, with the ground on which something was taken off."""
    if not line.exemption:
        return amount_text(line.amount)
    if line.percent == WAIVED:
        return _("miễn (%(why)s)") % {"why": line.exemption}
    values = {"amount": amount_text(line.amount), "percent": line.percent, "why": line.exemption}
    return _("%(amount)s (giảm %(percent)d%%: %(why)s)") % values


def amount_text(amount: int | None) -> str:
    """`8.000 đồng`; an amount that nobody knows yet is not zero."""
    return _("theo quy định") if amount is None else dong(amount)


# How the numbers of each kind of paper end at the office that issues it.
SYMBOLS = {
    Paper.Kind.SUPPLEMENT: "HDHS",
    Paper.Kind.REFUSAL: "TB-TNTKQ",
    Paper.Kind.APOLOGY: "PXL-UBND",
    Paper.Kind.STOP: "TB-DGQ",
    Paper.Kind.CONTROL: "PKS",
    Paper.Kind.ORIGINALS: "BNBC",
    Paper.Kind.GIVEN_BACK: "TLBC",
    Paper.Kind.HANDOVER: "BNKQ",
}


def number_of(kind: str, office: Agency) -> str:
    """The next number of this kind of paper at an office in this year: `12/HDHS`."""
    return numbering.next_number(office, SYMBOLS[kind])


@in_vietnamese
def supplement_facts(
    dossier: Dossier, request: SupplementRequest, *, by: User
) -> facts.SupplementFacts:
    """Mẫu 02: everything that is missing, once and in full."""
    named = {fault.key: f"{fault.name}: {fault.note}" for fault in faults_of(dossier, request)}
    return {
        **head(dossier, dossier.receiving_agency),
        "number": number_of(Paper.Kind.SUPPLEMENT, dossier.receiving_agency),
        "asked": request.items,
        "documents": [named[key] for key in request.documents],
        "fields": [named[key] for key in request.fields],
        "reason": request.reason,
        "due_at": iso(request.due_at),
        "officer": by.get_full_name(),
    }


@in_vietnamese
def secret_facts(dossier: Dossier, *, person: User, by: User) -> facts.SecretFacts:
    """A secret given again at the counter, and the link that stands for it."""
    return {
        **head(dossier, dossier.receiving_agency),
        "person": person.get_full_name(),
        "secret": dossier.secret,
        "track_url": _track_url(),
        "link": tracking.signed_url(dossier),
        "officer": by.get_full_name(),
    }


@in_vietnamese
def refusal_facts(
    dossier: Dossier, reason: str, ground: str, *, by: User, appeal: list[str] | None = None
) -> facts.RefusalFacts:
    """Mẫu 03: why it is not taken in, and how one may appeal."""
    return {
        **head(dossier, dossier.receiving_agency),
        "number": number_of(Paper.Kind.REFUSAL, dossier.receiving_agency),
        "reason": reason,
        "legal_ground": ground,
        "officer": by.get_full_name(),
        "appeal": appeal or [],
    }


@in_vietnamese
def apology_facts(
    dossier: Dossier, reason: str, *, old: datetime.datetime, by: User
) -> facts.ApologyFacts:
    """Mẫu 04: an apology and the new date."""
    office = dossier.handling_agency
    return {
        **head(dossier, office),
        "number": number_of(Paper.Kind.APOLOGY, office),
        "accepted_at": iso(dossier.accepted_at),
        "promised_at": iso(old),
        "new_promised_at": iso(dossier.promised_at),
        "reason": reason,
        "signer_title": signer_title(by, office),
        "signer": by.get_full_name(),
    }


@in_vietnamese
def stop_facts(
    dossier: Dossier,
    reason: str,
    *,
    ground: str = "",
    asked: datetime.datetime | None = None,
    by: User | None = None,
    appeal: list[str] | None = None,
) -> facts.StopFacts:
    """The notice that handling has stopped, at the applicant's wish or the office's word.

    The originals that the office kept are named: they go back with it.
    """
    office = dossier.handling_agency
    return {
        **head(dossier, office),
        "number": number_of(Paper.Kind.STOP, office),
        "accepted_at": iso(dossier.accepted_at),
        "asked_at": iso(asked),
        "reason": reason,
        "legal_ground": ground,
        "originals": kept_originals(dossier),
        "signer_title": signer_title(by, office) if by else "",
        "signer": by.get_full_name() if by else "",
        "appeal": appeal or [],
    }


def kept_originals(dossier: Dossier) -> list[str]:
    """The names of the originals that the office still keeps."""
    kept = dossier.originals.filter(is_kept=True, given_back_at=None)
    return list(kept.values_list("name", flat=True))


@in_vietnamese
def handover_facts(
    dossier: Dossier, collection: Collection, *, originals: list[str], by: User
) -> facts.HandoverFacts:
    """The slip on which the person at the counter signs that they have the result.

    Each result with the SHA-256 of its file ("" for one on paper): a file signed elsewhere is
    never stamped, and is known by that.
    """
    office, is_own = dossier.receiving_agency, collection.collector == collection.Collector.SELF
    return {
        **head(dossier, office),
        "number": number_of(Paper.Kind.HANDOVER, office),
        "results": [
            {"title": result.title, "sha256": result.sha256}
            for result in dossier.results.filter(revoked_at=None)
        ],
        "copies": 1,
        "collector": collection.collector_name,
        "collected_as": "" if is_own else collection.get_collector_display(),
        "mandate": collection.mandate,
        "proof": collection.get_proof_display() if collection.proof else "",
        "card_ends_in": collection.collector_number,
        "originals": originals,
        "officer": by.get_full_name(),
    }
