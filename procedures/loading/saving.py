"""Saving a checked procedure as a draft, seeing what it changes, and putting it in force."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from procedures.loading.schema import DocumentSpec, ProcedureSpec
from procedures.models import (
    Channel,
    Fee,
    LegalBasis,
    LifeEvent,
    Procedure,
    RequiredDocument,
    Revision,
    Sector,
    make_slug,
)
from procedures.search import touch_catalogue

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User


class NotTwoPeople(Exception):
    """The person who publishes is the one who wrote it."""


class Change(NamedTuple):
    """One key of a definition that differs from what is in force."""

    key: str
    old: Any
    new: Any


def definition_of(spec: ProcedureSpec) -> dict[str, Any]:
    """The definition as plain JSON, without what was left at its default."""
    return spec.model_dump(mode="json", exclude_defaults=True)


def digest_of(definition: dict[str, Any]) -> str:
    """SHA-256 (hex) of the canonical JSON, by which an unchanged file is recognised."""
    text = json.dumps(definition, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def changes(spec: ProcedureSpec) -> list[Change] | None:
    """What publishing would change in force, key by key; None for a new procedure."""
    current = Revision.objects.filter(
        procedure__code=spec.code, status=Revision.Status.PUBLISHED
    ).first()
    if current is None:
        return None
    new = definition_of(spec)
    keys = [*new, *(key for key in current.definition if key not in new)]
    return [
        Change(key, current.definition.get(key), new.get(key))
        for key in keys
        if current.definition.get(key) != new.get(key)
    ]


@transaction.atomic
def save_draft(spec: ProcedureSpec, *, by: User | None = None) -> Revision | None:
    """Save `spec` as the draft of its procedure; None where it says what is in force.

    An earlier draft is replaced. The channels, fees, papers and laws are rows of their own.
    """
    definition = definition_of(spec)
    digest = digest_of(definition)
    procedure, _created = Procedure.objects.select_for_update().get_or_create(
        code=spec.code, defaults={"slug": make_slug(spec.short_name)}
    )
    if procedure.current_id and procedure.current.digest == digest:
        return None
    for draft in procedure.revisions.filter(status=Revision.Status.DRAFT):
        draft.delete()
    last = procedure.revisions.order_by("-number").values_list("number", flat=True).first() or 0
    revision = Revision.objects.create(
        procedure=procedure,
        number=last + 1,
        sector=_sector(spec.field),
        name=spec.name,
        short_name=spec.short_name,
        also_called=spec.also_called,
        summary=spec.summary or "",
        audience=spec.audience,
        conditions=spec.conditions,
        decision=spec.decision or "",
        effective_from=spec.effective_from,
        tier=spec.office.tier,
        office_question=spec.office.choose or "",
        service_level=spec.service_level,
        online=spec.online,
        partial_reason=spec.partial_reason or "",
        filing_place=spec.filing_place,
        definition=definition,
        digest=digest,
        created_by=by,
    )
    revision.life_events.set(LifeEvent.objects.filter(slug__in=spec.life_events))
    _save_rows(revision, spec)
    return revision


def _sector(name: str) -> Sector:
    return Sector.objects.get_or_create(name=name, defaults={"slug": make_slug(name)[:80]})[0]


def _save_rows(revision: Revision, spec: ProcedureSpec) -> None:
    channels = {}
    for position, row in enumerate(spec.channels):
        unit, amount = _duration(row.time)
        channels[row.type] = Channel.objects.create(
            revision=revision, position=position, kind=row.type, unit=unit, amount=amount,
            cut_off=row.cut_off, clock_starts=row.clock_starts, case=row.case or "",
            note=row.note or "",
        )  # fmt: skip
    for position, row in enumerate(spec.fees):
        fee = Fee.objects.create(
            revision=revision, position=position, key=row.id, name=row.name, note=row.note or "",
            amount=row.amount, counted=row.counted or "", cap=row.cap,
            tiers=[tier.model_dump() for tier in row.tiers],
            alternatives=[case.model_dump() for case in row.alternatives],
            when=row.when or "", unit=row.per or "", times=row.times or "", due=row.pay,
            source=row.source, is_confirmed=row.confirmed, is_refundable=row.refundable,
            exemptions=row.exempt, exemption_law=row.exempt_law or "",
        )  # fmt: skip
        fee.channels.set([channels[kind] for kind in row.channels if kind in channels])
    for position, row in enumerate(spec.documents):
        RequiredDocument.objects.create(
            revision=revision, position=position, key=row.id, name=row.name, how=row.how,
            group=row.group or "", law=row.law or "", originals=row.originals,
            copies=row.copies, when=row.when or "",
            is_optional=row.optional, original_due=row.original_due or "", help=row.help or "",
            note=_document_note(row),
        )  # fmt: skip
    for position, row in enumerate(spec.legal_basis):
        LegalBasis.objects.create(
            revision=revision, position=position, number=row.number or "", title=row.title
        )


def _document_note(row: DocumentSpec) -> str:
    if row.not_needed_if:
        return _("Không phải nộp nếu: %(case)s") % {"case": row.not_needed_if}
    if row.only_if_office_asks:
        return _("Chỉ khi cơ quan yêu cầu: %(case)s") % {"case": row.only_if_office_asks}
    return ""


def _duration(text: str) -> tuple[str, int | None]:
    match = re.fullmatch(r"(\d+) (\w+?)s?", text)
    if match:
        return match[2], int(match[1])
    return text, None


@transaction.atomic
def publish(revision: Revision, *, by: User | None) -> None:
    """Put a draft in force in place of what was; raises `NotTwoPeople` for its own writer.

    Dossiers filed under the old revision stay under it.
    """
    if by is not None and revision.created_by_id == by.pk:
        raise NotTwoPeople(_("Người công bố phải khác người soạn."))
    procedure = Procedure.objects.select_for_update().get(pk=revision.procedure_id)
    now = timezone.now()
    procedure.revisions.filter(status=Revision.Status.PUBLISHED).update(
        status=Revision.Status.SUPERSEDED, superseded_at=now
    )
    revision.status = Revision.Status.PUBLISHED
    revision.published_at, revision.published_by = now, by
    revision.save(update_fields=["status", "published_at", "published_by"])
    procedure.current = revision
    procedure.slug = make_slug(revision.short_name)
    procedure.save(update_fields=["current", "slug"])
    touch_catalogue()
