"""Reports for supervisors and leaders: any period, their own offices and those below.

Every number opens its list in the queue; figures and lists can be taken as XLSX and CSV.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from dossiers import officials, queuefilters
from dossiers.admin.queue import viewer_of
from dossiers.models import Dossier
from dossiers.reports import charts, export, figures, links, numbers, periods, tables
from dossiers.reports.periods import Period
from dossiers.tasks import record_looks
from procedures.models import Agency, Sector
from procedures.postings import offices_of

MOST_ROWS = 10_000
# How many ledgers one task writes to.
LOOKS_A_TASK = 500
FORMATS = ("xlsx", "csv")

logger = logging.getLogger(__name__)


@dataclass
class Asked:
    """What a report was asked for; without a period there are complaints, and what was typed."""

    first: str
    last: str
    offices: frozenset[int]
    choices: list[Agency]
    office: int | None = None
    sector: int | None = None
    period: Period | None = None
    complaints: list[str] = field(default_factory=list)

    @property
    def scope(self) -> figures.Scope:
        """The chosen office alone, or all of the person's."""
        chosen = self.offices if self.office is None else frozenset({self.office})
        return figures.Scope(chosen, self.sector)

    def query(self) -> str:
        """The same question as an address."""
        pairs = {
            "tu": self.first, "den": self.last, "co-quan": self.office, "linh-vuc": self.sector,
        }  # fmt: skip
        return urlencode({name: value for name, value in pairs.items() if value})


def offices_to_report(request: HttpRequest) -> list[Agency]:
    """The offices of whose work this person reads reports, by name."""
    rows = Agency.objects.order_by("name", "pk")
    if not request.user.is_superuser:
        rows = rows.filter(pk__in=offices_of(request.user, links.ROLES))
    return list(rows)


def read(request: HttpRequest) -> Asked:
    """The question in the address; what cannot be is left out and said."""
    choices = offices_to_report(request)
    asked = Asked(
        request.GET.get("tu", "").strip()[:20], request.GET.get("den", "").strip()[:20],
        frozenset(office.pk for office in choices), choices,
    )  # fmt: skip
    asked.office = _chosen(request, "co-quan", asked.offices, asked, _("Cơ quan"))
    fields = frozenset(Sector.objects.values_list("pk", flat=True))
    asked.sector = _chosen(request, "linh-vuc", fields, asked, _("Lĩnh vực"))
    try:
        asked.period = periods.read(asked.first, asked.last, request.GET.get("ky", ""))
    except periods.BadPeriod as error:
        asked.complaints.append(str(error))
    else:
        asked.first, asked.last = (f"{day:%Y-%m-%d}" for day in _days(asked.period))
    return asked


def _days(period: Period) -> tuple[Any, Any]:
    return period.first, period.last


def _chosen(
    request: HttpRequest, name: str, allowed: frozenset[int], asked: Asked, label: str
) -> int | None:
    value = request.GET.get(name, "").strip()
    if not value:
        return None
    if value.isascii() and value.isdecimal() and len(value) < 18 and int(value) in allowed:
        return int(value)
    asked.complaints.append(
        _("%(what)s này không thuộc phạm vi của ông/bà nên đã bỏ qua.") % {"what": label}
    )
    return None


@officials.page("bao-cao/", name="reports", roles=links.ROLES, label=gettext_lazy("Báo cáo"))
@require_safe
def reports(request: HttpRequest) -> HttpResponse:
    """The figures of a period with their charts."""
    asked = read(request)
    report = figures.read(asked.scope, asked.period) if asked.period else None
    context = {
        **officials.frame(request, _("Báo cáo")),
        "asked": asked,
        "shortcuts": _shortcuts(asked),
        "sectors": Sector.objects.in_use(),
        "numbers": _lists(asked) if report else [],
        "report": report,
    }
    if report:
        context["tables"] = tables.of_report(report, office=asked.office, sector=asked.sector)
        context["charts"] = charts.of_report(report)
        context["ages"] = _ages(report, asked)
    return render(request, "admin/dossiers/reports/report.html", context)


def _shortcuts(asked: Asked) -> list[dict[str, Any]]:
    today = timezone.localdate()
    chosen = {"co-quan": asked.office, "linh-vuc": asked.sector}
    rest = {name: value for name, value in chosen.items() if value}
    return [
        {
            "label": label,
            "url": f"?{urlencode({'ky': name, **rest})}",
            "is_chosen": asked.period == periods.shortcut(name, today),
        }
        for name, label in periods.SHORTCUTS.items()
    ]


def _lists(asked: Asked) -> list[tuple[str, Any]]:
    """The lists of dossiers that can be taken as a file."""
    return [(name, number.label) for name, number in numbers.NUMBERS.items()]


def _ages(report: figures.Report, asked: Asked) -> list[dict[str, Any]]:
    period = Period(report.period.first, report.last)
    where = {"office": asked.office, "linh_vuc": asked.sector}
    rows = [
        {"label": label, "count": count, "url": links.address(f"{links.AGE}{key}", period, **where)}
        for key, label, count in report.ages
    ]
    if rows:
        late = links.address("open_overdue", period, **where)
        rows.append(
            {"label": _("Trong đó quá hạn"), "count": report.total.open_overdue, "url": late}
        )
    return rows


# --- Files ------------------------------------------------------------------------------


@officials.page("bao-cao/tai/", name="report_export", roles=links.ROLES)
@require_safe
def report_export(request: HttpRequest) -> HttpResponse:
    """The tables of a report as XLSX (a sheet each) or CSV (one below the other)."""
    asked = read(request)
    if asked.period is None or asked.complaints or request.GET.get("dang") not in FORMATS:
        return _no_file(request, asked.complaints)
    report = figures.read(asked.scope, asked.period)
    made = tables.of_report(report, office=asked.office, sector=asked.sector)
    name = f"bao-cao-{asked.first}-{asked.last}"
    if request.GET["dang"] == "csv":
        return _csv(name, [_("Bảng"), *_all_columns(made)], _flat(made))
    sheets = [(table.title, table.header(), table.values()) for table in made]
    if report.ages:
        rows = [[label, count] for _key, label, count in report.ages]
        sheets.append((_("Tuổi hồ sơ"), [_("Số ngày từ khi nộp"), _("Hồ sơ")], rows))
    return _xlsx(name, sheets)


def _all_columns(made: Sequence[tables.Table]) -> list[str]:
    return [_("Dòng"), *(str(column.label) for column in tables.WHOLE)]


def _flat(made: Sequence[tables.Table]) -> list[list[Any]]:
    """Every line of every table under the columns of the whole."""
    rows = []
    for table in made:
        places = {column.name: n for n, column in enumerate(table.columns)}
        for row in table.rows:
            values = [
                row.cells[places[column.name]].value if column.name in places else None
                for column in tables.WHOLE
            ]
            rows.append([table.title, row.name, *values])
    return rows


@officials.page("bao-cao/ho-so/", name="report_dossiers", roles=links.ROLES)
@require_safe
def report_dossiers(request: HttpRequest) -> HttpResponse:
    """The dossiers of any list of the queue as a file: the address is that of the list.

    A number of the report may also be asked for by `so`, with the report's own question.
    """
    chosen = queuefilters.read(_as_list(request), viewer_of(request))
    if chosen.complaints or not chosen.found or request.GET.get("dang") not in FORMATS:
        return _no_file(request, chosen.complaints)
    rows = chosen.dossiers()
    keys = list(rows.order_by().values_list("pk", flat=True)[: MOST_ROWS + 1])
    if len(keys) > MOST_ROWS:
        return _no_file(request, [_too_many()])
    _record(request, chosen, keys)
    dossiers = _in_file(rows)
    name = f"ho-so-{timezone.localdate():%Y-%m-%d}"
    if request.GET["dang"] == "csv":
        return _csv(name, _HEADER, dossiers)
    return _xlsx(name, [(_("Hồ sơ"), _HEADER, dossiers)])


def _as_list(request: HttpRequest) -> dict[str, str]:
    given = request.GET.dict()
    number = given.pop("so", "")
    if not number:
        return given
    asked = read(request)
    if asked.period is None or asked.complaints or number not in numbers.NUMBERS:
        return {}
    value = f"{number}.{asked.first}.{min(asked.period.last, timezone.localdate()):%Y-%m-%d}"
    office = "" if asked.office is None else f".{asked.office}"
    return {links.NAME: f"{value}{office}", "linh-vuc": str(asked.sector or "")}


def _too_many() -> str:
    return _(
        "Danh sách có trên %(most)s hồ sơ nên không tải được một lần; "
        "xin chọn kỳ ngắn hơn hoặc một cơ quan, một lĩnh vực."
    ) % {"most": f"{MOST_ROWS:,}".replace(",", ".")}


_HEADER = [
    gettext_lazy("Mã hồ sơ"), gettext_lazy("Thủ tục"), gettext_lazy("Lĩnh vực"),
    gettext_lazy("Người nộp"), gettext_lazy("Cách nộp"), gettext_lazy("Cơ quan giải quyết"),
    gettext_lazy("Người thụ lý"), gettext_lazy("Trạng thái"), gettext_lazy("Nộp lúc"),
    gettext_lazy("Tiếp nhận lúc"), gettext_lazy("Hẹn trả"), gettext_lazy("Xong lúc"),
    gettext_lazy("So với hạn"), gettext_lazy("Trễ (phút làm việc)"),
]  # fmt: skip


def _in_file(rows: Any) -> Iterator[list[Any]]:
    rows = rows.select_related(
        "revision__sector", "owner", "assignee", "handling_agency"
    ).order_by("submitted_at", "pk").defer("answers", "revision__definition")  # fmt: skip
    for dossier in rows.iterator(chunk_size=1000):
        yield [
            dossier.code, dossier.revision.short_name, dossier.revision.sector.name,
            dossier.applicant_name, dossier.get_channel_display(), dossier.handling_agency.name,
            dossier.assignee.get_full_name() if dossier.assignee else "",
            dossier.get_state_display(), dossier.submitted_at, dossier.accepted_at,
            dossier.promised_at, dossier.ended_at, dossier.get_timing_display(),
            dossier.late_minutes,
        ]  # fmt: skip


@transaction.atomic
def _record(request: HttpRequest, chosen: queuefilters.Chosen, keys: list[int]) -> None:
    """Names of many people leave the portal at once: who took them, when and by which list.

    Each dossier's own ledger is told by tasks: thousands of locks are not for a request.
    """
    LogEntry.objects.create(
        user=request.user,
        content_type=ContentType.objects.get_for_model(Dossier),
        object_repr="",
        action_flag=CHANGE,
        change_message=_("Tải danh sách %(count)d hồ sơ: %(list)s")
        % {"count": len(keys), "list": chosen.query(q=None)},  # never a name
    )
    for start in range(0, len(keys), LOOKS_A_TASK):
        record_looks.enqueue(request.user.pk, keys[start : start + LOOKS_A_TASK], "list")
    logger.info("user %s took a list of %d dossiers", request.user.pk, len(keys))


def _csv(name: str, header: Sequence[Any], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    lines = export.csv_lines([str(word) for word in header], rows)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    return _attached(response, f"{name}.csv")


def _xlsx(name: str, sheets: Sequence[tuple]) -> HttpResponse:
    sheets = [(title, [str(word) for word in header], rows) for title, header, rows in sheets]
    response = HttpResponse(export.xlsx(sheets), content_type=export.XLSX)
    return _attached(response, f"{name}.xlsx")


def _attached(response: HttpResponse, name: str) -> HttpResponse:
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


def _no_file(request: HttpRequest, complaints: Sequence[str]) -> HttpResponse:
    context = {
        **officials.frame(request, _("Không có tệp để tải")),
        "complaints": complaints or [_("Hãy chọn danh sách và loại tệp ở trang báo cáo.")],
    }
    return render(request, "admin/dossiers/reports/no_file.html", context, status=400)
