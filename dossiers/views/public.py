"""Pages for everybody: where a dossier is, and whether a paper is genuine."""

from __future__ import annotations

import re

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from dossiers import presenting, throttling
from dossiers.models import Dossier, Paper, Result

_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
_CODE = re.compile(r"[A-Z0-9.]{3,20}-[0-9]{6,8}-[0-9A-Z]{4,}")


class TrackForm(forms.Form):
    """A dossier code, and the secret that its papers carry."""

    code = forms.CharField(
        label=gettext_lazy("Mã hồ sơ"),
        max_length=40,
        help_text=gettext_lazy("Ghi trên giấy tiếp nhận, ví dụ 000.00.40.H50-261123-0001"),
        error_messages={"required": gettext_lazy("Hãy nhập mã hồ sơ.")},
    )
    secret = forms.CharField(
        label=gettext_lazy("Mã tra cứu"),
        max_length=12,
        required=False,
        help_text=gettext_lazy("8 ký tự ghi trên giấy xác nhận; có mã này thì xem được chi tiết."),
    )

    use_required_attribute = False

    def clean_code(self) -> str:
        """The code in capitals, without spaces."""
        code = re.sub(r"\s", "", self.cleaned_data["code"]).upper()
        if not _CODE.fullmatch(code):
            raise forms.ValidationError(_("Mã hồ sơ chưa đúng dạng; hãy xem lại trên giấy."))
        return code


@require_http_methods(["GET", "POST"])
def track(request: HttpRequest) -> HttpResponse:
    """Where a dossier is. The code alone shows the stage; with the secret, the way so far.

    By POST, so that neither code nor secret stays in addresses and logs.
    """
    form = TrackForm(request.POST if request.method == "POST" else None)
    context: dict = {"form": form}
    if request.method == "POST" and form.is_valid():
        if not throttling.allow(request, "track", per_minute=10):
            form.add_error(None, _("Ông/bà tra cứu nhiều lần quá; xin chờ một phút rồi thử lại."))
            return render(request, "dossiers/track.html", context, status=429)
        context |= _found(form)
    return render(request, "dossiers/track.html", context)


def _found(form: TrackForm) -> dict:
    filed = Dossier.objects.exclude(state=Dossier.State.DRAFT)
    known = filed.filter(code=form.cleaned_data["code"]).values_list("pk", "secret").first()
    secret = re.sub(r"\s", "", form.cleaned_data["secret"]).upper()
    # The same words and the same work for a code that is not there and a wrong secret.
    is_right = constant_time_compare(secret, known[1] if known else "")
    if known is None or (secret and not is_right):
        form.add_error(None, _("Không tìm thấy hồ sơ với mã này; hãy kiểm tra lại từng ký tự."))
        return {}
    dossier = Dossier.objects.for_page().get(pk=known[0])
    found = {"stage": presenting.public_stage(dossier)}
    if secret:
        found |= {"timeline": presenting.timeline(dossier), "next": presenting.what_next(dossier)}
    return found


@require_safe
def verify(request: HttpRequest) -> HttpResponse:
    """Check a paper by the code under its QR."""
    token = request.GET.get("ma", "").strip()
    if _TOKEN.fullmatch(token):
        return redirect("dossiers:verify_token", token)
    context = {"is_wrong": bool(token), "token": token}
    return render(request, "dossiers/verify.html", context)


@require_safe
def verify_token(request: HttpRequest, token: str) -> HttpResponse:
    """Whether a paper or a result is ours, and its state; no personal name is shown."""
    if not throttling.allow(request, "verify", per_minute=30):
        return render(request, "dossiers/verify.html", {"is_throttled": True}, status=429)
    if not _TOKEN.fullmatch(token):
        token = ""  # PostgreSQL refuses to compare with some characters
    result = Result.objects.filter(token=token).select_related("dossier__handling_agency").first()
    paper = Paper.objects.filter(token=token).select_related("dossier__receiving_agency").first()
    context = {"result": result, "paper": paper, "token": token}
    status = 200 if result or paper else 404
    return render(request, "dossiers/verified.html", context, status=status)
