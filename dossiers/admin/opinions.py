"""Asking for an opinion, the list of those that wait for one's own, and answering."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import ledger, officials, opinions, previews, workflow
from dossiers.admin import checks, viewer
from dossiers.models import Dossier, Opinion
from procedures.models import Posting

_TOO_LONG = gettext_lazy("Nội dung dài quá; xin viết gọn trong 4.000 ký tự.")


class AskForm(forms.Form):
    """Whom to ask, what, and until when: a colleague, or an office outside by a letter."""

    asked_of = forms.ChoiceField(
        label=gettext_lazy("Hỏi cán bộ trong các cơ quan của cổng"),
        required=False,
        error_messages={
            "invalid_choice": gettext_lazy(
                "Người này hiện không làm việc với hồ sơ; xin chọn người khác."
            )
        },
    )
    office = forms.CharField(
        label=gettext_lazy("Hoặc cơ quan khác, hỏi bằng văn bản"),
        required=False,
        max_length=200,
        error_messages={"max_length": gettext_lazy("Tên cơ quan dài quá 200 ký tự.")},
    )
    letter = forms.CharField(
        label=gettext_lazy("Số văn bản hỏi"),
        required=False,
        max_length=60,
        help_text=gettext_lazy("Ví dụ: 123/UBND-VP"),
        error_messages={"max_length": gettext_lazy("Số văn bản dài quá 60 ký tự.")},
    )
    question = forms.CharField(
        label=gettext_lazy("Nội dung hỏi"),
        max_length=opinions.MAX_TEXT,
        widget=forms.Textarea({"rows": 5}),
        error_messages={
            "required": gettext_lazy("Hãy viết nội dung cần hỏi."),
            "max_length": _TOO_LONG,
        },
    )
    days = forms.IntegerField(
        label=gettext_lazy("Trả lời trong (ngày làm việc)"),
        initial=opinions.DAYS,
        min_value=1,
        max_value=opinions.MOST_DAYS,
        widget=forms.TextInput({"inputmode": "numeric"}),
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value", "max_value"),
            gettext_lazy("Thời hạn trả lời từ 1 đến 30 ngày làm việc."),
        ),
    )
    use_required_attribute = False

    def __init__(self, dossier: Dossier, by: Any, data: Any = None):
        super().__init__(data)
        rows = {row.user_id: row for row in opinions.colleagues(dossier, but=by)}
        self.fields["asked_of"].choices = [
            ("", _("Không chọn")),
            *((str(pk), _person(row)) for pk, row in rows.items()),
        ]

    def clean(self) -> dict[str, Any]:
        """One side is asked, and of an office outside the letter is named."""
        cleaned = super().clean()
        person, office = cleaned.get("asked_of"), cleaned.get("office")
        if "asked_of" in self.errors or "office" in self.errors:
            return cleaned
        if bool(person) == bool(office):
            self.add_error("asked_of", _("Hãy chọn một cán bộ, hoặc ghi một cơ quan khác."))
        elif office and not cleaned.get("letter") and "letter" not in self.errors:
            self.add_error("letter", _("Hãy ghi số văn bản đã gửi cơ quan đó."))
        return cleaned


class AnswerForm(forms.Form):
    """The opinion itself."""

    answer = forms.CharField(
        label=gettext_lazy("Ý kiến trả lời"),
        max_length=opinions.MAX_TEXT,
        widget=forms.Textarea({"rows": 6}),
        error_messages={
            "required": gettext_lazy("Hãy viết ý kiến trả lời."),
            "max_length": _TOO_LONG,
        },
    )
    use_required_attribute = False


def _person(posting: Posting) -> str:
    title = posting.title or posting.get_role_display()
    return f"{posting.user.get_full_name()} – {title}, {posting.agency.name}"


class OpinionsPage:
    """What `DossierAdmin` does about opinions: they are asked from the page of the dossier."""

    def ask_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form of a question."""
        dossier = self._get_dossier(request, pk)
        if request.method != "POST" and not opinions.may_ask(
            dossier, workflow.acting_roles(dossier, request.user)
        ):
            messages.error(request, _("Lúc này ông/bà không hỏi ý kiến về hồ sơ này được."))
            return redirect(self._url(dossier))
        data = request.POST if request.method == "POST" else None
        form = AskForm(dossier, request.user, data)
        if form.is_bound and form.is_valid() and _asks(request, dossier, form):
            messages.success(request, _("Đã ghi câu hỏi và thời hạn trả lời."))
            return redirect(f"{self._url(dossier)}#y-kien")
        return self._opinion_form(request, dossier, form, _("Hỏi ý kiến"), _("Gửi câu hỏi"))

    def record_view(self, request: HttpRequest, pk: int, opinion: int) -> HttpResponse:
        """Put down what an office outside answered."""
        dossier = self._get_dossier(request, pk)
        row = get_object_or_404(dossier.opinions.filter(asked_of=None), pk=opinion)
        form = AnswerForm(request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid() and _answers(request, row, form):
            messages.success(request, _("Đã ghi ý kiến của cơ quan được hỏi."))
            return redirect(f"{self._url(dossier)}#y-kien")
        title = _("Ghi ý kiến trả lời")
        return self._opinion_form(request, dossier, form, title, _("Lưu ý kiến"), row)

    def _opinion_form(
        self, request: HttpRequest, dossier: Dossier, form: forms.Form,
        title: str, button: str, opinion: Opinion | None = None,
    ) -> HttpResponse:  # fmt: skip
        context = {
            **officials.frame(request, title),
            "dossier": dossier,
            "form": form,
            "button": button,
            "opinion": opinion,
            "page_url": self._url(dossier),
        }
        status = 409 if form.errors else 200
        return render(request, "admin/dossiers/dossier/opinion_form.html", context, status=status)


def _asks(request: HttpRequest, dossier: Dossier, form: AskForm) -> bool:
    given = form.cleaned_data
    person = None
    if given["asked_of"]:
        person = get_user_model().objects.get(pk=given["asked_of"])
    try:
        opinions.ask(
            dossier, given["question"], by=request.user, days=given["days"],
            asked_of=person, office=given["office"], letter=given["letter"],
        )  # fmt: skip
    except opinions.NotKept as error:
        form.add_error(None, str(error))
        return False
    return True


def _answers(request: HttpRequest, opinion: Opinion, form: AnswerForm) -> bool:
    try:
        opinions.answer(opinion, form.cleaned_data["answer"], by=request.user)
    except opinions.NotKept as error:
        form.add_error(None, str(error))
        return False
    return True


def count_waiting(request: HttpRequest) -> int:
    """How many questions wait for who sends the request."""
    return opinions.waiting_for(request.user).count()


@officials.page(
    "y-kien/",
    name="opinions_waiting",
    roles=frozenset(Posting.Role.values),
    label=gettext_lazy("Ý kiến chờ tôi"),
    count=count_waiting,
)
def waiting_page(request: HttpRequest) -> HttpResponse:
    """The questions that wait for this official, what is due first."""
    now = timezone.now()
    rows = opinions.waiting_for(request.user).select_related(
        "asked_by", "dossier__revision", "dossier__handling_agency"
    )
    context = {
        **officials.frame(request, _("Ý kiến chờ tôi")),
        "rows": [{"opinion": row, "is_late": row.due_at < now} for row in rows[:100]],
    }
    return render(request, "admin/dossiers/opinions.html", context)


@officials.page("y-kien/<int:pk>/", name="opinion", roles=frozenset(Posting.Role.values))
def opinion_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One question with the dossier that it is about; a POST answers it, once."""
    opinion = get_object_or_404(Opinion.objects.filter(asked_of=request.user), pk=pk)
    form = AnswerForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid() and _answers(request, opinion, form):
        messages.success(request, _("Đã gửi ý kiến cho người hỏi. Cảm ơn ông/bà."))
        return redirect("admin:opinions_waiting")
    # Once it is answered, or not needed any more, the dossier is no longer theirs to read.
    dossiers = Dossier.objects.for_officials().select_related("revision__sector")
    dossier = get_object_or_404(dossiers, pk=opinion.dossier_id)
    if not opinions.is_asked(dossier, request.user):
        if form.errors:
            return _too_late(request, form)
        raise Http404
    ledger.record_look(dossier, by=request.user)
    opinion = Opinion.objects.select_related("asked_by").get(pk=pk)
    context = {
        **officials.frame(request, _("Cho ý kiến")),
        "dossier": dossier,
        "opinion": opinion,
        "is_late": opinion.due_at < timezone.now(),
        "form": form,
        "parts": checks.parts(dossier, {}, may_mark=False),
        "viewer": viewer.files(dossier, with_messages=False),
        "most_pages": previews.MAX_PAGES,
    }
    status = 409 if form.errors else 200
    return render(request, "admin/dossiers/opinion.html", context, status=status)


def _too_late(request: HttpRequest, form: AnswerForm) -> HttpResponse:
    """The answer came when it was not asked for any more: what was typed is given back."""
    context = {
        **officials.frame(request, _("Cho ý kiến")),
        "form": form,
        "back": reverse("admin:opinions_waiting"),
    }
    return render(request, "admin/dossiers/opinion_late.html", context, status=409)
