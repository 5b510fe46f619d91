"""The officials' side of dossiers in the Django admin, a module for each subject."""

from dossiers import questionsadmin
from dossiers.admin import (
    batch,
    breachpages,
    desk,
    dossiers,
    keptreports,
    nextwork,
    officepaperpage,
    pages,
    register,
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
    "keptreports",
    "nextwork",
    "officepaperpage",
    "pages",
    "questionsadmin",
    "quickpages",
    "register",
    "relatives",
    "reports",
    "reservedpages",
    "savedviews",
    "signpage",
    "standins",
)
