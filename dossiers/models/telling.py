"""What people are told, and what they and the office write to each other."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from dossiers.models.dossier import Dossier
from dossiers.models.keys import new_key
from dossiers.models.ledger import Event


class Notice(models.Model):
    """Something that one person was told: shown in the portal, and sent as they prefer.

    `kind` names its words in `notices.WORDS`. `is_urgent` means that the reader has to do
    something: it never waits for a digest. `sent_at` is when it first went out by some
    channel, `read_at` when it was first opened in the portal; silence counts for nothing
    before one of them.
    """

    dossier = models.ForeignKey(Dossier, models.CASCADE, null=True, related_name="notices")
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices")
    event = models.ForeignKey(Event, models.CASCADE, null=True, related_name="notices")
    kind = models.CharField(_("loại"), max_length=40, blank=True)
    subject = models.CharField(_("tiêu đề"), max_length=200)
    body = models.TextField(_("nội dung"))
    path = models.CharField(_("đường dẫn"), max_length=200, blank=True)
    due_at = models.DateTimeField(_("làm trước"), null=True)
    is_urgent = models.BooleanField(_("cần làm ngay"), default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(_("gửi lúc"), null=True)
    read_at = models.DateTimeField(_("đọc lúc"), null=True)

    class Meta:
        verbose_name = _("thông báo")
        verbose_name_plural = _("thông báo")
        ordering = ("-created_at", "-pk")
        indexes = (
            models.Index(
                fields=("recipient",), condition=Q(read_at=None), name="notice_unread_by_recipient"
            ),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("event", "recipient"), name="notice_once_per_event_and_person"
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk}"


class Delivery(models.Model):
    """One notice on its way by one channel outside the portal."""

    class Channel(models.TextChoices):
        EMAIL = "email", _("Thư điện tử")
        SMS = "sms", _("Tin nhắn điện thoại")
        ZALO = "zalo", _("Zalo")

    notice = models.ForeignKey(Notice, models.CASCADE, related_name="deliveries")
    channel = models.CharField(_("kênh"), max_length=5, choices=Channel)
    address = models.CharField(_("nơi nhận"), max_length=254)
    created_at = models.DateTimeField(auto_now_add=True)
    waits_for_digest = models.BooleanField(_("chờ gửi gộp"), default=False)
    sent_at = models.DateTimeField(_("gửi lúc"), null=True)
    error = models.CharField(_("lỗi"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("lần gửi thông báo")
        verbose_name_plural = _("lần gửi thông báo")
        ordering = ("created_at", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("notice", "channel"), name="delivery_once_per_notice_and_channel"
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk}"


class NoticePreference(models.Model):
    """How one person wants to be told; without a row, by e-mail and at once."""

    class Pace(models.TextChoices):
        AT_ONCE = "at_once", _("Gửi ngay")
        DAILY = "daily", _("Gộp lại, mỗi sáng một lần")

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="notice_preference"
    )
    email = models.BooleanField(_("qua thư điện tử"), default=True)
    sms = models.BooleanField(_("qua tin nhắn điện thoại"), default=True)
    zalo = models.BooleanField(_("qua Zalo"), default=False)
    pace = models.CharField(_("nhịp gửi"), max_length=8, choices=Pace, default=Pace.AT_ONCE)

    class Meta:
        verbose_name = _("cách nhận thông báo")
        verbose_name_plural = _("cách nhận thông báo")

    def __str__(self) -> str:
        return f"#{self.pk}"


class Message(models.Model):
    """One message between the people of a dossier and the office; nobody changes one.

    `form_key` is that of the form it was written in: sent five times, it is kept once.
    """

    key = models.CharField(max_length=22, unique=True, default=new_key, editable=False)
    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="messages")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    is_from_office = models.BooleanField(_("do cơ quan gửi"), default=False)
    text = models.TextField(_("nội dung"))
    form_key = models.CharField(max_length=22, editable=False)
    sent_at = models.DateTimeField(_("gửi lúc"), auto_now_add=True)
    read_at = models.DateTimeField(_("bên kia đọc lúc"), null=True)

    class Meta:
        verbose_name = _("tin nhắn")
        verbose_name_plural = _("tin nhắn")
        ordering = ("sent_at", "pk")
        constraints = (
            models.UniqueConstraint(fields=("dossier", "form_key"), name="message_once_per_form"),
        )

    def __str__(self) -> str:
        return self.key
