"""Pages for everybody: where a dossier is."""

from __future__ import annotations

import re

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from dossiers import presenting, ratings, supplements, throttling, tracking
from dossiers.draftresults import silence_agrees
from dossiers.handing import showing
from dossiers.models import Dossier

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
        """The code in capitals, without spaces, and with the dashes that it has."""
        code = re.sub(r"\s", "", self.cleaned_data["code"]).upper()
        # Telephones and word processors make other dashes of it.
        code = re.sub("[\u2010-\u2015\u2212]", "-", code)
        if not _CODE.fullmatch(code):
            raise forms.ValidationError(_("Mã hồ sơ chưa đúng dạng; hãy xem lại trên giấy."))
        return code


# Wrong secrets that are listened to for one code on one day (SECURITY.md K02): the space of
# eight characters is searched by nobody at this pace.
WRONG_SECRETS_A_DAY = 20


@never_cache
@require_http_methods(["GET", "POST"])
def track(request: HttpRequest) -> HttpResponse:
    """Where a dossier is. The code alone shows the stage and the day; with the secret, all.

    By POST, so that neither code nor secret stays in addresses and logs.
    """
    form = TrackForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST" and form.is_valid():
        if not throttling.allow(request, "track", per_minute=10):
            form.add_error(None, _("Ông/bà tra cứu nhiều lần quá; xin chờ một phút rồi thử lại."))
            status = 429
        elif _is_worn_out(form):
            form.add_error(
                None,
                _(
                    "Hồ sơ này hôm nay đã bị nhập sai mã tra cứu nhiều lần nên tạm khóa cách này. "
                    "Xin thử lại ngày mai, hoặc quét mã QR trên giấy xác nhận, hoặc đăng nhập."
                ),
            )
            status = 429
        else:
            return _found(request, form)
    return render(request, "dossiers/track.html", {"form": form}, status=status)


def _is_worn_out(form: TrackForm) -> bool:
    name = f"track:{form.cleaned_data['code']}"
    return bool(_secret(form)) and throttling.failures_today(name) >= WRONG_SECRETS_A_DAY


def _secret(form: TrackForm) -> str:
    return re.sub(r"\s", "", form.cleaned_data["secret"]).upper()


def _found(request: HttpRequest, form: TrackForm) -> HttpResponse:
    filed = Dossier.objects.exclude(state=Dossier.State.DRAFT)
    code, secret = form.cleaned_data["code"], _secret(form)
    known = filed.filter(code=code).values_list("pk", "secret").first()
    # The same words and the same work for a code that is not there and a wrong secret.
    is_right = constant_time_compare(secret, known[1] if known else "")
    if secret and not is_right:
        throttling.note_failure(f"track:{code}")
    if known is None or (secret and not is_right):
        form.add_error(None, _("Không tìm thấy hồ sơ với mã này; hãy kiểm tra lại từng ký tự."))
        return render(request, "dossiers/track.html", {"form": form})
    if secret:
        return _everything(request, Dossier.objects.for_page().get(pk=known[0]))
    stage = presenting.public_stage(Dossier.objects.for_queue().get(pk=known[0]))
    return render(request, "dossiers/track.html", {"form": form, "stage": stage})


@never_cache
@require_safe
def track_signed(request: HttpRequest, token: str) -> HttpResponse:
    """All about a dossier for whoever holds the link of its QR code."""
    if not throttling.allow(request, "track", per_minute=10):
        return render(request, "dossiers/track_refused.html", {"is_throttled": True}, status=429)
    dossier = tracking.by_token(token)
    if dossier is None:
        return _unseen(render(request, "dossiers/track_refused.html", status=404))
    return _everything(request, dossier)


def _everything(request: HttpRequest, dossier: Dossier) -> HttpResponse:
    """What the secret opens; shown, a notice counts as delivered."""
    tracking.open_for(request, dossier)
    notices = list(dossier.notices.filter(recipient=dossier.owner_id))
    context = {
        **presenting.tracking(dossier),
        "handing": showing.for_secret(dossier),
        "notices": notices,
        "faults": _faults(dossier),
        "silence_agrees": silence_agrees(dossier),
        **ratings.invitation(dossier),
    }
    response = _unseen(render(request, "dossiers/tracked.html", context))
    if request.method != "HEAD":
        tracking.note_read(dossier)
    return response


def _faults(dossier: Dossier) -> list[supplements.Fault]:
    """What an open supplement request names."""
    rows = [row for row in dossier.supplement_requests.all() if not row.answered_at]
    return supplements.faults_of(dossier, rows[0]) if rows else []


def _unseen(response: HttpResponse) -> HttpResponse:
    """Keep the page out of search engines, and its address from where its links lead."""
    response["X-Robots-Tag"] = "noindex, nofollow"
    # Without any referrer, browsers send "Origin: null", and no form of the page would pass.
    response["Referrer-Policy"] = "strict-origin"
    return response
