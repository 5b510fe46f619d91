"""The published roots of the ledger, for people and for programs."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from dossiers import roots
from dossiers.models import DailyRoot

PAGE_SIZE = 31


@require_safe
def published(request: HttpRequest) -> HttpResponse:
    """The root of every finished day, the newest first, and how to check against it."""
    page = Paginator(DailyRoot.objects.all(), PAGE_SIZE).get_page(request.GET.get("trang"))
    return render(request, "dossiers/roots.html", {"page": page})


@require_safe
def as_json(request: HttpRequest) -> JsonResponse:
    """All of them in one file, the oldest first: who keeps a copy can compare it later."""
    rows = DailyRoot.objects.order_by("day").iterator(chunk_size=1000)
    told = {"cach_tinh": roots.how_to_check(), "ma_goc": [_told(row) for row in rows]}
    options = {"ensure_ascii": False, "separators": (",", ":")}
    return JsonResponse(told, json_dumps_params=options)


def _told(row: DailyRoot) -> dict[str, Any]:
    return {
        "ngay": row.day.isoformat(),
        "ma_goc": row.root,
        "ma_goc_ngay_truoc": row.previous,
        "so_ho_so": row.chains,
        "so_su_viec": row.events,
        "niem_phong": row.mac,
        "cong_bo_luc": timezone.localtime(row.created_at).isoformat(timespec="seconds"),
    }
