"""Reading YAML as its writer meant it: every scalar is text, and every value has a line.

YAML would turn `2.000720` into 2.00072, `8.000` into 8.0, `15:00` into 900 and `no` into
False. Here they stay as they were typed; the schema converts what it knows to be a number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml
from django.utils.translation import gettext as _

from procedures.loading import repairs
from procedures.text import normalise

if TYPE_CHECKING:
    from procedures.loading.levels import LevelReport

Path = tuple[str | int, ...]

# Bytes of one procedure's file; the longest of the country's procedures has 0.3 MB.
LARGEST_FILE = 1_000_000
_MOST_PARTS = 50_000
_DEEPEST = 30
# Each repair is one more reading of the file, at about a million characters a second.
_MOST_REPAIRS = 60
_MOST_CHARACTERS = 3_000_000

_NOT_TEXT = {b"PK": "Word, Excel", b"\xd0\xcf": "Word, Excel", b"%PDF": "PDF"}

_NO_COLON = "could not find expected ':'"
_TOO_DEEP = "nested too deep"
# A word processor turns "…" into “…”, which YAML takes for two letters of the text.
_WORD_QUOTED = re.compile(r"[“”„][^“”]*[“”]|[‘’][^‘’]*[‘’]", re.DOTALL)
# White space that people cannot tell from a space and that YAML takes for a letter.
_ODD_SPACES = re.compile(r"(?m)^([ \t-]*)[\u00a0\u202f\u3000]+|(?<=:)[\u00a0\u202f\u3000]+")
# Signs that only fonts of before Unicode (TCVN3, .VnTime) put between letters.
_OLD_FONT = re.compile("[A-Za-z][®µ¸¶·¹¨»¾¼½Æ©ªÐÑÖ×ØÞßäåæëîï¬«ñö÷ø]")


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, where it stands, in a sentence for the person who wrote it.

    `suggestion` is the line as it should be, where that is known; `kind` is a word for the
    sort of mistake, by which faults are counted.
    """

    file: str
    line: int
    message: str
    suggestion: str = ""
    kind: str = ""

    def __str__(self) -> str:
        told = f"{self.file}:{self.line}: {self.message}"
        if self.suggestion:
            told += "\n    " + _("hãy ghi: %(line)s") % {"line": self.suggestion}
        return told


@dataclass
class Document:
    """What a file holds, and the line on which each part of it begins.

    `source` are its lines, as far as they could be mended; a workbook has none. `level` is
    there as soon as the file could be read as a procedure, faults or not.
    """

    file: str
    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    source: list[str] = field(default_factory=list)
    level: LevelReport | None = None

    def line_of(self, path: Path) -> int:
        """The line of the value at `path`, or of the nearest part around it."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path, 1)

    def key_at(self, path: Path, key: str) -> str:
        """What the writer of this kind of file calls a key."""
        return key

    def words_at(self, path: Path, words: list[str]) -> list[str]:
        """The words that may stand at a place, as this kind of file writes them."""
        return words

    def text_of(self, path: Path) -> str:
        """The line on which exactly this part begins, or "" where that is not known."""
        line = self.lines.get(path, 0)
        return self.source[line - 1] if 0 < line <= len(self.source) else ""

    def fault(self, path: Path, message: str, *, suggestion: str = "", kind: str = "") -> None:
        """Note that the part at `path` is wrong, in one line whatever was quoted."""
        self._note(self.line_of(path), message, suggestion, kind)

    def fault_in_line(
        self, line: int, message: str, *, suggestion: str = "", kind: str = ""
    ) -> None:
        """Note that a line (from 1) is wrong, where no part of the document is known yet."""
        self._note(line, message, suggestion, kind)

    def _note(self, line: int, message: str, suggestion: str, kind: str) -> None:
        self.faults.append(Fault(self.file, line, " ".join(message.split()), suggestion, kind))


class _Loader(yaml.SafeLoader):
    """Stops at a depth that no person writes, before Python's stack is used up."""

    def __init__(self, stream: str):
        super().__init__(stream)
        self.depth = 0

    def compose_node(self, parent: Any, index: Any) -> yaml.Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise yaml.MarkedYAMLError(problem=_TOO_DEEP, problem_mark=self.peek_event().start_mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def decode(raw: bytes, document: Document) -> str | None:
    """The text of a file; None, and a fault, where it is no Unicode text."""
    if len(raw) > LARGEST_FILE:
        document.fault((), too_large(len(raw)), kind="size")
        return None
    kind = next((name for start, name in _NOT_TEXT.items() if raw.startswith(start)), None)
    if kind:
        message = _("Đây là tệp %(kind)s; hãy chép nội dung sang một tệp chữ .yaml.")
        document.fault((), message % {"kind": kind}, kind="encoding")
        return None
    try:
        return raw.decode(_encoding_of(raw))
    except UnicodeDecodeError as error:
        document.fault_in_line(
            raw.count(b"\n", 0, error.start) + 1,
            _(
                "Tệp chưa được lưu bằng mã UTF-8. Trong Notepad, hãy chọn Tệp, Lưu dưới dạng, "
                "Mã hóa: UTF-8; chữ gõ bằng phông cũ (TCVN3, VNI) thì chuyển sang Unicode trước."
            ),
            kind="encoding",
        )
        return None


def _encoding_of(raw: bytes) -> str:
    if raw[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return "utf-16"
    start = raw[:200]
    # Latin letters in UTF-16 have a zero beside each.
    if start[1::2].count(0) > len(start) / 3:
        return "utf-16-le"
    return "utf-16-be" if start[::2].count(0) > len(start) / 3 else "utf-8-sig"


def too_large(size: int) -> str:
    """What is said of a file of so many bytes."""
    return _("Tệp nặng %(size)s MB; một tệp thủ tục nặng nhất là %(limit)d MB.") % {
        "size": f"{size / 1_000_000:.1f}".replace(".", ","),
        "limit": LARGEST_FILE // 1_000_000,
    }


def read(text: str, file: str) -> Document:
    """The document in `text`, with what could not be read as its faults.

    A line that cannot be read is mended where it is clear how, so that everything that is
    wrong in a file can be told at once.
    """
    document = Document(file)
    text = _ODD_SPACES.sub(lambda match: (match[1] or "") + " ", normalise(text))
    document.source = re.split(r"\r\n|\r|\n", text)
    node = _composed(document)
    if len(_OLD_FONT.findall(text)) > 2:
        line = next(n for n, row in enumerate(document.source, 1) if _OLD_FONT.search(row))
        document.fault_in_line(
            line,
            _("Chữ trong tệp gõ bằng phông cũ (TCVN3, .VnTime); hãy chuyển mã sang Unicode."),
            kind="encoding",
        )
    if node is None:
        if not document.faults:
            document.fault((), _("Tệp trống."), kind="empty")
        return document
    try:
        document.data = _build(node, (), document, seen=frozenset())
    except _TooMany:
        document.data = None
        document.fault(
            (), _("Tệp khai triển ra quá nhiều phần; hãy bỏ các dấu & và * của YAML."), kind="size"
        )
    return document


def _composed(document: Document) -> yaml.Node | None:
    """The nodes of the document's lines, mended as far as it goes."""
    # A long file that is no YAML at all is not worth hundreds of readings.
    tries = _MOST_CHARACTERS // (sum(map(len, document.source)) + 1)
    node, error = _attempt(document.source)
    for _round in range(_MOST_REPAIRS):
        if error is None:
            mended = list(repairs.misread(node, document.source)) if node else []
            if not mended:
                return node
        else:
            mended, tried = _mended(document.source, error, tries)
            tries -= tried
            if not mended:
                break
        for repair in mended:
            document.fault_in_line(
                repair.index + 1, repair.message, suggestion=repair.text, kind=repair.kind
            )
        document.source = _with(mended, document.source)
        node, error = _attempt(document.source)
    if error is not None:
        document.faults.append(_yaml_fault(error, document.file))
    return None


def _attempt(lines: list[str]) -> tuple[yaml.Node | None, yaml.MarkedYAMLError | None]:
    try:
        return yaml.compose("\n".join(lines), Loader=_Loader), None
    except yaml.MarkedYAMLError as error:
        return None, error
    except (yaml.YAMLError, RecursionError):
        return None, yaml.MarkedYAMLError(problem="")


def _mended(
    lines: list[str], error: yaml.MarkedYAMLError, tries: int
) -> tuple[list[repairs.Repair], int]:
    """The first repairs with which the reader gets further, and how many were tried."""
    tried = 0
    if error.problem == _TOO_DEEP or not error.problem_mark:
        return [], tried
    for found in repairs.repairs(lines, error):
        if tried >= tries:
            break
        tried += 1
        _node, left = _attempt(_with(found, lines))
        if left is None or (left.problem_mark and left.problem_mark.line > error.problem_mark.line):
            return found, tried
    return [], tried


def _with(mended: list[repairs.Repair], lines: list[str]) -> list[str]:
    texts = {repair.index: repair.text for repair in mended}
    return [texts.get(index, line) for index, line in enumerate(lines)]


class _TooMany(Exception):
    """Aliases make more of the document than anybody writes."""


def _build(node: yaml.Node, path: Path, document: Document, seen: frozenset[int]) -> Any:
    document.lines.setdefault(path, node.start_mark.line + 1)
    if len(document.lines) > _MOST_PARTS:
        raise _TooMany
    if isinstance(node, yaml.ScalarNode):
        if node.style is None and _WORD_QUOTED.fullmatch(node.value):
            return _without_word_quotes(node, path, document)
        return node.value
    if id(node) in seen:
        document.fault(path, _("Phần này chứa chính nó."), kind="alias")
        return None
    seen |= {id(node)}
    if isinstance(node, yaml.SequenceNode):
        return [
            _build(item, (*path, index), document, seen) for index, item in enumerate(node.value)
        ]
    return _build_mapping(node, path, document, seen)


def _without_word_quotes(node: yaml.ScalarNode, path: Path, document: Document) -> str:
    line = document.source[node.start_mark.line]
    mended = repairs.straight_quotes(line)
    document.fault_in_line(
        node.start_mark.line + 1,
        repairs.curly_message(),
        suggestion=mended if mended != line else "",
        kind="curly quotes",
    )
    return node.value[1:-1]


def _build_mapping(
    node: yaml.MappingNode, path: Path, document: Document, seen: frozenset[int]
) -> dict[str, Any]:
    built: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            document.lines[path] = key_node.start_mark.line + 1
            document.fault(path, _("Tên khóa phải là chữ."), kind="key")
            continue
        key = key_node.value
        here = (*path, key)
        if key in built:
            document.fault_in_line(
                key_node.start_mark.line + 1,
                _("Khóa “%(key)s” bị lặp lại; dòng %(line)d đã có, hãy giữ một dòng.")
                % {"key": key, "line": document.lines[here]},
                kind="duplicate",
            )
            continue
        document.lines[here] = key_node.start_mark.line + 1
        built[key] = _build(value_node, here, document, seen)
    return built


def _yaml_fault(error: yaml.MarkedYAMLError, file: str) -> Fault:
    problem = error.problem or ""
    mark = error.problem_mark or error.context_mark
    if problem == _NO_COLON:
        # The reader notices on the next line; the key is where it began to look.
        mark = error.context_mark or mark
    line = mark.line + 1 if mark else 1
    return Fault(file, line, _yaml_sentence(problem), kind="yaml")


def _yaml_sentence(problem: str) -> str:
    """A YAML reader's complaint in words that an officer can act on."""
    sentences = {
        "found character '\\t' that cannot start any token": _(
            "Dòng này thụt vào bằng phím Tab; hãy thay bằng dấu cách."
        ),
        "mapping values are not allowed here": _(
            "Có dấu hai chấm giữa câu; hãy đặt cả câu trong dấu nháy kép."
        ),
        _NO_COLON: _("Thiếu dấu hai chấm sau tên khóa."),
        _TOO_DEEP: _("Các phần lồng nhau quá nhiều lớp."),
        "but found another document": _("Mỗi tệp chỉ chứa một thủ tục; hãy bỏ dòng ---."),
        "expected ',' or ']', but got": _("Thiếu dấu phẩy hoặc dấu đóng ngoặc vuông."),
        "expected ',' or '}', but got": _("Thiếu dấu phẩy hoặc dấu đóng ngoặc nhọn."),
    }
    for start, sentence in sentences.items():
        if problem.startswith(start):
            return sentence
    return _("Không đọc được dòng này; hãy kiểm tra thụt dòng, dấu ngoặc và dấu nháy.")
