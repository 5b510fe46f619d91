"""The pages of one's account that allauth does not have, and the slip's."""

from __future__ import annotations

from allauth.account import views as theirs
from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.usersessions.views import ListUserSessionsView
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.generic.edit import FormView

from dossiers.throttling import allow
from portal import closing, counter, exports, sessions
from portal.accountforms import ActivateForm
from portal.models import DataExport
from portal.profile import ProfileForm


class Logout(theirs.LogoutView):
    """allauth's, telling the browser to forget what it kept of the pages."""

    def post(self, *args, **kwargs) -> HttpResponse:
        """On a shared computer "back" must not show the person before."""
        response = super().post(*args, **kwargs)
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response


class Devices(ListUserSessionsView):
    """allauth's list of sessions, in one query however many there are."""

    def get_context_data(self, **kwargs) -> dict:
        """Not allauth's own, which asks for each session by itself."""
        found = list(sessions.devices(self.request.user))
        context = {"sessions": found, "session_count": len(found)}
        return FormView.get_context_data(self, **context, **kwargs)


# --- The slip from the counter --------------------------------------------------------


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def activate(request: HttpRequest, key: str) -> HttpResponse:
    """Take over an account that the counter opened, by the key in the slip's QR code."""
    if not allow(request, "activate", per_minute=20):
        return render(request, "429.html", status=429)
    activation = counter.find(key)
    if activation is None:
        return render(request, "portal/slip_void.html", status=404)
    form = ActivateForm(request.POST or None, user=activation.user)
    if request.method == "POST" and form.is_valid():
        user = counter.activate(activation, password=form.cleaned_data["password1"])
        if user is None:
            return render(request, "portal/slip_void.html", status=404)
        return _log_in(request, user)
    return render(request, "portal/activate.html", {"form": form, "person": activation.user})


def _log_in(request: HttpRequest, user) -> HttpResponse:
    logout(request)
    record_authentication(request, user, method="activation")
    messages.success(request, _("Đã đặt mật khẩu. Từ nay ông/bà đăng nhập bằng số tài khoản này."))
    return perform_login(request, Login(user=user))


# --- Profile --------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Name, telephone and citizen number, from which forms are filled in."""
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST":
        if form.is_valid():
            form.save()
            messages.success(request, _("Đã lưu hồ sơ cá nhân."))
            return redirect("profile")
        request.user.refresh_from_db()
    return render(request, "portal/profile.html", {"form": form})


# --- A copy of one's data -------------------------------------------------------------


@login_required
@require_GET
def my_data(request: HttpRequest) -> HttpResponse:
    """What may be taken away, and the copies that were asked for."""
    copies = DataExport.objects.filter(user=request.user)[:5]
    context = {"copies": copies, "waits": any(copy.ready_at is None for copy in copies)}
    return render(request, "portal/my_data.html", context)


@require_POST
@login_required
@reauthentication_required
def ask_for_data(request: HttpRequest) -> HttpResponse:
    """Have a copy made; one at a time."""
    if exports.ask(request.user):
        messages.success(request, _("Đã nhận yêu cầu. Có thông báo khi bản sao sẵn sàng."))
    else:
        messages.info(request, _("Bản sao ông/bà yêu cầu đang được chuẩn bị hoặc vừa có xong."))
    return redirect("my_data")


@login_required
@reauthentication_required
@require_GET
def fetch_data(request: HttpRequest, pk: int) -> HttpResponse:
    """The finished copy, to the person whom it is about."""
    ready = DataExport.objects.filter(user=request.user, expires_at__gt=timezone.now())
    export = get_object_or_404(ready.exclude(file=""), pk=pk)
    response = FileResponse(
        export.file.open("rb"), as_attachment=True, filename="du-lieu-cua-toi.zip"
    )
    response.headers["Content-Type"] = "application/zip"
    return response


# --- Closing --------------------------------------------------------------------------


@login_required
@reauthentication_required
@require_http_methods(["GET", "HEAD", "POST"])
def close_account(request: HttpRequest) -> HttpResponse:
    """Close one's account, or read what still stands against it."""
    if request.method == "POST" and request.POST.get("agrees"):
        address = request.user.email
        phone = request.user.phone if request.user.phone_verified else ""
        try:
            closing.close(request.user)
        except closing.Refused:
            return redirect("close_account")
        logout(request)
        closing.say_goodbye(address, phone)
        messages.success(request, _("Tài khoản đã đóng. Cảm ơn ông/bà đã dùng cổng."))
        return redirect(reverse("home"))
    context = {
        "obstacles": closing.obstacles(request.user),
        "missing": request.method == "POST",
    }
    return render(request, "portal/close_account.html", context)


# allauth asks nobody before the first password: whoever came by a login service has none.
set_password = login_required(reauthentication_required(theirs.password_set))
logout_view = method_decorator(never_cache, name="dispatch")(Logout).as_view()
