"""The citizen's pages for filling in a draft and filing it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from dossiers import answers, attachments, drafting, filing, workflow
from dossiers import documents as papers
from dossiers.forms import DeliveryForm, OfficeForm, RepeatedSection, build_section_form
from dossiers.models import Dossier
from procedures.fees import total
from procedures.formspec.lists import commune_suggestions
from procedures.formspec.spec import Section, walk
from procedures.formspec.webform import asked_sections, is_asked, warnings
from procedures.models import Procedure
from procedures.presenting import closed_reason, page_context


def _get_draft(request: HttpRequest, key: str) -> Dossier:
    """This person's draft, at the revision in force; 404 for anybody else's."""
    draft = get_object_or_404(
        Dossier.objects.visible_to(request.user)
        .filter(state=Dossier.State.DRAFT)
        .select_related(
            "revision__procedure__current", "owner", "handling_agency", "receiving_agency"
        )
        .prefetch_related("revision__documents", "revision__fees__channels", "attachments"),
        key=key,
    )
    if filing.renew_revision(draft):
        messages.info(request, _("Thủ tục vừa có bản mới; hãy kiểm tra lại các phần đã điền."))
    return draft


def _keep(draft: Dossier, *fields: str) -> None:
    """Write these columns of a draft, unless it was filed since it was read."""
    values = {name: getattr(draft, name) for name in fields}
    still_a_draft = Dossier.objects.filter(pk=draft.pk, state=Dossier.State.DRAFT)
    still_a_draft.update(**values, updated_at=timezone.now())


def _posted(request: HttpRequest) -> QueryDict | None:
    """What was sent, however little; None for a page that is only looked at."""
    return request.POST if request.method == "POST" else None


@login_required
@require_http_methods(["GET", "POST"])
def start(request: HttpRequest, code: str) -> HttpResponse:
    """What one needs before starting; a POST makes the draft."""
    procedure = get_object_or_404(Procedure.objects.for_page(), code=code)
    reason = closed_reason(procedure.current)
    if request.method == "POST" and not reason:
        draft = filing.start(procedure, by=request.user)
        return redirect("dossiers:draft", draft.key)
    drafts = Dossier.objects.visible_to(request.user).filter(
        state=Dossier.State.DRAFT, revision__procedure=procedure
    )
    context = {**page_context(procedure), "drafts": drafts, "closed_reason": reason}
    return render(request, "dossiers/start.html", context)


@login_required
@require_GET
def draft(request: HttpRequest, key: str) -> HttpResponse:
    """The task list of a draft: what is done, what is left."""
    dossier = _get_draft(request, key)
    steps = drafting.draft_steps(dossier)
    context = {
        "dossier": dossier,
        "steps": steps,
        "current": "",
        "next": drafting.first_left(steps),
    }
    return render(request, "dossiers/draft.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def office(request: HttpRequest, key: str) -> HttpResponse:
    """Which office handles it, by an answer such as where the parents live."""
    dossier = _get_draft(request, key)
    form = OfficeForm(_posted(request), dossier=dossier)
    if request.method == "POST" and form.is_valid():
        filing.set_office(dossier, form.cleaned_data["office"])
        _keep(dossier, "handling_agency", "receiving_agency")
        return _onwards(request, dossier, "office")
    return _page(request, dossier, "office", "dossiers/office.html", form=form)


@login_required
@require_http_methods(["GET", "POST"])
def section(request: HttpRequest, key: str, section_id: str) -> HttpResponse:
    """One page of the form."""
    dossier = _get_draft(request, key)
    spec = dossier.revision.form.section(section_id)
    if spec is None:
        raise Http404
    if not is_asked(spec, dossier.answers):
        messages.info(request, _("Theo các câu trả lời khác, ông/bà không phải điền phần này."))
        return redirect("dossiers:draft", dossier.key)
    data = _posted(request)
    form = build_section_form(spec, dossier.answers, data)
    if data is not None:
        changed = isinstance(form, RepeatedSection) and form.change_rows(data)
        if not changed and form.is_valid():
            try:
                filing.save_answers(dossier, spec.id, form.answer())
            except Dossier.DoesNotExist:
                return redirect("dossiers:mine")
            return _onwards(request, dossier, spec.id)
    return _page(
        request, dossier, spec.id, "dossiers/section.html", form=form, section=spec,
        communes=_suggestions(dossier, spec),
    )  # fmt: skip


def _suggestions(dossier: Dossier, spec: Section) -> list[str]:
    """The communes of the office's own province, where the page asks for an address."""
    if "address" not in {field.type for _path, field in walk(spec.fields)}:
        return []
    codes = dossier.handling_agency.area_codes if dossier.handling_agency else []
    return commune_suggestions(codes)


@login_required
@require_http_methods(["GET", "POST"])
def documents(request: HttpRequest, key: str) -> HttpResponse:
    """The papers to attach: each file is stored at once, so none is lost on the way back."""
    dossier = _get_draft(request, key)
    errors: dict[str, str] = {}
    if request.method == "POST":
        errors = _store_files(request, dossier)
        dossier = _get_draft(request, key)
        if not errors and "add" not in request.POST:
            missing = papers.missing_documents(dossier)
            if not missing:
                return _onwards(request, dossier, "documents")
            errors = {row.key: _("Hãy đính kèm: %(name)s.") % {"name": row.name} for row in missing}
        elif not errors:
            return redirect(request.get_full_path())
    rows = papers.document_rows(dossier, errors)
    return _page(request, dossier, "documents", "dossiers/documents.html", rows=rows, errors=errors)


def _store_files(request: HttpRequest, dossier: Dossier) -> dict[str, str]:
    """Keep every good file; the complaints about the others by the paper's key."""
    errors: dict[str, str] = {}
    for row in filing.to_attach(dossier):
        for file in request.FILES.getlist(row.key):
            try:
                attachments.store(dossier, row.key, file, by=request.user)
            except ValidationError as error:
                errors[row.key] = " ".join(error.messages)
    return errors


@login_required
@require_http_methods(["GET", "POST"])
def check(request: HttpRequest, key: str) -> HttpResponse:
    """All answers on one page, each with a way back; a POST files the dossier."""
    if filed_already := _already_filed(request, key):
        return redirect(filed_already)
    dossier = _get_draft(request, key)
    seen = drafting.fingerprint(dossier)
    delivery = DeliveryForm(_posted(request), dossier=dossier)
    if request.method == "POST" and request.POST.get("seen", seen) != seen:
        messages.warning(request, _("Hồ sơ đã thay đổi từ lúc mở trang này; xin đọc lại rồi nộp."))
    elif request.method == "POST" and delivery.is_valid():
        dossier.delivery = delivery.cleaned_data["delivery"]
        _keep(dossier, "delivery")
        try:
            filed_dossier = workflow.perform(dossier, "submit", by=request.user)
        except workflow.Refused as error:
            if filed_already := _already_filed(request, key):
                return redirect(filed_already)
            messages.error(request, str(error))
        else:
            if filed_dossier.state == Dossier.State.PAYMENT_REQUIRED:
                return redirect("payments:start", filed_dossier.code)
            return redirect("dossiers:filed", filed_dossier.code)
    lines = filing.charges(dossier)
    return _page(
        request, dossier, "check", "dossiers/check.html",
        sections=answers.answer_sections(dossier, edit=True),
        documents=papers.document_rows(dossier, {}),
        problems=filing.problems(dossier, now=timezone.now()),
        warnings=warnings(dossier.revision.form, dossier.answers),
        delivery=delivery, seen=seen, lines=lines, total=total(lines),
        redirection=drafting.redirection(dossier),
    )  # fmt: skip


def _already_filed(request: HttpRequest, key: str) -> Dossier | None:
    """The dossier that this draft has become: a second click files nothing."""
    return (
        Dossier.objects.visible_to(request.user)
        .exclude(state=Dossier.State.DRAFT)
        .filter(key=key)
        .first()
    )


@login_required
@require_http_methods(["GET", "POST"])
def discard(request: HttpRequest, key: str) -> HttpResponse:
    """Throw a draft away, after asking."""
    dossier = _get_draft(request, key)
    if request.method == "POST":
        attachments.discard(dossier)
        messages.success(request, _("Đã xóa bản nháp."))
        return redirect("dossiers:mine")
    return render(request, "dossiers/discard.html", {"dossier": dossier})


def _page(
    request: HttpRequest, dossier: Dossier, current: str, template: str, **context: Any
) -> HttpResponse:
    """A page of the wizard with its list of steps."""
    steps = drafting.draft_steps(dossier)
    context |= {"dossier": dossier, "steps": steps, "current": current}
    context["previous"] = drafting.step_before(steps, current)
    return render(request, template, context)


def _onwards(request: HttpRequest, dossier: Dossier, current: str) -> HttpResponse:
    """The next page; straight back to the check page for one who came from there."""
    other = drafting.redirection(dossier)
    if other and current in {
        row.id for row in asked_sections(dossier.revision.form, dossier.answers)
    }:
        return render(request, "dossiers/redirected.html", {"dossier": dossier, "other": other})
    steps = drafting.draft_steps(dossier)
    if request.GET.get("sua") and all(step.is_done for step in steps[:-1]):
        return redirect("dossiers:check", dossier.key)
    return redirect(drafting.step_after(steps, current).url)
