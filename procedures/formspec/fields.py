"""The types of questions. Adding a type means adding one class here.

A type makes the inputs of the web form, turns what they cleaned into an answer (plain
JSON), turns an answer back into what the inputs show, and says it in words for the
check-answers page and for paper.
"""

from __future__ import annotations

import datetime
import re
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures.formspec import lists
from procedures.formspec.spec import Field
from procedures.text import dong

TYPES: dict[str, FieldType] = {}


class FieldType:
    """A kind of question; the base is one line of text."""

    name: ClassVar[str] = ""
    max_length: ClassVar[int] = 200
    autocomplete: ClassVar[str] = ""
    inputmode: ClassVar[str] = ""
    choose: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        """Put the type into the register under its name."""
        if "name" in vars(cls):
            TYPES[cls.name] = cls()

    def inputs(self, spec: Field) -> dict[str, forms.Field]:
        """The inputs by suffix of the question's own name; most types have one, named ""."""
        return {"": self.input(spec)}

    def input(self, spec: Field) -> forms.Field:
        """The one input of a type that has just one."""
        return forms.CharField(max_length=self.max_length, widget=self.text_widget())

    def text_widget(self, **attrs: str) -> forms.TextInput:
        """A text input with the keyboard and the filling-in that suit this type."""
        if self.autocomplete:
            attrs["autocomplete"] = self.autocomplete
        if self.inputmode:
            attrs["inputmode"] = self.inputmode
        return forms.TextInput(attrs=attrs)

    def missing(self, spec: Field, suffix: str, label: str) -> str:
        """What the person reads when they left it out."""
        words = _("Hãy chọn: %(label)s.") if self.choose else _("Hãy nhập: %(label)s.")
        return words % {"label": label}

    def to_answer(self, values: dict[str, Any]) -> Any:
        """The JSON to keep, from the cleaned values by suffix; None for nothing."""
        return values.get("") or None

    def to_values(self, answer: Any) -> dict[str, Any]:
        """What the inputs show for an answer."""
        return {"": answer}

    def display(self, spec: Field, answer: Any) -> str:
        """The answer in words; "" for none."""
        return "" if answer in (None, "") else str(answer)

    def takes(self, spec: Field, answer: Any) -> bool:
        """Whether an answer is one that this question could have given."""
        try:
            values = self.to_values(answer)
            cleaned = {
                suffix: self._clean(field, values.get(suffix))
                for suffix, field in self.inputs(spec).items()
            }
            return self.to_answer(cleaned) == answer
        except (ValidationError, AttributeError, TypeError, ValueError):
            return False

    @staticmethod
    def _clean(field: forms.Field, value: Any) -> Any:
        field.required = False
        return field.clean(value)


class TextType(FieldType):
    """One line of text."""

    name = "text"


class LongTextType(FieldType):
    """Several lines of text."""

    name = "long_text"
    max_length = 2000

    def input(self, spec: Field) -> forms.Field:
        """A text area of four lines."""
        return forms.CharField(max_length=self.max_length, widget=forms.Textarea({"rows": 4}))


class NameType(FieldType):
    """The full name of a person."""

    name = "name"
    max_length = 100
    autocomplete = "off"

    def input(self, spec: Field) -> forms.Field:
        """A text input that takes letters, spaces, hyphens and apostrophes."""
        return forms.CharField(
            max_length=self.max_length, widget=self.text_widget(), validators=[_check_name]
        )


def _check_name(value: str) -> None:
    letters = [char for char in value if char not in " .'’-"]
    if not letters or not all(char.isalpha() for char in letters):
        raise ValidationError(_("Họ tên chỉ gồm chữ cái và khoảng trắng; hãy bỏ số và dấu lạ."))


class NumberType(FieldType):
    """A whole number."""

    name = "number"
    inputmode = "numeric"

    def input(self, spec: Field) -> forms.Field:
        """A text input with a number pad; type=number loses what people type wrongly."""
        return _WholeNumber(spec, widget=self.text_widget())

    def to_answer(self, values: dict[str, Any]) -> Any:
        """The number; zero is an answer."""
        return values.get("")


class MoneyType(NumberType):
    """An amount in whole đồng."""

    name = "money"

    def display(self, spec: Field, answer: Any) -> str:
        """`8.000 đồng`."""
        return "" if answer is None else dong(answer)


class _WholeNumber(forms.Field):
    def __init__(self, spec: Field, **kwargs: Any):
        super().__init__(**kwargs)
        self.low = int(spec.min) if spec.min else None
        self.high = int(spec.max) if spec.max else None

    def to_python(self, value: Any) -> int | None:
        text = re.sub(r"[.\s]", "", "" if value is None else str(value))
        if not text:
            return None
        if not re.fullmatch(r"[0-9]{1,15}", text):
            raise ValidationError(_("Hãy nhập một số, chỉ dùng các chữ số."))
        return int(text)

    def validate(self, value: int | None) -> None:
        if value is None:
            return
        if self.low is not None and value < self.low:
            raise ValidationError(_("Số nhỏ nhất là %(low)d.") % {"low": self.low})
        if self.high is not None and value > self.high:
            raise ValidationError(_("Số lớn nhất là %(high)d.") % {"high": self.high})


class DateType(FieldType):
    """A day, typed as dd/mm/yyyy."""

    name = "date"
    inputmode = "numeric"

    def input(self, spec: Field) -> forms.Field:
        """A text input: calendars are slow for birthdays, and selects are worse."""
        return _Day(spec, widget=self.text_widget(placeholder=""))

    def to_answer(self, values: dict[str, Any]) -> Any:
        """An ISO date."""
        value = values.get("")
        return value.isoformat() if value else None

    def to_values(self, answer: Any) -> dict[str, Any]:
        """dd/mm/yyyy."""
        return {"": self._written(answer)}

    def display(self, spec: Field, answer: Any) -> str:
        """dd/mm/yyyy."""
        return self._written(answer)

    @staticmethod
    def _written(answer: Any) -> str:
        try:
            return datetime.date.fromisoformat(answer).strftime("%d/%m/%Y") if answer else ""
        except ValueError:
            return str(answer)


class _Day(forms.Field):
    def __init__(self, spec: Field, **kwargs: Any):
        super().__init__(**kwargs)
        self.earliest, self.latest = spec.min, spec.max

    def to_python(self, value: Any) -> datetime.date | None:
        text = str(value or "").strip()
        if not text:
            return None
        match = re.fullmatch(r"([0-9]{1,2})[\s/.-]+([0-9]{1,2})[\s/.-]+([0-9]{4})", text)
        match = match or re.fullmatch(r"([0-9]{2})([0-9]{2})([0-9]{4})", text)
        if not match:
            raise ValidationError(_("Hãy nhập ngày, tháng, năm bằng số, ví dụ 05/02/2026."))
        day, month, year = (int(part) for part in match.groups())
        try:
            return datetime.date(year, month, day)
        except ValueError:
            raise ValidationError(
                _("Không có ngày %(text)s trong lịch; hãy kiểm tra lại.") % {"text": text}
            ) from None

    def validate(self, value: datetime.date | None) -> None:
        if value is None:
            return
        if value.year < 1875:
            raise ValidationError(
                _("Năm %(year)d quá xa; hãy kiểm tra lại.") % {"year": value.year}
            )
        latest, earliest = _day_of(self.latest), _day_of(self.earliest)
        if latest and value > latest:
            if self.latest == "today":
                raise ValidationError(_("Ngày này chưa đến; hãy kiểm tra lại."))
            raise ValidationError(_("Ngày muộn nhất là %(day)s.") % {"day": f"{latest:%d/%m/%Y}"})
        if earliest and value < earliest:
            raise ValidationError(_("Ngày sớm nhất là %(day)s.") % {"day": f"{earliest:%d/%m/%Y}"})


def _day_of(text: str | None) -> datetime.date | None:
    if not text:
        return None
    if text == "today":
        return timezone.localdate()
    return datetime.datetime.strptime(text, "%d/%m/%Y").date()


class TimeType(FieldType):
    """An hour of the day; "không rõ" is an answer."""

    name = "time"
    max_length = 10

    def input(self, spec: Field) -> forms.Field:
        """A text input that takes 15:00, 15 giờ 30, and "không rõ"."""
        return forms.CharField(max_length=20, widget=self.text_widget(), validators=[_check_time])

    def to_answer(self, values: dict[str, Any]) -> Any:
        """`HH:MM`, or `không rõ`."""
        value = values.get("")
        return _time_of(value) if value else None


def _time_of(text: str) -> str | None:
    if text.strip().lower() in {"không rõ", "khong ro"}:
        return "không rõ"
    match = re.fullmatch(r"([0-9]{1,2})\s*(?::|giờ|g|h)\s*([0-9]{1,2})?\s*(?:phút)?", text.strip())
    if not match:
        return None
    hour, minute = int(match[1]), int(match[2] or 0)
    return f"{hour:02d}:{minute:02d}" if hour < 24 and minute < 60 else None


def _check_time(value: str) -> None:
    if _time_of(value) is None:
        raise ValidationError(_("Hãy nhập giờ và phút, ví dụ 15:30, hoặc ghi “không rõ”."))


class ChoiceType(FieldType):
    """One of a few options."""

    name = "choice"
    choose = True

    def options(self, spec: Field) -> dict[str, str]:
        """Value -> label."""
        return dict(spec.options or {})

    def input(self, spec: Field) -> forms.Field:
        """Radio buttons."""
        return forms.ChoiceField(
            choices=list(self.options(spec).items()),
            widget=forms.RadioSelect,
            error_messages={"invalid_choice": gettext_lazy("Hãy chọn một trong các mục đã nêu.")},
        )

    def display(self, spec: Field, answer: Any) -> str:
        """The label of the chosen option."""
        return str(self.options(spec).get(answer, answer or ""))


class SelectType(ChoiceType):
    """One of a long list: a select."""

    def input(self, spec: Field) -> forms.Field:
        """A select with an empty first entry."""
        return forms.ChoiceField(
            choices=[("", _("— Chọn —")), *self.options(spec).items()],
            error_messages={"invalid_choice": gettext_lazy("Hãy chọn một mục trong danh sách.")},
        )


class ChoicesType(ChoiceType):
    """Several of a few options."""

    name = "choices"

    def input(self, spec: Field) -> forms.Field:
        """Check boxes."""
        return forms.MultipleChoiceField(
            choices=list(self.options(spec).items()),
            widget=forms.CheckboxSelectMultiple,
            error_messages={"invalid_choice": gettext_lazy("Hãy chọn trong các mục đã nêu.")},
        )

    def display(self, spec: Field, answer: Any) -> str:
        """The labels, with semicolons between."""
        return "; ".join(str(self.options(spec).get(value, value)) for value in answer or [])


class YesNoType(ChoiceType):
    """Yes or no, kept as `yes` and `no`."""

    name = "yes_no"

    def options(self, spec: Field) -> dict[str, str]:
        """Có, Không."""
        return {"yes": _("Có"), "no": _("Không")}


class DeclarationType(FieldType):
    """A sentence that the person affirms."""

    name = "declaration"

    def input(self, spec: Field) -> forms.Field:
        """One check box."""
        return forms.BooleanField()

    def missing(self, spec: Field, suffix: str, label: str) -> str:
        """Affirming is the point of it."""
        return _("Hãy đánh dấu để xác nhận lời cam đoan.")

    def to_answer(self, values: dict[str, Any]) -> Any:
        """`yes` or nothing."""
        return "yes" if values.get("") else None

    def to_values(self, answer: Any) -> dict[str, Any]:
        """Ticked or not."""
        return {"": answer == "yes"}

    def display(self, spec: Field, answer: Any) -> str:
        """Đồng ý."""
        return _("Đã cam đoan") if answer == "yes" else ""


class CitizenNumberType(FieldType):
    """The 12-digit personal identification number (số định danh cá nhân, CCCD)."""

    name = "citizen_number"
    inputmode = "numeric"

    def input(self, spec: Field) -> forms.Field:
        """A text input that checks the number's structure."""
        return _CitizenNumber(max_length=20, widget=self.text_widget(autocomplete="off"))


class _CitizenNumber(forms.CharField):
    def to_python(self, value: Any) -> str:
        return re.sub(r"[\s.-]", "", super().to_python(value))

    def validate(self, value: str) -> None:
        if value:
            check_citizen_number(value)


def check_citizen_number(value: str) -> None:
    """Raise `ValidationError` unless the number is built as DOMAIN.md 5 says.

    Twelve digits: province of birth registration (001–096), century and sex (0–9), two
    digits of the year, six at random. There is no check digit.
    """
    if not re.fullmatch(r"[0-9]{12}", value):
        raise ValidationError(
            _("Số định danh cá nhân gồm đúng 12 chữ số; ông/bà đã nhập %(count)d ký tự.")
            % {"count": len(value)}
        )
    if not 1 <= int(value[:3]) <= 96:
        raise ValidationError(_("Ba số đầu phải là mã tỉnh, từ 001 đến 096; hãy kiểm tra lại."))


class PhoneType(FieldType):
    """A telephone number in Việt Nam."""

    name = "phone"
    inputmode = "tel"
    autocomplete = "tel"

    def input(self, spec: Field) -> forms.Field:
        """A text input that takes the usual ways to write a number."""
        return _Phone(max_length=20, widget=self.text_widget())


class _Phone(forms.CharField):
    def to_python(self, value: Any) -> str:
        digits = re.sub(r"[\s.()-]", "", super().to_python(value))
        return re.sub(r"^(\+|00)?840?(?=[0-9]{9,10}$)", "0", digits)

    def validate(self, value: str) -> None:
        if value and not re.fullmatch(r"0(2[0-9]{9}|[35789][0-9]{8})", value):
            raise ValidationError(_("Số điện thoại chưa đúng; ví dụ đúng: 0912 345 678."))


class EmailType(FieldType):
    """An e-mail address."""

    name = "email"
    inputmode = "email"
    autocomplete = "email"

    def input(self, spec: Field) -> forms.Field:
        """A text input that checks the address."""
        return forms.EmailField(
            widget=self.text_widget(),
            error_messages={
                "invalid": gettext_lazy("Địa chỉ thư điện tử chưa đúng; ví dụ: ten@example.vn.")
            },
        )


class GenderType(ChoiceType):
    """Nam, nữ, khác."""

    name = "gender"

    def options(self, spec: Field) -> dict[str, str]:
        """The coded list."""
        return lists.GENDERS


class EthnicityType(SelectType):
    """One of the 54 ethnic groups."""

    name = "ethnicity"

    def options(self, spec: Field) -> dict[str, str]:
        """Name -> name."""
        return {name: name for name in lists.ETHNIC_GROUPS}


class NationalityType(SelectType):
    """A nationality by ISO 3166 code."""

    name = "nationality"

    def options(self, spec: Field) -> dict[str, str]:
        """Code -> Vietnamese name."""
        return lists.nationalities()


class AddressType(FieldType):
    """A place: a commune of 2025 found by its name, and the house or village below it.

    With `old_names` the commune may also be one that no longer exists, kept as typed.
    """

    name = "address"

    def inputs(self, spec: Field) -> dict[str, forms.Field]:
        """The commune, and what is below it."""
        return {
            ".commune": _CommuneField(
                keeps_old=spec.old_names,
                label=_("Xã, phường, đặc khu"),
                widget=forms.TextInput({"list": "communes", "autocomplete": "off"}),
                help_text=_("Gõ tên xã và tỉnh, có dấu hoặc không dấu. Ví dụ: Gio Linh, Quảng Trị"),
            ),
            ".detail": forms.CharField(
                max_length=self.max_length,
                label=_("Số nhà, đường, thôn, khu phố"),
                widget=forms.TextInput({"autocomplete": "off"}),
            ),
        }

    def missing(self, spec: Field, suffix: str, label: str) -> str:
        """The village may be left out where there is none."""
        return "" if suffix == ".detail" else super().missing(spec, suffix, label)

    def to_answer(self, values: dict[str, Any]) -> Any:
        """`{"commune": code or "", "name": text, "detail": text}`."""
        place = values.get(".commune")
        if not place:
            return None
        return {**place, "detail": values.get(".detail") or ""}

    def to_values(self, answer: Any) -> dict[str, Any]:
        """The name of the commune, and the detail."""
        answer = answer or {}
        return {".commune": answer.get("name", ""), ".detail": answer.get("detail", "")}

    def display(self, spec: Field, answer: Any) -> str:
        """From the house to the province."""
        if not answer:
            return ""
        return ", ".join(part for part in (answer.get("detail"), answer.get("name")) if part)


class _CommuneField(forms.CharField):
    def __init__(self, *, keeps_old: bool, **kwargs: Any):
        super().__init__(max_length=120, **kwargs)
        self.keeps_old = keeps_old

    def clean(self, value: Any) -> dict[str, str] | None:
        text = super().clean(value)
        if not text:
            return None
        found = lists.find_communes(text)
        if self.keeps_old and text.count(",") > 1:
            # A district between commune and province: a place of before July 2025.
            return {"commune": "", "name": text}
        if len(found) == 1:
            return {"commune": found[0].code, "name": str(found[0])}
        if self.keeps_old:
            return {"commune": "", "name": text}
        if found:
            raise ValidationError(
                _("Có %(count)d nơi mang tên này; hãy ghi thêm tên tỉnh, ví dụ: %(example)s.")
                % {"count": len(found), "example": found[0]}
            )
        raise ValidationError(
            _("Chưa tìm thấy “%(text)s” trong danh sách xã, phường hiện nay.") % {"text": text}
        )


def type_of(spec: Field) -> FieldType:
    """The type of a question."""
    return TYPES[spec.type]


def display(spec: Field, answer: Any) -> str:
    """An answer in words, for pages and papers."""
    return type_of(spec).display(spec, answer)
