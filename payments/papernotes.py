"""What the check page says of a receipt whose money went back."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import papernotes
from dossiers.models import Paper
from payments import receipts
from payments.models import Receipt


@papernotes.register
def cancelled(paper: Paper) -> str | None:
    """That a receipt was cancelled, when, and by which counter-entry."""
    entry = _entry_against(paper) if paper.kind == Paper.Kind.PAYMENT else None
    if entry is None:
        return None
    return _(
        "Xác nhận thanh toán này đã bị hủy ngày %(day)s bởi phiếu %(series)s số %(number)s: "
        "tiền đã được hoàn trả."
    ) % {
        "day": f"{timezone.localtime(entry.issued_at):%d/%m/%Y}",
        "series": receipts.series_of(entry),
        "number": receipts.number_of(entry),
    }


def _entry_against(paper: Paper) -> Receipt | None:
    """The counter-entry against the receipt that this paper prints."""
    series, _dash, year = paper.facts["series"].rpartition("-")
    return Receipt.objects.filter(
        cancels__payment__dossier=paper.dossier_id,
        cancels__series=series,
        cancels__year=int(year),
        cancels__number=int(paper.facts["number"]),
    ).first()
