"""Procedures: what is in force of each, its revisions, and the original forms of ministries."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures.admin.access import CatalogueAdmin, edits_catalogue
from procedures.admin.downloads import download
from procedures.formfiles import FormFileForm
from procedures.loading import sheets, workbook
from procedures.models import FormFile, Procedure, Revision


class TierFilter(admin.SimpleListFilter):
    """By the tier that handles a procedure, in words."""

    title = gettext_lazy("cấp giải quyết")
    parameter_name = "cap"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list:
        """Every tier, and what the national catalogue does not tell."""
        return [*sheets.TIERS.items(), ("other", _("Cơ quan khác"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Procedure]) -> QuerySet[Procedure]:
        """Those in force that this tier handles."""
        return queryset.filter(current__tier=self.value()) if self.value() else queryset


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


class FormFileInline(admin.TabularInline):
    """The original forms of a ministry, beside ours."""

    model = FormFile
    form = FormFileForm
    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Procedure | None = None) -> bool:
        """Editors of the catalogue."""
        return edits_catalogue(request)

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission


@admin.register(Procedure)
class ProcedureAdmin(CatalogueAdmin):
    """The catalogue, with each procedure's revisions and original forms."""

    list_display = ("code", "short_name", "level", "origin")
    list_select_related = ("current",)
    list_filter = ("current__service_level", "current__origin", TierFilter)
    search_fields = ("code", "current__name")
    inlines = (FormFileInline, RevisionInline)
    readonly_fields = ("code", "slug", "current")
    actions = ("as_workbook",)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Only the original forms can be changed here."""
        return edits_catalogue(request)

    @admin.display(description=gettext_lazy("Tên"))
    def short_name(self, procedure: Procedure) -> str:
        """Its usual name."""
        return procedure.current.short_name if procedure.current else "–"

    @admin.display(description=gettext_lazy("Mức độ"))
    def level(self, procedure: Procedure) -> str:
        """In both vocabularies."""
        return procedure.current.level_text if procedure.current else "–"

    @admin.display(description=gettext_lazy("Nguồn"))
    def origin(self, procedure: Procedure) -> str:
        """The office, or the national catalogue."""
        return procedure.current.get_origin_display() if procedure.current else "–"

    @admin.action(description=gettext_lazy("Tải bảng tính Excel của các thủ tục đã chọn"))
    def as_workbook(self, request: HttpRequest, queryset: QuerySet[Procedure]) -> HttpResponse:
        """One workbook with what is in force of each chosen procedure."""
        rows = queryset.filter(current__isnull=False).order_by("code")
        definitions = rows.values_list("current__definition", flat=True)
        return download(workbook.write(definitions), "thu-tuc.xlsx")
