"""The forms of officials' moves, made from what each action asks."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import filing, results
from dossiers.answers import answer_sections
from dossiers.models import Dossier
from dossiers.workflow import Action
from procedures.models import Agency, RequiredDocument
from procedures.text import in_vietnamese

_REASON = gettext_lazy("Lý do")


class MoveForm(forms.Form):
    """One move of one dossier: its inputs, and the version of the page it was drawn on."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    use_required_attribute = False

    def __init__(self, action: Action, dossier: Dossier, data: Any = None, files: Any = None):
        super().__init__(data, files, initial={"version": dossier.version})
        self.action, self.dossier = action, dossier
        for name in action.asks:
            for key, field in self._inputs(name):
                field.required = False
                self.fields[key] = field

    def _inputs(self, name: str) -> list[tuple[str, forms.Field]]:
        make = getattr(self, f"_{name}", None)
        if make is not None:
            return make()
        return [(name, _TEXTS[name]())]

    def _documents(self) -> list[tuple[str, forms.Field]]:
        rows = self.dossier.revision.documents.all()
        choices = [(r.key, r.name) for r in rows if r.how == RequiredDocument.How.SUBMIT]
        field = forms.MultipleChoiceField(
            label=_("Giấy tờ phải gửi lại hoặc gửi thêm"),
            choices=choices,
            widget=forms.CheckboxSelectMultiple,
        )
        return [("documents", field)] if choices else []

    def _fees_settled(self) -> list[tuple[str, forms.Field]]:
        names = results.unknown_fees(self.dossier)
        label = _("Đã thu hoặc đã miễn: %(names)s") % {"names": "; ".join(names)}
        return [("fees_settled", forms.BooleanField(label=label))] if names else []

    def _originals_received(self) -> list[tuple[str, forms.Field]]:
        names = results.originals_owed(self.dossier)
        label = _("Đã thu đủ bản chính: %(names)s") % {"names": "; ".join(names)}
        return [("originals_received", forms.BooleanField(label=label))] if names else []

    def _draft(self) -> list[tuple[str, forms.Field]]:
        lines = [
            f"{row['label']}: {row['value']}"
            for section in in_vietnamese(answer_sections)(self.dossier)
            for row in section["rows"]
        ]
        field = forms.CharField(
            label=_("Nội dung bản dự thảo"),
            initial=self.dossier.draft_result or "\n".join(lines),
            widget=forms.Textarea({"rows": 16}),
            help_text=_("Công dân kiểm tra đúng những dòng này; hãy bỏ những dòng không cần."),
        )
        return [("draft", field)]

    def _outcome(self) -> list[tuple[str, forms.Field]]:
        field = forms.ChoiceField(
            label=_("Đề xuất"),
            choices=Dossier.Outcome.choices,
            initial=Dossier.Outcome.GRANTED,
            widget=forms.RadioSelect,
        )
        return [("outcome", field)]

    def _record(self) -> list[tuple[str, forms.Field]]:
        if self.dossier.revision.made_here:
            return []
        names = self.dossier.revision.result.get("record", [])
        return [
            (
                f"record.{name}",
                forms.CharField(label=results.RECORD_LABELS.get(name, name), max_length=60),
            )
            for name in names
        ]

    def _result_file(self) -> list[tuple[str, forms.Field]]:
        if self.dossier.revision.made_here:
            return []
        field = forms.FileField(
            label=_("Tệp kết quả đã ký số (PDF)"),
            help_text=_("Lấy từ phần mềm chuyên ngành; cổng giữ nguyên tệp, không sửa."),
        )
        return [("result_file", field)]

    def _agency(self) -> list[tuple[str, forms.Field]]:
        offices = filing.offices_queryset(self.dossier.revision).order_by("code")
        offices = offices.exclude(pk=self.dossier.handling_agency_id)
        field = forms.ModelChoiceField(offices, label=_("Cơ quan nhận"), to_field_name="code")
        return [("agency", field)]

    def details(self) -> dict[str, Any]:
        """What `workflow.perform()` takes: the inputs, with the book's columns together."""
        details = {key: value for key, value in self.cleaned_data.items() if key != "version"}
        record = {
            key.removeprefix("record."): details.pop(key)
            for key in list(details)
            if key.startswith("record.")
        }
        if record:
            details["record"] = record
        if isinstance(details.get("agency"), Agency):
            details["agency"] = details["agency"].code
        return details


_TEXTS = {
    "reason": lambda: forms.CharField(
        label=_REASON, max_length=4000, widget=forms.Textarea({"rows": 4})
    ),
    "ground": lambda: forms.CharField(
        label=_("Căn cứ pháp lý"), max_length=200,
        help_text=_("Ví dụ: khoản 1 Điều 16 Luật Hộ tịch"),
    ),
    "items": lambda: forms.CharField(
        label=_("Những gì cần bổ sung, mỗi việc một dòng"), max_length=4000,
        widget=forms.Textarea({"rows": 6}),
        help_text=_("Yêu cầu một lần, đầy đủ (Nghị định 61/2018 Điều 15 khoản 3)."),
    ),
    "collector": lambda: forms.CharField(
        label=_("Người nhận"), max_length=120, help_text=_("Để trống nếu chính người nộp nhận.")
    ),
    "new_date": lambda: forms.DateField(
        label=_("Ngày hẹn mới"), input_formats=["%d/%m/%Y"], help_text=_("Ví dụ: 05/02/2026")
    ),
}  # fmt: skip
