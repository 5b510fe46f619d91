"""Money that goes back: proposed by one person, agreed to by another."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from payments.models.bank import BankLine
from payments.models.payments import Payment, new_reference


class Refund(models.Model):
    """One return of money, of a payment or of a bank credit that belongs to no dossier.

    `reference` is the key under which the gateway is asked: the same refund asked again is
    the same there. Of one payment, what was sent or done never comes to more than was paid.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", _("Chờ duyệt")
        REJECTED = "rejected", _("Không duyệt")
        APPROVED = "approved", _("Đã duyệt, chờ hoàn")
        SENT = "sent", _("Cổng thanh toán đang hoàn")
        DONE = "done", _("Đã hoàn")
        FAILED = "failed", _("Không hoàn được")

    class Way(models.TextChoices):
        GATEWAY = "gateway", _("Qua cổng thanh toán, về nguồn đã nộp")
        TRANSFER = "transfer", _("Chuyển khoản")
        CASH = "cash", _("Tiền mặt tại quầy")

    # In these the money is on its way or may still go.
    OPEN = (State.PROPOSED, State.APPROVED, State.SENT)
    COUNTED = (*OPEN, State.DONE)

    payment = models.ForeignKey(Payment, models.PROTECT, null=True, related_name="refunds")
    bank_line = models.ForeignKey(BankLine, models.PROTECT, null=True, related_name="refunds")
    reference = models.CharField(max_length=16, unique=True, default=new_reference, editable=False)
    amount = models.PositiveBigIntegerField(_("số tiền (đồng)"))
    way = models.CharField(_("cách hoàn"), max_length=8, choices=Way)
    reason = models.CharField(_("lý do"), max_length=300)
    state = models.CharField(_("trạng thái"), max_length=8, choices=State, default=State.PROPOSED)
    to_name = models.CharField(_("người nhận"), max_length=200, blank=True)
    to_account = models.CharField(_("số tài khoản nhận"), max_length=40, blank=True)
    to_bank = models.CharField(_("ngân hàng nhận"), max_length=100, blank=True)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(_("đề nghị lúc"), auto_now_add=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(_("duyệt lúc"), null=True)
    comment = models.CharField(_("ý kiến khi duyệt"), max_length=300, blank=True)
    asked_at = models.DateTimeField(_("gửi cổng thanh toán lúc"), null=True)
    done_at = models.DateTimeField(_("hoàn xong lúc"), null=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    transaction = models.CharField(_("mã giao dịch hoàn"), max_length=40, blank=True)
    answer = models.CharField(_("trả lời của cổng"), max_length=8, blank=True)

    class Meta:
        verbose_name = _("khoản hoàn trả")
        verbose_name_plural = _("khoản hoàn trả")
        ordering = ("proposed_at", "pk")
        constraints = (
            models.CheckConstraint(
                condition=Q(payment__isnull=False, bank_line=None)
                | Q(payment=None, bank_line__isnull=False),
                name="refund_of_a_payment_or_a_bank_line",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_amount_above_zero"),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=models.F("proposed_by")),
                name="refund_needs_two_people",
            ),
            models.UniqueConstraint(
                fields=("payment",),
                condition=Q(state__in=("proposed", "approved", "sent")),
                name="refund_one_open_per_payment",
            ),
            models.UniqueConstraint(
                fields=("bank_line",),
                condition=Q(state__in=("proposed", "approved", "sent")),
                name="refund_one_open_per_bank_line",
            ),
        )

    def __str__(self) -> str:
        return self.reference
