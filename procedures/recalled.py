"""Definitions that a process has read already, by their digest.

A step of a form needs one question of a definition of some tens of kilobytes: reading and
parsing it again for each request is most of what the step costs. What has the same digest
says the same, so nothing here can be out of date.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from procedures.formspec.spec import Form

if TYPE_CHECKING:
    from procedures.models import Revision

AT_MOST = 100  # definitions; the office's own procedures are some dozens


class Read(NamedTuple):
    """A definition as it was read, and its form parsed; nobody changes either."""

    definition: dict
    form: Form


_read: OrderedDict[str, Read] = OrderedDict()


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
            _keep(revision.digest, found)
    revision.__dict__.setdefault("definition", found.definition)
    return found


def _keep(digest: str, read: Read) -> None:
    _read[digest] = read
    while len(_read) > AT_MOST:
        _read.popitem(last=False)
