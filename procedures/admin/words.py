"""The words of the catalogue: fields, events in life, and what people looked for in vain."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from procedures import lifeevents
from procedures.admin.access import CatalogueAdmin, edits_catalogue
from procedures.models import LifeEvent, SearchMiss, Sector
from procedures.search import touch_catalogue


class _EditedByHand(CatalogueAdmin):
    """Their names are in the search and in the open data, which follow the catalogue's version."""

    def save_model(self, request: HttpRequest, obj: Any, form: forms.Form, change: bool) -> None:
        super().save_model(request, obj, form, change)
        touch_catalogue()

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return edits_catalogue(request)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return edits_catalogue(request)


@admin.register(Sector)
class SectorAdmin(_EditedByHand):
    """Fields of administration."""

    list_display = ("name", "slug")
    search_fields = ("name",)


class LifeEventForm(forms.ModelForm):
    """An event, whose steps can be shown."""

    def clean_steps(self) -> list:
        """What the page can show; anything else is named."""
        steps = self.cleaned_data["steps"]
        found = lifeevents.faults(steps)
        if found:
            raise forms.ValidationError(found)
        return steps


@admin.register(LifeEvent)
class LifeEventAdmin(_EditedByHand):
    """Events in life."""

    form = LifeEventForm
    list_display = ("name", "slug", "position")


@admin.register(SearchMiss)
class SearchMissAdmin(CatalogueAdmin):
    """What people looked for in vain: words that the file of everyday words should know."""

    list_display = ("words", "count", "last_on")
    search_fields = ("words",)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """What the everyday words have learned is taken off the list."""
        return edits_catalogue(request)
