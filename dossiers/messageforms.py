"""What is typed to send a message, on either side."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy

from dossiers.messages import MAX_TEXT
from dossiers.models import new_key

_KEY = RegexValidator(r"\A[A-Za-z0-9_-]{22}\Z", gettext_lazy("Biểu mẫu đã cũ; xin mở lại trang."))


class MessageForm(forms.Form):
    """The text of a message; its files are taken one by one beside it."""

    form_key = forms.CharField(widget=forms.HiddenInput, validators=[_KEY])
    text = forms.CharField(
        label=gettext_lazy("Nội dung tin nhắn"),
        max_length=MAX_TEXT,
        widget=forms.Textarea({"rows": 5}),
        error_messages={
            "required": gettext_lazy("Hãy viết nội dung tin nhắn."),
            "max_length": gettext_lazy("Tin nhắn dài quá; xin viết gọn trong 4.000 ký tự."),
        },
    )

    use_required_attribute = False

    def __init__(self, data: Any = None, *, text: str = ""):
        super().__init__(data, initial={"form_key": new_key(), "text": text})

    @property
    def faults(self) -> list[tuple[str, str]]:
        """The faults with the input that each belongs to, for the summary on top."""
        rows = [("", error) for error in self.non_field_errors()]
        for field in (self["form_key"], self["text"]):
            anchor = "" if field.is_hidden else field.auto_id
            rows += [(anchor, error) for error in field.errors]
        return rows
