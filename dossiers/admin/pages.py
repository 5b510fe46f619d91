"""The pictures of pages that the viewer of a dossier shows: private, and each look noted."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from dossiers import ledger, officials, opinions
from dossiers.models import Attachment, AttachmentPage, Dossier
from dossiers.views.files import download
from procedures.models import Posting


@officials.page(
    "trang-giay/<slug:key>/<int:number>/",
    name="dossier_page_image",
    roles=frozenset(Posting.Role.values),
)
@require_safe
def page_image(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """One page of a filed file, for the dossier's officials and who is asked about it."""
    pages = AttachmentPage.objects.exclude(image="").select_related("attachment__dossier")
    page = get_object_or_404(
        pages, attachment__key=key, number=number, attachment__submitted_at__isnull=False
    )
    dossier = page.attachment.dossier
    is_handled = Dossier.objects.for_request(request).filter(pk=dossier.pk).exists()
    is_paper = page.attachment.document != Attachment.MESSAGE
    if not is_handled and not (is_paper and opinions.is_asked(dossier, request.user)):
        raise Http404
    ledger.record_look(dossier, by=request.user, what=f"file:{page.attachment_id}")
    return download(page.image, f"trang-{number}.jpg", "image/jpeg")
