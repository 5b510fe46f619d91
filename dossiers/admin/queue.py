"""The officials' queue: the change list made for the job."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import panels, presenting
from dossiers.models import Dossier, overdue

State = Dossier.State


def _tabs(user) -> dict[str, tuple[Any, Q]]:
    """The tabs of the queue: label and which dossiers each holds."""
    return {
        "moi": (_("Mới"), Q(state=State.SUBMITTED)),
        "cho-nhan": (_("Chờ thụ lý"), Q(state=State.ACCEPTED)),
        "cua-toi": (_("Của tôi"), Q(assignee=user) & ~Q(state__in=Dossier.FINAL)),
        "cong-dan": (_("Đến lượt công dân"), Q(state__in=Dossier.CITIZENS_TURN)),
        "trinh-ky": (_("Trình ký"), Q(state=State.AWAITING_APPROVAL)),
        "tra": (_("Chờ trả"), Q(state=State.COMPLETED)),
        "qua-han": (_("Quá hạn"), overdue(timezone.now())),
        "tat-ca": (_("Tất cả"), Q()),
    }


class TabFilter(admin.SimpleListFilter):
    """The tabs above the queue; drawn by the change list's own template, not in the side bar."""

    title = gettext_lazy("Nhóm")
    parameter_name = "nhom"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list:
        """The tabs by their address."""
        return [(key, label) for key, (label, _condition) in _tabs(request.user).items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """The dossiers of the chosen tab."""
        tab = _tabs(request.user).get(self.value() or "tat-ca")
        return queryset.filter(tab[1]) if tab else queryset


class Queue(ChangeList):
    """The rows of the queue; what is due first stands first."""

    def _get_default_ordering(self) -> tuple[str, ...]:
        return ("due", "submitted_at")


class QueueList:
    """What `DossierAdmin` shows as a list."""

    list_display = ("code", "procedure", "applicant", "state_text", "due", "officer", "fees")
    list_display_links = ("code",)
    list_filter = (TabFilter, ("revision__sector", admin.RelatedOnlyFieldListFilter))
    search_fields = ("code", "owner__full_name")
    search_help_text = gettext_lazy("Tìm theo mã hồ sơ hoặc tên người nộp")
    list_per_page = 50
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    actions = None
    change_list_template = "admin/dossiers/dossier/change_list.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Sorted by what is due."""
        return Queue

    @admin.display(description=gettext_lazy("Thủ tục"))
    def procedure(self, dossier: Dossier) -> str:
        """What it is about."""
        return dossier.revision.short_name

    @admin.display(description=gettext_lazy("Người nộp"))
    def applicant(self, dossier: Dossier) -> str:
        """Who filed."""
        return dossier.applicant_name

    @admin.display(description=gettext_lazy("Trạng thái"), ordering="state")
    def state_text(self, dossier: Dossier) -> str:
        """The state, with a badge in words."""
        kind = presenting.BADGES.get(dossier.state, "working")
        label = dossier.get_state_display()
        return format_html('<span class="mc-badge mc-badge--{}">{}</span>', kind, label)

    @admin.display(description=gettext_lazy("Hạn"), ordering="due")
    def due(self, dossier: Dossier) -> str:
        """By when the office must act, in words where that is past."""
        if dossier.due_at is None:
            return "–"
        text = f"{timezone.localtime(dossier.due_at):%d/%m/%Y %H:%M}"
        if dossier.is_overdue:
            return format_html('<strong class="mc-late">{} {}</strong>', text, _("(quá hạn)"))
        return text

    @admin.display(description=gettext_lazy("Thụ lý"))
    def officer(self, dossier: Dossier) -> str:
        """Whose it is."""
        return dossier.assignee.get_full_name() if dossier.assignee else "–"

    @admin.display(description=gettext_lazy("Phí, tin nhắn"))
    def fees(self, dossier: Dossier) -> str:
        """How its fees stand, and what its people have written."""
        return panels.for_row(dossier) or "–"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict | None = None
    ) -> HttpResponse:
        """The queue with its tabs; the counts come from one query over open dossiers."""
        tabs = _tabs(request.user)
        open_dossiers = Dossier.objects.for_request(request).open()
        counts = open_dossiers.aggregate(
            **{
                key.replace("-", "_"): Count("pk", filter=condition)
                for key, (_label, condition) in tabs.items()
                if key != "tat-ca"
            }
        )
        chosen = request.GET.get("nhom", "tat-ca")
        context = {
            "title": _("Hồ sơ"),
            "tabs": [
                {
                    "label": label,
                    "url": f"?nhom={key}",
                    "count": counts.get(key.replace("-", "_")),
                    "is_chosen": key == chosen,
                }
                for key, (label, _condition) in tabs.items()
            ],
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})
