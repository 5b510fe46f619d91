"""Forms of the wallet of papers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import intake
from procedures.text import normalise


class KeepForm(forms.Form):
    """What a kept paper is called, and until when it is good."""

    title = forms.CharField(
        label=gettext_lazy("Tên giấy tờ"),
        max_length=120,
        error_messages={"required": gettext_lazy("Hãy ghi tên giấy tờ.")},
    )
    expires_on = forms.DateField(
        label=gettext_lazy("Có giá trị đến ngày"),
        required=False,
        input_formats=["%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y-%m-%d"],
        widget=forms.DateInput(format="%d/%m/%Y", attrs={"inputmode": "numeric"}),
        help_text=gettext_lazy("Ghi ngày/tháng/năm, ví dụ 31/12/2030. Để trống nếu không có hạn."),
        error_messages={"invalid": gettext_lazy("Hãy ghi ngày có thật, ví dụ 31/12/2030.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.use_required_attribute = False

    def clean_title(self) -> str:
        """One line."""
        return " ".join(normalise(self.cleaned_data["title"]).split())

    def clean_expires_on(self) -> Any:
        """A paper that is good no more is of no use here."""
        day = self.cleaned_data["expires_on"]
        if day and day < timezone.localdate():
            raise forms.ValidationError(_("Giấy tờ này đã hết hạn nên không lưu vào ví."))
        return day


class PaperForm(KeepForm):
    """A new paper with its file; the file is looked at when it is stored."""

    file = forms.FileField(
        label=gettext_lazy("Tệp"),
        widget=forms.FileInput(attrs={"accept": intake.ACCEPT}),
        error_messages={
            "required": gettext_lazy("Hãy chọn tệp."),
            "empty": gettext_lazy("Tệp trống; có thể tệp chưa tải xong. Hãy chọn lại tệp."),
            "max_length": gettext_lazy("Tên tệp quá dài."),
        },
    )
    field_order = ("file", "title", "expires_on")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].help_text = intake.limits()
