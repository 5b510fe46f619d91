"""What the counter keeps: originals, numbers reserved for a power cut, the register."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from dossiers.models.dossier import Dossier
from procedures.models import Agency


class Original(models.Model):
    """One original that was laid on the counter: seen, perhaps kept (where), and given back.

    `document` is the key of a paper of the procedure; a paper that is only shown is neither
    kept nor copied.
    """

    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="originals")
    document = models.CharField(_("giấy tờ"), max_length=120)
    name = models.CharField(_("tên giấy tờ"), max_length=300)
    seen_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    seen_at = models.DateTimeField(_("đối chiếu lúc"), auto_now_add=True)
    is_kept = models.BooleanField(_("cơ quan giữ"), default=False)
    place = models.CharField(_("để ở đâu"), max_length=120, blank=True)
    given_back_at = models.DateTimeField(_("trả lại lúc"), null=True)
    given_back_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    given_back_to = models.CharField(_("người nhận lại"), max_length=120, blank=True)

    class Meta:
        verbose_name = _("bản chính")
        verbose_name_plural = _("bản chính")
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(fields=("dossier", "document"), name="original_once_per_paper"),
            models.CheckConstraint(
                condition=Q(is_kept=False) | ~Q(place=""), name="original_kept_somewhere"
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk}"


class ReservedCode(models.Model):
    """A dossier code printed ahead for a day without electricity, and what was entered under it.

    Taken from the same counter as all others, so none is given twice; one that nobody used
    is explained, not given to another day.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="reserved_codes")
    day = models.DateField(_("ngày"))
    code = models.CharField(_("mã hồ sơ"), max_length=40, unique=True)
    reserved_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reserved_at = models.DateTimeField(auto_now_add=True)
    dossier = models.OneToOneField(Dossier, models.PROTECT, null=True, related_name="reserved_code")

    class Meta:
        verbose_name = _("mã dự phòng")
        verbose_name_plural = _("mã dự phòng")
        ordering = ("code",)
        indexes = (
            models.Index(
                fields=("agency", "day"), condition=Q(dossier=None), name="reserved_code_free"
            ),
        )

    def __str__(self) -> str:
        return self.code


class RegisterEntry(models.Model):
    """The line of a dossier in the register (sổ theo dõi hồ sơ) of the office that took it in.

    Numbers run without gaps from 1 in each office and year (Circular 01/2018, art. 10).
    """

    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="register_entries")
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField()
    number = models.PositiveIntegerField(_("số thứ tự"))
    entered_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("dòng sổ theo dõi")
        verbose_name_plural = _("sổ theo dõi hồ sơ")
        ordering = ("agency", "year", "number")
        constraints = (
            models.UniqueConstraint(
                fields=("agency", "year", "number"), name="register_number_once"
            ),
            models.UniqueConstraint(fields=("dossier", "agency"), name="register_entry_once"),
        )

    def __str__(self) -> str:
        return f"{self.agency_id} {self.year}/{self.number}"
