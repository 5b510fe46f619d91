"""Whether a condition can ever hold, and which parts of a form nobody can reach.

Answers are tried out: every option of a choice, the values around each number or day that
a condition names, and no answer. What cannot be tried (two questions compared with each
other) may be true or false. So "never" is only said where it is certain; where there are
too many cases nothing is said.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from procedures.formspec import conditions
from procedures.formspec.conditions import Node
from procedures.formspec.fields import TYPES, type_of
from procedures.formspec.spec import Field, Form, Section

# An answer that is none of those which any condition names.
OTHER = "\x00"
_MOST_TRIES = 4_000
_MOST_OPTIONS = 8


@dataclass(frozen=True)
class Asked:
    """One question of a form: where it stands, and the conditions under which it is asked."""

    path: str
    spec: Field
    section: Section
    whens: tuple[str, ...]
    is_optional: bool


def questions(form: Form) -> dict[str, Asked]:
    """Every question by its path, with the conditions of all that is around it."""
    return {
        asked.path: asked
        for section in form.sections
        for asked in _questions(section.fields, section, f"{section.id}.", _given(section.when))
    }


def _questions(
    fields: list[Field], section: Section, before: str, whens: tuple[str, ...]
) -> Iterator[Asked]:
    for spec in fields:
        around = (*whens, *_given(spec.when))
        if spec.type == "group":
            yield from _questions(spec.fields, section, f"{before}{spec.id}.", around)
        else:
            is_optional = spec.optional or not type_of(spec).is_answered
            yield Asked(f"{before}{spec.id}", spec, section, around, is_optional)


def _given(when: str | None) -> tuple[str, ...]:
    return (when,) if when else ()


def can_hold(form: Form, whens: tuple[str, ...], *, inside: str = "") -> bool:
    """Whether complete answers to `form` exist that meet all of `whens` together.

    `inside` is the section in which the conditions stand: only there does a repeated
    section have one answer. True also where that is not certain.
    """
    return _Search(questions(form), inside).finds(whens)


def can_hold_alone(form: Form, when: str, *, inside: str = "") -> bool:
    """Whether a condition can hold for any answers at all, asked or not."""
    return _Search(questions(form), inside, follows=False).finds((when,))


class _TooManyCases(Exception):
    """Not every case can be tried."""


# --- The search -----------------------------------------------------------------------


class _Search:
    """Tries answers until all constraints hold; three-valued, so that a branch ends early."""

    def __init__(self, known: dict[str, Asked], inside: str, *, follows: bool = True):
        self.known, self.inside, self.follows = known, inside, follows
        self.tries = 0

    def finds(self, whens: tuple[str, ...]) -> bool:
        constraints = [conditions.parse(when) for when in whens]
        asked = self._with_those_behind(constraints)
        if self.follows:
            constraints += [_only_when_asked(row) for row in asked]
        try:
            return self._search(list(self._variables(constraints).items()), {}, constraints)
        except _TooManyCases:
            return True

    def _with_those_behind(self, constraints: list[Node]) -> list[Asked]:
        """The questions that the constraints ask about, and those which those depend on."""
        paths = {path for node in constraints for path in _paths(node)}
        found: dict[str, Asked] = {}
        while paths:
            path = paths.pop()
            row = self.known.get(path)
            if row is None or path in found or self._is_row(row):
                continue
            found[path] = row
            paths |= {inner for when in row.whens for inner in conditions.paths(when)}
        return list(found.values())

    def _is_row(self, row: Asked) -> bool:
        """Whether it stands in a repeated section, which from outside has no one answer."""
        return bool(row.section.repeat) and row.section.id != self.inside

    def _variables(self, constraints: list[Node]) -> dict[str, list[Any]]:
        named: dict[str, list[str]] = {}
        for node in constraints:
            for compare in _compares(node):
                name = _variable(compare)
                words = [part.text for part in compare.parts if part.kind == "literal"]
                if name:
                    named.setdefault(name, []).extend(words)
        for path in sorted({path for node in constraints for path in _paths(node)}):
            named.setdefault(path, [])
        return {name: self._domain(name, words) for name, words in named.items()}

    def _domain(self, name: str, words: list[str]) -> list[Any]:
        if name.startswith("?"):
            return [True, False]
        if "(" in name:
            return [*_around(words), None]
        row = self.known.get(name)
        if row is None or self._is_row(row):
            return [None]
        return [*_answers(row.spec, words), None]

    def _search(self, left: list, answers: dict[str, Any], constraints: list[Node]) -> bool:
        self.tries += 1
        if self.tries > _MOST_TRIES:
            raise _TooManyCases
        verdicts = [_truth(node, answers) for node in constraints]
        if False in verdicts:
            return False
        if None not in verdicts:
            return True
        (name, domain), *others = left
        return any(self._search(others, {**answers, name: value}, constraints) for value in domain)


def _only_when_asked(row: Asked) -> Node:
    """A question has an answer only when it is asked; then it has one, unless it is optional."""
    answered = Node("answered", text=row.path)
    if not row.whens:
        return Node("or", (answered, Node("fact", text="yes" if row.is_optional else "")))
    is_asked = Node("and", tuple(conditions.parse(when) for when in row.whens))
    not_without = Node("or", (Node("not", (answered,)), is_asked))
    if row.is_optional:
        return not_without
    return Node("and", (not_without, Node("or", (answered, Node("not", (is_asked,))))))


def _truth(node: Node, answers: dict[str, Any]) -> bool | None:
    """Kleene's logic: None where the answers so far do not decide."""
    if node.kind in {"or", "and"}:
        decisive = node.kind == "or"
        found = [_truth(part, answers) for part in node.parts]
        if decisive in found:
            return decisive
        return None if None in found else not decisive
    if node.kind == "not":
        inner = _truth(node.parts[0], answers)
        return None if inner is None else not inner
    if node.kind == "fact":
        return bool(node.text)
    if node.kind == "answered":
        return answers[node.text] is not None if node.text in answers else None
    return _compared(node, answers)


def _compared(node: Node, answers: dict[str, Any]) -> bool | None:
    name = _variable(node)
    if not name:
        left, right = (part.text for part in node.parts)
        return conditions.compare(left, node.text, right)
    if name not in answers:
        return None
    if name.startswith("?"):
        return answers[name]
    paths = list(_paths(node))
    if any(path not in answers for path in paths):
        return None
    # A function of a day that was not given gives nothing.
    value = None if any(answers[path] is None for path in paths) else answers[name]
    left, right = (part.text if part.kind == "literal" else value for part in node.parts)
    return conditions.compare(left, node.text, right)


def _variable(compare: Node) -> str:
    """What a comparison turns on: a question, a function, or (`?…`) just the comparison."""
    kinds = {part.kind for part in compare.parts}
    other = next((part for part in compare.parts if part.kind != "literal"), None)
    if other is None:
        return ""
    if kinds == {"path", "literal"}:
        return other.text
    if kinds == {"call", "literal"}:
        return _written(other)
    return "?" + _written(compare)


def _written(node: Node) -> str:
    if node.kind in {"path", "literal", "filed"}:
        return node.text
    return f"{node.text}({', '.join(_written(part) for part in node.parts)})"


def _compares(node: Node) -> Iterator[Node]:
    if node.kind == "compare":
        yield node
    for part in node.parts:
        yield from _compares(part)


def _paths(node: Node) -> Iterator[str]:
    if node.kind in {"path", "answered"}:
        yield node.text
    for part in node.parts:
        yield from _paths(part)


# --- The answers worth trying ---------------------------------------------------------


def _answers(spec: Field, words: list[str]) -> list[Any]:
    kind = type_of(spec)
    if spec.type == "choices":
        return _selections(list(kind.options(spec)), words)
    if hasattr(kind, "options"):
        options = list(kind.options(spec))
        named = [word for word in options if word in words]
        others = [word for word in options if word not in words]
        return [*named, *others[:1]]
    if spec.type == "declaration":
        return ["yes"]
    if isinstance(kind, type(TYPES["number"])):
        return _numbers(spec, words)
    if spec.type == "date":
        return _days(spec, words)
    return [*dict.fromkeys(words), *map(str, _around(words)), OTHER]


def _selections(options: list[str], words: list[str]) -> list[list[str]]:
    named = [word for word in options if word in words]
    others = [word for word in options if word not in words][:1]
    if len(named) > _MOST_OPTIONS:
        raise _TooManyCases
    tried = [*named, *others]
    return [
        list(chosen) for size in range(1, len(tried) + 1) for chosen in combinations(tried, size)
    ]


def _number_of(word: str | None) -> int | None:
    try:
        return int(float(word)) if word else None
    except (ValueError, OverflowError):
        return None


def _around(words: list[str]) -> list[int]:
    """Whole numbers at, just below and just above each that is named."""
    numbers = {number for word in words if (number := _number_of(word)) is not None}
    return sorted({number + step for number in numbers for step in (-1, 0, 1)} | {0})


def _numbers(spec: Field, words: list[str]) -> list[int]:
    low, high = _number_of(spec.min), _number_of(spec.max)
    low = max(low or 0, 0)
    tried = {*_around(words), low, *([high] if high is not None else [])}
    return sorted(n for n in tried if n >= low and (high is None or n <= high))


def _days(spec: Field, words: list[str]) -> list[str]:
    named = {day for word in words if (day := _day(word))}
    one = datetime.timedelta(days=1)
    tried = {day + one * step for day in named for step in (-1, 0, 1)}
    tried |= {datetime.date(1990, 1, 1)}
    return [day.isoformat() for day in sorted(tried)]


def _day(word: str) -> datetime.date | None:
    try:
        day = datetime.date.fromisoformat(word)
    except ValueError:
        return None
    return day if 1 < day.year < 9999 else None
