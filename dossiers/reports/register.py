"""The register of an office (sổ theo dõi hồ sơ, Mẫu 06 of Circular 01/2018): read and printed.

Its lines are `RegisterEntry`; a line is made when a dossier is accepted. A span of days is
printed as an `OfficePaper`, and printed again it is the same file.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, TypedDict

from django.db.models import Max, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import officepapers, papers
from dossiers.facts import Head
from dossiers.models import (
    Collection,
    Dossier,
    Event,
    Note,
    OfficePaper,
    Parcel,
    ParcelEvent,
    RegisterEntry,
)
from dossiers.reports.periods import Period
from procedures.models import Agency
from procedures.text import in_vietnamese

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.auth.base_user import AbstractBaseUser as User

MOST_LINES = 1000


class Line(TypedDict):
    """One line: the columns of Mẫu 06 (DOMAIN.md 1.3); moments are written out, "" for none yet.

    `code_parts` is the code once more, in pieces between which a line may end.
    """

    number: int
    code: str
    code_parts: list[str]
    procedure: str
    sets: int
    applicant: str
    contact: str
    handling_office: str
    accepted_at: str
    promised_at: str
    handed_on_at: str
    completed_at: str
    returned_at: str
    delivery: str
    collector: str
    note: str


class RegisterFacts(Head):
    """`register.html`: a span of the register; `book` is the volume, `lines` its lines."""

    book: str
    year: int
    first_day: str
    last_day: str
    lines: list[Line]


class NothingToPrint(Exception):
    """The span cannot be printed; the message is for the person who asked."""


def entries(agency: Agency, year: int) -> QuerySet[RegisterEntry]:
    """The lines of one office and year, with what they show, in the order of their numbers."""
    return (
        RegisterEntry.objects.filter(agency=agency, year=year)
        .select_related("dossier__revision", "dossier__owner", "dossier__handling_agency")
        .defer("dossier__revision__definition")
        .order_by("number")
    )


def within(rows: QuerySet[RegisterEntry], period: Period) -> QuerySet[RegisterEntry]:
    """Those that were entered in a period."""
    return rows.filter(entered_at__gte=period.begin, entered_at__lt=period.end)


def years(agencies: Iterable[int]) -> list[int]:
    """The years of which these offices have a register, the latest first."""
    rows = RegisterEntry.objects.filter(agency__in=agencies).order_by("-year")
    return list(rows.values_list("year", flat=True).distinct())


@in_vietnamese
def ask_to_print(agency: Agency, period: Period, *, by: User) -> OfficePaper:
    """Have the lines of a period printed. Raises `NothingToPrint`."""
    if period.first.year != period.last.year:
        raise NothingToPrint(_("Sổ mở theo năm; hãy chọn hai ngày trong cùng một năm."))
    rows = list(within(entries(agency, period.first.year), period)[: MOST_LINES + 1])
    if not rows:
        raise NothingToPrint(_("Trong những ngày này sổ chưa có dòng nào."))
    if len(rows) > MOST_LINES:
        raise NothingToPrint(
            _("Những ngày này có trên %(most)d dòng; hãy in từng khoảng ngắn hơn.")
            % {"most": MOST_LINES}
        )
    contents: RegisterFacts = {
        **officepapers.head(agency),
        "book": f"01/{period.first.year}",
        "year": period.first.year,
        "first_day": period.first.isoformat(),
        "last_day": period.last.isoformat(),
        "lines": lines(rows),
    }
    return officepapers.ask_for(
        agency, OfficePaper.Kind.REGISTER, contents,
        by=by, first_day=period.first, last_day=period.last,
    )  # fmt: skip


def lines(rows: list[RegisterEntry]) -> list[Line]:
    """The columns of these lines; four queries beside, whatever their number."""
    dossiers = [entry.dossier for entry in rows]
    collectors = _collectors(dossiers)
    return [_line(entry, collectors.get(entry.dossier_id, "")) for entry in rows]


def _line(entry: RegisterEntry, collector: str) -> Line:
    dossier = entry.dossier
    person = papers.applicant(dossier)
    contact = "; ".join(filter(None, (person["address"], person["phone"])))
    return {
        "number": entry.number,
        "code": dossier.code,
        "code_parts": _parts(dossier.code),
        "procedure": dossier.revision.short_name,
        "sets": 1,
        "applicant": person["name"],
        "contact": contact,
        "handling_office": dossier.handling_agency.name,
        "accepted_at": _short(dossier.accepted_at),
        "promised_at": _short(dossier.promised_at),
        "handed_on_at": _short(dossier.handed_on_at),
        "completed_at": _short(dossier.completed_at),
        "returned_at": _short(dossier.returned_at),
        "delivery": dossier.get_delivery_display() if dossier.returned_at else "",
        "collector": collector,
        "note": _note(dossier),
    }


def _parts(code: str) -> list[str]:
    """Where a code may be broken: after the office, before the day and the number."""
    office, dash, rest = code.partition("-")
    return [f"{office}{dash}", rest]


def _short(moment: datetime.datetime | None) -> str:
    return f"{timezone.localtime(moment):%d/%m/%Y %H:%M}" if moment else ""


def _note(dossier: Dossier) -> str:
    """What became of it otherwise, and that it was entered later."""
    ends = (Dossier.State.REFUSED, Dossier.State.STOPPED, Dossier.State.WITHDRAWN)
    words = [dossier.get_state_display()] if dossier.state in ends else []
    if dossier.is_entered_late:
        words.append(_("nhập bù"))
    return "; ".join(words)


def _collectors(dossiers: list[Dossier]) -> dict[int, str]:
    """Who has the result: who came to the desk, or who received the parcel.

    Of those handed over before either was written down, by the words of the hand-over.
    """
    returned = [dossier.pk for dossier in dossiers if dossier.returned_at]
    return _by_words(returned) | _by_post(returned) | _at_desk(returned)


def _at_desk(returned: list[int]) -> dict[int, str]:
    rows = Collection.objects.filter(dossier__in=returned, collected_at__isnull=False)
    return {
        row.dossier_id: row.collector_name
        if row.collector != Collection.Collector.AUTHORISED
        else _("%(name)s (nhận thay)") % {"name": row.collector_name}
        for row in rows
    }


def _by_post(returned: list[int]) -> dict[int, str]:
    delivered = Parcel.State.DELIVERED
    rows = ParcelEvent.objects.filter(
        parcel__dossier__in=returned, parcel__state=delivered, state=delivered
    )
    return {
        dossier: _("bưu gửi %(number)s%(who)s")
        % {"number": number, "who": f": {note}" if note else ""}
        for dossier, number, note in rows.order_by("at").values_list(
            "parcel__dossier", "parcel__tracking_number", "note"
        )
    }


def _by_words(returned: list[int]) -> dict[int, str]:
    events = Event.objects.filter(dossier__in=returned, name="hand_over")
    latest = events.order_by().values("dossier").annotate(last=Max("pk"))
    notes = Note.objects.filter(event__in=[row["last"] for row in latest])
    return dict(notes.values_list("event__dossier", "text"))
