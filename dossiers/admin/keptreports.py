"""The official report of a period: looked at, judged, kept with a signature, found again."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from dossiers import officials
from dossiers.models import OfficePaper
from dossiers.reports import figures, links, official, periods
from procedures.models import Agency, Posting
from procedures.postings import at_or_below, offices_of

# Who answers for an office signs what it reports; a supervisor reads alone.
SIGNERS = frozenset({Posting.Role.LEADER, Posting.Role.APPROVER})


class ReportForm(forms.Form):
    """Whose report of which days, and the points that a person gives."""

    agency = forms.ModelChoiceField(
        Agency.objects.none(), label=gettext_lazy("Cơ quan báo cáo"), empty_label=None,
        error_messages={
            "required": gettext_lazy("Hãy chọn cơ quan báo cáo."),
            "invalid_choice": gettext_lazy("Cơ quan này không thuộc phạm vi của ông/bà."),
        },
    )  # fmt: skip
    first = forms.CharField(label=gettext_lazy("Từ ngày"), required=False)
    last = forms.CharField(label=gettext_lazy("Đến hết ngày"), required=False)
    again = forms.BooleanField(
        label=gettext_lazy("Chốt thêm một bản nữa cho kỳ đã chốt"), required=False
    )
    use_required_attribute = False

    def __init__(self, offices: frozenset[int], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["agency"].queryset = Agency.objects.filter(pk__in=offices).order_by("name")
        for name in ("first", "last"):
            self.fields[name].widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        for number in official.JUDGED:
            self.fields[f"points_{number}"] = _points_field(number)
        self.order_fields(["agency", "first", "last", *_names(), "again"])

    def clean(self) -> dict[str, Any]:
        """The period, and that it was not kept before unless wished."""
        cleaned = super().clean()
        first, last = cleaned.get("first", ""), cleaned.get("last", "")
        try:
            cleaned["period"] = periods.read(first or "-", last or "-", "")
        except periods.BadPeriod as error:
            self.add_error("first", str(error))
            return cleaned
        if cleaned.get("agency") and not cleaned.get("again"):
            self._refuse_again(cleaned["agency"], cleaned["period"])
        return cleaned

    def _refuse_again(self, agency: Agency, period: periods.Period) -> None:
        kept = OfficePaper.objects.filter(
            agency=agency, kind=OfficePaper.Kind.REPORT,
            first_day=period.first, last_day=period.last,
        ).first()  # fmt: skip
        if kept:
            self.add_error("again", _(
                "Kỳ này đã chốt (số %(symbol)s). Muốn chốt thêm bản nữa thì đánh dấu ô này."
            ) % {"symbol": kept.facts["symbol"]})  # fmt: skip

    def judged(self) -> dict[int, Decimal]:
        """The points that were given, by the number of the indicator."""
        given = {number: self.cleaned_data[f"points_{number}"] for number in official.JUDGED}
        return {number: points for number, points in given.items() if points is not None}


def _names() -> list[str]:
    return [f"points_{number}" for number in official.JUDGED]


def _points_field(number: int) -> forms.DecimalField:
    return forms.DecimalField(
        label=_("Chỉ số %(number)d: %(name)s")
        % {"number": number, "name": official.NAMES[number]},
        help_text=_("Từ 0 đến 2 điểm; để trống nếu chưa chấm."),
        min_value=0, max_value=2, decimal_places=1, max_digits=2, required=False,
        localize=True,
        error_messages={
            name: _("Điểm là số từ 0 đến 2, nhiều nhất một chữ số sau dấu phẩy.")
            for name in (
                "invalid", "min_value", "max_value",
                "max_decimal_places", "max_digits", "max_whole_digits",
            )
        },
    )  # fmt: skip


@officials.page("bao-cao/da-chot/", name="kept_reports", roles=links.ROLES)
@require_http_methods(["GET", "POST"])
def kept_reports(request: HttpRequest) -> HttpResponse:
    """The reports that were kept, and the form by which another one is."""
    signs_at = _offices_to_sign_for(request)
    if request.method == "POST":
        if not signs_at:
            raise PermissionDenied
        form = ReportForm(signs_at, request.POST)
        if form.is_valid() and (paper := _keep(form, request)):
            return redirect("admin:office_paper", paper.token)
    else:
        form = ReportForm(signs_at, initial=_suggested(request)) if signs_at else None
    context = {
        **officials.frame(request, _("Báo cáo đã chốt")),
        "form": form,
        "reports": _kept(request)[:100],
        "preview": _preview(form),
    }
    status = 400 if request.method == "POST" else 200
    return render(request, "admin/dossiers/reports/kept.html", context, status=status)


def _offices_to_sign_for(request: HttpRequest) -> frozenset[int]:
    if request.user.is_superuser:
        return frozenset()  # who runs the portal answers for no office
    return offices_of(request.user, SIGNERS)


def _keep(form: ReportForm, request: HttpRequest) -> OfficePaper | None:
    try:
        return official.keep(
            form.cleaned_data["agency"], form.cleaned_data["period"],
            judged=form.judged(), by=request.user,
        )  # fmt: skip
    except official.NotYet as error:
        form.add_error(None, str(error))
        return None


def _suggested(request: HttpRequest) -> dict[str, Any]:
    """What the address names, else one's own office and the last period that is over."""
    this = periods.shortcut("", periods.today())
    before = periods.shortcut("", this.first - periods.DAY)
    own = Posting.objects.filter(user=request.user, role__in=SIGNERS).current()
    suggested = {
        "agency": own.order_by("stands_in_for", "pk").values_list("agency", flat=True).first(),
        "first": before.first.isoformat(),
        "last": before.last.isoformat(),
    }
    named = {"agency": "co-quan", "first": "tu", "last": "den"}
    given = {name: request.GET.get(parameter, "")[:20] for name, parameter in named.items()}
    return suggested | {name: value for name, value in given.items() if value}


def _kept(request: HttpRequest) -> Any:
    papers = OfficePaper.objects.filter(kind=OfficePaper.Kind.REPORT)
    if not request.user.is_superuser:
        papers = papers.filter(agency__in=offices_of(request.user, links.ROLES))
    return papers.select_related("agency", "created_by").order_by("-created_at", "-pk")


def _preview(form: ReportForm | None) -> dict[str, Any] | None:
    """What would be reported, before it is kept: the form II.06a alone."""
    if form is None:
        return None
    values = form.data if form.is_bound else form.initial
    offices = {str(office.pk): office for office in form.fields["agency"].queryset}
    agency = offices.get(str(values.get("agency")))
    try:
        period = periods.read(values.get("first") or "-", values.get("last") or "-", "")
    except periods.BadPeriod:
        return None
    return _preview_of(agency, period) if agency else None


def _preview_of(agency: Agency, period: periods.Period) -> dict[str, Any]:
    report = figures.read(figures.Scope(at_or_below([agency.pk])), period)
    lines = [(line.name, official.form_row(line.figures)) for line in report.sectors]
    return {
        "agency": agency,
        "period": report.period,
        "lines": [*lines, (_("Tổng số"), official.form_row(report.total))],
        "notes": official.notes(report.total),
    }
