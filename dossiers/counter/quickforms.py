"""The one form of quick entry: who stands there, what they want, how many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers.counter import people, quick
from dossiers.counter.entry import offices_for
from dossiers.counter.reserved import LateEntryFields
from dossiers.models import Dossier
from dossiers.workflow import Refused
from procedures.fees import FeeLine, claimable, total
from procedures.formspec import numbers
from procedures.formspec.fields import TYPES, check_citizen_number, check_name
from procedures.formspec.spec import Field
from procedures.formspec.webform import put
from procedures.models import Agency, Revision
from procedures.presenting import exemption_text

if TYPE_CHECKING:
    from dossiers.exemptions import Claimed

_PERSON = ("full_name", "citizen_number", "phone")
_QUESTION = "cau-"  # before the path of a question, in the name of its input


class QuickEntryForm(LateEntryFields):
    """What reception types for one quick entry.

    `revision` is the procedure whose questions are shown, `desks` the offices (keys) where
    the official receives. After `is_valid()`: `person()`, `answers()`, `office`.
    """

    use_required_attribute = False

    card = forms.CharField(
        label=gettext_lazy("Quét mã QR trên thẻ căn cước"),
        max_length=600,
        required=False,
        widget=forms.TextInput({"autocomplete": "off"}),
        help_text=gettext_lazy("Máy quét tự gõ vào đây; không có máy thì bỏ qua và gõ các ô dưới."),
    )
    full_name = forms.CharField(
        label=gettext_lazy("Họ và tên"),
        max_length=120,
        validators=[check_name],
        widget=forms.TextInput({"autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Hãy ghi họ và tên như trên thẻ.")},
    )
    citizen_number = forms.CharField(
        label=gettext_lazy("Số định danh cá nhân"),
        max_length=20,
        required=False,
        widget=forms.TextInput({"autocomplete": "off", "inputmode": "numeric"}),
    )
    no_number = forms.BooleanField(
        label=gettext_lazy("Không có số định danh (hộ chiếu, giấy tờ cũ)"), required=False
    )
    is_same_person = forms.BooleanField(
        label=gettext_lazy("Đã đối chiếu lại thẻ: đúng là người này"), required=False
    )
    procedure = forms.ChoiceField(label=gettext_lazy("Thủ tục"))
    office = forms.TypedChoiceField(label=gettext_lazy("Nơi giải quyết"), coerce=int)
    cash_taken = forms.BooleanField(label=gettext_lazy("Đã thu tiền mặt"), required=False)
    wants_receipt = forms.BooleanField(label=gettext_lazy("In giấy tiếp nhận"), required=False)
    form_key = forms.CharField(max_length=22, widget=forms.HiddenInput, required=False)
    fee_seen = forms.CharField(max_length=20, widget=forms.HiddenInput, required=False)

    def __init__(
        self,
        *args: Any,
        revision: Revision,
        revisions: Iterable[Revision],
        desks: Iterable[int],
        **options: Any,
    ):
        super().__init__(*args, offices=desks, **options)
        self.revision = revision
        self.agencies = {row.pk: row for row in offices_for(revision, desks)}
        self.fields["phone"] = _question(
            Field(id="phone", type="phone", label=_("Điện thoại (nếu có)"))
        )
        self.fields["procedure"].choices = [(r.procedure.code, r.short_name) for r in revisions]
        self.fields["office"].choices = [(pk, row.name) for pk, row in self.agencies.items()]
        if len(self.agencies) < 2:
            self.fields["office"].widget = forms.HiddenInput()
        self.asked = dict(_asked(revision))
        for path, spec in self.asked.items():
            self.fields[f"{_QUESTION}{path}"] = _question(spec)
        self._offer_exemptions()
        # As on the page, where the late entry stands last.
        self.order_fields([name for name in self.fields if name not in self.LATE_FIELDS])

    def _offer_exemptions(self) -> None:
        grounds = {
            row.key: exemption_text(row.label, row.percent)
            for fee in self.revision.fees.all()
            for row in claimable(fee)
        }
        if not grounds:
            return
        self.fields["ground"] = forms.ChoiceField(
            label=_("Diện được miễn, giảm"), choices=[("", _("Không")), *grounds.items()],
            required=False,
        )  # fmt: skip
        self.fields["evidence"] = forms.CharField(
            label=_("Giấy tờ chứng minh đã xem (tên, số, nơi cấp)"), max_length=200, required=False,
            widget=forms.TextInput({"autocomplete": "off"}),
        )  # fmt: skip

    # --- For the page -----------------------------------------------------------------

    def questions(self) -> list[BoundField]:
        """The few questions of the procedure, in its order."""
        return [self[f"{_QUESTION}{path}"] for path in self.asked]

    @property
    def office_chosen(self) -> Agency | None:
        """The office as typed or, where there is one alone, that one."""
        given = self.data.get("office") if self.is_bound else self.initial.get("office")
        chosen = self.agencies.get(int(given)) if str(given or "").isdecimal() else None
        return chosen or next(iter(self.agencies.values()), None)

    def fee(self) -> tuple[list[FeeLine], int | None, str]:
        """What it costs as far as the answers go: the lines, their sum, and what is wrong.

        No sum while an answer is missing or wrong.
        """
        answers, wrong = self._typed() if self.is_bound else ({}, "")
        if wrong:
            return [], None, wrong
        if len(answers) < sum(not spec.optional for spec in self.asked.values()):
            return [], None, ""
        try:
            lines = quick.charges(self.dossier(_nested(answers)))
        except Refused as error:
            return [], None, str(error)
        return lines, total(lines), ""

    def _typed(self) -> tuple[dict[str, Any], str]:
        """The questions that are answered rightly so far, by path, and the first complaint."""
        found, wrong = {}, ""
        for path, spec in self.asked.items():
            field = self.fields[f"{_QUESTION}{path}"]
            value = field.widget.value_from_datadict(self.data, {}, f"{_QUESTION}{path}")
            try:
                answer = TYPES[spec.type].to_answer({"": field.clean(value)})
            except ValidationError as error:
                wrong = wrong or f"{spec.label}: {error.messages[0]}"
                continue
            if answer is not None:
                found[path] = answer
        return found, wrong

    def dossier(self, answers: dict[str, Any]) -> Dossier:
        """What would be recorded, unsaved."""
        dossier = quick.unsaved(self.revision, self.office_chosen, answers)
        if said := self._claimed():
            dossier.at_counter = {"exemption": said}
        return dossier

    def _claimed(self) -> Claimed | None:
        """The exemption as typed so far; who enters it has seen its proof."""
        if "ground" not in self.fields or not self.data.get("ground"):
            return None
        evidence = self.data.get("evidence", "").strip()[:200]
        return {"grounds": [self.data["ground"]], "evidence": evidence, "is_checked": True}

    def exemption(self) -> Claimed | None:
        """What is claimed, after `is_valid()`."""
        return self._claimed()

    # --- What was sent ----------------------------------------------------------------

    def clean_full_name(self) -> str:
        """In one line."""
        return " ".join(self.cleaned_data["full_name"].split())

    def clean_citizen_number(self) -> str:
        """Twelve digits, in groups or not; "" for none."""
        number = numbers.compact(self.cleaned_data["citizen_number"])
        if number:
            check_citizen_number(number)
        return number

    def clean(self) -> dict[str, Any]:
        """See that the number is there, or is said not to be, and is this person's."""
        cleaned = super().clean()
        number, name = cleaned.get("citizen_number"), cleaned.get("full_name")
        if number == "" and not cleaned.get("no_number"):
            self.add_error(
                "citizen_number", _("Hãy ghi số trên thẻ, hoặc đánh dấu là không có số.")
            )
        if number and name and not cleaned.get("is_same_person"):
            self._compare(name, number)
        if cleaned.get("ground") and not cleaned.get("evidence"):
            self.add_error("evidence", _("Hãy ghi giấy tờ chứng minh diện được miễn, giảm."))
        for path, spec in self.asked.items():
            self._demand(f"{_QUESTION}{path}", spec, cleaned)
        return cleaned

    def _demand(self, name: str, spec: Field, cleaned: dict[str, Any]) -> None:
        if not spec.optional and name not in self.errors and cleaned.get(name) in (None, ""):
            self.add_error(name, TYPES[spec.type].missing(spec, "", str(spec.label)))

    def _compare(self, name: str, number: str) -> None:
        if other := people.other_name(name, number):
            message = _("Số này đã có tài khoản mang tên %(name)s; xin đối chiếu lại với thẻ.")
            self.add_error("is_same_person", message % {"name": other})

    def person(self) -> dict[str, str]:
        """What `people.person_for` takes."""
        return {name: self.cleaned_data.get(name) or "" for name in _PERSON}

    def answers(self) -> dict[str, Any]:
        """The answers to the few questions, nested as the form has them."""
        answers, _wrong = self._typed()
        return _nested(answers)


def _asked(revision: Revision) -> Iterator[tuple[str, Field]]:
    known = revision.form.paths()
    for path in quick.asked(revision):
        yield path, known[path]


def _question(spec: Field) -> forms.Field:
    """The input of a question; a choice is a select, which answers to the first letter."""
    field = TYPES[spec.type].input(spec)
    field.label, field.required = spec.label, False
    if isinstance(field.widget, forms.RadioSelect):
        choices = [("", ""), *field.choices]
        field.widget = forms.Select(choices=choices)
    field.widget.attrs["autocomplete"] = "off"
    return field


def _nested(answers: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for path, answer in answers.items():
        put(row, path, answer)
    return row
