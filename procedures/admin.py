"""Offices, postings, the calendar and the catalogue, for administrators."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from procedures.models import Agency, CalendarDay, LifeEvent, Posting, Procedure, Revision, Sector


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


@admin.register(Sector)
class SectorAdmin(admin.ModelAdmin):
    """Fields of administration."""

    list_display = ("name", "slug")
    search_fields = ("name",)


@admin.register(LifeEvent)
class LifeEventAdmin(admin.ModelAdmin):
    """Events in life."""

    list_display = ("name", "slug", "position")


class RevisionInline(admin.TabularInline):
    """The revisions of a procedure, to look at."""

    model = Revision
    fk_name = "procedure"
    fields = ("number", "status", "short_name", "service_level", "effective_from", "published_at")
    readonly_fields = fields
    can_delete = False
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Procedure | None = None) -> bool:
        """Revisions come from procedure files."""
        return False


@admin.register(Procedure)
class ProcedureAdmin(admin.ModelAdmin):
    """The catalogue, to look at; it is written as files and loaded."""

    list_display = ("code", "short_name", "level")
    list_select_related = ("current",)
    search_fields = ("code", "current__name")
    inlines = (RevisionInline,)
    readonly_fields = ("code", "slug", "current")

    @admin.display(description=_("Tên"))
    def short_name(self, procedure: Procedure) -> str:
        """Its usual name."""
        return procedure.current.short_name if procedure.current else "–"

    @admin.display(description=_("Mức độ"))
    def level(self, procedure: Procedure) -> str:
        """In both vocabularies."""
        return procedure.current.level_text if procedure.current else "–"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Procedures come from files."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Procedure | None = None) -> bool:
        """What was in force stays."""
        return False
