"""The large files of the open data, which each machine keeps finished.

A file of the whole catalogue costs seconds to make. Whoever first asks for one after the
catalogue changed makes it, under a file lock, and the others read the same; it gets its
name only when it is whole. A name has the catalogue's version in it, and those of older
versions go: who still reads one keeps it until it is closed.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from procedures import machinefolder, opendata

# Changed with what is written, so that a file of older code is not given out.
_SHAPE = "1"

_LINES: dict[str, Callable[[], Iterator[str]]] = {
    "thu-tuc.json": lambda: opendata.list_as_json(opendata.changed_at()),
    "thu-tuc.jsonl": opendata.all_as_json_lines,
    "thu-tuc.csv": opendata.all_as_csv,
}


def opened(name: str, *, is_packed: bool) -> BinaryIO:
    """A file of the catalogue of now, by its public name, open for reading; gzip if packed."""
    folder = machinefolder.of_database(settings.VAR_DIR / "open-data")
    ending = f"{name}.gz" if is_packed else name
    try:
        return (folder / (_version() + ending)).open("rb")
    except FileNotFoundError:
        return _made(folder, name, is_packed=is_packed)


def _made(folder: Path, name: str, *, is_packed: bool) -> BinaryIO:
    """The file, made here or by who was first.

    The version is read before the rows, so that a file is never newer by name than by what
    it holds.
    """
    with machinefolder.locked(folder):
        version = _version()
        _remove_others(folder, version)
        plain = _kept(folder / f"{version}{name}", lambda file: _write(file, _LINES[name]()))
        if not is_packed:
            return plain
        with plain:
            return _kept(folder / f"{version}{name}.gz", lambda file: _pack(file, plain))


def _kept(path: Path, write: Callable[[BinaryIO], None]) -> BinaryIO:
    if not path.exists():
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix="building-", delete=False) as file:
            write(file)
            file.flush()
            # Its name must not outlive a power cut that its content did not.
            os.fsync(file.fileno())
        Path(file.name).rename(path)
    return path.open("rb")


def _write(file: BinaryIO, pieces: Iterator[str]) -> None:
    for piece in pieces:
        file.write(piece.encode())


def _pack(file: BinaryIO, plain: BinaryIO) -> None:
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6, mtime=0) as packed:
        shutil.copyfileobj(plain, packed)


def _remove_others(folder: Path, version: str) -> None:
    for path in folder.iterdir():
        if path.name != "lock" and not path.name.startswith(version):
            path.unlink(missing_ok=True)


def _version() -> str:
    """How the names of this catalogue's files begin; addresses in them are of `SITE_URL`."""
    parts = (_SHAPE, opendata.SCHEME, opendata.token(), settings.SITE_URL)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32] + "-"
