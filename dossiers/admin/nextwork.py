"""Taking the next piece of work: what is due first, and nobody else's."""

from __future__ import annotations

from dataclasses import replace

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from dossiers import officials, workflow
from dossiers.admin.queue import Place, first_places, page_url, viewer_of
from dossiers.models import Dossier
from dossiers.queuefilters import TABS, Chosen, read
from procedures.models import Posting
from procedures.postings import offices_of

Role = Posting.Role
MOST_TRIED = 20


@officials.page("viec-tiep-theo/", name="dossiers_next", roles={Role.CASE_OFFICER, Role.RECEPTION})
@require_POST
def take_next(request: HttpRequest) -> HttpResponse:
    """Take the next dossier of the filter on the page, or open the next new one."""
    chosen = read(QueryDict(request.POST.get("query", "")), viewer_of(request))
    roles = chosen.viewer.roles
    found = take(chosen) if Role.CASE_OFFICER in roles else None
    is_taken = found is not None
    if found is None and Role.RECEPTION in roles:
        found = _next_new(chosen)
    if found is None:
        messages.info(request, _("Không còn hồ sơ nào chờ nhận trong danh sách này."))
        return redirect(f"{reverse('admin:dossiers_dossier_changelist')}?{chosen.query()}")
    if is_taken:
        messages.success(request, _("Ông/bà đã nhận xử lý hồ sơ này."))
    return redirect(page_url(found, chosen))


def take(chosen: Chosen) -> Place | None:
    """Take the dossier that is due first among those that nobody has; None for none.

    `workflow.perform()` decides who gets one: whoever comes second tries the next.
    """
    waiting = replace(chosen, tab=TABS["chua-giao"])
    rows = waiting.dossiers().filter(state__in=[Dossier.State.ACCEPTED])
    if not chosen.viewer.user.is_superuser:
        # Another role elsewhere lets them see more than they may take.
        rows = rows.filter(handling_agency__in=offices_of(chosen.viewer.user, [Role.CASE_OFFICER]))
    places = first_places(waiting, rows, MOST_TRIED)
    shown = Dossier.objects.only("pk", "version").in_bulk([key for key, _moment in places])
    for key, moment in places:
        try:
            workflow.perform(shown[key], "take", by=chosen.viewer.user, version=shown[key].version)
        except workflow.Refused:
            continue
        return key, moment
    return None


def _next_new(chosen: Chosen) -> Place | None:
    new = replace(chosen, tab=TABS["moi"])
    places = first_places(new, new.dossiers(), 1)
    return places[0] if places else None
