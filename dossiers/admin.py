"""The officials' queue and the page of a dossier, in the Django admin.

Nothing is edited here: the page shows, and every button is a move through
`workflow.perform()`, carrying the version of the page on which it was clicked.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import (
    behalf,
    documents,
    ledger,
    messagesadmin,
    panels,
    presenting,
    questionsadmin,
    results,
    supplements,
    workflow,
)
from dossiers.adminforms import MoveForm
from dossiers.models import Dossier, overdue
from procedures.postings import roles

State = Dossier.State

__all__ = ("DossierAdmin", "questionsadmin")


def is_posted(request: HttpRequest) -> bool:
    """Whether this official works anywhere today."""
    return bool(roles(request))


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


@admin.register(Dossier)
class DossierAdmin(admin.ModelAdmin):
    """The queue of one's offices, and the page of one dossier."""

    list_display = ("code", "procedure", "applicant", "state_text", "due", "officer", "fees")
    list_display_links = ("code",)
    list_filter = (TabFilter, ("revision__sector", admin.RelatedOnlyFieldListFilter))
    search_fields = ("code", "owner__full_name")
    search_help_text = gettext_lazy("Tìm theo mã hồ sơ hoặc tên người nộp")
    list_per_page = 50
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    ordering = ("promised_at", "submitted_at")
    actions = None
    change_list_template = "admin/dossiers/dossier/change_list.html"

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whoever works somewhere has a queue."""
        return is_posted(request)

    def has_view_permission(self, request: HttpRequest, obj: Dossier | None = None) -> bool:
        """Which dossiers, is said by the queryset."""
        return is_posted(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Dossiers are filed, not added."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Dossier | None = None) -> bool:
        """No field is edited; what changes, changes by a move."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Dossier | None = None) -> bool:
        """What was filed stays."""
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only what the side bar offers: others would read secrets letter by letter."""
        return lookup == TabFilter.parameter_name or lookup.startswith("revision__sector__")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dossier]:
        """Those filed at or handled by one's offices of today."""
        dossiers = Dossier.objects.handled_by(request.user)
        return dossiers.for_queue().prefetch_related("payments")

    # --- The queue ---

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

    @admin.display(description=gettext_lazy("Hạn"), ordering="promised_at")
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
        open_dossiers = Dossier.objects.handled_by(request.user).open()
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

    # --- One dossier ---

    def get_urls(self) -> list:
        """The page of a dossier, and one address for all its moves."""
        return [
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

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict | None = None,
    ) -> HttpResponse:
        """Everything about one dossier; looking at it is noted."""
        if request.method not in {"GET", "HEAD"}:
            raise Http404
        dossier = self._get_dossier(request, object_id)
        ledger.record_look(dossier, by=request.user)
        return render(
            request, "admin/dossiers/dossier/page.html", self._page_context(request, dossier)
        )

    def _get_dossier(self, request: HttpRequest, pk: str | int) -> Dossier:
        """A dossier of one's own offices; 404 for any other."""
        if not str(pk).isdecimal():
            raise Http404
        return get_object_or_404(Dossier.objects.handled_by(request.user).for_page(), pk=pk)

    def _page_context(self, request: HttpRequest, dossier: Dossier) -> dict[str, Any]:
        # One who stands in the dossier reads it here and acts in no role.
        is_party = workflow.is_party(dossier, request.user)
        roles = set() if is_party else workflow.roles_at(dossier, request.user)
        asked = documents.document_rows(dossier, {})
        return {
            **self.admin_site.each_context(request),
            **presenting.tracking(dossier),
            "opts": self.opts,
            "title": dossier.code,
            "moves": list(workflow.open_to(dossier, request.user)),
            "results": [row for row in dossier.results.all() if row.file],
            "events": self._events(dossier),
            "panels": panels.for_page(dossier, roles),
            "documents": [*asked, *presenting.unasked_papers(dossier, {row.key for row in asked})],
            "proposal": results.proposal(dossier),
            "requests": supplements.comparisons(dossier),
            "principal": behalf.words(dossier),
            "people": dossier.participants.active().select_related("user"),
        }

    def _events(self, dossier: Dossier) -> list[dict[str, Any]]:
        rows = []
        for event in reversed(dossier.events.all()):
            action = workflow.ACTIONS.get(event.name)
            rows.append(
                {
                    "at": event.at,
                    "text": action.label if action else presenting.office_words(event),
                    "by": event.actor.get_full_name() if event.actor else _("Hệ thống"),
                    "note": getattr(event, "note", None),
                    "hash": event.hash[:12],
                }
            )
        return rows

    def move_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        """The form of one move; a POST makes it. What was typed survives a refusal."""
        dossier = self._get_dossier(request, pk)
        action = workflow.ACTIONS.get(name)
        if action is None or not action.roles:
            raise Http404
        if request.method != "POST" and action not in workflow.open_to(dossier, request.user):
            text = _("Lúc này ông/bà không thực hiện được “%(what)s” với hồ sơ này.")
            messages.error(request, text % {"what": action.label})
            return redirect(self._url(dossier))
        if request.method != "POST":
            ledger.record_look(dossier, by=request.user)
        data = (request.POST, request.FILES) if request.method == "POST" else (None, None)
        form = MoveForm(action, dossier, *data)
        if request.method == "POST" and form.is_valid() and self._makes(request, dossier, form):
            messages.success(request, _("Đã thực hiện: %(what)s.") % {"what": action.label})
            return redirect(self._after(request, dossier))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": action.label,
            "dossier": dossier,
            "action": action,
            "form": form,
            "page_url": self._url(dossier),
            "proposal": results.proposal(dossier) if name == "approve" else None,
            "objection": dossier.last_words("object_to_draft") if name == "send_draft" else "",
        }
        status = 409 if form.is_bound and form.errors else 200
        return render(request, "admin/dossiers/dossier/move.html", context, status=status)

    def messages_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Writing to the people of a dossier, in the office's name."""
        handled = Dossier.objects.handled_by(request.user).for_queue()
        dossier = get_object_or_404(handled, pk=pk)
        frame = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Tin nhắn với công dân"),
        }
        return messagesadmin.thread(request, dossier, self._url(dossier), frame)

    def _after(self, request: HttpRequest, dossier: Dossier) -> str:
        """The dossier again, or the queue where it has gone to another office."""
        if Dossier.objects.handled_by(request.user).filter(pk=dossier.pk).exists():
            return self._url(dossier)
        return reverse("admin:dossiers_dossier_changelist")

    def _makes(self, request: HttpRequest, dossier: Dossier, form: MoveForm) -> bool:
        """Make the move of a valid form; otherwise the form says why not."""
        version = form.cleaned_data["version"]
        try:
            workflow.perform(
                dossier, form.action.name, by=request.user, version=version, **form.details()
            )
        except workflow.Refused as error:
            form.add_error(None, str(error))
            # The next click is made knowing what is on this page.
            newest = Dossier.objects.values_list("version", flat=True).get(pk=dossier.pk)
            form.data = form.data.copy()
            form.data["version"] = str(newest)
            return False
        return True

    def _url(self, dossier: Dossier) -> str:
        return reverse("admin:dossiers_dossier_change", args=[dossier.pk])
