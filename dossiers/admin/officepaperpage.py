"""One paper of an office: whether it is printed yet, and its file."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from dossiers import officepapers, officials
from dossiers.models import OfficePaper
from dossiers.views.files import download
from procedures.postings import HANDLING_ROLES


@officials.page("giay-to-co-quan/<slug:token>/", name="office_paper", roles=HANDLING_ROLES)
@require_safe
def office_paper(request: HttpRequest, token: str) -> HttpResponse:
    """What the paper is, and from where to take it once it is printed."""
    paper = _get_paper(request, token)
    context = {**officials.frame(request, paper.get_kind_display()), "paper": paper}
    return render(request, "admin/dossiers/office_paper.html", context)


@officials.page("giay-to-co-quan/<slug:token>/tep/", name="office_paper_file", roles=HANDLING_ROLES)
@require_safe
def office_paper_file(request: HttpRequest, token: str) -> HttpResponse:
    """The printed paper."""
    paper = _get_paper(request, token)
    if not paper.file:
        raise Http404
    name = f"{paper.kind}-{paper.year}-{paper.number}.pdf".replace("_", "-")
    return download(paper.file, name, "application/pdf")


def _get_paper(request: HttpRequest, token: str) -> OfficePaper:
    return get_object_or_404(officepapers.for_request(request), token=token)
