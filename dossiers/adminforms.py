"""The forms of officials' moves, made from what each action asks."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import (
    assigning,
    certificates,
    checks,
    exemptionforms,
    filing,
    grounds,
    proposals,
    resultchanges,
    results,
    supplements,
    tracking,
)
from dossiers.answers import answer_sections
from dossiers.counter import originals
from dossiers.handing import choosing, collectingform, posting
from dossiers.handing.addresses import PostFields
from dossiers.models import Dossier, Result, ResultChange
from dossiers.workflow import Action
from procedures.models import Agency
from procedures.text import in_vietnamese

_REASON = gettext_lazy("Lý do")
_NEW_WORDS = {
    "subject": gettext_lazy("Trích yếu, viết lại cho đúng"),
    "opening": gettext_lazy("Nội dung, viết lại cho đúng"),
    "names": gettext_lazy("Họ tên ghi trên kết quả, mỗi người một dòng"),
}


class MoveForm(PostFields):
    """One move of one dossier: its inputs, and the version of the page it was drawn on."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    use_required_attribute = False

    def __init__(
        self, action: Action, dossier: Dossier, data: Any = None, files: Any = None,
        words: str = "", by: Any = None,
    ):  # fmt: skip
        """`words` are those of a chosen template, which the reason begins with; `by` is who
        makes the move, for whom wrong codes are counted."""
        super().__init__(data, files, initial={"version": dossier.version})
        self.action, self.dossier, self._words, self._by = action, dossier, words, by
        self.groups: list[supplements.Group] = []
        for name in action.inputs(dossier):
            for key, field in self._inputs(name):
                field.required = False
                self.fields[key] = field

    def _inputs(self, name: str) -> list[tuple[str, forms.Field]]:
        make = getattr(self, f"_{name}", None)
        if make is not None:
            return make()
        return [(name, _TEXTS[name]())]

    def _faults(self) -> list[tuple[str, forms.Field]]:
        """A box to tick and a note for each paper and each question that may be at fault.

        What was marked wrong while the dossier was read is filled in.
        """
        self.groups = in_vietnamese(supplements.choices)(self.dossier)
        found = checks.faults(self.dossier)
        made = []
        for choice in self._choices():
            tick = forms.BooleanField(label=choice.label, initial=choice.key in found)
            note = forms.CharField(
                label=_("Sai chỗ nào"),
                max_length=supplements.MAX_NOTE,
                initial=found.get(choice.key),
            )
            made += [(f"fault:{choice.key}", tick), (f"note:{choice.key}", note)]
        return made

    def _choices(self) -> list[supplements.Choice]:
        return [choice for group in self.groups for choice in group.choices]

    def fault_groups(self) -> list[dict[str, Any]]:
        """The papers and sections with their rows, as the page draws them; none for other moves."""
        return [
            {
                "title": group.title,
                "is_open": group.is_document or any(self._is_touched(c) for c in group.choices),
                "rows": [
                    {"value": choice.value, "fault": self[f"fault:{choice.key}"],
                     "note": self[f"note:{choice.key}"]}
                    for choice in group.choices
                ],
            }
            for group in self.groups
        ]  # fmt: skip

    def lost_words(self) -> list[str]:
        """What was typed into inputs that the form has no more, because the dossier moved on."""
        if not self.is_bound:
            return []
        typed = ("reason", "items", "comment")
        names = [n for n in self.data if n in typed or n.startswith("note:")]
        return [self.data[n] for n in names if n not in self.fields and self.data[n].strip()]

    def _is_touched(self, choice: supplements.Choice) -> bool:
        return bool(self[f"fault:{choice.key}"].value() or self[f"note:{choice.key}"].value())

    def visible_fields(self) -> list[forms.BoundField]:
        """The inputs in a row; those of faults stand in groups of their own."""
        return [f for f in super().visible_fields() if ":" not in f.name]

    def clean(self) -> dict[str, Any]:
        """A fault without a note says nothing; a note without the tick says it all the same."""
        cleaned = super().clean()
        if "collected_by" in self.fields:
            for name, complaint in collectingform.faults(self.dossier, cleaned, by=self._by):
                self.add_error(name, complaint)
        for choice in self._choices():
            note = cleaned.get(f"note:{choice.key}")
            # One that was filled in, and whose tick was taken away, is not meant any more.
            if note and note != self.fields[f"note:{choice.key}"].initial:
                cleaned[f"fault:{choice.key}"] = True
            elif cleaned.get(f"fault:{choice.key}") and not note:
                self.add_error(
                    f"note:{choice.key}",
                    _("Hãy ghi chỗ sai của: %(name)s.") % {"name": choice.label},
                )
        return cleaned

    def _ground(self) -> list[tuple[str, forms.Field]]:
        found = grounds.offered(self.dossier, grounds.OFFERED[self.action.name])
        field = forms.ChoiceField(
            label=_("Căn cứ pháp lý"),
            choices=[("", _("Chọn căn cứ")), *((row.code, str(row)) for row in found)],
            help_text=_("Chỉ cần khi không đồng ý.") if self.action.name == "propose" else "",
        )
        return [("ground", field)]

    def _proposal(self) -> list[tuple[str, forms.Field]]:
        """Which of several proposals is meant; nothing to choose where there is one."""
        is_consent = self.action.name == "consent"
        find = proposals.waiting_for_leader if is_consent else proposals.for_leader
        found = find(self.dossier)
        if len(found) < 2:
            return []
        choices = [(str(row.pk), proposals.text_of(row)) for row in found]
        field = forms.ChoiceField(label=_("Đề xuất"), choices=choices, widget=forms.RadioSelect)
        return [("proposal", field)]

    def _consent_reason(self) -> list[tuple[str, forms.Field]]:
        field = forms.CharField(
            label=_("Ý kiến của lãnh đạo"), max_length=2000, widget=forms.Textarea({"rows": 3}),
            help_text=_("Phải ghi lý do khi cho yêu cầu bổ sung thêm lần nữa hoặc sau thời gian."),
        )  # fmt: skip
        return [("reason", field)]

    def _comment(self) -> list[tuple[str, forms.Field]]:
        field = forms.CharField(
            label=_("Vì sao trả lại"), max_length=2000, widget=forms.Textarea({"rows": 3})
        )
        return [("reason", field)]

    def _new_date(self) -> list[tuple[str, forms.Field]]:
        proposed = proposals.open_of(self.dossier, proposals.Kind.EXTENSION)
        field = forms.DateField(
            label=_("Ngày hẹn mới"), input_formats=["%d/%m/%Y"], help_text=_("Ví dụ: 05/02/2026"),
            initial=proposals.new_date_of(proposed), widget=forms.DateInput(format="%d/%m/%Y"),
        )  # fmt: skip
        return [("new_date", field)]

    def _reason(self) -> list[tuple[str, forms.Field]]:
        """An apology that was proposed or drafted is signed as it is, or changed first."""
        proposed = None
        if self.action.name == "extend":
            proposed = proposals.open_of(self.dossier, proposals.Kind.EXTENSION)
        field = forms.CharField(
            label=_REASON, max_length=4000, widget=forms.Textarea({"rows": 4}),
            initial=self._words or (proposed.reason if proposed else ""),
        )  # fmt: skip
        return [("reason", field)]

    def _person(self) -> list[tuple[str, forms.Field]]:
        people = tracking.people_of(self.dossier)
        field = forms.ChoiceField(
            label=_("Cấp lại cho"),
            choices=[(str(person.pk), person.get_full_name()) for person in people],
            widget=forms.RadioSelect,
        )
        return [("person", field)]

    def _decisions(self) -> list[tuple[str, forms.Field]]:
        """Yes or no to each claimed exemption, with what it would come to."""
        return exemptionforms.decision_fields(self.dossier)

    def _fees_settled(self) -> list[tuple[str, forms.Field]]:
        names = results.unknown_fees(self.dossier)
        label = _("Đã thu hoặc đã miễn: %(names)s") % {"names": "; ".join(names)}
        return [("fees_settled", forms.BooleanField(label=label))] if names else []

    def _originals_received(self) -> list[tuple[str, forms.Field]]:
        names = results.originals_owed(self.dossier)
        label = _("Đã thu đủ bản chính: %(names)s") % {"names": "; ".join(names)}
        return [("originals_received", forms.BooleanField(label=label))] if names else []

    def _collecting(self) -> list[tuple[str, forms.Field]]:
        """Who came for the result, and what was looked at: written on the slip they sign."""
        return collectingform.fields(self.dossier)

    def _delivery(self) -> list[tuple[str, forms.Field]]:
        field = forms.ChoiceField(
            label=_("Nhận kết quả"), choices=choosing.choices(self.dossier),
            initial=self.dossier.delivery, widget=forms.RadioSelect,
        )  # fmt: skip
        fields = [("delivery", field)]
        if Dossier.Delivery.POST in choosing.ways(self.dossier):
            self.add_post_fields(self.dossier)
            fields += [(name, self.fields.pop(name)) for name in self.POST_FIELDS]
        return fields

    def _draft(self) -> list[tuple[str, forms.Field]]:
        lines = [
            # A name alone would not say whose it is: most forms ask for several people.
            f"{section['title']} – {row['label']}: {row['value']}"
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

    def _result_draft(self) -> list[tuple[str, forms.Field]]:
        """The officer's own document, in place of the template or where there is none."""
        if not self.dossier.revision.made_here:
            return []
        has_template = self.dossier.revision.result.get("template") is not None
        field = forms.FileField(
            label=_("Văn bản kết quả soạn sẵn, chưa ký (PDF)"),
            help_text=_("Chỉ khi không dùng mẫu của thủ tục. Cổng thêm trang ký số và mã QR.")
            if has_template
            else _("Cổng thêm một trang cuối có mã QR và chỗ cho hai chữ ký số."),
        )
        return [("result_draft", field)]

    def _signing(self) -> list[tuple[str, forms.Field]]:
        """Nothing to choose for who has no USB token."""
        if self._by is None or not certificates.signs_by_token(self._by):
            return []
        ways = (Result.Signing.TOKEN, Result.Signing.PORTAL)
        field = forms.ChoiceField(
            label=_("Cách ký"),
            choices=[(way.value, way.label) for way in ways],
            initial=Result.Signing.TOKEN,
            widget=forms.RadioSelect,
        )
        return [("signing", field)]

    def _result_change(self) -> list[tuple[str, forms.Field]]:
        """What is wrong with the result, and where it is replaced, how it should read."""
        result = resultchanges.current(self.dossier)
        if result is None:
            return []
        return [
            ("kind", forms.ChoiceField(
                label=_("Đề xuất"), choices=ResultChange.Kind.choices, widget=forms.RadioSelect)),
            ("reason", forms.CharField(
                label=_("Kết quả sai ở đâu"), max_length=300,
                widget=forms.Textarea({"rows": 3}),
                help_text=_("Công dân đọc lý do này khi kết quả bị thu hồi."))),
            ("law", forms.CharField(label=_("Căn cứ pháp lý"), max_length=200)),
            *self._replacement(result),
        ]  # fmt: skip

    def _replacement(self, result: Result) -> list[tuple[str, forms.Field]]:
        words = resultchanges.wording(result) if result.is_made_here else {}
        made = [
            (f"text.{name}", forms.CharField(
                label=_NEW_WORDS.get(name) or _("Điều %(number)d, viết lại cho đúng")
                % {"number": int(name.partition(".")[2]) + 1},
                initial=text, max_length=resultchanges.MAX_TEXT,
                widget=forms.Textarea({"rows": 3})))
            for name, text in ({} if result.is_uploaded else words).items()
        ]  # fmt: skip
        label = (
            _("Hoặc văn bản thay thế soạn sẵn, chưa ký (PDF)")
            if result.is_made_here
            else _("Tệp kết quả mới đã ký số (PDF)")
        )
        help_text = _("Chỉ cần khi thay bằng bản khác.")
        return [*made, ("result_file", forms.FileField(label=label, help_text=help_text))]

    def _change_decision(self) -> list[tuple[str, forms.Field]]:
        field = forms.ChoiceField(
            label=_("Quyết định"),
            choices=ResultChange.Decision.choices,
            widget=forms.RadioSelect,
        )
        comment = forms.CharField(
            label=_("Ý kiến"), max_length=300, widget=forms.Textarea({"rows": 3}),
            help_text=_("Phải ghi khi không đồng ý."),
        )  # fmt: skip
        return [("decision", field), ("comment", comment)]

    def _originals_back(self) -> list[tuple[str, forms.Field]]:
        field = forms.MultipleChoiceField(
            label=_("Bản chính trả lại"),
            choices=[
                (str(row.pk), f"{row.name} ({row.place})") for row in originals.kept(self.dossier)
            ],
            widget=forms.CheckboxSelectMultiple,
        )
        return [("originals_back", field)]

    def _taken_by(self) -> list[tuple[str, forms.Field]]:
        field = forms.CharField(
            label=_("Người nhận lại"),
            max_length=120,
            initial=self.dossier.owner.get_full_name(),
            help_text=_("Người này ký vào giấy biên nhận trả lại bản chính."),
        )
        return [("taken_by", field)]

    def _assignee(self) -> list[tuple[str, forms.Field]]:
        people = assigning.officers_of(self.dossier).exclude(pk=self.dossier.assignee_id)
        choices = [("", "—"), *((str(row.pk), row.get_full_name()) for row in people)]
        # A colleague may have given it to the same person since this page was drawn.
        words = {"invalid_choice": _("Không giao được cho người này; có thể hồ sơ vừa được giao.")}
        field = forms.ChoiceField(label=_("Giao cho"), choices=choices, error_messages=words)
        return [("assignee", field)]

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
        if self.groups:
            details = self._named_faults(details)
        if self.action.name == "decide_exemption":
            details = exemptionforms.decisions(details)
        if "post_recipient" in self.fields:
            details["address"] = self.address()
        if isinstance(details.get("agency"), Agency):
            details["agency"] = details["agency"].code
        return details

    def _named_faults(self, details: dict[str, Any]) -> dict[str, Any]:
        """The ticked papers and questions, with their notes, as the move takes them."""
        kept = {key: value for key, value in details.items() if ":" not in key}
        kept |= {"documents": [], "fields": [], "notes": {}}
        for group in self.groups:
            chosen = [c.key for c in group.choices if details.get(f"fault:{c.key}")]
            kept["documents" if group.is_document else "fields"] += chosen
            kept["notes"] |= {key: details[f"note:{key}"] for key in chosen}
        return kept


_TEXTS = {
    "card_checked": lambda: forms.BooleanField(
        label=_("Đã đối chiếu thẻ căn cước: đúng là người này"),
        help_text=_("Mã cũ và các mã QR đã cấp không còn dùng được ngay khi cấp mã mới."),
    ),
    "items": lambda: forms.CharField(
        label=_("Những gì khác cần bổ sung, mỗi việc một dòng"), max_length=4000,
        widget=forms.Textarea({"rows": 4}),
        help_text=_("Yêu cầu một lần, đầy đủ (Nghị định 61/2018 Điều 15 khoản 3)."),
    ),
    "tracking_number": lambda: forms.CharField(
        label=_("Mã bưu gửi"), max_length=40, widget=forms.TextInput({"autocomplete": "off"}),
        help_text=_("Quét hoặc gõ, ví dụ EB125966888VN."),
    ),
    "carrier": lambda: forms.CharField(
        label=_("Đơn vị phát"), max_length=60, initial=posting.CARRIER
    ),
}  # fmt: skip
