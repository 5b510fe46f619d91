"""The tables of a report: the same columns on the page, in the printed report and in exports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers.reports import links
from dossiers.reports.figures import Figures, Line, Report
from dossiers.reports.periods import Period, month_of


@dataclass(frozen=True)
class Column:
    """One number for each line; `number` is that of its list, "" for an average."""

    name: str
    label: Any
    number: str = ""


def _columns(*pairs: tuple[str, Any]) -> tuple[Column, ...]:
    return tuple(Column(name, label, name) for name, label in pairs)


CARRIED = _columns(("carried", gettext_lazy("Kỳ trước chuyển qua")))
RECEIVED = _columns(
    ("received_online", gettext_lazy("Nhận trực tuyến")),
    ("received_other", gettext_lazy("Nhận trực tiếp, bưu chính")),
)
DONE = _columns(
    ("done_early", gettext_lazy("Xong trước hạn")),
    ("done_on_time", gettext_lazy("Xong đúng hạn")),
    ("done_late", gettext_lazy("Xong quá hạn")),
)
OPEN = _columns(
    ("open_in_time", gettext_lazy("Đang giải quyết, trong hạn")),
    ("open_overdue", gettext_lazy("Đang giải quyết, quá hạn")),
)
REFUSED = _columns(("refused", gettext_lazy("Từ chối tiếp nhận")))
ENDS = _columns(("stopped", gettext_lazy("Dừng")), ("withdrawn", gettext_lazy("Rút")))
ASKED = _columns(
    ("supplements", gettext_lazy("Lượt bổ sung")),
    ("further_supplements", gettext_lazy("Lượt bổ sung thêm")),
)
HANDLING_ASKED = (
    Column("supplements", gettext_lazy("Lượt bổ sung"), "handling_supplements"),
    Column(
        "further_supplements", gettext_lazy("Lượt bổ sung thêm"), "handling_further_supplements"
    ),
)
EXTENDED = _columns(("extended", gettext_lazy("Xin lỗi, hẹn lại")))
ACCEPT_TIME = Column("accept_hours", gettext_lazy("Từ nộp đến tiếp nhận (giờ làm việc)"))
HANDLING_TIME = Column("handling_hours", gettext_lazy("Từ tiếp nhận đến xong (giờ làm việc)"))

FLOW = (
    *RECEIVED, *DONE, *REFUSED, *ENDS, *ASKED, *EXTENDED, ACCEPT_TIME, HANDLING_TIME,
)  # fmt: skip
WHOLE = (*CARRIED, *RECEIVED, *DONE, *OPEN, *FLOW[5:])
OF_OFFICER = (*DONE, *OPEN, *ENDS, *HANDLING_ASKED, *EXTENDED, HANDLING_TIME)


@dataclass
class Cell:
    """A number, and the address of its list ("" for an average or a nought)."""

    value: Any
    url: str


@dataclass
class Row:
    """One line of a table with its cells in the order of the columns."""

    name: str
    cells: list[Cell]


@dataclass
class Table:
    """A table with its words; `name` is that of the lines' first column."""

    title: str
    name: str
    columns: Sequence[Column]
    rows: list[Row]

    def header(self) -> list[str]:
        """The words above the columns."""
        return [self.name, *(str(column.label) for column in self.columns)]

    def values(self) -> list[list[Any]]:
        """The lines without links, for an export."""
        return [[row.name, *(cell.value for cell in row.cells)] for row in self.rows]


def of_report(report: Report, *, office: int | None, sector: int | None) -> list[Table]:
    """All tables of a report; `office` and `sector` are those it is narrowed to."""
    period = Period(report.period.first, report.last)
    common = {"linh_vuc": sector}
    total = [Line(_("Tất cả"), None, report.total)]

    def table(
        title: str,
        name: str,
        columns: Sequence[Column],
        lines: list[Line],
        asks: Callable[[Line], dict[str, Any]],
    ) -> Table:
        rows = [_row(line, columns, period, {"office": office, **common, **asks(line)})
                for line in lines]  # fmt: skip
        return Table(title, name, columns, rows)

    offices = report.offices if len(report.offices) > 1 else []

    return [
        table(_("Tổng cộng"), _("Phạm vi"), WHOLE, total, lambda line: {}),
        table(
            _("Theo cơ quan giải quyết"), _("Cơ quan"), WHOLE, offices,
            lambda line: {"office": line.key},
        ),
        table(
            _("Theo lĩnh vực"), _("Lĩnh vực"), WHOLE, report.sectors,
            lambda line: {"linh_vuc": line.key},
        ),
        table(
            _("Theo cán bộ thụ lý"), _("Cán bộ"), OF_OFFICER, report.officers,
            lambda line: {"can_bo": line.key},
        ),
        table(
            _("Theo tháng"), _("Tháng"), FLOW, report.months,
            lambda line: {"period": _within(line.key, period)},
        ),
    ]  # fmt: skip


def _within(month: Any, period: Period) -> Period:
    whole = month_of(month)
    return Period(max(whole.first, period.first), min(whole.last, period.last))


def _row(line: Line, columns: Sequence[Column], period: Period, asks: dict[str, Any]) -> Row:
    asks = dict(asks)
    period = asks.pop("period", period)
    return Row(line.name, [_cell(line.figures, column, period, asks) for column in columns])


def _cell(figures: Figures, column: Column, period: Period, asks: dict[str, Any]) -> Cell:
    value = getattr(figures, column.name)
    has_list = bool(column.number and value)
    return Cell(value, links.address(column.number, period, **asks) if has_list else "")
