"""The words of the catalogue: fields, events in life, and what people looked for in vain."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from procedures.admin.access import CatalogueAdmin, edits_catalogue
from procedures.models import LifeEvent, SearchMiss, Sector


class _EditedByHand(CatalogueAdmin):
    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return edits_catalogue(request)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return edits_catalogue(request)


@admin.register(Sector)
class SectorAdmin(_EditedByHand):
    """Fields of administration."""

    list_display = ("name", "slug")
    search_fields = ("name",)


@admin.register(LifeEvent)
class LifeEventAdmin(_EditedByHand):
    """Events in life."""

    list_display = ("name", "slug", "position")


@admin.register(SearchMiss)
class SearchMissAdmin(CatalogueAdmin):
    """What people looked for in vain: words that the file of everyday words should know."""

    list_display = ("words", "count", "last_on")
    search_fields = ("words",)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """What the everyday words have learned is taken off the list."""
        return edits_catalogue(request)
