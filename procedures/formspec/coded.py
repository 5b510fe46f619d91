"""Long coded lists in which people search: a code and a name to each entry.

A list is a file in `codedlists/`, a line each: the code, a tab, the name.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from procedures.text import fold

_FOLDER = Path(__file__).parent / "codedlists"
MOST_SUGGESTIONS = 20
# More than these words tell nothing that fewer do not.
_MOST_WORDS = 12


class Entry(NamedTuple):
    """One entry of a list."""

    code: str
    name: str

    def __str__(self) -> str:
        return f"{self.code} – {self.name}"


@lru_cache(maxsize=8)
def entries(list_name: str) -> dict[str, Entry]:
    """Every entry of a list by its code, in the order of the list."""
    if not re.fullmatch("[a-z_]+", list_name):
        return {}
    text = (_FOLDER / f"{list_name}.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t", 1) for line in text.splitlines() if line and line[0] != "#")
    return {code: Entry(code, name.strip()) for code, name in rows}


@lru_cache(maxsize=8)
def _folded(list_name: str) -> dict[str, Entry]:
    return {fold(entry.name): entry for entry in entries(list_name).values()}


def find(list_name: str, text: str) -> list[Entry]:
    """The entries that a typed text can mean: its code, its name, or words of its name.

    A code wins over a name, a whole name over words, words with their accents over words
    without; case does not matter.
    """
    code = re.match(r"\s*([0-9A-Z]{1,10})(?:\s|$)", text)
    if code and code[1] in entries(list_name):
        return [entries(list_name)[code[1]]]
    wanted = fold(text[:300])
    if wanted in _folded(list_name):
        return [_folded(list_name)[wanted]]
    words, accented = wanted.split()[:_MOST_WORDS], text[:300].lower().split()[:_MOST_WORDS]
    rows = _folded(list_name)
    return [entry for entry in rows.values() if _has(_words(entry.name.lower()), accented)] or [
        entry for name, entry in rows.items() if _has(_words(name), words)
    ]


def _words(name: str) -> set[str]:
    return set(re.findall(r"\w+", name))


def _has(name: set[str], words: list[str]) -> bool:
    return bool(words) and all(word in name for word in words)


def _begins(name: str, words: list[str]) -> bool:
    return bool(words) and all(f" {word}" in f" {name}" for word in words)


def suggestions(list_name: str, text: str) -> list[Entry]:
    """What to offer for a typed text: what it can mean, else what has words that begin so."""
    words = fold(text[:300]).split()[:_MOST_WORDS]
    begun = (entry for name, entry in _folded(list_name).items() if _begins(name, words))
    return (find(list_name, text) or list(begun))[:MOST_SUGGESTIONS]
