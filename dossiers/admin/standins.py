"""Who is away and who stands in: the page on which a leader settles it in a minute."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from dossiers import officials
from procedures import substitution
from procedures.models import Agency, Posting
from procedures.postings import offices_of

_APPOINT = frozenset({Posting.Role.LEADER, Posting.Role.ADMINISTRATOR})


class _Person(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        """By name and address, since two may have the same name."""
        return f"{obj.get_full_name()} ({obj.email or obj.account_number or obj.phone})"


class StandInForm(forms.Form):
    """Who is replaced by whom, and on which days; today alone, unless said otherwise."""

    use_required_attribute = False

    replaced = _Person(None, label=gettext_lazy("Người được thay"))
    substitute = _Person(None, label=gettext_lazy("Người làm thay"))
    first_day = forms.DateField(label=gettext_lazy("Từ ngày"))
    last_day = forms.DateField(label=gettext_lazy("Đến hết ngày"))
    is_absent = forms.BooleanField(
        label=gettext_lazy("Người được thay vắng mặt"),
        required=False,
        initial=True,
        help_text=gettext_lazy(
            "Bỏ dấu nếu người ấy vẫn làm việc, ví dụ có người thân trong hồ sơ."
        ),
    )
    reason = forms.CharField(
        label=gettext_lazy("Lý do (không bắt buộc)"), max_length=120, required=False
    )

    def __init__(self, *args: Any, offices: frozenset[int], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.offices = offices
        people = substitution.people_at(offices)
        for name in ("replaced", "substitute"):
            self.fields[name].queryset = people
            self.fields[name].error_messages["invalid_choice"] = _(
                "Người này không làm việc ở cơ quan của ông/bà."
            )
        for name in ("first_day", "last_day"):
            self.fields[name].initial = timezone.localdate
            self.fields[name].widget = forms.DateInput({"autocomplete": "off"}, "%d/%m/%Y")
            self.fields[name].help_text = _("Ví dụ: 05/02/2026")

    def appoint(self, by: Any) -> bool:
        """Make the substitution; False where it was refused, which the form then says."""
        try:
            made = substitution.appoint(by=by, offices=self.offices, **self.cleaned_data)
        except substitution.Refused as refused:
            self.add_error(None, str(refused))
            return False
        _log(by, made[0], "appoint")
        return True


@officials.page(
    "lam-thay/", name="stand_ins", roles=_APPOINT, label=gettext_lazy("Vắng mặt, làm thay")
)
@require_http_methods(["GET", "HEAD", "POST"])
def stand_ins(request: HttpRequest) -> HttpResponse:
    """Who is away, who stands in, and the form that settles it."""
    offices = _offices(request)
    form = StandInForm(request.POST or None, offices=offices)
    if request.method == "POST" and form.is_valid() and form.appoint(request.user):
        names = {
            "who": form.cleaned_data["substitute"].get_full_name(),
            "whom": form.cleaned_data["replaced"].get_full_name(),
        }
        messages.success(request, _("%(who)s làm thay %(whom)s.") % names)
        return redirect("admin:stand_ins")
    context = {
        **officials.frame(request, _("Vắng mặt, làm thay")),
        "form": form,
        "standing": substitution.standing(offices),
        "away": substitution.away(offices),
    }
    status = 409 if form.is_bound else 200
    return render(request, "admin/dossiers/stand_ins.html", context, status=status)


@officials.page("lam-thay/<int:pk>/ket-thuc/", name="end_stand_in", roles=_APPOINT)
@require_POST
def end_stand_in(request: HttpRequest, pk: int) -> HttpResponse:
    """End a substitution from this moment on."""
    offices = _offices(request)
    given = Posting.objects.exclude(stands_in_for=None).filter(agency__in=offices)
    posting = get_object_or_404(given.select_related("user", "stands_in_for"), pk=pk)
    substitution.end(posting, offices=offices)
    _log(request.user, posting, "end")
    messages.success(request, _("Đã kết thúc việc làm thay."))
    return redirect("admin:stand_ins")


def _offices(request: HttpRequest) -> frozenset[int]:
    """Where this person may appoint: the offices that they lead or administer, and below."""
    if request.user.is_superuser:
        return frozenset(Agency.objects.values_list("pk", flat=True))
    return offices_of(request.user, _APPOINT)


def _log(by: Any, posting: Posting, what: str) -> None:
    LogEntry.objects.create(
        user=by,
        content_type=ContentType.objects.get_for_model(Posting),
        object_id=posting.pk,
        object_repr=str(posting),
        action_flag=CHANGE,
        change_message={
            "appoint": _("cử người làm thay"), "end": _("kết thúc việc làm thay"),
        }[what],
    )  # fmt: skip
