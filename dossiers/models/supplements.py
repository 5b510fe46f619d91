"""What the office asks a citizen to add."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from dossiers.models.dossier import Dossier


class SupplementRequest(models.Model):
    """One request, made once and in full, for what is still missing from a dossier.

    `documents` and `fields` name what is at fault, `notes` says of each what is wrong;
    `items` are further sentences. While the citizen works on it, changed sections are in
    `new_answers` (section id -> answer); sending moves them into the dossier and leaves
    what stood there before in `old_answers`, for the official to compare.
    """

    class Stage(models.TextChoices):
        RECEPTION = "reception", _("Tiếp nhận")
        HANDLING = "handling", _("Thẩm tra")

    dossier = models.ForeignKey(Dossier, models.CASCADE, related_name="supplement_requests")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    items = models.JSONField(_("nội dung cần bổ sung"), default=list)
    documents = models.JSONField(
        _("giấy tờ cần bổ sung"), default=list, help_text=_("Khóa của các giấy tờ.")
    )
    notes = models.JSONField(
        _("lời cho từng giấy tờ, từng ô"),
        default=dict,
        blank=True,
        help_text=_("Khóa của giấy tờ hoặc đường dẫn của câu hỏi -> chỗ sai."),
    )
    fields = models.JSONField(
        _("ô phải sửa"), default=list, blank=True, help_text=_("Đường dẫn của các câu hỏi.")
    )
    old_answers = models.JSONField(_("nội dung trước khi bổ sung"), default=dict, blank=True)
    new_answers = models.JSONField(_("nội dung đang sửa"), default=dict, blank=True)
    explanations = models.JSONField(
        _("lời giải thích của công dân"),
        default=dict,
        blank=True,
        help_text=_("Khóa của giấy tờ không bổ sung được -> vì sao."),
    )
    reason = models.TextField(_("lý do"))
    stage = models.CharField(
        _("ở khâu"),
        max_length=10,
        choices=Stage,
        default=Stage.RECEPTION,
        help_text=_("Mỗi khâu chỉ được yêu cầu bổ sung một lần."),
    )
    is_further = models.BooleanField(_("thêm lần nữa ở khâu này"), default=False)
    is_late = models.BooleanField(_("sau thời gian cho phép"), default=False)
    allowed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    allowed_reason = models.TextField(_("lý do của lãnh đạo"), blank=True)
    due_at = models.DateTimeField(_("bổ sung trước"), null=True)
    answered_at = models.DateTimeField(null=True)
    answer = models.TextField(_("trả lời của công dân"), blank=True)

    class Meta:
        verbose_name = _("yêu cầu bổ sung")
        verbose_name_plural = _("yêu cầu bổ sung")
        ordering = ("asked_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("dossier",),
                condition=Q(answered_at=None),
                name="supplement_one_open_per_dossier",
            ),
        )
        indexes = (models.Index(fields=("asked_at",), name="supplement_asked"),)

    def __str__(self) -> str:
        return f"#{self.pk}"
