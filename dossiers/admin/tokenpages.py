"""Signing by USB token on one page: take the approved PDFs away, bring them back signed.

And what lies before who signs as a file: the officer's document, or the PDF as approved.
"""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.db.models.fields.files import FieldFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dossiers import certificates, desk, ledger, officials, resultsigning, tokensigning
from dossiers.models import Dossier, Result, ResultChange
from dossiers.views import files
from procedures.postings import HANDLING_ROLES


@officials.page("ban-lam-viec/usb-token/", name="token_batch", roles=desk.SIGNING)
@require_http_methods(["GET", "HEAD", "POST"])
def token_batch(request: HttpRequest) -> HttpResponse:
    """What waits for one's own token; a POST brings signed files back."""
    outcomes = []
    if request.method == "POST":
        outcomes = tokensigning.take_all(request.FILES.getlist("files"), by=request.user)
        if not outcomes:
            text = _("Hãy chọn tệp đã ký (ZIP hoặc các tệp PDF).")
            outcomes = [tokensigning.Outcome(_("Chưa có tệp nào"), text)]
    waiting = list(tokensigning.waiting_for(request.user)[: tokensigning.MOST])
    context = {
        **officials.frame(request, _("Ký bằng USB token")),
        "waiting": waiting,
        "ready": [row for row in waiting if row.unsigned],
        "outcomes": outcomes,
        "certificates": list(certificates.of_tokens(request.user)),
    }
    is_refused = bool(outcomes) and not any(one.is_done for one in outcomes)
    status = 409 if is_refused else 200
    return render(request, "admin/dossiers/desk/token.html", context, status=status)


@officials.page("ban-lam-viec/usb-token/tai-ve/", name="token_download", roles=desk.SIGNING)
@require_safe
def token_download(request: HttpRequest) -> HttpResponse:
    """A ZIP of what waits for one's own token, exactly as it was approved."""
    waiting = tokensigning.waiting_for(request.user)[: tokensigning.MOST]
    ready = [row for row in waiting if row.unsigned]
    if not ready:
        messages.info(request, _("Không có văn bản nào chờ ký bằng USB token."))
        return redirect("admin:token_batch")
    for row in ready:
        ledger.record_look(row.dossier, by=request.user, what=f"result:{row.pk}")
    response = HttpResponse(tokensigning.archive(ready), content_type="application/zip")
    day = timezone.localdate()
    response["Content-Disposition"] = f'attachment; filename="cho-ky-{day:%Y%m%d}.zip"'
    return response


@officials.page("ban-lam-viec/ky-lai/<int:pk>/", name="sign_again", roles=desk.SIGNING)
@require_POST
@transaction.atomic
def sign_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Try again what could not be signed."""
    own = Result.objects.filter(dossier__handling_agency__in=desk.offices(request, desk.SIGNING))
    result = get_object_or_404(own.select_for_update(of=("self",)), pk=pk)
    if result.signed_at:
        messages.info(request, _("Kết quả này đã ký xong."))
    elif resultsigning.retry(result):
        messages.success(request, _("Đang ký lại; kết quả hiện ở đây sau ít giây."))
    return redirect("admin:desk")


@officials.page("ket-qua/<int:pk>/van-ban/", name="result_document", roles=HANDLING_ROLES)
@require_safe
def result_document(request: HttpRequest, pk: int) -> HttpResponse:
    """The officer's document, or the PDF as it was approved, before it is signed."""
    result = get_object_or_404(Result.objects.select_related("dossier"), pk=pk)
    return _file(request, result.dossier, result.unsigned or result.draft, f"result:{pk}")


@officials.page("ket-qua/thay/<int:pk>/van-ban/", name="result_change_file", roles=HANDLING_ROLES)
@require_safe
def result_change_file(request: HttpRequest, pk: int) -> HttpResponse:
    """The file with which a result is proposed to be replaced."""
    change = get_object_or_404(ResultChange.objects.select_related("result__dossier"), pk=pk)
    return _file(request, change.result.dossier, change.draft, f"change:{pk}")


def _file(request: HttpRequest, dossier: Dossier, file: FieldFile, what: str) -> HttpResponse:
    seen = Dossier.objects.for_request(request).filter(pk=dossier.pk)
    if not file or not seen.exists():
        raise Http404
    ledger.record_look(dossier, by=request.user, what=what)
    return files.download(file, f"du-thao-ket-qua-{dossier.code}.pdf", "application/pdf")
