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
    relatives,
    reports,
    savedviews,
    signpage,
    standins,
)
from dossiers.counter import entrypages, quickpages, reservedpages

__all__ = (
    "batch",
    "breachpages",
    "desk",
    "dossiers",
    "entrypages",
    "nextwork",
    "officepaperpage",
    "pages",
    "questionsadmin",
    "quickpages",
    "relatives",
    "reports",
    "reservedpages",
    "savedviews",
    "signpage",
    "standins",
)
