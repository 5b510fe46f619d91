"""The second pass over a load: writing what was checked, in short transactions.

SQLite has one writer at a time and a task worker that waits 20 seconds for it, so nothing
here holds the database for more than a moment. Until the last row is there the load is
`WRITING` and its drafts are hidden; one that breaks off is swept away.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import batched

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max, Q
from django.utils.translation import gettext as _

from procedures import machinefolder
from procedures.loading.planning import Plan, Progress
from procedures.loading.proposals import propose, withdraw
from procedures.loading.report import Outcome
from procedures.loading.saving import Prepared, prepare, save_drafts
from procedures.loading.sources import read_entries
from procedures.models import CatalogueLoad, NationalUpdate, Procedure, Revision

AT_ONCE = 150
# Any number that no other advisory lock of this database has.
_LOCK = 7_203_318


class AnotherLoad(Exception):
    """Somebody else is loading at this moment."""


class SourceChanged(Exception):
    """A file is no longer what was checked."""


@contextmanager
def only_one_load() -> Iterator[None]:
    """Hold the right to load; raises `AnotherLoad` where another process has it.

    It goes with the process that has it, however that ends, so whoever gets it knows that
    a load which is still `WRITING` broke off.
    """
    held = _postgres_lock() if connection.vendor == "postgresql" else _file_lock()
    with held:
        yield


@contextmanager
def _postgres_lock() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            raise AnotherLoad(_("Đang có một lần nạp khác; xin chờ nó xong."))
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


@contextmanager
def _file_lock() -> Iterator[None]:
    with machinefolder.locked(settings.VAR_DIR / "catalogue-load", wait=False) as is_ours:
        if not is_ours:
            raise AnotherLoad(_("Đang có một lần nạp khác; xin chờ nó xong."))
        yield


def write(plan: Plan, load: CatalogueLoad, *, progress: Progress | None = None) -> None:
    """Save what is new or changed as drafts of `load`, and make proposals of the rest.

    Called with `only_one_load()` held and `load` in state `WRITING`, which it leaves as
    `READY`. Raises `SourceChanged` when a file no longer says what was checked.
    """
    for batch in batched(_checked(plan, progress), AT_ONCE):
        kept = [row for row in batch if plan.outcomes[row.code] != Outcome.PROPOSED]
        if kept:
            save_drafts(kept, by=load.created_by, load=load)
        for row in batch:
            if plan.outcomes[row.code] == Outcome.PROPOSED:
                propose(row.code, row.definition, row.digest)
    withdraw({code: plan.digests[code] for code in plan.national})
    _tell_the_planner()
    load.state = CatalogueLoad.State.READY
    load.report = plan.report.as_data()
    load.save(update_fields=["state", "report", "done", "total"])
    _replace_older_drafts(load)


def _tell_the_planner() -> None:
    """Have PostgreSQL count the new rows at once.

    Until its own turn comes it takes the tables for as small as they were, and joins
    thousands of procedures in a way that runs into the time limit of a statement.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for model in (Procedure, Revision, NationalUpdate):
                cursor.execute(f'ANALYZE "{model._meta.db_table}"')


def _checked(plan: Plan, progress: Progress | None) -> Iterator[Prepared]:
    """The procedures that lead to a row, read again and compared with what was checked."""
    written = {Outcome.NEW, Outcome.CHANGED, Outcome.PROPOSED}
    for entry in read_entries(plan.files):
        if entry.spec and plan.outcomes.get(entry.spec.code) in written:
            prepared = prepare(entry.spec, origin=entry.origin)
            if plan.digests[prepared.code] != prepared.digest:
                raise SourceChanged(_("Tệp %(file)s vừa bị sửa.") % {"file": entry.file})
            yield prepared
        if progress:
            progress()


def _replace_older_drafts(load: CatalogueLoad) -> None:
    """Delete the drafts of earlier loads that this one replaces, and close the gap in numbers.

    A draft that somebody wrote by hand stays: this load may yet be dropped.
    """
    # An office's draft that was begun since the check stays beside a national one.
    same_writer = Q(origin=Revision.Origin.NATIONAL) | Q(
        procedure__revisions__origin=Revision.Origin.OFFICE
    )
    older = (
        Revision.objects.filter(
            same_writer, procedure__revisions__load=load, status=Revision.Status.DRAFT
        )
        .exclude(load=load)
        .exclude(load=None)
        .distinct()
    )
    for pks in batched(list(older.values_list("pk", "procedure_id")), AT_ONCE):
        with transaction.atomic():
            Revision.objects.filter(pk__in=[pk for pk, _procedure in pks]).delete()
            _renumber(load, [procedure for _pk, procedure in pks])


def _renumber(load: CatalogueLoad, procedures: list[int]) -> None:
    last = dict(
        Revision.objects.filter(procedure__in=procedures)
        .exclude(load=load)
        .values_list("procedure")
        .annotate(Max("number"))
        .order_by()
    )
    for revision in load.revisions.filter(procedure__in=procedures):
        revision.number = last.get(revision.procedure_id, 0) + 1
        revision.save(update_fields=["number"])


def discard(load: CatalogueLoad) -> None:
    """Delete the drafts of a load, and the procedures that were nothing else."""
    while pks := list(_drafts_of(load).values_list("pk", "procedure_id")[:AT_ONCE]):
        with transaction.atomic():
            Revision.objects.filter(pk__in=[pk for pk, _procedure in pks]).delete()
            Procedure.objects.filter(
                pk__in=[procedure for _pk, procedure in pks], revisions=None
            ).delete()


def _drafts_of(load: CatalogueLoad):
    return load.revisions.filter(status=Revision.Status.DRAFT)


def sweep() -> int:
    """Clear away the loads that broke off while they were written; how many.

    Called with `only_one_load()` held.
    """
    broken = list(CatalogueLoad.objects.filter(state=CatalogueLoad.State.WRITING))
    for load in broken:
        discard(load)
        load.state = CatalogueLoad.State.FAULTY
        load.report = {"faults": [_("Lần nạp bị ngắt giữa chừng; chưa có gì được nạp.")]}
        load.save(update_fields=["state", "report"])
    return len(broken)
