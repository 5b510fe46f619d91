"""Messages between the people of a dossier and the office: the citizen's page, and its form."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages as said
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from dossiers import messages, typed
from dossiers.messageforms import MessageForm, OfficeMessageForm
from dossiers.models import Dossier

FILES = "files"  # the name and id of the input


def _get_dossier(request: HttpRequest, code: str) -> Dossier:
    """A filed dossier of this person; 404 for anybody else's."""
    dossiers = Dossier.objects.visible_to(request.user).select_related(
        "revision__procedure", "receiving_agency", "handling_agency", "owner"
    )
    return get_object_or_404(dossiers, code=code)


@typed.keeps_typed
@require_http_methods(["GET", "POST"])
def thread(request: HttpRequest, code: str) -> HttpResponse:
    """All messages of a dossier and the form for the next; opening it reads the office's."""
    dossier = _get_dossier(request, code)
    kept = typed.of(request) or {}
    form = MessageForm(text=kept.get("text", ""))
    context: dict[str, Any] = {}
    if request.method == "POST":
        form, context = take(request, dossier)
        if form is None:
            typed.forget(request)
            said.success(request, _("Đã gửi tin nhắn đến cơ quan."))
            return redirect("dossiers:messages", code)
    rows = messages.thread(dossier)
    context |= {"is_unsaved": bool(kept) and not form.is_bound}
    context |= page(request, dossier, form, rows)
    response = render(request, "dossiers/messages.html", context)
    messages.mark_read(rows, from_office=True)
    return response


def page(request: HttpRequest, dossier: Dossier, form: MessageForm, rows: list) -> dict[str, Any]:
    """What the page of messages shows on either side."""
    return {
        "dossier": dossier,
        "rows": rows,
        "form": form,
        "waiting": list(messages.waiting(dossier, request.user)),
        "is_open": messages.is_open(dossier),
        "most_files": messages.MAX_FILES,
        "most_mb": settings.MAX_UPLOAD_MB,
    }


def take(
    request: HttpRequest, dossier: Dossier, *, from_office: bool = False
) -> tuple[MessageForm | None, dict[str, Any]]:
    """Take what was posted: (None, …) when the message is sent, else the form and its faults.

    Good files are kept for the message to come, whatever is wrong with the rest; the same
    form posted again keeps and sends nothing twice.
    """
    make = OfficeMessageForm if from_office else MessageForm
    text = request.POST.get("text", "")[: 2 * messages.MAX_TEXT]
    if "drop" in request.POST:
        messages.drop_file(dossier, request.POST["drop"][:22], by=request.user)
        return make(text=text), {}
    form = make(request.POST)
    if _was_sent(dossier, form):
        return None, {}
    files = request.FILES.getlist(FILES) if messages.is_open(dossier) else []
    faults = messages.keep_files(dossier, files, by=request.user)
    if form.is_valid() and not faults and _sends(request, dossier, form, from_office):
        return None, {}
    shown = [*form.faults, *((FILES, fault) for fault in faults)]
    return form, {"file_faults": faults, "faults": shown}


def _was_sent(dossier: Dossier, form: MessageForm) -> bool:
    if not form.is_valid():
        return False
    values = form.cleaned_data
    return messages.sent(dossier, values["form_key"], values["text"]) is not None


def _sends(request: HttpRequest, dossier: Dossier, form: MessageForm, from_office: bool) -> bool:
    values = form.cleaned_data
    try:
        messages.send(
            dossier,
            values["text"],
            by=request.user,
            form_key=values["form_key"],
            from_office=from_office,
            is_no_request=bool(values.get("is_no_request")),
        )
    except messages.NotSent as error:
        form.add_error(None, str(error))
        return False
    return True
