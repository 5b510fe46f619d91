"""The reports that offices owe: the form II.06a, and the indicators by which they are judged.

II.06a/VPCP/KSTT is the periodic report (Circular 02/2017 and 01/2020/TT-VPCP; columns as in
DOMAIN.md 1.4). The nine indicators and their points are those of Circular 01/2018/TT-VPCP,
articles 13 to 15: those that the portal's data gives are worked out, the others are for a
person to judge and stay empty until one does. Of the set of Decision 766/QĐ-TTg the portal
gives what it can count and says plainly what it cannot. A report that was kept is never
worked out again.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, TypedDict

from django.db import transaction
from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import officepapers, papers
from dossiers.facts import Head
from dossiers.models import OfficePaper
from dossiers.reports import figures, satisfaction
from dossiers.reports.figures import Figures, Report, Scope
from dossiers.reports.periods import Period
from procedures.models import Agency, Channel, Revision
from procedures.postings import at_or_below
from procedures.text import grouped, in_vietnamese

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

# Online dossiers of all, and procedures online of all: points of indicator 9 (article 13.9).
MUCH_ONLINE, SOME_ONLINE, ENOUGH_PROCEDURES = 30, 15, 20
# From so many points on an office is graded so (article 15.3 b).
GRADES = (
    (Decimal(15), gettext_lazy("xuất sắc")),
    (Decimal(12), gettext_lazy("tốt")),
    (Decimal(9), gettext_lazy("khá")),
    (Decimal(6), gettext_lazy("trung bình")),
    (Decimal(0), gettext_lazy("yếu")),
)
NAMES = {
    1: gettext_lazy("Tổng thời gian giải quyết so với quy định"),
    2: gettext_lazy("Thời gian của từng cơ quan, đơn vị tham gia so với quy định"),
    3: gettext_lazy("Số lần phải liên hệ với nơi tiếp nhận để hoàn thiện hồ sơ"),
    4: gettext_lazy("Số cơ quan, đơn vị phải liên hệ để hoàn thiện hồ sơ"),
    5: gettext_lazy("Tổ chức tiếp nhận, giải quyết, trả kết quả tại Bộ phận Một cửa"),
    6: gettext_lazy("Công khai thủ tục hành chính"),
    7: gettext_lazy("Thái độ của cán bộ, công chức, viên chức"),
    8: gettext_lazy("Tiếp thu, giải trình phản ánh, kiến nghị"),
    9: gettext_lazy("Tiến độ, chất lượng cung cấp dịch vụ công trực tuyến"),
}
# No data of the portal says these: a person gives the points, or nobody does.
JUDGED = (2, 5, 6, 7, 8)


class SectorRow(TypedDict):
    """One line of II.06a: the field, and its eleven numbers as they are printed."""

    name: str
    numbers: list[str]


class Indicator(TypedDict):
    """One indicator: its points ("" where nobody gave any) and where they come from."""

    number: int
    name: str
    points: str
    basis: str


class Countable(TypedDict):
    """One thing that Decision 766 wants counted, and its value in words."""

    group: str
    name: str
    value: str


class ReportFacts(Head):
    """`report.html`: what an office reported for a period, as it was reported.

    `first_day` and `last_day` are ISO days, `points` the sum of the indicators ("" while
    one is missing) and `grade` what it means; `notes` are sentences below the form.
    """

    first_day: str
    last_day: str
    sectors: list[SectorRow]
    total: list[str]
    notes: list[str]
    indicators: list[Indicator]
    points: str
    grade: str
    countables: list[Countable]
    recipients: list[str]
    signer_title: str
    signer: str


class NotYet(Exception):
    """The period cannot be reported now; the message is for the person who asked."""


def check(report: Report) -> None:
    """Raise `NotYet` for a period that is not over, or whose days are not all counted."""
    if report.is_live:
        raise NotYet(_("Kỳ này chưa kết thúc; chỉ chốt báo cáo của kỳ đã qua."))
    if report.days_to_count:
        raise NotYet(_("Số liệu của kỳ đang được tổng hợp; xin chốt lại sau ít phút."))


@transaction.atomic
def keep(agency: Agency, period: Period, *, judged: Mapping[int, Decimal], by: User) -> OfficePaper:
    """Freeze what `agency` reports for a period, to be printed and signed by a task.

    `judged` are the points that a person gives for `JUDGED`. Raises `NotYet`.
    """
    contents = facts(agency, period, judged=judged, by=by)
    return officepapers.ask_for(
        agency, OfficePaper.Kind.REPORT, contents,
        by=by, first_day=period.first, last_day=period.last,
    )  # fmt: skip


@in_vietnamese
def facts(
    agency: Agency, period: Period, *, judged: Mapping[int, Decimal], by: User
) -> ReportFacts:
    """What the report of `agency` and the offices below it says. Raises `NotYet`."""
    scope = Scope(at_or_below([agency.pk]))
    report = figures.read(scope, period)
    check(report)
    online = figures.read(Scope(scope.offices, channel=Channel.Kind.ONLINE), period).total
    given = indicators(report.total, online, agency, judged)
    points = total_points(given)
    return {
        **officepapers.head(agency),
        "first_day": period.first.isoformat(),
        "last_day": period.last.isoformat(),
        "sectors": [
            {"name": line.name, "numbers": form_row(line.figures)} for line in report.sectors
        ],
        "total": form_row(report.total),
        "notes": notes(report.total),
        "indicators": given,
        "points": "" if points is None else _decimal(points),
        "grade": "" if points is None else grade(points),
        "countables": countables(report, scope, agency),
        "recipients": [_("Cơ quan cấp trên (để báo cáo);"), _("Lưu: VT.")],
        "signer_title": papers.signer_title(by, agency),
        "signer": by.get_full_name(),
    }


def form_row(found: Figures) -> list[str]:
    """The eleven numbers of II.06a: taken in, done, and still open."""
    numbers = (
        found.to_handle, found.received_online, found.received_other, found.carried,
        found.done, found.done_early, found.done_on_time, found.done_late,
        found.open, found.open_in_time, found.open_overdue,
    )  # fmt: skip
    return [grouped(number) for number in numbers]


def notes(found: Figures) -> list[str]:
    """What the form has no column for, so that its sums can be followed."""
    return [
        _(
            "Ngoài số đã giải quyết và đang giải quyết: từ chối tiếp nhận %(refused)s, dừng giải "
            "quyết %(stopped)s, công dân rút %(withdrawn)s hồ sơ."
        )
        % {
            "refused": grouped(found.refused),
            "stopped": grouped(found.stopped),
            "withdrawn": grouped(found.withdrawn),
        },
        _(
            "Yêu cầu bổ sung %(supplements)s lượt, trong đó %(further)s lượt là thêm lần nữa; "
            "xin lỗi, hẹn lại %(extended)s hồ sơ."
        )
        % {
            "supplements": grouped(found.supplements),
            "further": grouped(found.further_supplements),
            "extended": grouped(found.extended),
        },
    ]


# --- The nine indicators ----------------------------------------------------------------


def indicators(
    found: Figures, online: Figures, agency: Agency, judged: Mapping[int, Decimal]
) -> list[Indicator]:
    """All nine in their order."""
    computed = {
        1: _of_time(found),
        3: _of_contacts(found),
        4: _of_offices(found),
        9: _of_online(found, online, agency),
    }
    return [
        {"number": number, "name": str(name), **_points(computed.get(number), judged.get(number))}
        for number, name in NAMES.items()
    ]


def _points(computed: tuple[Decimal | None, str] | None, judged: Decimal | None) -> dict[str, str]:
    if computed is not None:
        points, basis = computed
        return {"points": "" if points is None else _decimal(points), "basis": basis}
    if judged is None:
        return {"points": "", "basis": _("Không có số liệu; người đánh giá chưa chấm.")}
    return {"points": _decimal(judged), "basis": _("Do người đánh giá chấm.")}


def _average(points: int, found: Figures) -> Decimal | None:
    """The points of all dossiers over their number, to one decimal (article 15.2 a)."""
    if not found.done:
        return None
    return _rounded(Decimal(points) / found.done)


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.1"), ROUND_HALF_UP)


def _of_time(found: Figures) -> tuple[Decimal | None, str]:
    """2 for each dossier before its time, 1 on time, 0 after it (article 13.1)."""
    basis = _("Trước hạn %(early)s, đúng hạn %(on_time)s, quá hạn %(late)s hồ sơ.") % {
        "early": grouped(found.done_early),
        "on_time": grouped(found.done_on_time),
        "late": grouped(found.done_late),
    }
    return _average(2 * found.done_early + found.done_on_time, found), basis


def _of_contacts(found: Figures) -> tuple[Decimal | None, str]:
    """2 without any contact to complete the dossier, 1 with one, 0 with more (article 13.3)."""
    basis = _(
        "Không phải bổ sung %(never)s, một lần %(once)s, hơn một lần %(more)s hồ sơ; chưa trừ "
        "trường hợp do lỗi của người nộp."
    ) % {
        "never": grouped(_never_asked(found)),
        "once": grouped(found.done_asked_once),
        "more": grouped(found.done_asked_more),
    }
    return _average(2 * _never_asked(found) + found.done_asked_once, found), basis


def _of_offices(found: Figures) -> tuple[Decimal | None, str]:
    """2 without any office to contact, 1 with the one-stop desk alone (article 13.4).

    The portal lets nobody but the desk ask for papers, so no dossier has nought.
    """
    asked = found.done_asked_once + found.done_asked_more
    basis = _("Chỉ phải liên hệ với Bộ phận Một cửa: %(asked)s hồ sơ; còn lại không phải.") % {
        "asked": grouped(asked)
    }
    return _average(2 * _never_asked(found) + asked, found), basis


def _never_asked(found: Figures) -> int:
    return found.done - found.done_asked_once - found.done_asked_more


def _of_online(found: Figures, online: Figures, agency: Agency) -> tuple[Decimal | None, str]:
    """By the shares of procedures and dossiers online, and whether one was late (13.9)."""
    at_level, of_all = _procedures_online(agency)
    procedures = figures.share(at_level, of_all) or 0
    dossiers = figures.share(online.received, found.received)
    late = online.done_late + online.open_overdue
    basis = _(
        "%(procedures)s%% thủ tục ở mức độ 3, 4; %(dossiers)s%% hồ sơ nộp trực tuyến; "
        "%(late)s hồ sơ trực tuyến quá hạn."
    ) % {
        "procedures": _decimal(procedures),
        "dossiers": _decimal(dossiers or 0),
        "late": grouped(late),
    }
    if dossiers is None:
        return None, basis
    if late or not at_level or dossiers < SOME_ONLINE:
        return Decimal(0), basis
    is_much = dossiers >= MUCH_ONLINE and procedures >= ENOUGH_PROCEDURES
    return Decimal(2 if is_much else 1), basis


def _procedures_online(agency: Agency) -> tuple[int, int]:
    """How many procedures of the office's tier are at level 3 or 4, and how many there are."""
    found = Revision.objects.filter(status=Revision.Status.PUBLISHED, tier=agency.tier).aggregate(
        at_level=Count("pk", filter=Q(service_level__gte=3)), of_all=Count("pk")
    )
    return found["at_level"], found["of_all"]


def total_points(given: list[Indicator]) -> Decimal | None:
    """The sum of all nine; None while one has no points."""
    if not all(indicator["points"] for indicator in given):
        return None
    return sum((Decimal(row["points"].replace(",", ".")) for row in given), Decimal(0))


def grade(points: Decimal) -> str:
    """What so many points are called (article 15.3 b)."""
    return str(next(label for least, label in GRADES if points >= least))


def _decimal(value: Decimal | float) -> str:
    """`1,5`; whole numbers without a comma."""
    number = _rounded(Decimal(str(value)))
    return f"{number.normalize():f}".replace(".", ",") if number else "0"


# --- Decision 766 -----------------------------------------------------------------------


def countables(report: Report, scope: Scope, agency: Agency) -> list[Countable]:
    """What the set of indicators of Decision 766/QĐ-TTg wants counted (DOMAIN.md 1.4)."""
    found = report.total
    none = _("không có số liệu")
    progress, online, paying, digital, content = (
        _("Tiến độ, kết quả giải quyết"), _("Cung cấp dịch vụ trực tuyến"),
        _("Thanh toán trực tuyến"), _("Số hóa hồ sơ"), _("Mức độ hài lòng"),
    )  # fmt: skip
    full, partial = _online_services(agency)
    used, paid = _procedures_used(report, scope)
    rows = [
        (progress, _("Hồ sơ đã giải quyết trước và đúng hạn"),
         _of(found.done_early + found.done_on_time, found.done)),
        (progress, _("Hồ sơ đang giải quyết quá hạn"), _of(found.open_overdue, found.open)),
        (progress, _("Hồ sơ trả lại theo yêu cầu của công dân"), grouped(found.withdrawn)),
        (progress, _("Hồ sơ tạm dừng vào cuối kỳ"), none),
        (online, _("Thủ tục cung cấp toàn trình, một phần"),
         _("%(full)s toàn trình, %(partial)s một phần")
         % {"full": grouped(full), "partial": grouped(partial)}),
        (online, _("Thủ tục trực tuyến có phát sinh hồ sơ"), _of(used, full + partial)),
        (online, _("Hồ sơ nộp trực tuyến"), _of(found.received_online, found.received)),
        (paying, _("Thủ tục có phát sinh thanh toán trực tuyến"), grouped(paid)),
        (paying, _("Hồ sơ đã thanh toán trực tuyến trong số hồ sơ có thu phí"),
         _of(found.paid_online, found.with_fee)),
        (digital, _("Hồ sơ đã giải quyết có kết quả điện tử"),
         _of(found.results_online, found.done)),
        (digital, _("Hồ sơ có thành phần được số hóa; có dữ liệu tái sử dụng"), none),
        (content, _("Phản ánh, kiến nghị, khiếu nại đến hạn và đã trả lời đúng hạn"),
         _of_any(*satisfaction.answered_in_time(report.period, scope))),
        (content, _("Đánh giá “Hài lòng” hoặc “Rất hài lòng”"),
         _of_any(*satisfaction.satisfied(report.period, scope))),
    ]  # fmt: skip
    return [{"group": group, "name": name, "value": value} for group, name, value in rows]


def _of(part: int, whole: int) -> str:
    share = figures.share(part, whole)
    if share is None:
        return f"{grouped(part)}/{grouped(whole)}"
    return f"{grouped(part)}/{grouped(whole)} ({_decimal(share)}%)"


def _of_any(part: int, whole: int) -> str:
    """The same; where nobody said anything, there is nothing to say."""
    return _of(part, whole) if whole else _("không có số liệu")


def _online_services(agency: Agency) -> tuple[int, int]:
    found = Revision.objects.filter(status=Revision.Status.PUBLISHED, tier=agency.tier).aggregate(
        full=Count("pk", filter=Q(online=Revision.Online.FULL)),
        partial=Count("pk", filter=Q(online=Revision.Online.PARTIAL)),
    )
    return found["full"], found["partial"]


def _procedures_used(report: Report, scope: Scope) -> tuple[int, int]:
    """How many procedures had online dossiers, and payments online, in the period."""
    found = scope.tallies(figures.tallied(report.period)).aggregate(
        used=Count(
            "procedure", distinct=True, filter=Q(channel=Channel.Kind.ONLINE, received__gt=0)
        ),
        paid=Count("procedure", distinct=True, filter=Q(paid_online__gt=0)),
    )
    return found["used"], found["paid"]
