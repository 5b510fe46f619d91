"""Words as people type them: their spelling, what they leave out, and everyday phrases.

The everyday phrases are a file that staff extend (`fixtures/synonyms.yaml`); it is read
again when it changes. A file that cannot be read is reported, and the last good one serves.
"""

from __future__ import annotations

import itertools
import logging
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import yaml
from django.conf import settings

from procedures.text import fold, normalise

logger = logging.getLogger(__name__)

# Words that half of all procedures have: they rank, but alone they find nothing.
_WEAK = frozenset(
    "giay to dang ki cap phep chung nhan xac lai moi doi nguoi viec ho so don theo thuc hien"
    " quyet dinh so tien".split()
)
_WORD = re.compile(r"[^\W_]+")
_CODE = re.compile(r"\w+(?:[./-]\w+)*")
_FINAL_Y = re.compile(r"(?<=[hklmst])y$")
_TONES = "\u0300\u0301\u0303\u0309\u0323"
_MOST_SKIPPED = 2  # words that may stand inside an everyday phrase


@dataclass(frozen=True)
class Word:
    """One word: as typed, with its tone at the end (`hoà`, `hòa` are one), and folded."""

    typed: str
    accented: str
    folded: str

    @property
    def is_plain(self) -> bool:
        """Whether it has no mark at all, as typed in haste or by nature."""
        return self.accented == self.folded

    @property
    def loose(self) -> str:
        """With hỏi for ngã, which the speech of Quảng Trị does not tell apart."""
        return self.accented.replace("\u0303", "\u0309")

    @property
    def is_filler(self) -> bool:
        """Whether people only wrap it around what they mean."""
        return self.accented in _FILLING or (self.is_plain and self.folded in _FILLING)

    @property
    def is_weak(self) -> bool:
        """Whether it says little about which procedure is meant."""
        return self.folded in _WEAK or self.is_filler


@dataclass(frozen=True)
class Meaning:
    """What an everyday phrase of a query stands for: other words, or certain procedures."""

    said: str
    covered: frozenset[int]
    words: tuple[Word, ...] = ()
    code: str = ""


@dataclass(frozen=True)
class _Phrase:
    words: tuple[Word, ...]
    folded: frozenset[str]
    means: tuple[str, ...]
    codes: tuple[str, ...]


@dataclass
class _Everyday:
    """The staff's file, ready to be looked through: its phrases by their first word."""

    ignored: frozenset[str] = frozenset()
    phrases: dict[str, list[_Phrase]] = field(default_factory=dict)


def words_of(text: str) -> list[Word]:
    """The words of a text; signs part words and are dropped."""
    return [_word(typed) for typed in _WORD.findall(normalise(text).lower())]


def pieces_of(text: str) -> Iterator[tuple[str, Word | None]]:
    """The whole text in order, piece by piece: words, and what stands between them (None)."""
    text, end = normalise(text), 0
    for match in _WORD.finditer(text):
        if match.start() > end:
            yield text[end : match.start()], None
        yield match.group(), _word(match.group().lower())
        end = match.end()
    if end < len(text):
        yield text[end:], None


def codes_of(text: str) -> list[str]:
    """The codes and law numbers in a text, folded: `1.001193`, `60/2014/qh13`."""
    return [code for code in _CODE.findall(fold(text)) if any(char.isdigit() for char in code)]


def pairs_of(words: Iterable[str]) -> list[str]:
    """Neighbours as one term each: most Vietnamese words have two syllables."""
    return [f"{one}_{other}" for one, other in itertools.pairwise(words)]


def whole_of(folded: list[str]) -> str:
    """A whole name as one term, without the "thủ tục" that some names begin with."""
    return "_".join(folded[2:] if folded[:2] == ["thu", "tuc"] else folded)


def without_ignored(words: list[Word]) -> list[Word]:
    """The words without those that the staff's file says to pass over (mô, chi, răng…).

    Only as they are spelt there: `hoi` typed without accents may be "hội" as well.
    """
    ignored = _everyday().ignored
    return [word for word in words if word.accented not in ignored]


def meanings(words: list[Word]) -> list[Meaning]:
    """What the everyday phrases in `words` stand for; the longest phrase at a place wins."""
    has_accents = not all(word.is_plain for word in words)
    found = list(_matches(words, has_accents))
    whole = [row for row in found if not any(row[0] < other[0] for other in found)]
    return [meaning for places, phrase in whole for meaning in _meanings(words, places, phrase)]


def phrases_beginning(words: list[Word]) -> list[str]:
    """The everyday phrases that go on from these words, the last of which may be half a word.

    The shortest first; what people wrap around a phrase (`bố tôi m`) does not count.
    """
    *said, half = words
    before = [word.folded for word in without_ignored(said) if not word.is_filler]
    if not before:
        return []
    going_on = (
        phrase.words
        for phrase in _everyday().phrases.get(before[0], ())
        if len(phrase.words) > len(before)
        and [word.folded for word in phrase.words[: len(before)]] == before
        and phrase.words[len(before)].folded.startswith(half.folded)
    )
    return [" ".join(word.typed for word in phrase) for phrase in sorted(going_on, key=len)]


def _matches(words: list[Word], has_accents: bool) -> Iterator[tuple[frozenset[int], _Phrase]]:
    phrases, there = _everyday().phrases, {word.folded for word in words}
    for start, word in enumerate(words):
        for phrase in phrases.get(word.folded, ()):
            if phrase.folded <= there and (
                places := _places(words, start, phrase.words, has_accents)
            ):
                yield frozenset(places), phrase


def _places(
    words: list[Word], start: int, phrase: tuple[Word, ...], has_accents: bool
) -> list[int]:
    """Where the words of the phrase stand, in order and close together; [] if they do not."""
    places, at = [], start
    for number, wanted in enumerate(phrase):
        last = at + (_MOST_SKIPPED if number else 0)
        while at < len(words) and at <= last and not _fits(words[at], wanted, has_accents):
            at += 1
        if at >= len(words) or at > last:
            return []
        places.append(at)
        at += 1
    return places


def _fits(typed: Word, meant: Word, has_accents: bool) -> bool:
    """Whether the word can be the one meant; without accents anything like it can."""
    if typed.loose == meant.loose:
        return True
    return not has_accents and typed.folded == meant.folded


def _meanings(words: list[Word], places: frozenset[int], phrase: _Phrase) -> Iterator[Meaning]:
    said = " ".join(words[place].typed for place in sorted(places))
    for text in phrase.means:
        yield Meaning(said, places, words=tuple(words_of(text)))
    for code in phrase.codes:
        yield Meaning(said, places, code=code)


@lru_cache(maxsize=20_000)
def _word(typed: str) -> Word:
    decomposed = unicodedata.normalize("NFD", typed)
    marks = "".join(char for char in decomposed if char in _TONES)
    bare = "".join(char for char in decomposed if char not in _TONES)
    accented = _FINAL_Y.sub("i", unicodedata.normalize("NFC", bare)) + marks
    return Word(typed, accented, _FINAL_Y.sub("i", fold(typed).replace(" ", "")))


# What people wrap around what they look for: never demanded of a procedure.
_FILLING = frozenset(
    spelling
    for word in words_of(Path(__file__).with_name("fillers.txt").read_text("utf-8"))
    for spelling in (word.accented, word.folded)
)


# --- The staff's file -----------------------------------------------------------------

_last_good = _Everyday()


def everyday_file() -> Path:
    """Where the staff keep everyday words."""
    return settings.BASE_DIR / "fixtures" / "synonyms.yaml"


def _everyday() -> _Everyday:
    try:
        return _read(everyday_file(), everyday_file().stat().st_mtime_ns)
    except FileNotFoundError:
        return _Everyday()


@lru_cache(maxsize=1)
def _read(path: Path, _changed: int) -> _Everyday:
    global _last_good
    try:
        _last_good = _parsed(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        logger.error("%s cannot be read, the one before stays in use: %s", path.name, error)
    return _last_good


def _parsed(text: str) -> _Everyday:
    # BaseLoader makes texts, lists and mappings, and nothing else.
    content = yaml.load(text, Loader=yaml.BaseLoader) or {}  # noqa: S506
    ignored = frozenset(
        word.accented for said in content.get("ignore", []) for word in words_of(said)
    )
    everyday = _Everyday(ignored)
    groups = content.get("groups", {})
    for entry in content["phrases"]:
        means, codes = tuple(entry.get("means", ())), tuple(entry.get("codes", ()))
        for said in entry["everyday"]:
            for written in _with_groups(said, groups):
                words = tuple(words_of(written))
                everyday.phrases.setdefault(words[0].folded, []).append(
                    _Phrase(words, frozenset(word.folded for word in words), means, codes)
                )
    return everyday


def _with_groups(said: str, groups: dict[str, list[str]]) -> Iterator[str]:
    """`<người thân> mất` once for each member of the group."""
    name = next((name for name in groups if f"<{name}>" in said), None)
    if name is None:
        yield said
        return
    for member in groups[name]:
        yield from _with_groups(said.replace(f"<{name}>", member, 1), groups)
