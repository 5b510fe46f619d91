"""While somebody types: the last word is half a word, and stands for what it may become."""

from __future__ import annotations

import re
from collections.abc import Iterator

from procedures.search.asking import Answer, ask
from procedures.search.indexing import Catalogue
from procedures.search.wording import phrases_beginning, words_of
from procedures.text import normalise

_LONGEST = 120
# How many words, phrases or codes one half is taken for.
_GUESSES = 3


def ask_halfway(text: str, catalogue: Catalogue | None, limit: int) -> Answer:
    """What `text` finds, or else what it finds once its last word is complete.

    `giấy khai s` finds what `giấy khai sinh` finds: an everyday phrase that goes on like
    this comes first, then the words that follow the one before in names, then the text
    without its last half.
    """
    text = normalise(text)[:_LONGEST].strip()
    answer = ask(text, catalogue, limit)
    if answer.pks or catalogue is None:
        return answer
    found = (ask(whole, catalogue, limit) for whole in _completed(text, catalogue))
    return next((better for better in found if better.pks), answer)


def _completed(text: str, catalogue: Catalogue) -> Iterator[str]:
    searcher = catalogue.index.searcher()
    if re.fullmatch(r"\d\.\d+", text):
        yield " ".join(sorted(code for code, _ in searcher.terms_with_prefix("codes", text))[:4])
        return
    *before, half = words_of(text) or [None]
    if half is None:
        return
    head = text[: text.rfind(half.typed)]
    yield from phrases_beginning([*before, half])[:_GUESSES]
    if not before:
        words = searcher.terms_with_prefix("names", half.folded)
    else:
        start = f"{before[-1].folded}_"
        pairs = searcher.terms_with_prefix("pairs", start + half.folded)
        words = [(pair.removeprefix(start), count) for pair, count in pairs]
    likely = sorted(words, key=lambda row: (-row[1], row[0]))[:_GUESSES]
    yield from (head + word for word, _count in likely)
    if before:
        yield head
