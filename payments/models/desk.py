"""The cash desk at the end of its day, and the days that were compared with gateway or bank."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from payments.models.payments import Payment
from payments.models.refunds import Refund
from procedures.models import Agency


class CashClose(models.Model):
    """One close of one cashier's drawer: what the portal knows, and what was counted.

    It takes every cash payment and cash refund of this cashier at this desk that no close
    took before; what comes afterwards belongs to the next. Never changed afterwards.
    """

    agency = models.ForeignKey(
        Agency, models.PROTECT, related_name="cash_closes", verbose_name=_("nơi tiếp nhận")
    )
    cashier = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="cash_closes",
        verbose_name=_("thu ngân"),
    )
    day = models.DateField(_("ngày"))
    number = models.PositiveSmallIntegerField(_("lần trong ngày"), default=1)
    taken = models.PositiveBigIntegerField(_("đã thu (đồng)"))
    given_back = models.PositiveBigIntegerField(_("đã hoàn bằng tiền mặt (đồng)"), default=0)
    counted = models.PositiveBigIntegerField(_("đếm được (đồng)"))
    note = models.CharField(_("giải trình chênh lệch"), max_length=300, blank=True)
    closed_at = models.DateTimeField(_("chốt lúc"), auto_now_add=True)

    class Meta:
        verbose_name = _("chốt quầy thu tiền")
        verbose_name_plural = _("chốt quầy thu tiền")
        ordering = ("-closed_at", "-pk")
        constraints = (
            models.UniqueConstraint(
                fields=("agency", "cashier", "day", "number"), name="cash_close_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d} ({self.number})"

    @property
    def difference(self) -> int:
        """Counted less what should be there, in đồng; negative when money is missing."""
        return self.counted - (self.taken - self.given_back)


class CashMovement(models.Model):
    """Cash that went through a cashier's hands: in with a payment, out with a refund."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    cashier = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    payment = models.OneToOneField(Payment, models.PROTECT, null=True, related_name="cash_movement")
    refund = models.OneToOneField(Refund, models.PROTECT, null=True, related_name="cash_movement")
    at = models.DateTimeField(_("lúc"))
    close = models.ForeignKey(
        CashClose, models.PROTECT, null=True, related_name="movements", verbose_name=_("lần chốt")
    )

    class Meta:
        verbose_name = _("tiền mặt vào, ra")
        verbose_name_plural = _("tiền mặt vào, ra")
        ordering = ("at", "pk")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(payment__isnull=False, refund=None)
                | models.Q(payment=None, refund__isnull=False),
                name="cash_movement_of_a_payment_or_a_refund",
            ),
        )
        indexes = (
            models.Index(
                fields=("agency", "cashier"),
                condition=models.Q(close=None),
                name="cash_movement_not_closed",
            ),
        )

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"


class Reconciliation(models.Model):
    """One day of a gateway or of a bank account, compared with our books.

    `differences` are rows `{kind, reference, ours, theirs}`; none means that both agree.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+", verbose_name=_("cơ quan"))
    method = models.CharField(_("cách nộp"), max_length=8, choices=Payment.Method)
    day = models.DateField(_("ngày"))
    source = models.CharField(_("tệp đối chiếu"), max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    count_ours = models.PositiveIntegerField(_("số khoản của cổng"), default=0)
    count_theirs = models.PositiveIntegerField(_("số khoản của đối tác"), default=0)
    total_ours = models.PositiveBigIntegerField(_("tổng của cổng (đồng)"), default=0)
    total_theirs = models.PositiveBigIntegerField(_("tổng của đối tác (đồng)"), default=0)
    differences = models.JSONField(_("chênh lệch"), default=list, blank=True)
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    checked_at = models.DateTimeField(_("đối chiếu lúc"), auto_now_add=True)

    class Meta:
        verbose_name = _("đối chiếu ngày")
        verbose_name_plural = _("đối chiếu ngày")
        ordering = ("-day", "-pk")
        indexes = (models.Index(fields=("agency", "day"), name="reconciliation_of_days"),)

    def __str__(self) -> str:
        return f"{self.method} {self.day:%Y-%m-%d}"
