"""Messages on the officials' side: a panel on the page of a dossier, its form, and the queue."""

from __future__ import annotations

from typing import Any

from django.contrib import messages as said
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dossiers import ledger, messages, panels, replies, workflow
from dossiers.messageforms import OfficeMessageForm
from dossiers.models import Dossier, ReplyTemplate
from dossiers.views.messages import page, take

_PURPOSE = ReplyTemplate.Purpose.MESSAGE
# The moves by which papers are asked for, whichever this person may make now.
_SUPPLEMENTS = ("propose_supplement", "request_supplement")


@panels.register
def messages_panel(dossier: Dossier, roles: set[str]) -> dict[str, Any] | None:
    """The messages of a dossier; shown to those who handle it, they count as read."""
    rows = messages.thread(dossier)
    writes = bool(roles & messages.WRITES)
    if writes:
        messages.mark_read(rows, from_office=False)
    return {
        "template": "admin/dossiers/messages_panel.html",
        "rows": rows,
        "may_write": writes and messages.is_open(dossier),
    }


@panels.register_column
def unread_messages(dossier: Dossier) -> str:
    """How many messages of a dossier's people nobody at the office has opened, for the queue."""
    count = getattr(dossier, "unread_messages", 0)
    if not count:
        return ""
    return ngettext("%(count)d tin nhắn mới", "%(count)d tin nhắn mới", count) % {"count": count}


def thread(
    request: HttpRequest, dossier: Dossier, page_url: str, frame: dict[str, Any]
) -> HttpResponse:
    """The page on which an official writes to the people of a dossier; the look is noted.

    `page_url` is the page of the dossier, `frame` what every page of the site shows.
    """
    if not messages.may_write_for_office(dossier, request.user):
        said.error(request, _("Ông/bà không nhắn tin thay cơ quan trong hồ sơ này được."))
        return redirect(page_url)
    chosen = replies.chosen(dossier, _PURPOSE, request.GET.get("mau", ""))
    form, context = OfficeMessageForm(text=chosen), {}
    if request.method == "POST":
        form, context = take(request, dossier, from_office=True)
        if form is None:
            said.success(request, _("Đã gửi tin nhắn cho công dân."))
            return redirect(page_url)
    else:
        ledger.record_look(dossier, by=request.user, what="messages")
    rows = messages.thread(dossier)
    messages.mark_read(rows, from_office=False)
    context |= frame | page(request, dossier, form, rows)
    context |= {"page_url": page_url, "templates": replies.of(dossier, _PURPOSE)}
    context |= {"chosen": request.GET.get("mau", "")}
    if form.seems_to_ask:
        context |= {"supplement_url": _supplement_url(request, dossier)}
    return render(request, "admin/dossiers/dossier/messages.html", context)


def _supplement_url(request: HttpRequest, dossier: Dossier) -> str:
    """Where this person asks for papers, or proposes to; "" where they may do neither now."""
    open_now = {action.name for action in workflow.open_to(dossier, request.user)}
    name = next((name for name in _SUPPLEMENTS if name in open_now), "")
    return reverse("admin:dossiers_dossier_move", args=[dossier.pk, name]) if name else ""
