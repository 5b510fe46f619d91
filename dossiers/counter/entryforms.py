"""What reception types: who stands there and with what, and the whole form on one page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers.counter import cardqr, entry, originals, people
from dossiers.counter.reserved import LateEntryFields
from dossiers.exemptionforms import ClaimFields
from dossiers.forms import PersonsSectionForm, RepeatedSection, build_section_form, communes_for
from dossiers.handing.addresses import Address, PostFields
from dossiers.models import Dossier
from dossiers.peopleforms import PERSON, BehalfForm
from procedures.formspec import conditions
from procedures.formspec.fields import check_citizen_number, check_name
from procedures.formspec.spec import Section
from procedures.formspec.webform import is_asked, prune, questions
from procedures.models import Agency, Channel, Revision

if TYPE_CHECKING:
    from dossiers.filing import AskedFile
    from procedures.models import RequiredDocument

DAY = {"input_formats": ["%d/%m/%Y", "%d-%m-%Y", "%d%m%Y"]}
DAY_INPUT = {"inputmode": "numeric", "placeholder": "25/11/2026", "autocomplete": "off"}


class _Scanned(forms.Form):
    """A form with a field into which the scanner types the QR code of a card."""

    card = forms.CharField(
        label=gettext_lazy("Quét mã QR trên thẻ căn cước"),
        max_length=400,
        required=False,
        widget=forms.TextInput({"autocomplete": "off", "autofocus": True}),
        help_text=gettext_lazy("Điền thay họ tên và số định danh; không có máy quét thì gõ."),
    )

    def __init__(self, data: QueryDict | None, **options: Any):
        self.scanned: cardqr.Card | None = None
        self.scan_fault = ""
        if data is not None and data.get("card"):
            data = data.copy()
            self._fill(data)
        super().__init__(data, **options)
        self.use_required_attribute = False

    def _fill(self, data: QueryDict) -> None:
        try:
            self.scanned = cardqr.parse(data["card"])
        except cardqr.Unreadable as error:
            self.scan_fault = str(error)
            return
        data["full_name"], data["citizen_number"] = self.scanned.full_name, self.scanned.number
        data["card"] = ""

    def clean_card(self) -> str:
        """Nothing of the code is kept."""
        if self.scan_fault:
            raise ValidationError(self.scan_fault)
        return ""

    def clean_citizen_number(self) -> str:
        """Twelve digits, in groups or not; or nothing."""
        number = "".join(sign for sign in self.cleaned_data["citizen_number"] if sign not in " .-")
        if number:
            check_citizen_number(number)
        return number


class NewEntryForm(_Scanned):
    """Who hands in or writes, how it comes, and what they bring filled in already."""

    full_name = forms.CharField(
        label=gettext_lazy("Họ và tên người nộp"),
        max_length=120,
        validators=[check_name],
        error_messages={"required": gettext_lazy("Hãy nhập họ và tên người nộp.")},
    )
    citizen_number = forms.CharField(
        label=gettext_lazy("Số định danh cá nhân"), max_length=20, required=False
    )
    phone = forms.CharField(
        label=gettext_lazy("Số điện thoại"),
        max_length=20,
        required=False,
        widget=forms.TextInput({"inputmode": "tel", "autocomplete": "off"}),
    )
    channel = forms.ChoiceField(
        label=gettext_lazy("Cách nộp"),
        widget=forms.RadioSelect,
        error_messages={
            "required": gettext_lazy("Hãy chọn cách nộp."),
            "invalid_choice": gettext_lazy("Thủ tục này không nhận hồ sơ theo cách nộp đã chọn."),
        },
    )
    checked = forms.BooleanField(
        label=gettext_lazy("Đã đối chiếu thẻ căn cước với người đến quầy"),
        required=False,
        help_text=gettext_lazy("Hồ sơ qua bưu chính thì ghi theo phong bì, không cần đánh dấu."),
    )
    is_same = forms.BooleanField(
        label=gettext_lazy("Đã xem lại thẻ: vẫn là người này"), required=False
    )
    office = forms.ModelChoiceField(
        queryset=None,
        label=gettext_lazy("Cơ quan giải quyết"),
        empty_label=gettext_lazy("Chọn…"),
        to_field_name="code",
        error_messages={
            "required": gettext_lazy("Hãy chọn cơ quan giải quyết."),
            "invalid_choice": gettext_lazy("Hãy chọn một trong các cơ quan đã nêu."),
        },
    )
    form_pdf = forms.FileField(
        label=gettext_lazy("Tờ khai PDF đã điền (nếu có)"),
        required=False,
        help_text=gettext_lazy("Tệp mẫu của thủ tục này, điền trên máy; cổng lấy các câu trả lời."),
    )

    def __init__(self, data: QueryDict | None, *, revision: Revision, offices: list[Agency],
                 **options: Any):  # fmt: skip
        self.other = ""
        channels = entry.channels_of(revision)
        options["initial"] = {"channel": channels[0]} if channels else {}
        super().__init__(data, **options)
        labels = {Channel.Kind.DIRECT: _("Nộp trực tiếp"), Channel.Kind.POSTAL: _("Qua bưu chính")}
        self.fields["channel"].choices = [(kind, labels[kind]) for kind in channels]
        self.fields["office"].queryset = Agency.objects.filter(pk__in=[row.pk for row in offices])
        if len(offices) == 1:
            self.fields["office"].required = False
        self.offices = offices

    def clean(self) -> dict[str, Any]:
        """Who came shows a card; one number is one person."""
        cleaned = super().clean()
        if cleaned.get("channel") == Channel.Kind.DIRECT and not cleaned.get("checked"):
            self.add_error("checked", _("Phải đối chiếu thẻ căn cước của chính người ấy trước."))
        if len(self.offices) == 1:
            cleaned["office"] = self.offices[0]
        number = cleaned.get("citizen_number", "")
        self.other = people.other_name(cleaned.get("full_name", ""), number) if number else ""
        if self.other and not cleaned.get("is_same"):
            self.add_error(
                "citizen_number",
                _("Số này đã có trên cổng với tên %(name)s. Xin xem lại thẻ.")
                % {"name": self.other},
            )
        return cleaned

    def names(self) -> list[str]:
        """The inputs that the page draws one under the other."""
        left_out = set()
        if not self.other:
            left_out.add("is_same")
        if len(self.offices) == 1:
            left_out.add("office")
        order = ["channel", "card", "full_name", "citizen_number", "is_same", "phone", "checked",
                 "office", "form_pdf"]  # fmt: skip
        return [name for name in order if name not in left_out]

    def visible_fields(self) -> list[forms.BoundField]:
        """Those, as bound fields."""
        return [self[name] for name in self.names()]


class OpenPrintedForm(_Scanned):
    """Before the draft of somebody's printed form is opened: it is theirs, and they are here."""

    full_name = forms.CharField(required=False, widget=forms.HiddenInput)
    citizen_number = forms.CharField(
        label=gettext_lazy("Số định danh cá nhân trên thẻ"), max_length=20, required=False
    )
    checked = forms.BooleanField(
        label=gettext_lazy("Đã đối chiếu thẻ căn cước với người đến quầy"),
        error_messages={
            "required": gettext_lazy("Phải đối chiếu thẻ căn cước của chính người ấy trước.")
        },
    )

    def __init__(self, data: QueryDict | None, *, draft: Dossier):
        self.draft = draft
        super().__init__(data)

    def clean_citizen_number(self) -> str:
        """The number of the draft's own person, where the portal knows it."""
        number, known = super().clean_citizen_number(), self.draft.owner.citizen_number
        if known and not number:
            raise ValidationError(_("Hãy quét thẻ hoặc gõ số định danh trên thẻ."))
        if known and number != known:
            raise ValidationError(_("Tờ khai này không phải của người có thẻ này."))
        return number


# --- The whole form on one page -------------------------------------------------------------


class CounterBehalfForm(BehalfForm):
    """In whose name it stands, asked of the clerk."""

    def __init__(self, data: Any, *, dossier: Dossier):
        super().__init__(data, dossier=dossier)
        self.fields["who"].label = _("Hồ sơ đứng tên ai?")
        words = (_("Người nộp tự đứng tên"), _("Nộp thay một người khác"),
                 _("Nộp thay doanh nghiệp, hợp tác xã hoặc hộ kinh doanh"))  # fmt: skip
        keys = [key for key, _label in self.fields["who"].choices]
        self.fields["who"].choices = list(zip(keys, words, strict=True))
        self.fields["person_relation"].label = _("Người nộp là gì của người đó?")
        self.fields["business_relation"].label = _("Người nộp với tư cách nào?")

    def clean(self) -> dict[str, Any]:
        """The same, said of somebody else."""
        cleaned = super().clean()
        number = cleaned.get("person_number")
        if cleaned.get("who") == PERSON and number and number == self.filer.citizen_number:
            self._errors["person_number"] = self.error_class(
                [_("Đây là số của chính người nộp; nếu tự đứng tên, hãy chọn như vậy.")]
            )
        return cleaned


class PaperForm(forms.Form):
    """What came of one paper: how many of each, whether the original was seen, and where it is."""

    is_seen = forms.BooleanField(required=False)
    originals = forms.IntegerField(
        label=gettext_lazy("Bản chính"), required=False, min_value=0, max_value=99
    )
    certified = forms.IntegerField(
        label=gettext_lazy("Bản sao chứng thực"), required=False, min_value=0, max_value=99
    )
    photos = forms.IntegerField(
        label=gettext_lazy("Bản chụp"), required=False, min_value=0, max_value=99
    )
    is_kept = forms.BooleanField(label=gettext_lazy("Giữ bản chính"), required=False)
    place = forms.CharField(label=gettext_lazy("Để ở đâu"), max_length=120, required=False)
    COUNTS = ("originals", "certified", "photos")

    def __init__(self, data: Any, *, paper: RequiredDocument | AskedFile, row: dict[str, Any]):
        super().__init__(data, prefix=f"giay-{paper.key}", initial=row)
        self.use_required_attribute = False
        self.paper, self.is_shown = paper, originals.is_shown_only(paper)
        said = _("Đã xem") if self.is_shown else _("Đã đối chiếu bản chính")
        self.fields["is_seen"].label = said
        for name in self.COUNTS:
            field = self.fields[name]
            field.widget = forms.TextInput({"inputmode": "numeric", "size": 3, "maxlength": 2})
            wrong = _("Số bản là số từ 0 đến 99.")
            field.error_messages |= {"invalid": wrong, "min_value": wrong, "max_value": wrong}
            for check in field.validators:
                check.message = wrong

    def clean(self) -> dict[str, Any]:
        """An original that is kept was seen, and is somewhere."""
        cleaned = super().clean()
        if self.is_shown or not cleaned.get("is_kept"):
            cleaned["place"] = ""
            return cleaned
        if not cleaned.get("place"):
            words = _("Hãy ghi bản chính của “%(name)s” để ở đâu.") % {"name": self.paper.name}
            self.add_error("place", words)
        cleaned["is_seen"] = True
        return cleaned

    def row(self) -> originals.PaperRecord:
        """What to keep of it; a place that is missing leaves the original unkept."""
        self.is_valid()
        given = self.cleaned_data
        is_kept = bool(given.get("is_kept") and given.get("place"))
        return originals.PaperRecord(
            originals=given.get("originals") or 0,
            certified=given.get("certified") or 0,
            photos=given.get("photos") or 0,
            is_seen=bool(given.get("is_seen")),
            is_kept=is_kept,
            place=given.get("place", "") if is_kept else "",
        )


class HandingInForm(PostFields):
    """How the result is to come, the signature on paper, and what a letter says."""

    delivery = forms.ChoiceField(
        label=gettext_lazy("Nhận kết quả"),
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Hãy chọn cách nhận kết quả.")},
    )
    address = forms.CharField(
        label=gettext_lazy("Địa chỉ gửi thư"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Theo phong bì; giấy tờ của cơ quan được gửi đến đây."),
    )
    postmark = forms.DateField(
        label=gettext_lazy("Ngày trên dấu bưu điện"), required=False,
        widget=forms.TextInput(DAY_INPUT), **DAY,
        error_messages={"invalid": gettext_lazy("Ngày ghi như 25/11/2026.")},
    )  # fmt: skip
    arrived = forms.DateField(
        label=gettext_lazy("Ngày thư đến"), required=False,
        widget=forms.TextInput(DAY_INPUT), **DAY,
        error_messages={"invalid": gettext_lazy("Ngày ghi như 25/11/2026.")},
    )  # fmt: skip
    is_signed = forms.BooleanField(
        label=gettext_lazy("Người nộp đã ký tờ khai trên giấy"), required=False
    )
    LETTER = ("address", "postmark", "arrived")

    def __init__(self, data: Any, *, dossier: Dossier):
        record = dossier.at_counter
        days = {name: _as_day(record.get(name)) for name in ("postmark", "arrived")}
        initial = {"delivery": dossier.delivery, "is_signed": record.get("is_signed", False),
                   "address": record.get("address", ""), **days}  # fmt: skip
        super().__init__(data, initial=initial)
        self.use_required_attribute = False
        labels = dict(Dossier.Delivery.choices)
        self.fields["delivery"].choices = [(way, labels[way]) for way in entry.deliveries(dossier)]
        if Dossier.Delivery.POST in entry.deliveries(dossier):
            self.add_post_fields(dossier)
        self.is_letter = dossier.channel == Channel.Kind.POSTAL
        if not self.is_letter:
            for name in self.LETTER:
                del self.fields[name]

    def clean(self) -> dict[str, Any]:
        """A letter arrives after it was sent, and not tomorrow."""
        cleaned = super().clean()
        sent, arrived = cleaned.get("postmark"), cleaned.get("arrived")
        today = timezone.localdate()
        for name, day in (("postmark", sent), ("arrived", arrived)):
            if day and day > today:
                self.add_error(name, _("Ngày này chưa tới."))
        if sent and arrived and sent > arrived:
            self.add_error("arrived", _("Thư không thể đến trước ngày trên dấu bưu điện."))
        return cleaned

    def record(self, before: originals.Record) -> originals.Record:
        """What to keep beside the papers."""
        given = self.cleaned_data
        record: originals.Record = {**before, "is_signed": bool(given.get("is_signed"))}
        if self.is_letter:
            record["address"] = given.get("address", "")
            for name in ("postmark", "arrived"):
                record[name] = given[name].isoformat() if given.get(name) else ""
        return record


class CounterClaimForm(ClaimFields):
    """The exemption that is claimed at the counter, and that its proof lies there."""

    grounds_label = gettext_lazy("Diện được miễn, giảm mà người nộp đề nghị")

    def __init__(self, data: Any, *, dossier: Dossier, said: Any):
        super().__init__(data, initial=said or {})
        self.use_required_attribute = False
        self.offer_exemptions(dossier)
        if self.offers_exemptions:
            self.fields["is_checked"] = forms.BooleanField(
                label=_("Đã xem giấy tờ chứng minh: xác nhận được miễn, giảm"), required=False
            )

    def said(self) -> Any:
        """What to keep; nothing is confirmed while it is not said what was seen."""
        self.is_valid()
        given = self.cleaned_data
        return self.claimed(is_checked=bool(given.get("is_checked") and given.get("evidence")))


def _as_day(text: str | None) -> str:
    """`2026-11-25` as people write it."""
    return "/".join(reversed(text.split("-"))) if text else ""


class Part:
    """One section on the page; `decides` says whether its answers open something elsewhere."""

    def __init__(
        self,
        section: Section,
        form: PersonsSectionForm | RepeatedSection,
        *,
        decides: bool = False,
    ):
        self.section, self.form, self.decides = section, form, decides

    @property
    def rows(self) -> list[PersonsSectionForm]:
        """Its forms: one, or one for each row."""
        return self.form.forms if self.section.repeat else [self.form]


class Sheet:
    """The whole form of a draft: in whose name, every section, the papers, how it is handed in.

    `data` is judged; `typed` is shown as it was typed, without being judged. Sections are read
    in order, so that an answer opens what comes after it in the same press; one that the page
    did not show yet (`shown`) is drawn and not judged. `answers` and `record` are what to keep.
    """

    def __init__(self, draft: Dossier, data: QueryDict | None = None, *,
                 typed: QueryDict | None = None):  # fmt: skip
        self.draft, self.data, self.typed = draft, data, typed
        sent = data if data is not None else typed
        self.behalf = CounterBehalfForm(sent, dossier=draft)
        self.rest = HandingInForm(sent, dossier=draft)
        self.late = LateEntryFields(sent, offices=[draft.receiving_agency_id])
        self.answers = dict(draft.answers)
        self.deciding = _deciding(draft.revision)
        self.parts = list(self._parts())
        self.papers = self._papers(sent)
        self.relief = CounterClaimForm(
            sent, dossier=self._view(), said=draft.at_counter.get("exemption")
        )
        self.communes = next(filter(None, (communes_for(p.section, draft) for p in self.parts)), [])
        self.file_faults: dict[str, str] = {}

    def _parts(self) -> Iterator[Part]:
        form = self.draft.revision.form
        for section in form.sections:
            if not is_asked(section, self.answers):
                continue
            decides = section.id in self.deciding
            part = Part(section, self._section_form(section), decides=decides)
            if self._was_shown(section, self.data):
                part.form.check_references(self.draft.owner)
                self.answers = prune(form, {**self.answers, section.id: part.form.answer()})
            yield part

    def _section_form(self, section: Section) -> PersonsSectionForm | RepeatedSection:
        data = self.data if self._was_shown(section, self.data) else None
        typed = self.typed if self._was_shown(section, self.typed) else None
        form = build_section_form(section, self.answers, data, typed=typed, prefix=section.id)
        if section.repeat and typed is not None:
            form.change_rows(typed)
        return form

    @staticmethod
    def _was_shown(section: Section, sent: QueryDict | None) -> bool:
        return sent is not None and section.id in sent.getlist("shown")

    def _papers(self, sent: QueryDict | None) -> list[PaperForm]:
        view = self._view()
        kept = self.draft.at_counter.get("papers", {})
        shown = sent.getlist("shown_paper") if sent is not None else []
        return [
            PaperForm(
                sent if paper.key in shown else None, paper=paper, row=kept.get(paper.key, {})
            )
            for paper in originals.papers_of(view)
        ]

    def _view(self) -> Dossier:
        """What would be filed now, unsaved."""
        return Dossier(
            revision=self.draft.revision, answers=self.answers, channel=self.draft.channel,
            behalf=dict(self.principal() or {}),
        )  # fmt: skip

    def principal(self) -> Any:
        """In whose name it is to stand; as it was, where that cannot be read."""
        if self.data is None:
            return self.draft.behalf or None
        return self.behalf.principal() if self.behalf.is_valid() else self.draft.behalf or None

    def record(self) -> originals.Record:
        """What to keep of the papers and of the handing in."""
        self.rest.is_valid()
        record = self.rest.record(self.draft.at_counter)
        before = self.draft.at_counter.get("papers", {})
        rows = {form.paper.key: form.row() for form in self.papers if form.is_bound}
        found: originals.Record = {**record, "papers": {**before, **rows}}
        found.pop("exemption", None)
        said = self.relief.said()
        return {**found, "exemption": said} if said else found

    def delivery_address(self) -> Address:
        """Where it goes by post; {} for the other ways."""
        self.rest.is_valid()
        return self.rest.address()

    def delivery(self) -> str:
        """How the result is to come."""
        self.rest.is_valid()
        return self.rest.cleaned_data.get("delivery") or self.draft.delivery

    # --- Faults

    def forms(self) -> Iterator[forms.Form]:
        """Every form of the page, in its order."""
        yield self.behalf
        for part in self.parts:
            yield from part.rows
        yield from self.papers
        yield self.relief
        yield self.rest
        yield self.late

    def forgive_missing(self) -> None:
        """Complain only of what was typed wrong: the page is saved half done."""
        for form in self.forms():
            if not form.is_bound:
                continue
            for name in list(form.errors):
                if name in form.fields and not _is_typed(form, name):
                    del form.errors[name]
                    form.fields[name].widget.attrs.pop("aria-invalid", None)

    def faults(self) -> list[tuple[str, str]]:
        """(id of the input, message) of everything at fault, in the order of the page."""
        found = []
        for part in self.parts:
            if part.section.repeat:
                found += [(f"phan-{part.section.id}", error) for error in part.form.errors]
        for form in self.forms():
            found += _faults_of(form)
        return found + [(f"giay-{key}", said) for key, said in self.file_faults.items()]


def _deciding(revision: Revision) -> set[str]:
    """The sections whose answers open another section, a question in one, or a paper."""
    found = set()
    for section in revision.form.sections:
        for when in [section.when, *(row for q in questions(section.fields) for row in q.whens)]:
            found |= _sections_in(when) - {section.id}
    for paper in revision.documents.all():
        found |= _sections_in(paper.when)
    return found


def _sections_in(when: str | None) -> set[str]:
    return {path.partition(".")[0] for path in conditions.paths(when)} if when else set()


def _is_typed(form: forms.Form, name: str) -> bool:
    field = form.fields[name]
    value = field.widget.value_from_datadict(form.data, {}, form.add_prefix(name))
    return value not in (None, "", [], False)


def _faults_of(form: forms.Form) -> Iterable[tuple[str, str]]:
    if not form.is_bound:
        return []
    if isinstance(form, PersonsSectionForm):
        return form.summary_errors()
    return [
        (form[name].auto_id if name in form.fields else "", error)
        for name, errors in form.errors.items()
        for error in errors
    ]
