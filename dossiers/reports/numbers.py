"""What each number of a report counts, said once: for the tallies and for the list behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from dossiers.models import Dossier, Event, SupplementRequest, overdue
from dossiers.reports.periods import Period
from procedures.models import Channel

State = Dossier.State
Timing = Dossier.Timing

# Filed, and without a result or an end.
WORKING = (
    State.SUBMITTED, State.ACCEPTED, State.PROCESSING, State.AWAITING_APPROVAL,
    State.AWAITING_CONFIRMATION, State.SUPPLEMENT_REQUIRED, State.PAYMENT_REQUIRED,
)  # fmt: skip
DONE = (State.COMPLETED, State.RETURNED)


def received(period: Period) -> Q:
    """Filed in the period."""
    return Q(submitted_at__gte=period.begin, submitted_at__lt=period.end)


def accepted(period: Period) -> Q:
    """Taken in at reception in the period."""
    return Q(accepted_at__gte=period.begin, accepted_at__lt=period.end)


def ended(period: Period) -> Q:
    """With a result, refused, stopped or withdrawn in the period."""
    return Q(ended_at__gte=period.begin, ended_at__lt=period.end)


def done(period: Period, timing: str = "") -> Q:
    """With a result in the period; one that no time was set for counts as in time."""
    reached = ended(period) & Q(state__in=DONE)
    if timing == Timing.ON_TIME:
        return reached & ~Q(timing__in=(Timing.EARLY, Timing.LATE))
    return reached & Q(timing=timing) if timing else reached


def still_open(before: datetime) -> Q:
    """Filed before a moment and open now."""
    return Q(state__in=WORKING, submitted_at__lt=before)


def ended_since(before: datetime) -> Q:
    """Filed before a moment and ended from it on: open at that moment."""
    return Q(submitted_at__lt=before, ended_at__gte=before)


def was_overdue(before: datetime) -> Q:
    """Of those that ended later: whose time had passed at that moment."""
    return Q(promised_at__lt=before) | Q(accepted_at=None, answer_by__lt=before)


def late_at(before: datetime) -> Q:
    """Open at a moment, and late then."""
    is_open, is_ended = still_open(before), ended_since(before)
    return (is_open & overdue(before)) | (is_ended & was_overdue(before))


def _open_at(period: Period) -> Q:
    return still_open(period.end) | ended_since(period.end)


def _late_at_the_end(period: Period) -> Q:
    """Of a period that is not over yet: late now."""
    return late_at(min(period.end, timezone.now()))


def _supplements(period: Period, **only: Any) -> QuerySet:
    return SupplementRequest.objects.filter(
        asked_at__gte=period.begin, asked_at__lt=period.end, **only
    )


def _new_dates(period: Period) -> QuerySet:
    return Event.objects.filter(name="extend", at__gte=period.begin, at__lt=period.end)


@dataclass(frozen=True)
class Number:
    """One number: its words, and which dossiers it counts (`rows` where one may count twice)."""

    label: Any
    of_dossiers: Callable[[Period], Q] | None = None
    rows: Callable[[Period], QuerySet] | None = None


# Those of an officer; what reception asked for before is nobody's in the figures by officer.
_HANDLING = {"stage": SupplementRequest.Stage.HANDLING}
ONLINE = Q(channel=Channel.Kind.ONLINE)

NUMBERS: dict[str, Number] = {
    "carried": Number(
        _("Kỳ trước chuyển qua"), lambda p: still_open(p.begin) | ended_since(p.begin)
    ),
    "received": Number(_("Nhận trong kỳ"), received),
    "received_online": Number(_("Nhận trực tuyến"), lambda p: received(p) & ONLINE),
    "received_other": Number(_("Nhận trực tiếp và qua bưu chính"), lambda p: received(p) & ~ONLINE),
    "accepted": Number(_("Được tiếp nhận"), accepted),
    "done": Number(_("Đã giải quyết"), done),
    "done_early": Number(_("Giải quyết trước hạn"), lambda p: done(p, Timing.EARLY)),
    "done_on_time": Number(_("Giải quyết đúng hạn"), lambda p: done(p, Timing.ON_TIME)),
    "done_late": Number(_("Giải quyết quá hạn"), lambda p: done(p, Timing.LATE)),
    "open": Number(_("Đang giải quyết"), _open_at),
    "open_in_time": Number(
        _("Đang giải quyết, trong hạn"), lambda p: _open_at(p) & ~_late_at_the_end(p)
    ),
    "open_overdue": Number(_("Đang giải quyết, quá hạn"), _late_at_the_end),
    "refused": Number(_("Từ chối tiếp nhận"), lambda p: ended(p) & Q(state=State.REFUSED)),
    "stopped": Number(_("Dừng giải quyết"), lambda p: ended(p) & Q(state=State.STOPPED)),
    "withdrawn": Number(_("Công dân rút"), lambda p: ended(p) & Q(state=State.WITHDRAWN)),
    "supplements": Number(_("Lượt yêu cầu bổ sung"), rows=_supplements),
    "further_supplements": Number(
        _("Lượt yêu cầu bổ sung thêm"), rows=lambda p: _supplements(p, is_further=True)
    ),
    "handling_supplements": Number(
        _("Lượt yêu cầu bổ sung ở khâu thẩm tra"), rows=lambda p: _supplements(p, **_HANDLING)
    ),
    "handling_further_supplements": Number(
        _("Lượt yêu cầu bổ sung thêm ở khâu thẩm tra"),
        rows=lambda p: _supplements(p, is_further=True, **_HANDLING),
    ),
    "extended": Number(_("Xin lỗi, hẹn lại"), rows=_new_dates),
}  # fmt: skip
