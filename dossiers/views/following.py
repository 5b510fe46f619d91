"""The citizen's pages for following what was filed."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from dossiers import presenting
from dossiers.models import Dossier

PAGE_SIZE = 20


def get_dossier(request: HttpRequest, code: str) -> Dossier:
    """This person's filed dossier; 404 for anybody else's."""
    return get_object_or_404(Dossier.objects.visible_to(request.user).for_page(), code=code)


@login_required
@require_GET
def mine(request: HttpRequest) -> HttpResponse:
    """All of one's dossiers and drafts, the newest first."""
    dossiers = Dossier.objects.visible_to(request.user).for_list()
    page = Paginator(dossiers, PAGE_SIZE).get_page(request.GET.get("trang"))
    return render(request, "dossiers/mine.html", {"page": page})


@login_required
@require_GET
def detail(request: HttpRequest, code: str) -> HttpResponse:
    """Where the dossier is, what was and what comes next."""
    dossier = get_dossier(request, code)
    return render(request, "dossiers/detail.html", presenting.tracking(dossier))


@login_required
@require_GET
def filed(request: HttpRequest, code: str) -> HttpResponse:
    """Filed: the code, what happens next, and by when. Can be bookmarked."""
    dossier = get_dossier(request, code)
    return render(request, "dossiers/filed.html", presenting.tracking(dossier))
