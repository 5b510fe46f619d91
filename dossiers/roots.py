"""The daily root: one published hash over the heads of all chains that grew on a day.

The heads (the last hash of each dossier's chain on that day, in the order of the dossiers)
are the leaves of a Merkle tree as RFC 6962, section 2.1, builds it: a leaf is SHA-256 of a
zero byte and the hash in hexadecimal letters, a node SHA-256 of a one byte and its two
children. The root of a day covers the tree and the root of the day before, so that whoever
kept any one of them can see a change of anything earlier. A chain that was computed anew
from its first event to its last fits in itself; it no longer fits the roots.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from dossiers.models import DailyRoot, Dossier, Event
from procedures.worktime import VIETNAM

# Moves that began before midnight have committed by then.
AFTER_MIDNIGHT = datetime.timedelta(minutes=15)
# A portal that stood still for a year catches up in a few runs.
DAYS_A_RUN = 31
ONE_DAY = datetime.timedelta(days=1)


@dataclass
class Tree:
    """A Merkle tree that is given its leaves in order and keeps one hash for each level."""

    count: int = 0
    events: int = 0
    _stack: list[tuple[int, bytes]] = field(default_factory=list)

    def add(self, head: str, *, events: int) -> None:
        """The head of one more chain (hex), which grew by so many events."""
        self.count += 1
        self.events += events
        self._stack.append((1, leaf(head)))
        while len(self._stack) > 1 and self._stack[-1][0] == self._stack[-2][0]:
            self._join()

    def digest(self) -> str:
        """The hash over all leaves (hex); that of nothing where there are none."""
        stack = list(self._stack)
        if not stack:
            return hashlib.sha256(b"").hexdigest()
        _size, digest = stack.pop()
        while stack:
            digest = _node(stack.pop()[1], digest)
        return digest.hex()

    def _join(self) -> None:
        (size, right), (other, left) = self._stack.pop(), self._stack.pop()
        self._stack.append((size + other, _node(left, right)))


def leaf(head: str) -> bytes:
    """The leaf of a chain whose last hash is `head`, taken as the text that it is."""
    return hashlib.sha256(b"\x00" + head.encode()).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def day_of(moment: datetime.datetime) -> datetime.date:
    """The day in Viet Nam to which an event belongs."""
    return moment.astimezone(VIETNAM).date()


def content(day: datetime.date, previous: str, tree: Tree) -> str:
    """What the root of a day covers, as canonical JSON."""
    covered = [day.isoformat(), previous, tree.count, tree.events, tree.digest()]
    return json.dumps(covered, separators=(",", ":"))


def root_of(day: datetime.date, previous: str, tree: Tree) -> str:
    """The root of a day (hex)."""
    return hashlib.sha256(content(day, previous, tree).encode()).hexdigest()


# --- The portal's own key ---------------------------------------------------------------


def mac_of(root: str, secret: str | None = None) -> str:
    """The HMAC (hex) of a root by a key that is in no table."""
    if secret is None and settings.LEDGER_KEY:
        return hmac.new(settings.LEDGER_KEY.encode(), root.encode(), "sha256").hexdigest()
    return salted_hmac("dossiers.roots", root, secret=secret, algorithm="sha256").hexdigest()


def is_ours(row: DailyRoot) -> bool:
    """Whether the portal itself wrote this root, under its key of today or a former one."""
    known = [mac_of(row.root)]
    known += [mac_of(row.root, secret) for secret in settings.SECRET_KEY_FALLBACKS]
    return any(hmac.compare_digest(row.mac, mac) for mac in known)


# --- Publishing -------------------------------------------------------------------------


def publish() -> int:
    """Publish the roots of the days that are over; how many there were. Safe to run twice,
    late (the days that were missed follow one another) and side by side."""
    return sum(_publish_day(day) for day in _days_to_publish())


def _days_to_publish() -> list[datetime.date]:
    end = day_of(timezone.now() - AFTER_MIDNIGHT)
    last = DailyRoot.objects.order_by("-day").values_list("day", flat=True).first()
    first = last + ONE_DAY if last else _first_day()
    if first is None:
        return []
    return [first + n * ONE_DAY for n in range(min((end - first).days, DAYS_A_RUN))]


def _first_day() -> datetime.date | None:
    moment = Event.objects.order_by("at").values_list("at", flat=True).first()
    return day_of(moment) if moment else None


@transaction.atomic
def _publish_day(day: datetime.date) -> bool:
    previous = DailyRoot.objects.filter(day=day - ONE_DAY).values_list("root", flat=True).first()
    tree = tree_of(day)
    root = root_of(day, previous or "", tree)
    facts = {
        "root": root,
        "previous": previous or "",
        "mac": mac_of(root),
        "chains": tree.count,
        "events": tree.events,
    }
    _row, is_new = DailyRoot.objects.get_or_create(day=day, defaults=facts)
    return is_new


def tree_of(day: datetime.date) -> Tree:
    """The tree over the heads of the chains that grew on a day."""
    tree = Tree()
    for _dossier, head, events in heads(day):
        tree.add(head, events=events)
    return tree


def heads(day: datetime.date) -> Iterator[tuple[int, str, int]]:
    """Each chain that grew on a day: its dossier's key, its last hash then, by how many events."""
    start = datetime.datetime.combine(day, datetime.time(), VIETNAM)
    rows = (
        Event.objects.filter(at__gte=start, at__lt=start + ONE_DAY)
        .order_by("dossier_id", "seq")
        .values_list("dossier_id", "hash")
    )
    for dossier, chain in groupby(rows.iterator(chunk_size=1000), key=lambda row: row[0]):
        hashes = [row[1] for row in chain]
        yield dossier, hashes[-1], len(hashes)


# --- One dossier's place in it ----------------------------------------------------------


def latest_place(dossier: Dossier, events: Iterable[Event]) -> dict | None:
    """How a dossier's last hash under a published root leads to that root; None before there
    is one. What happened on later days is under no root yet.

    `path` is the hashes beside the way from the leaf upwards, each with its side.
    """
    days = {day_of(event.at) for event in events}
    row = DailyRoot.objects.filter(day__in=days).order_by("-day").first()
    return _place(dossier, row) if row else None


def _place(dossier: Dossier, row: DailyRoot) -> dict:
    found = list(heads(row.day))
    index = next(n for n, head in enumerate(found) if head[0] == dossier.pk)
    tree = Tree()
    for _dossier, head, events in found:
        tree.add(head, events=events)
    return {
        "day": row.day.isoformat(),
        "head": found[index][1],
        "path": list(_path(index, [leaf(head) for _dossier, head, _events in found])),
        "content": content(row.day, row.previous, tree),
        "root": row.root,
    }


def _path(index: int, leaves: list[bytes]) -> Iterator[dict[str, str]]:
    """The audit path of RFC 6962, section 2.1.1, from the leaf upwards."""
    if len(leaves) == 1:
        return
    half = 1 << ((len(leaves) - 1).bit_length() - 1)
    left, right = leaves[:half], leaves[half:]
    if index < half:
        yield from _path(index, left)
        yield {"side": "right", "hash": _over(right)}
    else:
        yield from _path(index - half, right)
        yield {"side": "left", "hash": _over(left)}


def _over(leaves: Iterable[bytes]) -> str:
    level = list(leaves)
    while len(level) > 1:
        pairs = [_node(*level[n : n + 2]) for n in range(0, len(level) - 1, 2)]
        level = pairs + level[2 * len(pairs) :]
    return level[0].hex()


def how_to_check() -> str:
    """In one paragraph, what a programmer needs in order to recompute."""
    return _(
        "Lá của cây là SHA-256 của một byte 0 và mã băm cuối ngày (chữ thập lục phân) của nhật ký "
        "một hồ sơ; nút là SHA-256 của một byte 1 và hai nút con (cây Merkle theo RFC 6962, các "
        "hồ sơ xếp theo số thứ tự trong hệ thống). Mã gốc là SHA-256 của dãy JSON gồm ngày, mã "
        "gốc ngày trước, số hồ sơ, số sự việc và đỉnh của cây."
    )
