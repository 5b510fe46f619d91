"""The officials' side of dossiers in the Django admin, a module for each subject."""

from dossiers import questionsadmin
from dossiers.admin import (
    batch,
    breachpages,
    complaints,
    collecting,
    desk,
    dossiers,
    keptreports,
    nextwork,
    officepaperpage,
    pages,
    ratings,
    parcels,
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
    "complaints",
    "collecting",
    "desk",
    "dossiers",
    "entrypages",
    "keptreports",
    "nextwork",
    "officepaperpage",
    "pages",
    "parcels",
    "questionsadmin",
    "quickpages",
    "ratings",
    "register",
    "relatives",
    "reports",
    "reservedpages",
    "savedviews",
    "signpage",
    "standins",
)
