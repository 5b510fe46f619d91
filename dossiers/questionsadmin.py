"""Questions to the office, as officials answer and publish them.

The answer goes to the asker once and then stays; what everybody reads is written beside it.
Every write carries the version of the page on which it was made.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import questions
from dossiers.models import Question
from procedures.models import Sector
from procedures.postings import roles

PUBLIC_WORDS = ("sector", "public_question", "public_answer")


def _tabs() -> dict[str, tuple[Any, Q]]:
    """The tabs of the list: label and which questions each holds."""
    waiting = Q(answered_at=None)
    return {
        "cho": (_("Chờ trả lời"), waiting),
        "qua-han": (_("Quá hạn"), waiting & Q(due_at__lt=timezone.now())),
        "da-tra-loi": (_("Đã trả lời"), ~waiting),
        "da-dang": (_("Đã đăng"), Q(published_at__isnull=False)),
        "tat-ca": (_("Tất cả"), Q()),
    }


class TabFilter(admin.SimpleListFilter):
    """The tabs above the list."""

    title = gettext_lazy("Nhóm")
    parameter_name = "nhom"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list:
        """The tabs by their address."""
        return [(key, label) for key, (label, _condition) in _tabs().items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """The questions of the chosen tab."""
        tab = _tabs().get(self.value() or "tat-ca")
        return queryset.filter(tab[1]) if tab else queryset


class QuestionForm(forms.ModelForm):
    """What an official writes; the same form answers, publishes and takes back."""

    seen = forms.IntegerField(widget=forms.HiddenInput)  # the version of the page
    answer = forms.CharField(
        label=gettext_lazy("Trả lời"),
        max_length=10_000,
        required=False,
        widget=forms.Textarea({"rows": 10}),
        help_text=gettext_lazy("Gửi đến người hỏi ngay khi lưu; sau đó không sửa được nữa."),
    )
    sector = forms.ModelChoiceField(
        label=gettext_lazy("Lĩnh vực"), queryset=Sector.objects.all(), required=False
    )
    is_published = forms.BooleanField(
        label=gettext_lazy("Đăng công khai"),
        required=False,
        help_text=gettext_lazy("Chỉ đăng lời viết dưới đây, không có tên và cách liên hệ."),
    )
    public_question = forms.CharField(
        label=gettext_lazy("Câu hỏi đăng công khai"),
        max_length=3000,
        required=False,
        widget=forms.Textarea({"rows": 5}),
        help_text=gettext_lazy("Viết lại cho gọn; bỏ tên, địa chỉ, mã hồ sơ và chi tiết riêng."),
    )
    public_answer = forms.CharField(
        label=gettext_lazy("Trả lời đăng công khai"),
        max_length=10_000,
        required=False,
        widget=forms.Textarea({"rows": 8}),
    )
    erases = forms.BooleanField(
        label=gettext_lazy("Xóa tên, cách liên hệ và lời của người hỏi"),
        required=False,
        help_text=gettext_lazy("Không lấy lại được; phần đã đăng công khai vẫn còn."),
    )

    class Meta:
        model = Question
        fields = PUBLIC_WORDS

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        question = self.instance
        self.initial |= {"seen": question.version, "is_published": bool(question.published_at)}
        if question.answered_at:
            del self.fields["answer"]
            self.initial["public_answer"] = question.public_answer or question.answer
            self.initial["public_question"] = question.public_question or question.text

    def clean(self) -> dict[str, Any]:
        """Refuse what is stale or cannot be; the same rules hold again when it is written."""
        data = super().clean()
        newest = Question.objects.get(pk=self.instance.pk)
        if data.get("seen") != newest.version:
            raise forms.ValidationError(
                _("Có người vừa sửa câu hỏi này; hãy mở lại trang rồi làm tiếp.")
            )
        will_be_answered = newest.answered_at or data.get("answer", "").strip()
        if not will_be_answered and (data.get("is_published") or data.get("erases")):
            raise forms.ValidationError(_("Hãy trả lời trước khi đăng công khai hoặc xóa."))
        if data.get("is_published"):
            self._check_public_words(data, newest)
        return data

    def _check_public_words(self, data: dict[str, Any], question: Question) -> None:
        try:
            questions.check_public_words(
                question, data.get("public_question", ""), data.get("public_answer", "")
            )
        except questions.Refused as refusal:
            self.add_error("is_published", str(refusal))

    def write(self, *, by: Any) -> None:
        """Answer, publish, take back or erase, as ticked; raises `questions.Refused`."""
        data, question = self.cleaned_data, self.instance
        version = data["seen"]
        if data.get("answer", "").strip():
            version = questions.answer(
                question, text=data["answer"], by=by, version=version
            ).version
        if data["is_published"]:
            words = {key: data[key] for key in PUBLIC_WORDS}
            version = questions.publish(question, by=by, version=version, **words).version
        elif Question.objects.filter(pk=question.pk).exclude(published_at=None).exists():
            version = questions.withdraw(question, version=version).version
        if data["erases"]:
            questions.erase(question, version=version)


@admin.register(Question)
class QuestionAdmin(admin.ModelAdmin):
    """The questions to one's offices; a supervisor reads, the others answer."""

    form = QuestionForm
    list_display = ("code", "about", "due", "state", "agency", "asked_at")
    list_filter = (TabFilter, ("sector", admin.RelatedOnlyFieldListFilter))
    search_fields = ("code", "text", "public_question")
    search_help_text = gettext_lazy("Tìm theo mã hoặc lời câu hỏi")
    list_select_related = ("agency", "procedure__current")
    list_per_page = 50
    show_full_result_count = False
    ordering = ("answered_at", "due_at")
    actions = None
    view_on_site = False
    change_list_template = "admin/dossiers/question/change_list.html"
    readonly_fields = (
        "code", "agency", "about", "asked_at", "due", "name", "email", "phone", "text",
        "sent_answer", "answered_at", "official",
    )  # fmt: skip

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whoever may read the questions of some office."""
        return bool(roles(request) & questions.READS)

    def has_view_permission(self, request: HttpRequest, obj: Question | None = None) -> bool:
        """Which questions, is said by the queryset."""
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Question | None = None) -> bool:
        """Those who may answer for the office of this question."""
        may = bool(roles(request) & questions.ANSWERS)
        if not may or obj is None:
            return may
        answerable = questions.handled_by(request.user, questions.ANSWERS)
        return answerable.filter(pk=obj.pk).exists()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Questions are asked, not added."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Question | None = None) -> bool:
        """What was asked is counted; the person is erased, not the question."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Question]:
        """Those to one's offices and the offices below them."""
        return questions.handled_by(request.user).for_page()

    def get_fieldsets(self, request: HttpRequest, obj: Question | None = None) -> list:
        """What was asked, the answer, and what is published."""
        asked = ("code", "agency", "about", "asked_at", "due", "name", "email", "phone", "text")
        may_write = self.has_change_permission(request, obj)
        is_answered = obj is not None and obj.answered_at
        given = ("sent_answer", "answered_at", "official") if is_answered else ()
        answer = given or (("answer",) if may_write else ())
        fieldsets = [(_("Câu hỏi"), {"fields": asked})]
        if answer:
            fieldsets.append((_("Trả lời"), {"fields": answer}))
        if not may_write:
            return [*fieldsets, (_("Đăng công khai"), {"fields": PUBLIC_WORDS})]
        return [
            *fieldsets,
            (_("Đăng công khai"), {"fields": ("is_published", *PUBLIC_WORDS)}),
            (_("Thông tin của người hỏi"), {"fields": ("erases", "seen")}),
        ]

    @admin.display(description=gettext_lazy("Về việc"))
    def about(self, question: Question) -> str:
        """The procedure, or how the question begins."""
        if question.procedure and question.procedure.current:
            return f"{question.procedure.current.short_name} ({question.procedure.code})"
        return question.text[:80] or question.public_question[:80] or "–"

    @admin.display(description=gettext_lazy("Hạn trả lời"), ordering="due_at")
    def due(self, question: Question) -> str:
        """By when the office answers, in words where that is past."""
        text = f"{timezone.localtime(question.due_at):%d/%m/%Y %H:%M}"
        if question.is_late:
            return format_html('<strong class="mc-late">{} {}</strong>', text, _("(quá hạn)"))
        return text

    @admin.display(description=gettext_lazy("Trạng thái"))
    def state(self, question: Question) -> str:
        """Waiting, answered or published."""
        if question.published_at:
            return _("Đã đăng công khai")
        return _("Đã trả lời") if question.answered_at else _("Chờ trả lời")

    @admin.display(description=gettext_lazy("Người trả lời"))
    def official(self, question: Question) -> str:
        """Who answered."""
        return question.answered_by.get_full_name() if question.answered_by else "–"

    @admin.display(description=gettext_lazy("Đã trả lời"))
    def sent_answer(self, question: Question) -> str:
        """What the asker was told."""
        return question.answer

    def save_model(self, request: HttpRequest, obj: Question, form: Any, change: bool) -> None:
        """Write through `questions`, which locks and asks again."""
        try:
            form.write(by=request.user)
        except questions.Refused as refusal:
            request._question_refusal = str(refusal)

    def response_change(self, request: HttpRequest, obj: Question) -> HttpResponse:
        """As usual, unless a colleague was first by a moment."""
        refusal = getattr(request, "_question_refusal", "")
        response = super().response_change(request, obj)
        if refusal:
            list(messages.get_messages(request))
            messages.error(request, refusal)
        return response

    def changelist_view(
        self, request: HttpRequest, extra_context: dict | None = None
    ) -> HttpResponse:
        """The list with its tabs, counted in one query."""
        tabs = _tabs()
        counts = questions.handled_by(request.user).aggregate(
            **{
                key.replace("-", "_"): Count("pk", filter=condition)
                for key, (_label, condition) in tabs.items()
                if key in {"cho", "qua-han"}
            }
        )
        chosen = request.GET.get("nhom", "tat-ca")
        context = {
            "title": _("Hỏi đáp"),
            "tabs": [
                {
                    "label": label,
                    "url": f"?nhom={key}",
                    "count": counts.get(key.replace("-", "_")),
                    "is_chosen": key == chosen,
                }
                for key, (label, _condition) in tabs.items()
            ],
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})
