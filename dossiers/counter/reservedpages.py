"""The page of reserved codes: take some for a day, print their sheet, see which are used."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from dossiers import officials, workflow
from dossiers.counter import reserved
from dossiers.models import OfficePaper, ReservedCode
from procedures.models import Agency, Posting
from procedures.postings import offices_of

Role = Posting.Role


class ReserveForm(forms.Form):
    """For which desk and day, and how many."""

    use_required_attribute = False

    agency = forms.ModelChoiceField(
        Agency.objects.none(),
        label=gettext_lazy("Nơi tiếp nhận"),
        empty_label=None,
        error_messages={"required": gettext_lazy("Hãy chọn nơi tiếp nhận.")},
    )
    day = forms.DateField(
        label=gettext_lazy("Cho ngày"),
        input_formats=["%d/%m/%Y", "%Y-%m-%d"],
        widget=forms.DateInput({"inputmode": "numeric"}, format="%d/%m/%Y"),
        help_text=gettext_lazy("Hôm nay hoặc trong 7 ngày tới."),
        error_messages={
            "required": gettext_lazy("Hãy ghi ngày."),
            "invalid": gettext_lazy("Ngày ghi như 05/02/2026."),
        },
    )
    count = forms.IntegerField(
        label=gettext_lazy("Bao nhiêu mã"),
        widget=forms.TextInput({"inputmode": "numeric"}),
        error_messages={
            "required": gettext_lazy("Hãy ghi số mã."),
            "invalid": gettext_lazy("Hãy ghi một số."),
        },
    )

    def __init__(self, data: Any, *, desks: Iterable[int]):
        agencies = Agency.objects.filter(pk__in=set(desks), is_active=True).order_by("name")
        first = {"day": timezone.localdate(), "count": 20, "agency": agencies.first()}
        super().__init__(data, initial=first)
        self.fields["agency"].queryset = agencies


@officials.page(
    "ma-du-phong/",
    name="reserved_codes",
    roles={Role.RECEPTION},
    label=gettext_lazy("Mã dự phòng"),
)
@require_http_methods(["GET", "HEAD", "POST"])
def reserved_codes(request: HttpRequest) -> HttpResponse:
    """Reserve codes; the sheet is printed by a task, and its page says when it is there."""
    desks = offices_of(request.user, {Role.RECEPTION})
    form = ReserveForm(request.POST or None, desks=desks)
    if request.method == "POST" and form.is_valid() and (paper := _reserve(request, form)):
        return redirect("admin:office_paper", paper.token)
    context = {
        **officials.frame(request, _("Mã dự phòng")),
        "form": form,
        "days": _days(desks),
        "kept_days": reserved.KEPT.days,
    }
    return render(request, "admin/dossiers/quick/reserved.html", context)


def _reserve(request: HttpRequest, form: ReserveForm) -> OfficePaper | None:
    given = form.cleaned_data
    try:
        return reserved.reserve(given["agency"], given["day"], given["count"], by=request.user)
    except workflow.Refused as error:
        form.add_error(None, str(error))
        return None


def _days(desks: Iterable[int]) -> list[dict[str, Any]]:
    """The reserved codes of the last weeks and the coming days, by day and desk."""
    first = timezone.localdate() - reserved.KEPT
    rows = ReservedCode.objects.filter(agency__in=set(desks), day__gte=first)
    rows = rows.select_related("agency", "dossier").order_by("-day", "agency_id", "code")
    papers = _sheets(desks, first)
    days = []
    for (day, agency), group in groupby(rows, key=lambda row: (row.day, row.agency)):
        codes = list(group)
        days.append(
            {
                "day": day,
                "agency": agency,
                "codes": codes,
                "free": sum(row.dossier is None for row in codes),
                "sheets": papers.get((day, agency.pk), []),
            }
        )
    return days


def _sheets(
    desks: Iterable[int], first: datetime.date
) -> dict[tuple[datetime.date, int], list[OfficePaper]]:
    found: dict[tuple[datetime.date, int], list[OfficePaper]] = {}
    rows = OfficePaper.objects.filter(
        kind=OfficePaper.Kind.RESERVED, agency__in=set(desks), first_day__gte=first
    )
    for paper in rows.order_by("pk"):
        found.setdefault((paper.first_day, paper.agency_id), []).append(paper)
    return found
