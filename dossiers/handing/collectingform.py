"""The questions at the desk: who came for the result, and what was looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext as _

from dossiers.handing import collecting
from dossiers.models import Collection, Dossier
from dossiers.workflow import Refused

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

Proof, Collector = Collection.Proof, Collection.Collector
# Where several are handed over at once there is no field for each code.
WITHOUT_CODE = [row for row in Proof.choices if row[0] != Proof.CODE]
FIELDS = ("collected_by", "proof", "collector", "collector_number", "mandate")


def fields(dossier: Dossier) -> list[tuple[str, forms.Field]]:
    """The inputs by name, as `collecting.record()` takes them."""
    return [
        ("collected_by", _choice(_("Người đến nhận"), Collector.choices, Collector.SELF)),
        ("proof", _choice(_("Đã đối chiếu"), proofs(dossier))),
        ("code", _text(
            _("Mã nhận kết quả"), 12, _("Tám ký tự, khi đối chiếu bằng mã."),
            autocapitalize="characters", spellcheck="false",
        )),
        ("collector", _text(
            _("Họ tên người nhận"), 200, _("Để trống nếu chính người có hồ sơ nhận.")
        )),
        ("collector_number", _text(_("Bốn số cuối thẻ căn cước"), 4, inputmode="numeric")),
        ("mandate", _text(
            _("Giấy ủy quyền"), 200,
            _("Số, ngày, nơi chứng thực; chỉ ghi khi người khác nhận thay."),
        )),
    ]  # fmt: skip


def _choice(label: str, choices: list, initial: str | None = None) -> forms.ChoiceField:
    complaint = _("Hãy chọn một mục.")
    return forms.ChoiceField(
        label=label, choices=choices, initial=initial, widget=forms.RadioSelect,
        error_messages={"required": complaint, "invalid_choice": complaint},
    )  # fmt: skip


def _text(label: str, longest: int, help_text: str = "", **attrs: str) -> forms.CharField:
    widget = forms.TextInput({"autocomplete": "off", **attrs})
    return forms.CharField(label=label, max_length=longest, help_text=help_text, widget=widget)


def proofs(dossier: Dossier) -> list[tuple[str, str]]:
    """What may be shown: the code only where one was given out."""
    has_code = Collection.objects.filter(dossier=dossier).exists()
    return [row for row in Proof.choices if has_code or row[0] != Proof.CODE]


def faults(
    dossier: Dossier, given: Mapping[str, Any], *, by: User | None
) -> Iterator[tuple[str, str]]:
    """(input, complaint) of what is missing; a wrong code is counted for `by`."""
    if not given.get("proof"):
        yield "proof", _("Hãy chọn giấy tờ đã đối chiếu của người đến nhận.")
    number = str(given.get("collector_number") or "")
    if number and not (number.isascii() and number.isdecimal() and len(number) == 4):
        yield "collector_number", _("Chỉ ghi bốn số cuối của thẻ căn cước, ví dụ 1234.")
    if given.get("collected_by") == Collector.AUTHORISED:
        if not given.get("collector"):
            yield "collector", _("Hãy ghi họ tên người được ủy quyền nhận kết quả.")
        if not given.get("mandate"):
            yield "mandate", _("Hãy ghi giấy ủy quyền: số, ngày, nơi chứng thực hoặc người ký.")
    if by is not None and given.get("proof") == Proof.CODE:
        try:
            collecting.check_code(dossier, str(given.get("code") or ""), by=by)
        except Refused as error:
            yield "code", str(error)
