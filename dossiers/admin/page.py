"""The page of one dossier, as officials see it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import (
    behalf,
    checks,
    ledger,
    messagesadmin,
    opinions,
    panels,
    presenting,
    previews,
    proposals,
    remarks,
    resultchanges,
    results,
    supplements,
    turns,
    workflow,
)
from dossiers.admin import viewer
from dossiers.admin.checks import Part, parts
from dossiers.admin.notes import NoteForm
from dossiers.admin.queue import neighbours
from dossiers.models import Dossier, Event
from procedures import worktime
from procedures.postings import HANDLING_ROLES, at_or_above, held
from procedures.recalled import recall_rows


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
        if not _was_just_seen(dossier, request.user):
            ledger.record_look(dossier, by=request.user)
        return self._page(request, dossier)

    def _get_dossier(self, request: HttpRequest, pk: str | int) -> Dossier:
        """A dossier of one's own offices; 404 for any other."""
        if not (str(pk).isascii() and str(pk).isdecimal()):
            raise Http404
        filed = Dossier.objects.exclude(state=Dossier.State.DRAFT)
        dossier = get_object_or_404(filed.for_officials(), pk=pk)
        if not _is_of(dossier, request):
            raise Http404
        recall_rows(dossier.revision)
        return dossier

    def _page(
        self,
        request: HttpRequest,
        dossier: Dossier,
        *,
        sent: Part | None = None,
        note_form: NoteForm | None = None,
        status: int = 200,
    ) -> HttpResponse:
        """The page; `sent` and `note_form` are what could not be kept, as it was typed."""
        with worktime.one_calendar():
            context = self._page_context(request, dossier, sent)
        if context["may_note"]:
            context["note_form"] = note_form or NoteForm()
        complaint = sent.complaint if sent else ""
        context["complaints"] = [text for text in (complaint, _words_of(note_form)) if text]
        return render(request, "admin/dossiers/dossier/page.html", context, status=status)

    def _page_context(
        self, request: HttpRequest, dossier: Dossier, sent: Part | None
    ) -> dict[str, Any]:
        # One who stands in the dossier, or has a relative in it, reads it here and acts in no role.
        roles = workflow.acting_roles(dossier, request.user, held(request))
        jotted = remarks.of(dossier)
        may_mark = checks.may_mark(dossier, roles)
        shown = parts(dossier, jotted.marks, may_mark)
        events = list(dossier.events.all())
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": dossier.code,
            "dossier": dossier,
            "badge": presenting.BADGES.get(dossier.state, "working"),
            "neighbours": neighbours(request, dossier),
            "left": turns.left(dossier, worktime.Calendar.load()),
            "step_is_late": bool(dossier.step_due_at and dossier.step_due_at < timezone.now()),
            "fee_words": panels.for_row(dossier),
            "moves": _usual_first(workflow.open_to(dossier, request.user, roles)),
            "stands_aside": not roles
            and bool(workflow.roles_at(dossier, request.user, held(request))),
            "proposal": results.proposal(dossier),
            "proposals": proposals.rows(dossier),
            "parts": [sent if sent and part.id == sent.id else part for part in shown],
            "may_mark": may_mark,
            "viewer": viewer.files(dossier),
            "most_pages": previews.MAX_PAGES,
            "requests": supplements.comparisons(dossier),
            "panels": panels.for_page(dossier, roles),
            "notes": jotted.notes,
            "may_note": bool(roles & remarks.WRITE_NOTES),
            "opinions": opinions.rows(dossier, jotted.opinions, roles),
            "may_ask": opinions.may_ask(dossier, roles),
            "papers": presenting.papers_of(dossier),
            "results": resultchanges.for_officials(dossier),
            "principal": behalf.words(dossier),
            "people": [
                row for row in dossier.participants.all() if row.joined_at and not row.ended_at
            ],
            "events": [_event_row(row) for row in reversed(events) if row.name != ledger.LOOK],
            "looks": presenting.looks(events),
        }  # fmt: skip

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


# The step that leads on from where a dossier is: its button is filled, the others wait.
_USUAL = ("accept", "decide_exemption", "hand_on", "take", "propose", "approve", "hand_over")


def _usual_first(moves: Iterable[workflow.Action]) -> list[workflow.Action]:
    """The moves with the usual one in front, and what ends the matter last."""
    return sorted(moves, key=lambda move: (move.name not in _USUAL, move.is_final))


def _is_of(dossier: Dossier, request: HttpRequest) -> bool:
    """The rule of `for_request()` for one dossier whose offices are known."""
    if request.user.is_superuser:
        return True
    offices = at_or_above(dossier.receiving_agency) | at_or_above(dossier.handling_agency)
    return any(role in HANDLING_ROLES and agency in offices for role, agency in held(request))


def _was_just_seen(dossier: Dossier, user: Any) -> bool:
    """Whether this look is folded into an earlier one; from the events that are there."""
    since = timezone.now() - ledger.LOOKS_FOLDED_FOR
    return any(
        event.name == ledger.LOOK
        and event.actor_id == user.pk
        and event.at >= since
        and event.data.get("what") == "page"
        for event in dossier.events.all()
    )


def _words_of(form: NoteForm | None) -> str:
    return " ".join(error for errors in form.errors.values() for error in errors) if form else ""


def _event_row(event: Event) -> dict[str, Any]:
    action = workflow.ACTIONS.get(event.name)
    return {
        "at": event.at,
        "text": action.label if action else presenting.office_words(event),
        "by": event.actor.get_full_name() if event.actor else _("Hệ thống"),
        "note": getattr(event, "note", None),
        "hash": event.hash[:12],
    }
