"""Payments as officials see them, and the cash desk."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from dossiers import workflow
from dossiers.models import Dossier
from payments import services
from payments.models import Payment
from payments.money import format_dong
from procedures.models import Posting
from procedures.postings import roles

SEE_MONEY = frozenset({Posting.Role.CASHIER, Posting.Role.LEADER, Posting.Role.SUPERVISOR})


class ReadOnlyAdmin(admin.ModelAdmin):
    """Money is recorded by `services.confirm()` alone; here it is only looked at."""

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nothing is added by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nothing is edited."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nothing is deleted."""
        return False


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    """All payments; the cash button of the dossier page leads here."""

    list_display = ("reference", "dossier", "sum", "method", "state", "paid_at", "needs_refund")
    list_filter = ("state", "method", "needs_refund")
    search_fields = ("reference", "dossier__code")
    list_select_related = ("dossier",)
    show_full_result_count = False
    fields = (
        "reference", "dossier", "fees", "sum", "method", "state", "created_at", "started_at",
        "paid_at", "transaction", "needs_refund", "refund_reason", "queried_at",
    )  # fmt: skip
    readonly_fields = ("fees", "sum")

    @admin.display(description=gettext_lazy("các khoản"))
    def fees(self, payment: Payment) -> str:
        """Each fee and its amount, a line each, as the citizen was asked."""
        lines = ((line["name"], format_dong(line["amount"])) for line in payment.lines)
        return format_html_join(mark_safe("<br>"), "{}: {}", lines)

    @admin.display(description=gettext_lazy("số tiền"), ordering="amount")
    def sum(self, payment: Payment) -> str:
        """The amount as people write it."""
        return format_dong(payment.amount)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payment]:
        """Those of the dossiers of one's offices."""
        dossiers = Dossier.objects.handled_by(request.user)
        return super().get_queryset(request).filter(dossier__in=dossiers)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Cashiers, leaders and supervisors see the money of their offices' dossiers."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Payment | None = None) -> bool:
        """Which payments, is said by the queryset."""
        return bool(roles(request) & SEE_MONEY)

    def get_urls(self) -> list:
        """One address more: taking cash."""
        view = self.admin_site.admin_view(require_POST(self.take_cash))
        return [
            path("<slug:reference>/thu-tien-mat/", view, name="payments_payment_cash"),
            *super().get_urls(),
        ]

    def take_cash(self, request: HttpRequest, reference: str) -> HttpResponse:
        """Record that the fees of a dossier were paid in cash."""
        payment = get_object_or_404(
            self.get_queryset(request).select_related("dossier"), reference=reference
        )
        try:
            is_new = services.take_cash(payment, by=request.user)
        except workflow.Refused as error:
            messages.error(request, str(error))
        else:
            text = _("Đã thu tiền mặt.") if is_new else _("Khoản này đã được nộp trước đó.")
            messages.success(request, text)
        return redirect(reverse("admin:dossiers_dossier_change", args=[payment.dossier_id]))
