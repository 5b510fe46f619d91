"""How one person wants to be told of their dossiers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from dossiers import channels, notices
from dossiers.models import Delivery, NoticePreference

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

_LABELS = {
    Delivery.Channel.EMAIL: _("Thư điện tử đến %(address)s"),
    Delivery.Channel.SMS: _("Tin nhắn đến số %(address)s"),
    Delivery.Channel.ZALO: _("Zalo của số điện thoại %(address)s"),
}


class PreferencesForm(forms.Form):
    """Only the ways that reach this person are offered; what was said of the others stays."""

    channels = forms.MultipleChoiceField(
        label=_("Nhận thông báo qua"), required=False, widget=forms.CheckboxSelectMultiple
    )
    pace = forms.ChoiceField(
        label=_("Nhận lúc nào"),
        choices=NoticePreference.Pace.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Hãy chọn nhận ngay hay gộp lại mỗi sáng.")},
    )

    def __init__(self, data: QueryDict | None, *, user: User) -> None:
        self.wish, self.ways = notices.preference(user), dict(notices.ways(user))
        super().__init__(
            data,
            initial={
                "channels": [name for name in self.ways if getattr(self.wish, name)],
                "pace": self.wish.pace,
            },
        )
        self.fields["channels"].choices = [
            (name, _LABELS[name] % {"address": address}) for name, address in self.ways.items()
        ]

    @property
    def takes_phones(self) -> bool:
        """Whether a verified telephone number would open another way."""
        return channels.is_open(Delivery.Channel.SMS) or channels.is_open(Delivery.Channel.ZALO)

    def save(self) -> NoticePreference:
        """Keep it: one row for each person, whoever of two tabs comes first."""
        wanted = self.cleaned_data["channels"]
        said: dict[str, Any] = {name: name in wanted for name in self.ways}
        said["pace"] = self.cleaned_data["pace"]
        return NoticePreference.objects.update_or_create(user=self.wish.user, defaults=said)[0]
