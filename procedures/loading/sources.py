"""Where procedures come from: YAML files, folders of them, the national catalogue."""

from __future__ import annotations

import codecs
import lzma
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from pydantic import ValidationError

from procedures.loading import workbook
from procedures.loading.checking import check_document, check_files
from procedures.loading.national import read_row
from procedures.loading.schema import ProcedureSpec
from procedures.loading.yamltext import Document, Fault
from procedures.models import Revision

YAML_ENDINGS = (".yaml", ".yml")
WORKBOOK_ENDINGS = (".xlsx",)
NATIONAL_ENDINGS = (".jsonl", ".jsonl.xz", ".jsonl.gz")
# A row of the national catalogue has 50 kB at most; this keeps one line from filling memory.
LONGEST_LINE = 4 * 2**20
_DICTIONARY = 256 * 2**20
_CHUNK = 2**18
_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_FILES_AT_ONCE = 50


class SourceError(Exception):
    """A path cannot be read at all; the message says which, and why."""


@dataclass
class Entry:
    """One procedure of a source: what it says, or the faults that keep it out.

    `as_read` is what a file with faults says all the same, where it can be read; `advice`
    says in sentences which level it reaches, and what the next one takes.
    """

    file: str
    line: int
    spec: ProcedureSpec | None
    origin: str
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    code: str = ""
    as_read: ProcedureSpec | None = None
    advice: list[str] = field(default_factory=list)


def find_files(paths: Iterable[Path]) -> list[Path]:
    """The files that `paths` name, folders searched for YAML; raises `SourceError`."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += sorted(path.rglob("*.yaml")) + sorted(path.rglob("*.yml"))
        elif path.is_file():
            files.append(path)
        else:
            raise SourceError(_("Không có tệp hay thư mục %(path)s.") % {"path": path})
    if not files:
        raise SourceError(_("Không có tệp .yaml nào."))
    return files


def is_national(file: Path | str) -> bool:
    """Whether a file has one procedure a line, as the national catalogue has."""
    return str(file).lower().endswith(NATIONAL_ENDINGS)


def is_workbook(file: Path | str) -> bool:
    """Whether a file is an Excel workbook."""
    return str(file).lower().endswith(WORKBOOK_ENDINGS)


def read_entries(files: list[Path]) -> Iterator[Entry]:
    """The procedures of the files, one after another; nothing stays in memory.

    A code that two entries share is a fault of the second.
    """
    seen: dict[str, str] = {}
    for entry in _all_entries(files):
        if entry.spec and entry.spec.code in seen:
            _is_duplicate(entry, seen[entry.spec.code])
        elif entry.spec:
            place = entry.file if entry.origin == Revision.Origin.OFFICE else _place(entry)
            seen[entry.spec.code] = place
        yield entry


def _place(entry: Entry) -> str:
    return f"{entry.file}:{entry.line}"


def _is_duplicate(entry: Entry, place: str) -> None:
    message = _("Mã %(code)s đã có trong tệp %(file)s.") % {"code": entry.code, "file": place}
    entry.faults.append(Fault(entry.file, entry.line, message))
    entry.spec = None


def _all_entries(files: list[Path]) -> Iterator[Entry]:
    """YAML first, workbooks, and the national catalogue last."""
    books = [file for file in files if is_workbook(file)]
    national = [file for file in files if is_national(file)]
    plain = [file for file in files if file not in books and file not in national]
    for some in batched(plain, _FILES_AT_ONCE):
        yield from _yaml_entries(some)
    for file in books:
        yield from _workbook_entries(file)
    for file in national:
        yield from _national_entries(file)


def _yaml_entries(files: Iterable[Path]) -> Iterator[Entry]:
    good, documents = check_files(files)
    specs = {id(document): spec for document, spec in good}
    for document in documents:
        yield _office_entry(document, specs.get(id(document)))


def _workbook_entries(file: Path) -> Iterator[Entry]:
    try:
        with file.open("rb") as opened:
            documents = workbook.read(opened, str(file))
    except workbook.NotAWorkbook as error:
        fault = Fault(str(file), 1, str(error))
        yield Entry(str(file), 1, None, Revision.Origin.OFFICE, [fault])
        return
    for document in documents:
        yield _office_entry(document, check_document(document))


def _office_entry(document: Document, spec: ProcedureSpec | None) -> Entry:
    return Entry(
        document.file,
        document.line_of(("code",)),
        None if document.faults else spec,
        Revision.Origin.OFFICE,
        list(document.faults),
        code=spec.code if spec else "",
        as_read=_as_read(document) if document.faults else None,
        advice=document.level.lines() if document.level else [],
    )


def _as_read(document: Document) -> ProcedureSpec | None:
    try:
        return ProcedureSpec.model_validate(document.data)
    except ValidationError:
        return None


def _national_entries(file: Path) -> Iterator[Entry]:
    for number, line in lines_of(file):
        if len(line) > LONGEST_LINE:
            long = Fault(str(file), number, _("Dòng này dài quá mức cho phép."))
            yield Entry(str(file), number, None, Revision.Origin.NATIONAL, [long])
            continue
        row = read_row(line)
        yield Entry(
            str(file),
            number,
            row.spec,
            Revision.Origin.NATIONAL,
            [Fault(str(file), number, message) for message in row.faults],
            [Fault(str(file), number, message) for message in row.warnings],
            row.code,
        )


# --- Lines of files that may be packed ------------------------------------------------


def count_rows(files: Iterable[Path]) -> int:
    """About how many procedures there are to come, for a progress bar."""
    return sum(sum(1 for _line in lines_of(file)) if is_national(file) else 1 for file in files)


def lines_of(file: Path) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers, empty ones left out; of a longer one only the start.

    Raises `SourceError` where the file is damaged, or unpacks to more than is believable.
    """
    number, rest = 0, b""
    for chunk in _unpacked(file):
        if number == 0 and chunk.startswith(_UTF_16_MARKS):
            raise SourceError(_("Tệp %(file)s chưa được lưu bằng mã UTF-8.") % {"file": file.name})
        *lines, tail = chunk.split(b"\n")
        for line in lines:
            number, line, rest = number + 1, rest + line, b""
            if line.strip():
                yield number, line.removeprefix(b"\xef\xbb\xbf")
        # One byte over is enough to be told apart.
        rest = (rest + tail)[: LONGEST_LINE + 1]
    if rest.strip():
        yield number + 1, rest.removeprefix(b"\xef\xbb\xbf")


def _unpacked(file: Path) -> Iterator[bytes]:
    limit = settings.CATALOGUE_UNPACKED_MB * 2**20
    size = 0
    try:
        for chunk in _chunks(file):
            size += len(chunk)
            if size > limit:
                raise SourceError(
                    _("Tệp %(file)s giải nén ra quá %(size)d MB.")
                    % {"file": file.name, "size": limit // 2**20}
                )
            yield chunk
    except (lzma.LZMAError, zlib.error, EOFError) as error:
        raise SourceError(_("Tệp nén %(file)s bị hỏng.") % {"file": file.name}) from error


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as raw:
        if file.suffix.lower() == ".xz":
            yield from _unpack(raw, lambda: _Xz(lzma.LZMADecompressor(memlimit=_DICTIONARY)))
        elif file.suffix.lower() == ".gz":
            yield from _unpack(raw, lambda: _Gz(zlib.decompressobj(wbits=31)))
        else:
            while chunk := raw.read(_CHUNK):
                yield chunk


class _Xz:
    """LZMA, a bounded piece at a time."""

    def __init__(self, unpacker: lzma.LZMADecompressor) -> None:
        self.unpacker = unpacker

    def more(self, data: bytes) -> bytes:
        return self.unpacker.decompress(data, _CHUNK)

    @property
    def wants_data(self) -> bool:
        return self.unpacker.needs_input


class _Gz:
    """gzip, a bounded piece at a time."""

    def __init__(self, unpacker: Any) -> None:
        self.unpacker = unpacker

    def more(self, data: bytes) -> bytes:
        return self.unpacker.decompress(self.unpacker.unconsumed_tail + data, _CHUNK)

    @property
    def wants_data(self) -> bool:
        return not self.unpacker.unconsumed_tail


def _unpack(raw: Any, start: Any) -> Iterator[bytes]:
    """What one packed stream after another holds; raises EOFError where the last is cut off."""
    packed, unpacker = b"", start()
    while True:
        if unpacker.wants_data and not packed:
            packed = raw.read(_CHUNK)
            if not packed:
                raise EOFError("the packed file ends early")
        piece, packed = unpacker.more(packed), b""
        if piece:
            yield piece
        if unpacker.unpacker.eof:
            packed = unpacker.unpacker.unused_data or raw.read(_CHUNK)
            if not packed:
                return
            unpacker = start()
