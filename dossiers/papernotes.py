"""What an app above knows of a printed paper after it was printed.

A paper keeps saying what was true when it was made. Whether it still stands, its check page
asks here: the app whose paper it is registers a function for that.
"""

from __future__ import annotations

from collections.abc import Callable

from dossiers.models import Paper

Note = Callable[[Paper], str | None]

_notes: list[Note] = []


def register(note: Note) -> Note:
    """Add a function that says why a paper counts no longer; None for one that does, or one
    that it knows nothing of. No personal name in its words: strangers read them."""
    _notes.append(note)
    return note


def words_for(paper: Paper) -> list[str]:
    """Everything that makes this paper count no longer, in sentences; empty where it stands."""
    return [words for note in _notes if (words := note(paper))]
