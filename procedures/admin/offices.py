"""Offices and the calendar, for administrators."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest

from procedures.models import Agency, CalendarDay, Posting
from procedures.postings import offices_of


@admin.register(Agency)
class AgencyAdmin(admin.ModelAdmin):
    """Offices and their desks: those that one administers, and those below them."""

    actions = None

    list_display = ("name", "code", "tier", "parent", "is_active")
    list_filter = ("tier", "is_active")
    list_select_related = ("parent",)
    search_fields = ("name", "code")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Agency]:
        """Limited to the offices of one's postings as an administrator."""
        rows = super().get_queryset(request)
        if request.user.is_superuser:
            return rows
        return rows.filter(pk__in=offices_of(request.user, (Posting.Role.ADMINISTRATOR,)))

    def get_readonly_fields(self, request: HttpRequest, obj: Agency | None = None) -> tuple:
        """Where an office stands in the tree says who sees its dossiers: not for those in it."""
        return () if request.user.is_superuser else ("code", "parent", "reception", "bank_account")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A new office is put into the tree by who runs the portal."""
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Agency | None = None) -> bool:
        """An office that was abolished is switched off; its dossiers stay explained."""
        return False


@admin.register(CalendarDay)
class CalendarDayAdmin(admin.ModelAdmin):
    """Days off and made up that no library knows yet."""

    actions = None
    # Typed, as on every other page: Django's calendar explains itself in English.
    formfield_overrides = {
        models.DateField: {"widget": forms.DateInput({"autocomplete": "off"}, "%d/%m/%Y")}
    }
    list_display = ("date", "is_working", "note")
    date_hierarchy = "date"
