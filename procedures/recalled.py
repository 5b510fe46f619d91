"""Definitions that a process has read already, by their digest.

A step of a form needs one question of a definition of some tens of kilobytes: reading and
parsing it again for each request is most of what the step costs. What has the same digest
says the same, so nothing here can be out of date.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db.models import prefetch_related_objects

from procedures.formspec.spec import Form

if TYPE_CHECKING:
    from procedures.models import Revision

AT_MOST = 100  # definitions; the office's own procedures are some dozens


class Read(NamedTuple):
    """A definition as it was read, and its form parsed; nobody changes either."""

    definition: dict
    form: Form


_read: OrderedDict[str, Read] = OrderedDict()
_rows: OrderedDict[str, dict] = OrderedDict()
_ROWS = ("documents", "channels", "fees__channels")


def recall(revision: Revision) -> Read:
    """What `revision` says, from memory where this process has read it before.

    A revision may come with `definition` deferred: it is fetched only where memory has
    nothing, and set either way, so that asking for it costs no query afterwards.
    """
    found = _read.get(revision.digest)
    if found is None:
        found = Read(
            revision.definition, Form.model_validate(revision.definition.get("form") or [])
        )
        if revision.digest:
            _keep(_read, revision.digest, found)
    revision.__dict__.setdefault("definition", found.definition)
    return found


def recall_rows(revision: Revision) -> None:
    """Give a revision its papers, channels and fees, from memory where they were read before.

    Rows of a published revision never change (the database refuses it), and they are made
    from its definition alone; those of a draft are asked for each time.
    """
    key = revision.digest if revision.status != revision.Status.DRAFT else ""
    found = _rows.get(key)
    if found is not None:
        revision._prefetched_objects_cache = dict(found)
        return
    prefetch_related_objects([revision], *_ROWS)
    if key:
        _keep(_rows, key, dict(revision._prefetched_objects_cache))


def _keep(kept: OrderedDict, digest: str, read: Any) -> None:
    kept[digest] = read
    while len(kept) > AT_MOST:
        kept.popitem(last=False)
