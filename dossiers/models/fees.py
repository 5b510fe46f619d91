"""Exemptions and reductions of fees: claimed by the citizen, confirmed by the office."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from dossiers.models.dossier import Dossier


class ExemptionClaim(models.Model):
    """That one fee of one dossier is waived or reduced, as the law on that fee provides.

    What is claimed (`fee`, `exemption`: keys of the revision) counts only once reception has
    confirmed it; until then the fee is not asked. One that is not confirmed is asked whole.
    """

    class Decision(models.TextChoices):
        CONFIRMED = "confirmed", _("Được miễn, giảm")
        REJECTED = "rejected", _("Không được miễn, giảm")

    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="exemption_claims")
    fee = models.CharField(_("khoản phí"), max_length=40)
    exemption = models.CharField(_("diện"), max_length=40)
    evidence = models.CharField(_("giấy tờ chứng minh"), max_length=200, blank=True)
    claimed_at = models.DateTimeField(_("đề nghị lúc"), auto_now_add=True)
    decision = models.CharField(_("quyết định"), max_length=9, choices=Decision, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(_("quyết định lúc"), null=True)
    reason = models.CharField(_("lý do"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("đề nghị miễn, giảm")
        verbose_name_plural = _("đề nghị miễn, giảm")
        ordering = ("claimed_at", "pk")
        constraints = (
            models.UniqueConstraint(fields=("dossier", "fee"), name="exemption_one_per_fee"),
        )

    def __str__(self) -> str:
        return f"{self.fee}: {self.exemption}"
