"""Saving checked procedures as drafts, and putting one of them in force."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from procedures.loading.schema import DocumentSpec, FeeSpec, ProcedureSpec
from procedures.models import (
    CatalogueLoad,
    Channel,
    Fee,
    FrozenError,
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


class Prepared(NamedTuple):
    """A checked procedure, ready to be compared and saved."""

    spec: ProcedureSpec
    definition: dict[str, Any]
    digest: str
    origin: str = Revision.Origin.OFFICE

    @property
    def code(self) -> str:
        """The national code."""
        return self.spec.code


def prepare(spec: ProcedureSpec, *, origin: str = Revision.Origin.OFFICE) -> Prepared:
    """`spec` with its definition and the digest of that."""
    definition = definition_of(spec)
    return Prepared(spec, definition, digest_of(definition), origin)


def definition_of(spec: ProcedureSpec) -> dict[str, Any]:
    """The definition as plain JSON, without what was left at its default."""
    return spec.model_dump(mode="json", exclude_defaults=True)


def digest_of(definition: dict[str, Any]) -> str:
    """SHA-256 (hex) of the canonical JSON, by which an unchanged file is recognised."""
    text = json.dumps(definition, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def drafts() -> QuerySet[Revision]:
    """The drafts that may be seen: all but those of a load that is still being written."""
    return Revision.objects.filter(
        Q(load=None) | ~Q(load__state=CatalogueLoad.State.WRITING), status=Revision.Status.DRAFT
    )


@transaction.atomic
def save_draft(spec: ProcedureSpec, *, by: User | None = None) -> Revision | None:
    """Save `spec` as the draft of its procedure; None where it says what is in force.

    An earlier draft is replaced. The channels, fees, papers and laws are rows of their own.
    """
    prepared = prepare(spec)
    procedure = Procedure.objects.select_for_update().filter(code=spec.code).first()
    if procedure:
        if procedure.current_id and procedure.current.digest == prepared.digest:
            return None
        drafts().filter(procedure=procedure).delete()
    return save_drafts([prepared], by=by)[0]


@transaction.atomic
def save_drafts(
    batch: Sequence[Prepared], *, by: User | None = None, load: CatalogueLoad | None = None
) -> list[Revision]:
    """Save procedures of different codes as drafts beside those that they have already.

    One insert for each table, whatever the length of the batch; some two hundred at a time
    keep the memory and the transaction small.
    """
    procedures = _procedures(batch)
    sectors = _sectors({row.spec.field for row in batch})
    last = dict(
        Revision.objects.filter(procedure__in=procedures.values())
        .values_list("procedure")
        .annotate(Max("number"))
        .order_by()
    )
    revisions = [
        _revision(row, procedures[row.code], sectors[row.spec.field], last, by=by, load=load)
        for row in batch
    ]
    Revision.objects.bulk_create(revisions)
    _save_rows([(revision, row.spec) for revision, row in zip(revisions, batch, strict=True)])
    return revisions


def _procedures(batch: Sequence[Prepared]) -> dict[str, Procedure]:
    """The procedures of the batch by code, locked; those that are new are added."""
    specs = {row.code: row.spec for row in batch}
    found = Procedure.objects.select_for_update().order_by("pk").in_bulk(specs, field_name="code")
    missing = [
        Procedure(code=code, slug=make_slug(spec.short_name))
        for code, spec in specs.items()
        if code not in found
    ]
    Procedure.objects.bulk_create(missing)
    return found | {procedure.code: procedure for procedure in missing}


def _sectors(names: Iterable[str]) -> dict[str, Sector]:
    names = set(names)
    found = Sector.objects.in_bulk(names, field_name="name")
    for name in sorted(names - set(found)):
        found[name] = Sector.objects.create(name=name, slug=_free_slug(make_slug(name)[:76]))
    return found


def _free_slug(slug: str) -> str:
    """`slug`, or with the first number that no other field of administration has."""
    taken = set(Sector.objects.filter(slug__startswith=slug).values_list("slug", flat=True))
    numbered = (f"{slug}-{number}" for number in count(2))
    return slug if slug not in taken else next(s for s in numbered if s not in taken)


def _revision(
    row: Prepared, procedure: Procedure, sector: Sector, last: dict[int, int], *, by, load
) -> Revision:
    spec = row.spec
    return Revision(
        procedure=procedure,
        number=last.get(procedure.pk, 0) + 1,
        sector=sector,
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
        definition=row.definition,
        digest=row.digest,
        origin=row.origin,
        load=load,
        created_by=by,
    )


def _save_rows(saved: list[tuple[Revision, ProcedureSpec]]) -> None:
    """The rows below new revisions: one insert for each table."""
    channels = [row for revision, spec in saved for row in _channels(revision, spec)]
    fees = [row for revision, spec in saved for row in _fees(revision, spec)]
    Channel.objects.bulk_create(channels)
    Fee.objects.bulk_create(fees)
    Fee.channels.through.objects.bulk_create(_fee_channels(saved, channels, fees))
    RequiredDocument.objects.bulk_create(
        [row for revision, spec in saved for row in _documents(revision, spec)]
    )
    LegalBasis.objects.bulk_create(
        [
            LegalBasis(
                revision=revision, position=position, number=row.number or "", title=row.title
            )
            for revision, spec in saved
            for position, row in enumerate(spec.legal_basis)
        ]
    )
    _save_life_events(saved)


def _channels(revision: Revision, spec: ProcedureSpec) -> Iterator[Channel]:
    for position, row in enumerate(spec.channels):
        unit, amount = _duration(row.time)
        cut_off = datetime.time.fromisoformat(row.cut_off) if row.cut_off else None
        yield Channel(
            revision=revision, position=position, kind=row.type, unit=unit, amount=amount,
            cut_off=cut_off, clock_starts=row.clock_starts, case=row.case or "",
            note=row.note or "",
        )  # fmt: skip


def _fees(revision: Revision, spec: ProcedureSpec) -> Iterator[Fee]:
    for position, row in enumerate(spec.fees):
        yield Fee(
            revision=revision, position=position, key=row.id, name=row.name, note=row.note or "",
            amount=row.amount, counted=row.counted or "", cap=row.cap,
            tiers=[tier.model_dump() for tier in row.tiers],
            alternatives=[case.model_dump() for case in row.alternatives],
            when=row.when or "", unit=row.per or "", times=row.times or "", due=row.pay,
            source=row.source, is_confirmed=row.confirmed, is_refundable=row.refundable,
            exemptions={key: one.label for key, one in row.exempt.items()},
            exemption_law=row.exempt_law or "", reductions=_reductions(row),
        )  # fmt: skip


def _reductions(row: FeeSpec) -> dict[str, dict[str, Any]]:
    """What an exemption has beyond its label: `percent`, `law`, `automatic`, those it has."""
    found = {}
    for key, one in row.exempt.items():
        known = {"percent": one.reduce, "law": one.law, "automatic": one.automatic}
        if said := {name: value for name, value in known.items() if value}:
            found[key] = said
    return found


def _fee_channels(
    saved: list[tuple[Revision, ProcedureSpec]], channels: list[Channel], fees: list[Fee]
) -> list[Any]:
    """The links of fees to the channels of the kinds that they name; no kind, no link."""
    by_kind: dict[tuple[int, str], list[Channel]] = {}
    for channel in channels:
        by_kind.setdefault((channel.revision_id, channel.kind), []).append(channel)
    asked = [fee.channels for _revision, spec in saved for fee in spec.fees]
    return [
        Fee.channels.through(fee=fee, channel=channel)
        for fee, kinds in zip(fees, asked, strict=True)
        for kind in dict.fromkeys(kinds)
        for channel in by_kind.get((fee.revision_id, kind), ())
    ]


def _documents(revision: Revision, spec: ProcedureSpec) -> Iterator[RequiredDocument]:
    for position, row in enumerate(spec.documents):
        yield RequiredDocument(
            revision=revision, position=position, key=row.id, name=row.name, how=row.how,
            group=row.group or "", law=row.law or "", originals=row.originals,
            copies=row.copies, when=row.when or "",
            is_optional=row.optional, original_due=row.original_due or "", help=row.help or "",
            note=_document_note(row),
        )  # fmt: skip


def _document_note(row: DocumentSpec) -> str:
    if row.not_needed_if:
        return _("Không phải nộp nếu: %(case)s") % {"case": row.not_needed_if}
    if row.only_if_office_asks:
        return _("Chỉ khi cơ quan yêu cầu: %(case)s") % {"case": row.only_if_office_asks}
    return ""


def _save_life_events(saved: list[tuple[Revision, ProcedureSpec]]) -> None:
    slugs = {slug for _revision, spec in saved for slug in spec.life_events}
    events = LifeEvent.objects.in_bulk(slugs, field_name="slug") if slugs else {}
    Revision.life_events.through.objects.bulk_create(
        Revision.life_events.through(revision=revision, lifeevent=events[slug])
        for revision, spec in saved
        for slug in dict.fromkeys(spec.life_events)
        if slug in events
    )


def _duration(text: str) -> tuple[str, int | None]:
    match = re.fullmatch(r"(\d+) (\w+?)s?", text)
    if match:
        return match[2], int(match[1])
    return text, None


@transaction.atomic
def publish(revision: Revision, *, by: User | None, decision: str = "") -> None:
    """Put a draft in force in place of what was; raises `NotTwoPeople` for its own writer.

    Raises `FrozenError` for what is no draft any more: published or replaced meanwhile.
    Before its `effective_from` it waits (`SCHEDULED`) until `run_due` puts it in force.
    Dossiers filed under the old revision stay under it.
    """
    if by is not None and revision.created_by_id == by.pk:
        raise NotTwoPeople(_("Người công bố phải khác người soạn."))
    procedure = Procedure.objects.select_for_update().get(pk=revision.procedure_id)
    if not procedure.revisions.filter(pk=revision.pk, status=Revision.Status.DRAFT).exists():
        raise FrozenError(f"{revision} is no draft any more")
    revision.published_by, revision.publish_decision = by, decision
    fields = ["status", "published_at", "published_by", "publish_decision"]
    if revision.effective_from and revision.effective_from > timezone.localdate():
        revision.status = Revision.Status.SCHEDULED
        revision.save(update_fields=fields)
        return
    now = timezone.now()
    procedure.revisions.filter(status=Revision.Status.PUBLISHED).update(
        status=Revision.Status.SUPERSEDED, superseded_at=now
    )
    revision.status, revision.published_at = Revision.Status.PUBLISHED, now
    revision.save(update_fields=fields)
    procedure.current = revision
    procedure.slug = make_slug(revision.short_name)
    procedure.save(update_fields=["current", "slug"])
    touch_catalogue()
