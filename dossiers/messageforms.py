"""What is typed to send a message, on either side."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers.messages import MAX_TEXT
from dossiers.models import new_key
from procedures.text import fold

KEY = RegexValidator(r"\A[A-Za-z0-9_-]{22}\Z", gettext_lazy("Biểu mẫu đã cũ; xin mở lại trang."))


class MessageForm(forms.Form):
    """The text of a message; its files are taken one by one beside it."""

    form_key = forms.CharField(widget=forms.HiddenInput, validators=[KEY])
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


# How words begin that ask for papers, in the spelling of `fold()`.
_ASKING = re.compile(
    r"\b(bo sung|nop (them|lai|kem)|thieu (giay|ban|ho so)|gui (them|lai) (giay|ban|anh))\b"
)


def asks_for_papers(text: str) -> bool:
    """Whether a message seems to ask the citizen for papers, which messages must not do.

    Papers are asked for by a supplement request alone, once and in full (Decree 61/2018,
    article 15 clause 3). Words only seem; who writes has the last word.
    """
    return bool(_ASKING.search(fold(text)))


class OfficeMessageForm(MessageForm):
    """The same for an office: a text that seems to ask for papers needs a tick."""

    is_no_request = forms.BooleanField(
        label=gettext_lazy("Tin nhắn này không yêu cầu nộp giấy tờ; vẫn gửi."), required=False
    )

    def clean(self) -> dict[str, Any]:
        """Ask once whether it is meant as a request."""
        cleaned = super().clean()
        if asks_for_papers(cleaned.get("text", "")) and not cleaned.get("is_no_request"):
            self.add_error(
                "is_no_request",
                _(
                    "Tin nhắn có vẻ yêu cầu giấy tờ. Yêu cầu bổ sung phải gửi bằng phiếu, một lần "
                    "và đầy đủ; nếu tin nhắn không yêu cầu giấy tờ, hãy đánh dấu rồi gửi lại."
                ),
            )
        return cleaned

    @property
    def seems_to_ask(self) -> bool:
        """Whether the tick is shown."""
        return self.is_bound and "is_no_request" in self.errors

    @property
    def faults(self) -> list[tuple[str, str]]:
        """With the fault of the tick."""
        field = self["is_no_request"]
        return [*super().faults, *((field.auto_id, error) for error in field.errors)]
