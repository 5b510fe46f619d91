"""The index on disk that each machine keeps, and that each process opens.

It follows the catalogue's version: a random token that `touch_catalogue()` sets in the
publishing transaction. Whoever first sees that this machine has no index for the token
builds one beside the old and swaps it in, under a file lock; the others go on with the
index they have open. A folder is named for its database and its token, so two databases on
one machine never read each other's keys.
"""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import tantivy
from django.conf import settings

from procedures import machinefolder
from procedures.models import CatalogueVersion
from procedures.search import facets
from procedures.search.entries import Entry, entries
from procedures.search.wording import codes_of, pairs_of, whole_of, words_of

# Changed with the fields below, so that an index of older code is not opened.
_SHAPE = "3"
_HEAP = 64_000_000  # bytes
_FACETS_FILE = "facets.json"
_MOST_PAPERS = 12
_TEXT_FIELDS = (
    "codes", "wholes", "exact", "exact_pairs", "names", "pairs", "texts", "all_pairs",
)  # fmt: skip


@dataclass
class Catalogue:
    """An index as a process has it open, with the facets of the same procedures."""

    index: tantivy.Index
    facets: facets.Facets

    @cached_property
    def vocabulary(self) -> dict[str, int]:
        """Every word of a name, folded, and how many procedures have it."""
        return dict(self.index.searcher().terms_with_prefix("names", ""))


# What this process has open, for each folder of indexes: its name and itself.
_opened: dict[Path, tuple[str, Catalogue]] = {}


def touch_catalogue() -> None:
    """Say that the catalogue has changed; called in the transaction that publishes."""
    CatalogueVersion.objects.update_or_create(pk=1, defaults={"token": secrets.token_urlsafe(32)})


def rebuild() -> int:
    """Build this machine's index again, whatever state it is in; return its procedures."""
    if CatalogueVersion.in_force() is None:
        touch_catalogue()
    folder = _folder()
    with machinefolder.locked(folder):
        token = CatalogueVersion.in_force()
        _build(folder, token)
        return len(_open(folder, token).facets.order)


def catalogue() -> Catalogue | None:
    """The catalogue as it is now; None while nothing was ever published."""
    folder, token = _folder(), CatalogueVersion.in_force()
    if token is None:
        return None
    name, opened = _opened.get(folder, ("", None))
    if name != _name(token):
        fresh = _open(folder, token) or _build_or_wait(folder, has_older=opened is not None)
        opened = fresh or opened
    return opened


def build(rows: Iterable[Entry], folder: Path) -> Catalogue:
    """An index of these entries in an empty folder, opened."""
    rows = list(rows)
    index = tantivy.Index(_schema(), path=str(folder), reuse=False)
    writer = index.writer(_HEAP, 1)
    for entry in rows:
        writer.add_document(_document(entry))
    writer.commit()
    writer.wait_merging_threads()
    facets.made_of(rows).write(folder / _FACETS_FILE)
    return read(folder)


def read(folder: Path) -> Catalogue:
    """The index in a folder; raises `ValueError` or `OSError` where it cannot be read."""
    return Catalogue(tantivy.Index.open(str(folder)), facets.read(folder / _FACETS_FILE))


def _open(folder: Path, token: str) -> Catalogue | None:
    """The finished index for `token`, or None where there is none that can be read."""
    name = _name(token)
    try:
        opened = read(folder / name)
    except (ValueError, OSError):
        return None
    _opened[folder] = (name, opened)
    return opened


def _build_or_wait(folder: Path, *, has_older: bool) -> Catalogue | None:
    """The index, built here or by who was first; None if an older one serves meanwhile."""
    with machinefolder.locked(folder, wait=not has_older) as is_ours:
        if not is_ours:
            return None
        token = CatalogueVersion.in_force()
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
    build(entries(), fresh)
    outdated = [path for path in folder.iterdir() if path.is_dir() and path != fresh]
    for path in outdated:
        shutil.rmtree(path, ignore_errors=True)
    fresh.rename(folder / _name(token))


def _folder() -> Path:
    """Where the indexes of this database are, on this machine."""
    return machinefolder.of_database(Path(settings.SEARCH_DIR))


def _name(token: str) -> str:
    return f"{_SHAPE}-{token}"


# --- What is written ------------------------------------------------------------------


def _schema() -> tantivy.Schema:
    """Key, codes, names (as written, folded, in pairs, whole), the rest, and what is shown."""
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("pk", stored=True, fast=True)
    for field in _TEXT_FIELDS:
        builder.add_text_field(field, tokenizer_name="whitespace")
    builder.add_text_field("shown", stored=True, tokenizer_name="raw", index_option="basic")
    return builder.build()


def _document(entry: Entry) -> tantivy.Document:
    """What is found under a procedure; each name is a value of its own, so that pairs end."""
    document = tantivy.Document()
    document.add_unsigned("pk", entry.pk)
    document.add_text("codes", " ".join([entry.code, *_law_numbers([*entry.laws, entry.decision])]))
    names = dict.fromkeys([entry.short_name, entry.name, *entry.also_called, *entry.keywords])
    for name in names:
        words = words_of(name)
        folded = [word.folded for word in words]
        accented = [word.accented for word in words]
        document.add_text("exact", " ".join(accented))
        document.add_text("exact_pairs", " ".join(pairs_of(accented)))
        document.add_text("names", " ".join(folded))
        document.add_text("pairs", " ".join(pairs_of(folded)))
        document.add_text("wholes", whole_of(folded))
    papers = entry.papers[:_MOST_PAPERS]
    events = [name for _slug, name in entry.life_events]
    texts = [entry.sector[1], entry.summary, entry.result, *events, *papers]
    for text in texts:
        document.add_text("texts", " ".join(word.folded for word in words_of(text)))
    for text in [*names, *texts]:
        document.add_text("all_pairs", _all_pairs(text))
    shown = [entry.result, list(papers), list(entry.laws)]
    document.add_text("shown", json.dumps(shown, ensure_ascii=False))
    return document


def _all_pairs(text: str) -> str:
    """Neighbours in every spelling in which somebody may ask for them."""
    words = words_of(text)
    pairs = [
        *pairs_of([word.accented for word in words]),
        *pairs_of([word.folded for word in words]),
    ]
    return " ".join(dict.fromkeys(pairs))


def _law_numbers(laws: Iterable[str]) -> set[str]:
    """`123/2015/NĐ-CP` under that and under `123/2015`, both folded."""
    numbers = {number for law in laws for number in codes_of(law)}
    return numbers | {"/".join(number.split("/")[:2]) for number in numbers}
