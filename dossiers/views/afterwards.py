"""When it is over: the rating, the complaint, and the public figures of satisfaction."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages as said
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from dossiers import complaints, grounds, ratings, tracking, typed
from dossiers.messageforms import KEY
from dossiers.models import Complaint, Dossier, Rating, new_key
from dossiers.views.files import login_or_secret
from procedures.models import Procedure

_HINTS = {
    "convenience": gettext_lazy("Cổng dễ dùng; trả lời và xử lý dữ liệu nhanh."),
    "timeliness": gettext_lazy("Cơ quan xử lý và trả kết quả đúng hẹn."),
    "attitude": gettext_lazy("Nhiệt tình; cách giao tiếp khi hướng dẫn, xử lý."),
}


class RatingForm(forms.Form):
    """The official questions with their three grades, and words for who watches over the office."""

    words = forms.CharField(
        label=gettext_lazy("Ý kiến của ông/bà"),
        required=False,
        max_length=ratings.MAX_WORDS,
        widget=forms.Textarea({"rows": 4}),
        error_messages={
            "max_length": gettext_lazy("Ý kiến dài quá 2.000 ký tự; xin viết gọn hơn.")
        },
    )

    use_required_attribute = False

    def __init__(self, data: Any = None, *, rating: Rating | None):
        known = rating or Rating()
        super().__init__(data, initial={"words": known.words})
        for name, label in ratings.QUESTIONS.items():
            self.fields[name] = _grade(label, is_required=name == "overall")
            self.initial[name] = getattr(known, name)
        self.order_fields([*ratings.QUESTIONS, "words"])

    @property
    def questions(self) -> list[tuple[forms.BoundField, Any]]:
        """Each question with what it means."""
        return [(self[name], _HINTS.get(name, "")) for name in ratings.QUESTIONS]


def _grade(label: Any, *, is_required: bool) -> forms.TypedChoiceField:
    best_first = list(reversed(Rating.Grade.choices))
    return forms.TypedChoiceField(
        label=label,
        choices=best_first,
        coerce=int,
        empty_value=None,
        required=is_required,
        widget=forms.RadioSelect,
        error_messages={
            "required": gettext_lazy("Hãy chọn một mức hài lòng."),
            "invalid_choice": gettext_lazy("Hãy chọn một trong ba mức."),
        },
    )


@login_or_secret
@require_http_methods(["GET", "HEAD", "POST"])
def rate(request: HttpRequest, code: str) -> HttpResponse:
    """The rating of one's own dossier, by its account or by who has shown its secret."""
    dossier = _own(request, code)
    back = _back(request, dossier)
    rating = ratings.of(dossier)
    if not ratings.is_open(dossier, rating):
        return redirect(back)
    form = RatingForm(request.POST if request.method == "POST" else None, rating=rating)
    if form.is_bound and form.is_valid() and _rates(dossier, form):
        said.success(request, _("Cảm ơn ông/bà đã đánh giá. Ý kiến giúp cơ quan phục vụ tốt hơn."))
        return redirect(back)
    context = {"dossier": dossier, "form": form, "rating": rating, "back": back}
    return render(request, "dossiers/rating.html", context)


def _own(request: HttpRequest, code: str) -> Dossier:
    """The filer's dossier. No official rates for others, whatever slip lies on the desk."""
    filed = Dossier.objects.exclude(state=Dossier.State.DRAFT).select_related("revision")
    dossier = get_object_or_404(filed, code=code)
    if request.user.is_authenticated and dossier.owner_id == request.user.pk:
        return dossier
    if getattr(request.user, "is_staff", False) or not tracking.is_open(request, dossier):
        raise Http404
    return dossier


def _back(request: HttpRequest, dossier: Dossier) -> str:
    if request.user.is_authenticated and dossier.owner_id == request.user.pk:
        return dossier.get_absolute_url()
    return tracking.signed_path(dossier)


def _rates(dossier: Dossier, form: RatingForm) -> bool:
    given = form.cleaned_data
    grades = {name: given[name] for name in ratings.QUESTIONS}
    try:
        ratings.rate(dossier, grades, given["words"])
    except ratings.NotRated as error:
        form.add_error(None, str(error))
        return False
    return True


# --- Complaints -------------------------------------------------------------------------


class ComplaintForm(forms.Form):
    """What is complained of; without the choice of a formal complaint once its time has passed."""

    form_key = forms.CharField(widget=forms.HiddenInput, validators=[KEY])
    kind = forms.ChoiceField(
        label=gettext_lazy("Ông/bà muốn gửi"),
        choices=Complaint.Kind.choices,
        widget=forms.RadioSelect,
        error_messages=dict.fromkeys(
            ("required", "invalid_choice"), gettext_lazy("Hãy chọn một loại.")
        ),
    )
    text = forms.CharField(
        label=gettext_lazy("Nội dung"),
        max_length=complaints.MAX_TEXT,
        widget=forms.Textarea({"rows": 7}),
        error_messages={
            "required": gettext_lazy("Hãy viết nội dung."),
            "max_length": gettext_lazy("Nội dung dài quá; xin viết gọn trong 4.000 ký tự."),
        },
    )

    use_required_attribute = False

    def __init__(self, data: Any = None, *, in_time: bool, typed_before: dict[str, str]):
        super().__init__(data, initial={"form_key": new_key(), **typed_before})
        if not in_time:
            self.fields["kind"].choices = [Complaint.Kind.choices[0]]
            self.initial["kind"] = Complaint.Kind.FEEDBACK


@typed.keeps_typed
@require_http_methods(["GET", "HEAD", "POST"])
def complain(request: HttpRequest, code: str) -> HttpResponse:
    """Complaints about one's own dossier, what became of them, and the form for one more."""
    dossier = _get_own(request, code)
    kept = typed.of(request) or {}
    form = ComplaintForm(
        request.POST if request.method == "POST" else None,
        in_time=complaints.is_in_time(dossier),
        typed_before={name: kept[name] for name in ("kind", "text") if kept.get(name)},
    )
    if form.is_bound and form.is_valid() and (made := _makes(request, dossier, form)):
        typed.forget(request)
        said.success(
            request,
            _("Cơ quan đã nhận. Mã biên nhận: %(code)s.") % {"code": made.code},
        )
        return redirect("dossiers:complaints", code)
    context = {
        "dossier": dossier,
        "form": form,
        "rows": list(dossier.complaints.select_related("answered_by")),
        "until": complaints.complain_until(dossier),
        "in_time": complaints.is_in_time(dossier),
        "appeals": grounds.appeals(dossier),
        "days": {
            "feedback": complaints.FEEDBACK_WITHIN,
            "complain": complaints.COMPLAIN_WITHIN,
            "taken_up": complaints.TAKEN_UP_WITHIN,
            "answered": complaints.ANSWERED_WITHIN,
        },
        "is_unsaved": bool(kept) and not form.is_bound,
    }
    return render(request, "dossiers/complaints.html", context)


def _get_own(request: HttpRequest, code: str) -> Dossier:
    """A filed dossier of this person's; 404 for one in which they only take part."""
    filed = Dossier.objects.exclude(state=Dossier.State.DRAFT).filter(owner=request.user)
    needs = ("revision", "receiving_agency", "handling_agency")
    return get_object_or_404(filed.select_related(*needs), code=code)


def _makes(request: HttpRequest, dossier: Dossier, form: ComplaintForm) -> Complaint | None:
    given = form.cleaned_data
    try:
        return complaints.make(
            dossier, given["kind"], given["text"], by=request.user, form_key=given["form_key"]
        )
    except complaints.NotKept as error:
        form.add_error(None, str(error))
        return None


# --- Figures ----------------------------------------------------------------------------


@require_safe
def satisfaction(request: HttpRequest) -> HttpResponse:
    """How satisfied people were since new year, by office and procedure: figures, never words."""
    rows = ratings.since_new_year()
    code = request.GET.get("thu-tuc", "")[:20]
    procedure = None
    if code:
        procedure = get_object_or_404(Procedure.objects.select_related("current"), code=code)
        rows = rows.filter(dossier__revision__procedure=procedure)
    context = {
        "procedure": procedure,
        "year": timezone.localdate().year,
        "shown_from": ratings.SHOWN_FROM,
        "total": ratings.total(rows),
        "offices": ratings.by_office(rows),
        "procedures": [] if procedure else ratings.by_procedure(rows),
    }
    return render(request, "dossiers/satisfaction.html", context)
