"""Mending a line that YAML cannot read, so that its writer is shown the line as it should be.

A repair is only proposed after the reader has got further with it than without.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import yaml
from django.utils.translation import gettext as _

from procedures.loading.schema import known_keys

# What word processors make of a hyphen at the beginning of a line.
_DASHES = "–—−•·"
_CURLY = re.compile(r"""(?<=[:\-\[{,]\s)[“”„"]([^“”„"]*)[“”„"](?=\s*(?:$|[,}\]#]))""")
_CURLY_SINGLE = re.compile(r"(?<=[:\-\[{,]\s)[‘’]([^‘’\"]*)[‘’](?=\s*(?:$|[,}\]#]))")
_KEY_AND_VALUE = re.compile(r"^(\s*(?:- )*[^\W\d]\w*:\s+)(\S.*)$")
_BRACKETS = re.compile(r"""\[([^\[\]{}"']*)\]""")
_IN_BRACES = re.compile(r"""(\w+: +)([^,{}\[\]"'\s][^,{}\[\]"']*?: [^,{}\[\]"']*?)(?=\s*[,}])""")


# Nobody types a line that long, and patterns take their time over it.
_LONGEST = 2000


class Repair(NamedTuple):
    """One line as it should be (`index` counts from 0), and what was wrong with it."""

    index: int
    text: str
    message: str
    kind: str


def repairs(lines: list[str], error: yaml.MarkedYAMLError) -> Iterator[list[Repair]]:
    """What may be wrong where the reader stopped, the likeliest first.

    Lines are mostly mended one at a time; those that together became one text are not.
    """
    for rule in _RULES:
        for index in _suspects(lines, error):
            for repair in rule(lines, index):
                yield [repair]
        if rule is _no_space:
            yield [repair for index in range(len(lines)) for repair in _no_space(lines, index)]


def _suspects(lines: list[str], error: yaml.MarkedYAMLError) -> list[int]:
    """The lines on which the mistake may be: where it was noticed, begun, and just before."""
    marks = [mark.line for mark in (error.problem_mark, error.context_mark) if mark]
    found = [line for line in marks if line < len(lines) and len(lines[line]) < _LONGEST]
    before = [i for i in range(min(marks, default=0)) if lines[i].strip()]
    last = [i for i in range(len(lines)) if lines[i].strip()] if marks and not found else []
    near = [index for index in (*before[-1:], *last[-1:]) if len(lines[index]) < _LONGEST]
    return list(dict.fromkeys([*found, *near]))


def misread(node: yaml.Node, lines: list[str]) -> Iterator[Repair]:
    """What YAML reads without complaint and otherwise than its writer meant it.

    Lists written with a dash of Word's, and Word's quotation marks around a comma.
    """
    stack, seen = [(node, -1)], set()
    while stack:
        part, key_line = stack.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, yaml.SequenceNode):
            stack += [(item, -1) for item in part.value]
        elif isinstance(part, yaml.MappingNode):
            if part.flow_style:
                yield from _commas(part, lines)
            for key, value in part.value:
                stack += [(key, -2), (value, key.end_mark.line)]
        elif part.style is None:
            is_key = key_line == -2
            if _begins_with_dash(part) and (is_key or -1 < key_line < part.start_mark.line):
                for index in range(part.start_mark.line, part.end_mark.line + 1):
                    yield from _list_mark(lines, index)
            elif is_key and re.search("[“”„]", part.value):
                yield from _curly(lines, part.start_mark.line)


def _commas(part: yaml.MappingNode, lines: list[str]) -> Iterator[Repair]:
    """A text with a comma between braces, which YAML takes for one more key without value.

    One such text of a line at a time: the places after it move.
    """
    start = end = None
    for key, value in part.value:
        if start is not None and _is_rest_of_text(key, value):
            end = key.end_mark
        elif end is not None:
            break
        else:
            is_text = isinstance(value, yaml.ScalarNode) and value.style is None and value.value
            start = value.start_mark if is_text else None
    if start is None or end is None or start.line != end.line:
        return
    line = lines[start.line]
    mended = quoted(line[start.column : end.column])
    yield Repair(
        start.line,
        line[: start.column] + mended + line[end.column :],
        _("Có dấu phẩy giữa câu ở trong ngoặc; hãy đặt cả câu trong dấu nháy kép."),
        "comma",
    )


def _is_rest_of_text(key: yaml.Node, value: yaml.Node) -> bool:
    return (
        isinstance(key, yaml.ScalarNode)
        and key.style is None
        and key.value not in known_keys()
        and not re.search("[“”„]", key.value)
        and isinstance(value, yaml.ScalarNode)
        and value.style is None
        and not value.value
    )


def _begins_with_dash(part: yaml.ScalarNode) -> bool:
    return part.value[:1] in tuple(_DASHES) and part.value[1:2].isspace()


# --- One rule for each mistake --------------------------------------------------------


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _before(lines: list[str], index: int) -> str:
    return next((lines[i] for i in range(index - 1, -1, -1) if lines[i].strip()), "")


def _tab(lines: list[str], index: int) -> Iterator[Repair]:
    line = lines[index]
    head = line[: _indent(line)]
    if "\t" not in head:
        return
    above = _before(lines, index).expandtabs(2)
    after_colon = _indent(above) + (4 if above.lstrip().startswith("- ") else 2)
    widths = [len(head.expandtabs(size)) for size in (2, 4, 8)]
    opens = _without_note(above)[0].endswith(":")
    likely = [after_colon] if opens else [_indent(above)]
    for width in dict.fromkeys([*likely, *widths, _indent(above) + 2, 0]):
        yield Repair(
            index,
            " " * width + line.lstrip(),
            _("Dòng này thụt vào bằng phím Tab; hãy thay bằng dấu cách."),
            "tab",
        )


def _list_mark(lines: list[str], index: int) -> Iterator[Repair]:
    match = re.match(rf"^(\s*)[{_DASHES}*]\s+(\S.*)$", lines[index])
    if match:
        yield Repair(
            index,
            f"{match[1]}- {match[2]}",
            _("Đầu mục phải là dấu gạch ngang ngắn (-) và một dấu cách."),
            "dash",
        )


def _wide_colon(lines: list[str], index: int) -> Iterator[Repair]:
    mended = re.sub(r"(?:(?<=\w)|(?<=\w\s))：\s*", ": ", lines[index])
    if mended != lines[index]:
        yield Repair(
            index,
            re.sub(r"\s+: ", ": ", mended),
            _("Dấu hai chấm ở dòng này là dấu toàn khổ (：); hãy gõ dấu hai chấm thường."),
            "wide colon",
        )


def straight_quotes(line: str) -> str:
    """The line with straight quotation marks where Word's stand around a value."""
    if len(line) >= _LONGEST:
        return line
    mended = _CURLY.sub(lambda match: f'"{match[1]}"', line)
    return _CURLY_SINGLE.sub(lambda match: f'"{match[1]}"', mended)


def _curly(lines: list[str], index: int) -> Iterator[Repair]:
    mended = straight_quotes(lines[index])
    if mended != lines[index]:
        yield Repair(index, mended, curly_message(), "curly quotes")


def curly_message() -> str:
    """What is said of quotation marks that a word processor turned."""
    return _('Dấu nháy cong của Word không dùng được; hãy gõ dấu nháy thẳng (").')


def spaced_colon(line: str) -> str:
    """The line with a space after the colon of its key, or "" where there is one already."""
    match = re.match(r"^(\s*(?:- )*)([a-z][a-z_]*):(?!//)(\S.*)$", line)
    return f"{match[1]}{match[2]}: {match[3]}" if match else ""


def _no_space(lines: list[str], index: int) -> Iterator[Repair]:
    mended = spaced_colon(lines[index])
    if mended:
        yield Repair(index, mended, no_space_message(), "no space")


def no_space_message() -> str:
    """What is said of `name:abc`."""
    return _("Thiếu một dấu cách sau dấu hai chấm.")


def _no_colon(lines: list[str], index: int) -> Iterator[Repair]:
    line = lines[index]
    message = _("Thiếu dấu hai chấm sau tên khóa.")
    match = re.match(r"^(\s*(?:- )*)([a-z][a-z_]*)(?:\s*=\s*|\s+)(\S.*)$", line)
    if match and match[2] in known_keys():
        yield Repair(index, f"{match[1]}{match[2]}: {match[3]}", message, "no colon")
    match = re.match(r"^(\s*(?:- )*)([a-z][a-z_]*)\s*$", line)
    if match:
        yield Repair(index, f"{match[1]}{match[2]}:", message, "no colon")


def quoted(text: str) -> str:
    """A text between quotation marks that keep everything in it."""
    if '"' in text or "\\" in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"'


def quoted_line(line: str) -> str:
    """The line with its whole text between quotation marks, or "" where it has none."""
    match = _KEY_AND_VALUE.match(line)
    match = match or re.match(r"^(\s*(?:- )+)(\S.*)$", line)
    if not match:
        return ""
    text, note = _without_note(match[2])
    return f"{match[1]}{quoted(text)}{note}"


def _without_note(text: str) -> tuple[str, str]:
    found = re.search(r"\s+#.*$", text)
    return (text[: found.start()], found.group()) if found else (text.rstrip(), "")


def _needs_quotes(lines: list[str], index: int) -> Iterator[Repair]:
    line = lines[index]
    mended = _IN_BRACES.sub(lambda match: match[1] + quoted(match[2]), line)
    mended = _BRACKETS.sub(lambda match: f"[{_quoted_items(match[1])}]", mended)
    if mended != line:
        yield Repair(index, mended, colon_message(), "colon")
    match = _KEY_AND_VALUE.match(line)
    if not match or match[2][0] in "|>[{":
        return
    text, _note = _without_note(match[2])
    message = (
        colon_message()
        if re.search(r":(\s|$)", text)
        else _("Câu này có dấu mà YAML hiểu theo nghĩa riêng; hãy đặt cả câu trong dấu nháy.")
    )
    yield Repair(index, quoted_line(line), message, "colon")


def _quoted_items(text: str) -> str:
    return ", ".join(quoted(item) if ": " in item else item for item in text.split(", "))


def colon_message() -> str:
    """What is said of a colon inside a text."""
    return _("Có dấu hai chấm giữa câu; hãy đặt cả câu trong dấu nháy kép.")


def _unclosed(lines: list[str], index: int) -> Iterator[Repair]:
    text, note = _without_note(lines[index])
    for mark in "\"'":
        if text.count(mark) % 2 and re.search(rf"(^|[\s\[{{,]){mark}", text):
            yield Repair(index, f"{text}{mark}{note}", _("Câu này thiếu dấu nháy đóng."), "quote")
    for opening, closing, message in (
        ("[", "]", _("Thiếu dấu phẩy hoặc dấu đóng ngoặc vuông.")),
        ("{", "}", _("Thiếu dấu phẩy hoặc dấu đóng ngoặc nhọn.")),
    ):
        if text.count(opening) > text.count(closing):
            yield Repair(index, f"{text}{closing}{note}", message, "bracket")
            yield Repair(index, f'{text}"{closing}{note}', message, "bracket")


def _indentation(lines: list[str], index: int) -> Iterator[Repair]:
    line, own = lines[index], _indent(lines[index])
    if not re.match(r"^\s*(- )?\w+:(\s|$)|^\s*- ", line):
        return
    above = {width for text in lines[max(0, index - 20) : index] for width in _widths(text)}
    for width in sorted(above - {own}, key=lambda width: abs(width - own)):
        message = _(
            "Dòng này thụt vào không khớp với các dòng cùng cấp; hãy thụt %(count)d dấu cách."
        ) % {"count": width}
        if not width:
            message = _("Dòng này không được thụt vào; hãy viết từ đầu dòng.")
        yield Repair(index, " " * width + line.lstrip(), message, "indent")


def _widths(line: str) -> Iterator[int]:
    """Where a line that belongs beside this one may begin."""
    if line.strip():
        yield _indent(line)
        if line.lstrip().startswith("- "):
            yield _indent(line) + 2


_RULES = (
    _tab,
    _list_mark,
    _wide_colon,
    _curly,
    _no_space,
    _no_colon,
    _unclosed,
    _indentation,
    _needs_quotes,
)
