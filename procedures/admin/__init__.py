"""The officials' side of the catalogue: offices, procedures and their revisions, loads."""

from procedures.admin import loads, offices, procedures, revisions, words

__all__ = ("loads", "offices", "procedures", "revisions", "words")
