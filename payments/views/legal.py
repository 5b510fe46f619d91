"""The biên lai of a payment as a file, for those who may see its dossier."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from dossiers.views.files import download, let_through, login_or_secret
from payments.models import LegalReceipt


@login_or_secret
@require_safe
def legal_receipt(request: HttpRequest, reference: str) -> HttpResponse:
    """The file as the e-receipt service gave it, also of one that was cancelled since."""
    rows = LegalReceipt.objects.select_related("payment__dossier").exclude(file="")
    row = get_object_or_404(rows, payment__reference=reference)
    let_through(request, row.payment.dossier, f"legal-receipt:{row.pk}", by_secret=True)
    return download(row.file, f"bien-lai-{row.sign}-{row.number}.pdf", "application/pdf")
