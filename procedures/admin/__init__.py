"""The officials' side of the catalogue: offices, procedures and their revisions, loads."""

from procedures.admin import loads, offices, revisions, words

__all__ = ("loads", "offices", "revisions", "words")
