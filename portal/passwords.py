"""Passwords that anybody here would try first."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# Without accents; the longer before the shorter that is in it.
WORDS = (
    "dichvucong", "congdan", "motcua", "matkhau", "vietnam", "vneid", "uyban", "nhandan",
    "password", "qwerty", "taikhoan", "hoso", "giolinh", "quangtri", "admin",
)  # fmt: skip
LEAST_OTHER_LETTERS = 4


class NotOnlyLocalWords:
    """Refuses a password of local words and digits alone: `matkhau12345`, `Dichvucong@2026`.

    The list of common passwords that Django brings knows no Vietnamese. Source: SECURITY.md
    A20.
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Raise `ValidationError` where hardly a letter is left without those words."""
        rest = _letters(password)
        found = [word for word in WORDS if word in rest]
        for word in found:
            rest = rest.replace(word, "")
        if found and len(rest) < LEAST_OTHER_LETTERS:
            raise ValidationError(self.get_help_text(), "local_words")

    def get_help_text(self) -> str:
        """What the form says beside the field."""
        return _("Mật khẩu không được chỉ gồm những từ dễ đoán như “matkhau”, “dichvucong” và số.")


def _letters(text: str) -> str:
    bare = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return re.sub(r"[^a-z]", "", bare)
