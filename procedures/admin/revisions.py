"""Procedures and their revisions: drafting, previewing, publishing, and what changed."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from procedures.admin.access import CatalogueAdmin
from procedures.models import Procedure, Revision


class RevisionInline(admin.TabularInline):
    """The revisions of a procedure, to look at."""

    model = Revision
    fk_name = "procedure"
    fields = ("number", "status", "short_name", "service_level", "effective_from", "published_at")
    readonly_fields = fields
    show_change_link = True
    can_delete = False
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Procedure | None = None) -> bool:
        """Revisions come from procedure files."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Procedure | None = None) -> bool:
        """Whoever sees the procedure."""
        return True


@admin.register(Procedure)
class ProcedureAdmin(CatalogueAdmin):
    """The catalogue, to look at; it is written as revisions."""

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
