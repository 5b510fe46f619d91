"""What reception types while a person stands at the counter."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.phones import PhoneField
from procedures.formspec.fields import check_citizen_number, check_name

CHECKED = _("Đã đối chiếu thẻ căn cước với người đến quầy")
UNCHECKED = _("Phải đối chiếu thẻ căn cước của chính người ấy trước.")


class OpenAccountForm(forms.Form):
    """A new account: as the card says, and how to call the person."""

    full_name = forms.CharField(
        label=_("Họ và tên"),
        max_length=120,
        validators=[check_name],
        help_text=_("Đúng như trên thẻ căn cước."),
    )
    citizen_number = forms.CharField(label=_("Số định danh cá nhân"), max_length=20)
    phone = PhoneField(
        label=_("Số điện thoại di động (nếu có)"),
        required=False,
        widget=forms.TextInput({"inputmode": "tel"}),
    )
    email = forms.EmailField(
        label=_("Thư điện tử (nếu có)"),
        max_length=254,
        required=False,
        widget=forms.TextInput({"inputmode": "email"}),
    )
    checked = forms.BooleanField(label=CHECKED, error_messages={"required": UNCHECKED})

    def clean_full_name(self) -> str:
        """In one line."""
        return " ".join(self.cleaned_data["full_name"].split())

    def clean_citizen_number(self) -> str:
        """Twelve digits, in groups or not."""
        number = "".join(sign for sign in self.cleaned_data["citizen_number"] if sign not in " .-")
        check_citizen_number(number)
        return number

    def account(self) -> dict[str, Any]:
        """What `counter.open_account` takes."""
        names = ("full_name", "citizen_number", "phone", "email")
        return {name: self.cleaned_data[name] for name in names}


class CheckedAgainForm(forms.Form):
    """The card was checked once more, for a new slip."""

    checked = forms.BooleanField(label=CHECKED, error_messages={"required": UNCHECKED})
