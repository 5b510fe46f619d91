"""What citizens send: sections of a form, the office, the way to get the result."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import filing
from dossiers.exemptionforms import ClaimFields
from dossiers.handing.addresses import PostFields
from dossiers.models import Dossier
from procedures.formspec.lists import commune_suggestions
from procedures.formspec.spec import Section, walk
from procedures.formspec.webform import SectionForm
from procedures.presenting import GIVE_BY

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User


class PersonsSectionForm(SectionForm):
    """A section as one person fills it in: what it refers to must be theirs."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for question in self.questions:
            if question.spec.type == "dossier":
                self.fields[question.path].widget.attrs["list"] = "own-dossiers"

    def restore(self, data: QueryDict) -> None:
        """Show what was typed before, without judging it."""
        self.initial = self.data_by_name(data)

    def check_references(self, user: User) -> None:
        """Take no code of a dossier that this person may not see, whether or not there is one."""
        for question in self.questions:
            code = self.cleaned_data.get(question.path)
            if question.spec.type == "dossier" and code and not _is_theirs(code, user):
                self.add_error(
                    question.path,
                    _("Ông/bà không có hồ sơ nào mang mã %(code)s trên cổng này.") % {"code": code},
                )
        self._describe_errors()


def _is_theirs(code: str, user: User) -> bool:
    filed = Dossier.objects.visible_to(user).exclude(state=Dossier.State.DRAFT)
    return filed.filter(code=code).exists()


class RepeatedSection:
    """The rows of a repeated section: as many section forms, and buttons to add and remove.

    `prefix` stands before the names of its inputs where a page has more than one section.
    """

    def __init__(
        self,
        section: Section,
        answers: Mapping[str, Any],
        data: QueryDict | None = None,
        prefix: str = "",
    ):
        self.section, self.answers = section, answers
        self.before = f"{prefix}-" if prefix else ""
        self.errors: list[str] = []
        rows = answers.get(section.id) or []
        count, most = len(rows) if data is None else self._count(data), section.repeat.max
        if count > most:
            self.errors = [_("Chỉ nhận tối đa %(most)d mục; các mục sau bị bỏ.") % {"most": most}]
        count = max(min(count, most), section.repeat.min, 1)
        self.forms = [
            PersonsSectionForm(
                section, answers, rows[i] if i < len(rows) else None, data, f"{self.before}{i}"
            )
            for i in range(count)
        ]

    def change_rows(self, data: QueryDict) -> bool:
        """Add or remove a row if a button says so; what was typed stays typed."""
        adding = f"{self.before}add_row"
        if adding in data and len(self.forms) < self.section.repeat.max:
            self._rebuild([form.data_by_name(data) for form in self.forms] + [{}])
            return True
        if adding in data:
            self.errors = [_("Tối đa %(most)d dòng.") % {"most": self.section.repeat.max}]
            return True
        removed = data.get(f"{self.before}remove_row", "")
        if (
            re.fullmatch("[0-9]{1,3}", removed)
            and int(removed) < len(self.forms) > self.section.repeat.min
        ):
            kept = [f.data_by_name(data) for i, f in enumerate(self.forms) if i != int(removed)]
            self._rebuild(kept)
            return True
        return bool(removed)

    def restore(self, data: QueryDict) -> None:
        """Show what was typed before, without judging it."""
        self._rebuild([form.data_by_name(data) for form in self.forms])

    def check_references(self, user: User) -> None:
        """As `PersonsSectionForm.check_references()`, in every row."""
        for form in self.forms:
            form.check_references(user)

    def _rebuild(self, rows: list[dict[str, Any]]) -> None:
        self.forms = []
        for index, row in enumerate(rows):
            form = PersonsSectionForm(
                self.section, self.answers, None, None, f"{self.before}{index}"
            )
            form.initial = row
            self.forms.append(form)

    def _count(self, data: QueryDict) -> int:
        text = data.get(f"{self.before}rows", "")
        return int(text) if re.fullmatch("[0-9]{1,9}", text) else 1

    def is_valid(self) -> bool:
        """Whether every row is."""
        # Every row is asked, so that each shows its own faults.
        return all([form.is_valid() for form in self.forms]) and not self.errors  # noqa: C419

    def answer(self) -> list[dict[str, Any]]:
        """The rows to keep."""
        return [form.answer() for form in self.forms]

    def summary_errors(self) -> list[tuple[str, str]]:
        """The faults of all rows, for the summary on top."""
        found = [("", error) for error in self.errors]
        for form in self.forms:
            found += form.summary_errors() if form.is_bound else []
        return found


def build_section_form(
    section: Section,
    answers: Mapping[str, Any],
    data: QueryDict | None,
    *,
    typed: QueryDict | None = None,
    prefix: str = "",
) -> PersonsSectionForm | RepeatedSection:
    """The form of a section, single or repeated; `typed` fills it without being judged.

    `prefix` stands before the names of its inputs where a page has more than one section.
    """
    if section.repeat:
        form = RepeatedSection(section, answers, data if typed is None else typed, prefix)
    else:
        row = answers.get(section.id)
        form = PersonsSectionForm(section, answers, row, data, prefix or None)
    if typed is not None:
        form.restore(typed)
    return form


def communes_for(section: Section, dossier: Dossier) -> list[str]:
    """The communes of the office's own province, where the section asks for an address."""
    if "address" not in {field.type for _path, field in walk(section.fields)}:
        return []
    office = dossier.handling_agency
    return commune_suggestions(office.area_codes if office else [])


class StartForm(forms.Form):
    """How a new draft begins: empty but for the profile, or with an earlier dossier's answers."""

    earlier = forms.ChoiceField(
        label=gettext_lazy("Dùng lại thông tin từ hồ sơ đã nộp?"),
        required=False,
        widget=forms.RadioSelect,
        error_messages={
            "invalid_choice": gettext_lazy("Hãy chọn một trong các hồ sơ đã nêu."),
        },
    )

    def __init__(self, *args: Any, earlier: list[Dossier], **kwargs: Any):
        super().__init__(*args, initial={"earlier": ""}, **kwargs)
        self.use_required_attribute = False
        self.dossiers = {row.code: row for row in earlier}
        self.fields["earlier"].choices = [
            ("", _("Không dùng lại")),
            *((row.code, _filed_on(row)) for row in earlier),
        ]

    def clean_earlier(self) -> Dossier | None:
        """The dossier that was chosen."""
        return self.dossiers.get(self.cleaned_data["earlier"])


def _filed_on(dossier: Dossier) -> str:
    day = timezone.localtime(dossier.submitted_at)
    return _("%(name)s, nộp ngày %(day)s (%(code)s)") % {
        "name": dossier.revision.short_name,
        "day": f"{day:%d/%m/%Y}",
        "code": dossier.code,
    }


class OfficeForm(forms.Form):
    """Which office handles the dossier."""

    office = forms.ModelChoiceField(
        queryset=None,
        widget=forms.RadioSelect,
        empty_label=None,
        to_field_name="code",
        error_messages={
            "required": gettext_lazy("Hãy chọn nơi giải quyết."),
            "invalid_choice": gettext_lazy("Hãy chọn một trong các cơ quan đã nêu."),
        },
    )

    def __init__(self, *args: Any, dossier: Dossier, **kwargs: Any):
        office = dossier.handling_agency
        super().__init__(*args, initial={"office": office.code if office else None}, **kwargs)
        self.use_required_attribute = False
        field = self.fields["office"]
        field.queryset = filing.offices_queryset(dossier.revision)
        field.label = dossier.revision.office_question or _("Cơ quan giải quyết")


class FilingForm(ClaimFields, PostFields):
    """What is said with the filing itself: how the result is to come, and that all is true."""

    delivery = forms.ChoiceField(
        label=gettext_lazy("Nhận kết quả"),
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Hãy chọn cách nhận kết quả.")},
    )
    declare = forms.BooleanField(
        label=gettext_lazy(
            "Tôi đã đọc lại hồ sơ. Tôi cam đoan những điều khai và giấy tờ đính kèm là đúng sự "
            "thật và chịu trách nhiệm trước pháp luật về lời cam đoan này."
        ),
        error_messages={"required": gettext_lazy("Hãy đánh dấu vào lời cam đoan trước khi nộp.")},
    )

    def __init__(self, *args: Any, dossier: Dossier, **kwargs: Any):
        super().__init__(*args, initial={"delivery": dossier.delivery}, **kwargs)
        self.use_required_attribute = False
        ways = dossier.revision.result.get("give_by", ["counter"])
        self.fields["delivery"].choices = [
            (way, _("Nhận %(way)s") % {"way": GIVE_BY[way]}) for way in ways
        ]
        if Dossier.Delivery.POST in ways:
            self.add_post_fields(dossier)
        self.offer_exemptions(dossier)
        if self.offers_exemptions:
            self.fields["proof"] = forms.FileField(
                label=_("Tệp chụp giấy tờ ấy"),
                required=False,
                help_text=_("Có thể bỏ qua; khi đó cơ quan đối chiếu theo số giấy tờ."),
            )
            self.order_fields(("grounds", "evidence", "proof", "delivery", *self.POST_FIELDS))
