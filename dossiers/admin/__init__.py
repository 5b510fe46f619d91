"""The officials' side of dossiers in the Django admin, a module for each subject."""

from dossiers import questionsadmin
from dossiers.admin import (
    batch,
    breachpages,
    desk,
    dossiers,
    nextwork,
    officepaperpage,
    reports,
    savedviews,
    signpage,
)

__all__ = (
    "batch",
    "breachpages",
    "desk",
    "dossiers",
    "nextwork",
    "officepaperpage",
    "questionsadmin",
    "reports",
    "savedviews",
    "signpage",
)
