"""From what somebody typed to the procedures that are meant, the best first.

Queries are built from words, never by the query parser, which raises on quotes and
operators. The engine finds and scores; what is near to people goes first among what
matches about as well (`facets.weight_of`).
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass, field

import tantivy

from procedures.search.indexing import Catalogue
from procedures.search.wording import (
    Meaning,
    Word,
    codes_of,
    meanings,
    pairs_of,
    whole_of,
    without_ignored,
    words_of,
)
from procedures.text import normalise

_MAX_LETTERS, _MAX_WORDS, _MAX_CODES = 300, 16, 4
_CANDIDATES = 300
# What scores less than this share of the best is chance.
_WORST_SHARE = 0.3
# What a code or a law's number counts, and a procedure that an everyday phrase names.
_NUMBER_SCORE, _CODE_SCORE = 80.0, 18.0
_LETTERS = string.ascii_lowercase

Query = tantivy.Query
_SHOULD, _MUST = tantivy.Occur.Should, tantivy.Occur.Must


@dataclass
class Answer:
    """What was found for a query, and how it was understood."""

    pks: list[int] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    corrected: dict[str, str] = field(default_factory=dict)  # folded: typed, meant
    meanings: list[Meaning] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    shown: dict[int, tantivy.DocAddress] = field(default_factory=dict)
    searcher: tantivy.Searcher | None = None

    @property
    def telling_words(self) -> list[Word]:
        """The words, slips put right, without what people wrap around them."""
        words = [_meant(word, self.corrected) for word in self.words]
        words = without_ignored(words) or words
        return [word for word in words if not word.is_filler] or words


def ask(text: str, catalogue: Catalogue | None, limit: int = 200) -> Answer:
    """At most `limit` procedures for what people type; nothing rather than noise.

    With or without accents, with slips, a procedure's code, a law's number, signs and
    operators (which mean nothing). A query without a word finds nothing.
    """
    text = normalise(text)[:_MAX_LETTERS]
    words = words_of(text)[:_MAX_WORDS]
    answer = Answer(words=words, codes=codes_of(text)[:_MAX_CODES])
    if catalogue is None or not words or limit <= 0:
        return answer
    wanted = without_ignored(words) or words
    answer.corrected = _corrections(wanted, catalogue)
    meant = [_meant(word, answer.corrected) for word in wanted]
    answer.meanings = meanings(meant)
    _find(answer, _spelt(meant, catalogue), catalogue, limit)
    return answer


def _find(answer: Answer, words: list[Word], catalogue: Catalogue, limit: int) -> None:
    searcher, schema = catalogue.index.searcher(), catalogue.index.schema
    query = Query.disjunction_max_query(list(_ways(answer, words, schema)), tie_breaker=0.15)
    hits = searcher.search(query, _CANDIDATES).hits
    pks = searcher.fast_field_values("pk", [address for _score, address in hits])
    scored = sorted(
        (
            (score * catalogue.facets.weight(pk), -catalogue.facets.places[pk], pk, address)
            for (score, address), pk in zip(hits, pks, strict=True)
        ),
        key=lambda row: row[:2],
        reverse=True,
    )
    worst = scored[0][0] * _WORST_SHARE if scored else 0
    kept = [row for row in scored if row[0] >= worst][:limit]
    answer.pks = [pk for _score, _place, pk, _address in kept]
    answer.shown = {pk: address for _score, _place, pk, address in kept}
    answer.searcher = searcher


def _ways(answer: Answer, words: list[Word], schema: tantivy.Schema) -> Iterator[Query]:
    """The ways to understand the query: its words, everyday phrases, codes among them."""
    yield _words_query(words, schema)
    for meaning in answer.meanings:
        yield _meaning_query(meaning, words, schema)
    for code in answer.codes:
        yield Query.const_score_query(Query.term_query(schema, "codes", code), _NUMBER_SCORE)


def _meaning_query(meaning: Meaning, words: list[Word], schema: tantivy.Schema) -> Query:
    """The everyday phrase in the words of procedures; what else was said decides between equals."""
    rest = [
        word
        for place, word in enumerate(words)
        if place not in meaning.covered and not word.is_weak
    ]
    share = len(meaning.covered) / (len(meaning.covered) + len(rest))
    # A long name must not count for more than a short one by its length alone.
    boost = (0.8 + 1.2 * share) * min(1.0, 5 / max(1, len(meaning.words)))
    if meaning.code:
        code = Query.term_query(schema, "codes", meaning.code)
        needed = Query.const_score_query(code, _CODE_SCORE)
    else:
        needed = _words_query(list(meaning.words), schema, all_of_them=True)
    more = [Query.boost_query(_word_query(word, schema), 0.5) for word in rest]
    query = Query.boolean_query([(_MUST, needed), *((_SHOULD, other) for other in more)])
    return Query.boost_query(query, boost)


def _words_query(words: list[Word], schema: tantivy.Schema, *, all_of_them: bool = False) -> Query:
    """Most of the words that say something, and better still neighbours and whole names."""
    said = [word for word in words if not word.is_filler] or words
    strong = [word for word in said if not word.is_weak] or said
    weak = [word for word in said if word not in strong]
    matched = _in_names(strong, schema, needed=_needed(len(strong), all_of_them=all_of_them))
    if not all_of_them:
        matched = _or_anywhere(matched, strong, said, schema)
    nearer = [Query.boost_query(_word_query(word, schema), 0.4) for word in weak]
    nearer += _pair_queries(words, schema)
    if len(said) != len(words):
        nearer += _pair_queries(said, schema)
    whole = Query.term_query(schema, "wholes", whole_of([word.folded for word in words]))
    nearer.append(Query.boost_query(whole, 2.0))
    return Query.boolean_query([(_MUST, matched), *((_SHOULD, query) for query in nearer)])


def _in_names(words: list[Word], schema: tantivy.Schema, *, needed: int) -> Query:
    return Query.boolean_query(
        [(_SHOULD, _name_query(word, schema)) for word in words],
        minimum_number_should_match=needed,
    )


def _or_anywhere(
    in_names: Query, words: list[Word], said: list[Word], schema: tantivy.Schema
) -> Query:
    """Enough of the words in the names, or all of them in the procedure with two side by side.

    A few common words scattered over the papers of a long procedure are chance.
    """
    all_there = [(_MUST, _word_query(word, schema)) for word in words]
    near = [
        (_SHOULD, Query.const_score_query(Query.term_query(schema, "all_pairs", pair), 0.1))
        for pair in pairs_of([word.accented for word in said])
    ]
    if near:
        all_there.append((_MUST, Query.boolean_query(near)))
    return Query.disjunction_max_query([in_names, Query.boolean_query(all_there)], tie_breaker=0.0)


def _needed(count: int, *, all_of_them: bool) -> int:
    """How many of the words a procedure must have at least."""
    if all_of_them:
        return -(-count * 4 // 5)
    return count if count <= 2 else -(-count * 3 // 5)


def _word_query(word: Word, schema: tantivy.Schema) -> Query:
    """One word in a name, or for less in the rest of the procedure."""
    elsewhere = Query.boost_query(Query.term_query(schema, "texts", word.folded), 0.25)
    return Query.disjunction_max_query([_name_query(word, schema), elsewhere])


def _name_query(word: Word, schema: tantivy.Schema) -> Query:
    """One word in a name, as it was typed: with its accents, or any where it has none."""
    if word.is_plain:
        return Query.term_query(schema, "names", word.folded)
    return Query.term_query(schema, "exact", word.accented)


def _pair_queries(words: list[Word], schema: tantivy.Schema) -> list[Query]:
    folded = pairs_of([word.folded for word in words])
    accented = pairs_of([word.accented for word in words])
    queries = []
    for plain, exact in zip(folded, accented, strict=True):
        if plain == exact:
            queries.append(Query.term_query(schema, "pairs", plain))
            continue
        ways = [
            Query.boost_query(Query.term_query(schema, "pairs", plain), 0.6),
            Query.term_query(schema, "exact_pairs", exact),
        ]
        queries.append(Query.disjunction_max_query(ways))
    return queries


# --- Slips ----------------------------------------------------------------------------


def _spelt(words: list[Word], catalogue: Catalogue) -> list[Word]:
    """The words, without the accents that no name has but for a slip: `khái sinh`.

    A slip is a word that without its accents stands beside its neighbour somewhere; other
    unknown words stay what they are, and find nothing.
    """
    searcher = catalogue.index.searcher()
    spelt = []
    for place, word in enumerate(words):
        pairs = pairs_of([other.folded for other in words[max(0, place - 1) : place + 2]])
        is_slip = (
            not word.is_plain
            and not searcher.doc_freq("exact", word.accented)
            and (len(words) == 1 or any(searcher.doc_freq("pairs", pair) for pair in pairs))
        )
        spelt.append(Word(word.typed, word.folded, word.folded) if is_slip else word)
    return spelt


def _corrections(words: list[Word], catalogue: Catalogue) -> dict[str, str]:
    """Unknown words, folded, and what they most likely are: one letter wrong at most.

    Of several likely words the one is taken that stands beside a neighbour somewhere, else
    the one that most procedures have.
    """
    searcher = catalogue.index.searcher()
    corrections = {}
    for place, word in enumerate(words):
        if not _may_be_slip(word, catalogue, searcher):
            continue
        likely = [like for like in _likes(word.folded) if like in catalogue.vocabulary]
        around = [words[at].folded for at in (place - 1, place + 1) if 0 <= at < len(words)]
        ranked = [(*_likeliness(like, around, catalogue, searcher), like) for like in likely]
        beside, _count, best = max(ranked, default=(0, 0, ""))
        # Three letters alone are as near to everything else as to what was meant.
        if best and (beside or len(word.folded) > 3):
            corrections[word.folded] = best
    return corrections


def _may_be_slip(word: Word, catalogue: Catalogue, searcher: tantivy.Searcher) -> bool:
    # A short word with its accents was typed with care.
    if (
        len(word.folded) < (3 if word.is_plain else 4)
        or not word.folded.isalpha()
        or word.folded in catalogue.vocabulary
    ):
        return False
    return not word.is_filler and not searcher.doc_freq("texts", word.folded)


def _likeliness(
    like: str, around: list[str], catalogue: Catalogue, searcher: tantivy.Searcher
) -> tuple[int, int]:
    pairs = [f"{neighbour}_{like}" for neighbour in around]
    pairs += [f"{like}_{neighbour}" for neighbour in around]
    beside = max((searcher.doc_freq("pairs", pair) for pair in pairs), default=0)
    return beside, catalogue.vocabulary[like]


def _likes(typed: str) -> Iterator[str]:
    """Every word from which one letter was left out, added, changed, or swapped."""
    for at in range(len(typed) + 1):
        head, tail = typed[:at], typed[at:]
        if tail:
            yield head + tail[1:]
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        for letter in _LETTERS:
            yield head + letter + tail
            if tail:
                yield head + letter + tail[1:]


def _meant(word: Word, corrections: dict[str, str]) -> Word:
    meant = corrections.get(word.folded)
    return words_of(meant)[0] if meant else word
