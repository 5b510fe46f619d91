"""Procedures and their revisions: drafting, previewing, publishing, and what changed.

A revision is never edited in place: what an editor writes is checked like any file and kept
as the draft of its procedure, and a second person puts it in force.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from procedures import presenting
from procedures.admin.access import CatalogueAdmin, PagedAdmin, edits_catalogue, for_editors
from procedures.formfiles import FormFileForm, forms_for
from procedures.loading import levels, retiring, sheets, starting, workbook
from procedures.loading.checking import check_text
from procedures.loading.comparing import Change, differences, shown
from procedures.loading.export import yaml_of
from procedures.loading.loads import open_dossiers
from procedures.loading.proposals import facts_of
from procedures.loading.publishing import unschedule
from procedures.loading.saving import NotTwoPeople, drafts, publish, save_draft
from procedures.loading.schema import ProcedureSpec
from procedures.loading.yamltext import Fault
from procedures.models import FormFile, FrozenError, NationalUpdate, Procedure, Revision

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

Status = Revision.Status
_BADGES = {
    Status.DRAFT: "waiting",
    Status.SCHEDULED: "working",
    Status.PUBLISHED: "done",
    Status.SUPERSEDED: "stopped",
}
LARGEST_TEXT = 300_000  # characters


class DecisionForm(forms.Form):
    """What publishing asks: the decision that puts the revision in force."""

    decision = forms.CharField(
        label=gettext_lazy("Số quyết định cho áp dụng"),
        max_length=60,
        help_text=gettext_lazy("Ví dụ: 163/QĐ-UBND"),
        error_messages={"required": gettext_lazy("Hãy ghi số quyết định.")},
    )
    use_required_attribute = False


class StartForm(forms.Form):
    """Where a new procedure begins, and in which form one wants to go on."""

    OPEN, YAML, EXCEL = "open", "yaml", "xlsx"

    code = forms.CharField(
        label=gettext_lazy("Mã thủ tục quốc gia"),
        max_length=20,
        help_text=gettext_lazy("Ví dụ: 1.001193"),
        error_messages={"required": gettext_lazy("Hãy ghi mã thủ tục.")},
    )
    similar = forms.CharField(
        label=gettext_lazy("Lấy mẫu đơn và lời lẽ từ thủ tục (không bắt buộc)"),
        max_length=20,
        required=False,
        help_text=gettext_lazy("Mã của một thủ tục tương tự đã có trên cổng."),
    )
    output = forms.ChoiceField(
        label=gettext_lazy("Rồi làm tiếp"),
        choices=(
            (OPEN, gettext_lazy("ngay trên trang này")),
            (EXCEL, gettext_lazy("trong bảng tính Excel tải về")),
            (YAML, gettext_lazy("trong tệp YAML tải về")),
        ),
        initial=OPEN,
        widget=forms.RadioSelect,
    )
    use_required_attribute = False

    def clean(self) -> dict[str, Any]:
        """Find both procedures; the definition to begin with is in `started`."""
        cleaned = super().clean()
        code, similar = cleaned.get("code", "").strip(), cleaned.get("similar", "").strip()
        facts = _facts(code)
        model = _definition(similar) if similar else None
        if similar and model is None:
            self.add_error("similar", _("Không có thủ tục %(code)s.") % {"code": similar})
        elif code and facts is None and model is None:
            self.add_error(
                "code",
                _(
                    "Danh mục quốc gia đã nạp không có mã %(code)s; hãy kiểm tra mã, hoặc chọn "
                    "một thủ tục tương tự để bắt đầu."
                )
                % {"code": code},
            )
        elif code:
            cleaned["started"] = (
                starting.from_similar(model, code, facts)
                if model
                else starting.from_national(facts)
            )
        return cleaned


def _facts(code: str) -> dict[str, Any] | None:
    """What the national catalogue says of a procedure: its newest update, or its last revision."""
    procedure = Procedure.objects.filter(code=code).first()
    if procedure is None:
        return None
    update = procedure.national_updates.order_by("-created_at").first()
    if update:
        return update.definition
    national = procedure.revisions.filter(origin=Revision.Origin.NATIONAL).order_by("-number")
    return national.values_list("definition", flat=True).first()


def _definition(code: str) -> dict[str, Any] | None:
    revision = Revision.objects.filter(procedure__code=code).order_by("-number").first()
    return revision.definition if revision else None


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
        return _download(workbook.write(definitions), "thu-tuc.xlsx")


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
            **_comparison(revision),
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
                return _as_file(form.cleaned_data["started"], code, output)
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
        return _as_file(revision.definition, revision.procedure.code, kind)

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
            **_comparison(revision),
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


def against_the_nation(ours: Revision | None, update: NationalUpdate) -> list[dict[str, str]]:
    """How the office's own facts differ from those of a proposal."""
    old, new = facts_of(ours.definition if ours else {}), facts_of(update.definition)
    return [in_words(change) for change in differences(old, new)]


def _line(text: str, number: int) -> str:
    """A line of a text (from 1), short: the page has no numbers beside the lines."""
    lines = text.splitlines()
    return Truncator(lines[number - 1].strip()).chars(90) if 0 < number <= len(lines) else ""


def full_name(person: User | None) -> str:
    """What a list says of a person; "–" for nobody."""
    return person.get_full_name() if person else "–"


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


def _comparison(revision: Revision) -> dict[str, Any]:
    """What this revision changes, against what is in force or what was before it."""
    others = revision.procedure.revisions.exclude(pk=revision.pk).exclude(status=Status.DRAFT)
    if revision.status in {Status.DRAFT, Status.SCHEDULED}:
        others = others.filter(status=Status.PUBLISHED)
    else:
        others = others.filter(number__lt=revision.number)
    compared = others.order_by("-number").first()
    changed = differences(compared.definition, revision.definition) if compared else []
    return {
        "compared": compared,
        "differences": [in_words(change) for change in changed],
        "open_dossiers": open_dossiers(compared) if compared else 0,
    }


def in_words(change: Change) -> dict[str, str]:
    """One change as a row of `_differences.html`, in the words of the workbook."""
    return {
        "key": sheets.title_of(change.key),
        "old_text": _text_of(change.key, change.old),
        "new_text": _text_of(change.key, change.new),
    }


def _text_of(key: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return sheets.value_in_words(key, value) or "\n".join(value)
    return sheets.value_in_words(key, value) or shown(key, value)


def _as_file(definition: dict[str, Any], code: str, kind: str) -> HttpResponse:
    if kind == StartForm.YAML:
        return _download(yaml_of(definition).encode(), f"{code}.yaml")
    if kind == StartForm.EXCEL:
        return _download(workbook.write([definition]), f"{code}.xlsx")
    raise Http404


def _download(content: bytes, name: str) -> HttpResponse:
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    content_type = kind if name.endswith(".xlsx") else "application/yaml; charset=utf-8"
    disposition = f'attachment; filename="{name}"'
    return HttpResponse(
        content, content_type=content_type, headers={"Content-Disposition": disposition}
    )


def _list_url() -> str:
    return reverse("admin:procedures_revision_changelist")


def _page_url(revision: Revision) -> str:
    return reverse("admin:procedures_revision_change", args=[revision.pk])
