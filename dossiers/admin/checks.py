"""The check marks on the page of a dossier: each section of answers with its small form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import checks, filing, remarks, supplements
from dossiers.answers import section_rows
from dossiers.checks import Mark
from dossiers.documents import filed_files, paper_names
from dossiers.models import Attachment, Dossier
from dossiers.remarks import Remark
from procedures.formspec.spec import Section
from procedures.formspec.webform import asked_sections, questions

PAPERS = "giay-to"  # the part that is no section of the form
RIGHT, WRONG = "dat", "sai"
_REST = "rest"  # the button that marks everything else as right


class CheckForm(forms.Form):
    """What is ticked in one part: a choice and a note for each key."""

    use_required_attribute = False

    def __init__(self, part: Part, marks: Mapping[str, Remark], data: Any = None):
        super().__init__(data)
        self.keys = [row.key for row in part.rows if row.key]
        for key in self.keys:
            mark = marks.get(key)
            chosen = "" if mark is None else (RIGHT if mark.is_right else WRONG)
            self.fields[f"mark:{key}"] = forms.ChoiceField(
                choices=[(RIGHT, _("Đạt")), (WRONG, _("Sai")), ("", _("Chưa xem"))],
                widget=forms.RadioSelect,
                required=False,
                initial=chosen,
                error_messages={"invalid_choice": gettext_lazy("Hãy chọn Đạt, Sai hoặc Chưa xem.")},
            )
            self.fields[f"note:{key}"] = forms.CharField(
                label=_("Sai chỗ nào"),
                max_length=supplements.MAX_NOTE,
                required=False,
                initial=mark.text if mark else "",
                error_messages={
                    "max_length": gettext_lazy("Ghi chỗ sai dài quá; xin viết gọn trong 500 ký tự.")
                },
            )

    def clean(self) -> dict[str, Any]:
        """A note without a choice says that something is wrong; wrong without a note, nothing."""
        cleaned = super().clean()
        is_rest = _REST in self.data
        for key in self.keys:
            mark, note = cleaned.get(f"mark:{key}", ""), cleaned.get(f"note:{key}", "")
            if not mark and note:
                cleaned[f"mark:{key}"] = WRONG
            elif not mark and is_rest and f"mark:{key}" not in self.errors:
                cleaned[f"mark:{key}"] = RIGHT
            elif mark == WRONG and not note and f"note:{key}" not in self.errors:
                self.add_error(f"note:{key}", _("Hãy ghi rõ sai chỗ nào."))
        return cleaned

    def marks(self) -> dict[str, Mark | None]:
        """What is to be kept, by key."""
        found: dict[str, Mark | None] = {}
        for key in self.keys:
            chosen = self.cleaned_data[f"mark:{key}"]
            note = self.cleaned_data[f"note:{key}"] if chosen == WRONG else ""
            found[key] = Mark(chosen == RIGHT, note) if chosen else None
        return found


@dataclass
class Row:
    """One answer or one paper: what it says, and what was found of it.

    Without a `key` nothing is marked at it (a promise; a single row of a table).
    """

    label: str
    value: str
    key: str = ""
    files: list[Any] = field(default_factory=list)
    found: Remark | None = None
    is_stale: bool = False
    mark: forms.BoundField | None = None
    note: forms.BoundField | None = None


@dataclass
class Part:
    """The papers, or one section of the answers, with its form where one may mark."""

    id: str
    title: str
    rows: list[Row]
    form: CheckForm | None = None
    seen: str = ""
    complaint: str = ""

    @property
    def is_papers(self) -> bool:
        """Whether it is the part of the papers."""
        return self.id == PAPERS

    @property
    def right(self) -> int:
        """How many were found right and stand as they were looked at."""
        return sum(bool(r.found and r.found.is_right and not r.is_stale) for r in self.rows)

    @property
    def wrong(self) -> int:
        """How many were found wrong."""
        return sum(bool(r.found and not r.found.is_right and not r.is_stale) for r in self.rows)

    @property
    def total(self) -> int:
        """How many can be marked."""
        return sum(bool(row.key) for row in self.rows)


def parts(dossier: Dossier, marks: Mapping[str, Remark], may_mark: bool) -> list[Part]:
    """The papers, then every asked section in the form's order, with what was found."""
    choices = {
        choice.key: choice for group in supplements.choices(dossier) for choice in group.choices
    }
    found = [Part(PAPERS, _("Giấy tờ đính kèm"), _paper_rows(dossier, choices))]
    found += [
        Part(section.id, section.title, list(_answer_rows(dossier, section, choices)))
        for section in asked_sections(dossier.revision.form, dossier.answers)
    ]
    answered = checks.answered_since(dossier)
    for part in found:
        _dress(part, marks, answered)
        if may_mark:
            give_form(part, marks)
    return found


def _paper_rows(dossier: Dossier, choices: Mapping[str, Any]) -> list[Row]:
    """Every paper that is called for, with or without files, then what else was filed."""
    files: dict[str, list[Attachment]] = {}
    for file in filed_files(dossier):
        files.setdefault(file.document, []).append(file)
    names = {row.key: row.name for row in filing.to_attach(dossier)}
    others = paper_names(dossier)
    names |= {key: others.get(key, _("Tệp khác")) for key in files if key not in names}
    return [
        Row(name, "", key if key in choices else "", files.get(key, []))
        for key, name in names.items()
    ]


def _answer_rows(dossier: Dossier, section: Section, choices: Mapping[str, Any]) -> Iterable[Row]:
    """What was answered, in the words and the order of the form; what was left empty too."""
    given = dossier.answers.get(section.id)
    if section.repeat:
        key = f"{section.id}.{supplements.WHOLE}"
        yield Row(_("Cả phần này"), "", key if key in choices else "")
        yield from (Row(row["label"], row["value"]) for row in section_rows(section, given))
        return
    answered = {f"{section.id}.{row['path']}": row for row in section_rows(section, given)}
    for question in questions(section.fields):
        key = f"{section.id}.{question.path}"
        row, choice = answered.get(key), choices.get(key)
        if row is not None or choice is not None:
            label = row["label"] if row else choice.label
            yield Row(label, row["value"] if row else "", key if choice else "")


def _dress(part: Part, marks: Mapping[str, Remark], answered: Mapping[str, Any]) -> None:
    for row in part.rows:
        row.found = marks.get(row.key)
        row.is_stale = row.found is not None and checks.is_stale(row.key, row.found.at, answered)


def give_form(part: Part, marks: Mapping[str, Remark], data: Any = None) -> None:
    """Put the inputs of a form beside the rows of a part; `data` is what was sent."""
    part.form = CheckForm(part, marks, data)
    part.seen = checks.digest(part.form.keys, marks)
    for row in part.rows:
        if row.key:
            row.mark, row.note = part.form[f"mark:{row.key}"], part.form[f"note:{row.key}"]


class ChecksPage:
    """What `DossierAdmin` does when the marks of a part are sent."""

    def checks_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Keep the marks of one part. What cannot be kept comes back on the page as typed."""
        if request.method != "POST":
            raise Http404
        dossier = self._get_dossier(request, pk)
        marks = remarks.of(dossier).marks
        part = self._part(dossier, marks, request.POST.get("part", ""))
        give_form(part, marks, request.POST)
        if part.form.is_valid() and self._saves(request, dossier, part):
            return redirect(f"{self._url(dossier)}#phan-{part.id}")
        part.complaint = part.complaint or _("Chưa lưu phần này; xin xem chỗ có lỗi.")
        return self._page(request, dossier, sent=part, status=409)

    def _part(self, dossier: Dossier, marks: Mapping[str, Remark], part_id: str) -> Part:
        for part in parts(dossier, marks, may_mark=False):
            if part.id == part_id:
                return part
        raise Http404

    def _saves(self, request: HttpRequest, dossier: Dossier, part: Part) -> bool:
        version = request.POST.get("version", "")
        try:
            changed = checks.save(
                dossier,
                _with_foreign(part.form.marks(), request.POST),
                by=request.user,
                version=int(version) if version.isdecimal() and len(version) < 10 else -1,
                seen=request.POST.get("seen", ""),
            )
        except checks.NotSaved as error:
            part.complaint = str(error)
            return False
        text = _("Đã lưu kết quả kiểm tra: %(part)s.") if changed else _("Không có gì thay đổi.")
        messages.success(request, text % {"part": part.title} if changed else text)
        return True


def _with_foreign(marks: dict[str, Mark | None], data: Mapping[str, Any]) -> dict[str, Mark | None]:
    """With the keys that were sent and that the part does not have, to be refused by name."""
    sent = (name.removeprefix("mark:") for name in data if name.startswith("mark:"))
    return {**{key: Mark(is_right=True) for key in sent}, **marks}
