"""From a document to a checked procedure, or to a list of faults, each with its line."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from pydantic import ValidationError

from procedures.loading import atonce, content, levels, references
from procedures.loading.schema import OLDER_KEYS, ProcedureSpec
from procedures.loading.sentences import Sentence, in_line, nearest, path_of, sentence
from procedures.loading.sheets import MARK
from procedures.loading.yamltext import LARGEST_FILE, Document, decode, read, too_large

BLOCKS_FILE = settings.BASE_DIR / "fixtures" / "blocks.yaml"


def check_files(
    files: Iterable[Path],
) -> tuple[list[tuple[Document, ProcedureSpec]], list[Document]]:
    """Read and check files: the good ones with what they say, and every document.

    Nothing is written. The faults are on the documents; a code that two files share is a
    fault of the second.
    """
    good, documents, seen = [], [], {}
    if _blocks_document().faults:
        return [], [_blocks_document()]
    for file in files:
        document, spec = _check_file(file)
        documents.append(document)
        if spec is None:
            continue
        if spec.code in seen:
            document.fault(
                ("code",),
                _("Mã %(code)s đã có trong tệp %(file)s.")
                % {"code": spec.code, "file": seen[spec.code]},
                kind="duplicate",
            )
            continue
        seen[spec.code] = file
        good.append((document, spec))
    return good, documents


def _check_file(file: Path) -> tuple[Document, ProcedureSpec | None]:
    size = file.stat().st_size
    if size > LARGEST_FILE:
        document = Document(str(file))
        document.fault((), too_large(size), kind="size")
        return document, None
    return check_bytes(file.read_bytes(), str(file))


def check_bytes(raw: bytes, file: str) -> tuple[Document, ProcedureSpec | None]:
    """What a file holds, as it was sent: one document and what it says, or its faults."""
    document = Document(file)
    text = decode(raw, document)
    return (document, None) if text is None else check_text(text, file)


def check_text(text: str, file: str) -> tuple[Document, ProcedureSpec | None]:
    """One document and what it says; None where it has faults."""
    document = read(text, file)
    spec = check_document(document)
    document.faults.sort(key=lambda fault: fault.line)
    return document, spec


def check_document(document: Document) -> ProcedureSpec | None:
    """What a document says that was read already (YAML, a workbook); None where it has faults.

    What is certain to be meant is put in place of what is wrong, so that all faults are
    told at once; a document with faults is refused whatever came of that.
    """
    if not isinstance(document.data, dict):
        if not document.faults:
            document.fault((), _("Tệp phải gồm các dòng “khóa: giá trị”."), kind="shape")
        return None
    _know_older_keys(document)
    _expand_blocks(document)
    _find_marks(document)
    spec = _validated(document)
    if spec is None:
        return None
    document.level = levels.report(spec)
    found = (*content.findings(spec), *atonce.findings(spec), *references.findings(spec))
    for finding in found:
        mended = content.with_replaced(document.text_of(finding.path), finding.old, finding.new)
        document.fault(finding.path, finding.message, suggestion=mended, kind=finding.kind)
    return None if document.faults else spec


def _know_older_keys(document: Document) -> None:
    """Let a fault of `service_level` be found on the line where it is still called `level`."""
    for path, line in list(document.lines.items()):
        today = tuple(OLDER_KEYS.get(part, part) for part in path)
        document.lines.setdefault(today, line)


def _find_marks(document: Document) -> None:
    """Tell of everything that is still marked as to be done."""
    for path, text in _texts(document.data, ()):
        if MARK in text:
            message = _("Chỗ này còn ghi %(mark)s; hãy điền cho đúng rồi bỏ chữ %(mark)s.")
            document.fault(path, message % {"mark": MARK}, kind="to do")


def _texts(part: Any, path: tuple) -> Iterator[tuple[tuple, str]]:
    if isinstance(part, str):
        yield path, part
    elif isinstance(part, dict | list):
        for key, value in part.items() if isinstance(part, dict) else enumerate(part):
            yield from _texts(value, (*path, key))


# --- The schema -----------------------------------------------------------------------

# What stands for a value that cannot be guessed, so that the rest of the file is checked.
_STAND_INS = {
    "yes_no": "yes", "whole_number": "1", "day": "01/01/2026", "no_such_day": "01/01/2026",
    "hour": "08:00", "duration": "text",
}  # fmt: skip


def _validated(document: Document) -> ProcedureSpec | None:
    try:
        return ProcedureSpec.model_validate(document.data)
    except ValidationError as error:
        mended = _tell(error, document)
    try:
        return ProcedureSpec.model_validate(mended)
    except ValidationError:
        return None


def _tell(error: ValidationError, document: Document) -> dict:
    """Tell what the schema found, and return the data with what was meant instead."""
    told = [(path_of(detail), detail, sentence(detail, document)) for detail in error.errors()]
    renamed = {(*path[:-1], said.better) for path, _detail, said in told if said.better}
    marked = {path for path, text in _texts(document.data, ()) if MARK in text}
    mended = copy.deepcopy(document.data)
    for path, detail, said in told:
        if path not in marked and not (detail["type"] == "missing" and path in renamed):
            document.fault(path, said.message, suggestion=said.suggestion, kind=said.kind)
        _mend(mended, path, detail["type"], said)
    return mended


def _mend(data: Any, path: tuple, kind: str, said: Sentence) -> None:
    *above, last = path or ("",)
    try:
        for name in above:
            data = data[name if name in data or isinstance(data, list) else _older(name)]
        if kind == "extra_forbidden":
            value = data.pop(last)
            if said.better:
                data.setdefault(said.better, value)
        elif said.better or kind in _STAND_INS:
            key = last if isinstance(data, list) or last in data else _older(last)
            data[key] = said.better or _STAND_INS[kind]
    except (KeyError, IndexError, TypeError, AttributeError):
        return


def _older(name: Any) -> Any:
    return next((old for old, now in OLDER_KEYS.items() if now == name), name)


# --- Shared blocks --------------------------------------------------------------------


@lru_cache(maxsize=4)
def _read_blocks(path: Path, changed: float) -> Document:
    document = read(path.read_text(encoding="utf-8"), str(path))
    if not document.faults and not isinstance(document.data, dict):
        document.fault((), _("Tệp phải gồm các dòng “khóa: giá trị”."))
    return document


def _blocks_document() -> Document:
    if not BLOCKS_FILE.exists():
        return Document(str(BLOCKS_FILE), data={})
    return _read_blocks(BLOCKS_FILE, BLOCKS_FILE.stat().st_mtime)


def shared_blocks() -> dict[str, list]:
    """The blocks that forms may `use`, by name."""
    return _blocks_document().data


def _expand_blocks(document: Document) -> None:
    form = document.data.get("form")
    for index, section in enumerate(form if isinstance(form, list) else []):
        if isinstance(section, dict) and isinstance(section.get("fields"), list):
            _expand_fields(section["fields"], ("form", index, "fields"), document)


def _expand_fields(fields: list, path: tuple, document: Document) -> None:
    for index, field in enumerate(fields):
        if not isinstance(field, dict) or "use" not in field:
            continue
        block = shared_blocks().get(str(field["use"]))
        if block is None:
            names, name = sorted(shared_blocks()), str(field["use"])
            here = (*path, index, "use")
            document.fault(
                here,
                _("Không có khối dùng chung “%(name)s”; đang có: %(names)s.")
                % {"name": name, "names": ", ".join(names)},
                suggestion=in_line(document, here, name, nearest(name, names)),
                kind="reference",
            )
        elif "fields" not in field:
            field["fields"] = block
