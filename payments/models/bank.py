"""What came in on the office's bank accounts."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from payments.models.payments import Payment
from procedures.models import Agency


class BankStatement(models.Model):
    """A statement file of one account that somebody uploaded, and what was read of it."""

    agency = models.ForeignKey(
        Agency, models.PROTECT, related_name="bank_statements", verbose_name=_("cơ quan")
    )
    account = models.CharField(_("số tài khoản"), max_length=40)
    name = models.CharField(_("tên tệp"), max_length=200)
    sha256 = models.CharField(max_length=64)
    format = models.CharField(_("dạng tệp"), max_length=10)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField(_("tải lên lúc"), auto_now_add=True)
    lines_read = models.PositiveIntegerField(_("số dòng đọc được"), default=0)
    lines_new = models.PositiveIntegerField(_("số dòng mới"), default=0)
    faults = models.JSONField(_("dòng không đọc được"), default=list, blank=True)

    class Meta:
        verbose_name = _("sao kê ngân hàng")
        verbose_name_plural = _("sao kê ngân hàng")
        ordering = ("-uploaded_at", "-pk")

    def __str__(self) -> str:
        return self.name


class BankLine(models.Model):
    """One credit on an account of the office, from a statement or from the bank's webhook.

    `bank_reference` is the bank's own number of it, or a digest of what the line says where
    the bank gives none, so that the same line twice is one. Money is never dropped: what
    matches no payment waits for the cashier, who gives it to a payment (several lines may
    pay one, and a line may pay more than was asked: the rest is `excess`), or offers it
    back. For all lines: amount = applied + excess, or nothing is decided yet.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Chờ đối chiếu")
        MATCHED = "matched", _("Đã ghép")
        TO_RETURN = "to_return", _("Không thuộc hồ sơ nào, cần hoàn trả")
        OTHER = "other", _("Khoản thu khác của cơ quan")

    agency = models.ForeignKey(
        Agency, models.PROTECT, related_name="bank_lines", verbose_name=_("cơ quan")
    )
    account = models.CharField(_("số tài khoản"), max_length=40)
    bank_reference = models.CharField(_("mã giao dịch của ngân hàng"), max_length=64)
    booked_at = models.DateTimeField(_("lúc ghi có"))
    amount = models.PositiveBigIntegerField(_("số tiền (đồng)"))
    memo = models.CharField(_("nội dung chuyển khoản"), max_length=500, blank=True)
    payer_name = models.CharField(_("người chuyển"), max_length=200, blank=True)
    payer_account = models.CharField(_("tài khoản người chuyển"), max_length=40, blank=True)
    payer_bank = models.CharField(_("ngân hàng người chuyển"), max_length=100, blank=True)
    statement = models.ForeignKey(
        BankStatement, models.PROTECT, null=True, related_name="lines", verbose_name=_("sao kê")
    )
    state = models.CharField(_("trạng thái"), max_length=9, choices=State, default=State.WAITING)
    payment = models.ForeignKey(
        Payment, models.PROTECT, null=True, related_name="bank_lines", verbose_name=_("thanh toán")
    )
    applied = models.PositiveBigIntegerField(_("đã tính cho hồ sơ (đồng)"), default=0)
    excess = models.PositiveBigIntegerField(_("thừa, cần hoàn trả (đồng)"), default=0)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(_("đối chiếu lúc"), null=True)
    note = models.CharField(_("ghi chú"), max_length=200, blank=True)
    received_at = models.DateTimeField(_("cổng nhận lúc"), auto_now_add=True)

    class Meta:
        verbose_name = _("khoản tiền về tài khoản")
        verbose_name_plural = _("khoản tiền về tài khoản")
        ordering = ("booked_at", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("account", "bank_reference"), name="bank_line_once_per_account"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="bank_line_amount_above_zero"),
            models.CheckConstraint(
                condition=Q(applied=0, excess=0)
                | Q(amount=models.F("applied") + models.F("excess")),
                name="bank_line_parts_make_the_whole",
            ),
        )
        indexes = (
            models.Index(
                fields=("agency", "booked_at"),
                condition=Q(state="waiting"),
                name="bank_line_waiting",
            ),
        )

    def __str__(self) -> str:
        return self.bank_reference
