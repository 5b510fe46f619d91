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

from procedures.text import normalise

if TYPE_CHECKING:
    from procedures.loading.levels import LevelReport

Path = tuple[str | int, ...]

_NO_COLON = "could not find expected ':'"
# A word processor turns "…" into “…”, which YAML takes for two letters of the text.
_WORD_QUOTED = re.compile(r"[“”„][^“”]*[“”]|[‘’][^‘’]*[‘’]", re.DOTALL)


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, where it stands, in a sentence for the person who wrote it."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass
class Document:
    """What a file holds, and the line on which each part of it begins.

    `level` is there as soon as the file could be read as a procedure, faults or not.
    """

    file: str
    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    level: LevelReport | None = None

    def line_of(self, path: Path) -> int:
        """The line of the value at `path`, or of the nearest part around it."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path, 1)

    def fault(self, path: Path, message: str) -> None:
        """Note that the part at `path` is wrong, in one line whatever was quoted."""
        self.faults.append(Fault(self.file, self.line_of(path), " ".join(message.split())))


def read(text: str, file: str) -> Document:
    """The document in `text`; what cannot be read at all is its only fault."""
    document = Document(file)
    try:
        node = yaml.compose(normalise(text), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        document.faults.append(_yaml_fault(error, file))
        return document
    except (yaml.YAMLError, RecursionError):
        document.faults.append(Fault(file, 1, _("Tệp không phải YAML đọc được.")))
        return document
    if node is None:
        document.fault((), _("Tệp trống."))
        return document
    document.data = _build(node, (), document, seen=frozenset())
    return document


def _build(node: yaml.Node, path: Path, document: Document, seen: frozenset[int]) -> Any:
    document.lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.ScalarNode):
        if node.style is None and _WORD_QUOTED.fullmatch(node.value):
            document.fault(
                path, _('Dấu nháy cong của Word không dùng được; hãy gõ dấu nháy thẳng (").')
            )
        return node.value
    if id(node) in seen:
        document.fault(path, _("Phần này chứa chính nó."))
        return None
    seen |= {id(node)}
    if isinstance(node, yaml.SequenceNode):
        return [
            _build(item, (*path, index), document, seen) for index, item in enumerate(node.value)
        ]
    return _build_mapping(node, path, document, seen)


def _build_mapping(
    node: yaml.MappingNode, path: Path, document: Document, seen: frozenset[int]
) -> dict[str, Any]:
    built: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            document.lines[path] = key_node.start_mark.line + 1
            document.fault(path, _("Tên khóa phải là chữ."))
            continue
        key = key_node.value
        here = (*path, key)
        if key in built:
            document.lines[here] = key_node.start_mark.line + 1
            document.fault(here, _("Khóa “%(key)s” bị lặp lại.") % {"key": key})
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
    return Fault(file, mark.line + 1 if mark else 1, _yaml_sentence(problem))


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
        "expected ',' or ']', but got": _("Thiếu dấu phẩy hoặc dấu đóng ngoặc vuông."),
        "expected ',' or '}', but got": _("Thiếu dấu phẩy hoặc dấu đóng ngoặc nhọn."),
    }
    for start, sentence in sentences.items():
        if problem.startswith(start):
            return sentence
    return _("Không đọc được dòng này; hãy kiểm tra thụt dòng, dấu ngoặc và dấu nháy.")
