"""Filters of the queue that an official keeps under a name of their own."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from dossiers import officials
from dossiers.admin.queue import viewer_of
from dossiers.models import SavedView
from dossiers.queuefilters import read
from procedures.postings import HANDLING_ROLES

MOST = 20
LONGEST_NAME = SavedView._meta.get_field("name").max_length
LONGEST_QUERY = SavedView._meta.get_field("query").max_length


@officials.page("bo-loc/luu/", name="dossiers_view_save", roles=HANDLING_ROLES)
@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Keep the present filter under a name; the same name again replaces it."""
    query = read(QueryDict(request.POST.get("query", "")), viewer_of(request)).query()
    name = " ".join(request.POST.get("name", "").split())
    if complaint := _complaint(request, name, query):
        messages.error(request, complaint)
    else:
        SavedView.objects.update_or_create(user=request.user, name=name, defaults={"query": query})
        messages.success(request, _("Đã lưu bộ lọc “%(name)s”.") % {"name": name})
    return redirect(f"{reverse('admin:dossiers_dossier_changelist')}?{query}")


def _complaint(request: HttpRequest, name: str, query: str) -> str:
    if not name:
        return _("Hãy đặt tên cho bộ lọc trước khi lưu.")
    if len(name) > LONGEST_NAME:
        return _("Tên bộ lọc dài quá %(most)d chữ cái; hãy đặt ngắn hơn.") % {"most": LONGEST_NAME}
    if len(query) > LONGEST_QUERY:
        return _("Bộ lọc này dài quá nên không lưu được; hãy bớt điều kiện.")
    others = SavedView.objects.filter(user=request.user).exclude(name=name)
    if others.count() >= MOST:
        text = _("Đã lưu %(most)d bộ lọc, là nhiều nhất; hãy xóa bớt trước khi lưu thêm.")
        return text % {"most": MOST}
    return ""


@officials.page("bo-loc/<int:pk>/xoa/", name="dossiers_view_delete", roles=HANDLING_ROLES)
@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a filter of one's own."""
    view = get_object_or_404(SavedView, pk=pk, user=request.user)
    view.delete()
    messages.success(request, _("Đã xóa bộ lọc “%(name)s”.") % {"name": view.name})
    return redirect("admin:dossiers_dossier_changelist")
