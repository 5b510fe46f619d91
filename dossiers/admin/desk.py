"""The leader's desk: what there is to sign, to decide and to answer for this morning."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from dossiers import desk, officials
from dossiers.admin import breachpages
from procedures.postings import roles
from procedures.worktime import Calendar


@officials.page(
    "ban-lam-viec/", name="desk", roles=desk.READING, label=gettext_lazy("Bàn làm việc")
)
@require_safe
def leaders_desk(request: HttpRequest) -> HttpResponse:
    """The three lists, the times of the last month, and who is away."""
    offices, calendar = desk.offices(request), Calendar.load()
    context = {
        **officials.frame(request, _("Bàn làm việc")),
        "to_sign": desk.to_sign(offices, calendar),
        "result_changes": desk.result_changes(offices),
        "being_signed": desk.being_signed(offices),
        "proposals": desk.proposals(offices, calendar, roles(request)),
        "due_soon": desk.due_soon(offices, calendar),
        "breaches": desk.breaches(offices),
        "times": desk.times(offices),
        "away": desk.away(offices),
        "signs": bool(roles(request) & desk.SIGNING),
        "appoints": bool(roles(request) & officials.PAGES["stand_ins"].roles),
        "reads_reports": bool(roles(request) & officials.PAGES["reports"].roles),
        "sees_breaches": bool(roles(request) & breachpages.WATCHING),
    }
    return render(request, "admin/dossiers/desk/desk.html", context)
