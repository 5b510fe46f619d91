"""The types of questions. Adding a type means adding one class here.

A type makes the inputs of the web form, turns what they cleaned into an answer (plain
JSON), turns an answer back into what the inputs show, and says it in words for the
check-answers page and for paper.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import flatatt
from django.utils import timezone
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures.formspec import coded, days, lists, numbers, places
from procedures.formspec.numbers import check_citizen_number
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
    # An explanation asks nothing; a file is attached on a page of its own.
    is_answered: ClassVar[bool] = True
    is_attached: ClassVar[bool] = False

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
        except (ValidationError, AttributeError, LookupError, TypeError, ValueError):
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
            max_length=self.max_length, widget=self.text_widget(), validators=[check_name]
        )


def check_name(value: str) -> None:
    """Raise `ValidationError` where a name holds more than letters, spaces, hyphens, apostrophes.

    Names go into letters to others, where an address or a number would be an advertisement.
    """
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
        """An ISO date, or the part of it that is known (`1985`, `1985-03`)."""
        return values.get("")

    def to_values(self, answer: Any) -> dict[str, Any]:
        """dd/mm/yyyy, mm/yyyy or yyyy."""
        return {"": days.written(answer) if answer else ""}

    def display(self, spec: Field, answer: Any) -> str:
        """dd/mm/yyyy; `tháng 03/1985` and `năm 1985` where no more is known."""
        return days.in_words(answer) if answer else ""


class _Day(forms.Field):
    def __init__(self, spec: Field, **kwargs: Any):
        super().__init__(**kwargs)
        self.earliest, self.latest = spec.min, spec.max
        self.takes_parts = spec.unknown_parts

    def to_python(self, value: Any) -> str | None:
        text = str(value or "")[:40].strip()
        if not text:
            return None
        known = days.read_parts(text) if self.takes_parts else None
        return known or days.read(text)

    def validate(self, value: str | None) -> None:
        if value is None:
            return
        first, last = days.span(value)
        if first.year < 1875:
            raise ValidationError(
                _("Năm %(year)d quá xa; hãy kiểm tra lại.") % {"year": first.year}
            )
        latest, earliest = _day_of(self.latest), _day_of(self.earliest)
        if latest and first > latest:
            if self.latest == "today":
                raise ValidationError(_("Ngày này chưa đến; hãy kiểm tra lại."))
            raise ValidationError(_("Ngày muộn nhất là %(day)s.") % {"day": f"{latest:%d/%m/%Y}"})
        if earliest and last < earliest:
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
        return _OneOfMany(
            self.options(spec),
            widget=_LongSelect(self.name),
            error_messages={"invalid_choice": gettext_lazy("Hãy chọn một mục trong danh sách.")},
        )


class _OneOfMany(forms.ChoiceField):
    """A choice that looks its value up instead of walking through hundreds."""

    def __init__(self, options: dict[str, str], **kwargs: Any):
        super().__init__(choices=options.items, **kwargs)
        self.options = options

    def valid_value(self, value: Any) -> bool:
        return value in self.options


class _LongSelect(forms.Select):
    """A select that does not run a template for each of its hundreds of options."""

    def __init__(self, type_name: str):
        super().__init__()
        self.type_name = type_name

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> str:
        """The select with an empty first entry, and what was chosen before."""
        rows = [("", _("— Chọn —")), *_escaped_options(self.type_name)]
        chosen = "" if value is None else str(value)
        parts = ((key, _SELECTED if key == chosen else "", label) for key, label in rows)
        inside = format_html_join("", '<option value="{}"{}>{}</option>', parts)
        flat = flatatt(self.build_attrs(self.attrs, {**(attrs or {}), "name": name}))
        return format_html("<select{}>{}</select>", flat, inside)


_SELECTED = SafeString(" selected")


@lru_cache(maxsize=8)
def _escaped_options(type_name: str) -> tuple[tuple[str, str], ...]:
    """The options of a type with one list for all questions, ready for a page."""
    options = TYPES[type_name].options(Field(id="x", type=type_name))
    return tuple((escape(key), escape(label)) for key, label in options.items())


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
    """The 12-digit personal identification number (số định danh cá nhân, CCCD).

    With `old_number` also the nine digits of an old identity card (CMND).
    """

    name = "citizen_number"
    inputmode = "numeric"

    def input(self, spec: Field) -> forms.Field:
        """A text input that checks the number's structure."""
        return _CitizenNumber(
            takes_old=spec.old_number,
            max_length=numbers.LONGEST,
            widget=self.text_widget(autocomplete="off"),
        )


class _CitizenNumber(forms.CharField):
    def __init__(self, *, takes_old: bool, **kwargs: Any):
        super().__init__(**kwargs)
        self.takes_old = takes_old

    def to_python(self, value: Any) -> str:
        return numbers.compact(super().to_python(value))

    def validate(self, value: str) -> None:
        if value and len(value) <= numbers.LONGEST:
            check_citizen_number(value, takes_old=self.takes_old)


class _Spelled(forms.CharField):
    """A text input whose value has one right spelling, which `read` gives or refuses."""

    def __init__(self, read: Callable[[str], str], **kwargs: Any):
        super().__init__(**kwargs)
        self.read = read

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        return self.read(text) if text else ""


class TaxCodeType(FieldType):
    """A tax code (mã số thuế), of an enterprise, a branch or a person."""

    name = "tax_code"
    inputmode = "numeric"

    def input(self, spec: Field) -> forms.Field:
        """A text input that checks the check digit."""
        widget = self.text_widget(autocomplete="off")
        return _Spelled(numbers.tax_code, max_length=numbers.LONGEST, widget=widget)


class DossierType(FieldType):
    """An earlier dossier by its code; whose it is, is not checked here."""

    name = "dossier"

    def input(self, spec: Field) -> forms.Field:
        """A text input that takes the code as it is printed."""
        widget = self.text_widget(autocomplete="off")
        return _Spelled(numbers.dossier_code, max_length=60, widget=widget)


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
        return lists.ethnic_groups()


class NationalityType(SelectType):
    """A nationality by ISO 3166 code."""

    name = "nationality"

    def options(self, spec: Field) -> dict[str, str]:
        """Code -> Vietnamese name."""
        return lists.nationalities()


class AddressType(FieldType):
    """A place: a commune of 2025 found by its name, and the house or village below it.

    A commune of before July 2025 is found too and becomes today's, with `former` saying
    what it was called. With `old_names` an old place is kept as it is typed.
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
        """`{"commune": code or "", "name": text, "detail": text}`, and `former` where it moved."""
        place = values.get(".commune")
        if not place:
            return None
        return {**place, "detail": values.get(".detail") or ""}

    def to_values(self, answer: Any) -> dict[str, Any]:
        """The name of the commune, and the detail."""
        answer = answer or {}
        return {".commune": answer.get("name", ""), ".detail": answer.get("detail", "")}

    def display(self, spec: Field, answer: Any) -> str:
        """From the house to the province, and what the commune was called before."""
        if not answer:
            return ""
        place = ", ".join(part for part in (answer.get("detail"), answer.get("name")) if part)
        if answer.get("former"):
            return _("%(place)s (trước là %(former)s)") % {
                "place": place,
                "former": answer["former"],
            }
        return place

    def takes(self, spec: Field, answer: Any) -> bool:
        """Today's name is what counts; what it was called before is a note."""
        if not isinstance(answer, dict) or not isinstance(answer.get("former", ""), str):
            return False
        return super().takes(spec, {k: part for k, part in answer.items() if k != "former"})


class _CommuneField(forms.CharField):
    def __init__(self, *, keeps_old: bool, **kwargs: Any):
        super().__init__(max_length=120, **kwargs)
        self.keeps_old = keeps_old

    def clean(self, value: Any) -> dict[str, str] | None:
        text = super().clean(value)
        if not text:
            return None
        found = lists.find_communes(text)
        # A district between commune and province: a place of before July 2025.
        is_old = text.count(",") > 1
        if self.keeps_old and (is_old or len(found) != 1):
            return {"commune": "", "name": text}
        moved = _moved(text) if is_old else None
        if moved and [row.code for row in found] != [moved["commune"]]:
            return moved
        if len(found) == 1:
            return {"commune": found[0].code, "name": str(found[0])}
        if found:
            raise ValidationError(
                _("Có %(count)d nơi mang tên này; hãy ghi thêm tên tỉnh, ví dụ: %(example)s.")
                % {"count": len(found), "example": found[0]}
            )
        moved = moved or _moved(text)
        if moved:
            return moved
        raise ValidationError(
            _("Chưa tìm thấy “%(text)s” trong danh sách xã, phường hiện nay.") % {"text": text}
        )


_MOST_NAMED = 16


def _moved(text: str) -> dict[str, str] | None:
    """Today's commune in the place of an old one; `ValidationError` where there are several."""
    former = places.find_former(text)
    today = places.successors(former)
    if len(today) == 1:
        place = {"commune": today[0].code, "name": str(today[0])}
        return {**place, "former": str(former[0])} if len(former) == 1 else place
    if len(former) > 1:
        raise ValidationError(
            _("Có %(count)d nơi trước đây mang tên này; hãy ghi thêm huyện và tỉnh cũ, ví dụ: "
              "%(example)s.") % {"count": len(former), "example": former[0]}
        )  # fmt: skip
    today = today or places.successors(places.find_district(text))
    if not today:
        return None
    names = "; ".join(commune.name for commune in today[:_MOST_NAMED])
    raise ValidationError(
        _("“%(text)s” nay là: %(names)s. Hãy ghi tên xã, phường hiện nay.")
        % {"text": text, "names": names + ("…" if len(today) > _MOST_NAMED else "")}
    )


class CodedType(FieldType):
    """An entry of a long coded list, found by its code or by words of its name."""

    name = "coded"

    def input(self, spec: Field) -> forms.Field:
        """A text input that offers the entries which what was typed can mean."""
        return _CodedField(spec.from_list or "")

    def to_answer(self, values: dict[str, Any]) -> Any:
        """`{"code": text, "name": text}`, as the list has them today."""
        entry = values.get("")
        return {"code": entry.code, "name": entry.name} if entry else None

    def to_values(self, answer: Any) -> dict[str, Any]:
        """`4711 – Bán lẻ…`, which is found again by its code."""
        return {"": self._written(answer)}

    def display(self, spec: Field, answer: Any) -> str:
        """The name, with its code before it."""
        return self._written(answer)

    @staticmethod
    def _written(answer: Any) -> str:
        return f"{answer['code']} – {answer['name']}" if answer else ""


class _CodedField(forms.CharField):
    def __init__(self, list_name: str):
        super().__init__(max_length=300, widget=_Suggesting(list_name))
        self.list_name = list_name

    def clean(self, value: Any) -> coded.Entry | None:
        text = super().clean(value)
        if not text:
            return None
        found = coded.find(self.list_name, text)
        if len(found) == 1:
            return found[0]
        offered = found or coded.suggestions(self.list_name, text)
        if not offered:
            raise ValidationError(
                _("Chưa tìm thấy “%(text)s” trong danh sách; hãy thử một từ khác hoặc ghi mã.")
                % {"text": text[:60]}
            )
        raise ValidationError(
            _("“%(text)s” hợp với nhiều mục; hãy chọn một mục được nêu, hoặc ghi mã.")
            % {"text": text[:60]}
        )


class _Suggesting(forms.TextInput):
    """A text input, and below it the entries which what was typed can mean, if several.

    They carry the name of the input: what is chosen comes after what was typed, and counts.
    """

    def __init__(self, list_name: str):
        super().__init__({"autocomplete": "off"})
        self.list_name = list_name

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> str:
        """The input, and radio buttons behind it."""
        made = super().render(name, value, attrs, renderer)
        if not value or len(coded.find(self.list_name, str(value))) == 1:
            return made
        base = (attrs or {}).get("id", name)
        offered = coded.suggestions(self.list_name, str(value))
        rows = ((name, row.code, f"{base}_{row.code}", row) for row in offered)
        choices = format_html_join(
            "",
            '<div class="form-check"><input class="form-check-input" type="radio" name="{0}" '
            'value="{1}" id="{2}"><label class="form-check-label" for="{2}">{3}</label></div>',
            rows,
        )
        label = _("Các mục hợp với chữ đã gõ")
        return format_html(
            '{}<div class="mt-2" role="group" aria-label="{}">{}</div>', made, label, choices
        )


class ExplanationType(FieldType):
    """A text between the questions, on the page and on paper; it asks nothing."""

    name = "explanation"
    is_answered = False

    def inputs(self, spec: Field) -> dict[str, forms.Field]:
        """None."""
        return {}

    def to_answer(self, values: dict[str, Any]) -> Any:
        """Nothing was asked."""
        return None

    def takes(self, spec: Field, answer: Any) -> bool:
        """No answer can be one to this."""
        return False


class AttachmentType(ExplanationType):
    """A file that the form itself asks for, attached together with the papers."""

    name = "attachment"
    is_attached = True


def type_of(spec: Field) -> FieldType:
    """The type of a question."""
    return TYPES[spec.type]


def display(spec: Field, answer: Any) -> str:
    """An answer in words, for pages and papers."""
    return type_of(spec).display(spec, answer)
