"""What a machine keeps for itself below `VAR_DIR`: a folder for each database, and its lock."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

_DATABASE_KEYS = ("HOST", "PORT", "NAME")


def of_database(place: Path) -> Path:
    """The folder in `place` of this database: two on one machine never read each other's."""
    parts = (connection.vendor, *(str(connection.settings_dict[key]) for key in _DATABASE_KEYS))
    return place / hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@contextmanager
def locked(folder: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold the folder's lock against every process of this machine; say whether we got it."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield _take(lock, wait=wait)
    finally:
        os.close(lock)


def _take(lock: int, *, wait: bool) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True
