"""The forms of registering, logging in and asking for a new password."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as theirs
from allauth.account.app_settings import LoginMethod
from allauth.account.internal.flows.login import derive_login_method
from allauth.account.internal.flows.password_reset_by_code import PasswordResetVerificationProcess
from allauth.account.internal.userkit import filter_users_by_email
from allauth.account.models import EmailAddress
from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import channels
from dossiers.counter.accountnumbers import tidy_number
from dossiers.models import Delivery
from portal.accounts import AccountAdapter
from portal.phones import PhoneField


class LoginForm(theirs.LoginForm):
    """One field for the three names that a person may have."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["login"] = forms.CharField(
            label=_("Thư điện tử, số điện thoại hoặc số tài khoản"),
            max_length=254,
            widget=forms.TextInput({"autocomplete": "username"}),
        )
        self.order_fields(["login", "password"])

    def clean_login(self) -> str:
        """The one spelling by which the name is looked up and its failures are counted."""
        name = self.cleaned_data["login"].strip()
        kind = derive_login_method(name)
        if kind == LoginMethod.EMAIL:
            return name.lower()
        return PhoneField().clean(name) if kind == LoginMethod.PHONE else tidy_number(name)

    def user_credentials(self) -> dict[str, str]:
        """One name only.

        allauth tries an address as a user name too, so that a wrong password is hashed twice
        for those who have an account, and once for others: a stopwatch would tell them apart.
        """
        credentials = super().user_credentials()
        if len(credentials.keys() - {"password"}) > 1:
            del credentials[LoginMethod.USERNAME]
        return credentials


class SignupForm(theirs.SignupForm):
    """A name, a password, and an e-mail address or a telephone number."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("Thư điện tử")
        self.fields["email"].widget.attrs.pop("placeholder", None)
        self.fields["email"].max_length = 254
        if channels.is_open(Delivery.Channel.SMS):
            self.fields["phone"].label = _("Số điện thoại di động")
            self.fields["phone"].help_text = _(
                "Không có thư điện tử thì để trống ô trên và nhập số nhận được tin nhắn."
            )
            self.fields["email"].required = self.fields["email"].widget.is_required = False
        else:
            del self.fields["phone"]

    def clean_email(self) -> str | None:
        """None where there is none: an empty address would be one that everybody has."""
        return super().clean_email() or None

    def clean(self) -> dict[str, Any]:
        """At least one way to reach the person."""
        cleaned = super().clean()
        typed_wrong = {"email", "phone"} & set(self.errors)
        if "phone" in self.fields and not typed_wrong and not self._contact():
            self.add_error("email", _("Xin nhập thư điện tử hoặc số điện thoại; một trong hai."))
        return cleaned

    def _contact(self) -> str | None:
        return self.cleaned_data.get("email") or self.cleaned_data.get("phone")

    def _clean_phone(self) -> None:
        """Beside an e-mail address the number is only a way to call: it proves nothing.

        Looking it up would send those whose number is known to another page than others.
        """
        if not self.cleaned_data.get("email"):
            super()._clean_phone()

    def try_save(self, request: HttpRequest) -> tuple[Any, Any]:
        """A known name is answered as an unknown one: by the same page, after the same work."""
        if self.account_already_exists:
            # Hashed and thrown away: a stopwatch would tell who has an account.
            get_user_model()().set_password(self.cleaned_data["password1"])
            if self.cleaned_data.get("email"):
                self.cleaned_data["phone"] = None
        return super().try_save(request)


class ResetPasswordForm(theirs.ResetPasswordForm):
    """Where the code goes that allows a new password: an e-mail address or a telephone."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["email"] = forms.CharField(
            label=_("Thư điện tử hoặc số điện thoại"),
            max_length=254,
            widget=forms.TextInput({"autocomplete": "username"}),
        )

    def clean_email(self) -> str:
        """The address or number in its one spelling; whose it is stays with the form."""
        contact = self.cleaned_data["email"].strip().lower()
        self.by_phone = "@" not in contact
        if self.by_phone:
            return self._of_phone(contact)
        return self._of_email(contact)

    def _of_phone(self, contact: str) -> str:
        try:
            phone = PhoneField().clean(contact)
        except ValidationError:
            raise ValidationError(
                _("Xin nhập thư điện tử hoặc số điện thoại di động đã đăng ký."), "invalid"
            ) from None
        found = AccountAdapter().get_user_by_phone(phone)
        self.user = found if found and found.is_active else None
        return phone

    def _of_email(self, email: str) -> str:
        try:
            validate_email(email)
        except ValidationError:
            raise ValidationError(
                _("Địa chỉ thư điện tử chưa đúng; ví dụ: ten@example.vn."), "invalid"
            ) from None
        found = filter_users_by_email(email, is_active=True, prefer_verified=True, for_login=True)
        self.user = next((user for user in found if _owns(user, email)), None)
        return email

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """Send the code, or word that there is no account: each by a task."""
        contact = self.cleaned_data["email"]
        process = _ByPhone if self.by_phone else PasswordResetVerificationProcess
        state = process.initial_state(self.user, contact)
        started = process(request, state=state, user=self.user)
        started.send()
        started.persist()
        return contact


def _owns(user: Any, email: str) -> bool:
    """Not an address that somebody else typed at the counter and nobody confirmed."""
    if user.email == email:
        return True
    return EmailAddress.objects.filter(user=user, email=email, verified=True).exists()


class _ByPhone(PasswordResetVerificationProcess):
    """allauth's reset by code, sent by SMS; the number stands where it keeps the address."""

    def send(self) -> None:
        """The code; to a number that nobody verified, word that there is no account."""
        adapter, phone = AccountAdapter(self.request), self.state["email"]
        if not self.user:
            adapter.send_unknown_account_sms(phone)
            return
        self.state["code"] = adapter.generate_password_reset_code()
        text = _("Mã đặt lại mật khẩu: %(code)s. Có hiệu lực 15 phút.") % {"code": self.code}
        warning = _("Không đưa mã cho bất kỳ ai.")
        adapter.send_text(phone, f"{text} {warning}")


class ActivateForm(forms.Form):
    """The password with which a person takes over the account that the counter opened."""

    password1 = theirs.SetPasswordField(label=gettext_lazy("Mật khẩu mới"))
    password2 = theirs.PasswordField(
        label=gettext_lazy("Nhập lại mật khẩu"), autocomplete="new-password"
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["password1"].user = user
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)

    def clean_password2(self) -> str:
        """The same twice."""
        if self.cleaned_data.get("password1") not in (None, self.cleaned_data["password2"]):
            raise ValidationError(_("Hai lần nhập mật khẩu chưa giống nhau."), "mismatch")
        return self.cleaned_data["password2"]
