"""The form of one move of one dossier, and what happens when it is sent."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from dossiers import ledger, movehints, proposals, replies, resultchanges, results, workflow
from dossiers.admin import queue
from dossiers.adminforms import MoveForm
from dossiers.models import Dossier

# Shown with what was proposed.
DECIDES = "decide_result_change"


class MovePage:
    """What `DossierAdmin` does when a button is pressed."""

    def move_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        """The form of one move; a POST makes it. What was typed survives a refusal."""
        dossier = self._get_dossier(request, pk)
        action = workflow.ACTIONS.get(name)
        if action is None or not action.roles:
            raise Http404
        if request.method != "POST" and action not in workflow.open_to(dossier, request.user):
            text = _("Lúc này ông/bà không thực hiện được “%(what)s” với hồ sơ này.")
            messages.error(request, text % {"what": action.label})
            return redirect(self._url(dossier))
        if request.method != "POST":
            ledger.record_look(dossier, by=request.user)
        data = (request.POST, request.FILES) if request.method == "POST" else (None, None)
        purpose, chosen = replies.PURPOSES.get(name, ""), request.GET.get("mau", "")
        words = replies.chosen(dossier, purpose, chosen) if purpose and chosen else ""
        form = MoveForm(action, dossier, *data, words=words, by=request.user)
        if request.method == "POST" and form.is_valid() and self._makes(request, dossier, form):
            messages.success(request, _("Đã thực hiện: %(what)s.") % {"what": action.label})
            return redirect(self._after(request, dossier))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": action.label,
            "dossier": dossier,
            "action": action,
            "form": form,
            "page_url": self._url(dossier) + queue.kept(request, dossier),
            "proposal": results.proposal(dossier) if name == "approve" else None,
            "proposals": proposals.rows(dossier) if name in proposals.SHOWN_WITH else [],
            "panel": resultchanges.changes_panel(dossier, set()) if name == DECIDES else None,
            "templates": replies.of(dossier, purpose) if purpose else [],
            "chosen": chosen,
            "hints": movehints.hints(name, dossier),
            "objection": dossier.last_words("object_to_draft") if name == "send_draft" else "",
        }
        status = 409 if form.is_bound and form.errors else 200
        return render(request, "admin/dossiers/dossier/move.html", context, status=status)

    def _after(self, request: HttpRequest, dossier: Dossier) -> str:
        """The dossier again, or the queue where it has gone to another office."""
        if Dossier.objects.for_request(request).filter(pk=dossier.pk).exists():
            return self._url(dossier) + queue.kept(request, dossier)
        return reverse("admin:dossiers_dossier_changelist")

    def _makes(self, request: HttpRequest, dossier: Dossier, form: MoveForm) -> bool:
        """Make the move of a valid form; otherwise the form says why not."""
        version = form.cleaned_data["version"]
        try:
            workflow.perform(
                dossier, form.action.name, by=request.user, version=version, **form.details()
            )
        except workflow.Refused as error:
            form.add_error(None, str(error))
            # The next click is made knowing what is on this page.
            newest = Dossier.objects.values_list("version", flat=True).get(pk=dossier.pk)
            form.data = form.data.copy()
            form.data["version"] = str(newest)
            return False
        return True
