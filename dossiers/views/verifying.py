"""The public check page: by code, by the file itself, and by the name on the paper."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from dossiers import throttling, verifying
from dossiers.verifying import Match

CODES_A_MINUTE, FILES_A_MINUTE = 30, 10


class NameForm(forms.Form):
    """The name that the verifier reads on the paper."""

    name = forms.CharField(
        label=gettext_lazy("Tên ghi trên giấy"),
        max_length=200,
        error_messages={
            "required": gettext_lazy("Hãy gõ tên ghi trên giấy."),
            "max_length": gettext_lazy("Tên dài quá 200 ký tự."),
        },
    )

    use_required_attribute = False


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """Check a paper by the code under its QR, or a PDF by itself; the file is kept nowhere."""
    if request.method == "POST":
        return _verify_file(request)
    typed = request.GET.get("ma", "").strip()[:200]
    if token := verifying.token_in(typed):
        return redirect("dossiers:verify_token", token)
    return _page(request, is_wrong=bool(typed), typed=typed)


def _verify_file(request: HttpRequest) -> HttpResponse:
    if not throttling.allow(request, "verify-file", per_minute=FILES_A_MINUTE):
        return _page(request, is_throttled=True, status=429)
    file = request.FILES.get("file")
    if file is None:
        return _page(request, fault=_("Hãy chọn một tệp PDF."), status=400)
    try:
        checked = verifying.by_file(file)
    except verifying.NotRead as error:
        return _page(request, fault=str(error), status=400)
    return render(request, "dossiers/verified.html", {"checked": checked})


def _page(request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
    context |= {"most_mb": verifying.MAX_MB}
    return render(request, "dossiers/verify.html", context, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verify_token(request: HttpRequest, token: str) -> HttpResponse:
    """Whether a paper or a result is ours, and its state; a POST asks about the name on it."""
    if not throttling.allow(request, "verify", per_minute=CODES_A_MINUTE):
        return _page(request, is_throttled=True, status=429)
    checked = verifying.by_token(token)
    form = NameForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"checked": checked, "form": form}
    status = 404 if checked.state == verifying.State.UNKNOWN else 200
    if checked.asks_name and form.is_bound and form.is_valid():
        address = throttling.client_address(request)
        match = verifying.name_on(token, form.cleaned_data["name"], address=address)
        context |= {"match": match.value, "typed": form.cleaned_data["name"]}
        status = 429 if match == Match.TOO_OFTEN else 200
    return render(request, "dossiers/verified.html", context, status=status)
