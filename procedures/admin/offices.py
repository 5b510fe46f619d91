"""Offices, postings and the calendar, for administrators."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from procedures.models import Agency, CalendarDay, Posting


@admin.register(Agency)
class AgencyAdmin(admin.ModelAdmin):
    """Offices and their desks."""

    list_display = ("name", "code", "tier", "parent", "is_active")
    list_filter = ("tier", "is_active")
    list_select_related = ("parent",)
    search_fields = ("name", "code")

    def has_delete_permission(self, request: HttpRequest, obj: Agency | None = None) -> bool:
        """An office that was abolished is switched off; its dossiers stay explained."""
        return False


@admin.register(Posting)
class PostingAdmin(admin.ModelAdmin):
    """Who works where, from when to when."""

    list_display = ("person", "agency", "role", "title", "valid_from", "valid_until")
    list_filter = ("role", "agency")
    list_select_related = ("user", "agency")
    raw_id_fields = ("user",)
    search_fields = ("user__full_name", "user__email")

    @admin.display(description=_("Cán bộ"))
    def person(self, posting: Posting) -> str:
        """The official's name."""
        return posting.user.get_full_name()


@admin.register(CalendarDay)
class CalendarDayAdmin(admin.ModelAdmin):
    """Days off and made up that no library knows yet."""

    list_display = ("date", "is_working", "note")
    date_hierarchy = "date"
