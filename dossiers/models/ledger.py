"""What happened to a dossier, and the words that went with it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from dossiers.models.dossier import Dossier
from dossiers.models.keys import new_key
from procedures.models import Agency


class Event(models.Model):
    """One thing that happened to a dossier: a move, or a look by staff.

    Append-only in the database itself, and chained: `hash` covers every column and the
    hash before it. Holds ids, field names and digests, never names or free text: those
    are in `Note`, which can be erased without breaking the chain.
    """

    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="events")
    seq = models.PositiveIntegerField(_("thứ tự"))
    name = models.CharField(_("việc"), max_length=40)
    from_state = models.CharField(max_length=22, choices=Dossier.State, blank=True)
    to_state = models.CharField(max_length=22, choices=Dossier.State, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("người thực hiện"),
    )
    agency = models.ForeignKey(Agency, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(_("lúc"))
    data = models.JSONField(default=dict)
    previous = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("sự việc")
        verbose_name_plural = _("nhật ký")
        ordering = ("dossier", "seq")
        constraints = (
            models.UniqueConstraint(fields=("dossier", "seq"), name="event_seq_once_per_dossier"),
        )
        indexes = (
            # New dates are few; a day's are counted without reading the whole ledger.
            models.Index(fields=("at",), condition=Q(name="extend"), name="event_new_date"),
            # The daily root asks for everything that happened on one day.
            models.Index(fields=("at",), name="event_at"),
        )

    def __str__(self) -> str:
        return f"{self.dossier_id}/{self.seq} {self.name}"


class Note(models.Model):
    """The words that go with an event: a reason, what is missing, a comment."""

    event = models.OneToOneField(Event, models.CASCADE, related_name="note")
    text = models.TextField(_("nội dung"))
    legal_ground = models.CharField(_("căn cứ"), max_length=200, blank=True)
    is_public = models.BooleanField(_("công dân được xem"), default=True)
    salt = models.CharField(max_length=22, default=new_key, editable=False)

    class Meta:
        verbose_name = _("ghi chú")
        verbose_name_plural = _("ghi chú")

    def __str__(self) -> str:
        return f"#{self.event_id}"


class DailyRoot(models.Model):
    """One hash over the heads of all chains at the end of a day, published for everybody.

    Append-only like the events. `mac` is an HMAC with the portal's own key: who could write
    the table still could not write it.
    """

    day = models.DateField(_("ngày"), unique=True)
    root = models.CharField(max_length=64)
    previous = models.CharField(max_length=64, blank=True)
    mac = models.CharField(max_length=64)
    chains = models.PositiveIntegerField(_("số hồ sơ"))
    events = models.PositiveBigIntegerField(_("số sự việc"))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("mã gốc của ngày")
        verbose_name_plural = _("mã gốc của ngày")
        ordering = ("-day",)

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}"
