"""Messages on the officials' side: a panel on the page of a dossier, its form, and the queue."""

from __future__ import annotations

from typing import Any

from django.contrib import messages as said
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dossiers import ledger, messages, panels
from dossiers.messageforms import MessageForm
from dossiers.models import Dossier
from dossiers.views.messages import page, take


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
    form, context = MessageForm(), {}
    if request.method == "POST":
        form, context = take(request, dossier, from_office=True)
        if form is None:
            said.success(request, _("Đã gửi tin nhắn cho công dân."))
            return redirect(page_url)
    else:
        ledger.record_look(dossier, by=request.user, what="messages")
    rows = messages.thread(dossier)
    messages.mark_read(rows, from_office=False)
    context |= frame | page(request, dossier, form, rows) | {"page_url": page_url}
    return render(request, "admin/dossiers/dossier/messages.html", context)
