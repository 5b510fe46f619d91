"""The wallet of papers: looking after it, and using what is in it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dossiers import documents, supplements, wallet
from dossiers.documents import DocumentRow
from dossiers.models import Attachment, Dossier, KeptPaper
from dossiers.views.files import download
from dossiers.walletforms import KeepForm, PaperForm


@login_required
@require_http_methods(["GET", "POST"])
def papers(request: HttpRequest) -> HttpResponse:
    """One's papers, and a form for another one."""
    form = PaperForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            wallet.add(
                request.user, form.cleaned_data["file"], title=form.cleaned_data["title"],
                expires_on=form.cleaned_data["expires_on"],
            )  # fmt: skip
        except ValidationError as error:
            form.add_error("file", error)
        else:
            messages.success(request, _("Đã lưu giấy tờ vào ví."))
            return redirect("dossiers:wallet")
    context = {"rows": documents.wallet(request.user), "form": form}
    return render(request, "dossiers/wallet.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def keep(request: HttpRequest, key: str) -> HttpResponse:
    """Keep a file that was attached to one's own dossier."""
    own = Attachment.objects.filter(dossier__owner=request.user, uploaded_by=request.user)
    row = get_object_or_404(own.select_related("dossier__revision"), key=key)
    form = KeepForm(request.POST or None, initial={"title": documents.title_of(row)})
    if request.method == "POST" and form.is_valid():
        try:
            wallet.add_attached(request.user, row, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("Đã lưu giấy tờ vào ví."))
            return redirect(_where_it_was(row.dossier))
    context = {"form": form, "file": row}
    return render(request, "dossiers/keep_paper.html", context)


def _where_it_was(dossier: Dossier) -> str:
    """Back to what one was doing: keeping a file is a step aside."""
    if dossier.state == Dossier.State.DRAFT:
        return reverse("dossiers:documents", args=[dossier.key])
    return dossier.get_absolute_url()


@login_required
@require_safe
def paper(request: HttpRequest, key: str) -> HttpResponse:
    """One's own kept paper, as a download."""
    row = get_object_or_404(request.user.kept_papers, key=key)
    return download(row.file, row.name, row.media_type)


@login_required
@require_POST
def forget(request: HttpRequest, key: str) -> HttpResponse:
    """Take a paper out of the wallet; a second click does no harm."""
    row = request.user.kept_papers.filter(key=key).first()
    if row:
        wallet.forget(row)
        messages.success(request, _("Đã xóa “%(title)s” khỏi ví.") % {"title": row.title})
    return redirect("dossiers:wallet")


@login_required
@require_POST
def into_draft(request: HttpRequest, key: str) -> HttpResponse:
    """Attach a kept paper to a draft, for the paper whose button was pressed."""
    own = Dossier.objects.drafts_of(request.user)
    dossier = get_object_or_404(own.select_related("revision"), key=key)
    document = request.POST.get("document", "")
    _use(request, dossier, documents.document_row(dossier, document))
    return redirect("dossiers:documents", dossier.key)


@login_required
@require_POST
def into_supplement(request: HttpRequest, code: str) -> HttpResponse:
    """Attach a kept paper to a supplement."""
    own = Dossier.objects.filter(owner=request.user, state=Dossier.State.SUPPLEMENT_REQUIRED)
    dossier = get_object_or_404(own.select_related("revision"), code=code)
    asked = get_object_or_404(dossier.supplement_requests.filter(answered_at=None))
    document = request.POST.get("document", "")
    _use(request, dossier, supplements.paper_row(dossier, asked, document))
    return redirect("dossiers:supplement_paper", dossier.code, document)


def _use(request: HttpRequest, dossier: Dossier, row: DocumentRow | None) -> None:
    if row is None:
        raise Http404
    kept: KeptPaper = get_object_or_404(
        request.user.kept_papers, key=request.POST.get(f"kept-{row.key}", "")
    )
    try:
        wallet.use(kept, dossier, row.key, max_files=row.max_files)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("Đã đính kèm “%(title)s” từ ví.") % {"title": kept.title})
