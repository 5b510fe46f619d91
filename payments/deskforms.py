"""What the cashier types: amounts of money, and the count of a drawer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payments.counterfees import LONGEST_SOURCE, MOST
from payments.money import format_dong, read_dong
from procedures.fees import FeeLine
from procedures.text import grouped

# The banknotes in use, in đồng.
NOTES = (500_000, 200_000, 100_000, 50_000, 20_000, 10_000, 5_000, 2_000, 1_000)


class AmountField(forms.CharField):
    """Whole đồng, with or without dots between the thousands; None where it is empty."""

    def __init__(self, **options: Any) -> None:
        """As a CharField, typed with the digits of a telephone."""
        widget = forms.TextInput({"inputmode": "numeric", "autocomplete": "off", "size": 16})
        super().__init__(max_length=30, widget=widget, **options)

    def clean(self, value: Any) -> int | None:
        """The amount; a sentence for what is none."""
        text = super().clean(value)
        if not text:
            return None
        try:
            amount = read_dong(text)
        except ValueError:
            words = _("Hãy ghi số tiền là số nguyên đồng, ví dụ 8.000.")
            raise forms.ValidationError(words) from None
        if amount > MOST:
            raise forms.ValidationError(_("Số tiền này quá lớn; xin kiểm tra lại."))
        return amount


class TypedFees(forms.Form):
    """The fees of one dossier of which the catalogue knows no amount: each may be taken now."""

    def __init__(self, lines: Iterable[FeeLine], *args: Any, **options: Any) -> None:
        """Two fields for each of `lines`."""
        super().__init__(*args, **options)
        self.lines = list(lines)
        for line in self.lines:
            self.fields[f"amount_{line.key}"] = AmountField(label=line.name, required=False)
            self.fields[f"source_{line.key}"] = forms.CharField(
                label=gettext_lazy("Căn cứ của mức thu"), required=False,
                max_length=LONGEST_SOURCE, initial=line.source,
            )  # fmt: skip

    def rows(self) -> list[tuple[FeeLine, forms.BoundField, forms.BoundField]]:
        """Each fee with its two fields."""
        return [(n, self[f"amount_{n.key}"], self[f"source_{n.key}"]) for n in self.lines]

    def clean(self) -> dict[str, Any]:
        """An amount needs its source."""
        data = super().clean()
        for line in self.lines:
            if data.get(f"amount_{line.key}") and not data.get(f"source_{line.key}"):
                self.add_error(
                    f"source_{line.key}", _("Hãy ghi số, ký hiệu văn bản quy định mức thu này.")
                )
        return data

    def amounts(self) -> dict[str, tuple[int, str]]:
        """What was typed, by the key of the fee."""
        data = self.cleaned_data
        return {
            line.key: (data[f"amount_{line.key}"], data[f"source_{line.key}"])
            for line in self.lines
            if data.get(f"amount_{line.key}")
        }


class CloseForm(forms.Form):
    """The count of a drawer: the sum, or how many of each note, or both."""

    counted = AmountField(label=gettext_lazy("Đếm được (đồng)"), required=False)
    note = forms.CharField(
        label=gettext_lazy("Giải trình chênh lệch"), required=False, max_length=300,
        widget=forms.Textarea({"rows": 2}),
        help_text=gettext_lazy("Bắt buộc khi số đếm được khác số phải có."),
    )  # fmt: skip

    def __init__(self, *args: Any, **options: Any) -> None:
        """A field for each note."""
        super().__init__(*args, **options)
        for note in NOTES:
            self.fields[f"notes_{note}"] = forms.IntegerField(
                label=grouped(note), required=False, min_value=0, max_value=100_000,
                widget=forms.TextInput({"inputmode": "numeric", "size": 6, "data-note": note}),
            )  # fmt: skip

    def notes(self) -> list[forms.BoundField]:
        """The fields of the notes, the largest first."""
        return [self[f"notes_{note}"] for note in NOTES]

    def clean(self) -> dict[str, Any]:
        """The sum of the notes is what was counted; both typed have to agree."""
        data = super().clean()
        if self.errors:
            return data
        typed = {note: data.get(f"notes_{note}") for note in NOTES}
        by_notes = sum(note * (count or 0) for note, count in typed.items())
        counted = data.get("counted")
        if all(count is None for count in typed.values()):
            if counted is None:
                self.add_error("counted", _("Hãy ghi số tiền đếm được; không có tiền thì ghi 0."))
        elif counted is None:
            data["counted"] = by_notes
        elif counted != by_notes:
            words = _("Cộng theo tờ được %(sum)s, khác số đếm được; xin xem lại.")
            self.add_error("counted", words % {"sum": format_dong(by_notes)})
        return data
