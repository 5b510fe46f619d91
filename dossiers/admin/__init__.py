"""The officials' side of dossiers in the Django admin, a module for each subject."""

from dossiers import questionsadmin
from dossiers.admin import dossiers, officepaperpage

__all__ = ("dossiers", "officepaperpage", "questionsadmin")
