"""The citizen's pages for answering the office: supplements, the draft result, withdrawal."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from dossiers import attachments, documents, workflow
from dossiers.models import Attachment, Dossier
from dossiers.views.following import get_dossier


@login_required
@require_http_methods(["GET", "POST"])
def supplement(request: HttpRequest, code: str) -> HttpResponse:
    """Answer a supplement request: words, files, or both."""
    dossier = get_dossier(request, code)
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
        dossier = get_dossier(request, code)
    context = {
        "dossier": dossier,
        "asked": asked,
        "rows": documents.supplement_rows(dossier, asked, errors),
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
    dossier = get_dossier(request, code)
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
    dossier = get_dossier(request, code)
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
