"""The officials' side of dossiers in the Django admin, a module for each subject."""

from dossiers import questionsadmin
from dossiers.admin import (
    batch,
    breachpages,
    desk,
    dossiers,
    nextwork,
    officepaperpage,
    pages,
    reports,
    savedviews,
    signpage,
)
from dossiers.counter import quickpages, reservedpages

__all__ = (
    "batch",
    "breachpages",
    "desk",
    "dossiers",
    "nextwork",
    "officepaperpage",
    "pages",
    "questionsadmin",
    "quickpages",
    "reports",
    "reservedpages",
    "savedviews",
    "signpage",
)
