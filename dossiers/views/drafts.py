"""The citizen's pages for filling in a draft and filing it."""

from __future__ import annotations

import functools
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dossiers import (
    answers,
    attachments,
    drafting,
    exemptions,
    expiry,
    filing,
    participants,
    prefill,
    typed,
    workflow,
)
from dossiers import documents as papers
from dossiers.forms import (
    FilingForm,
    OfficeForm,
    PersonsSectionForm,
    RepeatedSection,
    StartForm,
    build_section_form,
    communes_for,
)
from dossiers.models import Dossier, Participant
from dossiers.models.keys import new_key
from dossiers.typed import keeps_typed
from dossiers.views.uploads import store_files
from procedures.fees import total
from procedures.formspec.spec import Section, walk
from procedures.formspec.webform import asked_sections, is_asked, warnings
from procedures.models import Procedure
from procedures.presenting import closed_reason, page_context
from procedures.recalled import recall

# What the pages need beside the draft and its revision; a section needs none of it to be saved.
_PAPERS = ("revision__documents", "attachments")
_FEES = ("revision__fees__channels",)
_GROUNDS = "exemption-grounds"  # in the session: those named on the checklist, by procedure
# What the catalogue's own pages show of a revision; `definition` is recalled by its digest.
_UNREAD = tuple(
    f"revision__{name}"
    for name in (
        "definition", "also_called", "summary", "audience", "conditions", "decision",
        "partial_reason", "publish_decision",
    )
)  # fmt: skip


def get_draft(request: HttpRequest, key: str, *prefetch: str) -> Dossier:
    """This person's own draft, at the revision in force; 404 for anybody else's.

    One who takes part in a dossier reads it and agrees to it, but does not fill it in.
    """
    draft = get_object_or_404(
        Dossier.objects.drafts_of(request.user)
        .select_related("revision__procedure")
        .defer(*_UNREAD)
        .prefetch_related(*prefetch),
        key=key,
    )
    draft.owner = request.user
    recall(draft.revision)
    if filing.renew_revision(draft):
        messages.info(request, _("Thủ tục vừa có bản mới; hãy kiểm tra lại các phần đã điền."))
    return draft


def or_what_it_became(view: typed.View) -> typed.View:
    """A page of a draft that was filed meanwhile leads to its dossier, with a word about it."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, key: str, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, key, *args, **kwargs)
        except Http404:
            filed = _already_filed(request, key)
            if filed is None:
                raise
        messages.info(request, _("Hồ sơ này đã nộp nên không sửa ở bản nháp được nữa."))
        return redirect(filed)

    return wrapped


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
    """What one needs before starting; a POST leads to the draft, a new one if there is none."""
    procedure = get_object_or_404(Procedure.objects.for_page(), code=code)
    reason = closed_reason(procedure.current)
    if "dien" in request.GET:  # from the checklist, for the last page of the draft
        request.session[_GROUNDS] = {code: [request.GET["dien"][:40]]}
    form = StartForm(_posted(request), earlier=prefill.offered(request.user))
    if request.method == "POST" and not reason and form.is_valid():
        try:
            draft = _begin(request, procedure, form)
        except filing.TooManyDrafts:
            return _too_many_drafts(request)
        return redirect(draft)
    drafts = Dossier.objects.drafts_of(request.user).filter(revision__procedure=procedure)
    drafts = drafts.order_by("-updated_at")
    context = {**page_context(procedure), "drafts": drafts[:5], "closed_reason": reason}
    context |= {"form": form, "form_key": new_key()}
    return render(request, "dossiers/start.html", context)


def _begin(request: HttpRequest, procedure: Procedure, form: StartForm) -> Dossier:
    return filing.begin(
        procedure,
        by=request.user,
        form_key=request.POST.get("form_key", ""),
        another="another" in request.POST,
        earlier=form.cleaned_data["earlier"],
    )


def _too_many_drafts(request: HttpRequest) -> HttpResponse:
    messages.warning(
        request,
        _("Ông/bà đang có %(most)d bản nháp; hãy nộp hoặc xóa bớt trước khi bắt đầu hồ sơ mới.")
        % {"most": filing.MAX_DRAFTS},
    )
    return redirect("dossiers:mine")


@login_required
@require_POST
def copy(request: HttpRequest, code: str) -> HttpResponse:
    """Begin a new draft with the answers of an old dossier, as far as today's form takes them."""
    filed = Dossier.objects.visible_to(request.user).exclude(state=Dossier.State.DRAFT)
    dossier = get_object_or_404(
        filed.select_related("revision__procedure__current__procedure"), code=code
    )
    current = dossier.revision.procedure.current
    reason = closed_reason(current) if current else _("Thủ tục này không còn được áp dụng.")
    if reason:
        messages.warning(request, reason)
        return redirect(dossier)
    try:
        draft = filing.copy(dossier, by=request.user)
    except filing.TooManyDrafts:
        return _too_many_drafts(request)
    messages.info(
        request,
        _("Đã chép từ hồ sơ %(code)s. Xin kiểm tra từng phần; lời cam đoan và tệp không chép theo.")
        % {"code": dossier.code},
    )
    return redirect(draft)


@login_required
@require_GET
@or_what_it_became
def draft(request: HttpRequest, key: str) -> HttpResponse:
    """The task list of a draft: what is done, what is left; to read for those invited to it."""
    try:
        dossier = get_draft(request, key, *_PAPERS)
    except Http404:
        if not Participant.objects.active().filter(user=request.user, dossier__key=key).exists():
            raise
        return redirect("dossiers:shared_draft", key)
    steps = drafting.draft_steps(dossier, typed=typed.pages(request))
    context = {
        "dossier": dossier,
        "steps": drafting.asked(steps),
        "next": drafting.first_left(steps),
        "expires_at": expiry.expires_at(dossier),
        "people": participants.of_draft(dossier),
    }
    return render(request, "dossiers/draft.html", context)


@login_required
@require_http_methods(["GET", "POST"])
@or_what_it_became
def office(request: HttpRequest, key: str) -> HttpResponse:
    """Which office handles it, by an answer such as where the parents live."""
    dossier = get_draft(request, key, *_PAPERS)
    form = OfficeForm(_posted(request), dossier=dossier)
    if request.method == "POST" and form.is_valid():
        filing.set_office(dossier, form.cleaned_data["office"])
        _keep(dossier, "handling_agency", "receiving_agency")
        return _onwards(request, dossier, "office")
    return _page(request, dossier, "office", "dossiers/office.html", form=form)


@keeps_typed
@require_http_methods(["GET", "POST"])
@or_what_it_became
def section(request: HttpRequest, key: str, section_id: str) -> HttpResponse:
    """One page of the form."""
    dossier = get_draft(request, key)
    spec = dossier.revision.form.section(section_id)
    if spec is None:
        raise Http404
    if not is_asked(spec, dossier.answers):
        if request.method == "POST":
            typed.keep(request)  # another tab may have changed what leads here, and change it back
        messages.info(request, _("Theo các câu trả lời khác, ông/bà không phải điền phần này."))
        return redirect(dossier)
    if request.method == "POST":
        return _save_section(request, dossier, spec)
    kept = typed.of(request)
    form = build_section_form(spec, dossier.answers, None, typed=kept)
    return _section_page(request, dossier, spec, form, kept)


def _save_section(request: HttpRequest, dossier: Dossier, spec: Section) -> HttpResponse:
    """Keep what was sent and go on; the page again where something of it cannot be kept."""
    form = build_section_form(spec, dossier.answers, request.POST)
    if isinstance(form, RepeatedSection) and form.change_rows(request.POST):
        return _section_page(request, dossier, spec, form, request.POST)
    form.check_references(request.user)
    rests = "pause" in request.POST
    if not form.is_valid() and not rests:
        return _section_page(request, dossier, spec, form, request.POST)
    seen = request.POST.get("seen", "")
    try:
        filing.save_answers(dossier, spec.id, form.answer(), seen=seen)
    except Dossier.DoesNotExist:
        raise Http404 from None
    except filing.Changed:
        return _both_versions(request, dossier, spec, form)
    typed.forget(request)
    return _rest(request, dossier, spec, form) if rests else _onwards(request, dossier, spec.id)


def _rest(
    request: HttpRequest,
    dossier: Dossier,
    spec: Section,
    form: PersonsSectionForm | RepeatedSection,
) -> HttpResponse:
    """Leave the page half done: what cannot be an answer yet is kept as it was typed."""
    if form.is_valid():
        messages.success(request, _("Đã lưu. Ông/bà có thể nghỉ và quay lại sau."))
    elif typed.keep(request, seen=filing.digest(dossier.answers.get(spec.id))):
        messages.success(request, _("Đã lưu, kể cả những ô chưa điền xong; hẹn ông/bà quay lại."))
    return redirect(dossier)


def _section_page(
    request: HttpRequest,
    dossier: Dossier,
    spec: Section,
    form: PersonsSectionForm | RepeatedSection,
    sent: QueryDict | None,
) -> HttpResponse:
    """The page of a section; `sent` is what was typed in it and not saved."""
    # A page that comes back must still know what it showed when it was drawn first.
    seen = (sent or {}).get("seen") or filing.digest(dossier.answers.get(spec.id))
    return _page(
        request, dossier, spec.id, "dossiers/section.html", form=form, section=spec, seen=seen,
        kept=sent if request.method == "GET" else None,
        communes=communes_for(spec, dossier), own_dossiers=_own_dossiers(request, spec),
    )  # fmt: skip


def _both_versions(
    request: HttpRequest,
    dossier: Dossier,
    spec: Section,
    form: PersonsSectionForm | RepeatedSection,
) -> HttpResponse:
    """What another tab saved beside what was typed here: the person chooses, nothing is lost."""
    sent = [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name not in {"csrfmiddlewaretoken", "seen"}
    ]
    return _page(
        request, dossier, spec.id, "dossiers/changed.html", section=spec, sent=sent,
        rows=answers.side_by_side(spec, dossier.answers.get(spec.id), form.answer()),
        seen=filing.digest(dossier.answers.get(spec.id)),
    )  # fmt: skip


def _own_dossiers(request: HttpRequest, spec: Section) -> list[Dossier]:
    """The person's own dossiers to choose from, where the page asks for one."""
    if "dossier" not in {field.type for _path, field in walk(spec.fields)}:
        return []
    return prefill.offered(request.user)


@login_required
@require_http_methods(["GET", "POST"])
@or_what_it_became
def documents(request: HttpRequest, key: str) -> HttpResponse:
    """The papers to attach: each file is stored at once, so none is lost on the way back."""
    dossier = get_draft(request, key, *_PAPERS)
    errors: dict[str, str] = {}
    if request.method == "POST":
        errors = store_files(request, dossier)
        dossier = get_draft(request, key, *_PAPERS)
        if not errors and "add" not in request.POST:
            missing = papers.missing_documents(dossier)
            if not missing:
                return _onwards(request, dossier, "documents")
            errors = {row.key: _("Hãy đính kèm: %(name)s.") % {"name": row.name} for row in missing}
        elif not errors:
            return redirect(request.get_full_path())
    return _page(
        request, dossier, "documents", "dossiers/documents.html",
        rows=papers.document_rows(dossier, errors), errors=errors,
        wallet=papers.wallet(request.user), use_url=reverse("dossiers:use_paper", args=[key]),
    )  # fmt: skip


@login_required
@require_http_methods(["GET", "POST"])
def check(request: HttpRequest, key: str) -> HttpResponse:
    """All answers on one page, each with a way back; a POST files the dossier.

    The draft's key is the idempotency key: sent again, it leads to the dossier that the
    first POST made.
    """
    if filed_already := _already_filed(request, key):
        return _after_filing(filed_already)
    dossier = get_draft(request, key, *_PAPERS, *_FEES)
    seen = drafting.fingerprint(dossier)
    form = FilingForm(_posted(request), dossier=dossier)
    form.initial["grounds"] = request.session.get(_GROUNDS, {}).get(dossier.revision.procedure.code)
    if request.method == "POST" and form.offers_exemptions:
        _keep_proof(request, dossier, form)
    if request.method == "POST" and request.POST.get("seen", seen) != seen:
        messages.warning(request, _("Hồ sơ đã thay đổi từ lúc mở trang này; xin đọc lại rồi nộp."))
    elif request.method == "POST" and form.is_valid():
        filed = _file(request, dossier, form)
        if filed is not None:
            return _after_filing(filed)
    lines = filing.charges(dossier)
    return _page(
        request, dossier, "check", "dossiers/check.html",
        sections=answers.answer_sections(dossier, edit=True),
        documents=papers.document_rows(dossier, {}),
        problems=filing.problems(dossier, now=timezone.now()),
        warnings=warnings(dossier.revision.form, dossier.answers),
        form=form, seen=seen, lines=lines, total=total(lines),
        redirection=drafting.redirection(dossier),
        people=participants.of_draft(dossier),
        proofs=_proofs(dossier) if form.offers_exemptions else [],
    )  # fmt: skip


def _keep_proof(request: HttpRequest, dossier: Dossier, form: FilingForm) -> None:
    """Keep what proves an exemption at once, whatever else is wrong with the page."""
    file = request.FILES.get("proof")
    if file is None:
        return
    form.full_clean()
    try:
        attachments.store(
            dossier, exemptions.PROOF, file, by=request.user, max_files=exemptions.MAX_PROOFS
        )
    except ValidationError as error:
        form.add_error("proof", error.messages)
    dossier._prefetched_objects_cache.pop("attachments", None)


def _proofs(dossier: Dossier) -> list[dict[str, Any]]:
    rows = dossier.attachments.all()
    return [papers.file_row(row) for row in rows if row.document == exemptions.PROOF]


def _file(request: HttpRequest, dossier: Dossier, form: FilingForm) -> Dossier | None:
    """The filed dossier, whoever of several clicks filed it; None where it stays a draft."""
    if filing.files_too_fast(request.user):
        messages.error(request, _("Ông/bà vừa nộp rất nhiều hồ sơ; xin nộp tiếp sau một giờ nữa."))
        return None
    dossier.delivery = form.cleaned_data["delivery"]
    dossier.delivery_address = form.address()
    _keep(dossier, "delivery", "delivery_address")
    try:
        return workflow.perform(
            dossier, "submit", by=request.user, declared=True, exemption=form.claimed()
        )
    except workflow.Refused as error:
        filed_already = _already_filed(request, dossier.key)
        if filed_already is None:
            messages.error(request, str(error))
        return filed_already


def _after_filing(dossier: Dossier) -> HttpResponse:
    if dossier.state == Dossier.State.PAYMENT_REQUIRED:
        return redirect("payments:start", dossier.code)
    return redirect("dossiers:filed", dossier.code)


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
@or_what_it_became
def discard(request: HttpRequest, key: str) -> HttpResponse:
    """Throw a draft away, after asking."""
    dossier = get_draft(request, key)
    if request.method == "POST":
        attachments.discard(dossier)
        messages.success(request, _("Đã xóa bản nháp."))
        return redirect("dossiers:mine")
    return render(request, "dossiers/discard.html", {"dossier": dossier})


def _page(
    request: HttpRequest, dossier: Dossier, current: str, template: str, **context: Any
) -> HttpResponse:
    """A page of the wizard with its list of steps."""
    steps = drafting.draft_steps(dossier, here=current, typed=typed.pages(request))
    context |= {"dossier": dossier, "outline": steps, "steps": drafting.asked(steps)}
    context |= {"current": current, "previous": drafting.step_before(steps, current)}
    return render(request, template, context)


def _onwards(request: HttpRequest, dossier: Dossier, current: str) -> HttpResponse:
    """The next page; straight back to the check page for one who came from there."""
    other = drafting.redirection(dossier)
    if other and current in {
        row.id for row in asked_sections(dossier.revision.form, dossier.answers)
    }:
        return render(request, "dossiers/redirected.html", {"dossier": dossier, "other": other})
    if request.GET.get("sua"):
        # One page at a time until nothing is left, and then to the check page.
        left = drafting.first_left(drafting.draft_steps(dossier))
        return redirect(left.url if left.id == "check" else f"{left.url}?sua=1")
    following = drafting.section_after(dossier, current)
    return redirect(following or drafting.step_after(drafting.draft_steps(dossier), current).url)
