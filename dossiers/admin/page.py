"""The page of one dossier, as officials see it."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _

from dossiers import (
    behalf,
    documents,
    ledger,
    messagesadmin,
    panels,
    presenting,
    results,
    supplements,
    workflow,
)
from dossiers.models import Dossier


class DossierPage:
    """What `DossierAdmin` shows of one dossier."""

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict | None = None,
    ) -> HttpResponse:
        """Everything about one dossier; looking at it is noted."""
        if request.method not in {"GET", "HEAD"}:
            raise Http404
        dossier = self._get_dossier(request, object_id)
        ledger.record_look(dossier, by=request.user)
        return render(
            request, "admin/dossiers/dossier/page.html", self._page_context(request, dossier)
        )

    def _get_dossier(self, request: HttpRequest, pk: str | int) -> Dossier:
        """A dossier of one's own offices; 404 for any other."""
        if not str(pk).isdecimal():
            raise Http404
        return get_object_or_404(Dossier.objects.for_request(request).for_page(), pk=pk)

    def _page_context(self, request: HttpRequest, dossier: Dossier) -> dict[str, Any]:
        # One who stands in the dossier reads it here and acts in no role.
        is_party = workflow.is_party(dossier, request.user)
        roles = set() if is_party else workflow.roles_at(dossier, request.user)
        asked = documents.document_rows(dossier, {})
        return {
            **self.admin_site.each_context(request),
            **presenting.tracking(dossier),
            "opts": self.opts,
            "title": dossier.code,
            "moves": list(workflow.open_to(dossier, request.user)),
            "results": [row for row in dossier.results.all() if row.file],
            "events": self._events(dossier),
            "panels": panels.for_page(dossier, roles),
            "documents": [*asked, *presenting.unasked_papers(dossier, {row.key for row in asked})],
            "proposal": results.proposal(dossier),
            "requests": supplements.comparisons(dossier),
            "principal": behalf.words(dossier),
            "people": dossier.participants.active().select_related("user"),
        }

    def _events(self, dossier: Dossier) -> list[dict[str, Any]]:
        rows = []
        for event in reversed(dossier.events.all()):
            action = workflow.ACTIONS.get(event.name)
            rows.append(
                {
                    "at": event.at,
                    "text": action.label if action else presenting.office_words(event),
                    "by": event.actor.get_full_name() if event.actor else _("Hệ thống"),
                    "note": getattr(event, "note", None),
                    "hash": event.hash[:12],
                }
            )
        return rows

    def messages_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Writing to the people of a dossier, in the office's name."""
        handled = Dossier.objects.for_request(request).for_queue()
        dossier = get_object_or_404(handled, pk=pk)
        frame = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Tin nhắn với công dân"),
        }
        return messagesadmin.thread(request, dossier, self._url(dossier), frame)
