"""The officials' side of dossiers in the Django admin, a module for each subject."""

from dossiers import questionsadmin
from dossiers.admin import dossiers

__all__ = ("dossiers", "questionsadmin")
