"""Fees that were asked, and money that was received."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from dossiers.models import Dossier
from procedures.models import Agency


def new_reference() -> str:
    """What the gateway knows a payment by: 16 characters without look-alikes."""
    return "".join(secrets.choice("23456789ABCDEFGHJKMNPQRSTUVWXYZ") for _ in range(16))


class Payment(models.Model):
    """One attempt to pay one dossier's fees; amounts are whole đồng.

    Copied from the revision when asked, so a later change of fees does not touch it.
    Pending is unique per dossier; paid is not, since people do pay twice: that money is
    recorded and offered back. Only `services.confirm()` turns money into a fact.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("Chờ nộp")
        PAID = "paid", _("Đã nộp")
        FAILED = "failed", _("Không thành công")
        CANCELLED = "cancelled", _("Đã hủy")

    class Method(models.TextChoices):
        VNPAY = "vnpay", _("Cổng thanh toán")
        CASH = "cash", _("Tiền mặt tại quầy")

    dossier = models.ForeignKey(
        Dossier, models.PROTECT, related_name="payments", verbose_name=_("hồ sơ")
    )
    reference = models.CharField(
        _("mã thanh toán"), max_length=16, unique=True, default=new_reference, editable=False
    )
    lines = models.JSONField(
        _("các khoản"), help_text=_("Tên, số lượng, đơn giá, thành tiền, căn cứ của từng khoản.")
    )
    amount = models.PositiveBigIntegerField(_("số tiền (đồng)"))
    method = models.CharField(_("cách nộp"), max_length=8, choices=Method)
    state = models.CharField(
        _("trạng thái"), max_length=10, choices=State, default=State.PENDING, editable=False
    )
    created_at = models.DateTimeField(_("lúc yêu cầu"), auto_now_add=True)
    started_at = models.DateTimeField(_("lúc chuyển sang cổng thanh toán"), null=True)
    paid_at = models.DateTimeField(_("lúc nộp"), null=True)
    transaction = models.CharField(_("mã giao dịch"), max_length=40, blank=True)
    needs_refund = models.BooleanField(_("cần hoàn trả"), default=False)
    queried_at = models.DateTimeField(_("lúc hỏi cổng thanh toán"), null=True)

    class Meta:
        verbose_name = _("khoản thanh toán")
        verbose_name_plural = _("khoản thanh toán")
        ordering = ("created_at", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("dossier",),
                condition=Q(state="pending"),
                name="payment_one_pending_per_dossier",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_amount_above_zero"),
            models.UniqueConstraint(
                fields=("method", "transaction"),
                condition=~Q(transaction=""),
                name="payment_transaction_once_per_method",
            ),
        )

    def __str__(self) -> str:
        return self.reference


class GatewayMessage(models.Model):
    """What a gateway told us, as it came, whether we believed it or not."""

    payment = models.ForeignKey(
        Payment, models.PROTECT, null=True, related_name="messages", verbose_name=_("thanh toán")
    )
    kind = models.CharField(_("loại"), max_length=12)
    answer = models.CharField(_("trả lời"), max_length=4)
    content = models.JSONField(_("nội dung"))
    received_at = models.DateTimeField(_("lúc nhận"), auto_now_add=True)

    class Meta:
        verbose_name = _("tin từ cổng thanh toán")
        verbose_name_plural = _("tin từ cổng thanh toán")
        ordering = ("received_at", "pk")

    def __str__(self) -> str:
        return f"{self.kind} {self.answer}"


class ReceiptCounter(models.Model):
    """The last receipt number of one office and year; its locked row hands them out."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("agency", "year"), name="receipt_counter_one_per_office_year"
            ),
        )

    def __str__(self) -> str:
        return f"{self.agency_id} {self.year}"


class Receipt(models.Model):
    """Our confirmation of a payment, numbered without gaps per office and year.

    Not a legal biên lai: that is issued by the office's licensed service (DOMAIN.md 4.3).
    """

    payment = models.OneToOneField(Payment, models.PROTECT, related_name="receipt")
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField(_("năm"))
    number = models.PositiveIntegerField(_("số"))
    issued_at = models.DateTimeField(_("lúc lập"))
    received_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("người thu"),
    )

    class Meta:
        verbose_name = _("xác nhận thanh toán")
        verbose_name_plural = _("xác nhận thanh toán")
        constraints = (
            models.UniqueConstraint(
                fields=("agency", "year", "number"), name="receipt_number_once_per_office_year"
            ),
        )

    def __str__(self) -> str:
        return f"{self.number}/{self.year}"


class SandboxOrder(models.Model):
    """What the sandbox gateway remembers of one order; real gateways keep this themselves."""

    reference = models.CharField(max_length=40, unique=True)
    amount = models.PositiveBigIntegerField(help_text=_("Như gửi đến cổng: đồng × 100."))
    order_info = models.CharField(max_length=255)
    response_code = models.CharField(max_length=2)
    number = models.CharField(max_length=14, unique=True)
    paid_at = models.CharField(max_length=14)

    class Meta:
        verbose_name = _("giao dịch của cổng thử")
        verbose_name_plural = _("giao dịch của cổng thử")

    def __str__(self) -> str:
        return self.reference
