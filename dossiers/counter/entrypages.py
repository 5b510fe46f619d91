"""Reception's pages for a dossier that is handed in or comes by post."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dossiers import attachments, filing, filledforms, ledger, officials, typed, workflow
from dossiers.answers import side_by_side
from dossiers.attachments import MAX_FILES
from dossiers.counter import cardqr, entry, originals
from dossiers.counter.entryforms import NewEntryForm, OpenPrintedForm, Sheet
from dossiers.documents import file_row
from dossiers.models import Attachment, Dossier, Paper
from dossiers.models.keys import new_key
from dossiers.throttling import allow_key
from dossiers.views.files import download
from procedures.fees import total
from procedures.formspec.acroform import MAX_MB, Unreadable, read
from procedures.formspec.webform import asked_sections, warnings
from procedures.models import Posting, Procedure
from procedures.recalled import recall
from procedures.text import normalise

RECEPTION = {Posting.Role.RECEPTION}
# So often a page looks whether the worker has printed the papers yet, in seconds.
LOOK_AGAIN = 2
_PDFS_A_MINUTE = 30
_UNREAD_SHOWN = 5


def _desks(request: HttpRequest) -> frozenset[int]:
    """The desks of who sends a request, asked once."""
    if not hasattr(request, "_desks_today"):
        request._desks_today = entry.desks_of(request.user)
    return request._desks_today


def _page(request: HttpRequest, name: str, title: Any, status: int = 200, **context: Any):
    context |= officials.frame(request, title)
    return render(request, f"admin/dossiers/entry/{name}.html", context, status=status)


def _keeps_typed(view: officials.View) -> officials.View:
    """Mark a page of which the site keeps what was typed when the session had ended."""
    view.keeps_typed = True
    return view


# --- Where it begins ------------------------------------------------------------------------


@officials.page(
    "quay/nhap/", name="counter_entries", roles=RECEPTION, label=gettext_lazy("Tiếp nhận tại quầy")
)
@require_safe
def entries(request: HttpRequest) -> HttpResponse:
    """Which procedure is handed in, and what is typed at this desk and not filed yet."""
    query = normalise(request.GET.get("q", "")).strip()[:200]
    desks = _desks(request)
    return _page(
        request, "entries", _("Tiếp nhận tại quầy"),
        query=query, procedures=entry.procedures_at(desks, query),
        drafts=list(entry.drafts_at(desks)[:20]),
    )  # fmt: skip


@officials.page("quay/nhap/moi/<str:code>/", name="counter_new", roles=RECEPTION)
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, code: str) -> HttpResponse:
    """Who stands there and how it comes; a POST leads to the form."""
    procedure = get_object_or_404(Procedure.objects.for_page(), code=code)
    offices = entry.offices_for(procedure.current, _desks(request))
    if not offices:
        raise Http404
    data = request.POST if request.method == "POST" else None
    form = NewEntryForm(
        data, revision=procedure.current, offices=offices, files=request.FILES or None
    )
    reason = entry.why_not(procedure.current)
    if data is not None and not reason and form.is_valid():
        draft = _begin(request, procedure, form)
        if draft is not None:
            return redirect(entry.page_url(draft))
    return _page(
        request, "new", procedure.current.short_name,
        procedure=procedure, form=form, closed_reason=reason,
        form_key=(data or {}).get("form_key") or new_key(), max_mb=MAX_MB,
    )  # fmt: skip


def _begin(request: HttpRequest, procedure: Procedure, form: NewEntryForm) -> Dossier | None:
    """The draft of a valid form; None where the form now says why not."""
    given = form.cleaned_data
    try:
        answers = _answers_in(request, procedure, given["form_pdf"]) if given["form_pdf"] else None
        with transaction.atomic():
            owner = entry.person_at(
                given["channel"], full_name=given["full_name"], by=request.user,
                citizen_number=given["citizen_number"], phone=given["phone"],
            )  # fmt: skip
            return entry.begin(
                procedure, office=given["office"], channel=given["channel"], owner=owner,
                by=request.user, answers=answers, form_key=request.POST.get("form_key", ""),
            )  # fmt: skip
    except Unreadable as error:
        form.add_error("form_pdf", str(error))
    except workflow.Refused as error:
        form.add_error(None, str(error))
    return None


def _answers_in(request: HttpRequest, procedure: Procedure, file: Any) -> dict[str, Any]:
    """The answers of a filled PDF; what could not be read of it is said on the next page."""
    if not allow_key(f"filled-form:{request.user.pk}", per_minute=_PDFS_A_MINUTE):
        raise Unreadable(_("Ông/bà tải lên quá nhanh; xin đợi một phút rồi thử lại."))
    reading = read(file.read(MAX_MB * 1024 * 1024 + 1), procedure)
    words = _("Đã lấy %(count)d câu trả lời từ tờ khai PDF; xin đối chiếu với bản giấy.")
    messages.info(request, words % {"count": reading.count})
    for row in reading.unread[:_UNREAD_SHOWN]:
        messages.warning(request, f"{row.label}: {row.reason}")
    return reading.answers


# --- A printed form -------------------------------------------------------------------------


@officials.page("quay/to-khai/", name="counter_scanned", roles=RECEPTION)
@require_http_methods(["GET", "POST"])
def scanned(request: HttpRequest) -> HttpResponse:
    """What a scanner read from a printed form: a POST against the card opens its draft.

    Nothing of the draft is shown before; whoever found the paper learns nothing by it.
    """
    text = request.POST.get("ma") or request.GET.get("ma", "")
    reference = _reference_in(text)
    draft = filledforms.draft_of(reference)
    if draft is None:
        return _not_a_draft(request, text)
    data = request.POST if request.method == "POST" else None
    form = OpenPrintedForm(data, draft=draft)
    if data is not None and form.is_valid():
        try:
            opened = entry.take_over(draft, by=request.user, desks=_desks(request))
        except workflow.Refused as error:
            form.add_error(None, str(error))
        else:
            messages.info(request, _("Đã mở tờ khai của công dân; xin đối chiếu với bản đã ký."))
            return redirect(entry.page_url(opened))
    title = _("Mở tờ khai đã in")
    return _page(request, "scanned", title, form=form, draft=draft, reference=reference)


def _reference_in(text: str) -> str:
    """The reference in what was scanned: the whole address, or the reference alone."""
    text = normalise(text).strip()[:300]
    return QueryDict(text.partition("?")[2]).get("ma", "") if "?" in text else text


def _not_a_draft(request: HttpRequest, text: str) -> HttpResponse:
    """A blank form leads to its procedure; of anything else it is said what it is not."""
    code = text.strip().rstrip("/").rpartition("/")[2][:20]
    procedure = Procedure.objects.filter(code=code, current__isnull=False).first()
    if procedure and entry.offices_for(procedure.current, _desks(request)):
        return redirect("admin:counter_new", procedure.code)
    if cardqr.looks_like_one(text):
        words = _("Đây là mã trên thẻ căn cước; xin chọn thủ tục trước, rồi quét thẻ.")
    elif text:
        words = _("Mã này không phải của tờ khai in từ cổng này. Xin quét lại, hoặc chọn thủ tục.")
    else:
        words = _("Chưa có mã nào; xin quét mã QR trên tờ khai.")
    messages.warning(request, words)
    return redirect("admin:counter_entries")


# --- The form -------------------------------------------------------------------------------


def _get_draft(request: HttpRequest, key: str) -> Dossier:
    """A draft of this person's desks, at the revision in force; 404 for any other."""
    draft = get_object_or_404(
        entry.drafts_at(_desks(request)).select_related("receiving_agency", "handling_agency"),
        key=key[:22],
    )
    recall(draft.revision)
    if filing.renew_revision(draft):
        messages.info(request, _("Thủ tục vừa có bản mới; hãy kiểm tra lại các phần đã điền."))
    return draft


@officials.page("quay/nhap/<slug:key>/", name="counter_entry", roles=RECEPTION)
@_keeps_typed
@require_http_methods(["GET", "POST"])
def form(request: HttpRequest, key: str) -> HttpResponse:
    """The whole form on one page; each button saves first what was typed."""
    try:
        draft = _get_draft(request, key)
    except Http404:
        return _what_it_became(request, key)
    if request.method == "POST":
        return _posted(request, draft)
    kept = typed.of(request)
    sheet = Sheet(draft, typed=kept)
    sheet.forgive_missing()
    return _sheet_page(request, sheet, was_kept=kept is not None)


def _what_it_became(request: HttpRequest, key: str) -> HttpResponse:
    """Of a draft that was filed meanwhile the page of its dossier."""
    filed = Dossier.objects.for_request(request).filter(key=key[:22]).first()
    if filed is None:
        raise Http404
    messages.info(request, _("Hồ sơ này đã nộp; xin xem mã hồ sơ và giấy tờ ở dưới."))
    return redirect("admin:counter_done", filed.code)


def _posted(request: HttpRequest, draft: Dossier) -> HttpResponse:
    sheet = Sheet(draft, request.POST)
    _store_files(request, sheet)
    try:
        entry.save(
            draft, answers=sheet.answers, behalf=sheet.principal(), delivery=sheet.delivery(),
            record=sheet.record(), seen=request.POST.get("seen", ""),
            delivery_address=sheet.delivery_address(),
        )  # fmt: skip
    except Dossier.DoesNotExist:
        return _what_it_became(request, draft.key)
    except entry.Changed:
        return _both_versions(request, draft, sheet)
    if "hand_in" in request.POST or "accept" in request.POST:
        return _hand_in(request, sheet)
    return _saved(request, sheet)


def _saved(request: HttpRequest, sheet: Sheet) -> HttpResponse:
    """Half done: what can be kept is kept, and of the rest only wrong input is complained of."""
    if any(name.endswith(("add_row", "remove_row")) for name in request.POST):
        again = Sheet(sheet.draft, typed=request.POST)
        again.forgive_missing()
        return _sheet_page(request, again)
    sheet.forgive_missing()
    if sheet.faults():
        typed.keep(request, seen=entry.digest(sheet.draft))
        return _sheet_page(request, sheet)
    typed.forget(request)
    if "print" in request.POST:
        return redirect("admin:counter_form", sheet.draft.key)
    if drop := request.POST.get("drop"):
        _drop(request, sheet.draft, drop)
    elif "redraw" not in request.POST:
        messages.success(request, _("Đã lưu."))
    return redirect(f"{entry.page_url(sheet.draft)}{_place(request)}")


def _place(request: HttpRequest) -> str:
    """Where on the page the press was made."""
    place = request.POST.get("drop_at") or request.POST.get("redraw", "")
    return f"#{place}" if place.replace("-", "").replace("_", "").isalnum() else ""


def _hand_in(request: HttpRequest, sheet: Sheet) -> HttpResponse:
    """File it, and with the other button take it in at once, if nothing is left to do."""
    draft = sheet.draft
    # Of a section that was on the page its own faults say more.
    shown = {f"#phan-{name}" for name in request.POST.getlist("shown")}
    left = [
        (row.url.removeprefix("#"), row.message)
        for row in entry.problems(draft)
        if row.url not in shown
    ]
    faults = sheet.faults()
    if faults:
        typed.keep(request, seen=entry.digest(draft))
    if faults or left:
        return _sheet_page(request, sheet, left=left, status=422)
    sheet.late.is_valid()
    try:
        filed = entry.hand_in(
            draft, by=request.user, accept="accept" in request.POST,
            late=sheet.late.cleaned_data.get("late"), cash_taken="cash_taken" in request.POST,
        )  # fmt: skip
    except workflow.Refused as error:
        if not Dossier.objects.entered_at(_desks(request)).filter(pk=draft.pk).exists():
            return _what_it_became(request, draft.key)
        return _sheet_page(request, sheet, left=[("", str(error))], status=409)
    typed.forget(request)
    return redirect("admin:counter_done", filed.code)


def _both_versions(request: HttpRequest, draft: Dossier, sent: Sheet) -> HttpResponse:
    """A colleague saved meanwhile: what was typed stays on the page, what differs is named."""
    rows = [
        {**row, "section": section.title}
        for section in asked_sections(draft.revision.form, draft.answers)
        for row in side_by_side(
            section, draft.answers.get(section.id), sent.answers.get(section.id)
        )
        if row["differs"]
    ]
    again = Sheet(draft, typed=request.POST)
    again.forgive_missing()
    return _sheet_page(request, again, changed=True, differing=rows, status=409)


def _store_files(request: HttpRequest, sheet: Sheet) -> None:
    """Keep every good file; the complaint about the others stands at its paper."""
    for row in sheet.papers:
        if row.is_shown:
            continue
        complaints = []
        most = getattr(row.paper, "max_files", MAX_FILES)
        for file in request.FILES.getlist(f"tep-{row.paper.key}"):
            try:
                attachments.store(sheet.draft, row.paper.key, file, by=request.user, max_files=most)
            except ValidationError as error:
                name = normalise(file.name or "")[:100]
                complaints.append(f"{name}: {' '.join(error.messages)}")
        if complaints:
            sheet.file_faults[row.paper.key] = " ".join(complaints)


def _drop(request: HttpRequest, draft: Dossier, key: str) -> None:
    row = draft.attachments.filter(key=key[:22], submitted_at=None).first()
    if row is None:
        return
    try:
        attachments.remove(row)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("Đã xóa tệp “%(name)s”.") % {"name": row.name})


def _sheet_page(request: HttpRequest, sheet: Sheet, status: int = 200, **context: Any):
    draft = sheet.draft
    files = [file for file in draft.attachments.all() if file.submitted_at is None]
    for row in sheet.papers:
        row.files = [file_row(file) for file in files if file.document == row.paper.key]
        row.file_fault = sheet.file_faults.get(row.paper.key, "")
    lines = filing.charges(draft)
    return _page(
        request, "form", draft.revision.short_name, status,
        sheet=sheet, draft=draft, seen=entry.digest(draft),
        errors=[*sheet.faults(), *context.pop("left", [])],
        when=sheet.behalf.when(), lines=lines, total=total(lines),
        oddities=warnings(draft.revision.form, draft.answers),
        redirection=filing.redirection(draft), cannot_be_told=entry.cannot_be_told(draft),
        takes_cash=Posting.Role.CASHIER in workflow.roles_at(draft, request.user),
        **context,
    )  # fmt: skip


@officials.page("quay/nhap/<slug:key>/to-khai.pdf", name="counter_form", roles=RECEPTION)
@require_safe
def printed_form(request: HttpRequest, key: str) -> HttpResponse:
    """The form as far as it is saved, for the person to sign."""
    draft = _get_draft(request, key)
    if not allow_key(f"printed-paper:{request.user.pk}", per_minute=_PDFS_A_MINUTE):
        return HttpResponse(_("Ông/bà tải quá nhanh; xin đợi một phút rồi thử lại."), status=429)
    return _inline(ContentFile(filledforms.printed(draft)), f"{filledforms.file_name(draft)}.pdf")


@officials.page("quay/nhap/<slug:key>/tep/<slug:file>/", name="counter_file", roles=RECEPTION)
@require_safe
def scan(request: HttpRequest, key: str, file: str) -> HttpResponse:
    """A file of a draft that is typed here."""
    rows = Attachment.objects.filter(dossier__in=Dossier.objects.entered_at(_desks(request)))
    row = get_object_or_404(rows, dossier__key=key[:22], key=file[:22])
    return download(row.file, row.name, row.media_type)


@officials.page("quay/nhap/<slug:key>/xoa/", name="counter_discard", roles=RECEPTION)
@require_POST
def discard(request: HttpRequest, key: str) -> HttpResponse:
    """Give up what was typed; a citizen's own draft goes back to them."""
    draft = _get_draft(request, key)
    is_citizens = draft.at_counter.get("is_citizens")
    try:
        entry.discard(draft)
    except Dossier.DoesNotExist:
        return _what_it_became(request, draft.key)
    words = _("Đã trả tờ khai về cho công dân.") if is_citizens else _("Đã xóa bản đang nhập.")
    messages.success(request, words)
    return redirect("admin:counter_entries")


# --- Afterwards -----------------------------------------------------------------------------


@officials.page("quay/da-nhan/<str:code>/", name="counter_done", roles=RECEPTION)
@require_safe
def done(request: HttpRequest, code: str) -> HttpResponse:
    """The code, and the papers as soon as the worker has printed them."""
    dossier = get_object_or_404(
        Dossier.objects.for_request(request).select_related(
            "revision", "owner", "receiving_agency", "handling_agency", "entered_by"
        ),
        code=code[:40],
    )
    papers = list(dossier.papers.all())
    is_waiting = any(not paper.file for paper in papers)
    return _page(
        request, "done", _("Đã nhận hồ sơ"),
        dossier=dossier, papers=sorted(papers, key=_print_order),
        look_again=LOOK_AGAIN if is_waiting else 0, kept=originals.kept(dossier),
        cannot_be_told=entry.cannot_be_told(dossier), lines=filing.charges(dossier),
        page_url=reverse("admin:dossiers_dossier_change", args=[dossier.pk]),
    )  # fmt: skip


def _print_order(paper: Paper) -> tuple[int, int]:
    """What the person takes home comes first."""
    order = (Paper.Kind.RECEIPT, Paper.Kind.ORIGINALS, Paper.Kind.FORM)
    return (order.index(paper.kind) if paper.kind in order else len(order), paper.pk)


@officials.page("quay/giay/<slug:token>/", name="counter_paper", roles=RECEPTION)
@require_safe
def paper(request: HttpRequest, token: str) -> HttpResponse:
    """A paper of the portal's own, shown so that the browser prints it."""
    row = get_object_or_404(
        Paper.objects.select_related("dossier").exclude(file=""), token=token[:22]
    )
    if not Dossier.objects.for_request(request).filter(pk=row.dossier_id).exists():
        raise Http404
    ledger.record_look(row.dossier, by=request.user, what=f"paper:{row.pk}")
    return _inline(row.file.open("rb"), f"{row.slug()}-{row.dossier.code}.pdf")


def _inline(file: Any, name: str) -> FileResponse:
    """A PDF that the portal made itself, to be looked at and printed."""
    response = FileResponse(file, filename=name, content_type="application/pdf")
    response["Content-Security-Policy"] = "default-src 'none'; object-src 'self'"
    response["Cache-Control"] = "no-store, private"
    return response
