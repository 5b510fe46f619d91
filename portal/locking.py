"""Locking the screen of a shared computer, and changing over to the next official.

A locked session shows nothing to anybody: no page of the officials', no citizen's page, no
file, until its owner gives the password or a second factor again. It locks by the button,
and by itself when nobody clicked for a while. What was sent from an open page meanwhile is
kept on the server and offered again after unlocking.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.core.exceptions import RateLimited
from allauth.mfa.base.forms import ReauthenticateForm
from allauth.mfa.models import Authenticator
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import resolve, reverse
from django.urls.exceptions import Resolver404
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.sessions import LOCKED, SEEN

# In the session: how often the password was wrong, what was sent meanwhile, where the next
# person is led.
FAILED, KEPT, RESUMES = "lock_failures", "lock_kept", "resumes"
MOST_FAILURES = 5
MOST_KEPT = 60_000  # characters of a form; a file is not kept
# The pages that a locked session opens.
_OPEN = frozenset({"lock_screen", "switch_person", "account_logout", "set_language"})


class ScreenLock:
    """Closes every page of a locked session, and locks one that nobody has used for a while.

    Before `portal.sessions.SessionTimeouts`, which ends it when it stays unused.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Lead to the lock; afterwards, lead the next person away from what is not theirs."""
        if SESSION_KEY in request.session and _is_locked(request) and not _is_open(request):
            _keep(request)
            return redirect("lock_screen")
        response = self.get_response(request)
        if SESSION_KEY in request.session and _was_led_astray(request, response):
            messages.info(request, _("Trang trước không thuộc việc của ông/bà."))
            return redirect("admin:index")
        return response


def _is_locked(request: HttpRequest) -> bool:
    session = request.session
    if LOCKED in session:
        return True
    minutes = settings.SCREEN_LOCK_MINUTES
    idle = time.time() - session.get(SEEN, time.time())
    if minutes and idle > minutes * 60 and request.user.is_authenticated and request.user.is_staff:
        session[LOCKED] = ""
        return True
    return False


def _is_open(request: HttpRequest) -> bool:
    try:
        return resolve(request.path_info).url_name in _OPEN
    except Resolver404:
        return False


def _keep(request: HttpRequest) -> None:
    """Remember the page, or what was typed into it, for the one who unlocks."""
    if request.method in {"GET", "HEAD"}:
        request.session[LOCKED] = request.get_full_path()
        return
    rows = [
        [name, value]
        for name, values in request.POST.lists()
        if name != "csrfmiddlewaretoken"
        for value in values
    ]
    # A password is nothing to keep, nor a form that asks for one.
    is_secret = any("password" in name for name, _value in rows)
    if not is_secret and sum(len(name) + len(value) for name, value in rows) <= MOST_KEPT:
        request.session[KEPT] = {"path": request.get_full_path(), "rows": rows}


def _was_led_astray(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether a change of persons led to a page that is not the next one's."""
    page = request.session.get(RESUMES)
    if page != request.get_full_path() or response.headers.get("Location"):
        return False
    del request.session[RESUMES]
    return response.status_code in {403, 404}


class PasswordForm(forms.Form):
    """The password of whose session it is, counted and slowed down as at a login."""

    password = forms.CharField(
        label=gettext_lazy("Mật khẩu"),
        widget=forms.PasswordInput({"autocomplete": "current-password", "autofocus": True}),
        error_messages={"required": gettext_lazy("Hãy nhập mật khẩu.")},
    )
    use_required_attribute = False

    def __init__(self, *args: Any, user: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> str:
        """Through allauth, which counts failures by name and address."""
        password = self.cleaned_data["password"]
        if not get_adapter().reauthenticate(self.user, password):
            raise forms.ValidationError(_("Mật khẩu chưa đúng."))
        return password


class CodeForm(ReauthenticateForm):
    """A code of the second factor, instead of the password."""

    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["code"].label = _("Mã xác thực hai lớp")
        self.fields["code"].widget.attrs.pop("placeholder", None)
        self.fields["code"].widget.attrs["inputmode"] = "numeric"


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def lock_screen(request: HttpRequest) -> HttpResponse:
    """Lock, say that one is still there, or unlock; which, is said by the form that was sent."""
    if not request.user.is_staff:
        raise PermissionDenied
    is_locked = LOCKED in request.session
    if request.method == "POST" and not is_locked:
        if "still_here" in request.POST:
            return HttpResponse(status=204)
        request.session[LOCKED] = _own_page(request, request.POST.get("next", ""))
        return redirect("lock_screen")
    if request.method == "POST" and {"password", "code"} & request.POST.keys():
        return _unlock(request)
    return _page(request)


def _unlock(request: HttpRequest) -> HttpResponse:
    form = _form(request, "code" if "code" in request.POST else "password")
    try:
        is_right = form.is_valid()
    except RateLimited:
        is_right = False
        form.add_error(None, _("Đã thử sai quá nhiều lần. Xin đợi ít phút rồi thử lại."))
    if is_right:
        return _opened(request)
    failures = request.session[FAILED] = request.session.get(FAILED, 0) + 1
    if failures >= MOST_FAILURES:
        target = _own_page(request, request.session.get(LOCKED, ""))
        logout(request)
        messages.error(request, _("Nhập sai quá năm lần nên cổng đã đăng xuất phiên này."))
        return redirect(_login_for(target))
    return _page(request, form, status=403)


def _opened(request: HttpRequest) -> HttpResponse:
    session = request.session
    target = _own_page(request, session.pop(LOCKED, ""))
    session.pop(FAILED, None)
    session[SEEN] = time.time()
    kept = session.pop(KEPT, None)
    if kept is None:
        return redirect(target)
    context = {**_frame(_("Gửi lại biểu mẫu")), "kept": kept}
    return render(request, "portal/kept_form.html", context)


def _form(request: HttpRequest, kind: str, *, is_bound: bool = True) -> forms.Form:
    form = CodeForm if kind == "code" else PasswordForm
    return form(request.POST if is_bound else None, user=request.user)


def _page(request: HttpRequest, form: forms.Form | None = None, status: int = 200) -> HttpResponse:
    kinds = ["password"] if request.user.has_usable_password() else []
    codes = Authenticator.objects.filter(user=request.user)
    if codes.exclude(type=Authenticator.Type.WEBAUTHN).exists():
        kinds.append("code")
    shown = [
        form if form is not None and kind in form.fields else _form(request, kind, is_bound=False)
        for kind in kinds
    ]
    is_locked = LOCKED in request.session
    title = _("Màn hình đang khóa") if is_locked else _("Khóa màn hình")
    context = {**_frame(title), "is_locked": is_locked, "forms": shown, "form": form}
    return render(request, "portal/lock.html", context, status=status)


def _frame(title: str) -> dict[str, Any]:
    """The site's own words, without its menu: nothing behind the lock is asked for."""
    site = admin.site
    return {"site_header": site.site_header, "site_title": site.site_title, "title": title}


@never_cache
@login_required
@require_POST
def switch_person(request: HttpRequest) -> HttpResponse:
    """Log out, and bring the next official to this page, or to their own work."""
    page = request.session.get(LOCKED) or request.POST.get("next", "")
    target = _own_page(request, page)
    logout(request)
    return redirect(_login_for(target))


def _login_for(target: str) -> str:
    after = f"{reverse('resume_work')}?{urlencode({'trang': target})}"
    return f"{reverse('account_login')}?{urlencode({'next': after})}"


@login_required
@require_safe
def resume_work(request: HttpRequest) -> HttpResponse:
    """After a change of persons: the page that the one before was on, if it is theirs too."""
    target = _own_page(request, request.GET.get("trang", ""))
    request.session[RESUMES] = target
    return redirect(target)


def _own_page(request: HttpRequest, page: str) -> str:
    """An address of this site; the start of the officials' pages for anything else."""
    is_ours = page.startswith("/") and url_has_allowed_host_and_scheme(page, allowed_hosts=None)
    is_lock = page.startswith(reverse("lock_screen"))
    return page if is_ours and not is_lock else reverse("admin:index")
