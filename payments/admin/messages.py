"""What gateways told us, for who looks after a payment that does not agree."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from dossiers.models import Dossier
from payments import callbacks, gateways
from payments.admin.payments import SEE_MONEY, ReadOnlyAdmin
from payments.models import GatewayMessage, Payment
from procedures.models import Posting
from procedures.postings import roles

KINDS: dict[str, Promise] = {
    callbacks.CALLBACK: _("Máy chủ cổng báo"),
    callbacks.QUERY: _("Trả lời khi được hỏi"),
    callbacks.TWICE: _("Báo tiền đến lần nữa cho khoản đã nộp"),
}
ANSWERS: dict[str, Promise] = {
    gateways.TAKEN: _("Đã nhận"),
    gateways.UNKNOWN: _("Không có mã thanh toán này"),
    gateways.KNOWN: _("Đã biết từ trước"),
    gateways.WRONG_AMOUNT: _("Sai số tiền, không ghi nhận"),
    gateways.FORGED: _("Sai chữ ký, không tin"),
}


class _WordsFilter(admin.SimpleListFilter):
    """By a column whose values are a protocol's, in words."""

    words: dict[str, Promise]

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, Promise]]:
        """The values that there may be."""
        return list(self.words.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Those with the value that was chosen."""
        return queryset.filter(**{self.parameter_name: self.value()}) if self.value() else queryset


class KindFilter(_WordsFilter):
    """By how it came, and whether it tells of money that came again."""

    title, parameter_name, words = _("loại"), "kind", KINDS


class AnswerFilter(_WordsFilter):
    """By what we made of it."""

    title, parameter_name, words = _("trả lời"), "answer", ANSWERS


@admin.register(GatewayMessage)
class GatewayMessageAdmin(ReadOnlyAdmin):
    """Whether it was believed or not, each message stays as it came."""

    list_display = ("received_at", "gateway", "kind_words", "answer_words", "payment")
    list_filter = (KindFilter, AnswerFilter)
    search_fields = ("payment__reference", "payment__dossier__code")
    list_select_related = ("payment",)
    fields = ("received_at", "gateway", "kind_words", "answer_words", "payment", "content")
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[GatewayMessage]:
        """About the payments of one's offices; about none of ours, for supervisors."""
        messages = super().get_queryset(request)
        if request.user.is_superuser:
            return messages
        seen = Q(payment__dossier__in=Dossier.objects.handled_by(request.user))
        if Posting.Role.SUPERVISOR in roles(request):
            seen |= Q(payment=None)
        return messages.filter(seen)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Who sees the payments sees what was said of them."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Which messages, is said by the queryset."""
        return bool(roles(request) & SEE_MONEY) or request.user.is_superuser

    @admin.display(description=_("cổng"), ordering="method")
    def gateway(self, message: GatewayMessage) -> str:
        """Whose message it is."""
        return str(Payment.Method(message.method).label)

    @admin.display(description=_("loại"), ordering="kind")
    def kind_words(self, message: GatewayMessage) -> str:
        """What kind of message it is, in words."""
        return str(KINDS.get(message.kind, message.kind))

    @admin.display(description=_("trả lời"), ordering="answer")
    def answer_words(self, message: GatewayMessage) -> str:
        """What we made of it, in words."""
        return str(ANSWERS.get(message.answer, message.answer))
