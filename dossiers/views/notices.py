"""What one person was told, and how they want to be told."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from dossiers import notices as telling
from dossiers.models import Notice
from dossiers.noticeforms import PreferencesForm

PAGE_SIZE = 20


@login_required
@require_GET
def notices(request: HttpRequest) -> HttpResponse:
    """What is new, whole, and below it what was read before; shown once, it is read."""
    mine = Notice.objects.filter(recipient=request.user).select_related("dossier__revision")
    fresh = mine.filter(read_at=None)
    unread = list(fresh[:PAGE_SIZE])
    more = fresh.count() - len(unread) if len(unread) == PAGE_SIZE else 0
    page = Paginator(mine.exclude(read_at=None), PAGE_SIZE).get_page(request.GET.get("trang"))
    context = {"unread": unread, "more": more, "page": page, "read": list(page)}
    telling.mark_read(unread)
    return render(request, "dossiers/notices.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """By which ways, and how often."""
    form = PreferencesForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Đã lưu cách nhận thông báo."))
        return redirect("dossiers:notices")
    return render(request, "dossiers/preferences.html", {"form": form})
