"""Where a result goes by post, and what the post asks for it.

The postage is paid to the post by who receives the parcel (Quyết định 45/2016/QĐ-TTg): it is
no fee of the office, and an amount that nobody confirmed is never shown as one.
"""

from __future__ import annotations

from typing import Any, TypedDict

from django import forms
from django.utils.translation import gettext as _

from dossiers import papers
from dossiers.models import Dossier, Postage
from procedures.formspec.conditions import lookup
from procedures.formspec.fields import type_of
from procedures.formspec.lists import commune_suggestions, communes
from procedures.formspec.spec import Field, walk
from procedures.models import Agency
from procedures.text import dong

Reach = Postage.Reach
POST = Dossier.Delivery.POST
_PLACE = Field(id="noi_nhan", type="address")
_PHONE = Field(id="dien_thoai", type="phone")


class Address(TypedDict, total=False):
    """The shape of `Dossier.delivery_address`; {} where nothing goes by post.

    `commune` is the code of a commune of today and `name` its name with the province's.
    """

    recipient: str
    phone: str
    commune: str
    name: str
    detail: str


def in_words(address: Address) -> str:
    """From the house to the province: `Thôn 5, Xã Gio Linh, Tỉnh Quảng Trị`."""
    return ", ".join(part for part in (address.get("detail"), address.get("name")) if part)


def is_complete(address: Address) -> bool:
    """Whether the post can bring something there; a draft may hold half of it."""
    return all(address.get(key) for key in ("recipient", "phone", "name", "detail"))


# --- The fields of a form -----------------------------------------------------------------


class PostFields(forms.Form):
    """The four fields of an address by post, for forms that also ask for `delivery`.

    They count only where the post was chosen: what stands in them otherwise is let be.
    """

    POST_FIELDS = ("post_recipient", "post_phone", "post_commune", "post_detail")

    communes: tuple[str, ...] | list[str] = ()
    postage: tuple[dict[str, str], ...] | list[dict[str, str]] = ()

    def add_post_fields(self, dossier: Dossier) -> None:
        """The fields, filled with what was chosen before or said of the applicant."""
        known, place = known_address(dossier), type_of(_PLACE).inputs(_PLACE)
        recipient = forms.CharField(label=_("Người nhận"), max_length=200)
        fields = (
            (recipient, known.get("recipient")),
            (type_of(_PHONE).input(_PHONE), known.get("phone")),
            (place[".commune"], known.get("name")),
            (place[".detail"], known.get("detail")),
        )
        for name, (field, initial) in zip(self.POST_FIELDS, fields, strict=True):
            field.required, field.initial = False, initial
            field.label = field.label or _("Điện thoại người nhận")
            field.widget.attrs["class"] = "form-control"
            self.fields[name] = field
        self.order_fields(("version", "delivery", *self.POST_FIELDS))
        self.communes = suggestions(dossier)
        self.postage = postage_rows(dossier.receiving_agency)

    def post_fields(self) -> list[forms.BoundField]:
        """Those that the page draws; none where the result does not go by post."""
        return [self[name] for name in self.POST_FIELDS if name in self.fields]

    def clean(self) -> dict[str, Any]:
        """Where the post was chosen all of it must be there; otherwise nothing of it counts."""
        cleaned = super().clean()
        if self.POST_FIELDS[0] not in self.fields:
            return cleaned
        if cleaned.get("delivery") != POST:
            for name in self.POST_FIELDS:
                self.errors.pop(name, None)
            return cleaned
        missing = (
            _("Hãy ghi họ tên người nhận."),
            _("Hãy ghi số điện thoại để bưu điện gọi khi phát."),
            _("Hãy chọn xã, phường nơi nhận."),
            _("Hãy ghi số nhà, đường, thôn, khu phố nơi nhận."),
        )
        for name, complaint in zip(self.POST_FIELDS, missing, strict=True):
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, forms.ValidationError(complaint, code="required"))
        return cleaned

    def address(self) -> Address:
        """What to keep as `Dossier.delivery_address`; {} where the post was not chosen."""
        given = self.cleaned_data
        if given.get("delivery") != POST:
            return {}
        place = given.get("post_commune") or {}
        return {
            "recipient": given.get("post_recipient", ""),
            "phone": given.get("post_phone", ""),
            "commune": place.get("commune", ""),
            "name": place.get("name", ""),
            "detail": given.get("post_detail", ""),
        }


def known_address(dossier: Dossier) -> Address:
    """The address that was chosen, or where the applicant says that they live."""
    if dossier.delivery_address:
        return dossier.delivery_address
    person, home = papers.applicant(dossier), _home(dossier)
    return {
        "recipient": person["filed_by"] or person["name"],
        "phone": person["phone"],
        "commune": home.get("commune", ""),
        "name": home.get("name", ""),
        "detail": home.get("detail") or dossier.at_counter.get("address", ""),
    }


def _home(dossier: Dossier) -> dict[str, str]:
    """The first address in the sections that are filled from the profile, as it was answered."""
    for section in dossier.revision.form.sections:
        if section.prefill != "profile" or section.repeat:
            continue
        for path, spec in walk(section.fields):
            answer = lookup(dossier.answers, f"{section.id}.{path}")
            if spec.type == "address" and isinstance(answer, dict):
                return answer
    return {}


def suggestions(dossier: Dossier) -> list[str]:
    """The communes of the office's own province, offered while typing."""
    office = dossier.handling_agency
    return commune_suggestions(office.area_codes if office else [])


# --- What the post asks -------------------------------------------------------------------


def reach(agencies: list[Agency], commune: str) -> str:
    """How far it is from these offices to a commune (`Postage.Reach`)."""
    area = [code for agency in agencies for code in agency.area_codes]
    if commune in area:
        return Reach.NEAR
    known = communes()
    provinces = {known[code].province for code in area if code in known}
    is_inside = commune in known and known[commune].province in provinces
    return Reach.PROVINCE if is_inside else Reach.COUNTRY


def reach_of(dossier: Dossier, address: Address) -> str:
    """The same from the offices of a dossier to an address."""
    return reach([dossier.receiving_agency, dossier.handling_agency], address.get("commune", ""))


def postage(agency: Agency, reach: str) -> int | None:
    """The postage in đồng, where somebody confirmed it."""
    rows = Postage.objects.filter(agency=agency, reach=reach)
    return rows.values_list("amount", flat=True).first()


def postage_rows(agency: Agency | None) -> list[dict[str, str]]:
    """What the post asks by reach, in words: `{reach, amount, source}`."""
    return [
        {"reach": row.get_reach_display(), "amount": amount_in_words(row.amount),
         "source": row.source}
        for row in Postage.objects.filter(agency=agency)
    ]  # fmt: skip


def amount_in_words(amount: int | None) -> str:
    """`20.000 đồng`; an amount that nobody confirmed is the post's own to say."""
    return _("theo bảng giá của bưu chính") if amount is None else dong(amount)
