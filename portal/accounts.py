"""How people register, log in and are reached about their account, on top of allauth."""

from __future__ import annotations

import time
from typing import Any

from allauth.account import app_settings as account_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.reauthentication import get_reauthentication_flows
from allauth.account.models import EmailAddress
from allauth.account.stages import EmailVerificationStage
from allauth.core import context as request_context
from allauth.core.exceptions import ImmediateHttpResponse, RateLimited
from allauth.mfa.adapter import DefaultMFAAdapter
from django import forms
from django.contrib import messages
from django.contrib.auth import get_user_model, logout
from django.contrib.auth.views import redirect_to_login
from django.contrib.sites.shortcuts import get_current_site
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import throttling
from portal.phones import PhoneField
from portal.tasks import send_mail, send_text
from procedures.formspec.fields import check_name

SINCE = "session_since"  # when this session logged in, by `portal.sessions`
# Messages to typed numbers that one address of the network has sent: a whole office's hall
# may share one.
MESSAGES_A_DAY = 200
WRONG_LOGIN = gettext_lazy("Tên đăng nhập hoặc mật khẩu chưa đúng.")


class AccountAdapter(DefaultAccountAdapter):
    """allauth as this portal wants it: mail and SMS from a task, three names to log in by.

    A telephone number counts as a name only once its code was given back: anybody may
    write another person's number into a form.
    """

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        # One sentence whatever was typed: which kind of name it was tells nothing either.
        "email_password_mismatch": WRONG_LOGIN,
        "phone_password_mismatch": WRONG_LOGIN,
        "username_password_mismatch": WRONG_LOGIN,
        "invalid_login": WRONG_LOGIN,
        "phone_taken": gettext_lazy("Số điện thoại này đã thuộc một tài khoản khác."),
        "too_many_login_attempts": gettext_lazy(
            "Đã thử sai quá nhiều lần. Xin đợi ít phút rồi thử lại."
        ),
        "same_as_current": gettext_lazy("Xin nhập một số khác với số đang dùng."),
        "rate_limited": gettext_lazy("Vừa gửi mã xong; xin đợi ít phút rồi hãy yêu cầu mã khác."),
    }

    # --- People -----------------------------------------------------------------------

    def populate_username(self, request: HttpRequest, user: Any) -> None:
        """Nobody gets an account number by registering: the counter alone gives one."""

    def clean_username(self, username: str | None, shallow: bool = False) -> str | None:
        """Whoever comes through another service has no account number either."""
        return super().clean_username(username, shallow) if username else None

    def can_delete_email(self, email_address: EmailAddress) -> bool:
        """Never the last way by which a person gets in."""
        others = EmailAddress.objects.filter(user_id=email_address.user_id, verified=True)
        has_other = others.exclude(pk=email_address.pk).exists()
        stays = has_other or is_known_without_email(email_address.user)
        return stays and super().can_delete_email(email_address)

    def get_login_stages(self) -> list[str]:
        """allauth's, but people without e-mail are not asked to confirm one."""
        theirs = "allauth.account.stages.EmailVerificationStage"
        ours = "portal.accounts.EmailStage"
        return [ours if stage == theirs else stage for stage in super().get_login_stages()]

    # --- Limits -----------------------------------------------------------------------

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Failures are counted by the name that was typed.

        allauth leaves the telephone out of it: all numbers would share one count. Nor are the
        names of one person counted together, which would tell that they are one person's.
        """
        names = (credentials.get(kind) for kind in ("email", "phone", "username"))
        return f"login:{next(filter(None, names), '').lower()}"

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Who came by a login service has nothing to type again: they come by it again.

        allauth would let a session of any age change everything. Raises the answer that
        sends them to the login.
        """
        required = super().is_reauthentication_required(app=app, **kwargs)
        request = self.request
        began = request.session.get(SINCE, 0)
        is_old = time.time() - began > account_settings.REAUTHENTICATION_TIMEOUT
        if required and is_old and not get_reauthentication_flows(request.user):
            target = request.get_full_path() if request.method == "GET" else reverse("profile")
            logout(request)
            self.add_message(
                request, messages.INFO, message=_("Để an toàn, mời ông/bà đăng nhập lại.")
            )
            raise ImmediateHttpResponse(redirect_to_login(target, reverse("account_login")))
        return required

    # --- Telephone --------------------------------------------------------------------

    def phone_form_field(self, **options: Any) -> forms.Field:
        """A Vietnamese number, kept as `0912345678`."""
        return PhoneField(**options)

    def get_phone(self, user: Any) -> tuple[str, bool] | None:
        """The number that logs in, or is about to: (number, whether it is verified).

        A number beside an e-mail address or an account number is only a way to call until
        its owner verifies it, so no login waits for that.
        """
        if not user.phone:
            return None
        if not user.phone_verified and (user.email or user.account_number):
            return None
        return user.phone, user.phone_verified

    def set_phone(self, user: Any, phone: str, verified: bool) -> None:
        """Keep a number with a person."""
        user.phone, user.phone_verified = phone, verified
        user.save(update_fields=["phone", "phone_verified"])

    def set_phone_verified(self, user: Any, phone: str) -> None:
        """The code came back: the number is theirs, and the number before it hears of it."""
        before = user.phone if user.phone_verified else ""
        try:
            with transaction.atomic():
                self.set_phone(user, phone, True)
        except IntegrityError:
            self._refuse_phone()
        if before and before != phone:
            self._say_that_phone_changed(user, before)

    def _refuse_phone(self) -> None:
        """Somebody else verified the number since the code was sent."""
        words = self.error_messages["phone_taken"]
        self.add_message(self.request, messages.ERROR, message=str(words))
        raise ImmediateHttpResponse(redirect("account_login"))

    def _say_that_phone_changed(self, user: Any, before: str) -> None:
        text = _("Số điện thoại của tài khoản ông/bà vừa đổi sang số khác.")
        send_text.enqueue(before, f"{text} {_not_you()}")
        self.send_notification_mail("account/email/phone_changed", user)

    def get_user_by_phone(self, phone: str) -> Any | None:
        """The person who verified this number."""
        return get_user_model().objects.filter(phone=phone, phone_verified=True).first()

    def send_verification_code_sms(self, user: Any, phone: str, code: str, **kw: Any) -> None:
        """The code that shows that the number is theirs."""
        text = _("Mã xác nhận: %(code)s. Có hiệu lực 15 phút.") % {"code": code}
        warning = _("Không đưa mã cho bất kỳ ai.")
        self.send_text(phone, f"{text} {warning}")

    def send_text(self, phone: str, text: str) -> None:
        """A message to a number that somebody typed; raises `RateLimited`.

        Whoever tries many numbers pays for none of them: the office does.
        """
        address = throttling.client_address(self.request)
        if throttling.count_today(f"messages:{address}") > MESSAGES_A_DAY:
            raise RateLimited
        send_text.enqueue(phone, text)

    def send_unknown_account_sms(self, phone: str, **kwargs: Any) -> None:
        """A code was asked for a number that nobody verified."""
        text = _("Số này chưa có tài khoản tại cổng dịch vụ công. Mời đăng ký tài khoản.")
        self.send_text(phone, text)

    def send_account_already_exists_sms(self, phone: str) -> None:
        """Somebody registers with a number that has an account."""
        text = _("Số này đã có tài khoản. Quên mật khẩu thì chọn mục ấy ở trang đăng nhập.")
        self.send_text(phone, text)

    # --- Mail -------------------------------------------------------------------------

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Have the message sent by a worker: no request waits for a mail server."""
        request = request_context.request
        message = self.render_mail(
            template_prefix,
            email,
            {
                "request": request,
                "email": email,
                "current_site": get_current_site(request),
                **context,
            },
        )
        send_mail.enqueue(message.subject, message.body, list(message.to))

    def send_notification_mail(
        self,
        template_prefix: str,
        user: Any,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Say that something about the account changed; without e-mail, by SMS."""
        super().send_notification_mail(template_prefix, user, context, email)
        if not email and not user.email and user.phone_verified:
            text = _("Thông tin đăng nhập của tài khoản ông/bà vừa thay đổi.")
            send_text.enqueue(user.phone, f"{text} {_not_you()}")

    def is_safe_url(self, url: str | None) -> bool:
        """Only addresses of this very site, written without tricks."""
        return bool(url) and url.startswith("/") and super().is_safe_url(url)


class EmailStage(EmailVerificationStage):
    """Confirming the address, for those who log in by one."""

    def handle(self) -> tuple[Any, bool]:
        """Pass whoever came by telephone or account number."""
        user = self.login.user
        if user and not self.login.email and is_known_without_email(user):
            return None, True
        return super().handle()


class SecondFactorAdapter(DefaultMFAAdapter):
    """allauth's second factors for people who may have no e-mail address."""

    def _get_user_identifier(self, user: Any) -> str:
        """What an authenticator app writes beside the code."""
        return user.email or user.phone or user.account_number or str(user)


class PersonForm(forms.Form):
    """What registration asks beyond how to log in."""

    full_name = forms.CharField(
        label=gettext_lazy("Họ và tên"),
        max_length=120,
        validators=[check_name],
        widget=forms.TextInput({"autocomplete": "name"}),
        help_text=gettext_lazy("Như trên thẻ căn cước."),
    )

    field_order = ("full_name", "email", "phone", "password1")

    def signup(self, request: HttpRequest, user: Any) -> None:
        """Keep the name with the new person."""
        user.full_name = self.cleaned_data["full_name"]
        user.save(update_fields=["full_name"])


def is_known_without_email(user: Any) -> bool:
    """Whether a person gets in by a verified telephone or by what the counter gave."""
    return user.phone_verified or user.identity_checked_at is not None


def display_name(user: Any) -> str:
    """How a person is called on allauth's pages."""
    return user.get_full_name()


def _not_you() -> str:
    return _("Nếu không phải ông/bà làm, hãy báo ngay cho bộ phận một cửa.")


def forget_failures(request: HttpRequest, user: Any) -> None:
    """A new password was set: failures before it no longer keep its owner out."""
    adapter = AccountAdapter(request)
    for kind, name in (("phone", user.phone), ("username", user.account_number)):
        if name:
            adapter._delete_login_attempts_cached_email(request, **{kind: name})
