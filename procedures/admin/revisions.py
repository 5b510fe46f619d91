"""Procedures and their revisions: drafting, previewing, publishing, and what changed.

A revision is never edited in place: what an editor writes is checked like any file and kept
as the draft of its procedure, and a second person puts it in force.
"""

from __future__ import annotations

import re
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from procedures import presenting
from procedures.admin.access import PagedAdmin, for_editors, full_name
from procedures.admin.differing import against_the_nation, comparison
from procedures.admin.downloads import as_file
from procedures.admin.editorforms import DecisionForm, StartForm
from procedures.formfiles import forms_for
from procedures.loading import levels, retiring
from procedures.loading.checking import check_text
from procedures.loading.export import yaml_of
from procedures.loading.loads import open_dossiers
from procedures.loading.publishing import unschedule
from procedures.loading.saving import NotTwoPeople, drafts, publish, save_draft
from procedures.loading.schema import ProcedureSpec
from procedures.loading.yamltext import Fault
from procedures.models import FrozenError, NationalUpdate, Revision

Status = Revision.Status
_BADGES = {
    Status.DRAFT: "waiting",
    Status.SCHEDULED: "working",
    Status.PUBLISHED: "done",
    Status.SUPERSEDED: "stopped",
}
LARGEST_TEXT = 300_000  # characters


@admin.register(Revision)
class RevisionAdmin(PagedAdmin):
    """Revisions: the work of catalogue editors."""

    list_display = ("code", "short_name", "number", "status", "service_level", "effective_from",
                    "written_by")  # fmt: skip
    list_display_links = ("code", "short_name")
    list_filter = ("status", "origin", "service_level")
    list_select_related = ("procedure", "created_by")
    search_fields = ("procedure__code", "short_name", "name")
    ordering = ("-created_at", "-pk")
    list_per_page = 50
    change_list_template = "admin/procedures/revision/change_list.html"

    @admin.display(description=gettext_lazy("Mã thủ tục"), ordering="procedure__code")
    def code(self, revision: Revision) -> str:
        """The national code."""
        return revision.procedure.code

    @admin.display(description=gettext_lazy("Người soạn"))
    def written_by(self, revision: Revision) -> str:
        """Whoever wrote it; nobody where the national catalogue did."""
        return full_name(revision.created_by)

    def get_urls(self) -> list:
        """One address for each thing that an editor does."""
        views = (
            ("tao-moi/", self.start_view, "start"),
            ("soan/", self.write_view, "write"),
            ("<int:pk>/sua/", self.edit_view, "edit"),
            ("<int:pk>/xem-truoc/", require_safe(self.preview_view), "preview"),
            ("<int:pk>/cong-bo/", self.publish_view, "publish"),
            ("<int:pk>/huy-hen/", require_POST(self.unschedule_view), "unschedule"),
            ("<int:pk>/bo/", require_POST(self.drop_view), "drop"),
            ("<int:pk>/ngung/", self.retire_view, "retire"),
            ("<int:pk>/da-ngung/", require_POST(self.retired_view), "retired"),
            ("<int:pk>/thu-tuc.<str:kind>", require_safe(self.file_view), "file"),
        )
        return [
            path(
                route,
                self.admin_site.admin_view(for_editors(view)),
                name=f"procedures_revision_{name}",
            )
            for route, view, name in views
        ] + super().get_urls()

    def page_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One revision: which level it reaches, what it changes, what can be done with it."""
        revision = self._get_revision(pk)
        spec = ProcedureSpec.model_validate(revision.definition)
        is_draft = revision.status == Status.DRAFT
        is_own = revision.created_by_id == request.user.pk
        others = revision.procedure.revisions.exclude(pk=revision.pk).order_by("-number")
        retirement = getattr(revision, "retirement", None)
        context = {
            **self.context(request, str(revision)),
            **comparison(revision),
            "revision": revision,
            "retirement": retirement,
            "can_retire": retirement and retirement.proposed_by_id != request.user.pk,
            "badge": _BADGES[Status(revision.status)],
            "can_publish": is_draft and not is_own,
            "is_own_draft": is_draft and is_own,
            "level_lines": levels.report(spec).lines(),
            "others": list(others[:20]),
        }
        return render(request, "admin/procedures/revision/page.html", context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Revision]:
        """All but the drafts of a load that is still being written."""
        hidden = Revision.objects.filter(status=Status.DRAFT).exclude(pk__in=drafts().values("pk"))
        return super().get_queryset(request).exclude(pk__in=hidden.values("pk"))

    def _get_revision(self, pk: int) -> Revision:
        rows = Revision.objects.select_related("procedure", "created_by", "published_by")
        return get_object_or_404(rows, pk=pk)

    # --- Writing ---

    def start_view(self, request: HttpRequest) -> HttpResponse:
        """Begin a procedure from the national catalogue, or from a similar one."""
        form = StartForm(request.POST or None)
        if form.is_valid():
            code, output = form.cleaned_data["code"], form.cleaned_data["output"]
            if output != StartForm.OPEN:
                return as_file(form.cleaned_data["started"], code, output)
            text = yaml_of(form.cleaned_data["started"])
            return self._editor(request, text, action=reverse("admin:procedures_revision_write"))
        context = self.context(request, _("Tạo thủ tục mới"))
        context |= {"form": form, "button": _("Bắt đầu"), "back_url": _list_url()}
        return render(request, "admin/procedures/revision/start.html", context)

    def write_view(self, request: HttpRequest) -> HttpResponse:
        """Check what was written and keep it as a draft; a GET offers an empty page."""
        if request.method != "POST":
            return self._editor(request, "")
        return self._keep(request, back_url=_list_url())

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The text of a revision, to write a new draft from it.

        A draft that was replaced or dropped meanwhile takes nobody's text with it.
        """
        if request.method == "POST" and not Revision.objects.filter(pk=pk).exists():
            return self._keep(request, back_url=_list_url(), begun_from=pk)
        revision = self._get_revision(pk)
        back_url = _page_url(revision)
        if request.method == "POST":
            code = revision.procedure.code
            return self._keep(request, back_url=back_url, code=code, begun_from=pk)
        return self._editor(request, yaml_of(revision.definition), back_url=back_url)

    def _editor(
        self, request: HttpRequest, text: str, *, status: int = 200, **more: Any
    ) -> HttpResponse:
        context = self.context(request, _("Soạn thủ tục"))
        context |= {"text": text, "back_url": _list_url(), "replaces": _seen(request), **more}
        context["faults"] = [
            {"fault": fault, "found": _line(text, fault.line)} for fault in more.get("faults", ())
        ]
        context["proposed"] = _proposed(request)
        status = 422 if more.get("faults") else status
        return render(request, "admin/procedures/revision/edit.html", context, status=status)

    def _keep(
        self, request: HttpRequest, *, back_url: str, code: str = "", begun_from: int = 0
    ) -> HttpResponse:
        text = request.POST.get("text", "")
        if len(text) > LARGEST_TEXT:
            fault = Fault("", 1, _("Nội dung dài quá; hãy nạp bằng cách tải tệp lên."))
            return self._editor(request, text, back_url=back_url, faults=[fault])
        document, spec = check_text(text, _("tệp"))
        if spec and code and spec.code != code:
            document.fault(("code",), _("Đây là bản của thủ tục %(code)s.") % {"code": code})
            spec = None
        lines = levels.report(spec).lines() if spec else []
        if spec is None or request.POST.get("only") == "check":
            if spec:
                messages.success(request, _("Không có lỗi; chưa lưu."))
            return self._editor(
                request, text, back_url=back_url, faults=document.faults, level_lines=lines
            )
        other = _other_draft(spec.code, seen={begun_from, _seen(request)})
        if other:
            messages.warning(request, _would_replace(other))
            return self._editor(request, text, back_url=back_url, status=409, replaces=other.pk)
        revision = save_draft(spec, by=request.user)
        if revision is None:
            messages.info(request, _("Không khác bản đang áp dụng, nên không có bản thảo mới."))
            return redirect(_list_url())
        messages.success(request, _("Đã lưu bản thảo; một người khác phải xem và công bố."))
        return redirect(_page_url(revision))

    # --- Reading ---

    def preview_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The procedure's page as citizens would see it with this revision in force."""
        revision = self._get_revision(pk)
        procedure = revision.procedure
        procedure.current = revision
        context = presenting.page_context(procedure)
        context |= {"forms": forms_for(procedure, revision), "is_preview": True}
        return render(request, "procedures/detail.html", context)

    def file_view(self, request: HttpRequest, pk: int, kind: str) -> HttpResponse:
        """The revision as a file to work on."""
        revision = self._get_revision(pk)
        return as_file(revision.definition, revision.procedure.code, kind)

    # --- In force ---

    def publish_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Put a draft in force, now or on its day; by another person than its writer."""
        revision = self._get_revision(pk)
        form = DecisionForm(request.POST or None)
        if form.is_valid() and self._publishes(request, revision, form):
            return redirect(_page_url(revision))
        is_later = bool(revision.effective_from and revision.effective_from > timezone.localdate())
        context = {
            **self.context(request, _("Công bố")),
            **comparison(revision),
            "revision": revision,
            "form": form,
            "is_later": is_later,
            "publish_label": _("Hẹn ngày áp dụng") if is_later else _("Công bố và áp dụng"),
            "back_url": _page_url(revision),
        }
        status = 409 if form.is_bound else 200
        return render(request, "admin/procedures/revision/publish.html", context, status=status)

    def _publishes(self, request: HttpRequest, revision: Revision, form: DecisionForm) -> bool:
        try:
            publish(revision, by=request.user, decision=form.cleaned_data["decision"])
        except NotTwoPeople as error:
            form.add_error(None, str(error))
            return False
        except FrozenError:
            form.add_error(None, _("Bản này đã được công bố hoặc thay thế trước đó."))
            return False
        later = _("Đã duyệt; bản này sẽ tự có hiệu lực vào ngày đã hẹn.")
        waits = revision.status == Status.SCHEDULED
        messages.success(request, later if waits else _("Đã công bố."))
        return True

    def unschedule_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take back the appointment of a revision that is not in force yet."""
        revision = self._get_revision(pk)
        if unschedule(revision):
            messages.success(request, _("Đã hủy hẹn; bản này lại là bản thảo."))
        else:
            messages.error(request, _("Bản này không còn chờ ngày áp dụng."))
        return redirect(_page_url(revision))

    def retire_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Propose to take a procedure out of force, with the decision that says so."""
        revision = self._get_revision(pk)
        form = DecisionForm(request.POST or None)
        if form.is_valid():
            try:
                decision = form.cleaned_data["decision"]
                retiring.propose(revision, decision=decision, by=request.user)
            except retiring.NotInForce as error:
                form.add_error(None, str(error))
            else:
                messages.success(request, _("Đã đề nghị; một người khác phải xác nhận."))
                return redirect(_page_url(revision))
        context = self.context(request, _("Ngừng áp dụng"))
        context |= {"revision": revision, "form": form, "back_url": _page_url(revision)}
        context["open_dossiers"] = open_dossiers(revision)
        status = 409 if form.is_bound else 200
        return render(request, "admin/procedures/revision/retire.html", context, status=status)

    def retired_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A second person confirms the end of a procedure, or the proposal is dropped."""
        revision = self._get_revision(pk)
        try:
            if "take_back" in request.POST:
                retiring.take_back(revision)
                messages.success(request, _("Đã bỏ đề nghị ngừng áp dụng."))
            else:
                retiring.confirm(revision, by=request.user)
                messages.success(request, _("Đã ngừng áp dụng thủ tục này."))
        except (retiring.NotInForce, NotTwoPeople) as error:
            messages.error(request, str(error))
        return redirect(_page_url(revision))

    def drop_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Delete a draft."""
        revision = self._get_revision(pk)
        with transaction.atomic():
            drafted = Revision.objects.select_for_update().filter(pk=pk, status=Status.DRAFT)
            locked = drafted.first()
            if locked:
                locked.delete()
        if locked is None:
            messages.error(request, _("Chỉ bỏ được bản thảo."))
            return redirect(_page_url(revision))
        messages.success(request, _("Đã bỏ bản thảo."))
        return redirect(_list_url())


def _proposed(request: HttpRequest) -> list[dict[str, str]]:
    """What the national catalogue says otherwise, beside the text that is to follow it."""
    pk = request.GET.get("quoc-gia", "")
    updates = NationalUpdate.objects.select_related("procedure__current")
    update = updates.filter(pk=pk).first() if re.fullmatch("[0-9]{1,9}", pk) else None
    if update is None:
        return []
    ours = update.procedure.current or update.procedure.revisions.order_by("-number").first()
    return against_the_nation(ours, update)


def _line(text: str, number: int) -> str:
    """A line of a text (from 1), short: the page has no numbers beside the lines."""
    lines = text.splitlines()
    return Truncator(lines[number - 1].strip()).chars(90) if 0 < number <= len(lines) else ""


def _seen(request: HttpRequest) -> int:
    """The draft that the writer knows will be replaced by theirs; 0 for none."""
    pk = request.POST.get("replaces", "")
    return int(pk) if re.fullmatch("[0-9]{1,18}", pk) else 0


def _other_draft(code: str, *, seen: set[int]) -> Revision | None:
    """The office's draft of a procedure that a new one would replace, and its writer not know."""
    own = drafts().filter(procedure__code=code, origin=Revision.Origin.OFFICE)
    return own.exclude(pk__in=seen).select_related("created_by").order_by("-number").first()


def _would_replace(draft: Revision) -> str:
    who = draft.created_by.get_full_name() if draft.created_by else _("tệp nạp vào")
    at = timezone.localtime(draft.created_at)
    return _(
        "Chưa lưu: thủ tục này đã có bản thảo số %(number)d (%(who)s, %(at)s). Hãy xem bản đó; "
        "lưu lần nữa thì bản của ông/bà thay nó."
    ) % {"number": draft.number, "who": who, "at": f"{at:%H:%M %d/%m/%Y}"}


def _list_url() -> str:
    return reverse("admin:procedures_revision_changelist")


def _page_url(revision: Revision) -> str:
    return reverse("admin:procedures_revision_change", args=[revision.pk])
