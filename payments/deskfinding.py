"""Finding at the cash desk the dossier for which somebody pays.

By its code or a part of it, by a name, a number or a telephone, by what a scanner reads from
one of our papers or from a citizen's card, or by the reference of a transfer.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from dossiers import searching
from dossiers.counter import cardqr
from dossiers.models import Dossier, Paper, Result
from payments.models import is_reference
from procedures.models import Agency

SHOWN = 20
LONGEST = 300
_CHECK_ADDRESS = re.compile(r"/xac-thuc/([\w-]{10,60})/?", re.ASCII)
_MEMO = "MC"


def find(text: str, desks: Collection[int]) -> tuple[list[Dossier], str]:
    """The newest `SHOWN` filed dossiers of these desks that `text` means, with what is owed
    for them, and a remark ("" for none) where not all that fit are there."""
    rows = Dossier.objects.filter(receiving_agency__in=desks).exclude(state=Dossier.State.DRAFT)
    try:
        condition = _condition(text.strip()[:LONGEST], desks)
    except searching.TooShort as error:
        return [], str(error)
    found = list(_with_fees(rows.filter(condition)).order_by("-submitted_at", "-pk")[: SHOWN + 1])
    if len(found) > SHOWN:
        remark = _("Nhiều hồ sơ khớp; dưới đây là %(count)d hồ sơ mới nhất. Xin gõ thêm.")
        return found[:SHOWN], remark % {"count": SHOWN}
    return found, ""


def _with_fees(rows: QuerySet[Dossier]) -> QuerySet[Dossier]:
    return (
        rows.select_related("revision__procedure", "owner", "receiving_agency", "handling_agency")
        .defer("revision__definition", "revision__summary", "draft_result")
        .prefetch_related("revision__fees__channels", "payments__receipt")
    )


def _condition(text: str, desks: Collection[int]) -> Q:
    scanned = _scanned(text)
    if scanned is not None:
        return scanned
    if cardqr.looks_like_one(text):
        text = text.split("|")[0]
    by_code = searching.by_code(text, Agency.objects.filter(pk__in=desks))
    if by_code is not None:
        return by_code
    beginning = searching.prefix(text)
    terms = searching.with_term(beginning)
    if not searching.is_common(beginning):
        return Q(pk__in=terms.values("dossier"))
    # Most dossiers have this word: who pays today is nearly always among the newest.
    newest = Dossier.objects.filter(receiving_agency__in=desks).order_by("-submitted_at", "-pk")
    keys = list(newest.values_list("pk", flat=True)[: searching.NEWEST])
    return Q(pk__in=list(terms.filter(dossier__in=keys).values_list("dossier", flat=True)))


def _scanned(text: str) -> Q | None:
    """The dossier of a paper whose QR code was scanned, or of a transfer's reference."""
    if match := _CHECK_ADDRESS.search(text):
        papers = Paper.objects.filter(token=match[1]).values("dossier")
        results = Result.objects.filter(token=match[1]).values("dossier")
        return Q(pk__in=papers) | Q(pk__in=results)
    reference = text.upper().removeprefix(_MEMO)
    return Q(payments__reference=reference) if is_reference(reference) else None
