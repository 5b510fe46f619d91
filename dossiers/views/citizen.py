"""The citizen's pages: filling a draft, filing it, following it."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dossiers import attachments, filing, presenting, workflow
from dossiers.forms import DeliveryForm, OfficeForm, RepeatedSection, build_section_form
from dossiers.models import Attachment, Dossier
from procedures.fees import total
from procedures.formspec.lists import commune_suggestions
from procedures.formspec.spec import Section, walk
from procedures.formspec.webform import asked_sections, is_asked, warnings
from procedures.models import Procedure
from procedures.presenting import closed_reason, page_context

PAGE_SIZE = 20


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


def _get_dossier(request: HttpRequest, code: str) -> Dossier:
    """This person's filed dossier; 404 for anybody else's."""
    return get_object_or_404(Dossier.objects.visible_to(request.user).for_page(), code=code)


def _posted(request: HttpRequest) -> QueryDict | None:
    """What was sent, however little; None for a page that is only looked at."""
    return request.POST if request.method == "POST" else None


@login_required
@require_GET
def mine(request: HttpRequest) -> HttpResponse:
    """All of one's dossiers and drafts, the newest first."""
    dossiers = Dossier.objects.visible_to(request.user).for_list()
    page = Paginator(dossiers, PAGE_SIZE).get_page(request.GET.get("trang"))
    return render(request, "dossiers/mine.html", {"page": page})


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
    steps = presenting.draft_steps(dossier)
    context = {
        "dossier": dossier,
        "steps": steps,
        "current": "",
        "next": presenting.first_left(steps),
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
            missing = presenting.missing_documents(dossier)
            if not missing:
                return _onwards(request, dossier, "documents")
            errors = {row.key: _("Hãy đính kèm: %(name)s.") % {"name": row.name} for row in missing}
        elif not errors:
            return redirect(request.get_full_path())
    rows = presenting.document_rows(dossier, errors)
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
    seen = presenting.fingerprint(dossier)
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
        sections=presenting.answer_sections(dossier, edit=True),
        documents=presenting.document_rows(dossier, {}),
        problems=filing.problems(dossier, now=timezone.now()),
        warnings=warnings(dossier.revision.form, dossier.answers),
        delivery=delivery, seen=seen, lines=lines, total=total(lines),
        redirection=presenting.redirection(dossier),
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
    steps = presenting.draft_steps(dossier)
    context |= {"dossier": dossier, "steps": steps, "current": current}
    context["previous"] = presenting.step_before(steps, current)
    return render(request, template, context)


def _onwards(request: HttpRequest, dossier: Dossier, current: str) -> HttpResponse:
    """The next page; straight back to the check page for one who came from there."""
    other = presenting.redirection(dossier)
    if other and current in {
        row.id for row in asked_sections(dossier.revision.form, dossier.answers)
    }:
        return render(request, "dossiers/redirected.html", {"dossier": dossier, "other": other})
    steps = presenting.draft_steps(dossier)
    if request.GET.get("sua") and all(step.is_done for step in steps[:-1]):
        return redirect("dossiers:check", dossier.key)
    return redirect(presenting.step_after(steps, current).url)


# --- After filing ---------------------------------------------------------------------


@login_required
@require_GET
def detail(request: HttpRequest, code: str) -> HttpResponse:
    """Where the dossier is, what was and what comes next."""
    dossier = _get_dossier(request, code)
    return render(request, "dossiers/detail.html", presenting.tracking(dossier))


@login_required
@require_GET
def filed(request: HttpRequest, code: str) -> HttpResponse:
    """Filed: the code, what happens next, and by when. Can be bookmarked."""
    dossier = _get_dossier(request, code)
    return render(request, "dossiers/filed.html", presenting.tracking(dossier))


@login_required
@require_http_methods(["GET", "POST"])
def supplement(request: HttpRequest, code: str) -> HttpResponse:
    """Answer a supplement request: words, files, or both."""
    dossier = _get_dossier(request, code)
    asked = dossier.supplement_requests.filter(answered_at=None).first()
    if dossier.state != Dossier.State.SUPPLEMENT_REQUIRED or asked is None:
        return _too_late(request, dossier)
    errors: dict[str, str] = {}
    if request.method == "POST":
        errors = _store_supplement(request, dossier, asked.documents)
        if not errors and "send" in request.POST:
            answer = request.POST.get("answer", "")[:4000]
            if _perform(request, dossier, "answer_supplement", answer=answer):
                return redirect(dossier)
        # Read again, so that the page shows the files that were just kept.
        dossier = _get_dossier(request, code)
    context = {
        "dossier": dossier,
        "asked": asked,
        "rows": presenting.supplement_rows(dossier, asked, errors),
        "errors": errors,
        "answer": request.POST.get("answer", ""),
    }
    return render(request, "dossiers/supplement.html", context)


def _store_supplement(request: HttpRequest, dossier: Dossier, keys: list[str]) -> dict[str, str]:
    errors: dict[str, str] = {}
    for key in [*keys, Attachment.OTHER]:
        for file in request.FILES.getlist(key):
            try:
                attachments.store(dossier, key, file, by=request.user)
            except ValidationError as error:
                errors[key] = " ".join(error.messages)
    return errors


@login_required
@require_http_methods(["GET", "POST"])
def draft_result(request: HttpRequest, code: str) -> HttpResponse:
    """Check the draft of the result: agree, or say what is wrong."""
    dossier = _get_dossier(request, code)
    if dossier.state != Dossier.State.AWAITING_CONFIRMATION:
        return _too_late(request, dossier)
    if request.method == "POST":
        name = "confirm_draft" if "agree" in request.POST else "object_to_draft"
        if _perform(request, dossier, name, reason=request.POST.get("reason", "")[:4000]):
            return redirect(dossier)
    context = {"dossier": dossier, "reason": request.POST.get("reason", "")}
    return render(request, "dossiers/draft_result.html", context)


def _too_late(request: HttpRequest, dossier: Dossier) -> HttpResponse:
    """Back to the dossier; one who sent something is told that it was not needed any more."""
    if request.method == "POST":
        messages.warning(
            request, _("Hồ sơ đã thay đổi từ lúc mở trang; lần bấm vừa rồi không làm gì thêm.")
        )
    return redirect(dossier)


@login_required
@require_http_methods(["GET", "POST"])
def withdraw(request: HttpRequest, code: str) -> HttpResponse:
    """Take a dossier back, after asking."""
    dossier = _get_dossier(request, code)
    open_moves = {action.name for action in workflow.open_to(dossier, request.user)}
    if "withdraw" not in open_moves:
        messages.error(request, _("Hồ sơ này không rút được nữa."))
        return redirect(dossier)
    if request.method == "POST" and _perform(
        request, dossier, "withdraw", reason=request.POST.get("reason", "")[:1000]
    ):
        return redirect(dossier)
    return render(request, "dossiers/withdraw.html", {"dossier": dossier})


def _perform(request: HttpRequest, dossier: Dossier, name: str, **details: Any) -> bool:
    """Make the citizen's move; the page says it in words when it was not made."""
    version = request.POST.get("version", "")
    try:
        workflow.perform(
            dossier, name, by=request.user,
            version=int(version) if re.fullmatch("[0-9]{1,9}", version) else None, **details,
        )  # fmt: skip
    except workflow.Refused as error:
        messages.error(request, str(error))
        return False
    return True


@login_required
@require_POST
def remove_attachment(request: HttpRequest, key: str) -> HttpResponse:
    """Take a file out again, as long as it was not filed."""
    row = get_object_or_404(
        Attachment.objects.select_related("dossier").filter(submitted_at=None),
        key=key,
        dossier__owner=request.user,
    )
    try:
        attachments.remove(row)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect(row.dossier)
    messages.success(request, _("Đã xóa tệp “%(name)s”.") % {"name": row.name})
    if row.dossier.state == Dossier.State.DRAFT:
        return redirect(reverse("dossiers:documents", args=[row.dossier.key]))
    return redirect("dossiers:supplement", row.dossier.code)
