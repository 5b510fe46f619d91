"""The cash desk (quầy thu tiền): cash for any dossier of the desk, and the close of the day."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from dossiers import officials, results, workflow
from dossiers.models import Dossier
from payments import counterfees, desk, deskfinding
from payments.deskforms import CloseForm, TypedFees
from payments.models import CashClose, CashMovement, Payment
from payments.money import format_dong, signed
from procedures.models import Agency, Posting
from procedures.postings import at_or_below, held

Role = Posting.Role
CASHIERS = frozenset({Role.CASHIER})
_LONGEST_SUM = 18


def desks(request: HttpRequest) -> frozenset[int]:
    """The desks at which the sender of a request takes cash."""
    return at_or_below(agency for role, agency in held(request) if role == Role.CASHIER)


# --- Taking cash ----------------------------------------------------------------------


@officials.page(
    "quay-thu-tien/", name="cash_desk", roles=CASHIERS, label=gettext_lazy("Quầy thu tiền")
)
@require_http_methods(["GET", "POST"])
def cash_desk(request: HttpRequest) -> HttpResponse:
    """Find a dossier, see what is owed for it, and take the cash with one press."""
    if request.method == "POST":
        return _take(request)
    return _show(request, request.GET.get("q", "").strip())


def _show(
    request: HttpRequest, text: str, *, typed: TypedFees | None = None, status: int = 200
) -> HttpResponse:
    found, remark = deskfinding.find(text, desks(request)) if text else ([], "")
    rows = [_row(dossier, typed) for dossier in found]
    context = {
        **officials.frame(request, _("Quầy thu tiền")),
        "text": text,
        "rows": sorted(rows, key=lambda row: row["awaited"] is None and row["typed"] is None),
        "remark": remark,
        "drawers": _drawers(request),
        "has_desk": bool(desks(request)),
    }
    return render(request, "admin/payments/desk/desk.html", context, status=status)


def _row(dossier: Dossier, typed: TypedFees | None) -> dict[str, Any]:
    awaited = desk.awaited(dossier)
    if typed is None or typed.prefix != str(dossier.pk):
        typed = _typed_form(dossier)
    payments = list(dossier.payments.all())
    return {
        "dossier": dossier,
        "awaited": awaited,
        "expected": awaited.amount if awaited else 0,
        "typed": typed if typed.lines else None,
        "paid": [row for row in payments if row.state == Payment.State.PAID],
    }


def _typed_form(dossier: Dossier, data: Any = None) -> TypedFees:
    lines = [] if dossier.is_final else results.unknown_lines(dossier)
    return TypedFees(lines, data, prefix=str(dossier.pk))


def _drawers(request: HttpRequest) -> list[dict[str, Any]]:
    """What went through this cashier's drawers since their last close, a row for each desk."""
    rows = CashMovement.objects.filter(cashier=request.user, close=None).order_by("agency__name")
    return list(
        rows.values("agency", "agency__name").annotate(
            count=Count("pk"), taken=Sum("payment__amount"), given_back=Sum("refund__amount")
        )
    )


def _take(request: HttpRequest) -> HttpResponse:
    mine = _at_my_desks(request).prefetch_related("revision__fees__channels", "payments")
    dossier = get_object_or_404(mine, code=request.POST.get("code", "")[:60])
    form = _typed_form(dossier, request.POST)
    if not form.is_valid():
        return _show(request, dossier.code, typed=form, status=400)
    try:
        is_new = counterfees.take_cash(
            dossier, by=request.user, expected=_whole(request.POST.get("expected", "")),
            amounts=form.amounts(),
        )  # fmt: skip
    except workflow.Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _taken(dossier) if is_new else _paid_before())
    return redirect(f"{reverse('admin:cash_desk')}?{urlencode({'q': dossier.code})}")


def _at_my_desks(request: HttpRequest) -> QuerySet[Dossier]:
    rows = Dossier.objects.filter(receiving_agency__in=desks(request))
    return rows.exclude(state=Dossier.State.DRAFT)


def _whole(text: str) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) <= _LONGEST_SUM
    return int(text) if is_number else -1


def _taken(dossier: Dossier) -> str:
    payment = dossier.payments.filter(state=Payment.State.PAID).latest("paid_at", "pk")
    return _("Đã thu %(sum)s tiền mặt, xác nhận số %(number)s.") % {
        "sum": format_dong(payment.amount),
        "number": payment.receipt,
    }


def _paid_before() -> str:
    return _("Khoản này đã được nộp trước đó; không thu thêm.")


# --- The close ------------------------------------------------------------------------


@officials.page("quay-thu-tien/chot/<int:agency>/", name="cash_close", roles=CASHIERS)
@require_http_methods(["GET", "POST"])
def cash_close(request: HttpRequest, agency: int) -> HttpResponse:
    """Count one's own drawer at one desk, say why it differs, and close it."""
    office = _desk_of_drawer(request, agency)
    form = CloseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return _close(request, office, form.cleaned_data)
        except desk.NothingToClose as error:
            messages.info(request, str(error))
            return redirect("admin:cash_desk")
        except desk.NotExplained as error:
            form.add_error("note", str(error))
        except desk.NotClosed as error:
            form.add_error(None, str(error))
    drawer = desk.drawer(office, request.user)
    context = {
        **officials.frame(request, _("Chốt quầy thu tiền")),
        "office": office,
        "drawer": drawer,
        "expected": signed(drawer.expected),
        "form": form,
        "closes": CashClose.objects.filter(agency=office, cashier=request.user)[:10],
    }
    return render(
        request, "admin/payments/desk/close.html", context, status=400 if form.errors else 200
    )


def _desk_of_drawer(request: HttpRequest, key: int) -> Agency:
    """A desk of this cashier, today's or one at which they left a drawer open."""
    rows = Agency.objects.select_related("parent")
    if key in desks(request):
        return get_object_or_404(rows, pk=key)
    left = CashMovement.objects.filter(agency=key, cashier=request.user, close=None)
    if not left.exists():
        raise Http404
    return get_object_or_404(rows, pk=key)


def _close(request: HttpRequest, office: Agency, data: dict[str, Any]) -> HttpResponse:
    close, paper = desk.close_drawer(
        office, by=request.user, counted=data["counted"], note=data["note"].strip(),
        mark=request.POST.get("mark", ""),
    )  # fmt: skip
    words = _("Đã chốt quầy lần %(number)d trong ngày: thu %(taken)s, hoàn %(back)s.")
    messages.success(
        request,
        words
        % {
            "number": close.number,
            "taken": format_dong(close.taken),
            "back": format_dong(close.given_back),
        },
    )
    return redirect("admin:office_paper", paper.token)
