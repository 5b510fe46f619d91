"""Dossiers in the Django admin.

Nothing is edited here: the pages show, and every button is a move through
`workflow.perform()`, carrying the version of the page on which it was clicked.
"""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import path, reverse

from dossiers.admin.checks import ChecksPage
from dossiers.admin.movepage import MovePage
from dossiers.admin.notes import NotesPage
from dossiers.admin.opinions import OpinionsPage
from dossiers.admin.page import DossierPage
from dossiers.admin.queue import QueueList
from dossiers.models import Dossier
from procedures.postings import HANDLING_ROLES, roles


def handles_dossiers(request: HttpRequest) -> bool:
    """Whether this official works with dossiers anywhere today."""
    return bool(roles(request) & HANDLING_ROLES)


@admin.register(Dossier)
class DossierAdmin(
    QueueList, DossierPage, ChecksPage, NotesPage, OpinionsPage, MovePage, admin.ModelAdmin
):
    """The queue of one's offices, and the page of one dossier."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whoever works somewhere has a queue."""
        return handles_dossiers(request)

    def has_view_permission(self, request: HttpRequest, obj: Dossier | None = None) -> bool:
        """Which dossiers, is said by the queryset."""
        return handles_dossiers(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Dossiers are filed, not added."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Dossier | None = None) -> bool:
        """No field is edited; what changes, changes by a move."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Dossier | None = None) -> bool:
        """What was filed stays."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dossier]:
        """Those filed at or handled by one's offices of today."""
        dossiers = Dossier.objects.for_request(request)
        return dossiers.for_queue().prefetch_related("payments")

    def get_urls(self) -> list:
        """The page of a dossier, and one address for all its moves."""
        ours = (
            ("<int:pk>/kiem-tra/", self.checks_view, "dossiers_dossier_checks"),
            ("<int:pk>/ghi-chu/", self.notes_view, "dossiers_dossier_notes"),
            ("<int:pk>/hoi-y-kien/", self.ask_view, "dossiers_dossier_ask"),
            ("<int:pk>/y-kien/<int:opinion>/", self.record_view, "dossiers_dossier_opinion"),
        )
        return [
            *(
                path(route, self.admin_site.admin_view(view), name=name)
                for route, view, name in ours
            ),
            path(
                "<int:pk>/thuc-hien/<slug:name>/",
                self.admin_site.admin_view(self.move_view),
                name="dossiers_dossier_move",
            ),
            path(
                "<int:pk>/tin-nhan/",
                self.admin_site.admin_view(self.messages_view),
                name="dossiers_dossier_messages",
            ),
            *super().get_urls(),
        ]

    def _url(self, dossier: Dossier) -> str:
        return reverse("admin:dossiers_dossier_change", args=[dossier.pk])
