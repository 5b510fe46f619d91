"""What the post asks, by office and reach: kept by administrators, from the post's price list."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.utils.translation import gettext as _

from dossiers.models import Postage


class PostageForm(forms.ModelForm):
    """An amount with where it is written; left empty where nobody confirmed it."""

    class Meta:
        model = Postage
        fields = ("agency", "reach", "amount", "source")

    def clean(self) -> dict[str, Any]:
        """An amount names its source."""
        cleaned = super().clean()
        if cleaned.get("amount") is not None and not cleaned.get("source"):
            self.add_error("source", _("Hãy ghi căn cứ: bảng giá nào, của ai, từ ngày nào."))
        return cleaned


@admin.register(Postage)
class PostageAdmin(admin.ModelAdmin):
    """One row for each office and reach."""

    form = PostageForm
    actions = None
    list_display = ("agency", "reach", "amount", "source")
    list_select_related = ("agency",)
    ordering = ("agency__name", "pk")
