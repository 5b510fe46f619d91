"""What people wrote with their ratings, for who watches over the office and nobody else."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from dossiers import desk, officials, ratings
from dossiers.models import Rating
from procedures.models import Posting

_WATCHES = frozenset({Posting.Role.SUPERVISOR})
PAGE_SIZE = 50


def _words(request: HttpRequest) -> QuerySet[Rating]:
    return ratings.words_to(desk.offices(request, _WATCHES))


@officials.page("danh-gia/", name="ratings", roles=_WATCHES, label=gettext_lazy("Ý kiến đánh giá"))
@require_safe
def words(request: HttpRequest) -> HttpResponse:
    """The words of ratings at one's offices, what nobody has read first; and the year's figures."""
    offices = desk.offices(request, _WATCHES)
    rows = ratings.words_to(offices).select_related(
        "dossier__revision", "dossier__handling_agency", "read_by"
    )
    context = {
        **officials.frame(request, _("Ý kiến đánh giá")),
        "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("trang")),
        "figures": ratings.of_offices(offices, ratings.since_new_year()),
        "shown_from": ratings.SHOWN_FROM,
    }
    return render(request, "admin/dossiers/ratings/words.html", context)


@officials.page("danh-gia/<int:pk>/da-doc/", name="rating_read", roles=_WATCHES)
@require_POST
def read(request: HttpRequest, pk: int) -> HttpResponse:
    """Note that the words were read."""
    ratings.mark_read(get_object_or_404(_words(request), pk=pk), by=request.user)
    return redirect("admin:ratings")
