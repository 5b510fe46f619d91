"""The form of the words that an office uses again."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy

from dossiers import replies
from dossiers.models import ReplyTemplate


class ReplyTemplateForm(forms.ModelForm):
    """A template; what stands in braces must be something that can be filled in."""

    class Meta:
        model = ReplyTemplate
        fields = ("agency", "purpose", "title", "text", "is_active")
        help_texts = {
            "text": gettext_lazy(
                "Máy điền: {ho_so} mã hồ sơ, {nguoi_nop} người nộp, {thu_tuc} thủ tục, {han} hạn."
            )
        }

    def clean_text(self) -> str:
        """Refuse braces that nothing is put into."""
        replies.check_places(self.cleaned_data["text"])
        return self.cleaned_data["text"]
