"""The bank account on which an office's fees come, as its codes for transfers need it."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

_KEYS = {"bin", "bank", "number", "name"}


def check_bank_account(account: Any) -> None:
    """ValidationError for anything but nothing, or {bin, bank, number, name} of a real shape:
    six digits of the bank at NAPAS, and at most 19 letters or digits of the account."""
    if account == {}:
        return
    if not isinstance(account, dict) or set(account) != _KEYS or not all(account.values()):
        raise ValidationError(_("Tài khoản thu phí cần đủ bốn mục bin, bank, number và name."))
    if not re.fullmatch(r"[0-9]{6}", str(account["bin"])):
        raise ValidationError(_("Mục bin của tài khoản thu phí là 6 chữ số của ngân hàng."))
    if not re.fullmatch(r"[A-Za-z0-9]{1,19}", str(account["number"])):
        raise ValidationError(_("Mục number của tài khoản thu phí gồm 1 đến 19 chữ số, chữ cái."))
