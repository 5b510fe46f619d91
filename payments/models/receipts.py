"""The receipts of money: ours, numbered without gaps, and those of the e-receipt service."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from payments.models.payments import Payment
from procedures.models import Agency


class ReceiptCounter(models.Model):
    """The last receipt number of one office, series and year; its locked row hands them out."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    series = models.CharField(max_length=10, default="XNTT")
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("agency", "series", "year"), name="receipt_counter_one_per_series_year"
            ),
        )

    def __str__(self) -> str:
        return f"{self.agency_id} {self.series} {self.year}"


class Receipt(models.Model):
    """Our confirmation of a payment, numbered without gaps per office, series and year.

    Not a legal biên lai: that is a `LegalReceipt` (DOMAIN.md 4.3). Never changed or deleted:
    a wrong one, or one whose money went back, is cancelled by a counter-entry, a receipt with
    a number of its own that has `cancels` instead of `payment`.
    """

    payment = models.OneToOneField(Payment, models.PROTECT, null=True, related_name="receipt")
    cancels = models.OneToOneField(
        "self", models.PROTECT, null=True, related_name="cancelled_by", verbose_name=_("hủy số")
    )
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    series = models.CharField(_("ký hiệu"), max_length=10, default="XNTT")
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
    reason = models.CharField(_("lý do hủy"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("xác nhận thanh toán")
        verbose_name_plural = _("xác nhận thanh toán")
        constraints = (
            models.UniqueConstraint(
                fields=("agency", "series", "year", "number"),
                name="receipt_number_once_per_series_year",
            ),
            models.CheckConstraint(
                condition=Q(payment__isnull=False, cancels=None)
                | Q(payment=None, cancels__isnull=False),
                name="receipt_of_a_payment_or_against_one",
            ),
        )

    def __str__(self) -> str:
        return f"{self.number}/{self.year}"


class LegalReceipt(models.Model):
    """The biên lai that the office's e-receipt service issued for a payment.

    Decree 254/2026, art. 23: form, sign and a number of eight digits at most, signed by who
    collects. The portal asks for it by a task and records what came back.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("Chờ cấp")
        ISSUED = "issued", _("Đã cấp")
        FAILED = "failed", _("Chưa cấp được")
        CANCELLED = "cancelled", _("Đã hủy")

    payment = models.OneToOneField(Payment, models.PROTECT, related_name="legal_receipt")
    state = models.CharField(_("trạng thái"), max_length=9, choices=State, default=State.PENDING)
    provider = models.CharField(_("dịch vụ"), max_length=60, blank=True)
    form = models.CharField(_("ký hiệu mẫu"), max_length=20, blank=True)
    sign = models.CharField(_("ký hiệu biên lai"), max_length=20, blank=True)
    number = models.CharField(_("số"), max_length=8, blank=True)
    lookup_code = models.CharField(_("mã tra cứu"), max_length=60, blank=True)
    file = models.FileField(upload_to="legal-receipts/%Y/%m/", blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    issued_at = models.DateTimeField(_("cấp lúc"), null=True)
    cancelled_at = models.DateTimeField(_("hủy lúc"), null=True)
    attempts = models.PositiveSmallIntegerField(_("số lần xin cấp"), default=0)
    failure = models.CharField(_("lỗi lần cuối"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("biên lai điện tử")
        verbose_name_plural = _("biên lai điện tử")
        ordering = ("created_at", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("provider", "form", "sign", "number"),
                condition=~Q(number=""),
                name="legal_receipt_number_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.sign} {self.number}".strip()


class StandInReceipt(models.Model):
    """What the local stand-in of an e-receipt service remembers; real ones keep this
    themselves. One key of ours is one receipt, numbered without gaps in its year."""

    key = models.CharField(max_length=16, unique=True)
    sign = models.CharField(max_length=20)
    number = models.PositiveIntegerField()
    order = models.JSONField(help_text=_("Nội dung biên lai như cổng gửi đến."))
    issued_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True)
    cancel_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("biên lai của dịch vụ thử")
        verbose_name_plural = _("biên lai của dịch vụ thử")
        constraints = (
            models.UniqueConstraint(fields=("sign", "number"), name="stand_in_receipt_number_once"),
        )

    def __str__(self) -> str:
        return f"{self.sign} {self.number}"
