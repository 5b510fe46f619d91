"""What a person says about themselves, from which forms are filled in."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from portal.models import User
from portal.phones import PhoneField
from procedures.formspec.fields import check_citizen_number, check_name


class ProfileForm(forms.ModelForm):
    """Name, telephone, citizen number.

    What somebody checked stays: the card's number after the counter or VNeID, and a verified
    telephone, which is changed with a code on its own page.
    """

    phone = PhoneField(required=False)

    class Meta:
        model = User
        fields = ("full_name", "phone", "citizen_number")
        widgets = {
            "full_name": forms.TextInput({"autocomplete": "name"}),
            "citizen_number": forms.TextInput({"autocomplete": "off", "inputmode": "numeric"}),
        }

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["full_name"].help_text = _("Như trên thẻ căn cước.")
        self.fields["phone"].help_text = _("Để cơ quan gọi khi cần.")
        self.fields["citizen_number"].max_length = 20
        self.fields["citizen_number"].widget.attrs["maxlength"] = 20
        self.fields["citizen_number"].validators = []
        if self.instance.identity_checked_at:
            del self.fields["citizen_number"]
        if self.instance.phone_verified:
            del self.fields["phone"]

    def clean_citizen_number(self) -> str:
        """Twelve digits, in groups or not."""
        number = re.sub(r"[\s.-]", "", self.cleaned_data["citizen_number"])
        if number:
            check_citizen_number(number)
        return number

    def clean_full_name(self) -> str:
        """A name, in one line."""
        name = " ".join(self.cleaned_data["full_name"].split())
        if not name:
            raise ValidationError(_("Xin nhập họ và tên."), "required")
        check_name(name)
        return name

    def save(self, commit: bool = True) -> User:
        """Write only these columns: another tab may have changed others."""
        self.instance.save(update_fields=list(self.fields))
        return self.instance
