"""What people looked for in vain: the words and how often, never who asked.

A count is worth nothing next to the answer: nothing here raises, waits for a lock, or
writes the same words twice in a minute.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.utils import timezone

from procedures.models import SearchMiss
from procedures.text import fold

logger = logging.getLogger(__name__)

# More words than anybody looks through.
MOST_KEPT = 10_000
_MOST_WORDS, _MOST_LETTERS = 8, 60
_LONG_NUMBER = re.compile(r"\d[\d .-]{4,}\d")  # a telephone, a citizen's number, an account
_PAUSE = 60  # seconds
_LONGEST_WAIT = 50  # milliseconds for a lock
_MOST_REMEMBERED = 1000

_counted: dict[str, float] = {}


def count_miss(query: str) -> None:
    """Count that this query found nothing, unless it may tell something about a person."""
    words = words_to_keep(query)
    now = time.monotonic()
    if not words or now - _counted.get(words, -_PAUSE) < _PAUSE:
        return
    if len(_counted) >= _MOST_REMEMBERED:
        _counted.clear()
    _counted[words] = now
    try:
        with _short_wait(), transaction.atomic():
            _count(words)
    except DatabaseError as error:
        logger.warning("a search miss was not counted: %s", error)


def words_to_keep(query: str) -> str:
    """The query folded; "" when it is long, or has a long number or an address in it."""
    words = fold(query)
    too_long = len(words) > _MOST_LETTERS or len(words.split()) > _MOST_WORDS
    if too_long or "@" in words or "://" in words or _LONG_NUMBER.search(words):
        return ""
    return words if any(char.isalpha() for char in words) else ""


def _count(words: str) -> None:
    today = timezone.localdate()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{_LONGEST_WAIT}ms'")
    changed = SearchMiss.objects.filter(words=words).update(count=F("count") + 1, last_on=today)
    if not changed:
        _make_room()
        SearchMiss.objects.create(words=words, last_on=today)


def _make_room() -> None:
    """Forget the rarest and oldest words where a machine asks for everything there is."""
    if SearchMiss.objects.count() >= MOST_KEPT:
        rarest = SearchMiss.objects.order_by("count", "last_on").values_list("pk", flat=True)
        SearchMiss.objects.filter(pk__in=list(rarest[: MOST_KEPT // 10])).delete()


@contextmanager
def _short_wait() -> Iterator[None]:
    """On SQLite, where a transaction begins by waiting for the writer before it: not for long."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        usual = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {_LONGEST_WAIT}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {usual}")
