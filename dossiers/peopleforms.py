"""What the people of a dossier send: in whose name it is filed, and who is invited."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers.behalf import (
    BUSINESS,
    BUSINESS_RELATIONS,
    BY_MANDATE,
    PERSON,
    PERSON_RELATIONS,
    Principal,
)
from dossiers.models import Dossier, Participant
from procedures.formspec import conditions, numbers
from procedures.formspec.fields import type_of
from procedures.formspec.spec import Field

SELF = "self"


def _input(kind: str, label: str) -> forms.Field:
    """The input of a question of this type, as the forms of procedures have it."""
    spec = Field(id=kind, type=kind, label=label)
    field = type_of(spec).input(spec)
    field.label = label
    return field


class _TaxCode(forms.CharField):
    def clean(self, value: Any) -> str:
        """The code in its usual spelling, however its digits were set apart."""
        value = super().clean(value)
        return numbers.tax_code(value) if value else ""


class BehalfForm(forms.Form):
    """In whose name a draft is filed.

    Nothing is required to Django: what is asked follows from `who`, and what is not asked
    is neither demanded nor complained of.
    """

    use_required_attribute = False
    ASKED = {
        SELF: (),
        PERSON: ("person_name", "person_number", "person_relation"),
        BUSINESS: ("business_name", "business_number", "business_relation"),
    }

    who = forms.ChoiceField(
        label=gettext_lazy("Hồ sơ này đứng tên ai?"),
        widget=forms.RadioSelect,
        choices=(
            (SELF, gettext_lazy("Tôi tự đứng tên")),
            (PERSON, gettext_lazy("Tôi nộp thay một người khác")),
            (BUSINESS, gettext_lazy("Tôi nộp thay doanh nghiệp, hợp tác xã hoặc hộ kinh doanh")),
        ),
        error_messages={
            "required": gettext_lazy("Hãy chọn hồ sơ đứng tên ai."),
            "invalid_choice": gettext_lazy("Hãy chọn một trong các câu trả lời đã nêu."),
        },
    )

    def __init__(self, data: Any, *, dossier: Dossier):
        self.filer = dossier.owner
        super().__init__(data, initial=_initial(dossier.behalf))
        self.fields["person_name"] = _input("name", _("Họ và tên người được nộp thay"))
        number = _input("citizen_number", _("Số định danh cá nhân của người đó"))
        self.fields["person_number"] = number
        number.help_text = _("12 chữ số trên thẻ căn cước, thẻ căn cước công dân")
        self.fields["person_relation"] = _choice(_("Ông/bà là gì của người đó?"), PERSON_RELATIONS)
        self.fields["business_name"] = forms.CharField(
            label=_("Tên doanh nghiệp, hợp tác xã, hộ kinh doanh"), max_length=200
        )
        self.fields["business_number"] = _TaxCode(
            label=_("Mã số thuế"),
            max_length=20,
            help_text=_("10 hoặc 13 chữ số; hộ kinh doanh có thể ghi số định danh của chủ hộ."),
            widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off"}),
        )
        self.fields["business_relation"] = _choice(
            _("Ông/bà nộp với tư cách nào?"), BUSINESS_RELATIONS
        )
        self.fields["basis"] = forms.CharField(
            label=_("Số, ngày của văn bản ủy quyền"), max_length=120
        )
        for key, field in self.fields.items():
            field.required = key == "who"
            field.is_demanded = key != "basis"

    def when(self) -> dict[str, str]:
        """For the script: when each group of questions is asked, as JSON."""
        by_mandate = "nop.person_relation = mandate or nop.business_relation = authorised"
        texts = {PERSON: "nop.who = person", BUSINESS: "nop.who = business", "basis": by_mandate}
        return {name: json.dumps(conditions.as_data(text)) for name, text in texts.items()}

    def clean(self) -> dict[str, Any]:
        """Demand what the choice asks for, and forget what it does not."""
        cleaned = super().clean()
        asked = self.ASKED.get(cleaned.get("who"), ())
        for name in {name for names in self.ASKED.values() for name in names} - {*asked}:
            self.errors.pop(name, None)
        for name in asked:
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, self._missing(name))
        number = cleaned.get("person_number")
        if "person_number" in asked and number and number == self.filer.citizen_number:
            self.add_error(
                "person_number",
                _("Đây là số của chính ông/bà; nếu tự đứng tên, hãy chọn “Tôi tự đứng tên”."),
            )
        return cleaned

    def _missing(self, name: str) -> str:
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            return _("Hãy trả lời: %(question)s") % {"question": field.label}
        return _("Hãy nhập: %(label)s.") % {"label": field.label}

    def principal(self) -> Principal | None:
        """What to keep in `Dossier.behalf`; None for the filer's own name."""
        kind, given = self.cleaned_data["who"], self.cleaned_data
        if kind == SELF:
            return None
        name, number, relation = (given[field] for field in self.ASKED[kind])
        return {
            "kind": kind,
            "name": name,
            "number": number,
            "relation": relation,
            "basis": given.get("basis", "") if relation in BY_MANDATE else "",
        }


def _choice(label: str, relations: dict[str, Any]) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        choices=[("", _("Chọn…")), *relations.items()],
        error_messages={"invalid_choice": _("Hãy chọn một trong các câu trả lời đã nêu.")},
    )


def _initial(behalf: dict[str, str]) -> dict[str, str]:
    kind = behalf.get("kind", SELF)
    names = BehalfForm.ASKED.get(kind, ())
    values = dict(zip(names, (behalf.get(k) for k in ("name", "number", "relation")), strict=False))
    return {"who": kind, "basis": behalf.get("basis", ""), **values}


class _Contact(forms.CharField):
    """An e-mail address, or a telephone number in Việt Nam, in one spelling."""

    def clean(self, value: Any) -> str:
        """Raise `ValidationError` with the sentence of the kind that was meant."""
        value = super().clean(value)
        if "@" in value:
            return _input("email", str(self.label)).clean(value).lower()
        if not any(char.isdigit() for char in value):
            raise ValidationError(
                _("Hãy ghi địa chỉ thư điện tử hoặc số điện thoại của người được mời.")
            )
        return _input("phone", str(self.label)).clean(value)


class InvitationForm(forms.Form):
    """Who is invited, as what, and where the invitation goes."""

    use_required_attribute = False
    role = forms.ChoiceField(
        label=gettext_lazy("Mời với tư cách"),
        widget=forms.RadioSelect,
        choices=Participant.Role,
        error_messages={
            "required": gettext_lazy("Hãy chọn tư cách của người được mời."),
            "invalid_choice": gettext_lazy("Hãy chọn một trong các tư cách đã nêu."),
        },
    )
    contact = _Contact(
        label=gettext_lazy("Thư điện tử hoặc số điện thoại"),
        max_length=254,
        help_text=gettext_lazy("Lời mời được gửi đến đây; ông/bà cũng có thể tự chuyển đường dẫn."),
        error_messages={
            "required": gettext_lazy("Hãy nhập thư điện tử hoặc số điện thoại."),
        },
    )
    field_order = ("role", "name", "contact")

    def __init__(self, data: Any, *, dossier: Dossier):
        super().__init__(data, initial={"role": Participant.Role.CO_APPLICANT})
        field = _input("name", _("Họ và tên người được mời"))
        field.error_messages["required"] = _("Hãy nhập họ và tên người được mời.")
        self.fields["name"] = field
        self.order_fields(self.field_order)
        if dossier.behalf:
            self.fields["role"].help_text = _(
                "Người được nộp thay đã tham gia có thể tự làm tiếp hồ sơ và chấm dứt việc nộp "
                "thay; hãy mời đúng người."
            )
        else:
            self.fields["role"].choices = [
                row for row in Participant.Role.choices if row[0] != Participant.Role.PRINCIPAL
            ]
            self.fields["role"].widget = forms.HiddenInput()
