"""The web form of one section: a Django form with a crispy layout, made from the definition.

Nothing is `required` to Django: which questions are asked depends on the answers, so a
question that is not asked is neither demanded nor kept, whatever the browser sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Fieldset, Layout
from crispy_forms.layout import Field as LayoutField
from django import forms
from django.utils.functional import cached_property
from django.utils.html import escape, format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures.formspec import conditions
from procedures.formspec.fields import type_of
from procedures.formspec.plausible import oddities
from procedures.formspec.spec import Field, Form, Section, walk


@dataclass(frozen=True)
class Question:
    """One question of a section: its path, its definition, and when it is asked at all."""

    path: str
    spec: Field
    whens: tuple[str, ...]
    is_optional: bool


def questions(
    fields: list[Field], before: str = "", whens: tuple[str, ...] = ()
) -> Iterator[Question]:
    """Every question below `fields`, each with the conditions of the groups around it."""
    for spec in fields:
        path = f"{before}{spec.id}"
        asked_when = (*whens, spec.when) if spec.when else whens
        if spec.type == "group":
            yield from questions(spec.fields, f"{path}.", asked_when)
        else:
            is_optional = spec.optional or not type_of(spec).is_answered
            yield Question(path, spec, asked_when, is_optional)


class SectionForm(forms.Form):
    """The questions of one section, or of one row of a repeated one.

    `answers` are those of the whole dossier, for conditions on other sections; `row` is
    what this section (or row) holds so far. After `is_valid()`, `answer()` is the new row.
    """

    required_css_class = "required"

    def __init__(
        self,
        section: Section,
        answers: Mapping[str, Any],
        row: Mapping[str, Any] | None = None,
        data: Any = None,
        prefix: str | None = None,
    ):
        self.section, self.answers = section, answers
        copied = {} if row or data is not None else copied_row(section, answers)
        row = row or copied
        self.questions = [
            question for question in questions(section.fields) if self._is_shown(question)
        ]
        # What was sent is shown as it was sent: it needs no other beginning.
        super().__init__(data, prefix=prefix, initial=self._initial(row) if data is None else None)
        self._is_copied = bool(copied)
        # The inputs of a question by suffix, so that making them is done once.
        self._names: dict[str, dict[str, str]] = {}
        for question in self.questions:
            names = self._names.setdefault(question.path, {})
            for suffix, field in self._inputs(question):
                names[suffix] = f"{question.path}{suffix}"
                field.required = False
                self.fields[names[suffix]] = field
        if data is not None:
            self.full_clean()
            self._describe_errors()

    @cached_property
    def helper(self) -> FormHelper:
        """How the page draws the section; what is saved and leads on is never drawn."""
        helper = FormHelper()
        helper.form_tag = False
        helper.disable_csrf = True
        said = [_Said("mc-notice", _COPIED)] if self._is_copied else []
        helper.layout = Layout(*said, *self._layout(self.section.fields))
        return helper

    def _is_shown(self, question: Question) -> bool:
        """Whether the page has this question at all; a supplement shows some of them."""
        return not self._ruled_out(question.whens)

    def _ruled_out(self, whens: tuple[str, ...]) -> bool:
        """Whether answers on other pages alone say that this is not asked."""
        here = f"{self.section.id}."
        return any(
            not any(path.startswith(here) for path in conditions.paths(when))
            and not conditions.holds(when, self.answers)
            for when in whens
        )

    def _inputs(self, question: Question) -> Iterator[tuple[str, forms.Field]]:
        spec = question.spec
        inputs = type_of(spec).inputs(spec)
        for suffix, field in inputs.items():
            if spec.type == "declaration":
                field.label = spec.text or spec.label
            elif not suffix:
                field.label = spec.label
                field.help_text = spec.help or self._hint(spec)
            elif field.help_text and spec.help:
                field.help_text = f"{spec.help} {field.help_text}"
            # Nothing is required to Django, so the template is told which to mark as optional.
            field.is_demanded = not question.is_optional and suffix != ".detail"
            yield suffix, field

    @staticmethod
    def _hint(spec: Field) -> str:
        if spec.type == "date" and spec.unknown_parts:
            return _("Ngày/tháng/năm, ví dụ 05/02/1985; chỉ nhớ tháng thì ghi 02/1985, chỉ nhớ năm "
                     "thì ghi 1985")  # fmt: skip
        if spec.type == "citizen_number" and spec.old_number:
            return _("12 chữ số trên thẻ căn cước, hoặc 9 chữ số của chứng minh nhân dân cũ")
        return {
            "date": _("Ngày/tháng/năm, ví dụ 05/02/2026"),
            "citizen_number": _("12 chữ số trên thẻ căn cước"),
            "tax_code": _("10 chữ số, hoặc 12 chữ số của số định danh cá nhân"),
            "dossier": _("Mã in trên giấy hẹn hoặc giấy xác nhận của hồ sơ trước"),
            "coded": _("Ghi mã hoặc vài chữ của tên"),
        }.get(spec.type, "")

    def _initial(self, row: Mapping[str, Any] | None) -> dict[str, Any]:
        initial = {}
        for question in self.questions:
            answer = conditions.lookup(row, question.path) if row else None
            if answer is None and question.spec.default:
                answer = _default(question.spec)
            for suffix, value in type_of(question.spec).to_values(answer).items():
                initial[f"{question.path}{suffix}"] = value
        return initial

    def _layout(self, fields: list[Field], before: str = "") -> Iterator[Any]:
        asked = {question.path for question in self.questions}
        for spec in fields:
            path = f"{before}{spec.id}"
            if not any(name == path or name.startswith(f"{path}.") for name in asked):
                continue
            yield self._shown_when(self._part(spec, path), spec)

    def _part(self, spec: Field, path: str) -> Any:
        if spec.type == "group":
            inside = list(self._layout(spec.fields, f"{path}."))
            return Fieldset(_legend(spec), *inside) if spec.label else Div(*inside)
        if not type_of(spec).is_answered:
            return _said(spec)
        if path in self.fields:
            return LayoutField(path)
        names = [name for name in self.fields if name.startswith(f"{path}.")]
        return Fieldset(_legend(spec), *(LayoutField(name) for name in names))

    def _shown_when(self, part: Any, spec: Field) -> Any:
        if not spec.when:
            return part
        # The script hides at once what depends on this page; the server decides anyway.
        here = self.section.id
        data = conditions.as_data(spec.when, here=here, answers=self.answers)
        return Div(part, data_when=json.dumps(data), data_section=here)

    def clean(self) -> dict[str, Any]:
        """Drop what is not asked, and demand what is."""
        cleaned = super().clean()
        # The same rule as when they are kept: an answer that is dropped opens nothing.
        row = _prune_row(self.section, self._row(cleaned), self.answers)
        view = {**self.answers, self.section.id: row}
        for question in self.questions:
            names = self._names[question.path]
            if not all(conditions.holds(when, view) for when in question.whens):
                for name in names.values():
                    self._errors.pop(name, None)
                    cleaned.pop(name, None)
            # Half of an optional answer would be lost without a word.
            elif not question.is_optional or any(_is_given(cleaned, n) for n in names.values()):
                for suffix, name in names.items():
                    self._demand(question, suffix, name, cleaned)
        return cleaned

    def _demand(self, question: Question, suffix: str, name: str, cleaned: dict) -> None:
        if name in self._errors or _is_given(cleaned, name):
            return
        label = str(question.spec.label or "")
        if suffix:
            label = (
                f"{label} – {self.fields[name].label}" if label else str(self.fields[name].label)
            )
        message = type_of(question.spec).missing(question.spec, suffix, label)
        if message:
            self.add_error(name, message)

    def _row(self, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for question in self.questions:
            names = self._names[question.path]
            values = {suffix: cleaned.get(name) for suffix, name in names.items()}
            answer = type_of(question.spec).to_answer(values)
            if answer is not None:
                put(row, question.path, answer)
        return row

    def answer(self) -> dict[str, Any]:
        """The row to keep: nested as the paths are, without what is not asked."""
        return self._row(self.cleaned_data)

    def data_by_name(self, data: Any) -> dict[str, Any]:
        """What was typed, by input, to be shown again in another row."""
        return {
            name: field.widget.value_from_datadict(data, {}, self.add_prefix(name))
            for name, field in self.fields.items()
        }

    def _describe_errors(self) -> None:
        for name in self.errors:
            if name in self.fields:
                self.fields[name].widget.attrs["aria-invalid"] = "true"

    def summary_errors(self) -> list[tuple[str, str]]:
        """(id of the input, message) for the summary on top, in the order of the page."""
        return [
            (self[name].auto_id if not _is_group(self[name]) else f"{self[name].auto_id}_0", error)
            for name in self.fields
            for error in self.errors.get(name, [])
        ]


class _Said:
    """A paragraph between the questions, for crispy: a text that is no template."""

    def __init__(self, css_class: str, *lines: Any):
        self.css_class, self.lines = css_class, lines

    def render(self, *_form_and_context: Any, **_options: Any) -> str:
        """The lines, each as a paragraph."""
        inside = format_html_join("", "<p>{}</p>", ((line,) for line in self.lines if line))
        return format_html('<div class="{}">{}</div>', self.css_class, inside)


_COPIED = gettext_lazy("Các ô dưới đây đã được điền theo phần trước; xin xem lại và sửa nếu cần.")


def _said(spec: Field) -> _Said:
    """What stands where a question without an input would be."""
    if not type_of(spec).is_attached:
        return _Said("mc-explanation", spec.label, *(spec.text or "").split("\n"))
    optional = _("(không bắt buộc)")
    label = f"{spec.label} {optional}" if spec.optional else spec.label
    where = _("Đính kèm ở bước “Giấy tờ đính kèm”, cùng với các giấy tờ khác.")
    return _Said("mc-field", label, spec.help, where)


def _is_given(cleaned: Mapping[str, Any], name: str) -> bool:
    value = cleaned.get(name)
    return value is not None and value is not False and value not in ("", [])


def _is_group(bound: forms.BoundField) -> bool:
    return isinstance(bound.field.widget, forms.RadioSelect | forms.CheckboxSelectMultiple)


def _legend(spec: Field) -> str:
    """The label as text: crispy runs a legend as a template of Django, without escaping it."""
    return escape(spec.label or "").replace("{", "&#123;")


def _default(spec: Field) -> Any:
    if spec.type == "yes_no":
        return "yes" if spec.default in {"yes", "co", "có"} else "no"
    return spec.default


def put(row: dict[str, Any], path: str, value: Any) -> None:
    """Set the answer at a dotted path, making the groups on the way."""
    *above, last = path.split(".")
    for name in above:
        row = row.setdefault(name, {})
    row[last] = value


def copied_row(section: Section, answers: Mapping[str, Any]) -> dict[str, Any]:
    """What a section that was not filled in yet takes over from an earlier one (`copy_from`).

    Only the answers that it could have given itself, and only where `copy_when` holds.
    """
    row: dict[str, Any] = {}
    for before, part in _copying(section):
        source = conditions.lookup(answers, part.copy_from)
        if isinstance(source, Mapping) and conditions.holds(part.copy_when or "", answers):
            for path, answer in _leaves(_fitting_row(part, source), part.fields):
                put(row, f"{before}{path}", answer)
    return row


def _copying(part: Section | Field, before: str = "") -> Iterator[tuple[str, Section | Field]]:
    """The section and the groups in it that take answers over, each with its path."""
    if part.copy_from:
        yield before, part
    for field in part.fields:
        yield from _copying(field, f"{before}{field.id}.")


def _leaves(row: Mapping[str, Any], fields: list[Field]) -> Iterator[tuple[str, Any]]:
    for path, _spec in walk(fields):
        answer = conditions.lookup(row, path)
        if answer is not None:
            yield path, answer


def attachment_questions(form: Form, answers: Mapping[str, Any]) -> list[tuple[str, Field]]:
    """(`section.path`, definition) of every file that the form asks for, with these answers.

    The definition says whether it is `optional` and how many `max_files` (None for one)
    it takes. They are never in repeated sections (`loading.content`).
    """
    found = []
    for section in asked_sections(form, answers):
        for question in questions(section.fields):
            if type_of(question.spec).is_attached and all(
                conditions.holds(when, answers) for when in question.whens
            ):
                found.append((f"{section.id}.{question.path}", question.spec))
    return found


def is_asked(section: Section, answers: Mapping[str, Any]) -> bool:
    """Whether these answers lead to this section at all."""
    return not section.when or conditions.holds(section.when, answers)


def asked_sections(form: Form, answers: Mapping[str, Any]) -> list[Section]:
    """The sections that these answers lead to, in order."""
    return [section for section in form.sections if is_asked(section, answers)]


def prune(form: Form, answers: Mapping[str, Any]) -> dict[str, Any]:
    """The answers without those of sections and questions that are not asked (any more).

    Sections are taken in order, so an answer that was dropped no longer opens a later one.
    Within a section it is repeated until nothing more falls away.
    """
    known = {section.id for section in form.sections}
    left = {name: given for name, given in answers.items() if name in known}
    for section in form.sections:
        given = left.get(section.id)
        if given is None or not is_asked(section, left):
            left.pop(section.id, None)
        elif section.repeat:
            left[section.id] = [_prune_row(section, row, left) for row in given]
        else:
            left[section.id] = _prune_row(section, given, left)
    return {section.id: left[section.id] for section in form.sections if section.id in left}


def _prune_row(section: Section, row: Mapping[str, Any], answers: Mapping[str, Any]) -> dict:
    while True:
        view = {**answers, section.id: row}
        smaller: dict[str, Any] = {}
        for question in questions(section.fields):
            answer = conditions.lookup(row, question.path)
            if (
                answer is not None
                and type_of(question.spec).is_answered
                and all(conditions.holds(when, view) for when in question.whens)
            ):
                put(smaller, question.path, answer)
        if smaller == row:
            return smaller
        row = smaller


def fitting(form: Form, answers: Mapping[str, Any]) -> dict[str, Any]:
    """The answers that this form could have given, for a draft that comes from another one.

    A question whose type or options changed loses its answer, so that it is asked again.
    """
    kept: dict[str, Any] = {}
    for section in form.sections:
        given = answers.get(section.id)
        if section.repeat and isinstance(given, list):
            kept[section.id] = [_fitting_row(section, row) for row in given[: section.repeat.max]]
        elif not section.repeat and isinstance(given, Mapping):
            kept[section.id] = _fitting_row(section, given)
    return kept


def _fitting_row(section: Section | Field, row: Mapping[str, Any]) -> dict[str, Any]:
    smaller: dict[str, Any] = {}
    for path, spec in walk(section.fields):
        answer = conditions.lookup(row, path)
        if answer is not None and type_of(spec).takes(spec, answer):
            put(smaller, path, answer)
    return smaller


def is_complete(section: Section, answers: Mapping[str, Any]) -> bool:
    """Whether every question of an asked section that must be answered is."""
    given = answers.get(section.id)
    if given is None:
        return False
    if section.repeat:
        return len(given) >= section.repeat.min and all(
            _row_complete(section, row, answers) for row in given
        )
    return _row_complete(section, given, answers)


def _row_complete(section: Section, row: Mapping[str, Any], answers: Mapping[str, Any]) -> bool:
    view = {**answers, section.id: row}
    return all(
        question.is_optional
        or conditions.lookup(row, question.path) is not None
        or not all(conditions.holds(when, view) for when in question.whens)
        for question in questions(section.fields)
    )


def warnings(form: Form, answers: Mapping[str, Any]) -> list[str]:
    """What looks odd without being wrong: answers that should match and do not."""
    return [*_unmatched(form, answers), *_implausible(form, answers)]


def _unmatched(form: Form, answers: Mapping[str, Any]) -> Iterator[str]:
    for path, spec in form.paths().items():
        mine = conditions.lookup(answers, path)
        others = [conditions.lookup(answers, other) for other in spec.must_match or []]
        others = [other for other in others if other is not None]
        if mine is not None and others and mine not in others:
            yield (
                _("“%(label)s” khác với của cha và mẹ; hãy kiểm tra lại trước khi nộp.")
                % {"label": spec.label}
            )


def _implausible(form: Form, answers: Mapping[str, Any]) -> Iterator[str]:
    for section in form.sections:
        given = answers.get(section.id) or {}
        for index, row in enumerate(given if section.repeat else [given]):
            whose = f"{section.repeat.row_name} {index + 1}" if section.repeat else section.title
            yield from oddities(section.fields, row, whose)


def profile_row(section: Section, profile: Mapping[str, str]) -> dict[str, Any]:
    """What is known of the person, put into the first question of each kind that fits."""
    row: dict[str, Any] = {}
    left = {kind: value for kind, value in profile.items() if value}
    for path, spec in walk(section.fields):
        if spec.type in left:
            put(row, path, left.pop(spec.type))
    return row
