"""Telephone numbers as people type them."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class PhoneField(forms.CharField):
    """A Vietnamese mobile number in any usual spelling; its value is `0912345678`.

    Mobile only: a code goes there by SMS.
    """

    def __init__(self, **options: Any):
        options.setdefault("label", gettext_lazy("Số điện thoại di động"))
        options.setdefault("max_length", 20)
        options.setdefault(
            "widget", forms.TextInput({"autocomplete": "tel", "inputmode": "tel", "type": "tel"})
        )
        super().__init__(**options)

    def to_python(self, value: Any) -> str:
        """Without separators, the country's 84 as 0."""
        digits = re.sub(r"[\s.()-]", "", super().to_python(value))
        return re.sub(r"^(\+|00)?840?(?=[0-9]{9}$)", "0", digits)

    def validate(self, value: str) -> None:
        """Refuse what is no Vietnamese mobile number."""
        super().validate(value)
        if value and not re.fullmatch(r"0[35789][0-9]{8}", value):
            raise ValidationError(
                _("Số điện thoại di động chưa đúng; ví dụ đúng: 0912 345 678."), "invalid"
            )
