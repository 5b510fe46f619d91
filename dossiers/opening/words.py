"""A Word file that was sent: whether it is one that an official may open.

Runs in a bounded process. The list of parts is read before anything is unpacked, and only
XML is, a piece at a time, without document types.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from typing import IO, Any
from xml.parsers import expat

from procedures.bounded import Fault

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_MAX_MEMBERS = 2000
_MAX_UNPACKED = 150 * 1024 * 1024
_MAX_RATIO = 200
_MAX_XML = 60 * 1024 * 1024
_PIECE = 64 * 1024
_END = b"PK\x05\x06"
_END_SIZE = 22

_BAD_MEMBER = re.compile(
    r"vbaproject|vbadata|/activex/|/embeddings/|\.(bin|exe|dll|js|vbs|ps1|bat|cmd|com|scr|jar|hta|"
    r"html?|mht|docm|dotm|zip|rar|7z)$",
    re.IGNORECASE,
)
_BAD_LINK = re.compile(
    r"/(vbaProject|wordVbaData|oleObject|package|control|aFChunk|attachedToolbars)$"
)
_FIELD_THAT_RUNS = re.compile(r"\bDDE(AUTO)?\b", re.IGNORECASE)


def look(source: IO[bytes], target: IO[bytes]) -> dict[str, Any]:
    """`{}` for a DOCX that nothing is wrong with. Raises `Fault`:

    `encrypted`, `old` (.doc and its kind), `other` (a packed file that is no DOCX), `bomb`,
    `runs` (macros, objects, fields that start programs), `outside` (it would fetch
    something when it is opened), `foreign` (something stands around it), `broken`.
    """
    content = source.read()
    if content.startswith(_OLE):
        is_locked = "EncryptedPackage".encode("utf-16-le") in content
        raise Fault("encrypted" if is_locked else "old")
    # No comment, nothing behind: the end of the list of parts is the end of the file.
    if content[-_END_SIZE:-18] != _END:
        raise Fault("foreign" if _END in content else "broken")
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        _check_list(parts)
        _check_types(parts)
        for name in parts.namelist():
            if name.endswith(".rels"):
                _walk(parts, name, _check_link)
            elif name.startswith("word/") and name.endswith(".xml"):
                _check_fields(parts, name)
    return {}


def _check_list(parts: zipfile.ZipFile) -> None:
    members = parts.infolist()
    names = [member.filename for member in members]
    if not {"[Content_Types].xml", "word/document.xml", "_rels/.rels"} <= set(names):
        raise Fault("other")
    if len(members) > _MAX_MEMBERS or sum(one.file_size for one in members) > _MAX_UNPACKED:
        raise Fault("bomb")
    if any(one.file_size > _MAX_RATIO * one.compress_size + 100_000 for one in members):
        raise Fault("bomb")
    if any(one.flag_bits & 1 for one in members):
        raise Fault("encrypted")
    if len({name.lower() for name in names}) < len(names) or min(
        one.header_offset for one in members
    ):
        raise Fault("foreign")
    if any(name.startswith("/") or "\\" in name or ".." in name.split("/") for name in names):
        raise Fault("foreign")
    if any(_BAD_MEMBER.search(name) for name in names):
        raise Fault("runs")


def _check_types(parts: zipfile.ZipFile) -> None:
    found = {}

    def note(name: str, attributes: dict[str, str]) -> None:
        kind = attributes.get("ContentType", "")
        if "macroenabled" in kind.lower() or "vba" in kind.lower():
            raise Fault("runs")
        found[attributes.get("PartName", "")] = kind

    _walk(parts, "[Content_Types].xml", note)
    if found.get("/word/document.xml") != _MAIN:
        raise Fault("other")


def _check_link(name: str, attributes: dict[str, str]) -> None:
    kind = attributes.get("Type", "")
    if _BAD_LINK.search(kind):
        raise Fault("runs")
    if attributes.get("TargetMode", "").lower() == "external" and not kind.endswith("/hyperlink"):
        raise Fault("outside")


def _check_fields(parts: zipfile.ZipFile, name: str) -> None:
    """Refuse fields that talk to other programs; Word splits one over several elements."""
    said: list[str] = []
    inside = False

    def begin(tag: str, attributes: dict[str, str]) -> None:
        nonlocal inside
        inside = tag.endswith(":instrText")
        said.extend(value for key, value in attributes.items() if key.endswith(":instr"))
        if tag.endswith(":fldChar"):
            said.append(" ")

    def text(piece: str) -> None:
        if inside:
            said.append(piece)

    _walk(parts, name, begin, text)
    if _FIELD_THAT_RUNS.search("".join(said)):
        raise Fault("runs")


def _walk(
    parts: zipfile.ZipFile,
    name: str,
    begin: Callable[[str, dict[str, str]], None],
    text: Callable[[str], None] | None = None,
) -> None:
    parser = expat.ParserCreate()
    parser.StartElementHandler = begin
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse_type
    if parts.getinfo(name).file_size > _MAX_XML:
        raise Fault("bomb")
    with parts.open(name) as part:
        while piece := part.read(_PIECE):
            parser.Parse(piece)
    parser.Parse(b"", True)


def _refuse_type(*declared: Any) -> None:
    raise Fault("broken")


READERS = {"look": look}
