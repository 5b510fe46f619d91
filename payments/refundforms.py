"""What is typed to give money back."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payments import refunds
from payments.deskforms import AmountField
from payments.models import BankLine, Payment, Refund
from payments.money import format_dong
from procedures.text import normalise

Way = Refund.Way


class ProposalForm(forms.Form):
    """How much of one payment or bank credit goes back, why, and where to."""

    use_required_attribute = False

    amount = AmountField(label=gettext_lazy("Số tiền hoàn (đồng)"))
    way = forms.ChoiceField(label=gettext_lazy("Cách hoàn"), widget=forms.RadioSelect)
    reason = forms.CharField(label=gettext_lazy("Lý do hoàn trả"), max_length=300)
    to_name = forms.CharField(
        label=gettext_lazy("Người nhận (khi chuyển khoản)"), max_length=200, required=False
    )
    to_account = forms.CharField(
        label=gettext_lazy("Số tài khoản nhận"), max_length=40, required=False
    )
    to_bank = forms.CharField(label=gettext_lazy("Ngân hàng nhận"), max_length=100, required=False)

    def __init__(self, *args: Any, money: Payment | BankLine, left: int, **options: Any):
        super().__init__(*args, initial=_initial(money, left), **options)
        self.left = left
        self.fields["way"].choices = [(way.value, way.label) for way in refunds.ways(money)]
        self.fields["amount"].help_text = _("Tối đa %(left)s.") % {"left": format_dong(left)}

    def clean_amount(self) -> int:
        """Something, and not more than may go back."""
        amount = self.cleaned_data["amount"]
        if not 0 < amount <= self.left:
            words = _("Chỉ được hoàn từ 1 đồng đến %(left)s.")
            raise forms.ValidationError(words % {"left": format_dong(self.left)})
        return amount

    def clean_to_account(self) -> str:
        """Letters and digits; the spaces that people write between them go."""
        account = "".join(normalise(self.cleaned_data["to_account"]).split())
        if account and not re.fullmatch(r"[0-9A-Za-z]{4,30}", account):
            raise forms.ValidationError(_("Số tài khoản gồm 4 đến 30 chữ số hoặc chữ cái."))
        return account

    def clean(self) -> dict[str, Any]:
        """A transfer needs somebody and somewhere to go to."""
        cleaned = super().clean()
        if cleaned.get("way") == Way.TRANSFER:
            for name in ("to_name", "to_account", "to_bank"):
                if not cleaned.get(name) and name not in self.errors:
                    self.add_error(name, _("Chuyển khoản cần mục này."))
        return cleaned


def _initial(money: Payment | BankLine, left: int) -> dict[str, Any]:
    is_payment = isinstance(money, Payment)
    line = money.bank_lines.first() if is_payment else money
    why = money.get_refund_reason_display() if is_payment else _why(money)
    return {
        "amount": left,
        "way": refunds.ways(money)[0].value,
        "reason": why,
        "to_name": line.payer_name if line else "",
        "to_account": line.payer_account if line else "",
        "to_bank": line.payer_bank if line else "",
    }


def _why(line: BankLine) -> str:
    if line.excess:
        return _("Chuyển thừa")
    return _("Khoản tiền không thuộc hồ sơ nào")


class CommentForm(forms.Form):
    """The second person's word; a rejection needs one."""

    use_required_attribute = False

    comment = forms.CharField(
        label=gettext_lazy("Ý kiến (bắt buộc khi không duyệt)"),
        max_length=300,
        required=False,
        widget=forms.Textarea({"rows": 3}),
    )


class TransferForm(forms.Form):
    """The number of what was sent, at the bank or at the gateway."""

    use_required_attribute = False

    number = forms.CharField(label=gettext_lazy("Mã giao dịch hoàn tiền"), max_length=40)


class GivenUpForm(forms.Form):
    """Why an approved refund did not come about."""

    use_required_attribute = False

    why = forms.CharField(label=gettext_lazy("Vì sao không hoàn được"), max_length=300)
