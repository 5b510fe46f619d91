"""Questions to the office: reading what is published, asking, and following one's own."""

from __future__ import annotations

import re

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.core.validators import MinLengthValidator, RegexValidator
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from dossiers import questions, throttling
from dossiers.models import Question, new_key
from procedures.models import Agency, Procedure, Sector
from procedures.worktime import NoCalendar

PAGE_SIZE = 10
_CODE = re.compile(r"HD-[0-9]{6}-[2-9A-Z]{6}")
_KEY = RegexValidator(r"\A[A-Za-z0-9_-]{22}\Z", gettext_lazy("Biểu mẫu đã cũ; xin mở lại trang."))
_SENT = "question_sent"


class OfficeChoice(forms.ModelChoiceField):
    """The offices by their full names."""

    def label_from_instance(self, office: Agency) -> str:
        """As the office is called."""
        return office.name


class AskForm(forms.Form):
    """A question, and how to tell its asker that it is answered."""

    form_key = forms.CharField(widget=forms.HiddenInput, validators=[_KEY])
    agency = OfficeChoice(
        label=gettext_lazy("Gửi đến cơ quan"),
        queryset=Agency.objects.none(),
        empty_label=gettext_lazy("Chọn cơ quan"),
        error_messages={
            "required": gettext_lazy("Hãy chọn cơ quan sẽ trả lời."),
            "invalid_choice": gettext_lazy("Hãy chọn một cơ quan trong danh sách."),
        },
    )
    text = forms.CharField(
        label=gettext_lazy("Câu hỏi của ông/bà"),
        max_length=3000,
        widget=forms.Textarea({"rows": 6}),
        help_text=gettext_lazy(
            "Nói rõ việc đang vướng, tối đa 3.000 ký tự. Xin đừng ghi số định danh, "
            "số tài khoản của mình hay của người khác."
        ),
        validators=[
            MinLengthValidator(15, gettext_lazy("Hãy viết rõ hơn một chút, ít nhất 15 ký tự."))
        ],
        error_messages={
            "required": gettext_lazy("Hãy viết câu hỏi."),
            "max_length": gettext_lazy("Câu hỏi dài quá; xin viết gọn trong 3.000 ký tự."),
        },
    )
    procedure = forms.CharField(
        label=gettext_lazy("Mã thủ tục, nếu hỏi về một thủ tục"),
        max_length=20,
        required=False,
        help_text=gettext_lazy("Ghi trên trang của thủ tục, ví dụ 1.001193."),
        error_messages={"max_length": gettext_lazy("Mã thủ tục không dài như vậy.")},
    )
    name = forms.CharField(
        label=gettext_lazy("Tên để cơ quan xưng hô"),
        max_length=100,
        required=False,
        widget=forms.TextInput({"autocomplete": "name"}),
        error_messages={"max_length": gettext_lazy("Tên dài quá 100 ký tự.")},
    )
    email = forms.EmailField(
        label=gettext_lazy("Thư điện tử"),
        max_length=254,
        required=False,
        widget=forms.EmailInput({"autocomplete": "email"}),
        help_text=gettext_lazy("Có địa chỉ này thì câu trả lời được gửi thẳng đến ông/bà."),
        error_messages={
            "invalid": gettext_lazy("Địa chỉ thư điện tử chưa đúng, ví dụ: ten@example.vn.")
        },
    )
    phone = forms.CharField(
        label=gettext_lazy("Số điện thoại"),
        max_length=15,
        required=False,
        widget=forms.TextInput({"autocomplete": "tel", "inputmode": "tel"}),
        help_text=gettext_lazy("Cơ quan chỉ gọi khi cần hỏi lại cho rõ."),
        validators=[
            RegexValidator(
                r"\A\+?[0-9][0-9 .]{7,13}\Z",
                gettext_lazy("Số điện thoại chưa đúng, ví dụ: 0912345678."),
            )
        ],
        error_messages={"max_length": gettext_lazy("Số điện thoại dài quá 15 ký tự.")},
    )
    # Machines fill it, people do not see it.
    website = forms.CharField(
        label=gettext_lazy("Ô này để trống"),
        required=False,
        widget=forms.TextInput({"autocomplete": "off", "tabindex": "-1"}),
    )

    use_required_attribute = False

    def __init__(self, *args: object, **kwargs: object):
        super().__init__(*args, **kwargs)
        offices = Agency.objects.filter(is_active=True, receives_for=None).order_by("name")
        self.fields["agency"].queryset = offices.distinct()

    def clean_procedure(self) -> Procedure | None:
        """The procedure in force with this code."""
        code = self.cleaned_data["procedure"].strip()
        if not code:
            return None
        found = Procedure.objects.filter(code=code, current__isnull=False)
        procedure = found.select_related("current__sector").first()
        if procedure is None:
            raise forms.ValidationError(
                _("Cổng không có thủ tục mã này; hãy xem lại mã hoặc để trống.")
            )
        return procedure

    def clean_website(self) -> str:
        """Empty, as people leave it."""
        if self.cleaned_data["website"]:
            raise forms.ValidationError(_("Xin để trống ô này rồi gửi lại."))
        return ""

    def details(self) -> dict:
        """What `questions.ask` wants."""
        return {key: value for key, value in self.cleaned_data.items() if key != "website"}


class TrackForm(forms.Form):
    """The code of a question, and its secret."""

    code = forms.CharField(
        label=gettext_lazy("Mã câu hỏi"),
        max_length=30,
        help_text=gettext_lazy("Ví dụ HD-261124-7K3P9Q."),
        error_messages={
            "required": gettext_lazy("Hãy nhập mã câu hỏi."),
            "max_length": gettext_lazy("Mã câu hỏi không dài như vậy."),
        },
    )
    secret = forms.CharField(
        label=gettext_lazy("Mã tra cứu"),
        max_length=12,
        help_text=gettext_lazy("8 ký tự hiện ra lúc gửi câu hỏi, và có trong thư điện tử."),
        error_messages={
            "required": gettext_lazy("Hãy nhập mã tra cứu."),
            "max_length": gettext_lazy("Mã tra cứu chỉ có 8 ký tự."),
        },
    )

    use_required_attribute = False

    def clean_code(self) -> str:
        """The code in capitals, without spaces."""
        code = re.sub(r"\s", "", self.cleaned_data["code"]).upper()
        if not _CODE.fullmatch(code):
            raise forms.ValidationError(_("Mã câu hỏi chưa đúng dạng; hãy xem lại từng ký tự."))
        return code

    def clean_secret(self) -> str:
        """The secret in capitals, without spaces."""
        return re.sub(r"\s", "", self.cleaned_data["secret"]).upper()


@require_safe
def published(request: HttpRequest) -> HttpResponse:
    """Answered questions that others may gain from, by words, field and procedure."""
    query = request.GET.get("q", "").strip()[:200]
    sector, procedure = request.GET.get("linh-vuc", "")[:80], request.GET.get("thu-tuc", "")[:20]
    found = questions.published(query, sector=sector, procedure=procedure)
    context = {
        "query": query,
        "page": Paginator(found, PAGE_SIZE).get_page(request.GET.get("trang")),
        "sectors": _sectors_with_questions(),
        "sector": sector,
        "procedure": procedure,
        "figures": _figures(),
        "answer_within": questions.ANSWER_WITHIN,
    }
    return render(request, "dossiers/questions.html", context)


def _sectors_with_questions() -> list[Sector]:
    asked = Question.objects.exclude(published_at=None).values("sector")
    return list(Sector.objects.filter(pk__in=asked))


def _figures() -> dict[str, int]:
    """How the office keeps to its time, of the questions of this year."""
    now = timezone.now()
    start = timezone.localtime(now).replace(month=1, day=1, hour=0, minute=0, second=0)
    return Question.objects.filter(asked_at__gte=start).aggregate(
        asked=Count("pk"),
        answered=Count("pk", filter=Q(answered_at__isnull=False)),
        late=Count("pk", filter=Q(answered_at=None, due_at__lt=now)),
    )


@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Send a question; the page that follows shows its code and secret, once."""
    form = AskForm(request.POST) if request.method == "POST" else AskForm(initial=_initial(request))
    status = 200
    if form.is_bound and form.is_valid():
        if not throttling.allow(request, "question", per_minute=5):
            form.add_error(None, _("Ông/bà gửi nhiều câu hỏi quá; xin chờ một phút rồi gửi lại."))
            status = 429
        elif question := _asked(request, form):
            request.session[_SENT] = question.pk
            return redirect("dossiers:asked")
    context = {"form": form, "answer_within": questions.ANSWER_WITHIN}
    return render(request, "dossiers/question_ask.html", context, status=status)


def _asked(request: HttpRequest, form: AskForm) -> Question | None:
    owner = request.user if request.user.is_authenticated else None
    try:
        return questions.ask(owner=owner, **form.details())
    except NoCalendar:
        # Nobody may promise a day that the calendar does not know.
        form.add_error(
            None, _("Lúc này cổng chưa nhận được câu hỏi; xin gọi điện hoặc đến cơ quan.")
        )
        return None


def _initial(request: HttpRequest) -> dict[str, object]:
    offices = list(Agency.objects.filter(is_active=True, receives_for=None).distinct()[:2])
    user = request.user
    return {
        "form_key": new_key(),
        "agency": offices[0] if len(offices) == 1 else None,
        "procedure": request.GET.get("thu-tuc", "")[:20],
        "name": user.full_name if user.is_authenticated else "",
        "email": user.email if user.is_authenticated else "",
        "phone": user.phone if user.is_authenticated else "",
    }


@require_safe
def asked(request: HttpRequest) -> HttpResponse:
    """The code and secret of the question just sent; opened again, they are gone."""
    question = Question.objects.for_page().filter(pk=request.session.pop(_SENT, None)).first()
    response = render(request, "dossiers/question_asked.html", {"question": question})
    response.headers["Cache-Control"] = "no-store, private"
    return response


@require_http_methods(["GET", "POST"])
def track(request: HttpRequest) -> HttpResponse:
    """The state and answer of a question, for who has its code and secret.

    By POST, so that neither stays in addresses and logs.
    """
    form = TrackForm(request.POST if request.method == "POST" else None)
    context, status = {"form": form}, 200
    if form.is_bound and form.is_valid():
        if throttling.allow(request, "question-track", per_minute=10):
            context["question"] = _tracked(form)
        else:
            form.add_error(None, _("Ông/bà tra cứu nhiều lần quá; xin chờ một phút rồi thử lại."))
            status = 429
    response = render(request, "dossiers/question_track.html", context, status=status)
    response.headers["Cache-Control"] = "no-store, private"
    return response


def _tracked(form: TrackForm) -> Question | None:
    question = Question.objects.for_page().filter(code=form.cleaned_data["code"]).first()
    # The same words and the same work for a code that is not there and a wrong secret.
    is_right = constant_time_compare(
        form.cleaned_data["secret"], question.secret if question else ""
    )
    if question and is_right:
        return question
    form.add_error(None, _("Không tìm thấy câu hỏi với hai mã này; hãy kiểm tra lại từng ký tự."))
    return None


@login_required
@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """The questions that one asked while logged in."""
    found = Question.objects.of(request.user).for_page()
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("trang"))
    return render(request, "dossiers/questions_mine.html", {"page": page})


@require_safe
def question(request: HttpRequest, code: str) -> HttpResponse:
    """One question: to its asker all of it, to everybody what is published, to others nothing."""
    found = Question.objects.for_page().filter(code=code).first()
    is_own = found is not None and found.owner_id and found.owner_id == request.user.pk
    if found is None or not (is_own or found.published_at):
        raise Http404
    context = {"question": found, "is_own": is_own}
    return render(request, "dossiers/question.html", context)
