"""The officials' side of dossiers in the Django admin, a module for each subject."""

from dossiers import questionsadmin
from dossiers.admin import breachpages, desk, dossiers, officepaperpage, signpage

__all__ = ("breachpages", "desk", "dossiers", "officepaperpage", "questionsadmin", "signpage")
