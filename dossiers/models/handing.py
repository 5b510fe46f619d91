"""How a result reaches the citizen: collected at the desk, or by post."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from dossiers.models.dossier import Dossier
from dossiers.models.papers import Paper
from procedures.models import Agency


class Postage(models.Model):
    """What the post asks for bringing a result, by how far it goes; paid to the post.

    An amount that nobody confirmed yet is left empty: it is never guessed.
    """

    class Reach(models.TextChoices):
        NEAR = "near", _("Trong địa bàn của cơ quan")
        PROVINCE = "province", _("Trong tỉnh")
        COUNTRY = "country", _("Ngoài tỉnh")

    agency = models.ForeignKey(
        Agency, models.CASCADE, related_name="postage", verbose_name=_("nơi trả kết quả")
    )
    reach = models.CharField(_("nơi nhận"), max_length=8, choices=Reach)
    amount = models.PositiveIntegerField(_("cước (đồng)"), null=True, blank=True)
    source = models.CharField(_("căn cứ"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("cước bưu chính")
        verbose_name_plural = _("cước bưu chính")
        ordering = ("agency", "pk")
        constraints = (
            models.UniqueConstraint(fields=("agency", "reach"), name="postage_one_per_reach"),
        )

    def __str__(self) -> str:
        return f"{self.agency_id} {self.reach}"


class Parcel(models.Model):
    """A result on its way by public post; one that came back may be sent again as a new one.

    Addressee and address are frozen when the parcel is made. Its states come from the post's
    file or from an official's hand (`ParcelEvent`).
    """

    class State(models.TextChoices):
        READY = "ready", _("Chờ gửi bưu điện")
        HANDED = "handed", _("Đã giao bưu điện")
        ON_WAY = "on_way", _("Đang chuyển")
        DELIVERED = "delivered", _("Đã phát")
        FAILED = "failed", _("Phát không thành công")
        CAME_BACK = "came_back", _("Đã hoàn về cơ quan")
        CANCELLED = "cancelled", _("Không gửi nữa")

    ENDED = (State.DELIVERED, State.CAME_BACK, State.CANCELLED)

    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="parcels")
    recipient = models.CharField(_("người nhận"), max_length=200)
    phone = models.CharField(_("điện thoại"), max_length=20)
    address = models.JSONField(_("địa chỉ"), help_text=_("commune, name, detail"))
    reach = models.CharField(_("nơi nhận"), max_length=8, choices=Postage.Reach)
    postage = models.PositiveIntegerField(_("cước (đồng)"), null=True)
    carrier = models.CharField(_("đơn vị phát"), max_length=60, blank=True)
    tracking_number = models.CharField(_("mã bưu gửi"), max_length=40, blank=True)
    state = models.CharField(_("trạng thái"), max_length=9, choices=State, default=State.READY)
    state_at = models.DateTimeField(_("từ lúc"))
    label = models.ForeignKey(Paper, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    reminded_at = models.DateTimeField(_("nhắc lúc"), null=True)

    class Meta:
        verbose_name = _("bưu gửi")
        verbose_name_plural = _("bưu gửi")
        ordering = ("created_at", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("dossier",),
                condition=~Q(state__in=("delivered", "came_back", "cancelled")),
                name="parcel_one_open_per_dossier",
            ),
            models.UniqueConstraint(
                fields=("carrier", "tracking_number"),
                condition=~Q(tracking_number=""),
                name="parcel_tracking_number_once",
            ),
        )
        indexes = (
            models.Index(
                fields=("state", "state_at"),
                condition=~Q(state__in=("delivered", "came_back", "cancelled")),
                name="parcel_open",
            ),
        )

    def __str__(self) -> str:
        return self.tracking_number or f"#{self.pk}"


class ParcelEvent(models.Model):
    """One thing that happened to a parcel, and who said so; `by` is empty for the post's file."""

    parcel = models.ForeignKey(Parcel, models.CASCADE, related_name="events")
    state = models.CharField(_("trạng thái"), max_length=9, choices=Parcel.State)
    at = models.DateTimeField(_("lúc"))
    note = models.CharField(_("ghi chú"), max_length=200, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("hành trình bưu gửi")
        verbose_name_plural = _("hành trình bưu gửi")
        ordering = ("at", "pk")
        constraints = (
            models.UniqueConstraint(fields=("parcel", "state", "at"), name="parcel_event_once"),
        )

    def __str__(self) -> str:
        return f"{self.parcel_id} {self.state}"


class Collection(models.Model):
    """A result that waits at the desk, and who came for it.

    The code stands on the citizen's page and in the notice; whoever shows it, or a card, may
    collect. Made when the result is ready for the desk, once per dossier.
    """

    class Proof(models.TextChoices):
        CODE = "code", _("Mã nhận kết quả")
        CARD = "card", _("Thẻ căn cước")
        RECEIPT = "receipt", _("Giấy hẹn trả kết quả")

    class Collector(models.TextChoices):
        SELF = "self", _("Người có hồ sơ")
        AUTHORISED = "authorised", _("Người được ủy quyền")

    dossier = models.OneToOneField(Dossier, models.PROTECT, related_name="collection")
    code = models.CharField(_("mã nhận kết quả"), max_length=8)
    ready_at = models.DateTimeField(_("sẵn sàng từ"))
    reminded_at = models.DateTimeField(_("nhắc lúc"), null=True)
    reminders = models.PositiveSmallIntegerField(_("số lần nhắc"), default=0)
    collected_at = models.DateTimeField(_("đã nhận lúc"), null=True)
    proof = models.CharField(_("đã đối chiếu"), max_length=8, choices=Proof, blank=True)
    collector = models.CharField(_("người đến nhận"), max_length=10, choices=Collector, blank=True)
    collector_name = models.CharField(_("họ tên người nhận"), max_length=200, blank=True)
    collector_number = models.CharField(_("bốn số cuối thẻ căn cước"), max_length=4, blank=True)
    mandate = models.CharField(_("giấy ủy quyền"), max_length=200, blank=True)
    handed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        verbose_name = _("nhận kết quả tại quầy")
        verbose_name_plural = _("nhận kết quả tại quầy")
        indexes = (
            models.Index(
                fields=("ready_at",), condition=Q(collected_at=None), name="collection_waiting"
            ),
        )

    def __str__(self) -> str:
        return f"#{self.dossier_id}"
