"""Money that goes back (hoàn trả): what waits for whom, the proposal, and the second person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from dossiers import officials, workflow
from payments import refunds
from payments.models import BankLine, Payment, Refund
from payments.money import in_words
from payments.refundforms import CommentForm, GivenUpForm, ProposalForm, TransferForm
from procedures.models import Posting
from procedures.postings import offices, roles

Role, State, Way = Posting.Role, Refund.State, Refund.Way
SEES = frozenset({Role.CASHIER, Role.LEADER, Role.APPROVER, Role.SUPERVISOR})
PER_PAGE = 50
MOST_LINES = 50

_TABS = {
    "lap": gettext_lazy("Cần lập đề nghị"),
    "duyet": gettext_lazy("Chờ duyệt"),
    "hoan": gettext_lazy("Đã duyệt, chờ hoàn"),
    "xong": gettext_lazy("Đã kết thúc"),
}
_STATES = {
    "duyet": [State.PROPOSED],
    "hoan": [State.APPROVED, State.SENT],
    "xong": [State.DONE, State.REJECTED, State.FAILED],
}


# --- What waits -----------------------------------------------------------------------


def to_propose(request: HttpRequest) -> QuerySet[Payment]:
    """The payments of one's offices of which money should go back and nobody proposed it."""
    here = Q(dossier__receiving_agency__in=offices(request))
    handled = Q(dossier__handling_agency__in=offices(request))
    is_open = Refund.objects.filter(payment=OuterRef("pk"), state__in=Refund.OPEN)
    rows = Payment.objects.filter(here | handled, needs_refund=True).exclude(Exists(is_open))
    return rows.select_related("dossier").order_by("paid_at", "pk")


def lines_to_propose(request: HttpRequest) -> QuerySet[BankLine]:
    """The bank credits of one's offices with something to give back that nobody proposed."""
    counted = Sum("refunds__amount", filter=Q(refunds__state__in=Refund.COUNTED))
    whole = Q(state=BankLine.State.TO_RETURN, back__lt=F("amount"))
    rest = Q(excess__gt=0, back__lt=F("excess")) & ~Q(state=BankLine.State.TO_RETURN)
    is_open = Refund.objects.filter(bank_line=OuterRef("pk"), state__in=Refund.OPEN)
    rows = BankLine.objects.filter(
        Q(state=BankLine.State.TO_RETURN) | Q(excess__gt=0), agency__in=offices(request)
    )
    rows = rows.annotate(back=Coalesce(counted, 0)).filter(whole | rest).exclude(Exists(is_open))
    return rows.select_related("payment__dossier").order_by("booked_at", "pk")


def proposed(request: HttpRequest) -> QuerySet[Refund]:
    """The refunds of one's offices."""
    rows = Refund.objects.filter(refunds.of_offices(offices(request)))
    return rows.select_related(
        "payment__dossier", "bank_line__payment__dossier", "proposed_by", "decided_by", "done_by"
    )


def waiting_for(request: HttpRequest) -> int:
    """How much waits for this very person, for the menu: one or two statements."""
    count, held = 0, roles(request)
    waits = Q()
    if held & refunds.DECIDES:
        waits |= Q(state=State.PROPOSED) & ~Q(proposed_by=request.user)
    if held & refunds.PROPOSES:
        waits |= Q(state=State.APPROVED) & ~Q(way=Way.GATEWAY)
        count = to_propose(request).count()
    if waits:
        count += Refund.objects.filter(refunds.of_offices(offices(request)), waits).count()
    return count


@officials.page(
    "hoan-tra/", name="refunds", roles=SEES, label=gettext_lazy("Hoàn trả"), count=waiting_for
)
@require_safe
def refund_list(request: HttpRequest) -> HttpResponse:
    """What is to be proposed, to be agreed to, to be carried out, and what has ended."""
    chosen = request.GET.get("xem", "")
    if chosen not in _TABS:
        chosen = "lap" if roles(request) & refunds.PROPOSES else "duyet"
    if chosen == "lap":
        rows, lines = to_propose(request), list(lines_to_propose(request)[:MOST_LINES])
    else:
        order = "-proposed_at" if chosen == "xong" else "proposed_at"
        rows, lines = proposed(request).filter(state__in=_STATES[chosen]).order_by(order, "pk"), []
    context = {
        **officials.frame(request, _("Hoàn trả")),
        "chosen": chosen,
        "tabs": _tabs(chosen),
        "tabs_label": _("Các bước hoàn trả"),
        "page": Paginator(rows, PER_PAGE).get_page(request.GET.get("trang")),
        "lines": lines,
        "may_propose": bool(roles(request) & refunds.PROPOSES),
    }
    return render(request, "admin/payments/refunds/list.html", context)


def _tabs(chosen: str) -> list[dict[str, Any]]:
    base = reverse("admin:refunds")
    return [
        {"label": label, "url": f"{base}?xem={key}", "is_chosen": key == chosen, "count": None}
        for key, label in _TABS.items()
    ]


# --- The first person -----------------------------------------------------------------


@officials.page("hoan-tra/lap/<slug:reference>/", name="refund_propose", roles=refunds.PROPOSES)
@require_http_methods(["GET", "HEAD", "POST"])
def propose(request: HttpRequest, reference: str) -> HttpResponse:
    """Propose that money of a payment goes back."""
    return _propose(request, get_object_or_404(to_propose(request), reference=reference))


@officials.page("hoan-tra/lap-khoan/<int:pk>/", name="refund_propose_line", roles=refunds.PROPOSES)
@require_http_methods(["GET", "HEAD", "POST"])
def propose_line(request: HttpRequest, pk: int) -> HttpResponse:
    """Propose that a bank credit, or what is too much of it, goes back."""
    return _propose(request, get_object_or_404(lines_to_propose(request), pk=pk))


def _propose(request: HttpRequest, money: Payment | BankLine) -> HttpResponse:
    is_payment = isinstance(money, Payment)
    left = refunds.refundable(money) if is_payment else refunds.refundable_of_line(money)
    form = ProposalForm(request.POST or None, money=money, left=left)
    if request.method == "POST" and form.is_valid():
        try:
            refund = refunds.propose(money, by=request.user, **form.cleaned_data)
        except workflow.Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Đã lập đề nghị; lãnh đạo hoặc người duyệt sẽ xem."))
            return redirect("admin:refund", refund.reference)
    context = {
        **officials.frame(request, _("Lập đề nghị hoàn trả")),
        "payment": money if is_payment else None,
        "line": None if is_payment else money,
        "before": money.refunds.select_related("decided_by", "done_by"),
        "left": left,
        "form": form,
    }
    status = 409 if form.is_bound else 200
    return render(request, "admin/payments/refunds/propose.html", context, status=status)


# --- The second person, and the money -------------------------------------------------


@officials.page("hoan-tra/khoan/<slug:reference>/", name="refund", roles=SEES)
@require_http_methods(["GET", "HEAD", "POST"])
def refund_page(request: HttpRequest, reference: str) -> HttpResponse:
    """One refund: all that is known of it, and what this person may do with it."""
    refund = get_object_or_404(proposed(request), reference=reference)
    shown = {name: form() for name, (form, _run) in _ACTIONS.items()}
    status = 200
    if request.method == "POST":
        action = request.POST.get("action", "")
        if action not in _ACTIONS:
            return redirect("admin:refund", reference)
        if words := _act(request, refund, action, shown):
            messages.success(request, words)
            return redirect("admin:refund", reference)
        status = 409
        refund = proposed(request).get(pk=refund.pk)
    context = {
        **officials.frame(request, _("Khoản hoàn trả %(number)s") % {"number": reference}),
        "refund": refund,
        "payment": refund.payment,
        "line": refund.bank_line,
        "dossier": refunds.dossier_of(refund),
        "amount_in_words": in_words(refund.amount),
        "forms": shown,
        "form": next((form for form in shown.values() if form.is_bound), None),
        "may_decide": _is_allowed(refund, request, State.PROPOSED, refunds.check_decider),
        "may_carry_out": refunds.waits_for_a_hand(refund)
        and _is_allowed(refund, request, refund.state, _check_cashier),
        "is_own": refund.proposed_by_id == request.user.pk,
    }
    return render(request, "admin/payments/refunds/refund.html", context, status=status)


def _check_cashier(refund: Refund, by: Any) -> None:
    refunds.check_cashier(refund.payment or refund.bank_line, by)


def _is_allowed(
    refund: Refund, request: HttpRequest, state: str, check: Callable[[Refund, Any], None]
) -> bool:
    if refund.state != state:
        return False
    try:
        check(refund, request.user)
    except workflow.NotAllowed:
        return False
    return True


def _act(request: HttpRequest, refund: Refund, action: str, shown: dict[str, forms.Form]) -> str:
    """Do it and say so; "" where it was refused, which the form then says."""
    form_class, run = _ACTIONS[action]
    form = shown[action] = form_class(request.POST)
    if not form.is_valid():
        return ""
    try:
        return run(refund, by=request.user, **form.cleaned_data)
    except workflow.Refused as error:
        form.add_error(None, str(error))
        return ""


def _approve(refund: Refund, *, by: Any, comment: str) -> str:
    refunds.decide(refund, by=by, is_approved=True, comment=comment)
    return _("Đã duyệt hoàn trả.")


def _reject(refund: Refund, *, by: Any, comment: str) -> str:
    refunds.decide(refund, by=by, is_approved=False, comment=comment)
    return _("Đã ghi: không duyệt hoàn trả.")


def _pay_out(refund: Refund, *, by: Any) -> str:
    refunds.pay_out(refund, by=by)
    return _("Đã ghi: hoàn tiền mặt cho người nộp.")


def _transferred(refund: Refund, *, by: Any, number: str) -> str:
    refunds.note_transfer(refund, by=by, number=number)
    return _("Đã ghi: tiền đã chuyển khoản.")


def _give_up(refund: Refund, *, by: Any, why: str) -> str:
    refunds.give_up(refund, by=by, why=why)
    return _("Đã ghi: chưa hoàn được; có thể lập đề nghị khác.")


_ACTIONS: dict[str, tuple[type[forms.Form], Callable[..., str]]] = {
    "approve": (CommentForm, _approve),
    "reject": (CommentForm, _reject),
    "pay": (forms.Form, _pay_out),
    "transfer": (TransferForm, _transferred),
    "give_up": (GivenUpForm, _give_up),
}
