"""The register (sổ theo dõi hồ sơ) on the screen, and its print."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from dossiers import officials
from dossiers.models import OfficePaper, RegisterEntry
from dossiers.reports import periods, register
from procedures.models import Agency, Posting
from procedures.postings import offices_of

Role = Posting.Role
ROLES = frozenset({Role.RECEPTION, Role.LEADER, Role.SUPERVISOR, Role.APPROVER})
PER_PAGE = 50


@officials.page("so-theo-doi/", name="register", roles=ROLES, label=gettext_lazy("Sổ theo dõi"))
@require_http_methods(["GET", "POST"])
def register_page(request: HttpRequest) -> HttpResponse:
    """The lines of one office and year; posted, a span of days is printed."""
    offices = _offices(request)
    agency, year = _chosen(request, offices)
    complaint = ""
    if request.method == "POST" and agency is not None:
        try:
            return redirect("admin:office_paper", _print(request, agency).token)
        except (periods.BadPeriod, register.NothingToPrint) as error:
            complaint = str(error)
    context = {
        **officials.frame(request, _("Sổ theo dõi hồ sơ")),
        "offices": offices,
        "agency": agency,
        "year": year,
        "years": register.years(office.pk for office in offices),
        "complaint": complaint,
        "first": request.POST.get("tu", "")[:20],
        "last": request.POST.get("den", "")[:20],
        **(_lines(request, agency, year) if agency else {}),
    }
    return render(
        request, "admin/dossiers/reports/register.html", context, status=400 if complaint else 200
    )


def _offices(request: HttpRequest) -> list[Agency]:
    """The offices of this person that keep a register."""
    rows = Agency.objects.filter(pk__in=RegisterEntry.objects.values("agency").distinct())
    if not request.user.is_superuser:
        rows = rows.filter(pk__in=offices_of(request.user, ROLES))
    return list(rows.select_related("parent").order_by("name", "pk"))


def _chosen(request: HttpRequest, offices: list[Agency]) -> tuple[Agency | None, int]:
    """The office and year asked for, else the first office and this year; 404 for others'."""
    given = request.GET.get("co-quan", "")
    agency = next((one for one in offices if str(one.pk) == given), None)
    if given and agency is None:
        raise Http404
    year = request.GET.get("nam", "")
    is_year = len(year) == 4 and year.isascii() and year.isdecimal()
    return agency or next(iter(offices), None), int(year) if is_year else periods.today().year


def _print(request: HttpRequest, agency: Agency) -> OfficePaper:
    first, last = (request.POST.get(name, "").strip()[:20] or "-" for name in ("tu", "den"))
    return register.ask_to_print(agency, periods.read(first, last, ""), by=request.user)


def _lines(request: HttpRequest, agency: Agency, year: int) -> dict[str, Any]:
    pages = Paginator(register.entries(agency, year), PER_PAGE)
    page = pages.get_page(request.GET.get("trang"))
    prints = OfficePaper.objects.filter(
        agency=agency, kind=OfficePaper.Kind.REGISTER, year=year
    ).order_by("-number")
    return {"page": page, "lines": register.lines(list(page)), "prints": prints[:20]}
