"""A load from its coming to its being in force: what the command and the admin both do.

`receive` takes a file, `check` reads it and keeps what it brings as hidden drafts,
`differences` shows what would change, `publish_load` puts it in force, `dismiss` drops it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from django.conf import settings
from django.core.files.base import File
from django.db import transaction
from django.utils.translation import gettext as _

from procedures.loading import bulk, comparing
from procedures.loading.comparing import Change
from procedures.loading.planning import Plan, make_plan
from procedures.loading.publishing import NotReady, publish_load
from procedures.loading.saving import NotTwoPeople
from procedures.loading.sources import (
    NATIONAL_ENDINGS,
    WORKBOOK_ENDINGS,
    YAML_ENDINGS,
    SourceError,
    count_rows,
    is_national,
    is_workbook,
)
from procedures.models import CatalogueLoad, Revision

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

__all__ = (
    "NotReady", "NotTwoPeople", "SourceError", "Unacceptable", "bring_in", "check",
    "differences", "dismiss", "publish_load", "receive",
)  # fmt: skip

_TELL_EVERY = 100
_LONGEST_NAME = 200  # bytes, of the column's 200 letters
_ENDINGS = {
    CatalogueLoad.Kind.FILES: YAML_ENDINGS,
    CatalogueLoad.Kind.WORKBOOK: WORKBOOK_ENDINGS,
    CatalogueLoad.Kind.NATIONAL: NATIONAL_ENDINGS,
}


class Unacceptable(Exception):
    """A file that is not even tried, with a sentence for who sent it."""


class Difference(NamedTuple):
    """What one draft would change in force, and how many open dossiers stay on the old one."""

    revision: Revision
    changes: list[Change] | None  # None: the procedure is new
    open_dossiers: int


def receive(file: File, *, kind: str, by: User | None) -> CatalogueLoad:
    """Keep an uploaded file as a load that waits to be checked; raises `Unacceptable`."""
    name = _short(Path(file.name or "").name)
    endings = _ENDINGS[CatalogueLoad.Kind(kind)]
    if not name.lower().endswith(endings):
        raise Unacceptable(
            _("Tệp %(name)s không đúng loại; chỉ nhận %(endings)s.")
            % {"name": name, "endings": ", ".join(chain.from_iterable(_ENDINGS.values()))}
        )
    largest = settings.CATALOGUE_FILE_MB
    if file.size > largest * 2**20:
        raise Unacceptable(_("Tệp %(name)s lớn hơn %(size)d MB.") % {"name": name, "size": largest})
    load = CatalogueLoad(kind=kind, file_name=name, created_by=by)
    load.file.save(name, file, save=True)
    return load


def kind_of(*files: Path | str) -> str:
    """The kind of load that brings these files; what no kind takes is refused by `receive`."""
    if all(is_national(file) for file in files):
        return CatalogueLoad.Kind.NATIONAL
    if all(is_workbook(file) for file in files):
        return CatalogueLoad.Kind.WORKBOOK
    return CatalogueLoad.Kind.FILES


def _short(name: str) -> str:
    """The end of a file's name, as long as a folder takes it: 255 bytes, not letters."""
    return name.encode()[-_LONGEST_NAME:].decode(errors="ignore")


def check(load: CatalogueLoad) -> CatalogueLoad:
    """Read a waiting load and keep what it brings; its state is then `READY` or `FAULTY`.

    All or nothing: one fault, and nothing of the file is kept. A second call finds nothing
    to do. Raises `bulk.AnotherLoad` while another load is written.
    """
    with bulk.only_one_load():
        bulk.sweep()
        load = CatalogueLoad.objects.get(pk=load.pk)
        if load.state != CatalogueLoad.State.WAITING:
            return load
        with tempfile.TemporaryDirectory(prefix="catalogue-load-") as folder:
            _check_file(load, Path(folder) / load.file_name)
    return load


def _check_file(load: CatalogueLoad, path: Path) -> None:
    try:
        with load.file.open("rb") as stored, path.open("wb") as copy:
            shutil.copyfileobj(stored, copy)
        load.total = 2 * count_rows([path])
        plan = make_plan([path], root=path.parent, progress=_telling(load))
        if plan.report.faults:
            _fail(load, plan.report.as_data())
            return
        bring_in(plan, load, progress=_telling(load))
    except (SourceError, bulk.SourceChanged) as error:
        _fail(load, {"faults": [str(error)]})
    except Exception:
        # Else it would wait for ever, and be tried again every few minutes.
        _fail(load, {"faults": [_("Cổng gặp lỗi khi đọc tệp này; chưa có gì được nạp.")]})
        raise


def _telling(load: CatalogueLoad) -> Callable[[], None]:
    """Count what is done, and write it down now and then for who is watching."""

    def tell() -> None:
        load.done += 1
        if load.done % _TELL_EVERY == 0:
            load.save(update_fields=["done", "total"])

    return tell


def _fail(load: CatalogueLoad, report: dict[str, Any]) -> None:
    load.state, load.report = CatalogueLoad.State.FAULTY, report
    load.save(update_fields=["state", "report", "done", "total"])


def bring_in(plan: Plan, load: CatalogueLoad, *, progress: Callable[[], None] | None) -> None:
    """Write what was planned as drafts of `load`; a failure leaves nothing behind.

    Called with `bulk.only_one_load()` held.
    """
    load.state = CatalogueLoad.State.WRITING
    load.save()
    try:
        bulk.write(plan, load, progress=progress)
    except BaseException:
        bulk.discard(load)
        _fail(load, {"faults": [_("Lần nạp bị ngắt giữa chừng; chưa có gì được nạp.")]})
        raise


def differences(load: CatalogueLoad) -> Iterator[Difference]:
    """What publishing a load would change, procedure by procedure in the order of codes."""
    drafts = (
        load.revisions.filter(status=Revision.Status.DRAFT)
        .select_related("procedure__current")
        .order_by("procedure__code")
    )
    for revision in drafts.iterator(chunk_size=200):
        yield difference(revision)


def difference(revision: Revision) -> Difference:
    """What one draft would change in force."""
    current = revision.procedure.current
    if current is None:
        return Difference(revision, None, 0)
    found = comparing.differences(current.definition, revision.definition)
    return Difference(revision, found, open_dossiers(current))


def open_dossiers(revision: Revision) -> int:
    """How many dossiers are being handled under a revision, and will stay under it."""
    return revision.dossiers.open().count()


def dismiss(load: CatalogueLoad) -> None:
    """Drop a load that is not in force, and the drafts that it brought."""
    with transaction.atomic():
        load = CatalogueLoad.objects.select_for_update().get(pk=load.pk)
        if load.state in {CatalogueLoad.State.PUBLISHED, CatalogueLoad.State.WRITING}:
            raise NotReady(_("Lần nạp này đang được ghi hoặc đã công bố, không bỏ được."))
        load.state = CatalogueLoad.State.DISMISSED
        load.save(update_fields=["state"])
    bulk.discard(load)
