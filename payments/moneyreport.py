"""The month's report of money as a workbook: by way, by fee, by day, and every number.

All sheets are worked out from the same payments, so their totals agree with each other and
with the books. No payer is named: the code of the dossier says whose it was to those who
may know. Amounts are whole đồng and stay numbers.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils.translation import gettext as _

from dossiers.reports import export
from dossiers.reports.periods import Period
from payments.models import BankLine, CashClose, Payment, Receipt, Refund
from procedures.worktime import VIETNAM

MOST = 20_000  # receipts; an office with more takes it week by week
AT_ONCE = 1000

Sheet = tuple[str, Sequence[str], Iterable[Sequence[export.Cell]]]


class TooMuch(Exception):
    """More than one workbook should hold; the message is for the person who asked."""


@dataclass(frozen=True)
class Books:
    """The money of some offices (by key) in some days."""

    offices: frozenset[int]
    period: Period

    def _days(self, column: str) -> Q:
        return Q(**{f"{column}__gte": self.period.begin, f"{column}__lt": self.period.end})

    def paid(self) -> QuerySet[Payment]:
        """The payments that brought money, by the day of their receipts."""
        rows = Payment.objects.filter(self._days("paid_at"), state=Payment.State.PAID)
        return rows.filter(dossier__receiving_agency__in=self.offices)

    def receipts(self) -> QuerySet[Receipt]:
        """Confirmations and counter-entries, in the order of their numbers."""
        rows = Receipt.objects.filter(self._days("issued_at"), agency__in=self.offices)
        return rows.order_by("agency", "series", "year", "number")

    def refunds(self) -> QuerySet[Refund]:
        """The refunds that were done."""
        here = Q(payment__dossier__receiving_agency__in=self.offices)
        rows = Refund.objects.filter(self._days("done_at"), state=Refund.State.DONE)
        return rows.filter(here | Q(bank_line__agency__in=self.offices)).order_by("done_at", "pk")

    def given_back(self) -> QuerySet[Refund]:
        """The refunds of payments. Of a credit that became no payment nothing counts as come,
        so that what went back of it is no less of what came."""
        return self.refunds().exclude(payment=None)

    def closes(self) -> QuerySet[CashClose]:
        """The closes of drawers."""
        rows = CashClose.objects.filter(self._days("closed_at"), agency__in=self.offices)
        return rows.order_by("closed_at", "pk")


def workbook(books: Books) -> bytes:
    """The whole report as XLSX; `TooMuch` where one would not hold it."""
    if books.receipts()[: MOST + 1].count() > MOST:
        raise TooMuch(_("Kỳ này có quá nhiều xác nhận; xin chọn kỳ ngắn hơn hoặc một nơi."))
    return export.xlsx(list(sheets(books)))


def sheets(books: Books) -> Iterator[Sheet]:
    """Each sheet with its headings and rows; every one ends with its total."""
    yield _("Theo cách nộp"), _HEADINGS["ways"](), list(by_way(books))
    yield _("Theo khoản thu"), _HEADINGS["fees"](), list(by_fee(books))
    yield _("Theo ngày"), _HEADINGS["days"](), list(by_day(books))
    yield _("Xác nhận thanh toán"), _HEADINGS["receipts"](), _receipt_rows(books)
    yield _("Hoàn trả"), _HEADINGS["refunds"](), _refund_rows(books)
    yield _("Chốt quầy"), _HEADINGS["closes"](), _close_rows(books)


_HEADINGS = {
    "ways": lambda: [
        _("Cách nộp"), _("Số khoản"), _("Đã thu (đồng)"), _("Đã hoàn (đồng)"),
        _("Còn lại (đồng)"),
    ],
    "fees": lambda: [_("Khoản thu"), _("Mã khoản"), _("Số lần thu"), _("Đã thu (đồng)")],
    "days": lambda: [
        _("Ngày"), _("Số khoản"), _("Đã thu (đồng)"), _("Đã hoàn (đồng)"),
        _("Còn lại (đồng)"),
    ],
    "receipts": lambda: [
        _("Số xác nhận"), _("Mã hồ sơ"), _("Lập lúc"), _("Nội dung thu"), _("Cách nộp"),
        _("Mã giao dịch"), _("Số tiền (đồng)"), _("Người thu"), _("Biên lai"),
        _("Tình trạng"),
    ],
    "refunds": lambda: [
        _("Hoàn lúc"), _("Mã hồ sơ"), _("Lý do"), _("Cách hoàn"), _("Mã giao dịch"),
        _("Số tiền (đồng)"), _("Người đề nghị"), _("Người duyệt"),
    ],
    "closes": lambda: [
        _("Chốt lúc"), _("Thu ngân"), _("Nơi thu"), _("Lần"), _("Đã thu (đồng)"),
        _("Đã hoàn (đồng)"), _("Đếm được (đồng)"), _("Chênh lệch (đồng)"), _("Giải trình"),
    ],
}  # fmt: skip


# --- Sums -----------------------------------------------------------------------------


def by_way(books: Books) -> Iterator[list[export.Cell]]:
    """Each way of paying: payments, what came, what went back of it, what is left."""
    came = {
        method: (count, total)
        for method, count, total in books.paid()
        .order_by()
        .values_list("method")
        .annotate(count=Count("pk"), total=Sum("amount"))
    }
    back: Counter[str] = Counter()
    for method, total in books.given_back().order_by().values_list("payment__method").annotate(
        total=Sum("amount")
    ):  # fmt: skip
        back[method] += total
    rows = []
    for method, label in Payment.Method.choices:
        count, total = came.get(method, (0, 0))
        if count or back[method]:
            rows.append([str(label), count, total, back[method], total - back[method]])
    yield from _with_total(rows, 4)


def by_fee(books: Books) -> Iterator[list[export.Cell]]:
    """Each fee by its name and key: how often, and how much."""
    counts: Counter[tuple[str, str]] = Counter()
    sums: Counter[tuple[str, str]] = Counter()
    for lines in books.paid().order_by().values_list("lines", flat=True).iterator(AT_ONCE):
        for line in lines:
            fee = line["name"], line["key"]
            counts[fee] += 1
            sums[fee] += line["amount"]
    rows = [[name, key, counts[name, key], sums[name, key]] for name, key in sorted(counts)]
    yield from _with_total(rows, 2, words=2)


def by_day(books: Books) -> Iterator[list[export.Cell]]:
    """Each day on the offices' clock: payments, what came, what went back."""
    came: dict[datetime.date, tuple[int, int]] = {
        day: (count, total)
        for day, count, total in books.paid()
        .order_by()
        .values_list(TruncDate("paid_at", tzinfo=VIETNAM))
        .annotate(count=Count("pk"), total=Sum("amount"))
    }
    back = dict(
        books.given_back()
        .order_by()
        .values_list(TruncDate("done_at", tzinfo=VIETNAM))
        .annotate(total=Sum("amount"))
    )
    rows = []
    for day in sorted(came.keys() | back.keys()):
        (count, total), gone = came.get(day, (0, 0)), back.get(day, 0)
        rows.append([day, count, total, gone, total - gone])
    yield from _with_total(rows, 4)


def _with_total(
    rows: list[list[Any]], numbers: int, *, words: int = 1
) -> Iterator[list[export.Cell]]:
    """The rows, and a last one with the sums of their `numbers` last columns."""
    yield from rows
    sums = [sum(row[words + at] for row in rows) for at in range(numbers)]
    yield [_("Cộng"), *[""] * (words - 1), *sums]


# --- Lists ----------------------------------------------------------------------------


def _receipt_rows(books: Books) -> Iterator[list[export.Cell]]:
    rows = books.receipts().select_related(
        "payment__dossier", "payment__legal_receipt", "received_by", "cancelled_by",
        "cancels__payment__dossier",
    )  # fmt: skip
    total = 0
    for receipt in rows.iterator(AT_ONCE):
        row = _receipt_row(receipt)
        total += row[6]
        yield row
    yield [_("Cộng"), "", "", "", "", "", total, "", "", ""]


def _receipt_row(receipt: Receipt) -> list[Any]:
    """A confirmation with its amount; a counter-entry takes that of the other away again."""
    is_entry = receipt.cancels_id is not None
    payment = receipt.cancels.payment if is_entry else receipt.payment
    names = "; ".join(line["name"] for line in payment.lines)
    by = receipt.received_by.get_full_name() if receipt.received_by else ""
    return [
        f"{receipt.series}-{receipt.year}/{receipt.number:07d}",
        payment.dossier.code,
        receipt.issued_at,
        names,
        payment.get_method_display(),
        payment.transaction,
        -payment.amount if is_entry else payment.amount,
        by,
        "" if is_entry else _legal(payment),
        _standing(receipt),
    ]


def _legal(payment: Payment) -> str:
    legal = getattr(payment, "legal_receipt", None)
    if legal is None:
        return ""
    return f"{legal.sign} {legal.number}".strip() or legal.get_state_display()


def _standing(receipt: Receipt) -> str:
    if receipt.cancels_id:
        return _("Bút toán hủy số %(number)s") % {"number": receipt.cancels}
    if entry := getattr(receipt, "cancelled_by", None):
        return _("Đã hủy bởi số %(number)s") % {"number": entry}
    return _("Có hiệu lực")


def _refund_rows(books: Books) -> Iterator[list[export.Cell]]:
    rows = books.refunds().select_related(
        "payment__dossier", "bank_line", "proposed_by", "decided_by"
    )
    total = of_payments = 0
    for refund in rows.iterator(AT_ONCE):
        total += refund.amount
        of_payments += refund.amount if refund.payment_id else 0
        yield [
            refund.done_at, _of_what(refund.payment, refund.bank_line), refund.reason,
            refund.get_way_display(), refund.transaction, refund.amount,
            refund.proposed_by.get_full_name(),
            refund.decided_by.get_full_name() if refund.decided_by else "",
        ]  # fmt: skip
    if of_payments != total:
        yield [_("Trong đó hoàn các khoản đã thu"), "", "", "", "", of_payments, "", ""]
    yield [_("Cộng"), "", "", "", "", total, "", ""]


def _of_what(payment: Payment | None, line: BankLine | None) -> str:
    if payment:
        return payment.dossier.code
    return _("Khoản chuyển đến %(number)s") % {"number": line}


def _close_rows(books: Books) -> Iterator[list[export.Cell]]:
    taken = back = counted = 0
    for close in books.closes().select_related("cashier", "agency").iterator(AT_ONCE):
        taken, back = taken + close.taken, back + close.given_back
        counted += close.counted
        yield [
            close.closed_at, close.cashier.get_full_name(), close.agency.name, close.number,
            close.taken, close.given_back, close.counted, close.difference, close.note,
        ]  # fmt: skip
    yield [_("Cộng"), "", "", "", taken, back, counted, counted - taken + back, ""]
