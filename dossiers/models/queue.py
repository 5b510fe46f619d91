"""What the officials' queue is searched by, and the views they keep of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from dossiers.models.dossier import Dossier


class SearchTerm(models.Model):
    """One folded word chain by which a filed dossier is found: a name, a number, a telephone.

    Searched by its beginning alone, so that the index answers: a name stands here forwards
    ("nguyen thi hoa") and backwards ("hoa thi nguyen"). See `dossiers.searching`.
    """

    dossier = models.ForeignKey(Dossier, models.CASCADE, related_name="search_terms")
    value = models.CharField(max_length=120)

    class Meta:
        verbose_name = _("từ tìm kiếm")
        verbose_name_plural = _("từ tìm kiếm")
        constraints = (
            models.UniqueConstraint(fields=("dossier", "value"), name="search_term_once"),
        )
        indexes = (
            # By its beginning, in any collation: PostgreSQL would not use a plain index.
            models.Index(
                fields=("value", "dossier"),
                opclasses=("varchar_pattern_ops", ""),
                name="search_term_value",
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk}"


class SavedView(models.Model):
    """A set of filters of the queue that an official keeps under a name of their own."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_views")
    name = models.CharField(_("tên"), max_length=60)
    query = models.CharField(_("bộ lọc"), max_length=500)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("bộ lọc đã lưu")
        verbose_name_plural = _("bộ lọc đã lưu")
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=("user", "name"), name="saved_view_name_once"),
        )

    def __str__(self) -> str:
        return self.name
