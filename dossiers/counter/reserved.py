"""Codes for a day without electricity, and dossiers entered afterwards ("nhập bù").

The codes come from the same counter as all others and are printed on a sheet. What was
written on paper meanwhile is entered with its code, its time and the reason, and is marked.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import breaches, officepapers
from dossiers.codes import next_code
from dossiers.models import Breach, OfficePaper, ReservedCode
from dossiers.workflow import Move, Refused
from procedures.models import Agency

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

AT_ONCE = 50  # codes on one sheet
AHEAD = datetime.timedelta(days=7)
# As long as an office still knows what happened on that day.
KEPT = datetime.timedelta(days=30)


@dataclass(frozen=True)
class LateEntry:
    """What the paper says of a dossier that was taken in without the portal, and why."""

    code: str
    at: datetime.datetime
    reason: str


# --- Ahead ----------------------------------------------------------------------------


@transaction.atomic
def reserve(agency: Agency, day: datetime.date, count: int, *, by: User) -> OfficePaper:
    """Take `count` codes of a day for the desk `agency`, and have their sheet printed.

    Today or one of the next seven days, at most fifty at a time. Raises `Refused`.
    """
    today = timezone.localdate()
    if not today <= day <= today + AHEAD:
        raise Refused(_("Chỉ lấy mã dự phòng cho hôm nay hoặc trong 7 ngày tới."))
    if not 1 <= count <= AT_ONCE:
        raise Refused(_("Mỗi lần lấy từ 1 đến %(most)d mã.") % {"most": AT_ONCE})
    noon = timezone.make_aware(datetime.datetime.combine(day, datetime.time(12)))
    codes = [next_code(agency, noon) for _number in range(count)]
    ReservedCode.objects.bulk_create(
        ReservedCode(agency=agency, day=day, code=code, reserved_by=by) for code in codes
    )
    contents = {**officepapers.head(agency), "day": day.isoformat(), "codes": codes,
                "officer": by.get_full_name()}  # fmt: skip
    return officepapers.ask_for(
        agency, OfficePaper.Kind.RESERVED, contents, by=by, first_day=day, last_day=day
    )


def usable(offices: Iterable[int]) -> QuerySet[ReservedCode]:
    """The codes of these desks (keys) that nothing was entered under yet, the latest day first."""
    first, today = timezone.localdate() - KEPT, timezone.localdate()
    free = ReservedCode.objects.filter(agency__in=set(offices), dossier=None)
    return free.filter(day__gte=first, day__lte=today).order_by("-day", "code")


# --- Afterwards -----------------------------------------------------------------------


def take_code(move: Move) -> datetime.datetime:
    """Give the dossier of `move` its code; returns when it was handed in.

    Where `move.details["late"]` is a `LateEntry`, both are those on the paper, and the
    dossier is marked and shown among the breaches; otherwise a new code, and now.
    """
    dossier, late = move.dossier, move.details.get("late")
    if late is None:
        dossier.code = next_code(dossier.receiving_agency, move.now)
        return move.now
    row = _locked(dossier.receiving_agency, late, now=move.now)
    row.dossier = dossier
    row.save(update_fields=["dossier"])
    dossier.code = row.code
    dossier.is_entered_late, dossier.late_entry_reason = True, late.reason
    breaches.note(
        dossier, Breach.Kind.ENTERED_LATE, at=late.at, occasion=row.code, officer=move.by.pk
    )
    return late.at


def _locked(agency: Agency, late: LateEntry, *, now: datetime.datetime) -> ReservedCode:
    """The row of the code, so that of two who enter one sheet only one takes it."""
    free = ReservedCode.objects.select_for_update().filter(agency=agency, dossier=None)
    row = free.filter(code=late.code).first()
    if row is None:
        raise Refused(_("Mã này đã dùng, hoặc không phải mã dự phòng của nơi tiếp nhận này."))
    if late.at > now or timezone.localdate(late.at) != row.day:
        raise Refused(_("Giờ ghi trên giấy phải đúng ngày của mã và không ở tương lai."))
    if row.day < timezone.localdate(now) - KEPT:
        raise Refused(_("Chỉ nhập bù được trong 30 ngày."))
    return row


class LateEntryFields(forms.Form):
    """Three questions of a form that enters a dossier: all answered, or none.

    `offices` are the desks (keys) whose codes may be used. After `is_valid()`,
    `cleaned_data["late"]` is a `LateEntry`, or None for a dossier of now.
    """

    reserved_code = forms.CharField(
        label=gettext_lazy("Mã dự phòng ghi trên giấy"),
        max_length=40,
        required=False,
        help_text=gettext_lazy("Cả mã; trong ngày hôm nay thì chỉ cần số cuối, ví dụ 0012."),
    )
    written_time = forms.TimeField(
        label=gettext_lazy("Giờ ghi trên giấy"),
        required=False,
        input_formats=["%H:%M", "%Hh%M", "%Hg%M", "%H.%M"],
        widget=forms.TextInput({"inputmode": "numeric", "placeholder": "08:30"}),
        error_messages={"invalid": gettext_lazy("Giờ ghi như 08:30.")},
    )
    late_reason = forms.CharField(
        label=gettext_lazy("Lý do nhập bù"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Ví dụ: mất điện từ 7:30 đến 10:00."),
    )
    LATE_FIELDS = ("reserved_code", "written_time", "late_reason")

    def __init__(self, *args: Any, offices: Iterable[int] = (), **options: Any):
        self.offices = offices
        super().__init__(*args, **options)

    def clean(self) -> dict[str, Any]:
        """Bring the three answers together as `late`."""
        cleaned = super().clean() or self.cleaned_data
        cleaned["late"] = None
        if not any(self.data.get(self.add_prefix(name)) for name in self.LATE_FIELDS):
            return cleaned
        for name in self.LATE_FIELDS:
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, _("Nhập bù thì phải ghi mã, giờ và lý do."))
        if not any(name in self.errors for name in self.LATE_FIELDS):
            cleaned["late"] = self._late(cleaned)
        return cleaned

    def _late(self, cleaned: dict[str, Any]) -> LateEntry | None:
        row = self._row(cleaned["reserved_code"])
        if row is None:
            message = _("Không có mã dự phòng nào như vậy còn dùng được trong 30 ngày qua.")
            self.add_error("reserved_code", message)
            return None
        at = timezone.make_aware(datetime.datetime.combine(row.day, cleaned["written_time"]))
        if at > timezone.now():
            self.add_error("written_time", ValidationError(_("Giờ này chưa tới.")))
            return None
        return LateEntry(row.code, at, cleaned["late_reason"])

    def _row(self, typed: str) -> ReservedCode | None:
        code, free = typed.replace(" ", "").upper(), usable(self.offices)
        if code.isdigit():
            return free.filter(day=timezone.localdate(), code__endswith=f"-{code:0>4}").first()
        return free.filter(code=code).first()
