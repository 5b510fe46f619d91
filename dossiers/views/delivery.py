"""The citizen's page for choosing anew how the result is to come."""

from __future__ import annotations

import re

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from dossiers import workflow
from dossiers.handing import choosing
from dossiers.models import Dossier
from dossiers.views.following import get_dossier


@login_required
@require_http_methods(["GET", "POST"])
def delivery(request: HttpRequest, code: str) -> HttpResponse:
    """The ways that the procedure gives; what was typed survives a refusal."""
    dossier = get_dossier(request, code)
    if reason := _why_not(request, dossier):
        messages.warning(request, reason)
        return redirect(dossier)
    form = choosing.DeliveryForm(request.POST or None, dossier=dossier)
    if request.method == "POST" and form.is_valid() and _change(request, dossier, form):
        messages.success(request, _("Đã đổi cách nhận kết quả."))
        return redirect(dossier)
    return render(request, "dossiers/delivery.html", {"dossier": dossier, "form": form})


def _why_not(request: HttpRequest, dossier: Dossier) -> str:
    if dossier.owner_id != request.user.pk:
        return _("Việc này do người nộp hồ sơ thực hiện.")
    return choosing.why_not(dossier, request.user)


def _change(request: HttpRequest, dossier: Dossier, form: choosing.DeliveryForm) -> bool:
    """Make the move; the page says it in words when it was not made."""
    version = request.POST.get("version", "")
    try:
        workflow.perform(
            dossier, "change_delivery", by=request.user,
            version=int(version) if re.fullmatch("[0-9]{1,9}", version) else None,
            delivery=form.cleaned_data["delivery"], address=form.address(),
        )  # fmt: skip
    except workflow.Refused as error:
        form.add_error(None, str(error))
        # The next click is made knowing what is on this page.
        dossier.version = Dossier.objects.values_list("version", flat=True).get(pk=dossier.pk)
        return False
    return True
