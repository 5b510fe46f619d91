"""The small language of `when`: `a.b = x and days_between(be.ngay_sinh, filed) > 60`.

    expression := conjunction ("or" conjunction)*
    conjunction := negation ("and" negation)*
    negation   := "not" negation | "(" expression ")" | operand OP operand
    OP         := "=" | "!=" | ">" | ">=" | "<" | "<="
    operand    := path | number | word | "quoted text" | days_between(a, b) | age(a)

A path has a dot (`section.field`); `filed` is the day of filing. A question that was not
answered makes every comparison false, save `!=`. A date of which the day or the month is
unknown makes a comparison true only if it is true for every day that it may be. Nothing
else can be said: no attribute, no call of anything but the two functions, so a definition
cannot do harm.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from django.utils import timezone
from django.utils.translation import gettext as _

from procedures.formspec import days
from procedures.formspec.spec import NO_WORDS, YES_WORDS

_TOKEN = re.compile(
    r"""\s*(?:(?P<op><=|>=|!=|=|<|>)|(?P<mark>[(),])|"(?P<quoted>[^"]*)"|(?P<word>[^\s()=!<>,"]+))"""
)
_FUNCTIONS = {"days_between": 2, "age": 1}
_WHOLE_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# An expression deeper than any that a person writes would exhaust Python's stack.
_DEEPEST = 40


class ConditionError(ValueError):
    """The text is not an expression of this language; the message is for the writer."""


@dataclass(frozen=True)
class Node:
    """A part of an expression: `kind` says which, `parts` are its operands."""

    kind: str  # or, and, not, compare, path, literal, call, filed
    parts: tuple = ()
    text: str = ""


class Between(NamedTuple):
    """A number of which only the bounds are known, both among what it may be."""

    low: float
    high: float


class _Parser:
    def __init__(self, text: str):
        self.tokens: list[tuple[str, str]] = []
        position = 0
        text = text.strip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise ConditionError(_("không hiểu “%(text)s”") % {"text": text[position:]})
            kind = match.lastgroup or ""
            self.tokens.append((kind, match.group(kind)))
            position = match.end()
        self.index = 0
        self.depth = 0

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.index] if self.index < len(self.tokens) else ("end", "")

    def take(self) -> tuple[str, str]:
        token = self.peek()
        self.index += 1
        return token

    def expect(self, value: str) -> None:
        if self.take()[1] != value:
            raise ConditionError(_("thiếu “%(mark)s”") % {"mark": value})

    def joined(self, word: str, inner) -> Node:
        parts = [inner()]
        while self.peek() == ("word", word):
            self.take()
            parts.append(inner())
        return parts[0] if len(parts) == 1 else Node(word, tuple(parts))

    def expression(self) -> Node:
        return self.joined("or", lambda: self.joined("and", self.negation))

    def negation(self) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ConditionError(_("điều kiện lồng nhau quá nhiều lớp"))
        try:
            return self.single()
        finally:
            self.depth -= 1

    def single(self) -> Node:
        if self.peek() == ("word", "not"):
            self.take()
            return Node("not", (self.negation(),))
        if self.peek() == ("mark", "("):
            self.take()
            node = self.expression()
            self.expect(")")
            return node
        left = self.operand()
        kind, operator = self.take()
        if kind != "op":
            raise ConditionError(
                _("thiếu dấu so sánh (=, !=, >, <) sau “%(text)s”") % {"text": left.text}
            )
        return Node("compare", (left, self.operand()), operator)

    def operand(self) -> Node:
        kind, value = self.take()
        if kind == "quoted":
            return Node("literal", text=value)
        if kind != "word":
            raise ConditionError(_("thiếu một vế của phép so sánh"))
        if self.peek() == ("mark", "("):
            return self.call(value)
        if value == "filed":
            return Node("filed", text=value)
        if re.fullmatch(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)+", value):
            return Node("path", text=value)
        return Node("literal", text=_canonical(value))

    def call(self, name: str) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ConditionError(_("điều kiện lồng nhau quá nhiều lớp"))
        if name not in _FUNCTIONS:
            raise ConditionError(_("không có hàm “%(name)s”") % {"name": name})
        self.expect("(")
        arguments = [self.operand()]
        while self.peek() == ("mark", ","):
            self.take()
            arguments.append(self.operand())
        self.expect(")")
        if len(arguments) != _FUNCTIONS[name]:
            raise ConditionError(
                _("hàm %(name)s cần %(count)d giá trị") % {"name": name, "count": _FUNCTIONS[name]}
            )
        self.depth -= 1
        return Node("call", tuple(arguments), name)


def _canonical(word: str) -> str:
    """One spelling of yes and no, whichever the writer used."""
    if word.lower() in YES_WORDS:
        return "yes"
    if word.lower() in NO_WORDS:
        return "no"
    return word


@lru_cache(maxsize=4096)
def parse(text: str) -> Node:
    """The expression in `text`; raises `ConditionError` with a sentence for its writer."""
    parser = _Parser(text)
    node = parser.expression()
    if parser.peek()[0] != "end":
        raise ConditionError(_("thừa “%(text)s”") % {"text": parser.peek()[1]})
    return node


def paths(text: str) -> Iterator[str]:
    """Every question that the expression asks about, as dotted paths."""
    if text:
        yield from _paths(parse(text))


def _paths(whole: Node) -> Iterator[str]:
    stack = [whole]
    while stack:
        node = stack.pop()
        if node.kind == "path":
            yield node.text
        stack.extend(node.parts)


def compared(text: str) -> Iterator[tuple[str, str, str]]:
    """Every (path, operator, word) of the expression, whichever side the word stands on."""
    stack = [parse(text)] if text else []
    while stack:
        node = stack.pop()
        kinds = [part.kind for part in node.parts]
        if kinds == ["path", "literal"]:
            yield node.parts[0].text, node.text, node.parts[1].text
        elif kinds == ["literal", "path"]:
            yield node.parts[1].text, node.text, node.parts[0].text
        stack.extend(node.parts)


def lookup(answers: Mapping[str, Any], path: str) -> Any:
    """The answer at `path`, or None; a repeated section has no single answer."""
    value: Any = answers
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def holds(text: str, answers: Mapping[str, Any], *, filed: datetime.datetime | None = None) -> bool:
    """Whether the expression is true of these answers; an empty one always is.

    `filed` is the moment of filing (now, for a draft). Dates are ISO strings in answers.
    """
    if not text:
        return True
    moment = timezone.localtime(filed or timezone.now())
    return _truth(parse(text), answers, moment.date())


def verdict(
    text: str,
    answers: Mapping[str, Any],
    is_open: Callable[[str], bool],
    *,
    filed: datetime.datetime | None = None,
) -> bool | None:
    """What `holds` will say once the open questions are answered; None where they decide.

    `is_open` says of a path whether it may still be answered. The logic is Kleene's: what
    is true (false) here stays so however the open questions are answered.
    """
    if not text:
        return True
    moment = timezone.localtime(filed or timezone.now())
    return _verdict(parse(text), answers, is_open, moment.date())


def _verdict(
    node: Node, answers: Mapping[str, Any], is_open: Callable[[str], bool], filed: datetime.date
) -> bool | None:
    if node.kind in {"or", "and"}:
        decisive = node.kind == "or"
        found = [_verdict(part, answers, is_open, filed) for part in node.parts]
        if decisive in found:
            return decisive
        return None if None in found else not decisive
    if node.kind == "not":
        inner = _verdict(node.parts[0], answers, is_open, filed)
        return None if inner is None else not inner
    if any(is_open(path) for path in _paths(node)):
        return None
    return _truth(node, answers, filed)


def _truth(node: Node, answers: Mapping[str, Any], filed: datetime.date) -> bool:
    if node.kind == "or":
        return any(_truth(part, answers, filed) for part in node.parts)
    if node.kind == "and":
        return all(_truth(part, answers, filed) for part in node.parts)
    if node.kind == "not":
        return not _truth(node.parts[0], answers, filed)
    left, right = (_value(part, answers, filed) for part in node.parts)
    return compare(left, node.text, right)


def compare(left: Any, operator: str, right: Any) -> bool:
    """Whether two values stand to each other as `operator` says; never raises.

    None and "" are no answer: every comparison with them is false, save `!=`.
    """
    if operator == "!=":
        return not compare(left, "=", right)
    if left in (None, "") or right in (None, ""):
        return False
    if operator == "=":
        if isinstance(left, list):
            return str(right) in left
        return str(left) == str(right)
    one, other = _bounds(left, right), _bounds(right, left)
    if one is None or other is None:
        return False
    return {
        ">": one.low > other.high,
        ">=": one.low >= other.high,
        "<": one.high < other.low,
        "<=": one.high <= other.low,
    }[operator]


def _bounds(value: Any, beside: Any) -> Between | None:
    """What a value may be as a number; `1985` is a year where a day stands beside it."""
    if isinstance(value, Between):
        return value
    if _is_day(beside):
        return _days(value)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return _days(value)
    return Between(number, number)


def _is_day(value: Any) -> bool:
    return isinstance(value, datetime.date) or bool(_WHOLE_DAY.fullmatch(str(value)))


def _days(value: Any) -> Between | None:
    """The first and the last day that a date, or what is known of one, may be; as ordinals."""
    if isinstance(value, datetime.date):
        return Between(value.toordinal(), value.toordinal())
    try:
        first, last = days.span(str(value))
    except ValueError:
        return None
    return Between(first.toordinal(), last.toordinal())


def _value(node: Node, answers: Mapping[str, Any], filed: datetime.date) -> Any:
    if node.kind == "path":
        return lookup(answers, node.text)
    if node.kind == "filed":
        return filed
    if node.kind == "call":
        spans = [_days(_value(part, answers, filed)) for part in node.parts]
        return None if None in spans else _called(node.text, spans, filed)
    return node.text


def _called(name: str, spans: list[Between], filed: datetime.date) -> int | Between:
    """An age in whole years, or the days from one day to another."""
    if name == "age":
        low, high = _age(spans[0].high, filed), _age(spans[0].low, filed)
    else:
        low, high = spans[1].low - spans[0].high, spans[1].high - spans[0].low
    return low if low == high else Between(low, high)


def _age(born: float, filed: datetime.date) -> int:
    day = datetime.date.fromordinal(int(born))
    return filed.year - day.year - ((filed.month, filed.day) < (day.month, day.day))


def as_data(text: str, *, here: str = "", answers: Mapping[str, Any] | None = None) -> list | None:
    """The expression as nested lists for the little script that shows and hides at once.

    `["compare", "=", ["path", "a.b"], ["literal", "x"]]`; functions are `["call", name, …]`,
    the day of filing is today as a literal; None for an empty expression. With `here` (a
    section) and `answers`, what turns on other sections alone is worked out already
    (`["fact", "yes"]` or `["fact", ""]`), and their answers stand where they are compared.
    """
    if not text:
        return None
    return _node_data(parse(text), here, answers, timezone.localdate())


def _node_data(
    node: Node, here: str, answers: Mapping[str, Any] | None, today: datetime.date
) -> list:
    if node.kind == "filed":
        return ["literal", today.isoformat()]
    is_elsewhere = answers is not None and not _is_asked_in(node, here)
    if node.kind == "path":
        answer = lookup(answers, node.text) if is_elsewhere else None
        is_known = is_elsewhere and not isinstance(answer, list | Mapping)
        return ["literal", "" if answer is None else str(answer)] if is_known else _leaf(node)
    if node.kind == "literal":
        return _leaf(node)
    if is_elsewhere and node.kind != "call":
        return ["fact", "yes" if _truth(node, answers, today) else ""]
    return [node.kind, node.text, *(_node_data(part, here, answers, today) for part in node.parts)]


def _is_asked_in(node: Node, section: str) -> bool:
    return any(path.startswith(f"{section}.") for path in _paths(node))


def _leaf(node: Node) -> list:
    return [node.kind, node.text]
