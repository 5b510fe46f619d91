"""Money on the office's bank accounts: statements, what was matched, and what waits.

The cashier uploads and decides; who leads or watches over an office looks. A credit of an
account is seen by all whose offices share it.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from dossiers import officials, workflow
from payments.bank import accounts, deciding, statements, suggesting, uploading
from payments.models import BankLine, BankStatement, Payment, Refund
from procedures.models import Agency, Posting
from procedures.postings import held
from procedures.tables import Unreadable
from procedures.text import normalise

Role = Posting.Role
State = BankLine.State

CASHIERS = frozenset({Role.CASHIER})
SEE = frozenset({Role.CASHIER, Role.LEADER, Role.SUPERVISOR})
PAGE_SIZE = 25
OTHERS_SHOWN = 12
STATEMENTS_SHOWN = 5
SURE = 30  # points of a suggestion: an equal amount alone has fewer

_DONE = Refund.objects.filter(bank_line=OuterRef("pk"), state=Refund.State.DONE)
_GOES_BACK = (Q(state=State.TO_RETURN) | Q(excess__gt=0)) & ~Exists(_DONE)
# The tabs, in the order of the cashier's work.
TABS = (
    ("cho", Q(state=State.WAITING), gettext_lazy("Chờ đối chiếu")),
    ("hoan", _GOES_BACK, gettext_lazy("Cần hoàn trả")),
    ("ghep", Q(state=State.MATCHED), gettext_lazy("Đã ghép")),
    ("khac", Q(state=State.OTHER), gettext_lazy("Khoản thu khác")),
)


def holders(request: HttpRequest, roles: frozenset[str] = SEE) -> list[Agency]:
    """The offices with an account that the sender of a request sees, or works with."""
    if request.user.is_superuser and roles == SEE:
        return list(Agency.objects.filter(bank_account__number__gt=""))
    return accounts.of_offices(agency for role, agency in held(request) if role in roles)


def lines_of(request: HttpRequest) -> QuerySet[BankLine]:
    """The credits that the sender of a request sees."""
    return BankLine.objects.filter(agency__in=holders(request))


def count_waiting(request: HttpRequest) -> int:
    """How many credits wait on the accounts that this person works with."""
    mine = holders(request, CASHIERS)
    return BankLine.objects.filter(agency__in=mine, state=State.WAITING).count() if mine else 0


class StatementForm(forms.Form):
    """A statement file, and the account that it is of."""

    account = forms.ModelChoiceField(
        Agency.objects.none(), label=gettext_lazy("Tài khoản"), empty_label=None
    )
    file = forms.FileField(
        label=gettext_lazy("Tệp sao kê"),
        max_length=200,
        help_text=gettext_lazy("CSV, XLSX hoặc MT940 tải từ ngân hàng, không quá 5 MB."),
        error_messages={
            "required": gettext_lazy("Xin chọn tệp sao kê."),
            "empty": gettext_lazy("Tệp trống."),
        },
    )
    use_required_attribute = False

    def __init__(self, *args: Any, holders: list[Agency], **kwargs: Any):
        super().__init__(*args, **kwargs)
        choices = self.fields["account"]
        choices.queryset = Agency.objects.filter(pk__in=[agency.pk for agency in holders])
        choices.label_from_instance = lambda agency: "{bank} {number} – {name}".format(
            **agency.bank_account
        )

    def clean_file(self) -> Any:
        """A bound before anything is read."""
        file = self.cleaned_data["file"]
        if file.size > statements.MOST_BYTES:
            raise forms.ValidationError(_("Tệp lớn quá 5 MB; xin chia nhỏ theo ngày."))
        return file


# --- The list -------------------------------------------------------------------------


@officials.page(
    "tien-ve-tai-khoan/",
    name="bank_lines",
    roles=SEE,
    label=gettext_lazy("Tiền về tài khoản"),
    count=count_waiting,
)
@require_http_methods(["GET", "HEAD", "POST"])
def bank_lines(request: HttpRequest) -> HttpResponse:
    """The credits by what became of them; a POST takes a statement file."""
    mine = holders(request, CASHIERS)
    form = StatementForm(request.POST or None, request.FILES or None, holders=mine)
    if request.method == "POST":
        if not mine:
            raise PermissionDenied
        if form.is_valid() and (statement := _take(request, form)):
            return redirect("admin:bank_statement", pk=statement.pk)
    context = {
        **officials.frame(request, _("Tiền về tài khoản")),
        **_listed(request),
        "form": form if mine else None,
        "statements": _statements(request)[:STATEMENTS_SHOWN],
    }
    status = 409 if form.errors else 200
    return render(request, "admin/payments/bank/lines.html", context, status=status)


def _take(request: HttpRequest, form: StatementForm) -> BankStatement | None:
    file, agency = form.cleaned_data["file"], form.cleaned_data["account"]
    try:
        statement, taken = uploading.keep(
            normalise(file.name), file.read(), agency=agency, by=request.user
        )
    except Unreadable as error:
        form.add_error("file", str(error))
        return None
    words = _("Đã đọc sao kê: %(new)d khoản mới, %(matched)d khoản tự ghép, %(known)d đã biết.")
    facts = {"new": taken.new, "matched": taken.matched, "known": taken.known}
    messages.success(request, words % facts)
    return statement


def _listed(request: HttpRequest) -> dict[str, Any]:
    """The chosen tab with its page of lines, each with the reason why it waits."""
    chosen = request.GET.get("loc")
    tab = chosen if chosen in {key for key, _rows, _label in TABS} else "cho"
    rows = lines_of(request)
    counts = rows.aggregate(**{key: Count("pk", filter=which) for key, which, _label in TABS})
    which = next(which for key, which, _label in TABS if key == tab)
    shown = rows.filter(which).select_related("payment__dossier", "agency")
    # What waits longest stands first; of what is decided, the newest.
    ordered = shown if tab == "cho" else shown.order_by("-decided_at", "-pk")
    page = Paginator(ordered, PAGE_SIZE).get_page(request.GET.get("trang"))
    lines = list(page)
    reasons = suggesting.reasons(lines) if tab == "cho" else {}
    for line in lines:
        line.why = reasons.get(line.pk, "")
    return {
        "page": page,
        "lines": lines,
        "tabs": [(key, label, counts[key], key == tab) for key, _which, label in TABS],
    }


def _statements(request: HttpRequest) -> QuerySet[BankStatement]:
    rows = BankStatement.objects.filter(agency__in=holders(request))
    return rows.select_related("uploaded_by", "agency")


@officials.page("tien-ve-tai-khoan/sao-ke/<int:pk>/", name="bank_statement", roles=SEE)
@require_safe
def bank_statement(request: HttpRequest, pk: int) -> HttpResponse:
    """What was read of one statement file: counts, faults by line, and its new credits."""
    statement = get_object_or_404(_statements(request), pk=pk)
    rows = statement.lines.select_related("payment__dossier")
    sums = rows.aggregate(
        total=Sum("amount"),
        matched=Count("pk", filter=Q(state=State.MATCHED)),
        waiting=Count("pk", filter=Q(state=State.WAITING)),
    )
    context = {
        **officials.frame(request, _("Sao kê ngân hàng")),
        "statement": statement,
        "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("trang")),
        "total": sums["total"] or 0,
        "matched": sums["matched"],
        "waiting": sums["waiting"],
    }
    return render(request, "admin/payments/bank/statement.html", context)


# --- One credit -----------------------------------------------------------------------


class DecisionForm(forms.Form):
    """What the cashier decides of one credit; the payment is chosen or typed."""

    payment = forms.SlugField(max_length=16, required=False)
    typed = forms.CharField(
        label=gettext_lazy("Hoặc mã hồ sơ, mã thanh toán khác"), max_length=60, required=False
    )
    note = forms.CharField(
        label=gettext_lazy("Ghi chú"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Bắt buộc khi ghi là khoản thu khác."),
    )
    use_required_attribute = False


@officials.page("tien-ve-tai-khoan/<int:pk>/", name="bank_line", roles=SEE)
@require_http_methods(["GET", "HEAD", "POST"])
def bank_line(request: HttpRequest, pk: int) -> HttpResponse:
    """One credit with whose it may be; a POST decides."""
    rows = lines_of(request).select_related("agency", "payment__dossier", "decided_by", "statement")
    line = get_object_or_404(rows, pk=pk)
    may_decide = line.agency in holders(request, CASHIERS)
    form = DecisionForm(request.POST or None)
    if request.method == "POST":
        if not may_decide:
            raise PermissionDenied
        if form.is_valid() and _decided(request, line, form):
            return redirect("admin:bank_lines")
    context = {
        **officials.frame(request, _("Khoản tiền về tài khoản")),
        "line": line,
        "form": form,
        "may_decide": may_decide,
        "goes_back": line.state == State.TO_RETURN or line.excess,
        "refunds": line.refunds.all(),
        **(_choices(request, line, form) if line.state == State.WAITING else {}),
    }
    status = 409 if form.errors else 200
    return render(request, "admin/payments/bank/line.html", context, status=status)


def _choices(request: HttpRequest, line: BankLine, form: DecisionForm) -> dict[str, Any]:
    """What may be chosen while a line waits: payments, and other lines to go with it."""
    same = BankLine.objects.filter(agency=line.agency, account=line.account, state=State.WAITING)
    others = list(same.exclude(pk=line.pk).order_by("-booked_at", "-pk")[:OTHERS_SHOWN])
    found = suggesting.suggestions(line)
    chosen = form.data.get("payment") or _only_sure(found, line)
    return {
        "why": suggesting.reasons([line])[line.pk],
        "suggestions": found,
        "chosen": chosen,
        "others": others,
        "ticked": set(request.POST.getlist("lines")),
    }


def _only_sure(found: list[suggesting.Suggestion], line: BankLine) -> str:
    """The suggestion that is ticked beforehand: one that fits the amount and stands out."""
    if not found or found[0].payment.amount != line.amount or found[0].points < SURE:
        return ""
    stands_out = len(found) == 1 or found[0].points >= 2 * found[1].points
    return found[0].payment.reference if stands_out else ""


def _decided(request: HttpRequest, line: BankLine, form: DecisionForm) -> bool:
    """Do what was pressed; what is refused is said on the form, which keeps what was chosen."""
    try:
        text = _do(request, line, form)
    except workflow.Refused as error:
        form.add_error(None, str(error))
        return False
    messages.success(request, text)
    return True


def _do(request: HttpRequest, line: BankLine, form: DecisionForm) -> str:
    what, note = request.POST.get("do"), form.cleaned_data["note"]
    if what == "return":
        deciding.set_aside(line, State.TO_RETURN, by=request.user, note=note)
        return _("Đã ghi là tiền cần hoàn trả.")
    if what == "other":
        deciding.set_aside(line, State.OTHER, by=request.user, note=note)
        return _("Đã ghi là khoản thu khác của cơ quan.")
    if what == "reopen":
        deciding.reopen(line, by=request.user)
        return _("Khoản tiền chờ đối chiếu lại.")
    payment = _payment(line, form)
    lines = [line, *_lines(request, line)]
    deciding.assign(lines, payment, by=request.user)
    text = ngettext(
        "Đã ghép %(count)d khoản tiền vào hồ sơ %(code)s.",
        "Đã ghép %(count)d khoản tiền vào hồ sơ %(code)s.",
        len(lines),
    )
    said = text % {"count": len(lines), "code": payment.dossier.code}
    if Payment.objects.filter(pk=payment.pk, needs_refund=True).exists():
        said += " " + _("Hồ sơ không chờ khoản này nên tiền được đưa vào danh sách hoàn trả.")
    return said


def _payment(line: BankLine, form: DecisionForm) -> Payment:
    typed = form.cleaned_data["typed"] or form.cleaned_data["payment"]
    if not typed:
        raise workflow.NotPossible(_("Xin chọn một khoản phải nộp, hoặc gõ mã hồ sơ."))
    payment = suggesting.find(typed, line)
    if payment is None:
        words = _("Không thấy khoản chờ nộp nào của “%(text)s” ở các nơi dùng tài khoản này.")
        raise workflow.NotPossible(words % {"text": typed})
    return payment


def _lines(request: HttpRequest, line: BankLine) -> list[BankLine]:
    keys = [key for key in request.POST.getlist("lines") if key.isascii() and key.isdigit()]
    rows = BankLine.objects.filter(agency=line.agency, pk__in=[int(key[:18]) for key in keys])
    return list(rows.exclude(pk=line.pk))
