"""allauth's forms for security keys, whose field for the name has no words of its own."""

from __future__ import annotations

from typing import Any

from allauth.mfa.webauthn import forms as theirs
from django.utils.translation import gettext as _


class AddKeyForm(theirs.AddWebAuthnForm):
    """A new key."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Tên khóa")


class EditKeyForm(theirs.EditWebAuthnForm):
    """Another name for a key."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Tên khóa")
