"""Fees that were asked, and money that was received."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from dossiers.models import Dossier

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # 31 characters without look-alikes


def new_reference() -> str:
    """What a gateway or a transfer knows a payment by: 15 characters without look-alikes,
    and one that checks them."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(15))
    return body + check_character(body)


def check_character(body: str) -> str:
    """The last character of a reference: one wrong or two exchanged characters change it.

    Weights 1, 2, 3… modulo the prime 31. ValueError for a character outside the alphabet.
    """
    total = sum(weight * _ALPHABET.index(char) for weight, char in enumerate(body, 1))
    return _ALPHABET[total % len(_ALPHABET)]


def is_reference(text: str) -> bool:
    """Whether `text` could be one of our references: its length, alphabet and last character."""
    if len(text) != 16 or not set(text) <= set(_ALPHABET):
        return False
    return check_character(text[:-1]) == text[-1]


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
        VNPAY = "vnpay", _("Cổng thanh toán VNPAY")
        MOMO = "momo", _("Ví MoMo")
        VIETQR = "vietqr", _("Chuyển khoản qua mã VietQR")
        CASH = "cash", _("Tiền mặt tại quầy")

    class RefundReason(models.TextChoices):
        TWICE = "twice", _("Đã nộp trước đó")
        ENDED = "ended", _("Hồ sơ đã rút, bị từ chối hoặc dừng")
        NOT_ASKED = "not_asked", _("Hồ sơ không chờ nộp tiền")
        EXEMPT = "exempt", _("Được miễn, giảm sau khi đã nộp")

    # Money that was never a fee: all of it goes back, and no biên lai speaks of it.
    NEVER_OWED = (RefundReason.TWICE, RefundReason.NOT_ASKED)
    # What a person is sent away to pay by, and what has to be asked about it afterwards.
    GATEWAYS = (Method.VNPAY, Method.MOMO)

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
    refund_reason = models.CharField(
        _("vì sao cần hoàn trả"), max_length=10, choices=RefundReason, blank=True
    )
    at_gateway = models.JSONField(
        default=dict, blank=True, help_text=_("Những gì cổng thanh toán đưa khi bắt đầu.")
    )
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

    @property
    def is_going_back(self) -> bool:
        """Whether a refund of it was agreed to and is on its way, by rows that are there."""
        return any(refund.state in ("approved", "sent") for refund in self.refunds.all())


class GatewayMessage(models.Model):
    """What a gateway told us, as it came, whether we believed it or not."""

    payment = models.ForeignKey(
        Payment, models.PROTECT, null=True, related_name="messages", verbose_name=_("thanh toán")
    )
    method = models.CharField(_("cổng"), max_length=8, default="vnpay")
    kind = models.CharField(_("loại"), max_length=12)
    answer = models.CharField(_("trả lời"), max_length=4)
    content = models.JSONField(_("nội dung"))
    received_at = models.DateTimeField(_("lúc nhận"), auto_now_add=True)

    class Meta:
        verbose_name = _("tin từ cổng thanh toán")
        verbose_name_plural = _("tin từ cổng thanh toán")
        ordering = ("received_at", "pk")

    def __str__(self) -> str:
        return f"{timezone.localtime(self.received_at):%H:%M:%S %d/%m/%Y}"


class SandboxOrder(models.Model):
    """What the sandbox gateway remembers of one order; real gateways keep this themselves."""

    reference = models.CharField(max_length=40, unique=True)
    amount = models.PositiveBigIntegerField(help_text=_("Như gửi đến cổng: đồng × 100."))
    order_info = models.CharField(max_length=255)
    response_code = models.CharField(max_length=2)
    number = models.CharField(max_length=14, unique=True)
    paid_at = models.CharField(max_length=14)
    method = models.CharField(max_length=8, default="vnpay")
    created_at = models.CharField(max_length=14, blank=True)
    refunded = models.PositiveBigIntegerField(default=0, help_text=_("Đồng, đã hoàn."))

    class Meta:
        verbose_name = _("giao dịch của cổng thử")
        verbose_name_plural = _("giao dịch của cổng thử")

    def __str__(self) -> str:
        return self.reference
