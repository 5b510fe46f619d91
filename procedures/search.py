"""Search over the published procedures, in an index on disk that each machine keeps.

The index follows the catalogue's version: a random token that `touch_catalogue()` sets in
the publishing transaction. Whoever first sees that this machine has no index for the token
builds one beside the old and swaps it in, under a file lock; the others go on with the
index they have open. A folder is named for its database and its token, so two databases on
one machine never read each other's keys.

Queries are built from words, never by the query parser, which raises on quotes and
operators. A syllable is one word; that two of them stand side by side says more.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise, takewhile
from pathlib import Path

import tantivy
import yaml
from django.conf import settings
from django.db import connection
from django.db.models import F

from procedures.models import CatalogueVersion, Procedure
from procedures.text import fold, normalise

# Changed with the fields below, so that an index of older code is not opened.
_SHAPE = "1"
_MAX_WORDS = 16
_HEAP = 64_000_000  # bytes
# What people wrap around what they look for; it must not be missed in a procedure.
_FILLER = frozenset(
    "thu tuc xin lam cho toi can muon nhu the nao gi o dau di va cua de duoc thi la mot phai"
    " co khi bi may bao nhieu".split()
)
_CODE = re.compile(r"\w+(?:[./-]\w+)*")
_WORD = re.compile(r"[^\W_]+")

Query = tantivy.Query
Words = list[str]

_DATABASE_KEYS = ("HOST", "PORT", "NAME")

# The index that this process has open, for each folder of indexes: its name and itself.
_opened: dict[Path, tuple[str, tantivy.Index]] = {}


def search(query: str, limit: int = 20) -> list[int]:
    """Primary keys of at most `limit` published procedures, the best first.

    Takes whatever people type: with or without accents, with slips, a procedure's code, a
    law's number, signs and operators (which mean nothing). Nothing found is an empty list,
    and so is a query without a word.
    """
    words = _words(normalise(query)[:300])[:_MAX_WORDS]
    index = _index() if words and limit > 0 else None
    if index is None:
        return []
    searcher = index.searcher()
    found = searcher.search(_query(query, words, index.schema, searcher), limit).hits
    return searcher.fast_field_values("pk", [address for _score, address in found])


def touch_catalogue() -> None:
    """Say that the catalogue has changed; called in the transaction that publishes."""
    CatalogueVersion.objects.update_or_create(pk=1, defaults={"token": secrets.token_urlsafe(32)})


def rebuild() -> int:
    """Build this machine's index again, whatever state it is in; return its procedures."""
    if _token() is None:
        touch_catalogue()
    folder = _folder()
    with _locked(folder):
        token = _token()
        _build(folder, token)
        return _open(folder, token).searcher().num_docs


def _index() -> tantivy.Index | None:
    """The index of the catalogue as it is now; None while nothing was ever published."""
    folder, token = _folder(), _token()
    if token is None:
        return None
    name, index = _opened.get(folder, ("", None))
    if name != _name(token):
        fresh = _open(folder, token) or _build_or_wait(folder, has_older=index is not None)
        index = fresh or index
    return index


def _open(folder: Path, token: str) -> tantivy.Index | None:
    """The finished index for `token`, or None where there is none that can be read."""
    name = _name(token)
    try:
        index = tantivy.Index.open(str(folder / name))
    except ValueError:
        return None
    _opened[folder] = (name, index)
    return index


def _build_or_wait(folder: Path, *, has_older: bool) -> tantivy.Index | None:
    """The index, built here or by who was first; None if an older one serves meanwhile."""
    with _locked(folder, wait=not has_older) as is_ours:
        if not is_ours:
            return None
        token = _token()
        fresh = _open(folder, token)
        if fresh is None:
            _build(folder, token)
            fresh = _open(folder, token)
        return fresh


def _build(folder: Path, token: str) -> None:
    """Write a new index and swap it in, under the lock.

    The token was read before the rows, so that an index is never newer by name than by what
    it holds. Older indexes go; who has one open keeps its files until they are closed.
    """
    fresh = Path(tempfile.mkdtemp(prefix="building-", dir=folder))
    index = tantivy.Index(_schema(), path=str(fresh), reuse=False)
    writer = index.writer(_HEAP, 1)
    for document in _documents():
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    outdated = [path for path in folder.iterdir() if path.is_dir() and path != fresh]
    for path in outdated:
        shutil.rmtree(path, ignore_errors=True)
    fresh.rename(folder / _name(token))


@contextmanager
def _locked(folder: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold the folder's lock against every process of this machine; say whether we got it."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield _take(lock, wait=wait)
    finally:
        os.close(lock)


def _take(lock: int, *, wait: bool) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def _folder() -> Path:
    """Where the indexes of this database are, on this machine."""
    parts = (connection.vendor, *(str(connection.settings_dict[key]) for key in _DATABASE_KEYS))
    return Path(settings.SEARCH_DIR) / hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _token() -> str | None:
    return CatalogueVersion.objects.filter(pk=1).values_list("token", flat=True).first()


def _name(token: str) -> str:
    return f"{_SHAPE}-{token}"


# --- What is written ------------------------------------------------------------------


def _schema() -> tantivy.Schema:
    """The fields: key, codes, whole names, names as written, names folded, and the rest."""
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("pk", stored=True, fast=True)
    for field in ("codes", "wholes", "exact", "names", "texts"):
        builder.add_text_field(field, tokenizer_name="whitespace")
    return builder.build()


def _documents() -> Iterator[tantivy.Document]:
    """One document for each procedure in force."""
    procedures = (
        Procedure.objects.filter(current__isnull=False)
        .select_related("current__sector")
        .prefetch_related("current__life_events", "current__documents", "current__legal_bases")
        .annotate(result_name=F("current__definition__result__name"))
        .defer("current__definition")
        .order_by("code")
    )
    for procedure in procedures.iterator(chunk_size=500):
        yield _document(procedure)


def _document(procedure: Procedure) -> tantivy.Document:
    """What is found under a procedure; each name is a value of its own, so that phrases end."""
    revision = procedure.current
    names = [revision.short_name, revision.name, *revision.also_called]
    laws = [law.number for law in revision.legal_bases.all()]
    texts = [
        revision.sector.name,
        revision.summary,
        procedure.result_name or "",
        *(event.name for event in revision.life_events.all()),
        *(paper.name for paper in revision.documents.all()),
    ]
    document = tantivy.Document()
    document.add_unsigned("pk", procedure.pk)
    document.add_text("codes", " ".join([procedure.code, *_law_numbers(laws)]))
    for name in names:
        document.add_text("exact", " ".join(_words(name)))
        document.add_text("names", " ".join(_words(fold(name))))
        document.add_text("wholes", _whole(_words(fold(name))))
    for text in texts:
        document.add_text("texts", " ".join(_words(fold(text))))
    return document


def _law_numbers(laws: Iterable[str]) -> set[str]:
    """`123/2015/NĐ-CP` under that and under `123/2015`, both folded."""
    numbers = {number for law in laws for number in _codes(law)}
    return numbers | {"/".join(number.split("/")[:2]) for number in numbers}


# --- What is asked --------------------------------------------------------------------


def _query(
    text: str, words: Words, schema: tantivy.Schema, searcher: tantivy.Searcher
) -> tantivy.Query:
    """The best of: the words, everyday words and slips put right, and codes among them."""
    asked = [_words_query(words, schema, searcher)]
    asked += [
        Query.boost_query(_words_query(other, schema, searcher), 1.2)
        for other in [*_synonymous(words), *_corrected(words, searcher)]
    ]
    asked += [
        Query.boost_query(Query.term_query(schema, "codes", code), 20.0) for code in _codes(text)
    ]
    return Query.disjunction_max_query(asked, tie_breaker=0.1)


def _words_query(words: Words, schema: tantivy.Schema, searcher: tantivy.Searcher) -> tantivy.Query:
    """Most of the words, and better still neighbours, the whole row, and the name itself."""
    folded = [fold(word) for word in words]
    wanted = [pair for pair in zip(words, folded, strict=True) if pair[1] not in _FILLER]
    wanted = wanted or list(zip(words, folded, strict=True))
    needed = [_should(_word_query(*pair, schema, searcher)) for pair in wanted]
    matched = Query.boolean_query(needed, minimum_number_should_match=-(-len(needed) * 3 // 5))
    nearer = [_should(query) for query in _phrase_queries(words, folded, schema)]
    whole = Query.term_query(schema, "wholes", _whole(folded))
    nearer.append(_should(Query.boost_query(whole, 2.0)))
    return Query.boolean_query([(tantivy.Occur.Must, matched), *nearer])


def _word_query(
    word: str, folded: str, schema: tantivy.Schema, searcher: tantivy.Searcher
) -> tantivy.Query:
    """One word: best with its accents, then without, then elsewhere, then with a slip.

    The likes of a word that no procedure has count for more.
    """
    ways = [
        Query.boost_query(Query.term_query(schema, "exact", word), 1.6),
        Query.term_query(schema, "names", folded),
        Query.boost_query(Query.term_query(schema, "texts", folded), 0.4),
    ]
    if len(folded) > 2:
        slip = Query.fuzzy_term_query(schema, "names", folded, distance=1)
        ways.append(Query.boost_query(slip, 0.2 if _is_known(folded, searcher) else 2.0))
    return Query.disjunction_max_query(ways)


def _phrase_queries(words: Words, folded: Words, schema: tantivy.Schema) -> Iterator[tantivy.Query]:
    """Neighbouring words, and all of them in a row, with and without accents."""
    for field, row, boost in (("exact", words, 0.8), ("names", folded, 0.6)):
        for pair in pairwise(row):
            yield Query.boost_query(Query.phrase_query(schema, field, list(pair)), boost)
        if len(row) > 2:
            yield Query.boost_query(Query.phrase_query(schema, field, row), boost)


def _corrected(words: Words, searcher: tantivy.Searcher) -> list[Words]:
    """The query with its unknown words put right, where one letter does that.

    Phrases can then match again, which a slip breaks. Of several corrections the ones that
    most procedures use are tried.
    """
    folded = [fold(word) for word in words]
    unknown = [word for word in folded if len(word) > 2 and not _is_known(word, searcher)]
    if not unknown:
        return []
    slip = unknown[0]
    vocabulary = searcher.terms_with_prefix("names", "")
    likes = sorted(
        ((count, term) for term, count in vocabulary if _is_one_slip(slip, term)), reverse=True
    )
    return [[term if word == slip else word for word in folded] for _count, term in likes[:3]]


def _is_one_slip(typed: str, meant: str) -> bool:
    """Whether one letter was left out, added, changed, or swapped with its neighbour."""
    if abs(len(typed) - len(meant)) > 1 or typed == meant:
        return False
    pairs = zip(typed, meant, strict=False)
    start = sum(1 for _same in takewhile(lambda pair: pair[0] == pair[1], pairs))
    one, other = typed[start:], meant[start:]
    return (
        one[1:] == other[1:]
        or one[1:] == other
        or one == other[1:]
        or (one[:2] == other[1::-1] and one[2:] == other[2:])
    )


def _is_known(folded: str, searcher: tantivy.Searcher) -> bool:
    """Whether any procedure has the word."""
    return any(searcher.doc_freq(field, folded) for field in ("names", "texts"))


def _should(query: tantivy.Query) -> tuple[tantivy.Occur, tantivy.Query]:
    return tantivy.Occur.Should, query


def _words(text: str) -> Words:
    """The words of a text in lower case, accents kept; signs part words and are dropped."""
    return _WORD.findall(normalise(text).lower())


def _whole(folded: Words) -> str:
    """A whole name as one term, without the "thủ tục" that some names begin with."""
    return "_".join(folded[2:] if folded[:2] == ["thu", "tuc"] else folded)


def _codes(text: str) -> list[str]:
    """The codes and law numbers in a text, folded: `1.001193`, `60/2014/qh13`."""
    return [code for code in _CODE.findall(fold(text)) if any(char.isdigit() for char in code)]


def _synonymous(words: Words) -> list[Words]:
    """The query again for each everyday phrase in it, in the words of procedures."""
    folded = f" {' '.join(fold(word) for word in words)} "
    return [
        _words(folded.replace(f" {everyday} ", f" {meaning} "))[:_MAX_WORDS]
        for everyday, meaning in _synonyms()
        if f" {everyday} " in folded
    ]


def _synonyms() -> tuple[tuple[str, str], ...]:
    """Pairs of an everyday phrase and what procedures call it, as the staff's file has them."""
    path = settings.BASE_DIR / "fixtures" / "synonyms.yaml"
    try:
        return _read_synonyms(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return ()


@lru_cache(maxsize=1)
def _read_synonyms(path: Path, _changed: int) -> tuple[tuple[str, str], ...]:
    """The file's pairs, folded; read again when the file has changed."""
    # BaseLoader makes texts, lists and mappings, and nothing else.
    entries = yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader) or []  # noqa: S506
    return tuple(
        (fold(everyday), fold(meaning))
        for entry in entries
        for everyday in entry["everyday"]
        for meaning in entry["means"]
    )
