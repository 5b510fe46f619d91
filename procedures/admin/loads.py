"""Loads by upload: check, see the differences, have a second person publish.

Also what the national catalogue proposes to change in procedures that the office writes.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from procedures.admin.access import PagedAdmin, edits_catalogue, for_editors, full_name
from procedures.admin.differing import against_the_nation, in_words
from procedures.admin.editorforms import DecisionForm
from procedures.loading import loads
from procedures.loading.report import Outcome
from procedures.models import CatalogueLoad, NationalUpdate
from procedures.tasks import check_load

State = CatalogueLoad.State
_WAITS = {State.WAITING, State.WRITING}
_BADGES = {
    State.WAITING: "working",
    State.WRITING: "working",
    State.FAULTY: "stopped",
    State.READY: "waiting",
    State.PUBLISHED: "done",
    State.DISMISSED: "stopped",
}
# So many procedures are compared on one page; of a national load there are thousands.
COMPARED = 20
# Of one procedure so many changes are shown; the rest is on the page of its draft.
CHANGES = 30


class _SeveralFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class _Files(forms.FileField):
    """One file or several."""

    widget = _SeveralFiles

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        files = (data if isinstance(data, list | tuple) else [data]) or [None]
        return [super(_Files, self).clean(file, initial) for file in files]


class UploadForm(forms.Form):
    """The files of a load."""

    files = _Files(
        label=gettext_lazy("Tệp thủ tục"),
        help_text=gettext_lazy(
            "Bảng tính Excel (.xlsx), tệp .yaml, hoặc danh mục quốc gia (.jsonl, .jsonl.xz). "
            "Mỗi lần chọn được đến 50 tệp; mỗi tệp YAML tối đa 1 MB, bảng tính 10 MB, "
            "danh mục quốc gia 100 MB."
        ),
        error_messages={
            "required": gettext_lazy("Hãy chọn tệp."),
            "empty": gettext_lazy("Tệp rỗng, không có gì để nạp."),
        },
    )
    use_required_attribute = False


@admin.register(CatalogueLoad)
class CatalogueLoadAdmin(PagedAdmin):
    """What came into the catalogue, from the upload to being in force."""

    list_display = ("name", "kind", "state", "loaded_by", "created_at", "approved_by")
    list_display_links = ("name",)
    list_filter = ("state", "kind")
    list_select_related = ("created_by", "published_by")
    ordering = ("-created_at", "-pk")

    @admin.display(description=gettext_lazy("Tệp"), ordering="file_name")
    def name(self, load: CatalogueLoad) -> str:
        """The name of the file."""
        return load.file_name or str(load)

    @admin.display(description=gettext_lazy("Người nạp"))
    def loaded_by(self, load: CatalogueLoad) -> str:
        """Whoever brought the file."""
        return full_name(load.created_by)

    @admin.display(description=gettext_lazy("Người công bố"))
    def approved_by(self, load: CatalogueLoad) -> str:
        """Whoever put it in force."""
        return full_name(load.published_by)

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Editors upload."""
        return edits_catalogue(request)

    def get_urls(self) -> list:
        """Publishing and dismissing are POSTs to addresses of their own."""
        views = (
            ("<int:pk>/cong-bo/", self.publish_view, "publish"),
            ("<int:pk>/bo/", self.dismiss_view, "dismiss"),
        )
        return [
            path(
                route,
                self.admin_site.admin_view(for_editors(require_POST(view))),
                name=f"procedures_catalogueload_{name}",
            )
            for route, view, name in views
        ] + super().get_urls()

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Take files and have them checked in the background."""
        if not edits_catalogue(request):
            raise Http404
        is_sent = request.method == "POST"
        form = UploadForm(request.POST, request.FILES) if is_sent else UploadForm()
        received = self._received(request, form) if form.is_valid() else []
        if len(received) == 1:
            return redirect(_url(received[0]))
        if received:
            messages.success(request, _("Đã nhận các tệp; cổng đang kiểm tra từng tệp."))
            return redirect("admin:procedures_catalogueload_changelist")
        context = {
            **self.context(request, _("Nạp thủ tục từ tệp")),
            "form": form,
        }
        status = 422 if form.is_bound else 200
        return render(request, "admin/procedures/catalogueload/add.html", context, status=status)

    def _received(self, request: HttpRequest, form: UploadForm) -> list[CatalogueLoad]:
        """The loads of the files, all or none of them."""
        received = []
        try:
            for file in form.cleaned_data["files"]:
                kind = loads.kind_of(file.name)
                received.append(loads.receive(file, kind=kind, by=request.user))
        except loads.Unacceptable as error:
            form.add_error("files", str(error))
            for load in received:
                load.file.delete(save=False)
                load.delete()
            return []
        for load in received:
            check_load.enqueue(load.pk)
        return received

    def page_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One load: how far it is, what is wrong, what it would change, and who may publish."""
        load = get_object_or_404(
            CatalogueLoad.objects.select_related("created_by", "published_by"), pk=pk
        )
        return self._page(request, load, DecisionForm())

    def _page(
        self, request: HttpRequest, load: CatalogueLoad, form: DecisionForm, status: int = 200
    ) -> HttpResponse:
        is_own = load.created_by_id == request.user.pk
        is_ready = load.state == State.READY
        outcomes = load.report.get("outcomes", {})
        draft_count = load.revisions.filter(status="draft").count() if is_ready else 0
        context = {
            **self.context(request, load.file_name or str(load)),
            "load": load,
            "badge": _BADGES[State(load.state)],
            "is_waiting": load.state in _WAITS,
            "percent": min(100, 100 * load.done // load.total) if load.total else None,
            "outcomes": [(Outcome(name).label, count) for name, count in outcomes.items() if count],
            "files": Paginator(_rows(load), 100).get_page(request.GET.get("trang")),
            "differences": _compared(load) if is_ready else [],
            "compared": COMPARED,
            "draft_count": draft_count,
            "is_without_news": is_ready and not draft_count,
            # A later file, or a person, took the place of all that it brought.
            "is_replaced": is_ready
            and not draft_count
            and bool(outcomes.get(Outcome.NEW) or outcomes.get(Outcome.CHANGED)),
            "can_publish": draft_count > 0 and not is_own,
            "can_dismiss": load.state in {State.READY, State.FAULTY, State.WAITING},
            "is_own": draft_count > 0 and is_own,
            "form": form,
        }
        template = "admin/procedures/catalogueload/page.html"
        return render(request, template, context, status=status)

    def publish_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Put all of a load in force."""
        load = get_object_or_404(CatalogueLoad, pk=pk)
        form = DecisionForm(request.POST)
        if not form.is_valid():
            return self._page(request, load, form, status=422)
        try:
            count = loads.publish_load(
                load, decision=form.cleaned_data["decision"], by=request.user
            )
        except (loads.NotTwoPeople, loads.NotReady) as error:
            form.add_error(None, str(error))
            load.refresh_from_db()
            return self._page(request, load, form, status=409)
        messages.success(request, _("Đã công bố %(count)d thủ tục.") % {"count": count})
        return redirect(_url(load))

    def dismiss_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Drop a load and what it brought."""
        load = get_object_or_404(CatalogueLoad, pk=pk)
        try:
            loads.dismiss(load)
        except loads.NotReady as error:
            messages.error(request, str(error))
            return redirect(_url(load))
        messages.success(request, _("Đã bỏ lần nạp này; danh mục không đổi."))
        return redirect("admin:procedures_catalogueload_changelist")


def _rows(load: CatalogueLoad) -> list[dict[str, Any]]:
    """What the report says of each procedure, with its outcome in words."""
    rows = load.report.get("files", [])
    return [{**row, "outcome": Outcome(row["outcome"]).label} for row in rows]


def _compared(load: CatalogueLoad) -> list[dict[str, Any]]:
    return [
        {
            "revision": row.revision,
            "is_new": row.changes is None,
            "differences": [in_words(change) for change in (row.changes or [])[:CHANGES]],
            "more": max(0, len(row.changes or []) - CHANGES),
            "open_dossiers": row.open_dossiers,
        }
        for row in islice(loads.differences(load), COMPARED)
    ]


def _url(load: CatalogueLoad) -> str:
    return reverse("admin:procedures_catalogueload_change", args=[load.pk])


@admin.register(NationalUpdate)
class NationalUpdateAdmin(PagedAdmin):
    """What the national catalogue would change in procedures that the office writes itself."""

    list_display = ("code", "name", "state", "created_at", "seen_by")
    list_display_links = ("code", "name")
    list_filter = ("state",)
    list_select_related = ("procedure__current", "decided_by")
    search_fields = ("procedure__code",)
    ordering = ("state", "-created_at")

    @admin.display(description=gettext_lazy("Mã thủ tục"), ordering="procedure__code")
    def code(self, update: NationalUpdate) -> str:
        """The national code."""
        return update.procedure.code

    @admin.display(description=gettext_lazy("Tên"))
    def name(self, update: NationalUpdate) -> str:
        """Its usual name."""
        current = update.procedure.current
        return current.short_name if current else update.definition.get("short_name", "")

    @admin.display(description=gettext_lazy("Người xem"))
    def seen_by(self, update: NationalUpdate) -> str:
        """Whoever decided."""
        return full_name(update.decided_by)

    def get_queryset(self, request: HttpRequest) -> QuerySet[NationalUpdate]:
        """Without the definitions, which a list does not show."""
        return super().get_queryset(request).defer("procedure__current__definition")

    def get_urls(self) -> list:
        """Deciding is a POST."""
        view = for_editors(require_POST(self.decide_view))
        return [
            path(
                "<int:pk>/xem-xong/",
                self.admin_site.admin_view(view),
                name="procedures_nationalupdate_decide",
            ),
            *super().get_urls(),
        ]

    def page_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The differences, and what to do about them."""
        update = get_object_or_404(
            NationalUpdate.objects.select_related("procedure__current", "decided_by"), pk=pk
        )
        ours = update.procedure.current or update.procedure.revisions.order_by("-number").first()
        context = {
            **self.context(request, str(update)),
            "update": update,
            "ours": ours,
            "differences": against_the_nation(ours, update),
        }
        return render(request, "admin/procedures/nationalupdate/page.html", context)

    def decide_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Note that somebody has looked: the office's own text is changed by hand, or stays."""
        is_taken = request.POST.get("state") == NationalUpdate.State.TAKEN
        state = NationalUpdate.State.TAKEN if is_taken else NationalUpdate.State.DISMISSED
        update = get_object_or_404(NationalUpdate.objects.select_related("procedure"), pk=pk)
        open_one = NationalUpdate.objects.filter(pk=pk, state=NationalUpdate.State.OPEN)
        decided = open_one.update(state=state, decided_at=timezone.now(), decided_by=request.user)
        if not decided:
            messages.error(request, _("Thay đổi này đã có người xem."))
        elif is_taken:
            latest = update.procedure.revisions.order_by("-number").first()
            messages.success(request, _("Hãy sửa các mục đã nêu rồi lưu thành bản thảo."))
            address = reverse("admin:procedures_revision_edit", args=[latest.pk])
            return redirect(f"{address}?quoc-gia={update.pk}")
        else:
            messages.success(request, _("Đã ghi nhận: giữ nguyên bản của cơ quan."))
        return redirect("admin:procedures_nationalupdate_changelist")
